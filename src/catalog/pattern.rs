//! The pattern of an image store's URLs, inferred from a URL in the repository. It does not know whether a URL answers.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use jiff::civil::Date;

use crate::version::{KubernetesVersion, Minor, OsRelease, Sha256};

/// A pattern such as `https://store/images/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2`, or
/// `registry/kindest/node:v{version}` for container images.
///
/// `{version}` is `1.34.7`, `{minor}` is `1.34`, `{os}` is `ubuntu-2404`, and `{date}`, behind the version, is the day of the
/// build: `20260417` or `2026-04-17`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImagePattern(String);

/// Why a URL or a text gives no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The URL carries no Kubernetes version.
    #[error("no Kubernetes version in `{url}`")]
    NoVersion {
        /// The URL as found.
        url: String,
    },
    /// The name carries several versions, and nothing says which of them is that of Kubernetes.
    #[error("several versions in `{url}`, and no `kube-` or `v` says which is that of Kubernetes")]
    SeveralVersions {
        /// The URL as found.
        url: String,
    },
    /// The pattern has no place for the version.
    #[error("no `{{version}}` in the image pattern `{pattern}`")]
    NoPlaceholder {
        /// The pattern as found.
        pattern: String,
    },
}

/// What an image URL says of its image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUrl {
    /// The Kubernetes version in its last segment.
    pub version: KubernetesVersion,
    /// The operating-system release before `-kube-`.
    pub os: Option<OsRelease>,
    /// The minor of its directory, where it has one.
    pub directory_minor: Option<Minor>,
    /// The digest behind a container image's tag.
    pub digest: Option<Sha256>,
    /// The day of the build, where the name carries it.
    pub date: Option<NameDate>,
}

/// A day as an image's name spells it: `20260417` or `2026-04-17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameDate {
    day: Date,
    has_dashes: bool,
}

impl NameDate {
    const PLAIN: &str = "%Y%m%d";
    const DASHED: &str = "%Y-%m-%d";

    /// Returns the day.
    pub fn day(self) -> Date {
        self.day
    }

    /// Reads `20260417` or `2026-04-17` as a day on which an image of Kubernetes may have been built.
    fn read(text: &str) -> Option<Self> {
        let form = match text.len() {
            8 => Self::PLAIN,
            10 => Self::DASHED,
            _ => return None,
        };
        let day = Date::strptime(form, text).ok()?;
        let date = Self {
            day,
            has_dashes: form == Self::DASHED,
        };
        // Kubernetes is from 2014. The parser takes white space and signs too.
        let is_exact = (2014..2100).contains(&day.year()) && date.to_string() == text;
        is_exact.then_some(date)
    }

    /// Returns another day in the same spelling.
    #[must_use]
    pub fn on(self, day: Date) -> Self {
        Self { day, ..self }
    }
}

impl fmt::Display for NameDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = if self.has_dashes {
            Self::DASHED
        } else {
            Self::PLAIN
        };
        self.day.strftime(form).fmt(f)
    }
}

impl ImagePattern {
    /// Reads an image's URL, or a container image's name with its tag.
    pub fn read_url(url: &str) -> Result<ImageUrl, PatternError> {
        let (name, digest) = split_digest(url);
        let parts = Parts::of(name)?;
        Ok(ImageUrl {
            version: parts.version,
            directory_minor: parts.minor.map(|(_, minor)| minor),
            os: parts.os.map(|(_, os)| os),
            digest,
            date: parts.date.map(|(_, date)| date),
        })
    }

    /// Infers the pattern that an image's URL, or a container image's name with its tag, follows. A digest behind the tag
    /// belongs to one image, and to no pattern.
    pub fn of_url(url: &str) -> Result<Self, PatternError> {
        let (name, _) = split_digest(url);
        let parts = Parts::of(name)?;
        let mut places = vec![(parts.version_place, "{version}")];
        if let Some((place, _)) = parts.os {
            places.extend(parts.os_in_directory.map(|place| (place, "{os}")));
            places.push((place, "{os}"));
        }
        places.extend(parts.minor.map(|(place, _)| (place, "{minor}")));
        let others = parts.version_in_directories.into_iter();
        places.extend(others.map(|place| (place, "{version}")));
        places.extend(parts.date.map(|(place, _)| (place, DATE)));
        places.sort_unstable_by_key(|(place, _)| place.start);
        let mut pattern = String::with_capacity(name.len());
        let mut from = 0;
        for (place, placeholder) in places {
            pattern.push_str(&name[from..place.start]);
            pattern.push_str(placeholder);
            from = place.end;
        }
        pattern.push_str(&name[from..]);
        Ok(Self(pattern))
    }

    /// Returns what stands behind the version of a name, and behind its day where it carries one, up to the ending.
    pub(super) fn behind_version(name: &str) -> Option<&str> {
        let parts = Parts::of(name).ok()?;
        let of_date = parts.date.map_or(0, |(place, _)| place.end);
        let behind = &name[parts.version_place.end.max(of_date)..];
        behind.split('.').next()
    }

    /// Returns the pattern of the last segment without its ending: what names an image in a store, `{os}-kube-v{version}`.
    pub fn stem(&self) -> &str {
        let file = self.0.rsplit('/').next().unwrap_or_default();
        let version = file.rfind('}').map_or(0, |end| end + 1);
        let ending = file[version..].find('.').map(|dot| version + dot);
        &file[..ending.unwrap_or(file.len())]
    }

    /// Returns a URL of the pattern that stands for all of its images, and names no operating system that the pattern leaves
    /// open.
    pub fn example(&self) -> String {
        let filled = self.0.replace("{version}", "1.0.0");
        let filled = filled.replace("{minor}", "1.0").replace("{os}", "os-1");
        filled.replace(DATE, "20200101")
    }

    /// Returns the host, or the registry, that the URLs begin with; nothing for a bare name.
    pub fn host(&self) -> Option<&str> {
        let rest = self.0.split_once("://").map_or(&*self.0, |(_, rest)| rest);
        rest.split_once('/').map(|(host, _)| host)
    }

    /// Reads a URL that follows this pattern; nothing where it does not. The minor of its directory may be another one.
    pub fn read(&self, url: &str) -> Option<ImageUrl> {
        let (name, digest) = split_digest(url);
        let read = Followed::default().follow(&self.0, name)?;
        Some(ImageUrl { digest, ..read })
    }

    /// Returns the URL of an image; a pattern with `{os}` needs the operating-system release. Nothing where the names carry the
    /// day of the build, which nobody knows of an image that was not seen.
    pub fn url(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> Option<String> {
        (!self.has_date()).then(|| self.fill(version, os))
    }

    /// Returns the URL of an image that was built on that day; a pattern without a day leaves it out.
    pub fn dated_url(
        &self,
        version: KubernetesVersion,
        os: Option<&OsRelease>,
        date: NameDate,
    ) -> String {
        self.fill(version, os).replace(DATE, &date.to_string())
    }

    fn fill(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> String {
        let filled = self
            .0
            .replace("{version}", &version.plain())
            .replace("{minor}", &version.minor().to_string());
        match os {
            Some(os) => filled.replace("{os}", &os.to_string()),
            None => filled,
        }
    }

    /// Tells whether the names carry the day of the build: such images are found by a listing alone.
    pub fn has_date(&self) -> bool {
        self.0.contains(DATE)
    }

    /// Tells whether the URLs name an operating-system release.
    pub fn has_os(&self) -> bool {
        self.0.contains("{os}")
    }

    /// Returns the part of the URLs before the first placeholder's segment, with a slash at its end.
    pub fn base(&self) -> &str {
        let first = self.0.find('{').unwrap_or(self.0.len());
        &self.0[..self.0[..first].rfind('/').map_or(0, |slash| slash + 1)]
    }

    /// Returns what names the store to people: the base of its URLs, or the container image's name.
    pub fn base_or_name(&self) -> &str {
        if self.is_container_image() {
            self.repository_and_tag().0
        } else {
            self.base()
        }
    }

    /// Returns a container image's name and the template of its tags. A registry's port is part of the name.
    pub fn repository_and_tag(&self) -> (&str, &str) {
        let last = self.0.rfind('/').map_or(0, |slash| slash + 1);
        match self.0[last..].split_once(':') {
            Some((name, tag)) => (&self.0[..last + name.len()], tag),
            None => (&self.0, ""),
        }
    }

    /// Tells whether this names container images in a registry instead of files in a store.
    pub fn is_container_image(&self) -> bool {
        !self.0.contains("://")
    }

    /// Returns the pattern's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether two names differ in nothing but blanks, dashes and underscores.
    pub fn is_spelled_like(&self, other: &Self) -> bool {
        let plain = |c: u8| if matches!(c, b' ' | b'_') { b'-' } else { c };
        self.0.bytes().map(plain).eq(other.0.bytes().map(plain))
    }
}

impl FromStr for ImagePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        const VERSION: &str = "{version}";
        let last = text.rfind(VERSION).map(|start| start + VERSION.len());
        let behind_version = last.ok_or_else(|| PatternError::NoPlaceholder {
            pattern: text.to_owned(),
        })?;
        // Whoever writes a pattern takes a name that is there and may leave its day in: it stands for any.
        Ok(match find_date(text, behind_version..text.len()) {
            Some((place, _)) => Self([&text[..place.start], DATE, &text[place.end..]].concat()),
            None => Self(text.to_owned()),
        })
    }
}

impl fmt::Display for ImagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for ImagePattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ImagePattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Splits `kindest/node:v1.34.0@sha256:...` into the name with its tag and the digest.
fn split_digest(reference: &str) -> (&str, Option<Sha256>) {
    match reference.split_once('@') {
        Some((name, digest)) if digest.starts_with("sha256:") => (name, digest.parse().ok()),
        Some(_) | None => (reference, None),
    }
}

/// The placeholder of the day of the build.
const DATE: &str = "{date}";

/// What has been read of a URL so far, from its beginning.
#[derive(Debug, Clone, Default)]
struct Followed {
    version: Option<KubernetesVersion>,
    os: Option<OsRelease>,
    minor: Option<Minor>,
    date: Option<NameDate>,
}

impl Followed {
    /// Reads the rest of a URL by the rest of a pattern. A placeholder takes as much as it can.
    fn follow(self, pattern: &str, url: &str) -> Option<ImageUrl> {
        let known = ["{version}", "{os}", "{minor}", DATE];
        let Some(name) = known.into_iter().find(|name| pattern.starts_with(name)) else {
            let Some(next) = pattern.chars().next() else {
                return self.finish(url);
            };
            return self.follow(&pattern[next.len_utf8()..], url.strip_prefix(next)?);
        };
        let longest = url.bytes().take_while(|byte| is_of_value(*byte)).count();
        (1..=longest).rev().find_map(|length| {
            let with = self.with(name, &url[..length])?;
            with.follow(&pattern[name.len()..], &url[length..])
        })
    }

    /// Adds what a placeholder stands for, which has to be the same wherever it occurs.
    fn with(&self, name: &str, text: &str) -> Option<Self> {
        let mut with = self.clone();
        let is_same = match name {
            "{version}" => {
                let version: KubernetesVersion = text.parse().ok()?;
                version.plain() == text && *with.version.get_or_insert(version) == version
            }
            "{minor}" => {
                let minor: Minor = text.parse().ok()?;
                minor.to_string() == text && *with.minor.get_or_insert(minor) == minor
            }
            "{os}" => {
                let os: OsRelease = text.parse().ok()?;
                os.to_string() == text && *with.os.get_or_insert_with(|| os.clone()) == os
            }
            _ => {
                let date = NameDate::read(text)?;
                *with.date.get_or_insert(date) == date
            }
        };
        is_same.then_some(with)
    }

    fn finish(self, rest: &str) -> Option<ImageUrl> {
        let version = self.version.filter(|_| rest.is_empty())?;
        Some(ImageUrl {
            version,
            os: self.os,
            directory_minor: self.minor,
            digest: None,
            date: self.date,
        })
    }
}

/// What an image's URL is made of, and where in it.
struct Parts {
    version: KubernetesVersion,
    version_place: Range<usize>,
    /// Where directories name the same version in full.
    version_in_directories: Vec<Range<usize>>,
    os: Option<(Range<usize>, OsRelease)>,
    os_in_directory: Option<Range<usize>>,
    /// The minor of the last directory.
    minor: Option<(Range<usize>, Minor)>,
    /// The day behind the version.
    date: Option<(Range<usize>, NameDate)>,
}

impl Parts {
    fn of(url: &str) -> Result<Self, PatternError> {
        let file = url.rfind('/').map_or(0, |slash| slash + 1);
        let (version_place, version) = find_version(url, file)?;
        let os =
            find_os(&url[file..version_place.start]).map(|(length, os)| (file..file + length, os));
        let directory_end = file.saturating_sub(1);
        let directory = url[..directory_end].rfind('/').map_or(0, |slash| slash + 1)..directory_end;
        let os_in_directory = os.as_ref().and_then(|(token, _)| {
            let start = directory.start + url[directory.clone()].find(&url[token.clone()])?;
            Some(start..start + token.len())
        });
        // The digits of an operating-system release are no minor.
        let minor = match &os_in_directory {
            Some(token) => find_last(url, token.end..directory.end)
                .or_else(|| find_last(url, directory.start..token.start)),
            None => find_last(url, directory),
        };
        Ok(Self {
            date: find_date(url, version_place.end..url.len()),
            version,
            version_in_directories: find_all(url, 0..file, &version.plain()),
            version_place,
            os,
            os_in_directory,
            minor,
        })
    }
}

/// Finds the Kubernetes version of a name that may carry others too, as `flatcar-4459.2.1-kube-1.34.6-tooling-1.26.2` does:
/// the one behind `kube-` or the like, else the one with a `v`, else the only one of Kubernetes' major, else the only one.
fn find_version(url: &str, file: usize) -> Result<(Range<usize>, KubernetesVersion), PatternError> {
    let mut found: Vec<Numbered> = Vec::new();
    let mut end = url.len();
    while let Some((place, version)) = find_last(url, file..end) {
        end = place.start;
        let mark = Mark::of(&url[file..place.start], version);
        found.push(Numbered {
            place,
            version,
            mark,
        });
    }
    let Some(best) = found.iter().map(|one| one.mark).min() else {
        let url = url.to_owned();
        return Err(PatternError::NoVersion { url });
    };
    found.retain(|one| one.mark == best);
    let chosen = found.swap_remove(0);
    // The same version twice is one version.
    if found.iter().any(|other| other.version != chosen.version) {
        let url = url.to_owned();
        return Err(PatternError::SeveralVersions { url });
    }
    Ok((chosen.place, chosen.version))
}

/// A version in a name, and what says whose it is.
struct Numbered {
    place: Range<usize>,
    version: KubernetesVersion,
    mark: Mark,
}

/// What stands before a version and says whose it is, the surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    /// `kube-`, `kube-v`, `k8s_v`, `kubernetes-`.
    Kubernetes,
    /// A `v`, as in `v1.34.7`.
    Version,
    /// Nothing but the major number that Kubernetes has.
    Major,
    /// Nothing.
    None,
}

impl Mark {
    fn of(before: &str, version: KubernetesVersion) -> Self {
        let without_v = before.strip_suffix(['v', 'V']);
        let named = without_v
            .unwrap_or(before)
            .trim_end_matches(['-', '_', '.']);
        if ["kube", "k8s", "kubernetes"]
            .iter()
            .any(|name| ends_with_word(named, name))
        {
            Self::Kubernetes
        } else if without_v.is_some_and(ends_no_word) {
            Self::Version
        } else if version.minor().major() == 1 {
            Self::Major
        } else {
            Self::None
        }
    }
}

/// Tells whether a text ends with a word, in any case.
fn ends_with_word(text: &str, word: &str) -> bool {
    let start = text.len().checked_sub(word.len());
    let end = start.and_then(|start| text.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(word))
}

fn ends_no_word(text: &str) -> bool {
    !text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// Finds every place of a text that neither digits nor dots extend.
fn find_all(text: &str, within: Range<usize>, wanted: &str) -> Vec<Range<usize>> {
    let numeric = |c: char| c.is_ascii_digit() || c == '.';
    let found = text[within.clone()].match_indices(wanted);
    let places = found.map(|(at, _)| within.start + at..within.start + at + wanted.len());
    places
        .filter(|place| {
            !text[..place.start].ends_with(numeric) && !text[place.end..].starts_with(numeric)
        })
        .collect()
}

/// Tells whether a placeholder may stand for this character.
fn is_of_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

/// Finds the last run of digits and dots that reads as a value: its place and the value.
fn find_last<T: FromStr>(text: &str, within: Range<usize>) -> Option<(Range<usize>, T)> {
    let mut end = within.end;
    while let Some(last) = text[within.start..end].rfind(|c: char| c.is_ascii_digit()) {
        let last = within.start + last + 1;
        let numeric = |c: char| c.is_ascii_digit() || c == '.';
        let run = text[within.start..last].trim_end_matches(numeric).len() + within.start;
        let start = last - text[run..last].trim_start_matches('.').len();
        if let Ok(value) = text[start..last].parse() {
            return Some((start..last, value));
        }
        end = run;
    }
    None
}

/// Finds the first day that stands between separators. Eight digits of a checksum or of a build number are none.
fn find_date(text: &str, within: Range<usize>) -> Option<(Range<usize>, NameDate)> {
    let bytes = text.as_bytes();
    within.clone().skip(1).find_map(|start| {
        if !matches!(bytes[start - 1], b'-' | b'_' | b'.' | b'+') {
            return None;
        }
        [10, 8].into_iter().find_map(|length| {
            let end = start + length;
            let is_whole = bytes
                .get(end)
                .is_none_or(|next| !next.is_ascii_alphanumeric());
            let date = NameDate::read(text.get(start..end)?)?;
            (is_whole && end <= within.end).then_some((start..end, date))
        })
    })
}

/// Finds the operating-system release in what stands before the version: `ubuntu-2404-kube-v` gives `ubuntu-2404`.
fn find_os(before_version: &str) -> Option<(usize, OsRelease)> {
    let (token, _) = before_version.split_once("-kube-")?;
    Some((token.len(), token.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> (ImageUrl, ImagePattern) {
        (
            ImagePattern::read_url(url).unwrap(),
            ImagePattern::of_url(url).unwrap(),
        )
    }

    #[test]
    fn infers_the_pattern_of_a_store_with_directories() {
        let url =
            "https://store.example/images/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.7.qcow2";
        let (read, pattern) = read(url);
        assert_eq!(
            pattern.as_str(),
            "https://store.example/images/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2"
        );
        assert_eq!(pattern.base(), "https://store.example/images/");
        assert_eq!(read.directory_minor, Some(Minor::new(1, 34)));
        let again = pattern.url(read.version, read.os.as_ref());
        assert_eq!(again.as_deref(), Some(url));
    }

    #[test]
    fn infers_other_shapes() {
        let (flat, flat_pattern) =
            read("http://192.168.222.1/CENTOS_9_NODE_IMAGE_K8S_v1.29.0.qcow2");
        assert_eq!(
            flat_pattern.as_str(),
            "http://192.168.222.1/CENTOS_9_NODE_IMAGE_K8S_v{version}.qcow2"
        );
        assert_eq!(
            (flat.os, flat_pattern.base()),
            (None, "http://192.168.222.1/")
        );
        let (_, container_pattern) = read("registry.example/kindest/node:v1.30.10");
        assert_eq!(
            container_pattern.as_str(),
            "registry.example/kindest/node:v{version}"
        );
        assert!(container_pattern.is_container_image() && !container_pattern.has_os());
        let (_, capc_pattern) =
            read("http://p.example/images/kvm/ubuntu-2404-kube-v1.32.3-kvm.qcow2.bz2");
        assert_eq!(
            capc_pattern.as_str(),
            "http://p.example/images/kvm/{os}-kube-v{version}-kvm.qcow2.bz2"
        );
        assert_eq!(capc_pattern.base(), "http://p.example/images/kvm/");
    }

    #[test]
    fn digits_of_the_operating_system_are_no_minor() {
        let url = "https://s/v1.33-ubuntu-2404/ubuntu-2404-kube-v1.33.7-2.qcow2";
        let (read, pattern) = read(url);
        assert_eq!(read.directory_minor, Some(Minor::new(1, 33)));
        assert_eq!(
            pattern.as_str(),
            "https://s/v{minor}-{os}/{os}-kube-v{version}-2.qcow2"
        );
        let again = pattern.url(read.version, read.os.as_ref());
        assert_eq!(again.as_deref(), Some(url));
    }

    #[test]
    fn a_name_with_several_versions_is_taken_apart_by_its_words() {
        for (name, version, expected) in [
            (
                "flatcar-stable-4459.2.1-kube-1.34.6-tooling-1.26.2-gs",
                "v1.34.6",
                "flatcar-stable-4459.2.1-kube-{version}-tooling-1.26.2-gs",
            ),
            (
                "flatcar-4459.2.1-1.34.6",
                "v1.34.6",
                "flatcar-4459.2.1-{version}",
            ),
            (
                "node-1.2.3-v1.34.6+rke2r1",
                "v1.34.6",
                "node-1.2.3-v{version}+rke2r1",
            ),
            (
                "CENTOS_9_K8S_1.34.6_BUILD_v1.0.2",
                "v1.34.6",
                "CENTOS_9_K8S_{version}_BUILD_v1.0.2",
            ),
            (
                "https://s/v1.34.6/x/ubuntu-2404-kube-v1.34.6.qcow2",
                "v1.34.6",
                "https://s/v{version}/x/{os}-kube-v{version}.qcow2",
            ),
            (
                "r.example:5000/kindest/node:v1.34.0@sha256:7e44bebd89e219e70be5e1b351f35da7cc803ce9a7ff21044f4f38c273a4b835",
                "v1.34.0",
                "r.example:5000/kindest/node:v{version}",
            ),
        ] {
            let (read, pattern) = read(name);
            assert_eq!(read.version.to_string(), version, "{name}");
            assert_eq!(pattern.as_str(), expected, "{name}");
            assert_eq!(read.digest.is_some(), name.contains("@sha256"), "{name}");
        }
        for name in [
            "image-1.34.6-1.26.2",
            "v1.34.6-v1.33.2",
            "kube-1.2.3-k8s-1.34.6",
        ] {
            let error = ImagePattern::read_url(name).unwrap_err();
            assert!(
                matches!(error, PatternError::SeveralVersions { .. }),
                "{name}"
            );
        }
    }

    #[test]
    fn the_stem_is_what_names_an_image() {
        for (url, stem) in [
            (
                "https://s/d/ubuntu-2404-kube-v1.34.7.qcow2",
                "{os}-kube-v{version}",
            ),
            (
                "https://s/ubuntu-2404-kube-v1.34.7-kvm.qcow2.bz2",
                "{os}-kube-v{version}-kvm",
            ),
            ("ubuntu-capi-image-v1.34.7", "ubuntu-capi-image-v{version}"),
        ] {
            assert_eq!(ImagePattern::of_url(url).unwrap().stem(), stem);
        }
    }

    #[test]
    fn a_directory_of_another_minor_is_told() {
        let (read, _) = read("https://s/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.33.7.qcow2");
        assert_eq!(
            (read.directory_minor, read.version.minor()),
            (Some(Minor::new(1, 34)), Minor::new(1, 33))
        );
    }

    #[test]
    fn a_day_behind_the_version_is_the_builds() {
        for (name, shape) in [
            (
                "ubuntu-2404-kube-v1.34.7-20260417.qcow2",
                "{os}-kube-v{version}-{date}.qcow2",
            ),
            (
                "node_v1.34.7_2026-04-17_amd64.raw",
                "node_v{version}_{date}_amd64.raw",
            ),
            ("node-v1.34.7-gpu-20260417", "node-v{version}-gpu-{date}"),
        ] {
            let url = format!("https://s/b/{name}");
            let (found, pattern) = read(&url);
            assert_eq!(pattern.as_str(), format!("https://s/b/{shape}"));
            let date = found.date.unwrap();
            assert_eq!(date.day(), jiff::civil::date(2026, 4, 17));
            // Nobody can know the day of a build that was not seen.
            assert_eq!(pattern.url(found.version, found.os.as_ref()), None);
            assert_eq!(
                pattern.dated_url(found.version, found.os.as_ref(), date),
                url
            );
            assert_eq!(pattern.read(&url), Some(found));
            // A pattern that was copied from a name means any day.
            let copied = url.replace("1.34.7", "{version}");
            assert_eq!(copied.replace("ubuntu-2404", "{os}").parse(), Ok(pattern));
        }
        for name in [
            "node-v1.34.7-20261317.qcow2",
            "node-v1.34.7-202604171.qcow2",
            "node-v1.34.7-12345678.qcow2",
            "node-v1.34.7-2026-4-17.qcow2",
            "node-v1.34.7-g20260417.qcow2",
            "20260417-node-v1.34.7.qcow2",
            "node:v1.34.7@sha256:20260417",
        ] {
            let (found, pattern) = read(&format!("https://s/b/{name}"));
            assert!(found.date.is_none() && !pattern.has_date(), "{name}");
        }
    }

    #[test]
    fn what_follows_a_pattern_is_told_from_what_does_not() {
        // Not every pattern of a configuration is one that would be inferred.
        let pattern: ImagePattern = "https://s/{minor}/{os}_{version}-1.2.3.raw"
            .parse()
            .unwrap();
        let read = pattern
            .read("https://s/1.33/ubuntu-2404_1.34.7-1.2.3.raw")
            .unwrap();
        assert_eq!(read.version.to_string(), "v1.34.7");
        assert_eq!(read.os.unwrap().to_string(), "ubuntu-2404");
        assert_eq!(read.directory_minor, Some(Minor::new(1, 33)));
        for url in [
            "https://s/1.34/ubuntu-2404_1.34.7-1.2.4.raw",
            "https://s/1.34/ubuntu-2404_v1.34.7-1.2.3.raw",
            "https://s/1.34/ubuntu-2404_1.34-1.2.3.raw",
            "https://s/1.34/ubuntu_1.34.7-1.2.3.raw",
            "https://s/1.34/ubuntu-2404_1.34.7-1.2.3.raw.CHECKSUM",
            "",
        ] {
            assert_eq!(pattern.read(url), None, "{url}");
        }
        let twice: ImagePattern = "https://s/{os}-{minor}/{os}-{version}".parse().unwrap();
        assert!(
            twice
                .read("https://s/ubuntu-2404-1.34/ubuntu-2404-1.34.7")
                .is_some()
        );
        assert!(
            twice
                .read("https://s/ubuntu-2204-1.34/ubuntu-2404-1.34.7")
                .is_none()
        );
    }

    #[test]
    fn a_registry_keeps_its_port() {
        for name in [
            "kindest/node",
            "127.0.0.1:5000/kindest/node",
            "registry.example.org:5000/node",
        ] {
            let pattern: ImagePattern = format!("{name}:v{{version}}").parse().unwrap();
            assert_eq!(pattern.base_or_name(), name);
            assert_eq!(pattern.repository_and_tag(), (name, "v{version}"));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_read_without_harm(name in r"[a-z0-9./ü_+-]{0,12}v?1\.34\.7[0-9ü._+-]{0,24}") {
            let _ = ImagePattern::read_url(&name);
            let _ = name.replace("1.34.7", "{version}").parse::<ImagePattern>();
        }
    }

    #[test]
    fn a_url_without_version_is_an_error() {
        for url in [
            "https://store.example/latest.qcow2",
            "",
            "https://store.example/",
            "https://s/v1.34/image.qcow2",
        ] {
            assert!(ImagePattern::read_url(url).is_err(), "{url}");
            assert!(ImagePattern::of_url(url).is_err(), "{url}");
        }
        assert!("https://store/{os}".parse::<ImagePattern>().is_err());
    }
}

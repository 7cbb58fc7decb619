//! The pattern of an image store's URLs, inferred from a URL in the repository. It does not know whether a URL answers.

mod date;
mod follow;
mod parts;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::version::{KubernetesVersion, Minor, OsRelease, Sha256, WrongText, serde_as_text};
pub use date::NameDate;
use date::find_date;
use follow::Followed;
use parts::Parts;

/// A part of a URL, and what it says.
#[derive(Debug, Clone)]
struct Found<T> {
    place: Range<usize>,
    value: T,
}

/// The placeholder of the day of the build.
const DATE: &str = "{date}";

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
    #[error("several versions in `{url}`, and no `kube-` or `v` marks that of Kubernetes")]
    SeveralVersions {
        /// The URL as found.
        url: String,
    },
    /// The pattern has no place for the version.
    #[error("expected an image URL with `{{version}}` in it")]
    NoPlaceholder,
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

impl ImagePattern {
    /// Reads an image's URL, or a container image's name with its tag.
    pub fn read_url(url: &str) -> Result<ImageUrl, PatternError> {
        let (name, digest) = split_digest(url);
        let parts = Parts::of(name)?;
        Ok(ImageUrl {
            version: parts.version.value,
            directory_minor: parts.minor.map(|found| found.value),
            os: parts.os.map(|found| found.value),
            digest,
            date: parts.date.map(|found| found.value),
        })
    }

    /// Infers the pattern that an image's URL, or a container image's name with its tag, follows. A digest behind the tag
    /// belongs to one image, and to no pattern.
    pub fn of_url(url: &str) -> Result<Self, PatternError> {
        let (name, _) = split_digest(url);
        let parts = Parts::of(name)?;
        let mut places = vec![(parts.version.place, "{version}")];
        if let Some(os) = parts.os {
            places.extend(parts.os_in_directory.map(|place| (place, "{os}")));
            places.push((os.place, "{os}"));
        }
        places.extend(parts.minor.map(|minor| (minor.place, "{minor}")));
        let others = parts.version_in_directories.into_iter();
        places.extend(others.map(|place| (place, "{version}")));
        places.extend(parts.date.map(|date| (date.place, DATE)));
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
        let of_date = parts.date.map_or(0, |date| date.place.end);
        let behind = &name[parts.version.place.end.max(of_date)..];
        behind.split('.').next()
    }

    /// Returns the pattern of the last segment without its ending: what names an image in a store, `{os}-kube-v{version}`.
    pub(crate) fn stem(&self) -> &str {
        let file = self.0.rsplit('/').next().unwrap_or_default();
        // Dots before the version are no ending: `flatcar-4459.2.1-kube-{version}.qcow2`.
        let version = file.rfind('}').map_or(0, |end| end + 1);
        let ending = file[version..].find('.').map(|dot| version + dot);
        &file[..ending.unwrap_or(file.len())]
    }

    /// Returns a URL of the pattern that stands for all of its images, and names no operating system that the pattern leaves
    /// open.
    pub fn example(&self) -> String {
        self.0
            .replace("{version}", "1.0.0")
            .replace("{minor}", "1.0")
            .replace("{os}", "os-1")
            .replace(DATE, "20200101")
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
    pub(crate) fn dated_url(
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
    pub(crate) fn has_date(&self) -> bool {
        self.0.contains(DATE)
    }

    /// Tells whether the URLs name an operating-system release.
    pub(crate) fn has_os(&self) -> bool {
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
    pub(crate) fn repository_and_tag(&self) -> (&str, &str) {
        let last = self.0.rfind('/').map_or(0, |slash| slash + 1);
        match self.0[last..].split_once(':') {
            Some((name, tag)) => (&self.0[..last + name.len()], tag),
            None => (&self.0, ""),
        }
    }

    /// Tells whether this names container images in a registry instead of files in a store.
    pub(crate) fn is_container_image(&self) -> bool {
        !self.0.contains("://")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether two names differ in nothing but blanks, dashes and underscores.
    pub(crate) fn is_spelled_like(&self, other: &Self) -> bool {
        let own = self.0.bytes().map(with_dash);
        own.eq(other.0.bytes().map(with_dash))
    }
}

fn with_dash(byte: u8) -> u8 {
    if matches!(byte, b' ' | b'_') {
        b'-'
    } else {
        byte
    }
}

impl FromStr for ImagePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        const VERSION: &str = "{version}";
        let last = text.rfind(VERSION).map(|start| start + VERSION.len());
        let behind_version = last.ok_or(PatternError::NoPlaceholder)?;
        // Whoever writes a pattern takes a name that is there and may leave its day in: it stands for any.
        Ok(match find_date(text, behind_version..text.len()) {
            Some(Found { place, .. }) => {
                Self([&text[..place.start], DATE, &text[place.end..]].concat())
            }
            None => Self(text.to_owned()),
        })
    }
}

impl fmt::Display for ImagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(ImagePattern);

impl WrongText for PatternError {
    fn into_serde<E: serde::de::Error>(self, _: &str) -> E {
        E::custom(self)
    }
}

/// Splits `kindest/node:v1.34.0@sha256:...` into the name with its tag and the digest.
fn split_digest(reference: &str) -> (&str, Option<Sha256>) {
    match reference.split_once('@') {
        Some((name, digest)) if digest.starts_with("sha256:") => (name, digest.parse().ok()),
        Some(_) | None => (reference, None),
    }
}

//! The pattern of an image store's URLs, inferred from a URL in the repository. It does not know whether a URL answers.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::version::{KubernetesVersion, Minor, OsRelease};

/// A pattern such as `https://store/images/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2`, or
/// `registry/kindest/node:v{version}` for container images.
///
/// `{version}` is `1.34.7`, `{minor}` is `1.34`, `{os}` is `ubuntu-2404`.
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
}

impl ImagePattern {
    /// Reads an image's URL, or a container image's name with its tag.
    pub fn read_url(url: &str) -> Result<ImageUrl, PatternError> {
        let parts = Parts::of(url)?;
        Ok(ImageUrl {
            version: parts.version,
            directory_minor: parts.minor.map(|(_, minor)| minor),
            os: parts.os.map(|(_, os)| os),
        })
    }

    /// Infers the pattern that an image's URL, or a container image's name with its tag, follows.
    pub fn of_url(url: &str) -> Result<Self, PatternError> {
        let parts = Parts::of(url)?;
        let mut places = vec![(parts.version_place, "{version}")];
        if let Some((place, _)) = parts.os {
            places.extend(parts.os_in_directory.map(|place| (place, "{os}")));
            places.push((place, "{os}"));
        }
        places.extend(parts.minor.map(|(place, _)| (place, "{minor}")));
        places.sort_unstable_by_key(|(place, _)| place.start);
        let mut pattern = String::with_capacity(url.len());
        let mut from = 0;
        for (place, placeholder) in places {
            pattern.push_str(&url[from..place.start]);
            pattern.push_str(placeholder);
            from = place.end;
        }
        pattern.push_str(&url[from..]);
        Ok(Self(pattern))
    }

    /// Returns the URL of an image; a pattern with `{os}` needs the operating-system release.
    pub fn url(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> String {
        let filled = self
            .0
            .replace("{version}", &version.plain())
            .replace("{minor}", &version.minor().to_string());
        match os {
            Some(os) => filled.replace("{os}", &os.to_string()),
            None => filled,
        }
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
            self.0.split(':').next().unwrap_or_default()
        } else {
            self.base()
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
}

impl FromStr for ImagePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.contains("{version}") {
            Ok(Self(text.to_owned()))
        } else {
            Err(PatternError::NoPlaceholder {
                pattern: text.to_owned(),
            })
        }
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

/// What an image's URL is made of, and where in it.
struct Parts {
    version: KubernetesVersion,
    version_place: Range<usize>,
    os: Option<(Range<usize>, OsRelease)>,
    os_in_directory: Option<Range<usize>>,
    /// The minor of the last directory.
    minor: Option<(Range<usize>, Minor)>,
}

impl Parts {
    fn of(url: &str) -> Result<Self, PatternError> {
        let file = url.rfind('/').map_or(0, |slash| slash + 1);
        let (version_place, version) =
            find_last(url, file..url.len()).ok_or_else(|| PatternError::NoVersion {
                url: url.to_owned(),
            })?;
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
            version,
            version_place,
            os,
            os_in_directory,
            minor,
        })
    }
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
        assert_eq!(pattern.url(read.version, read.os.as_ref()), url);
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
        assert_eq!(pattern.url(read.version, read.os.as_ref()), url);
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

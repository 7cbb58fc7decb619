//! The pattern of an image store's URLs, inferred from a URL in the repository. It does not know whether a URL answers.

use std::fmt;
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
    /// The pattern the URL follows.
    pub pattern: ImagePattern,
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
        let error = || PatternError::NoVersion {
            url: url.to_owned(),
        };
        let file_start = url.rfind('/').map_or(0, |slash| slash + 1);
        let (directory, file) = url.split_at(file_start);
        let (start, end, version) = find_version(file).ok_or_else(error)?;
        let mut name = format!("{}{{version}}{}", &file[..start], &file[end..]);
        let mut folder = directory.to_owned();
        let os = find_os(&file[..start]);
        if let Some(os) = &os {
            let token = os.to_string();
            name = name.replacen(&token, "{os}", 1);
            folder = replace_last_segment(&folder, |segment| segment.replacen(&token, "{os}", 1));
        }
        let mut directory_minor = None;
        folder = replace_last_segment(&folder, |segment| match find_minor(segment) {
            Some((start, end, minor)) => {
                directory_minor = Some(minor);
                format!("{}{{minor}}{}", &segment[..start], &segment[end..])
            }
            None => segment.to_owned(),
        });
        Ok(ImageUrl {
            pattern: Self(folder + &name),
            version,
            os,
            directory_minor,
        })
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

/// Finds the last run of three numbers that is a version: its bytes and its value.
fn find_version(text: &str) -> Option<(usize, usize, KubernetesVersion)> {
    numbers(text)
        .filter_map(|(start, end)| Some((start, end, text[start..end].parse().ok()?)))
        .last()
}

fn find_minor(text: &str) -> Option<(usize, usize, Minor)> {
    numbers(text)
        .filter_map(|(start, end)| Some((start, end, text[start..end].parse().ok()?)))
        .last()
}

/// Yields the runs of digits and dots, without dots at their ends.
fn numbers(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let numeric = |c: char| c.is_ascii_digit() || c == '.';
        let start = at + text[at..].find(|c: char| c.is_ascii_digit())?;
        let end = text[start..]
            .find(|c| !numeric(c))
            .map_or(text.len(), |length| start + length);
        at = end;
        Some((start, start + text[start..end].trim_end_matches('.').len()))
    })
}

/// Finds the operating-system release in what stands before the version: `ubuntu-2404-kube-v` gives `ubuntu-2404`.
fn find_os(before_version: &str) -> Option<OsRelease> {
    let (token, _) = before_version.split_once("-kube-")?;
    token.parse().ok()
}

fn replace_last_segment(folder: &str, change: impl FnOnce(&str) -> String) -> String {
    let Some(inner) = folder.strip_suffix('/') else {
        return folder.to_owned();
    };
    let start = inner.rfind('/').map_or(0, |slash| slash + 1);
    format!("{}{}/", &inner[..start], change(&inner[start..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infers_the_pattern_of_a_store_with_directories() {
        let url =
            "https://store.example/images/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.7.qcow2";
        let read = ImagePattern::read_url(url).unwrap();
        assert_eq!(
            read.pattern.as_str(),
            "https://store.example/images/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2"
        );
        assert_eq!(read.pattern.base(), "https://store.example/images/");
        assert_eq!(read.directory_minor, Some(Minor::new(1, 34)));
        assert_eq!(read.pattern.url(read.version, read.os.as_ref()), url);
    }

    #[test]
    fn infers_other_shapes() {
        let flat =
            ImagePattern::read_url("http://192.168.222.1/CENTOS_9_NODE_IMAGE_K8S_v1.29.0.qcow2")
                .unwrap();
        assert_eq!(
            flat.pattern.as_str(),
            "http://192.168.222.1/CENTOS_9_NODE_IMAGE_K8S_v{version}.qcow2"
        );
        assert_eq!(
            (flat.os, flat.pattern.base()),
            (None, "http://192.168.222.1/")
        );
        let container = ImagePattern::read_url("registry.example/kindest/node:v1.30.10").unwrap();
        assert_eq!(
            container.pattern.as_str(),
            "registry.example/kindest/node:v{version}"
        );
        assert!(container.pattern.is_container_image() && !container.pattern.has_os());
        let capc = ImagePattern::read_url(
            "http://p.example/images/kvm/ubuntu-2404-kube-v1.32.3-kvm.qcow2.bz2",
        )
        .unwrap();
        assert_eq!(
            capc.pattern.as_str(),
            "http://p.example/images/kvm/{os}-kube-v{version}-kvm.qcow2.bz2"
        );
        assert_eq!(capc.pattern.base(), "http://p.example/images/kvm/");
    }

    #[test]
    fn a_directory_of_another_minor_is_told() {
        let read = ImagePattern::read_url(
            "https://s/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.33.7.qcow2",
        )
        .unwrap();
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
        }
        assert!("https://store/{os}".parse::<ImagePattern>().is_err());
    }
}

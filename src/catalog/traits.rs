//! What the name or URL of an image says of it beside the Kubernetes version: distribution, release, architecture, and what
//! stands behind the version. Used to tell whether a name can be that of an image; it decides nothing about versions.

use std::fmt;

use super::{ImagePattern, NodeImage};
use crate::version::OsRelease;

/// What a name or URL says of its image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageTraits {
    /// The distribution: `ubuntu`.
    pub distribution: Option<&'static str>,
    /// The distribution's release, where a number follows its name.
    pub os: Option<OsRelease>,
    /// The processor architecture.
    pub architecture: Option<Architecture>,
    /// What stands behind the version, without the architecture and the ending: `+rke2r1`, `-gardener`.
    pub suffix: String,
}

/// A processor architecture that image names carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// `amd64`, `x86_64`.
    Amd64,
    /// `arm64`, `aarch64`.
    Arm64,
    /// `riscv64`.
    Riscv64,
    /// `ppc64le`.
    Ppc64le,
    /// `s390x`.
    S390x,
}

/// Spellings in image names; the first of each is the one that is printed.
const ARCHITECTURES: [(&str, Architecture); 8] = [
    ("amd64", Architecture::Amd64),
    ("x86_64", Architecture::Amd64),
    ("x86-64", Architecture::Amd64),
    ("arm64", Architecture::Arm64),
    ("aarch64", Architecture::Arm64),
    ("riscv64", Architecture::Riscv64),
    ("ppc64le", Architecture::Ppc64le),
    ("s390x", Architecture::S390x),
];

/// Distributions by the words that image names use for them.
const DISTRIBUTIONS: [(&str, &str); 22] = [
    ("almalinux", "almalinux"),
    ("alpine", "alpine"),
    ("amazonlinux", "amazonlinux"),
    ("azurelinux", "azurelinux"),
    ("bottlerocket", "bottlerocket"),
    ("centos", "centos"),
    ("debian", "debian"),
    ("fedora", "fedora"),
    ("flatcar", "flatcar"),
    ("mariner", "mariner"),
    ("openeuler", "openeuler"),
    ("opensuse", "opensuse"),
    ("oraclelinux", "oraclelinux"),
    ("photon", "photon"),
    ("rhel", "rhel"),
    ("rocky", "rockylinux"),
    ("rockylinux", "rockylinux"),
    ("sle", "sles"),
    ("sles", "sles"),
    ("talos", "talos"),
    ("ubuntu", "ubuntu"),
    ("windows", "windows"),
];

impl ImageTraits {
    /// Reads the name of an image, a container image with its tag, or a URL without its host.
    pub fn of(text: &str) -> Self {
        // A host's name may hold a distribution's, as `ubuntu.example` does, and a digest says nothing.
        let located = match text.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
            None => text,
        };
        let path = located.split_once('@').map_or(located, |(name, _)| name);
        let file = path.rsplit('/').next().unwrap_or_default();
        let (distribution, os) = find_os(file).or_else(|| find_os(path)).unzip();
        Self {
            distribution,
            os: os.flatten(),
            architecture: find_architecture(path),
            suffix: find_suffix(file),
        }
    }

    /// Returns the suffix without the separators around it, as names and URLs of one image may differ in them.
    pub(crate) fn bare_suffix(&self) -> &str {
        self.suffix.trim_matches(SEPARATORS)
    }

    /// Says why a name with these traits cannot be that of an image; nothing where it can.
    pub(crate) fn disagreement(&self, image: &NodeImage) -> Option<Disagreement> {
        let of_image = Self::of(&image.url);
        let os = image.os.clone().or(of_image.os);
        let distribution = os.as_ref().map(OsRelease::distribution);
        if let Some(named) = self.distribution
            && let Some(found) = distribution.or(of_image.distribution)
            // The release in an image's name may have words before it: `another-ubuntu-2404` is of ubuntu.
            && !found.ends_with(named)
        {
            return Some(Disagreement::other(named, found));
        }
        // By custom, a name without an architecture is of an image for amd64.
        let found = of_image.architecture.unwrap_or(Architecture::Amd64);
        if let Some(named) = self.architecture.filter(|named| *named != found) {
            return Some(Disagreement::other(named, found));
        }
        if !of_image.suffix.contains(self.bare_suffix()) {
            return Some(Disagreement::Other(format!(
                "the name ends with `{}`, the image does not",
                self.suffix
            )));
        }
        match (&self.os, os) {
            (Some(named), Some(found)) if *named != found => Some(Disagreement::Release {
                named: named.clone(),
                found,
            }),
            _ => None,
        }
    }
}

/// Why a name cannot be that of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disagreement {
    /// The image is on another release of the distribution.
    Release {
        /// What the name says.
        named: OsRelease,
        /// What the image is on.
        found: OsRelease,
    },
    /// It is another image: the phrase says how.
    Other(String),
}

impl Disagreement {
    fn other(named: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self::Other(format!("the name says {named}, the image is {found}"))
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release { named, found } => {
                write!(f, "the name says {named}, the image is on {found}")
            }
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spelled = ARCHITECTURES.iter().find(|(_, known)| known == self);
        f.write_str(spelled.map_or("", |(word, _)| word))
    }
}

impl serde::Serialize for Architecture {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

const SEPARATORS: [char; 4] = ['-', '_', '.', '+'];

fn find_architecture(text: &str) -> Option<Architecture> {
    // Every spelling has one of these, and most names have neither.
    let mut pairs = text.as_bytes().windows(2);
    if !pairs.any(|pair| pair == b"64" || pair == b"39") {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let found = ARCHITECTURES
        .iter()
        .find(|(word, _)| has_word(&lower, word));
    found.map(|(_, architecture)| *architecture)
}

/// Tells whether a word stands in a text between characters of no word: `x86_64` is more than one to `split`.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        [before, after]
            .iter()
            .flatten()
            .all(|c| !c.is_ascii_alphanumeric())
    })
}

/// Finds a distribution's name, and the release behind it: `ubuntu-2404`, `ubuntu-24.04`, `CENTOS_9`.
fn find_os(text: &str) -> Option<(&'static str, Option<OsRelease>)> {
    let lower = text.to_ascii_lowercase();
    let mut at = 0;
    for part in lower.split_inclusive(is_separator) {
        let word = part.trim_end_matches(is_separator);
        // The release may stand right behind the name: `ubuntu2404`.
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let known = DISTRIBUTIONS.iter().find(|(name, _)| *name == letters);
        if let Some((_, distribution)) = known {
            let release = read_release(&lower[at + letters.len()..]);
            let os = release.and_then(|number| format!("{distribution}-{number}").parse().ok());
            return Some((distribution, os));
        }
        // A separator may have several bytes.
        at += part.len();
    }
    None
}

fn is_separator(sign: char) -> bool {
    !sign.is_ascii_alphanumeric()
}

/// Reads the release behind a distribution's name, `-24.04-` as `2404`. A Kubernetes version is none.
fn read_release(behind: &str) -> Option<String> {
    let start = behind.strip_prefix(['-', '_']).unwrap_or(behind);
    let length = start
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(start.len());
    let number = start[..length].trim_end_matches('.');
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let is_dotted = number.split('.').count() == 2 && digits.len() == 4;
    let is_whole = !number.contains('.') && (1..=4).contains(&digits.len());
    (is_dotted || is_whole).then_some(digits)
}

/// Returns what stands behind the version in an image's name, without its architecture, a build date and the ending.
fn find_suffix(file: &str) -> String {
    let Some(behind) = ImagePattern::behind_version(file) else {
        return String::new();
    };
    let first = behind.chars().next().unwrap_or('-');
    let words: Vec<&str> = behind
        .split(['-', '_'])
        .map(|word| word.trim_start_matches('+'))
        .filter(|word| is_suffix(word))
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!("{first}{}", words.join("-"))
    }
}

fn is_suffix(word: &str) -> bool {
    let is_date = word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_architecture = ARCHITECTURES
        .iter()
        .any(|(known, _)| known.eq_ignore_ascii_case(word));
    !is_date && !is_architecture && !word.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(text: &str) -> (String, String, String, String) {
        let traits = ImageTraits::of(text);
        let os = traits.os.map(|os| os.to_string());
        let architecture = traits.architecture.map(|all| all.to_string());
        (
            traits.distribution.unwrap_or_default().to_owned(),
            os.unwrap_or_default(),
            architecture.unwrap_or_default(),
            traits.suffix,
        )
    }

    #[test]
    fn names_say_what_they_are_of() {
        for (text, distribution, os, architecture, suffix) in [
            ("ubuntu-2404-kube-v1.34.6", "ubuntu", "ubuntu-2404", "", ""),
            ("ubuntu-capi-image-v1.34.7", "ubuntu", "", "", ""),
            ("üüüüüüüüsle-15-v1.34.5", "sles", "sles-15", "", ""),
            ("CENTOS_9_NODE_K8S_v1.29.0", "centos", "centos-9", "", ""),
            (
                "ubuntu-24.04-v1.34.6-arm64",
                "ubuntu",
                "ubuntu-2404",
                "arm64",
                "",
            ),
            (
                "https://ubuntu.example/x86_64/rocky-9-kube-v1.34.6-gardener.qcow2",
                "rockylinux",
                "rockylinux-9",
                "amd64",
                "-gardener",
            ),
            ("node-v1.34.6+rke2r1", "", "", "", "+rke2r1"),
            (
                "quay.io/capk/ubuntu-2204-container-disk:v1.29.5",
                "ubuntu",
                "ubuntu-2204",
                "",
                "",
            ),
            ("flatcar-stable-4459.2.1-kube-1.34.6", "flatcar", "", "", ""),
        ] {
            let expected = (distribution, os, architecture, suffix);
            let (a, b, c, d) = traits(text);
            assert_eq!((&*a, &*b, &*c, &*d), expected, "{text}");
        }
    }

    #[test]
    fn a_name_of_something_else_disagrees_with_an_image() {
        let image = |url: &str| NodeImage {
            os: ImagePattern::read_url(url).unwrap().os,
            ..NodeImage::new("v1.34.8".parse().unwrap(), url)
        };
        let plain = image("https://s/ubuntu-2404-kube-v1.34.8.qcow2");
        let arm = image("https://s/ubuntu-2404-kube-v1.34.8-arm64.qcow2");
        let agrees = |name: &str, image| ImageTraits::of(name).disagreement(image).is_none();
        for name in [
            "ubuntu-capi-image-v1.34.6",
            "node-v1.34.6",
            "ubuntu-2404-kube-v1.34.6-amd64",
        ] {
            assert!(agrees(name, &plain), "{name}");
        }
        for name in [
            "rockylinux-9-kube-v1.34.6",
            "ubuntu-2204-kube-v1.34.6",
            "ubuntu-2404-kube-v1.34.6-arm64",
            "node-v1.34.6+rke2r1",
            "node-v1.34.6-gardener",
        ] {
            assert!(!agrees(name, &plain), "{name}");
        }
        assert!(agrees("node-v1.34.6-arm64", &arm) && agrees("node-v1.34.6", &arm));
        assert!(!agrees("node-v1.34.6-amd64", &arm));
    }
}

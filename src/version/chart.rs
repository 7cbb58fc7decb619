//! Versions of Helm charts.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::{Minor, VersionError};

/// A chart's version: a semantic version in its own spelling (some repositories write `v1.14.9`).
#[derive(Debug, Clone)]
pub struct ChartVersion {
    raw: String,
    version: semver::Version,
}

impl ChartVersion {
    /// Tells whether this is a pre-release, which is never chosen.
    pub(crate) fn is_prerelease(&self) -> bool {
        !self.version.pre.is_empty()
    }

    /// Tells whether the chart's second number is that of the Kubernetes minor: cloud-provider-openstack numbers its charts so,
    /// `2.34.1` for `1.34`.
    pub fn follows(&self, minor: Minor) -> bool {
        self.version.minor == u64::from(minor.number())
    }

    /// Returns the number of the Kubernetes minor that a chart of the cloud provider's scheme belongs to.
    pub(crate) fn minor_number(&self) -> u64 {
        self.version.minor
    }

    /// Returns the version without a leading `v`.
    pub fn plain(&self) -> String {
        self.version.to_string()
    }

    /// Returns the version spelled as `raw` spells its own: with a leading `v` or without. Helm takes both.
    pub(crate) fn spelled_like(&self, raw: &str) -> String {
        let prefix = if raw.starts_with('v') { "v" } else { "" };
        format!("{prefix}{}", self.version)
    }

    /// Tells whether both are the same version to Helm: a leading `v` and build metadata do not count.
    pub(crate) fn is_same_release(&self, other: &Self) -> bool {
        self.precedence(other) == Ordering::Equal
    }

    /// Tells whether this is an update of the other; build metadata alone makes none.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        self.precedence(other) == Ordering::Greater
    }

    /// Finds the newest of some versions; among those that differ in build metadata alone, the one without.
    pub fn newest<'v>(versions: impl Iterator<Item = &'v Self>) -> Option<&'v Self> {
        versions.max_by(|one, other| {
            one.precedence(other)
                .then_with(|| one.is_plain().cmp(&other.is_plain()))
                .then_with(|| one.cmp(other))
        })
    }

    fn is_plain(&self) -> bool {
        self.version.build.is_empty()
    }

    fn precedence(&self, other: &Self) -> Ordering {
        self.version.cmp_precedence(&other.version)
    }

    pub(super) fn semantic(&self) -> &semver::Version {
        &self.version
    }
}

impl FromStr for ChartVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        // Helm reads a leading `v` in a chart's version, which Semantic Versioning does not know.
        let version = semver::Version::parse(text.strip_prefix('v').unwrap_or(text))
            .map_err(|_| VersionError::new(text, "a chart version such as 2.34.1"))?;
        Ok(Self {
            raw: text.to_owned(),
            version,
        })
    }
}

impl fmt::Display for ChartVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

/// The order of lists, in which different texts are different: by number, then build metadata, then spelling.
impl Ord for ChartVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.version
            .cmp(&other.version)
            .then_with(|| self.raw.cmp(&other.raw))
    }
}

impl PartialOrd for ChartVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ChartVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ChartVersion {}

super::serde_as_text!(ChartVersion);

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> ChartVersion {
        text.parse().unwrap()
    }

    #[test]
    fn orders_by_number_and_knows_its_minor() {
        assert!(version("2.34.10") > version("2.34.9"));
        assert!(
            version("2.35.0-alpha.1").is_prerelease()
                && version("2.35.0-alpha.1") < version("2.35.0")
        );
        assert!(
            version("2.34.1").follows(Minor::new(1, 34))
                && !version("2.33.1").follows(Minor::new(1, 34))
        );
        assert_eq!(version("v1.14.9").to_string(), "v1.14.9");
        assert!("2.35.x".parse::<ChartVersion>().is_err());
    }

    #[test]
    fn build_metadata_and_a_leading_v_make_no_other_release() {
        let standing = version("2.34.1");
        for same in ["2.34.1", "v2.34.1", "2.34.1+build.7"] {
            let same = version(same);
            assert!(same.is_same_release(&standing) && !same.is_newer_than(&standing));
        }
        assert!(version("2.34.2").is_newer_than(&version("2.34.1+build.7")));
        assert!(!version("2.34.2-rc.1").is_newer_than(&version("2.34.2")));
    }

    #[test]
    fn the_newest_is_plain_where_only_build_metadata_differs() {
        fn newest(texts: &[&str]) -> Option<String> {
            let all: Vec<ChartVersion> = texts.iter().map(|text| version(text)).collect();
            ChartVersion::newest(all.iter()).map(ToString::to_string)
        }
        assert_eq!(
            newest(&["2.34.1+build.9", "2.34.1", "2.34.0"]).unwrap(),
            "2.34.1"
        );
        assert_eq!(
            newest(&["2.34.1", "2.34.2+build.1"]).unwrap(),
            "2.34.2+build.1"
        );
        assert_eq!(newest(&[]), None);
    }

    #[test]
    fn a_version_is_spelled_as_its_neighbour() {
        assert_eq!(version("v2.34.2").spelled_like("2.34.1"), "2.34.2");
        assert_eq!(version("2.34.2").spelled_like("v2.34.1"), "v2.34.2");
    }
}

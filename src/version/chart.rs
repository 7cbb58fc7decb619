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
    pub fn is_prerelease(&self) -> bool {
        !self.version.pre.is_empty()
    }

    /// Tells whether the chart's second number is that of the Kubernetes minor, as the cloud provider's `2.34.1` for `1.34`.
    /// Source: the version scheme of cloud-provider-openstack's charts.
    pub fn follows(&self, minor: Minor) -> bool {
        self.version.minor == u64::from(minor.number())
    }

    /// Returns the number of the Kubernetes minor that a chart of the cloud provider's scheme belongs to.
    pub fn minor_number(&self) -> u64 {
        self.version.minor
    }

    /// Returns the version without a leading `v`.
    pub fn plain(&self) -> String {
        self.version.to_string()
    }
}

impl FromStr for ChartVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
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

    #[test]
    fn orders_by_number_and_knows_its_minor() {
        let version = |text: &str| text.parse::<ChartVersion>().unwrap();
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
}

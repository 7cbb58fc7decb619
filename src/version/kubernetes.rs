//! Kubernetes versions (`v1.34.7`) and minors (`1.34`). Pre-releases are not versions here: no node image is built of one.

use std::fmt;
use std::str::FromStr;

use super::VersionError;

/// A released Kubernetes version with all three numbers; `v1.34.7` and `1.34.7` read alike and print with the `v`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KubernetesVersion {
    minor: Minor,
    patch: u32,
}

/// A Kubernetes minor; `1.34`, `v1.34` and `1-34` read alike. `1.30` is not `1.3`: numbers are never read as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor {
    major: u32,
    minor: u32,
}

impl KubernetesVersion {
    pub fn new(minor: Minor, patch: u32) -> Self {
        Self { minor, patch }
    }

    pub fn minor(self) -> Minor {
        self.minor
    }

    pub fn patch(self) -> u32 {
        self.patch
    }

    /// Returns the version without the `v`: `1.34.7`.
    pub fn plain(self) -> String {
        format!("{}.{}", self.minor, self.patch)
    }

    /// Returns the version spelled as `raw` spells its own: with a leading `v` or without.
    pub(crate) fn spelled_like(self, raw: &str) -> String {
        if raw.starts_with('v') {
            self.to_string()
        } else {
            self.plain()
        }
    }
}

impl Minor {
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Returns the form of directory and chart names: `1-34`.
    pub fn dashed(self) -> String {
        format!("{}-{}", self.major, self.minor)
    }

    /// Returns the minor that follows this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self {
            minor: self.minor + 1,
            ..self
        }
    }

    pub(crate) fn major(self) -> u32 {
        self.major
    }

    /// Returns the second number, which the cloud provider's charts carry too (`2.34.1` belongs to `1.34`).
    pub fn number(self) -> u32 {
        self.minor
    }

    /// Returns the minor spelled as `raw` spells its own: with a leading `v` or without, with dots or dashes.
    pub(crate) fn spelled_like(self, raw: &str) -> String {
        let prefix = if raw.starts_with('v') { "v" } else { "" };
        if raw.contains('-') {
            format!("{prefix}{}", self.dashed())
        } else {
            format!("{prefix}{self}")
        }
    }
}

const VERSION: &str = "a Kubernetes version such as v1.34.7";
const MINOR: &str = "a Kubernetes minor such as 1.34";

impl FromStr for KubernetesVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        read_version(text).ok_or_else(|| VersionError::new(text, VERSION))
    }
}

fn read_version(text: &str) -> Option<KubernetesVersion> {
    let version = semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()?;
    // With a build, such as `+rke2r1`, it is a release of a distribution and none of Kubernetes.
    if !version.pre.is_empty() || !version.build.is_empty() {
        return None;
    }
    let minor = Minor::new(
        version.major.try_into().ok()?,
        version.minor.try_into().ok()?,
    );
    Some(KubernetesVersion::new(
        minor,
        version.patch.try_into().ok()?,
    ))
}

impl FromStr for Minor {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        read_minor(text).ok_or_else(|| VersionError::new(text, MINOR))
    }
}

fn read_minor(text: &str) -> Option<Minor> {
    let numbers = text.strip_prefix('v').unwrap_or(text);
    let (major, minor) = numbers.split_once(['.', '-'])?;
    Some(Minor::new(read_number(major)?, read_number(minor)?))
}

/// Reads a number as Semantic Versioning writes it; `parse` alone would take `+34` and `034` too.
fn read_number(digits: &str) -> Option<u32> {
    let is_canonical = digits == "0" || !digits.starts_with('0');
    let has_digits_only = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_canonical && has_digits_only {
        digits.parse().ok()
    } else {
        None
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}", self.minor, self.patch)
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

super::serde_as_text!(KubernetesVersion, Minor);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_read_alike_and_are_kept() {
        for raw in ["v1.34.7", "1.34.7"] {
            let version: KubernetesVersion = raw.parse().unwrap();
            assert_eq!(version.spelled_like(raw), raw);
            assert_eq!(version.to_string(), "v1.34.7");
        }
        for raw in ["1.30", "v1.30", "1-30", "v1-30"] {
            let minor: Minor = raw.parse().unwrap();
            assert_eq!(minor, Minor::new(1, 30));
            assert_eq!(minor.spelled_like(raw), raw);
        }
        assert_ne!("1.30".parse::<Minor>(), "1.3".parse::<Minor>());
    }

    #[test]
    fn what_is_no_release_is_refused() {
        for text in [
            "",
            "v",
            "1",
            "1.34",
            "v1.34.0-rc.1",
            "1.34.7+build",
            "01.34.7",
            "1.34.x",
            "v1.34.7 ",
            "V1.34.7",
            "1.34.99999999999",
        ] {
            assert!(text.parse::<KubernetesVersion>().is_err(), "{text}");
        }
        for text in [
            "", "1", "1.", ".3", "1.034", "1.34.7", "1_34", "-1.3", "1.+3",
        ] {
            assert!(text.parse::<Minor>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_reading_is_identity(major in 0u32..9, minor in 0u32..999, patch in 0u32..999) {
            let version = KubernetesVersion::new(Minor::new(major, minor), patch);
            prop_assert_eq!(version.to_string().parse::<KubernetesVersion>().unwrap(), version);
            prop_assert_eq!(version.plain().parse::<KubernetesVersion>().unwrap(), version);
            prop_assert_eq!(version.minor().dashed().parse::<Minor>().unwrap(), version.minor());
        }

        #[test]
        fn order_is_that_of_the_numbers(a in any::<[u8; 3]>(), b in any::<[u8; 3]>()) {
            fn version([major, minor, patch]: [u8; 3]) -> KubernetesVersion {
                KubernetesVersion::new(Minor::new(major.into(), minor.into()), patch.into())
            }
            prop_assert_eq!(version(a).cmp(&version(b)), a.cmp(&b));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,20}") {
            if let Ok(version) = text.parse::<KubernetesVersion>() {
                prop_assert_eq!(version.spelled_like(&text), text);
            }
        }
    }
}

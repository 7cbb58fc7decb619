//! The operating-system release of a node image, as image names carry it: `ubuntu-2404`, `rockylinux-9`.

use std::fmt;
use std::str::FromStr;

use super::VersionError;

/// An operating-system release such as `ubuntu-2404`. Ordered by distribution, then by version number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OsRelease {
    distribution: String,
    version: u32,
}

impl OsRelease {
    pub fn distribution(&self) -> &str {
        &self.distribution
    }

    /// Returns the version as the distribution writes it: `24.04` for `ubuntu-2404`, `9` for `rockylinux-9`.
    pub(crate) fn dotted_version(&self) -> String {
        // Four digits are a year and a month, as Ubuntu numbers its releases.
        if self.version >= 1000 {
            format!("{}.{:02}", self.version / 100, self.version % 100)
        } else {
            self.version.to_string()
        }
    }
}

impl FromStr for OsRelease {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        read(text).ok_or_else(|| {
            VersionError::new(text, "an operating-system release such as ubuntu-2404")
        })
    }
}

fn read(text: &str) -> Option<OsRelease> {
    let (distribution, version) = text.rsplit_once('-')?;
    let has_name = distribution.starts_with(|c: char| c.is_ascii_lowercase())
        && distribution
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    // Image names write 24.04 as 2404; more digits are a date or a build number.
    let has_version = (1..=4).contains(&version.len())
        && version.bytes().all(|byte| byte.is_ascii_digit())
        // The version is kept as a number, which would lose a zero in front.
        && !version.starts_with('0');
    if !has_name || !has_version {
        return None;
    }
    Some(OsRelease {
        distribution: distribution.to_owned(),
        version: version.parse().ok()?,
    })
}

impl fmt::Display for OsRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.distribution, self.version)
    }
}

super::serde_as_text!(OsRelease);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tokens_of_image_names() {
        let noble: OsRelease = "ubuntu-2404".parse().unwrap();
        assert_eq!(
            (noble.distribution(), noble.dotted_version().as_str()),
            ("ubuntu", "24.04")
        );
        let rocky: OsRelease = "rockylinux-9".parse().unwrap();
        assert_eq!(
            (rocky.dotted_version().as_str(), rocky.to_string().as_str()),
            ("9", "rockylinux-9")
        );
        assert!("ubuntu-2204".parse::<OsRelease>().unwrap() < noble);
        for text in [
            "ubuntu",
            "-2404",
            "ubuntu-",
            "Ubuntu-2404",
            "ubuntu-0404",
            "ubuntu-24.04",
            "ubuntu-24041",
        ] {
            assert!(text.parse::<OsRelease>().is_err(), "{text}");
        }
    }
}

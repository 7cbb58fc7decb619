//! Cluster-stack versions, stack lines and release tags, by the grammar of the cluster stack operator
//! (its `pkg/version/version.go` and `pkg/clusterstack/clusterstack.go`).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::{Minor, VersionError};

/// A cluster-stack version: `v3`, or a custom one on a channel, `v0-sha.4b2b59b` (in release tags `v0-sha-4b2b59b`).
///
/// Stable versions are newer than all custom ones; custom ones order by number, channel and identifier, where
/// identifiers that are numbers compare as numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StackVersion {
    number: u32,
    custom: Option<Custom>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Custom {
    channel: String,
    identifier: String,
}

impl StackVersion {
    pub fn stable(number: u32) -> Self {
        Self {
            number,
            custom: None,
        }
    }

    /// Returns the number of a stable version, nothing for a custom one.
    pub fn stable_number(&self) -> Option<u32> {
        self.custom.is_none().then_some(self.number)
    }

    /// Returns the form used in release tags, with dashes only: `v0-sha-4b2b59b`.
    pub fn dashed(&self) -> String {
        self.to_string().replace('.', "-")
    }
}

impl FromStr for StackVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        read_version(text).ok_or_else(|| {
            VersionError::new(text, "a cluster-stack version such as v3 or v0-sha.4b2b59b")
        })
    }
}

fn read_version(text: &str) -> Option<StackVersion> {
    let rest = text.strip_prefix('v')?;
    let (digits, custom) = match rest.split_once('-') {
        Some((digits, custom)) => (digits, Some(Custom::read(custom)?)),
        None => (rest, None),
    };
    let number: u32 = digits.parse().ok()?;
    // `parse` takes `+3` and `03` too, and a version has one spelling.
    (number.to_string() == digits).then_some(StackVersion { number, custom })
}

impl Custom {
    fn read(text: &str) -> Option<Self> {
        // In release tags a dash stands where a version has the dot.
        let (channel, identifier) = text.split_once(['.', '-'])?;
        (is_word(channel) && is_word(identifier)).then(|| Self {
            channel: channel.to_owned(),
            identifier: identifier.to_owned(),
        })
    }

    /// Returns what the identifier is ordered by: identifiers that are numbers come first, by their value.
    fn rank(&self) -> (bool, u128, &str) {
        let number = self.identifier.parse();
        (number.is_err(), number.unwrap_or(0), &self.identifier)
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

impl fmt::Display for StackVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.number)?;
        match &self.custom {
            Some(custom) => write!(f, "-{}.{}", custom.channel, custom.identifier),
            None => Ok(()),
        }
    }
}

impl Ord for StackVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.custom, &other.custom) {
            (None, None) => self.number.cmp(&other.number),
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => {
                let own = (self.number, &a.channel, a.rank());
                own.cmp(&(other.number, &b.channel, b.rank()))
            }
        }
    }
}

impl PartialOrd for StackVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A stack line: provider, stack name and Kubernetes minor, as in `openstack-scs2-1-34`. The operator splits release tags at
/// dashes, so that names with dashes have no releases it can read; the lines of such stacks are planned all the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackLine {
    /// The provider: `openstack`.
    pub provider: String,
    /// The cluster stack's name: `scs2`.
    pub name: String,
    pub minor: Minor,
}

const LINE: &str = "a stack line such as openstack-scs2-1-34";
const TAG: &str = "a release tag of five or seven parts such as openstack-scs2-1-34-v3";

impl FromStr for StackLine {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        read_line(text).ok_or_else(|| VersionError::new(text, LINE))
    }
}

fn read_line(text: &str) -> Option<StackLine> {
    let parts: Vec<&str> = text.split('-').collect();
    // From both ends, as the name in the middle may have dashes of its own.
    let [provider, ref names @ .., major, minor] = parts[..] else {
        return None;
    };
    if names.is_empty() || !is_name(provider) || !names.iter().all(|name| is_name(name)) {
        return None;
    }
    Some(StackLine {
        provider: provider.to_owned(),
        name: names.join("-"),
        minor: format!("{major}.{minor}").parse().ok()?,
    })
}

/// Tells whether this is a name, or a part of one between dashes: not empty, no white space.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

impl fmt::Display for StackLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.provider, self.name, self.minor.dashed())
    }
}

/// The tag of a stack release: `openstack-scs2-1-34-v3`, or `openstack-scs2-1-34-v0-sha-4b2b59b`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseTag {
    pub line: StackLine,
    pub version: StackVersion,
}

impl FromStr for ReleaseTag {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        read_tag(text).ok_or_else(|| VersionError::new(text, TAG))
    }
}

fn read_tag(text: &str) -> Option<ReleaseTag> {
    let parts: Vec<&str> = text.split('-').collect();
    // The operator counts the parts: `<provider>-<name>-<major>-<minor>-<version>`, where a custom version has three.
    if parts.len() != 5 && parts.len() != 7 {
        return None;
    }
    Some(ReleaseTag {
        line: parts[..4].join("-").parse().ok()?,
        version: parts[4..].join("-").parse().ok()?,
    })
}

impl fmt::Display for ReleaseTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.line, self.version.dashed())
    }
}

super::serde_as_text!(StackVersion, StackLine, ReleaseTag);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_both_forms_of_a_custom_version() {
        let dotted: StackVersion = "v0-sha.4b2b59b".parse().unwrap();
        assert_eq!(dotted, "v0-sha-4b2b59b".parse().unwrap());
        assert_eq!(
            (dotted.to_string().as_str(), dotted.dashed().as_str()),
            ("v0-sha.4b2b59b", "v0-sha-4b2b59b")
        );
        assert_eq!(dotted.stable_number(), None);
        assert_eq!(dotted.custom.as_ref().unwrap().channel, "sha");
        assert_eq!(
            "v12".parse::<StackVersion>().unwrap().stable_number(),
            Some(12)
        );
        for text in [
            "",
            "v",
            "3",
            "v3-",
            "v3-sha",
            "v3-sha.",
            "v3-sha.a.b",
            "v3-sha-a-b",
            "v-1",
            "v03",
            "v1.2",
        ] {
            assert!(text.parse::<StackVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn real_tags_the_operator_cannot_read_are_refused() {
        for tag in [
            "openstack-scs2-1-34-v3",
            "openstack-kamaji-1-30-v0-sha-11930ee",
        ] {
            assert_eq!(tag.parse::<ReleaseTag>().unwrap().to_string(), tag);
        }
        for tag in [
            "openstack-csp-helper-v0.2.0",
            "openstack-scs-v5",
            "openstack-scs-1-29-v2-test",
            "openstack-scs-1-29-v0-sha.abc",
        ] {
            assert!(tag.parse::<ReleaseTag>().is_err(), "{tag}");
        }
    }

    fn version() -> impl Strategy<Value = StackVersion> {
        let custom = ("[a-z]{1,3}", "[0-9a-c]{1,3}");
        (0u32..4, proptest::option::of(custom)).prop_map(|(number, custom)| StackVersion {
            number,
            custom: custom.map(|(channel, identifier)| Custom {
                channel,
                identifier,
            }),
        })
    }

    proptest! {
        #[test]
        fn printing_and_reading_is_identity(version in version()) {
            prop_assert_eq!(&version.to_string().parse::<StackVersion>().unwrap(), &version);
            prop_assert_eq!(&version.dashed().parse::<StackVersion>().unwrap(), &version);
            let tag = ReleaseTag { line: "openstack-scs2-1-34".parse().unwrap(), version };
            prop_assert_eq!(tag.to_string().parse::<ReleaseTag>().unwrap(), tag);
        }

        #[test]
        fn order_is_total(a in version(), b in version(), c in version()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }

        #[test]
        fn numbers_are_compared_as_numbers(a in 0u32..200, b in 0u32..200) {
            fn version(number: u32) -> StackVersion {
                format!("v0-git.{number}").parse().unwrap()
            }
            prop_assert_eq!(version(a).cmp(&version(b)), a.cmp(&b));
            prop_assert_eq!(StackVersion::stable(a).cmp(&StackVersion::stable(b)), a.cmp(&b));
        }
    }
}

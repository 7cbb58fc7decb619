//! Versions and names of the field: Kubernetes versions, minors, cluster-stack versions, release tags, operating-system
//! releases, chart versions and checksums. It does not know where they are written or which of them exist.

mod chart;
mod checksum;
mod compact;
mod kubernetes;
mod os;
mod requirement;
mod stack;

pub use chart::ChartVersion;
pub use checksum::{Md5, Sha256, Sha512};
pub(crate) use compact::compact;
pub use kubernetes::{KubernetesVersion, Minor};
pub use os::OsRelease;
pub use requirement::ChartRequirement;
pub use stack::{ReleaseTag, StackLine, StackVersion};

/// A text that is not the version or name it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct VersionError {
    /// The text as it was found.
    pub text: String,
    /// What was expected, with an example.
    pub expected: &'static str,
}

impl VersionError {
    pub(crate) fn new(text: &str, expected: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            expected,
        }
    }
}

/// An error of reading a text, told to serde in serde's own form, so that whoever reads a file words it alike everywhere.
pub(crate) trait WrongText {
    fn into_serde<E: serde::de::Error>(self, text: &str) -> E;
}

impl WrongText for VersionError {
    fn into_serde<E: serde::de::Error>(self, text: &str) -> E {
        E::invalid_value(serde::de::Unexpected::Str(text), &self.expected)
    }
}

impl WrongText for String {
    fn into_serde<E: serde::de::Error>(self, _: &str) -> E {
        E::custom(self)
    }
}

/// Implements `Serialize` through `Display` and `Deserialize` through `FromStr`; the schema is that of a text.
macro_rules! serde_as_text {
    ($($name:ty),+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse()
                    .map_err(|error| $crate::version::WrongText::into_serde(error, &text))
            }
        }
        #[cfg(test)]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" })
            }
        }
    )+};
}
pub(crate) use serde_as_text;

//! The layouts of cluster-stack repositories.

use serde::Serialize;

/// How a cluster stack is laid out in its repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Layout {
    /// One directory per minor, each with a csctl.yaml that names the version.
    #[serde(rename = "A")]
    DirectoryPerMinor,
    /// One source tree, set to one minor, with a versions.yaml of all minors.
    #[serde(rename = "B")]
    OneTree,
    /// One source tree with versions.yaml and an image list beside the charts.
    #[serde(rename = "C")]
    OneTreeWithImageList,
    /// One directory per minor, each with a stack.yaml.
    #[serde(rename = "D")]
    StackFilePerMinor,
    /// One source tree without a list of minors.
    #[serde(rename = "single")]
    Single,
}

impl Layout {
    /// Tells whether each minor has a directory of its own.
    pub(crate) fn has_directory_per_minor(self) -> bool {
        match self {
            Self::DirectoryPerMinor | Self::StackFilePerMinor => true,
            Self::OneTree | Self::OneTreeWithImageList | Self::Single => false,
        }
    }

    /// Returns a phrase for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::DirectoryPerMinor | Self::StackFilePerMinor => "a directory per minor",
            Self::OneTree | Self::OneTreeWithImageList | Self::Single => "one source tree",
        }
    }
}

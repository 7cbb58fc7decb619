//! One patch of a minor, with its state and what is wrong with it.

use std::fmt;

use jiff::civil::Date;
use serde::{Serialize, Serializer};

use crate::policy::Block;
use crate::version::{KubernetesVersion, OsRelease};

/// One patch of a minor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Patch {
    /// The Kubernetes version.
    pub(crate) version: KubernetesVersion,
    /// The operating-system releases of its images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) os: Vec<OsRelease>,
    /// Whether it is the stack line's default.
    pub(crate) is_default: bool,
    /// Whether a list of node images names it.
    pub(crate) is_listed: bool,
    /// Whether the image stores have it, proved, for every series.
    pub(crate) is_available: bool,
    /// Why an announced image is not available.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) fault: Option<PatchFault>,
    /// The day Kubernetes published it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) published: Option<Date>,
    /// Why it must not be used, where it is blocked with all of its images.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "why")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) blocked: Option<Block>,
}

/// Why an announced image is not available. Written as a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PatchFault {
    /// A series has no image of the version, and others have.
    SeriesWithoutImage {
        /// The series.
        series: String,
    },
    /// The image cannot be proved.
    Faulty {
        /// What is wrong, as the catalog says it.
        reason: String,
    },
}

impl fmt::Display for PatchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SeriesWithoutImage { series } => write!(f, "no image of {series}"),
            Self::Faulty { reason } => f.write_str(reason),
        }
    }
}

impl Serialize for PatchFault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[expect(
    clippy::ref_option,
    reason = "serde passes what it writes by reference"
)]
fn why<S: Serializer>(block: &Option<Block>, serializer: S) -> Result<S::Ok, S::Error> {
    block.as_ref().map(Block::why).serialize(serializer)
}

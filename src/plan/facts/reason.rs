//! Why a stack line changes.

use jiff::civil::Date;
use strum::{IntoStaticStr, VariantNames};

use crate::catalog::NodeImage;
use crate::plan::Fix;
use crate::policy::{Block, ImagesToList, Pin};
use crate::standard::Standard;
use crate::version::{KubernetesVersion, Minor, OsRelease};

/// Why a stack line changes.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Reason {
    /// A minor leaves, as its upstream support has ended.
    MinorEnded {
        /// The minor.
        minor: Minor,
        /// Its last day of support.
        day: Date,
    },
    /// The source tree of this minor is set to another one.
    MinorReplaced {
        /// The minor.
        minor: Minor,
    },
    /// An image leaves the lists, as it is blocked.
    BlockedImage(Block),
    /// A version leaves the lists, as the policy names fewer.
    Trimmed {
        /// The version.
        version: KubernetesVersion,
        /// The policy.
        images: ImagesToList,
    },
    /// The default leaves a version that is blocked.
    BlockedDefault {
        /// The default before.
        old: KubernetesVersion,
        /// The default after.
        new: KubernetesVersion,
        /// What blocks it.
        block: Block,
    },
    /// The default is set to the version it is pinned to.
    PinnedDefault(Pin),
    /// The new default is free of a vulnerability that the standard counts as critical.
    FixesCritical {
        /// The new default.
        version: KubernetesVersion,
        /// The vulnerability.
        fix: Fix,
        /// The last day on which the fix is not late.
        due: Date,
        /// By how many days it is late.
        days_late: Option<u32>,
    },
    /// The new default is free of other vulnerabilities.
    Fixes {
        /// The new default.
        version: KubernetesVersion,
        /// The vulnerabilities, the gravest first.
        fixes: Vec<Fix>,
    },
    /// A deadline of the standard is met.
    Due {
        /// What is due: `v1.34.8`, `1.35`.
        subject: String,
        /// The last day on which it is not late.
        due: Date,
        /// The standard.
        standard: Standard,
        /// By how many days it is late.
        days_late: Option<u32>,
    },
    /// An image is there, and with it a version for lists or the default.
    ImageProved {
        /// The Kubernetes version.
        version: KubernetesVersion,
        /// The day Kubernetes published it.
        published: Option<Date>,
        /// What is known of the image.
        image: ProvedImage,
    },
    /// An addon chart goes to another version.
    Chart {
        /// The chart's name.
        chart: String,
        /// What was asked for before.
        from: Option<String>,
        /// What is asked for now.
        to: String,
        /// Why this one.
        choice: ChartChoice,
    },
}

/// What is known of an image that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProvedImage {
    /// Its operating system.
    pub(crate) os: Option<OsRelease>,
    /// Its size in bytes.
    pub(crate) size: Option<u64>,
    /// The day it was built.
    pub(crate) built: Option<Date>,
    /// What shows that it is the one that was published.
    pub(crate) evidence: Evidence,
}

/// What shows that an image is the one that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// A checksum of its source.
    Checksum,
    /// Its tag in a registry.
    Presence,
    /// Nothing: its store publishes no checksums.
    Nothing,
}

impl Evidence {
    /// Returns what a catalog has of an image.
    pub(in crate::plan) fn of(image: &NodeImage) -> Self {
        match image.checksum() {
            Some(_) => Self::Checksum,
            None if image.unproved => Self::Nothing,
            None => Self::Presence,
        }
    }
}

/// Why a chart is asked for at a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChartChoice {
    /// A range takes the versions of the minor.
    Range(Minor),
    /// The stack's own list of versions says so.
    Listed(Minor),
    /// It is the newest that the ranges allow.
    NewestAllowed(Minor),
    /// It is the newest of the minor.
    Newest(Minor),
}

impl Reason {
    /// Returns the code of the reason, which stays the same when its words change.
    pub(crate) fn code(&self) -> &'static str {
        self.into()
    }

    /// Returns by how many days something is late that the change meets.
    pub(crate) fn days_late(&self) -> Option<u32> {
        match self {
            Self::FixesCritical { days_late, .. } | Self::Due { days_late, .. } => *days_late,
            _ => None,
        }
    }
}

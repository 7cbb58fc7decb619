//! Why addon charts do not go on.

use strum::{IntoStaticStr, VariantNames};

use super::FileLine;
use crate::stack::Reference;
use crate::version::{ChartRequirement, ChartVersion, Minor};

/// Why an addon chart does not go on.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[expect(
    clippy::enum_variant_names,
    reason = "a variant's name is its code: `chart-ahead`"
)]
pub(crate) enum ChartReason {
    /// A file names a version that is newer than all that the repository has.
    ChartAhead {
        /// Where.
        at: FileLine,
        /// The version.
        version: ChartVersion,
        /// The repository.
        repository: String,
        /// The newest version there.
        newest: ChartVersion,
        /// The minor it is for.
        minor: Minor,
        /// Other places of the chart, which stay too, where they disagree.
        others: Vec<FileLine>,
    },
    /// The repository is an alias of Helm's own configuration.
    ChartAlias {
        /// The alias.
        alias: String,
        /// Where.
        at: FileLine,
    },
    /// The repository is a directory.
    ChartDirectory {
        /// The directory.
        directory: String,
        /// Where.
        at: FileLine,
    },
    /// The repository cannot be read.
    ChartRepositoryInvalid {
        /// What stands there.
        text: String,
        /// Where.
        at: FileLine,
    },
    /// What is asked for is neither a version nor a range.
    ChartVersionInvalid(Asks),
    /// A range takes no version of the minor.
    ChartRangeWithoutMinor {
        /// What is asked for.
        asks: Asks,
        /// The minor.
        minor: Minor,
        /// The range of a dependency, which can be written anew.
        range: Option<ChartRequirement>,
    },
    /// A range does not take the newest version.
    ChartRangeExcludes(Asks),
    /// A lock does not fit its chart.
    ChartLockStale {
        /// The chart's directory.
        directory: String,
    },
    /// A range without a lock takes a version of another minor.
    ChartUnlocked {
        /// What is asked for.
        asks: Asks,
        /// What Helm takes.
        newest: ChartVersion,
        /// The minor it should be for.
        minor: Minor,
    },
    /// The repository has no version for the minor.
    ChartNotPublished {
        /// The repository.
        url: String,
        /// The minor.
        minor: Minor,
    },
}

/// Why a dependency cannot ask for a chart of a minor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MissingChart {
    /// As it is said of the chart.
    Because(Box<ChartReason>),
    /// No version is known.
    NotKnown {
        /// The chart's name.
        chart: String,
    },
    /// A file names a version that is newer than all that the repository has.
    Ahead {
        /// Where.
        at: FileLine,
        /// The chart's name.
        chart: String,
        /// The version.
        version: ChartVersion,
    },
}

/// What a file asks for of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asks {
    /// Where.
    pub(crate) at: FileLine,
    /// What stands there.
    pub(crate) value: String,
}

impl From<&Reference> for Asks {
    fn from(reference: &Reference) -> Self {
        Self {
            at: reference.into(),
            value: reference.value.clone(),
        }
    }
}

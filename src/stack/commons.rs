//! What the files of a repository have in common as texts: charts that belong to a minor, and texts that were parsed.

use super::addon::MinorBoundCharts;
use crate::yaml::KnownTexts;

/// What the files of a repository have in common.
#[derive(Debug, Default)]
pub(super) struct Commons {
    pub(super) charts: MinorBoundCharts,
    /// Texts that were parsed.
    pub(super) texts: KnownTexts,
}

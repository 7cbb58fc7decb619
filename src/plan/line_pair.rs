//! A stack line as it is and as a change leaves it.

use crate::matrix::LineMatrix;
use crate::version::KubernetesVersion;

/// A stack line before and after a change.
#[derive(Clone, Copy)]
pub(super) struct LinePair<'l> {
    pub(super) before: Option<&'l LineMatrix>,
    pub(super) after: Option<&'l LineMatrix>,
}

impl LinePair<'_> {
    pub(super) fn default_before(&self) -> Option<KubernetesVersion> {
        self.before?.default
    }

    pub(super) fn default_after(&self) -> Option<KubernetesVersion> {
        self.after?.default
    }

    pub(super) fn listed_before(&self) -> Vec<KubernetesVersion> {
        self.before.map(LineMatrix::listed).unwrap_or_default()
    }

    pub(super) fn listed_after(&self) -> Vec<KubernetesVersion> {
        self.after.map(LineMatrix::listed).unwrap_or_default()
    }

    pub(super) fn changes_charts(&self) -> bool {
        match (self.before, self.after) {
            (Some(before), Some(after)) => before.charts != after.charts,
            // A line that comes or goes has a class of its own, which its charts go along with.
            (None, _) | (_, None) => false,
        }
    }
}

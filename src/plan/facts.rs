//! The facts that a plan tells beside its edits: why a line changes, what is skipped, what a maintainer should know. They are
//! values with a stable code each; `words` makes sentences of them.

mod chart;
mod note;
mod reason;
mod skip;

pub(crate) use chart::{Asks, ChartReason, MissingChart};
pub(crate) use note::Note;
pub(crate) use reason::{ChartChoice, Evidence, ProvedImage, Reason};
pub(crate) use skip::{
    DefaultReason, FileReason, ImageReason, MinorReason, PolicyReason, RebuiltImage, Skip,
    SkipReason, SkipSubject, SourceReason,
};

use crate::stack::Reference;
use crate::version::OsRelease;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileLine {
    /// The file, relative to the repository's root.
    pub(crate) file: String,
    /// The line.
    pub(crate) line: usize,
}

/// The operating-system releases of images before and after.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OsMove {
    /// Before.
    pub(crate) before: OsRelease,
    /// After.
    pub(crate) after: OsRelease,
}

impl OsMove {
    /// Tells whether the release after is an older one of the same system.
    pub(crate) fn is_lower(&self) -> bool {
        self.before.distribution() == self.after.distribution() && self.after < self.before
    }
}

impl From<&Reference> for FileLine {
    fn from(reference: &Reference) -> Self {
        Self {
            file: reference.file.clone(),
            line: reference.line,
        }
    }
}

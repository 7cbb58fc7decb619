//! What became of the pull requests of a run: one outcome each, from a closed list.

use serde::Serialize;

use super::PullKey;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct PullReport {
    /// The form's version.
    pub(crate) schema: u32,
    /// Whether nothing was changed, as asked.
    pub(crate) is_dry: bool,
    /// One outcome for each pull request that there is or should be.
    pub(crate) outcomes: Vec<PullOutcome>,
    /// Requests made to the forge.
    pub(crate) requests: u32,
    /// Of these, those answered from the cache.
    pub(crate) from_cache: u32,
    /// Of these, those that changed something.
    pub(crate) writes: u32,
    /// What is left of the forge's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remaining: Option<u32>,
    /// The forge's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u32>,
}

impl PullReport {
    /// Tells whether a pull request ended so.
    pub(crate) fn has(&self, ended: PullEnding) -> bool {
        self.outcomes.iter().any(|outcome| outcome.ended == ended)
    }
}

/// How one pull request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct PullOutcome {
    /// What it is about.
    pub(crate) key: PullKey,
    /// Its branch.
    pub(crate) branch: String,
    /// Its number, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<u64>,
    /// What happened.
    pub(crate) ended: PullEnding,
    /// More about it, for people.
    pub(crate) detail: String,
}

/// The closed list of what can happen to a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PullEnding {
    /// There is nothing to do.
    NothingToDo,
    /// It is as it should be.
    UpToDate,
    /// It was opened.
    Opened,
    /// It was brought up to date.
    Refreshed,
    /// It was merged, or is merged by the forge as soon as its rules are met.
    Merged,
    /// It was closed, as its reason is gone.
    Closed,
    /// A person edited it; it was left alone.
    Edited,
    /// A person closed this change; it was not asked again.
    Silenced,
    /// A label says to leave it alone.
    Stopped,
    /// The forge is about to merge it.
    Queued,
    /// The branch is somebody else's.
    ForeignBranch,
    /// A branch that was left over was deleted.
    Swept,
    /// The run had done as much as it may.
    Ceiling,
    /// Somebody changed something in between; the next run looks again.
    Overtaken,
    /// Something went wrong with this one.
    Failed,
}

impl PullEnding {
    /// Tells whether the pull request or its branch is another one after it.
    pub(crate) fn changes_something(self) -> bool {
        match self {
            Self::Opened | Self::Refreshed | Self::Merged | Self::Closed | Self::Swept => true,
            Self::NothingToDo
            | Self::UpToDate
            | Self::Edited
            | Self::Silenced
            | Self::Stopped
            | Self::Queued
            | Self::ForeignBranch
            | Self::Ceiling
            | Self::Overtaken
            | Self::Failed => false,
        }
    }
}

//! The first step: the pull requests that the forge has. It only reads.

use git2::Oid;

use super::propose::EarlierRuns;
use super::{Run, Stop, Task, Trouble};
use crate::error::CommandError;
use crate::io::forge::{ForgeError, PullQuery};
use crate::pull::{HiddenBlock, Labels, PullKey, PullRequest, PullState, find_open, last_refusal};

/// The pull requests of a key's branch, the newest first.
#[derive(Debug, Clone)]
pub(super) struct Looked {
    pub(super) pulls: Vec<PullRequest>,
    pub(super) source: Source,
}

/// Where pull requests were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Each of this branch, just now.
    Branch,
    /// In the lists that a run begins with.
    Lists,
    /// In the list of open ones; closed ones are not known.
    OpenList,
}

impl Looked {
    /// Returns the number of the open pull request of a key.
    pub(super) fn open_number(&self, key: &PullKey) -> Option<u64> {
        Some(find_open(&self.pulls, &key.base)?.number)
    }

    /// Tells whether a later look has found nothing new, as far as this one tells.
    pub(super) fn is_like(&self, now: &Self) -> bool {
        self.told(&self.pulls).eq(self.told(&now.pulls))
    }

    /// Returns those of some pull requests that this look could tell of.
    fn told<'p>(&self, pulls: &'p [PullRequest]) -> impl Iterator<Item = &'p PullRequest> {
        let has_only_open = self.source == Source::OpenList;
        pulls
            .iter()
            .filter(move |pull| !has_only_open || pull.state == PullState::Open)
    }

    /// Returns what earlier runs left behind. A person who puts the label on the open pull request asks that it be made and
    /// tested anew.
    pub(super) fn known(&self, key: &PullKey, labels: &Labels) -> EarlierRuns {
        let kept =
            find_open(&self.pulls, &key.base).filter(|pull| !pull.labels.contains(&labels.again));
        EarlierRuns {
            block: kept.and_then(|pull| HiddenBlock::find(&pull.body)),
            after: last_refusal(&self.pulls),
        }
    }
}

impl Run<'_> {
    /// Looks at all pull requests of a key's branch.
    pub(super) fn look(&self, task: Task<'_>) -> Result<Looked, Trouble> {
        let mut pulls = self.wait(self.forge.find_pulls(task.branch, PullQuery::All))?;
        for pull in &mut pulls {
            // A list does not tell whether it waits in a queue, nor everything else of an open one.
            if pull.state == PullState::Open {
                *pull = self.wait(self.forge.pull(pull.number))?;
            }
            *pull = self.spelt(std::mem::take(pull));
        }
        Ok(Looked {
            pulls,
            source: Source::Branch,
        })
    }

    /// Returns a pull request with its labels as the configuration spells them.
    pub(super) fn spelt(&self, mut pull: PullRequest) -> PullRequest {
        for label in &mut pull.labels {
            self.spell_as_configured(label);
        }
        pull
    }

    /// Looks once more, right before something is changed: at the branch as well, where it has a commit.
    pub(super) fn look_again(
        &mut self,
        task: Task<'_>,
        head: Option<Oid>,
    ) -> Result<Looked, Trouble> {
        // Where there was no branch, a push that expects none notices one.
        if head.is_some() {
            self.refs = self.wait(self.remote.refs(&self.client))?;
        }
        self.look(task)
    }

    /// Spells a label as the configuration does: the forge tells no capital letters from small ones.
    fn spell_as_configured(&self, label: &mut String) {
        let spoken = [&self.labels.stop, &self.labels.again];
        let mut known = spoken.into_iter().chain(&self.config.labels);
        if let Some(known) = known.find(|known| known.eq_ignore_ascii_case(label)) {
            label.clone_from(known);
        }
    }
}

/// What a list without an answer means for the run.
pub(super) fn stop(error: ForgeError) -> Stop {
    if let ForgeError::RateLimited { .. } = error {
        return Stop::Limit(error.to_string());
    }
    let hint = error.hint();
    let failed = CommandError::new(error);
    Stop::Failed(match hint {
        Some(hint) => failed.hinted(hint),
        None => failed,
    })
}

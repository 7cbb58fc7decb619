//! The third step: what is seen of one key, its branch and what is known of the branch's commit included, what its pull request waits
//! for, and what is to be done. It only reads.

use std::collections::BTreeSet;

use git2::Oid;

use super::agenda::{TRAILER, proof};
use super::look::Looked;
use super::propose::{WantedPull, red_of};
use super::{Run, Task, Trouble};
use crate::config::Checks;
use crate::gate::{GateReport, TestResult};
use crate::io::forge::ForgeError;
use crate::io::gate::{Checked, read_checks};
use crate::io::git::{GitError, RemoteError};
use crate::pull::{
    Action, Branch, Fingerprint, HiddenBlock, NoLongerNeeded, Observed, PullKey, PullRequest,
    PullState, Untested, decide, decide_untested,
};

/// The most merges of the base branch that are followed back.
// Each costs a fetch. A branch with more of them is taken for a person's.
const MAX_MERGES: usize = 20;

/// A key as it is seen, with what is wanted and decided.
pub(super) struct Observation {
    pub(super) seen: Observed,
    /// The commit that the branch is at.
    pub(super) head: Option<Oid>,
    pub(super) wanted: Option<WantedPull>,
    /// What its pull request waits for.
    pub(super) waits: Option<String>,
    pub(super) action: Action,
}

impl Observation {
    /// Finds a pull request by its number.
    pub(super) fn pull(&self, number: u64) -> Option<&PullRequest> {
        self.seen.pulls.iter().find(|pull| pull.number == number)
    }
}

impl Run<'_> {
    /// Observes a key and decides.
    pub(super) fn observe(
        &self,
        task: Task<'_>,
        looked: Looked,
        wanted: Option<WantedPull>,
    ) -> Result<Observation, Trouble> {
        let observation = self.see(task, looked, wanted)?;
        let waits = self.waits(task.key, &observation)?;
        Ok(self.decide(task, observation, waits))
    }

    /// Observes a key whose branch was moved just now, and decides. It waits for what it waited for before: of a new commit the forge may
    /// know nothing yet.
    pub(super) fn observe_moved(
        &self,
        task: Task<'_>,
        looked: Looked,
        before: Observation,
    ) -> Result<Observation, Trouble> {
        let observation = self.see(task, looked, before.wanted)?;
        Ok(self.decide(task, observation, before.waits))
    }

    fn decide(
        &self,
        task: Task<'_>,
        mut observation: Observation,
        waits: Option<String>,
    ) -> Observation {
        let gone = NoLongerNeeded(task.key.clone());
        let proposal = match &mut observation.wanted {
            Some(wanted) => {
                let has_drafts = self.config.draft && !self.lacks_drafts;
                wanted.proposal.is_draft = has_drafts.then_some(waits.is_some());
                Ok(&wanted.proposal)
            }
            None => Err(&gone),
        };
        observation.action = decide(&observation.seen, proposal, &self.labels);
        observation.waits = waits;
        observation
    }

    /// Observes a key whose action is the same whatever comes of a test; nothing where a test has to tell.
    pub(super) fn observe_untested(
        &self,
        task: Task<'_>,
        looked: Looked,
    ) -> Result<Option<Observation>, Trouble> {
        let Some(change) = task.agenda.changes.get(task.key) else {
            return Ok(None);
        };
        let known = looked.known(task.key, &self.labels);
        let wanted = self.propose_untested(task, &known)?;
        let mut observation = self.see(task, looked, wanted)?;
        let base = task.agenda.bases.get(&task.key.base);
        let untested = Untested {
            fingerprint: &change.fingerprint,
            stands_on: &base.map_or_else(String::new, |base| base.oid.to_string()),
        };
        let Some(action) = decide_untested(&observation.seen, untested, &self.labels) else {
            return Ok(None);
        };
        observation.action = match (action, &observation.wanted) {
            // What the branch lacks is told to the person who has it.
            (Action::LeaveEdited { .. }, Some(wanted)) => {
                decide(&observation.seen, Ok(&wanted.proposal), &self.labels)
            }
            (action, _) => action,
        };
        Ok(Some(observation))
    }

    fn see(
        &self,
        task: Task<'_>,
        looked: Looked,
        wanted: Option<WantedPull>,
    ) -> Result<Observation, Trouble> {
        let pulls = looked.pulls;
        let head = self.refs.branch(task.branch);
        let mut with_wanted_files = BTreeSet::new();
        for pull in pulls.iter().filter(|pull| is_doubtful(pull)) {
            if self.has_wanted_files(pull, wanted.as_ref())? {
                with_wanted_files.insert(pull.number);
            }
        }
        let branch = match head {
            Some(head) => Some(self.look_at_branch(task.key, head, &pulls, wanted.as_ref())?),
            None => None,
        };
        Ok(Observation {
            seen: Observed {
                branch,
                pulls,
                with_wanted_files,
                base: task.key.base.clone(),
            },
            head,
            wanted,
            waits: None,
            action: Action::Nothing,
        })
    }

    /// Returns what a pull request waits for before it is ready to be merged: tests that were made here, then checks on the very
    /// commit that its branch is at. Nothing is asked where nobody is to know.
    fn waits(&self, key: &PullKey, observation: &Observation) -> Result<Option<String>, Trouble> {
        let Some(wanted) = &observation.wanted else {
            return Ok(None);
        };
        if !self.config.draft && self.config.auto_merge.is_none() {
            return Ok(None);
        }
        let red = red_of(&wanted.tests);
        if red.is_some() || self.gate.checks == Checks::None {
            return Ok(red);
        }
        let branch = observation.seen.branch.as_ref();
        let is_there = branch.is_some_and(|branch| branch.has_wanted_files);
        // The same change on the same base is the same commit: one that is made again may have its checks already.
        let commit = match observation.head {
            Some(head) if is_there => head,
            Some(_) | None => wanted.commit,
        };
        let checked = Checked {
            base: &key.base,
            commit: &commit.to_string(),
        };
        let answer = match observation.head {
            Some(_) => self.read_checks(checked),
            None => Ok(Vec::new()),
        };
        let report = match answer {
            Ok(results) => GateReport::new(results),
            Err(limit @ ForgeError::RateLimited { .. }) => return Err(limit.into()),
            Err(error) if is_there => return Err(error.into()),
            // The forge does not know the commit yet.
            Err(_) => GateReport::default(),
        };
        if report.is_green {
            return Ok(None);
        }
        let reason = report.reason().filter(|_| !report.results.is_empty());
        Ok(Some(reason.unwrap_or_else(|| {
            "its checks have not started".to_owned()
        })))
    }

    /// Reads the checks of a commit. What a base branch requires is read once in a run; whoever merges reads it again.
    fn read_checks(&self, checked: Checked<'_>) -> Result<Vec<TestResult>, ForgeError> {
        let mut protections = self.protections.borrow_mut();
        let known = protections.entry(checked.base.to_owned()).or_default();
        let (wanted, now) = (&self.gate.checks, self.request.now);
        self.wait(read_checks(&self.forge, checked, wanted, known, now))
    }

    /// Fetches a commit with so much of its history, where it is missing.
    pub(super) fn fetch(&self, commit: Oid, depth: u32) -> Result<(), RemoteError> {
        let commits = [commit];
        let fetched = self.remote.fetch(&self.client, &self.git, &commits, depth);
        self.wait(fetched)
    }

    fn look_at_branch(
        &self,
        key: &PullKey,
        head: Oid,
        pulls: &[PullRequest],
        wanted: Option<&WantedPull>,
    ) -> Result<Branch, Trouble> {
        let name = head.to_string();
        let blocks: Vec<HiddenBlock> = pulls
            .iter()
            .filter_map(|pull| HiddenBlock::find(&pull.body))
            .collect();
        let is_made_again = wanted.is_some_and(|wanted| wanted.commit == head);
        let is_known = is_made_again || blocks.iter().any(|block| block.knows(&name));
        // A commit that nobody knows yet is looked at with what it is built upon.
        self.fetch(head, if is_known { 1 } else { 3 })?;
        let has_wanted_files = match wanted {
            Some(wanted) => is_made_again || self.has_files_of(head, wanted)?,
            None => false,
        };
        let is_merge_of_base = !is_known && self.is_merge_of_base(key, head, &blocks)?;
        let is_proved = is_made_again || (!is_known && self.proves_itself(key, head, &blocks)?);
        Ok(Branch {
            head: name,
            is_merge_of_base,
            is_proved,
            has_wanted_files,
            subject: self.subject(head)?,
        })
    }

    fn subject(&self, commit: Oid) -> Result<Option<String>, GitError> {
        let facts = self.git.find_commit(commit)?;
        let line = facts.and_then(|facts| facts.message.lines().next().map(str::to_owned));
        Ok(line)
    }

    /// Tells whether a closed pull request's commit has the files that are wanted. One that nobody keeps any more tells nothing.
    fn has_wanted_files(
        &self,
        pull: &PullRequest,
        wanted: Option<&WantedPull>,
    ) -> Result<bool, Trouble> {
        let (Some(commit), Some(wanted)) = (&pull.head.commit, wanted) else {
            return Ok(false);
        };
        let Ok(head) = Oid::from_str(commit) else {
            return Ok(false);
        };
        match self.fetch(head, 1) {
            Ok(()) => Ok(self.has_files_of(head, wanted)?),
            Err(limit) if limit.is_limit() => Err(limit.into()),
            Err(_) => Ok(false),
        }
    }

    /// Tells whether a branch holds the very files that are wanted.
    fn has_files_of(&self, head: Oid, wanted: &WantedPull) -> Result<bool, GitError> {
        let found = self.git.find_commit(head)?;
        let made = self.git.find_commit(wanted.commit)?;
        Ok(found.map(|facts| facts.tree) == made.map(|facts| facts.tree))
    }

    /// Tells whether a commit is a merge of the base branch, or several, into a commit that a block knows, as the forge makes them.
    fn is_merge_of_base(
        &self,
        key: &PullKey,
        head: Oid,
        blocks: &[HiddenBlock],
    ) -> Result<bool, Trouble> {
        let mut current = head;
        let mut is_known = false;
        for _ in 0..MAX_MERGES {
            self.fetch(current, 2)?;
            let Some(facts) = self.git.find_commit(current)? else {
                return Ok(false);
            };
            let name = current.to_string();
            is_known |= blocks.iter().any(|block| block.knows(&name));
            match facts.parents[..] {
                [before, _] => current = before,
                [_] if is_known => {
                    let merged = self.git.merged_into(head, current)?.unwrap_or_default();
                    // A merge may bring anybody's work along; only what is on the base already is nobody's.
                    for other in &merged {
                        if !self.is_on_base(key, *other)? {
                            return Ok(false);
                        }
                    }
                    return Ok(!merged.is_empty());
                }
                _ => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Tells whether the base branch holds a commit.
    fn is_on_base(&self, key: &PullKey, commit: Oid) -> Result<bool, Trouble> {
        let Some(base) = self.refs.branch(&key.base) else {
            return Ok(false);
        };
        if base == commit {
            return Ok(true);
        }
        let branch = base.to_string();
        Ok(self.wait(self.forge.contains(&branch, &commit.to_string()))?)
    }

    /// Tells whether a commit carries the fingerprint of its own content, right on top of the base branch: then nobody has changed
    /// what the program made, and nobody's work lies below it.
    fn proves_itself(
        &self,
        key: &PullKey,
        head: Oid,
        blocks: &[HiddenBlock],
    ) -> Result<bool, Trouble> {
        let Some(facts) = self.git.find_commit(head)? else {
            return Ok(false);
        };
        // Trailers stand at the end; the text above may quote one.
        let stated = facts.message.lines().rev().find_map(|line| {
            line.strip_prefix(TRAILER)?
                .trim()
                .parse::<Fingerprint>()
                .ok()
        });
        let Some(stated) = stated else {
            return Ok(false);
        };
        let before = facts.parents.first().map(Oid::to_string);
        let base_before = blocks
            .iter()
            .find(|block| before.as_deref().is_some_and(|before| block.knows(before)))
            .and_then(|block| Oid::from_str(&block.base).ok());
        // One that was put on top of an earlier one states what both change of the base.
        let base = match (&facts.parents[..], base_before) {
            ([parent], None) => *parent,
            ([_], Some(earlier)) => earlier,
            ([_, merged], Some(_)) => *merged,
            _ => return Ok(false),
        };
        self.fetch(base, 1)?;
        let changes = self.git.changes(base, facts.tree)?;
        // The forge is asked last, and only of a commit that proves itself.
        Ok(proof(key, &changes) == stated && self.is_on_base(key, base)?)
    }
}

/// Tells whether the body of a closed pull request may tell of another change than the one that was refused: it has no sound block, or one
/// of another commit.
fn is_doubtful(pull: &PullRequest) -> bool {
    let is_of_head = HiddenBlock::find(&pull.body).is_some_and(|block| {
        let is_told = pull
            .head
            .commit
            .as_deref()
            .is_none_or(|head| block.head == head);
        is_told || block.closed.is_some()
    });
    pull.state == PullState::Closed && !is_of_head
}

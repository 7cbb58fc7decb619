//! Keys whose branches are pushed together: to start git for each of them takes longer than all else. After the push, each goes on as after
//! a run that was stopped right then.

use std::collections::BTreeSet;

use super::base::BaseBranch;
use super::look::{Looked, Source};
use super::observe::Observation;
use super::{Run, Stop, Task, Trouble};
use crate::config::CommitConfig;
use crate::io::git::RefUpdate;
use crate::pull::{Action, HiddenBlock, PullOutcome, Refresh};

/// How many branches are pushed together at most: a run that is stopped leaves no more of them without their pull requests.
const MOST: usize = 25;

/// A key for which something is to be written.
pub(super) struct Waiting<'a> {
    pub(super) task: Task<'a>,
    pub(super) looked: Looked,
    pub(super) observation: Observation,
}

impl Waiting<'_> {
    /// The move of its branch.
    fn update(&self) -> Option<RefUpdate> {
        let wanted = self.observation.wanted.as_ref()?;
        let head = self.observation.head;
        let mut update = RefUpdate::branch(self.task.branch, head, Some(wanted.commit));
        update.base = Some(wanted.base);
        Some(update)
    }
}

impl Run<'_> {
    /// Tells whether a key's branch may be pushed together with those of others.
    pub(super) fn may_wait(&self, task: Task<'_>, observation: &Observation) -> bool {
        let moves = match &observation.action {
            Action::Open { .. } => observation.head.is_none(),
            Action::Refresh(Refresh { moves, number, .. }) => {
                let block = observation
                    .pull(*number)
                    .and_then(|pull| HiddenBlock::find(&pull.body));
                // One that gets commits on top, and one that may be merged before its branch has moved, go their own way.
                *moves
                    && block.is_some_and(|block| !block.appends)
                    && self.merge_to_hold(observation).is_none()
            }
            _ => false,
        };
        let base = task.agenda.bases.get(&task.key.base);
        let has_room = self.pushed < self.config.at_most.pushed;
        moves && has_room && base.is_some_and(|base| self.pushes_together(base))
    }

    /// Tells whether branches of pull requests to a base branch are pushed together.
    pub(super) fn pushes_together(&self, base: &BaseBranch) -> bool {
        // What was tested for long is not kept waiting: only its pull request remembers the results.
        base.repository.config.gate.commands.is_empty() && self.config.commits == CommitConfig::Git
    }

    /// Tells whether those that wait are to be done before another key is looked at: there are enough of them, or no more may be opened
    /// or pushed.
    pub(super) fn is_full(&self, waiting: &[Waiting<'_>]) -> bool {
        let at_most = &self.config.at_most;
        let count = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        waiting.len() >= MOST
            || self.opened.saturating_add(count) >= at_most.opened
            || self.pushed.saturating_add(count) >= at_most.pushed
    }

    /// Pushes the branches of all that wait, and goes on with each of them.
    pub(super) fn go_on(
        &mut self,
        waiting: Vec<Waiting<'_>>,
        outcomes: &mut Vec<PullOutcome>,
    ) -> Result<(), Stop> {
        let mut ready = Vec::new();
        for one in waiting {
            let (task, number) = (one.task, one.looked.open_number(one.task.key));
            match self.look_before_push(one) {
                Ok(one) => ready.push(one),
                Err(trouble) => outcomes.push(task.ended(number, Err(trouble))?),
            }
        }
        let updates: Vec<RefUpdate> = ready
            .iter()
            .filter(|one| self.may_wait(one.task, &one.observation))
            .filter_map(Waiting::update)
            .collect();
        let moved = match updates.len() {
            // One alone is pushed when it is its turn.
            0 | 1 => Vec::new(),
            _ => self.move_together(&updates),
        };
        let moved: BTreeSet<String> = moved.into_iter().map(|update| update.name).collect();
        for one in ready {
            let (task, number) = (one.task, one.looked.open_number(one.task.key));
            let is_moved = one
                .update()
                .is_some_and(|update| moved.contains(&update.name));
            let ended = if is_moved {
                self.finish_moved(one)
            } else {
                self.finish(one)
            };
            outcomes.push(task.ended(number, ended)?);
        }
        Ok(())
    }

    /// Looks at an open pull request before its branch moves: people act while tests run, and a list grows old.
    fn look_before_push<'a>(&self, before: Waiting<'a>) -> Result<Waiting<'a>, Trouble> {
        let task = before.task;
        // A branch that is made anew is nobody's yet, and a push that expects none notices one.
        if before.looked.open_number(task.key).is_none() {
            return Ok(before);
        }
        let Waiting {
            looked,
            mut observation,
            ..
        } = before;
        let now = self.look(task)?;
        let is_told_anew = self.tell_after(task, &looked, &now, &mut observation)?;
        if is_told_anew || !looked.is_like(&now) {
            observation = self.observe(task, now.clone(), observation.wanted)?;
        }
        Ok(Waiting {
            task,
            looked: now,
            observation,
        })
    }

    /// Goes on with a key whose branch was moved just now.
    fn finish_moved(&mut self, before: Waiting<'_>) -> Result<PullOutcome, Trouble> {
        let Waiting {
            task,
            looked,
            mut observation,
        } = before;
        let now = self.look(task)?;
        self.tell_after(task, &looked, &now, &mut observation)?;
        let moved = self.observe_moved(task, now, observation)?;
        self.act(task, &moved)
    }

    /// Goes on with a key for which something is to be written: it is looked at once more, as people act while tests run. What is decided
    /// now is decided by what is there now.
    pub(super) fn finish(&mut self, before: Waiting<'_>) -> Result<PullOutcome, Trouble> {
        let Waiting {
            task,
            looked,
            mut observation,
        } = before;
        let now = self.look_again(task, observation.head)?;
        let is_told_anew = self.tell_after(task, &looked, &now, &mut observation)?;
        let is_same_head = self.refs.branch(task.branch) == observation.head;
        if is_told_anew || !is_same_head || !looked.is_like(&now) {
            observation = self.observe(task, now, observation.wanted)?;
        }
        self.act(task, &observation)
    }

    /// Has a text name the pull request that was refused before it, which a list may have missed; tells whether it did.
    fn tell_after(
        &self,
        task: Task<'_>,
        before: &Looked,
        now: &Looked,
        observation: &mut Observation,
    ) -> Result<bool, Trouble> {
        let known = now.known(task.key, &self.labels);
        let is_same = known.after == before.known(task.key, &self.labels).after;
        let is_told_anew = before.source != Source::Branch && !is_same;
        if is_told_anew {
            observation.wanted = self.propose(task, &known)?;
        }
        Ok(is_told_anew)
    }
}

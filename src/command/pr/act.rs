//! The last step: carries an action out, piece by piece, so that a run that is stopped after any piece is finished by the next. What may be
//! refused comes first: a branch is at its commit, which proves itself, before a pull request is opened of it or speaks of it.

use git2::Oid;

use super::land::{BranchMove, Landed, Landing};
use super::observe::Observation;
use super::propose::WantedPull;
use super::{Run, Task, Trouble};
use crate::io::forge::{Cause, Created, ForgeError, NewPull, PullChange};
use crate::pull::{
    Action, Fingerprint, HiddenBlock, NoLongerNeeded, PullEnding, PullOutcome, PullRequest,
    Refresh, Words,
};

/// Where an action is carried out: a key and what is seen of it.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) task: Task<'a>,
    pub(super) seen: &'a Observation,
}

impl Run<'_> {
    /// Carries out what is decided, and what follows from it: auto-merge is switched, what is green is merged.
    pub(super) fn act(
        &mut self,
        task: Task<'_>,
        observation: &Observation,
    ) -> Result<PullOutcome, Trouble> {
        let is_held = self.hold_merge(observation)?;
        let site = Site {
            task,
            seen: observation,
        };
        let mut outcome = self.act_alone(site)?;
        if is_held {
            outcome.detail += "; auto-merge disabled";
            if outcome.ended == PullEnding::UpToDate {
                outcome.ended = PullEnding::Refreshed;
            }
        }
        let waits = observation.waits.as_ref();
        // What this run opened or moved is merged by a later one, once its checks have run.
        if outcome.ended == PullEnding::UpToDate && waits.is_none() {
            self.merge_last(site, &mut outcome)?;
        }
        let is_waiting = matches!(
            outcome.ended,
            PullEnding::Opened | PullEnding::Refreshed | PullEnding::UpToDate | PullEnding::Ceiling
        );
        if let Some(waits) = waits.filter(|_| is_waiting) {
            let state = if self.config.draft && !self.lacks_drafts {
                "draft"
            } else {
                "not merged"
            };
            outcome.detail = format!("{}; {state}: {waits}", outcome.detail);
        }
        Ok(outcome)
    }

    fn act_alone(&mut self, site: Site<'_>) -> Result<PullOutcome, Trouble> {
        match (&site.seen.action, &site.seen.wanted) {
            (Action::Open { has_branch }, Some(wanted)) => {
                let there = site.seen.head.filter(|_| *has_branch);
                self.open_pull(site, wanted, there)
            }
            (Action::Refresh(refresh), Some(wanted)) => self.refresh(site, wanted, refresh),
            (
                Action::Close {
                    number,
                    cause,
                    deletes_branch,
                },
                _,
            ) => {
                let outcome = self.close(site, *number, cause)?;
                if *deletes_branch && !self.request.is_dry {
                    return self.remove_closed_branch(site, *number, outcome);
                }
                Ok(outcome)
            }
            (Action::LeaveEdited { number, state }, _) => self.leave_edited(site, *number, *state),
            (Action::Sweep, _) => self.sweep(site),
            (other, _) => Ok(site.ended_without_work(other)),
        }
    }

    /// Says why no pull request is opened any more in this run.
    pub(super) fn ceiling(&self) -> Option<String> {
        let (opened, pushed) = (self.opened, self.pushed);
        let at_most = &self.config.at_most;
        let is_reached = opened >= at_most.opened || pushed >= at_most.pushed;
        is_reached.then(|| {
            format!("limit reached: {opened} opened and {pushed} pushed; the next run continues")
        })
    }

    /// Opens a pull request of the change. A run that was stopped may have left the branch at its commit, `there`.
    fn open_pull(
        &mut self,
        site: Site<'_>,
        wanted: &WantedPull,
        there: Option<Oid>,
    ) -> Result<PullOutcome, Trouble> {
        let title = &wanted.proposal.title;
        if self.request.is_dry {
            // Counted as if it were done, so that a dry run meets the same ceiling.
            self.opened += 1;
            self.pushed += u32::from(there.is_none());
            return Ok(site.outcome(None, PullEnding::Opened, title));
        }
        let landed = match there {
            Some(commit) => Landed {
                commit,
                appends: false,
            },
            None => self.land_change(site, wanted)?,
        };
        let mut text = Text {
            wanted,
            words: Words::of(&wanted.proposal),
            landed: &landed,
            labels: Vec::new(),
            without_drafts: self.lacks_drafts,
        };
        let created = self.create(site, &mut text)?;
        self.opened += 1;
        let labels = &wanted.proposal.labels;
        if !labels.is_empty() {
            match self.give_labels(created.number, labels) {
                // A used-up limit ends the run; anything else is told of the pull request, which is open by now.
                Err(why) if !why.is_limit() => {
                    let detail =
                        format!("opened, but its labels were not added: {}", why.in_full());
                    return Ok(site.outcome(Some(created.number), PullEnding::Failed, &detail));
                }
                given => given?,
            }
            // They are noted once they are given, so that a run that is stopped before does not take them for taken away.
            text.labels.clone_from(labels);
            let change = PullChange {
                body: Some(text.body(site)),
                ..PullChange::default()
            };
            self.wait(self.forge.update_pull(created.number, &change))?;
        }
        Ok(site.outcome(Some(created.number), PullEnding::Opened, title))
    }

    /// Opens a pull request: an ordinary one where the repository knows no drafts.
    fn create(&mut self, site: Site<'_>, text: &mut Text<'_>) -> Result<Created, Trouble> {
        let proposal = &text.wanted.proposal;
        let mut new = NewPull {
            title: proposal.title.clone(),
            body: text.body(site),
            head: site.task.branch.to_owned(),
            base: site.task.key.base.clone(),
            draft: !self.lacks_drafts && proposal.is_draft.unwrap_or(false),
        };
        match self.wait(self.forge.create_pull(&new)) {
            Err(error) if new.draft && error.cause() == Some(Cause::DraftsUnsupported) => {}
            created => return Ok(created?),
        }
        self.lacks_drafts = true;
        text.without_drafts = true;
        new.draft = false;
        new.body = text.body(site);
        Ok(self.wait(self.forge.create_pull(&new))?)
    }

    fn refresh(
        &mut self,
        site: Site<'_>,
        wanted: &WantedPull,
        refresh: &Refresh,
    ) -> Result<PullOutcome, Trouble> {
        let number = refresh.number;
        if refresh.moves && self.pushed >= self.config.at_most.pushed {
            let detail = format!(
                "limit reached: {} pushed; the next run continues",
                self.pushed
            );
            return Ok(site.outcome(Some(number), PullEnding::Ceiling, &detail));
        }
        let mut detail = wanted.proposal.title.clone();
        if self.request.is_dry {
            self.pushed += u32::from(refresh.moves);
            return Ok(site.outcome(Some(number), PullEnding::Refreshed, &detail));
        }
        let landed = match site.seen.head {
            Some(commit) if !refresh.moves => Landed {
                commit,
                appends: site.block(number).is_some_and(|block| block.appends),
            },
            Some(_) | None => self.land_change(site, wanted)?,
        };
        // Before the text, whose block notes them as given.
        self.give_labels(number, &refresh.labels)?;
        let has_set_draft = match (refresh.draft, site.seen.pull(number)) {
            (Some(draft), Some(pull)) => self.set_draft(pull, draft)?,
            _ => true,
        };
        // The block notes that there are no drafts, so that the next run asks for none.
        if refresh.writes_text || !has_set_draft {
            let block = site.block(number);
            let lacked_drafts = block.as_ref().is_some_and(|block| block.without_drafts);
            let mut labels = block.map_or(Vec::new(), |block| block.labels);
            // Labels that were given once stay noted: one that is gone was taken away by a person.
            labels.extend(wanted.proposal.labels.clone());
            let text = Text {
                wanted,
                words: site.words(number, wanted),
                landed: &landed,
                labels,
                without_drafts: lacked_drafts || !has_set_draft,
            };
            let change = PullChange {
                body: Some(text.body(site)),
                title: text.words.title,
                base: site.base_change(number),
                is_open: None,
            };
            self.wait(self.forge.update_pull(number, &change))?;
            if change.title.is_none() && site.has_other_title(number, &detail) {
                detail += "; title edited by a person, kept";
            }
        }
        // Last, so that a run that is stopped before does all of it again.
        if let Some(pull) = site.seen.pull(number)
            && pull.labels.contains(&self.labels.again)
        {
            self.wait(self.forge.remove_label(number, &self.labels.again))?;
            self.take_back_comment(pull)?;
        }
        Ok(site.outcome(Some(number), PullEnding::Refreshed, &detail))
    }

    /// Makes a pull request a draft, or ready; tells whether the repository knows drafts.
    fn set_draft(&mut self, pull: &PullRequest, is_draft: bool) -> Result<bool, Trouble> {
        match self.wait(self.forge.set_draft(pull, is_draft)) {
            Err(error) if error.cause() == Some(Cause::DraftsUnsupported) => {
                self.lacks_drafts = true;
                Ok(false)
            }
            done => Ok(done.map(|()| true)?),
        }
    }

    /// Says why, and closes.
    fn close(
        &self,
        site: Site<'_>,
        number: u64,
        cause: &NoLongerNeeded,
    ) -> Result<PullOutcome, Trouble> {
        let detail = cause.to_string();
        let outcome = site.outcome(Some(number), PullEnding::Closed, &detail);
        if self.request.is_dry {
            return Ok(outcome);
        }
        // It is said first: nobody comes back to one that is closed.
        self.say_closed(site, number, &detail)?;
        let body = site.seen.pull(number).map(|pull| {
            let (visible, block) = HiddenBlock::split(&pull.body);
            // Without a block nobody would know later that it was not a person who closed it.
            let mut last = block.unwrap_or_else(|| site.block_of_nothing());
            last.closed = Some(detail.clone());
            format!("{}\n\n{}", visible.trim_end(), last.render())
        });
        let change = PullChange {
            body,
            is_open: Some(false),
            ..PullChange::default()
        };
        self.wait(self.forge.update_pull(number, &change))?;
        Ok(outcome)
    }

    /// Deletes the branch of a pull request once that is seen to be closed.
    fn remove_closed_branch(
        &self,
        site: Site<'_>,
        number: u64,
        mut outcome: PullOutcome,
    ) -> Result<PullOutcome, Trouble> {
        // Somebody may have opened it again, and then it needs its branch.
        if !self.wait(self.forge.is_open(number))? {
            outcome.detail += &self.remove_branch(site.task.branch, site.seen.head)?;
        }
        Ok(outcome)
    }

    fn sweep(&mut self, site: Site<'_>) -> Result<PullOutcome, Trouble> {
        let detail = "left-over branch";
        if self.request.is_dry {
            return Ok(site.outcome(None, PullEnding::Swept, detail));
        }
        // GitHub closes or retargets the pull requests whose base branch is deleted.
        if self.wait(self.forge.is_base_of_open(site.task.branch))? {
            let detail = "left-over branch kept: it is the base of an open pull request";
            return Ok(site.outcome(None, PullEnding::NothingToDo, detail));
        }
        self.move_branch(&BranchMove {
            branch: site.task.branch,
            from: site.seen.head,
            to: None,
            base: None,
        })?;
        self.pushed += 1;
        Ok(site.outcome(None, PullEnding::Swept, detail))
    }

    /// Brings the branch to the change.
    fn land_change(&mut self, site: Site<'_>, wanted: &WantedPull) -> Result<Landed, Trouble> {
        let from = site.seen.head;
        let name = from.map(|head| head.to_string());
        let pulls = site.seen.seen.pulls.iter();
        let block = pulls
            .filter_map(|pull| HiddenBlock::find(&pull.body))
            .find(|block| name.as_deref().is_some_and(|head| block.knows(head)));
        let landed = self.land(&Landing {
            branch: site.task.branch,
            wanted,
            from,
            stands_on: block
                .as_ref()
                .and_then(|block| Oid::from_str(&block.base).ok()),
            appends: block.is_some_and(|block| block.appends),
        })?;
        self.pushed += 1;
        Ok(landed)
    }

    /// Deletes a branch whose pull request is done with. That is so whatever comes of its branch: what is returned says why that
    /// stays.
    pub(super) fn remove_branch(&self, branch: &str, head: Option<Oid>) -> Result<String, Trouble> {
        match self.wait(self.forge.is_base_of_open(branch)) {
            Ok(false) => {}
            Ok(true) => {
                return Ok("; branch kept: it is the base of an open pull request".to_owned());
            }
            Err(limit @ ForgeError::RateLimited { .. }) => return Err(limit.into()),
            Err(why) => return Ok(format!("; branch kept: {why}")),
        }
        let removed = self.move_branch(&BranchMove {
            branch,
            from: head,
            to: None,
            base: None,
        });
        match removed {
            Ok(()) => Ok(String::new()),
            Err(Trouble::Forge(limit @ ForgeError::RateLimited { .. })) => Err(limit.into()),
            Err(why) => Ok(format!("; branch kept: {why}")),
        }
    }

    fn give_labels(&self, number: u64, labels: &[String]) -> Result<(), Trouble> {
        if labels.is_empty() {
            return Ok(());
        }
        for label in labels {
            let about = "Added by csctl-matrix";
            // The grey that GitHub gives to labels without a colour.
            self.wait(self.forge.create_label_if_missing(label, "ededed", about))?;
        }
        let names: Vec<&str> = labels.iter().map(String::as_str).collect();
        Ok(self.wait(self.forge.add_labels(number, &names))?)
    }
}

impl Site<'_> {
    /// What a pull request says of itself.
    fn block(&self, number: u64) -> Option<HiddenBlock> {
        HiddenBlock::find(&self.seen.pull(number)?.body)
    }

    /// The base branch to set, where a person has changed it.
    fn base_change(&self, number: u64) -> Option<String> {
        let base = &self.task.key.base;
        let pull = self.seen.pull(number)?;
        (pull.base.branch != *base).then(|| base.clone())
    }

    /// What a pull request is to say.
    fn words(&self, number: u64, wanted: &WantedPull) -> Words {
        let branch = self.seen.seen.branch.as_ref();
        let subject = branch.and_then(|branch| branch.subject.as_deref());
        match self.seen.pull(number) {
            Some(pull) => Words::beside(pull, &wanted.proposal, subject),
            None => Words::of(&wanted.proposal),
        }
    }

    fn has_other_title(&self, number: u64, title: &str) -> bool {
        let pull = self.seen.pull(number);
        pull.is_some_and(|pull| pull.title != title)
    }

    /// A block of a pull request whose change nobody knows any more.
    fn block_of_nothing(&self) -> HiddenBlock {
        let key = self.task.key;
        let head = self.seen.head.map(|head| head.to_string());
        HiddenBlock {
            head: head.unwrap_or_default(),
            ..HiddenBlock::new(key, Fingerprint::of(key, &[]))
        }
    }

    pub(super) fn outcome(
        &self,
        number: Option<u64>,
        ended: PullEnding,
        detail: &str,
    ) -> PullOutcome {
        self.task.outcome(number, ended, detail)
    }

    fn ended_without_work(&self, action: &Action) -> PullOutcome {
        let (number, ended, detail) = match action {
            Action::Keep { number } => (Some(*number), PullEnding::UpToDate, "up to date"),
            Action::Silenced { number } => (
                Some(*number),
                PullEnding::Silenced,
                "this change was closed by a person",
            ),
            Action::Stopped { number } => {
                (Some(*number), PullEnding::Stopped, "stopped by a label")
            }
            Action::Queued { number } => (Some(*number), PullEnding::Queued, "in the merge queue"),
            Action::ForeignBranch => (
                None,
                PullEnding::ForeignBranch,
                "the branch belongs to somebody else",
            ),
            // The rest is carried out elsewhere, or lacks the pull request that is wanted for it.
            Action::Nothing
            | Action::Sweep
            | Action::Open { .. }
            | Action::Refresh(_)
            | Action::Close { .. }
            | Action::LeaveEdited { .. } => (None, PullEnding::NothingToDo, "nothing to do"),
        };
        self.outcome(number, ended, detail)
    }
}

/// What a pull request says, and what its hidden block remembers beside the change.
struct Text<'a> {
    wanted: &'a WantedPull,
    words: Words,
    landed: &'a Landed,
    labels: Vec<String>,
    without_drafts: bool,
}

impl Text<'_> {
    /// Returns the whole body, with its hidden block.
    fn body(&self, site: Site<'_>) -> String {
        let (wanted, words) = (self.wanted, &self.words);
        let mut labels = self.labels.clone();
        labels.sort();
        labels.dedup();
        let block = HiddenBlock {
            base: wanted.base.to_string(),
            head: self.landed.commit.to_string(),
            labels,
            tests: wanted.tests.clone(),
            red: wanted.red.clone(),
            title: Some(words.own_title.clone()),
            text: Some(words.own_text.clone()),
            appends: self.landed.appends,
            without_drafts: self.without_drafts,
            ..HiddenBlock::new(site.task.key, wanted.proposal.fingerprint.clone())
        };
        format!("{}\n\n{}", words.visible, block.render())
    }
}

//! Carries a decision out, step by step, so that a run that is stopped after any step is finished by the next. What may be refused
//! comes first: a branch is at its commit, which proves itself, before a pull request is opened of it or speaks of it.

use git2::Oid;

use super::land::{Landed, Landing, Move};
use super::observe::Seen;
use super::propose::Wanted;
use super::{Run, Trouble};
use crate::io::forge::{Cause, Created, ForgeError, NewPull, PullChange, PullRequest};
use crate::pull::{Block, Decision, Edited, Ended, Fingerprint, PullKey, PullOutcome, Words};

/// The hidden beginning of the one comment on a pull request that a person has edited.
const EDITED_COMMENT: &str = "<!-- csctl-matrix:edited -->";
/// The longest patch that a comment shows, in bytes.
const MAX_PATCH: usize = 20_000;
/// The hidden beginning of the comment that says why a pull request is closed.
const CLOSED_COMMENT: &str = "<!-- csctl-matrix:closed -->";

/// Where a decision is carried out.
struct Place<'a> {
    key: &'a PullKey,
    branch: &'a str,
    seen: &'a Seen,
}

impl Run<'_> {
    /// Carries a decision out.
    pub(super) fn act(
        &mut self,
        key: &PullKey,
        branch: &str,
        (seen, wanted): (&Seen, Option<&Wanted>),
        decision: Decision,
    ) -> Result<PullOutcome, Trouble> {
        let place = Place { key, branch, seen };
        match (decision, wanted) {
            (Decision::Open { has_branch }, Some(wanted)) => {
                self.open_pull(&place, wanted, has_branch)
            }
            (decision @ Decision::Refresh { .. }, Some(wanted)) => {
                self.refresh(&place, wanted, decision)
            }
            (decision @ Decision::Close { .. }, _) => self.close(&place, decision),
            (Decision::Edited(edited), _) => self.leave_edited(&place, &edited, wanted),
            (Decision::Sweep, _) => self.sweep(&place),
            (other, _) => Ok(place.ended_without_work(&other)),
        }
    }

    /// Says why no pull request is opened any more in this run.
    pub(super) fn ceiling(&self) -> Option<String> {
        let (opened, pushed) = (self.opened, self.pushed);
        let at_most = &self.config.at_most;
        let is_reached = opened >= at_most.opened || pushed >= at_most.pushed;
        is_reached.then(|| {
            format!("{opened} opened and {pushed} pushed in this run; the next one goes on")
        })
    }

    fn open_pull(
        &mut self,
        place: &Place<'_>,
        wanted: &Wanted,
        has_branch: bool,
    ) -> Result<PullOutcome, Trouble> {
        let title = &wanted.proposal.title;
        if self.request.is_dry {
            self.opened += 1;
            self.pushed += u32::from(!has_branch);
            return Ok(place.outcome(None, Ended::Opened, title.clone()));
        }
        let landed = match place.seen.head.filter(|_| has_branch) {
            Some(commit) => Landed {
                commit,
                appends: false,
            },
            None => self.land_change(place, wanted)?,
        };
        let words = Words::of(&wanted.proposal);
        let labels = &wanted.proposal.labels;
        let mut noted = Noted {
            landed: &landed,
            labels: Vec::new(),
            without_drafts: self.lacks_drafts,
        };
        let created = self.create(place, wanted, (&words, &mut noted))?;
        self.opened += 1;
        if !labels.is_empty() {
            // They are noted when they are given, so that a run that is stopped before does not take them for taken away.
            match self.give_labels(created.number, labels) {
                Err(why) if !why.is_limit() => {
                    let detail =
                        format!("opened, and its labels were not given: {}", why.in_full());
                    return Ok(place.outcome(Some(created.number), Ended::Failed, detail));
                }
                given => given?,
            }
            noted.labels.clone_from(labels);
            let change = PullChange {
                body: Some(body(place, wanted, &words, &noted)),
                ..PullChange::default()
            };
            self.wait(self.forge.update_pull(created.number, &change))?;
        }
        Ok(place.outcome(Some(created.number), Ended::Opened, title.clone()))
    }

    /// Opens a pull request: an ordinary one where the repository knows no drafts.
    fn create(
        &mut self,
        place: &Place<'_>,
        wanted: &Wanted,
        (words, noted): (&Words, &mut Noted<'_>),
    ) -> Result<Created, Trouble> {
        let mut new = NewPull {
            title: wanted.proposal.title.clone(),
            body: body(place, wanted, words, noted),
            head: place.branch.to_owned(),
            base: place.key.base.clone(),
            draft: !self.lacks_drafts && wanted.proposal.is_draft.unwrap_or(false),
        };
        match self.wait(self.forge.create_pull(&new)) {
            Err(error) if new.draft && error.cause() == Some(Cause::DraftsUnsupported) => {}
            created => return Ok(created?),
        }
        self.lacks_drafts = true;
        noted.without_drafts = true;
        new.draft = false;
        new.body = body(place, wanted, words, noted);
        Ok(self.wait(self.forge.create_pull(&new))?)
    }

    fn refresh(
        &mut self,
        place: &Place<'_>,
        wanted: &Wanted,
        decision: Decision,
    ) -> Result<PullOutcome, Trouble> {
        let Decision::Refresh {
            number,
            moves,
            writes_text,
            labels,
            draft,
        } = decision
        else {
            return Ok(place.ended_without_work(&decision));
        };
        if moves && self.pushed >= self.config.at_most.pushed {
            let detail = format!("{} pushed in this run; the next one goes on", self.pushed);
            return Ok(place.outcome(Some(number), Ended::Ceiling, detail));
        }
        let title = &wanted.proposal.title;
        if self.request.is_dry {
            self.pushed += u32::from(moves);
            return Ok(place.outcome(Some(number), Ended::Refreshed, title.clone()));
        }
        let landed = match place.seen.head {
            Some(commit) if !moves => Landed {
                commit,
                appends: place.block(number).is_some_and(|block| block.appends),
            },
            Some(_) | None => self.land_change(place, wanted)?,
        };
        self.give_labels(number, &labels)?;
        let has_set_draft = match (draft, place.pull(number)) {
            (Some(draft), Some(pull)) => self.set_draft(pull, draft)?,
            _ => true,
        };
        let mut detail = title.clone();
        if writes_text || !has_set_draft {
            let words = place.words(number, wanted);
            let block = place.block(number);
            let lacked_drafts = block.as_ref().is_some_and(|block| block.without_drafts);
            let mut noted = block.map_or(Vec::new(), |block| block.labels);
            noted.extend(wanted.proposal.labels.clone());
            let noted = Noted {
                landed: &landed,
                labels: noted,
                without_drafts: lacked_drafts || !has_set_draft,
            };
            let change = PullChange {
                body: Some(body(place, wanted, &words, &noted)),
                title: words.title,
                base: place.base_change(number),
                is_open: None,
            };
            self.wait(self.forge.update_pull(number, &change))?;
            if change.title.is_none() && place.has_other_title(number, title) {
                detail += "; its title is a person's and stays";
            }
        }
        if let Some(pull) = place.pull(number)
            && pull.labels.contains(&self.labels.again)
        {
            self.wait(self.forge.remove_label(number, &self.labels.again))?;
            self.take_back_comment(pull)?;
        }
        Ok(place.outcome(Some(number), Ended::Refreshed, detail))
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

    /// Says why, closes, and deletes the branch once the pull request is seen to be closed.
    fn close(&mut self, place: &Place<'_>, decision: Decision) -> Result<PullOutcome, Trouble> {
        let Decision::Close {
            number,
            cause,
            deletes_branch,
        } = decision
        else {
            return Ok(place.ended_without_work(&decision));
        };
        if self.request.is_dry {
            return Ok(place.outcome(Some(number), Ended::Closed, cause.0.clone()));
        }
        let text = format!("{CLOSED_COMMENT}\nClosed: {}.", cause.0);
        self.keep_comment((number, place.pull(number)), CLOSED_COMMENT, &text)?;
        let body = place.pull(number).map(|pull| {
            let (visible, block) = Block::split(&pull.body);
            // Without a block nobody would know later that it was not a person who closed it.
            let mut block = block.unwrap_or_else(|| place.block_of_nothing());
            block.closed = Some(cause.0.clone());
            format!("{}\n\n{}", visible.trim_end(), block.render())
        });
        let change = PullChange {
            body,
            is_open: Some(false),
            ..PullChange::default()
        };
        self.wait(self.forge.update_pull(number, &change))?;
        let is_open = self.wait(self.forge.is_open(number))?;
        let mut detail = cause.0;
        if deletes_branch && !is_open {
            detail += &self.remove_branch(place.branch, place.seen.head)?;
        }
        Ok(place.outcome(Some(number), Ended::Closed, detail))
    }

    /// Leaves a person's work alone, and keeps one comment that says how to hand it back, and how to bring it up to date by hand.
    fn leave_edited(
        &mut self,
        place: &Place<'_>,
        edited: &Edited,
        wanted: Option<&Wanted>,
    ) -> Result<PullOutcome, Trouble> {
        let state = match (edited.is_unwanted, edited.has_wanted_files) {
            (true, _) => "this change is not needed any more",
            (false, true) => "it holds what would be proposed today",
            (false, false) => "it differs from what would be proposed today",
        };
        let mut text = format!(
            "{EDITED_COMMENT}\nThis branch has commits that are not csctl-matrix's own, so it is left alone; {state}. The label `{}` hands it back: \
             csctl-matrix then makes it anew and drops those commits.",
            self.labels.again
        );
        if let (Some(wanted), Some(head)) = (wanted, place.seen.head) {
            text += &self.missing(wanted, head)?;
        }
        if !self.request.is_dry {
            let pull = place.pull(edited.number);
            self.keep_comment((edited.number, pull), EDITED_COMMENT, &text)?;
        }
        let detail = format!("a person edited it: {state}");
        Ok(place.outcome(Some(edited.number), Ended::Edited, detail))
    }

    /// Shows the patch that a branch lacks; nothing where it lacks nothing, or more than a comment is for.
    fn missing(&self, wanted: &Wanted, head: Oid) -> Result<String, Trouble> {
        let Some(facts) = self.git.find_commit(wanted.commit)? else {
            return Ok(String::new());
        };
        let changes = self.git.changes(wanted.base, facts.tree)?;
        let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        let patch = self.git.patch(head, wanted.commit, &paths)?;
        if patch.is_empty() || patch.len() > MAX_PATCH {
            return Ok(String::new());
        }
        // A fence in the patch would end the block.
        let ticks = patch.split(|sign| sign != '`').map(str::len).max();
        let fence = "`".repeat(ticks.unwrap_or_default().max(2) + 1);
        Ok(format!(
            "\n\n<details><summary>What brings it up to date, for <code>git apply</code></summary>\n\n{fence}diff\n{patch}{fence}\n\n</details>"
        ))
    }

    fn sweep(&mut self, place: &Place<'_>) -> Result<PullOutcome, Trouble> {
        if self.request.is_dry {
            let detail = "a left-over branch";
            return Ok(place.outcome(None, Ended::Swept, detail.to_owned()));
        }
        if self.wait(self.forge.is_base_of_open(place.branch))? {
            let detail = "a left-over branch stays: an open pull request goes to it";
            return Ok(place.outcome(None, Ended::NothingToDo, detail.to_owned()));
        }
        self.move_branch(&Move {
            branch: place.branch,
            from: place.seen.head,
            to: None,
            base: None,
        })?;
        self.pushed += 1;
        Ok(place.outcome(None, Ended::Swept, "a left-over branch".to_owned()))
    }

    /// Brings the branch to the change.
    fn land_change(&mut self, place: &Place<'_>, wanted: &Wanted) -> Result<Landed, Trouble> {
        let from = place.seen.head;
        let name = from.map(|head| head.to_string());
        let knows = |block: &Block| name.as_deref().is_some_and(|name| block.knows(name));
        let open = place.seen.observed.pulls.iter();
        let block = open.filter_map(|pull| Block::find(&pull.body)).find(knows);
        let stands_on = block.as_ref().map(|block| Oid::from_str(&block.base).ok());
        let landed = self.land(&Landing {
            branch: place.branch,
            wanted,
            from,
            stands_on: stands_on.flatten(),
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
            Ok(true) => return Ok("; its branch stays: an open pull request goes to it".to_owned()),
            Err(limit @ ForgeError::RateLimited { .. }) => return Err(limit.into()),
            Err(why) => return Ok(format!("; its branch stays: {why}")),
        }
        let removed = self.move_branch(&Move {
            branch,
            from: head,
            to: None,
            base: None,
        });
        match removed {
            Ok(()) => Ok(String::new()),
            Err(Trouble::Forge(limit @ ForgeError::RateLimited { .. })) => Err(limit.into()),
            Err(why) => Ok(format!("; its branch stays: {why}")),
        }
    }

    fn give_labels(&self, number: u64, labels: &[String]) -> Result<(), Trouble> {
        if labels.is_empty() {
            return Ok(());
        }
        for label in labels {
            let about = "Given by csctl-matrix";
            self.wait(self.forge.create_label_if_missing(label, "ededed", about))?;
        }
        let names: Vec<&str> = labels.iter().map(String::as_str).collect();
        Ok(self.wait(self.forge.add_labels(number, &names))?)
    }

    /// Says in the comment on an edited branch, where there is one, that the branch was handed back.
    fn take_back_comment(&self, pull: &PullRequest) -> Result<(), Trouble> {
        let comments = self.wait(self.forge.comments(pull.number))?;
        let mut own = comments.iter().filter(|comment| {
            comment.author == pull.author && comment.body.starts_with(EDITED_COMMENT)
        });
        let text = format!(
            "{EDITED_COMMENT}\nThis branch was handed back to csctl-matrix, which made it anew."
        );
        match own.next() {
            Some(comment) if comment.body != text => {
                Ok(self.wait(self.forge.update_comment(comment.id, &text))?)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Keeps one comment with this hidden beginning up to date; an unchanged one is not written. Of others' comments with the same
    /// beginning none is written over: the forge would not let a bot, and anyone can write one.
    fn keep_comment(
        &self,
        pull: (u64, Option<&PullRequest>),
        marker: &str,
        text: &str,
    ) -> Result<(), Trouble> {
        let (number, pull) = pull;
        let mut comments = self.wait(self.forge.comments(number))?;
        comments.retain(|comment| comment.body.starts_with(marker));
        let same = |body: &str| body.replace("\r\n", "\n").trim() == text.trim();
        if comments.iter().any(|comment| same(&comment.body)) {
            return Ok(());
        }
        let author = pull.and_then(|pull| pull.author.as_ref());
        match comments
            .iter()
            .find(|comment| author.is_some() && comment.author.as_ref() == author)
        {
            Some(comment) => self.wait(self.forge.update_comment(comment.id, text))?,
            None => {
                self.wait(self.forge.create_comment(number, text))?;
            }
        }
        Ok(())
    }
}

impl Place<'_> {
    fn pull(&self, number: u64) -> Option<&PullRequest> {
        self.seen.pulls.iter().find(|pull| pull.number == number)
    }

    /// What a pull request says of itself.
    fn block(&self, number: u64) -> Option<Block> {
        Block::find(&self.pull(number)?.body)
    }

    /// The base branch to set, where a person has changed it.
    fn base_change(&self, number: u64) -> Option<String> {
        let pull = self.pull(number)?;
        (pull.base_branch != self.key.base).then(|| self.key.base.clone())
    }

    /// What a pull request is to say.
    fn words(&self, number: u64, wanted: &Wanted) -> Words {
        let branch = self.seen.observed.branch.as_ref();
        let subject = branch.and_then(|branch| branch.subject.as_deref());
        let mut pulls = self.seen.observed.pulls.iter();
        match pulls.find(|pull| pull.number == number) {
            Some(pull) => Words::beside(pull, &wanted.proposal, subject),
            None => Words::of(&wanted.proposal),
        }
    }

    fn has_other_title(&self, number: u64, title: &str) -> bool {
        self.pull(number).is_some_and(|pull| pull.title != title)
    }

    /// A block of a pull request whose change nobody knows any more.
    fn block_of_nothing(&self) -> Block {
        let head = self.seen.head.map(|head| head.to_string());
        Block {
            head: head.unwrap_or_default(),
            ..Block::new(self.key, Fingerprint::of(self.key, &[]))
        }
    }

    fn outcome(&self, number: Option<u64>, ended: Ended, detail: String) -> PullOutcome {
        PullOutcome {
            key: self.key.clone(),
            branch: self.branch.to_owned(),
            number,
            ended,
            detail,
        }
    }

    fn ended_without_work(&self, decision: &Decision) -> PullOutcome {
        let (number, ended, detail) = match decision {
            Decision::Current { number } => (Some(*number), Ended::UpToDate, "as it should be"),
            Decision::Silenced { number } => (
                Some(*number),
                Ended::Silenced,
                "a person closed this change",
            ),
            Decision::Stopped { number } => (
                Some(*number),
                Ended::Stopped,
                "a label says to leave it alone",
            ),
            Decision::Queued { number } => {
                (Some(*number), Ended::Queued, "it waits in a merge queue")
            }
            Decision::ForeignBranch => {
                (None, Ended::ForeignBranch, "the branch is somebody else's")
            }
            Decision::Nothing
            | Decision::Sweep
            | Decision::Open { .. }
            | Decision::Refresh { .. }
            | Decision::Close { .. }
            | Decision::Edited(_) => (None, Ended::NothingToDo, "nothing to do"),
        };
        self.outcome(number, ended, detail.to_owned())
    }
}

/// What the hidden block remembers beside the change.
struct Noted<'a> {
    landed: &'a Landed,
    labels: Vec<String>,
    without_drafts: bool,
}

/// Returns the whole body, with its hidden block.
fn body(place: &Place<'_>, wanted: &Wanted, words: &Words, noted: &Noted<'_>) -> String {
    let mut labels = noted.labels.clone();
    labels.sort();
    labels.dedup();
    let block = Block {
        base: wanted.base.to_string(),
        head: noted.landed.commit.to_string(),
        labels,
        tests: wanted.tests.clone(),
        red: wanted.red.clone(),
        title: Some(words.own_title.clone()),
        text: Some(words.own_text.clone()),
        appends: noted.landed.appends,
        without_drafts: noted.without_drafts,
        ..Block::new(place.key, wanted.proposal.fingerprint.clone())
    };
    format!("{}\n\n{}", words.visible, block.render())
}

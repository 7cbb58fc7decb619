//! Comments on pull requests: one that says why it was closed, and one on a branch that a person has edited.

use git2::Oid;

use super::act::Site;
use super::propose::WantedPull;
use super::{Run, Trouble};
use crate::pull::{EditedState, PullEnding, PullOutcome, PullRequest};

/// The hidden beginning of the one comment on a pull request that a person has edited.
const EDITED: &str = "<!-- csctl-matrix:edited -->";
/// The hidden beginning of the comment that says why a pull request is closed.
const CLOSED: &str = "<!-- csctl-matrix:closed -->";
/// The longest patch that a comment shows, in bytes.
// GitHub refuses a comment of more than 65,536 characters.
const MAX_PATCH: usize = 20_000;

impl Run<'_> {
    /// Leaves a person's work alone, and keeps one comment that says how to hand it back, and how to bring it up to date by hand.
    pub(super) fn leave_edited(
        &self,
        site: Site<'_>,
        number: u64,
        state: EditedState,
    ) -> Result<PullOutcome, Trouble> {
        let words = match state {
            EditedState::NotNeeded => "this change is no longer needed",
            EditedState::HasWantedFiles => "it contains what would be proposed today",
            EditedState::Differs => "it differs from what would be proposed today",
        };
        let mut text = format!(
            "{EDITED}\nThis branch has commits that csctl-matrix did not make, so it is left alone; {words}. The label `{}` hands it back: \
             csctl-matrix then makes it anew and drops those commits.",
            self.labels.again
        );
        if let (Some(wanted), Some(head)) = (&site.seen.wanted, site.seen.head) {
            text += &self.missing(wanted, head)?;
        }
        if !self.request.is_dry {
            self.keep_comment(
                site,
                number,
                Comment {
                    marker: EDITED,
                    text,
                },
            )?;
        }
        let detail = format!("edited by a person: {words}");
        Ok(site.outcome(Some(number), PullEnding::Edited, &detail))
    }

    /// Says in a comment why a pull request is closed.
    pub(super) fn say_closed(&self, site: Site<'_>, number: u64, why: &str) -> Result<(), Trouble> {
        let text = format!("{CLOSED}\nClosed: {why}.");
        self.keep_comment(
            site,
            number,
            Comment {
                marker: CLOSED,
                text,
            },
        )
    }

    /// Shows the patch that a branch lacks; nothing where it lacks nothing, or more than a comment is for.
    fn missing(&self, wanted: &WantedPull, head: Oid) -> Result<String, Trouble> {
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
            "\n\n<details><summary>Patch that brings it up to date, for <code>git apply</code></summary>\n\n{fence}diff\n{patch}{fence}\n\n</details>"
        ))
    }

    /// Says in the comment on an edited branch, where there is one, that the branch was handed back.
    pub(super) fn take_back_comment(&self, pull: &PullRequest) -> Result<(), Trouble> {
        let comments = self.wait(self.forge.comments(pull.number))?;
        let mut own = comments
            .iter()
            .filter(|comment| comment.author == pull.author && comment.body.starts_with(EDITED));
        let text =
            format!("{EDITED}\nThis branch was handed back to csctl-matrix, which made it anew.");
        match own.next() {
            Some(comment) if comment.body != text => {
                Ok(self.wait(self.forge.update_comment(comment.id, &text))?)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Keeps one comment with this hidden beginning up to date; an unchanged one is not written. Of others' comments with the same
    /// beginning none is written over: the forge would not let a bot, and anyone can write one.
    fn keep_comment(&self, site: Site<'_>, number: u64, comment: Comment) -> Result<(), Trouble> {
        let Comment { marker, text } = comment;
        let mut comments = self.wait(self.forge.comments(number))?;
        comments.retain(|comment| comment.body.starts_with(marker));
        if comments.iter().any(|comment| is_same(&comment.body, &text)) {
            return Ok(());
        }
        let pull = site.seen.pull(number);
        let author = pull.and_then(|pull| pull.author.as_ref());
        let own = comments
            .iter()
            // Two authors that the forge does not name are not the same one.
            .find(|comment| author.is_some() && comment.author.as_ref() == author);
        match own {
            Some(comment) => self.wait(self.forge.update_comment(comment.id, &text))?,
            None => {
                self.wait(self.forge.create_comment(number, &text))?;
            }
        }
        Ok(())
    }
}

/// A comment to keep.
struct Comment {
    /// Its hidden beginning.
    marker: &'static str,
    text: String,
}

/// Forges change the ends of lines.
fn is_same(one: &str, other: &str) -> bool {
    one.replace("\r\n", "\n").trim() == other.trim()
}

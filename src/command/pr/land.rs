//! How a branch gets to a commit: git makes it and pushes it, or the forge makes it and signs it. Either way the branch is moved
//! only from where it was last seen.

use git2::Oid;

use super::propose::WantedPull;
use super::{Run, Trouble};
use crate::config::CommitConfig;
use crate::error::CommandError;
use crate::io::forge::{ApiCommit, ApiFile, CreatedCommit};
use crate::io::git::{CommitFacts, Person, RefResult, RefUpdate, TreeChange};

/// A change that the branch of a pull request is to hold.
#[derive(Clone, Copy)]
pub(super) struct Landing<'a> {
    /// The branch's name.
    pub(super) branch: &'a str,
    pub(super) wanted: &'a WantedPull,
    /// Where the branch was last seen; nothing where it must not exist.
    pub(super) from: Option<Oid>,
    /// The commit of the base branch that it stands on there, where that is known.
    pub(super) stands_on: Option<Oid>,
    /// Whether it is known that it may not be moved otherwise than by commits on top.
    pub(super) appends: bool,
}

/// Where a change has landed.
pub(super) struct Landed {
    pub(super) commit: Oid,
    /// Whether it is a commit on top of the one before.
    pub(super) appends: bool,
}

/// A move of a branch.
pub(super) struct BranchMove<'a> {
    /// The branch's name.
    pub(super) branch: &'a str,
    /// Where it was last seen; nothing where it must not exist.
    pub(super) from: Option<Oid>,
    /// Where it goes; nothing deletes it.
    pub(super) to: Option<Oid>,
    /// The commit that the new one stands on.
    pub(super) base: Option<Oid>,
}

impl Run<'_> {
    /// Returns the commit that a branch is to be moved to. The forge's own is made now, and is the same change with the same
    /// files; nothing points to it yet.
    pub(super) fn commit(&self, wanted: &WantedPull, parents: &[Oid]) -> Result<Oid, Trouble> {
        match self.config.commits {
            CommitConfig::Git if parents == [wanted.base] => Ok(wanted.commit),
            CommitConfig::Git => Ok(self.git.commit_again(wanted.commit, parents)?),
            CommitConfig::Api => self.commit_of_forge(wanted, parents),
        }
    }

    fn commit_of_forge(&self, wanted: &WantedPull, parents: &[Oid]) -> Result<Oid, Trouble> {
        let own = self.commit_facts(wanted.commit)?;
        let base = self.commit_facts(wanted.base)?;
        let changes = self.git.changes(wanted.base, own.tree)?;
        let files: Result<Vec<ApiFile>, _> = changes.iter().map(|one| self.file(one)).collect();
        let base_tree = base.tree.to_string();
        let tree = self.wait(self.forge.create_tree(&base_tree, &files?))?;
        // Another tree is another change than the one that was tested.
        if tree != own.tree.to_string() {
            let message = format!("the forge made tree {tree} of the files of {}", own.tree);
            return Err(CommandError::new(message)
                .hinted("set pullRequests.commits to git in csctl-matrix.yaml")
                .into());
        }
        let mut commit = ApiCommit {
            parents: parents.iter().map(Oid::to_string).collect(),
            tree,
            message: own.message,
        };
        let mut made = self.wait(self.forge.create_commit(&commit))?;
        // Who the forge takes for the author is known with the commit alone, and it is the author who signs off.
        let recorded = author_of(&made)?;
        if recorded != self.author {
            commit.message = signed_off_by(&commit.message, &self.author, &recorded);
            made = self.wait(self.forge.create_commit(&commit))?;
        }
        if author_of(&made)? != recorded {
            let message = format!("the forge records another author of {} each time", made.oid);
            return Err(CommandError::new(message).into());
        }
        Ok(Oid::from_str(&made.oid).map_err(crate::io::git::GitError::from)?)
    }

    fn commit_facts(&self, commit: Oid) -> Result<CommitFacts, Trouble> {
        let found = self.git.find_commit(commit)?;
        Ok(found.ok_or_else(|| CommandError::new(format!("commit {commit} is missing")))?)
    }

    fn file(&self, change: &TreeChange) -> Result<ApiFile, Trouble> {
        let content = change.after.map(|file| self.git.content(file.blob));
        Ok(ApiFile {
            path: change.path.clone(),
            content: content.transpose()?,
            mode: change.after.map_or(0o100_644, |file| file.mode.into()),
        })
    }

    /// Brings the branch of a pull request to a change: it is moved there, or, where it may not be moved so, gets a commit on top.
    pub(super) fn land(&self, step: &Landing<'_>) -> Result<Landed, Trouble> {
        let Landing {
            branch,
            wanted,
            from,
            ..
        } = *step;
        let on_top = from.filter(|_| step.appends);
        if let Some(from) = on_top {
            return self.append(step, from);
        }
        let commit = self.commit(wanted, &[wanted.base])?;
        let moved = self.move_branch(&BranchMove {
            branch,
            from,
            to: Some(commit),
            base: Some(wanted.base),
        });
        match (moved, from) {
            (Err(refused), Some(from)) if refused.is_refused_move() => {
                // Where that is refused as well, the first refusal says more.
                match self.append(step, from) {
                    Err(other) if other.is_refused_move() => Err(refused),
                    landed => landed,
                }
            }
            (moved, _) => moved.map(|()| Landed {
                commit,
                appends: false,
            }),
        }
    }

    /// Puts a commit with the wanted files on top of the branch. Where the base has moved, it is a merge of it, so that the pull
    /// request shows its own change alone.
    fn append(&self, step: &Landing<'_>, from: Oid) -> Result<Landed, Trouble> {
        let wanted = step.wanted;
        let parents = if step.stands_on == Some(wanted.base) {
            vec![from]
        } else {
            vec![from, wanted.base]
        };
        let commit = self.commit(wanted, &parents)?;
        self.move_branch(&BranchMove {
            branch: step.branch,
            from: Some(from),
            to: Some(commit),
            base: Some(from),
        })?;
        Ok(Landed {
            commit,
            appends: true,
        })
    }

    /// Moves branches with one push, and returns which of them are at their commits now.
    pub(super) fn move_together(&mut self, updates: &[RefUpdate]) -> Vec<RefUpdate> {
        // A push does not go through the forge's client, and keeps its pace all the same.
        self.wait(self.forge.await_write());
        let pushed = self.remote.push_together(&self.client, &self.git, updates);
        let moved = self.wait(pushed);
        for update in &moved {
            self.refs
                .names
                .extend(update.new.map(|new| (update.name.clone(), new)));
            self.pushed += 1;
        }
        moved
    }

    /// Moves, makes or deletes a branch, if it is where it was seen.
    pub(super) fn move_branch(&self, step: &BranchMove<'_>) -> Result<(), Trouble> {
        let BranchMove {
            branch, from, to, ..
        } = *step;
        if self.config.commits == CommitConfig::Git {
            let mut update = RefUpdate::branch(branch, from, to);
            update.base = step.base;
            // A push does not go through the forge's client, and keeps its pace all the same.
            self.wait(self.forge.await_write());
            return match self.wait(self.remote.push(&self.client, &self.git, &update))? {
                RefResult::Rejected(why) => Err(Trouble::Rejected(why)),
                RefResult::Moved | RefResult::AlreadyThere => Ok(()),
            };
        }
        let (from, to) = (from.map(|id| id.to_string()), to.map(|id| id.to_string()));
        match (from, to) {
            (None, None) => return Ok(()),
            (None, Some(to)) => self.wait(self.forge.create_ref(branch, &to)),
            (Some(from), Some(to)) => self.wait(self.forge.update_ref(branch, &from, &to)),
            (Some(from), None) => self.wait(self.forge.delete_ref(branch, &from)),
        }?;
        Ok(())
    }
}

fn author_of(made: &CreatedCommit) -> Result<Person, Trouble> {
    let author = made.author_name.clone().zip(made.author_email.clone());
    let (name, email) = author.ok_or_else(|| {
        CommandError::new(format!("the forge does not say who wrote {}", made.oid))
            .hinted("set pullRequests.commits to git in csctl-matrix.yaml")
    })?;
    Ok(Person { name, email })
}

/// Returns a message that is signed off by somebody else.
fn signed_off_by(message: &str, before: &Person, now: &Person) -> String {
    message.replace(&sign_off(before), &sign_off(now))
}

fn sign_off(person: &Person) -> String {
    format!("Signed-off-by: {} <{}>", person.name, person.email)
}

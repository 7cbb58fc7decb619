//! The refs of a repository elsewhere, and the moves that are asked of them, as values. It asks nobody.

use std::collections::BTreeMap;

use git2::{Oid, Reference};

use super::rejection::Rejection;
use super::releases_of;
use crate::catalog::StackRelease;

/// The refs of a repository elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refs {
    /// The commits, or tags, by the full names of the refs: `refs/heads/main`.
    pub names: BTreeMap<String, Oid>,
    /// The branch that `HEAD` names.
    pub default_branch: Option<String>,
}

impl Refs {
    /// Returns the commit of a branch.
    pub fn branch(&self, name: &str) -> Option<Oid> {
        self.names.get(&format!("refs/heads/{name}")).copied()
    }

    /// Returns the stack releases that there are tags of.
    pub fn stack_releases(&self) -> Vec<StackRelease> {
        let names = self.names.keys();
        releases_of(names.filter_map(|name| name.strip_prefix("refs/tags/")))
    }
}

/// A ref that is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// The ref's full name: `refs/heads/x`.
    pub name: String,
    /// What was last seen there; nothing where the ref must not exist.
    pub old: Option<Oid>,
    /// What it becomes; nothing where it goes.
    pub new: Option<Oid>,
    /// The commit on which the new one is built, where the remote has it but may have no ref on it any more, as when the base
    /// branch moved on. Without it, a push carries all commits down to the remote's refs.
    pub base: Option<Oid>,
}

impl RefUpdate {
    /// Moves a branch from one commit to another, makes it where there is nothing to move from, or removes it where there is
    /// nothing to move to.
    pub fn branch(name: &str, old: Option<Oid>, new: Option<Oid>) -> Self {
        Self {
            name: format!("refs/heads/{name}"),
            old,
            new,
            base: None,
        }
    }

    /// Decides an update that needs no request, by where the ref is now.
    pub(super) fn settled(&self, now: Option<Oid>) -> Option<RefResult> {
        if now == self.new {
            Some(RefResult::AlreadyThere)
        } else if now == self.old {
            None
        } else {
            Some(RefResult::Rejected(Rejection::Stale { now }))
        }
    }

    /// Returns why the update cannot be asked for: git allows no such name.
    pub(super) fn refuse_name(&self) -> Option<Rejection> {
        let is_valid = Reference::is_valid_name(&self.name);
        (!is_valid)
            .then(|| Rejection::Other(format!("git does not allow the name `{}`", self.name)))
    }
}

/// What became of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefResult {
    /// It was moved.
    Moved,
    /// It was there before; nothing was sent.
    AlreadyThere,
    /// It was not moved.
    Rejected(Rejection),
}

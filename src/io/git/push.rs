//! Moves a ref of a remote by compare-and-swap: the update names the commit that was last seen there, the server compares, and
//! an answer that was lost is answered by looking again. Nothing is ever pushed blind.

use std::collections::BTreeSet;

use git2::{Oid, Reference, Repository};

use super::place::Place;
use super::private::PrivateRepository;
use super::program::{self, Access, Task};
use super::rejection::{Rejection, classify};
use super::{GitRepository, Remote, RemoteError, local, said};
use crate::io::http::{HttpClient, HttpSettings};

/// How many commits are looked through for one whose ancestors are not here.
const MAX_COMMITS: usize = 1000;

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

/// What git said of a ref.
enum Answer {
    Moved,
    AlreadyThere,
    /// It was not moved, for this reason.
    Rejected(Rejection),
}

impl Remote {
    /// Moves a ref.
    ///
    /// # Errors
    /// Nothing was moved, but for [`RemoteError::Lost`], where nobody knows.
    pub async fn push(
        &self,
        client: &HttpClient,
        repository: &GitRepository,
        update: &RefUpdate,
    ) -> Result<RefResult, RemoteError> {
        if let Some(rejection) = refuse_name(update) {
            return Ok(RefResult::Rejected(rejection));
        }
        let clone = &repository.repository;
        let url = match &self.place {
            Place::Local(path) => return local::push(path, clone, update),
            Place::Http(url) => url,
        };
        let settings = client.settings();
        let answer = self
            .ask(client, url, |access| send(clone, update, access, settings))
            .await;
        match answer {
            Ok(Answer::Moved) => return Ok(RefResult::Moved),
            Ok(Answer::AlreadyThere) => return Ok(RefResult::AlreadyThere),
            Err(error) if error.is_certain() => return Err(error),
            Ok(Answer::Rejected(_)) | Err(_) => {}
        }
        let now = match (self.refs(client).await, &answer) {
            (Ok(refs), _) => refs.names.get(&update.name).copied(),
            (Err(_), Ok(_)) => update.old,
            (Err(read), Err(push)) => {
                return Err(RemoteError::Lost {
                    url: self.shown(),
                    push: push.to_string(),
                    read: read.to_string(),
                });
            }
        };
        let why = match answer {
            // It was there before, or another run was faster with the very same commit.
            Ok(_) if now == update.new => return Ok(RefResult::AlreadyThere),
            Err(_) if now == update.new => return Ok(RefResult::Moved),
            _ if now != update.old => Rejection::Stale { now },
            Ok(Answer::Rejected(why)) => why,
            Ok(_) => return Ok(RefResult::Moved),
            Err(lost) => Rejection::Unanswered(lost.to_string()),
        };
        Ok(RefResult::Rejected(why))
    }
}

/// Sends an update once, and reads what git says of it.
fn send(
    clone: &Repository,
    update: &RefUpdate,
    access: &Access,
    settings: &HttpSettings,
) -> Result<Answer, RemoteError> {
    let private = PrivateRepository::borrowing(clone)?;
    if let Some(new) = update.new {
        private.mark_boundary(clone, &boundary(clone, new)?)?;
    }
    let name = &update.name;
    // Without a number the ref must not be there.
    let old = update.old.map(|old| old.to_string()).unwrap_or_default();
    let lease = format!("--force-with-lease={name}:{old}");
    let new = update.new.map(|new| new.to_string()).unwrap_or_default();
    let refspec = format!("{new}:{name}");
    let arguments = [
        "push",
        "--porcelain",
        "--no-verify",
        "--no-follow-tags",
        "--recurse-submodules=no",
        // What a thin pack stands on may be missing here, as in a partial clone.
        "--no-thin",
        &lease,
        "--",
        &access.url,
        &refspec,
    ];
    let task = Task::of_sending(&arguments, settings);
    let said = program::run(&private, access, settings, &task)?;
    // `FLAG<tab>FROM:TO<tab>SUMMARY (REASON)`, as git-push(1) has it.
    let mut lines = said.output.lines().map(|line| line.split('\t'));
    let found = lines.find_map(|mut fields| {
        let (flag, refs) = (fields.next()?, fields.next()?);
        let (_, to) = refs.rsplit_once(':')?;
        (to == name).then(|| (flag, fields.next().unwrap_or_default()))
    });
    match found {
        Some((" " | "+" | "*" | "-", _)) if said.is_done => Ok(Answer::Moved),
        Some(("=", _)) => Ok(Answer::AlreadyThere),
        Some(("!", summary)) if !summary.starts_with("[remote failure]") => {
            let remarks = said::of_server(&said.remarks);
            Ok(Answer::Rejected(classify(summary, &remarks)))
        }
        _ => Err(said.error(access)),
    }
}

/// Returns the commits below `new` whose ancestors are not all here: a fetch that brings no history leaves such commits, and git has to be told.
fn boundary(clone: &Repository, new: Oid) -> Result<Vec<Oid>, RemoteError> {
    let mut boundary = Vec::new();
    let mut seen = BTreeSet::from([new]);
    let mut left = vec![new];
    while let Some(id) = left.pop()
        && seen.len() < MAX_COMMITS
    {
        let commit = clone.find_commit(id)?;
        let parents: Vec<Oid> = commit.parent_ids().collect();
        if parents
            .iter()
            .all(|parent| clone.find_commit(*parent).is_ok())
        {
            left.extend(parents.into_iter().filter(|parent| seen.insert(*parent)));
        } else {
            boundary.push(id);
        }
    }
    Ok(boundary)
}

fn refuse_name(update: &RefUpdate) -> Option<Rejection> {
    let is_valid = Reference::is_valid_name(&update.name);
    (!is_valid).then(|| Rejection::Other(format!("git does not allow the name `{}`", update.name)))
}

/// Decides an update that needs no request, by where the ref is now.
pub(super) fn settled(update: &RefUpdate, now: Option<Oid>) -> Option<RefResult> {
    if now == update.new {
        Some(RefResult::AlreadyThere)
    } else if now == update.old {
        None
    } else {
        Some(RefResult::Rejected(Rejection::Stale { now }))
    }
}

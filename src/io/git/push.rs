//! Moves a ref of a remote by compare-and-swap: the update names the commit that was last seen there, the server compares, and
//! an answer that was lost is answered by looking again. Nothing is ever pushed blind.

use std::collections::BTreeSet;

use git2::{Oid, Repository};

use super::place::{Access, RemotePlace};
use super::private::PrivateRepository;
use super::program::{self, GitReply, Task};
use super::refs::{RefResult, RefUpdate};
use super::rejection::{Rejection, classify};
use super::said::{self, PushedRef};
use super::{GitRepository, Remote, RemoteError, local};
use crate::io::http::{HttpClient, HttpSettings};

/// How many commits are looked through for one whose ancestors are not here.
const MAX_COMMITS: usize = 1000;

/// What git said of a ref.
enum PushAnswer {
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
        if let Some(rejection) = update.refuse_name() {
            return Ok(RefResult::Rejected(rejection));
        }
        let clone = &repository.repository;
        let url = match &self.place {
            RemotePlace::Local(path) => return local::push(path, clone, update),
            RemotePlace::Http(url) => url,
        };
        let settings = client.settings();
        let answer = self
            .ask(client, url, |access| send(clone, update, access, settings))
            .await;
        match answer {
            Ok(PushAnswer::Moved) => return Ok(RefResult::Moved),
            Ok(PushAnswer::AlreadyThere) => return Ok(RefResult::AlreadyThere),
            Err(error) if error.is_certain() => return Err(error),
            Ok(PushAnswer::Rejected(_)) | Err(_) => {}
        }
        let now = match (self.refs(client).await, &answer) {
            (Ok(refs), _) => refs.names.get(&update.name).copied(),
            // What was rejected is where it was, even where nobody can look.
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
            Ok(PushAnswer::Rejected(why)) => why,
            Ok(_) => return Ok(RefResult::Moved),
            Err(lost) => Rejection::Unanswered(lost.to_string()),
        };
        Ok(RefResult::Rejected(why))
    }

    /// Moves refs with one push, each for itself, and returns which of them are there now. What became of the others is not told: each is
    /// pushed on its own then, as one that is refused may take others with it.
    pub(crate) async fn push_together(
        &self,
        client: &HttpClient,
        repository: &GitRepository,
        updates: &[RefUpdate],
    ) -> Vec<RefUpdate> {
        // In a directory of this machine nothing is gained.
        let RemotePlace::Http(url) = &self.place else {
            return Vec::new();
        };
        let (clone, settings) = (&repository.repository, client.settings());
        let said = self
            .ask(client, url, |access| {
                start_push(clone, updates, access, settings)
            })
            .await;
        if said.is_ok_and(|said| said.is_done) {
            return updates.to_vec();
        }
        let Ok(now) = self.refs(client).await else {
            return Vec::new();
        };
        updates
            .iter()
            .filter(|update| now.names.get(&update.name).copied() == update.new)
            .cloned()
            .collect()
    }
}

/// Sends an update once, and reads what git says of it.
fn send(
    clone: &Repository,
    update: &RefUpdate,
    access: &Access,
    settings: &HttpSettings,
) -> Result<PushAnswer, RemoteError> {
    let said = start_push(clone, std::slice::from_ref(update), access, settings)?;
    let name = &update.name;
    match said::pushed_ref(&said.output, name) {
        Some(PushedRef {
            flag: " " | "+" | "*" | "-",
            ..
        }) if said.is_done => Ok(PushAnswer::Moved),
        Some(PushedRef { flag: "=", .. }) => Ok(PushAnswer::AlreadyThere),
        // That is no word of the server: its answer was lost.
        Some(PushedRef { flag: "!", summary }) if !summary.starts_with("[remote failure]") => {
            let remarks = said::of_server(&said.remarks);
            Ok(PushAnswer::Rejected(classify(summary, &remarks)))
        }
        _ => Err(said.error(access)),
    }
}

/// Runs `git push` with these updates.
fn start_push(
    clone: &Repository,
    updates: &[RefUpdate],
    access: &Access,
    settings: &HttpSettings,
) -> Result<GitReply, RemoteError> {
    let private = PrivateRepository::borrowing(clone)?;
    let mut edge = Vec::new();
    for new in updates.iter().filter_map(|update| update.new) {
        edge.extend(boundary(clone, new)?);
    }
    private.mark_boundary(clone, &edge)?;
    let leases = updates.iter().map(|update| {
        // Without a number the ref must not be there.
        let seen = update.old.map(|id| id.to_string()).unwrap_or_default();
        format!("--force-with-lease={}:{seen}", update.name)
    });
    let refspecs = updates.iter().map(|update| {
        let wanted = update.new.map(|id| id.to_string()).unwrap_or_default();
        format!("{wanted}:{}", update.name)
    });
    let fixed = [
        "push",
        "--porcelain",
        "--no-verify",
        "--no-follow-tags",
        "--recurse-submodules=no",
        // What a thin pack stands on may be missing here, as in a partial clone. Git 2.39 heeds it over ssh alone.
        "--no-thin",
    ];
    let words: Vec<String> = fixed
        .map(str::to_owned)
        .into_iter()
        .chain(leases)
        .chain(["--".to_owned(), access.url.clone()])
        .chain(refspecs)
        .collect();
    let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
    program::run(
        &private,
        access,
        settings,
        &Task::of_sending(&arguments, settings),
    )
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

//! A remote that is a directory of this machine, opened with libgit2: objects are copied and refs are moved under their locks. The
//! git program would run the directory's hooks and what its configuration names, and a clone of anybody's may name any directory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use git2::{ErrorCode, Oid, Repository};

use super::RemoteError;
use super::objects::{pack, take_in};
use super::refs::{RefResult, RefUpdate, Refs};
use super::rejection::Rejection;

fn open(path: &Path) -> Result<Repository, RemoteError> {
    Repository::open(path).map_err(|error| match error.code() {
        ErrorCode::NotFound => RemoteError::NotFound {
            url: path.display().to_string(),
        },
        _ => error.into(),
    })
}

pub(super) fn refs(path: &Path) -> Result<Refs, RemoteError> {
    let there = open(path)?;
    let head = there.find_reference("HEAD")?;
    let target = head.symbolic_target().ok().flatten();
    Ok(Refs {
        names: names(&there)?,
        default_branch: target.and_then(|name| Some(name.strip_prefix("refs/heads/")?.to_owned())),
    })
}

fn names(there: &Repository) -> Result<BTreeMap<String, Oid>, git2::Error> {
    let mut names = BTreeMap::new();
    for found in there.references()? {
        let reference = found?;
        if let (Ok(name), Ok(target)) = (reference.name(), reference.resolve()) {
            names.extend(target.target().map(|id| (name.to_owned(), id)));
        }
    }
    Ok(names)
}

pub(super) fn fetch(
    path: &Path,
    here: &Repository,
    wants: &[Oid],
    depth: u32,
) -> Result<(), RemoteError> {
    let pack = pack(&open(path)?, wants, &BTreeSet::new(), Some(depth))?;
    Ok(take_in(here, &pack)?)
}

pub(super) fn push(
    path: &Path,
    here: &Repository,
    update: &RefUpdate,
) -> Result<RefResult, RemoteError> {
    let there = open(path)?;
    let now = names(&there)?;
    if let Some(result) = update.settled(now.get(&update.name).copied()) {
        return Ok(result);
    }
    if let Some(new) = update.new {
        let known = now.into_values().chain(update.base).collect();
        take_in(&there, &pack(here, &[new], &known, None)?)?;
    }
    Ok(move_ref(&there, update)
        .unwrap_or_else(|error| RefResult::Rejected(Rejection::Other(error.to_string()))))
}

fn move_ref(there: &Repository, update: &RefUpdate) -> Result<RefResult, RemoteError> {
    // It is read again, as somebody may have moved it while objects were copied.
    let now = find(there, &update.name)?;
    if let Some(result) = update.settled(now) {
        return Ok(result);
    }
    if let Some(rejection) = refuse(there, update)? {
        return Ok(RefResult::Rejected(rejection));
    }
    let moved = wait_for_lock(|| {
        let Some(new) = update.new else {
            let mut reference = there.find_reference(&update.name)?;
            let is_same = reference.target() == update.old;
            return if is_same { reference.delete() } else { Ok(()) };
        };
        // Git compares under the ref's lock; zero stands for a ref that must not be there.
        let old = update.old.unwrap_or(Oid::ZERO_SHA1);
        let log = "push by csctl-matrix";
        let moved = there.reference_matching(&update.name, new, true, old, log);
        moved.map(drop)
    });
    let now = find(there, &update.name)?;
    match moved {
        Ok(()) if now == update.new => Ok(RefResult::Moved),
        // Nobody moved it, so that it failed is no conflict.
        Err(error) if now == update.old => Err(error.into()),
        Ok(()) | Err(_) => Ok(update
            .settled(now)
            .unwrap_or(RefResult::Rejected(Rejection::Stale { now }))),
    }
}

/// Does it again while somebody else holds the ref's lock, which is for a moment.
fn wait_for_lock(act: impl Fn() -> Result<(), git2::Error>) -> Result<(), git2::Error> {
    for _ in 0..50 {
        match act() {
            Err(error) if error.code() == ErrorCode::Locked => sleep(Duration::from_millis(20)),
            done => return done,
        }
    }
    act()
}

/// Returns why the repository takes no such update: its settings for pushes hold here too.
fn refuse(there: &Repository, update: &RefUpdate) -> Result<Option<Rejection>, RemoteError> {
    // Git refuses it too: the files there would be those of another commit.
    if !there.is_bare() && is_checked_out(there, &update.name) {
        return Ok(Some(Rejection::Other(
            "the branch is checked out there".to_owned(),
        )));
    }
    let config = there.config()?;
    match (update.old, update.new) {
        (Some(_), None) if is_set(&config, "receive.denyDeletes") => {
            Ok(Some(Rejection::Other("deletion prohibited".to_owned())))
        }
        (Some(old), Some(new)) if is_set(&config, "receive.denyNonFastForwards") => {
            let loses = !there.graph_descendant_of(new, old)?;
            Ok(loses.then_some(Rejection::NonFastForward))
        }
        _ => Ok(None),
    }
}

fn is_checked_out(there: &Repository, name: &str) -> bool {
    there
        .find_reference("HEAD")
        .is_ok_and(|head| head.symbolic_target() == Ok(Some(name)))
}

fn is_set(config: &git2::Config, key: &str) -> bool {
    config.get_bool(key).unwrap_or(false)
}

fn find(there: &Repository, name: &str) -> Result<Option<Oid>, git2::Error> {
    match there.refname_to_id(name) {
        Ok(id) => Ok(Some(id)),
        Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

//! Moves objects between repositories: what a push must carry, whether a commit is here as a whole, and packs. It moves no ref.

use std::collections::{BTreeSet, HashSet};
use std::io::Write as _;

use git2::{Buf, ErrorCode, ObjectType, Odb, Oid, Repository};

use super::RemoteError;

/// The most commits that one push carries: a pull request has one or a few, and all of history is a mistake.
const MAX_COMMITS: usize = 1000;

/// Packs the commits down to those that the other side has, with their files; `depth` says after how many commits to stop.
pub(super) fn pack(
    repository: &Repository,
    tips: &[Oid],
    known: &BTreeSet<Oid>,
    depth: Option<u32>,
) -> Result<Vec<u8>, RemoteError> {
    let (commits, edges) = find_commits(repository, tips, known, depth)?;
    let mut seen = HashSet::new();
    for edge in edges {
        if let Ok(commit) = repository.find_commit(edge) {
            // An edge that is not whole here excludes less, which is no harm.
            let _ = add_tree(repository, commit.tree_id(), &mut seen, &mut |_| {});
        }
    }
    let mut builder = repository.packbuilder()?;
    builder.set_threads(1);
    let mut objects = Vec::new();
    for id in &commits {
        let tree = repository.find_commit(*id)?.tree_id();
        objects.push(*id);
        add_tree(repository, tree, &mut seen, &mut |id| objects.push(id))
            .map_err(|error| missing(*id, error))?;
    }
    for object in objects {
        builder.insert_object(object, None)?;
    }
    let mut bytes = Buf::new();
    builder.write_buf(&mut bytes)?;
    Ok(bytes.to_vec())
}

/// Finds the commits that the other side lacks, and those at the edge that it has.
fn find_commits(
    repository: &Repository,
    tips: &[Oid],
    known: &BTreeSet<Oid>,
    depth: Option<u32>,
) -> Result<(Vec<Oid>, Vec<Oid>), RemoteError> {
    let (mut commits, mut edges) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    let mut level: Vec<Oid> = tips.to_vec();
    let mut level_number = 0;
    while !level.is_empty() && depth.is_none_or(|depth| level_number < depth) {
        let mut next = Vec::new();
        for id in level {
            if !seen.insert(id) {
                continue;
            }
            if known.contains(&id) {
                edges.push(id);
                continue;
            }
            let commit = repository
                .find_commit(id)
                .map_err(|error| missing(id, error))?;
            commits.push(id);
            if commits.len() > MAX_COMMITS {
                return Err(RemoteError::TooMany { limit: MAX_COMMITS });
            }
            next.extend(commit.parent_ids());
        }
        level = next;
        level_number += 1;
    }
    Ok((commits, edges))
}

/// Visits each tree and file once that was not seen before.
fn add_tree(
    repository: &Repository,
    tree: Oid,
    seen: &mut HashSet<Oid>,
    visit: &mut dyn FnMut(Oid),
) -> Result<(), git2::Error> {
    if !seen.insert(tree) {
        return Ok(());
    }
    visit(tree);
    for entry in &repository.find_tree(tree)? {
        match entry.kind() {
            Some(ObjectType::Tree) => add_tree(repository, entry.id(), seen, visit)?,
            Some(ObjectType::Blob) if seen.insert(entry.id()) => visit(entry.id()),
            // A submodule's commit is another repository's.
            _ => {}
        }
    }
    Ok(())
}

/// Trees that are known to be here with all that is below them: nothing that is here goes away.
pub(super) type WholeTrees = HashSet<Oid>;

/// Tells whether a commit is here with all its files, and so are its ancestors to a depth.
pub(super) fn is_whole(
    repository: &Repository,
    id: Oid,
    depth: u32,
    known: &mut WholeTrees,
) -> Result<bool, git2::Error> {
    let database = repository.odb()?;
    let mut level = BTreeSet::from([id]);
    for _ in 0..depth {
        let mut next = BTreeSet::new();
        for id in level {
            let Some(commit) = found(repository.find_commit(id))? else {
                return Ok(false);
            };
            if !is_whole_tree(repository, &database, commit.tree_id(), known)? {
                return Ok(false);
            }
            next.extend(commit.parent_ids());
        }
        level = next;
    }
    Ok(true)
}

fn is_whole_tree(
    repository: &Repository,
    database: &Odb<'_>,
    id: Oid,
    known: &mut WholeTrees,
) -> Result<bool, git2::Error> {
    if known.contains(&id) {
        return Ok(true);
    }
    let Some(tree) = found(repository.find_tree(id))? else {
        return Ok(false);
    };
    for entry in &tree {
        let is_there = match entry.kind() {
            Some(ObjectType::Tree) => is_whole_tree(repository, database, entry.id(), known)?,
            // A submodule's commit is another repository's.
            Some(ObjectType::Commit) => true,
            _ => database.exists(entry.id()),
        };
        if !is_there {
            return Ok(false);
        }
    }
    known.insert(id);
    Ok(true)
}

/// Writes a pack into a repository's object database.
pub(super) fn take_in(repository: &Repository, pack: &[u8]) -> Result<(), git2::Error> {
    let database = repository.odb()?;
    let mut writer = database.packwriter()?;
    writer
        .write_all(pack)
        .map_err(|error| git2::Error::from_str(&format!("the pack is damaged: {error}")))?;
    writer.commit()?;
    database.refresh()
}

fn found<T>(result: Result<T, git2::Error>) -> Result<Option<T>, git2::Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn missing(id: Oid, error: git2::Error) -> RemoteError {
    if error.code() == ErrorCode::NotFound {
        RemoteError::Missing { id }
    } else {
        RemoteError::Git(error)
    }
}

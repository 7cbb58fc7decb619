//! Reads whole directories of a revision as bytes, from git's objects alone. A link counts as the file that it leads to, as long as that
//! is one of the revision.

use std::collections::BTreeSet;
use std::path::Path;

use git2::ObjectType;

use super::revision::TreePlace;
use super::{GitError, GitRepository, SYMBOLIC_LINK};
use crate::release::StackFiles;

/// How many links may lead to links.
const MAX_HOPS: usize = 16;

impl GitRepository {
    /// Reads all files below a directory of the tree in a revision, by their paths in it.
    pub(crate) fn read_source_tree(
        &self,
        revision: &str,
        directory: &str,
    ) -> Result<StackFiles, GitError> {
        let base = self.find_directory(revision, directory)?;
        let object = self.repository.revparse_single(revision)?;
        let root = object.peel_to_tree()?;
        let full = self.full_path(directory);
        let mut files = StackFiles::new();
        self.walk(&base, TreePlace::ROOT, &mut |found| {
            let path = found.path.clone();
            // Hashes and archives are made of names too.
            if !found.is_text {
                let revision = revision.to_owned();
                return Err(GitError::Name { revision, path });
            }
            match found.entry.kind() {
                Some(ObjectType::Blob) => {}
                Some(ObjectType::Tree) => return Ok(true),
                _ => {
                    let reason = "it is a submodule, whose files a revision does not hold";
                    return Err(GitError::not_a_file(revision, &path, reason));
                }
            }
            let blob = self.repository.find_blob(found.entry.id())?;
            let content = if found.entry.filemode() == SYMBOLIC_LINK {
                let place = format!("{}/{path}", full.trim_end_matches('/'));
                let link = Link {
                    place: place.trim_start_matches('/'),
                    target: blob.content(),
                };
                self.follow(&root, &link)
                    .map_err(|reason| GitError::not_a_file(revision, &path, reason))?
            } else {
                blob.content().to_owned()
            };
            files.insert(path, content);
            Ok(false)
        })?;
        Ok(files)
    }

    /// Returns the paths of all files below a directory of the tree in a revision; none where it has no such directory.
    pub(crate) fn list_source_tree(
        &self,
        revision: &str,
        directory: &str,
    ) -> Result<BTreeSet<String>, GitError> {
        let Ok(base) = self.find_directory(revision, directory) else {
            return Ok(BTreeSet::new());
        };
        let mut paths = BTreeSet::new();
        self.walk(&base, TreePlace::ROOT, &mut |found| {
            if found.entry.kind() == Some(ObjectType::Blob) {
                paths.insert(found.path.clone());
            }
            Ok(true)
        })?;
        Ok(paths)
    }

    /// Returns the content of the file that a link leads to.
    fn follow(&self, root: &git2::Tree<'_>, link: &Link<'_>) -> Result<Vec<u8>, &'static str> {
        const NOWHERE: &str = "the symbolic link leads nowhere";
        let mut place = link.place.to_owned();
        let mut target = link.target.to_owned();
        for _ in 0..MAX_HOPS {
            let text = std::str::from_utf8(&target).map_err(|_| NOWHERE)?;
            place =
                destination(&place, text).ok_or("the symbolic link leads out of the repository")?;
            let entry = root.get_path(Path::new(&place)).map_err(|_| NOWHERE)?;
            let blob = self
                .repository
                .find_blob(entry.id())
                .map_err(|_| "the symbolic link leads to a directory")?;
            if entry.filemode() != SYMBOLIC_LINK {
                return Ok(blob.content().to_owned());
            }
            blob.content().clone_into(&mut target);
        }
        Err("the symbolic link leads to itself")
    }
}

/// A link of a revision.
struct Link<'l> {
    /// Its path from the repository's root.
    place: &'l str,
    /// What it says.
    target: &'l [u8],
}

/// Returns the path from the root that a link leads to; nothing where that is outside.
fn destination(place: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = place.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::destination;

    #[test]
    fn links_stay_in_the_repository() {
        assert_eq!(destination("a/b/c", "../d").as_deref(), Some("a/d"));
        assert_eq!(destination("a", "./b//c").as_deref(), Some("b/c"));
        assert_eq!(destination("a/b", "../../c"), None);
        assert_eq!(destination("a/b", "/etc/passwd"), None);
    }
}

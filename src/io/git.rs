//! The git repository around a tree: files of a revision, changed files, tags of stack releases. Below it, commits are made as
//! objects and exchanged with remotes; the user's checkout, index and refs never change.

mod checkout;
mod commit;
mod error;
mod fetch;
mod history;
mod local;
mod objects;
mod packet;
mod place;
mod push;
mod rejection;
mod remote;

use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Repository, StatusOptions, TreeWalkMode, TreeWalkResult};

use super::files::{MAX_BYTES, too_large};
use crate::catalog::StackRelease;

use crate::release_digest::FileDigests;
use crate::stack::{ConfiguredSites, Content, Tree, is_of_interest};
use crate::version::{ReleaseTag, Sha256};

pub use commit::{CommitError, CommitInfo, Person};
pub use error::RemoteError;
pub use git2::Oid;
pub use history::{CommitFacts, LineChange, TreeChange, TreeFile};
pub use push::{RefResult, RefUpdate};
pub use rejection::Rejection;
pub use remote::{Refs, Remote};

/// The mode of symbolic links in git's trees.
const SYMBOLIC_LINK: i32 = 0o120_000;

/// The git repository around a tree.
pub struct GitRepository {
    repository: Repository,
    /// The tree's directory below the repository's root, with slashes; empty where they are the same.
    prefix: String,
}

/// A question that git could not answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The revision does not exist.
    #[error("no revision `{revision}`: {}", source.message())]
    Revision {
        /// The revision as asked for.
        revision: String,
        /// Git's error.
        source: git2::Error,
    },
    /// The revision does not hold the directory.
    #[error("revision `{revision}` has no directory {directory}")]
    Directory {
        /// The revision as asked for.
        revision: String,
        /// The directory, relative to the repository's root.
        directory: String,
    },
    /// The revision holds a link, which git does not follow.
    #[error("{path} is a symbolic link in revision `{revision}`")]
    Link {
        /// The revision as asked for.
        revision: String,
        /// The link, relative to the directory asked for.
        path: String,
    },
    /// Anything else.
    #[error("git: {}", .0.message())]
    Git(#[from] git2::Error),
}

impl GitRepository {
    /// Finds the repository around a directory; nothing where there is none, or where it has no working directory.
    ///
    /// # Errors
    /// Git has a repository there and does not open it, as one of another user's.
    pub fn discover(root: &Path) -> Result<Option<Self>, GitError> {
        let repository = match Repository::discover(root) {
            Ok(repository) => repository,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let prefix = prefix(&repository, root);
        Ok(prefix.map(|prefix| Self { repository, prefix }))
    }

    /// Returns the name and the address that git signs commits with, where it knows them: `A Name <name@example.org>`.
    pub fn identity(&self) -> Option<String> {
        let config = self.repository.config().ok()?.snapshot().ok()?;
        let value = |key: &str| {
            let text = config.get_str(key).ok()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        match (value("user.name"), value("user.email")) {
            (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
            (Some(one), None) | (None, Some(one)) => Some(one),
            (None, None) => None,
        }
    }

    /// Returns the name and the address that git signs commits with, where both are set.
    pub fn person(&self) -> Option<(String, String)> {
        let config = self.repository.config().ok()?.snapshot().ok()?;
        let value = |key: &str| config.get_str(key).ok().map(str::to_owned);
        Some((value("user.name")?, value("user.email")?))
    }

    /// Returns git's own directory of this working tree.
    pub fn git_directory(&self) -> PathBuf {
        self.repository.path().to_owned()
    }

    /// Reads the files of a revision that can matter, without a checkout.
    pub fn load_tree(&self, revision: &str) -> Result<Tree, GitError> {
        let root = self.find_directory(revision, "")?;
        let mut tree = Tree::default();
        root.walk(TreeWalkMode::PreOrder, |directory, entry| {
            let name = entry.name().unwrap_or_default();
            if name.starts_with('.') && entry.kind() == Some(ObjectType::Tree) {
                return TreeWalkResult::Skip;
            }
            if entry.kind() == Some(ObjectType::Blob) {
                let path = format!("{directory}{name}");
                tree.insert(
                    path.clone(),
                    self.read_blob(&path, entry.id(), entry.filemode()),
                );
            }
            TreeWalkResult::Ok
        })?;
        Ok(tree)
    }

    /// Finds a directory of the tree in a revision.
    fn find_directory(&self, revision: &str, directory: &str) -> Result<git2::Tree<'_>, GitError> {
        let no_revision = |source| GitError::Revision {
            revision: revision.to_owned(),
            source,
        };
        let object = self
            .repository
            .revparse_single(revision)
            .map_err(no_revision)?;
        let root = object.peel_to_tree().map_err(no_revision)?;
        let full = self.full_path(directory);
        let full = full.trim_end_matches('/');
        if full.is_empty() {
            return Ok(root);
        }
        let missing = || GitError::Directory {
            revision: revision.to_owned(),
            directory: full.to_owned(),
        };
        let entry = root.get_path(Path::new(full)).map_err(|_| missing())?;
        entry
            .to_object(&self.repository)?
            .into_tree()
            .map_err(|_| missing())
    }

    /// Returns the checksums of all files below a directory of the tree in a revision.
    pub fn digest_directory(
        &self,
        revision: &str,
        directory: &str,
    ) -> Result<FileDigests, GitError> {
        let root = self.find_directory(revision, directory)?;
        let mut digests = FileDigests::new();
        let mut fault = None;
        root.walk(TreeWalkMode::PreOrder, |above, entry| {
            if entry.kind() != Some(ObjectType::Blob) {
                return TreeWalkResult::Ok;
            }
            let path = format!("{above}{}", entry.name().unwrap_or_default());
            if entry.filemode() == SYMBOLIC_LINK {
                let revision = revision.to_owned();
                fault = Some(GitError::Link { revision, path });
                return TreeWalkResult::Abort;
            }
            match self.repository.find_blob(entry.id()) {
                Ok(blob) => {
                    digests.insert(path, Sha256::of(blob.content()));
                    TreeWalkResult::Ok
                }
                Err(error) => {
                    fault = Some(error.into());
                    TreeWalkResult::Abort
                }
            }
        })
        .or_else(|error| if fault.is_some() { Ok(()) } else { Err(error) })?;
        match fault {
            Some(fault) => Err(fault),
            None => Ok(digests),
        }
    }

    /// Tells whether git ignores a file of the tree that it does not know.
    pub fn is_ignored(&self, path: &str) -> bool {
        let full = self.full_path(path);
        self.repository
            .status_should_ignore(Path::new(&full))
            .unwrap_or(false)
    }

    fn read_blob(&self, path: &str, id: git2::Oid, mode: i32) -> Content {
        if is_of_interest(path) {
            self.read_any_blob(id, mode)
        } else {
            Content::Unread
        }
    }

    /// Reads the files of configured sites of a revision too.
    pub fn load_more(
        &self,
        revision: &str,
        tree: &mut Tree,
        sites: &ConfiguredSites,
    ) -> Result<(), GitError> {
        let root = self.find_directory(revision, "")?;
        let unread = tree
            .files()
            .filter(|(_, content)| **content == Content::Unread);
        let unread = unread
            .map(|(path, _)| path)
            .filter(|path| sites.takes(path));
        let hidden = sites.plain_paths().filter(|path| tree.find(path).is_none());
        let paths: Vec<String> = unread.chain(hidden).map(str::to_owned).collect();
        for path in paths {
            if let Ok(entry) = root.get_path(Path::new(&path))
                && entry.kind() == Some(ObjectType::Blob)
            {
                tree.insert(path, self.read_any_blob(entry.id(), entry.filemode()));
            }
        }
        Ok(())
    }

    fn read_any_blob(&self, id: git2::Oid, mode: i32) -> Content {
        if mode == SYMBOLIC_LINK {
            return Content::Unreadable("symbolic links are not followed in a revision".to_owned());
        }
        match self.repository.find_blob(id) {
            Ok(blob) if blob.size() > MAX_BYTES => Content::Unreadable(too_large(blob.size())),
            Ok(blob) => match std::str::from_utf8(blob.content()) {
                Ok(text) => Content::Text(text.into()),
                Err(_) => Content::Unreadable("the file is not UTF-8 text".to_owned()),
            },
            Err(error) => Content::Unreadable(format!("git: {}", error.message())),
        }
    }

    /// Returns which of these files differ from the newest commit; paths are relative to the tree.
    pub fn changed_files(&self, paths: &[&str]) -> Result<Vec<String>, GitError> {
        let mut options = StatusOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .disable_pathspec_match(true);
        for path in paths {
            options.pathspec(self.full_path(path));
        }
        let statuses = self.repository.statuses(Some(&mut options))?;
        let strip = |path: &str| {
            path.get(self.prefix.len()..)
                .map(|rest| rest.trim_start_matches('/').to_owned())
        };
        Ok(statuses
            .iter()
            .filter_map(|status| strip(status.path().ok()?))
            .collect())
    }

    fn full_path(&self, path: &str) -> String {
        if self.prefix.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", self.prefix)
        }
    }

    /// Tells whether the repository has a tag of this name.
    pub fn has_tag(&self, name: &str) -> bool {
        let reference = format!("refs/tags/{name}");
        self.repository.find_reference(&reference).is_ok()
    }

    /// Returns the tags of a revision's commit; none where there is no such commit, as in a repository without any.
    pub fn tags_at(&self, revision: &str) -> Result<Vec<String>, GitError> {
        let commit = |name: &str| {
            let object = self.repository.revparse_single(name).ok()?;
            Some(object.peel_to_commit().ok()?.id())
        };
        let Some(wanted) = commit(revision) else {
            return Ok(Vec::new());
        };
        let tags = self.repository.tag_names(None)?;
        let names = tags.iter().filter_map(|tag| tag.ok()?);
        Ok(names
            .filter(|name| commit(&format!("refs/tags/{name}")) == Some(wanted))
            .map(str::to_owned)
            .collect())
    }

    /// Returns the stack releases that the repository has tags of. A shallow clone may have none.
    pub fn stack_releases(&self) -> Result<Vec<StackRelease>, GitError> {
        let tags = self.repository.tag_names(None)?;
        let mut releases: Vec<StackRelease> = tags
            .iter()
            .filter_map(|tag| tag.ok()??.parse::<ReleaseTag>().ok())
            .map(|tag| StackRelease {
                tag,
                kubernetes: None,
                cluster_addon: None,
                node_image: None,
                csctl_hashes: None,
            })
            .collect();
        releases.sort_by(|a, b| a.tag.cmp(&b.tag));
        Ok(releases)
    }
}

/// Returns the directory's path below the repository's working directory, with slashes.
fn prefix(repository: &Repository, root: &Path) -> Option<String> {
    let top = repository.workdir()?.canonicalize().ok()?;
    let below = root.canonicalize().ok()?;
    let prefix = below.strip_prefix(&top).ok()?.to_str()?;
    Some(prefix.replace(std::path::MAIN_SEPARATOR, "/"))
}

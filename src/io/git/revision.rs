//! Reads the files of a revision without a checkout. Nothing is fetched: what a partial clone lacks is named.

use std::path::Path;

use git2::{ErrorCode, ObjectType, Oid, TreeEntry};

use super::{GitError, GitRepository, SYMBOLIC_LINK};
use crate::io::files::{
    IS_DIRECTORY, MAX_BYTES, NO_TEXT_NAME, content_of, too_large, unread_paths,
};
use crate::release_digest::FileDigests;
use crate::stack::{ConfiguredReferences, Content, Tree, is_directory_of_interest, is_of_interest};
use crate::version::Sha256;

/// Something in a tree of git.
pub(super) struct FoundEntry<'e> {
    /// Where it is; what is no text is replaced.
    pub(super) path: String,
    pub(super) is_text: bool,
    pub(super) entry: &'e TreeEntry<'e>,
}

/// Where a tree of git is.
#[derive(Clone, Copy)]
pub(super) struct TreePlace<'d> {
    /// With a slash at its end; empty at the root.
    directory: &'d str,
    /// Whether all of its names are text.
    is_text: bool,
}

impl TreePlace<'_> {
    pub(super) const ROOT: Self = Self {
        directory: "",
        is_text: true,
    };
}

impl GitRepository {
    /// Reads the files of a revision that can matter, without a checkout.
    pub fn load_tree(&self, revision: &str) -> Result<Tree, GitError> {
        let root = self.find_directory(revision, "")?;
        let mut tree = Tree::default();
        self.walk(&root, TreePlace::ROOT, &mut |found| {
            let FoundEntry { path, entry, .. } = found;
            match entry.kind() {
                Some(ObjectType::Tree) => return Ok(self.enter(found, &mut tree)),
                Some(ObjectType::Blob) => {
                    let content = self.read_blob(found);
                    tree.insert(path.as_str(), content);
                }
                // A submodule's files are another repository's.
                Some(ObjectType::Commit) if is_part_of_stack(path) => {
                    let reason = "it is a submodule, whose files a revision does not hold";
                    tree.insert(path.as_str(), Content::Unreadable(reason.to_owned()));
                }
                Some(ObjectType::Commit | ObjectType::Tag | ObjectType::Any) | None => {}
            }
            Ok(false)
        })?;
        Ok(tree)
    }

    /// Tells whether a directory of a revision is to be looked into. Hidden ones belong to tools.
    fn enter(&self, found: &FoundEntry<'_>, tree: &mut Tree) -> bool {
        let path = found.path.as_str();
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with('.') {
            return false;
        }
        if is_of_interest(path) {
            tree.insert(path, Content::Unreadable(IS_DIRECTORY.to_owned()));
        }
        // A partial clone may lack it.
        match self.repository.find_tree(found.entry.id()) {
            Ok(_) => true,
            Err(error) => {
                if is_directory_of_interest(path) {
                    tree.insert_closed(path, self.reason(&error));
                }
                false
            }
        }
    }

    /// Goes through a tree of git; the visitor says which directories are entered.
    pub(super) fn walk(
        &self,
        tree: &git2::Tree<'_>,
        at: TreePlace<'_>,
        visit: &mut impl FnMut(&FoundEntry<'_>) -> Result<bool, GitError>,
    ) -> Result<(), GitError> {
        for entry in tree {
            let name = String::from_utf8_lossy(entry.name_bytes());
            let found = FoundEntry {
                path: format!("{}{name}", at.directory),
                is_text: at.is_text && entry.name().is_ok(),
                entry: &entry,
            };
            if visit(&found)? && entry.kind() == Some(ObjectType::Tree) {
                let below = self.repository.find_tree(entry.id())?;
                let inside = TreePlace {
                    directory: &format!("{}/", found.path),
                    is_text: found.is_text,
                };
                self.walk(&below, inside, visit)?;
            }
        }
        Ok(())
    }

    /// Finds a directory of the tree in a revision.
    pub(super) fn find_directory(
        &self,
        revision: &str,
        directory: &str,
    ) -> Result<git2::Tree<'_>, GitError> {
        let root = self
            .repository
            .revparse_single(revision)
            .and_then(|object| object.peel_to_tree())
            .map_err(|source| GitError::no_revision(revision, source))?;
        let full = self.full_path(directory);
        let path = full.trim_end_matches('/');
        if path.is_empty() {
            return Ok(root);
        }
        let Ok(entry) = root.get_path(Path::new(path)) else {
            return Err(GitError::no_directory(revision, path));
        };
        entry
            .to_object(&self.repository)?
            .into_tree()
            .map_err(|_| GitError::no_directory(revision, path))
    }

    /// Returns the checksums of all files below a directory of the tree in a revision.
    pub fn digest_directory(
        &self,
        revision: &str,
        directory: &str,
    ) -> Result<FileDigests, GitError> {
        let root = self.find_directory(revision, directory)?;
        let mut digests = FileDigests::new();
        self.walk(&root, TreePlace::ROOT, &mut |found| {
            let (path, revision) = (found.path.clone(), revision.to_owned());
            // The checksum of a directory is made of names too.
            if !found.is_text {
                return Err(GitError::Name { revision, path });
            }
            if found.entry.filemode() == SYMBOLIC_LINK {
                return Err(GitError::Link { revision, path });
            }
            if found.entry.kind() == Some(ObjectType::Blob) {
                let blob = self.repository.find_blob(found.entry.id())?;
                digests.insert(path, Sha256::of(blob.content()));
            }
            Ok(true)
        })?;
        Ok(digests)
    }

    /// Reads the files of configured references of a revision too.
    pub(crate) fn load_more(
        &self,
        revision: &str,
        tree: &mut Tree,
        references: &ConfiguredReferences,
    ) -> Result<(), GitError> {
        let root = self.find_directory(revision, "")?;
        for path in unread_paths(tree, references) {
            if let Ok(entry) = root.get_path(Path::new(&path))
                && entry.kind() == Some(ObjectType::Blob)
            {
                tree.insert(path, self.read_any_blob(entry.id(), entry.filemode()));
            }
        }
        Ok(())
    }

    fn read_blob(&self, found: &FoundEntry<'_>) -> Content {
        if !is_of_interest(&found.path) {
            Content::Unread
        } else if found.is_text {
            self.read_any_blob(found.entry.id(), found.entry.filemode())
        } else {
            Content::Unreadable(NO_TEXT_NAME.to_owned())
        }
    }

    fn read_any_blob(&self, id: Oid, mode: i32) -> Content {
        if mode == SYMBOLIC_LINK {
            return Content::Unreadable("symbolic links are not followed in a revision".to_owned());
        }
        match self.repository.find_blob(id) {
            Ok(blob) if blob.size() > MAX_BYTES => Content::Unreadable(too_large(blob.size())),
            Ok(blob) => content_of(blob.content().to_vec()),
            Err(error) => Content::Unreadable(self.reason(&error)),
        }
    }

    /// Says why an object cannot be read.
    fn reason(&self, error: &git2::Error) -> String {
        if error.code() == ErrorCode::NotFound && self.is_partial() {
            "this partial clone lacks it: git fetch --refetch --no-filter".to_owned()
        } else {
            format!("git: {}", error.message())
        }
    }

    /// Tells whether git fetches objects of this clone only when it needs them.
    fn is_partial(&self) -> bool {
        let Ok(config) = self.repository.config() else {
            return false;
        };
        let Ok(mut promises) = config.entries(Some(r"^remote\..*\.promisor$")) else {
            return false;
        };
        promises.next().is_some()
    }
}

/// Tells whether something stands where the files of a stack are.
fn is_part_of_stack(path: &str) -> bool {
    const PARTS: [&str; 3] = ["cluster-addon", "cluster-class", "node-images"];
    let is_inside = path.split('/').any(|part| PARTS.contains(&part));
    is_of_interest(path) || (is_inside && is_directory_of_interest(path))
}

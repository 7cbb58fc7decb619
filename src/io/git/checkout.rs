//! Writes the files of a commit into a directory outside the repository. Nothing of the repository changes: no ref, no index, no
//! file of the working directory.

use std::path::{Path, PathBuf};

use git2::build::CheckoutBuilder;
use git2::{Index, Repository};

use super::{GitError, GitRepository};

impl GitRepository {
    /// Writes all files of a revision into an empty directory.
    pub(crate) fn write_files(&self, revision: &str, directory: &Path) -> Result<(), GitError> {
        // A handle of its own with an empty index: that of the clone may be in a form that libgit2 does not read, as a sparse one.
        let repository = Repository::open(self.repository.path())?;
        repository.set_index(&mut Index::new()?)?;
        let tree = repository
            .revparse_single(revision)
            .and_then(|object| object.peel_to_tree())
            .map_err(|source| GitError::no_revision(revision, source))?;
        let mut options = CheckoutBuilder::new();
        options
            .target_dir(directory)
            .update_index(false)
            .refresh(false)
            // Files are tested as the commit holds them, whatever line ends a checkout would give them.
            .disable_filters(true)
            .force();
        repository.checkout_tree(tree.as_object(), Some(&mut options))?;
        Ok(())
    }

    /// Returns the files of the tree's directory that git knows, ignored or not, as the index has them.
    pub(crate) fn known_files(&self) -> Result<Vec<PathBuf>, GitError> {
        let index = self.repository.index()?;
        let known = index.iter().filter_map(|entry| {
            let path = String::from_utf8(entry.path).ok()?;
            self.path_below(&path).map(PathBuf::from)
        });
        Ok(known.collect())
    }

    /// Returns the tree's directory below the repository's root, with slashes; empty where they are the same.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

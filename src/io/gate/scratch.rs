//! A scratch copy of a repository's files, in a temporary directory that goes away with the value. Nothing of the repository itself
//! changes, and nothing of the copy finds its way back.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::io::ending::{self, Removed};
use crate::io::files::list_files;
use crate::io::git::{GitError, GitRepository};
use crate::io::update::{Staging, UpdateError};
use crate::plan::Plan;

/// A scratch copy of a repository's files.
#[derive(Debug)]
pub struct Scratch {
    directory: TempDir,
    root: PathBuf,
    /// A signal removes the directory too.
    _removed: Removed,
}

/// Why there is no scratch copy.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// The temporary directory cannot be made.
    #[error("cannot make a temporary directory for the tests: {0}")]
    Directory(io::Error),
    /// A file cannot be copied.
    #[error("cannot copy {} to test it: {source}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Git has no answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The plan cannot be written into the copy.
    #[error("cannot write the plan into the copy that is tested: {0}")]
    Plan(#[from] UpdateError),
}

impl Scratch {
    /// Makes a copy of nothing.
    pub fn empty() -> Result<Self, ScratchError> {
        let _whole = ending::write();
        Self::make(Path::new(""))
    }

    /// Writes the files of a revision, as git has them.
    pub(crate) fn of_revision(git: &GitRepository, revision: &str) -> Result<Self, ScratchError> {
        let _whole = ending::write();
        // A revision is written from the root of git's repository, and the tree may lie below that.
        let scratch = Self::make(Path::new(git.prefix()))?;
        git.write_files(revision, scratch.directory.path())?;
        Ok(scratch)
    }

    /// Copies the files of a working directory: those that git knows, and others that it does not ignore.
    pub fn of_directory(root: &Path, git: Option<&GitRepository>) -> Result<Self, ScratchError> {
        let mut paths: BTreeSet<PathBuf> = list_files(root).into_iter().collect();
        if let Some(git) = git {
            // What git knows belongs to the copy, even where an ignore file names it.
            paths.extend(git.known_files()?);
        }
        let scratch = Self::empty()?;
        for path in paths {
            let (from, to) = (root.join(&path), scratch.root.join(&path));
            // For one file at a time: a signal does not wait for all of them.
            let _whole = ending::write();
            match copy(&from, &to) {
                // It was removed, and git still knows it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(source) => return Err(ScratchError::Copy { path: from, source }),
                Ok(()) => {}
            }
        }
        Ok(scratch)
    }

    /// Writes a plan into the copy.
    pub fn apply(&self, plan: &Plan) -> Result<(), ScratchError> {
        let _whole = ending::write();
        Ok(Staging::in_root(&self.root).apply(plan)?)
    }

    /// Makes an empty directory, with the repository's root at this place in it.
    fn make(prefix: &Path) -> Result<Self, ScratchError> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("csctl-matrix-");
        // The repository may be nobody else's business on this machine.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let directory = builder.tempdir().map_err(ScratchError::Directory)?;
        Ok(Self {
            root: directory.path().join(prefix),
            _removed: Removed::new(directory.path()),
            directory,
        })
    }

    /// Returns the root of the copied repository.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the directory above everything that was copied.
    pub(super) fn ceiling(&self) -> &Path {
        let path = self.directory.path();
        path.parent().unwrap_or(path)
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(from)?;
    if !metadata.is_file() && !metadata.is_symlink() {
        // A submodule's directory, or what git knew as a file and is a socket now.
        return Ok(());
    }
    if let Some(above) = to.parent() {
        fs::create_dir_all(above)?;
    }
    if metadata.is_symlink() {
        return link(from, to);
    }
    fs::copy(from, to).map(drop)
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(fs::read_link(from)?, to)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::other("symbolic links are copied on Unix alone"))
}

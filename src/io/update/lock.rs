//! The right to write into a repository, which one run has at a time. A killed run gives it back, and leaves its file.
#![expect(clippy::disallowed_types, reason = "a lock is an open file")]

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::effects::Effects;
use super::{UpdateError, check_kind, write_error};

/// The right to write into the repository. Its file is removed before it is given back, so that nobody waits for a file that
/// is gone.
pub(super) struct UpdateLock {
    path: PathBuf,
    effects: Effects,
    _file: File,
}

impl UpdateLock {
    pub(super) fn take(path: &Path, effects: &Effects) -> Result<Self, UpdateError> {
        loop {
            let file = open(path, effects).map_err(|source| write_error(path, source))?;
            match file.try_lock() {
                // Whoever held it before may have removed the file after it was opened here.
                Ok(()) if !is_in_place(&file, path) => {}
                Ok(()) => {
                    return Ok(Self {
                        path: path.to_owned(),
                        effects: effects.clone(),
                        _file: file,
                    });
                }
                Err(TryLockError::WouldBlock) => return Err(UpdateError::Locked),
                Err(TryLockError::Error(source)) => return Err(write_error(path, source)),
            }
        }
    }
}

impl Drop for UpdateLock {
    fn drop(&mut self) {
        // A file that stays is taken again by the next run.
        let _ = self.effects.remove_file(&self.path);
    }
}

/// Opens the file of the lock. Outside git it lies among others: a link would be followed, and a pipe would be waited for.
fn open(path: &Path, effects: &Effects) -> io::Result<File> {
    if let Ok(found) = fs::symlink_metadata(path) {
        refuse_other(found.file_type())?;
    }
    effects.open_lock(path)
}

fn refuse_other(kind: fs::FileType) -> io::Result<()> {
    if kind.is_symlink() {
        return Err(io::Error::other("it is a symbolic link, not a file"));
    }
    check_kind(kind)
}

/// Tells whether an open file is still the one at that path.
#[cfg(unix)]
fn is_in_place(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_in_place(_: &File, path: &Path) -> bool {
    path.exists()
}

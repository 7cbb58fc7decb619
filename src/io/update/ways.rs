//! The ways to files: through directories of the repository alone, which can be written to. It changes nothing.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::effects::Effects;
use super::journal::is_inside;
use super::{UpdateError, write_error};

/// Checks the ways to files, each directory once.
pub(super) struct Ways<'r> {
    root: &'r Path,
    effects: &'r Effects,
    /// Per directory that was walked to, the nearest one of its way that is there.
    walked: Mutex<HashMap<PathBuf, PathBuf>>,
    probed: Mutex<HashSet<PathBuf>>,
}

impl<'r> Ways<'r> {
    pub(super) fn new(root: &'r Path, effects: &'r Effects) -> Self {
        Self {
            root,
            effects,
            walked: Mutex::default(),
            probed: Mutex::default(),
        }
    }

    /// Checks that a file can be put in its place.
    pub(super) fn check(&self, path: &str) -> Result<(), UpdateError> {
        let nearest = self.walk(path)?;
        if lock(&self.probed).contains(&nearest) {
            return Ok(());
        }
        self.effects
            .probe(&nearest)
            .map_err(|source| write_error(&nearest, source))?;
        lock(&self.probed).insert(nearest);
        Ok(())
    }

    /// Checks that a way leads through directories of the repository alone, and returns the nearest that is there.
    pub(super) fn walk(&self, path: &str) -> Result<PathBuf, UpdateError> {
        let directory = self.root.join(path);
        let (true, Some(directory)) = (is_inside(path), directory.parent()) else {
            let source = io::Error::other("the path leads out of the repository");
            return Err(write_error(Path::new(path), source));
        };
        if let Some(nearest) = lock(&self.walked).get(directory) {
            return Ok(nearest.clone());
        }
        let mut found = None;
        for above in directory.ancestors() {
            if above == self.root {
                break;
            }
            match fs::symlink_metadata(above) {
                Ok(metadata) if metadata.is_symlink() => {
                    return Err(UpdateError::SymbolicLink(self.shown(above)));
                }
                Ok(metadata) if !metadata.is_dir() => {
                    return Err(UpdateError::Exists(self.shown(above)));
                }
                Ok(_) => {
                    found.get_or_insert(above);
                }
                // What is missing is made when the file is put there.
                Err(_) => {}
            }
        }
        let nearest = found.unwrap_or(self.root).to_owned();
        lock(&self.walked).insert(directory.to_owned(), nearest.clone());
        Ok(nearest)
    }

    /// Returns a path as people see it, from the root of the repository on.
    fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(self.root).unwrap_or(path);
        below.display().to_string()
    }
}

/// What is known of ways is whole after a panic elsewhere: each change is one step.
fn lock<T>(known: &Mutex<T>) -> MutexGuard<'_, T> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

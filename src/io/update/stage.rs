//! Stages an update: writes all new texts beside the tree, after checking that nothing has changed under the plan and that every
//! file can be moved to its place.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::turn::Slot;
use super::{JournalStep, MANY, Staging, State, UpdateError, Ways, read, write_error};
use crate::plan::{FileAction, FileChange};
use crate::version::Sha256;

impl Staging {
    /// Writes all new texts, and returns what becomes of each file.
    pub(super) fn stage(
        &self,
        changes: &[FileChange],
        ways: &Ways<'_>,
    ) -> Result<Vec<JournalStep>, UpdateError> {
        let numbered: Vec<(usize, &FileChange)> = changes.iter().enumerate().collect();
        let sums = KnownSums::default();
        let staged = crate::parallel::map(&numbered, MANY, |(number, change)| {
            ways.check(&change.path)?;
            let slot = Slot::New.of(&self.directory, *number);
            self.stage_one(change, &slot, &sums)
        });
        staged.into_iter().collect()
    }

    fn stage_one(
        &self,
        change: &FileChange,
        slot: &Path,
        sums: &KnownSums,
    ) -> Result<JournalStep, UpdateError> {
        let target = self.root.join(&change.path);
        let is_link = fs::symlink_metadata(&target).is_ok_and(|metadata| metadata.is_symlink());
        // A link may be removed: nothing is written through it.
        if is_link && !matches!(change.action, FileAction::Remove) {
            return Err(UpdateError::SymbolicLink(change.path.clone()));
        }
        let (before, after) = match &change.action {
            FileAction::Edit { before, after } => {
                let found = read(&target).map_err(|source| write_error(&target, source))?;
                if found != before.as_bytes() {
                    return Err(UpdateError::Changed(change.path.clone()));
                }
                self.stage_text(after, slot, &target)?;
                (State::File(sums.of(before)), State::File(sums.of(after)))
            }
            FileAction::Create { from, after } => {
                check_absent(&target, &change.path)?;
                self.stage_text(after, slot, &self.root.join(from))?;
                (State::Absent, State::File(sums.of(after)))
            }
            FileAction::Copy { from } => {
                check_absent(&target, &change.path)?;
                let copied = self.effects.copy(&self.root.join(from), slot);
                copied.map_err(|source| write_error(&target, source))?;
                (State::Absent, state_of(slot)?)
            }
            FileAction::Remove => (state_of(&target)?, State::Absent),
        };
        Ok(JournalStep {
            path: change.path.clone(),
            before,
            after,
        })
    }

    /// Writes a staged text with the permissions of the file it replaces or is shaped after.
    fn stage_text(&self, text: &str, slot: &Path, like: &Path) -> Result<(), UpdateError> {
        fs::metadata(like)
            .and_then(|found| {
                self.effects
                    .write(slot, text.as_bytes(), found.permissions())
            })
            .map_err(|source| write_error(slot, source))
    }
}

/// The checksums of the texts of one plan, by where they are: in a large repository many files have one text.
#[derive(Default)]
struct KnownSums {
    sums: Mutex<HashMap<usize, Sha256>>,
}

impl KnownSums {
    fn of(&self, text: &Arc<str>) -> Sha256 {
        let place = Arc::as_ptr(text).addr();
        // What is known is whole after a panic elsewhere: each change is one step.
        let sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sums.get(&place) {
            return known.clone();
        }
        // Others need not wait while it is worked out.
        drop(sums);
        let sum = Sha256::of(text.as_bytes());
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        sums.insert(place, sum.clone());
        sum
    }
}

fn check_absent(target: &Path, path: &str) -> Result<(), UpdateError> {
    match fs::symlink_metadata(target) {
        Err(_) => Ok(()),
        Ok(_) => Err(UpdateError::Exists(path.to_owned())),
    }
}

/// Returns the state of a file or a link.
fn state_of(path: &Path) -> Result<State, UpdateError> {
    let found = State::of(path).map_err(|source| write_error(path, source))?;
    found.ok_or_else(|| write_error(path, io::Error::other("it is neither a file nor a link")))
}

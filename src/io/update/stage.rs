//! Stages an update: writes all new texts beside the tree, after checking that nothing has changed under the plan and that every
//! file can be moved to its place.

use std::fs;
use std::io;
use std::path::Path;

use super::turn::Slot;
use super::{JournalStep, Staging, State, UpdateError, Ways, read, write_error};
use crate::plan::{FileAction, FileChange};
use crate::version::Sha256;

impl Staging {
    /// Writes all new texts, and returns what becomes of each file.
    pub(super) fn stage(
        &self,
        changes: &[FileChange],
        ways: &mut Ways<'_>,
    ) -> Result<Vec<JournalStep>, UpdateError> {
        let numbered = changes.iter().enumerate();
        numbered
            .map(|(number, change)| {
                ways.check(&change.path)?;
                let slot = Slot::New.of(&self.directory, number);
                self.stage_one(change, &slot)
            })
            .collect()
    }

    fn stage_one(&self, change: &FileChange, slot: &Path) -> Result<JournalStep, UpdateError> {
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
                let staged = self.stage_text(after, slot, &target)?;
                (State::File(Sha256::of(before.as_bytes())), staged)
            }
            FileAction::Create { from, after } => {
                check_absent(&target, &change.path)?;
                let staged = self.stage_text(after, slot, &self.root.join(from))?;
                (State::Absent, staged)
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
    fn stage_text(&self, text: &str, slot: &Path, like: &Path) -> Result<State, UpdateError> {
        fs::metadata(like)
            .and_then(|found| {
                self.effects
                    .write(slot, text.as_bytes(), found.permissions())
            })
            .map_err(|source| write_error(slot, source))?;
        Ok(State::File(Sha256::of(text.as_bytes())))
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

//! Carries a plan out in a working directory: all of its files, or none. A run that is killed after the point of no return is
//! finished by the next one.
//!
//! New texts are staged in a directory of their own, then a journal is written, then files are moved to their places. Without a
//! journal a staging directory is a leftover and is thrown away; with one, its moves are made again, which does no harm.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is where files are written"
)]

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plan::{FileAction, FileChange, Plan};

/// Why a plan was not carried out. Nothing was changed, unless the error says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// A file is not as it was when the plan was made.
    #[error("{0} changed after it was read; nothing was written")]
    Changed(String),
    /// A file to be made is there already.
    #[error("{0} is there already; nothing was written")]
    Exists(String),
    /// A file is a symbolic link.
    #[error("{0} is a symbolic link, which is not written through; nothing was written")]
    SymbolicLink(String),
    /// Another run is at work.
    #[error("another update is running in this repository; nothing was written")]
    Locked,
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

/// Where an update stages its files.
pub struct Staging {
    directory: PathBuf,
    root: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    steps: Vec<Step>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Step {
    Move { staged: String, path: String },
    Remove { path: String },
}

const JOURNAL: &str = "journal.json";
const DIRECTORY: &str = "csctl-matrix-update";

impl Staging {
    /// Returns the staging place of a repository: inside git's own directory, or hidden in the root without git.
    pub fn new(root: &Path, git_directory: Option<PathBuf>) -> Self {
        let directory = git_directory.map_or_else(
            || root.join(format!(".{DIRECTORY}")),
            |git| git.join(DIRECTORY),
        );
        Self {
            directory,
            root: root.to_owned(),
        }
    }

    /// Tells whether an interrupted update waits to be finished.
    pub fn is_interrupted(&self) -> bool {
        self.directory.join(JOURNAL).is_file()
    }

    /// Carries a plan out.
    pub fn apply(&self, plan: &Plan) -> Result<(), UpdateError> {
        let lock = self.lock()?;
        self.finish_interrupted()?;
        let steps = self.stage(&plan.files).inspect_err(|_| self.clean_up())?;
        self.write_journal(&Journal { steps })?;
        self.finish_interrupted()?;
        drop(lock);
        self.clean_up();
        Ok(())
    }

    /// Finishes an interrupted update; tells whether there was one.
    pub fn recover(&self) -> Result<bool, UpdateError> {
        if !self.is_interrupted() {
            return Ok(false);
        }
        let lock = self.lock()?;
        self.finish_interrupted()?;
        drop(lock);
        self.clean_up();
        Ok(true)
    }

    fn lock(&self) -> Result<File, UpdateError> {
        let path = self.directory.with_extension("lock");
        let file = File::create(&path).map_err(|source| write_error(&path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(UpdateError::Locked),
            Err(TryLockError::Error(source)) => return Err(write_error(&path, source)),
        }
        fs::create_dir_all(&self.directory)
            .map_err(|source| write_error(&self.directory, source))?;
        Ok(file)
    }

    /// Writes all new texts beside the tree, after checking that nothing has changed under the plan.
    fn stage(&self, changes: &[FileChange]) -> Result<Vec<Step>, UpdateError> {
        let mut steps = Vec::new();
        for (number, change) in changes.iter().enumerate() {
            let target = self.root.join(&change.path);
            let staged = number.to_string();
            let is_link = fs::symlink_metadata(&target).is_ok_and(|metadata| metadata.is_symlink());
            if is_link {
                return Err(UpdateError::SymbolicLink(change.path.clone()));
            }
            match &change.action {
                FileAction::Edit { before, after } => {
                    let found = fs::read(&target).map_err(|source| write_error(&target, source))?;
                    if found != before.as_bytes() {
                        return Err(UpdateError::Changed(change.path.clone()));
                    }
                    self.write_staged(&staged, after.as_bytes(), &target)?;
                }
                FileAction::Create { from, after } => {
                    self.check_absent(&target, &change.path)?;
                    self.write_staged(&staged, after.as_bytes(), &self.root.join(from))?;
                }
                FileAction::Copy { from } => {
                    self.check_absent(&target, &change.path)?;
                    let source = self.root.join(from);
                    let bytes = fs::read(&source).map_err(|error| write_error(&source, error))?;
                    self.write_staged(&staged, &bytes, &source)?;
                }
                FileAction::Remove => {
                    steps.push(Step::Remove {
                        path: change.path.clone(),
                    });
                    continue;
                }
            }
            steps.push(Step::Move {
                staged,
                path: change.path.clone(),
            });
        }
        Ok(steps)
    }

    fn check_absent(&self, target: &Path, path: &str) -> Result<(), UpdateError> {
        let is_inside = target.starts_with(&self.root);
        if is_inside && fs::symlink_metadata(target).is_err() {
            Ok(())
        } else {
            Err(UpdateError::Exists(path.to_owned()))
        }
    }

    /// Writes a staged file with the permissions of the file it replaces or copies.
    fn write_staged(&self, name: &str, bytes: &[u8], like: &Path) -> Result<(), UpdateError> {
        let path = self.directory.join(name);
        let write = || {
            let mut file = File::create(&path)?;
            file.write_all(bytes)?;
            file.set_permissions(fs::metadata(like)?.permissions())?;
            file.sync_data()
        };
        write().map_err(|source| write_error(&path, source))
    }

    /// The point of no return: from here on, the update is finished by this run or by the next.
    fn write_journal(&self, journal: &Journal) -> Result<(), UpdateError> {
        let path = self.directory.join(JOURNAL);
        let draft = self.directory.join("journal.draft");
        let write = || {
            let mut file = File::create(&draft)?;
            file.write_all(serde_json::to_string(journal)?.as_bytes())?;
            file.sync_data()?;
            fs::rename(&draft, &path)
        };
        write().map_err(|source| write_error(&path, source))
    }

    fn finish_interrupted(&self) -> Result<(), UpdateError> {
        let path = self.directory.join(JOURNAL);
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(());
        };
        let journal: Journal =
            serde_json::from_str(&text).map_err(|error| write_error(&path, error.into()))?;
        for step in &journal.steps {
            match step {
                Step::Move { staged, path } => self.move_to_place(staged, path)?,
                Step::Remove { path } => self.remove(path)?,
            }
        }
        fs::remove_file(&path).map_err(|source| write_error(&path, source))
    }

    fn move_to_place(&self, staged: &str, path: &str) -> Result<(), UpdateError> {
        let staged = self.directory.join(staged);
        if !staged.exists() {
            return Ok(());
        }
        let target = self.root.join(path);
        if let Some(directory) = target.parent() {
            fs::create_dir_all(directory).map_err(|source| write_error(directory, source))?;
        }
        match fs::rename(&staged, &target) {
            // Git's directory may lie on another file system, as in some containers.
            Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
                Self::copy_to_place(&staged, &target)
            }
            Err(source) => Err(write_error(&target, source)),
            Ok(()) => Ok(()),
        }
    }

    fn copy_to_place(staged: &Path, target: &Path) -> Result<(), UpdateError> {
        let name = target
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let beside = target.with_file_name(format!(".{name}.csctl-matrix"));
        let copy = || {
            fs::copy(staged, &beside)?;
            fs::rename(&beside, target)?;
            fs::remove_file(staged)
        };
        copy().map_err(|source| write_error(target, source))
    }

    fn remove(&self, path: &str) -> Result<(), UpdateError> {
        let target = self.root.join(path);
        match fs::remove_file(&target) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(write_error(&target, error));
            }
            Ok(()) | Err(_) => {}
        }
        // Directories that became empty go too; others stay, which is no error.
        for directory in target
            .ancestors()
            .skip(1)
            .take_while(|directory| *directory != self.root)
        {
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Removes what staging left. A failure leaves a directory that the next run removes.
    fn clean_up(&self) {
        let _ = fs::remove_dir_all(&self.directory);
        let _ = fs::remove_file(self.directory.with_extension("lock"));
    }
}

fn write_error(path: &Path, source: std::io::Error) -> UpdateError {
    UpdateError::Write {
        path: path.to_owned(),
        source,
    }
}

//! Carries a plan out in a working directory: all of its files, or none. A run that is killed after the point of no return is
//! finished by the next one.
//!
//! New texts are staged in a directory of their own, then a journal is written, then files are moved to their places. Without a
//! journal a staging directory is a leftover and is thrown away; with one, its moves are made again, which does no harm.
//!
//! A killed process loses nothing by this. Against a power failure files are not synced one by one, as git does not do it for
//! a checkout either: 10,000 of them would take a minute instead of seconds.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is where files are written"
)]

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::other_kind;
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
    /// A file or directory cannot be written.
    #[error("cannot write {}: {source}; nothing was written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file could not be written after others were.
    #[error("cannot write {}: {source}; other files are written already", path.display())]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A journal that is none of this program's.
    #[error("{} is no journal of an update of this repository: {reason}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
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
        let steps = match self.stage(&plan.files) {
            Ok(steps) => steps,
            Err(error) => {
                self.clean_up(lock);
                return Err(error);
            }
        };
        self.write_journal(&Journal { steps })?;
        self.finish_interrupted()?;
        self.clean_up(lock);
        Ok(())
    }

    /// Finishes an interrupted update, or throws away what one left before its point of no return; tells whether there was one
    /// to finish.
    pub fn recover(&self) -> Result<bool, UpdateError> {
        if fs::symlink_metadata(&self.directory).is_err() {
            return Ok(false);
        }
        let lock = self.lock()?;
        let is_interrupted = self.is_interrupted();
        self.finish_interrupted()?;
        self.clean_up(lock);
        Ok(is_interrupted)
    }

    /// Locks the repository and makes the staging directory, empty but for an interrupted update.
    fn lock(&self) -> Result<Lock, UpdateError> {
        let path = self.directory.with_extension("lock");
        let failed = |source| write_error(&path, source);
        let lock = loop {
            let mut options = File::options();
            let file = options.write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(failed)?;
            match file.try_lock() {
                // Whoever held it before may have removed the file after it was opened here.
                Ok(()) if !is_in_place(&file, &path) => {}
                Ok(()) => {
                    break Lock {
                        path: path.clone(),
                        _file: file,
                    };
                }
                Err(TryLockError::WouldBlock) => return Err(UpdateError::Locked),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        };
        if !self.is_interrupted() {
            let failed = |source| write_error(&self.directory, source);
            match fs::remove_dir_all(&self.directory) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                Ok(()) | Err(_) => fs::create_dir(&self.directory).map_err(failed)?,
            }
        }
        Ok(lock)
    }

    /// Writes all new texts beside the tree, after checking that nothing has changed under the plan and that every file can be
    /// moved to its place.
    fn stage(&self, changes: &[FileChange]) -> Result<Vec<Step>, UpdateError> {
        let mut steps = Vec::new();
        let mut ways = Ways::new(&self.root);
        for (number, change) in changes.iter().enumerate() {
            let target = self.root.join(&change.path);
            let staged = number.to_string();
            ways.check(&change.path)?;
            let is_link = fs::symlink_metadata(&target).is_ok_and(|metadata| metadata.is_symlink());
            if is_link && !matches!(change.action, FileAction::Remove) {
                return Err(UpdateError::SymbolicLink(change.path.clone()));
            }
            match &change.action {
                FileAction::Edit { before, after } => {
                    let found = read(&target).map_err(|source| write_error(&target, source))?;
                    if found != before.as_bytes() {
                        return Err(UpdateError::Changed(change.path.clone()));
                    }
                    self.write_staged(&staged, after.as_bytes(), &target)?;
                }
                FileAction::Create { from, after } => {
                    check_absent(&target, &change.path)?;
                    self.write_staged(&staged, after.as_bytes(), &self.root.join(from))?;
                }
                FileAction::Copy { from } => {
                    check_absent(&target, &change.path)?;
                    let copied = copy(&self.root.join(from), &self.directory.join(&staged));
                    copied.map_err(|source| write_error(&target, source))?;
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

    /// Writes a staged file with the permissions of the file it replaces or copies.
    fn write_staged(&self, name: &str, bytes: &[u8], like: &Path) -> Result<(), UpdateError> {
        let path = self.directory.join(name);
        let write = || {
            let mut file = File::create(&path)?;
            file.write_all(bytes)?;
            file.set_permissions(fs::metadata(like)?.permissions())
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
        let no_journal = |reason: String| UpdateError::Journal {
            path: path.clone(),
            reason,
        };
        let journal: Journal =
            serde_json::from_str(&text).map_err(|error| no_journal(error.to_string()))?;
        let mut ways = Ways::new(&self.root);
        for step in &journal.steps {
            let (Step::Move { path, .. } | Step::Remove { path }) = step;
            ways.check(path)
                .map_err(|error| no_journal(error.to_string()))?;
        }
        for step in &journal.steps {
            match step {
                Step::Move { staged, path } => self.move_to_place(staged, path)?,
                Step::Remove { path } => self.remove(path)?,
            }
        }
        fs::remove_file(&path).map_err(|source| unfinished(&path, source))
    }

    fn move_to_place(&self, staged: &str, path: &str) -> Result<(), UpdateError> {
        let staged = self.directory.join(staged);
        if fs::symlink_metadata(&staged).is_err() {
            return Ok(());
        }
        let target = self.root.join(path);
        if let Some(directory) = target.parent() {
            fs::create_dir_all(directory).map_err(|source| unfinished(directory, source))?;
        }
        match fs::rename(&staged, &target) {
            // Git's directory may lie on another file system, as in some containers.
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                Self::copy_to_place(&staged, &target)
            }
            Err(source) => Err(unfinished(&target, source)),
            Ok(()) => Ok(()),
        }
    }

    fn copy_to_place(staged: &Path, target: &Path) -> Result<(), UpdateError> {
        let name = target
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let beside = target.with_file_name(format!(".{name}.csctl-matrix"));
        let place = || {
            copy(staged, &beside)?;
            fs::rename(&beside, target)?;
            fs::remove_file(staged)
        };
        place().map_err(|source| unfinished(target, source))
    }

    fn remove(&self, path: &str) -> Result<(), UpdateError> {
        let target = self.root.join(path);
        match fs::remove_file(&target) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(unfinished(&target, error));
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

    /// Removes what staging left, while no other run can begin. A failure leaves a directory that the next run removes.
    fn clean_up(&self, lock: Lock) {
        let _ = fs::remove_dir_all(&self.directory);
        drop(lock);
    }
}

/// The right to write into the repository. Its file is removed before it is given back, so that nobody waits for a file that
/// is gone.
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Checks the ways to files: through directories of the repository alone, which can be written to.
struct Ways<'r> {
    root: &'r Path,
    checked: HashSet<PathBuf>,
}

impl<'r> Ways<'r> {
    fn new(root: &'r Path) -> Self {
        Self {
            root,
            checked: HashSet::new(),
        }
    }

    fn check(&mut self, path: &str) -> Result<(), UpdateError> {
        let is_inside = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !is_inside {
            let source = io::Error::other("the path leads out of the repository");
            return Err(write_error(Path::new(path), source));
        }
        let target = self.root.join(path);
        let mut is_nearest = true;
        for directory in target.ancestors().skip(1) {
            if !self.checked.insert(directory.to_owned()) {
                return Ok(());
            }
            let shown = || directory.strip_prefix(self.root).unwrap_or(directory);
            match fs::symlink_metadata(directory) {
                _ if directory == self.root => {}
                Ok(metadata) if metadata.is_symlink() => {
                    return Err(UpdateError::SymbolicLink(shown().display().to_string()));
                }
                Ok(metadata) if !metadata.is_dir() => {
                    return Err(UpdateError::Exists(shown().display().to_string()));
                }
                Ok(_) => {}
                Err(_) => continue,
            }
            if std::mem::take(&mut is_nearest) {
                tempfile::tempfile_in(directory)
                    .map_err(|source| write_error(directory, source))?;
            }
            if directory == self.root {
                break;
            }
        }
        Ok(())
    }
}

fn check_absent(target: &Path, path: &str) -> Result<(), UpdateError> {
    match fs::symlink_metadata(target) {
        Err(_) => Ok(()),
        Ok(_) => Err(UpdateError::Exists(path.to_owned())),
    }
}

/// Reads a file, if it still is one: to open what took its place may block for ever.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    check_kind(fs::metadata(path)?.file_type())?;
    fs::read(path)
}

fn check_kind(kind: fs::FileType) -> io::Result<()> {
    match other_kind(kind) {
        Some(kind) => Err(io::Error::other(format!("it is {kind}, not a file"))),
        None => Ok(()),
    }
}

/// Copies a file with its permissions, and a symbolic link as a link: what it leads to is none of the copy's business.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if kind.is_symlink() {
        return copy_link(from, to);
    }
    check_kind(kind)?;
    fs::copy(from, to).map(drop)
}

#[cfg(unix)]
fn copy_link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(fs::read_link(from)?, to)
}

#[cfg(not(unix))]
fn copy_link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::other("symbolic links are copied on Unix alone"))
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

fn unfinished(path: &Path, source: io::Error) -> UpdateError {
    UpdateError::Unfinished {
        path: path.to_owned(),
        source,
    }
}

fn write_error(path: &Path, source: io::Error) -> UpdateError {
    UpdateError::Write {
        path: path.to_owned(),
        source,
    }
}

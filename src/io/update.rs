//! Carries a plan out in a working directory: all of its files, or none. An update that is killed after the point of no return can
//! be finished or rolled back, and no file is touched that somebody changed in between.
//!
//! New texts are staged in a directory of their own, then a journal is written that says of each file what it was and what it is
//! to be, then files are moved to their places; what they replace is kept until the end. Without a journal a staging directory is
//! a leftover and is thrown away.
//!
//! A killed process loses nothing by this. Against a power failure files are not synced one by one, as git does not do it for
//! a checkout either: 10,000 of them would take a minute instead of seconds. What a power failure spoiled has another checksum
//! than the journal says, and is not used.
#![expect(clippy::disallowed_methods, reason = "this is where files are written")]

mod effects;
mod error;
mod journal;
mod lock;
mod outcome;
mod stage;
#[cfg(all(test, unix))]
mod tests;
mod turn;
mod ways;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use self::effects::Effects;
use self::journal::{Journal, JournalStep, PlaceMark, State, Trust};
use self::lock::UpdateLock;
use self::turn::{FileSide, Staged, Turner};
use self::ways::Ways;
use super::files::other_kind;
use crate::plan::Plan;
use crate::version::Sha256;

pub use self::error::UpdateError;
use self::error::{unfinished, write_error};
pub use self::journal::JournalFault;
pub(crate) use self::outcome::{Direction, Fate, Turned};
pub use self::outcome::{Left, Obstacle};

/// Where an update stages its files.
pub struct Staging {
    directory: PathBuf,
    root: PathBuf,
    trust: Trust,
    effects: Effects,
}

/// What became of an interrupted update that lay in the way of another one.
#[derive(Debug)]
pub(crate) enum Recovered {
    /// There was none.
    Nothing,
    /// Nothing of it was in the files, and it was thrown away.
    ThrownAway,
    /// It was finished.
    Finished(Turned),
}

/// From how many files on they are worked on side by side.
const MANY: usize = 64;

const JOURNAL: &str = "journal.json";
const DIRECTORY: &str = "csctl-matrix-update";

impl Staging {
    /// Returns the staging place of a tree without git: hidden in its root.
    pub(crate) fn in_root(root: &Path) -> Self {
        Self {
            directory: root.join(format!(".{DIRECTORY}")),
            root: root.to_owned(),
            trust: Trust::AmongFiles,
            effects: Effects::default(),
        }
    }

    /// Returns the staging place of a tree in git's own directory. Several trees of one repository have a place each: `prefix`
    /// is the way to the tree from the repository's root.
    pub fn in_git(root: &Path, git_directory: &Path, prefix: &str) -> Self {
        let name = if prefix.is_empty() {
            DIRECTORY.to_owned()
        } else {
            let sum = Sha256::of(prefix.as_bytes());
            let start: String = sum.hex().chars().take(16).collect();
            format!("{DIRECTORY}-{start}")
        };
        Self {
            directory: git_directory.join(name),
            root: root.to_owned(),
            trust: Trust::Own,
            effects: Effects::default(),
        }
    }

    /// Tells whether an unfinished update lies here. It changes nothing.
    ///
    /// # Errors
    /// There is a journal, and it cannot be used.
    pub(crate) fn is_unfinished(&self) -> Result<bool, UpdateError> {
        Ok(self.read_journal()?.is_some())
    }

    /// Carries a plan out. What fails on the way is rolled back.
    pub fn apply(&self, plan: &Plan) -> Result<(), UpdateError> {
        let lock = self.lock()?;
        // Another run may have been interrupted since this one looked.
        if self.has_journal() {
            return Err(UpdateError::Interrupted);
        }
        let ways = Ways::new(&self.root, &self.effects);
        let journal = match self.prepare(plan, &ways) {
            Ok(journal) => journal,
            Err(error) => {
                self.clean_up(lock);
                return Err(error);
            }
        };
        let turner = Turner {
            staged: Staged::Now,
            ways,
            ..self.turner(&journal)
        };
        let done = turner.turn_all(Direction::Finish);
        let left: Vec<String> = match &done {
            Ok(finished) => finished.left().map(|file| file.path).collect(),
            Err(_) => Vec::new(),
        };
        if done.is_ok() && left.is_empty() {
            return self.end(lock);
        }
        let back = turner.turn_all(Direction::RollBack)?;
        // What was not ours when its turn came holds nothing of ours. Anything else does, and a person has to see it.
        let mixed: Vec<Left> = back
            .left()
            .filter(|one| !left.contains(&one.path))
            .collect();
        if !mixed.is_empty() {
            return Err(UpdateError::Touched(mixed));
        }
        self.end(lock)?;
        Err(match done {
            Err(error) => error.undone(),
            Ok(_) => UpdateError::Changed(left.join(", ")),
        })
    }

    /// Clears the way for an update where an interrupted one lies: finishes it where every file is still what it was before it or
    /// is after it, and throws it away where nothing of it is in the files. `is_committed` tells whether files are as the
    /// newest commit has them, so that they hold nobody's work.
    ///
    /// # Errors
    /// A file is neither: then none is touched.
    pub(crate) fn recover(
        &self,
        is_committed: impl Fn(&[&str]) -> bool,
    ) -> Result<Recovered, UpdateError> {
        if !self.has_leftovers() {
            return Ok(Recovered::Nothing);
        }
        let lock = self.lock()?;
        let Some(journal) = self.read_journal()? else {
            self.clean_up(lock);
            return Ok(Recovered::Nothing);
        };
        let turner = self.turner(&journal);
        let survey = Survey::of(&turner)?;
        if survey.is_without_traces(is_committed) {
            // Directories that it made may be left.
            turner.turn_all(Direction::RollBack)?;
            self.end(lock)?;
            return Ok(Recovered::ThrownAway);
        }
        let obstacles = self.obstacles(&journal, &survey)?;
        if !obstacles.is_empty() {
            return Err(UpdateError::Touched(obstacles));
        }
        let finished = turner.turn_all(Direction::Finish)?;
        let left: Vec<Left> = finished.left().collect();
        if !left.is_empty() {
            return Err(UpdateError::Touched(left));
        }
        self.end(lock)?;
        Ok(Recovered::Finished(finished))
    }

    /// Ends an interrupted update: turns all files that are still what it knows, and leaves the others; nothing where there is
    /// none.
    pub(crate) fn end_interrupted(
        &self,
        direction: Direction,
    ) -> Result<Option<Turned>, UpdateError> {
        if !self.has_leftovers() {
            return Ok(None);
        }
        let lock = self.lock()?;
        let Some(journal) = self.read_journal()? else {
            self.clean_up(lock);
            return Ok(None);
        };
        let turned = self.turner(&journal).turn_all(direction)?;
        self.end(lock)?;
        Ok(Some(turned))
    }

    /// Returns what lies in the staging directory, for people who have to remove it.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn turner<'u>(&'u self, journal: &'u Journal) -> Turner<'u> {
        Turner {
            root: &self.root,
            staging: &self.directory,
            effects: &self.effects,
            journal,
            staged: Staged::Earlier,
            ways: Ways::new(&self.root, &self.effects),
        }
    }

    /// Returns the files that keep an interrupted update from being finished.
    fn obstacles(&self, journal: &Journal, survey: &Survey) -> Result<Vec<Left>, UpdateError> {
        let turner = self.turner(journal);
        let mut left = Vec::new();
        for (number, (step, side)) in journal.steps.iter().zip(&survey.sides).enumerate() {
            let obstacle = match side {
                FileSide::After => None,
                FileSide::Before | FileSide::Neither => turner.obstacle(number, step)?,
            };
            left.extend(obstacle.map(|why| Left {
                path: step.path.clone(),
                why,
            }));
        }
        Ok(left)
    }

    /// Tells whether another run left something, or is at work.
    fn has_leftovers(&self) -> bool {
        let places = [&self.directory, &self.lock_path()];
        places
            .into_iter()
            .any(|path| fs::symlink_metadata(path).is_ok())
    }

    fn lock_path(&self) -> PathBuf {
        self.directory.with_extension("lock")
    }

    fn has_journal(&self) -> bool {
        is_directory(&self.directory) && fs::symlink_metadata(self.directory.join(JOURNAL)).is_ok()
    }

    fn read_journal(&self) -> Result<Option<Journal>, UpdateError> {
        if !self.has_journal() {
            return Ok(None);
        }
        let path = self.directory.join(JOURNAL);
        match Journal::read(&path, self.trust) {
            Ok(journal) => Ok(Some(journal)),
            // Another run ended in this moment.
            Err(_) if !self.has_journal() => Ok(None),
            Err(fault) => Err(UpdateError::Journal { path, fault }),
        }
    }

    /// Locks the repository and makes the staging directory, empty but for an interrupted update.
    fn lock(&self) -> Result<UpdateLock, UpdateError> {
        let lock = UpdateLock::take(&self.lock_path(), &self.effects)?;
        if self.has_journal() {
            return Ok(lock);
        }
        self.make_empty()
            .map_err(|source| write_error(&self.directory, source))?;
        Ok(lock)
    }

    fn make_empty(&self) -> io::Result<()> {
        if fs::symlink_metadata(&self.directory).is_ok() {
            // A link would lead out of it, and what it leads to would be removed.
            if !is_directory(&self.directory) {
                return Err(io::Error::other("it is not a directory"));
            }
            self.effects.remove_all(&self.directory)?;
        }
        self.effects.create_directory(&self.directory)
    }

    /// Stages all files and writes the journal.
    fn prepare(&self, plan: &Plan, ways: &Ways<'_>) -> Result<Journal, UpdateError> {
        let steps = self.stage(&plan.files, ways)?;
        let place = match self.trust {
            Trust::Own => None,
            Trust::AmongFiles => {
                let mark = PlaceMark::of(&self.directory);
                Some(mark.map_err(|source| write_error(&self.directory, source))?)
            }
        };
        let journal = Journal::new(steps, place);
        self.write_journal(&journal)?;
        Ok(journal)
    }

    /// The point of no return: from here on, the update is finished or rolled back.
    fn write_journal(&self, journal: &Journal) -> Result<(), UpdateError> {
        let path = self.directory.join(JOURNAL);
        self.write_synced(journal, &path)
            .map_err(|source| write_error(&path, source))
    }

    fn write_synced(&self, journal: &Journal, path: &Path) -> io::Result<()> {
        // A run that is killed while it writes leaves no journal, or the whole one.
        let draft = self.directory.join("journal.draft");
        let text = serde_json::to_string(journal)?;
        self.effects.write_synced(&draft, text.as_bytes())?;
        self.effects.rename(&draft, path)
    }

    /// Ends an update, whose files are what they are to be.
    fn end(&self, lock: UpdateLock) -> Result<(), UpdateError> {
        let path = self.directory.join(JOURNAL);
        // Before the staged texts: a journal without them would be an update that nobody can finish.
        self.effects
            .remove_file(&path)
            .map_err(|source| unfinished(&path, source))?;
        self.clean_up(lock);
        Ok(())
    }

    /// Removes what staging left, while no other run can begin. A failure leaves a directory that the next run removes.
    fn clean_up(&self, lock: UpdateLock) {
        let _ = self.effects.remove_all(&self.directory);
        drop(lock);
    }
}

/// Where the files of an interrupted update stand.
struct Survey {
    /// Of each step.
    sides: Vec<FileSide>,
    /// Whether a file is as after the update, and was not before.
    has_written: bool,
    /// Files that are neither as before nor as after.
    changed: Vec<String>,
}

impl Survey {
    fn of(turner: &Turner<'_>) -> Result<Self, UpdateError> {
        let mut survey = Self {
            sides: Vec::new(),
            has_written: false,
            changed: Vec::new(),
        };
        for step in &turner.journal.steps {
            let side = turner.side(step)?;
            match side {
                FileSide::After => survey.has_written |= step.before != step.after,
                FileSide::Before => {}
                FileSide::Neither => survey.changed.push(step.path.clone()),
            }
            survey.sides.push(side);
        }
        Ok(survey)
    }

    /// Tells whether nothing of the update is in the files any more, and nobody's work either.
    fn is_without_traces(&self, is_committed: impl Fn(&[&str]) -> bool) -> bool {
        let changed: Vec<&str> = self.changed.iter().map(String::as_str).collect();
        !self.has_written && (changed.is_empty() || is_committed(&changed))
    }
}

fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
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

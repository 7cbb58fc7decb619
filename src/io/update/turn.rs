//! Turns files from what they were before an update to what they are after it, and back. It touches no file that is neither.
//!
//! Each file is looked at just before it is turned. What is written into it in the instant between the two is not seen, as it
//! is not by `git checkout`.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::effects::Effects;
use super::journal::{Journal, JournalStep, State};
use super::outcome::{Direction, Fate, Obstacle, Turned, TurnedFile};
use super::ways::Ways;
use super::{MANY, UpdateError, unfinished};

/// Where a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileSide {
    Before,
    After,
    /// It is neither.
    Neither,
}

/// One of the places of a step in the staging directory.
pub(super) enum Slot {
    Old,
    New,
}

impl Slot {
    pub(super) fn of(&self, directory: &Path, number: usize) -> PathBuf {
        let ending = match self {
            Self::Old => "old",
            Self::New => "new",
        };
        directory.join(format!("{number}.{ending}"))
    }
}

/// What is found at a path.
enum FoundFile {
    State(State),
    /// Nothing that an update knows.
    Other(Obstacle),
}

/// How long ago the texts of an update were staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Staged {
    /// By this run: they are what it wrote.
    Now,
    /// By a run that was interrupted: all is looked at again.
    Earlier,
}

/// What turns the files of one update.
pub(super) struct Turner<'u> {
    pub(super) root: &'u Path,
    pub(super) staging: &'u Path,
    pub(super) effects: &'u Effects,
    pub(super) journal: &'u Journal,
    pub(super) staged: Staged,
    pub(super) ways: Ways<'u>,
}

/// A file to be turned: what is there, what is to be there, and where the two texts are kept.
struct Turn<'u> {
    number: usize,
    path: &'u str,
    from: &'u State,
    to: &'u State,
    from_slot: PathBuf,
    to_slot: PathBuf,
    /// Whether the text is as this run staged it a moment ago.
    is_fresh: bool,
}

impl<'u> Turner<'u> {
    /// Turns all files, as far as they can be turned.
    pub(super) fn turn_all(&self, direction: Direction) -> Result<Turned, UpdateError> {
        let steps = &self.journal.steps;
        let numbered: Vec<(usize, &JournalStep)> = steps.iter().enumerate().collect();
        // Directories that come and go are those of several files, which have to take their turns.
        let files = if steps.iter().all(JournalStep::is_of_file) {
            crate::parallel::map(&numbered, MANY, |(number, step)| {
                self.turn_step(*number, step, direction)
            })
            .into_iter()
            .collect::<Result<_, _>>()
        } else {
            let mut turns = numbered.into_iter();
            turns.try_fold(Vec::new(), |mut files, (number, step)| {
                files.push(self.turn_step(number, step, direction)?);
                Ok(files)
            })
        };
        Ok(Turned {
            direction,
            files: files?,
        })
    }

    fn turn_step(
        &self,
        number: usize,
        step: &'u JournalStep,
        direction: Direction,
    ) -> Result<TurnedFile, UpdateError> {
        let turn = self.turn_of(number, step, direction);
        Ok(TurnedFile {
            path: step.path.clone(),
            fate: self.turn(&turn)?,
        })
    }

    /// Returns where a file stands.
    pub(super) fn side(&self, step: &JournalStep) -> Result<FileSide, UpdateError> {
        Ok(match self.find(&step.path)? {
            FoundFile::State(found) if found == step.after => FileSide::After,
            FoundFile::State(found) if found == step.before => FileSide::Before,
            FoundFile::State(_) | FoundFile::Other(_) => FileSide::Neither,
        })
    }

    /// Returns what keeps a file from being finished.
    pub(super) fn obstacle(
        &self,
        number: usize,
        step: &JournalStep,
    ) -> Result<Option<Obstacle>, UpdateError> {
        match self.find(&step.path)? {
            FoundFile::State(found) if found == step.after => Ok(None),
            FoundFile::State(found) if found == step.before => {
                let turn = self.turn_of(number, step, Direction::Finish);
                self.obstacle_to(&turn)
            }
            FoundFile::State(_) => Ok(Some(Obstacle::Changed)),
            FoundFile::Other(obstacle) => Ok(Some(obstacle)),
        }
    }

    /// Looks at a file, and through no link.
    fn find(&self, path: &str) -> Result<FoundFile, UpdateError> {
        match self.ways.walk(path) {
            Err(UpdateError::SymbolicLink(link)) => {
                return Ok(FoundFile::Other(Obstacle::BehindLink(link)));
            }
            // Where a part of its way is a file, there is nothing.
            Err(UpdateError::Exists(_)) => return Ok(FoundFile::State(State::Absent)),
            Err(error) => return Err(error.begun()),
            Ok(_) => {}
        }
        let target = self.root.join(path);
        let found = State::of(&target).map_err(|source| unfinished(&target, source))?;
        Ok(found.map_or(FoundFile::Other(Obstacle::Changed), FoundFile::State))
    }

    fn turn_of(&self, number: usize, step: &'u JournalStep, direction: Direction) -> Turn<'u> {
        let old = Slot::Old.of(self.staging, number);
        let new = Slot::New.of(self.staging, number);
        let path = step.path.as_str();
        let (before, after) = (&step.before, &step.after);
        match direction {
            Direction::Finish => Turn {
                number,
                path,
                from: before,
                to: after,
                from_slot: old,
                to_slot: new,
                is_fresh: self.staged == Staged::Now,
            },
            Direction::RollBack => Turn {
                number,
                path,
                from: after,
                to: before,
                from_slot: new,
                to_slot: old,
                is_fresh: false,
            },
        }
    }

    fn turn(&self, turn: &Turn<'_>) -> Result<Fate, UpdateError> {
        let found = match self.find(turn.path)? {
            FoundFile::State(found) => found,
            FoundFile::Other(obstacle) => return Ok(Fate::Left(obstacle)),
        };
        let target = self.root.join(turn.path);
        if !turn.is_fresh {
            self.sweep(turn, &target)?;
        }
        if found == *turn.to {
            // A killed run may have removed the file, and not the directories that became empty.
            if *turn.to == State::Absent {
                self.remove_empty_above(turn.path);
            }
            return Ok(Fate::Already);
        }
        if found != *turn.from {
            return Ok(Fate::Left(Obstacle::Changed));
        }
        if let Some(obstacle) = self.obstacle_to(turn)? {
            return Ok(Fate::Left(obstacle));
        }
        self.place(turn, &target)
            .map_err(|source| unfinished(&target, source))?;
        if *turn.to == State::Absent {
            self.remove_empty_above(turn.path);
        }
        Ok(Fate::Turned)
    }

    fn obstacle_to(&self, turn: &Turn<'_>) -> Result<Option<Obstacle>, UpdateError> {
        match self.ways.check(turn.path) {
            Ok(()) => {}
            Err(UpdateError::SymbolicLink(link)) => return Ok(Some(Obstacle::BehindLink(link))),
            Err(UpdateError::Exists(file)) => return Ok(Some(Obstacle::NoDirectory(file))),
            Err(error) => return Err(error.begun()),
        }
        let is_there = match turn.to {
            State::File(_) | State::Link(_) if !turn.is_fresh => turn.to.is_at(&turn.to_slot),
            State::Absent | State::File(_) | State::Link(_) => Ok(true),
        };
        match is_there {
            Ok(true) => Ok(None),
            Ok(false) => Ok(Some(Obstacle::Lost)),
            Err(source) => Err(unfinished(&turn.to_slot, source)),
        }
    }

    /// Keeps what is there, and puts in its place what is to be there.
    fn place(&self, turn: &Turn<'_>, target: &Path) -> io::Result<()> {
        if *turn.from != State::Absent {
            self.keep(target, &turn.from_slot)?;
        }
        if *turn.to == State::Absent {
            return self.effects.remove_file(target);
        }
        match (turn.from, turn.to, target.parent()) {
            (State::Absent, _, Some(directory)) => self.effects.create_directories(directory)?,
            (State::File(_), State::File(_), _) if !turn.is_fresh => {
                // Somebody may have changed them since the text was staged.
                let permissions = fs::metadata(target)?.permissions();
                self.effects.set_permissions(&turn.to_slot, permissions)?;
            }
            (State::Absent | State::File(_) | State::Link(_), _, _) => {}
        }
        match self.effects.rename(&turn.to_slot, target) {
            // Git's directory may lie on another file system, as in some containers.
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                let beside = target.with_file_name(self.journal.beside(turn.number));
                self.effects.copy(&turn.to_slot, &beside)?;
                self.effects.rename(&beside, target)
            }
            renamed => renamed,
        }
    }

    /// Keeps a file, so that it can be turned back.
    fn keep(&self, target: &Path, slot: &Path) -> io::Result<()> {
        if self.effects.hard_link(target, slot).is_ok() {
            return Ok(());
        }
        // What a killed run kept may be half a copy.
        self.effects.remove_if_there(slot)?;
        // There are other file systems, those without hard links, and files of other users.
        match self.effects.hard_link(target, slot) {
            Ok(()) => Ok(()),
            Err(_) => self.effects.copy(target, slot),
        }
    }

    /// Removes the copy that a killed run left beside a file. Nobody else can have given it its name.
    fn sweep(&self, turn: &Turn<'_>, target: &Path) -> Result<(), UpdateError> {
        let beside = target.with_file_name(self.journal.beside(turn.number));
        self.effects
            .remove_if_there(&beside)
            .map_err(|source| unfinished(&beside, source))
    }

    /// Directories that became empty go too; others stay, which is no error.
    fn remove_empty_above(&self, path: &str) {
        if self.ways.walk(path).is_err() {
            return;
        }
        let target = self.root.join(path);
        let above = target.ancestors().skip(1);
        for directory in above.take_while(|directory| *directory != self.root) {
            let is_there = fs::symlink_metadata(directory).is_ok();
            if is_there && self.effects.remove_directory(directory).is_err() {
                break;
            }
        }
    }
}

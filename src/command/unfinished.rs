//! An update that was interrupted: what every command says that reads its tree, how `update` and `check --fix` go on, and how
//! `update --resume` and `update --abort` end it.

use std::fmt;
use std::path::Path;

use super::{Format, Outcome, Place, find, quote};
use crate::error::{CommandError, Status};
use crate::io::git::GitRepository;
use crate::io::update::{Direction, JournalFault, Recovered, Staging, Turned, UpdateError};
use crate::plan::Plan;
use crate::report;

/// Finishes an interrupted update, as far as nobody changed its files.
pub(crate) fn resume(directory: &Path) -> Result<Outcome, CommandError> {
    end(directory, Direction::Finish)
}

/// Rolls an interrupted update back, as far as nobody changed its files.
pub(crate) fn abort(directory: &Path) -> Result<Outcome, CommandError> {
    end(directory, Direction::RollBack)
}

fn end(directory: &Path, direction: Direction) -> Result<Outcome, CommandError> {
    let workplace = Workplace::find(directory)?;
    let ended = workplace
        .staging
        .end_interrupted(direction)
        .map_err(|error| workplace.error(&error, Written::Nothing))?;
    let Some(turned) = ended else {
        let data = "no update was interrupted; nothing to do\n".to_owned();
        return Ok(Outcome::of(data, Format::Text));
    };
    let mut outcome = Outcome::of(report::text::ended_update(&turned), Format::Text);
    let hint = workplace.left_hint(direction);
    outcome.faults = turned
        .left()
        .map(|left| {
            let message = format!("{} {}, and is left to you", left.path, left.why);
            (message, hint.clone())
        })
        .collect();
    if !outcome.faults.is_empty() {
        outcome.status = Some(Status::Partial);
    }
    Ok(outcome)
}

/// Adds to what a command says that an unfinished update lies in the tree that it read. A revision has none.
pub(super) fn told(
    place: &Place,
    said: Result<Outcome, CommandError>,
) -> Result<Outcome, CommandError> {
    let sentence = match place.revision {
        Some(_) => None,
        None => find_sentence(&place.directory),
    };
    let Some(sentence) = sentence else {
        return said;
    };
    match said {
        Ok(mut outcome) => {
            outcome.warnings.push(sentence);
            Ok(outcome)
        }
        Err(error) => Err(error.hinted(sentence)),
    }
}

/// Says that an unfinished update lies in a tree, and what to do. What keeps it from being found out is the command's to say.
fn find_sentence(directory: &Path) -> Option<String> {
    let workplace = Workplace::find(directory).ok()?;
    match workplace.staging.is_unfinished() {
        Ok(false) => None,
        Ok(true) => {
            let Workplace { program, .. } = &workplace;
            Some(format!(
                "an update was interrupted here and is unfinished: {program} update --resume finishes it, {program} update --abort rolls it back"
            ))
        }
        Err(error) => Some(format!("{error}; {}", workplace.hint(&error))),
    }
}

/// What a run had written when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Nothing,
    /// An interrupted update that it finished first.
    Interrupted,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing was written",
            Self::Interrupted => "nothing else was written",
        })
    }
}

/// The working directory that an update writes into.
pub(super) struct Workplace {
    staging: Staging,
    git: Option<GitRepository>,
    /// How its commands begin that are named to people: `csctl-matrix -C directory`.
    program: String,
}

impl Workplace {
    pub(super) fn find(directory: &Path) -> Result<Self, CommandError> {
        let found = find(directory)?;
        let staging = match &found.git {
            Some(git) => Staging::in_git(&found.root, &git.git_directory(), git.prefix()),
            None => Staging::in_root(&found.root),
        };
        let place = if directory == Path::new(".") {
            String::new()
        } else {
            format!(" -C {}", quote(&directory.to_string_lossy()))
        };
        Ok(Self {
            staging,
            git: found.git,
            program: format!("csctl-matrix{place}"),
        })
    }

    /// Carries a plan out.
    pub(super) fn apply(&self, plan: &Plan, written: Written) -> Result<(), CommandError> {
        let applied = self.staging.apply(plan);
        applied.map_err(|error| self.error(&error, written))
    }

    /// Finishes or throws away an interrupted update, where nobody's work is in its way.
    pub(super) fn recover(&self) -> Result<Recovery, CommandError> {
        self.staging
            .recover(|paths: &[&str]| self.are_committed(paths))
            .map(|recovered| Recovery { recovered })
            .map_err(|error| self.error(&error, Written::Nothing))
    }

    fn are_committed(&self, paths: &[&str]) -> bool {
        let changed = self.git.as_ref().map(|git| git.changed_files(paths));
        // Without git, or where it does not answer, there may be work that is nowhere else.
        matches!(changed, Some(Ok(changed)) if changed.is_empty())
    }

    fn error(&self, error: &UpdateError, written: Written) -> CommandError {
        let message = match error {
            // Some of its files were written, so neither sentence of `Written` is true.
            UpdateError::Unfinished { .. } => error.to_string(),
            UpdateError::Changed(_)
            | UpdateError::Exists(_)
            | UpdateError::SymbolicLink(_)
            | UpdateError::Locked
            | UpdateError::Interrupted
            | UpdateError::Write { .. }
            | UpdateError::Touched(_)
            | UpdateError::Journal { .. } => format!("{error}; {written}"),
        };
        CommandError::new(message).hinted(self.hint(error))
    }

    fn hint(&self, error: &UpdateError) -> String {
        let program = &self.program;
        match error {
            UpdateError::Changed(_) | UpdateError::Locked | UpdateError::Interrupted => {
                "run it again".to_owned()
            }
            UpdateError::Exists(_) => "move it away, or commit it".to_owned(),
            UpdateError::SymbolicLink(_) => {
                "replace the link with the file it points to".to_owned()
            }
            UpdateError::Write { .. } => {
                "free some space or fix permissions, then run it again".to_owned()
            }
            UpdateError::Unfinished { .. } => format!(
                "free some space or fix permissions; then {program} update --resume finishes it, {program} update --abort rolls it back"
            ),
            UpdateError::Touched(_) => format!(
                "{program} update --resume finishes the other files, {program} update --abort rolls them back; what was changed is left to you"
            ),
            UpdateError::Journal { fault, .. } => self.journal_hint(fault),
        }
    }

    fn journal_hint(&self, fault: &JournalFault) -> String {
        let look = self.look();
        let directory = self.staging.directory().display();
        match fault {
            JournalFault::Old => format!(
                "{look}, remove {directory}, and {} update writes what is missing",
                self.program
            ),
            JournalFault::Later(_) => {
                format!("end it with that csctl-matrix, or {look} and remove {directory}")
            }
            JournalFault::Closed(_) => "give permission to read it".to_owned(),
            JournalFault::Unreadable(_) | JournalFault::Elsewhere | JournalFault::Outside(_) => {
                format!("{look}, and remove {directory}")
            }
        }
    }

    fn left_hint(&self, direction: Direction) -> String {
        let look = self.look();
        match direction {
            Direction::Finish => {
                let program = &self.program;
                format!("{look}; {program} plan shows what is still to be done")
            }
            Direction::RollBack => format!("{look}, and take back by hand what is not yours"),
        }
    }

    fn look(&self) -> &'static str {
        if self.git.is_some() {
            "look at git diff"
        } else {
            "look at the files"
        }
    }
}

/// What became of an interrupted update before another one.
pub(super) struct Recovery {
    recovered: Recovered,
}

impl Recovery {
    /// Returns what was written already.
    pub(super) fn written(&self) -> Written {
        match self.recovered {
            Recovered::Nothing | Recovered::ThrownAway => Written::Nothing,
            Recovered::Finished(_) => Written::Interrupted,
        }
    }

    /// Adds it to what the command says, whether that failed or not.
    pub(super) fn told(self, said: Result<Outcome, CommandError>) -> Result<Outcome, CommandError> {
        let warning = match &self.recovered {
            Recovered::Nothing => return said,
            Recovered::ThrownAway => {
                "nothing of an interrupted update was in the files; it was thrown away"
            }
            Recovered::Finished(_) => "an interrupted update was finished first",
        };
        let mut outcome = said.unwrap_or_else(|error| Outcome {
            faults: vec![(error.to_string(), error.hints().join("; "))],
            status: Some(Status::Error),
            ..Outcome::default()
        });
        let turned: &[_] = match &self.recovered {
            Recovered::Finished(Turned { files, .. }) => files,
            Recovered::Nothing | Recovered::ThrownAway => &[],
        };
        let notices = turned.iter().map(|file| format!("finished {}", file.path));
        // It was done before everything else that is told.
        outcome.notices.splice(0..0, notices);
        outcome.warnings.insert(0, warning.to_owned());
        Ok(outcome)
    }
}

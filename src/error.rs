//! What a command ends with when it cannot do its work: a message, and what to do about it.

use std::fmt;

use crate::io::git::GitError;

/// Why a command failed.
#[derive(Debug)]
pub struct CommandError {
    message: String,
    hints: Vec<String>,
}

impl CommandError {
    /// Returns an error of that message, which names what was being done and to what.
    pub fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            hints: Vec::new(),
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hinted(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// Returns what to do about it.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CommandError {}

impl From<GitError> for CommandError {
    fn from(error: GitError) -> Self {
        Self::new(&error).hinted(error.hint())
    }
}

/// The exit status of a command; README.md has the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done, or nothing to do.
    Done,
    /// Something could not be read, planned or written.
    Error,
    /// `check` found something.
    Findings,
    /// `test` is not green.
    Red,
    /// With `--exit-code`: changes are pending.
    Pending,
    /// With `--exit-code`: nothing to do, and something was held back.
    Held,
    /// Stopped by a rate limit or a ceiling, and nothing failed; running again goes on.
    Limited,
    /// Changes are planned, or were written, and something else could not be read or edited.
    Partial,
}

impl Status {
    /// Returns the number for the system.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Findings | Self::Red | Self::Pending => 3,
            Self::Held => 4,
            Self::Limited => 5,
            Self::Partial => 6,
        }
    }
}

//! Why an update was not carried out. What is to be done about it is said by `command::update`.

use std::io;
use std::path::{Path, PathBuf};

use super::journal::JournalFault;
use super::outcome::Left;

/// Why an update was not carried out. Nothing was written, unless the error says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// Files are not as they were when the plan was made.
    #[error("{0} changed after it was read")]
    Changed(String),
    /// A file to be made is there already.
    #[error("{0} is there already")]
    Exists(String),
    /// A file is a symbolic link.
    #[error("{0} is a symbolic link, which is not written through")]
    SymbolicLink(String),
    /// Another run is at work.
    #[error("another update is running in this repository")]
    Locked,
    /// Another run was interrupted after this one began.
    #[error("another update was interrupted in this repository in the meantime")]
    Interrupted,
    /// A file or directory cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// An update could be neither finished nor rolled back, and its files are half old, half new.
    #[error("the update is unfinished: cannot write {}: {source}", path.display())]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Files of an interrupted update are not what it left.
    #[error("an update was interrupted, and {}", list(.0))]
    Touched(Vec<Left>),
    /// A journal that is not used.
    #[error("the journal {} cannot be used: {fault}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        fault: JournalFault,
    },
}

impl UpdateError {
    /// Returns the error of an update that had begun.
    pub(super) fn begun(self) -> Self {
        match self {
            Self::Write { path, source } => Self::Unfinished { path, source },
            other => other,
        }
    }

    /// Returns the error of an update that was rolled back.
    pub(super) fn undone(self) -> Self {
        match self {
            Self::Unfinished { path, source } => Self::Write { path, source },
            other => other,
        }
    }
}

/// How many files one sentence names.
const NAMED: usize = 10;

fn list(left: &[Left]) -> String {
    let mut words: Vec<String> = left
        .iter()
        .take(NAMED)
        .map(|left| format!("{} {}", left.path, left.why))
        .collect();
    if left.len() > NAMED {
        words.push(format!("{} more", left.len() - NAMED));
    }
    words.join(", ")
}

pub(super) fn unfinished(path: &Path, source: io::Error) -> UpdateError {
    UpdateError::Unfinished {
        path: path.to_owned(),
        source,
    }
}

pub(super) fn write_error(path: &Path, source: io::Error) -> UpdateError {
    UpdateError::Write {
        path: path.to_owned(),
        source,
    }
}

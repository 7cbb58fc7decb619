//! What became of the files of an update, and what keeps a file from being turned.

/// Which way files are turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To what they are after the update.
    Finish,
    /// To what they were before it.
    RollBack,
}

/// What became of the files of an update.
#[derive(Debug)]
pub(crate) struct Turned {
    /// Which way.
    pub direction: Direction,
    /// What became of each, in the order of the update.
    pub files: Vec<TurnedFile>,
}

/// What became of one file.
#[derive(Debug)]
pub(crate) struct TurnedFile {
    /// Its path, relative to the repository's root.
    pub path: String,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a file.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It was turned now.
    Turned,
    /// It was so already.
    Already,
    /// It was left as it is.
    Left(Obstacle),
}

/// Why a file is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// It is neither what it was before the update nor what it is after it.
    #[error("was changed since")]
    Changed,
    /// The text it is to have is not there, or is another one.
    #[error("cannot be written: its text is gone from the staging directory")]
    Lost,
    /// Its way leads through a symbolic link now.
    #[error("is behind the symbolic link {0}")]
    BehindLink(String),
    /// A part of its way is no directory now.
    #[error("is below {0}, which is not a directory")]
    NoDirectory(String),
}

impl Turned {
    /// Returns the files that were left as they are.
    pub(crate) fn left(&self) -> impl Iterator<Item = Left> {
        self.files.iter().filter_map(|file| match &file.fate {
            Fate::Left(obstacle) => Some(Left {
                path: file.path.clone(),
                why: obstacle.clone(),
            }),
            Fate::Turned | Fate::Already => None,
        })
    }
}

/// A file that is left to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its path, relative to the repository's root.
    pub path: String,
    /// Why.
    pub why: Obstacle,
}

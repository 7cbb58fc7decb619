//! The journal of an update: what each file was and is to be, by its checksum. It reads and judges journals, and moves no file.
//!
//! A journal is not believed. Its paths have to stay inside the repository, no file is touched that is not what the journal says,
//! and outside git, where it lies among the files and may come from whoever packed them, it has to name its own directory by what
//! no archive carries: the inode and the time of its birth.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Component, Path};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::{DIRECTORY, check_kind, read};
use crate::io::digest::digest_content;
use crate::version::Sha256;

/// The form of journals that this program writes. The first one said nothing of what the files were.
const FORM: u32 = 2;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum State {
    /// Nothing.
    Absent,
    /// A file of that content.
    File(Sha256),
    /// A symbolic link to a place of that name.
    Link(Sha256),
}

impl State {
    /// Returns what is at a path; nothing where that is neither a file nor a link.
    pub(super) fn of(path: &Path) -> io::Result<Option<Self>> {
        let kind = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata.file_type(),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(Some(Self::Absent));
            }
            Err(error) => return Err(error),
        };
        if kind.is_symlink() {
            let target = fs::read_link(path)?;
            let name = target.as_os_str().as_encoded_bytes();
            return Ok(Some(Self::Link(Sha256::of(name))));
        }
        if check_kind(kind).is_err() {
            return Ok(None);
        }
        digest_content(path).map(|sum| Some(Self::File(sum)))
    }

    /// Tells whether that is at a path.
    pub(super) fn is_at(&self, path: &Path) -> io::Result<bool> {
        Ok(Self::of(path)?.as_ref() == Some(self))
    }
}

/// What becomes of one file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct JournalStep {
    /// Its path, relative to the repository's root.
    pub(super) path: String,
    /// What it was before the update.
    pub(super) before: State,
    /// What it is after it.
    pub(super) after: State,
}

impl JournalStep {
    /// Tells whether there is a file before and after it, so that no directory comes or goes.
    pub(super) fn is_of_file(&self) -> bool {
        matches!(
            (&self.before, &self.after),
            (State::File(_), State::File(_))
        )
    }
}

/// What an update does, written down before it begins.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Journal {
    form: u32,
    /// A word that nobody can guess, for names of files that have to lie beside others for a moment.
    token: String,
    /// The directory it was written in, where that lies among the files of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<PlaceMark>,
    /// What becomes of each file.
    pub(super) steps: Vec<JournalStep>,
}

/// A directory, by what no archive carries.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PlaceMark {
    inode: u64,
    /// When it was made, in seconds, where the file system knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<String>,
}

impl PlaceMark {
    pub(super) fn of(directory: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(directory)?;
        let made = metadata.created().ok();
        let since = made.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Ok(Self {
            inode: inode(&metadata),
            made: since.map(|since| format!("{}.{:09}", since.as_secs(), since.subsec_nanos())),
        })
    }
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

/// Why a journal is not used.
#[derive(Debug, thiserror::Error)]
pub enum JournalFault {
    /// It is of a form that does not say what the files were.
    #[error("an earlier csctl-matrix wrote it, which did not note what the files were")]
    Old,
    /// It is of a form that is not known yet.
    #[error("a later csctl-matrix wrote it, in form {0}")]
    Later(u32),
    /// The system does not let it be read.
    #[error("it cannot be opened: {0}")]
    Closed(io::Error),
    /// It cannot be understood.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It was not written where it lies.
    #[error("it was not written in this directory; it was copied or unpacked into it")]
    Elsewhere,
    /// It names a place that no update writes to.
    #[error("it names `{0}`, where no update writes")]
    Outside(String),
}

/// How much a journal has to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// It lies in git's own directory, which is no part of what others hand over.
    Own,
    /// It lies among the files.
    AmongFiles,
}

/// The one key that all forms have from the second on.
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    form: u32,
}

impl Journal {
    pub(super) fn new(steps: Vec<JournalStep>, place: Option<PlaceMark>) -> Self {
        Self {
            form: FORM,
            token: make_token(),
            place,
            steps,
        }
    }

    /// Reads the journal of a directory.
    pub(super) fn read(path: &Path, trust: Trust) -> Result<Self, JournalFault> {
        // Whoever can put a journal there can put a link there, to a journal elsewhere.
        let metadata = fs::symlink_metadata(path).map_err(JournalFault::Closed)?;
        check_kind(metadata.file_type()).map_err(unreadable)?;
        let bytes = read(path).map_err(JournalFault::Closed)?;
        // Another form may have other keys, which the whole journal would refuse.
        let form: Form = serde_json::from_slice(&bytes).map_err(unreadable)?;
        match form.form {
            0 => return Err(JournalFault::Old),
            FORM => {}
            later => return Err(JournalFault::Later(later)),
        }
        let journal: Self = serde_json::from_slice(&bytes).map_err(unreadable)?;
        if trust == Trust::AmongFiles {
            let here = path.parent().map(PlaceMark::of).transpose();
            if journal.place != here.map_err(JournalFault::Closed)? {
                return Err(JournalFault::Elsewhere);
            }
        }
        // It becomes a part of file names.
        if journal.token.is_empty() || !journal.token.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(JournalFault::Outside(journal.token));
        }
        let outside = journal.steps.iter().find(|step| !is_inside(&step.path));
        match outside {
            Some(step) => Err(JournalFault::Outside(step.path.clone())),
            None => Ok(journal),
        }
    }

    /// Returns the name of a file that lies beside another for a moment.
    pub(super) fn beside(&self, number: usize) -> String {
        format!(".csctl-matrix-{}-{number}", self.token)
    }
}

/// Tells whether a path is one that an update may write to: inside the repository, and in no directory of git or of an update.
pub(super) fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with(&format!(".{DIRECTORY}"))
        && Path::new(path).components().all(is_plain_name)
}

fn is_plain_name(part: Component<'_>) -> bool {
    match part {
        // File systems that tell no capital letters from small ones have git's directory under either name.
        Component::Normal(name) => !name.eq_ignore_ascii_case(".git"),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            false
        }
    }
}

/// Makes a word that nobody can guess, of the randomness that the system gives every hash table.
fn make_token() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("{:016x}", RandomState::new().hash_one(FORM))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it takes errors as they are mapped"
)]
fn unreadable(error: impl ToString) -> JournalFault {
    JournalFault::Unreadable(error.to_string())
}

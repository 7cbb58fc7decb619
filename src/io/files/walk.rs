//! Looks through the directories of a repository: what git ignores and hidden directories are left out.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ignore::WalkBuilder;

use super::read::{MAX_BYTES, other_kind, too_large};

/// What names files that git does not keep.
const IGNORE_FILE: &str = ".gitignore";

/// What is below a directory, relative to it.
#[derive(Default)]
pub(super) struct Walked {
    /// Files and symbolic links.
    pub(super) files: Vec<PathBuf>,
    /// What is neither a file nor a link nor a directory.
    pub(super) others: Vec<PathBuf>,
    pub(super) directories: Vec<PathBuf>,
    pub(super) closed: Vec<ClosedDirectory>,
    /// There are more entries than were asked for.
    pub(super) is_cut: bool,
}

/// A directory that cannot be looked into.
pub(super) struct ClosedDirectory {
    pub(super) path: PathBuf,
    pub(super) reason: String,
}

/// Looks through a directory as far as so many entries; what git ignores and hidden directories are left out.
pub(super) fn walk(root: &Path, most: usize) -> Walked {
    let mut walked = Walked::default();
    if let Some(reason) = find_odd_ignore(root) {
        walked.closed.push(ClosedDirectory {
            path: PathBuf::new(),
            reason,
        });
        return walked;
    }
    let odd = OddDirectories::default();
    for (index, found) in walker(root, &odd).enumerate() {
        if index >= most {
            walked.is_cut = true;
            break;
        }
        match found {
            Ok(entry) => walked.add(root, &entry),
            Err(error) => walked.closed.extend(closed_directory(root, &error)),
        }
    }
    for closed in lock(&odd).drain(..) {
        let below = closed.path.strip_prefix(root).unwrap_or(&closed.path);
        walked.closed.push(ClosedDirectory {
            path: below.to_owned(),
            reason: closed.reason,
        });
    }
    walked
}

impl Walked {
    fn add(&mut self, root: &Path, entry: &ignore::DirEntry) {
        let (Some(kind), Ok(path)) = (entry.file_type(), entry.path().strip_prefix(root)) else {
            return;
        };
        let list = if kind.is_dir() {
            &mut self.directories
        } else if kind.is_file() || kind.is_symlink() {
            &mut self.files
        } else {
            &mut self.others
        };
        list.push(path.to_owned());
    }
}

/// Directories that a walk does not enter, as the filter of the walk finds them.
type OddDirectories = Arc<Mutex<Vec<ClosedDirectory>>>;

fn lock(odd: &OddDirectories) -> MutexGuard<'_, Vec<ClosedDirectory>> {
    // The list is whole after a panic elsewhere: each change is one push.
    odd.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the directory that an error is about, and what is wrong with it. One that was removed in the meantime is gone, as
/// if it had been removed before.
fn closed_directory(root: &Path, error: &ignore::Error) -> Option<ClosedDirectory> {
    let cause = match error.io_error() {
        Some(cause) if cause.kind() == ErrorKind::NotFound => return None,
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    };
    let path = path_of(error)?.strip_prefix(root).ok()?;
    Some(ClosedDirectory {
        path: path.to_owned(),
        reason: format!("the directory cannot be read: {cause}"),
    })
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err)
        }
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::Partial(errors) => errors.iter().find_map(path_of),
        ignore::Error::Io(_)
        | ignore::Error::Glob { .. }
        | ignore::Error::UnrecognizedFileType(_)
        | ignore::Error::InvalidDefinition => None,
    }
}

/// Lists the files below a directory, relative to it, and symbolic links; ignored ones and those in hidden directories are left
/// out, and what is neither, as a socket.
pub(in crate::io) fn list_files(root: &Path) -> Vec<PathBuf> {
    walk(root, usize::MAX).files
}

/// Walks what git does not ignore. Ignore files above the root and of other tools say nothing about a repository, and asking
/// for them in every directory takes longer than reading it.
fn walker(root: &Path, odd: &OddDirectories) -> ignore::Walk {
    let noted = Arc::clone(odd);
    let mut builder = WalkBuilder::new(root);
    builder
        // The filter below tells hidden directories from hidden files, which are read.
        .hidden(false)
        .filter_entry(move |entry| entry.depth() == 0 || is_entered(entry, &noted))
        // What git ignores stays ignored in an export without a `.git`.
        .require_git(false)
        .parents(false)
        .ignore(false)
        .git_global(false)
        .git_exclude(false);
    builder.build()
}

/// Says why the ignore file of a directory is not read: git follows no link there, and anything but a file may have no end.
pub(super) fn find_odd_ignore(directory: &Path) -> Option<String> {
    let metadata = fs::symlink_metadata(directory.join(IGNORE_FILE)).ok()?;
    let kind = metadata.file_type();
    if kind.is_symlink() {
        Some(format!(
            "its {IGNORE_FILE} is a symbolic link, which git does not follow; replace it by a file"
        ))
    } else if let Some(kind) = other_kind(kind) {
        Some(format!(
            "its {IGNORE_FILE} is {kind}, not a file; remove it"
        ))
    } else {
        let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
        (size > MAX_BYTES).then(|| format!("its {IGNORE_FILE}: {}", too_large(size)))
    }
}

/// Tells whether a walk goes on with an entry; a directory whose ignore file is odd is noted instead.
fn is_entered(entry: &ignore::DirEntry, odd: &OddDirectories) -> bool {
    if is_passed_over(entry) {
        return false;
    }
    if !entry.file_type().is_some_and(|kind| kind.is_dir()) {
        return true;
    }
    let Some(reason) = find_odd_ignore(entry.path()) else {
        return true;
    };
    lock(odd).push(ClosedDirectory {
        path: entry.path().to_owned(),
        reason,
    });
    false
}

/// Hidden directories belong to tools. Hidden files, such as a chart's .helmignore, belong to their directory.
fn is_passed_over(entry: &ignore::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
    name.starts_with('.') && (is_directory || name == ".git")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_ends_at_its_limit() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..5 {
            fs::create_dir(directory.path().join(number.to_string())).unwrap();
        }
        // The directory itself is one.
        assert!(!walk(directory.path(), 6).is_cut);
        let cut = walk(directory.path(), 5);
        assert!(cut.is_cut && cut.directories.len() < 6);
    }
}

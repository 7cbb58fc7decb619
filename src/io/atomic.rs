//! Writes a file so that a reader sees the old or the new content, never half of one. It makes no backup.
#![expect(clippy::disallowed_methods, reason = "this is where files are written")]

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes the file through a temporary neighbour and a rename. What is there and is no regular file, as `/dev/stdout`, is
/// written to and never replaced.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => return std::fs::write(path, content),
        Ok(_) | Err(_) => {}
    }
    // A signal waits until the file is whole, so that no temporary neighbour stays behind.
    let _whole = super::ending::write();
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".csctl-matrix-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The permissions of any new file; the system takes away what the user's umask says.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    // Beside the target, as a rename does not cross file systems.
    let mut file = builder.tempfile_in(folder.unwrap_or_else(|| Path::new(".")))?;
    file.write_all(content)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Adds to the end of a file that others add to as well; makes it where it is missing.
pub(crate) fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Why a file was not replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplaceError {
    /// There is something that is not to be written over.
    #[error("{} exists", .0.display())]
    Exists(PathBuf),
    /// The file is not what it was when it was read.
    #[error("{} was changed in the meantime", .0.display())]
    Changed(PathBuf),
    /// The file is a symbolic link, which a new file would take the place of.
    #[error("{} is a symbolic link", .0.display())]
    SymbolicLink(PathBuf),
    /// The system refuses.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
}

/// Replaces a text file, whole or not at all, if it still is what it was; makes it, if it was not there.
pub(crate) fn replace_text(
    path: &Path,
    before: Option<&str>,
    after: &str,
) -> Result<(), ReplaceError> {
    let place = path.to_owned();
    match (std::fs::symlink_metadata(path), before) {
        (Ok(found), _) if found.is_symlink() => Err(ReplaceError::SymbolicLink(place)),
        (Ok(_), None) => Err(ReplaceError::Exists(place)),
        (Ok(found), Some(before)) if !is_still(path, &found, before) => {
            Err(ReplaceError::Changed(place))
        }
        (Err(_), Some(_)) => Err(ReplaceError::Changed(place)),
        (Ok(_), Some(_)) | (Err(_), None) => {
            write(path, after.as_bytes()).map_err(|source| ReplaceError::Write {
                path: place,
                source,
            })
        }
    }
}

fn is_still(path: &Path, found: &std::fs::Metadata, before: &str) -> bool {
    // Reading a pipe or a device may wait for ever.
    found.is_file() && std::fs::read(path).is_ok_and(|content| content == before.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_stay_devices() {
        write(Path::new("/dev/null"), b"gone").unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_what_was_read_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace_text(&path, None, "one").unwrap();
        replace_text(&path, Some("one"), "two").unwrap();
        let errors = [None, Some("one")].map(|before| replace_text(&path, before, "three"));
        assert!(matches!(&errors[0], Err(ReplaceError::Exists(_))));
        assert!(matches!(&errors[1], Err(ReplaceError::Changed(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        std::fs::remove_file(&path).unwrap();
        let gone = replace_text(&path, Some("two"), "three");
        assert!(matches!(gone, Err(ReplaceError::Changed(_))) && !path.exists());
    }
}

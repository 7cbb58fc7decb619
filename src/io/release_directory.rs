//! Writes release directories: whole or not at all. The files are staged beside the place, and a rename puts them there.
#![expect(clippy::disallowed_methods, reason = "this is where files are written")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::ending;
use super::files::{FlatDirectory, ReadError, read_flat_directory};
use crate::release::ReleaseFiles;

/// What is at the place of a release directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing.
    Absent,
    /// These very files, and nothing else.
    Same,
    /// Something else.
    Other,
}

/// A release directory that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub(crate) struct WriteError {
    path: PathBuf,
    source: io::Error,
}

impl WriteError {
    fn new(path: &Path, source: io::Error) -> Self {
        Self {
            path: path.to_owned(),
            source,
        }
    }
}

/// Tells what is at a place where a release is to be.
pub(crate) fn standing(place: &Path, files: &ReleaseFiles) -> Result<Standing, ReadError> {
    match fs::symlink_metadata(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Standing::Absent),
        Ok(found) if !found.is_dir() => return Ok(Standing::Other),
        Ok(_) | Err(_) => {}
    }
    let FlatDirectory {
        files: there,
        others,
    } = read_flat_directory(place)?;
    Ok(if others.is_empty() && there == *files {
        Standing::Same
    } else {
        Standing::Other
    })
}

/// Puts a release where nothing is.
pub(crate) fn put(place: &Path, files: &ReleaseFiles) -> Result<(), WriteError> {
    let stage = Stage::write(place, files)?;
    let moved = fs::rename(stage.directory.path().join(FILES), place);
    stage.finish(place, moved)
}

/// Puts a release in the place of what is there.
pub(crate) fn replace(place: &Path, files: &ReleaseFiles) -> Result<(), WriteError> {
    let stage = Stage::write(place, files)?;
    let aside = stage.directory.path().join(REPLACED);
    let moved = fs::rename(place, &aside).and_then(|()| {
        fs::rename(stage.directory.path().join(FILES), place).inspect_err(|_| {
            // What was there comes back, as nothing took its place.
            let _ = fs::rename(&aside, place);
        })
    });
    stage.finish(place, moved)
}

/// Makes sure that a file can be put at a place of a directory, and leaves nothing there.
pub(crate) fn check_writable(file: &Path) -> io::Result<()> {
    if file.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let _whole = ending::write();
    let above = file.parent().unwrap_or_else(|| Path::new("."));
    tempfile::Builder::new()
        .prefix(".csctl-matrix-")
        .tempfile_in(above)
        .map(drop)
}

/// The names in a staging directory.
const FILES: &str = "release";
const REPLACED: &str = "replaced";

/// A directory beside the place, which goes away with everything in it.
struct Stage {
    directory: tempfile::TempDir,
    /// The directory above, where it was made for this.
    made: Option<PathBuf>,
    /// A signal waits until the release is in its place, or nothing of it is left.
    _whole: ending::Writing,
}

impl Stage {
    fn write(place: &Path, files: &ReleaseFiles) -> Result<Self, WriteError> {
        let whole = ending::write();
        let above = place.parent().filter(|above| !above.as_os_str().is_empty());
        let above = above.unwrap_or_else(|| Path::new("."));
        let made = (!above.exists()).then(|| above.to_owned());
        let staged = fs::create_dir_all(above).and_then(|()| {
            tempfile::Builder::new()
                .prefix(".csctl-matrix-")
                .tempdir_in(above)
        });
        let stage = match staged {
            Ok(directory) => Self {
                directory,
                made,
                _whole: whole,
            },
            Err(source) => {
                remove_made(made.as_deref());
                return Err(WriteError::new(place, source));
            }
        };
        let target = stage.directory.path().join(FILES);
        match write_all(&target, files) {
            Ok(()) => Ok(stage),
            Err(source) => {
                let made = stage.made.clone();
                drop(stage);
                remove_made(made.as_deref());
                Err(WriteError::new(place, source))
            }
        }
    }

    fn finish(self, place: &Path, moved: io::Result<()>) -> Result<(), WriteError> {
        let made = self.made.clone();
        drop(self);
        moved.map_err(|source| {
            remove_made(made.as_deref());
            WriteError::new(place, source)
        })
    }
}

fn write_all(target: &Path, files: &ReleaseFiles) -> io::Result<()> {
    fs::create_dir(target)?;
    for (name, content) in files {
        fs::write(target.join(name), content)?;
    }
    Ok(())
}

/// Removes a directory that was made for a release that is not there, if nobody put anything into it.
fn remove_made(made: Option<&Path>) {
    if let Some(made) = made {
        let _ = fs::remove_dir(made);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> ReleaseFiles {
        [("a".to_owned(), text.into()), ("b".to_owned(), Vec::new())].into()
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_release_is_put_and_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("above/release-v1");
        let (one, two) = (files("one"), files("two"));
        assert_eq!(standing(&place, &one).unwrap(), Standing::Absent);
        put(&place, &one).unwrap();
        assert_eq!(standing(&place, &one).unwrap(), Standing::Same);
        assert_eq!(standing(&place, &two).unwrap(), Standing::Other);
        fs::write(place.join("left"), "from another build").unwrap();
        assert_eq!(standing(&place, &one).unwrap(), Standing::Other);
        replace(&place, &two).unwrap();
        assert_eq!(names(&place), ["a", "b"]);
        assert_eq!(fs::read(place.join("a")).unwrap(), b"two");
        assert_eq!(names(place.parent().unwrap()), ["release-v1"]);
    }

    #[test]
    fn what_fails_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("above/release-v1");
        // A name that no file system takes fails in the midst of writing.
        let bad: ReleaseFiles =
            [("a".to_owned(), Vec::new()), ("x".repeat(300), Vec::new())].into();
        assert!(put(&place, &bad).is_err());
        assert_eq!(names(folder.path()), Vec::<String>::new());
        put(&place, &files("one")).unwrap();
        assert!(replace(&place, &bad).is_err());
        assert_eq!(standing(&place, &files("one")).unwrap(), Standing::Same);
        assert_eq!(names(place.parent().unwrap()), ["release-v1"]);
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(put(&folder.path().join("file/release-v1"), &files("one")).is_err());
    }
}

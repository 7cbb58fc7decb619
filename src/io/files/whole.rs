//! Reads whole directories as bytes, as csctl sees them: every file, ignored and hidden ones too. A link counts as the file that it leads
//! to, as long as that is one of the repository.
#![expect(clippy::disallowed_types, reason = "this is where files are read")]

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::ReadError;
use super::read::{find_astray, other_kind};
use crate::release::{ReleaseFiles, StackFiles};

/// The most bytes that a source tree or a release may have. The largest public ones have two megabytes.
const MAX_TOTAL: u64 = 256 << 20;

/// What a directory of files has.
#[derive(Debug, Default)]
pub(crate) struct FlatDirectory {
    /// Its regular files.
    pub(crate) files: ReleaseFiles,
    /// Everything else, each with what it is.
    pub(crate) others: Vec<(String, &'static str)>,
}

/// Reads all files below a directory of a repository, by their paths in it. Git's own directory is left out.
pub(crate) fn read_source_tree(root: &Path, directory: &str) -> Result<StackFiles, ReadError> {
    let mut budget = MAX_TOTAL;
    let mut files = StackFiles::new();
    let base = root.join(directory);
    let mut open = vec![String::new()];
    while let Some(prefix) = open.pop() {
        let folder = base.join(&prefix);
        for name in names(&folder)? {
            let place = format!("{prefix}{name}");
            let path = base.join(&place);
            let kind =
                fs::symlink_metadata(&path).map_err(|source| ReadError::new(&path, source))?;
            if kind.is_dir() {
                if name != ".git" {
                    open.push(place + "/");
                }
            // In a worktree or a submodule `.git` is a file.
            } else if place != ".git" {
                if kind.is_symlink() {
                    check_link(root, directory, &place)
                        .map_err(|reason| ReadError::new(&path, io::Error::other(reason)))?;
                }
                let content = read_bytes(&path, &mut budget)?;
                files.insert(place, content);
            }
        }
    }
    Ok(files)
}

/// Reads the files that lie in a directory itself.
pub(crate) fn read_flat_directory(directory: &Path) -> Result<FlatDirectory, ReadError> {
    let mut budget = MAX_TOTAL;
    let mut found = FlatDirectory::default();
    for name in names(directory)? {
        let path = directory.join(&name);
        let kind = fs::symlink_metadata(&path).map_err(|source| ReadError::new(&path, source))?;
        if kind.is_symlink() {
            found.others.push((name, "a symbolic link"));
        } else if let Some(other) = other_kind(kind.file_type()) {
            found.others.push((name, other));
        } else {
            let content = read_bytes(&path, &mut budget)?;
            found.files.insert(name, content);
        }
    }
    Ok(found)
}

fn names(folder: &Path) -> Result<Vec<String>, ReadError> {
    let entries = fs::read_dir(folder).map_err(|source| ReadError::new(folder, source))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| ReadError::new(folder, source))?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            // Hashes and archives are made of names too.
            return Err(ReadError::new(
                &entry.path(),
                io::Error::other(super::NO_TEXT_NAME),
            ));
        };
        names.push(name);
    }
    names.sort();
    Ok(names)
}

/// Checks where a link leads. The tree may be anybody's, and a release would publish what it leads to.
fn check_link(root: &Path, directory: &str, place: &str) -> Result<(), &'static str> {
    let path = Path::new(directory).join(place);
    if root.join(&path).canonicalize().is_err() {
        return Err("the symbolic link leads nowhere");
    }
    match find_astray(root, &path.to_string_lossy()) {
        None => Ok(()),
        Some(_) => {
            Err("the symbolic link leads out of the repository, or into git's own directory")
        }
    }
}

fn read_bytes(path: &Path, budget: &mut u64) -> Result<Vec<u8>, ReadError> {
    let fault = |source| ReadError::new(path, source);
    let metadata = fs::metadata(path).map_err(fault)?;
    if let Some(kind) = other_kind(metadata.file_type()) {
        return Err(fault(io::Error::other(format!("it is {kind}, not a file"))));
    }
    // Growing would hold a large file twice.
    let size = metadata.len().min(*budget);
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    let file = File::open(path).map_err(fault)?;
    file.take(*budget + 1)
        .read_to_end(&mut content)
        .map_err(fault)?;
    let Some(left) = budget.checked_sub(content.len() as u64) else {
        let reason = "with it the directory has more than the 256 MB that are read";
        return Err(fault(io::Error::other(reason)));
    };
    *budget = left;
    Ok(content)
}

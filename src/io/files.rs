//! Files of a working directory: finds a repository's root and reads its files. It writes nothing; `io::update` does. What is of
//! interest and cannot be read is named with its reason; what is no file is never opened.

mod read;
mod walk;
mod whole;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use read::{find_astray, read_any};
use walk::{find_odd_ignore, walk};

use crate::stack::{ConfiguredReferences, Content, Tree, is_directory_of_interest, is_of_interest};

pub(crate) use read::{MAX_BYTES, ReadError, read_text, read_within};
pub(super) use read::{content_of, other_kind, too_large};
pub(super) use walk::list_files;
pub(crate) use whole::{FlatDirectory, read_flat_directory, read_source_tree};

/// The most entries of a directory tree that are looked at: the largest public repositories have half as many.
const MAX_ENTRIES: usize = 1_000_000;

pub(super) const NO_TEXT_NAME: &str = "its name is not UTF-8 text";
pub(super) const IS_DIRECTORY: &str = "it is a directory, not a file";

/// Finds the root of the repository that a directory belongs to: the nearest directory upwards with a csctl-matrix.yaml, a
/// `providers` directory or a `.git`, or that is a bare git repository; without any, the directory itself.
pub(crate) fn find_root(directory: &Path) -> Result<PathBuf, ReadError> {
    let start = directory
        .canonicalize()
        .map_err(|source| ReadError::new(directory, source))?;
    if !start.is_dir() {
        return Err(ReadError::new(directory, ErrorKind::NotADirectory.into()));
    }
    let mut candidates = start.ancestors();
    Ok(candidates
        .find(|candidate| is_root(candidate))
        .unwrap_or(&start)
        .to_owned())
}

fn is_root(directory: &Path) -> bool {
    directory.join(crate::config::CONFIG_FILE).is_file()
        || directory.join("providers").is_dir()
        || directory.join(".git").exists()
        || is_bare_repository(directory)
}

fn is_bare_repository(directory: &Path) -> bool {
    // A `.git` has the same parts, and what belongs to it is the directory around it.
    let is_inside = directory.file_name().is_some_and(|name| name == ".git");
    !is_inside
        && directory.join("HEAD").is_file()
        && directory.join("objects").is_dir()
        && directory.join("refs").is_dir()
}

/// Reads the files of a repository that can matter; ignored ones and those in hidden directories are left out.
pub(crate) fn load_tree(root: &Path) -> Result<Tree, ReadError> {
    if let Some(reason) = find_odd_ignore(root) {
        return Err(ReadError::new(root, io::Error::other(reason)));
    }
    let walked = walk(root, MAX_ENTRIES);
    if walked.is_cut {
        let reason = format!(
            "there are more than {MAX_ENTRIES} files and directories below it; name the repository's own directory"
        );
        return Err(ReadError::new(root, io::Error::other(reason)));
    }
    let files: Vec<FilePlace> = walked
        .files
        .iter()
        .chain(&walked.others)
        .map(|path| FilePlace::of(path))
        .collect();
    let contents = crate::parallel::map(&files, 64, |place| read(root, place));
    let mut tree = Tree::default();
    for (place, content) in files.into_iter().zip(contents) {
        tree.insert(place.shown, content);
    }
    for path in &walked.directories {
        let shown = FilePlace::of(path).shown;
        if is_of_interest(&shown) {
            tree.insert(shown, Content::Unreadable(IS_DIRECTORY.to_owned()));
        }
    }
    for closed in walked.closed {
        let shown = FilePlace::of(&closed.path).shown;
        if is_directory_of_interest(&shown) {
            tree.insert_closed(shown, closed.reason);
        }
    }
    Ok(tree)
}

/// Reads one file of a repository; nothing where there is none.
pub(crate) fn load_file(root: &Path, path: &str) -> Option<Content> {
    fs::symlink_metadata(root.join(path)).ok()?;
    Some(read_any(root, path))
}

/// The place of a file below the root.
struct FilePlace {
    /// As it is told, with slashes; what is no text in it is replaced.
    shown: String,
    is_text: bool,
}

impl FilePlace {
    fn of(path: &Path) -> Self {
        Self {
            shown: path
                .to_string_lossy()
                .replace(std::path::MAIN_SEPARATOR, "/"),
            is_text: path.to_str().is_some(),
        }
    }
}

/// One directory of a stack, with the files beside it.
pub(crate) struct LoneStack {
    pub(crate) tree: Tree,
    /// The directory's name, which begins the paths in it.
    pub(crate) name: String,
}

/// Reads one directory of a stack with the files beside it.
pub(crate) fn load_stack(directory: &Path) -> Result<LoneStack, ReadError> {
    let full = directory
        .canonicalize()
        .map_err(|source| ReadError::new(directory, source))?;
    let name = full
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut tree = Tree::default();
    for (path, content) in load_tree(&full)?.files() {
        tree.insert(format!("{name}/{path}"), content.clone());
    }
    let above = full.parent().unwrap_or(&full);
    add_files_of(above, &mut tree).map_err(|source| ReadError::new(directory, source))?;
    Ok(LoneStack { tree, name })
}

/// Adds the files that lie in a directory itself.
fn add_files_of(directory: &Path, tree: &mut Tree) -> io::Result<()> {
    for found in fs::read_dir(directory)? {
        let entry = found?;
        let place = FilePlace::of(Path::new(&entry.file_name()));
        // A directory with the name of a file that matters is named as a fault.
        if !entry.file_type()?.is_dir() || is_of_interest(&place.shown) {
            let content = read(directory, &place);
            tree.insert(place.shown, content);
        }
    }
    Ok(())
}

/// Returns the files that references of the configuration name and that were not read: those of a tree, and those that it does
/// not list, as in a hidden directory.
pub(super) fn unread_paths(tree: &Tree, references: &ConfiguredReferences) -> Vec<String> {
    let unread = tree
        .files()
        .filter(|(path, content)| **content == Content::Unread && references.takes(path))
        .map(|(path, _)| path);
    let unlisted = references
        .plain_paths()
        .filter(|path| tree.find(path).is_none());
    unread.chain(unlisted).map(str::to_owned).collect()
}

/// Reads the files of configured references too. One that is named in full is read even in a hidden directory.
pub(crate) fn load_more(root: &Path, tree: &mut Tree, references: &ConfiguredReferences) {
    for path in unread_paths(tree, references) {
        if tree.find(&path).is_none() && !root.join(&path).is_file() {
            continue;
        }
        // What is no text in a name was replaced, and there is no file of that name.
        let is_text = !path.contains(char::REPLACEMENT_CHARACTER) || root.join(&path).exists();
        let astray = find_astray(root, &path);
        let content = if let Some(reason) = astray {
            Content::Unreadable(reason.to_owned())
        } else if is_text {
            read_any(root, &path)
        } else {
            Content::Unreadable(NO_TEXT_NAME.to_owned())
        };
        tree.insert(path, content);
    }
}

fn read(root: &Path, place: &FilePlace) -> Content {
    match place {
        FilePlace { shown, .. } if !is_of_interest(shown) => Content::Unread,
        FilePlace { is_text: false, .. } => Content::Unreadable(NO_TEXT_NAME.to_owned()),
        FilePlace { shown, .. } => read_any(root, shown),
    }
}

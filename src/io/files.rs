//! Files of a working directory: finds a repository's root and reads its files. It writes nothing; `io::update` does.
#![expect(clippy::disallowed_methods, reason = "this is where files are read")]

use std::fs;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::stack::{ConfiguredSites, Content, Tree, is_of_interest};

/// Files over this size are not read: the largest file that states facts in a public repository has 20 kB.
pub(super) const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A file or directory that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", path.display())]
pub struct ReadError {
    path: PathBuf,
    source: std::io::Error,
}

/// Finds the root of the repository that a directory belongs to: the nearest directory upwards with a csctl-matrix.yaml, a
/// `providers` directory or a `.git`; without any, the directory itself.
pub fn find_root(directory: &Path) -> Result<PathBuf, ReadError> {
    let start = directory.canonicalize().map_err(|source| ReadError {
        path: directory.to_owned(),
        source,
    })?;
    if !start.is_dir() {
        let source = std::io::Error::from(std::io::ErrorKind::NotADirectory);
        return Err(ReadError {
            path: directory.to_owned(),
            source,
        });
    }
    let is_root = |candidate: &&Path| {
        candidate.join(crate::config::CONFIG_FILE).is_file()
            || candidate.join("providers").is_dir()
            || candidate.join(".git").exists()
    };
    Ok(start.ancestors().find(is_root).unwrap_or(&start).to_owned())
}

/// Reads the files of a repository that can matter; ignored ones and those in hidden directories are left out.
pub fn load_tree(root: &Path) -> Result<Tree, ReadError> {
    let paths: Vec<String> = list_files(root)
        .iter()
        .filter_map(|path| Some(path.to_str()?.replace(std::path::MAIN_SEPARATOR, "/")))
        .collect();
    let contents = crate::parallel::map(&paths, 64, |path| read(root, path));
    let mut tree = Tree::default();
    for (path, content) in paths.into_iter().zip(contents) {
        tree.insert(path, content);
    }
    Ok(tree)
}

/// Lists the files below a directory, relative to it; ignored ones and those in hidden directories are left out.
pub(super) fn list_files(root: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for entry in walker(root) {
        let Ok(entry) = entry else { continue };
        let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
        if let (false, Ok(relative)) = (is_directory, entry.path().strip_prefix(root)) {
            paths.push(relative.to_owned());
        }
    }
    paths
}

/// Reads one directory of a stack with the files beside it, and returns the directory's name, which begins the paths in it.
pub fn load_stack(directory: &Path) -> Result<(Tree, String), ReadError> {
    let fail = |source| ReadError {
        path: directory.to_owned(),
        source,
    };
    let directory = directory.canonicalize().map_err(fail)?;
    let name = directory
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut tree = Tree::default();
    for (path, content) in load_tree(&directory)?.files() {
        tree.insert(format!("{name}/{path}"), content.clone());
    }
    let above = directory.parent().unwrap_or(&directory);
    for entry in fs::read_dir(above).map_err(fail)?.filter_map(Result::ok) {
        if let (true, Ok(beside)) = (entry.path().is_file(), entry.file_name().into_string()) {
            let content = read(above, &beside);
            tree.insert(beside, content);
        }
    }
    Ok((tree, name))
}

/// Walks what git does not ignore. Ignore files above the root and of other tools say nothing about a repository, and asking
/// for them in every directory takes longer than reading it.
fn walker(root: &Path) -> ignore::Walk {
    let mut builder = WalkBuilder::new(root);
    builder
        .hidden(false)
        .filter_entry(|entry| entry.depth() == 0 || !is_passed_over(entry))
        .require_git(false)
        .parents(false)
        .ignore(false)
        .git_global(false)
        .git_exclude(false);
    builder.build()
}

/// Hidden directories belong to tools. Hidden files, such as a chart's .helmignore, belong to their directory.
fn is_passed_over(entry: &ignore::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
    name.starts_with('.') && (is_directory || name == ".git")
}

/// Reads the files of configured sites too. One that is named in full is read even in a hidden directory.
pub fn load_more(root: &Path, tree: &mut Tree, sites: &ConfiguredSites) {
    let unread = tree
        .files()
        .filter(|(_, content)| **content == Content::Unread);
    let unread = unread
        .map(|(path, _)| path)
        .filter(|path| sites.takes(path));
    let mut paths: Vec<String> = unread.map(str::to_owned).collect();
    let hidden = sites.plain_paths().filter(|path| tree.find(path).is_none());
    let hidden = hidden.filter(|path| root.join(path).is_file());
    paths.extend(hidden.map(str::to_owned));
    for path in paths {
        let content = read_any(root, &path);
        tree.insert(path, content);
    }
}

fn read(root: &Path, path: &str) -> Content {
    if is_of_interest(path) {
        read_any(root, path)
    } else {
        Content::Unread
    }
}

fn read_any(root: &Path, path: &str) -> Content {
    let full = root.join(path);
    let Ok(mut metadata) = fs::symlink_metadata(&full) else {
        return Content::Unreadable("the file cannot be looked at".to_owned());
    };
    if metadata.is_symlink() {
        match full.canonicalize() {
            Ok(target) if target.starts_with(root) => {}
            Ok(_) => {
                return Content::Unreadable(
                    "the symbolic link leads out of the repository".to_owned(),
                );
            }
            Err(_) => return Content::Unreadable("the symbolic link leads nowhere".to_owned()),
        }
        metadata = fs::metadata(&full).unwrap_or(metadata);
    }
    let size = metadata.len();
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size > MAX_BYTES {
        return Content::Unreadable(too_large(size));
    }
    match fs::read(&full).map(String::from_utf8) {
        Ok(Ok(text)) => Content::Text(text.into()),
        Ok(Err(_)) => Content::Unreadable("the file is not UTF-8 text".to_owned()),
        Err(error) => Content::Unreadable(format!("the file cannot be read: {error}")),
    }
}

pub(super) fn too_large(size: usize) -> String {
    let megabytes = size / 1_000_000;
    format!("the file has {megabytes} MB, more than the 8 MB that are read")
}

/// Reads a text file that a user named.
pub fn read_text(path: &Path) -> Result<String, ReadError> {
    fs::read_to_string(path).map_err(|source| ReadError {
        path: path.to_owned(),
        source,
    })
}

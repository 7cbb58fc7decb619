//! Files of a working directory: finds a repository's root and reads its files. It writes nothing; `io::update` does. What is of
//! interest and cannot be read is named with its reason; what is no file is never opened.
#![expect(clippy::disallowed_types, reason = "this is where files are read")]

use std::fs::{self, File, FileType};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::WalkBuilder;

use crate::stack::{
    ConfiguredReferences, Content, Tree, is_directory_of_interest, is_of_git, is_of_interest,
};

/// Files over this size are not read: the largest file that states facts in a public repository has 20 kB.
pub(crate) const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The most entries of a directory tree that are looked at: the largest public repositories have half as many.
const MAX_ENTRIES: usize = 1_000_000;

/// What names files that git does not keep.
const IGNORE_FILE: &str = ".gitignore";

/// What the pointer of Git LFS begins with, which stands in the place of a file's content.
const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/";

pub(super) const NO_TEXT_NAME: &str = "its name is not UTF-8 text";
pub(super) const IS_DIRECTORY: &str = "it is a directory, not a file";

/// A file or directory that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", path.display())]
pub struct ReadError {
    path: PathBuf,
    source: io::Error,
}

/// Finds the root of the repository that a directory belongs to: the nearest directory upwards with a csctl-matrix.yaml, a
/// `providers` directory or a `.git`, or that is a bare git repository; without any, the directory itself.
pub fn find_root(directory: &Path) -> Result<PathBuf, ReadError> {
    let start = directory.canonicalize().map_err(|source| ReadError {
        path: directory.to_owned(),
        source,
    })?;
    if !start.is_dir() {
        let source = io::Error::from(ErrorKind::NotADirectory);
        return Err(ReadError {
            path: directory.to_owned(),
            source,
        });
    }
    let is_root = |candidate: &&Path| {
        candidate.join(crate::config::CONFIG_FILE).is_file()
            || candidate.join("providers").is_dir()
            || candidate.join(".git").exists()
            || is_bare_repository(candidate)
    };
    Ok(start.ancestors().find(is_root).unwrap_or(&start).to_owned())
}

fn is_bare_repository(directory: &Path) -> bool {
    let is_inside = directory.file_name().is_some_and(|name| name == ".git");
    !is_inside
        && directory.join("HEAD").is_file()
        && directory.join("objects").is_dir()
        && directory.join("refs").is_dir()
}

/// Reads the files of a repository that can matter; ignored ones and those in hidden directories are left out.
pub fn load_tree(root: &Path) -> Result<Tree, ReadError> {
    if let Some(reason) = find_odd_ignore(root) {
        return Err(ReadError {
            path: root.to_owned(),
            source: io::Error::other(reason),
        });
    }
    let walked = walk(root, MAX_ENTRIES);
    if walked.is_cut {
        let reason = format!(
            "there are more than {MAX_ENTRIES} files and directories below it; name the repository's own directory"
        );
        return Err(ReadError {
            path: root.to_owned(),
            source: io::Error::other(reason),
        });
    }
    let files = walked.files.iter().chain(&walked.others);
    let files: Vec<Place> = files.map(|path| Place::of(path)).collect();
    let contents = crate::parallel::map(&files, 64, |place| read(root, place));
    let mut tree = Tree::default();
    for (place, content) in files.into_iter().zip(contents) {
        tree.insert(place.shown, content);
    }
    for path in &walked.directories {
        let shown = Place::of(path).shown;
        if is_of_interest(&shown) {
            tree.insert(shown, Content::Unreadable(IS_DIRECTORY.to_owned()));
        }
    }
    for (path, reason) in walked.closed {
        let shown = Place::of(&path).shown;
        if is_directory_of_interest(&shown) {
            tree.insert_closed(shown, reason);
        }
    }
    Ok(tree)
}

/// Reads one file of a repository; nothing where there is none.
pub fn load_file(root: &Path, path: &str) -> Option<Content> {
    fs::symlink_metadata(root.join(path)).ok()?;
    Some(read_any(root, path))
}

/// The place of a file below the root.
struct Place {
    /// As it is told, with slashes; what is no text in it is replaced.
    shown: String,
    is_text: bool,
}

impl Place {
    fn of(path: &Path) -> Self {
        Self {
            shown: path
                .to_string_lossy()
                .replace(std::path::MAIN_SEPARATOR, "/"),
            is_text: path.to_str().is_some(),
        }
    }
}

/// What is below a directory, relative to it.
#[derive(Default)]
struct Walked {
    /// Files and symbolic links.
    files: Vec<PathBuf>,
    /// What is neither a file nor a link nor a directory.
    others: Vec<PathBuf>,
    directories: Vec<PathBuf>,
    /// Directories that cannot be looked into, with the reason.
    closed: Vec<(PathBuf, String)>,
    /// There are more entries than were asked for.
    is_cut: bool,
}

/// Looks through a directory as far as so many entries; what git ignores and hidden directories are left out.
fn walk(root: &Path, most: usize) -> Walked {
    let mut walked = Walked::default();
    if let Some(reason) = find_odd_ignore(root) {
        walked.closed.push((PathBuf::new(), reason));
        return walked;
    }
    let odd = OddDirectories::default();
    for (index, entry) in walker(root, &odd).enumerate() {
        if index >= most {
            walked.is_cut = true;
            break;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                walked.closed.extend(closed_directory(root, &error));
                continue;
            }
        };
        let (Some(kind), Ok(path)) = (entry.file_type(), entry.path().strip_prefix(root)) else {
            continue;
        };
        let list = if kind.is_dir() {
            &mut walked.directories
        } else if kind.is_file() || kind.is_symlink() {
            &mut walked.files
        } else {
            &mut walked.others
        };
        list.push(path.to_owned());
    }
    let mut odd = odd.lock().unwrap_or_else(PoisonError::into_inner);
    for (directory, reason) in odd.drain(..) {
        let below = directory.strip_prefix(root).unwrap_or(&directory);
        walked.closed.push((below.to_owned(), reason));
    }
    walked
}

/// Directories that a walk does not enter, with the reason.
type OddDirectories = Arc<Mutex<Vec<(PathBuf, String)>>>;

/// Returns the directory that an error is about, and what is wrong with it. One that was removed in the meantime is gone, as
/// if it had been removed before.
fn closed_directory(root: &Path, error: &ignore::Error) -> Option<(PathBuf, String)> {
    let cause = error.io_error();
    if cause.is_some_and(|cause| cause.kind() == ErrorKind::NotFound) {
        return None;
    }
    let path = path_of(error)?.strip_prefix(root).ok()?;
    let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
    let reason = format!("the directory cannot be read: {cause}");
    Some((path.to_owned(), reason))
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
pub(super) fn list_files(root: &Path) -> Vec<PathBuf> {
    walk(root, usize::MAX).files
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
    for entry in fs::read_dir(above).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let beside = Place::of(Path::new(&entry.file_name()));
        let is_directory = entry.file_type().map_err(fail)?.is_dir();
        if !is_directory || is_of_interest(&beside.shown) {
            let content = read(above, &beside);
            tree.insert(beside.shown, content);
        }
    }
    Ok((tree, name))
}

/// Walks what git does not ignore. Ignore files above the root and of other tools say nothing about a repository, and asking
/// for them in every directory takes longer than reading it.
fn walker(root: &Path, odd: &OddDirectories) -> ignore::Walk {
    let odd = Arc::clone(odd);
    let mut builder = WalkBuilder::new(root);
    builder
        .hidden(false)
        .filter_entry(move |entry| entry.depth() == 0 || is_entered(entry, &odd))
        .require_git(false)
        .parents(false)
        .ignore(false)
        .git_global(false)
        .git_exclude(false);
    builder.build()
}

/// Says why the ignore file of a directory is not read: git follows no link there, and anything but a file may have no end.
fn find_odd_ignore(directory: &Path) -> Option<String> {
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
    let mut odd = odd.lock().unwrap_or_else(PoisonError::into_inner);
    odd.push((entry.path().to_owned(), reason));
    false
}

/// Hidden directories belong to tools. Hidden files, such as a chart's .helmignore, belong to their directory.
fn is_passed_over(entry: &ignore::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
    name.starts_with('.') && (is_directory || name == ".git")
}

/// Reads the files of configured references too. One that is named in full is read even in a hidden directory.
pub fn load_more(root: &Path, tree: &mut Tree, references: &ConfiguredReferences) {
    let unread = tree
        .files()
        .filter(|(_, content)| **content == Content::Unread);
    let unread = unread
        .map(|(path, _)| path)
        .filter(|path| references.takes(path));
    let mut paths: Vec<String> = unread.map(str::to_owned).collect();
    let hidden = references
        .plain_paths()
        .filter(|path| tree.find(path).is_none());
    let hidden = hidden.filter(|path| root.join(path).is_file());
    paths.extend(hidden.map(str::to_owned));
    for path in paths {
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

fn read(root: &Path, place: &Place) -> Content {
    match place {
        Place { shown, .. } if !is_of_interest(shown) => Content::Unread,
        Place { is_text: false, .. } => Content::Unreadable(NO_TEXT_NAME.to_owned()),
        Place { shown, .. } => read_any(root, shown),
    }
}

fn read_any(root: &Path, path: &str) -> Content {
    match read_bytes(root, &root.join(path)) {
        Ok(bytes) => content_of(bytes),
        Err(reason) => Content::Unreadable(reason),
    }
}

/// Reads a file of the repository; the error says why that cannot be.
fn read_bytes(root: &Path, full: &Path) -> Result<Vec<u8>, String> {
    let mut metadata = fs::symlink_metadata(full).map_err(read_fault)?;
    if metadata.is_symlink() {
        let target = full.canonicalize().map_err(|error| match error.kind() {
            ErrorKind::NotFound => "the symbolic link leads nowhere".to_owned(),
            _ => format!("the symbolic link leads nowhere: {error}"),
        })?;
        if !target.starts_with(root) {
            return Err("the symbolic link leads out of the repository".to_owned());
        }
        if leads_into_git(root, &target) {
            return Err("the symbolic link leads into git's own directory".to_owned());
        }
        metadata = fs::metadata(full).map_err(read_fault)?;
    }
    if let Some(kind) = other_kind(metadata.file_type()) {
        return Err(format!("it is {kind}, not a file"));
    }
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > MAX_BYTES {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(size);
    // Some files are longer than they say.
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX) + 1;
    let file = File::open(full).map_err(read_fault)?;
    let read = file.take(limit).read_to_end(&mut bytes);
    read.map_err(read_fault)?;
    if bytes.len() > MAX_BYTES {
        return Err(too_large(bytes.len()));
    }
    Ok(bytes)
}

/// Says where a path leads that does not stay among the files of the repository: any directory on its way may be a link.
fn find_astray(root: &Path, path: &str) -> Option<&'static str> {
    let target = root.join(path).canonicalize().ok()?;
    let real_root = root.canonicalize().ok()?;
    if !target.starts_with(&real_root) {
        Some("a symbolic link on its way leads out of the repository")
    } else if leads_into_git(&real_root, &target) {
        Some("it is in git's own directory")
    } else {
        None
    }
}

fn leads_into_git(root: &Path, target: &Path) -> bool {
    let below = target.strip_prefix(root).unwrap_or(target);
    let mut parts = below.components();
    parts.any(|part| is_of_git(&part.as_os_str().to_string_lossy()))
}

/// Says why a file that was there a moment ago cannot be read.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it takes errors as they are mapped"
)]
fn read_fault(error: io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "the file vanished while it was read; run it again".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    }
}

/// Says what something is that is no file. To open it may block for ever, or do something.
pub(super) fn other_kind(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a directory");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return Some("a FIFO");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
        if kind.is_block_device() || kind.is_char_device() {
            return Some("a device");
        }
    }
    Some("something else")
}

/// Returns what the bytes of a file say.
pub(super) fn content_of(bytes: Vec<u8>) -> Content {
    match String::from_utf8(bytes) {
        Ok(text) if text.starts_with(LFS_POINTER) => Content::Unreadable(
            "it is a pointer of Git LFS, and its content is elsewhere: git lfs pull".to_owned(),
        ),
        Ok(text) => Content::Text(text.into()),
        Err(_) => Content::Unreadable("the file is not UTF-8 text".to_owned()),
    }
}

pub(super) fn too_large(size: usize) -> String {
    let megabytes = size / 1_000_000;
    format!("the file has {megabytes} MB, more than the 8 MB that are read")
}

/// Reads a text file that a user named.
pub fn read_text(path: &Path) -> Result<String, ReadError> {
    read_own_text(path).map_err(|source| ReadError {
        path: path.to_owned(),
        source,
    })
}

fn read_own_text(path: &Path) -> io::Result<String> {
    match other_kind(fs::metadata(path)?.file_type()) {
        Some(kind) => Err(io::Error::other(format!("it is {kind}, not a file"))),
        None => read_within(path, MAX_BYTES),
    }
}

/// Reads a text as far as a limit, whatever it comes from: a device has no end, and some files are longer than they say.
pub(crate) fn read_within(path: &Path, limit: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        let reason =
            format!("it is longer than the {limit} bytes that are read; is it the right file?");
        return Err(io::Error::other(reason));
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
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

    #[test]
    fn what_has_no_end_is_read_to_a_limit() {
        let error = read_within(Path::new("/dev/zero"), 1000).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is longer than the 1000 bytes that are read; is it the right file?"
        );
        assert_eq!(read_within(Path::new("/dev/null"), 0).unwrap(), "");
    }
}

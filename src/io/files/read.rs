//! Reads single files, as far as a limit. What is no file is never opened, and a link is followed within the repository alone.
#![expect(clippy::disallowed_types, reason = "this is where files are read")]

use std::fs::{self, File, FileType};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::stack::{Content, is_of_git};

/// Files over this size are not read: the largest file that states facts in a public repository has 20 kB.
pub(crate) const MAX_BYTES: usize = 8 * 1024 * 1024;

/// What the pointer of Git LFS begins with, which stands in the place of a file's content.
const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/";

/// A file or directory that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", path.display())]
pub(crate) struct ReadError {
    path: PathBuf,
    source: io::Error,
}

impl ReadError {
    pub(super) fn new(path: &Path, source: io::Error) -> Self {
        Self {
            path: path.to_owned(),
            source,
        }
    }
}

pub(super) fn read_any(root: &Path, path: &str) -> Content {
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
        // The tree may be anybody's, and a link in it may lead to any file of the user.
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
pub(super) fn find_astray(root: &Path, path: &str) -> Option<&'static str> {
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
pub(in crate::io) fn other_kind(kind: FileType) -> Option<&'static str> {
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
pub(in crate::io) fn content_of(bytes: Vec<u8>) -> Content {
    match String::from_utf8(bytes) {
        Ok(text) if text.starts_with(LFS_POINTER) => Content::Unreadable(
            "it is a pointer of Git LFS, and its content is elsewhere: git lfs pull".to_owned(),
        ),
        Ok(text) => Content::Text(text.into()),
        Err(_) => Content::Unreadable("the file is not UTF-8 text".to_owned()),
    }
}

pub(in crate::io) fn too_large(size: usize) -> String {
    let megabytes = size / 1_000_000;
    format!("the file has {megabytes} MB, more than the 8 MB that are read")
}

/// Reads a text file that a user named.
pub(crate) fn read_text(path: &Path) -> Result<String, ReadError> {
    read_own_text(path).map_err(|source| ReadError::new(path, source))
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
    fn what_has_no_end_is_read_to_a_limit() {
        let error = read_within(Path::new("/dev/zero"), 1000).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is longer than the 1000 bytes that are read; is it the right file?"
        );
        assert_eq!(read_within(Path::new("/dev/null"), 0).unwrap(), "");
    }
}

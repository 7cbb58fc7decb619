//! Checksums of all files of a source tree, as csctl sees them: ignored and hidden ones too, whatever they hold. It compares
//! nothing; `release_digest` does.
#![expect(
    clippy::disallowed_types,
    reason = "files are read here, on the io floor"
)]

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use sha2::Digest;

use crate::release_digest::FileDigests;
use crate::version::Sha256;

/// A file or directory whose checksum cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", path.display())]
pub struct DigestError {
    path: PathBuf,
    source: io::Error,
}

/// Returns the checksums of all files below a directory. Symbolic links to files count as the files, as csctl follows them; a
/// link to a directory is an error, as it is to csctl. Git's own directory is left out.
pub fn digest_directory(directory: &Path) -> Result<FileDigests, DigestError> {
    let mut digests = FileDigests::new();
    let mut open = vec![(directory.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        for entry in entries(&folder).map_err(|source| DigestError::of(&folder, source))? {
            let path = entry.path();
            let name = entry.file_name();
            let Some(text) = name.to_str() else {
                // The checksum of a directory is made of names too.
                let source = io::Error::other("its name is not UTF-8 text");
                return Err(DigestError { path, source });
            };
            let place = format!("{prefix}{text}");
            let kind = entry.file_type();
            if kind
                .map_err(|source| DigestError::of(&path, source))?
                .is_dir()
            {
                if name != ".git" {
                    open.push((path, place + "/"));
                }
            // In a worktree or a submodule `.git` is a file.
            } else if place != ".git" {
                let sum = digest_file(&path).map_err(|source| DigestError::of(&path, source))?;
                digests.insert(place, sum);
            }
        }
    }
    Ok(digests)
}

fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    fs::read_dir(folder)?.collect()
}

impl DigestError {
    fn of(path: &Path, source: io::Error) -> Self {
        Self {
            path: path.to_owned(),
            source,
        }
    }
}

fn digest_file(path: &Path) -> io::Result<Sha256> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is neither a file nor a directory"));
    }
    digest_content(path)
}

/// Returns the checksum of what is known to be a file.
pub(super) fn digest_content(path: &Path) -> io::Result<Sha256> {
    let mut digest = sha2::Sha256::new();
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path)?);
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        digest.update(chunk);
        let length = chunk.len();
        reader.consume(length);
    }
    Ok(Sha256::from_bytes(digest.finalize().as_slice()))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test makes its files")]
mod tests {
    use super::*;

    #[test]
    fn every_file_counts_hidden_and_ignored_ones_too() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("cluster-addon/.hidden")).unwrap();
        for (path, content) in [
            (".gitignore", &b"*.tgz\n"[..]),
            ("cluster-addon/a.tgz", &[0, 255, 13, 10]),
            ("cluster-addon/.hidden/b", b""),
        ] {
            fs::write(root.join(path), content).unwrap();
        }
        let digests = digest_directory(root).unwrap();
        let paths: Vec<&str> = digests.keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            [
                ".gitignore",
                "cluster-addon/.hidden/b",
                "cluster-addon/a.tgz"
            ]
        );
        assert_eq!(
            digests["cluster-addon/a.tgz"],
            Sha256::of(&[0, 255, 13, 10])
        );
        assert!(digest_directory(&root.join("absent")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_to_files_alone() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::write(root.join("a"), "text").unwrap();
        std::os::unix::fs::symlink("a", root.join("b")).unwrap();
        assert_eq!(digest_directory(root).unwrap()["b"], Sha256::of(b"text"));
        std::os::unix::fs::symlink(".", root.join("c")).unwrap();
        let error = digest_directory(root).unwrap_err().to_string();
        assert!(error.contains("c: it is neither a file"), "{error}");
    }
}

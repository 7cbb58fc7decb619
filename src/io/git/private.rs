//! A bare repository of our own in a temporary directory, in which the git program runs. It borrows the objects of a clone and
//! nothing else: a clone may come from anybody, and git runs what a repository's configuration and hooks name.
#![expect(
    clippy::disallowed_methods,
    reason = "git's files are written where git finds them"
)]

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid, Repository};
use tempfile::TempDir;

use super::RemoteError;
use super::objects::take_in;
use crate::io::ending::{self, Removed};
use crate::io::files::read_within;

/// All that git needs to take a directory for a repository. `git init` would copy the user's template, hooks included.
const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";

/// A boundary of a hundred thousand commits; a longer one is left out, and the server sends what is below it again.
const MAX_SHALLOW_BYTES: usize = 4 << 20;
const MAX_ALTERNATES_BYTES: usize = 64 << 10;

pub(super) struct PrivateRepository {
    directory: TempDir,
    /// A signal removes the directory too.
    _removed: Removed,
}

impl PrivateRepository {
    /// Makes one without objects.
    pub(super) fn empty() -> Result<Self, RemoteError> {
        Self::make(&[]).map_err(RemoteError::Private)
    }

    /// Makes one that has the objects of a clone.
    pub(super) fn borrowing(clone: &Repository) -> Result<Self, RemoteError> {
        let own = clone
            .commondir()
            .join("objects")
            .canonicalize()
            .map_err(RemoteError::Private)?;
        let mut directories = relative_alternates(&own);
        directories.insert(0, own);
        Self::make(&directories).map_err(RemoteError::Private)
    }

    fn make(objects: &[PathBuf]) -> io::Result<Self> {
        // A signal before the directory is noted would leave it behind.
        let _whole = ending::write();
        let mut builder = tempfile::Builder::new();
        builder.prefix("csctl-matrix-git-");
        // The objects may be nobody else's business on this machine.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let directory = builder.tempdir()?;
        let place = directory.path();
        fs::create_dir_all(place.join("objects/info"))?;
        fs::create_dir_all(place.join("objects/pack"))?;
        fs::create_dir(place.join("refs"))?;
        fs::write(place.join("HEAD"), "ref: refs/heads/main\n")?;
        fs::write(place.join("config"), CONFIG)?;
        let mut alternates = Vec::new();
        for directory in objects {
            alternates.extend_from_slice(directory.as_os_str().as_encoded_bytes());
            alternates.push(b'\n');
        }
        fs::write(place.join("objects/info/alternates"), alternates)?;
        Ok(Self {
            _removed: Removed::new(place),
            directory,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Names commits with a ref each, so that a fetch tells the server that they are here.
    pub(super) fn name_commits(&self, commits: &[Oid]) -> Result<(), RemoteError> {
        let mut lines = String::new();
        for (number, commit) in commits.iter().enumerate() {
            // Writing to a text does not fail.
            let _ = writeln!(lines, "{commit} refs/known/{number}");
        }
        self.write("packed-refs", &lines)
    }

    /// Marks commits whose ancestors are not here, with those that the clone marks so.
    pub(super) fn mark_boundary(
        &self,
        clone: &Repository,
        more: &[Oid],
    ) -> Result<(), RemoteError> {
        let of_clone = read_within(&clone.commondir().join("shallow"), MAX_SHALLOW_BYTES);
        let mut lines: Vec<String> = of_clone
            .unwrap_or_default()
            .lines()
            .map(|line| line.trim().to_owned())
            .chain(more.iter().map(Oid::to_string))
            .collect();
        lines.sort();
        lines.dedup();
        // Even an empty file would make the repository a shallow one.
        if lines.is_empty() {
            return Ok(());
        }
        self.write("shallow", &(lines.join("\n") + "\n"))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), RemoteError> {
        let _whole = ending::write();
        fs::write(self.path().join(name), text).map_err(RemoteError::Private)
    }

    /// How many bytes of objects have come so far.
    pub(super) fn received(&self) -> u64 {
        self.packs()
            .filter_map(|file| Some(file.metadata().ok()?.len()))
            .sum()
    }

    /// Copies what was fetched into the clone's object database, which proves each object's number.
    pub(super) fn hand_over(&self, clone: &Repository) -> Result<(), RemoteError> {
        for file in self.packs().filter(|file| is_pack(file)) {
            let pack = fs::read(file).map_err(RemoteError::Private)?;
            take_in(clone, &pack)?;
        }
        Ok(())
    }

    fn packs(&self) -> impl Iterator<Item = PathBuf> {
        fs::read_dir(self.path().join("objects/pack"))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
    }
}

fn is_pack(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "pack")
}

/// Returns the object directories that a clone's own borrow by relative paths: git follows such a path only from the repository
/// that it is in. Absolute ones it follows by itself; those that are gone it passes over.
fn relative_alternates(objects: &Path) -> Vec<PathBuf> {
    let text = read_within(&objects.join("info/alternates"), MAX_ALTERNATES_BYTES);
    text.unwrap_or_default()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(Path::new)
        .filter(|path| path.is_relative())
        .filter_map(|path| objects.join(path).canonicalize().ok())
        .collect()
}

/// Returns commits that refs of a clone name and that are here.
pub(super) fn tips(clone: &Repository) -> Result<Vec<Oid>, git2::Error> {
    let mut tips = Vec::new();
    for reference in clone.references()? {
        let commit = reference.and_then(|reference| reference.peel(ObjectType::Commit));
        tips.extend(commit.map(|commit| commit.id()));
    }
    tips.sort();
    tips.dedup();
    Ok(tips)
}

//! The git repository around a tree: files of a revision, changed files, tags of stack releases. Below it, commits are made as
//! objects and exchanged with remotes; the user's checkout, index and refs never change.

mod checkout;
mod commit;
mod error;
mod fetch;
mod history;
mod local;
mod objects;
mod place;
mod private;
mod program;
mod push;
mod refs;
mod rejection;
mod remote;
mod revision;
mod said;
mod sparse;
mod tag;
mod whole;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Repository, StatusOptions};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::catalog::StackRelease;
use crate::version::ReleaseTag;
use objects::WholeTrees;

pub use commit::{CommitError, CommitInfo};
pub use error::RemoteError;
pub use git2::Oid;
pub use history::{CommitFacts, LineChange, Person, TreeChange, TreeFile};
pub(crate) use program::trouble_with_git;
pub use refs::{RefResult, RefUpdate, Refs};
pub use rejection::Rejection;
pub use remote::Remote;
pub(crate) use tag::NewTag;

/// The mode of symbolic links in git's trees.
const SYMBOLIC_LINK: i32 = 0o120_000;

/// The git repository around a tree.
pub struct GitRepository {
    repository: Repository,
    /// The tree's directory below the repository's root, with slashes; empty where they are the same.
    prefix: String,
    whole_trees: RefCell<WholeTrees>,
}

/// A question that git could not answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The revision does not exist.
    #[error("no revision `{revision}`: {}", source.message())]
    Revision {
        /// The revision as asked for.
        revision: String,
        /// Git's error.
        source: git2::Error,
    },
    /// The revision does not hold the directory.
    #[error("revision `{revision}` has no directory {directory}")]
    Directory {
        /// The revision as asked for.
        revision: String,
        /// The directory, relative to the repository's root.
        directory: String,
    },
    /// The revision holds a link, which git does not follow.
    #[error("{path} is a symbolic link in revision `{revision}`")]
    Link {
        /// The revision as asked for.
        revision: String,
        /// The link, relative to the directory asked for.
        path: String,
    },
    /// The revision holds something that is to be a file and is none.
    #[error("{path} in revision `{revision}`: {reason}")]
    NotAFile {
        /// The revision as asked for.
        revision: String,
        /// The place, relative to the directory asked for.
        path: String,
        /// What it is, as a phrase.
        reason: &'static str,
    },
    /// The revision holds a name that is no text.
    #[error("{path} in revision `{revision}` has a name that is not UTF-8 text")]
    Name {
        /// The revision as asked for.
        revision: String,
        /// The place, relative to the directory asked for; what is no text is replaced.
        path: String,
    },
    /// Anything else.
    #[error("git: {}", .0.message())]
    Git(#[from] git2::Error),
}

impl GitError {
    fn no_revision(revision: &str, source: git2::Error) -> Self {
        Self::Revision {
            revision: revision.to_owned(),
            source,
        }
    }

    fn not_a_file(revision: &str, path: &str, reason: &'static str) -> Self {
        Self::NotAFile {
            revision: revision.to_owned(),
            path: path.to_owned(),
            reason,
        }
    }

    fn no_directory(revision: &str, directory: &str) -> Self {
        Self::Directory {
            revision: revision.to_owned(),
            directory: directory.to_owned(),
        }
    }

    /// Says what to do where a repository cannot be opened or read.
    pub fn hint(&self) -> &'static str {
        if let Self::NotAFile { .. } = self {
            return "a release has the files of its source tree alone: replace it by a file of the repository";
        }
        let Self::Git(error) = self else {
            return "`git rev-parse` tells whether a revision exists; a shallow clone lacks most";
        };
        let message = error.message().to_ascii_lowercase();
        if error.code() == ErrorCode::Owner {
            "where it belongs to another user: git config --global --add safe.directory DIR"
        } else if message.contains("extensions.partialclone") {
            "git does without that setting today: git config --unset extensions.partialClone"
        } else if message.contains("'sdir'") {
            "write the index in full: git sparse-checkout reapply --no-sparse-index"
        } else {
            "look at it with git status and git fsck"
        }
    }
}

impl GitRepository {
    /// Finds the repository around a directory; nothing where there is none. One without a working directory, as a server has
    /// it, is found at its own place alone, and never within a working directory: there anybody may have committed files that look
    /// like one, with a remote of their own.
    ///
    /// # Errors
    /// Git has a repository there and does not open it, as one of another user's.
    pub fn discover(root: &Path) -> Result<Option<Self>, GitError> {
        let Some(repository) = find_around(root)? else {
            return Ok(None);
        };
        let prefix = if is_same(repository.path(), root) && repository.is_bare() {
            Some(String::new())
        } else {
            prefix(&repository, root)
        };
        Ok(prefix.map(|prefix| Self::new(repository, prefix)))
    }

    /// Opens a bare repository at this very place, and makes it where there is none.
    pub(crate) fn open_or_make(directory: &Path) -> Result<Self, GitError> {
        let repository = match Repository::open_bare(directory) {
            Err(error) if error.code() == ErrorCode::NotFound => Repository::init_bare(directory)?,
            opened => opened?,
        };
        Ok(Self::new(repository, String::new()))
    }

    /// Works without the index from now on, as who reads commits alone needs none: that of a sparse checkout may be in a form that
    /// libgit2 does not read.
    ///
    /// # Errors
    /// Git has no memory for an empty one.
    pub(crate) fn without_index(self) -> Result<Self, GitError> {
        self.repository.set_index(&mut git2::Index::new()?)?;
        Ok(self)
    }

    fn new(repository: Repository, prefix: String) -> Self {
        Self {
            repository,
            prefix,
            whole_trees: RefCell::default(),
        }
    }

    /// Tells whether it has no working directory, and so no files but those of its revisions.
    pub(crate) fn is_bare(&self) -> bool {
        self.repository.is_bare()
    }

    /// Returns the name and the address that git signs commits with, where it knows them: `A Name <name@example.org>`.
    pub fn identity(&self) -> Option<String> {
        let name = self.setting("user.name").filter(|name| !name.is_empty());
        let email = self.setting("user.email").filter(|email| !email.is_empty());
        match (name, email) {
            (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
            (Some(one), None) | (None, Some(one)) => Some(one),
            (None, None) => None,
        }
    }

    /// Returns the name and the address that git signs commits with, where both are set.
    pub fn person(&self) -> Option<Person> {
        Some(Person {
            name: self.setting("user.name")?,
            email: self.setting("user.email")?,
        })
    }

    /// Returns a text of git's configuration, without blanks around it.
    fn setting(&self, key: &str) -> Option<String> {
        let text = self.repository.config().ok()?.get_string(key).ok()?;
        Some(text.trim().to_owned())
    }

    /// Returns git's own directory of this working tree.
    pub fn git_directory(&self) -> PathBuf {
        self.repository.path().to_owned()
    }

    /// Tells whether git ignores a file of the tree that it does not know.
    pub(crate) fn is_ignored(&self, path: &str) -> bool {
        let full = self.full_path(path);
        self.repository
            .status_should_ignore(Path::new(&full))
            .unwrap_or(false)
    }

    /// Returns which of these files differ from the newest commit; paths are relative to the tree.
    pub(crate) fn changed_files(&self, paths: &[&str]) -> Result<Vec<String>, GitError> {
        let mut options = StatusOptions::new();
        options
            // What git does not know is nowhere else, so it counts as changed.
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            // Paths are names here, not patterns.
            .disable_pathspec_match(true);
        for path in paths {
            options.pathspec(self.full_path(path));
        }
        let statuses = self.repository.statuses(Some(&mut options))?;
        Ok(statuses
            .iter()
            .filter_map(|status| Some(self.path_below(status.path().ok()?)?.to_owned()))
            .collect())
    }

    /// Returns the path of a file below the tree's directory; nothing where it is elsewhere.
    fn path_below<'p>(&self, full: &'p str) -> Option<&'p str> {
        match self.prefix.as_str() {
            "" => Some(full),
            prefix => full.strip_prefix(prefix)?.strip_prefix('/'),
        }
    }

    fn full_path(&self, path: &str) -> String {
        if self.prefix.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", self.prefix)
        }
    }

    /// Tells whether the repository has a tag of this name.
    pub(crate) fn has_tag(&self, name: &str) -> bool {
        let reference = format!("refs/tags/{name}");
        self.repository.find_reference(&reference).is_ok()
    }

    /// Returns the tags of a revision's commit; none where there is no such commit, as in a repository without any.
    pub(crate) fn tags_at(&self, revision: &str) -> Result<Vec<String>, GitError> {
        let Ok(wanted) = self.resolve(revision) else {
            return Ok(Vec::new());
        };
        let tags = self.repository.tag_names(None)?;
        let names = tags.iter().filter_map(|tag| tag.ok()?);
        Ok(names
            .filter(|name| {
                // A tag may name what is no commit, such as a file.
                let tagged = self.resolve(&format!("refs/tags/{name}"));
                tagged.is_ok_and(|tagged| tagged == wanted)
            })
            .map(str::to_owned)
            .collect())
    }

    /// Says why the repository may lack tags that its remotes have, and what fetches them; nothing where it has no remote, or
    /// follows all tags. Of several remotes `origin` counts, where it is there. Sources: `shallow` in gitglossary(7), `--single-branch` and `--no-tags` in git-clone(1).
    pub(crate) fn tag_gap(&self) -> Result<Option<String>, GitError> {
        if self.repository.is_shallow() {
            let gap = "the clone is shallow; `git fetch --unshallow --tags` fetches all tags";
            return Ok(Some(gap.to_owned()));
        }
        let config = self.repository.config()?;
        let remotes = self.repository.remotes()?;
        let mut names: Vec<&str> = remotes.iter().filter_map(|name| name.ok()?).collect();
        if names.contains(&"origin") {
            names = vec!["origin"];
        }
        for remote in names {
            let tags = config.get_string(&format!("remote.{remote}.tagOpt"));
            if tags.is_ok_and(|option| option == "--no-tags") {
                let gap = format!(
                    "the clone follows no tags of {remote}; `git fetch --tags {remote}` fetches them"
                );
                return Ok(Some(gap));
            }
            // One that lacks an address, or whose refspecs nobody reads, says nothing.
            let Ok(branches) = self.repository.find_remote(remote) else {
                continue;
            };
            let mut refspecs = branches.refspecs();
            let is_narrow = refspecs.len() > 0
                && !refspecs.any(|spec| spec.src().is_ok_and(|source| source.contains('*')));
            if is_narrow {
                let gap = format!(
                    "the clone follows single branches of {remote}; `git fetch --tags {remote}` fetches all tags"
                );
                return Ok(Some(gap));
            }
        }
        Ok(None)
    }

    /// Returns the stack releases that the repository has tags of. A shallow clone may have none.
    pub fn stack_releases(&self) -> Result<Vec<StackRelease>, GitError> {
        let tags = self.repository.tag_names(None)?;
        let names = tags.iter().filter_map(|tag| tag.ok()?);
        Ok(releases_of(names))
    }
}

/// A tag, and when what it stands for was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DatedTag {
    pub(crate) name: String,
    /// The day of the commit (UTC); nothing where the tag is of none.
    pub(crate) day: Option<Date>,
}

impl GitRepository {
    /// Returns all tags with the days of their commits.
    pub(crate) fn dated_tags(&self) -> Result<Vec<DatedTag>, GitError> {
        let tags = self.repository.tag_names(None)?;
        let names = tags.iter().filter_map(|tag| tag.ok()?);
        let mut dated = Vec::new();
        for name in names {
            dated.push(DatedTag {
                name: name.to_owned(),
                day: self.day_of(name),
            });
        }
        Ok(dated)
    }

    fn day_of(&self, tag: &str) -> Option<Date> {
        // In full, as a branch may have the same name.
        let id = self.resolve(&format!("refs/tags/{tag}")).ok()?;
        let commit = self.find_commit(id).ok()??;
        Some(commit.time.to_zoned(TimeZone::UTC).date())
    }
}

/// Returns the stack releases that these tags stand for; other tags are left out.
fn releases_of<'n>(names: impl Iterator<Item = &'n str>) -> Vec<StackRelease> {
    let tags = names.filter_map(|name| name.parse::<ReleaseTag>().ok());
    let mut releases: Vec<StackRelease> = tags
        .map(|tag| StackRelease {
            tag,
            kubernetes: None,
            cluster_addon: None,
            node_image: None,
            csctl_hashes: None,
        })
        .collect();
    releases.sort_by(|a, b| a.tag.cmp(&b.tag));
    releases
}

/// Opens the nearest `.git` upwards, which no commit can hold; without any, a bare repository at this very place.
fn find_around(root: &Path) -> Result<Option<Repository>, git2::Error> {
    let full = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let places = full.ancestors().map(|directory| directory.join(".git"));
    for place in places.filter(|place| place.exists()) {
        match Repository::open(place) {
            // A directory of that name that is no repository, which git passes over as well.
            Err(error) if error.code() == ErrorCode::NotFound => {}
            opened => return opened.map(Some),
        }
    }
    match Repository::open_bare(&full) {
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Returns the directory's path below the repository's working directory, with slashes.
fn prefix(repository: &Repository, root: &Path) -> Option<String> {
    let top = repository.workdir()?.canonicalize().ok()?;
    let below = root.canonicalize().ok()?;
    let prefix = below.strip_prefix(&top).ok()?.to_str()?;
    Some(prefix.replace(std::path::MAIN_SEPARATOR, "/"))
}

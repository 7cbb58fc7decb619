//! A plan as a commit: blobs, trees and the commit are written as objects, on top of any commit. It moves no ref, and touches
//! neither the index nor the working directory.

use std::path::{Component, Path};

use git2::build::TreeUpdateBuilder;
use git2::{ErrorCode, FileMode, ObjectType, Oid, Signature, Time, Tree, TreeEntry};
use jiff::Timestamp;

use super::{GitError, GitRepository, SYMBOLIC_LINK};
use crate::plan::{FileAction, FileChange};

/// Who made a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

/// What a commit says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Who wrote the change, and signs it off.
    pub author: Person,
    /// Who made the commit.
    pub committer: Person,
    /// When, in full seconds.
    pub time: Timestamp,
    /// The message; the sign-off is added where it is missing.
    pub message: String,
}

/// A plan that does not become a commit. No ref was moved.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The commit below is not at hand.
    #[error("commit {base} is not here")]
    NoBase {
        /// The commit below.
        base: Oid,
    },
    /// The change is none.
    #[error("the change leaves the tree of {base} as it is; there is nothing to commit")]
    Empty {
        /// The commit below.
        base: Oid,
    },
    /// The commit below is not what the plan was made from.
    #[error("{path} is not in commit {base} as the plan was made from it")]
    Changed {
        /// The file.
        path: String,
        /// The commit below.
        base: Oid,
    },
    /// A file to be made is there already.
    #[error("{path} is in commit {base} already")]
    Exists {
        /// The file.
        path: String,
        /// The commit below.
        base: Oid,
    },
    /// A file is a symbolic link.
    #[error("{0} is a symbolic link, which is not written through")]
    Link(String),
    /// A path leads out of the repository.
    #[error("{0} leads out of the repository")]
    Path(String),
    /// A name, address or message that git cannot keep.
    #[error("{what} cannot be in a commit: {reason}")]
    Text {
        /// What it is.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Git failed.
    #[error("git: {}", .0.message())]
    Git(#[from] git2::Error),
}

impl CommitError {
    /// Says what to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoBase { .. } => "fetch it first; a shallow clone may lack it",
            Self::Empty { .. } => "plan again; the base may have the change already",
            Self::Changed { .. } | Self::Exists { .. } => "plan again on that commit",
            Self::Link(_) => "replace the link by the file it stands for",
            Self::Path(_) => "name files of the repository alone",
            Self::Text { .. } => "set a name, an address and a message in plain text",
            Self::Git(_) => "check the repository with git fsck, and its space and permissions",
        }
    }
}

impl GitRepository {
    /// Writes the objects of a tree in which these changes are carried out on top of the commit `base`, and returns the tree.
    pub fn plan_tree(&self, base: Oid, files: &[FileChange]) -> Result<Oid, CommitError> {
        let before = self.parent(base)?.tree()?;
        let after = self.write_tree(base, &before, files)?;
        if after == before.id() {
            return Err(CommitError::Empty { base });
        }
        Ok(after)
    }

    /// Writes a commit of a tree on top of `base`, and returns it. The same input gives the same commit.
    pub fn commit_tree(&self, base: Oid, tree: Oid, info: &CommitInfo) -> Result<Oid, CommitError> {
        let author = signature("the author", &info.author, info.time)?;
        let committer = signature("the committer", &info.committer, info.time)?;
        let message = sign_off(&info.message, &author)?;
        let parent = self.parent(base)?;
        let tree = self.repository.find_tree(tree)?;
        let id = self
            .repository
            .commit(None, &author, &committer, &message, &tree, &[&parent])?;
        Ok(id)
    }

    /// Writes a commit with the files, the author and the message of another one on top of these, and returns it.
    pub fn commit_again(&self, like: Oid, parents: &[Oid]) -> Result<Oid, GitError> {
        let like = self.repository.find_commit(like)?;
        let found: Result<Vec<_>, _> = parents
            .iter()
            .map(|parent| self.repository.find_commit(*parent))
            .collect();
        let found = found?;
        let parents: Vec<&git2::Commit<'_>> = found.iter().collect();
        let message = String::from_utf8_lossy(like.message_bytes());
        let id = self.repository.commit(
            None,
            &like.author(),
            &like.committer(),
            &message,
            &like.tree()?,
            &parents,
        )?;
        Ok(id)
    }

    /// Writes the objects of a commit that carries out these changes on top of `base`, and returns the commit.
    pub fn commit_plan(
        &self,
        base: Oid,
        files: &[FileChange],
        info: &CommitInfo,
    ) -> Result<Oid, CommitError> {
        self.commit_tree(base, self.plan_tree(base, files)?, info)
    }

    fn parent(&self, base: Oid) -> Result<git2::Commit<'_>, CommitError> {
        let parent = self.repository.find_commit(base);
        parent.map_err(|error| match error.code() {
            ErrorCode::NotFound => CommitError::NoBase { base },
            _ => error.into(),
        })
    }

    fn write_tree(
        &self,
        base: Oid,
        before: &Tree<'_>,
        files: &[FileChange],
    ) -> Result<Oid, CommitError> {
        let work = Work {
            git: self,
            base,
            before,
        };
        let mut update = TreeUpdateBuilder::new();
        for change in files {
            match work.entry(change)? {
                Some((blob, mode)) => update.upsert(work.full(&change.path)?, blob, mode),
                None => update.remove(work.full(&change.path)?),
            };
        }
        Ok(update.create_updated(&self.repository, before)?)
    }
}

/// The tree that is built upon.
struct Work<'a> {
    git: &'a GitRepository,
    base: Oid,
    before: &'a Tree<'a>,
}

impl Work<'_> {
    /// Returns what a file becomes; nothing where it goes.
    fn entry(&self, change: &FileChange) -> Result<Option<(Oid, FileMode)>, CommitError> {
        let path = &change.path;
        let blob = |text: &str| self.git.repository.blob(text.as_bytes());
        Ok(match &change.action {
            FileAction::Edit { before, after } => {
                let entry = self.plain_file(path)?;
                let found = self.git.repository.find_blob(entry.id())?;
                if found.content() != before.as_bytes() {
                    return Err(self.changed(path));
                }
                Some((blob(after)?, mode(&entry)))
            }
            FileAction::Create { from, after } => {
                self.check_absent(path)?;
                Some((blob(after)?, mode(&self.plain_file(from)?)))
            }
            FileAction::Copy { from } => {
                self.check_absent(path)?;
                let entry = self.file(from)?;
                Some((entry.id(), mode(&entry)))
            }
            FileAction::Remove => {
                self.file(path)?;
                None
            }
        })
    }

    fn plain_file(&self, path: &str) -> Result<TreeEntry<'static>, CommitError> {
        let entry = self.file(path)?;
        if entry.filemode() == SYMBOLIC_LINK {
            return Err(CommitError::Link(path.to_owned()));
        }
        Ok(entry)
    }

    fn file(&self, path: &str) -> Result<TreeEntry<'static>, CommitError> {
        let found = self.find(path)?;
        found
            .filter(|entry| entry.kind() == Some(ObjectType::Blob))
            .ok_or_else(|| self.changed(path))
    }

    fn check_absent(&self, path: &str) -> Result<(), CommitError> {
        match self.find(path)? {
            None => Ok(()),
            Some(_) => Err(CommitError::Exists {
                path: path.to_owned(),
                base: self.base,
            }),
        }
    }

    fn find(&self, path: &str) -> Result<Option<TreeEntry<'static>>, CommitError> {
        match self.before.get_path(Path::new(&self.full(path)?)) {
            Ok(entry) => Ok(Some(entry)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns a path below the repository's root, of the tree's own files alone.
    fn full(&self, path: &str) -> Result<String, CommitError> {
        let mut parts = Path::new(path).components();
        let is_inside = !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)));
        if is_inside {
            Ok(self.git.full_path(path))
        } else {
            Err(CommitError::Path(path.to_owned()))
        }
    }

    fn changed(&self, path: &str) -> CommitError {
        CommitError::Changed {
            path: path.to_owned(),
            base: self.base,
        }
    }
}

/// Returns the mode that a file keeps or hands on.
fn mode(entry: &TreeEntry<'_>) -> FileMode {
    match entry.filemode() {
        SYMBOLIC_LINK => FileMode::Link,
        mode if mode & 0o100 != 0 => FileMode::BlobExecutable,
        _ => FileMode::Blob,
    }
}

fn signature(
    what: &'static str,
    person: &Person,
    time: Timestamp,
) -> Result<Signature<'static>, CommitError> {
    let bad = |reason: &str| CommitError::Text {
        what,
        reason: reason.to_owned(),
    };
    if [&person.name, &person.email]
        .iter()
        .any(|text| text.contains(['\n', '\r', '<', '>', '\0']))
    {
        return Err(bad("the name or the address has a character of git's own"));
    }
    if person.email.trim().is_empty() {
        return Err(bad("the address is empty"));
    }
    let time = Time::new(time.as_second(), 0);
    Signature::new(&person.name, &person.email, &time).map_err(|error| bad(error.message()))
}

/// Returns the message with the author's sign-off in it once, as the last of its trailers where it was missing.
fn sign_off(message: &str, author: &Signature<'_>) -> Result<String, CommitError> {
    let bad = |reason: &str| CommitError::Text {
        what: "the message",
        reason: reason.to_owned(),
    };
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| bad("the author is not UTF-8"));
    let (name, email) = (text(author.name_bytes())?, text(author.email_bytes())?);
    let line = format!("Signed-off-by: {name} <{email}>");
    if message.contains('\0') {
        return Err(bad("it has a zero byte"));
    }
    let message = message.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = message.trim().lines().map(str::trim_end).collect();
    if lines
        .first()
        .is_none_or(|subject| subject.starts_with("Signed-off-by:"))
    {
        return Err(bad("it has no subject"));
    }
    let mut is_missing = true;
    lines.retain(|found| *found != line || std::mem::take(&mut is_missing));
    let mut signed = lines.join("\n");
    if is_missing {
        let last = lines.rsplit(|line| line.is_empty()).next();
        let ends_in_trailers = last.is_some_and(|block| block.iter().all(|line| is_trailer(line)));
        let has_body = lines.iter().any(|line| line.is_empty());
        signed += if ends_in_trailers && has_body {
            "\n"
        } else {
            "\n\n"
        };
        signed += &line;
    }
    signed.push('\n');
    Ok(signed)
}

/// Tells whether a line is `Key: value`.
fn is_trailer(line: &str) -> bool {
    let key = line.split_once(": ").map(|(key, _)| key);
    key.is_some_and(|key| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
}

#[cfg(test)]
mod tests;

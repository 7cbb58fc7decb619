//! A plan as a commit: blobs, trees and the commit are written as objects, on top of any commit. It moves no ref, and touches
//! neither the index nor the working directory.

use std::path::{Component, Path};

use git2::build::TreeUpdateBuilder;
use git2::{ErrorCode, FileMode, ObjectType, Oid, Signature, Time, Tree, TreeEntry};
use jiff::Timestamp;

use super::history::{Person, TreeFile};
use super::{GitError, GitRepository, SYMBOLIC_LINK};
use crate::plan::{FileAction, FileChange};

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
    fn text(what: &'static str, reason: &str) -> Self {
        Self::Text {
            what,
            reason: reason.to_owned(),
        }
    }

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
        Ok(self.repository.commit(
            None,
            &author,
            &signature("the committer", &info.committer, info.time)?,
            &sign_off(&info.message, &author)?,
            &self.repository.find_tree(tree)?,
            &[&self.parent(base)?],
        )?)
    }

    /// Writes a commit with the files, the author and the message of another one on top of these, and returns it.
    pub(crate) fn commit_again(&self, like: Oid, parents: &[Oid]) -> Result<Oid, GitError> {
        let model = self.repository.find_commit(like)?;
        let found = parents
            .iter()
            .map(|parent| self.repository.find_commit(*parent))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self.repository.commit(
            None,
            &model.author(),
            &model.committer(),
            &String::from_utf8_lossy(model.message_bytes()),
            &model.tree()?,
            &found.iter().collect::<Vec<_>>(),
        )?)
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
            match work.file_after(change)? {
                Some(file) => update.upsert(work.full(&change.path)?, file.blob, file.mode),
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
    fn file_after(&self, change: &FileChange) -> Result<Option<TreeFile>, CommitError> {
        let path = &change.path;
        Ok(match &change.action {
            FileAction::Edit { before, after } => {
                let entry = self.plain_file(path)?;
                let found = self.git.repository.find_blob(entry.id())?;
                if found.content() != before.as_bytes() {
                    return Err(self.changed(path));
                }
                Some(self.write(after, &entry)?)
            }
            FileAction::Create { from, after } => {
                self.check_absent(path)?;
                Some(self.write(after, &self.plain_file(from)?)?)
            }
            FileAction::Copy { from } => {
                self.check_absent(path)?;
                // A link may be copied: nothing is written through it.
                let entry = self.file(from)?;
                Some(TreeFile {
                    blob: entry.id(),
                    mode: mode(&entry),
                })
            }
            FileAction::Remove => {
                self.file(path)?;
                None
            }
        })
    }

    /// Writes a text as the content of a file with the mode of another one.
    fn write(&self, text: &str, like: &TreeEntry<'_>) -> Result<TreeFile, CommitError> {
        Ok(TreeFile {
            blob: self.git.repository.blob(text.as_bytes())?,
            mode: mode(like),
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
    // They end a name, an address or a line where git writes them down.
    let has_marks = [&person.name, &person.email]
        .iter()
        .any(|text| text.contains(['\n', '\r', '<', '>', '\0']));
    if has_marks {
        let reason = "the name or the address has a character of git's own";
        return Err(CommitError::text(what, reason));
    }
    if person.email.trim().is_empty() {
        return Err(CommitError::text(what, "the address is empty"));
    }
    // In UTC, so that the same input is the same commit everywhere.
    let moment = Time::new(time.as_second(), 0);
    Signature::new(&person.name, &person.email, &moment)
        .map_err(|error| CommitError::text(what, error.message()))
}

/// Returns the message with the author's sign-off in it once, as the last of its trailers where it was missing.
fn sign_off(message: &str, author: &Signature<'_>) -> Result<String, CommitError> {
    const WHAT: &str = "the message";
    let (Ok(name), Ok(email)) = (author.name(), author.email()) else {
        return Err(CommitError::text(WHAT, "the author is not UTF-8"));
    };
    let line = format!("Signed-off-by: {name} <{email}>");
    if message.contains('\0') {
        return Err(CommitError::text(WHAT, "it has a zero byte"));
    }
    let text = message.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    let has_subject = lines
        .first()
        .is_some_and(|subject| !subject.starts_with("Signed-off-by:"));
    if !has_subject {
        return Err(CommitError::text(WHAT, "it has no subject"));
    }
    let mut is_missing = true;
    // The first one stays where it is; a template may have it already.
    lines.retain(|found| *found != line || std::mem::take(&mut is_missing));
    let mut signed = lines.join("\n");
    if is_missing {
        let last = lines.rsplit(|line| line.is_empty()).next();
        let ends_in_trailers = last.is_some_and(|block| block.iter().all(|line| is_trailer(line)));
        // A subject alone may look like a trailer: `plan: move the default`.
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
    line.split_once(": ")
        .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
}

#[cfg(test)]
mod tests;

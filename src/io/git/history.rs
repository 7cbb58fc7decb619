//! Reads commits: what they say, what they change, what they merge. It needs the objects at hand, and asks no remote.

use git2::{DiffFormat, DiffOptions, ErrorCode, FileMode, MergeOptions, Oid, Patch};
use jiff::Timestamp;

use super::{GitError, GitRepository, Person};

/// The most merges that are followed back.
const MAX_MERGES: usize = 100;

/// A commit as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFacts {
    /// Its number.
    pub id: Oid,
    /// Its tree.
    pub tree: Oid,
    /// The commits it is built upon.
    pub parents: Vec<Oid>,
    /// Who wrote it.
    pub author: Person,
    /// Who made it.
    pub committer: Person,
    /// When it was made.
    pub time: Timestamp,
    /// Its message.
    pub message: String,
}

/// A file that a tree has otherwise than a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeChange {
    /// The path from the repository's root.
    pub path: String,
    /// The file in the tree; nothing where it is only in the commit.
    pub after: Option<TreeFile>,
}

/// The lines that a tree adds to a file of a commit, and those that it takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineChange {
    /// The path from the repository's root.
    pub path: String,
    /// What the file is afterwards; nothing where it goes.
    pub mode: Option<FileMode>,
    /// Each line after its `+` or `-`, in alphabetical order: where they stand is no part of the change.
    pub lines: Vec<Vec<u8>>,
}

/// A file of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeFile {
    /// Its content.
    pub blob: Oid,
    /// What it is: plain, executable or a link.
    pub mode: FileMode,
}

impl GitRepository {
    /// Returns the commit that a revision names.
    pub fn resolve(&self, revision: &str) -> Result<Oid, GitError> {
        let found = self.repository.revparse_single(revision);
        let commit = found.and_then(|object| object.peel_to_commit());
        let commit = commit.map_err(|source| GitError::Revision {
            revision: revision.to_owned(),
            source,
        })?;
        Ok(commit.id())
    }

    /// Reads a commit; nothing where the object is not at hand.
    pub fn find_commit(&self, id: Oid) -> Result<Option<CommitFacts>, GitError> {
        let commit = match self.repository.find_commit(id) {
            Ok(commit) => commit,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(CommitFacts {
            id,
            tree: commit.tree_id(),
            parents: commit.parent_ids().collect(),
            author: person(&commit.author()),
            committer: person(&commit.committer()),
            time: Timestamp::from_second(commit.time().seconds()).unwrap_or_default(),
            message: String::from_utf8_lossy(commit.message_raw_bytes()).into_owned(),
        }))
    }

    /// Returns the files that a tree has otherwise than a commit, in the order of their paths.
    pub fn changes(&self, commit: Oid, tree: Oid) -> Result<Vec<TreeChange>, GitError> {
        let (before, after) = (self.tree(commit)?, self.repository.find_tree(tree)?);
        let diff = self
            .repository
            .diff_tree_to_tree(Some(&before), Some(&after), None)?;
        let change = |delta: git2::DiffDelta<'_>| {
            let file = delta.new_file();
            let path = file.path_bytes().or(delta.old_file().path_bytes());
            TreeChange {
                path: String::from_utf8_lossy(path.unwrap_or_default()).into_owned(),
                after: file.exists().then(|| TreeFile {
                    blob: file.id(),
                    mode: file.mode(),
                }),
            }
        };
        let mut changes: Vec<TreeChange> = diff.deltas().map(change).collect();
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changes)
    }

    /// Returns what a tree changes in a commit, line by line: the same for the same change, whatever else the files hold.
    pub fn changed_lines(&self, commit: Oid, tree: Oid) -> Result<Vec<LineChange>, GitError> {
        let (before, after) = (self.tree(commit)?, self.repository.find_tree(tree)?);
        let mut options = DiffOptions::new();
        options.context_lines(0).force_text(true);
        let diff =
            self.repository
                .diff_tree_to_tree(Some(&before), Some(&after), Some(&mut options))?;
        let mut changes = Vec::new();
        for (index, delta) in diff.deltas().enumerate() {
            let file = delta.new_file();
            let path = file.path_bytes().or(delta.old_file().path_bytes());
            let mut lines = Vec::new();
            if let Some(patch) = Patch::from_diff(&diff, index)?.filter(|_| file.exists()) {
                for hunk in 0..patch.num_hunks() {
                    for line in 0..patch.num_lines_in_hunk(hunk)? {
                        let line = patch.line_in_hunk(hunk, line)?;
                        let sign = u8::try_from(line.origin()).unwrap_or(b' ');
                        lines.push([&[sign], line.content()].concat());
                    }
                }
            }
            lines.sort();
            changes.push(LineChange {
                path: String::from_utf8_lossy(path.unwrap_or_default()).into_owned(),
                mode: file.exists().then(|| file.mode()),
                lines,
            });
        }
        Ok(changes)
    }

    /// Returns the patch that gives some files of a commit the content they have in another, as `git apply` takes it.
    pub fn patch(&self, from: Oid, to: Oid, paths: &[&str]) -> Result<String, GitError> {
        let (before, after) = (self.tree(from)?, self.tree(to)?);
        let mut options = DiffOptions::new();
        options.disable_pathspec_match(true);
        for path in paths {
            options.pathspec(*path);
        }
        let diff =
            self.repository
                .diff_tree_to_tree(Some(&before), Some(&after), Some(&mut options))?;
        let mut patch = Vec::new();
        diff.print(DiffFormat::Patch, |_, _, line| {
            if let sign @ ('+' | '-' | ' ') = line.origin() {
                patch.extend(u8::try_from(sign));
            }
            patch.extend_from_slice(line.content());
            true
        })?;
        Ok(String::from_utf8_lossy(&patch).into_owned())
    }

    /// Returns the bytes of a file's content.
    pub fn content(&self, blob: Oid) -> Result<Vec<u8>, GitError> {
        Ok(self.repository.find_blob(blob)?.content().to_vec())
    }

    /// Returns the commits that were merged into `own`, one merge after the other, to give `commit`: none where they are the
    /// same, and `None` where anything but plain merges lies between, such as a commit of a person or a merge that holds more
    /// than git itself would make of it. `own` is a commit with one parent, whose object must be at hand as well.
    pub fn merged_into(&self, commit: Oid, own: Oid) -> Result<Option<Vec<Oid>>, GitError> {
        let mut merges = Vec::new();
        let mut current = self.repository.find_commit(commit)?;
        while current.id() != own {
            if current.parent_count() != 2 || merges.len() == MAX_MERGES {
                return Ok(None);
            }
            let before = current.parent_id(0)?;
            merges.push((before, current.parent_id(1)?, current.tree_id()));
            current = self.repository.find_commit(before)?;
        }
        if merges.is_empty() {
            return Ok(Some(Vec::new()));
        }
        if current.parent_count() != 1 {
            return Ok(None);
        }
        let mut ancestor = current.parent_id(0)?;
        let mut others = Vec::new();
        for (before, other, tree) in merges.into_iter().rev() {
            if self.merge([ancestor, before, other])? != Some(tree) {
                return Ok(None);
            }
            ancestor = other;
            others.push(other);
        }
        Ok(Some(others))
    }

    /// Merges two commits as git would; nothing where they conflict.
    fn merge(&self, [ancestor, ours, theirs]: [Oid; 3]) -> Result<Option<Oid>, GitError> {
        let (ancestor, ours) = (self.tree(ancestor)?, self.tree(ours)?);
        let theirs = self.tree(theirs)?;
        let mut options = MergeOptions::new();
        options.find_renames(true);
        let mut index = self
            .repository
            .merge_trees(&ancestor, &ours, &theirs, Some(&options))?;
        if index.has_conflicts() {
            return Ok(None);
        }
        Ok(Some(index.write_tree_to(&self.repository)?))
    }

    fn tree(&self, commit: Oid) -> Result<git2::Tree<'_>, GitError> {
        Ok(self.repository.find_commit(commit)?.tree()?)
    }
}

fn person(signature: &git2::Signature<'_>) -> Person {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Person {
        name: text(signature.name_bytes()),
        email: text(signature.email_bytes()),
    }
}

//! Reads commits: what they say, what they change, what they merge. It needs the objects at hand, and asks no remote.

use git2::{DiffDelta, DiffFormat, DiffOptions, ErrorCode, FileMode, MergeOptions, Oid, Patch};
use jiff::Timestamp;

use super::{GitError, GitRepository};

/// The most merges that are followed back.
const MAX_MERGES: usize = 100;

/// Who made a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

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

/// A merge of two commits as it was found.
struct Merge {
    before: Oid,
    other: Oid,
    tree: Oid,
}

impl GitRepository {
    /// Returns the commit that a revision names.
    pub fn resolve(&self, revision: &str) -> Result<Oid, GitError> {
        let found = self.repository.revparse_single(revision);
        found
            .and_then(|object| Ok(object.peel_to_commit()?.id()))
            .map_err(|source| GitError::no_revision(revision, source))
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
        let mut changes: Vec<TreeChange> = diff
            .deltas()
            .map(|delta| {
                let file = delta.new_file();
                TreeChange {
                    path: path_of(&delta),
                    after: file.exists().then(|| TreeFile {
                        blob: file.id(),
                        mode: file.mode(),
                    }),
                }
            })
            .collect();
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changes)
    }

    /// Returns what a tree changes in a commit, line by line: the same for the same change, whatever else the files hold.
    pub fn changed_lines(&self, commit: Oid, tree: Oid) -> Result<Vec<LineChange>, GitError> {
        let (before, after) = (self.tree(commit)?, self.repository.find_tree(tree)?);
        let mut options = DiffOptions::new();
        // What git takes for binary would have no lines to compare.
        options.context_lines(0).force_text(true);
        let diff =
            self.repository
                .diff_tree_to_tree(Some(&before), Some(&after), Some(&mut options))?;
        let mut changes = Vec::new();
        for (index, delta) in diff.deltas().enumerate() {
            let file = delta.new_file();
            let mut lines = Vec::new();
            if let Some(patch) = Patch::from_diff(&diff, index)?.filter(|_| file.exists()) {
                for hunk in 0..patch.num_hunks() {
                    for number in 0..patch.num_lines_in_hunk(hunk)? {
                        let line = patch.line_in_hunk(hunk, number)?;
                        let sign = u8::try_from(line.origin()).unwrap_or(b' ');
                        lines.push([&[sign], line.content()].concat());
                    }
                }
            }
            lines.sort();
            changes.push(LineChange {
                path: path_of(&delta),
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
        // Paths are names here, not patterns.
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
        let mut merges: Vec<Merge> = Vec::new();
        let mut current = self.repository.find_commit(commit)?;
        while current.id() != own {
            if current.parent_count() != 2 || merges.len() == MAX_MERGES {
                return Ok(None);
            }
            let before = current.parent_id(0)?;
            merges.push(Merge {
                before,
                other: current.parent_id(1)?,
                tree: current.tree_id(),
            });
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
        for merge in merges.into_iter().rev() {
            // A merge that holds more than git makes of it may hold somebody's work.
            if self.merge(ancestor, &merge)? != Some(merge.tree) {
                return Ok(None);
            }
            ancestor = merge.other;
            others.push(merge.other);
        }
        Ok(Some(others))
    }

    /// Makes a merge anew as git would, and returns its tree; nothing where the two conflict.
    fn merge(&self, ancestor: Oid, merge: &Merge) -> Result<Option<Oid>, GitError> {
        let mut options = MergeOptions::new();
        // As git does where nobody says otherwise: the forge made the merge with it.
        options.find_renames(true);
        let mut index = self.repository.merge_trees(
            &self.tree(ancestor)?,
            &self.tree(merge.before)?,
            &self.tree(merge.other)?,
            Some(&options),
        )?;
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
    Person {
        name: String::from_utf8_lossy(signature.name_bytes()).into_owned(),
        email: String::from_utf8_lossy(signature.email_bytes()).into_owned(),
    }
}

/// Returns the path of a changed file; one that goes has only its old one.
fn path_of(delta: &DiffDelta<'_>) -> String {
    let path = delta
        .new_file()
        .path_bytes()
        .or(delta.old_file().path_bytes());
    String::from_utf8_lossy(path.unwrap_or_default()).into_owned()
}

//! Carries a target out on texts: the files that would change, and what the repository would say then. Either all files of a
//! stack can be edited, or none is.

use std::sync::Arc;

use super::target::{Move, Target};
use super::{FileAction, FileChange};
use crate::stack::{
    Content, Fault, FileEdits, Known, SourceFile, SourceTree, Stack, Wanted, discover_again,
};

/// The files of a stack that would change, and the stack as it would be; nothing where it stays as it is.
pub(super) struct Outcome {
    pub(super) files: Vec<FileChange>,
    pub(super) after: Option<Stack>,
}

/// Edits the files of a stack.
pub(super) fn carry_out(target: &Target<'_>) -> Result<Outcome, Vec<Fault>> {
    let mut work = Work {
        target,
        files: Vec::new(),
        faults: Vec::new(),
    };
    for step in &target.moves {
        match step {
            Move::Edit(tree, wanted) => work.edit_all(&tree.files, wanted),
            Move::Create(from, directory, wanted) => work.create(from, directory, wanted),
            Move::Remove(tree) => work.remove(tree),
        }
    }
    if let Some(wanted) = &target.shared {
        work.edit_all(&target.stack.shared, wanted);
    }
    if !work.faults.is_empty() {
        return Err(work.faults);
    }
    if work.files.is_empty() {
        return Ok(Outcome {
            files: Vec::new(),
            after: None,
        });
    }
    let after = stack_after(target, &work.files);
    if after.faults.is_empty() {
        Ok(Outcome {
            files: work.files,
            after: Some(after),
        })
    } else {
        Err(after.faults)
    }
}

struct Work<'a> {
    target: &'a Target<'a>,
    files: Vec<FileChange>,
    faults: Vec<Fault>,
}

impl Work<'_> {
    fn edit_all(&mut self, files: &[Arc<SourceFile>], wanted: &Wanted<'_>) {
        for file in files {
            match edit(file, files, wanted) {
                Ok(None) => {}
                Ok(Some((after, edits))) => {
                    let after = after.into();
                    let action = FileAction::Edit {
                        before: file.text().clone(),
                        after,
                    };
                    self.files.push(FileChange {
                        path: file.path().to_owned(),
                        action,
                        edits,
                    });
                }
                Err(fault) => self.faults.push(fault),
            }
        }
    }

    fn create(&mut self, from: &SourceTree, directory: &str, wanted: &Wanted<'_>) {
        for (path, content) in self.target.input.tree.files_below(&from.directory) {
            let place = format!("{directory}{}", &path[from.directory.len()..]);
            let source = path.to_owned();
            let edited = match from.files.iter().find(|file| file.path() == path) {
                Some(file) => edit(file, &from.files, wanted),
                None => Ok(None),
            };
            match (edited, content) {
                (Ok(Some((after, edits))), _) => {
                    self.files.push(FileChange {
                        path: place,
                        action: FileAction::Create {
                            from: source,
                            after: after.into(),
                        },
                        edits,
                    });
                }
                (Ok(None), Content::Text(_) | Content::Unread) => {
                    let action = FileAction::Copy { from: source };
                    self.files.push(FileChange {
                        path: place,
                        action,
                        edits: Vec::new(),
                    });
                }
                (Ok(None), Content::Unreadable(reason)) => {
                    self.faults.push(Fault::new(
                        path,
                        None,
                        reason.clone(),
                        "make it a readable file of its own",
                    ));
                }
                (Err(fault), _) => self.faults.push(fault),
            }
        }
    }

    fn remove(&mut self, tree: &SourceTree) {
        for (path, _) in self.target.input.tree.files_below(&tree.directory) {
            self.files.push(FileChange {
                path: path.to_owned(),
                action: FileAction::Remove,
                edits: Vec::new(),
            });
        }
    }
}

fn edit(
    file: &SourceFile,
    siblings: &[Arc<SourceFile>],
    wanted: &Wanted<'_>,
) -> Result<Option<(String, Vec<crate::stack::EditNote>)>, Fault> {
    let mut edits = FileEdits::new(file, siblings, wanted);
    for kind in file.kinds() {
        kind.edit(file, wanted, &mut edits)?;
    }
    edits.finish()
}

/// Reads the stack again from the texts that would be written: what the plan promises is what the files will say.
fn stack_after(target: &Target<'_>, changes: &[FileChange]) -> Stack {
    let stack = target.stack;
    let files = stack
        .trees
        .iter()
        .flat_map(|tree| &tree.files)
        .chain(&stack.shared);
    let known: Known<'_> = files.map(|file| (file.path(), file)).collect();
    let mut tree = crate::stack::Tree::default();
    for (path, content) in target.input.tree.files_below(&stack.directory) {
        tree.insert(path, content.clone());
    }
    for change in changes {
        match &change.action {
            FileAction::Edit { after, .. } | FileAction::Create { after, .. } => {
                tree.insert(&change.path, Content::Text(after.clone()));
            }
            FileAction::Copy { from } => {
                let content = target
                    .input
                    .tree
                    .find(from)
                    .cloned()
                    .unwrap_or(Content::Unread);
                tree.insert(&change.path, content);
            }
            FileAction::Remove => tree.remove(&change.path),
        }
    }
    let found = discover_again(&tree, &known)
        .stacks
        .into_iter()
        .find(|after| after.directory == stack.directory);
    found.unwrap_or_else(|| Stack {
        directory: stack.directory.clone(),
        layout: stack.layout,
        trees: Vec::new(),
        shared: Vec::new(),
        faults: Vec::new(),
    })
}

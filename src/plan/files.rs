//! Carries a target out on texts: the files that would change, and what the repository would say then. What cannot be edited is
//! refused, and the plan is made anew without it.

use std::sync::Arc;

use super::limits::EditRefusal;
use super::target::{Target, TreeMove};
use super::{FileAction, FileChange};
use crate::stack::{
    Content, Document, Edited, Fault, FileEdits, KnownFiles, Reach, SeriesSet, SourceFile,
    SourceTree, Stack, Tree, Wanted, edit_images,
};

/// The files of a stack that would change, and the stack as it would be; nothing where it stays as it is.
pub(super) struct StackOutcome {
    pub(super) files: Vec<FileChange>,
    pub(super) after: Option<Stack>,
}

/// Edits the files of a stack.
pub(super) fn carry_out(target: &Target<'_>) -> Result<StackOutcome, Vec<EditRefusal>> {
    let mut work = Work {
        target,
        files: Vec::new(),
        refusals: Vec::new(),
        known: KnownFiles::new(),
    };
    for step in &target.moves {
        match step {
            TreeMove::Edit(tree, wanted) => {
                work.edit_all(Some(&tree.directory), &tree.files, wanted);
            }
            TreeMove::Create(from, directory, wanted) => work.create(from, directory, wanted),
            TreeMove::Remove(tree) => work.remove(tree),
        }
    }
    if let Some(wanted) = &target.shared {
        work.edit_all(None, &target.stack.shared, wanted);
    }
    // A plan that is half carried out would contradict itself.
    if !work.refusals.is_empty() {
        return Err(work.refusals);
    }
    if work.files.is_empty() {
        return Ok(StackOutcome {
            files: Vec::new(),
            after: None,
        });
    }
    let after = work.stack_after();
    Ok(StackOutcome {
        files: work.files,
        after: Some(after),
    })
}

struct Work<'a> {
    target: &'a Target<'a>,
    files: Vec<FileChange>,
    refusals: Vec<EditRefusal>,
    /// Changed files, as the proofs of their edits have read them.
    known: KnownFiles,
}

impl Work<'_> {
    fn edit_all(
        &mut self,
        directory: Option<&str>,
        files: &[Arc<SourceFile>],
        wanted: &Wanted<'_>,
    ) {
        let limits = self.target.limits;
        let siblings = documents(files);
        for file in files.iter().filter(|file| !limits.leaves(file.path())) {
            match edit(file, &siblings, wanted).and_then(|edited| parsed(file, edited)) {
                Ok(None) => {}
                Ok(Some((edited, after))) => {
                    let action = FileAction::Edit {
                        before: file.text().clone(),
                        after: edited.text,
                    };
                    self.known
                        .extend(after.map(|after| (file.path().to_owned(), after)));
                    self.files.push(FileChange {
                        path: file.path().to_owned(),
                        action,
                        edits: edited.notes,
                    });
                }
                Err(fault) => self.refuse(fault, directory, wanted),
            }
        }
    }

    fn refuse(&mut self, fault: Fault, directory: Option<&str>, wanted: &Wanted<'_>) {
        self.refusals
            .push(EditRefusal::new(fault, directory, wanted));
    }

    fn create(&mut self, from: &SourceTree, directory: &str, wanted: &Wanted<'_>) {
        let siblings = documents(&from.files);
        // Files that nobody reads belong to a source tree as well: they are copied byte for byte.
        for (path, content) in self.target.input.tree.files_below(&from.directory) {
            let place = format!("{directory}{}", &path[from.directory.len()..]);
            let source = path.to_owned();
            let edited = match from.files.iter().find(|file| file.path() == path) {
                Some(file) => edit(file, &siblings, wanted),
                None => Ok(None),
            };
            match (edited, content) {
                (Ok(Some(edited)), _) => {
                    let action = FileAction::Create {
                        from: source,
                        after: edited.text,
                    };
                    self.files.push(FileChange {
                        path: place,
                        action,
                        edits: edited.notes,
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
                    let hint = "make it a readable file of its own";
                    let fault = Fault::new(path, None, reason.clone(), hint);
                    self.refuse(fault, Some(directory), wanted);
                }
                (Err(fault), _) => self.refuse(fault, Some(directory), wanted),
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

    /// Reads the stack again from the texts that would be written: what the plan promises is what the files will say.
    fn stack_after(&mut self) -> Stack {
        let stack = self.target.stack;
        for file in stack
            .trees
            .iter()
            .flat_map(|tree| &tree.files)
            .chain(&stack.shared)
        {
            self.known
                // What the edits have parsed goes first; a file that stays as it is need not be read again either.
                .entry(file.path().to_owned())
                .or_insert_with(|| Arc::clone(file));
        }
        let mut tree = Tree::default();
        for (path, content) in self.target.input.tree.files_below(&stack.directory) {
            tree.insert(path, content.clone());
        }
        // Configured references may be in files outside the stack's directory.
        for file in &stack.shared {
            tree.insert(file.path(), Content::Text(file.text().clone()));
        }
        for change in &self.files {
            match &change.action {
                FileAction::Edit { after, .. } | FileAction::Create { after, .. } => {
                    tree.insert(&change.path, Content::Text(after.clone()));
                }
                FileAction::Copy { from } => {
                    let content = self
                        .target
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
        let discovery = self.target.input.discovery;
        // Nothing is left to read where the last source tree leaves.
        let again = discovery.read_again(&tree, &stack.directory, &self.known);
        again.unwrap_or_else(|| Stack {
            directory: stack.directory.clone(),
            layout: stack.layout,
            trees: Vec::new(),
            shared: Vec::new(),
            series: SeriesSet::default(),
            faults: Vec::new(),
            notes: Vec::new(),
            charts: stack.charts.clone(),
        })
    }
}

fn documents(files: &[Arc<SourceFile>]) -> Vec<&Document> {
    files.iter().map(|file| &***file).collect()
}

/// An edited file, as it reads then where the proof of the edits has parsed it.
type Read = (Edited, Option<Arc<SourceFile>>);

fn parsed(file: &SourceFile, edited: Option<Edited>) -> Result<Option<Read>, Fault> {
    let Some(mut edited) = edited else {
        return Ok(None);
    };
    let yaml = edited.yaml.take();
    let read = yaml.map(|yaml| file.with_yaml(yaml)).transpose()?;
    Ok(Some((edited, read.map(Arc::new))))
}

fn edit(
    file: &SourceFile,
    siblings: &[&Document],
    wanted: &Wanted<'_>,
) -> Result<Option<Edited>, Fault> {
    let mut edits = FileEdits::new(file, siblings, wanted);
    let reaches_all = wanted.reach != Reach::Lists;
    let kinds = file.kinds().iter();
    // A tree whose minor is left alone may hold lists that speak of others.
    let mut reached = kinds.filter(|kind| reaches_all || kind.role().spans_minors());
    for kind in reached.clone() {
        kind.edit(file, wanted, &mut edits)?;
    }
    if reaches_all {
        edit_images(file, wanted, &mut edits)?;
        edits.end_with_newline();
    }
    // Places in a text are found in what the other edits leave.
    let edited = edits.finish()?;
    reached.try_fold(edited, |edited, kind| kind.edit_text(file, wanted, edited))
}

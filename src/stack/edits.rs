//! The edits of one file, gathered from the kinds that claim it and carried out together. An edit whose class of change is
//! not wanted is left out here, in one place.

mod members;
mod shared;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use super::document::Document;
use super::facts::Fault;
use super::wanted::Wanted;
use crate::policy::{ChangeClass, Wishes};
use crate::yaml::{self, Editor, Node, Path, YamlError};

pub(super) use members::{ItemPlace, KeyRename, NewDocument, NewItem, NewKey};

/// Where a newline is added, as [`EditNote::at`] names it.
pub(crate) const AT_END: &str = "end";

/// A place in a text that has no keys, as [`EditNote::at`] names it.
pub(crate) const AT_TEXT: &str = "text";

/// What one edit does, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EditNote {
    /// The line of the file as it is, counted from 1.
    pub line: usize,
    /// The place: `config.kubernetesVersion`.
    pub at: String,
    /// What stands there; nothing where something is added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What will stand there; nothing where something is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The class of change.
    pub class: ChangeClass,
}

/// The edits of one file.
pub struct FileEdits<'f> {
    file: &'f Document,
    siblings: &'f [&'f Document],
    wishes: &'f Wishes,
    editor: Option<Editor<'f>>,
    splices: Vec<(Range<usize>, String)>,
    ends: Option<&'static str>,
    notes: Vec<EditNote>,
    sets: Vec<Set>,
    /// The same by document, place and value: there may be thousands.
    known_sets: HashSet<(usize, Path, String)>,
    /// Whether edits are made wherever they stand: one of those that belong together is wanted.
    is_together: bool,
}

/// A scalar that gets a value.
struct Set {
    document: usize,
    path: Path,
    value: String,
    /// Why it cannot be written where it is read: an alias or a `<<` brings it from where it is written.
    elsewhere: Option<Fault>,
    /// Whether it is claimed by its text, so that it is claimed wherever an alias shows it.
    is_by_text: bool,
}

/// A file as it will be.
pub struct Edited {
    /// Its text.
    pub text: Arc<str>,
    /// The text as it was parsed, where the proof of the edits has done so.
    pub yaml: Option<Arc<yaml::File>>,
    /// What was done.
    pub notes: Vec<EditNote>,
}

impl<'f> FileEdits<'f> {
    /// Returns an empty set of edits; `siblings` are the files of the same source tree.
    pub fn new(file: &'f Document, siblings: &'f [&'f Document], wanted: &'f Wanted<'f>) -> Self {
        Self::of(file, siblings, wanted.wishes)
    }

    fn of(file: &'f Document, siblings: &'f [&'f Document], wishes: &'f Wishes) -> Self {
        Self {
            file,
            siblings,
            wishes,
            editor: None,
            splices: Vec::new(),
            ends: None,
            notes: Vec::new(),
            sets: Vec::new(),
            known_sets: HashSet::new(),
            is_together: false,
        }
    }

    /// Makes edits that belong together: all of them where one of their lines is wanted, else none.
    pub fn together(
        &mut self,
        class: ChangeClass,
        lines: &[usize],
        edit: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if !lines.iter().any(|line| self.wants(class, *line)) {
            return Ok(());
        }
        let around = std::mem::replace(&mut self.is_together, true);
        let edited = edit(self);
        // Before the result is looked at: a fault must not leave the gate open.
        self.is_together = around;
        edited
    }

    /// Finds another file of the same source tree by its path.
    pub(crate) fn find_sibling(&self, path: &str) -> Option<&'f Document> {
        let mut siblings = self.siblings.iter().copied();
        siblings.find(|file| file.path() == path)
    }

    /// Sets a scalar, unless it has that value already.
    pub fn set(
        &mut self,
        document: usize,
        path: &Path,
        value: &str,
        class: ChangeClass,
    ) -> Result<(), Fault> {
        let Some(node) = self.node(document, path) else {
            return Ok(());
        };
        if node.as_str() == Some(value) || !self.wants(class, node.line()) {
            return Ok(());
        }
        // Two manifests may read one value.
        let known = (document, path.clone(), value.to_owned());
        if self.known_sets.contains(&known) {
            return Ok(());
        }
        let edited = self.edit(|editor| editor.set(document, path, value).map(drop));
        let elsewhere = match edited {
            Ok(()) => None,
            Err(error) => {
                let mut fault = self.fault(&error);
                fault.message = format!("{}; it is to become {value}", fault.message);
                // An edit at the anchor may bring the value here, too: `check_shared` knows when all edits are made.
                if !matches!(error, YamlError::Elsewhere { .. }) {
                    return Err(fault);
                }
                Some(fault)
            }
        };
        if elsewhere.is_none() {
            self.notes.push(EditNote {
                line: node.line(),
                at: path.to_string(),
                from: node.as_str().map(str::to_owned),
                to: Some(value.to_owned()),
                class,
            });
        }
        self.known_sets.insert(known);
        self.sets.push(Set {
            document,
            path: path.clone(),
            value: value.to_owned(),
            elsewhere,
            is_by_text: false,
        });
        Ok(())
    }

    /// Sets a scalar of free values as [`FileEdits::set`] does. It is claimed by its text: wherever an alias shows it, it is claimed.
    pub(crate) fn set_by_text(
        &mut self,
        document: usize,
        path: &Path,
        value: &str,
        class: ChangeClass,
    ) -> Result<(), Fault> {
        let count = self.sets.len();
        self.set(document, path, value, class)?;
        // None where the edit was not wanted, or was made before.
        for set in &mut self.sets[count..] {
            set.is_by_text = true;
        }
        Ok(())
    }

    /// Replaces bytes of a file that is no YAML; `at` names the place for people.
    pub fn splice(&mut self, at: &str, range: Range<usize>, text: &str, class: ChangeClass) {
        let found = &self.file.text()[range.clone()];
        let line = 1 + self.file.text()[..range.start].matches('\n').count();
        if found == text || !self.wants(class, line) {
            return;
        }
        self.notes.push(EditNote {
            line,
            at: at.to_owned(),
            from: Some(found.to_owned()),
            to: Some(text.to_owned()),
            class,
        });
        self.splices.push((range, text.to_owned()));
    }

    /// Ends the file with a line break. That is a repair of its own, made where repairs are asked for by name: a file that is
    /// edited for another reason keeps its end as it is.
    pub(crate) fn end_with_newline(&mut self) {
        let text = self.file.text();
        let is_asked = self.wishes.asks_for(ChangeClass::Repair);
        let line = text.lines().count();
        let is_ended = text.is_empty() || text.ends_with('\n');
        if is_ended || !is_asked || !self.wants(ChangeClass::Repair, line) {
            return;
        }
        self.ends = Some(if text.contains("\r\n") { "\r\n" } else { "\n" });
        self.notes.push(EditNote {
            line,
            at: AT_END.to_owned(),
            from: None,
            to: Some("a line break".to_owned()),
            class: ChangeClass::Repair,
        });
    }

    /// Returns the file as it will be; nothing where there is nothing to do.
    pub fn finish(mut self) -> Result<Option<Edited>, Fault> {
        // First, as an edit behind an alias leaves no note: nothing to do and nothing possible would look alike.
        self.check_shared()?;
        if self.notes.is_empty() {
            return Ok(None);
        }
        let ends = self.ends.unwrap_or_default();
        if let Some(editor) = self.editor.take() {
            let finished = editor.finish_among(self.file.texts());
            let yaml = finished.map_err(|error| self.fault(&error))?;
            if !ends.is_empty() {
                // It is read again with the other files of the stack.
                return Ok(Some(Edited {
                    text: format!("{}{ends}", yaml.text()).into(),
                    yaml: None,
                    notes: self.notes,
                }));
            }
            return Ok(Some(Edited {
                text: yaml.shared_text().clone(),
                yaml: Some(yaml),
                notes: self.notes,
            }));
        }
        let mut text = self.file.text().to_string();
        // From the end on, so that the places of the others stay where they are.
        self.splices
            .sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        for (range, new) in &self.splices {
            text.replace_range(range.clone(), new);
        }
        text.push_str(ends);
        Ok(Some(Edited {
            text: text.into(),
            yaml: None,
            notes: self.notes,
        }))
    }

    /// Finds a place of the file as it is.
    pub fn node(&self, document: usize, path: &Path) -> Option<&'f Node> {
        self.file.documents().get(document)?.at(path)
    }

    /// Tells whether an edit of this class is wanted on a line. It is the one gate: every edit above asks it before it is made.
    pub fn wants(&self, class: ChangeClass, line: usize) -> bool {
        if self.is_together {
            return self.wishes.wants(class);
        }
        self.wishes.wants_at(class, self.file.path(), line)
    }

    fn edit(
        &mut self,
        edit: impl FnOnce(&mut Editor<'f>) -> Result<(), YamlError>,
    ) -> Result<(), YamlError> {
        if self.editor.is_none() {
            self.editor = self.file.yaml().map(yaml::File::edit);
        }
        match &mut self.editor {
            Some(editor) => edit(editor),
            None => Ok(()),
        }
    }

    fn fault(&self, error: &YamlError) -> Fault {
        Fault::of_yaml(self.file.path(), error)
    }
}

#[cfg(test)]
mod tests;

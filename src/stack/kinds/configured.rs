//! Files with places that the configuration names (`references`). The configuration claims them, whatever the file is: it may be of
//! another kind too. A place is a path in YAML or a pattern in the text, and says what the template of its entry says.

use super::{Document, Facts, Fault, FileEdits, FileKind, Role, Wanted};
use crate::config::CONFIG_FILE;
use crate::policy::ChangeClass;
use crate::stack::configured::{ConfiguredReference, Values};
use crate::stack::edits::{AT_TEXT, EditNote, Edited};
use crate::stack::facts::Reference;
use crate::yaml::{Node, Path};

#[derive(Debug)]
pub(in crate::stack) struct ConfiguredPlaces;

impl FileKind for ConfiguredPlaces {
    fn name(&self) -> &'static str {
        "configured references"
    }

    fn role(&self) -> Role {
        Role::Configured
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        for reference in file.configured() {
            for found in scalars(file, reference)? {
                let at = found.path.to_string();
                let stated = stated(file, reference, found.node.line(), at, found.value);
                facts.references.push(stated);
            }
            for range in reference.find_in(file.text()) {
                let line = line_of(file.text(), range.start);
                let value = &file.text()[range];
                let stated = stated(file, reference, line, AT_TEXT.to_owned(), value);
                facts.references.push(stated);
            }
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let Some(values) = &wanted.references else {
            return Ok(());
        };
        for reference in file.configured() {
            let Ok(new) = reference.value.fill(&values.after) else {
                continue;
            };
            for found in scalars(file, reference)? {
                let class = class_of(reference, found.value, &values.before, wanted);
                edits.set(found.document, found.path, &new, class)?;
            }
        }
        Ok(())
    }

    fn edit_text(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edited: Option<Edited>,
    ) -> Option<Edited> {
        let Some(values) = &wanted.references else {
            return edited;
        };
        let (mut text, mut notes) = match &edited {
            Some(edited) => (edited.text.to_string(), edited.notes.clone()),
            None => (file.text().to_string(), Vec::new()),
        };
        let count = notes.len();
        for reference in file.configured() {
            let Ok(new) = reference.value.fill(&values.after) else {
                continue;
            };
            // From the end, so that the places before stay where they were found.
            for range in reference.find_in(&text).into_iter().rev() {
                let found = text[range.clone()].to_owned();
                let class = class_of(reference, &found, &values.before, wanted);
                let line = line_of(&text, range.start);
                if found == new || !wanted.wishes.wants_at(class, file.path(), line) {
                    continue;
                }
                notes.push(EditNote {
                    line,
                    at: AT_TEXT.to_owned(),
                    from: Some(found),
                    to: Some(new.clone()),
                    class,
                });
                text.replace_range(range, &new);
            }
        }
        // Without a change of text, the parse that came with the other edits still holds.
        if notes.len() == count {
            return edited;
        }
        notes.sort_by_key(|note| note.line);
        Some(Edited {
            text: text.into(),
            // What was parsed is the text before this.
            yaml: None,
            notes,
        })
    }
}

fn stated(
    file: &Document,
    reference: &ConfiguredReference,
    line: usize,
    at: String,
    value: &str,
) -> Reference {
    Reference {
        file: file.path().to_owned(),
        role: file.role(),
        line,
        at,
        value: value.to_owned(),
        fact: reference.fact(),
    }
}

/// A scalar that a reference is about.
struct Scalar<'f> {
    document: usize,
    path: &'f Path,
    node: &'f Node,
    value: &'f str,
}

/// Finds the scalars at a reference's path, in every document that has it.
fn scalars<'f>(
    file: &'f Document,
    reference: &'f ConfiguredReference,
) -> Result<Vec<Scalar<'f>>, Fault> {
    let Some(path) = reference.path() else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (document, root) in file.documents().iter().enumerate() {
        let Some(node) = root.at(path) else {
            continue;
        };
        if node.is_map() || node.is_seq() {
            let message = format!(
                "`{path}` is not a plain value, which the reference at {CONFIG_FILE}:{} needs",
                reference.line
            );
            let hint = format!("correct the path in {CONFIG_FILE}");
            return Err(Fault::new(file.path(), node.line(), message, hint));
        }
        found.extend(node.as_str().map(|value| Scalar {
            document,
            path,
            node,
            value,
        }));
    }
    Ok(found)
}

/// Returns the class of the change that puts another text where this one stands. What was not right before is repaired; what was
/// moves with the stack.
fn class_of(
    reference: &ConfiguredReference,
    found: &str,
    before: &Values,
    wanted: &Wanted<'_>,
) -> ChangeClass {
    if reference.value.fill(before).as_deref() != Ok(found) {
        ChangeClass::Repair
    } else if wanted.line != wanted.line_before {
        ChangeClass::NewMinor
    } else if reference.value.follows_default() {
        ChangeClass::NewPatch
    } else {
        ChangeClass::Addons
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

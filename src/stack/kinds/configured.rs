//! Files with places that the configuration names (`references`). The configuration claims them, whatever the file is: it may be of
//! another kind too. A place is a path in YAML or a pattern in the text, and says what the template of its entry says.

use std::ops::Range;

use super::{Document, Facts, Fault, FileEdits, FileKind, Role, Wanted};
use crate::config::CONFIG_FILE;
use crate::policy::ChangeClass;
use crate::stack::configured::{ConfiguredReference, ReferenceValues, Values};
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
            let mut lines = LineCounter::new(file.text());
            for range in reference.find_in(file.text()) {
                let line = lines.line_at(range.start);
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
    ) -> Result<Option<Edited>, Fault> {
        let Some(values) = &wanted.references else {
            return Ok(edited);
        };
        let (text, mut notes) = match &edited {
            Some(edited) => (&*edited.text, edited.notes.clone()),
            None => (&**file.text(), Vec::new()),
        };
        refuse_overruled(file, text, values)?;
        let count = notes.len();
        let mut lines = LineCounter::new(text);
        let mut written = String::with_capacity(text.len());
        let mut end = 0;
        for place in text_places(file, text, values)? {
            let found = &text[place.range.clone()];
            let class = class_of(place.reference, found, &values.before, wanted);
            let line = lines.line_at(place.range.start);
            if found == place.new || !wanted.wishes.wants_at(class, file.path(), line) {
                continue;
            }
            written += &text[end..place.range.start];
            written += &place.new;
            end = place.range.end;
            notes.push(EditNote {
                line,
                at: AT_TEXT.to_owned(),
                from: Some(found.to_owned()),
                to: Some(place.new),
                class,
            });
        }
        written += &text[end..];
        // Without a change of text, the parse that came with the other edits still holds.
        if notes.len() == count {
            return Ok(edited);
        }
        notes.sort_by_key(|note| note.line);
        Ok(Some(Edited {
            text: written.into(),
            // What was parsed is the text before this.
            yaml: None,
            notes,
        }))
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

/// A place that a pattern finds in a text, and what is to stand there.
struct TextPlace<'f> {
    range: Range<usize>,
    reference: &'f ConfiguredReference,
    new: String,
}

/// Finds the places of all patterns, in the order in which they stand. Entries that say the same of one place count once.
fn text_places<'f>(
    file: &'f Document,
    text: &str,
    values: &ReferenceValues,
) -> Result<Vec<TextPlace<'f>>, Fault> {
    let mut found = Vec::new();
    for reference in file.configured() {
        let Ok(new) = reference.value.fill(&values.after) else {
            continue;
        };
        let ranges = reference.find_in(text).into_iter();
        found.extend(ranges.map(|range| TextPlace {
            range,
            reference,
            new: new.clone(),
        }));
    }
    found.sort_by_key(|place| place.range.start);
    let mut places: Vec<TextPlace<'f>> = Vec::new();
    for place in found {
        match places.last() {
            Some(one) if one.range == place.range && one.new == place.new => {}
            // What two entries say of one place they would undo for each other in every run.
            Some(one) if place.range.start < one.range.end => {
                return Err(contradiction(file, text, one, &place));
            }
            Some(_) | None => places.push(place),
        }
    }
    Ok(places)
}

fn contradiction(file: &Document, text: &str, one: &TextPlace<'_>, other: &TextPlace<'_>) -> Fault {
    let message = format!(
        "`references` on lines {} and {} of {CONFIG_FILE} set this place to `{}` and to `{}`",
        one.reference.line, other.reference.line, one.new, other.new
    );
    let line = LineCounter::new(text).line_at(other.range.start);
    let hint = format!("remove one of the two from {CONFIG_FILE}");
    Fault::new(file.path(), line, message, hint)
}

/// Refuses an entry that would write over what another edit of this run has just written: the next run would turn it back.
fn refuse_overruled(file: &Document, edited: &str, values: &ReferenceValues) -> Result<(), Fault> {
    for reference in file.configured() {
        let Ok(new) = reference.value.fill(&values.after) else {
            continue;
        };
        let (before, after) = (reference.find_in(file.text()), reference.find_in(edited));
        // Where places come or go, it cannot be told which one was written.
        if before.len() != after.len() {
            continue;
        }
        let overruled = before.into_iter().zip(after).find(|(old, now)| {
            edited[now.clone()] != file.text()[old.clone()] && edited[now.clone()] != *new
        });
        if let Some((old, now)) = overruled {
            let message = format!(
                "`references` on line {} of {CONFIG_FILE} sets this place to `{new}`, and another edit sets it to `{}`",
                reference.line, &edited[now]
            );
            let line = LineCounter::new(file.text()).line_at(old.start);
            let hint = format!("correct the template in {CONFIG_FILE}, or remove the entry");
            return Err(Fault::new(file.path(), line, message, hint));
        }
    }
    Ok(())
}

/// Counts the lines of a text up to places that are asked for in their order, so that many of them cost one walk.
struct LineCounter<'t> {
    text: &'t str,
    counted: usize,
    line: usize,
}

impl<'t> LineCounter<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            counted: 0,
            line: 1,
        }
    }

    fn line_at(&mut self, place: usize) -> usize {
        self.line += self.text[self.counted..place].matches('\n').count();
        self.counted = place;
        self.line
    }
}

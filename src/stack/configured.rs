//! References that users add in the configuration file: the files they are in, what stands there, and the edits that state the wanted
//! facts. It decides nothing about versions; a reference says what its template says.

mod glob;
mod template;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::document::Document;
use super::edits::{AT_TEXT, EditNote, Edited, FileEdits};
use super::facts::{Fact, Fault, Reference};
use super::stated::Facts;
use super::wanted::Wanted;
use crate::config::{CONFIG_FILE, ReferenceConfig};
use crate::policy::ChangeClass;
use crate::yaml::{self, Node, Path};
use glob::Glob;
use template::ValueTemplate;
pub(super) use template::Values;

/// What stands for the value in a pattern.
const VALUE: &str = "{value}";

/// The references of a configuration file.
#[derive(Debug, Clone, Default)]
pub struct ConfiguredReferences(Arc<[Arc<ConfiguredReference>]>);

/// One entry of `references`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfiguredReference {
    line: usize,
    files: Glob,
    place: Place,
    pub(super) value: ValueTemplate,
    stack: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Path(Path),
    Text { before: String, after: String },
}

/// A configured reference that says nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The entry, for people.
    pub reference: String,
    /// Why.
    pub reason: UnmetReason,
}

/// Why a configured reference says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnmetReason {
    /// No file of the repository has such a path.
    NoFile,
    /// Its file is outside all stacks, and it names none.
    OutsideStacks {
        /// The file.
        path: String,
    },
    /// The file has no such place.
    NoPlace {
        /// The place, as a path: `spec.version`.
        path: String,
    },
    /// Nothing in the file is like this.
    NoText {
        /// The text around the value, with a place for it.
        pattern: String,
        /// The value's form.
        value: String,
    },
    /// A value that it is to have is not known of the stack.
    UnknownValue {
        /// The value's name.
        name: &'static str,
        /// The stack.
        stack: String,
    },
}

impl ConfiguredReferences {
    /// Reads the entries; `text` is the configuration file, for the lines of what is wrong in it.
    pub fn read(entries: &[ReferenceConfig], text: &str) -> Result<Self, Fault> {
        let file = yaml::File::parse(text).ok();
        let document = file.as_ref().and_then(|file| file.documents().first());
        let mut references = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let at = Path::root().key("references").index(index);
            let node = document.and_then(|document| document.at(&at));
            match read_entry(entry, node.map_or(1, Node::line)) {
                Ok(reference) => references.push(Arc::new(reference)),
                Err((key, message, hint)) => {
                    let message = format!("references[{index}].{key}: {message}");
                    let node = node.map(|node| node.get(key).unwrap_or(node));
                    return Err(Fault::new(CONFIG_FILE, node.map(Node::line), message, hint));
                }
            }
        }
        Ok(Self(references.into()))
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether a file can have a reference.
    pub fn takes(&self, path: &str) -> bool {
        self.0.iter().any(|reference| reference.files.takes(path))
    }

    /// Returns the paths of files that are named in full.
    pub fn plain_paths(&self) -> impl Iterator<Item = &str> {
        let plain = self.0.iter().filter(|reference| reference.files.is_plain());
        plain.map(|reference| reference.files.as_str())
    }

    /// Returns the stacks that entries name.
    pub fn stacks(&self) -> BTreeSet<&str> {
        let named = self
            .0
            .iter()
            .filter_map(|reference| reference.stack.as_deref());
        named.collect()
    }

    pub(super) fn all(&self) -> &[Arc<ConfiguredReference>] {
        &self.0
    }
}

fn read_entry(
    entry: &ReferenceConfig,
    line: usize,
) -> Result<ConfiguredReference, (&'static str, String, &'static str)> {
    const FILES: &str = "write a path relative to the repository's root; `*` stands for a part of a name, `**` for directories";
    const PLACE: &str = "write `path: spec.topology.version`, or `pattern: 'Kubernetes {value}'`";
    if entry.files.is_empty() || entry.files.starts_with('/') || entry.files.contains("..") {
        let message = format!(
            "invalid path `{}`: it does not lead below the repository's root",
            entry.files
        );
        return Err(("files", message, FILES));
    }
    if entry.files.split(['/', '\\']).any(is_of_git) {
        let message = format!("`{}` is in git's own directory", entry.files);
        return Err(("files", message, FILES));
    }
    let place = match (&entry.path, &entry.pattern) {
        (Some(path), None) => {
            let read = path.parse();
            Place::Path(read.map_err(|error: yaml::PathError| ("path", error.to_string(), PLACE))?)
        }
        (None, Some(pattern)) => read_pattern(pattern).ok_or_else(|| {
            let message =
                format!("`{pattern}` does not have one `{VALUE}` with text before it, on one line");
            ("pattern", message, PLACE)
        })?,
        (Some(_), Some(_)) => {
            let message = "an entry has a `path` or a `pattern`, not both".to_owned();
            return Err(("pattern", message, PLACE));
        }
        (None, None) => {
            return Err(("files", "`path` or `pattern` is missing".to_owned(), PLACE));
        }
    };
    let value = entry
        .value
        .parse()
        .map_err(|message| ("value", message, "docs/configuration.md lists the values"))?;
    Ok(ConfiguredReference {
        line,
        files: Glob::read(&entry.files).map_err(|message| ("files", message, FILES))?,
        place,
        value,
        stack: entry.stack.clone(),
    })
}

/// Tells whether a part of a path is git's own directory, in any spelling that a file system takes for it.
pub(crate) fn is_of_git(part: &str) -> bool {
    let plain = part.trim_end_matches(['.', ' ']);
    plain.eq_ignore_ascii_case(".git") || plain.eq_ignore_ascii_case("git~1")
}

fn read_pattern(pattern: &str) -> Option<Place> {
    let (before, after) = pattern.split_once(VALUE)?;
    let is_one = !after.contains(VALUE) && !before.is_empty() && !pattern.contains(['\n', '\r']);
    is_one.then(|| Place::Text {
        before: before.to_owned(),
        after: after.to_owned(),
    })
}

impl ConfiguredReference {
    /// Tells whether its files can be among those of a stack with this title, in this directory.
    pub(super) fn is_of(&self, title: &str, directory: &str) -> bool {
        let named = self.stack.as_deref().map(|name| name.trim_end_matches('/'));
        named.is_none_or(|name| name == title || name == directory)
    }

    pub(super) fn names_stack(&self) -> bool {
        self.stack.is_some()
    }

    pub(super) fn takes(&self, path: &str) -> bool {
        self.files.takes(path)
    }

    pub(super) fn needs_yaml(&self) -> bool {
        matches!(self.place, Place::Path(_))
    }

    pub(super) fn unmet(&self, reason: UnmetReason) -> Unmet {
        Unmet {
            reference: format!(
                "reference in {} ({CONFIG_FILE}:{})",
                self.files.as_str(),
                self.line
            ),
            reason,
        }
    }

    pub(super) fn fact(&self) -> Fact {
        Fact::Configured {
            entry: self.line,
            template: self.value.to_string(),
        }
    }

    /// Says that its place is not in its files.
    pub(super) fn not_found(&self) -> UnmetReason {
        match &self.place {
            Place::Path(path) => UnmetReason::NoPlace {
                path: path.to_string(),
            },
            Place::Text { before, after } => UnmetReason::NoText {
                pattern: format!("{before}{VALUE}{after}"),
                value: self.value.to_string(),
            },
        }
    }

    /// Finds the places of a text.
    fn find_in(&self, text: &str) -> Vec<Range<usize>> {
        let Place::Text { before, after } = &self.place else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(offset) = text[at..].find(before.as_str()) {
            let start = at + offset + before.len();
            match find_value(&text[start..], after, &self.value) {
                Some(length) => {
                    found.push(start..start + length);
                    at = start + length;
                }
                None => at = start,
            }
        }
        found
    }

    /// Returns the class of the change that puts another text where this one stands.
    fn class(&self, found: &str, before: &Values, wanted: &Wanted<'_>) -> ChangeClass {
        if self.value.fill(before).as_deref() != Ok(found) {
            ChangeClass::Repair
        } else if wanted.line != wanted.line_before {
            ChangeClass::NewMinor
        } else if self.value.follows_default() {
            ChangeClass::NewPatch
        } else {
            ChangeClass::Addons
        }
    }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || "\"'`<>()[]{},;|".contains(c)
}

/// Finds the length of the value at the beginning of a text: one word of the template's shape, before the text that follows it.
fn find_value(text: &str, after: &str, value: &ValueTemplate) -> Option<usize> {
    let word = &text[..text.find(ends_word).unwrap_or(text.len())];
    if after.is_empty() {
        let trimmed = word.trim_end_matches(['.', ':', '-', '!', '?']);
        let fitting = [word, trimmed].into_iter().find(|word| value.fits(word));
        return fitting.map(str::len);
    }
    let mut ends = word.char_indices().map(|(at, c)| at + c.len_utf8());
    ends.find(|end| text[*end..].starts_with(after) && value.fits(&text[..*end]))
}

/// Adds what the configured references of a file say.
pub(super) fn read(
    file: &Document,
    references: &[Arc<ConfiguredReference>],
    facts: &mut Facts,
) -> Result<(), Fault> {
    for reference in references {
        let mut found = Vec::new();
        for (_, path, node, value) in nodes(file, reference)? {
            found.push((node.line(), path.to_string(), value));
        }
        for range in reference.find_in(file.text()) {
            let line = line_of(file.text(), range.start);
            found.push((line, AT_TEXT.to_owned(), &file.text()[range]));
        }
        facts
            .references
            .extend(found.into_iter().map(|(line, at, value)| Reference {
                file: file.path().to_owned(),
                role: file.role(),
                line,
                at,
                value: value.to_owned(),
                fact: reference.fact(),
            }));
    }
    Ok(())
}

type Found<'f> = (usize, &'f Path, &'f Node, &'f str);

/// Finds the scalars at a reference's path, in every document that has it.
fn nodes<'f>(
    file: &'f Document,
    reference: &'f ConfiguredReference,
) -> Result<Vec<Found<'f>>, Fault> {
    let Place::Path(path) = &reference.place else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (index, document) in file.documents().iter().enumerate() {
        let Some(node) = document.at(path) else {
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
        found.extend(node.as_str().map(|value| (index, path, node, value)));
    }
    Ok(found)
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// The values before and after a change, for the configured references of a stack.
pub(crate) struct ReferenceValues(pub(super) Option<(Values, Values)>);

/// Adds the edits of the configured references in YAML.
pub(crate) fn edit(
    (file, references): (&Document, &[Arc<ConfiguredReference>]),
    (values, wanted): (&ReferenceValues, &Wanted<'_>),
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    let Some((before, after)) = &values.0 else {
        return Ok(());
    };
    for reference in references {
        let Ok(new) = reference.value.fill(after) else {
            continue;
        };
        for (document, path, _, found) in nodes(file, reference)? {
            edits.set(document, path, &new, reference.class(found, before, wanted))?;
        }
    }
    Ok(())
}

/// Puts the values into the places of a text that configured references name, after all other edits.
pub(crate) fn edit_text(
    (file, references): (&Document, &[Arc<ConfiguredReference>]),
    (values, wanted): (&ReferenceValues, &Wanted<'_>),
    edited: Option<Edited>,
) -> Option<Edited> {
    let Some((before, after)) = &values.0 else {
        return edited;
    };
    let (mut text, mut notes) = match &edited {
        Some(edited) => (edited.text.to_string(), edited.notes.clone()),
        None => (file.text().to_string(), Vec::new()),
    };
    let mut changed = false;
    for reference in references {
        let Ok(new) = reference.value.fill(after) else {
            continue;
        };
        for range in reference.find_in(&text).into_iter().rev() {
            let found = text[range.clone()].to_owned();
            let class = reference.class(&found, before, wanted);
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
            changed = true;
        }
    }
    if !changed {
        return edited;
    }
    notes.sort_by_key(|note| note.line);
    Some(Edited {
        text: text.into(),
        yaml: None,
        notes,
    })
}

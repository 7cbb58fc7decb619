//! References that users add in the configuration file: the files they are in, where they stand there, and the template of what they
//! say. The kind of file that reads and writes them is `kinds::configured`.

mod glob;
mod template;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::config_entry::EntryError;
use super::facts::{Fact, Fault};
use crate::config::{CONFIG_FILE, ReferenceConfig};
use crate::yaml::{self, Node, Path};
use glob::Glob;
use template::ValueTemplate;
pub(super) use template::{Value, Values};

/// What stands for the value in a pattern.
const VALUE: &str = "{value}";

/// The references of a configuration file.
#[derive(Debug, Clone, Default)]
pub struct ConfiguredReferences(Arc<[Arc<ConfiguredReference>]>);

/// One entry of `references`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfiguredReference {
    /// The line of the entry in the configuration file.
    pub(super) line: usize,
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
        // For the lines alone: whether it is YAML was said when the configuration was read.
        let file = yaml::File::parse(text).ok();
        let document = file.as_ref().and_then(|file| file.documents().first());
        let mut references = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let at = Path::root().key("references").index(index);
            let node = document.and_then(|document| document.at(&at));
            let reference = read_entry(entry, node.map_or(1, Node::line))
                .map_err(|error| error.into_fault("references", index, text))?;
            references.push(Arc::new(reference));
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
    pub(crate) fn plain_paths(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(|reference| reference.files.is_plain())
            .map(|reference| reference.files.as_str())
    }

    /// Returns the stacks that entries name.
    pub fn stacks(&self) -> BTreeSet<&str> {
        self.0
            .iter()
            .filter_map(|reference| reference.stack.as_deref())
            .collect()
    }

    pub(super) fn all(&self) -> &[Arc<ConfiguredReference>] {
        &self.0
    }
}

fn read_entry(entry: &ReferenceConfig, line: usize) -> Result<ConfiguredReference, EntryError> {
    const FILES: &str = "write a path relative to the repository's root; `*` stands for a part of a name, `**` for directories";
    const VALUES: &str = "docs/configuration.md lists the values";
    const PLACE: &str = "write `path: spec.topology.version`, or `pattern: 'Kubernetes {value}'`";
    if entry.files.is_empty() || entry.files.starts_with('/') || entry.files.contains("..") {
        let message = format!(
            "invalid path `{}`: it does not lead below the repository's root",
            entry.files
        );
        return Err(EntryError::new("files", message, FILES));
    }
    // A backslash parts directories on Windows.
    if entry.files.split(['/', '\\']).any(is_of_git) {
        let message = format!("`{}` is in git's own directory", entry.files);
        return Err(EntryError::new("files", message, FILES));
    }
    let place = match (&entry.path, &entry.pattern) {
        (Some(path), None) => {
            Place::Path(path.parse().map_err(|error: yaml::PathError| {
                EntryError::new("path", error.to_string(), PLACE)
            })?)
        }
        (None, Some(pattern)) => read_pattern(pattern).ok_or_else(|| {
            let message =
                format!("`{pattern}` does not have one `{VALUE}` with text before it, on one line");
            EntryError::new("pattern", message, PLACE)
        })?,
        (Some(_), Some(_)) => {
            let message = "an entry has a `path` or a `pattern`, not both";
            return Err(EntryError::new("pattern", message, PLACE));
        }
        (None, None) => {
            let message = "`path` or `pattern` is missing";
            return Err(EntryError::new("files", message, PLACE));
        }
    };
    let read = entry.value.parse();
    let value = read.map_err(|message: String| EntryError::new("value", message, VALUES))?;
    Ok(ConfiguredReference {
        line,
        files: Glob::read(&entry.files)
            .map_err(|message| EntryError::new("files", message, FILES))?,
        place,
        value,
        stack: entry.stack.clone(),
    })
}

/// Tells whether a part of a path is git's own directory, in any spelling that a file system takes for it.
pub(crate) fn is_of_git(part: &str) -> bool {
    // Windows drops dots and blanks at the end of a name, and knows `.git` by the short name `git~1`, too.
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

    /// Returns its path in a YAML file; nothing where a pattern of text says its place.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Path(path) => Some(path),
            Place::Text { .. } => None,
        }
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

    /// Finds its places in a text; none where a path says them.
    pub(super) fn find_in(&self, text: &str) -> Vec<Range<usize>> {
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
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || "\"'`<>()[]{},;|".contains(c)
}

/// Finds the length of the value at the beginning of a text: one word of the template's shape, before the text that follows it.
fn find_value(text: &str, after: &str, value: &ValueTemplate) -> Option<usize> {
    let word = &text[..text.find(ends_word).unwrap_or(text.len())];
    if after.is_empty() {
        // What ends a sentence may be part of the value too.
        let trimmed = word.trim_end_matches(['.', ':', '-', '!', '?']);
        let fitting = [word, trimmed].into_iter().find(|text| value.fits(text));
        return fitting.map(str::len);
    }
    let mut ends = word.char_indices().map(|(at, c)| at + c.len_utf8());
    ends.find(|end| text[*end..].starts_with(after) && value.fits(&text[..*end]))
}

/// What the configured references of a stack say before a change and after it.
#[derive(Debug, Clone)]
pub(crate) struct ReferenceValues {
    pub(super) before: Values,
    pub(super) after: Values,
}

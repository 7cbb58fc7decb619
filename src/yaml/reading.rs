//! The ways to read a text, one after the other: as it is, as the mask of a Helm template, by the first reader and then by
//! the second. It takes the first one that works, and of the errors the one that tells people most.

use super::confirm::confirm;
use super::error::YamlError;
use super::libyaml;
use super::node::Style;
use super::spans::{self, NodeTree, SourceText};
use super::template::{Actions, Masking, hide_lines};

pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// How a text was made readable; an edited text has to be read in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mode {
    /// How actions are masked, where they are.
    pub(super) mask: Option<Masking>,
    pub(super) reader: Reader,
    /// The branches of a template, by number, that fit nowhere and are not read.
    pub(super) unread: Vec<usize>,
}

/// The most branches of a template that are left out to read the others.
const MAX_UNREAD: usize = 16;

/// Who read a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// `granit-parser`, by the specification.
    First,
    /// [`libyaml::parse`], which reads what the first one refuses.
    Second,
}

/// A text that was read.
pub(super) struct ReadText {
    pub(super) mode: Mode,
    pub(super) mask: Option<String>,
    pub(super) tree: NodeTree,
}

impl ReadText {
    /// Reads a text without its byte order mark.
    pub(super) fn of(text: &str, template: &Actions) -> Result<Self, YamlError> {
        let written = SourceText {
            text,
            written: text,
            template,
        };
        let raw = read(&written);
        match raw {
            // `{{ x }}` reads as a map in a map, which no file means: in a template it is an action.
            Ok(read) if !read.tree.braces || template.is_empty() => Ok(read.unmasked()),
            // The second reader goes no deeper.
            Err(error @ YamlError::TooDeep { .. }) if template.is_empty() => Err(error),
            raw => Self::otherwise(&written, raw),
        }
    }

    /// Reads a text that the first reader does not take as it is.
    fn otherwise(
        written: &SourceText<'_>,
        raw: Result<Read, YamlError>,
    ) -> Result<Self, YamlError> {
        let mut masks = Vec::new();
        let mut masked_error = None;
        for masking in Masking::ALL
            .into_iter()
            .filter(|_| !written.template.is_empty())
        {
            let mask = Mask::of(written, masking);
            match read(&mask.source(written)) {
                Ok(read) => return Ok(read.masked(mask)),
                Err(error) => masked_error = masked_error.or(Some(error)),
            }
            masks.push(mask);
        }
        if raw.is_err()
            && let Some(read) = second(written)
            // Here, too, braces within braces are an action where the text has actions.
            && (masks.is_empty() || !read.tree.braces)
        {
            return Ok(read.unmasked());
        }
        for mask in &masks {
            if let Some(read) = second(&mask.source(written)) {
                return Ok(read.masked(mask.clone()));
            }
        }
        // The last way, as what is left out with a branch is not looked at.
        if raw.is_err() {
            for mask in masks {
                if let Some(reading) = mask.without_unfit_branches(written) {
                    return Ok(reading);
                }
            }
        }
        match (raw, masked_error) {
            // Where no mask makes YAML of it, `{{ x }}` is a map in a map after all.
            (Ok(read), _) => Ok(read.unmasked()),
            // Of a template, the plain text may fail at an action, which is no mistake of its author.
            (Err(_), Some(error)) | (Err(error), None) => Err(error),
        }
    }
}

/// What a reader made of a text.
struct Read {
    tree: NodeTree,
    reader: Reader,
}

impl Read {
    fn unmasked(self) -> ReadText {
        ReadText {
            mode: Mode {
                mask: None,
                reader: self.reader,
                unread: Vec::new(),
            },
            mask: None,
            tree: self.tree,
        }
    }

    fn masked(self, mask: Mask) -> ReadText {
        ReadText {
            mode: Mode {
                mask: Some(mask.masking),
                reader: self.reader,
                unread: mask.unread,
            },
            mask: Some(mask.text),
            tree: self.tree,
        }
    }
}

/// Reads a text with the first reader; with the second, where the first one reads what libyaml reads otherwise.
fn read(source: &SourceText<'_>) -> Result<Read, YamlError> {
    let tree = spans::parse(source)?;
    if is_read_otherwise(source.text, &tree)
        && let Some(read) = second(source)
    {
        return Ok(read);
    }
    Ok(Read {
        tree,
        reader: Reader::First,
    })
}

/// Returns whether libyaml may see other values: it ends lines where YAML 1.2 no longer does, skips byte order marks
/// between lines, and reads no block scalar without indentation.
fn is_read_otherwise(text: &str, tree: &NodeTree) -> bool {
    let has_odd_breaks =
        !text.is_ascii() && text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}']);
    let mut roots = tree.roots.iter();
    has_odd_breaks || roots.any(|root| root.style() == Some(Style::Block))
}

/// Reads a text with the second reader, where `serde_yaml` sees the same values in it.
fn second(source: &SourceText<'_>) -> Option<Read> {
    let tree = libyaml::parse(source)?;
    confirm(source, &tree).then_some(Read {
        tree,
        reader: Reader::Second,
    })
}

/// A template with its actions masked.
#[derive(Debug, Clone)]
struct Mask {
    text: String,
    masking: Masking,
    unread: Vec<usize>,
}

impl Mask {
    fn of(written: &SourceText<'_>, masking: Masking) -> Self {
        Self {
            text: written.template.mask(written.text, masking),
            masking,
            unread: Vec::new(),
        }
    }

    fn source<'m>(&'m self, written: &SourceText<'m>) -> SourceText<'m> {
        SourceText {
            text: &self.text,
            ..*written
        }
    }

    /// Reads a template without the branches that fit nowhere: as where an `if` adds an item in another column than that of
    /// its list, which Helm cannot read where the condition holds, and reads well where it does not.
    fn without_unfit_branches(mut self, written: &SourceText<'_>) -> Option<ReadText> {
        let branches = written.template.branches(written.text);
        for _ in 0..=MAX_UNREAD {
            let error = match read(&self.source(written)) {
                Ok(read) => return Some(read.masked(self)),
                Err(error) => error,
            };
            let line = error.line().checked_sub(1)?;
            let (number, lines) = branches
                .iter()
                .enumerate()
                .filter(|(number, lines)| lines.contains(&line) && !self.unread.contains(number))
                // The innermost branch: what stands around it may be fine.
                .min_by_key(|(_, lines)| lines.len())?;
            self.text = hide_lines(&self.text, lines, self.masking.control);
            self.unread.push(number);
        }
        None
    }
}

//! Lines, line endings and indents of a text, and putting pieces into it. It knows no YAML.

use std::cmp::Reverse;
use std::ops::Range;

const BOM: &str = "\u{feff}";

/// How a piece goes into the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// As it is.
    Exact,
    /// As whole lines, ended like this where the text goes on or ended with a line break.
    Lines(&'static str),
}

/// New text for a range of the old one.
#[derive(Debug, Clone)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
    pub(super) fit: Fit,
    /// How deep in the tree the new text belongs; of two pieces at one place the deeper one comes first.
    pub(super) depth: usize,
}

impl Splice {
    pub(super) fn replace(range: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            range,
            text: text.into(),
            fit: Fit::Exact,
            depth: 0,
        }
    }

    pub(super) fn cut(range: Range<usize>) -> Self {
        Self::replace(range, "")
    }

    pub(super) fn covers(&self, range: &Range<usize>) -> bool {
        self.range.start <= range.start && range.end <= self.range.end
    }
}

/// Puts all pieces into the text; fails with the place where two of them meet.
pub(super) fn apply(source: &str, splices: &mut [Splice]) -> Result<String, usize> {
    // What is put in where something is cut stands before the cut, else the two would meet.
    splices.sort_by_key(|splice| {
        let is_cut = !splice.range.is_empty();
        (splice.range.start, is_cut, Reverse(splice.depth))
    });
    let added: usize = splices.iter().map(|splice| splice.text.len() + 2).sum();
    let mut result = String::with_capacity(source.len() + added);
    let mut from = 0;
    for splice in splices.iter() {
        if splice.range.start < from {
            return Err(splice.range.start);
        }
        result.push_str(&source[from..splice.range.start]);
        from = splice.range.end;
        match splice.fit {
            Fit::Exact => result.push_str(&splice.text),
            Fit::Lines(ending) => {
                // A byte order mark is no line that has to be ended.
                if !result.is_empty() && !result.ends_with('\n') && result != BOM {
                    result.push_str(ending);
                }
                result.push_str(&splice.text);
                result.push_str(ending);
            }
        }
    }
    result.push_str(&source[from..]);
    // A final newline that was missing stays missing.
    if from == source.len() && !source.ends_with('\n') && result.ends_with('\n') {
        result.pop();
        if result.ends_with('\r') {
            result.pop();
        }
    }
    Ok(result)
}

/// Returns where the line of this place begins, behind a byte order mark.
pub(super) fn line_start(text: &str, place: usize) -> usize {
    match text[..place].rfind('\n') {
        Some(before) => before + 1,
        None if text.starts_with(BOM) => BOM.len().min(place),
        None => 0,
    }
}

/// Returns where the line of this place ends, before its line break.
pub(super) fn line_end(text: &str, place: usize) -> usize {
    let end = text[place..].find('\n').map_or(text.len(), |at| place + at);
    if end > place && end < text.len() && text.as_bytes()[end - 1] == b'\r' {
        end - 1
    } else {
        end
    }
}

/// Returns where the line after this place begins, or the end of the text.
pub(super) fn next_line(text: &str, place: usize) -> usize {
    text[place..]
        .find('\n')
        .map_or(text.len(), |at| place + at + 1)
}

/// Returns the line break of the line above this place, or else of the first line.
pub(super) fn line_break(text: &str, place: usize) -> &'static str {
    let above = text[..place].rfind('\n').or_else(|| text.find('\n'));
    match above {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Returns whether nothing but spaces stands before this place in its line.
pub(super) fn is_first_on_line(text: &str, place: usize) -> bool {
    text[line_start(text, place)..place]
        .bytes()
        .all(|byte| byte == b' ')
}

/// Returns the spaces that bring a new line to the column of this place; nothing if there are tabs before it.
pub(super) fn indent(text: &str, place: usize) -> Option<String> {
    let before = &text[line_start(text, place)..place];
    if before.contains('\t') {
        return None;
    }
    Some(" ".repeat(before.chars().count()))
}

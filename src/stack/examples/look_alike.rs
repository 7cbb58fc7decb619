//! What looks like a version or a release of a stack and is no example, with the reason.

use std::ops::Range;

use super::choose::Chosen;
use super::why_not::{Excluded, WhyNot};
use super::{meets, name};
use crate::version::{KubernetesVersion, Minor};

/// Something that looks like a version or a release, and why it is no example of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclaimed {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// Its line, counted from 1.
    pub line: usize,
    /// Why it is none.
    pub reason: WhyNot,
}

/// Finds what looks like a version or a release in a text and is not claimed.
pub(super) fn look_alikes(text: &str, chosen: &Chosen, regions: &[Excluded]) -> Vec<Unclaimed> {
    let values = chosen.examples.iter().flat_map(|example| &example.values);
    let claimed: Vec<&Range<usize>> = values.map(|value| &value.range).collect();
    let mut found: Vec<Range<usize>> = words(text);
    let noted = chosen.notes.iter().map(|note| note.range.clone());
    found.extend(noted.filter(|part| is_value(&text[part.clone()])));
    found.sort_by_key(|range| (range.start, range.end));
    found.dedup();
    found.retain(|range| !claimed.iter().any(|claimed| meets(claimed, range)));
    let unclaimed = found.into_iter().map(|range| Unclaimed {
        line: 1 + text[..range.start].matches('\n').count(),
        reason: reason_of(&range, chosen, regions),
        range,
    });
    unclaimed.collect()
}

/// Returns what was said of the smallest part around a place, the nearest reason; else what the largest region around it is, as
/// code in a table is of the table.
fn reason_of(range: &Range<usize>, chosen: &Chosen, regions: &[Excluded]) -> WhyNot {
    let notes = chosen.notes.iter().filter(|note| note.holds(range));
    let around = regions.iter().filter(|region| region.holds(range));
    notes
        .min_by_key(|note| note.range.len())
        .or_else(|| around.max_by_key(|region| region.range.len()))
        .map_or(WhyNot::Prose, |nearest| nearest.reason.clone())
}

/// Finds the words that are a Kubernetes version in full or the name of a release.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find(name::is_name_char) {
        let start = at + offset;
        let rest = &text[start..];
        let length = rest.find(|c| !name::is_name_char(c)).unwrap_or(rest.len());
        at = start + length;
        let word = rest[..length].trim_end_matches(['.', '-']);
        if word.parse::<KubernetesVersion>().is_ok() || name::looks_like_release(word) {
            found.push(start..start + word.len());
        }
    }
    found
}

fn is_value(text: &str) -> bool {
    text.parse::<Minor>().is_ok() || text.parse::<crate::version::StackVersion>().is_ok()
}

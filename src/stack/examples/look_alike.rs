//! What looks like a version or a release of a stack and is no example, with the reason.

use std::ops::Range;

use super::choose::Chosen;
use super::markdown::Region;
use super::name;
use super::why_not::WhyNot;
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
pub(super) fn look_alikes(
    text: &str,
    chosen: &Chosen,
    regions: &[(Range<usize>, Region)],
) -> Vec<Unclaimed> {
    let values = chosen.examples.iter().flat_map(|example| &example.values);
    let claimed: Vec<&Range<usize>> = values.map(|value| &value.range).collect();
    let mut found: Vec<Range<usize>> = words(text);
    let stated = chosen.notes.iter().map(|(part, _)| part);
    found.extend(
        stated
            .filter(|part| is_value(&text[(*part).clone()]))
            .cloned(),
    );
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

/// Returns what was said of the smallest part around a place: the nearest reason.
fn reason_of(range: &Range<usize>, chosen: &Chosen, regions: &[(Range<usize>, Region)]) -> WhyNot {
    let around = chosen.notes.iter().filter(|(part, _)| holds(part, range));
    let nearest = around.min_by_key(|(part, _)| part.len());
    nearest
        .map(|(_, reason)| reason.clone())
        .or_else(|| region_of(range, regions))
        .unwrap_or(WhyNot::Prose)
}

fn region_of(range: &Range<usize>, regions: &[(Range<usize>, Region)]) -> Option<WhyNot> {
    let around = regions.iter().filter(|(part, _)| holds(part, range));
    let (_, region) = around.max_by_key(|(part, _)| part.len())?;
    Some(match region {
        Region::Heading => WhyNot::Heading,
        Region::Table => WhyNot::Table,
        Region::Html => WhyNot::Html,
        Region::Span => WhyNot::Span,
    })
}

fn holds(part: &Range<usize>, range: &Range<usize>) -> bool {
    part.start <= range.start && range.end <= part.end
}

fn meets(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
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

//! What looks like a version or a release of a stack and is no example, with the reason.

use std::fmt;
use std::ops::Range;

use super::choose::Chosen;
use super::markdown::Region;
use super::name;
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

/// Why something is no example of a stack. It prints as a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// It stands in a sentence.
    Prose,
    /// It stands in a heading.
    Heading,
    /// It stands in a table.
    Table,
    /// It stands in HTML, which may not be shown.
    Html,
    /// It stands in a sentence, as code.
    Span,
    /// It stands below a heading about the past.
    Past(String),
    /// It stands in a text that shows a change.
    Difference,
    /// The code is no resource and no command that names the stack's release.
    OtherCode,
    /// It belongs to a resource of another kind.
    OtherKind(String),
    /// It belongs to a `Cluster` of another class, or one that cannot be known.
    OtherClass(String),
    /// It belongs to a `Cluster` without a class.
    NoClass,
    /// It belongs to a `ClusterStack` of another stack, or one that does not say whose it is.
    OtherClusterStack(String),
    /// It belongs to a `ClusterStack` that does not say its minor.
    NoMinor,
    /// A template writes some of it.
    Template,
    /// A key stands twice.
    Twice,
    /// The piece is no YAML, and no part of it is.
    Unreadable,
    /// It is part of another example than the stack's current one, which stands beside it.
    BesideCurrent,
    /// The words before it say that it shows an older state.
    OlderOnPurpose,
    /// The command names another release than the current one.
    OtherRelease,
    /// The command names several releases.
    SeveralReleases,
    /// The command names a Kubernetes version beside the release, and the two would come apart.
    VersionBeside,
    /// The line is what a command said.
    Output,
    /// The line or its end is a comment.
    Comment,
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prose => f.write_str("it stands in a sentence"),
            Self::Heading => f.write_str("it stands in a heading"),
            Self::Table => f.write_str("it stands in a table"),
            Self::Html => f.write_str("it stands in HTML"),
            Self::Span => f.write_str("it stands in a sentence, as code"),
            Self::Past(heading) => write!(f, "it stands below the heading `{heading}`"),
            Self::Difference => f.write_str("the code shows a change that was made"),
            Self::OtherCode => f.write_str(
                "the code is no Cluster, no ClusterStack and no command that names a release of the stack",
            ),
            Self::OtherKind(kind) => write!(f, "it belongs to a {kind}"),
            Self::OtherClass(class) => {
                write!(f, "the Cluster's class is {class}, no release of the stack")
            }
            Self::NoClass => {
                f.write_str("the Cluster names no class, so it may be of any stack")
            }
            Self::OtherClusterStack(owner) => {
                write!(f, "the ClusterStack is of {owner}, not of the stack")
            }
            Self::NoMinor => f.write_str("the ClusterStack does not state its minor"),
            Self::Template => f.write_str("a template writes some of it"),
            Self::Twice => f.write_str("a key stands twice in it"),
            Self::Unreadable => f.write_str("the code around it cannot be read as YAML"),
            Self::BesideCurrent => {
                f.write_str("it shows another release, beside an example of the current one")
            }
            Self::OlderOnPurpose => {
                f.write_str("it shows an older state, and the text before it says so")
            }
            Self::OtherRelease => {
                f.write_str("the command names another release than the current one")
            }
            Self::SeveralReleases => f.write_str("the command names several releases"),
            Self::VersionBeside => {
                f.write_str("the command names a Kubernetes version beside the release")
            }
            Self::Output => f.write_str("it is what a command said"),
            Self::Comment => f.write_str("it stands in a comment"),
        }
    }
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

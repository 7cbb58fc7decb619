//! Chooses the examples of a stack among what could be one. Of several of a kind, those of the stack's current release are meant;
//! one of another release beside them is there on purpose.

use super::why_not::{Excluded, WhyNot};
use super::{Example, ExampleKind, ExampleSubject};
use crate::version::Minor;

/// Something that could be an example.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) example: Example,
    /// Whether the words before it, or the comments in it, say that it shows an older state.
    pub(super) says_older: bool,
}

/// What could be an example in a text.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) candidates: Vec<Candidate>,
    pub(super) notes: Vec<Excluded>,
    pub(super) regions: Vec<Excluded>,
}

/// The examples of a text.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) examples: Vec<Example>,
    pub(super) notes: Vec<Excluded>,
}

/// Chooses the examples.
pub(super) fn choose(gathered: Gathered, subject: &ExampleSubject<'_>) -> Chosen {
    let current = current_number(&gathered.candidates, subject);
    let standing = Standing { subject, current };
    let all = &gathered.candidates;
    // All are judged before one is taken away, as each is compared with all others.
    let reasons: Vec<Option<WhyNot>> = all
        .iter()
        .map(|candidate| standing.why_not(candidate, all))
        .collect();
    let mut chosen = Chosen {
        examples: Vec::new(),
        notes: gathered.notes,
    };
    for (candidate, reason) in gathered.candidates.into_iter().zip(reasons) {
        let Some(reason) = reason else {
            chosen.examples.push(candidate.example);
            continue;
        };
        for value in candidate.example.values {
            chosen.notes.push(Excluded {
                range: value.range,
                reason: reason.clone(),
            });
        }
    }
    chosen
        .examples
        // No example is without a value: `block` gathers none.
        .sort_by_key(|example| example.values[0].range.start);
    chosen
}

/// Returns the number of the current release: the newest published one, else the highest that is named.
fn current_number(candidates: &[Candidate], subject: &ExampleSubject<'_>) -> Option<u32> {
    let examples = candidates.iter().map(|candidate| &candidate.example);
    let of_line = examples.filter(|example| example.minor() == Some(subject.line.minor));
    subject
        .release
        .or_else(|| of_line.filter_map(Example::number).max())
}

/// Where the stack stands.
struct Standing<'s> {
    subject: &'s ExampleSubject<'s>,
    current: Option<u32>,
}

impl Standing<'_> {
    fn why_not(&self, candidate: &Candidate, all: &[Candidate]) -> Option<WhyNot> {
        let example = &candidate.example;
        if example.kind == ExampleKind::Command {
            let is_current = self.is_of_line(example) && self.names_current(example);
            return (!is_current).then_some(WhyNot::OtherRelease);
        }
        let of_kind: Vec<&Example> = all
            .iter()
            .map(|other| &other.example)
            .filter(|other| other.kind == example.kind)
            .collect();
        if self.is_beside_current(example, &of_kind) {
            return Some(WhyNot::BesideCurrent);
        }
        let is_older = candidate.says_older && !self.is_up_to_date(example);
        is_older.then_some(WhyNot::OlderOnPurpose)
    }

    /// Tells whether an example shows another release than one of its kind that is meant.
    fn is_beside_current(&self, example: &Example, of_kind: &[&Example]) -> bool {
        if example.minor() != self.meant_minor(of_kind) {
            return true;
        }
        let mut others = of_kind.iter().filter(|other| {
            other.minor() == example.minor() && is_of_other_release(other, example)
        });
        if self.names_current(example) {
            !self.is_up_to_date(example) && others.any(|other| self.is_up_to_date(other))
        } else {
            others.any(|other| self.names_current(other))
        }
    }

    /// Returns the minor whose examples of a kind are meant: the stack's, else the newest.
    fn meant_minor(&self, of_kind: &[&Example]) -> Option<Minor> {
        let own = self.subject.line.minor;
        let minors: Vec<Minor> = of_kind.iter().filter_map(|other| other.minor()).collect();
        if minors.contains(&own) {
            Some(own)
        } else {
            minors.into_iter().max()
        }
    }

    fn is_of_line(&self, example: &Example) -> bool {
        example.minor() == Some(self.subject.line.minor)
    }

    /// Tells whether an example names the current release, or one without a number.
    fn names_current(&self, example: &Example) -> bool {
        match (example.number(), self.current) {
            (Some(number), Some(current)) => number >= current,
            (None, _) | (_, None) => true,
        }
    }

    /// Tells whether nothing in an example is older than the stack.
    fn is_up_to_date(&self, example: &Example) -> bool {
        let is_default = match (example.kubernetes(), self.subject.default) {
            (Some(version), Some(default)) => version >= default,
            (None, _) | (_, None) => true,
        };
        self.is_of_line(example) && self.names_current(example) && is_default
    }
}

fn is_of_other_release(other: &Example, example: &Example) -> bool {
    other.number() != example.number() || other.release() != example.release()
}

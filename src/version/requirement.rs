//! What a `Chart.yaml` asks for: one version, or a range of versions in Helm's words. Helm reads them with Masterminds/semver v3,
//! whose words look like Cargo's and mean something else: `2.34` is `=2.34.x`, spaces and commas mean *and*, `||` means *or*,
//! `1 - 2` is a range, and a pre-release is taken as soon as anything beside it names one. So the `semver` crate compares
//! versions here, and does not read ranges.

mod parse;

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use semver::{BuildMetadata, Prerelease, Version};

use super::{ChartVersion, Minor};

/// What a `Chart.yaml` asks for, in its own spelling: `2.34.1`, `~2.34.0`, `>=2.34.0 <2.34.2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChartRequirement {
    raw: String,
    alternatives: Vec<Alternative>,
}

/// Comparisons that a version has to pass, all of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Alternative(Vec<Comparison>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Comparison {
    operator: Operator,
    /// The version that is named; numbers left out are 0.
    version: Version,
    /// Which numbers are left out, or written as `x`.
    open: Open,
    /// Where the text names the version.
    span: Span,
    /// Where its second number is, if the text has one.
    second: Option<Span>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Operator {
    /// `=`, or nothing: the version, or all that its open numbers allow.
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Tilde,
    Caret,
}

/// The numbers of a version that are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Open {
    /// None: `2.34.1`.
    Nothing,
    /// The last: `2.34`, `2.34.x`.
    Patch,
    /// The last two: `2`, `2.x`.
    Minor,
    /// All: `*`.
    All,
}

/// A part of the text; unlike a `Range` it can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

impl ChartRequirement {
    /// Tells whether Helm takes this version.
    pub fn takes(&self, version: &ChartVersion) -> bool {
        self.takes_version(version.semantic())
    }

    /// Returns the one version that is asked for (`2.34.1`, `=2.34.1`), as it is spelled; nothing for a range.
    pub fn exact(&self) -> Option<ChartVersion> {
        let comparison = self.only_comparison()?;
        let is_exact = comparison.operator == Operator::Equal && comparison.open == Open::Nothing;
        let text = &self.raw[comparison.span.range()];
        is_exact.then(|| text.parse().ok()).flatten()
    }

    /// Tells whether there can be a chart for this Kubernetes minor that Helm takes: one whose second number is the minor's, and
    /// whose first number is one that the text names, or lies between two of them.
    pub(crate) fn takes_minor(&self, minor: Minor) -> bool {
        // No chart's first numbers are further apart, and `>=1 <18446744073709551615` must not take for ever.
        const MOST_FIRST_NUMBERS: usize = 100;
        let number = u64::from(minor.number());
        let firsts: Vec<u64> = self.comparisons().map(Comparison::first_number).collect();
        let (Some(least), Some(most)) = (firsts.iter().min(), firsts.iter().max()) else {
            return false;
        };
        // What is taken changes at the patches that are named, so one on either side of each tells of all.
        let named = self.comparisons().map(|named| named.version.patch);
        let mut patches: Vec<u64> = named
            .flat_map(|patch| [patch.saturating_sub(1), patch, patch.saturating_add(1)])
            .collect();
        patches.extend([0, u64::MAX]);
        (*least..=*most).take(MOST_FIRST_NUMBERS).any(|first| {
            patches
                .iter()
                .any(|patch| self.takes_numbers(first, number, *patch))
        })
    }

    /// Returns the number of the Kubernetes minor whose charts are asked for, all of them and no others: 34 for `2.34.x`,
    /// `~2.34.0`, `>=2.34.0 <2.35.0`.
    pub(crate) fn whole_minor(&self) -> Option<u64> {
        let [Alternative(comparisons)] = self.alternatives.as_slice() else {
            return None;
        };
        // Without it, what is taken has no gaps, and its ends say all.
        if comparisons
            .iter()
            .any(|comparison| comparison.operator == Operator::NotEqual)
        {
            return None;
        }
        comparisons
            .iter()
            .filter(|comparison| comparison.second.is_some())
            .map(|comparison| &comparison.version)
            .find(|version| self.takes_exactly(version.major, version.minor))
            .map(|version| version.minor)
    }

    /// Tells whether all patches of these two numbers are taken, and neither what is before them nor what follows.
    fn takes_exactly(&self, first: u64, second: u64) -> bool {
        let is_taken_before = match (second.checked_sub(1), first.checked_sub(1)) {
            (Some(before), _) => self.takes_numbers(first, before, u64::MAX),
            (None, Some(before)) => self.takes_numbers(before, u64::MAX, u64::MAX),
            (None, None) => false,
        };
        self.takes_numbers(first, second, 0)
            && self.takes_numbers(first, second, u64::MAX)
            && !is_taken_before
            && !self.takes_numbers(first, second.saturating_add(1), 0)
    }

    /// Returns the text that asks for this version, in the words of this text: unchanged where Helm takes the version already,
    /// with the minor of the version where this asks for all of another minor; nothing where it is not certain what the text
    /// would be.
    pub(crate) fn asking_for(&self, version: &ChartVersion) -> Option<String> {
        if self.exact().is_some() {
            let span = self.only_comparison()?.span.range();
            let spelled = version.spelled_like(&self.raw[span.clone()]);
            let mut text = self.raw.clone();
            text.replace_range(span, &spelled);
            return Some(text);
        }
        if self.takes(version) {
            return Some(self.raw.clone());
        }
        let moved = self.with_minor(version.minor_number())?;
        moved.takes(version).then_some(moved.raw)
    }

    /// Returns what asks for all charts of a Kubernetes minor where this asks for all of another one: `2.34.x` for `2.33.x`.
    pub(crate) fn moved_to(&self, minor: Minor) -> Option<Self> {
        self.with_minor(u64::from(minor.number()))
    }

    fn with_minor(&self, minor: u64) -> Option<Self> {
        let from = self.whole_minor()?;
        let mut numbers = Vec::new();
        for comparison in self.comparisons() {
            let span = comparison.second?;
            // `>=2.34.0 <2.35.0` names the next minor, too: each number moves as far as the minor does.
            let number = comparison
                .version
                .minor
                .checked_add(minor)?
                .checked_sub(from)?;
            numbers.push((span, number));
        }
        numbers.sort_unstable();
        let mut text = self.raw.clone();
        // From the last to the first, so that what is replaced moves none that is still to be replaced.
        for (span, number) in numbers.into_iter().rev() {
            text.replace_range(span.range(), &number.to_string());
        }
        text.parse().ok()
    }

    fn comparisons(&self) -> impl Iterator<Item = &Comparison> {
        self.alternatives.iter().flat_map(|all| &all.0)
    }

    fn only_comparison(&self) -> Option<&Comparison> {
        let mut comparisons = self.comparisons();
        let only = comparisons.next()?;
        comparisons.next().is_none().then_some(only)
    }

    fn takes_numbers(&self, first: u64, second: u64, patch: u64) -> bool {
        self.takes_version(&Version::new(first, second, patch))
    }

    fn takes_version(&self, version: &Version) -> bool {
        self.alternatives
            .iter()
            .any(|alternative| alternative.takes(version))
    }
}

impl Alternative {
    fn takes(&self, version: &Version) -> bool {
        // Masterminds/semver takes a pre-release only where the constraint names one itself.
        let names_prerelease = self.0.iter().any(|named| !named.version.pre.is_empty());
        let is_allowed = version.pre.is_empty() || names_prerelease;
        is_allowed && self.0.iter().all(|comparison| comparison.takes(version))
    }
}

impl Comparison {
    /// Tells whether a version passes. These are the rules of Masterminds/semver with their corners: `^*` takes 0.0.0 alone.
    fn takes(&self, version: &Version) -> bool {
        let order = version.cmp_precedence(&self.version);
        match self.operator {
            Operator::Equal if self.open == Open::Nothing => order == Ordering::Equal,
            Operator::Equal | Operator::Tilde => self.takes_tilde(version, order),
            Operator::NotEqual => self.takes_other(version, order),
            Operator::Greater => self.takes_greater(version, order),
            Operator::GreaterOrEqual => order != Ordering::Less,
            Operator::Less => order == Ordering::Less,
            Operator::LessOrEqual => self.takes_up_to(version, order),
            Operator::Caret => order != Ordering::Less && self.takes_caret(version),
        }
    }

    fn takes_tilde(&self, version: &Version, order: Ordering) -> bool {
        let named = &self.version;
        let has_ends = matches!(self.open, Open::Patch | Open::Minor);
        let is_zero = (named.major, named.minor, named.patch) == (0, 0, 0);
        if order == Ordering::Less {
            return false;
        }
        // `~0.0.0` and `*` have no end.
        if is_zero && !has_ends {
            return true;
        }
        let is_of_minor = version.minor == named.minor || self.open == Open::Minor;
        version.major == named.major && is_of_minor
    }

    fn takes_other(&self, version: &Version, order: Ordering) -> bool {
        let named = &self.version;
        match self.open {
            Open::Nothing | Open::All => order != Ordering::Equal,
            Open::Minor => version.major != named.major,
            Open::Patch => {
                let of_minor = (named.major, named.minor);
                (version.major, version.minor) != of_minor || version.pre != named.pre
            }
        }
    }

    fn takes_greater(&self, version: &Version, order: Ordering) -> bool {
        let named = &self.version;
        match (self.open, version.major.cmp(&named.major)) {
            (Open::Nothing, _) | (Open::All, Ordering::Equal) => order == Ordering::Greater,
            (_, Ordering::Greater) => true,
            (_, Ordering::Less) | (Open::Minor, Ordering::Equal) => false,
            (Open::Patch, Ordering::Equal) => version.minor > named.minor,
        }
    }

    fn takes_up_to(&self, version: &Version, order: Ordering) -> bool {
        let named = &self.version;
        match self.open {
            Open::Nothing => order != Ordering::Greater,
            Open::Minor => version.major <= named.major,
            Open::Patch | Open::All => (version.major, version.minor) <= (named.major, named.minor),
        }
    }

    /// Tells whether a version that is not older than the one named passes a caret: the first number that is not 0 stays.
    fn takes_caret(&self, version: &Version) -> bool {
        let named = &self.version;
        if named.major > 0 || self.open == Open::Minor {
            return version.major == named.major;
        }
        if version.major > 0 {
            return false;
        }
        if named.minor > 0 || self.open == Open::Patch {
            return version.minor == named.minor;
        }
        version.minor == 0 && version.patch == named.patch
    }

    /// Returns the first number of the versions next to where it begins or ends: 3 for `>2`, 2 for `<3`.
    fn first_number(&self) -> u64 {
        let named = &self.version;
        match self.operator {
            Operator::Greater if self.open == Open::Minor => named.major.saturating_add(1),
            Operator::Less if (named.minor, named.patch) == (0, 0) => named.major.saturating_sub(1),
            _ => named.major,
        }
    }
}

impl fmt::Display for ChartRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

super::serde_as_text!(ChartRequirement);

/// Returns a version without build metadata, which no range speaks of.
fn plain(major: u64, minor: u64, patch: u64, pre: Prerelease) -> Version {
    Version {
        major,
        minor,
        patch,
        pre,
        build: BuildMetadata::EMPTY,
    }
}

#[cfg(test)]
mod tests;

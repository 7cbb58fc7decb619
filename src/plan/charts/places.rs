//! The places of a stack that name an addon chart: dependencies with their ranges and locks, and lists.

use std::collections::HashMap;

use crate::plan::facts::{ChartReason, FileLine};
use crate::stack::{
    ChartSource, Fact, MinorBoundChart, Reference, SourceTree, Stack, chart_lock_fits,
};
use crate::version::{ChartRequirement, ChartVersion, Minor};

/// A place that names a chart.
pub(super) struct ChartReference<'t> {
    pub(super) reference: &'t Reference,
    pub(super) range: Option<&'t ChartRequirement>,
    /// Whether its text reads as a version or a range.
    pub(super) is_read: bool,
    /// The version that it has, where that is one of the minor.
    pub(super) current: Option<&'t ChartVersion>,
}

/// A dependency of a chart.
pub(super) struct DependencyPlace<'t> {
    pub(super) named: ChartReference<'t>,
    pub(super) source: ChartSource<'t>,
    pub(super) lock: LockState,
}

/// The lock beside a dependency's chart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LockState {
    None,
    Fits,
    Stale,
}

/// A range that keeps a dependency from going on.
pub(super) struct Limit<'t> {
    pub(super) reference: &'t Reference,
    pub(super) range: ChartRequirement,
}

/// Returns a tree's dependencies on a chart.
pub(super) fn dependencies_of<'t>(
    tree: &'t SourceTree,
    chart: &'t MinorBoundChart,
    minor: Minor,
) -> impl Iterator<Item = DependencyPlace<'t>> {
    tree.references()
        .filter_map(move |reference| match &reference.fact {
            Fact::ChartDependency {
                chart: name,
                repository,
                ..
            } if *name == chart.name => Some(DependencyPlace {
                named: ChartReference::new(reference, tree.version_of(reference), minor),
                source: chart.source(repository),
                lock: lock_of(tree, reference),
            }),
            _ => None,
        })
}

/// Returns the URL of a dependency's repository, or why it has none that can be asked.
pub(super) fn repository_of<'t>(
    dependency: &DependencyPlace<'t>,
) -> Result<&'t str, Box<ChartReason>> {
    let at = FileLine::from(dependency.named.reference);
    let reason = match dependency.source {
        ChartSource::Repository(url) => return Ok(url),
        ChartSource::HelmAlias(alias) => ChartReason::ChartAlias {
            alias: alias.to_owned(),
            at,
        },
        ChartSource::Directory(directory) => ChartReason::ChartDirectory {
            directory: directory.to_owned(),
            at,
        },
        ChartSource::Unknown(text) => ChartReason::ChartRepositoryInvalid {
            text: text.to_owned(),
            at,
        },
    };
    Err(Box::new(reason))
}

/// Returns what the lock beside a dependency is like, where the dependency asks by a range.
fn lock_of(tree: &SourceTree, dependency: &Reference) -> LockState {
    if !matches!(
        dependency.fact,
        Fact::ChartDependency { range: Some(_), .. }
    ) {
        // An exact version is the same with and without a lock.
        return LockState::None;
    }
    let mut files = tree.files.iter();
    let chart = files.find(|file| file.path() == dependency.file);
    match (chart, tree.find_lock(&dependency.file)) {
        (Some(chart), Some(lock)) if chart_lock_fits(chart, lock) => LockState::Fits,
        (Some(_), Some(_)) => LockState::Stale,
        (_, None) | (None, _) => LockState::None,
    }
}

/// References that list a chart, by its name and the minor that a list of several minors names: a list may have many rows.
pub(super) struct Lists<'t> {
    /// The minor that the source tree is set to.
    minor: Minor,
    by_chart: HashMap<(&'t str, Option<Minor>), Vec<Place<'t>>>,
}

/// A reference, and its place among all of them.
#[derive(Clone, Copy)]
struct Place<'t> {
    number: usize,
    reference: &'t Reference,
}

impl<'t> Lists<'t> {
    pub(super) fn of(stack: &'t Stack, tree: &'t SourceTree, minor: Minor) -> Self {
        let mut by_chart: HashMap<(&str, Option<Minor>), Vec<Place<'_>>> = HashMap::new();
        let mut number = 0;
        for file in tree.files.iter().chain(&stack.shared) {
            let spans = file.spans_minors();
            for reference in file.references() {
                if let Fact::ListedAddon {
                    minor: stated,
                    chart,
                    ..
                } = &reference.fact
                {
                    let row = spans.then_some(*stated);
                    let places = by_chart.entry((chart, row)).or_default();
                    places.push(Place { number, reference });
                    number += 1;
                }
            }
        }
        Self { minor, by_chart }
    }

    /// Returns the references that list a chart for a minor, in the order of the files. A list of several minors says which; the stack's
    /// own file speaks of the minor that the tree is set to.
    pub(super) fn references(&self, chart: &MinorBoundChart, minor: Minor) -> Vec<&'t Reference> {
        let name = chart.name.as_str();
        let of_minor = self.by_chart.get(&(name, Some(minor)));
        let is_own = minor == self.minor;
        let own = self.by_chart.get(&(name, None)).filter(|_| is_own);
        let mut places: Vec<Place<'t>> =
            of_minor.into_iter().chain(own).flatten().copied().collect();
        places.sort_by_key(|place| place.number);
        places.into_iter().map(|place| place.reference).collect()
    }
}

impl<'t> ChartReference<'t> {
    pub(super) fn new(
        reference: &'t Reference,
        resolved: Option<&'t ChartVersion>,
        minor: Minor,
    ) -> Self {
        let (version, range) = match &reference.fact {
            Fact::ChartDependency { version, range, .. }
            | Fact::ListedAddon { version, range, .. } => (version.as_ref(), range.as_ref()),
            _ => (None, None),
        };
        let current = version.or(resolved);
        Self {
            reference,
            range,
            is_read: version.is_some() || range.is_some(),
            // A version of another minor is replaced even by a lower one, so that nothing is compared with it.
            current: current.filter(|version| version.follows(minor)),
        }
    }

    /// Returns what the range asks for once it is that of the minor.
    pub(super) fn limit(&self, minor: Minor) -> Option<Limit<'t>> {
        let stated = self.range?;
        Some(Limit {
            reference: self.reference,
            range: if stated.takes_minor(minor) {
                stated.clone()
            } else {
                stated.moved_to(minor)?
            },
        })
    }
}

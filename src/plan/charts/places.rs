//! The places of a stack that name an addon chart: dependencies with their ranges and locks, and lists.

use std::collections::HashMap;

use crate::plan::facts::{ChartReason, FileLine};
use crate::plan::target::Target;
use crate::stack::{
    ChartSource, Fact, MinorBoundChart, Reference, SourceFile, SourceTree, chart_lock_fits,
};
use crate::version::{ChartRequirement, ChartVersion, Minor};

/// A place that names a chart.
pub(super) struct Named<'t> {
    pub(super) reference: &'t Reference,
    pub(super) range: Option<&'t ChartRequirement>,
    /// Whether its text reads as a version or a range.
    pub(super) is_read: bool,
    /// The version that it has, where that is one of the minor.
    pub(super) current: Option<&'t ChartVersion>,
}

/// A dependency of a chart.
pub(super) struct Dependency<'t> {
    pub(super) named: Named<'t>,
    pub(super) source: ChartSource<'t>,
    pub(super) lock: Lock,
}

/// The lock beside a dependency's chart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
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
) -> impl Iterator<Item = Dependency<'t>> {
    tree.references()
        .filter_map(move |reference| match &reference.fact {
            Fact::ChartDependency {
                chart: name,
                repository,
                ..
            } if *name == chart.name => Some(Dependency {
                named: Named::new(reference, tree.version_of(reference), minor),
                source: chart.source(repository),
                lock: lock_of(tree, reference),
            }),
            _ => None,
        })
}

/// Returns the URL of a dependency's repository, or why it has none that can be asked.
pub(super) fn repository_of<'t>(dependency: &Dependency<'t>) -> Result<&'t str, Box<ChartReason>> {
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
fn lock_of(tree: &SourceTree, dependency: &Reference) -> Lock {
    if !matches!(
        dependency.fact,
        Fact::ChartDependency { range: Some(_), .. }
    ) {
        return Lock::None;
    }
    let is_chart = |file: &&SourceFile| file.path() == dependency.file;
    let mut files = tree.files.iter().map(AsRef::as_ref);
    match (files.find(is_chart), tree.find_lock(&dependency.file)) {
        (Some(chart), Some(lock)) if chart_lock_fits(chart, lock) => Lock::Fits,
        (Some(_), Some(_)) => Lock::Stale,
        (_, None) | (None, _) => Lock::None,
    }
}

/// References that list a chart, by its name and the minor that a list of several minors names: a list may have many rows.
pub(super) struct Lists<'t> {
    by_chart: HashMap<(&'t str, Option<Minor>), Vec<Place<'t>>>,
}

/// A reference, and its place among all of them.
#[derive(Clone, Copy)]
struct Place<'t> {
    number: usize,
    reference: &'t Reference,
}

impl<'t> Lists<'t> {
    pub(super) fn of(target: &'t Target<'t>, tree: &'t SourceTree) -> Self {
        let mut by_chart: HashMap<(&str, Option<Minor>), Vec<Place<'_>>> = HashMap::new();
        let mut number = 0;
        for file in tree.files.iter().chain(&target.stack.shared) {
            let spans = file.spans_minors();
            for reference in file.references() {
                if let Fact::ListedAddon { minor, chart, .. } = &reference.fact {
                    let minor = spans.then_some(*minor);
                    let places = by_chart.entry((chart, minor)).or_default();
                    places.push(Place { number, reference });
                    number += 1;
                }
            }
        }
        Self { by_chart }
    }

    /// Returns the references that list a chart for a minor, in the order of the files. A list of several minors says which; the stack's
    /// own file speaks of the minor that the tree is set to.
    pub(super) fn references(
        &self,
        chart: &MinorBoundChart,
        minor: Minor,
        is_of_tree: bool,
    ) -> impl Iterator<Item = &'t Reference> + use<'t> {
        let find = |minor| self.by_chart.get(&(chart.name.as_str(), minor));
        let of_minor = find(Some(minor)).into_iter().flatten();
        let own = find(None).filter(|_| is_of_tree).into_iter().flatten();
        let mut places: Vec<Place<'t>> = of_minor.chain(own).copied().collect();
        places.sort_by_key(|place| place.number);
        places.into_iter().map(|place| place.reference)
    }
}

impl<'t> Named<'t> {
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
            current: current.filter(|version| version.follows(minor)),
        }
    }

    /// Returns what the range asks for once it is that of the minor.
    pub(super) fn limit(&self, minor: Minor) -> Option<Limit<'t>> {
        let range = self.range?;
        let range = if range.takes_minor(minor) {
            range.clone()
        } else {
            range.moved_to(minor)?
        };
        Some(Limit {
            reference: self.reference,
            range,
        })
    }
}

//! Which version each place that names an addon chart is to ask for. Dependencies and lists of one chart for one minor are
//! decided together: they agree afterwards, or all of them stay and it is said why. Nothing goes down but what is of another
//! minor, and a range is what its author allows.

mod ahead;
mod places;

use std::collections::{BTreeMap, BTreeSet};

use super::PlanInput;
use super::available::Available;
use super::facts::{Asks, ChartReason, MissingChart, Skip, SkipReason, SkipSubject};
use crate::policy::{Addons, ChangeClass};
use crate::stack::{
    ChartPlace, Fact, MinorBoundChart, SourceFile, SourceTree, Stack, directory_of, versions_for,
};
use crate::version::{ChartVersion, Minor};
use places::{
    ChartReference, DependencyPlace, Limit, Lists, LockState, dependencies_of, repository_of,
};

/// What the charts of a stack are decided from.
#[derive(Clone, Copy)]
pub(super) struct ChartScope<'t> {
    pub(super) input: PlanInput<'t>,
    pub(super) stack: &'t Stack,
    pub(super) available: &'t Available<'t>,
    /// The minors that are looked at.
    pub(super) minors: &'t [Minor],
}

/// What is decided of the addon charts of a source tree that is set to a minor.
#[derive(Default)]
pub(super) struct Charts {
    /// The version that each place is to ask for; a place that is absent is left alone.
    pub(super) places: BTreeMap<ChartPlace, ChartVersion>,
    /// The versions that the tree will have, by chart name.
    pub(super) versions: BTreeMap<String, ChartVersion>,
    /// The newest charts that a list may name, by minor and chart name.
    pub(super) listed: BTreeMap<Minor, BTreeMap<String, ChartVersion>>,
    /// What is not done, and why.
    pub(super) skips: Vec<Skip>,
    /// Dependencies that cannot ask for a chart of the minor, each with why.
    pub(super) missing: BTreeMap<String, MissingChart>,
}

/// Decides which versions a source tree is to ask for when it is set to a minor, and the lists beside it.
pub(super) fn decide(scope: ChartScope<'_>, tree: &SourceTree, minor: Minor) -> Charts {
    let mut charts = Charts::default();
    let follows = scope.input.policy.addons == Addons::Follow;
    // A chart of another minor is not left where it is.
    if !follows && tree.minor == Some(minor) {
        return charts;
    }
    // Where charts are left alone, only a tree that is set to another minor gets some.
    let mut minors: Vec<Minor> = scope.minors.iter().copied().filter(|_| follows).collect();
    minors.retain(|of| *of != minor);
    minors.push(minor);
    minors.retain(|of| scope.input.looks_at(scope.stack, *of));
    // A chart that no file names has no place to decide about.
    let named: BTreeSet<&str> = scope.stack.files().flat_map(names).collect();
    let known = scope.stack.charts.iter();
    let set_tree = SetTree::new(scope, tree, minor);
    for chart in known.filter(|chart| named.contains(chart.name.as_str())) {
        for of in &minors {
            set_tree.group(chart, *of).decide(&mut charts);
        }
    }
    charts
}

/// Returns the newest charts of a minor that has ended, where they are newer than what stands in a source tree and its lists.
pub(super) fn newer_of_ended(
    scope: ChartScope<'_>,
    tree: &SourceTree,
    minor: Minor,
) -> Vec<(String, ChartVersion)> {
    if scope.input.policy.addons == Addons::Leave {
        return Vec::new();
    }
    let set_tree = SetTree::new(scope, tree, minor);
    let known = scope.stack.charts.iter();
    known
        .filter_map(|chart| set_tree.group(chart, minor).newer())
        .collect()
}

/// Returns the charts that belong to a minor of which a source tree depends, each with the repository that can be asked for it.
pub(super) fn asked<'t>(stack: &'t Stack, tree: &'t SourceTree) -> BTreeSet<(&'t str, &'t str)> {
    let references = tree
        .references()
        .filter_map(|reference| match &reference.fact {
            Fact::ChartDependency {
                chart, repository, ..
            } => {
                let known = stack.charts.find(chart)?;
                Some((chart.as_str(), known.repository_of(repository)?))
            }
            _ => None,
        });
    references.collect()
}

/// Returns the charts that a file names.
fn names(file: &SourceFile) -> impl Iterator<Item = &str> {
    file.references()
        .iter()
        .filter_map(|reference| match &reference.fact {
            Fact::ChartDependency { chart, .. } | Fact::ListedAddon { chart, .. } => {
                Some(chart.as_str())
            }
            _ => None,
        })
}

/// A source tree that is set to a minor, with the lists that speak of its charts.
struct SetTree<'t> {
    scope: ChartScope<'t>,
    tree: &'t SourceTree,
    minor: Minor,
    lists: Lists<'t>,
}

impl<'t> SetTree<'t> {
    fn new(scope: ChartScope<'t>, tree: &'t SourceTree, minor: Minor) -> Self {
        Self {
            scope,
            tree,
            minor,
            lists: Lists::of(scope.stack, tree, minor),
        }
    }

    /// Returns the places that name a chart for a minor: those of this tree where it is set to the minor, and those of the trees
    /// that are.
    fn group(&self, chart: &'t MinorBoundChart, minor: Minor) -> Group<'t> {
        let is_of_tree = minor == self.minor;
        let mut dependencies = Vec::new();
        for other in &self.scope.stack.trees {
            // This tree counts for the minor that it is to be set to, not for the one that it has.
            if other.minor == Some(minor) && !std::ptr::eq(other, self.tree) {
                dependencies.extend(dependencies_of(other, chart, minor));
            }
        }
        if is_of_tree {
            dependencies.extend(dependencies_of(self.tree, chart, minor));
        }
        let lists = self.lists.references(chart, minor).into_iter();
        Group {
            scope: self.scope,
            chart,
            minor,
            is_of_tree,
            dependencies,
            lists: lists
                // No lock stands beside a list that would say what its range became.
                .map(|reference| ChartReference::new(reference, None, minor))
                .collect(),
        }
    }
}

/// All places that name one chart for one minor.
struct Group<'t> {
    scope: ChartScope<'t>,
    chart: &'t MinorBoundChart,
    minor: Minor,
    /// Whether the minor is the one that the source tree is set to.
    is_of_tree: bool,
    dependencies: Vec<DependencyPlace<'t>>,
    lists: Vec<ChartReference<'t>>,
}

impl Charts {
    fn skip(&mut self, subject: SkipSubject, reason: ChartReason) {
        let skip = Skip::new(subject, SkipReason::Chart(reason));
        self.skips.push(skip);
    }
}

impl Group<'_> {
    fn decide(&self, charts: &mut Charts) {
        if let Some(ahead) = self.find_ahead() {
            self.leave_all(&ahead, charts);
            return;
        }
        let mut decided: Vec<ChartVersion> = Vec::new();
        for dependency in &self.dependencies {
            match self.decide_dependency(dependency, charts) {
                Ok(Some(version)) => {
                    let reference = dependency.named.reference;
                    decided.extend(version.spelled_like(&reference.value).parse());
                    charts.places.insert(ChartPlace::of(reference), version);
                }
                Ok(None) => {}
                Err(reason) => self.miss(reason, charts),
            }
        }
        // Trees of one minor may be held at different versions; lists speak for all of them.
        let newest = ChartVersion::newest(decided.iter()).cloned();
        if self.is_of_tree {
            let named = newest
                .clone()
                .map(|version| (self.chart.name.clone(), version));
            charts.versions.extend(named);
        }
        // Lists go on with their charts, and these are left alone.
        if self.scope.input.policy.addons == Addons::Leave {
            return;
        }
        // Without a dependency, a list follows the index itself.
        let listed = if self.dependencies.is_empty() {
            self.newest(self.scope.stack.repository_of(self.chart))
                .cloned()
        } else {
            newest
        };
        self.decide_lists(listed, charts);
    }
}

impl<'t> Group<'t> {
    /// Returns the releases of the chart for the minor that a repository has; nothing where it was not looked at.
    fn available(&self, repository: &str) -> Option<Vec<&'t ChartVersion>> {
        let catalog = self.scope.input.catalog;
        let all = catalog.find_chart(repository, &self.chart.name)?;
        Some(versions_for(all, self.minor).collect())
    }

    /// The newest release of the chart that the minor may get: none, once it has ended.
    fn newest(&self, repository: &str) -> Option<&'t ChartVersion> {
        if self.scope.available.is_ended(self.minor) {
            return None;
        }
        self.newest_known(repository)
    }

    fn newest_known(&self, repository: &str) -> Option<&'t ChartVersion> {
        ChartVersion::newest(self.available(repository)?.into_iter())
    }

    /// Returns the newest release of the chart, where one that stands for the minor is older.
    fn newer(&self) -> Option<(String, ChartVersion)> {
        let of_dependencies = self.dependencies.iter().map(|dependency| &dependency.named);
        let mut named = of_dependencies.chain(&self.lists);
        let newest = self.newest_known(self.scope.stack.repository_of(self.chart))?;
        let is_older = named.any(|named| {
            let current = named.current;
            current.is_some_and(|current| newest.is_newer_than(current))
        });
        is_older.then(|| (self.chart.name.clone(), newest.clone()))
    }

    /// Returns every place that names the chart, dependencies first.
    fn named(&self) -> impl Iterator<Item = &ChartReference<'t>> {
        let of_dependencies = self.dependencies.iter().map(|dependency| &dependency.named);
        of_dependencies.chain(&self.lists)
    }

    fn miss(&self, reason: MissingChart, charts: &mut Charts) {
        // What another tree of the stack lacks does not keep this one from its minor.
        if self.is_of_tree {
            charts.missing.insert(self.chart.name.clone(), reason);
        }
    }

    /// Decides what a dependency is to ask for; nothing where it stays for certain, and an error, as a phrase, where it cannot
    /// ask for a chart of the minor. What is held is said.
    fn decide_dependency(
        &self,
        dependency: &DependencyPlace<'t>,
        charts: &mut Charts,
    ) -> Result<Option<ChartVersion>, MissingChart> {
        let minor = self.minor;
        let named = &dependency.named;
        let subject = SkipSubject::Chart(self.chart.name.clone(), minor);
        let url = match repository_of(dependency) {
            Ok(url) => url,
            Err(reason) => {
                charts.skip(subject, (*reason).clone());
                return Err(MissingChart::Because(reason));
            }
        };
        if !named.is_read {
            charts.skip(
                subject,
                ChartReason::ChartVersionInvalid(Asks::from(named.reference)),
            );
            return Ok(None);
        }
        if let Some(range) = named.range
            && named.limit(minor).is_none()
        {
            let reason = ChartReason::ChartRangeWithoutMinor {
                asks: Asks::from(named.reference),
                minor,
                range: Some(range.clone()),
            };
            charts.skip(subject, reason);
            let excludes = ChartReason::ChartRangeExcludes(Asks::from(named.reference));
            return Err(MissingChart::Because(Box::new(excludes)));
        }
        match self.newest(url) {
            Some(newest) => self.choose(dependency, url, newest, charts),
            None => self.without_index(dependency, url, charts),
        }
    }

    /// Chooses the newest version that the ranges allow.
    fn choose(
        &self,
        dependency: &DependencyPlace<'t>,
        url: &str,
        newest: &'t ChartVersion,
        charts: &mut Charts,
    ) -> Result<Option<ChartVersion>, MissingChart> {
        let named = &dependency.named;
        let mut limits: Vec<Limit<'_>> = named.limit(self.minor).into_iter().collect();
        // Lists say the same afterwards, so that their ranges bind the dependency too.
        limits.extend(self.lists.iter().filter_map(|list| list.limit(self.minor)));
        let available = self.available(url).unwrap_or_default().into_iter();
        let within = ChartVersion::newest(available.filter(|version| is_allowed(&limits, version)));
        if let Some(limit) = limits.iter().find(|limit| !limit.range.takes(newest)) {
            let reason = ChartReason::ChartRangeExcludes(Asks::from(limit.reference));
            charts.skip(self.at_version(newest), reason.clone());
            // A chart of the minor that stands there will do; only without one the tree cannot be set to the minor.
            if within.or(named.current).is_none() {
                return Err(MissingChart::Because(Box::new(reason)));
            }
        }
        let listed = self.lists.iter().find_map(|list| list.current);
        let leaves = self.scope.input.policy.addons == Addons::Leave;
        // Charts that do not follow their newest version are those of the list, where the tree moves to its minor.
        let wanted = match listed.filter(|listed| leaves && is_allowed(&limits, listed)) {
            Some(listed) => Some(listed),
            None => within,
        };
        let chosen = match (named.current, wanted) {
            (Some(current), Some(wanted)) if wanted.is_newer_than(current) => wanted,
            // A newer one that stands there stays: within a minor no chart goes down.
            (Some(current), _) => current,
            (None, Some(wanted)) => wanted,
            (None, None) => return Ok(None),
        };
        self.look_at_lock(dependency, url, chosen, charts);
        Ok(Some(chosen.clone()))
    }

    /// What a range becomes is written in the lock alone.
    fn look_at_lock(
        &self,
        dependency: &DependencyPlace<'t>,
        url: &str,
        chosen: &ChartVersion,
        charts: &mut Charts,
    ) {
        let named = &dependency.named;
        // An exact version is the same with and without a lock.
        let Some(limit) = named.limit(self.minor) else {
            return;
        };
        match dependency.lock {
            LockState::Fits => {}
            LockState::Stale => {
                let stays = named
                    .current
                    .is_some_and(|current| current.is_same_release(chosen));
                if !stays {
                    let directory = directory_of(&named.reference.file).to_owned();
                    let reason = ChartReason::ChartLockStale { directory };
                    charts.skip(self.at_version(chosen), reason);
                }
            }
            // Helm takes the newest that the range allows, of whichever minor.
            LockState::None => {
                let catalog = self.scope.input.catalog;
                let all = catalog
                    .find_chart(url, &self.chart.name)
                    .unwrap_or_default();
                let taken = all.iter().filter(|version| limit.range.takes(version));
                // Helm passes over pre-releases as long as a range names none.
                let newest = ChartVersion::newest(taken.filter(|version| !version.is_prerelease()));
                if let Some(newest) = newest.filter(|newest| !newest.follows(self.minor)) {
                    let reason = ChartReason::ChartUnlocked {
                        asks: Asks::from(named.reference),
                        newest: newest.clone(),
                        minor: self.minor,
                    };
                    charts.skip(self.at_version(chosen), reason);
                }
            }
        }
    }

    fn at_version(&self, version: &ChartVersion) -> SkipSubject {
        SkipSubject::ChartVersion(self.chart.name.clone(), version.clone())
    }

    /// Says that a repository gave no version; a repair then takes what the repository's own list says.
    fn without_index(
        &self,
        dependency: &DependencyPlace<'t>,
        url: &str,
        charts: &mut Charts,
    ) -> Result<Option<ChartVersion>, MissingChart> {
        let (chart, minor) = (&self.chart.name, self.minor);
        let policy = self.scope.input.policy;
        let is_stray = dependency.named.current.is_none();
        let listed = self.lists.iter().find_map(|list| list.current);
        let may_repair = is_stray
            && (self.scope.input.wishes.asks_for(ChangeClass::Repair)
                || policy.addons == Addons::Leave);
        if let Some(listed) = listed.filter(|_| may_repair) {
            return Ok(Some(listed.clone()));
        }
        let is_ended = self.scope.available.is_ended(minor);
        // `waiting` tells which newer charts are held at the end of life.
        if is_ended && !is_stray {
            return Ok(None);
        }
        let catalog = self.scope.input.catalog;
        // A repository that gave no answer is among what is unknown.
        if catalog.find_chart(url, chart).is_some() && !is_ended {
            charts.skip(
                SkipSubject::Chart(chart.clone(), minor),
                ChartReason::ChartNotPublished {
                    url: url.to_owned(),
                    minor,
                },
            );
        }
        Err(MissingChart::NotKnown {
            chart: chart.clone(),
        })
    }

    /// Decides what lists say: what the dependencies get, and never less than they say.
    fn decide_lists(&self, listed: Option<ChartVersion>, charts: &mut Charts) {
        let asks_repairs = self.scope.input.wishes.asks_for(ChangeClass::Repair);
        let mut stated = self.dependencies.iter().filter_map(|of| of.named.current);
        // Without an index, a repair still makes lists say what the dependencies say.
        let repaired = stated.next().cloned().filter(|_| asks_repairs);
        let Some(version) = listed.or(repaired) else {
            return;
        };
        let listed = charts.listed.entry(self.minor).or_default();
        listed.insert(self.chart.name.clone(), version.clone());
        for named in &self.lists {
            let stated = match named.current {
                // A list that is ahead of its dependency is not lowered.
                Some(current) if !version.is_newer_than(current) => current,
                Some(_) | None => &version,
            };
            let asks_for = named.limit(self.minor);
            if asks_for.is_some_and(|limit| !limit.range.takes(stated)) || !named.is_read {
                let reason = ChartReason::ChartRangeExcludes(Asks::from(named.reference));
                charts.skip(self.at_version(stated), reason);
            } else if named.range.is_some() && named.limit(self.minor).is_none() {
                let minor = self.minor;
                let reason = ChartReason::ChartRangeWithoutMinor {
                    asks: Asks::from(named.reference),
                    minor,
                    range: None,
                };
                charts.skip(SkipSubject::Chart(self.chart.name.clone(), minor), reason);
            } else {
                charts
                    .places
                    .insert(ChartPlace::of(named.reference), stated.clone());
            }
        }
    }
}

fn is_allowed(limits: &[Limit<'_>], version: &ChartVersion) -> bool {
    limits.iter().all(|limit| limit.range.takes(version))
}

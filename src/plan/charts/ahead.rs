//! A version that a file names and its repository does not have: every place of the chart stays where it is.

use super::{Charts, Group};
use crate::plan::facts::{ChartReason, FileLine, MissingChart, SkipSubject};
use crate::stack::{ChartSource, Reference};
use crate::version::ChartVersion;

/// A version that stands somewhere and is newer than all that its repository has.
pub(super) struct Ahead<'t> {
    reference: &'t Reference,
    version: &'t ChartVersion,
    repository: &'t str,
    newest: &'t ChartVersion,
}

impl<'t> Group<'t> {
    pub(super) fn find_ahead(&self) -> Option<Ahead<'t>> {
        let of_dependencies = self.dependencies.iter().filter_map(|dependency| {
            // Nobody can tell what an alias of Helm's, or a directory, has.
            let ChartSource::Repository(url) = dependency.source else {
                return None;
            };
            Some((&dependency.named, url))
        });
        let url = self.scope.stack.repository_of(self.chart);
        let of_lists = self.lists.iter().map(|named| (named, url));
        of_lists
            .chain(of_dependencies)
            .find_map(|(named, repository)| {
                // Not `newest`, which has nothing after the end of life: what stands there has to exist then, too.
                let (version, newest) = (named.current?, self.newest_known(repository)?);
                version.is_newer_than(newest).then_some(Ahead {
                    reference: named.reference,
                    version,
                    repository,
                    newest,
                })
            })
    }

    /// Leaves every place where it is: one of them names what the repository does not have, and nobody knows which is meant.
    pub(super) fn leave_all(&self, ahead: &Ahead<'_>, charts: &mut Charts) {
        let Ahead {
            reference,
            version,
            repository,
            newest,
        } = ahead;
        let chart = &self.chart.name;
        let disagrees = self.named().any(|named| {
            let current = named.current;
            !current.is_some_and(|current| current.is_same_release(version))
        });
        let at = FileLine::from(*reference);
        let places = self.named().map(|named| FileLine::from(named.reference));
        let others = places.filter(|place| disagrees && *place != at);
        charts.skip(
            SkipSubject::ChartVersion(chart.clone(), (*version).clone()),
            ChartReason::ChartAhead {
                others: others.collect(),
                at: at.clone(),
                version: (*version).clone(),
                repository: (*repository).to_owned(),
                newest: (*newest).clone(),
                minor: self.minor,
            },
        );
        // Where all agree, the tree has a chart of the minor, if one that its repository does not have.
        if !disagrees || self.dependencies.is_empty() {
            return;
        }
        let missing = MissingChart::Ahead {
            at,
            chart: chart.clone(),
            version: (*version).clone(),
        };
        self.miss(missing, charts);
    }
}

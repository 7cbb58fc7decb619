//! What a repository wants to know of the world before it can be planned: its image stores and chart repositories.

use std::collections::BTreeSet;

use super::Selection;
use crate::catalog::CatalogRequest;
use crate::matrix::minors_of;
use crate::stack::{Discovery, Fact, ImageSeries, ProofKind, SeriesId, Stack, Tree};
use crate::version::Minor;

/// Returns what the stacks asked for want to know of the world.
pub(crate) fn catalog_request(
    discovery: &Discovery,
    tree: &Tree,
    selection: &Selection,
) -> CatalogRequest {
    let requests = discovery.map(tree, |stack| {
        let mut request = CatalogRequest::default();
        if selection.takes(stack) {
            for (id, series) in stack.series.iter() {
                add_store(stack, id, series, selection, &mut request);
            }
            add_charts(stack, &mut request);
        }
        request
    });
    requests
        .into_iter()
        .fold(CatalogRequest::default(), CatalogRequest::join)
}

/// Asks the store of a series for its images of the stack's minors.
fn add_store(
    stack: &Stack,
    id: SeriesId,
    series: &ImageSeries,
    selection: &Selection,
    request: &mut CatalogRequest,
) {
    let Some(pattern) = &series.store else {
        return;
    };
    let minors = minors_of(stack);
    let wanted = request.stores.entry(pattern.clone()).or_default();
    wanted.proof = series.store_proof;
    // One minor further than the stack is, so that a new one is seen.
    let upcoming = minors.last().map(|minor| minor.next());
    let mut present: BTreeSet<Minor> = wanted.present();
    present.extend(selection.minor);
    present.extend(selection.asked_minor());
    let asked = minors.into_iter();
    present.extend(asked.filter(|minor| selection.takes_minor(stack, *minor)));
    wanted.upcoming.extend(upcoming);
    wanted.upcoming.retain(|minor| !present.contains(minor));
    wanted.minors.extend(present);
    wanted.minors.extend(upcoming);
    wanted.digests |= series.proofs.contains(&ProofKind::Digest);
    wanted.os_releases.extend(series.os_releases.clone());
    for file in stack.files() {
        for image_list in file.image_lists() {
            for entry in &image_list.entries {
                let of_place = stack.series.of_place(&image_list.file, entry.line);
                // An entry of no known series may be of any: every store is asked for its version.
                if of_place.is_some_and(|of| of != id) {
                    continue;
                }
                if selection.takes_minor(stack, entry.version.minor()) {
                    wanted.listed.insert(entry.version);
                    if let Some(os) = &entry.os {
                        let of_version = wanted.listed_os.entry(entry.version).or_default();
                        of_version.insert(os.clone());
                    }
                }
                wanted.os_releases.extend(entry.os.clone());
            }
        }
    }
    // A default is looked for even where no list names it.
    wanted
        .listed
        .extend(stack.trees.iter().filter_map(|tree| tree.default));
}

/// Charts that source trees depend on, and those that lists of versions name.
fn add_charts(stack: &Stack, request: &mut CatalogRequest) {
    for reference in stack.references() {
        match &reference.fact {
            Fact::ChartDependency {
                chart, repository, ..
            } => {
                if let Some(bound) = stack.charts.find(chart)
                    && let Some(url) = bound.repository_of(repository)
                {
                    add_chart(url, chart, request);
                }
            }
            Fact::ListedAddon { chart, .. } => {
                if let Some(bound) = stack.charts.find(chart) {
                    add_chart(stack.repository_of(bound), chart, request);
                }
            }
            _ => {}
        }
    }
}

fn add_chart(url: &str, name: &str, request: &mut CatalogRequest) {
    let charts = request.charts.entry(url.to_owned()).or_default();
    charts.names.insert(name.to_owned());
}

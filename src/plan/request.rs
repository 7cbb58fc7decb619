//! What a repository wants to know of the world before it can be planned: its image stores and chart repositories.

use super::Selection;
use crate::catalog::{CatalogRequest, StoreRequest};
use crate::matrix::{minors_of, store_pattern};
use crate::stack::{Discovery, Fact, MinorBoundChart, SourceFile, Stack, Tree, find_minor_bound};

/// Returns what the stacks asked for want to know of the world.
pub fn catalog_request(
    discovery: &Discovery,
    tree: &Tree,
    selection: &Selection,
) -> CatalogRequest {
    let requests = discovery.map(tree, |stack| {
        let mut request = CatalogRequest::default();
        if selection.takes(stack) {
            add_store(stack, selection, &mut request);
            add_charts(stack, &mut request);
        }
        request
    });
    requests.into_iter().fold(CatalogRequest::default(), merge)
}

fn merge(mut all: CatalogRequest, one: CatalogRequest) -> CatalogRequest {
    for (pattern, store) in one.stores {
        let known: &mut StoreRequest = all.stores.entry(pattern).or_default();
        known.minors.extend(store.minors);
        known.listed.extend(store.listed);
        known.os_releases.extend(store.os_releases);
        known.digests |= store.digests;
    }
    for (url, charts) in one.charts {
        all.charts
            .entry(url)
            .or_default()
            .names
            .extend(charts.names);
    }
    all
}

fn add_store(stack: &Stack, selection: &Selection, request: &mut CatalogRequest) {
    let Some(pattern) = store_pattern(stack, selection.image_pattern.as_ref()) else {
        return;
    };
    let asked = |minor| selection.minor.is_none_or(|asked| asked == minor);
    let minors = minors_of(stack);
    let wanted = request.stores.entry(pattern).or_default();
    // One minor further than the stack is, so that a new one is seen.
    wanted
        .minors
        .extend(minors.last().map(|minor| minor.next()));
    wanted.minors.extend(selection.minor);
    wanted
        .minors
        .extend(minors.into_iter().filter(|minor| asked(*minor)));
    for entry in stack
        .files()
        .flat_map(SourceFile::rosters)
        .flat_map(|roster| &roster.entries)
    {
        wanted
            .listed
            .extend(Some(entry.version).filter(|version| asked(version.minor())));
        wanted.os_releases.extend(entry.os.clone());
    }
    wanted
        .listed
        .extend(stack.trees.iter().filter_map(|tree| tree.default));
}

/// Charts that source trees depend on, and those that lists of versions name.
fn add_charts(stack: &Stack, request: &mut CatalogRequest) {
    let mut add = |url: &str, name: &str| {
        request
            .charts
            .entry(url.to_owned())
            .or_default()
            .names
            .insert(name.to_owned())
    };
    for site in stack.files().flat_map(SourceFile::sites) {
        match &site.fact {
            Fact::ChartDependency {
                chart, repository, ..
            } => {
                if let Some(bound) = find_minor_bound(chart) {
                    let url = if repository.is_empty() {
                        bound.repository
                    } else {
                        repository
                    };
                    add(url, chart);
                }
            }
            Fact::ListedAddon {
                chart,
                version: Some(_),
                ..
            } => {
                if let Some(bound) = MinorBoundChart::all()
                    .iter()
                    .find(|bound| bound.name == chart)
                {
                    add(bound.repository, chart);
                }
            }
            _ => {}
        }
    }
}

//! Says what is not known: stores and chart repositories that gave no answer, or that nobody asked. What is not known is neither
//! current nor behind, and comes before everything else.

use std::collections::BTreeSet;

use super::charts;
use super::facts::{Skip, SkipReason, SkipSubject, SourceReason};
use super::skips::{follows_images, stores};
use super::target::Target;
use super::words;
use crate::catalog::{ImagePattern, Unreachable};
use crate::matrix::{StoreState, state_of};
use crate::policy::Addons;
use crate::version::Minor;

/// Returns what is not known of the minors that are looked at.
pub(super) fn unknown(target: &Target<'_>) -> Vec<Skip> {
    let mut unknown = Vec::new();
    if follows_images(target) {
        let stores = stores(target);
        if stores.is_empty() {
            unknown.push(no_store(target));
        }
        for pattern in stores {
            unknown.extend(unknown_images(target, pattern));
        }
    }
    if target.input.policy.addons != Addons::Leave {
        unknown.extend(unknown_charts(target));
    }
    words::in_order(&mut unknown);
    unknown
}

/// Tells whether the stack needs sources, and none of them said anything.
pub(super) fn is_blind(target: &Target<'_>) -> bool {
    let catalog = target.input.catalog;
    let mut needed = 0;
    let mut answered = 0;
    if follows_images(target) {
        for pattern in stores(target) {
            for minor in &target.minors {
                needed += 1;
                // A list of tags that broke off said something.
                let has_images = catalog
                    .find_store(pattern)
                    .is_some_and(|store| !store.images_of_minor(*minor).is_empty());
                let state = state_of(catalog, pattern, *minor);
                answered += usize::from(has_images || state == StoreState::Answered);
            }
        }
    }
    // Charts that are left alone need no answer; one that came all the same is an answer.
    let needs_charts = target.input.policy.addons != Addons::Leave;
    for tree in &target.stack.trees {
        for (chart, repository) in charts::asked(target.stack, tree) {
            needed += usize::from(needs_charts);
            answered += usize::from(catalog.find_chart(repository, chart).is_some());
        }
    }
    // A stack that needs no source is not blind, however silent the sources are.
    needed > 0 && answered == 0
}

/// Returns the minors, of those that are looked at, of which something is not known.
pub(super) fn unknown_minors(target: &Target<'_>) -> BTreeSet<Minor> {
    let catalog = target.input.catalog;
    let mut minors = BTreeSet::new();
    if follows_images(target) {
        let stores = stores(target);
        for minor in &target.minors {
            let mut states = stores.iter().map(|store| state_of(catalog, store, *minor));
            if stores.is_empty() || states.any(|state| state != StoreState::Answered) {
                minors.insert(*minor);
            }
        }
    }
    if target.input.policy.addons != Addons::Leave {
        for (tree, wanted) in target.written() {
            let mut asked = charts::asked(target.stack, tree).into_iter();
            if asked.any(|(chart, repository)| catalog.find_chart(repository, chart).is_none()) {
                minors.insert(wanted.line.minor);
            }
        }
    }
    minors
}

fn no_store(target: &Target<'_>) -> Skip {
    let tree = target.stack.trees.first();
    let provider = tree.map_or_else(String::new, |tree| tree.provider.clone());
    Skip::new(
        SkipSubject::NodeImages(Vec::new()),
        SkipReason::Source(SourceReason::NoImageStore { provider }),
    )
}

fn unknown_images(target: &Target<'_>, pattern: &ImagePattern) -> Vec<Skip> {
    let catalog = target.input.catalog;
    let mut unknown = Vec::new();
    for failed in &catalog.unreachable {
        if failed.source != pattern.as_str() {
            continue;
        }
        let mut minors = target.minors.clone();
        // A failure without minors is about all of them.
        if !failed.minors.is_empty() {
            minors.retain(|minor| failed.minors.contains(minor));
        }
        if !minors.is_empty() {
            unknown.push(Skip::new(
                SkipSubject::NodeImages(minors),
                SkipReason::Source(unreachable(failed)),
            ));
        }
    }
    let mut silent = target.minors.clone();
    silent.retain(|minor| state_of(catalog, pattern, *minor) == StoreState::Unknown);
    if !silent.is_empty() {
        unknown.push(Skip::new(
            SkipSubject::NodeImages(silent),
            SkipReason::Source(not_asked(target, pattern.as_str())),
        ));
    }
    unknown
}

fn unknown_charts(target: &Target<'_>) -> Vec<Skip> {
    let catalog = target.input.catalog;
    let mut unknown = Vec::new();
    for (tree, wanted) in target.written() {
        for (chart, repository) in charts::asked(target.stack, tree) {
            let failed = catalog
                .unreachable
                .iter()
                .find(|failed| failed.source == repository);
            let reason = match (failed, catalog.find_chart(repository, chart)) {
                (Some(failed), _) => unreachable(failed),
                (None, None) => not_asked(target, repository),
                // A repository that answered is known, even if it has nothing.
                (None, Some(_)) => continue,
            };
            let subject = SkipSubject::Chart(chart.to_owned(), wanted.line.minor);
            unknown.push(Skip::new(subject, SkipReason::Source(reason)));
        }
    }
    unknown
}

fn unreachable(failed: &Unreachable) -> SourceReason {
    SourceReason::SourceUnreachable {
        url: failed.url.clone(),
        reason: failed.reason.clone(),
    }
}

fn not_asked(target: &Target<'_>, source: &str) -> SourceReason {
    SourceReason::SourceNotAsked {
        source: source.to_owned(),
        command: target.input.selection.local_command("catalog fetch"),
    }
}

//! Says what is not known: stores and chart repositories that gave no answer, or that nobody asked. What is not known is neither
//! current nor behind, and comes before everything else.

use std::collections::BTreeSet;

use super::Hold;
use super::charts;
use super::holds::{follows_images, hold, listing, stores};
use super::target::Target;
use crate::catalog::ImagePattern;
use crate::matrix::{StoreState, state_of};
use crate::policy::Addons;
use crate::version::Minor;

/// Returns what is not known of the minors that are looked at.
pub(super) fn unknown(target: &Target<'_>) -> Vec<Hold> {
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
    unknown.sort();
    unknown.dedup();
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
    for tree in &target.stack.trees {
        for (chart, repository) in charts::asked(target, tree) {
            needed += 1;
            answered += usize::from(catalog.find_chart(repository, chart).is_some());
        }
    }
    needed > 0 && answered == 0
}

/// Returns the minors, of those that are looked at, of which something is not known.
pub(super) fn unknown_minors(target: &Target<'_>) -> BTreeSet<Minor> {
    let catalog = target.input.catalog;
    let mut minors = BTreeSet::new();
    if follows_images(target) {
        let stores = stores(target);
        let is_unknown = |minor: &Minor| {
            let answered = |pattern| state_of(catalog, pattern, *minor) == StoreState::Answered;
            stores.is_empty() || !stores.iter().copied().all(answered)
        };
        minors.extend(target.minors.iter().copied().filter(is_unknown));
    }
    if target.input.policy.addons != Addons::Leave {
        for (tree, wanted) in target.written() {
            let mut asked = charts::asked(target, tree).into_iter();
            if asked.any(|(chart, repository)| catalog.find_chart(repository, chart).is_none()) {
                minors.insert(wanted.line.minor);
            }
        }
    }
    minors
}

fn no_store(target: &Target<'_>) -> Hold {
    let provider = target.stack.trees.first();
    let provider = provider.map_or("", |tree| tree.provider.as_str());
    let reason =
        format!("no file names an image, and no image store is known for provider {provider}");
    let hint = "name one in csctl-matrix.yaml: `imageStore: {pattern: 'https://.../{os}-kube-v{version}.qcow2'}`";
    hold("node images", reason, Some(hint.to_owned()))
}

fn unknown_images(target: &Target<'_>, pattern: &ImagePattern) -> Vec<Hold> {
    let catalog = target.input.catalog;
    let mut unknown = Vec::new();
    for failed in &catalog.unreachable {
        let is_concerned =
            |minor: &Minor| failed.minors.is_empty() || failed.minors.contains(minor);
        let minors: Vec<Minor> = target.minors.iter().copied().filter(is_concerned).collect();
        if failed.source == pattern.as_str() && !minors.is_empty() {
            let subject = format!("node images of {}", listing(&minors));
            let reason = format!("{}: {}", failed.url, failed.reason);
            unknown.push(hold(subject, reason, None));
        }
    }
    let is_silent = |minor: &Minor| state_of(catalog, pattern, *minor) == StoreState::Unknown;
    let silent: Vec<Minor> = target.minors.iter().copied().filter(is_silent).collect();
    if !silent.is_empty() {
        let subject = format!("node images of {}", listing(&silent));
        let reason = format!("the catalog says nothing of {}", pattern.as_str());
        unknown.push(hold(subject, reason, Some(ask_hint(target))));
    }
    unknown
}

fn unknown_charts(target: &Target<'_>) -> Vec<Hold> {
    let catalog = target.input.catalog;
    let mut unknown = Vec::new();
    for (tree, wanted) in target.written() {
        for (chart, repository) in charts::asked(target, tree) {
            let failed = catalog
                .unreachable
                .iter()
                .find(|failed| failed.source == repository);
            let (reason, hint) = match (failed, catalog.find_chart(repository, chart)) {
                (Some(failed), _) => (format!("{}: {}", failed.url, failed.reason), None),
                (None, None) => (
                    format!("the catalog says nothing of {repository}"),
                    Some(ask_hint(target)),
                ),
                (None, Some(_)) => continue,
            };
            let subject = format!("{chart} for {}", wanted.line.minor);
            unknown.push(hold(subject, reason, hint));
        }
    }
    unknown
}

/// The hint beside a source that a catalog does not speak of.
fn ask_hint(target: &Target<'_>) -> String {
    let command = target.input.selection.local_command("catalog fetch");
    format!("ask it: run without --offline and --catalog, or write a new catalog with {command}")
}

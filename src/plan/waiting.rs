//! Says why defaults wait: a series that lacks an image, a reference that cannot follow, another operating system, the end of life
//! of a minor. What follows from it is worked out in `target` and `limits`.

use std::collections::{BTreeMap, BTreeSet};

use super::available::{AvailableSeries, Lack};
use super::charts;
use super::facts::{
    DefaultReason, FileReason, ImageReason, MinorReason, OsMove, Skip, SkipReason, SkipSubject,
};
use super::target::{Target, TreeMove};
use crate::catalog::Catalog;
use crate::matrix::{StoreState, state_of};
use crate::stack::{Fault, SourceTree};
use crate::version::{KubernetesVersion, Minor};

/// Returns why defaults wait, and what of the stack stays as it is.
pub(super) fn waiting(target: &Target<'_>) -> Vec<Skip> {
    let mut skips = excluded_skips(target);
    skips.extend(held_files(target));
    for step in &target.moves {
        if let TreeMove::Edit(tree, wanted) = step {
            skips.extend(lacking_skips(target, wanted.default, wanted.line.minor));
            // A tree that is set to another minor leaves its default behind.
            let stays = wanted.line.minor == wanted.line_before.minor;
            if stays && target.is_looked_at(wanted.line.minor) {
                skips.extend(os_skips(target, tree));
                skips.extend(gone_skip(target, tree));
            }
        }
    }
    skips.extend(
        target
            .minors
            .iter()
            .filter_map(|minor| end_skip(target, *minor)),
    );
    skips
}

/// Defaults that some reference cannot follow.
fn excluded_skips(target: &Target<'_>) -> Vec<Skip> {
    // Several versions are kept back by the same place: it is said once.
    let mut by_fault: BTreeMap<String, (&Fault, Vec<KubernetesVersion>)> = BTreeMap::new();
    for ((_, version), fault) in &target.limits.excluded {
        let entry = by_fault.entry(format!("{}:{:?}", fault.file, fault.line));
        entry.or_insert((fault, Vec::new())).1.push(*version);
    }
    by_fault
        .into_values()
        .map(|(fault, mut versions)| {
            versions.sort_unstable();
            default_skip(versions, DefaultReason::DefaultCannotMove(fault.clone()))
        })
        .collect()
}

/// Files that stay as they are.
fn held_files(target: &Target<'_>) -> impl Iterator<Item = Skip> {
    target.limits.held.values().map(|fault| {
        Skip::new(
            SkipSubject::File(fault.file.clone(), fault.line),
            SkipReason::File(FileReason::FileCannotMove(fault.clone())),
        )
    })
}

/// Versions newer than a default that not every series has.
fn lacking_skips(
    target: &Target<'_>,
    default: Option<KubernetesVersion>,
    minor: Minor,
) -> Vec<Skip> {
    let policy = target.input.policy;
    let newer: BTreeSet<KubernetesVersion> = target
        .available
        .unfiltered(minor)
        .filter(|image| default.is_none_or(|default| image.version > default))
        // What the policy withholds is told by `withheld`.
        .filter(|image| policy.follows_os(image.os.as_ref()) && !target.available.is_blocked(image))
        .map(|image| image.version)
        .collect();
    let mut by_lack: Vec<(DefaultReason, Vec<KubernetesVersion>)> = Vec::new();
    let ended = target.available.ended(minor);
    // What is held by the end of life is told with it.
    for version in newer.difference(&ended) {
        for lack in target.available.lacking(*version) {
            let reason = lack_reason(&lack);
            match by_lack.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, versions)) => versions.push(*version),
                None => by_lack.push((reason, vec![*version])),
            }
        }
    }
    by_lack
        .into_iter()
        .map(|(reason, versions)| default_skip(versions, reason))
        .collect()
}

fn lack_reason(lack: &Lack<'_>) -> DefaultReason {
    let series = lack.series;
    let learnt_at = series.learnt_at.clone().unwrap_or_default();
    match lack.proof {
        None => DefaultReason::SeriesWithoutImage {
            series: series.distribution.is_some().then(|| series.title.clone()),
            learnt_at,
        },
        Some(proof) => DefaultReason::NoProof { proof, learnt_at },
    }
}

fn default_skip(versions: Vec<KubernetesVersion>, reason: DefaultReason) -> Skip {
    Skip::new(SkipSubject::Versions(versions), SkipReason::Default(reason))
}

/// Newer patches that are on another operating system alone.
fn os_skips(target: &Target<'_>, tree: &SourceTree) -> Vec<Skip> {
    let Some(default) = tree.default else {
        return Vec::new();
    };
    let mut by_move: BTreeMap<OsMove, Vec<KubernetesVersion>> = BTreeMap::new();
    let newer = target.selected(default.minor()).into_iter();
    for version in newer.filter(|version| *version > default) {
        if let Some(step) = target.new_os(tree, version) {
            by_move.entry(step).or_default().push(version);
        }
    }
    let skips = by_move.into_iter();
    skips
        .map(|(step, versions)| os_skip(target, step, versions))
        .collect()
}

fn os_skip(target: &Target<'_>, step: OsMove, versions: Vec<KubernetesVersion>) -> Skip {
    let command = (!step.is_lower()).then(|| {
        let title = target.stack.title();
        let selection = target.input.selection;
        selection.command(&format!("plan {title} --change os-release"))
    });
    default_skip(versions, DefaultReason::OtherOs { step, command })
}

/// A default whose image is not in the store any more.
fn gone_skip(target: &Target<'_>, tree: &SourceTree) -> Option<Skip> {
    let default = tree.default?;
    let catalog = target.input.catalog;
    let own = target
        .available
        .series()
        .iter()
        .find(|own| is_default_gone(catalog, own, default))?;
    Some(Skip::new(
        SkipSubject::version(default),
        SkipReason::Image(ImageReason::DefaultImageGone {
            series: own.series.title.clone(),
            store: own.series.store.as_ref()?.base_or_name().to_string(),
        }),
    ))
}

/// Tells whether a store has images of a default's minor, and none of the default. A minor without any image, and an image that
/// cannot be proved, are said by themselves.
fn is_default_gone(
    catalog: &Catalog,
    own: &AvailableSeries<'_>,
    default: KubernetesVersion,
) -> bool {
    let (Some(pattern), Some(store)) = (&own.series.store, own.store) else {
        return false;
    };
    let images = store.images_of_minor(default.minor());
    let mut of_default = images.iter().filter(|image| image.version == default);
    let is_there = of_default.any(|image| own.series.has_os(image.os.as_ref()));
    let is_faulty = store.faulty.iter().any(|faulty| faulty.version == default);
    let answered = state_of(catalog, pattern, default.minor()) == StoreState::Answered;
    answered && !images.is_empty() && !is_there && !is_faulty
}

/// A minor that gets nothing new, as it has reached its end of life.
fn end_skip(target: &Target<'_>, minor: Minor) -> Option<Skip> {
    if !target.available.is_ended(minor) {
        return None;
    }
    let day = target.input.catalog.end_of_life.get(&minor)?;
    let images: Vec<KubernetesVersion> = target.available.ended(minor).into_iter().collect();
    let mut trees = target.stack.trees.iter();
    let own = trees.clone().find(|tree| tree.minor == Some(minor));
    let charts = own
        // A minor that only lists name has no tree of its own; any tree sees the lists that stand beside it.
        .or_else(|| trees.next())
        .map(|tree| charts::newer_of_ended(target.chart_scope(), tree, minor))
        .unwrap_or_default();
    if images.is_empty() && charts.is_empty() {
        return None;
    }
    Some(Skip::new(
        SkipSubject::minor(minor),
        SkipReason::Minor(MinorReason::EndOfLife {
            day: *day,
            images,
            charts,
        }),
    ))
}

//! Says why defaults wait: a series that lacks an image, a reference that cannot follow, another operating system, the end of life
//! of a minor. What follows from it is worked out in `target` and `limits`.

use std::collections::{BTreeMap, BTreeSet};

use super::Hold;
use super::charts;
use super::holds::hold;
use super::target::{Move, OsMove, Target};
use crate::matrix::{StoreState, state_of};
use crate::stack::{Fault, ProofKind, SourceTree};
use crate::version::{KubernetesVersion, Minor, compact};

/// Returns why defaults wait, and what of the stack stays as it is.
pub(super) fn waiting(target: &Target<'_>) -> Vec<Hold> {
    let mut holds = excluded_holds(target);
    holds.extend(held_files(target));
    for step in &target.moves {
        if let Move::Edit(tree, wanted) = step {
            holds.extend(lacking_holds(target, wanted.default, wanted.line.minor));
            // A tree that is set to another minor leaves its default behind.
            let stays = wanted.line.minor == wanted.line_before.minor;
            if stays && target.is_looked_at(wanted.line.minor) {
                holds.extend(os_holds(target, tree));
                holds.extend(gone_hold(target, tree));
            }
        }
    }
    holds.extend(
        target
            .minors
            .iter()
            .filter_map(|minor| end_hold(target, *minor)),
    );
    holds
}

/// Defaults that some reference cannot follow.
fn excluded_holds(target: &Target<'_>) -> Vec<Hold> {
    let mut by_fault: BTreeMap<String, (&Fault, Vec<KubernetesVersion>)> = BTreeMap::new();
    for ((_, version), fault) in &target.limits.excluded {
        let entry = by_fault.entry(format!("{}:{:?}", fault.file, fault.line));
        entry.or_insert((fault, Vec::new())).1.push(*version);
    }
    by_fault
        .into_values()
        .map(|(fault, mut versions)| {
            versions.sort_unstable();
            let reason = format!("{} not become the default: {fault}", does(&versions));
            hold(subject_of(&versions), reason, Some(fault.hint.clone()))
        })
        .collect()
}

/// Files that stay as they are.
fn held_files(target: &Target<'_>) -> impl Iterator<Item = Hold> {
    target.limits.held.values().map(|fault| {
        let place = match fault.line {
            Some(line) => format!("{}:{line}", fault.file),
            None => fault.file.clone(),
        };
        hold(place, fault.message.clone(), Some(fault.hint.clone()))
    })
}

/// Versions newer than a default that not every series has.
fn lacking_holds(
    target: &Target<'_>,
    default: Option<KubernetesVersion>,
    minor: Minor,
) -> Vec<Hold> {
    let policy = target.input.policy;
    let newer: BTreeSet<KubernetesVersion> = target
        .offer
        .unfiltered(minor)
        .filter(|image| default.is_none_or(|default| image.version > default))
        .filter(|image| {
            policy.follows_os(image.os.as_ref())
                && policy
                    .find_block(image.version, image.os.as_ref())
                    .is_none()
        })
        .map(|image| image.version)
        .collect();
    let mut by_lack: BTreeMap<String, Vec<KubernetesVersion>> = BTreeMap::new();
    let ended = target.offer.ended(minor);
    for version in newer.difference(&ended) {
        for lack in target.offer.lacking(*version) {
            let series = &lack.series.title;
            let asked = lack.series.learnt_at.clone().unwrap_or_default();
            let lack = match lack.proof {
                None if lack.series.distribution.is_none() => format!("no such image ({asked})"),
                None => format!("no image of {series} ({asked})"),
                Some(proof) => {
                    let proof = proof_words(proof);
                    format!("the source gives no {proof}, which {asked} asks for")
                }
            };
            by_lack.entry(lack).or_default().push(*version);
        }
    }
    let holds = by_lack.into_iter().map(|(lack, versions)| {
        let reason = format!("{} not become the default: {lack}", does(&versions));
        hold(subject_of(&versions), reason, None)
    });
    holds.collect()
}

/// The verb of one version, or of several.
fn does(versions: &[KubernetesVersion]) -> &'static str {
    if versions.len() == 1 { "does" } else { "do" }
}

fn proof_words(proof: ProofKind) -> &'static str {
    match proof {
        ProofKind::Sha256 => "SHA-256 checksum",
        ProofKind::Sha512 => "SHA-512 checksum",
        ProofKind::Weak => "MD5 or SHA-1 checksum",
        ProofKind::Digest => "digest",
    }
}

/// Newer patches that are on another operating system alone.
fn os_holds(target: &Target<'_>, tree: &SourceTree) -> Vec<Hold> {
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
    let holds = by_move.into_iter();
    holds
        .map(|(step, versions)| os_hold(target, &step, &versions))
        .collect()
}

fn os_hold(target: &Target<'_>, step: &OsMove, versions: &[KubernetesVersion]) -> Hold {
    let OsMove { before, after } = step;
    let words = match versions.len() {
        1 => "does not become the default: its image is",
        _ => "do not become the default: their images are",
    };
    let older = if step.is_lower() {
        ", which is newer"
    } else {
        ""
    };
    let reason = format!("{words} on {after}, and the stack's images are on {before}{older}");
    let hint = (!step.is_lower()).then(|| {
        let title = target.stack.title();
        let command = format!("plan {title} --change os-release");
        format!(
            "look at it by itself: {}",
            target.input.selection.command(&command)
        )
    });
    hold(subject_of(versions), reason, hint)
}

/// Names one version, or several in the short form.
fn subject_of(versions: &[KubernetesVersion]) -> String {
    match versions {
        [version] => version.to_string(),
        _ => format!("v{}", compact(versions)),
    }
}

/// A default whose image is not in the store any more.
fn gone_hold(target: &Target<'_>, tree: &SourceTree) -> Option<Hold> {
    let default = tree.default?;
    let catalog = target.input.catalog;
    let gone = target.offer.stores().find_map(|(_, series, store)| {
        let pattern = series.store.as_ref()?;
        let answered = state_of(catalog, pattern, default.minor()) == StoreState::Answered;
        let store = store.filter(|_| answered)?;
        let images = store.images_of_minor(default.minor());
        let is_there = images
            .iter()
            .any(|image| image.version == default && series.has_os(image.os.as_ref()));
        let is_faulty = store.faulty.iter().any(|faulty| faulty.version == default);
        (!is_there && !is_faulty && !images.is_empty()).then_some((series, pattern))
    })?;
    let (series, pattern) = gone;
    let reason = format!(
        "the stack's default, and its image of {} is not in {}",
        series.title,
        pattern.base_or_name()
    );
    Some(hold(default, reason, None))
}

/// A minor that gets nothing new, as it has reached its end of life.
fn end_hold(target: &Target<'_>, minor: Minor) -> Option<Hold> {
    if !target.offer.is_ended(minor) {
        return None;
    }
    let day = target.input.catalog.end_of_life.get(&minor)?;
    let images: Vec<KubernetesVersion> = target.offer.ended(minor).into_iter().collect();
    let mut trees = target.stack.trees.iter();
    let own = trees.clone().find(|tree| tree.minor == Some(minor));
    let tree = own.or_else(|| trees.next());
    let charts = tree.map(|tree| charts::newer_of_ended(target, tree, minor));
    let charts = charts.unwrap_or_default();
    let mut held: Vec<String> = Vec::new();
    if !images.is_empty() {
        held.push(format!("new images ({})", compact(&images)));
    }
    held.extend(
        charts
            .iter()
            .map(|(chart, version)| format!("{chart} {version}")),
    );
    let verb = if images.is_empty() && held.len() == 1 {
        "is"
    } else {
        "are"
    };
    let held = join_words(&held)?;
    let reason = format!("reached its end of life on {day}: {held} {verb} held");
    let hint = "`endOfLife: follow` in csctl-matrix.yaml, or --end-of-life follow, takes them";
    Some(hold(minor, reason, Some(hint.to_owned())))
}

/// Joins words as a sentence does: `a, b and c`.
fn join_words(words: &[String]) -> Option<String> {
    match words {
        [] => None,
        [word] => Some(word.clone()),
        [first @ .., last] => Some(format!("{} and {last}", first.join(", "))),
    }
}

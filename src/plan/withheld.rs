//! Says what the policy withholds: versions that are blocked, too young or pinned away, minors that are not looked at, operating
//! systems that are not followed. What follows from it is worked out in `available` and `target`.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{DefaultReason, MinorReason, PolicyReason, Skip, SkipReason, SkipSubject};
use super::target::{Target, TreeMove};
use crate::matrix::minors_of;
use crate::policy::Block;
use crate::stack::Fact;
use crate::version::{KubernetesVersion, Minor, OsRelease};

/// Returns what the policy withholds.
pub(super) fn withheld(target: &Target<'_>) -> Vec<Skip> {
    let mut skips = blocked_skips(target);
    skips.extend(os_skips(target));
    skips.extend(outside_skip(target));
    skips.extend(untested_skips(target));
    for (minor, default) in defaults(target) {
        skips.extend(young_skips(target, minor, default));
        skips.extend(pin_skip(target, minor, default));
    }
    skips
}

/// Defaults that would move, and minors that would arrive, if their tests were green.
fn untested_skips(target: &Target<'_>) -> Vec<Skip> {
    let mut skips = Vec::new();
    for step in &target.moves {
        if let TreeMove::Edit(tree, wanted) = step {
            let minor = wanted.line.minor;
            let free = target.tested_default(tree, minor);
            let is_held = wanted.default.is_some() && free != wanted.default;
            skips.extend(
                free.filter(|_| is_held)
                    .and_then(|free| untested(target, minor, free)),
            );
        }
    }
    for reference in target.stack.references() {
        // Few minors wait, and a list may have many rows.
        if let Fact::ListedVersion { version } = reference.fact
            && target.find_untested(version.minor()).is_some()
            && target.minors.contains(&version.minor())
            && !target.has_tree(version.minor())
        {
            let newest = target.newest_of_row(version.minor());
            let newer = newest.filter(|newest| *newest > version);
            skips.extend(newer.and_then(|newer| untested(target, version.minor(), newer)));
        }
    }
    if let Some(asked) = target.input.selection.asked_minor()
        && let Some(why) = target.find_untested(asked)
        && !target.has_tree(asked)
        && target.newest_default(asked).is_some()
    {
        skips.push(Skip::new(
            SkipSubject::minor(asked),
            SkipReason::Minor(MinorReason::UntestedMinor {
                why: why.to_owned(),
            }),
        ));
    }
    skips
}

/// Says that the tests of a version are not green, where its minor waits for them.
fn untested(target: &Target<'_>, minor: Minor, version: KubernetesVersion) -> Option<Skip> {
    let why = target.find_untested(minor)?.to_owned();
    let reason = SkipReason::Default(DefaultReason::Untested { why });
    Some(Skip::new(SkipSubject::version(version), reason))
}

/// Images that a store has and nobody may use.
fn blocked_skips(target: &Target<'_>) -> Vec<Skip> {
    let blocked = target.available.blocked();
    let images = target
        .minors
        .iter()
        .flat_map(|minor| target.available.unfiltered(*minor));
    let blocks: BTreeMap<String, &Block> = images
        .filter_map(|image| blocked.image(image.version, image.os.as_ref()))
        .map(|block| (block.subject(), block))
        .collect();
    blocks
        .into_values()
        .map(|block| {
            let os = block.os.as_ref().map(|os| format!(" --os {os}"));
            let words = format!("unblock {}{}", block.version, os.unwrap_or_default());
            Skip::new(
                SkipSubject::Blocked(block.clone()),
                SkipReason::Policy(PolicyReason::Blocked {
                    block: block.clone(),
                    command: target.input.selection.local_command(&words),
                }),
            )
        })
        .collect()
}

/// Versions whose images have other operating systems than those that are followed.
fn os_skips(target: &Target<'_>) -> Vec<Skip> {
    let policy = target.input.policy;
    if policy.os.is_empty() {
        return Vec::new();
    }
    let listed: BTreeSet<KubernetesVersion> = target
        .stack
        .image_entries()
        .map(|entry| entry.version)
        .collect();
    let mut others: BTreeMap<KubernetesVersion, Vec<OsRelease>> = BTreeMap::new();
    for minor in &target.minors {
        let images = target.available.of_minor(*minor).iter();
        let usable: BTreeSet<KubernetesVersion> = images.map(|image| image.version).collect();
        for image in target.available.unfiltered(*minor) {
            let is_other =
                !policy.follows_os(image.os.as_ref()) && !target.available.is_blocked(image);
            // A listed image stays on its own system, so that nothing is withheld of its version.
            if is_other && !listed.contains(&image.version) && !usable.contains(&image.version) {
                let names = others.entry(image.version).or_default();
                names.extend(image.os.clone());
            }
        }
    }
    others
        .into_iter()
        .map(|(version, on)| {
            let followed = policy.os.clone();
            let reason = PolicyReason::OsNotFollowed { on, followed };
            policy_skip(version, reason)
        })
        .collect()
}

/// Minors that the stack speaks of, and the policy does not.
fn outside_skip(target: &Target<'_>) -> Option<Skip> {
    let minors = &target.input.policy.minors;
    let selection = target.input.selection;
    let mut outside = minors_of(target.stack);
    // Who asks for a minor is told why it is left alone, even where no file speaks of it.
    outside.extend(selection.asked_minor());
    outside.extend(selection.minor);
    outside.retain(|minor| selection.takes_minor(target.stack, *minor) && !minors.contains(*minor));
    outside.sort_unstable();
    outside.dedup();
    // Of many plans, each of one line, every one would say the same of the others.
    if outside.is_empty() || selection.is_line_by_line {
        return None;
    }
    Some(Skip::new(
        SkipSubject::Minors(outside),
        SkipReason::Policy(PolicyReason::MinorNotSupported(minors.clone())),
    ))
}

/// The defaults that stack lines will have: those of source trees, else those of rows.
fn defaults(target: &Target<'_>) -> BTreeMap<Minor, KubernetesVersion> {
    let mut defaults = BTreeMap::new();
    let references = target.stack.references();
    let listed: BTreeSet<Minor> = references
        .filter_map(|reference| match reference.fact {
            Fact::ListedVersion { version } => Some(version.minor()),
            _ => None,
        })
        .collect();
    for (_, wanted) in target.written() {
        for (minor, row) in &wanted.rows {
            if let Some(version) = row.kubernetes.filter(|_| listed.contains(minor)) {
                defaults.insert(*minor, version);
            }
        }
        // What the tree gets comes over what its own row says.
        defaults.extend(wanted.default.map(|default| (default.minor(), default)));
    }
    defaults.retain(|minor, _| target.minors.contains(minor));
    defaults
}

/// Versions that would be a default if they were older.
fn young_skips(target: &Target<'_>, minor: Minor, default: KubernetesVersion) -> Vec<Skip> {
    let policy = target.input.policy;
    let age = policy.minimum_age;
    // A pinned default does not move, however old a version is.
    if target.pin(minor).is_some() {
        return Vec::new();
    }
    let newer: BTreeSet<KubernetesVersion> = target
        .selected(minor)
        .into_iter()
        .filter(|version| *version > default && !target.available.is_mature(*version))
        .collect();
    newer
        .into_iter()
        .map(|version| {
            let published = target.input.catalog.find_published(version);
            policy_skip(version, PolicyReason::TooYoung { age, published })
        })
        .collect()
}

/// A default that would go up if it were not pinned, or a pin that cannot be followed.
fn pin_skip(target: &Target<'_>, minor: Minor, default: KubernetesVersion) -> Option<Skip> {
    let pin = target.pin(minor)?;
    if default != pin.version {
        // A pin that waits for its tests is said with them.
        let is_tested = target.find_untested(minor).is_none();
        let until = pin.until;
        let reason = PolicyReason::PinUnusable { until, default };
        return is_tested.then(|| policy_skip(pin.version, reason));
    }
    let newest = target.newest_default(minor)?;
    let stack = pin.stack.as_ref().map(|stack| format!(" --stack {stack}"));
    let words = format!("unpin {}{}", pin.version, stack.unwrap_or_default());
    let reason = PolicyReason::Pinned {
        pin: pin.clone(),
        command: target.input.selection.local_command(&words),
    };
    (newest > default).then(|| policy_skip(newest, reason))
}

fn policy_skip(version: KubernetesVersion, reason: PolicyReason) -> Skip {
    Skip::new(SkipSubject::version(version), SkipReason::Policy(reason))
}

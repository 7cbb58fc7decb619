//! Says what the policy withholds: versions that are blocked, too young or pinned away, minors that are not looked at, operating
//! systems that are not followed. What follows from it is worked out in `available` and `target`.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{DefaultReason, MinorReason, PolicyReason, Skip, SkipReason, Subject};
use super::skips::entries;
use super::target::{Move, Target};
use crate::catalog::NodeImage;
use crate::matrix::minors_of;
use crate::policy::Block;
use crate::stack::{Fact, SourceFile};
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
    let mut add = |minor: Minor, free: Option<KubernetesVersion>, kept: Option<_>| {
        if let (Some(why), Some(free)) = (target.find_untested(minor), free)
            && kept.is_some_and(|kept| kept != free)
        {
            skips.push(Skip::new(
                Subject::version(free),
                SkipReason::Default(DefaultReason::Untested {
                    why: why.to_owned(),
                }),
            ));
        }
    };
    for step in &target.moves {
        if let Move::Edit(tree, wanted) = step {
            let minor = wanted.line.minor;
            add(minor, target.tested_default(tree, minor), wanted.default);
        }
    }
    let listed = target.stack.files().flat_map(SourceFile::references);
    for reference in listed {
        // Few minors wait, and a list may have many rows.
        if let Fact::ListedVersion { version } = reference.fact
            && target.find_untested(version.minor()).is_some()
            && target.minors.contains(&version.minor())
        {
            let newest = target.newest_of_row(version.minor());
            let goes_up = |newest: &KubernetesVersion| *newest > version;
            let is_alone = !target.has_tree(version.minor());
            add(
                version.minor(),
                newest.filter(goes_up).filter(|_| is_alone),
                Some(version),
            );
        }
    }
    if let Some(asked) = target.input.selection.asked_minor()
        && let Some(why) = target.find_untested(asked)
        && !target.has_tree(asked)
        && target.newest_default(asked).is_some()
    {
        skips.push(Skip::new(
            Subject::minor(asked),
            SkipReason::Minor(MinorReason::UntestedMinor {
                why: why.to_owned(),
            }),
        ));
    }
    skips
}

/// Images that the store offers and nobody may use.
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
                Subject::Blocked(block.clone()),
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
    let listed: BTreeSet<KubernetesVersion> =
        entries(target).map(|(_, entry)| entry.version).collect();
    let mut others: BTreeMap<KubernetesVersion, Vec<OsRelease>> = BTreeMap::new();
    for minor in &target.minors {
        let usable = |version| {
            let mut usable = target.offered(*minor).iter();
            usable.any(|image| image.version == version)
        };
        let is_other = |image: &&NodeImage| {
            !policy.follows_os(image.os.as_ref()) && !target.available.is_blocked(image)
        };
        for image in target.available.unfiltered(*minor).filter(is_other) {
            if !listed.contains(&image.version) && !usable(image.version) {
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
    let known = minors_of(target.stack).into_iter();
    let known = known.chain(selection.asked_minor()).chain(selection.minor);
    let looked_at = known.filter(|minor| selection.takes_minor(target.stack, *minor));
    let outside: BTreeSet<Minor> = looked_at.filter(|minor| !minors.contains(*minor)).collect();
    if outside.is_empty() || target.input.selection.is_line_by_line {
        return None;
    }
    let outside: Vec<Minor> = outside.into_iter().collect();
    Some(Skip::new(
        Subject::Minors(outside),
        SkipReason::Policy(PolicyReason::MinorNotSupported(minors.clone())),
    ))
}

/// The defaults that stack lines will have: those of source trees, else those of rows.
fn defaults(target: &Target<'_>) -> BTreeMap<Minor, KubernetesVersion> {
    let mut defaults = BTreeMap::new();
    let references = target.stack.files().flat_map(SourceFile::references);
    let listed: BTreeSet<Minor> = references
        .filter_map(|reference| match reference.fact {
            Fact::ListedVersion { version } => Some(version.minor()),
            _ => None,
        })
        .collect();
    for step in &target.moves {
        let (Move::Edit(_, wanted) | Move::Create(_, _, wanted)) = step else {
            continue;
        };
        let rows = wanted.rows.iter();
        let rows = rows.filter(|(minor, _)| listed.contains(minor));
        defaults.extend(rows.filter_map(|(minor, row)| Some((*minor, row.kubernetes?))));
        defaults.extend(wanted.default.map(|default| (default.minor(), default)));
    }
    let known: BTreeSet<Minor> = target.minors.iter().copied().collect();
    defaults.retain(|minor, _| known.contains(minor));
    defaults
}

/// Versions that would be a default if they were older.
fn young_skips(target: &Target<'_>, minor: Minor, default: KubernetesVersion) -> Vec<Skip> {
    let policy = target.input.policy;
    let age = policy.minimum_age;
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
    if default != pin.version && target.find_untested(minor).is_some() {
        return None;
    }
    if default != pin.version {
        let until = pin.until;
        let reason = PolicyReason::PinUnusable { until, default };
        return Some(policy_skip(pin.version, reason));
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
    Skip::new(Subject::version(version), SkipReason::Policy(reason))
}

//! Says what is not done, and why: sources without an answer, images that could not be proved, releases without an image, minors
//! nobody asked for. Each hold says what to do where something can be done.

use std::collections::{BTreeMap, BTreeSet};

use super::Hold;
use super::target::{Move, Target};
use crate::catalog::{NodeImage, Unreachable};
use crate::matrix::minors_of;
use crate::policy::{Addons, ChangeClass};
use crate::stack::{
    Fact, RosterEntry, RosterForm, SourceFile, SourceTree, Unmet, choose_image, find_minor_bound,
    is_another_image, is_complete_image, unmet_sites,
};
use crate::version::{KubernetesVersion, Minor};

/// Returns what a target does not do, and why.
pub(super) fn holds(target: &Target<'_>) -> Vec<Hold> {
    let mut holds = store_holds(target);
    holds.extend(faulty_holds(target));
    holds.extend(unbuilt_holds(target));
    holds.extend(image_holds(target));
    holds.extend(chart_holds(target));
    holds.extend(minor_holds(target));
    holds.extend(site_holds(target));
    holds
}

/// Configured sites that say nothing.
fn site_holds(target: &Target<'_>) -> Vec<Hold> {
    let mut unmet = target.input.discovery.unmatched(target.stack);
    unmet.extend(unmet_sites(target.stack));
    let hint = "correct the entry, or put the place into the file";
    let say = |unmet: Unmet| hold(unmet.site, unmet.reason, Some(hint.to_owned()));
    unmet.into_iter().map(say).collect()
}

pub(super) fn hold(
    subject: impl std::fmt::Display,
    reason: impl Into<String>,
    hint: Option<String>,
) -> Hold {
    Hold {
        subject: subject.to_string(),
        reason: reason.into(),
        hint,
    }
}

/// The hint beside a source that a catalog does not speak of.
fn ask_hint() -> String {
    "ask it: csctl-matrix plan without --offline and --catalog, or csctl-matrix catalog fetch"
        .to_owned()
}

pub(super) fn listing(minors: &[Minor]) -> String {
    minors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Tells whether anything in the stack follows node images: a version in full, or a list.
fn follows_images(target: &Target<'_>) -> bool {
    let states_version = target.stack.trees.iter().any(|tree| tree.default.is_some());
    states_version || entries(target).next().is_some() || target.input.selection.minor.is_some()
}

fn store_holds(target: &Target<'_>) -> Vec<Hold> {
    if !follows_images(target) {
        return Vec::new();
    }
    let Some(pattern) = &target.pattern else {
        let provider = target
            .stack
            .trees
            .first()
            .map_or("", |tree| tree.provider.as_str());
        let reason =
            format!("no file names an image, and no image store is known for provider {provider}");
        let hint = "name one in csctl-matrix.yaml: `imageStore: {pattern: 'https://.../{os}-kube-v{version}.qcow2'}`";
        return vec![hold("node images", reason, Some(hint.to_owned()))];
    };
    let unreachable = unreachable_stores(target);
    let mut holds = Vec::new();
    for failed in &unreachable {
        let concerned = |minor: &Minor| concerns(failed, *minor);
        let minors: Vec<Minor> = target.minors.iter().copied().filter(concerned).collect();
        if !minors.is_empty() {
            let reason = format!("{}: {}", failed.url, failed.reason);
            holds.push(hold(
                format!("node images of {}", listing(&minors)),
                reason,
                None,
            ));
        }
    }
    let failed = |minor: &Minor| unreachable.iter().any(|failed| concerns(failed, *minor));
    let answered = |minor: &Minor| {
        !failed(minor)
            && target
                .store
                .is_some_and(|store| store.searched.contains(minor))
    };
    let silent: Vec<Minor> = target
        .minors
        .iter()
        .copied()
        .filter(|minor| !answered(minor))
        .collect();
    if holds.is_empty() && !silent.is_empty() {
        let reason = format!("the catalog says nothing of {}", pattern.base_or_name());
        holds.push(hold(
            format!("node images of {}", listing(&silent)),
            reason,
            Some(ask_hint()),
        ));
    }
    let empty = |minor: &&Minor| answered(minor) && target.offer.unfiltered(**minor).is_empty();
    for minor in target.minors.iter().filter(empty) {
        holds.push(hold(
            format!("node images of {minor}"),
            format!("{} has none", pattern.base_or_name()),
            None,
        ));
    }
    holds
}

/// The faults of the stack's image store.
fn unreachable_stores<'t>(target: &'t Target<'_>) -> Vec<&'t Unreachable> {
    let Some(pattern) = &target.pattern else {
        return Vec::new();
    };
    let all = target.input.catalog.unreachable.iter();
    all.filter(|failed| failed.source == pattern.as_str())
        .collect()
}

fn concerns(failed: &Unreachable, minor: Minor) -> bool {
    failed.minors.is_empty() || failed.minors.contains(&minor)
}

fn faulty_holds(target: &Target<'_>) -> Vec<Hold> {
    let faulty = target.store.iter().flat_map(|store| &store.faulty);
    let looked_at = faulty.filter(|image| target.minors.contains(&image.version.minor()));
    looked_at
        .map(|image| hold(image.version, image.reason.clone(), None))
        .collect()
}

/// Kubernetes releases newer than any image, one hold per minor. Where the store gave no answer there may be an image.
fn unbuilt_holds(target: &Target<'_>) -> Vec<Hold> {
    let unreachable = unreachable_stores(target);
    let is_unknown = |minor: &Minor| unreachable.iter().any(|failed| concerns(failed, *minor));
    let listed: BTreeSet<KubernetesVersion> =
        entries(target).map(|(_, entry)| entry.version).collect();
    let faulty = |version| {
        target
            .store
            .iter()
            .flat_map(|store| &store.faulty)
            .any(|image| image.version == version)
    };
    let mut waiting: BTreeMap<Minor, Vec<_>> = BTreeMap::new();
    for release in &target.input.catalog.kubernetes {
        let minor = release.version.minor();
        let newest = target
            .newest(minor)
            .filter(|_| target.minors.contains(&minor) && !is_unknown(&minor));
        let is_newer = newest.is_some_and(|newest| newest < release.version);
        if target
            .input
            .policy
            .find_block(release.version, None)
            .is_some()
        {
            continue;
        }
        if is_newer && !listed.contains(&release.version) && !faulty(release.version) {
            waiting
                .entry(minor)
                .or_default()
                .push((release.version, release.published));
        }
    }
    let say = |mut releases: Vec<(KubernetesVersion, jiff::civil::Date)>| {
        releases.sort_unstable();
        match releases[..] {
            [] => None,
            [(version, day)] => Some(hold(version, format!("released {day}, no image yet"), None)),
            [(first, day), .., (last, newest)] => Some(hold(
                format!("{first} to {last}"),
                format!("released {day} to {newest}, no images yet"),
                None,
            )),
        }
    };
    waiting.into_values().filter_map(say).collect()
}

/// Listed images that are not what the store has, and images that a list cannot take.
fn image_holds(target: &Target<'_>) -> Vec<Hold> {
    let mut holds = Vec::new();
    let asks = target.input.policy.wants(ChangeClass::OsRelease);
    for (form, entry) in
        entries(target).filter(|(_, entry)| target.minors.contains(&entry.version.minor()))
    {
        let offered = target.offered(entry.version.minor());
        let Some(image) = choose_image(offered, entry.version, Some(entry)) else {
            continue;
        };
        let blocks = &target.input.policy;
        if blocks
            .find_block(entry.version, entry.os.as_ref())
            .is_some()
        {
            continue;
        }
        if is_another_image(entry, image) && !asks {
            let hint = format!(
                "look at it by itself: csctl-matrix plan {} --change os-release",
                target.stack.title()
            );
            let reason = if target.input.policy.follows_os(entry.os.as_ref()) {
                another_image(entry, image)
            } else {
                other_os(entry, image)
            };
            holds.push(hold(entry.version, reason, Some(hint)));
        } else if form == RosterForm::ImageManager && entry.built.is_none() && image.built.is_none()
        {
            holds.push(hold(
                entry.version,
                "the list has no build date, and the store gives none",
                None,
            ));
        }
    }
    let listed: BTreeSet<KubernetesVersion> =
        entries(target).map(|(_, entry)| entry.version).collect();
    let for_manager = entries(target).any(|(form, _)| form == RosterForm::ImageManager);
    for image in target
        .minors
        .iter()
        .flat_map(|minor| target.offer.unfiltered(*minor))
    {
        if for_manager && !listed.contains(&image.version) && !is_complete_image(image) {
            let reason =
                "the store gives no build date or checksum, and openstack-image-manager needs both";
            holds.push(hold(image.version, reason, None));
        }
    }
    holds
}

/// The listed image's operating system is not followed, and there is another image.
fn other_os(entry: &RosterEntry, image: &NodeImage) -> String {
    let name = |os: &Option<crate::version::OsRelease>| {
        os.as_ref()
            .map_or_else(|| "another".to_owned(), ToString::to_string)
    };
    format!(
        "listed on {}, which `os` does not name; the store has it on {}",
        name(&entry.os),
        name(&image.os)
    )
}

fn another_image(entry: &RosterEntry, image: &NodeImage) -> String {
    match (&entry.url, &image.os) {
        (Some(url), _) if *url != image.url => {
            format!("the listed image is not in the store; {} is", image.url)
        }
        (None, Some(os)) => format!("the store has it on {os}"),
        (Some(_) | None, _) => {
            let built = image
                .built
                .map(|day| format!(" on {day}"))
                .unwrap_or_default();
            format!("its image was uploaded again{built}, with another checksum")
        }
    }
}

pub(super) fn entries<'t>(
    target: &'t Target<'_>,
) -> impl Iterator<Item = (RosterForm, &'t RosterEntry)> {
    let rosters = target.stack.files().flat_map(SourceFile::rosters);
    rosters.flat_map(|roster| roster.entries.iter().map(|entry| (roster.form, entry)))
}

fn chart_holds(target: &Target<'_>) -> Vec<Hold> {
    if target.input.policy.addons == Addons::Leave {
        return Vec::new();
    }
    let mut holds = Vec::new();
    for step in &target.moves {
        let (Move::Edit(tree, wanted) | Move::Create(tree, _, wanted)) = step else {
            continue;
        };
        // A repository may have told a part of its charts only.
        let missing = bound_charts(tree)
            .into_iter()
            .filter(|(chart, repository)| {
                !wanted.charts.contains_key(chart) || has_failed(target, repository)
            });
        holds.extend(
            missing.map(|(chart, repository)| {
                chart_hold(target, &chart, &repository, wanted.line.minor)
            }),
        );
    }
    holds
}

fn has_failed(target: &Target<'_>, repository: &str) -> bool {
    let failed = &target.input.catalog.unreachable;
    failed.iter().any(|failed| failed.source == repository)
}

fn chart_hold(target: &Target<'_>, chart: &str, repository: &str, minor: Minor) -> Hold {
    let catalog = target.input.catalog;
    let failed = catalog
        .unreachable
        .iter()
        .find(|failed| failed.source == repository);
    let (reason, hint) = match (failed, catalog.find_chart(repository, chart)) {
        (Some(failed), _) => (format!("{}: {}", failed.url, failed.reason), None),
        (None, None) => (
            format!("the catalog says nothing of {repository}"),
            Some(ask_hint()),
        ),
        (None, Some(_)) => (format!("{repository} has no version for {minor}"), None),
    };
    hold(format!("{chart} for {minor}"), reason, hint)
}

/// The charts of a source tree that belong to its minor, with their repositories.
fn bound_charts(tree: &SourceTree) -> BTreeMap<String, String> {
    let bound = tree.sites().filter_map(|site| match &site.fact {
        Fact::ChartDependency {
            chart, repository, ..
        } => {
            let known = find_minor_bound(chart)?;
            let url = if repository.is_empty() {
                known.repository
            } else {
                repository
            };
            Some((chart.clone(), url.to_owned()))
        }
        _ => None,
    });
    bound.collect()
}

/// A minor that the store offers and nobody asked for, or one that was asked for and cannot be had.
fn minor_holds(target: &Target<'_>) -> Vec<Hold> {
    let known = minors_of(target.stack);
    if let Some(asked) = target.input.selection.minor {
        let reached = target.moves.iter().any(|step| match step {
            Move::Edit(_, wanted) | Move::Create(_, _, wanted) => wanted.line.minor == asked,
            Move::Remove(_) => false,
        });
        if target.minors.is_empty() || target.find_untested(asked).is_some() {
            return Vec::new();
        }
        if reached || known.contains(&asked) && !target.stack.layout.has_directory_per_minor() {
            return Vec::new();
        }
        let missing = target.missing_charts(asked);
        let what = if target.newest_default(asked).is_some() && !missing.is_empty() {
            format!("no {} for it is known", missing.join(" and no "))
        } else {
            "no image of it is known to be there".to_owned()
        };
        let reason = format!("the stack cannot be set to it: {what}");
        return vec![hold(asked, reason, None)];
    }
    let offered: BTreeSet<Minor> = target
        .store
        .iter()
        .flat_map(|store| &store.images)
        .map(|image| image.version.minor())
        .filter(|minor| target.input.policy.minors.contains(*minor))
        .filter(|minor| !target.offered(*minor).is_empty())
        .collect();
    let newer: Vec<Minor> = match known.last() {
        Some(newest) => offered.into_iter().filter(|minor| minor > newest).collect(),
        None => Vec::new(),
    };
    let Some((next, further)) = newer.split_first() else {
        return Vec::new();
    };
    let more = if further.is_empty() {
        String::new()
    } else {
        format!("; {} too", listing(further))
    };
    let reason = match target.offered(*next).len() {
        1 => format!("a new minor, 1 image in the store{more}"),
        count => format!("a new minor, {count} images in the store{more}"),
    };
    let hint = format!("csctl-matrix plan {} --minor {next}", target.stack.title());
    vec![hold(next, reason, Some(hint))]
}

//! Says why: the reasons of each stack line's change, what is held back, and what a maintainer should know. Words only; what
//! happens is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::files::Outcome;
use super::release::Release;
use super::target::{Move, Target};
use super::{FileChange, Hold, LinePlan, StackPlan};
use crate::catalog::NodeImage;
use crate::matrix::{LineMatrix, matrix};
use crate::policy::{Addons, ChangeClass};
use crate::stack::{
    Fact, Part, RosterForm, SourceFile, SourceTree, choose_image, find_minor_bound,
    is_another_image, is_complete_image,
};
use crate::version::{KubernetesVersion, Minor};

/// Fills in the lines of a planned stack.
pub(super) fn explain(target: &Target<'_>, outcome: &Outcome, planned: &mut StackPlan) {
    let catalog = target.input.catalog;
    let pattern = target.pattern.as_ref();
    let mut before = by_minor(matrix(target.stack, catalog, pattern));
    let mut after = match &outcome.after {
        Some(stack) => by_minor(matrix(stack, catalog, pattern)),
        None => before.clone(),
    };
    let asked = target.input.selection.minor;
    let minors: BTreeSet<Minor> = before.keys().chain(after.keys()).copied().collect();
    for minor in minors {
        let touched = before.get(&minor) != after.get(&minor);
        if asked.is_some_and(|asked| asked != minor) && !touched {
            continue;
        }
        let pair = (before.remove(&minor), after.remove(&minor));
        planned
            .lines
            .extend(line_plan(target, outcome, minor, pair));
    }
    planned.notes.extend(notes(target, outcome));
}

fn by_minor(lines: Vec<LineMatrix>) -> BTreeMap<Minor, LineMatrix> {
    lines
        .into_iter()
        .map(|line| (line.line.minor, line))
        .collect()
}

fn line_plan(
    target: &Target<'_>,
    outcome: &Outcome,
    minor: Minor,
    (before, after): (Option<LineMatrix>, Option<LineMatrix>),
) -> Option<LinePlan> {
    let line = before.as_ref().or(after.as_ref())?.line.clone();
    let files = files_of(target, outcome, minor);
    let mut classes: BTreeSet<ChangeClass> = files
        .iter()
        .flat_map(|file| &file.edits)
        .map(|edit| edit.class)
        .collect();
    if after.is_none() {
        classes.insert(ChangeClass::Removal);
    }
    if before != after {
        classes.extend(shared_classes(target, outcome, minor));
    } else if files.is_empty() {
        classes.clear();
    }
    let default_of = |line: &Option<LineMatrix>| line.as_ref().and_then(|line| line.default);
    let release = release(target, outcome, &files, (before.as_ref(), after.as_ref()));
    let reasons = reasons(target, minor, before.as_ref(), after.as_ref());
    Some(LinePlan {
        line,
        classes,
        default_before: default_of(&before),
        default_after: default_of(&after),
        before,
        after,
        release,
        reasons,
    })
}

/// Returns the changed files of the source tree that is, or will be, set to a minor.
fn files_of<'o>(target: &Target<'_>, outcome: &'o Outcome, minor: Minor) -> Vec<&'o FileChange> {
    let directory = target.moves.iter().find_map(|step| match step {
        Move::Edit(tree, wanted) if wanted.line.minor == minor => Some(tree.directory.clone()),
        Move::Create(_, directory, wanted) if wanted.line.minor == minor => Some(directory.clone()),
        Move::Edit(..) | Move::Create(..) | Move::Remove(_) => None,
    });
    let Some(directory) = directory else {
        return Vec::new();
    };
    let below = |file: &&FileChange| {
        directory.is_empty()
            || file
                .path
                .strip_prefix(&directory)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    outcome.files.iter().filter(below).collect()
}

/// Returns the classes of edits in files that speak of all minors, as far as they name a version of this one.
fn shared_classes(target: &Target<'_>, outcome: &Outcome, minor: Minor) -> BTreeSet<ChangeClass> {
    let edits = outcome.files.iter().flat_map(|file| &file.edits);
    let of_minor = |text: &Option<String>| {
        text.as_ref()
            .and_then(|text| text.parse::<KubernetesVersion>().ok())
            .is_some_and(|v| v.minor() == minor)
    };
    let mut classes: BTreeSet<ChangeClass> = edits
        .filter(|edit| of_minor(&edit.from) || of_minor(&edit.to))
        .map(|edit| edit.class)
        .collect();
    if classes.is_empty() && target.input.policy.addons == Addons::Follow {
        classes.insert(ChangeClass::Addons);
    }
    classes
}

/// A line becomes a release when something that goes into one changed: its source tree's own files, or its list of images.
fn release(
    target: &Target<'_>,
    outcome: &Outcome,
    files: &[&FileChange],
    (before, after): (Option<&LineMatrix>, Option<&LineMatrix>),
) -> Option<Release> {
    let after = after.filter(|after| after.has_source)?;
    let source = outcome
        .after
        .as_ref()?
        .trees
        .iter()
        .find(|tree| tree.minor == Some(after.line.minor))?;
    let part_of = |change: &&&FileChange| {
        let file = source.files.iter().find(|file| file.path() == change.path);
        file.map_or(Part::Stack, |file| {
            file.kinds()
                .first()
                .map_or(Part::Beside, |kind| kind.part())
        })
    };
    let parts: Vec<Part> = files.iter().map(|change| part_of(&change)).collect();
    let listed = |line: Option<&LineMatrix>| line.map(LineMatrix::listed);
    let image_changed = parts.contains(&Part::NodeImage) || listed(before) != listed(Some(after));
    let addon_changed = parts.contains(&Part::ClusterAddon);
    let changed = image_changed || addon_changed || parts.contains(&Part::Stack);
    changed.then(|| {
        Release::new(
            target.input.catalog,
            &after.line,
            addon_changed,
            image_changed,
        )
    })
}

fn reasons(
    target: &Target<'_>,
    minor: Minor,
    before: Option<&LineMatrix>,
    after: Option<&LineMatrix>,
) -> Vec<String> {
    let catalog = target.input.catalog;
    let Some(after) = after else {
        let day = catalog.end_of_life.get(&minor);
        return day
            .map(|day| format!("{minor} leaves: end of life since {day}"))
            .into_iter()
            .collect();
    };
    let mut reasons = Vec::new();
    let known = |version: KubernetesVersion| {
        before.is_some_and(|before| before.listed().contains(&version))
    };
    let default_moves = before.and_then(|before| before.default) != after.default;
    let images = target.offered(minor);
    for patch in &after.patches {
        let is_new =
            (patch.is_listed && !known(patch.version)) || (patch.is_default && default_moves);
        if is_new && let Some(image) = choose_image(&images, patch.version, None) {
            let published = catalog
                .find_published(patch.version)
                .map(|day| format!(" released {day};"));
            reasons.push(format!(
                "{}{} {}",
                patch.version,
                published.unwrap_or_default(),
                proof(image)
            ));
        }
    }
    let gone = |version: &KubernetesVersion| !after.listed().contains(version);
    for version in before
        .map(LineMatrix::listed)
        .unwrap_or_default()
        .into_iter()
        .filter(gone)
    {
        reasons.push(format!(
            "{version} leaves the list: policy `images: {}`",
            target.input.policy.images
        ));
    }
    for (chart, version) in &after.charts {
        let standing = before.and_then(|before| before.charts.get(chart));
        if standing != Some(version) {
            let from = standing
                .map(|standing| format!(" {standing} ->"))
                .unwrap_or_default();
            reasons.push(format!("{chart}{from} {version}: the newest for {minor}"));
        }
    }
    reasons
}

fn proof(image: &NodeImage) -> String {
    let size = image.size.map(human_size);
    let built = image.built.map(|day| format!("built {day}"));
    let facts: Vec<String> = image
        .os
        .iter()
        .map(ToString::to_string)
        .chain(size)
        .chain(built)
        .collect();
    let proved = if image.sha256.is_some() {
        "image and checksum proved"
    } else {
        "image is there"
    };
    if facts.is_empty() {
        proved.to_owned()
    } else {
        format!("{proved} ({})", facts.join(", "))
    }
}

fn human_size(bytes: u64) -> String {
    const MEGABYTE: u64 = 1_000_000;
    if bytes >= 1000 * MEGABYTE {
        format!(
            "{}.{} GB",
            bytes / (1000 * MEGABYTE),
            bytes / (100 * MEGABYTE) % 10
        )
    } else if bytes >= MEGABYTE {
        format!("{} MB", bytes / MEGABYTE)
    } else {
        format!("{bytes} bytes")
    }
}

/// csctl compares only the cluster addons when it decides whether there is something to publish (its `validateHash`).
fn notes(target: &Target<'_>, outcome: &Outcome) -> Vec<String> {
    let mut notes = Vec::new();
    for step in &target.moves {
        let Move::Edit(tree, wanted) = step else {
            continue;
        };
        let files = files_of(target, outcome, wanted.line.minor);
        let part = |change: &&FileChange| {
            let file = tree.files.iter().find(|file| file.path() == change.path);
            file.and_then(|file| file.kinds().first())
                .map_or(Part::Beside, |kind| kind.part())
        };
        let parts: Vec<Part> = files.iter().map(part).collect();
        let released = parts.iter().any(|part| *part != Part::Beside);
        let minor_moves = wanted.line != wanted.line_before;
        if tree.has_csctl() && released && !parts.contains(&Part::ClusterAddon) && !minor_moves {
            notes.push(format!(
                "csctl would refuse to publish {}: it compares only the cluster addons, and they stay the same",
                wanted.line
            ));
        }
        let vendored = target
            .input
            .tree
            .files_below(&tree.directory)
            .any(|(path, _)| path.ends_with(".tgz"));
        if vendored && parts.contains(&Part::ClusterAddon) {
            notes.push(format!(
                "{} has packaged charts beside its lock: run `helm dependency update` in the addon charts that changed",
                tree.directory
            ));
        }
    }
    notes
}

/// Returns what a target does not do, and why.
pub(super) fn holds(target: &Target<'_>) -> Vec<Hold> {
    let mut holds = store_holds(target);
    holds.extend(image_holds(target));
    holds.extend(chart_holds(target));
    holds.extend(minor_holds(target));
    holds
}

fn hold(subject: impl ToString, reason: impl Into<String>, hint: Option<String>) -> Hold {
    Hold {
        subject: subject.to_string(),
        reason: reason.into(),
        hint,
    }
}

fn minor_list(minors: &[Minor]) -> String {
    minors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn store_holds(target: &Target<'_>) -> Vec<Hold> {
    let Some(pattern) = &target.pattern else {
        let provider = target
            .stack
            .trees
            .first()
            .map_or("", |tree| tree.provider.as_str());
        let reason =
            format!("no file names an image, and no image store is known for provider {provider}");
        let hint = "name one in csctl-matrix.yaml: `imageStore: {pattern: https://.../{os}-kube-v{version}.qcow2}`";
        return vec![hold("node images", reason, Some(hint.to_owned()))];
    };
    let catalog = target.input.catalog;
    let failed = catalog
        .unreachable
        .iter()
        .filter(|failed| failed.source == pattern.as_str());
    let mut holds: Vec<Hold> = failed
        .map(|failed| {
            let minors: Vec<Minor> = target
                .minors
                .iter()
                .copied()
                .filter(|m| failed.minors.is_empty() || failed.minors.contains(m))
                .collect();
            let reason = format!("{}: {}", failed.url, failed.reason);
            hold(
                format!("node images of {}", minor_list(&minors)),
                reason,
                None,
            )
        })
        .collect();
    let answered = |minor: &Minor| {
        target
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
        let hint = "ask the store: csctl-matrix plan without --offline and --catalog, or csctl-matrix catalog fetch";
        holds.push(hold(
            format!("node images of {}", minor_list(&silent)),
            reason,
            Some(hint.to_owned()),
        ));
    }
    for minor in target
        .minors
        .iter()
        .filter(|minor| answered(minor) && target.offered(**minor).is_empty())
    {
        holds.push(hold(
            format!("node images of {minor}"),
            format!("{} has none", pattern.base_or_name()),
            None,
        ));
    }
    holds
}

fn image_holds(target: &Target<'_>) -> Vec<Hold> {
    let catalog = target.input.catalog;
    let looked_at = |version: KubernetesVersion| target.minors.contains(&version.minor());
    let listed: BTreeSet<KubernetesVersion> =
        entries(target).map(|(_, entry)| entry.version).collect();
    let faulty = target
        .store
        .iter()
        .flat_map(|store| &store.faulty)
        .filter(|image| looked_at(image.version));
    let mut holds: Vec<Hold> = faulty
        .map(|image| hold(image.version, image.reason.clone(), None))
        .collect();
    for release in catalog
        .kubernetes
        .iter()
        .filter(|release| looked_at(release.version))
    {
        let newest = target.newest(release.version.minor());
        let is_newer = newest.is_some_and(|newest| newest < release.version);
        let said = holds
            .iter()
            .any(|hold| hold.subject == release.version.to_string());
        if is_newer && !said && !listed.contains(&release.version) {
            holds.push(hold(
                release.version,
                format!("released {}, no image yet", release.published),
                None,
            ));
        }
    }
    let asks = target.input.policy.wants(ChangeClass::OsRelease);
    for (form, entry) in entries(target).filter(|(_, entry)| looked_at(entry.version)) {
        let offered = target.offered(entry.version.minor());
        let Some(image) = choose_image(&offered, entry.version, Some(entry)) else {
            continue;
        };
        if is_another_image(entry, image) && !asks {
            holds.push(hold(
                entry.version,
                another_image(entry.url.as_deref(), image),
                os_release_hint(target),
            ));
        } else if form == RosterForm::ImageManager && entry.built.is_none() && image.built.is_none()
        {
            holds.push(hold(
                entry.version,
                "the list has no build date, and the store gives none",
                None,
            ));
        }
    }
    let for_manager = entries(target).any(|(form, _)| form == RosterForm::ImageManager);
    for image in target
        .minors
        .iter()
        .flat_map(|minor| target.offered(*minor))
    {
        if for_manager && !listed.contains(&image.version) && !is_complete_image(&image) {
            let reason =
                "the store gives no build date or checksum, and openstack-image-manager needs both";
            holds.push(hold(image.version, reason, None));
        }
    }
    holds
}

fn another_image(listed: Option<&str>, image: &NodeImage) -> String {
    if listed.is_some_and(|url| url != image.url) {
        format!("the listed image is not in the store; {} is", image.url)
    } else if let Some(os) = image.os.as_ref().filter(|_| listed.is_none()) {
        format!("the store has it on {os}")
    } else {
        let built = image
            .built
            .map(|day| format!(" on {day}"))
            .unwrap_or_default();
        format!("its image was uploaded again{built}, with another checksum")
    }
}

fn os_release_hint(target: &Target<'_>) -> Option<String> {
    Some(format!(
        "look at it by itself: csctl-matrix plan {} --change os-release",
        target.stack.title()
    ))
}

fn entries<'t>(
    target: &'t Target<'_>,
) -> impl Iterator<Item = (RosterForm, &'t crate::stack::RosterEntry)> {
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
        for (chart, repository) in bound_charts(tree) {
            if wanted.charts.contains_key(&chart) {
                continue;
            }
            holds.push(chart_hold(target, &chart, &repository, wanted.line.minor));
        }
    }
    holds
}

fn chart_hold(target: &Target<'_>, chart: &str, repository: &str, minor: Minor) -> Hold {
    let catalog = target.input.catalog;
    let failed = catalog
        .unreachable
        .iter()
        .find(|failed| failed.source == repository);
    let (reason, hint) = match (failed, catalog.find_chart(repository, chart)) {
        (Some(failed), _) => (format!("{}: {}", failed.url, failed.reason), None),
        (None, None) => {
            let hint = "ask it: csctl-matrix plan without --offline and --catalog, or csctl-matrix catalog fetch";
            (
                format!("the catalog says nothing of {repository}"),
                Some(hint.to_owned()),
            )
        }
        (None, Some(_)) => (format!("{repository} has no version for {minor}"), None),
    };
    hold(format!("{chart} for {minor}"), reason, hint)
}

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
    let known = crate::matrix::minors_of(target.stack);
    let mut holds = Vec::new();
    if let Some(asked) = target.input.selection.minor {
        let reached = target.moves.iter().any(|step| match step {
            Move::Edit(_, wanted) | Move::Create(_, _, wanted) => wanted.line.minor == asked,
            Move::Remove(_) => false,
        });
        if !reached && !known.contains(&asked) {
            holds.push(hold(
                asked,
                "the stack cannot be set to it: no image of it is known to be there",
                None,
            ));
        }
        return holds;
    }
    let newest = known.last().copied();
    let offered: BTreeSet<Minor> = target
        .store
        .iter()
        .flat_map(|store| &store.images)
        .map(|image| image.version.minor())
        .collect();
    for minor in offered
        .into_iter()
        .filter(|minor| newest.is_some_and(|newest| *minor > newest))
    {
        let count = target.offered(minor).len();
        let images = if count == 1 {
            "1 image".to_owned()
        } else {
            format!("{count} images")
        };
        let reason = format!("a new minor, {images} in the store");
        let hint = format!("csctl-matrix plan {} --minor {minor}", target.stack.title());
        holds.push(hold(minor, reason, Some(hint)));
    }
    holds
}

//! Says why: the reasons of each stack line's change, its classes and its release. What happens is decided elsewhere, and what does
//! not happen is said in `skips`.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{ChartChoice, Evidence, ProvedImage, Reason};
use super::files::Outcome;
use super::notes::notes;
use super::release::Release;
use super::standing;
use super::target::{Move, Target};
use super::{FileChange, LinePlan, StackPlan};
use crate::catalog::NodeImage;
use crate::matrix::{LineMatrix, matrix};
use crate::policy::{Block, Blocked, ChangeClass};
use crate::stack::{EditNote, Part, Reach, SourceFile, Stack, choose_image, versions_for};
use crate::version::{ChartRequirement, ChartVersion, KubernetesVersion, Minor, OsRelease};

/// Fills in the lines of a planned stack.
pub(super) fn explain(target: &Target<'_>, outcome: &Outcome, planned: &mut StackPlan) {
    let Some(after) = &outcome.after else { return };
    let catalog = target.input.catalog;
    let lines = |stack| by_minor(matrix(stack, catalog), target.available.blocked());
    let (mut before, mut after) = (lines(target.stack), lines(after));
    let minors: BTreeSet<Minor> = before.keys().chain(after.keys()).copied().collect();
    for minor in minors {
        let pair = (before.remove(&minor), after.remove(&minor));
        let line = line_plan(target, outcome, minor, pair);
        planned
            .lines
            .extend(line.filter(|line| !line.classes.is_empty()));
    }
    let notes = notes(target, outcome, &planned.lines);
    planned.notes.extend(notes);
}

fn by_minor(lines: Vec<LineMatrix>, blocked: &Blocked<'_>) -> BTreeMap<Minor, LineMatrix> {
    lines
        .into_iter()
        .map(|line| (line.line.minor, line.marked(blocked)))
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
    if after.is_none() && target.dropped.contains(&minor) {
        classes.insert(ChangeClass::Removal);
    }
    if before != after && moves_away(target, minor) {
        classes.insert(ChangeClass::NewMinor);
    }
    classes.extend(listed_classes(target, outcome, minor));
    let charts = |line: &Option<LineMatrix>| line.as_ref().map(|line| line.charts.clone());
    let both = before.is_some() && after.is_some();
    if both && edits_addons(outcome) && charts(&before) != charts(&after) {
        classes.insert(ChangeClass::Addons);
    }
    let default_of = |line: &Option<LineMatrix>| line.as_ref().and_then(|line| line.default);
    let release = release(target, outcome, &files, (before.as_ref(), after.as_ref()));
    let meets = standing::meets(target, before.as_ref(), after.as_ref());
    let fixed = standing::fixes(target, before.as_ref(), after.as_ref());
    let mut reasons = leaving(target, outcome, minor, (before.as_ref(), after.as_ref()));
    reasons.extend(standing::reasons(target, after.as_ref(), &fixed, &meets));
    reasons.extend(arriving(target, minor, before.as_ref(), after.as_ref()));
    Some(LinePlan {
        line,
        classes,
        default_before: default_of(&before),
        default_after: default_of(&after),
        before,
        after,
        release,
        fixes: fixed,
        meets,
        reasons,
    })
}

/// Returns the changed files of the source tree that is, or will be, set to a minor.
pub(super) fn files_of<'o>(
    target: &Target<'_>,
    outcome: &'o Outcome,
    minor: Minor,
) -> Vec<&'o FileChange> {
    let directory = target.moves.iter().find_map(|step| match step {
        Move::Edit(tree, wanted) if wanted.line.minor == minor && wanted.reach != Reach::Lists => {
            Some(tree.directory.clone())
        }
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

/// Returns the classes of edits that name a version of this minor, or lie in an entry of a list that does.
fn listed_classes(target: &Target<'_>, outcome: &Outcome, minor: Minor) -> BTreeSet<ChangeClass> {
    let edits = outcome
        .files
        .iter()
        .flat_map(|file| file.edits.iter().map(move |edit| (file, edit)));
    // Configured references beside the source trees speak of the newest.
    let newest = target.shared.as_ref().map(|wanted| wanted.line.minor);
    let is_configured = |path: &str| {
        let mut shared = target.stack.shared.iter();
        shared.any(|file| file.path() == path && !file.configured().is_empty())
    };
    edits
        .filter(|(file, edit)| match version_of(target, file, edit) {
            Some(version) => version.minor() == minor,
            None => newest == Some(minor) && is_configured(&file.path),
        })
        .map(|(_, edit)| edit.class)
        .collect()
}

/// Tells whether an edit is about addon charts.
fn edits_addons(outcome: &Outcome) -> bool {
    let mut edits = outcome.files.iter().flat_map(|file| &file.edits);
    edits.any(|edit| edit.class == ChangeClass::Addons)
}

/// Returns the version that an edit puts in, or takes out; where it names none, that of the list entry it lies in.
fn version_of(
    target: &Target<'_>,
    file: &FileChange,
    edit: &EditNote,
) -> Option<KubernetesVersion> {
    let named = |text: &Option<String>| text.as_ref()?.parse().ok();
    let entry = || {
        let mut files = target.stack.files();
        let source = files.find(|source| source.path() == file.path)?;
        let entries = source
            .image_lists()
            .iter()
            .flat_map(|image_list| &image_list.entries);
        let above = entries.filter(|entry| entry.line <= edit.line);
        above
            .max_by_key(|entry| entry.line)
            .map(|entry| entry.version)
    };
    named(&edit.to).or_else(|| named(&edit.from)).or_else(entry)
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
        file.map_or(Part::Stack, |file| file.part())
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
            source,
            (addon_changed, image_changed),
        )
    })
}

/// What a minor gets: images, a default, charts.
fn arriving(
    target: &Target<'_>,
    minor: Minor,
    before: Option<&LineMatrix>,
    after: Option<&LineMatrix>,
) -> Vec<Reason> {
    let catalog = target.input.catalog;
    let mut reasons = Vec::new();
    let Some(after) = after else { return reasons };
    reasons.extend(default_reason(target, before, after));
    let known = |version: KubernetesVersion| {
        before.is_some_and(|before| before.listed().contains(&version))
    };
    let default_moves = before.and_then(|before| before.default) != after.default;
    let images = target.offered(minor);
    for patch in &after.patches {
        let is_new =
            (patch.is_listed && !known(patch.version)) || (patch.is_default && default_moves);
        if is_new && let Some(image) = choose_image(images, patch.version, None) {
            reasons.push(Reason::ImageProved {
                version: patch.version,
                published: catalog.find_published(patch.version),
                image: proof(image),
            });
        }
    }
    for (chart, asked) in &after.charts {
        let standing = before.and_then(|before| before.charts.get(chart));
        if standing != Some(asked) {
            let choice = chart_choice(target, (chart, asked), minor);
            reasons.extend(choice.map(|choice| Reason::Chart {
                chart: chart.clone(),
                from: standing.cloned(),
                to: asked.clone(),
                choice,
            }));
        }
    }
    reasons
}

/// Why a chart is asked for; a chart that stays behind its minor, as the policy wants it, is nothing new.
fn chart_choice(
    target: &Target<'_>,
    (chart, asked): (&str, &str),
    minor: Minor,
) -> Option<ChartChoice> {
    let asked: ChartRequirement = asked.parse().ok()?;
    let Some(version) = asked.exact() else {
        return asked
            .takes_minor(minor)
            .then_some(ChartChoice::Range(minor));
    };
    if !version.follows(minor) {
        return None;
    }
    let repositories = target.input.catalog.chart_repositories.iter();
    let all = repositories.filter_map(|repository| repository.charts.get(chart));
    let offered: Vec<&ChartVersion> = all.flat_map(|all| versions_for(all, minor)).collect();
    if !offered.iter().any(|found| found.is_same_release(&version)) {
        return Some(ChartChoice::Listed(minor));
    }
    Some(
        if offered.iter().any(|found| found.is_newer_than(&version)) {
            ChartChoice::NewestAllowed(minor)
        } else {
            ChartChoice::Newest(minor)
        },
    )
}

/// Why a default goes elsewhere than to the newest patch.
fn default_reason(
    target: &Target<'_>,
    before: Option<&LineMatrix>,
    after: &LineMatrix,
) -> Option<Reason> {
    let (old, new) = (before?.default?, after.default?);
    if old == new {
        return None;
    }
    if let Some(block) = target.available.blocked().version(old) {
        let block = block.clone();
        return Some(Reason::BlockedDefault { old, new, block });
    }
    let pin = target.pin(new.minor()).filter(|pin| pin.version == new)?;
    Some(Reason::PinnedDefault(pin.clone()))
}

/// The blocks of images that lists name before and not after.
pub(super) fn blocks_leaving<'t>(
    target: &'t Target<'_>,
    outcome: &Outcome,
    minor: Minor,
) -> BTreeMap<String, &'t Block> {
    let images = |stack: &Stack| -> BTreeSet<(KubernetesVersion, Option<OsRelease>)> {
        let image_lists = stack.files().flat_map(SourceFile::image_lists);
        let entries = image_lists.flat_map(|image_list| &image_list.entries);
        let of_minor = entries.filter(|entry| entry.version.minor() == minor);
        of_minor
            .map(|entry| (entry.version, entry.os.clone()))
            .collect()
    };
    let after = outcome.after.as_ref().map(images).unwrap_or_default();
    let gone = images(target.stack);
    let gone = gone.iter().filter(|image| !after.contains(image));
    let blocked = target.available.blocked();
    let blocks = gone.filter_map(|(version, os)| blocked.image(*version, os.as_ref()));
    blocks.map(|block| (block.subject(), block)).collect()
}

/// Tells whether a source tree of this minor is set to another one.
fn moves_away(target: &Target<'_>, minor: Minor) -> bool {
    target.moves.iter().any(|step| match step {
        Move::Edit(_, wanted) => wanted.line_before.minor == minor && wanted.line.minor != minor,
        Move::Create(..) | Move::Remove(_) => false,
    })
}

/// Why a minor, or some of its listed versions, are not there any more.
fn leaving(
    target: &Target<'_>,
    outcome: &Outcome,
    minor: Minor,
    (before, after): (Option<&LineMatrix>, Option<&LineMatrix>),
) -> Vec<Reason> {
    let day = target.input.catalog.end_of_life.get(&minor);
    if let Some(day) = day.filter(|_| after.is_none() && target.dropped.contains(&minor)) {
        return vec![Reason::MinorEnded { minor, day: *day }];
    }
    if moves_away(target, minor) {
        return vec![Reason::MinorReplaced { minor }];
    }
    let left = after.map(LineMatrix::listed).unwrap_or_default();
    let listed = before.map(LineMatrix::listed).unwrap_or_default();
    let gone = listed.into_iter().filter(|version| !left.contains(version));
    let policy = target.input.policy;
    let trimmed = gone.filter(|version| {
        target.available.blocked().version(*version).is_none()
            || !target.input.wishes.wants(ChangeClass::Removal)
    });
    let images = policy.images;
    let trimmed = trimmed.map(|version| Reason::Trimmed { version, images });
    let blocks = blocks_leaving(target, outcome, minor).into_values();
    let mut reasons: Vec<Reason> = blocks
        .map(|block| Reason::BlockedImage(block.clone()))
        .collect();
    reasons.extend(trimmed);
    reasons
}

fn proof(image: &NodeImage) -> ProvedImage {
    ProvedImage {
        os: image.os.clone(),
        size: image.size,
        built: image.built,
        evidence: Evidence::of(image),
    }
}

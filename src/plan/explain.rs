//! Says why: the reasons of each stack line's change, its classes and its release. What happens is decided elsewhere, and what does
//! not happen is said in `skips`.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{ChartChoice, Evidence, ProvedImage, Reason};
use super::files::StackOutcome;
use super::line_pair::LinePair;
use super::release::{ChangedParts, Release};
use super::standing;
use super::target::{Target, TreeMove};
use super::{FileChange, LinePlan};
use crate::catalog::NodeImage;
use crate::matrix::{LineMatrix, matrix};
use crate::policy::{Block, ChangeClass};
use crate::stack::{EditNote, Part, Reach, SourceTree, Stack, choose_image, versions_for};
use crate::version::{ChartRequirement, ChartVersion, KubernetesVersion, Minor, OsRelease};

/// Returns the lines of a stack that change, oldest minor first.
pub(super) fn changed_lines(target: &Target<'_>, outcome: &StackOutcome) -> Vec<LinePlan> {
    let Some(stack_after) = &outcome.after else {
        return Vec::new();
    };
    let before = lines_of(target, target.stack);
    let after = lines_of(target, stack_after);
    let minors: BTreeSet<Minor> = before.keys().chain(after.keys()).copied().collect();
    let lines = minors.into_iter().filter_map(|minor| {
        let pair = LinePair {
            before: before.get(&minor),
            after: after.get(&minor),
        };
        line_plan(target, outcome, minor, pair)
    });
    lines.filter(|line| !line.classes.is_empty()).collect()
}

fn lines_of(target: &Target<'_>, stack: &Stack) -> BTreeMap<Minor, LineMatrix> {
    let lines = matrix(stack, target.input.catalog).into_iter();
    let blocked = target.available.blocked();
    lines
        .map(|line| (line.line.minor, line.marked(blocked)))
        .collect()
}

fn line_plan(
    target: &Target<'_>,
    outcome: &StackOutcome,
    minor: Minor,
    pair: LinePair<'_>,
) -> Option<LinePlan> {
    let line = pair.before.or(pair.after)?.line.clone();
    let files = files_of(target, outcome, minor);
    let meets = standing::meets(target, pair);
    let fixed = standing::fixes(target, pair);
    let mut reasons = leaving(target, outcome, minor, pair);
    reasons.extend(standing::reasons(target, pair, &fixed, &meets));
    reasons.extend(arriving(target, minor, pair));
    Some(LinePlan {
        line,
        classes: classes(target, outcome, minor, pair, &files),
        default_before: pair.default_before(),
        default_after: pair.default_after(),
        before: pair.before.cloned(),
        after: pair.after.cloned(),
        release: release(target, outcome, &files, pair),
        fixes: fixed,
        meets,
        reasons,
    })
}

/// Returns the classes of change of a line: those of the edits of its own files, and of edits elsewhere that are about it.
fn classes(
    target: &Target<'_>,
    outcome: &StackOutcome,
    minor: Minor,
    pair: LinePair<'_>,
    files: &[&FileChange],
) -> BTreeSet<ChangeClass> {
    let edits = files.iter().flat_map(|file| &file.edits);
    let mut classes: BTreeSet<ChangeClass> = edits.map(|edit| edit.class).collect();
    // A tree that is removed, or set to another minor, has no edit that names its minor.
    if pair.after.is_none() && target.dropped.contains(&minor) {
        classes.insert(ChangeClass::Removal);
    }
    if pair.before != pair.after && moves_away(target, minor) {
        classes.insert(ChangeClass::NewMinor);
    }
    classes.extend(listed_classes(target, outcome, minor));
    // A chart's version names no Kubernetes version: whose edit it is shows in the matrix alone.
    if edits_addons(outcome) && pair.changes_charts() {
        classes.insert(ChangeClass::Addons);
    }
    classes
}

/// Returns the changed files of the source tree that is, or will be, set to a minor.
pub(super) fn files_of<'o>(
    target: &Target<'_>,
    outcome: &'o StackOutcome,
    minor: Minor,
) -> Vec<&'o FileChange> {
    // Of a tree whose own minor is left alone, lists of other minors change and nothing that is released with it.
    let directory = target.moves.iter().find_map(|step| match step {
        TreeMove::Edit(tree, wanted)
            if wanted.line.minor == minor && wanted.reach != Reach::Lists =>
        {
            Some(&tree.directory)
        }
        TreeMove::Create(_, directory, wanted) if wanted.line.minor == minor => Some(directory),
        TreeMove::Edit(..) | TreeMove::Create(..) | TreeMove::Remove(_) => None,
    });
    let Some(directory) = directory else {
        return Vec::new();
    };
    let files = outcome.files.iter();
    files.filter(|file| file.is_below(directory)).collect()
}

/// Returns the classes of edits that name a version of this minor, or lie in an entry of a list that does.
fn listed_classes(
    target: &Target<'_>,
    outcome: &StackOutcome,
    minor: Minor,
) -> BTreeSet<ChangeClass> {
    let edits = outcome
        .files
        .iter()
        .flat_map(|file| file.edits.iter().map(move |edit| (file, edit)));
    // Configured references beside the source trees speak of the newest.
    let newest = target.shared.as_ref().map(|wanted| wanted.line.minor);
    edits
        .filter(|(file, edit)| match version_of(target, file, edit) {
            Some(version) => version.minor() == minor,
            None => newest == Some(minor) && is_configured(target.stack, &file.path),
        })
        .map(|(_, edit)| edit.class)
        .collect()
}

/// Tells whether a file beside the source trees has configured references.
fn is_configured(stack: &Stack, path: &str) -> bool {
    let mut shared = stack.shared.iter();
    shared.any(|file| file.path() == path && !file.configured().is_empty())
}

/// Tells whether an edit is about addon charts.
fn edits_addons(outcome: &StackOutcome) -> bool {
    let mut edits = outcome.files.iter().flat_map(|file| &file.edits);
    edits.any(|edit| edit.class == ChangeClass::Addons)
}

/// Returns the version that an edit puts in, or takes out; where it names none, that of the list entry it lies in.
fn version_of(
    target: &Target<'_>,
    file: &FileChange,
    edit: &EditNote,
) -> Option<KubernetesVersion> {
    let mut named = [&edit.to, &edit.from].into_iter().flatten();
    if let Some(version) = named.find_map(|text| text.parse().ok()) {
        return Some(version);
    }
    let mut files = target.stack.files();
    let source = files.find(|source| source.path() == file.path)?;
    let image_lists = source.image_lists().iter();
    let entries = image_lists.flat_map(|image_list| &image_list.entries);
    // An entry begins at its line, and goes on to the next one.
    let above = entries.filter(|entry| entry.line <= edit.line);
    let around = above.max_by_key(|entry| entry.line)?;
    Some(around.version)
}

/// A line becomes a release when something that goes into one changed: its source tree's own files, or its list of images.
fn release(
    target: &Target<'_>,
    outcome: &StackOutcome,
    files: &[&FileChange],
    pair: LinePair<'_>,
) -> Option<Release> {
    let after = pair.after.filter(|after| after.has_source)?;
    let mut trees = outcome.after.as_ref()?.trees.iter();
    let source = trees.find(|tree| tree.minor == Some(after.line.minor))?;
    let parts: Vec<Part> = files.iter().map(|change| part_of(source, change)).collect();
    let lists_change = pair.before.map(LineMatrix::listed) != Some(after.listed());
    let changed = ChangedParts {
        cluster_addon: parts.contains(&Part::ClusterAddon),
        node_image: parts.contains(&Part::NodeImage) || lists_change,
    };
    let is_another = changed.cluster_addon || changed.node_image || parts.contains(&Part::Stack);
    is_another.then(|| Release::new(target.input.catalog, &after.line, source, changed))
}

/// A file that no kind claims goes into the release as it is.
fn part_of(source: &SourceTree, change: &FileChange) -> Part {
    let mut files = source.files.iter();
    let file = files.find(|file| file.path() == change.path);
    file.map_or(Part::Stack, |file| file.part())
}

/// What a minor gets: images, a default, charts.
fn arriving(target: &Target<'_>, minor: Minor, pair: LinePair<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let Some(after) = pair.after else {
        return reasons;
    };
    reasons.extend(default_reason(target, pair));
    let known = pair.listed_before();
    let default_moves = pair.default_before() != pair.default_after();
    let images = target.available.of_minor(minor);
    for patch in &after.patches {
        let is_new = (patch.is_listed && !known.contains(&patch.version))
            || (patch.is_default && default_moves);
        if is_new && let Some(image) = choose_image(images, patch.version, None) {
            reasons.push(Reason::ImageProved {
                version: patch.version,
                published: target.input.catalog.find_published(patch.version),
                image: proof(image),
            });
        }
    }
    for (chart, asked) in &after.charts {
        let standing = pair.before.and_then(|before| before.charts.get(chart));
        if standing != Some(asked) {
            let choice = chart_choice(target, chart, asked, minor);
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
    chart: &str,
    asked: &str,
    minor: Minor,
) -> Option<ChartChoice> {
    let requirement: ChartRequirement = asked.parse().ok()?;
    let Some(version) = requirement.exact() else {
        return requirement
            .takes_minor(minor)
            .then_some(ChartChoice::Range(minor));
    };
    if !version.follows(minor) {
        return None;
    }
    let repositories = target.input.catalog.chart_repositories.iter();
    let all = repositories.filter_map(|repository| repository.charts.get(chart));
    let published: Vec<&ChartVersion> = all.flat_map(|all| versions_for(all, minor)).collect();
    let mut versions = published.iter();
    Some(
        if !published
            .iter()
            .any(|found| found.is_same_release(&version))
        {
            // No index has it, so that only the stack's own list can have asked for it.
            ChartChoice::Listed(minor)
        } else if versions.any(|found| found.is_newer_than(&version)) {
            ChartChoice::NewestAllowed(minor)
        } else {
            ChartChoice::Newest(minor)
        },
    )
}

/// Why a default goes elsewhere than to the newest patch.
fn default_reason(target: &Target<'_>, pair: LinePair<'_>) -> Option<Reason> {
    let (old, new) = (pair.default_before()?, pair.default_after()?);
    if old == new {
        return None;
    }
    if let Some(block) = target.available.blocked().version(old) {
        return Some(Reason::BlockedDefault {
            old,
            new,
            block: block.clone(),
        });
    }
    let pin = target.pin(new.minor()).filter(|pin| pin.version == new)?;
    Some(Reason::PinnedDefault(pin.clone()))
}

/// The blocks of images that lists name before and not after.
pub(super) fn blocks_leaving<'t>(
    target: &'t Target<'_>,
    outcome: &StackOutcome,
    minor: Minor,
) -> BTreeMap<String, &'t Block> {
    let after = outcome
        .after
        .as_ref()
        .map(|after| listed_images(after, minor))
        .unwrap_or_default();
    let before = listed_images(target.stack, minor);
    let blocked = target.available.blocked();
    before
        .difference(&after)
        .filter_map(|(version, os)| blocked.image(*version, os.as_ref()))
        .map(|block| (block.subject(), block))
        .collect()
}

/// Returns the images of a minor that lists name.
fn listed_images(stack: &Stack, minor: Minor) -> BTreeSet<(KubernetesVersion, Option<OsRelease>)> {
    stack
        .image_entries()
        .filter(|entry| entry.version.minor() == minor)
        .map(|entry| (entry.version, entry.os.clone()))
        .collect()
}

/// Tells whether a source tree of this minor is set to another one.
fn moves_away(target: &Target<'_>, minor: Minor) -> bool {
    target.moves.iter().any(|step| match step {
        TreeMove::Edit(_, wanted) => {
            wanted.line_before.minor == minor && wanted.line.minor != minor
        }
        TreeMove::Create(..) | TreeMove::Remove(_) => false,
    })
}

/// Why a minor, or some of its listed versions, are not there any more.
fn leaving(
    target: &Target<'_>,
    outcome: &StackOutcome,
    minor: Minor,
    pair: LinePair<'_>,
) -> Vec<Reason> {
    let day = target.input.catalog.end_of_life.get(&minor);
    if let Some(day) = day.filter(|_| pair.after.is_none() && target.dropped.contains(&minor)) {
        return vec![Reason::MinorEnded { minor, day: *day }];
    }
    if moves_away(target, minor) {
        return vec![Reason::MinorReplaced { minor }];
    }
    // A tree that goes as a whole has said why; here single versions are left.
    let left = pair.listed_after();
    let listed = pair.listed_before().into_iter();
    let gone = listed.filter(|version| !left.contains(version));
    // A version that is blocked is named with its block, not with the list policy.
    let trimmed = gone.filter(|version| {
        target.available.blocked().version(*version).is_none()
            || !target.input.wishes.wants(ChangeClass::Removal)
    });
    let blocks = blocks_leaving(target, outcome, minor).into_values();
    let mut reasons: Vec<Reason> = blocks
        .map(|block| Reason::BlockedImage(block.clone()))
        .collect();
    reasons.extend(trimmed.map(|version| Reason::Trimmed {
        version,
        images: target.input.policy.images,
    }));
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

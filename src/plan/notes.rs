//! What a maintainer should know beside the reasons of a change: clusters that must be upgraded, values that stay, what csctl and helm
//! will do.

use std::sync::Arc;

use super::explain::{blocks_leaving, files_of};
use super::facts::{FileLine, Note, OsMove};
use super::files::StackOutcome;
use super::standing;
use super::target::{Target, TreeMove};
use super::{FileChange, LinePlan};
use crate::stack::{
    Fact, Part, Role, SourceFile, SourceTree, Stack, chart_lock_fits, directory_of, other_versions,
};
use crate::version::{Minor, StackLine};

/// Returns what a maintainer should know of a plan with these lines.
pub(super) fn notes(target: &Target<'_>, outcome: &StackOutcome, lines: &[LinePlan]) -> Vec<Note> {
    let mut notes: Vec<Note> = lines
        .iter()
        .filter_map(|line| roll_note(target, outcome, line))
        .collect();
    notes.extend(release_gap(target, lines));
    notes.extend(minor_notes(target));
    notes.extend(other_version_notes(target));
    notes.extend(file_notes(target, outcome));
    notes.extend(standing::note(target, lines));
    notes
}

/// Says of the stack's stores that nothing proves their images, whatever the plan does.
pub(super) fn unproved(stack: &Stack) -> impl Iterator<Item = Note> {
    let stores = stack.series.unproved_stores().into_iter();
    stores.map(|store| Note::UnprovedImages {
        store: store.to_owned(),
    })
}

/// A version that is blocked is bad where it runs, too.
fn roll_note(target: &Target<'_>, outcome: &StackOutcome, plan: &LinePlan) -> Option<Note> {
    let (old, new) = (plan.default_before?, plan.default_after?);
    let line = plan.line.clone();
    if old != new {
        target.available.blocked().version(old)?;
        return Some(Note::MustUpgrade { line, old, new });
    }
    // The version stays, but the image of it that leaves may be the one that nodes run.
    let blocks = blocks_leaving(target, outcome, new.minor());
    let block = blocks.into_values().find(|block| block.version == new)?;
    Some(Note::MustReplaceNodes {
        line,
        block: block.clone(),
    })
}

/// Says what another minor brings that nobody asked for: the end of its support, another operating system.
fn minor_notes(target: &Target<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    for (tree, wanted) in target.written() {
        let minor = wanted.line.minor;
        if tree.minor == Some(minor) {
            continue;
        }
        if let Some(day) = target.input.catalog.end_of_life.get(&minor)
            && target.input.catalog.is_end_of_life(minor)
        {
            notes.push(Note::AskedMinorEnded { minor, day: *day });
        }
        let step = target.named_images(tree).find_map(|image| {
            let after = wanted.default_image(image.series?)?.os.clone()?;
            let before = image.os.filter(|before| *before != after)?;
            Some(OsMove { before, after })
        });
        notes.extend(step.map(|step| Note::MinorOnAnotherOs { minor, step }));
    }
    notes
}

/// Names images in values that a new default leaves at another version: nothing says whether they were forgotten.
fn other_version_notes(target: &Target<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    for (tree, wanted) in target.written() {
        let Some(before) = tree
            .default
            .filter(|before| wanted.default != Some(*before))
        else {
            continue;
        };
        for file in &tree.files {
            for other in other_versions(target.stack, file, before) {
                notes.push(Note::OtherVersion {
                    at: FileLine {
                        file: file.path().to_owned(),
                        line: other.line,
                    },
                    value: other.value.clone(),
                    version: other.version,
                    default: before,
                });
            }
        }
    }
    notes
}

/// Says that the number of a release is not known, where the git clone may lack the tags of others.
fn release_gap(target: &Target<'_>, lines: &[LinePlan]) -> Option<Note> {
    let gap = target.input.catalog.release_gap.as_ref()?;
    let is_concerned = lines.iter().any(|line| line.release.is_some());
    is_concerned.then(|| Note::ReleaseUnknown { gap: gap.clone() })
}

/// Returns what there is to know of the files that each move edits.
fn file_notes(target: &Target<'_>, outcome: &StackOutcome) -> Vec<Note> {
    let mut notes = Vec::new();
    for step in &target.moves {
        match step {
            TreeMove::Edit(tree, wanted) => {
                let files = files_of(target, outcome, wanted.line.minor);
                let parts: Vec<Part> = files.iter().map(|file| part_of(tree, file)).collect();
                // The last release of a tree that is set to another minor is another line's.
                notes.extend(
                    refusal_note(tree, &wanted.line, &parts)
                        .filter(|_| wanted.line == wanted.line_before),
                );
                notes.extend(vendored_note(target, tree, &parts));
                let charts = tree.files.iter().filter(|chart| {
                    let mut edited = files.iter().filter(|file| file.path == chart.path());
                    edited.any(|file| edits_dependencies(file))
                });
                notes.extend(stale_locks(tree, &tree.directory, charts));
            }
            TreeMove::Create(tree, directory, wanted) => {
                notes.extend(mentions_note(outcome, directory, wanted.line_before.minor));
                // Everything of a new tree is new.
                notes.extend(vendored_note(target, tree, &[Part::ClusterAddon]));
                notes.extend(stale_locks(tree, directory, tree.files.iter()));
            }
            TreeMove::Remove(_) => {}
        }
    }
    notes
}

/// A file that is not of the source tree goes into no release of it.
fn part_of(tree: &SourceTree, change: &FileChange) -> Part {
    let mut files = tree.files.iter();
    let file = files.find(|file| file.path() == change.path);
    file.map_or(Part::Beside, |file| file.part())
}

/// csctl compares only the cluster addons when it decides whether there is something to publish (its `validateHash`). `publish` says it
/// better where the files of the last release are known.
fn refusal_note(tree: &SourceTree, line: &StackLine, parts: &[Part]) -> Option<Note> {
    let released = parts.iter().any(|part| *part != Part::Beside);
    let by_csctl = tree.references().any(|reference| {
        matches!(reference.fact, Fact::Kubernetes { .. }) && reference.role == Role::CsctlConfig
    });
    let refuses = by_csctl && released && !parts.contains(&Part::ClusterAddon);
    refuses.then(|| Note::CsctlRefuses {
        line: line.clone(),
        next: None,
        seen: None,
    })
}

fn vendored_note(target: &Target<'_>, tree: &SourceTree, parts: &[Part]) -> Option<Note> {
    let mut files = target.input.tree.files_below(&tree.directory);
    // An archive of the old version stays where it is: only Helm can package the new one.
    let vendored = parts.contains(&Part::ClusterAddon)
        && files.any(|(path, _)| path.rsplit('.').next() == Some("tgz"));
    vendored.then(|| Note::PackagedCharts {
        directory: tree.directory.clone(),
    })
}

fn edits_dependencies(file: &FileChange) -> bool {
    let mut edits = file.edits.iter();
    // The digest in a lock is over the dependencies alone, so that a new name of the chart leaves it right.
    edits.any(|edit| edit.at.starts_with("dependencies["))
}

/// Locks of charts that move which did not fit before: nobody knows what they should say.
fn stale_locks<'t>(
    tree: &'t SourceTree,
    directory: &str,
    charts: impl Iterator<Item = &'t Arc<SourceFile>>,
) -> Vec<Note> {
    let stale = charts.filter_map(|chart| {
        let lock = tree.find_lock(chart.path())?;
        (!chart_lock_fits(chart, lock)).then_some(lock)
    });
    stale
        .map(|lock| {
            let below = lock
                .path()
                .strip_prefix(&tree.directory)
                .unwrap_or_default();
            Note::StaleLock {
                chart: directory_of(&format!("{directory}{below}")).to_owned(),
            }
        })
        .collect()
}

/// A new source tree may still speak of the minor it was copied from, in texts that no rule covers.
fn mentions_note(outcome: &StackOutcome, directory: &str, minor: Minor) -> Option<Note> {
    let after = outcome.after.as_ref()?;
    let tree = after
        .trees
        .iter()
        .find(|tree| tree.directory == directory)?;
    let word = minor.to_string();
    let mentions = tree.files.iter().flat_map(|file| {
        let lines = file
            .text()
            .lines()
            .enumerate()
            .filter(|(_, line)| line.contains(&word));
        lines.map(|(index, _)| FileLine {
            file: file.path().to_owned(),
            line: index + 1,
        })
    });
    let places: Vec<FileLine> = mentions.collect();
    (!places.is_empty()).then_some(Note::MinorStillMentioned { minor, places })
}

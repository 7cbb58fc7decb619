//! Rules about vendored charts and build dates: what release tools set right on their own, or what is only probably wrong.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::finding::Found;
use super::rule::{Group, Rule, Search, Severity};
use super::view::{View, file_name};
use crate::stack::{
    Fact, ImageListForm, Reference, Role, SourceFile, chart_lock_fits, directory_of, other_versions,
};
use crate::version::{ChartVersion, Minor};

pub(super) const RULES: [Rule; 4] = [
    Rule {
        name: "image-other-version",
        group: Group::Strict,
        severity: Severity::Warning,
        finds: "A value names an image of the stack in another version than the stack's, and nothing says what it is for.",
        reason: "It was forgotten when the stack moved, or it is kept on purpose; a plan leaves it alone.",
        find: Search::Stack(image_other_version),
    },
    Rule {
        name: "chart-lock",
        group: Group::Strict,
        severity: Severity::Warning,
        finds: "A Chart.lock is not that of its Chart.yaml.",
        reason: "`helm dependency build` refuses it; tools that run `helm dependency update` make it anew and never notice.",
        find: Search::Stack(chart_lock),
    },
    Rule {
        name: "chart-archive",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "A packaged chart in `charts/` is not of the version that its Chart.yaml depends on.",
        reason: "`helm package` and `helm template` refuse such a chart, or use the stale archive.",
        find: Search::Stack(chart_archive),
    },
    Rule {
        name: "build-dates",
        group: Group::Strict,
        severity: Severity::Warning,
        finds: "Images of three or more minors, or five or more images of one list, have the same build date.",
        reason: "It is most likely the day on which a script ran, not the day on which the images were built.",
        find: Search::Stack(build_dates),
    },
];

fn chart_lock(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        for lock in line.tree.files_for(Role::AddonLock) {
            let Some(chart) = line.tree.find_chart(lock.path()) else {
                continue;
            };
            if let Some((line_number, message)) = lock_fault(chart, lock) {
                let directory = directory_of(lock.path());
                found.push(
                    Found::in_file(lock.path(), line_number, message)
                        .of(line.minor)
                        .hinted(format!("helm dependency update {directory}")),
                );
            }
        }
    }
    found
}

fn lock_fault(chart: &SourceFile, lock: &SourceFile) -> Option<(Option<usize>, String)> {
    for reference in lock.references() {
        // Helm keeps the order.
        let asked = chart
            .references()
            .iter()
            .find(|asked| asked.at == reference.at);
        if let Some(asked) = asked.filter(|asked| !takes_locked(asked, reference)) {
            let wanted = &asked.value;
            let message = format!(
                "{} {}, Chart.yaml says {wanted}",
                locked_chart(reference),
                reference.value
            );
            return Some((Some(reference.line), message));
        }
    }
    let fits = chart_lock_fits(chart, lock);
    (!fits).then(|| (None, "the digest is not that of Chart.yaml".to_owned()))
}

fn locked_chart(reference: &Reference) -> &str {
    match &reference.fact {
        Fact::LockedDependency { chart, .. } => chart,
        _ => "",
    }
}

/// Tells whether a dependency takes the version that is locked for it; of another chart in its place, nothing is said.
fn takes_locked(asked: &Reference, locked: &Reference) -> bool {
    match (&asked.fact, &locked.fact) {
        (
            Fact::ChartDependency {
                chart,
                version,
                range,
                ..
            },
            Fact::LockedDependency {
                chart: name,
                version: Some(locked),
            },
        ) if chart == name => match (version, range) {
            (Some(version), _) => version.is_same_release(locked),
            (None, Some(range)) => range.takes(locked),
            (None, None) => true,
        },
        _ => true,
    }
}

/// A chart with packaged dependencies has those that its Chart.yaml names.
fn chart_archive(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        for chart in line.tree.files_for(Role::AddonChart) {
            let directory = directory_of(chart.path());
            let folder = view.input.tree.files_below(&format!("{directory}/charts"));
            let archives: Vec<&str> = folder
                .filter_map(|(path, _)| file_name(path).strip_suffix(".tgz"))
                .collect();
            for reference in chart.references() {
                let released = line.tree.version_of(reference);
                if let Some(other) = stale_archive(reference, released, &archives) {
                    let version =
                        released.map_or_else(|| reference.value.clone(), ToString::to_string);
                    let message = format!("version {version}, charts/ has {other}.tgz");
                    let hint = format!("helm dependency update {directory}");
                    found.push(line.at(reference, message).hinted(hint));
                }
            }
        }
    }
    found
}

/// Finds the archive of another version of a dependency, where there is none of the right one: the one that is released, or one
/// that the range takes.
fn stale_archive<'a>(
    reference: &Reference,
    released: Option<&ChartVersion>,
    archives: &[&'a str],
) -> Option<&'a str> {
    let Fact::ChartDependency { chart, range, .. } = &reference.fact else {
        return None;
    };
    let is_right = |found: &ChartVersion| match (released, range) {
        (Some(released), _) => found.is_same_release(released),
        (None, Some(range)) => range.takes(found),
        (None, None) => true,
    };
    let version_in = |archive: &str| {
        let rest = archive.strip_prefix(chart.as_str())?.strip_prefix('-')?;
        rest.parse::<ChartVersion>().ok()
    };
    let mut of_chart = archives
        .iter()
        .filter_map(|archive| Some((*archive, version_in(archive)?)));
    let is_there = of_chart.clone().any(|(_, found)| is_right(&found));
    of_chart
        .next()
        .filter(|_| !is_there)
        .map(|(archive, _)| archive)
}

fn build_dates(view: &View<'_>) -> Vec<Found> {
    const MINORS: usize = 3;
    const IMAGES: usize = 5;
    let mut found = Vec::new();
    for (minor, image_list) in view.image_lists() {
        if image_list.form != ImageListForm::ImageManager {
            continue;
        }
        let mut days: BTreeMap<Date, (usize, Vec<Minor>)> = BTreeMap::new();
        for entry in &image_list.entries {
            if let Some(day) = entry.built {
                let (_, minors) = days.entry(day).or_insert((entry.line, Vec::new()));
                minors.push(entry.version.minor());
            }
        }
        for (day, (line, minors)) in days {
            let distinct: BTreeSet<&Minor> = minors.iter().collect();
            if minors.len() >= IMAGES || distinct.len() >= MINORS {
                let count = minors.len();
                let message = format!(
                    "{count} images of {} minors were all built on {day}",
                    distinct.len()
                );
                let command = view.input.selection.command("check --with catalog");
                let hint = format!("{command} compares them with the store");
                found.push(
                    Found::in_file(&image_list.file, Some(line), message)
                        .of(minor)
                        .hinted(hint),
                );
            }
        }
    }
    found
}

fn image_other_version(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        let Some(default) = line.default else {
            continue;
        };
        for file in &line.tree.files {
            for other in other_versions(view.stack, file, default) {
                let message = format!(
                    "`{}` names the image of {}, {}",
                    other.value,
                    other.version,
                    line.is_words()
                );
                let hint = format!("name the image of {default}, or leave it where it is meant so");
                let told = Found::in_file(file.path(), Some(other.line), message);
                found.push(told.of(line.minor).hinted(hint));
            }
        }
    }
    found
}

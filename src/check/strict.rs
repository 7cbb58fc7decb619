//! Rules about vendored charts and build dates: what release tools set right on their own, or what is only probably wrong.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
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
        finds: "A value names one of the stack's images at a different version than the stack's, and nothing says why.",
        reason: "It was forgotten when the stack moved, or it is intended; plans leave it alone.",
        find: Search::Stack(image_other_version),
    },
    Rule {
        name: "chart-lock",
        group: Group::Strict,
        severity: Severity::Warning,
        finds: "A Chart.lock does not match its Chart.yaml.",
        reason: "`helm dependency build` rejects it; tools that run `helm dependency update` rewrite it and never notice.",
        find: Search::Stack(chart_lock),
    },
    Rule {
        name: "chart-archive",
        // Not strict like the other rules here: no release tool sets this right by itself.
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "A packaged chart in `charts/` has a different version than its Chart.yaml depends on.",
        reason: "`helm package` and `helm template` reject such a chart or use the stale archive.",
        find: Search::Stack(chart_archive),
    },
    Rule {
        name: "build-dates",
        group: Group::Strict,
        severity: Severity::Warning,
        finds: "Images of three or more minors, or five or more images of one list, have the same build date.",
        reason: "It is most likely the day a script ran, not the day the images were built.",
        find: Search::Stack(build_dates),
    },
];

fn chart_lock(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines() {
        for lock in line.tree.files_for(Role::AddonLock) {
            let Some(chart) = line.tree.find_chart(lock.path()) else {
                continue;
            };
            if let Some(fault) = lock_fault(chart, lock) {
                let directory = directory_of(lock.path());
                found.push(
                    fault
                        .of(line.minor)
                        .hinted(format!("run `helm dependency update {directory}`")),
                );
            }
        }
    }
    found
}

fn lock_fault(chart: &SourceFile, lock: &SourceFile) -> Option<Contradiction> {
    for reference in lock.references() {
        // Helm keeps the order.
        let asked = chart
            .references()
            .iter()
            .find(|asked| asked.at == reference.at);
        if let Some(asked) = asked.filter(|asked| !takes_locked(asked, reference)) {
            let wanted = &asked.value;
            let message = format!(
                "{} {}, but Chart.yaml says {wanted}",
                locked_chart(reference),
                reference.value
            );
            let fault = Contradiction::in_file(lock.path(), Some(reference.line), message);
            return Some(fault.case("version"));
        }
    }
    // Last, as another version makes another digest, too, and says more.
    let fits = chart_lock_fits(chart, lock);
    let message = "the digest does not match Chart.yaml";
    (!fits).then(|| Contradiction::in_file(lock.path(), None, message).case("digest"))
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
fn chart_archive(view: &View<'_>) -> Vec<Contradiction> {
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
                    let message = format!("version {version}, but charts/ has {other}.tgz");
                    let hint = format!("run `helm dependency update {directory}`");
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
    let mut first = None;
    for archive in archives {
        let Some(found) = packaged_version(archive, chart) else {
            continue;
        };
        let is_right = match (released, range) {
            (Some(released), _) => found.is_same_release(released),
            (None, Some(range)) => range.takes(&found),
            (None, None) => true,
        };
        if is_right {
            return None;
        }
        first = first.or(Some(*archive));
    }
    first
}

/// Reads the version in the name of a chart's archive: `<chart>-<version>`.
fn packaged_version(archive: &str, chart: &str) -> Option<ChartVersion> {
    // What is left of a chart whose name only begins alike is no version.
    let version = archive.strip_prefix(chart)?.strip_prefix('-')?;
    version.parse().ok()
}

fn build_dates(view: &View<'_>) -> Vec<Contradiction> {
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
                    "{count} images of {} minors have the build date {day}",
                    distinct.len()
                );
                let command = view.command("check --with catalog");
                let hint = format!("run `{command}` to compare them with the store");
                found.push(
                    Contradiction::in_file(&image_list.file, Some(line), message)
                        .of(minor)
                        .hinted(hint),
                );
            }
        }
    }
    found
}

fn image_other_version(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines() {
        let Some(default) = line.default else {
            continue;
        };
        for file in &line.tree.files {
            for other in other_versions(view.stack, file, default) {
                let message = format!(
                    "`{}` names the image for {}, but {}",
                    other.value,
                    other.version,
                    line.is_words()
                );
                let hint = format!("name the image for {default}, or leave it if it is intended");
                let told = Contradiction::in_file(file.path(), Some(other.line), message);
                found.push(told.of(line.minor).hinted(hint));
            }
        }
    }
    found
}

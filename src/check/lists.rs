//! Rules about lists of node images and versions: what must be in them, and what must not be in them twice.

use std::collections::BTreeMap;

use super::Found;
use super::rule::{Group, Rule, Severity};
use super::versions::rows;
use super::view::{View, file_name};
use crate::stack::{Roster, RosterForm};
use crate::version::{KubernetesVersion, Minor};

pub(super) const RULES: [Rule; 4] = [
    Rule {
        name: "default-not-listed",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The stack's own list of node images does not have the version that the stack is set to.",
        reason: "The operator would provide no image for the clusters of such a release.",
        find: default_not_listed,
    },
    Rule {
        name: "version-without-image",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "A version is listed in versions.yaml, or is the stack's, and the image list has no image of it.",
        reason: "Clouds that import the list cannot run that version.",
        find: version_without_image,
    },
    Rule {
        name: "duplicate-image",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A list has two images of one name, or one version twice.",
        reason: "The operator and the image manager know images by name, and silently ignore the second.",
        find: duplicate_image,
    },
    Rule {
        name: "class-versions",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "`spec.kubernetesVersions` of a ClusterClass is not in order, leaves a minor out, or has more than 100 versions.",
        reason: "Cluster API requires the oldest first, at least one version of every minor in between, and 1 to 100 of them.",
        find: class_versions,
    },
];

fn default_not_listed(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, roster) in view.rosters() {
        let Some(line) = minor.and_then(|minor| view.find_line(minor)) else {
            continue;
        };
        let is_own = match roster.form {
            RosterForm::NodeImages | RosterForm::OrcImages | RosterForm::VersionMap => true,
            RosterForm::Names => is_class_versions(roster),
            RosterForm::ImageManager => false,
        };
        let has_own = roster
            .entries
            .iter()
            .any(|entry| !line.differs(entry.version));
        if !is_own || has_own || roster.entries.is_empty() {
            continue;
        }
        let versions: Vec<String> = roster
            .entries
            .iter()
            .map(|entry| entry.version.to_string())
            .collect();
        let message = format!("the list has {}, {}", few(&versions), line.is_words());
        let hint = "csctl-matrix update adds the image, from the image store";
        let first = roster.entries[0].line;
        found.push(
            Found::in_file(&roster.file, Some(first), message)
                .of(line.minor)
                .hinted(hint),
        );
    }
    found
}

/// Names the first of many.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 3;
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

/// Tells whether a list is that of a ClusterClass.
fn is_class_versions(roster: &Roster) -> bool {
    roster.form == RosterForm::Names && roster.at == "spec.kubernetesVersions"
}

fn version_without_image(view: &View<'_>) -> Vec<Found> {
    let lists: Vec<&Roster> = view
        .rosters()
        .map(|(_, roster)| roster)
        .filter(|roster| roster.form == RosterForm::ImageManager)
        .collect();
    let Some(list) = lists.first() else {
        return Vec::new();
    };
    let file = file_name(&list.file);
    let has_image = |version: KubernetesVersion| {
        let mut entries = lists.iter().flat_map(|list| &list.entries);
        entries.any(|entry| entry.version == version)
    };
    let rows = rows(view);
    let mut found = Vec::new();
    for (site, version) in rows.iter().filter(|(_, version)| !has_image(*version)) {
        let message = format!("{} is listed, {file} has no image for it", site.value);
        found.push(Found::at(site, message).of(version.minor()));
    }
    for line in view.lines() {
        let Some(default) = line.default.filter(|default| !has_image(*default)) else {
            continue;
        };
        if !rows.iter().any(|(_, version)| *version == default) {
            let stated = line.sites().find(|site| {
                matches!(site.fact, crate::stack::Fact::Kubernetes { version } if version == default)
            });
            let message = format!("{}, {file} has no image for it", line.is_words());
            found.extend(stated.map(|site| line.at(site, message)));
        }
    }
    found
}

fn duplicate_image(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, roster) in view.rosters() {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in &roster.entries {
            if let Some(first) = names.get(entry.name.as_str()) {
                let message = format!("{} is listed already, on line {first}", entry.name);
                let hint = format!(
                    "remove one of the entries on lines {first} and {}",
                    entry.line
                );
                found.push(
                    Found::in_file(&roster.file, Some(entry.line), message)
                        .of(minor)
                        .hinted(hint),
                );
            } else if !entry.name.is_empty() {
                names.insert(&entry.name, entry.line);
            }
        }
    }
    found
}

fn class_versions(view: &View<'_>) -> Vec<Found> {
    const MOST: usize = 100;
    let mut found = Vec::new();
    for (minor, roster) in view
        .rosters()
        .filter(|(_, roster)| is_class_versions(roster))
    {
        let mut add = |line: usize, message: String| {
            found.push(Found::in_file(&roster.file, Some(line), message).of(minor));
        };
        for pair in roster.entries.windows(2) {
            let (before, after) = (&pair[0], &pair[1]);
            if before.version > after.version {
                let message = format!("{} is older than {} before it", after.name, before.name);
                add(after.line, message);
            }
            let next: Minor = before.version.minor().next();
            if after.version.minor() > next {
                add(
                    after.line,
                    format!("no version of {next} before {}", after.name),
                );
            }
        }
        if roster.entries.len() > MOST {
            let count = roster.entries.len();
            add(roster.line, format!("{count} versions, {MOST} is the most"));
        }
    }
    found
}

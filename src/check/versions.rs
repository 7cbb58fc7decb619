//! Rules about the default version: what csctl.yaml, stack.yaml, the directory and versions.yaml say of it.

use std::collections::BTreeSet;

use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
use super::view::{LineView, View, file_name, version_words};
use crate::catalog::Catalog;
use crate::stack::{Fact, Reference, Role, SourceFile};
use crate::version::{KubernetesVersion, Minor};

pub(super) const RULES: [Rule; 5] = [
    Rule {
        name: "csctl-version",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "csctl.yaml states a minor, or a version without the leading `v`.",
        reason: "csctl accepts only a full version such as v1.34.7 (`^v\\d+\\.\\d+\\.\\d+$`).",
        find: Search::Stack(csctl_version),
    },
    Rule {
        name: "default-version",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "Two files state different versions for the stack, or a version does not match the directory's minor.",
        reason: "Which version a release gets then depends on the tool that reads it.",
        find: Search::Stack(default_version),
    },
    Rule {
        name: "metadata-version",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "metadata.yaml states a different Kubernetes version than the stack's.",
        reason: "csctl writes its own metadata.yaml into every release, so a stale one misleads people and release scripts.",
        find: Search::Stack(metadata_version),
    },
    Rule {
        name: "versions-row",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "versions.yaml lists a different version for the stack's minor than the stack is set to.",
        reason: "One of the two was forgotten, and people plan by the list.",
        find: Search::Stack(versions_row),
    },
    Rule {
        name: "versions-minor-missing",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "versions.yaml has no row for the stack's minor.",
        reason: "Tools that build releases from the list skip that minor.",
        find: Search::Stack(versions_minor_missing),
    },
];

fn csctl_version(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines() {
        let stated = line
            .references()
            .filter(|reference| reference.role == Role::CsctlConfig);
        for reference in stated {
            let needed = match reference.fact {
                Fact::KubernetesMinor { minor } => {
                    line.default.unwrap_or_else(|| zero_patch(minor))
                }
                Fact::Kubernetes { version } if reference.value != version.to_string() => version,
                _ => continue,
            };
            let message = format!(
                "`{}` is not a full version such as {needed}; csctl rejects it",
                reference.value
            );
            let hint = format!("write a released version such as {needed}");
            found.push(line.at(reference, message).hinted(hint));
        }
    }
    found
}

/// The first patch of a minor, as an example.
fn zero_patch(minor: Minor) -> KubernetesVersion {
    KubernetesVersion::new(minor, 0)
}

fn default_version(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines() {
        let directory = file_name(&line.tree.directory);
        let is_per_minor = directory == line.minor.dashed();
        for reference in line
            .references()
            // metadata.yaml has a rule of its own, `metadata-version`.
            .filter(|reference| reference.role != Role::ReleaseMetadata)
        {
            let (minor, differs) = match reference.fact {
                Fact::Kubernetes { version } => (version.minor(), line.differs(version)),
                Fact::KubernetesMinor { minor } => (minor, minor != line.minor),
                _ => continue,
            };
            let (case, message, hint) = if minor != line.minor && is_per_minor {
                let message = format!(
                    "{} belongs to {minor}, but the directory is {directory}",
                    reference.value
                );
                let hint = format!(
                    "write a version of {} here, or move the files to {}",
                    line.minor,
                    minor.dashed()
                );
                ("directory", message, hint)
            } else if differs {
                let words = line.version_words();
                let message = format!(
                    "{} here, but {} says {words}",
                    reference.value,
                    line.default_file()
                );
                let hint = match reference.fact {
                    Fact::Kubernetes { version } => both_ways(line, &reference.value, version),
                    _ => format!("write {} here", line.minor),
                };
                ("file", message, hint)
            } else {
                continue;
            };
            found.push(line.at(reference, message).case(case).hinted(hint));
        }
    }
    found
}

fn metadata_version(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines() {
        for reference in line
            .references()
            .filter(|reference| reference.role == Role::ReleaseMetadata)
        {
            let stale = match reference.fact {
                Fact::Kubernetes { version } => line.differs(version),
                Fact::KubernetesMinor { minor } => minor != line.minor,
                _ => false,
            };
            if stale {
                let message = format!(
                    "{} here, but {} says {}",
                    reference.value,
                    line.default_file(),
                    line.version_words()
                );
                let hint = match reference.fact {
                    _ if line.tree.has_csctl() => format!(
                        "write {} here, or remove the file: csctl writes one into every release",
                        line.version_words()
                    ),
                    Fact::Kubernetes { version } => both_ways(line, &reference.value, version),
                    _ => format!("write {} here", line.version_words()),
                };
                found.push(line.at(reference, message).hinted(hint));
            }
        }
    }
    found
}

/// Says what to do about the minor of a stack that has no row: one that has ended is left rather than listed again.
fn row_hint(view: &View<'_>, line: LineView<'_>) -> String {
    let minor = line.minor;
    let title = view.stack.title();
    let adds = view.command(&format!("update {title} --minor {minor}"));
    // The program brings a table of end-of-life days, so that this is known without a source.
    let known = Catalog::empty(view.input.today);
    let catalog = view.input.catalog.unwrap_or(&known);
    let Some(day) = catalog
        .end_of_life
        .get(&minor)
        .filter(|day| **day < view.input.today)
    else {
        return format!("run `{adds}` to add it with its addon charts");
    };
    let leaves = if view.stack.layout.has_directory_per_minor() {
        format!("remove {}", line.tree.directory)
    } else {
        let command = view
            .input
            .selection
            .command(&format!("update {title} --switch MINOR"));
        format!("run `{command}` to set the stack to another minor")
    };
    format!(
        "{minor} reached end of life on {day}: {leaves}, or run `{adds} --end-of-life follow` to add the row"
    )
}

/// Returns the rows of the lists of versions that a stack has.
pub(super) fn rows<'a>(view: &View<'a>) -> Vec<(&'a Reference, KubernetesVersion)> {
    view.files()
        .flat_map(SourceFile::references)
        .filter_map(|reference| match reference.fact {
            Fact::ListedVersion { version } => Some((reference, version)),
            _ => None,
        })
        .collect()
}

fn versions_row(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (reference, version) in rows(view) {
        let Some(line) = view.find_line(version.minor()) else {
            continue;
        };
        if line.default.is_some() && line.differs(version) {
            let stated = version_words(line.default, line.minor);
            let message = format!(
                "{} is listed for {}, but {} says {stated}{}",
                reference.value,
                line.minor,
                line.default_file(),
                images_words(view, version, line.default)
            );
            let hint = both_ways(line, &reference.value, version);
            found.push(line.at(reference, message).hinted(hint));
        }
    }
    found
}

/// Says what the lists of node images know of two versions that disagree; nothing where there is no list.
fn images_words(
    view: &View<'_>,
    listed: KubernetesVersion,
    default: Option<KubernetesVersion>,
) -> String {
    let listed_images: BTreeSet<KubernetesVersion> = view
        .image_lists()
        .flat_map(|(_, image_list)| &image_list.entries)
        .map(|entry| entry.version)
        .collect();
    let Some(default) = default.filter(|_| !listed_images.is_empty()) else {
        return String::new();
    };
    match (
        listed_images.contains(&listed),
        listed_images.contains(&default),
    ) {
        (true, true) => "; the image list has both".to_owned(),
        (true, false) => format!("; the image list has {listed} only"),
        (false, true) => format!("; the image list has {default} only"),
        (false, false) => "; the image list has neither".to_owned(),
    }
}

/// Says the two ways out of a version that disagrees with the stack's.
fn both_ways(line: LineView<'_>, value: &str, stated: KubernetesVersion) -> String {
    let file = line.default_file();
    match line.default {
        Some(default) => format!(
            "write {} here, or {stated} in {file}; the files do not say which is right",
            default.spelled_like(value)
        ),
        None => format!("write a version of {} here", line.minor),
    }
}

fn versions_minor_missing(view: &View<'_>) -> Vec<Contradiction> {
    let rows = rows(view);
    let Some((first, _)) = rows.first() else {
        return Vec::new();
    };
    let listed: BTreeSet<Minor> = rows.iter().map(|(_, version)| version.minor()).collect();
    view.lines()
        .filter(|line| !listed.contains(&line.minor))
        .map(|line| {
            let message = format!("no row for {}, but {}", line.minor, line.is_words());
            Contradiction::in_file(&first.file, Some(1), message)
                .of(line.minor)
                .hinted(row_hint(view, line))
        })
        .collect()
}

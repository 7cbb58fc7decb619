//! Rules about the default version: what csctl.yaml, stack.yaml, the directory and versions.yaml say of it.

use super::rule::{Group, Rule, Severity};
use super::view::{View, file_name};
use super::{Found, version_words};
use crate::stack::{Fact, Site};
use crate::version::{KubernetesVersion, Minor};

pub(super) const RULES: [Rule; 5] = [
    Rule {
        name: "csctl-version",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "csctl.yaml names a minor, or a version without its leading `v`.",
        reason: "csctl accepts only a version in full, such as v1.34.7 (`^v\\d+\\.\\d+\\.\\d+$`), and stops otherwise.",
        find: csctl_version,
    },
    Rule {
        name: "default-version",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "Two places that state the stack's version disagree, or one disagrees with the directory's minor.",
        reason: "Which version a release gets then depends on the tool that reads it.",
        find: default_version,
    },
    Rule {
        name: "metadata-version",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "metadata.yaml states another Kubernetes version than the stack's.",
        reason: "csctl writes a metadata.yaml of its own into every release, so a stale one misleads only people and release scripts.",
        find: metadata_version,
    },
    Rule {
        name: "versions-row",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "versions.yaml lists another version for the stack's minor than the stack is set to.",
        reason: "One of the two was forgotten, and people plan by the list.",
        find: versions_row,
    },
    Rule {
        name: "versions-minor-missing",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "versions.yaml has no row for the minor that the stack is set to.",
        reason: "Tools that make releases from the list skip that minor.",
        find: versions_minor_missing,
    },
];

fn csctl_version(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        let stated = line
            .sites()
            .filter(|site| file_name(&site.file) == "csctl.yaml");
        for site in stated {
            let needed = match site.fact {
                Fact::KubernetesMinor { minor } => {
                    line.default.unwrap_or_else(|| zero_patch(minor))
                }
                Fact::Kubernetes { version } if site.value != version.to_string() => version,
                _ => continue,
            };
            let message = format!(
                "csctl accepts only a version in full, and this is `{}`",
                site.value
            );
            let hint = format!("write a released version such as {needed}");
            found.push(line.at(site, message).hinted(hint));
        }
    }
    found
}

/// The first patch of a minor, as an example.
fn zero_patch(minor: Minor) -> KubernetesVersion {
    KubernetesVersion::new(minor, 0)
}

fn default_version(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        let directory = file_name(&line.tree.directory);
        let is_per_minor = directory == line.minor.dashed();
        for site in line
            .sites()
            .filter(|site| file_name(&site.file) != "metadata.yaml")
        {
            let (minor, differs) = match site.fact {
                Fact::Kubernetes { version } => (version.minor(), line.differs(version)),
                Fact::KubernetesMinor { minor } => (minor, minor != line.minor),
                _ => continue,
            };
            let message = if minor != line.minor && is_per_minor {
                format!("{} is of {minor}, the directory is {directory}", site.value)
            } else if differs {
                let words = line.version_words();
                format!("{} here, {} says {words}", site.value, line.default_file())
            } else {
                continue;
            };
            found.push(line.at(site, message));
        }
    }
    found
}

fn metadata_version(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        for site in line
            .sites()
            .filter(|site| file_name(&site.file) == "metadata.yaml")
        {
            let stale = match site.fact {
                Fact::Kubernetes { version } => line.differs(version),
                Fact::KubernetesMinor { minor } => minor != line.minor,
                _ => false,
            };
            if stale {
                let message = format!("{} is stale, {}", site.value, line.is_words());
                let hint = "remove the file: csctl writes one into every release";
                let stale = line.at(site, message);
                found.push(if line.tree.has_csctl() {
                    stale.hinted(hint)
                } else {
                    stale
                });
            }
        }
    }
    found
}

/// Returns the rows of the lists of versions that a stack has.
pub(super) fn rows<'a>(view: &View<'a>) -> Vec<(&'a Site, KubernetesVersion)> {
    let sites = view.files().flat_map(crate::stack::SourceFile::sites);
    let row = |site: &'a Site| match site.fact {
        Fact::ListedVersion { version } => Some((site, version)),
        _ => None,
    };
    sites.filter_map(row).collect()
}

fn versions_row(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (site, version) in rows(view) {
        let Some(line) = view.find_line(version.minor()) else {
            continue;
        };
        if line.default.is_some() && line.differs(version) {
            let message = format!(
                "{} is listed for {}, {} says {}",
                site.value,
                line.minor,
                line.default_file(),
                version_words(line.default, line.minor)
            );
            found.push(line.at(site, message));
        }
    }
    found
}

fn versions_minor_missing(view: &View<'_>) -> Vec<Found> {
    let rows = rows(view);
    let Some((first, _)) = rows.first() else {
        return Vec::new();
    };
    let is_missing = |minor: Minor| !rows.iter().any(|(_, version)| version.minor() == minor);
    let missing = view.lines().filter(|line| is_missing(line.minor));
    missing
        .map(|line| {
            let message = format!("{} has no row, and {}", line.minor, line.is_words());
            Found::in_file(&first.file, Some(1), message)
                .of(line.minor)
                .hinted(format!(
                    "csctl-matrix update --minor {} adds it, with its addon charts",
                    line.minor
                ))
        })
        .collect()
}

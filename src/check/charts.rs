//! Rules about Helm charts: the names by which the operator finds them, and addon charts that belong to a Kubernetes minor.

use super::finding::Found;
use super::rule::{Group, Rule, Search, Severity};
use super::view::{Line, View, file_name};
use crate::stack::{Fact, Reference, minor_in_name};
use crate::version::{ChartRequirement, ChartVersion, Minor};

pub(super) const RULES: [Rule; 6] = [
    Rule {
        name: "class-chart-minor",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The cluster class chart's name carries another minor than the stack.",
        reason: "The operator finds the chart of a release by that name, and could not load the release.",
        find: Search::Stack(class_chart_minor),
    },
    Rule {
        name: "addon-chart-minor",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A cluster addon chart's name carries another minor than the stack.",
        reason: "The operator finds the addon chart of a release by that name, and could not load the release.",
        find: Search::Stack(addon_chart_minor),
    },
    Rule {
        name: "chart-stack-name",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A chart's name is that of another provider or cluster stack.",
        reason: "It was copied from there, and the operator searches releases of this stack for charts of this stack's name.",
        find: Search::Stack(chart_stack_name),
    },
    Rule {
        name: "class-chart-name",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The cluster class chart's name does not have the form `<provider>-<stack>-<minor>-cluster-class`.",
        reason: "The operator finds the chart of a release by a name of that form, and could not load the release.",
        find: Search::Stack(class_chart_name),
    },
    Rule {
        name: "addon-version-minor",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "An addon chart that belongs to a Kubernetes minor is that of another minor, or a range has no version for it.",
        reason: "The cloud controller manager and the storage driver are made and tested for one Kubernetes minor.",
        find: Search::Stack(addon_version_minor),
    },
    Rule {
        name: "addon-version-list",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "An addon chart has another version than versions.yaml or stack.yaml says for its minor.",
        reason: "What is released is then not what the list promises.",
        find: Search::Stack(addon_version_list),
    },
];

fn class_chart_minor(view: &View<'_>) -> Vec<Found> {
    other_minors(view, |fact| match fact {
        Fact::ClassChart { minor } => *minor,
        _ => None,
    })
}

fn addon_chart_minor(view: &View<'_>) -> Vec<Found> {
    other_minors(view, |fact| match fact {
        Fact::AddonChart { minor } => *minor,
        _ => None,
    })
}

/// Finds the chart names whose minor, as the function reads it, is another one than the stack's.
fn other_minors(view: &View<'_>, minor_of: impl Fn(&Fact) -> Option<Minor>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        for reference in line.references() {
            if let Some(minor) = minor_of(&reference.fact).filter(|minor| *minor != line.minor) {
                found.push(other_minor(line, reference, &minor.to_string()));
            }
        }
    }
    found
}

fn other_minor(line: Line<'_>, reference: &Reference, minor: &str) -> Found {
    let message = format!(
        "{} belongs to {minor}, {}; the operator could not load such a release",
        reference.value,
        line.is_words()
    );
    line.at(reference, message)
}

/// Splits `openstack-scs2-1-34-cluster-class` into provider and stack name, where it has that form.
fn owner(name: &str) -> Option<(&str, &str)> {
    let (range, _) = minor_in_name(name)?;
    let is_chart = name.ends_with("-cluster-class") || name.ends_with("-cluster-addon");
    let owner = name[..range.start].strip_suffix('-').filter(|_| is_chart)?;
    owner.split_once('-')
}

/// Returns the provider and the name that charts of a source tree should carry, and what says so: the directory, where it is that
/// of a stack below its provider, else the stack's own file.
fn expected_owner<'a>(view: &View<'a>, line: Line<'a>) -> (&'a str, &'a str, &'static str) {
    let stated = (line.tree.provider.as_str(), line.tree.name.as_str());
    let mut parts = view.stack.directory.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(name), Some(provider)) if provider == stated.0 => (provider, name, "the directory"),
        _ => (stated.0, stated.1, "the stack"),
    }
}

fn chart_stack_name(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        let (provider, name, authority) = expected_owner(view, line);
        for reference in chart_names(line) {
            let Some((found_provider, found_name)) = owner(&reference.value) else {
                continue;
            };
            let what = if found_provider != provider {
                format!("provider {found_provider}, {authority} is of {provider}")
            } else if found_name != name {
                format!("stack {found_name}, {authority} is {name}")
            } else {
                continue;
            };
            found.push(line.at(reference, format!("{} names {what}", reference.value)));
        }
    }
    found
}

fn chart_names(line: Line<'_>) -> impl Iterator<Item = &Reference> {
    line.references().filter(|reference| {
        matches!(
            reference.fact,
            Fact::ClassChart { .. } | Fact::AddonChart { .. }
        )
    })
}

fn class_chart_name(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        let names =
            chart_names(line).filter(|reference| matches!(reference.fact, Fact::ClassChart { .. }));
        for reference in names.filter(|reference| owner(&reference.value).is_none()) {
            let (provider, name, _) = expected_owner(view, line);
            let needed = format!("{provider}-{name}-{}-cluster-class", line.minor.dashed());
            let message = format!(
                "the operator looks for a chart named {needed}, and this is {}",
                reference.value
            );
            found.push(
                line.at(reference, message)
                    .hinted(format!("name: {needed}")),
            );
        }
    }
    found
}

fn addon_version_minor(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        let bound = |chart: &str| view.stack.charts.find(chart).is_some();
        for reference in line.references() {
            let words = match &reference.fact {
                Fact::ChartDependency {
                    chart,
                    version,
                    range,
                    ..
                } if bound(chart) => stray_words(chart, (version, range), line.minor),
                // What is locked is what a range becomes. Where Chart.yaml itself is wrong, that is said.
                Fact::LockedDependency { chart, version } if bound(chart) => {
                    let asked = line
                        .tree
                        .find_dependency(reference)
                        .map(|asked| &asked.fact);
                    let is_open = match asked {
                        Some(Fact::ChartDependency {
                            range: Some(range), ..
                        }) => range.takes_minor(line.minor),
                        _ => false,
                    };
                    stray_words(chart, (version, &None), line.minor).filter(|_| is_open)
                }
                _ => None,
            };
            let message = words.map(|words| format!("{words}, {}", line.is_words()));
            found.extend(message.map(|message| line.at(reference, message)));
        }
    }
    found.extend(listed_addons_of_other_minors(view));
    found
}

/// Says that a version or a range is of another minor, where it is.
fn stray_words(
    chart: &str,
    asked: (&Option<ChartVersion>, &Option<ChartRequirement>),
    minor: Minor,
) -> Option<String> {
    match asked {
        (Some(version), _) if !version.follows(minor) => Some(format!(
            "{chart} {version} is for Kubernetes 1.{}",
            version.minor_number()
        )),
        (None, Some(range)) if !range.takes_minor(minor) => Some(match range.whole_minor() {
            Some(number) => format!("{chart} {range} is for Kubernetes 1.{number}"),
            None => format!("{chart} {range} takes no version for Kubernetes {minor}"),
        }),
        _ => None,
    }
}

fn listed_addons_of_other_minors<'a>(view: &View<'a>) -> impl Iterator<Item = Found> + use<'a> {
    let references = view.files().flat_map(crate::stack::SourceFile::references);
    references.filter_map(|reference| match &reference.fact {
        Fact::ListedAddon {
            minor,
            chart,
            version,
            range,
        } => {
            let words = stray_words(chart, (version, range), *minor)?;
            let message = format!("{words}, its row is of {minor}");
            Some(Found::at(reference, message).of(*minor))
        }
        _ => None,
    })
}

fn addon_version_list(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        let shared = view.stack.shared.iter().flat_map(|file| file.references());
        let listed: Vec<&Reference> = line.references().chain(shared).collect();
        for reference in line.references() {
            for list in &listed {
                found.extend(list_difference(line, reference, list));
            }
        }
    }
    found
}

/// Says that a dependency has another version than a list says for its minor. Nobody knows which of the two is meant, so both
/// ways out are told; where one of them is of another minor, the finding has a fix instead.
fn list_difference(line: Line<'_>, reference: &Reference, list: &Reference) -> Option<Found> {
    let Fact::ChartDependency { chart, range, .. } = &reference.fact else {
        return None;
    };
    let Fact::ListedAddon {
        minor,
        chart: of,
        version: listed,
        range: listed_range,
    } = &list.fact
    else {
        return None;
    };
    if of != chart || *minor != line.minor {
        return None;
    }
    // What is released is what is asked for, or what is locked for a range.
    let released = line.tree.version_of(reference);
    let agrees = match (listed, listed_range) {
        (Some(listed), _) => {
            let is_taken = range.as_ref().is_none_or(|range| range.takes(listed));
            is_taken && released.is_none_or(|released| released.is_same_release(listed))
        }
        (None, Some(listed)) => released.is_none_or(|released| listed.takes(released)),
        (None, None) => true,
    };
    if agrees {
        return None;
    }
    let name = file_name(&list.file);
    let asked = released.map_or_else(|| reference.value.clone(), ToString::to_string);
    let locked = if range.is_some() && released.is_some() {
        " is locked"
    } else {
        ""
    };
    let message = format!("{chart} {asked}{locked}, {name} says {}", list.value);
    let hint = format!(
        "write {} in {}:{}, or {asked} in {}:{}",
        list.value, reference.file, reference.line, list.file, list.line
    );
    Some(line.at(reference, message).hinted(hint))
}

//! Rules about Helm charts: the names by which the operator finds them, and addon charts that belong to a Kubernetes minor.

use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
use super::view::{LineView, View, file_name};
use crate::stack::{Fact, Reference, SourceFile, minor_in_name};
use crate::version::{ChartRequirement, ChartVersion, Minor};

pub(super) const RULES: [Rule; 6] = [
    Rule {
        name: "class-chart-minor",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The cluster class chart's name carries a different minor than the stack.",
        reason: "The operator finds a release's chart by that name and could not load the release.",
        find: Search::Stack(class_chart_minor),
    },
    Rule {
        name: "addon-chart-minor",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A cluster addon chart's name carries a different minor than the stack.",
        reason: "The operator finds a release's addon chart by that name and could not load the release.",
        find: Search::Stack(addon_chart_minor),
    },
    Rule {
        name: "chart-stack-name",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A chart is named after another provider or cluster stack.",
        reason: "It was copied from there, but the operator looks for charts named after this stack.",
        find: Search::Stack(chart_stack_name),
    },
    Rule {
        name: "class-chart-name",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The cluster class chart's name does not have the form `<provider>-<stack>-<minor>-cluster-class`.",
        reason: "The operator finds a release's chart by a name of that form and could not load the release.",
        find: Search::Stack(class_chart_name),
    },
    Rule {
        name: "addon-version-minor",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "An addon chart that follows the Kubernetes minor is at a version for another minor, or its range allows no version for it.",
        reason: "The cloud controller manager and the CSI driver are built and tested for one Kubernetes minor.",
        find: Search::Stack(addon_version_minor),
    },
    Rule {
        name: "addon-version-list",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "An addon chart has a different version than versions.yaml or stack.yaml lists for its minor.",
        reason: "The release then differs from what the list promises.",
        find: Search::Stack(addon_version_list),
    },
];

fn class_chart_minor(view: &View<'_>) -> Vec<Contradiction> {
    other_minors(view, |fact| match fact {
        Fact::ClassChart { minor } => *minor,
        _ => None,
    })
}

fn addon_chart_minor(view: &View<'_>) -> Vec<Contradiction> {
    other_minors(view, |fact| match fact {
        Fact::AddonChart { minor } => *minor,
        _ => None,
    })
}

/// Finds the chart names whose minor, as the function reads it, is another one than the stack's.
fn other_minors(view: &View<'_>, minor_of: impl Fn(&Fact) -> Option<Minor>) -> Vec<Contradiction> {
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

fn other_minor(line: LineView<'_>, reference: &Reference, minor: &str) -> Contradiction {
    let message = format!(
        "{} belongs to {minor}, but {}; the operator cannot load such a release",
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
    // Neither name may have a dash: the operator splits at them, and `stack-name` finds those that do.
    owner.split_once('-')
}

/// Returns the provider and the name that charts of a source tree should carry, and what says so: the directory, where it is that
/// of a stack below its provider, else the stack's own file.
fn expected_owner<'a>(view: &View<'a>, line: LineView<'a>) -> (&'a str, &'a str, &'static str) {
    let stated = (line.tree.provider.as_str(), line.tree.name.as_str());
    let mut parts = view.stack.directory.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(name), Some(provider)) if provider == stated.0 => (provider, name, "the directory"),
        _ => (stated.0, stated.1, "the stack"),
    }
}

fn chart_stack_name(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines() {
        let (provider, name, authority) = expected_owner(view, line);
        for reference in chart_names(line) {
            let Some((found_provider, found_name)) = owner(&reference.value) else {
                continue;
            };
            let (case, what) = if found_provider != provider {
                let what =
                    format!("provider {found_provider}, but {authority} belongs to {provider}");
                ("provider", what)
            } else if found_name != name {
                (
                    "stack",
                    format!("stack {found_name}, but {authority} is {name}"),
                )
            } else {
                continue;
            };
            let message = format!("{} names {what}", reference.value);
            found.push(line.at(reference, message).case(case));
        }
    }
    found
}

fn chart_names(line: LineView<'_>) -> impl Iterator<Item = &Reference> {
    line.references().filter(|reference| {
        matches!(
            reference.fact,
            Fact::ClassChart { .. } | Fact::AddonChart { .. }
        )
    })
}

fn class_chart_name(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines() {
        let names =
            chart_names(line).filter(|reference| matches!(reference.fact, Fact::ClassChart { .. }));
        for reference in names.filter(|reference| owner(&reference.value).is_none()) {
            let (provider, name, _) = expected_owner(view, line);
            let needed = format!("{provider}-{name}-{}-cluster-class", line.minor.dashed());
            let message = format!(
                "the operator looks for a chart named {needed}, but this one is named {}",
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

fn addon_version_minor(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines() {
        for reference in line.references() {
            let words = stray_dependency(view, line, reference);
            let message = words.map(|words| format!("{words}, but {}", line.is_words()));
            found.extend(message.map(|message| line.at(reference, message)));
        }
    }
    found.extend(listed_addons_of_other_minors(view));
    found
}

fn stray_dependency(view: &View<'_>, line: LineView<'_>, reference: &Reference) -> Option<String> {
    let (chart, version, range) = match &reference.fact {
        Fact::ChartDependency {
            chart,
            version,
            range,
            ..
        } => (chart, version.as_ref(), range.as_ref()),
        // What is locked is what a range became. Where Chart.yaml itself is wrong, the finding is there.
        Fact::LockedDependency { chart, version } if is_in_open_range(line, reference) => {
            (chart, version.as_ref(), None)
        }
        _ => return None,
    };
    // A chart that follows no minor may be at any version.
    view.stack.charts.find(chart)?;
    stray_words(chart, version, range, line.minor)
}

/// Tells whether the dependency that a lock is for allows versions for the stack's minor.
fn is_in_open_range(line: LineView<'_>, locked: &Reference) -> bool {
    match line.tree.find_dependency(locked).map(|asked| &asked.fact) {
        Some(Fact::ChartDependency {
            range: Some(range), ..
        }) => range.takes_minor(line.minor),
        _ => false,
    }
}

/// Says that a version or a range is for another minor, where it is.
fn stray_words(
    chart: &str,
    version: Option<&ChartVersion>,
    range: Option<&ChartRequirement>,
    minor: Minor,
) -> Option<String> {
    match (version, range) {
        (Some(version), _) if !version.follows(minor) => Some(format!(
            "{chart} {version} is for Kubernetes 1.{}",
            version.minor_number()
        )),
        (None, Some(range)) if !range.takes_minor(minor) => Some(match range.whole_minor() {
            Some(number) => format!("{chart} {range} is for Kubernetes 1.{number}"),
            None => format!("{chart} {range} allows no version for Kubernetes {minor}"),
        }),
        _ => None,
    }
}

fn listed_addons_of_other_minors<'a>(
    view: &View<'a>,
) -> impl Iterator<Item = Contradiction> + use<'a> {
    let references = view.files().flat_map(SourceFile::references);
    references.filter_map(|reference| match &reference.fact {
        Fact::ListedAddon {
            minor,
            chart,
            version,
            range,
        } => {
            let words = stray_words(chart, version.as_ref(), range.as_ref(), *minor)?;
            let message = format!("{words}, but its row is for {minor}");
            Some(Contradiction::at(reference, message).of(*minor))
        }
        _ => None,
    })
}

fn addon_version_list(view: &View<'_>) -> Vec<Contradiction> {
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
fn list_difference(
    line: LineView<'_>,
    reference: &Reference,
    list: &Reference,
) -> Option<Contradiction> {
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
    let message = format!("{chart} {asked}{locked}, but {name} says {}", list.value);
    let hint = format!(
        "write {} in {}:{}, or {asked} in {}:{}",
        list.value, reference.file, reference.line, list.file, list.line
    );
    Some(line.at(reference, message).hinted(hint))
}

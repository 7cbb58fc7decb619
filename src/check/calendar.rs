//! Rules of the calendar: what standard scs-0210 finds late or soon due, and minors after their end of life. Their findings depend
//! on the day, so a repository that nobody touched can get some.

use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
use super::view::View;
use crate::catalog::Catalog;
use crate::matrix::{LineMatrix, matrix, minors_of};
use crate::stack::{Fact, Role, SourceFile};
use crate::standard::{self, Deadline, DeadlineState, missing_minors};
use crate::version::Minor;

pub(super) const RULES: [Rule; 5] = [
    Rule {
        name: "late-patch",
        group: Group::Standard,
        severity: Severity::Error,
        finds: "A stack line lacks a patch that is overdue under the standard.",
        reason: "scs-0210 requires the latest patch of every supported minor within a month (earlier versions: one or two weeks).",
        find: Search::Stack(late_patch),
    },
    Rule {
        name: "late-minor",
        group: Group::Standard,
        severity: Severity::Error,
        finds: "The stack lacks a minor that is overdue under the standard.",
        reason: "scs-0210 requires the latest minor within four months of its first release.",
        find: Search::Stack(late_minor),
    },
    Rule {
        name: "late-vulnerability",
        group: Group::Standard,
        severity: Severity::Error,
        finds: "A stack line is still open to a critical vulnerability after the time that the standard allows for the patch.",
        reason: "scs-0210 requires patches against critical vulnerabilities within two weeks, and recommends two days.",
        find: Search::Stack(late_vulnerability),
    },
    Rule {
        name: "end-of-life",
        group: Group::Standard,
        severity: Severity::Warning,
        finds: "A minor is still provided or listed after its upstream end of life.",
        reason: "It gets no more security fixes, and the standard recommends not offering it.",
        find: Search::Stack(end_of_life),
    },
    Rule {
        name: "due-soon",
        group: Group::Standard,
        severity: Severity::Warning,
        finds: "Something is due under the standard within the next 14 days.",
        reason: "There is still time to test and release it.",
        find: Search::Stack(due_soon),
    },
];

/// How many days ahead `due-soon` looks.
const AHEAD: u32 = 14;

/// Returns the lines of a stack with what is open under the standard.
fn open_deadlines(view: &View<'_>, catalog: &Catalog) -> Vec<(LineMatrix, Vec<Deadline>)> {
    let lines = matrix(view.stack, catalog).into_iter();
    lines
        .map(|line| {
            let mut deadlines = line.deadlines(view.input.policy.standard, catalog);
            deadlines.retain(Deadline::is_open);
            (line, deadlines)
        })
        .collect()
}

fn late(view: &View<'_>, rule: standard::DeadlineRule) -> Vec<Contradiction> {
    let Some(catalog) = view.input.catalog else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (line, deadlines) in open_deadlines(view, catalog) {
        let late = deadlines
            .iter()
            .filter(|deadline| deadline.rule == rule && deadline.is_late());
        found.extend(late.map(|deadline| at_line(view, line.line.minor, deadline.message.clone())));
    }
    found
}

fn late_vulnerability(view: &View<'_>) -> Vec<Contradiction> {
    late(view, standard::DeadlineRule::CriticalVulnerability)
}

/// One finding a line: the patch that was due first, and how many came since.
fn late_patch(view: &View<'_>) -> Vec<Contradiction> {
    let Some(catalog) = view.input.catalog else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (line, deadlines) in open_deadlines(view, catalog) {
        let mut late: Vec<&Deadline> = deadlines
            .iter()
            .filter(|deadline| {
                deadline.rule == standard::DeadlineRule::LatestPatch && deadline.is_late()
            })
            .collect();
        late.sort_by_key(|deadline| deadline.due);
        if let Some((first, others)) = late.split_first() {
            let more = match others.last() {
                None => String::new(),
                Some(newest) => format!(
                    "; {} more since, the newest {}",
                    others.len(),
                    newest.subject
                ),
            };
            let message = format!("{}{more}", first.message);
            found.push(at_line(view, line.line.minor, message));
        }
    }
    found
}

fn late_minor(view: &View<'_>) -> Vec<Contradiction> {
    let Some(catalog) = view.input.catalog else {
        return Vec::new();
    };
    let mut found = late(view, standard::DeadlineRule::LatestMinor);
    let missing = missing_deadlines(view, catalog);
    let late = missing
        .into_iter()
        .filter(|(_, deadline)| deadline.is_late());
    found.extend(late.map(|(minor, deadline)| at_line(view, minor, deadline.message)));
    found
}

/// What is open for minors that the stack does not have.
fn missing_deadlines(view: &View<'_>, catalog: &Catalog) -> Vec<(Minor, Deadline)> {
    let (standard, today) = (view.input.policy.standard, catalog.as_of);
    let have = minors_of(view.stack);
    let missing = missing_minors(catalog, &have, today);
    let newer = missing
        .into_iter()
        .filter(|minor| have.last().is_none_or(|last| minor > last));
    newer
        .flat_map(|minor| {
            let deadlines = standard::deadlines(standard, catalog, minor, None, today);
            deadlines.into_iter().map(move |deadline| (minor, deadline))
        })
        .filter(|(_, deadline)| deadline.is_open())
        .collect()
}

fn end_of_life(view: &View<'_>) -> Vec<Contradiction> {
    let Some(catalog) = view.input.catalog else {
        return Vec::new();
    };
    let ended = minors_of(view.stack)
        .into_iter()
        .filter(|minor| catalog.is_end_of_life(*minor));
    ended
        .map(|minor| {
            let day = catalog.end_of_life.get(&minor);
            let on = day.map(|day| format!(" on {day}")).unwrap_or_default();
            let command = view.command("update --end-of-life drop");
            let hint = format!("run `{command}` to remove it from lists");
            at_line(view, minor, format!("{minor} reached end of life{on}")).hinted(hint)
        })
        .collect()
}

fn due_soon(view: &View<'_>) -> Vec<Contradiction> {
    let Some(catalog) = view.input.catalog else {
        return Vec::new();
    };
    let lines = open_deadlines(view, catalog).into_iter();
    let open = lines.flat_map(|(line, deadlines)| {
        deadlines
            .into_iter()
            .map(move |deadline| (line.line.minor, deadline))
    });
    open.chain(missing_deadlines(view, catalog))
        .filter(|(_, deadline)| matches!(deadline.state, DeadlineState::Upcoming(days) if days <= AHEAD))
        .map(|(minor, deadline)| at_line(view, minor, deadline.message))
        .collect()
}

/// Returns a finding at the place that states the version of a minor, or at the first file of the stack.
fn at_line(view: &View<'_>, minor: Minor, message: String) -> Contradiction {
    let mut references = view.files().flat_map(SourceFile::references);
    // csctl writes a metadata.yaml of its own, and nobody changes the version there.
    let stated = references.find(|reference| {
        states_minor(&reference.fact, minor) && reference.role != Role::ReleaseMetadata
    });
    if let Some(reference) = stated {
        return Contradiction::at(reference, message).of(minor);
    }
    // A minor that only lists of images name has no reference that states it.
    let listed = view.image_lists().find_map(|(_, image_list)| {
        let mut entries = image_list.entries.iter();
        let entry = entries.find(|entry| entry.version.minor() == minor)?;
        Some((image_list.file.clone(), Some(entry.line)))
    });
    let (file, line) = listed
        .or_else(|| Some((view.lines().next()?.own_file(), None)))
        .unwrap_or_else(|| (view.stack.directory.clone(), None));
    Contradiction::in_file(&file, line, message).of(minor)
}

fn states_minor(fact: &Fact, minor: Minor) -> bool {
    match fact {
        Fact::Kubernetes { version } | Fact::ListedVersion { version } => version.minor() == minor,
        Fact::KubernetesMinor { minor: stated } => *stated == minor,
        _ => false,
    }
}

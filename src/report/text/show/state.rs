//! What a maintainer wants to know of a stack line first, in a few words: what is behind, and what is due by when.

use super::NOTHING;
use crate::matrix::StoreState;
use crate::overview::{Knowledge, LineOverview, MissingMinor};
use crate::report::compact;
use crate::standard::{Deadline, DeadlineRule, DeadlineState};

/// Says by when minors are due that no row speaks of: `1.36, due 2026-08-22`.
pub(crate) fn also_out(missing: &[MissingMinor]) -> String {
    let texts: Vec<String> = missing.iter().map(missing_minor).collect();
    texts.join("; ")
}

fn missing_minor(missing: &MissingMinor) -> String {
    let image = match missing.store {
        StoreState::Answered => ", no image in the store",
        StoreState::Unreachable | StoreState::Unknown => "",
    };
    format!("{}{}{image}", missing.minor, minor_due(&missing.deadline))
}

/// `, due 2026-04-17 (59 days late)`, `, due 2026-08-22`.
fn minor_due(deadline: &Deadline) -> String {
    let late = match deadline.state {
        DeadlineState::Late(1) => " (1 day late)".to_owned(),
        DeadlineState::Late(days) => format!(" ({days} days late)"),
        DeadlineState::Upcoming(_) | DeadlineState::Met => String::new(),
    };
    format!(", due {}{late}", deadline.due)
}

/// What falls due within this many days is shown.
const SOON_DAYS: u32 = 31;

/// What a maintainer wants to know of a line first.
pub(crate) fn state(shown: &LineOverview) -> Vec<String> {
    let line = &shown.matrix;
    let mut words = Vec::new();
    if shown.knowledge == Some(Knowledge::Unknown) {
        let what = match line.store {
            _ if shown.is_torn => "a file cannot be read",
            StoreState::Unreachable => "the store did not answer",
            StoreState::Unknown => "no store was queried",
            StoreState::Answered => "the chart repositories did not answer",
        };
        words.push(format!("unknown: {what}"));
    }
    words.extend(end_of_life(shown));
    if line.default.is_none() && !line.has_source && !line.unlisted().is_empty() {
        let due = next_due(shown, DeadlineRule::LatestMinor).map(minor_due);
        words.push(format!("new minor{}", due.unwrap_or_default()));
    }
    if let Some(default) = line.default.filter(|_| line.is_default_gone()) {
        words.push(format!("no image of {} in the store", default.plain()));
    }
    words.extend(vulnerable(shown));
    words.extend(behind(shown));
    let faulty = line
        .patches
        .iter()
        // An image may be faulty while another one of its version is available.
        .find(|patch| patch.fault.is_some() && !patch.is_available);
    if let Some(patch) = faulty {
        words.push(format!("{} skipped", patch.version.plain()));
    }
    let blocked: Vec<_> = line
        .patches
        .iter()
        .filter(|patch| patch.blocked.is_some())
        .map(|patch| patch.version)
        .collect();
    if !blocked.is_empty() {
        words.push(format!("{} blocked", compact(&blocked)));
    }
    if words.is_empty() {
        let word = match shown.knowledge {
            _ if shown.is_pending => "to update",
            Some(Knowledge::Behind) => "behind",
            Some(Knowledge::Current) => "current",
            Some(Knowledge::Unknown) | None => NOTHING,
        };
        words.push(word.to_owned());
    }
    words
}

fn end_of_life(shown: &LineOverview) -> Option<String> {
    let line = &shown.matrix;
    let day = line.end_of_life?;
    if line.is_end_of_life {
        return Some(format!("end of life since {day}"));
    }
    match next_due(shown, DeadlineRule::EndOfLife)?.state {
        DeadlineState::Upcoming(days) if days <= SOON_DAYS => Some(format!("end of life on {day}")),
        DeadlineState::Upcoming(_) | DeadlineState::Late(_) | DeadlineState::Met => None,
    }
}

/// The deadline of a rule that is due first and not met.
fn next_due(shown: &LineOverview, rule: DeadlineRule) -> Option<&Deadline> {
    shown
        .deadlines
        .iter()
        .find(|deadline| deadline.is_open() && deadline.rule == rule)
}

/// Critical vulnerabilities that a newer patch is free of: the first, and how many more.
fn vulnerable(shown: &LineOverview) -> Option<String> {
    let open = shown.deadlines.iter().filter(|deadline| {
        deadline.rule == DeadlineRule::CriticalVulnerability && deadline.is_open()
    });
    let further = match open.count() {
        0 => return None,
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let first = next_due(shown, DeadlineRule::CriticalVulnerability)?;
    Some(format!("{}{further} {}", first.subject, due(first)))
}

/// `due since 2026-05-16`, `due 2026-06-12`.
fn due(deadline: &Deadline) -> String {
    let since = if deadline.is_late() { "since " } else { "" };
    format!("due {since}{}", deadline.due)
}

/// How many patches of the store are newer than the default, and when the first newer patch of Kubernetes is due.
fn behind(shown: &LineOverview) -> Option<String> {
    let line = &shown.matrix;
    let default = line.default?;
    let newer: Vec<_> = line
        .patches
        .iter()
        .filter(|patch| patch.is_available && patch.blocked.is_none())
        .map(|patch| patch.version)
        .filter(|version| *version > default)
        .collect();
    let count = newer.len();
    let newest = newer.into_iter().max();
    let deadline = next_due(shown, DeadlineRule::LatestPatch);
    let release = deadline.and_then(|deadline| deadline.release);
    match (newest, deadline, release) {
        (None, Some(deadline), Some(release)) => {
            let image = match line.store {
                StoreState::Answered => ", no image yet",
                StoreState::Unreachable | StoreState::Unknown => "",
            };
            Some(format!("{} {}{image}", release.plain(), due(deadline)))
        }
        (Some(newest), Some(deadline), Some(release)) => {
            // The newest patch needs no name where it is the first one due and not late: the count tells of it.
            let is_clear = release == newest && !deadline.is_late();
            let name = if is_clear {
                String::new()
            } else {
                format!("{} ", release.plain())
            };
            Some(format!("{count} behind, {name}{}", due(deadline)))
        }
        (Some(newest), _, _) => Some(format!("{count} behind, newest {}", newest.plain())),
        (None, _, _) => None,
    }
}

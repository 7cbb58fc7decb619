//! The matrix of every stack: a row per minor.

use std::fmt::Write as _;

use super::plan::hold_line;
use super::{BOLD, YELLOW, labelled, styled};
use crate::catalog::Catalog;
use crate::matrix::{LineMatrix, StoreState};
use crate::overview::{Knowledge, LineOverview, MissingMinor, Overview, StackOverview};
use crate::report::compact;
use crate::standard::{Deadline, DeadlineRule, DeadlineState, Standard};

/// Returns the matrix of every stack; `next` is the command that shows what would change.
pub fn show(overview: &Overview, catalog: &Catalog, next: &str) -> String {
    let mut out = String::new();
    for stack in &overview.stacks {
        out.push_str(&stack_heading(stack, catalog));
        for unknown in &stack.unknown {
            out.push_str(&hold_line("unknown", unknown));
        }
        out.push_str(&several_series(stack));
        if !stack.lines.is_empty() {
            out.push('\n');
            out.push_str(&stack_table(&stack.lines, overview.standard));
        }
        if !stack.missing.is_empty() {
            let _ = writeln!(out, "  also out: {}", also_out(&stack.missing));
        }
        for reference in &stack.references {
            let _ = writeln!(
                out,
                "  {}:{}  {}  {}",
                reference.file, reference.line, reference.at, reference.value
            );
        }
        for image_list in &stack.image_lists {
            for entry in &image_list.entries {
                let url = entry.url.as_deref().unwrap_or_default();
                let _ = writeln!(
                    out,
                    "  {}:{}  {}  {} {url}",
                    image_list.file, entry.line, image_list.at, entry.name
                );
            }
        }
        out.push('\n');
    }
    if overview.standard.figures().is_some() {
        for failed in catalog.unreachable_upstream() {
            let text = format!(
                "what is due is not fully known: {}: {}",
                failed.url, failed.reason
            );
            out.push_str(&labelled("note", YELLOW, &text));
        }
    }
    out + &closing(overview, next) + "\n"
}

/// How many stack lines are known how, and the command that shows what would change: `1 unknown, 2 behind, 1 current; ...`.
pub(crate) fn closing(overview: &Overview, next: &str) -> String {
    let lines = overview.stacks.iter().flat_map(|stack| &stack.lines);
    let all = lines.filter(|line| line.knowledge.is_some()).count();
    let is_faulty = overview.stacks.iter().any(|stack| !stack.faults.is_empty());
    let mut counts: Vec<String> = Vec::new();
    for (knowledge, word) in [
        (Knowledge::Unknown, "unknown"),
        (Knowledge::Behind, "behind"),
        (Knowledge::Current, "current"),
    ] {
        match overview.count(knowledge) {
            0 => {}
            count if count == all && all > 1 && !is_faulty => {
                counts.push(format!("all {all} stack lines are {word}"));
            }
            1 if counts.is_empty() => counts.push(format!("1 stack line is {word}")),
            count if counts.is_empty() => counts.push(format!("{count} stack lines are {word}")),
            count => counts.push(format!("{count} {word}")),
        }
    }
    if counts.is_empty() {
        counts.push("no stack line".to_owned());
    }
    let counts = counts.join(", ");
    match overview.pending_lines {
        0 => counts,
        pending => format!("{counts}; {pending} to update: {next}"),
    }
}

/// The image series of a stack that has several: what they are called, and where their images come from.
fn several_series(stack: &StackOverview) -> String {
    let mut out = String::new();
    for series in stack.series.iter().filter(|_| stack.series.len() > 1) {
        let store = match &series.store {
            Some(pattern) => format!("images from {}", pattern.as_str()),
            None => "no image store known".to_owned(),
        };
        let _ = writeln!(out, "  {}: {store}", series.title);
    }
    out
}

/// Says by when minors are due that no row speaks of: `1.36, due 2026-08-22`.
pub(crate) fn also_out(missing: &[MissingMinor]) -> String {
    let say = |missing: &MissingMinor| {
        let image = match missing.store {
            StoreState::Answered => ", no image in the store",
            StoreState::Unreachable | StoreState::Unknown => "",
        };
        format!("{}{}{image}", missing.minor, minor_due(&missing.deadline))
    };
    let texts: Vec<String> = missing.iter().map(say).collect();
    texts.join("; ")
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

fn stack_heading(stack: &StackOverview, catalog: &Catalog) -> String {
    let mut stores: Vec<&str> = Vec::new();
    for pattern in stack
        .series
        .iter()
        .filter_map(|series| series.store.as_ref())
    {
        if !stores.contains(&pattern.base_or_name()) {
            stores.push(pattern.base_or_name());
        }
    }
    let store = match &stack.series[..] {
        _ if stores.is_empty() => "no image store known".to_owned(),
        // Names that say no distribution are called images already.
        [series] if series.distribution.is_none() => format!("images from {}", stores.join(", ")),
        [series] => format!("{} images from {}", series.title, stores.join(", ")),
        [..] => format!(
            "{} image series from {}",
            stack.series.len(),
            stores.join(", ")
        ),
    };
    let lines = stack.lines.iter().map(|line| &line.matrix);
    let sources: Vec<&LineMatrix> = lines.filter(|line| line.has_source).collect();
    let set = match sources[..] {
        [line] if !stack.layout.has_directory_per_minor() => {
            format!(", set to {}", line.line.minor)
        }
        _ => String::new(),
    };
    let faults = match stack.faults.len() {
        0 => String::new(),
        1 => "   1 fault".to_owned(),
        count => format!("   {count} faults"),
    };
    format!(
        "{}   {}{set}   {store}, {}{faults}\n",
        styled(BOLD, &stack.title),
        stack.layout.describe(),
        catalog.as_of
    )
}

const HEADINGS: [&str; 7] = [
    "minor",
    "default",
    "listed",
    "in the store",
    "ccm",
    "csi",
    "released",
];

/// The first column that is left out where it has nothing to say.
const FIRST_OPTIONAL: usize = 4;

/// How wide a table is, where its other columns leave room for the state.
const WIDTH: usize = 100;

/// The state's width is not less than this, however wide the others are.
const LEAST_STATE: usize = 28;

fn stack_table(lines: &[LineOverview], standard: Standard) -> String {
    let rows: Vec<[String; 7]> = lines.iter().map(|line| row(&line.matrix)).collect();
    let says =
        |column: &usize| *column < FIRST_OPTIONAL || rows.iter().any(|row| row[*column] != NOTHING);
    let columns: Vec<usize> = (0..HEADINGS.len()).filter(says).collect();
    // A blank stands on each side of a column, and one before the table.
    let width = |column: &usize| {
        let cells = rows.iter().map(|row| row[*column].chars().count());
        cells.max().unwrap_or(0).max(HEADINGS[*column].len()) + 2
    };
    let others: usize = columns.iter().map(width).sum();
    let room = WIDTH.saturating_sub(others + 2).max(LEAST_STATE);
    let state_heading = match standard.figures() {
        Some(_) => format!("state ({})", standard.short_name()),
        None => "state".to_owned(),
    };
    let with_state = |cells: &[String; 7], state: String| -> Vec<String> {
        let cells = columns.iter().map(|column| cells[*column].clone());
        cells.chain([state]).collect()
    };
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(with_state(&HEADINGS.map(str::to_owned), state_heading));
    for (line, row) in lines.iter().zip(&rows) {
        table.add_row(with_state(row, wrap(&state(line), room)));
    }
    let text = table.to_string();
    let mut out = String::new();
    for line in text.lines() {
        let _ = writeln!(out, " {}", line.trim_end());
    }
    out
}

/// Joins parts with semicolons and breaks them into lines of this width: between parts where that is enough, else between words.
fn wrap(parts: &[String], width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let end = if index + 1 < parts.len() { ";" } else { "" };
        let part = format!("{part}{end}");
        let fits =
            |line: &String, more: &str| line.chars().count() + 1 + more.chars().count() <= width;
        match lines.last_mut() {
            Some(line) if fits(line, &part) => {
                line.push(' ');
                line.push_str(&part);
                continue;
            }
            Some(_) | None => lines.push(String::new()),
        }
        for word in part.split(' ') {
            match lines.last_mut() {
                Some(line) if line.is_empty() => line.push_str(word),
                Some(line) if fits(line, word) => {
                    line.push(' ');
                    line.push_str(word);
                }
                Some(_) | None => lines.push(word.to_owned()),
            }
        }
    }
    lines.join("\n")
}

/// A cell with nothing to say.
const NOTHING: &str = "-";

/// The cells of a line, without its state.
fn row(line: &LineMatrix) -> [String; 7] {
    let or_dash = |text: String| {
        if text.is_empty() {
            NOTHING.to_owned()
        } else {
            text
        }
    };
    let chart = |name: &str| or_dash(line.charts.get(name).cloned().unwrap_or_default());
    let listed = line.listed();
    let unlisted = line.unlisted();
    let store = match line.store {
        StoreState::Unreachable => "no answer".to_owned(),
        StoreState::Unknown => "not asked".to_owned(),
        StoreState::Answered if unlisted.is_empty() => "nothing more".to_owned(),
        StoreState::Answered => format!("+{}", compact(&unlisted)),
    };
    let listed_count = if listed.is_empty() {
        "none".to_owned()
    } else {
        format!("{} ({})", compact(&listed), listed.len())
    };
    [
        line.line.minor.to_string(),
        or_dash(
            line.default
                .map(crate::version::KubernetesVersion::plain)
                .unwrap_or_default(),
        ),
        listed_count,
        store,
        chart("openstack-cloud-controller-manager"),
        chart("openstack-cinder-csi"),
        or_dash(
            line.released
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
    ]
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
            StoreState::Unreachable => "the store gave no answer",
            StoreState::Unknown => "no store was asked",
            StoreState::Answered => "of the charts there was no answer",
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
        .find(|patch| patch.fault.is_some() && !patch.is_offered);
    if let Some(patch) = faulty {
        words.push(format!("{} held", patch.version.plain()));
    }
    let blocked = line.patches.iter().filter(|patch| patch.blocked.is_some());
    let blocked: Vec<_> = blocked.map(|patch| patch.version).collect();
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
    let mut open = shown.deadlines.iter().filter(|one| one.is_open());
    open.find(|deadline| deadline.rule == rule)
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
    let is_newer = |patch: &&crate::matrix::Patch| {
        patch.is_offered && patch.blocked.is_none() && patch.version > default
    };
    let newer = line.patches.iter().filter(is_newer);
    let (count, newest) = (
        newer.clone().count(),
        newer.map(|patch| patch.version).max(),
    );
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_broken_between_themselves_before_their_words() {
        let parts = ["end of life since 2026-02-28", "1 behind, newest 1.32.13"].map(str::to_owned);
        assert_eq!(
            wrap(&parts, 60),
            "end of life since 2026-02-28; 1 behind, newest 1.32.13"
        );
        assert_eq!(
            wrap(&parts, 30),
            "end of life since 2026-02-28;\n1 behind, newest 1.32.13"
        );
        assert_eq!(
            wrap(&parts, 20),
            "end of life since\n2026-02-28;\n1 behind, newest\n1.32.13"
        );
        assert_eq!(wrap(&[], 20), "");
    }
}

//! The matrix of every stack: a row per minor.

use std::fmt::Write as _;

use super::{BOLD, styled};
use crate::catalog::Catalog;
use crate::matrix::{LineMatrix, StoreState};
use crate::overview::{Overview, StackOverview};
use crate::report::compact;

/// Returns the matrix of every stack.
pub fn show(overview: &Overview, catalog: &Catalog) -> String {
    let mut out = String::new();
    for stack in &overview.stacks {
        out.push_str(&stack_heading(stack, catalog));
        if !stack.lines.is_empty() {
            out.push('\n');
            out.push_str(&stack_table(&stack.lines));
        }
        for site in &stack.sites {
            let _ = writeln!(
                out,
                "  {}:{}  {}  {}",
                site.file, site.line, site.at, site.value
            );
        }
        for roster in &stack.rosters {
            for entry in &roster.entries {
                let url = entry.url.as_deref().unwrap_or_default();
                let _ = writeln!(
                    out,
                    "  {}:{}  {}  {} {url}",
                    roster.file, entry.line, roster.at, entry.name
                );
            }
        }
        out.push('\n');
    }
    out + &match overview.pending_lines {
        0 => "every stack line is up to date\n".to_owned(),
        1 => "1 stack line to update (csctl-matrix plan)\n".to_owned(),
        count => format!("{count} stack lines to update (csctl-matrix plan)\n"),
    }
}

fn stack_heading(stack: &StackOverview, catalog: &Catalog) -> String {
    let store = stack.image_store.as_deref().map_or_else(
        || "no image store known".to_owned(),
        |pattern| {
            let read: Option<crate::catalog::ImagePattern> = pattern.parse().ok();
            format!(
                "images from {}",
                read.as_ref()
                    .map_or(pattern, |pattern| pattern.base_or_name())
            )
        },
    );
    let sources: Vec<&LineMatrix> = stack.lines.iter().filter(|line| line.has_source).collect();
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

const HEADINGS: [&str; 8] = [
    "minor",
    "default",
    "listed",
    "in the store",
    "ccm",
    "csi",
    "released",
    "state",
];

fn stack_table(lines: &[LineMatrix]) -> String {
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(HEADINGS);
    for line in lines {
        table.add_row(row(line));
    }
    let text = table.to_string();
    let mut out = String::new();
    for line in text.lines() {
        let _ = writeln!(out, " {}", line.trim_end());
    }
    out
}

fn row(line: &LineMatrix) -> [String; 8] {
    let or_dash = |text: String| {
        if text.is_empty() {
            "-".to_owned()
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
        state(line),
    ]
}

/// What a maintainer wants to know of a line first.
pub(crate) fn state(line: &LineMatrix) -> String {
    let mut words = Vec::new();
    if line.is_end_of_life
        && let Some(day) = line.end_of_life
    {
        words.push(format!("end of life since {day}"));
    }
    if line.default.is_none() && !line.has_source && !line.unlisted().is_empty() {
        words.push("new minor".to_owned());
    }
    let newest = line
        .patches
        .iter()
        .filter(|patch| patch.is_offered && patch.blocked.is_none())
        .map(|patch| patch.version)
        .max();
    if let (Some(default), Some(newest)) = (line.default, newest) {
        let newer = line
            .patches
            .iter()
            .filter(|patch| patch.is_offered && patch.blocked.is_none())
            .filter(|patch| patch.version > default)
            .count();
        if newest > default {
            words.push(format!("{newer} behind, newest {}", newest.plain()));
        }
    }
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
    match (words.is_empty(), line.store) {
        (true, StoreState::Answered) => words.push("up to date".to_owned()),
        (_, StoreState::Unreachable) => words.push("store gave no answer".to_owned()),
        (true, StoreState::Unknown) => words.push("store not asked".to_owned()),
        (false, StoreState::Answered | StoreState::Unknown) => {}
    }
    words.join("; ")
}

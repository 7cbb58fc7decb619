//! The matrix of every stack: a row for each minor, and what to do about it.

mod state;
mod table;

use std::fmt::Write as _;

use super::layout::{fill, flow, hanging, length};
use super::{BOLD, DIM, YELLOW, styled};
use crate::catalog::Catalog;
use crate::overview::{Knowledge, Overview, StackOverview};
use crate::plan::Skip;

pub(crate) use state::{also_out, state};

/// A cell with nothing to say.
const NOTHING: &str = "-";

/// Returns the matrix of every stack; `next` is the command that previews the changes. Without a width, texts are not broken.
pub(crate) fn show(
    overview: &Overview,
    catalog: &Catalog,
    next: &str,
    width: Option<usize>,
) -> String {
    let prose = width.unwrap_or(usize::MAX);
    let mut out = String::new();
    for stack in &overview.stacks {
        out.push_str(&heading(stack, catalog, prose));
        for unknown in &stack.unknown {
            out.push_str(&unknown_lines(unknown, prose));
        }
        out.push_str(&several_series(stack, prose));
        if !stack.lines.is_empty() {
            out.push('\n');
            out.push_str(&table::matrix(&stack.lines, overview.standard, width));
        }
        if !stack.missing.is_empty() {
            let text = format!("also out: {}", also_out(&stack.missing));
            out.push_str(&hanging(&text, 2, prose));
        }
        out.push_str(&references(stack, prose));
        out.push('\n');
    }
    // Without a standard nothing is due, and nobody needs to know what is not known of it.
    if overview.standard.figures().is_some() {
        for failed in catalog.unreachable_upstream() {
            let text = format!(
                "what is due is not fully known: {}: {}",
                failed.url, failed.reason
            );
            out.push_str(&labelled_lines("note", &text, prose));
        }
    }
    let closing = closing(overview, next);
    if length(&closing) <= prose {
        return out + &closing + "\n";
    }
    // A command is copied whole, so it has a line to itself.
    let counts = closing.strip_suffix(next).unwrap_or(&closing);
    for line in fill(counts.trim_end(), prose) {
        // Writing to a text does not fail, here and below.
        let _ = writeln!(out, "{line}");
    }
    let _ = writeln!(out, "  {next}");
    out
}

/// How many stack lines are known how, and the command that previews the changes: `1 unknown, 2 behind, 1 current; ...`.
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
            // "All" would claim the lines, too, that a fault keeps from being read.
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
    let known = counts.join(", ");
    match overview.pending_lines {
        0 => known,
        pending => format!("{known}; {pending} to update: {next}"),
    }
}

/// `openstack/scs2   one source tree, set to 1.34   ubuntu images from https://images.example.org/, 2026-06-15`.
fn heading(stack: &StackOverview, catalog: &Catalog, width: usize) -> String {
    let layout = format!("{}{}", stack.layout.describe(), set_to(stack));
    let images = format!("{}, {}", images(stack), catalog.as_of);
    let mut parts = vec![stack.title.clone(), layout, images];
    match stack.faults.len() {
        0 => {}
        1 => parts.push("1 fault".to_owned()),
        count => parts.push(format!("{count} faults")),
    }
    let mut out = String::new();
    for (index, line) in flow(&parts, "   ", width.saturating_sub(2))
        .iter()
        .enumerate()
    {
        match line.strip_prefix(&*stack.title).filter(|_| index == 0) {
            Some(rest) => {
                let _ = writeln!(out, "{}{rest}", styled(BOLD, &stack.title));
            }
            None => {
                let _ = writeln!(out, "  {line}");
            }
        }
    }
    out
}

/// The minor of a stack that has one source tree.
fn set_to(stack: &StackOverview) -> String {
    let mut sources = stack.lines.iter().filter(|line| line.matrix.has_source);
    match (sources.next(), sources.next()) {
        (Some(line), None) if !stack.layout.has_directory_per_minor() => {
            format!(", set to {}", line.matrix.line.minor)
        }
        _ => String::new(),
    }
}

fn images(stack: &StackOverview) -> String {
    let mut stores: Vec<&str> = Vec::new();
    for store in stack
        .series
        .iter()
        .filter_map(|series| series.store.as_ref())
    {
        if !stores.contains(&store.base_or_name()) {
            stores.push(store.base_or_name());
        }
    }
    let from = stores.join(", ");
    match &stack.series[..] {
        _ if stores.is_empty() => "no image store known".to_owned(),
        // Without a distribution the title of a series says no more than `images`.
        [series] if series.distribution.is_none() => format!("images from {from}"),
        [series] => format!("{} images from {from}", series.title),
        [..] => format!("{} image series from {from}", stack.series.len()),
    }
}

/// The image series of a stack that has several: what they are called, and where their images come from.
fn several_series(stack: &StackOverview, width: usize) -> String {
    if stack.series.len() < 2 {
        return String::new();
    }
    let lines = stack.series.iter().map(|series| {
        let store = match &series.store {
            Some(pattern) => format!("images from {}", pattern.as_str()),
            None => "no image store known".to_owned(),
        };
        hanging(&format!("{}: {store}", series.title), 2, width)
    });
    lines.collect()
}

fn references(stack: &StackOverview, width: usize) -> String {
    let mut out = String::new();
    for reference in &stack.references {
        let text = format!(
            "{}:{}  {}  {}",
            reference.file, reference.line, reference.at, reference.value
        );
        out.push_str(&hanging(&text, 2, width));
    }
    for list in &stack.image_lists {
        for entry in &list.entries {
            let url = entry.url.as_deref().unwrap_or_default();
            let text = format!(
                "{}:{}  {}  {} {url}",
                list.file, entry.line, list.at, entry.name
            );
            out.push_str(&hanging(&text, 2, width));
        }
    }
    out
}

fn unknown_lines(unknown: &Skip, width: usize) -> String {
    const LABEL: &str = "unknown";
    let text = format!("{}: {}", unknown.subject, unknown.reason());
    let mut out = labelled_lines(LABEL, &text, width);
    let indent = LABEL.len() + 3;
    for line in unknown
        .hint()
        .iter()
        .flat_map(|hint| fill(hint, width.saturating_sub(indent)))
    {
        let _ = writeln!(out, "{:indent$}{}", "", styled(DIM, &line));
    }
    out
}

/// A label, and a text beside it that keeps to its own column.
fn labelled_lines(label: &str, text: &str, width: usize) -> String {
    let indent = label.len() + 3;
    let mut out = String::new();
    for (index, line) in fill(text, width.saturating_sub(indent)).iter().enumerate() {
        if index == 0 {
            let _ = writeln!(out, "{}   {line}", styled(YELLOW, label));
        } else {
            let _ = writeln!(out, "{:indent$}{line}", "");
        }
    }
    out
}

//! The rows of a matrix: a table where it fits, else the fields of each minor below each other.

use std::fmt::Write as _;

use super::NOTHING;
use super::state::state;
use crate::matrix::{LineMatrix, StoreState};
use crate::overview::LineOverview;
use crate::report::compact;
use crate::report::text::layout::{flow, length};
use crate::report::text::{BOLD, styled};
use crate::stack::charts_with_key;
use crate::standard::Standard;
use crate::version::KubernetesVersion;

const HEADINGS: [&str; 7] = [
    "minor",
    "default",
    "listed",
    "in the store",
    "ccm",
    "csi",
    "released",
];

/// The first column that is left out where no row says anything in it.
const FIRST_OPTIONAL: usize = 4;

/// How wide a table is where nobody says how wide the screen is.
const WIDTH: usize = 100;

/// With less room for the state on a known screen, fields below each other read better than a table.
const LEAST_STATE: usize = 18;

/// The room for the state in a table that nobody measures.
const FREE_STATE: usize = 28;

struct Table<'l> {
    lines: &'l [LineOverview],
    rows: Vec<[String; 7]>,
    /// The columns that say something.
    columns: Vec<usize>,
    state_heading: String,
}

/// Returns the matrix of a stack, within a width where one is known.
pub(super) fn matrix(lines: &[LineOverview], standard: Standard, width: Option<usize>) -> String {
    let rows: Vec<[String; 7]> = lines.iter().map(|line| row(&line.matrix)).collect();
    let columns = (0..HEADINGS.len())
        .filter(|column| *column < FIRST_OPTIONAL || rows.iter().any(|row| row[*column] != NOTHING))
        .collect();
    let table = Table {
        lines,
        rows,
        columns,
        state_heading: match standard.figures() {
            Some(_) => format!("state ({})", standard.short_name()),
            None => "state".to_owned(),
        },
    };
    // A blank stands on each side of a column, and one before the table.
    let taken: usize = table
        .columns
        .iter()
        .map(|column| table.width(*column) + 2)
        .sum();
    let Some(width) = width else {
        return table.aligned(WIDTH.saturating_sub(taken + 2).max(FREE_STATE));
    };
    match width.saturating_sub(taken + 2) {
        room if room < LEAST_STATE => table.stacked(width),
        room => table.aligned(room),
    }
}

impl Table<'_> {
    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| length(&row[column]));
        cells.max().unwrap_or(0).max(HEADINGS[column].len())
    }

    fn aligned(&self, room: usize) -> String {
        let mut table = comfy_table::Table::new();
        table
            .load_style(comfy_table::presets::NOTHING)
            .set_header(self.cells(&HEADINGS.map(str::to_owned), &self.state_heading));
        for (line, row) in self.lines.iter().zip(&self.rows) {
            let state = flow(&state(line), "; ", room).join("\n");
            table.add_row(self.cells(row, &state));
        }
        let mut out = String::new();
        for line in table.to_string().lines() {
            let _ = writeln!(out, " {}", line.trim_end());
        }
        out
    }

    fn cells(&self, row: &[String; 7], state: &str) -> Vec<String> {
        let cells = self.columns.iter().map(|column| row[*column].clone());
        cells.chain([state.to_owned()]).collect()
    }

    fn stacked(&self, width: usize) -> String {
        let names = self.columns.iter().map(|column| HEADINGS[*column].len());
        let label = names.chain([self.state_heading.len()]).max().unwrap_or(0);
        // Four blanks stand before a label, two behind it.
        let room = width.saturating_sub(label + 6);
        let mut out = String::new();
        for (line, row) in self.lines.iter().zip(&self.rows) {
            let _ = writeln!(out, "  {}", styled(BOLD, &row[0]));
            for column in self.columns.iter().skip(1) {
                if row[*column] != NOTHING {
                    let cell = flow(std::slice::from_ref(&row[*column]), "; ", room);
                    push_field(&mut out, HEADINGS[*column], label, &cell);
                }
            }
            let state = flow(&state(line), "; ", room);
            push_field(&mut out, &self.state_heading, label, &state);
        }
        out
    }
}

fn push_field(out: &mut String, name: &str, width: usize, lines: &[String]) {
    for (index, line) in lines.iter().enumerate() {
        let label = if index == 0 { name } else { "" };
        let _ = writeln!(out, "    {label:width$}  {line}");
    }
}

/// The cells of a line, without its state.
fn row(line: &LineMatrix) -> [String; 7] {
    [
        line.line.minor.to_string(),
        or_nothing(line.default.map(KubernetesVersion::plain)),
        listed(line),
        in_the_store(line),
        chart(line, "ccm"),
        chart(line, "csi"),
        or_nothing(line.released.as_ref().map(ToString::to_string)),
    ]
}

fn listed(line: &LineMatrix) -> String {
    let listed = line.listed();
    if listed.is_empty() {
        return "none".to_owned();
    }
    format!("{} ({})", compact(&listed), listed.len())
}

fn in_the_store(line: &LineMatrix) -> String {
    let unlisted = line.unlisted();
    match line.store {
        StoreState::Unreachable => "no answer".to_owned(),
        StoreState::Unknown => "not queried".to_owned(),
        StoreState::Answered if unlisted.is_empty() => "nothing more".to_owned(),
        StoreState::Answered => format!("+{}", compact(&unlisted)),
    }
}

fn chart(line: &LineMatrix, key: &str) -> String {
    let found = charts_with_key(key).find_map(|name| line.charts.get(name));
    or_nothing(found.cloned())
}

fn or_nothing(text: Option<String>) -> String {
    text.filter(|text| !text.is_empty())
        .unwrap_or_else(|| NOTHING.to_owned())
}

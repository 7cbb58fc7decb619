//! How many lines of each file would change, as `git diff --stat` shows it.

use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

use super::counted;
use crate::plan::{FileAction, FileChange};
use crate::report::text::layout::length;
use crate::report::text::{GREEN, RED, styled};

/// How wide lines are where nobody says how wide the screen is; that of git.
const WIDTH: usize = 80;

/// The longest bar that is drawn, however wide the screen is.
const LONGEST_BAR: usize = 40;

/// The lines of one file that come and go.
#[derive(Debug, Clone, Copy, Default)]
struct Changed {
    added: usize,
    removed: usize,
}

impl Changed {
    fn of(before: &str, after: &str) -> Self {
        let mut changed = Self::default();
        for change in TextDiff::from_lines(before, after).iter_all_changes() {
            match change.tag() {
                ChangeTag::Insert => changed.added += 1,
                ChangeTag::Delete => changed.removed += 1,
                ChangeTag::Equal => {}
            }
        }
        changed
    }

    fn all(self) -> usize {
        self.added + self.removed
    }
}

/// A line of the table.
struct Row<'f> {
    path: &'f str,
    /// Nothing for a file that is removed, whose text a plan does not carry.
    changed: Option<Changed>,
}

/// Returns a line for each file, and their sum. Files that are copied as they are have a line of their own in a plan.
pub(super) fn stat(files: &[&FileChange], width: Option<usize>) -> String {
    let rows: Vec<Row<'_>> = files.iter().filter_map(|file| row(file)).collect();
    let Some(name) = rows.iter().map(|row| length(row.path)).max() else {
        return String::new();
    };
    let most = rows
        .iter()
        .filter_map(|row| row.changed.map(Changed::all))
        .max()
        .unwrap_or(0);
    let digits = most.to_string().len();
    // ` name | 12 ++--`
    let room = width.unwrap_or(WIDTH).saturating_sub(name + digits + 5);
    let bar = Bar {
        // A name may leave no room at all, and what changes has a sign all the same.
        room: room.clamp(1, LONGEST_BAR),
        most,
    };
    let mut out = String::new();
    for row in &rows {
        let Row { path, changed } = row;
        match changed {
            Some(changed) => {
                let all = changed.all();
                let _ = writeln!(out, " {path:name$} | {all:digits$} {}", bar.draw(*changed));
            }
            None => {
                let _ = writeln!(out, " {path:name$} | removed");
            }
        }
    }
    out + &sum(&rows)
}

fn row(file: &FileChange) -> Option<Row<'_>> {
    let changed = match &file.action {
        FileAction::Edit { before, after } => Some(Changed::of(before, after)),
        FileAction::Create { after, .. } => Some(Changed::of("", after)),
        FileAction::Remove => None,
        FileAction::Copy { .. } => return None,
    };
    Some(Row {
        path: &file.path,
        changed,
    })
}

fn sum(rows: &[Row<'_>]) -> String {
    let changed = rows.iter().filter_map(|row| row.changed);
    let (added, removed) = changed.fold((0, 0), |(added, removed), one| {
        (added + one.added, removed + one.removed)
    });
    format!(
        " {} changed, {}(+), {}(-)\n",
        counted(rows.len(), "file"),
        counted(added, "insertion"),
        counted(removed, "deletion"),
    )
}

/// How long bars are drawn.
struct Bar {
    room: usize,
    /// The most lines that change in one file.
    most: usize,
}

impl Bar {
    fn draw(&self, changed: Changed) -> String {
        let plus = "+".repeat(self.scaled(changed.added));
        let minus = "-".repeat(self.scaled(changed.removed));
        format!("{}{}", coloured(GREEN, &plus), coloured(RED, &minus))
    }

    /// What changes at all has a sign, however much changes elsewhere.
    fn scaled(&self, count: usize) -> usize {
        if self.most <= self.room {
            return count;
        }
        (count * self.room / self.most).max(usize::from(count > 0))
    }
}

fn coloured(look: crate::report::terminal::Look, text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        styled(look, text)
    }
}

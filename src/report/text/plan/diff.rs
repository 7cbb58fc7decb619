//! The diffs of a plan. In a large repository many files change alike, and their diffs differ in nothing but the paths.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use similar::TextDiff;

use super::{BOLD, CYAN, GREEN, RED, styled};
use crate::plan::{FileAction, FileChange};

/// The diffs of one plan, each of its changes compared once. It lives no longer than the plan, whose texts it knows by where they are.
#[derive(Default)]
pub(super) struct KnownDiffs {
    /// Without the lines that name the file.
    bodies: Mutex<HashMap<Change, Arc<str>>>,
}

/// A change from one text to another, by the addresses of both.
#[derive(PartialEq, Eq, Hash)]
struct Change {
    before: usize,
    after: usize,
}

impl KnownDiffs {
    /// Returns a unified diff that `git apply` takes, but for copies and removed files, which are told in a line each.
    pub(super) fn of_file(&self, file: &FileChange) -> String {
        match &file.action {
            FileAction::Edit { before, after } => {
                let names = heading(&format!("a/{}", file.path), &format!("b/{}", file.path));
                under(names, &self.body_of(before, after))
            }
            FileAction::Create { from, after } => {
                let first = format!("new file {}, after {from}\n", file.path);
                let names = heading("/dev/null", &format!("b/{}", file.path));
                styled(BOLD, &first) + &under(names, &body("", after))
            }
            FileAction::Copy { .. } => String::new(),
            FileAction::Remove => styled(BOLD, &format!("removed {}\n", file.path)),
        }
    }

    fn body_of(&self, before: &Arc<str>, after: &Arc<str>) -> Arc<str> {
        let change = Change {
            before: Arc::as_ptr(before).addr(),
            after: Arc::as_ptr(after).addr(),
        };
        // What is kept is whole after a panic elsewhere: each change is one step.
        let bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = bodies.get(&change) {
            return Arc::clone(known);
        }
        // Others need not wait while the texts are compared.
        drop(bodies);
        let made: Arc<str> = body(before, after).into();
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        bodies.insert(change, Arc::clone(&made));
        made
    }
}

/// The lines that name the file before and after.
fn heading(from: &str, to: &str) -> String {
    let lines = format!("--- {from}\n+++ {to}\n");
    lines.split_inclusive('\n').map(coloured).collect()
}

/// Puts the names of a file above its diff, where there is one.
fn under(names: String, body: &str) -> String {
    if body.is_empty() {
        String::new()
    } else {
        names + body
    }
}

/// A unified diff without the lines that name the file.
fn body(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let text = diff.unified_diff().context_radius(3).to_string();
    text.split_inclusive('\n').map(coloured).collect()
}

/// Colours a line of a diff.
fn coloured(line: &str) -> String {
    let style = match line.as_bytes().first() {
        // A document mark of YAML that comes or goes looks alike, and is bold, too: its sign still tells.
        _ if line.starts_with("---") || line.starts_with("+++") => BOLD,
        Some(b'-') => RED,
        Some(b'+') => GREEN,
        Some(b'@') => CYAN,
        Some(_) | None => return line.to_owned(),
    };
    let (content, ending) = line.split_at(line.trim_end_matches(['\r', '\n']).len());
    styled(style, content) + ending
}

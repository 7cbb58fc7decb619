//! What the values of one file are.

use std::fmt::Write as _;

use super::{BOLD, DIM, GREEN, styled};
use crate::stack::FileExplanation;

/// Longer values are cut.
const SHOWN: usize = 72;

/// Returns what the values of one file are: a line for each, and as what it is claimed or why it is not.
pub(crate) fn explanation(explanation: &FileExplanation) -> String {
    let kinds = explanation.kinds.join(", ");
    let of = match (&explanation.stack, kinds.is_empty()) {
        (Some(stack), false) => format!("   {kinds} of {stack}"),
        (Some(stack), true) => format!("   {stack}"),
        (None, _) => String::new(),
    };
    let mut out = format!("{}{of}\n", styled(BOLD, &explanation.file));
    if let Some(reason) = &explanation.unread {
        let _ = writeln!(out, "  nothing of it is claimed: {reason}");
        return out;
    }
    for value in &explanation.values {
        // A place in a text is an offset in bytes, which tells people nothing beside the line.
        let place = if value.at.starts_with("text") {
            String::new()
        } else {
            format!("{}  ", value.at)
        };
        let shown: String = value.value.chars().take(SHOWN).collect();
        let cut = if shown.len() < value.value.len() {
            "..."
        } else {
            ""
        };
        let _ = writeln!(out, "  {}: {place}{shown}{cut}", value.line);
        let verdict = if value.is_claimed {
            styled(GREEN, &format!("claimed: {}", value.why))
        } else {
            styled(DIM, &format!("not claimed: {}", value.why))
        };
        let _ = writeln!(out, "      {verdict}");
    }
    let values = explanation.values.iter();
    let claimed = values.filter(|value| value.is_claimed).count();
    let others = explanation.values.len() - claimed;
    let _ = writeln!(out, "{claimed} claimed, {others} not claimed");
    out
}

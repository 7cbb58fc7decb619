//! How large the screen is, and who shows what is longer than it.
#![expect(
    clippy::disallowed_methods,
    reason = "an empty PAGER says something, and `variable` takes it for none"
)]

use std::io::IsTerminal as _;

use super::environment::{is_set, variable};
use crate::io::Pager;

/// Narrower than this, even a name would be broken; a terminal that claims less has not been sized yet.
const NARROWEST: usize = 20;

/// Returns the width that texts should fit: that of `COLUMNS`, else that of the terminal. A pipe has none.
pub(super) fn width() -> Option<usize> {
    let columns = variable("COLUMNS").and_then(|text| text.parse().ok());
    let width = columns.or_else(|| {
        let (width, _) = terminal_size::terminal_size_of(std::io::stdout())?;
        Some(usize::from(width.0))
    });
    width.filter(|width| *width >= NARROWEST)
}

/// Returns the pager for a text that is longer than the terminal; none in a pipe, or where the user has switched it off.
pub(super) fn pager(text: &str) -> Option<Pager> {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() || !std::io::stdin().is_terminal() {
        return None;
    }
    let (_, height) = terminal_size::terminal_size_of(stdout)?;
    // One line is left for the prompt that follows.
    if text.lines().count() < usize::from(height.0) {
        return None;
    }
    chosen(std::env::var("PAGER").ok().as_deref())
}

/// The choice of git: `less` where nothing is said, and none where `PAGER` is empty or `cat`.
fn chosen(pager: Option<&str>) -> Option<Pager> {
    let command = pager.unwrap_or("less").trim();
    if command.is_empty() || command == "cat" {
        return None;
    }
    // Quit if it fits, show colours, leave the text on the screen; `lv` needs its own word for colours.
    let defaults = [("LESS", "FRX"), ("LV", "-c")];
    Some(Pager {
        command: command.to_owned(),
        defaults: defaults
            .into_iter()
            .filter(|(name, _)| !is_set(name))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pager_is_chosen_as_git_chooses_it() {
        assert_eq!(chosen(None).unwrap().command, "less");
        assert_eq!(chosen(Some("more -s")).unwrap().command, "more -s");
        assert_eq!(chosen(Some("")), None);
        assert_eq!(chosen(Some("cat")), None);
    }
}

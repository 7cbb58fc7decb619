//! Text for terminals: the answer first, reasons beside facts, the next command last. It reads the same without colour.

mod catalog;
mod check;
mod doctor;
mod explain;
mod plan;
mod pull_requests;
mod show;
mod tests;
mod unfinished;

use anstyle::{AnsiColor, Style};

pub use catalog::{catalog, catalog_summary};
pub(crate) use check::summary as findings_summary;
pub use check::{check, rule_list};
pub use doctor::doctor;
pub use explain::explanation;
pub(crate) use plan::nothing_words;
pub use plan::{plan, update};
pub use pull_requests::pull_requests;
pub use show::show;
pub(crate) use show::{also_out, closing, state};
pub use tests::tests;
pub use unfinished::ended_update;

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const DIM: Style = Style::new().dimmed();

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

fn labelled(label: &str, style: Style, text: &str) -> String {
    format!("{}   {text}\n", styled(style, label))
}

//! Text for terminals: the answer first, reasons beside facts, the next command last. It reads the same without colour.

mod catalog;
mod check;
mod doctor;
mod explain;
mod layout;
mod plan;
mod pull_requests;
mod release;
mod show;
mod tests;
mod unfinished;

use super::terminal::{Look, styled};

pub(crate) use catalog::{catalog, catalog_summary};
pub(crate) use check::summary as findings_summary;
pub(crate) use check::{check, rule_list};
pub(crate) use doctor::doctor;
pub(crate) use explain::explanation;
pub(crate) use plan::nothing_words;
pub(crate) use plan::{Detail, PlanView, plan, update};
pub(crate) use pull_requests::pull_requests;
pub(super) use pull_requests::{pull_cost, pull_outcome};
pub(crate) use release::{
    built_releases, listed_releases, next_releases, published_releases, verified_release,
};
pub(crate) use show::show;
pub(crate) use show::{also_out, closing, state};
pub(crate) use tests::tests;
pub(crate) use unfinished::ended_update;

const BOLD: Look = Look::Bold;
const RED: Look = Look::Red;
const GREEN: Look = Look::Green;
const YELLOW: Look = Look::Yellow;
const CYAN: Look = Look::Cyan;
const DIM: Look = Look::Dim;

fn labelled(label: &str, look: Look, text: &str) -> String {
    format!("{}   {text}\n", styled(look, label))
}

//! `show`: the matrix of every stack line. It writes nothing.

use serde::Serialize;

use super::{Format, Outcome, Place, Repository, World, to_json};
use crate::error::CommandError;
use crate::matrix::{LineMatrix, matrix, store_pattern};
use crate::plan::{PlanInput, Selection, plan_stack};
use crate::policy::Config;
use crate::report;
use crate::stack::{Fault, Layout, Roster, Site, SourceFile, Stack};

/// What to show.
#[derive(Debug, Clone)]
pub struct ShowRequest {
    /// The repository.
    pub place: Place,
    /// How the world is seen.
    pub world: World,
    /// Which stacks and which minor.
    pub selection: Selection,
    /// Whether every site and roster is shown too.
    pub sites: bool,
    /// The form of the data.
    pub format: Format,
}

/// The version of the matrix's JSON form.
pub const SHOW_SCHEMA: u32 = 1;

/// The matrices of a repository.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Show {
    /// The form's version, [`SHOW_SCHEMA`].
    pub schema: u32,
    /// The day of the catalog.
    pub as_of: jiff::civil::Date,
    /// The cluster stacks.
    pub stacks: Vec<StackShow>,
    /// How many stack lines a plan would change.
    pub pending_lines: usize,
}

/// The matrix of one cluster stack.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StackShow {
    /// A name for people: `openstack/scs2`.
    pub title: String,
    /// Its directory.
    pub directory: String,
    /// How it is laid out.
    pub layout: Layout,
    /// The image store, by the pattern of its URLs.
    pub image_store: Option<String>,
    /// Its stack lines, oldest minor first.
    pub lines: Vec<LineMatrix>,
    /// Every place that states a fact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<Site>,
    /// Every list of node images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rosters: Vec<Roster>,
    /// What could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// Shows the matrix.
pub fn run(request: &ShowRequest) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.place)?;
    let selection = repository.select(request.selection.clone())?;
    let catalog = repository.look(&selection, &request.world)?;
    let input = PlanInput {
        tree: &repository.tree,
        discovery: &repository.discovery,
        catalog: &catalog,
        policy: &repository.config.policy(&Config::default()),
        selection: &selection,
    };
    let shown = repository.discovery.map(&repository.tree, |stack| {
        if selection.takes(stack) {
            Some(show_stack(request, input, stack))
        } else {
            None
        }
    });
    let (stacks, pending): (Vec<StackShow>, Vec<usize>) = shown.into_iter().flatten().unzip();
    let pending = pending.into_iter().sum();
    let show = Show {
        schema: SHOW_SCHEMA,
        as_of: catalog.as_of,
        stacks,
        pending_lines: pending,
    };
    let data = match request.format {
        Format::Text => report::text::show(&show, &catalog),
        Format::Markdown => report::markdown::show(&show),
        Format::Json => to_json(&show)?,
    };
    Ok(Outcome::of(data, request.format)
        .with_faults(show.stacks.iter().flat_map(|stack| &stack.faults)))
}

/// Returns the matrix of one stack, and how many of its lines a plan would change.
fn show_stack(request: &ShowRequest, input: PlanInput<'_>, stack: &Stack) -> (StackShow, usize) {
    let pattern = store_pattern(stack, input.selection.image_pattern.as_ref());
    let (planned, _) = plan_stack(input, stack);
    let pending = planned
        .lines
        .iter()
        .filter(|line| !line.classes.is_empty())
        .count();
    let mut lines = matrix(stack, input.catalog, pattern.as_ref());
    lines.retain(|line| {
        input
            .selection
            .minor
            .is_none_or(|minor| minor == line.line.minor)
    });
    let shown = StackShow {
        title: stack.title(),
        directory: stack.directory.clone(),
        layout: stack.layout,
        image_store: pattern.map(|pattern| pattern.to_string()),
        lines,
        sites: stack
            .files()
            .filter(|_| request.sites)
            .flat_map(SourceFile::sites)
            .cloned()
            .collect(),
        rosters: stack
            .files()
            .filter(|_| request.sites)
            .flat_map(SourceFile::rosters)
            .cloned()
            .collect(),
        faults: stack.faults.clone(),
    };
    (shown, pending)
}

//! `show`: the matrix of every stack line. It writes nothing.

use super::unfinished::told;
use super::{Format, Outcome, Place, Repository, SourceSettings, to_json};
use crate::config::Config;
use crate::error::CommandError;
use crate::overview::{OverviewDetail, overview};
use crate::plan::{PlanInput, Selection};
use crate::policy::Wishes;
use crate::report;

/// What to show.
#[derive(Debug, Clone)]
pub(crate) struct ShowRequest {
    /// The repository.
    pub place: Place,
    /// How sources are asked.
    pub sources: SourceSettings,
    /// Which stacks and which minor.
    pub selection: Selection,
    /// Whether every reference and image list is shown too.
    pub references: bool,
    /// The width of the screen, where it is known.
    pub width: Option<usize>,
    /// The form of the data.
    pub format: Format,
}

/// Shows the matrix.
pub(crate) fn run(request: &ShowRequest) -> Result<Outcome, CommandError> {
    told(&request.place, show(request))
}

fn show(request: &ShowRequest) -> Result<Outcome, CommandError> {
    request.sources.begin_set_up();
    let repository = Repository::open(&request.place)?;
    let selection = repository.select_here(request.selection.clone())?;
    let catalog = repository.look(&selection, &request.sources)?;
    let input = PlanInput {
        tree: &repository.tree,
        discovery: &repository.discovery,
        catalog: &catalog,
        policy: &repository.config.policy(&Config::default()),
        wishes: &Wishes::default(),
        selection: &selection,
    };
    let detail = if request.references {
        OverviewDetail::References
    } else {
        OverviewDetail::Lines
    };
    let overview = overview(input, detail);
    let data = match request.format {
        Format::Text => {
            let next = selection.command("plan");
            report::text::show(&overview, &catalog, &next, request.width)
        }
        Format::Markdown => report::markdown::show(&overview, &selection.command("plan")),
        Format::Json => to_json(&overview)?,
    };
    let outcome = Outcome::of(data, request.format)
        .with_faults(overview.stacks.iter().flat_map(|stack| &stack.faults))
        .with_unseen(&repository);
    Ok(if overview.is_blind() {
        outcome.blind()
    } else {
        outcome
    })
}

//! `plan`: what would change, why, and what is held back. It writes nothing.

use std::collections::BTreeSet;

use super::unfinished::told;
use super::{Data, Format, Outcome, Place, Repository, SourceSettings};
use crate::catalog::Catalog;
use crate::config::Config;
use crate::error::{CommandError, Status};
use crate::matrix::minors_of;
use crate::plan::{Plan, PlanInput, Selection};
use crate::policy::{ChangeClass, Wishes};
use crate::report;
use crate::report::text::{Detail, PlanView};
use crate::version::Minor;

/// What to plan.
#[derive(Debug, Clone)]
pub(crate) struct PlanRequest {
    /// The repository.
    pub place: Place,
    /// How sources are asked.
    pub sources: SourceSettings,
    /// Which stacks and which minor.
    pub selection: Selection,
    /// Options that win over the configuration file.
    pub options: Config,
    /// Classes of change to make; empty means all that need no asking.
    pub changes: BTreeSet<ChangeClass>,
    /// The command line that writes the same plan, to be named to people.
    pub update_command: String,
    /// What text shows of each file.
    pub detail: Detail,
    /// The width of the screen, where it is known.
    pub width: Option<usize>,
    /// The form of the data.
    pub format: Format,
    /// Whether pending changes make an exit status.
    pub exit_code: bool,
}

/// Plans.
pub(crate) fn run(request: &PlanRequest) -> Result<Outcome, CommandError> {
    told(&request.place, preview(request))
}

fn preview(request: &PlanRequest) -> Result<Outcome, CommandError> {
    request.sources.begin_set_up();
    let repository = Repository::open(&request.place)?;
    let plan = make(request, &repository)?;
    let data = match request.format {
        Format::Text => {
            // A revision is read, and never written to.
            let writable = request.place.revision.is_none();
            let next = Some(request.update_command.as_str()).filter(|_| writable);
            report::text::plan(
                &plan,
                PlanView {
                    next,
                    detail: request.detail,
                    width: request.width,
                },
            )
        }
        Format::Markdown => report::markdown::plan(&plan),
        // Written from the plan itself, below.
        Format::Json => String::new(),
    };
    let mut outcome = Outcome::of(data, request.format);
    // Faults come after it and win: a plan that is not whole does not say whether changes are pending.
    if request.exit_code {
        outcome.status = Some(status(&plan));
    }
    outcome = outcome.with_unseen(&repository).with_shortfalls(&plan);
    if request.format == Format::Json {
        outcome.data = Data::Json(Box::new(plan));
    }
    Ok(outcome)
}

/// Makes the plan of a repository.
pub(super) fn make(request: &PlanRequest, repository: &Repository) -> Result<Plan, CommandError> {
    look_and_make(request, repository).map(|(plan, _)| plan)
}

/// Makes the plan of a repository, and returns it with the catalog that it was made from.
pub(super) fn look_and_make(
    request: &PlanRequest,
    repository: &Repository,
) -> Result<(Plan, Catalog), CommandError> {
    let selection = repository.select_here(request.selection.clone())?;
    // Before sources are asked: a slip of the pen costs no request.
    refuse_unknown_minor(repository, &selection)?;
    let catalog = repository.look(&selection, &request.sources)?;
    let policy = repository.config.policy(&request.options);
    let wishes = Wishes {
        changes: request.changes.clone(),
        ..Wishes::default()
    };
    let input = PlanInput {
        tree: &repository.tree,
        discovery: &repository.discovery,
        catalog: &catalog,
        policy: &policy,
        wishes: &wishes,
        selection: &selection,
    };
    let mut plan = crate::plan::plan(input);
    repository.judge(&mut plan, &catalog);
    Ok((plan, catalog))
}

/// Refuses to look at a minor alone that nothing is about: that there is nothing to change would say the wrong thing.
pub(super) fn refuse_unknown_minor(
    repository: &Repository,
    selection: &Selection,
) -> Result<(), CommandError> {
    let Some(minor) = selection.minor else {
        return Ok(());
    };
    let stacks = repository.discovery.read(&repository.tree);
    let selected = stacks.iter().filter(|stack| selection.takes(stack));
    let known: BTreeSet<Minor> = selected.flat_map(minors_of).collect();
    // Where no minor is known at all, the faults of the stacks say why.
    if known.is_empty() || known.contains(&minor) {
        return Ok(());
    }
    let names: Vec<String> = known.iter().map(Minor::to_string).collect();
    let hint = format!(
        "there are {}; --switch {minor} sets a source tree to it, --add {minor} adds it beside them",
        names.join(", ")
    );
    Err(CommandError::new(format!("no cluster stack has minor {minor}")).hinted(hint))
}

pub(super) fn status(plan: &Plan) -> Status {
    if plan.has_changes() {
        Status::Pending
    } else if plan.has_skipped() || plan.has_unknown() {
        Status::Held
    } else {
        Status::Done
    }
}

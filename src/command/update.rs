//! `update`: writes a plan into the working directory, all of its files or none.

use super::plan::{PlanRequest, make, status};
use super::unfinished::{Workplace, Written};
use super::{Data, Format, Outcome, Repository};
use crate::error::{CommandError, Status};
use crate::plan::{FileAction, Plan};
use crate::report;

/// What to write.
#[derive(Debug, Clone)]
pub(crate) struct UpdateRequest {
    /// The plan to carry out.
    pub plan: PlanRequest,
    /// Whether files with changes that are not committed may be touched.
    pub allow_dirty: bool,
    /// Whether stacks are written of which a person has to change a file.
    pub partial: bool,
}

/// Plans, and writes the plan. An interrupted update is finished first, where nobody's work is in its way.
pub(crate) fn run(request: &UpdateRequest) -> Result<Outcome, CommandError> {
    if let Some(revision) = &request.plan.place.revision {
        let message = format!("`update` writes to the working tree, not to {revision}");
        return Err(CommandError::new(message)
            .hinted("remove --rev; csctl-matrix plan --rev previews what would change there"));
    }
    let workplace = Workplace::find(&request.plan.place.directory)?;
    let recovery = workplace.recover()?;
    let said = plan_and_write(request, &workplace, recovery.written());
    recovery.told(said)
}

fn plan_and_write(
    request: &UpdateRequest,
    workplace: &Workplace,
    written: Written,
) -> Result<Outcome, CommandError> {
    request.plan.sources.begin_set_up();
    let repository = Repository::open(&request.plan.place)?;
    let mut plan = make(&request.plan, &repository)?;
    let left_out = if request.partial {
        Vec::new()
    } else {
        plan.leave_out_incomplete()
    };
    // After leaving out: a file that is not written may have changes.
    if !request.allow_dirty {
        refuse_dirty(&repository, &plan, written)?;
    }
    if plan.has_changes() {
        workplace.apply(&plan, written)?;
    }
    let data = match request.plan.format {
        Format::Text => report::text::update(&plan),
        Format::Markdown => report::markdown::plan(&plan),
        // Written from the plan itself, below.
        Format::Json => String::new(),
    };
    let mut outcome = Outcome::of(data, request.plan.format);
    if request.plan.exit_code {
        // What was pending is written now.
        outcome.status = Some(status(&plan)).filter(|status| *status != Status::Pending);
    }
    outcome = outcome.with_unseen(&repository).with_shortfalls(&plan);
    for title in left_out {
        let message =
            format!("{title} was not written: one of its files has to be changed by hand");
        let hint = "change that file, or write the rest with --partial";
        outcome.faults.push((message, hint.to_owned()));
    }
    if request.plan.format == Format::Json {
        outcome.data = Data::Json(Box::new(plan));
    }
    Ok(outcome)
}

/// Refuses to write over work that is nowhere else. Files that git does not know are touched only where they are copied.
pub(super) fn refuse_dirty(
    repository: &Repository,
    plan: &Plan,
    written: Written,
) -> Result<(), CommandError> {
    let Some(git) = &repository.git else {
        return Ok(());
    };
    let touched: Vec<&str> = plan
        .files
        .iter()
        .filter(|change| matches!(change.action, FileAction::Edit { .. } | FileAction::Remove))
        .map(|change| change.path.as_str())
        .collect();
    if touched.is_empty() {
        return Ok(());
    }
    let dirty = git.changed_files(&touched).map_err(CommandError::new)?;
    if dirty.is_empty() {
        return Ok(());
    }
    let message = format!("{} has uncommitted changes; {written}", dirty.join(", "));
    Err(CommandError::new(message).hinted("commit or stash them, or use --allow-dirty"))
}

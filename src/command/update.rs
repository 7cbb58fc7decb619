//! `update`: writes a plan into the working directory, all of its files or none.

use super::plan::{PlanRequest, make, status};
use super::{Format, Outcome, Repository, to_json};
use crate::error::{CommandError, Status};
use crate::io::update::{Staging, UpdateError};
use crate::plan::{FileAction, Plan};
use crate::report;

/// What to write.
#[derive(Debug, Clone)]
pub struct UpdateRequest {
    /// The plan to carry out.
    pub plan: PlanRequest,
    /// Whether files with changes that are not committed may be touched.
    pub allow_dirty: bool,
    /// Whether stacks are written of which a person has to change a file.
    pub partial: bool,
}

/// Plans, and writes the plan.
pub fn run(request: &UpdateRequest) -> Result<Outcome, CommandError> {
    if let Some(revision) = &request.plan.place.revision {
        let message = format!("`update` writes into the working directory, not into {revision}");
        return Err(CommandError::new(message)
            .hinted("leave --rev out; csctl-matrix plan --rev shows what would change there"));
    }
    let mut warnings = Vec::new();
    let mut repository = Repository::open(&request.plan.place)?;
    let staging = staging(&repository);
    if staging.recover().map_err(update_error)? {
        warnings.push("an interrupted update was finished first".to_owned());
        repository = Repository::open(&request.plan.place)?;
    }
    let mut plan = make(&request.plan, &repository)?;
    let left_out = if request.partial {
        Vec::new()
    } else {
        plan.leave_out_incomplete()
    };
    if !request.allow_dirty {
        refuse_dirty(&repository, &plan)?;
    }
    if plan.has_changes() {
        staging.apply(&plan).map_err(update_error)?;
    }
    let data = match request.plan.format {
        Format::Text => report::text::update(&plan),
        Format::Markdown => report::markdown::plan(&plan),
        Format::Json => to_json(&plan)?,
    };
    let mut outcome = Outcome {
        warnings,
        ..Outcome::of(data, request.plan.format)
    };
    if request.plan.exit_code {
        outcome.status = Some(status(&plan)).filter(|status| *status != Status::Pending);
    }
    let mut outcome = outcome.with_unseen(&repository).with_shortfalls(&plan);
    for title in left_out {
        let message = format!("{title} was not written: a person has to change a file of it");
        let hint = "change the file, or write the rest with --partial";
        outcome.faults.push((message, hint.to_owned()));
    }
    Ok(outcome)
}

pub(super) fn staging(repository: &Repository) -> Staging {
    let git_directory = repository
        .git
        .as_ref()
        .map(crate::io::git::GitRepository::git_directory);
    Staging::new(&repository.root, git_directory)
}

/// Refuses to write over work that is nowhere else. Files that git does not know are touched only where they are copied.
pub(super) fn refuse_dirty(repository: &Repository, plan: &Plan) -> Result<(), CommandError> {
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
    let message = format!(
        "{} has changes that are not committed; nothing was written",
        dirty.join(", ")
    );
    Err(CommandError::new(message).hinted("commit or stash them, or run with --allow-dirty"))
}

pub(super) fn update_error(error: UpdateError) -> CommandError {
    match &error {
        UpdateError::Changed(_) | UpdateError::Locked => {
            CommandError::new(error).hinted("run it again")
        }
        UpdateError::Exists(_) => CommandError::new(error).hinted("move it away, or commit it"),
        UpdateError::SymbolicLink(_) => {
            CommandError::new(error).hinted("replace the link by the file it stands for")
        }
        UpdateError::Write { .. } => {
            CommandError::new(error).hinted("make room or give permission, then run it again")
        }
        UpdateError::Unfinished { .. } => CommandError::new(error)
            .hinted("make room or give permission, then run it again: it finishes what it began"),
        UpdateError::Journal { .. } => {
            CommandError::new(error).hinted("remove the directory it is in, and look at git diff")
        }
    }
}

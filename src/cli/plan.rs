//! The command line of `show`, `plan`, `update` and `test`.

use clap::Args;

use super::credentials::Given;
use super::options::{MoveArgs, PolicyArgs, Query, QueryArgs};
use super::{Call, examples, screen};
use crate::command::plan::PlanRequest;
use crate::command::show::ShowRequest;
use crate::command::test::TestRequest;
use crate::command::update::UpdateRequest;
use crate::command::{self, Format, Outcome};
use crate::error::CommandError;
use crate::report::text::Detail;

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Show every stack
  $ csctl-matrix show

  # Show one stack, from cached answers
  $ csctl-matrix show openstack/scs2 --offline

  # Explain which values of a file csctl-matrix may change
  $ csctl-matrix show --explain providers/openstack/scs2/csctl.yaml"
))]
pub(super) struct ShowArgs {
    #[command(flatten)]
    query: QueryArgs,
    /// List every reference with file, line and value
    #[arg(long)]
    references: bool,
    /// Explain for each value of FILE whether it belongs to the stack
    #[arg(long, value_name = "FILE", conflicts_with = "references", value_hint = clap::ValueHint::FilePath)]
    explain: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl ShowArgs {
    pub(super) fn run(self, call: &Call) -> Result<Outcome, CommandError> {
        let query = self.query.read(call, &Given::read()?);
        if let Some(file) = &self.explain {
            return command::explain::run(&query.place, file, self.format);
        }
        command::show::run(&ShowRequest {
            place: query.place,
            sources: query.sources,
            selection: query.selection,
            references: self.references,
            width: screen::width(),
            format: self.format,
        })
    }
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Preview every change
  $ csctl-matrix plan

  # Preview the stacks below the current directory, for one minor
  $ csctl-matrix plan . --minor 1.34

  # Count the lines that change in each file
  $ csctl-matrix plan --stat

  # Preview a new minor
  $ csctl-matrix plan openstack/scs2 --add 1.35

  # Use a catalog file instead of the network
  $ csctl-matrix plan --catalog catalog.yaml"
))]
pub(super) struct PlanArgs {
    #[command(flatten)]
    planning: PlanningArgs,
    /// Count the lines that change in each file instead of printing the diff
    #[arg(long, conflicts_with = "format")]
    stat: bool,
    /// Exit with 3 if changes are pending, with 4 if none are and something was skipped
    #[arg(long)]
    exit_code: bool,
}

/// What to plan, and how to print it.
#[derive(Debug, Args)]
struct PlanningArgs {
    #[command(flatten)]
    query: QueryArgs,
    #[command(flatten)]
    moves: MoveArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl PlanningArgs {
    fn request(self, call: &Call, given: &Given) -> PlanRequest {
        let Query {
            place,
            sources,
            mut selection,
        } = self.query.read(call, given);
        self.moves.apply_to(&mut selection);
        let policy = self.policy.read();
        PlanRequest {
            place,
            sources,
            selection,
            options: policy.options,
            changes: policy.changes.into_iter().collect(),
            update_command: call.next.update.clone(),
            detail: Detail::Diff,
            width: screen::width(),
            format: self.format,
            exit_code: false,
        }
    }
}

impl PlanArgs {
    fn request(self, call: &Call) -> Result<PlanRequest, CommandError> {
        Ok(PlanRequest {
            exit_code: self.exit_code,
            detail: if self.stat {
                Detail::Stat
            } else {
                Detail::Diff
            },
            ..self.planning.request(call, &Given::read()?)
        })
    }

    pub(super) fn run(self, call: &Call) -> Result<Outcome, CommandError> {
        command::plan::run(&self.request(call)?)
    }
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Write every planned change
  $ csctl-matrix update

  # Preview the same changes
  $ csctl-matrix update --dry-run

  # Write addon chart changes of one stack only
  $ csctl-matrix update openstack/scs2 --change addons

  # Finish an update that was interrupted
  $ csctl-matrix update --resume"
))]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    plan: PlanArgs,
    /// Print the plan and write nothing, as `csctl-matrix plan` does
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Overwrite files that have uncommitted changes
    #[arg(long)]
    allow_dirty: bool,
    /// Also write stacks in which another file has to be changed by hand
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    ending: EndingArgs,
}

/// How to end an interrupted update.
#[derive(Debug, Args)]
struct EndingArgs {
    /// Finish an interrupted update; list files changed since then and leave them alone
    #[arg(long, conflicts_with_all = OF_A_PLAN, conflicts_with = "abort", help_heading = "Interrupted update")]
    resume: bool,
    /// Roll back an interrupted update; list files changed since then and leave them alone
    #[arg(long, conflicts_with_all = OF_A_PLAN, help_heading = "Interrupted update")]
    abort: bool,
}

/// The arguments of `update` that say what to plan and write; those of a struct by its name.
const OF_A_PLAN: [&str; 12] = [
    "stacks",
    "minor",
    "rev",
    "SourceArgs",
    "MoveArgs",
    "PolicyArgs",
    "format",
    "exit_code",
    "stat",
    "dry_run",
    "allow_dirty",
    "partial",
];

impl UpdateArgs {
    pub(super) fn run(self, call: &Call) -> Result<Outcome, CommandError> {
        if self.ending.resume {
            return command::unfinished::resume(&call.directory);
        }
        if self.ending.abort {
            return command::unfinished::abort(&call.directory);
        }
        if self.dry_run {
            return self.plan.run(call);
        }
        command::update::run(&UpdateRequest {
            allow_dirty: self.allow_dirty,
            partial: self.partial,
            plan: self.plan.request(call)?,
        })
    }
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Test every planned change
  $ csctl-matrix test

  # Test one minor against a catalog file
  $ csctl-matrix test --minor 1.34 --catalog catalog.yaml"
))]
pub(super) struct TestArgs {
    #[command(flatten)]
    planning: PlanningArgs,
}

impl TestArgs {
    pub(super) fn run(self, call: &Call) -> Result<Outcome, CommandError> {
        let given = Given::read()?;
        command::test::run(&TestRequest {
            plan: self.planning.request(call, &given),
            settings: given.command_settings(),
        })
    }
}

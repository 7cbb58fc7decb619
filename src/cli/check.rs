//! The command line of `check`.

use clap::Args;

use super::credentials::Given;
use super::options::QueryArgs;
use super::{Call, examples};
use crate::command::check::{CheckFormat, CheckRequest, FailOn};
use crate::command::{self, Outcome};
use crate::error::CommandError;

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Check every stack
  $ csctl-matrix check

  # Repair what can be repaired
  $ csctl-matrix check --fix

  # Check one stack without one rule
  $ csctl-matrix check openstack/scs2 --skip version-without-image

  # Fail on errors only
  $ csctl-matrix check --fail-on error

  # Write findings for a code-scanning service
  $ csctl-matrix check --format sarif"
))]
pub(super) struct CheckArgs {
    #[command(flatten)]
    query: QueryArgs,
    /// Apply only this rule or group of rules (repeatable)
    #[arg(long = "rule", value_name = "NAME", help_heading = "Rules")]
    only: Vec<String>,
    /// Also apply this rule or group of rules (repeatable)
    #[arg(long = "with", value_name = "NAME", help_heading = "Rules")]
    with: Vec<String>,
    /// Skip this rule or group of rules (repeatable)
    #[arg(long = "skip", value_name = "NAME", help_heading = "Rules")]
    skip: Vec<String>,
    /// Check as if the commit also had this release tag (repeatable)
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Repair what `update` would repair, and nothing else
    #[arg(long)]
    fix: bool,
    /// Repair files that have uncommitted changes, too
    #[arg(long, requires = "fix")]
    allow_dirty: bool,
    /// Exit with 3 if a finding is at least this severe
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "SEVERITY",
        help_heading = "Rules"
    )]
    fail_on: FailOn,
    /// List all rules and groups
    #[arg(long, help_heading = "Rules")]
    list_rules: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
}

impl CheckArgs {
    pub(super) fn run(self, call: &Call) -> Result<Outcome, CommandError> {
        if self.list_rules {
            return Ok(command::check::list_rules());
        }
        let query = self.query.read(call, &Given::read()?);
        command::check::run(&CheckRequest {
            place: query.place,
            sources: query.sources,
            selection: query.selection,
            only: self.only,
            with: self.with,
            skip: self.skip,
            tags: self.tags,
            fix: self.fix,
            allow_dirty: self.allow_dirty,
            fail_on: self.fail_on,
            fix_command: format!("{} --fix", call.next.update),
            format: self.format,
        })
    }
}

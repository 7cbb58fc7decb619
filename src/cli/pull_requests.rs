//! The command line of `pr` and `doctor`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::credentials::Given;
use super::environment::{is_in_actions, now, variable};
use super::options::{SourceArgs, change_class};
use super::{Call, examples};
use crate::command::doctor::DoctorRequest;
use crate::command::pr::{Forge, ForgePlaces, Only, PrRequest};
use crate::command::{self, Format, Outcome, Place};
use crate::error::CommandError;
use crate::io::git::Person;
use crate::plan::Selection;
use crate::policy::ChangeClass;
use crate::version::Minor;

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Say what would be done, and change nothing at the remote
  $ csctl-matrix pr --dry-run

  # Open and refresh the pull requests of one stack
  $ csctl-matrix pr openstack/scs2

  # Work on a repository without a clone
  $ csctl-matrix pr --repository SovereignCloudStack/cluster-stacks

  # Only open pull requests for new patches
  $ csctl-matrix pr --change new-patch"
))]
pub(super) struct PrArgs {
    /// Stacks to look at, by name (scs2), provider and name (openstack/scs2), stack line or directory [default: all]
    #[arg(value_name = "STACK", value_parser = NonEmptyStringValueParser::new())]
    stacks: Vec<String>,
    /// Limit to pull requests of this minor, such as 1.34
    #[arg(long, value_name = "MINOR")]
    minor: Option<Minor>,
    /// Limit to pull requests of this class (repeatable) [default: all]
    #[arg(long = "change", value_name = "CLASS", value_parser = change_class())]
    changes: Vec<ChangeClass>,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    forge: ForgeArgs,
    /// Change nothing at the remote and say what would be done; the commands of `gate` still run
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Append the report to this file as Markdown, such as a GitHub step summary
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    summary: Option<PathBuf>,
    /// Pause this many milliseconds between two requests that change something
    #[arg(long, value_name = "MS", default_value_t = 1000, hide = true)]
    write_pause: u64,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Where pull requests go.
#[derive(Debug, Args)]
struct ForgeArgs {
    /// Push to this URL [default: that of the remote `origin`]
    #[arg(long, value_name = "URL", help_heading = "GitHub")]
    remote: Option<String>,
    /// Use this repository without a clone; what is needed is fetched into the cache directory
    #[arg(long, value_name = "OWNER/NAME", conflicts_with = "remote", value_parser = parse_repository, help_heading = "GitHub")]
    repository: Option<String>,
    /// Base URL of the GitHub API; the token is sent there [default: that of the remote's host]
    #[arg(long, value_name = "URL", help_heading = "GitHub")]
    api: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Check token, permissions, branches and sources
  $ csctl-matrix doctor

  # Check a GitHub Enterprise server
  $ csctl-matrix doctor --remote https://github.example.com/team/stacks --api https://github.example.com/api/v3"
))]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    sources: SourceArgs,
    /// Check this URL [default: that of the remote `origin`]
    #[arg(long, value_name = "URL", help_heading = "GitHub")]
    remote: Option<String>,
    /// Base URL of the GitHub API; the token is sent there [default: that of the remote's host]
    #[arg(long, value_name = "URL", help_heading = "GitHub")]
    api: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl PrArgs {
    pub(super) fn run(self, call: &Call) -> Result<Outcome, CommandError> {
        command::pr::run(&self.request(call)?)
    }

    fn request(self, call: &Call) -> Result<PrRequest, CommandError> {
        let given = Given::read()?;
        let author = variable("GIT_AUTHOR_NAME")
            .zip(variable("GIT_AUTHOR_EMAIL"))
            .map(|(name, email)| Person { name, email });
        // One without the other does not say which API belongs to which server.
        let environment = variable("GITHUB_SERVER_URL").zip(variable("GITHUB_API_URL"));
        Ok(PrRequest {
            place: Place {
                directory: call.directory.clone(),
                revision: None,
            },
            sources: self.sources.read(&given),
            only: Only {
                selection: Selection {
                    stacks: self.stacks,
                    ..Selection::default()
                },
                minor: self.minor,
                changes: self.changes.into_iter().collect(),
            },
            remote: self.forge.remote,
            forge: ForgePlaces {
                api: self.forge.api,
                repository: self.forge.repository,
                environment: environment.map(|(server, api)| Forge { server, api }),
            },
            settings: given.command_settings(),
            credentials: given.credentials()?,
            is_dry: self.dry_run,
            author,
            now: now(),
            write_pause: self.write_pause,
            summary: self.summary,
            format: self.format,
        })
    }
}

impl DoctorArgs {
    pub(super) fn run(self, call: &Call) -> Result<Outcome, CommandError> {
        let pulls = PrArgs {
            stacks: Vec::new(),
            minor: None,
            changes: Vec::new(),
            sources: self.sources,
            forge: ForgeArgs {
                remote: self.remote,
                repository: None,
                api: self.api,
            },
            dry_run: true,
            summary: None,
            write_pause: 0,
            format: self.format,
        };
        command::doctor::run(&DoctorRequest {
            pulls: pulls.request(call)?,
            is_in_actions: is_in_actions(),
        })
    }
}

/// Reads `OWNER/NAME`, in the characters that GitHub allows.
pub(super) fn parse_repository(text: &str) -> Result<String, String> {
    // GitHub allows no name with this ending; it comes along with the URL of a clone.
    let plain = text.strip_suffix(".git").unwrap_or(text);
    match plain.split_once('/') {
        // A repository may be called `.github`.
        Some((owner, name))
            if !owner.starts_with('.') && is_github_name(owner) && is_github_name(name) =>
        {
            Ok(plain.to_owned())
        }
        _ => Err("write OWNER/NAME, such as SovereignCloudStack/cluster-stacks".to_owned()),
    }
}

fn is_github_name(part: &str) -> bool {
    // A folder of the cache has this name, so it must lead to no other.
    !["", ".", ".."].contains(&part)
        && part
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || "-_.".contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_named_as_the_forge_allows() {
        for (text, plain) in [
            ("acme/stacks", "acme/stacks"),
            ("acme/stacks.git", "acme/stacks"),
            ("acme/.github", "acme/.github"),
            ("acme/.github.git", "acme/.github"),
        ] {
            assert_eq!(parse_repository(text), Ok(plain.to_owned()));
        }
        for text in [
            "acme",
            "acme/",
            "/stacks",
            ".acme/stacks",
            "../stacks",
            "acme/.",
            "acme/..",
            "acme/.git",
            "acme/...git",
            "acme/a/b",
            "acme/a b",
        ] {
            assert!(parse_repository(text).is_err(), "{text}");
        }
    }
}

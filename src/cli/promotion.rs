//! The options of `release publish` for jobs: what a commit has to be, where no person looks.

use std::time::Duration;

use clap::Args;

use super::credentials::Given;
use super::environment::{now, variable};
use super::pull_requests::parse_repository;
use crate::command::release::promotion::Promotion;
use crate::config::TimeLimit;
use crate::error::CommandError;
use crate::io::forge::{ForgeSettings, GITHUB_API};

/// The heading of these options.
const PROOF: &str = "Without a person";

/// What a commit has to be.
#[derive(Debug, Args)]
pub(super) struct PromotionArgs {
    /// Publish only the head of this GitHub repository's default branch, and only when its checks are green: those that `pr` waits for
    #[arg(long, value_name = "OWNER/NAME", value_parser = parse_repository, conflicts_with = "allow_dirty", help_heading = PROOF)]
    require_checks: Option<String>,
    /// Wait this long for checks that have not ended, such as 30m [default: refuse at once]
    #[arg(long, value_name = "TIME", requires = "require_checks", help_heading = PROOF)]
    wait: Option<TimeLimit>,
    /// Base URL of the GitHub API; the token is sent there [default: that of `GITHUB_API_URL`, else GitHub's own]
    #[arg(long, value_name = "URL", requires = "require_checks", help_heading = PROOF)]
    api: Option<String>,
    /// Pause this many milliseconds before checks are read again
    #[arg(long, value_name = "MS", default_value_t = 20_000, hide = true)]
    check_pause: u64,
}

impl PromotionArgs {
    pub(super) fn read(
        self,
        given: Given,
        is_dry: bool,
    ) -> Result<Option<Promotion>, CommandError> {
        let full = self.require_checks.as_deref();
        let Some((owner, name)) = full.and_then(|full| full.split_once('/')) else {
            return Ok(None);
        };
        let api = self.api.or_else(|| variable("GITHUB_API_URL"));
        Ok(Some(Promotion {
            forge: ForgeSettings {
                base: api.unwrap_or_else(|| GITHUB_API.to_owned()),
                ..ForgeSettings::new(owner, name, given.credentials()?)
            },
            // Who only looks is told at once.
            longest_wait: self
                .wait
                .filter(|_| !is_dry)
                .map_or(Duration::ZERO, TimeLimit::duration),
            pause: Duration::from_millis(self.check_pause.max(1)),
            now: now(),
        }))
    }
}

//! Whether a commit may be published without a person: it is the head of the default branch, as a merge has made it, and its checks are
//! green by the same verdict that `pr` goes by.

use std::time::Duration;

use jiff::Timestamp;

use crate::command::block_on;
use crate::config::Checks;
use crate::error::CommandError;
use crate::gate::{GateReport, TestResult, TestState};
use crate::io::forge::{ForgeError, ForgeSettings, GitHub, Protection};
use crate::io::gate::{Checked, read_checks};
use crate::io::http::HttpClient;

/// Whose checks have to be green, and how long they are waited for.
#[derive(Debug, Clone)]
pub(crate) struct Promotion {
    /// The repository of the forge.
    pub forge: ForgeSettings,
    /// How long checks that have not ended are waited for.
    pub longest_wait: Duration,
    /// The pause before they are read again.
    pub pause: Duration,
    /// The time.
    pub now: Timestamp,
}

/// How many digits of a commit people are shown.
const DIGITS: usize = 12;

/// Returns the names of the checks of a commit, once all of them are green.
///
/// # Errors
/// The commit is not the head of the default branch, or its checks are not green in time.
pub(super) fn await_green(
    promotion: &Promotion,
    client: &HttpClient,
    commit: &str,
    wanted: &Checks,
) -> Result<Vec<String>, CommandError> {
    let asked = Asked {
        promotion,
        forge: GitHub::new(client, &promotion.forge),
        commit,
        wanted,
    };
    block_on(asked.until_green())?
}

struct Asked<'a> {
    promotion: &'a Promotion,
    forge: GitHub,
    commit: &'a str,
    wanted: &'a Checks,
}

impl Asked<'_> {
    async fn until_green(&self) -> Result<Vec<String>, CommandError> {
        let found = self.forge.repository().await;
        let branch = found
            .map_err(|error| self.forge_error(&error))?
            .default_branch;
        let mut required = None;
        let mut paused = Duration::ZERO;
        loop {
            // While checks run, something else may be merged.
            self.check_head(&branch).await?;
            let checked = Checked {
                base: &branch,
                commit: self.commit,
            };
            let (wanted, now) = (self.wanted, self.promotion.now);
            let read = read_checks(&self.forge, checked, wanted, &mut required, now).await;
            let report = GateReport::new(read.map_err(|error| self.forge_error(&error))?);
            if report.is_green {
                let results = report.results.into_iter();
                return Ok(results.map(|result| result.name).collect());
            }
            paused += self.promotion.pause;
            let is_open =
                may_become_green(&report.results) && !self.asks_for_nothing(required.as_ref());
            if !is_open || paused > self.promotion.longest_wait {
                return Err(self.not_green(&report.results));
            }
            tokio::time::sleep(self.promotion.pause).await;
        }
    }

    /// Refuses a commit that is not merged, and one that others were merged after: what is published last has to be the newest.
    async fn check_head(&self, branch: &str) -> Result<(), CommandError> {
        let head = self.forge.branch_head(branch).await;
        let head = head
            .map_err(|error| self.forge_error(&error))?
            .unwrap_or_default();
        if head == self.commit {
            return Ok(());
        }
        let (place, commit) = (self.place(), short(self.commit));
        let merged = match head.as_str() {
            "" => Ok(false),
            head => self.forge.contains(head, self.commit).await,
        };
        Err(if merged.map_err(|error| self.forge_error(&error))? {
            let head = short(&head);
            let message = format!(
                "{branch} of {place} is at {head} by now, and this is {commit}; nothing was published"
            );
            CommandError::new(message).hinted(
                "publish from the head of the branch: an older state would follow a newer one",
            )
        } else {
            let message = format!("{commit} is not on {branch} of {place}; nothing was published");
            CommandError::new(message).hinted("it can be published once its pull request is merged")
        })
    }

    /// Tells whether neither the branch nor the configuration asks for a check, which no waiting changes.
    fn asks_for_nothing(&self, required: Option<&Protection>) -> bool {
        *self.wanted == Checks::Required
            && required.is_some_and(|protection| {
                protection.is_known && protection.required_checks.is_empty()
            })
    }

    fn not_green(&self, results: &[TestResult]) -> CommandError {
        let open: Vec<String> = results
            .iter()
            .filter(|result| result.state != TestState::Passed)
            .map(|result| format!("{}: {}, {}", result.name, result.state, result.detail))
            .collect();
        let open = if open.is_empty() {
            "none is asked for".to_owned()
        } else {
            open.join("; ")
        };
        let message = format!(
            "the checks of {} are not green; nothing was published: {}",
            short(self.commit),
            open
        );
        let hint = if may_become_green(results) {
            "run it again when they have ended, or give them time: --wait 30m"
        } else {
            "docs/gate.md says which checks have to pass; gate.checks names further ones"
        };
        CommandError::new(message).hinted(hint)
    }

    fn forge_error(&self, error: &ForgeError) -> CommandError {
        let message = format!("{}: {error}; nothing was published", self.place());
        let hint = error.hint();
        let error = CommandError::new(message);
        match hint {
            Some(hint) => error.hinted(hint),
            None => error,
        }
    }

    fn place(&self) -> String {
        let forge = &self.promotion.forge;
        format!("{}/{}", forge.owner, forge.repository)
    }
}

/// Tells whether waiting may help: something has not ended or not begun, and nothing is red or cannot be read.
fn may_become_green(results: &[TestResult]) -> bool {
    let worst = results.iter().map(|result| result.state).max();
    matches!(worst, Some(TestState::Waiting | TestState::Missing))
}

fn short(commit: &str) -> &str {
    commit.get(..DIGITS).unwrap_or(commit)
}

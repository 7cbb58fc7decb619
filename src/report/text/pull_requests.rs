//! The outcome of `pr`: a line for each pull request, and what the run has cost.

use std::fmt::Write as _;

use super::{BOLD, DIM, styled};
use crate::pull::{PullEnding, PullOutcome, PullReport};

/// Returns the outcomes of a run.
pub(crate) fn pull_requests(report: &PullReport) -> String {
    let keys: Vec<_> = report.outcomes.iter().map(|outcome| &outcome.key).collect();
    let line = longest(keys.iter().map(|key| key.line.to_string()));
    let class = longest(keys.iter().map(|key| key.class.to_string()));
    let base = longest(keys.iter().map(|key| key.base.clone()));
    let mut out = String::new();
    for outcome in &report.outcomes {
        let key = &outcome.key;
        // Padded before it is styled, as `format!` would count the marks of a style.
        let name = format!("{:line$}", key.line.to_string());
        let number = outcome
            .number
            .map(|number| format!("pull request {number} "))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "{}  {:class$}  {:base$}  {number}{}",
            styled(BOLD, &name),
            key.class.to_string(),
            key.base,
            pull_outcome(outcome, report)
        );
    }
    if report.outcomes.is_empty() {
        out.push_str("nothing to do\n");
    }
    let mut spent = pull_cost(report);
    if let (Some(remaining), Some(limit)) = (report.remaining, report.limit) {
        let _ = write!(spent, ", {remaining} of {limit} left");
    }
    let _ = writeln!(out, "\n{}", styled(DIM, &spent));
    if report.is_dry {
        out.push_str("nothing was changed (--dry-run)\n");
    }
    out
}

fn longest(texts: impl Iterator<Item = String>) -> usize {
    texts.map(|text| text.len()).max().unwrap_or_default()
}

/// Returns what became of a pull request, or what would where nothing is changed.
pub(in crate::report) fn pull_outcome(outcome: &PullOutcome, report: &PullReport) -> String {
    let detail = &outcome.detail;
    match outcome.ended {
        // "Branch deleted" does not go after "would be".
        PullEnding::Swept if report.is_dry => format!("branch would be deleted: {detail}"),
        ended if report.is_dry && ended.changes_something() => {
            format!("would be {ended}: {detail}")
        }
        ended => format!("{ended}: {detail}"),
    }
}

/// Returns what a run has asked of GitHub.
pub(in crate::report) fn pull_cost(report: &PullReport) -> String {
    format!(
        "{} ({} answered from cache), {}",
        counted(report.requests, "request"),
        report.from_cache,
        counted(report.writes, "write")
    )
}

fn counted(count: u32, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

impl std::fmt::Display for PullEnding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NothingToDo => "nothing to do",
            Self::UpToDate => "up to date",
            Self::Opened => "opened",
            Self::Refreshed => "refreshed",
            Self::Merged => "merged",
            Self::Closed => "closed",
            Self::Edited | Self::Stopped => "left alone",
            Self::Silenced => "not asked again",
            Self::Queued => "left to the queue",
            Self::ForeignBranch => "not opened",
            Self::Swept => "branch deleted",
            Self::Ceiling => "put off",
            Self::Overtaken => "overtaken",
            Self::Failed => "failed",
        })
    }
}

//! The outcome of `pr`: a line for each pull request, and what the run has cost.

use std::fmt::Write as _;

use super::{BOLD, DIM, styled};
use crate::pull::{Ended, PullReport};

/// Returns the outcomes of a run.
pub fn pull_requests(report: &PullReport) -> String {
    let width = |of: fn(&crate::pull::PullOutcome) -> String| {
        let lengths = report.outcomes.iter().map(|outcome| of(outcome).len());
        lengths.max().unwrap_or_default()
    };
    let (line, class) = (
        width(|outcome| outcome.key.line.to_string()),
        width(|outcome| outcome.key.class.to_string()),
    );
    let base = width(|outcome| outcome.key.base.clone());
    let mut out = String::new();
    for outcome in &report.outcomes {
        let key = &outcome.key;
        let name = format!("{:line$}", key.line.to_string());
        let number = outcome
            .number
            .map(|number| format!("pull request {number} "))
            .unwrap_or_default();
        // What a dry run would do, its detail says whole.
        let ended = if report.is_dry && outcome.ended.changes_something() {
            String::new()
        } else {
            format!("{}: ", outcome.ended)
        };
        let _ = writeln!(
            out,
            "{}  {:class$}  {:base$}  {number}{ended}{}",
            styled(BOLD, &name),
            key.class.to_string(),
            key.base,
            outcome.detail
        );
    }
    if report.outcomes.is_empty() {
        out.push_str("nothing to do\n");
    }
    let mut cost = format!(
        "{} ({} answered from cache), {}",
        counted(report.requests, "request"),
        report.from_cache,
        counted(report.writes, "write")
    );
    if let (Some(remaining), Some(limit)) = (report.remaining, report.limit) {
        let _ = write!(cost, ", {remaining} of {limit} left");
    }
    let _ = writeln!(out, "\n{}", styled(DIM, &cost));
    if report.is_dry {
        out.push_str("nothing was changed, as asked\n");
    }
    out
}

fn counted(count: u32, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

impl std::fmt::Display for Ended {
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

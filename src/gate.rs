//! The gate: what a planned change has to pass before a default moves, and the results by name. Built-in proofs, the commands of
//! a repository and the checks of its forge end in one report. It runs nothing and asks nobody.

mod checks;
mod proof;
mod subject;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::LinePlan;
use crate::policy::ChangeClass;
use crate::version::{KubernetesVersion, StackLine};

pub(crate) use checks::{Attempt, ChecksInput, Readable, judge_checks};
pub use proof::{ProofInput, proofs};
pub use subject::GateSubject;

/// The results of a gate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GateReport {
    /// The results: proofs first, then commands, then checks.
    pub results: Vec<TestResult>,
    /// Whether something passed, and nothing did anything else.
    pub is_green: bool,
}

/// The version of the JSON form of a test's report.
pub(crate) const TEST_SCHEMA: u32 = 1;

/// The results of all stack lines of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct TestReport {
    /// The form's version, [`TEST_SCHEMA`].
    pub schema: u32,
    /// The stack lines that would change.
    pub lines: Vec<LineReport>,
    /// Whether all of them are green; so they are where nothing would change.
    pub is_green: bool,
}

/// The results of one stack line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct LineReport {
    /// The stack line.
    pub line: StackLine,
    /// The classes of change.
    pub classes: BTreeSet<ChangeClass>,
    /// The default version before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_before: Option<KubernetesVersion>,
    /// The default version after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_after: Option<KubernetesVersion>,
    /// What was proved and run.
    #[serde(flatten)]
    pub report: GateReport,
}

impl TestReport {
    /// Returns the report of these lines.
    pub(crate) fn new(lines: Vec<LineReport>) -> Self {
        Self {
            schema: TEST_SCHEMA,
            is_green: lines.iter().all(|line| line.report.is_green),
            lines,
        }
    }
}

impl LineReport {
    /// Returns the report of a stack line.
    pub(crate) fn new(line: &LinePlan, report: GateReport) -> Self {
        Self {
            line: line.line.clone(),
            classes: line.classes.clone(),
            default_before: line.default_before,
            default_after: line.default_after,
            report,
        }
    }

    /// Returns the default that stays as long as the gate is not green, where it would move.
    pub(crate) fn held_default(&self) -> Option<KubernetesVersion> {
        let before = self.default_before?;
        let moves = self.default_after.is_some_and(|after| after != before);
        (moves && !self.report.is_green).then_some(before)
    }
}

/// One result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// The name by which people know it: `e2e-1.34`.
    pub name: String,
    /// What it is.
    pub kind: TestKind,
    /// What became of it.
    pub state: TestState,
    /// Why, as a phrase that is the same as long as nothing happens: `queued`.
    pub detail: String,
    /// For how long that has been so, where it is known: `12 min`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<String>,
    /// The end of what a command said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// What a result is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TestKind {
    // The order is that of a report.
    /// A proof that is part of the program.
    Proof,
    /// A command of the repository.
    Command,
    /// A check of the forge.
    Check,
}

/// What became of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TestState {
    // The order counts: each state is worse than the ones before it, and the worst of several is told.
    /// It passed.
    Passed,
    /// It was not needed, or could not be asked for; it proves nothing and stops nothing.
    Skipped,
    /// It has not ended.
    Waiting,
    /// It has not reported.
    Missing,
    /// What became of it cannot be read.
    Unreadable,
    /// It failed, or ended without passing.
    Failed,
}

impl TestState {
    /// Tells whether it stops nothing.
    pub fn is_harmless(self) -> bool {
        match self {
            Self::Passed | Self::Skipped => true,
            Self::Waiting | Self::Missing | Self::Unreadable | Self::Failed => false,
        }
    }

    /// Tells whether asking again would give the same: a test that ended.
    pub(crate) fn is_final(self) -> bool {
        match self {
            Self::Passed | Self::Skipped | Self::Failed => true,
            Self::Waiting | Self::Missing | Self::Unreadable => false,
        }
    }

    /// Returns the word used in output: `passed`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Waiting => "waiting",
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for TestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl TestResult {
    /// Returns a result.
    pub fn new(
        kind: TestKind,
        name: impl Into<String>,
        state: TestState,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            kind,
            state,
            detail: detail.into(),
            age: None,
            output: None,
        }
    }

    /// Returns the detail with its age: `queued 12 min`.
    pub fn words(&self) -> String {
        match &self.age {
            Some(age) => format!("{} {age}", self.detail),
            None => self.detail.clone(),
        }
    }

    /// Returns it as the reason of a hold, without what changes by the minute: `test e2e failed`.
    fn reason(&self) -> String {
        let what = match self.kind {
            TestKind::Proof => "proof",
            TestKind::Command => "test",
            TestKind::Check => "check",
        };
        let state = match self.state {
            TestState::Waiting => "has not finished",
            TestState::Missing => "has not reported",
            TestState::Unreadable => "cannot be read",
            TestState::Passed | TestState::Skipped | TestState::Failed => self.state.word(),
        };
        format!("{what} {} {state}", self.name)
    }
}

impl GateReport {
    /// Returns a report of these results. Nothing proved is not green.
    pub fn new(mut results: Vec<TestResult>) -> Self {
        results.sort_by_key(|result| result.kind);
        let is_green = results.iter().all(|result| result.state.is_harmless())
            && results
                .iter()
                .any(|result| result.state == TestState::Passed);
        Self { results, is_green }
    }

    /// Returns what keeps it from being green.
    pub(crate) fn blocking(&self) -> impl Iterator<Item = &TestResult> {
        let all = self.results.iter();
        all.filter(|result| !result.state.is_harmless())
    }

    /// Returns why a default stays where it is, in a form that stays the same as long as nothing happens: `test e2e failed`, with
    /// the worst named first; nothing where the gate is green.
    pub fn reason(&self) -> Option<String> {
        if self.is_green {
            return None;
        }
        // Of several that are as bad, the first is named.
        let worst = self
            .blocking()
            .min_by_key(|result| std::cmp::Reverse(result.state));
        let Some(worst) = worst else {
            return Some("nothing was tested".to_owned());
        };
        let others = self.blocking().count() - 1;
        let more = match others {
            0 => String::new(),
            1 => ", and 1 more".to_owned(),
            count => format!(", and {count} more"),
        };
        Some(worst.reason() + &more)
    }
}

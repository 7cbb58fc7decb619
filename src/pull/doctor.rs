//! What `doctor` found: one line for each thing that a bot needs, and what to do about it. It looks at nothing by itself.

use serde::Serialize;

/// What was found, in the order in which it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct DoctorReport {
    /// The form's version.
    pub(crate) schema: u32,
    /// The repository of the forge as `owner/name`, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repository: Option<String>,
    /// What was looked at.
    pub(crate) checks: Vec<DoctorCheck>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct DoctorCheck {
    /// What it is: `token`, `base branch main`.
    pub(crate) name: String,
    /// Whether it is as `pr` needs it.
    pub(crate) state: DoctorState,
    /// What was found.
    pub(crate) found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

/// Whether something is as `pr` needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DoctorState {
    /// It is.
    Ok,
    /// `pr` works, and something will not be as people expect.
    Warning,
    /// `pr` cannot do its work.
    Problem,
}

impl DoctorState {
    /// Returns the word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl DoctorCheck {
    /// Returns a check that found what is needed.
    pub(crate) fn ok(name: &str, found: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            state: DoctorState::Ok,
            found: found.into(),
            advice: None,
        }
    }

    /// Returns a check that found something to look after, with what to do about it.
    pub(crate) fn warning(name: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            state: DoctorState::Warning,
            advice: Some(advice.into()),
            ..Self::ok(name, found)
        }
    }

    /// Returns a check that found what keeps `pr` from its work, with what to do about it.
    pub(crate) fn problem(name: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            state: DoctorState::Problem,
            ..Self::warning(name, found, advice)
        }
    }
}

impl DoctorReport {
    /// Counts the checks with this state.
    pub(crate) fn count(&self, state: DoctorState) -> usize {
        let found = self.checks.iter().filter(|check| check.state == state);
        found.count()
    }

    /// Says how many checks have this state: `2 warnings`.
    fn counted(&self, state: DoctorState) -> Option<String> {
        match self.count(state) {
            0 => None,
            1 => Some(format!("1 {}", state.word())),
            count => Some(format!("{count} {}s", state.word())),
        }
    }

    /// Says in a few words how it stands.
    pub(crate) fn summary(&self) -> String {
        match (
            self.counted(DoctorState::Problem),
            self.counted(DoctorState::Warning),
        ) {
            (Some(problems), Some(warnings)) => format!("{problems}, {warnings}"),
            (Some(problems), None) => problems,
            (None, Some(warnings)) => format!("ready, with {warnings}"),
            (None, None) => "ready".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_and_a_report_without_problems_is_ready() {
        let report = |checks: Vec<DoctorCheck>| DoctorReport {
            schema: 1,
            repository: None,
            checks,
        };
        let (ok, warning, problem) = (
            DoctorCheck::ok("token", "x"),
            DoctorCheck::warning("token", "x", "y"),
            DoctorCheck::problem("token", "x", "y"),
        );
        assert_eq!(report(vec![ok.clone()]).summary(), "ready");
        assert_eq!(
            report(vec![ok, warning.clone()]).summary(),
            "ready, with 1 warning"
        );
        let all = vec![problem.clone(), warning, problem.clone()];
        assert_eq!(report(all).summary(), "2 problems, 1 warning");
        assert_eq!(report(vec![problem]).summary(), "1 problem");
    }
}

//! The second step: the pull request that there should be, a planned change that was tested, with the default held back where a test is
//! red. It asks the forge nothing; the tests run in a scratch copy.

use git2::Oid;

use super::agenda::{PlannedChange, TextFacts, line_plan};
use super::base::BaseBranch;
use super::{Run, Task};
use crate::command::test::{Examined, examine};
use crate::error::CommandError;
use crate::gate::{TestReport, TestState};
use crate::plan::Plan;
use crate::pull::{Fingerprint, HiddenBlock, Proposal, PullKey, body, title};
use crate::version::StackLine;

/// How many results a pull request keeps.
// GitHub refuses a body of more than 65,536 characters, and the results stand in its hidden block.
const MAX_TESTS: usize = 200;

/// Results of tests, by their names.
type Tests = Vec<(String, TestState)>;
/// A change whose tests were red, and what was red.
type Red = (Fingerprint, String);

/// A pull request that there should be.
pub(super) struct WantedPull {
    pub(super) proposal: Proposal,
    /// The commit of the base branch.
    pub(super) base: Oid,
    /// The commit on top of it.
    pub(super) commit: Oid,
    /// The results of its tests.
    pub(super) tests: Tests,
    /// The change whose tests were red, where the default is held back for it.
    pub(super) red: Option<Red>,
}

/// What earlier runs left behind of a key.
pub(super) struct EarlierRuns {
    /// What the open pull request says of itself; nothing where everything is to be made and tested anew.
    pub(super) block: Option<HiddenBlock>,
    /// The newest pull request that a person closed.
    pub(super) after: Option<u64>,
}

/// What its tests have shown of a change.
#[derive(Default)]
struct Tested {
    tests: Tests,
    red: Option<Red>,
}

/// Where a change is proposed.
#[derive(Clone, Copy)]
struct At<'a> {
    key: &'a PullKey,
    base: &'a BaseBranch,
    /// What is known of tests on this very commit of the base branch.
    tested: Option<&'a HiddenBlock>,
    after: Option<u64>,
}

impl Run<'_> {
    /// Makes a proposal of what is planned: tests it, and holds the default back where its tests are red. What is known of tests
    /// holds for the same change on the same commit of the base branch; they are repeated for any other.
    pub(super) fn propose(
        &self,
        task: Task<'_>,
        known: &EarlierRuns,
    ) -> Result<Option<WantedPull>, CommandError> {
        let Some((at, change)) = At::find(task, known) else {
            return Ok(None);
        };
        let remembered = at.remembered(change);
        let tests = match &remembered {
            Some(_) => Vec::new(),
            None => self.test(&at, change)?,
        };
        // What could not be found out is asked again next time.
        let lasts = has_ended(&tests);
        let red = match (remembered, red_of(&tests)) {
            (Some(red), _) => red,
            (None, Some(why)) if moves_default(&change.plan, task.key) => {
                (change.fingerprint.clone(), why)
            }
            (None, Some(_) | None) => {
                return self
                    .wanted(&at, change, Tested { tests, red: None })
                    .map(Some);
            }
        };
        // Lists may grow before tests are green; the default may not move.
        if let Some(held) = self.change(at.base, task.key, Some(&red.1))? {
            let tested = Tested {
                tests: self.test(&at, &held)?,
                red: lasts.then_some(red),
            };
            return self.wanted(&at, &held, tested).map(Some);
        }
        // Without the default nothing is left: all of it waits, as a draft.
        self.wanted(&at, change, Tested { tests, red: None })
            .map(Some)
    }

    /// Makes a proposal without a test, for what is decided whatever comes of one.
    pub(super) fn propose_untested(
        &self,
        task: Task<'_>,
        known: &EarlierRuns,
    ) -> Result<Option<WantedPull>, CommandError> {
        let Some((at, change)) = At::find(task, known) else {
            return Ok(None);
        };
        if let Some((_, why)) = at.remembered(change)
            && let Some(held) = self.change(at.base, task.key, Some(&why))?
        {
            return self.wanted(&at, &held, Tested::default()).map(Some);
        }
        self.wanted(&at, change, Tested::default()).map(Some)
    }

    /// Returns the results of the tests of a planned change. The same change on the same commit is not tested twice.
    fn test(&self, at: &At<'_>, change: &PlannedChange) -> Result<Tests, CommandError> {
        if let Some(tests) = at.find_results(change) {
            return Ok(tests.clone());
        }
        let commit = change.commit.to_string();
        let report = examine(&Examined {
            repository: &at.base.repository,
            plan: &change.plan,
            catalog: &at.base.catalog,
            settings: &self.request.settings,
            commit: Some(&commit),
        })?;
        Ok(recorded(&report, &at.key.line))
    }

    /// Writes what the pull request of a tested change says.
    fn wanted(
        &self,
        at: &At<'_>,
        change: &PlannedChange,
        tested: Tested,
    ) -> Result<WantedPull, CommandError> {
        let Tested { tests, red } = tested;
        let said = TextFacts {
            plan: &change.plan,
            tests: &tests,
            after: at.after,
        };
        Ok(WantedPull {
            proposal: Proposal {
                fingerprint: change.fingerprint.clone(),
                title: self.fill(at.key, &said, title)?.unwrap_or_default(),
                body: self.fill(at.key, &said, body)?.unwrap_or_default(),
                base: at.key.base.clone(),
                stands_on: at.base.oid.to_string(),
                labels: self.config.labels.clone(),
                is_draft: None,
            },
            base: at.base.oid,
            commit: change.commit,
            tests,
            red,
        })
    }
}

impl<'a> At<'a> {
    /// Finds the planned change of a key, and where it is proposed.
    fn find(task: Task<'a>, known: &'a EarlierRuns) -> Option<(Self, &'a PlannedChange)> {
        let Task { key, agenda, .. } = task;
        let base = agenda.bases.get(&key.base)?;
        let block = known.block.as_ref();
        let at = Self {
            key,
            base,
            tested: block.filter(|block| block.base == base.oid.to_string()),
            after: known.after,
        };
        Some((at, agenda.changes.get(key)?))
    }

    /// Finds the results of the tests of this very change on this very commit of the base branch.
    fn find_results(&self, change: &PlannedChange) -> Option<&'a Tests> {
        let block = self.tested?;
        let is_of_change = block.fingerprint == change.fingerprint && !block.tests.is_empty();
        (is_of_change && has_ended(&block.tests)).then_some(&block.tests)
    }

    /// Returns what was red of this very change on this very commit of the base branch.
    fn remembered(&self, change: &PlannedChange) -> Option<Red> {
        let red = self.tested.and_then(|block| block.red.clone());
        red.filter(|(red, _)| *red == change.fingerprint)
    }
}

/// Tells whether commands of the gate would be run for a key.
pub(super) fn runs_commands(task: Task<'_>, known: &EarlierRuns) -> bool {
    let Some((at, change)) = At::find(task, known) else {
        return false;
    };
    let has_commands = !at.base.repository.config.gate.commands.is_empty();
    has_commands && at.remembered(change).is_none() && at.find_results(change).is_none()
}

/// Returns the results as a pull request keeps them: those of other lines with their names, and where they are very many, those that
/// are not green first.
fn recorded(report: &TestReport, own: &StackLine) -> Tests {
    let mut tests = Tests::new();
    for line in &report.lines {
        for result in &line.report.results {
            let name = if line.line == *own {
                result.name.clone()
            } else {
                format!("{}: {}", line.line, result.name)
            };
            tests.push((name, result.state));
        }
    }
    if tests.len() > MAX_TESTS {
        tests.sort_by_key(|(_, state)| state.is_harmless());
        let others = tests.split_off(MAX_TESTS);
        let worst = others.iter().map(|(_, state)| *state).max();
        let rest = format!("{} others", others.len());
        tests.extend(worst.map(|state| (rest, state)));
    }
    tests
}

fn has_ended(tests: &[(String, TestState)]) -> bool {
    tests.iter().all(|(_, state)| state.is_final())
}

/// Returns the first test that is not green: `e2e failed`.
pub(super) fn red_of(tests: &[(String, TestState)]) -> Option<String> {
    let (name, state) = tests.iter().find(|(_, state)| !state.is_harmless())?;
    Some(format!("{name} {state}"))
}

/// Tells whether a plan moves the default of its line.
fn moves_default(plan: &Plan, key: &PullKey) -> bool {
    line_plan(plan, key).is_some_and(|(_, line)| line.default_before != line.default_after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{GateReport, LineReport, TEST_SCHEMA, TestKind, TestResult};

    #[test]
    fn very_many_results_are_kept_with_what_is_not_green_first() {
        let own: StackLine = "openstack-scs2-1-35".parse().unwrap();
        let result = |name: String, state| TestResult::new(TestKind::Proof, name, state, "");
        let images = (0..3 * MAX_TESTS).map(|n| result(format!("image {n}"), TestState::Passed));
        let mut results: Vec<TestResult> = images.collect();
        results.push(result("e2e".to_owned(), TestState::Failed));
        let line = |name: &str, results| LineReport {
            line: name.parse().unwrap(),
            classes: std::collections::BTreeSet::new(),
            default_before: None,
            default_after: None,
            report: GateReport::new(results),
        };
        let check = result("check".to_owned(), TestState::Passed);
        let report = TestReport {
            schema: TEST_SCHEMA,
            lines: vec![
                line("openstack-scs2-1-34", vec![check]),
                line("openstack-scs2-1-35", results),
            ],
            is_green: false,
        };
        let tests = recorded(&report, &own);
        assert_eq!(tests.len(), MAX_TESTS + 1);
        assert_eq!(tests[0], ("e2e".to_owned(), TestState::Failed));
        assert_eq!(tests[1].0, "openstack-scs2-1-34: check");
        let others = 3 * MAX_TESTS + 2 - MAX_TESTS;
        assert_eq!(
            tests.last().unwrap(),
            &(format!("{others} others"), TestState::Passed)
        );
        assert_eq!(red_of(&tests).as_deref(), Some("e2e failed"));
    }
}

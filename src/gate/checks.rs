//! The verdict on the checks that a forge reports of a commit. Green is proven: of every check that is required or configured, the
//! latest attempt of each app passed on that very commit. Whatever else there is, is named and is not green.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{TestKind, TestResult, TestState};
use crate::config::{CheckName, Checks};

/// What is known of the checks of a commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChecksInput<'a> {
    /// The commit.
    pub commit: &'a str,
    /// Which checks the configuration asks for.
    pub wanted: &'a Checks,
    /// The checks that the base branch requires.
    pub required: &'a Readable<CheckName>,
    /// The check runs of the commit, every attempt.
    pub runs: &'a Readable<Attempt>,
    /// The commit statuses of the commit, every one.
    pub statuses: &'a Readable<Attempt>,
    /// The time.
    pub now: Timestamp,
}

/// A list that the forge told, or would not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readable<T> {
    /// The whole list.
    Known(Vec<T>),
    /// It cannot be read; the phrase says why: `403, the token needs checks: read`.
    Refused(String),
}

impl<T> Readable<T> {
    /// Returns what is known: nothing of a list that cannot be read.
    fn known(&self) -> &[T] {
        match self {
            Self::Known(list) => list,
            Self::Refused(_) => &[],
        }
    }
}

/// One attempt of a check: a check run, or a commit status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Its number, which grows; nothing where the forge gives none.
    pub id: Option<u64>,
    /// The name of the check run, or the context of the commit status.
    pub name: String,
    /// The app that reports it, where it is known, spelled as requirements spell it.
    pub app: Option<String>,
    /// The commit that it says it is of; nothing where it says none.
    pub commit: Option<String>,
    /// The status of a check run, such as `queued`, or the state of a commit status, such as `pending`.
    pub status: String,
    /// The conclusion of a check run that has ended.
    pub conclusion: Option<String>,
    /// When it was started, or last changed.
    pub since: Option<Timestamp>,
}

impl Attempt {
    /// Tells whether it is of a commit, as far as it says.
    fn is_of(&self, commit: &str) -> bool {
        self.commit.as_deref().is_none_or(|of| of == commit)
    }

    /// Tells whether it is of a check, by the check's app where one is named.
    fn answers(&self, check: &CheckName) -> bool {
        self.name == check.name && (check.app.is_none() || check.app == self.app)
    }
}

/// Where an attempt comes from. A forge numbers each kind by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Run,
    Status,
}

/// An attempt, and where it comes from.
#[derive(Clone, Copy)]
struct Report<'a> {
    source: Source,
    attempt: &'a Attempt,
}

/// What an attempt says of its check.
struct Verdict {
    state: TestState,
    words: String,
}

impl Verdict {
    fn new(state: TestState, words: &str) -> Self {
        Self {
            state,
            words: words.to_owned(),
        }
    }
}

/// Judges the checks of a commit: one result per check that has to pass.
pub(crate) fn judge_checks(input: ChecksInput<'_>) -> Vec<TestResult> {
    let names = match (input.wanted, input.required) {
        (Checks::None, _) => {
            let why = "`gate.checks` is `none`";
            return vec![result("checks of the forge", TestState::Skipped, why)];
        }
        (Checks::Required, Readable::Refused(why)) => {
            return vec![result("required checks", TestState::Unreadable, why)];
        }
        // Where nothing has to pass, nothing is proven.
        (Checks::Required, Readable::Known(required)) if required.is_empty() => {
            let why = "the base branch requires no check, and `gate.checks` names none";
            return vec![result("required checks", TestState::Missing, why)];
        }
        (Checks::Required, Readable::Known(required)) => required.iter().collect(),
        // Names of the configuration need no right to read the protection of the branch.
        (Checks::Names(names), Readable::Refused(_)) => names.iter().collect(),
        (Checks::Names(names), Readable::Known(required)) => {
            names.iter().chain(required).collect::<BTreeSet<_>>()
        }
    };
    let latest = latest_attempts(input);
    names
        .into_iter()
        .map(|name| judge(input, name, &latest))
        .collect()
}

/// Returns the latest attempt of each app and name. An older one says nothing any more, however it ended.
fn latest_attempts(input: ChecksInput<'_>) -> Vec<Report<'_>> {
    let runs = input.runs.known().iter().map(|attempt| Report {
        source: Source::Run,
        attempt,
    });
    let statuses = input.statuses.known().iter().map(|attempt| Report {
        source: Source::Status,
        attempt,
    });
    let mut latest: BTreeMap<_, Report<'_>> = BTreeMap::new();
    for report in runs.chain(statuses) {
        let attempt = report.attempt;
        // Green is proven on this very commit: a report that names another one proves nothing.
        if !attempt.is_of(input.commit) {
            continue;
        }
        let key = (report.source, &attempt.name, &attempt.app);
        let kept = latest.entry(key).or_insert(report);
        if report.replaces(kept.attempt) {
            *kept = report;
        }
    }
    latest.into_values().collect()
}

fn judge(input: ChecksInput<'_>, name: &CheckName, latest: &[Report<'_>]) -> TestResult {
    let found = latest.iter().filter(|report| report.attempt.answers(name));
    // The same name from two apps: both have to pass.
    let worst = found
        .map(|report| (report.verdict(), report.attempt))
        .max_by_key(|(verdict, _)| verdict.state);
    let refused = [input.runs, input.statuses]
        .into_iter()
        .find_map(|list| match list {
            Readable::Refused(why) => Some(why.as_str()),
            Readable::Known(_) => None,
        });
    match (worst, refused) {
        // What is red is red whatever else there is; green may have something red beside it that nobody could read.
        (Some((verdict, attempt)), why) if why.is_none() || verdict.state != TestState::Passed => {
            TestResult {
                age: attempt
                    .since
                    .filter(|_| verdict.state == TestState::Waiting)
                    .map(|since| age(since, input.now)),
                ..result(name.to_string(), verdict.state, verdict.words)
            }
        }
        (_, Some(why)) => result(name.to_string(), TestState::Unreadable, why),
        (_, None) => {
            let words = if latest.is_empty() {
                "no check has reported on the commit".to_owned()
            } else {
                missing_words(name, latest)
            };
            result(name.to_string(), TestState::Missing, words)
        }
    }
}

/// Says who reported a check that another app has to report.
fn missing_words(name: &CheckName, latest: &[Report<'_>]) -> String {
    let others: BTreeSet<&str> = latest
        .iter()
        .filter(|report| report.attempt.name == name.name)
        .map(|report| report.attempt.app.as_deref().unwrap_or("an unknown app"))
        .collect();
    if others.is_empty() {
        return "has not reported on the commit".to_owned();
    }
    format!(
        "has not reported; {} has, under the same name",
        Vec::from_iter(others).join(", ")
    )
}

impl Report<'_> {
    /// Tells whether an attempt is later than another of its source, by its number, else by its time. Where neither tells, the
    /// worse one counts.
    fn replaces(self, kept: &Attempt) -> bool {
        let by_number = self.attempt.id.zip(kept.id).map(|(a, b)| a.cmp(&b));
        let by_time = self.attempt.since.zip(kept.since).map(|(a, b)| a.cmp(&b));
        match by_number.filter(|order| order.is_ne()).or(by_time) {
            Some(std::cmp::Ordering::Greater) => true,
            Some(std::cmp::Ordering::Less) => false,
            Some(std::cmp::Ordering::Equal) | None => {
                let other = Report {
                    attempt: kept,
                    ..self
                };
                self.verdict().state > other.verdict().state
            }
        }
    }

    /// Reads what it says. Words that are not known pass nothing.
    fn verdict(self) -> Verdict {
        match self.source {
            Source::Status => verdict_of_status(&self.attempt.status),
            Source::Run => verdict_of_run(&self.attempt.status, self.attempt.conclusion.as_deref()),
        }
    }
}

fn verdict_of_status(said: &str) -> Verdict {
    match said {
        "success" => Verdict::new(TestState::Passed, said),
        "pending" => Verdict::new(TestState::Waiting, said),
        "failure" | "error" => Verdict::new(TestState::Failed, said),
        other => unknown("its state", other),
    }
}

fn verdict_of_run(said: &str, conclusion: Option<&str>) -> Verdict {
    match (said, conclusion) {
        ("completed", Some(conclusion)) => match conclusion {
            // GitHub lets a required check pass with each of these.
            "success" | "neutral" | "skipped" => Verdict::new(TestState::Passed, conclusion),
            "failure" | "cancelled" | "stale" => Verdict::new(TestState::Failed, conclusion),
            "timed_out" => Verdict::new(TestState::Failed, "timed out"),
            "startup_failure" => Verdict::new(TestState::Failed, "failed to start"),
            "action_required" => Verdict::new(TestState::Waiting, "needs an action by a person"),
            other => unknown("its conclusion", other),
        },
        ("completed", None) => unknown("its conclusion", ""),
        ("queued" | "pending" | "waiting" | "requested", _) => {
            Verdict::new(TestState::Waiting, said)
        }
        ("in_progress", _) => Verdict::new(TestState::Waiting, "in progress"),
        (other, _) => unknown("its status", other),
    }
}

fn unknown(what: &str, word: &str) -> Verdict {
    let words = if word.is_empty() {
        format!("{what} is missing")
    } else {
        format!("{what} has the unknown value `{word}`")
    };
    Verdict {
        state: TestState::Unreadable,
        words,
    }
}

/// Returns how long something has been so, in the unit that people would take.
fn age(since: Timestamp, now: Timestamp) -> String {
    // Clocks differ, so a check may have begun after now.
    let seconds = now.duration_since(since).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn result(name: impl Into<String>, state: TestState, detail: impl Into<String>) -> TestResult {
    TestResult::new(TestKind::Check, name, state, detail)
}

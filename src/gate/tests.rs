//! Rule 11 of pull requests as tables: what of a forge's answers is green, and in which words the rest is named.

use super::TestKind::{Check, Command, Proof};
use super::TestState::{Failed, Missing, Passed, Skipped, Waiting};
use super::*;
use crate::config::{CheckName, Checks};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const NOW: &str = "2026-06-15T12:00:00Z";

fn check_name(text: &str) -> CheckName {
    let (name, app) = match text.split_once('@') {
        Some((name, app)) => (name, Some(app.to_owned())),
        None => (text, None),
    };
    CheckName {
        name: name.to_owned(),
        app,
    }
}

/// `name@app status/conclusion`, with its number; started ten minutes ago and a minute later by each number.
fn run(id: u64, text: &str) -> Attempt {
    let (named, said) = text.split_once(' ').unwrap();
    let CheckName { name, app } = check_name(named);
    let (status, conclusion) = match said.split_once('/') {
        Some((status, conclusion)) => (status, Some(conclusion.to_owned())),
        None => (said, None),
    };
    let minutes = i64::try_from(id).unwrap() - 10;
    let now: jiff::Timestamp = NOW.parse().unwrap();
    Attempt {
        id: Some(id),
        name,
        app,
        commit: Some(COMMIT.to_owned()),
        status: status.to_owned(),
        conclusion,
        since: Some(now + jiff::SignedDuration::from_mins(minutes)),
    }
}

fn runs(texts: &[&str]) -> Readable<Attempt> {
    let numbered = (1..).zip(texts);
    Readable::Known(numbered.map(|(id, text)| run(id, text)).collect())
}

fn known<T>() -> Readable<T> {
    Readable::Known(Vec::new())
}

fn refused<T>() -> Readable<T> {
    Readable::Refused("403, the token needs checks: read".to_owned())
}

fn required(names: &[&str]) -> Readable<CheckName> {
    Readable::Known(names.iter().map(|name| check_name(name)).collect())
}

fn judged(
    required: &Readable<CheckName>,
    runs: &Readable<Attempt>,
    statuses: &Readable<Attempt>,
) -> GateReport {
    judged_as(&Checks::Required, required, runs, statuses)
}

fn judged_as(
    wanted: &Checks,
    required: &Readable<CheckName>,
    runs: &Readable<Attempt>,
    statuses: &Readable<Attempt>,
) -> GateReport {
    GateReport::new(judge_checks(ChecksInput {
        commit: COMMIT,
        wanted,
        required,
        runs,
        statuses,
        now: NOW.parse().unwrap(),
    }))
}

/// The results as lines: `e2e: failed, timed out`.
fn lines(report: &GateReport) -> Vec<String> {
    let results = report.results.iter();
    results
        .map(|result| format!("{}: {}, {}", result.name, result.state, result.words()))
        .collect()
}

#[test]
fn rule_11_every_conclusion_of_a_check_run() {
    let table = [
        ("completed/success", true, "passed, success"),
        ("completed/neutral", true, "passed, neutral"),
        ("completed/skipped", true, "passed, skipped"),
        ("completed/failure", false, "failed, failure"),
        ("completed/cancelled", false, "failed, cancelled"),
        ("completed/timed_out", false, "failed, timed out"),
        ("completed/stale", false, "failed, stale"),
        (
            "completed/startup_failure",
            false,
            "failed, failed to start",
        ),
        (
            "completed/action_required",
            false,
            "waiting, needs an action by a person 9 min",
        ),
        (
            "completed/moonshine",
            false,
            "unreadable, its conclusion has the unknown value `moonshine`",
        ),
        ("completed", false, "unreadable, its conclusion is missing"),
        ("queued", false, "waiting, queued 9 min"),
        ("in_progress", false, "waiting, in progress 9 min"),
        ("pending", false, "waiting, pending 9 min"),
        ("waiting", false, "waiting, waiting 9 min"),
        ("requested", false, "waiting, requested 9 min"),
        (
            "abandoned",
            false,
            "unreadable, its status has the unknown value `abandoned`",
        ),
    ];
    for (said, is_green, words) in table {
        let report = judged(
            &required(&["e2e"]),
            &runs(&[&format!("e2e@ci {said}")]),
            &known(),
        );
        assert_eq!(lines(&report), [format!("e2e: {words}")]);
        assert_eq!(report.is_green, is_green, "{said}");
    }
}

#[test]
fn rule_11_every_state_of_a_commit_status() {
    let table = [
        ("success", true, "passed, success"),
        ("pending", false, "waiting, pending 9 min"),
        ("failure", false, "failed, failure"),
        ("error", false, "failed, error"),
        (
            "neutral",
            false,
            "unreadable, its state has the unknown value `neutral`",
        ),
        ("", false, "unreadable, its state is missing"),
    ];
    for (said, is_green, words) in table {
        let report = judged(
            &required(&["zuul"]),
            &known(),
            &runs(&[&format!("zuul {said}")]),
        );
        assert_eq!(lines(&report), [format!("zuul: {words}")]);
        assert_eq!(report.is_green, is_green, "{said}");
    }
}

#[test]
fn rule_11_the_latest_attempt_counts_whatever_came_before() {
    let green = |texts: &[&str]| judged(&required(&["e2e"]), &runs(texts), &known()).is_green;
    assert!(green(&[
        "e2e@ci completed/failure",
        "e2e@ci completed/success"
    ]));
    assert!(
        green(&["e2e@ci completed/cancelled", "e2e@ci completed/success"]),
        "superseded"
    );
    assert!(!green(&[
        "e2e@ci completed/success",
        "e2e@ci completed/failure"
    ]));
    assert!(
        !green(&["e2e@ci completed/success", "e2e@ci queued"]),
        "it runs again"
    );
    // The order of the forge's answer says nothing.
    let Readable::Known(mut turned) =
        runs(&["e2e@ci completed/success", "e2e@ci completed/failure"])
    else {
        unreachable!()
    };
    turned.reverse();
    assert!(!judged(&required(&["e2e"]), &Readable::Known(turned), &known()).is_green);
}

#[test]
fn rule_11_without_numbers_the_time_counts_and_without_a_time_the_worse() {
    let without = |texts: &[&str], timed: bool| {
        let Readable::Known(mut all) = runs(texts) else {
            unreachable!()
        };
        for attempt in &mut all {
            attempt.id = None;
            attempt.since = attempt.since.filter(|_| timed);
        }
        judged(&required(&["zuul"]), &known(), &Readable::Known(all)).is_green
    };
    assert!(without(&["zuul failure", "zuul success"], true));
    assert!(!without(&["zuul success", "zuul failure"], true));
    assert!(!without(&["zuul failure", "zuul success"], false));
    assert!(!without(&["zuul success", "zuul pending"], false));
}

#[test]
fn rule_11_statuses_and_check_runs_together() {
    let both = |run: &str, status: &str| {
        let run = format!("e2e@ci completed/{run}");
        judged(
            &required(&["e2e"]),
            &runs(&[&run]),
            &runs(&[&format!("e2e {status}")]),
        )
    };
    assert!(both("success", "success").is_green);
    assert_eq!(lines(&both("success", "failure")), ["e2e: failed, failure"]);
    assert_eq!(
        lines(&both("cancelled", "success")),
        ["e2e: failed, cancelled"]
    );
    let report = judged(
        &required(&["lint", "zuul"]),
        &runs(&["lint@ci completed/success"]),
        &runs(&["zuul success"]),
    );
    assert!(report.is_green, "{report:?}");
}

#[test]
fn rule_11_one_name_from_two_apps() {
    let two = runs(&["e2e@ci completed/success", "e2e@other completed/failure"]);
    let of = |name: &str| judged(&required(&[name]), &two, &known());
    assert_eq!(lines(&of("e2e")), ["e2e: failed, failure"]);
    assert_eq!(lines(&of("e2e@ci")), ["e2e (ci): passed, success"]);
    assert_eq!(lines(&of("e2e@other")), ["e2e (other): failed, failure"]);
    assert_eq!(
        lines(&of("e2e@third")),
        ["e2e (third): missing, has not reported; ci, other has, under the same name"]
    );
    // A status whose app is not known proves nothing of an app.
    let report = judged(&required(&["e2e@ci"]), &known(), &runs(&["e2e success"]));
    assert!(!report.is_green, "{report:?}");
}

#[test]
fn rule_11_what_is_not_there_is_not_green() {
    let none = judged(&required(&["e2e", "lint"]), &known(), &known());
    let nothing = "missing, no check has reported on the commit";
    assert_eq!(
        lines(&none),
        [format!("e2e: {nothing}"), format!("lint: {nothing}")]
    );
    let other = judged(
        &required(&["e2e"]),
        &runs(&["lint@ci completed/success"]),
        &known(),
    );
    assert_eq!(
        lines(&other),
        ["e2e: missing, has not reported on the commit"]
    );
    let unasked = judged(&known(), &runs(&["lint@ci completed/success"]), &known());
    assert_eq!(
        lines(&unasked),
        [
            "required checks: missing, the base branch requires no check, and `gate.checks` names none"
        ]
    );
    for report in [none, other, unasked, GateReport::new(Vec::new())] {
        assert!(!report.is_green, "{report:?}");
    }
    // A success on another commit is none on this one.
    let stale = Attempt {
        commit: Some("f".repeat(40)),
        ..run(1, "e2e@ci completed/success")
    };
    let report = judged(&required(&["e2e"]), &Readable::Known(vec![stale]), &known());
    assert!(!report.is_green, "{report:?}");
}

#[test]
fn rule_11_what_cannot_be_read_is_not_green() {
    let why = "unreadable, 403, the token needs checks: read";
    let passed = runs(&["e2e@ci completed/success"]);
    let of =
        |required: &Readable<CheckName>, runs: &Readable<Attempt>, statuses: &Readable<Attempt>| {
            let report = judged(required, runs, statuses);
            assert!(!report.is_green, "{report:?}");
            lines(&report)
        };
    assert_eq!(
        of(&required(&["e2e"]), &refused(), &runs(&["e2e success"])),
        [format!("e2e: {why}")]
    );
    assert_eq!(
        of(&required(&["e2e"]), &passed, &refused()),
        [format!("e2e: {why}")]
    );
    assert_eq!(
        of(&refused(), &passed, &known()),
        [format!("required checks: {why}")]
    );
    // What is known to have failed is said all the same.
    let failed = runs(&["e2e@ci completed/failure"]);
    assert_eq!(
        of(&required(&["e2e"]), &failed, &refused()),
        ["e2e: failed, failure"]
    );
}

#[test]
fn configured_checks_stand_beside_required_ones() {
    let names = Checks::Names(vec![check_name("e2e")]);
    let passed = runs(&["e2e@ci completed/success"]);
    let report = judged_as(&names, &required(&["lint"]), &passed, &known());
    assert_eq!(
        lines(&report),
        [
            "e2e: passed, success",
            "lint: missing, has not reported on the commit"
        ]
    );
    // Who names checks does not depend on the right to read those of the branch.
    assert!(judged_as(&names, &refused(), &passed, &known()).is_green);
    assert!(judged_as(&names, &required(&["e2e"]), &passed, &known()).is_green);
    let none = judged_as(&Checks::None, &required(&["e2e"]), &known(), &known());
    assert_eq!(
        lines(&none),
        ["checks of the forge: skipped, `gate.checks` is `none`"]
    );
    assert!(!none.is_green, "nothing is proved by it alone");
}

#[test]
fn waiting_is_told_by_its_age() {
    let ages = [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172_800, "2 days"),
        (-5, "0 s"),
    ];
    for (seconds, expected) in ages {
        let now: jiff::Timestamp = NOW.parse().unwrap();
        let attempt = Attempt {
            since: Some(now - jiff::SignedDuration::from_secs(seconds)),
            ..run(1, "e2e-1.34@ci queued")
        };
        let report = judged(
            &required(&["e2e-1.34"]),
            &Readable::Known(vec![attempt]),
            &known(),
        );
        assert_eq!(
            lines(&report),
            [format!("e2e-1.34: waiting, queued {expected}")]
        );
        // The age is apart: a body that changed by the minute would be written by every run.
        assert_eq!(report.results[0].detail, "queued");
        assert_eq!(report.reason().unwrap(), "check e2e-1.34 has not finished");
    }
}

#[test]
fn a_hold_names_the_worst_first() {
    let result = |kind, name: &str, state| TestResult::new(kind, name, state, "");
    let report = |results: Vec<TestResult>| GateReport::new(results).reason();
    assert_eq!(
        report(vec![
            result(Proof, "check", Passed),
            result(Command, "x", Skipped)
        ]),
        None
    );
    assert_eq!(
        report(vec![result(Command, "e2e", Failed)]).unwrap(),
        "test e2e failed"
    );
    assert_eq!(
        report(vec![
            result(Check, "a", Waiting),
            result(Check, "b", Failed),
            result(Command, "c", Failed)
        ])
        .unwrap(),
        "test c failed, and 2 more"
    );
    assert_eq!(
        report(vec![
            result(Check, "a", Missing),
            result(Proof, "p", Passed)
        ])
        .unwrap(),
        "check a has not reported"
    );
    assert_eq!(
        report(vec![result(Check, "a", Skipped)]).unwrap(),
        "nothing was tested"
    );
}

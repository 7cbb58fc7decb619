//! What the tests of a change say to its pull request: rule 11, and defaults that are red.

use std::fs;

use super::gate_of;
use crate::support::github::PERSON;
use crate::support::hosted::{BRANCH, Hosted, KEYS, PATCH, all, of, outcomes};

#[test]
fn rule_11_a_draft_becomes_ready_when_its_checks_are_green_on_the_very_commit_and_a_draft_again_when_not()
 {
    let hosted = Hosted::with("gate: {checks: [e2e]}\n");
    hosted.outcomes();
    let number = hosted.number();
    assert!(hosted.server.state().pull(number).draft);
    let state = hosted.server.state();
    let main = state.head("main").unwrap();
    drop(state);
    // A check of another commit proves nothing.
    hosted.server.state().check(main, "e2e", Some("success"));
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    assert!(hosted.server.state().pull(number).draft);
    let head = hosted.server.state().head(BRANCH).unwrap();
    hosted.server.state().check(head, "e2e", None);
    let said = hosted.run(&[]);
    assert!(said.stdout.contains("e2e"), "{}", said.stdout);
    assert!(hosted.server.state().pull(number).draft);
    hosted.server.state().check(head, "e2e", Some("success"));
    assert_eq!(of(&hosted.outcomes(), PATCH), "refreshed");
    assert!(!hosted.server.state().pull(number).draft);
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    assert!(hosted.server.mutations().is_empty());
    hosted.server.state().check(head, "e2e", Some("failure"));
    assert_eq!(of(&hosted.outcomes(), PATCH), "refreshed");
    assert!(hosted.server.state().pull(number).draft);
}

#[test]
fn a_red_test_holds_the_default_and_lets_lists_grow() {
    let command = r#"test "$CSCTL_MATRIX_VERSION" = "$CSCTL_MATRIX_PREVIOUS""#;
    let hosted = Hosted::with(&format!(
        "gate:\n  checks: none\n  commands:\n  - name: e2e\n    run: {command:?}\n"
    ));
    hosted.outcomes();
    let state = hosted.server.state();
    let head = state.head(BRANCH).unwrap();
    let csctl = state
        .file(head, "providers/openstack/scs2/csctl.yaml")
        .unwrap();
    assert!(csctl.contains("v1.34.6"), "the default stays: {csctl}");
    let list = state
        .file(head, "providers/openstack/scs2/kubernetes.yaml")
        .unwrap();
    assert!(list.contains("v1.34.8"), "the list grows: {list}");
    let number = state.find_open(BRANCH, "main").unwrap();
    let body = state.pull(number).body.clone();
    assert!(body.contains("e2e"), "{body}");
    drop(state);
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    assert!(
        hosted.server.mutations().is_empty(),
        "{:?}",
        hosted.server.mutations()
    );
}

#[test]
fn a_red_test_is_remembered_as_red_and_the_draft_stays_one() {
    let hosted = Hosted::with(&gate_of("false"));
    assert_eq!(hosted.outcomes(), all("opened"));
    hosted.server.clear_log();
    let said = hosted.run(&[]);
    assert_eq!(outcomes(&said), all("up-to-date"));
    assert!(said.stdout.contains("draft: e2e failed"), "{}", said.stdout);
    assert!(hosted.server.mutations().is_empty());
    let state = hosted.server.state();
    assert!(state.open_pulls().iter().all(|pull| pull.draft));
    assert!(
        state
            .open_pulls()
            .iter()
            .all(|pull| pull.body.contains("| e2e | failed |"))
    );
}

#[test]
fn tests_are_repeated_when_the_base_moves_and_when_a_person_asks_and_never_else() {
    let folder = tempfile::tempdir().unwrap();
    let (runs, broken) = (folder.path().join("runs"), folder.path().join("broken"));
    fs::write(&broken, "").unwrap();
    let run = format!(
        "echo $CSCTL_MATRIX_LINE >> {}; test ! -e {}",
        runs.display(),
        broken.display()
    );
    let hosted = Hosted::with(&gate_of(&run));
    let count = || {
        fs::read_to_string(&runs)
            .unwrap_or_default()
            .lines()
            .count()
    };
    hosted.outcomes();
    let first = count();
    assert!(first >= KEYS.len(), "{first}");
    hosted.outcomes();
    assert_eq!(count(), first, "the same change on the same base");
    // The test environment is repaired, and a person asks for one pull request by label.
    fs::remove_file(&broken).unwrap();
    assert_eq!(hosted.outcomes(), all("up-to-date"));
    assert_eq!(count(), first);
    let number = hosted.number();
    hosted.server.state().label(number, "csctl-matrix/again");
    assert_eq!(of(&hosted.outcomes(), PATCH), "refreshed");
    let pull = hosted.server.state().pull(number).clone();
    assert!(
        !pull.draft && pull.body.contains("| e2e | passed |"),
        "{}",
        pull.body
    );
    assert!(!pull.labels.contains(&"csctl-matrix/again".to_owned()));
    // The base moves: all are made and tested anew, and are green.
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    let before = count();
    assert_eq!(hosted.outcomes(), all("refreshed"));
    assert_eq!(count(), before + KEYS.len());
    assert!(
        hosted
            .server
            .state()
            .open_pulls()
            .iter()
            .all(|pull| !pull.draft)
    );
    assert_eq!(hosted.outcomes(), all("up-to-date"));
    assert_eq!(count(), before + KEYS.len());
}

#[test]
fn a_default_that_is_red_and_has_nothing_else_to_bring_waits_as_a_draft() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let run = format!(
        r#"echo run >> {}; test "$CSCTL_MATRIX_VERSION" = "$CSCTL_MATRIX_PREVIOUS""#,
        runs.display()
    );
    let hosted = Hosted::of("[new-patch]", &gate_of(&run));
    hosted.outcomes();
    let merge = |hosted: &Hosted| {
        let number = hosted.number();
        let mut state = hosted.server.state();
        state.pull_mut(number).draft = false;
        state.merge(number, PERSON, "squash").unwrap();
        state.delete_branch(BRANCH);
    };
    // The list has grown; what is left is the default.
    merge(&hosted);
    let count = || fs::read_to_string(&runs).unwrap().lines().count();
    let before = count();
    assert_eq!(of(&hosted.outcomes(), PATCH), "opened");
    let others = 1 + 2; // on the new base: 1.32, which has no default to move; all of 1.33, then with its default held back
    assert_eq!(count(), before + others + 1);
    let number = hosted.number();
    let pull = hosted.server.state().pull(number).clone();
    assert!(pull.draft && pull.title.contains("Move openstack-scs2-1-34 to v1.34.8"));
    let after = count();
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    assert_eq!(count(), after);
    assert!(hosted.server.mutations().is_empty());
}

#[test]
fn rule_11_tests_are_made_once_on_a_base_that_a_person_merged_and_on_one_that_moved_in_name_alone()
{
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let hosted = Hosted::of(
        "[new-patch]",
        &gate_of(&format!("echo run >> {}", runs.display())),
    );
    let count = || fs::read_to_string(&runs).unwrap().lines().count();
    hosted.outcomes();
    // An empty commit, as one that starts CI.
    hosted.server.state().push("main", &[]);
    hosted.outcomes();
    let once = count();
    hosted.server.clear_log();
    hosted.outcomes();
    assert_eq!(count(), once, "on an empty commit");
    assert!(hosted.server.mutations().is_empty());
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    for branch in ["1-32", "1-33", "1-34"] {
        let branch = format!("csctl-matrix/main/openstack-scs2/{branch}/new-patch");
        hosted.server.state().merge_branch(&branch, "main");
    }
    hosted.outcomes();
    let once = count();
    hosted.server.clear_log();
    hosted.outcomes();
    assert_eq!(count(), once, "after the base was merged into it");
    assert!(hosted.server.mutations().is_empty());
}

#[test]
fn rule_14_nothing_is_tested_that_a_ceiling_leaves_to_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let gate = gate_of(&format!("echo run >> {}", runs.display()));
    let hosted = Hosted::of("[new-patch]", &format!("  atMost: {{opened: 1}}\n{gate}"));
    for nth in 1..=3 {
        let said = hosted.run(&[]);
        assert_eq!(said.status, if nth < 3 { 5 } else { 0 }, "{}", said.stdout);
        let count = fs::read_to_string(&runs).unwrap().lines().count();
        assert_eq!(count, nth, "one more is opened and tested in each run");
    }
}

//! Branches that are pushed together: what goes wrong with one of them stays with it, and people who act in between are seen.

use crate::support::github::{self, Fault, PERSON};
use crate::support::hosted::{BRANCH, Hosted, KEYS, PATCH, all, of, outcomes};
use crate::support::program;

const PUSH: &str = "git-receive-pack";

fn pushes(hosted: &Hosted) -> usize {
    let mutations = hosted.server.mutations();
    mutations.iter().filter(|one| one.ends_with(PUSH)).count()
}

/// The outcomes of all keys but the one whose branch is [`BRANCH`].
fn others(ended: &[String]) -> Vec<String> {
    let mut others = ended.to_vec();
    others.retain(|one| !one.starts_with(PATCH));
    others
}

fn move_base(hosted: &Hosted) {
    let notes = [("NOTES.md", Some("Notes\n"))];
    hosted.server.state().push("main", &notes);
    hosted.server.clear_log();
}

/// Does something right before the nth look at the pull requests of [`BRANCH`].
fn before_look(hosted: &Hosted, nth: u32, act: fn(&mut github::State, u64)) {
    let number = hosted.number();
    let head = format!("head=acme%3A{}", BRANCH.replace('/', "%2F"));
    hosted
        .server
        .before("GET", &head, nth, move |state| act(state, number));
}

fn writes_to(hosted: &Hosted, number: u64) -> Vec<String> {
    let mut writes = hosted.server.mutations();
    writes.retain(|write| write.contains(&format!("/{number}")));
    writes
}

#[test]
fn branches_are_pushed_together_before_their_pull_requests_are_opened_or_changed() {
    let hosted = Hosted::start();
    for ended in ["opened", "refreshed"] {
        assert_eq!(hosted.outcomes(), all(ended));
        let mutations = hosted.server.mutations();
        assert!(mutations[0].ends_with(PUSH), "{mutations:?}");
        assert_eq!(pushes(&hosted), 1, "{mutations:?}");
        move_base(&hosted);
    }
}

#[test]
fn rule_5_a_refused_branch_holds_up_no_other() {
    let hosted = Hosted::start();
    let hook = hosted.server.git_path().join("hooks/pre-receive");
    let refuse = format!(
        "while read -r old new name; do [ $name != refs/heads/{BRANCH} ] || {{ echo frozen >&2; exit 1; }}; done"
    );
    program::install_script(&hook, &refuse);
    let said = hosted.run(&[]);
    let ended = outcomes(&said);
    assert_eq!(of(&ended, PATCH), "failed");
    assert!(said.stdout.contains("frozen"), "{}", said.stdout);
    assert_eq!(others(&ended), others(&all("opened")));
    assert_eq!(hosted.server.state().head(BRANCH), None);
}

#[test]
fn rule_5_a_branch_that_somebody_makes_in_between_is_theirs_and_holds_up_no_other() {
    let hosted = Hosted::start();
    hosted.server.before("POST", PUSH, 1, |state| {
        let main = state.head("main").unwrap();
        state.set_head(BRANCH, main);
        state.push(BRANCH, &[("mine.txt", Some("mine\n"))]);
    });
    let ended = outcomes(&hosted.run(&[]));
    assert_eq!(of(&ended, PATCH), "overtaken");
    assert_eq!(others(&ended), others(&all("opened")));
    let state = hosted.server.state();
    let head = state.head(BRANCH).unwrap();
    assert!(state.file(head, "mine.txt").is_some());
    assert_eq!(state.find_open(BRANCH, "main"), None);
}

#[test]
fn rule_13_a_push_whose_answer_is_lost_is_looked_up_and_not_repeated() {
    let hosted = Hosted::start();
    hosted
        .server
        .fault("POST", PUSH, 1, Fault::StatusAfter(502));
    assert_eq!(hosted.outcomes(), all("opened"));
    assert_eq!(pushes(&hosted), 1);
    // One that was not done is done for each branch.
    let hosted = Hosted::start();
    hosted.server.fault("POST", PUSH, 1, Fault::Status(503));
    assert_eq!(hosted.outcomes(), all("opened"));
    assert_eq!(pushes(&hosted), 1 + KEYS.len());
}

#[test]
fn rule_7_a_stop_label_before_the_push_or_before_the_text_is_seen() {
    let stop = |state: &mut github::State, number: u64| state.label(number, "csctl-matrix/stop");
    for (nth, is_pushed) in [(1, false), (2, true)] {
        let hosted = Hosted::opened();
        let number = hosted.number();
        let head = hosted.server.state().head(BRANCH);
        move_base(&hosted);
        before_look(&hosted, nth, stop);
        let ended = hosted.outcomes();
        assert!(hosted.server.unused().is_empty());
        assert_eq!(of(&ended, PATCH), "stopped");
        assert_eq!(others(&ended), others(&all("refreshed")));
        assert_eq!(hosted.server.state().head(BRANCH) != head, is_pushed);
        assert_eq!(writes_to(&hosted, number), [""; 0]);
        // What was begun is finished when the label is taken away.
        hosted.server.state().unlabel(number, "csctl-matrix/stop");
        assert_eq!(of(&hosted.outcomes(), PATCH), "refreshed");
        assert_eq!(hosted.outcomes(), all("up-to-date"));
    }
}

#[test]
fn rule_8_a_close_between_push_and_text_stands() {
    let close = |state: &mut github::State, number: u64| state.close(number, PERSON);
    let hosted = Hosted::opened();
    let number = hosted.number();
    move_base(&hosted);
    before_look(&hosted, 2, close);
    assert_eq!(of(&hosted.outcomes(), PATCH), "silenced");
    assert!(!hosted.server.state().pull(number).is_open);
    assert_eq!(writes_to(&hosted, number), [""; 0]);
    assert_eq!(of(&hosted.outcomes(), PATCH), "silenced");
}

#[test]
fn what_commands_have_tested_is_pushed_at_once() {
    let gate = "gate:\n  checks: none\n  commands:\n  - {name: e2e, run: 'true'}\n";
    let hosted = Hosted::with(gate);
    assert_eq!(hosted.outcomes(), all("opened"));
    assert_eq!(pushes(&hosted), KEYS.len());
}

#[test]
fn a_ceiling_ends_a_push_of_several_where_it_ends_one() {
    let hosted = Hosted::with("  atMost: {opened: 3, pushed: 4}\n");
    let first = hosted.run(&[]);
    assert_eq!(first.status, 5);
    assert_eq!(hosted.server.state().open_pulls().len(), 3);
    assert_eq!(pushes(&hosted), 1);
    hosted.outcomes();
    assert_eq!(hosted.server.state().open_pulls().len(), KEYS.len());
    move_base(&hosted);
    let ended = outcomes(&hosted.run(&[]));
    let count = |what: &str| ended.iter().filter(|one| one.ends_with(what)).count();
    assert_eq!((count("refreshed"), count("ceiling")), (4, 1), "{ended:?}");
}

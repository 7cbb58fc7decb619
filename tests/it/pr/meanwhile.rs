//! People who act while tests run, and settings that change between runs: what they did last counts.

use crate::support::github::{self, PERSON};
use crate::support::hosted::{BRANCH, Hosted, PATCH, of, outcomes};
use crate::support::program::{self, Said};
use std::fs;

const ADDONS: &str = "openstack-scs2-1-34 addons";

/// What a person does to a pull request.
type Act = fn(&mut github::State, u64);

fn stop(state: &mut github::State, number: u64) {
    state
        .pull_mut(number)
        .labels
        .push("CSCTL-matrix/Stop".to_owned());
}

fn queue(state: &mut github::State, number: u64) {
    state.pull_mut(number).in_queue = true;
}

fn close(state: &mut github::State, number: u64) {
    let now = state.tick();
    let pull = state.pull_mut(number);
    pull.is_open = false;
    pull.closed = Some((now, PERSON.to_owned()));
}

/// A repository with open pull requests whose base has moved since, so that the next run would bring them up to date. Each test of a
/// change leaves a line in a file.
struct Moved {
    hosted: Hosted,
    folder: tempfile::TempDir,
}

impl Moved {
    fn start() -> Self {
        let gate = "gate:\n  commands:\n  - {name: count, run: 'echo x >> \"$COUNT\"'}\n";
        let moved = Self {
            hosted: Hosted::with(gate),
            folder: tempfile::tempdir().unwrap(),
        };
        moved.run();
        let values = "providers/openstack/scs2/cluster-class/values.yaml";
        let mut state = moved.hosted.server.state();
        let main = state.head("main").unwrap();
        let text = state.file(main, values).unwrap();
        state.push("main", &[(values, Some(&format!("# Moved.\n{text}")))]);
        drop(state);
        moved.hosted.server.clear_log();
        let _ = fs::remove_file(moved.counted());
        moved
    }

    fn counted(&self) -> std::path::PathBuf {
        self.folder.path().join("count")
    }

    /// How many changes were tested.
    fn tests(&self) -> usize {
        fs::read_to_string(self.counted()).map_or(0, |text| text.lines().count())
    }

    fn run(&self) -> Vec<String> {
        let output = self
            .hosted
            .command(&[])
            .env("COUNT", self.counted())
            .output();
        let said: Said = output.unwrap().into();
        assert_eq!(said.status, 0, "{}\n{}", said.stdout, said.stderr);
        outcomes(&said)
    }

    /// Does something when the pull requests of the branch are looked at for the second time: after its tests, before anything is written.
    fn while_tests_run(&self, act: Act) {
        let number = self.hosted.number();
        let pulls = format!("head=acme%3A{}", BRANCH.replace('/', "%2F"));
        self.hosted
            .server
            .before("GET", &pulls, 2, move |state| act(state, number));
    }

    fn writes_to(&self, number: u64) -> Vec<String> {
        let path = format!("/pulls/{number}");
        let mut writes = self.hosted.server.mutations();
        writes.retain(|write| write.contains(&path));
        writes
    }
}

#[test]
fn rule_7_a_stop_label_or_a_queue_while_tests_run_is_seen_before_anything_is_written() {
    for (act, ended) in [(stop as Act, "stopped"), (queue, "queued")] {
        let moved = Moved::start();
        let number = moved.hosted.number();
        let head = moved.hosted.server.state().head(BRANCH);
        moved.while_tests_run(act);
        assert_eq!(of(&moved.run(), PATCH), ended);
        assert!(
            moved.hosted.server.unused().is_empty(),
            "{:?}",
            moved.hosted.server.unused()
        );
        assert_eq!(moved.hosted.server.state().head(BRANCH), head);
        assert_eq!(moved.writes_to(number), [""; 0]);
        // From then on nothing is tested for it.
        let before = moved.tests();
        assert_eq!(of(&moved.run(), PATCH), ended);
        assert_eq!(moved.tests(), before);
    }
}

#[test]
fn rule_8_a_close_while_tests_run_is_a_no_to_what_the_person_saw() {
    let moved = Moved::start();
    let number = moved.hosted.number();
    let before = moved.hosted.server.state().pull(number).clone();
    moved.while_tests_run(close);
    assert_eq!(of(&moved.run(), PATCH), "silenced");
    let state = moved.hosted.server.state();
    assert_eq!(
        state.head(BRANCH),
        Some(before.head),
        "so it can be opened again"
    );
    assert_eq!(state.pull(number).body, before.body);
    drop(state);
    let tests = moved.tests();
    assert_eq!(of(&moved.run(), PATCH), "silenced");
    assert_eq!(moved.tests(), tests, "what was refused is not tested");
}

#[test]
fn rule_8_a_no_holds_where_somebody_has_rewritten_the_body() {
    for body in ["", "I do not want this."] {
        let hosted = Hosted::opened();
        let number = hosted.number();
        let mut state = hosted.server.state();
        state.pull_mut(number).body = body.to_owned();
        close(&mut state, number);
        drop(state);
        assert_eq!(of(&hosted.outcomes(), PATCH), "silenced");
        assert_eq!(of(&hosted.outcomes(), PATCH), "silenced");
    }
}

#[test]
fn rule_2_nobody_s_words_are_replaced() {
    let moved = Moved::start();
    let number = moved.hosted.number();
    let mut state = moved.hosted.server.state();
    let pull = state.pull_mut(number);
    pull.title = "Ask Ada first".to_owned();
    pull.body = String::new();
    pull.labels.clear();
    drop(state);
    assert_eq!(of(&moved.run(), PATCH), "refreshed");
    let state = moved.hosted.server.state();
    assert_eq!(state.pull(number).title, "Ask Ada first");
    assert!(state.pull(number).body.contains("v1.34.8"));
    assert_eq!(state.pull(number).labels, [""; 0]);
    drop(state);
    let text = "Ada says yes.";
    let mut state = moved.hosted.server.state();
    let body = format!("{text}\n\n{}", state.pull(number).body);
    state.pull_mut(number).body.clone_from(&body);
    drop(state);
    assert_eq!(of(&moved.run(), PATCH), "up-to-date");
    assert_eq!(moved.hosted.server.state().pull(number).body, body);
}

#[test]
fn an_empty_title_template_gives_the_usual_title() {
    let hosted = Hosted::with("  templates: {title: '', commit: '  '}\n");
    hosted.outcomes();
    let number = hosted.number();
    let state = hosted.server.state();
    assert_eq!(
        state.pull(number).title,
        "Move openstack-scs2-1-34 to v1.34.8"
    );
}

#[test]
fn a_branch_that_may_not_be_force_pushed_gets_a_commit_on_top() {
    for commits in ["git", "api"] {
        let moved = Moved::start();
        let hosted = &moved.hosted;
        let commits_line = format!("  commits: {commits}\ngate:");
        let config = hosted.config.replace("gate:", &commits_line);
        hosted
            .server
            .state()
            .push("main", &[("csctl-matrix.yaml", Some(&config))]);
        hosted.clone.git(&[
            "-C",
            &hosted.server.git_path().display().to_string(),
            "config",
            "receive.denyNonFastForwards",
            "true",
        ]);
        let rules = github::BranchRules {
            no_force_push: true,
            ..github::BranchRules::default()
        };
        hosted
            .server
            .state()
            .rules
            .insert("csctl-matrix/*".to_owned(), rules.clone());
        hosted.server.state().rules.insert(BRANCH.to_owned(), rules);
        let number = hosted.number();
        let before = hosted.server.state().head(BRANCH).unwrap();
        assert_eq!(of(&moved.run(), PATCH), "refreshed", "{commits}");
        let state = hosted.server.state();
        let head = state.head(BRANCH).unwrap();
        let parents: Vec<git2::Oid> = state.git.find_commit(head).unwrap().parent_ids().collect();
        assert_eq!(parents, [before, state.head("main").unwrap()]);
        assert!(state.pull(number).is_open);
        drop(state);
        hosted.server.clear_log();
        assert_eq!(of(&moved.run(), PATCH), "up-to-date");
        assert_eq!(hosted.server.mutations(), [""; 0], "{commits}");
    }
}

#[test]
fn a_refused_push_leaves_everything_as_it_was() {
    let moved = Moved::start();
    let hook = moved.hosted.server.git_path().join("hooks/pre-receive");
    program::install_script(&hook, "echo frozen >&2\nexit 1");
    let number = moved.hosted.number();
    let before = moved.hosted.server.state().pull(number).clone();
    let output = moved
        .hosted
        .command(&[])
        .env("COUNT", moved.counted())
        .output();
    let said: Said = output.unwrap().into();
    assert_eq!(said.status, 1);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let all = report["outcomes"].as_array().unwrap();
    let own = all.iter().find(|one| one["branch"] == BRANCH).unwrap();
    assert_eq!(
        (&own["ended"], &own["number"]),
        (&"failed".into(), &number.into()),
        "{own}"
    );
    let state = moved.hosted.server.state();
    let after = state.pull(number);
    assert_eq!(
        (&after.title, &after.body, after.head),
        (&before.title, &before.body, before.head)
    );
    drop(state);
    let mut written = moved.hosted.server.mutations();
    written.retain(|write| !write.ends_with("git-receive-pack"));
    assert_eq!(written, [""; 0]);
}

#[test]
fn a_repository_without_drafts_gets_ordinary_pull_requests() {
    let hosted = Hosted::with("gate: {checks: [e2e]}\n");
    hosted.server.state().settings.supports_drafts = false;
    let ended = hosted.outcomes();
    assert_eq!(of(&ended, PATCH), "opened");
    let number = hosted.number();
    assert!(!hosted.server.state().pull(number).draft);
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    assert_eq!(hosted.server.mutations(), [""; 0]);
}

#[test]
fn auto_merge_is_switched_off_when_the_configuration_asks_for_it_no_more() {
    let hosted = Hosted::opened();
    let number = hosted.number();
    let mut state = hosted.server.state();
    let author = state.pull(number).author.clone();
    let pull = state.pull_mut(number);
    pull.auto_merge = Some("squash".to_owned());
    pull.auto_merge_by = Some(author);
    drop(state);
    assert_eq!(of(&hosted.outcomes(), PATCH), "refreshed");
    assert_eq!(hosted.server.state().pull(number).auto_merge, None);
    // What a person has switched on stays on.
    let mut state = hosted.server.state();
    let pull = state.pull_mut(number);
    pull.auto_merge = Some("squash".to_owned());
    pull.auto_merge_by = Some(PERSON.to_owned());
    drop(state);
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    assert!(hosted.server.state().pull(number).auto_merge.is_some());
}

#[test]
fn rule_9_a_branch_that_somebody_s_pull_request_goes_to_is_kept() {
    let hosted = Hosted::opened_with_patches();
    let mut state = hosted.server.state();
    let head = state.head(BRANCH).unwrap();
    state.set_head("ada/more", head);
    state.push("ada/more", &[("more.md", Some("more\n"))]);
    let theirs = state.open("ada/more", BRANCH, "More");
    drop(state);
    hosted.do_by_hand();
    let said = hosted.run(&[]);
    assert_eq!(of(&outcomes(&said), PATCH), "closed", "{}", said.stderr);
    assert!(
        said.stdout
            .contains("it is the base of an open pull request"),
        "{}",
        said.stdout
    );
    let state = hosted.server.state();
    assert!(state.head(BRANCH).is_some() && state.pull(theirs).is_open);
}

#[test]
fn rule_3_a_person_who_does_nothing_while_tests_run_costs_no_write_in_the_next_run() {
    let moved = Moved::start();
    assert_eq!(of(&moved.run(), PATCH), "refreshed");
    assert_eq!(of(&moved.run(), ADDONS), "up-to-date");
    moved.hosted.server.clear_log();
    moved.run();
    assert_eq!(moved.hosted.server.mutations(), [""; 0]);
}

#[test]
fn rule_12_a_stop_label_right_before_the_merge_is_seen() {
    let hosted = Hosted::with("  autoMerge: merge\ngate: {checks: [e2e]}\n");
    let rules = github::BranchRules {
        required_checks: vec![("e2e".to_owned(), None)],
        ..github::BranchRules::default()
    };
    hosted.server.state().rules.insert("main".to_owned(), rules);
    hosted.outcomes();
    let number = hosted.number();
    hosted
        .server
        .before("GET", "/rules/branches/main", 1, move |state| {
            stop(state, number);
        });
    hosted.outcomes();
    assert!(
        hosted.server.unused().is_empty(),
        "{:?}",
        hosted.server.unused()
    );
    assert!(hosted.server.state().pull(number).is_open);
    assert_eq!(hosted.server.state().pull(number).auto_merge, None);
}

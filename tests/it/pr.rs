//! `pr` against a stateful stand-in for GitHub with a real git repository behind it: the whole program, rule by rule of docs/bot.md,
//! with people and faults in between.

use std::fs;

use crate::support::github::{self, Fault, PERSON, TOKEN};
use crate::support::hosted::{BRANCH, Hosted, KEYS, PATCH, all, files, of, outcomes};
use crate::support::program::{self, Copy, Said, project};

#[test]
fn the_documentation_shows_a_run_and_a_pull_request() {
    let hosted = Hosted::of("[new-patch]", "gate: {checks: [e2e]}\n");
    let said: Said = hosted.command_as("text", &[]).output().unwrap().into();
    let run = said.success();
    let number = hosted.number();
    let pull = hosted.server.state().pull(number).clone();
    let (body, _) = pull.body.split_once("\n\n<!-- csctl-matrix:v1").unwrap();
    // The diff is left out on the page.
    let (first, rest) = body.split_once("```diff\n").unwrap();
    let (_, last) = rest.rsplit_once("```\n").unwrap();
    let shown = format!("{first}...\n{last}");
    let page = fs::read_to_string(project().join("docs/bot.md")).unwrap();
    for text in [
        format!("```text\n{run}```\n"),
        format!("````markdown\n{}\n\n{shown}\n````\n", pull.title),
    ] {
        assert!(page.contains(&text), "docs/bot.md does not show\n{text}");
    }
}

#[test]
fn rule_3_a_second_run_writes_nothing() {
    let hosted = Hosted::start();
    assert_eq!(hosted.outcomes(), all("opened"));
    assert!(
        hosted.server.unknown().is_empty(),
        "{:?}",
        hosted.server.unknown()
    );
    hosted.server.clear_log();
    assert_eq!(hosted.outcomes(), all("up-to-date"));
    assert!(
        hosted.server.mutations().is_empty(),
        "{:?}",
        hosted.server.mutations()
    );
}

#[test]
fn rule_15_commits_are_signed_off_by_who_wrote_them_and_hold_one_change() {
    let hosted = Hosted::opened();
    let state = hosted.server.state();
    let head = state.head(BRANCH).unwrap();
    let repository = git2::Repository::open(hosted.server.git_path()).unwrap();
    let commit = repository.find_commit(head).unwrap();
    assert_eq!(commit.parent_count(), 1);
    assert_eq!(commit.parent_id(0).unwrap(), state.head("main").unwrap());
    let message = commit.message().unwrap();
    assert!(
        message.ends_with("Signed-off-by: Matrix Bot <bot@example.org>\n"),
        "{message}"
    );
    assert_eq!(message.matches("Signed-off-by").count(), 1);
    assert_eq!(commit.author().email(), Ok("bot@example.org"));
    let list = state
        .file(head, "providers/openstack/scs2/kubernetes.yaml")
        .unwrap();
    assert!(
        list.contains("v1.34.8") && !list.contains("v1.33.12"),
        "{list}"
    );
}

#[test]
fn rule_4_a_pull_request_is_made_anew_when_its_base_moves() {
    let hosted = Hosted::opened();
    let before = hosted.left();
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    assert_eq!(hosted.outcomes(), all("refreshed"));
    let after = hosted.left();
    assert_eq!(before, after, "the same pull requests, with the same texts");
    let state = hosted.server.state();
    let head = state.head(BRANCH).unwrap();
    assert!(
        state.file(head, "NOTES.md").is_some(),
        "it stands on the new base"
    );
}

#[test]
fn rules_6_and_7_a_person_s_commits_are_never_overwritten() {
    let hosted = Hosted::opened();
    let theirs = hosted
        .server
        .state()
        .push(BRANCH, &[("mine.txt", Some("mine\n"))]);
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    assert_eq!(of(&hosted.outcomes(), PATCH), "edited");
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "edited");
    assert!(
        hosted.server.mutations().is_empty(),
        "one comment, not two: {:?}",
        hosted.server.mutations()
    );
    let number = hosted.number();
    assert_eq!(hosted.server.state().head(BRANCH), Some(theirs));
    assert_eq!(hosted.comments(number).len(), 1);
    // Handed back by the label.
    hosted.server.state().label(number, "csctl-matrix/again");
    assert_eq!(of(&hosted.outcomes(), PATCH), "refreshed");
    assert_ne!(hosted.server.state().head(BRANCH), Some(theirs));
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
}

#[test]
fn rule_7_the_comment_on_an_edited_branch_holds_what_it_lacks() {
    let hosted = Hosted::opened();
    let csctl = "providers/openstack/scs2/csctl.yaml";
    let layout = files(&project().join("testdata/layout-c"));
    let of_branch = || -> Vec<(String, String)> {
        let state = hosted.server.state();
        let head = state.head(BRANCH).unwrap();
        let text = |path: &String| Some((path.clone(), state.file(head, path)?));
        layout.iter().filter_map(|(path, _)| text(path)).collect()
    };
    let proposed = of_branch();
    let old = &layout.iter().find(|(path, _)| path == csctl).unwrap().1;
    let edited = format!("{old}# See ```docs```.\n");
    hosted
        .server
        .state()
        .push(BRANCH, &[(csctl, Some(&edited))]);
    assert_eq!(of(&hosted.outcomes(), PATCH), "edited");
    let [comment] = &hosted.comments(hosted.number())[..] else {
        panic!("one comment");
    };
    let (_, patch) = comment.split_once("\n````diff\n").unwrap();
    let (patch, _) = patch.split_once("````\n").unwrap();
    let copy = Copy::of("layout-c");
    for (path, text) in of_branch() {
        copy.write(&path, &text);
    }
    copy.write("../patch", patch).commit();
    copy.git(&["apply", "../patch"]);
    for (path, text) in proposed {
        assert_eq!(copy.read(&path), text, "{path}");
    }
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "edited");
    assert_eq!(hosted.server.mutations(), [""; 0]);
}

#[test]
fn a_comment_of_somebody_else_is_not_taken_for_the_program_s() {
    let hosted = Hosted::opened();
    let number = hosted.number();
    let forged = "<!-- csctl-matrix:edited -->\nhello";
    hosted.server.state().comment(number, "stranger", forged);
    hosted
        .server
        .state()
        .push(BRANCH, &[("mine.txt", Some("mine\n"))]);
    assert_eq!(of(&hosted.outcomes(), PATCH), "edited");
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "edited");
    assert_eq!(hosted.server.mutations(), [""; 0]);
    let comments = hosted.comments(number);
    assert_eq!((comments.len(), comments[0].as_str()), (2, forged));
    assert!(comments[1].contains("it differs"), "{comments:?}");
    // What is not wanted any more is said in the same place.
    hosted.do_by_hand();
    assert_eq!(of(&hosted.outcomes(), PATCH), "edited");
    let comments = hosted.comments(number);
    assert_eq!((comments.len(), comments[0].as_str()), (2, forged));
    assert!(comments[1].contains("is no longer needed"), "{comments:?}");
}

#[test]
fn rule_5_a_person_who_pushes_in_between_is_not_overwritten() {
    let hosted = Hosted::opened();
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    hosted
        .server
        .before("POST", "git-receive-pack", 1, |state| {
            for branch in state
                .branches()
                .into_keys()
                .filter(|name| name.starts_with("csctl-matrix/"))
            {
                state.push(&branch, &[("mine.txt", Some("mine\n"))]);
            }
        });
    let said = hosted.run(&[]);
    let first = outcomes(&said);
    assert!(
        first
            .iter()
            .all(|outcome| outcome.ends_with(": overtaken") || outcome.ends_with(": edited")),
        "{first:?}"
    );
    let state = hosted.server.state();
    for branch in state
        .branches()
        .into_keys()
        .filter(|name| name.starts_with("csctl-matrix/"))
    {
        let head = state.head(&branch).unwrap();
        assert!(state.file(head, "mine.txt").is_some(), "{branch}");
    }
}

#[test]
fn rule_8_closed_means_no_until_the_change_is_another_one() {
    let hosted = Hosted::opened();
    let number = hosted.number();
    hosted.server.state().close(number, PERSON);
    hosted.server.state().delete_branch(BRANCH);
    assert_eq!(of(&hosted.outcomes(), PATCH), "silenced");
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "silenced");
    assert!(hosted.server.mutations().is_empty());
    hosted.server.state().label(number, "csctl-matrix/again");
    assert_eq!(of(&hosted.outcomes(), PATCH), "opened");
    let again = hosted.number();
    assert!(
        hosted
            .server
            .state()
            .pull(again)
            .body
            .contains(&format!("#{number}"))
    );
}

#[test]
fn rule_9_a_reason_that_is_gone_closes_it_with_a_comment_and_deletes_the_branch() {
    let hosted = Hosted::opened();
    let number = hosted.number();
    hosted.do_by_hand();
    assert_eq!(of(&hosted.outcomes(), PATCH), "closed");
    let state = hosted.server.state();
    assert_eq!(state.head(BRANCH), None);
    let mut comments = state
        .comments
        .iter()
        .filter(|comment| comment.number == number);
    assert!(comments.any(|comment| comment.body.contains("no longer needed on main")));
    drop(state);
    assert_eq!(of(&hosted.outcomes(), PATCH), "none");
}

#[test]
fn a_merged_pull_request_is_followed_by_nothing() {
    let hosted = Hosted::opened();
    let number = hosted.number();
    hosted.server.state().pull_mut(number).draft = false;
    hosted
        .server
        .state()
        .merge(number, PERSON, "squash")
        .unwrap();
    hosted.server.state().delete_branch(BRANCH);
    let outcomes = hosted.outcomes();
    assert_eq!(of(&outcomes, PATCH), "none");
    assert_eq!(of(&outcomes, "openstack-scs2-1-33 new-patch"), "refreshed");
}

#[test]
fn rule_10_a_branch_is_at_no_time_equal_to_its_base() {
    for commits in ["git", "api"] {
        let hosted = Hosted::of("[new-patch]", &format!("  commits: {commits}\n"));
        hosted.outcomes();
        for note in ["one", "two"] {
            hosted
                .server
                .state()
                .push("main", &[("NOTES.md", Some(note))]);
            hosted.outcomes();
        }
        let state = hosted.server.state();
        let log = state.git.reflog(&format!("refs/heads/{BRANCH}")).unwrap();
        assert_eq!(log.len(), 3, "one jump for each state of the base");
        for entry in log.iter() {
            let commit = state.git.find_commit(entry.id_new()).unwrap();
            let base = commit.parent(0).unwrap();
            assert_ne!(commit.tree_id(), base.tree_id());
        }
    }
}

#[test]
fn rule_13_a_branch_that_a_stopped_run_left_goes_when_its_reason_is_gone() {
    let hosted = Hosted::of("[new-patch]", "");
    hosted.server.fault("POST", "/pulls$", 1, Fault::Forbidden);
    let first = "openstack-scs2-1-32 new-patch";
    assert_eq!(of(&outcomes(&hosted.run(&[])), first), "failed");
    let left = "csctl-matrix/main/openstack-scs2/1-32/new-patch";
    assert!(hosted.server.state().head(left).is_some());
    // Nobody wants 1.32 any more.
    let config = format!("{}minors: {{from: '1.33'}}\n", hosted.config);
    hosted
        .server
        .state()
        .push("main", &[("csctl-matrix.yaml", Some(&config))]);
    assert_eq!(of(&hosted.outcomes(), first), "swept");
    assert!(hosted.server.state().head(left).is_none());
    assert_eq!(of(&hosted.outcomes(), first), "none");
}

/// Rules of a base branch that requires these checks.
fn requires(checks: &[&str]) -> github::BranchRules {
    let checks = checks.iter().map(|check| ((*check).to_owned(), None));
    github::BranchRules {
        required_checks: checks.collect(),
        ..github::BranchRules::default()
    }
}

#[test]
fn rule_12_required_checks_count_for_a_token_that_could_pass_over_them() {
    let hosted = Hosted::of("[new-patch]", "  autoMerge: squash\ngate: {checks: none}\n");
    {
        let mut state = hosted.server.state();
        state.rules.insert("main".to_owned(), requires(&["lint"]));
        state.settings.allow_auto_merge = false;
    }
    hosted.outcomes();
    let said = hosted.run(&[]);
    assert_eq!(of(&outcomes(&said), PATCH), "up-to-date");
    assert!(said.stdout.contains("not merged: "), "{}", said.stdout);
    let heads: Vec<_> = {
        let state = hosted.server.state();
        state.open_pulls().iter().map(|pull| pull.head).collect()
    };
    for head in heads {
        hosted.server.state().check(head, "lint", Some("success"));
    }
    let merged = hosted.outcomes();
    assert!(
        merged.iter().any(|outcome| outcome.ends_with(": merged")),
        "{merged:?}"
    );
}

#[test]
fn rule_7_what_a_person_has_taken_over_is_not_merged_by_the_forge_for_the_program() {
    for enabled_by in [None, Some(PERSON)] {
        let hosted = Hosted::of("[new-patch]", "  autoMerge: squash\ngate: {checks: none}\n");
        hosted
            .server
            .state()
            .rules
            .insert("main".to_owned(), requires(&["lint"]));
        hosted.outcomes();
        // The forge waits for the required check.
        let first = hosted.outcomes();
        let line = first
            .iter()
            .find_map(|outcome| outcome.strip_suffix(": merged"))
            .unwrap();
        let minor = line
            .trim_start_matches("openstack-scs2-")
            .trim_end_matches(" new-patch");
        let branch = format!("csctl-matrix/main/openstack-scs2/{minor}/new-patch");
        let number = {
            let mut state = hosted.server.state();
            let number = state.find_open(&branch, "main").unwrap();
            assert!(state.pull(number).auto_merge.is_some());
            state.pull_mut(number).auto_merge_by = enabled_by.map(str::to_owned);
            state.push(&branch, &[("mine.txt", Some("mine\n"))]);
            number
        };
        assert_eq!(of(&hosted.outcomes(), line), "edited");
        let still = hosted.server.state().pull(number).auto_merge.is_some();
        assert_eq!(still, enabled_by.is_some(), "a person's own wish stays");
        hosted.server.clear_log();
        assert_eq!(of(&hosted.outcomes(), line), "edited");
    }
}

#[test]
fn labels_are_known_in_any_spelling() {
    let hosted = Hosted::of("[new-patch]", "  labels: [Images]\n");
    hosted.outcomes();
    let number = hosted.number();
    hosted.server.state().unlabel(number, "Images");
    hosted.server.state().label(number, "images");
    hosted.server.state().label(number, "CSCTL-Matrix/Stop");
    assert_eq!(of(&hosted.outcomes(), PATCH), "stopped");
    hosted.server.state().unlabel(number, "CSCTL-Matrix/Stop");
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    assert!(hosted.server.mutations().is_empty());
}

#[test]
fn rule_12_who_asks_for_changes_keeps_it_from_being_merged() {
    let hosted = Hosted::of("[new-patch]", "  autoMerge: squash\ngate: {checks: none}\n");
    let rules = github::BranchRules {
        required_checks: vec![("lint".to_owned(), None)],
        ..github::BranchRules::default()
    };
    hosted.server.state().rules.insert("main".to_owned(), rules);
    hosted.outcomes();
    let numbers: Vec<u64> = {
        let state = hosted.server.state();
        state.open_pulls().iter().map(|pull| pull.number).collect()
    };
    for number in &numbers {
        let mut state = hosted.server.state();
        state.review(*number, PERSON, "CHANGES_REQUESTED");
        state.review(*number, PERSON, "COMMENTED");
    }
    let said = hosted.run(&[]);
    let expected = format!("not merged: {PERSON} requested changes");
    assert!(said.stdout.contains(&expected), "{}", said.stdout);
    assert_eq!(hosted.server.state().open_pulls().len(), numbers.len());
    for number in &numbers {
        hosted.server.state().review(*number, PERSON, "APPROVED");
    }
    assert!(
        hosted
            .outcomes()
            .iter()
            .any(|outcome| outcome.ends_with(": merged"))
    );
}

#[test]
fn rule_13_a_run_stopped_after_any_effect_is_finished_by_the_next() {
    stop_after_every_effect("");
}

#[test]
fn rule_13_a_run_stopped_after_any_effect_is_finished_where_the_forge_makes_the_commits() {
    stop_after_every_effect("  commits: api\n");
}

/// Right before the nth effect is right after the one before it, but for the first.
fn faults_of(nth: u32) -> Vec<Fault> {
    match nth {
        1 => vec![Fault::LostBefore, Fault::LostAfter],
        _ => vec![Fault::LostAfter],
    }
}

/// Kills a run at each of its effects in turn, before it is done and right after, and lets the next run finish.
fn stop_after_every_effect(config: &str) {
    let undisturbed = Hosted::of("[new-patch]", config);
    undisturbed.outcomes();
    let effects = u32::try_from(undisturbed.server.mutations().len()).unwrap();
    let expected: Vec<String> = all("up-to-date")
        .into_iter()
        .filter(|outcome| outcome.contains("new-patch"))
        .collect();
    assert!(effects >= 6, "{:?}", undisturbed.server.mutations());
    for nth in 1..=effects {
        for fault in faults_of(nth) {
            let hosted = Hosted::of("[new-patch]", config);
            let about = format!("killed at effect {nth}, {fault:?}");
            hosted
                .server
                .faults("effect", "/", nth..nth + 1, fault.clone());
            let status = hosted.server.kill_at(nth, hosted.command(&[]));
            assert_eq!(status.code(), None, "{about}: it ended by itself");
            let last = hosted.run(&[]);
            assert_eq!(last.status, 0, "{about}: {}", last.stdout);
            assert_eq!(hosted.left(), undisturbed.left(), "{about}");
            hosted.server.clear_log();
            assert_eq!(hosted.outcomes(), expected, "{about}");
            assert!(hosted.server.mutations().is_empty(), "{about}");
        }
    }
}

#[test]
fn rule_13_an_answer_that_is_lost_doubles_nothing() {
    for (method, path, fault) in [
        ("POST", "/pulls$", Fault::LostAfter),
        ("POST", "/pulls$", Fault::StatusAfter(502)),
        ("POST", "/pulls$", Fault::Half),
        ("POST", "git-receive-pack", Fault::LostAfter),
        ("POST", "/pulls$", Fault::Status(502)),
    ] {
        let hosted = Hosted::start();
        hosted.server.fault(method, path, 1, fault.clone());
        let _ = hosted.run(&[]);
        hosted.server.clear_script();
        hosted.outcomes();
        assert_eq!(
            hosted.server.state().open_pulls().len(),
            KEYS.len(),
            "{fault:?}"
        );
        assert_eq!(hosted.server.state().pulls.len(), KEYS.len(), "{fault:?}");
    }
}

#[test]
fn two_runs_at_once_open_nothing_twice() {
    let hosted = Hosted::start();
    std::thread::scope(|scope| {
        let runs = [
            scope.spawn(|| hosted.run(&[])),
            scope.spawn(|| hosted.run(&[])),
        ];
        for run in runs {
            let _ = run.join().unwrap();
        }
    });
    hosted.outcomes();
    assert_eq!(hosted.server.state().pulls.len(), KEYS.len());
    hosted.server.clear_log();
    assert_eq!(hosted.outcomes(), all("up-to-date"));
}

/// Lists on `main`, and each minor on a branch of its own, as cluster stacks are kept today.
const BRANCHES: &str = "branches:
- base: main
  files: ['providers/*/*/kubernetes.yaml', 'providers/*/*/versions.yaml']
- base: maint/{{stack}}-{{minorDashed}}
  minors: {from: '1.33'}
";

/// The names of the files in which two commits differ.
fn changed(state: &github::State, one: git2::Oid, other: git2::Oid) -> String {
    let tree = |oid| state.git.find_commit(oid).unwrap().tree().unwrap();
    let diff = state
        .git
        .diff_tree_to_tree(Some(&tree(one)), Some(&tree(other)), None)
        .unwrap();
    let name = |delta: git2::DiffDelta<'_>| {
        let path = delta.new_file().path().unwrap();
        path.file_name().unwrap().to_str().unwrap().to_owned()
    };
    diff.deltas().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_base_branch_gets_the_changes_that_are_its_own() {
    let hosted = Hosted::of("[new-patch]", BRANCHES);
    let main = hosted.server.state().head("main").unwrap();
    hosted.server.state().set_head("maint/scs2-1-34", main);
    let said = hosted.run(&[]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert!(
        said.stderr
            .contains("base branch maint/scs2-1-33 does not exist")
            && !said.stderr.contains("scs2-1-32")
            && !said.stderr.contains("scs2-1-35"),
        "{}",
        said.stderr
    );
    let shown: Vec<String> = {
        let state = hosted.server.state();
        let mut shown: Vec<String> = state
            .open_pulls()
            .iter()
            .map(|pull| {
                let base = state.head(&pull.base_branch).unwrap();
                let title = &pull.title;
                format!(
                    "{}: {title} ({})",
                    pull.base_branch,
                    changed(&state, base, pull.head)
                )
            })
            .collect();
        shown.sort();
        shown
    };
    // Where a branch takes lists alone, a default that another file sets stays there, and the title says so.
    let all = "README.md cluster-class.yaml csctl.yaml image.yaml kubernetes.yaml versions.yaml";
    let lists = "kubernetes.yaml versions.yaml";
    assert_eq!(
        shown,
        [
            "main: Add images of 1.32.12 to openstack-scs2-1-32 (kubernetes.yaml)".to_owned(),
            "main: Add images of 1.34.0, 4, 7-8 to openstack-scs2-1-34 (kubernetes.yaml)"
                .to_owned(),
            format!("main: Move openstack-scs2-1-33 to v1.33.12 ({lists})"),
            format!("maint/scs2-1-34: Move openstack-scs2-1-34 to v1.34.8 ({all})"),
        ]
    );
    hosted.server.clear_log();
    let again = hosted.outcomes();
    assert!(
        again
            .iter()
            .all(|outcome| outcome.ends_with(": up-to-date")),
        "{again:?}"
    );
    assert!(hosted.server.mutations().is_empty());
}

#[test]
fn what_the_default_branch_blocks_is_blocked_on_every_base_branch() {
    for has_config in [true, false] {
        let hosted = Hosted::of("[new-patch]", BRANCHES);
        let main = hosted.server.state().head("main").unwrap();
        hosted.server.state().set_head("maint/scs2-1-34", main);
        if !has_config {
            hosted
                .server
                .state()
                .push("maint/scs2-1-34", &[("csctl-matrix.yaml", None)]);
        }
        // It becomes known after the branch was made.
        let config = format!(
            "{}blocked:\n- {{version: v1.34.8, reason: CVE-2026-90002}}\n",
            hosted.config
        );
        hosted
            .server
            .state()
            .push("main", &[("csctl-matrix.yaml", Some(&config))]);
        hosted.outcomes();
        let state = hosted.server.state();
        let of_branch = |base: &str| -> Vec<String> {
            let open = state.open_pulls().into_iter();
            let own = open.filter(|pull| pull.base_branch == base);
            own.map(|pull| pull.title.clone()).collect()
        };
        assert_eq!(
            of_branch("maint/scs2-1-34"),
            ["Move openstack-scs2-1-34 to v1.34.7"]
        );
    }
}

#[test]
fn rule_14_a_ceiling_stops_cleanly_and_the_next_run_goes_on() {
    let hosted = Hosted::with("  atMost: {opened: 2}\n");
    let first = hosted.run(&[]);
    assert_eq!(first.status, 5);
    assert_eq!(hosted.server.state().open_pulls().len(), 2);
    assert_eq!(hosted.run(&[]).status, 5);
    assert_eq!(hosted.run(&[]).status, 0);
    assert_eq!(hosted.server.state().open_pulls().len(), KEYS.len());
}

#[test]
fn a_run_can_be_limited_and_leaves_the_others_as_they_are() {
    let hosted = Hosted::start();
    let said = hosted.run(&["scs2", "--minor", "1.34", "--change", "new-patch"]);
    assert_eq!(outcomes(&said), [format!("{PATCH}: opened")]);
    hosted.outcomes();
    // What is not looked at is neither refreshed nor closed, whatever became of it.
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    let said = hosted.run(&["--minor", "1.33"]);
    let of_minor: Vec<String> = all("refreshed")
        .into_iter()
        .filter(|outcome| outcome.contains("1-33"))
        .collect();
    assert_eq!(outcomes(&said), of_minor);
    assert_eq!(hosted.server.state().open_pulls().len(), KEYS.len());
    let said = hosted.run(&["scs3"]);
    assert_eq!(said.status, 1);
    assert!(
        said.stderr.contains("no cluster stack `scs3`") && said.stderr.contains("openstack/scs2"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_dry_run_changes_nothing_and_says_what_it_would_do() {
    let hosted = Hosted::start();
    let said = hosted.run(&["--dry-run"]);
    assert_eq!(outcomes(&said), all("opened"));
    for (format, before) in [("text", "  main  "), ("markdown", " |  | ")] {
        let mut command = hosted.command_as(format, &["--dry-run"]);
        let told = Said::from(command.output().unwrap()).success();
        let lines = told.matches(&format!("{before}would be opened: ")).count();
        assert_eq!(lines, KEYS.len(), "{told}");
    }
    assert!(
        hosted.server.mutations().is_empty(),
        "{:?}",
        hosted.server.mutations()
    );
}

#[test]
fn the_token_is_nowhere() {
    let hosted = Hosted::start();
    let mut texts = Vec::new();
    for _ in 0..2 {
        let said = hosted.run(&[]);
        texts.extend([said.stdout, said.stderr]);
    }
    hosted.server.fault("GET", "/pulls", 1, Fault::Status(500));
    let failed = hosted.run(&[]);
    texts.extend([failed.stdout, failed.stderr]);
    let state = hosted.server.state();
    for pull in &state.pulls {
        texts.extend([pull.title.clone(), pull.body.clone()]);
    }
    texts.extend(
        hosted
            .server
            .log()
            .iter()
            .map(|request| request.body.to_string()),
    );
    for text in texts {
        assert!(!text.contains(TOKEN), "{text}");
    }
}

#[test]
fn the_working_directory_and_its_branches_stay_as_they_are() {
    let hosted = Hosted::start();
    let before = (
        files(&hosted.clone.root().join("providers")),
        fs::read(hosted.clone.path(".git/index")).unwrap(),
        fs::read_to_string(hosted.clone.path(".git/HEAD")).unwrap(),
    );
    hosted.outcomes();
    let after = (
        files(&hosted.clone.root().join("providers")),
        fs::read(hosted.clone.path(".git/index")).unwrap(),
        fs::read_to_string(hosted.clone.path(".git/HEAD")).unwrap(),
    );
    assert!(before == after);
}

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

/// A gate whose one command says so much and ends so.
fn gate_of(run: &str) -> String {
    format!("gate:\n  checks: none\n  commands:\n  - {{name: e2e, run: {run:?}}}\n")
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
fn commits_of_the_forge_s_api_are_its_own_verified_and_signed_off_by_whom_it_recorded() {
    let hosted = Hosted::with("  commits: api\n");
    assert_eq!(hosted.outcomes(), all("opened"));
    let calls = hosted.server.log();
    let mut calls = calls.iter();
    assert!(
        !calls.any(|call| call.path.contains("git-receive-pack")),
        "nothing is pushed"
    );
    {
        let state = hosted.server.state();
        let head = state.head(BRANCH).unwrap();
        let commit = state.git.find_commit(head).unwrap();
        let author = commit.author();
        let (name, email) = (author.name().unwrap(), author.email().unwrap());
        assert_eq!(email, github::email(github::BOT));
        let message = commit.message().unwrap();
        let line = format!("Signed-off-by: {name} <{email}>\n");
        assert!(message.ends_with(&line), "{message}");
        assert_eq!(message.matches("Signed-off-by").count(), 1);
        assert_eq!(commit.parent_id(0).unwrap(), state.head("main").unwrap());
    }
    // The same pull requests as those of commits that git makes.
    let pushed = Hosted::start();
    pushed.outcomes();
    assert_eq!(hosted.left(), pushed.left());
    // What was made is known again.
    hosted.server.clear_log();
    assert_eq!(hosted.outcomes(), all("up-to-date"));
    assert!(hosted.server.mutations().is_empty());
    // A person's commit is left alone, and a moved base is followed.
    let theirs = hosted
        .server
        .state()
        .push(BRANCH, &[("mine.txt", Some("mine\n"))]);
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    let outcomes = hosted.outcomes();
    assert_eq!(of(&outcomes, PATCH), "edited");
    assert_eq!(of(&outcomes, "openstack-scs2-1-33 new-patch"), "refreshed");
    assert_eq!(hosted.server.state().head(BRANCH), Some(theirs));
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
fn rule_12_merging_is_last_by_commit_and_never_without_required_checks() {
    let hosted = Hosted::with("  autoMerge: squash\ngate: {checks: [e2e]}\n");
    hosted.outcomes();
    let pass = |hosted: &Hosted| {
        let heads: Vec<_> = {
            let state = hosted.server.state();
            state.open_pulls().iter().map(|pull| pull.head).collect()
        };
        for head in heads {
            hosted.server.state().check(head, "e2e", Some("success"));
        }
    };
    pass(&hosted);
    hosted.outcomes();
    // Everything is green, and the base branch requires nothing.
    let said = hosted.run(&[]);
    assert!(
        said.stdout.contains("is not known to require checks"),
        "{}",
        said.stdout
    );
    assert_eq!(hosted.server.state().open_pulls().len(), KEYS.len());
    let rules = github::BranchRules {
        required_checks: vec![("e2e".to_owned(), None)],
        ..github::BranchRules::default()
    };
    hosted.server.state().rules.insert("main".to_owned(), rules);
    let outcomes = hosted.outcomes();
    let merged = outcomes
        .iter()
        .filter(|outcome| outcome.ends_with(": merged"))
        .count();
    assert_eq!(merged, 1, "one for each base branch and run: {outcomes:?}");
    let calls = hosted.server.log();
    let call = calls
        .iter()
        .find(|call| call.path.ends_with("/merge") && call.method == "PUT");
    if let Some(call) = call {
        assert!(call.body["sha"].is_string(), "{:?}", call.body);
    }
    // The others stand on the new base now, and have to prove themselves again.
    assert_eq!(
        hosted
            .outcomes()
            .iter()
            .filter(|outcome| outcome.ends_with(": merged"))
            .count(),
        0
    );
}

#[test]
fn rule_12_nothing_is_merged_before_its_checks_are_green_draft_or_not() {
    let hosted = Hosted::with("  draft: false\n  autoMerge: squash\ngate: {checks: [e2e]}\n");
    let rules = github::BranchRules {
        required_checks: vec![("lint".to_owned(), None)],
        ..github::BranchRules::default()
    };
    hosted.server.state().rules.insert("main".to_owned(), rules);
    hosted.outcomes();
    let heads: Vec<_> = {
        let state = hosted.server.state();
        let open = state.open_pulls();
        assert!(open.iter().all(|pull| !pull.draft));
        open.iter().map(|pull| pull.head).collect()
    };
    // What the forge requires is green; what the repository asks for is not.
    for head in &heads {
        hosted.server.state().check(*head, "lint", Some("success"));
    }
    let said = hosted.run(&[]);
    assert_eq!(outcomes(&said), all("up-to-date"));
    assert!(said.stdout.contains("not merged: "), "{}", said.stdout);
    for head in &heads {
        hosted.server.state().check(*head, "e2e", Some("success"));
    }
    let merged = hosted.outcomes();
    let merged = merged
        .iter()
        .filter(|outcome| outcome.ends_with(": merged"));
    assert_eq!(merged.count(), 1);
}

#[test]
fn rule_6_a_merge_of_anything_but_the_base_is_a_person_s_work() {
    let hosted = Hosted::of("[new-patch]", "");
    hosted.outcomes();
    let theirs = {
        let mut state = hosted.server.state();
        state.push("feature", &[("mine.txt", Some("mine\n"))]);
        state.merge_branch(BRANCH, "feature")
    };
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    assert_eq!(of(&hosted.outcomes(), PATCH), "edited");
    assert_eq!(hosted.server.state().head(BRANCH), Some(theirs));
}

#[test]
fn rule_6_a_person_s_commits_below_ours_are_a_person_s_work() {
    let hosted = Hosted::of("[new-patch]", "");
    hosted.outcomes();
    let theirs = {
        let mut state = hosted.server.state();
        let ours = state.head(BRANCH).unwrap();
        let below = state.push("feature", &[("mine.txt", Some("mine\n"))]);
        let above = state.rebase(ours, below);
        state.force(BRANCH, above);
        above
    };
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    assert_eq!(of(&hosted.outcomes(), PATCH), "edited");
    assert_eq!(hosted.server.state().head(BRANCH), Some(theirs));
}

#[test]
fn rule_6_a_base_that_the_forge_merged_more_than_once_is_no_edit_on_any_machine() {
    let mut hosted = Hosted::of("[new-patch]", "");
    hosted.outcomes();
    for times in 1..=3 {
        for note in 0..times {
            let mut state = hosted.server.state();
            let text = format!("{times} {note}\n");
            state.push("main", &[("NOTES.md", Some(&text))]);
            state.merge_branch(BRANCH, "main");
        }
        hosted
            .server
            .state()
            .push("main", &[("NOTES.md", Some("Last\n"))]);
        hosted.clone_anew();
        assert_eq!(of(&hosted.outcomes(), PATCH), "refreshed", "{times}");
        assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date", "{times}");
    }
}

#[test]
fn rule_9_a_store_that_gives_no_answer_is_no_reason_to_close() {
    let mut hosted = Hosted::of("[new-patch, addons]", "");
    hosted.outcomes();
    let before = hosted.left();
    let text = "schema: 1\nasOf: 2026-06-16\nunreachable:\n- kind: image-store\n  source: https://images.example.org/openstack-k8s-capi-images/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2\n  url: https://images.example.org/\n  reason: 503\n- kind: chart-repository\n  source: https://charts.example.org\n  url: https://charts.example.org/index.yaml\n  reason: 503\n";
    hosted.clone.write("../catalog.yaml", text);
    hosted.catalog = hosted.clone.path("../catalog.yaml").display().to_string();
    let said = hosted.run(&[]);
    assert_eq!(hosted.left(), before, "{}", said.stdout);
    assert_eq!(said.status, 1, "{}", said.stdout);
    assert_eq!(outcomes(&said).len(), KEYS.len());
    assert!(
        said.stdout
            .contains("images.example.org/ gave no answer: 503"),
        "{}",
        said.stdout
    );
    assert!(
        said.stderr
            .contains("warning: https://charts.example.org/index.yaml gave no answer: 503"),
        "{}",
        said.stderr
    );
    // A branch that was merged and kept is no failure.
    let number = hosted.number();
    hosted.server.state().pull_mut(number).draft = false;
    hosted
        .server
        .state()
        .merge(number, PERSON, "squash")
        .unwrap();
    assert!(hosted.server.state().branches().contains_key(BRANCH));
    assert_eq!(outcomes(&hosted.run(&[])).len(), KEYS.len() - 1);
    // It answers again.
    hosted.catalog = program::catalog();
    let again = hosted.outcomes();
    assert!(
        again.iter().all(|one| !one.ends_with(": failed")),
        "{again:?}"
    );
}

#[test]
fn rule_9_a_file_that_cannot_be_read_is_no_reason_to_close() {
    let hosted = Hosted::opened();
    let before = hosted.left();
    let main = hosted.server.state().head("main").unwrap();
    hosted.server.state().push(
        "main",
        &[("providers/openstack/scs2/csctl.yaml", Some("config: ["))],
    );
    let said = hosted.run(&[]);
    assert_eq!(hosted.left(), before, "{}\n{}", said.stdout, said.stderr);
    assert_eq!(said.status, 1);
    assert!(said.stderr.contains("csctl.yaml:1"), "{}", said.stderr);
    hosted.server.state().force("main", main);
    assert_eq!(hosted.outcomes(), all("up-to-date"));
}

#[test]
fn a_pull_request_says_which_file_a_person_has_to_change() {
    let hosted = Hosted::of("[new-patch]", "");
    let csctl = "apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1\nconfig:\n  clusterStackName: scs2\n  kubernetesVersion: &version v1.34.6\n  provider:\n    apiVersion: openstack.csctl.clusterstack.x-k8s.io/v1alpha1\n    type: openstack\n    config:\n      etcdVersion: *version\n";
    hosted.server.state().push(
        "main",
        &[("providers/openstack/scs2/csctl.yaml", Some(csctl))],
    );
    let said = hosted.run(&[]);
    let number = hosted.number();
    let state = hosted.server.state();
    let pull = state.pull(number);
    let told =
        "To change by hand, as the program could not:\n\n- providers/openstack/scs2/csctl.yaml:9: ";
    assert!(pull.body.contains(told), "{}\n{}", pull.body, said.stderr);
    let base = state.head("main").unwrap();
    assert!(!changed(&state, base, pull.head).contains("csctl.yaml"));
}

#[test]
fn a_base_branch_that_cannot_be_read_stops_no_other() {
    let hosted = Hosted::of("[new-patch]", BRANCHES);
    let main = hosted.server.state().head("main").unwrap();
    hosted.server.state().set_head("maint/scs2-1-34", main);
    hosted.server.state().push(
        "maint/scs2-1-34",
        &[("csctl-matrix.yaml", Some("minors: ["))],
    );
    let said = hosted.run(&[]);
    let open = hosted.server.state().open_pulls().len();
    assert_eq!(open, 3, "{}\n{}", said.stdout, said.stderr);
    assert_eq!(said.status, 1);
}

#[test]
fn a_base_branch_without_a_configuration_of_its_own_gets_what_is_its_own() {
    let hosted = Hosted::of("[new-patch]", BRANCHES);
    let main = hosted.server.state().head("main").unwrap();
    hosted.server.state().set_head("maint/scs2-1-34", main);
    hosted
        .server
        .state()
        .push("maint/scs2-1-34", &[("csctl-matrix.yaml", None)]);
    let said = hosted.run(&[]);
    let state = hosted.server.state();
    let lines: Vec<&str> = state
        .open_pulls()
        .iter()
        .filter(|pull| pull.base_branch != "main")
        .map(|pull| pull.head_branch.as_str())
        .collect();
    assert_eq!(lines.len(), 1, "{lines:?}\n{}", said.stderr);
}

#[test]
fn rule_2_a_person_s_own_pull_request_of_the_branch_to_another_base_is_left_alone() {
    let hosted = Hosted::of("[new-patch]", "");
    hosted.outcomes();
    let number = {
        let mut state = hosted.server.state();
        state.push("release", &[("RELEASE.md", Some("Release\n"))]);
        let number = state.open(BRANCH, "release", "Try it on release");
        state.edit(number, "Try it on release", "By hand");
        number
    };
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    assert_eq!(of(&hosted.outcomes(), PATCH), "refreshed");
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    let theirs = hosted.server.state().pull(number).clone();
    assert_eq!(
        (theirs.title.as_str(), theirs.body.as_str()),
        ("Try it on release", "By hand")
    );
    assert_eq!(theirs.base_branch, "release");
    // The reason of ours goes; the branch stays, as theirs needs it.
    let config = format!("{}minors: {{to: '1.33'}}\n", hosted.config);
    hosted
        .server
        .state()
        .push("main", &[("csctl-matrix.yaml", Some(&config))]);
    assert_eq!(of(&hosted.outcomes(), PATCH), "closed");
    assert!(hosted.server.state().pull(number).is_open);
    assert_eq!(of(&hosted.outcomes(), PATCH), "none");
}

#[test]
fn rule_13_a_change_that_was_merged_and_reverted_is_proposed_on_today_s_base() {
    let hosted = Hosted::of("[new-patch]", "");
    hosted.outcomes();
    let number = hosted.number();
    {
        let mut state = hosted.server.state();
        state.pull_mut(number).draft = false;
        let before = state.head("main").unwrap();
        let merged = state.merge(number, PERSON, "merge").unwrap();
        let names = changed_paths(&state, before, merged);
        let old: Vec<(String, String)> = names
            .into_iter()
            .map(|name| (name.clone(), state.file(before, &name).unwrap()))
            .collect();
        let old: Vec<(&str, Option<&str>)> = old
            .iter()
            .map(|(name, text)| (name.as_str(), Some(text.as_str())))
            .collect();
        state.push("main", &old);
    }
    assert_eq!(of(&outcomes(&hosted.run(&[])), PATCH), "opened");
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
}

/// The paths of the files in which two commits differ.
fn changed_paths(state: &github::State, one: git2::Oid, other: git2::Oid) -> Vec<String> {
    let tree = |oid| state.git.find_commit(oid).unwrap().tree().unwrap();
    let diff = state
        .git
        .diff_tree_to_tree(Some(&tree(one)), Some(&tree(other)), None)
        .unwrap();
    let path = |delta: git2::DiffDelta<'_>| delta.new_file().path().unwrap().display().to_string();
    diff.deltas().map(path).collect()
}

#[test]
fn rule_2_a_person_s_own_title_stays_as_long_as_the_change_does() {
    let hosted = Hosted::of("[new-patch]", "");
    hosted.outcomes();
    let number = hosted.number();
    let body = hosted.server.state().pull(number).body.clone();
    hosted
        .server
        .state()
        .edit(number, "Ready for the freeze: 1.34.8", &body);
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    assert_eq!(of(&hosted.outcomes(), PATCH), "refreshed");
    assert_eq!(
        hosted.server.state().pull(number).title,
        "Ready for the freeze: 1.34.8"
    );
}

#[test]
fn rule_8_a_no_counts_where_the_program_closed_it_before_and_a_person_opened_it_again() {
    let hosted = Hosted::of("[new-patch]", "");
    hosted.outcomes();
    let number = hosted.number();
    let narrow = format!("{}minors: {{to: '1.33'}}\n", hosted.config);
    let main = hosted.server.state().head("main").unwrap();
    hosted
        .server
        .state()
        .push("main", &[("csctl-matrix.yaml", Some(&narrow))]);
    let head = hosted.server.state().head(BRANCH).unwrap();
    assert_eq!(of(&hosted.outcomes(), PATCH), "closed");
    {
        let mut state = hosted.server.state();
        state.force("main", main);
        state.set_head(BRANCH, head);
        state.reopen(number).unwrap();
    }
    hosted.outcomes();
    hosted.server.state().close(number, PERSON);
    assert_eq!(of(&hosted.outcomes(), PATCH), "silenced");
}

#[test]
fn rule_9_a_branch_that_could_not_be_deleted_goes_in_the_next_run() {
    let hosted = Hosted::of("[new-patch]", "");
    hosted.outcomes();
    let config = format!("{}minors: {{from: '1.33'}}\n", hosted.config);
    hosted
        .server
        .state()
        .push("main", &[("csctl-matrix.yaml", Some(&config))]);
    let gone = "openstack-scs2-1-32 new-patch";
    let left = "csctl-matrix/main/openstack-scs2/1-32/new-patch";
    hosted
        .server
        .fault("POST", "git-receive-pack", 1, Fault::Forbidden);
    let said = hosted.run(&[]);
    assert!(
        hosted.server.state().head(left).is_some(),
        "{}",
        said.stdout
    );
    assert_eq!(of(&outcomes(&said), gone), "closed");
    assert_eq!(of(&hosted.outcomes(), gone), "swept");
    assert!(hosted.server.state().head(left).is_none());
}

#[test]
fn rule_12_a_merge_is_told_and_counted_where_the_branch_cannot_be_deleted() {
    let hosted = Hosted::of(
        "[new-patch]",
        "  autoMerge: squash\ngate: {checks: [lint]}\n",
    );
    let rules = github::BranchRules {
        required_checks: vec![("lint".to_owned(), None)],
        ..github::BranchRules::default()
    };
    hosted.server.state().rules.insert("main".to_owned(), rules);
    hosted.outcomes();
    let heads: Vec<_> = {
        let state = hosted.server.state();
        state.open_pulls().iter().map(|pull| pull.head).collect()
    };
    for head in heads {
        hosted.server.state().check(head, "lint", Some("success"));
    }
    hosted.outcomes();
    hosted
        .server
        .faults("POST", "git-receive-pack", 1..9, Fault::Forbidden);
    let told = outcomes(&hosted.run(&[]));
    assert_eq!(of(&told, "openstack-scs2-1-32 new-patch"), "merged");
    let others = told.iter().filter(|one| one.ends_with(": up-to-date"));
    assert_eq!(others.count(), 2, "{told:?}");
    let state = hosted.server.state();
    let done = |pull: &&github::Pull| pull.merged.is_some() || pull.auto_merge.is_some();
    assert_eq!(state.pulls.iter().filter(done).count(), 1);
}

#[test]
fn rule_12_what_is_no_longer_green_is_not_left_to_the_forge_to_merge() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    let gate = gate_of(&format!("test ! -e {}", broken.display()));
    let hosted = Hosted::of(
        "[new-patch]",
        &format!("  draft: false\n  autoMerge: squash\n{gate}"),
    );
    let rules = github::BranchRules {
        required_checks: vec![("lint".to_owned(), None)],
        ..github::BranchRules::default()
    };
    hosted.server.state().rules.insert("main".to_owned(), rules);
    hosted.outcomes();
    let first = "openstack-scs2-1-32 new-patch";
    assert_eq!(
        of(&hosted.outcomes(), first),
        "merged",
        "GitHub waits for lint"
    );
    fs::write(&broken, "").unwrap();
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    hosted.outcomes();
    let heads: Vec<_> = {
        let state = hosted.server.state();
        state.open_pulls().iter().map(|pull| pull.head).collect()
    };
    for head in heads {
        hosted.server.state().check(head, "lint", Some("success"));
    }
    let merged = hosted
        .server
        .state()
        .pulls
        .iter()
        .filter(|pull| pull.merged.is_some())
        .count();
    assert_eq!(merged, 0, "its tests are red");
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
fn rule_13_labels_are_given_by_the_next_run_where_one_was_stopped_before() {
    stop_after_every_effect("  labels: [dependencies]\n");
}

#[test]
fn rule_15_a_label_that_a_person_took_away_is_not_put_back() {
    let hosted = Hosted::of("[new-patch]", "  labels: [dependencies]\n");
    hosted.outcomes();
    let number = hosted.number();
    let labels = |hosted: &Hosted| hosted.server.state().pull(number).labels.clone();
    assert_eq!(labels(&hosted), ["dependencies"]);
    hosted.server.state().unlabel(number, "dependencies");
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    assert!(hosted.server.mutations().is_empty());
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    assert_eq!(of(&hosted.outcomes(), PATCH), "refreshed");
    assert!(labels(&hosted).is_empty());
}

#[test]
fn a_dry_run_tells_of_ceilings_as_a_run_does() {
    let hosted = Hosted::with("  atMost: {opened: 2}\n");
    let dry = hosted.run(&["--dry-run"]);
    let real = hosted.run(&[]);
    assert_eq!(outcomes(&dry), outcomes(&real));
    assert_eq!(dry.status, real.status);
}

#[test]
fn rule_13_a_refresh_stopped_after_any_effect_is_finished_by_the_next() {
    for config in ["", "  commits: api\n"] {
        let moved = Hosted::portable("[new-patch]", config);
        moved.outcomes();
        let narrower = format!("{}minors: {{from: '1.33'}}\n", moved.config);
        moved
            .server
            .state()
            .push("main", &[("csctl-matrix.yaml", Some(&narrower))]);
        let undisturbed = moved.copied();
        undisturbed.outcomes();
        let effects = u32::try_from(undisturbed.server.mutations().len()).unwrap();
        let calm = undisturbed.outcomes();
        for nth in 1..=effects {
            for fault in faults_of(nth) {
                let hosted = moved.copied();
                hosted
                    .server
                    .faults("effect", "/", nth..nth + 1, fault.clone());
                hosted.server.kill_at(nth, hosted.command(&[]));
                let about = format!("killed at effect {nth}, {fault:?}");
                let last = hosted.run(&[]);
                assert_eq!(last.status, 0, "{about}: {}", last.stdout);
                assert_eq!(hosted.left(), undisturbed.left(), "{about}");
                hosted.server.clear_log();
                assert_eq!(hosted.outcomes(), calm, "{about}");
                assert!(hosted.server.mutations().is_empty(), "{about}");
            }
        }
    }
}

#[test]
fn rule_14_a_limit_in_the_middle_of_a_refresh_leaves_nothing_that_the_next_run_does_not_know() {
    let moved = Hosted::portable("[new-patch]", "");
    moved.outcomes();
    moved
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    for nth in 1..=3 {
        let hosted = moved.copied();
        // The limit is the API's: git's own server has none of its headers.
        hosted
            .server
            .faults("effect", "/repos/", nth..nth + 9, Fault::UsedUp(403, 7200));
        let limited = hosted.run(&[]);
        hosted.server.clear_script();
        assert_eq!(limited.status, 5, "{} {}", limited.stdout, limited.stderr);
        let last = hosted.outcomes();
        assert!(
            last.iter()
                .all(|one| one.ends_with(": refreshed") || one.ends_with(": up-to-date")),
            "{last:?}"
        );
        hosted.server.clear_log();
        hosted.outcomes();
        assert!(hosted.server.mutations().is_empty());
    }
}

#[test]
fn a_tree_below_the_root_and_files_with_other_line_ends_get_the_same_pull_requests() {
    for config in ["", "  commits: api\n"] {
        let mut hosted = Hosted::of("[new-patch]", config);
        let layout = files(&project().join("testdata/layout-c"));
        let moved: Vec<(String, Option<String>)> = layout
            .into_iter()
            .flat_map(|(path, text)| {
                [
                    (path.clone(), None),
                    (format!("sub/{path}"), Some(text.replace('\n', "\r\n"))),
                ]
            })
            .chain([
                ("csctl-matrix.yaml".to_owned(), None),
                (
                    "sub/csctl-matrix.yaml".to_owned(),
                    Some(hosted.config.clone()),
                ),
            ])
            .collect();
        let moved: Vec<(&str, Option<&str>)> = moved
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_deref()))
            .collect();
        hosted.server.state().push("main", &moved);
        let root = hosted.clone.root();
        fs::create_dir(root.join("sub")).unwrap();
        for name in ["providers", "csctl-matrix.yaml"] {
            fs::rename(root.join(name), root.join("sub").join(name)).unwrap();
        }
        hosted.clone.commit();
        hosted.below = "sub";
        let first = hosted.run(&[]);
        assert_eq!(
            of(&outcomes(&first), PATCH),
            "opened",
            "{}{}",
            first.stdout,
            first.stderr
        );
        {
            let state = hosted.server.state();
            let (main, head) = (state.head("main").unwrap(), state.head(BRANCH).unwrap());
            for path in changed_paths(&state, main, head) {
                assert!(path.starts_with("sub/"), "{path}");
                let text = state.file(head, &path).unwrap();
                assert_eq!(
                    text.matches('\n').count(),
                    text.matches("\r\n").count(),
                    "{path}"
                );
            }
        }
        hosted.server.clear_log();
        assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
        assert!(hosted.server.mutations().is_empty());
    }
}

#[test]
fn many_pull_requests_of_others_and_of_the_past_change_nothing() {
    let hosted = Hosted::of("[new-patch]", "");
    {
        let mut state = hosted.server.state();
        for nth in 0..150 {
            state.open_from_fork(&format!("fork{nth}"), BRANCH, "main");
        }
        for _ in 0..150 {
            let number = state.open_from_fork("gone", BRANCH, "main");
            state.pull_mut(number).head_owner = "acme".to_owned();
            state.close(number, PERSON);
        }
    }
    assert_eq!(of(&hosted.outcomes(), PATCH), "opened");
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    assert!(hosted.server.mutations().is_empty());
}

#[test]
fn a_dry_run_changes_nothing_whatever_there_is_to_do() {
    let hosted = Hosted::of(
        "[new-patch, addons]",
        "  autoMerge: squash\n  labels: [images]\ngate: {checks: [e2e]}\n",
    );
    let rules = github::BranchRules {
        required_checks: vec![("e2e".to_owned(), None)],
        ..github::BranchRules::default()
    };
    hosted.server.state().rules.insert("main".to_owned(), rules);
    hosted.outcomes();
    let branch =
        |line: &str, class: &str| format!("csctl-matrix/main/openstack-scs2/{line}/{class}");
    {
        let mut state = hosted.server.state();
        let number = |state: &github::State, line: &str, class: &str| {
            state.find_open(&branch(line, class), "main").unwrap()
        };
        state.push(
            &branch("1-32", "new-patch"),
            &[("mine.txt", Some("mine\n"))],
        );
        let again = number(&state, "1-33", "new-patch");
        state.label(again, "csctl-matrix/again");
        let ready = state.head(&branch("1-33", "addons")).unwrap();
        state.check(ready, "e2e", Some("success"));
        let left = number(&state, "1-34", "addons");
        state.close(left, PERSON);
    }
    let dry = |hosted: &Hosted| {
        hosted.server.clear_log();
        let said = hosted.run(&["--dry-run"]);
        assert!(
            hosted.server.mutations().is_empty(),
            "{:?}",
            hosted.server.mutations()
        );
        outcomes(&said)
    };
    let first = dry(&hosted);
    let real = outcomes(&hosted.run(&[]));
    assert_eq!(first, real);
    // What is ready would be merged; what nobody wants any more would be closed.
    let second = dry(&hosted);
    assert_eq!(
        of(&second, "openstack-scs2-1-33 addons"),
        "merged",
        "{second:?}"
    );
    let config = format!("{}minors: {{from: '1.34'}}\n", hosted.config);
    hosted
        .server
        .state()
        .push("main", &[("csctl-matrix.yaml", Some(&config))]);
    let third = dry(&hosted);
    assert_eq!(
        of(&third, "openstack-scs2-1-33 new-patch"),
        "closed",
        "{third:?}"
    );
}

#[test]
fn rule_8_a_no_outlives_what_others_change_in_the_same_file() {
    let hosted = Hosted::of("[new-patch]", "");
    hosted.outcomes();
    let number = hosted.number();
    hosted.server.state().close(number, PERSON);
    hosted.server.state().delete_branch(BRANCH);
    assert_eq!(of(&hosted.outcomes(), PATCH), "silenced");
    let other = "csctl-matrix/main/openstack-scs2/1-33/new-patch";
    {
        let mut state = hosted.server.state();
        let number = state.find_open(other, "main").unwrap();
        state.pull_mut(number).draft = false;
        state.merge(number, PERSON, "squash").unwrap();
        state.delete_branch(other);
    }
    assert_eq!(of(&hosted.outcomes(), PATCH), "silenced");
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

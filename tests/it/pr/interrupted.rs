//! Runs of `pr` that are stopped, limited or run into by others, and what the next run makes of it: rules 5, 10, 13 and 14.

use crate::support::github::{Fault, PERSON};
use crate::support::hosted::{BRANCH, Hosted, KEYS, PATCH, all, of, outcomes};

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
    assert!(effects >= 4, "{:?}", undisturbed.server.mutations());
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

#[test]
fn rule_13_a_change_that_was_merged_and_reverted_is_proposed_on_today_s_base() {
    let hosted = Hosted::opened_with_patches();
    let number = hosted.number();
    {
        let mut state = hosted.server.state();
        state.pull_mut(number).draft = false;
        let before = state.head("main").unwrap();
        let merged = state.merge(number, PERSON, "merge").unwrap();
        let names = state.changed_paths(before, merged);
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

#[test]
fn rule_13_labels_are_given_by_the_next_run_where_one_was_stopped_before() {
    stop_after_every_effect("  labels: [dependencies]\n");
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

//! When `pr` lets the forge merge, and when it does not: rule 12 of docs/bot.md.

use std::fs;

use super::{gate_of, requires};
use crate::support::github::{self, Fault, PERSON};
use crate::support::hosted::{Hosted, KEYS, PATCH, all, of, outcomes};

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

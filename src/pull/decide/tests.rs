//! The lifecycle, rule by rule.

use super::*;
use crate::policy::ChangeClass;
use crate::pull::request::PullBranch;

fn key() -> PullKey {
    PullKey {
        base: "main".to_owned(),
        line: "openstack-scs2-1-34".parse().unwrap(),
        class: ChangeClass::NewPatch,
    }
}

fn fingerprint(of: &str) -> Fingerprint {
    let change = crate::pull::ChangedFile {
        path: of.to_owned(),
        content: None,
    };
    Fingerprint::of(&key(), &[change])
}

fn labels() -> Labels {
    Labels {
        stop: "stop".to_owned(),
        again: "again".to_owned(),
    }
}

fn proposal(of: &str) -> Proposal {
    Proposal {
        fingerprint: fingerprint(of),
        title: format!("Add {of}"),
        body: format!("Adds {of}.\n\nReasons."),
        base: "main".to_owned(),
        stands_on: "base".to_owned(),
        labels: vec!["images".to_owned()],
        is_draft: Some(true),
    }
}

fn block(of: &str) -> HiddenBlock {
    HiddenBlock {
        base: "base".to_owned(),
        head: format!("head of {of}"),
        labels: vec!["images".to_owned()],
        ..HiddenBlock::new(&key(), fingerprint(of))
    }
}

/// The pull request that the program makes of a proposal, as a forge gives it back.
fn pull(of: &str) -> PullRequest {
    let proposal = proposal(of);
    let body = format!("{}\n\n{}", proposal.body, block(of).render()).replace('\n', "\r\n");
    PullRequest {
        number: 7,
        is_draft: true,
        base: PullBranch {
            branch: proposal.base,
            ..PullBranch::default()
        },
        title: proposal.title,
        body,
        labels: proposal.labels,
        ..PullRequest::default()
    }
}

fn branch(head: &str) -> Branch {
    Branch {
        head: head.to_owned(),
        is_merge_of_base: false,
        is_proved: false,
        has_wanted_files: false,
        subject: None,
    }
}

/// What is seen after a run that proposed this.
fn after(of: &str) -> Observed {
    Observed {
        branch: Some(Branch {
            has_wanted_files: true,
            ..branch(&format!("head of {of}"))
        }),
        pulls: vec![pull(of)],
        base: "main".to_owned(),
        ..Observed::default()
    }
}

/// The same, now that something else is wanted.
fn outdated(of: &str) -> Observed {
    let mut observed = after(of);
    observed.branch.as_mut().unwrap().has_wanted_files = false;
    observed
}

fn gone() -> NoLongerNeeded {
    NoLongerNeeded(key())
}

fn decided(observed: &Observed, of: &str) -> Action {
    decide(observed, Ok(&proposal(of)), &labels())
}

#[test]
fn rule_3_a_second_run_does_nothing() {
    assert_eq!(
        decided(&after("v1.34.8"), "v1.34.8"),
        Action::Keep { number: 7 }
    );
}

#[test]
fn a_first_run_opens_it() {
    let first = decided(&Observed::default(), "v1.34.8");
    let open = Action::Open { has_branch: false };
    assert_eq!(first, open);
}

#[test]
fn rule_2_a_title_that_people_rename_is_no_identity() {
    let mut renamed = after("v1.34.8");
    renamed.pulls[0].title = "Our release of May".to_owned();
    assert_eq!(decided(&renamed, "v1.34.8"), Action::Keep { number: 7 });
}

#[test]
fn rule_4_a_branch_that_would_differ_today_is_made_again_though_its_text_is_the_same() {
    let moved = outdated("v1.34.8");
    let Action::Refresh(Refresh {
        number: 7,
        moves: true,
        writes_text: true,
        ..
    }) = decided(&moved, "v1.34.8")
    else {
        panic!("{:?}", decided(&moved, "v1.34.8"));
    };
}

#[test]
fn rule_9_newer_data_updates_the_open_one() {
    let Action::Refresh(Refresh { moves: true, .. }) = decided(&outdated("v1.34.8"), "v1.34.9")
    else {
        panic!("not refreshed");
    };
}

#[test]
fn rule_9_a_reason_that_is_gone_closes_it_with_the_cause_unless_a_person_edited_it() {
    let close = Action::Close {
        number: 7,
        cause: gone(),
        deletes_branch: true,
    };
    assert_eq!(decide(&after("v1.34.8"), Err(&gone()), &labels()), close);
    let mut edited = after("v1.34.8");
    edited.branch = Some(branch("a person's commit"));
    let left = Action::LeaveEdited {
        number: 7,
        state: EditedState::NotNeeded,
    };
    assert_eq!(decide(&edited, Err(&gone()), &labels()), left);
}

#[test]
fn rules_6_and_7_any_other_commit_means_edited_and_nothing_is_done() {
    let mut edited = outdated("v1.34.8");
    edited.branch = Some(branch("a person's commit"));
    let Action::LeaveEdited { .. } = decided(&edited, "v1.34.9") else {
        panic!("{:?}", decided(&edited, "v1.34.9"));
    };
    // A merge of the base by the forge is no edit, and neither is the commit before the last move.
    edited.branch.as_mut().unwrap().is_merge_of_base = true;
    assert!(matches!(decided(&edited, "v1.34.9"), Action::Refresh(_)));
    let mut interrupted = outdated("v1.34.8");
    let mut own = block("v1.34.9");
    own.previous = Some("head of v1.34.8".to_owned());
    interrupted.pulls[0].body = own.render();
    assert!(matches!(
        decided(&interrupted, "v1.34.9"),
        Action::Refresh(Refresh { moves: true, .. })
    ));
}

#[test]
fn rule_7_a_branch_is_handed_back_by_a_label() {
    let mut edited = outdated("v1.34.8");
    edited.branch = Some(branch("a person's commit"));
    edited.pulls[0].labels.push("again".to_owned());
    assert!(matches!(
        decided(&edited, "v1.34.9"),
        Action::Refresh(Refresh { moves: true, .. })
    ));
}

#[test]
fn rule_7_a_stop_label_is_always_honoured() {
    let mut stopped = outdated("v1.34.8");
    stopped.pulls[0].labels.push("stop".to_owned());
    let stop = Action::Stopped { number: 7 };
    assert_eq!(decided(&stopped, "v1.34.9"), stop);
    assert_eq!(decide(&stopped, Err(&gone()), &labels()), stop);
}

/// What is seen after a person closed it and deleted its branch.
fn closed(of: &str) -> Observed {
    let mut observed = after(of);
    observed.pulls[0].state = PullState::Closed;
    observed.branch = None;
    observed
}

#[test]
fn rule_8_closed_means_no_to_this_change_and_to_no_other() {
    let observed = closed("v1.34.8");
    assert_eq!(
        decided(&observed, "v1.34.8"),
        Action::Silenced { number: 7 }
    );
    let linked = Action::Open { has_branch: false };
    assert_eq!(decided(&observed, "v1.34.9"), linked);
    assert_eq!(last_refusal(&observed.pulls), Some(7));
    let mut asked = closed("v1.34.8");
    asked.pulls[0].labels.push("again".to_owned());
    assert_eq!(decided(&asked, "v1.34.8"), linked);
}

#[test]
fn rule_8_an_older_no_is_remembered_behind_newer_pull_requests() {
    let mut observed = closed("v1.34.8");
    let mut newer = pull("v1.34.9");
    newer.state = PullState::Merged;
    newer.number = 9;
    observed.pulls.insert(0, newer);
    assert_eq!(last_refusal(&observed.pulls), None);
    assert_eq!(
        decided(&observed, "v1.34.8"),
        Action::Silenced { number: 7 }
    );
}

#[test]
fn what_the_program_closed_itself_may_come_again() {
    let mut observed = closed("v1.34.8");
    let mut own = block("v1.34.8");
    own.closed = Some("v1.34.8 is blocked".to_owned());
    observed.pulls[0].body = own.render();
    assert_eq!(last_refusal(&observed.pulls), None);
    let again = Action::Open { has_branch: false };
    assert_eq!(decided(&observed, "v1.34.8"), again);
}

#[test]
fn rule_13_a_run_stopped_between_branch_and_pull_request_goes_on() {
    let proved = Branch {
        is_proved: true,
        has_wanted_files: true,
        ..branch("made before the stop")
    };
    let orphan = Observed {
        branch: Some(proved.clone()),
        ..Observed::default()
    };
    let open = Action::Open { has_branch: true };
    assert_eq!(decided(&orphan, "v1.34.8"), open);
    assert_eq!(decide(&orphan, Err(&gone()), &labels()), Action::Sweep);
    let foreign = Observed {
        branch: Some(branch("somebody's")),
        ..Observed::default()
    };
    assert_eq!(decided(&foreign, "v1.34.8"), Action::ForeignBranch);
    assert_eq!(decide(&foreign, Err(&gone()), &labels()), Action::Nothing);
}

#[test]
fn rule_15_labels_a_person_removed_are_not_put_back() {
    let mut observed = after("v1.34.8");
    observed.pulls[0].labels.clear();
    assert_eq!(decided(&observed, "v1.34.8"), Action::Keep { number: 7 });
    let mut wanted = proposal("v1.34.8");
    wanted.labels.push("urgent".to_owned());
    let Action::Refresh(Refresh {
        labels: added,
        moves: false,
        ..
    }) = decide(&observed, Ok(&wanted), &labels())
    else {
        panic!("the new label is not added");
    };
    assert_eq!(added, ["urgent"]);
}

#[test]
fn a_draft_follows_the_gate_and_a_queued_one_is_left_to_the_queue() {
    let mut ready = proposal("v1.34.8");
    ready.is_draft = Some(false);
    let expected = Action::Refresh(Refresh {
        number: 7,
        draft: Some(false),
        ..Refresh::default()
    });
    assert_eq!(decide(&after("v1.34.8"), Ok(&ready), &labels()), expected);
    let mut queued = outdated("v1.34.8");
    queued.pulls[0].is_queued = true;
    assert_eq!(decided(&queued, "v1.34.9"), Action::Queued { number: 7 });
}

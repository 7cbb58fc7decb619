//! What people do to pull requests and branches of `pr` stands: rules 2, 6, 7, 8 and 15.

use super::requires;
use crate::support::github::PERSON;
use crate::support::hosted::{BRANCH, Hosted, PATCH, files, of};
use crate::support::program::{Copy, project};

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
    assert!(
        comment.starts_with("<!-- csctl-matrix:edited -->\n"),
        "{comment}"
    );
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
fn rule_6_a_merge_of_anything_but_the_base_is_a_person_s_work() {
    let hosted = Hosted::opened_with_patches();
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
    let hosted = Hosted::opened_with_patches();
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
    let mut hosted = Hosted::opened_with_patches();
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
fn rule_2_a_person_s_own_pull_request_of_the_branch_to_another_base_is_left_alone() {
    let hosted = Hosted::opened_with_patches();
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
fn rule_2_a_person_s_own_title_stays_as_long_as_the_change_does() {
    let hosted = Hosted::opened_with_patches();
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
    let hosted = Hosted::opened_with_patches();
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
fn rule_8_a_no_outlives_what_others_change_in_the_same_file() {
    let hosted = Hosted::opened_with_patches();
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

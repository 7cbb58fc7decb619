//! What is not known closes nothing: rule 9.

use crate::support::github::{Fault, PERSON};
use crate::support::hosted::{BRANCH, Hosted, KEYS, PATCH, all, of, outcomes};
use crate::support::program;

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
    // By the marker later versions know the comment again.
    assert!(comments.any(|comment| {
        let text = comment.body.strip_prefix("<!-- csctl-matrix:closed -->\n");
        text.is_some_and(|text| text.contains("no longer needed on main"))
    }));
    drop(state);
    assert_eq!(of(&hosted.outcomes(), PATCH), "none");
}

#[test]
fn rule_9_a_store_that_gives_no_answer_is_no_reason_to_close() {
    let mut hosted = Hosted::opened();
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
    let paths = state.changed_paths(base, pull.head);
    assert!(!paths.iter().any(|path| path.ends_with("csctl.yaml")));
}

#[test]
fn rule_9_a_branch_that_could_not_be_deleted_goes_in_the_next_run() {
    let hosted = Hosted::opened_with_patches();
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

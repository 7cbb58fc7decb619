//! The checks of a pushed commit, read from the stand-in for GitHub and judged: required ones, both kinds of reports, refusals.

use crate::support::github::{BranchRules, GitHubServer};
use csctl_matrix::config::{CheckName, Checks};
use csctl_matrix::gate::GateReport;
use csctl_matrix::io::forge::GitHub;
use csctl_matrix::io::gate::{Checked, read_checks};

const BRANCH: &str = "csctl-matrix/main/openstack-scs/1-34";

/// A server whose base branch requires these checks, with a commit to be judged.
fn requiring(checks: &[(&str, Option<i64>)]) -> (GitHubServer, GitHub, String) {
    let server = GitHubServer::start();
    let checks = checks.iter().map(|(name, app)| ((*name).to_owned(), *app));
    let rules = BranchRules {
        required_checks: checks.collect(),
        ..BranchRules::default()
    };
    server.state().rules.insert("main".to_owned(), rules);
    server.state().push(BRANCH, &[("a.yaml", Some("a: 1\n"))]);
    let head = server.state().head(BRANCH).unwrap().to_string();
    let github = server.connect();
    (server, github, head)
}

async fn judged(github: &GitHub, head: &str, wanted: &Checks) -> (bool, Vec<String>) {
    let now = "2027-01-01T00:00:00Z".parse().unwrap();
    let checked = Checked {
        base: "main",
        commit: head,
    };
    let read = read_checks(github, checked, wanted, &mut None, now).await;
    let report = GateReport::new(read.unwrap());
    let lines = report.results.iter();
    let lines = lines.map(|one| format!("{}: {}, {}", one.name, one.state, one.detail));
    (report.is_green, lines.collect())
}

#[tokio::test]
async fn required_checks_and_statuses_are_read_and_judged() {
    let (server, github, head) = requiring(&[("e2e", Some(15_368)), ("zuul", None)]);
    let oid = server.state().head(BRANCH).unwrap();
    let nothing = "missing, no check has reported on the commit";
    assert_eq!(
        judged(&github, &head, &Checks::Required).await,
        (
            false,
            vec![
                format!("e2e (15368): {nothing}"),
                format!("zuul: {nothing}")
            ]
        )
    );
    server.state().check(oid, "e2e", Some("cancelled"));
    server.state().check(oid, "e2e", None);
    server.state().report_status(oid, "zuul", "failure");
    server.state().report_status(oid, "zuul", "success");
    let (is_green, lines) = judged(&github, &head, &Checks::Required).await;
    assert!(!is_green);
    assert_eq!(
        lines,
        [
            "e2e (github-actions): waiting, in progress",
            "zuul: passed, success"
        ]
    );
    server.state().check(oid, "e2e", Some("success"));
    assert!(judged(&github, &head, &Checks::Required).await.0);
    // The base branch's own checks say nothing of the pushed commit.
    let main = server.state().head("main").unwrap().to_string();
    assert!(!judged(&github, &main, &Checks::Required).await.0);
}

#[tokio::test]
async fn a_refusal_is_a_result_and_not_green() {
    let (server, github, head) = requiring(&[("zuul", None)]);
    let oid = server.state().head(BRANCH).unwrap();
    server.state().report_status(oid, "zuul", "success");
    assert!(judged(&github, &head, &Checks::Required).await.0);
    let denied = server
        .state()
        .settings
        .denied
        .insert("checks=read".to_owned());
    assert!(denied);
    let (is_green, lines) = judged(&github, &head, &Checks::Required).await;
    assert!(
        !is_green && lines[0].starts_with("zuul: unreadable, "),
        "{lines:?}"
    );
    assert!(lines[0].contains("checks=read"), "{lines:?}");
    let names = Checks::Names(vec![CheckName {
        name: "zuul".to_owned(),
        app: None,
    }]);
    assert!(!judged(&github, &head, &names).await.0);
}

#[tokio::test]
async fn whoever_wants_no_checks_asks_for_none() {
    let (server, github, head) = requiring(&[("e2e", None)]);
    server.clear_log();
    let (is_green, lines) = judged(&github, &head, &Checks::None).await;
    assert_eq!(
        lines,
        ["checks of the forge: skipped, `gate.checks` is `none`"]
    );
    assert!(!is_green && server.log().is_empty());
}

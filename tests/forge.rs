//! GitHub's client against the stand-in: each operation, each fault, and that nothing is ever done twice.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use csctl_matrix::io::forge::{
    Clock, Credentials, ForgeError, ForgeSettings, GitHub, NewPull, PullChange, PullQuery,
    PullState,
};
use csctl_matrix::io::http::{HttpClient, HttpSettings, Secret};
use github::{Fault, GitHubServer, OWNER, REPOSITORY, TOKEN};

#[path = "support/github.rs"]
mod github;
#[path = "support/server.rs"]
mod server;

const BRANCH: &str = "csctl-matrix/main/openstack-scs/1-34";

fn http() -> HttpClient {
    HttpClient::new(HttpSettings {
        read_timeout: Duration::from_millis(400),
        system_proxy: false,
        ..HttpSettings::default()
    })
}

fn settings(server: &GitHubServer) -> ForgeSettings {
    let token = Secret::new(TOKEN).unwrap();
    ForgeSettings {
        base: server.url(),
        clock: Clock::recorded("2026-03-02T08:00:00Z".parse().unwrap()),
        ..ForgeSettings::new(OWNER, REPOSITORY, Credentials::Token(token))
    }
}

fn connect(server: &GitHubServer) -> GitHub {
    GitHub::new(&http(), &settings(server))
}

/// A server whose branch has something new.
fn with_branch() -> GitHubServer {
    let server = GitHubServer::start();
    server.state().push(BRANCH, &[("a.yaml", Some("a: 1\n"))]);
    server
}

fn new_pull() -> NewPull {
    NewPull {
        title: "Add images for Kubernetes 1.34.3".to_owned(),
        body: "| minor |\n".to_owned(),
        head: BRANCH.to_owned(),
        base: "main".to_owned(),
        draft: true,
    }
}

#[tokio::test]
async fn a_pull_request_is_opened_found_and_changed() {
    let server = with_branch();
    let github = connect(&server);
    assert_eq!(github.find_pulls(BRANCH, PullQuery::All).await.unwrap(), []);
    let created = github.create_pull(&new_pull()).await.unwrap();
    let found = github.find_pulls(BRANCH, PullQuery::Open).await.unwrap();
    assert_eq!((found.len(), found[0].number), (1, created.number));
    assert!(found[0].draft && found[0].state == PullState::Open);
    assert_eq!(found[0].body, new_pull().body);
    let change = PullChange {
        title: Some("Another".to_owned()),
        is_open: Some(false),
        ..PullChange::default()
    };
    github.update_pull(created.number, &change).await.unwrap();
    let pull = github.pull(created.number).await.unwrap();
    assert_eq!(pull.title, "Another");
    assert_eq!(pull.state, PullState::Closed);
    assert_eq!(pull.closed_by.as_deref(), Some(github::BOT));
}

#[tokio::test]
async fn a_lost_answer_opens_one_pull_request() {
    let faults = [
        Fault::LostAfter,
        Fault::LostBefore,
        Fault::Status(500),
        Fault::StatusAfter(502),
        Fault::Status(503),
        Fault::Stall,
        Fault::StallAfter,
        Fault::Half,
        Fault::Html(502),
        Fault::Html(200),
        Fault::HtmlAfter,
    ];
    for fault in faults {
        let server = with_branch();
        server.fault("POST", "/pulls$", 1, fault.clone());
        let created = connect(&server).create_pull(&new_pull()).await;
        let created = created.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        let state = server.state();
        assert_eq!(state.pulls.len(), 1, "{fault:?}");
        assert_eq!(state.pulls[0].number, created.number, "{fault:?}");
        assert!(server.unused().is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn an_error_names_what_github_said() {
    let server = GitHubServer::start();
    let error = connect(&server).create_pull(&new_pull()).await.unwrap_err();
    assert!(matches!(error, ForgeError::Unprocessable { .. }));
    assert_eq!(
        error.to_string(),
        "POST /repos/acme/cluster-stacks/pulls answers 422: Validation Failed: PullRequest head invalid"
    );
}

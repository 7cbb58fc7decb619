//! Branches and commits through GitHub's API, and the stand-in's own promise that git sees the same repository.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::github::{
    BOT, BranchRules, Fault, GitHubServer, State, TOKEN, email, http_client,
};
use csctl_matrix::io::forge::{ApiCommit, ApiFile, ForgeError, Swap};
use csctl_matrix::io::git::{GitRepository, RefResult, RefUpdate, Remote};
use csctl_matrix::io::http::Secret;
use git2::Oid;

const BRANCH: &str = "csctl-matrix/main/openstack-scs/1-34";

/// A server, its main branch, and two commits that do not follow each other.
fn with_commits() -> (GitHubServer, Oid, [Oid; 2]) {
    let server = GitHubServer::start();
    let (main, commits) = {
        let mut state = server.state();
        let main = state.head("main").unwrap();
        let make = |state: &mut State, text| state.commit(Some(main), BOT, &[("a", Some(text))]);
        let commits = [make(&mut state, "1\n"), make(&mut state, "2\n")];
        (main, commits)
    };
    (server, main, commits)
}

#[tokio::test]
async fn a_branch_is_made_moved_and_deleted() {
    for is_atomic in [true, false] {
        let (server, main, [one, two]) = with_commits();
        server.state().settings.knows_update_refs = is_atomic;
        let github = server.connect();
        let (first, second) = (one.to_string(), two.to_string());
        assert_eq!(github.branch_head(BRANCH).await.unwrap(), None);
        assert_eq!(
            github.create_ref(BRANCH, &first).await.unwrap(),
            Swap::Moved
        );
        assert_eq!(
            github.create_ref(BRANCH, &first).await.unwrap(),
            Swap::AlreadyThere
        );
        let moved = github.update_ref(BRANCH, &first, &second).await.unwrap();
        assert_eq!(
            (moved, server.state().head(BRANCH)),
            (Swap::Moved, Some(two))
        );
        let error = github.delete_ref(BRANCH, &first).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("branch {BRANCH} is at {second}, expected {first}")
        );
        assert_eq!(
            github.delete_ref(BRANCH, &second).await.unwrap(),
            Swap::Moved
        );
        assert_eq!(
            github.delete_ref(BRANCH, &second).await.unwrap(),
            Swap::AlreadyThere
        );
        assert_eq!(server.state().branches().len(), 1);
        assert_eq!(server.state().head("main"), Some(main));
        assert!(server.unknown().is_empty(), "{:?}", server.unknown());
    }
}

#[tokio::test]
async fn a_branch_that_somebody_moved_is_left_alone() {
    let (server, _, [one, two]) = with_commits();
    server.state().set_head(BRANCH, one);
    let pushed = |state: &mut State| {
        state.push(BRANCH, &[("mine", Some("x\n"))]);
    };
    // Between the look and the move, which GraphQL compares with the commit named.
    server.before("POST", "/graphql", 1, pushed);
    let github = server.connect();
    let error = github
        .update_ref(BRANCH, &one.to_string(), &two.to_string())
        .await
        .unwrap_err();
    assert!(matches!(error, ForgeError::Moved { .. }), "{error}");
    let head = server.state().head(BRANCH).unwrap();
    assert_eq!(server.state().file(head, "mine").as_deref(), Some("x\n"));
    // The same with a server that does not compare: the second look finds it.
    server.state().settings.knows_update_refs = false;
    server.state().force(BRANCH, one);
    server.before("POST", "/graphql", 1, pushed);
    let error = github
        .update_ref(BRANCH, &one.to_string(), &two.to_string())
        .await
        .unwrap_err();
    assert!(matches!(error, ForgeError::Moved { .. }), "{error}");
    assert!(
        server
            .mutations()
            .iter()
            .all(|line| line.contains("/graphql"))
    );
}

#[tokio::test]
async fn moves_whose_answers_are_lost_are_done_once() {
    for fault in [
        Fault::LostAfter,
        Fault::LostBefore,
        Fault::StatusAfter(502),
        Fault::Status(500),
        Fault::Half,
        Fault::Html(200),
        Fault::StallAfter,
    ] {
        for is_atomic in [true, false] {
            let (server, _, [one, two]) = with_commits();
            server.state().settings.knows_update_refs = is_atomic;
            let path = if is_atomic { "/graphql" } else { "/git/refs" };
            let github = server.connect();
            for method in ["POST", "PATCH", "DELETE"] {
                server.fault(method, path, 1, fault.clone());
            }
            let (one, two) = (one.to_string(), two.to_string());
            let say = |error: ForgeError| panic!("{fault:?} {is_atomic}: {error}");
            github.create_ref(BRANCH, &one).await.unwrap_or_else(say);
            github
                .update_ref(BRANCH, &one, &two)
                .await
                .unwrap_or_else(say);
            assert_eq!(server.state().head(BRANCH).unwrap().to_string(), two);
            github.delete_ref(BRANCH, &two).await.unwrap_or_else(say);
            assert_eq!(server.state().head(BRANCH), None);
        }
    }
}

#[tokio::test]
async fn a_rule_against_force_pushes_holds() {
    let (server, _, [one, two]) = with_commits();
    let rules = BranchRules {
        no_force_push: true,
        ..BranchRules::default()
    };
    server
        .state()
        .rules
        .insert("csctl-matrix/*".to_owned(), rules);
    server.state().set_head(BRANCH, one);
    let github = server.connect();
    let error = github
        .update_ref(BRANCH, &one.to_string(), &two.to_string())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("Cannot force-push"), "{error}");
    assert_eq!(server.state().head(BRANCH), Some(one));
    assert!(github.protection(BRANCH).await.unwrap().forbids_force_push);
}

#[tokio::test]
async fn commits_that_github_makes_are_signed_and_move_nothing() {
    let server = GitHubServer::start_with(&[("gone", Some("x\n")), ("kept", Some("k\n"))]);
    let main = server.state().head("main").unwrap();
    let github = server.connect();
    let file = |path: &str, content: Option<&[u8]>| ApiFile {
        path: path.to_owned(),
        content: content.map(<[u8]>::to_vec),
        mode: if path == "run.sh" {
            0o100_755
        } else {
            0o100_644
        },
    };
    let files = [
        file("deep/a.yaml", Some("ä: 1\n".as_bytes())),
        file("run.sh", Some(b"#!/bin/sh\n")),
        file("image.bin", Some(&[0xff, 0x00, 0xfe])),
        file("gone", None),
    ];
    for kind in ["blobs", "trees", "commits"] {
        server.fault("POST", kind, 1, Fault::LostAfter);
    }
    let base = server.state().git.find_commit(main).unwrap().tree_id();
    let tree = github.create_tree(&base.to_string(), &files).await.unwrap();
    let commit = ApiCommit {
        parents: vec![main.to_string()],
        tree,
        message: "Add images\n\nSigned-off-by: x\n".to_owned(),
    };
    let made = github.create_commit(&commit).await.unwrap();
    assert!(made.is_verified);
    assert_eq!(made.author_email, Some(email(BOT)));
    assert_eq!(server.state().head("main"), Some(main));
    {
        let state = server.state();
        let found = state
            .git
            .find_commit(Oid::from_str(&made.oid).unwrap())
            .unwrap();
        assert_eq!(found.parent_id(0).unwrap(), main);
        assert_eq!(
            (found.message().unwrap(), found.tree_id().to_string()),
            (commit.message.as_str(), commit.tree.clone())
        );
        let tree = found.tree().unwrap();
        let read = |path: &str| {
            let entry = tree.get_path(Path::new(path)).ok()?;
            let blob = state.git.find_blob(entry.id()).unwrap();
            Some((blob.content().to_vec(), entry.filemode()))
        };
        assert_eq!(read("deep/a.yaml"), Some(("ä: 1\n".into(), 0o100_644)));
        assert_eq!(read("run.sh"), Some((b"#!/bin/sh\n".to_vec(), 0o100_755)));
        assert_eq!(read("image.bin"), Some((vec![0xff, 0x00, 0xfe], 0o100_644)));
        assert_eq!((read("gone"), read("kept").is_some()), (None, true));
    }
}

/// Runs git as a user does, with nothing of this machine's configuration.
fn git(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env_remove("http_proxy")
        .env("no_proxy", "127.0.0.1")
        .output()
        .unwrap()
}

fn worked(output: &Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

#[tokio::test]
async fn git_sees_the_same_repository_and_needs_the_token() {
    let (server, _, [one, _]) = with_commits();
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let refused = git(here, &["clone", &server.git_url(), "nobody"]);
    assert!(!refused.status.success());
    let url = server
        .git_url()
        .replace("http://", &format!("http://x-access-token:{TOKEN}@"));
    worked(&git(here, &["clone", &url, "copy"]));
    let copy = here.join("copy");
    let github = server.connect();
    github.create_ref(BRANCH, &one.to_string()).await.unwrap();
    worked(&git(&copy, &["fetch", "origin", BRANCH]));
    worked(&git(&copy, &["checkout", "-b", BRANCH, "FETCH_HEAD"]));
    worked(&git(&copy, &["commit", "--allow-empty", "-m", "Empty"]));
    let pull = server.state().open(BRANCH, "main", "Ours");
    worked(&git(&copy, &["push", "origin", BRANCH]));
    let head = github.branch_head(BRANCH).await.unwrap();
    assert_ne!(head, Some(one.to_string()));
    assert_eq!(Some(server.state().pull(pull).head.to_string()), head);
    // A push of the base's own commit leaves nothing to merge, so the pull request is closed.
    worked(&git(
        &copy,
        &[
            "push",
            "--force",
            "origin",
            &format!("origin/main:{BRANCH}"),
        ],
    ));
    assert!(!server.state().pull(pull).is_open);
    let rules = BranchRules {
        no_force_push: true,
        ..BranchRules::default()
    };
    server.state().rules.insert("main".to_owned(), rules);
    let forced = git(
        &copy,
        &["push", "--force", "origin", &format!("{one}:main")],
    );
    worked(&forced);
    let forced = git(&copy, &["push", "--force", "origin", "origin/main~1:main"]);
    assert!(!forced.status.success(), "rewriting is refused");
    assert!(
        server
            .mutations()
            .iter()
            .any(|line| line.ends_with("/git-receive-pack"))
    );
}

#[tokio::test]
async fn what_is_pushed_is_what_the_api_sees() {
    let (server, main, [one, _]) = with_commits();
    let folder = tempfile::tempdir().unwrap();
    let url = server
        .git_url()
        .replace("http://", &format!("http://x-access-token:{TOKEN}@"));
    worked(&git(folder.path(), &["clone", &url, "copy"]));
    let copy = folder.path().join("copy");
    worked(&git(&copy, &["commit", "--allow-empty", "-m", "Ours"]));
    let made = String::from_utf8(git(&copy, &["rev-parse", "HEAD"]).stdout).unwrap();
    let made = Oid::from_str(made.trim()).unwrap();
    let here = GitRepository::discover(&copy).unwrap().unwrap();
    let remote = Remote::new(&server.git_url(), Secret::new(TOKEN)).unwrap();
    let client = http_client(None);
    let push = async |old| {
        let update = RefUpdate::branch(BRANCH, old, Some(made));
        remote.push(&client, &here, &update).await.unwrap()
    };
    assert_eq!(push(None).await, RefResult::Moved);
    assert_eq!(
        remote.refs(&client).await.unwrap().branch("main"),
        Some(main)
    );
    let github = server.connect();
    assert_eq!(
        github.branch_head(BRANCH).await.unwrap(),
        Some(made.to_string())
    );
    server.state().force(BRANCH, one);
    assert!(matches!(push(Some(main)).await, RefResult::Rejected(_)));
    assert_eq!(
        github.branch_head(BRANCH).await.unwrap(),
        Some(one.to_string())
    );
}

//! Pushes: a branch that somebody else moved is left alone, and an answer that is lost is looked for.

use super::{BRANCH, change, client, create, is_push, secret, world};
use crate::support::git_server::{self, TOKEN};
use crate::support::server::Reply;
use csctl_matrix::io::git::{GitRepository, RefResult, RefUpdate, Rejection, Remote, RemoteError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

#[tokio::test]
async fn a_branch_that_somebody_moved_is_left_alone() {
    let world = world();
    let [first, second, person] =
        ["One", "Two", "A person's"].map(|text| world.commit(world.base(), text));
    world.push(&create(first)).await.unwrap();
    world.push(&change(first, person)).await.unwrap();
    world.server.clear_log();
    let stale = RefResult::Rejected(Rejection::Stale { now: Some(person) });
    for update in [
        change(first, second),
        create(second),
        RefUpdate::branch(BRANCH, Some(first), None),
    ] {
        assert_eq!(world.push(&update).await.unwrap(), stale);
    }
    assert_eq!(world.branch(), Some(person));
    assert!(
        !world
            .server
            .log()
            .iter()
            .any(|line| is_push(&line.method, &line.path))
    );
    world.server.git(&["branch", "-q", "-D", BRANCH]);
    let gone = RefResult::Rejected(Rejection::Stale { now: None });
    assert_eq!(world.push(&change(person, second)).await.unwrap(), gone);
}

/// The person pushes after the refs were read and before the push arrives: the server itself compares.
#[tokio::test]
async fn a_branch_that_is_moved_between_two_requests_is_left_alone() {
    let world = world();
    let [first, second, person] =
        ["One", "Two", "A person's"].map(|text| world.commit(world.base(), text));
    world.push(&create(first)).await.unwrap();
    world
        .push(&RefUpdate::branch("person", None, Some(person)))
        .await
        .unwrap();
    let path = world.server.path();
    world.server.script(move |request, serve| {
        if is_push(&request.method, &request.path) {
            git_server::git(&path, &["branch", "-f", BRANCH, "person"]);
        }
        serve()
    });
    let result = world.push(&change(first, second)).await.unwrap();
    assert_eq!(
        result,
        RefResult::Rejected(Rejection::Stale { now: Some(person) })
    );
    let path = world.server.path();
    world.server.script(move |request, serve| {
        if is_push(&request.method, &request.path) {
            git_server::git(&path, &["branch", "-q", "-D", BRANCH]);
        }
        serve()
    });
    let result = world.push(&change(person, second)).await.unwrap();
    assert_eq!(result, RefResult::Rejected(Rejection::Stale { now: None }));
}

#[tokio::test]
async fn a_servers_refusal_is_told_in_its_words() {
    let world = world();
    let [first, second] = ["One", "Two"].map(|text| world.commit(world.base(), text));
    world.server.hook(
        "pre-receive",
        &format!("echo 'no tabs, {TOKEN}' >&2; exit 1"),
    );
    let result = world.push(&create(first)).await.unwrap();
    let RefResult::Rejected(Rejection::Hook(text)) = result else {
        panic!("{result:?}");
    };
    assert_eq!(text, "pre-receive hook declined: no tabs, ***");
    assert_eq!(world.branch(), None);
    world.server.hook("pre-receive", "exit 0");
    // One ref is refused, and another moves.
    world.server.hook(
        "update",
        "test $1 != refs/heads/bad || { echo 'not this one' >&2; exit 1; }",
    );
    let bad = RefUpdate::branch("bad", None, Some(first));
    let result = world.push(&bad).await.unwrap();
    assert!(
        matches!(&result, RefResult::Rejected(Rejection::Hook(text)) if text.contains("not this one")),
        "{result:?}"
    );
    assert_eq!(world.push(&create(first)).await.unwrap(), RefResult::Moved);
    world
        .server
        .git(&["config", "receive.denyNonFastForwards", "true"]);
    let result = world.push(&change(first, second)).await.unwrap();
    assert_eq!(result, RefResult::Rejected(Rejection::NonFastForward));
    world.server.git(&["config", "receive.denyDeletes", "true"]);
    let result = world
        .push(&RefUpdate::branch(BRANCH, Some(first), None))
        .await
        .unwrap();
    assert_eq!(
        result,
        RefResult::Rejected(Rejection::Other(format!(
            "deletion prohibited: error: denying ref deletion for refs/heads/{BRANCH}"
        )))
    );
    assert_eq!(world.branch(), Some(first));
    for name in ["a..b", "a b", "x\n", ""] {
        let result = world
            .push(&RefUpdate::branch(name, None, Some(first)))
            .await
            .unwrap();
        let RefResult::Rejected(Rejection::Other(text)) = result else {
            panic!("{result:?}");
        };
        assert!(text.starts_with("git does not allow the name"), "{text}");
    }
}

/// The push is done, and what comes back is a broken connection, half an answer, a page, a 502.
#[tokio::test]
async fn a_lost_answer_is_answered_by_looking_again() {
    type Fault = fn(Reply) -> Reply;
    let faults: [(&str, Fault); 5] = [
        ("nothing", |_| Reply::ok("").cut(100)),
        ("half", |reply| Reply {
            body: reply.body[..reply.body.len() / 2].to_vec(),
            ..reply
        }),
        ("no end", |reply| Reply {
            body: reply.body[..reply.body.len() - 4].to_vec(),
            ..reply
        }),
        ("502", |_| Reply::page(502)),
        ("page", |_| Reply::page(200)),
    ];
    for (name, fault) in faults {
        let world = world();
        let [first, second] = ["One", "Two"].map(|text| world.commit(world.base(), text));
        world.server.script(move |request, serve| {
            let reply = serve();
            if is_push(&request.method, &request.path) {
                fault(reply)
            } else {
                reply
            }
        });
        assert_eq!(
            world.push(&create(first)).await.unwrap(),
            RefResult::Moved,
            "{name}"
        );
        assert_eq!(world.branch(), Some(first), "{name}");
        let posts = world
            .server
            .log()
            .iter()
            .filter(|line| is_push(&line.method, &line.path))
            .count();
        assert_eq!(posts, 1, "{name}: nothing is pushed twice");
        // The same, where the push was not done.
        world.server.script(move |request, serve| {
            if is_push(&request.method, &request.path) {
                fault(Reply::ok("0000000000000"))
            } else {
                serve()
            }
        });
        let result = world.push(&change(first, second)).await.unwrap();
        assert!(
            matches!(result, RefResult::Rejected(Rejection::Unanswered(_))),
            "{name}: {result:?}"
        );
        assert_eq!(world.branch(), Some(first), "{name}");
    }
}

#[tokio::test]
async fn a_push_of_which_nothing_can_be_known_says_so_and_the_next_run_finds_it() {
    let world = world();
    let commit = world.commit(world.base(), "One");
    let is_pushed = AtomicBool::new(false);
    world.server.script(move |request, serve| {
        let reply = serve();
        let is_push = is_push(&request.method, &request.path);
        if is_pushed.fetch_or(is_push, Ordering::SeqCst) || is_push {
            Reply::ok("").cut(100)
        } else {
            reply
        }
    });
    let error = world.push(&create(commit)).await.unwrap_err();
    assert!(matches!(error, RemoteError::Lost { .. }), "{error}");
    assert!(!error.to_string().contains(TOKEN));
    world.server.calm();
    assert_eq!(
        world.push(&create(commit)).await.unwrap(),
        RefResult::AlreadyThere
    );
}

/// Two runs at once: the same commit converges, and of two commits one wins, over HTTP and by path.
#[test]
fn of_two_runs_at_once_one_moves_the_branch() {
    for (is_path, is_same) in [(false, true), (false, false), (true, true), (true, false)] {
        let world = world();
        let url = if is_path {
            world.server.path().display().to_string()
        } else {
            world.server.url()
        };
        let both = Arc::new(Barrier::new(2));
        let runs: Vec<_> = ["One", if is_same { "One" } else { "Two" }]
            .map(|text| {
                let (both, root, url) = (both.clone(), world.copy.root(), url.clone());
                let commit = world.commit(world.base(), text);
                thread::spawn(move || {
                    let git = GitRepository::discover(&root).unwrap().unwrap();
                    let remote = Remote::new(&url, secret()).unwrap();
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build();
                    both.wait();
                    let update = create(commit);
                    let pushed = runtime
                        .unwrap()
                        .block_on(remote.push(&client(), &git, &update));
                    (commit, pushed.unwrap())
                })
            })
            .into_iter()
            .map(|run| run.join().unwrap())
            .collect();
        let winner = world.branch().unwrap();
        for (commit, result) in &runs {
            match result {
                RefResult::Moved | RefResult::AlreadyThere => assert_eq!(*commit, winner),
                RefResult::Rejected(Rejection::Stale { now }) => assert_eq!(*now, Some(winner)),
                RefResult::Rejected(other) => panic!("{other}"),
            }
        }
        let moved = runs
            .iter()
            .filter(|(_, result)| *result == RefResult::Moved);
        let is_one = moved.count() == 1;
        assert!(is_one || is_same, "{runs:?}");
    }
}

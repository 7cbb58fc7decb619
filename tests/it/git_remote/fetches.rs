//! Fetches: what a clone lacks is brought, and what comes by halves is left out.

use super::{BRANCH, FILE, World, create, text_at, world};
use crate::support::program::{Copy, files_of};
use crate::support::server::Reply;
use csctl_matrix::io::git::{GitRepository, Oid, RefResult, RemoteError};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

#[tokio::test]
async fn a_shallow_clone_gets_the_newest_base_and_stays_as_it_is() {
    let world = world();
    for text in ["Two", "Three"] {
        world.copy.write("CHANGES", text).commit();
    }
    let path = world.server.path().display().to_string();
    world.copy.git(&["push", "-q", &path, "main"]);
    let shallow = Copy::of("docker");
    let url = format!("file://{path}");
    shallow.git(&["clone", "-q", "--depth=1", &url, "clone"]);
    let clone = |arguments: &[&str]| shallow.git(&[&["-C", "clone"], arguments].concat());
    // The base moves on after the clone.
    world.copy.write("CHANGES", "Four").commit();
    world.copy.write("CHANGES", "Five").commit();
    world.copy.git(&["push", "-q", &path, "main"]);
    let before = git_state(&shallow.path("clone/.git"));
    let git = GitRepository::discover(&shallow.path("clone"))
        .unwrap()
        .unwrap();
    let base = world.base();
    assert!(git.find_commit(base).unwrap().is_none());
    world
        .remote
        .fetch(&world.client, &git, &[base], 1)
        .await
        .unwrap();
    assert!(before == git_state(&shallow.path("clone/.git")));
    assert!(
        git.load_tree(&base.to_string())
            .unwrap()
            .find(FILE)
            .is_some()
    );
    let facts = git.find_commit(base).unwrap().unwrap();
    assert!(
        git.find_commit(facts.parents[0]).unwrap().is_none(),
        "no history comes along"
    );
    // Nothing is asked for twice.
    world.server.clear_log();
    world
        .remote
        .fetch(&world.client, &git, &[base], 1)
        .await
        .unwrap();
    assert!(world.server.log().is_empty());
    // A commit on it is pushed, though the base has moved on again meanwhile, and git's own fetch still works.
    let made = World { git, ..world };
    let commit = made.commit(base, "One");
    made.copy.write("CHANGES", "Six").commit();
    made.copy.git(&["push", "-q", &path, "main"]);
    assert_eq!(made.push(&create(commit)).await.unwrap(), RefResult::Moved);
    assert_eq!(made.server.git(&["fsck", "--strict", "--no-dangling"]), "");
    assert_eq!(
        made.server.git(&["rev-parse", &format!("{BRANCH}^")]),
        base.to_string()
    );
    clone(&["fetch", "-q", "origin"]);
    assert_eq!(clone(&["fsck", "--strict", "--no-dangling"]), "");
    assert!(clone(&["log", "--oneline", "origin/main"]).lines().count() > 1);
}

fn git_state(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut state = files_of(directory);
    state.retain(|path, _| !path.starts_with("objects/"));
    assert!(state.contains_key("HEAD") && state.contains_key("index"));
    state
}

/// A partial clone has commits without their files, which libgit2 does not fetch by itself.
#[tokio::test]
async fn files_that_a_partial_clone_lacks_are_brought() {
    let world = world();
    let outer = Copy::of("docker");
    let url = format!("file://{}", world.server.path().display());
    outer.git(&[
        "clone",
        "-q",
        "--filter=blob:none",
        "--no-checkout",
        &url,
        "clone",
    ]);
    let git = GitRepository::discover(&outer.path("clone"))
        .unwrap()
        .unwrap();
    let base = world.base();
    assert!(git.find_commit(base).unwrap().is_some() && text_at(&git, base).is_none());
    world
        .remote
        .fetch(&world.client, &git, &[base], 1)
        .await
        .unwrap();
    assert!(text_at(&git, base).is_some());
}

#[tokio::test]
async fn ancestors_come_as_deep_as_asked_and_tell_a_merge_from_work() {
    let world = world();
    let own = world.commit(world.base(), "One");
    world.push(&create(own)).await.unwrap();
    // The forge merges the base into the branch, as its button does.
    let work = Copy::of("docker");
    let path = world.server.path().display().to_string();
    work.git(&["clone", "-q", &path, "clone"]);
    fs::write(work.path("clone/NEW"), "new").unwrap();
    let clone = |arguments: &[&str]| work.git(&[&["-C", "clone"], arguments].concat());
    clone(&["add", "NEW"]);
    clone(&["commit", "-q", "-m", "Base moves on"]);
    clone(&["push", "-q", "origin", "main"]);
    clone(&["checkout", "-q", BRANCH]);
    clone(&["merge", "-q", "--no-ff", "-m", "Merge", "main"]);
    clone(&["push", "-q", "origin", BRANCH]);
    let head = world
        .remote
        .refs(&world.client)
        .await
        .unwrap()
        .branch(BRANCH)
        .unwrap();
    world
        .remote
        .fetch(&world.client, &world.git, &[head], 2)
        .await
        .unwrap();
    let merged = world.git.merged_into(head, own).unwrap().unwrap();
    let main = world
        .remote
        .refs(&world.client)
        .await
        .unwrap()
        .branch("main");
    assert_eq!(merged.last().copied(), main);
    let missing = Oid::from_str(&"7".repeat(40)).unwrap();
    let error = world
        .remote
        .fetch(&world.client, &world.git, &[missing], 1)
        .await
        .unwrap_err();
    assert!(matches!(error, RemoteError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn half_an_answer_to_a_fetch_leaves_nothing_behind() {
    let world = world();
    let commit = world.commit(world.base(), "One");
    world.push(&create(commit)).await.unwrap();
    let other = Copy::of("docker");
    other.commit();
    let git = GitRepository::discover(&other.root()).unwrap().unwrap();
    let before = files_of(&other.path(".git"));
    for eighth in 0..8 {
        world.server.script(move |request, serve| {
            let mut reply = serve();
            if request.method == "POST" {
                reply.body.truncate(reply.body.len() * eighth / 8);
            }
            reply
        });
        let error = world
            .remote
            .fetch(&world.client, &git, &[commit], 1)
            .await
            .unwrap_err();
        assert!(matches!(error, RemoteError::Incomplete { .. }), "{error}");
        assert!(before == files_of(&other.path(".git")));
    }
    world.server.script(|request, serve| {
        let mut reply = serve();
        if request.method == "POST" {
            let middle = reply.body.len() / 2;
            reply.body[middle] ^= 0xff;
        }
        reply
    });
    let error = world
        .remote
        .fetch(&world.client, &git, &[commit], 1)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            RemoteError::Failed { .. } | RemoteError::Incomplete { .. }
        ),
        "{error}"
    );
    assert!(git.find_commit(commit).unwrap().is_none());
    // A fault that passes is outlived.
    let posts = AtomicU32::new(0);
    world.server.script(move |request, serve| {
        let is_post = request.method == "POST";
        if is_post && posts.fetch_add(1, Ordering::SeqCst) == 0 {
            Reply::page(503)
        } else {
            serve()
        }
    });
    let fetched = world.remote.fetch(&world.client, &git, &[commit], 1).await;
    fetched.unwrap();
    assert!(text_at(&git, commit).is_some());
}

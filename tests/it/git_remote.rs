//! Git without a checkout: commits made of plans, pushed to and fetched from a real bare repository, over real smart HTTP and
//! by path. What arrived is judged by git itself.

mod answers;
mod commits;
mod fetches;
mod pushes;

use crate::support::git_server::{GitServer, TOKEN};
use crate::support::program::{Copy, files_of};
use csctl_matrix::io::git::{
    CommitInfo, GitRepository, Oid, Person, RefResult, RefUpdate, Rejection, Remote, RemoteError,
};
use csctl_matrix::io::http::{HttpClient, HttpSettings, Secret};
use csctl_matrix::plan::{FileAction, FileChange};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const BRANCH: &str = "csctl-matrix/main/openstack-scs2/1-34";

const FILE: &str = "providers/openstack/scs/csctl.yaml";

/// A clone of a server's repository, and who talks to it.
struct World {
    server: GitServer,
    copy: Copy,
    git: GitRepository,
    client: HttpClient,
    remote: Remote,
}

fn client() -> HttpClient {
    HttpClient::new(HttpSettings {
        retries: 1,
        retry_pause: Duration::from_millis(1),
        read_timeout: Duration::from_millis(1500),
        // Git waits for the end of an answer that was cut short for as long as it is let.
        total_timeout: Duration::from_secs(5),
        system_proxy: false,
        ..HttpSettings::default()
    })
}

fn secret() -> Option<Secret> {
    Secret::new(TOKEN)
}

fn world() -> World {
    let server = GitServer::start();
    let copy = Copy::of("layout-b");
    copy.commit();
    copy.git(&["remote", "add", "origin", &server.url()]);
    let path = server.path().display().to_string();
    copy.git(&["push", "-q", &path, "main"]);
    let git = GitRepository::discover(&copy.root()).unwrap().unwrap();
    let remote = git.origin(secret()).unwrap();
    World {
        server,
        copy,
        git,
        client: client(),
        remote,
    }
}

/// Makes a commit of these changes on top of another one.
fn commit_plan(git: &GitRepository, on: Oid, files: &[FileChange], info: &CommitInfo) -> Oid {
    let tree = git.plan_tree(on, files).unwrap();
    git.commit_tree(on, tree, info).unwrap()
}

impl World {
    fn base(&self) -> Oid {
        self.git.resolve("main").unwrap()
    }

    /// Makes a commit of one changed file.
    fn commit(&self, on: Oid, text: &str) -> Oid {
        let before = text_at(&self.git, on).unwrap();
        let after = format!("{before}# {text}\n").into();
        let action = FileAction::Edit { before, after };
        let change = FileChange {
            path: FILE.to_owned(),
            action,
            edits: Vec::new(),
        };
        commit_plan(&self.git, on, &[change], &info(text))
    }

    async fn push(&self, update: &RefUpdate) -> Result<RefResult, RemoteError> {
        self.remote.push(&self.client, &self.git, update).await
    }

    /// Where the branch is on the server, as git sees it.
    fn branch(&self) -> Option<Oid> {
        let name = format!("refs/heads/{BRANCH}");
        let found = self
            .server
            .git(&["for-each-ref", "--format=%(objectname)", &name]);
        Oid::from_str(&found).ok()
    }
}

/// The text of the file at a commit; nothing where it cannot be read.
fn text_at(git: &GitRepository, commit: Oid) -> Option<Arc<str>> {
    let repository = git2::Repository::open(git.git_directory()).unwrap();
    let tree = repository.find_commit(commit).ok()?.tree().ok()?;
    let entry = tree.get_path(Path::new(FILE)).ok()?;
    let blob = repository.find_blob(entry.id()).ok()?;
    Some(std::str::from_utf8(blob.content()).unwrap().into())
}

fn info(subject: &str) -> CommitInfo {
    CommitInfo {
        author: Person {
            name: "Jürgen Öl".to_owned(),
            email: "j@example.org".to_owned(),
        },
        committer: Person {
            name: "matrix bot".to_owned(),
            email: "bot@example.org".to_owned(),
        },
        time: "2026-07-01T12:00:00Z".parse().unwrap(),
        message: format!("{subject}\n\nIt exists now."),
    }
}

fn create(new: Oid) -> RefUpdate {
    RefUpdate::branch(BRANCH, None, Some(new))
}

fn change(old: Oid, new: Oid) -> RefUpdate {
    RefUpdate::branch(BRANCH, Some(old), Some(new))
}

/// Tells whether a request moves refs; questions are sent with `POST` too.
fn is_push(method: &str, path: &str) -> bool {
    method == "POST" && path.ends_with("/git-receive-pack")
}

/// All bytes of git's own directory but for objects, and of the working directory.
fn state(copy: &Copy) -> BTreeMap<String, Vec<u8>> {
    let mut state = files_of(&copy.path(".git"));
    state.retain(|path, _| !path.starts_with("objects/"));
    state.extend(copy.files());
    state
}

#[tokio::test]
async fn a_path_is_a_remote_with_the_same_promises() {
    let world = world();
    let [first, second] = ["One", "Two"].map(|text| world.commit(world.base(), text));
    let path = world.server.path().display().to_string();
    for url in [path.clone(), format!("file://{path}")] {
        let remote = Remote::new(&url, secret()).unwrap();
        let push = async |update: RefUpdate| {
            remote
                .push(&world.client, &world.git, &update)
                .await
                .unwrap()
        };
        assert_eq!(push(create(first)).await, RefResult::Moved);
        assert_eq!(push(create(first)).await, RefResult::AlreadyThere);
        let stale = RefResult::Rejected(Rejection::Stale { now: Some(first) });
        assert_eq!(push(create(second)).await, stale);
        assert_eq!(push(change(first, second)).await, RefResult::Moved);
        let stale = RefResult::Rejected(Rejection::Stale { now: Some(second) });
        assert_eq!(
            push(RefUpdate::branch(BRANCH, Some(first), None)).await,
            stale
        );
        world
            .server
            .git(&["config", "receive.denyNonFastForwards", "true"]);
        assert_eq!(
            push(change(second, first)).await,
            RefResult::Rejected(Rejection::NonFastForward)
        );
        world
            .server
            .git(&["config", "receive.denyNonFastForwards", "false"]);
        let refs = remote.refs(&world.client).await.unwrap();
        assert_eq!(
            (refs.branch(BRANCH), refs.default_branch.as_deref()),
            (Some(second), Some("main"))
        );
        let other = Copy::of("docker");
        other.commit();
        let git = GitRepository::discover(&other.root()).unwrap().unwrap();
        remote
            .fetch(&world.client, &git, &[second], 1)
            .await
            .unwrap();
        assert!(text_at(&git, second).is_some());
        assert_eq!(
            push(RefUpdate::branch(BRANCH, Some(second), None)).await,
            RefResult::Moved
        );
        assert_eq!(world.server.git(&["fsck", "--strict", "--no-dangling"]), "");
    }
    assert!(world.server.log().is_empty());
    let checkout = Remote::new(&world.copy.root().display().to_string(), None).unwrap();
    let update = RefUpdate::branch("main", Some(world.base()), Some(first));
    let result = checkout
        .push(&world.client, &world.git, &update)
        .await
        .unwrap();
    assert!(
        matches!(&result, RefResult::Rejected(Rejection::Other(text)) if text.contains("checked out"))
    );
    let nowhere = Remote::new("/nowhere/at/all", None).unwrap();
    assert!(matches!(
        nowhere.refs(&world.client).await,
        Err(RemoteError::NotFound { .. })
    ));
}

#[test]
fn origin_is_found_with_the_users_rewrites() {
    let world = world();
    let origin = |url: &str| {
        world.copy.git(&["remote", "set-url", "origin", url]);
        let git = GitRepository::discover(&world.copy.root())
            .unwrap()
            .unwrap();
        git.origin(secret()).map(|remote| remote.shown())
    };
    assert_eq!(
        origin("git@github.com:o/r").unwrap(),
        "https://github.com/o/r.git"
    );
    world
        .copy
        .git(&["config", "url.https://mirror.example/.insteadOf", "gh:"]);
    assert_eq!(
        origin("gh:o/r.git").unwrap(),
        "https://mirror.example/o/r.git"
    );
    assert!(
        origin("../other.git")
            .unwrap()
            .ends_with("repository/../other.git")
    );
    world.copy.git(&["remote", "remove", "origin"]);
    let git = GitRepository::discover(&world.copy.root())
        .unwrap()
        .unwrap();
    assert!(matches!(git.origin(secret()), Err(RemoteError::NoOrigin)));
}

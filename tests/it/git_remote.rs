//! Git without a checkout: commits made of plans, pushed to and fetched from a real bare repository, over real smart HTTP and
//! by path. What arrived is judged by git itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use crate::support::git_server::{self, GitServer, TOKEN};
use crate::support::program::{Copy, files_of, sound_repositories};
use crate::support::server::{Reply, refusing_url};
use csctl_matrix::command::{Place, Repository, SourceSettings};
use csctl_matrix::config::Config;
use csctl_matrix::io::git::{
    CommitInfo, GitRepository, Oid, Person, RefResult, RefUpdate, Rejection, Remote, RemoteError,
};
use csctl_matrix::io::http::{HttpClient, HttpSettings, Secret};
use csctl_matrix::io::update::Staging;
use csctl_matrix::plan::{FileAction, FileChange, Plan, PlanInput, Selection, plan};

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
async fn a_commit_is_made_and_pushed_and_git_finds_nothing_wrong() {
    let world = world();
    let commit = world.commit(world.base(), "Offer v1.34.8");
    let refs = world.remote.refs(&world.client).await.unwrap();
    assert_eq!(refs.default_branch.as_deref(), Some("main"));
    assert_eq!(
        (refs.branch("main"), refs.branch(BRANCH)),
        (Some(world.base()), None)
    );
    assert_eq!(world.push(&create(commit)).await.unwrap(), RefResult::Moved);
    assert_eq!(world.branch(), Some(commit));
    assert_eq!(world.server.git(&["fsck", "--strict", "--no-dangling"]), "");
    let said = world.server.git(&[
        "log",
        "-1",
        "--format=%an <%ae>%n%cn%n%aI%n%cI%n%P%n%B",
        BRANCH,
    ]);
    let expected = format!(
        "Jürgen Öl <j@example.org>\nmatrix bot\n2026-07-01T12:00:00Z\n2026-07-01T12:00:00Z\n{}\n\
         Offer v1.34.8\n\nIt exists now.\n\nSigned-off-by: Jürgen Öl <j@example.org>",
        world.base()
    );
    assert_eq!(said.replace("+00:00", "Z"), expected);
    assert_eq!(
        world.server.git(&["diff", "--name-only", "main", BRANCH]),
        FILE
    );
    // The second time nothing is sent.
    world.server.clear_log();
    assert_eq!(
        world.push(&create(commit)).await.unwrap(),
        RefResult::AlreadyThere
    );
    assert!(
        !world
            .server
            .log()
            .iter()
            .any(|line| is_push(&line.method, &line.path))
    );
    // On, back, where the server has all of it, and away.
    let next = world.commit(commit, "More");
    let other = world.commit(world.base(), "Other");
    for update in [
        change(commit, next),
        change(next, other),
        change(other, commit),
    ] {
        assert_eq!(world.push(&update).await.unwrap(), RefResult::Moved);
        assert_eq!(world.branch(), update.new);
    }
    let gone = RefUpdate::branch(BRANCH, Some(commit), None);
    assert_eq!(world.push(&gone).await.unwrap(), RefResult::Moved);
    assert_eq!(world.branch(), None);
    assert_eq!(world.push(&gone).await.unwrap(), RefResult::AlreadyThere);
    assert_eq!(world.server.git(&["fsck", "--strict", "--no-dangling"]), "");
}

#[tokio::test]
async fn the_users_checkout_index_and_refs_stay_byte_for_byte() {
    let world = world();
    // Somebody is at work: staged, changed and unknown files, on a branch of their own.
    world.copy.git(&["checkout", "-q", "-b", "mine"]);
    world
        .copy
        .write("staged.txt", "staged")
        .git(&["add", "staged.txt"]);
    world
        .copy
        .write(FILE, "half-done")
        .write("unknown.txt", "unknown");
    let before = state(&world.copy);
    let commit = world.commit(world.base(), "Offer v1.34.8");
    world.push(&create(commit)).await.unwrap();
    let wants = [world.base(), commit];
    world
        .remote
        .fetch(&world.client, &world.git, &wants, 2)
        .await
        .unwrap();
    assert!(before == state(&world.copy));
    assert_eq!(
        world.copy.git(&["fsck", "--strict"]),
        format!("dangling commit {commit}\n")
    );
}

/// What `plan` says, on a day.
fn plan_of(copy: &Copy, minor: Option<&str>, day: Option<&str>, below: &str) -> (Plan, Repository) {
    let place = Place {
        directory: copy.path(below),
        revision: None,
    };
    let repository = Repository::open(&place).unwrap();
    let selection = Selection {
        switch_to: minor.map(|minor| minor.parse().unwrap()),
        ..Selection::default()
    };
    let selection = repository.select(selection).unwrap();
    let today = "2026-07-01".parse().unwrap();
    let sources = SourceSettings {
        catalog: Some(copy.catalog().into()),
        today: day.map_or(today, |day| day.parse().unwrap()),
        is_today_asked: day.is_some(),
        verify_images: false,
        http: HttpSettings::default(),
    };
    let seen = repository.look(&selection, &sources).unwrap();
    let mut policy = repository.config.policy(&Config::default());
    if day.is_some() {
        policy.end_of_life = csctl_matrix::policy::EndOfLife::Drop;
    }
    let input = PlanInput {
        tree: &repository.tree,
        discovery: &repository.discovery,
        catalog: &seen,
        policy: &policy,
        wishes: &csctl_matrix::policy::Wishes::default(),
        selection: &selection,
    };
    (plan(input), repository)
}

/// The commit of a plan and the files that `update` writes are the same tree, for every layout, edit, new minor and removal.
#[test]
fn a_commit_is_what_update_would_write() {
    let mut kinds = BTreeMap::new();
    let layouts = sound_repositories();
    let asked = [
        (None, None),
        (Some("1.35"), None),
        (Some("1.36"), None),
        (None, Some("2025-04-01")),
        (None, Some("2026-07-01")),
    ];
    for (layout, (minor, day)) in layouts
        .iter()
        .flat_map(|layout| asked.map(|asked| (layout, asked)))
    {
        let copy = Copy::of(layout);
        copy.commit();
        let name = format!("{layout} {minor:?} {day:?}");
        let (plan, repository) = plan_of(&copy, minor, day, "");
        for file in &plan.files {
            let kind = format!("{:?}", std::mem::discriminant(&file.action));
            *kinds.entry(kind).or_insert(0) += 1;
        }
        if plan.files.is_empty() {
            continue;
        }
        let git = repository.git.unwrap();
        let base = git.resolve("HEAD").unwrap();
        let before = state(&copy);
        let commit = commit_plan(&git, base, &plan.files, &info(&name));
        assert!(before == state(&copy), "{name}");
        Staging::in_git(&repository.root, &git.git_directory(), git.prefix())
            .apply(&plan)
            .unwrap();
        copy.git(&["add", "-A"]);
        let written = copy.git(&["write-tree"]);
        let made = git.find_commit(commit).unwrap().unwrap().tree;
        assert_eq!(written.trim(), made.to_string(), "{name}");
        // And out of the commit come the same files again.
        let updated = copy.files();
        copy.git(&["checkout", "-q", "--force", &commit.to_string()]);
        assert!(updated == copy.files(), "{name}");
    }
    assert_eq!(
        kinds.len(),
        4,
        "edits, new files, copies and removals: {kinds:?}"
    );
}

#[test]
fn a_tree_below_the_root_of_a_repository_is_committed_where_it_is() {
    let copy = Copy::of("layout-b");
    let inner = Copy::of("layout-c");
    for (path, bytes) in inner.files() {
        copy.write(
            &format!("stacks/here/{path}"),
            &String::from_utf8(bytes).unwrap(),
        );
    }
    copy.write("stacks/here/.csctl-matrix-root", "");
    copy.commit();
    let git = GitRepository::discover(&copy.path("stacks/here"))
        .unwrap()
        .unwrap();
    let base = git.resolve("HEAD").unwrap();
    let (plan, _) = plan_of(&inner, None, None, "");
    let commit = commit_plan(&git, base, &plan.files, &info("Below"));
    let tree = git.find_commit(commit).unwrap().unwrap().tree;
    let changed = git.changes(base, tree).unwrap();
    let changed: Vec<String> = changed.into_iter().map(|change| change.path).collect();
    let expected: Vec<String> = plan
        .files
        .iter()
        .map(|file| format!("stacks/here/{}", file.path))
        .collect();
    assert!(!changed.is_empty());
    assert_eq!(changed, expected);
}

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

#[tokio::test]
async fn answers_that_are_not_gits_are_named() {
    let world = world();
    let refs = async |script: fn(Reply) -> Reply| {
        world.server.script(move |_, serve| script(serve()));
        let error = world.remote.refs(&client()).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains(TOKEN), "{text}");
        assert!(!error.hint().is_empty());
        error.to_string().replace(&world.server.url(), "URL")
    };
    let pages: [fn(Reply) -> Reply; 3] = [
        |_| Reply::page(200),
        |_| Reply::ok("").with("Content-Type", "text/html"),
        |_| Reply::ok("1234\trefs/heads/main\n").with("Content-Type", "text/plain"),
    ];
    for reply in pages {
        let page = refs(reply).await;
        assert!(
            page.starts_with("the answer from URL is not git's: "),
            "{page}"
        );
    }
    assert_eq!(
        refs(|_| Reply::page(401)).await,
        "URL does not accept the token"
    );
    let forbidden = refs(|_| Reply {
        body: format!("no right for {TOKEN}").into(),
        ..Reply::status(403).with("Content-Type", "text/plain")
    })
    .await;
    assert_eq!(forbidden, "URL refuses access (403): no right for ***");
    assert_eq!(
        refs(|_| Reply::page(404)).await,
        "URL not found, or not visible to this token"
    );
    assert!(
        refs(|_| Reply::page(500))
            .await
            .starts_with("URL answered with status 500")
    );
    let half = refs(|reply| Reply {
        body: reply.body[..reply.body.len() - 4].to_vec(),
        ..reply
    })
    .await;
    assert_eq!(half, "the answer from URL ended too early");
    let strange = refs(|_| Reply::redirect("/login")).await;
    assert!(strange.contains("redirect"), "{strange}");
    let said = refs(|reply| Reply {
        body: b"001e# service=git-upload-pack\n00000010ERR go away\n".to_vec(),
        ..reply
    })
    .await;
    assert_eq!(said, "URL refused: go away");
    let silent = refs(|_| Reply::hang()).await;
    assert!(silent.contains("no answer in time"), "{silent}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let world = world();
    let nobody = Remote::new(&format!("{}/o/r", refusing_url()), secret()).unwrap();
    let error = nobody.refs(&client()).await.unwrap_err().to_string();
    assert!(
        error.contains("cannot reach") && error.contains("connect"),
        "{error}"
    );
    let nameless = Remote::new(&world.server.url(), None).unwrap();
    let error = nameless.refs(&client()).await.unwrap_err().to_string();
    assert!(error.ends_with("requires a token"), "{error}");
    let plain = Remote::new("http://git.example/o/r", secret()).unwrap();
    let error = plain.refs(&client()).await.unwrap_err().to_string();
    assert!(error.contains("not sending a token"), "{error}");
}

#[tokio::test]
async fn more_refs_than_anybody_needs_are_not_read() {
    let world = world();
    world.server.script(|_, serve| Reply {
        body: endless_refs(),
        ..serve()
    });
    // They may take a while to come.
    let client = HttpClient::new(HttpSettings {
        read_timeout: Duration::from_secs(60),
        ..client().settings().clone()
    });
    let error = world.remote.refs(&client).await.unwrap_err().to_string();
    assert!(error.contains("is longer than"), "{error}");
}

/// More refs than are read, in git's first protocol.
fn endless_refs() -> Vec<u8> {
    let line = |text: String| format!("{:04x}{text}", text.len() + 4);
    let mut body = line("# service=git-upload-pack\n".to_owned()) + "0000";
    let id = "7".repeat(40);
    body += &line(format!("{id} refs/heads/main\0ofs-delta\n"));
    let name = "x".repeat(900);
    for number in 0..76_000 {
        body += &line(format!("{id} refs/heads/{name}{number}\n"));
    }
    (body + "0000").into()
}

/// A host that is redirected to sees no token, and what it wants one for is not done.
#[tokio::test]
async fn a_token_is_not_sent_where_a_host_redirects_to() {
    let (world, other) = (world(), GitServer::start());
    let elsewhere = other.url().replace("127.0.0.1", "localhost");
    let target = elsewhere.clone();
    world.server.script(move |request, _| {
        let rest = request.path.strip_prefix("/o/r.git").unwrap();
        Reply::redirect(&format!("{target}{rest}"))
    });
    let commit = world.commit(world.base(), "One");
    for error in [
        world.remote.refs(&world.client).await.unwrap_err(),
        world.remote.may_push(&world.client).await.unwrap_err(),
        world.push(&create(commit)).await.unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(
            text.contains("a token is not sent to another host"),
            "{text}"
        );
    }
    let asked = other.log();
    assert!(!asked.is_empty(), "nobody was redirected");
    for request in asked {
        let names: Vec<&str> = request
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(!names.contains(&"authorization"), "{request:?}");
    }
}

#[tokio::test]
async fn a_repository_that_was_renamed_is_found_and_pushed_to() {
    let world = world();
    let commit = world.commit(world.base(), "One");
    let new = world.server.url();
    let old = new.replace("/o/r.git", "/old/name.git");
    world.server.script(
        |request, serve| match request.path.strip_prefix("/old/name.git") {
            Some(rest) => Reply {
                status: 301,
                ..Reply::redirect(&format!("/o/r.git{rest}"))
            },
            None => serve(),
        },
    );
    let remote = Remote::new(&old, secret()).unwrap();
    let result = remote
        .push(&world.client, &world.git, &create(commit))
        .await
        .unwrap();
    assert_eq!((result, world.branch()), (RefResult::Moved, Some(commit)));
}

/// Some servers speak without bands, and proxies compress.
#[tokio::test]
async fn servers_without_bands_and_with_compression_are_understood() {
    let world = world();
    world.server.script(|request, serve| {
        let mut reply = serve();
        if request.method == "GET" {
            let text = String::from_utf8(reply.body).unwrap();
            // Of the same length, so that the packets stay whole.
            reply.body = gzip(text.replace("side-band-64k", "no-side-bands").as_bytes());
            return reply.with("Content-Encoding", "gzip");
        }
        reply
    });
    let commit = world.commit(world.base(), "One");
    assert_eq!(world.push(&create(commit)).await.unwrap(), RefResult::Moved);
    world.server.hook("pre-receive", "exit 1");
    let result = world
        .push(&RefUpdate::branch(BRANCH, Some(commit), None))
        .await
        .unwrap();
    assert_eq!(
        result,
        RefResult::Rejected(Rejection::Hook("pre-receive hook declined".to_owned()))
    );
    let other = Copy::of("docker");
    other.commit();
    let git = GitRepository::discover(&other.root()).unwrap().unwrap();
    world
        .remote
        .fetch(&world.client, &git, &[commit], 1)
        .await
        .unwrap();
    assert!(text_at(&git, commit).is_some());
}

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

/// Wraps bytes as gzip does, without compressing them.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let length = u16::try_from(bytes.len()).unwrap();
    packed.push(1);
    packed.extend_from_slice(&length.to_le_bytes());
    packed.extend_from_slice(&(!length).to_le_bytes());
    packed.extend_from_slice(bytes);
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                sum >> 1 ^ 0xedb8_8320
            } else {
                sum >> 1
            };
        }
    }
    packed.extend_from_slice(&(!sum).to_le_bytes());
    packed.extend_from_slice(&u32::from(length).to_le_bytes());
    packed
}

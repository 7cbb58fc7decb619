//! GitHub's client against the stand-in: each operation, each fault, and that nothing is ever done twice.

use crate::support::github::{BOT, BranchRules, Fault, GitHubServer, PERSON, State, http_client};
use csctl_matrix::io::forge::{
    Cause, ForgeError, ForgeSettings, GitHub, MergeMethod, NewPull, PullChange, PullQuery,
    RequiredCheck,
};
use csctl_matrix::pull::{PullRequest, PullState};

const BRANCH: &str = "csctl-matrix/main/openstack-scs/1-34";

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
    let github = server.connect();
    assert_eq!(github.find_pulls(BRANCH, PullQuery::All).await.unwrap(), []);
    let created = github.create_pull(&new_pull()).await.unwrap();
    let found = github.find_pulls(BRANCH, PullQuery::Open).await.unwrap();
    assert_eq!((found.len(), found[0].number), (1, created.number));
    assert!(found[0].is_draft && found[0].state == PullState::Open);
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
}

/// Everything that can happen to a request that changes something.
fn faults() -> Vec<Fault> {
    vec![
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
        Fault::RetryAfter(403, 7),
        Fault::RetryAfter(429, 7),
        Fault::UsedUp(403, 30),
        Fault::UsedUp(429, 30),
        Fault::Secondary(403),
        Fault::Secondary(429),
    ]
}

#[tokio::test]
async fn a_lost_answer_opens_one_pull_request() {
    for fault in faults() {
        let server = with_branch();
        server.fault("POST", "/pulls$", 1, fault.clone());
        let created = server.connect().create_pull(&new_pull()).await;
        let created = created.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        let state = server.state();
        assert_eq!(state.pulls.len(), 1, "{fault:?}");
        assert_eq!(state.pulls[0].number, created.number, "{fault:?}");
        drop(state);
        let was_done = matches!(
            fault,
            Fault::LostAfter
                | Fault::StatusAfter(_)
                | Fault::StallAfter
                | Fault::Half
                | Fault::HtmlAfter
        );
        let sent = server.mutations().len();
        assert_eq!(sent, if was_done { 1 } else { 2 }, "{fault:?}");
        assert_eq!(created.adopted, was_done, "{fault:?}");
        assert!(server.unused().is_empty(), "{fault:?}");
    }
    let server = with_branch();
    let nameless = serde_json::json!({"number": 2});
    server.fault("POST", "/pulls$", 1, Fault::AnswerAfter(201, nameless));
    let created = server.connect().create_pull(&new_pull()).await.unwrap();
    assert!(!created.adopted, "a number is enough");
}

#[tokio::test]
async fn an_error_names_what_github_said() {
    let server = GitHubServer::start();
    let error = server.connect().create_pull(&new_pull()).await.unwrap_err();
    assert!(matches!(error, ForgeError::Unprocessable { .. }));
    assert_eq!(
        error.to_string(),
        "POST /repos/acme/cluster-stacks/pulls answers 422: Validation Failed: PullRequest head invalid"
    );
}

#[tokio::test]
async fn a_pull_request_that_is_open_already_is_adopted() {
    let server = with_branch();
    server.before("POST", "/pulls$", 1, |state| {
        state.open(BRANCH, "main", "Mine");
    });
    let created = server.connect().create_pull(&new_pull()).await.unwrap();
    assert!(created.adopted);
    let state = server.state();
    assert_eq!(
        (state.pulls.len(), state.pulls[0].number),
        (1, created.number)
    );
}

#[tokio::test]
async fn refusals_say_what_they_mean() {
    let server = GitHubServer::start();
    let github = server.connect();
    let main = server.state().head("main").unwrap();
    server.state().set_head(BRANCH, main);
    let error = github.create_pull(&new_pull()).await.unwrap_err();
    assert_eq!(error.cause(), Some(Cause::NoCommits));
    server.state().push(BRANCH, &[("a.yaml", Some("a: 1\n"))]);
    server.state().settings.supports_drafts = false;
    let error = github.create_pull(&new_pull()).await.unwrap_err();
    assert_eq!(error.cause(), Some(Cause::DraftsUnsupported));
    server
        .state()
        .settings
        .denied
        .insert("pull_requests=write".to_owned());
    let error = github.create_pull(&new_pull()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST /repos/acme/cluster-stacks/pulls answers 403: Resource not accessible by integration \
         (needs pull_requests=write)"
    );
    assert!(error.hint().unwrap().contains("pull_requests=write"));
    let missing = ForgeSettings {
        repository: "nowhere".to_owned(),
        ..server.settings()
    };
    let error = GitHub::new(&http_client(None), &missing)
        .repository()
        .await
        .unwrap_err();
    assert!(matches!(error, ForgeError::NotFound(_)), "{error}");
}

#[tokio::test]
async fn forks_and_other_branches_are_not_ours() {
    let server = with_branch();
    {
        let mut state = server.state();
        state.open_from_fork("eve", BRANCH, "main");
        state.push("other", &[("b.yaml", Some("b\n"))]);
        state.open("other", "main", "Other");
    }
    let github = server.connect();
    assert_eq!(github.find_pulls(BRANCH, PullQuery::All).await.unwrap(), []);
    let open = github.open_pulls().await.unwrap();
    let repositories: Vec<_> = open
        .iter()
        .map(|pull| pull.head.repository.as_deref())
        .collect();
    assert_eq!(
        repositories,
        [Some("acme/cluster-stacks"), Some("eve/cluster-stacks")]
    );
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let server = with_branch();
    let head = server.state().head(BRANCH).unwrap();
    for number in 0..250 {
        let name = format!("check {}", number % 3);
        server.state().check(head, &name, Some("success"));
        server.state().report_status(head, &name, "pending");
    }
    let github = server.connect();
    let head = head.to_string();
    let runs = github.check_runs(&head).await.unwrap();
    assert_eq!(runs.len(), 250, "every attempt of every check");
    let app = runs[0].app.as_ref().unwrap();
    assert_eq!(app.slug.as_deref(), Some("github-actions"));
    assert_eq!(runs[0].head.as_deref(), Some(head.as_str()));
    assert_eq!(github.statuses(&head).await.unwrap().len(), 250);
    assert_eq!(server.log().len(), 6);
}

#[tokio::test]
async fn everything_but_the_number_may_be_missing() {
    let server = with_branch();
    let bare = serde_json::json!({"number": 7, "draft": null, "head": null, "labels": null, "created_at": "?"});
    server.fault(
        "GET",
        "/pulls?",
        1,
        Fault::AnswerAfter(200, serde_json::json!([bare])),
    );
    let found = server.connect().open_pulls().await.unwrap();
    assert_eq!((found[0].number, found[0].state), (7, PullState::Open));
    assert_eq!((&found[0].head.commit, found[0].is_draft), (&None, false));
}

/// A server with an open pull request, and what GitHub says of it.
async fn with_pull() -> (GitHubServer, GitHub, PullRequest) {
    let server = with_branch();
    let github = server.connect();
    let created = github.create_pull(&new_pull()).await.unwrap();
    let pull = github.pull(created.number).await.unwrap();
    server.clear_log();
    (server, github, pull)
}

#[tokio::test]
async fn each_change_is_done_once_whatever_happens_to_its_answer() {
    for fault in faults() {
        let (server, github, pull) = with_pull().await;
        let number = pull.number;
        let say = |error: ForgeError| panic!("{fault:?}: {error}");
        for path in [
            "/pulls/2$",
            "/comments$",
            "/issues/2/labels$",
            "/labels$",
            "/graphql",
        ] {
            let method = if path == "/pulls/2$" { "PATCH" } else { "POST" };
            // The label's own POST ends in the same word, and comes first.
            server.fault(method, path, 1, fault.clone());
        }
        let change = PullChange {
            body: Some("new\r\ntext\n".to_owned()),
            ..PullChange::default()
        };
        github
            .update_pull(number, &change)
            .await
            .unwrap_or_else(say);
        let made = github.create_label_if_missing("stop", "b60205", "").await;
        assert!(made.is_ok(), "{fault:?}: {made:?}");
        github
            .add_labels(number, &["stop", "images"])
            .await
            .unwrap_or_else(say);
        let written = github.create_comment(number, "why").await;
        assert!(written.is_ok(), "{fault:?}: {written:?}");
        github.set_draft(&pull, false).await.unwrap_or_else(say);
        let state = server.state();
        let pull = state.pull(number);
        assert_eq!(
            (pull.body.as_str(), pull.draft),
            ("new\r\ntext\n", false),
            "{fault:?}"
        );
        assert_eq!(pull.labels, ["stop", "images"], "{fault:?}");
        assert_eq!(state.comments.len(), 1, "{fault:?}");
        drop(state);
        assert!(
            server.unused().is_empty(),
            "{fault:?}: {:?}",
            server.unused()
        );
        assert!(server.unknown().is_empty(), "{:?}", server.unknown());
    }
}

#[tokio::test]
async fn a_label_is_taken_off_whatever_happens_to_the_answer_and_however_it_is_spelled() {
    for fault in faults() {
        let (server, github, pull) = with_pull().await;
        server.state().label(pull.number, "Do Not");
        server.fault("DELETE", "/issues/2/labels/", 1, fault.clone());
        let removed = github.remove_label(pull.number, "do not").await;
        assert!(removed.is_ok(), "{fault:?}: {removed:?}");
        let state = server.state();
        assert_eq!(
            state.pull(pull.number).labels,
            Vec::<String>::new(),
            "{fault:?}"
        );
        drop(state);
        assert!(server.unused().is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn labels_and_comments_are_put_on_and_taken_off() {
    let (server, github, pull) = with_pull().await;
    let number = pull.number;
    assert!(
        github
            .create_label_if_missing("do not", "b60205", "x")
            .await
            .unwrap()
    );
    assert!(
        !github
            .create_label_if_missing("do not", "b60205", "x")
            .await
            .unwrap()
    );
    github.add_labels(number, &["do not"]).await.unwrap();
    let labels = github.pull(number).await.unwrap().labels;
    assert_eq!(labels, ["do not"]);
    github.remove_label(number, "do not").await.unwrap();
    github.remove_label(number, "do not").await.unwrap();
    assert_eq!(server.state().pull(number).labels, Vec::<String>::new());
    server.state().comment(number, PERSON, "please wait");
    let id = github.create_comment(number, "one").await.unwrap();
    github.update_comment(id, "two").await.unwrap();
    let comments = github.comments(number).await.unwrap();
    let said: Vec<_> = comments
        .iter()
        .map(|comment| (comment.author.as_deref().unwrap(), comment.body.as_str()))
        .collect();
    assert_eq!(said, [(PERSON, "please wait"), (BOT, "two")]);
    let viewer = github.viewer().await.unwrap();
    assert_eq!(viewer.login, BOT);
}

#[tokio::test]
async fn a_pull_request_in_a_merge_queue_is_known_as_one() {
    let (server, github, pull) = with_pull().await;
    assert!(!pull.is_queued);
    server.state().pull_mut(pull.number).in_queue = true;
    let pull = github.pull(pull.number).await.unwrap();
    assert!(pull.is_queued);
    let before = server.mutations().len();
    github.pull(pull.number).await.unwrap();
    assert_eq!(server.mutations().len(), before, "a query changes nothing");
}

#[tokio::test]
async fn reviews_name_who_looked_in_order() {
    let (server, github, pull) = with_pull().await;
    assert_eq!(github.reviews(pull.number).await.unwrap(), []);
    server
        .state()
        .review(pull.number, PERSON, "CHANGES_REQUESTED");
    server.state().review(pull.number, PERSON, "APPROVED");
    let reviews = github.reviews(pull.number).await.unwrap();
    let told = reviews.into_iter();
    let told: Vec<_> = told
        .map(|review| (review.author.unwrap(), review.state))
        .collect();
    let by_person = |state: &str| (PERSON.to_owned(), state.to_owned());
    assert_eq!(
        told,
        [by_person("CHANGES_REQUESTED"), by_person("APPROVED")]
    );
}

#[tokio::test]
async fn closed_pull_requests_open_again_where_their_branch_stayed() {
    let (server, github, pull) = with_pull().await;
    let set = |is_open| PullChange {
        is_open: Some(is_open),
        ..PullChange::default()
    };
    github.update_pull(pull.number, &set(false)).await.unwrap();
    github.update_pull(pull.number, &set(true)).await.unwrap();
    github.update_pull(pull.number, &set(false)).await.unwrap();
    let head = server.state().head(BRANCH).unwrap();
    let main = server.state().head("main").unwrap();
    let other = server
        .state()
        .commit(Some(main), PERSON, &[("c.yaml", Some("c\n"))]);
    server.state().force(BRANCH, other);
    let error = github
        .update_pull(pull.number, &set(true))
        .await
        .unwrap_err();
    assert_eq!(error.cause(), Some(Cause::CannotReopen));
    assert!(
        error.to_string().contains("was force-pushed or recreated"),
        "{error}"
    );
    server.state().force(BRANCH, head);
    github.update_pull(pull.number, &set(true)).await.unwrap();
    // A branch without commits of its own closes its pull request, and so does a deleted one.
    server.state().force(BRANCH, main);
    assert_eq!(
        github.pull(pull.number).await.unwrap().state,
        PullState::Closed
    );
    server.state().force(BRANCH, head);
    github.update_pull(pull.number, &set(true)).await.unwrap();
    server.state().delete_branch(BRANCH);
    let closed = github.pull(pull.number).await.unwrap();
    assert_eq!(closed.state, PullState::Closed);
    let error = github
        .update_pull(pull.number, &set(true))
        .await
        .unwrap_err();
    assert_eq!(error.cause(), Some(Cause::CannotReopen));
}

fn protected(rules: BranchRules) -> impl Fn(&mut State) {
    move |state| {
        state.rules.insert("main".to_owned(), rules.clone());
    }
}

#[tokio::test]
async fn required_checks_are_read_as_far_as_the_token_may() {
    let check = |app_id| RequiredCheck {
        context: "e2e".to_owned(),
        app_id,
    };
    let rules = |is_classic| BranchRules {
        is_classic,
        required_checks: vec![("e2e".to_owned(), Some(15_368))],
        required_reviews: 2,
        signed: true,
        ..BranchRules::default()
    };
    let server = GitHubServer::start();
    let github = server.connect();
    let free = github.protection("main").await.unwrap();
    assert!(free.is_known && free.required_checks.is_empty());
    for is_classic in [false, true] {
        protected(rules(is_classic))(&mut server.state());
        let found = github.protection("main").await.unwrap();
        assert!(found.is_known && found.requires_signed_commits);
        assert_eq!(
            (found.required_checks, found.required_approvals),
            (vec![check(Some(15_368))], 2)
        );
    }
    // Who may push reads the checks of the branch itself.
    server
        .state()
        .settings
        .denied
        .insert("administration=read".to_owned());
    let found = github.protection("main").await.unwrap();
    assert!(found.is_known && found.required_checks == [check(Some(15_368))]);
    server
        .state()
        .settings
        .denied
        .insert("contents=write".to_owned());
    let found = github.protection("main").await.unwrap();
    assert!(!found.is_known && found.required_checks.is_empty());
    let reason = found.unknown_because.unwrap();
    assert!(reason.contains("administration=read"), "{reason}");
    server
        .state()
        .settings
        .denied
        .insert("checks=read".to_owned());
    let head = server.state().head("main").unwrap().to_string();
    let error = github.check_runs(&head).await.unwrap_err();
    assert!(
        matches!(error, ForgeError::Forbidden { needs: Some(needs), .. } if needs == "checks=read")
    );
}

#[tokio::test]
async fn merging_names_the_commit_that_was_looked_at() {
    for fault in faults() {
        let (server, github, pull) = with_pull().await;
        let head = pull.head.commit.clone().unwrap();
        github.set_draft(&pull, false).await.unwrap();
        server.fault("PUT", "/merge$", 1, fault.clone());
        let merged = github.merge(pull.number, &head, MergeMethod::Squash).await;
        merged.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        let merged = github.pull(pull.number).await.unwrap();
        assert_eq!(merged.state, PullState::Merged, "{fault:?}");
    }
}

#[tokio::test]
async fn a_push_before_the_merge_stops_it() {
    let (server, github, pull) = with_pull().await;
    let head = pull.head.commit.clone().unwrap();
    let error = github
        .merge(pull.number, &head, MergeMethod::Merge)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ForgeError::NotMergeable(refusal) if refusal.message.contains("draft"))
    );
    github.set_draft(&pull, false).await.unwrap();
    server.before("PUT", "/merge$", 1, |state| {
        state.push(BRANCH, &[("b.yaml", Some("b\n"))]);
    });
    let error = github
        .merge(pull.number, &head, MergeMethod::Merge)
        .await
        .unwrap_err();
    assert!(matches!(error, ForgeError::Conflict(_)), "{error}");
    let rules = BranchRules {
        required_checks: vec![("e2e".to_owned(), None)],
        ..BranchRules::default()
    };
    protected(rules)(&mut server.state());
    let head = server.state().head(BRANCH).unwrap();
    let error = github
        .merge(pull.number, &head.to_string(), MergeMethod::Merge)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("\"e2e\" is expected"), "{error}");
    server.state().check(head, "e2e", Some("failure"));
    server.state().check(head, "e2e", Some("success"));
    github
        .merge(pull.number, &head.to_string(), MergeMethod::Merge)
        .await
        .unwrap();
    assert_eq!(
        github.pull(pull.number).await.unwrap().state,
        PullState::Merged
    );
}

#[tokio::test]
async fn github_merges_when_it_is_asked_to_and_may() {
    let (server, github, pull) = with_pull().await;
    let head = pull.head.commit.clone().unwrap();
    github.set_draft(&pull, false).await.unwrap();
    let enable = async |head: &str| {
        github
            .enable_auto_merge(&pull, MergeMethod::Squash, head)
            .await
    };
    let error = enable(&head).await.unwrap_err();
    assert_eq!(error.cause(), Some(Cause::NothingToWaitFor));
    let rules = BranchRules {
        required_checks: vec![("e2e".to_owned(), None)],
        ..BranchRules::default()
    };
    protected(rules)(&mut server.state());
    server.state().settings.allow_auto_merge = false;
    assert_eq!(
        enable(&head).await.unwrap_err().cause(),
        Some(Cause::AutoMergeOff)
    );
    server.state().settings.allow_auto_merge = true;
    let wrong = "0123456789012345678901234567890123456789";
    assert_eq!(
        enable(wrong).await.unwrap_err().cause(),
        Some(Cause::HeadMoved)
    );
    server.fault("POST", "/graphql", 1, Fault::LostAfter);
    enable(&head).await.unwrap();
    assert!(github.pull(pull.number).await.unwrap().auto_merge.is_some());
    github.disable_auto_merge(&pull).await.unwrap();
    assert_eq!(github.pull(pull.number).await.unwrap().auto_merge, None);
    enable(&head).await.unwrap();
    let oid = server.state().head(BRANCH).unwrap();
    server.state().check(oid, "e2e", Some("success"));
    assert_eq!(
        github.pull(pull.number).await.unwrap().state,
        PullState::Merged
    );
}

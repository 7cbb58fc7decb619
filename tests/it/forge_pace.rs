//! How GitHub's client paces itself, what it repeats, whom it asks as, and what it never shows.

use std::fmt::Write as _;
use std::time::Duration;

use crate::support::github::{self, Fault, GitHubServer, TOKEN, http_client};
use csctl_matrix::io::forge::{
    Clock, Credentials, ForgeError, ForgeSettings, GitHub, NewPull, PullQuery, TokenKind,
};
use csctl_matrix::io::http::{HttpClient, HttpError, HttpSettings, Secret};
use jiff::{Timestamp, ToSpan};

const KEY: &str = include_str!("../../testdata/forge/app-key.pem");

/// A server with three pull requests of nobody's interest.
fn start() -> GitHubServer {
    let server = GitHubServer::start();
    for name in ["one", "two", "three"] {
        let mut state = server.state();
        state.push(name, &[(name, Some("x\n"))]);
        state.open(name, "main", name);
    }
    server
}

fn seconds(pauses: &[u64]) -> Vec<Duration> {
    pauses.iter().copied().map(Duration::from_secs).collect()
}

fn pauses(github: &GitHub) -> Vec<Duration> {
    github.settings().clock.pauses()
}

#[tokio::test]
async fn writes_are_a_second_apart_and_reads_are_not() {
    let server = start();
    let github = server.connect();
    github.open_pulls().await.unwrap();
    github.open_pulls().await.unwrap();
    assert_eq!(pauses(&github), []);
    github.create_comment(2, "a").await.unwrap();
    github.open_pulls().await.unwrap();
    github.create_comment(2, "b").await.unwrap();
    github.create_comment(2, "c").await.unwrap();
    assert_eq!(pauses(&github), seconds(&[1, 1]));
}

#[tokio::test]
async fn requests_are_serial_whoever_sends_them() {
    let server = start();
    let github = server.connect();
    let (a, b, c) = tokio::join!(
        github.create_comment(2, "a"),
        github.create_comment(2, "b"),
        github.create_comment(2, "c"),
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(pauses(&github), seconds(&[1, 1]));
}

#[tokio::test]
async fn a_pause_that_is_named_is_kept_and_one_that_is_not_doubles() {
    let cases = [
        (Fault::RetryAfter(403, 7), vec![7, 7]),
        (Fault::RetryAfter(429, 7), vec![7, 7]),
        // The reset and a second more, for both ends round.
        (Fault::UsedUp(403, 30), vec![31, 31]),
        (Fault::UsedUp(429, 30), vec![31, 31]),
        (Fault::Secondary(403), vec![60, 120]),
        (Fault::Secondary(429), vec![60, 120]),
    ];
    for (fault, expected) in cases {
        for method in ["GET", "POST"] {
            let server = start();
            server.faults(method, "/comments", 1..3, fault.clone());
            let github = server.connect();
            if method == "GET" {
                github.comments(2).await.unwrap();
            } else {
                github.create_comment(2, "a").await.unwrap();
            }
            assert_eq!(pauses(&github), seconds(&expected), "{method} {fault:?}");
            assert_eq!(server.log().len(), 3);
        }
    }
}

#[tokio::test]
async fn pauses_grow_to_a_quarter_of_an_hour_and_start_anew() {
    let server = start();
    server.faults("GET", "/comments", 1..7, Fault::Secondary(403));
    server.fault("GET", "/comments", 8, Fault::Secondary(403));
    let settings = ForgeSettings {
        longest_wait: Duration::from_secs(10_000),
        ..server.settings()
    };
    let github = GitHub::new(&http_client(None), &settings);
    github.comments(2).await.unwrap();
    github.comments(2).await.unwrap();
    assert_eq!(pauses(&github), seconds(&[60, 120, 240, 480, 900, 900, 60]));
}

#[tokio::test]
async fn all_waiting_together_has_an_end() {
    let server = start();
    server.faults("GET", "/comments", 1..3, Fault::RetryAfter(403, 500));
    let github = server.connect();
    let error = github.comments(2).await.unwrap_err();
    let until: Timestamp = "2026-03-02T08:16:40Z".parse().unwrap();
    assert!(matches!(error, ForgeError::RateLimited { until: found, .. } if found == until));
    assert_eq!(
        error.to_string(),
        "GET /repos/acme/cluster-stacks/issues/2/comments: GitHub's rate limit is used up until 2026-03-02T08:16:40Z"
    );
    assert_eq!(pauses(&github), seconds(&[500]));
    server.fault("GET", "/comments", 1, Fault::UsedUp(403, 3600));
    let settings = ForgeSettings {
        longest_wait: Duration::ZERO,
        ..server.settings()
    };
    let github = GitHub::new(&http_client(None), &settings);
    assert!(matches!(
        github.comments(2).await,
        Err(ForgeError::RateLimited { .. })
    ));
    assert_eq!(pauses(&github), []);
}

#[tokio::test]
async fn a_refusal_that_is_no_limit_is_not_waited_for() {
    let server = start();
    server.fault("GET", "/comments", 1, Fault::Forbidden);
    let github = server.connect();
    let error = github.comments(2).await.unwrap_err();
    assert!(matches!(error, ForgeError::Forbidden { .. }), "{error}");
    assert_eq!((pauses(&github), server.log().len()), (vec![], 1));
}

#[tokio::test]
async fn a_budget_that_is_used_up_is_waited_for_before_it_is_refused() {
    let server = start();
    server.state().core.remaining = 2;
    let github = server.connect();
    github.comments(2).await.unwrap();
    github.comments(3).await.unwrap();
    let budget = github.budget();
    assert_eq!((budget.remaining, budget.limit), (Some(0), Some(5000)));
    assert!(budget.reset.is_some());
    // GraphQL has a budget of its own.
    github.viewer().await.unwrap();
    let error = github.comments(4).await.unwrap_err();
    assert!(
        matches!(error, ForgeError::RateLimited { .. }),
        "the hour is longer than may be waited"
    );
    assert_eq!(server.log().len(), 3);
}

#[tokio::test]
async fn reads_are_repeated_and_errors_that_stay_are_named() {
    for fault in [
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::Status(500),
        Fault::Status(502),
        Fault::Status(503),
        Fault::Html(502),
        Fault::Half,
        Fault::Stall,
    ] {
        let server = start();
        server.faults("GET", "/comments", 1..3, fault.clone());
        let github = server.connect();
        assert_eq!(github.comments(2).await.unwrap(), [], "{fault:?}");
        assert_eq!(pauses(&github).len(), 2);
        server.faults("GET", "/pulls", 1..4, fault.clone());
        let error = github.open_pulls().await.unwrap_err().to_string();
        assert!(
            error.starts_with("GET /repos/acme/cluster-stacks/pulls"),
            "{error}"
        );
        // A host that was silent once is asked again: nobody else's judgement counts.
        github.open_pulls().await.unwrap();
    }
    let server = start();
    server.fault("GET", "/pulls", 1, Fault::Html(200));
    let error = server.connect().open_pulls().await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("the answer is a web page, not JSON"),
        "{error}"
    );
}

#[tokio::test]
async fn answers_that_have_not_changed_cost_nothing() {
    let server = start();
    let folder = tempfile::tempdir().unwrap();
    let connect = || GitHub::new(&http_client(Some(folder.path())), &server.settings());
    connect().open_pulls().await.unwrap();
    // Somebody else uses the same token.
    let left = 1234;
    server.state().core.remaining = left;
    let github = connect();
    let pulls = github.open_pulls().await.unwrap();
    assert_eq!((pulls.len(), server.state().core.remaining), (3, left));
    let budget = github.budget();
    assert_eq!(
        (budget.requests, budget.from_cache, budget.writes),
        (1, 1, 0)
    );
    assert_eq!(budget.remaining, Some(left));
    server.state().close(2, "ada");
    assert_eq!(github.open_pulls().await.unwrap().len(), 2);
    // Another token does not see what this one saw.
    let other = Secret::new("ghs_Other").unwrap();
    let settings = ForgeSettings {
        credentials: Credentials::Token(other),
        ..server.settings()
    };
    let error = GitHub::new(&http_client(Some(folder.path())), &settings)
        .open_pulls()
        .await;
    assert!(matches!(error, Err(ForgeError::Unauthorized(_))));
}

#[tokio::test]
async fn offline_nothing_is_asked() {
    let server = start();
    let client = HttpClient::new(HttpSettings {
        offline: true,
        system_proxy: false,
        ..HttpSettings::default()
    });
    let github = GitHub::new(&client, &server.settings());
    let error = github.create_comment(2, "a").await.unwrap_err();
    assert!(matches!(
        error,
        ForgeError::Http {
            source: HttpError::NotCached { .. },
            ..
        }
    ));
    assert_eq!(server.log().len(), 0);
}

#[tokio::test]
async fn github_enterprise_is_asked_below_its_own_base() {
    let server = start();
    let settings = ForgeSettings {
        base: server.enterprise_url() + "/",
        ..server.settings()
    };
    let github = GitHub::new(&http_client(None), &settings);
    assert_eq!(github.repository().await.unwrap().default_branch, "main");
    assert_eq!(github.viewer().await.unwrap().login, github::BOT);
    let head = server.state().head("one").unwrap().to_string();
    github.delete_ref("one", &head).await.unwrap();
    let paths: Vec<String> = server
        .log()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(
        paths[..2],
        ["/api/v3/repos/acme/cluster-stacks", "/api/graphql"]
    );
}

fn app(server: &GitHubServer, key: &str, installation: Option<u64>) -> ForgeSettings {
    server.state().settings.app = Some(("Iv1.standin".to_owned(), 77));
    let credentials = Credentials::App {
        id: "Iv1.standin".to_owned(),
        installation,
        key: Secret::new(key).unwrap(),
    };
    assert_eq!(credentials.kind(), TokenKind::Installation);
    ForgeSettings {
        credentials,
        ..server.settings()
    }
}

#[tokio::test]
async fn an_app_buys_a_token_and_keeps_it_for_its_hour() {
    let server = start();
    let settings = app(&server, KEY, None);
    let github = GitHub::new(&http_client(None), &settings);
    github.open_pulls().await.unwrap();
    github.open_pulls().await.unwrap();
    let paths = |server: &GitHubServer| {
        let log = server.log();
        let bought = log
            .iter()
            .filter(|request| request.path.ends_with("/access_tokens"));
        (log.len(), bought.count())
    };
    assert_eq!(paths(&server), (4, 1));
    assert_eq!(
        server.mutations(),
        Vec::<String>::new(),
        "a token changes nothing"
    );
    // An hour later it is another one.
    let late: Timestamp = "2026-03-02T08:56:00Z".parse().unwrap();
    let settings = ForgeSettings {
        clock: Clock::recorded(late),
        ..app(&server, KEY, Some(77))
    };
    let github = GitHub::new(&http_client(None), &settings);
    server.clear_log();
    github.open_pulls().await.unwrap();
    github.open_pulls().await.unwrap();
    assert_eq!(paths(&server), (4, 2));
    server.state().now += 2.hours();
    let error = server.connect().open_pulls().await;
    assert!(error.is_ok(), "plain tokens last");
}

#[tokio::test]
async fn an_app_that_is_not_let_in_says_why() {
    let server = start();
    let settings = app(&server, KEY, Some(78));
    let error = GitHub::new(&http_client(None), &settings)
        .open_pulls()
        .await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "/app/installations/78/access_tokens answers 404 to the App: Not Found; check its id, key and installation"
    );
    let settings = app(&server, "no key", None);
    let error = GitHub::new(&http_client(None), &settings)
        .open_pulls()
        .await;
    assert!(matches!(error, Err(ForgeError::Credentials { .. })));
    let path = "/access_tokens";
    server.fault(
        "POST",
        path,
        1,
        Fault::AnswerAfter(201, serde_json::json!({"token": 7})),
    );
    let settings = app(&server, KEY, Some(77));
    let error = GitHub::new(&http_client(None), &settings)
        .open_pulls()
        .await;
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("something else than expected")
    );
}

#[tokio::test]
async fn no_token_is_ever_shown() {
    let echo =
        |message: &str| serde_json::json!({"message": message, "errors": [{"message": message}]});
    let nasty = format!("bad token {TOKEN}\u{1b}[2J");
    let faults = [
        Fault::LostAfter,
        Fault::Stall,
        Fault::Status(500),
        Fault::Half,
        Fault::Html(403),
        Fault::Html(200),
        Fault::Forbidden,
        Fault::UsedUp(403, 9999),
        Fault::Secondary(429),
        Fault::AnswerAfter(401, echo(&nasty)),
        Fault::AnswerAfter(422, echo(&nasty)),
        Fault::AnswerAfter(200, serde_json::json!({"errors": [{"message": nasty}]})),
    ];
    let new = NewPull {
        title: "T".to_owned(),
        body: String::new(),
        head: "one".to_owned(),
        base: "main".to_owned(),
        draft: false,
    };
    let mut shown = String::new();
    for fault in faults {
        let server = start();
        server.faults("*", "/", 1..100, fault.clone());
        let github = GitHub::new(
            &http_client(None),
            &ForgeSettings {
                longest_wait: Duration::from_secs(100),
                ..server.settings()
            },
        );
        writeln!(shown, "{github:?} {:?}", github.budget()).unwrap();
        let errors = [
            github.create_pull(&new).await.map(|_| ()).unwrap_err(),
            github
                .find_pulls("one", PullQuery::All)
                .await
                .map(|_| ())
                .unwrap_err(),
            github.viewer().await.map(|_| ()).unwrap_err(),
        ];
        for error in errors {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            writeln!(shown, "{error} {error:?} {source:?} {:?}", error.hint()).unwrap();
        }
    }
    assert!(
        shown.contains("***") && shown.contains("bad token"),
        "{shown}"
    );
    assert!(
        !shown.contains(TOKEN) && !shown.contains('\u{1b}'),
        "{shown}"
    );
}

#[tokio::test]
async fn a_token_never_leaves_over_plain_http() {
    let server = start();
    let settings = ForgeSettings {
        base: "http://github.example.org".to_owned(),
        ..server.settings()
    };
    let error = GitHub::new(&http_client(None), &settings)
        .open_pulls()
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        ForgeError::Http {
            source: HttpError::PlainToken { .. },
            ..
        }
    ));
}

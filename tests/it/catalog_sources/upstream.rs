//! What Kubernetes itself says of releases and days, and who gets a token.

use super::{DAY, look, look_at, minors, settings, store_request, sum, unreachable, world};
use crate::support::server::{self, Reply, refusing_url};
use crate::support::store::{CHARTS, PATTERN, StoreServer};
use csctl_matrix::catalog::Catalog;
use csctl_matrix::io::http::{HttpSettings, Mirror, Secret};

#[tokio::test]
async fn releases_are_read_page_by_page_as_far_as_needed() {
    let store = StoreServer::start();
    store.end_of_life("1.30", "2025-06-28");
    for number in 0..150 {
        store.release(&format!("v1.20.{number}"), "2022-01-01");
    }
    store.release("v1.30.0", "2024-04-17");
    for number in 1..250 {
        store.release(&format!("v1.30.{number}"), "2025-01-01");
        store.release(&format!("v1.31.0-alpha.{number}"), "2025-01-01");
    }
    store.draft_release("v1.36.0", "2026-03-01");
    let catalog = look_at(&store, &[30]).await;
    assert_eq!(
        (catalog.kubernetes.len(), unreachable(&catalog)),
        (250, vec![])
    );
    let pages = |store: &StoreServer| {
        store
            .log()
            .iter()
            .filter(|line| line.path.contains("/releases?"))
            .count()
    };
    assert!(pages(&store) <= 6, "{}", pages(&store));
    store.clear_log();
    // A minor that has no release ends the reading after three years.
    let catalog = look_at(&store, &[37]).await;
    assert!(catalog.kubernetes.len() > 250 && pages(&store) <= 7);
}

#[tokio::test]
async fn a_used_up_rate_limit_says_when_it_ends() {
    let store = world();
    let used_up = Reply::status(403)
        .with("x-ratelimit-remaining", "0")
        .with("x-ratelimit-reset", "1775044800");
    for (fault, reason) in [
        (
            used_up,
            "GitHub's rate limit is used up until 2026-04-01T12:00:00Z; set GITHUB_TOKEN to raise it []",
        ),
        (Reply::status(401), "answers 401 []"),
        (
            Reply::status(403),
            "answers 403; set GITHUB_TOKEN to a token that may read public repositories []",
        ),
        (
            Reply::page(200),
            "the answer is not a list of releases: expected value at line 1 column 1 []",
        ),
    ] {
        store.fault("https://api.github.com/", fault);
        store.clear_log();
        let catalog = look_at(&store, &[34]).await;
        assert_eq!(unreachable(&catalog), [reason]);
        let asked = store
            .log()
            .iter()
            .filter(|line| line.path.contains("/releases?"))
            .count();
        assert_eq!(
            (asked, catalog.unreachable[0].source.as_str()),
            (1, "kubernetes releases")
        );
    }
}

#[tokio::test]
async fn the_token_goes_to_github_and_nowhere_else() {
    let store = world();
    store
        .image("ubuntu-2404", "1.34.0", &sum(), DAY)
        .chart(CHARTS, "cilium", &["1.0.0"]);
    let settings = HttpSettings {
        github_token: Secret::new("s3cret"),
        ..settings(&store.mirrors())
    };
    let catalog = look(settings, &store_request(PATTERN, minors(&[34]))).await;
    assert_eq!(unreachable(&catalog), Vec::<String>::new());
    for line in store.log() {
        let token = line
            .headers
            .iter()
            .find(|(name, _)| name == "authorization");
        let expected = line
            .path
            .starts_with("/api.github.com/")
            .then_some("Bearer s3cret");
        assert_eq!(
            token.map(|(_, value)| value.as_str()),
            expected,
            "{}",
            line.path
        );
    }
}

#[tokio::test]
async fn without_the_schedule_the_projects_table_stands() {
    let store = StoreServer::start();
    store.release("v1.34.0", "2025-08-27");
    let catalog = look_at(&store, &[34]).await;
    assert_eq!(
        catalog.end_of_life,
        Catalog::empty(catalog.as_of).end_of_life
    );
    assert_eq!(
        (
            unreachable(&catalog),
            catalog.unreachable[0].source.as_str()
        ),
        (vec!["answers 404 []".to_owned()], "end-of-life days")
    );
}

#[tokio::test]
async fn urls_with_passwords_are_not_shown() {
    let base = refusing_url().replace("http://", "http://user:s3cret@");
    let pattern = format!("{base}/i/NODE_v{{version}}.qcow2");
    let mirrors = world().mirrors();
    let catalog = look(settings(&mirrors), &store_request(&pattern, minors(&[34]))).await;
    assert!(
        !format!("{:?}", catalog.unreachable).contains("s3cret"),
        "{:?}",
        catalog.unreachable
    );
}

#[test]
fn mirrors_read_from_text() {
    let mirror: Mirror = "https://a/=http://b/c/".parse().unwrap();
    assert_eq!(
        (mirror.from.as_str(), mirror.to.as_str()),
        ("https://a/", "http://b/c/")
    );
    let error = "a".parse::<Mirror>().unwrap_err().to_string();
    assert!(error.contains("expected FROM=TO"), "{error}");
}

#[tokio::test]
async fn sources_elsewhere_are_asked_there_and_get_no_token() {
    let store = StoreServer::start();
    store.release("v1.34.0", "2025-08-27");
    store.end_of_life("1.34", "2026-10-27");
    let place = |url: &str| format!("{}/{}", store.url(), url.trim_start_matches("https://"));
    let mut request = store_request(PATTERN, minors(&[34]));
    request.sources.kubernetes = Some(place("https://api.github.com/"));
    request.sources.end_of_life = Some(place(
        "https://raw.githubusercontent.com/kubernetes/website/main/data/releases/schedule.yaml",
    ));
    // A token over plain http would be an error of the client.
    let with_token = HttpSettings {
        github_token: Secret::new("s3cret"),
        ..settings(&store.mirrors())
    };
    let catalog = look(with_token, &request).await;
    assert_eq!(catalog.kubernetes.len(), 1, "{:?}", catalog.unreachable);
    assert_eq!(
        catalog.end_of_life[&"1.34".parse().unwrap()].to_string(),
        "2026-10-27"
    );
    let has_token = |line: &server::Logged| {
        line.headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
    };
    assert!(!store.log().iter().any(has_token));
}

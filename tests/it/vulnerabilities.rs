//! The feed of vulnerabilities and their records against servers that are down, lie or have too much: what gives no answer is
//! named, and the rest stays.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::support::server::{Reply, Server, refusing_url};
use crate::support::store::{FEED, RECORDS, StoreServer};
use csctl_matrix::catalog::{Catalog, CatalogRequest, VulnerabilityRequest};
use csctl_matrix::io::catalog::{fetch, read_file, write_file};
use csctl_matrix::io::http::{HttpClient, HttpSettings, HttpStats};

fn settings(store: &StoreServer, cache: Option<&Path>) -> HttpSettings {
    let mirrors = store.mirrors();
    HttpSettings {
        cache_dir: cache.map(Path::to_owned),
        mirrors: mirrors
            .iter()
            .map(|mirror| mirror.parse().unwrap())
            .collect(),
        retry_pause: Duration::from_millis(2),
        system_proxy: false,
        ..HttpSettings::default()
    }
}

async fn look(settings: HttpSettings, request: VulnerabilityRequest) -> (Catalog, HttpStats) {
    let client = HttpClient::new(settings);
    let request = CatalogRequest {
        vulnerabilities: Some(request),
        ..CatalogRequest::default()
    };
    let catalog = fetch(&request, &client, "2026-06-15".parse().unwrap()).await;
    (catalog, client.stats())
}

async fn look_at(store: &StoreServer) -> Catalog {
    let (catalog, _) = look(settings(store, None), VulnerabilityRequest::default()).await;
    catalog
}

fn world() -> StoreServer {
    let store = StoreServer::start();
    store
        .vulnerability("CVE-2026-0003", 5.3, &[("0", "1.32.4")])
        .vulnerability(
            "CVE-2026-0001",
            8.8,
            &[("v1.33.0", "v1.33.8"), ("v1.34.0", "v1.34.4")],
        );
    store
}

/// Everything that was found and not found, in lines.
fn said(catalog: &Catalog) -> Vec<String> {
    let found = catalog.vulnerabilities.iter().map(|vulnerability| {
        let mut line = vulnerability.to_string();
        for range in &vulnerability.affected {
            write!(line, " {range}").unwrap();
        }
        line
    });
    let unreachable = catalog
        .unreachable
        .iter()
        .map(|entry| format!("{} {}", entry.url, entry.reason));
    found.chain(unreachable).collect()
}

const FIRST: &str = "CVE-2026-0001 (8.8) >=1.33.0 <=1.33.8 >=1.34.0 <=1.34.4";
const SECOND: &str = "CVE-2026-0003 (5.3) <=1.32.4";

#[tokio::test]
async fn a_second_run_transfers_no_bodies_and_a_third_asks_nobody() {
    let (store, folder) = (world(), tempfile::tempdir().unwrap());
    let run = || settings(&store, Some(folder.path()));
    let (cold, stats) = look(run(), VulnerabilityRequest::default()).await;
    assert_eq!(said(&cold), [FIRST, SECOND]);
    assert_eq!((stats.requests, stats.rounds), (3, 2));
    assert_eq!(
        cold.vulnerabilities[0].summary.as_deref(),
        Some("Summary of CVE-2026-0001")
    );
    let (warm, stats) = look(run(), VulnerabilityRequest::default()).await;
    assert_eq!((&warm, stats.bodies), (&cold, 0));
    store.clear_log();
    let offline = HttpSettings {
        offline: true,
        ..run()
    };
    let (cached, stats) = look(offline, VulnerabilityRequest::default()).await;
    assert_eq!((&cached, stats.requests, store.log().len()), (&cold, 0, 0));
}

#[tokio::test]
async fn a_record_of_years_ago_is_not_asked_for_again() {
    let (store, folder) = (world(), tempfile::tempdir().unwrap());
    store
        .vulnerability("CVE-2023-5528", 7.2, &[("v1.28.0", "v1.28.3")])
        .describe_vulnerability("CVE-2023-5528", "Windows nodes", "2023-11-14");
    let run = || settings(&store, Some(folder.path()));
    let (cold, stats) = look(run(), VulnerabilityRequest::default()).await;
    assert_eq!(stats.requests, 4);
    store.clear_log();
    let (warm, stats) = look(run(), VulnerabilityRequest::default()).await;
    assert_eq!((&warm, stats.requests, stats.bodies), (&cold, 3, 0));
    let asked: Vec<String> = store.log().into_iter().map(|one| one.path).collect();
    assert!(
        asked.iter().all(|path| !path.contains("CVE-2023-5528")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_catalog_file_keeps_them() {
    let (catalog, folder) = (look_at(&world()).await, tempfile::tempdir().unwrap());
    let path = folder.path().join("catalog.yaml");
    write_file(&path, &catalog).unwrap();
    assert_eq!(read_file(&path).unwrap(), catalog);
}

#[tokio::test]
async fn nobody_is_asked_unless_somebody_needs_it() {
    let store = world();
    let client = HttpClient::new(settings(&store, None));
    fetch(
        &CatalogRequest::default(),
        &client,
        "2026-06-15".parse().unwrap(),
    )
    .await;
    assert_eq!(store.log().len(), 0);
}

#[tokio::test]
async fn a_feed_without_an_answer_is_unreachable() {
    for (reply, reason) in [
        (Reply::status(500), "answers 500"),
        (Reply::page(404), "answers 404"),
        (Reply::page(200), "the answer is a web page"),
        (
            Reply::ok("{\"items\": ["),
            "the answer is not a feed of vulnerabilities: EOF while parsing a list at line 1 column 11",
        ),
        (
            Reply::ok("{}"),
            "the answer is not a feed of vulnerabilities: missing field `items` at line 1 column 2",
        ),
        (
            Reply::ok("{\"items\": [").cut(400),
            "the answer broke off: the connection was closed early",
        ),
    ] {
        let store = world();
        store.fault(FEED, reply);
        let catalog = look_at(&store).await;
        assert!(catalog.vulnerabilities.is_empty());
        // A connection that breaks is that of the mirror.
        let entry = &catalog.unreachable[0];
        let path = FEED.trim_start_matches("https:/");
        assert!(entry.url.ends_with(path), "{}", entry.url);
        assert_eq!(
            (entry.reason.as_str(), catalog.unreachable.len()),
            (reason, 1)
        );
    }
    let request = VulnerabilityRequest {
        feed: refusing_url(),
        ..VulnerabilityRequest::default()
    };
    let (catalog, _) = look(settings(&world(), None), request).await;
    assert_eq!(catalog.unreachable[0].reason, "connection refused");
    assert_eq!(catalog.unreachable[0].source, "vulnerabilities");
}

#[tokio::test]
async fn a_record_without_an_answer_is_named_and_the_others_stay() {
    let record = format!("{RECORDS}CVE-2026-0003");
    for (reply, reason) in [
        (Reply::status(500), "answers 500"),
        (Reply::page(404), "answers 404"),
        (Reply::page(200), "the answer is a web page"),
        (
            Reply::ok("7"),
            "the answer is not a CVE record: invalid type: integer `7`, expected struct Record at line 1 column 1",
        ),
        (
            Reply::ok("{\"error\": \"RECORD_DNE\"}"),
            "the answer is not a CVE record: missing field `containers` at line 1 column 23",
        ),
    ] {
        let store = world();
        store.fault(&record, reply);
        let expected = [
            FIRST.to_owned(),
            format!("{record} {reason} (CVE-2026-0003)"),
        ];
        assert_eq!(said(&look_at(&store).await), expected);
    }
}

#[tokio::test]
async fn a_host_that_is_down_is_said_once() {
    let store = StoreServer::start();
    for number in 1..=60 {
        store.list_vulnerability(&format!("CVE-2026-{number:04}"));
    }
    let request = VulnerabilityRequest {
        records: refusing_url(),
        ..VulnerabilityRequest::default()
    };
    let (catalog, _) = look(settings(&store, None), request).await;
    let reasons: Vec<&str> = catalog
        .unreachable
        .iter()
        .map(|entry| &*entry.reason)
        .collect();
    assert_eq!(
        reasons,
        ["connection refused (CVE-2026-0001, CVE-2026-0002, CVE-2026-0003 and 57 more)"]
    );
}

#[tokio::test]
async fn an_endless_feed_is_not_followed_without_end() {
    let store = StoreServer::start();
    for number in 1..=10_000 {
        store.list_vulnerability(&format!("CVE-2026-{number:05}"));
    }
    let (catalog, stats) = look(settings(&store, None), VulnerabilityRequest::default()).await;
    assert_eq!(stats.requests, 501);
    let said = said(&catalog);
    let named = "only the records of the newest 500 vulnerabilities are asked for";
    assert_eq!(said.len(), 2);
    assert!(
        said[1].contains(named) && said[1].contains("and 9497 more"),
        "{said:?}"
    );
}

#[tokio::test]
async fn entries_of_the_feed_are_taken_apart_and_never_become_paths() {
    let store = world();
    store.vulnerability("CVE-2023-5043", 7.6, &[("0", "1.28.0")]);
    store.vulnerability("CVE-2023-5044", 7.6, &[("0", "1.28.0")]);
    store
        .list_vulnerability("CVE-2023-5043, CVE-2023-5044")
        .list_vulnerability("../../admin")
        .list_vulnerability("CVE-2023-5044");
    let catalog = look_at(&store).await;
    assert_eq!(
        said(&catalog)[..2],
        [
            "CVE-2023-5043 (7.6) <=1.28.0",
            "CVE-2023-5044 (7.6) <=1.28.0"
        ]
    );
    assert_eq!(
        said(&catalog)[4],
        format!("{FEED} an entry of the feed has no CVE number (../../admin)")
    );
    let asked: Vec<String> = store.log().into_iter().map(|one| one.path).collect();
    assert!(
        asked.iter().all(|path| !path.contains("admin")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn the_addresses_are_free_to_choose() {
    let server = Server::start(|request| {
        match &*request.path {
        "/feed.json" => Reply::ok("{\"items\": [{\"id\": \"CVE-2026-0001\"}]}"),
        "/r/CVE-2026-0001" => Reply::ok(
            "{\"containers\": {\"cna\": {\"affected\": [{\"product\": \"Kubernetes\", \"versions\":
             [{\"status\": \"affected\", \"version\": \"1.34.1\"}, {\"status\": \"affected\", \"version\": \"1.7.x\"}]}]}}}",
        ),
        _ => Reply::status(404),
    }
    });
    for slash in ["", "/"] {
        let request = VulnerabilityRequest {
            feed: format!("{}/feed.json", server.url()),
            records: format!("{}/r{slash}", server.url()),
        };
        let (catalog, _) = look(settings(&world(), None), request).await;
        assert_eq!(said(&catalog), ["CVE-2026-0001 1.34.1"]);
        assert_eq!(catalog.vulnerabilities[0].unread, ["1.7.x"]);
    }
}

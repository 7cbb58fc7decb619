//! No answer makes a panic, hangs, or ends in a catalog that cannot be read again: every source, GitHub and git are asked of a server
//! that harms its answers, heads and bodies. `PROPTEST_CASES=5000 cargo test --release --test it hostile_answers` looks further.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::cases::cases;
use crate::support::hostile::{Harm, apply, harm, header};
use crate::support::server::{Reply, Request, Server};
use csctl_matrix::catalog::{
    Catalog, CatalogRequest, ChartRequest, StoreListing, StoreRequest, VulnerabilityRequest,
};
use csctl_matrix::io::catalog::{fetch, to_text};
use csctl_matrix::io::forge::{Clock, Credentials, ForgeSettings, GitHub, PullQuery};
use csctl_matrix::io::git::Remote;
use csctl_matrix::io::http::{HttpClient, HttpSettings, Secret};
use csctl_matrix::version::Minor;
use proptest::prelude::*;
use serde_json::{Value, json};

const OID: &str = "1111111111111111111111111111111111111111";

/// What is wrong with the answers of one run.
#[derive(Debug, Clone, Default)]
struct Case {
    harms: Vec<Harm>,
    headers: Vec<(String, String)>,
    status: Option<u16>,
    /// The answers that are harmed: all, or those whose path has a sum with this rest.
    only: Option<u8>,
}

impl Case {
    fn takes(&self, path: &str) -> bool {
        let sum = path.bytes().fold(0_u8, u8::wrapping_add) % 4;
        self.only.is_none_or(|only| only == sum)
    }
}

fn case() -> impl Strategy<Value = Case> {
    let statuses = vec![206, 301, 304, 403, 404, 416, 429, 503];
    (
        harm(),
        prop::collection::vec(header(), 0..3),
        prop::option::weighted(0.15, prop::sample::select(statuses)),
        prop::option::weighted(0.8, 0_u8..4),
    )
        .prop_map(|(harms, headers, status, only)| Case {
            harms,
            headers,
            status,
            only,
        })
}

/// A server whose answers can be harmed.
struct World {
    server: Server,
    case: Arc<Mutex<Case>>,
}

impl World {
    fn start(answer: impl Fn(&Request, &str) -> Reply + Send + Sync + 'static) -> Self {
        let case: Arc<Mutex<Case>> = Arc::default();
        let current = Arc::clone(&case);
        let server = Server::start(move |request| {
            let host = request.header("host").unwrap_or_default();
            let reply = answer(request, &format!("http://{host}"));
            let case = current.lock().unwrap().clone();
            if case.takes(&request.path) {
                harmed(reply, &case)
            } else {
                reply
            }
        });
        Self { server, case }
    }

    fn client(&self, case: Case) -> HttpClient {
        // No answer is harmed: it may take as long as a busy machine needs.
        let is_good = case.only == Some(9);
        *self.case.lock().unwrap() = case;
        let mirror = format!("https://world.example/={}/", self.server.url());
        HttpClient::new(HttpSettings {
            mirrors: [mirror.parse().unwrap()].into_iter().collect(),
            retries: 1,
            retry_pause: Duration::from_micros(10),
            longest_pause: Duration::from_micros(10),
            read_timeout: Duration::from_millis(if is_good { 10_000 } else { 50 }),
            system_proxy: false,
            ..HttpSettings::default()
        })
    }
}

fn harmed(reply: Reply, case: &Case) -> Reply {
    let body = apply(&reply.body, &case.harms);
    // What is the same for a client that asks for the head alone.
    let told_length =
        (body.len() != reply.body.len() && case.harms.len() > 2).then_some(reply.body.len());
    let mut harmed = Reply {
        body,
        told_length,
        status: case.status.unwrap_or(reply.status),
        ..reply
    };
    harmed.headers.extend(case.headers.iter().cloned());
    harmed
}

fn json_reply(body: &Value) -> Reply {
    Reply::ok(body.to_string()).with("Content-Type", "application/json")
}

const INDEX: &str = "apiVersion: v1\nentries:\n  cilium:\n  - name: cilium\n    version: 1.17.1\n    created: \"2026-01-01T00:00:00Z\"\n  \
                     - version: v1.18.0\n  other: []\ngenerated: \"2026-01-01T00:00:00Z\"\n";

const SCHEDULE: &str = "schedules:\n- release: 1.34\n  endOfLifeDate: 2026-10-27\n- release: '1.35'\n  endOfLifeDate: '2027-02-28'\n";

const BUCKET: &str = "<?xml version=\"1.0\"?><ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated><Contents>\
                      <Key>images/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.1.qcow2</Key>\
                      <LastModified>2026-03-12T11:00:00.000Z</LastModified><ETag>x</ETag><Size>12</Size></Contents></ListBucketResult>";

/// The sources of a catalog, each with one real answer.
fn source(request: &Request, base: &str) -> Reply {
    let path = request.path.split('?').next().unwrap_or_default();
    let modified = "Thu, 12 Mar 2026 11:00:00 GMT";
    match path {
        "/charts/index.yaml" => Reply::ok(INDEX),
        "/schedule.yaml" => Reply::ok(SCHEDULE),
        "/repos/kubernetes/kubernetes/releases" => json_reply(&json!([
            {"tag_name": "v1.34.1", "draft": false, "prerelease": false, "published_at": "2025-09-09T12:00:00Z"},
            {"tag_name": "v1.34.0", "published_at": "2025-08-27T12:00:00Z"},
        ]))
        .with("Link", "<https://api.github.com/x?page=2>; rel=\"next\""),
        "/feed.json" => json_reply(&json!({"items": [
            {"id": "CVE-2026-0001", "summary": "x", "date_published": "2026-04-16T15:31:00Z"},
        ]})),
        "/cve/CVE-2026-0001" => json_reply(&record()),
        "/v2/charts/cilium/tags/list" | "/v2/capi/node/tags/list"
            if request.header("authorization").is_none() =>
        {
            let challenge = format!("Bearer realm=\"{base}/token\",service=\"x\",scope=\"y\"");
            Reply::status(401).with("WWW-Authenticate", &challenge)
        }
        "/token" => json_reply(&json!({"token": "anyone"})),
        "/v2/charts/cilium/tags/list" | "/v2/capi/node/tags/list" => {
            json_reply(&json!({"name": "x", "tags": ["1.17.1", "v1.34.1", "v1.34.0", "latest"]}))
                .with("Link", "<>; rel=\"last\"")
        }
        _ if path.contains("/manifests/") => json_reply(&json!({"schemaVersion": 2})),
        "/bucket" => Reply::ok(BUCKET).with("Content-Type", "application/xml"),
        _ if path.ends_with("last-1.34") => {
            Reply::ok("2026-03-12 ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.1.qcow2\n")
        }
        _ if path.ends_with(".CHECKSUM") => {
            let file = path.rsplit('/').next().unwrap_or_default();
            let file = file.trim_end_matches(".CHECKSUM");
            Reply::ok(format!("{}  {file}\n", "ab".repeat(32))).with("Last-Modified", modified)
        }
        _ if path.ends_with("v1.34.1.qcow2") => Reply::ok("content").with("Last-Modified", modified),
        _ => Reply::page(404),
    }
}

fn record() -> Value {
    json!({
        "cveMetadata": {"datePublished": "2026-04-16T16:23:00.535Z"},
        "containers": {"cna": {
            "title": "Title",
            "affected": [{
                "defaultStatus": "unaffected", "product": "kubelet",
                "repo": "https://github.com/kubernetes/kubernetes",
                "versions": [
                    {"lessThanOrEqual": "v1.34.4", "status": "affected", "version": "v1.34.0", "versionType": "semver"},
                    {"version": "< v1.33.8", "status": "affected", "changes": [{"at": "1.33.7", "status": "unaffected"}]},
                ],
            }],
            "metrics": [{"cvssV3_1": {"baseScore": 8.8, "version": "3.1"}, "format": "CVSS"}],
        }},
    })
}

fn wanted(registry: &str) -> CatalogRequest {
    let store = StoreRequest {
        minors: [Minor::new(1, 34)].into(),
        os_releases: ["ubuntu-2404".parse().unwrap()].into(),
        digests: true,
        ..StoreRequest::default()
    };
    let listed = StoreRequest {
        listing: StoreListing::S3,
        ..store.clone()
    };
    let file = "{os}-kube-v{minor}/{os}-kube-v{version}.qcow2";
    let charts = ChartRequest {
        names: ["cilium".to_owned()].into(),
    };
    let mut request = CatalogRequest {
        stores: [
            (
                format!("https://world.example/images/{file}")
                    .parse()
                    .unwrap(),
                store.clone(),
            ),
            (
                format!("https://world.example/bucket/images/{file}")
                    .parse()
                    .unwrap(),
                listed,
            ),
            (
                format!("{registry}/capi/node:v{{version}}")
                    .parse()
                    .unwrap(),
                store,
            ),
        ]
        .into(),
        charts: [
            ("https://world.example/charts".to_owned(), charts.clone()),
            (format!("oci://{registry}/charts"), charts),
        ]
        .into(),
        vulnerabilities: Some(VulnerabilityRequest {
            feed: "https://world.example/feed.json".to_owned(),
            records: "https://world.example/cve/".to_owned(),
        }),
        ..CatalogRequest::default()
    };
    request.sources.kubernetes = Some("https://world.example".to_owned());
    request.sources.end_of_life = Some("https://world.example/schedule.yaml".to_owned());
    request
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

fn look(world: &World, case: Case) -> Catalog {
    let client = world.client(case);
    let url = world.server.url();
    let registry = url.strip_prefix("http://").unwrap();
    let today = "2026-06-15".parse().unwrap();
    run(fetch(&wanted(registry), &client, today))
}

/// The harm below says nothing where the answers are not understood to begin with.
#[test]
fn the_answers_are_good_without_harm() {
    let world = World::start(source);
    let case = Case {
        only: Some(9),
        ..Case::default()
    };
    let catalog = look(&world, case);
    let found: Vec<usize> = catalog
        .image_stores
        .iter()
        .map(|store| store.images.len())
        .collect();
    // The pointer says on which system the last store builds its images; it is asked for no other.
    assert_eq!(found, [2, 1, 1], "{:?}", catalog.unreachable);
    assert_eq!(catalog.chart_repositories.len(), 2);
    assert_eq!(catalog.vulnerabilities.len(), 1);
    assert_eq!(catalog.kubernetes.len(), 2);
}

#[test]
fn no_answer_of_a_source_makes_a_panic() {
    let world = World::start(source);
    proptest!(cases(16, 41), |(case in case())| {
        let catalog = look(&world, case);
        let text = to_text(&catalog).unwrap();
        let again: Catalog = serde_yaml::from_str(&text).unwrap();
        prop_assert_eq!(again, catalog);
    });
}

/// GitHub, each answer of its REST and GraphQL interface once.
fn github(request: &Request, _: &str) -> Reply {
    let pull = json!({
        "number": 1, "state": "open", "draft": true, "merged": false, "title": "t", "body": "b", "node_id": "P",
        "head": {"ref": "b", "sha": OID, "repo": {"full_name": "a/b"}},
        "base": {"ref": "main", "sha": OID, "repo": {"full_name": "a/b"}},
        "labels": [{"name": "l"}], "user": {"login": "ada"}, "created_at": "2026-04-16T16:23:00Z",
    });
    let path = request.path.split('?').next().unwrap_or_default();
    let rest = path.strip_prefix("/repos/a/b").unwrap_or(path);
    let body = match rest {
        "" => {
            json!({"full_name": "a/b", "node_id": "R", "default_branch": "main", "permissions": {"push": true}})
        }
        "/graphql" => json!({
            "data": {
                "viewer": {"login": "ada", "databaseId": 1}, "updateRefs": {}, "errors": null,
                "repository": {"pullRequest": {"isInMergeQueue": false}}, "node": {"isInMergeQueue": false},
            },
        }),
        "/pulls" => json!([pull]),
        "/pulls/1" | "/issues/1" => pull,
        "/pulls/1/reviews" => {
            json!([{"user": {"login": "ada"}, "state": "APPROVED", "commit_id": OID}])
        }
        "/issues/1/comments" => json!([{"id": 1, "user": null, "body": "x"}]),
        _ if rest.ends_with("/check-runs") => json!({"total_count": 1, "check_runs": [
            {"id": 1, "name": "c", "app": {"id": 1, "slug": "s"}, "status": "completed", "started_at": "2026-04-16T16:23:00Z"},
        ]}),
        _ if rest.ends_with("/statuses") => json!([{"id": 1, "context": "c", "state": "success"}]),
        _ if rest.starts_with("/rules/") => json!([
            {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "c", "integration_id": 1}]}},
        ]),
        _ if rest.ends_with("/protection") => {
            json!({"required_status_checks": {"contexts": ["c"], "checks": []}})
        }
        _ if rest.starts_with("/git/ref/") => {
            json!({"ref": "refs/heads/b", "object": {"sha": OID}})
        }
        _ if rest.starts_with("/compare/") => json!({"status": "ahead"}),
        _ => json!({}),
    };
    json_reply(&body)
        .with("X-RateLimit-Remaining", "100")
        .with("X-RateLimit-Reset", "1772438540")
        .with("Date", "Mon, 02 Mar 2026 08:00:00 GMT")
}

async fn ask_github(github: &GitHub) -> usize {
    let mut answered = 0;
    answered += usize::from(github.repository().await.is_ok());
    answered += usize::from(github.viewer().await.is_ok());
    answered += usize::from(github.find_pulls("b", PullQuery::All).await.is_ok());
    answered += usize::from(github.open_pulls().await.is_ok());
    answered += usize::from(github.pull(1).await.is_ok());
    answered += usize::from(github.check_runs(OID).await.is_ok());
    answered += usize::from(github.statuses(OID).await.is_ok());
    answered += usize::from(github.reviews(1).await.is_ok());
    answered += usize::from(github.protection("main").await.is_ok());
    answered += usize::from(github.comments(1).await.is_ok());
    answered += usize::from(github.branch_head("b").await.is_ok());
    answered += usize::from(github.contains(OID, OID).await.is_ok());
    answered += usize::from(github.create_ref("b", OID).await.is_ok());
    // Another commit than the branch is at: it is moved by GraphQL, and then looked at.
    let other = OID.replace('1', "2");
    let _ = github.update_ref("b", OID, &other).await;
    answered
}

fn connect(world: &World, case: Case) -> GitHub {
    let token = Secret::new("ghs_NobodysToken");
    let settings = ForgeSettings {
        base: world.server.url(),
        clock: Clock::recorded("2026-03-02T08:00:00Z".parse().unwrap()),
        ..ForgeSettings::new("a", "b", Credentials::from(token))
    };
    GitHub::new(&world.client(case), &settings)
}

#[test]
fn no_answer_of_github_makes_a_panic() {
    let world = World::start(github);
    let good = Case {
        only: Some(9),
        ..Case::default()
    };
    let github = connect(&world, good);
    assert_eq!(run(ask_github(&github)), 13);
    proptest!(cases(16, 42), |(case in case())| {
        run(ask_github(&connect(&world, case)));
    });
}

/// What panicked before: an answer of GraphQL that is no object, and a budget that comes back at the end of numbers.
#[test]
fn an_answer_of_graphql_may_be_anything() {
    let world = World::start(github);
    for body in [
        "[]",
        "[1]",
        "\"x\"",
        "1",
        "null",
        "{}",
        "{\"data\": 1}",
        "{\"errors\": [1]}",
    ] {
        let case = Case {
            harms: vec![Harm::Replace(body.into())],
            ..Case::default()
        };
        assert!(run(connect(&world, case).viewer()).is_err(), "{body}");
    }
    for reset in ["9223372036854775807", "-9223372036854775808"] {
        let headers = [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", reset)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let case = Case {
            headers: headers.into(),
            status: Some(403),
            ..Case::default()
        };
        assert!(run(connect(&world, case).viewer()).is_err(), "{reset}");
    }
}

/// A server of git that has one branch.
fn git(request: &Request, _: &str) -> Reply {
    let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let name = if request.path.contains("receive") {
        "git-receive-pack"
    } else {
        "git-upload-pack"
    };
    let head = format!("{OID} HEAD\0side-band-64k ofs-delta shallow symref=HEAD:refs/heads/main\n");
    let branch = format!("{OID} refs/heads/main\n");
    let service = format!("# service={name}\n");
    let body = [
        line(&service),
        "0000".to_owned(),
        line(&head),
        line(&branch),
        "0000".to_owned(),
    ];
    Reply::ok(body.concat()).with(
        "Content-Type",
        &format!("application/x-{name}-advertisement"),
    )
}

#[test]
fn no_answer_of_git_makes_a_panic() {
    let world = World::start(git);
    let remote = Remote::new(&format!("{}/a.git", world.server.url()), None).unwrap();
    proptest!(cases(24, 43), |(case in case())| {
        let client = world.client(case);
        let _ = run(remote.refs(&client));
        let _ = run(remote.may_push(&client));
    });
}

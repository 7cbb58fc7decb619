//! Each source of the catalog against servers that lie, break off or say nothing: what is not proved is not there, and what
//! gives no answer is unreachable, never absent.

use std::time::Duration;

use crate::support::server::{self, Reply, Request, Server, refusing_url};
use crate::support::store::{CHARTS, IMAGES, PATTERN, StoreServer, checksum_url, image_url};
use csctl_matrix::catalog::{
    Catalog, CatalogRequest, ChartRequest, ImagePattern, StoreListing, StoreRequest,
};
use csctl_matrix::io::catalog::fetch;
use csctl_matrix::io::http::{HttpClient, HttpSettings, Mirror, S3Credentials, Secret};
use csctl_matrix::version::Minor;

const DAY: &str = "2026-03-12";

fn sum() -> String {
    "a1".repeat(32)
}

fn settings(mirrors: &[String]) -> HttpSettings {
    HttpSettings {
        mirrors: mirrors
            .iter()
            .map(|mirror| mirror.parse().unwrap())
            .collect(),
        retry_pause: Duration::from_millis(2),
        system_proxy: false,
        ..HttpSettings::default()
    }
}

fn store_request(pattern: &str, store: StoreRequest) -> CatalogRequest {
    let pattern: ImagePattern = pattern.parse().unwrap();
    CatalogRequest {
        stores: [(pattern, store)].into(),
        ..CatalogRequest::default()
    }
}

fn minors(numbers: &[u32]) -> StoreRequest {
    StoreRequest {
        minors: numbers
            .iter()
            .map(|number| Minor::new(1, *number))
            .collect(),
        os_releases: ["ubuntu-2404".parse().unwrap()].into(),
        ..StoreRequest::default()
    }
}

async fn look(settings: HttpSettings, request: &CatalogRequest) -> Catalog {
    let client = HttpClient::new(settings);
    fetch(request, &client, "2026-04-01".parse().unwrap()).await
}

/// Looks at the OSISM-like store for these minors; what GitHub says is of no interest here.
async fn look_at(store: &StoreServer, numbers: &[u32]) -> Catalog {
    look(
        settings(&store.mirrors()),
        &store_request(PATTERN, minors(numbers)),
    )
    .await
}

fn world() -> StoreServer {
    let store = StoreServer::start();
    store
        .release("v1.30.0", "2024-04-17")
        .end_of_life("1.30", "2025-06-28");
    store
}

fn images(catalog: &Catalog) -> Vec<String> {
    let images = catalog.image_stores.iter().flat_map(|store| &store.images);
    images
        .map(|image| match &image.os {
            Some(os) => format!("{} {os}", image.version),
            None => image.version.to_string(),
        })
        .collect()
}

fn faulty(catalog: &Catalog) -> Vec<String> {
    let faulty = catalog.image_stores.iter().flat_map(|store| &store.faulty);
    faulty
        .map(|image| format!("{}: {}", image.version, image.reason))
        .collect()
}

fn unreachable(catalog: &Catalog) -> Vec<String> {
    let entries = catalog.unreachable.iter();
    entries
        .map(|entry| {
            let minors: Vec<String> = entry.minors.iter().map(ToString::to_string).collect();
            format!("{} [{}]", entry.reason, minors.join(" "))
        })
        .collect()
}

#[tokio::test]
async fn every_operating_system_of_a_patch_is_found() {
    let store = world();
    store
        .image("ubuntu-2204", "1.33.3", &sum(), DAY)
        .image("ubuntu-2404", "1.33.3", &sum(), DAY)
        .image("ubuntu-2604", "1.33.4", &sum(), DAY);
    let catalog = look_at(&store, &[33]).await;
    assert_eq!(
        images(&catalog),
        [
            "v1.33.3 ubuntu-2204",
            "v1.33.3 ubuntu-2404",
            "v1.33.4 ubuntu-2604"
        ]
    );
    assert_eq!((faulty(&catalog), unreachable(&catalog)), (vec![], vec![]));
}

#[tokio::test]
async fn a_store_is_searched_as_far_as_there_is_something() {
    let store = world();
    store.pointer(DAY, "ubuntu-2404", "1.34.1");
    for patch in [1, 2, 3, 5, 8, 11, 14, 18] {
        store.image("ubuntu-2404", &format!("1.34.{patch}"), &sum(), DAY);
    }
    let catalog = look_at(&store, &[34]).await;
    // One beyond the pointer, and one more as long as it is there.
    assert_eq!(images(&catalog).len(), 3);
    let log = store.log();
    for (file, asked) in [("1.34.4.qcow2", 1), ("1.34.5.qcow2", 0)] {
        let looks = log.iter().filter(|line| line.path.ends_with(file));
        assert_eq!(looks.count(), asked, "{file}");
    }
    store.remove(&format!("{IMAGES}last-1.34"));
    assert_eq!(
        images(&look_at(&store, &[34]).await).len(),
        7,
        "without a pointer further is looked at: three beyond each, and 18 is four beyond the last one"
    );
}

#[tokio::test]
async fn an_endless_store_is_not_searched_without_end() {
    let server = Server::start(|request| {
        let file = request.path.rsplit('/').next().unwrap();
        match file.strip_suffix(".CHECKSUM") {
            Some(image) => Reply::ok(format!("{}  {image}\n", "a1".repeat(32))),
            None if file.starts_with("last-") => Reply::status(404),
            None => Reply::ok("image").with("Content-Type", "application/octet-stream"),
        }
    });
    let pattern = format!("{}/i/NODE_v{{version}}.qcow2", server.url());
    let catalog = look(settings(&[]), &store_request(&pattern, minors(&[34]))).await;
    assert_eq!(images(&catalog).len(), 60);
}

#[tokio::test]
async fn a_pointer_is_not_believed() {
    let store = world();
    store
        .image("ubuntu-2404", "1.34.0", &sum(), DAY)
        .pointer(DAY, "ubuntu-2404", "1.34.5");
    let catalog = look_at(&store, &[34]).await;
    assert_eq!(images(&catalog), ["v1.34.0 ubuntu-2404"]);
    assert_eq!(
        faulty(&catalog),
        ["v1.34.5: announced by last-1.34, but the image answers 404"]
    );
    let pointer = format!("{IMAGES}last-1.34");
    for (text, reason) in [
        ("<html>", "the pointer is a web page [1.34]"),
        ("soon", "the pointer is not one line `<day> <file>` [1.34]"),
        (
            "2026-01-01 ubuntu-2404-kube-v1.33/ubuntu-2404-kube-v1.33.1.qcow2",
            "the pointer names `ubuntu-2404-kube-v1.33/ubuntu-2404-kube-v1.33.1.qcow2`, which is not of 1.34 [1.34]",
        ),
    ] {
        store.file(&pointer, text, "application/octet-stream", DAY);
        let catalog = look_at(&store, &[34]).await;
        assert_eq!(
            (images(&catalog).len(), unreachable(&catalog)),
            (1, vec![reason.to_owned()])
        );
    }
    store.file(
        &pointer,
        "2025-11-28 ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.qcow2\n",
        "text/plain",
        DAY,
    );
    assert_eq!(
        unreachable(&look_at(&store, &[34]).await),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn an_image_without_a_good_checksum_is_faulty() {
    let store = world();
    store.pointer(DAY, "ubuntu-2404", "1.34.0").image(
        "ubuntu-2404",
        "1.34.0",
        &sum(),
        "2026-03-12T11:18:00",
    );
    let file = "ubuntu-2404-kube-v1.34.0.qcow2";
    let other = "b2".repeat(32);
    let cases = [
        (String::new(), "the checksum file is empty"),
        (
            "<!DOCTYPE html><html></html>".to_owned(),
            "the checksum file is a web page",
        ),
        (
            format!("{}  {file}", &sum()[..40]),
            "the checksum has 40 digits instead of 64 or 128",
        ),
        (
            format!("{}  ubuntu-2404-kube-v1.34.1.qcow2", sum()),
            "the checksum file is for another file, `ubuntu-2404-kube-v1.34.1.qcow2`",
        ),
        (
            format!("{}  {file}\n{other}  {file}\n", sum()),
            "the checksum file has two different sums for the image",
        ),
    ];
    for (text, reason) in cases {
        store.file(
            &checksum_url("1.34.0"),
            &text,
            "application/octet-stream",
            DAY,
        );
        let catalog = look_at(&store, &[34]).await;
        assert_eq!(
            (images(&catalog), faulty(&catalog)),
            (vec![], vec![format!("v1.34.0: {reason}")])
        );
        assert_eq!(unreachable(&catalog), Vec::<String>::new());
    }
    store.file(
        &checksum_url("1.34.0"),
        &format!("{}  {file}", sum()),
        "text/plain",
        "2026-03-12T11:13:00",
    );
    let reason = "v1.34.0: the checksum (2026-03-12T11:13:00Z) is older than the image (2026-03-12T11:18:00Z), which \
                  was uploaded again";
    assert_eq!(faulty(&look_at(&store, &[34]).await), [reason]);
    store.remove(&checksum_url("1.34.0"));
    let reason = format!(
        "v1.34.0: no checksum: {} answers 404",
        checksum_url("1.34.0")
    );
    assert_eq!(faulty(&look_at(&store, &[34]).await), [reason]);
}

#[tokio::test]
async fn a_checksum_that_cannot_be_read_is_unknown() {
    let store = world();
    store
        .image("ubuntu-2404", "1.34.0", &sum(), DAY)
        .image("ubuntu-2404", "1.34.1", &sum(), DAY);
    let whole = format!("{}  ubuntu-2404-kube-v1.34.1.qcow2\n", sum());
    for (fault, reason) in [
        (
            Reply::ok(&whole[..30]).cut(whole.len()),
            "the answer broke off: the connection was closed early [1.34]",
        ),
        (Reply::status(500), "answers 500 [1.34]"),
        (
            Reply::ok("x".repeat(70_000)),
            "the answer is longer than 65536 bytes [1.34]",
        ),
    ] {
        store.fault(&checksum_url("1.34.1"), fault);
        let catalog = look_at(&store, &[34]).await;
        assert_eq!(
            images(&catalog),
            ["v1.34.0 ubuntu-2404"],
            "the other image stands"
        );
        assert_eq!(
            (faulty(&catalog), unreachable(&catalog)),
            (vec![], vec![reason.to_owned()])
        );
    }
}

#[tokio::test]
async fn a_store_of_web_pages_is_unreachable() {
    let store = world();
    store
        .image("ubuntu-2404", "1.34.0", &sum(), DAY)
        .fault(IMAGES, Reply::page(200));
    let catalog = look_at(&store, &[33, 34]).await;
    assert_eq!(
        (images(&catalog), unreachable(&catalog)),
        (
            vec![],
            vec!["the pointer is a web page [1.33 1.34]".to_owned()]
        )
    );
    // The same without the pointers.
    for minor in ["1.33", "1.34"] {
        store.fault(&format!("{IMAGES}last-{minor}"), Reply::page(404));
    }
    let catalog = look_at(&store, &[33, 34]).await;
    assert_eq!(images(&catalog), Vec::<String>::new());
    assert_eq!(
        unreachable(&catalog),
        ["answers with a web page instead of an image [1.33 1.34]"]
    );
}

#[tokio::test]
async fn one_page_among_images_is_faulty_only_where_it_was_expected() {
    let store = world();
    store
        .image("ubuntu-2404", "1.34.0", &sum(), DAY)
        .pointer(DAY, "ubuntu-2404", "1.34.1");
    store
        .fault(&image_url("1.34.1"), Reply::page(200))
        .fault(&image_url("1.34.2"), Reply::page(200));
    let catalog = look_at(&store, &[34]).await;
    assert_eq!(images(&catalog), ["v1.34.0 ubuntu-2404"]);
    assert_eq!(faulty(&catalog), ["v1.34.1: the image is a web page"]);
    store.fault(
        &image_url("1.34.1"),
        Reply::ok("").with("Content-Type", "application/octet-stream"),
    );
    assert_eq!(
        faulty(&look_at(&store, &[34]).await),
        ["v1.34.1: the image is an empty file"]
    );
}

#[tokio::test]
async fn forbidden_is_a_gap_beside_images_and_no_answer_alone() {
    let store = world();
    let forbidden = || Reply::status(403).with("Content-Type", "application/xml");
    store
        .image("ubuntu-2404", "1.34.0", &sum(), DAY)
        .fault(&image_url("1.34.1"), forbidden());
    let catalog = look_at(&store, &[34]).await;
    assert_eq!((images(&catalog).len(), unreachable(&catalog)), (1, vec![]));
    store.fault(IMAGES, forbidden());
    let catalog = look_at(&store, &[33, 34]).await;
    assert_eq!(
        (images(&catalog).len(), unreachable(&catalog)),
        (0, vec!["answers 403 [1.33 1.34]".to_owned()])
    );
}

#[tokio::test]
async fn a_store_that_is_down_does_not_silence_the_others() {
    let store = world();
    store.image("ubuntu-2404", "1.34.0", &sum(), DAY).chart(
        CHARTS,
        "openstack-cinder-csi",
        &["2.34.0"],
    );
    let dead = format!("{}/images/NODE_v{{version}}.qcow2", refusing_url());
    let mut request = store_request(PATTERN, minors(&[34]));
    request
        .stores
        .insert(dead.parse().unwrap(), minors(&[33, 34]));
    let names = ["openstack-cinder-csi".to_owned()];
    let charts = ChartRequest {
        names: names.into(),
    };
    request.charts.insert(CHARTS.to_owned(), charts);
    let client = HttpClient::new(settings(&store.mirrors()));
    let catalog = fetch(&request, &client, "2026-04-01".parse().unwrap()).await;
    assert_eq!(images(&catalog), ["v1.34.0 ubuntu-2404"]);
    assert_eq!(
        catalog
            .find_chart(CHARTS, "openstack-cinder-csi")
            .unwrap()
            .len(),
        1
    );
    assert_eq!(unreachable(&catalog), ["connection refused [1.33 1.34]"]);
    assert_eq!(catalog.unreachable[0].source, dead);
    let asked = client.stats().requests - u64::try_from(store.log().len()).unwrap();
    assert!(asked <= 6, "{asked} requests to a dead host");
}

#[tokio::test]
async fn a_store_that_hangs_costs_its_timeout_once() {
    let store = world();
    store.fault(IMAGES, Reply::hang());
    let start = std::time::Instant::now();
    let settings = HttpSettings {
        read_timeout: Duration::from_millis(300),
        ..settings(&store.mirrors())
    };
    let request = store_request(PATTERN, minors(&[32, 33, 34, 35]));
    let catalog = look(settings, &request).await;
    assert_eq!(
        unreachable(&catalog),
        ["no answer in time [1.32 1.33 1.34 1.35]"]
    );
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn what_has_answered_in_time_counts() {
    let store = world();
    store
        .fault(IMAGES, Reply::hang())
        .chart(CHARTS, "cilium", &["1.17.1"]);
    let mut request = store_request(PATTERN, minors(&[34]));
    let charts = ChartRequest {
        names: ["cilium".to_owned()].into(),
    };
    request.charts.insert(CHARTS.to_owned(), charts);
    let settings = HttpSettings {
        sources_timeout: Some(Duration::from_millis(700)),
        ..settings(&store.mirrors())
    };
    let client = HttpClient::new(settings);
    let catalog = fetch(&request, &client, "2026-04-01".parse().unwrap()).await;
    assert_eq!(
        unreachable(&catalog),
        ["no answer within 700ms (--timeout) [1.34]"]
    );
    assert_eq!(catalog.chart_repositories[0].charts["cilium"].len(), 1);
    assert!(!catalog.kubernetes.is_empty());
    // What is downloaded afterwards to be verified has all the time it needs.
    store.heal();
    let url = format!("{IMAGES}a");
    store.file(&url, "content", "x", DAY);
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(client.sha256(&url).await.unwrap().len(), 64);
}

#[tokio::test]
async fn a_store_that_has_nothing_of_what_is_listed_has_moved() {
    let store = world();
    let listed = ["v1.34.0", "v1.30.0"].map(|version| version.parse().unwrap());
    let request = |numbers| StoreRequest {
        listed: listed.into(),
        ..minors(numbers)
    };
    let settings = settings(&store.mirrors());
    let catalog = look(
        settings.clone(),
        &store_request(PATTERN, request(&[33, 34])),
    )
    .await;
    let reason = "has none of the images that are listed; has the store moved? [1.33 1.34]";
    assert_eq!(unreachable(&catalog), [reason]);
    // Nothing is listed of a new minor, and an image of another minor shows that the store is the right one.
    let catalog = look(settings.clone(), &store_request(PATTERN, request(&[35]))).await;
    assert_eq!(unreachable(&catalog), Vec::<String>::new());
    store.image("ubuntu-2404", "1.33.0", &sum(), DAY);
    let catalog = look(settings, &store_request(PATTERN, request(&[33, 34]))).await;
    assert_eq!((images(&catalog).len(), unreachable(&catalog)), (1, vec![]));
}

#[tokio::test]
async fn trouble_with_one_image_is_told_for_its_minor() {
    let store = world();
    for version in ["1.33.0", "1.34.0", "1.34.1"] {
        store.image("ubuntu-2404", version, &sum(), DAY);
    }
    store.fault(&image_url("1.34.1"), Reply::status(502));
    let catalog = look_at(&store, &[33, 34]).await;
    assert_eq!(
        images(&catalog),
        ["v1.33.0 ubuntu-2404", "v1.34.0 ubuntu-2404"]
    );
    assert_eq!(unreachable(&catalog), ["answers 502 [1.34]"]);
    assert_eq!(catalog.unreachable[0].url, image_url("1.34.1"));
}

#[tokio::test]
async fn the_order_of_answers_does_not_matter() {
    let store = world();
    for patch in 0..9 {
        store.image("ubuntu-2404", &format!("1.34.{patch}"), &sum(), DAY);
        store.image("ubuntu-2204", &format!("1.33.{patch}"), &sum(), DAY);
    }
    store
        .fault(&checksum_url("1.34.3"), Reply::status(500))
        .fault(&checksum_url("1.34.5"), Reply::page(404));
    let first = look_at(&store, &[33, 34]).await;
    for max_concurrent in [1, 3, 100] {
        let settings = HttpSettings {
            max_concurrent,
            ..settings(&store.mirrors())
        };
        assert_eq!(
            look(settings, &store_request(PATTERN, minors(&[33, 34]))).await,
            first
        );
    }
}

#[tokio::test]
async fn an_index_that_is_none_is_unreachable() {
    let store = world();
    let names = ["cilium".to_owned()];
    let charts = ChartRequest {
        names: names.into(),
    };
    let request = CatalogRequest {
        charts: [(CHARTS.to_owned(), charts)].into(),
        ..CatalogRequest::default()
    };
    for (reply, reason) in [
        (
            Reply::page(200),
            "is a web page, not the index of a Helm repository []",
        ),
        (Reply::page(404), "answers 404 []"),
        (
            Reply::ok("entries: 3"),
            "is not the index of a Helm repository: entries: invalid type: integer `3`, expected a map at line 1 column 10 []",
        ),
        (
            Reply::ok("apiVersion: v1\n"),
            "is not the index of a Helm repository: it has no entries []",
        ),
    ] {
        store.fault(CHARTS, reply);
        let catalog = look(settings(&store.mirrors()), &request).await;
        assert_eq!(
            (unreachable(&catalog), catalog.chart_repositories.len()),
            (vec![reason.to_owned()], 0)
        );
    }
    store.fault(
        CHARTS,
        Reply::ok("entries:\n  cilium:\n  - version: 1.10\n  - version: 1.10.0\n  - {}\n"),
    );
    let catalog = look(settings(&store.mirrors()), &request).await;
    let versions = catalog.find_chart(CHARTS, "cilium").unwrap();
    assert_eq!(
        (versions.len(), versions[0].to_string()),
        (1, "1.10.0".to_owned())
    );
}

#[tokio::test]
async fn a_huge_index_is_read() {
    let store = world();
    let versions: Vec<String> = (0..200).map(|patch| format!("1.0.{patch}")).collect();
    let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    for number in 0..60 {
        store.chart(CHARTS, &format!("chart-{number}"), &versions);
    }
    let names = ["chart-7".to_owned()];
    let charts = ChartRequest {
        names: names.into(),
    };
    let request = CatalogRequest {
        charts: [(CHARTS.to_owned(), charts)].into(),
        ..CatalogRequest::default()
    };
    let catalog = look(settings(&store.mirrors()), &request).await;
    assert_eq!(catalog.find_chart(CHARTS, "chart-7").unwrap().len(), 200);
}

/// A registry that wants a token which it gives to anybody, and tells its tags in pages of two.
fn registry(tags: &'static [&'static str]) -> Server {
    Server::start(move |request| {
        let url = format!("http://{}", request.header("host").unwrap());
        if request.path.starts_with("/token") {
            assert_eq!(
                request.query("scope").as_deref(),
                Some("repository:kindest/node:pull,push")
            );
            return Reply::ok(r#"{"access_token": "for-anybody"}"#);
        }
        if request.header("authorization") != Some("Bearer for-anybody") {
            let challenge = format!(
                r#"Bearer realm="{url}/token",service="registry",scope="repository:kindest/node:pull,push""#
            );
            return Reply::status(401).with("WWW-Authenticate", &challenge);
        }
        if !request.path.starts_with("/v2/kindest/node/tags/list") {
            return Reply::status(404);
        }
        let start: usize = request
            .query("last")
            .map_or(0, |last| last.parse().unwrap());
        let page = &tags[start..tags.len().min(start + 2)];
        let reply = Reply::ok(
            serde_json::to_vec(&serde_json::json!({"name": "kindest/node", "tags": page})).unwrap(),
        );
        if start + 2 >= tags.len() {
            return reply;
        }
        reply.with(
            "Link",
            &format!(
                "</v2/kindest/node/tags/list?n=2&last={}>; rel=\"next\"",
                start + 2
            ),
        )
    })
}

#[tokio::test]
async fn container_images_are_found_by_their_tags() {
    let server = registry(&[
        "latest",
        "v1.34.0",
        "v1.34.1-rc.0",
        "v1.33.7",
        "v1.34.10",
        "1.34.2",
        "v1.32.1",
    ]);
    let store = world();
    let mut mirrors = store.mirrors();
    mirrors.push(format!("https://registry-1.docker.io/={}/", server.url()));
    let request = store_request("kindest/node:v{version}", minors(&[33, 34]));
    let catalog = look(settings(&mirrors), &request).await;
    assert_eq!(
        (images(&catalog), unreachable(&catalog)),
        (
            vec!["v1.33.7".to_owned(), "v1.34.0".into(), "v1.34.10".into()],
            vec![]
        )
    );
    let image = &catalog.image_stores[0].images[0];
    assert_eq!(
        (image.url.as_str(), &image.sha256),
        ("kindest/node:v1.33.7", &None)
    );
    let missing = store_request("docker.io/no/such:v{version}", minors(&[34]));
    let catalog = look(settings(&mirrors), &missing).await;
    assert_eq!(
        unreachable(&catalog),
        ["the registry does not know the repository [1.34]"]
    );
}

#[tokio::test]
async fn charts_of_a_registry_are_found_by_their_tags() {
    let server = Server::start(|request| match request.path.as_str() {
        "/v2/charts/cilium/tags/list?n=1000" => {
            Reply::ok(r#"{"tags": ["1.17.1", "1.16.3", "1.17.2_build", "sha256-ab.sig"]}"#)
        }
        _ => Reply::status(404),
    });
    let names = ["cilium", "none"].map(str::to_owned);
    let url = "oci://registry.example/charts".to_owned();
    let charts = ChartRequest {
        names: names.into(),
    };
    let request = CatalogRequest {
        charts: [(url.clone(), charts)].into(),
        ..CatalogRequest::default()
    };
    let catalog = look(
        settings(&[format!("https://registry.example/={}", server.url())]),
        &request,
    )
    .await;
    let versions = catalog.find_chart(&url, "cilium").unwrap().iter();
    let versions: Vec<String> = versions.map(ToString::to_string).collect();
    assert_eq!(versions, ["1.16.3", "1.17.1", "1.17.2+build"]);
    assert_eq!(catalog.find_chart(&url, "none"), Some(&[][..]));
}

/// An S3 store that lists two objects per page and may want a signature.
fn s3(is_private: bool) -> Server {
    let objects: Vec<(String, String)> = [("1.33", 1), ("1.34", 0), ("1.34", 1), ("1.34", 3)]
        .iter()
        .flat_map(|(minor, patch)| {
            let file = format!("ubuntu-2404-kube-v{minor}.{patch}.qcow2");
            let key = format!("images/ubuntu-2404-kube-v{minor}/{file}");
            // One checksum file is missing.
            let sum = (*patch != 3).then(|| {
                (
                    format!("{key}.CHECKSUM"),
                    format!("{}  {file}\n", "a1".repeat(32)),
                )
            });
            std::iter::once((key, "image".to_owned()))
                .chain(sum)
                .collect::<Vec<_>>()
        })
        .chain([("images/readme".to_owned(), "text".to_owned())])
        .collect();
    Server::start(move |request: &Request| {
        let signature = request.header("authorization").unwrap_or_default();
        if is_private != signature.starts_with("AWS4-HMAC-SHA256 Credential=key/") {
            return Reply::status(403);
        }
        if request.query("list-type").is_none() {
            let file = objects
                .iter()
                .find(|(key, _)| format!("/bucket/{key}") == request.path);
            return file.map_or_else(
                || Reply::status(404),
                |(_, body)| {
                    Reply::ok(body.as_str())
                        .with("ETag", "\"x\"")
                        .with("Last-Modified", "Thu, 12 Mar 2026 11:00:00 GMT")
                },
            );
        }
        assert!(request.path.starts_with("/bucket?"), "{}", request.path);
        assert_eq!(request.query("prefix").as_deref(), Some("images/"));
        let start: usize = request
            .query("continuation-token")
            .map_or(0, |token| token.parse().unwrap());
        let end = objects.len().min(start + 2);
        let mut text = "<?xml version=\"1.0\"?><ListBucketResult><Name>bucket</Name>".to_owned();
        if end < objects.len() {
            text += &format!(
                "<IsTruncated>true</IsTruncated><NextContinuationToken>{end}</NextContinuationToken>"
            );
        }
        for (key, body) in &objects[start..end] {
            text += &format!(
                "<Contents><Key>{key}</Key><LastModified>2026-03-12T11:00:00.000Z</LastModified><ETag>x</ETag>\
                 <Size>{}</Size></Contents>",
                body.len()
            );
        }
        Reply::ok(text + "</ListBucketResult>").with("Content-Type", "application/xml")
    })
}

#[tokio::test]
async fn a_store_that_can_be_listed_is_listed() {
    let pattern = "https://s3.example/bucket/images/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2";
    let request = store_request(
        pattern,
        StoreRequest {
            listing: StoreListing::S3,
            ..minors(&[34])
        },
    );
    for is_private in [false, true] {
        let (server, store) = (s3(is_private), world());
        let mut mirrors = store.mirrors();
        mirrors.push(format!("https://s3.example/={}/", server.url()));
        let mut settings = settings(&mirrors);
        settings.s3_credentials = is_private.then(|| S3Credentials {
            access_key_id: "key".to_owned(),
            secret_access_key: Secret::new("s3cret").unwrap(),
            session_token: None,
            region: "eu-1".to_owned(),
        });
        let catalog = look(settings.clone(), &request).await;
        assert_eq!(unreachable(&catalog), Vec::<String>::new());
        assert_eq!(
            images(&catalog),
            ["v1.34.0 ubuntu-2404", "v1.34.1 ubuntu-2404"]
        );
        assert_eq!(faulty(&catalog).len(), 1, "{:?}", faulty(&catalog));
        let image = &catalog.image_stores[0].images[0];
        assert_eq!(
            (image.size, image.built.unwrap().to_string().as_str()),
            (Some(5), DAY)
        );
        // The keys do not fit the store.
        settings.s3_credentials = match settings.s3_credentials {
            Some(_) => None,
            None => continue,
        };
        let reason =
            "the store does not allow listing; set keys for it, or use it without listing [1.34]";
        assert_eq!(unreachable(&look(settings, &request).await), [reason]);
    }
}

#[tokio::test]
async fn a_listing_that_gives_no_answer_is_unreachable() {
    let request = |base: &str| {
        let pattern = format!("{base}{{os}}-kube-v{{version}}.qcow2");
        let listed = StoreRequest {
            listing: StoreListing::S3,
            ..minors(&[34])
        };
        store_request(&pattern, listed)
    };
    let store = world();
    let settings = settings(&store.mirrors());
    let catalog = look(
        settings.clone(),
        &request(&format!("{}/bucket/", refusing_url())),
    )
    .await;
    assert_eq!(unreachable(&catalog), ["connection refused [1.34]"]);
    let catalog = look(settings.clone(), &request("https://s3.example/")).await;
    assert!(unreachable(&catalog)[0].starts_with("listing needs the bucket's name"));
    let pages = Server::start(|_| Reply::page(200));
    let catalog = look(settings, &request(&format!("{}/bucket/", pages.url()))).await;
    assert_eq!(
        unreachable(&catalog),
        ["the answer is not a listing [1.34]"]
    );
}

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

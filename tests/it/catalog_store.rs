//! A whole world on loopback: what `io::catalog::fetch` makes of it, cold, warm and offline.

use std::time::Duration;

use crate::support::server::Reply;
use crate::support::store::{CHARTS, IMAGES, PATTERN, StoreServer};
use csctl_matrix::catalog::{
    Catalog, CatalogRequest, ChartRequest, ImagePattern, StoreRequest, VulnerabilityRequest,
};
use csctl_matrix::io::catalog::{fetch, read_file, write_file};
use csctl_matrix::io::http::{HttpClient, HttpSettings, Mirrors};
use csctl_matrix::version::Minor;

fn sum(text: &str) -> String {
    text.repeat(64).split_at(64).0.to_owned()
}

/// Four minors, as OSISM's store looks: a switch of the operating system within 1.33, a gap, an image beyond its pointer.
fn osism() -> StoreServer {
    let store = StoreServer::start();
    for (minor, patches, os) in [
        ("1.32", 0..=8, "ubuntu-2204"),
        ("1.34", 0..=4, "ubuntu-2404"),
        ("1.35", 0..=1, "ubuntu-2404"),
    ] {
        for patch in patches.filter(|patch| (minor, *patch) != ("1.34", 2)) {
            store.image(os, &format!("{minor}.{patch}"), &sum("a1"), "2026-03-12");
        }
    }
    for patch in 0..=7 {
        let os = if patch <= 3 {
            "ubuntu-2204"
        } else {
            "ubuntu-2404"
        };
        store.image(os, &format!("1.33.{patch}"), &sum("b2"), "2026-03-01");
    }
    store
        .pointer("2026-03-12", "ubuntu-2204", "1.32.8")
        .pointer("2026-03-01", "ubuntu-2404", "1.33.7")
        .pointer("2026-03-12", "ubuntu-2404", "1.34.3")
        .pointer("2026-03-12", "ubuntu-2404", "1.35.1")
        .chart(
            CHARTS,
            "openstack-cinder-csi",
            &["2.34.10", "2.34.9", "2.35.0-alpha.1", "1.10", "v2.33.1"],
        )
        .release("v1.31.0", "2024-08-13")
        .release("v1.34.0-rc.1", "2025-08-01")
        .release("v1.34.0", "2025-08-27")
        .draft_release("v1.36.0", "2026-03-20")
        .end_of_life("1.30", "2025-07-15")
        .end_of_life("1.37", "2027-10-28")
        .vulnerability("CVE-2026-0001", 8.8, &[("v1.33.0", "v1.33.4")])
        .vulnerability("CVE-2026-0002", 6.5, &[("0", "v1.34.1")]);
    store
}

fn request() -> CatalogRequest {
    let pattern: ImagePattern = PATTERN.parse().unwrap();
    let store = StoreRequest {
        minors: [32, 33, 34, 35].map(|minor| Minor::new(1, minor)).into(),
        listed: ["v1.33.4".parse().unwrap(), "v1.34.1".parse().unwrap()].into(),
        os_releases: ["ubuntu-2404".parse().unwrap()].into(),
        ..StoreRequest::default()
    };
    let names = ["openstack-cinder-csi", "no-such-chart"]
        .map(str::to_owned)
        .into();
    CatalogRequest {
        stores: [(pattern, store)].into(),
        charts: [(CHARTS.to_owned(), ChartRequest { names })].into(),
        vulnerabilities: Some(VulnerabilityRequest::default()),
        ..CatalogRequest::default()
    }
}

fn settings(store: &StoreServer) -> HttpSettings {
    HttpSettings {
        mirrors: store
            .mirrors()
            .iter()
            .map(|mirror| mirror.parse().unwrap())
            .collect(),
        retry_pause: Duration::from_millis(5),
        system_proxy: false,
        ..HttpSettings::default()
    }
}

async fn catalog_of(settings: HttpSettings) -> (Catalog, HttpClient) {
    let client = HttpClient::new(settings);
    let catalog = fetch(&request(), &client, "2026-04-01".parse().unwrap()).await;
    (catalog, client)
}

fn images(catalog: &Catalog) -> Vec<String> {
    let images = catalog.image_stores[0].images.iter();
    images
        .map(|image| format!("{} {}", image.version, image.os.as_ref().unwrap()))
        .collect()
}

#[tokio::test]
async fn finds_what_the_store_has() {
    let store = osism();
    let (catalog, _) = catalog_of(settings(&store)).await;
    assert_eq!(catalog.unreachable, []);
    let found = images(&catalog);
    assert_eq!(found.len(), 9 + 8 + 4 + 2);
    assert_eq!(
        found[9 + 3..9 + 5],
        ["v1.33.3 ubuntu-2204", "v1.33.4 ubuntu-2404"]
    );
    assert!(
        found.contains(&"v1.34.4 ubuntu-2404".to_owned()),
        "beyond the pointer"
    );
    assert!(!found.contains(&"v1.34.2 ubuntu-2404".to_owned()), "a gap");
    assert_eq!(catalog.image_stores[0].faulty, []);
    let image = &catalog.image_stores[0].images[0];
    assert_eq!(
        image.url,
        format!("{IMAGES}ubuntu-2204-kube-v1.32/ubuntu-2204-kube-v1.32.0.qcow2")
    );
    assert_eq!(image.sha256.as_ref().unwrap().hex(), sum("a1"));
    assert_eq!(image.built.unwrap().to_string(), "2026-03-12");
    let charts = catalog.find_chart(CHARTS, "openstack-cinder-csi").unwrap();
    let charts: Vec<String> = charts.iter().map(ToString::to_string).collect();
    assert_eq!(charts, ["v2.33.1", "2.34.9", "2.34.10", "2.35.0-alpha.1"]);
    assert_eq!(catalog.find_chart(CHARTS, "no-such-chart"), Some(&[][..]));
    let releases: Vec<String> = catalog
        .kubernetes
        .iter()
        .map(|release| release.version.to_string())
        .collect();
    assert_eq!(releases, ["v1.31.0", "v1.34.0"]);
    assert_eq!(
        catalog.end_of_life[&Minor::new(1, 30)].to_string(),
        "2025-07-15"
    );
    assert_eq!(
        catalog.end_of_life[&Minor::new(1, 37)].to_string(),
        "2027-10-28"
    );
    assert!(
        catalog.end_of_life.contains_key(&Minor::new(1, 25)),
        "the project's table stays"
    );
}

#[tokio::test]
async fn a_warm_run_transfers_no_bodies_and_finds_the_same() {
    let store = osism();
    let folder = tempfile::tempdir().unwrap();
    let cached = HttpSettings {
        cache_dir: Some(folder.path().to_owned()),
        ..settings(&store)
    };
    let (cold, cold_client) = catalog_of(cached.clone()).await;
    store.clear_log();
    let (warm, warm_client) = catalog_of(cached.clone()).await;
    assert_eq!(cold, warm);
    assert_eq!(
        (warm_client.stats().bodies, warm_client.stats().bytes),
        (0, 0)
    );
    assert_eq!(
        store
            .log()
            .iter()
            .map(|line| line.body_bytes)
            .sum::<usize>(),
        0
    );
    assert!(cold_client.stats().bodies > 20 && cold_client.stats().rounds <= 3);
    store.clear_log();
    let offline = HttpSettings {
        offline: true,
        mirrors: Mirrors::default(),
        ..cached
    };
    let (same, client) = catalog_of(offline).await;
    assert_eq!(
        (same, client.stats().requests, store.log().len()),
        (cold, 0, 0)
    );
}

#[tokio::test]
async fn a_cold_plan_takes_three_rounds() {
    let store = osism();
    for start in [
        "https://nbg1.your-objectstorage.com/",
        "https://kubernetes.github.io/",
    ] {
        store.fault(start, Reply::status(404));
    }
    let (catalog, _) = catalog_of(settings(&store)).await;
    assert_eq!(catalog.image_stores[0].images, []);
    store.heal();
    let (catalog, client) = catalog_of(HttpSettings {
        first_concurrent: 1000,
        max_concurrent: 1000,
        max_connections: 1000,
        ..settings(&store)
    })
    .await;
    assert_eq!(images(&catalog).len(), 23);
    assert_eq!(client.stats().rounds, 3);
}

#[tokio::test]
async fn a_catalog_file_reads_back_as_it_was() {
    let store = osism();
    store.fault("https://kubernetes.github.io/", Reply::status(500));
    let (catalog, _) = catalog_of(settings(&store)).await;
    assert_eq!(catalog.unreachable.len(), 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.yaml");
    write_file(&path, &catalog).unwrap();
    assert_eq!(read_file(&path).unwrap(), catalog);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# What was offered on one day"), "{text}");
    std::fs::write(&path, text.replace("built:", "bilt:")).unwrap();
    let error = read_file(&path).unwrap_err().to_string();
    assert!(
        error.contains("catalog.yaml:") && error.contains("bilt"),
        "{error}"
    );
    std::fs::write(&path, text.replace("schema: 1", "schema: 2\nnew: field")).unwrap();
    let error = read_file(&path).unwrap_err().to_string();
    assert!(
        error.contains("has schema 2") && error.contains("write the file again"),
        "{error}"
    );
}

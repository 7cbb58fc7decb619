//! How many requests sources get, and which: only for what can exist, each once, and what was not there is not asked for again. What
//! is listed is asked for in every run.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::bad_world;
use crate::support::program::Copy;
use crate::support::server::{Logged, Reply};
use crate::support::store::{CHARTS, IMAGES, PATTERN, StoreServer, image_url};
use csctl_matrix::catalog::{
    Catalog, CatalogRequest, ChartRequest, ImagePattern, StoreRequest, VulnerabilityRequest,
};
use csctl_matrix::io::catalog::fetch;
use csctl_matrix::io::http::{HttpClient, HttpSettings, HttpStats};
use csctl_matrix::version::{KubernetesVersion, Minor};

const DAY: &str = "2026-03-12";

/// Four minors with thirty images: a system that changes within 1.33, a gap in 1.34, and a release that has no image yet.
fn world() -> StoreServer {
    let store = StoreServer::start();
    let sum = "a1".repeat(32);
    store.chart(CHARTS, "openstack-cinder-csi", &["2.34.0"]);
    store.end_of_life("1.30", "2025-07-15");
    store.release("v1.31.0", "2024-08-13");
    for (minor, patches) in [("1.32", 9), ("1.33", 7), ("1.34", 8), ("1.35", 3)] {
        for patch in 0..=patches {
            let is_early = minor == "1.32" || (minor == "1.33" && patch < 4);
            let os = if is_early {
                "ubuntu-2204"
            } else {
                "ubuntu-2404"
            };
            store.release(&format!("v{minor}.{patch}"), DAY);
            if (minor, patch) != ("1.34", 2) {
                store.image(os, &format!("{minor}.{patch}"), &sum, DAY);
            }
        }
    }
    store
        .release("v1.33.8", DAY)
        .pointer(DAY, "ubuntu-2204", "1.32.9")
        .pointer(DAY, "ubuntu-2404", "1.33.7")
        .pointer(DAY, "ubuntu-2404", "1.34.8")
        .pointer(DAY, "ubuntu-2404", "1.35.3");
    store
}

fn version(text: &str) -> KubernetesVersion {
    text.parse().unwrap()
}

/// Asks for 1.32 to 1.34 with some of their images listed, for 1.35 that may come, and for 1.36 that nobody has released.
fn request() -> CatalogRequest {
    let pattern: ImagePattern = PATTERN.parse().unwrap();
    let mut store = StoreRequest {
        minors: (32..=36).map(|minor| Minor::new(1, minor)).collect(),
        upcoming: [35, 36].map(|minor| Minor::new(1, minor)).into(),
        ..StoreRequest::default()
    };
    let listed = [("1.33", 4..=7), ("1.34", 3..=8)];
    for (minor, patches) in listed {
        for patch in patches {
            let listed = version(&format!("v{minor}.{patch}"));
            let os = "ubuntu-2404".parse().unwrap();
            store.listed.insert(listed);
            store.listed_os.insert(listed, [os].into());
        }
    }
    store.os_releases = ["ubuntu-2404".parse().unwrap()].into();
    let names = ["openstack-cinder-csi".to_owned()].into();
    CatalogRequest {
        stores: [(pattern, store)].into(),
        charts: [(CHARTS.to_owned(), ChartRequest { names })].into(),
        vulnerabilities: Some(VulnerabilityRequest::default()),
        ..CatalogRequest::default()
    }
}

fn settings(store: &StoreServer, cache: &Path) -> HttpSettings {
    HttpSettings {
        cache_dir: Some(cache.to_owned()),
        mirrors: store
            .mirrors()
            .iter()
            .map(|mirror| mirror.parse().unwrap())
            .collect(),
        retry_pause: Duration::from_millis(2),
        system_proxy: false,
        ..HttpSettings::default()
    }
}

struct Seen {
    catalog: Catalog,
    stats: HttpStats,
    log: Vec<Logged>,
}

impl Seen {
    fn images(&self) -> BTreeSet<String> {
        let images = self.catalog.image_stores[0].images.iter();
        images
            .map(|image| format!("{} {}", image.version, image.os.as_ref().unwrap()))
            .collect()
    }

    /// The versions that the store was asked for.
    fn versions(&self) -> BTreeSet<KubernetesVersion> {
        let files = self.log.iter().filter_map(|line| {
            let (_, rest) = line.path.split_once("-kube-v")?;
            let (_, rest) = rest.split_once("-kube-")?;
            Some(version(rest.split_once(".qcow2")?.0))
        });
        files.collect()
    }

    /// How often an image itself was asked for, on all systems.
    fn looks(&self, version: &str) -> usize {
        let end = format!("-kube-v{version}.qcow2");
        let log = self.log.iter();
        log.filter(|line| line.path.ends_with(&end)).count()
    }
}

async fn look(store: &StoreServer, settings: HttpSettings) -> Seen {
    store.clear_log();
    let client = HttpClient::new(settings);
    let catalog = fetch(&request(), &client, "2026-04-01".parse().unwrap()).await;
    assert_eq!(catalog.unreachable, []);
    Seen {
        catalog,
        stats: client.stats(),
        log: store.log(),
    }
}

#[tokio::test]
async fn four_minors_with_thirty_images_take_few_requests() {
    let (store, folder) = (world(), tempfile::tempdir().unwrap());
    let cold = look(&store, settings(&store, folder.path())).await;
    assert_eq!(cold.images().len(), 30);
    assert!(cold.stats.requests <= 100, "{:?}", cold.stats);
    assert!(cold.stats.rounds <= 3, "{:?}", cold.stats);
    let warm = look(&store, settings(&store, folder.path())).await;
    assert_eq!(warm.catalog, cold.catalog);
    assert!(warm.stats.requests <= 70, "{:?}", warm.stats);
    assert_eq!(warm.stats.bodies, 0);
    // Nothing is new, so that all of it was asked for with the pointers.
    assert_eq!(warm.stats.rounds, 1, "{:?}", warm.stats);
    for seen in [cold, warm] {
        let urls: BTreeSet<_> = seen
            .log
            .iter()
            .map(|line| (&line.method, &line.path))
            .collect();
        assert_eq!(urls.len(), seen.log.len(), "nothing is asked twice");
    }
}

/// The release after the pointer's may be there already; nothing after it can be, and what was not released neither.
#[tokio::test]
async fn nothing_is_asked_for_that_cannot_exist() {
    let (store, folder) = (world(), tempfile::tempdir().unwrap());
    let seen = look(&store, settings(&store, folder.path())).await;
    let known = seen.catalog.kubernetes.iter();
    let released: BTreeSet<_> = known.map(|release| release.version).collect();
    let asked = seen.versions();
    assert!(
        asked.is_subset(&released),
        "{:?}",
        asked.difference(&released)
    );
    assert_eq!((seen.looks("1.33.8"), seen.looks("1.35.4")), (1, 0));
    let of_next = seen.log.iter().filter(|line| line.path.contains("1.36"));
    let of_next: Vec<_> = of_next.map(|line| &line.path).collect();
    assert_eq!(of_next.len(), 1, "its pointer alone: {of_next:?}");
}

#[tokio::test]
async fn releases_without_an_answer_hide_nothing() {
    let (store, folder) = (world(), tempfile::tempdir().unwrap());
    let whole = look(&store, settings(&store, folder.path())).await;
    let others = tempfile::tempdir().unwrap();
    store.fault("https://api.github.com/", Reply::status(500));
    let client = HttpClient::new(settings(&store, others.path()));
    let catalog = fetch(&request(), &client, "2026-04-01".parse().unwrap()).await;
    assert_eq!(catalog.unreachable.len(), 1);
    assert_eq!(catalog.image_stores, whole.catalog.image_stores);
    // A list that ends before the store's own pointers is not believed either.
    let (late, late_folder) = (StoreServer::start(), tempfile::tempdir().unwrap());
    late.release("v1.34.0", DAY).end_of_life("1.30", DAY);
    for patch in 0..=3 {
        late.image(
            "ubuntu-2404",
            &format!("1.34.{patch}"),
            &"a1".repeat(32),
            DAY,
        );
    }
    late.pointer(DAY, "ubuntu-2404", "1.34.2");
    late.chart(CHARTS, "openstack-cinder-csi", &["2.34.0"]);
    let seen = look(&late, settings(&late, late_folder.path())).await;
    assert_eq!(seen.images().len(), 4);
}

#[tokio::test]
async fn what_was_not_there_is_asked_for_when_the_pointer_moves_or_somebody_wants_it() {
    let (store, folder) = (world(), tempfile::tempdir().unwrap());
    let usual = settings(&store, folder.path());
    assert_eq!(look(&store, usual.clone()).await.looks("1.34.2"), 2);
    let warm = look(&store, usual.clone()).await;
    assert_eq!((warm.looks("1.34.2"), warm.looks("1.33.0")), (0, 1));
    // Below a pointer that stays, it is seen by whoever asks.
    store.image("ubuntu-2404", "1.34.2", &"a1".repeat(32), DAY);
    assert_eq!(look(&store, usual.clone()).await.images().len(), 30);
    let refreshed = HttpSettings {
        absence_age: Duration::ZERO,
        ..usual.clone()
    };
    assert_eq!(look(&store, refreshed).await.images().len(), 31);
    store.remove_image("ubuntu-2404", "1.34.2");
    assert_eq!(look(&store, usual.clone()).await.looks("1.34.2"), 2);
    assert_eq!(look(&store, usual.clone()).await.looks("1.34.2"), 0);
    // The same text that was written again is a pointer that has moved.
    store.pointer("2026-03-20", "ubuntu-2404", "1.34.8");
    assert_eq!(look(&store, usual.clone()).await.looks("1.34.2"), 2);
    // Offline the answers themselves are there.
    let offline = HttpSettings {
        offline: true,
        ..usual
    };
    store.clear_log();
    assert_eq!(look(&store, offline).await.images().len(), 30);
}

#[tokio::test]
async fn a_listed_image_is_asked_for_twice_before_it_is_gone() {
    let (store, folder) = (world(), tempfile::tempdir().unwrap());
    look(&store, settings(&store, folder.path())).await;
    store.remove(&image_url("1.34.5"));
    for _ in 0..2 {
        let seen = look(&store, settings(&store, folder.path())).await;
        assert_eq!(seen.images().len(), 29);
        let end = "/ubuntu-2404-kube-v1.34.5.qcow2";
        let asked = seen.log.iter().filter(|line| line.path.ends_with(end));
        let caching: Vec<_> = asked
            .map(|line| {
                let mut headers = line.headers.iter();
                headers.any(|(name, value)| name == "cache-control" && value == "no-cache")
            })
            .collect();
        assert_eq!(caching, [false, true]);
        assert!(seen.stats.rounds <= 3, "{:?}", seen.stats);
    }
}

/// A listed image of an earlier system is found on the pointer's system too, once the store has rebuilt it.
#[tokio::test]
async fn a_rebuilt_image_is_found_beside_the_listed_one() {
    let (store, folder) = (world(), tempfile::tempdir().unwrap());
    store.image("ubuntu-2404", "1.33.2", &"b2".repeat(32), DAY);
    let seen = look(&store, settings(&store, folder.path())).await;
    assert!(seen.images().contains("v1.33.2 ubuntu-2404"));
    store.image("ubuntu-2204", "1.33.6", &"b2".repeat(32), DAY);
    let of_listed = seen.images().into_iter();
    let of_listed = of_listed.filter(|name| name.contains("v1.33.6"));
    assert_eq!(of_listed.count(), 1);
    let mut request = request();
    for store in request.stores.values_mut() {
        store.wanted_os.insert("ubuntu-2204".parse().unwrap());
    }
    let client = HttpClient::new(settings(&store, folder.path()));
    let catalog = fetch(&request, &client, "2026-04-01".parse().unwrap()).await;
    let named = catalog.image_stores[0].images.iter();
    let named = named
        .filter(|image| image.version == version("v1.33.6"))
        .count();
    assert_eq!(
        named, 2,
        "a system that the configuration names is looked for everywhere"
    );
}

/// Stores that send a page in the place of what is missing have images of other systems all the same.
#[tokio::test]
async fn a_page_in_the_place_of_an_image_says_no_more_than_that_it_is_missing() {
    let (store, folder) = (world(), tempfile::tempdir().unwrap());
    let whole = look(&store, settings(&store, folder.path())).await.images();
    for patch in 0..4 {
        let url = image_url(&format!("1.33.{patch}"));
        store.fault(&url, Reply::page(200));
    }
    let other = tempfile::tempdir().unwrap();
    let found = look(&store, settings(&store, other.path())).await.images();
    assert_eq!(found, whole);
}

/// What an earlier run has looked at is asked for ahead of the pointers, and decides nothing: with a cache or without, the same is found.
#[tokio::test]
async fn what_is_found_does_not_depend_on_what_was_kept() {
    let (store, folder) = (world(), tempfile::tempdir().unwrap());
    let mut wide = request();
    for of_store in wide.stores.values_mut() {
        of_store.wanted_os.insert("ubuntu-2204".parse().unwrap());
    }
    store.image("ubuntu-2204", "1.34.6", &"b2".repeat(32), DAY);
    let today = "2026-04-01".parse().unwrap();
    let client = HttpClient::new(settings(&store, folder.path()));
    let found = fetch(&wide, &client, today).await.image_stores.remove(0);
    assert_eq!(found.images.len(), 31);
    // Another repository that shares the cache names no such system, and one image has gone in the meantime.
    store.remove_image("ubuntu-2404", "1.35.1");
    let warm = look(&store, settings(&store, folder.path())).await;
    let other = tempfile::tempdir().unwrap();
    let cold = look(&store, settings(&store, other.path())).await;
    assert_eq!(warm.catalog, cold.catalog);
    assert_eq!(warm.images().len(), 29);
}

/// One mirror has what another one lacks.
#[tokio::test]
async fn what_one_mirror_does_not_have_is_asked_of_another() {
    let (store, folder) = (world(), tempfile::tempdir().unwrap());
    let usual = settings(&store, folder.path());
    look(&store, usual.clone()).await;
    assert_eq!(look(&store, usual.clone()).await.looks("1.34.2"), 0);
    let mut others = usual;
    let mirror = "https://elsewhere.example.org/=http://127.0.0.1:1/";
    others.mirrors.asked.push(mirror.parse().unwrap());
    assert_eq!(look(&store, others).await.looks("1.34.2"), 2);
}

/// Another minor of the store has moved to a later system: the earlier ones of this one are looked for all the same.
#[tokio::test]
async fn a_later_system_of_another_minor_hides_no_earlier_one() {
    let (store, folder) = (world(), tempfile::tempdir().unwrap());
    store
        .image("ubuntu-2604", "1.35.3", &"c3".repeat(32), DAY)
        .pointer(DAY, "ubuntu-2604", "1.35.3");
    let mut request = request();
    for of_store in request.stores.values_mut() {
        of_store.minors = [Minor::new(1, 33), Minor::new(1, 35)].into();
        of_store.listed_os.clear();
        of_store.listed.clear();
    }
    let client = HttpClient::new(settings(&store, folder.path()));
    let catalog = fetch(&request, &client, "2026-04-01".parse().unwrap()).await;
    let images = catalog.image_stores[0].images.iter();
    let early = images.filter(|image| image.version == version("v1.33.3"));
    assert_eq!(early.count(), 1);
}

/// Plans with a cache beside the repository; returns what was said, and how many requests that took.
fn plan_of(copy: &Copy, world: &StoreServer, more: &[&str]) -> (String, usize) {
    world.clear_log();
    let cache = copy.root().join("../cache").display().to_string();
    let mirrors = world.mirror_arguments();
    let mut words = vec!["plan", "--as-of", "2026-06-15", "--cache-dir", &cache];
    words.extend(more);
    words.extend(mirrors.iter().map(String::as_str));
    let said = copy.run(&words).success();
    (said, world.log().len())
}

#[test]
fn a_plan_of_a_repository_takes_few_requests() {
    let (copy, world) = (bad_world::repository(), bad_world::world());
    world.pointer("2026-04-01", "ubuntu-2204", "1.32.13");
    let (cold, cold_requests) = plan_of(&copy, &world, &[]);
    assert!(cold_requests <= 100, "{cold_requests}");
    let (warm, warm_requests) = plan_of(&copy, &world, &[]);
    assert_eq!(cold, warm);
    assert!(warm_requests <= 70, "{warm_requests}");
    let log = world.log();
    let images = log
        .iter()
        .filter(|line| line.method == "HEAD" && line.path.contains(&IMAGES[8..]));
    let asked: Vec<&str> = images.map(|line| line.path.as_str()).collect();
    for version in [
        "1.33.4", "1.33.5", "1.33.7", "1.33.8", "1.34.1", "1.34.3", "1.34.5", "1.34.6",
    ] {
        let end = format!("-kube-v{version}.qcow2");
        assert!(asked.iter().any(|path| path.ends_with(&end)), "{version}");
    }
    let (_, refreshed_requests) = plan_of(&copy, &world, &["--refresh"]);
    assert!(refreshed_requests > warm_requests);
}

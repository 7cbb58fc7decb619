//! Each source of the catalog against servers that lie, break off or say nothing: what is not proved is not there, and what
//! gives no answer is unreachable, never absent.

mod charts;
mod images;
mod listings;
mod registries;
mod upstream;

use std::time::Duration;

use crate::support::store::{PATTERN, StoreServer};
use csctl_matrix::catalog::{Catalog, CatalogRequest, ImagePattern, StoreRequest};
use csctl_matrix::io::catalog::fetch;
use csctl_matrix::io::http::{HttpClient, HttpSettings};
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

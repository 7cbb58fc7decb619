//! Downloads archives of charts. Each is compared with the digest that its repository names: the index of a Helm repository, or the
//! manifest in an OCI registry. It stores nothing; what comes of an archive is decided elsewhere.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::helm::{BODY_LIMIT, cut_charts};
use super::http::{Ask, HttpClient};
use super::no_answer::NoAnswer;
use super::registry::{self, ObjectAsk};
use crate::release::{ChartArchive, ChartWish};
use crate::version::{ChartVersion, Sha256};

/// Helm itself takes no archive beyond it.
const ARCHIVE_LIMIT: usize = 20 << 20;
const MANIFEST_LIMIT: usize = 1 << 20;

/// The media types that Helm gives to a manifest and to the archive in it.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const ARCHIVE: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    entries: BTreeMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    version: String,
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    digest: String,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
}

/// Downloads the archive of a chart: the newest version that may be taken.
pub(crate) async fn fetch(client: &HttpClient, wish: &ChartWish) -> Result<ChartArchive, NoAnswer> {
    match wish.repository.strip_prefix("oci://") {
        Some(repository) => fetch_from_registry(client, repository, wish).await,
        None => fetch_from_repository(client, wish).await,
    }
}

async fn fetch_from_repository(
    client: &HttpClient,
    wish: &ChartWish,
) -> Result<ChartArchive, NoAnswer> {
    let base = wish.repository.trim_end_matches('/');
    let index_url = format!("{base}/index.yaml");
    let answer = client.ask(Ask::get(&index_url, BODY_LIMIT)).await?;
    if answer.status != 200 {
        return Err(NoAnswer::of_status(&index_url, answer.status));
    }
    let entry =
        read_index(&answer.body, wish).map_err(|reason| NoAnswer::new(&index_url, reason))?;
    let digest: Sha256 = entry.digest.parse().map_err(|_| {
        let reason = format!(
            "names no digest of {} {}, so that nothing proves the archive",
            wish.name, entry.version
        );
        NoAnswer::new(&index_url, reason)
    })?;
    let Some(written) = entry.urls.first() else {
        let reason = format!("names no URL of {} {}", wish.name, entry.version);
        return Err(NoAnswer::new(&index_url, reason));
    };
    let url = absolute(base, written)
        .ok_or_else(|| NoAnswer::new(&index_url, format!("names `{written}`, which is no URL")))?;
    let answer = client.ask(Ask::get(&url, ARCHIVE_LIMIT)).await?;
    if answer.status != 200 {
        return Err(NoAnswer::of_status(&url, answer.status));
    }
    let content = proved(&url, answer.body.to_vec(), &digest)?;
    Ok(ChartArchive {
        version: entry.version,
        content,
    })
}

/// Finds the newest version in an index that may be taken.
fn read_index(body: &[u8], wish: &ChartWish) -> Result<Entry, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let names = [wish.name.clone()].into();
    let part = cut_charts(text, &names).and_then(|part| serde_yaml::from_str(&part).ok());
    let mut index: Index = match part {
        Some(index) => index,
        None => serde_yaml::from_str(text).map_err(|error| format!("is no index: {error}"))?,
    };
    let entries = index.entries.remove(&wish.name).unwrap_or_default();
    let versions: Vec<Option<ChartVersion>> = entries
        .iter()
        .map(|entry| entry.version.parse().ok())
        .collect();
    let newest = newest_of(wish, versions.iter().flatten());
    let place = newest.and_then(|newest| {
        versions
            .iter()
            .position(|version| version.as_ref() == Some(newest))
    });
    let mut entries = entries.into_iter();
    place
        .and_then(|place| entries.nth(place))
        .ok_or_else(|| unknown(wish))
}

/// Returns the newest version that may be taken. A pre-release is taken where the requirement names one.
fn newest_of<'v>(
    wish: &ChartWish,
    versions: impl Iterator<Item = &'v ChartVersion>,
) -> Option<&'v ChartVersion> {
    ChartVersion::newest(versions.filter(|version| wish.takes(version)))
}

fn unknown(wish: &ChartWish) -> String {
    let asked = wish.locked.as_deref().unwrap_or(&wish.asked);
    format!("has no {} {asked}", wish.name)
}

/// Returns a URL of an index, which may be relative to it.
fn absolute(base: &str, written: &str) -> Option<String> {
    let base = url::Url::parse(&format!("{base}/")).ok()?;
    let url = base.join(written).ok()?;
    ["http", "https"]
        .contains(&url.scheme())
        .then(|| url.into())
}

async fn fetch_from_registry(
    client: &HttpClient,
    base: &str,
    wish: &ChartWish,
) -> Result<ChartArchive, NoAnswer> {
    let repository = format!("{}/{}", base.trim_end_matches('/'), wish.name);
    let source = format!("oci://{repository}");
    let tags = registry::fetch_tags(client, &repository)
        .await?
        .unwrap_or_default();
    if let Some(fault) = tags.fault {
        return Err(fault);
    }
    // A tag of OCI may hold no `+`, so Helm writes `_` in place of it.
    let versions: Vec<ChartVersion> = tags
        .found
        .iter()
        .filter_map(|tag| tag.replace('_', "+").parse().ok())
        .collect();
    let newest =
        newest_of(wish, versions.iter()).ok_or_else(|| NoAnswer::new(&source, unknown(wish)))?;
    let version = newest.to_string();
    let manifest = ObjectAsk {
        repository: &repository,
        place: &format!("manifests/{}", version.replace('+', "_")),
        accept: MANIFEST,
        limit: MANIFEST_LIMIT,
    };
    let answer = registry::fetch_object(client, &manifest).await?;
    let read: Manifest = serde_json::from_slice(&answer.body)
        .map_err(|_| NoAnswer::new(&answer.url, "the answer is no manifest"))?;
    let mut layers = read.layers.into_iter();
    let layer = layers.find(|layer| layer.media_type == ARCHIVE);
    let digest: Option<Sha256> = layer.as_ref().and_then(|layer| layer.digest.parse().ok());
    let Some(digest) = digest else {
        return Err(NoAnswer::new(
            &answer.url,
            "the manifest has no archive of a chart",
        ));
    };
    let blob = ObjectAsk {
        place: &format!("blobs/sha256:{}", digest.hex()),
        accept: "*/*",
        limit: ARCHIVE_LIMIT,
        ..manifest
    };
    let answer = registry::fetch_object(client, &blob).await?;
    let content = proved(&answer.url, answer.body.to_vec(), &digest)?;
    Ok(ChartArchive { version, content })
}

/// Compares an archive with its digest.
fn proved(url: &str, content: Vec<u8>, digest: &Sha256) -> Result<Vec<u8>, NoAnswer> {
    let found = Sha256::of(&content);
    if found == *digest {
        return Ok(content);
    }
    let reason = format!("has the digest {found}, and its repository names {digest}");
    Err(NoAnswer::new(url, reason))
}

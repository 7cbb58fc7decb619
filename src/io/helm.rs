//! Helm repositories: which versions of a chart exist, by `index.yaml` or by the tags of an OCI registry. It downloads no chart.

use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::join_all;
use serde::Deserialize;
use serde::de::{IgnoredAny, Visitor};

use super::fault::{Fault, find_page};
use super::http::{Ask, HttpClient};
use super::registry;
use crate::catalog::{ChartRepository, ChartRequest};
use crate::version::ChartVersion;

/// Indexes of repositories with many charts reach ten megabytes.
const BODY_LIMIT: usize = 64 << 20;

/// The part of an index that is read.
#[derive(Deserialize)]
struct Index {
    entries: BTreeMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    version: Text,
}

/// A text as it is spelled; anything else is no version.
#[derive(Default)]
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Some(text.to_owned())))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut items: A,
            ) -> Result<Text, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut items: A,
            ) -> Result<Text, A::Error> {
                while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// Looks up the versions of the charts of the request.
pub(crate) async fn look(
    client: &HttpClient,
    url: &str,
    request: &ChartRequest,
) -> Result<ChartRepository, Fault> {
    let charts = match url.strip_prefix("oci://") {
        Some(repository) => fetch_tags(client, repository, request).await?,
        None => fetch_index(client, url, request).await?,
    };
    Ok(ChartRepository {
        url: url.to_owned(),
        charts,
    })
}

async fn fetch_index(
    client: &HttpClient,
    repository: &str,
    request: &ChartRequest,
) -> Result<BTreeMap<String, Vec<ChartVersion>>, Fault> {
    let url = format!("{}/index.yaml", repository.trim_end_matches('/'));
    let answer = client.ask(Ask::get(&url, BODY_LIMIT)).await?;
    if answer.status != 200 {
        return Err(Fault::of_status(&url, answer.status));
    }
    if let Some(page) = find_page(&answer) {
        return Err(Fault::new(
            &url,
            format!("is {page}, not the index of a Helm repository"),
        ));
    }
    let mut index: Index = serde_yaml::from_slice(&answer.body).map_err(|error| {
        Fault::new(
            &url,
            format!("is not the index of a Helm repository: {error}"),
        )
    })?;
    let names = request.names.iter();
    Ok(names
        .map(|name| {
            let entries = index.entries.remove(name).unwrap_or_default();
            let texts = entries.into_iter().filter_map(|entry| entry.version.0);
            (name.clone(), read_versions(texts))
        })
        .collect())
}

/// Looks up each chart's tags; a tag spells the `+` of a version as `_`.
async fn fetch_tags(
    client: &HttpClient,
    repository: &str,
    request: &ChartRequest,
) -> Result<BTreeMap<String, Vec<ChartVersion>>, Fault> {
    let repository = repository.trim_end_matches('/');
    let lookups = request.names.iter().map(|name| async move {
        let tags = registry::fetch_tags(client, &format!("{repository}/{name}")).await?;
        let texts = tags
            .unwrap_or_default()
            .into_iter()
            .map(|tag| tag.replace('_', "+"));
        Ok((name.clone(), read_versions(texts)))
    });
    join_all(lookups).await.into_iter().collect()
}

/// Returns the versions oldest first, without texts that are none.
fn read_versions(texts: impl Iterator<Item = String>) -> Vec<ChartVersion> {
    let mut versions: Vec<ChartVersion> = texts.filter_map(|text| text.parse().ok()).collect();
    versions.sort();
    versions.dedup();
    versions
}

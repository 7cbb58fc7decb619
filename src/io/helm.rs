//! Helm repositories: which versions of a chart exist, by `index.yaml` or by the tags of an OCI registry. It downloads no chart.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde::Deserialize;

use super::http::{Ask, HttpClient};
use super::no_answer::{NoAnswer, find_page};
use super::registry;
use crate::catalog::{ChartRepository, ChartRequest};
use crate::version::ChartVersion;

/// Indexes of repositories with many charts reach ten megabytes.
pub(super) const BODY_LIMIT: usize = 64 << 20;

/// The part of an index that is read.
#[derive(Deserialize)]
struct Index {
    /// Absent in an index that was cut after the key.
    entries: Option<BTreeMap<String, Vec<Entry>>>,
}

#[derive(Deserialize)]
struct Entry {
    /// A text as it is spelled: `1.10` is not `1.1`.
    #[serde(default)]
    version: Option<String>,
}

/// What a repository said.
pub(crate) struct ChartAnswer {
    /// The charts, where it said anything.
    pub(crate) repository: Option<ChartRepository>,
    /// Why there may be more.
    pub(crate) fault: Option<NoAnswer>,
}

/// Looks up the versions of the charts of the request.
pub(crate) async fn look(client: &HttpClient, url: &str, request: &ChartRequest) -> ChartAnswer {
    let (charts, fault) = match url.strip_prefix("oci://") {
        Some(repository) => fetch_tags(client, repository, request).await,
        None => match fetch_index(client, url, request).await {
            Ok(charts) => (charts, None),
            Err(fault) => (BTreeMap::new(), Some(fault)),
        },
    };
    let is_known = fault.is_none() || !charts.is_empty();
    ChartAnswer {
        repository: is_known.then(|| ChartRepository {
            url: url.to_owned(),
            charts,
        }),
        fault,
    }
}

async fn fetch_index(
    client: &HttpClient,
    repository: &str,
    request: &ChartRequest,
) -> Result<BTreeMap<String, Vec<ChartVersion>>, NoAnswer> {
    let url = format!("{}/index.yaml", repository.trim_end_matches('/'));
    let answer = client.ask(Ask::get(&url, BODY_LIMIT)).await?;
    if answer.status != 200 {
        return Err(NoAnswer::of_status(&url, answer.status));
    }
    if let Some(page) = find_page(&answer) {
        return Err(NoAnswer::new(
            &url,
            format!("is {page}, not the index of a Helm repository"),
        ));
    }
    read_index(&answer.body, &request.names).map_err(|fault| {
        let reason = format!("is not the index of a Helm repository: {fault}");
        NoAnswer::new(&url, reason)
    })
}

/// Reads the versions of these charts. Ten megabytes of YAML take a second and ten times their size in memory, so only the
/// charts that are asked for are parsed where the index has the usual form.
fn read_index(
    content: &[u8],
    names: &BTreeSet<String>,
) -> Result<BTreeMap<String, Vec<ChartVersion>>, String> {
    let text = std::str::from_utf8(content).map_err(|error| error.to_string())?;
    // What was cut out may be no YAML by itself, as where its anchor is elsewhere; then all of it is read.
    let part = cut_charts(text, names).and_then(|part| serde_yaml::from_str(&part).ok());
    let index: Index = match part {
        Some(index) => index,
        None => serde_yaml::from_str(text).map_err(|error| error.to_string())?,
    };
    let mut known = index.entries.ok_or("it has no entries")?;
    let charts = names.iter().map(|name| {
        let entries = known.remove(name).unwrap_or_default();
        let texts = entries.into_iter().filter_map(|entry| entry.version);
        (name.clone(), read_versions(texts))
    });
    Ok(charts.collect())
}

/// Cuts the charts of these names out of an index in block style: whatever belongs to a key of YAML is indented deeper than
/// the key, but for a list's dashes. Gives nothing where the text is of another form.
pub(super) fn cut_charts(text: &str, names: &BTreeSet<String>) -> Option<String> {
    let mut lines = text
        .lines()
        .skip_while(|line| line.trim_end() != "entries:");
    let mut part = format!("{}\n", lines.next()?.trim_end());
    let mut key_indent = None;
    let mut is_wanted = false;
    for line in lines {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        let is_item = content == "-" || content.starts_with("- ");
        if content.trim_end().is_empty() || content.starts_with('#') {
            // An empty line or comment belongs to whatever is around it.
        } else if indent == 0 {
            break;
        } else if indent == *key_indent.get_or_insert(indent) && !is_item {
            let (key, _) = content.split_once(':')?;
            is_wanted = names.contains(key.trim_matches(['"', '\'']));
        } else if indent < key_indent? {
            return None;
        }
        if is_wanted {
            part.push_str(line);
            part.push('\n');
        }
    }
    key_indent?;
    // `entries:` without any chart would read as null.
    let is_empty = part.lines().nth(1).is_none();
    Some(if is_empty {
        "entries: {}\n".to_owned()
    } else {
        part
    })
}

/// Looks up each chart's tags. A chart without an answer is left out.
async fn fetch_tags(
    client: &HttpClient,
    repository: &str,
    request: &ChartRequest,
) -> (BTreeMap<String, Vec<ChartVersion>>, Option<NoAnswer>) {
    let base = repository.trim_end_matches('/');
    let lookups = request.names.iter().map(|name| async move {
        let tags = registry::fetch_tags(client, &format!("{base}/{name}")).await;
        (name, tags)
    });
    let mut charts = BTreeMap::new();
    let mut fault = None;
    for (name, answer) in join_all(lookups).await {
        let tags = match answer {
            Ok(tags) => tags.unwrap_or_default(),
            Err(error) => {
                fault.get_or_insert(error);
                continue;
            }
        };
        if let Some(error) = tags.fault {
            fault.get_or_insert(error);
        }
        // A tag of OCI may hold no `+`, so Helm writes `_` in place of it.
        let texts = tags.found.into_iter().map(|tag| tag.replace('_', "+"));
        charts.insert(name.clone(), read_versions(texts));
    }
    (charts, fault)
}

/// Returns the versions oldest first, without texts that are none.
fn read_versions(texts: impl Iterator<Item = String>) -> Vec<ChartVersion> {
    let mut versions: Vec<ChartVersion> = texts.filter_map(|text| text.parse().ok()).collect();
    versions.sort();
    versions.dedup();
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let names = ["cilium", "csi"].map(str::to_owned).into();
        let charts = read_index(text.as_bytes(), &names)?;
        let shown: Vec<String> = charts
            .iter()
            .map(|(name, versions)| {
                let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
                format!("{name} {}", versions.join(" "))
            })
            .collect();
        Ok(shown.join("; "))
    }

    fn is_cut(text: &str) -> bool {
        cut_charts(text, &BTreeSet::new()).is_some()
    }

    #[test]
    fn reads_indexes_of_all_styles() {
        let usual = "apiVersion: v1\nentries:\n  other:\n  - version: 9.9.9\n  cilium:\n  - description: |\n      \
                     csi:\n\n      - version: 8.8.8\n    version: 1.10.0\n# made by hand\n  - version: 1.9.0\n  csi:\n    \
                     - version: 2.0.0\ngenerated: now\n";
        assert!(is_cut(usual));
        assert_eq!(read(usual).as_deref(), Ok("cilium 1.9.0 1.10.0; csi 2.0.0"));
        let windows = usual.replace('\n', "\r\n");
        assert_eq!(
            read(&windows).as_deref(),
            Ok("cilium 1.9.0 1.10.0; csi 2.0.0")
        );
        let json = r#"{"entries": {"cilium": [{"version": "1.9.0"}]}}"#;
        assert!(!is_cut(json));
        assert_eq!(read(json).as_deref(), Ok("cilium 1.9.0; csi "));
        let anchored = "entries:\n  other: &all\n  - version: 1.9.0\n  \"cilium\": *all\n";
        assert_eq!(read(anchored).as_deref(), Ok("cilium 1.9.0; csi "));
        for empty in ["entries:\n  other:\n  - version: 1.0.0\n", "entries: {}\n"] {
            assert_eq!(read(empty).as_deref(), Ok("cilium ; csi "), "{empty}");
        }
    }

    #[test]
    fn a_version_is_a_text() {
        let text = "entries:\n  csi:\n  - version: 1.10\n  - version: 1e3\n  - version:\n  - {}\n  - version: 'v2.0.0'\n";
        assert_eq!(read(text).as_deref(), Ok("cilium ; csi v2.0.0"));
        for text in [
            "",
            "entries: 3",
            "entries:\n  csi: text\n",
            "apiVersion: v1\n",
            "a: [",
            "entries:\n",
        ] {
            assert!(read(text).is_err(), "{text}: {:?}", read(text));
        }
    }

    fn versions(text: &str) -> Option<Vec<Option<String>>> {
        let index: Index = serde_yaml::from_str(text).ok()?;
        let entries = index.entries?.remove("cilium").unwrap_or_default();
        Some(entries.into_iter().map(|entry| entry.version).collect())
    }

    proptest::proptest! {
        #[test]
        fn a_part_says_what_the_whole_says(
            lines in proptest::collection::vec(
                r"[ ]{0,5}(cilium:|other:|- version: [1-3]|version: [1-3]|text: [|>]|'a|b'|# no|- &a|- \*a|generated: x|)",
                0..9,
            )
        ) {
            let text = format!("entries:\n{}\n", lines.join("\n"));
            let part = cut_charts(&text, &["cilium".to_owned()].into());
            if let (Some(part), Some(whole)) = (part.and_then(|part| versions(&part)), versions(&text)) {
                proptest::prop_assert_eq!(part, whole, "{}", text);
            }
        }
    }
}

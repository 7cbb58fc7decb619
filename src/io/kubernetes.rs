//! Kubernetes releases with their days, from GitHub. They say what to expect of image stores, never what these have.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;

use futures_util::future::join_all;
use http::HeaderMap;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use octocrab::Octocrab;
use serde::Deserialize;

use super::http::{HttpClient, HttpError, find_next_link};
use super::no_answer::NoAnswer;
use crate::catalog::KubernetesRelease;
use crate::version::{KubernetesVersion, Minor};

/// The name of this source in the catalog.
pub(crate) const SOURCE: &str = crate::catalog::RELEASES_SOURCE;

const API: &str = "https://api.github.com";
const PATH: &str = "/repos/kubernetes/kubernetes/releases?per_page=100&page=";

/// Pages that are asked at once: the first alone, since it may be all; then a few.
const WAVES: [std::ops::RangeInclusive<u32>; 4] = [1..=1, 2..=3, 4..=6, 7..=10];

/// A release as GitHub tells it. Source: "List releases" of GitHub's REST API.
#[derive(Deserialize)]
struct Release {
    tag_name: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    published_at: Option<Timestamp>,
}

#[derive(Default)]
pub(crate) struct Releases {
    pub(crate) found: Vec<KubernetesRelease>,
    pub(crate) fault: Option<NoAnswer>,
}

struct Page {
    releases: Vec<Release>,
    has_next: bool,
}

/// Reads releases until every minor of interest is complete or three years have passed. The token is for GitHub's own API
/// alone: a repository's configuration may name any other base.
pub(crate) async fn look(
    client: &HttpClient,
    base: Option<&str>,
    minors: &BTreeSet<Minor>,
    as_of: Date,
) -> Releases {
    let api = base.unwrap_or(API).trim_end_matches('/');
    let built = if api == API {
        client.octocrab(api)
    } else {
        client.octocrab_without_token(api)
    };
    let octocrab = match built {
        Ok(octocrab) => octocrab,
        Err(error) => {
            return Releases {
                fault: Some(error.into()),
                ..Releases::default()
            };
        }
    };
    let oldest = as_of.saturating_sub(3.years());
    let mut days: BTreeMap<KubernetesVersion, Date> = BTreeMap::new();
    let mut fault = None;
    'waves: for wave in WAVES {
        for answer in join_all(wave.map(|number| fetch_page(&octocrab, api, number))).await {
            let page = match answer {
                Ok(page) => page,
                Err(error) => {
                    fault = Some(error);
                    break 'waves;
                }
            };
            let mut is_old = false;
            for (version, day) in page.releases.iter().filter_map(read_release) {
                is_old |= day < oldest;
                days.insert(version, day);
            }
            let is_complete = minors
                .iter()
                .all(|minor| days.contains_key(&KubernetesVersion::new(*minor, 0)));
            if !page.has_next || is_old || is_complete {
                break 'waves;
            }
        }
    }
    Releases {
        found: days
            .into_iter()
            .map(|(version, published)| KubernetesRelease { version, published })
            .collect(),
        fault,
    }
}

/// Reads a release; drafts, pre-releases and tags of another form are none.
fn read_release(release: &Release) -> Option<(KubernetesVersion, Date)> {
    if release.draft || release.prerelease {
        return None;
    }
    let version = release.tag_name.parse().ok()?;
    Some((
        version,
        release.published_at?.to_zoned(TimeZone::UTC).date(),
    ))
}

async fn fetch_page(octocrab: &Octocrab, base: &str, number: u32) -> Result<Page, NoAnswer> {
    let url = format!("{base}{PATH}{number}");
    let response = octocrab
        ._get(format!("{PATH}{number}"))
        .await
        .map_err(|error| fault_of(&url, &error))?;
    let status = response.status().as_u16();
    if matches!(status, 403 | 429) {
        return Err(NoAnswer::new(&url, refusal(status, response.headers())));
    }
    if status != 200 {
        return Err(NoAnswer::of_status(&url, status));
    }
    let has_next = find_next_link(response.headers()).is_some();
    let body = octocrab
        .body_to_string(response)
        .await
        .map_err(|error| fault_of(&url, &error))?;
    let releases = serde_json::from_str(&body).map_err(|error| {
        NoAnswer::new(
            &url,
            format!("the answer is not a list of releases: {error}"),
        )
    })?;
    Ok(Page { releases, has_next })
}

fn refusal(status: u16, headers: &HeaderMap) -> String {
    if text_of(headers, "x-ratelimit-remaining") != Some("0") {
        return format!(
            "answers {status}; set GITHUB_TOKEN to a token that may read public repositories"
        );
    }
    let reset = text_of(headers, "x-ratelimit-reset").and_then(|text| text.parse().ok());
    let moment = reset.and_then(|second| Timestamp::from_second(second).ok());
    let until = moment.map_or_else(String::new, |moment| format!(" until {moment}"));
    format!("GitHub's rate limit is used up{until}; set GITHUB_TOKEN to raise it")
}

fn text_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Finds our client's error in the chain that octocrab wraps around it.
fn fault_of(url: &str, error: &octocrab::Error) -> NoAnswer {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<HttpError>() {
            return error.clone().into();
        }
        source = cause.source();
    }
    NoAnswer::new(url, error.to_string())
}

//! Kubernetes releases with their days, from GitHub. They say what to expect of image stores, never what these have.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use tokio::sync::watch;

use super::http::{Answer, Ask, HttpClient, find_next_link};
use super::no_answer::NoAnswer;
use crate::catalog::KubernetesRelease;
use crate::version::{KubernetesVersion, Minor};

/// The name of this source in the catalog.
pub(crate) const SOURCE: &str = crate::catalog::RELEASES_SOURCE;

const API: &str = "https://api.github.com";
const PATH: &str = "/repos/kubernetes/kubernetes/releases?per_page=100&page=";

/// A page of 100 releases has about half a megabyte.
const BODY_LIMIT: usize = 16 << 20;

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

/// What is known of Kubernetes' releases while they are still being read, the newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Released {
    versions: BTreeSet<KubernetesVersion>,
    /// Whether nothing more will be known.
    has_ended: bool,
    /// Whether it ended as the source had no more to say.
    is_answered: bool,
}

impl Released {
    /// Tells whether it is known what was released up to this version and after it, or nothing more will be.
    pub(crate) fn has_come_to(&self, claimed: Option<KubernetesVersion>) -> bool {
        self.has_ended || claimed.is_some_and(|claimed| self.versions.contains(&claimed))
    }

    /// Returns the patches of a minor that were released, as far as they are known.
    pub(crate) fn patches_of(&self, minor: Minor) -> impl Iterator<Item = u32> + '_ {
        self.of_minor(minor).map(KubernetesVersion::patch)
    }

    /// Tells whether there can be an image of a version. Others claim that one of `claimed` is there: a list of releases without it
    /// is not as new as the images, or is none, and says nothing.
    pub(crate) fn may_exist(
        &self,
        version: KubernetesVersion,
        claimed: Option<KubernetesVersion>,
    ) -> bool {
        let minor = version.minor();
        let Some(oldest) = self.of_minor(minor).next() else {
            // A minor that nobody claims comes after the one that is known.
            let has_before = self
                .versions
                .iter()
                .any(|known| known.minor().next() == minor);
            return claimed.is_some() || !has_before || !self.is_answered;
        };
        let is_behind = claimed.is_some_and(|claimed| !self.versions.contains(&claimed));
        // The list was not read further than it was of interest.
        is_behind || version < oldest || self.versions.contains(&version)
    }

    fn of_minor(&self, minor: Minor) -> impl Iterator<Item = KubernetesVersion> + '_ {
        let first = KubernetesVersion::new(minor, 0);
        let last = KubernetesVersion::new(minor, u32::MAX);
        self.versions.range(first..=last).copied()
    }
}

struct Page {
    releases: Vec<Release>,
    has_next: bool,
}

/// Reads releases until every minor of interest is complete or three years have passed. The token is for GitHub's own API
/// alone: a repository's configuration may name any other base. What is known is said page by page.
pub(crate) async fn look(
    client: &HttpClient,
    base: Option<&str>,
    minors: &BTreeSet<Minor>,
    as_of: Date,
    said: &watch::Sender<Released>,
) -> Releases {
    let api = base.unwrap_or(API).trim_end_matches('/');
    let oldest = as_of.saturating_sub(3.years());
    let mut days: BTreeMap<KubernetesVersion, Date> = BTreeMap::new();
    let mut fault = None;
    'waves: for wave in WAVES {
        for answer in join_all(wave.map(|number| fetch_page(client, api, number))).await {
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
            said.send_modify(|released| released.versions.extend(days.keys().copied()));
            let is_complete = minors.iter().all(|minor| is_complete(*minor, &days));
            if !page.has_next || is_old || is_complete {
                break 'waves;
            }
        }
    }
    said.send_modify(|released| {
        released.has_ended = true;
        released.is_answered = fault.is_none();
    });
    Releases {
        found: days
            .into_iter()
            .map(|(version, published)| KubernetesRelease { version, published })
            .collect(),
        fault,
    }
}

/// Tells whether all releases of a minor have been read: they come newest first, so its first one is the last of them, and a minor
/// that has none by the time of the first one before it has not been released.
fn is_complete(minor: Minor, days: &BTreeMap<KubernetesVersion, Date>) -> bool {
    let mut first = days.keys().filter(|version| version.patch() == 0);
    first.any(|version| version.minor() == minor || version.minor().next() == minor)
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

async fn fetch_page(client: &HttpClient, base: &str, number: u32) -> Result<Page, NoAnswer> {
    let url = format!("{base}{PATH}{number}");
    let mut ask = Ask::get(&url, BODY_LIMIT).of_github();
    // What GitHub tells everybody is asked of a file's mirror too, as nobody.
    let sends_token = base == API && !client.is_mirrored_by_file(&url);
    if let Some(token) = client
        .settings()
        .github_token
        .clone()
        .filter(|_| sends_token)
    {
        ask = ask.with_bearer(token);
    }
    let answer = client.ask(ask).await?;
    let status = answer.status;
    if matches!(status, 403 | 429) {
        return Err(NoAnswer::new(&url, refusal(&answer)));
    }
    if status != 200 {
        return Err(NoAnswer::of_status(&url, status));
    }
    let releases = serde_json::from_slice(&answer.body).map_err(|error| {
        NoAnswer::new(
            &url,
            format!("the answer is not a list of releases: {error}"),
        )
    })?;
    Ok(Page {
        releases,
        has_next: find_next_link(&answer.headers).is_some(),
    })
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name)?.to_str().ok()
}

fn refusal(answer: &Answer) -> String {
    if header(answer, "x-ratelimit-remaining") != Some("0") {
        return format!(
            "answers {}; set GITHUB_TOKEN to a token that may read public repositories",
            answer.status
        );
    }
    let moment = header(answer, "x-ratelimit-reset")
        .and_then(|text| Timestamp::from_second(text.parse().ok()?).ok());
    let until = moment.map_or_else(String::new, |moment| format!(" until {moment}"));
    format!("GitHub's rate limit is used up{until}; set GITHUB_TOKEN to raise it")
}

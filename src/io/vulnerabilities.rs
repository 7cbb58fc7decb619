//! Vulnerabilities of Kubernetes: their numbers from the official feed, and from the record of each the versions it is in and its
//! score. Records of other products are left out. It does not say what has to be done about any.

mod record;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use super::http::{Answer, Ask, HttpClient};
use super::no_answer::NoAnswer;
use crate::catalog::{
    CveId, SourceKind, Unreachable, VULNERABILITIES_SOURCE as SOURCE, Vulnerability,
    VulnerabilityRequest,
};
use record::{Record, read_day, read_record, shorten};

/// An answer that is expected: its name, how many bytes of it are taken, and how many answers it waits for.
struct Expected {
    name: &'static str,
    limit: usize,
    round: u32,
}

/// The feed has some 70 entries of 2 kilobytes.
const FEED: Expected = Expected {
    name: "feed of vulnerabilities",
    limit: 32 << 20,
    round: 1,
};

/// A record has some 20 kilobytes.
const RECORD: Expected = Expected {
    name: "CVE record",
    limit: 1 << 20,
    round: 2,
};

/// After so many days a record is taken as final: where it is stored, it is not asked for again.
const SETTLED_DAYS: i32 = 365;

/// How many records are asked for at most, the newest first.
const RECORDS: usize = 500;

/// How many numbers a list of records without an answer names.
const NAMED: usize = 3;

#[derive(Debug, Default)]
pub(crate) struct Vulnerabilities {
    pub(crate) found: Vec<Vulnerability>,
    pub(crate) unreachable: Vec<Unreachable>,
}

/// The feed. Source: JSON Feed 1.1, as <https://kubernetes.io/docs/reference/issues-security/official-cve-feed/> has it.
#[derive(Deserialize)]
struct Feed {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    date_published: Option<String>,
}

/// The number of a vulnerability, or what stands in its place, and why nothing is known of it.
type NamedFault = (String, NoAnswer);

/// What the feed says of one vulnerability.
struct Listed {
    summary: Option<String>,
    published: Option<Date>,
}

/// Reads the feed, then the records of what it names, at the same time and within the client's bound.
pub(crate) async fn look(
    client: &HttpClient,
    request: &VulnerabilityRequest,
    as_of: Date,
) -> Vulnerabilities {
    let settled = as_of.saturating_sub(SETTLED_DAYS.days());
    let feed = fetch::<Feed>(client, FEED.ask(&request.feed), &FEED, &request.feed).await;
    let items = match feed {
        Ok(feed) => feed.items,
        Err(fault) => {
            return Vulnerabilities {
                unreachable: vec![fault.into_unreachable(
                    SourceKind::Vulnerabilities,
                    SOURCE,
                    BTreeSet::new(),
                )],
                ..Vulnerabilities::default()
            };
        }
    };
    let mut answer = Vulnerabilities::default();
    let (listed, mut faults) = read_items(&request.feed, items);
    let records = listed.iter().map(|(id, listed)| async move {
        let base = request.records.trim_end_matches('/');
        let url = format!("{base}/{id}");
        let is_settled = listed.published.is_some_and(|day| day < settled);
        let ask = RECORD.ask(&url).lasting(is_settled);
        let record = fetch::<Record>(client, ask, &RECORD, &url).await;
        let read = record.map(|record| read_record(record, id, listed));
        read.map_err(|fault| (id.to_string(), fault))
    });
    for record in join_all(records).await {
        match record {
            Ok(vulnerability) => answer.found.extend(vulnerability),
            Err(fault) => faults.push(fault),
        }
    }
    answer.found.sort_by(|a, b| a.id.cmp(&b.id));
    answer.unreachable = name_faults(faults);
    answer
}

impl Expected {
    fn ask(&self, url: &str) -> Ask {
        Ask::get(url, self.limit).in_round(self.round)
    }
}

/// Asks for JSON. A page for people is no answer, whatever its status.
async fn fetch<T: serde::de::DeserializeOwned>(
    client: &HttpClient,
    ask: Ask,
    expected: &Expected,
    url: &str,
) -> Result<T, NoAnswer> {
    let answer: Answer = client.ask(ask).await?;
    if answer.status != 200 {
        return Err(NoAnswer::of_status(url, answer.status));
    }
    if answer.body.trim_ascii_start().first() == Some(&b'<') {
        return Err(NoAnswer::new(url, "the answer is a web page"));
    }
    serde_json::from_slice(&answer.body).map_err(|error| {
        NoAnswer::new(
            url,
            format!("the answer is not a {}: {error}", expected.name),
        )
    })
}

/// Reads the feed's entries, the newest first and not more than are asked for. An entry may name several numbers.
fn read_items(url: &str, items: Vec<Item>) -> (Vec<(CveId, Listed)>, Vec<NamedFault>) {
    let mut listed: BTreeMap<CveId, Listed> = BTreeMap::new();
    let mut faults = Vec::new();
    for item in items {
        let words = item.id.split(|c: char| c == ',' || c.is_whitespace());
        let ids: Vec<CveId> = words.filter_map(|word| word.parse().ok()).collect();
        // What nobody can look up must not pass for safe.
        if ids.is_empty() {
            let id = shorten(&item.id);
            faults.push((
                id,
                NoAnswer::new(url, "an entry of the feed has no CVE number"),
            ));
        }
        for id in ids {
            let summary = item.summary.as_deref().map(shorten);
            let published = item.date_published.as_deref().and_then(read_day);
            listed.insert(id, Listed { summary, published });
        }
    }
    let mut newest: Vec<(CveId, Listed)> = listed.into_iter().collect();
    newest.sort_by(|(a, first), (b, second)| {
        let newest_first = second.published.cmp(&first.published);
        newest_first.then_with(|| b.cmp(a))
    });
    // The rest is told as unknown.
    let further = newest.split_off(newest.len().min(RECORDS));
    let reason = format!("only the records of the newest {RECORDS} vulnerabilities are asked for");
    faults.extend(
        further
            .into_iter()
            .map(|(id, _)| (id.to_string(), NoAnswer::new(url, reason.clone()))),
    );
    (newest, faults)
}

/// Names every question without an answer. Those with the same reason are one entry: a host that is down is said once.
fn name_faults(faults: Vec<NamedFault>) -> Vec<Unreachable> {
    let mut by_reason: BTreeMap<String, Vec<NamedFault>> = BTreeMap::new();
    for (id, fault) in faults {
        by_reason
            .entry(fault.reason.clone())
            .or_default()
            .push((id, fault));
    }
    by_reason.into_values().filter_map(name_group).collect()
}

fn name_group(mut group: Vec<NamedFault>) -> Option<Unreachable> {
    group.sort_by(|(a, _), (b, _)| a.cmp(b));
    let named: Vec<&str> = group.iter().take(NAMED).map(|(id, _)| &**id).collect();
    let further = match group.len() - named.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let ids = named.join(", ");
    let (_, mut fault) = group.into_iter().next()?;
    fault.reason = format!("{} ({ids}{further})", fault.reason);
    Some(fault.into_unreachable(SourceKind::Vulnerabilities, SOURCE, BTreeSet::new()))
}

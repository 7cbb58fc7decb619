//! Vulnerabilities of Kubernetes: their numbers from the official feed, and from the record of each the versions it is in and its
//! score. Records of other products are left out. It does not say what has to be done about any.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use super::fault::Fault;
use super::http::{Answer, Ask, HttpClient};
use crate::catalog::{
    CveId, CvssScore, RecordedVersions, Unreachable, VULNERABILITIES_SOURCE as SOURCE,
    VersionRange, Vulnerability, VulnerabilityRequest,
};
use crate::version::KubernetesVersion;

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

/// How long a summary may be, in characters.
const SUMMARY: usize = 200;

/// The parts of Kubernetes by the names that records use. Others are told by their repository.
const PRODUCTS: [&str; 8] = [
    "kubernetes",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubeadm",
    "kubectl",
    "kubelet",
];

/// The repository of Kubernetes itself.
const REPOSITORY: &str = "github.com/kubernetes/kubernetes";

/// What has been read.
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
type NamedFault = (String, Fault);

/// What the feed says of one vulnerability.
struct Listed {
    summary: Option<String>,
    published: Option<Date>,
}

/// A record. Source: CVE Record Format 5.1; only what is read here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(default)]
    cve_metadata: Metadata,
    containers: Containers,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    date_published: Option<String>,
}

#[derive(Deserialize)]
struct Containers {
    cna: Container,
    #[serde(default)]
    adp: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    affected: Vec<Affected>,
    #[serde(default)]
    metrics: Vec<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Affected {
    #[serde(default)]
    product: String,
    #[serde(default)]
    repo: Option<String>,
    #[serde(default)]
    default_status: Option<String>,
    #[serde(default)]
    versions: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    version: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    less_than: Option<String>,
    #[serde(default)]
    less_than_or_equal: Option<String>,
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    at: String,
    status: String,
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
                unreachable: vec![fault.into_unreachable(SOURCE, BTreeSet::new())],
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
) -> Result<T, Fault> {
    let answer: Answer = client.ask(ask).await?;
    if answer.status != 200 {
        return Err(Fault::of_status(url, answer.status));
    }
    if answer.body.trim_ascii_start().first() == Some(&b'<') {
        return Err(Fault::new(url, "the answer is a web page"));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| Fault::new(url, format!("the answer is no {}: {error}", expected.name)))
}

/// Reads the feed's entries, the newest first and not more than are asked for. An entry may name several numbers.
fn read_items(url: &str, items: Vec<Item>) -> (Vec<(CveId, Listed)>, Vec<NamedFault>) {
    let mut listed: BTreeMap<CveId, Listed> = BTreeMap::new();
    let mut faults = Vec::new();
    for item in items {
        let words = item.id.split(|c: char| c == ',' || c.is_whitespace());
        let ids: Vec<CveId> = words.filter_map(|word| word.parse().ok()).collect();
        if ids.is_empty() {
            let id = shorten(&item.id);
            faults.push((id, Fault::new(url, "an entry of the feed is no CVE number")));
        }
        for id in ids {
            let summary = item.summary.as_deref().map(shorten);
            let published = item.date_published.as_deref().and_then(read_day);
            listed.insert(id, Listed { summary, published });
        }
    }
    let mut listed: Vec<(CveId, Listed)> = listed.into_iter().collect();
    listed.sort_by(|(a, first), (b, second)| {
        let newest_first = second.published.cmp(&first.published);
        newest_first.then_with(|| b.cmp(a))
    });
    let further = listed.split_off(listed.len().min(RECORDS));
    let reason = format!("only the records of the newest {RECORDS} vulnerabilities are asked for");
    faults.extend(
        further
            .into_iter()
            .map(|(id, _)| (id.to_string(), Fault::new(url, reason.clone()))),
    );
    (listed, faults)
}

/// Returns what a record says of Kubernetes itself; nothing where it is about another product.
fn read_record(record: Record, id: &CveId, listed: &Listed) -> Option<Vulnerability> {
    let mut vulnerability = Vulnerability {
        id: id.clone(),
        summary: listed
            .summary
            .clone()
            .or(record.containers.cna.title.as_deref().map(shorten)),
        score: highest_score(&record.containers),
        published: listed
            .published
            .or_else(|| read_day(record.cve_metadata.date_published.as_deref()?)),
        affected: Vec::new(),
        unaffected: Vec::new(),
        unread: Vec::new(),
    };
    let mut products = record.containers.cna.affected;
    // Other parties add products to a record; where the one who made it names none, theirs count.
    if products.is_empty() {
        let others = record.containers.adp.into_iter();
        products = others.flat_map(|container| container.affected).collect();
    }
    for product in products.iter().filter(|product| is_kubernetes(product)) {
        read_product(product, &mut vulnerability);
    }
    let says_something = !vulnerability.affected.is_empty() || !vulnerability.unread.is_empty();
    says_something.then_some(vulnerability)
}

fn is_kubernetes(product: &Affected) -> bool {
    let name = product.product.trim().to_ascii_lowercase();
    let name = name.replace([' ', '_'], "-");
    let repository = product.repo.as_deref().unwrap_or_default();
    let repository = repository.trim_end_matches('/').trim_end_matches(".git");
    PRODUCTS.contains(&name.as_str()) || repository.to_ascii_lowercase().ends_with(REPOSITORY)
}

fn read_product(product: &Affected, vulnerability: &mut Vulnerability) {
    // What no entry speaks of has the product's own status.
    if product.default_status.as_deref() == Some("affected") {
        vulnerability.affected.push(VersionRange::ALL);
    }
    let mut push = |entry: &Entry, range: VersionRange| {
        let ranges = match entry.status.as_str() {
            "affected" => &mut vulnerability.affected,
            _ => &mut vulnerability.unaffected,
        };
        if !ranges.contains(&range) {
            ranges.push(range);
        }
    };
    let mut unread = Vec::new();
    for entry in &product.versions {
        match entry.status.as_str() {
            "affected" | "unaffected" => match read_entry(entry) {
                Some(range) => push(entry, range),
                // What is not affected and cannot be read hides nothing.
                None if entry.status == "affected" => unread.push(entry.describe()),
                None => {}
            },
            // `unknown`: nobody says that it is affected.
            _ => {}
        }
    }
    vulnerability.unread.extend(unread);
}

fn read_entry(entry: &Entry) -> Option<VersionRange> {
    let range = VersionRange::of_record(&RecordedVersions {
        version: &entry.version,
        less_than: entry.less_than.as_deref(),
        less_than_or_equal: entry.less_than_or_equal.as_deref(),
    })?;
    match &entry.changes[..] {
        [] => Some(range),
        [change] if change.status == "unaffected" && entry.status == "affected" => {
            let end: KubernetesVersion = change.at.parse().ok()?;
            Some(range.ending_before(end))
        }
        [..] => None,
    }
}

impl Entry {
    /// Returns the entry in the record's words.
    fn describe(&self) -> String {
        let mut words = vec![self.version.clone()];
        words.extend(self.less_than.iter().map(|end| format!("lessThan {end}")));
        let through = self.less_than_or_equal.iter();
        words.extend(through.map(|end| format!("lessThanOrEqual {end}")));
        words.extend(
            self.changes
                .iter()
                .map(|change| format!("{} at {}", change.status, change.at)),
        );
        shorten(&words.join(" "))
    }
}

/// Returns the highest CVSS base score, of whatever version and by whomever.
fn highest_score(containers: &Containers) -> Option<CvssScore> {
    let metrics = containers.adp.iter().chain([&containers.cna]);
    let metrics = metrics.flat_map(|container| &container.metrics).flatten();
    metrics
        .filter(|(name, _)| name.to_ascii_lowercase().starts_with("cvssv"))
        .filter_map(|(_, metric)| CvssScore::from_number(metric.get("baseScore")?.as_f64()?))
        .max()
}

fn read_day(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

/// Returns a text of the outside in one line that is not too long.
fn shorten(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(SUMMARY) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
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
    let groups = by_reason.into_values();
    let name = |mut group: Vec<NamedFault>| {
        group.sort_by(|(a, _), (b, _)| a.cmp(b));
        let named: Vec<&str> = group.iter().take(NAMED).map(|(id, _)| &**id).collect();
        let further = match group.len() - named.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        let ids = named.join(", ");
        let (_, mut fault) = group.into_iter().next()?;
        fault.reason = format!("{} ({ids}{further})", fault.reason);
        Some(fault.into_unreachable(SOURCE, BTreeSet::new()))
    };
    groups.filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(record: Value) -> Option<Vulnerability> {
        let id = "CVE-2024-10220".parse().unwrap();
        let listed = Listed {
            summary: None,
            published: None,
        };
        read_record(serde_json::from_value(record).unwrap(), &id, &listed)
    }

    fn record(affected: &Value) -> Value {
        serde_json::json!({
            "dataType": "CVE_RECORD",
            "cveMetadata": {"cveId": "CVE-2024-10220", "datePublished": "2024-11-22T16:23:00.535Z"},
            "containers": {"cna": {
                "affected": affected,
                "title": "Arbitrary  command\nexecution",
                "metrics": [
                    {"cvssV3_1": {"baseScore": 8.1, "version": "3.1"}, "format": "CVSS", "scenarios": []},
                    {"other": {"type": "ssvc", "content": {"baseScore": 10.0}}},
                ],
            }, "adp": [{"metrics": [{"cvssV2_0": {"baseScore": 7}}, {"cvssV4_0": {"baseScore": 8.25}}]}]},
        })
    }

    fn ranges(ranges: &[VersionRange]) -> Vec<String> {
        ranges.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_record_of_today_is_read() {
        let found = read(record(&serde_json::json!([{
            "defaultStatus": "unaffected", "product": "kubelet", "vendor": "Kubernetes",
            "repo": "https://github.com/kubernetes/kubernetes",
            "versions": [
                {"lessThanOrEqual": "1.28.11", "status": "affected", "version": "0", "versionType": "semver"},
                {"lessThanOrEqual": "v1.29.6", "status": "affected", "version": "v1.29.0"},
                {"lessThan": "1.31.0", "status": "affected", "version": "1.30.0",
                 "changes": [{"at": "1.30.3", "status": "unaffected"}]},
                {"status": "unaffected", "version": "1.31.0"},
                {"status": "unknown", "version": "1.99.0"},
            ],
        }])));
        let found = found.unwrap();
        assert_eq!(
            ranges(&found.affected),
            ["<=1.28.11", ">=1.29.0 <=1.29.6", ">=1.30.0 <1.30.3"]
        );
        assert_eq!(ranges(&found.unaffected), ["1.31.0"]);
        assert_eq!(found.to_string(), "CVE-2024-10220 (8.1)");
        assert_eq!(
            found.summary.as_deref(),
            Some("Arbitrary command execution")
        );
        assert_eq!(
            found.published.map(|day| day.to_string()).as_deref(),
            Some("2024-11-22")
        );
        assert!(found.unread.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_kept_in_its_words() {
        let found = read(record(&serde_json::json!([{
            "product": "Kubernetes", "versions": [
                {"status": "affected", "version": "prior to 1.13.9"},
                {"status": "affected", "version": "1.7"},
                {"status": "affected", "version": "1.28.0", "lessThan": "soon"},
                {"status": "affected", "version": "unspecified", "lessThan": "1.19.15"},
                {"status": "unaffected", "version": "prior to 1.2"},
            ],
        }])))
        .unwrap();
        assert_eq!(ranges(&found.affected), ["<1.19.15"]);
        assert_eq!(
            found.unread,
            ["prior to 1.13.9", "1.7", "1.28.0 lessThan soon"]
        );
    }

    #[test]
    fn only_kubernetes_itself_counts() {
        for (product, repository, counts) in [
            ("Kubernetes", None, true),
            ("kubernetes", None, true),
            ("kube apiserver", None, true),
            ("KUBE-PROXY", None, true),
            (
                "Windows nodes",
                Some("https://github.com/kubernetes/kubernetes.git"),
                true,
            ),
            (
                "ingress-nginx",
                Some("https://github.com/kubernetes/ingress-nginx"),
                false,
            ),
            ("Kubernetes Image Builder", None, false),
            ("kubernetes-csi", None, false),
            ("", None, false),
        ] {
            let affected = serde_json::json!([{"product": product, "repo": repository,
                "versions": [{"status": "affected", "version": "1.28.5"}]}]);
            assert_eq!(read(record(&affected)).is_some(), counts, "{product}");
        }
        let rejected =
            serde_json::json!({"containers": {"cna": {"rejectedReasons": [{"value": "no"}]}}});
        assert_eq!(read(rejected), None);
    }

    #[test]
    fn a_product_may_be_affected_but_for_some_versions() {
        let found = read(record(
            &serde_json::json!([{"product": "kubelet", "defaultStatus": "affected",
            "versions": [{"status": "unaffected", "version": "1.34.8"}, {"status": "unaffected", "version": "1.35.0", "lessThan": "*"}]}]),
        ))
        .unwrap();
        let affects = |text: &str| found.affects(text.parse().unwrap());
        assert!(affects("1.34.7") && !affects("1.34.8") && !affects("1.35.3"));
    }
}

//! What a CVE record says of Kubernetes: the versions that are affected, and the score.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use super::Listed;
use crate::catalog::{CveId, CvssScore, RecordedVersions, VersionRange, Vulnerability};
use crate::version::KubernetesVersion;

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

/// A record. Source: CVE Record Format 5.1; only what is read here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
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

/// Returns what a record says of Kubernetes itself; nothing where it is about another product.
pub(super) fn read_record(record: Record, id: &CveId, listed: &Listed) -> Option<Vulnerability> {
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
    let name = product
        .product
        .trim()
        .to_ascii_lowercase()
        .replace([' ', '_'], "-");
    let url = product.repo.as_deref().unwrap_or_default();
    let repository = url.trim_end_matches('/').trim_end_matches(".git");
    PRODUCTS.contains(&name.as_str()) || repository.to_ascii_lowercase().ends_with(REPOSITORY)
}

fn read_product(product: &Affected, vulnerability: &mut Vulnerability) {
    // What no entry speaks of has the product's own status.
    if product.default_status.as_deref() == Some("affected") {
        vulnerability.affected.push(VersionRange::ALL);
    }
    for entry in &product.versions {
        match (entry.status.as_str(), read_entry(entry)) {
            ("affected", Some(range)) => push_new(&mut vulnerability.affected, range),
            ("affected", None) => vulnerability.unread.push(entry.describe()),
            ("unaffected", Some(range)) => push_new(&mut vulnerability.unaffected, range),
            // What is not affected and cannot be read hides nothing; of `unknown` nobody says that it is affected.
            _ => {}
        }
    }
}

fn push_new(ranges: &mut Vec<VersionRange>, range: VersionRange) {
    if !ranges.contains(&range) {
        ranges.push(range);
    }
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
        // Any other change is told as unread, not guessed at.
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
    containers
        .adp
        .iter()
        .chain([&containers.cna])
        .flat_map(|container| &container.metrics)
        .flatten()
        .filter(|(name, _)| name.to_ascii_lowercase().starts_with("cvssv"))
        .filter_map(|(_, metric)| CvssScore::from_number(metric.get("baseScore")?.as_f64()?))
        .max()
}

pub(super) fn read_day(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

/// Returns a text of the outside in one line that is not too long.
pub(super) fn shorten(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(SUMMARY) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

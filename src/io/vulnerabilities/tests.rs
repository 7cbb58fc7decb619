//! Records as they are published, and what is read of them.

use serde_json::Value;

use super::*;
use crate::catalog::VersionRange;

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

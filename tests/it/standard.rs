//! The cases of the standard's own conformance test: v1.28.5 after v1.28.6 was published, with and without a vulnerability, on
//! the days of its test, with the releases of March 2024. Where the public release data is not there, a small list stands in.

use crate::support::program;
use csctl_matrix::catalog::{
    Catalog, CvssScore, KubernetesRelease, RecordedVersions, VersionRange, Vulnerability,
};
use csctl_matrix::standard::Standard;
use csctl_matrix::version::{KubernetesVersion, Minor};
use verdict::{Outcome, Verdict, verdict};

mod verdict;

/// Publication moments of some releases, as GitHub has them.
const RELEASES: [(&str, &str); 5] = [
    ("v1.29.1", "2024-01-17T19:37:29Z"),
    ("v1.28.7", "2024-02-14T15:49:40Z"),
    ("v1.28.6", "2024-01-17T19:40:09Z"),
    ("v1.28.5", "2023-12-20T13:23:37Z"),
    ("v1.29.0", "2023-12-13T16:34:20Z"),
];

fn catalog_of(releases: impl IntoIterator<Item = (KubernetesVersion, String)>) -> Catalog {
    let mut catalog = Catalog::empty("2024-03-20".parse().unwrap());
    let releases = releases.into_iter();
    catalog.kubernetes = releases
        .map(|(version, moment)| KubernetesRelease {
            version,
            published: moment[..10].parse().unwrap(),
        })
        .collect();
    catalog.sort();
    catalog
}

fn own() -> Catalog {
    let releases = RELEASES.iter();
    catalog_of(releases.map(|(tag, moment)| (tag.parse().unwrap(), (*moment).to_owned())))
}

/// The releases that the standard's test comes with.
fn upstream() -> Option<Catalog> {
    let path = program::upstream()?.join("kubernetes/releases-2024-03.json");
    let releases: Vec<serde_json::Value> =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(releases.len(), 20);
    let is_release = |release: &&serde_json::Value| {
        !release["draft"].as_bool().unwrap() && !release["prerelease"].as_bool().unwrap()
    };
    let releases = releases.iter().filter(is_release).map(|release| {
        let tag = release["tag_name"].as_str().unwrap();
        (
            tag.parse().unwrap(),
            release["published_at"].as_str().unwrap().to_owned(),
        )
    });
    Some(catalog_of(releases))
}

fn catalogs() -> Vec<Catalog> {
    [Some(own()), upstream()].into_iter().flatten().collect()
}

fn judge(catalog: &Catalog, version: &str, today: &str) -> Verdict {
    // Versions as clusters spell them, as `parse_version` of the standard's test reads them.
    let release = version.trim().split(['-', '+']).next().unwrap();
    let version = release.parse().unwrap();
    verdict(Standard::V2, catalog, version, today.parse().unwrap())
}

/// A critical vulnerability of the versions that an entry of a record names.
fn with_vulnerability(mut catalog: Catalog, entry: &RecordedVersions<'_>) -> Catalog {
    catalog.vulnerabilities = vec![Vulnerability {
        id: "CVE-2024-0001".parse().unwrap(),
        summary: None,
        score: CvssScore::from_tenths(80),
        published: None,
        affected: vec![VersionRange::of_record(entry).unwrap()],
        unaffected: Vec::new(),
        unread: Vec::new(),
    }];
    catalog
}

#[test]
fn a_patch_has_a_month() {
    for catalog in catalogs() {
        for today in ["2024-01-17", "2024-01-31", "2024-02-17"] {
            assert_eq!(
                judge(&catalog, "v1.28.5", today).outcome,
                Outcome::Pass,
                "{today}"
            );
        }
        let late = judge(&catalog, "v1.28.5", "2024-02-18");
        assert_eq!(late.outcome, Outcome::Fail);
        assert_eq!(
            late.failures,
            ["v1.28.6 released 2024-01-17, due 2024-02-17, 1 day late"]
        );
        // Versions as clusters spell them.
        for spelled in ["v1.28.5-dev0", "1.28.5+build", " v1.28.5"] {
            assert_eq!(
                judge(&catalog, spelled, "2024-02-18").outcome,
                Outcome::Fail
            );
        }
        assert_eq!(
            judge(&catalog, "v1.28.6", "2024-02-18").outcome,
            Outcome::Pass
        );
    }
}

#[test]
fn a_vulnerability_shortens_it() {
    let exact = RecordedVersions {
        version: "v1.28.5",
        ..RecordedVersions::default()
    };
    let through = RecordedVersions {
        version: "unspecified",
        less_than_or_equal: Some("v1.28.5"),
        ..RecordedVersions::default()
    };
    let below = RecordedVersions {
        version: "v1.28.0",
        less_than: Some("v1.28.6"),
        ..RecordedVersions::default()
    };
    for entry in [exact, through, below] {
        for catalog in catalogs() {
            let catalog = with_vulnerability(catalog, &entry);
            let warned = judge(&catalog, "v1.28.5", "2024-01-20");
            assert_eq!(warned.outcome, Outcome::Warn);
            assert_eq!(
                warned.warnings,
                [
                    "v1.28.5 has CVE-2024-0001 (8.0); v1.28.6 without it is recommended since 2024-01-19"
                ]
            );
            assert_eq!(
                judge(&catalog, "v1.28.5", "2024-01-19").outcome,
                Outcome::Pass
            );
            assert_eq!(
                judge(&catalog, "v1.28.5", "2024-01-31").outcome,
                Outcome::Warn
            );
            let late = judge(&catalog, "v1.28.5", "2024-02-01");
            assert_eq!(late.outcome, Outcome::Fail);
            assert_eq!(
                late.failures,
                ["v1.28.6 fixes CVE-2024-0001 (8.0), due 2024-01-31, 1 day late"]
            );
        }
    }
}

/// The standard's test looks at the newer release's age alone; a release with the same vulnerability is no way out.
#[test]
fn a_release_with_the_same_vulnerability_is_not_asked_for() {
    let entry = RecordedVersions {
        version: "v1.28.0",
        less_than: Some("v1.28.7"),
        ..RecordedVersions::default()
    };
    for catalog in catalogs() {
        let catalog = with_vulnerability(catalog, &entry);
        assert_eq!(
            judge(&catalog, "v1.28.5", "2024-02-01").outcome,
            Outcome::Pass
        );
        assert_eq!(
            judge(&catalog, "v1.28.6", "2024-02-28").outcome,
            Outcome::Warn
        );
        let late = judge(&catalog, "v1.28.6", "2024-02-29");
        assert_eq!(
            late.failures,
            ["v1.28.7 fixes CVE-2024-0001 (8.0), due 2024-02-28, 1 day late"]
        );
    }
}

#[test]
fn a_minor_passes_until_its_end_of_life() {
    for catalog in catalogs() {
        assert_eq!(
            judge(&catalog, "v1.28.8", "2024-10-28").outcome,
            Outcome::Pass
        );
        let ended = judge(&catalog, "v1.28.8", "2024-10-29");
        assert_eq!(
            ended.failures,
            ["minor 1.28 is past its end of life of 2024-10-28"]
        );
        let unknown = judge(&catalog, "v1.99.0", "2024-10-29");
        assert_eq!(unknown.failures, ["minor 1.99 has no known end of life"]);
    }
}

#[test]
fn a_verdict_needs_end_of_life_days() {
    let mut catalog = Catalog::empty("2026-05-20".parse().unwrap());
    assert_eq!(
        judge(&catalog, "v1.34.8", "2026-05-20").outcome,
        Outcome::Pass
    );
    // The table ends with 1.36 (2027-06-28): one after the other they run out.
    assert_eq!(
        judge(&catalog, "v1.34.8", "2026-10-28").outcome,
        Outcome::Fail
    );
    catalog.end_of_life.remove(&Minor::new(1, 35));
    catalog.end_of_life.remove(&Minor::new(1, 33));
    let two = judge(&catalog, "v1.34.8", "2026-05-20");
    assert_eq!((two.outcome, two.warnings.len()), (Outcome::Warn, 1));
    catalog.end_of_life.remove(&Minor::new(1, 36));
    assert_eq!(
        judge(&catalog, "v1.34.8", "2026-05-20").outcome,
        Outcome::Unknown
    );
    catalog.end_of_life.clear();
    assert_eq!(
        judge(&catalog, "v1.34.8", "2026-05-20").outcome,
        Outcome::Unknown
    );
    let none = verdict(
        Standard::None,
        &catalog,
        "v1.34.8".parse().unwrap(),
        "2026-05-20".parse().unwrap(),
    );
    assert_eq!(none.outcome, Outcome::Pass);
}

//! Deadlines in small catalogs. The standard's own cases are in `tests/it/standard.rs`.

use proptest::prelude::*;

use super::*;
use crate::catalog::{Catalog, KubernetesRelease, Vulnerability};
use crate::version::{KubernetesVersion, Minor};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn version(text: &str) -> KubernetesVersion {
    text.parse().unwrap()
}

fn catalog(releases: &[(&str, &str)]) -> Catalog {
    let mut catalog = Catalog::empty(day("2026-05-20"));
    catalog.kubernetes = releases
        .iter()
        .map(|(release, published)| KubernetesRelease {
            version: version(release),
            published: day(published),
        })
        .collect();
    catalog.sort();
    catalog
}

fn spring() -> Catalog {
    catalog(&[
        ("v1.33.0", "2025-04-23"),
        ("v1.33.10", "2026-03-18"),
        ("v1.33.11", "2026-04-15"),
        ("v1.33.12", "2026-05-12"),
        ("v1.34.0", "2025-08-27"),
        ("v1.34.7", "2026-04-15"),
        ("v1.34.8", "2026-05-12"),
        ("v1.35.0", "2025-12-17"),
        ("v1.36.0", "2026-04-22"),
    ])
}

fn vulnerability(id: &str, tenths: u8, affected: &str) -> Vulnerability {
    Vulnerability {
        id: id.parse().unwrap(),
        summary: None,
        score: CvssScore::from_tenths(tenths),
        published: None,
        affected: vec![affected.parse().unwrap()],
        unaffected: Vec::new(),
        unread: Vec::new(),
    }
}

fn say(catalog: &Catalog, minor: &str, default: Option<&str>, today: &str) -> Vec<String> {
    let found = deadlines(
        Standard::V2,
        catalog,
        minor.parse().unwrap(),
        default.map(version),
        day(today),
    );
    found.iter().map(sentence).collect()
}

fn sentence(deadline: &Deadline) -> String {
    match deadline.recommended {
        Some(day) => format!("{} (recommended {day})", deadline.message),
        None => deadline.message.clone(),
    }
}

#[test]
fn a_line_has_its_days() {
    let catalog = spring();
    assert_eq!(
        say(&catalog, "1.33", Some("v1.33.10"), "2026-05-20"),
        [
            "v1.33.11 released 2026-04-15, due 2026-05-16, 4 days late",
            "v1.33.12 released 2026-05-12, due 2026-06-12, in 23 days",
            "minor 1.33 reaches its end of life on 2026-06-28, in 39 days",
            "minor 1.33 released 2025-04-23, provided"
        ]
    );
    assert_eq!(
        say(&catalog, "1.34", Some("v1.34.7"), "2026-06-12"),
        [
            "v1.34.8 released 2026-05-12, due 2026-06-12, today",
            "minor 1.34 reaches its end of life on 2026-10-27, in 137 days",
            "minor 1.34 released 2025-08-27, provided"
        ]
    );
    assert_eq!(
        say(&catalog, "1.34", Some("v1.34.8"), "2026-10-28"),
        [
            "minor 1.34 is past its end of life of 2026-10-27",
            "minor 1.34 released 2025-08-27, provided",
        ]
    );
    assert_eq!(
        say(&catalog, "1.35", None, "2026-05-20"),
        ["minor 1.35 released 2025-12-17, due 2026-04-17, 33 days late"]
    );
    assert!(say(&catalog, "1.35", None, "2025-12-16").is_empty());
    assert!(
        say(&catalog, "1.33", None, "2026-06-29").is_empty(),
        "past its end of life"
    );
    let minors = |today| missing_minors(&catalog, &["1.34".parse().unwrap()], day(today));
    assert_eq!(minors("2026-05-20").len(), 2);
    assert_eq!(minors("2026-04-21").len(), 1);
    assert_eq!(minors("2027-03-01").len(), 1, "1.35 is over");
}

#[test]
fn a_release_of_tomorrow_is_not_due() {
    assert_eq!(
        say(&spring(), "1.34", Some("v1.34.7"), "2026-05-11")[0],
        "minor 1.34 reaches its end of life on 2026-10-27, in 169 days"
    );
}

#[test]
fn a_vulnerability_is_due_with_the_first_patch_free_of_it() {
    let mut catalog = spring();
    catalog.vulnerabilities = vec![
        vulnerability("CVE-2026-0001", 88, ">=1.33.0 <=1.33.10"),
        vulnerability("CVE-2026-0002", 98, ">=1.33.0 <=1.33.11"),
        vulnerability("CVE-2026-0003", 79, "<=1.33.11"),
        vulnerability("CVE-2026-0004", 80, "*"),
    ];
    assert_eq!(
        say(&catalog, "1.33", Some("v1.33.10"), "2026-05-20"),
        [
            "v1.33.11 fixes CVE-2026-0001 (8.8), due 2026-04-29, 21 days late (recommended 2026-04-17)",
            "v1.33.11 released 2026-04-15, due 2026-05-16, 4 days late",
            "v1.33.12 fixes CVE-2026-0002 (9.8), due 2026-05-26, in 6 days (recommended 2026-05-14)",
            "v1.33.12 released 2026-05-12, due 2026-06-12, in 23 days",
            "minor 1.33 reaches its end of life on 2026-06-28, in 39 days",
            "minor 1.33 released 2025-04-23, provided"
        ]
    );
    let fixed: Vec<String> = fixed_between(&catalog, version("v1.33.10"), version("v1.33.12"))
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        fixed,
        [
            "CVE-2026-0002 (9.8)",
            "CVE-2026-0001 (8.8)",
            "CVE-2026-0003 (7.9)"
        ]
    );
    let due = |standard: Standard| {
        let found = deadlines(
            standard,
            &catalog,
            "1.33".parse().unwrap(),
            Some(version("v1.33.11")),
            day("2026-05-20"),
        );
        let open = found.into_iter().filter(Deadline::is_open);
        open.map(|deadline| format!("{} {}", deadline.subject, deadline.due))
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(
        due(Standard::V2),
        "CVE-2026-0002 (9.8) 2026-05-26, v1.33.12 2026-06-12, 1.33 2026-06-28"
    );
    assert_eq!(
        due(Standard::V2Of202410),
        "CVE-2026-0002 (9.8) 2026-05-26, v1.33.12 2026-05-26, 1.33 2026-06-28"
    );
    assert_eq!(
        due(Standard::V2Of202402),
        "CVE-2026-0002 (9.8) 2026-05-19, v1.33.12 2026-05-19, 1.33 2026-06-28"
    );
    assert_eq!(due(Standard::V1), "v1.33.12 2026-05-19");
    assert_eq!(
        due(Standard::V3Draft),
        "CVE-2026-0002 (9.8) 2026-05-26, CVE-2026-0003 (7.9) 2026-05-26, v1.33.12 2026-05-26, 1.33 2026-06-28"
    );
    assert_eq!(due(Standard::None), "");
}

#[test]
fn names_read_back_and_others_are_answered_with_all() {
    for standard in Standard::ALL {
        assert_eq!(standard.name().parse(), Ok(standard));
    }
    let error = "scs-0210/v4".parse::<Standard>().unwrap_err();
    assert!(
        Standard::ALL
            .iter()
            .all(|standard| error.contains(standard.name())),
        "{error}"
    );
}

proptest! {
    /// Going to a newer patch, and a day less, never makes anything late.
    #[test]
    fn newer_is_never_later(
        published in prop::collection::vec(0..400_i32, 1..8),
        (from, to) in (0..8_u32, 0..8_u32),
        affected in prop::collection::vec((0..8_u32, 0..8_u32, 0..=100_u8), 0..4),
        (early, late) in (0..299_i32, 0..299_i32),
    ) {
        use jiff::ToSpan;
        let start = day("2026-01-01");
        let minor = Minor::new(1, 34);
        let mut days = published;
        days.sort_unstable();
        let mut catalog = Catalog::empty(start);
        catalog.kubernetes = (0..).zip(&days).map(|(patch, offset)| KubernetesRelease {
            version: KubernetesVersion::new(minor, patch),
            published: start.saturating_add(offset.days()),
        }).collect();
        catalog.vulnerabilities = (0..).zip(&affected).filter_map(|(index, (a, b, tenths))| {
            let range = format!(">=1.34.{} <=1.34.{}", a.min(b), a.max(b));
            let range = if a == b { format!("1.34.{a}") } else { range };
            Some(vulnerability(&format!("CVE-2026-{:04}", index + 1), *tenths, &range)).filter(|one| one.score.is_some())
        }).collect();
        catalog.sort();
        let late_rules = |patch: u32, offset: i32| {
            let today = start.saturating_add(offset.days());
            let found = deadlines(Standard::V2, &catalog, minor, Some(KubernetesVersion::new(minor, patch)), today);
            for deadline in &found {
                prop_assert!(deadline.since <= today || !deadline.is_open() || deadline.rule == DeadlineRule::EndOfLife);
                prop_assert!(deadline.since <= deadline.due);
                prop_assert_eq!(deadline.is_late(), deadline.is_open() && deadline.due < today);
            }
            let late = found.iter().filter(|one| one.is_late() && one.rule == DeadlineRule::LatestPatch);
            Ok(late.count())
        };
        let (low, high) = (from.min(to), from.max(to));
        prop_assert!(late_rules(high, late)? <= late_rules(low, late)?);
        prop_assert!(late_rules(low, early.min(late))? <= late_rules(low, early.max(late))?);
    }
}

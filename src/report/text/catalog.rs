//! A catalog: what each store and repository has, and who gave no answer.

use std::fmt::Write as _;

use super::{BOLD, YELLOW, labelled, styled};
use crate::catalog::{Catalog, VersionRange, Vulnerability};
use crate::report::compact;

/// Returns what a catalog holds, in a line.
pub(crate) fn catalog_summary(catalog: &Catalog) -> String {
    let images: usize = catalog
        .image_stores
        .iter()
        .map(|store| store.images.len())
        .sum();
    let charts: usize = catalog
        .chart_repositories
        .iter()
        .map(|repository| repository.charts.len())
        .sum();
    let failed = catalog.unreachable.len();
    let answer = match failed {
        0 => String::new(),
        1 => ", 1 source without an answer".to_owned(),
        count => format!(", {count} sources without an answer"),
    };
    let known = match catalog.vulnerabilities.len() {
        0 => String::new(),
        1 => ", 1 vulnerability".to_owned(),
        count => format!(", {count} vulnerabilities"),
    };
    format!(
        "{images} node images, {charts} charts, {} Kubernetes releases{known}{answer}",
        catalog.kubernetes.len()
    )
}

/// Returns a catalog.
pub(crate) fn catalog(catalog: &Catalog) -> String {
    let mut out = format!(
        "{}   {}\n",
        styled(BOLD, &format!("seen {}", catalog.as_of)),
        catalog_summary(catalog)
    );
    for store in &catalog.image_stores {
        // Writing to a text does not fail, here and below.
        let _ = writeln!(out, "\n{}", styled(BOLD, store.pattern.as_str()));
        for minor in &store.searched {
            let mut versions: Vec<_> = store
                .images
                .iter()
                .map(|image| image.version)
                .filter(|version| version.minor() == *minor)
                .collect();
            versions.sort_unstable();
            // A version may have images on several operating systems.
            versions.dedup();
            let found = if versions.is_empty() {
                "none".to_owned()
            } else {
                compact(&versions)
            };
            let _ = writeln!(out, "  {:<6} {found}", minor.to_string());
        }
        for image in &store.faulty {
            out.push_str(&labelled(
                "skip",
                YELLOW,
                &format!("{}: {}", image.version, image.reason),
            ));
        }
    }
    for repository in &catalog.chart_repositories {
        let _ = writeln!(out, "\n{}", styled(BOLD, &repository.url));
        for (chart, versions) in &repository.charts {
            let newest = versions
                .iter()
                .max()
                .map_or_else(|| "none".to_owned(), ToString::to_string);
            let _ = writeln!(
                out,
                "  {chart}   {} versions, newest {newest}",
                versions.len()
            );
        }
    }
    out.push_str(&vulnerabilities(&catalog.vulnerabilities));
    for failed in &catalog.unreachable {
        out.push_str(&labelled(
            "skip",
            YELLOW,
            &format!("{}: {}", failed.url, failed.reason),
        ));
    }
    out
}

fn join(ranges: &[VersionRange]) -> String {
    let texts: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn vulnerabilities(known: &[Vulnerability]) -> String {
    if known.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", styled(BOLD, "vulnerabilities of Kubernetes"));
    for vulnerability in known {
        let except = match &vulnerability.unaffected[..] {
            [] => String::new(),
            ranges => format!(" but {}", join(ranges)),
        };
        let _ = writeln!(
            out,
            "  {vulnerability}   {}{except}",
            join(&vulnerability.affected)
        );
        if let Some(summary) = &vulnerability.summary {
            let _ = writeln!(out, "    {summary}");
        }
        if !vulnerability.unread.is_empty() {
            let words = vulnerability.unread.join(", ");
            out.push_str(&labelled(
                "    note",
                YELLOW,
                &format!("versions that cannot be read: {words}"),
            ));
        }
    }
    out
}

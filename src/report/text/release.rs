//! Releases as text: what was built, and what is wrong with one.

use std::fmt::Write as _;

use super::{BOLD, DIM, GREEN, RED, labelled, styled};
use crate::release::{BuildReport, BuildState, Changes, ReleaseReport, VerifyReport};

/// Returns what was built.
pub(crate) fn built_releases(report: &BuildReport) -> String {
    let releases: Vec<String> = report.releases.iter().map(one).collect();
    releases.join("\n")
}

fn one(release: &ReleaseReport) -> String {
    let mut out = format!(
        "{}   {}\n",
        styled(BOLD, &release.tag.to_string()),
        outcome(release)
    );
    if release.state == BuildState::Unchanged {
        return out;
    }
    let versions = &release.versions;
    let rows = [
        ("kubernetes", release.kubernetes.clone()),
        ("cluster class", versions.cluster_stack.to_string()),
        ("cluster addon", versions.cluster_addon.to_string()),
        ("node image", versions.node_image.to_string()),
    ];
    for (label, value) in rows {
        // Writing to a text does not fail, here and below.
        let _ = writeln!(out, "  {label:14} {value}");
    }
    if let Some(changes) = &release.changes {
        let _ = writeln!(out, "  {:14} {}", "changed", Changes(changes.clone()));
    }
    let width = release.files.iter().map(|file| file.name.len()).max();
    for file in &release.files {
        let width = width.unwrap_or_default();
        let _ = writeln!(out, "  {:width$}  {:>8} bytes", file.name, file.size);
    }
    out
}

fn outcome(release: &ReleaseReport) -> String {
    let directory = release.directory.as_deref().unwrap_or_default();
    match release.state {
        BuildState::Written => styled(GREEN, &format!("written to {directory}")),
        BuildState::Replaced => styled(GREEN, &format!("replaced in {directory}")),
        BuildState::Same => format!("is in {directory} already, with the same files"),
        BuildState::Planned => format!("would be written to {directory}"),
        BuildState::Unchanged => "nothing changed since this release; nothing to build".to_owned(),
    }
}

/// Returns what is wrong with a release.
pub(crate) fn verified_release(report: &VerifyReport) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let _ = writeln!(
            out,
            "{}   {}\n  {}\n  {}",
            styled(BOLD, &finding.file),
            styled(RED, finding.reader.name()),
            finding.error,
            styled(DIM, &format!("hint: {}", finding.hint))
        );
    }
    if !report.findings.is_empty() {
        out.push('\n');
    }
    for note in &report.notes {
        out += &labelled("note", DIM, note);
    }
    let _ = match report.findings.len() {
        0 => writeln!(out, "{} can be published", report.tag),
        1 => writeln!(out, "1 finding in {}", report.tag),
        count => writeln!(out, "{count} findings in {}", report.tag),
    };
    out
}

//! Releases as text: what was built, and what is wrong with one.

use std::fmt::Write as _;

use super::{BOLD, DIM, GREEN, RED, labelled, styled};
use crate::release::{
    BuildReport, BuildState, Changes, CommitTag, ListReport, ListedRelease, NextLine, NextRelease,
    NextReport, NextState, PublishReport, PublishState, PublishedRelease, ReleaseReport,
    ReleaseSource, Step, UnreadableTag, VerifyReport,
};
use crate::release_digest::CsctlVerdict;

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

/// How much of a digest is shown to people.
const DIGITS: usize = 12;

/// Stands where nothing is known.
const BLANK: &str = "-";

/// Returns what is published.
pub(crate) fn listed_releases(report: &ListReport) -> String {
    let mut out = String::new();
    for line in &report.lines {
        let _ = writeln!(out, "{}", styled(BOLD, &line.line.to_string()));
        let versions = line.releases.iter().map(|one| one.version.to_string());
        let width = versions.map(|text| text.len()).max().unwrap_or_default();
        for release in &line.releases {
            let _ = writeln!(out, "  {}", row(release, width));
        }
    }
    if report.lines.is_empty() {
        out += "no release was found\n";
    }
    for gap in &report.gaps {
        out += &labelled("unknown", RED, gap);
    }
    let unreadable = &report.unreadable;
    if !unreadable.is_empty() {
        let words: Vec<String> = unreadable.iter().map(UnreadableTag::to_string).collect();
        out += &labelled("unread", DIM, &words.join(", "));
    }
    if unreadable
        .iter()
        .any(|tag| tag.sources.contains(&ReleaseSource::Registry))
    {
        let note = "csctl reads all tags of a repository, and refuses to release any stack because of these";
        out += &labelled("note", DIM, note);
    }
    out
}

fn row(release: &ListedRelease, width: usize) -> String {
    let day = release.day.map(|day| day.to_string());
    let digest = release.digest.as_ref().map(|digest| {
        let digits = digest.0.to_string();
        format!("sha256:{}", &digits[..DIGITS])
    });
    let mut row = format!(
        "{:width$}  {:9}  {:10}  {:19}  {}",
        release.version.to_string(),
        release.kubernetes.as_deref().unwrap_or(BLANK),
        day.as_deref().unwrap_or(BLANK),
        digest.as_deref().unwrap_or(BLANK),
        sources(release),
    );
    if let Some(fault) = &release.fault {
        let _ = write!(row, "   {}", styled(RED, fault));
    }
    row
}

fn sources(release: &ListedRelease) -> String {
    let names: Vec<&str> = release.sources.iter().map(|one| one.name()).collect();
    names.join(", ")
}

/// Returns what would be published next.
pub(crate) fn next_releases(report: &NextReport) -> String {
    let lines: Vec<String> = report.lines.iter().map(next_line).collect();
    lines.join("\n")
}

fn next_line(line: &NextLine) -> String {
    let name = styled(BOLD, &line.line.to_string());
    let mut out = match &line.state {
        NextState::First { next } => {
            format!("{name}   {next} is the first release\n")
        }
        NextState::Unchanged { last } => {
            let version = &last.tag.version;
            format!("{name}   nothing changed since {version}; nothing to publish\n")
        }
        NextState::Unknown { reason, hint } => {
            let hint = styled(DIM, &format!("hint: {hint}"));
            format!("{name}   {}: {reason}\n  {hint}\n", styled(RED, "unknown"))
        }
        NextState::Next(next) => next_release(&name, next),
    };
    let csctl = line.csctl.as_ref().map(|verdict| match verdict {
        CsctlVerdict::Publishes => "would publish".to_owned(),
        CsctlVerdict::Refuses { reason } => format!("would refuse: {reason}"),
        CsctlVerdict::Unknown { reason } => format!("unknown: {reason}"),
    });
    for (label, text) in csctl
        .iter()
        .map(|text| ("csctl", text))
        .chain(line.notes.iter().map(|note| ("note", note)))
    {
        let _ = writeln!(out, "  {label:14} {text}");
    }
    out
}

fn next_release(name: &str, next: &NextRelease) -> String {
    let last = &next.last;
    let mut out = format!(
        "{name}   {} follows {}\n",
        styled(GREEN, &next.tag.version.to_string()),
        last.tag.version
    );
    let rows = [
        (
            "last",
            format!(
                "{} ({}), with {}",
                last.tag.version,
                last.source.name(),
                last.kubernetes
            ),
        ),
        ("kubernetes", next.kubernetes.clone()),
        ("changed", Changes(next.changes.clone()).to_string()),
        ("cluster class", step(&next.cluster_stack)),
        ("cluster addon", step(&next.cluster_addon)),
        ("node image", step(&next.node_image)),
    ];
    for (label, value) in rows {
        let _ = writeln!(out, "  {label:14} {value}");
    }
    out
}

fn step(step: &Step) -> String {
    match (step.is_raised, &step.from, &step.to) {
        (true, Some(from), Some(to)) => format!("{from} -> {to}"),
        (true, _, _) => "goes up".to_owned(),
        (false, Some(from), _) => format!("{from}, as before"),
        (false, None, _) => "as before".to_owned(),
    }
}

/// Returns what became of releases that were to be published.
pub(crate) fn published_releases(report: &PublishReport) -> String {
    let place = &report.repository;
    let releases: Vec<String> = report
        .releases
        .iter()
        .map(|release| published(release, place))
        .collect();
    let passed = match &report.checks {
        Some(names) => format!("checks passed: {}\n", names.join(", ")),
        None => String::new(),
    };
    passed + &releases.join("\n")
}

fn published(release: &PublishedRelease, place: &str) -> String {
    let outcome = match release.state {
        PublishState::Published => styled(GREEN, &format!("published in {place}")),
        PublishState::Same => format!("is in {place} already, with the same files"),
        PublishState::Planned => format!("would be published in {place}"),
        PublishState::Unchanged => {
            "nothing changed since this release; nothing to publish".to_owned()
        }
    };
    let mut out = format!("{}   {outcome}\n", styled(BOLD, &release.tag.to_string()));
    if release.state == PublishState::Unchanged {
        return out;
    }
    let digest = release.digest.as_ref().map(ToString::to_string);
    let changes = release
        .changes
        .as_ref()
        .filter(|changes| !changes.is_empty());
    let rows = [
        ("digest", digest),
        ("kubernetes", Some(release.kubernetes.clone())),
        (
            "changed",
            changes.map(|changes| Changes(changes.clone()).to_string()),
        ),
        ("git tag", release.commit_tag.as_ref().map(commit_tag)),
    ];
    for (label, value) in rows {
        if let Some(value) = value {
            let _ = writeln!(out, "  {label:14} {value}");
        }
    }
    for attestation in &release.attestations {
        let _ = writeln!(
            out,
            "  {:14} {}",
            attestation.kind.name(),
            attestation.digest
        );
    }
    if release.signed {
        let _ = writeln!(out, "  {:14} with cosign", "signed");
    }
    let width = release.files.iter().map(|file| file.name.len()).max();
    for file in &release.files {
        let width = width.unwrap_or_default();
        let _ = writeln!(out, "  {:width$}  {:>8} bytes", file.name, file.size);
    }
    out
}

fn commit_tag(tag: &CommitTag) -> String {
    match tag {
        CommitTag::Made { commit } => format!("made at {commit}"),
        CommitTag::There { commit } => format!("is at {commit} already"),
        CommitTag::Planned { commit } => format!("would be made at {commit}"),
        CommitTag::None { reason } => format!("none: {reason}"),
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

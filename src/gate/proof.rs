//! The built-in proofs: new images are in the store with their checksum, new charts are in their index, and `check` finds nothing
//! that it did not find before. They compare the planned texts with the catalog, not the plan with itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{GateSubject, TestKind, TestResult, TestState};
use crate::catalog::{Catalog, NodeImage};
use crate::check::{Finding, Findings};
use crate::plan::FileAction;
use crate::stack::{Fact, Stack};
use crate::version::{ChartVersion, KubernetesVersion, Md5, Sha256};

/// What the proofs are made from.
#[derive(Debug, Clone, Copy)]
pub struct ProofInput<'a> {
    /// The stack line.
    pub subject: GateSubject<'a>,
    /// The stack as it is.
    pub before: &'a Stack,
    /// The stack as its planned texts say.
    pub after: &'a Stack,
    /// What the world offers.
    pub catalog: &'a Catalog,
    /// What `check` finds in the repository as it is.
    pub findings_before: &'a Findings,
    /// What `check` finds in the planned texts.
    pub findings_after: &'a Findings,
}

/// Makes the built-in proofs.
pub fn proofs(input: ProofInput<'_>) -> Vec<TestResult> {
    let mut results = image_proofs(input);
    results.extend(chart_proofs(input));
    results.push(check_proof(input));
    results
}

/// An image that a text names: where it is and its checksum, where the text says so.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct NamedImage {
    version: KubernetesVersion,
    url: Option<String>,
    sha256: Option<Sha256>,
    md5: Option<Md5>,
}

fn image_proofs(input: ProofInput<'_>) -> Vec<TestResult> {
    let minor = input.subject.line.line.minor;
    let known = named_images(input.before);
    let mut new: BTreeMap<KubernetesVersion, Vec<NamedImage>> = BTreeMap::new();
    for image in named_images(input.after) {
        if image.version.minor() == minor && !known.contains(&image) {
            new.entry(image.version).or_default().push(image);
        }
    }
    // The image of the new default may have been listed before, so that it is not among the new ones.
    if let Some(version) = input.subject.moved_default() {
        new.entry(version).or_insert_with(|| {
            vec![NamedImage {
                version,
                url: None,
                sha256: None,
                md5: None,
            }]
        });
    }
    new.into_iter()
        .map(|(version, images)| {
            let verdicts = images.iter().map(|image| image_verdict(input, image));
            let (state, words) = verdicts
                .max()
                .unwrap_or((TestState::Missing, String::new()));
            TestResult::new(TestKind::Proof, format!("image {version}"), state, words)
        })
        .collect()
}

/// The images that a stack's files name.
fn named_images(stack: &Stack) -> BTreeSet<NamedImage> {
    let listed = stack.image_entries().map(|entry| NamedImage {
        version: entry.version,
        url: entry.url.clone(),
        sha256: entry.sha256.clone(),
        md5: entry.md5.clone(),
    });
    let stated = stack.references();
    let single = stated.filter_map(|reference| match &reference.fact {
        Fact::Image(image) => Some(NamedImage {
            version: image.version,
            url: Some(image.url.clone()),
            sha256: image.sha256.clone(),
            md5: None,
        }),
        _ => None,
    });
    listed.chain(single).collect()
}

/// Finds a named image by its URL, or in the store of a series where it is named by its version alone.
fn find_image<'a>(
    input: ProofInput<'a>,
    version: KubernetesVersion,
    url: Option<&str>,
) -> Option<&'a NodeImage> {
    if let Some(url) = url {
        let mut images = input
            .catalog
            .image_stores
            .iter()
            .flat_map(|store| &store.images);
        return images.find(|image| image.url == *url && image.version == version);
    }
    let mut all = input.after.series.all().iter();
    all.find_map(|series| {
        let store = input.catalog.find_store(series.store.as_ref()?)?;
        let mut images = store.images_of(version);
        images.find(|image| series.has_os(image.os.as_ref()))
    })
}

fn image_verdict(input: ProofInput<'_>, named: &NamedImage) -> (TestState, String) {
    let version = named.version;
    let Some(image) = find_image(input, version, named.url.as_deref()) else {
        let mut stores = input.catalog.image_stores.iter();
        return if stores.any(|store| store.searched.contains(&version.minor())) {
            (TestState::Failed, "the store has no such image".to_owned())
        } else {
            let words = format!("no store was queried for images of {}", version.minor());
            (TestState::Unreadable, words)
        };
    };
    if let (Some(seen), Some(written)) = (&image.md5, &named.md5)
        && seen != written
    {
        return (TestState::Failed, other_checksum(written, seen));
    }
    match (&image.sha256, &named.sha256) {
        (Some(seen), Some(written)) if seen != written => {
            (TestState::Failed, other_checksum(written, seen))
        }
        (Some(_), _) => (TestState::Passed, "available, checksum known".to_owned()),
        (None, None) if image.sha512.is_some() => (
            TestState::Passed,
            "available, SHA-512 checksum known".to_owned(),
        ),
        (None, None) if image.md5.is_some() => (
            TestState::Passed,
            "available, MD5 checksum known".to_owned(),
        ),
        (None, _) if image.unproved => (
            TestState::Passed,
            "available, and nothing proves it".to_owned(),
        ),
        (None, _) if image.url.contains("://") => {
            (TestState::Failed, "the store has no checksum".to_owned())
        }
        // A container image has no scheme in its name, and is proved by its tag.
        (None, _) => (TestState::Passed, "available".to_owned()),
    }
}

fn other_checksum(written: impl fmt::Display, seen: impl fmt::Display) -> String {
    format!("the checksum is {written}, but the store says {seen}")
}

/// A chart that a file names.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct NamedChart {
    repository: String,
    name: String,
    version: ChartVersion,
}

fn chart_proofs(input: ProofInput<'_>) -> Vec<TestResult> {
    // A chart that any line had before is not new.
    let known = charts(input.before, None);
    let new = charts(input.after, Some(input));
    new.difference(&known)
        .map(|chart| chart_proof(input, chart))
        .collect()
}

fn chart_proof(input: ProofInput<'_>, chart: &NamedChart) -> TestResult {
    let NamedChart {
        repository,
        name,
        version,
    } = chart;
    let (state, words) = match input.catalog.find_chart(repository, name) {
        Some(all) if all.iter().any(|found| found.is_same_release(version)) => {
            (TestState::Passed, "in the index".to_owned())
        }
        Some(_) => {
            let words = format!("the index of {repository} has no such version");
            (TestState::Failed, words)
        }
        None => {
            let mut unreachable = input.catalog.unreachable.iter();
            let failed = unreachable.find(|failed| failed.source == *repository);
            let words = match failed {
                Some(failed) => format!("{}: {}", failed.url, failed.reason),
                None => format!("the catalog has nothing about {repository}"),
            };
            (TestState::Unreadable, words)
        }
    };
    let title = format!("chart {name} {}", version.plain());
    TestResult::new(TestKind::Proof, title, state, words)
}

/// The charts of a stack; of one line alone, those of its source tree and its row.
fn charts(stack: &Stack, of: Option<ProofInput<'_>>) -> BTreeSet<NamedChart> {
    let minor = of.map(|input| input.subject.line.line.minor);
    let of_trees = stack
        .trees
        .iter()
        .filter(|tree| minor.is_none() || tree.minor == minor)
        .flat_map(|tree| {
            tree.references()
                .map(move |reference| (Some(tree), reference))
        });
    let shared = stack.shared.iter().flat_map(|file| file.references());
    let references = of_trees.chain(shared.map(|reference| (None, reference)));
    let named = references.filter_map(|(tree, reference)| match &reference.fact {
        Fact::ChartDependency {
            chart, repository, ..
        } => {
            let bound = stack.charts.find(chart);
            let usual = bound.filter(|_| repository.is_empty());
            let version = tree?.version_of(reference)?;
            Some(NamedChart {
                repository: usual.map_or(repository, |bound| &bound.repository).clone(),
                name: chart.clone(),
                version: version.clone(),
            })
        }
        Fact::ListedAddon {
            minor: row,
            chart,
            version: Some(version),
            ..
        } if minor.is_none_or(|minor| minor == *row) => {
            let repository = stack.repository_of(stack.charts.find(chart)?);
            Some(NamedChart {
                repository: repository.to_owned(),
                name: chart.clone(),
                version: version.clone(),
            })
        }
        _ => None,
    });
    named.collect()
}

/// What `check` finds that it did not find before: more findings of a rule in a file, or in the file it was shaped after. Lines
/// and versions in messages change with every plan.
fn check_proof(input: ProofInput<'_>) -> TestResult {
    let mut found: BTreeMap<(&str, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in &input.findings_after.findings {
        if is_of_line(input.subject, finding) {
            let place = (finding.file.as_str(), finding.rule);
            found.entry(place).or_default().push(finding);
        }
    }
    let mut new: Vec<&Finding> = Vec::new();
    for ((file, rule), findings) in found {
        let source = source_of(input.subject, file);
        let known: Vec<&str> = input
            .findings_before
            .findings
            .iter()
            .filter(|known| known.file == source && known.rule == rule)
            .map(|known| known.message.as_str())
            .collect();
        let more = findings.len().saturating_sub(known.len());
        // Which of them are new cannot be told; those with other words than before are named first.
        let (told, untold): (Vec<_>, Vec<_>) = findings
            .into_iter()
            .partition(|finding| known.contains(&finding.message.as_str()));
        new.extend(untold.into_iter().chain(told).take(more));
    }
    let (state, words) = match new.len() {
        0 => (TestState::Passed, "no new finding".to_owned()),
        1 => (TestState::Failed, "1 new finding".to_owned()),
        count => (TestState::Failed, format!("{count} new findings")),
    };
    let output: Vec<String> = new.into_iter().map(finding_words).collect();
    TestResult {
        output: (!output.is_empty()).then(|| output.join("\n")),
        ..TestResult::new(TestKind::Proof, "check", state, words)
    }
}

/// Tells whether a finding is about a line, or about none of the lines of its stack.
fn is_of_line(subject: GateSubject<'_>, finding: &Finding) -> bool {
    let mut lines = subject.stack.lines.iter().map(|line| line.line.minor);
    let of_line = finding
        .minor
        .is_none_or(|minor| minor == subject.line.line.minor || lines.all(|of| of != minor));
    finding.stack == subject.stack.title && of_line
}

/// Returns the file that a changed file was shaped after: its own findings are not new there.
fn source_of<'a>(subject: GateSubject<'a>, file: &'a str) -> &'a str {
    let change = subject.files.iter().find(|change| change.path == file);
    match change.map(|change| &change.action) {
        Some(FileAction::Create { from, .. } | FileAction::Copy { from }) => from,
        Some(FileAction::Edit { .. } | FileAction::Remove) | None => file,
    }
}

fn finding_words(finding: &Finding) -> String {
    let line = finding.line.map(|line| format!(":{line}"));
    format!(
        "{}{} {}: {}",
        finding.file,
        line.unwrap_or_default(),
        finding.rule,
        finding.message
    )
}

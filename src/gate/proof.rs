//! The built-in proofs: new images are in the store with their checksum, new charts are in their index, and `check` finds nothing
//! that it did not find before. They compare the planned texts with the catalog, not the plan with itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{Subject, TestKind, TestResult, TestState};
use crate::catalog::{Catalog, NodeImage};
use crate::check::{Finding, Findings};
use crate::plan::FileAction;
use crate::stack::{Fact, SourceFile, Stack};
use crate::version::{ChartVersion, KubernetesVersion, Sha256};

/// What the proofs are made from.
#[derive(Debug, Clone, Copy)]
pub struct ProofInput<'a> {
    /// The stack line.
    pub subject: Subject<'a>,
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
type Named = (KubernetesVersion, Option<String>, Option<Sha256>);

fn image_proofs(input: ProofInput<'_>) -> Vec<TestResult> {
    let minor = input.subject.line.line.minor;
    let known = named_images(input.before);
    let mut new: BTreeMap<KubernetesVersion, Vec<Named>> = BTreeMap::new();
    for image in named_images(input.after) {
        if image.0.minor() == minor && !known.contains(&image) {
            new.entry(image.0).or_default().push(image);
        }
    }
    if let Some(version) = input.subject.moved_default() {
        new.entry(version)
            .or_insert_with(|| vec![(version, None, None)]);
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
fn named_images(stack: &Stack) -> BTreeSet<Named> {
    let image_lists = stack.files().flat_map(SourceFile::image_lists);
    let entries = image_lists.flat_map(|image_list| &image_list.entries);
    let listed = entries.map(|entry| (entry.version, entry.url.clone(), entry.sha256.clone()));
    let references = stack.files().flat_map(SourceFile::references);
    let single = references.filter_map(|reference| match &reference.fact {
        Fact::Image(image) => Some((image.version, Some(image.url.clone()), image.sha256.clone())),
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

fn image_verdict(input: ProofInput<'_>, (version, url, sum): &Named) -> (TestState, String) {
    let Some(image) = find_image(input, *version, url.as_deref()) else {
        let mut stores = input.catalog.image_stores.iter();
        return if stores.any(|store| store.searched.contains(&version.minor())) {
            (
                TestState::Failed,
                "no such image was seen in the store".to_owned(),
            )
        } else {
            let words = format!("no store was asked for images of {}", version.minor());
            (TestState::Unreadable, words)
        };
    };
    match (&image.sha256, sum) {
        (Some(seen), Some(written)) if seen != written => {
            let words = format!("the checksum is {written}, the store says {seen}");
            (TestState::Failed, words)
        }
        (Some(_), _) => (TestState::Passed, "there, checksum known".to_owned()),
        (None, None) if image.sha512.is_some() => (
            TestState::Passed,
            "there, SHA-512 checksum known".to_owned(),
        ),
        (None, _) if image.url.contains("://") => {
            (TestState::Failed, "the store gives no checksum".to_owned())
        }
        (None, _) => (TestState::Passed, "there".to_owned()),
    }
}

/// A chart that a file names: its repository, its name and its version.
type NamedChart = (String, String, ChartVersion);

fn chart_proofs(input: ProofInput<'_>) -> Vec<TestResult> {
    let known = charts(input.before, None);
    let new = charts(input.after, Some(input));
    let new = new.difference(&known);
    new.map(|(repository, chart, version)| {
        let mut unreachable = input.catalog.unreachable.iter();
        let failed = unreachable.find(|failed| failed.source == *repository);
        let (state, words) = match input.catalog.find_chart(repository, chart) {
            Some(all) if all.iter().any(|found| found.is_same_release(version)) => {
                (TestState::Passed, "in the index".to_owned())
            }
            Some(_) => {
                let words = format!("the index of {repository} has no such version");
                (TestState::Failed, words)
            }
            None => {
                let silent = format!("the catalog has nothing about {repository}");
                let words = failed.map(|failed| format!("{}: {}", failed.url, failed.reason));
                (TestState::Unreadable, words.unwrap_or(silent))
            }
        };
        let name = format!("chart {chart} {}", version.plain());
        TestResult::new(TestKind::Proof, name, state, words)
    })
    .collect()
}

/// The charts of a stack; of one line alone, those of its source tree and its row.
fn charts(stack: &Stack, of: Option<ProofInput<'_>>) -> BTreeSet<NamedChart> {
    let minor = of.map(|input| input.subject.line.line.minor);
    let trees = stack.trees.iter();
    let trees = trees.filter(|tree| minor.is_none() || tree.minor == minor);
    let of_trees = trees.flat_map(|tree| {
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
            let repository = usual.map_or(repository, |bound| &bound.repository);
            let version = tree?.version_of(reference)?;
            Some((repository.clone(), chart.clone(), version.clone()))
        }
        Fact::ListedAddon {
            minor: row,
            chart,
            version: Some(version),
            ..
        } if minor.is_none_or(|minor| minor == *row) => {
            let repository = stack.repository_of(stack.charts.find(chart)?);
            Some((repository.to_owned(), chart.clone(), version.clone()))
        }
        _ => None,
    });
    named.collect()
}

/// What `check` finds that it did not find before: more findings of a rule in a file, or in the file it was shaped after. Lines
/// and versions in messages change with every plan.
fn check_proof(input: ProofInput<'_>) -> TestResult {
    let subject = input.subject;
    let lines = || subject.stack.lines.iter().map(|line| line.line.minor);
    let own = subject.line.line.minor;
    let is_own = |finding: &&Finding| {
        let minor = finding.minor;
        let of_line = minor.is_none_or(|minor| minor == own || lines().all(|of| of != minor));
        finding.stack == subject.stack.title && of_line
    };
    let source = |file: &str| -> String {
        let change = subject.files.iter().find(|change| change.path == file);
        match change.map(|change| &change.action) {
            Some(FileAction::Create { from, .. } | FileAction::Copy { from }) => from.clone(),
            Some(FileAction::Edit { .. } | FileAction::Remove) | None => file.to_owned(),
        }
    };
    let mut found: BTreeMap<(&str, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in input.findings_after.findings.iter().filter(is_own) {
        let place = (finding.file.as_str(), finding.rule);
        found.entry(place).or_default().push(finding);
    }
    let new: Vec<&Finding> = found
        .into_iter()
        .flat_map(|((file, rule), findings)| {
            let source = source(file);
            let known = input.findings_before.findings.iter();
            let known = known.filter(|known| known.file == source && known.rule == rule);
            let known: Vec<&str> = known.map(|known| known.message.as_str()).collect();
            let more = findings.len().saturating_sub(known.len());
            let (told, untold): (Vec<_>, Vec<_>) = findings
                .into_iter()
                .partition(|finding| known.contains(&finding.message.as_str()));
            untold
                .into_iter()
                .chain(told)
                .take(more)
                .collect::<Vec<_>>()
        })
        .collect();
    let (state, words) = match new.len() {
        0 => (TestState::Passed, "no new finding".to_owned()),
        1 => (TestState::Failed, "1 new finding".to_owned()),
        count => (TestState::Failed, format!("{count} new findings")),
    };
    let say = |finding: &&Finding| {
        let line = finding.line.map(|line| format!(":{line}"));
        let line = line.unwrap_or_default();
        format!(
            "{}{line} {}: {}",
            finding.file, finding.rule, finding.message
        )
    };
    let output = new.iter().map(say).collect::<Vec<_>>().join("\n");
    TestResult {
        output: Some(output).filter(|output| !output.is_empty()),
        ..TestResult::new(TestKind::Proof, "check", state, words)
    }
}

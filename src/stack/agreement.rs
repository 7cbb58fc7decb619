//! Whether the configured references of a stack say what its source trees say, and the values that they are to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::configured::{ConfiguredReference, ReferenceValues, Unmet, UnmetReason, Value, Values};
use super::facts::{Fact, Reference};
use super::model::{SourceTree, Stack};
use super::source::SourceFile;
use super::wanted::Wanted;
use crate::template::Variable as _;
use crate::version::{ChartVersion, StackVersion};

/// A configured reference that contradicts its source tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleReference {
    /// The reference.
    pub reference: Reference,
    /// What should stand there.
    pub expected: String,
}

/// Returns the source tree whose state a file of the stack speaks of: the one it is in, else that of the newest minor.
fn tree_of<'s>(stack: &'s Stack, file: &SourceFile) -> Option<&'s SourceTree> {
    let own = stack.trees.iter().find(|tree| tree.has(file));
    own.or(stack.trees.last())
}

/// Returns the configured references of a stack that say nothing, and why.
pub(crate) fn unmet(stack: &Stack) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    let mut seen: Vec<&Arc<ConfiguredReference>> = Vec::new();
    for file in stack.files() {
        for reference in file.configured() {
            // An entry may have many files: it is met where one of them has its place, and unmet once.
            if seen.contains(&reference) {
                continue;
            }
            seen.push(reference);
            let fact = reference.fact();
            let mut references = stack.files().flat_map(SourceFile::references);
            if !references.any(|found| found.fact == fact) {
                unmet.push(reference.unmet(reference.not_found()));
                continue;
            }
            let missing = tree_of(stack, file)
                .and_then(values_of)
                .and_then(|values| reference.value.fill(&values).err())
                // The published releases are not the tree's business.
                .filter(|value| *value != Value::StackVersion);
            unmet.extend(missing.map(|value| {
                reference.unmet(UnmetReason::UnknownValue {
                    name: value.name(),
                    stack: stack.title(),
                })
            }));
        }
    }
    unmet
}

/// Returns the configured references of a stack that contradict its source trees. References with the stack's version are left out, as
/// the tree does not know it.
pub fn stale_references(stack: &Stack) -> Vec<StaleReference> {
    let mut stale = Vec::new();
    for file in stack.files().filter(|file| !file.configured().is_empty()) {
        let Some(values) = tree_of(stack, file).and_then(values_of) else {
            continue;
        };
        for configured in file.configured() {
            let Ok(expected) = configured.value.fill(&values) else {
                continue;
            };
            let fact = configured.fact();
            let own = file
                .references()
                .iter()
                .filter(|reference| reference.fact == fact);
            stale.extend(
                own.filter(|reference| reference.value != expected)
                    .map(|reference| StaleReference {
                        reference: reference.clone(),
                        expected: expected.clone(),
                    }),
            );
        }
    }
    stale
}

impl ReferenceValues {
    /// Returns the values of a wanted state; `stack` is the stack as it is. Nothing where no source tree is of the minor.
    pub(crate) fn new(stack: &Stack, wanted: &Wanted<'_>) -> Option<Self> {
        let minor = Some(wanted.line_before.minor);
        let tree = stack.trees.iter().find(|tree| tree.minor == minor)?;
        let before = Values {
            default: wanted.default_before,
            stack_version: wanted.next_version.as_ref().and_then(version_before),
            ..values_of(tree)?
        };
        let moves = wanted.default != wanted.default_before || wanted.line != wanted.line_before;
        let mut after = Values {
            minor: wanted.line.minor,
            default: wanted.default,
            // What the release becomes is known only while it becomes; afterwards what was written then stays.
            stack_version: wanted.next_version.clone().filter(|_| moves),
            ..before.clone()
        };
        after.charts.extend(wanted.charts.clone());
        Some(Self { before, after })
    }
}

/// Returns the published version that another one follows; nothing before the first.
fn version_before(next: &StackVersion) -> Option<StackVersion> {
    let number = next.stable_number()?.checked_sub(1)?;
    (number > 0).then(|| StackVersion::stable(number))
}

/// Returns the values of a source tree as it is; nothing where its minor is not known.
fn values_of(tree: &SourceTree) -> Option<Values> {
    Some(Values {
        provider: tree.provider.clone(),
        stack: tree.name.clone(),
        minor: tree.minor?,
        default: tree.default,
        stack_version: None,
        charts: chart_versions(tree),
        short: short_names(tree),
    })
}

/// Returns the versions of a tree's charts by their names.
fn chart_versions(tree: &SourceTree) -> BTreeMap<String, ChartVersion> {
    let mut versions = BTreeMap::new();
    for reference in tree.references() {
        if let Fact::ChartDependency { chart, .. } = &reference.fact
            && let Some(version) = tree.version_of(reference)
        {
            versions.insert(chart.clone(), version.clone());
        }
    }
    versions
}

/// Returns the names of a tree's charts by their short ones.
fn short_names(tree: &SourceTree) -> BTreeMap<&'static str, String> {
    let charts = tree.files.iter().flat_map(|file| file.charts().iter());
    charts
        .filter_map(|chart| Some((chart.short?, chart.name.clone())))
        .collect()
}

//! Contradictions in a repository of cluster stacks: what one file says against another, against what the consumers of a release
//! accept, against the policy, the catalog and the calendar. It finds and explains; the repairs it names are those of `plan`.

mod calendar;
mod charts;
mod consumers;
mod fix;
mod images;
mod lists;
mod metadata;
mod plugin;
mod policy;
mod references;
mod release;
mod rule;
mod selection;
mod strict;
mod texts;
mod versions;
mod view;
mod world;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::catalog::Catalog;
use crate::plan::Selection;
use crate::policy::Policy;
use crate::stack::{Discovery, Stack, Tree};
use crate::version::{KubernetesVersion, Minor};

pub use fix::repair;
pub use rule::{CSCTL_RULE, Group, Rule, Severity, find_rule, rules};
pub use selection::{RuleSelection, RuleSelectionError};
use view::View;

/// The version of the findings' JSON form.
pub const FINDINGS_SCHEMA: u32 = 1;

/// What a check is made from.
#[derive(Debug, Clone, Copy)]
pub struct CheckInput<'a> {
    /// The repository's files.
    pub tree: &'a Tree,
    /// The cluster stacks in it.
    pub discovery: &'a Discovery,
    /// What the world offers, where it is known.
    pub catalog: Option<&'a Catalog>,
    /// The policy.
    pub policy: &'a Policy,
    /// Which stacks and which minor.
    pub selection: &'a Selection,
    /// The rules to apply.
    pub rules: &'a RuleSelection,
    /// The release tags that this state of the repository has, or is to have.
    pub tags: &'a [StateTag],
    /// Why csctl would refuse to publish a source tree, by its directory; empty where nobody asked.
    pub unpublishable: &'a BTreeMap<String, String>,
    /// The day.
    pub today: Date,
}

/// A git tag of a state of the repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateTag {
    /// The tag.
    pub name: String,
    /// Whether the state was asked for by this tag, or is to get it; else the commit merely has it, among others.
    pub is_asked: bool,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    /// The form's version, [`FINDINGS_SCHEMA`].
    pub schema: u32,
    /// How many cluster stacks were looked at.
    pub stacks: usize,
    /// How many of them have findings.
    pub stacks_with_findings: usize,
    /// The findings, in the order of their files and lines.
    pub findings: Vec<Finding>,
}

/// One contradiction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The file, relative to the repository's root.
    pub file: String,
    /// The line, counted from 1, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The rule's name.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The cluster stack.
    pub stack: String,
    /// The stack's minor that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minor: Option<Minor>,
    /// The place in the file: `config.kubernetesVersion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What is wrong, as a sentence without its full stop.
    pub message: String,
    /// What `check --fix` and `update` would write there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// What a person can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What `check --fix` and `update` would write in place of a contradiction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// The place in the file.
    pub at: String,
    /// What will stand there; nothing where something is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What a rule found.
struct Found {
    file: String,
    line: Option<usize>,
    at: Option<String>,
    minor: Option<Minor>,
    message: String,
    hint: Option<String>,
}

/// Checks a repository. Stacks are read, checked and let go one by one.
pub fn check(input: CheckInput<'_>) -> Findings {
    let checked = input.discovery.map(input.tree, |stack| {
        input
            .selection
            .takes(stack)
            .then(|| check_stack(input, stack))
    });
    let checked: Vec<Vec<Finding>> = checked.into_iter().flatten().collect();
    let stacks_with_findings = checked.iter().filter(|found| !found.is_empty()).count();
    let stacks = checked.len();
    let mut findings: Vec<Finding> = checked.into_iter().flatten().collect();
    findings.sort();
    findings.dedup();
    Findings {
        schema: FINDINGS_SCHEMA,
        stacks,
        stacks_with_findings,
        findings,
    }
}

fn check_stack(input: CheckInput<'_>, stack: &Stack) -> Vec<Finding> {
    let view = View::new(input, stack);
    let mut findings = Vec::new();
    for rule in rules().filter(|rule| input.rules.takes(rule)) {
        if view.is_torn() && !rule.is_of_faults() {
            continue;
        }
        let found = (rule.find)(&view);
        findings.extend(
            found
                .into_iter()
                .map(|found| finding(rule, found, stack.title())),
        );
    }
    if let Some(minor) = input.selection.minor {
        findings.retain(|finding| finding.minor.is_none_or(|of| of == minor));
    }
    fix::name_fixes(&view, &mut findings);
    findings
}

fn finding(rule: &Rule, found: Found, stack: String) -> Finding {
    Finding {
        file: found.file,
        line: found.line,
        rule: rule.name,
        severity: rule.severity,
        stack,
        minor: found.minor,
        at: found.at,
        message: found.message,
        fix: None,
        hint: found.hint,
    }
}

/// Names a version, or the minor alone where that is all there is.
fn version_words(version: Option<KubernetesVersion>, minor: Minor) -> String {
    version.map_or_else(|| minor.to_string(), |version| version.to_string())
}

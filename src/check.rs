//! Contradictions in a repository of cluster stacks: what one file says against another, against what the consumers of a release
//! accept, against the policy, the catalog and the calendar. It finds and explains; the repairs it names are those of `plan`.

mod calendar;
mod charts;
mod consumers;
mod finding;
mod fix;
mod image_manager;
mod images;
mod input;
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

use crate::stack::Stack;

pub use finding::{FINDINGS_SCHEMA, Finding, Findings, Repair, RepairAction};
pub use fix::repair;
pub use input::{CheckInput, StateTag};
pub use rule::{CSCTL_RULE, Group, Rule, Severity};
pub use selection::{RuleSelection, RuleSelectionError};
use view::View;

/// Returns all rules, family by family.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let families: [&[Rule]; 15] = [
        &versions::RULES,
        &charts::RULES,
        &images::RULES,
        &lists::RULES,
        &consumers::RULES,
        &image_manager::RULES,
        &plugin::RULES,
        &metadata::RULES,
        &texts::RULES,
        &policy::RULES,
        &references::RULES,
        &strict::RULES,
        &world::RULES,
        &calendar::RULES,
        &release::RULES,
    ];
    families.into_iter().flatten()
}

/// Finds a rule by its name.
pub fn find_rule(name: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.name == name)
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
        let found = rule.apply(&view).into_iter();
        findings.extend(found.map(|found| Finding::new(rule, found, stack.title())));
    }
    if let Some(minor) = input.selection.minor {
        findings.retain(|finding| finding.minor.is_none_or(|of| of == minor));
    }
    fix::name_fixes(&view, &mut findings);
    findings
}

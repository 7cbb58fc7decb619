//! Contradictions in a repository of cluster stacks: what one file says against another, against what the consumers of a release
//! accept, against the policy, the catalog and the calendar. It finds and explains; the repairs it names are those of `plan`.

mod calendar;
mod catalog;
mod charts;
mod classes;
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

use crate::spelling::nearest;
use crate::stack::Stack;

pub use finding::{FINDINGS_SCHEMA, Finding, Findings, Repair, RepairAction, Severity};
pub use fix::repair;
pub use input::{CheckInput, StateTag};
pub use rule::{CSCTL_RULE, Group, Rule};
pub use selection::{RuleSelection, RuleSelectionError};
use view::View;

/// Returns all rules, family by family.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let families: [&[Rule]; 16] = [
        &versions::RULES,
        &charts::RULES,
        &images::RULES,
        &lists::RULES,
        &classes::RULES,
        &consumers::RULES,
        &image_manager::RULES,
        &plugin::RULES,
        &metadata::RULES,
        &texts::RULES,
        &policy::RULES,
        &references::RULES,
        &strict::RULES,
        &catalog::RULES,
        &calendar::RULES,
        &release::RULES,
    ];
    families.into_iter().flatten()
}

/// Finds a rule by its name.
pub(crate) fn find_rule(name: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.name == name)
}

/// Selects rules by names of rules and groups: `only` these where there are any, else the default groups and those of `with`; in
/// either case without those of `skip`.
pub fn select_rules(
    only: &[String],
    with: &[String],
    skip: &[String],
) -> Result<RuleSelection, RuleSelectionError> {
    for name in only.iter().chain(with).chain(skip) {
        if !rules().any(|rule| rule.has_name(name)) {
            let names = rules()
                .map(|rule| rule.name)
                .chain(Group::ALL.map(Group::name));
            return Err(RuleSelectionError {
                name: name.clone(),
                nearest: nearest(name, names),
            });
        }
    }
    Ok(RuleSelection {
        only: only.to_vec(),
        with: with.to_vec(),
        skip: skip.to_vec(),
        groups: Vec::new(),
    })
}

/// Checks a repository. Stacks are read, checked and let go one by one.
pub fn check(input: CheckInput<'_>, selected: &RuleSelection) -> Findings {
    let checked = input.discovery.map(input.tree, |stack| {
        input
            .selection
            .takes(stack)
            .then(|| check_stack(input, selected, stack))
    });
    let checked: Vec<Vec<Finding>> = checked.into_iter().flatten().collect();
    let stacks_with_findings = checked.iter().filter(|found| !found.is_empty()).count();
    let stacks = checked.len();
    let mut findings: Vec<Finding> = checked.into_iter().flatten().collect();
    // By file, then by line: the fields of `Finding` stand in that order.
    findings.sort();
    findings.dedup();
    Findings {
        schema: FINDINGS_SCHEMA,
        stacks,
        stacks_with_findings,
        findings,
    }
}

fn check_stack(input: CheckInput<'_>, selected: &RuleSelection, stack: &Stack) -> Vec<Finding> {
    let view = View::new(input, stack);
    let mut findings: Vec<Finding> = rules()
        .filter(|rule| selected.takes(rule))
        .flat_map(|rule| rule.apply(&view))
        .collect();
    if let Some(minor) = input.selection.minor {
        // What is of no minor, as in a list of all, concerns each of them.
        findings.retain(|finding| finding.minor.is_none_or(|of| of == minor));
    }
    // Last, as no plan has to be made for a stack without findings.
    fix::name_fixes(&view, &mut findings);
    findings
}

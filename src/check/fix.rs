//! Repairs of findings. They are the edits of class `repair` that `plan` makes from the repository's own facts; a repair is named
//! beside the findings it is for, and only those are carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::finding::{Finding, Findings, Repair};
use super::input::CheckInput;
use super::view::View;
use crate::catalog::Catalog;
use crate::plan::{FileChange, Plan, PlanInput, plan, plan_stack};
use crate::policy::{ChangeClass, Wishes};
use crate::stack::{chart_of_lock, lock_of_chart};

/// Returns the plan that repairs these findings, those of them that can be.
pub fn repair(input: CheckInput<'_>, findings: &Findings) -> Plan {
    let with_fix = findings
        .findings
        .iter()
        .filter(|finding| finding.fix.is_some());
    let mut places = BTreeSet::new();
    for finding in with_fix {
        places.extend(finding.line.map(|line| (finding.file.clone(), line)));
        // A lock goes with its chart, and its digest stands on another line.
        let own_lock = chart_of_lock(&finding.file).map(|_| finding.file.clone());
        let lock = lock_of_chart(&finding.file).or(own_lock);
        places.extend(lock.map(|lock| (lock, 0)));
    }
    with_input(input, &repairs(Some(Arc::new(places))), plan)
}

/// Names the repair beside each finding that has one.
pub(super) fn name_fixes(view: &View<'_>, findings: &mut [Finding]) {
    // Nothing is planned for a stack of which a file could not be read.
    if findings.is_empty() || !view.stack.faults.is_empty() {
        return;
    }
    let changes = with_input(view.input, &repairs(None), |input| {
        plan_stack(input, view.stack).1
    });
    let files: BTreeMap<&str, &FileChange> = changes
        .iter()
        .map(|file| (file.path.as_str(), file))
        .collect();
    for finding in findings {
        let Some(file) = files.get(finding.file.as_str()) else {
            continue;
        };
        let edit = file
            .edits
            .iter()
            .find(|edit| Some(edit.line) == finding.line && Some(&edit.at) == finding.at.as_ref());
        if let Some(edit) = edit {
            finding.fix = Some(Repair::of(edit));
            // The fix says what to do, and `check --fix` does it.
            finding.hint = None;
        }
    }
}

fn repairs(places: Option<Arc<BTreeSet<(String, usize)>>>) -> Wishes {
    Wishes {
        places,
        ..Wishes::only(ChangeClass::Repair)
    }
}

fn with_input<R>(
    input: CheckInput<'_>,
    wishes: &Wishes,
    function: impl FnOnce(PlanInput<'_>) -> R,
) -> R {
    // Repairs come from the repository's own facts, so that they need no source.
    let nothing = Catalog::empty(input.today);
    function(PlanInput {
        tree: input.tree,
        discovery: input.discovery,
        catalog: input.catalog.unwrap_or(&nothing),
        policy: input.policy,
        wishes,
        selection: input.selection,
    })
}

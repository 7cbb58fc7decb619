//! The rule of configured references: places that users have named say what their templates say.

use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
use super::view::View;
use crate::stack::{StaleReference, stale_references};

pub(super) const RULES: [Rule; 1] = [Rule {
    name: "configured-reference",
    group: Group::Tree,
    severity: Severity::Warning,
    finds: "A value named under `references` in csctl-matrix.yaml differs from its template.",
    reason: "It was configured to follow the stack, and it was not updated.",
    find: Search::Stack(configured_reference),
}];

fn configured_reference(view: &View<'_>) -> Vec<Contradiction> {
    let stale = stale_references(view.stack);
    stale.iter().map(stale_reference).collect()
}

fn stale_reference(stale: &StaleReference) -> Contradiction {
    let StaleReference {
        reference,
        expected,
    } = stale;
    let message = format!(
        "`{}` is {}, but its template gives {expected}",
        reference.at, reference.value
    );
    Contradiction::at(reference, message)
}

//! The rule of configured references: places that users have named say what their templates say.

use super::finding::Found;
use super::rule::{Group, Rule, Search, Severity};
use super::view::View;
use crate::stack::{StaleReference, stale_references};

pub(super) const RULES: [Rule; 1] = [Rule {
    name: "configured-reference",
    group: Group::Tree,
    severity: Severity::Warning,
    finds: "A place named under `references` in csctl-matrix.yaml says something else than its template.",
    reason: "It was named because it has to follow the stack, and it was forgotten.",
    find: Search::Stack(configured_reference),
}];

fn configured_reference(view: &View<'_>) -> Vec<Found> {
    let say = |stale: StaleReference| {
        let StaleReference {
            reference,
            expected,
        } = stale;
        let message = format!(
            "`{}` says {}, {expected} is wanted",
            reference.at, reference.value
        );
        Found::at(&reference, message)
    };
    stale_references(view.stack).into_iter().map(say).collect()
}

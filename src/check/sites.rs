//! The rule of configured sites: places that users have named say what their templates say.

use super::Found;
use super::rule::{Group, Rule, Severity};
use super::view::View;
use crate::stack::{StaleSite, stale_sites};

pub(super) const RULES: [Rule; 1] = [Rule {
    name: "configured-site",
    group: Group::Tree,
    severity: Severity::Warning,
    finds: "A place named under `sites` in csctl-matrix.yaml says something else than its template.",
    reason: "It was named because it has to follow the stack, and it was forgotten.",
    find: configured_site,
}];

fn configured_site(view: &View<'_>) -> Vec<Found> {
    let say = |stale: StaleSite| {
        let StaleSite { site, expected } = stale;
        let message = format!("`{}` says {}, {expected} is wanted", site.at, site.value);
        Found::at(&site, message)
    };
    stale_sites(view.stack).into_iter().map(say).collect()
}

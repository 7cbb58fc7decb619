//! The rule about publishing: whether csctl would see that there is something to publish. The comparison needs files as bytes, and
//! is made by whoever reads them.

use super::finding::{Contradiction, Severity};
use super::rule::{CSCTL_RULE, Group, Rule, Search};
use super::view::View;

pub(super) const RULES: [Rule; 1] = [Rule {
    name: CSCTL_RULE,
    group: Group::Release,
    severity: Severity::Warning,
    finds: "The source tree differs from its last release only in files that csctl does not compare.",
    reason: "`csctl create -m stable` then reports no change and publishes nothing (docs/csctl.md).",
    find: Search::Stack(csctl_refuses),
}];

fn csctl_refuses(view: &View<'_>) -> Vec<Contradiction> {
    view.lines()
        .filter_map(|line| {
            let why = view.input.unpublishable.get(&line.tree.directory)?;
            Some(Contradiction::in_file(&line.own_file(), None, why.to_string()).of(line.minor))
        })
        .collect()
}

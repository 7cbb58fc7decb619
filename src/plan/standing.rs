//! How a change stands with the standard: the vulnerabilities it gets rid of, and the deadlines it meets. The days are worked out
//! in `standard`.

use super::facts::{Note, Reason};
use super::target::Target;
use super::{Fix, LinePlan};
use crate::catalog::SourceKind;
use crate::matrix::LineMatrix;
use crate::standard::{Deadline, DeadlineRule, deadlines, fixed_between};
use crate::version::KubernetesVersion;

/// Returns the deadlines that are open before a change and not after it.
pub(super) fn meets(
    target: &Target<'_>,
    before: Option<&LineMatrix>,
    after: Option<&LineMatrix>,
) -> Vec<Deadline> {
    let (standard, catalog) = (target.input.policy.standard, target.input.catalog);
    let Some(after) = after else {
        return Vec::new();
    };
    let open_before = if let Some(before) = before {
        // Nothing else that a deadline depends on can change.
        if (before.default, before.has_source) == (after.default, after.has_source) {
            return Vec::new();
        }
        before.deadlines(standard, catalog)
    } else {
        // A line that was not there provided nothing.
        let minor = after.line.minor;
        deadlines(standard, catalog, minor, None, catalog.as_of)
    };
    let left = after.deadlines(standard, catalog);
    let is_left = |deadline: &Deadline| {
        let same = |one: &Deadline| one.rule == deadline.rule && one.subject == deadline.subject;
        left.iter().any(|one| one.is_open() && same(one))
    };
    let open = open_before.into_iter().filter(Deadline::is_open);
    open.filter(|deadline| !is_left(deadline)).collect()
}

/// Returns the vulnerabilities that a line's new default is free of, the gravest first.
pub(super) fn fixes(
    target: &Target<'_>,
    before: Option<&LineMatrix>,
    after: Option<&LineMatrix>,
) -> Vec<Fix> {
    let (standard, catalog) = (target.input.policy.standard, target.input.catalog);
    let Some((old, new)) = defaults(before, after) else {
        return Vec::new();
    };
    let fixed = fixed_between(catalog, old, new);
    if fixed.is_empty() {
        return Vec::new();
    }
    let due = before.map(|before| before.deadlines(standard, catalog));
    let due = due.unwrap_or_default();
    fixed
        .into_iter()
        .map(|vulnerability| {
            let subject = vulnerability.to_string();
            let is_it = |one: &&Deadline| {
                one.rule == DeadlineRule::CriticalVulnerability && one.subject == subject
            };
            Fix {
                id: vulnerability.id.clone(),
                score: vulnerability.score,
                summary: vulnerability.summary.clone(),
                due: due.iter().find(is_it).map(|deadline| deadline.due),
            }
        })
        .collect()
}

/// The defaults of a line before and after, where it moves.
fn defaults(
    before: Option<&LineMatrix>,
    after: Option<&LineMatrix>,
) -> Option<(KubernetesVersion, KubernetesVersion)> {
    let (old, new) = (before?.default?, after?.default?);
    (old != new).then_some((old, new))
}

/// Says what the new default fixes, critical vulnerabilities by themselves, and what was due.
pub(super) fn reasons(
    target: &Target<'_>,
    after: Option<&LineMatrix>,
    fixes: &[Fix],
    meets: &[Deadline],
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(version) = after.and_then(|after| after.default) {
        for fix in fixes {
            if let Some(due) = fix.due {
                let subject = fix.to_string();
                let deadline = meets.iter().find(|deadline| deadline.subject == subject);
                reasons.push(Reason::FixesCritical {
                    version,
                    fix: fix.clone(),
                    due,
                    days_late: deadline.and_then(Deadline::days_late),
                });
            }
        }
        let others = fixes.iter().filter(|fix| fix.due.is_none());
        let fixes: Vec<Fix> = others.cloned().collect();
        if !fixes.is_empty() {
            reasons.push(Reason::Fixes { version, fixes });
        }
    }
    // What was due first says it: the others come after it.
    for rule in [DeadlineRule::LatestPatch, DeadlineRule::LatestMinor] {
        let deadline = meets.iter().find(|deadline| deadline.rule == rule);
        reasons.extend(deadline.map(|deadline| Reason::Due {
            subject: deadline.subject.clone(),
            due: deadline.due,
            standard: target.input.policy.standard,
            days_late: deadline.days_late(),
        }));
    }
    reasons
}

/// Says that it is not known what a new default fixes.
pub(super) fn note(target: &Target<'_>, lines: &[LinePlan]) -> Option<Note> {
    let is_move = |line: &&LinePlan| line.default_before.is_some() && line.default_after.is_some();
    let moved = lines
        .iter()
        .filter(is_move)
        .find(|line| line.default_before != line.default_after)?;
    let unreachable = &target.input.catalog.unreachable;
    let failed = unreachable
        .iter()
        .find(|failed| failed.kind == SourceKind::Vulnerabilities)?;
    Some(Note::FixesUnknown {
        version: moved.default_after?,
        url: failed.url.clone(),
        reason: failed.reason.clone(),
    })
}

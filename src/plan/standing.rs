//! How a change stands with the standard: the vulnerabilities it gets rid of, and the deadlines it meets. The days are worked out
//! in `standard`.

use super::facts::{Note, Reason};
use super::line_pair::LinePair;
use super::target::Target;
use super::{Fix, LinePlan};
use crate::catalog::SourceKind;
use crate::standard::{Deadline, DeadlineRule, deadlines, fixed_between};

/// Returns the deadlines that are open before a change and not after it.
pub(super) fn meets(target: &Target<'_>, pair: LinePair<'_>) -> Vec<Deadline> {
    let (standard, catalog) = (target.input.policy.standard, target.input.catalog);
    let Some(after) = pair.after else {
        return Vec::new();
    };
    let open_before = if let Some(before) = pair.before {
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
    let mut left = after.deadlines(standard, catalog);
    left.retain(Deadline::is_open);
    let open = open_before.into_iter().filter(Deadline::is_open);
    open.filter(|deadline| !left.iter().any(|one| one.is_same(deadline)))
        .collect()
}

/// Returns the vulnerabilities that a line's new default is free of, the gravest first.
pub(super) fn fixes(target: &Target<'_>, pair: LinePair<'_>) -> Vec<Fix> {
    let (standard, catalog) = (target.input.policy.standard, target.input.catalog);
    let (Some(old), Some(new)) = (pair.default_before(), pair.default_after()) else {
        return Vec::new();
    };
    let fixed = fixed_between(catalog, old, new);
    if fixed.is_empty() {
        return Vec::new();
    }
    let mut critical = pair
        .before
        .map(|before| before.deadlines(standard, catalog))
        .unwrap_or_default();
    critical.retain(|deadline| deadline.rule == DeadlineRule::CriticalVulnerability);
    fixed
        .into_iter()
        .map(|vulnerability| {
            // `deadlines` calls a vulnerability by the same words.
            let subject = vulnerability.to_string();
            let mut deadlines = critical.iter();
            let deadline = deadlines.find(|deadline| deadline.subject == subject);
            Fix {
                id: vulnerability.id.clone(),
                score: vulnerability.score,
                summary: vulnerability.summary.clone(),
                due: deadline.map(|deadline| deadline.due),
            }
        })
        .collect()
}

/// Says what the new default fixes, critical vulnerabilities by themselves, and what was due.
pub(super) fn reasons(
    target: &Target<'_>,
    pair: LinePair<'_>,
    fixes: &[Fix],
    meets: &[Deadline],
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(version) = pair.default_after() {
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
        let less_grave: Vec<Fix> = others.cloned().collect();
        if !less_grave.is_empty() {
            reasons.push(Reason::Fixes {
                version,
                fixes: less_grave,
            });
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
    let moved = lines.iter().find(|line| {
        let is_in_both = line.default_before.is_some() && line.default_after.is_some();
        is_in_both && line.default_before != line.default_after
    })?;
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

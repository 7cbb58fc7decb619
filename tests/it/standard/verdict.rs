//! The verdict of the standard's own test on one version, worked out from the program's deadlines: pass, with warnings, fail, or
//! no verdict.

use csctl_matrix::catalog::Catalog;
use csctl_matrix::standard::{DeadlineRule, Standard, deadlines};
use csctl_matrix::version::KubernetesVersion;
use jiff::civil::Date;

/// What the standard's test says of a version.
#[derive(Debug)]
pub struct Verdict {
    /// What comes out.
    pub outcome: Outcome,
    /// What keeps it from passing, the gravest first.
    pub failures: Vec<String>,
    /// What is recommended and not done, and what makes the verdict doubtful.
    pub warnings: Vec<String>,
}

/// What comes out of the standard's test.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All rules are met.
    Pass,
    /// All rules are met, and a recommendation is not.
    Warn,
    /// A rule is not met.
    Fail,
    /// Too little is known for a verdict.
    Unknown,
}

/// Kubernetes supports three minors at a time; with fewer, the table of end-of-life days is likely to be old.
const SUPPORTED_MINORS: usize = 3;

/// With fewer than this, the standard's test does not go on.
const FEWEST_MINORS: usize = 2;

/// Returns what the standard's test says of a cluster with this version on a day.
pub fn verdict(
    standard: Standard,
    catalog: &Catalog,
    version: KubernetesVersion,
    today: Date,
) -> Verdict {
    let mut verdict = Verdict {
        outcome: Outcome::Pass,
        failures: Vec::new(),
        warnings: Vec::new(),
    };
    let Some(figures) = standard.figures() else {
        return verdict;
    };
    // A line that has a version has its minor.
    let due = deadlines(standard, catalog, version.minor(), Some(version), today);
    for deadline in due
        .iter()
        .filter(|deadline| deadline.rule != DeadlineRule::LatestMinor)
    {
        if deadline.is_late() {
            verdict.failures.push(deadline.message.clone());
        } else if deadline.is_open()
            && let (Some(release), Some(day)) = (deadline.release, deadline.recommended)
            && day < today
        {
            let subject = &deadline.subject;
            verdict.warnings.push(format!(
                "{version} has {subject}; {release} without it is recommended since {day}"
            ));
        }
    }
    let mut is_unknown = false;
    if figures.end_of_life {
        let days = catalog.end_of_life.values();
        let supported = days.filter(|day| **day >= today).count();
        is_unknown = supported < FEWEST_MINORS;
        if supported < SUPPORTED_MINORS {
            verdict.warnings.push(format!(
                "the end-of-life days know {supported} supported minors on {today}, and there are {SUPPORTED_MINORS} or more; \
                 take a newer catalog"
            ));
        }
        if !catalog.end_of_life.contains_key(&version.minor()) {
            let minor = version.minor();
            verdict
                .failures
                .push(format!("minor {minor} has no known end of life"));
        }
    }
    verdict.outcome = if is_unknown {
        Outcome::Unknown
    } else if !verdict.failures.is_empty() {
        Outcome::Fail
    } else if !verdict.warnings.is_empty() {
        Outcome::Warn
    } else {
        Outcome::Pass
    };
    verdict
}

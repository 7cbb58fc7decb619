//! The SCS standard scs-0210 (Kubernetes version policy) as days: what has to be provided by when, and what is late. It knows
//! versions, days and vulnerabilities alone; where stacks stand is told to it.

mod deadline;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use crate::catalog::CvssScore;
use crate::version::serde_as_text;

pub(crate) use deadline::{Deadline, DeadlineState, fixed_between, missing_minors};
pub use deadline::{DeadlineRule, deadlines};

/// A version of the standard, or none.
///
/// Sources: the standard's texts in the repository of the SCS standards, by the commits named below, and the constants of its
/// test script `k8s_version_policy.py`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standard {
    /// No standard: nothing is ever due.
    None,
    /// scs-0210-v1, stable since 2023-02-07.
    V1,
    /// scs-0210-v2 as it became stable on 2024-02-08.
    V2Of202402,
    /// scs-0210-v2 since 2024-10-10 (commit d8095aa2).
    V2Of202410,
    /// scs-0210-v2 since 2026-04-20 (commit c1e9a1b7): the one in force.
    #[default]
    V2,
    /// The draft of scs-0210-v3 (commit 8d6d5dc7 of a branch).
    V3Draft,
}

/// The figures of one version of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// How long after its first release a minor has to be provided.
    pub minor: Period,
    /// How long after its release a patch has to be provided.
    pub patch: Period,
    /// What holds for patches against critical vulnerabilities; nothing where the standard names no figure.
    pub critical: Option<Critical>,
    /// Whether a minor is held to its upstream end of life.
    pub end_of_life: bool,
}

/// What holds for patches against critical vulnerabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Critical {
    /// The CVSS base score from which on a vulnerability is critical.
    pub score: CvssScore,
    /// How long after its release such a patch has to be provided.
    pub due: Period,
    /// How long after its release it should be provided.
    pub recommended: Period,
}

/// A span of time as the standard counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// So many days.
    Days(i32),
    /// So many months of the calendar.
    Months(i32),
}

impl Period {
    /// Returns the last day of the period that begins on a day.
    pub fn after(self, day: Date) -> Date {
        let span: Span = match self {
            Self::Days(days) => days.days(),
            Self::Months(months) => months.months(),
        };
        // A catalog may name any day, also the last that jiff knows, where `+` would panic.
        day.saturating_add(span)
    }
}

/// "The latest minor version MUST be provided no later than 4 months after release", in every version of the text. The test
/// script has 120 days for it and does not use them, so the words count: months of the calendar.
const MINOR: Period = Period::Months(4);

/// scs-0210-v1 and the first text of v2: patches within 1 week.
const PATCH_ONE_WEEK: Period = Period::Days(7);

/// v2 since 2024-10-10 and the draft of v3: 2 weeks (`PATCH_VERSION_CADENCE` of the test script of that time).
const PATCH_TWO_WEEKS: Period = Period::Days(14);

/// v2 since 2026-04-20: 1 month, which the test script counts as 31 days (`PATCH_VERSION_CADENCE`).
const PATCH_ONE_MONTH: Period = Period::Days(31);

/// v2 since 2026-04-20: 2 weeks for patches against critical vulnerabilities (`CVE_VERSION_CADENCE`, 14 days).
const CRITICAL_TWO_WEEKS: Period = Period::Days(14);

/// v2, all texts: recommended within 2 days (`CVE_VERSION_CADENCE_WARN`, 2 days).
const RECOMMENDED_TWO_DAYS: Period = Period::Days(2);

/// The draft of v3: recommended within 3 days.
const RECOMMENDED_THREE_DAYS: Period = Period::Days(3);

/// v2, all texts: critical is a CVSS base score of 8 or more (`CVE_SEVERITY`).
const CRITICAL_SCORE: CvssScore = score(80);

/// The draft of v3 speaks of high vulnerabilities, from 7.0, and critical ones, from 9.0; its figure holds for both.
const HIGH_SCORE: CvssScore = score(70);

const fn score(tenths: u8) -> CvssScore {
    match CvssScore::from_tenths(tenths) {
        Some(score) => score,
        None => panic!("a score is at most 10.0"),
    }
}

impl Standard {
    /// All of them, the one in force first.
    pub const ALL: [Self; 6] = [
        Self::V2,
        Self::V3Draft,
        Self::V2Of202410,
        Self::V2Of202402,
        Self::V1,
        Self::None,
    ];

    /// Returns the name in the configuration: `scs-0210/v2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::V1 => "scs-0210/v1",
            Self::V2Of202402 => "scs-0210/v2-2024-02",
            Self::V2Of202410 => "scs-0210/v2-2024-10",
            Self::V2 => "scs-0210/v2",
            Self::V3Draft => "scs-0210/v3-draft",
        }
    }

    /// Returns the name in short, for places where there is no doubt which text is meant: the one in force is `scs-0210`.
    pub(crate) fn short_name(self) -> &'static str {
        match self {
            Self::V2 => "scs-0210",
            Self::None | Self::V1 | Self::V2Of202402 | Self::V2Of202410 | Self::V3Draft => {
                self.name()
            }
        }
    }

    /// Returns the figures; nothing without a standard.
    pub fn figures(self) -> Option<Figures> {
        let patch = match self {
            Self::None => return None,
            Self::V1 | Self::V2Of202402 => PATCH_ONE_WEEK,
            Self::V2Of202410 | Self::V3Draft => PATCH_TWO_WEEKS,
            Self::V2 => PATCH_ONE_MONTH,
        };
        Some(Figures {
            minor: MINOR,
            patch,
            critical: self.critical(patch),
            // The text of v1 says nothing of the end of life.
            end_of_life: self != Self::V1,
        })
    }

    fn critical(self, patch: Period) -> Option<Critical> {
        let v2 = Critical {
            score: CRITICAL_SCORE,
            due: patch,
            recommended: RECOMMENDED_TWO_DAYS,
        };
        match self {
            // "SHOULD be faster", without a figure.
            Self::None | Self::V1 => None,
            // "MUST be even shorter", without a figure: the patch's own period is the longest that can be meant.
            Self::V2Of202402 | Self::V2Of202410 => Some(v2),
            Self::V2 => Some(Critical {
                due: CRITICAL_TWO_WEEKS,
                ..v2
            }),
            // Its period is that of all patches; it adds a recommendation alone.
            Self::V3Draft => Some(Critical {
                score: HIGH_SCORE,
                recommended: RECOMMENDED_THREE_DAYS,
                ..v2
            }),
        }
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Standard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL
            .into_iter()
            .find(|standard| standard.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("expected one of {names}")
        })
    }
}

serde_as_text!(Standard);

//! Deadlines: what a stack line has to provide by when, from the days on which things happened upstream. Judging whether a stack
//! may be released is not done here.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use super::{Critical, Figures, Standard};
use crate::catalog::{Catalog, KubernetesRelease, Vulnerability};
use crate::version::{KubernetesVersion, Minor};

/// Something that is due by a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Deadline {
    pub rule: DeadlineRule,
    /// What it is about: `v1.33.11`, `CVE-2024-10220 (8.1)`, `1.35`.
    pub subject: String,
    /// The release that meets it, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<KubernetesVersion>,
    /// The day of the event: of the release, or of the end of life.
    pub since: Date,
    /// The day by which it is recommended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommended: Option<Date>,
    /// The last day on which it is not late.
    pub due: Date,
    /// Where it stands.
    pub state: DeadlineState,
    /// All of this in a sentence.
    pub message: String,
}

/// The rule that a deadline comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DeadlineRule {
    /// Patches against critical vulnerabilities.
    CriticalVulnerability,
    /// The latest patch of a minor.
    LatestPatch,
    /// The latest minor.
    LatestMinor,
    /// Minors are supported until their upstream end of life, and should not be offered after it.
    EndOfLife,
}

/// Where a deadline stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum DeadlineState {
    /// It is met.
    Met,
    /// It is not met, and so many days are left; 0 is the last day.
    Upcoming(u32),
    /// It is not met and so many days late.
    Late(u32),
}

impl DeadlineState {
    fn open(due: Date, today: Date) -> Self {
        let days = (due - today).get_days();
        if days < 0 {
            Self::Late(days.unsigned_abs())
        } else {
            Self::Upcoming(days.unsigned_abs())
        }
    }
}

impl Deadline {
    /// Tells whether it is not met.
    pub fn is_open(&self) -> bool {
        self.state != DeadlineState::Met
    }

    /// Tells whether it is not met and its last day has passed.
    pub fn is_late(&self) -> bool {
        matches!(self.state, DeadlineState::Late(_))
    }

    /// Returns by how many days it is late; nothing where it is in time.
    pub(crate) fn days_late(&self) -> Option<u32> {
        match self.state {
            DeadlineState::Late(days) => Some(days),
            DeadlineState::Upcoming(_) | DeadlineState::Met => None,
        }
    }

    /// Tells whether both are about the same thing under the same rule.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.rule == other.rule && self.subject == other.subject
    }

    /// Returns what deadlines are ordered by: the open ones first, and of those the one due first.
    fn urgency(&self) -> (bool, Date, DeadlineRule, &str) {
        (!self.is_open(), self.due, self.rule, &self.subject)
    }

    fn new(
        rule: DeadlineRule,
        subject: impl fmt::Display,
        since: Date,
        due: Date,
        today: Date,
    ) -> Self {
        Self {
            rule,
            subject: subject.to_string(),
            release: None,
            since,
            recommended: None,
            due,
            state: DeadlineState::open(due, today),
            message: String::new(),
        }
    }

    fn met(mut self) -> Self {
        self.state = DeadlineState::Met;
        self
    }

    /// Writes the sentence.
    fn said(mut self) -> Self {
        let (subject, due) = (&self.subject, self.due);
        let what = match (self.rule, self.release) {
            (DeadlineRule::CriticalVulnerability, Some(release)) => {
                format!("{release} fixes {subject}")
            }
            (DeadlineRule::CriticalVulnerability, None) => subject.clone(),
            (DeadlineRule::LatestPatch, _) => format!("{subject} released {}", self.since),
            (DeadlineRule::LatestMinor, _) => format!("minor {subject} released {}", self.since),
            (DeadlineRule::EndOfLife, _) => format!("minor {subject}"),
        };
        let end = self.rule == DeadlineRule::EndOfLife;
        self.message = match self.state {
            DeadlineState::Met => format!("{what}, provided"),
            DeadlineState::Upcoming(days) if end => {
                format!("{what} reaches its end of life on {due}, {}", in_days(days))
            }
            DeadlineState::Late(_) if end => format!("{what} is past its end of life of {due}"),
            DeadlineState::Upcoming(days) => format!("{what}, due {due}, {}", in_days(days)),
            DeadlineState::Late(days) => format!("{what}, due {due}, {} late", days_of(days)),
        };
        self
    }
}

fn in_days(days: u32) -> String {
    match days {
        0 => "today".to_owned(),
        _ => format!("in {}", days_of(days)),
    }
}

fn days_of(days: u32) -> String {
    match days {
        1 => "1 day".to_owned(),
        _ => format!("{days} days"),
    }
}

/// Returns what is due on a stack line, first what is due first, and last what is met.
///
/// `default` is the version that the line provides; without one the minor itself is what is missing. A minor whose releases the
/// catalog does not know has no deadlines but its end of life: nothing is guessed.
pub fn deadlines(
    standard: Standard,
    catalog: &Catalog,
    minor: Minor,
    default: Option<KubernetesVersion>,
    today: Date,
) -> Vec<Deadline> {
    let Some(figures) = standard.figures() else {
        return Vec::new();
    };
    let view = View {
        catalog,
        figures,
        today,
    };
    let mut found = Vec::new();
    found.extend(view.latest_minor(minor, default));
    if let Some(default) = default {
        let end = view.end_of_life(minor);
        // A minor past its end of life gets no more patches: all that is left to do is to leave it.
        if !end.as_ref().is_some_and(Deadline::is_late) {
            found.extend(view.latest_patches(default));
            found.extend(view.critical(default));
        }
        found.extend(end);
    }
    found.sort_by(|a, b| a.urgency().cmp(&b.urgency()));
    found.into_iter().map(Deadline::said).collect()
}

/// Returns the minors newer than any of these that are out and not past their end of life, oldest first.
pub(crate) fn missing_minors(catalog: &Catalog, have: &[Minor], today: Date) -> Vec<Minor> {
    let Some(newest) = have.iter().max() else {
        return Vec::new();
    };
    let ends = &catalog.end_of_life;
    let minors: BTreeSet<Minor> = catalog
        .kubernetes
        .iter()
        // A minor is out with its first release; the catalog may know releases of days to come.
        .filter(|release| release.version.patch() == 0 && release.published <= today)
        .map(|release| release.version.minor())
        .filter(|minor| minor > newest)
        .filter(|minor| ends.get(minor).is_none_or(|day| *day >= today))
        .collect();
    minors.into_iter().collect()
}

/// Returns the vulnerabilities that going from one version to another gets rid of, the gravest first.
pub(crate) fn fixed_between(
    catalog: &Catalog,
    before: KubernetesVersion,
    after: KubernetesVersion,
) -> Vec<&Vulnerability> {
    let mut fixed: Vec<&Vulnerability> = catalog
        .vulnerabilities
        .iter()
        .filter(|vulnerability| vulnerability.is_fixed_between(before, after))
        .collect();
    fixed.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    fixed
}

struct View<'a> {
    catalog: &'a Catalog,
    figures: Figures,
    today: Date,
}

impl View<'_> {
    /// Yields the patches after a version of its minor that are out on the day, the lowest first.
    fn newer_patches(
        &self,
        version: KubernetesVersion,
    ) -> impl Iterator<Item = &KubernetesRelease> {
        let releases = self.catalog.releases_of(version.minor());
        releases.filter(move |release| release.version > version && release.published <= self.today)
    }

    fn latest_patches(&self, default: KubernetesVersion) -> Vec<Deadline> {
        let newer = self.newer_patches(default);
        let missing: Vec<Deadline> = newer.map(|release| self.patch(release)).collect();
        // Each missing patch has its own day: the first may be late while the last one is not.
        if !missing.is_empty() {
            return missing;
        }
        self.catalog
            .releases_of(default.minor())
            .filter(|release| release.version == default)
            .map(|release| self.patch(release).met())
            .collect()
    }

    fn patch(&self, release: &KubernetesRelease) -> Deadline {
        let (version, day) = (release.version, release.published);
        let due = self.figures.patch.after(day);
        Deadline {
            release: Some(version),
            ..Deadline::new(DeadlineRule::LatestPatch, version, day, due, self.today)
        }
    }

    fn critical(&self, default: KubernetesVersion) -> Vec<Deadline> {
        let Some(critical) = self.figures.critical else {
            return Vec::new();
        };
        self.catalog
            .vulnerabilities
            .iter()
            .filter(|one| one.score.is_some_and(|score| score >= critical.score))
            .filter(|one| one.affects(default))
            .filter_map(|one| self.fix(one, critical, default))
            .collect()
    }

    /// Only a patch that is free of the vulnerability helps. The days count from its release, as the standard says, also where
    /// the vulnerability became public later.
    fn fix(
        &self,
        vulnerability: &Vulnerability,
        critical: Critical,
        default: KubernetesVersion,
    ) -> Option<Deadline> {
        let fix = self
            .newer_patches(default)
            .find(|release| !vulnerability.affects(release.version))?;
        let day = fix.published;
        let due = critical.due.after(day);
        let rule = DeadlineRule::CriticalVulnerability;
        Some(Deadline {
            release: Some(fix.version),
            recommended: Some(critical.recommended.after(day)),
            ..Deadline::new(rule, vulnerability, day, due, self.today)
        })
    }

    fn latest_minor(&self, minor: Minor, default: Option<KubernetesVersion>) -> Option<Deadline> {
        let mut releases = self.catalog.releases_of(minor);
        let first = releases.find(|release| release.version.patch() == 0)?;
        if first.published > self.today {
            return None;
        }
        let due = self.figures.minor.after(first.published);
        let (rule, day) = (DeadlineRule::LatestMinor, first.published);
        let deadline = Deadline::new(rule, minor, day, due, self.today);
        // A minor that has ended need not be provided any more, even where it never was.
        let is_over = self
            .catalog
            .end_of_life
            .get(&minor)
            .is_some_and(|day| *day < self.today);
        match default {
            Some(_) => Some(deadline.met()),
            None => Some(deadline).filter(|_| !is_over),
        }
    }

    fn end_of_life(&self, minor: Minor) -> Option<Deadline> {
        let day = *self.catalog.end_of_life.get(&minor)?;
        let is_held = self.figures.end_of_life;
        is_held.then(|| Deadline::new(DeadlineRule::EndOfLife, minor, day, day, self.today))
    }
}

//! The day of a build in an image's name.

use std::fmt;
use std::ops::Range;

use jiff::civil::Date;

use super::Found;

/// A day as an image's name spells it: `20260417` or `2026-04-17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameDate {
    day: Date,
    has_dashes: bool,
}

impl NameDate {
    const PLAIN: &str = "%Y%m%d";
    const DASHED: &str = "%Y-%m-%d";

    pub fn day(self) -> Date {
        self.day
    }

    /// Reads `20260417` or `2026-04-17` as a day on which an image of Kubernetes may have been built.
    pub(super) fn read(text: &str) -> Option<Self> {
        let form = match text.len() {
            8 => Self::PLAIN,
            10 => Self::DASHED,
            _ => return None,
        };
        let day = Date::strptime(form, text).ok()?;
        let date = Self {
            day,
            has_dashes: form == Self::DASHED,
        };
        // Other eight digits are build numbers: Kubernetes is from 2014. The parser takes white space and signs too.
        let is_exact = (2014..2100).contains(&day.year()) && date.to_string() == text;
        is_exact.then_some(date)
    }

    /// Returns another day in the same spelling.
    #[must_use]
    pub fn on(self, day: Date) -> Self {
        Self { day, ..self }
    }
}

impl fmt::Display for NameDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = if self.has_dashes {
            Self::DASHED
        } else {
            Self::PLAIN
        };
        self.day.strftime(form).fmt(f)
    }
}

/// Finds the first day that stands between separators. Eight digits of a checksum or of a build number are none.
pub(super) fn find_date(text: &str, within: Range<usize>) -> Option<Found<NameDate>> {
    let bytes = text.as_bytes();
    // A day has a separator before it, so that none begins a text.
    within.clone().skip(1).find_map(|start| {
        if !matches!(bytes[start - 1], b'-' | b'_' | b'.' | b'+') {
            return None;
        }
        [10, 8].into_iter().find_map(|length| {
            let end = start + length;
            let is_whole = bytes
                .get(end)
                .is_none_or(|next| !next.is_ascii_alphanumeric());
            let value = NameDate::read(text.get(start..end)?)?;
            let place = start..end;
            (is_whole && end <= within.end).then_some(Found { place, value })
        })
    })
}

//! What a store was asked for, kept beside the answers of the cache. Below a pointer that has not moved since, what was not there is
//! not asked for again within a day. All else is asked for in every run, with the pointers rather than after them.
#![expect(
    clippy::disallowed_methods,
    reason = "the age of what is kept is one of the cache, not of the plan"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::candidate::Asking;
use crate::io::http::{HttpClient, Mirrors};
use crate::version::{KubernetesVersion, OsRelease, Sha256};

/// How many images of one minor are asked for ahead at most: more than sixty patches on two systems.
const MOST_EXPECTED: usize = 128;

/// What was there of a minor, and what was not.
#[derive(Debug, Default)]
pub(super) struct Memory {
    note: Note,
    /// What lies in the cache.
    stored: Option<String>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// What the pointer said; nothing where there is none, and what was not there does not count.
    pointer: Option<String>,
    /// The mirrors that were asked, as a digest.
    #[serde(default)]
    mirrors: String,
    /// When each file was not there, in seconds since 1970.
    absent: BTreeMap<String, u64>,
    /// The images that will be asked for again.
    #[serde(default)]
    expected: BTreeSet<Expected>,
}

/// An image that an earlier run has asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Expected {
    pub(super) version: KubernetesVersion,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) os: Option<OsRelease>,
    pub(super) asking: Asking,
}

/// What was seen in this run.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    pub(super) expected: BTreeSet<Expected>,
    pub(super) missing: BTreeSet<String>,
}

impl Memory {
    /// Finds what was kept below a pointer.
    pub(super) fn load(client: &HttpClient, place: &str) -> Self {
        let stored = client.find_note(place);
        let note = stored
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok());
        let mut note: Note = note.unwrap_or_default();
        let (now, age) = (now(), client.settings().absence_age);
        note.absent.retain(|_, since| is_young(*since, now, age));
        // What one mirror does not have, another one may.
        let mirrors = digest_of(&client.settings().mirrors);
        if note.mirrors != mirrors {
            note.absent.clear();
            note.mirrors = mirrors;
        }
        Self { note, stored }
    }

    /// Forgets what was not there, unless the pointer is where it was.
    pub(super) fn bind(&mut self, validator: Option<&str>) {
        if validator.is_none() || self.note.pointer.as_deref() != validator {
            self.note.absent.clear();
        }
        self.note.pointer = validator.map(str::to_owned);
    }

    /// Returns the images that an earlier run has asked for, without those that were not there and need not be asked for. A cache
    /// that somebody has filled with others makes no more requests than a minor can need.
    pub(super) fn expected(&self) -> impl Iterator<Item = &Expected> {
        self.note.expected.iter().take(MOST_EXPECTED)
    }

    /// Tells whether a file was not there a short while ago.
    pub(super) fn is_absent(&self, file: &str) -> bool {
        self.note.absent.contains_key(file)
    }

    /// Keeps what was seen, beside what is still kept.
    pub(super) fn store(&self, client: &HttpClient, place: &str, seen: &Sightings) {
        let now = now();
        let mut absent: BTreeMap<String, u64> = BTreeMap::new();
        if self.note.pointer.is_some() {
            absent.extend(seen.missing.iter().map(|file| (file.clone(), now)));
            absent.extend(self.note.absent.clone());
        }
        let note = Note {
            pointer: self.note.pointer.clone(),
            mirrors: self.note.mirrors.clone(),
            absent,
            expected: seen.expected.clone(),
        };
        if let Ok(text) = serde_json::to_string(&note)
            && self.stored.as_deref() != Some(&text)
        {
            client.keep_note(place, text);
        }
    }
}

/// Returns a digest of mirrors, as their URLs may have secrets in them.
fn digest_of(mirrors: &Mirrors) -> String {
    let all = mirrors.asked.iter().chain(&mirrors.of_files);
    let lines: Vec<String> = all
        .map(|mirror| format!("{} {}", mirror.from, mirror.to))
        .collect();
    Sha256::of(lines.join("\n").as_bytes()).to_string()
}

/// Tells whether a moment is less than an age ago. One that is yet to come is of a clock that was wrong.
fn is_young(since: u64, now: u64, age: Duration) -> bool {
    now.checked_sub(since)
        .is_some_and(|seconds| seconds < age.as_secs())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_grows_old() {
        let day = Duration::from_secs(86400);
        assert!(is_young(1000, 1000 + 86399, day));
        assert!(!is_young(1000, 1000 + 86400, day));
        assert!(!is_young(1001, 1000, day), "the clock was wrong");
    }
}

//! What a store did not have, kept beside the answers of the cache: below a pointer that has not moved since, it is not asked for
//! again within a day. What is there is never kept: every run asks for it.
#![expect(
    clippy::disallowed_methods,
    reason = "the age of what is kept is one of the cache, not of the plan"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::io::http::HttpClient;

/// What was not there.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// What the pointer said then; nothing where there is none, and nothing is kept.
    validator: Option<String>,
    /// When each file was not there, in seconds since 1970.
    absent: BTreeMap<String, u64>,
    /// What lies in the cache.
    stored: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Note {
    pointer: String,
    absent: BTreeMap<String, u64>,
}

impl Memory {
    /// Finds what was kept below a pointer. Where the pointer has moved since, nothing counts any more.
    pub(super) fn load(client: &HttpClient, pointer_url: &str, validator: &str) -> Self {
        let settings = client.settings();
        let stored = client.find_note(pointer_url);
        let note: Option<Note> = stored
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok());
        let mut absent = note
            .filter(|note| note.pointer == validator)
            .map_or_else(BTreeMap::new, |note| note.absent);
        let now = now();
        absent.retain(|_, since| is_young(*since, now, settings.absence_age));
        Self {
            validator: Some(validator.to_owned()),
            absent,
            stored,
        }
    }

    /// Tells whether a file was not there a short while ago.
    pub(super) fn is_absent(&self, file: &str) -> bool {
        self.absent.contains_key(file)
    }

    /// Keeps what is not there beside what is still kept.
    pub(super) fn store(&self, client: &HttpClient, pointer_url: &str, missing: &BTreeSet<String>) {
        let Some(validator) = &self.validator else {
            return;
        };
        let now = now();
        let mut absent: BTreeMap<String, u64> =
            missing.iter().map(|file| (file.clone(), now)).collect();
        absent.extend(self.absent.clone());
        let note = Note {
            pointer: validator.clone(),
            absent,
        };
        if let Ok(text) = serde_json::to_string(&note)
            && self.stored.as_deref() != Some(&text)
        {
            client.keep_note(pointer_url, text);
        }
    }
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

//! Reads a URL by a pattern, the placeholders of which take what they can.

use super::{DATE, ImageUrl, NameDate};
use crate::version::{KubernetesVersion, Minor, OsRelease};

/// What has been read of a URL so far, from its beginning.
#[derive(Debug, Clone, Default)]
pub(super) struct Followed {
    version: Option<KubernetesVersion>,
    os: Option<OsRelease>,
    minor: Option<Minor>,
    date: Option<NameDate>,
}

impl Followed {
    /// Reads the rest of a URL by the rest of a pattern. A placeholder takes as much as it can.
    pub(super) fn follow(self, pattern: &str, url: &str) -> Option<ImageUrl> {
        let known = ["{version}", "{os}", "{minor}", DATE];
        let Some(name) = known.into_iter().find(|name| pattern.starts_with(name)) else {
            let Some(next) = pattern.chars().next() else {
                return self.finish(url);
            };
            return self.follow(&pattern[next.len_utf8()..], url.strip_prefix(next)?);
        };
        let longest = url.bytes().take_while(|byte| is_of_value(*byte)).count();
        (1..=longest).rev().find_map(|length| {
            let with = self.with(name, &url[..length])?;
            with.follow(&pattern[name.len()..], &url[length..])
        })
    }

    /// Adds what a placeholder stands for, which has to be the same wherever it occurs.
    fn with(&self, name: &str, text: &str) -> Option<Self> {
        let mut with = self.clone();
        let is_same = match name {
            "{version}" => {
                let version: KubernetesVersion = text.parse().ok()?;
                // `parse` takes a leading `v` as well, which belongs to the pattern and not to its placeholder.
                version.plain() == text && *with.version.get_or_insert(version) == version
            }
            "{minor}" => {
                let minor: Minor = text.parse().ok()?;
                minor.to_string() == text && *with.minor.get_or_insert(minor) == minor
            }
            "{os}" => {
                let os: OsRelease = text.parse().ok()?;
                os.to_string() == text && *with.os.get_or_insert_with(|| os.clone()) == os
            }
            _ => {
                let date = NameDate::read(text)?;
                *with.date.get_or_insert(date) == date
            }
        };
        is_same.then_some(with)
    }

    fn finish(self, rest: &str) -> Option<ImageUrl> {
        let version = self.version.filter(|_| rest.is_empty())?;
        Some(ImageUrl {
            version,
            os: self.os,
            directory_minor: self.minor,
            digest: None,
            date: self.date,
        })
    }
}

/// Tells whether a placeholder may stand for this character.
fn is_of_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

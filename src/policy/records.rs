//! What people decided about single versions: blocks and pins. They say what was decided; `plan` works out what follows.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer};

use crate::version::{KubernetesVersion, OsRelease};

/// A version, or one image of it, that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The Kubernetes version: `v1.34.5`.
    pub version: KubernetesVersion,
    /// The operating-system release of the bad image; without it, every image of the version is meant.
    #[serde(default)]
    pub os: Option<OsRelease>,
    /// Why, for people.
    pub reason: String,
    /// Who decided it.
    #[serde(default)]
    pub by: Option<String>,
    /// The day on which it was decided.
    #[serde(default, deserialize_with = "read_optional_day")]
    pub on: Option<Date>,
}

/// A default that stays where it is until a day.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The Kubernetes version that is, or becomes, the default of its minor.
    pub version: KubernetesVersion,
    /// The stack by its title, `openstack/scs2`; without it, every stack is meant.
    #[serde(default)]
    pub stack: Option<String>,
    /// Why, for people.
    #[serde(default)]
    pub reason: Option<String>,
    /// The last day of the pin.
    #[serde(deserialize_with = "read_day")]
    pub until: Date,
}

impl Block {
    /// Tells whether an image of this version and operating system is meant.
    pub(super) fn covers(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> bool {
        // An image whose system nobody knows is meant by a block of its whole version alone.
        self.version == version && self.os.as_ref().is_none_or(|blocked| os == Some(blocked))
    }

    /// Returns what is blocked: `v1.34.5`, `v1.34.5 on ubuntu-2404`.
    pub fn subject(&self) -> String {
        match &self.os {
            Some(os) => format!("{} on {os}", self.version),
            None => self.version.to_string(),
        }
    }

    /// Returns the reason with who decided it and when, in one line.
    pub fn why(&self) -> String {
        let by = self.by.as_deref().map(one_line);
        let on = self.on.map(|day| day.to_string());
        let source: Vec<String> = by.into_iter().chain(on).collect();
        if source.is_empty() {
            one_line(&self.reason)
        } else {
            format!("{} ({})", one_line(&self.reason), source.join(", "))
        }
    }
}

impl Pin {
    /// Returns what is pinned until when, and why, in one line.
    pub fn why(&self) -> String {
        let pinned = format!("default pinned to {} until {}", self.version, self.until);
        match &self.reason {
            Some(reason) => format!("{pinned}: {}", one_line(reason)),
            None => pinned,
        }
    }
}

/// Returns a text on one line, and without characters that would steer a terminal.
fn one_line(text: &str) -> String {
    let plain = text.replace(|c: char| c.is_control(), " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn read_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    // jiff reads other spellings and times of the day as dates, too; a pin holds for whole days.
    let is_day = text.len() == "2026-06-30".len();
    let read = text.parse().ok().filter(|_| is_day);
    read.ok_or_else(|| {
        serde::de::Error::invalid_value(
            serde::de::Unexpected::Str(&text),
            &"a date such as 2026-06-30",
        )
    })
}

fn read_optional_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    #[derive(Deserialize)]
    // What reads a day cannot stand at an optional one by itself; with the wrapper, null is nothing.
    struct Day(#[serde(deserialize_with = "read_day")] Date);
    Ok(Option::<Day>::deserialize(deserializer)?.map(|day| day.0))
}

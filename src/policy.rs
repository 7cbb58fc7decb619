//! Policy: which versions may be listed and what a run may change. The ground floor's part of the configuration; it does not
//! know the configuration file's place, and it decides nothing by itself: `plan` asks it.

mod config;
mod site;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::version::{KubernetesVersion, VersionError};

pub use config::{CONFIG_FILE, Config, ConfigError, ImageStoreConfig, MirrorConfig};
pub use site::SiteConfig;

/// Which versions may be listed and what a run may change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Which patch images of a minor are listed.
    pub images: ImageList,
    /// What becomes of listed images that the list policy no longer names.
    pub retention: Retention,
    /// Whether addon charts that belong to a minor follow their newest version.
    pub addons: Addons,
    /// What becomes of minors whose upstream support has ended.
    pub end_of_life: EndOfLife,
    /// The age in days from which an image is too old; nothing means never.
    pub maximum_image_age: Option<u16>,
    /// Classes of change to make; empty means all that need no asking.
    pub changes: BTreeSet<ChangeClass>,
    /// The places that may be repaired, by file and line, line 0 being the whole file; nothing means all.
    pub places: Option<Arc<BTreeSet<(String, usize)>>>,
}

/// Which patch images of a minor are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImageList {
    /// All that the store offers.
    #[default]
    All,
    /// The newest patches, as many as the number says.
    Newest(usize),
    /// All from this version on; minors before it are listed whole, as the floor does not speak of them.
    From(KubernetesVersion),
}

/// What becomes of listed images that the list policy no longer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Retention {
    /// They leave the list; the default's image stays.
    #[default]
    Trim,
    /// They stay.
    Keep,
}

/// Whether addon charts that belong to a minor follow their newest version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Addons {
    /// They follow.
    #[default]
    Follow,
    /// They are left alone.
    Leave,
}

/// What becomes of minors whose upstream support has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndOfLife {
    /// They stay where they are.
    #[default]
    Keep,
    /// They leave lists and directories, unless the stack is set to one.
    Drop,
}

/// What kind of change a plan carries. Each is a pull request of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ChangeClass {
    /// A new patch image, and the default that moves to it.
    NewPatch,
    /// The same Kubernetes version with another image: a new operating-system release, or an image uploaded again.
    OsRelease,
    /// Another minor.
    NewMinor,
    /// An image or a minor that leaves.
    Removal,
    /// Addon charts.
    Addons,
    /// Places that contradict the stack's own versions.
    Repair,
}

impl Policy {
    /// Tells whether changes of this class are wanted. An OS release is made only when asked by name: it never mixes with a
    /// version bump.
    pub fn wants(&self, class: ChangeClass) -> bool {
        if self.changes.is_empty() {
            class != ChangeClass::OsRelease
        } else {
            self.changes.contains(&class)
        }
    }

    /// Tells whether repairs are asked for by name.
    pub fn asks_repairs(&self) -> bool {
        self.changes.contains(&ChangeClass::Repair)
    }

    /// Tells whether an edit of this class at this place is wanted.
    pub fn wants_at(&self, class: ChangeClass, file: &str, line: usize) -> bool {
        let is_named = |places: &Arc<BTreeSet<(String, usize)>>| {
            let is_place = |line| places.contains(&(file.to_owned(), line));
            class != ChangeClass::Repair || is_place(line) || is_place(0)
        };
        self.wants(class) && self.places.as_ref().is_none_or(is_named)
    }
}

impl ChangeClass {
    /// All classes, in the order of their names' meaning.
    pub const ALL: [Self; 6] = [
        Self::NewPatch,
        Self::OsRelease,
        Self::NewMinor,
        Self::Removal,
        Self::Addons,
        Self::Repair,
    ];

    /// Returns the name used in options and output: `new-patch`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NewPatch => "new-patch",
            Self::OsRelease => "os-release",
            Self::NewMinor => "new-minor",
            Self::Removal => "removal",
            Self::Addons => "addons",
            Self::Repair => "repair",
        }
    }
}

impl fmt::Display for ChangeClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ChangeClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|class| class.name() == text);
        found.ok_or_else(|| {
            format!(
                "`{text}` is no change class; there are {}",
                Self::ALL.map(Self::name).join(", ")
            )
        })
    }
}

impl FromStr for ImageList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text
            .split([' ', '='])
            .filter(|word| !word.is_empty())
            .collect();
        let number = |digits: &str| digits.parse().ok().filter(|n| *n > 0);
        match words[..] {
            ["all"] => Ok(Self::All),
            ["newest"] => Ok(Self::Newest(1)),
            ["newest", digits] => number(digits)
                .map(Self::Newest)
                .ok_or_else(|| format!("`{digits}` is no number of images")),
            ["from", floor] => floor
                .parse()
                .map(Self::From)
                .map_err(|e: VersionError| e.to_string()),
            [] | [..] => Err(format!(
                "`{text}` is no list policy; write `all`, `newest`, `newest=3` or `from=v1.34.4`"
            )),
        }
    }
}

impl fmt::Display for ImageList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Newest(count) => write!(f, "newest={count}"),
            Self::From(floor) => write!(f, "from={floor}"),
        }
    }
}

impl<'de> Deserialize<'de> for ImageList {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_policies_read_back() {
        for text in ["all", "newest=1", "newest=3", "from=v1.34.4"] {
            assert_eq!(text.parse::<ImageList>().unwrap().to_string(), text);
        }
        assert_eq!("newest".parse(), Ok(ImageList::Newest(1)));
        for text in [
            "",
            "newest=0",
            "newest=x",
            "from=1.34",
            "some",
            "all of them",
        ] {
            assert!(text.parse::<ImageList>().is_err(), "{text}");
        }
    }

    #[test]
    fn os_releases_are_made_only_when_asked() {
        let everything = Policy::default();
        assert!(
            everything.wants(ChangeClass::NewPatch) && !everything.wants(ChangeClass::OsRelease)
        );
        let asked = Policy {
            changes: [ChangeClass::OsRelease].into(),
            ..Policy::default()
        };
        assert!(asked.wants(ChangeClass::OsRelease) && !asked.wants(ChangeClass::NewPatch));
    }
}

//! Policy: which versions may be listed and become defaults, and what a run is to change. It does not know the configuration file, and
//! `plan` decides what follows.

mod blocked;
mod limits;
mod records;
mod wishes;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use jiff::civil::Date;

use crate::standard::Standard;
use crate::version::{KubernetesVersion, Minor, OsRelease, VersionError};

pub(crate) use blocked::{BlockableImage, Blocked};
pub(crate) use limits::MinimumAge;
pub use limits::Minors;
pub use records::{Block, Pin};
pub use wishes::Wishes;

/// Which versions may be listed, become defaults and be looked at, as the configuration and the options of a run say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Which patch images of a minor are listed.
    pub images: ImagesToList,
    /// What becomes of listed images that the list policy no longer names.
    pub retention: Retention,
    /// Whether addon charts that belong to a minor follow their newest version.
    pub addons: Addons,
    /// What becomes of minors whose upstream support has ended.
    pub end_of_life: EndOfLife,
    /// The standard that says what is due by when.
    pub standard: Standard,
    /// How old a patch has to be before it becomes a default.
    pub minimum_age: MinimumAge,
    /// The minors that plans look at.
    pub minors: Minors,
    /// Operating-system releases that new images may have, the first being preferred; empty means any.
    pub os: Vec<OsRelease>,
    /// Versions and images that must not be used.
    pub blocked: Vec<Block>,
    /// Defaults that stay where they are for a while.
    pub pinned: Vec<Pin>,
    /// What differs in single stacks, by their titles.
    pub stacks: BTreeMap<String, Overrides>,
    /// The age from which an image is too old; nothing means never.
    pub maximum_image_age: Option<MinimumAge>,
}

/// The values that can be said for all stacks, for one stack and for one run; what is not said is as in the wider scope.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Overrides {
    /// Which patch images of a minor are listed: `all`, `newest`, `newest=3`, `from=v1.34.4`.
    pub images: Option<ImagesToList>,
    /// What becomes of listed images that `images` no longer names: `trim` or `keep`.
    pub retention: Option<Retention>,
    /// Whether addon charts of the minor follow their newest version: `follow` or `leave`.
    pub addons: Option<Addons>,
    /// What becomes of minors after their end of life: `keep`, `drop` or `follow`.
    pub end_of_life: Option<EndOfLife>,
    /// How old a Kubernetes patch has to be before it becomes a default, in days or weeks: `3d`, `2w`; `0d` switches it off.
    pub minimum_age: Option<MinimumAge>,
    /// The minors to look at: a list, or a map with `from` and `to`. Others are left alone.
    pub minors: Option<Minors>,
    /// Operating-system releases that new images may have, in order of preference.
    pub os: Option<Vec<OsRelease>>,
}

impl Overrides {
    /// Returns these values, and those of a wider scope where nothing is said.
    #[must_use]
    pub fn or(self, wider: &Self) -> Self {
        Self {
            images: self.images.or(wider.images),
            retention: self.retention.or(wider.retention),
            addons: self.addons.or(wider.addons),
            end_of_life: self.end_of_life.or(wider.end_of_life),
            minimum_age: self.minimum_age.or(wider.minimum_age),
            minors: self.minors.or_else(|| wider.minors.clone()),
            os: self.os.or_else(|| wider.os.clone()),
        }
    }
}

/// Which patch images of a minor are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImagesToList {
    /// All that are available.
    #[default]
    All,
    /// The newest patches, as many as the number says.
    Newest(usize),
    /// All from this version on; minors before it are listed whole, as the floor does not speak of them.
    From(KubernetesVersion),
}

/// What becomes of listed images that the list policy no longer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum EndOfLife {
    /// They stay where they are; new images and charts are held.
    #[default]
    Keep,
    /// They leave lists and directories, unless the stack is set to one.
    Drop,
    /// They get new images and charts as long as there are some.
    Follow,
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
    /// Sets the values that are said.
    pub fn set(&mut self, said: &Overrides) {
        self.images = said.images.unwrap_or(self.images);
        self.retention = said.retention.unwrap_or(self.retention);
        self.addons = said.addons.unwrap_or(self.addons);
        self.end_of_life = said.end_of_life.unwrap_or(self.end_of_life);
        self.minimum_age = said.minimum_age.unwrap_or(self.minimum_age);
        if let Some(minors) = &said.minors {
            self.minors = minors.clone();
        }
        if let Some(os) = &said.os {
            self.os.clone_from(os);
        }
    }

    /// Returns the policy of one stack: its own values before those for all. A pin that names the stack wins over one that
    /// names none.
    #[must_use]
    pub(crate) fn for_stack(&self, title: &str) -> Self {
        let mut policy = self.clone();
        policy.stacks.clear();
        let own_pins = self.pinned.iter();
        let own_minors: Vec<Minor> = own_pins
            .filter(|pin| pin.stack.as_deref() == Some(title))
            .map(|pin| pin.version.minor())
            .collect();
        policy.pinned.retain(|pin| match &pin.stack {
            Some(stack) => stack == title,
            None => !own_minors.contains(&pin.version.minor()),
        });
        if let Some(own) = self.stacks.get(title) {
            policy.set(own);
        }
        policy
    }

    /// Tells whether new images may have this operating system; one that is not known is no reason against an image.
    pub fn follows_os(&self, os: Option<&OsRelease>) -> bool {
        self.os.is_empty() || os.is_none_or(|os| self.os.contains(os))
    }

    /// Finds the pin of a minor's default that holds on this day.
    pub fn find_pin(&self, minor: Minor, day: Date) -> Option<&Pin> {
        let mut pins = self.pinned.iter();
        pins.find(|pin| pin.version.minor() == minor && day <= pin.until)
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
            let names = Self::ALL.map(Self::name).join(", ");
            format!("expected one of {names}")
        })
    }
}

impl FromStr for ImagesToList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text
            .split([' ', '='])
            .filter(|word| !word.is_empty())
            .collect();
        match words[..] {
            ["all"] => Ok(Self::All),
            ["newest"] => Ok(Self::Newest(1)),
            ["newest", digits] => match digits.parse() {
                // `newest=0` would take every image but that of the default out of the lists.
                Ok(0) | Err(_) => Err("expected a number above 0 after `newest=`".to_owned()),
                Ok(count) => Ok(Self::Newest(count)),
            },
            ["from", floor] => floor
                .parse()
                .map(Self::From)
                .map_err(|e: VersionError| e.to_string()),
            [] | [..] => Err("expected `all`, `newest`, `newest=3` or `from=v1.34.4`".to_owned()),
        }
    }
}

impl fmt::Display for ImagesToList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Newest(count) => write!(f, "newest={count}"),
            Self::From(floor) => write!(f, "from={floor}"),
        }
    }
}

impl<'de> Deserialize<'de> for ImagesToList {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A text is all that the configuration has; its words are those above.
#[cfg(test)]
impl schemars::JsonSchema for ImagesToList {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ImagesToList".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^(all|newest([= ][1-9][0-9]*)?|from[= ]v?[0-9]+\.[0-9]+\.[0-9]+)$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_policies_read_back() {
        for text in ["all", "newest=1", "newest=3", "from=v1.34.4"] {
            assert_eq!(text.parse::<ImagesToList>().unwrap().to_string(), text);
        }
        assert_eq!("newest".parse(), Ok(ImagesToList::Newest(1)));
        for text in [
            "",
            "newest=0",
            "newest=x",
            "from=1.34",
            "some",
            "all of them",
        ] {
            assert!(text.parse::<ImagesToList>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_stack_s_own_values_win() {
        let pin = |version: &str, stack: Option<&str>| Pin {
            version: version.parse().unwrap(),
            stack: stack.map(str::to_owned),
            reason: None,
            until: "2026-06-30".parse().unwrap(),
        };
        let own = Overrides {
            images: Some(ImagesToList::Newest(2)),
            minimum_age: Some("2w".parse().unwrap()),
            ..Overrides::default()
        };
        let policy = Policy {
            retention: Retention::Keep,
            pinned: vec![
                pin("v1.34.4", None),
                pin("v1.33.4", None),
                pin("v1.34.5", Some("openstack/scs2")),
            ],
            stacks: [("openstack/scs2".to_owned(), own)].into(),
            ..Policy::default()
        };
        let of = policy.for_stack("openstack/scs2");
        assert_eq!(
            (of.images, of.retention),
            (ImagesToList::Newest(2), Retention::Keep)
        );
        let day = |text: &str| -> Date { text.parse().unwrap() };
        let pinned = |policy: &Policy, minor: &str, on: &str| {
            let pin = policy.find_pin(minor.parse().unwrap(), day(on));
            pin.map(|pin| pin.version.plain())
        };
        assert_eq!(pinned(&of, "1.34", "2026-06-30").unwrap(), "1.34.5");
        assert_eq!(pinned(&of, "1.33", "2026-06-30").unwrap(), "1.33.4");
        assert_eq!(pinned(&of, "1.34", "2026-07-01"), None);
        let other = policy.for_stack("openstack/scs");
        assert_eq!(other.images, ImagesToList::All);
        assert_eq!(pinned(&other, "1.34", "2026-06-01").unwrap(), "1.34.4");
    }

    #[test]
    fn a_block_covers_a_version_or_one_of_its_images() {
        let block = |os: Option<&str>| Block {
            version: "v1.34.5".parse().unwrap(),
            os: os.map(|os| os.parse().unwrap()),
            reason: "kubelet\n leaks".to_owned(),
            by: Some("A <a@example.org>".to_owned()),
            on: Some("2026-05-02".parse().unwrap()),
        };
        let version = block(None).version;
        let jammy: OsRelease = "ubuntu-2204".parse().unwrap();
        assert!(block(None).covers(version, None) && block(None).covers(version, Some(&jammy)));
        assert!(block(Some("ubuntu-2204")).covers(version, Some(&jammy)));
        assert!(!block(Some("ubuntu-2404")).covers(version, Some(&jammy)));
        // Where the system of an image is not known, only a block of the whole version speaks of it.
        assert!(!block(Some("ubuntu-2204")).covers(version, None));
        assert_eq!(
            block(None).why(),
            "kubelet leaks (A <a@example.org>, 2026-05-02)"
        );
    }
}

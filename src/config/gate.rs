//! The key `gate` of the configuration file: commands that test a planned change, and the checks of the forge that have to pass.
//! It runs nothing; `io::gate` does.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};

use super::ConfigError;
use crate::yaml::{Node, Path};

/// What a change has to pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GateConfig {
    /// The checks of the forge that have to pass: `required`, `none`, or a list of names beside the required ones.
    pub checks: Checks,
    /// Commands that test a planned change.
    pub commands: Vec<GateCommand>,
}

/// A command that tests a planned change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateCommand {
    /// The name by which results speak of it.
    pub name: String,
    /// What the shell runs.
    pub run: String,
    /// The longest time it may take: `90s`, `30m`, `2h`.
    #[serde(default)]
    pub timeout: TimeLimit,
    /// The changes that need it: `default`, `images`, `addons`; all without any.
    #[serde(default)]
    pub needs: BTreeSet<Need>,
}

/// A change of a stack line that needs a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// The default version moves.
    Default,
    /// A list of node images changes.
    Images,
    /// Addon charts change.
    Addons,
}

/// The checks of the forge that have to pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Checks {
    /// Those that the base branch requires.
    #[default]
    Required,
    /// None is looked at.
    None,
    /// These, and those that the base branch is known to require.
    Names(Vec<CheckName>),
}

/// A check by its name, and by the app that reports it where that matters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckName {
    /// The name of the check run, or the context of the commit status.
    pub name: String,
    /// The app that has to report it.
    #[serde(default)]
    pub app: Option<String>,
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.app {
            Some(app) => write!(f, " ({app})"),
            None => Ok(()),
        }
    }
}

/// The longest time a command may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeLimit {
    seconds: u32,
}

impl TimeLimit {
    /// A day: no runner of CI waits longer.
    const LONGEST: u32 = 24 * 60 * 60;

    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.seconds))
    }
}

impl Default for TimeLimit {
    fn default() -> Self {
        Self { seconds: 30 * 60 }
    }
}

impl FromStr for TimeLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let units = [("s", 1), ("m", 60), ("h", 3600)];
        let found = units.into_iter().find_map(|(unit, seconds)| {
            let digits = text.strip_suffix(unit)?;
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then_some((digits, seconds))
        });
        let Some((digits, unit)) = found else {
            return Err(
                "expected seconds, minutes or hours such as `90s`, `30m` or `2h`".to_owned(),
            );
        };
        let seconds = digits.parse::<u32>().ok().and_then(|n| n.checked_mul(unit));
        match seconds {
            Some(0) => Err("must be longer than 0".to_owned()),
            Some(seconds) if seconds <= Self::LONGEST => Ok(Self { seconds }),
            Some(_) | None => Err("must be at most `24h`".to_owned()),
        }
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            seconds if seconds % 3600 == 0 => write!(f, "{}h", seconds / 3600),
            seconds if seconds % 60 == 0 => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

impl<'de> Deserialize<'de> for TimeLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Checks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChecksVisitor;

        impl<'de> Visitor<'de> for ChecksVisitor {
            type Value = Checks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`required`, `none` or a list of names")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Checks, E> {
                match word {
                    "required" => Ok(Checks::Required),
                    "none" => Ok(Checks::None),
                    name => Err(E::custom(format!(
                        "expected `required`, `none` or a list such as [{name}]"
                    ))),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Checks, A::Error> {
                let mut names = Vec::new();
                while let Some(Item(name)) = list.next_element()? {
                    names.push(name);
                }
                Ok(Checks::Names(names))
            }
        }

        // Not `#[serde(untagged)]`, which says neither where in the value the mistake is nor what it is.
        deserializer.deserialize_any(ChecksVisitor)
    }
}

/// A name, or a map of a name and an app.
struct Item(CheckName);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;

        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a check, or a map with `name` and `app`")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Item, E> {
                let name = name.to_owned();
                Ok(Item(CheckName { name, app: None }))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Item, A::Error> {
                CheckName::deserialize(MapAccessDeserializer::new(map)).map(Item)
            }
        }

        deserializer.deserialize_any(ItemVisitor)
    }
}

pub(super) fn check(gate: &GateConfig, root: &Node) -> Result<(), ConfigError> {
    check_commands(&gate.commands, root)?;
    match &gate.checks {
        Checks::Names(names) => check_names(names, root),
        Checks::Required | Checks::None => Ok(()),
    }
}

fn check_commands(commands: &[GateCommand], root: &Node) -> Result<(), ConfigError> {
    let mut names = BTreeSet::new();
    for (index, command) in commands.iter().enumerate() {
        let path = Path::root().key("gate").key("commands").index(index);
        let name = path.clone().key("name");
        if let Some(fault) = name_fault(&command.name) {
            let hint = "reports show the command under this name";
            return Err(ConfigError::at(root, &name, fault, hint));
        }
        if command.run.trim().is_empty() {
            let hint = "write the command for the shell";
            return Err(ConfigError::at(root, &path.key("run"), "is empty", hint));
        }
        if !names.insert(&command.name) {
            let fault = format!("is `{}`, as another command's", command.name);
            return Err(ConfigError::at(
                root,
                &name,
                fault,
                "give each command its own name",
            ));
        }
    }
    Ok(())
}

fn check_names(checks: &[CheckName], root: &Node) -> Result<(), ConfigError> {
    let path = Path::root().key("gate").key("checks");
    let hint = "write a list such as [e2e-1.34, lint], or `required`, or `none`";
    // An empty list may be meant as `required` or as `none`.
    if checks.is_empty() {
        return Err(ConfigError::at(root, &path, "is empty", hint));
    }
    let mut seen = BTreeSet::new();
    for (index, check) in checks.iter().enumerate() {
        let fault = match name_fault(&check.name) {
            Some(fault) => fault.to_owned(),
            None if !seen.insert(check) => format!("repeats {check}"),
            None => continue,
        };
        return Err(ConfigError::at(
            root,
            &path.clone().index(index),
            fault,
            hint,
        ));
    }
    Ok(())
}

/// Names are printed in tables, titles and reasons, each of which is one line.
fn name_fault(name: &str) -> Option<&'static str> {
    const LONGEST: usize = 100;
    if name.trim().is_empty() {
        Some("is empty")
    } else if name.trim() != name || name.chars().any(char::is_control) {
        Some("begins or ends with a space, or contains a line break")
    } else if name.chars().count() > LONGEST {
        Some("is longer than 100 characters")
    } else {
        None
    }
}

#[cfg(test)]
mod schema {
    use super::{Checks, TimeLimit};
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    impl JsonSchema for TimeLimit {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "TimeLimit".into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "type": "string", "pattern": "^[0-9]+[smh]$" })
        }
    }

    impl JsonSchema for Checks {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "Checks".into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            let name = json_schema!({ "type": "string" });
            let qualified = json_schema!({
                "type": "object",
                "properties": { "name": name, "app": { "type": "string" } },
                "required": ["name"],
                "additionalProperties": false
            });
            json_schema!({
                "anyOf": [
                    { "type": "string", "enum": ["required", "none"] },
                    { "type": "array", "minItems": 1, "items": { "anyOf": [name, qualified] } }
                ]
            })
        }
    }
}

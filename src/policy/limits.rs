//! Limits of a policy: how old a patch has to be, and which minors are looked at. They know no catalog.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};

use crate::version::Minor;

/// How old a Kubernetes patch has to be before it becomes a default, in whole days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MinimumAge {
    days: u16,
}

impl MinimumAge {
    /// The longest age that makes sense: a minor lives little longer.
    const LONGEST: u16 = 365;

    /// Returns whether any patch is old enough.
    pub fn is_zero(self) -> bool {
        self.days == 0
    }

    /// Returns the age in whole days.
    pub fn days(self) -> u16 {
        self.days
    }

    /// Returns the first day on which what was published on that day is old enough.
    pub fn first_day(self, published: Date) -> Date {
        // Not `+`, which panics beyond the last day that jiff knows.
        published.saturating_add(i32::from(self.days).days())
    }
}

impl FromStr for MinimumAge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, unit) = match (text.strip_suffix('d'), text.strip_suffix('w')) {
            (Some(days), _) => (days, 1),
            (None, Some(weeks)) => (weeks, 7),
            (None, None) => ("", 1),
        };
        // `parse` alone would take a plus sign, too.
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("expected days or weeks such as `3d` or `2w`".to_owned());
        }
        let days = digits.parse::<u16>().ok().and_then(|n| n.checked_mul(unit));
        match days.filter(|days| *days <= Self::LONGEST) {
            Some(days) => Ok(Self { days }),
            None => Err(format!("must be at most {} days", Self::LONGEST)),
        }
    }
}

impl fmt::Display for MinimumAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.days)
    }
}

impl<'de> Deserialize<'de> for MinimumAge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Which minors plans look at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Minors {
    /// All that a repository speaks of.
    #[default]
    All,
    /// These.
    List(Vec<Minor>),
    /// Those from the first to the last, both included; an end that is not named is open.
    Range {
        /// The first.
        from: Option<Minor>,
        /// The last.
        to: Option<Minor>,
    },
}

impl Minors {
    /// Tells whether a minor is one of them.
    pub fn contains(&self, minor: Minor) -> bool {
        match self {
            Self::All => true,
            Self::List(minors) => minors.contains(&minor),
            Self::Range { from, to } => {
                from.is_none_or(|from| from <= minor) && to.is_none_or(|to| minor <= to)
            }
        }
    }

    /// Returns why no minor, or not each of them, could be meant.
    pub(crate) fn find_fault(&self) -> Option<String> {
        match self {
            Self::List(minors) if minors.is_empty() => Some("is empty".to_owned()),
            Self::List(minors) => {
                let mut seen = BTreeSet::new();
                let twice = minors.iter().find(|minor| !seen.insert(**minor))?;
                Some(format!("lists {twice} twice"))
            }
            Self::Range {
                from: None,
                to: None,
            } => Some("needs `from` or `to`".to_owned()),
            Self::Range {
                from: Some(from),
                to: Some(to),
            } if from > to => Some(format!("starts at {from}, after its end {to}")),
            Self::All | Self::Range { .. } => None,
        }
    }
}

impl fmt::Display for Minors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All
            | Self::Range {
                from: None,
                to: None,
            } => f.write_str("all"),
            Self::List(minors) => {
                let names: Vec<String> = minors.iter().map(ToString::to_string).collect();
                f.write_str(&names.join(", "))
            }
            Self::Range {
                from: Some(from),
                to: Some(to),
            } => write!(f, "{from} to {to}"),
            Self::Range {
                from: Some(from),
                to: None,
            } => write!(f, "{from} and newer"),
            Self::Range {
                from: None,
                to: Some(to),
            } => write!(f, "{to} and older"),
        }
    }
}

impl<'de> Deserialize<'de> for Minors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MinorsVisitor)
    }
}

/// A range as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: Option<Minor>,
    to: Option<Minor>,
}

struct MinorsVisitor;

impl<'de> Visitor<'de> for MinorsVisitor {
    type Value = Minors;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of minors or a map with `from` and `to`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Minors, A::Error> {
        let mut minors = Vec::new();
        while let Some(minor) = items.next_element()? {
            minors.push(minor);
        }
        Ok(Minors::List(minors))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Minors, A::Error> {
        let Range { from, to } = Range::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Minors::Range { from, to })
    }
}

#[cfg(test)]
mod schemas {
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    impl JsonSchema for super::MinimumAge {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "MinimumAge".into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "type": "string", "pattern": "^[0-9]+[dw]$" })
        }
    }

    // An editor takes an unquoted 1.34 for a number; the program reads it as it stands.
    impl JsonSchema for super::Minors {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "Minors".into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            let minor = json_schema!({ "type": ["string", "number"] });
            json_schema!({
                "oneOf": [
                    { "type": "array", "items": minor, "minItems": 1, "uniqueItems": true },
                    {
                        "type": "object",
                        "properties": { "from": minor, "to": minor },
                        "additionalProperties": false
                    }
                ]
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_days_or_weeks() {
        let day: Date = "2026-05-12".parse().unwrap();
        let first = |text: &str| {
            let age: MinimumAge = text.parse().unwrap();
            age.first_day(day).to_string()
        };
        assert_eq!(first("0d"), "2026-05-12");
        assert_eq!(first("3d"), "2026-05-15");
        assert_eq!(first("2w"), "2026-05-26");
        for text in [
            "", "3", "d", "-3d", "+3d", "3 d", "3m", "1.5d", "366d", "53w", "99999d", "3\u{e9}",
        ] {
            assert!(text.parse::<MinimumAge>().is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_have_open_ends() {
        let minor = |text: &str| -> Minor { text.parse().unwrap() };
        let range = |from: Option<&str>, to: Option<&str>| Minors::Range {
            from: from.map(minor),
            to: to.map(minor),
        };
        assert!(range(Some("1.9"), Some("1.10")).contains(minor("1.10")));
        assert!(!range(Some("1.33"), None).contains(minor("1.32")));
        assert!(range(None, Some("1.33")).contains(minor("1.3")));
        assert!(range(Some("1.34"), Some("1.33")).find_fault().is_some());
        assert_eq!(range(Some("1.34"), None).to_string(), "1.34 and newer");
    }
}

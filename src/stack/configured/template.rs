//! The template of a configured reference's value, and the values it is filled with. Of Handlebars it has the variables,
//! `{{default}}`; blocks and helpers have no use in one value.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::spelling;
use crate::stack::wanted::Wanted;
use crate::version::{ChartVersion, KubernetesVersion, Minor, StackVersion};

/// A text with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Variable),
}

/// A value's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    Provider,
    Stack,
    Minor,
    MinorDashed,
    Default,
    DefaultPlain,
    StackVersion,
    Ccm,
    Csi,
}

impl Variable {
    const ALL: [(&'static str, Self); 9] = [
        ("provider", Self::Provider),
        ("stack", Self::Stack),
        ("minor", Self::Minor),
        ("minorDashed", Self::MinorDashed),
        ("default", Self::Default),
        ("defaultPlain", Self::DefaultPlain),
        ("stackVersion", Self::StackVersion),
        ("ccm", Self::Ccm),
        ("csi", Self::Csi),
    ];

    pub(crate) fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, variable)| *variable == self);
        found.map_or("", |(name, _)| name)
    }

    /// Tells whether a text could be such a value.
    fn takes(self, text: &str) -> bool {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        match self {
            Self::Provider | Self::Stack => text.chars().all(is_name),
            Self::Minor => text.contains('.') && text.parse::<Minor>().is_ok(),
            Self::MinorDashed => text.contains('-') && text.parse::<Minor>().is_ok(),
            Self::Default | Self::DefaultPlain => text.parse::<KubernetesVersion>().is_ok(),
            Self::StackVersion => text.parse::<StackVersion>().is_ok(),
            Self::Ccm | Self::Csi => text.parse::<ChartVersion>().is_ok(),
        }
    }
}

/// What a template has values for.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    pub(in crate::stack) provider: String,
    pub(in crate::stack) stack: String,
    pub(in crate::stack) minor: Minor,
    pub(in crate::stack) default: Option<KubernetesVersion>,
    pub(in crate::stack) stack_version: Option<StackVersion>,
    /// The versions of the charts by their names.
    pub(in crate::stack) charts: BTreeMap<String, ChartVersion>,
    /// The charts' names by their short ones.
    pub(in crate::stack) short: BTreeMap<&'static str, String>,
}

impl Values {
    /// Returns the values before and after a change; `charts` are those of the tree as it is.
    pub(crate) fn of_wanted(wanted: &Wanted<'_>, charts: &Self) -> (Self, Self) {
        let next = wanted.next_version.clone();
        let published = next
            .as_ref()
            .and_then(StackVersion::stable_number)
            .and_then(|number| number.checked_sub(1))
            .filter(|number| *number > 0)
            .map(StackVersion::stable);
        let moves = wanted.default != wanted.default_before || wanted.line != wanted.line_before;
        let before = Self {
            provider: wanted.line_before.provider.clone(),
            stack: wanted.line_before.name.clone(),
            minor: wanted.line_before.minor,
            default: wanted.default_before,
            stack_version: published,
            charts: charts.charts.clone(),
            short: charts.short.clone(),
        };
        let mut after = Self {
            provider: wanted.line.provider.clone(),
            stack: wanted.line.name.clone(),
            minor: wanted.line.minor,
            default: wanted.default,
            // What the release becomes is known only while it becomes; afterwards what was written then stays.
            stack_version: next.filter(|_| moves),
            charts: charts.charts.clone(),
            short: charts.short.clone(),
        };
        after.charts.extend(wanted.charts.clone());
        (before, after)
    }

    fn chart(&self, short: &str) -> Option<String> {
        let version = self.charts.get(self.short.get(short)?)?;
        Some(version.to_string())
    }

    fn text(&self, variable: Variable) -> Option<String> {
        match variable {
            Variable::Provider => Some(self.provider.clone()),
            Variable::Stack => Some(self.stack.clone()),
            Variable::Minor => Some(self.minor.to_string()),
            Variable::MinorDashed => Some(self.minor.dashed()),
            Variable::Default => self.default.map(|version| version.to_string()),
            Variable::DefaultPlain => self.default.map(KubernetesVersion::plain),
            Variable::StackVersion => self.stack_version.as_ref().map(ToString::to_string),
            Variable::Ccm => self.chart("ccm"),
            Variable::Csi => self.chart("csi"),
        }
    }
}

impl Template {
    /// Fills the template; the name of a value that is not known where one is not.
    pub(crate) fn fill(&self, values: &Values) -> Result<String, &'static str> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Value(variable) => {
                    text.push_str(&values.text(*variable).ok_or(variable.name())?);
                }
            }
        }
        Ok(text)
    }

    /// Tells whether a text could have come from the template, with some values.
    pub(crate) fn fits(&self, text: &str) -> bool {
        fits(&self.0, text)
    }

    /// Tells whether it has a place for a value that a new patch changes.
    pub(crate) fn follows_default(&self) -> bool {
        let follows = [
            Variable::Default,
            Variable::DefaultPlain,
            Variable::StackVersion,
        ];
        self.0
            .iter()
            .any(|piece| matches!(piece, Piece::Value(variable) if follows.contains(variable)))
    }
}

fn fits(pieces: &[Piece], text: &str) -> bool {
    match pieces {
        [] => text.is_empty(),
        [Piece::Text(piece), rest @ ..] => text
            .strip_prefix(piece.as_str())
            .is_some_and(|text| fits(rest, text)),
        [Piece::Value(variable), rest @ ..] => {
            let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
            let mut ends = ends.filter(|end| variable.takes(&text[..*end]));
            ends.any(|end| fits(rest, &text[end..]))
        }
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let (name, after) = after
                .split_once("}}")
                .ok_or_else(|| format!("`{text}` has a `{{{{` without `}}}}`"))?;
            pieces.push(Piece::Value(find(name.trim())?));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        if pieces.iter().any(|piece| matches!(piece, Piece::Value(_))) {
            Ok(Self(pieces))
        } else {
            Err(format!(
                "`{text}` has no place for a value, such as `{{{{default}}}}`"
            ))
        }
    }
}

fn find(name: &str) -> Result<Variable, String> {
    if let Some((_, variable)) = Variable::ALL.iter().find(|(known, _)| *known == name) {
        return Ok(*variable);
    }
    let names = Variable::ALL.map(|(name, _)| name);
    let meant = spelling::nearest(name, names);
    let question = meant.map_or_else(
        || format!("there are {}", names.join(", ")),
        |meant| {
            format!(
                "did you mean `{{{{{meant}}}}}`? There are {}",
                names.join(", ")
            )
        },
    );
    Err(format!("`{{{{{name}}}}}` is no value; {question}"))
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Value(variable) => write!(f, "{{{{{}}}}}", variable.name())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values {
            provider: "openstack".to_owned(),
            stack: "scs2".to_owned(),
            minor: "1.34".parse().unwrap(),
            default: Some("v1.34.7".parse().unwrap()),
            stack_version: Some(StackVersion::stable(3)),
            charts: [("cloud-controller".to_owned(), "2.34.2".parse().unwrap())].into(),
            short: [("ccm", "cloud-controller".to_owned())].into(),
        }
    }

    #[test]
    fn every_value_has_its_place() {
        let fill = |text: &str| text.parse::<Template>().unwrap().fill(&values());
        assert_eq!(
            fill("{{provider}}-{{stack}}-{{minorDashed}}-{{ stackVersion }}").as_deref(),
            Ok("openstack-scs2-1-34-v3")
        );
        assert_eq!(
            fill("{{minor}} {{default}} {{defaultPlain}}").as_deref(),
            Ok("1.34 v1.34.7 1.34.7")
        );
        assert_eq!(fill("ccm {{ccm}}").as_deref(), Ok("ccm 2.34.2"));
        assert_eq!(fill("{{csi}}"), Err("csi"));
    }

    #[test]
    fn a_text_fits_when_its_values_are_of_the_kind() {
        let fits = |template: &str, text: &str| template.parse::<Template>().unwrap().fits(text);
        assert!(fits("{{default}}", "v1.33.10") && fits("v{{defaultPlain}}", "v1.33.10"));
        assert!(fits(
            "{{provider}}-{{stack}}-{{minorDashed}}-{{stackVersion}}",
            "openstack-scs-1-33-v12"
        ));
        assert!(fits("image-{{default}}.qcow2", "image-v1.33.1.qcow2"));
        for text in ["is", "v1.33", "v1.33.1-rc.1", "", "image-v1.33.1"] {
            assert!(!fits("{{default}}", text), "{text}");
        }
    }

    #[test]
    fn mistakes_are_answered() {
        let error = |text: &str| text.parse::<Template>().unwrap_err();
        assert!(
            error("{{defualt}}")
                .starts_with("`{{defualt}}` is no value; did you mean `{{default}}`?")
        );
        assert!(error("{{#if a}}").contains("there are provider, stack, minor"));
        assert!(error("{{default").contains("without"));
        assert!(error("v1.34.7").contains("no place for a value"));
    }
}

//! The template of a configured reference's value, and the values it is filled with.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::template::{Piece, Template, Variable};
use crate::version::{ChartVersion, KubernetesVersion, Minor, StackVersion};

/// The template of a configured reference's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValueTemplate(Template<Value>);

/// What a configured reference may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
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

impl Variable for Value {
    const ALL: &'static [(&'static str, Self)] = &[
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
}

impl Value {
    /// Tells whether a text could be such a value.
    fn takes(self, text: &str) -> bool {
        match self {
            Self::Provider | Self::Stack => text.chars().all(is_name_char),
            // A minor reads alike with a dot and with a dash, and here these are two values.
            Self::Minor => text.contains('.') && text.parse::<Minor>().is_ok(),
            Self::MinorDashed => text.contains('-') && text.parse::<Minor>().is_ok(),
            Self::Default | Self::DefaultPlain => text.parse::<KubernetesVersion>().is_ok(),
            Self::StackVersion => text.parse::<StackVersion>().is_ok(),
            Self::Ccm | Self::Csi => text.parse::<ChartVersion>().is_ok(),
        }
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.')
}

/// What a template has values for.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    pub(crate) provider: String,
    pub(crate) stack: String,
    pub(crate) minor: Minor,
    pub(crate) default: Option<KubernetesVersion>,
    pub(crate) stack_version: Option<StackVersion>,
    /// The versions of the charts by their names.
    pub(crate) charts: BTreeMap<String, ChartVersion>,
    /// The charts' names by their short ones.
    pub(crate) short: BTreeMap<&'static str, String>,
}

impl Values {
    fn chart(&self, short: &str) -> Option<String> {
        let version = self.charts.get(self.short.get(short)?)?;
        Some(version.to_string())
    }

    fn text(&self, variable: Value) -> Option<String> {
        match variable {
            Value::Provider => Some(self.provider.clone()),
            Value::Stack => Some(self.stack.clone()),
            Value::Minor => Some(self.minor.to_string()),
            Value::MinorDashed => Some(self.minor.dashed()),
            Value::Default => self.default.map(|version| version.to_string()),
            Value::DefaultPlain => self.default.map(KubernetesVersion::plain),
            Value::StackVersion => self.stack_version.as_ref().map(ToString::to_string),
            Value::Ccm => self.chart("ccm"),
            Value::Csi => self.chart("csi"),
        }
    }
}

impl ValueTemplate {
    /// Fills the template; the first value that is not known is the error.
    pub(crate) fn fill(&self, values: &Values) -> Result<String, Value> {
        self.0.fill(|variable| values.text(variable))
    }

    /// Tells whether a text could have come from the template, with some values.
    pub(crate) fn fits(&self, text: &str) -> bool {
        fits(self.0.pieces(), text)
    }

    /// Tells whether it has a place for a value that a new patch changes.
    pub(crate) fn follows_default(&self) -> bool {
        let follows = [Value::Default, Value::DefaultPlain, Value::StackVersion];
        self.0.variables().any(|value| follows.contains(&value))
    }
}

fn fits(pieces: &[Piece<Value>], text: &str) -> bool {
    match pieces {
        [] => text.is_empty(),
        [Piece::Text(piece), rest @ ..] => text
            .strip_prefix(piece.as_str())
            .is_some_and(|text| fits(rest, text)),
        [Piece::Value(variable), rest @ ..] => {
            let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
            let mut ends = ends.filter(|end| variable.takes(&text[..*end]));
            // Every end is tried: what follows a value may look as if it went on.
            ends.any(|end| fits(rest, &text[end..]))
        }
    }
}

impl FromStr for ValueTemplate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let template = Template::parse(text)?;
        if template.variables().next().is_none() {
            return Err(format!(
                "`{text}` has no place for a value, such as `{{{{default}}}}`"
            ));
        }
        Ok(Self(template))
    }
}

impl fmt::Display for ValueTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
        let fill = |text: &str| text.parse::<ValueTemplate>().unwrap().fill(&values());
        assert_eq!(
            fill("{{provider}}-{{stack}}-{{minorDashed}}-{{ stackVersion }}").as_deref(),
            Ok("openstack-scs2-1-34-v3")
        );
        assert_eq!(
            fill("{{minor}} {{default}} {{defaultPlain}}").as_deref(),
            Ok("1.34 v1.34.7 1.34.7")
        );
        assert_eq!(fill("ccm {{ccm}}").as_deref(), Ok("ccm 2.34.2"));
        assert_eq!(fill("{{csi}}"), Err(Value::Csi));
    }

    #[test]
    fn a_text_fits_when_its_values_are_of_the_kind() {
        let fits =
            |template: &str, text: &str| template.parse::<ValueTemplate>().unwrap().fits(text);
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
        let error = |text: &str| text.parse::<ValueTemplate>().unwrap_err();
        assert!(
            error("{{defualt}}")
                .starts_with("unknown placeholder `{{defualt}}`; did you mean `{{default}}`?")
        );
        assert!(error("{{#if a}}").contains("use one of provider, stack, minor"));
        assert!(error("{{default").contains("without"));
        assert!(error("v1.34.7").contains("no place for a value"));
    }
}

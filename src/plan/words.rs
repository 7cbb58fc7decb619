//! The words of a plan: what its facts say to people, and the form they have in JSON, a code beside each sentence.

mod charts;
mod skips;

use std::fmt;

use serde::ser::{Serialize, Serializer};

use super::Fix;
use super::facts::{ChartChoice, Evidence, FileLine, Note, OsMove, ProvedImage, Reason, Skip};
use crate::release_digest::Unchanged;
use crate::version::{KubernetesVersion, StackLine, StackVersion, compact};

/// How many vulnerabilities that are not critical are named.
const NAMED: usize = 5;

/// A fact as JSON and templates have it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct FactMessage {
    /// What it is: a code that stays the same when the words change.
    pub(crate) code: &'static str,
    /// The same in words.
    pub(crate) message: String,
    /// By how many days something is late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) days_late: Option<u32>,
}

/// Something skipped, or not known, as JSON and templates have it.
#[derive(serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct SkipMessage {
    /// Why: a code that stays the same when the words change.
    code: &'static str,
    /// What is skipped: `v1.34.9`, `node images of 1.34`.
    subject: String,
    /// Why, as a phrase.
    reason: String,
    /// What to do about it, where something can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl From<&Skip> for SkipMessage {
    fn from(skip: &Skip) -> Self {
        Self {
            code: skip.code(),
            subject: skip.subject.to_string(),
            reason: skip.reason(),
            hint: skip.hint(),
        }
    }
}

impl Reason {
    /// Returns the reason as JSON has it.
    fn said(&self) -> FactMessage {
        FactMessage {
            code: self.code(),
            message: self.to_string(),
            days_late: self.days_late(),
        }
    }

    /// Returns the reason in words that hold on any day: by how many days something is late would be another text each morning.
    pub(crate) fn lasting(&self) -> FactMessage {
        FactMessage {
            message: self.sentence(self.days_late().map_or("", |_| ", late")),
            days_late: None,
            ..self.said()
        }
    }

    fn sentence(&self, late: &str) -> String {
        match self {
            Self::MinorEnded { minor, day } => format!("{minor} leaves: end of life since {day}"),
            Self::MinorReplaced { minor } => {
                format!("the source tree of {minor} is set to another minor")
            }
            Self::BlockedImage(block) => {
                format!("{} leaves: blocked, {}", block.subject(), block.why())
            }
            Self::Trimmed { version, images } => {
                format!("{version} leaves the list: policy `images: {images}`")
            }
            Self::BlockedDefault { old, new, block } => format!(
                "the default leaves {old} for {new}: {old} is blocked, {}",
                block.why()
            ),
            Self::PinnedDefault(pin) => pin.why(),
            Self::FixesCritical {
                version, fix, due, ..
            } => format!("{version} fixes {fix}, due {due}{late}"),
            Self::Fixes { version, fixes } => fixed(*version, fixes),
            Self::Due {
                subject,
                due,
                standard,
                ..
            } => format!("{subject} due {due} under {}{late}", standard.short_name()),
            Self::ImageProved {
                version,
                published,
                image,
            } => match published {
                Some(day) => format!("{version} released {day}; {image}"),
                None => format!("{version} {image}"),
            },
            Self::Chart {
                chart,
                from: Some(from),
                to,
                choice,
            } => format!("{chart} {from} -> {to}: {choice}"),
            Self::Chart {
                chart,
                from: None,
                to,
                choice,
            } => format!("{chart} {to}: {choice}"),
        }
    }
}

fn fixed(version: KubernetesVersion, fixes: &[Fix]) -> String {
    // `fixes` of the plan's JSON form has all of them.
    let named = listing(fixes.iter().take(NAMED));
    match fixes.len().saturating_sub(NAMED) {
        0 => format!("{version} fixes {named}"),
        further => format!("{version} fixes {named} and {further} more"),
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let late = match self.days_late() {
            None => String::new(),
            Some(1) => ", 1 day late".to_owned(),
            Some(days) => format!(", {days} days late"),
        };
        f.write_str(&self.sentence(&late))
    }
}

// `standing` finds the deadline of a fix by these words, which are those of a vulnerability.
impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.score {
            Some(score) => write!(f, "{} ({score})", self.id),
            None => write!(f, "{}", self.id),
        }
    }
}

impl fmt::Display for ChartChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(minor) => write!(f, "the versions for {minor}"),
            Self::Listed(minor) => write!(f, "what the list of versions says for {minor}"),
            Self::NewestAllowed(minor) => write!(f, "the newest for {minor} that may be taken"),
            Self::Newest(minor) => write!(f, "the newest for {minor}"),
        }
    }
}

impl fmt::Display for ProvedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.evidence {
            Evidence::Checksum => "image and checksum proved",
            Evidence::Presence => "image is there",
            Evidence::Nothing => "image is there, and nothing proves it",
        })?;
        let os = self.os.as_ref().map(ToString::to_string);
        let size = self.size.map(human_size);
        let built = self.built.map(|day| format!("built {day}"));
        let facts: Vec<String> = [os, size, built].into_iter().flatten().collect();
        if facts.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", facts.join(", "))
    }
}

fn human_size(bytes: u64) -> String {
    const MEGABYTE: u64 = 1_000_000;
    if bytes >= 1000 * MEGABYTE {
        format!(
            "{}.{} GB",
            bytes / (1000 * MEGABYTE),
            bytes / (100 * MEGABYTE) % 10
        )
    } else if bytes >= MEGABYTE {
        format!("{} MB", bytes / MEGABYTE)
    } else {
        format!("{bytes} bytes")
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongName(fault) => write!(f, "{fault}"),
            Self::UnreadTemplate(fault) => {
                write!(f, "{fault}; it names no version and is left alone")
            }
            Self::MustUpgrade { line, old, new } => write!(
                f,
                "clusters of {line} on {old} must be upgraded to {new}; a release does not change running clusters"
            ),
            Self::MustReplaceNodes { line, block } => write!(
                f,
                "nodes of {line} on {} must be replaced; a release does not change running nodes",
                block.subject()
            ),
            Self::ReleaseUnknown { gap } => {
                write!(f, "the next release number is unknown: {gap}")
            }
            Self::AskedMinorEnded { minor, day } => {
                write!(f, "{minor} reached end of life on {day}")
            }
            Self::MinorOnAnotherOs {
                minor,
                step: OsMove { before, after },
            } => write!(
                f,
                "the images of {minor} are on {after}; the stack's images are on {before}"
            ),
            Self::OtherVersion {
                at,
                value,
                version,
                default,
            } => write!(
                f,
                "{at} stays: `{value}` names the image of {version}, and the default was {default}"
            ),
            Self::CsctlRefuses { line, next, seen } => {
                write_refusal(f, line, next.as_ref(), seen.as_ref())
            }
            Self::PackagedCharts { directory } => write!(
                f,
                "{directory} has packaged charts: run `helm dependency update` in the addon charts that changed"
            ),
            Self::UnprovedImages { store } => write!(
                f,
                "nothing proves the images from {store}: it publishes no checksums"
            ),
            Self::StaleLock { chart } => write!(
                f,
                "{chart}/Chart.lock did not fit its Chart.yaml before, and is left alone: run `helm dependency update {chart}`"
            ),
            Self::MinorStillMentioned { minor, places } => {
                write!(f, "{minor} is still mentioned in {}", listing(places))
            }
            Self::FixesUnknown {
                version,
                url,
                reason,
            } => write!(
                f,
                "incomplete list of what {version} fixes: {url}: {reason}"
            ),
        }
    }
}

fn write_refusal(
    f: &mut fmt::Formatter<'_>,
    line: &StackLine,
    next: Option<&StackVersion>,
    seen: Option<&Unchanged>,
) -> fmt::Result {
    write!(f, "csctl would refuse to publish {line}")?;
    if let Some(next) = next {
        write!(f, "-{next}")?;
    }
    match seen {
        Some(seen) => write!(f, ": {seen}"),
        None => f.write_str(": it compares only the cluster addons, and they stay the same"),
    }
}

impl fmt::Display for FileLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.said().serialize(serializer)
    }
}

impl Serialize for Note {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let said = FactMessage {
            code: self.code(),
            message: self.to_string(),
            days_late: None,
        };
        said.serialize(serializer)
    }
}

impl Serialize for Skip {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SkipMessage::from(self).serialize(serializer)
    }
}

/// Puts what is skipped in the order of its words, each once.
pub(super) fn in_order(skips: &mut Vec<Skip>) {
    // Skips of several source trees can be the same: a reader wants each once.
    skips.sort_by_cached_key(|skip| (skip.subject.to_string(), skip.reason(), skip.hint()));
    skips.dedup();
}

/// Joins values as an enumeration does: `1.33, 1.34`.
fn listing<T: fmt::Display>(values: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    words.join(", ")
}

#[cfg(test)]
mod schemas {
    use schemars::{JsonSchema, Schema, SchemaGenerator};

    use strum::VariantNames;

    use super::super::facts::{
        ChartReason, DefaultReason, FileReason, ImageReason, MinorReason, PolicyReason,
        SourceReason,
    };
    use super::{FactMessage, Note, Reason, Skip, SkipMessage};

    /// Every code of what is skipped, or not known.
    pub(super) fn skip_codes() -> Vec<&'static str> {
        [
            SourceReason::VARIANTS,
            ImageReason::VARIANTS,
            MinorReason::VARIANTS,
            DefaultReason::VARIANTS,
            PolicyReason::VARIANTS,
            FileReason::VARIANTS,
            ChartReason::VARIANTS,
        ]
        .concat()
    }

    /// The form of a fact, with the codes it can have.
    fn with_codes<T: JsonSchema>(generator: &mut SchemaGenerator, codes: &[&str]) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("properties".to_owned(), {
            let mut properties = schema.get("properties").cloned().unwrap_or_default();
            properties["code"]["enum"] = codes.to_vec().into();
            properties
        });
        schema
    }

    impl JsonSchema for Reason {
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "Reason".into()
        }
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            with_codes::<FactMessage>(generator, Self::VARIANTS)
        }
    }

    impl JsonSchema for Note {
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "Note".into()
        }
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            with_codes::<FactMessage>(generator, Self::VARIANTS)
        }
    }

    impl JsonSchema for Skip {
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "Skip".into()
        }
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            with_codes::<SkipMessage>(generator, &skip_codes())
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantNames as _;

    use super::super::facts::{Note, Reason};
    use super::schemas::skip_codes;

    /// The codes of a table of the page, under a heading.
    fn documented(heading: &str) -> Vec<&'static str> {
        let page = include_str!("../../docs/codes.md");
        let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let codes = rows.map(|row| row.split('`').next().unwrap());
        let mut codes: Vec<&str> = codes.collect();
        codes.sort_unstable();
        codes
    }

    fn sorted(mut codes: Vec<&'static str>) -> Vec<&'static str> {
        codes.sort_unstable();
        codes
    }

    #[test]
    fn every_code_has_a_row_and_every_row_a_code() {
        assert_eq!(documented("Reasons"), sorted(Reason::VARIANTS.to_vec()));
        assert_eq!(documented("Skipped or unknown"), sorted(skip_codes()));
        assert_eq!(documented("Notes"), sorted(Note::VARIANTS.to_vec()));
    }

    #[test]
    fn no_code_means_two_things() {
        let all = [Reason::VARIANTS, Note::VARIANTS, &skip_codes()].concat();
        let mut once = sorted(all.clone());
        once.dedup();
        assert_eq!(sorted(all), once);
    }
}

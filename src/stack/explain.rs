//! Says of one file which of its values are the stack's and which are not, and why: every value that looks like a version, an
//! image or a checksum. It decides nothing; what is claimed is what the kinds of files have claimed.

use std::collections::HashMap;

use serde::Serialize;

use super::examples::{ExampleSubject, TextForm, explain_examples};
use super::facts::Fact;
use super::group::ImagePart;
use super::model::Stack;
use super::role::Role;
use super::series::SeriesMatch;
use super::source::SourceFile;
use crate::catalog::ImagePattern;
use crate::version::KubernetesVersion;
use crate::yaml::{Node, Path};

/// The version of the explanation's JSON form.
pub const EXPLANATION_SCHEMA: u32 = 1;

/// What the values of one file are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileExplanation {
    /// The form's version, [`EXPLANATION_SCHEMA`].
    pub schema: u32,
    /// The file, relative to the repository's root.
    pub file: String,
    /// The cluster stack that it is of: `openstack/scs2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// The kinds of file that it is: `ClusterClass`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Why nothing of it is read, as a phrase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
    /// The values that look like a version, an image or a checksum.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ExplainedValue>,
}

/// A value that looks like a version, an image or a checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExplainedValue {
    /// The line of the file, counted from 1.
    pub line: usize,
    /// The place: `images.worker.name`; `text` in a text.
    pub at: String,
    /// The value.
    pub value: String,
    /// Whether it is the stack's, so that a plan may write over it.
    pub is_claimed: bool,
    /// As what it is claimed, or why it is not, as a phrase.
    pub why: String,
}

/// A free value that names an image of the stack in another version than the default: left behind, or kept on purpose. Nobody but
/// people knows.
pub(crate) struct OtherVersion {
    pub(crate) line: usize,
    pub(crate) value: String,
    pub(crate) version: KubernetesVersion,
}

/// Returns the free values of a file that name images of the stack in other versions of the default's minor.
pub(crate) fn other_versions(
    stack: &Stack,
    file: &SourceFile,
    default: KubernetesVersion,
) -> Vec<OtherVersion> {
    let mut found = Vec::new();
    if file.has_free_values() {
        let claimed = claimed(stack, file);
        let mut values = unclaimed(stack, file, &claimed);
        values.retain(|value| stack.series.find(&value.value) != SeriesMatch::None);
        found.extend(values.into_iter().filter_map(|value| {
            let version = ImagePattern::read_url(&value.value).ok()?.version;
            let is_other = version != default && version.minor() == default.minor();
            is_other.then_some(OtherVersion {
                line: value.line,
                value: value.value,
                version,
            })
        }));
    }
    found
}

/// Explains the values of one file of a stack; `release` is the newest release of the line of its source tree.
pub(crate) fn explain_file(
    stack: &Stack,
    file: &SourceFile,
    release: Option<u32>,
) -> Vec<ExplainedValue> {
    let mut explained = claimed(stack, file);
    match text_form(file) {
        Some(form) => explained.extend(examples(stack, file, form, release)),
        None => explained.extend(unclaimed(stack, file, &explained)),
    }
    explained.sort_by(|a, b| (a.line, &a.at).cmp(&(b.line, &b.at)));
    // A value about an image is claimed as such, and states a fact too: what is said first stays.
    explained.dedup_by(|a, b| (a.line, &a.at) == (b.line, &b.at));
    explained
}

fn text_form(file: &SourceFile) -> Option<TextForm> {
    file.kinds().iter().find_map(|kind| kind.example_form())
}

fn claimed_value(line: usize, at: String, value: &str, why: String) -> ExplainedValue {
    ExplainedValue {
        line,
        at,
        value: value.to_owned(),
        is_claimed: true,
        why,
    }
}

fn claimed(stack: &Stack, file: &SourceFile) -> Vec<ExplainedValue> {
    let mut explained: Vec<ExplainedValue> = Vec::new();
    for group in file.groups() {
        let series = stack
            .series
            .of_place(file.path(), group.line)
            .and_then(|id| stack.series.get(id));
        let of = series.map_or_else(String::new, |series| format!(" (series {})", series.title));
        for member in &group.members {
            let document = file.documents().get(group.document);
            if let Some(node) = document.and_then(|root| root.at(&member.path)) {
                let what = part_words(member.part);
                let why = format!("{what} of the default's image{of}");
                let text = node.as_str().unwrap_or_default();
                let at = member.path.to_string();
                explained.push(claimed_value(node.line(), at, text, why));
            }
        }
    }
    for reference in file.references() {
        let why = fact_words(&reference.fact).to_owned();
        let at = reference.at.clone();
        explained.push(claimed_value(reference.line, at, &reference.value, why));
    }
    let digest = Path::root().key("digest");
    let locked = file.documents().first().and_then(|root| root.at(&digest));
    if let Some(node) = locked.filter(|_| file.has_role(Role::AddonLock)) {
        let why = "the digest of the lock, which goes with what is locked".to_owned();
        let text = node.as_str().unwrap_or_default();
        explained.push(claimed_value(node.line(), digest.to_string(), text, why));
    }
    for image_list in file.image_lists() {
        let why = format!("an entry of a list of node images ({})", image_list.at);
        for (index, entry) in image_list.entries.iter().enumerate() {
            let at = format!("{}[{index}]", image_list.at);
            let value = entry.url.as_deref().unwrap_or(&entry.name);
            explained.push(claimed_value(entry.line, at, value, why.clone()));
        }
    }
    explained
}

fn part_words(part: ImagePart) -> &'static str {
    match part {
        ImagePart::Url => "the URL",
        ImagePart::Name => "the name",
        ImagePart::Version => "the version",
        ImagePart::OsVersion => "the operating system",
        ImagePart::Sum(_) => "the checksum",
        ImagePart::SumUrl => "the URL of the checksum",
        ImagePart::Digest => "the digest",
        ImagePart::Tag => "the tag",
        ImagePart::Stuck(_) => "something that names the version",
        ImagePart::Unknown => "what may be the name",
    }
}

fn fact_words(fact: &Fact) -> &'static str {
    match fact {
        Fact::Provider => "the provider's name",
        Fact::StackName => "the stack's name",
        Fact::Kubernetes { .. } | Fact::KubernetesMinor { .. } => "the stack's Kubernetes version",
        Fact::ListedVersion { .. } => "the version of a row",
        Fact::ListedAddon { .. } => "the addon chart of a row",
        Fact::ClassChart { .. } => "the name of the class chart",
        Fact::AddonChart { .. } => "the name of an addon chart",
        Fact::ChartDependency { .. } => "an addon chart that is asked for",
        Fact::LockedDependency { .. } => "an addon chart that is locked",
        Fact::ImageName { .. } | Fact::Image(_) => "the image of the default",
        Fact::StackVersion { .. } => "a version of the stack's releases",
        Fact::Example => "an example of the stack",
        Fact::Configured { .. } => "a place that csctl-matrix.yaml names",
    }
}

/// The examples of a text for people, and what only looks like them.
fn examples(
    stack: &Stack,
    file: &SourceFile,
    form: TextForm,
    release: Option<u32>,
) -> Vec<ExplainedValue> {
    let Some(tree) = stack.trees.iter().find(|tree| tree.has(file)) else {
        return Vec::new();
    };
    let Some(line) = tree.line() else {
        return Vec::new();
    };
    let subject = ExampleSubject {
        line: &line,
        default: tree.default,
        release,
    };
    let found = explain_examples(file.text(), form, &subject);
    let values = found.examples.iter().flat_map(|example| &example.values);
    let own = values.map(|value| ExplainedValue {
        line: value.line,
        at: value.at(),
        value: file.text()[value.range.clone()].to_owned(),
        is_claimed: true,
        why: "the stack's current example".to_owned(),
    });
    let others = found.unclaimed.iter().map(|other| ExplainedValue {
        line: other.line,
        at: format!("text {}", other.range.start),
        value: file.text()[other.range.clone()].to_owned(),
        is_claimed: false,
        why: other.reason.to_string(),
    });
    let mut all: Vec<ExplainedValue> = own.chain(others).collect();
    // Bytes keep two values of one line apart and say nothing to people.
    all.sort_by_key(|value| value.line);
    all
}

/// The values of a file that nobody claims and that look like something.
fn unclaimed(stack: &Stack, file: &SourceFile, claimed: &[ExplainedValue]) -> Vec<ExplainedValue> {
    let mut by_place: HashMap<&str, Vec<usize>> = HashMap::new();
    for claimed in claimed {
        let lines = by_place.entry(claimed.at.as_str()).or_default();
        lines.push(claimed.line);
    }
    let mut walk = Walk {
        stack,
        file,
        claimed: by_place,
        found: Vec::new(),
    };
    for document in file.documents() {
        walk.node(&Path::root(), document);
    }
    walk.found
}

struct Walk<'a> {
    stack: &'a Stack,
    file: &'a SourceFile,
    /// The lines of what is claimed, by place.
    claimed: HashMap<&'a str, Vec<usize>>,
    found: Vec<ExplainedValue>,
}

impl Walk<'_> {
    fn node(&mut self, path: &Path, node: &Node) {
        for (index, item) in node.own_items().iter().enumerate() {
            self.node(&path.clone().index(index), item);
        }
        for (key, _, value) in node.own_entries() {
            self.node(&path.clone().key(key), value);
        }
        let Some(text) = node.as_str().filter(|text| looks_like_one(text)) else {
            return;
        };
        let at = path.to_string();
        if self.is_claimed(&at, node.line()) {
            return;
        }
        self.found.push(ExplainedValue {
            line: node.line(),
            why: self.why_not(node, text),
            at,
            value: text.to_owned(),
            is_claimed: false,
        });
    }

    /// Tells whether a place is claimed, or below an entry of a list that is.
    fn is_claimed(&self, at: &str, line: usize) -> bool {
        let ends = at.match_indices(['.', '[']).map(|(end, _)| end);
        let mut above = ends.chain([at.len()]).map(|end| &at[..end]);
        above.any(|place| {
            let lines = self.claimed.get(place);
            // An entry of a list is claimed with all of its lines, everything else on its own line alone.
            lines.is_some_and(|lines| place.ends_with(']') || lines.contains(&line))
        })
    }

    fn can_be_default(&self, version: KubernetesVersion) -> bool {
        let mut defaults = self.stack.trees.iter().map(|tree| tree.default);
        defaults.any(|default| default.is_none_or(|default| default == version))
    }

    fn why_not(&self, node: &Node, text: &str) -> String {
        if node.is_alias() {
            return "an alias shows it; it is written where the anchor is".to_owned();
        }
        if node.is_templated() {
            return "a template writes it".to_owned();
        }
        // The configuration claims places, and no others of their file.
        let all = self.file.kinds().iter();
        let kinds: Vec<&str> = all
            .filter(|kind| kind.role() != Role::Configured)
            .map(|kind| kind.name())
            .collect();
        if kinds.is_empty() {
            return "the file is of no kind that states facts of a stack".to_owned();
        }
        let image = text.split_whitespace().find_map(|word| {
            let is_own = self.stack.series.find(word) != SeriesMatch::None;
            is_own.then(|| ImagePattern::read_url(word).ok())?
        });
        match image {
            Some(image) if !self.can_be_default(image.version) => {
                return format!(
                    "it names the image of {}, which is not the default",
                    image.version
                );
            }
            Some(_) if text.contains(char::is_whitespace) => {
                return "it stands inside a longer text".to_owned();
            }
            Some(_) | None => {}
        }
        let is_version = text.parse::<KubernetesVersion>().is_ok();
        let names_image = !is_version && ImagePattern::read_url(text).is_ok();
        if names_image && self.stack.series.find(text) == SeriesMatch::None {
            let titles: Vec<&str> = self
                .stack
                .series
                .all()
                .iter()
                .map(|series| series.title.as_str())
                .collect();
            return match &titles[..] {
                [] => "the stack has no image series that it could be of".to_owned(),
                [one] => format!("it is not of the stack's image series ({one})"),
                [..] => format!(
                    "it is of none of the stack's image series ({})",
                    titles.join(", ")
                ),
            };
        }
        format!(
            "no rule for this kind of file ({}) claims this place",
            kinds.join(", ")
        )
    }
}

/// Tells whether a text looks like a version, an image or a checksum: two numbers with a dot between them, or a long row of
/// hexadecimal digits. Addresses of networks, with their four numbers, do not.
fn looks_like_one(text: &str) -> bool {
    // A time has fractions of seconds.
    if text.parse::<jiff::Timestamp>().is_ok() {
        return false;
    }
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    words.any(|word| is_long_hex(word) || has_version(word))
}

fn is_long_hex(word: &str) -> bool {
    word.len() >= 32 && word.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}

fn has_version(word: &str) -> bool {
    let parts: Vec<&str> = word.trim_matches('.').split('.').collect();
    let numbers = parts.iter().filter(|part| is_number(part)).count();
    let starts = parts
        .windows(2)
        .any(|pair| pair[0].ends_with(|c: char| c.is_ascii_digit()) && is_number(pair[1]));
    starts && numbers < 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_images_and_checksums_look_like_one() {
        let sum = "e1ff0c60080d4d0f4894f9a4642e3a2604f0ff57ccd5b167f4f73caa52e8697e";
        for text in [
            "v1.34.6",
            "1.34",
            "node-image-v1.34.6",
            "ghcr.io/kube-vip/kube-vip:v0.8.2",
            "~2.34.0",
            sum,
        ] {
            assert!(looks_like_one(text), "{text}");
        }
        for text in [
            "10.8.0.0/20",
            "node-image",
            "cluster.x-k8s.io/v1beta2",
            "true",
            "a.b",
        ] {
            assert!(!looks_like_one(text), "{text}");
        }
    }
}

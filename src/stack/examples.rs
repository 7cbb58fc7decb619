//! Examples for people: the places of a text that readers copy to use a stack. An example is known by what it is, never by the
//! look of a number: a `Cluster` whose class is a release of the stack, a `ClusterStack` of the stack, or a command that names the
//! stack's current release. It finds and explains; what an example should say instead is the business of file kinds.

mod block;
mod choose;
mod command;
mod document;
mod look_alike;
mod markdown;
mod name;
mod past;
#[cfg(test)]
mod tests;
mod why_not;

use std::ops::Range;

use crate::version::{KubernetesVersion, Minor, StackLine, StackVersion};
use crate::yaml::{File, Path};

pub use look_alike::Unclaimed;
pub use name::{NamedRelease, NamedVersion};
pub use why_not::WhyNot;

/// Whose examples are looked for, and where that stack stands.
#[derive(Debug, Clone, Copy)]
pub struct ExampleSubject<'a> {
    /// The stack line.
    pub line: &'a StackLine,
    /// Its default Kubernetes version, where one is named in full.
    pub default: Option<KubernetesVersion>,
    /// The number of its newest published release, where it is known. Else the highest number that its examples name is taken
    /// for it.
    pub release: Option<u32>,
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextForm {
    /// Markdown: examples stand in code, the rest is prose.
    Markdown,
    /// YAML: every document may be an example.
    Manifest,
}

/// What an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExampleKind {
    /// A `Cluster` whose class is a release of the stack, whole or its topology alone.
    Cluster,
    /// A `ClusterStack` of the stack.
    ClusterStack,
    /// A command line that names the stack's current release.
    Command,
}

/// One example. Its values belong together: they move together, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What it is.
    pub kind: ExampleKind,
    /// The values of the stack in it, in the order of the text.
    pub values: Vec<ExampleValue>,
    /// Whether the words before it name one of its values or its minor, so that it cannot be put right alone.
    pub named_before: bool,
}

/// One value of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleValue {
    /// Its bytes in the text, without quotes.
    pub range: Range<usize>,
    /// Its line, counted from 1.
    pub line: usize,
    /// Its document and its place there; nothing in a command. Documents are those of the piece of YAML that it stands in.
    pub place: Option<(usize, Path)>,
    /// What it states.
    pub states: StatedVersion,
}

/// What a value of an example states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatedVersion {
    /// A release of the stack: `openstack-scs2-1-34-v3`.
    Release(NamedRelease),
    /// A Kubernetes version.
    Kubernetes(KubernetesVersion),
    /// A minor alone.
    Minor(Minor),
    /// The version of a release without its stack line, `v3`, as a `ClusterStack` lists them.
    StackVersion(StackVersion),
}

/// The examples of a text, and what only looks like them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explained {
    /// The stack's examples.
    pub examples: Vec<Example>,
    /// What looks like a version or a release and is no example of the stack, with the reason.
    pub unclaimed: Vec<Unclaimed>,
}

impl Example {
    /// Returns the release that it names.
    pub fn release(&self) -> Option<&NamedRelease> {
        self.values.iter().find_map(|value| match &value.states {
            StatedVersion::Release(release) => Some(release),
            StatedVersion::Kubernetes(_)
            | StatedVersion::Minor(_)
            | StatedVersion::StackVersion(_) => None,
        })
    }

    /// Returns the Kubernetes version that it states in full.
    pub fn kubernetes(&self) -> Option<KubernetesVersion> {
        self.values.iter().find_map(|value| match &value.states {
            StatedVersion::Kubernetes(version) => Some(*version),
            StatedVersion::Release(_)
            | StatedVersion::Minor(_)
            | StatedVersion::StackVersion(_) => None,
        })
    }

    /// Returns the minor that it is of: that of its release, or the one that a `ClusterStack` states.
    pub fn minor(&self) -> Option<Minor> {
        let release = self.release().map(|release| release.minor);
        release.or_else(|| self.values.iter().find_map(|value| value.states.minor()))
    }

    /// Returns the highest number of a release that it names.
    pub fn number(&self) -> Option<u32> {
        let numbers = self.values.iter().filter_map(|value| match &value.states {
            StatedVersion::Release(release) => release.number(),
            StatedVersion::StackVersion(version) => version.stable_number(),
            StatedVersion::Kubernetes(_) | StatedVersion::Minor(_) => None,
        });
        numbers.max()
    }
}

impl StatedVersion {
    /// Returns the minor that it is of, where it states one.
    pub fn minor(&self) -> Option<Minor> {
        match self {
            Self::Release(release) => Some(release.minor),
            Self::Kubernetes(version) => Some(version.minor()),
            Self::Minor(minor) => Some(*minor),
            Self::StackVersion(_) => None,
        }
    }
}

impl ExampleValue {
    /// Returns its place for people: `spec.topology.version`, or `text` in a command.
    pub fn at(&self) -> String {
        match &self.place {
            Some((_, path)) => path.to_string(),
            None => super::edits::AT_TEXT.to_owned(),
        }
    }
}

fn meets(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Finds the examples of a stack in a text.
pub fn find_examples(text: &str, form: TextForm, subject: &ExampleSubject<'_>) -> Vec<Example> {
    if !block::may_hold_examples(text, subject.line) {
        return Vec::new();
    }
    choose::choose(block::candidates(text, form, subject), subject).examples
}

/// Finds the examples of a stack in a manifest that is parsed already.
pub(super) fn find_in_manifest(file: &File, subject: &ExampleSubject<'_>) -> Vec<Example> {
    if !block::may_hold_examples(file.text(), subject.line) {
        return Vec::new();
    }
    choose::choose(block::manifest_candidates(file, subject), subject).examples
}

/// Finds the examples of a stack in a text, and says of everything else that looks like a version or a release why it is none.
pub(crate) fn explain_examples(
    text: &str,
    form: TextForm,
    subject: &ExampleSubject<'_>,
) -> Explained {
    let gathered = block::candidates(text, form, subject);
    let regions = gathered.regions.clone();
    let chosen = choose::choose(gathered, subject);
    let unclaimed = look_alike::look_alikes(text, &chosen, &regions);
    Explained {
        examples: chosen.examples,
        unclaimed,
    }
}

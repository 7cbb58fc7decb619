//! What changed in a stack line since its last release, for people who run clusters: told from the files of both releases. What they do not
//! tell is unknown.

mod images;
mod parts;
mod variables;
mod words;

use jiff::civil::Date;
use serde::Serialize;

use super::build::BuiltRelease;
use super::changes::{PartChange, Published};
use super::{ReleaseFiles, ReleasePart};
use crate::catalog::Catalog;
use crate::plan::{Fix, Note, Reason};
use crate::standard::fixed_between;
use crate::version::{KubernetesVersion, ReleaseTag, StackLine};

pub(crate) use images::Images;
pub use images::{ImageName, ImageNotes};
use parts::Parts;
pub use parts::{ChartNote, FileChange, FileNote};
pub use variables::VariableNote;
pub(crate) use words::sections;

/// The version of the JSON form.
pub const NOTES_SCHEMA: u32 = 1;

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NotesReport {
    /// The form's version.
    pub schema: u32,
    /// The repository of the registry that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The stack lines.
    pub lines: Vec<LineNotes>,
}

/// What changed in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LineNotes {
    /// The line.
    #[cfg_attr(test, schemars(with = "String"))]
    pub line: StackLine,
    /// What changed.
    #[serde(flatten)]
    pub state: NotesState,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum NotesState {
    /// The line has no release yet: this is what the first one has.
    First(Box<FirstNotes>),
    /// Something changed.
    Changed(Box<ReleaseNotes>),
    /// Nothing changed since the last release.
    Unchanged {
        /// That release.
        #[cfg_attr(test, schemars(with = "String"))]
        last: ReleaseTag,
    },
    /// It cannot be told.
    Unknown {
        /// Why, as a phrase.
        reason: String,
        /// How to find out.
        hint: String,
    },
}

/// What the first release of a line has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FirstNotes {
    /// Its tag.
    #[cfg_attr(test, schemars(with = "String"))]
    pub tag: ReleaseTag,
    /// The day of its commit; nothing without a commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub day: Option<Date>,
    /// Its Kubernetes version.
    pub kubernetes: String,
    /// Its node images.
    pub images: Vec<ImageName>,
    /// The charts of its addons.
    pub charts: Vec<ChartNote>,
}

/// What changed from one release to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReleaseNotes {
    /// The tag of the next release.
    #[cfg_attr(test, schemars(with = "String"))]
    pub tag: ReleaseTag,
    /// The day of its commit; nothing without a commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub day: Option<Date>,
    /// The tag of the last one.
    #[cfg_attr(test, schemars(with = "String"))]
    pub last: ReleaseTag,
    /// The Kubernetes versions.
    pub kubernetes: KubernetesNote,
    /// The parts that changed.
    pub changes: Vec<PartChange>,
    /// The node images.
    pub images: ImageNotes,
    /// The charts of the addons.
    pub charts: Vec<ChartNote>,
    /// Other files of the addons.
    pub addon_files: Vec<FileNote>,
    /// The files of the cluster class.
    pub class_files: Vec<FileNote>,
    /// The variables of the cluster class.
    pub variables: VariableNotes,
    /// What users have to do, as sentences.
    pub to_do: Vec<String>,
}

/// The Kubernetes versions of two releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KubernetesNote {
    /// That of the last one.
    pub from: String,
    /// That of the next one.
    pub to: String,
    /// The vulnerabilities of Kubernetes that the next one is free of, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixes: Option<String>,
    /// Their numbers.
    pub fixed: Vec<String>,
    /// Why there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// What is known of the variables of the cluster class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum VariableNotes {
    /// This changed, or nothing.
    Known {
        /// The variables that are not what they were.
        changed: Vec<VariableNote>,
    },
    /// It cannot be told.
    Unknown {
        /// Why, as a phrase.
        reason: String,
    },
}

/// Two releases that are compared.
#[derive(Debug)]
pub(crate) struct NotesInput<'a> {
    /// The last one, as its files say it.
    pub(crate) last: &'a Published,
    /// Its files.
    pub(crate) last_files: &'a ReleaseFiles,
    /// The next one.
    pub(crate) next: &'a BuiltRelease,
    /// The day of its commit.
    pub(crate) day: Option<Date>,
    /// What changed of the node images.
    pub(crate) images: ImageNotes,
    /// What is known of vulnerabilities, where the Kubernetes version moves.
    pub(crate) catalog: Option<&'a Catalog>,
}

impl ReleaseNotes {
    /// Compares two releases. The error says which of their files cannot be read.
    pub(crate) fn between(input: NotesInput<'_>) -> Result<Self, String> {
        let (last, next) = (input.last, input.next);
        let before = Parts::read(&last.tag, input.last_files)
            .map_err(|reason| format!("{}: {reason}", last.tag))?;
        let now = Parts::read(&next.tag, &next.files)
            .map_err(|reason| format!("{}: {reason}", next.tag))?;
        let mut notes = Self {
            tag: next.tag.clone(),
            day: input.day,
            last: last.tag.clone(),
            kubernetes: kubernetes(&input),
            changes: next.changes.clone().unwrap_or_default().0,
            images: input.images,
            charts: parts::charts(&before, &now),
            addon_files: parts::addon_files(&before, &now),
            class_files: parts::class_files(&before, &now),
            variables: variables(&before, &now),
            to_do: Vec::new(),
        };
        notes.to_do = words::to_do(&notes);
        Ok(notes)
    }

    /// Tells whether a part changed that is named as a whole alone.
    fn has(&self, part: ReleasePart) -> bool {
        self.changes.iter().any(|change| change.part == part)
    }
}

impl FirstNotes {
    /// Says what a release has. The error says which of its files cannot be read.
    pub(crate) fn of(
        next: &BuiltRelease,
        day: Option<Date>,
        images: &Images,
    ) -> Result<Self, String> {
        let now = Parts::read(&next.tag, &next.files)?;
        Ok(Self {
            tag: next.tag.clone(),
            day,
            kubernetes: next.kubernetes.to_string(),
            images: images.names(),
            charts: parts::charts(&Parts::default(), &now),
        })
    }
}

fn variables(before: &Parts, now: &Parts) -> VariableNotes {
    let old = variables::read(&before.class);
    let new = variables::read(&now.class);
    match (old, new) {
        (Ok(old), Ok(new)) => VariableNotes::Known {
            changed: variables::compare(&old, &new),
        },
        // The same files have the same variables, whatever they are.
        (Err(_), Err(_)) if before.class == now.class => VariableNotes::Known {
            changed: Vec::new(),
        },
        (Err(reason), _) | (_, Err(reason)) => VariableNotes::Unknown { reason },
    }
}

fn kubernetes(input: &NotesInput<'_>) -> KubernetesNote {
    let version = input.next.kubernetes;
    let mut note = KubernetesNote {
        from: input.last.kubernetes.clone(),
        to: version.to_string(),
        fixes: None,
        fixed: Vec::new(),
        unknown: None,
    };
    let before = note.from.parse::<KubernetesVersion>().ok();
    let (Some(before), Some(catalog)) = (before.filter(|old| *old != version), input.catalog)
    else {
        return note;
    };
    let fixes: Vec<Fix> = fixed_between(catalog, before, version)
        .into_iter()
        .map(|vulnerability| Fix {
            id: vulnerability.id.clone(),
            score: vulnerability.score,
            summary: vulnerability.summary.clone(),
            due: None,
        })
        .collect();
    note.fixed = fixes.iter().map(|fix| fix.id.to_string()).collect();
    note.unknown = unknown_fixes(catalog, version);
    note.fixes = (!fixes.is_empty()).then(|| Reason::Fixes { version, fixes }.to_string());
    note
}

fn unknown_fixes(catalog: &Catalog, version: KubernetesVersion) -> Option<String> {
    let mut failed = catalog.unreachable.iter();
    let failed = failed.find(|failed| failed.kind == crate::catalog::SourceKind::Vulnerabilities);
    if let Some(failed) = failed {
        let note = Note::FixesUnknown {
            version,
            url: failed.url.clone(),
            reason: failed.reason.clone(),
        };
        return Some(note.to_string());
    }
    // Kubernetes has had some: a catalog without any was made where nobody asked.
    catalog
        .vulnerabilities
        .is_empty()
        .then(|| format!("what {version} fixes: the catalog has no vulnerabilities"))
}

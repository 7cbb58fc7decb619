//! What the next release of a line is, why, and what it is compared with. Nothing is guessed: what nobody said is unknown.

use serde::Serialize;

use super::build::BuiltRelease;
use super::changes::{Changes, PartChange, Published};
use super::listing::ReleaseSource;
use crate::release_digest::CsctlVerdict;
use crate::version::{ReleaseTag, StackLine, StackVersion};

/// The version of the JSON form.
pub const NEXT_SCHEMA: u32 = 1;

/// What would be published next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NextReport {
    /// The form's version.
    pub schema: u32,
    /// The repository of the registry that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The stack lines.
    pub lines: Vec<NextLine>,
}

/// What is next of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NextLine {
    /// The line.
    #[cfg_attr(test, schemars(with = "String"))]
    pub line: StackLine,
    /// What is next.
    #[serde(flatten)]
    pub state: NextState,
    /// What csctl would do with the source tree as it is, where it has a release to compare it with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) csctl: Option<CsctlVerdict>,
    /// What a maintainer should know.
    pub notes: Vec<String>,
}

/// What is next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum NextState {
    /// The first release: the registry has none of the line.
    First {
        /// The version of all components.
        #[cfg_attr(test, schemars(with = "String"))]
        next: StackVersion,
    },
    /// Something changed.
    Next(Box<NextRelease>),
    /// Nothing changed since the last release.
    Unchanged {
        /// That release.
        last: LastPublished,
    },
    /// It cannot be told.
    Unknown {
        /// Why, as a phrase.
        reason: String,
        /// How to find out.
        hint: String,
    },
}

/// The last published release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LastPublished {
    /// Its tag.
    #[cfg_attr(test, schemars(with = "String"))]
    pub tag: ReleaseTag,
    /// Its Kubernetes version.
    pub kubernetes: String,
    /// Where it is known from.
    pub source: ReleaseSource,
}

/// The release after the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NextRelease {
    /// The last one.
    pub last: LastPublished,
    /// Its tag.
    #[cfg_attr(test, schemars(with = "String"))]
    pub tag: ReleaseTag,
    /// Its Kubernetes version.
    pub kubernetes: String,
    /// What changed.
    pub changes: Vec<PartChange>,
    /// The release with its cluster class.
    pub cluster_stack: Step,
    /// The cluster addons.
    pub cluster_addon: Step,
    /// The node images.
    pub node_image: Step,
}

/// The version of a component before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Whether it goes up.
    pub is_raised: bool,
    /// The last version; nothing where only the tag of the release is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub from: Option<StackVersion>,
    /// The next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub to: Option<StackVersion>,
}

impl Step {
    fn forget_versions(&mut self) {
        self.from = None;
        self.to = None;
    }
}

impl LastPublished {
    pub(crate) fn of(published: &Published, source: ReleaseSource) -> Self {
        Self {
            tag: published.tag.clone(),
            kubernetes: published.kubernetes.clone(),
            source,
        }
    }
}

impl NextRelease {
    /// Compares a release that was built with the last one. A tag of git tells the version of the release, and none of components.
    pub(crate) fn after(last: &Published, source: ReleaseSource, built: &BuiltRelease) -> Self {
        let none = Changes::default();
        let changes = built.changes.as_ref().unwrap_or(&none);
        let (before, now) = (&last.versions, &built.versions);
        let mut next = Self {
            last: LastPublished::of(last, source),
            tag: built.tag.clone(),
            kubernetes: built.kubernetes.to_string(),
            changes: changes.0.clone(),
            cluster_stack: Step {
                is_raised: true,
                from: Some(before.cluster_stack.clone()),
                to: Some(now.cluster_stack.clone()),
            },
            cluster_addon: Step {
                is_raised: changes.of_addon(),
                from: Some(before.cluster_addon.clone()),
                to: Some(now.cluster_addon.clone()),
            },
            node_image: Step {
                is_raised: changes.of_node_images(),
                from: Some(before.node_image.clone()),
                to: Some(now.node_image.clone()),
            },
        };
        if source != ReleaseSource::Registry {
            next.cluster_addon.forget_versions();
            next.node_image.forget_versions();
        }
        next
    }
}

//! What became of releases that were to be published, as data.

use serde::Serialize;

use super::artifact::{Parcel, media_type};
use super::attestation::AttestationKind;
use super::changes::{PartChange, Published};
use super::listing::ContentDigest;
use crate::version::{ReleaseTag, Sha256};

/// The version of the JSON form.
pub const PUBLISH_SCHEMA: u32 = 1;

/// What became of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PublishReport {
    /// The form's version.
    pub schema: u32,
    /// The repository of the registry.
    pub repository: String,
    /// The names of the checks that their commit passed, where it had to pass some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<String>>,
    /// The releases, one per stack line.
    pub releases: Vec<PublishedRelease>,
}

/// What became of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum PublishState {
    /// It was published.
    Published,
    /// It was published already, with the same files.
    Same,
    /// It would be published.
    Planned,
    /// Nothing changed since the last release: there is nothing to publish.
    Unchanged,
}

/// What became of the tag of its commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum CommitTag {
    /// It was made.
    Made {
        /// The commit.
        commit: String,
    },
    /// It was there already.
    There {
        /// The commit.
        commit: String,
    },
    /// It would be made.
    Planned {
        /// The commit.
        commit: String,
    },
    /// None is made.
    None {
        /// Why, as a phrase.
        reason: String,
    },
}

impl CommitTag {
    pub(crate) fn none(reason: &str) -> Self {
        Self::None {
            reason: reason.to_owned(),
        }
    }
}

/// One release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PublishedRelease {
    /// Its tag.
    #[cfg_attr(test, schemars(with = "String"))]
    pub tag: ReleaseTag,
    /// What became of it.
    pub state: PublishState,
    /// The digest of its manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub digest: Option<ContentDigest>,
    /// Its Kubernetes version.
    pub kubernetes: String,
    /// What changed since the last release, where it was compared with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<PartChange>>,
    /// What became of the tag of its commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_tag: Option<CommitTag>,
    /// What the registry keeps about it, each an artifact that refers to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attestations: Vec<AttestationReport>,
    /// Whether it was signed by this run, or would be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
    /// Its files, as layers.
    pub files: Vec<LayerReport>,
}

/// Something about a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AttestationReport {
    /// What it is.
    pub kind: AttestationKind,
    /// The media type of its content, by which it is found.
    pub artifact_type: String,
    /// The digest of its manifest.
    #[cfg_attr(test, schemars(with = "String"))]
    pub digest: ContentDigest,
}

/// A file as a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LayerReport {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: usize,
    /// Its checksum.
    #[cfg_attr(test, schemars(with = "String"))]
    pub sha256: Sha256,
}

impl PublishedRelease {
    pub(crate) fn of(parcel: &Parcel, state: PublishState, digest: Sha256) -> Self {
        let files = parcel.files.iter();
        Self {
            tag: parcel.tag.clone(),
            state,
            digest: Some(ContentDigest(digest)),
            kubernetes: parcel.kubernetes.clone(),
            changes: None,
            commit_tag: None,
            attestations: Vec::new(),
            signed: false,
            files: files
                .map(|(name, content)| LayerReport {
                    name: name.clone(),
                    media_type: media_type(name).to_owned(),
                    size: content.len(),
                    sha256: Sha256::of(content),
                })
                .collect(),
        }
    }

    pub(crate) fn unchanged(last: &Published) -> Self {
        Self {
            tag: last.tag.clone(),
            state: PublishState::Unchanged,
            digest: None,
            kubernetes: last.kubernetes.clone(),
            changes: Some(Vec::new()),
            commit_tag: None,
            attestations: Vec::new(),
            signed: false,
            files: Vec::new(),
        }
    }
}

//! What a build came to, as data.

use serde::Serialize;

use super::build::BuiltRelease;
use super::changes::{PartChange, Published};
use super::hashes::ReleaseHashes;
use super::versions::Versions;
use crate::version::{KubernetesVersion, ReleaseTag, Sha256};

/// The version of the JSON form.
pub const BUILD_SCHEMA: u32 = 1;

/// What a build came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BuildReport {
    /// The form's version.
    pub schema: u32,
    /// The releases, one per stack line.
    pub releases: Vec<ReleaseReport>,
}

/// What became of a release directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum BuildState {
    /// It was written.
    Written,
    /// It was there already, with the same files.
    Same,
    /// Another one was there, and was replaced.
    Replaced,
    /// It would be written.
    Planned,
    /// Nothing changed since the last release: there is nothing to write.
    Unchanged,
}

/// One release that was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReleaseReport {
    /// Its tag; that of the last release, where nothing changed.
    #[cfg_attr(test, schemars(with = "String"))]
    pub tag: ReleaseTag,
    /// What became of it.
    pub state: BuildState,
    /// Its directory; nothing where there is none to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// Its Kubernetes version.
    pub kubernetes: String,
    /// Its versions.
    pub versions: Versions,
    /// What changed since the last release, where it was compared with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<PartChange>>,
    /// Its hashes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hashes: Option<ReleaseHashes>,
    /// Its files.
    pub files: Vec<FileReport>,
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileReport {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: usize,
    /// Its checksum.
    #[cfg_attr(test, schemars(with = "String"))]
    pub sha256: Sha256,
}

impl ReleaseReport {
    /// Reports a release that was built.
    pub(crate) fn of(release: &BuiltRelease, state: BuildState, directory: String) -> Self {
        let files = release.files.iter();
        Self {
            tag: release.tag.clone(),
            state,
            directory: Some(directory),
            kubernetes: text(release.kubernetes),
            versions: release.versions.clone(),
            changes: release.changes.as_ref().map(|changes| changes.0.clone()),
            hashes: Some(release.hashes.clone()),
            files: files
                .map(|(name, content)| FileReport {
                    name: name.clone(),
                    size: content.len(),
                    sha256: Sha256::of(content),
                })
                .collect(),
        }
    }

    /// Reports that nothing changed since a release.
    pub(crate) fn unchanged(last: &Published) -> Self {
        Self {
            tag: last.tag.clone(),
            state: BuildState::Unchanged,
            directory: None,
            kubernetes: last.kubernetes.clone(),
            versions: last.versions.clone(),
            changes: Some(Vec::new()),
            hashes: last.hashes.clone(),
            files: Vec::new(),
        }
    }
}

fn text(version: KubernetesVersion) -> String {
    version.to_string()
}

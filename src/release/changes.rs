//! What of a cluster stack changed since its last published release, by component. What the last release does not say counts as
//! changed, and is told: a component that goes up without need does no harm, one that stays behind is never rolled out.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::hashes::{OwnHashes, ReleaseHashes};
use super::versions::Versions;
use crate::version::{KubernetesVersion, ReleaseTag, Sha256, StackVersion};

/// The last published release of a line, as far as its files say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its tag.
    pub tag: ReleaseTag,
    /// Its versions.
    pub versions: Versions,
    /// Its Kubernetes version, as written.
    pub kubernetes: String,
    /// Its hashes; nothing where it has none.
    pub hashes: Option<ReleaseHashes>,
    /// The checksum of its `clusteraddon.yaml`, where its files are at hand.
    pub addon_config: Option<Sha256>,
    /// That of its `node-images.yaml`.
    pub node_images: Option<Sha256>,
}

/// A part of a cluster stack that is looked at by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReleasePart {
    /// The chart of the cluster class.
    ClusterClass,
    /// The charts of the cluster addons.
    ClusterAddon,
    /// `cluster-addon-values.yaml`.
    ClusterAddonValues,
    /// `clusteraddon.yaml`.
    ClusterAddonConfig,
    /// The node images.
    NodeImages,
    /// The Kubernetes version.
    Kubernetes,
    /// `csctl.yaml`, or what takes its place.
    CsctlConfig,
}

/// That a part changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PartChange {
    /// The part.
    pub part: ReleasePart,
    /// Whether it is only not known to be the same: the last release has no hash of it.
    pub assumed: bool,
}

/// What changed since a release.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes(pub Vec<PartChange>);

/// What is compared with the last release.
pub(super) struct Current<'a> {
    pub(super) hashes: &'a ReleaseHashes,
    pub(super) kubernetes: KubernetesVersion,
    /// The text of `clusteraddon.yaml` in the source tree.
    pub(super) addon_config: Option<&'a [u8]>,
    /// The text of `node-images.yaml` of the release.
    pub(super) node_images: Option<&'a [u8]>,
}

impl Changes {
    /// Tells whether anything changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether the cluster addons go up.
    pub(super) fn of_addon(&self) -> bool {
        self.has(|part| {
            matches!(
                part,
                ReleasePart::ClusterAddon
                    | ReleasePart::ClusterAddonValues
                    | ReleasePart::ClusterAddonConfig
            )
        })
    }

    /// Tells whether the node images go up.
    pub(super) fn of_node_images(&self) -> bool {
        self.has(|part| part == ReleasePart::NodeImages)
    }

    fn has(&self, is_meant: impl Fn(ReleasePart) -> bool) -> bool {
        self.0.iter().any(|change| is_meant(change.part))
    }

    pub(super) fn since(last: &Published, now: &Current<'_>) -> Self {
        let mut changes = Self::default();
        let own = now.hashes.own.clone().unwrap_or_default();
        if last.kubernetes != now.kubernetes.to_string() {
            changes.add(ReleasePart::Kubernetes, Some(true));
        }
        let Some(before) = &last.hashes else {
            changes.assume_all();
            return changes;
        };
        let csctl = &now.hashes.csctl;
        let differs = csctl.cluster_addon_dir != before.csctl.cluster_addon_dir;
        changes.add(ReleasePart::ClusterAddon, Some(differs));
        let differs = csctl.cluster_addon_values != before.csctl.cluster_addon_values;
        changes.add(ReleasePart::ClusterAddonValues, Some(differs));
        match &before.own {
            Some(before) => changes.compare_own(before, &own),
            None => changes.compare_foreign(last, before, now),
        }
        changes.0.sort_by_key(|change| change.part);
        changes
    }

    fn compare_own(&mut self, before: &OwnHashes, now: &OwnHashes) {
        for (part, differs) in [
            (
                ReleasePart::ClusterClass,
                before.cluster_class_dir != now.cluster_class_dir,
            ),
            (
                ReleasePart::ClusterAddonConfig,
                before.cluster_addon_config != now.cluster_addon_config,
            ),
            (
                ReleasePart::NodeImages,
                before.node_images != now.node_images,
            ),
            (
                ReleasePart::CsctlConfig,
                before.csctl_config != now.csctl_config,
            ),
        ] {
            self.add(part, Some(differs));
        }
    }

    /// Compares with a release that csctl made.
    fn compare_foreign(&mut self, last: &Published, before: &ReleaseHashes, now: &Current<'_>) {
        // csctl hashes every file of the directory. Images that are listed beside it are not in that hash.
        let is_same = before.csctl.cluster_stack == now.hashes.csctl.cluster_stack;
        let may_differ = is_same.then_some(false);
        self.add(ReleasePart::ClusterClass, may_differ);
        self.add(ReleasePart::CsctlConfig, may_differ);
        // csctl copies this file as it stands in the source tree.
        let config = differing(last.addon_config.as_ref(), now.addon_config);
        self.add(ReleasePart::ClusterAddonConfig, config.or(may_differ));
        let images = differing(last.node_images.as_ref(), now.node_images);
        self.add(ReleasePart::NodeImages, images.or(may_differ));
    }

    /// Adds a part where it differs, or where nobody knows.
    fn add(&mut self, part: ReleasePart, differs: Option<bool>) {
        if differs != Some(false) {
            let assumed = differs.is_none();
            self.0.push(PartChange { part, assumed });
        }
    }

    fn assume_all(&mut self) {
        for part in [
            ReleasePart::ClusterClass,
            ReleasePart::ClusterAddon,
            ReleasePart::NodeImages,
        ] {
            self.add(part, None);
        }
    }
}

/// Compares a file of the last release with the one of the next; nothing where one of them is not at hand.
fn differing(before: Option<&Sha256>, now: Option<&[u8]>) -> Option<bool> {
    Some(*before? != Sha256::of(now?))
}

impl ReleasePart {
    /// Returns a phrase for people.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::ClusterClass => "cluster class",
            Self::ClusterAddon => "cluster addons",
            Self::ClusterAddonValues => "cluster-addon-values.yaml",
            Self::ClusterAddonConfig => "clusteraddon.yaml",
            Self::NodeImages => "node images",
            Self::Kubernetes => "Kubernetes version",
            Self::CsctlConfig => "csctl.yaml",
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, change) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            let assumed = if change.assumed { " (assumed)" } else { "" };
            write!(f, "{comma}{}{assumed}", change.part.describe())?;
        }
        Ok(())
    }
}

/// A metadata.yaml, as far as it is needed.
#[derive(Deserialize)]
struct Metadata {
    versions: MetadataVersions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataVersions {
    cluster_stack: StackVersion,
    kubernetes: String,
    components: MetadataComponents,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataComponents {
    cluster_addon: StackVersion,
    /// csctl leaves an empty one out.
    #[serde(default)]
    node_image: Option<StackVersion>,
}

impl Published {
    /// Reads a release by its metadata.yaml and, where it has one, its hashes.json.
    ///
    /// # Errors
    /// One of them is not what it should be; the error says which and why.
    pub fn read(tag: ReleaseTag, metadata: &[u8], hashes: Option<&[u8]>) -> Result<Self, String> {
        let read: Metadata =
            serde_yaml::from_slice(metadata).map_err(|error| format!("metadata.yaml: {error}"))?;
        let hashes = match hashes {
            Some(text) => {
                Some(ReleaseHashes::read(text).ok_or("hashes.json: it is not what csctl writes")?)
            }
            None => None,
        };
        let Metadata { versions } = read;
        if versions.cluster_stack != tag.version {
            return Err(format!(
                "metadata.yaml: it is of {}, not of {tag}",
                versions.cluster_stack
            ));
        }
        let node_image = versions.components.node_image;
        Ok(Self {
            tag,
            versions: Versions {
                node_image: node_image.unwrap_or_else(|| StackVersion::stable(0)),
                cluster_addon: versions.components.cluster_addon,
                cluster_stack: versions.cluster_stack,
            },
            kubernetes: versions.kubernetes,
            hashes,
            addon_config: None,
            node_images: None,
        })
    }

    /// Adds what its other files say.
    #[must_use]
    pub fn with_files(mut self, addon_config: Option<&[u8]>, node_images: Option<&[u8]>) -> Self {
        self.addon_config = addon_config.map(Sha256::of);
        self.node_images = node_images.map(Sha256::of);
        self
    }
}

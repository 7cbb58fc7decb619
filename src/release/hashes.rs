//! `hashes.json` of a release: csctl's fields as csctl writes them, and behind them what csctl does not look at. Its reader passes over
//! keys that it does not know.

use serde::{Deserialize, Serialize};

use super::StackFiles;
use crate::release_digest::{CLUSTER_CLASS, CsctlHashes, FileDigests, hash_of, part};
use crate::version::Sha256;

/// The hashes of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReleaseHashes {
    /// csctl's.
    #[serde(flatten)]
    pub csctl: CsctlHashes,
    /// Those that csctl lacks; nothing in a release that csctl made.
    #[serde(
        rename = "csctlMatrix",
        skip_serializing_if = "Option::is_none",
        default
    )]
    pub own: Option<OwnHashes>,
}

/// What csctl does not hash, or hashes and does not compare. An empty text means that the part is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct OwnHashes {
    /// `cluster-class`.
    pub cluster_class_dir: String,
    /// The node images of the minor, as the stack's lists and manifests name them, and `node-images.yaml`.
    pub node_images: String,
    /// `clusteraddon.yaml`.
    pub cluster_addon_config: String,
    /// `csctl.yaml`, or what takes its place.
    pub csctl_config: String,
}

/// What the hashes of a release are made from, beside the files of its source tree.
pub(super) struct Hashed<'a> {
    pub(super) files: &'a StackFiles,
    /// The text of `node-images.yaml`.
    pub(super) node_images: Option<&'a [u8]>,
    /// A line for each node image of the minor.
    pub(super) images: &'a str,
    /// The files that say which stack it is.
    pub(super) config: &'a [&'a str],
    /// The file of the addon stages.
    pub(super) addon_config: &'a str,
}

impl ReleaseHashes {
    pub(super) fn of(hashed: &Hashed<'_>) -> Self {
        let sums: FileDigests = hashed
            .files
            .iter()
            .map(|(path, content)| (path.clone(), Sha256::of(content)))
            .collect();
        let mut images = FileDigests::new();
        if let Some(list) = hashed.node_images {
            images.insert("node-images.yaml".to_owned(), Sha256::of(list));
        }
        if !hashed.images.is_empty() {
            let lines = Sha256::of(hashed.images.as_bytes());
            images.insert("images".to_owned(), lines);
        }
        Self {
            csctl: CsctlHashes::of(&sums),
            own: Some(OwnHashes {
                cluster_class_dir: part(&sums, CLUSTER_CLASS),
                node_images: of_all(&images),
                cluster_addon_config: of_files(&sums, &[hashed.addon_config]),
                csctl_config: of_files(&sums, hashed.config),
            }),
        }
    }

    /// Reads a `hashes.json`; nothing where it is none.
    pub fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// Returns the text of `hashes.json`, which ends without a line break, as csctl's does.
    pub(super) fn write(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

fn of_files(sums: &FileDigests, paths: &[&str]) -> String {
    let wanted = sums
        .iter()
        .filter(|(path, _)| paths.contains(&path.as_str()));
    of_all(
        &wanted
            .map(|(path, sum)| (path.clone(), sum.clone()))
            .collect(),
    )
}

fn of_all(sums: &FileDigests) -> String {
    if sums.is_empty() {
        return String::new();
    }
    hash_of(sums.iter().map(|(path, sum)| (path.as_str(), sum)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What csctl wrote for openstack/scs2 at commit a931cdb of the public repository.
    const PUBLISHED: &str = "{\n  \"clusterStack\": \"azlfam7rgn823z07ougej26xmpzsohlj0tvr4s0njis\",\n  \
                             \"clusterAddonDir\": \"nyri1zqevggdxycpit5d14z5s9jiejevrtol6v39i\",\n  \"clusterAddonValues\": \"\"\n}";

    #[test]
    fn csctl_s_fields_are_written_as_csctl_writes_them() {
        let read = ReleaseHashes::read(PUBLISHED.as_bytes()).unwrap();
        assert_eq!(read.own, None);
        assert_eq!(read.write(), PUBLISHED);
        let sum = Sha256::of(read.write().as_bytes());
        assert!(sum.hex().starts_with("c26a2a007dfd"), "{sum}");
        let ours = ReleaseHashes {
            own: Some(OwnHashes::default()),
            ..read
        };
        let head = PUBLISHED.strip_suffix("\n}").unwrap();
        assert!(
            ours.write()
                .starts_with(&format!("{head},\n  \"csctlMatrix\": {{\n"))
        );
        assert_eq!(ReleaseHashes::read(ours.write().as_bytes()), Some(ours));
    }
}

//! What a release is in a registry: the media types, annotations and order that csctl writes. Sources: `pkg/assetsclient/oci` of csctl,
//! and manifests that it has pushed.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

use super::archive::newest_moment;
use super::verify::class_archive;
use super::{HASHES_FILE, METADATA_FILE, Published, ReleaseFiles};
use crate::version::ReleaseTag;

/// What a release is as an artifact.
pub(crate) const ARTIFACT: &str = "application/vnd.scs.cluster-stacks.v1";

/// The annotations of a release, and the one of a layer that names its file.
pub(crate) const KUBERNETES: &str = "kubernetesVersion";
pub(crate) const CREATED: &str = "org.opencontainers.image.created";
pub(crate) const TITLE: &str = "org.opencontainers.image.title";
const HASH: &str = "hash";

/// How many letters of the hash of the whole directory stand in the annotation.
const LETTERS: usize = 7;

/// A release as it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// Its tag.
    pub(crate) tag: ReleaseTag,
    /// Its Kubernetes version.
    pub(crate) kubernetes: String,
    /// Its files. Whoever sends one shares its bytes.
    pub(crate) files: BTreeMap<String, Bytes>,
    /// The annotations of its manifest.
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Parcel {
    /// Packs the files of a release. Its moment is that of the files in its archives, so that the same release is the same artifact.
    ///
    /// # Errors
    /// The files are no release; the error says why, as a phrase.
    pub(crate) fn of(tag: ReleaseTag, files: ReleaseFiles) -> Result<Self, String> {
        let none = format!("it has no {METADATA_FILE}");
        let metadata = files.get(METADATA_FILE).ok_or(none)?;
        let hashes = files.get(HASHES_FILE).map(Vec::as_slice);
        let read = Published::read(tag.clone(), metadata, hashes)?;
        let hash = read.hashes.map(|hashes| hashes.csctl.cluster_stack);
        let hash = hash.ok_or_else(|| format!("it has no {HASHES_FILE}"))?;
        let class = class_archive(&tag.to_string(), &files).and_then(|name| files.get(name));
        let moment = class.and_then(|archive| newest_moment(archive));
        let moment = moment.ok_or("its cluster class has no file with a moment")?;
        Ok(Self {
            annotations: annotations(&hash, &read.kubernetes, moment),
            kubernetes: read.kubernetes,
            tag,
            files: files
                .into_iter()
                .map(|(name, content)| (name, Bytes::from(content)))
                .collect(),
        })
    }
}

fn annotations(hash: &str, kubernetes: &str, moment: Timestamp) -> BTreeMap<String, String> {
    let short = hash.get(..LETTERS).unwrap_or(hash);
    BTreeMap::from([
        (HASH.to_owned(), short.to_owned()),
        (KUBERNETES.to_owned(), kubernetes.to_owned()),
        (CREATED.to_owned(), moment.to_string()),
    ])
}

/// Returns the media type of a file of a release.
pub(crate) fn media_type(name: &str) -> &'static str {
    let is_archive = name.strip_suffix(".tgz").is_some();
    match name {
        "clusteraddon.yaml" => "application/vnd.scs.cluster-addon.config.layer.v1+yaml",
        "metadata.yaml" => "application/vnd.scs.metadata.layer.v1+yaml",
        "node-images.yaml" => "application/vnd.scs.node-image.config.layer.v1+yaml",
        "hashes.json" => "application/vnd.scs.hashes.layer.v1+yaml",
        _ if is_archive && name.contains("cluster-addon") => {
            "application/vnd.scs.cluster-addon.layer.v1.tar+gzip"
        }
        _ if is_archive && name.contains("cluster-class") => {
            "application/vnd.scs.cluster-class.v1.tar+gzip"
        }
        _ if is_archive && name.contains("node-image") => {
            "application/vnd.scs.node-image.layer.v1.tar+gzip"
        }
        // csctl has no type for it, and its library takes this one.
        _ => "application/vnd.oci.image.layer.v1.tar",
    }
}

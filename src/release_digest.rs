//! csctl's content hashes of a cluster stack, and what csctl decides by them: it publishes a release only where some of the
//! hashes differ from those of the last release. Paths and checksums come in, values go out; it reads no file and asks nobody.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::Digest;

use crate::version::{ReleaseTag, Sha256};

/// The files of a directory: paths below it, with slashes, and checksums.
pub type FileDigests = BTreeMap<String, Sha256>;

const CLUSTER_ADDON: &str = "cluster-addon";
const CLUSTER_ADDON_VALUES: &str = "cluster-addon-values.yaml";
const CLUSTER_CLASS: &str = "cluster-class";

/// The directory that csctl takes for that of the node images. Cluster stacks and csctl's own OpenStack plugin call theirs
/// `node-images`, so csctl never sees a change of node images. Source: `nodeImageDirName` in csctl's `pkg/cshash/hash.go`.
const NODE_IMAGE: &str = "node-image";

/// The hashes that csctl writes to `hashes.json` of a release. An empty text means that the part is not there.
///
/// The names and their order are those of `ReleaseHash` in csctl's `pkg/cshash/hash.go`. Reading is as lenient as csctl's: other
/// keys are passed over, missing ones are empty; unlike csctl, it wants the keys in their own spelling of upper and lower case.
/// Not verified, for want of a published file to compare with: that `hashes.json` ends without a line break.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct CsctlHashes {
    /// The whole directory. csctl writes it and does not compare it.
    #[serde(deserialize_with = "lenient")]
    pub cluster_stack: String,
    /// `cluster-addon`.
    #[serde(deserialize_with = "lenient")]
    pub cluster_addon_dir: String,
    /// `cluster-addon-values.yaml`.
    #[serde(deserialize_with = "lenient")]
    pub cluster_addon_values: String,
    /// `cluster-class`. There is a csctl that writes and compares it, and one that does neither; where the last release has it,
    /// the former is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_class_dir: Option<String>,
    /// `node-image`, in the singular.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "lenient")]
    pub node_image_dir: String,
}

/// Reads `null` as csctl does: as nothing.
fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl CsctlHashes {
    /// Returns the hashes of a cluster stack's directory. A part without a file counts as absent; csctl, which looks at
    /// directories, has a hash for an empty one.
    pub fn of(files: &FileDigests) -> Self {
        let values = files.get(CLUSTER_ADDON_VALUES).map(Sha256::bytes);
        Self {
            cluster_stack: hash_of(files.iter().map(|(path, sum)| (path.as_str(), sum))),
            cluster_addon_dir: part(files, CLUSTER_ADDON),
            cluster_addon_values: values.map(|sum| clean(&sum)).unwrap_or_default(),
            cluster_class_dir: None,
            node_image_dir: part(files, NODE_IMAGE),
        }
    }

    /// Returns the hashes of a cluster stack's directory from the contents of its files.
    pub fn of_contents<'c>(files: impl IntoIterator<Item = (&'c str, &'c [u8])>) -> Self {
        let files = files.into_iter();
        Self::of(
            &files
                .map(|(path, content)| (path.to_owned(), Sha256::of(content)))
                .collect(),
        )
    }

    /// Reads the text of a `hashes.json`; nothing where it is no JSON object.
    pub fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// Returns what csctl compares with these hashes, as paths.
    fn compared(&self) -> Vec<&'static str> {
        let class = self.cluster_class_dir.is_some().then_some(CLUSTER_CLASS);
        let mut parts = vec![CLUSTER_ADDON, CLUSTER_ADDON_VALUES];
        parts.extend(class);
        parts.push(NODE_IMAGE);
        parts
    }

    fn is_equal_for_csctl(&self, last: &Self) -> bool {
        self.cluster_addon_dir == last.cluster_addon_dir
            && self.cluster_addon_values == last.cluster_addon_values
            && self.cluster_class_dir == last.cluster_class_dir
            && self.node_image_dir == last.node_image_dir
    }
}

fn part(files: &FileDigests, directory: &str) -> String {
    let prefix = format!("{directory}/");
    let mut below = files
        .range(prefix.clone()..)
        .map_while(|(path, sum)| Some((path.strip_prefix(&prefix)?, sum)))
        .peekable();
    if below.peek().is_none() {
        return String::new();
    }
    hash_of(below)
}

/// Hashes a list of files in the order of their paths, as `Hash1` of Go's `golang.org/x/mod/sumdb/dirhash` does: a line per file
/// with its checksum, two spaces and its path, and the checksum of all lines.
fn hash_of<'f>(files: impl Iterator<Item = (&'f str, &'f Sha256)>) -> String {
    let mut all = sha2::Sha256::new();
    for (path, sum) in files {
        all.update(format!("{}  {path}\n", sum.hex()));
    }
    clean(all.finalize().as_slice())
}

/// Returns the Base64 form without `+`, `/` and `=`, in lower case. Source: `clean` in csctl's `pkg/cshash/hash.go`.
fn clean(digest: &[u8]) -> String {
    let mut text = STANDARD.encode(digest);
    text.retain(|letter| letter.is_ascii_alphanumeric());
    text.make_ascii_lowercase();
    text
}

/// The release that a source tree is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRelease {
    /// Its tag.
    pub tag: ReleaseTag,
    /// Its hashes.
    pub hashes: CsctlHashes,
    /// Its files, where git has them.
    pub files: Option<FileDigests>,
}

impl LastRelease {
    /// Returns the release by its files, those of its git tag.
    pub fn of_tag(tag: ReleaseTag, files: FileDigests) -> Self {
        Self {
            tag,
            hashes: CsctlHashes::of(&files),
            files: Some(files),
        }
    }

    /// Returns the release by its published `hashes.json`.
    pub fn of_hashes(tag: ReleaseTag, hashes: CsctlHashes) -> Self {
        Self {
            tag,
            hashes,
            files: None,
        }
    }

    /// Returns where its hashes are from, for people.
    fn source(&self) -> &'static str {
        if self.files.is_some() {
            "tag"
        } else {
            "hashes.json of"
        }
    }

    /// Tells whether csctl looks at a file of the source tree when it compares it with this release.
    pub fn compares(&self, path: &str) -> bool {
        let part = path.split('/').next().unwrap_or(path);
        self.hashes.compared().contains(&part)
    }

    /// Returns in which parts a source tree differs from this release: its directories and files at the top. Where only the
    /// hashes of the release are known, the tree as a whole.
    pub fn differing_parts(&self, now: &FileDigests) -> BTreeSet<String> {
        let Some(last) = &self.files else {
            let differs = CsctlHashes::of(now).cluster_stack != self.hashes.cluster_stack;
            return differs
                .then(|| "its files".to_owned())
                .into_iter()
                .collect();
        };
        let paths: BTreeSet<&String> = now.keys().chain(last.keys()).collect();
        let differing = paths
            .into_iter()
            .filter(|path| now.get(*path) != last.get(*path));
        differing
            .map(|path| path.split('/').next().unwrap_or(path).to_owned())
            .collect()
    }
}

/// What csctl would do in its mode `stable`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub enum CsctlVerdict {
    /// It publishes.
    Publishes,
    /// It says `no change in the cluster stack`.
    Refuses {
        /// Why, as a phrase.
        reason: String,
    },
    /// It cannot be told.
    Unknown {
        /// Why, as a phrase.
        reason: String,
    },
}

/// Tells whether csctl would publish a source tree with these files after that release. Source: `validateHash` in csctl's
/// `pkg/cmd/create.go`.
pub fn csctl_verdict(now: &FileDigests, last: &LastRelease) -> CsctlVerdict {
    let class = last.hashes.cluster_class_dir.as_ref();
    let hashes = CsctlHashes {
        cluster_class_dir: class.map(|_| part(now, CLUSTER_CLASS)),
        ..CsctlHashes::of(now)
    };
    if !hashes.is_equal_for_csctl(&last.hashes) {
        return CsctlVerdict::Publishes;
    }
    let reason = format!(
        "it compares only {} with {} ({} {}), and none of them changed",
        listing(&last.hashes.compared()),
        last.tag.version,
        last.source(),
        last.tag
    );
    CsctlVerdict::Refuses { reason }
}

/// Returns what to say of a source tree that differs from the last release and that csctl would not publish; nothing where it
/// would, where nothing differs, or where it cannot be told.
pub fn unpublishable(now: &FileDigests, last: &LastRelease) -> Option<String> {
    let differing: Vec<String> = last.differing_parts(now).into_iter().collect();
    let CsctlVerdict::Refuses { reason } = csctl_verdict(now, last) else {
        return None;
    };
    let parts: Vec<&str> = differing.iter().map(String::as_str).collect();
    (!parts.is_empty()).then(|| {
        format!(
            "the source tree differs from {} in {}, and csctl would refuse to publish it: {reason}",
            last.tag,
            listing(&parts)
        )
    })
}

fn listing(parts: &[&str]) -> String {
    match parts {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests;

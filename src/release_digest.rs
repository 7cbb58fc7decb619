//! csctl's content hashes of a cluster stack, and what csctl decides by them: it publishes a release only where some of the
//! hashes differ from those of the last release. Paths and checksums come in, values go out; it reads no file and asks nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest;

use crate::version::{ReleaseTag, Sha256};

/// The files of a directory: paths below it, with slashes, and checksums.
pub type FileDigests = BTreeMap<String, Sha256>;

pub(crate) const CLUSTER_ADDON: &str = "cluster-addon";
pub(crate) const CLUSTER_ADDON_VALUES: &str = "cluster-addon-values.yaml";
pub(crate) const CLUSTER_CLASS: &str = "cluster-class";

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
            // Only a published `hashes.json` tells whether the csctl in use has this hash.
            cluster_class_dir: None,
            node_image_dir: part(files, NODE_IMAGE),
        }
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
        // Not `==` of the whole, as csctl does not compare `cluster_stack`.
        self.cluster_addon_dir == last.cluster_addon_dir
            && self.cluster_addon_values == last.cluster_addon_values
            && self.cluster_class_dir == last.cluster_class_dir
            && self.node_image_dir == last.node_image_dir
    }
}

/// Returns the hash of a directory's files; empty where there are none.
pub(crate) fn part(files: &FileDigests, directory: &str) -> String {
    let prefix = format!("{directory}/");
    let mut below = files
        // Paths are in order, so that those of one directory stand together.
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
pub(crate) fn hash_of<'f>(files: impl Iterator<Item = (&'f str, &'f Sha256)>) -> String {
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
pub(crate) struct LastRelease {
    /// Its tag.
    pub(crate) tag: ReleaseTag,
    /// Its hashes.
    pub(crate) hashes: CsctlHashes,
    /// Its files, where git has them.
    pub(crate) files: Option<FileDigests>,
}

impl LastRelease {
    /// Returns the release by its files, those of its git tag.
    pub(crate) fn of_tag(tag: ReleaseTag, files: FileDigests) -> Self {
        Self {
            tag,
            hashes: CsctlHashes::of(&files),
            files: Some(files),
        }
    }

    /// Returns the release by its published `hashes.json`.
    pub(crate) fn of_hashes(tag: ReleaseTag, hashes: CsctlHashes) -> Self {
        Self {
            tag,
            hashes,
            files: None,
        }
    }

    fn source(&self) -> HashSource {
        if self.files.is_some() {
            HashSource::Tag
        } else {
            HashSource::HashesJson
        }
    }

    /// Tells whether csctl looks at a file of the source tree when it compares it with this release.
    pub(crate) fn compares(&self, path: &str) -> bool {
        let part = path.split('/').next().unwrap_or(path);
        self.hashes.compared().contains(&part)
    }

    /// Returns in what a source tree differs from this release; nothing where it does not.
    fn difference(&self, now: &FileDigests) -> Option<Difference> {
        let Some(last) = &self.files else {
            // The hash that csctl writes and does not compare tells of a change in any file.
            let differs = CsctlHashes::of(now).cluster_stack != self.hashes.cluster_stack;
            return differs.then_some(Difference::Files);
        };
        let paths = now.keys().chain(last.keys());
        let differing = paths.filter(|path| now.get(*path) != last.get(*path));
        let parts: BTreeSet<String> = differing
            .map(|path| path.split('/').next().unwrap_or(path).to_owned())
            .collect();
        (!parts.is_empty()).then_some(Difference::Parts(parts))
    }
}

/// Where the hashes of a release are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HashSource {
    /// The files of its git tag.
    Tag,
    /// Its published `hashes.json`.
    HashesJson,
}

/// In what a source tree differs from a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Its directories and files at the top.
    Parts(BTreeSet<String>),
    /// Some of its files: only the hashes of the release are known.
    Files,
}

/// What csctl would do in its mode `stable`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub(crate) enum CsctlVerdict {
    /// It publishes.
    Publishes,
    /// It says `no change in the cluster stack`.
    Refuses {
        /// Why, as a phrase.
        #[cfg_attr(test, schemars(with = "String"))]
        reason: Unchanged,
    },
    /// It cannot be told.
    Unknown {
        /// Why, as a phrase.
        #[cfg_attr(test, schemars(with = "String"))]
        reason: HashesUnknown,
    },
}

/// That nothing changed of what csctl compares with a release. Written as a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unchanged {
    /// What it compares, as paths.
    pub(crate) compared: Vec<&'static str>,
    /// The release.
    pub(crate) last: ReleaseTag,
    /// Where the hashes of the release are from.
    pub(crate) source: HashSource,
}

/// Why hashes cannot be compared. Written as a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HashesUnknown {
    /// Nobody looked at the last release.
    NotAsked,
    /// The working directory is in no git repository that could have the tag.
    NoTag(String),
    /// Files cannot be read; the phrase is the operating system's or git's.
    Unreadable(String),
    /// A file would be copied from outside the source tree.
    CopiedFile {
        /// The file.
        path: String,
        /// What it would be a copy of.
        from: String,
    },
    /// A file is ignored by git, and csctl hashes it all the same.
    IgnoredFile {
        /// The file.
        path: String,
        /// The tag, which cannot have it.
        tag: String,
    },
}

/// A source tree that differs from its last release, and that csctl would not publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublishable {
    /// In what it differs.
    pub(crate) difference: Difference,
    /// Why csctl sees nothing of it.
    pub(crate) reason: Unchanged,
}

/// Tells whether csctl would publish a source tree with these files after that release. Source: `validateHash` in csctl's
/// `pkg/cmd/create.go`.
pub(crate) fn csctl_verdict(now: &FileDigests, last: &LastRelease) -> CsctlVerdict {
    let class = last.hashes.cluster_class_dir.as_ref();
    let hashes = CsctlHashes {
        cluster_class_dir: class.map(|_| part(now, CLUSTER_CLASS)),
        ..CsctlHashes::of(now)
    };
    if !hashes.is_equal_for_csctl(&last.hashes) {
        return CsctlVerdict::Publishes;
    }
    let reason = Unchanged {
        compared: last.hashes.compared(),
        last: last.tag.clone(),
        source: last.source(),
    };
    CsctlVerdict::Refuses { reason }
}

/// Returns what to say of a source tree that differs from the last release and that csctl would not publish; nothing where it
/// would, where nothing differs, or where it cannot be told.
pub(crate) fn unpublishable(now: &FileDigests, last: &LastRelease) -> Option<Unpublishable> {
    let CsctlVerdict::Refuses { reason } = csctl_verdict(now, last) else {
        return None;
    };
    let difference = last.difference(now)?;
    Some(Unpublishable { difference, reason })
}

impl fmt::Display for Unchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = &self.last;
        let source = match self.source {
            HashSource::Tag => "tag",
            HashSource::HashesJson => "hashes.json of",
        };
        let compared = listing(&self.compared);
        write!(
            f,
            "it compares only {compared} with {} ({source} {tag}), and none of them changed",
            tag.version
        )
    }
}

impl fmt::Display for HashesUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("the hashes of the last release are not known"),
            Self::NoTag(tag) => write!(f, "no git repository has a tag {tag}"),
            Self::Unreadable(words) => f.write_str(words),
            Self::CopiedFile { path, from } => write!(f, "{path} would be a copy of {from}"),
            Self::IgnoredFile { path, tag } => write!(
                f,
                "csctl hashes {path} too, which git ignores, so that {tag} does not have it"
            ),
        }
    }
}

impl fmt::Display for Unpublishable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { difference, reason } = self;
        let parts = match difference {
            Difference::Parts(parts) => {
                listing(&parts.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Difference::Files => "its files".to_owned(),
        };
        write!(
            f,
            "the source tree differs from {} in {parts}, and csctl would refuse to publish it: {reason}",
            reason.last
        )
    }
}

impl Serialize for Unchanged {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for HashesUnknown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Joins names as a sentence does: `a, b and c`.
fn listing(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests;

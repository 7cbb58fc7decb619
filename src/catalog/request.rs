//! What repositories want to know of their sources: the input of `io::catalog`, derived from their trees alone. It can be written to a
//! file, so that one crawl may ask for many repositories.

mod join;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ImagePattern;
use crate::version::{KubernetesVersion, Minor, OsRelease};
pub use join::RequestConflict;

/// The version of the form of a file with a request.
pub(crate) const REQUEST_SCHEMA: u32 = 1;

/// What a repository wants to know of its sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CatalogRequest {
    /// Image stores to look at, by pattern.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, StoreRequest>"))]
    pub stores: BTreeMap<ImagePattern, StoreRequest>,
    /// Helm repositories to read, by URL.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub charts: BTreeMap<String, ChartRequest>,
    /// Where vulnerabilities of Kubernetes are asked for; nothing where nobody needs them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vulnerabilities: Option<VulnerabilityRequest>,
    /// Where upstream facts are read.
    #[serde(default, skip_serializing_if = "SourceUrls::is_usual")]
    pub sources: SourceUrls,
}

/// A request as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "the keys of a request"
)]
pub(crate) struct RequestFile {
    /// The form's version.
    pub(crate) schema: u32,
    /// What is asked for.
    pub(crate) request: CatalogRequest,
}

/// Where vulnerabilities of Kubernetes are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VulnerabilityRequest {
    /// The feed with their numbers.
    pub feed: String,
    /// What the URL of each record begins with; the number follows.
    pub records: String,
}

impl Default for VulnerabilityRequest {
    /// Returns the official feed of Kubernetes and the records of the CVE Program.
    fn default() -> Self {
        let feed =
            "https://kubernetes.io/docs/reference/issues-security/official-cve-feed/index.json";
        Self {
            feed: feed.to_owned(),
            records: "https://cveawg.mitre.org/api/cve/".to_owned(),
        }
    }
}

/// Where upstream facts are read; nothing means their public places.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceUrls {
    /// The base URL of GitHub's API, for the releases of Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<String>,
    /// The URL of Kubernetes' release schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of_life: Option<String>,
}

impl SourceUrls {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// What to look for in one image store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreRequest {
    /// The minors to look at.
    pub minors: BTreeSet<Minor>,
    /// Those of them that nobody has yet: they are looked at as they may become available.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub upcoming: BTreeSet<Minor>,
    /// Versions the repository lists already; each is looked at, whatever the store's pointer says.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub listed: BTreeSet<KubernetesVersion>,
    /// Operating-system releases seen in the repository's URLs of this store.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub os_releases: BTreeSet<OsRelease>,
    /// Operating-system releases of versions that the repository lists, where it says so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub listed_os: BTreeMap<KubernetesVersion, BTreeSet<OsRelease>>,
    /// Operating-system releases that people name: every patch is looked for on each of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub wanted_os: BTreeSet<OsRelease>,
    /// Whether the store can be asked what it has.
    #[serde(default, skip_serializing_if = "StoreListing::is_none")]
    pub listing: StoreListing,
    /// What proves its images.
    #[serde(default, skip_serializing_if = "ImageProof::goes_without_saying")]
    pub proof: ImageProof,
    /// Whether the digests of container images are asked for, one request for each tag.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub digests: bool,
}

impl StoreRequest {
    /// Returns the minors that somebody has or asks for.
    pub(crate) fn present(&self) -> BTreeSet<Minor> {
        self.minors.difference(&self.upcoming).copied().collect()
    }

    /// Tells whether the repository lists an image. Where it does not say on which system, it may be any that it knows.
    pub(crate) fn lists(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> bool {
        let known = self.listed_os.get(&version).unwrap_or(&self.os_releases);
        self.listed.contains(&version) && os.is_none_or(|os| known.contains(os))
    }
}

/// What proves that an image is the one that was published, the strongest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ImageProof {
    /// A `.CHECKSUM` file beside the image, with its SHA-256 or SHA-512 sum.
    #[default]
    #[serde(rename = "checksum")]
    ChecksumFile,
    /// The digest that the registry of a container image has for its tag.
    // No configuration can ask for it: a store has it for being a registry, as `of_store` says.
    #[serde(rename = "digest", skip_deserializing)]
    RegistryDigest,
    /// An `.md5` file beside the image, with its MD5 sum.
    #[serde(rename = "md5")]
    Md5File,
    /// Nothing: the store publishes images alone.
    None,
}

impl ImageProof {
    /// Returns what proves the images of a store whose users rely on this: a registry has digests, and no other store has.
    #[must_use]
    pub(crate) fn of_store(self, pattern: &ImagePattern) -> Self {
        match self {
            _ if pattern.is_container_image() => Self::RegistryDigest,
            Self::RegistryDigest => Self::ChecksumFile,
            Self::ChecksumFile | Self::Md5File | Self::None => self,
        }
    }

    /// Tells whether nobody has to say it: it is the usual one, or that of every registry.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands out a reference"
    )]
    fn goes_without_saying(&self) -> bool {
        matches!(self, Self::ChecksumFile | Self::RegistryDigest)
    }

    /// Returns the word that the configuration has for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::ChecksumFile => "checksum",
            Self::RegistryDigest => "digest",
            Self::Md5File => "md5",
            Self::None => "none",
        }
    }

    /// Returns what the name of the file beside an image ends with; nothing where no file proves it.
    pub(crate) fn file_ending(self) -> Option<&'static str> {
        match self {
            Self::ChecksumFile => Some(".CHECKSUM"),
            Self::Md5File => Some(".md5"),
            Self::RegistryDigest | Self::None => None,
        }
    }
}

/// How a store tells what it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum StoreListing {
    /// It does not: every image is looked at by its URL.
    #[default]
    None,
    /// By an S3 listing; the first segment of the URL's path is the bucket.
    S3,
}

impl StoreListing {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands out a reference"
    )]
    fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// Returns the word that the configuration has for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::S3 => "s3",
        }
    }
}

/// What to look for in one Helm repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChartRequest {
    /// Names of the charts.
    pub names: BTreeSet<String>,
}

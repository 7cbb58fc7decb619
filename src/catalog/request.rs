//! What a repository wants to know of its sources: the input of `io::catalog`, derived from the tree alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ImagePattern;
use crate::version::{KubernetesVersion, Minor, OsRelease};

/// What a repository wants to know of its sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogRequest {
    /// Image stores to look at, by pattern.
    pub stores: BTreeMap<ImagePattern, StoreRequest>,
    /// Helm repositories to read, by URL.
    pub charts: BTreeMap<String, ChartRequest>,
    /// Where vulnerabilities of Kubernetes are asked for; nothing where nobody needs them.
    pub vulnerabilities: Option<VulnerabilityRequest>,
    /// Where upstream facts are read.
    pub sources: SourceUrls,
}

/// Where vulnerabilities of Kubernetes are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceUrls {
    /// The base URL of GitHub's API, for the releases of Kubernetes.
    pub kubernetes: Option<String>,
    /// The URL of Kubernetes' release schedule.
    pub end_of_life: Option<String>,
}

/// What to look for in one image store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreRequest {
    /// The minors to look at.
    pub minors: BTreeSet<Minor>,
    /// Those of them that nobody has yet: they are looked at as they may become available.
    pub upcoming: BTreeSet<Minor>,
    /// Versions the repository lists already; each is looked at, whatever the store's pointer says.
    pub listed: BTreeSet<KubernetesVersion>,
    /// Operating-system releases seen in the repository's URLs of this store.
    pub os_releases: BTreeSet<OsRelease>,
    /// Operating-system releases of versions that the repository lists, where it says so.
    pub listed_os: BTreeMap<KubernetesVersion, BTreeSet<OsRelease>>,
    /// Operating-system releases that people name: every patch is looked for on each of them.
    pub wanted_os: BTreeSet<OsRelease>,
    /// Whether the store can be asked what it has.
    pub listing: StoreListing,
    /// What proves its images.
    pub proof: ImageProof,
    /// Whether the digests of container images are asked for, one request for each tag.
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

/// What to look for in one Helm repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartRequest {
    /// Names of the charts.
    pub names: BTreeSet<String>,
}

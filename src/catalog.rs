//! The catalog: what the sources offered on one day. A plain value that can be written to a file and read back; a plan made
//! from that file is the same plan. It queries no source: `io::catalog` fills it.

mod cover;
mod end_of_life;
mod pattern;
mod request;
mod traits;
mod vulnerability;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::release_digest::CsctlHashes;
use crate::version::{
    ChartVersion, KubernetesVersion, Md5, Minor, OsRelease, ReleaseTag, Sha256, Sha512, StackLine,
    StackVersion,
};

pub(crate) use end_of_life::known_end_of_life;
pub use pattern::{ImagePattern, ImageUrl, NameDate, PatternError};
pub use request::{
    CatalogRequest, ChartRequest, ImageProof, RequestConflict, SourceUrls, StoreListing,
    StoreRequest, VulnerabilityRequest,
};
pub(crate) use request::{REQUEST_SCHEMA, RequestFile};
pub use traits::{Architecture, Disagreement, ImageTraits};
pub use vulnerability::{CveId, CvssScore, RecordedVersions, VersionRange, Vulnerability};

/// The version of the catalog file's form.
pub const CATALOG_SCHEMA: u32 = 1;

/// The name under which the releases of Kubernetes are unreachable.
pub const RELEASES_SOURCE: &str = "kubernetes releases";

/// The name under which the end-of-life days are unreachable.
pub const END_OF_LIFE_SOURCE: &str = "end-of-life days";

/// The name under which vulnerabilities are unreachable.
pub const VULNERABILITIES_SOURCE: &str = "vulnerabilities";

/// What the sources offered on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "the keys of a catalog"
)]
pub struct Catalog {
    /// The form's version, [`CATALOG_SCHEMA`].
    pub schema: u32,
    /// The day on which this was seen.
    pub as_of: Date,
    /// What was asked for; absent in a catalog that a person wrote, which then counts as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<CatalogRequest>,
    /// Node images, one entry per image store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_stores: Vec<ImageStore>,
    /// Chart versions, one entry per Helm repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chart_repositories: Vec<ChartRepository>,
    /// Kubernetes releases, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kubernetes: Vec<KubernetesRelease>,
    /// The last day of upstream support per minor.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub end_of_life: BTreeMap<Minor, Date>,
    /// Published stack releases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stack_releases: Vec<StackRelease>,
    /// Why more stack releases may have been published than are known, as a phrase: the git clone lacks tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_gap: Option<String>,
    /// Vulnerabilities of Kubernetes, in the order of their numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vulnerabilities: Vec<Vulnerability>,
    /// Sources that gave no answer. What they would have said is unknown, which is not the same as nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<Unreachable>,
}

/// One image store, known by the pattern of its URLs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageStore {
    /// The pattern of the store's URLs.
    #[cfg_attr(test, schemars(with = "String"))]
    pub pattern: ImagePattern,
    /// The minors that were looked for. A version of another minor is unknown, not absent.
    pub searched: BTreeSet<Minor>,
    /// Images that are there, with what proves them; ordered by version, then by operating-system release; of several builds the
    /// newest is last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<NodeImage>,
    /// Images that are announced or present and could not be proved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faulty: Vec<FaultyImage>,
}

/// One bootable image for one Kubernetes version on one operating-system release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeImage {
    /// The Kubernetes version inside.
    pub version: KubernetesVersion,
    /// The operating-system release, where the URL says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<OsRelease>,
    /// Where it is downloaded from.
    pub url: String,
    /// The store's checksum. Container images have none here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// The store's longer checksum, where it publishes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha512: Option<Sha512>,
    /// The store's MD5 checksum, where it publishes no better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<Md5>,
    /// Whether nothing proves it: its store publishes no checksums. Absent means no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproved: bool,
    /// The digest of a container image's tag, where the registry was asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Sha256>,
    /// The day it was built: the image's Last-Modified, or the day of the store's pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built: Option<Date>,
    /// Size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// An image that is announced or present in the store and could not be proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultyImage {
    /// The Kubernetes version it is for.
    pub version: KubernetesVersion,
    /// The URL that was asked.
    pub url: String,
    /// What is wrong, as a phrase: `the checksum file is an HTML page`.
    pub reason: String,
}

/// One Helm repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChartRepository {
    /// The repository's URL as `Chart.yaml` writes it.
    pub url: String,
    /// The versions of the charts that were asked for, oldest first; a chart the repository does not have is empty.
    pub charts: BTreeMap<String, Vec<ChartVersion>>,
}

/// One Kubernetes release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubernetesRelease {
    pub version: KubernetesVersion,
    /// The day it was published (UTC).
    pub published: Date,
}

/// One published release of a cluster stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StackRelease {
    pub tag: ReleaseTag,
    /// The Kubernetes version it was released with, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesVersion>,
    /// The version of its cluster addons, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_addon: Option<StackVersion>,
    /// The version of its node images, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_image: Option<StackVersion>,
    /// The content hashes that csctl published with it, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csctl_hashes: Option<CsctlHashes>,
}

/// What a source of the catalog tells about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Node images.
    ImageStore,
    /// Chart versions, from an index or a registry.
    ChartRepository,
    /// Kubernetes releases with their days.
    Releases,
    /// End-of-life days of minors.
    EndOfLife,
    /// Vulnerabilities of Kubernetes.
    Vulnerabilities,
}

/// A source that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unreachable {
    /// What kind of source it is.
    pub kind: SourceKind,
    /// Which one: an image pattern, a chart repository's URL, `kubernetes releases`.
    pub source: String,
    /// The URL that failed.
    pub url: String,
    /// What happened, as a phrase: `connection refused`.
    pub reason: String,
    /// The minors that could not be looked at, where the fault concerns some minors only.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub minors: BTreeSet<Minor>,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} gave no answer: {}", self.url, self.reason)
    }
}

impl Catalog {
    /// Returns a catalog of that day in which nothing has been seen, but for the end-of-life days the project knows.
    pub fn empty(as_of: Date) -> Self {
        Self {
            schema: CATALOG_SCHEMA,
            as_of,
            asked: None,
            image_stores: Vec::new(),
            chart_repositories: Vec::new(),
            kubernetes: Vec::new(),
            end_of_life: known_end_of_life(),
            stack_releases: Vec::new(),
            release_gap: None,
            vulnerabilities: Vec::new(),
            unreachable: Vec::new(),
        }
    }

    /// Puts everything in order, as a file written by hand may not be.
    pub fn sort(&mut self) {
        for store in &mut self.image_stores {
            store.sort();
        }
        self.kubernetes.sort_by_key(|release| release.version);
        self.vulnerabilities.sort_by(|a, b| a.id.cmp(&b.id));
    }

    /// Finds the store with that pattern.
    pub fn find_store(&self, pattern: &ImagePattern) -> Option<&ImageStore> {
        self.image_stores
            .iter()
            .find(|store| store.pattern == *pattern)
    }

    /// Finds the versions of a chart; nothing where the repository or the chart was not looked at.
    pub fn find_chart(&self, repository: &str, chart: &str) -> Option<&[ChartVersion]> {
        // Helm takes a repository's URL with a slash at its end and without.
        let wanted = repository.trim_end_matches('/');
        let found = self
            .chart_repositories
            .iter()
            .find(|candidate| candidate.url.trim_end_matches('/') == wanted)?;
        found.charts.get(chart).map(Vec::as_slice)
    }

    /// Finds the published release of a line with the highest stable number.
    pub(crate) fn find_newest_release(&self, line: &StackLine) -> Option<&StackRelease> {
        self.stack_releases
            .iter()
            .filter(|release| release.tag.line == *line)
            .filter(|release| release.tag.version.stable_number().is_some())
            .max_by_key(|release| &release.tag.version)
    }

    /// Finds the day on which a Kubernetes version was published.
    pub fn find_published(&self, version: KubernetesVersion) -> Option<Date> {
        let found = self
            .kubernetes
            // `sort` has put them in order.
            .binary_search_by_key(&version, |release| release.version)
            .ok()?;
        Some(self.kubernetes[found].published)
    }

    /// Returns the releases of one minor, oldest version first.
    pub(crate) fn releases_of(&self, minor: Minor) -> impl Iterator<Item = &KubernetesRelease> {
        let start = self
            .kubernetes
            .partition_point(|release| release.version.minor() < minor);
        let releases = self.kubernetes[start..].iter();
        releases.take_while(move |release| release.version.minor() == minor)
    }

    /// Tells whether sources were asked and none of them gave an answer.
    pub(crate) fn is_silent(&self) -> bool {
        let stores = &self.image_stores;
        // End-of-life days are asked for where there are minors; those of the project's table are no answer.
        let has_minors = stores.iter().any(|store| !store.searched.is_empty());
        let mut upstream = self.unreachable_upstream();
        let has_no_days = upstream.any(|failed| failed.kind == SourceKind::EndOfLife);
        !self.unreachable.is_empty()
            && stores.iter().all(|store| self.is_silent_store(store))
            && self.chart_repositories.is_empty()
            && self.kubernetes.is_empty()
            && self.vulnerabilities.is_empty()
            && (!has_minors || has_no_days)
    }

    fn is_silent_store(&self, store: &ImageStore) -> bool {
        let mut minors = store.searched.iter();
        store.images.is_empty()
            && store.faulty.is_empty()
            && minors.all(|minor| self.has_failed(store, *minor))
    }

    fn has_failed(&self, store: &ImageStore, minor: Minor) -> bool {
        self.unreachable.iter().any(|failed| {
            let is_about = failed.minors.is_empty() || failed.minors.contains(&minor);
            failed.source == store.pattern.as_str() && is_about
        })
    }

    /// Returns the sources of what is known of Kubernetes itself that gave no answer.
    pub(crate) fn unreachable_upstream(&self) -> impl Iterator<Item = &Unreachable> {
        let all = self.unreachable.iter();
        all.filter(|failed| match failed.kind {
            SourceKind::ImageStore | SourceKind::ChartRepository => false,
            SourceKind::Releases | SourceKind::EndOfLife | SourceKind::Vulnerabilities => true,
        })
    }

    /// Tells whether upstream support of the minor has ended on the catalog's day.
    pub fn is_end_of_life(&self, minor: Minor) -> bool {
        self.end_of_life
            .get(&minor)
            // The day in the table is the last one with support.
            .is_some_and(|day| *day < self.as_of)
    }
}

impl NodeImage {
    /// Returns an image of which no more than its version and place is known.
    pub fn new(version: KubernetesVersion, url: impl Into<String>) -> Self {
        Self {
            version,
            os: None,
            url: url.into(),
            sha256: None,
            sha512: None,
            md5: None,
            unproved: false,
            digest: None,
            built: None,
            size: None,
        }
    }

    /// Returns its checksum by SHA-256, which most files name, else by SHA-512, else by MD5, spelled with the algorithm: `sha256:...`.
    pub fn checksum(&self) -> Option<String> {
        if let Some(sum) = &self.sha256 {
            return Some(format!("sha256:{sum}"));
        }
        if let Some(sum) = &self.sha512 {
            return Some(format!("sha512:{sum}"));
        }
        self.md5.as_ref().map(|sum| format!("md5:{sum}"))
    }

    /// Returns the day of the build that the name in its URL carries.
    fn named_day(&self) -> Option<Date> {
        let date = ImagePattern::read_url(&self.url).ok()?.date?;
        Some(date.day())
    }
}

impl ImageStore {
    /// Puts its images in order.
    pub(crate) fn sort(&mut self) {
        self.images.sort_by(|a, b| {
            let order = (a.version, &a.os).cmp(&(b.version, &b.os));
            order.then_with(|| (a.named_day(), &a.url).cmp(&(b.named_day(), &b.url)))
        });
    }

    /// Returns the images of one minor, oldest version first.
    pub(crate) fn images_of_minor(&self, minor: Minor) -> &[NodeImage] {
        let start = self
            .images
            .partition_point(|image| image.version.minor() < minor);
        let length = self.images[start..].partition_point(|image| image.version.minor() == minor);
        &self.images[start..start + length]
    }

    /// Returns the images of one Kubernetes version, one per operating-system release.
    pub fn images_of(&self, version: KubernetesVersion) -> impl Iterator<Item = &NodeImage> {
        self.images
            .iter()
            .filter(move |image| image.version == version)
    }
}

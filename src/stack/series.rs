//! Image series: what the images of one kind have in common - distribution, architecture, variant, the patterns of their names
//! and URLs, the store. They are learnt from the entries and references of a stack that belong together. It asks no store and
//! chooses no version.

mod learner;
mod names;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::catalog::{Architecture, ImagePattern, ImageProof, ImageTraits, NodeImage};
use crate::version::{KubernetesVersion, OsRelease};

pub(super) use learner::{Clue, KnownStores};
pub(super) use names::KnownNames;

/// The number of a series within its stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(usize);

/// What the images of one kind have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageSeries {
    /// A name for people: `ubuntu`, `ubuntu arm64`, `ubuntu -gardener`.
    pub title: String,
    /// The distribution; nothing where neither names nor URLs say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<String>,
    /// The operating-system releases that were seen.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub os_releases: BTreeSet<OsRelease>,
    /// The processor architecture, where names or URLs say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub architecture: Option<Architecture>,
    /// What proves the images of its store.
    #[serde(skip)]
    pub store_proof: ImageProof,
    /// The pattern of the URLs in its store; nothing where no source of such images is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub store: Option<ImagePattern>,
    /// The patterns of the names by which files know its images.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    #[cfg_attr(test, schemars(with = "BTreeSet<String>"))]
    pub names: BTreeSet<ImagePattern>,
    /// How its images have to be proved beside being there.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub proofs: BTreeSet<ProofKind>,
    /// Where it was learnt first: `providers/openstack/scs2/image.yaml:14`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learnt_at: Option<String>,
    /// Patterns of URLs that were seen, those of an earlier store too.
    #[serde(skip)]
    urls: BTreeSet<ImagePattern>,
    /// The newest version with a URL, which decides where the images come from.
    #[serde(skip)]
    newest: Option<KubernetesVersion>,
    /// Versions by the pattern of their URLs.
    #[serde(skip)]
    seen: BTreeMap<ImagePattern, BTreeSet<KubernetesVersion>>,
}

/// What files ask of an image beside its being there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ProofKind {
    /// A SHA-256 checksum.
    Sha256,
    /// A SHA-512 checksum.
    Sha512,
    /// An MD5 checksum.
    Md5,
    /// A SHA-1 checksum, which no source is asked for.
    Sha1,
    /// The digest of a container image.
    Digest,
}

impl ProofKind {
    /// Tells whether an image's source gives it.
    pub(super) fn is_given_by(self, image: &NodeImage) -> bool {
        match self {
            Self::Sha256 => image.sha256.is_some(),
            Self::Sha512 => image.sha512.is_some(),
            Self::Md5 => image.md5.is_some(),
            Self::Sha1 => false,
            Self::Digest => image.digest.is_some(),
        }
    }
}

/// Which series a text can be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesMatch {
    /// This one.
    One(SeriesId),
    /// More than one, so that nobody knows.
    Several,
    /// None.
    None,
}

/// The series of a stack.
#[derive(Debug, Clone, Default)]
pub struct SeriesSet {
    all: Vec<ImageSeries>,
    /// The series of each place, by file and line.
    members: HashMap<(String, usize), SeriesId>,
}

impl SeriesId {
    /// Returns its place in lists that have one entry for each series.
    pub fn index(self) -> usize {
        self.0
    }
}

impl SeriesSet {
    /// Names the series so that people can tell them apart.
    fn titled(mut all: Vec<ImageSeries>, members: HashMap<(String, usize), SeriesId>) -> Self {
        let is_alone = all.len() == 1;
        for series in &mut all {
            series.title = if is_alone {
                series.distribution_or_images()
            } else {
                series.describe()
            };
        }
        for index in 0..all.len() {
            let title = all[index].title.clone();
            let mut others = all.iter().enumerate();
            let is_unique = !others.any(|(other, series)| other != index && series.title == title);
            let name = all[index].names.first().filter(|_| !is_unique);
            if let Some(stem) = name.map(|name| name.as_str().replace("{version}", "*")) {
                all[index].title = format!("{title} {stem}");
            }
        }
        Self { all, members }
    }

    /// Returns the series with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (SeriesId, &ImageSeries)> {
        let all = self.all.iter().enumerate();
        all.map(|(index, series)| (SeriesId(index), series))
    }

    /// Returns the series, in the order of their numbers.
    pub fn all(&self) -> &[ImageSeries] {
        &self.all
    }

    /// Returns a series.
    pub fn get(&self, id: SeriesId) -> Option<&ImageSeries> {
        self.all.get(id.0)
    }

    /// Returns the stores of which nothing proves the images, by the base of their URLs.
    pub(crate) fn unproved_stores(&self) -> BTreeSet<&str> {
        self.all
            .iter()
            .filter(|series| series.store_proof == ImageProof::None)
            .filter_map(|series| series.store.as_ref())
            .map(ImagePattern::base_or_name)
            .collect()
    }

    /// Finds the series of an entry or reference by its place.
    pub(crate) fn of_place(&self, file: &str, line: usize) -> Option<SeriesId> {
        self.members.get(&(file.to_owned(), line)).copied()
    }

    /// Finds the series whose images a name or URL can name.
    pub fn find(&self, text: &str) -> SeriesMatch {
        let Ok(pattern) = ImagePattern::of_url(text) else {
            return SeriesMatch::None;
        };
        let traits = ImageTraits::of(text);
        let mut found = self
            .iter()
            .filter(|(_, series)| series.takes(&pattern, &traits));
        match (found.next(), found.next()) {
            (None, _) => SeriesMatch::None,
            (Some((id, _)), None) => SeriesMatch::One(id),
            (Some(_), Some(_)) => SeriesMatch::Several,
        }
    }
}

impl ImageSeries {
    /// Tells whether images of an operating-system release are of the series.
    pub(crate) fn has_os(&self, os: Option<&OsRelease>) -> bool {
        match (&self.distribution, os) {
            // Words may stand before the distribution in an image's name: `another-ubuntu-2404` is of ubuntu.
            (Some(distribution), Some(os)) => os.distribution().ends_with(distribution.as_str()),
            (None, _) | (_, None) => true,
        }
    }

    /// Returns what files ask of an image that its source does not give; nothing where it gives all.
    pub(crate) fn lacking_proof(&self, image: &NodeImage) -> Option<ProofKind> {
        let mut proofs = self.proofs.iter().copied();
        proofs.find(|proof| !proof.is_given_by(image))
    }

    /// Tells whether a name or URL of this pattern, with these traits, is of the series.
    fn takes(&self, pattern: &ImagePattern, traits: &ImageTraits) -> bool {
        if !self.agrees(traits) {
            return false;
        }
        let is_known_url = self.urls.contains(pattern)
            || self
                .store
                .as_ref()
                .is_some_and(|store| is_mirror_of(pattern, store));
        // A name that is spelled otherwise is meant for the series all the same; `check` says that it finds no image.
        let mut names = self.names.iter();
        is_known_url || names.any(|name| name.is_spelled_like(pattern)) || self.has_stem(pattern)
    }

    /// Tells whether a name is that of the files behind its URLs.
    fn has_stem(&self, pattern: &ImagePattern) -> bool {
        let mut stems = self.urls.iter().map(ImagePattern::stem);
        pattern.host().is_none() && stems.any(|stem| stem == pattern.as_str())
    }

    /// Tells whether a text with these traits says nothing that contradicts the series.
    fn agrees(&self, traits: &ImageTraits) -> bool {
        let same_distribution = match (&self.distribution, traits.distribution) {
            (Some(own), Some(other)) => own == other,
            (None, _) | (_, None) => true,
        };
        let is_same_architecture = match (self.architecture, traits.architecture) {
            (Some(own), Some(other)) => own == other,
            // By custom, what names no architecture is for amd64; a name may leave out that of its series.
            (None, other) => other.is_none_or(|other| other == Architecture::Amd64),
            (Some(_), None) => true,
        };
        same_distribution && is_same_architecture
    }

    /// Returns what stands behind the version in its URLs.
    fn suffix(&self) -> String {
        self.store
            .as_ref()
            .map(|store| ImageTraits::of(&store.example()).suffix)
            .unwrap_or_default()
    }

    fn distribution_or_images(&self) -> String {
        self.distribution
            .clone()
            .unwrap_or_else(|| "images".to_owned())
    }

    /// Returns what tells it from other series: `ubuntu arm64 -gardener`.
    fn describe(&self) -> String {
        let architecture = self.architecture.map(|name| name.to_string());
        let suffix = Some(self.suffix()).filter(|suffix| !suffix.is_empty());
        let words = [Some(self.distribution_or_images()), architecture, suffix];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// Tells whether a container image is that of a store under another registry, as mirrors have it.
fn is_mirror_of(pattern: &ImagePattern, store: &ImagePattern) -> bool {
    store.is_container_image() && is_below_registry(pattern.as_str(), store.as_str())
}

/// Tells whether the name of a container image is another one with a registry before it.
pub(super) fn is_below_registry(long: &str, short: &str) -> bool {
    let registry = long.strip_suffix(short);
    registry.is_some_and(|registry| registry.ends_with('/'))
}

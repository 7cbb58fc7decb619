//! Image series: what the images of one kind have in common - distribution, architecture, variant, the patterns of their names
//! and URLs, the store. They are learnt from the entries and references of a stack that belong together. It asks no store and
//! chooses no version.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;

use crate::catalog::{Architecture, ImagePattern, ImageProof, ImageTraits, NodeImage};
use crate::version::{KubernetesVersion, OsRelease};

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

/// One statement of a file about an image, from which series are learnt.
#[derive(Debug, Clone)]
pub(super) struct Clue<'a> {
    /// The file and line.
    pub(super) place: (&'a str, usize),
    /// The list it stands in, where all entries of the list are of one series.
    pub(super) list: Option<usize>,
    /// The list it stands in.
    pub(super) image_list: Option<usize>,
    /// The image's version.
    pub(super) version: KubernetesVersion,
    /// Its names.
    pub(super) names: Vec<ImagePattern>,
    /// Its URL, or the name of a container image with its tag.
    pub(super) url: Option<&'a str>,
    /// A name or URL that says what the image is.
    pub(super) text: &'a str,
    /// What proves it.
    pub(super) proofs: Vec<ProofKind>,
}

/// The stores that are known beside those that URLs name.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KnownStores<'a> {
    /// The store of the configuration.
    pub(super) configured: Option<&'a ImagePattern>,
    /// The store that users of the provider share.
    pub(super) of_provider: Option<&'a ImagePattern>,
    /// What proves the images of all of them.
    pub(super) proof: ImageProof,
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
    /// Learns the series of a stack from what its files say.
    pub(super) fn learn(clues: &[Clue<'_>], stores: KnownStores<'_>) -> Self {
        let mut learner = Learner {
            series: Vec::new(),
            members: HashMap::new(),
            lists: HashMap::new(),
            listed: HashSet::new(),
        };
        let (located, named): (Vec<&Clue<'_>>, Vec<&Clue<'_>>) =
            clues.iter().partition(|clue| clue.url.is_some());
        for clue in located {
            learner.add(clue);
        }
        learner.apply(stores.configured);
        for clue in named {
            learner.add_name(clue, stores);
        }
        if learner.series.is_empty()
            && let Some(store) = stores.configured.or(stores.of_provider)
        {
            learner.series.push(ImageSeries::of_store(store));
        }
        for series in &mut learner.series {
            let proof = series
                .store
                .as_ref()
                .map(|store| stores.proof.of_store(store));
            series.store_proof = proof.unwrap_or_default();
        }
        Self::titled(learner)
    }

    fn titled(learner: Learner) -> Self {
        let mut all = learner.series;
        let several = all.len() > 1;
        for series in &mut all {
            series.title = series.describe(several);
        }
        for index in 0..all.len() {
            let title = all[index].title.clone();
            let mut others = all.iter().enumerate();
            let is_alone = !others.any(|(other, series)| other != index && series.title == title);
            let name = all[index].names.first().filter(|_| !is_alone);
            if let Some(stem) = name.map(|name| name.as_str().replace("{version}", "*")) {
                all[index].title = format!("{title} {stem}");
            }
        }
        Self {
            all,
            members: learner.members,
        }
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
    pub fn unproved_stores(&self) -> BTreeSet<&str> {
        let unproved = self.all.iter();
        let unproved = unproved.filter(|series| series.store_proof == ImageProof::None);
        let stores = unproved.filter_map(|series| series.store.as_ref());
        stores.map(ImagePattern::base_or_name).collect()
    }

    /// Finds the series of an entry or reference by its place.
    pub fn of_place(&self, file: &str, line: usize) -> Option<SeriesId> {
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
    fn of_store(store: &ImagePattern) -> Self {
        let mut series = Self::empty(&ImageTraits::of(store.as_str()));
        series.store = Some(store.clone());
        series.urls.insert(store.clone());
        series
    }

    fn empty(traits: &ImageTraits) -> Self {
        Self {
            title: String::new(),
            distribution: traits.distribution.map(str::to_owned),
            os_releases: traits.os.clone().into_iter().collect(),
            architecture: traits.architecture,
            store_proof: ImageProof::default(),
            store: None,
            names: BTreeSet::new(),
            proofs: BTreeSet::new(),
            learnt_at: None,
            urls: BTreeSet::new(),
            newest: None,
            seen: BTreeMap::new(),
        }
    }

    /// Tells whether images of an operating-system release are of the series.
    pub fn has_os(&self, os: Option<&OsRelease>) -> bool {
        match (&self.distribution, os) {
            (Some(distribution), Some(os)) => os.distribution().ends_with(distribution.as_str()),
            (None, _) | (_, None) => true,
        }
    }

    /// Returns what files ask of an image that its source does not give; nothing where it gives all.
    pub fn lacking_proof(&self, image: &NodeImage) -> Option<ProofKind> {
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

    fn has_name_of(&self, clue: &Clue<'_>) -> bool {
        clue.names.iter().any(|name| self.names.contains(name))
    }

    /// Tells whether a text with these traits says nothing that contradicts the series.
    fn agrees(&self, traits: &ImageTraits) -> bool {
        let same_distribution = match (&self.distribution, traits.distribution) {
            (Some(own), Some(other)) => own == other,
            (None, _) | (_, None) => true,
        };
        let is_same_architecture = match (self.architecture, traits.architecture) {
            (Some(own), Some(other)) => own == other,
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

    fn describe(&self, several: bool) -> String {
        let distribution = self
            .distribution
            .clone()
            .unwrap_or_else(|| "images".to_owned());
        if !several {
            return distribution;
        }
        let architecture = self.architecture.map(|all| format!(" {all}"));
        let suffix = Some(self.suffix()).filter(|suffix| !suffix.is_empty());
        let suffix = suffix.map(|suffix| format!(" {suffix}"));
        distribution + &architecture.unwrap_or_default() + &suffix.unwrap_or_default()
    }
}

/// Tells whether a container image is that of a store under another registry, as mirrors have it.
fn is_mirror_of(pattern: &ImagePattern, store: &ImagePattern) -> bool {
    store.is_container_image()
        && pattern
            .as_str()
            .strip_suffix(store.as_str())
            .is_some_and(|registry| registry.ends_with('/'))
}

/// Collects series while clues are read.
struct Learner {
    series: Vec<ImageSeries>,
    members: HashMap<(String, usize), SeriesId>,
    /// The series of each list whose entries are all of one.
    lists: HashMap<usize, SeriesId>,
    /// The series that have a named image of a list and version already.
    listed: HashSet<(usize, Entry)>,
}

/// A list, and a version of which it has an image.
type Entry = (Option<usize>, KubernetesVersion);

impl Clue<'_> {
    fn entry(&self) -> Entry {
        (self.image_list, self.version)
    }
}

impl Learner {
    /// Adds a statement with a URL.
    fn add(&mut self, clue: &Clue<'_>) {
        let Some(pattern) = clue.url.and_then(|url| ImagePattern::of_url(url).ok()) else {
            return;
        };
        let traits = ImageTraits::of(clue.text);
        let of_list = clue.list.and_then(|list| self.lists.get(&list).copied());
        let id = of_list
            .or_else(|| self.find_located(clue, &pattern, &traits))
            .unwrap_or_else(|| self.push(&traits));
        let series = &mut self.series[id.0];
        if series.newest.is_none_or(|newest| clue.version >= newest) {
            series.newest = Some(clue.version);
            series.store = Some(pattern.clone());
            // A list that moved to another distribution is now of that one.
            series.distribution = traits.distribution.map(str::to_owned);
        }
        series.urls.insert(pattern.clone());
        series.seen.entry(pattern).or_default().insert(clue.version);
        self.join(clue, id, &traits);
    }

    /// Finds the series that a statement with a URL is of.
    fn find_located(
        &self,
        clue: &Clue<'_>,
        pattern: &ImagePattern,
        traits: &ImageTraits,
    ) -> Option<SeriesId> {
        let mut possible: Vec<usize> = (0..self.series.len()).collect();
        possible.retain(|id| {
            let series = &self.series[*id];
            let agrees = series.agrees(traits) && series.architecture == traits.architecture;
            agrees
                && (series.urls.contains(pattern)
                    || series.has_name_of(clue)
                    || series.is_continued_by(pattern, clue.version))
        });
        let mut ids = possible.iter();
        let named = ids.find(|id| self.series[**id].has_name_of(clue));
        // Two names of one list and one version are two images, whatever their URLs.
        let mut ids = possible.iter();
        let found = named.or_else(|| ids.find(|id| !self.listed.contains(&(**id, clue.entry()))));
        found.copied().map(SeriesId)
    }

    /// Lets the configured store take the place of the one that URLs name, where it has the same images or is the only one.
    fn apply(&mut self, configured: Option<&ImagePattern>) {
        let Some(configured) = configured else { return };
        let of_store = ImageTraits::of(&configured.example());
        let is_alone = self.series.len() == 1;
        for series in &mut self.series {
            let stem = series.store.as_ref().map(ImagePattern::stem);
            if series.agrees(&of_store) && (is_alone || stem == Some(configured.stem())) {
                series.store = Some(configured.clone());
                series.urls.insert(configured.clone());
            }
        }
    }

    /// Adds a name without a URL: to the series that knows the name, else to the only one that it can be of.
    fn add_name(&mut self, clue: &Clue<'_>, stores: KnownStores<'_>) {
        let traits = ImageTraits::of(clue.text);
        let of_list = clue.list.and_then(|list| self.lists.get(&list).copied());
        let known = of_list.or_else(|| self.find_named(clue, &traits));
        let id = known.unwrap_or_else(|| self.push_named(&traits, stores));
        self.join(clue, id, &traits);
    }

    /// Adds a series of which a name alone is known; its images are in the store that is known, unless another series has it.
    fn push_named(&mut self, traits: &ImageTraits, stores: KnownStores<'_>) -> SeriesId {
        let store = stores.configured.or(stores.of_provider);
        let store = store.filter(|store| can_have(store, traits)).cloned();
        let mut others = self.series.iter();
        let is_used = others.any(|other| other.store == store && other.distribution.is_none());
        let fresh = store.filter(|_| !is_used);
        let id = self.push(traits);
        let series = &mut self.series[id.0];
        series.urls.extend(fresh.clone());
        series.store = fresh;
        id
    }

    fn find_named(&self, clue: &Clue<'_>, traits: &ImageTraits) -> Option<SeriesId> {
        let mut all = self.series.iter();
        let known = all.position(|series| clue.names.iter().any(|name| series.takes(name, traits)));
        if known.is_some() {
            return known.map(SeriesId);
        }
        // A name that only one series can be meant by is of that one.
        let suffix = traits.suffix.trim_start_matches(['-', '_', '+']);
        let mut possible = (0..self.series.len()).filter(|id| {
            let series = &self.series[*id];
            let agrees = series.agrees(traits) && series.architecture == traits.architecture;
            agrees && series.suffix().contains(suffix) && series.store.is_some()
        });
        match (possible.next(), possible.next()) {
            (Some(id), None) => Some(SeriesId(id)),
            (None, _) | (Some(_), Some(_)) => None,
        }
    }

    fn push(&mut self, traits: &ImageTraits) -> SeriesId {
        self.series.push(ImageSeries {
            os_releases: BTreeSet::new(),
            ..ImageSeries::empty(traits)
        });
        SeriesId(self.series.len() - 1)
    }

    /// Notes that a statement is of a series.
    fn join(&mut self, clue: &Clue<'_>, id: SeriesId, traits: &ImageTraits) {
        if clue.image_list.is_some() && !clue.names.is_empty() {
            self.listed.insert((id.0, clue.entry()));
        }
        let (file, line) = clue.place;
        self.members.insert((file.to_owned(), line), id);
        if let Some(list) = clue.list {
            self.lists.insert(list, id);
        }
        let series = &mut self.series[id.0];
        series.names.extend(clue.names.iter().cloned());
        series.os_releases.extend(traits.os.clone());
        series.proofs.extend(&clue.proofs);
        series
            .learnt_at
            .get_or_insert_with(|| format!("{file}:{line}"));
    }
}

impl ImageSeries {
    /// Tells whether a URL of another place is of the same images: the store moved, or an image manifest was forgotten when it
    /// did. Two directories of one host that have the same version have different images.
    fn is_continued_by(&self, pattern: &ImagePattern, version: KubernetesVersion) -> bool {
        let known = self.urls.iter();
        let mut known = known
            .filter(|known| known.stem() == pattern.stem())
            .peekable();
        known.peek().is_some()
            && known.all(|known| {
                let same_host = known.host() == pattern.host();
                let has_version = self
                    .seen
                    .get(known)
                    .is_some_and(|all| all.contains(&version));
                !(same_host && has_version)
            })
    }
}

/// Tells whether a store can have an image with these traits: its pattern names any distribution, or none, or this one.
fn can_have(store: &ImagePattern, traits: &ImageTraits) -> bool {
    let of_store = ImageTraits::of(&store.example());
    let names_other = match (of_store.distribution, traits.distribution) {
        (Some(own), Some(other)) => own != other && !store.has_os(),
        (None, _) | (_, None) => false,
    };
    let suffix = traits.suffix.trim_start_matches(['-', '_', '+']);
    !names_other && of_store.architecture == traits.architecture && of_store.suffix.contains(suffix)
}

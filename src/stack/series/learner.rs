//! How series are learnt: the statements of a stack's files, one by one, those with a URL first.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::names::ReadName;
use super::{ImageSeries, ProofKind, SeriesId, SeriesSet};
use crate::catalog::{ImagePattern, ImageProof, ImageTraits};
use crate::version::KubernetesVersion;

/// One statement of a file about an image, from which series are learnt.
#[derive(Debug, Clone)]
pub(crate) struct Clue<'a> {
    /// The file and line.
    pub(crate) place: (&'a str, usize),
    /// The list it stands in, where all entries of the list are of one series.
    pub(crate) list: Option<usize>,
    /// The list it stands in.
    pub(crate) image_list: Option<usize>,
    /// The image's version.
    pub(crate) version: KubernetesVersion,
    /// Its names.
    pub(crate) names: Vec<ImagePattern>,
    /// What its URL says, or the name of a container image with its tag.
    pub(crate) url: Option<Arc<ReadName>>,
    /// What a name or URL says that tells what the image is.
    pub(crate) said: Arc<ReadName>,
    /// What proves it.
    pub(crate) proofs: Vec<ProofKind>,
}

/// The stores that are known beside those that URLs name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KnownStores<'a> {
    /// The store of the configuration.
    pub(crate) configured: Option<&'a ImagePattern>,
    /// The store that users of the provider share.
    pub(crate) of_provider: Option<&'a ImagePattern>,
    /// What proves the images of all of them.
    pub(crate) proof: ImageProof,
}

impl SeriesSet {
    /// Learns the series of a stack from what its files say.
    pub(crate) fn learn(clues: &[Clue<'_>], stores: KnownStores<'_>) -> Self {
        let mut learner = Learner {
            series: Vec::new(),
            members: HashMap::new(),
            lists: HashMap::new(),
            listed: HashSet::new(),
        };
        let (located, named): (Vec<&Clue<'_>>, Vec<&Clue<'_>>) =
            clues.iter().partition(|clue| clue.url.is_some());
        // First, so that a name finds the series that URLs have made before it makes one of its own.
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
        Self::titled(learner.series, learner.members)
    }
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
        let Some(pattern) = clue.url.as_ref().and_then(|url| url.pattern.as_ref()) else {
            return;
        };
        let traits = &clue.said.traits;
        let of_list = clue.list.and_then(|list| self.lists.get(&list).copied());
        let id = of_list
            .or_else(|| self.find_located(clue, pattern, traits))
            .unwrap_or_else(|| self.push(traits));
        let series = &mut self.series[id.0];
        // The newest version says where images come from: older ones may still name a store that was left.
        if series.newest.is_none_or(|newest| clue.version >= newest) {
            series.newest = Some(clue.version);
            series.store = Some(pattern.clone());
            // A list that moved to another distribution is now of that one.
            series.distribution = traits.distribution.map(str::to_owned);
        }
        if !series.urls.contains(pattern) {
            series.urls.insert(pattern.clone());
        }
        match series.seen.get_mut(pattern) {
            Some(seen) => drop(seen.insert(clue.version)),
            None => drop(series.seen.insert(pattern.clone(), [clue.version].into())),
        }
        self.join(clue, id, traits);
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
            series.is_like(traits)
                && (series.urls.contains(pattern)
                    || series.has_name_of(clue)
                    || series.is_continued_by(pattern, clue.version))
        });
        let named = possible
            .iter()
            .find(|id| self.series[**id].has_name_of(clue));
        // Two names of one list and one version are two images, whatever their URLs.
        let found = named.or_else(|| {
            possible
                .iter()
                .find(|id| !self.listed.contains(&(**id, clue.entry())))
        });
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
        let traits = &clue.said.traits;
        let of_list = clue.list.and_then(|list| self.lists.get(&list).copied());
        let known = of_list.or_else(|| self.find_named(clue, traits));
        let id = known.unwrap_or_else(|| self.push_named(traits, stores));
        self.join(clue, id, traits);
    }

    /// Adds a series of which a name alone is known; its images are in the store that is known, unless another series has it.
    fn push_named(&mut self, traits: &ImageTraits, stores: KnownStores<'_>) -> SeriesId {
        let known = stores.configured.or(stores.of_provider);
        let possible = known.filter(|store| can_have(store, traits));
        let mut others = self.series.iter();
        let is_used =
            others.any(|other| other.store.as_ref() == possible && other.distribution.is_none());
        let free = possible.filter(|_| !is_used).cloned();
        let id = self.push(traits);
        let series = &mut self.series[id.0];
        series.urls.extend(free.clone());
        series.store = free;
        id
    }

    fn find_named(&self, clue: &Clue<'_>, traits: &ImageTraits) -> Option<SeriesId> {
        let mut all = self.series.iter();
        let known = all.position(|series| clue.names.iter().any(|name| series.takes(name, traits)));
        if known.is_some() {
            return known.map(SeriesId);
        }
        // A name that only one series can be meant by is of that one.
        let mut possible = (0..self.series.len()).filter(|id| {
            let series = &self.series[*id];
            let has_suffix = series.suffix().contains(traits.bare_suffix());
            series.is_like(traits) && has_suffix && series.store.is_some()
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
        for name in &clue.names {
            if !series.names.contains(name) {
                series.names.insert(name.clone());
            }
        }
        if let Some(os) = &traits.os
            && !series.os_releases.contains(os)
        {
            series.os_releases.insert(os.clone());
        }
        series.proofs.extend(&clue.proofs);
        series
            .learnt_at
            .get_or_insert_with(|| format!("{file}:{line}"));
    }
}

impl ImageSeries {
    /// Tells whether it is of the same distribution, as far as both are known, and of the same architecture.
    fn is_like(&self, traits: &ImageTraits) -> bool {
        self.agrees(traits) && self.architecture == traits.architecture
    }

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

    fn has_name_of(&self, clue: &Clue<'_>) -> bool {
        clue.names.iter().any(|name| self.names.contains(name))
    }

    /// Tells whether a URL of another place is of the same images: the store moved, or an image manifest was forgotten when it
    /// did. Two directories of one host that have the same version have different images.
    fn is_continued_by(&self, pattern: &ImagePattern, version: KubernetesVersion) -> bool {
        let mut same_files = self
            .urls
            .iter()
            .filter(|known| known.stem() == pattern.stem())
            .peekable();
        same_files.peek().is_some()
            && same_files.all(|known| {
                let versions = self.seen.get(known);
                let has_version = versions.is_some_and(|all| all.contains(&version));
                !has_version || known.host() != pattern.host()
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
    !names_other
        && of_store.architecture == traits.architecture
        && of_store.suffix.contains(traits.bare_suffix())
}

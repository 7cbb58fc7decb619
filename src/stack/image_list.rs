//! What should happen to a list of node images: the difference between what it holds and what it should hold. It knows
//! versions and images, not the text they are written in. A list may hold images of several series; each is completed by itself.

mod place;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::facts::ImageListEntry;
use super::series::SeriesId;
use super::wanted::Wanted;
use crate::catalog::{ImagePattern, NodeImage};
use crate::policy::{ChangeClass, ImagesToList, Retention};
use crate::version::{KubernetesVersion, Minor, OsRelease};
use place::place;

/// Which minors a list of node images is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImageListScope {
    /// The minor its source tree is set to: the list is released with the stack.
    OneMinor,
    /// All minors: the list is for the cloud's image service.
    AllMinors,
    /// The minors it speaks of already, and that of its source tree: the list is what clusters of the stack may run.
    ListedMinors,
}

/// A list as it is, with the series of each of its entries.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    entries: &'a [ImageListEntry],
    /// Nothing for an entry that names a version alone: it is of all series.
    series: Vec<Option<SeriesId>>,
}

/// An entry with its place in the list.
#[derive(Debug, Clone, Copy)]
struct ListedEntry<'a> {
    index: usize,
    entry: &'a ImageListEntry,
}

/// What should happen to a list. Indices are those of the list as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ImageListChange {
    /// Images to insert.
    pub insert: Vec<Insert>,
    /// Entries to remove.
    pub remove: Vec<(usize, ChangeClass)>,
    /// Entries to turn into another image.
    pub replace: Vec<(usize, NodeImage, ChangeClass)>,
    /// Entries of an unchanged image that may lack facts known of it.
    pub complete: Vec<(usize, NodeImage)>,
}

/// A new entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Insert {
    /// The entry that it comes before; the length of the list means its end.
    pub at: usize,
    /// The entry that it is shaped after.
    pub like: usize,
    /// The image.
    pub image: NodeImage,
    /// The class of change.
    pub class: ChangeClass,
}

/// An image that comes into a list, before its place is known.
#[derive(Debug, Clone)]
struct Added {
    series: Option<SeriesId>,
    image: NodeImage,
    class: ChangeClass,
}

impl<'a> Listing<'a> {
    /// Returns the list of a file.
    pub(super) fn new(file: &str, entries: &'a [ImageListEntry], wanted: &Wanted<'_>) -> Self {
        let series = entries
            .iter()
            .map(|entry| wanted.series.of_place(file, entry.line))
            .collect();
        Self { entries, series }
    }

    /// Returns the series of its entries, in the order of their first entries.
    fn all_series(&self) -> Vec<Option<SeriesId>> {
        let mut all = Vec::new();
        for series in &self.series {
            if !all.contains(series) {
                all.push(*series);
            }
        }
        all
    }

    fn of(&self, series: Option<SeriesId>) -> impl Iterator<Item = ListedEntry<'a>> {
        let all = self.entries.iter().enumerate();
        all.filter(move |(index, _)| self.series[*index] == series)
            .map(|(index, entry)| ListedEntry { index, entry })
    }

    /// Returns the entries of a series by minor: a list may speak of many.
    fn by_minor(&self, series: Option<SeriesId>) -> ByMinor<'a> {
        let mut by_minor = ByMinor::new();
        for listed in self.of(series) {
            let of_minor = by_minor.entry(listed.entry.version.minor()).or_default();
            of_minor.push(listed);
        }
        by_minor
    }
}

/// The entries of a series by minor.
type ByMinor<'a> = BTreeMap<Minor, Vec<ListedEntry<'a>>>;

impl ImageListChange {
    /// Returns the versions of the list as it will be, in no order.
    pub(super) fn versions_after(&self, entries: &[ImageListEntry]) -> Vec<KubernetesVersion> {
        let leaving = self.remove.iter().map(|(at, _)| *at);
        let replaced = self.replace.iter().map(|(at, _, _)| *at);
        let changed: HashSet<usize> = leaving.chain(replaced).collect();
        let stay = (0..entries.len()).filter(|index| !changed.contains(index));
        let inserted = self.insert.iter().map(|insert| insert.image.version);
        let turned_into = self.replace.iter().map(|(_, image, _)| image.version);
        stay.map(|index| entries[index].version)
            .chain(inserted)
            .chain(turned_into)
            .collect()
    }

    fn leaves(&self, index: usize) -> bool {
        self.remove.iter().any(|(at, _)| *at == index)
    }
}

/// What a text says of its image: the parts that change when it is written for another one.
#[derive(Debug, Clone, Copy)]
pub(super) struct ImageFacts<'a> {
    /// The Kubernetes version.
    pub version: KubernetesVersion,
    /// The operating-system release.
    pub os: Option<&'a OsRelease>,
}

impl ImageFacts<'_> {
    /// Returns `text`, which is about this image, as it reads for another: its URL, its name or its version.
    pub(super) fn respell(self, text: &str, image: &NodeImage) -> String {
        if let Ok(read) = ImagePattern::read_url(text)
            && read.version == self.version
            && let Ok(pattern) = ImagePattern::of_url(text)
        {
            let os = image.os.as_ref().or(read.os.as_ref());
            let new = pattern.url(image.version, os).or_else(|| {
                let day = ImagePattern::read_url(&image.url).ok()?.date?.day();
                Some(pattern.dated_url(image.version, os, read.date?.on(day)))
            });
            // A text whose day nobody knows stays, and is found to have stayed.
            return new.unwrap_or_else(|| text.to_owned());
        }
        let with_version = text.replace(&self.version.plain(), &image.version.plain());
        match (self.os, &image.os) {
            (Some(before), Some(after)) => {
                with_version.replace(&before.to_string(), &after.to_string())
            }
            (Some(_) | None, Some(_) | None) => with_version,
        }
    }
}

/// Works out what should happen to a list of node images.
pub(super) fn reconcile(
    listing: &Listing<'_>,
    wanted: &Wanted<'_>,
    scope: ImageListScope,
) -> ImageListChange {
    let mut reconciler = Reconciler {
        listing,
        wanted,
        scope,
        change: ImageListChange::default(),
        added: Vec::new(),
    };
    reconciler.drop_minors();
    for series in listing.all_series() {
        let by_minor = listing.by_minor(series);
        for minor in reconciler.minors_in_scope(series, &by_minor) {
            let listed = by_minor.get(&minor).map_or(&[][..], Vec::as_slice);
            reconciler.complete(listed, series, minor);
        }
    }
    let Reconciler {
        mut change,
        mut added,
        ..
    } = reconciler;
    let wishes = wanted.wishes;
    // Before places are found: an entry that may not leave stays a place for new ones, and a shape.
    change.remove.retain(|(_, class)| wishes.wants(*class));
    added.retain(|added| wishes.wants(added.class));
    change.replace.retain(|(_, _, class)| wishes.wants(*class));
    place(listing, added, &mut change);
    change
}

/// Compares a list with what it should hold.
struct Reconciler<'a> {
    listing: &'a Listing<'a>,
    wanted: &'a Wanted<'a>,
    scope: ImageListScope,
    change: ImageListChange,
    added: Vec<Added>,
}

impl Reconciler<'_> {
    /// Lets the entries of minors leave that the list is not about, or that are dropped.
    fn drop_minors(&mut self) {
        let wanted = self.wanted;
        let stays_in_line = self.scope == ImageListScope::OneMinor || self.follows_one_minor();
        for (index, entry) in self.listing.entries.iter().enumerate() {
            let minor = entry.version.minor();
            if stays_in_line && minor != wanted.line.minor {
                self.change.remove.push((index, ChangeClass::NewMinor));
            } else if !stays_in_line && wanted.dropped.contains(&minor) {
                self.change.remove.push((index, ChangeClass::Removal));
            }
        }
    }

    /// A list that speaks of the source tree's minor alone moves with it to another minor.
    fn follows_one_minor(&self) -> bool {
        let before = self.wanted.line_before.minor;
        let mut entries = self.listing.entries.iter();
        self.scope == ImageListScope::ListedMinors
            && entries.all(|entry| entry.version.minor() == before)
    }

    /// Returns the minors of a series whose entries are compared with what the store offers.
    fn minors_in_scope(&self, series: Option<SeriesId>, by_minor: &ByMinor<'_>) -> BTreeSet<Minor> {
        let wanted = self.wanted;
        let own = wanted.line.minor;
        let available = wanted
            .available_minors(series)
            .filter(|minor| !wanted.dropped.contains(minor));
        match self.scope {
            ImageListScope::AllMinors => available.collect(),
            ImageListScope::OneMinor => [own].into(),
            ImageListScope::ListedMinors if self.follows_one_minor() => [own].into(),
            ImageListScope::ListedMinors => available
                .filter(|minor| by_minor.contains_key(minor) || *minor == own)
                .collect(),
        }
    }

    /// Compares the entries of one minor of a series with what the store offers of it.
    fn complete(&mut self, listed: &[ListedEntry<'_>], series: Option<SeriesId>, minor: Minor) {
        let wanted = self.wanted;
        let available = wanted.available(series, minor);
        let is_moved_to = minor == wanted.line.minor && minor != wanted.line_before.minor;
        let class = if listed.is_empty() && (minor > wanted.line_before.minor || is_moved_to) {
            ChangeClass::NewMinor
        } else {
            ChangeClass::NewPatch
        };
        let selected = selected_versions(listed, minor, available, wanted, class);
        for &ListedEntry { index, entry } in listed {
            if wanted.must_leave(entry.version, entry.os.as_ref()) {
                self.leave(listed, index, entry.version, available);
            } else if !selected.contains(&entry.version) && !wanted.kept.contains(&entry.version) {
                if wanted.policy.retention == Retention::Trim {
                    self.change.remove.push((index, trim_class(wanted)));
                }
            } else if let Some(image) = choose(available, entry.version, Some(entry)) {
                if is_another_image(entry, image) {
                    let replaced = (index, image.clone(), ChangeClass::OsRelease);
                    self.change.replace.push(replaced);
                } else {
                    self.change.complete.push((index, image.clone()));
                }
            }
        }
        let missing = selected
            .iter()
            .filter(|version| !listed.iter().any(|one| one.entry.version == **version));
        self.added.extend(missing.filter_map(|version| {
            let is_default = wanted.default == Some(*version);
            let own_class = if is_default && wanted.is_default_blocked() {
                ChangeClass::Removal
            } else if is_default && wanted.moves_os {
                ChangeClass::OsRelease
            } else {
                class
            };
            Some(Added {
                series,
                image: choose(available, *version, None)?.clone(),
                class: own_class,
            })
        }));
    }

    /// A blocked image makes room for another one of its version, or leaves.
    fn leave(
        &mut self,
        listed: &[ListedEntry<'_>],
        index: usize,
        version: KubernetesVersion,
        available: &[NodeImage],
    ) {
        let same_version = listed.iter().filter(|one| one.entry.version == version);
        // Two entries of one version could turn into the same image.
        let is_alone = same_version.count() == 1;
        match choose(available, version, None).filter(|_| is_alone) {
            Some(image) => {
                let replaced = (index, image.clone(), ChangeClass::Removal);
                self.change.replace.push(replaced);
            }
            None => self.change.remove.push((index, ChangeClass::Removal)),
        }
    }
}

/// Returns the versions of a minor that the list is to have of a series.
fn selected_versions(
    listed: &[ListedEntry<'_>],
    minor: Minor,
    available: &[NodeImage],
    wanted: &Wanted<'_>,
    class: ChangeClass,
) -> BTreeSet<KubernetesVersion> {
    // What does not come in makes nothing leave.
    let entering = available.iter().filter(|_| wanted.wishes.wants(class));
    // What leaves makes room for another.
    let staying = listed.iter().map(|one| one.entry).filter(|entry| {
        !wanted.must_leave(entry.version, entry.os.as_ref())
            || available.iter().any(|image| image.version == entry.version)
    });
    let known: BTreeSet<_> = staying
        .map(|entry| entry.version)
        .chain(entering.map(|image| image.version))
        .filter(|version| !wanted.is_blocked(*version))
        .collect();
    let mut selected = select(&known, minor, wanted.policy.images);
    // A default is always listed.
    let of_minor = KubernetesVersion::new(minor, 0)..=KubernetesVersion::new(minor, u32::MAX);
    let defaults = wanted.kept.range(of_minor);
    selected.extend(defaults.filter(|kept| !wanted.is_blocked(**kept)));
    selected
}

/// An old patch makes room for a new one: the same change. Where the default stays, or goes to another minor, it is a removal.
fn trim_class(wanted: &Wanted<'_>) -> ChangeClass {
    let is_retargeted = wanted.line.minor != wanted.line_before.minor;
    if wanted.default == wanted.default_before || is_retargeted || wanted.is_default_blocked() {
        ChangeClass::Removal
    } else {
        ChangeClass::NewPatch
    }
}

/// Returns the versions of a minor that the list policy names.
pub(crate) fn select(
    known: &BTreeSet<KubernetesVersion>,
    minor: Minor,
    policy: ImagesToList,
) -> BTreeSet<KubernetesVersion> {
    match policy {
        ImagesToList::Newest(count) => known.iter().rev().take(count).copied().collect(),
        ImagesToList::From(floor) if floor.minor() == minor => {
            known.range(floor..).copied().collect()
        }
        // A floor says nothing of other minors.
        ImagesToList::All | ImagesToList::From(_) => known.clone(),
    }
}

/// Chooses among the images of a version: that of the entry where it is listed, else the last, which is that of the newest
/// operating system, or of the preferred one.
pub(crate) fn choose<'i>(
    available: &'i [NodeImage],
    version: KubernetesVersion,
    listed: Option<&ImageListEntry>,
) -> Option<&'i NodeImage> {
    let mut of_version = available.iter().filter(|image| image.version == version);
    let own = of_version.clone().find(|image| match listed {
        Some(ImageListEntry { url: Some(url), .. }) => image.url == *url,
        Some(ImageListEntry { os: Some(os), .. }) => image.os.as_ref() == Some(os),
        Some(_) | None => false,
    });
    own.or_else(|| of_version.next_back())
}

/// Tells whether a listed image and the available one of the same version are not the same.
pub(crate) fn is_another_image(entry: &ImageListEntry, image: &NodeImage) -> bool {
    let other_url = entry.url.as_ref().is_some_and(|url| *url != image.url);
    let other_sum = differs(entry.sha256.as_ref(), image.sha256.as_ref())
        || differs(entry.sha512.as_ref(), image.sha512.as_ref())
        || differs(entry.md5.as_ref(), image.md5.as_ref());
    // A URL says the operating system as well.
    let other_os = entry.url.is_none() && differs(entry.os.as_ref(), image.os.as_ref());
    other_url || other_sum || other_os
}

/// Tells whether both are known and not the same.
fn differs<T: PartialEq>(listed: Option<&T>, available: Option<&T>) -> bool {
    matches!((listed, available), (Some(listed), Some(available)) if listed != available)
}

//! What should happen to a list of node images: the difference between what it holds and what it should hold. It knows
//! versions and images, not the text they are written in. A list may hold images of several series; each is completed by itself.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::facts::ImageListEntry;
use super::series::SeriesId;
use super::wanted::Wanted;
use crate::catalog::{ImagePattern, NodeImage};
use crate::policy::{ChangeClass, ImagesToList, Retention};
use crate::version::{KubernetesVersion, Minor, OsRelease};

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

    /// Returns the entries of a series with their places.
    fn of(&self, series: Option<SeriesId>) -> impl Iterator<Item = (usize, &'a ImageListEntry)> {
        let all = self.entries.iter().enumerate();
        all.filter(move |(index, _)| self.series[*index] == series)
    }

    /// Returns the entries of a series by minor: a list may speak of many.
    fn by_minor(&self, series: Option<SeriesId>) -> ByMinor<'a> {
        let mut by_minor = ByMinor::new();
        for (index, entry) in self.of(series) {
            let of_minor = by_minor.entry(entry.version.minor()).or_default();
            of_minor.push((index, entry));
        }
        by_minor
    }
}

/// The entries of a series by minor, with their places.
type ByMinor<'a> = BTreeMap<Minor, Vec<(usize, &'a ImageListEntry)>>;

impl ImageListChange {
    /// Returns the versions of the list as it will be, in no order.
    pub(super) fn versions_after(&self, entries: &[ImageListEntry]) -> Vec<KubernetesVersion> {
        let leaving = self.remove.iter().map(|(at, _)| *at);
        let replaced = self.replace.iter().map(|(at, _, _)| *at);
        let changed: HashSet<usize> = leaving.chain(replaced).collect();
        let stay = (0..entries.len()).filter(|index| !changed.contains(index));
        let come = self.insert.iter().map(|insert| &insert.image);
        let come = come.chain(self.replace.iter().map(|(_, image, _)| image));
        stay.map(|index| entries[index].version)
            .chain(come.map(|image| image.version))
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
            let undated = || pattern.url(image.version, os);
            let dated = || {
                let day = ImagePattern::read_url(&image.url).ok()?.date?.day();
                Some(pattern.dated_url(image.version, os, read.date?.on(day)))
            };
            // A text whose day nobody knows stays, and is found to have stayed.
            return undated().or_else(dated).unwrap_or_else(|| text.to_owned());
        }
        let text = text.replace(&self.version.plain(), &image.version.plain());
        match (self.os, &image.os) {
            (Some(before), Some(after)) => text.replace(&before.to_string(), &after.to_string()),
            (Some(_) | None, Some(_) | None) => text,
        }
    }
}

/// Works out what should happen to a list of node images.
pub(super) fn reconcile(
    listing: &Listing<'_>,
    wanted: &Wanted<'_>,
    scope: ImageListScope,
) -> ImageListChange {
    let entries = listing.entries;
    let mut change = ImageListChange::default();
    let mut added: Vec<Added> = Vec::new();
    let stays_in_line =
        scope == ImageListScope::OneMinor || follows_one_minor(entries, wanted, scope);
    for (index, entry) in entries.iter().enumerate() {
        let minor = entry.version.minor();
        if stays_in_line && minor != wanted.line.minor {
            change.remove.push((index, ChangeClass::NewMinor));
        } else if !stays_in_line && wanted.dropped.contains(&minor) {
            change.remove.push((index, ChangeClass::Removal));
        }
    }
    for series in listing.all_series() {
        let by_minor = listing.by_minor(series);
        for minor in minors_in_scope(listing, (series, &by_minor), wanted, scope) {
            let listed = by_minor.get(&minor).map_or(&[][..], Vec::as_slice);
            let changed = (&mut change, &mut added);
            reconcile_minor(listed, (series, minor), wanted, changed);
        }
    }
    change
        .remove
        .retain(|(_, class)| wanted.policy.wants(*class));
    added.retain(|added| wanted.policy.wants(added.class));
    change
        .replace
        .retain(|(_, _, class)| wanted.policy.wants(*class));
    place(listing, added, &mut change);
    change
}

/// Returns the minors of a series whose entries are compared with what the store offers.
fn minors_in_scope(
    listing: &Listing<'_>,
    (series, by_minor): (Option<SeriesId>, &ByMinor<'_>),
    wanted: &Wanted<'_>,
    scope: ImageListScope,
) -> BTreeSet<Minor> {
    let offered = wanted
        .offered_minors(series)
        .filter(|minor| !wanted.dropped.contains(minor));
    match scope {
        ImageListScope::AllMinors => offered.collect(),
        ImageListScope::OneMinor => [wanted.line.minor].into(),
        ImageListScope::ListedMinors if follows_one_minor(listing.entries, wanted, scope) => {
            [wanted.line.minor].into()
        }
        ImageListScope::ListedMinors => offered
            .filter(|minor| by_minor.contains_key(minor) || *minor == wanted.line.minor)
            .collect(),
    }
}

/// A list that speaks of the source tree's minor alone moves with it to another minor.
fn follows_one_minor(
    entries: &[ImageListEntry],
    wanted: &Wanted<'_>,
    scope: ImageListScope,
) -> bool {
    scope == ImageListScope::ListedMinors
        && entries
            .iter()
            .all(|entry| entry.version.minor() == wanted.line_before.minor)
}

fn reconcile_minor(
    listed: &[(usize, &ImageListEntry)],
    (series, minor): (Option<SeriesId>, Minor),
    wanted: &Wanted<'_>,
    (change, added): (&mut ImageListChange, &mut Vec<Added>),
) {
    let offered = wanted.offered(series, minor);
    let is_moved_to = minor == wanted.line.minor && minor != wanted.line_before.minor;
    let class = if listed.is_empty() && (minor > wanted.line_before.minor || is_moved_to) {
        ChangeClass::NewMinor
    } else {
        ChangeClass::NewPatch
    };
    let selected = selected_versions(listed, (minor, offered), wanted, class);
    for (index, entry) in listed {
        if wanted.must_leave(entry.version, entry.os.as_ref()) {
            leave(listed, (*index, entry), offered, change);
        } else if !selected.contains(&entry.version) && !wanted.kept.contains(&entry.version) {
            if wanted.policy.retention == Retention::Trim {
                change.remove.push((*index, trim_class(wanted)));
            }
        } else if let Some(image) = choose(offered, entry.version, Some(entry)) {
            if is_another_image(entry, image) {
                change
                    .replace
                    .push((*index, image.clone(), ChangeClass::OsRelease));
            } else {
                change.complete.push((*index, image.clone()));
            }
        }
    }
    let missing = selected
        .iter()
        .filter(|version| !listed.iter().any(|(_, entry)| entry.version == **version));
    added.extend(missing.filter_map(|version| {
        let is_default = wanted.default == Some(*version);
        let class = if is_default && wanted.is_default_blocked() {
            ChangeClass::Removal
        } else if is_default && wanted.moves_os {
            ChangeClass::OsRelease
        } else {
            class
        };
        let image = choose(offered, *version, None)?.clone();
        Some(Added {
            series,
            image,
            class,
        })
    }));
}

/// Returns the versions of a minor that the list is to have of a series.
fn selected_versions(
    listed: &[(usize, &ImageListEntry)],
    (minor, offered): (Minor, &[NodeImage]),
    wanted: &Wanted<'_>,
    class: ChangeClass,
) -> BTreeSet<KubernetesVersion> {
    // What does not come in makes nothing leave.
    let entering = offered.iter().filter(|_| wanted.policy.wants(class));
    // What leaves makes room for another.
    let is_offered = |version| offered.iter().any(|image| image.version == version);
    let stays = |entry: &ImageListEntry| {
        !wanted.must_leave(entry.version, entry.os.as_ref()) || is_offered(entry.version)
    };
    let known: BTreeSet<_> = listed
        .iter()
        .filter(|(_, entry)| stays(entry))
        .map(|(_, entry)| entry.version)
        .chain(entering.map(|image| image.version))
        .filter(|version| !wanted.banned.contains(version))
        .collect();
    let mut selected = select(&known, minor, wanted.policy.images);
    // A default is always listed.
    let of_minor = KubernetesVersion::new(minor, 0)..=KubernetesVersion::new(minor, u32::MAX);
    let defaults = wanted.kept.range(of_minor);
    selected.extend(defaults.filter(|kept| !wanted.banned.contains(kept)));
    selected
}

/// A blocked image makes room for another one of its version, or leaves.
fn leave(
    listed: &[(usize, &ImageListEntry)],
    (index, entry): (usize, &ImageListEntry),
    offered: &[NodeImage],
    change: &mut ImageListChange,
) {
    let same_version = listed
        .iter()
        .filter(|(_, other)| other.version == entry.version);
    let is_alone = same_version.count() == 1;
    match choose(offered, entry.version, None).filter(|_| is_alone) {
        Some(image) => {
            let image = (index, image.clone(), ChangeClass::Removal);
            change.replace.push(image);
        }
        None => change.remove.push((index, ChangeClass::Removal)),
    }
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
    offered: &'i [NodeImage],
    version: KubernetesVersion,
    listed: Option<&ImageListEntry>,
) -> Option<&'i NodeImage> {
    let of_version = || offered.iter().filter(|image| image.version == version);
    let same = |image: &&NodeImage| match listed {
        Some(ImageListEntry { url: Some(url), .. }) => image.url == *url,
        Some(ImageListEntry { os: Some(os), .. }) => image.os.as_ref() == Some(os),
        Some(_) | None => false,
    };
    of_version().find(same).or_else(|| of_version().next_back())
}

/// Tells whether a listed image and the offered one of the same version are not the same.
pub(crate) fn is_another_image(entry: &ImageListEntry, image: &NodeImage) -> bool {
    let other_url = entry.url.as_ref().is_some_and(|url| *url != image.url);
    let other_sum = matches!((&entry.sha256, &image.sha256), (Some(listed), Some(offered)) if listed != offered);
    let other_os = entry.url.is_none()
        && matches!((&entry.os, &image.os), (Some(listed), Some(offered)) if listed != offered);
    other_url || other_sum || other_os
}

/// Finds places for new images. Where every entry of a series leaves, the first ones turn into the new images instead.
fn place(listing: &Listing<'_>, mut added: Vec<Added>, change: &mut ImageListChange) {
    change.remove.sort_unstable_by_key(|(index, _)| *index);
    if change.remove.len() == listing.entries.len() && added.is_empty() {
        // A list of nothing could not be written, and the next entry would have nothing to be shaped after.
        change.remove.clear();
        return;
    }
    let order = Order::of(listing);
    added.sort_by_key(|added| (added.image.version, added.series));
    if order.is_descending {
        added.reverse();
    }
    let mut last: Vec<(Option<SeriesId>, usize)> = Vec::new();
    let leaving: HashSet<usize> = change.remove.iter().map(|(at, _)| *at).collect();
    for series in listing.all_series() {
        let leaves = listing
            .of(series)
            .all(|(index, _)| leaving.contains(&index));
        if leaves && let Some(index) = turn(listing, series, &mut added, change) {
            last.push((series, index));
        }
    }
    for added in added {
        let turned = last.iter().find(|(series, _)| *series == added.series);
        let insert = match turned {
            Some((_, index)) => Some(Insert {
                at: index + 1,
                like: *index,
                image: added.image,
                class: added.class,
            }),
            None => order.find(listing, added, change),
        };
        change.insert.extend(insert);
    }
    replace_first(listing, change);
}

/// Lets the leaving entries of a series turn into its new images, as many as there are of both; returns the last that did.
fn turn(
    listing: &Listing<'_>,
    series: Option<SeriesId>,
    added: &mut Vec<Added>,
    change: &mut ImageListChange,
) -> Option<usize> {
    let own: Vec<usize> = listing.of(series).map(|(index, _)| index).collect();
    let mut last = None;
    for index in own {
        let Some(next) = added.iter().position(|added| added.series == series) else {
            break;
        };
        let new = added.remove(next);
        change.remove.retain(|(at, _)| *at != index);
        change.replace.push((index, new.image, new.class));
        last = Some(index);
    }
    last
}

/// The order of a list.
struct Order {
    /// Whether the newest come first.
    is_descending: bool,
    /// Whether the series stand one after the other instead of version by version.
    is_by_series: bool,
}

impl Order {
    fn of(listing: &Listing<'_>) -> Self {
        let several = listing.all_series().len() > 1;
        let versions = listing.entries.iter().map(|entry| entry.version);
        let is_ascending = versions.clone().is_sorted();
        let is_descending = versions.rev().is_sorted() && !is_ascending;
        let own_descending = listing.all_series().into_iter().all(|series| {
            let own = listing.of(series).map(|(_, entry)| entry.version);
            let own: Vec<KubernetesVersion> = own.collect();
            own.len() > 1 && own.windows(2).all(|pair| pair[0] > pair[1])
        });
        let is_by_series = several && !is_ascending && !is_descending;
        Self {
            is_descending: is_descending || (is_by_series && own_descending),
            is_by_series,
        }
    }

    /// Finds the place of an image, and an entry of its series that stays and that it can be shaped after.
    fn find(
        &self,
        listing: &Listing<'_>,
        added: Added,
        change: &ImageListChange,
    ) -> Option<Insert> {
        let version = added.image.version;
        let is_own = |index: usize| listing.series[index] == added.series;
        let before = |index: usize| {
            let listed = listing.entries[index].version;
            // Images of one version stand in the order of their series.
            let beside = listed == version && !is_own(index);
            if self.is_descending {
                listed > version || beside
            } else {
                listed < version || beside
            }
        };
        let all = 0..listing.entries.len();
        let counts = |index: &usize| !self.is_by_series || is_own(*index);
        let place = all
            .clone()
            .rev()
            .find(|index| counts(index) && before(*index));
        let first_own = || all.clone().find(|index| is_own(*index)).unwrap_or(0);
        let at = match place {
            Some(index) => index + 1,
            None if self.is_by_series => first_own(),
            None => 0,
        };
        let stays = |index: &usize| is_own(*index) && !change.leaves(*index);
        let above = (0..at).rev().find(stays);
        let like = above.or_else(|| all.clone().find(stays))?;
        Some(Insert {
            at,
            like,
            image: added.image,
            class: added.class,
        })
    }
}

/// New images before a first entry that leaves take its place, as nothing is shaped after what is not there.
fn replace_first(listing: &Listing<'_>, change: &mut ImageListChange) {
    let of_first = |insert: &Insert| {
        insert.at == 0 && listing.series.get(insert.like) == listing.series.first()
    };
    let first = change.insert.iter().position(of_first);
    let (Some(first), Some((0, _))) = (first, change.remove.first()) else {
        return;
    };
    change.remove.remove(0);
    let insert = change.insert.remove(first);
    change.replace.push((0, insert.image, insert.class));
    for insert in &mut change.insert {
        insert.at = insert.at.max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::stack::series::SeriesSet;
    use crate::version::StackLine;

    fn image(version: &str, os: &str) -> NodeImage {
        NodeImage {
            version: version.parse().unwrap(),
            os: Some(os.parse().unwrap()),
            url: format!("https://images.example.org/{os}-kube-{version}.qcow2"),
            sha256: Some("a".repeat(64).parse().unwrap()),
            sha512: None,
            digest: None,
            built: None,
            size: None,
        }
    }

    fn entries(versions: &[&str]) -> Vec<ImageListEntry> {
        let entry = |version: &&str| {
            let image = image(version, "ubuntu-2404");
            ImageListEntry {
                line: 1,
                version: image.version,
                name: (*version).to_owned(),
                os: image.os,
                url: Some(image.url),
                sha256: image.sha256,
                sha512: None,
                has_weak_sum: false,
                built: None,
            }
        };
        versions.iter().map(entry).collect()
    }

    /// A list and what is done with it: the default moves from v1.34.1 to the version given.
    struct Case<'c> {
        policy: Policy,
        scope: ImageListScope,
        default: &'c str,
        listed: &'c [&'c str],
        offered: &'c [&'c str],
    }

    impl Case<'_> {
        fn change(&self) -> ImageListChange {
            let images: Vec<NodeImage> = self
                .offered
                .iter()
                .map(|v| image(v, "ubuntu-2404"))
                .collect();
            let line: StackLine = "openstack-scs-1-34".parse().unwrap();
            let default: KubernetesVersion = self.default.parse().unwrap();
            let of = |minor: Minor| {
                let start = images.partition_point(|image| image.version.minor() < minor);
                let end = images.partition_point(|image| image.version.minor() <= minor);
                (minor, &images[start..end])
            };
            let minors = ["1.33", "1.34", "1.35"].map(|minor| minor.parse().unwrap());
            let series = SeriesSet::default();
            let wanted = Wanted {
                line: StackLine {
                    minor: default.minor(),
                    ..line.clone()
                },
                line_before: line,
                default: Some(default),
                default_before: Some("v1.34.1".parse().unwrap()),
                series: &series,
                images: Vec::new(),
                common: minors.map(of).into(),
                rows: std::collections::BTreeMap::new(),
                charts: std::collections::BTreeMap::new(),
                chart_places: std::collections::BTreeMap::new(),
                kept: [default].into(),
                dropped: BTreeSet::new(),
                banned: BTreeSet::new(),
                next_version: None,
                newest_release: None,
                reach: super::super::wanted::Reach::Tree,
                has_csctl: true,
                moves_os: false,
                policy: &self.policy,
            };
            let entries = entries(self.listed);
            let listing = Listing::new("list.yaml", &entries, &wanted);
            reconcile(&listing, &wanted, self.scope)
        }

        /// The list as it reads then.
        fn after(&self) -> Vec<String> {
            let change = self.change();
            let mut after = Vec::new();
            for index in 0..=self.listed.len() {
                let here = change.insert.iter().filter(|insert| insert.at == index);
                after.extend(here.map(|insert| insert.image.version.to_string()));
                let Some(version) = self.listed.get(index) else {
                    continue;
                };
                let replaced = change.replace.iter().find(|(at, _, _)| *at == index);
                if let Some((_, image, _)) = replaced {
                    after.push(image.version.to_string());
                } else if !change.remove.iter().any(|(at, _)| *at == index) {
                    after.push((*version).to_owned());
                }
            }
            after
        }
    }

    fn case<'c>(images: &str, listed: &'c [&'c str], offered: &'c [&'c str]) -> Case<'c> {
        Case {
            policy: Policy {
                images: images.parse().unwrap(),
                ..Policy::default()
            },
            scope: ImageListScope::AllMinors,
            default: "v1.34.1",
            listed,
            offered,
        }
    }

    #[test]
    fn new_images_take_the_place_their_order_gives_them() {
        let offered = ["v1.33.2", "v1.34.0", "v1.34.2", "v1.34.4"];
        let ascending = case("all", &["v1.34.1", "v1.34.3"], &offered);
        assert_eq!(
            ascending.after(),
            [
                "v1.33.2", "v1.34.0", "v1.34.1", "v1.34.2", "v1.34.3", "v1.34.4"
            ]
        );
        let descending = case("all", &["v1.34.3", "v1.34.1"], &offered);
        assert_eq!(
            descending.after(),
            [
                "v1.34.4", "v1.34.3", "v1.34.2", "v1.34.1", "v1.34.0", "v1.33.2"
            ]
        );
    }

    #[test]
    fn a_trimmed_list_keeps_the_default_and_what_nothing_replaces() {
        let offered = ["v1.34.2", "v1.34.3"];
        let listed = ["v1.34.0", "v1.34.1"];
        assert_eq!(
            case("newest=2", &listed, &offered).after(),
            ["v1.34.1", "v1.34.2", "v1.34.3"]
        );
        let mut kept = case("newest=2", &listed, &offered);
        kept.policy.retention = Retention::Keep;
        assert_eq!(kept.after(), ["v1.34.0", "v1.34.1", "v1.34.2", "v1.34.3"]);
        let mut removal = case("newest=1", &["v1.33.1", "v1.34.1"], &["v1.33.2"]);
        removal.policy.changes = [ChangeClass::Removal].into();
        assert_eq!(removal.after(), ["v1.33.1", "v1.34.1"]);
    }

    #[test]
    fn a_first_entry_that_leaves_turns_into_the_new_image() {
        let mut moving = case("newest", &["v1.34.1"], &["v1.34.2"]);
        moving.default = "v1.34.2";
        assert_eq!(moving.change().replace.len(), 1);
        assert_eq!(moving.after(), ["v1.34.2"]);
        let mut first = case("newest", &["v1.34.1", "v1.33.0"], &["v1.34.2"]);
        first.default = "v1.34.2";
        assert!(first.change().insert.is_empty() && first.change().remove.is_empty());
        assert_eq!(first.after(), ["v1.34.2", "v1.33.0"]);
    }

    #[test]
    fn an_image_uploaded_again_is_another_image_and_waits() {
        let mut again = case("all", &["v1.34.1"], &["v1.34.1"]);
        let mut listed = entries(&["v1.34.1"]);
        listed[0].sha256 = Some("b".repeat(64).parse().unwrap());
        assert!(is_another_image(
            &listed[0],
            &image("v1.34.1", "ubuntu-2404")
        ));
        assert_eq!(again.change().complete.len(), 1);
        again.policy.changes = [ChangeClass::OsRelease].into();
        assert!(again.change().replace.is_empty());
    }

    #[test]
    fn scopes_say_which_minors_a_list_is_about() {
        let offered = ["v1.33.2", "v1.34.2", "v1.35.2"];
        let with = |scope, default, listed| {
            let mut case = case("all", listed, &offered);
            (case.scope, case.default) = (scope, default);
            case.after()
        };
        let (one, listed) = (ImageListScope::OneMinor, ImageListScope::ListedMinors);
        assert_eq!(with(one, "v1.34.2", &["v1.34.1"]), ["v1.34.1", "v1.34.2"]);
        assert_eq!(with(one, "v1.35.2", &["v1.34.1"]), ["v1.35.2"]);
        assert_eq!(with(listed, "v1.35.2", &["v1.34.1"]), ["v1.35.2"]);
        assert_eq!(
            with(listed, "v1.35.2", &["v1.33.1", "v1.34.1"]),
            ["v1.33.1", "v1.33.2", "v1.34.1", "v1.34.2", "v1.35.2"]
        );
    }

    #[test]
    fn a_listed_image_keeps_its_operating_system_and_a_new_one_has_the_newest() {
        let offered = ["ubuntu-2204", "ubuntu-2404"].map(|os| image("v1.34.1", os));
        let version = offered[0].version;
        let mut listed = entries(&["v1.34.1"]).remove(0);
        listed.url = Some(offered[0].url.clone());
        assert_eq!(choose(&offered, version, Some(&listed)), Some(&offered[0]));
        assert_eq!(choose(&offered, version, None), Some(&offered[1]));
    }
}

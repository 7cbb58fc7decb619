//! What should happen to a list of node images: the difference between what it holds and what it should hold. It knows
//! versions and images, not the text they are written in.

use std::collections::BTreeSet;

use super::facts::RosterEntry;
use super::wanted::Wanted;
use crate::catalog::{ImagePattern, NameDate, NodeImage};
use crate::policy::{ChangeClass, ImageList, Retention};
use crate::version::{KubernetesVersion, Minor, OsRelease};

/// Which minors a list of node images is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RosterScope {
    /// The minor its source tree is set to: the list is released with the stack.
    OneMinor,
    /// All minors: the list is for the cloud's image service.
    AllMinors,
    /// The minors it speaks of already, and that of its source tree: the list is what clusters of the stack may run.
    ListedMinors,
}

/// What should happen to a list. Indices are those of the list as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RosterChange {
    /// Images to insert, each before the entry with that index; the length of the list means at its end.
    pub insert: Vec<(usize, NodeImage, ChangeClass)>,
    /// Entries to remove.
    pub remove: Vec<(usize, ChangeClass)>,
    /// Entries to turn into another image.
    pub replace: Vec<(usize, NodeImage, ChangeClass)>,
    /// Entries of an unchanged image that may lack facts known of it.
    pub complete: Vec<(usize, NodeImage)>,
}

impl RosterChange {
    /// Returns the versions of the list as it will be, in no order.
    pub(super) fn versions_after(&self, entries: &[RosterEntry]) -> Vec<KubernetesVersion> {
        let goes = |index: usize| {
            let replaced = self.replace.iter().any(|(at, _, _)| *at == index);
            replaced || self.remove.iter().any(|(at, _)| *at == index)
        };
        let stay = (0..entries.len()).filter(|index| !goes(*index));
        let come = self.insert.iter().chain(&self.replace);
        stay.map(|index| entries[index].version)
            .chain(come.map(|(_, image, _)| image.version))
            .collect()
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
            return match read.date {
                Some(date) => pattern.dated_url(image.version, os, date_of(image, date)),
                None => pattern.url(image.version, os).unwrap_or(image.url.clone()),
            };
        }
        let text = text.replace(&self.version.plain(), &image.version.plain());
        match (self.os, &image.os) {
            (Some(before), Some(after)) => text.replace(&before.to_string(), &after.to_string()),
            (Some(_) | None, Some(_) | None) => text,
        }
    }
}

/// Returns the day that an image's names carry: that of its URL, else the day it was built in the spelling there was.
fn date_of(image: &NodeImage, before: NameDate) -> NameDate {
    let read = ImagePattern::read_url(&image.url).ok();
    let own = read.and_then(|read| read.date);
    own.or_else(|| Some(before.on(image.built?)))
        .unwrap_or(before)
}

/// Works out what should happen to a list of node images.
pub(super) fn reconcile(
    entries: &[RosterEntry],
    wanted: &Wanted<'_>,
    scope: RosterScope,
) -> RosterChange {
    let mut change = RosterChange::default();
    let mut added: Vec<(NodeImage, ChangeClass)> = Vec::new();
    let minors = minors_in_scope(entries, wanted, scope);
    let stays_in_line = scope == RosterScope::OneMinor || follows_one_minor(entries, wanted, scope);
    for (index, entry) in entries.iter().enumerate() {
        let minor = entry.version.minor();
        if stays_in_line && minor != wanted.line.minor {
            change.remove.push((index, ChangeClass::NewMinor));
        } else if !stays_in_line && wanted.dropped.contains(&minor) {
            change.remove.push((index, ChangeClass::Removal));
        }
    }
    for minor in minors {
        reconcile_minor(entries, minor, wanted, &mut change, &mut added);
    }
    change
        .remove
        .retain(|(_, class)| wanted.policy.wants(*class));
    added.retain(|(_, class)| wanted.policy.wants(*class));
    change
        .replace
        .retain(|(_, _, class)| wanted.policy.wants(*class));
    place(entries, added, &mut change);
    change
}

/// Returns the minors whose entries are compared with what the store offers.
fn minors_in_scope(
    entries: &[RosterEntry],
    wanted: &Wanted<'_>,
    scope: RosterScope,
) -> BTreeSet<Minor> {
    let offered = wanted
        .offered
        .keys()
        .copied()
        .filter(|minor| !wanted.dropped.contains(minor));
    match scope {
        RosterScope::AllMinors => offered.collect(),
        RosterScope::OneMinor => [wanted.line.minor].into(),
        RosterScope::ListedMinors if follows_one_minor(entries, wanted, scope) => {
            [wanted.line.minor].into()
        }
        RosterScope::ListedMinors => {
            let listed =
                |minor: &Minor| entries.iter().any(|entry| entry.version.minor() == *minor);
            offered
                .filter(|minor| listed(minor) || *minor == wanted.line.minor)
                .collect()
        }
    }
}

/// A list that speaks of the source tree's minor alone moves with it to another minor.
fn follows_one_minor(entries: &[RosterEntry], wanted: &Wanted<'_>, scope: RosterScope) -> bool {
    scope == RosterScope::ListedMinors
        && entries
            .iter()
            .all(|entry| entry.version.minor() == wanted.line_before.minor)
}

fn reconcile_minor(
    entries: &[RosterEntry],
    minor: Minor,
    wanted: &Wanted<'_>,
    change: &mut RosterChange,
    added: &mut Vec<(NodeImage, ChangeClass)>,
) {
    let offered = wanted.offered.get(&minor).copied().unwrap_or_default();
    let listed = || {
        entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.version.minor() == minor)
    };
    let is_new = !entries.iter().any(|entry| entry.version.minor() == minor);
    let is_moved_to = minor == wanted.line.minor && minor != wanted.line_before.minor;
    let class = if is_new && (minor > wanted.line_before.minor || is_moved_to) {
        ChangeClass::NewMinor
    } else {
        ChangeClass::NewPatch
    };
    // What may not enter makes nothing leave.
    let entering = offered.iter().filter(|_| wanted.policy.wants(class));
    // What leaves makes room for another.
    let is_offered = |version| offered.iter().any(|image| image.version == version);
    let stays = |entry: &RosterEntry| {
        !wanted.must_leave(entry.version, entry.os.as_ref()) || is_offered(entry.version)
    };
    let known: BTreeSet<_> = listed()
        .filter(|(_, entry)| stays(entry))
        .map(|(_, entry)| entry.version)
        .chain(entering.map(|image| image.version))
        .filter(|version| !wanted.banned.contains(version))
        .collect();
    let mut selected = select(&known, minor, wanted.policy.images);
    // A default is always listed.
    let defaults = wanted.kept.iter().filter(|kept| kept.minor() == minor);
    selected.extend(defaults.filter(|kept| !wanted.banned.contains(kept)));
    for (index, entry) in listed() {
        if wanted.must_leave(entry.version, entry.os.as_ref()) {
            leave(entries, (index, offered), change);
        } else if !selected.contains(&entry.version) && !wanted.kept.contains(&entry.version) {
            if wanted.policy.retention == Retention::Trim {
                change.remove.push((index, trim_class(wanted)));
            }
        } else if let Some(image) = choose(offered, entry.version, Some(entry)) {
            if is_another_image(entry, image) {
                change
                    .replace
                    .push((index, image.clone(), ChangeClass::OsRelease));
            } else {
                change.complete.push((index, image.clone()));
            }
        }
    }
    let missing = selected
        .iter()
        .filter(|version| !listed().any(|(_, entry)| entry.version == **version));
    added.extend(missing.filter_map(|version| {
        let replaces = wanted.is_default_blocked() && wanted.default == Some(*version);
        let class = if replaces {
            ChangeClass::Removal
        } else {
            class
        };
        Some((choose(offered, *version, None)?.clone(), class))
    }));
}

/// A blocked image makes room for another one of its version, or leaves.
fn leave(
    entries: &[RosterEntry],
    (index, offered): (usize, &[NodeImage]),
    change: &mut RosterChange,
) {
    let version = entries[index].version;
    let is_alone = entries
        .iter()
        .filter(|entry| entry.version == version)
        .count()
        == 1;
    match choose(offered, version, None).filter(|_| is_alone) {
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
    policy: ImageList,
) -> BTreeSet<KubernetesVersion> {
    match policy {
        ImageList::Newest(count) => known.iter().rev().take(count).copied().collect(),
        ImageList::From(floor) if floor.minor() == minor => known.range(floor..).copied().collect(),
        // A floor says nothing of other minors.
        ImageList::All | ImageList::From(_) => known.clone(),
    }
}

/// Chooses among the images of a version: that of the entry where it is listed, else the last, which is that of the newest
/// operating system, or of the preferred one.
pub(crate) fn choose<'i>(
    offered: &'i [NodeImage],
    version: KubernetesVersion,
    listed: Option<&RosterEntry>,
) -> Option<&'i NodeImage> {
    let of_version = || offered.iter().filter(|image| image.version == version);
    let same = |image: &&NodeImage| match listed {
        Some(RosterEntry { url: Some(url), .. }) => image.url == *url,
        Some(RosterEntry { os: Some(os), .. }) => image.os.as_ref() == Some(os),
        Some(_) | None => false,
    };
    of_version().find(same).or_else(|| of_version().next_back())
}

/// Tells whether a listed image and the offered one of the same version are not the same.
pub(crate) fn is_another_image(entry: &RosterEntry, image: &NodeImage) -> bool {
    let other_url = entry.url.as_ref().is_some_and(|url| *url != image.url);
    let other_sum = matches!((&entry.sha256, &image.sha256), (Some(listed), Some(offered)) if listed != offered);
    let other_os = entry.url.is_none()
        && matches!((&entry.os, &image.os), (Some(listed), Some(offered)) if listed != offered);
    other_url || other_sum || other_os
}

/// Finds places for new images. Where every entry leaves, the first ones turn into the new images instead.
fn place(
    entries: &[RosterEntry],
    mut added: Vec<(NodeImage, ChangeClass)>,
    change: &mut RosterChange,
) {
    let descending = entries.len() > 1
        && entries
            .windows(2)
            .all(|pair| pair[0].version > pair[1].version);
    added.sort_by_key(|(image, _)| image.version);
    if descending {
        added.reverse();
    }
    change.remove.sort_unstable_by_key(|(index, _)| *index);
    if change.remove.len() == entries.len() && added.is_empty() {
        // A list of nothing could not be written, and the next entry would have nothing to be shaped after.
        change.remove.clear();
        return;
    }
    if change.remove.len() == entries.len() {
        let pairs = change.remove.len().min(added.len());
        for ((index, _), (image, class)) in change.remove.drain(..pairs).zip(added.drain(..pairs)) {
            change.replace.push((index, image, class));
        }
        change.insert.extend(
            added
                .into_iter()
                .map(|(image, class)| (entries.len(), image, class)),
        );
        return;
    }
    for (image, class) in added {
        let before = |entry: &RosterEntry| {
            if descending {
                entry.version > image.version
            } else {
                entry.version < image.version
            }
        };
        let at = entries
            .iter()
            .rposition(before)
            .map_or(0, |index| index + 1);
        change.insert.push((at, image, class));
    }
    replace_first(change);
}

/// New images before a first entry that leaves take its place, as nothing is shaped after what is not there.
fn replace_first(change: &mut RosterChange) {
    let first = change.insert.iter().position(|(at, _, _)| *at == 0);
    let (Some(first), Some((0, _))) = (first, change.remove.first()) else {
        return;
    };
    change.remove.remove(0);
    change.replace.push(change.insert.remove(first));
    for (at, _, _) in &mut change.insert {
        *at = (*at).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
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

    fn entries(versions: &[&str]) -> Vec<RosterEntry> {
        let entry = |version: &&str| {
            let image = image(version, "ubuntu-2404");
            RosterEntry {
                line: 1,
                version: image.version,
                name: (*version).to_owned(),
                os: image.os,
                url: Some(image.url),
                sha256: image.sha256,
                built: None,
            }
        };
        versions.iter().map(entry).collect()
    }

    /// A list and what is done with it: the default moves from v1.34.1 to the version given.
    struct Case<'c> {
        policy: Policy,
        scope: RosterScope,
        default: &'c str,
        listed: &'c [&'c str],
        offered: &'c [&'c str],
    }

    impl Case<'_> {
        fn change(&self) -> RosterChange {
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
            let wanted = Wanted {
                line: StackLine {
                    minor: default.minor(),
                    ..line.clone()
                },
                line_before: line,
                default: Some(default),
                default_before: Some("v1.34.1".parse().unwrap()),
                default_image: None,
                offered: minors.map(of).into(),
                rows: std::collections::BTreeMap::new(),
                charts: std::collections::BTreeMap::new(),
                kept: [default].into(),
                dropped: BTreeSet::new(),
                banned: BTreeSet::new(),
                next_version: None,
                is_shared: false,
                is_lists_alone: false,
                has_csctl: true,
                policy: &self.policy,
            };
            reconcile(&entries(self.listed), &wanted, self.scope)
        }

        /// The list as it reads then.
        fn after(&self) -> Vec<String> {
            let change = self.change();
            let mut after = Vec::new();
            for index in 0..=self.listed.len() {
                let here = change.insert.iter().filter(|(at, _, _)| *at == index);
                after.extend(here.map(|(_, image, _)| image.version.to_string()));
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
            scope: RosterScope::AllMinors,
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
        let (one, listed) = (RosterScope::OneMinor, RosterScope::ListedMinors);
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

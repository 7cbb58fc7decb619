//! Which version becomes the default of a source tree, and with which image. Nothing goes down unasked; what is blocked leaves.

use std::collections::BTreeSet;

use super::Target;
use crate::catalog::NodeImage;
use crate::plan::facts::OsMove;
use crate::policy::{ChangeClass, Pin};
use crate::stack::{
    ImageListEntry, NamedImage, SeriesId, SourceTree, choose_image, select_versions,
};
use crate::version::{KubernetesVersion, Minor};

impl<'a> Target<'a> {
    /// Returns the newest version that a store has of a minor, allowed or not.
    pub(in crate::plan) fn newest(&self, minor: Minor) -> Option<KubernetesVersion> {
        let images = self.available.unfiltered(minor);
        images.map(|image| image.version).max()
    }

    /// Returns the versions of a minor that may be used and that the list policy names.
    pub(in crate::plan) fn selected(&self, minor: Minor) -> BTreeSet<KubernetesVersion> {
        let images = self.available.of_minor(minor).iter();
        let versions = images.map(|image| image.version).collect();
        select_versions(&versions, minor, self.input.policy.images)
    }

    /// Returns the newest of them that is old enough for a default.
    pub(in crate::plan) fn newest_default(&self, minor: Minor) -> Option<KubernetesVersion> {
        let selected = self.selected(minor).into_iter();
        selected
            .rev()
            .find(|version| self.available.is_mature(*version))
    }

    /// Returns the newest of them that a source tree can have as its default, as far as is known before its files are edited.
    pub(in crate::plan) fn newest_for(
        &self,
        tree: &SourceTree,
        minor: Minor,
    ) -> Option<KubernetesVersion> {
        let selected = self.selected(minor).into_iter().rev();
        let mut mature = selected.filter(|version| self.available.is_mature(*version));
        mature.find(|version| self.can_be_default(tree, *version))
    }

    /// Tells whether all images of a source tree can follow its default to a version.
    pub(in crate::plan) fn can_be_default(
        &self,
        tree: &SourceTree,
        version: KubernetesVersion,
    ) -> bool {
        !self.limits.excludes(&tree.directory, version) && self.new_os(tree, version).is_none()
    }

    /// Returns the operating-system releases before and after, where a version would put a source tree's images on another one
    /// that is not wanted. A newer one is a change of its own, made when it is asked for, and an older one never is; another
    /// minor brings its own release.
    pub(in crate::plan) fn new_os(
        &self,
        tree: &SourceTree,
        version: KubernetesVersion,
    ) -> Option<OsMove> {
        let step = self.os_move(tree, version)?;
        let is_wanted = self.input.wishes.asks_for(ChangeClass::OsRelease) && !step.is_lower();
        (!is_wanted).then_some(step)
    }

    /// Returns the operating-system releases before and after, where a version would put a source tree's images on another one.
    pub(in crate::plan) fn os_move(
        &self,
        tree: &SourceTree,
        version: KubernetesVersion,
    ) -> Option<OsMove> {
        // Another minor brings its own system, and the version that is the default stays so on whichever one.
        let stays = tree
            .default
            .filter(|stays| tree.minor == Some(version.minor()) && *stays != version)?;
        // What takes the place of a blocked version may be on any system: the block cannot wait for the class of change.
        if self.must_leave(stays) {
            return None;
        }
        let references: Vec<NamedImage<'_>> = self.named_images(tree).collect();
        let series: BTreeSet<SeriesId> =
            references.iter().filter_map(|found| found.series).collect();
        series.into_iter().find_map(|id| {
            let mut named = references.iter();
            let of_default = named.find(|found| found.series == Some(id) && found.version == stays);
            // What the files name comes first: the store may have the default's image on another system by now.
            let before = match of_default.and_then(|found| found.os.clone()) {
                Some(os) => os,
                None => self.default_image(tree, id, stays)?.os.clone()?,
            };
            let images = self.available.of_series(id, version.minor()).iter();
            let of_version: Vec<_> = images.filter(|image| image.version == version).collect();
            if of_version
                .iter()
                .any(|image| image.os.as_ref() == Some(&before))
            {
                return None;
            }
            // Of the images of one version, the preferred one is last.
            let after = of_version.last()?.os.clone()?;
            Some(OsMove { before, after })
        })
    }

    /// Finds the pin of a minor's default.
    pub(in crate::plan) fn pin(&self, minor: Minor) -> Option<&'a Pin> {
        self.input.policy.find_pin(minor, self.input.catalog.as_of)
    }

    /// Returns the version a minor's default is pinned to, where there is an image of it.
    pub(in crate::plan) fn pinned(&self, minor: Minor) -> Option<KubernetesVersion> {
        let version = self.pin(minor)?.version;
        let mut images = self.available.of_minor(minor).iter();
        let mut entries = self.stack.image_entries();
        // The stack's own list is enough, where the store gives no answer or has the image no more.
        let is_there = images.any(|image| image.version == version)
            || entries.any(|entry| entry.version == version);
        (is_there && self.available.blocked().version(version).is_none()).then_some(version)
    }

    /// Returns what takes the place of a default that is blocked: the newest that may be used, else the newest that is listed.
    /// It may be lower, as the block asks for it.
    pub(in crate::plan) fn replacement(&self, minor: Minor) -> Option<KubernetesVersion> {
        self.pinned(minor)
            .or_else(|| self.newest_default(minor))
            .or_else(|| self.newest_listed(minor))
    }

    /// Returns the newest version of a minor in image lists that is not blocked, and not known to be too young.
    fn newest_listed(&self, minor: Minor) -> Option<KubernetesVersion> {
        let entries = self.stack.image_entries();
        let blocked = self.available.blocked();
        entries
            .filter(|entry| entry.version.minor() == minor)
            .filter(|entry| blocked.image(entry.version, entry.os.as_ref()).is_none())
            .map(|entry| entry.version)
            .filter(|version| {
                let published = self.input.catalog.find_published(*version);
                // Unlike elsewhere, a day that nobody knows holds nothing: the blocked default has to go somewhere.
                published.is_none() || self.available.is_mature(*version)
            })
            .max()
    }

    /// Tells whether a version is blocked and blocks are followed.
    pub(in crate::plan) fn must_leave(&self, version: KubernetesVersion) -> bool {
        let is_blocked = self.available.blocked().version(version).is_some();
        is_blocked && self.input.wishes.wants(ChangeClass::Removal)
    }

    /// Chooses the default's image of a series: the one that the tree names already, else one on the operating system that its
    /// images have now, else the newest.
    pub(in crate::plan) fn default_image(
        &self,
        tree: &SourceTree,
        series: SeriesId,
        version: KubernetesVersion,
    ) -> Option<&'a NodeImage> {
        let images = self.available.of_series(series, version.minor());
        let references: Vec<NamedImage<'_>> = self
            .named_images(tree)
            .filter(|reference| reference.series == Some(series))
            .collect();
        let same = references
            .iter()
            .find(|reference| reference.version == version);
        let known = match same {
            Some(reference) => Some(reference.entry()),
            None => self.listed_entry(tree, series, version).cloned(),
        };
        let mut standing = references
            .iter()
            .filter_map(|reference| reference.os.as_ref());
        // An image that the files name for this very version counts more than the system of the others.
        let on_standing_os = standing.next().filter(|_| known.is_none()).and_then(|os| {
            let mut of_version = images.iter().filter(|image| image.version == version);
            of_version.find(|image| image.os.as_ref() == Some(os))
        });
        let chosen = on_standing_os.or_else(|| choose_image(images, version, known.as_ref()));
        // Where the store says nothing, the stack's own files may: a block cannot wait.
        let leaves = tree.default.is_some_and(|before| self.must_leave(before));
        let own = self.available.named(version.minor());
        let of_version = own.filter(|image| leaves && image.version == version);
        chosen.or_else(|| of_version.last())
    }

    /// Returns the images that values of a source tree name.
    pub(in crate::plan) fn named_images<'t>(
        &'t self,
        tree: &'t SourceTree,
    ) -> impl Iterator<Item = NamedImage<'t>> {
        let files = tree.files.iter();
        files.flat_map(|file| file.named_images(&self.stack.series))
    }

    /// Finds a version of a series in the image lists of a source tree.
    fn listed_entry<'t>(
        &self,
        tree: &'t SourceTree,
        series: SeriesId,
        version: KubernetesVersion,
    ) -> Option<&'t ImageListEntry> {
        let image_lists = tree.files.iter().flat_map(|file| file.image_lists());
        let mut entries = image_lists.flat_map(|image_list| {
            let entries = image_list.entries.iter();
            entries.map(move |entry| (image_list, entry))
        });
        let (_, entry) = entries.find(|(image_list, entry)| {
            let of_place = self.stack.series.of_place(&image_list.file, entry.line);
            entry.version == version && of_place == Some(series)
        })?;
        Some(entry)
    }

    /// The default that a source tree will have: where its tests are not green, the one it has, unless that is blocked.
    pub(in crate::plan) fn default(
        &self,
        tree: &SourceTree,
        minor: Minor,
    ) -> Option<KubernetesVersion> {
        let has_to_leave = tree.default.is_some_and(|current| self.must_leave(current));
        // A tree that is set to another minor was let through by its tests before.
        if tree.minor == Some(minor) && self.find_untested(minor).is_some() && !has_to_leave {
            return tree.default;
        }
        self.tested_default(tree, minor)
    }

    /// The newest listed patch that is old enough, proved by the store; never lower than it is, unless another minor is asked
    /// for, it is pinned, or it is blocked.
    pub(in crate::plan) fn tested_default(
        &self,
        tree: &SourceTree,
        minor: Minor,
    ) -> Option<KubernetesVersion> {
        let newest = self.newest_for(tree, minor);
        match tree.default.filter(|_| tree.minor == Some(minor)) {
            // Where nothing may take its place it stays, and `proof` makes a fault of that.
            Some(current) if self.must_leave(current) => self.replacement(minor).or(Some(current)),
            // Before the pin: a pin moves nothing either, where no class of change that moves a default is wanted.
            Some(current) if !self.wants_default_to_move(tree, newest) => Some(current),
            Some(current) if self.pin(minor).is_some() => {
                let pinned = self.pinned(minor);
                let possible = pinned.filter(|version| self.can_be_default(tree, *version));
                Some(possible.unwrap_or(current))
            }
            // A default that is newer than all that is known stays: going down is asked for by a pin or a block alone.
            Some(current) => Some(newest.map_or(current, |newest| newest.max(current))),
            None => self.pinned(minor).or(newest),
        }
    }

    /// Tells whether the classes of change that are wanted let a default move to a version.
    pub(in crate::plan) fn wants_default_to_move(
        &self,
        tree: &SourceTree,
        newest: Option<KubernetesVersion>,
    ) -> bool {
        let wishes = self.input.wishes;
        if wishes.wants(ChangeClass::NewPatch) {
            return true;
        }
        wishes.wants(ChangeClass::OsRelease) && self.moves_os(tree, newest)
    }

    /// Tells whether a default would go to a version that is on another operating system alone, within its minor.
    pub(in crate::plan) fn moves_os(
        &self,
        tree: &SourceTree,
        default: Option<KubernetesVersion>,
    ) -> bool {
        default.is_some_and(|version| self.os_move(tree, version).is_some())
    }
}

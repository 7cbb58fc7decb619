//! Which version becomes the default of a source tree, and with which image. Nothing goes down unasked; what is blocked leaves.

use std::collections::BTreeSet;

use super::Target;
use crate::catalog::NodeImage;
use crate::plan::facts::OsMove;
use crate::policy::{ChangeClass, Pin};
use crate::stack::{
    ImageListEntry, NamedImage, SeriesId, SourceFile, SourceTree, choose_image, select_versions,
};
use crate::version::{KubernetesVersion, Minor};

impl<'a> Target<'a> {
    /// Returns the newest version that a store offers of a minor, allowed or not.
    pub(in crate::plan) fn newest(&self, minor: Minor) -> Option<KubernetesVersion> {
        let offered = self.available.unfiltered(minor);
        offered.map(|image| image.version).max()
    }

    /// Returns the versions of a minor that may be used and that the list policy names.
    pub(in crate::plan) fn selected(&self, minor: Minor) -> BTreeSet<KubernetesVersion> {
        let offered = self.offered(minor).iter().map(|image| image.version);
        select_versions(&offered.collect(), minor, self.input.policy.images)
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
        let is_wanted = |step: &OsMove| {
            let asks = self.input.wishes.asks_for(ChangeClass::OsRelease);
            asks && !step.is_lower()
        };
        self.os_move(tree, version).filter(|step| !is_wanted(step))
    }

    /// Returns the operating-system releases before and after, where a version would put a source tree's images on another one.
    pub(in crate::plan) fn os_move(
        &self,
        tree: &SourceTree,
        version: KubernetesVersion,
    ) -> Option<OsMove> {
        let stays = tree
            .default
            .filter(|stays| tree.minor == Some(version.minor()) && *stays != version)?;
        if self.must_leave(stays) {
            return None;
        }
        let references: Vec<NamedImage<'_>> = tree
            .files
            .iter()
            .flat_map(|file| file.named_images(&self.stack.series))
            .collect();
        let series: BTreeSet<SeriesId> =
            references.iter().filter_map(|found| found.series).collect();
        series.into_iter().find_map(|id| {
            let stated = || {
                let mut own = references.iter();
                let of_default =
                    own.find(|found| found.series == Some(id) && found.version == stays);
                of_default?.os.clone()
            };
            // What the files name comes first: the store may have the default's image on another system by now.
            let stored = || self.default_image(tree, id, stays)?.os.clone();
            let before = stated().or_else(stored)?;
            let images = self.available.of_series(id, version.minor());
            let of_version = || images.iter().filter(|image| image.version == version);
            if of_version().any(|image| image.os.as_ref() == Some(&before)) {
                return None;
            }
            let after = of_version().next_back()?.os.clone()?;
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
        let names = |image: &NodeImage| image.version == version;
        let is_there = self.offered(minor).iter().any(names) || self.is_listed(version);
        (is_there && self.available.blocked().version(version).is_none()).then_some(version)
    }

    pub(in crate::plan) fn is_listed(&self, version: KubernetesVersion) -> bool {
        let image_lists = self.stack.files().flat_map(SourceFile::image_lists);
        let mut entries = image_lists.flat_map(|image_list| &image_list.entries);
        entries.any(|entry| entry.version == version)
    }

    /// Returns what takes the place of a default that is blocked: the newest that may be used, else the newest that is listed.
    /// It may be lower, as the block asks for it.
    pub(in crate::plan) fn replacement(&self, minor: Minor) -> Option<KubernetesVersion> {
        let is_young = |version: &KubernetesVersion| {
            let published = self.input.catalog.find_published(*version).is_some();
            published && !self.available.is_mature(*version)
        };
        let listed = || {
            let image_lists = self.stack.files().flat_map(SourceFile::image_lists);
            let entries = image_lists.flat_map(|image_list| &image_list.entries);
            let stays = |entry: &&ImageListEntry| {
                let blocked = self.available.blocked();
                entry.version.minor() == minor
                    && blocked.image(entry.version, entry.os.as_ref()).is_none()
            };
            let versions = entries.filter(stays).map(|entry| entry.version);
            versions.filter(|version| !is_young(version)).max()
        };
        self.pinned(minor)
            .or_else(|| self.newest_default(minor))
            .or_else(listed)
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
        let references = || {
            let all = tree
                .files
                .iter()
                .flat_map(|file| file.named_images(&self.stack.series));
            all.filter(|reference| reference.series == Some(series))
        };
        let same = references().find(|reference| reference.version == version);
        let named = same.map(|reference| reference.entry());
        let listed = || {
            let image_lists = tree.files.iter().flat_map(|file| file.image_lists());
            let mut entries = image_lists.flat_map(|image_list| {
                let of_series = |entry: &&ImageListEntry| {
                    self.stack.series.of_place(&image_list.file, entry.line) == Some(series)
                };
                image_list.entries.iter().filter(of_series)
            });
            entries.find(|entry| entry.version == version).cloned()
        };
        let known = named.or_else(listed);
        let found = choose_image(images, version, known.as_ref());
        let standing = || references().find_map(|reference| reference.os);
        let on_standing_os = || {
            let os = standing()?;
            let mut all = images.iter().filter(|image| image.version == version);
            all.find(|image| image.os.as_ref() == Some(&os))
        };
        let chosen = match &known {
            Some(_) => found,
            None => on_standing_os().or(found),
        };
        // Where the store says nothing, the stack's own files may: a block cannot wait.
        let leaves = tree.default.is_some_and(|before| self.must_leave(before));
        let mut own = self.available.named(version.minor());
        let of_version = |image: &&NodeImage| leaves && image.version == version;
        chosen.or_else(|| own.by_ref().filter(of_version).last())
    }

    /// The default that a source tree will have: where its tests are not green, the one it has, unless that is blocked.
    pub(in crate::plan) fn default(
        &self,
        tree: &SourceTree,
        minor: Minor,
    ) -> Option<KubernetesVersion> {
        let has_to_leave = tree.default.is_some_and(|current| self.must_leave(current));
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
            Some(current) if self.must_leave(current) => self.replacement(minor).or(Some(current)),
            Some(current) if !self.wants_default_to_move(tree, newest) => Some(current),
            Some(current) if self.pin(minor).is_some() => {
                let pinned = self.pinned(minor);
                let possible = pinned.filter(|version| self.can_be_default(tree, *version));
                Some(possible.unwrap_or(current))
            }
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

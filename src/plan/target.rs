//! Where a stack should go: its source trees with the state wanted of each. Rules of design: nothing goes down unasked, a minor
//! is switched only when asked, what cannot be proved is held.

use std::collections::{BTreeMap, BTreeSet};

use super::PlanInput;
use super::charts::{self, Charts};
use super::facts::{MissingChart, OsMove};
use super::limits::Limits;
use super::offer::Offer;
use super::release::next_version;
use crate::catalog::NodeImage;
use crate::matrix::minors_of;
use crate::policy::{ChangeClass, EndOfLife, Pin};
use crate::stack::{
    AddonRow, Fact, ImageListEntry, NamedImage, Reach, Reference, SeriesId, SeriesImages,
    SourceFile, SourceTree, Stack, Wanted, choose_image, select_versions,
};
use crate::version::{KubernetesVersion, Minor, StackLine};

/// Where one stack should go.
pub(super) struct Target<'a> {
    pub(super) input: PlanInput<'a>,
    pub(super) stack: &'a Stack,
    pub(super) offer: &'a Offer<'a>,
    /// What earlier attempts have shown to be impossible.
    pub(super) limits: &'a Limits,
    /// The source trees to edit, or to make, or to remove.
    pub(super) moves: Vec<Move<'a>>,
    /// The state wanted of the files beside the source trees.
    pub(super) shared: Option<Wanted<'a>>,
    /// Minors that were looked at.
    pub(super) minors: Vec<Minor>,
    /// Minors that leave.
    pub(super) dropped: BTreeSet<Minor>,
}

/// What becomes of one source tree.
pub(super) enum Move<'a> {
    /// Its files are edited.
    Edit(&'a SourceTree, Box<Wanted<'a>>),
    /// A new source tree is made in this directory, shaped after it.
    Create(&'a SourceTree, String, Box<Wanted<'a>>),
    /// Its directory is removed.
    Remove(&'a SourceTree),
}

impl<'a> Target<'a> {
    /// Works out where a stack should go.
    pub(super) fn new(
        input: PlanInput<'a>,
        stack: &'a Stack,
        offer: &'a Offer<'a>,
        limits: &'a Limits,
    ) -> Self {
        let mut target = Self {
            input,
            stack,
            offer,
            limits,
            moves: Vec::new(),
            shared: None,
            minors: Vec::new(),
            dropped: BTreeSet::new(),
        };
        let mut known = minors_of(stack);
        known.retain(|minor| {
            input.policy.minors.contains(*minor) && input.selection.names_minor(stack, *minor)
        });
        target.dropped = target.dropped_minors(&known);
        known.retain(|minor| target.is_looked_at(*minor) && !target.dropped.contains(minor));
        let asked = input.selection.asked_minor();
        known.extend(asked.filter(|minor| target.is_looked_at(*minor)));
        known.sort_unstable();
        known.dedup();
        target.minors = known;
        target.moves = target.find_moves();
        target.shared = target.wanted_of_shared();
        target
    }

    fn dropped_minors(&self, known: &[Minor]) -> BTreeSet<Minor> {
        let policy = self.input.policy;
        if policy.end_of_life != EndOfLife::Drop || !policy.wants(ChangeClass::Removal) {
            return BTreeSet::new();
        }
        let asked = self.input.selection.asked_minor();
        let trees = &self.stack.trees;
        let per_minor = self.stack.layout.has_directory_per_minor();
        let arrives = asked.is_some_and(|minor| {
            self.can_move_to(minor) && (!per_minor || self.predecessor(minor).is_some())
        });
        let is_only_tree = |minor| trees.len() == 1 && trees[0].minor == Some(minor);
        let stays = |minor| asked == Some(minor) || (!arrives && is_only_tree(minor));
        let ended = known
            .iter()
            .filter(|minor| self.input.catalog.is_end_of_life(**minor));
        let mut dropped: BTreeSet<Minor> = ended.copied().filter(|minor| !stays(*minor)).collect();
        let leaves = |tree: &SourceTree| tree.minor.is_some_and(|m| dropped.contains(&m));
        if per_minor && !arrives && trees.iter().all(leaves) {
            dropped.clear();
        }
        dropped
    }

    /// Returns the source trees that are written, with the state they should have.
    pub(super) fn written(&self) -> impl Iterator<Item = (&'a SourceTree, &Wanted<'a>)> {
        self.moves.iter().filter_map(|step| match step {
            Move::Edit(tree, wanted) | Move::Create(tree, _, wanted) => Some((*tree, &**wanted)),
            Move::Remove(_) => None,
        })
    }

    fn find_moves(&self) -> Vec<Move<'a>> {
        let selection = self.input.selection;
        let mut trees = self.stack.trees.iter().filter(|tree| !tree.is_torn);
        if !self.stack.layout.has_directory_per_minor() {
            let Some(tree) = trees.next() else {
                return Vec::new();
            };
            let minor = match selection.switch_to {
                Some(minor) if self.can_move_to(minor) => Some(minor),
                Some(_) => None,
                None => tree.minor,
            };
            return minor
                .map(|minor| self.edit(tree, minor))
                .into_iter()
                .collect();
        }
        let mut moves: Vec<Move<'a>> = Vec::new();
        for tree in trees {
            let Some(minor) = tree.minor else { continue };
            if self.dropped.contains(&minor) {
                moves.push(Move::Remove(tree));
            } else if self.is_looked_at(minor) {
                moves.push(self.edit(tree, minor));
            }
        }
        moves.extend(selection.asked_minor().and_then(|minor| self.create(minor)));
        moves
    }

    /// Tells whether a source tree can be set to a minor: it is asked for, wanted, and there are an image and the charts that
    /// belong to it. With charts of another minor the tree would contradict itself.
    fn can_move_to(&self, minor: Minor) -> bool {
        let is_there = self.has_tree(minor);
        let wants =
            self.input.policy.wants(ChangeClass::NewMinor) && self.find_untested(minor).is_none();
        let has_image = || self.newest_default(minor).is_some() && !self.limits.is_closed(minor);
        let has_charts = || self.missing_charts(minor).is_empty();
        self.is_looked_at(minor) && (is_there || (wants && has_image() && has_charts()))
    }

    /// Returns why a source tree cannot be set to a minor for its addon charts.
    pub(super) fn missing_charts(&self, minor: Minor) -> Vec<MissingChart> {
        let tree = if self.stack.layout.has_directory_per_minor() {
            self.predecessor(minor)
        } else {
            self.stack.trees.first()
        };
        let missing = tree.map(|tree| charts::decide(self, tree, minor).missing);
        missing.unwrap_or_default().into_values().collect()
    }

    /// Tells whether a source tree is set to a minor.
    pub(super) fn has_tree(&self, minor: Minor) -> bool {
        let mut trees = self.stack.trees.iter();
        trees.any(|tree| tree.minor == Some(minor))
    }

    /// Returns why a minor's default stays where it is, where its tests are not green.
    pub(super) fn find_untested(&self, minor: Minor) -> Option<&'a str> {
        let untested = &self.input.policy.untested;
        let line = |tree: &SourceTree| StackLine {
            provider: tree.provider.clone(),
            name: tree.name.clone(),
            minor,
        };
        let mut trees = self.stack.trees.iter();
        let reason = trees.find_map(|tree| untested.get(&line(tree)));
        reason.map(String::as_str)
    }

    /// Tells whether the policy looks at a minor, and the person who asked does.
    pub(super) fn is_looked_at(&self, minor: Minor) -> bool {
        let is_torn = || {
            let mut trees = self.stack.trees.iter();
            trees.any(|tree| tree.is_torn && tree.minor == Some(minor))
        };
        self.input.policy.minors.contains(minor)
            && self.input.selection.takes_minor(self.stack, minor)
            && !is_torn()
    }

    fn edit(&self, tree: &'a SourceTree, minor: Minor) -> Move<'a> {
        Move::Edit(tree, Box::new(self.wanted(tree, minor)))
    }

    /// Makes a source tree for a minor from that of the newest minor before it.
    fn create(&self, minor: Minor) -> Option<Move<'a>> {
        if self.has_tree(minor) || !self.can_move_to(minor) {
            return None;
        }
        let predecessor = self.predecessor(minor)?;
        let directory = match self.stack.directory.as_str() {
            "" => minor.dashed(),
            above => format!("{above}/{}", minor.dashed()),
        };
        // A copied metadata.yaml would be stale from its first day.
        let wanted = Wanted {
            has_csctl: false,
            ..self.wanted(predecessor, minor)
        };
        Some(Move::Create(predecessor, directory, Box::new(wanted)))
    }

    /// Finds the source tree of the newest minor before this one.
    fn predecessor(&self, minor: Minor) -> Option<&'a SourceTree> {
        let mut trees = self.stack.trees.iter();
        trees.rfind(|tree| tree.minor.is_some_and(|m| m < minor))
    }

    /// Returns an image of each version of a minor that every series has and the policy allows.
    pub(super) fn offered(&self, minor: Minor) -> &'a [NodeImage] {
        self.offer.of_minor(minor)
    }

    /// Returns the newest version that a store offers of a minor, allowed or not.
    pub(super) fn newest(&self, minor: Minor) -> Option<KubernetesVersion> {
        let offered = self.offer.unfiltered(minor);
        offered.map(|image| image.version).max()
    }

    /// Returns the versions of a minor that may be used and that the list policy names.
    pub(super) fn selected(&self, minor: Minor) -> BTreeSet<KubernetesVersion> {
        let offered = self.offered(minor).iter().map(|image| image.version);
        select_versions(&offered.collect(), minor, self.input.policy.images)
    }

    /// Returns the newest of them that is old enough for a default.
    pub(super) fn newest_default(&self, minor: Minor) -> Option<KubernetesVersion> {
        let selected = self.selected(minor).into_iter();
        selected
            .rev()
            .find(|version| self.offer.is_mature(*version))
    }

    /// Returns the newest of them that a source tree can have as its default, as far as is known before its files are edited.
    fn newest_for(&self, tree: &SourceTree, minor: Minor) -> Option<KubernetesVersion> {
        let selected = self.selected(minor).into_iter().rev();
        let mut mature = selected.filter(|version| self.offer.is_mature(*version));
        mature.find(|version| self.can_be_default(tree, *version))
    }

    /// Tells whether all images of a source tree can follow its default to a version.
    fn can_be_default(&self, tree: &SourceTree, version: KubernetesVersion) -> bool {
        !self.limits.excludes(&tree.directory, version) && self.new_os(tree, version).is_none()
    }

    /// Returns the operating-system releases before and after, where a version would put a source tree's images on another one
    /// that is not wanted. A newer one is a change of its own, made when it is asked for, and an older one never is; another
    /// minor brings its own release.
    pub(super) fn new_os(&self, tree: &SourceTree, version: KubernetesVersion) -> Option<OsMove> {
        let is_wanted = |step: &OsMove| {
            let asks = self.input.policy.changes.contains(&ChangeClass::OsRelease);
            asks && !step.is_lower()
        };
        self.os_move(tree, version).filter(|step| !is_wanted(step))
    }

    /// Returns the operating-system releases before and after, where a version would put a source tree's images on another one.
    fn os_move(&self, tree: &SourceTree, version: KubernetesVersion) -> Option<OsMove> {
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
            let image = self.default_image(tree, id, stays);
            let before = image.and_then(|image| image.os.clone()).or_else(stated)?;
            let images = self.offer.of_series(id, version.minor());
            let of_version = || images.iter().filter(|image| image.version == version);
            if of_version().any(|image| image.os.as_ref() == Some(&before)) {
                return None;
            }
            let after = of_version().next_back()?.os.clone()?;
            Some(OsMove { before, after })
        })
    }

    /// Finds the pin of a minor's default.
    pub(super) fn pin(&self, minor: Minor) -> Option<&'a Pin> {
        self.input.policy.find_pin(minor, self.input.catalog.as_of)
    }

    /// Returns the version a minor's default is pinned to, where there is an image of it.
    fn pinned(&self, minor: Minor) -> Option<KubernetesVersion> {
        let version = self.pin(minor)?.version;
        let names = |image: &NodeImage| image.version == version;
        let is_there = self.offered(minor).iter().any(names) || self.is_listed(version);
        (is_there && !self.offer.banned().contains(&version)).then_some(version)
    }

    fn is_listed(&self, version: KubernetesVersion) -> bool {
        let image_lists = self.stack.files().flat_map(SourceFile::image_lists);
        let mut entries = image_lists.flat_map(|image_list| &image_list.entries);
        entries.any(|entry| entry.version == version)
    }

    /// Returns what takes the place of a default that is blocked: the newest that may be used, else the newest that is listed.
    /// It may be lower, as the block asks for it.
    fn replacement(&self, minor: Minor) -> Option<KubernetesVersion> {
        let is_young = |version: &KubernetesVersion| {
            let published = self.input.catalog.find_published(*version).is_some();
            published && !self.offer.is_mature(*version)
        };
        let listed = || {
            let image_lists = self.stack.files().flat_map(SourceFile::image_lists);
            let entries = image_lists.flat_map(|image_list| &image_list.entries);
            let stays = |entry: &&ImageListEntry| {
                let banned = self.offer.banned().contains(&entry.version);
                let policy = self.input.policy;
                entry.version.minor() == minor
                    && !banned
                    && policy
                        .find_block(entry.version, entry.os.as_ref())
                        .is_none()
            };
            let versions = entries.filter(stays).map(|entry| entry.version);
            versions.filter(|version| !is_young(version)).max()
        };
        self.pinned(minor)
            .or_else(|| self.newest_default(minor))
            .or_else(listed)
    }

    /// Tells whether a version is blocked and blocks are followed.
    fn must_leave(&self, version: KubernetesVersion) -> bool {
        self.offer.banned().contains(&version) && self.input.policy.wants(ChangeClass::Removal)
    }

    /// Returns the versions that stay listed: the default, and what the list of versions names after the plan.
    fn kept(
        &self,
        tree: &SourceTree,
        default: Option<KubernetesVersion>,
        rows: &BTreeMap<Minor, AddonRow>,
    ) -> BTreeSet<KubernetesVersion> {
        let standing = tree
            .references()
            .filter_map(|reference| match reference.fact {
                Fact::ListedVersion { version } => Some(version),
                _ => None,
            });
        let moves = self.input.policy.wants(ChangeClass::NewPatch);
        let after = |standing: KubernetesVersion| {
            let row = rows.get(&standing.minor()).filter(|_| moves);
            row.and_then(|row| row.kubernetes).unwrap_or(standing)
        };
        let all = standing.map(after).chain(default);
        all.filter(|version| !self.offer.banned().contains(version))
            .collect()
    }

    fn wanted(&self, tree: &SourceTree, minor: Minor) -> Wanted<'a> {
        let policy = self.input.policy;
        let line_before = StackLine {
            provider: tree.provider.clone(),
            name: tree.name.clone(),
            minor: tree.minor.unwrap_or(minor),
        };
        let line = StackLine {
            minor,
            ..line_before.clone()
        };
        let default = self.default(tree, minor);
        let charts = charts::decide(self, tree, minor);
        let rows = self.rows(tree, (minor, default), &charts);
        let kept = self.kept(tree, default, &rows);
        let common: BTreeMap<Minor, &[NodeImage]> = self
            .edited_minors(minor)
            .map(|minor| (minor, self.offered(minor)))
            .collect();
        let ids = self.stack.series.iter().map(|(id, _)| id);
        let images = ids.map(|id| SeriesImages {
            default: default.and_then(|version| self.default_image(tree, id, version)),
            offered: self
                .edited_minors(minor)
                .map(|minor| (minor, self.offer.of_series(id, minor)))
                .collect(),
        });
        Wanted {
            default,
            default_before: tree.default,
            series: &self.stack.series,
            images: images.collect(),
            common,
            rows,
            charts: charts.versions,
            chart_places: charts.places,
            kept,
            dropped: self.dropped.clone(),
            banned: self.offer.banned().clone(),
            next_version: next_version(self.input.catalog, &line),
            newest_release: self.input.catalog.find_newest_release(&line_before),
            reach: if self.is_looked_at(minor) {
                Reach::Tree
            } else {
                Reach::Lists
            },
            has_csctl: tree.has_csctl(),
            moves_os: self.moves_os(tree, default),
            policy,
            line,
            line_before,
        }
    }

    /// Returns the minors whose entries lists may get or lose.
    fn edited_minors(&self, minor: Minor) -> impl Iterator<Item = Minor> + use<'a, '_> {
        let all: BTreeSet<Minor> = self.minors.iter().copied().chain([minor]).collect();
        all.into_iter().filter(|minor| self.is_looked_at(*minor))
    }

    /// Chooses the default's image of a series: the one that the tree names already, else one on the operating system that its
    /// images have now, else the newest.
    fn default_image(
        &self,
        tree: &SourceTree,
        series: SeriesId,
        version: KubernetesVersion,
    ) -> Option<&'a NodeImage> {
        let images = self.offer.of_series(series, version.minor());
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
        let mut own = self.offer.named(version.minor());
        let of_version = |image: &&NodeImage| leaves && image.version == version;
        chosen.or_else(|| own.by_ref().filter(of_version).last())
    }

    /// The default that a source tree will have: where its tests are not green, the one it has, unless that is blocked.
    fn default(&self, tree: &SourceTree, minor: Minor) -> Option<KubernetesVersion> {
        let has_to_leave = tree.default.is_some_and(|current| self.must_leave(current));
        if tree.minor == Some(minor) && self.find_untested(minor).is_some() && !has_to_leave {
            return tree.default;
        }
        self.tested_default(tree, minor)
    }

    /// The newest listed patch that is old enough, proved by the store; never lower than it is, unless another minor is asked
    /// for, it is pinned, or it is blocked.
    pub(super) fn tested_default(
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
    fn wants_default_to_move(&self, tree: &SourceTree, newest: Option<KubernetesVersion>) -> bool {
        let policy = self.input.policy;
        if policy.wants(ChangeClass::NewPatch) {
            return true;
        }
        policy.wants(ChangeClass::OsRelease) && self.moves_os(tree, newest)
    }

    /// Tells whether a default would go to a version that is on another operating system alone, within its minor.
    fn moves_os(&self, tree: &SourceTree, default: Option<KubernetesVersion>) -> bool {
        default.is_some_and(|version| self.os_move(tree, version).is_some())
    }

    fn rows(
        &self,
        tree: &SourceTree,
        (minor, default): (Minor, Option<KubernetesVersion>),
        charts: &Charts,
    ) -> BTreeMap<Minor, AddonRow> {
        let mut listed: BTreeMap<Minor, KubernetesVersion> = BTreeMap::new();
        for reference in tree.references() {
            if let Fact::ListedVersion { version } = reference.fact {
                listed.entry(version.minor()).or_insert(version);
            }
        }
        let standing = |of: Minor| listed.get(&of).copied();
        let row = |of: Minor| {
            let newest = if of == minor {
                default
            } else {
                self.newest_of_row(of)
            };
            let before = standing(of);
            let kubernetes = match before {
                Some(before) if self.must_leave(before) && of == minor => newest,
                Some(before) if self.must_leave(before) => self
                    .pinned(of)
                    .or_else(|| self.newest_of_row(of))
                    .or_else(|| self.replacement(of)),
                Some(_) | None if of != minor && self.is_row_held(of) => None,
                Some(_) | None if self.pin(of).is_some() && self.find_untested(of).is_none() => {
                    self.pinned(of).or(before)
                }
                // The row of the minor that the tree moves to says what the tree says.
                Some(_) | None if of == minor && tree.minor != Some(minor) => newest.or(before),
                Some(_) | None => newest.max(before),
            };
            let is_asked_for = of == minor || self.input.selection.add == Some(of);
            let add = is_asked_for && standing(of).is_none();
            let listed = charts.listed.get(&of).filter(|_| add);
            AddonRow {
                kubernetes,
                charts: listed.cloned().unwrap_or_default(),
                add,
            }
        };
        self.minors
            .iter()
            .chain([&minor])
            .filter(|of| self.is_looked_at(**of))
            .map(|of| (*of, row(*of)))
            .collect()
    }

    /// Tells whether the row of a minor waits for its tests. One that is blocked cannot wait.
    fn is_row_held(&self, minor: Minor) -> bool {
        let leaves = |reference: &Reference| match reference.fact {
            Fact::ListedVersion { version } => version.minor() == minor && self.must_leave(version),
            _ => false,
        };
        // Few minors wait, and a list may have many rows.
        let mut references = self.stack.files().flat_map(SourceFile::references);
        self.find_untested(minor).is_some() && !references.any(leaves)
    }

    /// The newest version of a minor that may be used and is old enough; the list policy is about lists of images.
    pub(super) fn newest_of_row(&self, minor: Minor) -> Option<KubernetesVersion> {
        let mut versions = self.offered(minor).iter().rev().map(|image| image.version);
        versions.find(|version| self.offer.is_mature(*version))
    }

    fn wanted_of_shared(&self) -> Option<Wanted<'a>> {
        let is_out_of_reach =
            |minor| self.moves.is_empty() && !minors_of(self.stack).contains(&minor);
        let asked = self.input.selection.asked_minor();
        if self.stack.shared.is_empty() || asked.is_some_and(is_out_of_reach) {
            return None;
        }
        let newest = self.moves.iter().rev().find_map(|step| match step {
            Move::Edit(_, wanted) | Move::Create(_, _, wanted) => Some(wanted),
            Move::Remove(_) => None,
        });
        let first = || {
            let tree = self.stack.trees.last()?;
            Some(Box::new(self.wanted(tree, tree.minor?)))
        };
        let mut wanted = *newest.cloned().or_else(first)?;
        for step in &self.moves {
            if let Move::Edit(_, of_tree) | Move::Create(_, _, of_tree) = step {
                wanted.kept.extend(of_tree.default);
            }
        }
        wanted.kept.extend(
            self.stack
                .trees
                .iter()
                .filter(|tree| !self.is_edited(tree))
                .filter_map(|tree| tree.default),
        );
        wanted.reach = Reach::Beside;
        Some(wanted)
    }

    fn is_edited(&self, tree: &SourceTree) -> bool {
        self.moves
            .iter()
            .any(|step| matches!(step, Move::Edit(edited, _) if std::ptr::eq(*edited, tree)))
    }
}

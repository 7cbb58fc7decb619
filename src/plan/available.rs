//! What a stack may use: the images its stores have for each of its series, without those that are blocked, on an operating system
//! that is not followed, or of a minor that has reached its end of life; and the images its own files name. It chooses nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::civil::Date;

use super::PlanInput;
use crate::catalog::{ImageStore, NodeImage};
use crate::matrix::blocked;
use crate::policy::{Blocked, ChangeClass, EndOfLife, Policy};
use crate::stack::{
    Fact, ImageListForm, ImageSeries, ProofKind, SeriesId, SourceFile, Stack, is_complete_image,
};
use crate::version::{KubernetesVersion, Minor};

/// What one stack may use.
pub(super) struct Available<'a> {
    input: PlanInput<'a>,
    stack: &'a Stack,
    /// What it may use of each series.
    series: Vec<AvailableSeries<'a>>,
    /// An image of each version that every series has with all that files ask of it.
    common: Cow<'a, [NodeImage]>,
    /// The images that the stack's files name with their URL, blocked ones too.
    named: Vec<NodeImage>,
    /// What must not be used.
    blocked: Blocked<'a>,
}

/// What one stack may use of one series.
pub(super) struct AvailableSeries<'a> {
    pub(super) series: &'a ImageSeries,
    /// Its image store, as the catalog has it.
    pub(super) store: Option<&'a ImageStore>,
    /// The images that may be used; of one version the preferred one is last.
    allowed: Cow<'a, [NodeImage]>,
}

impl<'a> Available<'a> {
    /// Works out what a stack may use.
    pub(super) fn new(input: PlanInput<'a>, stack: &'a Stack) -> Self {
        let policy = input.policy;
        // Only what takes the place of a blocked version is looked for there, and a list may have many entries.
        let named = if policy.blocked.is_empty() {
            Vec::new()
        } else {
            named_images(stack)
        };
        let mut found = Self {
            input,
            stack,
            series: Vec::new(),
            common: Cow::Borrowed(&[]),
            named,
            blocked: blocked(stack, Some(input.catalog), policy),
        };
        for series in stack.series.all() {
            let pattern = series.store.as_ref();
            let store = pattern.and_then(|pattern| input.catalog.find_store(pattern));
            let all = store.map_or(&[][..], |store| &store.images);
            found.series.push(AvailableSeries {
                series,
                store,
                allowed: found.allowed(series, all),
            });
        }
        found.common = found.common();
        found
    }

    /// Returns what may be used of each series.
    pub(super) fn series(&self) -> &[AvailableSeries<'a>] {
        &self.series
    }

    /// Returns the images of a minor that may be used of a series.
    pub(super) fn of_series(&self, series: SeriesId, minor: Minor) -> &[NodeImage] {
        let own = self.series.get(series.index());
        own.map_or(&[], |own| slice_of(&own.allowed, minor))
    }

    /// Returns an image of each version of a minor that may be used and that every series has.
    pub(super) fn of_minor(&self, minor: Minor) -> &[NodeImage] {
        slice_of(&self.common, minor)
    }

    /// Returns the images of a minor as the stores have them, of all series.
    pub(super) fn unfiltered(&self, minor: Minor) -> impl Iterator<Item = &'a NodeImage> + '_ {
        self.series.iter().flat_map(move |own| {
            let all = own
                .store
                .map_or(&[][..], |store| store.images_of_minor(minor));
            all.iter()
                .filter(|image| own.series.has_os(image.os.as_ref()))
        })
    }

    /// Returns what must not be used.
    pub(super) fn blocked(&self) -> &Blocked<'a> {
        &self.blocked
    }

    /// Returns the images of a minor that files name and that may stay, in no order.
    pub(super) fn named(&self, minor: Minor) -> impl Iterator<Item = &NodeImage> {
        let of_minor = self
            .named
            .iter()
            .filter(move |image| image.version.minor() == minor);
        of_minor.filter(|image| !self.is_blocked(image))
    }

    /// Tells whether a version is old enough for a default. A day that is not known proves nothing, but that an image was built
    /// does.
    pub(super) fn is_mature(&self, version: KubernetesVersion) -> bool {
        let age = self.input.policy.minimum_age;
        // Without an age nothing waits, not even a version whose day nobody knows.
        age.is_zero()
            || self
                .first_day(version)
                .is_some_and(|day| age.first_day(day) <= self.input.catalog.as_of)
    }

    /// Returns the day from which a version is known to have been there.
    fn first_day(&self, version: KubernetesVersion) -> Option<Date> {
        let images = self.of_minor(version.minor()).iter();
        let of_version = images.filter(|image| image.version == version);
        let published = self.input.catalog.find_published(version);
        // No image is built before its release, so that its day claims too little age rather than too much.
        published.or_else(|| of_version.filter_map(|image| image.built).min())
    }

    /// Returns the series that lack a version which others have, each with what it lacks.
    pub(super) fn lacking(&self, version: KubernetesVersion) -> Vec<Lack<'a>> {
        // As in `common`: a series that no store is known of cannot be waited for.
        let sourced = self.series.iter().filter(|own| own.series.store.is_some());
        sourced.filter_map(|own| own.lack(version)).collect()
    }

    /// Returns a minor's images that are held as it has reached its end of life.
    pub(super) fn ended(&self, minor: Minor) -> BTreeSet<KubernetesVersion> {
        let images = self.unfiltered(minor);
        images
            .filter(|image| self.is_held_by_end(image))
            .map(|image| image.version)
            .collect()
    }

    /// Tells whether a minor gets no new images and charts, as it has reached its end of life and nobody asked for it.
    pub(super) fn is_ended(&self, minor: Minor) -> bool {
        let is_asked = self.input.selection.asked_minor() == Some(minor);
        self.input.policy.end_of_life != EndOfLife::Follow
            && self.input.catalog.is_end_of_life(minor)
            && !is_asked
            && !self.must_leave_default(minor)
    }

    /// Tells whether a default of a minor is blocked and leaves: what takes its place may come after the end of life.
    fn must_leave_default(&self, minor: Minor) -> bool {
        let mut defaults = self.stack.trees.iter().filter_map(|tree| tree.default);
        self.input.wishes.wants(ChangeClass::Removal)
            && defaults
                .any(|default| default.minor() == minor && self.blocked.version(default).is_some())
    }

    fn is_held_by_end(&self, image: &NodeImage) -> bool {
        // What the files name already is not new: `endOfLife: keep` lets it stay.
        self.is_ended(image.version.minor()) && !is_named(self.stack, image.version)
    }

    fn allowed(&self, series: &ImageSeries, all: &'a [NodeImage]) -> Cow<'a, [NodeImage]> {
        let policy = self.input.policy;
        let needs = FormNeeds::of(self.stack);
        // Where nothing is left out, the stack shares the catalog's own slice, which may be long.
        if policy.os.is_empty() && all.iter().all(|image| self.allows(series, &needs, image)) {
            return Cow::Borrowed(all);
        }
        let allowed = all
            .iter()
            .filter(|image| self.allows(series, &needs, image));
        let mut ranked: Vec<NodeImage> = allowed.cloned().collect();
        if !policy.os.is_empty() {
            // The sort is stable: images of one rank keep the store's order, in which the newest is last.
            ranked.sort_by_key(|image| (image.version, rank(image, policy)));
        }
        Cow::Owned(ranked)
    }

    fn allows(&self, series: &ImageSeries, needs: &FormNeeds, image: &NodeImage) -> bool {
        series.has_os(image.os.as_ref())
            && self.input.policy.follows_os(image.os.as_ref())
            && !self.is_blocked(image)
            && !self.is_held_by_end(image)
            && needs.allow(image)
    }

    /// Returns an image of each version that every series has.
    fn common(&self) -> Cow<'a, [NodeImage]> {
        // A series without a store has no images of its own, and keeps none from the others.
        let sourced: Vec<&AvailableSeries<'a>> = self
            .series
            .iter()
            .filter(|own| own.series.store.is_some())
            .collect();
        let Some(first) = sourced.first() else {
            return Cow::Borrowed(&[]);
        };
        // A borrowed slice stays borrowed where every series has everything.
        let mut common = first.allowed.clone();
        if !common.iter().all(|image| is_everywhere(&sourced, image)) {
            common
                .to_mut()
                .retain(|image| is_everywhere(&sourced, image));
        }
        common
    }

    /// Tells whether an image must not be used.
    pub(super) fn is_blocked(&self, image: &NodeImage) -> bool {
        self.blocked
            .image(image.version, image.os.as_ref())
            .is_some()
    }
}

/// A series that lacks a version, or a proof of it.
pub(super) struct Lack<'a> {
    /// The series.
    pub(super) series: &'a ImageSeries,
    /// The proof that files ask for and its source does not give; nothing where there is no image.
    pub(super) proof: Option<ProofKind>,
}

impl<'a> AvailableSeries<'a> {
    fn of_version(&self, version: KubernetesVersion) -> impl Iterator<Item = &NodeImage> {
        let images = slice_of(&self.allowed, version.minor()).iter();
        images.filter(move |image| image.version == version)
    }

    /// Tells whether the series has a version, with all that files ask of its images.
    fn has(&self, version: KubernetesVersion) -> bool {
        let mut images = self.of_version(version);
        images.any(|image| self.series.lacking_proof(image).is_none())
    }

    /// Returns what it lacks of a version.
    fn lack(&self, version: KubernetesVersion) -> Option<Lack<'a>> {
        let proof = match self.of_version(version).next() {
            Some(image) => Some(self.series.lacking_proof(image)?),
            None => None,
        };
        let series = self.series;
        Some(Lack { series, proof })
    }
}

/// Tells whether the first series proves an image, and all series have its version.
fn is_everywhere(all: &[&AvailableSeries<'_>], image: &NodeImage) -> bool {
    let mut others = all.iter().skip(1);
    let is_proved = all
        .first()
        .is_some_and(|first| first.series.lacking_proof(image).is_none());
    // The image is one of the first series; the others have images of their own for its version.
    is_proved && others.all(|own| own.has(image.version))
}

/// Images are in the order of their versions, and asked for minor by minor, often.
fn slice_of(images: &[NodeImage], minor: Minor) -> &[NodeImage] {
    let start = images.partition_point(|image| image.version.minor() < minor);
    let length = images[start..].partition_point(|image| image.version.minor() == minor);
    &images[start..start + length]
}

/// Orders the images of one version: the operating system that the policy prefers comes last.
fn rank(image: &NodeImage, policy: &Policy) -> std::cmp::Reverse<usize> {
    let place = policy
        .os
        .iter()
        .position(|os| image.os.as_ref() == Some(os));
    // An image whose system nobody knows may be used, but any that the policy names is preferred.
    std::cmp::Reverse(place.unwrap_or(policy.os.len()))
}

/// Tells whether the stack's files name a version: in a list, as a default or in a row.
fn is_named(stack: &Stack, version: KubernetesVersion) -> bool {
    let mut entries = stack.image_entries();
    let mut references = stack.references();
    stack.trees.iter().any(|tree| tree.default == Some(version))
        || entries.any(|entry| entry.version == version)
        || references.any(|reference| match reference.fact {
            Fact::Kubernetes { version: stated } | Fact::ListedVersion { version: stated } => {
                stated == version
            }
            _ => false,
        })
}

/// What a list of openstack-image-manager needs: a version that clouds do not get from the list must not become a default either.
struct FormNeeds {
    has_list: bool,
    listed: BTreeSet<KubernetesVersion>,
}

impl FormNeeds {
    fn of(stack: &Stack) -> Self {
        let mut needs = Self {
            has_list: false,
            listed: BTreeSet::new(),
        };
        for image_list in stack.files().flat_map(SourceFile::image_lists) {
            needs.has_list |= image_list.form == ImageListForm::ImageManager;
            let entries = image_list.entries.iter();
            needs.listed.extend(entries.map(|entry| entry.version));
        }
        needs
    }

    fn allow(&self, image: &NodeImage) -> bool {
        // A version that is listed already needs no new entry, and so no facts for one.
        !self.has_list || is_complete_image(image) || self.listed.contains(&image.version)
    }
}

/// The images that a stack's files name.
fn named_images(stack: &Stack) -> Vec<NodeImage> {
    let mut named: Vec<NodeImage> = stack.images_with_url().collect();
    // Of one version, the one that says most of itself is last.
    named.sort_by_key(|image| (image.version, image.sha256.is_some(), image.built));
    named
}

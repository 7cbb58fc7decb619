//! What a stack may use: the images its stores offer for each of its series, without those that are blocked, on an operating system
//! that is not followed, or of a minor that has reached its end of life; and the images its own files name. It chooses nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::PlanInput;
use crate::catalog::{ImageStore, NodeImage};
use crate::matrix::blocked;
use crate::policy::{Blocked, ChangeClass, EndOfLife, Policy};
use crate::stack::{
    Fact, ImageListForm, ImageSeries, SeriesId, SourceFile, Stack, is_complete_image,
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
struct AvailableSeries<'a> {
    series: &'a ImageSeries,
    /// Its image store, as the catalog has it.
    store: Option<&'a ImageStore>,
    /// The images that may be used; of one version the preferred one is last.
    allowed: Cow<'a, [NodeImage]>,
}

impl<'a> Available<'a> {
    /// Works out what a stack may use.
    pub(super) fn new(input: PlanInput<'a>, stack: &'a Stack) -> Self {
        let policy = input.policy;
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
            let store = series.store.as_ref();
            let store = store.and_then(|pattern| input.catalog.find_store(pattern));
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

    /// Returns the series with their stores, as the catalog has them.
    pub(super) fn stores(
        &self,
    ) -> impl Iterator<Item = (SeriesId, &'a ImageSeries, Option<&'a ImageStore>)> + '_ {
        let ids = self.stack.series.iter().map(|(id, _)| id);
        ids.zip(&self.series)
            .map(|(id, own)| (id, own.series, own.store))
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

    /// Returns the images of a minor as the stores offer them, of all series.
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
        let known = || {
            let built = self.of_minor(version.minor()).iter();
            let built = built.filter(|image| image.version == version);
            let published = self.input.catalog.find_published(version);
            published.or_else(|| built.filter_map(|image| image.built).min())
        };
        age.is_zero() || known().is_some_and(|day| age.first_day(day) <= self.input.catalog.as_of)
    }

    /// Returns the series that lack a version which others have, each with what it lacks.
    pub(super) fn lacking(&self, version: KubernetesVersion) -> Vec<Lack<'a>> {
        let minor = version.minor();
        let lack = |own: &AvailableSeries<'a>| {
            let mut images = slice_of(&own.allowed, minor)
                .iter()
                .filter(|image| image.version == version);
            let series = own.series;
            match images.next() {
                None => Some(Lack {
                    series,
                    proof: None,
                }),
                Some(image) => series.lacking_proof(image).map(|proof| Lack {
                    series,
                    proof: Some(proof),
                }),
            }
        };
        self.series
            .iter()
            .filter(|own| own.series.store.is_some())
            .filter_map(lack)
            .collect()
    }

    /// Returns a minor's images that are held as it has reached its end of life.
    pub(super) fn ended(&self, minor: Minor) -> BTreeSet<KubernetesVersion> {
        let is_held = |image: &&NodeImage| self.is_held_by_end(image);
        let held = self.unfiltered(minor).filter(is_held);
        held.map(|image| image.version).collect()
    }

    /// Tells whether a minor gets no new images and charts, as it has reached its end of life and nobody asked for it.
    pub(super) fn is_ended(&self, minor: Minor) -> bool {
        let policy = self.input.policy;
        let is_asked = self.input.selection.asked_minor() == Some(minor);
        let has_blocked_default = || {
            let mut defaults = self.stack.trees.iter().filter_map(|tree| tree.default);
            defaults.any(|default| {
                default.minor() == minor
                    && self.blocked.version(default).is_some()
                    && self.input.wishes.wants(ChangeClass::Removal)
            })
        };
        policy.end_of_life != EndOfLife::Follow
            && self.input.catalog.is_end_of_life(minor)
            && !is_asked
            && !has_blocked_default()
    }

    fn is_held_by_end(&self, image: &NodeImage) -> bool {
        self.is_ended(image.version.minor()) && !is_named(self.stack, image.version)
    }

    fn allowed(&self, series: &ImageSeries, all: &'a [NodeImage]) -> Cow<'a, [NodeImage]> {
        let policy = self.input.policy;
        let needed = form_needs(self.stack);
        let is_allowed = |image: &&NodeImage| {
            series.has_os(image.os.as_ref())
                && policy.follows_os(image.os.as_ref())
                && !self.is_blocked(image)
                && !self.is_held_by_end(image)
                && needed.takes(image)
        };
        if policy.os.is_empty() && all.iter().all(|image| is_allowed(&image)) {
            return Cow::Borrowed(all);
        }
        let mut allowed: Vec<NodeImage> = all.iter().filter(is_allowed).cloned().collect();
        if !policy.os.is_empty() {
            allowed.sort_by_key(|image| (image.version, rank(image, policy)));
        }
        Cow::Owned(allowed)
    }

    /// Returns an image of each version that every series has.
    fn common(&self) -> Cow<'a, [NodeImage]> {
        let known: Vec<&AvailableSeries<'a>> = self
            .series
            .iter()
            .filter(|own| own.series.store.is_some())
            .collect();
        let Some((first, others)) = known.split_first() else {
            return Cow::Borrowed(&[]);
        };
        let is_everywhere = |image: &&NodeImage| {
            first.series.lacking_proof(image).is_none()
                && others.iter().all(|own| own.has(image.version))
        };
        if first.allowed.iter().all(|image| is_everywhere(&image)) {
            return first.allowed.clone();
        }
        let common = first.allowed.iter().filter(is_everywhere).cloned();
        Cow::Owned(common.collect())
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
    pub(super) proof: Option<crate::stack::ProofKind>,
}

impl AvailableSeries<'_> {
    /// Tells whether the series has a version, with all that files ask of its images.
    fn has(&self, version: KubernetesVersion) -> bool {
        let mut images = slice_of(&self.allowed, version.minor()).iter();
        images.any(|image| image.version == version && self.series.lacking_proof(image).is_none())
    }
}

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
    std::cmp::Reverse(place.unwrap_or(policy.os.len()))
}

/// Tells whether the stack's files name a version: in a list, as a default or in a row.
fn is_named(stack: &Stack, version: KubernetesVersion) -> bool {
    let mut image_lists = stack.files().flat_map(SourceFile::image_lists);
    let mut references = stack.files().flat_map(SourceFile::references);
    let states = |fact: &Fact| match fact {
        Fact::Kubernetes { version: stated } | Fact::ListedVersion { version: stated } => {
            *stated == version
        }
        _ => false,
    };
    stack.trees.iter().any(|tree| tree.default == Some(version))
        || image_lists.any(|image_list| {
            image_list
                .entries
                .iter()
                .any(|entry| entry.version == version)
        })
        || references.any(|reference| states(&reference.fact))
}

/// What a list of openstack-image-manager needs: a version that clouds do not get from the list must not become a default either.
struct FormNeeds {
    has_list: bool,
    listed: BTreeSet<KubernetesVersion>,
}

fn form_needs(stack: &Stack) -> FormNeeds {
    let image_lists = || stack.files().flat_map(SourceFile::image_lists);
    let has_list = image_lists().any(|image_list| image_list.form == ImageListForm::ImageManager);
    let entries = image_lists().flat_map(|image_list| &image_list.entries);
    FormNeeds {
        has_list,
        listed: entries
            .filter(|_| has_list)
            .map(|entry| entry.version)
            .collect(),
    }
}

impl FormNeeds {
    fn takes(&self, image: &NodeImage) -> bool {
        !self.has_list || is_complete_image(image) || self.listed.contains(&image.version)
    }
}

/// The images that a stack's files name.
fn named_images(stack: &Stack) -> Vec<NodeImage> {
    let mut named = Vec::new();
    for file in stack.files() {
        let entries = file
            .image_lists()
            .iter()
            .flat_map(|image_list| &image_list.entries);
        named.extend(entries.filter_map(|entry| {
            Some(NodeImage {
                os: entry.os.clone(),
                sha256: entry.sha256.clone(),
                sha512: entry.sha512.clone(),
                md5: entry.md5.clone(),
                built: entry.built,
                ..NodeImage::new(entry.version, entry.url.clone()?)
            })
        }));
        named.extend(
            file.references()
                .iter()
                .filter_map(|reference| match &reference.fact {
                    Fact::Image(image) => Some(NodeImage {
                        os: image.os.clone(),
                        sha256: image.sha256.clone(),
                        ..NodeImage::new(image.version, &image.url)
                    }),
                    _ => None,
                }),
        );
    }
    // Of one version, the one that says most of itself is last.
    named.sort_by_key(|image| (image.version, image.sha256.is_some(), image.built));
    named
}

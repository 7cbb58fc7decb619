//! What a stack may use: the images its store offers, without those that are blocked or on an operating system that is not
//! followed, and the images its own files name. It chooses nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::PlanInput;
use crate::catalog::{ImagePattern, ImageStore, NodeImage};
use crate::matrix::store_pattern;
use crate::policy::Policy;
use crate::stack::{Fact, RosterForm, SourceFile, Stack, is_complete_image};
use crate::version::{KubernetesVersion, Minor};

/// What one stack may use.
pub(super) struct Offer<'a> {
    input: PlanInput<'a>,
    /// The pattern of its image store.
    pub(super) pattern: Option<ImagePattern>,
    /// Its image store, as the catalog has it.
    pub(super) store: Option<&'a ImageStore>,
    /// The images that may be used; of one version the preferred one is last.
    allowed: Cow<'a, [NodeImage]>,
    /// The images that the stack's files name with their URL, blocked ones too.
    named: Vec<NodeImage>,
    /// Versions that have to leave: every image of them is blocked.
    banned: BTreeSet<KubernetesVersion>,
}

impl<'a> Offer<'a> {
    /// Works out what a stack may use.
    pub(super) fn new(input: PlanInput<'a>, stack: &Stack) -> Self {
        let policy = input.policy;
        let pattern = store_pattern(stack, input.selection.image_pattern.as_ref());
        let store = pattern
            .as_ref()
            .and_then(|pattern| input.catalog.find_store(pattern));
        let all = store.map_or(&[][..], |store| &store.images);
        let named = if policy.blocked.is_empty() {
            Vec::new()
        } else {
            named_images(stack)
        };
        let mut offer = Self {
            allowed: listable(allowed(all, policy), stack),
            input,
            pattern,
            store,
            named,
            banned: BTreeSet::new(),
        };
        let blocked = policy.blocked.iter().map(|block| block.version);
        offer.banned = blocked
            .filter(|version| offer.is_banned(*version))
            .collect();
        offer
    }

    /// Returns the images of a minor that may be used.
    pub(super) fn of_minor(&self, minor: Minor) -> &[NodeImage] {
        let start = self
            .allowed
            .partition_point(|image| image.version.minor() < minor);
        let length = self.allowed[start..].partition_point(|image| image.version.minor() == minor);
        &self.allowed[start..start + length]
    }

    /// Returns the images of a minor as the store offers them.
    pub(super) fn unfiltered(&self, minor: Minor) -> &'a [NodeImage] {
        self.store.map_or(&[], |store| store.images_of_minor(minor))
    }

    /// Returns the versions that have to leave, as every image of them is blocked.
    pub(super) fn banned(&self) -> &BTreeSet<KubernetesVersion> {
        &self.banned
    }

    /// Returns the images of a minor that files name and that may stay, in no order.
    pub(super) fn named(&self, minor: Minor) -> impl Iterator<Item = &NodeImage> {
        let policy = self.input.policy;
        let of_minor = move |image: &&NodeImage| image.version.minor() == minor;
        let stays = move |image: &&NodeImage| {
            policy
                .find_block(image.version, image.os.as_ref())
                .is_none()
        };
        self.named.iter().filter(of_minor).filter(stays)
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

    /// Tells whether every image of a version is blocked that anybody names.
    fn is_banned(&self, version: KubernetesVersion) -> bool {
        let policy = self.input.policy;
        if policy.find_block(version, None).is_some() {
            return true;
        }
        let offered = self.unfiltered(version.minor()).iter();
        let mut images = offered
            .chain(&self.named)
            .filter(|image| image.version == version)
            .peekable();
        let is_known = images.peek().is_some();
        is_known && images.all(|image| policy.find_block(version, image.os.as_ref()).is_some())
    }
}

fn allowed<'a>(all: &'a [NodeImage], policy: &Policy) -> Cow<'a, [NodeImage]> {
    if policy.blocked.is_empty() && policy.os.is_empty() {
        return Cow::Borrowed(all);
    }
    let is_allowed = |image: &&NodeImage| {
        policy.follows_os(image.os.as_ref())
            && policy
                .find_block(image.version, image.os.as_ref())
                .is_none()
    };
    let mut allowed: Vec<NodeImage> = all.iter().filter(is_allowed).cloned().collect();
    if !policy.os.is_empty() {
        let rank = |image: &NodeImage| {
            let place = policy
                .os
                .iter()
                .position(|os| image.os.as_ref() == Some(os));
            std::cmp::Reverse(place.unwrap_or(policy.os.len()))
        };
        allowed.sort_by_key(|image| (image.version, rank(image)));
    }
    Cow::Owned(allowed)
}

/// Leaves out what an image list of openstack-image-manager could not take: a version that clouds do not get from the list must
/// not become a default either.
fn listable<'a>(images: Cow<'a, [NodeImage]>, stack: &Stack) -> Cow<'a, [NodeImage]> {
    let rosters = || stack.files().flat_map(SourceFile::rosters);
    let has_list = rosters().any(|roster| roster.form == RosterForm::ImageManager);
    if !has_list || images.iter().all(is_complete_image) {
        return images;
    }
    let listed: BTreeSet<KubernetesVersion> = rosters()
        .flat_map(|roster| &roster.entries)
        .map(|entry| entry.version)
        .collect();
    let takes = |image: &NodeImage| is_complete_image(image) || listed.contains(&image.version);
    let mut images = images.into_owned();
    images.retain(takes);
    Cow::Owned(images)
}

/// The images that a stack's files name.
fn named_images(stack: &Stack) -> Vec<NodeImage> {
    let mut named = Vec::new();
    for file in stack.files() {
        let entries = file.rosters().iter().flat_map(|roster| &roster.entries);
        named.extend(entries.filter_map(|entry| {
            Some(NodeImage {
                version: entry.version,
                os: entry.os.clone(),
                url: entry.url.clone()?,
                sha256: entry.sha256.clone(),
                sha512: None,
                digest: None,
                built: entry.built,
                size: None,
            })
        }));
        named.extend(
            SourceFile::sites(file)
                .iter()
                .filter_map(|site| match &site.fact {
                    Fact::Image(image) => Some(NodeImage {
                        version: image.version,
                        os: image.os.clone(),
                        url: image.url.clone(),
                        sha256: image.sha256.clone(),
                        sha512: None,
                        digest: None,
                        built: None,
                        size: None,
                    }),
                    _ => None,
                }),
        );
    }
    // Of one version, the one that says most of itself is last.
    named.sort_by_key(|image| (image.version, image.sha256.is_some(), image.built));
    named
}

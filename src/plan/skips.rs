//! Says what is not done, and why: sources without an answer, images that could not be proved, releases without an image, minors
//! nobody asked for. Each says what to do where something can be done.

use std::collections::BTreeSet;

use super::charts;
use super::examples::example_skips;
use super::facts::{
    FileReason, ImageReason, MinorReason, RebuiltImage, Skip, SkipReason, SkipSubject, SourceReason,
};
use super::target::Target;
use super::waiting::waiting;
use crate::catalog::{FaultyImage, ImagePattern, KubernetesRelease, NodeImage};
use crate::matrix::{StoreState, minors_of, state_of};
use crate::policy::{Addons, ChangeClass};
use crate::stack::{
    ImageList, ImageListEntry, ImageListForm, SourceFile, Unmet, choose_image, is_another_image,
    is_complete_image, unmet_references,
};
use crate::version::{KubernetesVersion, Minor};

/// Returns what a target does not do, and why.
pub(super) fn skips(target: &Target<'_>) -> Vec<Skip> {
    let mut skips = store_skips(target);
    skips.extend(faulty_skips(target));
    skips.extend(unbuilt_skips(target));
    skips.extend(image_skips(target));
    skips.extend(chart_skips(target));
    skips.extend(minor_skips(target));
    skips.extend(waiting(target));
    skips.extend(reference_skips(target));
    skips.extend(example_skips(target));
    skips
}

/// Configured references that say nothing.
fn reference_skips(target: &Target<'_>) -> Vec<Skip> {
    let mut unmet = target.input.discovery.unmatched(target.stack);
    unmet.extend(unmet_references(target.stack));
    unmet.into_iter().map(unmet_skip).collect()
}

fn unmet_skip(unmet: Unmet) -> Skip {
    Skip::new(
        SkipSubject::Reference(unmet.reference),
        SkipReason::File(FileReason::ReferenceUnmet {
            reason: unmet.reason,
        }),
    )
}

/// Tells whether anything in the stack follows node images: a version in full, or a list.
pub(super) fn follows_images(target: &Target<'_>) -> bool {
    let states_version = target.stack.trees.iter().any(|tree| tree.default.is_some());
    let is_asked = target.input.selection.asked_minor().is_some();
    states_version || target.stack.image_entries().next().is_some() || is_asked
}

/// Stores that answered and have nothing.
fn store_skips(target: &Target<'_>) -> Vec<Skip> {
    if !follows_images(target) {
        return Vec::new();
    }
    let catalog = target.input.catalog;
    let mut skips = Vec::new();
    for pattern in stores(target) {
        let store = catalog.find_store(pattern);
        for minor in &target.minors {
            let is_empty = store.is_none_or(|store| store.images_of_minor(*minor).is_empty());
            // A store that gave no answer is among what is unknown.
            if is_empty && state_of(catalog, pattern, *minor) == StoreState::Answered {
                skips.push(Skip::new(
                    SkipSubject::NodeImages(vec![*minor]),
                    SkipReason::Source(SourceReason::NoImages {
                        store: pattern.base_or_name().to_string(),
                    }),
                ));
            }
        }
    }
    skips
}

/// Returns the stores of the stack's series, each once.
pub(super) fn stores<'t>(target: &'t Target<'_>) -> Vec<&'t ImagePattern> {
    let mut stores: Vec<&ImagePattern> = Vec::new();
    for own in target.available.series() {
        let store = own.series.store.as_ref();
        stores.extend(store.filter(|store| !stores.contains(store)));
    }
    stores
}

/// Tells whether a store of the stack gave no answer for a minor.
fn is_unreachable(target: &Target<'_>, minor: Minor) -> bool {
    let mut stores = stores(target).into_iter();
    stores.any(|store| state_of(target.input.catalog, store, minor) == StoreState::Unreachable)
}

/// Returns the images in the stack's stores that cannot be proved.
fn faulty<'t>(target: &'t Target<'_>) -> impl Iterator<Item = &'t FaultyImage> {
    let stores = target.available.series().iter().filter_map(|own| own.store);
    stores.flat_map(|store| &store.faulty)
}

fn faulty_skips(target: &Target<'_>) -> Vec<Skip> {
    let looked_at = faulty(target).filter(|image| target.minors.contains(&image.version.minor()));
    looked_at
        .map(|image| {
            Skip::new(
                SkipSubject::version(image.version),
                SkipReason::Image(ImageReason::ImageFaulty {
                    reason: image.reason.clone(),
                }),
            )
        })
        .collect()
}

/// Kubernetes releases newer than any image, one skip per minor.
fn unbuilt_skips(target: &Target<'_>) -> Vec<Skip> {
    let listed = target.stack.image_entries().map(|entry| entry.version);
    // That an image is faulty is told by itself, and what a list names had an image once.
    let known: BTreeSet<KubernetesVersion> = faulty(target)
        .map(|image| image.version)
        .chain(listed)
        .collect();
    let blocked = target.available.blocked();
    let mut skips = Vec::new();
    for minor in &target.minors {
        let Some(newest) = target.newest(*minor) else {
            continue;
        };
        // There may be an image in the store that gave no answer.
        if is_unreachable(target, *minor) {
            continue;
        }
        let releases = target.input.catalog.releases_of(*minor);
        let newer = releases.filter(|release| release.version > newest);
        let unbuilt = newer.filter(|release| {
            !known.contains(&release.version) && blocked.version(release.version).is_none()
        });
        skips.extend(unbuilt_skip(&unbuilt.collect::<Vec<_>>()));
    }
    skips
}

/// Tells of the releases of a minor that have no image, in one skip.
fn unbuilt_skip(releases: &[&KubernetesRelease]) -> Option<Skip> {
    let (first, last) = (releases.first()?, releases.last()?);
    let is_one = first.version == last.version;
    let subject = if is_one {
        SkipSubject::version(first.version)
    } else {
        SkipSubject::Releases(first.version, last.version)
    };
    let reason = ImageReason::NoImageYet {
        first: first.published,
        last: (!is_one).then_some(last.published),
    };
    Some(Skip::new(subject, SkipReason::Image(reason)))
}

/// Listed images that are not what the store has, and images that a list cannot take.
fn image_skips(target: &Target<'_>) -> Vec<Skip> {
    let listed = listed_entries(target)
        .filter(|(_, entry)| target.minors.contains(&entry.version.minor()))
        .filter_map(|(image_list, entry)| {
            let reason = listed_reason(target, image_list, entry)?;
            Some(image_skip(entry.version, reason))
        });
    listed.chain(incomplete_skips(target)).collect()
}

/// Returns why a listed image stays as it is, where the store has another one or the list lacks a fact.
fn listed_reason(
    target: &Target<'_>,
    image_list: &ImageList,
    entry: &ImageListEntry,
) -> Option<ImageReason> {
    let series = target.stack.series.of_place(&image_list.file, entry.line);
    let minor = entry.version.minor();
    let images = match series {
        Some(series) => target.available.of_series(series, minor),
        None => target.available.of_minor(minor),
    };
    let image = choose_image(images, entry.version, Some(entry))?;
    // A blocked image is told as blocked, whichever image the store has now.
    let blocked = target.available.blocked();
    if blocked.image(entry.version, entry.os.as_ref()).is_some() {
        return None;
    }
    if is_another_image(entry, image) && !target.input.wishes.wants(ChangeClass::OsRelease) {
        let title = target.stack.title();
        let words = format!("plan {title} --change os-release");
        let rebuilt = if target.input.policy.follows_os(entry.os.as_ref()) {
            rebuilt_image(entry, image)
        } else {
            RebuiltImage::Unfollowed {
                listed: entry.os.clone(),
                available: image.os.clone(),
            }
        };
        return Some(ImageReason::RebuiltImage {
            image: rebuilt,
            command: target.input.selection.command(&words),
        });
    }
    let lacks_day = entry.built.is_none() && image.built.is_none();
    (image_list.form == ImageListForm::ImageManager && lacks_day)
        .then_some(ImageReason::NoBuildDate)
}

/// Images that a list of openstack-image-manager cannot take.
fn incomplete_skips<'t>(target: &'t Target<'_>) -> impl Iterator<Item = Skip> + 't {
    let listed: BTreeSet<KubernetesVersion> = target
        .stack
        .image_entries()
        .map(|entry| entry.version)
        .collect();
    let for_manager = listed_entries(target)
        .any(|(image_list, _)| image_list.form == ImageListForm::ImageManager);
    let minors = target.minors.iter().filter(move |_| for_manager);
    minors
        .flat_map(|minor| target.available.unfiltered(*minor))
        .filter(move |image| !listed.contains(&image.version) && !is_complete_image(image))
        .map(|image| image_skip(image.version, ImageReason::IncompleteImage))
}

fn image_skip(version: KubernetesVersion, reason: ImageReason) -> Skip {
    Skip::new(SkipSubject::version(version), SkipReason::Image(reason))
}

fn rebuilt_image(entry: &ImageListEntry, image: &NodeImage) -> RebuiltImage {
    match (&entry.url, &image.os) {
        (Some(url), _) if *url != image.url => RebuiltImage::Moved {
            url: image.url.clone(),
        },
        (None, Some(os)) => RebuiltImage::OnOs(os.clone()),
        (Some(_) | None, _) => RebuiltImage::Uploaded { built: image.built },
    }
}

/// Returns the entries of all lists, each with its list.
fn listed_entries<'t>(
    target: &'t Target<'_>,
) -> impl Iterator<Item = (&'t ImageList, &'t ImageListEntry)> {
    let image_lists = target.stack.files().flat_map(SourceFile::image_lists);
    image_lists.flat_map(|image_list| {
        image_list
            .entries
            .iter()
            .map(move |entry| (image_list, entry))
    })
}

/// Addon charts that do not go on. Where charts are left alone, that is nothing to speak of.
fn chart_skips(target: &Target<'_>) -> Vec<Skip> {
    if target.input.policy.addons == Addons::Leave {
        return Vec::new();
    }
    target
        .written()
        .flat_map(|(tree, wanted)| {
            charts::decide(target.chart_scope(), tree, wanted.line.minor).skips
        })
        .collect()
}

/// A minor that the store has and nobody asked for, or one that was asked for and cannot be had.
fn minor_skips(target: &Target<'_>) -> Vec<Skip> {
    // Who asks for one minor does not need to hear of others.
    if let Some(asked) = target.input.selection.asked_minor() {
        return asked_skip(target, asked).into_iter().collect();
    }
    let stores = target.available.series().iter().filter_map(|own| own.store);
    let available: BTreeSet<Minor> = stores
        .flat_map(|store| &store.images)
        .map(|image| image.version.minor())
        .filter(|minor| target.is_looked_at(*minor))
        .filter(|minor| !target.available.of_minor(*minor).is_empty())
        .collect();
    let known = minors_of(target.stack);
    let newer: Vec<Minor> = match known.last() {
        Some(newest) => available
            .into_iter()
            .filter(|minor| minor > newest)
            .collect(),
        None => Vec::new(),
    };
    let Some((next, further)) = newer.split_first() else {
        return Vec::new();
    };
    // A layout with a directory per minor gets a new one; another is set to the minor.
    let option = if target.stack.layout.has_directory_per_minor() {
        "--add"
    } else {
        "--switch"
    };
    let title = target.stack.title();
    let selection = target.input.selection;
    vec![minor_skip(
        *next,
        MinorReason::NewMinor {
            images: target.available.of_minor(*next).len(),
            further: further.to_vec(),
            command: selection.command(&format!("plan {title} {option} {next}")),
        },
    )]
}

/// A minor that was asked for and cannot be had.
fn asked_skip(target: &Target<'_>, asked: Minor) -> Option<Skip> {
    // What keeps it back is said elsewhere.
    if target.minors.is_empty() || target.find_untested(asked).is_some() {
        return None;
    }
    let mut written = target.written();
    let has_row = written.any(|(_, wanted)| wanted.rows.contains_key(&asked));
    let is_moved = target
        .written()
        .any(|(_, wanted)| wanted.line.minor == asked);
    let wants_tree =
        target.input.selection.switch_to.is_some() || target.stack.layout.has_directory_per_minor();
    if is_moved || (has_row && !wants_tree) {
        return None;
    }
    if let Some(fault) = target.limits.closed.get(&asked) {
        return Some(minor_skip(asked, MinorReason::MinorClosed(fault.clone())));
    }
    let missing = target.missing_charts(asked);
    let reason = if target.newest_default(asked).is_some() && !missing.is_empty() {
        MinorReason::MinorWithoutCharts(missing)
    } else if target.available.unfiltered(asked).next().is_some() {
        MinorReason::MinorUnusable
    } else {
        MinorReason::MinorWithoutImage
    };
    Some(minor_skip(asked, reason))
}

fn minor_skip(minor: Minor, reason: MinorReason) -> Skip {
    Skip::new(SkipSubject::minor(minor), SkipReason::Minor(reason))
}

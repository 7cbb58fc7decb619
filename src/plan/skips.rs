//! Says what is not done, and why: sources without an answer, images that could not be proved, releases without an image, minors
//! nobody asked for. Each says what to do where something can be done.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::charts;
use super::examples::example_skips;
use super::facts::{
    FileReason, ImageReason, MinorReason, RebuiltImage, Skip, SkipReason, SourceReason, Subject,
};
use super::target::{Move, Target};
use super::waiting::waiting;
use crate::catalog::{ImagePattern, NodeImage};
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
        Subject::Reference(unmet.reference),
        SkipReason::File(FileReason::ReferenceUnmet {
            reason: unmet.reason,
        }),
    )
}

/// Tells whether anything in the stack follows node images: a version in full, or a list.
pub(super) fn follows_images(target: &Target<'_>) -> bool {
    let states_version = target.stack.trees.iter().any(|tree| tree.default.is_some());
    let is_asked = target.input.selection.asked_minor().is_some();
    states_version || entries(target).next().is_some() || is_asked
}

/// Stores that answered and have nothing.
fn store_skips(target: &Target<'_>) -> Vec<Skip> {
    if !follows_images(target) {
        return Vec::new();
    }
    let stores = stores(target);
    let mut skips = Vec::new();
    for pattern in stores {
        let store = target.input.catalog.find_store(pattern);
        let is_empty = |minor: &Minor| {
            store.is_none_or(|store| store.images_of_minor(*minor).is_empty())
                && state_of(target.input.catalog, pattern, *minor) == StoreState::Answered
        };
        for minor in target.minors.iter().filter(|minor| is_empty(minor)) {
            skips.push(Skip::new(
                Subject::NodeImages(vec![*minor]),
                SkipReason::Source(SourceReason::NoImages {
                    store: pattern.base_or_name().to_string(),
                }),
            ));
        }
    }
    skips
}

/// Returns the stores of the stack's series, each once.
pub(super) fn stores<'t>(target: &'t Target<'_>) -> Vec<&'t ImagePattern> {
    let mut stores: Vec<&ImagePattern> = Vec::new();
    for (_, series, _) in target.available.stores() {
        if let Some(store) = series
            .store
            .as_ref()
            .filter(|store| !stores.contains(store))
        {
            stores.push(store);
        }
    }
    stores
}

/// Tells whether a store of the stack gave no answer for a minor.
fn is_unreachable(target: &Target<'_>, minor: Minor) -> bool {
    let mut stores = target.available.stores();
    stores.any(|(_, series, _)| {
        let state = series
            .store
            .as_ref()
            .map(|pattern| state_of(target.input.catalog, pattern, minor));
        state == Some(StoreState::Unreachable)
    })
}

fn faulty_skips(target: &Target<'_>) -> Vec<Skip> {
    let stores = target.available.stores().filter_map(|(_, _, store)| store);
    let faulty = stores.flat_map(|store| &store.faulty);
    let looked_at = faulty.filter(|image| target.minors.contains(&image.version.minor()));
    looked_at
        .map(|image| {
            Skip::new(
                Subject::version(image.version),
                SkipReason::Image(ImageReason::ImageFaulty {
                    reason: image.reason.clone(),
                }),
            )
        })
        .collect()
}

/// Kubernetes releases newer than any image, one skip per minor. Where the store gave no answer there may be an image.
fn unbuilt_skips(target: &Target<'_>) -> Vec<Skip> {
    let is_unknown = |minor: &Minor| is_unreachable(target, *minor);
    let listed: BTreeSet<KubernetesVersion> =
        entries(target).map(|(_, entry)| entry.version).collect();
    let faulty = |version| {
        let stores = target.available.stores().filter_map(|(_, _, store)| store);
        let mut all = stores.flat_map(|store| &store.faulty);
        all.any(|image| image.version == version)
    };
    let mut waiting: BTreeMap<Minor, Vec<_>> = BTreeMap::new();
    for release in &target.input.catalog.kubernetes {
        let minor = release.version.minor();
        let newest = target
            .newest(minor)
            .filter(|_| target.minors.contains(&minor) && !is_unknown(&minor));
        let is_newer = newest.is_some_and(|newest| newest < release.version);
        if target
            .available
            .blocked()
            .version(release.version)
            .is_some()
        {
            continue;
        }
        if is_newer && !listed.contains(&release.version) && !faulty(release.version) {
            waiting
                .entry(minor)
                .or_default()
                .push((release.version, release.published));
        }
    }
    waiting.into_values().filter_map(unbuilt_skip).collect()
}

/// Tells of the releases of a minor that have no image, in one skip.
fn unbuilt_skip(mut releases: Vec<(KubernetesVersion, Date)>) -> Option<Skip> {
    releases.sort_unstable();
    let (first, first_day) = *releases.first()?;
    let (last, last_day) = *releases.last()?;
    let subject = if first == last {
        Subject::version(first)
    } else {
        Subject::Releases(first, last)
    };
    let reason = ImageReason::NoImageYet {
        first: first_day,
        last: (first != last).then_some(last_day),
    };
    Some(Skip::new(subject, SkipReason::Image(reason)))
}

/// Listed images that are not what the store has, and images that a list cannot take.
fn image_skips(target: &Target<'_>) -> Vec<Skip> {
    let mut skips = Vec::new();
    let asks = target.input.wishes.wants(ChangeClass::OsRelease);
    for (image_list, entry) in
        listed_entries(target).filter(|(_, entry)| target.minors.contains(&entry.version.minor()))
    {
        let form = image_list.form;
        let series = target.stack.series.of_place(&image_list.file, entry.line);
        let minor = entry.version.minor();
        let offered = match series {
            Some(series) => target.available.of_series(series, minor),
            None => target.offered(minor),
        };
        let Some(image) = choose_image(offered, entry.version, Some(entry)) else {
            continue;
        };
        let blocked = target.available.blocked();
        if blocked.image(entry.version, entry.os.as_ref()).is_some() {
            continue;
        }
        if is_another_image(entry, image) && !asks {
            let title = target.stack.title();
            let command = target.input.selection;
            let command = command.command(&format!("plan {title} --change os-release"));
            let image = if target.input.policy.follows_os(entry.os.as_ref()) {
                rebuilt_image(entry, image)
            } else {
                RebuiltImage::Unfollowed {
                    listed: entry.os.clone(),
                    offered: image.os.clone(),
                }
            };
            skips.push(image_skip(
                entry.version,
                ImageReason::RebuiltImage { image, command },
            ));
        } else if form == ImageListForm::ImageManager
            && entry.built.is_none()
            && image.built.is_none()
        {
            skips.push(image_skip(entry.version, ImageReason::NoBuildDate));
        }
    }
    let listed: BTreeSet<KubernetesVersion> =
        entries(target).map(|(_, entry)| entry.version).collect();
    let for_manager = entries(target).any(|(form, _)| form == ImageListForm::ImageManager);
    for image in target
        .minors
        .iter()
        .flat_map(|minor| target.available.unfiltered(*minor))
    {
        if for_manager && !listed.contains(&image.version) && !is_complete_image(image) {
            skips.push(image_skip(image.version, ImageReason::IncompleteImage));
        }
    }
    skips
}

fn image_skip(version: KubernetesVersion, reason: ImageReason) -> Skip {
    Skip::new(Subject::version(version), SkipReason::Image(reason))
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

pub(super) fn entries<'t>(
    target: &'t Target<'_>,
) -> impl Iterator<Item = (ImageListForm, &'t ImageListEntry)> {
    listed_entries(target).map(|(image_list, entry)| (image_list.form, entry))
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
    let moves = target.moves.iter();
    let trees = moves.filter_map(|step| match step {
        Move::Edit(tree, wanted) | Move::Create(tree, _, wanted) => Some((tree, wanted.line.minor)),
        Move::Remove(_) => None,
    });
    trees
        .flat_map(|(tree, minor)| charts::decide(target, tree, minor).skips)
        .collect()
}

/// A minor that the store offers and nobody asked for, or one that was asked for and cannot be had.
fn minor_skips(target: &Target<'_>) -> Vec<Skip> {
    if let Some(asked) = target.input.selection.asked_minor() {
        return asked_skip(target, asked).into_iter().collect();
    }
    let offered: BTreeSet<Minor> = target
        .available
        .stores()
        .filter_map(|(_, _, store)| store)
        .flat_map(|store| &store.images)
        .map(|image| image.version.minor())
        .filter(|minor| target.is_looked_at(*minor))
        .filter(|minor| !target.offered(*minor).is_empty())
        .collect();
    let known = minors_of(target.stack);
    let newer: Vec<Minor> = match known.last() {
        Some(newest) => offered.into_iter().filter(|minor| minor > newest).collect(),
        None => Vec::new(),
    };
    let Some((next, further)) = newer.split_first() else {
        return Vec::new();
    };
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
            images: target.offered(*next).len(),
            further: further.to_vec(),
            command: selection.command(&format!("plan {title} {option} {next}")),
        },
    )]
}

/// A minor that was asked for and cannot be had.
fn asked_skip(target: &Target<'_>, asked: Minor) -> Option<Skip> {
    let reached = target.moves.iter().any(|step| match step {
        Move::Edit(_, wanted) | Move::Create(_, _, wanted) => {
            wanted.line.minor == asked || wanted.rows.contains_key(&asked)
        }
        Move::Remove(_) => false,
    });
    let is_other_skip = target.minors.is_empty() || target.find_untested(asked).is_some();
    let is_moved = target.moves.iter().any(|step| match step {
        Move::Edit(_, wanted) | Move::Create(_, _, wanted) => wanted.line.minor == asked,
        Move::Remove(_) => false,
    });
    let wants_tree =
        target.input.selection.switch_to.is_some() || target.stack.layout.has_directory_per_minor();
    if is_other_skip || is_moved || (reached && !wants_tree) {
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
    Skip::new(Subject::minor(minor), SkipReason::Minor(reason))
}

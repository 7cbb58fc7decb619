//! The matrix: per stack line the patches with the state of each. Worked out from what files and the catalog say;
//! it decides nothing.

mod patch;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use crate::catalog::{Catalog, ImagePattern, ImageStore, NodeImage};
use crate::policy::{BlockableImage, Blocked, Policy};
use crate::stack::{Fact, ImageListEntry, ImageSeries, Reference, SourceTree, Stack};
use crate::standard::{Deadline, DeadlineRule, Standard, deadlines};
use crate::version::{KubernetesVersion, Minor, StackLine, StackVersion};

pub(crate) use patch::{Patch, PatchFault};

/// The matrix of one stack line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LineMatrix {
    /// The stack line.
    pub line: StackLine,
    /// Whether a source tree is set to this minor, so that it can be released from here.
    pub(crate) has_source: bool,
    /// The default Kubernetes version: that of the source tree, else that of the list of versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<KubernetesVersion>,
    /// The patches, oldest first.
    pub(crate) patches: Vec<Patch>,
    /// Addon charts that belong to the minor, by chart name.
    pub(crate) charts: BTreeMap<String, String>,
    /// The highest published stable version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) released: Option<StackVersion>,
    /// The last day of upstream support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_of_life: Option<Date>,
    /// Whether that day has passed.
    pub(crate) is_end_of_life: bool,
    /// Whether the image store answered for this minor.
    pub(crate) store: StoreState,
}

/// What is known of what the image stores have, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) enum StoreState {
    /// It answered.
    Answered,
    /// It was not asked.
    Unknown,
    /// It was asked and did not answer.
    Unreachable,
}

impl LineMatrix {
    /// Returns the versions that a list of node images names, oldest first.
    pub fn listed(&self) -> Vec<KubernetesVersion> {
        self.patches
            .iter()
            .filter(|patch| patch.is_listed)
            .map(|patch| patch.version)
            .collect()
    }

    /// Tells whether the stores answered, and the default's image is not among what they have.
    pub(crate) fn is_default_gone(&self) -> bool {
        let own = self.patches.iter().find(|patch| patch.is_default);
        self.store == StoreState::Answered && own.is_some_and(|patch| !patch.is_available)
    }

    /// Returns what is due of this line on the catalog's day. A source tree that names its minor alone provides that minor.
    pub fn deadlines(&self, standard: Standard, catalog: &Catalog) -> Vec<Deadline> {
        let minor = self.line.minor;
        let mut found = deadlines(standard, catalog, minor, self.default, catalog.as_of);
        if self.default.is_none() && self.has_source {
            found.retain(|deadline| deadline.rule != DeadlineRule::LatestMinor);
        }
        found
    }

    /// Returns the versions that are available and that no list names, oldest first; blocked ones are left out.
    pub(crate) fn unlisted(&self) -> Vec<KubernetesVersion> {
        self.patches
            .iter()
            .filter(|patch| patch.is_available && !patch.is_listed && patch.blocked.is_none())
            .map(|patch| patch.version)
            .collect()
    }

    /// Says of each patch whether it is blocked.
    #[must_use]
    pub fn marked(mut self, blocked: &Blocked<'_>) -> Self {
        for patch in &mut self.patches {
            patch.blocked = blocked.version(patch.version).cloned();
        }
        self
    }
}

/// Decides what is blocked of a stack's images: those that its files name with a URL or an operating system, and those that its stores
/// have, where a catalog is known.
pub fn blocked<'p>(stack: &Stack, catalog: Option<&Catalog>, policy: &'p Policy) -> Blocked<'p> {
    let series = stack.series.all().iter();
    let stored = series
        .flat_map(|series| {
            let pattern = series.store.as_ref();
            let store = pattern.and_then(|pattern| catalog?.find_store(pattern));
            SeriesStore { series, store }.images()
        })
        .map(|image| BlockableImage {
            version: image.version,
            os: image.os.as_ref(),
        });
    let entries = stack.image_entries();
    let listed = entries
        // A bare version says nothing of its image: it would count as one that is not blocked, and free its version.
        .filter(|entry| entry.url.is_some() || entry.os.is_some())
        .map(|entry| BlockableImage {
            version: entry.version,
            os: entry.os.as_ref(),
        });
    let references = stack.references();
    let named = references.filter_map(|reference| match &reference.fact {
        Fact::Image(image) => Some(BlockableImage {
            version: image.version,
            os: image.os.as_ref(),
        }),
        _ => None,
    });
    Blocked::new(policy, stored.chain(listed).chain(named))
}

/// Returns the minors that a stack's files speak of, oldest first.
pub(crate) fn minors_of(stack: &Stack) -> Vec<Minor> {
    let listed = stack
        .references()
        .filter_map(|reference| match &reference.fact {
            Fact::ListedVersion { version } => Some(version.minor()),
            _ => None,
        });
    let entries = stack.image_entries();
    let mut minors: Vec<Minor> = stack.trees.iter().filter_map(|tree| tree.minor).collect();
    minors.extend(listed.chain(entries.map(|entry| entry.version.minor())));
    minors.sort_unstable();
    minors.dedup();
    minors
}

/// Returns the matrix of every stack line of a stack, oldest minor first.
pub fn matrix(stack: &Stack, catalog: &Catalog) -> Vec<LineMatrix> {
    let view = View::new(stack, catalog);
    let minors = minors_of(stack).into_iter();
    minors.filter_map(|minor| view.line(minor)).collect()
}

/// Returns the matrix of the minors that the stores have beyond the newest one of the stack.
pub(crate) fn new_minors(stack: &Stack, catalog: &Catalog) -> Vec<LineMatrix> {
    let newest = minors_of(stack).last().copied();
    let view = View::new(stack, catalog);
    let images = view.stores.iter().flat_map(SeriesStore::images);
    let newer: BTreeSet<Minor> = images
        .map(|image| image.version.minor())
        .filter(|minor| newest.is_some_and(|newest| *minor > newest))
        .collect();
    let lines = newer.into_iter().filter_map(|minor| view.line(minor));
    lines
        // A minor of which a series has no image yet cannot be used.
        .filter(|line| line.patches.iter().any(|patch| patch.is_available))
        .collect()
}

/// A series with its image store, as the catalog has it.
struct SeriesStore<'a> {
    series: &'a ImageSeries,
    store: Option<&'a ImageStore>,
}

impl<'a> SeriesStore<'a> {
    fn images(&self) -> impl Iterator<Item = &'a NodeImage> + use<'a> {
        let all = self.store.map_or(&[][..], |store| &store.images);
        self.own(all)
    }

    fn of_minor(&self, minor: Minor) -> impl Iterator<Item = &'a NodeImage> + use<'a> {
        let all = self
            .store
            .map_or(&[][..], |store| store.images_of_minor(minor));
        self.own(all)
    }

    /// A store may have images of several series, on other operating systems.
    fn own(&self, images: &'a [NodeImage]) -> impl Iterator<Item = &'a NodeImage> + use<'a> {
        let series = self.series;
        images
            .iter()
            .filter(|image| series.has_os(image.os.as_ref()))
    }

    fn has(&self, version: KubernetesVersion) -> bool {
        let mut images = self.of_minor(version.minor());
        images.any(|image| image.version == version)
    }
}

struct View<'a> {
    stack: &'a Stack,
    catalog: &'a Catalog,
    /// The series whose images have a source.
    stores: Vec<SeriesStore<'a>>,
    /// What lists of versions say, by minor: they may have many rows.
    listed: BTreeMap<Minor, Vec<&'a Reference>>,
    /// The images of image lists, by minor.
    entries: BTreeMap<Minor, Vec<Listed<'a>>>,
}

/// An image of an image list.
struct Listed<'a> {
    entry: &'a ImageListEntry,
    /// The source tree that the image list is in; nothing where it is beside all of them.
    tree: Option<&'a SourceTree>,
}

impl<'a> View<'a> {
    fn new(stack: &'a Stack, catalog: &'a Catalog) -> Self {
        let stores = stack.series.all().iter().filter_map(|series| {
            let pattern = series.store.as_ref()?;
            Some(SeriesStore {
                series,
                store: catalog.find_store(pattern),
            })
        });
        Self {
            stack,
            catalog,
            stores: stores.collect(),
            listed: listed(stack),
            entries: entries(stack),
        }
    }

    fn line(&self, minor: Minor) -> Option<LineMatrix> {
        let source = self
            .stack
            .trees
            .iter()
            .find(|tree| tree.minor == Some(minor));
        // A minor without a source tree has its line's name from those beside it.
        let named = source.or(self.stack.trees.first())?;
        let line = StackLine {
            provider: named.provider.clone(),
            name: named.name.clone(),
            minor,
        };
        let default = match source {
            Some(tree) => tree.default,
            None => self
                .listed(minor)
                .find_map(|reference| match reference.fact {
                    Fact::ListedVersion { version } => Some(version),
                    _ => None,
                }),
        };
        let patches = self.patches(minor, default);
        let released = self
            .catalog
            .find_newest_release(&line)
            .map(|release| release.tag.version.clone());
        Some(LineMatrix {
            has_source: source.is_some(),
            default,
            patches,
            charts: self.charts(minor),
            released,
            end_of_life: self.catalog.end_of_life.get(&minor).copied(),
            is_end_of_life: self.catalog.is_end_of_life(minor),
            store: store_state(self.catalog, self.stack, minor),
            line,
        })
    }

    /// What lists of versions say of a minor.
    fn listed(&self, minor: Minor) -> impl Iterator<Item = &'a Reference> {
        self.listed.get(&minor).into_iter().flatten().copied()
    }

    /// The images of a minor in image lists: those of its own source tree, and those that speak of all minors.
    fn entries(&self, minor: Minor) -> impl Iterator<Item = &'a ImageListEntry> {
        // Lists of a stack's only source tree speak of every minor that they name.
        let is_alone = self.stack.trees.len() == 1;
        let listed = self.entries.get(&minor).into_iter().flatten();
        let of_minor = listed.filter(move |listed| {
            let tree = listed.tree;
            is_alone || tree.is_none_or(|tree| tree.minor == Some(minor))
        });
        of_minor.map(|listed| listed.entry)
    }

    fn patches(&self, minor: Minor, default: Option<KubernetesVersion>) -> Vec<Patch> {
        let mut patches = Patches {
            catalog: self.catalog,
            default,
            by_version: BTreeMap::new(),
        };
        for entry in self.entries(minor) {
            let patch = patches.of(entry.version);
            patch.is_listed = true;
            patch.os.extend(entry.os.clone());
        }
        for image in self.stores.iter().flat_map(|own| own.of_minor(minor)) {
            // What one series has and another has not is of no use: a cluster needs an image of each.
            let lacking = self.stores.iter().find(|other| !other.has(image.version));
            let patch = patches.of(image.version);
            patch.os.extend(image.os.clone());
            patch.is_available = lacking.is_none();
            patch.fault = lacking.map(|own| PatchFault::SeriesWithoutImage {
                series: own.series.title.clone(),
            });
        }
        let stores = self.stores.iter().filter_map(|own| own.store);
        for faulty in stores.flat_map(|store| &store.faulty) {
            if faulty.version.minor() == minor {
                let patch = patches.of(faulty.version);
                patch.fault.get_or_insert_with(|| PatchFault::Faulty {
                    reason: faulty.reason.clone(),
                });
            }
        }
        // A default is shown whether or not anybody has an image of it.
        if let Some(default) = default {
            patches.of(default);
        }
        let mut found: Vec<Patch> = patches.by_version.into_values().collect();
        for patch in &mut found {
            patch.os.sort();
            patch.os.dedup();
        }
        found
    }

    /// The addon charts of a minor: what its source tree depends on, else what the list of versions says.
    fn charts(&self, minor: Minor) -> BTreeMap<String, String> {
        let mut charts = BTreeMap::new();
        // The list first, so that what the source tree depends on takes its place.
        for reference in self.listed(minor) {
            if let Fact::ListedAddon { chart, .. } = &reference.fact {
                charts.insert(chart.clone(), reference.value.clone());
            }
        }
        let source = self
            .stack
            .trees
            .iter()
            .find(|tree| tree.minor == Some(minor));
        for reference in source.into_iter().flat_map(SourceTree::references) {
            if let Fact::ChartDependency { chart, range, .. } = &reference.fact
                && self.stack.charts.find(chart).is_some()
            {
                // What a range becomes is what is locked.
                let resolved = range
                    .as_ref()
                    .and(source)
                    .and_then(|source| source.version_of(reference));
                let value = resolved.map_or_else(|| reference.value.clone(), ToString::to_string);
                charts.insert(chart.clone(), value);
            }
        }
        charts
    }
}

/// The patches of a minor, as they are found.
struct Patches<'a> {
    catalog: &'a Catalog,
    default: Option<KubernetesVersion>,
    by_version: BTreeMap<KubernetesVersion, Patch>,
}

impl Patches<'_> {
    fn of(&mut self, version: KubernetesVersion) -> &mut Patch {
        self.by_version.entry(version).or_insert_with(|| Patch {
            version,
            os: Vec::new(),
            is_default: self.default == Some(version),
            is_listed: false,
            is_available: false,
            fault: None,
            published: self.catalog.find_published(version),
            blocked: None,
        })
    }
}

fn listed(stack: &Stack) -> BTreeMap<Minor, Vec<&Reference>> {
    let mut listed: BTreeMap<Minor, Vec<&Reference>> = BTreeMap::new();
    for reference in stack.references() {
        let minor = match &reference.fact {
            Fact::ListedVersion { version } => version.minor(),
            Fact::ListedAddon { minor, .. } => *minor,
            _ => continue,
        };
        listed.entry(minor).or_default().push(reference);
    }
    listed
}

fn entries(stack: &Stack) -> BTreeMap<Minor, Vec<Listed<'_>>> {
    let own = stack
        .trees
        .iter()
        .flat_map(|tree| tree.files.iter().map(move |file| (Some(tree), file)));
    let shared = stack.shared.iter().map(|file| (None, file));
    let mut entries: BTreeMap<Minor, Vec<Listed<'_>>> = BTreeMap::new();
    for (tree, file) in own.chain(shared) {
        for entry in file
            .image_lists()
            .iter()
            .flat_map(|image_list| &image_list.entries)
        {
            let of_minor = entries.entry(entry.version.minor()).or_default();
            of_minor.push(Listed { entry, tree });
        }
    }
    entries
}

/// Tells what is known of a minor's images in the stores: the least that is known of any series.
pub(crate) fn store_state(catalog: &Catalog, stack: &Stack, minor: Minor) -> StoreState {
    let stores = stack.series.all().iter();
    let states = stores.filter_map(|series| {
        let pattern = series.store.as_ref()?;
        Some(state_of(catalog, pattern, minor))
    });
    // The variants go from the most that is known to the least.
    states.max().unwrap_or(StoreState::Unknown)
}

/// Tells what is known of a minor's images in a store.
pub(crate) fn state_of(catalog: &Catalog, pattern: &ImagePattern, minor: Minor) -> StoreState {
    let failed = catalog.unreachable.iter().any(|unreachable| {
        let same = pattern.as_str() == unreachable.source;
        same && (unreachable.minors.is_empty() || unreachable.minors.contains(&minor))
    });
    let store = catalog.find_store(pattern);
    // First, as a store that broke off may have searched the minor in part.
    if failed {
        StoreState::Unreachable
    } else if store.is_some_and(|store| store.searched.contains(&minor)) {
        StoreState::Answered
    } else {
        StoreState::Unknown
    }
}

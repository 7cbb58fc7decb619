//! The state that a source tree should have: what every file kind states in its own words.

use std::collections::{BTreeMap, BTreeSet};

use super::configured::ReferenceValues;
use super::facts::Reference;
use super::series::{SeriesId, SeriesSet};
use crate::catalog::{NodeImage, StackRelease};
use crate::policy::{Blocked, ChangeClass, Policy, Wishes};
use crate::version::{ChartVersion, KubernetesVersion, Minor, OsRelease, StackLine, StackVersion};

/// The state that the files of one source tree should have. Made by `plan`, carried out by file kinds.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The stack line the tree is to belong to.
    pub line: StackLine,
    /// The line it belongs to now.
    pub line_before: StackLine,
    /// The default version it is to have; nothing where none is known.
    pub default: Option<KubernetesVersion>,
    /// The default version it has now.
    pub default_before: Option<KubernetesVersion>,
    /// The image series of the stack.
    pub series: &'a SeriesSet,
    /// The images of each series.
    pub images: Vec<SeriesImages<'a>>,
    /// An image of each version that all series have, per minor that may be edited: for lists that name versions alone.
    pub common: BTreeMap<Minor, &'a [NodeImage]>,
    /// Rows of lists of versions, per minor that may be edited.
    pub rows: BTreeMap<Minor, AddonRow>,
    /// The addon charts that the tree will have, by chart name; one that is not known is absent.
    pub charts: BTreeMap<String, ChartVersion>,
    /// The version that each place which names an addon chart is to ask for. A place that is absent is left alone.
    pub chart_places: BTreeMap<ChartPlace, ChartVersion>,
    /// Versions that stay listed whatever the list policy says: the defaults.
    pub kept: BTreeSet<KubernetesVersion>,
    /// Minors that leave every list.
    pub dropped: BTreeSet<Minor>,
    /// What leaves every list, and the default.
    pub blocked: &'a Blocked<'a>,
    /// The next version of the stack, where published releases are known.
    pub next_version: Option<StackVersion>,
    /// The newest published release of the line the tree belongs to now, where one is known.
    pub newest_release: Option<&'a StackRelease>,
    /// What the references of the configuration are to say, and say now; nothing where it is not known.
    pub(crate) references: Option<ReferenceValues>,
    /// The files it is for.
    pub reach: Reach,
    /// Whether the tree has a csctl.yaml, which makes csctl the writer of metadata.yaml.
    pub has_csctl: bool,
    /// Whether the default goes to a version that is on another operating system alone, which is a change of its own.
    pub moves_os: bool,
    /// The policy.
    pub policy: &'a Policy,
    /// What this run is to change.
    pub wishes: &'a Wishes,
}

/// The files that a wanted state is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All files of one source tree.
    Tree,
    /// The tree's lists that speak of several minors: its own minor is left alone.
    Lists,
    /// The files beside the source trees, which speak of all minors and of no default.
    Beside,
}

/// What the files may say of the images of one series.
#[derive(Debug, Clone, Default)]
pub struct SeriesImages<'a> {
    /// The default's image, where its facts are known.
    pub default: Option<&'a NodeImage>,
    /// Images that may be used, per minor that may be edited. A minor that is absent is left alone.
    pub available: BTreeMap<Minor, &'a [NodeImage]>,
}

impl<'a> Wanted<'a> {
    /// Returns the images of a minor that a list may have: those of its series, or of all where it names versions alone.
    pub fn available(&self, series: Option<SeriesId>, minor: Minor) -> &'a [NodeImage] {
        self.by_minor(series)
            .and_then(|available| available.get(&minor).copied())
            .unwrap_or_default()
    }

    /// Returns the minors whose images are known of a series.
    pub(crate) fn available_minors(&self, series: Option<SeriesId>) -> impl Iterator<Item = Minor> {
        self.by_minor(series)
            .into_iter()
            .flat_map(|available| available.keys().copied())
    }

    fn by_minor(&self, series: Option<SeriesId>) -> Option<&BTreeMap<Minor, &'a [NodeImage]>> {
        match series {
            Some(series) => self
                .images
                .get(series.index())
                .map(|images| &images.available),
            None => Some(&self.common),
        }
    }

    /// Returns the default's image of a series.
    pub(crate) fn default_image(&self, series: SeriesId) -> Option<&'a NodeImage> {
        let image = self.images.get(series.index())?.default?;
        (Some(image.version) == self.default).then_some(image)
    }

    /// Tells whether an image has to leave because it is blocked.
    pub(crate) fn must_leave(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> bool {
        self.blocked.image(version, os).is_some()
    }

    /// Tells whether the default moves because it is blocked.
    pub(crate) fn is_default_blocked(&self) -> bool {
        let before = self.default_before;
        before.is_some_and(|before| self.is_blocked(before))
            // A block that this run is not to carry out moves nothing.
            && self.wishes.wants(ChangeClass::Removal)
    }

    /// Tells whether a version is blocked with all of its images.
    pub fn is_blocked(&self, version: KubernetesVersion) -> bool {
        self.blocked.version(version).is_some()
    }
}

/// A place that names an addon chart: a dependency, or an entry of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChartPlace {
    /// The file, relative to the repository's root.
    pub file: String,
    /// The place in the file: `dependencies[0].version`.
    pub at: String,
}

impl ChartPlace {
    /// Returns the place of a reference.
    pub fn of(reference: &Reference) -> Self {
        Self {
            file: reference.file.clone(),
            at: reference.at.clone(),
        }
    }
}

/// One row of a list of versions: what belongs to one minor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddonRow {
    /// The newest version of the minor; nothing where no image is known to be there.
    pub kubernetes: Option<KubernetesVersion>,
    /// Addon charts of the minor, by chart name, for a row that is to be made.
    pub charts: BTreeMap<String, ChartVersion>,
    /// Whether the row is to be made where it is missing.
    pub add: bool,
}

impl Wanted<'_> {
    /// Returns the class of the change that sets the default where this version stands.
    pub(super) fn default_class(&self, standing: KubernetesVersion) -> ChangeClass {
        if self.line.minor != self.line_before.minor {
            ChangeClass::NewMinor
        } else if self.is_blocked(standing) && self.wishes.wants(ChangeClass::Removal) {
            ChangeClass::Removal
        } else if self.default_before == Some(standing) {
            self.move_class()
        } else {
            // What names neither the default nor a blocked version was out of step before the move, and is put right.
            ChangeClass::Repair
        }
    }

    /// Returns the class of the change that a default's move within its minor is.
    fn move_class(&self) -> ChangeClass {
        if self.moves_os {
            ChangeClass::OsRelease
        } else {
            ChangeClass::NewPatch
        }
    }

    /// Returns the class of the change that sets another image of the same version.
    pub(super) fn image_class(
        &self,
        standing: KubernetesVersion,
        os: Option<&OsRelease>,
    ) -> ChangeClass {
        if self.must_leave(standing, os) {
            ChangeClass::Removal
        } else {
            ChangeClass::OsRelease
        }
    }

    /// Returns the class of the change that names another release where one of this minor is named.
    pub(super) fn line_class(&self, standing: Minor) -> ChangeClass {
        match self.default_before.filter(|_| standing == self.line.minor) {
            Some(before) => self.default_class(before),
            None => self.minor_class(standing),
        }
    }

    /// Returns the class of the change that sets the minor where this one stands.
    pub(super) fn minor_class(&self, standing: Minor) -> ChangeClass {
        let moves = self.line.minor != self.line_before.minor && standing == self.line_before.minor;
        if moves {
            ChangeClass::NewMinor
        } else {
            ChangeClass::Repair
        }
    }
}

//! The state that a source tree should have: what every file kind states in its own words.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Site;
use crate::catalog::NodeImage;
use crate::policy::{ChangeClass, Policy};
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
    /// The default's image, where its facts are known.
    pub default_image: Option<&'a NodeImage>,
    /// Images the store offers, per minor that may be edited. A minor that is absent is left alone.
    pub offered: BTreeMap<Minor, &'a [NodeImage]>,
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
    /// Versions that leave every list, and the default: all of their images are blocked.
    pub banned: BTreeSet<KubernetesVersion>,
    /// The next version of the stack, where published releases are known.
    pub next_version: Option<StackVersion>,
    /// Whether this is for the files beside the source trees, which speak of all minors and of no default.
    pub is_shared: bool,
    /// Whether the tree's own minor is left alone, and only lists that speak of several minors are edited.
    pub is_lists_alone: bool,
    /// Whether the tree has a csctl.yaml, which makes csctl the writer of metadata.yaml.
    pub has_csctl: bool,
    /// The policy.
    pub policy: &'a Policy,
}

impl Wanted<'_> {
    /// Tells whether an image has to leave because it is blocked.
    pub fn must_leave(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> bool {
        self.banned.contains(&version) || self.policy.find_block(version, os).is_some()
    }

    /// Tells whether the default moves because it is blocked.
    pub fn is_default_blocked(&self) -> bool {
        let blocked = |before| self.banned.contains(&before);
        self.default_before.is_some_and(blocked) && self.policy.wants(ChangeClass::Removal)
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
    /// Returns the place of a site.
    pub fn of(site: &Site) -> Self {
        Self {
            file: site.file.clone(),
            at: site.at.clone(),
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

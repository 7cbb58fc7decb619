//! What the rows of a list of versions are to say, minor by minor.

use std::collections::{BTreeMap, BTreeSet};

use super::Target;
use crate::plan::charts::Charts;
use crate::policy::ChangeClass;
use crate::stack::{AddonRow, Fact, SourceTree};
use crate::version::{KubernetesVersion, Minor};

/// A list of versions, as it is to go with a source tree.
struct Rows<'r> {
    target: &'r Target<'r>,
    tree: &'r SourceTree,
    /// The minor that the tree is set to, and its default.
    minor: Minor,
    default: Option<KubernetesVersion>,
    charts: &'r Charts,
    /// The version of each row that is there.
    listed: BTreeMap<Minor, KubernetesVersion>,
}

impl Rows<'_> {
    fn row(&self, of: Minor) -> AddonRow {
        let before = self.listed.get(&of).copied();
        let is_asked_for = of == self.minor || self.target.input.selection.add == Some(of);
        let is_new = is_asked_for && before.is_none();
        // Charts of a row that is there are decided place by place, in `Charts::places`.
        let charts = self.charts.listed.get(&of).filter(|_| is_new);
        AddonRow {
            kubernetes: self.version(of, before),
            charts: charts.cloned().unwrap_or_default(),
            add: is_new,
        }
    }

    /// Returns the version that a row is to say; nothing where it is left alone.
    fn version(&self, of: Minor, before: Option<KubernetesVersion>) -> Option<KubernetesVersion> {
        let target = self.target;
        let is_own = of == self.minor;
        let newest = if is_own {
            self.default
        } else {
            target.newest_of_row(of)
        };
        let must_leave = before.is_some_and(|before| target.must_leave(before));
        // A block comes before pins and tests: it cannot wait.
        if must_leave && is_own {
            return newest;
        }
        if must_leave {
            let pinned = target.pinned(of).or(newest);
            return pinned.or_else(|| target.replacement(of));
        }
        if !is_own && target.is_row_held(of) {
            return None;
        }
        // A pin that waits for its tests moves nothing.
        if target.pin(of).is_some() && target.find_untested(of).is_none() {
            return target.pinned(of).or(before);
        }
        // The row of the minor that the tree moves to says what the tree says.
        if is_own && self.tree.minor != Some(of) {
            return newest.or(before);
        }
        newest.max(before)
    }
}

impl Target<'_> {
    /// Returns the rows of a list of versions beside a source tree that is set to a minor with a default.
    pub(in crate::plan) fn rows(
        &self,
        tree: &SourceTree,
        minor: Minor,
        default: Option<KubernetesVersion>,
        charts: &Charts,
    ) -> BTreeMap<Minor, AddonRow> {
        let mut listed: BTreeMap<Minor, KubernetesVersion> = BTreeMap::new();
        for reference in tree.references() {
            if let Fact::ListedVersion { version } = reference.fact {
                listed.entry(version.minor()).or_insert(version);
            }
        }
        let rows = Rows {
            target: self,
            tree,
            minor,
            default,
            charts,
            listed,
        };
        let minors = self.minors.iter().chain([&minor]);
        minors
            .filter(|of| self.is_looked_at(**of))
            .map(|of| (*of, rows.row(*of)))
            .collect()
    }

    /// Tells whether the row of a minor waits for its tests. One that is blocked cannot wait.
    pub(in crate::plan) fn is_row_held(&self, minor: Minor) -> bool {
        // Few minors wait, and a list may have many rows.
        if self.find_untested(minor).is_none() {
            return false;
        }
        let mut references = self.stack.references();
        !references.any(|reference| match reference.fact {
            Fact::ListedVersion { version } => version.minor() == minor && self.must_leave(version),
            _ => false,
        })
    }

    /// The newest version of a minor that may be used and is old enough; the list policy is about lists of images.
    pub(in crate::plan) fn newest_of_row(&self, minor: Minor) -> Option<KubernetesVersion> {
        let images = self.available.of_minor(minor).iter().rev();
        let mut versions = images.map(|image| image.version);
        versions.find(|version| self.available.is_mature(*version))
    }

    /// Returns the versions that stay listed: the default, and what the list of versions names after the plan.
    pub(in crate::plan) fn kept(
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
        // Without that class the rows stay, and lists have to keep the images that these name.
        let moves = self.input.wishes.wants(ChangeClass::NewPatch);
        let after = standing.map(|version| {
            let row = rows.get(&version.minor()).filter(|_| moves);
            row.and_then(|row| row.kubernetes).unwrap_or(version)
        });
        after
            .chain(default)
            .filter(|version| self.available.blocked().version(*version).is_none())
            .collect()
    }
}

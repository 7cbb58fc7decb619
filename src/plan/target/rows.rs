//! What the rows of a list of versions are to say, minor by minor.

use std::collections::{BTreeMap, BTreeSet};

use super::Target;
use crate::plan::charts::Charts;
use crate::policy::ChangeClass;
use crate::stack::{AddonRow, Fact, Reference, SourceFile, SourceTree};
use crate::version::{KubernetesVersion, Minor};

impl Target<'_> {
    pub(in crate::plan) fn rows(
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
    pub(in crate::plan) fn is_row_held(&self, minor: Minor) -> bool {
        let leaves = |reference: &Reference| match reference.fact {
            Fact::ListedVersion { version } => version.minor() == minor && self.must_leave(version),
            _ => false,
        };
        // Few minors wait, and a list may have many rows.
        let mut references = self.stack.files().flat_map(SourceFile::references);
        self.find_untested(minor).is_some() && !references.any(leaves)
    }

    /// The newest version of a minor that may be used and is old enough; the list policy is about lists of images.
    pub(in crate::plan) fn newest_of_row(&self, minor: Minor) -> Option<KubernetesVersion> {
        let mut versions = self.offered(minor).iter().rev().map(|image| image.version);
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
        let moves = self.input.wishes.wants(ChangeClass::NewPatch);
        let after = |standing: KubernetesVersion| {
            let row = rows.get(&standing.minor()).filter(|_| moves);
            row.and_then(|row| row.kubernetes).unwrap_or(standing)
        };
        let all = standing.map(after).chain(default);
        all.filter(|version| self.available.blocked().version(*version).is_none())
            .collect()
    }
}

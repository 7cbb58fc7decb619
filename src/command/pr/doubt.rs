//! What cannot be known today: a source gave no answer, a file or a whole base branch cannot be read. What there is of such a change is
//! left as it is; that nothing could be planned is no reason to close anything.

use std::collections::BTreeSet;

use super::agenda::Agenda;
use super::base::{BaseBranch, is_of_key};
use crate::catalog::{SourceKind, Unreachable};
use crate::command::Repository;
use crate::error::CommandError;
use crate::policy::ChangeClass;
use crate::pull::PullKey;

impl Agenda {
    /// Returns why it is not known whether a change is wanted; nothing where it is.
    pub(super) fn doubt(&self, key: &PullKey) -> Option<String> {
        // What could be planned is wanted, whatever else is not known.
        if self.changes.contains_key(key) {
            return None;
        }
        let error = self.unread.get(&key.base).or(self.failed.get(key));
        error
            .map(ToString::to_string)
            .or_else(|| self.bases.get(&key.base)?.doubt(key))
    }

    /// Returns what could not be read or planned, each with what to do about it.
    pub(super) fn faults(&self) -> Vec<(String, String)> {
        let stacks = self.bases.values().flat_map(|base| &base.stacks);
        let faults = stacks.flat_map(|stack| &stack.faults);
        let mut all: Vec<(String, String)> = faults
            .map(|fault| (fault.to_string(), fault.hint.clone()))
            .collect();
        let unread = self.unread.iter();
        all.extend(unread.map(|(name, error)| (format!("{name}: {error}"), advice(error))));
        let failed = self.failed.values();
        all.extend(failed.map(|error| (error.to_string(), advice(error))));
        all.sort();
        // Base branches mostly have the same stacks, and so the same faults.
        all.dedup_by(|one, other| one.0 == other.0);
        all
    }

    /// Returns the sources that gave no answer, and why what they said may be old.
    pub(super) fn silent(&self) -> BTreeSet<String> {
        let catalogs = self.bases.values().map(|base| &base.catalog);
        let silent = catalogs.flat_map(|catalog| &catalog.unreachable);
        let repositories = self.bases.values().map(|base| &base.repository);
        let old = repositories.filter_map(Repository::catalog_warning);
        silent.map(ToString::to_string).chain(old).collect()
    }
}

fn advice(error: &CommandError) -> String {
    error.hints().join("; ")
}

impl BaseBranch {
    fn doubt(&self, key: &PullKey) -> Option<String> {
        // Of a stack whose files cannot be read, its name may not be known either.
        let of_key = self
            .stacks
            .iter()
            .filter(|stack| stack.trees.is_empty() || is_of_key(stack, key));
        if let Some(fault) = of_key.flat_map(|stack| &stack.faults).next() {
            return Some(fault.to_string());
        }
        let mut unreachable = self.catalog.unreachable.iter();
        let failed = unreachable.find(|failed| concerns(failed, key))?;
        Some(failed.to_string())
    }
}

/// Tells whether a change could be planned with what a source would have said.
fn concerns(failed: &Unreachable, key: &PullKey) -> bool {
    use ChangeClass::{Addons, NewMinor, OsRelease, Repair};
    let is_of_minor = failed.minors.is_empty() || failed.minors.contains(&key.line.minor);
    is_of_minor
        && match (failed.kind, key.class) {
            (SourceKind::Vulnerabilities, _) | (_, Repair) => false,
            (SourceKind::EndOfLife, class) => class != Addons && class != OsRelease,
            (SourceKind::ImageStore | SourceKind::Releases, class) => class != Addons,
            (SourceKind::ChartRepository, class) => matches!(class, Addons | NewMinor),
        }
}

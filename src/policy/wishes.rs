//! What one run is to change, as the person or the program that started it said: not part of the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ChangeClass;
use crate::version::StackLine;

/// What one run is to change; by default all that needs no asking.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wishes {
    /// Classes of change to make; empty means all that need no asking.
    pub changes: BTreeSet<ChangeClass>,
    /// The places that may be repaired, by file and line, line 0 being the whole file; nothing means all.
    pub places: Option<Arc<BTreeSet<(String, usize)>>>,
    /// Stack lines whose default stays where it is, as their tests are not green, each with why: `test e2e failed`.
    pub untested: BTreeMap<StackLine, String>,
}

impl Wishes {
    /// Wishes for changes of one class alone.
    pub fn only(class: ChangeClass) -> Self {
        Self {
            changes: [class].into(),
            ..Self::default()
        }
    }

    /// Tells whether changes of this class are wanted. A rebuilt image is taken only when asked for by name: it never mixes with a
    /// version bump.
    pub fn wants(&self, class: ChangeClass) -> bool {
        if self.changes.is_empty() {
            class != ChangeClass::OsRelease
        } else {
            self.changes.contains(&class)
        }
    }

    /// Tells whether changes of this class are asked for by name.
    pub(crate) fn asks_for(&self, class: ChangeClass) -> bool {
        self.changes.contains(&class)
    }

    /// Tells whether an edit of this class at this place is wanted.
    pub(crate) fn wants_at(&self, class: ChangeClass, file: &str, line: usize) -> bool {
        self.wants(class) && (class != ChangeClass::Repair || self.may_repair(file, line))
    }

    fn may_repair(&self, file: &str, line: usize) -> bool {
        let Some(places) = &self.places else {
            return true;
        };
        [line, 0]
            .into_iter()
            .any(|line| places.contains(&(file.to_owned(), line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rebuilt_images_are_taken_only_when_asked_for() {
        let everything = Wishes::default();
        assert!(
            everything.wants(ChangeClass::NewPatch) && !everything.wants(ChangeClass::OsRelease)
        );
        let asked = Wishes::only(ChangeClass::OsRelease);
        assert!(asked.wants(ChangeClass::OsRelease) && !asked.wants(ChangeClass::NewPatch));
    }
}

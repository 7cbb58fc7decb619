//! Values that anchors, aliases and `<<` show at several places: an edit of one is an edit of all.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::{FileEdits, Set};
use crate::stack::facts::Fault;
use crate::yaml::{Path, Shown};

impl Set {
    /// Returns the edit that gives a place which shows this value the same new one.
    fn same_at<'s>(
        &self,
        shown: &'s Shown,
        all: &HashMap<(usize, &'s Path), &'s Self>,
    ) -> Option<&'s Self> {
        let other = all.get(&(self.document, &shown.path)).copied();
        other.filter(|other| other.value == self.value)
    }
}

impl FileEdits<'_> {
    /// Checks that a value which is shown at several places changes at all of them or at none: an edit of what an anchor names is
    /// read at each of its aliases too.
    pub(super) fn check_shared(&self) -> Result<(), Fault> {
        let shared = self.shared_places();
        let wanted: HashMap<(usize, &Path), &Set> = self
            .sets
            .iter()
            .map(|set| ((set.document, &set.path), set))
            .collect();
        for set in &self.sets {
            let places = self.written(set).and_then(|place| shared.get(&place));
            let mut places = places.into_iter().flatten();
            if let Some(fault) = &set.elsewhere {
                let is_written = places.any(|shown| {
                    let other = set.same_at(shown, &wanted);
                    other.is_some_and(|other| other.elsewhere.is_none())
                });
                if !is_written {
                    return Err(fault.clone());
                }
            } else if let Some(shown) =
                places.find(|shown| !set.is_by_text && set.same_at(shown, &wanted).is_none())
            {
                let mut fault = self.shared_fault(&set.path, shown);
                fault.message = format!("{}, which is to become {}", fault.message, set.value);
                return Err(fault);
            }
        }
        Ok(())
    }

    /// Returns the places that show each value that gets another and that stands at several, by document and by where it is
    /// written.
    fn shared_places(&self) -> HashMap<(usize, Range<usize>), Vec<Shown>> {
        let mut written: HashMap<usize, HashSet<Range<usize>>> = HashMap::new();
        for (document, range) in self.sets.iter().filter_map(|set| self.written(set)) {
            written.entry(document).or_default().insert(range);
        }
        let mut places: HashMap<(usize, Range<usize>), Vec<Shown>> = HashMap::new();
        for (document, ranges) in written {
            let root = self.file.documents().get(document);
            for shown in root.into_iter().flat_map(|root| root.places_of(&ranges)) {
                let place = (document, shown.written.clone());
                places.entry(place).or_default().push(shown);
            }
        }
        places
    }

    /// Returns where the value of a scalar is written, where it is shown at several places.
    fn written(&self, set: &Set) -> Option<(usize, Range<usize>)> {
        let node = self.node(set.document, &set.path)?;
        node.is_shared()
            .then(|| (set.document, node.written_range()))
    }

    /// Refuses to add to or to take from a list or a map that an alias shows elsewhere too.
    pub(super) fn refuse_shared(&self, document: usize, path: &Path) -> Result<(), Fault> {
        let Some(root) = self.file.documents().get(document) else {
            return Ok(());
        };
        let Some(node) = root.at(path).filter(|node| node.is_shared()) else {
            return Ok(());
        };
        let written = HashSet::from([node.written_range()]);
        let mut shown = root.places_of(&written).into_iter();
        match shown.find(|shown| shown.path != *path) {
            // At an alias the editor refuses by itself, and names the anchor.
            Some(other) if !node.is_alias() => Err(self.shared_fault(path, &other)),
            Some(_) | None => Ok(()),
        }
    }

    fn shared_fault(&self, path: &Path, shown: &Shown) -> Fault {
        let message = format!("`{}` shows what stands at `{path}`", shown.path);
        let hint = "write the value out here: it does not change with the other one";
        Fault::new(self.file.path(), shown.line, message, hint)
    }
}

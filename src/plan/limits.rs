//! What attempts at a plan have shown to be impossible: defaults that some reference cannot follow, and files that cannot be
//! edited or read back. A plan is made anew within these limits, and says them.

use std::collections::BTreeMap;

use crate::stack::{Fault, FaultKind, Wanted};
use crate::version::{KubernetesVersion, Minor};

/// What attempts at a plan have shown to be impossible.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// Defaults that a source tree cannot have, by its directory, with what stands in the way.
    pub(super) excluded: BTreeMap<(String, KubernetesVersion), Fault>,
    /// Minors that no source tree can be set to or made for, with what stands in the way.
    pub(super) closed: BTreeMap<Minor, Fault>,
    /// Files that a person has to change, by path.
    pub(super) out_of_reach: BTreeMap<String, Fault>,
    /// Files that are left as they are, as one of their references cannot follow.
    pub(super) held: BTreeMap<String, Fault>,
}

/// An edit that cannot be made, and the state that it would have served.
#[derive(Debug)]
pub(super) struct EditRefusal {
    pub(super) fault: Fault,
    /// The source tree; nothing for files beside the source trees.
    pub(super) directory: Option<String>,
    /// The default that the source tree would have got, where it would have moved.
    pub(super) default: Option<KubernetesVersion>,
    /// The minor that the source tree would have been set to, or made for.
    pub(super) minor: Option<Minor>,
}

impl EditRefusal {
    pub(super) fn new(fault: Fault, directory: Option<&str>, wanted: &Wanted<'_>) -> Self {
        let moves = wanted.default != wanted.default_before;
        let is_another = wanted.line.minor != wanted.line_before.minor;
        Self {
            fault,
            directory: directory.map(str::to_owned),
            // A default that stays where it is cannot be what the file refuses.
            default: wanted.default.filter(|_| moves),
            minor: is_another.then_some(wanted.line.minor),
        }
    }
}

impl Limits {
    /// Tells whether a source tree cannot have a version as its default.
    pub(super) fn excludes(&self, directory: &str, version: KubernetesVersion) -> bool {
        self.excluded.contains_key(&(directory.to_owned(), version))
    }

    /// Tells whether no source tree can be set to a minor.
    pub(super) fn is_closed(&self, minor: Minor) -> bool {
        self.closed.contains_key(&minor)
    }

    /// Tells whether a file is left as it is.
    pub(super) fn leaves(&self, path: &str) -> bool {
        self.out_of_reach.contains_key(path) || self.held.contains_key(path)
    }

    /// Takes away what attempts have shown to be impossible; tells whether anything was.
    pub(super) fn learn(&mut self, refusals: Vec<EditRefusal>) -> bool {
        let mut learnt = false;
        for refusal in refusals {
            // Not `any`, which would stop at the first: each of the others would then cost an attempt of its own.
            learnt |= self.learn_one(refusal);
        }
        learnt
    }

    fn learn_one(&mut self, refusal: EditRefusal) -> bool {
        let EditRefusal {
            fault,
            directory,
            default,
            minor,
        } = refusal;
        let is_unmovable = fault.kind == FaultKind::Unmovable;
        match (directory, default, minor) {
            // A tree cannot be of two minors: it stays whole where it is.
            (Some(_), _, Some(minor)) if is_unmovable => self.closed.insert(minor, fault).is_none(),
            (Some(directory), Some(default), None) if is_unmovable => {
                let place = (directory, default);
                self.excluded.insert(place, fault).is_none()
            }
            // Without a default that moves there is nothing else to take back than the file's own edit.
            _ if is_unmovable => self.held.insert(fault.file.clone(), fault).is_none(),
            _ => {
                let file = fault.file.clone();
                self.out_of_reach.insert(file, fault).is_none()
            }
        }
    }
}

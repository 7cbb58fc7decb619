//! What a series of edits means for the tree, apart from any bytes. The proofs compare the new text with this.

use std::collections::{HashMap, HashSet};

use super::node::Node;
use super::style::NewScalar;

/// The container of the documents, whose id no node has.
pub(super) const DOCUMENTS: u32 = 0;

/// The intended changes; nodes are named by their id.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes<'a> {
    /// New values of scalars and new names of keys.
    pub(super) scalars: HashMap<u32, NewScalar>,
    /// Items, values of map entries, or documents which leave.
    pub(super) gone: HashSet<u32>,
    /// New members by the container they enter.
    pub(super) fresh: HashMap<u32, Vec<Fresh<'a>>>,
}

/// A new member of a container.
#[derive(Debug, Clone)]
pub(super) struct Fresh<'a> {
    /// Before which of the old members it stands.
    pub(super) at: usize,
    /// Its key, in a map.
    pub(super) key: Option<NewScalar>,
    pub(super) content: NewContent<'a>,
}

#[derive(Debug, Clone)]
pub(super) enum NewContent<'a> {
    Scalar(NewScalar),
    /// A copy of a node, with changes of its own.
    Copy(&'a Node, Changes<'a>),
}

/// A member which the new text has to hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected<'c, 'a> {
    /// The old member at this place.
    Kept(usize),
    Fresh(&'c Fresh<'a>),
}

impl<'a> Changes<'a> {
    /// Returns the members a container has to hold afterwards; `ids` are those of its old ones.
    pub(super) fn members(
        &self,
        container: u32,
        ids: impl ExactSizeIterator<Item = u32>,
    ) -> Vec<Expected<'_, 'a>> {
        let fresh = self.fresh.get(&container).map_or(&[][..], Vec::as_slice);
        let count = ids.len();
        let mut members = Vec::with_capacity(count + fresh.len());
        let mut sorted: Vec<&Fresh<'a>> = fresh.iter().filter(|new| new.at <= count).collect();
        // Those before one member keep their order.
        sorted.sort_by_key(|new| new.at);
        let mut entering = sorted.into_iter().peekable();
        for (place, id) in ids.enumerate() {
            while let Some(new) = entering.next_if(|new| new.at == place) {
                members.push(Expected::Fresh(new));
            }
            if !self.gone.contains(&id) {
                members.push(Expected::Kept(place));
            }
        }
        members.extend(entering.map(Expected::Fresh));
        members
    }
}

//! A parsed value with its place in the text. Nodes are read here, never changed; see `edit.rs` for that.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::path::{Path, PathStep};

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Block,
    /// Nothing is written where a value could stand.
    Empty,
}

/// Whether a value stands between brackets or braces, where commas and closing brackets end a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    Block,
    Flow,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Node,
    pub(super) value: Node,
}

impl Entry {
    fn named(&self) -> Option<(&str, &Node, &Node)> {
        Some((self.key.as_str()?, &self.key, &self.value))
    }
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Scalar {
        value: Box<str>,
        style: Style,
    },
    Alias {
        name: Box<str>,
        target: u32,
        /// What the anchor names; nothing within the anchor's own value.
        node: Option<Arc<Anchored>>,
    },
    Sequence {
        items: Vec<Node>,
        flow: bool,
    },
    Map {
        entries: Vec<Entry>,
        index: KeyIndex,
        flow: bool,
        /// Some entry is a `<<` that brings the keys of other maps.
        merges: bool,
    },
}

/// The entries of a large map in the order of their keys, once somebody has asked for one. Keys do not change after that.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyIndex(OnceLock<Box<[u32]>>);

impl KeyIndex {
    /// The largest map that is looked through: most maps are small, and are faster without.
    const SMALL: usize = 16;

    /// Returns the entry of a key, the last one if the key is there twice.
    fn find<'e>(&self, entries: &'e [Entry], key: &str) -> Option<&'e Entry> {
        let mut from_end = entries.iter().rev();
        if entries.len() <= Self::SMALL {
            return from_end.find(|entry| entry.key.own_str() == Some(key));
        }
        let last = self.places(entries, key).last().copied()?;
        Some(&entries[last as usize])
    }

    /// Returns the places of a key in a large map, in the order of the map.
    fn places(&self, entries: &[Entry], key: &str) -> &[u32] {
        // Files are shared by threads: whoever asks first sorts for all.
        let sorted = self.0.get_or_init(|| {
            let places = 0..u32::try_from(entries.len()).unwrap_or(u32::MAX);
            let mut sorted: Vec<u32> = places
                .filter(|place| key_at(entries, *place).is_some())
                .collect();
            // The sort is stable: of equal keys the last one of the map stays last, which is the one that counts.
            sorted.sort_by_key(|place| key_at(entries, *place));
            sorted.into()
        });
        let start = sorted.partition_point(|place| key_at(entries, *place) < Some(key));
        let rest = &sorted[start..];
        &rest[..rest.partition_point(|place| key_at(entries, *place) == Some(key))]
    }
}

fn key_at(entries: &[Entry], place: u32) -> Option<&str> {
    entries[place as usize].key.own_str()
}

/// The value of an anchor, shared by all of its aliases.
#[derive(Debug)]
pub(super) struct Anchored {
    pub(super) node: Node,
    /// The line of the anchor itself.
    pub(super) line: u32,
}

/// Where a value is written that is read through an alias or a merge key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The name of the anchor, without `&`; nothing where a `<<` has a map without one.
    pub anchor: Option<&'a str>,
    /// The line of the anchor, or of the key.
    pub line: usize,
}

/// The anchor and the tag before a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Properties {
    pub(super) anchor: Option<(u32, Box<str>)>,
    pub(super) tag: Option<Box<str>>,
}

/// A scalar, a map, a sequence or an alias of a [`File`](super::File), with its line.
#[derive(Debug, Clone)]
pub struct Node {
    /// A number of its own within the file, from one.
    pub(super) id: u32,
    pub(super) line: u32,
    /// Where its anchor or tag begins, or else its content.
    pub(super) outer: usize,
    /// Its content without anchor and tag, with quotes and brackets; ends with its last leaf.
    pub(super) span: Range<usize>,
    /// The dash before it, if it is an item of a block sequence.
    pub(super) dash: usize,
    pub(super) context: Context,
    /// A template action writes some of it.
    pub(super) templated: bool,
    /// It, something around it or something in it has an anchor that aliases name.
    pub(super) is_shared: bool,
    pub(super) properties: Option<Box<Properties>>,
    pub(super) kind: Kind,
}

/// Readers of values see through aliases (`*name`) to what the anchor names, and take the keys that `<<` merges for the
/// map's own. Those that begin with `own_` see what is written here, as the editor does.
impl Node {
    /// Returns a node that is nothing yet.
    #[inline]
    pub(super) fn new(id: u32, span: Range<usize>) -> Self {
        Self {
            id,
            line: 1,
            outer: span.start,
            dash: span.start,
            span,
            context: Context::Block,
            templated: false,
            is_shared: false,
            properties: None,
            kind: Kind::Scalar {
                value: "".into(),
                style: Style::Empty,
            },
        }
    }

    /// Returns the line it begins on, from one; that of the alias, where it is one.
    pub fn line(&self) -> usize {
        self.line as usize
    }

    /// Returns the bytes of its content: quotes and brackets included, anchor, tag and comments after it excluded.
    pub fn range(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Returns the bytes where its value is written: its own, or those of what its alias names.
    pub(crate) fn written_range(&self) -> Range<usize> {
        self.content().span.clone()
    }

    /// Returns the value under this key, the last one if the key is there twice, as most readers do; its own before a
    /// merged one.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Kind::Map {
            entries,
            index,
            merges,
            ..
        } = &self.content().kind
        else {
            return None;
        };
        match index.find(entries, key) {
            Some(entry) if !merges || !entry.can_merge() => Some(&entry.value),
            None if *merges => {
                let merged = self.content().find_merged(key)?;
                Some(&merged.entry.value)
            }
            // A `<<` that brings keys is no key of the map itself.
            Some(_) | None => None,
        }
    }

    /// Returns the value at the end of this path.
    pub fn at(&self, path: &Path) -> Option<&Self> {
        path.steps().iter().try_fold(self, |node, step| match step {
            PathStep::Key(key) => node.get(key),
            PathStep::Index(index) => node.items().get(*index),
        })
    }

    /// Returns the text of a scalar: without quotes, `1.30` as it stands there, a template action as it is written; nothing
    /// where nothing is written.
    pub fn as_str(&self) -> Option<&str> {
        self.content().own_str()
    }

    /// Returns the items of a sequence, nothing for other nodes.
    pub fn items(&self) -> &[Self] {
        self.content().own_items()
    }

    /// Returns the entries of a map in order, merged ones last, as key text, key and value; keys which are no scalars are
    /// left out.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Self, &Self)> {
        let map = self.content();
        let merged = if map.has_merges() {
            map.merged_entries()
        } else {
            Vec::new()
        };
        let own = map.entry_list().iter().filter(|entry| !map.is_merge(entry));
        own.chain(merged.into_iter().map(|merged| merged.entry))
            .filter_map(Entry::named)
    }

    /// Returns whether it is a map with a key that is no scalar, or an empty one; [`Node::entries`] leaves such a key out.
    pub(crate) fn has_other_keys(&self) -> bool {
        let mut entries = self.content().entry_list().iter();
        entries.any(|entry| entry.key.as_str().is_none())
    }

    /// Returns where its members stand.
    pub(super) fn context_inside(&self) -> Context {
        if self.is_flow() {
            Context::Flow
        } else {
            Context::Block
        }
    }

    /// Returns whether it is written as a map or a sequence between braces or brackets.
    pub(crate) fn is_flow(&self) -> bool {
        match self.kind {
            Kind::Sequence { flow, .. } | Kind::Map { flow, .. } => flow,
            Kind::Scalar { .. } | Kind::Alias { .. } => false,
        }
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.content().kind, Kind::Map { .. })
    }

    pub fn is_seq(&self) -> bool {
        matches!(self.content().kind, Kind::Sequence { .. })
    }

    /// Returns whether it is a scalar, an empty one included.
    pub fn is_scalar(&self) -> bool {
        matches!(self.content().kind, Kind::Scalar { .. })
    }

    /// Returns whether it is a scalar without quotes, whose text readers may take for a number, a truth or a day.
    pub fn is_plain(&self) -> bool {
        self.content().style() == Some(Style::Plain)
    }

    /// Returns whether it is written as an alias (`*name`).
    pub(crate) fn is_alias(&self) -> bool {
        matches!(self.kind, Kind::Alias { .. })
    }

    /// Returns whether it is empty, `~` or a plain `null`.
    pub fn is_null(&self) -> bool {
        match &self.content().kind {
            Kind::Scalar { value, style } => match style {
                Style::Empty => true,
                Style::Plain => matches!(&**value, "~" | "null" | "Null" | "NULL"),
                Style::Single | Style::Double | Style::Block => false,
            },
            Kind::Alias { .. } | Kind::Sequence { .. } | Kind::Map { .. } => false,
        }
    }

    /// Returns whether a template action writes it or some of it.
    pub(crate) fn is_templated(&self) -> bool {
        self.content().templated
    }

    /// Returns whether another place shows it too: it, something around it or something in it has an anchor that an alias
    /// names. An edit here changes what is read there.
    pub fn is_shared(&self) -> bool {
        self.content().is_shared
    }

    /// Returns the items that are written here; nothing for an alias of a sequence.
    pub(crate) fn own_items(&self) -> &[Self] {
        match &self.kind {
            Kind::Sequence { items, .. } => items,
            Kind::Scalar { .. } | Kind::Alias { .. } | Kind::Map { .. } => &[],
        }
    }

    /// Returns the entries that are written here, as [`Node::entries`] does: `<<` among them, nothing for an alias of a map.
    pub(crate) fn own_entries(&self) -> impl Iterator<Item = (&str, &Self, &Self)> {
        self.entry_list().iter().filter_map(Entry::named)
    }

    /// Returns whether this key is written here: not merged, and not behind an alias.
    pub fn is_own(&self, key: &str) -> bool {
        let Kind::Map { entries, index, .. } = &self.kind else {
            return false;
        };
        match index.find(entries, key) {
            // Of several entries `<<` some may merge and others not.
            Some(found) if found.can_merge() => entries
                .iter()
                .any(|entry| entry.key.own_str() == Some(key) && !self.is_merge(entry)),
            found => found.is_some(),
        }
    }

    /// Returns where the value of an alias is written.
    pub fn origin(&self) -> Option<Origin<'_>> {
        let Kind::Alias { name, node, .. } = &self.kind else {
            return None;
        };
        let anchored = node.as_ref()?;
        Some(Origin {
            anchor: Some(name),
            line: anchored.line as usize,
        })
    }

    /// Returns where a key is written that this map has from others by `<<`.
    pub(crate) fn origin_of(&self, key: &str) -> Option<Origin<'_>> {
        let map = self.content();
        if map.is_own(key) || !map.has_merges() {
            return None;
        }
        let merged = map.find_merged(key)?;
        Some(merged.from.unwrap_or(Origin {
            anchor: None,
            line: merged.entry.key.line(),
        }))
    }

    /// Returns the node that an alias stands for, or itself.
    pub(super) fn content(&self) -> &Self {
        match &self.kind {
            Kind::Alias {
                node: Some(anchored),
                ..
            } => &anchored.node,
            Kind::Scalar { .. } | Kind::Alias { .. } | Kind::Sequence { .. } | Kind::Map { .. } => {
                self
            }
        }
    }

    /// Returns the text of a scalar that is written here.
    pub(super) fn own_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar {
                style: Style::Empty,
                ..
            }
            | Kind::Alias { .. }
            | Kind::Sequence { .. }
            | Kind::Map { .. } => None,
            Kind::Scalar { value, .. } => Some(value),
        }
    }

    pub(super) fn entry_list(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map { entries, .. } => entries,
            Kind::Scalar { .. } | Kind::Alias { .. } | Kind::Sequence { .. } => &[],
        }
    }

    /// Returns the first places of a key that is written here, two at most.
    pub(super) fn places_of_key(&self, key: &str) -> Vec<usize> {
        match &self.kind {
            Kind::Map { entries, index, .. } if entries.len() > KeyIndex::SMALL => {
                let places = index.places(entries, key).iter();
                // Two are enough to tell that a key is not the only one of its name.
                places.take(2).map(|place| *place as usize).collect()
            }
            Kind::Map { entries, .. } => {
                let places = 0..entries.len();
                let named = places.filter(|place| entries[*place].key.own_str() == Some(key));
                named.take(2).collect()
            }
            Kind::Scalar { .. } | Kind::Alias { .. } | Kind::Sequence { .. } => Vec::new(),
        }
    }

    pub(super) fn style(&self) -> Option<Style> {
        match &self.kind {
            Kind::Scalar { style, .. } => Some(*style),
            Kind::Alias { .. } | Kind::Sequence { .. } | Kind::Map { .. } => None,
        }
    }

    pub(super) fn has_tag(&self) -> bool {
        self.properties
            .as_ref()
            .is_some_and(|properties| properties.tag.is_some())
    }

    /// Moves this node and all nodes in it.
    pub(super) fn shift(&mut self, length: usize) {
        self.outer += length;
        self.dash += length;
        self.span.start += length;
        self.span.end += length;
        match &mut self.kind {
            Kind::Scalar { .. } | Kind::Alias { .. } => {}
            Kind::Sequence { items, .. } => items.iter_mut().for_each(|item| item.shift(length)),
            Kind::Map { entries, .. } => {
                for entry in entries {
                    entry.key.shift(length);
                    entry.value.shift(length);
                }
            }
        }
    }

    /// Calls `visit` for this node and all nodes in it, in the order of the text.
    pub(super) fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        match &self.kind {
            Kind::Scalar { .. } | Kind::Alias { .. } => {}
            Kind::Sequence { items, .. } => items.iter().for_each(|item| item.walk(visit)),
            Kind::Map { entries, .. } => {
                for entry in entries {
                    entry.key.walk(visit);
                    entry.value.walk(visit);
                }
            }
        }
    }
}

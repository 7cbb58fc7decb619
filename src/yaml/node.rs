//! A parsed value with its place in the text. Nodes are read here, never changed; see `edit.rs` for that.

use std::ops::Range;

use super::path::{Path, Step};

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

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Node,
    pub(super) value: Node,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Scalar { value: Box<str>, style: Style },
    Alias { name: Box<str>, target: usize },
    Sequence { items: Vec<Node>, flow: bool },
    Map { entries: Vec<Entry>, flow: bool },
}

/// The anchor and the tag before a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Properties {
    pub(super) anchor: Option<(usize, Box<str>)>,
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
    pub(super) in_flow: bool,
    /// A template action writes some of it.
    pub(super) templated: bool,
    pub(super) properties: Option<Box<Properties>>,
    pub(super) kind: Kind,
}

impl Node {
    /// Returns the line it begins on, from one.
    pub fn line(&self) -> usize {
        self.line as usize
    }

    /// Returns the bytes of its content: quotes and brackets included, anchor, tag and comments after it excluded.
    pub fn range(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Returns the value under this key, the last one if the key is there twice, as most readers do.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry_list()
            .iter()
            .rev()
            .find(|entry| entry.key.as_str() == Some(key))
            .map(|entry| &entry.value)
    }

    /// Returns the value at the end of this path.
    pub fn at(&self, path: &Path) -> Option<&Self> {
        path.steps().iter().try_fold(self, |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.items().get(*index),
        })
    }

    /// Returns the text of a scalar: without quotes, `1.30` as it stands there, a template action as it is written; nothing
    /// where nothing is written.
    pub fn as_str(&self) -> Option<&str> {
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

    /// Returns the items of a sequence, nothing for other nodes.
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::Sequence { items, .. } => items,
            Kind::Scalar { .. } | Kind::Alias { .. } | Kind::Map { .. } => &[],
        }
    }

    /// Returns the entries of a map in order, as key text, key and value; keys which are no scalars are left out.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Self, &Self)> {
        self.entry_list()
            .iter()
            .filter_map(|entry| Some((entry.key.as_str()?, &entry.key, &entry.value)))
    }

    /// Returns the items that are written here.
    pub fn own_items(&self) -> &[Self] {
        self.items()
    }

    /// Returns the entries that are written here.
    pub fn own_entries(&self) -> impl Iterator<Item = (&str, &Self, &Self)> {
        self.entries()
    }

    /// Returns whether it is a map with a key that is no scalar, or an empty one; [`Node::entries`] leaves such a key out.
    pub fn has_other_keys(&self) -> bool {
        let mut entries = self.entry_list().iter();
        entries.any(|entry| entry.key.as_str().is_none())
    }

    /// Returns whether it is a map or a sequence between braces or brackets.
    pub fn is_flow(&self) -> bool {
        match self.kind {
            Kind::Sequence { flow, .. } | Kind::Map { flow, .. } => flow,
            Kind::Scalar { .. } | Kind::Alias { .. } => false,
        }
    }

    /// Returns whether it is a map.
    pub fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map { .. })
    }

    /// Returns whether it is a sequence.
    pub fn is_seq(&self) -> bool {
        matches!(self.kind, Kind::Sequence { .. })
    }

    /// Returns whether it is a scalar, an empty one included.
    pub fn is_scalar(&self) -> bool {
        matches!(self.kind, Kind::Scalar { .. })
    }

    /// Returns whether it is a scalar without quotes, whose text readers may take for a number, a truth or a day.
    pub fn is_plain(&self) -> bool {
        self.style() == Some(Style::Plain)
    }

    /// Returns whether it is an alias (`*name`).
    pub fn is_alias(&self) -> bool {
        matches!(self.kind, Kind::Alias { .. })
    }

    /// Returns whether it is empty, `~` or a plain `null`.
    pub fn is_null(&self) -> bool {
        match &self.kind {
            Kind::Scalar { value, style } => match style {
                Style::Empty => true,
                Style::Plain => matches!(&**value, "~" | "null" | "Null" | "NULL"),
                Style::Single | Style::Double | Style::Block => false,
            },
            Kind::Alias { .. } | Kind::Sequence { .. } | Kind::Map { .. } => false,
        }
    }

    /// Returns whether a template action writes it or some of it.
    pub fn is_templated(&self) -> bool {
        self.templated
    }

    pub(super) fn entry_list(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map { entries, .. } => entries,
            Kind::Scalar { .. } | Kind::Alias { .. } | Kind::Sequence { .. } => &[],
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

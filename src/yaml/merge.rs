//! Aliases and merge keys: after a text is parsed, each alias learns what it stands for, and each map whether it merges others.
//! Values are shared, not copied: an alias costs a pointer, and a map that is merged again and again is looked at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::error::YamlError;
use super::node::{Anchored, Entry, Kind, Node, Origin, Style};
use super::spans::{NodeTree, line_breaks};

/// The most values that anchors may hold and aliases may show in one text. `serde_yaml` and Kubernetes have a limit like it; without one, nine
/// lines of ten aliases each show a billion values to whoever walks through them.
const MAX_SHOWN: usize = 500_000;

/// Connects the aliases of a tree with what they stand for.
pub(super) fn settle(tree: &mut NodeTree, text: &str) -> Result<(), YamlError> {
    // Most files have neither, and are spared the walk.
    if tree.aliased.is_empty() && !tree.merges {
        return Ok(());
    }
    let mut settler = Settler {
        text,
        aliased: tree.aliased.iter().copied().collect(),
        anchors: HashMap::new(),
        shown: 0,
    };
    for root in &mut tree.roots {
        settler.settle(root, false)?;
    }
    Ok(())
}

/// What is behind an anchor, and how many values it shows.
struct Known {
    anchored: Arc<Anchored>,
    shown: usize,
}

/// What [`Settler::settle`] says of a node.
#[derive(Debug, Clone, Copy, Default)]
struct Settled {
    /// How many values it shows, those behind aliases included.
    shown: usize,
    /// Something in it has an anchor that aliases name.
    holds_shared: bool,
}

impl Settled {
    fn add(&mut self, other: Self) {
        self.shown = self.shown.saturating_add(other.shown);
        self.holds_shared |= other.holds_shared;
    }
}

struct Settler<'t> {
    text: &'t str,
    /// The anchors that aliases name.
    aliased: HashSet<u32>,
    anchors: HashMap<u32, Known>,
    /// How many values all aliases so far show.
    shown: usize,
}

impl Settler<'_> {
    /// Settles a node after all nodes in it: an alias within its own anchor finds nothing and stays as it is.
    fn settle(&mut self, node: &mut Node, is_in_shared: bool) -> Result<Settled, YamlError> {
        let anchor = node
            .properties
            .as_ref()
            .and_then(|all| all.anchor.as_ref())
            .map(|(id, _)| *id)
            .filter(|id| self.aliased.contains(id));
        let is_shared = is_in_shared || anchor.is_some();
        let mut settled = Settled {
            shown: 1,
            holds_shared: is_shared,
        };
        let line = node.line();
        match &mut node.kind {
            Kind::Scalar { .. } => {}
            Kind::Alias { target, node, .. } => {
                if let Some(known) = self.anchors.get(target) {
                    let shown = known.shown;
                    *node = Some(known.anchored.clone());
                    settled.shown = settled.shown.saturating_add(shown);
                    self.count(shown, line)?;
                }
            }
            Kind::Sequence { items, .. } => {
                for item in items {
                    settled.add(self.settle(item, is_shared)?);
                }
            }
            Kind::Map {
                entries, merges, ..
            } => {
                for entry in &mut *entries {
                    settled.add(self.settle(&mut entry.key, is_shared)?);
                    settled.add(self.settle(&mut entry.value, is_shared)?);
                }
                // Only now, as the value of `<<` may be an alias, which is connected above.
                *merges = entries.iter().any(Entry::can_merge);
            }
        }
        node.is_shared = settled.holds_shared;
        if let Some(id) = anchor {
            // The copy below is made for each anchor around a value: anchors within anchors count as aliases do.
            self.count(settled.shown, line)?;
            let before = self.text.get(node.outer..node.span.start);
            let known = Known {
                anchored: Arc::new(Anchored {
                    line: node.line.saturating_sub(before.map_or(0, line_breaks)),
                    node: node.clone(),
                }),
                shown: settled.shown,
            };
            self.anchors.insert(id, known);
        }
        Ok(settled)
    }

    fn count(&mut self, shown: usize, line: usize) -> Result<(), YamlError> {
        self.shown = self.shown.saturating_add(shown);
        if self.shown > MAX_SHOWN {
            return Err(YamlError::TooMany {
                line,
                limit: MAX_SHOWN,
            });
        }
        Ok(())
    }
}

impl Entry {
    /// Returns whether it is a `<<` with a map or a list of maps.
    pub(super) fn can_merge(&self) -> bool {
        let items = self.value.items();
        let is_list = !items.is_empty() && items.iter().all(Node::is_map);
        self.key.is_merge_key() && (self.value.is_map() || is_list)
    }
}

/// An entry of a map that another one has by `<<`.
#[derive(Debug, Clone, Copy)]
pub(super) struct MergedEntry<'a> {
    pub(super) entry: &'a Entry,
    /// The anchor of the map in which it is written.
    pub(super) from: Option<Origin<'a>>,
}

impl Node {
    /// Returns whether it is a plain `<<`; in quotes it is a key as all others.
    pub(super) fn is_merge_key(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { value, style: Style::Plain } if &**value == "<<")
    }

    /// Returns whether this map has keys of others by `<<`.
    pub(super) fn has_merges(&self) -> bool {
        matches!(self.kind, Kind::Map { merges: true, .. })
    }

    /// Returns whether an entry of this map is a `<<` that brings keys.
    pub(super) fn is_merge(&self, entry: &Entry) -> bool {
        self.has_merges() && entry.can_merge()
    }

    /// Returns what this map has by `<<` under this key.
    pub(super) fn find_merged(&self, key: &str) -> Option<MergedEntry<'_>> {
        let mut found = self.merged_entries().into_iter();
        found.find(|merged| merged.entry.key.as_str() == Some(key))
    }

    /// Returns what this map has by `<<`: no key of its own, and of two maps with one key the entry of the first.
    pub(super) fn merged_entries(&self) -> Vec<MergedEntry<'_>> {
        let own = self
            .entry_list()
            .iter()
            .filter(|entry| !self.is_merge(entry));
        let mut merge = Merge {
            names: own.filter_map(|entry| entry.key.as_str()).collect(),
            maps: HashSet::from([self.id]),
            found: Vec::new(),
        };
        merge.take_merged(self);
        merge.found
    }
}

struct Merge<'a> {
    names: HashSet<&'a str>,
    /// The maps that have been looked at: a second look would find nothing new.
    maps: HashSet<u32>,
    found: Vec<MergedEntry<'a>>,
}

impl<'a> Merge<'a> {
    /// Takes the entries of all maps that this one merges.
    fn take_merged(&mut self, map: &'a Node) {
        for entry in map.entry_list().iter().filter(|entry| map.is_merge(entry)) {
            if entry.value.is_map() {
                self.take(&entry.value);
            }
            for item in entry.value.items() {
                self.take(item);
            }
        }
    }

    /// Takes the entries of a map whose keys are new, then those that it merges itself.
    fn take(&mut self, node: &'a Node) {
        let from = node.origin();
        let map = node.content();
        if !self.maps.insert(map.id) {
            return;
        }
        let first = self.found.len();
        // From the last on: of a key that stands twice the later one counts.
        for entry in map.entry_list().iter().rev() {
            if !map.is_merge(entry)
                && let Some(name) = entry.key.as_str()
                && self.names.insert(name)
            {
                self.found.push(MergedEntry { entry, from });
            }
        }
        self.found[first..].reverse();
        self.take_merged(map);
    }
}

//! Keys that stand twice in one map, as the parsers see them.

use std::collections::HashMap;

use super::node::{Entry, Kind, Node, Style};
use super::spans::NodeTree;

/// A key that its map has already.
#[derive(Debug, Clone, Copy)]
pub(super) struct RepeatedKey<'a> {
    /// How many of its name stand before it.
    pub(super) earlier: usize,
    pub(super) first: &'a Node,
    pub(super) later: &'a Node,
}

impl NodeTree {
    /// Returns each key of which the same map has an earlier one; `yaml` is the text that was read.
    pub(super) fn repeated_keys<'a>(&'a self, yaml: &str) -> Vec<RepeatedKey<'a>> {
        let mut repeated = Vec::new();
        for root in &self.roots {
            root.walk(&mut |node| repeated_in(node, yaml, &mut repeated));
        }
        repeated
    }
}

/// Up to how many keys of a map are compared one by one, which is cheaper than a table of them.
const FEW_KEYS: usize = 8;

fn repeated_in<'a>(node: &'a Node, yaml: &str, repeated: &mut Vec<RepeatedKey<'a>>) {
    let entries = node.entry_list();
    if !may_repeat(entries, yaml) {
        return;
    }
    let mut seen: HashMap<&str, (usize, &Node)> = HashMap::with_capacity(entries.len());
    for key in entries.iter().map(|entry| &entry.key) {
        let Some(name) = name_of(key, yaml) else {
            continue;
        };
        let (count, first) = seen.entry(name).or_insert((0, key));
        if *count > 0 {
            repeated.push(RepeatedKey {
                earlier: *count,
                first,
                later: key,
            });
        }
        *count += 1;
    }
}

fn may_repeat(entries: &[Entry], yaml: &str) -> bool {
    if entries.len() > FEW_KEYS {
        return true;
    }
    entries.iter().enumerate().any(|(place, entry)| {
        let name = name_of(&entry.key, yaml);
        let before = &entries[..place];
        name.is_some() && before.iter().any(|other| name_of(&other.key, yaml) == name)
    })
}

/// Returns the name of a key, as the parsers see it; nothing for one that is no scalar, or nothing at all.
fn name_of<'a>(key: &'a Node, yaml: &'a str) -> Option<&'a str> {
    match &key.kind {
        Kind::Scalar {
            style: Style::Empty,
            ..
        }
        | Kind::Alias { .. }
        | Kind::Sequence { .. }
        | Kind::Map { .. } => None,
        // `serde_yaml` reads the mask, in which different actions can be one word, and refuses the second of them.
        Kind::Scalar { .. } if key.templated => Some(&yaml[key.span.clone()]),
        Kind::Scalar { value, .. } => Some(value),
    }
}

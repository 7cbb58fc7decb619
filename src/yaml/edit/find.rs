//! The way from a root to a value, with everything that forbids an edit there. It changes nothing.

use std::ops::Range;

use crate::yaml::error::{RefusalReason, YamlError};
use crate::yaml::file::File;
use crate::yaml::node::{Context, Entry, Kind, Node, Origin, Style};
use crate::yaml::path::{Path, PathStep};
use crate::yaml::style::Model;

/// A value and the place of what leads to it: its key or its dash.
#[derive(Debug, Clone)]
pub(super) struct FoundNode<'a> {
    pub(super) node: &'a Node,
    pub(super) lead: usize,
    /// The ids of all nodes on the way, this one included.
    pub(super) trail: Vec<u32>,
}

pub(super) fn refuse(node: &Node, path: &Path, reason: RefusalReason) -> YamlError {
    YamlError::Refused {
        line: node.line(),
        path: path.to_string(),
        reason,
    }
}

pub(super) fn not_found(near: &Node, path: &Path) -> YamlError {
    YamlError::NotFound {
        line: near.line(),
        path: path.to_string(),
    }
}

/// Says where the value of an alias is written.
pub(super) fn elsewhere(alias: &Node, path: &Path) -> YamlError {
    match alias.origin() {
        Some(origin) => written_at(alias, path, origin),
        None => refuse(alias, path, RefusalReason::Alias),
    }
}

/// Says that a map has no such key of its own, or from where it has it.
pub(super) fn missing_key(map: &Node, key: &str, path: &Path) -> YamlError {
    if map.is_alias() {
        return elsewhere(map, path);
    }
    match map.origin_of(key) {
        Some(origin) => written_at(map, path, origin),
        None => not_found(map, path),
    }
}

fn written_at(node: &Node, path: &Path, origin: Origin<'_>) -> YamlError {
    YamlError::Elsewhere {
        line: node.line(),
        path: path.to_string(),
        anchor: origin.anchor.map(str::to_owned),
        written_on: origin.line,
    }
}

/// Follows `path` from `root`; `base` is the path of `root`, for messages.
pub(super) fn find<'a>(
    root: &'a Node,
    base: &Path,
    path: &Path,
) -> Result<FoundNode<'a>, YamlError> {
    let mut node = root;
    let mut lead = root.outer;
    let mut trail = vec![root.id];
    for step in path.steps() {
        if node.is_alias() {
            return Err(elsewhere(node, &base.join(path)));
        }
        let next = match step {
            PathStep::Index(index) => node.own_items().get(*index).map(|item| (item, item.dash)),
            PathStep::Key(key) => unique_entry(node, key)?.map(|place| {
                let entry = &node.entry_list()[place];
                (&entry.value, entry.key.outer)
            }),
        };
        (node, lead) = next.ok_or_else(|| match step {
            PathStep::Index(_) => not_found(node, &base.join(path)),
            PathStep::Key(key) => missing_key(node, key, &base.join(path)),
        })?;
        trail.push(node.id);
    }
    Ok(FoundNode { node, lead, trail })
}

/// Returns the place of the only entry with this key.
pub(super) fn unique_entry(map: &Node, key: &str) -> Result<Option<usize>, YamlError> {
    let entries = map.entry_list();
    match map.places_of_key(key)[..] {
        [] => Ok(None),
        [only] => Ok(Some(only)),
        [first, later, ..] => Err(YamlError::Duplicate {
            key: key.to_owned(),
            line: entries[later].key.line(),
            first_line: entries[first].key.line(),
        }),
    }
}

/// Returns the style of a scalar that may be replaced.
pub(super) fn writable<'a>(node: &'a Node, path: &Path) -> Result<Model<'a>, YamlError> {
    if node.is_alias() {
        return Err(elsewhere(node, path));
    }
    model_of(node).map_err(|reason| refuse(node, path, reason))
}

pub(super) fn model_of(node: &Node) -> Result<Model<'_>, RefusalReason> {
    let Kind::Scalar { value, style } = &node.kind else {
        return Err(RefusalReason::NotScalar);
    };
    if node.templated {
        return Err(RefusalReason::Template);
    }
    // A tag says what the text means, so that another text may not mean anything.
    if node.has_tag() {
        return Err(RefusalReason::Tag);
    }
    match style {
        Style::Block => Err(RefusalReason::BlockScalar),
        Style::Empty => Err(RefusalReason::EmptyValue),
        Style::Plain | Style::Single | Style::Double => Ok(Model {
            style: *style,
            value,
            context: node.context,
        }),
    }
}

/// Returns whether every action in this range only writes scalars of this node.
pub(super) fn actions_fit(file: &File, node: &Node, range: &Range<usize>) -> bool {
    if !file.template.touches(range) {
        return true;
    }
    let mut inside = Vec::new();
    node.walk(&mut |node| {
        if node.templated {
            inside.extend(file.template.within(&node.span));
        }
    });
    file.template
        .within(range)
        .all(|action| inside.contains(&action))
}

/// Returns whether all these places lie in one template block.
pub(super) fn one_block(file: &File, places: &[usize]) -> bool {
    let mut blocks = places.iter().map(|place| file.template.block_at(*place));
    let first = blocks.next();
    blocks.all(|block| Some(block) == first)
}

/// The bytes of one member of a collection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Extent {
    pub(super) fn of_item(item: &Node) -> Self {
        Self {
            start: match item.context {
                Context::Block => item.dash,
                Context::Flow => item.outer,
            },
            end: item.span.end,
        }
    }

    pub(super) fn of_entry(entry: &Entry) -> Self {
        Self {
            start: entry.key.outer,
            end: entry.value.span.end.max(entry.key.span.end),
        }
    }
}

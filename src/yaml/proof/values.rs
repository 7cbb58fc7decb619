//! The proof of the second parser, `serde_yaml`: its view of the new text is the old tree with the changes. It never looks
//! at positions.

use std::collections::HashMap;

use serde_yaml::Value;

use super::same_members;
use crate::yaml::change::{Changes, DOCUMENTS, Expected, Fresh, NewContent};
use crate::yaml::error::FailedProof;
use crate::yaml::file::File;
use crate::yaml::node::{Kind, Node, Style};
use crate::yaml::style::NewScalar;

/// Compares the values of the new text with the old tree; where the parsers see the old text differently, with its values.
pub(super) fn prove(old: &File, changes: &Changes<'_>, new: &File) -> Result<(), FailedProof> {
    let new_values = new.values()?;
    let roots = old.documents();
    let expected = changes.members(DOCUMENTS, roots.iter().map(|root| root.id));
    let mut proof = ValueProof {
        anchors: HashMap::new(),
        changes,
    };
    for root in roots {
        proof.learn_anchors(root);
    }
    let as_tree = same_members(&expected, new_values, |member, new| match member {
        Expected::Kept(place) => proof.reads(&roots[*place], changes, new),
        Expected::Fresh(fresh) => proof.reads_fresh(fresh, new),
    });
    if as_tree {
        return Ok(());
    }
    // Only now, as a second parse takes its time: tags and actions alone have values that the tree does not tell.
    let old_values = old.values()?;
    if old_values.len() != roots.len() {
        return Err(FailedProof::Documents);
    }
    let old_members = OldMembers {
        nodes: roots,
        values: old_values,
    };
    let as_values = same_members(&expected, new_values, |member, new| match member {
        Expected::Kept(place) => proof.same(&roots[*place], &old_values[*place], changes, new),
        Expected::Fresh(fresh) => proof.same_fresh(fresh, old_members, new),
    });
    if as_values {
        return Ok(());
    }
    Err(FailedProof::Values)
}

/// The old members of a container that a new one may be a copy of, with their values.
#[derive(Clone, Copy, Default)]
struct OldMembers<'a> {
    nodes: &'a [Node],
    values: &'a [Value],
}

impl<'a> OldMembers<'a> {
    fn find(self, id: u32) -> Option<&'a Value> {
        let place = self.nodes.iter().position(|node| node.id == id)?;
        self.values.get(place)
    }
}

/// Compares values of the second parser; the old nodes only show where the changes belong.
struct ValueProof<'a> {
    anchors: HashMap<u32, &'a Node>,
    /// The changes of the file, which aliases show wherever they stand.
    changes: &'a Changes<'a>,
}

impl<'a> ValueProof<'a> {
    fn learn_anchors(&mut self, root: &'a Node) {
        root.walk(&mut |node| {
            if let Some((id, _)) = node.properties.as_ref().and_then(|all| all.anchor.as_ref()) {
                self.anchors.insert(*id, node);
            }
        });
    }

    /// Returns whether a value is a node with its changes, as the first parser read it. Untouched plain scalars may be of
    /// any kind, which their unchanged text decides; tags and template values are left to [`Self::same`].
    fn reads(&self, node: &Node, changes: &Changes<'_>, new: &Value) -> bool {
        if node.templated || node.has_tag() {
            return false;
        }
        match &node.kind {
            Kind::Alias { target, .. } => match self.anchors.get(target) {
                Some(target) => self.reads(target, self.changes, new),
                None => false,
            },
            Kind::Scalar { value, style } => match (changes.scalars.get(&node.id), new) {
                (Some(written), _) => same_written(written, new),
                (None, Value::String(text)) => *style != Style::Empty && **value == **text,
                (None, Value::Null) => matches!(style, Style::Plain | Style::Empty),
                (None, Value::Bool(_) | Value::Number(_)) => *style == Style::Plain,
                (None, Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_)) => false,
            },
            Kind::Sequence { items, .. } => {
                let Value::Sequence(new) = new else {
                    return false;
                };
                let expected = changes.members(node.id, items.iter().map(|item| item.id));
                same_members(&expected, new, |member, new| match member {
                    Expected::Kept(place) => self.reads(&items[*place], changes, new),
                    Expected::Fresh(fresh) => self.reads_fresh(fresh, new),
                })
            }
            Kind::Map { entries, .. } => {
                let Value::Mapping(new) = new else {
                    return false;
                };
                let new_entries: Vec<(&Value, &Value)> = new.iter().collect();
                let ids = entries.iter().map(|entry| entry.value.id);
                let expected = changes.members(node.id, ids);
                same_members(
                    &expected,
                    &new_entries,
                    |member, (key, value)| match member {
                        Expected::Kept(place) => {
                            self.reads(&entries[*place].key, changes, key)
                                && self.reads(&entries[*place].value, changes, value)
                        }
                        Expected::Fresh(fresh) => {
                            let written = fresh.key.as_ref();
                            written.is_some_and(|written| same_written(written, key))
                                && self.reads_fresh(fresh, value)
                        }
                    },
                )
            }
        }
    }

    fn reads_fresh(&self, fresh: &Fresh<'_>, new: &Value) -> bool {
        match &fresh.content {
            NewContent::Scalar(written) => same_written(written, new),
            NewContent::Copy(like, changes) => self.reads(like, changes, new),
        }
    }

    fn same(&self, node: &Node, old: &Value, changes: &Changes<'_>, new: &Value) -> bool {
        let (old, new) = match (old, new) {
            (Value::Tagged(old), Value::Tagged(new)) if old.tag == new.tag => {
                (&old.value, &new.value)
            }
            pair => pair,
        };
        match &node.kind {
            Kind::Alias { target, .. } => match self.anchors.get(target) {
                Some(target) => self.same(target, old, self.changes, new),
                None => false,
            },
            Kind::Scalar { .. } => match changes.scalars.get(&node.id) {
                Some(written) => same_written(written, new),
                None => old == new,
            },
            Kind::Sequence { items, .. } => {
                let (Value::Sequence(old), Value::Sequence(new)) = (old, new) else {
                    return false;
                };
                let expected = changes.members(node.id, items.iter().map(|item| item.id));
                let old_members = OldMembers {
                    nodes: items,
                    values: old,
                };
                old.len() == items.len()
                    && same_members(&expected, new, |member, new| match member {
                        Expected::Kept(place) => {
                            self.same(&items[*place], &old[*place], changes, new)
                        }
                        Expected::Fresh(fresh) => self.same_fresh(fresh, old_members, new),
                    })
            }
            Kind::Map { .. } => self.same_map(node, old, changes, new),
        }
    }

    fn same_map(&self, node: &Node, old: &Value, changes: &Changes<'_>, new: &Value) -> bool {
        let (Value::Mapping(old), Value::Mapping(new)) = (old, new) else {
            return false;
        };
        let entries = node.entry_list();
        let old_entries: Vec<(&Value, &Value)> = old.iter().collect();
        let new_entries: Vec<(&Value, &Value)> = new.iter().collect();
        let expected = changes.members(node.id, entries.iter().map(|entry| entry.value.id));
        old_entries.len() == entries.len()
            && same_members(
                &expected,
                &new_entries,
                |member, (new_key, new_value)| match member {
                    Expected::Kept(place) => {
                        let (old_key, old_value) = old_entries[*place];
                        self.same(&entries[*place].key, old_key, changes, new_key)
                            && self.same(&entries[*place].value, old_value, changes, new_value)
                    }
                    Expected::Fresh(fresh) => {
                        let key = fresh.key.as_ref();
                        key.is_some_and(|key| same_written(key, new_key))
                            // A new key has a scalar of its own, and is no copy of another entry.
                            && self.same_fresh(fresh, OldMembers::default(), new_value)
                    }
                },
            )
    }

    fn same_fresh(&self, fresh: &Fresh<'_>, old: OldMembers<'_>, new: &Value) -> bool {
        match &fresh.content {
            NewContent::Scalar(written) => same_written(written, new),
            NewContent::Copy(like, changes) => {
                let value = old.find(like.id);
                value.is_some_and(|value| self.same(like, value, changes, new))
            }
        }
    }
}

fn same_written(written: &NewScalar, new: &Value) -> bool {
    match written.style {
        Style::Plain => {
            // Whether a plain scalar is a text or a number, the same parser has to say for both.
            serde_yaml::from_str::<Value>(&written.source).is_ok_and(|value| value == *new)
        }
        Style::Single | Style::Double | Style::Block | Style::Empty => {
            new.as_str() == Some(&written.value)
        }
    }
}

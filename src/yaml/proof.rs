//! Proves that a new text is the old one with the intended changes, with two parsers that share no code. It repairs nothing:
//! what is not proved is refused.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde::Deserialize as _;
use serde_yaml::Value;

use super::change::{Changes, Content, DOCUMENTS, Expected, Fresh};
use super::file::File;
use super::node::{Kind, Node, Style};
use super::style::Written;

/// Checks the new text against the old file and the changes; the error says which proof failed.
pub(super) fn prove(old: &File, changes: &Changes<'_>, new_text: &str) -> Result<(), String> {
    let new = File::parse_as(new_text, old.mode)
        .map_err(|error| format!("the result does not parse ({error})"))?;
    if !same_documents(old, changes, &new) {
        return Err("the result differs from the intended tree".to_owned());
    }
    let old_values = values(old)?;
    let new_values = values(&new)?;
    let roots = old.documents();
    if old_values.len() != roots.len() {
        return Err("the parsers count different documents".to_owned());
    }
    let expected = changes.members(DOCUMENTS, roots.iter().map(|root| root.id));
    let mut proof = ValueProof {
        anchors: HashMap::new(),
        changes,
    };
    for root in roots {
        proof.learn_anchors(root);
    }
    let equal = expected.len() == new_values.len()
        && expected
            .iter()
            .zip(&new_values)
            .all(|(member, new)| match member {
                Expected::Kept(place) => {
                    proof.same(&roots[*place], &old_values[*place], changes, new)
                }
                Expected::Fresh(fresh) => {
                    proof.same_fresh(fresh, &|id| document_value(roots, &old_values, id), new)
                }
            });
    if equal {
        Ok(())
    } else {
        Err("the second parser disagrees about the values".to_owned())
    }
}

fn document_value<'v>(roots: &[Node], values: &'v [Value], id: u32) -> Option<&'v Value> {
    let place = roots.iter().position(|root| root.id == id)?;
    values.get(place)
}

fn same_documents(old: &File, changes: &Changes<'_>, new: &File) -> bool {
    let roots = old.documents();
    let expected = changes.members(DOCUMENTS, roots.iter().map(|root| root.id));
    same_members(&expected, new.documents(), |member, new| match member {
        Expected::Kept(place) => same_node(&roots[*place], changes, new),
        Expected::Fresh(fresh) => same_fresh(fresh, new),
    })
}

fn same_members<E, N>(expected: &[E], new: &[N], same: impl Fn(&E, &N) -> bool) -> bool {
    expected.len() == new.len()
        && expected
            .iter()
            .zip(new)
            .all(|(member, new)| same(member, new))
}

fn same_node(old: &Node, changes: &Changes<'_>, new: &Node) -> bool {
    let anchor = |node: &Node| {
        let properties = node.properties.as_ref()?;
        let anchor = properties.anchor.as_ref().map(|(_, name)| name.clone());
        Some((anchor, properties.tag.clone()))
    };
    if anchor(old) != anchor(new) {
        return false;
    }
    match (&old.kind, &new.kind) {
        (
            Kind::Scalar { value, style },
            Kind::Scalar {
                value: new_value,
                style: new_style,
            },
        ) => match changes.scalars.get(&old.id) {
            Some(written) => *written.value == **new_value && written.style == *new_style,
            None => value == new_value && style == new_style,
        },
        (Kind::Alias { name, .. }, Kind::Alias { name: new_name, .. }) => name == new_name,
        (
            Kind::Sequence { items, flow },
            Kind::Sequence {
                items: new_items,
                flow: new_flow,
            },
        ) => {
            let expected = changes.members(old.id, items.iter().map(|item| item.id));
            flow == new_flow
                && same_members(&expected, new_items, |member, new| match member {
                    Expected::Kept(place) => same_node(&items[*place], changes, new),
                    Expected::Fresh(fresh) => same_fresh(fresh, new),
                })
        }
        (
            Kind::Map { entries, flow },
            Kind::Map {
                entries: new_entries,
                flow: new_flow,
            },
        ) => {
            let expected = changes.members(old.id, entries.iter().map(|entry| entry.value.id));
            flow == new_flow
                && same_members(&expected, new_entries, |member, new| match member {
                    Expected::Kept(place) => {
                        same_node(&entries[*place].key, changes, &new.key)
                            && same_node(&entries[*place].value, changes, &new.value)
                    }
                    Expected::Fresh(fresh) => {
                        let key = fresh.key.as_ref();
                        key.is_some_and(|key| same_scalar(key, &new.key))
                            && same_fresh(fresh, &new.value)
                    }
                })
        }
        (
            Kind::Scalar { .. } | Kind::Alias { .. } | Kind::Sequence { .. } | Kind::Map { .. },
            _,
        ) => false,
    }
}

fn same_fresh(fresh: &Fresh<'_>, new: &Node) -> bool {
    match &fresh.content {
        Content::Scalar(written) => same_scalar(written, new),
        Content::Copy(like, changes) => same_node(like, changes, new),
    }
}

fn same_scalar(written: &Written, new: &Node) -> bool {
    new.properties.is_none()
        && matches!(&new.kind, Kind::Scalar { value, style }
            if **value == *written.value && *style == written.style)
}

/// Reads the values of all documents with the second parser, later keys of one name renamed alike in old and new text.
fn values(file: &File) -> Result<Vec<Value>, String> {
    let yaml = file.yaml();
    let yaml = yaml.strip_prefix('\u{feff}').unwrap_or(yaml);
    let skipped = file.yaml().len() - yaml.len();
    let repeated = file.repeated_keys();
    let renamed;
    let text = if repeated.is_empty() {
        yaml
    } else {
        renamed = rename_repeated(yaml, skipped, &repeated);
        &renamed
    };
    if file.documents().is_empty() {
        return Ok(Vec::new());
    }
    serde_yaml::Deserializer::from_str(text)
        .map(Value::deserialize)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the second parser refuses the file ({error})"))
}

fn rename_repeated(yaml: &str, skipped: usize, repeated: &[(usize, &Node, &Node)]) -> String {
    let mut keys: Vec<(usize, usize)> = repeated
        .iter()
        .map(|(count, _, key)| {
            let quoted = matches!(key.style(), Some(Style::Single | Style::Double));
            (key.span.end - usize::from(quoted) - skipped, *count)
        })
        .collect();
    keys.sort_unstable();
    let mut renamed = String::with_capacity(yaml.len() + 16 * keys.len());
    let mut from = 0;
    for (end, count) in keys {
        renamed.push_str(&yaml[from..end]);
        let _ = write!(renamed, ".repeated{count}");
        from = end;
    }
    renamed.push_str(&yaml[from..]);
    renamed
}

/// Compares values of the second parser; the old nodes only show where the changes belong.
struct ValueProof<'a> {
    anchors: HashMap<usize, &'a Node>,
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
                let find = |id: u32| {
                    let place = items.iter().position(|item| item.id == id)?;
                    old.get(place)
                };
                old.len() == items.len()
                    && same_members(&expected, new, |member, new| match member {
                        Expected::Kept(place) => {
                            self.same(&items[*place], &old[*place], changes, new)
                        }
                        Expected::Fresh(fresh) => self.same_fresh(fresh, &find, new),
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
        let old: Vec<(&Value, &Value)> = old.iter().collect();
        let new: Vec<(&Value, &Value)> = new.iter().collect();
        let expected = changes.members(node.id, entries.iter().map(|entry| entry.value.id));
        old.len() == entries.len()
            && same_members(
                &expected,
                &new,
                |member, (new_key, new_value)| match member {
                    Expected::Kept(place) => {
                        let (old_key, old_value) = old[*place];
                        self.same(&entries[*place].key, old_key, changes, new_key)
                            && self.same(&entries[*place].value, old_value, changes, new_value)
                    }
                    Expected::Fresh(fresh) => {
                        let key = fresh.key.as_ref();
                        key.is_some_and(|key| same_written(key, new_key))
                            && self.same_fresh(fresh, &|_| None, new_value)
                    }
                },
            )
    }

    fn same_fresh<'v>(
        &self,
        fresh: &Fresh<'_>,
        old: &dyn Fn(u32) -> Option<&'v Value>,
        new: &Value,
    ) -> bool {
        match &fresh.content {
            Content::Scalar(written) => same_written(written, new),
            Content::Copy(like, changes) => {
                old(like.id).is_some_and(|value| self.same(like, value, changes, new))
            }
        }
    }
}

fn same_written(written: &Written, new: &Value) -> bool {
    match written.style {
        Style::Plain => {
            serde_yaml::from_str::<Value>(&written.source).is_ok_and(|value| value == *new)
        }
        Style::Single | Style::Double | Style::Block | Style::Empty => {
            new.as_str() == Some(&written.value)
        }
    }
}

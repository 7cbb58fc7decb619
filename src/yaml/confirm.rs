//! What `serde_yaml` says of a tree that the second reader made: the same values, or the tree is not used. It knows no
//! changes.

use std::collections::HashMap;

use serde_yaml::Value;

use super::node::{Kind, Node, Style};
use super::serde_values;
use super::spans::{NodeTree, SourceText};

/// Returns whether `serde_yaml` reads a text, and the values of the tree in it.
pub(super) fn confirm(source: &SourceText<'_>, tree: &NodeTree) -> bool {
    let repeated = tree.repeated_keys(source.text);
    let Ok(values) = serde_values::read(source.text, tree, &repeated, 0) else {
        return false;
    };
    let mut anchors = HashMap::new();
    for root in &tree.roots {
        root.walk(&mut |node| {
            if let Some((id, _)) = node.properties.as_ref().and_then(|all| all.anchor.as_ref()) {
                anchors.insert(*id, node);
            }
        });
    }
    let agreement = Agreement { anchors };
    agreement.all(&tree.roots, &values)
}

struct Agreement<'a> {
    anchors: HashMap<u32, &'a Node>,
}

impl Agreement<'_> {
    fn all(&self, nodes: &[Node], values: &[Value]) -> bool {
        nodes.len() == values.len()
            && nodes
                .iter()
                .zip(values)
                .all(|(node, value)| self.is(node, value))
    }

    fn is(&self, node: &Node, value: &Value) -> bool {
        // What a tag makes of a value is the reader's business; both see the same tag.
        if let Value::Tagged(tagged) = value {
            return self.is(node, &tagged.value);
        }
        match &node.kind {
            // `serde_yaml` has put the value in the place of its alias.
            Kind::Alias { target, .. } => self
                .anchors
                .get(target)
                .is_some_and(|target| self.is(target, value)),
            Kind::Scalar { value: text, style } => match value {
                Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => false,
                // A tag may make anything of a text, and an action stands in it as it is written.
                _ if node.templated || node.has_tag() => true,
                Value::String(read) => *style != Style::Empty && **text == **read,
                Value::Null => matches!(style, Style::Plain | Style::Empty),
                Value::Bool(_) | Value::Number(_) => *style == Style::Plain,
            },
            Kind::Sequence { items, .. } => value
                .as_sequence()
                .is_some_and(|values| self.all(items, values)),
            Kind::Map { entries, .. } => value.as_mapping().is_some_and(|values| {
                entries.len() == values.len()
                    && entries.iter().zip(values).all(|(entry, (key, value))| {
                        self.is_key(&entry.key, key) && self.is(&entry.value, value)
                    })
            }),
        }
    }

    /// Returns whether a key is the one that was read, or renamed as the second of its name.
    fn is_key(&self, key: &Node, read: &Value) -> bool {
        self.is(key, read) || is_renamed(key, read) == Some(true)
    }
}

fn is_renamed(key: &Node, read: &Value) -> Option<bool> {
    let added = read.as_str()?.strip_prefix(key.own_str()?)?;
    Some(added.starts_with(serde_values::REPEATED))
}

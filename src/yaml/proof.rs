//! Proves that a new text is the old one with the intended changes, with two parsers that share no code. It repairs nothing:
//! what is not proved is refused.

mod values;

use std::ops::Range;
use std::sync::Arc;

use super::change::{Changes, DOCUMENTS, Expected, Fresh, NewContent};
use super::error::FailedProof;
use super::file::File;
use super::known::KnownTexts;
use super::node::{Kind, Node};
use super::style::NewScalar;

/// Checks the new text against the old file and the changes, and returns it parsed; the error says which proof failed. A text that is
/// known is not read again by either parser, and compared all the same.
pub(super) fn prove(
    old: &File,
    changes: &Changes<'_>,
    new_text: String,
    known: &KnownTexts,
) -> Result<Arc<File>, FailedProof> {
    let new = known
        .parse(&new_text.into())
        .map_err(|error| FailedProof::Unreadable(Box::new(error)))?;
    if new.mode != old.mode {
        return Err(FailedProof::OtherReading);
    }
    if !same_documents(old, changes, &new) {
        return Err(FailedProof::Tree);
    }
    values::prove(old, changes, &new)?;
    Ok(new)
}

/// Returns whether every byte outside the edited ranges is still there, in order; the line break at the end may move.
pub(super) fn keeps_outside(old: &str, edited: &[Range<usize>], new: &str) -> bool {
    let mut from = 0;
    let mut kept = 0;
    for (place, range) in edited.iter().enumerate() {
        let Some(piece) = old.get(kept..range.start) else {
            return false;
        };
        let rest = &new[from..];
        // Where the last line leaves a text without a final line break, the line break before it goes, too.
        let without_break = piece.trim_end_matches(['\r', '\n']);
        let end = [piece, without_break].into_iter().find_map(|piece| {
            // The first piece stands at the beginning, and to look for a long one elsewhere takes its time.
            let start = match place {
                0 => rest.starts_with(piece).then_some(0),
                _ => rest.find(piece),
            };
            Some(start? + piece.len())
        });
        let Some(end) = end else {
            return false;
        };
        from += end;
        kept = range.end;
    }
    // At the end and not from here on: what was put in may hold a copy of the last piece.
    new[from..].ends_with(&old[kept..])
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
    if anchor_and_tag(old) != anchor_and_tag(new) {
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
        // What the anchor names is compared where it stands.
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
            Kind::Map { entries, flow, .. },
            Kind::Map {
                entries: new_entries,
                flow: new_flow,
                ..
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

fn anchor_and_tag(node: &Node) -> Option<(Option<&str>, Option<&str>)> {
    let properties = node.properties.as_ref()?;
    let anchor = properties.anchor.as_ref().map(|(_, name)| &**name);
    Some((anchor, properties.tag.as_deref()))
}

fn same_fresh(fresh: &Fresh<'_>, new: &Node) -> bool {
    match &fresh.content {
        NewContent::Scalar(written) => same_scalar(written, new),
        NewContent::Copy(like, changes) => same_node(like, changes, new),
    }
}

fn same_scalar(written: &NewScalar, new: &Node) -> bool {
    new.properties.is_none()
        && matches!(&new.kind, Kind::Scalar { value, style }
            if **value == *written.value && *style == written.style)
}

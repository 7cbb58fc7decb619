//! What an entry of a list says of its image beside the fields of its form: every value that carries the version, the URL or the
//! checksum goes with them.

use super::{Document, Fault, names};
use crate::catalog::NodeImage;
use crate::stack::facts::{FaultKind, ImageListEntry};
use crate::stack::group::Algorithm;
use crate::yaml::{Node, Path};

/// Returns the lines of a node's values.
pub(super) fn lines_of(node: &Node) -> Vec<usize> {
    let below = node.own_items().iter().flat_map(lines_of);
    let entries = node.own_entries();
    let of_entries = entries.flat_map(|(_, _, value)| lines_of(value));
    std::iter::once(node.line())
        .chain(below)
        .chain(of_entries)
        .collect()
}

/// Returns what else an entry says of its image beside what is written anew: its version, its URL or its checksum in another place.
/// A value that would stay about the old image is a fault.
pub(super) fn beside(
    file: &Document,
    item: &Node,
    entry: &ImageListEntry,
    image: &NodeImage,
    written: &[(Path, String)],
) -> Result<Vec<(Path, String)>, Fault> {
    let mut found = Vec::new();
    scalars_below(item, &Path::root(), &mut found);
    let mut changes = Vec::new();
    for Scalar { path, node, text } in found {
        let is_written = written.iter().any(|(place, _)| *place == path);
        // The identifier is another image's then, and is taken out.
        if is_written || path == super::keys(&["id"]) {
            continue;
        }
        let algorithm = Algorithm::of_sum(text);
        let new = match algorithm {
            _ if entry.url.as_deref() == Some(text) => Some(image.url.clone()),
            Some(algorithm) => algorithm.sum_of(image, text),
            None => Some(names::respell(text, entry, image)),
        };
        match new {
            Some(new) if algorithm.is_some() || new != text => changes.push((path, new)),
            Some(_) => {}
            None => {
                let message = format!(
                    "`{text}` is of the image of {}, and the source of {} gives no such checksum",
                    entry.version, image.version
                );
                let hint = "add the new entry by hand, or take the value out";
                return Err(Fault {
                    kind: FaultKind::Unmovable,
                    ..Fault::new(file.path(), node.line(), message, hint)
                });
            }
        }
    }
    Ok(changes)
}

struct Scalar<'n> {
    path: Path,
    node: &'n Node,
    text: &'n str,
}

/// Collects the scalars that stand in a node itself: what an alias shows is written elsewhere.
fn scalars_below<'n>(node: &'n Node, path: &Path, found: &mut Vec<Scalar<'n>>) {
    for (index, item) in node.own_items().iter().enumerate() {
        scalars_below(item, &path.clone().index(index), found);
    }
    for (key, _, value) in node.own_entries() {
        scalars_below(value, &path.clone().key(key), found);
    }
    if let (true, Some(text)) = (node.is_scalar() && !node.is_alias(), node.as_str()) {
        found.push(Scalar {
            path: path.clone(),
            node,
            text,
        });
    }
}

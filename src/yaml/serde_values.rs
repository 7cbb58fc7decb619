//! The values of a text as `serde_yaml` reads them. It knows no changes.

use std::fmt::Write as _;

use serde::Deserialize as _;
use serde_yaml::Value;

use super::error::FailedProof;
use super::node::Style;
use super::repeated::RepeatedKey;
use super::spans::NodeTree;

/// What is added to the name of a key that stands twice, before its number.
pub(super) const REPEATED: &str = ".repeated";

/// Reads the values of all documents with the second parser, later keys of one name renamed alike in old and new text.
/// The places of the tree count from this many bytes before the text.
pub(super) fn read(
    yaml: &str,
    tree: &NodeTree,
    repeated: &[RepeatedKey<'_>],
    skipped: usize,
) -> Result<Vec<Value>, FailedProof> {
    // `serde_yaml` finds a document in an empty text, the readers of trees find none.
    if tree.roots.is_empty() {
        return Ok(Vec::new());
    }
    let renamed;
    // `serde_yaml` refuses a map with one key twice, which an edit elsewhere in the file need not care about.
    let text = if repeated.is_empty() {
        yaml
    } else {
        renamed = rename_repeated(yaml, skipped, repeated);
        &renamed
    };
    serde_yaml::Deserializer::from_str(text)
        .map(Value::deserialize)
        .collect::<Result<_, _>>()
        .map_err(|error| FailedProof::Refused(error.to_string()))
}

fn rename_repeated(yaml: &str, skipped: usize, repeated: &[RepeatedKey<'_>]) -> String {
    let mut keys: Vec<(usize, usize)> = repeated
        .iter()
        .map(|key| {
            // Inside the closing quote, so that what is added becomes part of the key.
            let quoted = matches!(key.later.style(), Some(Style::Single | Style::Double));
            let end = key.later.span.end - usize::from(quoted) - skipped;
            (end, key.earlier)
        })
        .collect();
    keys.sort_unstable();
    let mut renamed = String::with_capacity(yaml.len() + 16 * keys.len());
    let mut from = 0;
    for (end, count) in keys {
        renamed.push_str(&yaml[from..end]);
        let _ = write!(renamed, "{REPEATED}{count}");
        from = end;
    }
    renamed.push_str(&yaml[from..]);
    renamed
}

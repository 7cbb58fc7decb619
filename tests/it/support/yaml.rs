//! What `serde_yaml` says of a text before and after an edit, for tests that check edits without the library's own proofs.

use csctl_matrix::yaml::{Node, Path, PathStep};
use serde::Deserialize as _;
use serde_yaml::Value;

/// Returns every scalar with its path; values below a doubled or odd key are left out.
pub(crate) fn scalars<'a>(node: &'a Node, path: &Path, found: &mut Vec<(Path, &'a Node)>) {
    if node.is_scalar() {
        found.push((path.clone(), node));
    }
    for (place, item) in node.items().iter().enumerate() {
        scalars(item, &path.clone().index(place), found);
    }
    for (key, _, value) in node.entries() {
        scalars(value, &path.clone().key(key), found);
    }
}

/// Returns another value of the same kind.
pub(crate) fn other_value(old: &str) -> String {
    match old {
        "true" => "false".to_owned(),
        "false" => "true".to_owned(),
        "null" | "~" => "something".to_owned(),
        _ => {
            let last = old.bytes().rposition(|byte| byte.is_ascii_digit());
            match last {
                Some(at) => {
                    let digit = if old.as_bytes()[at] == b'7' { "8" } else { "7" };
                    format!("{}{digit}{}", &old[..at], &old[at + 1..])
                }
                None => format!("{old}x"),
            }
        }
    }
}

pub(crate) fn values(text: &str) -> Option<Vec<Value>> {
    serde_yaml::Deserializer::from_str(text.trim_start_matches('\u{feff}'))
        .map(|document| Value::deserialize(document).ok())
        .collect()
}

fn value_at<'v>(value: &'v mut Value, path: &Path) -> Option<&'v mut Value> {
    path.steps()
        .iter()
        .try_fold(value, |value, step| match step {
            PathStep::Index(index) => value.as_sequence_mut()?.get_mut(*index),
            PathStep::Key(key) => value
                .as_mapping_mut()?
                .iter_mut()
                .find(|(name, _)| match name {
                    Value::String(name) => name == key,
                    Value::Number(name) => name.to_string() == *key,
                    Value::Bool(name) => name.to_string() == *key,
                    Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => {
                        false
                    }
                })
                .map(|(_, value)| value),
        })
}

/// Returns whether the values differ in the edited one only, where it reads as the new text of the old kind.
pub(crate) fn differs_only_there(
    before: &str,
    after: &str,
    (document, path): (usize, &Path),
    new: &str,
) -> bool {
    let (Some(mut before), Some(mut after)) = (values(before), values(after)) else {
        return false;
    };
    let (Some(old), Some(new_value)) = (
        value_at(&mut before[document], path).cloned(),
        value_at(&mut after[document], path).cloned(),
    ) else {
        return false;
    };
    let reads = match &new_value {
        Value::String(text) => text == new,
        value => *value == serde_yaml::from_str::<Value>(new).expect("a scalar"),
    };
    let kind = |value: &Value| std::mem::discriminant(value);
    let same_kind = kind(&old) == kind(&new_value) || old.is_null() || new_value.is_string();
    if let Some(place) = value_at(&mut after[document], path) {
        *place = old;
    }
    reads && same_kind && before == after
}

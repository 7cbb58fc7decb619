//! The promise of the YAML editor, checked for any text and any edit. The fuzz target and the property tests share it; it
//! expects the module under the name `yaml` beside it.

use super::yaml::{File, KeyPlace, KeyValue, Node, Path, PathStep, Shape, YamlError};

const VALUES: [&str; 14] = [
    "v1.34.2",
    "1.34",
    "",
    "a: b",
    "x # y",
    "'",
    "\"\\",
    "true",
    "- a",
    "ü\u{85}\n",
    "{{ x }}",
    "2026-11-20",
    ":",
    "<<",
];

/// Makes the edits that `choices` name and checks each result; returns how many were made and how many unproved.
pub(crate) fn exercise(text: &str, choices: &[u8]) -> (usize, usize) {
    let file = match File::parse(text) {
        Ok(file) => file,
        Err(error) => {
            assert!(error.line() > 0 && !error.hint().is_empty());
            let is_bounded = matches!(error, YamlError::TooDeep { .. } | YamlError::TooMany { .. });
            assert!(is_bounded || !is_read_by_serde(text), "{error}");
            return (0, 0);
        }
    };
    assert_eq!(file.text(), text);
    file.duplicate_keys();
    let mut all = Vec::new();
    for (document, root) in file.documents().iter().enumerate() {
        collect(root, document, Path::root(), &mut all);
    }
    for (_, path, node) in &all {
        let range = node.range();
        assert!(text.get(range).is_some(), "{path}");
        assert!(node.line() <= text.matches(['\n', '\r']).count() + 1);
        assert_eq!(path.to_string().parse::<Path>().as_ref(), Ok(path));
    }
    let choice = |at: usize| usize::from(choices.get(at).copied().unwrap_or(0));
    let Some((document, path, node)) = all.get((choice(0) + 256 * choice(5)) % all.len().max(1))
    else {
        return (0, 0);
    };
    let spot = Spot {
        file: &file,
        document: *document,
        path,
        node,
    };
    let value = VALUES[choice(1) % VALUES.len()];
    let results = [
        spot.set(value),
        spot.copy_item(choice(2), choice(3), value),
        spot.remove_item(choice(2)),
        spot.add_key(choice(2), value),
        spot.remove_key(choice(2)),
        spot.rename_key(choice(2), value),
        spot.copy_document(choice(2), choice(3)),
        spot.several(&all, [choice(2), choice(3), choice(4)], value),
    ];
    let unproved =
        |result: &Result<(), YamlError>| matches!(result, Err(YamlError::Unproved { .. }));
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(error.line() > 0 && !error.hint().is_empty());
    }
    (
        results.iter().filter(|result| result.is_ok()).count(),
        results.iter().filter(|result| unproved(result)).count(),
    )
}

/// Returns whether `serde_yaml` reads a text, behind a byte order mark.
fn is_read_by_serde(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_yaml::Deserializer::from_str(text)
        .all(|document| <serde_yaml::Value as serde::Deserialize>::deserialize(document).is_ok())
}

fn collect<'a>(
    node: &'a Node,
    document: usize,
    path: Path,
    all: &mut Vec<(usize, Path, &'a Node)>,
) {
    for (place, item) in node.items().iter().enumerate() {
        collect(item, document, path.clone().index(place), all);
    }
    for (key, _, value) in node.entries() {
        collect(value, document, path.clone().key(key), all);
    }
    all.push((document, path, node));
}

struct Spot<'a> {
    file: &'a File,
    document: usize,
    path: &'a Path,
    node: &'a Node,
}

impl Spot<'_> {
    fn set(&self, value: &str) -> Result<(), YamlError> {
        let text = self.file.text();
        let mut editor = self.file.edit();
        editor.set(self.document, self.path, value)?;
        let after = editor.finish()?;
        let range = self.node.range();
        assert!(after.starts_with(&text[..range.start]) && after.ends_with(&text[range.end..]));
        let again = File::parse(&after).expect("the result was proved");
        let read = again.documents()[self.document].at(self.path);
        if !value.contains("{{") {
            assert_eq!(read.and_then(Node::as_str), Some(value));
            let old = self.node.as_str().expect("only a scalar is set");
            if old.lines().count() < 2 && again.is_template() == self.file.is_template() {
                let mut editor = again.edit();
                if editor.set(self.document, self.path, old).is_ok() {
                    let undone = editor.finish();
                    assert!(matches!(undone, Ok(_) | Err(YamlError::Unproved { .. })));
                }
            }
        }
        Ok(())
    }

    fn copy_item(&self, like: usize, at: usize, value: &str) -> Result<(), YamlError> {
        let count = self.node.items().len();
        if count == 0 {
            return Ok(());
        }
        let (like, at) = (like % count, at % (count + 1));
        let mut shape = Shape::like(like);
        if let Some((key, _, _)) = self.node.items()[like].entries().next() {
            shape = shape.set(key, value).set("a new key", value);
        }
        let mut editor = self.file.edit();
        editor.insert_item(self.document, self.path, at, &shape)?;
        let longer = editor.finish()?;
        let longer = File::parse(&longer).expect("the result was proved");
        if longer.is_template() != self.file.is_template() {
            return Ok(());
        }
        let items = longer.documents()[self.document]
            .at(self.path)
            .map_or(&[][..], Node::items);
        assert_eq!(items.len(), count + 1);
        if !value.contains("{{")
            && let Some(read) = items[at].get("a new key")
        {
            assert_eq!(read.as_str(), Some(value));
        }
        let mut editor = longer.edit();
        if editor.remove_item(self.document, self.path, at).is_ok()
            && let Ok(undone) = editor.finish()
        {
            assert_eq!(undone, self.file.text());
        }
        Ok(())
    }

    fn remove_item(&self, at: usize) -> Result<(), YamlError> {
        let count = self.node.items().len();
        if count == 0 {
            return Ok(());
        }
        let mut editor = self.file.edit();
        editor.remove_item(self.document, self.path, at % count)?;
        self.shorter(&editor.finish()?);
        Ok(())
    }

    fn add_key(&self, after: usize, value: &str) -> Result<(), YamlError> {
        let keys: Vec<&str> = self.node.entries().map(|(key, ..)| key).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let after = keys[after % keys.len()];
        let mut editor = self.file.edit();
        editor.insert_key(
            self.document,
            self.path,
            KeyPlace::After(after),
            KeyValue::new("a new key", value),
        )?;
        let longer = editor.finish()?;
        let longer = File::parse(&longer).expect("the result was proved");
        if longer.is_template() == self.file.is_template() && !value.contains("{{") {
            let path = self.path.clone().key("a new key");
            let read = longer.documents()[self.document].at(&path);
            assert_eq!(read.and_then(Node::as_str), Some(value));
            let mut editor = longer.edit();
            if editor
                .remove_key(self.document, self.path, "a new key")
                .is_ok()
                && let Ok(undone) = editor.finish()
            {
                assert_eq!(undone, self.file.text());
            }
        }
        Ok(())
    }

    fn remove_key(&self, at: usize) -> Result<(), YamlError> {
        let keys: Vec<&str> = self.node.entries().map(|(key, ..)| key).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let mut editor = self.file.edit();
        editor.remove_key(self.document, self.path, keys[at % keys.len()])?;
        self.shorter(&editor.finish()?);
        Ok(())
    }

    fn rename_key(&self, at: usize, value: &str) -> Result<(), YamlError> {
        let keys: Vec<&str> = self.node.entries().map(|(key, ..)| key).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let mut editor = self.file.edit();
        editor.rename_key(self.document, self.path, keys[at % keys.len()], value)?;
        editor.finish().map(|_| ())
    }

    fn copy_document(&self, like: usize, at: usize) -> Result<(), YamlError> {
        let count = self.file.documents().len();
        let at = at % (count + 1);
        let mut editor = self.file.edit();
        editor.insert_document(at, &Shape::like(like % count))?;
        let longer = editor.finish()?;
        let longer = File::parse(&longer).expect("the result was proved");
        if longer.is_template() != self.file.is_template() {
            return Ok(());
        }
        assert_eq!(longer.documents().len(), count + 1);
        let mut editor = longer.edit();
        if editor.remove_document(at).is_ok() && at > 0 {
            let _ = editor.finish();
        }
        Ok(())
    }

    fn several(
        &self,
        all: &[(usize, Path, &Node)],
        [first, second, third]: [usize; 3],
        value: &str,
    ) -> Result<(), YamlError> {
        let mut editor = self.file.edit();
        let pick = |at: usize| &all[at % all.len()];
        let (document, path, _) = pick(first);
        let _ = editor.set(*document, path, value);
        let (document, path, node) = pick(second);
        if !node.items().is_empty() {
            let _ = editor.append_item(*document, path, &Shape::like(third % node.items().len()));
        }
        let (document, path, _) = pick(third);
        if let Some((parent, last)) = path.split_last() {
            let _ = match last {
                PathStep::Index(index) => {
                    editor.remove_item(*document, &parent, *index).map(|_| ())
                }
                PathStep::Key(key) => editor.remove_key(*document, &parent, key).map(|_| ()),
            };
        }
        editor.finish().map(|_| ())
    }

    fn shorter(&self, after: &str) {
        let text = self.file.text();
        assert!(after.len() < text.len());
        let mut rest = text.chars();
        assert!(after.chars().all(|char| rest.any(|other| other == char)));
    }
}

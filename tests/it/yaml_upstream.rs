//! Edits every scalar and every list item of whole repositories, those of `testdata` and the public ones where they are at hand,
//! and checks the results without the library's own proofs.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::PathBuf;

use csctl_matrix::yaml::{File, Node, Path, RefusalReason, Shape, YamlError};

use crate::support::program::corpora;
use crate::support::yaml::{differs_only_there, other_value, scalars};

fn corpus() -> Vec<(PathBuf, String)> {
    let mut folders = corpora();
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|end| end == "yaml" || end == "yml" || end == "lock")
                && let Ok(text) = fs::read_to_string(&path)
                && seen.insert(text.clone())
            {
                files.push((path, text));
            }
        }
    }
    // Shapes of templates have no values of their own, and keys twice; `yaml_reading.rs` reads them.
    files.retain(|(path, _)| !path.iter().any(|part| part == "template-shapes"));
    files.sort();
    assert!(files.len() > 60, "{} files", files.len());
    files
}

fn sequences<'a>(node: &'a Node, path: &Path, found: &mut Vec<(Path, &'a Node)>) {
    if node.is_seq() {
        found.push((path.clone(), node));
    }
    for (place, item) in node.items().iter().enumerate() {
        sequences(item, &path.clone().index(place), found);
    }
    for (key, _, value) in node.entries() {
        sequences(value, &path.clone().key(key), found);
    }
}

fn reason(error: &YamlError) -> String {
    assert!(error.line() > 0 && !error.hint().is_empty());
    match error {
        YamlError::Refused { reason, .. } => format!("{reason:?}"),
        YamlError::Duplicate { .. } => "Duplicate".to_owned(),
        YamlError::Elsewhere { .. } => "Elsewhere".to_owned(),
        other => format!("{other}"),
    }
}

#[test]
fn every_scalar_can_be_edited_or_is_refused_for_a_known_reason() {
    let corpus = corpus();
    let mut exact = 0_usize;
    let mut templates = 0_usize;
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for (name, text) in &corpus {
        let file = File::parse(text).unwrap_or_else(|error| panic!("{}: {error}", name.display()));
        templates += usize::from(file.is_template());
        let mut together = file.edit();
        let mut count = 0_usize;
        for (document, root) in file.documents().iter().enumerate() {
            let mut found = Vec::new();
            scalars(root, &Path::root(), &mut found);
            for (path, node) in found {
                let new = other_value(node.as_str().unwrap_or_default());
                if let Err(error) = together.set(document, &path, &new) {
                    *refused.entry(reason(&error)).or_default() += 1;
                    continue;
                }
                exact += 1;
                count += 1;
                let mut editor = file.edit();
                editor.set(document, &path, &new).unwrap();
                let after = editor
                    .finish()
                    .unwrap_or_else(|error| panic!("{}: {path}: {error}", name.display()));
                let range = node.range();
                let tail = &text[range.end..];
                assert!(after.starts_with(&text[..range.start]) && after.ends_with(tail));
                assert!(
                    // What aliases show elsewhere changes there, too.
                    file.is_template()
                        || node.is_shared()
                        || differs_only_there(text, &after, (document, &path), &new),
                    "{}: {path}: {after}",
                    name.display()
                );
                let again = File::parse(&after).unwrap();
                let read = again.documents()[document].at(&path).unwrap();
                assert_eq!(read.as_str(), Some(&*new));
            }
        }
        let all = together
            .finish()
            .unwrap_or_else(|error| panic!("{}: {error}", name.display()));
        assert_eq!(all == *text, count == 0);
    }
    println!(
        "{} files, {templates} templates: {exact} exact, refused {refused:?}",
        corpus.len()
    );
    let known = [
        RefusalReason::Alias,
        RefusalReason::BlockScalar,
        RefusalReason::EmptyValue,
        RefusalReason::Tag,
        RefusalReason::Template,
    ];
    let mut known: HashSet<String> = known.iter().map(|reason| format!("{reason:?}")).collect();
    known.extend(["Duplicate".to_owned(), "Elsewhere".to_owned()]);
    assert!(
        refused.keys().all(|reason| known.contains(reason)),
        "{refused:?}"
    );
    assert!(exact > 600, "{exact}");
}

#[test]
fn every_item_can_be_copied_and_removed_again() {
    let corpus = corpus();
    let mut exact = 0_usize;
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for (name, text) in &corpus {
        let file = File::parse(text).unwrap();
        for (document, root) in file.documents().iter().enumerate() {
            let mut found = Vec::new();
            sequences(root, &Path::root(), &mut found);
            for (path, node) in found {
                for place in 0..node.items().len() {
                    let mut editor = file.edit();
                    if let Err(error) =
                        editor.insert_item(document, &path, place + 1, &Shape::like(place))
                    {
                        *refused.entry(reason(&error)).or_default() += 1;
                        continue;
                    }
                    let describe =
                        |error: YamlError| format!("{}: {path}[{place}]: {error}", name.display());
                    let longer = editor.finish().map_err(describe).unwrap();
                    assert!(longer.len() > text.len());
                    let longer = File::parse(&longer).unwrap();
                    let mut editor = longer.edit();
                    editor
                        .remove_item(document, &path, place + 1)
                        .map_err(describe)
                        .unwrap();
                    assert_eq!(editor.finish().map_err(describe).unwrap(), *text);
                    exact += 1;
                }
            }
        }
    }
    println!("{exact} items copied and removed, refused {refused:?}");
    assert!(exact > 80, "{exact}");
}

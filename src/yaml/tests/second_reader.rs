//! Texts that only libyaml reads.

use super::{at, check};
use crate::yaml::{File, KeyPlace, KeyValue};

/// Texts that libyaml reads and the specification of YAML forbids, or reads otherwise.
const LENIENT: [&str; 34] = [
    "a: \"b\nc\nd\"\ne: 1\n",
    "a:\n  b: 'one\n two\n\nthree'\ne: 1\n",
    "a:\n  b: \"one\n\ttwo \\\n\tthree\"\ne: 1\n",
    "a: [1,\n2,\n3\n]\ne: 1\n",
    "a:\n  b: {c: 1,\nd: 2\n}\ne: 1\n",
    "a: [\n  b, # c\n\td\n]\ne: 1\n",
    "a: {\"b\":1, 'c':2}\ne: 1\n",
    "a: {b, c: , ? d, e: 'x'}\ne: 1\n",
    "a:\t'1'\t# c\ne:\t1\n",
    "a: [\n\t'1',\n\t\"2\"\n\t]\t\ne: 1\n",
    "a: 1\n  \tb\ne: 1\n",
    "%YAML 1.1\n---\ne: 1\n",
    "%YAML 1.1\n# c\n---\ne: 1\n...\n",
    "%TAG !e! tag:example.org,2026:\n---\na: !e!b 1\ne: 1\n",
    "--- # c\ne: 1\n... # c\n---\ne: 1\n",
    "---\n---\ne: 1\n",
    "a: 1\re: 1\r",
    "a: 1\r\n\r\ne: 1",
    "a: &x 1\nb: &x 2\nc: *x\ne: 1\n",
    "? a\n: b\ne: 1\n",
    "? - a\n  - b\n: c\ne: 1\n",
    "? |\n  a\n: - b\ne: 1\n",
    "a: 1\u{85}e: 1\n",
    "a: \"b\u{2028}c\"\ne: 1\n",
    "a: |\n  b\u{85}  c\ne: 1\n",
    "a: 1\n\u{feff}# c\ne: 1\n",
    "e: 1\n\u{feff}",
    "a: !!str 1\nb: !c [!d, x]\ne: 1\n",
    "a: |\n  b",
    "a: >-\n\n  b\n   c\n\n\n  d\ne: 1\n",
    "a: |2-\n   b\ne: 1\n",
    "{a: 1,\n\n e: 1}\n",
    "a: 'it''s\n\n  \"b\" # no comment'\ne: 1\n",
    "a: b\n c\n\n d\ne: 1\n",
];

#[test]
fn what_libyaml_reads_is_read() {
    let long_key = format!("{}: 1\ne: 1\n", "k".repeat(1020));
    for text in LENIENT.into_iter().chain([&*long_key]) {
        let file = File::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        check_values(&file);
    }
    for text in [
        "a: \"b\n---\nc\"\n",
        "a: 'b\n",
        "a: [1\nb: 2\n",
        "a: \"b\" c\n",
        "%YAML 2.0\n---\na: 1\n",
        "a: *b\n",
        "a: \u{7}\n",
        "...\na: 1\n...\nb\n: c\n",
    ] {
        let error = File::parse(text).unwrap_err();
        assert!(error.line() > 0 && !error.hint().is_empty(), "{text:?}");
        assert!(serde_yaml::from_str::<serde_yaml::Value>(text).is_err());
    }
}

/// The values of the tree are those that `serde_yaml` reads.
fn check_values(file: &File) {
    use serde::Deserialize as _;
    let text = file.text();
    let values: Vec<serde_yaml::Value> = serde_yaml::Deserializer::from_str(text)
        .map(|document| serde_yaml::Value::deserialize(document).unwrap())
        .collect();
    assert_eq!(values.len(), file.documents().len(), "{text:?}");
    for (root, value) in file.documents().iter().zip(&values) {
        check_value(root, value, text);
    }
}

fn check_value(node: &crate::yaml::Node, value: &serde_yaml::Value, text: &str) {
    use serde_yaml::Value;
    match value {
        Value::Tagged(tagged) => check_value(node, &tagged.value, text),
        Value::Null => assert!(node.is_null(), "{text:?}"),
        Value::String(read) => assert_eq!(node.as_str(), Some(&**read), "{text:?}"),
        Value::Bool(read) => assert_eq!(node.as_str(), Some(&*read.to_string()), "{text:?}"),
        Value::Number(read) => {
            let number: serde_yaml::Value = serde_yaml::from_str(node.as_str().unwrap()).unwrap();
            assert_eq!(number.as_f64(), read.as_f64(), "{text:?}");
        }
        Value::Sequence(values) => {
            assert_eq!(node.items().len(), values.len(), "{text:?}");
            for (item, value) in node.items().iter().zip(values) {
                check_value(item, value, text);
            }
        }
        Value::Mapping(values) => {
            let entries = node.entry_list();
            assert_eq!(entries.len(), values.len(), "{text:?}");
            for (entry, (key, value)) in entries.iter().zip(values) {
                check_value(&entry.key, key, text);
                check_value(&entry.value, value, text);
            }
        }
    }
}

#[test]
fn what_only_libyaml_reads_is_edited_or_refused() {
    check(
        "a: [1,\n2\n]\ne: 1 # c\nb: \"x\u{85}y\nz\"\n",
        |editor| {
            editor.set(0, &at("e"), "2")?.set(0, &at("a[1]"), "3")?;
            Ok(())
        },
        "a: [1,\n3\n]\ne: 2 # c\nb: \"x\u{85}y\nz\"\n",
    );
    check(
        "d:\n  a: 'one\ntwo'\n  e: \"1\"\n",
        |editor| {
            editor.set(0, &at("d.a"), "three")?;
            editor.insert_key(0, &at("d"), KeyPlace::Last, KeyValue::new("f", "2"))?;
            Ok(())
        },
        "d:\n  a: 'three'\n  e: \"1\"\n  f: \"2\"\n",
    );
    for text in LENIENT {
        let file = File::parse(text).unwrap();
        let path = at("e");
        let mut editor = file.edit();
        let made = editor.set(0, &path, "2").map(drop);
        if let Ok(new) = made.and_then(|()| editor.finish()) {
            let range = file.documents()[0].at(&path).unwrap().range();
            let expected = format!("{}2{}", &text[..range.start], &text[range.end..]);
            assert_eq!(new, expected);
        }
    }
}

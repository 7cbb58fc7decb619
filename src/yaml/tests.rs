//! The editor on the shapes that cluster-stack repositories have. Long shapes are golden folders under `testdata/yaml`.

use super::{Context, Editor, File, KeyPlace, KeyValue, Path, RefusalReason, Shape, YamlError};

mod aliases;
mod second_reader;
mod templates;

type Edits = fn(&mut Editor<'_>) -> Result<(), YamlError>;

fn edit(text: &str, edits: Edits) -> Result<String, YamlError> {
    let file = File::parse(text)?;
    let mut editor = file.edit();
    edits(&mut editor)?;
    editor.finish()
}

#[track_caller]
fn check(text: &str, edits: Edits, expected: &str) {
    assert_eq!(edit(text, edits).unwrap(), expected);
}

#[track_caller]
fn refusal(edited: Result<&mut Editor<'_>, YamlError>) -> RefusalReason {
    match edited {
        Err(YamlError::Refused { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check_refused(text: &str, edits: Edits, reason: RefusalReason, line: usize) {
    let error = edit(text, edits).unwrap_err();
    let YamlError::Refused {
        reason: found,
        line: at,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!((*found, *at), (reason, line), "{error}");
    assert!(!error.hint().is_empty());
}

fn at(text: &str) -> Path {
    text.parse().unwrap()
}

#[test]
fn reads_values_lines_and_duplicates() {
    let text = "a: 1.30\nb:\n- x: 'q'\n  y:\n- &n z\nc: *n\nb: null\n";
    let file = File::parse(text).unwrap();
    let root = &file.documents()[0];
    assert_eq!(root.get("a").unwrap().as_str(), Some("1.30"));
    assert_eq!(root.get("c").unwrap().line(), 6);
    assert!(root.get("c").unwrap().is_alias());
    assert!(root.get("b").unwrap().is_null());
    let keys: Vec<&str> = root.entries().map(|(key, ..)| key).collect();
    assert_eq!(keys, ["a", "b", "c", "b"]);
    let list = root.entries().nth(1).unwrap().2;
    assert_eq!(list.items().len(), 2);
    assert_eq!(list.at(&at("[0].x")).unwrap().as_str(), Some("q"));
    assert_eq!(list.at(&at("[0].y")).unwrap().as_str(), None);
    let duplicates = file.duplicate_keys();
    assert_eq!(duplicates.len(), 1);
    assert_eq!((duplicates[0].line, duplicates[0].first_line), (7, 2));
}

#[test]
fn set_changes_one_scalar_only() {
    check(
        "a: '1' # one\nb:   \"2\"\t# two\nc: &v 1.2.3\nd: *v\ne: x\n",
        |editor| {
            editor.set(0, &at("a"), "v9")?.set(0, &at("b"), "3\"")?;
            editor.set(0, &at("c"), "1.2.4")?.set(0, &at("e"), "x")?;
            Ok(())
        },
        "a: 'v9' # one\nb:   \"3\\\"\"\t# two\nc: &v 1.2.4\nd: *v\ne: x\n",
    );
    check(
        "deps: [{name: b, version: '2.0.0'}, https://a:8080/x]\n- ".trim_end_matches("- "),
        |editor| {
            editor.set(0, &at("deps[0].version"), "2.1.0")?;
            editor.set(0, &at("deps[1]"), "https://n:1/z")?;
            Ok(())
        },
        "deps: [{name: b, version: '2.1.0'}, https://n:1/z]\n",
    );
    check(
        "\u{feff}a: é\r\nb: ü # ö",
        |editor| {
            editor.set(0, &at("a"), "ä")?.set(0, &at("b"), "ß")?;
            Ok(())
        },
        "\u{feff}a: ä\r\nb: ß # ö",
    );
    check(
        "version: << .ClusterClassVersion >>\nname: openstack-scs2-1-33-cluster-class\n",
        |editor| {
            editor.set(0, &at("name"), "openstack-scs2-1-34-cluster-class")?;
            Ok(())
        },
        "version: << .ClusterClassVersion >>\nname: openstack-scs2-1-34-cluster-class\n",
    );
}

#[test]
fn set_refuses_what_is_unsafe() {
    let text =
        "a: *x\n".replace("*x", "|\n  text") + "b:\nc: !t 1\nd: &x 1\ne: *x\nf: [1]\ng: 1\ng: 2\n";
    let file = File::parse(&text).unwrap();
    let refused = |path: &str| match file.edit().set(0, &at(path), "new") {
        Err(YamlError::Refused { reason, line, .. }) => (reason, line),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused("a"), (RefusalReason::BlockScalar, 1));
    assert_eq!(refused("b"), (RefusalReason::EmptyValue, 3));
    assert_eq!(refused("c"), (RefusalReason::Tag, 4));
    for path in ["e", "e.x"] {
        let error = file.edit().set(0, &at(path), "new").unwrap_err();
        assert_eq!(
            (error.to_string(), error.hint()),
            (
                format!("line 6: `{path}` comes from the anchor `&x` on line 5"),
                "write it out here, or change it there"
            )
        );
    }
    assert_eq!(refused("f"), (RefusalReason::NotScalar, 7));
    let error = file.edit().set(0, &at("g"), "3").unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 9: duplicate key `g` (first on line 8)"
    );
    let error = file.edit().set(0, &at("f[1].x"), "3").unwrap_err();
    assert_eq!(error.to_string(), "line 7: `f[1].x` does not exist");
    assert!(file.edit().set(1, &at("f"), "3").is_err());
    check_refused(
        "a: 1\n",
        |editor| {
            editor.set(0, &at("a"), "2")?.set(0, &at("a"), "3")?;
            Ok(())
        },
        RefusalReason::Overlap,
        1,
    );
}

#[test]
fn other_keys_of_a_file_with_a_duplicate_can_be_edited() {
    check(
        "v:\n- checksum: a\n  checksum: b\n  url: c\n- url: d\n",
        |editor| {
            editor
                .set(0, &at("v[0].url"), "e")?
                .append_item(0, &at("v"), &Shape::like(1))?;
            Ok(())
        },
        "v:\n- checksum: a\n  checksum: b\n  url: e\n- url: d\n- url: d\n",
    );
}

#[test]
fn new_items_are_shaped_after_their_sibling() {
    let shape = |editor: &mut Editor<'_>| {
        let shape = Shape::like(0)
            .set("version", "v1.34.2")
            .set("build_date", "2026-11-20")
            .set("size", "5")
            .without("note");
        editor.insert_item(0, &at("versions"), 1, &shape)?;
        Ok(())
    };
    check(
        "versions:\n  # newest first\n  -   version: 'v1.34.1'  # eol\n      # about the date\n      build_date: 2026-05-13\n      note: |\n        old\n  # older\n  - version: 'v1.33.1'\n",
        shape,
        "versions:\n  # newest first\n  -   version: 'v1.34.1'  # eol\n      # about the date\n      build_date: 2026-05-13\n      note: |\n        old\n  -   version: 'v1.34.2'\n      build_date: 2026-11-20\n      size: \"5\"\n  # older\n  - version: 'v1.33.1'\n",
    );
    check(
        "versions:\r\n- version: 'v1.34.1'\r\n  build_date: 2026-05-13\r\n  size: 4",
        shape,
        "versions:\r\n- version: 'v1.34.1'\r\n  build_date: 2026-05-13\r\n  size: 4\r\n- version: 'v1.34.2'\r\n  build_date: 2026-11-20\r\n  size: 5",
    );
    check(
        "versions: [{version: \"v1.34.1\", note: x}, {version: b}]\n",
        shape,
        "versions: [{version: \"v1.34.1\", note: x}, {version: \"v1.34.2\", build_date: 2026-11-20, size: \"5\"}, {version: b}]\n",
    );
}

#[test]
fn several_inserts_and_removals_share_one_finish() {
    check(
        "- a\n- b\n- c",
        |editor| {
            let root = Path::root();
            let like = |value: &str| Shape::like(0).set(Path::root(), value);
            editor.append_item(0, &root, &like("t"))?;
            editor.insert_item(0, &root, 0, &like("v"))?;
            editor.insert_item(0, &root, 0, &like("w"))?;
            editor.remove_item(0, &root, 2)?.remove_item(0, &root, 1)?;
            editor
                .append_item(0, &root, &like("z"))?
                .set(0, &at("[0]"), "x")?;
            Ok(())
        },
        "- v\n- w\n- x\n- t\n- z",
    );
    check(
        "a: [x]\nb: [p, q, r]\nc:\n- - m\n  - n\n",
        |editor| {
            editor.append_item(0, &at("a"), &Shape::like(0).set(Path::root(), "1.5"))?;
            editor
                .remove_item(0, &at("b"), 2)?
                .remove_item(0, &at("b"), 0)?;
            editor.insert_item(0, &at("c[0]"), 0, &Shape::like(1))?;
            editor.append_item(0, &at("c"), &Shape::like(0))?;
            editor.append_item(0, &at("c[0]"), &Shape::like(0).set(Path::root(), "o"))?;
            Ok(())
        },
        "a: [x, \"1.5\"]\nb: [q]\nc:\n- - n\n  - m\n  - n\n  - o\n- - m\n  - n\n",
    );
    check_refused(
        "a:\n- x\n",
        |editor| {
            editor.remove_item(0, &at("a"), 0)?;
            Ok(())
        },
        RefusalReason::OnlyMember,
        2,
    );
    check(
        "a:\n- x\n",
        |editor| {
            editor.append_item(0, &at("a"), &Shape::like(0).set(Path::root(), "z"))?;
            editor.remove_item(0, &at("a"), 0)?;
            Ok(())
        },
        "a:\n- z\n",
    );
}

#[test]
fn keys_come_and_go() {
    check(
        "- name: 'a'\n  v: 1\n- {name: \"b\"}",
        |editor| {
            editor.insert_key(
                0,
                &at("[0]"),
                KeyPlace::After("name"),
                KeyValue::new("sum", "12"),
            )?;
            editor.insert_key(0, &at("[1]"), KeyPlace::Last, KeyValue::new("sum", "x"))?;
            editor.remove_key(0, &at("[0]"), "v")?;
            editor.rename_key(0, &at("[1]"), "name", "title")?;
            Ok(())
        },
        "- name: 'a'\n  sum: '12'\n- {title: \"b\", sum: \"x\"}",
    );
    check(
        "- name: a\n  v: 1\n  # tail\n",
        |editor| {
            editor.remove_key(0, &at("[0]"), "name")?;
            editor.insert_key(0, &at("[0]"), KeyPlace::Last, KeyValue::new("w", "2"))?;
            Ok(())
        },
        "- v: 1\n  w: 2\n  # tail\n",
    );
    check(
        "'1.30': a\n1.31: b\n",
        |editor| {
            editor.rename_key(0, &Path::root(), "1.30", "1.29")?;
            editor.rename_key(0, &Path::root(), "1.31", "1.32")?;
            editor.insert_key(
                0,
                &Path::root(),
                KeyPlace::After("1.30"),
                KeyValue::new("1.33", "c"),
            )?;
            Ok(())
        },
        "'1.29': a\n'1.33': c\n1.32: b\n",
    );
}

#[test]
fn new_keys_stand_first_last_or_behind_another() {
    check(
        "images:\n  # kept above\n  v1.34.3: \"a\"\nflow: {b: 1}\n",
        |editor| {
            editor.insert_key(
                0,
                &at("images"),
                KeyPlace::First,
                KeyValue::new("v1.34.0", "x"),
            )?;
            editor.insert_key(
                0,
                &at("images"),
                KeyPlace::First,
                KeyValue::new("v1.34.1", "y"),
            )?;
            editor.insert_key(
                0,
                &at("images"),
                KeyPlace::Last,
                KeyValue::new("built", "2026-05-13"),
            )?;
            editor.insert_key(0, &at("flow"), KeyPlace::First, KeyValue::new("a", "0"))?;
            Ok(())
        },
        "images:\n  # kept above\n  v1.34.0: \"x\"\n  v1.34.1: \"y\"\n  v1.34.3: \"a\"\n  built: 2026-05-13\nflow: {a: 0, b: 1}\n",
    );
}

#[test]
fn keys_that_are_there_or_alone_are_refused() {
    for key in ["a", "b"] {
        let file = File::parse("a: 1\nb: 2\n").unwrap();
        let mut editor = file.edit();
        let inserted = editor.insert_key(0, &Path::root(), KeyPlace::Last, KeyValue::new(key, "1"));
        assert_eq!(refusal(inserted), RefusalReason::KeyExists);
    }
    check_refused(
        "a:\n  x: 1\n",
        |editor| {
            editor.remove_key(0, &at("a"), "x")?;
            Ok(())
        },
        RefusalReason::OnlyMember,
        2,
    );
}

const IMAGES: &str = "# images\n---\nkind: Image\nmetadata:\n  name: \"i-v1.33.6\" # here\n---\n# older\nkind: Image\nmetadata:\n  name: \"i-v1.32.9\"\n";

#[test]
fn documents_come_and_go() {
    check(
        IMAGES,
        |editor| {
            let name = Path::from(["metadata", "name"]);
            editor.insert_document(0, &Shape::like(0).set(name.clone(), "i-v1.34.1"))?;
            editor.insert_document(2, &Shape::like(1).set(name, "i-v1.31.9"))?;
            editor.remove_document(1)?;
            Ok(())
        },
        "# images\n---\nkind: Image\nmetadata:\n  name: \"i-v1.34.1\"\n---\nkind: Image\nmetadata:\n  name: \"i-v1.33.6\" # here\n---\nkind: Image\nmetadata:\n  name: \"i-v1.31.9\"\n",
    );
    check(
        "a: 1",
        |editor| {
            editor.insert_document(0, &Shape::like(0).set("a", "0"))?;
            editor.insert_document(1, &Shape::like(0).set("a", "2"))?;
            Ok(())
        },
        "a: 0\n---\na: 1\n---\na: 2",
    );
    check(
        "a: 1\n---\na: 2",
        |editor| {
            editor.remove_document(0)?;
            Ok(())
        },
        "a: 2",
    );
}

#[test]
fn refuses_text_that_is_no_yaml() {
    let error = File::parse("a: 1\nb: [\n").unwrap_err();
    assert!(matches!(error, YamlError::Syntax { .. }), "{error}");
    assert!(error.line() >= 2);
    for text in [
        "[".repeat(10_000),
        "- ".repeat(10_000),
        "{a: ".repeat(10_000),
    ] {
        let error = File::parse(&text).unwrap_err();
        assert!(matches!(error, YamlError::TooDeep { .. }), "{error}");
    }
    for text in ["", "\n", "# only\n", "---\n", "---\n---\n", "\u{feff}"] {
        let file = File::parse(text).unwrap();
        assert_eq!(file.edit().finish().unwrap(), text);
    }
}

#[test]
fn tabs_and_odd_shapes_are_kept_or_refused() {
    check(
        "a:\t1\t# x\n",
        |editor| {
            editor.set(0, &at("a"), "2")?;
            Ok(())
        },
        "a:\t2\t# x\n",
    );
    check_refused(
        "a: &x\n- b: &y 1\n- c: *y\n",
        |editor| {
            editor.append_item(0, &at("a"), &Shape::like(0))?;
            Ok(())
        },
        RefusalReason::Anchor,
        2,
    );
    check(
        "a: &x # list\n# first\n- &y 1\n- *y\nd: *x\n",
        |editor| {
            editor
                .set(0, &at("a[0]"), "2")?
                .append_item(0, &at("a"), &Shape::like(1))?;
            Ok(())
        },
        "a: &x # list\n# first\n- &y 2\n- *y\n- *y\nd: *x\n",
    );
    check(
        "? k\n: v\n? - l\n: w\n",
        |editor| {
            editor.set(0, &at("k"), "u")?;
            Ok(())
        },
        "? k\n: u\n? - l\n: w\n",
    );
}

#[test]
fn a_new_text_is_quoted_where_brackets_would_end_it() {
    for (value, context, source) in [
        ("a:?", Context::Flow, "\"a:?\""),
        ("a:?", Context::Block, "a:?"),
        ("a, b", Context::Flow, "\"a, b\""),
        ("a, b", Context::Block, "a, b"),
        ("https://a:8080/x", Context::Flow, "https://a:8080/x"),
        ("1.30", Context::Block, "\"1.30\""),
    ] {
        assert_eq!(super::scalar(value, context), source);
        let list = format!("[{}]", super::scalar(value, Context::Flow));
        let read: Vec<String> = serde_yaml::from_str(&list).unwrap();
        assert_eq!(read, [value]);
    }
}

#[test]
fn a_byte_order_mark_is_read_and_kept() {
    let text = "\u{feff}{{- if .x }}\r\na: 'b'\r\n{{- end }}\r\nc: [d]\r\n";
    let file = File::parse(text).unwrap();
    assert!(file.is_template());
    let root = &file.documents()[0];
    assert_eq!((root.line(), root.get("c").unwrap().line()), (2, 4));
    check(
        text,
        |editor| {
            editor.set(0, &at("a"), "e")?.set(0, &at("c[0]"), "f")?;
            Ok(())
        },
        &text.replace("'b'", "'e'").replace("[d]", "[f]"),
    );
    for text in [
        "\u{feff}--- # c\na: 1\n",
        "\u{feff}%YAML 1.1\n---\na: 1\n",
        "\u{feff}# c\na: 1\n",
    ] {
        let new = text.replace('1', "2").replace("2.2", "1.1");
        check(
            text,
            |editor| {
                editor.set(0, &at("a"), "2")?;
                Ok(())
            },
            &new,
        );
    }
    let error = File::parse("\u{feff}a: @b\n").unwrap_err();
    assert!(
        error.to_string().starts_with("line 1, column 4:"),
        "{error}"
    );
}

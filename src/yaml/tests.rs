//! The editor on the shapes that cluster-stack repositories have. Long shapes are golden folders under `testdata/yaml`.

use super::{Editor, File, Path, Place, Reason, Shape, YamlError};

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
fn check_refused(text: &str, edits: Edits, reason: Reason, line: usize) {
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
    assert_eq!(refused("a"), (Reason::BlockScalar, 1));
    assert_eq!(refused("b"), (Reason::EmptyValue, 3));
    assert_eq!(refused("c"), (Reason::Tag, 4));
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
    assert_eq!(refused("f"), (Reason::NotScalar, 7));
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
        Reason::Overlap,
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
        Reason::OnlyMember,
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
            editor.insert_key(0, &at("[0]"), Place::After("name"), ("sum", "12"))?;
            editor.insert_key(0, &at("[1]"), Place::Last, ("sum", "x"))?;
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
            editor.insert_key(0, &at("[0]"), Place::Last, ("w", "2"))?;
            Ok(())
        },
        "- v: 1\n  w: 2\n  # tail\n",
    );
    check(
        "'1.30': a\n1.31: b\n",
        |editor| {
            editor.rename_key(0, &Path::root(), "1.30", "1.29")?;
            editor.rename_key(0, &Path::root(), "1.31", "1.32")?;
            editor.insert_key(0, &Path::root(), Place::After("1.30"), ("1.33", "c"))?;
            Ok(())
        },
        "'1.29': a\n'1.33': c\n1.32: b\n",
    );
    check(
        "images:\n  # kept above\n  v1.34.3: \"a\"\nflow: {b: 1}\n",
        |editor| {
            editor.insert_key(0, &at("images"), Place::First, ("v1.34.0", "x"))?;
            editor.insert_key(0, &at("images"), Place::First, ("v1.34.1", "y"))?;
            editor.insert_key(0, &at("images"), Place::Last, ("built", "2026-05-13"))?;
            editor.insert_key(0, &at("flow"), Place::First, ("a", "0"))?;
            Ok(())
        },
        "images:\n  # kept above\n  v1.34.0: \"x\"\n  v1.34.1: \"y\"\n  v1.34.3: \"a\"\n  built: 2026-05-13\nflow: {a: 0, b: 1}\n",
    );
    for (key, reason) in [("a", Reason::KeyExists), ("b", Reason::KeyExists)] {
        let file = File::parse("a: 1\nb: 2\n").unwrap();
        let mut editor = file.edit();
        let Err(YamlError::Refused { reason: found, .. }) =
            editor.insert_key(0, &Path::root(), Place::Last, (key, "1"))
        else {
            panic!("{key}");
        };
        assert_eq!(found, reason);
    }
    check_refused(
        "a:\n  x: 1\n",
        |editor| {
            editor.remove_key(0, &at("a"), "x")?;
            Ok(())
        },
        Reason::OnlyMember,
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

const CHART: &str = "{{- if .Values.a }}\nspec:\n  version: {{ .Values.version | default `{{ x }}` }}\n  image: \"ubuntu-{{ .Values.image\n    | quote }}\"\n  name: ubuntu-v1.33.1\n  list:\n  - v1.33.1\n  {{- range .Values.more }}\n  - {{ . }}\n  {{- end }}\n{{- else }}\nspec:\n  other: 1\n{{- end }}\n";

#[test]
fn helm_templates_are_edited_outside_their_actions() {
    let file = File::parse(CHART).unwrap();
    assert!(file.is_template());
    assert_eq!(file.text(), CHART);
    assert_eq!(file.duplicate_keys(), []);
    let spec = file.documents()[0].entries().next().unwrap().2;
    let version = spec.get("version").unwrap();
    assert_eq!(
        version.as_str(),
        Some("{{ .Values.version | default `{{ x }}` }}")
    );
    assert!(version.is_templated() && !spec.get("name").unwrap().is_templated());
    assert!(matches!(
        file.edit().set(0, &at("spec.name"), "x"),
        Err(YamlError::Duplicate {
            line: 13,
            first_line: 2,
            ..
        })
    ));
    let text = CHART.replace("other", "name").replacen("spec", "first", 1);
    let file = File::parse(&text).unwrap();
    let mut editor = file.edit();
    editor.set(0, &at("first.name"), "ubuntu-v1.33.2").unwrap();
    editor
        .insert_item(
            0,
            &at("first.list"),
            1,
            &Shape::like(0).set(Path::root(), "v1.33.2"),
        )
        .unwrap();
    let expected = text
        .replace("ubuntu-v1.33.1", "ubuntu-v1.33.2")
        .replace("  - v1.33.1\n", "  - v1.33.1\n  - v1.33.2\n");
    assert_eq!(editor.finish().unwrap(), expected);
    for (path, reason) in [
        ("first.version", Reason::Template),
        ("first.image", Reason::Template),
    ] {
        let error = file.edit().set(0, &at(path), "x").unwrap_err();
        assert!(
            matches!(error, YamlError::Refused { reason: found, .. } if found == reason),
            "{error}"
        );
    }
    let mut editor = file.edit();
    let error = editor
        .append_item(0, &at("first.list"), &Shape::like(0))
        .unwrap_err();
    assert!(
        matches!(
            error,
            YamlError::Refused {
                reason: Reason::TemplateBlock,
                ..
            }
        ),
        "{error}"
    );
    let error = editor.remove_item(0, &at("first.list"), 1).unwrap_err();
    assert!(
        matches!(
            error,
            YamlError::Refused {
                reason: Reason::TemplateBlock,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_template_value_alone_makes_a_template() {
    let file = File::parse("a: {{ .x }}\nb: 1\n").unwrap();
    assert!(file.is_template());
    assert_eq!(
        file.documents()[0].get("a").unwrap().as_str(),
        Some("{{ .x }}")
    );
    let file = File::parse("a: \"{{ .x }}\"\nb: ${{ x }}\n").unwrap();
    assert!(!file.is_template());
    assert!(file.documents()[0].get("a").unwrap().is_templated());
}

#[test]
fn a_key_made_by_an_action_counts_as_a_duplicate() {
    let file = File::parse("a: {{ .x\nk }}: 1\nk }}: 2\n").unwrap();
    assert!(file.is_template());
    let keys: Vec<&str> = file.documents()[0].entries().map(|(key, ..)| key).collect();
    assert_eq!(keys, ["a", "k }}", "k }}"]);
    let error = file.edit().set(0, &Path::from("k }}"), "3").unwrap_err();
    assert!(
        matches!(
            error,
            YamlError::Duplicate {
                line: 3,
                first_line: 2,
                ..
            }
        ),
        "{error}"
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
        Reason::Anchor,
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
    for (value, in_flow, source) in [
        ("a:?", true, "\"a:?\""),
        ("a:?", false, "a:?"),
        ("a, b", true, "\"a, b\""),
        ("a, b", false, "a, b"),
        ("https://a:8080/x", true, "https://a:8080/x"),
        ("1.30", false, "\"1.30\""),
    ] {
        assert_eq!(super::scalar(value, in_flow), source);
        let list = format!("[{}]", super::scalar(value, true));
        let read: Vec<String> = serde_yaml::from_str(&list).unwrap();
        assert_eq!(read, [value]);
    }
}

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

fn check_value(node: &super::Node, value: &serde_yaml::Value, text: &str) {
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
            editor.insert_key(0, &at("d"), Place::Last, ("f", "2"))?;
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

const MERGED: &str = "x: &e\n  os: ubuntu\n  size: 1\n  tags: [a]\ny: &f\n  <<: *e\n  size: 2\nlist:\n- <<: *f\n  name: one\n- <<: [*f, *e]\n  size: 3\n- *e\n- <<: {os: debian, n: 1}\n- '<<': *e\n- <<: text\n";

#[test]
fn aliases_and_merge_keys_are_read_through() {
    let file = File::parse(MERGED).unwrap();
    let root = &file.documents()[0];
    let item = |index: usize| &root.get("list").unwrap().items()[index];
    let read = |index: usize| -> Vec<(String, String)> {
        let text = |node: &super::Node| node.as_str().unwrap_or("-").to_owned();
        let entries = item(index).entries();
        entries
            .map(|(key, _, value)| (key.to_owned(), text(value)))
            .collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    assert_eq!(
        read(0),
        pairs(&[
            ("name", "one"),
            ("size", "2"),
            ("os", "ubuntu"),
            ("tags", "-")
        ])
    );
    assert_eq!(
        read(1),
        pairs(&[("size", "3"), ("os", "ubuntu"), ("tags", "-")])
    );
    assert_eq!(
        read(2),
        pairs(&[("os", "ubuntu"), ("size", "1"), ("tags", "-")])
    );
    assert_eq!(read(3), pairs(&[("os", "debian"), ("n", "1")]));
    assert_eq!(read(4), pairs(&[("<<", "-")]));
    assert_eq!(read(5), pairs(&[("<<", "text")]));
    assert_eq!(item(1).at(&at("tags[0]")).unwrap().as_str(), Some("a"));
    let own = item(0).own_entries().map(|(key, ..)| key);
    assert_eq!(own.collect::<Vec<_>>(), ["<<", "name"]);
    assert!(item(0).is_own("name") && !item(0).is_own("size") && !item(0).is_own("<<"));
    let alias = item(2);
    assert!(alias.is_alias() && alias.is_map() && alias.own_entries().next().is_none());
    assert_eq!(alias.line(), 13);
    let origin = |origin: Option<super::Origin<'_>>| {
        origin.map(|origin| (origin.anchor.map(str::to_owned), origin.line))
    };
    assert_eq!(origin(alias.origin()), Some((Some("e".to_owned()), 1)));
    assert_eq!(
        origin(item(0).origin_of("size")),
        Some((Some("f".to_owned()), 5))
    );
    assert_eq!(
        origin(item(0).origin_of("os")),
        Some((Some("e".to_owned()), 1))
    );
    assert_eq!(origin(item(3).origin_of("os")), Some((None, 14)));
    assert_eq!(origin(item(0).origin_of("name")), None);
}

#[test]
fn what_aliases_show_is_not_edited_through_them() {
    let file = File::parse(MERGED).unwrap();
    let message = |path: &str| {
        let error = file.edit().set(0, &at(path), "x").unwrap_err();
        assert_eq!(error.hint(), "write it out here, or change it there");
        error.to_string()
    };
    assert_eq!(
        message("list[0].size"),
        "line 9: `list[0].size` comes from the anchor `&f` on line 5"
    );
    assert_eq!(
        message("list[0].tags[0]"),
        "line 9: `list[0].tags[0]` comes from the anchor `&e` on line 1"
    );
    assert_eq!(
        message("list[2].os"),
        "line 13: `list[2].os` comes from the anchor `&e` on line 1"
    );
    assert_eq!(
        message("list[3].os"),
        "line 14: `list[3].os` comes from the map that `<<` adds on line 14"
    );
    let error = file.edit().remove_key(0, &at("list[0]"), "os").unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("comes from the anchor `&e` on line 1"),
        "{error}"
    );
    check(
        MERGED,
        |editor| {
            let shape = Shape::like(0).set("name", "two").set("size", "4");
            editor.insert_item(0, &at("list"), 1, &shape)?;
            editor.insert_key(0, &at("list[0]"), Place::Last, ("os", "here"))?;
            Ok(())
        },
        &MERGED.replace(
            "  name: one\n",
            "  name: one\n  os: here\n- <<: *f\n  name: two\n  size: 4\n",
        ),
    );
}

#[test]
fn shared_values_are_known() {
    let file =
        File::parse("a: &a\n  b: 1\n  c: {d: 2}\ne: &unused 3\nf:\n  g: *a\n  h: 4\n").unwrap();
    let root = &file.documents()[0];
    let is_shared = |path: &str| root.at(&at(path)).unwrap().is_shared();
    for path in ["a", "a.b", "a.c.d", "f.g", "f.g.b"] {
        assert!(is_shared(path), "{path}");
    }
    for path in ["e", "f", "f.h"] {
        assert!(!is_shared(path), "{path}");
    }
    assert!(root.is_shared());
}

#[test]
fn aliases_of_aliases_end() {
    let file = File::parse("a: &a [1, *a, {b: &b {<<: *b, c: *a}}]\nd: *a\n").unwrap();
    let list = file.documents()[0].get("d").unwrap();
    assert_eq!(list.items().len(), 3);
    assert_eq!(list.items()[1].items().len(), 0);
    assert!(list.items()[1].is_alias() && list.items()[1].origin().is_none());
    let error = file.edit().set(0, &at("a[1]"), "x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1: `a[1]` is an alias of what it stands in"
    );

    let level = |level: usize, line: fn(usize, &str) -> String| {
        let before = format!("*{}", level - 1);
        line(level, &vec![before; 10].join(", "))
    };
    let lines = |first: &str, line: fn(usize, &str) -> String| {
        let others = (1..12).map(|number| level(number, line));
        std::iter::once(first.to_owned())
            .chain(others)
            .collect::<String>()
    };
    let laughs = lines(
        "a0: &0 [x, x, x, x, x, x, x, x, x, x]\n",
        |number, aliases| format!("a{number}: &{number} [{aliases}]\n"),
    );
    let error = File::parse(&laughs).unwrap_err();
    assert!(
        matches!(error, YamlError::TooMany { line: 6, .. }),
        "{error}"
    );
    assert!(!error.hint().is_empty());
    let merges = lines("a0: &0 {k: v}\n", |number, aliases| {
        let few = &aliases[..aliases.len() / 5];
        format!(
            "a{number}: &{number} {{<<: [{}]}}\n",
            few.trim_end_matches([',', ' '])
        )
    });
    let file = File::parse(&merges).unwrap();
    let map = file.documents()[0].get("a11").unwrap();
    assert_eq!(map.entries().count(), 1);
    assert_eq!(map.get("k").unwrap().as_str(), Some("v"));
}

/// Helm templates, each with the value of `b`, the last key.
const TEMPLATES: [&str; 34] = [
    "a: {{ if .x }}1{{ else }}\"2\"{{ end }}\nb: 1\n",
    "{{ .key | quote }}: {{ .v }}\nb: 1\n",
    "m:\n  {{- range $k, $v := .m }}\n  {{ $k }}: {{ $v | quote }}\n  {{- end }}\nb: 1\n",
    "m:\n{{ toYaml .x | indent 2 }}\nb: 1\n",
    "m: |\n{{ .Files.Get \"x\" | indent 2 }}\nb: 1\n",
    "m: |\n  a\n{{ if .x }}\n  b: \"\n{{ end }}\nb: 1\n",
    "f:\n  - c: |\n{{ .x | indent 4 }}\n    p: /a\n  - c: |\n      t\n{{ .y | indent 6 }}\n      u\n    p: /b\nb: 1\n",
    "a: \"x {{ .y | default \"z\" }}\n  w\"\nb: 1\n",
    "a: 'x {{ .y | default 'z' }}\n w'\nb: 1\n",
    "# {{ if .x }}: {{ end }}\na: {{ .y }}\nb: 1\n",
    "# use `}}` and {{`{{`}}\na: {{ .y }}\nb: 1\n",
    "{{ define \"n\" -}}\na: {{ .x }}\n{{- end }}\nb: 1\n",
    "{{- $x := dict \"a\" 1\n    \"b\" 2 }}\nb: 1\n",
    "a: {{ include \"x\"\n  . | nindent 2 }}\nb: 1\n",
    "a: [{{ range .x }}{{ . }}, {{ end }}]\nb: 1\n",
    "a: {{ .x }}{{ .y }}:{{ .z }}\nb: 1\n",
    "a:\n{{- with .x }}\n  c: {{ . }}\n{{- end }}{{ with .z }}\n  d: 1\n{{- end }}\nb: 1\n",
    "a: {{ .x }}\r\n{{- if .y }}\r\nb: 1\r\n{{- end }}\r\n",
    "a: '{{\"{{\"}} .x {{\"}}\"}}'\nb: 1\n",
    "{{ if .x }}a: 1{{ end }}\nb: 1\n",
    "{{- if .x }}\n---\na: 1\n{{- end }}\n---\nb: 1\n",
    "a:\n\t{{- if .x }}\n  c: 1\n\t{{- end }}\nb: 1\n",
    "a: {{ .x }}\n  {{- /* a: b\n  c: d */}}\nb: 1\n",
    "a: \"{{- range .x }}{{ . }}\n{{- end }}\"\nb: 1\n",
    "a: \"x\ny {{ .z }}\nw\"\nb: 1\n",
    // What opens the lines below it, and what is glued to a key or a text.
    "a: {{- include \"l\" . | nindent 4 }}\n    c: 1\nb: 1\n",
    "a: {{ if .x }}\n  c: 1\n{{ else }}\n  d: 1\n{{ end }}\nb: 1\n",
    "a: {{- with .x }}\n  {{- toYaml . | nindent 2 }}\n{{- end }}\nb: 1\n",
    "a:{{ toYaml .x | nindent 2 }}\nb: 1\n",
    "a: \"{{ .x }}\"{{ if .y }} # c{{ end }}\nb: 1\n",
    "a: {\"c\": \"d\"{{ if .y }}, \"e\": {{ .y }}{{ end }}}\nb: 1\n",
    "a:\n  - c: 1\n    d: 2{{ end }}\nb: 1\n",
    "a: {{ .x }}\n  c: {{ .y }}\nb: 1\n",
    "a:\n- \"{{ .x }}\" {{- if .y }}\n- \"d\"\n{{- end }}\nb: 1\n",
];

#[test]
fn templates_of_many_shapes_are_read_and_edited() {
    for text in TEMPLATES {
        let file = File::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(file.unread_lines().is_empty());
        let last = file.documents().len() - 1;
        let node = file.documents()[last].get("b").unwrap();
        assert_eq!(node.as_str(), Some("1"), "{text}");
        let mut editor = file.edit();
        editor.set(last, &at("b"), "2").unwrap();
        let new = editor
            .finish()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let range = node.range();
        assert_eq!(
            new,
            format!("{}2{}", &text[..range.start], &text[range.end..])
        );
    }
}

#[test]
fn a_text_that_an_action_may_repeat_is_its_own() {
    let text = "a: {{ if .x }}\n  c: \"v1\"{{ if .y }} # c{{ end }}\n{{ end }}\n";
    let file = File::parse(text).unwrap();
    let error = file.edit().set(0, &at("a.c"), "v2").unwrap_err();
    assert!(
        matches!(
            error,
            YamlError::Refused {
                reason: Reason::Template,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_branch_that_fits_nowhere_is_left_out() {
    let text = "files:\n    - path: a\n{{- if .proxy }}\n   - path: b\n     mode: 1\n{{- end }}\nimage: v1\n";
    let file = File::parse(text).unwrap();
    assert_eq!(file.unread_lines(), [4..=5]);
    let root = &file.documents()[0];
    assert_eq!(root.get("files").unwrap().items().len(), 1);
    check(
        text,
        |editor| {
            editor.set(0, &at("image"), "v2")?;
            editor.set(0, &at("files[0].path"), "c")?;
            Ok(())
        },
        &text.replace("v1", "v2").replace("path: a", "path: c"),
    );
    let error = File::parse("a: \"b\" c \"d\"\n{{- if .x }}\nb: 1\n{{- end }}\n").unwrap_err();
    assert_eq!(error.line(), 1);
}

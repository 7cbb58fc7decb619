//! Golden folders: `testdata/yaml/<case>/{in.yaml,edits.txt,out.yaml}`. An edit that is refused has its message in
//! `refused.txt` instead of an `out.yaml`. The lines of `edits.txt` are described at [`apply`].

use std::fs;
use std::path::PathBuf;

use csctl_matrix::yaml::{Editor, File, KeyPlace, KeyValue, Node, Path, Shape, YamlError};

/// Applies one line, whose parts stand between ` | `; `@1 ` before it names another document than the first.
///
/// `set PATH | VALUE`, `insert PATH | AT | SHAPE...`, `append PATH | SHAPE...`, `remove PATH | AT`,
/// `insert-key PATH | AFTER | KEY | VALUE`, `rename-key PATH | OLD | NEW`, `remove-key PATH | KEY`,
/// `insert-document AT | SHAPE...`, `remove-document AT`; a SHAPE is `like N`, then `PATH = VALUE` and `without PATH`.
fn apply(editor: &mut Editor<'_>, line: &str) -> Result<(), YamlError> {
    let (document, line) = match line.strip_prefix('@').and_then(|line| line.split_once(' ')) {
        Some((document, line)) => (number(document), line),
        None => (0, line),
    };
    let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
    let (verb, target) = parts[0].split_once(' ').expect("a verb and a target");
    let part = |at: usize| *parts.get(at).unwrap_or(&"");
    match verb {
        "set" => editor.set(document, &path(target), part(1)).map(drop),
        "insert" => editor
            .insert_item(
                document,
                &path(target),
                number(part(1)),
                &shape(&parts[2..]),
            )
            .map(drop),
        "append" => editor
            .append_item(document, &path(target), &shape(&parts[1..]))
            .map(drop),
        "remove" => editor
            .remove_item(document, &path(target), number(part(1)))
            .map(drop),
        "insert-key" => {
            let place = match part(1) {
                "" => KeyPlace::Last,
                "^" => KeyPlace::First,
                after => KeyPlace::After(after),
            };
            editor
                .insert_key(
                    document,
                    &path(target),
                    place,
                    KeyValue::new(part(2), part(3)),
                )
                .map(drop)
        }
        "rename-key" => editor
            .rename_key(document, &path(target), part(1), part(2))
            .map(drop),
        "remove-key" => editor
            .remove_key(document, &path(target), part(1))
            .map(drop),
        "insert-document" => editor
            .insert_document(number(target), &shape(&parts[1..]))
            .map(drop),
        "remove-document" => editor.remove_document(number(target)).map(drop),
        _ => panic!("unknown edit: {line}"),
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

fn path(text: &str) -> Path {
    text.parse().expect("a path")
}

fn shape(parts: &[&str]) -> Shape {
    let like = parts[0].strip_prefix("like ").expect("like N first");
    parts[1..]
        .iter()
        .fold(Shape::like(number(like)), |shape, part| {
            if let Some(left_out) = part.strip_prefix("without ") {
                return shape.without(path(left_out));
            }
            let (changed, value) = part.split_once(" = ").expect("PATH = VALUE");
            shape.set(path(changed), value)
        })
}

fn edit(text: &str, edits: &str) -> Result<String, YamlError> {
    let file = File::parse(text)?;
    let mut editor = file.edit();
    for line in edits
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        apply(&mut editor, line)?;
    }
    editor.finish()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "golden folders are read here")]
fn golden_folders() {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/yaml"));
    let mut cases: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 10);
    for case in cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let read = |file: &str| fs::read_to_string(case.join(file)).ok();
        let text = read("in.yaml").unwrap();
        let edits = read("edits.txt").unwrap();
        let result = edit(&text, &edits);
        if let Some(message) = read("refused.txt") {
            let error = result.unwrap_err();
            assert_eq!(
                format!("{error}\nhint: {}\n", error.hint()),
                message,
                "{name}"
            );
            continue;
        }
        let result = result.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            Some(&result),
            read("out.yaml").as_ref(),
            "{name}:\n{result}"
        );
        check_again(&name, &result, &edits);
    }
}

/// The new values read back; and where a case only sets values, setting them again changes nothing.
fn check_again(name: &str, result: &str, edits: &str) {
    let file = File::parse(result).unwrap_or_else(|error| panic!("{name}: {error}"));
    let sets = edits.lines().filter(|line| line.starts_with("set "));
    if edits
        .lines()
        .any(|line| line.starts_with("remove ") || line.starts_with("insert "))
    {
        return;
    }
    let mut editor = file.edit();
    for line in sets {
        let (target, value) = line[4..].split_once(" | ").expect("set PATH | VALUE");
        let read = file.documents()[0].at(&path(target)).and_then(Node::as_str);
        assert_eq!(read, Some(value), "{name}: {target}");
        apply(&mut editor, line).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let again = editor
        .finish()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(again, result, "{name}");
}

//! Aliases and merge keys are read through, and not edited through.

use super::{at, check};
use crate::yaml::{File, KeyPlace, KeyValue, Shape, YamlError};

const MERGED: &str = "x: &e\n  os: ubuntu\n  size: 1\n  tags: [a]\ny: &f\n  <<: *e\n  size: 2\nlist:\n- <<: *f\n  name: one\n- <<: [*f, *e]\n  size: 3\n- *e\n- <<: {os: debian, n: 1}\n- '<<': *e\n- <<: text\n";

#[test]
fn aliases_and_merge_keys_are_read_through() {
    let file = File::parse(MERGED).unwrap();
    let root = &file.documents()[0];
    let item = |index: usize| &root.get("list").unwrap().items()[index];
    let read = |index: usize| -> Vec<(String, String)> {
        let text = |node: &crate::yaml::Node| node.as_str().unwrap_or("-").to_owned();
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
    let origin = |origin: Option<crate::yaml::Origin<'_>>| {
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
            editor.insert_key(
                0,
                &at("list[0]"),
                KeyPlace::Last,
                KeyValue::new("os", "here"),
            )?;
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

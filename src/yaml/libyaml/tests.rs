//! The second reader against `serde_yaml`, which is libyaml, and against the first reader.

use proptest::prelude::*;
use serde::Deserialize as _;
use serde_yaml::Value;

use crate::yaml::confirm::confirm;
use crate::yaml::node::{Kind, Node, Style};
use crate::yaml::spans::{self, NodeTree, SourceText};
use crate::yaml::template::Actions;

fn source<'t>(text: &'t str, template: &'t Actions) -> SourceText<'t> {
    SourceText {
        text,
        written: text,
        template,
    }
}

fn first(text: &str) -> Option<NodeTree> {
    spans::parse(&source(text, &Actions::default())).ok()
}

fn second(text: &str) -> Option<NodeTree> {
    super::parse(&source(text, &Actions::default()))
}

fn is_confirmed(text: &str, tree: &NodeTree) -> bool {
    confirm(&source(text, &Actions::default()), tree)
}

fn is_read_by_serde(text: &str) -> bool {
    serde_yaml::Deserializer::from_str(text).all(|document| Value::deserialize(document).is_ok())
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

fn is_nothing(node: &Node) -> bool {
    node.style() == Some(Style::Empty)
}

/// Returns whether two nodes are the same, and in the same place where they are more than nothing. Where nothing stands, and
/// where a collection ends or begins with nothing, each reader sees its own place between the words.
fn same(one: &Node, other: &Node) -> bool {
    let first_key = one.entry_list().first().map(|entry| &entry.key);
    let is_empty = is_nothing(one) || first_key.is_some_and(is_nothing);
    let is_scalar = matches!(one.kind, Kind::Scalar { .. } | Kind::Alias { .. });
    let same_place = (one.line, one.outer, one.span.start)
        == (other.line, other.outer, other.span.start)
        && (!is_scalar || one.span == other.span);
    (one.id, one.context, &one.properties) == (other.id, other.context, &other.properties)
        && (same_place || is_empty)
        && match (&one.kind, &other.kind) {
            (
                Kind::Scalar { value, style },
                Kind::Scalar {
                    value: other,
                    style: other_style,
                },
            ) => (value, style) == (other, other_style),
            (
                Kind::Alias { name, target, .. },
                Kind::Alias {
                    name: other,
                    target: other_target,
                    ..
                },
            ) => (name, target) == (other, other_target),
            (
                Kind::Sequence { items, flow },
                Kind::Sequence {
                    items: others,
                    flow: other_flow,
                },
            ) => flow == other_flow && all_same(items, others),
            (
                Kind::Map { entries, flow, .. },
                Kind::Map {
                    entries: others,
                    flow: other_flow,
                    ..
                },
            ) => {
                flow == other_flow
                    && entries.len() == others.len()
                    && entries.iter().zip(others).all(|(entry, other)| {
                        same(&entry.key, &other.key) && same(&entry.value, &other.value)
                    })
            }
            (
                Kind::Scalar { .. } | Kind::Alias { .. } | Kind::Sequence { .. } | Kind::Map { .. },
                _,
            ) => false,
        }
}

fn all_same(nodes: &[Node], others: &[Node]) -> bool {
    nodes.len() == others.len()
        && nodes
            .iter()
            .zip(others)
            .all(|(one, other)| same(one, other))
}

/// Pieces of which texts are made that are nearly YAML.
const PIECES: [&str; 56] = [
    "a",
    "b: ",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    "\r\n",
    "'",
    "\"",
    "[",
    "]",
    "{",
    "}",
    ",",
    ", ",
    ": ",
    ":",
    "#",
    " # c",
    "&x ",
    "*x",
    "!t ",
    "!!str ",
    "!<u> ",
    "|\n  ",
    ">+\n ",
    ">-\n",
    "|2\n",
    "---\n",
    "--- ",
    "...\n",
    "\t",
    "? ",
    "é",
    "\u{feff}",
    "1.3",
    "~",
    "%YAML 1.2\n",
    "%TAG !e! tag:e,\n",
    "!e!t ",
    "\r",
    "\u{85}",
    "\u{2028}",
    "key: value\n",
    "x: y\n",
    " ",
    "\\",
    "<<: ",
    "''",
    "\"\"",
    "-",
    "k:\n",
    "- a\n",
    "\"a\n",
    "'b'\n",
    "%C3%A9",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_serde_yaml_reads_is_read(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..16)) {
        let text = pieces.concat();
        let text = text.trim_start_matches('\u{feff}');
        if is_read_by_serde(text) {
            let tree = second(text);
            prop_assert!(tree.is_some_and(|tree| is_confirmed(text, &tree)), "{text:?}");
        }
    }

    #[test]
    fn both_readers_make_the_same_tree(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..16)) {
        let text = pieces.concat();
        let text = text.replace(['\u{85}', '\u{2028}', '\u{feff}'], " ");
        if let (Some(first), Some(second)) = (first(&text), second(&text))
            && first.roots.iter().all(|root| root.style() != Some(Style::Block))
        {
            prop_assert_eq!(&first.markers, &second.markers, "{:?}", &text);
            prop_assert!(all_same(&first.roots, &second.roots), "{text:?}: {first:#?} {second:#?}");
        }
    }
}

#[test]
fn the_second_reader_goes_no_deeper_than_the_first() {
    for text in [
        "[".repeat(1_000_000),
        "- ".repeat(10_000),
        "{a: ".repeat(250_000),
    ] {
        assert!(second(&text).is_none());
    }
    assert!(second(&nested(spans::MAX_DEPTH)).is_some());
    assert!(second(&nested(spans::MAX_DEPTH + 1)).is_none());
}

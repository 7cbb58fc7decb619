//! Properties of the YAML editor: generated trees in random styles, and any text at all.

#[path = "../../fuzz/harness.rs"]
mod harness;

use csctl_matrix::yaml;
use csctl_matrix::yaml::{File, KeyPlace, KeyValue, Node, Path, Shape};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Tree {
    Scalar(&'static str, u8),
    Map(Vec<(&'static str, Self)>),
    List(Vec<Self>),
}

#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
struct Style {
    indent: usize,
    dash_gap: usize,
    dedented_lists: bool,
    comments: bool,
    crlf: bool,
    final_newline: bool,
    bom: bool,
    flow_below: usize,
}

const KEYS: [&str; 6] = ["name", "version", "url", "1.30", "build_date", "a.b/c"];
const PLAIN: [&str; 8] = [
    "v1.33.4",
    "1.33",
    "2026-05-13",
    "https://a:8080/x.qcow2",
    "true",
    "ubuntu image 24",
    "größe",
    "<<.V>>",
];

fn tree() -> impl Strategy<Value = Tree> {
    let scalar = (prop::sample::select(&PLAIN[..]), 0_u8..3)
        .prop_map(|(text, quote)| Tree::Scalar(text, quote));
    scalar.prop_recursive(4, 40, 5, |inner| {
        let keys = prop::sample::subsequence(&KEYS[..], 1..5);
        let map = (keys, prop::collection::vec(inner.clone(), 5))
            .prop_map(|(keys, values)| Tree::Map(keys.into_iter().zip(values).collect()));
        prop_oneof![map, prop::collection::vec(inner, 1..5).prop_map(Tree::List)]
    })
}

fn style() -> impl Strategy<Value = Style> {
    let flags = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    (2_usize..5, 1_usize..4, flags, 1_usize..6).prop_map(|(indent, dash_gap, flags, flow_below)| {
        Style {
            indent,
            dash_gap,
            dedented_lists: flags.0,
            comments: flags.1,
            crlf: flags.2,
            final_newline: flags.3,
            bom: flags.4,
            flow_below,
        }
    })
}

struct Printer {
    style: Style,
    text: String,
    count: usize,
}

impl Printer {
    fn print(tree: &Tree, style: Style) -> String {
        let mut printer = Self {
            style,
            text: String::new(),
            count: 0,
        };
        if style.bom {
            printer.text.push('\u{feff}');
        }
        if style.comments {
            printer.text.push_str("# head\n");
        }
        match tree {
            Tree::Scalar(..) => {
                printer.flow(tree);
                printer.text.push('\n');
            }
            Tree::Map(_) | Tree::List(_) => printer.block(tree, 0, 0, false),
        }
        let mut text = printer.text;
        if style.crlf {
            text = text.replace('\n', "\r\n");
        }
        if !style.final_newline {
            text.truncate(text.trim_end().len());
        }
        text
    }

    fn scalar(&mut self, text: &str, quote: u8) {
        match quote {
            0 => self.text.push_str(text),
            1 => self.text.extend(["'", text, "'"]),
            _ => self.text.extend(["\"", text, "\""]),
        }
    }

    fn flow(&mut self, tree: &Tree) {
        match tree {
            Tree::Scalar(text, quote) => self.scalar(text, *quote),
            Tree::Map(entries) => {
                self.text.push('{');
                for (place, (key, value)) in entries.iter().enumerate() {
                    self.text.push_str(if place > 0 { ", " } else { "" });
                    self.text.push_str(key);
                    self.text.push_str(": ");
                    self.flow(value);
                }
                self.text.push('}');
            }
            Tree::List(items) => {
                self.text.push('[');
                for (place, item) in items.iter().enumerate() {
                    self.text.push_str(if place > 0 { "," } else { "" });
                    self.flow(item);
                }
                self.text.push(']');
            }
        }
    }

    fn end_line(&mut self, column: usize) {
        self.count += 1;
        if self.style.comments && self.count.is_multiple_of(3) {
            self.text.push_str("  # eol: note");
        }
        self.text.push('\n');
        if self.style.comments && self.count.is_multiple_of(5) {
            self.text.push_str(&" ".repeat(column));
            self.text.push_str("# - own: line\n\n");
        }
    }

    fn block(&mut self, tree: &Tree, column: usize, depth: usize, mut inline: bool) {
        let start = |printer: &mut Self, inline: &mut bool| {
            if !std::mem::take(inline) {
                printer.text.push_str(&" ".repeat(column));
            }
        };
        match tree {
            Tree::Scalar(..) => {
                self.flow(tree);
                self.end_line(column);
            }
            Tree::List(_) | Tree::Map(_) if depth >= self.style.flow_below => {
                self.flow(tree);
                self.end_line(0);
            }
            Tree::List(items) => {
                for item in items {
                    start(self, &mut inline);
                    self.text.push('-');
                    self.text.push_str(&" ".repeat(self.style.dash_gap));
                    self.block(item, column + 1 + self.style.dash_gap, depth + 1, true);
                }
            }
            Tree::Map(entries) => {
                for (key, value) in entries {
                    start(self, &mut inline);
                    self.text.push_str(key);
                    self.text.push(':');
                    let below = match value {
                        Tree::Scalar(..) => None,
                        Tree::List(_) if self.style.dedented_lists => Some(column),
                        Tree::List(_) | Tree::Map(_) => Some(column + self.style.indent),
                    };
                    if let Some(column) = below.filter(|_| depth + 1 < self.style.flow_below) {
                        self.text.push('\n');
                        self.block(value, column, depth + 1, false);
                    } else {
                        self.text.push(' ');
                        self.block(value, 0, depth + 1, true);
                    }
                }
            }
        }
    }
}

fn collect<'a>(node: &'a Node, path: Path, all: &mut Vec<(Path, &'a Node)>) {
    for (place, item) in node.items().iter().enumerate() {
        collect(item, path.clone().index(place), all);
    }
    for (key, _, value) in node.entries() {
        collect(value, path.clone().key(key), all);
    }
    all.push((path, node));
}

fn same(tree: &Tree, node: &Node) -> bool {
    match tree {
        Tree::Scalar(text, _) => node.as_str() == Some(text),
        Tree::List(items) => {
            items.len() == node.items().len()
                && items
                    .iter()
                    .zip(node.items())
                    .all(|(item, node)| same(item, node))
        }
        Tree::Map(entries) => {
            entries.len() == node.entries().count()
                && entries
                    .iter()
                    .zip(node.entries())
                    .all(|((key, value), (name, _, node))| *key == name && same(value, node))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_edit_of_a_generated_tree_can_be_undone(tree in tree(), style in style(), pick in any::<prop::sample::Index>()) {
        let text = Printer::print(&tree, style);
        let file = File::parse(&text).unwrap();
        let root = &file.documents()[0];
        prop_assert!(same(&tree, root));
        let mut all = Vec::new();
        collect(root, Path::root(), &mut all);
        let (path, node) = &all[pick.index(all.len())];
        let mut editor = file.edit();
        if let Some(old) = node.as_str() {
            let value = if old == "v1.33.4" { "v1.34.1" } else { "v1.33.4" };
            editor.set(0, path, value).unwrap();
            let after = editor.finish().unwrap();
            let range = node.range();
            prop_assert!(after.starts_with(&text[..range.start]) && after.ends_with(&text[range.end..]));
            let again = File::parse(&after).unwrap();
            prop_assert_eq!(again.documents()[0].at(path).and_then(Node::as_str), Some(value));
            let mut editor = again.edit();
            editor.set(0, path, old).unwrap();
            let undone = editor.finish().unwrap();
            let undone = File::parse(&undone).unwrap();
            prop_assert!(same(&tree, &undone.documents()[0]));
        } else if node.is_seq() {
            let count = node.items().len();
            let at = pick.index(count + 1);
            let shape = Shape::like(pick.index(count));
            editor.insert_item(0, path, at, &shape).unwrap();
            let longer = File::parse(&editor.finish().unwrap()).unwrap();
            prop_assert_eq!(longer.documents()[0].at(path).unwrap().items().len(), count + 1);
            let mut editor = longer.edit();
            if editor.remove_item(0, path, at).is_ok() {
                prop_assert_eq!(editor.finish().unwrap(), text);
            }
        } else {
            editor.insert_key(0, path, KeyPlace::Last, KeyValue::new("fresh", "v1")).unwrap();
            let longer = File::parse(&editor.finish().unwrap()).unwrap();
            let fresh = path.clone().key("fresh");
            prop_assert_eq!(longer.documents()[0].at(&fresh).and_then(Node::as_str), Some("v1"));
            let mut editor = longer.edit();
            editor.remove_key(0, path, "fresh").unwrap();
            prop_assert_eq!(editor.finish().unwrap(), text);
        }
    }

    #[test]
    fn nothing_is_unproved_in_generated_trees(tree in tree(), style in style(), choices in prop::array::uniform6(any::<u8>())) {
        let text = Printer::print(&tree, style);
        let (made, unproved) = harness::exercise(&text, &choices);
        prop_assert!(made > 0);
        prop_assert_eq!(unproved, 0, "{}", text);
    }

    #[test]
    fn any_text_keeps_the_promise(
        pieces in prop::collection::vec(prop::sample::select(&[
            "a", "b: ", "- ", "\n", "\n  ", "\r\n", "'", "\"", "[", "]", "{", "}", ",", ": ", "#", " # c", "&x ", "*x", "!t ",
            "|\n  ", ">+\n ", "---\n", "...", "\t", "{{ ", " }}", "{{- if x }}", "{{ end }}", "`", "? ", "é", "\u{feff}", "1.3", "~", "%YAML 1.2\n", "\r",
        ][..]), 0..30),
        choices in prop::array::uniform6(any::<u8>()),
    ) {
        harness::exercise(&pieces.concat(), &choices);
    }

    #[test]
    fn any_characters_keep_the_promise(text in "\\PC*|[-a: \n\\[{}\\]#&*!|>'\"%@`,?.]*", choices in prop::array::uniform6(any::<u8>())) {
        harness::exercise(&text, &choices);
    }
}

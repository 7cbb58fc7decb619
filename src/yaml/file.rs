//! A parsed YAML text. It holds the text as it is and its nodes; it neither reads files nor changes anything.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::edit::Editor;
use super::error::YamlError;
use super::merge;
use super::node::{Entry, Kind, Node, Style};
use super::reading::{BYTE_ORDER_MARK, Mode, ReadText};
use super::spans::NodeTree;
use super::template::Actions;

/// A key which stands twice in one map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The key.
    pub key: String,
    /// The line of the later one, from one.
    pub line: usize,
    /// The line of the first one, from one.
    pub first_line: usize,
}

/// A YAML text, or a Helm template of one, with its values.
#[derive(Debug, Clone)]
pub struct File {
    text: Arc<str>,
    mask: Option<String>,
    pub(super) mode: Mode,
    pub(super) template: Actions,
    pub(super) tree: NodeTree,
}

impl File {
    /// Parses a text: as YAML if it is YAML, otherwise as a Helm template of YAML.
    pub fn parse(text: &str) -> Result<Self, YamlError> {
        Self::parse_shared(text.into())
    }

    /// Parses a text as [`File::parse`] does, without a copy of it.
    pub fn parse_shared(text: Arc<str>) -> Result<Self, YamlError> {
        // A byte order mark is no part of the first line.
        let body = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
        let template = Actions::scan(body);
        let ReadText { mode, mask, tree } = ReadText::of(body, &template)?;
        let mark = text.len() - body.len();
        let mut file = Self {
            text,
            mask,
            mode,
            template,
            tree,
        };
        file.shift(mark);
        merge::settle(&mut file.tree, &file.text)?;
        Ok(file)
    }

    /// Moves all places behind a byte order mark.
    fn shift(&mut self, length: usize) {
        if length > 0 {
            self.tree.shift(length);
            self.template.shift(length);
            if let Some(mask) = &mut self.mask {
                mask.insert_str(0, BYTE_ORDER_MARK);
            }
        }
    }

    /// Returns the text as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text without a copy of it.
    pub fn shared_text(&self) -> &Arc<str> {
        &self.text
    }

    /// Returns the root of each document.
    pub fn documents(&self) -> &[Node] {
        &self.tree.roots
    }

    /// Returns whether the text is only YAML once its `{{ }}` actions are masked.
    pub fn is_template(&self) -> bool {
        self.mask.is_some()
    }

    /// Returns the lines, from one, of the branches of a template that fit nowhere and are not read: where their condition
    /// holds, the template makes no YAML.
    pub fn unread_lines(&self) -> Vec<RangeInclusive<usize>> {
        if self.mode.unread.is_empty() {
            return Vec::new();
        }
        let branches = self.template.branches(&self.text);
        self.mode
            .unread
            .iter()
            .filter_map(|number| branches.get(*number))
            .map(|lines| lines.start + 1..=lines.end)
            .collect()
    }

    /// Begins a series of edits.
    pub fn edit(&self) -> Editor<'_> {
        Editor::new(self)
    }

    /// Returns the keys which stand twice in one map, except in different branches of a template.
    pub fn duplicate_keys(&self) -> Vec<Duplicate> {
        let mut duplicates = Vec::new();
        for (_, first, later) in self.tree.repeated_keys(self.yaml()) {
            let first_block = self.template.block_at(first.span.start);
            // An `if` and its `else` may have one key each: only one of them is rendered.
            if first_block == self.template.block_at(later.span.start)
                && first.as_str() == later.as_str()
            {
                duplicates.push(Duplicate {
                    key: later.as_str().unwrap_or_default().to_owned(),
                    line: later.line(),
                    first_line: first.line(),
                });
            }
        }
        duplicates
    }

    /// Returns the text that is YAML: the mask of a template.
    pub(super) fn yaml(&self) -> &str {
        self.mask.as_deref().unwrap_or(&self.text)
    }
}

impl NodeTree {
    /// Returns each later key with how many of its name stand before it, and the first of them.
    pub(super) fn repeated_keys<'a>(&'a self, yaml: &str) -> Vec<(usize, &'a Node, &'a Node)> {
        let mut repeated = Vec::new();
        for root in &self.roots {
            root.walk(&mut |node| repeated_in(node, yaml, &mut repeated));
        }
        repeated
    }
}

/// Up to how many keys of a map are compared one by one, which is cheaper than a table of them.
const FEW_KEYS: usize = 8;

fn repeated_in<'a>(node: &'a Node, yaml: &str, repeated: &mut Vec<(usize, &'a Node, &'a Node)>) {
    let entries = node.entry_list();
    if !may_repeat(entries, yaml) {
        return;
    }
    let mut seen: HashMap<&str, (usize, &Node)> = HashMap::with_capacity(entries.len());
    for key in entries.iter().map(|entry| &entry.key) {
        let Some(name) = name_of(key, yaml) else {
            continue;
        };
        let (count, first) = seen.entry(name).or_insert((0, key));
        if *count > 0 {
            repeated.push((*count, *first, key));
        }
        *count += 1;
    }
}

fn may_repeat(entries: &[Entry], yaml: &str) -> bool {
    if entries.len() > FEW_KEYS {
        return true;
    }
    entries.iter().enumerate().any(|(place, entry)| {
        let name = name_of(&entry.key, yaml);
        let before = &entries[..place];
        name.is_some() && before.iter().any(|other| name_of(&other.key, yaml) == name)
    })
}

/// Returns the name of a key, as the parsers see it; nothing for one that is no scalar, or nothing at all.
fn name_of<'a>(key: &'a Node, yaml: &'a str) -> Option<&'a str> {
    match &key.kind {
        Kind::Scalar {
            style: Style::Empty,
            ..
        }
        | Kind::Alias { .. }
        | Kind::Sequence { .. }
        | Kind::Map { .. } => None,
        Kind::Scalar { .. } if key.templated => Some(&yaml[key.span.clone()]),
        Kind::Scalar { value, .. } => Some(value),
    }
}

//! A parsed YAML text. It holds the text as it is and its nodes; it neither reads files nor changes anything.

use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

use serde_yaml::Value;

use super::error::{FailedProof, YamlError};
use super::merge;
use super::node::Node;
use super::reading::{BYTE_ORDER_MARK, Mode, ReadText};
use super::repeated::RepeatedKey;
use super::serde_values;
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
    /// What the second parser reads, once somebody has asked for it.
    values: OnceLock<Result<Vec<Value>, FailedProof>>,
}

impl File {
    /// Parses a text: as YAML if it is YAML, otherwise as a Helm template of YAML.
    pub fn parse(text: &str) -> Result<Self, YamlError> {
        Self::parse_shared(text.into())
    }

    /// Parses a text as [`File::parse`] does, without a copy of it.
    pub(crate) fn parse_shared(text: Arc<str>) -> Result<Self, YamlError> {
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
            values: OnceLock::new(),
        };
        // Before aliases are connected: the copies of what anchors name would keep the places without the mark.
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
    pub(crate) fn shared_text(&self) -> &Arc<str> {
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

    /// Returns the word that each action of a template begins with, such as `if` or `include`.
    pub(crate) fn action_words(&self) -> impl Iterator<Item = &str> {
        self.template.words(&self.text)
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

    /// Returns the keys which stand twice in one map, except in different branches of a template.
    pub fn duplicate_keys(&self) -> Vec<Duplicate> {
        let mut duplicates = Vec::new();
        for RepeatedKey { first, later, .. } in self.tree.repeated_keys(self.yaml()) {
            let first_block = self.template.block_at(first.span.start);
            // An `if` and its `else` may have one key each: only one of them is rendered.
            if first_block == self.template.block_at(later.span.start)
                // In the mask, two different actions can look alike.
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

    /// Returns the values of the documents as the second parser, `serde_yaml`, reads them.
    pub(super) fn values(&self) -> Result<&[Value], FailedProof> {
        let read = self.values.get_or_init(|| {
            let yaml = self.yaml();
            let body = yaml.strip_prefix(BYTE_ORDER_MARK).unwrap_or(yaml);
            let repeated = self.tree.repeated_keys(yaml);
            serde_values::read(body, &self.tree, &repeated, yaml.len() - body.len())
        });
        read.as_deref().map_err(Clone::clone)
    }

    /// Returns the text that is YAML: the mask of a template.
    pub(super) fn yaml(&self) -> &str {
        self.mask.as_deref().unwrap_or(&self.text)
    }
}

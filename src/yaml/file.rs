//! A parsed YAML text. It holds the text as it is and its nodes; it neither reads files nor changes anything.

use std::collections::HashMap;
use std::sync::Arc;

use super::edit::Editor;
use super::error::YamlError;
use super::node::{Kind, Node};
use super::spans::{self, Tree};
use super::template::{ControlLine, Template};

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

/// How a text was made readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Raw,
    Masked(ControlLine),
}

/// A YAML text, or a Helm template of one, with its values.
#[derive(Debug, Clone)]
pub struct File {
    text: Arc<str>,
    mask: Option<String>,
    pub(super) mode: Mode,
    pub(super) template: Template,
    pub(super) tree: Tree,
}

impl File {
    /// Parses a text: as YAML if it is YAML, otherwise as a Helm template of YAML.
    pub fn parse(text: &str) -> Result<Self, YamlError> {
        Self::parse_shared(text.into())
    }

    /// Parses a text as [`File::parse`] does, without a copy of it.
    pub fn parse_shared(shared: Arc<str>) -> Result<Self, YamlError> {
        let text = &*shared;
        let template = Template::scan(text);
        let raw = spans::parse(text, text, &template);
        let error = match raw {
            Ok(tree) if !tree.braces || template.is_empty() => {
                return Ok(Self::new(shared, Mode::Raw, None, template, tree));
            }
            Err(error) if template.is_empty() => return Err(error),
            raw => raw,
        };
        let mut masked_error = None;
        for control in [ControlLine::Comment, ControlLine::Blank] {
            let mask = template.mask(text, control);
            match spans::parse(&mask, text, &template) {
                Ok(tree) => {
                    return Ok(Self::new(
                        shared,
                        Mode::Masked(control),
                        Some(mask),
                        template,
                        tree,
                    ));
                }
                Err(error) => masked_error = masked_error.or(Some(error)),
            }
        }
        let tree = match (error, masked_error) {
            (Ok(tree), _) => tree,
            (Err(_), Some(error)) | (Err(error), None) => return Err(error),
        };
        Ok(Self::new(shared, Mode::Raw, None, template, tree))
    }

    fn new(
        text: Arc<str>,
        mode: Mode,
        mask: Option<String>,
        template: Template,
        tree: Tree,
    ) -> Self {
        Self {
            text,
            mask,
            mode,
            template,
            tree,
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

    /// Begins a series of edits.
    pub fn edit(&self) -> Editor<'_> {
        Editor::new(self)
    }

    /// Returns the keys which stand twice in one map, except in different branches of a template.
    pub fn duplicate_keys(&self) -> Vec<Duplicate> {
        let mut duplicates = Vec::new();
        for (_, first, later) in self.repeated_keys() {
            let block = |key: &Node| self.template.block_at(key.span.start);
            if block(first) == block(later) && first.as_str() == later.as_str() {
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

    /// Returns each later key with how many of its name stand before it, and the first of them.
    pub(super) fn repeated_keys(&self) -> Vec<(usize, &Node, &Node)> {
        let mut repeated = Vec::new();
        for root in &self.tree.roots {
            root.walk(&mut |node| self.repeated_in(node, &mut repeated));
        }
        repeated
    }

    fn repeated_in<'a>(&'a self, node: &'a Node, repeated: &mut Vec<(usize, &'a Node, &'a Node)>) {
        let entries = node.entry_list();
        if entries.len() < 2 {
            return;
        }
        let mut seen: HashMap<&str, (usize, &Node)> = HashMap::with_capacity(entries.len());
        for entry in entries {
            let key = &entry.key;
            let name = match &key.kind {
                Kind::Scalar { .. } if key.templated => &self.yaml()[key.span.clone()],
                Kind::Scalar { value, .. } => value,
                Kind::Alias { .. } | Kind::Sequence { .. } | Kind::Map { .. } => continue,
            };
            let (count, first) = seen.entry(name).or_insert((0, key));
            if *count > 0 {
                repeated.push((*count, *first, key));
            }
            *count += 1;
        }
    }
}

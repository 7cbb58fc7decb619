//! The second reader: nodes with positions as libyaml would read them, for texts that the first reader refuses. It reads
//! what Helm, Kubernetes and git read; [`File::parse`](super::File::parse) asks it only then, and has its values confirmed.

mod scan;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use self::scan::{ScannedToken, YamlToken};
use super::node::{Context, Entry, KeyIndex, Kind, Node, Properties, Style};
use super::spans::{MAX_DEPTH, NodeTree, SourceText, block_scalar_end, line_breaks};

/// Parses a text as [`spans::parse`](super::spans::parse) does; nothing where libyaml would refuse it.
pub(super) fn parse(source: &SourceText<'_>) -> Option<NodeTree> {
    let mut reader = Reader {
        source,
        tokens: scan::tokens(source.text)?,
        next: 0,
        handles: Vec::new(),
        anchors: HashMap::new(),
        last_anchor: 0,
        depth: 0,
        cursor: 0,
        cursor_line: 1,
        last_id: 0,
        tree: NodeTree::default(),
    };
    reader.documents()?;
    Some(reader.tree)
}

/// Where a node stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The dash before it, in a block sequence.
    dash: Option<usize>,
    within: Within,
}

/// What may begin at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Flow,
    /// Other block collections may begin here.
    Block,
    /// So they may here, and dashes may stand in the column of the key.
    BlockEntry,
}

impl Place {
    fn within(within: Within) -> Self {
        Self { dash: None, within }
    }
}

/// The bytes of a token.
#[derive(Debug, Clone, Copy)]
struct Extent {
    start: usize,
    end: usize,
}

struct Reader<'t, 's> {
    source: &'s SourceText<'t>,
    tokens: Vec<ScannedToken>,
    next: usize,
    /// The tag handles of the document.
    handles: Vec<Box<str>>,
    /// The anchors of the document, so far.
    anchors: HashMap<Box<str>, u32>,
    last_anchor: u32,
    depth: usize,
    /// The end of what has been read, and its line.
    cursor: usize,
    cursor_line: u32,
    last_id: u32,
    tree: NodeTree,
}

impl<'t> Reader<'t, '_> {
    fn text(&self, extent: Extent) -> &'t str {
        &self.source.text[extent.start..extent.end]
    }

    fn is_at(&self, kinds: &[YamlToken]) -> bool {
        let token = self.tokens.get(self.next);
        token.is_some_and(|token| kinds.contains(&token.kind))
    }

    /// Takes the next token if it is of this kind.
    fn take(&mut self, kind: YamlToken) -> Option<Extent> {
        if self.is_at(&[kind]) {
            self.skip()
        } else {
            None
        }
    }

    fn skip(&mut self) -> Option<Extent> {
        let token = self.tokens.get(self.next)?;
        let extent = Extent {
            start: token.start,
            end: token.end,
        };
        // The tokens in front of keys and behind block collections have no bytes; what is written moves the end.
        if extent.end > extent.start {
            self.cursor = extent.end;
            self.cursor_line = token.line + line_breaks(self.text(extent));
        }
        self.next += 1;
        Some(extent)
    }

    fn documents(&mut self) -> Option<()> {
        let mut is_first = true;
        loop {
            // libyaml takes more than one `...` between documents, and none before the first.
            while !is_first && self.take(YamlToken::DocumentEnd).is_some() {}
            if self.is_at(&[YamlToken::StreamEnd]) {
                return Some(());
            }
            let has_directives = self.directives()?;
            let marker = self.take(YamlToken::DocumentStart);
            if marker.is_none() && (has_directives || !is_first) {
                return None;
            }
            self.tree.markers.push(marker.map(|marker| marker.start));
            // An alias can name anchors of its own document alone.
            self.anchors.clear();
            let place = Place::within(Within::Block);
            let root = if marker.is_some() && self.is_at_document_end() {
                self.empty(place)
            } else {
                self.node(place)?
            };
            self.tree.roots.push(root);
            self.take(YamlToken::DocumentEnd);
            is_first = false;
        }
    }

    fn is_at_document_end(&self) -> bool {
        let token = self.tokens.get(self.next);
        token.is_none_or(|token| {
            matches!(
                token.kind,
                YamlToken::VersionDirective { .. }
                    | YamlToken::TagDirective { .. }
                    | YamlToken::DocumentStart
                    | YamlToken::DocumentEnd
                    | YamlToken::StreamEnd
            )
        })
    }

    /// Reads the directives of a document and returns whether there are any.
    fn directives(&mut self) -> Option<bool> {
        let mut handles: Vec<Box<str>> = Vec::new();
        let mut has_version = false;
        while let Some(token) = self.tokens.get(self.next) {
            match &token.kind {
                YamlToken::VersionDirective { major, minor } => {
                    if has_version || *major != 1 || !matches!(minor, 1 | 2) {
                        return None;
                    }
                    has_version = true;
                }
                YamlToken::TagDirective { handle } => {
                    if handles.contains(handle) {
                        return None;
                    }
                    handles.push(handle.clone());
                }
                _ => break,
            }
            self.skip();
        }
        let has_directives = has_version || !handles.is_empty();
        // Every document knows these two handles, and may declare them anew itself: so they come last.
        handles.extend(["!".into(), "!!".into()]);
        self.handles = handles;
        Some(has_directives)
    }

    /// Begins a node at the next token: its number comes before those of the nodes in it.
    fn start(&mut self, place: Place) -> Node {
        self.last_id += 1;
        let token = self.tokens.get(self.next);
        let (start, line) = token.map_or((self.cursor, 1), |token| (token.start, token.line));
        let mut node = Node::new(self.last_id, start..start);
        node.line = line;
        node.dash = place.dash.unwrap_or(start);
        node.context = match place.within {
            Within::Flow => Context::Flow,
            Within::Block | Within::BlockEntry => Context::Block,
        };
        node
    }

    /// Returns the empty value that stands behind what was read last.
    fn empty(&mut self, place: Place) -> Node {
        let mut node = self.start(place);
        self.place_empty(&mut node, place);
        node.outer = node.span.start;
        node
    }

    fn place_empty(&self, node: &mut Node, place: Place) {
        node.span = self.cursor..self.cursor;
        node.line = self.cursor_line;
        node.dash = place.dash.unwrap_or(self.cursor);
    }

    fn node(&mut self, place: Place) -> Option<Node> {
        let mut node = self.start(place);
        if self.is_at(&[YamlToken::Alias]) {
            self.alias(&mut node)?;
            return Some(node);
        }
        self.properties(&mut node)?;
        let token = self.tokens.get_mut(self.next)?;
        let has_properties = node.properties.is_some();
        if has_properties {
            node.line = token.line;
            node.span = token.start..token.start;
            node.dash = place.dash.unwrap_or(token.start);
        }
        let in_block = place.within != Within::Flow;
        match &mut token.kind {
            YamlToken::Scalar { value, style } => {
                // No token is read twice, so that its value need not be copied.
                let (value, style) = (std::mem::take(value), *style);
                node.span.end = token.end;
                self.skip();
                if style == Style::Block {
                    node.span.end = block_scalar_end(self.source.text, &node.span);
                }
                self.source.set_scalar(&mut node, value, style);
            }
            YamlToken::FlowSequenceStart => self.flow_sequence(&mut node)?,
            YamlToken::FlowMappingStart => self.flow_mapping(&mut node)?,
            YamlToken::BlockSequenceStart if in_block => self.block_sequence(&mut node)?,
            YamlToken::BlockMappingStart if in_block => self.block_mapping(&mut node)?,
            YamlToken::BlockEntry if place.within == Within::BlockEntry => {
                self.dedented_sequence(&mut node)?;
            }
            _ if has_properties => self.place_empty(&mut node, place),
            _ => return None,
        }
        Some(node)
    }

    fn alias(&mut self, node: &mut Node) -> Option<()> {
        let extent = self.skip()?;
        let name = &self.text(extent)[1..];
        let target = *self.anchors.get(name)?;
        node.span.end = extent.end;
        node.kind = Kind::Alias {
            name: name.into(),
            target,
            node: None,
        };
        self.tree.aliased.push(target);
        Some(())
    }

    /// Reads an anchor and a tag, in any order.
    fn properties(&mut self, node: &mut Node) -> Option<()> {
        let mut properties = Properties::default();
        while let Some(token) = self.tokens.get(self.next) {
            let text = &self.source.text[token.start..token.end];
            match &token.kind {
                YamlToken::Anchor if properties.anchor.is_none() => {
                    self.last_anchor += 1;
                    let name: Box<str> = text[1..].into();
                    self.anchors.insert(name.clone(), self.last_anchor);
                    properties.anchor = Some((self.last_anchor, name));
                }
                YamlToken::Tag { handle } if properties.tag.is_none() => {
                    if !handle.is_empty() && !self.handles.contains(handle) {
                        return None;
                    }
                    properties.tag = Some(text.into());
                }
                _ => break,
            }
            self.skip();
        }
        if properties != Properties::default() {
            node.properties = Some(Box::new(properties));
        }
        Some(())
    }

    fn enter(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    /// Ends a collection behind what was read last.
    fn leave(&mut self, node: &mut Node, kind: Kind) {
        self.depth -= 1;
        node.span.end = self.cursor.max(node.span.start);
        node.kind = kind;
    }

    fn leave_map(&mut self, node: &mut Node, entries: Vec<Entry>, context: Context) {
        self.tree.merges |= entries.iter().any(|entry| entry.key.is_merge_key());
        let kind = Kind::Map {
            entries,
            index: KeyIndex::default(),
            flow: context == Context::Flow,
            merges: false,
        };
        self.leave(node, kind);
    }

    fn block_sequence(&mut self, node: &mut Node) -> Option<()> {
        self.enter()?;
        self.skip();
        let items = self.items(&[YamlToken::BlockEntry, YamlToken::BlockEnd])?;
        self.take(YamlToken::BlockEnd)?;
        self.leave(node, Kind::Sequence { items, flow: false });
        Some(())
    }

    /// Reads a sequence whose dashes stand in the column of the key before it.
    fn dedented_sequence(&mut self, node: &mut Node) -> Option<()> {
        self.enter()?;
        let items = self.items(&[
            YamlToken::BlockEntry,
            YamlToken::Key,
            YamlToken::Value,
            YamlToken::BlockEnd,
        ])?;
        self.leave(node, Kind::Sequence { items, flow: false });
        Some(())
    }

    fn items(&mut self, behind_empty: &[YamlToken]) -> Option<Vec<Node>> {
        let mut items = Vec::new();
        while let Some(dash) = self.take(YamlToken::BlockEntry) {
            let place = Place {
                dash: Some(dash.start),
                within: Within::Block,
            };
            items.push(self.node_or_empty(place, behind_empty)?);
        }
        Some(items)
    }

    fn node_or_empty(&mut self, place: Place, behind_empty: &[YamlToken]) -> Option<Node> {
        if self.is_at(behind_empty) {
            Some(self.empty(place))
        } else {
            self.node(place)
        }
    }

    fn block_mapping(&mut self, node: &mut Node) -> Option<()> {
        const BEHIND_EMPTY: [YamlToken; 3] =
            [YamlToken::Key, YamlToken::Value, YamlToken::BlockEnd];
        self.enter()?;
        self.skip();
        let place = Place::within(Within::BlockEntry);
        let mut entries = Vec::new();
        while self.take(YamlToken::BlockEnd).is_none() {
            self.take(YamlToken::Key)?;
            let key = self.node_or_empty(place, &BEHIND_EMPTY)?;
            let value = match self.take(YamlToken::Value) {
                Some(_) => self.node_or_empty(place, &BEHIND_EMPTY)?,
                None => self.empty(place),
            };
            entries.push(Entry { key, value });
        }
        self.leave_map(node, entries, Context::Block);
        Some(())
    }

    fn flow_sequence(&mut self, node: &mut Node) -> Option<()> {
        self.enter()?;
        self.skip();
        let mut items = Vec::new();
        while !self.is_at(&[YamlToken::FlowSequenceEnd]) {
            if !items.is_empty() {
                self.take(YamlToken::FlowEntry)?;
            }
            if self.is_at(&[YamlToken::Key]) {
                items.push(self.pair()?);
            } else if !self.is_at(&[YamlToken::FlowSequenceEnd]) {
                items.push(self.node(Place::within(Within::Flow))?);
            }
        }
        self.skip();
        self.leave(node, Kind::Sequence { items, flow: true });
        Some(())
    }

    /// Reads a map of one entry that stands without braces in a flow sequence.
    fn pair(&mut self) -> Option<Node> {
        const BEHIND_VALUE: [YamlToken; 2] = [YamlToken::FlowEntry, YamlToken::FlowSequenceEnd];
        let place = Place::within(Within::Flow);
        let mut node = self.start(place);
        self.enter()?;
        self.skip();
        let is_key_empty = self.is_at(&BEHIND_VALUE) || self.is_at(&[YamlToken::Value]);
        let key = if is_key_empty {
            let key = self.empty(place);
            // NOTE: libyaml drops the token behind an empty key, whatever it is.
            self.skip();
            key
        } else {
            self.node(place)?
        };
        let value = match self.take(YamlToken::Value) {
            Some(_) => self.node_or_empty(place, &BEHIND_VALUE)?,
            None => self.empty(place),
        };
        let entries = vec![Entry { key, value }];
        self.leave_map(&mut node, entries, Context::Flow);
        Some(node)
    }

    fn flow_mapping(&mut self, node: &mut Node) -> Option<()> {
        const BEHIND_VALUE: [YamlToken; 2] = [YamlToken::FlowEntry, YamlToken::FlowMappingEnd];
        self.enter()?;
        self.tree.braces |= self.source.text[node.span.start..].starts_with("{{");
        self.skip();
        let place = Place::within(Within::Flow);
        let mut entries = Vec::new();
        while !self.is_at(&[YamlToken::FlowMappingEnd]) {
            if !entries.is_empty() {
                self.take(YamlToken::FlowEntry)?;
            }
            if self.take(YamlToken::Key).is_some() {
                let is_key_empty = self.is_at(&BEHIND_VALUE) || self.is_at(&[YamlToken::Value]);
                let key = if is_key_empty {
                    self.empty(place)
                } else {
                    self.node(place)?
                };
                let value = match self.take(YamlToken::Value) {
                    Some(_) => self.node_or_empty(place, &BEHIND_VALUE)?,
                    None => self.empty(place),
                };
                entries.push(Entry { key, value });
            } else if !self.is_at(&[YamlToken::FlowMappingEnd]) {
                let key = self.node(place)?;
                let value = self.empty(place);
                entries.push(Entry { key, value });
            }
        }
        self.skip();
        self.leave_map(node, entries, Context::Flow);
        Some(())
    }
}

//! From text to nodes with positions. It is the only file that knows `granit-parser`, and it decides nothing.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{
    ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle, Tag, options,
};

use super::error::YamlError;
use super::node::{Context, Entry, KeyIndex, Kind, Node, Properties, Style};
use super::template::Actions;

/// The most collections within one another; `serde_yaml` stops at 128.
pub(super) const MAX_DEPTH: usize = 100;

/// What one text holds.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeTree {
    pub(super) roots: Vec<Node>,
    /// Where the `---` of each document is, if there is one.
    pub(super) markers: Vec<Option<usize>>,
    /// A `{{` was read as two flow maps.
    pub(super) braces: bool,
    /// The numbers of the anchors that aliases name.
    pub(super) aliased: Vec<u32>,
    /// A key `<<` is there.
    pub(super) merges: bool,
}

impl NodeTree {
    /// Moves all places, as behind a byte order mark.
    pub(super) fn shift(&mut self, length: usize) {
        for marker in self.markers.iter_mut().flatten() {
            *marker += length;
        }
        for root in &mut self.roots {
            root.shift(length);
        }
    }
}

/// A text to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct SourceText<'t> {
    pub(super) text: &'t str,
    /// What stands in the file where `text` is the mask of a template.
    pub(super) written: &'t str,
    pub(super) template: &'t Actions,
}

impl SourceText<'_> {
    /// Gives a node its scalar; a value which an action writes is taken as it is written.
    pub(super) fn set_scalar(&self, node: &mut Node, value: Box<str>, style: Style) {
        node.kind = Kind::Scalar { value, style };
        if self.template.is_empty() {
            return;
        }
        node.templated = self.is_beside_action(&node.span);
        if self.template.touches(&node.span) {
            node.templated = true;
            let raw = &self.written[node.span.clone()];
            let value = match style {
                Style::Single | Style::Double => raw[1..raw.len() - 1].into(),
                Style::Plain | Style::Block | Style::Empty => raw.into(),
            };
            node.kind = Kind::Scalar { value, style };
        }
    }
}

impl SourceText<'_> {
    /// Returns whether an action stands right before or behind a scalar, as where `{{ range }}` repeats it.
    fn is_beside_action(&self, span: &Range<usize>) -> bool {
        let is_blank = [' ', '\t'];
        let before = self.written[..span.start].trim_end_matches(is_blank);
        let behind = self.written[span.end..].trim_start_matches(is_blank);
        before.ends_with("}}") || behind.starts_with("{{")
    }
}

/// Parses a text with the first reader.
pub(super) fn parse(source: &SourceText<'_>) -> Result<NodeTree, YamlError> {
    let options = options! {
        // As libyaml and all that is made of it.
        block_scalar_eof_without_line_feed: true,
        emit_comments: false,
        // Without these events an anchor has a number and no name, and messages could not name it.
        emit_anchor_events: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder {
        source,
        text: source.text,
        parser: Parser::new_from_str_with_options(source.text, options),
        stack: Vec::new(),
        tree: NodeTree::default(),
        cursor: 0,
        next_id: 1,
    };
    while let Some(next) = builder.parser.next_event() {
        let (event, span) = next.map_err(|error| syntax_error(&error))?;
        builder.take(event, &span)?;
    }
    Ok(builder.tree)
}

/// Checks that a text of somebody else is read by this parser, and nested no deeper than anybody needs: libyaml takes a time that grows
/// with the square of the depth. Values are not kept.
///
/// # Errors
/// It is nested deeper, or it is no YAML.
pub(crate) fn check_depth(text: &str) -> Result<(), YamlError> {
    let options = options! {
        block_scalar_eof_without_line_feed: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut parser = Parser::new_from_str_with_options(text, options);
    while let Some(next) = parser.next_event() {
        next.map_err(|error| syntax_error(&error))?;
    }
    Ok(())
}

fn syntax_error(error: &ScanError) -> YamlError {
    let line = error.marker().line();
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return YamlError::TooDeep {
            line,
            limit: MAX_DEPTH,
        };
    }
    YamlError::Syntax {
        line,
        column: error.marker().col() + 1,
        message: error.info(),
    }
}

/// A collection which is not yet closed.
struct Open {
    node: Node,
    key: Option<Node>,
}

struct Builder<'t, 's> {
    source: &'s SourceText<'t>,
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    stack: Vec<Open>,
    tree: NodeTree,
    /// The end of what has been read.
    cursor: usize,
    next_id: u32,
}

impl<'t> Builder<'t, '_> {
    fn take(&mut self, event: Event<'t>, span: &Span) -> Result<(), YamlError> {
        match event {
            Event::DocumentStart(explicit, _) => {
                let range = bytes(span);
                self.cursor = match self.tree.roots.is_empty() {
                    _ if explicit => range.end,
                    // The event may stand behind the header of a block scalar.
                    true => 0,
                    false => range.start,
                };
                self.tree.markers.push(explicit.then_some(range.start));
            }
            Event::Scalar(value, style, anchor, tag) => {
                let mut node = self.start(span, anchor, tag)?;
                self.scalar(&mut node, value, style);
                self.finish(node);
            }
            Event::Alias(anchor) => {
                let mut node = self.start(span, 0, None)?;
                let name = self.text[node.span.clone()].trim_start_matches('*');
                let target = anchor_number(anchor);
                node.kind = Kind::Alias {
                    name: name.into(),
                    target,
                    node: None,
                };
                self.tree.aliased.push(target);
                self.finish(node);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let mut node = self.start(span, anchor, tag)?;
                node.kind = Kind::Sequence {
                    items: Vec::new(),
                    flow: style == StructureStyle::Flow,
                };
                self.open(node)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let mut node = self.start(span, anchor, tag)?;
                let flow = style == StructureStyle::Flow;
                self.tree.braces |= flow && self.text[node.span.start..].starts_with("{{");
                node.kind = Kind::Map {
                    entries: Vec::new(),
                    index: KeyIndex::default(),
                    flow,
                    // Only `merge::settle` knows: whether `<<` brings keys is seen once its aliases are connected.
                    merges: false,
                };
                self.open(node)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            // NOTE: `Event` is not exhaustive; what is left are the ends of documents and events that are switched off.
            _ => {}
        }
        Ok(())
    }

    /// Begins a node: its dash, anchor and tag.
    fn start(
        &mut self,
        span: &Span,
        anchor: usize,
        tag: Option<Cow<'t, Tag>>,
    ) -> Result<Node, YamlError> {
        let range = bytes(span);
        let mut dash = range.start;
        let around = self.stack.last().map(|open| &open.node);
        let context = around.map_or(Context::Block, Node::context_inside);
        if around.is_some_and(Node::is_seq)
            && context == Context::Block
            && let Some(found) = find_indicator(self.text, self.cursor..range.start, b"-", b":?")
        {
            dash = found;
            self.cursor = found + 1;
        }
        let mut node = Node::new(self.next_id, range);
        node.line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        node.dash = dash;
        node.context = context;
        self.next_id += 1;
        if anchor != 0 || tag.is_some() {
            self.properties(&mut node, span, anchor, tag)?;
        }
        Ok(node)
    }

    fn properties(
        &mut self,
        node: &mut Node,
        span: &Span,
        anchor: usize,
        tag: Option<Cow<'t, Tag>>,
    ) -> Result<(), YamlError> {
        let mut properties = Properties::default();
        if let Some(tag) = tag {
            properties.tag = Some(tag.original().into());
            if let Some(range) = span.tag_span().and_then(|tag| tag.byte_range()) {
                node.outer = node.outer.min(range.start);
                self.cursor = self.cursor.max(range.end);
            }
        }
        // The event with the name of an anchor follows that of its node.
        if anchor != 0
            && let Some(next) = self.parser.next_event()
            && let (Event::Anchor(id, name), span) = next.map_err(|error| syntax_error(&error))?
        {
            let range = bytes(&span);
            node.outer = node.outer.min(range.start);
            self.cursor = self.cursor.max(range.end);
            properties.anchor = Some((anchor_number(id), name.as_ref().into()));
        }
        node.properties = Some(Box::new(properties));
        Ok(())
    }

    fn scalar(&mut self, node: &mut Node, text: Cow<'t, str>, written: ScalarStyle) {
        let style = match written {
            ScalarStyle::Plain if node.span.is_empty() => Style::Empty,
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        match style {
            Style::Empty => self.place_empty(node),
            Style::Block => self.place_block(node),
            Style::Plain | Style::Single | Style::Double => {}
        }
        let value = match style {
            Style::Empty => "".into(),
            Style::Plain | Style::Single | Style::Double | Style::Block => text.into(),
        };
        self.source.set_scalar(node, value, style);
    }

    /// Puts an empty value behind its colon, dash, anchor or tag.
    fn place_empty(&self, node: &mut Node) {
        let is_value = self.stack.last().is_some_and(|open| open.key.is_some());
        let place = if is_value {
            let rest = &self.text[self.cursor..];
            let colon = self.cursor + rest.len() - rest.trim_start_matches([' ', '\t']).len();
            match self.text[colon..].starts_with(':') {
                true => node.span.start.max(colon + 1),
                // A key without a colon: the parser says that its value stands at the next token.
                false if node.properties.is_none() => self.cursor,
                false => node.span.start.max(self.cursor),
            }
        } else {
            node.span.start.max(self.cursor)
        };
        if node.outer == node.span.start {
            node.outer = place;
        }
        node.span = place..place;
    }

    /// Lets a block scalar begin at its `|` or `>` and end with its last line that is not blank.
    fn place_block(&self, node: &mut Node) {
        let header = find_indicator(self.text, self.cursor..node.span.start, b"|>", b":?-");
        let start = header.unwrap_or(node.span.start);
        if node.outer == node.span.start {
            node.outer = start;
        }
        node.line = node
            .line
            .saturating_sub(line_breaks(&self.text[start..node.span.start]));
        node.span.start = start;
        node.span.end = block_scalar_end(self.text, &node.span);
    }

    fn open(&mut self, node: Node) -> Result<(), YamlError> {
        // The parser counts flow and block collections apart, while `serde_yaml` counts them together.
        if self.stack.len() >= MAX_DEPTH {
            return Err(YamlError::TooDeep {
                line: node.line(),
                limit: MAX_DEPTH,
            });
        }
        if node.is_flow() {
            self.cursor = node.span.end;
        }
        self.stack.push(Open { node, key: None });
        Ok(())
    }

    fn close(&mut self, span: &Span) {
        let Some(mut open) = self.stack.pop() else {
            return;
        };
        if open.node.is_flow() {
            open.node.span.end = bytes(span).end;
        } else {
            // It ends with its last leaf, so that comments below it stay when it is cut.
            open.node.span.end = self.cursor.max(open.node.span.start);
            // An indentless sequence is reported at its first item, not at its dash.
            if let Some(first) = open.node.items().first() {
                let dash = first.dash;
                let behind = &self.text[dash..first.outer.max(dash)];
                let line = first.line - line_breaks(behind).min(first.line);
                if open.node.outer == open.node.span.start {
                    open.node.outer = dash;
                }
                open.node.span.start = dash;
                open.node.line = line;
            }
        }
        self.finish(open.node);
    }

    fn finish(&mut self, node: Node) {
        self.cursor = self.cursor.max(node.span.end);
        let Some(parent) = self.stack.last_mut() else {
            self.tree.roots.push(node);
            return;
        };
        match &mut parent.node.kind {
            Kind::Sequence { items, .. } => items.push(node),
            Kind::Map { entries, .. } => match parent.key.take() {
                Some(key) => {
                    self.tree.merges |= key.is_merge_key();
                    entries.push(Entry { key, value: node });
                }
                None => parent.key = Some(node),
            },
            Kind::Scalar { .. } | Kind::Alias { .. } => {}
        }
    }
}

/// Returns where the last line of a block scalar ends that is not blank, or its last line if it keeps blank ones.
pub(super) fn block_scalar_end(text: &str, span: &Range<usize>) -> usize {
    let body = &text[span.clone()];
    let header = body.split(['#', '\r', '\n']).next().unwrap_or_default();
    let keeps_blank_lines = header.contains('+');
    if !keeps_blank_lines {
        return span.start + body.trim_end().len();
    }
    let blanks = body.trim_end_matches([' ', '\t']);
    let lines = if blanks.ends_with('\n') { blanks } else { body };
    let last = lines
        .strip_suffix('\n')
        .map_or(lines, |line| line.strip_suffix('\r').unwrap_or(line));
    span.start + last.len()
}

fn anchor_number(id: usize) -> u32 {
    u32::try_from(id).unwrap_or(u32::MAX)
}

/// Counts line breaks as the parser does: a return and a line feed are one, a return alone is one too.
pub(super) fn line_breaks(text: &str) -> u32 {
    let pairs = text.matches("\r\n").count();
    let breaks = text.matches(['\r', '\n']).count() - pairs;
    u32::try_from(breaks).unwrap_or(u32::MAX)
}

fn bytes(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or_default()
}

/// Finds an indicator between two tokens, past blanks, comments, anchors, tags and the indicators in `past`.
fn find_indicator(text: &str, gap: Range<usize>, wanted: &[u8], past: &[u8]) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut place = gap.start;
    while place < gap.end {
        let byte = bytes[place];
        if wanted.contains(&byte) {
            return Some(place);
        }
        place += match byte {
            b'#' => text[place..].find(['\n', '\r']).unwrap_or(gap.end - place),
            b'&' | b'!' => text[place..]
                .find([' ', '\t', '\n', '\r'])
                .unwrap_or(gap.end - place),
            _ if byte.is_ascii_whitespace() || past.contains(&byte) => 1,
            _ => return None,
        };
    }
    None
}

//! The tokens of a YAML text, cut as libyaml cuts them. It decides as libyaml does even where the specification of YAML
//! says otherwise, and it says nothing about what it refuses: the first reader has said it better.

mod name;
mod scalar;

use crate::yaml::node::Style;
use crate::yaml::spans::MAX_DEPTH;

/// How far a simple key may reach, in characters.
const MAX_KEY_LENGTH: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum YamlToken {
    StreamEnd,
    VersionDirective { major: u32, minor: u32 },
    TagDirective { handle: Box<str> },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias,
    Anchor,
    Tag { handle: Box<str> },
    Scalar { value: Box<str>, style: Style },
}

/// A token and its bytes.
#[derive(Debug, Clone)]
pub(super) struct ScannedToken {
    pub(super) kind: YamlToken,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The line it begins on, from one, as editors count.
    pub(super) line: u32,
}

/// A place in the text.
#[derive(Debug, Clone, Copy)]
struct Mark {
    byte: usize,
    /// In characters.
    index: usize,
    /// As libyaml counts, from zero.
    line: usize,
    /// In characters, from zero.
    column: usize,
    /// As editors count, from one.
    shown_line: u32,
}

/// A token that turns out to be a key where a `:` follows.
#[derive(Debug, Clone, Copy)]
struct SimpleKey {
    is_required: bool,
    token: usize,
    mark: Mark,
}

/// Cuts a text into tokens; nothing where libyaml would refuse it.
pub(super) fn tokens(text: &str) -> Option<Vec<ScannedToken>> {
    // libyaml refuses such a character wherever it stands, in comments too.
    if !text.chars().all(is_allowed) {
        return None;
    }
    let mut scanner = Scanner {
        text,
        mark: Mark {
            byte: 0,
            index: 0,
            line: 0,
            column: 0,
            shown_line: 1,
        },
        flow_level: 0,
        tokens: Vec::new(),
        indents: Vec::new(),
        indent: -1,
        simple_key_allowed: true,
        simple_keys: vec![None],
    };
    while scanner.fetch()? != Fetched::End {}
    Some(scanner.tokens)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fetched {
    Token,
    End,
}

struct Scanner<'t> {
    text: &'t str,
    mark: Mark,
    flow_level: usize,
    tokens: Vec<ScannedToken>,
    indents: Vec<isize>,
    /// The column of the block collection that is open, or -1.
    indent: isize,
    simple_key_allowed: bool,
    /// For each flow level the key that may begin there.
    simple_keys: Vec<Option<SimpleKey>>,
}

impl<'t> Scanner<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.mark.byte..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn is_at(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    /// Returns whether a blank, a line break or the end stands behind this many bytes.
    fn is_blank_behind(&self, bytes: usize) -> bool {
        self.rest()[bytes..].chars().next().is_none_or(is_blankz)
    }

    fn column(&self) -> isize {
        isize::try_from(self.mark.column).unwrap_or(isize::MAX)
    }

    /// Goes past one character that is no line break.
    fn advance(&mut self) {
        if let Some(char) = self.peek() {
            self.mark.byte += char.len_utf8();
            self.mark.index += 1;
            self.mark.column += 1;
        }
    }

    fn advance_while(&mut self, fits: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&fits) {
            self.advance();
        }
    }

    /// Goes past a line break and returns what it means inside a scalar.
    fn next_line(&mut self) -> Option<char> {
        let char = self.peek().filter(|char| is_break(*char))?;
        let length = if self.is_at("\r\n") {
            2
        } else {
            char.len_utf8()
        };
        self.mark.byte += length;
        self.mark.index += if length == 2 && char == '\r' { 2 } else { 1 };
        self.mark.line += 1;
        self.mark.column = 0;
        // Editors end no line at the other line breaks of YAML 1.1.
        if matches!(char, '\r' | '\n') {
            self.mark.shown_line += 1;
        }
        Some(match char {
            '\u{2028}' | '\u{2029}' => char,
            _ => '\n',
        })
    }

    fn token(&self, kind: YamlToken, start: Mark) -> ScannedToken {
        ScannedToken {
            kind,
            start: start.byte,
            end: self.mark.byte,
            line: start.shown_line,
        }
    }

    fn fetch(&mut self) -> Option<Fetched> {
        self.skip_to_token();
        self.drop_stale_keys()?;
        self.unroll_indent(self.column());
        let Some(char) = self.peek() else {
            self.stream_end()?;
            return Some(Fetched::End);
        };
        if self.mark.column == 0 && char == '%' {
            self.directive()?;
        } else if self.is_document_marker() {
            self.document_marker(char)?;
        } else {
            self.fetch_inside(char)?;
        }
        Some(Fetched::Token)
    }

    fn fetch_inside(&mut self, char: char) -> Option<()> {
        let in_flow = self.flow_level > 0;
        let is_blank_next = self.is_blank_behind(char.len_utf8());
        match char {
            '[' => self.flow_start(YamlToken::FlowSequenceStart),
            '{' => self.flow_start(YamlToken::FlowMappingStart),
            ']' => self.flow_end(YamlToken::FlowSequenceEnd),
            '}' => self.flow_end(YamlToken::FlowMappingEnd),
            ',' => self.flow_entry(),
            '-' if is_blank_next => self.block_entry(),
            '?' if in_flow || is_blank_next => self.key(),
            ':' if in_flow || is_blank_next => self.value(),
            '*' => self.anchor(YamlToken::Alias),
            '&' => self.anchor(YamlToken::Anchor),
            '!' => self.tag(),
            '|' | '>' if !in_flow => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                let token = self.scan_block_scalar()?;
                self.tokens.push(token);
                Some(())
            }
            '\'' | '"' => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                let token = self.scan_quoted_scalar(char)?;
                self.tokens.push(token);
                Some(())
            }
            _ if is_plain_start(char) => {
                self.save_simple_key()?;
                // Its line breaks may allow a key again.
                self.simple_key_allowed = false;
                let token = self.scan_plain_scalar()?;
                self.tokens.push(token);
                Some(())
            }
            _ => None,
        }
    }

    fn skip_to_token(&mut self) {
        loop {
            if self.mark.column == 0 && self.is_at("\u{feff}") {
                self.advance();
            }
            // A tab may not indent what could be a key.
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            self.advance_while(|char| char == ' ' || (tabs && char == '\t'));
            if self.is_at("#") {
                self.advance_while(|char| !is_break(char));
            }
            if self.next_line().is_none() {
                return;
            }
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    /// Forgets keys that were left on another line or too far behind; fails where one of them had to be a key.
    fn drop_stale_keys(&mut self) -> Option<()> {
        let mark = self.mark;
        for slot in &mut self.simple_keys {
            let is_stale = slot.is_some_and(|key| {
                key.mark.line < mark.line || key.mark.index + MAX_KEY_LENGTH < mark.index
            });
            if is_stale && slot.take().is_some_and(|key| key.is_required) {
                return None;
            }
        }
        Some(())
    }

    fn save_simple_key(&mut self) -> Option<()> {
        if self.simple_key_allowed {
            self.remove_simple_key()?;
            let key = SimpleKey {
                is_required: self.flow_level == 0 && self.indent == self.column(),
                token: self.tokens.len(),
                mark: self.mark,
            };
            *self.simple_keys.last_mut()? = Some(key);
        }
        Some(())
    }

    fn remove_simple_key(&mut self) -> Option<()> {
        match self.simple_keys.last_mut()?.take() {
            Some(key) if key.is_required => None,
            _ => Some(()),
        }
    }

    /// Opens a block collection where this column is deeper than the one that is open.
    fn roll_indent(&mut self, mark: Mark, place: usize, kind: YamlToken) {
        let column = isize::try_from(mark.column).unwrap_or(isize::MAX);
        if self.flow_level == 0 && self.indent < column {
            self.indents.push(self.indent);
            self.indent = column;
            let token = ScannedToken {
                kind,
                start: mark.byte,
                end: mark.byte,
                line: mark.shown_line,
            };
            self.tokens.insert(place, token);
        }
    }

    fn unroll_indent(&mut self, column: isize) {
        while self.flow_level == 0 && self.indent > column {
            self.tokens.push(self.token(YamlToken::BlockEnd, self.mark));
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn push_one(&mut self, kind: YamlToken, length: usize) {
        let start = self.mark;
        for _ in 0..length {
            self.advance();
        }
        self.tokens.push(self.token(kind, start));
    }

    fn stream_end(&mut self) -> Option<()> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push_one(YamlToken::StreamEnd, 0);
        Some(())
    }

    fn is_document_marker(&self) -> bool {
        self.mark.column == 0 && (self.is_at("---") || self.is_at("...")) && self.is_blank_behind(3)
    }

    fn document_marker(&mut self, char: char) -> Option<()> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let kind = match char {
            '-' => YamlToken::DocumentStart,
            _ => YamlToken::DocumentEnd,
        };
        self.push_one(kind, 3);
        Some(())
    }

    fn flow_start(&mut self, kind: YamlToken) -> Option<()> {
        // Each token looks at the keys of all levels: without a bound here, brackets alone would take hours.
        if self.flow_level >= MAX_DEPTH {
            return None;
        }
        self.save_simple_key()?;
        self.simple_keys.push(None);
        self.flow_level += 1;
        self.simple_key_allowed = true;
        self.push_one(kind, 1);
        Some(())
    }

    fn flow_end(&mut self, kind: YamlToken) -> Option<()> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            self.simple_keys.pop();
        }
        self.simple_key_allowed = false;
        self.push_one(kind, 1);
        Some(())
    }

    fn flow_entry(&mut self) -> Option<()> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_one(YamlToken::FlowEntry, 1);
        Some(())
    }

    fn block_entry(&mut self) -> Option<()> {
        // A dash between brackets is a token like others: as in libyaml, the parser finds that it is an error.
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return None;
            }
            let place = self.tokens.len();
            self.roll_indent(self.mark, place, YamlToken::BlockSequenceStart);
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_one(YamlToken::BlockEntry, 1);
        Some(())
    }

    fn key(&mut self) -> Option<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return None;
            }
            let place = self.tokens.len();
            self.roll_indent(self.mark, place, YamlToken::BlockMappingStart);
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_one(YamlToken::Key, 1);
        Some(())
    }

    fn value(&mut self) -> Option<()> {
        if let Some(key) = self.simple_keys.last_mut()?.take() {
            let token = ScannedToken {
                kind: YamlToken::Key,
                start: key.mark.byte,
                end: key.mark.byte,
                line: key.mark.shown_line,
            };
            self.tokens.insert(key.token, token);
            // The map begins before its first key, which was read before anybody knew that it is one.
            self.roll_indent(key.mark, key.token, YamlToken::BlockMappingStart);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return None;
                }
                let place = self.tokens.len();
                self.roll_indent(self.mark, place, YamlToken::BlockMappingStart);
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_one(YamlToken::Value, 1);
        Some(())
    }
}

/// Returns whether libyaml takes the character anywhere in a text.
fn is_allowed(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

fn is_break(char: char) -> bool {
    matches!(char, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t')
}

/// Returns whether a character ends a token as the end of the text does.
fn is_blankz(char: char) -> bool {
    is_blank(char) || is_break(char)
}

/// Returns whether a plain scalar may begin with it. The signs that are followed by a blank are other tokens, seen before.
fn is_plain_start(char: char) -> bool {
    !is_blankz(char) && !",[]{}#&*!|>'\"%@`".contains(char)
}

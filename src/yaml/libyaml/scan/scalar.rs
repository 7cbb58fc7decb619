//! Scalars: block, quoted and plain ones, with their values. The indentation of quoted ones does not matter.

use super::{Mark, ScannedToken, Scanner, YamlToken, is_blank, is_break};
use crate::yaml::node::Style;

/// What a block scalar does with the line breaks at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Clip,
    Strip,
    Keep,
}

/// Blanks and line breaks between two words of a quoted or plain scalar.
#[derive(Debug, Default)]
struct Gap {
    blanks: String,
    first_break: Option<char>,
    other_breaks: String,
    /// A `\` stood before the first line break.
    is_escaped: bool,
}

impl Gap {
    fn has_break(&self) -> bool {
        self.first_break.is_some() || self.is_escaped
    }

    /// Writes what the gap means: its blanks, or a blank for one line break and one break less for several.
    fn fold_into(self, value: &mut String) {
        if !self.has_break() {
            value.push_str(&self.blanks);
            return;
        }
        match self.first_break {
            Some('\n') if self.other_breaks.is_empty() => value.push(' '),
            Some('\n') | None => {}
            Some(other) => value.push(other),
        }
        value.push_str(&self.other_breaks);
    }
}

impl Scanner<'_> {
    fn scalar_token(&self, value: String, style: Style, start: Mark) -> ScannedToken {
        let value = value.into();
        self.token(YamlToken::Scalar { value, style }, start)
    }

    /// Reads the blanks and line breaks here into the gap; fails at a tab where the indentation of a plain scalar stands.
    fn read_gap(&mut self, gap: &mut Gap, least_column: usize) -> Option<()> {
        while let Some(char) = self.peek() {
            if is_blank(char) {
                if gap.has_break() {
                    if char == '\t' && self.mark.column < least_column {
                        return None;
                    }
                } else {
                    gap.blanks.push(char);
                }
                self.advance();
            } else if let Some(line_break) = self.next_line() {
                if gap.has_break() {
                    gap.other_breaks.push(line_break);
                } else {
                    gap.first_break = Some(line_break);
                }
            } else {
                break;
            }
        }
        Some(())
    }

    pub(super) fn scan_quoted_scalar(&mut self, quote: char) -> Option<ScannedToken> {
        let start = self.mark;
        let mut value = String::new();
        self.advance();
        loop {
            // libyaml takes no marker of a document at the beginning of a line, not even between quotes.
            if self.is_document_marker() || self.peek().is_none() {
                return None;
            }
            let mut gap = Gap::default();
            while let Some(char) = self
                .peek()
                .filter(|char| !is_blank(*char) && !is_break(*char))
            {
                if quote == '\'' && self.is_at("''") {
                    value.push(quote);
                    self.advance();
                    self.advance();
                } else if char == quote {
                    break;
                } else if quote == '"' && char == '\\' {
                    self.advance();
                    if self.next_line().is_some() {
                        gap.is_escaped = true;
                        break;
                    }
                    value.push(self.escape()?);
                } else {
                    value.push(char);
                    self.advance();
                }
            }
            if self.peek() == Some(quote) {
                break;
            }
            self.read_gap(&mut gap, 0)?;
            gap.fold_into(&mut value);
        }
        self.advance();
        let style = match quote {
            '"' => Style::Double,
            _ => Style::Single,
        };
        Some(self.scalar_token(value, style, start))
    }

    /// Reads what stands behind a `\` between double quotes.
    fn escape(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.advance();
        let digits = match char {
            '0' => return Some('\0'),
            'a' => return Some('\u{7}'),
            'b' => return Some('\u{8}'),
            't' | '\t' => return Some('\t'),
            'n' => return Some('\n'),
            'v' => return Some('\u{b}'),
            'f' => return Some('\u{c}'),
            'r' => return Some('\r'),
            'e' => return Some('\u{1b}'),
            ' ' | '"' | '/' | '\\' => return Some(char),
            'N' => return Some('\u{85}'),
            '_' => return Some('\u{a0}'),
            'L' => return Some('\u{2028}'),
            'P' => return Some('\u{2029}'),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        let code = self.rest().get(..digits)?;
        if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for _ in 0..digits {
            self.advance();
        }
        char::from_u32(u32::from_str_radix(code, 16).ok()?)
    }

    pub(super) fn scan_plain_scalar(&mut self) -> Option<ScannedToken> {
        let start = self.mark;
        let mut end = start;
        let mut value = String::new();
        let least_column = usize::try_from(self.indent + 1).unwrap_or(0);
        let mut gap = Gap::default();
        loop {
            if self.is_document_marker() || self.is_at("#") {
                break;
            }
            while let Some(char) = self
                .peek()
                .filter(|char| !is_blank(*char) && !is_break(*char))
            {
                if self.ends_plain_scalar(char)? {
                    break;
                }
                std::mem::take(&mut gap).fold_into(&mut value);
                value.push(char);
                self.advance();
                end = self.mark;
            }
            if !self
                .peek()
                .is_some_and(|char| is_blank(char) || is_break(char))
            {
                break;
            }
            self.read_gap(&mut gap, least_column)?;
            if self.flow_level == 0 && self.mark.column < least_column {
                break;
            }
        }
        if gap.has_break() {
            self.simple_key_allowed = true;
        }
        let mut token = self.scalar_token(value, Style::Plain, start);
        token.end = end.byte;
        Some(token)
    }

    /// Returns whether a plain scalar ends before this character; fails at a `:` that libyaml takes nowhere in brackets.
    fn ends_plain_scalar(&self, char: char) -> Option<bool> {
        let in_flow = self.flow_level > 0;
        if char == ':' {
            let next = self.rest()[1..].chars().next();
            if in_flow && next.is_some_and(|next| ",?[]{}".contains(next)) {
                return None;
            }
            return Some(self.is_blank_behind(1));
        }
        Some(in_flow && ",[]{}".contains(char))
    }

    pub(super) fn scan_block_scalar(&mut self) -> Option<ScannedToken> {
        let start = self.mark;
        let is_literal = self.is_at("|");
        self.advance();
        let (chomping, increment) = self.block_header()?;
        self.next_line();
        let mut end = self.mark;
        let base = self.indent.max(0);
        let mut indent = increment.map(|increment| base + increment);
        let mut value = String::new();
        let mut line_break = None;
        let mut blank_lines = String::new();
        let mut was_indented = false;
        self.blank_lines(&mut indent, &mut blank_lines, &mut end)?;
        while let Some(char) = self.peek().filter(|_| Some(self.column()) == indent) {
            let is_indented = is_blank(char);
            let folds = !is_literal && line_break == Some('\n') && !was_indented && !is_indented;
            if folds {
                if blank_lines.is_empty() {
                    value.push(' ');
                }
            } else {
                value.extend(line_break);
            }
            value.push_str(&std::mem::take(&mut blank_lines));
            was_indented = is_indented;
            while let Some(char) = self.peek().filter(|char| !is_break(*char)) {
                value.push(char);
                self.advance();
            }
            line_break = self.next_line();
            self.blank_lines(&mut indent, &mut blank_lines, &mut end)?;
        }
        if chomping != Chomping::Strip {
            value.extend(line_break);
        }
        if chomping == Chomping::Keep {
            value.push_str(&blank_lines);
        }
        let mut token = self.scalar_token(value, Style::Block, start);
        token.end = end.byte;
        Some(token)
    }

    /// Reads what stands behind a `|` or `>`: how to end it, and how much deeper than its parent it is indented.
    fn block_header(&mut self) -> Option<(Chomping, Option<isize>)> {
        let mut chomping = Chomping::Clip;
        let mut increment = None;
        for _ in 0..2 {
            match self.peek() {
                Some('+') if chomping == Chomping::Clip => chomping = Chomping::Keep,
                Some('-') if chomping == Chomping::Clip => chomping = Chomping::Strip,
                Some(digit @ '0'..='9') if increment.is_none() => {
                    increment = Some(isize::try_from(digit.to_digit(10)?).ok()?);
                    if digit == '0' {
                        return None;
                    }
                }
                _ => break,
            }
            self.advance();
        }
        self.advance_while(is_blank);
        if self.is_at("#") {
            self.advance_while(|char| !is_break(char));
        }
        self.peek()
            .is_none_or(is_break)
            .then_some((chomping, increment))
    }

    /// Reads blank lines and the indentation of the line after them; the first such line sets an indentation that is not
    /// written down.
    fn blank_lines(
        &mut self,
        indent: &mut Option<isize>,
        breaks: &mut String,
        end: &mut Mark,
    ) -> Option<()> {
        let mut deepest = 0;
        *end = self.mark;
        loop {
            let column = self.column();
            let may_indent = indent.is_none_or(|indent| column < indent);
            match self.peek() {
                Some(' ') if may_indent => {
                    self.advance();
                    continue;
                }
                Some('\t') if may_indent => return None,
                _ => {}
            }
            deepest = deepest.max(column);
            let Some(line_break) = self.next_line() else {
                break;
            };
            breaks.push(line_break);
            *end = self.mark;
        }
        // At the root, too, a block scalar is indented by one column at least: libyaml reads no other.
        indent.get_or_insert(deepest.max(self.indent + 1).max(1));
        Some(())
    }
}

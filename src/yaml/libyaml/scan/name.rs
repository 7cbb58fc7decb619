//! Anchors, aliases, tags and directives: what is written in letters and holds no value. It resolves nothing.

use super::{Scanner, YamlToken, is_blank, is_blankz, is_break};

/// The most digits in a number of a `%YAML` directive.
const MAX_DIGITS: usize = 9;

impl<'t> Scanner<'t> {
    pub(super) fn anchor(&mut self, kind: YamlToken) -> Option<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.advance();
        let name = self.word();
        self.tokens.push(self.token(kind, start));
        let may_end = self
            .peek()
            .is_none_or(|char| is_blankz(char) || "?:,]}%@`".contains(char));
        (!name.is_empty() && may_end).then_some(())
    }

    pub(super) fn tag(&mut self) -> Option<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let mut handle = "";
        if self.is_at("!<") {
            self.advance();
            self.advance();
            self.tag_uri(",[]").filter(|count| *count > 0)?;
            if !self.is_at(">") {
                return None;
            }
            self.advance();
        } else {
            let named = self.tag_handle()?;
            // Outside of `<` and `>`, a comma or a bracket is one of the list around the tag.
            let count = self.tag_uri("")?;
            // Without a second `!` what looked like a handle is the tag itself, which may be nothing but `!`.
            if named.len() > 1 && named.ends_with('!') {
                handle = named;
                if count == 0 {
                    return None;
                }
            }
        }
        let kind = YamlToken::Tag {
            handle: handle.into(),
        };
        self.tokens.push(self.token(kind, start));
        let ends = self.peek().is_none_or(is_blankz) || (self.flow_level > 0 && self.is_at(","));
        ends.then_some(())
    }

    pub(super) fn directive(&mut self) -> Option<()> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.advance();
        let name = self.word();
        if !self.is_blank_behind(0) {
            return None;
        }
        self.advance_while(is_blank);
        let kind = match name {
            "YAML" => {
                let major = self.number()?;
                if !self.is_at(".") {
                    return None;
                }
                self.advance();
                let minor = self.number()?;
                YamlToken::VersionDirective { major, minor }
            }
            "TAG" => self.tag_directive()?,
            _ => return None,
        };
        self.tokens.push(self.token(kind, start));
        self.advance_while(is_blank);
        if self.is_at("#") {
            self.advance_while(|char| !is_break(char));
        }
        let ends = self.peek().is_none_or(is_break);
        self.next_line();
        ends.then_some(())
    }

    fn tag_directive(&mut self) -> Option<YamlToken> {
        let handle = self.tag_handle()?;
        if !handle.ends_with('!') || !self.peek().is_some_and(is_blank) {
            return None;
        }
        self.advance_while(is_blank);
        self.tag_uri(",[]").filter(|count| *count > 0)?;
        self.is_blank_behind(0).then(|| YamlToken::TagDirective {
            handle: handle.into(),
        })
    }

    /// Reads letters, digits, `_` and `-`.
    fn word(&mut self) -> &'t str {
        let start = self.mark.byte;
        self.advance_while(is_word);
        &self.text[start..self.mark.byte]
    }

    fn number(&mut self) -> Option<u32> {
        let start = self.mark.byte;
        self.advance_while(|char| char.is_ascii_digit());
        let digits = &self.text[start..self.mark.byte];
        // libyaml counts digits, and refuses a longer number even where it would fit.
        digits.parse().ok().filter(|_| digits.len() <= MAX_DIGITS)
    }

    /// Reads `!`, `!!` or `!word!`; a word without a second `!` is read too.
    fn tag_handle(&mut self) -> Option<&'t str> {
        let start = self.mark.byte;
        if !self.is_at("!") {
            return None;
        }
        self.advance();
        self.advance_while(is_word);
        if self.is_at("!") {
            self.advance();
        }
        Some(&self.text[start..self.mark.byte])
    }

    /// Goes past the characters of a tag, of which some places allow more, and returns how many there were.
    fn tag_uri(&mut self, more: &str) -> Option<usize> {
        let mut count = 0;
        while let Some(char) = self.peek() {
            if char == '%' {
                self.escaped_character()?;
            } else if is_word(char) || ";/?:@&=+$.!~*'()".contains(char) || more.contains(char) {
                self.advance();
            } else {
                break;
            }
            count += 1;
        }
        Some(count)
    }

    /// Goes past one character that is written as `%C3%A9`.
    fn escaped_character(&mut self) -> Option<()> {
        let mut left = 0;
        loop {
            let digits = self.rest().strip_prefix('%')?.get(..2)?;
            if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            let octet = u8::from_str_radix(digits, 16).ok()?;
            if left == 0 {
                left = match octet.leading_ones() {
                    0 => 1,
                    count @ 2..=4 => count,
                    _ => return None,
                };
            } else if octet.leading_ones() != 1 {
                return None;
            }
            for _ in 0..3 {
                self.advance();
            }
            left -= 1;
            if left == 0 {
                return Some(());
            }
        }
    }
}

fn is_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '-')
}

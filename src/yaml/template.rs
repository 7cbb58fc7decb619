//! Helm templates: where their actions are, which blocks they form, and a text of the same length that is YAML. It does not
//! render a template and does not understand expressions.

use std::ops::Range;

#[derive(Debug, Clone)]
struct Action {
    range: Range<usize>,
    /// The innermost block after this action; zero is outside all blocks.
    block: u32,
}

/// The `{{ }}` actions of a text, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Template {
    actions: Vec<Action>,
}

/// What to write over a line which holds nothing but actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ControlLine {
    /// A comment, which is right nearly everywhere.
    Comment,
    /// Nothing, which is right inside a block scalar.
    Blank,
}

impl Template {
    /// Finds the actions of a text; text without `{{` costs one search.
    pub(super) fn scan(text: &str) -> Self {
        let mut actions = Vec::new();
        let mut open = Vec::new();
        let mut last_block = 0;
        let mut from = 0;
        while let Some(found) = text[from..].find("{{") {
            let start = from + found;
            let Some(end) = action_end(text, start) else {
                break;
            };
            match block_word(&text[start + 2..end - 2]) {
                "if" | "range" | "with" | "define" | "block" => {
                    last_block += 1;
                    open.push(last_block);
                }
                "else" if open.pop().is_some() => {
                    last_block += 1;
                    open.push(last_block);
                }
                "end" => {
                    open.pop();
                }
                _ => {}
            }
            actions.push(Action {
                range: start..end,
                block: open.last().copied().unwrap_or(0),
            });
            from = end;
        }
        Self { actions }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Returns the innermost block in force at this place.
    pub(super) fn block_at(&self, place: usize) -> u32 {
        let before = self
            .actions
            .partition_point(|action| action.range.start < place);
        match before.checked_sub(1) {
            Some(last) => self.actions[last].block,
            None => 0,
        }
    }

    /// Returns the actions which share a byte with this range.
    pub(super) fn within(&self, range: &Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
        let first = self
            .actions
            .partition_point(|action| action.range.end <= range.start);
        let end = range.end;
        self.actions[first..]
            .iter()
            .map(|action| action.range.clone())
            .take_while(move |action| action.start < end)
    }

    pub(super) fn touches(&self, range: &Range<usize>) -> bool {
        !self.actions.is_empty() && self.within(range).next().is_some()
    }

    /// Returns the text with every byte of an action replaced: same length, same line breaks, same blanks.
    pub(super) fn mask(&self, text: &str, control: ControlLine) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let mut done = 0;
        for action in &self.actions {
            for byte in &mut bytes[action.range.clone()] {
                if !byte.is_ascii_whitespace() {
                    *byte = b'x';
                }
            }
        }
        for action in &self.actions {
            if action.range.end <= done {
                continue;
            }
            let mut line = text[..action.range.start]
                .rfind('\n')
                .map_or(0, |at| at + 1);
            while line < action.range.end {
                let end = text[line..].find('\n').map_or(text.len(), |at| line + at);
                if line >= done {
                    self.mask_line(&mut bytes, line..end, control);
                    done = end;
                }
                line = end + 1;
            }
        }
        String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
    }

    fn mask_line(&self, bytes: &mut [u8], line: Range<usize>, control: ControlLine) {
        let mut actions = self.within(&line).peekable();
        for place in line.clone() {
            while actions.next_if(|action| action.end <= place).is_some() {}
            let in_action = actions.peek().is_some_and(|action| action.start <= place);
            if !in_action && !bytes[place].is_ascii_whitespace() {
                return;
            }
        }
        let mut first = true;
        for byte in &mut bytes[line] {
            if byte.is_ascii_whitespace() {
                continue;
            }
            match control {
                ControlLine::Blank => *byte = b' ',
                ControlLine::Comment if first => *byte = b'#',
                ControlLine::Comment => {}
            }
            first = false;
        }
    }
}

/// Returns the first word of an action's inside, after a trim marker.
fn block_word(inside: &str) -> &str {
    let inside = inside.strip_prefix('-').unwrap_or(inside).trim_start();
    let end = inside
        .find(|char: char| !char.is_ascii_alphabetic())
        .unwrap_or(inside.len());
    &inside[..end]
}

/// Returns the end of the action which starts here, behind its `}}`; strings and comments may hold braces.
fn action_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let inside = text[start + 2..]
        .strip_prefix('-')
        .unwrap_or(&text[start + 2..]);
    if inside.trim_start().starts_with("/*") {
        let from = text.len() - inside.trim_start().len() + 2;
        let close = from + text[from..].find("*/")?;
        return Some(close + text[close..].find("}}")? + 2);
    }
    let mut place = start + 2;
    while place < bytes.len() {
        place = match bytes[place] {
            b'}' if bytes.get(place + 1) == Some(&b'}') => return Some(place + 2),
            b'"' => quoted_end(bytes, place).unwrap_or(place + 1),
            b'`' => text[place + 1..]
                .find('`')
                .map_or(place + 1, |at| place + at + 2),
            b'\'' if bytes.get(place + 2) == Some(&b'\'') => place + 3,
            _ => place + 1,
        };
    }
    None
}

/// Returns the place behind a string's closing quote; a string ends on its line.
fn quoted_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut place = start + 1;
    loop {
        match bytes.get(place)? {
            b'"' => return Some(place + 1),
            b'\n' => return None,
            b'\\' => place += 2,
            _ => place += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mask = Template::scan(text).mask(text, ControlLine::Comment);
        assert_eq!(mask.len(), text.len());
        mask
    }

    #[test]
    fn masks_actions_and_control_lines() {
        for (text, expected) in [
            ("a: {{ .x }}-b\n", "a: xx xx xx-b\n"),
            (
                "{{- if .x }}\na: 1\n  {{- end }}\n",
                "#xx xx xx xx\na: 1\n  #xx xxx xx\n",
            ),
            ("a: {{ `{{ x }}` }}\n", "a: xx xxx x xxx xx\n"),
            ("a: {{ \"}}\\\"}}\" }}!\n", "a: xx xxxxxxxx xx!\n"),
            ("{{/* a }} b */}}\nx: 1", "#xxx x xx x xxxx\nx: 1"),
            ("a: {{ .b\n  | quote }}\n", "a: xx xx\n  # xxxxx xx\n"),
            ("é: {{ \"ü\" }}\n", "é: xx xxxx xx\n"),
            ("a: {{ open\n", "a: {{ open\n"),
            ("{{ a }} {{ b }}\r\n", "#x x xx xx x xx\r\n"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn knows_blocks() {
        let text = "a\n{{ if x }}b{{ else }}c{{ end }}d";
        let template = Template::scan(text);
        let at = |char| template.block_at(text.find(char).unwrap());
        assert_eq!([at('a'), at('b'), at('c'), at('d')], [0, 1, 2, 0]);
    }
}

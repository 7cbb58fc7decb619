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
pub(super) struct Actions {
    actions: Vec<Action>,
}

/// What to write over a line which holds nothing but actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ControlLine {
    /// A comment, which is right nearly everywhere.
    Comment,
    /// Nothing, which is right inside a block scalar; letters, where it is the first line of one.
    Blank,
}

/// What to write over actions beside other text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InsideLine {
    /// Letters, as if each action wrote a word.
    Filled,
    /// Blanks over those that write no word: `if`, `end` and the like, and what opens the lines below it, as in
    /// `labels: {{ include "labels" . | nindent 4 }}` with more labels below. An action right behind a colon is parted from it.
    Parted,
}

/// How a mask is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Masking {
    pub(super) control: ControlLine,
    pub(super) inside: InsideLine,
}

impl Masking {
    /// All ways, the most usual first.
    pub(super) const ALL: [Self; 4] = [
        Self::new(ControlLine::Comment, InsideLine::Filled),
        Self::new(ControlLine::Blank, InsideLine::Filled),
        Self::new(ControlLine::Comment, InsideLine::Parted),
        Self::new(ControlLine::Blank, InsideLine::Parted),
    ];

    const fn new(control: ControlLine, inside: InsideLine) -> Self {
        Self { control, inside }
    }
}

impl Actions {
    /// Finds the actions of a text; text without `{{` costs one search.
    pub(super) fn scan(text: &str) -> Self {
        let mut actions = Vec::new();
        let mut open = Vec::new();
        let mut last_block = 0;
        let mut from = 0;
        while let Some(start) = next_braces(text, from) {
            let Some(end) = action_end(text, start) else {
                break;
            };
            match block_word(&text[start + 2..end - 2]) {
                "if" | "range" | "with" | "define" | "block" => {
                    last_block += 1;
                    open.push(last_block);
                }
                // Each branch is a block of its own, as nothing may move from one branch into another.
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

    /// Returns the lines of each branch of a block, from zero, where its actions stand on lines of their own: those between
    /// an `if`, `else`, `range` or the like and the next `else` or `end`.
    pub(super) fn branches(&self, text: &str) -> Vec<Range<usize>> {
        let mut branches = Vec::new();
        let mut open: Vec<Range<usize>> = Vec::new();
        for action in &self.actions {
            let word = block_word(&text[action.range.start + 2..action.range.end - 2]);
            let (ends, begins) = match word {
                "if" | "range" | "with" | "define" | "block" => (false, true),
                "else" => (true, true),
                "end" => (true, false),
                _ => continue,
            };
            if ends && let Some(begin) = open.pop() {
                let lines = line_number(text, begin.end) + 1..line_number(text, action.range.start);
                if self.is_alone(text, &begin) && self.is_alone(text, &action.range) {
                    branches.push(lines);
                }
            }
            if begins {
                open.push(action.range.clone());
            }
        }
        branches
    }

    /// Returns whether an action writes nothing, or lines below its own that go on with lines of the text.
    fn writes_no_value(&self, text: &str, action: &Range<usize>) -> bool {
        let inside = &text[action.start + 2..action.end - 2];
        if matches!(
            block_word(inside),
            "if" | "else" | "end" | "range" | "with" | "define" | "block"
        ) {
            return true;
        }
        let rest = text[action.end..].split_once('\n');
        let Some((_, below)) = rest.filter(|(behind, _)| behind.trim().is_empty()) else {
            return false;
        };
        let start = text[..action.start].rfind('\n').map_or(0, |at| at + 1);
        let key = text[start..action.start].trim_end();
        let column = key_column(key);
        let next = self.next_text_line(text, text.len() - below.len());
        key.ends_with(':') && next.is_some_and(|next| indent(next) > column)
    }

    /// Returns the first line from here on that holds more than actions.
    fn next_text_line<'t>(&self, text: &'t str, from: usize) -> Option<&'t str> {
        let mut place = from;
        for line in text[from..].split_inclusive('\n') {
            let is_text = !line.trim().is_empty()
                && self
                    .within(&(place..place + line.len()))
                    .next()
                    .is_none_or(|action| !self.is_alone(text, &action));
            if is_text {
                return Some(line);
            }
            place += line.len();
        }
        None
    }

    /// Returns whether nothing but actions stands on the lines of this one.
    fn is_alone(&self, text: &str, action: &Range<usize>) -> bool {
        let start = text[..action.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[action.end..]
            .find('\n')
            .map_or(text.len(), |at| action.end + at);
        let mut from = start;
        for other in self.within(&(start..end)) {
            if !text[from.min(other.start)..other.start].trim().is_empty() {
                return false;
            }
            from = other.end.max(from);
        }
        text[from.min(end)..end].trim().is_empty()
    }

    /// Returns the word that each action begins with, such as `if` or `include`; the empty text where it begins with none.
    pub(super) fn words<'t>(&'t self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let ranges = self.actions.iter().map(|action| &action.range);
        ranges.map(|range| block_word(&text[range.start + 2..range.end - 2]))
    }

    /// Moves all actions, as behind a byte order mark.
    pub(super) fn shift(&mut self, length: usize) {
        for action in &mut self.actions {
            action.range.start += length;
            action.range.end += length;
        }
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
    pub(super) fn mask(&self, text: &str, masking: Masking) -> String {
        let control = masking.control;
        let mut bytes = text.as_bytes().to_vec();
        let mut done = 0;
        for action in &self.actions {
            let parts = masking.inside == InsideLine::Parted;
            let cover = if parts && self.writes_no_value(text, &action.range) {
                b' '
            } else {
                b'x'
            };
            for byte in &mut bytes[action.range.clone()] {
                if !byte.is_ascii_whitespace() {
                    *byte = cover;
                }
            }
            if parts && text[..action.range.start].ends_with(':') {
                bytes[action.range.start] = b' ';
            }
        }
        // Only now, as a line may hold several actions, and one action several lines.
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
                    self.mask_line(text, &mut bytes, line..end, control);
                    done = end;
                }
                line = end + 1;
            }
        }
        // An action holds whole characters, so that what is written over it leaves UTF-8.
        String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
    }

    fn mask_line(&self, text: &str, bytes: &mut [u8], line: Range<usize>, control: ControlLine) {
        let mut actions = self.within(&line).peekable();
        for place in line.clone() {
            while actions.next_if(|action| action.end <= place).is_some() {}
            let in_action = actions.peek().is_some_and(|action| action.start <= place);
            if !in_action && !bytes[place].is_ascii_whitespace() {
                return;
            }
        }
        let column = match control {
            ControlLine::Comment => None,
            ControlLine::Blank => self.block_column(text, &line),
        };
        match column {
            Some(column) if column < line.len() => {
                // A first line of blanks would set the indentation of a block scalar.
                let (blanks, words) = bytes[line].split_at_mut(column);
                blanks.fill(b' ');
                cover(words, ControlLine::Comment);
                words[0] = b'x';
            }
            _ => cover(&mut bytes[line], control),
        }
    }

    /// Returns the indentation of a block scalar whose first line this is.
    fn block_column(&self, text: &str, line: &Range<usize>) -> Option<usize> {
        let before = text[..line.start].trim_end();
        let header = before.rsplit(['\r', '\n']).next().unwrap_or_default();
        let word = header.rsplit([' ', '\t']).next().unwrap_or_default();
        let is_header = word.starts_with(['|', '>'])
            && word[1..]
                .bytes()
                .all(|byte| matches!(byte, b'+' | b'-' | b'1'..=b'9'));
        let next = self.next_text_line(text, (line.end + 1).min(text.len()))?;
        (is_header && indent(next) > key_column(header)).then(|| indent(next))
    }
}

/// Writes over whole lines of a mask, as over lines of actions alone.
pub(super) fn hide_lines(mask: &str, lines: &Range<usize>, control: ControlLine) -> String {
    let mut hidden = String::with_capacity(mask.len());
    for (number, line) in mask.split_inclusive('\n').enumerate() {
        let mut bytes = line.as_bytes().to_vec();
        if lines.contains(&number) {
            cover(&mut bytes, control);
        }
        hidden.push_str(&String::from_utf8(bytes).unwrap_or_else(|_| line.to_owned()));
    }
    hidden
}

/// Writes over a line.
fn cover(line: &mut [u8], control: ControlLine) {
    let mut is_first = true;
    for byte in line {
        if *byte == b'\t' {
            // libyaml takes no tab before a comment; Helm drops the one before `{{-`.
            *byte = b' ';
        }
        if byte.is_ascii_whitespace() {
            continue;
        }
        *byte = match control {
            ControlLine::Blank => b' ',
            ControlLine::Comment if is_first => b'#',
            ControlLine::Comment => b'x',
        };
        is_first = false;
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Returns where the key of a line begins, behind its dashes.
fn key_column(line: &str) -> usize {
    let mut key = line.trim_start_matches(' ');
    while let Some(item) = key.strip_prefix("- ") {
        key = item.trim_start_matches(' ');
    }
    line.len() - key.len()
}

fn line_number(text: &str, place: usize) -> usize {
    text[..place].matches('\n').count()
}

/// Returns where the next `{{` is. Most texts hold no brace at all, and to look for one is cheaper than for two.
fn next_braces(text: &str, mut from: usize) -> Option<usize> {
    loop {
        let start = from + text[from..].find('{')?;
        if text.as_bytes().get(start + 1) == Some(&b'{') {
            return Some(start);
        }
        from = start + 1;
    }
}

/// Returns the first word of an action's inside, after a trim marker.
fn block_word(inside: &str) -> &str {
    let words = inside.strip_prefix('-').unwrap_or(inside).trim_start();
    let end = words
        .find(|char: char| !char.is_ascii_alphabetic())
        .unwrap_or(words.len());
    &words[..end]
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
            // A character of Go, as `'"'`, begins no string.
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
        let mask = Actions::scan(text).mask(text, Masking::ALL[0]);
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
        let template = Actions::scan(text);
        let blocks = ['a', 'b', 'c', 'd'].map(|char| template.block_at(text.find(char).unwrap()));
        assert_eq!(blocks, [0, 1, 2, 0]);
    }
}

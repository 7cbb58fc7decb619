//! What reaches a terminal or the log of a CI system. Names and texts come from files, servers and people: none of them moves the cursor,
//! hides, or speaks to the runner of a job, whatever it is called.
//!
//! Styles are written as marks first, so that an escape sequence of somebody else's is never taken for one of ours.

use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};

/// How a text looks where colour is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Bold.
    Bold,
    /// Dimmed.
    Dim,
    /// Red.
    Red,
    /// Green.
    Green,
    /// Yellow.
    Yellow,
    /// Cyan.
    Cyan,
    /// Bold and red.
    Alarm,
}

const LOOKS: [Look; 7] = [
    Look::Bold,
    Look::Dim,
    Look::Red,
    Look::Green,
    Look::Yellow,
    Look::Cyan,
    Look::Alarm,
];

/// What every mark begins with. Unicode keeps it for such uses.
const MARK: char = '\u{fdd0}';

/// The letter of the mark that ends a style; those that begin one are `A` and what follows.
const END: char = 'z';

impl Look {
    fn style(self) -> Style {
        match self {
            Self::Bold => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Red => AnsiColor::Red.on_default(),
            Self::Green => AnsiColor::Green.on_default(),
            Self::Yellow => AnsiColor::Yellow.on_default(),
            Self::Cyan => AnsiColor::Cyan.on_default(),
            Self::Alarm => AnsiColor::Red.on_default().bold(),
        }
    }

    fn letter(self) -> char {
        match self {
            Self::Bold => 'A',
            Self::Dim => 'B',
            Self::Red => 'C',
            Self::Green => 'D',
            Self::Yellow => 'E',
            Self::Cyan => 'F',
            Self::Alarm => 'G',
        }
    }

    fn of_letter(letter: char) -> Option<Self> {
        LOOKS.into_iter().find(|look| look.letter() == letter)
    }
}

/// Returns what begins the marks of this process. Nobody else knows it, so no text of others has a mark in it.
fn own_mark() -> &'static str {
    static OWN: OnceLock<String> = OnceLock::new();
    OWN.get_or_init(|| {
        // The state is random for each process.
        let number = RandomState::new().build_hasher().finish();
        format!("{MARK}{number:016x}")
    })
}

/// Takes a mark from the beginning of a text; returns its letter and the rest.
fn split_mark(text: &str) -> Option<(char, &str)> {
    let rest = text.strip_prefix(own_mark())?;
    let letter = rest.chars().next()?;
    let is_letter = letter == END || Look::of_letter(letter).is_some();
    is_letter.then(|| (letter, &rest[letter.len_utf8()..]))
}

/// Returns a text with the marks of a style around it.
pub(crate) fn styled(look: Look, text: &str) -> String {
    let mark = own_mark();
    format!("{mark}{}{text}{mark}{END}", look.letter())
}

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// For people, with styles.
    #[default]
    Styled,
    /// For people and for pages, without styles.
    Plain,
    /// JSON, which keeps its meaning.
    Json,
    /// Workflow commands of GitHub Actions, which are escaped where they are made.
    Commands,
    /// A script or a file, which is written as it is.
    Script,
}

/// A text as it may be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// The text.
    pub(crate) text: String,
    /// Whether something of others is written otherwise than it is.
    pub(crate) is_escaped: bool,
}

/// Returns a text as it may be shown: nothing in it does something to who shows it.
pub(crate) fn render(text: &str, form: Form) -> Rendered {
    let mut shown = Rendered::default();
    match form {
        Form::Styled | Form::Plain => shown.push_lines(text, form),
        Form::Json => shown.push_json(text),
        Form::Commands => {
            // Each line begins with `::` by right; what comes after it is shown.
            for line in text.split_inclusive('\n') {
                shown.push_line(line, form);
            }
        }
        Form::Script => shown.text.push_str(text),
    }
    shown
}

impl Rendered {
    fn push_lines(&mut self, text: &str, form: Form) {
        for line in text.split_inclusive('\n') {
            if speaks_to_runner(line) {
                let (before, command) = line.split_at(line.len() - beginning(line).len());
                self.push_line(before, form);
                self.escape("\\");
                self.push_line(command, form);
            } else {
                self.push_line(line, form);
            }
        }
    }

    fn push_line(&mut self, line: &str, form: Form) {
        // A carriage return inside of a line moves the cursor; at its end it is part of the line break.
        let line_end = if line.ends_with("\r\n") { 2 } else { 0 };
        let (mut rest, end) = line.split_at(line.len() - line_end);
        while let Some(sign) = rest.chars().next() {
            // Most of a text are such signs, and they are many.
            let plain = rest.bytes().take_while(|byte| is_plain(*byte)).count();
            if plain > 0 {
                self.text.push_str(&rest[..plain]);
                rest = &rest[plain..];
                continue;
            }
            if let Some((letter, after)) = split_mark(rest) {
                self.push_style(letter, form);
                rest = after;
                continue;
            }
            if is_hidden(sign) {
                self.escape(&sign.escape_unicode().to_string());
            } else if sign == '[' && self.text.ends_with("##") {
                // An older form of commands to the runner counts anywhere in a line.
                self.escape("\\[");
            } else {
                self.text.push(sign);
            }
            rest = &rest[sign.len_utf8()..];
        }
        self.text.push_str(end);
    }

    fn push_style(&mut self, letter: char, form: Form) {
        if form != Form::Styled {
            return;
        }
        // Writing to a text does not fail.
        let _ = match Look::of_letter(letter) {
            Some(look) => write!(self.text, "{}", look.style()),
            // The alternate form of any style that is not plain is the sequence that ends all of them.
            None => write!(self.text, "{:#}", Style::new().bold()),
        };
    }

    /// JSON may have these signs in its texts alone, where it has another spelling for each.
    fn push_json(&mut self, text: &str) {
        let mut bytes = text.bytes();
        if bytes.all(|byte| is_plain(byte) || byte == b'[') && !text.contains("##[") {
            self.text.push_str(text);
            return;
        }
        for (at, sign) in text.char_indices() {
            // Between its values JSON may have a carriage return; inside of a text it is escaped by now.
            if is_hidden(sign) && sign != '\r' {
                let mut units = [0; 2];
                for unit in sign.encode_utf16(&mut units) {
                    let _ = write!(self.text, "\\u{unit:04x}");
                }
            } else if sign == '[' && text[..at].ends_with("##") {
                self.text += "\\u005b";
            } else {
                self.text.push(sign);
            }
        }
    }

    fn escape(&mut self, text: &str) {
        self.text.push_str(text);
        self.is_escaped = true;
    }
}

/// Tells whether a runner would take a line for a command: it looks past white space, and for the end of the command's name. Source:
/// ActionCommand.cs of actions/runner.
fn speaks_to_runner(line: &str) -> bool {
    let shown = beginning(line).strip_prefix("::");
    shown.is_some_and(|rest| rest.contains("::"))
}

/// Returns a line from its first sign that is no white space and no mark.
fn beginning(line: &str) -> &str {
    let mut rest = line.trim_start();
    while let Some((_, after)) = split_mark(rest) {
        rest = after.trim_start();
    }
    rest
}

/// Tells whether a byte is a sign that is shown as it is wherever it stands.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t') && byte != b'['
}

/// Tells whether a sign does something instead of being seen: control characters, and those that turn the direction of a text.
fn is_hidden(sign: char) -> bool {
    let is_direction = matches!(
        sign,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    let is_line_end = matches!(sign, '\u{2028}' | '\u{2029}');
    let is_mark = ('\u{fdd0}'..='\u{fdef}').contains(&sign);
    (sign.is_control() && !matches!(sign, '\n' | '\t')) || is_direction || is_line_end || is_mark
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, form: Form) -> String {
        render(text, form).text
    }

    #[test]
    fn nobody_else_writes_on_the_terminal() {
        let name = "\u{1b}[2Jcalico\u{7}\u{202e}\u{9b}";
        let styled = shown(&format!("{}\n", styled(Look::Red, name)), Form::Styled);
        assert_eq!(
            styled,
            "\u{1b}[31m\\u{1b}[2Jcalico\\u{7}\\u{202e}\\u{9b}\u{1b}[0m\n"
        );
        assert!(!shown(&styled, Form::Plain).contains('\u{1b}'));
        assert_eq!(shown("a\tä\r\nb\rc\n", Form::Plain), "a\tä\r\nb\\u{d}c\n");
    }

    #[test]
    fn nobody_else_makes_a_mark() {
        for text in [
            "\u{fdd0}A",
            "\u{fdd0}0123456789abcdefA",
            ":\u{fdd0}:error::x",
        ] {
            let styled = shown(text, Form::Styled);
            assert!(
                styled.contains("\\u{fdd0}") && !styled.contains('\u{1b}'),
                "{styled}"
            );
        }
    }

    #[test]
    fn no_line_speaks_to_a_runner() {
        let text = format!(
            " ::error::x\n+::error::x\n{}::stop-commands::x\n##[error]x\n",
            styled(Look::Bold, "")
        );
        assert_eq!(
            shown(&text, Form::Plain),
            " \\::error::x\n+::error::x\n\\::stop-commands::x\n##\\[error]x\n"
        );
        let styled = shown(&styled(Look::Bold, "::error::x"), Form::Styled);
        assert_eq!(styled, "\u{1b}[1m\\::error::x\u{1b}[0m");
    }

    #[test]
    fn ordinary_texts_stay_as_they_are() {
        for text in [
            "::: warning\n",
            "    ::1 localhost\n",
            "a :: b\n",
            "## [Unreleased]\r\n",
        ] {
            let rendered = render(text, Form::Plain);
            assert_eq!((rendered.text.as_str(), rendered.is_escaped), (text, false));
        }
    }

    #[test]
    fn json_means_the_same() {
        let value = "\u{1b}[2J \u{9b}\u{202e} ##[error] ##[[ \u{fdd0}";
        let json = serde_json::to_string(value).unwrap();
        let json = shown(&json, Form::Json);
        assert!(!json.contains("##[") && !json.contains(is_hidden), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), value);
    }
}

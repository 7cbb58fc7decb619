//! What reaches a terminal or the log of a CI system. Names and texts come from files, servers and people: none of them moves the cursor,
//! hides, or speaks to the runner of a job, whatever it is called.
//!
//! Styles are written as marks first, so that an escape sequence of somebody else's is never taken for one of ours.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

/// How a text looks where colour is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
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

/// The mark that ends a style; those that begin one follow it. Unicode keeps them for such uses, and no text has them.
const END: char = '\u{fdd0}';

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

    /// Returns the mark that begins it.
    fn mark(self) -> char {
        let place = LOOKS.iter().position(|look| *look == self);
        let offset = u32::try_from(place.unwrap_or_default()).unwrap_or_default();
        char::from_u32(u32::from(END) + 1 + offset).unwrap_or(END)
    }

    fn of_mark(mark: char) -> Option<Self> {
        LOOKS.into_iter().find(|look| look.mark() == mark)
    }
}

/// Returns a text with the marks of a style around it.
pub fn styled(look: Look, text: &str) -> String {
    format!("{}{text}{END}", look.mark())
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

/// Returns a text as it may be shown.
pub fn render(text: &str, form: Form) -> String {
    match form {
        Form::Styled => render_lines(text, |mark, shown| match (mark, Look::of_mark(mark)) {
            (END, _) => {
                let _ = write!(shown, "{:#}", Style::new().bold());
            }
            (_, Some(look)) => {
                let _ = write!(shown, "{}", look.style());
            }
            (_, None) => {}
        }),
        Form::Plain => render_lines(text, |_, _| {}),
        Form::Json => render_json(text),
        Form::Commands => render_commands(text),
        Form::Script => text.to_owned(),
    }
}

fn render_lines(text: &str, mark: impl Fn(char, &mut String)) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if speaks_to_runner(line) {
            let (before, command) = line.split_at(line.len() - beginning(line).len());
            push_line(before, &mark, &mut shown);
            shown.push('\\');
            push_line(command, &mark, &mut shown);
        } else {
            push_line(line, &mark, &mut shown);
        }
    }
    shown
}

fn push_line(line: &str, mark: &impl Fn(char, &mut String), shown: &mut String) {
    let line_end = if line.ends_with("\r\n") { 2 } else { 0 };
    let (text, end) = line.split_at(line.len() - line_end);
    for (at, sign) in text.char_indices() {
        if sign == END || Look::of_mark(sign).is_some() {
            mark(sign, shown);
        } else if is_hidden(sign) {
            let _ = write!(shown, "{}", sign.escape_unicode());
        } else if sign == '[' && text[..at].ends_with("##") {
            // An older form of commands to the runner counts anywhere in a line.
            *shown += "\\[";
        } else {
            shown.push(sign);
        }
    }
    *shown += end;
}

/// Tells whether a runner would take a line for a command: it looks past white space. Source: ActionCommand.cs of actions/runner.
fn speaks_to_runner(line: &str) -> bool {
    beginning(line).starts_with("::")
}

/// Returns a line from its first sign that is no white space and no mark.
fn beginning(line: &str) -> &str {
    line.trim_start_matches(|sign: char| sign.is_whitespace() || is_mark(sign))
}

fn is_mark(sign: char) -> bool {
    sign == END || Look::of_mark(sign).is_some()
}

/// Tells whether a sign does something instead of being seen: control characters, and those that turn the direction of a text.
fn is_hidden(sign: char) -> bool {
    let is_direction = matches!(
        sign,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    let is_line_end = matches!(sign, '\u{2028}' | '\u{2029}');
    (sign.is_control() && !matches!(sign, '\n' | '\t')) || is_direction || is_line_end
}

/// JSON may have these signs in its texts alone, where it has another spelling for each.
fn render_json(text: &str) -> String {
    let is_plain = !text.contains(|sign: char| is_hidden(sign)) && !text.contains("##[");
    if is_plain {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for (at, sign) in text.char_indices() {
        if is_hidden(sign) && sign != '\r' {
            let mut units = [0; 2];
            for unit in sign.encode_utf16(&mut units) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else if sign == '[' && text[..at].ends_with("##") {
            shown += "\\u005b";
        } else {
            shown.push(sign);
        }
    }
    shown
}

/// Each line begins with `::` by right; what comes after it is shown.
fn render_commands(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        push_line(line, &|_, _| {}, &mut shown);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_writes_on_the_terminal() {
        let name = "\u{1b}[2Jcalico\u{7}\u{202e}\u{9b}";
        let shown = render(&format!("{}\n", styled(Look::Red, name)), Form::Styled);
        assert_eq!(
            shown,
            "\u{1b}[31m\\u{1b}[2Jcalico\\u{7}\\u{202e}\\u{9b}\u{1b}[0m\n"
        );
        assert!(!render(&shown, Form::Plain).contains('\u{1b}'));
        assert_eq!(render("a\tä\r\nb\rc\n", Form::Plain), "a\tä\r\nb\\u{d}c\n");
    }

    #[test]
    fn no_line_speaks_to_a_runner() {
        let text = format!(
            " ::error::x\n+::error::x\n{}::stop-commands::x\n##[error]x\n",
            styled(Look::Bold, "")
        );
        let shown = render(&text, Form::Plain);
        assert_eq!(
            shown,
            " \\::error::x\n+::error::x\n\\::stop-commands::x\n##\\[error]x\n"
        );
        let styled = render(&styled(Look::Bold, "::error::x"), Form::Styled);
        assert_eq!(styled, "\u{1b}[1m\\::error::x\u{1b}[0m");
    }

    #[test]
    fn json_means_the_same() {
        let value = "\u{1b}[2J \u{9b}\u{202e} ##[error] ##[[";
        let json = serde_json::to_string(value).unwrap();
        let shown = render(&json, Form::Json);
        assert!(
            !shown.contains("##[") && !shown.contains(is_hidden),
            "{shown}"
        );
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), value);
    }
}

//! How a new scalar is written: the quotes of the old one, more only where they are needed. It knows no positions.

use std::fmt::Write as _;

use super::node::{Context, Style};

/// A scalar as it goes into the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewScalar {
    pub(super) value: String,
    pub(super) source: String,
    pub(super) style: Style,
}

/// The scalar whose style is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model<'a> {
    pub(super) style: Style,
    pub(super) value: &'a str,
    pub(super) context: Context,
}

/// What a plain scalar means to one reader or another (YAML 1.1 and 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Text,
    Number,
    Bool,
    Null,
    Date,
}

/// Returns a text as it is written anew: plain where every reader takes it for that text, quoted elsewhere.
pub fn scalar(value: &str, context: Context) -> String {
    let model = Model {
        style: Style::Plain,
        value: "text",
        context,
    };
    write(value, model).source
}

/// Writes a value in the style of its model.
pub(super) fn write(value: &str, model: Model<'_>) -> NewScalar {
    let style = match model.style {
        // Single quotes know no escapes.
        Style::Single if value.chars().any(needs_escape) => Style::Double,
        Style::Single => Style::Single,
        Style::Double => Style::Double,
        Style::Plain | Style::Block | Style::Empty => {
            if stays_plain(value, model) {
                Style::Plain
            } else if value.contains(['"', '\\']) && !value.chars().any(needs_escape) {
                Style::Single
            } else {
                Style::Double
            }
        }
    };
    let source = match style {
        Style::Single => format!("'{}'", value.replace('\'', "''")),
        Style::Double => double_quoted(value),
        Style::Plain | Style::Block | Style::Empty => value.to_owned(),
    };
    NewScalar {
        value: value.to_owned(),
        source,
        style,
    }
}

fn stays_plain(value: &str, model: Model<'_>) -> bool {
    let new = meaning(value);
    let old = meaning(model.value);
    // `~` says nothing of what may stand there, so that a value of any kind can take its place.
    let keeps_meaning = new == Meaning::Text || new == old || old == Meaning::Null;
    keeps_meaning && is_plain_safe(value, model.context)
}

/// Returns whether a value can be read back from plain style.
fn is_plain_safe(value: &str, context: Context) -> bool {
    let in_flow = context == Context::Flow;
    let mut chars = value.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    let second = chars.next();
    let first_fits = match first {
        '-' | '?' | ':' => !in_flow && second.is_some_and(|char| !char.is_whitespace()),
        ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
        | '@' | '`' => false,
        _ => true,
    };
    first_fits
        && value.trim() == value
        && !value.ends_with(':')
        && !value.contains(": ")
        && !value.contains(" #")
        // At the beginning of a line these two are markers of documents.
        && !value.starts_with("---")
        && !value.starts_with("...")
        && !value.chars().any(|char| char == '\t' || needs_escape(char))
        && !(in_flow && value.contains([',', '[', ']', '{', '}']))
        // libyaml takes no `:?` between brackets.
        && !(in_flow && value.contains(":?"))
        // Both have a meaning of their own in YAML 1.1.
        && !matches!(value, "=" | "<<")
}

/// Returns whether a character is only safe between double quotes.
fn needs_escape(char: char) -> bool {
    (char.is_control() && char != '\t')
        || matches!(char, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
        || matches!(u32::from(char), 0xfffe | 0xffff)
}

fn double_quoted(value: &str) -> String {
    let mut source = String::with_capacity(value.len() + 2);
    source.push('"');
    for char in value.chars() {
        match char {
            '"' => source.push_str("\\\""),
            '\\' => source.push_str("\\\\"),
            '\n' => source.push_str("\\n"),
            '\r' => source.push_str("\\r"),
            '\t' => source.push_str("\\t"),
            _ if needs_escape(char) => {
                let code = u32::from(char);
                // None of these characters has more than four digits.
                let _ = write!(source, "\\u{code:04x}");
            }
            _ => source.push(char),
        }
    }
    source.push('"');
    source
}

fn meaning(value: &str) -> Meaning {
    match value {
        "" | "~" | "null" | "Null" | "NULL" => Meaning::Null,
        _ if is_bool(value) => Meaning::Bool,
        _ if is_date(value) => Meaning::Date,
        _ if is_number(value) => Meaning::Number,
        _ => Meaning::Text,
    }
}

fn is_bool(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    matches!(
        &*lower,
        // YAML 1.2 knows the first two alone, readers of YAML 1.1 all of them.
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    )
}

/// Returns whether a value begins like `2026-05-13`, a date in YAML 1.1.
pub(super) fn is_date(value: &str) -> bool {
    let mut parts = value.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let day = rest.bytes().take_while(u8::is_ascii_digit).count();
    let time = &rest[day..];
    year.len() == 4
        && has_digits_only(year)
        && (1..=2).contains(&month.len())
        && has_digits_only(month)
        && (1..=2).contains(&day)
        && (time.is_empty() || time.starts_with(['T', 't', ' ', '\t']))
}

fn has_digits_only(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether any reader may take a value for a number: generous on purpose, as quotes do no harm.
fn is_number(value: &str) -> bool {
    let unsigned = value.strip_prefix(['-', '+']).unwrap_or(value);
    let lower = unsigned.to_ascii_lowercase();
    if matches!(&*lower, ".inf" | ".nan") {
        return true;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return !digits.is_empty()
                && digits
                    .chars()
                    .all(|char| char == '_' || char.is_digit(radix));
        }
    }
    if !lower.starts_with(|char: char| char.is_ascii_digit() || char == '.') {
        return false;
    }
    // YAML 1.1 allows `_` between the digits of a number.
    let plain = lower.replace('_', "");
    plain.parse::<f64>().is_ok() || is_base_sixty(&plain)
}

/// Returns whether a value is like `1:30:00`, a number in YAML 1.1.
fn is_base_sixty(value: &str) -> bool {
    let mut parts = value.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    !rest.is_empty()
        && !first.is_empty()
        && first.bytes().all(|byte| byte.is_ascii_digit())
        && rest.iter().all(|part| {
            let whole = part.split('.').next().unwrap_or_default();
            (1..=2).contains(&whole.len())
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str, style: Style, old: &str) -> String {
        let model = Model {
            style,
            value: old,
            context: Context::Block,
        };
        write(value, model).source
    }

    #[test]
    fn keeps_quotes() {
        assert_eq!(written("v1.34.1", Style::Single, "v1.33.4"), "'v1.34.1'");
        assert_eq!(written("it's", Style::Single, ""), "'it''s'");
        assert_eq!(written("a\"b\\", Style::Double, ""), "\"a\\\"b\\\\\"");
        assert_eq!(written("a\nb", Style::Single, ""), "\"a\\nb\"");
    }

    #[test]
    fn quotes_plain_only_where_the_meaning_would_change() {
        for (old, new, source) in [
            ("1.33", "1.34", "1.34"),
            ("1.9", "1.10", "1.10"),
            ("1.33", "1.35.3", "1.35.3"),
            ("1.33.5", "1.34", "\"1.34\""),
            ("2026-05-13", "2026-11-20", "2026-11-20"),
            ("none", "2026-11-20", "\"2026-11-20\""),
            ("none", "null", "\"null\""),
            ("none", "yes", "\"yes\""),
            ("none", "Off", "\"Off\""),
            ("true", "false", "false"),
            ("5", "true", "\"true\""),
            ("~", "5", "5"),
            ("abc", "12e4", "\"12e4\""),
            ("abc", "0x1f", "\"0x1f\""),
            ("abc", "1:30", "\"1:30\""),
            ("abc", "1_000", "\"1_000\""),
            ("abc", "v1.34", "v1.34"),
            ("abc", "<< .Version >>", "<< .Version >>"),
        ] {
            assert_eq!(written(new, Style::Plain, old), source, "{old} -> {new}");
        }
    }

    #[test]
    fn quotes_what_plain_style_cannot_hold() {
        for value in [
            "", " a", "a ", "a: b", "a #b", "a:", "- a", "-", "?", "[a]", "{a", "&a", "*a", "!a",
            "|", ">", "%a", "@a", "`a`", "'a", "---", "--- a", "...", "a\tb", "<<", "=",
        ] {
            let source = written(value, Style::Plain, "text");
            assert!(source.starts_with(['"', '\'']), "{value:?} -> {source}");
            assert_eq!(serde_yaml::from_str::<String>(&source).unwrap(), value);
        }
        assert_eq!(written("\"a\"", Style::Plain, "text"), "'\"a\"'");
        for value in [
            "https://a:8080/x",
            "a#b",
            "-a",
            ":a",
            "a - b",
            "größe",
            "a'b",
        ] {
            assert_eq!(written(value, Style::Plain, "text"), value);
        }
    }
}

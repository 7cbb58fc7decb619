//! Writes YAML as Helm's library does (sigs.k8s.io/yaml over go-yaml 2), so that the Chart.yaml of an archive has the bytes that Helm
//! gives it: lists are not indented, and a text that would be read as something else stands in double quotes.

use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_yaml::Value;

/// Returns the text of a mapping, with its keys in the order of go-yaml.
pub(super) fn write(mapping: &serde_yaml::Mapping) -> String {
    let mut out = String::new();
    if mapping.is_empty() {
        return "{}\n".to_owned();
    }
    write_mapping(&mut out, mapping, 0);
    out
}

fn write_mapping(out: &mut String, mapping: &serde_yaml::Mapping, indent: usize) {
    let mut entries: Vec<(String, &Value)> = mapping
        .iter()
        .map(|(key, value)| (text_of(key), value))
        .collect();
    entries.sort_by(|(a, _), (b, _)| order(a).cmp(order(b)));
    for (place, (key, value)) in entries.into_iter().enumerate() {
        // The first key of a list's item stands behind the dash.
        if place > 0 || !out.ends_with("- ") {
            pad(out, indent);
        }
        // A key is never folded, however long it is.
        let key = scalar(&key, Place { indent, column: 0 });
        let column = indent + key.chars().count() + 2;
        out.push_str(&key);
        out.push(':');
        write_value(out, value, Place { indent, column });
    }
}

/// Letters come after everything else, as go-yaml sorts keys. Its order of numbers within keys is left out: keys of charts have none.
fn order(key: &str) -> impl Iterator<Item = (bool, char)> {
    key.chars().map(|letter| (letter.is_alphabetic(), letter))
}

/// Where a scalar begins.
#[derive(Clone, Copy)]
struct Place {
    /// The indentation of the mapping or the list around it.
    indent: usize,
    column: usize,
}

fn write_value(out: &mut String, value: &Value, place: Place) {
    let indent = place.indent;
    match value {
        Value::Mapping(inner) if !inner.is_empty() => {
            out.push('\n');
            write_mapping(out, inner, indent + 2);
        }
        Value::Sequence(items) if !items.is_empty() => {
            out.push('\n');
            write_items(out, items, indent);
        }
        _ => {
            let _ = writeln!(out, " {}", leaf(value, place));
        }
    }
}

fn write_items(out: &mut String, items: &[Value], indent: usize) {
    for item in items {
        if !out.ends_with("- ") {
            pad(out, indent);
        }
        out.push_str("- ");
        match item {
            Value::Mapping(inner) if !inner.is_empty() => write_mapping(out, inner, indent + 2),
            Value::Sequence(inner) if !inner.is_empty() => write_items(out, inner, indent + 2),
            _ => {
                let column = indent + 2;
                let _ = writeln!(out, "{}", leaf(item, Place { indent, column }));
            }
        }
    }
}

fn leaf(value: &Value, place: Place) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => scalar(text, place),
        Value::Sequence(_) => "[]".to_owned(),
        Value::Mapping(_) => "{}".to_owned(),
        Value::Tagged(tagged) => leaf(&tagged.value, place),
    }
}

/// Returns a key as a text.
fn text_of(key: &Value) -> String {
    match key {
        Value::String(text) => text.clone(),
        other => leaf(
            other,
            Place {
                indent: 0,
                column: 0,
            },
        ),
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Returns a text as a scalar: plain where that is read as the same text, else quoted.
fn scalar(text: &str, place: Place) -> String {
    if !text.contains('\n') && reads_as_another(text) {
        // Such texts are short words and numbers: nothing in them has to be escaped but what stands here.
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("\"{escaped}\"");
    }
    // libyaml, of which go-yaml 2 is a port, decides about the rest.
    let written = serde_yaml::to_string(text).unwrap_or_default();
    let written = written.trim_end_matches('\n');
    if !text.contains('\n') && !written.starts_with('"') {
        return folded(written, place);
    }
    let mut lines = written.split('\n');
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        if !line.is_empty() {
            pad(&mut out, place.indent);
        }
        out.push_str(line);
    }
    out
}

/// The column behind which libyaml breaks a scalar at the next blank.
const WIDTH: usize = 80;

/// Breaks a plain or single-quoted scalar as libyaml does: at a single blank behind the width, and not at either end.
fn folded(written: &str, place: Place) -> String {
    let mut out = String::new();
    let mut column = place.column;
    let is_quoted = written.starts_with('\'');
    let last = written.chars().count() - 1;
    let mut letters = written.chars().enumerate().peekable();
    let mut was_blank = false;
    while let Some((at, letter)) = letters.next() {
        let is_blank = letter == ' ';
        let is_next_blank = letters.peek().is_some_and(|(_, next)| *next == ' ');
        // The first and the last letter of a quoted text stand between the quotes.
        let is_inside = !is_quoted || (at > 1 && at + 1 < last);
        let may_break = is_blank && !was_blank && !is_next_blank && is_inside;
        if may_break && place.column > 0 && column > WIDTH {
            out.push('\n');
            pad(&mut out, place.indent + 2);
            column = place.indent + 2;
        } else {
            out.push(letter);
            column += 1;
        }
        was_blank = is_blank;
    }
    out
}

/// Tells whether go-yaml 2 reads a plain text as something else than a text: by YAML 1.1, with its own additions.
fn reads_as_another(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "yes", "true", "on", "n", "no", "false", "off", "null"];
    const OTHERS: [&str; 7] = ["", "~", "<<", ".nan", ".inf", "-.inf", "+.inf"];
    let lower = text.to_ascii_lowercase();
    let is_spelled =
        text == lower || text == text.to_ascii_uppercase() || text.get(1..) == lower.get(1..);
    let is_word = WORDS.contains(&lower.as_str()) && is_spelled;
    is_word || OTHERS.contains(&lower.as_str()) || is_number(text) || is_moment(text)
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return false;
    }
    let plain = unsigned.replace('_', "");
    has_digits(&plain, "0x", 16)
        || has_digits(&plain, "0o", 8)
        || has_digits(&plain, "0b", 2)
        || is_decimal(&plain)
        || is_sexagesimal(unsigned)
}

/// Tells whether behind a prefix there are digits alone.
fn has_digits(text: &str, prefix: &str, radix: u32) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_digit())
}

/// `12`, `1.5`, `.5`, `1.`, `1e3`.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && are_digits(digits)
    });
    (!whole.is_empty() || !fraction.is_empty())
        && are_digits(whole)
        && are_digits(fraction)
        && is_exponent
}

/// `1:30`, a number to the base of 60 in YAML 1.1.
fn is_sexagesimal(text: &str) -> bool {
    let mut parts = text.split(':');
    let is_first = parts.next().is_some_and(|first| {
        !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    });
    let rest: Vec<&str> = parts.collect();
    let Some((last, inner)) = rest.split_last() else {
        return false;
    };
    let (whole, _) = last.split_once('.').unwrap_or((last, ""));
    is_first && inner.iter().all(|part| is_sixtieth(part)) && is_sixtieth(whole)
}

fn is_sixtieth(text: &str) -> bool {
    matches!(text.len(), 1 | 2) && text.parse::<u8>().is_ok_and(|number| number < 60)
}

/// `2026-05-08`, or that day with a time behind it.
fn is_moment(text: &str) -> bool {
    static DAY: LazyLock<usize> = LazyLock::new(|| "2026-05-08".len());
    let Some(day) = text.get(..*DAY) else {
        return false;
    };
    let rest = &text[*DAY..];
    day.parse::<jiff::civil::Date>().is_ok()
        && (rest.is_empty()
            || (rest.starts_with(['T', 't', ' ']) && rest.as_bytes().get(3) == Some(&b':')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_those_of_go_yaml() {
        // What `yaml.Marshal` of sigs.k8s.io/yaml writes for each.
        for (text, written) in [
            ("v1", "v1"),
            ("1.16.0", "1.16.0"),
            ("1.30", "\"1.30\""),
            ("", "\"\""),
            ("y", "\"y\""),
            ("Yes", "\"Yes\""),
            ("yEs", "yEs"),
            ("2026-05-08", "\"2026-05-08\""),
            (
                "2024-09-24T12:46:03.9+02:00",
                "\"2024-09-24T12:46:03.9+02:00\"",
            ),
            ("1:30", "\"1:30\""),
            ("2.34.x", "2.34.x"),
            ("~1.2", "~1.2"),
            (">=1.2", "'>=1.2'"),
            ("a: b", "'a: b'"),
            ("it's", "it's"),
            ("* star", "'* star'"),
            ("ends with a blank ", "'ends with a blank '"),
        ] {
            assert_eq!(
                scalar(
                    text,
                    Place {
                        indent: 0,
                        column: 0
                    }
                ),
                written,
                "{text:?}"
            );
        }
    }

    /// What `helm package` of Helm 3.19 writes for these descriptions.
    #[test]
    fn long_texts_are_folded_as_helm_folds_them() {
        for (text, written) in [
            (
                "Cluster class of the scs2 stack. * machines are plain OpenStack servers * node images are found by their name ",
                "description: 'Cluster class of the scs2 stack. * machines are plain OpenStack servers\n  \
                 * node images are found by their name '\n",
            ),
            (
                "This chart installs and configures: * Openstack scs2 Cluster Class ",
                "description: 'This chart installs and configures: * Openstack scs2 Cluster Class '\n",
            ),
        ] {
            let mut mapping = serde_yaml::Mapping::new();
            mapping.insert("description".into(), text.into());
            assert_eq!(write(&mapping), written);
            let read: serde_yaml::Mapping = serde_yaml::from_str(written).unwrap();
            assert_eq!(read, mapping);
        }
    }

    #[test]
    fn lists_and_mappings_are_laid_out_as_go_yaml_does() {
        let text = "dependencies:\n- alias: a\n  import-values:\n  - data\n  - child: x\n    parent: z\n  name: b\n\
                    keywords: []\nname: c\nsources:\n- x\n";
        let read: serde_yaml::Mapping = serde_yaml::from_str(text).unwrap();
        assert_eq!(write(&read), text);
        assert_eq!(write(&serde_yaml::Mapping::new()), "{}\n");
    }

    #[test]
    fn keys_stand_in_the_order_of_go_yaml() {
        let read: serde_yaml::Mapping =
            serde_yaml::from_str("b: 1\na.c: 2\na/b: 3\nA: 4\n").unwrap();
        assert_eq!(write(&read), "A: 4\na.c: 2\na/b: 3\nb: 1\n");
    }

    #[test]
    fn texts_of_several_lines_keep_them() {
        let read: serde_yaml::Mapping =
            serde_yaml::from_str("annotations:\n  changes: |\n    - one\n\n    - two\n").unwrap();
        let text = write(&read);
        assert_eq!(
            serde_yaml::from_str::<serde_yaml::Mapping>(&text).unwrap(),
            read
        );
        assert!(text.contains("changes: |\n    - one\n"), "{text}");
    }
}

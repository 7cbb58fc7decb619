//! Lines that fit a width. Words stay whole: a path or a URL that is longer than a line has one to itself.

/// Breaks a text between words.
pub(super) fn fill(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Puts parts beside each other as long as they fit, and breaks one only where it is longer than a line.
pub(super) fn flow(parts: &[String], separator: &str, width: usize) -> Vec<String> {
    let end = separator.trim_end();
    let gap = &separator[end.len()..];
    let mut lines: Vec<String> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        let ended = format!("{part}{}", if is_last { "" } else { end });
        match lines.last_mut() {
            Some(line) if length(line) + gap.len() + length(&ended) <= width => {
                line.push_str(gap);
                line.push_str(&ended);
            }
            Some(_) | None => lines.extend(fill(&ended, width)),
        }
    }
    lines
}

/// Breaks a text between words; lines after the first are indented by two blanks more.
pub(super) fn hanging(text: &str, indent: usize, width: usize) -> String {
    let lines = fill(text, width.saturating_sub(indent + 2));
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        let blanks = if index == 0 { indent } else { indent + 2 };
        out.push_str(&" ".repeat(blanks));
        out.push_str(line);
        out.push('\n');
    }
    out
}

pub(super) fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_broken_between_themselves_before_their_words() {
        let parts = ["end of life since 2026-02-28", "1 behind, newest 1.32.13"].map(str::to_owned);
        assert_eq!(
            flow(&parts, "; ", 60),
            ["end of life since 2026-02-28; 1 behind, newest 1.32.13"]
        );
        assert_eq!(
            flow(&parts, "; ", 30),
            ["end of life since 2026-02-28;", "1 behind, newest 1.32.13"]
        );
        assert_eq!(
            flow(&parts, "; ", 20),
            [
                "end of life since",
                "2026-02-28;",
                "1 behind, newest",
                "1.32.13"
            ]
        );
        assert!(flow(&[], "; ", 20).is_empty());
    }

    #[test]
    fn a_word_that_is_too_long_has_a_line_to_itself() {
        assert_eq!(
            hanging("images from https://images.example.org/a/b of 1.34", 2, 20),
            "  images from\n    https://images.example.org/a/b\n    of 1.34\n"
        );
    }
}

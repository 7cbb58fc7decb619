//! What a command says, made fit to be shown: its end alone, as text, without control characters and without secrets. It reads
//! nothing by itself.

use super::http::{Secret, conceal};
use super::process::Sink;

/// How much of an output is kept: its end, where a fault is told.
const KEPT: usize = 16 * 1024;

/// A line of a secret that is shorter may be any word.
const SHORTEST: usize = 4;

/// The end of an output.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    is_cut: bool,
    /// How much is kept beyond what is shown, so that a secret at the cut is known as one.
    margin: usize,
}

impl Tail {
    /// Returns an empty one that keeps enough to know these secrets.
    pub(super) fn new(secrets: &[Secret]) -> Self {
        let longest = texts(secrets).map(str::len).max();
        Self {
            margin: longest.unwrap_or(0),
            ..Self::default()
        }
    }

    /// Returns it as text.
    pub(super) fn shown(&self, secrets: &[Secret]) -> String {
        let over = self.bytes.len().saturating_sub(KEPT + self.margin);
        let bytes = &self.bytes[over..];
        let is_cut = self.is_cut || over > 0;
        let mut words: Vec<&[u8]> = texts(secrets).map(str::as_bytes).collect();
        // The longest first: a line of a key is a part of the whole.
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let mut clean = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            if let Some(word) = words.iter().find(|word| bytes[at..].starts_with(word)) {
                clean.extend_from_slice(b"***");
                at += word.len();
            } else {
                // What is left of a secret that was cut is shorter than the margin.
                if !is_cut || at >= self.margin {
                    clean.push(bytes[at]);
                }
                at += 1;
            }
        }
        let text = plain(&conceal(&String::from_utf8_lossy(&clean)));
        if is_cut {
            format!("[...]\n{}", after_first_line(&text))
        } else {
            text
        }
    }
}

impl Sink for Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let longest = KEPT + self.margin;
        // Moved seldom: half of the bytes are waste at most.
        if self.bytes.len() > 2 * longest {
            let over = self.bytes.len() - longest;
            self.bytes.drain(..over);
            self.is_cut = true;
        }
    }
}

/// The secrets, and the lines of those that have several.
fn texts(secrets: &[Secret]) -> impl Iterator<Item = &str> {
    let whole = secrets.iter().map(Secret::expose);
    let lines = secrets.iter().flat_map(|secret| secret.expose().lines());
    whole
        .chain(lines.map(str::trim))
        .filter(|text| text.len() >= SHORTEST)
}

/// Returns a text without what moves the cursor, colours, or hides: terminals show it as it is.
fn plain(text: &str) -> String {
    let stripped = anstream::adapter::strip_str(text).to_string();
    // A lone return begins the line of a progress bar anew.
    let lines = stripped.replace("\r\n", "\n").replace('\r', "\n");
    let shown: String = lines
        .chars()
        .filter(|c| matches!(c, '\n' | '\t') || !c.is_control())
        .collect();
    shown.trim_end().to_owned()
}

/// The line at a cut is torn.
fn after_first_line(text: &str) -> &str {
    match text.split_once('\n') {
        Some((_, rest)) => rest,
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(chunks: &[&[u8]], secrets: &[&str]) -> String {
        let secrets: Vec<Secret> = secrets
            .iter()
            .filter_map(|text| Secret::new(text))
            .collect();
        let mut tail = Tail::new(&secrets);
        for chunk in chunks {
            tail.push(chunk);
        }
        tail.shown(&secrets)
    }

    #[test]
    fn is_text_without_control_characters() {
        assert_eq!(
            shown(&[b"a\r\n\x1b[31mred\x1b[0m\x07\tb\n\n"], &[]),
            "a\nred\tb"
        );
        assert_eq!(
            shown(&[b"10 %\r20 %\r\n\xff\xfe!"], &[]),
            "10 %\n20 %\n\u{fffd}\u{fffd}!"
        );
        assert_eq!(shown(&[], &[]), "");
    }

    #[test]
    fn secrets_are_gone_wherever_they_are_torn() {
        let said = shown(
            &[b"token ghp_", b"abcdef, ghp_abc\n"],
            &["ghp_abc", "ghp_abcdef"],
        );
        assert_eq!(said, "token ***, ***");
        let key = "-----BEGIN KEY-----\nc2VjcmV0\n-----END KEY-----";
        assert_eq!(shown(&[b"x c2VjcmV0 y"], &[key]), "x *** y");
    }

    #[test]
    fn a_secret_at_the_cut_does_not_show_its_end() {
        let secret = "s3cr3t".repeat(10);
        for shift in 0..=secret.len() + 2 {
            let mut text = secret.clone().into_bytes();
            text.extend(std::iter::repeat_n(b'.', KEPT + secret.len() - shift));
            let said = shown(&[&text], &[&secret]);
            assert!(!said.contains("3t") && !said.contains("s3"), "{shift}");
        }
    }

    #[test]
    fn the_end_of_a_long_output_is_kept() {
        let lines: String = (0..200_000)
            .flat_map(|n| ["line ".to_owned(), n.to_string(), "\n".to_owned()])
            .collect();
        let chunks: Vec<&[u8]> = lines.as_bytes().chunks(8192).collect();
        let said = shown(&chunks, &["ghp_abcdef"]);
        assert!(said.len() <= KEPT + 10, "{}", said.len());
        assert!(said.starts_with("[...]\nline ") && said.ends_with("line 199999"));
    }
}

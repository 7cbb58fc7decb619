//! A secret that cannot be printed, and what all of them look like where somebody else prints them. It does not know where they came
//! from.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What is shown in place of a secret.
const STARS: &str = "***";

/// A text that is shorter may be any word.
const SHORTEST: usize = 8;

/// Every secret that this process has held, so that none is shown whatever becomes of it.
static HELD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A token or key. It has no `Display` and no `Serialize`, and its `Debug` is `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns the secret without white space at its ends; nothing where nothing is left.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        hold(text);
        Some(Self(text.to_owned()))
    }

    /// Returns the secret's text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(STARS)
    }
}

/// Remembers a secret, and the lines of one that has several, as a private key.
fn hold(text: &str) {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with("-----"));
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    for word in lines.filter(|line| line.len() >= SHORTEST) {
        if !held.iter().any(|known| known == word) {
            held.push(word.to_owned());
        }
    }
}

/// Returns every secret that this process has held.
pub(crate) fn held() -> Vec<String> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Returns a text with stars in place of every secret that this process has held: as it is, in base64 at any offset, as a
/// Basic header has it, and with percent signs, as a URL has it.
pub fn conceal(text: &str) -> Cow<'_, str> {
    conceal_these(text, &held())
}

/// Tells whether bytes tell a secret that this process has held.
pub(crate) fn is_telling(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    matches!(conceal(&text), Cow::Owned(_))
}

fn conceal_these<'t>(text: &'t str, secrets: &[String]) -> Cow<'t, str> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for secret in secrets {
        for form in forms(secret) {
            let places = text.match_indices(&form);
            found.extend(places.map(|(start, form)| start..start + form.len()));
        }
    }
    if text.contains('%') {
        let plain = Decoded::of(text);
        found.extend(secrets.iter().flat_map(|secret| plain.find(secret)));
    }
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_by_key(|range| range.start);
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for range in found {
        if range.start >= end {
            shown += &text[end..range.start];
            shown += STARS;
        }
        end = end.max(range.end);
    }
    shown += &text[end..];
    Cow::Owned(shown)
}

/// Returns the texts that stand for a secret: itself, and what every base64 text has in it that was made of a text with the secret in
/// it, whatever stood before and behind.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    for offset in 0..3 {
        let bytes = [&vec![0; offset], secret.as_bytes()].concat();
        // A letter of six bits that has bits of what stands before or behind differs with that.
        let first = (offset * 8).div_ceil(6);
        let last = bytes.len() * 8 / 6;
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            forms.push(engine.encode(&bytes)[first..last].to_owned());
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

/// A text with its percent signs read, and where each byte of it came from.
struct Decoded {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Decoded {
    fn of(text: &str) -> Self {
        let mut decoded = Self {
            bytes: Vec::with_capacity(text.len()),
            places: Vec::with_capacity(text.len()),
        };
        let mut at = 0;
        while let Some(byte) = text.as_bytes().get(at).copied() {
            let digits = text.get(at + 1..at + 3).filter(|_| byte == b'%');
            let digits =
                digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let read = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            let length = if read.is_some() { 3 } else { 1 };
            decoded.bytes.push(read.unwrap_or(byte));
            decoded.places.push(at..at + length);
            at += length;
        }
        decoded
    }

    fn find(&self, secret: &str) -> Vec<Range<usize>> {
        let windows = self.bytes.windows(secret.len()).enumerate();
        let matching = windows.filter(|(_, window)| *window == secret.as_bytes());
        matching
            .map(|(start, _)| self.places[start].start..self.places[start + secret.len() - 1].end)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "ghp_Ab+c/d01234567";

    fn concealed(text: &str) -> String {
        conceal_these(text, &[TOKEN.to_owned()]).into_owned()
    }

    #[test]
    fn is_never_printed() {
        let secret = Secret::new(" ghp_abc\n").unwrap();
        assert_eq!(
            (format!("{secret:?}").as_str(), secret.expose()),
            ("***", "ghp_abc")
        );
        assert_eq!(Secret::new(" \n"), None);
    }

    #[test]
    fn no_encoding_of_a_secret_is_shown() {
        assert_eq!(concealed(&format!("a {TOKEN} b {TOKEN}")), "a *** b ***");
        for before in ["", "x", "xy", "xyz", "x-access-token:"] {
            for after in ["", "1", "12"] {
                let text = format!("{before}{TOKEN}{after}");
                for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                    let shown = concealed(&format!("Basic {}", engine.encode(&text)));
                    assert!(shown.contains("***"), "{text}: {shown}");
                    let left = shown.replace("Basic ", "").replace("***", "");
                    assert!(left.len() < before.len() * 2 + 6, "{text}: {shown}");
                }
            }
        }
        assert_eq!(
            concealed("https://x:ghp_Ab%2Bc%2fd01234567@h/?a=%41"),
            "https://x:***@h/?a=%41"
        );
        assert_eq!(concealed("%67hp%5FAb+c/d01234567%"), "***%");
    }

    #[test]
    fn other_texts_stay() {
        for text in ["", "100% ä %zz %4", "ghp_Ab", "Basic eDp5"] {
            assert!(matches!(
                conceal_these(text, &[TOKEN.to_owned()]),
                Cow::Borrowed(_)
            ));
        }
    }
}

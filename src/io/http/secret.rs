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
        // A file with a token ends with a line break, which no header can carry.
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return None;
        }
        hold(trimmed);
        Some(Self(trimmed.to_owned()))
    }

    /// Returns the secret's text, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
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
    let lines = text
        .lines()
        .map(str::trim)
        // The lines around a key are no secret, and the same for everybody.
        .filter(|line| !line.starts_with("-----"));
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
pub(crate) fn conceal(text: &str) -> Cow<'_, str> {
    conceal_these(text, &held())
}

/// Tells whether bytes tell a secret that this process has held.
pub(crate) fn is_telling(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    matches!(conceal(&text), Cow::Owned(_))
}

fn conceal_these<'t>(text: &'t str, secrets: &[String]) -> Cow<'t, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let forms: Vec<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    let mut found: Vec<Range<usize>> = Vec::new();
    for form in &forms {
        let places = text.match_indices(form);
        found.extend(places.map(|(start, form)| start..start + form.len()));
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let plain = Decoded::of(line);
        let hidden = plain.iter().flat_map(|plain| plain.find(&forms));
        found.extend(hidden.map(|range| start + range.start..start + range.end));
        start += line.len();
    }
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_by_key(|range| range.start);
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for range in found {
        // Forms of a secret may overlap, and share their stars.
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

/// How often an encoding is looked through: what is encoded twice is.
const ROUNDS: usize = 3;

/// A line with its escapes read and without signs that nobody sees, and where each byte of it came from.
struct Decoded {
    text: String,
    places: Vec<Range<usize>>,
}

impl Decoded {
    /// Reads a line; nothing where there is nothing to read.
    fn of(line: &str) -> Option<Self> {
        let is_plain = line.is_ascii() && !line.contains(['%', '\\', '&']);
        if is_plain {
            return None;
        }
        let mut decoded = Self {
            text: line.to_owned(),
            places: (0..line.len()).map(|at| at..at + 1).collect(),
        };
        for _ in 0..ROUNDS {
            let read = decoded.read_once();
            // What is read is shorter than what stood for it.
            let is_done = read.text.len() == decoded.text.len();
            decoded = read;
            if is_done {
                break;
            }
        }
        Some(decoded)
    }

    fn read_once(&self) -> Self {
        let mut read = Self {
            text: String::with_capacity(self.text.len()),
            places: Vec::with_capacity(self.places.len()),
        };
        let mut at = 0;
        loop {
            // Answers have megabytes: what cannot be an escape is copied as a whole.
            let rest = &self.text[at..];
            let plain = rest.bytes().position(may_be_read).unwrap_or(rest.len());
            read.text += &rest[..plain];
            read.places.extend_from_slice(&self.places[at..at + plain]);
            at += plain;
            let Some(sign) = rest[plain..].chars().next() else {
                return read;
            };
            let unit = Unit::at(&self.text[at..], sign);
            let place = self.places[at].start..self.places[at + unit.length - 1].end;
            if let Some(sign) = unit.sign {
                read.text.push(sign);
                let bytes = std::iter::repeat_n(place, sign.len_utf8());
                read.places.extend(bytes);
            }
            at += unit.length;
        }
    }

    fn find<'f>(&'f self, forms: &'f [String]) -> impl Iterator<Item = Range<usize>> + 'f {
        let places = forms
            .iter()
            .flat_map(|form| self.text.match_indices(form.as_str()));
        places
            .map(|(start, form)| self.places[start].start..self.places[start + form.len() - 1].end)
    }
}

/// Tells whether a sign that begins with this byte can begin an escape, or be one that nobody sees.
fn may_be_read(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&') || byte.is_ascii_control() || !byte.is_ascii()
}

/// The next sign of a text as it is meant.
struct Unit {
    /// How many bytes it takes.
    length: usize,
    /// The sign; nothing where nobody sees it.
    sign: Option<char>,
}

impl Unit {
    fn at(text: &str, sign: char) -> Self {
        let escaped = match sign {
            '%' => Self::of_digits(text, "%", Some(2)),
            // JSON and Rust: `\u0067`, `\u{67}`.
            '\\' => Self::of_digits(text, "\\u{", None)
                .or_else(|| Self::of_digits(text, "\\u", Some(4))),
            '&' => Self::of_digits(text, "&#x", None).or_else(|| Self::of_number(text)),
            _ => None,
        };
        escaped.unwrap_or(Self {
            length: sign.len_utf8(),
            sign: Some(sign).filter(|sign| !is_unseen(*sign)),
        })
    }

    /// Reads hexadecimal digits: so many, or up to the sign that ends them.
    fn of_digits(text: &str, before: &str, count: Option<usize>) -> Option<Self> {
        let rest = text.strip_prefix(before)?;
        let most = count.unwrap_or(MOST_DIGITS);
        let digits = leading_digits(rest, most, 16)?;
        if count.is_some_and(|count| count != digits.len()) {
            return None;
        }
        let ends = usize::from(count.is_none());
        let length = before.len() + digits.len() + ends;
        let code = u32::from_str_radix(digits, 16).ok()?;
        Self::of_code(code, length.min(text.len()))
    }

    /// Reads `&#103;`.
    fn of_number(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("&#")?;
        let digits = leading_digits(rest, MOST_DIGITS, 10)?;
        let is_ended = rest[digits.len()..].starts_with(';');
        let code = digits.parse().ok().filter(|_| is_ended)?;
        Self::of_code(code, digits.len() + 3)
    }

    fn of_code(code: u32, length: usize) -> Option<Self> {
        let sign = char::from_u32(code)?;
        Some(Self {
            length,
            sign: Some(sign).filter(|sign| !is_unseen(*sign)),
        })
    }
}

/// Of the number of a sign.
const MOST_DIGITS: usize = 7;

/// Returns the digits that a text begins with, no further than `most`: an escape without an end is not looked for to the end of the text,
/// which may be full of them.
fn leading_digits(text: &str, most: usize, radix: u32) -> Option<&str> {
    let signs = text.chars().take(most);
    let count = signs.take_while(|sign| sign.is_digit(radix)).count();
    Some(&text[..count]).filter(|digits| !digits.is_empty())
}

/// Tells whether a sign takes no place where a text is shown.
fn is_unseen(sign: char) -> bool {
    let is_zero_width = matches!(
        sign,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    sign.is_control() || is_zero_width || ('\u{fdd0}'..='\u{fdef}').contains(&sign)
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
        for hidden in [
            "\\u0067hp_Ab+c/d01234567",
            "&#103;hp_Ab+c/d01234567",
            "&#x67;hp_Ab+c/d01234567",
            "%2567hp_Ab+c/d01234567",
            "ghp_Ab\u{200b}+c/d0123\u{fdd0}4567",
            "ghp_Ab\\u{fdd0}+c/d01234567",
        ] {
            assert_eq!(concealed(hidden), "***", "{hidden}");
        }
        let basic = STANDARD_NO_PAD.encode(format!("x-access-token:{TOKEN}"));
        let percent: String = basic.replace('N', "%4E");
        assert!(concealed(&format!("Basic {percent}")).contains("***"));
    }

    /// No clock is asked; where each is looked for to the end of the text, this waits for minutes.
    #[test]
    fn escapes_without_an_end_are_read_once() {
        for escape in ["&#", "&#x", "&#x6", "\\u{", "\\u", "%"] {
            let text = escape.repeat(1 << 17);
            assert!(matches!(
                conceal_these(&text, &[TOKEN.to_owned()]),
                Cow::Borrowed(_)
            ));
        }
    }

    #[test]
    fn other_texts_stay() {
        for text in ["", "100% ä %zz %4", "ghp_Ab", "Basic eDp5", "\\u &#; &#x;"] {
            assert!(matches!(
                conceal_these(text, &[TOKEN.to_owned()]),
                Cow::Borrowed(_)
            ));
        }
    }
}

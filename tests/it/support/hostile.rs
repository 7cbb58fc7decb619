//! Answers that nobody should give: any bytes, and real answers with something wrong in them. For properties of what reads answers.

use proptest::prelude::*;
use serde_json::Value;

/// What is wrong with an answer. Places are shares of its length, in 1/65536.
#[derive(Debug, Clone)]
pub enum Harm {
    Delete(u16, u8),
    Duplicate(u16, u8),
    Cut(u16),
    Insert(u16, Vec<u8>),
    /// A word becomes another one.
    Word(u16, usize),
    /// A value of JSON becomes one of another type; in other texts it is a word that changes.
    Value(u16, usize),
    /// Nothing of the answer is left.
    Replace(Vec<u8>),
}

/// Words that readers of numbers, days and names trip over.
const WORDS: [&str; 22] = [
    "",
    "-1",
    "0",
    "18446744073709551616",
    "9223372036854775807",
    "-9223372036854775808",
    "1e999",
    "NaN",
    "9999-12-31",
    "9999-12-31T23:59:59Z",
    "-009999-01-01",
    "0000-00-00",
    "v4294967295.4294967295.4294967295",
    "1.99999999999999999999",
    "null",
    "~",
    "{}",
    "[]",
    "*a",
    "&a [*a]",
    "\u{202e}ä\u{0}",
    "../../../etc/passwd",
];

fn value(number: usize) -> Value {
    let values = [
        Value::Null,
        true.into(),
        (-1).into(),
        u64::MAX.into(),
        i64::MIN.into(),
        1e308.into(),
        "".into(),
        Value::Array(Vec::new()),
        Value::Array(vec![Value::Null]),
        Value::Object(serde_json::Map::new()),
    ];
    let text = || Value::from(WORDS[number % WORDS.len()]);
    values.get(number).cloned().unwrap_or_else(text)
}

const VALUES: usize = 10 + WORDS.len();

/// Returns what harms answers.
pub fn harm() -> impl Strategy<Value = Vec<Harm>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..24);
    let one = prop_oneof![
        1 => (any::<u16>(), any::<u8>()).prop_map(|(at, length)| Harm::Delete(at, length)),
        1 => (any::<u16>(), any::<u8>()).prop_map(|(at, length)| Harm::Duplicate(at, length)),
        1 => any::<u16>().prop_map(Harm::Cut),
        1 => (any::<u16>(), bytes()).prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
        1 => (any::<u16>(), 0..WORDS.len()).prop_map(|(at, word)| Harm::Word(at, word)),
        3 => (any::<u16>(), 0..VALUES).prop_map(|(at, value)| Harm::Value(at, value)),
    ];
    let some = prop::collection::vec(one, 1..4);
    let all = prop::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        9 => some,
        1 => all.prop_map(|bytes| vec![Harm::Replace(bytes)]),
        1 => deep().prop_map(|bytes| vec![Harm::Replace(bytes)]),
    ]
}

/// Nests deeper than any reader should follow.
fn deep() -> impl Strategy<Value = Vec<u8>> {
    let opening =
        prop::sample::select(vec!["[", "{\"a\":", "- ", "<a>", "? ", "{a: ", "\"", "a: "]);
    opening.prop_map(|opening| opening.repeat(20_000).into_bytes())
}

/// Returns an answer as it arrives.
pub fn apply(answer: &[u8], harms: &[Harm]) -> Vec<u8> {
    let mut bytes = answer.to_vec();
    for harm in harms {
        harm.apply(&mut bytes);
    }
    bytes
}

impl Harm {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |share: u16, bytes: &[u8]| usize::from(share) * bytes.len() / 65_536;
        match self {
            Self::Delete(share, length) => {
                let start = at(*share, bytes);
                let end = bytes.len().min(start + usize::from(*length));
                bytes.drain(start..end);
            }
            Self::Duplicate(share, length) => {
                let start = at(*share, bytes);
                let end = bytes.len().min(start + usize::from(*length));
                let again = bytes[start..end].to_vec();
                bytes.splice(end..end, again);
            }
            Self::Cut(share) => bytes.truncate(at(*share, bytes)),
            Self::Insert(share, more) => {
                let start = at(*share, bytes);
                bytes.splice(start..start, more.iter().copied());
            }
            Self::Word(share, word) => replace_word(bytes, at(*share, bytes), WORDS[*word]),
            Self::Value(share, number) => match serde_json::from_slice(bytes) {
                Ok(mut json) => {
                    let count = count(&json);
                    let mut left = usize::from(*share) * count / 65_536;
                    replace_value(&mut json, &mut left, &value(*number));
                    *bytes = serde_json::to_vec(&json).unwrap();
                }
                Err(_) => replace_word(bytes, at(*share, bytes), WORDS[number % WORDS.len()]),
            },
            Self::Replace(all) => bytes.clone_from(all),
        }
    }
}

fn replace_word(bytes: &mut Vec<u8>, at: usize, word: &str) {
    let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.:".contains(byte);
    let before = bytes[..at].iter().rev().take_while(|byte| is_of_word(byte));
    let behind = bytes[at..].iter().take_while(|byte| is_of_word(byte));
    let place = at - before.count()..at + behind.count();
    bytes.splice(place, word.bytes());
}

fn count(json: &Value) -> usize {
    1 + match json {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

/// Replaces the value before which `left` others stand.
fn replace_value(json: &mut Value, left: &mut usize, by: &Value) -> bool {
    if *left == 0 {
        *json = by.clone();
        return true;
    }
    *left -= 1;
    match json {
        Value::Array(items) => items.iter_mut().any(|item| replace_value(item, left, by)),
        Value::Object(entries) => entries
            .values_mut()
            .any(|entry| replace_value(entry, left, by)),
        _ => false,
    }
}

/// Returns a header with a value that is hard to read.
pub fn header() -> impl Strategy<Value = (String, String)> {
    let names = vec![
        "Retry-After",
        "Date",
        "Last-Modified",
        "Content-Range",
        "Content-Type",
        "Content-Encoding",
        "Link",
        "Location",
        "ETag",
        "WWW-Authenticate",
        "Docker-Content-Digest",
        "X-RateLimit-Reset",
        "X-RateLimit-Remaining",
        "X-OAuth-Scopes",
        "Transfer-Encoding",
        "Cache-Control",
    ];
    let values = vec![
        "",
        "0",
        "-1",
        "18446744073709551615",
        "-9223372036854775808",
        "9223372036854775807",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Thu, 01 Jan -9999 00:00:00 GMT",
        "bytes 0-0/18446744073709551616",
        "bytes */",
        "/",
        "gzip",
        "chunked",
        "text/html",
        "</>; rel=\"next\"",
        "<",
        "<?page=2>; rel=next, <; rel=\"next",
        "//",
        "http://[::1",
        "Bearer realm=\"",
        "Bearer realm=\"http://[\",service=\"x\"",
        "Basic",
        "sha256:",
        "W/\"\u{e4}\"",
    ];
    (
        prop::sample::select(names),
        prop_oneof![
            3 => prop::sample::select(values).prop_map(str::to_owned),
            1 => "[ -~]{0,30}",
        ],
    )
        .prop_map(|(name, value)| (name.to_owned(), value))
}

//! Where a value sits in a document: `images[0].versions[3].url`. It knows nothing about files or documents.

use std::fmt;
use std::str::FromStr;

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathStep {
    /// The value under this key of a map.
    Key(String),
    /// The item at this place, from zero, of a sequence.
    Index(usize),
}

impl From<&str> for PathStep {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for PathStep {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for PathStep {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The steps from the root of a document to a value; no steps at all mean the root, written `.`.
///
/// Keys of letters, digits, `_` and `-` are written bare, all others quoted: `metadata.annotations["a.b/c"]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<PathStep>);

impl Path {
    /// Returns the path of the root.
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns this path with one more key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(PathStep::Key(key.into()));
        self
    }

    /// Returns this path with one more index.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(PathStep::Index(index));
        self
    }

    /// Returns this path followed by the steps of another one.
    #[must_use]
    pub fn join(&self, tail: &Self) -> Self {
        Self(self.0.iter().chain(&tail.0).cloned().collect())
    }

    /// Returns the steps in order.
    pub fn steps(&self) -> &[PathStep] {
        &self.0
    }

    /// Returns the path of the surrounding value and the last step, nothing for the root.
    pub fn split_last(&self) -> Option<(Self, &PathStep)> {
        let (last, parents) = self.0.split_last()?;
        Some((Self(parents.to_vec()), last))
    }
}

impl From<Vec<PathStep>> for Path {
    fn from(steps: Vec<PathStep>) -> Self {
        Self(steps)
    }
}

impl From<&str> for Path {
    /// Returns the path of one key, taken as it is; use [`str::parse`] to read a written path.
    fn from(key: &str) -> Self {
        Self::root().key(key)
    }
}

impl<S: Into<PathStep>, const N: usize> From<[S; N]> for Path {
    fn from(steps: [S; N]) -> Self {
        Self(steps.into_iter().map(Into::into).collect())
    }
}

impl FromIterator<PathStep> for Path {
    fn from_iter<I: IntoIterator<Item = PathStep>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str(".");
        }
        for (position, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Index(index) => write!(formatter, "[{index}]")?,
                PathStep::Key(key) if is_bare(key) => {
                    let dot = if position == 0 { "" } else { "." };
                    write!(formatter, "{dot}{key}")?;
                }
                PathStep::Key(key) => {
                    let quoted = key.replace('\\', "\\\\").replace('"', "\\\"");
                    write!(formatter, "[\"{quoted}\"]")?;
                }
            }
        }
        Ok(())
    }
}

fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_bare_char)
}

fn is_bare_char(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-')
}

/// A text which is no [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a path: {why}")]
pub struct PathError {
    text: String,
    why: &'static str,
}

impl PathError {
    /// Returns what a path looks like.
    pub fn hint(&self) -> &'static str {
        "write a path such as images[0].versions[3].url or metadata.annotations[\"a.b/c\"]"
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut steps = Vec::new();
        let mut rest = if text == "." { "" } else { text };
        while !rest.is_empty() {
            let parsed = if let Some(quoted) = rest.strip_prefix("[\"") {
                read_quoted(quoted)
            } else if let Some(index) = rest.strip_prefix('[') {
                read_index(index)
            } else if steps.is_empty() {
                read_bare(rest)
            } else {
                rest.strip_prefix('.')
                    .ok_or("a `.` or `[` is missing")
                    .and_then(read_bare)
            };
            let (step, tail) = parsed.map_err(|why| PathError {
                text: text.to_owned(),
                why,
            })?;
            steps.push(step);
            rest = tail;
        }
        Ok(Self(steps))
    }
}

fn read_bare(text: &str) -> Result<(PathStep, &str), &'static str> {
    let end = text.find(|char| !is_bare_char(char)).unwrap_or(text.len());
    if end == 0 {
        return Err("a key is missing");
    }
    let (key, tail) = text.split_at(end);
    Ok((PathStep::Key(key.to_owned()), tail))
}

fn read_index(text: &str) -> Result<(PathStep, &str), &'static str> {
    let (digits, tail) = text.split_once(']').ok_or("a `]` is missing")?;
    // `parse` takes `+1` as well, and a path has one spelling.
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("an index is a number, and an odd key is quoted");
    }
    let index = digits.parse().map_err(|_| "an index is too large")?;
    Ok((PathStep::Index(index), tail))
}

fn read_quoted(text: &str) -> Result<(PathStep, &str), &'static str> {
    let mut key = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => key.push(chars.next().ok_or("a quote is not closed")?.1),
            '"' => {
                let tail = text[at + 1..].strip_prefix(']').ok_or("a `]` is missing")?;
                return Ok((PathStep::Key(key), tail));
            }
            _ => key.push(char),
        }
    }
    Err("a quote is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_back() {
        for text in [
            ".",
            "images[0].versions[3].url",
            "[2].name",
            "[\"a.b/c\"].x",
            "metadata.annotations[\"a.b/c\"]",
            "[\"\"]",
            "[\"say \\\"hi\\\" \\\\\"]",
            "größe[1][2]",
        ] {
            let path: Path = text.parse().unwrap();
            assert_eq!(path.to_string(), text);
        }
        assert_eq!("".parse::<Path>(), Ok(Path::root()));
        assert_eq!(Path::root().key("a.b").index(1).to_string(), "[\"a.b\"][1]");
    }

    #[test]
    fn refuses_what_is_no_path() {
        for text in [
            "a.",
            ".a",
            "a..b",
            "a[",
            "a[x]",
            "a[1",
            "a[\"b",
            "a[\"b\"",
            "a b",
            "a[99999999999999999999999]",
        ] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
    }
}

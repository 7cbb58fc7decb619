//! Reads the text of a requirement, and refuses what Helm refuses.

use std::str::FromStr;

use semver::Prerelease;

use super::{Alternative, ChartRequirement, Comparison, Open, Operator, Span, plain};
use crate::version::VersionError;

/// The spellings of operators, longer ones before those that they begin with.
const OPERATORS: [(&str, Operator); 11] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("=>", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=<", Operator::LessOrEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

impl FromStr for ChartRequirement {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let alternatives = read_alternatives(text)
            .ok_or_else(|| VersionError::new(text, "a chart version or a range such as ~2.34.0"))?;
        Ok(Self {
            raw: text.to_owned(),
            alternatives,
        })
    }
}

fn read_alternatives(text: &str) -> Option<Vec<Alternative>> {
    let mut alternatives = Vec::new();
    let mut start = 0;
    for part in text.split("||") {
        // Each reads in the whole text, as spans are places in that.
        let mut reader = Reader {
            text,
            at: start,
            end: start + part.len(),
        };
        alternatives.push(reader.alternative()?);
        start += part.len() + "||".len();
    }
    Some(alternatives)
}

/// Reads one alternative from left to right.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    end: usize,
}

/// What may begin at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A comparison, or a hyphen range.
    Any,
    /// A comparison: Helm rewrites a hyphen range with the spaces before it, and refuses what then stands together.
    Comparison,
    Nothing,
}

impl Reader<'_> {
    fn alternative(&mut self) -> Option<Alternative> {
        let is_first = self.at == 0;
        let mut comparisons = Vec::new();
        // To Helm, bars right before the number of a hyphen range are part of it.
        let mut next = if self.spaces() || is_first || self.rest().starts_with('v') {
            Next::Any
        } else {
            Next::Comparison
        };
        loop {
            let operator = self.operator();
            let first = self.comparison(operator.unwrap_or(Operator::Equal))?;
            let is_range = self.hyphen();
            match next {
                Next::Any if is_range && operator.is_none() => {
                    let last = self.comparison(Operator::LessOrEqual)?;
                    let operator = Operator::GreaterOrEqual;
                    comparisons.extend([Comparison { operator, ..first }, last]);
                }
                Next::Any | Next::Comparison if !is_range => comparisons.push(first),
                Next::Any | Next::Comparison | Next::Nothing => return None,
            }
            let has_spaces = self.spaces();
            if self.at == self.end {
                return Some(Alternative(comparisons));
            }
            let has_comma = self.skip(",");
            self.spaces();
            next = if is_range || has_comma {
                Next::Any
            } else if has_spaces {
                Next::Comparison
            } else {
                Next::Nothing
            };
        }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..self.end]
    }

    fn spaces(&mut self) -> bool {
        // What `\s` means in Go's regular expressions, with which Helm reads constraints; `char::is_whitespace` knows more.
        self.skip_while(|char| matches!(char, ' ' | '\t' | '\n' | '\r' | '\u{c}')) > 0
    }

    /// Steps over characters, and returns how many bytes they are.
    fn skip_while(&mut self, is_skipped: fn(char) -> bool) -> usize {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches(is_skipped).len();
        self.at += length;
        length
    }

    fn skip(&mut self, text: &str) -> bool {
        let is_there = self.rest().starts_with(text);
        if is_there {
            self.at += text.len();
        }
        is_there
    }

    fn operator(&mut self) -> Option<Operator> {
        let found = OPERATORS.iter().find(|(text, _)| self.skip(text));
        self.spaces();
        found.map(|(_, operator)| *operator)
    }

    /// Steps over ` - `, where a version follows.
    fn hyphen(&mut self) -> bool {
        let start = self.at;
        let is_hyphen = self.spaces() && self.skip("-") && self.spaces();
        if !is_hyphen {
            self.at = start;
        }
        is_hyphen
    }

    fn comparison(&mut self, operator: Operator) -> Option<Comparison> {
        let start = self.at;
        self.skip("v");
        let (first, _) = self.number()?;
        let (second, second_at) = self.further_number();
        let (third, _) = self.further_number();
        let pre = if self.skip("-") {
            Prerelease::new(self.identifiers()?).ok()?
        } else {
            Prerelease::EMPTY
        };
        if self.skip("+") {
            self.identifiers()?;
        }
        let span = Span {
            start,
            end: self.at,
        };
        let (open, major, minor, patch) = match (first, second, third) {
            (None, _, _) => (Open::All, 0, 0, 0),
            (Some(major), None, _) => (Open::Minor, major, 0, 0),
            (Some(major), Some(minor), None) => (Open::Patch, major, minor, 0),
            (Some(major), Some(minor), Some(patch)) => (Open::Nothing, major, minor, patch),
        };
        let is_named = matches!(open, Open::Patch | Open::Nothing);
        Some(Comparison {
            operator,
            version: plain(major, minor, patch, pre),
            open,
            span,
            second: second_at.filter(|_| is_named),
        })
    }

    /// Reads `.34`, `.x` or nothing.
    fn further_number(&mut self) -> (Option<u64>, Option<Span>) {
        let start = self.at;
        if self.skip(".")
            && let Some((number, span)) = self.number()
        {
            return (number, Some(span));
        }
        self.at = start;
        (None, None)
    }

    /// Reads a number, or a wildcard, which is no number; nothing where neither stands.
    fn number(&mut self) -> Option<(Option<u64>, Span)> {
        let start = self.at;
        let number = if matches!(self.rest().chars().next()?, 'x' | 'X' | '*') {
            self.at += 1;
            None
        } else {
            self.skip_while(|char| char.is_ascii_digit());
            Some(self.text[start..self.at].parse().ok()?)
        };
        let span = Span {
            start,
            end: self.at,
        };
        Some((number, span))
    }

    /// Reads what stands after `-` or `+`.
    fn identifiers(&mut self) -> Option<&str> {
        let start = self.at;
        loop {
            if self.skip_while(|char| char.is_ascii_alphanumeric() || char == '-') == 0 {
                return None;
            }
            if !self.skip(".") {
                return Some(&self.text[start..self.at]);
            }
        }
    }
}

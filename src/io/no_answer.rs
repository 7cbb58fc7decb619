//! A question that got no answer, as every source of the catalog reports it. It is never "nothing there".

use std::collections::BTreeSet;

use http::header;

use super::http::{Answer, HttpError, redact};
use crate::catalog::{SourceKind, Unreachable};
use crate::version::Minor;

/// A question that got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {reason}")]
pub(crate) struct NoAnswer {
    /// The URL that was asked.
    pub url: String,
    /// What happened, as a phrase: `connection refused`.
    pub reason: String,
}

impl NoAnswer {
    pub(crate) fn new(url: &str, reason: impl Into<String>) -> Self {
        Self {
            url: redact(url),
            reason: reason.into(),
        }
    }

    /// Returns that a server answered with a status which tells nothing.
    pub(crate) fn of_status(url: &str, status: u16) -> Self {
        Self::new(url, format!("answers {status}"))
    }

    /// Returns that a later page of a list gave no answer: what came before it is known.
    pub(crate) fn of_next_page(&self, list_url: &str, list: &str) -> Self {
        let joint = if self.reason.starts_with("answers ") {
            ""
        } else {
            ":"
        };
        let reason = format!(
            "the next page of {list}{joint} {} ({})",
            self.reason, self.url
        );
        Self::new(list_url, reason)
    }

    /// Returns the catalog's entry.
    pub(crate) fn into_unreachable(
        self,
        kind: SourceKind,
        source: &str,
        minors: BTreeSet<Minor>,
    ) -> Unreachable {
        Unreachable {
            kind,
            source: redact(source),
            url: self.url,
            reason: self.reason,
            minors,
        }
    }
}

impl From<HttpError> for NoAnswer {
    fn from(error: HttpError) -> Self {
        Self {
            url: error.url().to_owned(),
            reason: error.reason(),
        }
    }
}

/// Says what an answer is, where it is made for people or programs and is no file of a store: `a web page`. A body speaks
/// for itself, since many servers do not know the type of their files; without one, the declared type has to do.
pub(crate) fn find_page(answer: &Answer) -> Option<&'static str> {
    match answer.body.trim_ascii_start().first() {
        None => find_declared_page(answer),
        Some(b'<') => find_declared_page(answer).or(Some("a web page")),
        Some(_) => None,
    }
}

/// Says what an answer is by its declared type alone.
pub(crate) fn find_declared_page(answer: &Answer) -> Option<&'static str> {
    let content_type = answer.header(&header::CONTENT_TYPE).unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    match kind.to_ascii_lowercase().as_str() {
        "text/html" | "application/xhtml+xml" => Some("a web page"),
        "text/xml" | "application/xml" => Some("an XML document"),
        "application/json" => Some("a JSON document"),
        _ => None,
    }
}

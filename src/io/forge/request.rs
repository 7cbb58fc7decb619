//! What is asked of the forge, as a value: a request knows whether it can change something.

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Whether a request can change something at the forge. Only who makes it knows: a query of GraphQL is a POST as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Read,
    Write,
}

/// A request, with whether it can change something.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) effect: Effect,
    pub(super) method: Method,
    /// Path with query.
    pub(super) path: String,
    /// What errors call it: the path without its query, for GraphQL with the operation's name.
    pub(super) shown: String,
    pub(super) body: Option<Value>,
}

impl Request {
    pub(super) fn read(path: String) -> Self {
        Self::new(Effect::Read, Method::GET, path, None)
    }

    pub(super) fn write(method: Method, path: String, body: Value) -> Self {
        Self::new(Effect::Write, method, path, Some(body))
    }

    pub(super) fn delete(path: String) -> Self {
        Self::new(Effect::Write, Method::DELETE, path, None)
    }

    pub(super) fn graphql(effect: Effect, name: &str, body: Value) -> Self {
        Self {
            shown: format!("/graphql ({name})"),
            ..Self::new(effect, Method::POST, "/graphql".to_owned(), Some(body))
        }
    }

    fn new(effect: Effect, method: Method, path: String, body: Option<Value>) -> Self {
        let shown = path.split('?').next().unwrap_or_default().to_owned();
        Self {
            effect,
            method,
            path,
            shown,
            body,
        }
    }
}

/// Everything but the unreserved characters of RFC 3986: what a branch or a label is called may have any other sign in it.
const PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Writes a text as one part of a path or one value of a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

//! What a server said, read by its headers.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use jiff::Timestamp;

use super::redact;

/// What a server said.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    /// The URL that answered in the end, after redirects and mirrors.
    pub url: String,
    pub headers: HeaderMap,
    /// The body; empty for HEAD.
    pub body: Bytes,
    /// Whether the body comes from the cache: the server said that it has not changed, or nobody was asked.
    pub is_stored: bool,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("url", &redact(&self.url))
            .field("body_bytes", &self.body.len())
            .field("is_stored", &self.is_stored)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// Returns a header's text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the moment of the Last-Modified header.
    pub fn last_modified(&self) -> Option<Timestamp> {
        super::retry::parse_http_date(self.header(&header::LAST_MODIFIED)?)
    }

    /// Returns the moment of the Date header: the server's own clock.
    pub fn date(&self) -> Option<Timestamp> {
        super::retry::parse_http_date(self.header(&header::DATE)?)
    }

    /// Returns how long the server asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        super::retry::find_pause(self)
    }

    /// Returns the size of the Content-Length header.
    pub fn content_length(&self) -> Option<u64> {
        self.header(&header::CONTENT_LENGTH)?.parse().ok()
    }

    /// Returns the size of the whole content, which an answer with the first byte tells beside it.
    pub fn whole_length(&self) -> Option<u64> {
        match self.status {
            206 => {
                let (_, whole) = self.header(&header::CONTENT_RANGE)?.rsplit_once('/')?;
                whole.trim().parse().ok()
            }
            _ => self.content_length(),
        }
    }

    /// Returns the next page's URL of the Link header, for a list that was asked for at `asked`; the error says why that page
    /// is not asked for.
    pub fn next_page(&self, asked: &str) -> Result<Option<String>, String> {
        let target = super::find_next_link(&self.headers);
        let resolved = target.map(|target| super::link::resolve(target, asked, &self.url));
        resolved.transpose()
    }
}

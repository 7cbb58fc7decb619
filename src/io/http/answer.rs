//! What a server said, read by its headers.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

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
    pub(crate) fn last_modified(&self) -> Option<Timestamp> {
        parse_http_date(self.header(&header::LAST_MODIFIED)?)
    }

    /// Returns the moment of the Date header: the server's own clock.
    pub fn date(&self) -> Option<Timestamp> {
        parse_http_date(self.header(&header::DATE)?)
    }

    /// Returns how long the server asks to wait: seconds, or a date that is measured by the server's own clock.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let text = self.header(&header::RETRY_AFTER)?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number that is too large to be read is too long to be waited for.
            return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
        }
        let seconds = parse_http_date(text)?.as_second() - self.date()?.as_second();
        Some(Duration::from_secs(seconds.try_into().unwrap_or(0)))
    }

    /// Returns the size of the Content-Length header.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header(&header::CONTENT_LENGTH)?.parse().ok()
    }

    /// Returns the size of the whole content, which an answer with the first byte tells beside it.
    pub(crate) fn whole_length(&self) -> Option<u64> {
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

/// Reads a date of HTTP headers: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn parse_http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

//! Reads a body no longer than it may take: silence is told apart from a trickle, which would keep a connection open for ever.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::HttpError;
use super::error::redact_target;

/// The least that a body has to bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// So many bytes a second,
    pub bytes_per_second: u64,
    /// in every span of this length.
    pub span: Duration,
}

impl Pace {
    /// The slowest that is taken for a network: 1 kB/s over half a minute.
    pub(crate) const LEAST: Self = Self {
        bytes_per_second: 1000,
        span: Duration::from_secs(30),
    };

    /// Returns the bytes that a span has to bring.
    fn bytes(self) -> u64 {
        let bytes = u128::from(self.bytes_per_second) * self.span.as_millis() / 1000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// Reads a body in pieces, and measures them.
pub(super) struct PacedBody<'a> {
    response: &'a mut reqwest::Response,
    pace: Option<Pace>,
    /// The end of the span, and what it has brought so far.
    until: Instant,
    brought: u64,
}

impl<'a> PacedBody<'a> {
    /// Reads the body of a response; without a pace it may take as long as it takes.
    pub(super) fn new(response: &'a mut reqwest::Response, pace: Option<Pace>) -> Self {
        let span = pace.map_or(Duration::ZERO, |pace| pace.span);
        Self {
            response,
            pace,
            until: Instant::now() + span,
            brought: 0,
        }
    }

    /// Returns the next piece.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            let Some(pace) = self.pace else {
                return self
                    .response
                    .chunk()
                    .await
                    .map_err(|error| self.fault(&error));
            };
            // What has not come by then comes with the next call: nothing is lost where waiting ends.
            if let Ok(read) = timeout_at(self.until, self.response.chunk()).await {
                let chunk = read.map_err(|error| self.fault(&error))?;
                let length = chunk.as_ref().map_or(0, Bytes::len);
                self.brought += u64::try_from(length).unwrap_or(u64::MAX);
                return Ok(chunk);
            }
            if self.brought < pace.bytes() {
                return Err(HttpError::TooSlow {
                    url: redact_target(self.response.url()),
                    bytes_per_second: pace.bytes_per_second,
                });
            }
            self.until = Instant::now() + pace.span;
            self.brought = 0;
        }
    }

    fn fault(&self, error: &reqwest::Error) -> HttpError {
        HttpError::of_transport(self.response.url().as_str(), error)
    }
}

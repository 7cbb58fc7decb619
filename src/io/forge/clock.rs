//! The clock that pauses are made with. Tests record the pauses instead of waiting.
#![expect(
    clippy::disallowed_methods,
    reason = "limits of requests are told in moments, so the client needs the clock"
)]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// The clock that pauses are made with. Copies of a recorded one share their record.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    System,
    Recorded(Arc<Mutex<Record>>),
}

#[derive(Debug)]
struct Record {
    now: Timestamp,
    pauses: Vec<Duration>,
}

impl Clock {
    /// Returns the system's clock, which really waits.
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// Returns a clock that begins at this moment, goes on by its pauses alone, and never waits.
    pub fn recorded(start: Timestamp) -> Self {
        let record = Record {
            now: start,
            pauses: Vec::new(),
        };
        Self(Kind::Recorded(Arc::new(Mutex::new(record))))
    }

    /// Returns the pauses of a recorded clock so far.
    pub fn pauses(&self) -> Vec<Duration> {
        match &self.0 {
            Kind::System => Vec::new(),
            Kind::Recorded(record) => lock(record).pauses.clone(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        match &self.0 {
            // `Timestamp::now` panics beyond the year 9999.
            Kind::System => SystemTime::now().try_into().unwrap_or(Timestamp::MAX),
            Kind::Recorded(record) => lock(record).now,
        }
    }

    pub(super) async fn sleep(&self, pause: Duration) {
        match &self.0 {
            Kind::System => tokio::time::sleep(pause).await,
            Kind::Recorded(record) => {
                let mut told = lock(record);
                told.now = later(told.now, pause);
                told.pauses.push(pause);
            }
        }
    }
}

fn lock(record: &Mutex<Record>) -> std::sync::MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the moment so much later; the end of time where there is none.
pub(super) fn later(moment: Timestamp, pause: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(pause)
        .ok()
        .and_then(|pause| moment.checked_add(pause).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Returns how long it is from one moment to a later one; nothing where it is over.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

//! What is known of each host within this run: that it is down, that it is in trouble, that it wants a pause. It forgets
//! everything at the end of the run.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// What is known of the hosts.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    known: Mutex<HashMap<String, Host>>,
}

#[derive(Debug, Default)]
struct Host {
    down: Option<String>,
    is_troubled: bool,
    /// When the first of the requests was sent that it did not answer in time, since its last answer.
    silent_since: Option<Instant>,
    rest_until: Option<Instant>,
    /// When it last gave an answer that was no trouble.
    served_at: Option<Instant>,
}

impl Hosts {
    /// Finds out why the host gave no answer before.
    pub(super) fn find_down(&self, host: &str) -> Option<String> {
        self.lock().get(host)?.down.clone()
    }

    /// Remembers that the host gave no answer, after all retries.
    pub(super) fn mark_down(&self, host: String, reason: &str) {
        let mut known = self.lock();
        let entry = known.entry(host).or_default();
        entry.down.get_or_insert_with(|| reason.to_owned());
    }

    /// Tells whether the host answered with 5xx after all retries before: it is asked once per request from then on.
    pub(super) fn is_troubled(&self, host: &str) -> bool {
        self.lock().get(host).is_some_and(|host| host.is_troubled)
    }

    /// Remembers that the host's trouble outlived the retries.
    pub(super) fn mark_troubled(&self, host: String) {
        self.lock().entry(host).or_default().is_troubled = true;
    }

    /// Finds the moment since which the host has let requests wait in vain.
    pub(super) fn find_silence(&self, host: &str) -> Option<Instant> {
        self.lock().get(host)?.silent_since
    }

    /// Remembers that the host has not answered a request of this moment in time.
    pub(super) fn mark_silent(&self, host: String, since: Instant) {
        let mut known = self.lock();
        let entry = known.entry(host).or_default();
        entry.silent_since.get_or_insert(since);
    }

    /// Remembers that the host has answered.
    pub(super) fn mark_heard(&self, host: &str) {
        if let Some(host) = self.lock().get_mut(host) {
            host.silent_since = None;
        }
    }

    /// Remembers that the host has given an answer that is no trouble.
    pub(super) fn mark_served(&self, host: &str) {
        let mut known = self.lock();
        let entry = known.entry(host.to_owned()).or_default();
        entry.served_at = Some(Instant::now());
    }

    /// Tells whether the host has given somebody such an answer since.
    pub(super) fn has_served_since(&self, host: &str, moment: Instant) -> bool {
        let known = self.lock();
        let served = known.get(host).and_then(|host| host.served_at);
        served.is_some_and(|served| served >= moment)
    }

    /// Finds the moment before which the host does not want to be asked.
    pub(super) fn find_rest(&self, host: &str) -> Option<Instant> {
        self.lock().get(host)?.rest_until
    }

    /// Remembers that the host wants a pause.
    pub(super) fn rest(&self, host: String, until: Instant) {
        let mut known = self.lock();
        let entry = known.entry(host).or_default();
        entry.rest_until = entry.rest_until.max(Some(until));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        // The map is whole after a panic elsewhere: each change is one assignment.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

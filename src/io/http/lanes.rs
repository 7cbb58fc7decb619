//! How many requests are on their way to each host: as many as it takes well. The number grows while answers come, falls by half
//! where a host says that it is too much, and a slow host does not keep others waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// An answer that takes longer than the quickest by this factor, and by this time, is late.
const LATE_FACTOR: u32 = 4;
const LATE_TIME: Duration = Duration::from_millis(250);

/// So many late answers in a row are no accident.
const LATE_ANSWERS: u32 = 8;

/// How many requests may be on their way to one host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// As long as nothing is known of it.
    pub(super) first: usize,
    pub(super) most: usize,
    /// The most where each takes a connection.
    pub(super) connections: usize,
}

/// How the first requests to a host are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// At once.
    Together,
    /// One before the others: it sets up the connection that they may share.
    Alone,
}

/// How many requests a connection carries at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Streams {
    One,
    Many,
}

/// The hosts that are asked in one run.
#[derive(Debug)]
pub(super) struct Lanes {
    limits: Limits,
    known: Mutex<HashMap<String, Arc<Lane>>>,
}

/// The requests to one host.
#[derive(Debug)]
struct Lane {
    permits: Arc<Semaphore>,
    state: Mutex<State>,
    limits: Limits,
}

#[derive(Debug)]
struct State {
    /// How many requests may be on their way.
    limit: usize,
    /// Whether the first requests need not wait for one that goes alone.
    is_begun: bool,
    /// How many more than that still are.
    surplus: usize,
    /// The answers since the limit was changed.
    answers: usize,
    /// Whether the host has ever said that it was too much: from then on the limit grows slowly.
    has_fallen: bool,
    fallen_at: Option<Instant>,
    quickest: Option<Duration>,
    late: u32,
}

/// A request on its way to a host.
#[derive(Debug)]
pub(super) struct Turn {
    lane: Arc<Lane>,
    permit: Option<OwnedSemaphorePermit>,
    begun: Instant,
}

impl Lanes {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            known: Mutex::default(),
        }
    }

    /// Waits for the turn of a request to a host.
    pub(super) async fn turn(&self, host: &str, start: Start) -> Turn {
        let lane = {
            let mut known = lock(&self.known);
            let lane = known
                .entry(host.to_owned())
                .or_insert_with(|| Arc::new(Lane::new(self.limits, start)));
            Arc::clone(lane)
        };
        // The semaphore is never closed.
        let permit = Arc::clone(&lane.permits).acquire_owned().await.ok();
        Turn {
            lane,
            permit,
            begun: Instant::now(),
        }
    }
}

impl Lane {
    fn new(limits: Limits, start: Start) -> Self {
        let limit = match start {
            Start::Together => limits.first.min(limits.most).max(1),
            Start::Alone => 1,
        };
        Self {
            permits: Arc::new(Semaphore::new(limit)),
            state: Mutex::new(State {
                limit,
                is_begun: start == Start::Together,
                surplus: 0,
                answers: 0,
                has_fallen: false,
                fallen_at: None,
                quickest: None,
                late: 0,
            }),
            limits,
        }
    }

    fn grow(&self, state: &mut State, streams: Streams) {
        let most = match streams {
            Streams::One => self.limits.connections.min(self.limits.most),
            Streams::Many => self.limits.most,
        };
        if !state.is_begun {
            state.is_begun = true;
            let more = self.limits.first.min(most).saturating_sub(state.limit);
            state.limit += more;
            self.permits.add_permits(more);
            return;
        }
        state.answers += 1;
        let step = if state.has_fallen { state.limit } else { 1 };
        if state.answers < step || state.limit >= most {
            return;
        }
        state.answers = 0;
        state.limit += 1;
        if state.surplus > 0 {
            state.surplus -= 1;
        } else {
            self.permits.add_permits(1);
        }
    }

    /// Halves the limit; what was sent before the last time says nothing new.
    fn fall(&self, state: &mut State, begun: Instant) {
        if state.fallen_at.is_some_and(|fallen| begun <= fallen) {
            return;
        }
        let limit = (state.limit / 2).max(1);
        let less = state.limit - limit;
        state.limit = limit;
        // Those that are on their way give up their places as they end.
        state.surplus += less - self.permits.forget_permits(less);
        state.answers = 0;
        state.late = 0;
        state.has_fallen = true;
        state.fallen_at = Some(Instant::now());
    }
}

impl Turn {
    /// Says that the host has answered well, and begins to send its answer.
    pub(super) fn answered(&self, streams: Streams) {
        let took = self.begun.elapsed();
        let mut state = lock(&self.lane.state);
        let quickest = *state.quickest.get_or_insert(took);
        state.quickest = Some(quickest.min(took));
        if took > quickest * LATE_FACTOR && took > quickest + LATE_TIME {
            state.late += 1;
        } else {
            state.late = 0;
        }
        if state.late >= LATE_ANSWERS {
            self.lane.fall(&mut state, self.begun);
        } else if state.late == 0 {
            self.lane.grow(&mut state, streams);
        }
    }

    /// Says that the host took it for too much: by its status, or by a connection that it refused or closed.
    pub(super) fn refused(&self) {
        self.lane.fall(&mut lock(&self.lane.state), self.begun);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = lock(&self.lane.state);
        if state.surplus > 0 {
            state.surplus -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is whole before anything can panic.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn lanes(most: usize) -> Lanes {
        Lanes::new(Limits {
            first: 16,
            most,
            connections: 32,
        })
    }

    fn limit(lanes: &Lanes, host: &str) -> usize {
        lock(&lock(&lanes.known)[host].state).limit
    }

    async fn turns(lanes: &Lanes, count: usize) -> Vec<Turn> {
        let mut turns = Vec::new();
        for _ in 0..count {
            turns.push(lanes.turn("a", Start::Together).await);
        }
        turns
    }

    #[tokio::test]
    async fn a_host_gets_more_while_it_answers_and_half_when_it_is_too_much() {
        let lanes = lanes(40);
        for turn in turns(&lanes, 16).await {
            turn.answered(Streams::Many);
        }
        assert_eq!(limit(&lanes, "a"), 32);
        for turn in turns(&lanes, 32).await {
            turn.answered(Streams::Many);
        }
        assert_eq!(limit(&lanes, "a"), 40, "the most that is allowed");
        let all = turns(&lanes, 40).await;
        for turn in &all {
            turn.refused();
        }
        // All of them were sent before the first refusal was heard.
        assert_eq!(limit(&lanes, "a"), 20);
        drop(all);
        let some = turns(&lanes, 20).await;
        let more = lanes.turn("a", Start::Together).now_or_never();
        assert!(more.is_none(), "no more than the limit");
        for turn in some {
            turn.answered(Streams::Many);
        }
        assert_eq!(limit(&lanes, "a"), 21, "slowly from then on");
    }

    #[tokio::test]
    async fn a_connection_for_each_request_is_not_made_for_many() {
        let lanes = lanes(64);
        for _ in 0..4 {
            for turn in turns(&lanes, 16).await {
                turn.answered(Streams::One);
            }
        }
        assert_eq!(limit(&lanes, "a"), 32);
    }

    #[tokio::test]
    async fn the_first_request_over_tls_goes_alone() {
        let lanes = lanes(64);
        let first = lanes.turn("a", Start::Alone).await;
        assert!(lanes.turn("a", Start::Alone).now_or_never().is_none());
        first.answered(Streams::Many);
        drop(first);
        assert_eq!(limit(&lanes, "a"), 16);
        // Where it gets no answer, the next one goes alone.
        let silent = lanes.turn("b", Start::Alone).await;
        assert!(lanes.turn("b", Start::Alone).now_or_never().is_none());
        drop(silent);
        assert!(lanes.turn("b", Start::Alone).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_host_that_becomes_slow_gets_less_and_others_do_not() {
        let lanes = lanes(16);
        let mut all = turns(&lanes, 9).await;
        all.remove(0).answered(Streams::Many);
        for turn in &mut all {
            turn.begun -= Duration::from_secs(1);
            turn.answered(Streams::Many);
        }
        assert_eq!(limit(&lanes, "a"), 8);
        drop(lanes.turn("b", Start::Together).await);
        assert_eq!(limit(&lanes, "b"), 16);
    }

    #[tokio::test]
    async fn a_host_is_never_left_without_a_turn() {
        let lanes = lanes(16);
        for _ in 0..10 {
            lanes.turn("a", Start::Together).await.refused();
        }
        assert_eq!(limit(&lanes, "a"), 1);
        drop(lanes.turn("a", Start::Together).await);
        drop(lanes.turn("a", Start::Together).await);
    }
}

//! What the mock ingest's handle and its server share: the script, what was received, and who waits for it.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::answer::{Answer, How};
use super::contract::ReceivedWire;
use super::http::Head;
use super::judge::{Judgement, Rules};
use super::received::{Received, ReceivedRequest};

/// Says that what was waited for did not arrive in time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitError {
    /// How many were waited for.
    pub wanted: usize,
    /// How many had arrived when the time was up.
    pub seen: usize,
    /// How long was waited.
    pub timeout: Duration,
    /// The first violation of the contract, which often is the reason.
    pub violation: Option<String>,
    awaited: Awaited,
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            wanted,
            seen,
            timeout,
            violation,
            awaited,
        } = self;
        let what = match awaited {
            Awaited::Requests => "requests",
            Awaited::Events => "events",
            Awaited::Delivered => "accepted events",
        };
        write!(f, "waited {timeout:?} for {wanted} {what}, and {seen} came")?;
        match violation {
            Some(violation) => write!(f, "; {violation}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for WaitError {}

/// What a wait counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    Requests,
    Events,
    Delivered,
}

pub(super) struct Shared {
    pub(super) rules: Rules,
    strict: bool,
    state: Mutex<State>,
    /// Wakes threads that wait for an arrival or an answer.
    changed: Condvar,
    /// The same for tasks.
    pub(super) arrivals: watch::Sender<u64>,
    /// How often [`MockIngest::release`](super::MockIngest::release) was called.
    pub(super) releases: watch::Sender<u64>,
}

pub(super) struct State {
    pub(super) script: VecDeque<Answer>,
    pub(super) default_answer: Answer,
    pub(super) received: Received,
    /// Counts [`MockIngest::take`](super::MockIngest::take), so that a late answer does not settle a request of another epoch.
    pub(super) epoch: u64,
    connections: u64,
}

impl State {
    pub(super) fn seen(&self, awaited: Awaited) -> usize {
        let counts = &self.received.counts;
        let seen = match awaited {
            Awaited::Requests => counts.requests,
            Awaited::Events => counts.events,
            Awaited::Delivered => counts.accepted,
        };
        usize::try_from(seen).unwrap_or(usize::MAX)
    }

    pub(super) fn too_few(&self, awaited: Awaited, wanted: usize, timeout: Duration) -> WaitError {
        WaitError {
            wanted,
            seen: self.seen(awaited),
            timeout,
            violation: self.received.violations.first().cloned(),
            awaited,
        }
    }

    fn settle(&mut self, settlement: &Settlement) {
        if settlement.epoch != self.epoch {
            return;
        }
        self.received.counts.accepted += settlement.accepted;
        if let Some(request) = settlement
            .request
            .and_then(|index| self.received.requests.get_mut(index))
        {
            request.status = settlement.status;
            request.refusal.clone_from(&settlement.refusal);
        }
        let events = self
            .received
            .events
            .get_mut(settlement.events.clone())
            .unwrap_or_default();
        for (event, accepted) in events.iter_mut().zip(&settlement.verdicts) {
            event.accepted = *accepted;
        }
    }
}

/// What becomes true of a request with its answer.
pub(super) struct Settlement {
    epoch: u64,
    /// Where the request is kept, if it is.
    request: Option<usize>,
    events: Range<usize>,
    status: Option<u16>,
    refusal: Option<String>,
    verdicts: Vec<bool>,
    accepted: u64,
    /// How often waiting requests had been released when this one arrived.
    pub(super) releases: u64,
}

/// A request that has been read as far as it will be.
pub(super) struct Arrival {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
    pub(super) body_bytes: usize,
    pub(super) body_complete: bool,
    pub(super) connection: u64,
    pub(super) unexpected: bool,
}

impl Shared {
    pub(super) fn new(rules: Rules, strict: bool) -> Self {
        let state = State {
            script: VecDeque::new(),
            default_answer: Answer::ok(),
            received: Received::default(),
            epoch: 0,
            connections: 0,
        };
        Self {
            rules,
            strict,
            state: Mutex::new(state),
            changed: Condvar::new(),
            arrivals: watch::Sender::new(0),
            releases: watch::Sender::new(0),
        }
    }

    /// A panic of another test thread while it held the lock leaves plain data, and is reported there.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_waiters(&self) {
        self.changed.notify_all();
        self.arrivals.send_modify(|arrivals| *arrivals += 1);
    }

    pub(super) fn wait(
        &self,
        awaited: Awaited,
        count: usize,
        timeout: Duration,
    ) -> Result<(), WaitError> {
        let too_few = |state: &mut State| state.seen(awaited) < count;
        let (state, result) = self
            .changed
            .wait_timeout_while(self.lock(), timeout, too_few)
            .unwrap_or_else(PoisonError::into_inner);
        if result.timed_out() {
            Err(state.too_few(awaited, count, timeout))
        } else {
            Ok(())
        }
    }

    pub(super) fn connected(&self) -> u64 {
        let mut state = self.lock();
        state.received.counts.connections += 1;
        state.connections += 1;
        state.connections
    }

    /// The answer for the next request, and whether the request is one too many.
    pub(super) fn next_answer(&self) -> (Answer, bool) {
        let mut state = self.lock();
        match state.script.pop_front() {
            Some(answer) => (answer, false),
            None if self.strict => (Answer::refusal(500, "not in the script"), true),
            None => (state.default_answer.clone(), false),
        }
    }

    /// Keeps a request, and settles it at once unless its answer lets it wait.
    pub(super) fn arrive(
        &self,
        arrival: Arrival,
        judgement: &mut Judgement,
        answer: &Answer,
    ) -> Settlement {
        let verdicts = judgement.verdicts(answer);
        let accepted = match (self.rules.unchecked, answer.accepts()) {
            (true, true) => judgement.event_count,
            (true, false) => 0,
            (false, _) => verdicts.iter().filter(|&&accepted| accepted).count(),
        };
        let mut state = self.lock();
        let settlement = {
            let State {
                received, epoch, ..
            } = &mut *state;
            received.counts.requests += 1;
            received.counts.events += judgement.event_count as u64;
            received.counts.bytes += arrival.body_bytes as u64;
            if let Some(violation) = judgement.violation.take() {
                received
                    .violations
                    .push(format!("request {}: {violation}", received.counts.requests));
            }
            let start = received.events.len();
            received.events.append(&mut judgement.events);
            let request = (!self.rules.unchecked).then(|| {
                received.requests.push(arrival.into_request(judgement.wire));
                received.requests.len() - 1
            });
            Settlement {
                epoch: *epoch,
                request,
                events: start..received.events.len(),
                status: matches!(answer.how, How::Whole | How::Truncated | How::Trickle(_))
                    .then_some(answer.status),
                refusal: answer.refusal.clone(),
                verdicts,
                accepted: accepted as u64,
                releases: *self.releases.borrow(),
            }
        };
        if answer.is_immediate() {
            state.settle(&settlement);
        }
        drop(state);
        self.tell_waiters();
        settlement
    }

    pub(super) fn settle(&self, settlement: &Settlement) {
        self.lock().settle(settlement);
        self.tell_waiters();
    }

    pub(super) fn note(&self, violation: String) {
        self.lock().received.violations.push(violation);
    }
}

impl Arrival {
    fn into_request(self, wire: Option<ReceivedWire>) -> ReceivedRequest {
        ReceivedRequest {
            method: self.head.method,
            path: self.head.path,
            headers: self.head.headers,
            body: self.body,
            body_complete: self.body_complete,
            wire,
            status: None,
            refusal: None,
            at: Instant::now(),
            connection: self.connection,
            unexpected: self.unexpected,
        }
    }
}

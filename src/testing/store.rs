//! What the mock ingest's handle and its server share: the script, what was received, and who waits for it.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use super::answer::Answer;
use super::check_request::{CheckedRequest, IngestRules};
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
        let what = match self.awaited {
            Awaited::Requests => "requests",
            Awaited::Events => "events",
            Awaited::Delivered => "accepted events",
        };
        let (timeout, wanted, seen) = (self.timeout, self.wanted, self.seen);
        write!(f, "waited {timeout:?} for {wanted} {what}, and {seen} came")?;
        match &self.violation {
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

/// What the handle and the server of one ingest share.
pub(super) struct IngestStore {
    pub(super) rules: IngestRules,
    strict: bool,
    state: Mutex<IngestState>,
    /// Wakes the waits when a request arrives or is answered.
    changed: watch::Sender<()>,
    /// How often [`MockIngest::release`](super::MockIngest::release) was called.
    pub(super) releases: watch::Sender<u64>,
}

pub(super) struct IngestState {
    pub(super) script: VecDeque<Answer>,
    pub(super) default_answer: Answer,
    pub(super) received: Received,
    /// How often [`MockIngest::take`](super::MockIngest::take) was called: an answer that comes after it is not
    /// recorded, since its request is no longer here.
    epoch: u64,
    connections: u64,
}

impl IngestState {
    /// Takes out what has been received.
    pub(super) fn take(&mut self) -> Received {
        self.epoch += 1;
        std::mem::take(&mut self.received)
    }

    fn seen(&self, awaited: Awaited) -> usize {
        let counts = &self.received.counts;
        let seen = match awaited {
            Awaited::Requests => counts.requests,
            Awaited::Events => counts.events,
            Awaited::Delivered => counts.accepted,
        };
        usize::try_from(seen).unwrap_or(usize::MAX)
    }

    fn record_answer(&mut self, record: &AnswerRecord) {
        if record.epoch != self.epoch {
            return;
        }
        let received = &mut self.received;
        received.counts.accepted += record.accepted_count;
        let request = record
            .request
            .and_then(|index| received.requests.get_mut(index));
        if let Some(request) = request {
            request.status = record.status;
            request.refusal.clone_from(&record.refusal);
        }
        let events = received.events.get_mut(record.events.clone());
        for (event, accepted) in events.unwrap_or_default().iter_mut().zip(&record.accepted) {
            event.accepted = *accepted;
        }
    }
}

/// What is recorded of a request at the moment it is answered.
pub(super) struct AnswerRecord {
    epoch: u64,
    /// Where the request is kept, if it is.
    request: Option<usize>,
    /// Where its events are kept.
    events: Range<usize>,
    status: Option<u16>,
    refusal: Option<String>,
    /// Whether the answer accepts it, for each of the events.
    accepted: Vec<bool>,
    accepted_count: u64,
    /// How often waiting requests had been released when this one arrived.
    pub(super) releases: u64,
}

impl IngestStore {
    pub(super) fn new(rules: IngestRules, strict: bool) -> Self {
        let state = IngestState {
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
            changed: watch::Sender::new(()),
            releases: watch::Sender::new(0),
        }
    }

    /// A panic of another test thread while it held the lock leaves plain data, and is reported there.
    pub(super) fn lock(&self) -> MutexGuard<'_, IngestState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until at least `count` have been seen. Needs the time of a runtime.
    pub(super) async fn wait(
        &self,
        awaited: Awaited,
        count: usize,
        limit: Duration,
    ) -> Result<(), WaitError> {
        // Subscribed before the first look, so that no change between the look and the wait is missed.
        let mut changes = self.changed.subscribe();
        let reached =
            async { while self.lock().seen(awaited) < count && changes.changed().await.is_ok() {} };
        let reached = timeout(limit, reached).await;
        reached.map_err(|_| self.too_few(awaited, count, limit))
    }

    pub(super) fn too_few(&self, awaited: Awaited, wanted: usize, timeout: Duration) -> WaitError {
        let state = self.lock();
        WaitError {
            wanted,
            seen: state.seen(awaited),
            timeout,
            violation: state.received.violations.first().cloned(),
            awaited,
        }
    }

    /// Counts a new connection, and returns its number.
    pub(super) fn add_connection(&self) -> u64 {
        let mut state = self.lock();
        state.received.counts.connections += 1;
        state.connections += 1;
        state.connections
    }

    /// The answer for the next request, and whether the script of a strict ingest has none for it.
    pub(super) fn next_answer(&self) -> (Answer, bool) {
        let mut state = self.lock();
        match state.script.pop_front() {
            Some(answer) => (answer, false),
            None if self.strict => (Answer::refusal(500, "not in the script"), true),
            None => (state.default_answer.clone(), false),
        }
    }

    /// Keeps a request with the body as far as it was read, and records the answer at once unless that waits.
    ///
    /// An unchecked ingest keeps neither, and leaves the body's memory for the next one.
    pub(super) fn record_request(
        &self,
        mut request: ReceivedRequest,
        body: &mut Vec<u8>,
        mut checked: CheckedRequest,
        answer: &Answer,
    ) -> AnswerRecord {
        let accepted = checked.accepted(answer);
        let accepted_count = if self.rules.unchecked && answer.accepts() {
            checked.event_count
        } else {
            accepted.iter().filter(|accepted| **accepted).count()
        };
        let mut state = self.lock();
        let epoch = state.epoch;
        let received = &mut state.received;
        received.counts.requests += 1;
        received.counts.events += checked.event_count as u64;
        received.counts.bytes += body.len() as u64;
        if let Some(violation) = checked.violation {
            let violation = format!("request {}: {violation}", received.counts.requests);
            received.violations.push(violation);
        }
        let first_event = received.events.len();
        received.events.append(&mut checked.events);
        let index = (!self.rules.unchecked).then_some(received.requests.len());
        if index.is_some() {
            request.body = std::mem::take(body);
            request.wire = checked.wire;
            request.at = Instant::now();
            received.requests.push(request);
        }
        let record = AnswerRecord {
            epoch,
            request: index,
            events: first_event..received.events.len(),
            status: answer.status_sent(),
            refusal: answer.refusal.clone(),
            accepted,
            accepted_count: accepted_count as u64,
            releases: *self.releases.borrow(),
        };
        if answer.is_immediate() {
            state.record_answer(&record);
        }
        drop(state);
        self.changed.send_replace(());
        record
    }

    pub(super) fn record_answer(&self, record: &AnswerRecord) {
        self.lock().record_answer(record);
        self.changed.send_replace(());
    }

    pub(super) fn record_violation(&self, violation: String) {
        self.lock().received.violations.push(violation);
    }
}

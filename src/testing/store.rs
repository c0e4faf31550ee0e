//! What the mock ingest's handle and its server share: the script, what was received, and who waits for it.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use super::answer::Answer;
use super::check_request::{CheckedRequest, IngestRules, without_key};
use super::rate::{RateLimit, Taken};
use super::received::{Received, ReceivedRequest};
use crate::base::causes::debug_with_causes;
use crate::base::lock::lock;

/// Says that what was waited for did not arrive in time.
#[derive(Clone, PartialEq, Eq)]
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
    what: &'static str,
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (timeout, wanted, seen) = (self.timeout, self.wanted, self.seen);
        write!(
            f,
            "waited {timeout:?} for {wanted} {}, and {seen} came",
            self.what
        )?;
        match &self.violation {
            Some(violation) => write!(f, "; {violation}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for WaitError {}

debug_with_causes!(WaitError);

/// What a wait counts, and how many of it.
#[derive(Clone, Copy)]
pub(super) enum WaitTarget {
    Requests(usize),
    Events(usize),
    Delivered(usize),
}

/// What the handle and the server of one ingest share.
#[derive(Default)]
pub(super) struct IngestStore {
    pub(super) rules: IngestRules,
    rate_limit: RateLimit,
    strict: bool,
    state: Mutex<IngestState>,
    /// Wakes the waits when a request arrives or is answered.
    changed: watch::Sender<()>,
    /// How often [`MockIngest::release`](super::MockIngest::release) was called.
    pub(super) releases: watch::Sender<u64>,
}

/// What is left of the script, and what has been received.
#[derive(Default)]
pub(super) struct IngestState {
    pub(super) script: VecDeque<Answer>,
    /// What is answered when the script is over, in place of [`Answer::ok`].
    pub(super) default_answer: Option<Answer>,
    /// Answers to bodies that hold a text.
    pub(super) answers_by_text: Vec<(String, Answer)>,
    taken: Taken,
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

    /// What a wait counts: how many have been seen, how many are wanted, and what they are called.
    fn progress(&self, awaited: WaitTarget) -> (usize, usize, &'static str) {
        let counts = &self.received.counts;
        let (seen, wanted, what) = match awaited {
            WaitTarget::Requests(wanted) => (counts.requests, wanted, "requests"),
            WaitTarget::Events(wanted) => (counts.events, wanted, "events"),
            WaitTarget::Delivered(wanted) => (counts.accepted, wanted, "accepted events"),
        };
        (usize::try_from(seen).unwrap_or(usize::MAX), wanted, what)
    }

    fn has_reached(&self, awaited: WaitTarget) -> bool {
        let (seen, wanted, _) = self.progress(awaited);
        seen >= wanted
    }

    fn record_answer(&mut self, kept: &KeptRequest, answer: &Answer) {
        if kept.epoch != self.epoch {
            return;
        }
        let received = &mut self.received;
        received.counts.accepted += kept.accepted_count;
        let request = kept
            .request
            .and_then(|index| received.requests.get_mut(index));
        if let Some(request) = request {
            request.status = answer.status_sent();
            request.refusal.clone_from(&answer.refusal);
        }
        let events = received.events.get_mut(kept.events.clone());
        for (event, accepted) in events.unwrap_or_default().iter_mut().zip(&kept.accepted) {
            event.accepted = *accepted;
        }
    }
}

/// Where a request and its events are kept until it is answered, and what the answer will make of them.
pub(super) struct KeptRequest {
    epoch: u64,
    /// Where the request is kept, if it is.
    request: Option<usize>,
    /// Where its events are kept.
    events: Range<usize>,
    /// For each of the events, whether the answer accepts it.
    accepted: Vec<bool>,
    accepted_count: u64,
    /// How often waiting requests had been released when this one arrived.
    pub(super) releases: u64,
}

impl IngestStore {
    pub(super) fn new(rules: IngestRules, rate_limit: RateLimit, strict: bool) -> Self {
        Self {
            rules,
            rate_limit,
            strict,
            ..Self::default()
        }
    }

    /// Also after a panic of another test thread, which is reported there: what it left is plain data.
    pub(super) fn lock(&self) -> MutexGuard<'_, IngestState> {
        lock(&self.state)
    }

    /// Waits for what is awaited, on a runtime that has timers.
    pub(super) async fn wait(&self, awaited: WaitTarget, limit: Duration) -> Result<(), WaitError> {
        // Subscribed before the first look, so that no change between the look and the wait is missed.
        let mut changes = self.changed.subscribe();
        let reached =
            async { while !self.lock().has_reached(awaited) && changes.changed().await.is_ok() {} };
        let reached = timeout(limit, reached).await;
        reached.map_err(|_| self.too_few(awaited, limit))
    }

    pub(super) fn too_few(&self, awaited: WaitTarget, timeout: Duration) -> WaitError {
        let state = self.lock();
        let (seen, wanted, what) = state.progress(awaited);
        WaitError {
            wanted,
            seen,
            timeout,
            violation: state.received.violations.first().cloned(),
            what,
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
            None => {
                let answer = state.default_answer.clone();
                (answer.unwrap_or_else(Answer::ok), false)
            }
        }
    }

    /// The answer to a body that holds a text for which there is one.
    pub(super) fn answer_by_text(&self, body: &[u8]) -> Option<Answer> {
        let state = self.lock();
        let mut answers = state.answers_by_text.iter();
        let holds = |text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
        let found = answers.find(|(text, _)| !text.is_empty() && holds(text));
        found.map(|(_, answer)| answer.clone())
    }

    /// Counts a request that would be taken, or returns the answer to one over the rate.
    pub(super) fn shed(&self, events: usize) -> Option<Answer> {
        let mut state = self.lock();
        state.taken.take(&self.rate_limit, events, Instant::now())
    }

    /// Keeps a request with the body as far as it was read, and records the answer at once unless the answer waits.
    ///
    /// An unchecked ingest keeps neither request nor body, and leaves the body's memory for the next request.
    pub(super) fn record_request(
        &self,
        mut request: ReceivedRequest,
        body: &mut Vec<u8>,
        mut checked: CheckedRequest,
        answer: &Answer,
    ) -> KeptRequest {
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
            request.body = without_key(&request, std::mem::take(body));
            request.wire = checked.wire;
            request.at = Instant::now();
            received.requests.push(request);
        }
        let kept = KeptRequest {
            epoch,
            request: index,
            events: first_event..received.events.len(),
            accepted,
            accepted_count: accepted_count as u64,
            releases: *self.releases.borrow(),
        };
        if answer.is_immediate() {
            state.record_answer(&kept, answer);
        }
        drop(state);
        self.changed.send_replace(());
        kept
    }

    pub(super) fn record_answer(&self, kept: &KeptRequest, answer: &Answer) {
        self.lock().record_answer(kept, answer);
        self.changed.send_replace(());
    }

    pub(super) fn record_violation(&self, violation: String) {
        self.lock().received.violations.push(violation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(strict: bool) -> IngestStore {
        IngestStore::new(IngestRules::default(), RateLimit::default(), strict)
    }

    fn request(store: &IngestStore, answer: &Answer) -> KeptRequest {
        let request = ReceivedRequest::new("POST", "/", Vec::new());
        store.record_request(
            request,
            &mut b"{}".to_vec(),
            CheckedRequest::default(),
            answer,
        )
    }

    #[test]
    fn what_the_script_does_not_foresee_gets_the_default_or_is_a_fault_of_a_strict_ingest() {
        for (strict, default_status) in [(false, 200), (true, 500)] {
            let store = store(strict);
            store.lock().script.push_back(Answer::status(503));
            let (first, is_fault) = store.next_answer();
            assert_eq!((first.status, is_fault), (503, false));
            let (second, is_fault) = store.next_answer();
            assert_eq!((second.status, is_fault), (default_status, strict));
        }
        let store = store(false);
        store.lock().default_answer = Some(Answer::status(429));
        assert_eq!(store.next_answer().0.status, 429);
    }

    #[test]
    fn a_body_is_answered_by_the_first_text_that_it_holds() {
        let store = store(false);
        let texts = [("", 500), ("poison", 400), ("poi", 422)];
        let answers = texts.map(|(text, status)| (text.to_owned(), Answer::status(status)));
        store.lock().answers_by_text.extend(answers);
        let status = |body: &str| {
            store
                .answer_by_text(body.as_bytes())
                .map(|answer| answer.status)
        };
        assert_eq!(status("a poison"), Some(400));
        assert_eq!(status("poi"), Some(422));
        assert_eq!(
            [status(""), status("harmless"), status("poiso\u{f6}")],
            [None, None, Some(422)]
        );
    }

    #[test]
    fn an_answer_is_recorded_with_its_request_unless_that_was_taken_out() {
        let store = store(false);
        let held = Answer::status(503).held();
        let kept = request(&store, &held);
        assert_eq!(store.lock().received.requests[0].status, None);
        store.record_answer(&kept, &held);
        assert_eq!(store.lock().received.requests[0].status, Some(503));
        assert_eq!(store.lock().take().requests.len(), 1);
        let kept = request(&store, &held);
        assert_eq!(store.lock().take().requests.len(), 1);
        request(&store, &Answer::ok());
        store.record_answer(&kept, &held);
        assert_eq!(store.lock().received.requests[0].status, Some(200));
    }

    #[test]
    fn a_wait_counts_from_what_was_taken_out_and_says_how_far_it_came() {
        let store = store(false);
        let wanted = WaitTarget::Requests(2);
        for _ in 0..2 {
            assert!(!store.lock().has_reached(wanted));
            request(&store, &Answer::ok());
        }
        assert!(store.lock().has_reached(wanted));
        drop(store.lock().take());
        request(&store, &Answer::ok());
        let error = store.too_few(wanted, Duration::from_secs(1)).to_string();
        assert!(error.ends_with("for 2 requests, and 1 came"), "{error}");
    }
}

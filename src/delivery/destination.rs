//! A destination: what is sent to one ingest, what it answers, and what becomes of the events.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::flights::{Landing, Response};
use super::gate::Gate;
use super::in_memory::InMemory;
use super::message::Reply;
use super::shared::Shared;
use super::spooling::{Opened, Spooling};
use crate::base::random;
use crate::error::SpoolError;
use crate::ledger::{DropReason, Stats};
use crate::queue::{EventEnd, Receiver};
use crate::transport::SendError;
use crate::wire::answer::Verdict;
use crate::wire::parts::Sender;

pub(super) struct Destination {
    shared: Arc<Shared>,
    memory: InMemory,
    gate: Gate,
    spooling: Spooling,
    next_tick: Instant,
}

impl Destination {
    pub(super) fn new(shared: Arc<Shared>, receiver: Receiver, spool: Option<Opened>) -> Self {
        let settings = &shared.settings;
        Self {
            memory: InMemory::new(Arc::clone(&shared), receiver),
            gate: Gate::new(settings.pace, random::seed()),
            spooling: Spooling::start(&shared, spool),
            next_tick: settings.clock.now() + settings.flush_interval,
            shared,
        }
    }

    /// Does what is due.
    pub(super) fn turn(&mut self, now: Instant) {
        if now >= self.next_tick {
            self.tick(now);
        }
        let is_open = self.gate.reopens_at().is_none_or(|at| at <= now);
        self.spooling.turn(&mut self.memory, is_open, now);
        self.send(now);
    }

    /// What is due by time: a partly filled batch, and the end of events that grew too old.
    fn tick(&mut self, now: Instant) {
        let settings = &self.shared.settings;
        self.next_tick = now + settings.flush_interval;
        self.memory.backlog.receiver.seal();
        self.memory.backlog.receiver.trim();
        self.memory.backlog.send_partial = true;
        if let Some(oldest) = now.checked_sub(settings.max_event_age) {
            for batch in self.memory.backlog.take_expired(oldest) {
                self.drop_batch(&batch, DropReason::Expired, "too old");
            }
        }
        self.memory.reporter.log_drop_episode();
    }

    /// Sends as long as there is something to send, a place for it, and the gate is open.
    fn send(&mut self, now: Instant) {
        while self.memory.flights.len() < self.shared.settings.max_in_flight {
            // Looked at first: while it is closed, what the queue holds stays there, where newer
            // events may take its place.
            if !self.gate.lets_through(now) {
                return;
            }
            if self.memory.backlog.retries.is_empty() && !self.fill_batch() {
                self.memory.backlog.send_partial = false;
                return;
            }
            self.gate.pass(now);
            match self.memory.backlog.next_batch(&self.shared) {
                Some(batch) => self.launch(batch, now),
                None => return,
            }
        }
    }

    /// Pulls segments until they make a batch that is worth sending, if the queue has one.
    fn fill_batch(&mut self) -> bool {
        let worth = self.memory.backlog.worth_sending(&self.shared);
        while !self.memory.backlog.fresh.fills(worth) {
            match self.memory.pull_segment() {
                Some(segment) => self.spooling.write_to_spool(&self.shared, &segment),
                None => {
                    return self.memory.backlog.send_partial
                        && !self.memory.backlog.fresh.is_empty();
                }
            }
        }
        true
    }

    fn launch(&mut self, batch: Batch, now: Instant) {
        let shared = &self.shared;
        let sender = Sender {
            instance: &shared.instance,
            sequence: self.memory.flights.next_number(),
            dropped: shared.ledger.dropped(),
        };
        let body = shared.settings.wire.frame(&batch.slices(), &sender);
        self.memory.reporter.sending(batch.len(), body.len());
        shared.ledger.request();
        self.memory.flights.launch(shared, batch, body, now);
    }

    /// Waits for the end of a request; `None` when none is under way.
    pub(super) async fn next_landing(&mut self) -> Option<Landing> {
        self.memory.flights.next().await
    }

    pub(super) fn try_next_landing(&mut self) -> Option<Landing> {
        self.memory.flights.try_next()
    }

    pub(super) fn on_landing(&mut self, landing: Landing) {
        let Some(landed) = self.memory.flights.land(landing) else {
            return;
        };
        match landed.result {
            Ok(response) => self.on_response(landed.batch, landed.started, &response),
            Err(error) => {
                let failure = Failure {
                    started: landed.started,
                    retry_after: None,
                    timed_out: error == SendError::Timeout,
                };
                self.on_failure(landed.batch, &failure, &error.to_string());
            }
        }
    }

    fn on_response(&mut self, batch: Batch, started: Instant, response: &Response) {
        let settings = &self.shared.settings;
        let verdict = (settings.wire.profile().classify_answer)(
            response.status,
            response.retry_after.as_deref(),
            settings.clock.wall(),
        );
        let cause = format!("the ingest answered {}", response.status);
        if let Verdict::Retry { after } = verdict {
            let failure = Failure {
                started,
                retry_after: after,
                timed_out: false,
            };
            return self.on_failure(batch, &failure, &cause);
        }
        if self.gate.answered(started) {
            self.memory.reporter.recovered();
        }
        match verdict {
            Verdict::Delivered => {
                self.memory
                    .backlog
                    .grow_batches(self.shared.settings.max_batch_events);
                self.on_delivered(batch, response);
            }
            Verdict::Split if batch.len() == 1 => {
                self.drop_batch(&batch, DropReason::TooLarge, &cause);
            }
            Verdict::Split => self.memory.backlog.requeue_halves(batch),
            Verdict::Drop(reason) => self.drop_batch(&batch, reason, &cause),
            Verdict::Retry { .. } => {}
        }
    }

    fn on_delivered(&mut self, batch: Batch, response: &Response) {
        let taken = self.without_refused(batch, &response.body);
        let events = taken.len() as u64;
        self.spooling.note_ended(taken.parts());
        self.shared.ledger.deliver(events);
        taken.settle(EventEnd::Delivered);
        self.memory.reporter.delivered(events, response.status);
    }

    /// Drops and puts back the events of a batch that its answer refuses one by one; returns the others.
    fn without_refused(&mut self, batch: Batch, answer: &[u8]) -> Batch {
        let refusals = (self.shared.settings.wire.profile().refusals)(answer);
        if refusals.is_empty() {
            return batch;
        }
        let refused: HashMap<i64, bool> = refusals.iter().map(|r| (r.event_id, r.retry)).collect();
        let (refused_events, taken) = batch.partition(|id| refused.contains_key(&id));
        let (retried, rejected) = refused_events.partition(|id| refused.get(&id) == Some(&true));
        let cause = "the ingest refused single events of a batch";
        self.drop_batch(&rejected, DropReason::Rejected, cause);
        if retried.len() > 0 {
            self.shared.ledger.retry();
            let cause = "the ingest asked for single events again";
            self.memory.reporter.retrying(retried.len() as u64, cause);
            self.memory.backlog.requeue(retried);
            // The ingest cannot take all of it just now, so it gets a short pause.
            let now = self.shared.settings.clock.now();
            self.gate.failed(now, now, None);
        }
        taken
    }

    /// Puts back a batch whose request failed in a way that is tried again.
    fn on_failure(&mut self, mut batch: Batch, failure: &Failure, cause: &str) {
        let now = self.shared.settings.clock.now();
        self.shared.ledger.retry();
        self.memory.reporter.retrying(batch.len() as u64, cause);
        if self.gate.failed(failure.started, now, failure.retry_after) {
            self.memory.reporter.broke(cause);
        }
        batch.timeouts += u32::from(failure.timed_out);
        if batch.timeouts >= 2 && batch.len() > 1 {
            // Perhaps it is the size that the ingest cannot take in time.
            self.memory.backlog.batch_events = (batch.len() / 2).max(1);
            self.memory.backlog.requeue_halves(batch);
        } else {
            self.memory.backlog.requeue(batch);
        }
    }

    fn drop_batch(&mut self, batch: &Batch, reason: DropReason, cause: &str) {
        let events = batch.len() as u64;
        self.spooling.note_ended(batch.parts());
        self.shared.ledger.drop_pending(reason, events);
        batch.settle(EventEnd::Dropped(reason));
        self.memory.reporter.dropped(events, reason, cause);
    }

    /// Makes all that is queued ready to be sent, with one probe through a closed gate. Returns the
    /// sequence number that the next segment will have.
    pub(super) fn push_out(&mut self) -> u64 {
        self.memory.backlog.send_partial = true;
        self.gate.allow_probe(self.shared.settings.clock.now());
        self.memory.backlog.receiver.seal()
    }

    /// Prepares for an end that may leave little time.
    pub(super) fn begin_end(&mut self) {
        self.push_out();
        self.spooling.write_soon(self.shared.settings.clock.now());
    }

    /// Events that have not ended, wherever they are.
    pub(super) fn undelivered(&self) -> u64 {
        self.shared.ledger.pending() + self.shared.ledger.spooled()
    }

    pub(super) fn is_done(&self) -> bool {
        self.undelivered() == 0 && !self.has_spooled()
    }

    /// Returns whether events are, or may be, on disk alone.
    fn has_spooled(&self) -> bool {
        self.spooling.is_unknown() || self.shared.ledger.spooled() > 0
    }

    /// The sequence number of the oldest segment that is not done.
    pub(super) fn oldest_sequence(&self) -> Option<u64> {
        // What a spool has kept from before is older than anything.
        if self.has_spooled() {
            return Some(0);
        }
        let flying = self.memory.flights.batches().flat_map(Batch::sequences);
        flying.chain(self.memory.backlog.oldest_sequence()).min()
    }

    /// When there is something to do by time.
    pub(super) fn wake_at(&self) -> Instant {
        let has_work = !self.memory.backlog.is_empty() || self.shared.ledger.spooled() > 0;
        let gate = self.gate.reopens_at().filter(|_| has_work);
        gate.into_iter()
            .chain(self.spooling.wake_at())
            .fold(self.next_tick, Instant::min)
    }

    pub(super) fn flush_to_disk(
        &mut self,
        deadline: Instant,
        timeout: Duration,
        reply: Reply<Result<(), SpoolError>>,
    ) {
        self.spooling
            .flush(&mut self.memory, deadline, timeout, reply);
    }

    /// At the end: leaves to the next process what is undelivered and on disk.
    pub(super) async fn leave_to_disk(&mut self) {
        if !self.spooling.is_on() {
            return;
        }
        let flying = self.memory.flights.take_batches();
        self.memory.backlog.retries.extend(flying);
        self.spooling.leave(&mut self.memory).await;
    }

    /// Gives up and counts what is left. Returns the ledger as it was before.
    pub(super) fn end(&mut self) -> Stats {
        self.shared.close();
        self.memory.backlog.receiver.close();
        self.memory.backlog.receiver.seal();
        let stats = self
            .shared
            .ledger
            .snapshot(self.memory.backlog.receiver.bytes() as u64);
        self.memory.reporter.shut_down(&stats);
        self.memory.flights.abort_all();
        let mut left = self.memory.flights.take_batches();
        left.extend(self.memory.backlog.take_all());
        for batch in left {
            let cause = "the shutdown's deadline passed";
            self.drop_batch(&batch, DropReason::ShutdownTimeout, cause);
        }
        stats
    }
}

/// How a request failed.
struct Failure {
    started: Instant,
    retry_after: Option<Duration>,
    timed_out: bool,
}

//! A destination: what is sent to one ingest, what it answers, and what becomes of the events.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backlog::Backlog;
use super::batch::Batch;
use super::flights::{Ended, Response};
use super::gate::Gate;
use super::message::{DiskFlush, answer};
use super::shared::Shared;
use super::spooling::{Spooling, Store};
use crate::base::random;
use crate::error::SpoolError;
use crate::ledger::{DropReason, Stats};
use crate::queue::{EventEnd, Receiver};
use crate::transport::SendError;
use crate::wire::answer::Verdict;
use crate::wire::parts::Sender;

pub(super) struct Destination {
    shared: Arc<Shared>,
    pub(super) backlog: Backlog,
    gate: Gate,
    spooling: Option<Spooling>,
    next_tick: Instant,
}

impl Destination {
    pub(super) fn new(shared: Arc<Shared>, receiver: Receiver, spool: Option<Store>) -> Self {
        let settings = &shared.settings;
        Self {
            backlog: Backlog::new(Arc::clone(&shared), receiver),
            gate: Gate::new(settings.pace, random::seed()),
            spooling: spool.and_then(|store| Spooling::start(&shared, store)),
            next_tick: settings.clock.now() + settings.flush_interval,
            shared,
        }
    }

    /// Does what is due.
    pub(super) fn turn(&mut self, now: Instant) {
        if let Some(field) = self.shared.missing_field.get() {
            self.backlog.reporter.missing_field(field);
        }
        if now >= self.next_tick {
            self.tick(now);
        }
        if let Some(spooling) = &mut self.spooling {
            let is_open = self.gate.reopens_at().is_none_or(|at| at <= now);
            spooling.turn(&mut self.backlog, is_open, now);
        }
        self.send(now);
    }

    /// What is due by time: a partly filled batch, and the end of events that grew too old.
    fn tick(&mut self, now: Instant) {
        let settings = &self.shared.settings;
        self.next_tick = now + settings.flush_interval;
        self.backlog.receiver.seal();
        self.backlog.receiver.trim();
        self.backlog.send_partial = true;
        if let Some(oldest) = now.checked_sub(settings.max_event_age) {
            for batch in self.backlog.take_expired(oldest) {
                self.drop_batch(&batch, DropReason::Expired, "too old");
            }
        }
        self.backlog.reporter.log_drop_episode();
    }

    /// Sends while there is something to send, fewer requests than allowed are under way, and the gate
    /// is open.
    fn send(&mut self, now: Instant) {
        while self.backlog.flights.len() < self.shared.settings.max_in_flight {
            // The gate comes first: while it is closed, events stay in the queue, where newer ones may
            // take their place.
            if !self.gate.lets_through(now) {
                return;
            }
            if self.backlog.retries.is_empty() && !self.fill_batch() {
                self.backlog.send_partial &= self.backlog.waits_for_memory();
                return;
            }
            self.gate.pass(now);
            match self.backlog.next_batch() {
                Some(batch) => self.send_batch(batch, now),
                None => return,
            }
        }
    }

    /// Pulls segments until they make a batch that is worth sending, if the queue has one.
    fn fill_batch(&mut self) -> bool {
        let worth = self.backlog.worth_sending();
        while !self.backlog.fresh.fills(worth) {
            let Some(segment) = self.backlog.pull_segment() else {
                return self.backlog.send_partial && !self.backlog.fresh.is_empty();
            };
            if let Some(spooling) = &self.spooling {
                spooling.write(&self.shared, &segment);
            }
        }
        true
    }

    fn send_batch(&mut self, batch: Batch, now: Instant) {
        let Shared {
            settings,
            ledger,
            instance,
            ..
        } = &*self.shared;
        let sender = Sender {
            instance: *instance,
            sequence: self.backlog.flights.count,
            dropped: ledger.dropped(),
        };
        let body = settings.wire.frame(&batch.slices(), &sender);
        self.backlog.reporter.sending(batch.len(), body.len());
        ledger.request();
        self.backlog.flights.send(settings, batch, body, now);
    }

    pub(super) fn on_answer(&mut self, ended: Ended) {
        let Ended {
            mut batch,
            started,
            result,
        } = ended;
        match result {
            Ok(response) => self.on_response(batch, started, &response),
            Err(error) => {
                batch.timeouts += u32::from(error == SendError::Timeout);
                self.on_failure(batch, started, None, &error.to_string());
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
            return self.on_failure(batch, started, after, &cause);
        }
        if self.gate.answered(started) {
            self.backlog.reporter.recovered();
        }
        match verdict {
            Verdict::Delivered => self.on_delivered(batch, response),
            Verdict::Split if batch.len() == 1 => {
                self.drop_batch(&batch, DropReason::TooLarge, &cause);
            }
            Verdict::Split => self.backlog.requeue_halves(batch),
            Verdict::Drop(reason) => self.drop_batch(&batch, reason, &cause),
            Verdict::Retry { .. } => {}
        }
    }

    fn on_delivered(&mut self, batch: Batch, response: &Response) {
        self.backlog.grow_batches();
        let accepted = self.without_refused(batch, &response.body);
        let events = accepted.len() as u64;
        self.note_ended(&accepted);
        self.shared.ledger.deliver(events);
        accepted.notify_end(EventEnd::Delivered);
        self.backlog.reporter.delivered(events, response.status);
    }

    /// Drops or puts back the events of a batch that its answer refuses one by one; returns the others.
    fn without_refused(&mut self, batch: Batch, answer: &[u8]) -> Batch {
        let refusals = (self.shared.settings.wire.profile().refusals)(answer);
        if refusals.is_empty() {
            return batch;
        }
        let refused: HashMap<i64, bool> = refusals.iter().map(|r| (r.event_id, r.retry)).collect();
        let (refused_events, accepted) = batch.partition(|id| refused.contains_key(&id));
        let (retried, rejected) = refused_events.partition(|id| refused.get(&id) == Some(&true));
        let cause = "the ingest refused single events of a batch";
        self.drop_batch(&rejected, DropReason::Rejected, cause);
        if !retried.is_empty() {
            self.shared.ledger.retry();
            let cause = "the ingest asked for single events again";
            let events = retried.len() as u64;
            self.backlog.reporter.retrying(events, cause);
            self.backlog.requeue(retried);
            // The ingest cannot accept all of it just now, so it gets a short pause.
            let now = self.shared.settings.clock.now();
            self.gate.failed(now, now, None);
        }
        accepted
    }

    /// Puts back a batch whose request failed in a way that is tried again.
    fn on_failure(
        &mut self,
        batch: Batch,
        started: Instant,
        retry_after: Option<Duration>,
        cause: &str,
    ) {
        let now = self.shared.settings.clock.now();
        self.shared.ledger.retry();
        self.backlog.reporter.retrying(batch.len() as u64, cause);
        if self.gate.failed(started, now, retry_after) {
            self.backlog.reporter.broke(cause);
        }
        if batch.timeouts >= 2 && batch.len() > 1 {
            // Perhaps the batch is too large for the ingest to accept in time.
            self.backlog.batch_events = (batch.len() / 2).max(1);
            self.backlog.requeue_halves(batch);
        } else {
            self.backlog.requeue(batch);
        }
    }

    fn drop_batch(&mut self, batch: &Batch, reason: DropReason, cause: &str) {
        let events = batch.len() as u64;
        self.note_ended(batch);
        self.shared.ledger.drop_pending(reason, events);
        batch.notify_end(EventEnd::Dropped(reason));
        self.backlog.reporter.dropped(events, reason, cause);
    }

    fn note_ended(&mut self, batch: &Batch) {
        if let Some(spooling) = &mut self.spooling {
            spooling.note_ended(batch);
        }
    }

    /// Makes all that is queued ready to be sent, with one probe through a closed gate. Returns the
    /// sequence number that the next segment will have.
    pub(super) fn send_all(&mut self) -> u64 {
        self.backlog.send_partial = true;
        self.gate.allow_probe(self.shared.settings.clock.now());
        self.backlog.receiver.seal()
    }

    /// Prepares for an end that may leave little time.
    pub(super) fn begin_end(&mut self) {
        self.send_all();
        if let Some(spooling) = &mut self.spooling {
            spooling.write_soon(self.shared.settings.clock.now());
        }
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
        let mut spooling = self.spooling.iter();
        self.shared.ledger.spooled() > 0 || spooling.any(|spooling| !spooling.knows_recovered())
    }

    /// The sequence number of the oldest segment that is not done.
    pub(super) fn oldest_sequence(&self) -> Option<u64> {
        // What a spool has kept from before is older than anything.
        if self.has_spooled() {
            return Some(0);
        }
        self.backlog.oldest_sequence()
    }

    /// When there is something to do by time.
    pub(super) fn wake_at(&self) -> Instant {
        let has_work = !self.backlog.is_empty() || self.shared.ledger.spooled() > 0;
        let gate = self.gate.reopens_at().filter(|_| has_work);
        let spooling = self.spooling.as_ref().map(Spooling::wake_at);
        gate.into_iter()
            .chain(spooling)
            .fold(self.next_tick, Instant::min)
    }

    /// Answers a flush when all that is queued is on disk, or at its deadline.
    pub(super) fn flush_to_disk(&mut self, flush: DiskFlush) {
        match &mut self.spooling {
            Some(spooling) => spooling.flush(&mut self.backlog, flush),
            None => {
                answer(flush.reply, Err(SpoolError::NoSpool));
            }
        }
    }

    /// At the end: leaves to the next process what is undelivered and on disk.
    pub(super) async fn leave_to_disk(&mut self) {
        if let Some(spooling) = &mut self.spooling {
            let under_way = self.backlog.flights.take_batches();
            self.backlog.retries.extend(under_way);
            spooling.leave(&mut self.backlog).await;
        }
    }

    /// Gives up and counts what is left. Returns the ledger as it was before.
    pub(super) fn end(&mut self) -> Stats {
        self.shared.close();
        self.backlog.receiver.seal();
        let queue_bytes = self.shared.queue.bytes() as u64;
        let stats = self.shared.ledger.snapshot(queue_bytes);
        self.backlog.reporter.shut_down(&stats);
        self.backlog.flights.abort_all();
        let mut left = self.backlog.flights.take_batches();
        left.extend(self.backlog.take_all());
        for batch in left {
            let cause = "the shutdown's deadline passed";
            self.drop_batch(&batch, DropReason::ShutdownTimeout, cause);
        }
        stats
    }
}

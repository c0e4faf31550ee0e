//! A destination: what is sent to one ingest, what it answers, and what becomes of the events.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backlog::Backlog;
use super::batch::Batch;
use super::flights::{Ended, Response};
use super::gate::{Gate, Load};
use super::message::{DiskFlush, Forgetting, answer};
use super::search::{Piece, SearchResult, Searches};
use super::shared::Shared;
use super::source::ForgottenOf;
use super::spooling::{Spooling, Store};
use super::stillness::Stillness;
use super::suspects::{Failed, Fate, History, Suspects};
use crate::error::SpoolError;
use crate::ledger::{DestinationReport, DropReason};
use crate::queue::{Branch, EventEnd, Receiver, Segment};
use crate::transport::{Request, SendError};
use crate::wire::answer::{Receipt, Refusal, Verdict, is_page};
use crate::wire::parts::SenderInfo;
use crate::wire::person::Person;

/// With fewer events than this waiting, a wire of one event per request is not paced after an outage.
const UNPACED_EVENTS: u64 = 100;

pub(super) struct Destination {
    shared: Arc<Shared>,
    pub(super) backlog: Backlog,
    gate: Gate,
    suspects: Suspects,
    /// The last request was a suspect's.
    was_suspect_last: bool,
    searches: Searches,
    spooling: Option<Spooling>,
    stillness: Stillness,
    /// When it was last seen that the process had stood still.
    stood_still_at: Option<Instant>,
    next_tick: Instant,
    /// How many events had become due to be sent by the last tick.
    wanted: u64,
    /// Segments before this one are not paced after an outage, since somebody waits for them.
    unpaced_before: u64,
}

/// The failure of a request whose events are sent again.
struct Failure {
    cause: String,
    retry_after: Option<Duration>,
    /// The ingest has answered 5xx.
    is_fault: bool,
}

impl Destination {
    pub(super) fn new(shared: Arc<Shared>, receiver: Receiver, spool: Option<Store>) -> Self {
        let settings = &shared.settings;
        let now = settings.clock.now();
        Self {
            backlog: Backlog::new(Arc::clone(&shared), receiver),
            gate: Gate::new(settings.pace, settings.clock.seed(), now),
            suspects: Suspects::default(),
            was_suspect_last: false,
            searches: Searches::default(),
            spooling: spool.and_then(|store| Spooling::start(&shared, store)),
            stillness: Stillness::new(now, settings.clock.wall()),
            stood_still_at: None,
            next_tick: now + settings.flush_interval,
            wanted: 0,
            unpaced_before: 0,
            shared,
        }
    }

    /// Does what is due.
    pub(super) fn turn(&mut self, now: Instant) {
        if let Some(field) = self.shared.missing_field.get() {
            self.backlog.reporter.missing_field(field);
        }
        self.look_for_stillness(now);
        if now >= self.next_tick {
            self.tick(now);
        }
        if let Some(spooling) = &mut self.spooling {
            spooling.turn(&mut self.backlog, self.gate.may_open(now), now);
            let (events, span) = spooling.take_inherited();
            self.gate.inherit(self.requests(events), span);
        }
        // Where there is one place, suspects and others take turns.
        if self.was_suspect_last {
            self.send(now);
            self.send_suspects(now);
        } else {
            self.send_suspects(now);
            self.send(now);
        }
    }

    /// How much of its share of the memory one of several destinations holds.
    pub(super) fn fullness(&self) -> f64 {
        self.backlog.fullness()
    }

    /// One of several destinations loses its oldest events where it holds more than its share of the memory and lags, so
    /// that it holds more than twice what the one does that holds `least`. What all of them hold alike is in memory once.
    pub(super) fn evict_beyond_share(&mut self, least: f64) {
        let cause = "this destination lags behind others, and holds its share of max_queue_bytes";
        while self.fullness() > (2.0 * least).max(1.0)
            && let Some(oldest) = self.backlog.take_oldest()
        {
            self.drop_batch(&oldest, DropReason::Evicted, cause);
        }
    }

    /// The memory of what it holds as one of several destinations, in bytes.
    pub(super) fn held(&self) -> usize {
        self.shared.queue.bytes()
    }

    /// Loses its oldest events, if they were queued before this sequence number; returns whether it has.
    pub(super) fn evict_before(&mut self, sequence: u64) -> bool {
        let next = self.backlog.next_oldest();
        let oldest = next.filter(|oldest| *oldest < sequence);
        let oldest = oldest.and_then(|_| self.backlog.take_oldest());
        let cause = "this destination lags behind others, which need memory";
        if let Some(oldest) = &oldest {
            self.drop_batch(oldest, DropReason::Evicted, cause);
        }
        oldest.is_some()
    }

    /// Takes over a segment, as one of several destinations; `hastens`: it is sent without waiting for a full batch.
    pub(super) fn take_over(&mut self, segment: Segment, hastens: bool) {
        self.backlog.send_partial |= hastens;
        if let Some(branch) = self.branch() {
            branch.push(segment);
        }
    }

    /// Where events are handed over to it, where it is one of several.
    pub(super) fn branch(&mut self) -> Option<&mut Branch> {
        self.backlog.source.receiver.branch()
    }

    /// Whether it holds no event, so that it will give back no memory.
    pub(super) fn holds_nothing(&self) -> bool {
        self.backlog.holds_nothing() && self.backlog.source.oldest().is_none()
    }

    /// Counts events that ended before they were handed over.
    pub(super) fn drop_unseen(&mut self, events: u64, reason: DropReason, cause: &str) {
        self.shared.ledger.drop_pending(reason, events);
        self.backlog.reporter.dropped(events, reason, cause);
    }

    pub(super) fn name(&self) -> String {
        self.shared.settings.name.clone()
    }

    pub(super) fn has_spool(&self) -> bool {
        self.spooling.is_some()
    }

    /// Looks whether the process stood still. The time of a manual clock passes in leaps, which say nothing of it.
    fn look_for_stillness(&mut self, now: Instant) {
        let clock = &self.shared.settings.clock;
        if clock.is_system() && self.stillness.look(now, clock.wall(), self.next_tick) {
            self.stood_still(now);
        }
    }

    pub(super) fn stood_still(&mut self, now: Instant) {
        self.stood_still_at = Some(now);
        self.backlog.flights.stood_still();
    }

    /// What is due by time: a partly filled batch, and the end of events that grew too old.
    fn tick(&mut self, now: Instant) {
        self.note_wanted(now);
        let settings = &self.shared.settings;
        self.next_tick = now + settings.flush_interval;
        self.backlog.source.receiver.seal();
        self.backlog.source.receiver.trim();
        self.backlog.send_partial = true;
        if let Some(oldest) = self.oldest_kept(now) {
            for batch in self.backlog.take_expired(oldest) {
                self.drop_expired(&batch);
            }
        }
        self.searches.retain(&self.backlog.searches());
        self.backlog.reporter.log_drop_episode(now);
    }

    /// What was queued before is too old.
    fn oldest_kept(&self, now: Instant) -> Option<Instant> {
        now.checked_sub(self.shared.settings.max_event_age)
    }

    fn drop_expired(&mut self, batch: &Batch) {
        self.drop_batch(batch, DropReason::Expired, "too old");
    }

    /// Tells the gate how many requests the events since the last tick are worth.
    fn note_wanted(&mut self, now: Instant) {
        let before = std::mem::replace(&mut self.wanted, self.shared.ledger.wanted());
        let requests = self.requests(self.wanted.saturating_sub(before));
        self.gate.wanted(requests, now);
    }

    /// How many requests so many events are worth.
    fn requests(&self, events: u64) -> u64 {
        events.div_ceil(self.shared.settings.max_batch_events as u64)
    }

    /// Sends suspects, without waiting for the gate's back-off. One place is left to others where there are several: a
    /// request that hangs holds its own until its time is up.
    fn send_suspects(&mut self, now: Instant) {
        let places = self.shared.settings.max_in_flight;
        while self.has_place()
            && self.suspects.under_way() < (places - 1).max(1)
            && !self.gate.holds_all()
            && let Some(batch) = self.take_suspect(now)
        {
            self.was_suspect_last = true;
            self.suspects.sent(&batch.history, now);
            if let Some(piece) = batch.piece {
                self.searches.sent(piece);
            }
            self.send_batch(batch, now);
        }
    }

    /// Whether another request may be under way.
    fn has_place(&self) -> bool {
        self.backlog.flights.len() < self.shared.settings.max_in_flight
            && self.backlog.may_send_more()
    }

    fn take_suspect(&mut self, now: Instant) -> Option<Batch> {
        let next_at = |history: &History| self.suspects.next_at(history, now);
        let may_go = |history: &History| next_at(history).is_some_and(|at| at <= now);
        self.backlog.take_suspect(now, &self.searches, may_go)
    }

    /// Sends while there is something to send, fewer requests than allowed are under way, and the gate
    /// is open.
    fn send(&mut self, now: Instant) {
        while self.has_place() {
            // The gate comes first: while it is closed, events stay in the queue, where newer ones may
            // take their place.
            let load = self.load();
            if !self.gate.lets_through(now, load) {
                return;
            }
            let Some(batch) = self.next_batch(now) else {
                return;
            };
            self.was_suspect_last = false;
            self.gate.pass(now, load);
            if let Some(piece) = batch.piece {
                self.searches.sent(piece);
            }
            self.send_batch(batch, now);
        }
    }

    /// Takes the next batch: one that is repeated, else what is fresh. A probe is one that has not failed
    /// before, where there is one.
    fn next_batch(&mut self, now: Instant) -> Option<Batch> {
        let is_probe = self.gate.is_closed();
        let retry = self.backlog.next_retry(is_probe, &self.searches);
        let at = match retry {
            Some(at) if !is_probe || !self.backlog.has_failed(at) => {
                return self.backlog.retries.remove(at);
            }
            _ if self.fill_batch() => return self.next_fresh(),
            Some(at) => at,
            None => {
                let probe = self.suspect_as_probe(now);
                if probe.is_none() {
                    self.note_all_sent();
                }
                return probe;
            }
        };
        self.backlog.retries.remove(at)
    }

    /// Takes a suspect that is due as the probe where no other batch is left: while the ingest seems to be down,
    /// suspects wait for a request that succeeds. Its 5xx answers are forgotten, since they may be of the outage.
    fn suspect_as_probe(&mut self, now: Instant) -> Option<Batch> {
        if !self.gate.holds_all() {
            return None;
        }
        let mut batch = (self.backlog).take_suspect(now, &self.searches, |_| true)?;
        batch.history = History::default();
        Some(batch)
    }

    fn next_fresh(&mut self) -> Option<Batch> {
        let worth = self.backlog.worth_sending();
        let is_last = !self.backlog.fresh.fills(worth);
        let batch = self.backlog.next_fresh();
        if is_last {
            self.note_all_sent();
        }
        batch
    }

    /// Ends a recovery once nothing is left that is worth a request before the next tick.
    fn note_all_sent(&mut self) {
        self.backlog.send_partial &= self.backlog.source.waits_for_memory();
        let mut retries = self.backlog.retries.iter();
        if retries.all(|batch| batch.history.is_suspect) && self.shared.ledger.spooled() == 0 {
            self.gate.caught_up();
        }
    }

    fn load(&self) -> Load {
        Load {
            under_way: self.backlog.flights.len() - self.suspects.under_way(),
            is_paced: self.gate.is_recovering() && self.is_paced(),
        }
    }

    /// Whether the rate of requests is bounded after an outage: not while somebody waits, nor where a few
    /// events wait that go one by one.
    fn is_paced(&self) -> bool {
        let is_few =
            !self.shared.settings.wire.profile().is_batch && self.undelivered() < UNPACED_EVENTS;
        let is_awaited = || {
            let oldest = self.oldest_sequence();
            oldest.is_some_and(|sequence| sequence < self.unpaced_before)
        };
        !is_few && !is_awaited()
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
        let sender = SenderInfo {
            instance: *instance,
            sequence: self.backlog.flights.count,
            dropped: ledger.dropped(),
            sent_at: settings.clock.wall(),
        };
        let body = settings.wire.frame(settings.form, &batch.slices(), &sender);
        self.backlog.reporter.sending(batch.len(), body.len());
        ledger.request();
        let request = Request {
            body,
            needs_new_connection: self.backlog.flights.take_needs_new_connection(),
        };
        self.backlog.flights.send(settings, batch, request, now);
    }

    pub(super) fn on_answer(&mut self, ended: Ended) {
        let Ended {
            mut batch,
            started,
            result,
        } = ended;
        if let Some(piece) = batch.piece {
            self.searches.unanswered(piece);
        }
        match result {
            Ok(response) => self.on_response(batch, started, &response),
            Err(error) if self.has_stood_still_since(started) => {
                self.on_stood_still(batch, started, &error);
            }
            Err(error) => {
                batch.timeouts += u32::from(error == SendError::Timeout);
                self.suspects.ended(&batch.history, false, self.now());
                let failure = Failure {
                    cause: error.to_string(),
                    retry_after: None,
                    is_fault: false,
                };
                self.on_failure(batch, started, &failure);
            }
        }
    }

    /// Whether the process stood still while a request was under way, which may have cost it its connection or its time.
    fn has_stood_still_since(&mut self, started: Instant) -> bool {
        // A request's end may be seen before what is due.
        self.look_for_stillness(self.now());
        self.stood_still_at.is_some_and(|at| started < at)
    }

    /// Puts back a batch whose request failed while the process stood still: that says nothing about the ingest, nor about
    /// an event.
    fn on_stood_still(&mut self, batch: Batch, started: Instant, error: &SendError) {
        self.shared.ledger.retry();
        self.suspects.told_nothing(&batch.history);
        self.gate.told_nothing(started, self.now());
        let events = batch.len() as u64;
        self.backlog
            .reporter
            .tries_again(events, &error.to_string());
        self.put_back(batch);
    }

    fn on_response(&mut self, mut batch: Batch, started: Instant, response: &Response) {
        batch.was_answered = true;
        let (verdict, cause) = self.classify_response(response);
        match verdict {
            Verdict::Delivered => self.suspects.ended(&batch.history, true, self.now()),
            Verdict::Retry { .. } => self.suspects.ended(&batch.history, false, self.now()),
            // The ingest answers as it should; what is refused are these events.
            _ => self.suspects.told_nothing(&batch.history),
        }
        if let Verdict::Retry { after } = verdict {
            let failure = Failure {
                cause,
                retry_after: after,
                is_fault: !(400..500).contains(&response.status),
            };
            return self.on_failure(batch, started, &failure);
        }
        if verdict == Verdict::Delivered {
            return self.on_delivered(batch, started, response);
        }
        self.note_answered(&batch.history, started);
        match verdict {
            Verdict::Split if batch.len() == 1 => {
                self.drop_batch(&batch, DropReason::TooLarge, &cause);
            }
            Verdict::Split => self.halve(batch),
            Verdict::Search => self.search(batch, &cause, DropReason::Rejected, false),
            Verdict::SearchOrDrop(reason) => self.search(batch, &cause, reason, true),
            Verdict::Drop(reason) => self.drop_batch(&batch, reason, &cause),
            Verdict::Delivered | Verdict::Retry { .. } => {}
        }
    }

    /// The ingest does its work. A suspect goes around the gate, which therefore learns nothing from it.
    fn note_answered(&mut self, history: &History, started: Instant) {
        if !history.is_suspect && self.gate.answered(started) {
            self.backlog.reporter.recovered();
        }
    }

    /// Returns what an answer means, and its description for log lines and errors.
    fn classify_response(&self, response: &Response) -> (Verdict, String) {
        let settings = &self.shared.settings;
        let verdict = (settings.wire.profile().classify_answer)(
            response.status,
            response.retry_after.as_deref(),
            settings.clock.wall(),
        );
        let cause = format!("the ingest answered {}", response.status);
        if verdict == Verdict::Delivered && is_page(&response.body) {
            let cause = format!(
                "{cause} with a web page: likely a proxy on the way, not the ingest; check the endpoint and the proxy"
            );
            return (settings.wire.profile().page, cause);
        }
        (verdict, cause)
    }

    fn on_delivered(&mut self, batch: Batch, started: Instant, response: &Response) {
        self.backlog.grow_batches();
        let piece = batch.piece;
        self.searches.accepted(piece);
        let receipt = (self.shared.settings.wire.profile().receipt)(&response.body);
        let fault = unclear(&receipt, &batch);
        self.backlog.reporter.answered(fault);
        let accepted = match receipt {
            Receipt::Refused(refused) if !refused.is_empty() => {
                self.without_refused(batch, started, &refused)
            }
            receipt => {
                self.note_answered(&batch.history, started);
                match receipt {
                    Receipt::Count(events) => self.without_uncounted(batch, events),
                    Receipt::Rejected(events) => {
                        let accepted = (batch.len() as u64).saturating_sub(events);
                        self.without_uncounted(batch, accepted)
                    }
                    _ => batch,
                }
            }
        };
        let events = accepted.len() as u64;
        self.note_ended(&accepted);
        self.shared.ledger.deliver(events);
        accepted.notify_end(EventEnd::Delivered);
        self.backlog.reporter.delivered(events, response.status);
        self.end_if_spent(piece);
    }

    /// Drops as many events of a batch as its answer does not count; returns the others. It does not say
    /// which, so they are the last ones.
    fn without_uncounted(&mut self, mut batch: Batch, counted: u64) -> Batch {
        let counted = usize::try_from(counted).unwrap_or(usize::MAX);
        let accepted = batch.split_off_front(counted);
        let cause = "the ingest accepted fewer events than it was sent";
        self.drop_batch(&batch, DropReason::Rejected, cause);
        accepted
    }

    /// Drops or puts back the events of a batch that its answer refuses one by one; returns the others.
    fn without_refused(&mut self, batch: Batch, started: Instant, refusals: &[Refusal]) -> Batch {
        let named = refusals.iter().filter_map(|r| Some((r.event_id?, r.retry)));
        let refused: HashMap<i64, bool> = named.collect();
        let (refused_events, accepted) = batch.partition(|id| refused.contains_key(&id));
        let (mut retried, rejected) =
            refused_events.partition(|id| refused.get(&id) == Some(&true));
        let accepts_nothing = accepted.is_empty() && !retried.is_empty();
        if !accepts_nothing {
            self.note_answered(&accepted.history, started);
        }
        let cause = "the ingest refused single events of a batch";
        self.drop_batch(&rejected, DropReason::Rejected, cause);
        if !retried.is_empty() {
            self.shared.ledger.retry();
            let cause = "the ingest asked for single events again";
            let events = retried.len() as u64;
            self.backlog.reporter.retrying(events, cause);
            retried.failures = retried.failures.saturating_add(1);
            let now = self.now();
            if retried.history.is_suspect || !accepts_nothing {
                retried.history.asked_again(retried.failures, now);
            } else if self.gate.failed(started, now, None) {
                // As after any failure, the pauses grow for as long as it accepts nothing.
                self.backlog.reporter.broke(cause);
            }
            self.put_back(retried);
        }
        accepted
    }

    /// Looks for the events for which a batch, or a part of one, was refused. `reason`: what they are dropped for where
    /// it is not known that an event is at fault.
    fn search(&mut self, mut batch: Batch, cause: &str, reason: DropReason, if_accepting: bool) {
        let piece = batch.piece;
        match self.searches.refused(piece, batch.len(), if_accepting) {
            SearchResult::Event => {
                let reason = piece.map_or(reason, |_| DropReason::Rejected);
                self.drop_batch(&batch, reason, cause);
            }
            SearchResult::Quarters(piece) => {
                batch.piece = Some(piece);
                let (first, second) = batch.halve();
                for half in [Some(first), second].into_iter().flatten() {
                    self.put_back_halves(half);
                }
            }
            SearchResult::Halves(piece) => {
                batch.piece = Some(piece);
                self.put_back_halves(batch);
            }
            SearchResult::Request if piece.is_none() && if_accepting => {
                self.drop_batch(&batch, reason, cause);
            }
            SearchResult::Request => {
                let cause = format!("{cause}, and to every part: the fault is the request's");
                self.drop_batch(&batch, reason, &cause);
                self.drop_pieces(piece, reason, &cause);
            }
        }
        self.end_if_spent(piece);
    }

    /// Drops what is left of a batch when no more requests are spent on it.
    fn end_if_spent(&mut self, piece: Option<Piece>) {
        if piece.is_some_and(|piece| self.searches.is_spent(piece)) {
            let cause = "too many events of the batch were refused to search for each one";
            self.drop_pieces(piece, DropReason::Rejected, cause);
        }
    }

    fn drop_pieces(&mut self, piece: Option<Piece>, reason: DropReason, cause: &str) {
        for piece in piece.into_iter() {
            for batch in self.backlog.take_pieces(piece.search) {
                self.drop_batch(&batch, reason, cause);
            }
        }
    }

    /// Puts back a batch whose request failed, to be sent again.
    fn on_failure(&mut self, mut batch: Batch, started: Instant, failure: &Failure) {
        let now = self.now();
        self.shared.ledger.retry();
        batch.failures = batch.failures.saturating_add(1);
        let passed_gate = !batch.history.is_suspect;
        let most = self.shared.settings.pace.max_retry_after;
        let failed = Failed {
            events: batch.len(),
            is_fault: failure.is_fault,
            open_bisections: self.backlog.open_bisections(),
            asked: failure.retry_after.map(|asked| asked.min(most)),
        };
        let fate = self.suspects.classify(&mut batch.history, failed, now);
        if fate == Fate::Counts {
            return self.on_counted_failure(batch, [started, now], failure);
        }
        if passed_gate {
            self.gate.told_nothing(started, now);
        }
        batch.piece = None;
        let events = batch.len() as u64;
        self.backlog.reporter.tries_again(events, &failure.cause);
        match fate {
            Fate::Halves => {
                self.shrink_batches(&batch);
                self.put_back_halves(batch);
            }
            Fate::Refused => {
                let cause = format!(
                    "the ingest kept failing on this event while it accepted others: {}",
                    failure.cause
                );
                self.drop_batch(&batch, DropReason::Refused, &cause);
            }
            Fate::Waits | Fate::Counts => self.put_back(batch),
        }
    }

    /// Puts back a batch whose failure says something about the ingest.
    fn on_counted_failure(
        &mut self,
        batch: Batch,
        [started, now]: [Instant; 2],
        failure: &Failure,
    ) {
        let cause = &failure.cause;
        self.backlog.reporter.retrying(batch.len() as u64, cause);
        if self.gate.failed(started, now, failure.retry_after) {
            self.backlog.reporter.broke(cause);
        }
        if self.shrink_batches(&batch) {
            self.halve(batch);
        } else {
            self.put_back(batch);
        }
    }

    /// Makes the next batches smaller where one has timed out twice: perhaps it is too large for the ingest to accept in
    /// time. Returns whether it is one.
    fn shrink_batches(&mut self, batch: &Batch) -> bool {
        let is_too_large = batch.timeouts >= 2 && batch.len() > 1;
        if is_too_large {
            self.backlog.batch_events = (batch.len() / 2).max(1);
        }
        is_too_large
    }

    /// Puts a batch back in halves, which no longer count as quarters of a search.
    fn halve(&mut self, mut batch: Batch) {
        if let Some(piece) = &mut batch.piece {
            piece.is_quarter = false;
        }
        self.put_back_halves(batch);
    }

    /// Puts a batch back that is sent again, without what was forgotten or grew too old while it was under way.
    fn put_back(&mut self, mut batch: Batch) {
        self.drop_ended(&mut batch);
        if !batch.is_empty() {
            self.backlog.requeue(batch);
        }
    }

    /// As [`put_back`](Self::put_back), in halves.
    fn put_back_halves(&mut self, mut batch: Batch) {
        self.drop_ended(&mut batch);
        if !batch.is_empty() {
            self.backlog.requeue_halves(batch);
        }
    }

    /// Ends the events of a batch that are forgotten or too old.
    fn drop_ended(&mut self, batch: &mut Batch) {
        let forgotten = batch.take_forgotten();
        self.end_batch(&forgotten, DropReason::Forgotten);
        if let Some(oldest) = self.oldest_kept(self.now())
            && let Some(expired) = batch.take_older(|at| at.is_some_and(|at| at < oldest))
        {
            self.drop_expired(&expired);
        }
    }

    fn drop_batch(&mut self, batch: &Batch, reason: DropReason, cause: &str) {
        self.end_batch(batch, reason);
        let events = batch.len() as u64;
        self.backlog.reporter.dropped(events, reason, cause);
    }

    /// Counts and tells the events of a batch as dropped.
    fn end_batch(&mut self, batch: &Batch, reason: DropReason) {
        self.note_ended(batch);
        self.shared.ledger.drop_pending(reason, batch.len() as u64);
        batch.notify_end(EventEnd::Dropped(reason));
    }

    /// Forgets somebody: what waits ends here, what is under way where its request fails, and what is on disk when the disk
    /// comes to it.
    pub(super) fn forget(
        &mut self,
        person: &Arc<Person>,
        deadline: Instant,
        told: &Arc<Forgetting>,
    ) {
        let is_theirs = |json: &[u8]| person.is_named_by(json);
        let (mut queued, of_hook) = self.backlog.source.forget(&is_theirs);
        if let Some(ForgottenOf { segment, events }) = of_hook {
            self.end_unseen(events.len() as u64);
            queued += events.len() as u64;
            for event in events {
                segment.notify_end(event..event + 1, EventEnd::Dropped(DropReason::Forgotten));
            }
        }
        if let Some(branch) = self.branch() {
            let of_branch = branch.forget(is_theirs, DropReason::Forgotten);
            self.end_unseen(of_branch);
            queued += of_branch;
        }
        self.backlog.mark_forgotten(&is_theirs);
        for batch in self.backlog.take_forgotten() {
            queued += batch.len() as u64;
            self.end_batch(&batch, DropReason::Forgotten);
        }
        let under_way = self.backlog.flights.batches();
        let in_flight = under_way.map(|batch| batch.forgotten() as u64).sum::<u64>();
        told.add(|forgotten| {
            forgotten.queued += queued;
            forgotten.in_flight += in_flight;
        });
        match &mut self.spooling {
            Some(spooling) => spooling.erase(person, deadline, told),
            // Without a thread for its spool it does not know what that holds.
            None if self.shared.settings.spool_dir.is_some() => {
                told.add(|forgotten| forgotten.complete = false);
            }
            None => {}
        }
    }

    /// Counts forgotten events that were in no batch.
    pub(super) fn end_unseen(&self, events: u64) {
        (self.shared.ledger).drop_pending(DropReason::Forgotten, events);
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
        self.gate.allow_probe(self.now());
        for batch in &mut self.backlog.retries {
            batch.history.hasten();
        }
        self.send_unpaced();
        self.unpaced_before
    }

    /// Paces requests again after an outage: nobody waits any more.
    pub(super) fn resume_pacing(&mut self) {
        self.unpaced_before = 0;
    }

    /// Whether a wait has exempted a recovery from its pace.
    pub(super) fn is_unpaced(&self) -> bool {
        self.unpaced_before > 0 && self.gate.is_recovering()
    }

    /// Exempts what is queued so far from the pace of a recovery, since somebody waits for it.
    pub(super) fn send_unpaced(&mut self) {
        self.unpaced_before = self.backlog.source.receiver.seal();
    }

    /// Prepares for an end that may leave little time.
    pub(super) fn begin_end(&mut self) {
        self.send_all();
        if let Some(spooling) = &mut self.spooling {
            spooling.write_soon(self.shared.settings.clock.now());
        }
    }

    /// Events that have not ended, wherever they are.
    pub(super) fn report(&self) -> DestinationReport {
        self.shared.report()
    }

    fn undelivered(&self) -> u64 {
        self.shared.ledger.pending() + self.shared.ledger.spooled()
    }

    pub(super) fn is_done(&self) -> bool {
        self.undelivered() == 0 && !self.has_spooled()
    }

    /// Returns whether events are, or may be, only on disk.
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

    /// When there is something to do by time, after `now`.
    pub(super) fn wake_at(&self, now: Instant) -> Instant {
        let has_work = !self.backlog.is_empty() || self.shared.ledger.spooled() > 0;
        let gate = has_work
            .then(|| self.gate.reopens_at(self.load()))
            .flatten();
        let next_at = |history: &History| self.suspects.next_at(history, now);
        let suspect = self.backlog.suspect_due(now, next_at);
        let spooling = self.spooling.as_ref().map(Spooling::wake_at);
        // What was due by now has gone out, or waits for something other than a time.
        let later = gate.into_iter().chain(suspect).filter(|at| *at > now);
        later.chain(spooling).fold(self.next_tick, Instant::min)
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

    /// At the end: leaves to the next process what is undelivered and on disk by this time.
    pub(super) async fn leave_to_disk(&mut self, until: tokio::time::Instant) {
        if self.spooling.is_some() {
            for batch in self.backlog.flights.take_batches() {
                self.put_back(batch);
            }
        }
        if let Some(spooling) = &mut self.spooling {
            spooling.leave(&mut self.backlog, until).await;
        }
    }

    /// Ends its spool, at most until this time.
    pub(super) async fn close_spool(&mut self, until: tokio::time::Instant) {
        if let Some(spooling) = &mut self.spooling {
            spooling.close(&mut self.backlog, until).await;
        }
    }

    fn now(&self) -> Instant {
        self.shared.settings.clock.now()
    }

    /// Gives up and counts what is left. Returns the ledger as it was before.
    pub(super) fn end(&mut self) -> DestinationReport {
        self.shared.close();
        self.backlog.source.receiver.seal();
        let report = self.report();
        self.backlog.reporter.shut_down(&report.stats);
        self.backlog.flights.abort_all();
        let mut left = self.backlog.flights.take_batches();
        left.extend(self.backlog.take_all());
        for mut batch in left {
            self.drop_ended(&mut batch);
            let cause = "the shutdown's deadline passed";
            self.drop_batch(&batch, DropReason::ShutdownTimeout, cause);
        }
        report
    }
}

/// What of an answer to a batch cannot be understood.
fn unclear(receipt: &Receipt, batch: &Batch) -> Option<&'static str> {
    match receipt {
        Receipt::Unknown => {
            Some("unrecognized JSON; the status is a success, so its events count as delivered")
        }
        Receipt::Warning => Some("a warning, although it rejected no event"),
        Receipt::Refused(refusals) if !refusals.is_empty() => {
            let ids: HashSet<i64> = batch.ids().collect();
            let names_one =
                |refusal: &Refusal| refusal.event_id.is_some_and(|id| ids.contains(&id));
            let fault = "ids that are not in it; it must return ids unrounded, as 64-bit integers or as text";
            (!refusals.iter().all(names_one)).then_some(fault)
        }
        _ => None,
    }
}

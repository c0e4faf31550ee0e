//! The loop: wait for an event, a timer or a message; it owns all state of delivery.

pub(crate) mod batch;
pub(crate) mod before_send;
pub(crate) mod flights;
pub(crate) mod gate;
pub(crate) mod message;
pub(crate) mod report;
pub(crate) mod settings;
pub(crate) mod waits;

pub use message::ShutdownReport;

#[cfg(feature = "spool")]
mod spooling;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{self, JoinSet};

use crate::base::random;
use crate::capture::{CapturePolicy, Scratch};
use crate::error::FlushError;
use crate::ledger::DropReason;
use crate::logger::pipeline::Core;
use crate::queue::EventEnd;
use crate::queue::Receiver;
use crate::queue::Segment;
use crate::transport::{Answer, Request, SendError};
use crate::wire::answer::{Verdict, judge};
use crate::wire::parts::Sender;
use batch::{Batch, Size, Stock};
use flights::{Flight, Landed, Landing};
use gate::Gate;
use message::{Control, Slot};
use report::Reporter;
use waits::{Flush, MIN_SWEEP, Shutdown, both};

/// How long the worker goes on after the last handle was dropped without a shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// All that delivery has to remember.
pub(crate) struct Worker {
    core: Arc<Core>,
    receiver: Receiver,
    control: mpsc::UnboundedReceiver<Control>,
    gate: Gate,
    reporter: Reporter,
    /// Taken from the queue, not yet in a batch.
    stock: Stock,
    /// Batches that are sent again, oldest first. They go before the stock.
    again: VecDeque<Batch>,
    flights: HashMap<u64, Flight>,
    requests: JoinSet<Landing>,
    next_flight: u64,
    /// The batch size in use: halved when batches time out, doubled when they get through.
    batch_events: usize,
    next_tick: Instant,
    flushes: Vec<Flush>,
    /// By deadline. Those whose event has ended are dead, and swept out now and then.
    confirms: BTreeMap<(Instant, u64), Weak<Slot>>,
    next_confirm: u64,
    sweep_confirms_at: usize,
    shutdown: Option<Shutdown>,
    /// Sends what there is, be the batch full or not.
    hurry: bool,
    hook_rules: Option<CapturePolicy>,
    scratch: Scratch,
    #[cfg(feature = "spool")]
    spool: Option<spooling::Spooling>,
}

impl Worker {
    pub(crate) fn new(
        core: Arc<Core>,
        receiver: Receiver,
        control: mpsc::UnboundedReceiver<Control>,
    ) -> Self {
        let config = &core.config;
        Self {
            gate: Gate::new(config.pace, random::seed()),
            reporter: Reporter::new(
                Arc::clone(&core.ledger),
                config.on_error.clone(),
                config.verbose,
            ),
            stock: Stock::default(),
            again: VecDeque::new(),
            flights: HashMap::new(),
            requests: JoinSet::new(),
            next_flight: 0,
            batch_events: config.max_batch_events,
            next_tick: config.clock.now() + config.flush_interval,
            flushes: Vec::new(),
            confirms: BTreeMap::new(),
            next_confirm: 0,
            sweep_confirms_at: MIN_SWEEP,
            shutdown: None,
            hurry: false,
            hook_rules: config
                .before_send
                .is_some()
                .then(|| before_send::rules(&config.rules.redactor)),
            scratch: Scratch::default(),
            #[cfg(feature = "spool")]
            spool: spooling::Spooling::start(&core),
            core,
            receiver,
            control,
        }
    }

    /// Runs until a shutdown is complete.
    pub(crate) async fn run(mut self) {
        loop {
            let now = self.core.config.clock.now();
            self.tick(now);
            #[cfg(feature = "spool")]
            self.spool_turn(now);
            self.send(now);
            self.answer_waits(now);
            if self.finished(now) {
                #[cfg(feature = "spool")]
                self.leave_to_disk().await;
                return self.finish(now);
            }
            let wake_at = self.wake_at();
            let core = Arc::clone(&self.core);
            // Messages and timers are looked at on each turn, so that steady traffic starves
            // neither.
            tokio::select! {
                Some(landing) = self.requests.join_next() => self.land(landing),
                Some(message) = self.control.recv() => self.obey(message),
                () = core.notify.notified() => {}
                () = core.config.clock.sleep_until(wake_at) => {}
            }
            while let Some(landing) = self.requests.try_join_next() {
                self.land(landing);
            }
            while let Ok(message) = self.control.try_recv() {
                self.obey(message);
            }
        }
    }

    /// What is due by time: a partly filled batch, and the end of events that grew too old.
    fn tick(&mut self, now: Instant) {
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + self.core.config.flush_interval;
        self.receiver.seal();
        self.receiver.trim();
        self.hurry = true;
        self.expire(now);
        self.reporter.look();
    }

    fn expire(&mut self, now: Instant) {
        let Some(oldest) = now.checked_sub(self.core.config.max_event_age) else {
            return;
        };
        let expired = |first_at: Option<Instant>| first_at.is_some_and(|at| at < oldest);
        let (old, young) = std::mem::take(&mut self.again)
            .into_iter()
            .partition::<VecDeque<_>, _>(|batch| expired(batch.first_at()));
        self.again = young;
        for batch in old {
            self.drop_batch(&batch, DropReason::Expired, "too old");
        }
        while expired(self.stock.first_at())
            && let Some(batch) = self.stock.take_segment()
        {
            self.drop_batch(&batch, DropReason::Expired, "too old");
        }
        while self
            .receiver
            .oldest()
            .is_some_and(|(_, at)| expired(Some(at)))
            && let Some(segment) = self.receiver.take()
        {
            let mut stock = Stock::default();
            stock.add(Arc::new(segment));
            while let Some(batch) = stock.take_segment() {
                self.drop_batch(&batch, DropReason::Expired, "too old");
            }
        }
    }

    /// Sends as long as there is something to send, a place for it, and the gate is open.
    fn send(&mut self, now: Instant) {
        while self.flights.len() < self.core.config.max_in_flight {
            // Looked at first: while it is closed, what the queue holds stays there, where newer
            // events may take its place.
            if !self.gate.lets_through(now) {
                return;
            }
            if self.again.is_empty() && !self.stocked() {
                self.hurry = false;
                return;
            }
            self.gate.pass(now);
            match self
                .again
                .pop_front()
                .or_else(|| self.stock.take(self.size()))
            {
                Some(batch) => self.launch(batch, now),
                None => return,
            }
        }
    }

    /// Sees to it that the stock has a batch that is worth sending, if the queue has one.
    fn stocked(&mut self) -> bool {
        let worth = self.worth_sending();
        while !self.stock.fills(worth) {
            if !self.take_in() {
                return self.hurry && !self.stock.is_empty();
            }
        }
        true
    }

    /// Moves the oldest segment from the queue to the stock; `false` when there is none.
    fn take_in(&mut self) -> bool {
        let Some(segment) = self.receiver.take() else {
            return false;
        };
        // Somebody waits for one of these events, so they do not wait for a batch.
        self.hurry |= segment.is_awaited();
        let segment = Arc::new(self.hooked(segment));
        #[cfg(feature = "spool")]
        self.keep(&segment);
        self.stock.add(segment);
        true
    }

    /// What is worth a request before the tick: a whole batch, unless the queue is full before it
    /// holds two.
    fn worth_sending(&self) -> Size {
        let bounds = &self.core.config.bounds;
        let size = self.size();
        Size {
            max_events: size.max_events.min(bounds.worth_events()),
            max_bytes: size.max_bytes.min(bounds.worth_bytes()),
        }
    }

    fn size(&self) -> Size {
        Size {
            max_events: self.batch_events,
            max_bytes: self.core.config.max_batch_bytes,
        }
    }

    fn launch(&mut self, batch: Batch, now: Instant) {
        let core = Arc::clone(&self.core);
        let slices = batch.slices();
        let sender = Sender {
            instance: &core.instance,
            sequence: self.next_flight,
            dropped: core.ledger.dropped(),
        };
        let body = core.config.wire.frame(&slices, &sender);
        self.reporter.sending(batch.len(), body.len());
        core.ledger.request();
        let flight = self.next_flight;
        self.next_flight += 1;
        let request = core.config.transport.send(Request { body });
        let deadline = now + core.config.request_timeout;
        let task = self.requests.spawn(async move {
            let clock = &core.config.clock;
            // An answer that is there counts, also when its time is up at the same moment.
            let result = tokio::select! {
                biased;
                result = request => result,
                () = clock.sleep_until(deadline) => Err(SendError::Timeout),
            };
            let result = match result {
                Ok(Answer {
                    status,
                    retry_after,
                    body,
                }) => {
                    let body = tokio::select! {
                        biased;
                        body = body => body,
                        () = clock.sleep_until(deadline) => Vec::new(),
                    };
                    Ok(Landed {
                        status,
                        retry_after,
                        body,
                    })
                }
                Err(error) => Err(error),
            };
            Landing { flight, result }
        });
        let task = task.id();
        self.flights.insert(
            flight,
            Flight {
                batch,
                started: now,
                task,
            },
        );
    }

    /// A request has ended.
    fn land(&mut self, landing: Result<Landing, tokio::task::JoinError>) {
        let landing = match landing {
            Ok(landing) => landing,
            Err(error) => {
                let of_task = self
                    .flights
                    .iter()
                    .find(|(_, flight)| flight.task == error.id());
                let Some((&flight, _)) = of_task else { return };
                Landing {
                    flight,
                    result: Err(SendError::Network("the HTTP client panicked".to_owned())),
                }
            }
        };
        let Some(Flight { batch, started, .. }) = self.flights.remove(&landing.flight) else {
            return;
        };
        let now = self.core.config.clock.now();
        match landing.result {
            Ok(answer) => self.judge(batch, started, now, &answer),
            Err(error) => self.failed(
                batch,
                started,
                now,
                None,
                &error.to_string(),
                error == SendError::Timeout,
            ),
        }
    }

    fn judge(&mut self, batch: Batch, started: Instant, now: Instant, answer: &Landed) {
        let config = &self.core.config;
        let verdict = judge(
            answer.status,
            answer.retry_after.as_deref(),
            config.clock.wall(),
        );
        if let Verdict::Retry { after } = verdict {
            let cause = format!("the ingest answered {}", answer.status);
            return self.failed(batch, started, now, after, &cause, false);
        }
        if self.gate.answered(started) {
            self.reporter.recovered();
        }
        match verdict {
            Verdict::Delivered => {
                self.batch_events = (self.batch_events * 2).min(self.core.config.max_batch_events);
                self.delivered(batch, answer);
            }
            Verdict::Split if batch.len() == 1 => {
                self.drop_batch(&batch, DropReason::TooLarge, "the ingest answered 413");
            }
            Verdict::Split => {
                let (first, second) = batch.halve();
                if let Some(second) = second {
                    self.requeue(second);
                }
                self.requeue(first);
            }
            Verdict::Drop(reason) => {
                self.drop_batch(
                    &batch,
                    reason,
                    &format!("the ingest answered {}", answer.status),
                );
            }
            Verdict::Retry { .. } => {}
        }
    }

    fn delivered(&mut self, batch: Batch, answer: &Landed) {
        let refusals = self.core.config.wire.refusals(&answer.body);
        let batch = if refusals.is_empty() {
            batch
        } else {
            let refused: HashMap<i64, bool> =
                refusals.iter().map(|r| (r.event_id, r.retry)).collect();
            let (refused_events, taken) = batch.partition(|id| refused.contains_key(&id));
            let (retried, rejected) =
                refused_events.partition(|id| refused.get(&id) == Some(&true));
            self.drop_batch(
                &rejected,
                DropReason::Rejected,
                "the ingest refused single events of a batch",
            );
            if retried.len() > 0 {
                self.core.ledger.retry();
                self.reporter.retrying(
                    retried.len() as u64,
                    "the ingest asked for single events again",
                );
                self.requeue(retried);
                // The ingest cannot take all of it just now, so it gets a short pause.
                let now = self.core.config.clock.now();
                self.gate.failed(now, now, None);
            }
            taken
        };
        let events = batch.len() as u64;
        #[cfg(feature = "spool")]
        self.unkeep(batch.parts());
        self.core.ledger.deliver(events);
        batch.settle(EventEnd::Delivered);
        self.reporter.delivered(events, answer.status);
    }

    /// A request failed in a way that is tried again.
    fn failed(
        &mut self,
        mut batch: Batch,
        started: Instant,
        now: Instant,
        after: Option<Duration>,
        cause: &str,
        timed_out: bool,
    ) {
        self.core.ledger.retry();
        self.reporter.retrying(batch.len() as u64, cause);
        if self.gate.failed(started, now, after) {
            self.reporter.broke(cause);
        }
        batch.timeouts += u32::from(timed_out);
        if batch.timeouts >= 2 && batch.len() > 1 {
            // Perhaps it is the size that the ingest cannot take in time.
            self.batch_events = (batch.len() / 2).max(1);
            let (first, second) = batch.halve();
            if let Some(second) = second {
                self.requeue(second);
            }
            batch = first;
        }
        self.requeue(batch);
    }

    /// Puts a batch where it belongs by age: first in, first out.
    fn requeue(&mut self, batch: Batch) {
        let key = batch.order();
        let at = self.again.partition_point(|other| other.order() < key);
        self.again.insert(at, batch);
    }

    fn drop_batch(&mut self, batch: &Batch, reason: DropReason, cause: &str) {
        let events = batch.len() as u64;
        #[cfg(feature = "spool")]
        self.unkeep(batch.parts());
        self.core.ledger.drop_pending(reason, events);
        batch.settle(EventEnd::Dropped(reason));
        self.reporter.dropped(events, reason, cause);
    }

    /// Lets the user's hook rewrite a segment's events, once for each event.
    fn hooked(&mut self, segment: Segment) -> Segment {
        let core = Arc::clone(&self.core);
        let (Some(hook), Some(rules)) = (&core.config.before_send, &self.hook_rules) else {
            return segment;
        };
        let mut rewrite = self.receiver.rewritten(&segment);
        for event in 0..segment.len() {
            let bytes = segment.slice(event..event + 1);
            let json = bytes.strip_suffix(b",").unwrap_or(bytes);
            let scratch = &mut self.scratch;
            match before_send::apply(hook, json, &core.config.wire, rules, scratch, &core.ledger) {
                Ok(json) => {
                    let waiter = segment.take_waiters(event..event + 1).pop();
                    rewrite.push(&json, segment.id(event).unwrap_or_default(), waiter);
                }
                Err(reason) => {
                    core.ledger.drop_pending(reason, 1);
                    segment.settle(event..event + 1, EventEnd::Dropped(reason));
                    self.reporter.dropped(1, reason, "before_send");
                }
            }
        }
        rewrite.finish()
    }

    fn obey(&mut self, message: Control) {
        match message {
            Control::Flush { deadline, reply } => {
                let sequence = self.push_out();
                self.flushes.push(Flush {
                    sequence,
                    deadline,
                    reply,
                });
            }
            Control::Confirm { deadline, slot } => {
                self.confirms.insert((deadline, self.next_confirm), slot);
                self.next_confirm += 1;
                if self.confirms.len() >= self.sweep_confirms_at {
                    self.confirms.retain(|_, slot| slot.strong_count() > 0);
                    self.sweep_confirms_at = (2 * self.confirms.len()).max(MIN_SWEEP);
                }
            }
            Control::Shutdown {
                deadline,
                started,
                reply,
            } => {
                self.push_out();
                #[cfg(feature = "spool")]
                self.write_soon();
                // Of several shutdowns the first deadline holds; the others hear when it is over.
                let first = self.shutdown.take();
                self.shutdown = Some(match first {
                    None => Shutdown {
                        deadline,
                        started,
                        reply: Some(reply),
                    },
                    Some(first) => Shutdown {
                        deadline: first.deadline.min(deadline),
                        started: first.started,
                        reply: Some(both(first.reply, reply)),
                    },
                });
            }
            Control::Run(job) => {
                task::spawn(job);
            }
            Control::Drain => {
                self.push_out();
                #[cfg(feature = "spool")]
                self.write_soon();
                let now = self.core.config.clock.now();
                self.shutdown.get_or_insert(Shutdown {
                    deadline: now + DRAIN_TIMEOUT,
                    started: now,
                    reply: None,
                });
            }
            #[cfg(feature = "spool")]
            Control::FlushToDisk {
                deadline,
                timeout,
                reply,
            } => self.flush_to_disk(deadline, timeout, reply),
        }
    }

    /// Makes all that is queued ready to be sent, with one probe through a closed gate.
    fn push_out(&mut self) -> u64 {
        self.hurry = true;
        self.gate.hurry(self.core.config.clock.now());
        self.receiver.seal()
    }

    /// Answers the flushes and confirmations that are done or whose time is up.
    fn answer_waits(&mut self, now: Instant) {
        if !self.flushes.is_empty() {
            let oldest = self.oldest_sequence();
            let pending = self.undelivered();
            for flush in std::mem::take(&mut self.flushes) {
                if oldest.is_none_or(|oldest| oldest >= flush.sequence) {
                    (flush.reply)(Ok(()));
                } else if flush.deadline <= now {
                    (flush.reply)(Err(FlushError::TimedOut { pending }));
                } else {
                    self.flushes.push(flush);
                }
            }
        }
        while let Some(entry) = self.confirms.first_entry()
            && entry.key().0 <= now
        {
            if let Some(slot) = entry.remove().upgrade() {
                slot.time_out();
            }
        }
    }

    /// Events that have not ended, wherever they are.
    fn undelivered(&self) -> u64 {
        self.core.ledger.pending() + self.core.ledger.spooled()
    }

    /// The sequence number of the oldest segment that is not done.
    fn oldest_sequence(&self) -> Option<u64> {
        // What a spool has kept from before is older than anything.
        #[cfg(feature = "spool")]
        if self.has_spooled() {
            return Some(0);
        }
        let queued = self.receiver.oldest().map(|(sequence, _)| sequence);
        let flying = self
            .flights
            .values()
            .flat_map(|flight| flight.batch.sequences());
        let again = self.again.iter().flat_map(Batch::sequences);
        flying
            .chain(again)
            .chain(self.stock.sequence())
            .chain(queued)
            .min()
    }

    fn finished(&self, now: Instant) -> bool {
        let done = self.undelivered() == 0;
        #[cfg(feature = "spool")]
        let done = done && !self.has_spooled();
        self.shutdown
            .as_ref()
            .is_some_and(|shutdown| done || shutdown.deadline <= now)
    }

    /// Ends the worker: what is left is given up and counted.
    fn finish(mut self, now: Instant) {
        self.core.close();
        self.receiver.seal();
        let stats = self.core.stats();
        self.reporter.shut_down(&stats);
        // A request under way may still arrive; nobody will know.
        self.requests.abort_all();
        let cause = "the shutdown's deadline passed";
        for (_, flight) in std::mem::take(&mut self.flights) {
            self.drop_batch(&flight.batch, DropReason::ShutdownTimeout, cause);
        }
        for batch in std::mem::take(&mut self.again) {
            self.drop_batch(&batch, DropReason::ShutdownTimeout, cause);
        }
        loop {
            while let Some(batch) = self.stock.take_segment() {
                self.drop_batch(&batch, DropReason::ShutdownTimeout, cause);
            }
            match self.receiver.take() {
                Some(segment) => self.stock.add(Arc::new(segment)),
                None => break,
            }
        }
        for flush in self.flushes {
            (flush.reply)(if stats.pending + stats.spooled == 0 {
                Ok(())
            } else {
                Err(FlushError::Closed)
            });
        }
        if let Some(Shutdown {
            started,
            reply: Some(reply),
            ..
        }) = self.shutdown
        {
            reply(ShutdownReport {
                pending: stats.pending,
                stats,
                elapsed: now.saturating_duration_since(started),
            });
        }
    }

    fn wake_at(&self) -> Instant {
        let flushes = self.flushes.iter().map(|flush| flush.deadline);
        let confirms = self.confirms.keys().next().map(|(deadline, _)| *deadline);
        let shutdown = self.shutdown.iter().map(|shutdown| shutdown.deadline);
        let has_work = !self.again.is_empty()
            || !self.stock.is_empty()
            || self.core.ledger.spooled() > 0
            || self.receiver.oldest().is_some();
        let gate = self.gate.reopens_at().filter(|_| has_work);
        #[cfg(feature = "spool")]
        let flushes = flushes.chain(self.spool.as_ref().map(spooling::Spooling::wake_at));
        flushes
            .chain(confirms)
            .chain(shutdown)
            .chain(gate)
            .fold(self.next_tick, Instant::min)
    }
}

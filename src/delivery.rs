//! The worker's loop: it waits for an answer, a message, a batch or a time, and does what is due.

mod backlog;
mod batch;
mod before_send;
mod bisect;
mod destination;
mod distributor;
#[cfg(test)]
mod fleet;
mod flights;
pub(crate) mod gate;
pub(crate) mod message;
mod meter;
#[cfg(not(feature = "spool"))]
mod no_spool;
#[cfg(feature = "spool")]
mod recheck;
mod report;
mod rewriting;
mod search;
pub(crate) mod settings;
pub(crate) mod shared;
#[cfg(all(test, feature = "testing"))]
mod simulation;
mod source;
#[cfg(feature = "spool")]
mod spooling;
mod stillness;
mod suspects;
mod waits;

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task;

use self::destination::Destination;
pub(crate) use self::distributor::Distribution;
use self::distributor::Distributor;
use self::flights::Ended;
use self::message::{Control, DiskFlush, Forget, Forgetting, Shutdown, answer};
pub use self::message::{Forgotten, ShutdownReport};
#[cfg(not(feature = "spool"))]
use self::no_spool as spooling;
use self::shared::Shared;
pub(crate) use self::spooling::{MIN_SPOOL_BYTES, Spool, Store, probe_spool};
use self::waits::Waits;
use crate::base::clock::Clock;
use crate::error::SpoolError;
use crate::ledger::DestinationReport;
use crate::queue::Receiver;

/// How long the worker goes on after the last handle was dropped without a shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the end of the worker waits for the disks: until what is in memory is written, and all in all. A slow disk
/// gets most of the second by which a blocking wait outlasts its deadline, since what it does not write is lost.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(650);
const CLOSE_TIMEOUT: Duration = Duration::from_millis(800);

/// What a worker is started with.
pub(crate) struct Inbox {
    /// What each destination receives, and its spool.
    pub(crate) destinations: Vec<(Receiver, Option<Store>)>,
    /// Where there are several.
    pub(crate) distribution: Option<Distribution>,
    pub(crate) messages: mpsc::UnboundedReceiver<Control>,
}

/// Delivers what callers have queued.
pub(crate) struct Worker {
    clock: Clock,
    notify: Arc<Notify>,
    /// `None` where the only destination takes what callers have queued.
    distributor: Option<Distributor>,
    destinations: Vec<Destination>,
    waits: Waits,
    messages: mpsc::UnboundedReceiver<Control>,
}

impl Worker {
    /// `None` without a destination.
    pub(crate) fn new(shared: &[Arc<Shared>], inbox: Inbox) -> Option<Self> {
        let first = shared.first()?;
        let of_all = shared.iter().zip(inbox.destinations);
        let of_all = of_all.map(|(shared, (receiver, spool))| {
            Destination::new(Arc::clone(shared), receiver, spool)
        });
        let distribution = inbox.distribution;
        let distributor = distribution.and_then(|several| Distributor::new(shared, several));
        Some(Self {
            clock: first.settings.clock.clone(),
            notify: Arc::clone(&first.notify),
            distributor,
            destinations: of_all.collect(),
            waits: Waits::default(),
            messages: inbox.messages,
        })
    }

    /// Runs until a shutdown is complete.
    pub(crate) async fn run(&mut self) {
        loop {
            let now = self.clock.now();
            self.turn(now);
            if self.waits.ends(now, self.is_done()) {
                let reports = self.end().await;
                return std::mem::take(&mut self.waits).end(reports, now);
            }
            let wake_at = self.wake_at(now);
            // Messages and timers get their chance on each turn, so that steady traffic starves
            // neither.
            tokio::select! {
                (at, ended) = next_answer(&mut self.destinations) => self.on_answer(at, ended),
                Some(message) = self.messages.recv() => self.handle(message),
                () = self.notify.notified() => {}
                () = self.clock.sleep_until(wake_at) => {}
            }
            for destination in &mut self.destinations {
                while let Some(ended) = destination.backlog.flights.try_next() {
                    destination.on_answer(ended);
                }
            }
            while let Ok(message) = self.messages.try_recv() {
                self.handle(message);
            }
        }
    }

    /// Does what is due.
    fn turn(&mut self, now: Instant) {
        if let Some(distributor) = &mut self.distributor {
            distributor.turn(&mut self.destinations, now);
        }
        for destination in &mut self.destinations {
            destination.turn(now);
        }
        if self.distributor.is_some() {
            let of_all = self.destinations.iter().map(Destination::fullness);
            let least = of_all.fold(f64::INFINITY, f64::min);
            for destination in &mut self.destinations {
                destination.evict_beyond_share(least);
            }
        }
        self.flush_what_was_handed_over(now);
        self.waits.answer(
            now,
            || oldest_sequence(self.distributor.as_ref(), &self.destinations),
            || self.destinations.iter().map(Destination::report).collect(),
        );
        let is_awaited = self.waits.is_awaited();
        for destination in &mut self.destinations {
            if destination.is_unpaced() && !is_awaited {
                destination.resume_pacing();
            }
        }
    }

    fn on_answer(&mut self, at: usize, ended: Ended) {
        if let Some(destination) = self.destinations.get_mut(at) {
            destination.on_answer(ended);
        }
    }

    fn is_done(&self) -> bool {
        self.destinations.iter().all(Destination::is_done)
    }

    /// When there is something to do by time, after `now`.
    fn wake_at(&self, now: Instant) -> Instant {
        let destinations = self
            .destinations
            .iter()
            .map(|destination| destination.wake_at(now));
        let distributor = self.distributor.as_ref().map(Distributor::wake_at);
        let due = destinations.chain(distributor).chain(self.waits.wake_at());
        due.min().unwrap_or(now + DRAIN_TIMEOUT)
    }

    /// Leaves to disk what it can, gives up and counts the rest. Returns the ledgers as they were before.
    async fn end(&mut self) -> Vec<DestinationReport> {
        let started = tokio::time::Instant::now();
        self.leave_to_disk(started + LEAVE_TIMEOUT).await;
        let closing = self.destinations.iter_mut();
        all(closing.map(|destination| destination.close_spool(started + CLOSE_TIMEOUT))).await;
        let reports = self.destinations.iter_mut().map(Destination::end).collect();
        if let Some(distributor) = &mut self.distributor {
            distributor.end(&mut self.destinations);
        }
        reports
    }

    /// Leaves to disk what it can by this time. What the hook had no memory for has its turn when the rest has left memory,
    /// until nothing more is handed over.
    async fn leave_to_disk(&mut self, until: tokio::time::Instant) {
        let mut before = None;
        loop {
            self.hand_over_all();
            let waits = self
                .distributor
                .as_ref()
                .and_then(Distributor::oldest_sequence);
            let leaving = self.destinations.iter_mut();
            all(leaving.map(|destination| destination.leave_to_disk(until))).await;
            if waits.is_none() || waits == before || tokio::time::Instant::now() >= until {
                return;
            }
            before = waits;
        }
    }

    fn handle(&mut self, message: Control) {
        match message {
            Control::Flush(flush) => {
                let sequence = self.send_all();
                self.waits.add_flush(sequence, flush);
            }
            Control::Confirm { deadline, waiter } => {
                self.hand_over_all();
                for destination in &mut self.destinations {
                    destination.send_unpaced();
                }
                self.waits.add_confirmation(deadline, waiter);
            }
            Control::Shutdown(shutdown) => {
                self.hand_over_all();
                for destination in &mut self.destinations {
                    destination.begin_end();
                }
                self.waits.add_shutdown(shutdown);
            }
            Control::Run(task) => {
                task::spawn(task);
            }
            Control::Drain => {
                let started = self.clock.now();
                self.handle(Control::Shutdown(Shutdown {
                    deadline: started + DRAIN_TIMEOUT,
                    started,
                    reply: None,
                }));
            }
            Control::FlushToDisk(flush) => self.flush_to_disk(flush),
            Control::Forget(forget) => self.forget(forget),
        }
    }

    /// Returns the sequence number that the next segment will have, where there are several destinations.
    fn hand_over_all(&mut self) -> Option<u64> {
        let distributor = self.distributor.as_mut()?;
        Some(distributor.hand_over_all(&mut self.destinations))
    }

    /// Makes all that is queued ready to be sent. Returns the sequence number that the next segment will have.
    fn send_all(&mut self) -> u64 {
        self.hand_over_all();
        let sequences = self.destinations.iter_mut().map(Destination::send_all);
        sequences.max().unwrap_or_default()
    }

    /// Forgets a person; answers when the last destination has done so.
    fn forget(&mut self, forget: Forget) {
        let Forget {
            person,
            deadline,
            reply,
        } = forget;
        let told = Arc::new(Forgetting::new(reply));
        if let Some(distributor) = &mut self.distributor {
            distributor.forget(&self.destinations, &person, &told);
        }
        for destination in &mut self.destinations {
            destination.forget(&person, deadline, &told);
        }
    }

    /// Answers when all that is queued is on the disks of all destinations that have one. What waits for memory for the hook
    /// is on no disk, and is waited for first.
    fn flush_to_disk(&mut self, flush: DiskFlush) {
        let sequence = self.hand_over_all().unwrap_or_default();
        if let [only] = &mut *self.destinations {
            return only.flush_to_disk(flush);
        }
        self.waits.add_disk_flush(sequence, flush);
        self.flush_what_was_handed_over(self.clock.now());
    }

    fn flush_what_was_handed_over(&mut self, now: Instant) {
        let oldest = || self.distributor.as_ref()?.oldest_sequence();
        for flush in self.waits.take_disk_flushes(now, oldest) {
            self.flush_to_disks(flush);
        }
    }

    fn flush_to_disks(&mut self, flush: DiskFlush) {
        let DiskFlush {
            deadline,
            timeout,
            reply,
        } = flush;
        let mut answers = Vec::new();
        for destination in self.destinations.iter_mut().filter(|it| it.has_spool()) {
            let (reply, answered) = oneshot::channel();
            destination.flush_to_disk(DiskFlush {
                deadline,
                timeout,
                reply,
            });
            answers.push((destination.name(), answered));
        }
        task::spawn(async move {
            let mut all = if answers.is_empty() {
                Err(SpoolError::NoSpool)
            } else {
                Ok(())
            };
            for (name, answered) in answers {
                let answered = answered.await.unwrap_or(Err(SpoolError::Closed));
                all = all.and(answered.map_err(|fault| fault.of_destination(&name)));
            }
            answer(reply, all);
        });
    }
}

/// Runs all beside one another: a disk that hangs takes no time of the others.
async fn all(each: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut running: Vec<_> = each.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        running.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if running.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Waits for the end of a request to any destination, and says to which.
async fn next_answer(destinations: &mut [Destination]) -> (usize, Ended) {
    std::future::poll_fn(|context| {
        for (at, destination) in destinations.iter_mut().enumerate() {
            if let Poll::Ready(ended) = destination.backlog.flights.poll_next(context) {
                return Poll::Ready((at, ended));
            }
        }
        Poll::Pending
    })
    .await
}

/// The sequence number of the oldest segment that is not done.
fn oldest_sequence(distributor: Option<&Distributor>, destinations: &[Destination]) -> Option<u64> {
    let queued = distributor.and_then(Distributor::oldest_sequence);
    let taken = destinations.iter().filter_map(Destination::oldest_sequence);
    taken.chain(queued).min()
}

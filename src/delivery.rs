//! The worker's loop: it waits for an answer, a message, a batch or a time, and does what is due.

mod backlog;
mod batch;
mod before_send;
mod bisect;
mod destination;
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
#[cfg(feature = "spool")]
mod spooling;
mod stillness;
mod suspects;
mod waits;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task;

use self::destination::Destination;
pub use self::message::ShutdownReport;
use self::message::{Control, Shutdown};
#[cfg(not(feature = "spool"))]
use self::no_spool as spooling;
use self::shared::Shared;
pub(crate) use self::spooling::{MIN_SPOOL_BYTES, Spool, Store, probe_spool};
use self::waits::Waits;
use crate::queue::Receiver;

/// How long the worker goes on after the last handle was dropped without a shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// What a worker is started with.
pub(crate) struct Inbox {
    pub(crate) receiver: Receiver,
    pub(crate) spool: Option<Store>,
    pub(crate) messages: mpsc::UnboundedReceiver<Control>,
}

/// Delivers what callers have queued.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    destination: Destination,
    waits: Waits,
    messages: mpsc::UnboundedReceiver<Control>,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, inbox: Inbox) -> Self {
        Self {
            destination: Destination::new(Arc::clone(&shared), inbox.receiver, inbox.spool),
            waits: Waits::default(),
            shared,
            messages: inbox.messages,
        }
    }

    /// Runs until a shutdown is complete.
    pub(crate) async fn run(&mut self) {
        loop {
            let now = self.now();
            self.destination.turn(now);
            let destination = &self.destination;
            self.waits.answer(
                now,
                || destination.undelivered(),
                || destination.oldest_sequence(),
            );
            if self.destination.is_unpaced() && !self.waits.is_awaited() {
                self.destination.resume_pacing();
            }
            if self.waits.ends(now, self.destination.is_done()) {
                self.destination.leave_to_disk().await;
                // What is left is given up and counted.
                let stats = self.destination.end();
                return std::mem::take(&mut self.waits).end(&stats, now);
            }
            let wake_at = self.destination.wake_at(now);
            let wake_at = self.waits.wake_at().map_or(wake_at, |at| at.min(wake_at));
            // Messages and timers get their chance on each turn, so that steady traffic starves
            // neither.
            tokio::select! {
                Some(ended) = self.destination.backlog.flights.next() => self.destination.on_answer(ended),
                Some(message) = self.messages.recv() => self.handle(message),
                () = self.shared.notify.notified() => {}
                () = self.shared.settings.clock.sleep_until(wake_at) => {}
            }
            while let Some(ended) = self.destination.backlog.flights.try_next() {
                self.destination.on_answer(ended);
            }
            while let Ok(message) = self.messages.try_recv() {
                self.handle(message);
            }
        }
    }

    fn handle(&mut self, message: Control) {
        match message {
            Control::Flush(flush) => {
                let sequence = self.destination.send_all();
                self.waits.add_flush(sequence, flush);
            }
            Control::Confirm { deadline, waiter } => {
                self.destination.send_unpaced();
                self.waits.add_confirmation(deadline, waiter);
            }
            Control::Shutdown(shutdown) => {
                self.destination.begin_end();
                self.waits.add_shutdown(shutdown);
            }
            Control::Run(task) => {
                task::spawn(task);
            }
            Control::Drain => {
                let started = self.now();
                self.handle(Control::Shutdown(Shutdown {
                    deadline: started + DRAIN_TIMEOUT,
                    started,
                    reply: None,
                }));
            }
            Control::FlushToDisk(flush) => self.destination.flush_to_disk(flush),
        }
    }

    fn now(&self) -> Instant {
        self.shared.settings.clock.now()
    }
}

//! The worker's loop: it waits for an answer, a message, a batch or a time, and does what is due.

mod backlog;
mod batch;
mod before_send;
mod destination;
mod flights;
mod gate;
mod in_memory;
pub(crate) mod message;
#[cfg(not(feature = "spool"))]
mod no_spool;
mod report;
pub(crate) mod settings;
pub(crate) mod shared;
#[cfg(feature = "spool")]
mod spooling;
mod waits;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task;

use self::destination::Destination;
use self::message::Control;
pub use self::message::ShutdownReport;
#[cfg(not(feature = "spool"))]
use self::no_spool as spooling;
use self::shared::Shared;
pub(crate) use self::spooling::{MIN_SPOOL_BYTES, Opened, Spool, probe_spool};
use self::waits::Waits;
use crate::queue::Receiver;

/// How long the worker goes on after the last handle was dropped without a shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Delivers what callers have queued.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    destination: Destination,
    waits: Waits,
    inbox: mpsc::UnboundedReceiver<Control>,
}

impl Worker {
    pub(crate) fn new(
        shared: Arc<Shared>,
        receiver: Receiver,
        spool: Option<Opened>,
        inbox: mpsc::UnboundedReceiver<Control>,
    ) -> Self {
        Self {
            destination: Destination::new(Arc::clone(&shared), receiver, spool),
            waits: Waits::default(),
            shared,
            inbox,
        }
    }

    /// Runs until a shutdown is complete.
    pub(crate) async fn run(mut self) {
        loop {
            let now = self.now();
            self.destination.turn(now);
            let destination = &self.destination;
            self.waits.answer(
                now,
                || destination.undelivered(),
                || destination.oldest_sequence(),
            );
            if self.waits.ends(now, self.destination.is_done()) {
                self.destination.leave_to_disk().await;
                return self.end(now);
            }
            let wake_at = self.destination.wake_at();
            let wake_at = self.waits.wake_at().map_or(wake_at, |at| at.min(wake_at));
            // Messages and timers are looked at on each turn, so that steady traffic starves
            // neither.
            tokio::select! {
                Some(landing) = self.destination.next_landing() => self.destination.on_landing(landing),
                Some(message) = self.inbox.recv() => self.handle(message),
                () = self.shared.notify.notified() => {}
                () = self.shared.settings.clock.sleep_until(wake_at) => {}
            }
            while let Some(landing) = self.destination.try_next_landing() {
                self.destination.on_landing(landing);
            }
            while let Ok(message) = self.inbox.try_recv() {
                self.handle(message);
            }
        }
    }

    fn handle(&mut self, message: Control) {
        match message {
            Control::Flush { deadline, reply } => {
                let sequence = self.destination.push_out();
                self.waits.add_flush(sequence, deadline, reply);
            }
            Control::Confirm { deadline, waiter } => self.waits.add_confirmation(deadline, waiter),
            Control::Shutdown {
                deadline,
                started,
                reply,
            } => {
                self.destination.begin_end();
                self.waits.add_shutdown(deadline, started, reply);
            }
            Control::Run(task) => {
                task::spawn(task);
            }
            Control::Drain => {
                self.destination.begin_end();
                let now = self.now();
                self.waits.add_drain(now + DRAIN_TIMEOUT, now);
            }
            Control::FlushToDisk {
                deadline,
                timeout,
                reply,
            } => self.destination.flush_to_disk(deadline, timeout, reply),
        }
    }

    /// Ends the worker: what is left is given up and counted.
    fn end(mut self, now: Instant) {
        let stats = self.destination.end();
        self.waits.end(&stats, now);
    }

    fn now(&self) -> Instant {
        self.shared.settings.clock.now()
    }
}

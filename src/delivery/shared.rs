//! What the pipeline and the worker share of a destination.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::sync::Notify;

use super::settings::DeliverySettings;
use crate::base::random;
use crate::ledger::Ledger;
use crate::queue::{self, Receiver, Sender};

pub(crate) struct Shared {
    pub(crate) settings: DeliverySettings,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) queue: Sender,
    /// Wakes the worker. Set by callers when there is a batch to send, never for each event.
    pub(crate) notify: Notify,
    /// Names this logger in loss reports.
    pub(crate) instance: String,
    closed: AtomicBool,
}

impl Shared {
    pub(crate) fn new(settings: DeliverySettings) -> (Self, Receiver) {
        let ledger = Arc::default();
        let (queue, receiver) = queue::bounded(settings.bounds, Arc::clone(&ledger));
        let shared = Self {
            settings,
            ledger,
            queue,
            notify: Notify::new(),
            instance: format!("{:016x}", random::seed()),
            closed: AtomicBool::new(false),
        };
        (shared, receiver)
    }

    /// Returns whether a shutdown has begun or the worker has ended, so that every event is refused.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// Refuses every later event.
    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
        self.queue.close();
    }
}

#[cfg(test)]
impl Shared {
    /// What a logger in a test shares, with batches of at most ten events.
    pub(super) fn for_tests() -> (Self, Receiver) {
        let wire = crate::Wire::ReoBatch;
        Self::for_tests_of(wire, |builder| builder.max_batch_events(10))
    }

    /// What a logger in a test shares, on this wire and with such settings.
    pub(super) fn for_tests_of(
        wire: crate::Wire,
        change: impl FnOnce(crate::Builder) -> crate::Builder,
    ) -> (Self, Receiver) {
        let builder = crate::UsageLogger::builder().env(|_| None);
        let builder = builder.api_key("test-key-1").product_id("demo").wire(wire);
        let builder = builder.endpoint("http://127.0.0.1:9/");
        Self::new(change(builder).resolve().unwrap().delivery)
    }
}

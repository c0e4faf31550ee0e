//! What the pipeline and the worker share of a destination.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::settings::DeliverySettings;
use crate::base::id::Instance;
use crate::ledger::{DestinationReport, DropReason, Ledger, Stats};
use crate::queue::{self, Bounds, Ledgers, Receiver, Sender};

/// The two ends of a queue that several destinations share.
pub(crate) struct Ends {
    pub(crate) queue: Sender,
    pub(crate) receiver: Receiver,
}

/// The bounds of a queue for all destinations: the first one's, and the worker is woken for whatever is worth a request
/// to any of them, and for a quarter of what the queue may hold: before callers have filled what one that lags leaves them.
fn common_bounds(mut bounds: Bounds, others: &[DeliverySettings]) -> Bounds {
    bounds.batch_events = bounds.batch_events.min(bounds.max_events / 4);
    bounds.batch_bytes = bounds.batch_bytes.min(bounds.max_bytes / 4);
    for other in others {
        bounds.batch_events = bounds.batch_events.min(other.bounds.batch_events);
        bounds.batch_bytes = bounds.batch_bytes.min(other.bounds.batch_bytes);
    }
    bounds
}

pub(crate) struct Shared {
    pub(crate) settings: DeliverySettings,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) queue: Sender,
    /// Wakes the worker. Set by callers when there is a batch to send, never for each event.
    pub(crate) notify: Arc<Notify>,
    /// Set when there is news of the spool, for an end that waits for nothing else.
    pub(crate) spool_news: Notify,
    /// Names this logger in loss reports.
    pub(crate) instance: Instance,
    /// What the first incomplete event lacked, for the worker to say.
    pub(crate) missing_field: OnceLock<&'static str>,
    closed: AtomicBool,
    given_up: AtomicBool,
}

impl Shared {
    pub(crate) fn new(settings: DeliverySettings) -> (Self, Receiver) {
        let ledger = Arc::default();
        let ledgers = Ledgers::of_one(Arc::clone(&ledger));
        let (queue, receiver) = queue::bounded(settings.bounds, ledgers);
        let (notify, instance) = (Arc::default(), Instance::random());
        let shared = Self::of(settings, ledger, queue, notify, instance);
        (shared, receiver)
    }

    /// What the destinations of one logger share, each with its own end of one queue; and the queue's own ends.
    pub(crate) fn several(
        first: DeliverySettings,
        others: Vec<DeliverySettings>,
    ) -> (Vec<(Self, Receiver)>, Ends) {
        let ledgers: Vec<Arc<Ledger>> = others.iter().map(|_| Arc::default()).collect();
        let of_first: Arc<Ledger> = Arc::default();
        let of_all = Ledgers::new(Arc::clone(&of_first), ledgers.iter().cloned().collect());
        let bounds = common_bounds(first.bounds, &others);
        let (queue, receiver) = queue::bounded(bounds, of_all);
        let (notify, instance) = (Arc::<Notify>::default(), Instance::random());
        let each = std::iter::once((first, of_first)).chain(others.into_iter().zip(ledgers));
        let each = each.map(|(mut settings, ledger)| {
            let (own, receiver) = queue.branch();
            settings.bounds = settings.bounds.of_one(bounds);
            let shared = Self::of(settings, ledger, own, Arc::clone(&notify), instance);
            (shared, receiver)
        });
        (each.collect(), Ends { queue, receiver })
    }

    fn of(
        settings: DeliverySettings,
        ledger: Arc<Ledger>,
        queue: Sender,
        notify: Arc<Notify>,
        instance: Instance,
    ) -> Self {
        Self {
            settings,
            ledger,
            queue,
            notify,
            spool_news: Notify::new(),
            instance,
            missing_field: OnceLock::new(),
            closed: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
        }
    }

    /// The ledger, with the memory that is held.
    pub(crate) fn stats(&self) -> Stats {
        self.ledger.snapshot(self.queue.bytes() as u64)
    }

    pub(crate) fn report(&self) -> DestinationReport {
        DestinationReport::new(&self.settings.name, self.stats())
    }

    /// Returns whether a shutdown has begun or the worker has ended, so that every event is refused.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// An event was incomplete; the worker says so of the first.
    pub(crate) fn on_missing_field(&self, field: &'static str) {
        if self.missing_field.set(field).is_ok() {
            self.notify.notify_one();
        }
    }

    /// Refuses every later event.
    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
        self.queue.close();
    }

    /// Ends all pending events as closed, since the worker has panicked and nobody else ends them.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Relaxed);
        // Under the queue's lock, in which events become pending: there is none after it.
        self.close();
        let pending = self.ledger.pending();
        self.ledger.drop_pending(DropReason::Closed, pending);
    }

    /// Returns whether the worker has panicked.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Relaxed)
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

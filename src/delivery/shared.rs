//! What the door and the worker share of a destination.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::sync::Notify;

use super::settings::DeliverySettings;
use crate::base::random;
use crate::ledger::Ledger;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: DeliverySettings,
    pub(crate) ledger: Arc<Ledger>,
    /// Wakes the worker. Set by callers when there is a batch to send, never for each event.
    pub(crate) notify: Notify,
    /// Names this logger in loss reports.
    pub(crate) instance: String,
    closed: AtomicBool,
}

impl Shared {
    pub(crate) fn new(settings: DeliverySettings) -> Self {
        Self {
            settings,
            ledger: Arc::default(),
            notify: Notify::new(),
            instance: format!("{:016x}", random::seed()),
            closed: AtomicBool::new(false),
        }
    }

    /// Returns whether a shutdown has begun, or the worker has ended: no event is taken any more.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
    }
}

//! What a handle asks of the worker, and what it hears back.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

#[cfg(feature = "spool")]
use crate::error::SpoolError;
use crate::error::{ConfirmError, FlushError};
use crate::ledger::Stats;
use crate::queue::EventEnd;

/// Tells somebody who waits.
pub(crate) type Reply<T> = Box<dyn FnOnce(T) + Send>;

/// Who waits for one event: told once, of its end or of the deadline, whichever comes first.
pub(crate) struct Slot {
    tell: Mutex<Option<Reply<Result<(), ConfirmError>>>>,
    timeout: Duration,
}

impl Slot {
    pub(crate) fn new(timeout: Duration, tell: Reply<Result<(), ConfirmError>>) -> Self {
        Self {
            tell: Mutex::new(Some(tell)),
            timeout,
        }
    }

    pub(crate) fn end(&self, how: EventEnd) {
        self.tell(match how {
            EventEnd::Delivered => Ok(()),
            EventEnd::Dropped(reason) => Err(ConfirmError::Dropped(reason)),
            #[cfg(feature = "spool")]
            EventEnd::Spooled => Err(ConfirmError::Unknown(self.timeout)),
        });
    }

    pub(super) fn time_out(&self) {
        self.tell(Err(ConfirmError::Unknown(self.timeout)));
    }

    fn tell(&self, result: Result<(), ConfirmError>) {
        let tell = self
            .tell
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(tell) = tell {
            tell(result);
        }
    }
}

/// Something to be run on the worker's runtime, beside its loop.
pub(crate) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a handle asks of the worker.
pub(crate) enum Control {
    Flush {
        deadline: Instant,
        reply: Reply<Result<(), FlushError>>,
    },
    /// Somebody waits for an event until the deadline, or until the event has ended and the slot is
    /// gone.
    Confirm { deadline: Instant, slot: Weak<Slot> },
    Shutdown {
        deadline: Instant,
        started: Instant,
        reply: Reply<ShutdownReport>,
    },
    /// Runs beside delivery; given up when the worker ends.
    Run(Job),
    /// The last handle is gone.
    Drain,
    /// Somebody waits until all that is queued is on disk.
    #[cfg(feature = "spool")]
    FlushToDisk {
        deadline: Instant,
        timeout: Duration,
        reply: Reply<Result<(), SpoolError>>,
    },
}

/// What a shutdown came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The ledger when the shutdown was complete or its time was up: its `pending` is the one
    /// below.
    pub stats: Stats,
    /// Events that were still undelivered then, but for those that a spool keeps
    /// ([`Stats::spooled`]). They are given up, and from then on counted as
    /// [`DropReason::ShutdownTimeout`]; those in flight may have arrived all the same.
    pub pending: u64,
    /// How long it took.
    pub elapsed: Duration,
}

//! What a handle asks of the worker, and what the worker answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::base::lock::lock;
use crate::base::panics;
use crate::error::{ConfirmError, FlushError, SpoolError};
use crate::ledger::Stats;
use crate::queue::EventEnd;

/// Where an [`answer`] goes.
pub(crate) type Reply<T> = oneshot::Sender<T>;

/// The end of a confirmed event: answered once, when the event ends or at the deadline, whichever comes
/// first.
pub(crate) struct ConfirmationWaiter {
    reply: Mutex<Option<Reply<Result<(), ConfirmError>>>>,
    timeout: Duration,
}

impl ConfirmationWaiter {
    pub(crate) fn new(timeout: Duration, reply: Reply<Result<(), ConfirmError>>) -> Self {
        Self {
            reply: Mutex::new(Some(reply)),
            timeout,
        }
    }

    pub(crate) fn end(&self, end: EventEnd) {
        self.send(match end {
            EventEnd::Delivered => Ok(()),
            EventEnd::Dropped(reason) => Err(ConfirmError::Dropped(reason)),
            EventEnd::Spooled => Err(ConfirmError::Unknown(self.timeout)),
        });
    }

    pub(super) fn time_out(&self) {
        self.send(Err(ConfirmError::Unknown(self.timeout)));
    }

    fn send(&self, result: Result<(), ConfirmError>) {
        let reply = lock(&self.reply).take();
        // Without the lock: it wakes whoever waits.
        if let Some(reply) = reply {
            answer(reply, result);
        }
    }
}

/// Answers a wait. That somebody has given up waiting is no error, and a waker of the host's that panics
/// keeps nobody else waiting.
pub(crate) fn answer<T>(reply: Reply<T>, value: T) {
    let _ = panics::catch(|| reply.send(value));
}

/// A future to run on the worker's runtime, beside its loop.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a handle asks of the worker.
pub(crate) enum Control {
    Flush(Flush),
    /// A wait for the end of an event, until the deadline. The waiter is gone once the event has ended.
    Confirm {
        deadline: Instant,
        waiter: Weak<ConfirmationWaiter>,
    },
    Shutdown(Shutdown),
    /// Runs beside delivery; given up when the worker ends.
    Run(Task),
    /// The last handle was dropped.
    Drain,
    FlushToDisk(DiskFlush),
}

/// A wait until all that is queued is delivered or dropped.
pub(crate) struct Flush {
    pub(crate) deadline: Instant,
    pub(crate) reply: Reply<Result<(), FlushError>>,
}

/// A wait for the end of the worker, which it asks for.
pub(crate) struct Shutdown {
    pub(crate) deadline: Instant,
    pub(crate) started: Instant,
    /// `None` when the last handle was dropped: nobody waits then.
    pub(crate) reply: Option<Reply<ShutdownReport>>,
}

/// A wait until all that is queued is on disk.
pub(crate) struct DiskFlush {
    pub(crate) deadline: Instant,
    pub(crate) timeout: Duration,
    pub(crate) reply: Reply<Result<(), SpoolError>>,
}

/// What a shutdown came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The ledger when the shutdown was complete or its time was up: its `pending` is the one
    /// below. Of several destinations the first one's.
    pub stats: Stats,
    /// Events that were still undelivered then, for each destination that they were for, but for those that a spool keeps
    /// ([`Stats::spooled`]). They are given up, and from then on counted as
    /// [`DropReason::ShutdownTimeout`](crate::DropReason::ShutdownTimeout); those in flight may have
    /// arrived all the same.
    pub pending: u64,
    /// How long it took.
    pub elapsed: Duration,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::{Context, Wake, Waker};

    use super::*;
    use crate::ledger::DropReason;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_confirmation_says_how_the_event_ended_and_only_the_first_end_counts() {
        let unknown = Err(ConfirmError::Unknown(SECOND));
        let dropped = DropReason::Expired;
        for (end, expected) in [
            (Some(EventEnd::Delivered), Ok(())),
            (
                Some(EventEnd::Dropped(dropped)),
                Err(ConfirmError::Dropped(dropped)),
            ),
            // The next process delivers it, or does not.
            (Some(EventEnd::Spooled), unknown),
            (None, unknown),
        ] {
            let (reply, mut answer) = oneshot::channel();
            let waiter = ConfirmationWaiter::new(SECOND, reply);
            match end {
                Some(end) => waiter.end(end),
                None => waiter.time_out(),
            }
            waiter.end(EventEnd::Dropped(DropReason::Closed));
            waiter.time_out();
            assert_eq!(answer.try_recv(), Ok(expected));
        }
    }

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a fault of the host's waker")
        }
    }

    #[test]
    fn neither_a_waker_that_panics_nor_a_wait_that_is_given_up_stops_the_worker() {
        let (reply, mut waits) = oneshot::channel();
        let waker = Waker::from(Arc::new(Panics));
        let mut context = Context::from_waker(&waker);
        assert!(Pin::new(&mut waits).poll(&mut context).is_pending());
        answer(reply, 7);
        let (reply, given_up) = oneshot::channel();
        drop(given_up);
        answer(reply, 7);
    }
}

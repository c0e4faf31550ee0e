//! What a handle asks of the worker, and what the worker answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::base::lock::lock;
use crate::base::panics;
use crate::error::{ConfirmError, FlushError, SpoolError};
use crate::ledger::{DestinationReport, Stats};
use crate::queue::EventEnd;
use crate::wire::person::Person;

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
    Forget(Forget),
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

/// A wait until somebody is forgotten.
pub(crate) struct Forget {
    pub(crate) person: Arc<Person>,
    pub(crate) deadline: Instant,
    pub(crate) reply: Reply<Forgotten>,
}

/// What happened to the events of a person who was [forgotten](crate::UsageLogger::forget). An event for several
/// destinations counts for each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forgotten {
    /// Events that were dropped from memory, where they waited to be sent or retried.
    pub queued: u64,
    /// Events that were only in the spool.
    pub spooled: u64,
    /// Events in flight, which may arrive. They are not sent again if their request fails.
    pub in_flight: u64,
    /// Whether everything that this logger keeps was searched. It is `false` if the disk did not answer in time, a file
    /// could not be overwritten, the spool has no directory or something in it was left alone, or the worker is blocked;
    /// also after a shutdown that has left events in the spool, and in a forked child.
    pub complete: bool,
}

impl Forgotten {
    /// Nothing was found, in all or in a part of what there is.
    pub(crate) const fn nothing(complete: bool) -> Self {
        Self {
            queued: 0,
            spooled: 0,
            in_flight: 0,
            complete,
        }
    }
}

/// Adds up what each destination has forgotten. Whoever waits is answered when the last of them has let go of it.
pub(crate) struct Forgetting(Mutex<(Forgotten, Option<Reply<Forgotten>>)>);

impl Forgetting {
    pub(crate) fn new(reply: Reply<Forgotten>) -> Self {
        Self(Mutex::new((Forgotten::nothing(true), Some(reply))))
    }

    pub(super) fn add(&self, add: impl FnOnce(&mut Forgotten)) {
        add(&mut lock(&self.0).0);
    }
}

impl Drop for Forgetting {
    fn drop(&mut self) {
        let (forgotten, reply) = &mut *lock(&self.0);
        if let Some(reply) = reply.take() {
            answer(reply, forgotten.clone());
        }
    }
}

/// The result of a shutdown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The ledger when the shutdown was complete or its timeout passed; its `pending` is the one below. With several
    /// destinations it is that of the first.
    pub stats: Stats,
    /// Events that were still undelivered, counted for each of their destinations, except those that a spool keeps
    /// ([`Stats::spooled`]). They are dropped, and from then on counted as
    /// [`DropReason::ShutdownTimeout`](crate::DropReason::ShutdownTimeout); those in flight may still have arrived.
    pub pending: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// What it came to for each destination, the builder's own first; nothing where the logger is disabled.
    pub destinations: Vec<DestinationReport>,
}

impl ShutdownReport {
    pub(crate) fn new(
        stats: Stats,
        elapsed: Duration,
        destinations: Vec<DestinationReport>,
    ) -> Self {
        let pending = destinations.iter().map(|it| it.stats.pending);
        Self {
            stats,
            pending: pending.sum(),
            elapsed,
            destinations,
        }
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn who_waits_for_a_forget_hears_of_all_destinations_once_the_last_is_done() {
        let (reply, mut answer) = oneshot::channel();
        let first = Arc::new(Forgetting::new(reply));
        let second = Arc::clone(&first);
        first.add(|forgotten| forgotten.queued += 2);
        drop(first);
        assert!(answer.try_recv().is_err());
        second.add(|forgotten| forgotten.queued += 3);
        second.add(|forgotten| forgotten.complete = false);
        drop(second);
        let forgotten = answer.try_recv().unwrap();
        assert_eq!((forgotten.queued, forgotten.complete), (5, false));
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

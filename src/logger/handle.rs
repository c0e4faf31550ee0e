//! The state that all clones of a logger share, and their requests to the worker.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;
use tokio::sync::oneshot;

use super::alarm::{Alarm, Alarms};
use super::logins::Logins;
use super::open_calls::OpenCalls;
use super::pipeline::Pipeline;
use super::wait::{Unanswered, Wait};
use crate::base::log;
use crate::config::setting::Setting;
use crate::delivery::message::{
    ConfirmationWaiter, Control, DiskFlush, Flush, Forget, Shutdown, answer,
};
use crate::delivery::{Forgotten, ShutdownReport};
use crate::error::{ConfirmError, FlushError, SpoolError};
use crate::event::{Event, Identity};
use crate::ledger::{DropReason, Outcome};
use crate::queue::EndListener;

/// How much longer than its deadline a wait waits for the worker, which answers it there by itself unless
/// it is held up; and how long a shutdown waits for threads that record a call.
const GRACE: Duration = Duration::from_millis(250);

/// The same for the end of a worker that leaves events on disk.
const DISK_GRACE: Duration = Duration::from_secs(1);

/// How long a disk is waited for that is to forget somebody.
pub const FORGET_TIMEOUT: Duration = Duration::from_secs(30);

/// Dropped with the last clone.
pub(crate) struct Handle {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) open_calls: OpenCalls,
    pub(super) logins: Logins,
    alarms: Arc<Alarms>,
    /// For the doctor: the settings, and where each value came from.
    pub(crate) settings: Vec<Setting>,
    /// State that an integration keeps as long as the logger lives.
    pub(crate) integration: OnceCell<Arc<dyn Any + Send + Sync>>,
}

impl Handle {
    pub(super) fn new(pipeline: Pipeline, settings: Vec<Setting>) -> Self {
        Self {
            pipeline: Arc::new(pipeline),
            open_calls: OpenCalls::default(),
            logins: Logins::default(),
            alarms: Arc::default(),
            settings,
            integration: OnceCell::new(),
        }
    }

    /// The time at which a wait ends, by the worker's clock. A timeout too long for it becomes a year.
    fn deadline(&self, timeout: Duration) -> Instant {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        let now = self.pipeline.clock().now();
        now.checked_add(timeout).unwrap_or(now + YEAR)
    }

    /// Queues an event with a listener.
    pub(super) fn log_confirmed(
        &self,
        event: &mut Event<'_>,
        timeout: Duration,
    ) -> Wait<Result<(), ConfirmError>> {
        let deadline = self.deadline(timeout);
        let (reply, answer) = oneshot::channel();
        let waiter = Arc::new(ConfirmationWaiter::new(timeout, reply));
        let ended = Arc::downgrade(&waiter);
        let listener: EndListener = Box::new(move |end| waiter.end(end));
        match self.pipeline.log(event, Some(listener)) {
            Outcome::Queued => {
                self.pipeline.send(Control::Confirm {
                    deadline,
                    waiter: ended,
                });
                let shared = Arc::clone(&self.pipeline.shared);
                self.wait(answer, timeout, GRACE, move |why| {
                    Err(match why {
                        Unanswered::Late => ConfirmError::Unknown(timeout),
                        Unanswered::Ended if shared.is_given_up() => {
                            ConfirmError::Dropped(DropReason::Closed)
                        }
                        // A worker that ended without an answer ended by its shutdown's deadline.
                        Unanswered::Ended => ConfirmError::Dropped(DropReason::ShutdownTimeout),
                    })
                })
            }
            Outcome::Dropped(reason) => Wait::known(Err(ConfirmError::Dropped(reason))),
            Outcome::Disabled => Wait::known(Err(ConfirmError::Disabled)),
        }
    }

    pub(super) fn flush(&self, timeout: Duration) -> Wait<Result<(), FlushError>> {
        if self.pipeline.is_forked() {
            return Wait::known(Err(FlushError::Closed));
        }
        let deadline = self.deadline(timeout);
        let pipeline = Arc::clone(&self.pipeline);
        self.ask(
            |reply| Control::Flush(Flush { deadline, reply }),
            timeout,
            GRACE,
            move |why| match (why, pipeline.undelivered()) {
                (_, 0) if !pipeline.shared.is_given_up() => Ok(()),
                (Unanswered::Late, _) => Err(FlushError::timed_out(pipeline.reports())),
                (Unanswered::Ended, _) => Err(FlushError::Closed),
            },
        )
    }

    pub(super) fn flush_to_disk(&self, timeout: Duration) -> Wait<Result<(), SpoolError>> {
        if !self.pipeline.has_spool() {
            return Wait::known(Err(SpoolError::NoSpool));
        }
        if self.pipeline.is_forked() {
            return Wait::known(Err(SpoolError::Closed));
        }
        let deadline = self.deadline(timeout);
        self.ask(
            |reply| {
                Control::FlushToDisk(DiskFlush {
                    deadline,
                    timeout,
                    reply,
                })
            },
            timeout,
            GRACE,
            move |why| {
                Err(match why {
                    Unanswered::Late => SpoolError::TimedOut(timeout),
                    Unanswered::Ended => SpoolError::Closed,
                })
            },
        )
    }

    pub(super) fn forget(&self, identity: &Identity<'_>) -> Wait<Forgotten> {
        if self.pipeline.is_forked() {
            return Wait::known(Forgotten::nothing(false));
        }
        let Some(person) = self.pipeline.person(identity) else {
            return Wait::known(Forgotten::nothing(true));
        };
        let deadline = self.deadline(FORGET_TIMEOUT);
        let person = Arc::new(person);
        // What a worker that has ended leaves is only on disk.
        let has_spool = self.pipeline.has_spool();
        self.ask(
            |reply| {
                Control::Forget(Forget {
                    person,
                    deadline,
                    reply,
                })
            },
            FORGET_TIMEOUT,
            GRACE,
            move |why| Forgotten::nothing(why == Unanswered::Ended && !has_spool),
        )
    }

    pub(super) fn shutdown(&self, timeout: Duration) -> Wait<ShutdownReport> {
        if self.pipeline.is_forked() {
            return Wait::known(self.pipeline.report(Instant::now()));
        }
        let started = self.pipeline.clock().now();
        // The time that it takes to write the open calls is part of the wait.
        let deadline = self.deadline(timeout);
        // In this order: the open calls are the last events that are accepted.
        // What this takes beyond the timeout comes off the grace.
        let late = self.open_calls.end_all(GRACE).saturating_sub(timeout);
        self.pipeline.shared.close();
        let timeout = deadline.saturating_duration_since(self.pipeline.clock().now());
        let grace = match self.pipeline.has_spool() {
            true => DISK_GRACE,
            false => GRACE,
        };
        let pipeline = Arc::clone(&self.pipeline);
        self.ask(
            |reply| {
                Control::Shutdown(Shutdown {
                    deadline,
                    started,
                    reply: Some(reply),
                })
            },
            timeout,
            grace.saturating_sub(late),
            move |_| pipeline.report(started),
        )
    }

    /// Runs a future on the worker's runtime; without a worker, or with one that is held up, the wait
    /// resolves to `if_ended`.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
        if_ended: impl FnOnce() -> T + Send + Sync + 'static,
    ) -> Wait<T> {
        if !self.pipeline.has_worker() {
            return Wait::known(if_ended());
        }
        let run = |reply: oneshot::Sender<T>| {
            Control::Run(Box::pin(async move {
                answer(reply, future.await);
            }))
        };
        // No such future takes longer than three requests to each destination, one after another.
        let each = self.pipeline.all();
        let timeout = each.map(|shared| 3 * shared.settings.request_timeout).sum();
        self.ask(run, timeout, DISK_GRACE, |_| if_ended())
    }

    /// Asks the worker; `otherwise` answers where there is no worker, where it ends without an answer, or
    /// where it is late.
    fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<T>) -> Control,
        timeout: Duration,
        grace: Duration,
        otherwise: impl FnOnce(Unanswered) -> T + Send + Sync + 'static,
    ) -> Wait<T> {
        let (reply, answer) = oneshot::channel();
        if self.pipeline.send(message(reply)) {
            self.wait(answer, timeout, grace, otherwise)
        } else {
            Wait::known(otherwise(Unanswered::Ended))
        }
    }

    /// Waits for the worker, which has to answer within the time and `grace`.
    fn wait<T>(
        &self,
        answer: oneshot::Receiver<T>,
        timeout: Duration,
        grace: Duration,
        otherwise: impl FnOnce(Unanswered) -> T + Send + Sync + 'static,
    ) -> Wait<T> {
        let late_at = Instant::now().checked_add(timeout.saturating_add(grace));
        // A clock that stands still cannot show that the worker is late.
        let shows = late_at.filter(|_| self.pipeline.clock().is_system());
        let alarm = shows.map(|at| Alarm::new(&self.alarms, at));
        Wait::asked(answer, late_at, alarm, otherwise)
    }
}

impl Drop for Handle {
    /// Signals the worker without waiting for it.
    fn drop(&mut self) {
        if !self.pipeline.is_forked() {
            let pending = self.pipeline.pending();
            if pending > 0 && !self.pipeline.shared.is_closed() {
                let _ = log::warn(format_args!(
                    "the last usage logger was dropped without a shutdown, {pending} events pending: \
                     they are lost if the process ends now; call `shutdown`, or keep `shutdown_on_drop`"
                ));
            }
            self.pipeline.shared.close();
            self.pipeline.send(Control::Drain);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::super::open_calls::EndsAtShutdown;
    use super::super::usage_logger::UsageLogger;
    use super::*;
    use crate::base::manual_clock::ManualClock;
    use crate::event::ToolCall;

    const SECOND: Duration = Duration::from_secs(1);

    /// A call that takes a hundred seconds to write.
    struct Slow(ManualClock);

    impl EndsAtShutdown for Slow {
        fn end(&self) {
            self.0.advance(100 * SECOND);
        }
    }

    #[test]
    fn the_time_in_which_open_calls_are_written_is_part_of_a_shutdowns_wait() {
        let clock = ManualClock::new();
        // It takes connections, and never answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}/", silent.local_addr().unwrap());
        let builder = UsageLogger::builder().env(|_| None).clock(&clock);
        let builder = builder.api_key("test-key-1").product_id("demo");
        let usage = builder.endpoint(endpoint).build().unwrap();
        usage.log_usage(ToolCall::new("search"));
        let handle = usage.handle().unwrap();
        handle.open_calls.add(Arc::new(Slow(clock.clone())));
        let (ended, elapsed) = mpsc::channel();
        let wait = handle.shutdown(60 * SECOND);
        std::thread::spawn(move || ended.send(wait.block().elapsed));
        let elapsed = elapsed.recv_timeout(20 * SECOND);
        assert_eq!(elapsed, Ok(100 * SECOND));
    }
}

//! What all clones of a logger share, and what they ask of the worker.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;
use tokio::sync::oneshot;

use super::logins::Logins;
use super::open_calls::OpenCalls;
use super::pipeline::Pipeline;
use super::wait::Wait;
use crate::config::setting::Setting;
use crate::delivery::ShutdownReport;
use crate::delivery::message::{ConfirmationWaiter, Control, DiskFlush, Flush, Shutdown};
use crate::error::{ConfirmError, FlushError, SpoolError};
use crate::event::Event;
use crate::ledger::Outcome;
use crate::queue::EndListener;

/// Dropped with the last clone.
pub(crate) struct Handle {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(super) open_calls: OpenCalls,
    pub(super) logins: Logins,
    /// For the doctor: what is set, and where each value came from.
    pub(crate) settings: Vec<Setting>,
    /// What an integration keeps for as long as the logger lives.
    pub(crate) integration: OnceCell<Arc<dyn Any + Send + Sync>>,
}

impl Handle {
    pub(super) fn new(pipeline: Pipeline, settings: Vec<Setting>) -> Self {
        Self {
            pipeline: Arc::new(pipeline),
            open_calls: OpenCalls::default(),
            logins: Logins::default(),
            settings,
            integration: OnceCell::new(),
        }
    }

    /// The time at which a wait ends. A timeout too long for the clock becomes a year.
    fn deadline(&self, timeout: Duration) -> Instant {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        let now = self.pipeline.clock().now();
        now.checked_add(timeout).unwrap_or(now + YEAR)
    }

    /// Queues an event that somebody waits for. `if_ended`: the answer of a worker that ends without
    /// one.
    pub(super) fn log_confirmed(
        &self,
        event: &mut Event<'_>,
        timeout: Duration,
        if_ended: ConfirmError,
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
                Wait::asked(answer, move || Err(if_ended))
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
            move || match pipeline.stats().pending {
                0 => Ok(()),
                _ => Err(FlushError::Closed),
            },
        )
    }

    pub(super) fn flush_to_disk(&self, timeout: Duration) -> Wait<Result<(), SpoolError>> {
        if self.pipeline.shared.settings.spool_dir.is_none() {
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
            || Err(SpoolError::Closed),
        )
    }

    pub(super) fn shutdown(&self, timeout: Duration) -> Wait<ShutdownReport> {
        if self.pipeline.is_forked() {
            return Wait::known(self.pipeline.report(Instant::now()));
        }
        let started = self.pipeline.clock().now();
        // In this order: the open calls are the last events that are accepted.
        self.open_calls.end_all();
        self.pipeline.shared.close();
        let deadline = self.deadline(timeout);
        let pipeline = Arc::clone(&self.pipeline);
        self.ask(
            |reply| {
                Control::Shutdown(Shutdown {
                    deadline,
                    started,
                    reply: Some(reply),
                })
            },
            move || pipeline.report(started),
        )
    }

    /// Runs a future on the worker's runtime; without a worker, the wait resolves to `if_ended`.
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
                let _ = reply.send(future.await);
            }))
        };
        self.ask(run, if_ended)
    }

    /// Asks the worker; `if_ended` answers where there is no worker, or where it ends without an answer.
    fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<T>) -> Control,
        if_ended: impl FnOnce() -> T + Send + Sync + 'static,
    ) -> Wait<T> {
        let (reply, answer) = oneshot::channel();
        if self.pipeline.send(message(reply)) {
            Wait::asked(answer, if_ended)
        } else {
            Wait::known(if_ended())
        }
    }
}

impl Drop for Handle {
    /// Signals the worker, and never waits for it.
    fn drop(&mut self) {
        if !self.pipeline.is_forked() {
            self.pipeline.shared.close();
            self.pipeline.send(Control::Drain);
        }
    }
}

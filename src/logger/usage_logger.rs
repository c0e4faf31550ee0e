//! The handle that callers clone.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::confirmation::Confirmation;
use super::guard::CallGuard;
use super::handle::Handle;
use super::wait::Wait;
use crate::config::Builder;
use crate::delivery::{Forgotten, ShutdownReport};
#[cfg(feature = "spool")]
use crate::error::SpoolError;
use crate::error::{BuildError, ConfirmError, FlushError};
use crate::event::{Event, Identity, ToolCall};
use crate::ledger::{Outcome, Stats};
use crate::transport::api_key::ApiKey;

/// Reports who uses an MCP server and how.
///
/// This is a handle: clones share one queue and one worker. Made by [`builder`](Self::builder).
///
/// If the last handle is dropped without a [`shutdown`](Self::shutdown), the worker goes on in the background for at most
/// two seconds; if the process ends earlier, the queued events are lost. A log line says how many events were pending. A
/// logger in a static is never dropped, so it logs nothing then.
#[derive(Clone)]
pub struct UsageLogger {
    /// `None`: disabled.
    handle: Option<Arc<Handle>>,
    /// What disabled it, if anything did.
    off_by: &'static str,
}

impl UsageLogger {
    /// Begins to configure a logger.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns a logger that does nothing: no thread, no queue, no counts.
    #[must_use]
    pub const fn disabled() -> Self {
        Self::off("the code")
    }

    /// A logger that was switched off, and by what.
    pub(crate) const fn off(off_by: &'static str) -> Self {
        Self {
            handle: None,
            off_by,
        }
    }

    pub(crate) const fn off_by(&self) -> &'static str {
        self.off_by
    }

    pub(super) fn new(handle: Handle) -> Self {
        Self {
            handle: Some(Arc::new(handle)),
            off_by: "",
        }
    }

    pub(crate) const fn handle(&self) -> Option<&Arc<Handle>> {
        self.handle.as_ref()
    }

    /// Returns whether events are accepted: `false` if code or the environment has disabled the logger.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        self.handle.is_some()
    }

    /// Redacts an event, queues it, and returns.
    ///
    /// Never blocks, never panics, and does no I/O; its cost is bounded whatever the event's size. A panic in a value's
    /// `Serialize` is caught and counted.
    #[inline]
    pub fn log_usage<'a>(&self, event: impl Into<Event<'a>>) -> Outcome {
        // Check for a full queue before building the `Event`: moving its 608 bytes costs more than the
        // check.
        match &self.handle {
            Some(handle) => match handle.pipeline.refuse_if_full() {
                Some(refused) => refused,
                None => handle.pipeline.admit_and_push(&mut event.into(), None),
            },
            None => Outcome::Disabled,
        }
    }

    /// Logs an event and waits until the ingest has confirmed it, at most for `timeout`.
    ///
    /// The event is queued at once, even if the future is never polled, and is sent without waiting for a batch.
    ///
    /// # Errors
    ///
    /// The future resolves to [`ConfirmError`] if the event was dropped, or if the timeout passed first. In the latter case
    /// the event stays pending and may still be delivered.
    pub fn log_usage_confirmed<'a>(
        &self,
        event: impl Into<Event<'a>>,
        timeout: Duration,
    ) -> Confirmation {
        Confirmation(self.confirm(&mut event.into(), timeout))
    }

    /// [`log_usage_confirmed`](Self::log_usage_confirmed) for plain threads.
    ///
    /// # Errors
    ///
    /// As [`log_usage_confirmed`](Self::log_usage_confirmed).
    pub fn log_usage_confirmed_blocking<'a>(
        &self,
        event: impl Into<Event<'a>>,
        timeout: Duration,
    ) -> Result<(), ConfirmError> {
        self.confirm(&mut event.into(), timeout).block()
    }

    fn confirm(&self, event: &mut Event<'_>, timeout: Duration) -> Wait<Result<(), ConfirmError>> {
        let off = Err(ConfirmError::Disabled);
        self.ask(|handle| handle.log_confirmed(event, timeout), off)
    }

    /// What `ask` waits for; `off` where the logger is disabled.
    fn ask<T>(&self, ask: impl FnOnce(&Handle) -> Wait<T>, off: T) -> Wait<T> {
        match &self.handle {
            Some(handle) => ask(handle),
            None => Wait::known(off),
        }
    }

    /// Starts the record of a tool call: a guard that measures the duration, and records the call as
    /// dropped if the guard is dropped unfinished.
    ///
    /// Arguments given here are captured now, before the tool consumes them.
    pub fn start_tool_call<'a>(&self, call: impl Into<ToolCall<'a>>) -> CallGuard {
        match &self.handle {
            Some(handle) => {
                let started = handle.pipeline.clock().now();
                CallGuard::start(handle, &call.into(), started)
            }
            None => CallGuard::disabled(),
        }
    }

    /// Waits until every event queued so far is delivered or dropped, at most for `timeout`.
    ///
    /// A partly filled batch is sent now, and one request is sent even if the ingest was failing.
    ///
    /// # Errors
    ///
    /// [`FlushError::TimedOut`] says how many events are pending, in all and of each destination; delivery goes on.
    pub async fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        self.ask(|handle| handle.flush(timeout), Ok(())).await
    }

    /// [`flush`](Self::flush) for plain threads.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn flush_blocking(&self, timeout: Duration) -> Result<(), FlushError> {
        self.ask(|handle| handle.flush(timeout), Ok(())).block()
    }

    /// Waits until every event queued so far is on disk and synced, or has ended, at most for
    /// `timeout`. Such events survive the end of the process and a power loss. Files that were written before are checked
    /// again; what somebody has removed is written again. With several destinations, those that have a spool count.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] says why that is not the case or not certain, and for which of several destinations.
    #[cfg(feature = "spool")]
    pub async fn flush_to_disk(&self, timeout: Duration) -> Result<(), SpoolError> {
        self.ask(|handle| handle.flush_to_disk(timeout), Ok(()))
            .await
    }

    /// [`flush_to_disk`](Self::flush_to_disk) for plain threads.
    ///
    /// # Errors
    ///
    /// As [`flush_to_disk`](Self::flush_to_disk).
    #[cfg(feature = "spool")]
    pub fn flush_to_disk_blocking(&self, timeout: Duration) -> Result<(), SpoolError> {
        self.ask(|handle| handle.flush_to_disk(timeout), Ok(()))
            .block()
    }

    /// Drops a person's undelivered events, as [`Forgotten`](crate::DropReason::Forgotten).
    ///
    /// It removes them wherever this logger keeps them: in its queue, among the retries, and in its own directory of a spool,
    /// where they are overwritten and synced before the call returns. Events that ended processes have left are taken over
    /// first. Delivered events that are still on disk are overwritten, too. Nothing is sent, unless
    /// [`announce_forgotten`](crate::Builder::announce_forgotten) is on. Events in flight are counted and not waited for:
    /// they may still arrive, and are dropped if their request fails.
    ///
    /// An event belongs to the person if it was logged with the same id and kind, or with the same e-mail address, ignoring
    /// case: the address of `identity`, or its id if the kind is `EMAIL`. Both are compared as they were given and as the
    /// pseudonyms that this logger sends. Only what the event contains can be compared: the Reo wires have no place for an
    /// address beside an id, and the mcpeye wire has none for the kind of an id. An anonymous identity matches no events.
    ///
    /// Events that are logged later are new, including those of call guards that are open now: refuse them with
    /// [`consent`](crate::Builder::consent). Other processes and other loggers keep their events, and so does the ingest.
    ///
    /// The call takes as long as reading the queue, and nothing is sent meanwhile. With a spool it also waits for the disk,
    /// but no longer than [`FORGET_TIMEOUT`](crate::FORGET_TIMEOUT). The result says whether it is
    /// [`complete`](Forgotten::complete); the rest follows when the disk answers. A logger that is disabled, or has logged no
    /// event yet, has nothing to forget.
    ///
    /// If the future is dropped after its first poll, the events are still forgotten, but nothing is announced. With
    /// [`announce_forgotten`](crate::Builder::announce_forgotten), await it in a task of its own, or use
    /// [`forget_blocking`](Self::forget_blocking).
    ///
    /// ```
    /// # use mcp_usage::{Identity, UsageLogger};
    /// # async fn erase(usage: UsageLogger) {
    /// let rachel = Identity::new("u_8812", "INTERNAL").with_email("rachel@example.com");
    /// let forgotten = usage.forget(&rachel).await;
    /// assert!(forgotten.complete, "{forgotten:?}");
    /// # }
    /// ```
    pub async fn forget(&self, identity: &Identity<'_>) -> Forgotten {
        let nothing = Forgotten::nothing(true);
        let forgotten = self.ask(|handle| handle.forget(identity), nothing).await;
        self.announce_forgotten(identity);
        forgotten
    }

    /// [`forget`](Self::forget) for plain threads.
    pub fn forget_blocking(&self, identity: &Identity<'_>) -> Forgotten {
        let nothing = Forgotten::nothing(true);
        let forgotten = self.ask(|handle| handle.forget(identity), nothing).block();
        self.announce_forgotten(identity);
        forgotten
    }

    fn announce_forgotten(&self, identity: &Identity<'_>) {
        if let Some(handle) = &self.handle {
            handle.pipeline.announce_forgotten(identity);
        }
    }

    /// Delivers queued events, refuses later ones, and ends the worker, within `timeout`.
    ///
    /// Open call guards are recorded as [dropped](crate::CallOutcome::Dropped). Events that are not
    /// delivered in time are dropped as [`ShutdownTimeout`](crate::DropReason::ShutdownTimeout); the
    /// report says how many, in all and for each destination. With a spool they stay on disk for the next process instead:
    /// [`Stats::spooled`] of the report.
    pub async fn shutdown(&self, timeout: Duration) -> ShutdownReport {
        self.ask(|handle| handle.shutdown(timeout), nothing_done())
            .await
    }

    /// [`shutdown`](Self::shutdown) for plain threads.
    pub fn shutdown_blocking(&self, timeout: Duration) -> ShutdownReport {
        self.ask(|handle| handle.shutdown(timeout), nothing_done())
            .block()
    }

    /// Waits for `signal`, then [shuts down](Self::shutdown): for a process that ends on a signal or with its server. The
    /// output of `signal` is dropped.
    ///
    /// The crate installs no signal handler; `signal` is any future, such as `tokio::signal::ctrl_c()` or a server that
    /// shuts down gracefully. Events are accepted until it resolves, so if requests may still be in progress, pass the
    /// future of the server.
    ///
    /// ```
    /// # use mcp_usage::{ToolCall, UsageLogger};
    /// # use std::time::Duration;
    /// # let ingest = mcp_usage::testing::MockIngest::start()?;
    /// # let builder = UsageLogger::builder().env(|_| None).api_key("test-key-1").endpoint(ingest.endpoint());
    /// # let usage = builder.product_id("reoWebApp").build()?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let server = async {
    ///     usage.log_usage(ToolCall::new("search"));
    /// };
    /// let report = usage.shutdown_on(server, Duration::from_secs(5)).await;
    /// assert_eq!((report.stats.delivered, report.pending), (1, 0));
    /// # });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn shutdown_on<T>(
        &self,
        signal: impl Future<Output = T>,
        timeout: Duration,
    ) -> ShutdownReport {
        drop(signal.await);
        self.shutdown(timeout).await
    }

    /// Returns the ledger of this logger: what happened to the events so far. With several destinations it is that of the
    /// first, with the memory that all of them hold. All counts are zero if the logger is disabled.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.handle
            .as_ref()
            .map(|handle| handle.pipeline.stats())
            .unwrap_or_default()
    }

    /// Replaces the API key for requests from now on; with several destinations, that of the first.
    ///
    /// # Errors
    ///
    /// [`BuildError::Invalid`] if the key is empty or no header can hold it; the old key stays. On the OTLP wire also
    /// if the builder sets the key's header itself, or if the endpoint uses plain `http`, which was allowed without a key.
    pub fn set_api_key(&self, key: &str) -> Result<(), BuildError> {
        let key = ApiKey::parse("api_key", key)?;
        if let Some(handle) = &self.handle {
            handle.pipeline.shared.settings.key.set(key)?;
        }
        Ok(())
    }
}

/// The report of a disabled logger's shutdown.
fn nothing_done() -> ShutdownReport {
    ShutdownReport::new(Stats::default(), Duration::ZERO, Vec::new())
}

impl fmt::Debug for UsageLogger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.handle {
            Some(handle) => f
                .debug_struct("UsageLogger")
                .field("wire", &handle.pipeline.shared.settings.wire)
                .field("stats", &handle.pipeline.stats())
                .finish_non_exhaustive(),
            None => f.write_str("UsageLogger(disabled)"),
        }
    }
}

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
/// A handle: clones share one queue and one worker. Made by [`builder`](Self::builder).
///
/// When the last handle is dropped without a [`shutdown`](Self::shutdown), the worker goes on in
/// the background for at most two seconds; if the process ends before, what was queued is lost. A line
/// of the log says how much is pending then. A logger in a static is never dropped, and cannot say so.
#[derive(Clone)]
pub struct UsageLogger {
    /// `None`: disabled.
    handle: Option<Arc<Handle>>,
    /// What switched it off, if anything did.
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

    /// Returns whether events are taken at all: not disabled, by code or by environment.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        self.handle.is_some()
    }

    /// Takes an event: redacts it, queues it, and returns.
    ///
    /// It never blocks, never panics, and does no I/O; what it costs has an upper bound whatever
    /// the event's size. A panic in a value's `Serialize` is caught and counted.
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

    /// Takes an event and waits until the ingest has confirmed it, at most for `timeout`.
    ///
    /// The event is queued at once, also when the future is never polled, and it is sent at once.
    ///
    /// # Errors
    ///
    /// The future resolves to [`ConfirmError`]: the event was dropped, or it is not known in time,
    /// in which case it stays pending and may still be delivered.
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

    /// Starts the record of a tool call: a guard that times itself, and records the call as
    /// dropped if it goes away unfinished.
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
    /// A batch that waits for more is sent now, and one request goes out even if the ingest was
    /// failing.
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
    /// `timeout`: it is then delivered whatever becomes of this process, or of the machine's power. What was
    /// on disk before is looked at again; what somebody has removed is written anew. Of several destinations those that
    /// have a spool count.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] says why that is not so, or not known, and of several destinations for which.
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

    /// Forgets somebody: their events that were logged before and have not been delivered are dropped, as
    /// [`Forgotten`](crate::DropReason::Forgotten), wherever this logger keeps them: in its queue, among what is tried
    /// again, and in its own directory of a spool, where they are overwritten and synced before the answer. What processes
    /// have left that have ended by then is taken over first. Events of theirs that are in there although they were delivered
    /// are overwritten, too.
    ///
    /// Nothing is sent for it, unless [`announce_forgotten`](crate::Builder::announce_forgotten) asks for that. What a request under way holds is reported and not waited for: it may arrive, and where
    /// the request fails, it is dropped.
    ///
    /// An event is theirs by the id that it was logged with and its kind, or by an e-mail address, whatever its case: that
    /// of `identity`, or its id where its kind is `EMAIL`. Both are looked for as they were given and under the pseudonyms
    /// that this logger sends. Only what an event holds can tell: the Reo wires have no place for an address beside an id,
    /// the mcpeye wire none for the kind of an id. Somebody anonymous has no events of their own.
    ///
    /// Later events are new ones, those of call guards that are open now included: refuse them by
    /// [`consent`](crate::Builder::consent). Other processes, and other loggers, keep their own; so does the ingest.
    ///
    /// It takes as long as it takes to read what the queue holds, in which time nothing is sent, and with a spool the time of
    /// the disk, which is waited for no longer than [`FORGET_TIMEOUT`](crate::FORGET_TIMEOUT). The answer says whether it is [`complete`](Forgotten::complete); what the
    /// disk has not done by then it does later. A logger that is disabled, or has taken no event yet, has nothing to forget.
    ///
    /// A future that is dropped before its answer forgets all the same once it was polled, and announces nothing: where
    /// [`announce_forgotten`](crate::Builder::announce_forgotten) is on, await it in a task of its own, or use
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

    /// Delivers what is queued, refuses what comes later, and ends the worker, within `timeout`.
    ///
    /// Open call guards are recorded as [dropped](crate::CallOutcome::Dropped). What is not
    /// delivered in time is given up as [`ShutdownTimeout`](crate::DropReason::ShutdownTimeout); the
    /// report says how much, in all and of each destination. With a spool it stays on disk for the next process instead:
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

    /// Waits for `signal`, then [shuts down](Self::shutdown): for the end of a process that is asked
    /// to end. What the signal resolves to is dropped.
    ///
    /// The crate installs no signal handler; `signal` is a future of the host's, such as
    /// `tokio::signal::ctrl_c()` or a server that has ended gracefully. Events are taken until it
    /// resolves, so let it be the server's end where requests may still be under way.
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

    /// Returns the ledger of this logger: what became of the events so far; of several destinations the first one's,
    /// with the memory that all of them hold. All zero when it is disabled.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.handle
            .as_ref()
            .map(|handle| handle.pipeline.stats())
            .unwrap_or_default()
    }

    /// Replaces the API key, of several destinations the first one's, for requests from now on.
    ///
    /// # Errors
    ///
    /// [`BuildError::Invalid`] when the key is empty or no header can hold it; the old one stays. On the OTLP wire also
    /// where a header of the builder's is the key's, or the endpoint has plain `http` for want of a key.
    pub fn set_api_key(&self, key: &str) -> Result<(), BuildError> {
        let key = ApiKey::parse("api_key", key)?;
        if let Some(handle) = &self.handle {
            handle.pipeline.shared.settings.key.set(key)?;
        }
        Ok(())
    }
}

/// What the shutdown of a disabled logger comes to.
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

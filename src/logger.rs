//! The handle that callers clone.

mod build;
mod confirmation;
pub(crate) mod guard;
mod handle;
pub(crate) mod login;
mod logins;
mod open_calls;
pub(crate) mod pipeline;
pub(crate) mod record;
mod shutdown_guard;

pub use confirmation::Confirmation;
pub use guard::{CallGuard, Recorded};
pub use login::{LOGIN_MEMORY, MAX_LOGINS};
pub use shutdown_guard::ShutdownGuard;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::config::Builder;
use crate::config::resolve::Resolved;
use crate::config::setting::Setting;
use crate::delivery::message::{Control, Reply, ShutdownReport, Slot};
#[cfg(feature = "spool")]
use crate::error::SpoolError;
use crate::error::{BuildError, ConfirmError, FlushError};
use crate::event::{Event, ToolCall};
use crate::ledger::{Outcome, Stats};
use crate::queue::EndListener;
use crate::transport::api_key::ApiKey;
use confirmation::State;
use handle::Handle;
use pipeline::Core;

/// How much longer than its deadline a blocking wait waits for a worker that a hook holds up.
const GRACE: Duration = Duration::from_secs(1);

/// Reports who uses an MCP server and how.
///
/// A handle: clones share one queue and one worker. Made by [`builder`](Self::builder).
///
/// When the last handle is dropped without a [`shutdown`](Self::shutdown), the worker goes on in
/// the background for at most two seconds; if the process ends before, what was queued is lost.
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

    pub(crate) fn new(resolved: Resolved) -> Self {
        let usage = Self {
            handle: Some(Arc::new(Handle {
                core: Arc::new(Core::new(resolved.pipeline, resolved.delivery)),
                settings: resolved.settings,
            })),
            off_by: "",
        };
        #[cfg(feature = "spool")]
        usage.start_spool();
        usage
    }

    /// The settings in force, for the doctor; none when the logger is off.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let handle = self.handle.as_ref();
        handle.map_or_else(Vec::new, |handle| handle.settings.clone())
    }

    pub(crate) fn core(&self) -> Option<&Arc<Core>> {
        self.handle.as_ref().map(|handle| &handle.core)
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
        // What is not taken is not moved into an event first, which costs more than all else here.
        match self.core() {
            Some(core) => match core.turn_away() {
                Some(refused) => refused,
                None => core.take(&event.into(), None),
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
        let (told, hears) = oneshot::channel();
        let tell = move |result| {
            let _ = told.send(result);
        };
        Confirmation(
            self.confirmed(&event.into(), timeout, Box::new(tell))
                .map_or_else(State::Known, |()| State::Waiting(hears)),
        )
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
        let (told, hears) = mpsc::sync_channel(1);
        let tell = move |result| {
            let _ = told.try_send(result);
        };
        match self.confirmed(&event.into(), timeout, Box::new(tell)) {
            Ok(()) => hears
                .recv_timeout(timeout.saturating_add(GRACE))
                .unwrap_or(Err(ConfirmError::Unknown(timeout))),
            Err(known) => known,
        }
    }

    /// Queues an event with somebody waiting; `Err` when its end is known already.
    fn confirmed(
        &self,
        event: &Event<'_>,
        timeout: Duration,
        tell: Reply<Result<(), ConfirmError>>,
    ) -> Result<(), Result<(), ConfirmError>> {
        let Some(core) = self.core() else {
            return Err(Err(ConfirmError::Disabled));
        };
        let deadline = deadline(core, timeout);
        let slot = Arc::new(Slot::new(timeout, tell));
        let waits = Arc::downgrade(&slot);
        match core.log(event, Some(EndListener(Box::new(move |how| slot.end(how))))) {
            Outcome::Queued => {
                core.tell(Control::Confirm {
                    deadline,
                    slot: waits,
                });
                Ok(())
            }
            Outcome::Dropped(reason) => Err(Err(ConfirmError::Dropped(reason))),
            Outcome::Disabled => Err(Err(ConfirmError::Disabled)),
        }
    }

    /// Starts the record of a tool call: a guard that times itself, and records the call as
    /// dropped if it goes away unfinished.
    ///
    /// Arguments given here are captured now, before the tool consumes them.
    pub fn start_tool_call<'a>(&self, call: impl Into<ToolCall<'a>>) -> CallGuard {
        let started = match self.core() {
            Some(core) => core.config.clock.now(),
            None => Instant::now(),
        };
        CallGuard::start(self, &call.into(), started)
    }

    /// Waits until every event queued so far is delivered or dropped, at most for `timeout`.
    ///
    /// A batch that waits for more is sent now, and one request goes out even if the ingest was
    /// failing.
    ///
    /// # Errors
    ///
    /// [`FlushError::TimedOut`] says how many events are pending; delivery goes on.
    pub async fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        let (told, hears) = oneshot::channel();
        let tell = Box::new(move |result| {
            let _ = told.send(result);
        });
        match self.request_flush(timeout, tell) {
            Some(known) => known,
            None => hears.await.unwrap_or_else(|_| self.flushed_by_end()),
        }
    }

    /// [`flush`](Self::flush) for plain threads.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn flush_blocking(&self, timeout: Duration) -> Result<(), FlushError> {
        let (told, hears) = mpsc::sync_channel(1);
        let tell = Box::new(move |result| {
            let _ = told.try_send(result);
        });
        match self.request_flush(timeout, tell) {
            Some(known) => known,
            None => match hears.recv_timeout(timeout.saturating_add(GRACE)) {
                Ok(result) => result,
                Err(mpsc::RecvTimeoutError::Timeout) => Err(FlushError::TimedOut {
                    pending: self.stats().pending,
                }),
                Err(mpsc::RecvTimeoutError::Disconnected) => self.flushed_by_end(),
            },
        }
    }

    /// Asks the worker; `Some` when there is nothing to wait for.
    fn request_flush(
        &self,
        timeout: Duration,
        reply: Reply<Result<(), FlushError>>,
    ) -> Option<Result<(), FlushError>> {
        let Some(core) = self.core() else {
            return Some(Ok(()));
        };
        if core.is_forked() {
            return Some(Err(FlushError::Closed));
        }
        let deadline = deadline(core, timeout);
        (!core.tell(Control::Flush { deadline, reply })).then(|| self.flushed_by_end())
    }

    /// What a flush comes to when there is no worker to do it.
    fn flushed_by_end(&self) -> Result<(), FlushError> {
        match self.stats().pending {
            0 => Ok(()),
            _ => Err(FlushError::Closed),
        }
    }

    /// Waits until every event queued so far is on disk and synced, or has ended, at most for
    /// `timeout`: it is then delivered whatever becomes of this process, or of the machine's power.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] says why that is not so, or not known.
    #[cfg(feature = "spool")]
    pub async fn flush_to_disk(&self, timeout: Duration) -> Result<(), SpoolError> {
        let (told, hears) = oneshot::channel();
        let tell = Box::new(move |result| {
            let _ = told.send(result);
        });
        match self.request_flush_to_disk(timeout, tell) {
            Some(known) => known,
            None => hears.await.unwrap_or(Err(SpoolError::Closed)),
        }
    }

    /// [`flush_to_disk`](Self::flush_to_disk) for plain threads.
    ///
    /// # Errors
    ///
    /// As [`flush_to_disk`](Self::flush_to_disk).
    #[cfg(feature = "spool")]
    pub fn flush_to_disk_blocking(&self, timeout: Duration) -> Result<(), SpoolError> {
        let (told, hears) = mpsc::sync_channel(1);
        let tell = Box::new(move |result| {
            let _ = told.try_send(result);
        });
        match self.request_flush_to_disk(timeout, tell) {
            Some(known) => known,
            None => match hears.recv_timeout(timeout.saturating_add(GRACE)) {
                Ok(result) => result,
                Err(mpsc::RecvTimeoutError::Timeout) => Err(SpoolError::TimedOut(timeout)),
                Err(mpsc::RecvTimeoutError::Disconnected) => Err(SpoolError::Closed),
            },
        }
    }

    /// Asks the worker; `Some` when there is nothing to wait for.
    #[cfg(feature = "spool")]
    fn request_flush_to_disk(
        &self,
        timeout: Duration,
        reply: Reply<Result<(), SpoolError>>,
    ) -> Option<Result<(), SpoolError>> {
        let core = match self.core() {
            None => return Some(Ok(())),
            Some(core) if core.config.spool.dir.is_none() => return Some(Err(SpoolError::NoSpool)),
            Some(core) if core.is_forked() => return Some(Err(SpoolError::Closed)),
            Some(core) => core,
        };
        let deadline = deadline(core, timeout);
        let asked = core.tell(Control::FlushToDisk {
            deadline,
            timeout,
            reply,
        });
        (!asked).then_some(Err(SpoolError::Closed))
    }

    /// Starts delivering what earlier processes have left.
    #[cfg(feature = "spool")]
    fn start_spool(&self) {
        if let Some(core) = self.core().filter(|core| core.config.spool.dir.is_some()) {
            core.start_early();
        }
    }

    /// Delivers what is queued, refuses what comes later, and ends the worker, within `timeout`.
    ///
    /// Open call guards are recorded as [dropped](crate::CallOutcome::Dropped). What is not
    /// delivered in time is given up as [`DropReason::ShutdownTimeout`]; the report says how much.
    /// With a spool it stays on disk for the next process instead: [`Stats::spooled`] of the report.
    pub async fn shutdown(&self, timeout: Duration) -> ShutdownReport {
        let (told, hears) = oneshot::channel();
        let tell = Box::new(move |report| {
            let _ = told.send(report);
        });
        let started = match self.request_shutdown(timeout, tell) {
            Ok(started) => started,
            Err(started) => return self.ended(started),
        };
        hears.await.unwrap_or_else(|_| self.ended(started))
    }

    /// [`shutdown`](Self::shutdown) for plain threads.
    pub fn shutdown_blocking(&self, timeout: Duration) -> ShutdownReport {
        let (told, hears) = mpsc::sync_channel(1);
        let tell = Box::new(move |report| {
            let _ = told.try_send(report);
        });
        let started = match self.request_shutdown(timeout, tell) {
            Ok(started) => started,
            Err(started) => return self.ended(started),
        };
        hears
            .recv_timeout(timeout.saturating_add(GRACE))
            .unwrap_or_else(|_| self.ended(started))
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

    /// Asks the worker; `Err` when there is none. Either way, when it began.
    fn request_shutdown(
        &self,
        timeout: Duration,
        reply: Reply<ShutdownReport>,
    ) -> Result<Instant, Instant> {
        let Some(core) = self.core().filter(|core| !core.is_forked()) else {
            return Err(Instant::now());
        };
        let started = core.config.clock.now();
        // In this order: the open calls are the last events that get in.
        core.calls.end_all(core);
        core.close();
        let deadline = deadline(core, timeout);
        if core.tell(Control::Shutdown {
            deadline,
            started,
            reply,
        }) {
            Ok(started)
        } else {
            Err(started)
        }
    }

    /// What a shutdown comes to when there is no worker (any more) to do it.
    fn ended(&self, started: Instant) -> ShutdownReport {
        let stats = self.stats();
        let now = self
            .core()
            .map_or_else(Instant::now, |core| core.config.clock.now());
        ShutdownReport {
            pending: stats.pending,
            stats,
            elapsed: now.saturating_duration_since(started),
        }
    }

    /// Returns a guard that shuts the logger down when it is dropped, and blocks for it at most
    /// `timeout`: for `main`.
    #[must_use = "the guard shuts down when it is dropped, so it must be kept"]
    pub fn shutdown_on_drop(&self, timeout: Duration) -> ShutdownGuard {
        ShutdownGuard {
            logger: self.clone(),
            timeout,
        }
    }

    /// Returns the ledger of this logger: what became of the events so far. All zero when it is
    /// disabled.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core().map(|core| core.stats()).unwrap_or_default()
    }

    /// Replaces the API key, for requests from now on.
    ///
    /// # Errors
    ///
    /// [`BuildError::Invalid`] when the key is empty or no header can hold it; the old one stays.
    pub fn set_api_key(&self, key: &str) -> Result<(), BuildError> {
        let key = ApiKey::parse("api_key", key)?;
        if let Some(core) = self.core() {
            core.config.key.set(key);
        }
        Ok(())
    }
}

/// The time after which a wait ends. One that is too far for the clock is a year away.
fn deadline(core: &Core, timeout: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let now = core.config.clock.now();
    now.checked_add(timeout).unwrap_or(now + YEAR)
}

impl fmt::Debug for UsageLogger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.core() {
            Some(core) => f
                .debug_struct("UsageLogger")
                .field("wire", &core.config.wire)
                .field("stats", &core.stats())
                .finish_non_exhaustive(),
            None => f.write_str("UsageLogger(disabled)"),
        }
    }
}

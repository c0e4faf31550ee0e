//! The record of a tool call that is under way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use super::pipeline::Core;
use super::record::{ERROR, PROMPT, Record, captured};
use crate::base::panics;
use crate::event::{CallOutcome, IntentSource, ToolCall};
use crate::ledger::Outcome;
use crate::logger::UsageLogger;
use crate::rmcp::CallMeta;

/// Records a tool call when it [finishes](Self::finish), with its duration.
///
/// Dropped unfinished, it records the call as [`Panicked`](CallOutcome::Panicked) while its thread
/// panics and as [`Dropped`](CallOutcome::Dropped) otherwise. A guard that is open at a shutdown is
/// recorded as dropped then.
///
/// ```
/// # use mcp_usage::{CallOutcome, ToolCall, UsageLogger};
/// # let usage = UsageLogger::disabled();
/// let mut call = usage.start_tool_call(ToolCall::new("search").arguments(&"rails"));
/// // … the tool runs …
/// call.set_error("no such index");
/// call.finish(CallOutcome::ToolError);
/// ```
#[must_use = "a guard that is dropped at once records the call as dropped"]
pub struct CallGuard {
    /// `None`: the logger is disabled, or the call is recorded.
    open: Option<Open>,
}

struct Open {
    slot: Option<usize>,
    call: Arc<OpenCall>,
}

/// A call that a shutdown may have to end.
pub(crate) struct OpenCall {
    usage: UsageLogger,
    started: Instant,
    record: Mutex<Option<Record>>,
}

impl OpenCall {
    /// Takes the record: it is logged once, by whoever comes first.
    pub(super) fn take(&self) -> Option<Record> {
        self.record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Changes the record, unless it is logged.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Record, &Core)) {
        if let Some(core) = self.usage.core()
            && let Some(record) = self
                .record
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_mut()
        {
            change(record, core);
        }
    }

    pub(super) fn log(&self, core: &Arc<Core>, record: Record, outcome: CallOutcome) -> Outcome {
        let now = core.config.clock.now();
        let elapsed = now.saturating_duration_since(self.started);
        core.log(&record.event(outcome, elapsed).into(), None)
    }
}

impl CallGuard {
    /// Starts the record of a call that began at `started`.
    pub(crate) fn start(usage: &UsageLogger, call: &ToolCall<'_>, started: Instant) -> Self {
        let Some(core) = usage.core() else {
            return Self { open: None };
        };
        let mut record = Record::of(call, core);
        // When it happened is when it began.
        record
            .values
            .event_at
            .get_or_insert_with(|| core.config.clock.wall());
        let call = Arc::new(OpenCall {
            usage: usage.clone(),
            started,
            record: Mutex::new(Some(record)),
        });
        Self {
            open: Some(Open {
                slot: core.calls.add(core, Arc::clone(&call)),
                call,
            }),
        }
    }

    /// Sets the result, captured now. Wire key `result`.
    pub fn set_result<T: serde::Serialize + Sync>(&mut self, result: &T) {
        self.change(|record, core| {
            record.result = Some(captured(core, result, false));
        });
    }

    /// Sets the error text. Wire key `error`.
    pub fn set_error(&mut self, error: impl AsRef<str>) {
        self.change(|record, core| record.set(core, ERROR, error.as_ref()));
    }

    /// Sets what the user wanted. Wire key `prompt`.
    pub fn set_prompt(&mut self, prompt: impl AsRef<str>) {
        self.change(|record, core| record.set(core, PROMPT, prompt.as_ref()));
    }

    /// Sets the arguments, captured now. Wire key `tool_arguments` (`arguments` on mcpeye).
    pub fn set_arguments<T: serde::Serialize + Sync>(&mut self, arguments: &T) {
        self.change(|record, core| {
            record.arguments = Some(captured(core, arguments, true));
        });
    }

    /// Sets where the prompt was read from.
    pub fn set_intent_source(&mut self, source: IntentSource) {
        self.change(|record, _| record.intent_source = Some(source));
    }

    /// Marks the tool as one that does not exist. Wire key `unknown_tool`.
    pub fn set_unknown_tool(&mut self) {
        self.change(|record, _| record.unknown_tool = true);
    }

    /// Adds a key of your own to `meta`, as [`ToolCall::meta`], captured now.
    pub fn set_meta<T: serde::Serialize + Sync>(&mut self, key: impl Into<String>, value: &T) {
        self.change(|record, core| record.push_meta(core, key.into(), value));
    }

    /// Returns what lets a tool add to the record.
    #[cfg(feature = "rmcp")]
    pub(crate) fn meta(&self) -> CallMeta {
        CallMeta {
            call: self.open.as_ref().map(|open| Arc::clone(&open.call)),
        }
    }

    /// Records the call, with how it ended and how long it took.
    pub fn finish(mut self, outcome: CallOutcome) -> Outcome {
        self.record(outcome)
    }

    fn record(&mut self, outcome: CallOutcome) -> Outcome {
        let Some(Open { slot, call }) = self.open.take() else {
            return Outcome::Disabled;
        };
        let Some(core) = call.usage.core() else {
            return Outcome::Disabled;
        };
        if let Some(slot) = slot {
            core.calls.remove(core, slot, &call);
        }
        match call.take() {
            Some(record) => call.log(core, record, outcome),
            // The shutdown has recorded it.
            None => Outcome::Queued,
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Record, &Core)) {
        if let Some(open) = &self.open {
            open.call.change(change);
        }
    }
}

impl UsageLogger {
    /// Runs an async tool function, and records the call with how it ended.
    ///
    /// Arguments given with the call are captured now, the rest happens as the future runs: `Ok` is
    /// recorded as [`Ok`](CallOutcome::Ok), an error as [`ToolError`](CallOutcome::ToolError) with
    /// its text; a panic and a future that is dropped are recorded as such.
    ///
    /// ```
    /// # use mcp_usage::{ToolCall, UsageLogger};
    /// # async fn search(query: &str) -> Result<Vec<String>, std::io::Error> { Ok(Vec::new()) }
    /// # async fn handle(usage: UsageLogger) -> Result<(), std::io::Error> {
    /// let arguments = serde_json::json!({"query": "rails"});
    /// let call = ToolCall::new("search").arguments(&arguments);
    /// let hits = usage.record(call, search("rails")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn record<'a, T, E, F>(&self, call: impl Into<ToolCall<'a>>, run: F) -> Recorded<F>
    where
        F: Future<Output = Result<T, E>>,
        E: fmt::Display,
    {
        Recorded {
            guard: Some(self.start_tool_call(call)),
            run: Box::pin(run),
        }
    }
}

/// Runs a tool function and records the call. Made by [`UsageLogger::record`].
#[must_use = "a future does nothing until it is awaited"]
pub struct Recorded<F> {
    guard: Option<CallGuard>,
    run: Pin<Box<F>>,
}

impl<T, E, F> Future for Recorded<F>
where
    F: Future<Output = Result<T, E>>,
    E: fmt::Display,
{
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.run.as_mut().poll(cx));
        if let Some(mut guard) = self.guard.take() {
            match &result {
                Ok(_) => guard.finish(CallOutcome::Ok),
                Err(error) => {
                    if let Ok(text) = panics::catch(|| error.to_string()) {
                        guard.set_error(text);
                    }
                    guard.finish(CallOutcome::ToolError)
                }
            };
        }
        Poll::Ready(result)
    }
}

impl<F> fmt::Debug for Recorded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorded")
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        if self.open.is_some() {
            self.record(if std::thread::panicking() {
                CallOutcome::Panicked
            } else {
                CallOutcome::Dropped
            });
        }
    }
}

impl fmt::Debug for CallGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallGuard")
    }
}

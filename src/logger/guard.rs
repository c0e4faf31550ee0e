//! The guard of a tool call that is under way.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::handle::Handle;
use super::kept_record::KeptRecord;
use super::open_calls::EndsAtShutdown;
use super::record::{CallRecord, DESCRIPTION, ERROR, PROMPT, most_bytes};
#[cfg(any(feature = "stdio", feature = "tower"))]
use super::record::{SERVER_NAME, SERVER_VERSION};
use crate::base::lock::lock;
use crate::base::text::cut_at_char;
use crate::capture::Captured;
use crate::event::{CallOutcome, Identity, IntentSource, ToolCall};
use crate::ledger::Outcome;
#[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
use crate::mcp::refused_arguments::refused_arguments;
#[cfg(any(feature = "stdio", feature = "tower"))]
use crate::mcp::request::PeerInfo;

/// Most requests of a round that are told of: PostHog takes no more.
#[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
const MAX_INPUT_REQUESTS: usize = 100;

/// Records a tool call when it [finishes](Self::finish), with its duration.
///
/// If it is dropped unfinished, it records the call as [`Panicked`](CallOutcome::Panicked) during a panic of its thread, and
/// as [`Dropped`](CallOutcome::Dropped) otherwise. A guard that is open at a shutdown is recorded as dropped.
///
/// Until the call ends, only the guard holds a copy of it. All open guards together hold at most a quarter of
/// [`max_queue_bytes`](crate::Builder::max_queue_bytes); beyond that a guard keeps names and sizes in place of
/// content, and the call is counted in [`Stats::calls_without_content`](crate::Stats::calls_without_content).
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
    open: Option<GuardedCall>,
}

struct GuardedCall {
    /// Its place among the open calls, if it has one.
    place: Option<usize>,
    call: Arc<OpenCall>,
}

/// A call under way, which a shutdown may have to end. It keeps the handle alive.
pub(crate) struct OpenCall {
    handle: Arc<Handle>,
    started: Instant,
    record: Mutex<Option<KeptRecord>>,
}

impl OpenCall {
    /// Captures a value. Without the record's lock, since `Serialize` is the caller's code and a shutdown
    /// does not wait for it.
    fn capture<T: serde::Serialize + Sync>(&self, value: &T, arguments: bool) -> Captured {
        self.handle.pipeline.capture_value(value, arguments)
    }

    /// Changes the record, unless it is logged. `change` runs none of the caller's code.
    fn change(&self, change: impl FnOnce(&mut KeptRecord)) {
        if let Some(record) = lock(&self.record).as_mut() {
            change(record);
        }
    }

    fn set_text(&self, which: usize, text: &str) {
        let text = cut_at_char(text, most_bytes(&self.handle.pipeline, which));
        self.change(|kept| kept.set_text(which, text));
    }

    /// Adds a key to `meta`.
    pub(crate) fn set_meta<T: serde::Serialize + Sync>(&self, key: String, value: &T) {
        let value = self.capture(value, false);
        self.change(|kept| kept.push_meta(key, value));
    }

    /// Logs the record, once: `None` when it is logged.
    fn log(&self, outcome: CallOutcome) -> Option<Outcome> {
        let kept = lock(&self.record).take()?;
        let pipeline = &self.handle.pipeline;
        let now = pipeline.clock().now();
        let elapsed = now.saturating_duration_since(self.started);
        Some(pipeline.log(&mut kept.record().event(outcome, elapsed).into(), None))
    }
}

impl EndsAtShutdown for OpenCall {
    fn end(&self) {
        self.log(CallOutcome::Dropped);
    }
}

impl CallGuard {
    /// A guard that records nothing, as that of a disabled logger.
    pub(crate) const fn disabled() -> Self {
        Self { open: None }
    }

    /// Whether the call is not recorded yet.
    #[cfg(feature = "rmcp")]
    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Starts the record of a call that began at `started`.
    pub(crate) fn start(handle: &Arc<Handle>, call: &ToolCall<'_>, started: Instant) -> Self {
        let pipeline = &handle.pipeline;
        let mut record = CallRecord::of(call, pipeline);
        // A call is reported at the time at which it began.
        record
            .values
            .event_at
            .get_or_insert_with(|| pipeline.clock().wall());
        let call = Arc::new(OpenCall {
            handle: Arc::clone(handle),
            started,
            record: Mutex::new(Some(KeptRecord::new(record, pipeline))),
        });
        let place = handle
            .open_calls
            .add(Arc::clone(&call) as Arc<dyn EndsAtShutdown>);
        Self {
            open: Some(GuardedCall { place, call }),
        }
    }

    /// Sets the result, captured now. Wire key `result`.
    pub fn set_result<T: serde::Serialize + Sync>(&mut self, result: &T) {
        if let Some(call) = self.call() {
            let result = call.capture(result, false);
            call.change(|kept| kept.put(result, |record, value| record.result = Some(value)));
        }
    }

    /// Sets the size of the result in bytes, as [`ToolCall::result_bytes`]. Wire key `result_bytes`.
    pub fn set_result_bytes(&mut self, bytes: u64) {
        self.change(|record| record.result_bytes = Some(bytes));
    }

    /// Sets the names of the arguments for which the call was refused, as [`ToolCall::refused_arguments`], captured now.
    /// Wire key `refused_arguments`.
    pub fn set_refused_arguments<T: serde::Serialize + Sync>(&mut self, names: &T) {
        if let Some(call) = self.call() {
            let names = call.capture(names, false);
            call.change(|kept| {
                kept.put(names, |record, value| {
                    record.refused_arguments = Some(value)
                });
            });
        }
    }

    /// Sets the methods of what the tool asks the client for, as [`ToolCall::input_request_methods`], captured now. Wire
    /// key `input_request_methods`.
    pub fn set_input_request_methods<T: serde::Serialize + Sync>(&mut self, methods: &T) {
        if let Some(call) = self.call() {
            let methods = call.capture(methods, false);
            call.change(|kept| {
                kept.put(methods, |record, value| {
                    record.input_request_methods = Some(value)
                });
            });
        }
    }

    /// Sets the error text. Wire key `error`.
    pub fn set_error(&mut self, error: impl AsRef<str>) {
        self.set_text(ERROR, error.as_ref());
    }

    /// Sets what the user wanted. Wire key `prompt`.
    pub fn set_prompt(&mut self, prompt: impl AsRef<str>) {
        self.set_text(PROMPT, prompt.as_ref());
    }

    /// Sets the user, if known only now; replaces an earlier identity. The hook of
    /// [`consent`](crate::Builder::consent) is called with it when the call ends.
    pub fn set_identity<'a>(&mut self, identity: impl Into<Identity<'a>>) {
        if let Some(call) = self.call() {
            let identity = identity.into();
            call.change(|kept| kept.set_identity(&identity));
        }
    }

    /// Sets the arguments, captured now. Wire key `tool_arguments` (`arguments` on mcpeye).
    pub fn set_arguments<T: serde::Serialize + Sync>(&mut self, arguments: &T) {
        if let Some(call) = self.call() {
            let arguments = call.capture(arguments, true);
            call.change(|kept| {
                kept.put(arguments, |record, value| record.arguments = Some(value));
            });
        }
    }

    /// Sets where the prompt was read from.
    pub fn set_intent_source(&mut self, source: IntentSource) {
        self.change(|record| record.intent_source = Some(source));
    }

    /// Sets the code of the JSON-RPC error that the call was answered with, as [`ToolCall::error_code`].
    pub fn set_error_code(&mut self, code: i64) {
        self.change(|record| record.values.error_code = Some(code));
    }

    /// Marks the tool as one that does not exist. Wire key `unknown_tool`.
    pub fn set_unknown_tool(&mut self) {
        self.change(|record| record.unknown_tool = true);
    }

    /// Marks the call as one of an integration's own tool for missing capabilities.
    #[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
    pub(crate) fn mark_missing_capability(&mut self) {
        self.change(|record| record.missing_capability = true);
    }

    /// Reads the names of the arguments for which the call was refused, if its error says so.
    #[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
    pub(crate) fn note_refused(&mut self, code: Option<i64>, error: &str) {
        let names = refused_arguments(code, error);
        if !names.is_empty() {
            self.set_refused_arguments(&names);
        }
    }

    /// Sets what the tool's definition says of it, as [`ToolCall::tool_description`]. Without memory for it the call has
    /// none.
    pub fn set_tool_description(&mut self, description: impl AsRef<str>) {
        if let Some(call) = self.call() {
            let most = most_bytes(&call.handle.pipeline, DESCRIPTION);
            let kept_text = cut_at_char(description.as_ref(), most);
            call.change(|kept| kept.set_description(kept_text));
        }
    }

    /// Sets what a round asks the client for, if that is anything.
    #[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
    pub(crate) fn note_input_requests<'m>(&mut self, methods: impl IntoIterator<Item = &'m str>) {
        let methods = methods.into_iter().take(MAX_INPUT_REQUESTS);
        let methods: Vec<_> = methods.collect();
        if !methods.is_empty() {
            self.set_input_request_methods(&methods);
        }
    }

    /// Sets what the server says it is, which is known with the answer at the latest.
    #[cfg(any(feature = "stdio", feature = "tower"))]
    pub(crate) fn set_server(&mut self, server: PeerInfo<'_>) {
        for (which, text) in [(SERVER_NAME, server.name), (SERVER_VERSION, server.version)] {
            if let Some(text) = text {
                self.set_text(which, text);
            }
        }
    }

    /// Counts the call among those of which content was left out.
    #[cfg(any(feature = "stdio", feature = "tower"))]
    pub(crate) fn note_missing_content(&mut self) {
        if let Some(call) = self.call() {
            call.change(KeptRecord::note_missing_content);
        }
    }

    /// Returns the tool's name, as far as it is kept; an empty one once the call is recorded.
    #[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
    pub(crate) fn tool(&self) -> String {
        let mut tool = String::new();
        if let Some(call) = self.call() {
            call.change(|kept| kept.record().tool().clone_into(&mut tool));
        }
        tool
    }

    /// Adds a key of your own to `meta`, as [`ToolCall::meta`], captured now. If open calls already hold all the memory that
    /// they may, only the size of the value is kept, or the key is left out.
    pub fn set_meta<T: serde::Serialize + Sync>(&mut self, key: impl Into<String>, value: &T) {
        if let Some(call) = self.call() {
            call.set_meta(key.into(), value);
        }
    }

    /// Returns the call, for what adds to its record from elsewhere; `None` when nothing is recorded.
    pub(crate) fn open_call(&self) -> Option<Arc<OpenCall>> {
        self.open.as_ref().map(|open| Arc::clone(&open.call))
    }

    /// Records the call, with how it ended and how long it took.
    pub fn finish(mut self, outcome: CallOutcome) -> Outcome {
        self.record(outcome)
    }

    /// Ends the record without an event: somebody else has the call.
    pub(crate) fn discard(mut self) {
        if let Some(GuardedCall { place, call }) = self.open.take() {
            let _ending = call.handle.open_calls.begin_end(place, &call);
            lock(&call.record).take();
        }
    }

    fn record(&mut self, outcome: CallOutcome) -> Outcome {
        let Some(GuardedCall { place, call }) = self.open.take() else {
            return Outcome::Disabled;
        };
        let _ending = call.handle.open_calls.begin_end(place, &call);
        // Without a record, the shutdown has logged the call.
        call.log(outcome).unwrap_or(Outcome::Queued)
    }

    fn call(&self) -> Option<&OpenCall> {
        self.open.as_ref().map(|open| &*open.call)
    }

    fn set_text(&mut self, which: usize, text: &str) {
        if let Some(call) = self.call() {
            call.set_text(which, text);
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut CallRecord)) {
        if let Some(call) = self.call() {
            call.change(|kept| change(kept.record_mut()));
        }
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

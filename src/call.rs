//! The record of a tool call that is under way.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use crate::capture;
use crate::core::Core;
use crate::event::{Call, CallOutcome, Content, Facts, IntentSource, Meta, Text, ToolCall};
use crate::identity::Identity;
use crate::logger::{Outcome, UsageLogger};
use crate::panics;

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

/// Adds to the event of the call under way, from within the tool: the step that refused it, how much
/// it found.
///
/// An instrumented server finds one in the extensions of each call's request; it does nothing where
/// the logger is off, and once the call has ended.
///
/// ```
/// use mcp_usage::rmcp::CallMeta;
/// # use rmcp::RoleServer;
/// # use rmcp::service::RequestContext;
///
/// fn refuse(context: &RequestContext<RoleServer>) {
///     if let Some(meta) = context.extensions.get::<CallMeta>() {
///         meta.set("refused", &"forbidden:scope");
///     }
/// }
/// ```
#[cfg(feature = "rmcp")]
#[derive(Clone, Default)]
pub struct CallMeta {
    open: Option<(UsageLogger, Arc<OpenCall>)>,
}

#[cfg(feature = "rmcp")]
impl CallMeta {
    /// Sets a key of your own in `meta`, as [`ToolCall::meta`], captured now; the last value of a
    /// key is the one that is sent.
    pub fn set<T: serde::Serialize + Sync>(&self, key: impl Into<String>, value: &T) {
        if let Some((usage, call)) = &self.open {
            call.change(usage, |event, core| {
                push_meta(event, core, key.into(), value)
            });
        }
    }
}

#[cfg(feature = "rmcp")]
impl fmt::Debug for CallMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallMeta")
    }
}

struct Open {
    usage: UsageLogger,
    number: Option<u64>,
    call: Arc<OpenCall>,
}

/// A call that a shutdown may have to end.
struct OpenCall {
    started: Instant,
    event: Mutex<Option<ToolCall<'static>>>,
}

impl OpenCall {
    /// Takes the event: it is recorded once, by whoever comes first.
    fn take(&self) -> Option<ToolCall<'static>> {
        self.event
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Changes the event, unless it is recorded.
    fn change(&self, usage: &UsageLogger, change: impl FnOnce(&mut ToolCall<'static>, &Core)) {
        if let Some(core) = usage.core()
            && let Some(event) = self
                .event
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_mut()
        {
            change(event, core);
        }
    }

    fn log(&self, core: &Arc<Core>, mut event: ToolCall<'_>, outcome: CallOutcome) -> Outcome {
        event.call.outcome = Some(outcome);
        let elapsed = core
            .config
            .clock
            .now()
            .saturating_duration_since(self.started);
        event.call.duration.get_or_insert(elapsed);
        core.log(&event.into(), None)
    }
}

/// The calls under way, by number.
#[derive(Default)]
pub(crate) struct OpenCalls(Mutex<Table>);

#[derive(Default)]
struct Table {
    next: u64,
    calls: HashMap<u64, Arc<OpenCall>>,
}

impl OpenCalls {
    fn add(&self, call: Arc<OpenCall>) -> u64 {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = table.next;
        table.next += 1;
        table.calls.insert(number, call);
        number
    }

    fn remove(&self, number: u64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .calls
            .remove(&number);
    }

    /// Records all calls under way as dropped.
    pub(crate) fn end_all(&self, core: &Arc<Core>) {
        let calls =
            std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).calls);
        for call in calls.into_values() {
            if let Some(event) = call.take() {
                call.log(core, event, CallOutcome::Dropped);
            }
        }
    }
}

impl fmt::Debug for OpenCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenCalls")
    }
}

impl CallGuard {
    pub(crate) fn start(usage: &UsageLogger, call: ToolCall<'_>) -> Self {
        let Some(core) = usage.core() else {
            return Self { open: None };
        };
        let mut event = into_owned(call, core);
        // When it happened is when it began.
        event
            .facts
            .event_at
            .get_or_insert_with(|| core.config.clock.wall());
        let call = Arc::new(OpenCall {
            started: core.config.clock.now(),
            event: Mutex::new(Some(event)),
        });
        Self {
            open: Some(Open {
                usage: usage.clone(),
                // A forked child must not touch the table: its lock may be held for ever.
                number: (!core.is_forked()).then(|| core.calls.add(Arc::clone(&call))),
                call,
            }),
        }
    }

    /// Sets the result, captured now. Wire key `result`.
    pub fn set_result<T: serde::Serialize + Sync>(&mut self, result: &T) {
        self.change(|event, core| {
            event.call.result = Some(captured(core, Content::Borrowed(result), false))
        });
    }

    /// Sets the error text. Wire key `error`.
    pub fn set_error(&mut self, error: impl Into<String>) {
        self.change(|event, _| event.call.error = Some(Text::Owned(error.into())));
    }

    /// Sets what the user wanted. Wire key `prompt`.
    pub fn set_prompt(&mut self, prompt: impl Into<String>) {
        self.change(|event, _| event.call.prompt = Some(Text::Owned(prompt.into())));
    }

    /// Sets the arguments, captured now. Wire key `tool_arguments` (`arguments` on mcpeye).
    pub fn set_arguments<T: serde::Serialize + Sync>(&mut self, arguments: &T) {
        self.change(|event, core| {
            event.call.arguments = Some(captured(core, Content::Borrowed(arguments), true));
        });
    }

    /// Sets where the prompt was read from.
    pub fn set_intent_source(&mut self, source: IntentSource) {
        self.change(|event, _| event.call.intent_source = Some(source));
    }

    /// Marks the tool as one that does not exist. Wire key `unknown_tool`.
    pub fn set_unknown_tool(&mut self) {
        self.change(|event, _| event.call.unknown_tool = true);
    }

    /// Adds a key of your own to `meta`, as [`ToolCall::meta`], captured now.
    pub fn set_meta<T: serde::Serialize + Sync>(&mut self, key: impl Into<String>, value: &T) {
        self.change(|event, core| push_meta(event, core, key.into(), value));
    }

    /// Returns what lets a tool add to the record.
    #[cfg(feature = "rmcp")]
    pub(crate) fn meta(&self) -> CallMeta {
        let open = self.open.as_ref();
        CallMeta {
            open: open.map(|open| (open.usage.clone(), Arc::clone(&open.call))),
        }
    }

    /// Records the call, with how it ended and how long it took.
    pub fn finish(mut self, outcome: CallOutcome) -> Outcome {
        self.record(outcome)
    }

    fn record(&mut self, outcome: CallOutcome) -> Outcome {
        let Some(Open {
            usage,
            number,
            call,
        }) = self.open.take()
        else {
            return Outcome::Disabled;
        };
        let Some(core) = usage.core() else {
            return Outcome::Disabled;
        };
        if let Some(number) = number.filter(|_| !core.is_forked()) {
            core.calls.remove(number);
        }
        match call.take() {
            Some(event) => call.log(core, event, outcome),
            // The shutdown has recorded it.
            None => Outcome::Queued,
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut ToolCall<'static>, &Core)) {
        if let Some(open) = &self.open {
            open.call.change(&open.usage, change);
        }
    }
}

fn push_meta<T: serde::Serialize + Sync>(
    event: &mut ToolCall<'static>,
    core: &Core,
    key: String,
    value: &T,
) {
    let value = captured(core, Content::Borrowed(value), false);
    event.facts.meta.push((Text::Owned(key), value));
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

/// Captures a value within the limits, if that has not been done.
pub(crate) fn captured(core: &Core, content: Content<'_>, arguments: bool) -> Content<'static> {
    match content {
        Content::Captured(captured) => Content::Captured(captured),
        Content::Borrowed(_) => {
            let (captured, panics) =
                capture::capture_value(&core.config.rules, &content, arguments);
            core.ledger.panics(panics);
            Content::Captured(Box::new(captured))
        }
    }
}

/// Copies what a call borrows; values are captured within the limits.
fn into_owned(call: ToolCall<'_>, core: &Core) -> ToolCall<'static> {
    let text = |text: Option<Text<'_>>| text.map(|text| Text::Owned(text.into_owned()));
    let content = |content, arguments| captured(core, content, arguments);
    let ToolCall { facts, call } = call;
    let meta = facts
        .meta
        .into_iter()
        .map(|(name, value)| (Text::Owned(name.into_owned()), content(value, false)));
    ToolCall {
        facts: Facts {
            event_id: facts.event_id,
            event_at: facts.event_at,
            identity: facts.identity.map(Identity::into_owned),
            email: text(facts.email),
            product_id: text(facts.product_id),
            source: text(facts.source),
            environment: text(facts.environment),
            user_agent: text(facts.user_agent),
            ip_addr: text(facts.ip_addr),
            session: facts.session.into_owned(),
            era: facts.era,
            client_class: facts.client_class,
            traceparent: text(facts.traceparent),
            meta: meta.collect::<Meta<'static>>(),
        },
        call: Call {
            tool: Text::Owned(call.tool.into_owned()),
            arguments: call.arguments.map(|arguments| content(arguments, true)),
            prompt: text(call.prompt),
            intent_source: call.intent_source,
            result: call.result.map(|result| content(result, false)),
            error: text(call.error),
            duration: call.duration,
            outcome: call.outcome,
            round: call.round,
            unknown_tool: call.unknown_tool,
        },
    }
}

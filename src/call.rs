//! The record of a tool call that is under way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use crate::capture::{self, Captured};
use crate::client::{ClientClass, Era};
use crate::core::Core;
use crate::event::{Call, CallOutcome, Content, Facts, IntentSource, Text, ToolCall};
use crate::identity::Identity;
use crate::limits;
use crate::logger::{Outcome, UsageLogger};
use crate::panics;
use crate::session::{SESSION_TEXTS, Session};

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
    call: Option<Arc<OpenCall>>,
}

#[cfg(feature = "rmcp")]
impl CallMeta {
    /// Sets a key of your own in `meta`, as [`ToolCall::meta`], captured now; the last value of a
    /// key is the one that is sent.
    pub fn set<T: serde::Serialize + Sync>(&self, key: impl Into<String>, value: &T) {
        if let Some(call) = &self.call {
            call.change(|record, core| record.push_meta(core, key.into(), value));
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
    slot: Option<usize>,
    call: Arc<OpenCall>,
}

/// A call that a shutdown may have to end.
struct OpenCall {
    usage: UsageLogger,
    started: Instant,
    record: Mutex<Option<Record>>,
}

impl OpenCall {
    /// Takes the record: it is logged once, by whoever comes first.
    fn take(&self) -> Option<Record> {
        self.record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Changes the record, unless it is logged.
    fn change(&self, change: impl FnOnce(&mut Record, &Core)) {
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

    fn log(&self, core: &Arc<Core>, record: Record, outcome: CallOutcome) -> Outcome {
        let now = core.config.clock.now();
        let elapsed = now.saturating_duration_since(self.started);
        core.log(&record.event(outcome, elapsed).into(), None)
    }
}

/// The calls under way.
#[derive(Default)]
pub(crate) struct OpenCalls(Mutex<Table>);

#[derive(Default)]
struct Table {
    calls: Vec<Option<Arc<OpenCall>>>,
    free: Vec<usize>,
}

impl OpenCalls {
    fn add(&self, core: &Core, call: Arc<OpenCall>) -> Option<usize> {
        let mut table = core.lock(&self.0)?;
        if let Some(at) = table.free.pop()
            && let Some(slot) = table.calls.get_mut(at)
        {
            *slot = Some(call);
            return Some(at);
        }
        table.calls.push(Some(call));
        Some(table.calls.len() - 1)
    }

    fn remove(&self, core: &Core, at: usize, call: &Arc<OpenCall>) {
        let Some(mut table) = core.lock(&self.0) else {
            return;
        };
        // After a shutdown the slot may be another's.
        let slot = table.calls.get_mut(at);
        let own = slot.filter(|slot| slot.as_ref().is_some_and(|held| Arc::ptr_eq(held, call)));
        if own.and_then(Option::take).is_some() {
            table.free.push(at);
        }
    }

    /// Records all calls under way as dropped.
    pub(crate) fn end_all(&self, core: &Arc<Core>) {
        let table = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for call in table.calls.into_iter().flatten() {
            if let Some(record) = call.take() {
                call.log(core, record, CallOutcome::Dropped);
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
    /// Starts the record of a call that began at `started`.
    pub(crate) fn start(usage: &UsageLogger, call: &ToolCall<'_>, started: Instant) -> Self {
        let Some(core) = usage.core() else {
            return Self { open: None };
        };
        let mut record = Record::of(call, core);
        // When it happened is when it began.
        record
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

/// Whether a JSON-RPC error says that there is no such tool. Servers agree on neither code nor words.
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) fn says_unknown(code: i64, message: &str) -> bool {
    const METHOD_NOT_FOUND: i64 = -32601;
    const INVALID_PARAMS: i64 = -32602;
    const LOOKED_AT: usize = 1_024;
    let mut end = message.len().min(LOOKED_AT);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let message = message.get(..end).unwrap_or_default().to_ascii_lowercase();
    code == METHOD_NOT_FOUND
        || code == INVALID_PARAMS
            && ["not found", "unknown tool", "no such tool", "not exist"]
                .iter()
                .any(|words| message.contains(words))
}

/// Captures a value within the limits.
pub(crate) fn captured(core: &Core, content: Content<'_>, arguments: bool) -> Captured {
    let (captured, panics) = capture::capture_value(&core.config.rules, content, arguments);
    core.ledger.panics(panics);
    captured
}

/// A call under way, in memory of its own. All its texts stand in one, so that copying a dozen of
/// them is one allocation.
struct Record {
    text: String,
    /// Where in it each text stands, in the order of [`texts`]; [`ABSENT`] where there is none.
    places: [(u32, u32); TEXTS],
    meta: Vec<(String, Captured)>,
    arguments: Option<Captured>,
    result: Option<Captured>,
    event_id: Option<i64>,
    event_at: Option<SystemTime>,
    duration: Option<Duration>,
    era: Option<Era>,
    client_class: Option<ClientClass>,
    intent_source: Option<IntentSource>,
    round: Option<u32>,
    unknown_tool: bool,
}

/// The texts of a call that are not its session's.
const OWN_TEXTS: usize = 13;
const TEXTS: usize = OWN_TEXTS + SESSION_TEXTS;
/// No place in a text.
const ABSENT: (u32, u32) = (1, 0);
const PROMPT: usize = 1;
const ERROR: usize = 2;

/// A text is copied no further than this: an event that is larger is refused anyway.
const MAX_TEXT_BYTES: usize = 2 * limits::MAX_EVENT_BYTES;

fn texts<'c>(call: &'c ToolCall<'_>) -> [Option<&'c str>; TEXTS] {
    let facts = &call.facts;
    let identity = facts.identity.as_ref();
    let [a, b, c, d, e, f, g] = facts.session.texts();
    [
        Some(&*call.call.tool),
        call.call.prompt.as_deref(),
        call.call.error.as_deref(),
        identity.map(Identity::id),
        identity.map(Identity::id_type),
        identity.and_then(|identity| identity.email.as_deref()),
        facts.email.as_deref(),
        facts.product_id.as_deref(),
        facts.source.as_deref(),
        facts.environment.as_deref(),
        facts.user_agent.as_deref(),
        facts.ip_addr.as_deref(),
        facts.traceparent.as_deref(),
        a,
        b,
        c,
        d,
        e,
        f,
        g,
    ]
}

/// How much of a text is copied, in bytes: as much as its limit lets through, and as the redactor
/// looks beyond a cut.
fn most_bytes(core: &Core, which: usize) -> usize {
    let limits = &core.config.rules.limits;
    let most = match which {
        PROMPT => limits.prompt_chars,
        ERROR => limits.error_chars,
        _ => return MAX_TEXT_BYTES,
    };
    let bytes = most.saturating_mul(4);
    bytes
        .saturating_add(limits::CUT_MARGIN_BYTES)
        .min(MAX_TEXT_BYTES)
}

/// Adds a text to another, up to a number of bytes; where it stands there.
fn add(to: &mut String, text: &str, most: usize) -> (u32, u32) {
    let start = to.len();
    let mut most = text.len().min(most);
    while !text.is_char_boundary(most) {
        most -= 1;
    }
    to.push_str(text.get(..most).unwrap_or_default());
    // It does not fit only where a guard's texts are set again and again.
    u32::try_from(to.len()).map_or(ABSENT, |end| (start as u32, end))
}

impl Record {
    fn of(call: &ToolCall<'_>, core: &Core) -> Self {
        let own = |content: Content<'_>, arguments| captured(core, content, arguments);
        let texts = texts(call);
        let ToolCall { facts, call } = call;
        let meta = facts.meta.iter();
        let length = texts.iter().flatten().map(|text| text.len()).sum::<usize>();
        let mut record = Self {
            text: String::with_capacity(length.min(MAX_TEXT_BYTES)),
            places: [ABSENT; TEXTS],
            meta: meta
                .map(|(name, value)| (name.clone().into_owned(), own(*value, false)))
                .collect(),
            arguments: call.arguments.map(|value| own(value, true)),
            result: call.result.map(|value| own(value, false)),
            event_id: facts.event_id,
            event_at: facts.event_at,
            duration: call.duration,
            era: facts.era,
            client_class: facts.client_class,
            intent_source: call.intent_source,
            round: call.round,
            unknown_tool: call.unknown_tool,
        };
        for (which, (place, text)) in record.places.iter_mut().zip(texts).enumerate() {
            if let Some(text) = text {
                *place = add(&mut record.text, text, most_bytes(core, which));
            }
        }
        record
    }

    fn set(&mut self, core: &Core, which: usize, text: &str) {
        if let Some(place) = self.places.get_mut(which) {
            *place = add(&mut self.text, text, most_bytes(core, which));
        }
    }

    fn push_meta<T: serde::Serialize + Sync>(&mut self, core: &Core, key: String, value: &T) {
        let value = captured(core, value, false);
        self.meta.push((key, value));
    }

    /// The call as it is logged.
    fn event(&self, outcome: CallOutcome, elapsed: Duration) -> ToolCall<'_> {
        let place = |(start, end)| self.text.get(start as usize..end as usize);
        let texts = self.places.map(place);
        let [
            tool,
            prompt,
            error,
            id,
            id_type,
            identity_email,
            email,
            product_id,
            source,
            environment,
            user_agent,
            ip_addr,
            traceparent,
            session @ ..,
        ] = texts;
        let own = |text: Option<_>| text.map(Text::Borrowed);
        let value = |value: Option<_>| value.map(|value: &Captured| value as Content<'_>);
        let meta = self.meta.iter();
        ToolCall {
            facts: Facts {
                event_id: self.event_id,
                event_at: self.event_at,
                identity: id.map(|id| Identity {
                    id: Text::Borrowed(id),
                    id_type: Text::Borrowed(id_type.unwrap_or_default()),
                    email: own(identity_email),
                }),
                email: own(email),
                product_id: own(product_id),
                source: own(source),
                environment: own(environment),
                user_agent: own(user_agent),
                ip_addr: own(ip_addr),
                session: Session::from_texts(session),
                era: self.era,
                client_class: self.client_class,
                traceparent: own(traceparent),
                meta: meta
                    .map(|(name, value)| (Text::Borrowed(&**name), value as Content<'_>))
                    .collect(),
            },
            call: Call {
                tool: Text::Borrowed(tool.unwrap_or_default()),
                arguments: value(self.arguments.as_ref()),
                prompt: own(prompt),
                intent_source: self.intent_source,
                result: value(self.result.as_ref()),
                error: own(error),
                duration: self.duration.or(Some(elapsed)),
                outcome: Some(outcome),
                round: self.round,
                unknown_tool: self.unknown_tool,
            },
        }
    }
}

//! A copy of a tool call, for the time until it ends.

use std::time::Duration;

use super::pipeline::Pipeline;
use crate::base::text::cut_at_char;
use crate::capture::{Captured, Content, size_mark};
use crate::event::{
    Call, CallOutcome, FACT_TEXTS, FactValues, Facts, Identity, IntentSource,
    MAX_DESCRIPTION_CHARS, MAX_TRACESTATE_BYTES, SESSION_TEXTS, Text, ToolCall,
};
use crate::limits;

/// A copy of a tool call. All its texts stand in one, so that copying a dozen of them is one
/// allocation.
pub(crate) struct CallRecord {
    text: String,
    /// Where in it each text stands, in the order of [`all_texts`]; [`ABSENT`] where there is none.
    places: [(u32, u32); TEXTS],
    meta: Vec<(String, Captured)>,
    pub(super) arguments: Option<Captured>,
    pub(super) result: Option<Captured>,
    pub(super) result_bytes: Option<u64>,
    pub(super) refused_arguments: Option<Captured>,
    pub(super) input_request_methods: Option<Captured>,
    pub(super) values: FactValues,
    duration: Option<Duration>,
    pub(super) intent_source: Option<IntentSource>,
    round: Option<u32>,
    pub(super) unknown_tool: bool,
    pub(super) missing_capability: bool,
}

/// How many texts a call has in front of those of the facts.
const OWN_TEXTS: usize = 7;

const TEXTS: usize = OWN_TEXTS + FACT_TEXTS;

const TOOL: usize = 0;

/// The last texts are those of the session, and its id the first of them.
const SESSION_ID: usize = TEXTS - SESSION_TEXTS;

/// The last facts of a session.
#[cfg(any(feature = "stdio", feature = "tower"))]
pub(super) const SERVER_NAME: usize = TEXTS - 2;
#[cfg(any(feature = "stdio", feature = "tower"))]
pub(super) const SERVER_VERSION: usize = TEXTS - 1;

/// The last texts of the table of facts.
const TRACEPARENT: usize = SESSION_ID - 1;
const HTTP_TRACEPARENT: usize = SESSION_ID - 2;
const TRACESTATE: usize = SESSION_ID - 3;

/// The place of a text that a call does not have.
const ABSENT: (u32, u32) = (1, 0);

pub(super) const PROMPT: usize = 1;

pub(super) const ERROR: usize = 2;

/// The texts of an identity.
pub(super) const ID: usize = 3;
pub(super) const ID_TYPE: usize = 4;
pub(super) const EMAIL: usize = 5;

pub(super) const DESCRIPTION: usize = 6;

/// A text is copied no further than this: an event that is larger is refused anyway.
const MAX_TEXT_BYTES: usize = 2 * limits::MAX_EVENT_BYTES;

/// A name is copied no further than this: as far as it is sent, and as the redactor looks beyond that. A client may make
/// up one of any length.
pub(crate) const MAX_NAME_BYTES: usize = 4 * limits::MAX_NAME_CHARS + limits::CUT_MARGIN_BYTES;

/// No more of a name is sent than this.
pub(super) const MAX_SENT_BYTES: usize = 4 * limits::MAX_NAME_CHARS;

/// A trace context is copied no further than this: beyond its 55 bytes, so that what is malformed stays malformed when it
/// is cut.
const MAX_TRACEPARENT_BYTES: usize = 64;

/// A record that keeps only names and sizes has the names of no more of the keys of `meta` than stand in this, their
/// values' sizes counted.
const MAX_STRIPPED_META_BYTES: usize = 4 * 1024;

fn all_texts<'c>(call: &'c ToolCall<'_>) -> impl Iterator<Item = Option<&'c str>> {
    let ToolCall { facts, call } = call;
    let identity = facts.identity.as_ref();
    let own: [_; OWN_TEXTS] = [
        Some(&*call.tool),
        call.prompt.as_deref(),
        call.error.as_deref(),
        identity.map(Identity::id),
        identity.map(Identity::id_type),
        identity.and_then(|identity| identity.email.as_deref()),
        call.tool_description.as_deref(),
    ];
    own.into_iter().chain(facts.texts())
}

/// The part of a text that is copied. What is short is not measured against its limit.
fn kept<'t>(pipeline: &Pipeline, which: usize, text: &'t str) -> &'t str {
    if text.len() <= MAX_TRACEPARENT_BYTES {
        text
    } else {
        cut_at_char(text, most_bytes(pipeline, which))
    }
}

/// How much of a text is copied, in bytes, never less than [`MAX_TRACEPARENT_BYTES`]: as much as its limit lets through,
/// and as the redactor looks beyond a cut.
pub(super) fn most_bytes(pipeline: &Pipeline, which: usize) -> usize {
    let limits = &pipeline.settings.policy.limits;
    let most = match which {
        PROMPT => limits.prompt_chars,
        ERROR => limits.error_chars,
        DESCRIPTION => MAX_DESCRIPTION_CHARS,
        TOOL => return MAX_NAME_BYTES,
        TRACEPARENT | HTTP_TRACEPARENT => return MAX_TRACEPARENT_BYTES,
        TRACESTATE => return 2 * MAX_TRACESTATE_BYTES,
        // No more than that of a session's id is hashed either.
        fact if fact >= SESSION_ID => return MAX_NAME_BYTES,
        _ => return MAX_TEXT_BYTES,
    };
    let bytes = most.saturating_mul(4);
    bytes
        .saturating_add(limits::CUT_MARGIN_BYTES)
        .min(MAX_TEXT_BYTES)
}

/// Appends a text to another; returns where it stands there.
fn append(to: &mut String, text: &str) -> (u32, u32) {
    let start = to.len();
    to.push_str(text);
    // Only texts that are set again and again get beyond 4 GiB.
    u32::try_from(to.len()).map_or(ABSENT, |end| (start as u32, end))
}

impl CallRecord {
    pub(crate) fn of(call: &ToolCall<'_>, pipeline: &Pipeline) -> Self {
        let capture = |content: Content<'_>, arguments| pipeline.capture_value(content, arguments);
        let (mut texts, mut length) = ([None; TEXTS], 0);
        let mut places = texts.iter_mut().enumerate();
        // `for_each` runs a loop for each of the arrays, a `for` asks which one it is in at each text. With the short way for
        // what is short, 700 instructions less of a call.
        all_texts(call).for_each(|text| {
            if let (Some((which, place)), Some(text)) = (places.next(), text) {
                let text = kept(pipeline, which, text);
                length += text.len();
                *place = Some(text);
            }
        });
        let ToolCall { facts, call } = call;
        let meta = facts.meta().iter();
        let mut record = Self {
            text: String::with_capacity(length.min(MAX_TEXT_BYTES)),
            places: [ABSENT; TEXTS],
            meta: meta
                .map(|(name, value)| (name.clone().into_owned(), capture(*value, false)))
                .collect(),
            arguments: call.arguments.map(|value| capture(value, true)),
            result: call.result.map(|value| capture(value, false)),
            result_bytes: call.result_bytes,
            refused_arguments: call.refused_arguments.map(|value| capture(value, false)),
            input_request_methods: call
                .input_request_methods
                .map(|value| capture(value, false)),
            values: facts.values(),
            duration: call.duration,
            intent_source: call.intent_source,
            round: call.round,
            unknown_tool: call.unknown_tool,
            missing_capability: call.missing_capability,
        };
        for (place, text) in record.places.iter_mut().zip(&texts) {
            if let Some(text) = text {
                *place = append(&mut record.text, text);
            }
        }
        record
    }

    pub(super) fn set(&mut self, which: usize, text: &str) {
        // No more than what is charged for it.
        self.text.reserve_exact(text.len());
        if let Some(place) = self.places.get_mut(which) {
            *place = append(&mut self.text, cut_at_char(text, MAX_TEXT_BYTES));
        }
    }

    /// Takes a text out.
    pub(super) fn unset(&mut self, which: usize) {
        if let Some(place) = self.places.get_mut(which) {
            *place = ABSENT;
        }
    }

    /// The tool's name, as far as it is kept.
    #[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
    pub(crate) fn tool(&self) -> &str {
        let [(start, end), ..] = self.places;
        let tool = self.text.get(start as usize..end as usize);
        tool.unwrap_or_default()
    }

    /// The memory it holds, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let values = self.arguments.iter().chain(&self.result);
        let names = self.refused_arguments.iter();
        let values = values.chain(names.chain(&self.input_request_methods));
        let meta = self
            .meta
            .iter()
            .map(|(name, value)| name.capacity() + value.bytes());
        let content = values.map(Captured::bytes).chain(meta).sum::<usize>();
        let table = self.meta.capacity() * size_of::<(String, Captured)>();
        size_of::<Self>() + self.text.capacity() + table + content
    }

    /// Keeps only names and sizes, in a few KiB whatever the call holds: no memory may be left to charge them to.
    pub(super) fn strip(&mut self) {
        // An outline is no list of names.
        self.refused_arguments = None;
        self.input_request_methods = None;
        let values = self.arguments.iter_mut().chain(&mut self.result);
        for value in values.chain(self.meta.iter_mut().map(|(_, value)| value)) {
            *value = value.outline();
        }
        let mut left = MAX_STRIPPED_META_BYTES;
        self.meta.retain(|(name, value)| {
            let bytes = size_of::<(String, Captured)>() + name.capacity() + value.bytes();
            left.checked_sub(bytes).map(|less| left = less).is_some()
        });
        self.meta.shrink_to_fit();
        let mut text = String::new();
        for (which, place) in self.places.iter_mut().enumerate() {
            if which == DESCRIPTION {
                *place = ABSENT;
            } else if let Some(kept) = self.text.get(place.0 as usize..place.1 as usize) {
                // A name that is longer than is sent says as little as its size. That of the tool and the id of the
                // session tell it from others, and are copied as far as they are looked at.
                let is_bounded = which == TOOL || which == SESSION_ID;
                let is_too_long = !is_bounded && kept.len() > MAX_SENT_BYTES;
                *place = if which == PROMPT || which == ERROR || is_too_long {
                    append(&mut text, &size_mark(kept.len()))
                } else {
                    append(&mut text, kept)
                };
            }
        }
        text.shrink_to_fit();
        self.text = text;
    }

    pub(super) fn push_meta(&mut self, key: String, value: Captured) {
        let grown = self.grown_meta();
        self.meta.reserve_exact(grown - self.meta.len());
        self.meta.push((key, value));
    }

    /// How many places the table of `meta` has with one key more.
    fn grown_meta(&self) -> usize {
        let (length, capacity) = (self.meta.len(), self.meta.capacity());
        if length < capacity {
            capacity
        } else {
            length + (length / 2).max(4)
        }
    }

    /// The memory of one key more in `meta`, in bytes, without its value's.
    pub(super) fn meta_bytes(&self, key: &String) -> usize {
        let places = self.grown_meta() - self.meta.capacity();
        key.capacity() + places * size_of::<(String, Captured)>()
    }

    /// The call as it is logged.
    pub(crate) fn event(&self, outcome: CallOutcome, elapsed: Duration) -> ToolCall<'_> {
        let place = |(start, end)| self.text.get(start as usize..end as usize);
        let texts = self.places.map(place);
        let [
            tool,
            prompt,
            error,
            id,
            id_type,
            identity_email,
            description,
            facts @ ..,
        ] = texts;
        let borrowed = |text: Option<_>| text.map(Text::Borrowed);
        let value = |value: Option<_>| value.map(|value: &Captured| value as Content<'_>);
        let meta = self.meta.iter();
        ToolCall {
            facts: Facts {
                identity: id.map(|id| Identity {
                    id: Text::Borrowed(id),
                    id_type: Text::Borrowed(id_type.unwrap_or_default()),
                    email: borrowed(identity_email),
                }),
                meta: Some(
                    meta.map(|(name, value)| (Text::Borrowed(&**name), value as Content<'_>))
                        .collect(),
                ),
                ..Facts::from_parts(self.values, facts)
            },
            call: Call {
                tool: Text::Borrowed(tool.unwrap_or_default()),
                tool_description: borrowed(description),
                arguments: value(self.arguments.as_ref()),
                prompt: borrowed(prompt),
                intent_source: self.intent_source,
                result: value(self.result.as_ref()),
                result_bytes: self.result_bytes,
                refused_arguments: value(self.refused_arguments.as_ref()),
                input_request_methods: value(self.input_request_methods.as_ref()),
                error: borrowed(error),
                duration: self.duration.or(Some(elapsed)),
                outcome: Some(outcome),
                round: self.round,
                unknown_tool: self.unknown_tool,
                missing_capability: self.missing_capability,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::usage_logger::UsageLogger;
    use super::*;
    use crate::event::{ClientClass, Event};

    fn pipeline() -> Pipeline {
        let builder = UsageLogger::builder().env(|_| None);
        let builder = builder.api_key("test-key-1").product_id("demo");
        let resolved = builder.endpoint("http://127.0.0.1:9/").resolve().unwrap();
        Pipeline::new(resolved.pipeline, resolved.delivery, None)
    }

    /// The content of a call that is sent, without the values that differ between events.
    fn sent<'c>(call: impl Into<Event<'c>>, pipeline: &Pipeline) -> Value {
        let (_, body) = pipeline.frame_alone(&call.into()).unwrap();
        let mut body: Value = serde_json::from_slice(&body).unwrap();
        let mut payload = body["payload"].take();
        payload["event_id"].take();
        payload["event_at"].take();
        payload["meta"]["sequence"].take();
        payload
    }

    #[test]
    fn the_event_of_a_record_is_that_of_its_call() {
        let (pipeline, second) = (pipeline(), Duration::from_secs(1));
        let (arguments, result) = (json!({"query": "rails"}), json!(["a", "b"]));
        let call = || {
            let mut call = ToolCall::new("search");
            call.call.missing_capability = true;
            call.arguments(&arguments)
                .result(&result)
                .result_bytes(17)
                .refused_arguments(&result)
                .input_request_methods(&result)
                .prompt("to find")
                .error("no such index")
                .intent_source(IntentSource::Native)
                .unknown_tool(true)
                .identity(Identity::email("rachel@example.com"))
                .user_agent("claude-code/2.1")
                .ip_addr("::1")
                .session_id("s1")
                .client_name("claude-code")
                .server_name("demo")
                .client_class(ClientClass::Agent)
                .traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
                .meta("team", &result)
        };
        let record = CallRecord::of(&call(), &pipeline);
        let again = record.event(CallOutcome::ToolError, second);
        let ended = call().outcome(CallOutcome::ToolError).duration(second);
        let (sent_again, sent) = (sent(again, &pipeline), sent(ended, &pipeline));
        assert_eq!(sent_again, sent);
        assert_eq!(sent["meta"]["team"], result, "{sent}");
    }

    #[test]
    fn a_call_lasts_as_long_as_the_caller_says_or_as_it_was_open() {
        let (pipeline, second) = (pipeline(), Duration::from_secs(1));
        let given = ToolCall::new("search").duration(5 * second);
        for (call, expected) in [(ToolCall::new("search"), second), (given, 5 * second)] {
            let record = CallRecord::of(&call, &pipeline);
            let event = record.event(CallOutcome::Ok, second);
            assert_eq!(event.call.duration, Some(expected));
        }
    }

    #[test]
    fn a_text_set_again_replaces_the_first() {
        let pipeline = pipeline();
        let mut record = CallRecord::of(&ToolCall::new("search").prompt("first"), &pipeline);
        record.set(PROMPT, "second, and longer");
        record.set(ERROR, "");
        let event = record.event(CallOutcome::Ok, Duration::ZERO);
        assert_eq!(event.call.tool, "search");
        assert_eq!(event.call.prompt.as_deref(), Some("second, and longer"));
        assert_eq!(event.call.error.as_deref(), Some(""));
    }

    #[test]
    fn a_text_is_copied_as_far_as_the_redactor_looks() {
        let pipeline = pipeline();
        let long = "é".repeat(limits::MAX_EVENT_BYTES);
        let record = CallRecord::of(&ToolCall::new("search").error(long.as_str()), &pipeline);
        let event = record.event(CallOutcome::ToolError, Duration::ZERO);
        let copied = event.call.error.unwrap().len();
        let at_limit = 4 * limits::MAX_ERROR_CHARS;
        assert!((at_limit..=at_limit + limits::CUT_MARGIN_BYTES).contains(&copied));
    }

    #[test]
    fn a_record_that_is_stripped_keeps_names_and_sizes_and_little_memory() {
        let pipeline = pipeline();
        let text = "plain words ".repeat(1_000);
        let (arguments, result) = (json!({"query": text, "n": 7}), json!([1, 2]));
        let call = ToolCall::new("search")
            .arguments(&arguments)
            .result(&result)
            .prompt(text.as_str())
            .error("fault")
            .user_agent("claude-code/2.1")
            .meta("team", &text);
        let mut record = CallRecord::of(&call, &pipeline);
        let before = record.bytes();
        record.strip();
        assert!(record.bytes() + text.len() < before);
        let sent = sent(record.event(CallOutcome::Ok, Duration::ZERO), &pipeline);
        assert_eq!(sent["user_agent"], "claude-code/2.1");
        let meta = &sent["meta"];
        assert_eq!(meta["tool"], "search");
        assert_eq!(meta["result"], "[5 bytes]");
        assert_eq!(meta["prompt"], "[12000 bytes]");
        assert_eq!(meta["error"], "[5 bytes]");
        assert_eq!(meta["tool_arguments"]["n"], "[1 bytes]");
        for cut in [&meta["tool_arguments"]["query"], &meta["team"]] {
            assert!(cut.as_str().unwrap().ends_with(" bytes]"), "{cut}");
        }
    }

    #[test]
    fn a_record_that_is_stripped_is_small_whichever_text_was_long() {
        const MOST: usize = 16 * 1024;
        let pipeline = pipeline();
        let (long, name) = ("x".repeat(400_000), Text::Owned("k".repeat(400_000)));
        let wide: Value = (0..80)
            .map(|n| (format!("{n:0200}"), json!(n)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let call = || ToolCall::new("search");
        let mut keys = call();
        for n in 0..1_000 {
            keys = keys.meta(format!("key_{n}"), &7);
        }
        let traced = |text: &str| call().traceparent(text.to_owned());
        let call = [
            ("tool", ToolCall::new(&*long)),
            ("prompt", call().prompt(&*long)),
            ("error", call().error(&*long)),
            ("identity", call().identity(Identity::new(&*long, "T"))),
            ("kind", call().identity(Identity::new("u", &*long))),
            ("email", call().email(&*long)),
            ("product_id", call().product_id(&*long)),
            ("source", call().source(&*long)),
            ("environment", call().environment(&*long)),
            ("user_agent", call().user_agent(&*long)),
            ("ip_addr", call().ip_addr(&*long)),
            ("session_id", call().session_id(&*long)),
            ("conversation_id", call().conversation_id(&*long)),
            ("client_name", call().client_name(&*long)),
            ("traceparent", traced(&long)),
            ("tracestate", call().tracestate(&*long)),
            ("http_traceparent", call().http_traceparent(&*long)),
            ("http_tracestate", call().http_tracestate(&*long)),
            ("a name in meta", call().meta(name, &7)),
            ("names in meta", keys),
            ("a value in meta", call().meta("wide", &wide)),
            ("arguments", call().arguments(&wide)),
        ];
        for (what, call) in call {
            let mut record = CallRecord::of(&call, &pipeline);
            record.strip();
            assert!(record.bytes() <= MOST, "{what}: {}", record.bytes());
        }
    }

    #[test]
    fn a_text_that_is_cut_or_stripped_is_told_from_others_as_the_whole_was() {
        let (pipeline, long) = (pipeline(), "s".repeat(400_000));
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let traced = [traceparent, "x"].concat() + &long;
        let wide = [traceparent, "\u{e9}"].concat();
        let call = |traceparent| {
            ToolCall::new("search")
                .session_id(&*long)
                .traceparent(traceparent)
        };
        let of_call = sent(call(traceparent), &pipeline);
        for (text, malformed) in [(traceparent, 0), (&*traced, 1), (&*wide, 1)] {
            let mut record = CallRecord::of(&call(text), &pipeline);
            record.strip();
            let mut event = Event::from(record.event(CallOutcome::Ok, Duration::ZERO));
            let now = std::time::SystemTime::now();
            assert_eq!(event.leave_out_malformed(now), malformed);
            let again = sent(event, &pipeline);
            assert_eq!(again["meta"]["session_id"], of_call["meta"]["session_id"]);
        }
    }
}

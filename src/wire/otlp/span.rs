//! One event as one span.

use std::borrow::Cow;

use super::attributes::Attributes;
use super::json::Members;
use super::protobuf::Message;
use super::settings::Otlp;
use super::trace::Ids;
use crate::event::{CallOutcome, PLAUSIBLE_MILLIS};
use crate::transport::http::USER_AGENT;
use crate::wire::reo;

/// The kinds of spans: what happens within the server, and a request to it.
const INTERNAL: u64 = 1;
const SERVER: u64 = 2;

/// The code of a status; another than an error is left unset.
const ERROR: u64 = 2;

/// The codes of JSON-RPC that are the caller's fault: a message, a method, parameters or a resource that there is not.
const CALLERS_FAULTS: [i64; 5] = [-32_700, -32_600, -32_601, -32_602, -32_002];

/// The attributes that members of `meta` become. One without an attribute is written elsewhere in the span.
const ATTRIBUTES: &[(&str, &[&str])] = &[
    ("client_name", &["mcp.client.name"]),
    ("client_version", &["mcp.client.version"]),
    ("conversation_id", &["gen_ai.conversation.id"]),
    ("duration_ms", &[]),
    ("error", &[]),
    ("outcome", &["mcp_usage.outcome"]),
    ("prompt", &["mcp_usage.intent"]),
    ("prompt_name", &["gen_ai.prompt.name"]),
    ("protocol_version", &["mcp.protocol.version"]),
    ("redactions", &[]),
    ("request_id", &[]),
    ("resource_uri", &["mcp.resource.uri"]),
    ("result", &[]),
    // Some backends group by the one, and some by the other.
    ("session_id", &["mcp.session.id", "session.id"]),
    ("tool", &["gen_ai.tool.name"]),
    ("tool_arguments", &[]),
    ("traceparent", &[]),
    ("transport", &[]),
];

/// The members of `meta` that a request for a prompt or a resource has beside those of every event.
const REQUEST_NAMES: [&str; 5] = [
    "duration_ms",
    "error",
    "outcome",
    "prompt_name",
    "resource_uri",
];

/// What an event says happened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    ToolCall,
    PromptGet,
    ResourceRead,
    Init,
    /// A login, a refused login, or whatever the host reports.
    Other,
}

impl Kind {
    fn of(activity: &str, meta: &Members<'_>) -> Self {
        let names = |name| meta.text(name).is_some_and(|text| !text.is_empty());
        match activity {
            // The host may report its own events by these words, and `before_send` takes a name out.
            "MCP_TOOL_CALL" if names("tool") => Self::ToolCall,
            "MCP_PROMPT_GET" if names("prompt_name") => Self::PromptGet,
            "MCP_RESOURCE_READ" if names("resource_uri") => Self::ResourceRead,
            "MCP_INIT" => Self::Init,
            _ => Self::Other,
        }
    }

    /// The method of a request.
    const fn method(self) -> Option<&'static str> {
        match self {
            Self::ToolCall => Some("tools/call"),
            Self::PromptGet => Some("prompts/get"),
            Self::ResourceRead => Some("resources/read"),
            Self::Init | Self::Other => None,
        }
    }

    /// Whether a name in `meta` is ours in an event of this kind, and none of the caller's.
    fn is_own_name(self, name: &str) -> bool {
        match self {
            Self::ToolCall | Self::Init => reo::is_own_name(name),
            Self::PromptGet | Self::ResourceRead => {
                reo::is_common_name(name) || REQUEST_NAMES.contains(&name)
            }
            Self::Other => reo::is_common_name(name),
        }
    }
}

/// How a request ended, as a span says it.
#[derive(Default)]
struct End<'e> {
    error_type: Option<Cow<'e, str>>,
    is_error: bool,
}

/// An event as it is read.
struct SpanSource<'e> {
    activity: Cow<'e, str>,
    kind: Kind,
    event: Members<'e>,
    meta: Members<'e>,
    /// What this wire alone has.
    own: Members<'e>,
    error: Option<Cow<'e, str>>,
    end: End<'e>,
}

/// Writes an event as a span.
pub(super) fn write(event: &str, otlp: &Otlp, span: &mut Message<'_>) {
    let source = SpanSource::read(event);
    let ids = Ids::of(&source.event, &source.meta, &source.own);
    let [start, end] = source.times();
    span.bytes(1, &ids.trace);
    span.bytes(2, &ids.span);
    if let Some(state) = &ids.state {
        span.bytes(3, state.as_bytes());
    }
    if let Some(parent) = &ids.parent {
        span.bytes(4, parent);
    }
    span.bytes(5, source.name().as_bytes());
    span.varint(6, source.kind.method().map_or(INTERNAL, |_| SERVER));
    span.fixed64(7, start);
    span.fixed64(8, end);
    source.write_attributes(otlp, &mut Attributes::new(span, 9));
    let message = source.error.as_deref().filter(|_| source.end.is_error);
    if let Some(message) = message {
        span.message(11, |event| {
            event.fixed64(1, end);
            event.bytes(2, b"exception");
            let mut attributes = Attributes::new(event, 3);
            attributes.known("exception.type", source.end.error_type.as_deref());
            attributes.text("exception.message", message);
        });
    }
    if let Some(link) = &ids.link {
        span.message(13, |message| link.write(message));
    }
    if source.end.is_error {
        span.message(15, |status| {
            if let Some(message) = message {
                status.bytes(2, message.as_bytes());
            }
            status.varint(3, ERROR);
        });
    }
    span.fixed32(16, ids.flags);
}

impl<'e> SpanSource<'e> {
    fn read(event: &'e str) -> Self {
        let event = Members::read(event);
        let activity = event.text("activity_type").unwrap_or_default();
        let (meta, own) = (event.object("meta"), event.object("otlp"));
        let kind = Kind::of(&activity, &meta);
        let is_request = kind.method().is_some();
        let outcome = meta.text("outcome").filter(|_| is_request);
        Self {
            error: meta
                .text("error")
                .filter(|error| is_request && !error.is_empty()),
            end: outcome.map_or_else(End::default, |outcome| {
                End::of(&outcome, own.integer("code"))
            }),
            activity,
            kind,
            event,
            meta,
            own,
        }
    }

    /// A few names for all spans there are: what a client makes up, and what may hold an id as a URI does, stands in the
    /// attributes alone.
    fn name(&self) -> String {
        let Some(method) = self.kind.method() else {
            return format!("mcp_usage.{}", self.activity_name());
        };
        let of_callers = self.own.integer("code").is_some_and(is_callers_fault);
        let target = match self.kind {
            Kind::ToolCall if !self.meta.is_true("unknown_tool") => self.meta.text("tool"),
            Kind::PromptGet if !of_callers => self.meta.text("prompt_name"),
            _ => None,
        };
        match target.filter(|target| !target.is_empty() && !target.contains("://")) {
            Some(target) => format!("{method} {target}"),
            None => method.to_owned(),
        }
    }

    fn activity_name(&self) -> Cow<'_, str> {
        match &*self.activity {
            "MCP_IDENTITY_CAPTURE" => Cow::Borrowed("login"),
            activity => {
                let name = activity.strip_prefix("MCP_").unwrap_or(activity);
                let word = |c: char| match c {
                    c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
                    _ => '_',
                };
                Cow::Owned(name.chars().map(word).collect())
            }
        }
    }

    /// Start and end in nanoseconds since 1970.
    fn times(&self) -> [u64; 2] {
        const MILLISECOND: f64 = 1_000_000.0;
        const SECOND: u64 = 1_000_000_000;
        let in_meta = || Some(self.meta.get("duration_ms")?.parse::<f64>().ok()? * MILLISECOND);
        let duration = match (self.kind.method(), self.own.integer("duration")) {
            (None, _) => 0,
            (_, Some(duration)) => duration,
            // A double that is negative or no number becomes 0.
            (_, None) => in_meta().unwrap_or_default() as u64,
        };
        // No receiver takes a call for one that began before there were any, however long it took.
        let [first, last] = [PLAUSIBLE_MILLIS.start(), PLAUSIBLE_MILLIS.end()]
            .map(|millis| (*millis as u64).saturating_mul(MILLISECOND as u64));
        if let Some(end) = self.own.integer::<u64>("end") {
            let start = end.saturating_sub(duration);
            return [start.max(first).min(end), end];
        }
        let seconds = self.event.integer::<u64>("event_at").unwrap_or_default();
        let start = self.own.integer("start");
        let start = start.unwrap_or_else(|| seconds.saturating_mul(SECOND));
        let end = start.saturating_add(duration);
        [start, end.min(last).max(start)]
    }

    fn write_attributes(&self, otlp: &Otlp, to: &mut Attributes<'_, '_>) {
        to.known("mcp.method.name", self.kind.method());
        if self.kind == Kind::ToolCall {
            to.text("gen_ai.operation.name", "execute_tool");
        }
        to.known("error.type", self.end.error_type.as_deref());
        let code = self.own.get("code");
        to.known("rpc.response.status_code", code);
        if !self.end.is_error {
            to.known("mcp_usage.error", self.error.as_deref());
        }
        if self.kind.method().is_none() {
            to.text("mcp_usage.activity_type", &self.activity);
        }
        self.write_user(otlp, to);
        self.write_network(to);
        for (name, attribute) in [
            ("product_id", "mcp_usage.product_id"),
            ("environment", "mcp_usage.environment"),
            ("source", "mcp_usage.source"),
        ] {
            let text = self.event.text(name);
            let differs = |text: &Cow<'_, str>| !otlp.resource.says(name, text);
            to.known(attribute, text.filter(differs).as_deref());
        }
        if let Some(id) = self.event.get("event_id") {
            to.json("mcp_usage.event_id", id);
        }
        self.write_meta(to);
    }

    fn write_user(&self, otlp: &Otlp, to: &mut Attributes<'_, '_>) {
        let id = self.event.text("user_id").unwrap_or_default();
        let email = self.own.text("email");
        if id != "anonymous" {
            to.known("user.id", Some(&id));
            to.known("enduser.id", Some(&*id).filter(|_| otlp.enduser_id));
            let is_hash = self.own.is_true("pseudonym");
            to.known("user.hash", Some(&*id).filter(|_| is_hash));
            to.known(
                "mcp_usage.user_id_type",
                self.event.text("user_id_type").as_deref(),
            );
        }
        to.known("user.email", email.as_deref());
    }

    fn write_network(&self, to: &mut Attributes<'_, '_>) {
        to.known("client.address", self.event.text("ip_addr").as_deref());
        let agent = self.event.text("user_agent");
        let agent = agent.filter(|agent| agent != USER_AGENT);
        to.known("user_agent.original", agent.as_deref());
        let Some(transport) = self.meta.text("transport") else {
            return;
        };
        let (transport, protocol) = match &*transport {
            "stdio" => ("pipe", None),
            "http" | "https" | "sse" | "streamable-http" | "streamable_http" => {
                ("tcp", Some("http"))
            }
            "tcp" => ("tcp", None),
            "quic" => ("quic", None),
            other => return to.text("mcp_usage.transport", other),
        };
        to.text("network.transport", transport);
        to.known("network.protocol.name", protocol);
    }

    fn write_meta(&self, to: &mut Attributes<'_, '_>) {
        for (name, json) in self.meta.iter() {
            if !self.kind.is_own_name(name) {
                to.json(&format!("mcp_usage.meta.{name}"), json);
                continue;
            }
            let row = ATTRIBUTES.iter().find(|(known, _)| *known == name);
            match row {
                Some((_, attributes)) => {
                    for attribute in *attributes {
                        to.json(attribute, json);
                    }
                }
                None => to.json(&format!("mcp_usage.{name}"), json),
            }
        }
        if let Some(id) = self.meta.get("request_id").filter(|id| *id != "null") {
            // A number, too, as text.
            let text = self.meta.text("request_id");
            to.text("jsonrpc.request.id", text.as_deref().unwrap_or(id));
        }
        for (class, count) in self.meta.object("redactions").iter() {
            to.json(&format!("mcp_usage.redactions.{class}"), count);
        }
        if self.kind == Kind::ToolCall {
            to.known(
                "gen_ai.tool.call.arguments",
                self.meta.get("tool_arguments"),
            );
            to.known("gen_ai.tool.call.result", self.meta.get("result"));
        }
    }
}

impl<'e> End<'e> {
    fn of(outcome: &str, code: Option<i64>) -> Self {
        let is = |outcome_of: CallOutcome| outcome == outcome_of.as_str();
        let (error_type, is_error) = if is(CallOutcome::ToolError) {
            ("tool_error", true)
        } else if is(CallOutcome::ProtocolError) {
            let Some(code) = code else {
                return Self::other(true);
            };
            return Self {
                error_type: Some(Cow::Owned(code.to_string())),
                is_error: !is_callers_fault(code),
            };
        } else if is(CallOutcome::Timeout) {
            ("timeout", true)
        } else if is(CallOutcome::Panicked) {
            ("panic", true)
        } else if is(CallOutcome::Cancelled) {
            ("cancelled", false)
        } else if is(CallOutcome::Dropped) || is(CallOutcome::Unknown) {
            return Self::other(false);
        } else {
            return Self::default();
        };
        Self {
            error_type: Some(Cow::Borrowed(error_type)),
            is_error,
        }
    }

    /// An error without a name.
    const fn other(is_error: bool) -> Self {
        Self {
            error_type: Some(Cow::Borrowed("_OTHER")),
            is_error,
        }
    }
}

fn is_callers_fault(code: i64) -> bool {
    CALLERS_FAULTS.contains(&code)
}

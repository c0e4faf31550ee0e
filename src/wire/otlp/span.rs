//! One event as one span.

use std::borrow::Cow;

use super::attributes::Attributes;
use super::protobuf::Message;
use super::settings::Otlp;
use super::trace::Ids;
use crate::event::CallOutcome;
use crate::transport::http::USER_AGENT;
use crate::wire::record::{Kind, Record};

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

/// How a request ended, as a span says it.
#[derive(Default)]
struct End<'e> {
    error_type: Option<Cow<'e, str>>,
    is_error: bool,
}

/// A record, and how it ended as a span says it.
struct SpanSource<'e> {
    record: Record<'e>,
    end: End<'e>,
}

/// Writes an event as a span.
pub(super) fn write(event: &str, otlp: &Otlp, span: &mut Message<'_>) {
    let source = SpanSource::read(event);
    let record = &source.record;
    let ids = Ids::of(&record.event, &record.meta, &record.head);
    let [start, end] = record.times();
    span.bytes(1, &ids.trace);
    span.bytes(2, &ids.span);
    if let Some(state) = &ids.state {
        span.bytes(3, state.as_bytes());
    }
    if let Some(parent) = &ids.parent {
        span.bytes(4, parent);
    }
    span.bytes(5, source.name().as_bytes());
    span.varint(6, record.kind.method().map_or(INTERNAL, |_| SERVER));
    span.fixed64(7, start);
    span.fixed64(8, end);
    source.write_attributes(otlp, &mut Attributes::new(span, 9));
    let message = record.error.as_deref().filter(|_| source.end.is_error);
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
        let record = Record::read(event);
        let outcome = record.outcome.as_deref();
        let end = outcome.map_or_else(End::default, |outcome| End::of(outcome, record.code()));
        Self { record, end }
    }

    /// A few names for all spans there are: what a client makes up, and what may hold an id as a URI does, stands in the
    /// attributes alone.
    fn name(&self) -> String {
        let Some(method) = self.record.kind.method() else {
            return format!("mcp_usage.{}", self.activity_name());
        };
        let of_callers = self.record.code().is_some_and(is_callers_fault);
        let target = match self.record.kind {
            Kind::ToolCall if !self.record.meta.is_true("unknown_tool") => {
                self.record.meta.text("tool")
            }
            Kind::PromptGet if !of_callers => self.record.meta.text("prompt_name"),
            _ => None,
        };
        match target.filter(|target| !target.is_empty() && !target.contains("://")) {
            Some(target) => format!("{method} {target}"),
            None => method.to_owned(),
        }
    }

    fn activity_name(&self) -> Cow<'_, str> {
        match &*self.record.activity {
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

    fn write_attributes(&self, otlp: &Otlp, to: &mut Attributes<'_, '_>) {
        to.known("mcp.method.name", self.record.kind.method());
        if self.record.kind == Kind::ToolCall {
            to.text("gen_ai.operation.name", "execute_tool");
        }
        to.known("error.type", self.end.error_type.as_deref());
        let code = self.record.head.get("code");
        to.known("rpc.response.status_code", code);
        if !self.end.is_error {
            to.known("mcp_usage.error", self.record.error.as_deref());
        }
        if self.record.kind.method().is_none() {
            to.text("mcp_usage.activity_type", &self.record.activity);
        }
        self.write_user(otlp, to);
        self.write_network(to);
        for (name, attribute) in [
            ("product_id", "mcp_usage.product_id"),
            ("environment", "mcp_usage.environment"),
            ("source", "mcp_usage.source"),
        ] {
            let text = self.record.event.text(name);
            let differs = |text: &Cow<'_, str>| !otlp.resource.says(name, text);
            to.known(attribute, text.filter(differs).as_deref());
        }
        if let Some(id) = self.record.event.get("event_id") {
            to.json("mcp_usage.event_id", id);
        }
        self.write_meta(to);
    }

    fn write_user(&self, otlp: &Otlp, to: &mut Attributes<'_, '_>) {
        let id = self.record.event.text("user_id").unwrap_or_default();
        let email = self.record.head.text("email");
        if id != "anonymous" {
            to.known("user.id", Some(&id));
            to.known("enduser.id", Some(&*id).filter(|_| otlp.enduser_id));
            let is_hash = self.record.head.is_true("pseudonym");
            to.known("user.hash", Some(&*id).filter(|_| is_hash));
            to.known(
                "mcp_usage.user_id_type",
                self.record.event.text("user_id_type").as_deref(),
            );
        }
        to.known("user.email", email.as_deref());
    }

    fn write_network(&self, to: &mut Attributes<'_, '_>) {
        let address = self.record.event.text("ip_addr");
        to.known("client.address", address.as_deref());
        if let (Some(_), Some(port)) = (address, self.record.head.get("client_port")) {
            to.json("client.port", port);
        }
        let agent = self.record.event.text("user_agent");
        let agent = agent.filter(|agent| agent != USER_AGENT);
        to.known("user_agent.original", agent.as_deref());
        let Some(transport) = self.record.meta.text("transport") else {
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
        let version = self.record.head.text("http_version");
        let version = version.filter(|_| protocol.is_some());
        to.known("network.protocol.version", version.as_deref());
    }

    fn write_meta(&self, to: &mut Attributes<'_, '_>) {
        for (name, json) in self.record.meta.iter() {
            if !self.record.kind.is_own_name(name) {
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
        if let Some(id) = self
            .record
            .meta
            .get("request_id")
            .filter(|id| *id != "null")
        {
            // A number, too, as text.
            let text = self.record.meta.text("request_id");
            to.text("jsonrpc.request.id", text.as_deref().unwrap_or(id));
        }
        for (class, count) in self.record.meta.object("redactions").iter() {
            to.json(&format!("mcp_usage.redactions.{class}"), count);
        }
        if self.record.kind == Kind::ToolCall {
            to.known(
                "gen_ai.tool.call.arguments",
                self.record.meta.get("tool_arguments"),
            );
            to.known("gen_ai.tool.call.result", self.record.meta.get("result"));
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

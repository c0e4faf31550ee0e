//! One event as one span.

use std::borrow::Cow;

use super::attributes::Attributes;
use super::protobuf::{Message, Size};
use super::resource::Resource;
use super::settings::Otlp;
use super::trace::Ids;
use crate::event::CallOutcome;
use crate::transport::http::USER_AGENT;
use crate::wire::record::{HeadName, Json, JsonKind, Kind, MetaName, Owner, PayloadName, Record};

/// The kinds of spans: what happens within the server, and a request to it.
const INTERNAL: u64 = 1;
const SERVER: u64 = 2;

/// The code of a status; another than an error is left unset.
const ERROR: u64 = 2;

/// The codes of JSON-RPC that are the caller's fault: a message, a method, parameters or a resource that there is not.
const CALLERS_FAULTS: [i64; 5] = [-32_700, -32_600, -32_601, -32_602, -32_002];

/// The attributes that a member of `meta` becomes: none where it is written elsewhere in the span; `None` where that is
/// called as the member is.
const fn attributes(name: MetaName) -> Option<&'static [&'static str]> {
    Some(match name {
        MetaName::ClientName => &["mcp.client.name"],
        MetaName::ClientVersion => &["mcp.client.version"],
        MetaName::ConversationId => &["gen_ai.conversation.id"],
        MetaName::Outcome => &["mcp_usage.outcome"],
        MetaName::Prompt => &["mcp_usage.intent"],
        MetaName::PromptName => &["gen_ai.prompt.name"],
        MetaName::ProtocolVersion => &["mcp.protocol.version"],
        MetaName::ResourceUri => &["mcp.resource.uri"],
        // Some backends group by the one, and some by the other.
        MetaName::SessionId => &["mcp.session.id", "session.id"],
        MetaName::Tool => &["gen_ai.tool.name"],
        MetaName::DurationMs
        | MetaName::Error
        | MetaName::Redactions
        | MetaName::RequestId
        | MetaName::Result
        | MetaName::ToolArguments
        | MetaName::Traceparent
        | MetaName::Transport => &[],
        MetaName::ClientClass
        | MetaName::Era
        | MetaName::InputRequestMethods
        | MetaName::Instance
        | MetaName::IntentSource
        | MetaName::MissingCapability
        | MetaName::RefusedArguments
        | MetaName::Sequence
        | MetaName::ServerName
        | MetaName::ServerVersion
        | MetaName::ToolArgumentKeyCount
        | MetaName::ToolArgumentKeys
        | MetaName::Tools
        | MetaName::UnknownTool
        | MetaName::VendorClient => return None,
    })
}

/// How a request ended, as a span says it.
#[derive(Default)]
struct End {
    error_type: Option<Cow<'static, str>>,
    is_error: bool,
}

/// A record, and how it ended as a span says it.
struct SpanSource<'r, 'e> {
    record: &'r Record<'e>,
    end: End,
}

/// Writes an event as a span.
pub(super) fn write(record: &Record<'_>, otlp: &Otlp, span: &mut Message<'_>) {
    let source = SpanSource::of(record);
    let ids = Ids::of(record);
    let [start, end] = record.times();
    span.bytes(1, &ids.trace);
    span.bytes(2, &ids.span);
    if let Some(state) = &ids.state {
        span.bytes(3, state.as_bytes());
    }
    if let Some(parent) = &ids.parent {
        span.bytes(4, parent);
    }
    source.write_name(span);
    span.varint(6, record.kind.method().map_or(INTERNAL, |_| SERVER));
    span.fixed64(7, start);
    span.fixed64(8, end);
    source.write_attributes(otlp, &mut Attributes::new(span, 9));
    let message = record.error.only_if(source.end.is_error);
    if source.end.is_error {
        span.message(11, Size::Small, |event| {
            event.fixed64(1, end);
            event.bytes(2, b"exception");
            let mut attributes = Attributes::new(event, 3);
            attributes.some("exception.type", source.end.error_type.as_deref());
            attributes.known("exception.message", message);
        });
    }
    if let Some(link) = &ids.link {
        span.message(13, Size::Small, |message| link.write(message));
    }
    if source.end.is_error {
        span.message(15, Size::Small, |status| {
            if let Some(message) = message.text() {
                status.bytes(2, message.as_bytes());
            }
            status.varint(3, ERROR);
        });
    }
    span.fixed32(16, ids.flags);
}

impl<'r, 'e> SpanSource<'r, 'e> {
    fn of(record: &'r Record<'e>) -> Self {
        let outcome = record.outcome.as_deref();
        let end = outcome.map_or_else(End::default, |outcome| End::of(outcome, record.code()));
        Self { record, end }
    }

    /// Writes a name. There are few for all spans: what a client makes up, and what may hold an id as a URI does, stands
    /// in the attributes alone.
    fn write_name(&self, span: &mut Message<'_>) {
        let mut write = |parts: [&str; 3]| {
            span.head(5, parts.iter().map(|part| part.len()).sum());
            for part in parts {
                span.raw(part.as_bytes());
            }
        };
        let Some(method) = self.record.kind.method() else {
            return write(["mcp_usage.", &self.activity_name(), ""]);
        };
        let of_callers = self.record.code().is_some_and(is_callers_fault);
        let target = match self.record.kind {
            Kind::ToolCall if !self.record.meta(MetaName::UnknownTool).is_true() => {
                self.record.meta(MetaName::Tool)
            }
            Kind::PromptGet if !of_callers => self.record.meta(MetaName::PromptName),
            _ => Json::ABSENT,
        };
        let target = target.present().filter(|target| !target.contains("://"));
        match &target {
            Some(target) => write([method, " ", target]),
            None => write([method, "", ""]),
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
        to.some("mcp.method.name", self.record.kind.method());
        if self.record.kind == Kind::ToolCall {
            to.text("gen_ai.operation.name", "execute_tool");
        }
        to.some("error.type", self.end.error_type.as_deref());
        let code = self.record.head(HeadName::Code).get();
        to.some("rpc.response.status_code", code);
        if !self.end.is_error {
            to.known("mcp_usage.error", self.record.error);
        }
        if self.record.kind.method().is_none() {
            to.text("mcp_usage.activity_type", &self.record.activity);
        }
        self.write_user(otlp, to);
        self.write_network(to);
        let resource = &otlp.resource;
        for (name, attribute, is_said) in [
            (
                PayloadName::ProductId,
                "mcp_usage.product_id",
                Resource::says_product as fn(&Resource, Json<'_>) -> bool,
            ),
            (
                PayloadName::Environment,
                "mcp_usage.environment",
                Resource::says_environment,
            ),
            (
                PayloadName::Source,
                "mcp_usage.source",
                Resource::says_source,
            ),
        ] {
            let text = self.record.event(name);
            to.known(attribute, text.only_if(!is_said(resource, text)));
        }
        to.json(
            "mcp_usage.event_id",
            self.record.event(PayloadName::EventId),
        );
        self.write_meta(to);
    }

    fn write_user(&self, otlp: &Otlp, to: &mut Attributes<'_, '_>) {
        if self.record.user_id().is_some() {
            let id = self.record.event(PayloadName::UserId);
            to.known("user.id", id);
            to.known("enduser.id", id.only_if(otlp.enduser_id));
            let is_hash = self.record.head(HeadName::Pseudonym).is_true();
            to.known("user.hash", id.only_if(is_hash));
            let kind = self.record.event(PayloadName::UserIdType);
            to.known("mcp_usage.user_id_type", kind);
        }
        to.known("user.email", self.record.head(HeadName::Email));
    }

    fn write_network(&self, to: &mut Attributes<'_, '_>) {
        let address = self.record.event(PayloadName::IpAddr);
        to.known("client.address", address);
        let port = self.record.head(HeadName::ClientPort);
        to.json("client.port", port.only_if(address.text().is_some()));
        let agent = self.record.event(PayloadName::UserAgent);
        to.known("user_agent.original", agent.only_if(!agent.is(USER_AGENT)));
        let Some(transport) = self.record.meta(MetaName::Transport).text() else {
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
        let version = self.record.head(HeadName::HttpVersion);
        let version = version.only_if(protocol.is_some());
        // HTTP/3 alone does not run over TCP.
        let transport = if version.is("3") { "quic" } else { transport };
        to.text("network.transport", transport);
        to.some("network.protocol.name", protocol);
        to.known("network.protocol.version", version);
    }

    fn write_meta(&self, to: &mut Attributes<'_, '_>) {
        for member in self.record.meta_members() {
            let (prefix, name) = match member.owner(self.record.kind) {
                Owner::Known(known) => match attributes(known) {
                    Some(attributes) => {
                        for attribute in attributes {
                            to.json(attribute, member.value);
                        }
                        continue;
                    }
                    None => ("mcp_usage.", Cow::Borrowed(known.as_str())),
                },
                Owner::Own(name) => ("mcp_usage.", name),
                Owner::Caller(name) => ("mcp_usage.meta.", name),
            };
            to.named([prefix, &name], member.value);
        }
        let request_id = self.record.meta(MetaName::RequestId);
        if !matches!(request_id.kind, JsonKind::Absent | JsonKind::Null) {
            // A number, too, as text.
            let text = request_id.text();
            let text = text.as_deref().unwrap_or(request_id.as_str());
            to.text("jsonrpc.request.id", text);
        }
        for (class, count) in self.record.meta(MetaName::Redactions).members() {
            let class = class.text().unwrap_or_default();
            to.named(["mcp_usage.redactions.", &class], count);
        }
        if self.record.kind == Kind::ToolCall {
            for (name, attribute) in [
                (MetaName::ToolArguments, "gen_ai.tool.call.arguments"),
                (MetaName::Result, "gen_ai.tool.call.result"),
            ] {
                to.some(attribute, self.record.meta(name).get());
            }
        }
    }
}

impl End {
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

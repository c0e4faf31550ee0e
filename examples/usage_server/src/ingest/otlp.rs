//! OTLP: spans of MCP servers, this crate's and others', translated into what the Reo wires say.

use std::collections::HashSet;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Map, Value};

use super::bounds::{
    self, MAX_EVENT_BYTES, MAX_EVENTS, NAME_CHARS, REASON_CHARS, WHOLE, take_id, take_text,
};
use super::event::{Fault, Said};
use super::protobuf::{Malformed, fields};
use super::source;
use super::{Parsed, Rules};
use crate::store::LossReport;

/// The kind of a span that a client has of its request: the server has one of the same request.
const CLIENT: i32 = 3;

/// The code of a status that says error.
const ERROR: i32 = 2;

/// How deep the value of an attribute is read.
const MAX_DEPTH: usize = 8;

/// Attributes that are facts of `meta`, by this crate's names and by those that others use.
const FACTS: &[(&str, &str)] = &[
    ("gen_ai.tool.name", "tool"),
    ("mcp.tool.name", "tool"),
    ("gen_ai.prompt.name", "prompt_name"),
    ("mcp.prompt.name", "prompt_name"),
    ("mcp.resource.uri", "resource_uri"),
    ("mcp.session.id", "session_id"),
    ("session.id", "session_id"),
    ("gen_ai.conversation.id", "conversation_id"),
    ("mcp.client.name", "client_name"),
    ("mcp.client.version", "client_version"),
    ("mcp.protocol.version", "protocol_version"),
    ("mcp.server.version", "server_version"),
    ("mcp.server.name", "server_name"),
    ("jsonrpc.request.id", "request_id"),
    ("mcp.request.id", "request_id"),
    ("mcp_usage.intent", "prompt"),
];

/// Attributes that hold JSON as text.
const JSON: &[(&str, &str)] = &[
    ("gen_ai.tool.call.arguments", "tool_arguments"),
    ("gen_ai.tool.call.result", "result"),
    ("mcp_usage.tool_definitions", "tool_definitions"),
];

/// Attributes that say what the record says in other ways.
const KNOWN: [&str; 4] = [
    "gen_ai.operation.name",
    "rpc.system",
    "rpc.method",
    "rpc.service",
];

/// The activity of a request by its method. Other requests are no usage.
const ACTIVITIES: [(&str, &str); 5] = [
    ("tools/call", "MCP_TOOL_CALL"),
    ("prompts/get", "MCP_PROMPT_GET"),
    ("resources/read", "MCP_RESOURCE_READ"),
    ("tools/list", "MCP_INIT"),
    ("initialize", "MCP_SESSION_START"),
];

/// Reads a request's body. An error says what is wrong with all of it.
pub(super) fn parse(body: &[u8], rules: Rules<'_>) -> Result<Parsed, String> {
    let mut parsed = Parsed {
        is_batch: true,
        ..Parsed::default()
    };
    let (mut spans, mut resources) = (0, 0);
    let mut senders = HashSet::new();
    let read = fields(body, |(number, content)| match (number, content) {
        (1, Some(of_resource)) => {
            resources += 1;
            if resources > MAX_EVENTS {
                return Err(Malformed);
            }
            let sent = read_resource(&mut parsed, of_resource, rules, &mut spans)?;
            // Many resources may be those of one instance, which is said once.
            if let Some(report) = sent
                && senders.insert((report.instance.clone(), report.sdk.clone()))
            {
                parsed.losses.push(report);
            }
            Ok(())
        }
        _ => Ok(()),
    });
    match read {
        _ if spans > MAX_EVENTS => Err(format!("more than {MAX_EVENTS} spans")),
        _ if resources > MAX_EVENTS => Err(format!("more than {MAX_EVENTS} resources")),
        Ok(()) => Ok(parsed),
        Err(Malformed) => Err("not an ExportTraceServiceRequest in Protocol Buffers".to_owned()),
    }
}

/// Adds what the spans of a resource say; returns which instance sent it, unless it sent no usage.
fn read_resource(
    parsed: &mut Parsed,
    message: &[u8],
    rules: Rules<'_>,
    spans: &mut usize,
) -> Result<Option<LossReport>, Malformed> {
    let mut resource = Map::new();
    fields(message, |(number, content)| {
        if let (1, Some(bytes)) = (number, content) {
            if bytes.len() > MAX_EVENT_BYTES {
                return Err(Malformed);
            }
            let read = Resource::decode(bytes).map_err(|_| Malformed)?;
            resource = attributes(read.attributes);
        }
        Ok(())
    })?;
    let resource = Service::read(resource);
    let before = parsed.records.len();
    fields(message, |(number, content)| match (number, content) {
        (2, Some(of_scope)) => fields(of_scope, |(number, content)| {
            let (2, Some(span)) = (number, content) else {
                return Ok(());
            };
            *spans += 1;
            if *spans > MAX_EVENTS {
                return Err(Malformed);
            }
            match read_span(span, &resource) {
                Ok(Some(said)) => parsed.add(said, None, rules),
                Ok(None) => parsed.ignored += 1,
                Err(fault) => parsed.reject(None, fault),
            }
            Ok(())
        }),
        _ => Ok(()),
    })?;
    Ok(resource.report().filter(|_| parsed.records.len() > before))
}

/// Who sends the spans.
struct Service {
    name: Option<String>,
    version: Option<String>,
    environment: Option<String>,
    instance: Option<String>,
    sdk: String,
}

impl Service {
    fn read(mut resource: Map<String, Value>) -> Self {
        let mut text = |name| take_text(&mut resource, name, NAME_CHARS);
        let sdk = [text("telemetry.sdk.name"), text("telemetry.sdk.version")];
        let [name, version] = sdk.map(Option::unwrap_or_default);
        Self {
            name: text("service.name"),
            version: text("service.version"),
            environment: text("deployment.environment.name")
                .or_else(|| text("deployment.environment")),
            instance: text("service.instance.id"),
            sdk: format!("{name} {version}").trim().to_owned(),
        }
    }

    fn report(&self) -> Option<LossReport> {
        Some(LossReport {
            instance: self.instance.clone()?,
            sdk: self.sdk.clone(),
            dropped: Vec::new(),
        })
    }
}

/// What a span says; `None` where it is no usage of an MCP server.
fn read_span(bytes: &[u8], service: &Service) -> Result<Option<Said>, Fault> {
    if bytes.len() > MAX_EVENT_BYTES {
        return Err(Fault {
            reason: "too_large",
            text: format!("larger than {MAX_EVENT_BYTES} bytes"),
        });
    }
    let span = Span::decode(bytes).map_err(|error| Fault::malformed(error.to_string()))?;
    let mut given = attributes(span.attributes);
    let Some(activity) = activity(&mut given, &span.name) else {
        return Ok(None);
    };
    if span.kind == CLIENT {
        return Ok(None);
    }
    let nanos = |nanos: u64| i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
    let took = span
        .end_time_unix_nano
        .checked_sub(span.start_time_unix_nano);
    let has_ids = span.trace_id.len() == 16 && span.span_id.len() == 8;
    let (user_id, user_kind) = user(&mut given);
    let mut said = Said {
        user_id,
        user_kind,
        email: take_text(&mut given, "user.email", NAME_CHARS),
        time_ms: nanos(span.start_time_unix_nano),
        duration_us: took.and_then(|nanos| bounds::duration_us(nanos as f64 / 1e6)),
        user_agent: take_text(&mut given, "user_agent.original", WHOLE),
        source_id: has_ids.then(|| source::of_parts("otlp", &[&span.trace_id, &span.span_id])),
        sender: service.instance.clone(),
        ..Said::default()
    };
    facts(&mut said, &mut given, service);
    meta(&mut said, given);
    if activity == "MCP_TOOL_CALL" && !said.meta.contains_key("tool") {
        // `tools/call search`
        if let Some((_, tool)) = span.name.split_once(' ') {
            said.meta.insert("tool".to_owned(), tool.into());
        }
    }
    said.activity = activity;
    let mut exception = span
        .events
        .into_iter()
        .find(|event| event.name == "exception")
        .map(|event| attributes(event.attributes))
        .unwrap_or_default();
    let status = span.status.unwrap_or_default();
    let message = Some(status.message).filter(|message| !message.is_empty());
    let message = message.or_else(|| take_text(&mut exception, "exception.message", WHOLE));
    end(&mut said, message, status.code == ERROR);
    Ok(Some(said))
}

/// What happened, by this crate's name for it, else by the method.
fn activity(given: &mut Map<String, Value>, span_name: &str) -> Option<String> {
    let own = take_text(given, "mcp_usage.activity_type", WHOLE);
    let method = take_text(given, "mcp.method.name", REASON_CHARS);
    if own.is_some() {
        return own;
    }
    let is_mcp = given.get("rpc.system").and_then(Value::as_str) == Some("mcp");
    let method = method.or_else(|| {
        let rpc = given.get("rpc.method").and_then(Value::as_str);
        rpc.filter(|_| is_mcp).map(str::to_owned)
    });
    let method = method.or_else(|| {
        let has_tool = given.contains_key("mcp.tool.name");
        (has_tool && span_name.starts_with("tools/call")).then(|| "tools/call".to_owned())
    })?;
    let known = ACTIVITIES.iter().find(|(of, _)| *of == method);
    known.map(|(_, activity)| (*activity).to_owned())
}

fn user(given: &mut Map<String, Value>) -> (Option<String>, String) {
    let kind = take_text(given, "mcp_usage.user_id_type", REASON_CHARS);
    let mut ids = ["user.id", "enduser.id", "enduser.pseudo.id", "user.hash"]
        .map(|name| (name, take_id(given, name)))
        .into_iter();
    let found = ids.find_map(|(name, id)| Some((name, id?)));
    let kind = kind.unwrap_or_else(|| {
        match &found {
            Some((_, id)) if id.contains('@') => "EMAIL",
            Some(("enduser.pseudo.id" | "user.hash", _)) => "PSEUDONYM",
            _ => "ID",
        }
        .to_owned()
    });
    (found.map(|(_, id)| id), kind)
}

/// Facts that stand beside `meta`.
fn facts(said: &mut Said, given: &mut Map<String, Value>, service: &Service) {
    for (attribute, of_service, fact) in [
        ("mcp_usage.product_id", &service.name, "product_id"),
        ("mcp_usage.environment", &service.environment, "environment"),
        ("mcp_usage.source", &None, "source"),
        ("client.address", &None, "ip_addr"),
    ] {
        let text = take_text(given, attribute, NAME_CHARS);
        if let Some(text) = text.or_else(|| of_service.clone()) {
            said.facts.insert(fact.to_owned(), text.into());
        }
    }
    let mut text = |name| take_text(given, name, REASON_CHARS);
    let transport = text("network.transport");
    let protocol = text("network.protocol.name");
    let named = text("mcp.transport");
    let transport = match (transport.as_deref(), protocol) {
        (Some("pipe"), _) => Some("stdio".to_owned()),
        (Some("tcp" | "quic"), Some(protocol)) => Some(protocol),
        _ => named.or(transport),
    };
    if let Some(transport) = transport {
        said.meta.insert("transport".to_owned(), transport.into());
    }
    if let Some(version) = &service.version {
        said.meta
            .insert("server_version".to_owned(), version.as_str().into());
    }
}

/// Turns attributes into `meta`.
fn meta(said: &mut Said, given: Map<String, Value>) {
    let mut redactions = Map::new();
    let mut own = Map::new();
    for (name, value) in given {
        let find = |table: &[(&str, &'static str)]| {
            table
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, fact)| *fact)
        };
        if KNOWN.contains(&name.as_str()) {
            continue;
        }
        if let Some(fact) = find(FACTS) {
            said.meta.insert(fact.to_owned(), value);
        } else if let Some(fact) = find(JSON) {
            let read = value
                .as_str()
                .and_then(|text| serde_json::from_str(text).ok());
            said.meta.insert(fact.to_owned(), read.unwrap_or(value));
        } else if let Some(class) = name.strip_prefix("mcp_usage.redactions.") {
            redactions.insert(class.to_owned(), value);
        } else if let Some(name) = name.strip_prefix("mcp_usage.meta.") {
            own.insert(name.to_owned(), value);
        } else if let Some(fact) = name.strip_prefix("mcp_usage.") {
            if fact != "event_id" {
                said.meta.insert(fact.to_owned(), value);
            }
        } else {
            own.insert(name, value);
        }
    }
    if !redactions.is_empty() {
        said.meta.insert("redactions".to_owned(), redactions.into());
    }
    for (name, value) in own {
        said.meta.entry(name).or_insert(value);
    }
}

/// How a request ended. This crate says it in a word; others in the error's type and the status.
fn end(said: &mut Said, message: Option<String>, is_error: bool) {
    if let Some(message) = message {
        said.meta.entry("error").or_insert_with(|| message.into());
    }
    if said.meta.contains_key("outcome") {
        return;
    }
    let of_tool = said.meta.remove("mcp.tool.result.is_error");
    let error_type = said.meta.get("error.type").and_then(Value::as_str);
    let is_code = |text: &str| text.parse::<i64>().is_ok();
    let outcome = match error_type {
        _ if of_tool == Some(Value::Bool(true)) => "tool_error",
        Some("timeout") => "timeout",
        Some("panic") => "panicked",
        Some("cancelled") => "cancelled",
        Some(code) if is_code(code) => "protocol_error",
        Some(_) => "tool_error",
        None if is_error => "tool_error",
        None => "ok",
    };
    said.meta.insert("outcome".to_owned(), outcome.into());
}

/// Attributes as JSON; the last of a name wins.
fn attributes(given: Vec<KeyValue>) -> Map<String, Value> {
    let read = |attribute: KeyValue| {
        let value = json(attribute.value?, 0)?;
        Some((attribute.key, value))
    };
    given.into_iter().filter_map(read).collect()
}

fn json(value: AnyValue, depth: usize) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    Some(match value.value? {
        Any::StringValue(text) => text.into(),
        Any::BoolValue(flag) => flag.into(),
        Any::IntValue(number) => number.into(),
        Any::DoubleValue(number) => number.into(),
        Any::BytesValue(bytes) => format!("{} bytes", bytes.len()).into(),
        Any::ArrayValue(items) => {
            let items = items.values.into_iter();
            let items = items.filter_map(|item| json(item, depth + 1));
            Value::Array(items.collect())
        }
        Any::KvlistValue(members) => {
            let read = |member: KeyValue| Some((member.key, json(member.value?, depth + 1)?));
            Value::Object(members.values.into_iter().filter_map(read).collect())
        }
        _ => return None,
    })
}

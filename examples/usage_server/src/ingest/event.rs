//! What an event says, whatever wire it came by, and the record that becomes of it.

use mcp_usage::ClientClass;
use serde_json::{Map, Value};

use super::bounds::{
    self, MAX_REASONS, MAX_TOOLS, NAME_CHARS, REASON_CHARS, WHOLE, take_count, take_flag, take_id,
    take_text,
};
use super::source;
use crate::record::{AHEAD_MS, Class, Kind, Listed, Outcome, Record, SourceId, User};

/// What the wires know somebody by who gave no name.
const ANONYMOUS_ID: &str = "anonymous";

/// The facts in `meta` that keep their names in the body. What else stands there is the sender's own.
const FACTS: [&str; 14] = [
    "conversation_id",
    "transport",
    "request_id",
    "vendor_client",
    "oauth_client_id",
    "server_name",
    "traceparent",
    "era",
    "intent_source",
    "round",
    "refused_arguments",
    "input_request_methods",
    "suppressed",
    "tool_count",
];

/// An event as the Reo wires say it; the other wires are translated into it.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) activity: String,
    pub(super) user_id: Option<String>,
    pub(super) user_kind: String,
    pub(super) email: Option<String>,
    pub(super) time_ms: i64,
    /// Where the wire says it better than `meta.duration_ms`.
    pub(super) duration_us: Option<u64>,
    pub(super) user_agent: Option<String>,
    /// Goes into the body as it is.
    pub(super) facts: Map<String, Value>,
    pub(super) meta: Map<String, Value>,
    /// Its id where `meta` has no instance and sequence.
    pub(super) source_id: Option<SourceId>,
    /// The logger that sent it, where it names itself in another form than ours.
    pub(super) sender: Option<String>,
}

const HOUR_MS: i64 = 3_600_000;

/// When an event must have happened to be taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) oldest_ms: i64,
    pub(super) received_ms: i64,
}

/// Why an event is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// What it is counted as.
    pub(super) reason: &'static str,
    /// Which field is at fault, and how.
    pub(super) text: String,
}

impl Fault {
    pub(super) fn malformed(text: impl Into<String>) -> Self {
        Self {
            reason: "malformed",
            text: text.into(),
        }
    }
}

impl Said {
    /// The record, whose texts are whole still: half of a secret would not be found any more. Once they are redacted,
    /// [`bounds::record`] cuts them.
    pub(super) fn into_record(mut self, window: Window) -> Result<Record, Fault> {
        let time_ms = time(self.time_ms, window)?;
        let meta = &mut self.meta;
        let instance = take_text(meta, "instance", NAME_CHARS);
        let sequence = take_count(meta, "sequence");
        let own_id = instance
            .as_deref()
            .zip(sequence)
            .and_then(|(instance, sequence)| source::of_instance(instance, sequence));
        let (instance, sequence) = match own_id {
            Some(_) => (instance, sequence),
            None => (self.sender, None),
        };
        let source_id = own_id.or(self.source_id);
        let source_id = source_id.ok_or_else(|| {
            Fault::malformed("event_id: missing, and meta has no instance and sequence")
        })?;

        let (kind, tool) = kind_of(&self.activity, meta);
        let mut record = Record::new(source_id, time_ms, kind);
        record.ahead_ms = self.time_ms - time_ms;
        record.instance = instance;
        record.sequence = sequence;
        record.tool = tool;
        record.user = user(self.user_id, &self.user_kind, self.email);
        record.session = take_id(meta, "session_id");
        record.client = take_text(meta, "client_name", WHOLE);
        record.client_version = take_text(meta, "client_version", NAME_CHARS);
        record.class = class(meta, record.client.as_deref(), self.user_agent.as_deref());
        record.release = take_text(meta, "server_version", NAME_CHARS);
        record.protocol = take_text(meta, "protocol_version", NAME_CHARS);
        record.redactions = redactions(meta);
        if let Some(Value::Number(rate)) = meta.remove("sample_rate") {
            let rate = rate.as_f64().filter(|rate| *rate >= 1e-6 && *rate <= 1.0);
            record.weight = rate.map_or(1.0, |rate| 1.0 / rate);
        }
        record.body = self.facts;
        if let Some(agent) = self.user_agent {
            record.body.insert("user_agent".to_owned(), agent.into());
        }
        match kind {
            Kind::Call | Kind::Missing | Kind::PromptGet | Kind::ResourceRead => {
                request(&mut record, meta, self.duration_us);
            }
            Kind::Listing => listing(&mut record, meta),
            Kind::Refused => {
                record.error = take_text(meta, "reason", WHOLE);
                record.outcome = Outcome::ProtocolError;
            }
            _ => {}
        }
        rest(&mut record, std::mem::take(meta));
        Ok(record)
    }
}

/// The time of an event that says so of itself.
fn time(time_ms: i64, window: Window) -> Result<i64, Fault> {
    if !bounds::is_plausible(time_ms) {
        return Err(Fault::malformed(
            "event_at: expected Unix seconds between 2020 and 2100",
        ));
    }
    if time_ms < window.oldest_ms {
        return Err(Fault {
            reason: "too_old",
            text: "event_at: longer ago than events of this project are kept".to_owned(),
        });
    }
    let next_hour = (window.received_ms.div_euclid(HOUR_MS) + 1) * HOUR_MS;
    let is_ahead = time_ms > window.received_ms + AHEAD_MS;
    Ok(if is_ahead {
        window.received_ms
    } else {
        // Behind what its sender dates within this hour, as it was.
        time_ms.min(next_hour - 1)
    })
}

/// What an activity is, and what it is about.
fn kind_of(activity: &str, meta: &mut Map<String, Value>) -> (Kind, Option<String>) {
    // A call of the tool by which agents ask for what no other can do. A server's own tool may have its name.
    let is_missing =
        activity == "MCP_TOOL_CALL" && meta.remove("missing_capability") == Some(Value::Bool(true));
    let mut named = |name| take_text(meta, name, WHOLE);
    let kind = match activity {
        "MCP_TOOL_CALL" => match named("tool") {
            Some(tool) if is_missing => return (Kind::Missing, Some(tool)),
            Some(tool) => return (Kind::Call, Some(tool)),
            // The host may report its own events by these words.
            None => Kind::Custom,
        },
        "MCP_PROMPT_GET" => match named("prompt_name") {
            Some(prompt) => return (Kind::PromptGet, Some(prompt)),
            None => Kind::Custom,
        },
        "MCP_RESOURCE_READ" => match named("resource_uri") {
            Some(uri) => return (Kind::ResourceRead, Some(uri)),
            None => Kind::Custom,
        },
        "MCP_INIT" => Kind::Listing,
        "MCP_SESSION_START" => Kind::SessionStart,
        "MCP_IDENTITY_CAPTURE" => Kind::Identity,
        "MCP_AUTH_REJECTED" => Kind::Refused,
        "LOGIN_ACTIVITY" | "LOGIN" => Kind::Login,
        _ => Kind::Custom,
    };
    let tool = (kind == Kind::Custom).then(|| bounds::text(activity, WHOLE));
    (kind, tool)
}

fn user(id: Option<String>, kind: &str, email: Option<String>) -> Option<User> {
    let email = email.filter(|email| email.contains('@'));
    let id = id.or_else(|| email.clone())?;
    if id == ANONYMOUS_ID {
        return None;
    }
    let is_email = kind == "EMAIL" && id.contains('@');
    Some(User {
        email: email.or_else(|| is_email.then(|| id.clone())),
        kind: bounds::text(kind, REASON_CHARS),
        id,
    })
}

/// As the sender says; one that does not say is judged as the crate judges.
fn class(meta: &mut Map<String, Value>, client: Option<&str>, user_agent: Option<&str>) -> Class {
    let said = take_text(meta, "client_class", REASON_CHARS);
    let guess = || ClientClass::of(client, user_agent).as_str();
    match said.as_deref().unwrap_or_else(guess) {
        "agent" => Class::Agent,
        "crawler" => Class::Crawler,
        "health_probe" => Class::HealthProbe,
        _ => Class::Unknown,
    }
}

fn redactions(meta: &mut Map<String, Value>) -> Vec<(String, u64)> {
    let Some(Value::Object(marks)) = meta.remove("redactions") else {
        return Vec::new();
    };
    let counts = marks.iter().take(MAX_REASONS).filter_map(|(class, marks)| {
        let marks = bounds::count(marks).filter(|marks| *marks > 0)?;
        Some((bounds::text(class, REASON_CHARS), marks))
    });
    counts.collect()
}

/// What a request to the server says of itself.
fn request(record: &mut Record, meta: &mut Map<String, Value>, duration_us: Option<u64>) {
    record.unknown_tool = take_flag(meta, "unknown_tool");
    record.error = take_text(meta, "error", WHOLE);
    let outcome = take_text(meta, "outcome", REASON_CHARS);
    let outcome = outcome.as_deref().map(Outcome::of_word);
    record.outcome = match (outcome, &record.error) {
        (Some(outcome), _) => outcome.unwrap_or(Outcome::Unknown),
        (None, Some(_)) => Outcome::ToolError,
        (None, None) => Outcome::Ok,
    };
    let said = meta.remove("duration_ms");
    let in_meta = || bounds::duration_us(said.as_ref()?.as_f64()?);
    record.duration_us = duration_us.or_else(in_meta);
    record.intent = take_text(meta, "prompt", WHOLE);
    let result = meta.remove("result");
    record.result_bytes = take_count(meta, "result_bytes")
        .or_else(|| Some(result.as_ref()?.to_string().len() as u64));
    let arguments = meta.remove("tool_arguments");
    if record.kind == Kind::Missing {
        let capability = arguments.as_ref().and_then(|given| given.get("capability"));
        let capability = capability
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty());
        if let Some(capability) = capability {
            record.intent = Some(bounds::text(capability, WHOLE));
        }
    }
    for (name, value) in [
        ("arguments", arguments),
        ("argument_keys", meta.remove("tool_argument_keys")),
        ("argument_key_count", meta.remove("tool_argument_key_count")),
        ("result", result),
    ] {
        if let Some(value) = value {
            record.body.insert(name.to_owned(), value);
        }
    }
}

/// What a server says that it offers.
fn listing(record: &mut Record, meta: &mut Map<String, Value>) {
    let mut definitions = std::collections::HashMap::new();
    if let Some(Value::Array(defined)) = meta.remove("tool_definitions") {
        for definition in defined.into_iter().take(MAX_TOOLS) {
            let Value::Object(mut definition) = definition else {
                continue;
            };
            let tool = take_text(&mut definition, "tool", NAME_CHARS);
            let hash = take_text(&mut definition, "hash", REASON_CHARS);
            let bytes = take_count(&mut definition, "bytes");
            if let (Some(tool), Some(hash), Some(bytes)) = (tool, hash, bytes) {
                definitions.insert(tool, (hash, bytes));
            }
        }
    }
    if let Some(Value::Array(tools)) = meta.remove("tools") {
        let names = tools.iter().filter_map(Value::as_str);
        let names = names.filter(|name| !name.is_empty()).take(MAX_TOOLS);
        let mut known = std::collections::HashSet::new();
        let listed = names.filter(|name| known.insert(*name)).map(|name| {
            let tool = bounds::text(name, NAME_CHARS);
            let definition = definitions.remove(&tool);
            Listed { tool, definition }
        });
        record.listed = listed.collect();
    }
}

/// Puts what is left of `meta` into the body.
fn rest(record: &mut Record, meta: Map<String, Value>) {
    let mut own = Map::new();
    for (name, value) in meta {
        match FACTS.contains(&name.as_str()) {
            true => record.body.insert(name, value),
            false => own.insert(name, value),
        };
    }
    if !own.is_empty() {
        record.body.insert("meta".to_owned(), own.into());
    }
}

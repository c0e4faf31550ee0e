//! What the mock ingest has seen: requests, the events in them, and plain counts.

use std::fmt;
use std::time::Instant;

use serde_json::Value;

use super::contract::{self, ReceivedWire};

/// Headers that carry a key; [`ReceivedRequest`]'s `Debug` does not print their values.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "x-mcpeye-secret", "authorization"];

/// The attributes of a span that stand for keys of the Reo wires' `meta`.
const ATTRIBUTES: [(&str, &str); 11] = [
    ("tool", "gen_ai.tool.name"),
    ("tool_arguments", "gen_ai.tool.call.arguments"),
    ("result", "gen_ai.tool.call.result"),
    ("prompt", "mcp_usage.intent"),
    ("request_id", "jsonrpc.request.id"),
    ("session_id", "mcp.session.id"),
    ("conversation_id", "gen_ai.conversation.id"),
    ("client_name", "mcp.client.name"),
    ("client_version", "mcp.client.version"),
    ("protocol_version", "mcp.protocol.version"),
    ("prompt_name", "gen_ai.prompt.name"),
];

/// The properties of an event on the PostHog wire that stand for keys of the Reo wires' `meta`.
const PROPERTIES: [(&str, &str); 11] = [
    ("tool", "$mcp_tool_name"),
    ("result", "$mcp_response"),
    ("prompt", "$mcp_intent"),
    ("error", "$mcp_error_message"),
    ("duration_ms", "$mcp_duration_ms"),
    ("client_name", "$mcp_client_name"),
    ("client_version", "$mcp_client_version"),
    ("protocol_version", "$mcp_protocol_version"),
    ("conversation_id", "$mcp_conversation_id"),
    ("prompt_name", "$mcp_resource_name"),
    ("tools", "$mcp_listed_tool_names"),
];

/// One request as it arrived, and how it was answered.
#[derive(Clone)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The method, `POST` for a request that is meant for an ingest.
    pub method: String,
    /// The request target as sent: path and query.
    pub path: String,
    /// The headers in their order, names as sent.
    pub headers: Vec<(String, String)>,
    /// The body with its transfer coding removed, or what had arrived of it. On the PostHog wire, whose bodies hold the
    /// key, `[key]` stands in its place, and gzip is decoded for that; of a compressed body that did not arrive to its
    /// end there is nothing.
    pub body: Vec<u8>,
    /// Whether the body arrived to its end.
    pub body_complete: bool,
    /// The wire the body is written in, where its shape tells.
    pub wire: Option<ReceivedWire>,
    /// The status answered; `None` before the answer, and where a fault took its place.
    pub status: Option<u16>,
    /// Why one of the ingest's checks refused it, as the answer said; `None` where none did.
    pub refusal: Option<String>,
    /// When the request had been read.
    pub at: Instant,
    /// Which connection it came over, counted from 1: equal numbers show that a connection was kept alive.
    pub connection: u64,
    pub(super) unexpected: bool,
}

impl ReceivedRequest {
    /// A request of which only the head has been read.
    pub(super) fn new(method: &str, path: &str, headers: Vec<(String, String)>) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers,
            body: Vec::new(),
            body_complete: false,
            wire: None,
            status: None,
            refusal: None,
            at: Instant::now(),
            connection: 0,
            unexpected: false,
        }
    }

    /// Returns a header's first value; the case of the name does not matter.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header_values(&self.headers, name).next()
    }

    /// Parses the body; `None` if it is not JSON. One of the OTLP wire is JSON that says the same, in which the
    /// attributes of each span are one object.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        match self.wire {
            Some(ReceivedWire::Otlp) => contract::parse_protobuf(&self.body).ok(),
            _ => serde_json::from_slice(&self.body).ok(),
        }
    }
}

/// The values of a header, whatever the case of its name.
pub(super) fn header_values<'h>(
    headers: &'h [(String, String)],
    name: &str,
) -> impl Iterator<Item = &'h str> {
    headers
        .iter()
        .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

impl fmt::Debug for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value): &'_ (String, String)| {
            let secret = KEY_HEADERS.contains(&name.to_ascii_lowercase().as_str());
            let value = if secret { "(hidden)" } else { value.as_str() };
            (name.clone(), value.to_owned())
        };
        let headers: Vec<_> = self.headers.iter().map(shown).collect();
        f.debug_struct("ReceivedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &headers)
            .field("body", &String::from_utf8_lossy(&self.body))
            .field("body_complete", &self.body_complete)
            .field("wire", &self.wire)
            .field("status", &self.status)
            .field("refusal", &self.refusal)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// One event out of a request.
///
/// The same event shows up once per request that carried it, so a retried one is here more than once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceivedEvent {
    /// The wire it came over.
    pub wire: ReceivedWire,
    /// Its `event_id` (Reo), `callId` (mcpeye), attribute `mcp_usage.event_id` (OTLP) or property `mcp_usage_event_id`
    /// (PostHog) as text; empty where it has none.
    pub id: String,
    /// The event as it was in the body: one payload of the Reo wires, one item of mcpeye's `events`, one span of OTLP
    /// with its attributes as an object, one item of PostHog's `batch`.
    pub json: Value,
    /// Whether the ingest accepted it: the answer was a 2xx, and did not reject this event.
    pub accepted: bool,
    /// When its request had been read.
    pub at: Instant,
    /// mcpeye's `identity`, which each batch has once beside the events.
    pub(super) identity: Option<Value>,
}

impl ReceivedEvent {
    /// Returns the kind of event, such as `MCP_TOOL_CALL`, the only kind there is on the mcpeye wire.
    #[must_use]
    pub fn activity(&self) -> &str {
        match self.wire {
            ReceivedWire::Mcpeye => "MCP_TOOL_CALL",
            ReceivedWire::Reo | ReceivedWire::ReoBatch => {
                self.text("activity_type").unwrap_or_default()
            }
            ReceivedWire::PostHog => {
                let activity = self.property("mcp_usage_activity_type");
                activity.and_then(Value::as_str).unwrap_or_default()
            }
            ReceivedWire::Otlp => match self.attribute("mcp.method.name").and_then(Value::as_str) {
                Some("tools/call") => "MCP_TOOL_CALL",
                Some("prompts/get") => "MCP_PROMPT_GET",
                Some(_) => "MCP_RESOURCE_READ",
                None => {
                    let activity = self.attribute("mcp_usage.activity_type");
                    activity.and_then(Value::as_str).unwrap_or_default()
                }
            },
        }
    }

    /// Returns the user of the event: `user_id`, or on the mcpeye wire `userId`, otherwise `userEmail`, of the event or else
    /// of its batch.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        match self.wire {
            ReceivedWire::Reo | ReceivedWire::ReoBatch => return self.text("user_id"),
            ReceivedWire::Otlp => return self.attribute("user.id")?.as_str(),
            ReceivedWire::PostHog => return self.text("distinct_id"),
            ReceivedWire::Mcpeye => {}
        }
        let owners = [Some(&self.json), self.identity.as_ref()];
        owners
            .into_iter()
            .flatten()
            .find_map(|owner| owner.get("userId").or_else(|| owner.get("userEmail")))?
            .as_str()
    }

    /// Returns the kind of [`user_id`](Self::user_id), such as `EMAIL`. The mcpeye wire has none.
    #[must_use]
    pub fn user_id_type(&self) -> Option<&str> {
        match self.wire {
            ReceivedWire::Otlp => self.attribute("mcp_usage.user_id_type")?.as_str(),
            ReceivedWire::PostHog => self.property("mcp_usage_user_id_type")?.as_str(),
            _ => self.text("user_id_type"),
        }
    }

    /// Returns the name of the tool, of an event that is about one.
    #[must_use]
    pub fn tool(&self) -> Option<&str> {
        self.fact("tool", "toolName")?.as_str()
    }

    /// Returns the arguments of the tool call; on the OTLP wire they are JSON as a text.
    #[must_use]
    pub fn arguments(&self) -> Option<&Value> {
        self.fact("tool_arguments", "arguments")
    }

    /// Returns how long the tool call took, in milliseconds.
    #[must_use]
    pub fn duration_ms(&self) -> Option<f64> {
        if self.wire == ReceivedWire::Otlp {
            let time = |name| self.json.get(name)?.as_u64();
            let nanos = time("endTimeUnixNano")?.checked_sub(time("startTimeUnixNano")?)?;
            return Some(nanos as f64 / 1_000_000.0);
        }
        self.fact("duration_ms", "durationMs")?.as_f64()
    }

    /// Returns the text of the tool call's error.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.fact("error", "errorMessage")?.as_str()
    }

    /// Returns a key of the event's `meta`; on the mcpeye wire, which has no `meta`, a field of the event itself, and on the
    /// OTLP and PostHog wires the attribute or property that stands for it.
    #[must_use]
    pub fn meta(&self, key: &str) -> Option<&Value> {
        self.fact(key, key)
    }

    /// A fact of the event, by its key in the `meta` of the Reo wires and by its key on the mcpeye wire.
    fn fact(&self, reo: &str, mcpeye: &str) -> Option<&Value> {
        match self.wire {
            ReceivedWire::Mcpeye => self.json.get(mcpeye),
            ReceivedWire::Reo | ReceivedWire::ReoBatch => self.json.get("meta")?.get(reo),
            ReceivedWire::PostHog if reo == "tool_arguments" => {
                let parameters = self.property("$mcp_parameters")?;
                parameters.pointer("/request/params/arguments")
            }
            ReceivedWire::PostHog => {
                let mut known = PROPERTIES.iter();
                let known = known.find(|(name, _)| *name == reo);
                known
                    .and_then(|(_, property)| self.property(property))
                    .or_else(|| self.property(&format!("mcp_usage_{reo}")))
                    .or_else(|| self.property(&format!("mcp_usage_meta_{reo}")))
            }
            ReceivedWire::Otlp => {
                let mut known = ATTRIBUTES.iter();
                let known = known.find(|(name, _)| *name == reo);
                let of_status = || self.json.get("status")?.get("message");
                known
                    .and_then(|(_, attribute)| self.attribute(attribute))
                    .or_else(|| self.attribute(&format!("mcp_usage.{reo}")))
                    .or_else(|| self.attribute(&format!("mcp_usage.meta.{reo}")))
                    .or_else(|| (reo == "error").then(of_status)?)
            }
        }
    }

    fn attribute(&self, name: &str) -> Option<&Value> {
        self.json.get("attributes")?.get(name)
    }

    fn property(&self, name: &str) -> Option<&Value> {
        self.json.get("properties")?.get(name)
    }

    /// Where the facts of an event stand.
    pub(super) fn facts_of(json: &Value) -> &Value {
        let inner = json.get("attributes").or_else(|| json.get("properties"));
        inner.unwrap_or(json)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.json.get(key)?.as_str()
    }
}

/// How much arrived, since the start or since the last [`clear`](super::MockIngest::clear) or
/// [`take`](super::MockIngest::take).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Requests, including those that were not received completely.
    pub requests: u64,
    /// Events in them; a retried event counts again.
    pub events: u64,
    /// Events the ingest accepted.
    pub accepted: u64,
    /// Bytes of bodies, transfer codings removed.
    pub bytes: u64,
    /// Connections opened.
    pub connections: u64,
}

/// All that [`MockIngest::take`](super::MockIngest::take) takes out at one moment.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Received {
    /// The requests, in the order in which they had been read.
    pub requests: Vec<ReceivedRequest>,
    /// The events in them, in the same order.
    pub events: Vec<ReceivedEvent>,
    /// What was wrong with the requests, as [`MockIngest::violations`](super::MockIngest::violations) has it.
    pub violations: Vec<String>,
    /// The counts up to this moment.
    pub counts: Counts,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(wire: ReceivedWire, json: Value, identity: Option<Value>) -> ReceivedEvent {
        ReceivedEvent {
            wire,
            id: String::new(),
            json,
            accepted: false,
            at: Instant::now(),
            identity,
        }
    }

    #[test]
    fn a_printed_request_hides_the_values_of_all_key_headers() {
        let headers = ["X-Api-Key", "X-MCPEYE-SECRET", "authorization", "X-Trace"];
        let headers = headers.map(|name| (name.to_owned(), format!("value of {name}")));
        let request = ReceivedRequest::new("POST", "/ingest", headers.to_vec());
        let printed = format!("{request:?}");
        assert_eq!(printed.matches("value of ").count(), 1, "{printed}");
        assert!(printed.contains(r#"("X-Trace", "value of X-Trace")"#));
        assert!(printed.contains(r#"("X-Api-Key", "(hidden)")"#));
    }

    #[test]
    fn a_header_is_found_whatever_the_case_of_its_name() {
        let headers = [("Accept", "a"), ("accept", "b"), ("Host", "h")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = ReceivedRequest::new("POST", "/", headers.to_vec());
        assert_eq!(request.header("ACCEPT"), Some("a"));
        assert_eq!(request.header("accept-encoding"), None);
        let values: Vec<_> = header_values(&request.headers, "accept").collect();
        assert_eq!(values, ["a", "b"]);
    }

    #[test]
    fn the_user_of_an_mcpeye_event_is_its_own_else_that_of_its_batch() {
        let batch = json!({"userId": "batch", "userEmail": "batch@b.co"});
        for (own, batch, user) in [
            (
                json!({"userId": "own", "userEmail": "a@b.co"}),
                Some(&batch),
                Some("own"),
            ),
            (json!({"userEmail": "a@b.co"}), Some(&batch), Some("a@b.co")),
            (json!({}), Some(&batch), Some("batch")),
            (
                json!({}),
                Some(&json!({"userEmail": "a@b.co"})),
                Some("a@b.co"),
            ),
            (json!({"user_id": "reo"}), None, None),
        ] {
            let event = event(ReceivedWire::Mcpeye, own, batch.cloned());
            assert_eq!(event.user_id(), user, "{event:?}");
        }
        let reo = event(
            ReceivedWire::Reo,
            json!({"user_id": "u", "userId": "x"}),
            None,
        );
        assert_eq!(reo.user_id(), Some("u"));
    }

    #[test]
    fn the_facts_of_a_call_are_read_under_the_keys_of_its_wire() {
        let reo = json!({
            "activity_type": "MCP_TOOL_CALL", "user_id_type": "EMAIL",
            "meta": {"tool": "t", "tool_arguments": [1], "duration_ms": 2.5, "error": "e"},
        });
        let mcpeye =
            json!({"toolName": "t", "arguments": [1], "durationMs": 2.5, "errorMessage": "e"});
        for (wire, json, own_key) in [
            (ReceivedWire::Reo, reo.clone(), "tool"),
            (ReceivedWire::ReoBatch, reo, "tool"),
            (ReceivedWire::Mcpeye, mcpeye, "toolName"),
        ] {
            let event = event(wire, json, None);
            assert_eq!(event.activity(), "MCP_TOOL_CALL");
            assert_eq!((event.tool(), event.error()), (Some("t"), Some("e")));
            assert_eq!(event.arguments(), Some(&json!([1])));
            assert_eq!(event.duration_ms(), Some(2.5));
            assert_eq!(event.meta(own_key), Some(&json!("t")));
            let kind = (wire != ReceivedWire::Mcpeye).then_some("EMAIL");
            assert_eq!(event.user_id_type(), kind);
        }
    }
}

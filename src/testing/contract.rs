//! What an ingest may expect of a request's body, as a pure check: bytes in, the parsed body or the first
//! violation out.
//!
//! [`MockIngest`](super::MockIngest) checks every body with it. It uses no sockets and no clock, and shares no code with the
//! sender, so it cannot share a mistake either. Every field that the format does not call optional must be present. Every
//! field that is present must have its type, even if it is optional: a field without a value is left out, never `null`. What
//! the formats leave open (kinds of activity, kinds of user id, keys of `meta`) is not checked.

mod field;
mod mcpeye;
mod otlp;
mod posthog;
mod protobuf;
mod reo;
mod unique_keys;
mod violation;

use std::fmt;

use serde_json::Value;

pub use self::mcpeye::{MAX_MCPEYE_FIELD_BYTES, MAX_MCPEYE_USER_CHARS};
pub use self::otlp::MAX_OTLP_BODY_BYTES;
pub use self::posthog::MAX_POSTHOG_EVENT_BYTES;
pub use self::reo::{MAX_ARGUMENT_KEYS, MAX_ERROR_CHARS, MAX_PROMPT_CHARS, MAX_REO_BODY_BYTES};
pub use self::violation::Violation;

use self::field::Field;

/// The wire format a body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReceivedWire {
    /// One event per request: `{"payload":{…}}`.
    Reo,
    /// Events in an array, with the sender's loss report: `{"payload":[…],"sdk":{…}}`.
    ReoBatch,
    /// mcpeye's batch: `{"projectId":…,"identity":{…},"events":[…]}`.
    Mcpeye,
    /// OTLP's traces: `{"resourceSpans":[…]}` in Protocol Buffers.
    Otlp,
    /// PostHog's batch: `{"api_key":…,"batch":[…]}`.
    PostHog,
}

impl ReceivedWire {
    /// Tells the wire of a parsed body from its shape; `None` if it has the shape of none.
    #[must_use]
    pub fn of(body: &Value) -> Option<Self> {
        match body.get("payload") {
            Some(Value::Array(_)) => Some(Self::ReoBatch),
            Some(_) => Some(Self::Reo),
            None if body.get("projectId").is_some() || body.get("events").is_some() => {
                Some(Self::Mcpeye)
            }
            None if body.get("resourceSpans").is_some() => Some(Self::Otlp),
            None if body.get("batch").is_some() => Some(Self::PostHog),
            None => None,
        }
    }
}

impl fmt::Display for ReceivedWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reo => "reo",
            Self::ReoBatch => "reo-batch",
            Self::Mcpeye => "mcpeye",
            Self::Otlp => "otlp",
            Self::PostHog => "posthog",
        })
    }
}

/// Checks a body as it was received, and returns it parsed; on the OTLP wire as equivalent JSON, in which the attributes of
/// each span are one object.
///
/// Unlike [`check_value`] it also sees what parsing hides: the body's size, and a key that occurs twice in one object.
///
/// # Errors
/// The first [`Violation`] found.
///
/// # Examples
/// ```
/// # use mcp_usage::testing::contract::{ReceivedWire, check};
/// let violation = check(br#"{"payload":{"activity_type":"MCP_TOOL_CALL"}}"#, ReceivedWire::Reo).unwrap_err();
/// assert_eq!(violation.to_string(), "payload.user_id: is missing");
/// ```
pub fn check(body: &[u8], wire: ReceivedWire) -> Result<Value, Violation> {
    let value = match wire {
        ReceivedWire::Otlp => protobuf::parse(body)?,
        _ => parse(body)?,
    };
    check_size(body.len(), wire)?;
    check_value(&value, wire)?;
    Ok(value)
}

/// Checks a parsed body: its fields, their types, lengths and closed lists of values.
///
/// # Errors
/// The first [`Violation`] found.
pub fn check_value(body: &Value, wire: ReceivedWire) -> Result<(), Violation> {
    let body = Field::root(body).object()?;
    match wire {
        ReceivedWire::Reo => reo::check_single(&body),
        ReceivedWire::ReoBatch => reo::check_batch(&body),
        ReceivedWire::Mcpeye => mcpeye::check_batch(&body),
        ReceivedWire::Otlp => otlp::check_body(&body),
        ReceivedWire::PostHog => posthog::check_batch(&body),
    }
}

/// The spans of a parsed body.
pub(super) use self::otlp::spans;
/// Parses a body of OTLP.
pub(super) use self::protobuf::parse as parse_protobuf;

pub(super) fn check_size(bytes: usize, wire: ReceivedWire) -> Result<(), Violation> {
    let most = match wire {
        ReceivedWire::Reo => MAX_REO_BODY_BYTES,
        // Both take as much.
        ReceivedWire::Otlp | ReceivedWire::PostHog => MAX_OTLP_BODY_BYTES,
        ReceivedWire::ReoBatch | ReceivedWire::Mcpeye => return Ok(()),
    };
    if bytes > most {
        let reason = format!("has {bytes} bytes, more than {most}");
        return Err(Violation::new("body", reason));
    }
    Ok(())
}

/// Parses a body and refuses what serde_json lets pass, by itself or with a feature that the host has switched on: a
/// key that occurs twice in one object, and a number that no double can hold.
pub(super) fn parse(body: &[u8]) -> Result<Value, Violation> {
    let value = serde_json::from_slice(body)
        .map_err(|error| Violation::new("body", format!("is not JSON: {error}")))?;
    unique_keys::check(body)?;
    Field::root(&value).numbers_in_range()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const REO: &str = include_str!("../../tests/it/golden/reo-census-mcp-0.5.0.json");
    const MCPEYE: &str = include_str!("../../tests/it/golden/mcpeye-0.1.5.json");

    /// The bodies of all requests in a recording, with the name of their case.
    fn recorded(recording: &str) -> Vec<(String, Value)> {
        let recording: Value = serde_json::from_str(recording).unwrap();
        let cases = recording
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![recording]);
        let mut bodies = Vec::new();
        for case in cases {
            let name = case["name"].as_str().unwrap_or("mcpeye").to_owned();
            for request in case["requests"].as_array().into_iter().flatten() {
                bodies.push((name.clone(), request["body"].clone()));
            }
        }
        bodies
    }

    fn reo(name: &str) -> Value {
        recorded(REO)
            .into_iter()
            .find(|(case, _)| case == name)
            .unwrap()
            .1
    }

    fn init() -> Value {
        recorded(REO)
            .into_iter()
            .map(|(_, body)| body)
            .find(|body| body["payload"]["activity_type"] == "MCP_INIT")
            .unwrap()
    }

    fn mcpeye() -> Value {
        recorded(MCPEYE).remove(0).1
    }

    fn batch() -> Value {
        let mut second = reo("identity_capture")["payload"].take();
        second["event_id"] = json!(7);
        json!({
            "payload": [reo("tool_call")["payload"], second],
            "sdk": {"name": "mcp-usage", "version": "0.1.0", "instance": "9f3a", "sequence": 4, "dropped": {"queue_full": 2}},
        })
    }

    /// A tool call with every key that has a type.
    fn full_call() -> Value {
        let mut body = reo("tool_call");
        body["payload"]["ip_addr"] = json!("203.0.113.9");
        body["payload"]["meta"] = json!({
            "tool": "search", "duration_ms": 5072.52, "error": "no such thing", "prompt": "who uses rails?",
            "tool_arguments": {"query": "rails"}, "outcome": "tool_error", "result": {"rows": 3},
            "intent_source": "native", "session_id": "s", "conversation_id": "c", "client_name": "claude",
            "client_version": "1", "protocol_version": "2025-06-18", "transport": "stdio", "request_id": 7,
            "redactions": {"email": 2}, "sample_rate": 0.5, "anything": null,
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        });
        body
    }

    /// Sets the value at a JSON pointer, whose last part may be new; `None` removes it.
    fn change(body: &mut Value, pointer: &str, value: Option<Value>) {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap();
        match (parent, value) {
            (Value::Object(map), Some(value)) => {
                map.insert(key.to_owned(), value);
            }
            (Value::Object(map), None) => {
                map.remove(key).unwrap();
            }
            (Value::Array(items), Some(value)) => items[key.parse::<usize>().unwrap()] = value,
            (other, _) => panic!("{pointer} leads into {other}"),
        }
    }

    /// Each mutation is refused, with its field first in the complaint.
    fn refused(wire: ReceivedWire, base: &Value, mutations: Vec<(&str, Option<Value>, &str)>) {
        assert_eq!(
            check_value(base, wire),
            Ok(()),
            "the body to mutate is sound"
        );
        for (pointer, value, field) in mutations {
            let mut body = base.clone();
            change(&mut body, pointer, value.clone());
            let bytes = body.to_string().into_bytes();
            match check(&bytes, wire) {
                Err(violation) => {
                    assert_eq!(violation.field, field, "{pointer} = {value:?}: {violation}");
                    assert!(!violation.reason.is_empty());
                }
                Ok(_) => panic!("{pointer} = {value:?} passes"),
            }
        }
    }

    #[test]
    fn recorded_bodies_pass_unless_the_recording_is_of_a_fault() {
        let mut passed = 0;
        for (name, body) in recorded(REO) {
            let verdict = check(body.to_string().as_bytes(), ReceivedWire::Reo);
            if name == "missing_required_fields" {
                assert_eq!(verdict.unwrap_err().field, "payload.activity_type");
            } else {
                assert_eq!(verdict.err(), None, "{name}");
                passed += 1;
            }
        }
        assert_eq!(passed, 12);
        assert_eq!(check_value(&mcpeye(), ReceivedWire::Mcpeye), Ok(()));
        assert_eq!(check_value(&batch(), ReceivedWire::ReoBatch), Ok(()));
        assert_eq!(check_value(&full_call(), ReceivedWire::Reo), Ok(()));
    }

    #[test]
    fn every_required_field_of_a_payload_is_missed() {
        let body = reo("tool_call");
        let optional = ["ip_addr", "meta"];
        let required = reo::PAYLOAD.iter().map(|(key, ..)| key);
        for key in required.filter(|key| !optional.contains(key)) {
            let (pointer, field) = (format!("/payload/{key}"), format!("payload.{key}"));
            refused(
                ReceivedWire::Reo,
                &body,
                vec![
                    (&pointer, None, &field),
                    (&pointer, Some(json!(null)), &field),
                    (&pointer, Some(json!([])), &field),
                ],
            );
        }
        for key in optional {
            let mut without = full_call();
            change(&mut without, &format!("/payload/{key}"), None);
            assert_eq!(
                check_value(&without, ReceivedWire::Reo),
                Ok(()),
                "{key} is optional"
            );
        }
    }

    #[test]
    fn payload_fields_are_checked_for_type_and_range() {
        refused(
            ReceivedWire::Reo,
            &full_call(),
            vec![
                ("/sdk", Some(json!({})), "sdk"),
                ("/payload", None, "payload"),
                ("/payload", Some(json!("text")), "payload"),
                ("/payload/plan", Some(json!("free")), "payload.plan"),
                ("/payload/user_id", Some(json!("")), "payload.user_id"),
                (
                    "/payload/user_id_type",
                    Some(json!(3)),
                    "payload.user_id_type",
                ),
                ("/payload/ip_addr", Some(json!(null)), "payload.ip_addr"),
                ("/payload/meta", Some(json!([])), "payload.meta"),
                ("/payload/event_id", Some(json!(0)), "payload.event_id"),
                ("/payload/event_id", Some(json!(-5)), "payload.event_id"),
                (
                    "/payload/event_id",
                    Some(json!(9_223_372_036_854_775_808_u64)),
                    "payload.event_id",
                ),
                (
                    "/payload/event_id",
                    Some(json!("1731000000123456789")),
                    "payload.event_id",
                ),
                ("/payload/event_id", Some(json!(1.5)), "payload.event_id"),
                (
                    "/payload/event_at",
                    Some(json!(1_731_000_000_123_i64)),
                    "payload.event_at",
                ),
                (
                    "/payload/event_at",
                    Some(json!(1_731_000_000.5)),
                    "payload.event_at",
                ),
                ("/payload/event_at", Some(json!(0)), "payload.event_at"),
            ],
        );
    }

    #[test]
    fn an_init_lists_its_tools() {
        refused(
            ReceivedWire::Reo,
            &init(),
            vec![
                ("/payload/meta", None, "payload.meta"),
                ("/payload/meta/tools", None, "payload.meta.tools"),
                (
                    "/payload/meta/tools",
                    Some(json!([1])),
                    "payload.meta.tools[0]",
                ),
                ("/payload/meta/tool_count", None, "payload.meta.tool_count"),
                (
                    "/payload/meta/tool_count",
                    Some(json!("3")),
                    "payload.meta.tool_count",
                ),
                (
                    "/payload/meta/tools_truncated",
                    Some(json!(true)),
                    "payload.meta.tools_truncated",
                ),
            ],
        );
    }

    #[test]
    fn meta_of_a_custom_activity_is_its_users_affair() {
        let mut body = reo("all_fields");
        body["payload"]["meta"] = json!({"outcome": 5, "prompt": null, "tools": "hammer"});
        assert_eq!(check_value(&body, ReceivedWire::Reo), Ok(()));
    }

    #[test]
    fn a_reo_body_ends_at_256_kib() {
        let mut body = reo("identity_capture");
        body["payload"]["meta"] = json!({"x": ""});
        let room = MAX_REO_BODY_BYTES - body.to_string().len();
        body["payload"]["meta"]["x"] = json!("y".repeat(room));
        assert!(check(body.to_string().as_bytes(), ReceivedWire::Reo).is_ok());
        body["payload"]["meta"]["x"] = json!("y".repeat(room + 1));
        let violation = check(body.to_string().as_bytes(), ReceivedWire::Reo).unwrap_err();
        assert_eq!(
            violation.to_string(),
            "body: has 262145 bytes, more than 262144"
        );
    }

    #[test]
    fn a_batch_has_events_and_a_sound_loss_report() {
        let twice = batch()["payload"][0]["event_id"].clone();
        refused(
            ReceivedWire::ReoBatch,
            &batch(),
            vec![
                ("/more", Some(json!(1)), "more"),
                ("/payload", Some(json!([])), "payload"),
                ("/payload/1", Some(json!("event")), "payload[1]"),
                ("/payload/1/user_id", None, "payload[1].user_id"),
                ("/payload/1/event_id", Some(twice), "payload[1].event_id"),
                ("/sdk", None, "sdk"),
                ("/sdk/host", Some(json!("h")), "sdk.host"),
                ("/sdk/name", Some(json!("other")), "sdk.name"),
                ("/sdk/version", None, "sdk.version"),
                ("/sdk/instance", Some(json!("")), "sdk.instance"),
                ("/sdk/sequence", Some(json!(-1)), "sdk.sequence"),
                ("/sdk/sequence", None, "sdk.sequence"),
                ("/sdk/dropped", Some(json!({})), "sdk.dropped"),
                (
                    "/sdk/dropped",
                    Some(json!({"queue_full": 0})),
                    "sdk.dropped",
                ),
                ("/sdk/dropped", Some(json!({"lost": 1})), "sdk.dropped.lost"),
                (
                    "/sdk/dropped/queue_full",
                    Some(json!("2")),
                    "sdk.dropped.queue_full",
                ),
            ],
        );
        let mut lossless = batch();
        change(&mut lossless, "/sdk/dropped", None);
        assert_eq!(check_value(&lossless, ReceivedWire::ReoBatch), Ok(()));
    }

    #[test]
    fn every_required_field_of_the_mcpeye_wire_is_missed() {
        for (pointer, field) in [
            ("/projectId", "projectId"),
            ("/identity", "identity"),
            ("/events", "events"),
            ("/events/1/callId", "events[1].callId"),
            ("/events/1/toolName", "events[1].toolName"),
            ("/events/1/arguments", "events[1].arguments"),
            ("/events/1/isError", "events[1].isError"),
            ("/events/1/timestamp", "events[1].timestamp"),
            ("/events/1/durationMs", "events[1].durationMs"),
        ] {
            refused(
                ReceivedWire::Mcpeye,
                &mcpeye(),
                vec![(pointer, None, field), (pointer, Some(json!(null)), field)],
            );
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for body in [
            "",
            "{",
            "NaN",
            r#"{"payload":NaN}"#,
            "1e999",
            "\u{feff}{}",
            "{}{}",
        ] {
            assert_eq!(
                check(body.as_bytes(), ReceivedWire::Reo).unwrap_err().field,
                "body",
                "{body}"
            );
        }
        assert_eq!(check(b"\xff", ReceivedWire::Reo).unwrap_err().field, "body");
        assert_eq!(
            check(b"[]", ReceivedWire::Reo).unwrap_err().to_string(),
            "body: is an array, not an object"
        );
    }

    #[test]
    fn a_key_given_twice_is_refused_although_it_parses() {
        let violation = check(br#"{"payload":{},"payload":{}}"#, ReceivedWire::Reo).unwrap_err();
        assert_eq!(violation.to_string(), "payload: is given twice");
    }

    #[test]
    fn the_shape_tells_the_wire() {
        assert_eq!(ReceivedWire::of(&reo("tool_call")), Some(ReceivedWire::Reo));
        assert_eq!(ReceivedWire::of(&batch()), Some(ReceivedWire::ReoBatch));
        assert_eq!(ReceivedWire::of(&mcpeye()), Some(ReceivedWire::Mcpeye));
        assert_eq!(ReceivedWire::of(&json!({"events_of": []})), None);
        assert_eq!(ReceivedWire::of(&json!("payload")), None);
    }
}

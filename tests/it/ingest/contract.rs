//! The contract over real HTTP: a body with one wrong field is answered with 400 and the path of that field.

use mcp_usage::testing::MockIngest;
use mcp_usage::testing::contract::{MAX_ERROR_CHARS, MAX_MCPEYE_FIELD_BYTES, MAX_PROMPT_CHARS};
use serde_json::{Value, json};

use super::{Client, JSON, REO_PATH};

const REO: &str = include_str!("../golden/reo-census-mcp-0.5.0.json");
const MCPEYE: &str = include_str!("../golden/mcpeye-0.1.5.json");

/// A recorded tool call, its `meta` replaced by one with every key that has a type.
fn tool_call() -> Value {
    let recording: Value = serde_json::from_str(REO).unwrap();
    let mut cases = recording.as_array().unwrap().iter();
    let case = cases.find(|case| case["name"] == "tool_call").unwrap();
    let mut body = case["requests"][0]["body"].clone();
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

/// A recorded batch: the third call failed, and the seventh asks for a capability.
fn mcpeye_batch() -> Value {
    let recording: Value = serde_json::from_str(MCPEYE).unwrap();
    recording["requests"][0]["body"].clone()
}

/// A body that the ingest accepts, and a connection to send it over with one field changed.
struct Accepted {
    ingest: MockIngest,
    client: Client,
    path: &'static str,
    body: Value,
}

impl Accepted {
    #[track_caller]
    fn new(path: &'static str, body: Value) -> Self {
        let ingest = MockIngest::start().unwrap();
        let mut client = Client::new(&ingest);
        let reply = client.ask(path, JSON, &body.to_string());
        assert_eq!(reply.status, 200, "the body to change is sound");
        Self {
            ingest,
            client,
            path,
            body,
        }
    }

    /// Sends the body with another value at a JSON pointer, or without that field, and expects a complaint about
    /// `field`.
    #[track_caller]
    fn assert_refused(&mut self, pointer: &str, value: Option<&Value>, field: &str) {
        let mut body = self.body.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => drop(parent.insert(key.to_owned(), value.clone())),
            None => drop(parent.remove(key).unwrap()),
        }
        let reply = self.client.ask(self.path, JSON, &body.to_string());
        assert_eq!(reply.status, 400, "{pointer} = {value:?} passes");
        let error = reply.error();
        let (named, reason) = error.split_once(": ").unwrap();
        assert_eq!(named, field, "{pointer} = {value:?}: {error}");
        assert!(!reason.is_empty(), "{pointer} = {value:?}");
        let violations = self.ingest.violations();
        assert!(violations.last().unwrap().ends_with(&error), "{error}");
    }
}

#[test]
fn our_keys_of_a_tool_calls_meta_have_types() {
    let text = |chars| json!("é".repeat(chars));
    let mut accepted = Accepted::new(REO_PATH, tool_call());
    for (key, value) in [
        ("tool", json!(1)),
        ("tool", json!("")),
        ("duration_ms", json!("1")),
        ("duration_ms", json!(-0.5)),
        ("duration_ms", json!(1.234)),
        ("error", text(2_001)),
        ("prompt", text(6_001)),
        ("prompt", json!(null)),
        ("tool_arguments", json!([1])),
        ("tool_argument_keys", json!(vec!["k"; 201])),
        ("tool_argument_key_count", json!(-1)),
        ("outcome", json!("fine")),
        ("result", json!(null)),
        ("intent_source", json!("")),
        ("session_id", json!(null)),
        ("conversation_id", json!(1)),
        ("client_name", json!({})),
        ("client_version", json!(1.2)),
        ("protocol_version", json!("")),
        ("transport", json!(false)),
        ("request_id", json!(1.5)),
        ("redactions", json!({})),
        ("sample_rate", json!(0)),
        ("sample_rate", json!(1.5)),
        ("traceparent", json!("00-abc")),
    ] {
        let (pointer, field) = (
            format!("/payload/meta/{key}"),
            format!("payload.meta.{key}"),
        );
        accepted.assert_refused(&pointer, Some(&value), &field);
    }
    // The complaint is about a part of the value, or about all three forms of the arguments together.
    for (key, value, named) in [
        ("tool_argument_keys", json!(["query"]), "tool_arguments"),
        ("tool_argument_keys", json!([1]), "tool_argument_keys[0]"),
        ("tool_argument_key_count", json!(2), "tool_arguments"),
        ("redactions", json!({"email": 0}), "redactions.email"),
    ] {
        let (pointer, field) = (
            format!("/payload/meta/{key}"),
            format!("payload.meta.{named}"),
        );
        accepted.assert_refused(&pointer, Some(&value), &field);
    }
    for (key, chars) in [("prompt", MAX_PROMPT_CHARS), ("error", MAX_ERROR_CHARS)] {
        let mut longest = tool_call();
        longest["payload"]["meta"][key] = text(chars);
        let status = accepted.client.reo(&longest).status;
        assert_eq!(status, 200, "{key} is counted in characters");
    }
}

#[test]
fn mcpeye_fields_are_checked_for_type_and_length() {
    let large = || Some(json!({"x": "y".repeat(MAX_MCPEYE_FIELD_BYTES)}));
    let user = || Some(json!("u".repeat(257)));
    let uuid = |text: &str| Some(json!(text));
    let first = Some(mcpeye_batch()["events"][0]["callId"].clone());
    let mut accepted = Accepted::new("/ingest", mcpeye_batch());
    for (pointer, value) in [
        ("/sdk", Some(json!({}))),
        ("/projectId", Some(json!(""))),
        ("/identity/plan", Some(json!("x"))),
        ("/identity/client", Some(json!(1))),
        ("/identity/serverVersion", Some(json!(null))),
        ("/identity/userId", user()),
        ("/events", Some(json!([]))),
        ("/events/0/session", Some(json!("s"))),
        ("/events/1/callId", first),
        (
            "/events/0/callId",
            uuid("f9e078a0-519b-1af2-b6c2-1896a6d21d1b"),
        ),
        (
            "/events/0/callId",
            uuid("f9e078a0-519b-4af2-76c2-1896a6d21d1b"),
        ),
        ("/events/0/callId", uuid("f9e078a0519b4af2b6c21896a6d21d1b")),
        ("/events/0/toolName", Some(json!(""))),
        ("/events/0/arguments", Some(json!([]))),
        ("/events/0/arguments", large()),
        ("/events/0/isError", Some(json!(0))),
        ("/events/0/timestamp", Some(json!(1_795_246_992))),
        ("/events/0/timestamp", Some(json!(1_795_246_992_700.5))),
        ("/events/0/durationMs", Some(json!(-1))),
        ("/events/0/durationMs", Some(json!(1.5))),
        ("/events/0/result", Some(json!(null))),
        ("/events/0/result", large()),
        ("/events/2/result", Some(json!("r"))),
        ("/events/2/errorMessage", Some(json!("e".repeat(32_769)))),
        ("/events/0/intent", Some(json!(1))),
        ("/events/0/intent", None),
        ("/events/0/intentSource", Some(json!("guess"))),
        ("/events/0/userId", user()),
        ("/events/0/userEmail", user()),
        ("/events/6/arguments/capability", None),
        ("/events/6/arguments/context", Some(json!(1))),
    ] {
        accepted.assert_refused(pointer, value.as_ref(), &path_of(pointer));
    }
    let mut cut = mcpeye_batch();
    cut["events"][0]["intent"] = json!(format!(
        "{}…[truncated]",
        "i".repeat(MAX_MCPEYE_FIELD_BYTES)
    ));
    let reply = accepted.client.ask("/ingest", JSON, &cut.to_string());
    assert_eq!(reply.status, 200, "the mark comes on top");
}

/// The path of a field as complaints spell it: `events[0].callId` for the pointer `/events/0/callId`.
fn path_of(pointer: &str) -> String {
    let parts = pointer
        .split('/')
        .skip(1)
        .map(|part| match part.parse::<usize>() {
            Ok(index) => format!("[{index}]"),
            Err(_) => format!(".{part}"),
        });
    parts.collect::<String>().trim_start_matches('.').to_owned()
}

//! What the OTLP wire sends to an ingest, decoded with OpenTelemetry's own message types and compared with what the
//! mock ingest reads of the same bytes, and with what was logged.

use std::io::Read;
use std::time::{Duration, SystemTime};

use mcp_usage::pseudonym::Pseudonyms;
use mcp_usage::testing::{Answer, MemoryTransport, MockIngest};
use mcp_usage::{
    AuthRejected, AuthRejection, Builder, CallOutcome, ClientClass, Custom, Era, Identity,
    IdentityCapture, Init, IntentSource, Otlp, Outcome, ToolCall, UsageLogger, Wire,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, SpanFlags};
use otlp_proto::{attribute, decode, said, spans};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OUTER: &str = "00-0af7651916cd43dd8448eb211c80319d-00f067aa0ba902b7-00";
const AT: Duration = Duration::new(1_800_000_000, 123_456_789);
const TOOK: Duration = Duration::new(3, 141_592_653);

fn builder(ingest: &MockIngest, wire: Wire) -> Builder {
    UsageLogger::builder()
        .env(|_| None)
        .wire(wire)
        .endpoint(ingest.otlp_url())
        .product_id("shop")
        .flush_interval(Duration::from_millis(20))
        .initial_backoff(Duration::from_millis(1))
}

/// The bodies of all requests that `log` leads to, decoded. Each says to OpenTelemetry's decoder what it says to the
/// mock ingest's own.
fn sent(
    change: impl FnOnce(Builder) -> Builder,
    log: impl FnOnce(&UsageLogger),
) -> Vec<ExportTraceServiceRequest> {
    let ingest = MockIngest::start().unwrap();
    let builder = builder(&ingest, Wire::Otlp(Otlp::spans().service_version("1.2.3")));
    let usage = change(builder).build().unwrap();
    log(&usage);
    assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
    assert_eq!(ingest.violations(), Vec::<String>::new());
    let requests = ingest.requests().into_iter();
    let requests = requests.map(|request| {
        let decoded = decode(&request.body);
        assert_eq!(Some(said(&decoded)), request.json());
        decoded
    });
    requests.collect()
}

fn span(log: impl FnOnce(&UsageLogger)) -> Span {
    let requests = sent(|b| b, log);
    let mut found: Vec<_> = requests.iter().flat_map(spans).cloned().collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn at(duration: Duration) -> SystemTime {
    SystemTime::UNIX_EPOCH + duration
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap()
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2);
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    pairs.map(byte).collect()
}

/// All attributes of a span as one object, without those that differ from run to run.
fn attributes_of(span: &Span) -> Value {
    let mut attributes = serde_json::Map::new();
    for one in &span.attributes {
        attributes.insert(
            one.key.clone(),
            attribute(&span.attributes, &one.key).unwrap(),
        );
    }
    let instance = attributes.remove("mcp_usage.instance").unwrap();
    assert_eq!(instance.as_str().unwrap().len(), 16);
    assert_eq!(attributes.remove("mcp_usage.sequence"), Some(json!(1)));
    Value::Object(attributes)
}

#[test]
fn a_call_in_which_all_is_said_is_decoded_as_it_was_logged() {
    let arguments = json!({"query": "ruby on rails", "limit": 3, "deep": {"a": [1, null, "x"]}});
    let result = json!({"hits": 2});
    let found = span(|usage| {
        usage.log_usage(
            ToolCall::new("search")
                .identity(Identity::new("u-1", "INTERNAL").with_email("rachel@example.com"))
                .event_id(77)
                .event_at(at(AT))
                .duration(TOOK)
                .outcome(CallOutcome::ProtocolError)
                .error_code(-32_603)
                .error("the index is gone")
                .prompt("find a framework")
                .intent_source(IntentSource::Native)
                .arguments(&arguments)
                .result(&result)
                .round(2)
                .session_id("s-1")
                .conversation_id("c-1")
                .client_name("claude")
                .client_version("4.2")
                .protocol_version("2025-11-25")
                .transport("http")
                .request_id("17")
                .traceparent(TRACEPARENT)
                .tracestate("congo=t61rcWkgMzE")
                .http_traceparent(OUTER)
                .http_tracestate("rojo=00f067aa0ba902b7")
                .era(Era::Legacy)
                .client_class(ClientClass::Agent)
                .vendor_client("ClaudeCode")
                .oauth_client_id("client-7")
                .server_name("shop")
                .server_version("4.5.6")
                .http_version("1.1")
                .client_port(65_123)
                .result_bytes(37)
                .refused_arguments(&["limit", "colour"])
                .product_id("other")
                .source("EDGE")
                .environment("STAGING")
                .ip_addr("192.0.2.7")
                .user_agent("claude/4.2")
                .meta("flag", &true)
                .meta("integer", &i64::MIN)
                .meta("number", &0.25)
                .meta("texts", &["a", ""])
                .meta("none", &())
                .meta("object", &json!({"a": 1})),
        );
    });
    assert_eq!(found.name, "tools/call search");
    assert_eq!(found.kind(), SpanKind::Server);
    assert_eq!(found.start_time_unix_nano, nanos(AT));
    assert_eq!(found.end_time_unix_nano, nanos(AT + TOOK));
    assert_eq!(found.trace_id, bytes(&TRACEPARENT[3..35]));
    assert_eq!(found.parent_span_id, bytes(&TRACEPARENT[36..52]));
    assert_eq!(found.trace_state, "congo=t61rcWkgMzE");
    let remote = SpanFlags::ContextHasIsRemoteMask as u32 | SpanFlags::ContextIsRemoteMask as u32;
    assert_eq!(found.flags, remote | 1);
    let [link] = &found.links[..] else {
        panic!("{:?}", found.links);
    };
    assert_eq!(link.trace_id, bytes(&OUTER[3..35]));
    assert_eq!(link.span_id, bytes(&OUTER[36..52]));
    assert_eq!(link.trace_state, "rojo=00f067aa0ba902b7");
    assert_eq!(link.flags, remote);
    let status = found.status.as_ref().unwrap();
    assert_eq!(status.code(), StatusCode::Error);
    assert_eq!(status.message, "the index is gone");
    let [exception] = &found.events[..] else {
        panic!("{:?}", found.events);
    };
    assert_eq!(exception.name, "exception");
    assert_eq!(exception.time_unix_nano, found.end_time_unix_nano);
    let of_exception = |name| attribute(&exception.attributes, name);
    assert_eq!(of_exception("exception.type"), Some(json!("-32603")));
    assert_eq!(
        of_exception("exception.message"),
        Some(json!("the index is gone"))
    );
    let mut attributes = attributes_of(&found);
    let attributes_map = attributes.as_object_mut().unwrap();
    // A session's id is sent as a hash, under both names.
    let session = attributes_map.remove("mcp.session.id").unwrap();
    assert_eq!(attributes_map.remove("session.id").as_ref(), Some(&session));
    assert_ne!(session, "s-1");
    for (name, expected) in [("arguments", arguments), ("result", result)] {
        let json = attributes_map
            .remove(&format!("gen_ai.tool.call.{name}"))
            .unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(json.as_str().unwrap()).unwrap(),
            expected
        );
    }
    assert_eq!(
        attributes,
        json!({
            "mcp.method.name": "tools/call",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "search",
            "error.type": "-32603",
            "rpc.response.status_code": "-32603",
            "jsonrpc.request.id": "17",
            "gen_ai.conversation.id": "c-1",
            "mcp.client.name": "claude",
            "mcp.client.version": "4.2",
            "mcp.protocol.version": "2025-11-25",
            "network.transport": "tcp",
            "network.protocol.name": "http",
            "network.protocol.version": "1.1",
            "client.address": "192.0.2.7",
            "client.port": 65_123,
            "mcp_usage.vendor_client": "ClaudeCode",
            "mcp_usage.oauth_client_id": "client-7",
            "mcp_usage.server_name": "shop",
            "mcp_usage.server_version": "4.5.6",
            "mcp_usage.result_bytes": 37,
            "mcp_usage.refused_arguments": ["limit", "colour"],
            "user_agent.original": "claude/4.2",
            "user.id": "u-1",
            "user.email": "rachel@example.com",
            "mcp_usage.user_id_type": "INTERNAL",
            "mcp_usage.event_id": 77,
            "mcp_usage.outcome": "protocol_error",
            "mcp_usage.intent": "find a framework",
            "mcp_usage.intent_source": "native",
            "mcp_usage.round": 2,
            "mcp_usage.era": "legacy",
            "mcp_usage.client_class": "agent",
            "mcp_usage.product_id": "other",
            "mcp_usage.source": "EDGE",
            "mcp_usage.environment": "STAGING",
            "mcp_usage.meta.flag": true,
            "mcp_usage.meta.integer": i64::MIN,
            "mcp_usage.meta.number": 0.25,
            "mcp_usage.meta.texts": ["a", ""],
            "mcp_usage.meta.object": "{\"a\":1}",
        })
    );
}

#[test]
fn a_call_of_which_nothing_is_said_is_a_span_of_its_own() {
    let found = span(|usage| {
        usage.log_usage(ToolCall::new("search"));
    });
    assert_eq!((found.trace_id.len(), found.span_id.len()), (16, 8));
    for id in [&found.trace_id, &found.span_id] {
        assert!(id.iter().any(|byte| *byte != 0), "{id:?}");
    }
    assert!(found.parent_span_id.is_empty() && found.trace_state.is_empty());
    assert!(found.links.is_empty() && found.events.is_empty() && found.status.is_none());
    assert_eq!(found.flags, SpanFlags::ContextHasIsRemoteMask as u32 | 1);
    assert_eq!(found.start_time_unix_nano, found.end_time_unix_nano);
    let mut attributes = attributes_of(&found);
    assert!(attributes["mcp_usage.event_id"].take().is_i64());
    assert_eq!(
        attributes,
        json!({
            "mcp.method.name": "tools/call",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "search",
            "mcp_usage.event_id": null,
        })
    );
}

#[test]
fn every_outcome_has_its_error_type_and_its_status() {
    let fault = Some("it went wrong");
    for (outcome, code, error, error_type, is_error) in [
        (CallOutcome::Ok, None, None, None, false),
        (CallOutcome::InputRequired, None, None, None, false),
        (CallOutcome::Task, None, None, None, false),
        (
            CallOutcome::ToolError,
            None,
            fault,
            Some("tool_error"),
            true,
        ),
        (CallOutcome::Timeout, None, fault, Some("timeout"), true),
        (CallOutcome::Panicked, None, fault, Some("panic"), true),
        (CallOutcome::Panicked, None, None, Some("panic"), true),
        (
            CallOutcome::ProtocolError,
            Some(-32_603),
            fault,
            Some("-32603"),
            true,
        ),
        (CallOutcome::ProtocolError, Some(1), fault, Some("1"), true),
        (
            CallOutcome::ProtocolError,
            None,
            fault,
            Some("_OTHER"),
            true,
        ),
        (
            CallOutcome::ProtocolError,
            Some(-32_700),
            fault,
            Some("-32700"),
            false,
        ),
        (
            CallOutcome::ProtocolError,
            Some(-32_600),
            fault,
            Some("-32600"),
            false,
        ),
        (
            CallOutcome::ProtocolError,
            Some(-32_601),
            fault,
            Some("-32601"),
            false,
        ),
        (
            CallOutcome::ProtocolError,
            Some(-32_602),
            fault,
            Some("-32602"),
            false,
        ),
        (
            CallOutcome::ProtocolError,
            Some(-32_002),
            fault,
            Some("-32002"),
            false,
        ),
        (
            CallOutcome::Cancelled,
            None,
            fault,
            Some("cancelled"),
            false,
        ),
        (CallOutcome::Dropped, None, None, Some("_OTHER"), false),
        (CallOutcome::Unknown, None, None, Some("_OTHER"), false),
    ] {
        let found = span(|usage| {
            let mut call = ToolCall::new("search").outcome(outcome);
            if let Some(code) = code {
                call = call.error_code(code);
            }
            if let Some(error) = error {
                call = call.error(error);
            }
            usage.log_usage(call);
        });
        let said = |name: &str| attribute(&found.attributes, name);
        let what = format!("{outcome:?} {code:?}");
        assert_eq!(
            said("mcp_usage.outcome"),
            Some(json!(outcome.as_str())),
            "{what}"
        );
        assert_eq!(
            said("error.type"),
            error_type.map(|text| json!(text)),
            "{what}"
        );
        let code = code.map(|code| json!(code.to_string()));
        assert_eq!(said("rpc.response.status_code"), code, "{what}");
        let status = found
            .status
            .as_ref()
            .map(|status| (status.code(), &*status.message));
        let expected = is_error.then_some((StatusCode::Error, error.unwrap_or_default()));
        assert_eq!(status, expected, "{what}");
        let exceptions: Vec<_> = found
            .events
            .iter()
            .map(|event| {
                let said = |name: &str| attribute(&event.attributes, name);
                let texts = ["exception.type", "exception.message"].map(said);
                (&*event.name, texts)
            })
            .collect();
        let texts = [error_type, error].map(|text| text.map(|text| json!(text)));
        let expected = is_error.then_some(("exception", texts));
        assert_eq!(exceptions, Vec::from_iter(expected), "{what}");
        let elsewhere = error.filter(|_| !is_error).map(|text| json!(text));
        assert_eq!(said("mcp_usage.error"), elsewhere, "{what}");
    }
}

#[test]
fn what_is_no_call_is_a_span_of_its_kind() {
    let rachel = || Identity::email("rachel@example.com");
    let log = |usage: &UsageLogger, kind: &str| match kind {
        "login" => usage.log_usage(IdentityCapture::new(rachel())),
        "refused" => usage.log_usage(AuthRejected::new(AuthRejection::Expired)),
        "init" => usage.log_usage(Init::new(["search", "boom"])),
        "prompt" => usage.log_usage(
            Custom::new("MCP_PROMPT_GET")
                .identity(rachel())
                .meta("prompt_name", &"review")
                .meta("duration_ms", &2.5),
        ),
        "resource" => usage.log_usage(
            Custom::new("MCP_RESOURCE_READ")
                .identity(rachel())
                .meta("resource_uri", &"file:///notes/1")
                .meta("duration_ms", &2.5),
        ),
        _ => usage.log_usage(Custom::new("Night Shift/7").identity(rachel())),
    };
    for (kind, name, activity, method, took) in [
        (
            "login",
            "mcp_usage.login",
            Some("MCP_IDENTITY_CAPTURE"),
            None,
            0,
        ),
        (
            "refused",
            "mcp_usage.auth_rejected",
            Some("MCP_AUTH_REJECTED"),
            None,
            0,
        ),
        ("init", "mcp_usage.init", Some("MCP_INIT"), None, 0),
        (
            "prompt",
            "prompts/get review",
            None,
            Some("prompts/get"),
            2_500_000,
        ),
        (
            "resource",
            "resources/read",
            None,
            Some("resources/read"),
            2_500_000,
        ),
        (
            "other",
            "mcp_usage.night_shift_7",
            Some("Night Shift/7"),
            None,
            0,
        ),
    ] {
        let found = span(|usage| {
            log(usage, kind);
        });
        let said = |name: &str| attribute(&found.attributes, name);
        assert_eq!(found.name, name);
        let of = method.map_or(SpanKind::Internal, |_| SpanKind::Server);
        assert_eq!(found.kind(), of, "{name}");
        assert_eq!(
            said("mcp.method.name"),
            method.map(|text| json!(text)),
            "{name}"
        );
        let activity = activity.map(|text| json!(text));
        assert_eq!(said("mcp_usage.activity_type"), activity, "{name}");
        assert_eq!(
            found.end_time_unix_nano - found.start_time_unix_nano,
            took,
            "{name}"
        );
        let user = (kind != "refused" && kind != "init").then(|| json!("rachel@example.com"));
        assert_eq!(said("user.id"), user, "{name}");
    }
}

#[test]
fn the_resource_names_the_service_and_the_scope_this_crate() {
    let change = |builder: Builder| builder.environment("STAGING").source("EDGE");
    let requests = sent(change, |usage| {
        usage.log_usage(ToolCall::new("search"));
    });
    let [of_resource] = &requests[0].resource_spans[..] else {
        panic!("{requests:?}");
    };
    let resource = &of_resource.resource.as_ref().unwrap().attributes;
    for (name, expected) in [
        ("service.name", "shop"),
        ("service.version", "1.2.3"),
        ("deployment.environment.name", "STAGING"),
        ("mcp_usage.source", "EDGE"),
        ("telemetry.sdk.name", "mcp-usage"),
        ("telemetry.sdk.language", "rust"),
    ] {
        assert_eq!(attribute(resource, name), Some(json!(expected)), "{name}");
    }
    let [of_scope] = &of_resource.scope_spans[..] else {
        panic!("{requests:?}");
    };
    let scope = of_scope.scope.as_ref().unwrap();
    assert_eq!(scope.name, "mcp-usage");
    let version = attribute(resource, "telemetry.sdk.version");
    assert_eq!(version, Some(json!(scope.version)));
    let instance = attribute(&of_scope.spans[0].attributes, "mcp_usage.instance");
    assert_eq!(attribute(resource, "service.instance.id"), instance);
}

#[test]
fn a_pseudonym_is_a_hash_beside_no_address() {
    let pseudonyms = || Pseudonyms::new(&[7; 32]).unwrap();
    let requests = sent(
        |builder| builder.pseudonyms(pseudonyms()),
        |usage| {
            let rachel = Identity::new("u-1", "INTERNAL").with_email("rachel@example.com");
            usage.log_usage(ToolCall::new("t").identity(rachel));
        },
    );
    let span = spans(&requests[0]).next().unwrap();
    let said = |name: &str| attribute(&span.attributes, name);
    let hash = Some(json!(*pseudonyms().user("u-1")));
    assert_eq!((said("user.hash"), said("user.id")), (hash.clone(), hash));
    assert_eq!(said("user.email"), None);
}

#[test]
fn a_compressed_body_is_the_same_body() {
    let ingest = MockIngest::start().unwrap();
    let usage = builder(&ingest, Wire::Otlp(Otlp::spans()))
        .gzip(true)
        .build()
        .unwrap();
    let words = "words ".repeat(200);
    usage.log_usage(ToolCall::new("search").prompt(&*words));
    assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
    let request = &ingest.requests()[0];
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(&*request.body)
        .read_to_end(&mut body)
        .unwrap();
    let request = decode(&body);
    let span = spans(&request).next().unwrap();
    let intent = attribute(&span.attributes, "mcp_usage.intent").unwrap();
    assert_eq!(intent.as_str().map(str::trim), Some(words.trim()));
}

#[test]
fn many_spans_of_several_requests_arrive_each_once_and_the_same_when_sent_again() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([Answer::status(503)]);
    let builder = builder(&ingest, Wire::Otlp(Otlp::spans()));
    let usage = builder
        .max_batch_events(64)
        .max_in_flight(1)
        .build()
        .unwrap();
    for n in 1..=500 {
        usage.log_usage(ToolCall::new("count").event_id(n));
    }
    assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
    let requests = ingest.requests();
    assert_eq!(requests[0].status, Some(503));
    let ids = |body: &[u8]| {
        let request = decode(body);
        let ids = spans(&request).map(|span| {
            let id = attribute(&span.attributes, "mcp_usage.event_id");
            (
                id.unwrap().as_i64().unwrap(),
                span.trace_id.clone(),
                span.span_id.clone(),
            )
        });
        ids.collect::<Vec<_>>()
    };
    let first = ids(&requests[0].body);
    let accepted: Vec<_> = requests[1..]
        .iter()
        .flat_map(|request| ids(&request.body))
        .collect();
    assert!(first.iter().all(|id| accepted.contains(id)));
    let numbers: std::collections::BTreeSet<_> = accepted.iter().map(|(id, ..)| *id).collect();
    assert!(numbers.into_iter().eq(1..=500));
    assert_eq!(accepted.len(), 500);
    let spans: std::collections::HashSet<_> = accepted.iter().map(|(_, _, span)| span).collect();
    assert_eq!(spans.len(), 500);
}

/// Texts as clients, users and hosts make them up.
fn hostile_text() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => "\\PC{0,40}",
        5 => "[\\x00-\\x7f]{0,20}",
        5 => "[\\u{0}\\u{80}-\\u{a0}\\u{200b}-\\u{202e}\\u{feff}\\u{fffd}\\u{10ffff}\"\\\\{}\\[\\]:,]{0,12}",
        1 => Just(String::new()),
        1 => Just("null".to_owned()),
        1 => Just("1e999".to_owned()),
        1 => "[a-z\u{e9}\u{1f600}]{3000,9000}",
    ]
}

fn hostile_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        proptest::num::f64::ANY.prop_map(Value::from),
        hostile_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(hostile_text(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A context as a client sends it: a sound one, one with a fault, or another text.
fn hostile_context() -> impl Strategy<Value = String> {
    prop_oneof![
        "00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
        "[0-9a-f-]{50,60}",
        hostile_text()
    ]
}

/// What a case logs: whether it has a user, texts, contexts, JSON, seconds since 1970, a duration, and numbers.
type Logged = (
    bool,
    Vec<String>,
    Vec<String>,
    Vec<Value>,
    u64,
    Duration,
    (i64, i64, u32),
);

fn hostile_call() -> impl Strategy<Value = Logged> {
    let seconds = prop_oneof![
        0_u64..5_000_000_000,
        Just(4_102_444_800),
        Just(u64::from(u32::MAX))
    ];
    (
        any::<bool>(),
        proptest::collection::vec(hostile_text(), 8),
        proptest::collection::vec(hostile_context(), 4),
        proptest::collection::vec(hostile_json(), 3),
        seconds,
        any::<Duration>(),
        (any::<i64>(), any::<i64>(), any::<u32>()),
    )
}

fn log_hostile(usage: &UsageLogger, logged: &Logged) -> Outcome {
    let (has_user, texts, contexts, values, seconds, took, (event_id, code, round)) = logged;
    let call = ToolCall::new(format!("t{}", texts[0]));
    let call = match has_user {
        true => call.identity(Identity::new(
            format!("u{}", texts[1]),
            format!("T{}", texts[2]),
        )),
        false => call,
    };
    usage.log_usage(
        call.event_id(*event_id)
            .event_at(at(Duration::from_secs(*seconds)))
            .duration(*took)
            .error_code(*code)
            .round(*round)
            .prompt(&*texts[3])
            .error(&*texts[4])
            .client_name(&*texts[5])
            .session_id(&*texts[6])
            .traceparent(&*contexts[0])
            .http_traceparent(&*contexts[1])
            .tracestate(&*contexts[2])
            .http_tracestate(&*contexts[3])
            .meta(&*texts[7], texts)
            .meta("own", &values[0])
            .arguments(&values[1])
            .result(&values[2]),
    )
}

/// Whatever is logged arrives as one sound span, the same to both decoders, in which each text is what the Reo wire
/// sends of the same event.
#[test]
fn every_value_arrives_in_a_sound_span() {
    let ingest = MockIngest::start().unwrap();
    let spans_to = builder(&ingest, Wire::Otlp(Otlp::spans())).build().unwrap();
    let memory = MemoryTransport::new();
    let reo = UsageLogger::builder()
        .env(|_| None)
        .wire(Wire::ReoBatch)
        .memory_transport(&memory)
        .product_id("shop")
        .build()
        .unwrap();
    let config = ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&hostile_call(), |logged| {
        ingest.clear();
        let before = memory.bodies().len();
        let outcomes = [&spans_to, &reo].map(|usage| {
            let outcome = log_hostile(usage, &logged);
            usage.flush_blocking(PATIENCE).map(|()| outcome)
        });
        prop_assert_eq!(&outcomes[0], &outcomes[1]);
        prop_assert_eq!(ingest.violations(), Vec::<String>::new());
        let (requests, bodies) = (ingest.requests(), memory.bodies());
        let bodies = &bodies[before..];
        prop_assert_eq!(requests.len(), bodies.len());
        prop_assert_eq!(
            requests.len(),
            usize::from(outcomes[0] == Ok(Outcome::Queued))
        );
        for (request, reo) in requests.iter().zip(bodies) {
            let decoded = decode(&request.body);
            prop_assert_eq!(Some(said(&decoded)), request.json());
            let reo: Value = serde_json::from_slice(reo).unwrap();
            check_span(spans(&decoded).next().unwrap(), &reo["payload"][0])?;
        }
        Ok(())
    });
    result.unwrap();
    let queued = spans_to.stats().delivered;
    assert!(queued > 100, "{queued} of 150 were sent at all");
}

/// Holds a span to what the Reo wire sends of its event.
fn check_span(span: &Span, event: &Value) -> Result<(), TestCaseError> {
    let said = |name: &str| attribute(&span.attributes, name);
    prop_assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
    prop_assert!(span.parent_span_id.is_empty() || span.parent_span_id.len() == 8);
    let meta = &event["meta"];
    // An anonymous event has the id of its session there, and no user here.
    let of_user = |name: &str| match &event["user_id_type"] {
        kind if kind == "ANONYMOUS" => &Value::Null,
        _ => &event[name],
    };
    for (name, value) in [
        ("gen_ai.tool.name", &meta["tool"]),
        ("mcp_usage.intent", &meta["prompt"]),
        ("mcp.client.name", &meta["client_name"]),
        ("mcp.session.id", &meta["session_id"]),
        ("user.id", of_user("user_id")),
        ("mcp_usage.user_id_type", of_user("user_id_type")),
    ] {
        let found = said(name);
        let found = found.as_ref().and_then(Value::as_str);
        let text = value.as_str().unwrap_or_default();
        prop_assert_eq!(found.unwrap_or_default(), text, "{}", name);
    }
    let error = meta["error"].as_str().unwrap_or_default();
    let status = span.status.as_ref().map(|status| &*status.message);
    prop_assert_eq!(status, Some(error));
    for (name, value) in [
        ("arguments", &meta["tool_arguments"]),
        ("result", &meta["result"]),
    ] {
        let found = said(&format!("gen_ai.tool.call.{name}"));
        let found =
            found.map(|json| serde_json::from_str::<Value>(json.as_str().unwrap()).unwrap());
        prop_assert_eq!(found.as_ref().unwrap_or(&Value::Null), value, "{}", name);
    }
    Ok(())
}

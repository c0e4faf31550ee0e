//! The OTLP wire: spans, what a receiver's answers mean, and OpenTelemetry's variables.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use mcp_usage::testing::contract::{ReceivedWire, check};
use mcp_usage::testing::{Answer, MemoryTransport, MockIngest, ReceivedRequest};
use mcp_usage::{
    AuthRejected, AuthRejection, Builder, CallOutcome, Custom, Destination, DropReason, Identity,
    IdentityCapture, Init, Mcpeye, Otlp, Outcome, ToolCall, UsageLogger, Wire,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::spool::TempDir;
use crate::support::{KEY, PATIENCE, builder_for, call, end, errors, ingest, otlp, rachel};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OUTER: &str = "00-0af7651916cd43dd8448eb211c80319d-00f067aa0ba902b7-00";

/// Logs to an ingest of the wire, and returns the spans that arrived.
fn spans(change: impl FnOnce(Builder) -> Builder, log: impl FnOnce(&UsageLogger)) -> Vec<Value> {
    let ingest = ingest();
    let usage = change(builder_for(&ingest, &otlp())).build().unwrap();
    log(&usage);
    end(&usage, &ingest);
    let events = ingest.delivered().into_iter();
    events.map(|event| event.json).collect()
}

fn span(log: impl FnOnce(&UsageLogger)) -> Value {
    let mut spans = spans(|b| b, log);
    assert_eq!(spans.len(), 1, "{spans:?}");
    spans.remove(0)
}

// ---- spans ----

/// A span without what differs from run to run.
fn normalised(mut span: Value) -> Value {
    let walked = span.as_object_mut().unwrap();
    for name in ["traceId", "spanId", "startTimeUnixNano", "endTimeUnixNano"] {
        assert!(
            walked.insert(name.to_owned(), json!("..")).is_some(),
            "{name}"
        );
    }
    let attributes = walked["attributes"].as_object_mut().unwrap();
    for name in ["mcp_usage.instance", "mcp_usage.event_id"] {
        assert!(
            attributes.insert(name.to_owned(), json!("..")).is_some(),
            "{name}"
        );
    }
    for event in walked
        .get_mut("events")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        event["timeUnixNano"] = json!("..");
    }
    span
}

/// One event of each kind and outcome. `MCP_FORGET_USER` is none of them: `ReoBatch` alone is told of it.
pub(crate) fn log_all(usage: &UsageLogger) {
    let search = || {
        ToolCall::new("search")
            .identity(rachel())
            .request_id("17")
            .transport("stdio")
            .duration(Duration::from_millis(5))
    };
    for outcome in [
        CallOutcome::Ok,
        CallOutcome::ToolError,
        CallOutcome::ProtocolError,
        CallOutcome::InputRequired,
        CallOutcome::Task,
        CallOutcome::Cancelled,
        CallOutcome::Timeout,
        CallOutcome::Panicked,
        CallOutcome::Dropped,
        CallOutcome::Unknown,
    ] {
        let error = outcome.is_error().then_some("it went wrong");
        let mut call = search().outcome(outcome);
        if let Some(error) = error {
            call = call.error(error);
        }
        usage.log_usage(call);
    }
    usage.log_usage(search().outcome(CallOutcome::Timeout));
    usage.log_usage(
        search()
            .outcome(CallOutcome::ProtocolError)
            .error_code(-32_603),
    );
    let refused = || {
        search()
            .outcome(CallOutcome::ProtocolError)
            .error("it went wrong")
    };
    usage.log_usage(refused().error_code(-32_603));
    usage.log_usage(refused().error_code(-32_602));
    let made_up = ToolCall::new("made up by a client").unknown_tool(true);
    usage.log_usage(
        made_up
            .outcome(CallOutcome::ProtocolError)
            .error_code(-32_602),
    );
    usage.log_usage(ToolCall::new("https://example.com/u-1"));
    usage.log_usage(ToolCall::new("search").session_id("s-1"));
    usage.log_usage(
        Custom::new("MCP_PROMPT_GET")
            .identity(rachel())
            .meta("prompt_name", &"review")
            .meta("outcome", &"protocol_error")
            .meta("error", &"it went wrong")
            .meta("duration_ms", &2.5)
            .error_code(-32_603),
    );
    usage.log_usage(
        Custom::new("MCP_RESOURCE_READ")
            .identity(rachel())
            .meta("resource_uri", &"file:///notes/1")
            .meta("outcome", &"ok")
            .meta("duration_ms", &2.5),
    );
    let arguments = json!({"capability": "export to PDF", "context": "for a report"});
    usage.log_usage(
        ToolCall::new("request_missing_capability")
            .arguments(&arguments)
            .outcome(CallOutcome::Ok),
    );
    usage.log_usage(
        Custom::new("MCP_SESSION_START")
            .identity(Identity::anonymous())
            .client_name("claude-code"),
    );
    usage.log_usage(IdentityCapture::new(rachel()));
    usage.log_usage(IdentityCapture::new(Identity::anonymous()));
    usage.log_usage(AuthRejected::new(AuthRejection::Expired));
    usage.log_usage(Init::new(["search", "boom"]));
    usage.log_usage(
        Custom::new("Night Shift/7")
            .identity(rachel())
            .meta("n", &7),
    );
}

#[test]
fn the_spans_of_all_kinds_and_outcomes_are_the_golden_ones() {
    let spans: Vec<_> = spans(|b| b, log_all).into_iter().map(normalised).collect();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("tests/it/golden/otlp-spans.json");
    // USAGE_BLESS=1 writes them anew; the difference is then a change of the protocol to review.
    if std::env::var_os("USAGE_BLESS").is_some() {
        std::fs::write(&path, format!("{:#}\n", Value::from(spans.clone()))).unwrap();
    }
    let golden: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(spans.len(), golden.len());
    for (span, golden) in spans.iter().zip(&golden) {
        assert_eq!(span, golden);
    }
}

#[test]
fn a_call_has_its_start_and_its_end() {
    let times = |span: &Value| {
        ["startTimeUnixNano", "endTimeUnixNano"].map(|name| span[name].as_u64().unwrap())
    };
    let nanos = |at: SystemTime| {
        at.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_nanos() as u64
    };
    let took = Duration::new(3, 141_592_653);

    let before = nanos(SystemTime::now());
    let [start, stop] = times(&span(|usage| {
        usage.log_usage(ToolCall::new("t").duration(took));
    }));
    assert_eq!(stop - start, took.as_nanos() as u64);
    assert!(
        (before..=nanos(SystemTime::now())).contains(&stop),
        "it has ended now"
    );

    let at = SystemTime::UNIX_EPOCH + Duration::new(1_800_000_000, 123_456_789);
    let given = span(|usage| {
        usage.log_usage(ToolCall::new("t").duration(took).event_at(at));
    });
    assert_eq!(
        times(&given),
        [nanos(at), nanos(at) + took.as_nanos() as u64]
    );

    let began = nanos(SystemTime::now());
    let [start, stop] = times(&span(|usage| {
        let call = usage.start_tool_call("t");
        std::thread::sleep(Duration::from_millis(20));
        call.finish(CallOutcome::Ok);
    }));
    assert!(
        start >= began && stop - start >= 20_000_000,
        "{start} {stop}"
    );

    let login = times(&span(|usage| {
        usage.log_usage(IdentityCapture::new(rachel()));
    }));
    assert_eq!(login[0], login[1]);
}

#[test]
fn a_span_stands_in_the_trace_of_its_request_and_is_linked_to_that_of_http() {
    let span = span(|usage| {
        usage.log_usage(
            ToolCall::new("t")
                .traceparent(TRACEPARENT)
                .tracestate("congo=t61rcWkgMzE")
                .http_traceparent(OUTER)
                .http_tracestate("rojo=00f067aa0ba902b7"),
        );
    });
    assert_eq!(span["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(span["parentSpanId"], "b7ad6b7169203331");
    assert_eq!(span["traceState"], "congo=t61rcWkgMzE");
    assert_eq!(span["flags"], 0x301);
    let link = json!({
        "traceId": &OUTER[3..35], "spanId": &OUTER[36..52], "traceState": "rojo=00f067aa0ba902b7", "flags": 0x300,
    });
    assert_eq!(span["links"], json!([link]));
}

#[test]
fn a_duration_that_the_hook_changes_is_the_spans() {
    let took = Duration::new(3, 141_592_653);
    for (hook, nanos) in [
        (json!(3141.59), 3_141_592_653_u64),
        (json!(3141.6), 3_141_600_000),
        (json!(7), 7_000_000),
        (json!(0), 0),
        (json!(-1), 3_141_592_653),
    ] {
        let changed = hook.clone();
        let change = move |builder: Builder| {
            builder.before_send(move |mut event| {
                event["meta"]["duration_ms"] = changed.clone();
                Some(event)
            })
        };
        let spans = spans(change.clone(), |usage| {
            usage.log_usage(ToolCall::new("t").duration(took));
        });
        let time = |name: &str| spans[0][name].as_u64().unwrap();
        let length = time("endTimeUnixNano") - time("startTimeUnixNano");
        assert_eq!(length, nanos, "{hook}");

        // And of a later destination whose wire has it elsewhere.
        let sent = MemoryTransport::new();
        let mcpeye = Destination::new(Wire::Mcpeye(Mcpeye::new("test")));
        let usage = UsageLogger::builder()
            .env(|_| None)
            .memory_transport(&MemoryTransport::discarding())
            .product_id("test")
            .also(mcpeye.memory_transport(&sent));
        let usage = change(usage).build().unwrap();
        usage.log_usage(ToolCall::new("t").duration(took));
        usage.shutdown_blocking(PATIENCE);
        let body: Value = serde_json::from_slice(&sent.bodies()[0]).unwrap();
        let millis = body.pointer("/events/0/durationMs");
        assert_eq!(millis, Some(&json!(nanos / 1_000_000)), "{hook}: {body}");
    }
}

#[test]
fn http_3_runs_over_quic_and_the_others_over_tcp() {
    for (transport, version, expected) in [
        ("http", Some("3"), ("quic", Some("http"))),
        ("http", Some("2"), ("tcp", Some("http"))),
        ("http", None, ("tcp", Some("http"))),
        ("stdio", Some("3"), ("pipe", None)),
    ] {
        let span = span(|usage| {
            let call = ToolCall::new("t").transport(transport);
            usage.log_usage(match version {
                Some(version) => call.http_version(version),
                None => call,
            });
        });
        let attributes = &span["attributes"];
        let said = |name: &str| attributes.get(name).and_then(Value::as_str);
        let found = (
            attributes["network.transport"].as_str().unwrap(),
            said("network.protocol.name"),
        );
        assert_eq!(found, expected, "{transport} {version:?}");
        let version = version.filter(|_| transport == "http");
        assert_eq!(said("network.protocol.version"), version, "{transport}");
    }
}

/// The id that an anonymous event has on the Reo wires is that of a session.
#[test]
fn an_anonymous_event_has_no_user_whatever_is_known_of_its_session() {
    let pseudonyms = || mcp_usage::pseudonym::Pseudonyms::new(&[7; 32]).unwrap();
    let with_pseudonyms = move |builder: Builder| builder.pseudonyms(pseudonyms());
    let changes: [&dyn Fn(Builder) -> Builder; 3] =
        [&|builder| builder, &with_pseudonyms, &|builder| {
            builder.wire(Wire::Otlp(Otlp::spans().enduser_id(true)))
        }];
    for change in changes {
        let spans = spans(change, |usage| {
            usage.log_usage(ToolCall::new("t").session_id("s-1"));
            usage.log_usage(ToolCall::new("t").conversation_id("c-1"));
            usage.log_usage(ToolCall::new("t").identity(Identity::anonymous()));
            usage.log_usage(Init::new(["t"]).session_id("s-1"));
        });
        assert_eq!(spans.len(), 4);
        for span in spans {
            let attributes = span["attributes"].as_object().unwrap();
            let is_of_user = |name: &&String| name.contains("user.") || name.contains("user_id");
            assert_eq!(attributes.keys().find(is_of_user), None, "{attributes:?}");
        }
    }
    // An id of the host's own may look like one.
    let named = span(|usage| {
        let identity = Identity::new("anonymous-7", "INTERNAL");
        usage.log_usage(ToolCall::new("t").session_id("s-1").identity(identity));
    });
    assert_eq!(named["attributes"]["user.id"], "anonymous-7");
}

#[test]
fn a_span_is_the_same_when_it_is_sent_again_and_others_are_others() {
    let ingest = ingest();
    ingest.script([Answer::status(503), Answer::status(429)]);
    let usage = builder_for(&ingest, &otlp()).build().unwrap();
    usage.log_usage(call(1));
    usage.flush_blocking(PATIENCE).unwrap();
    usage.log_usage(call(1));
    end(&usage, &ingest);
    let spans: Vec<Value> = ingest
        .events()
        .into_iter()
        .map(|event| event.json)
        .collect();
    assert_eq!(spans.len(), 4);
    assert!(spans[0] == spans[1] && spans[1] == spans[2], "{spans:#?}");
    for name in ["traceId", "spanId"] {
        assert_ne!(spans[0][name], spans[3][name]);
    }
}

#[test]
fn a_failure_without_a_text_is_an_exception_of_its_type() {
    for (outcome, kind) in [
        (CallOutcome::ToolError, "tool_error"),
        (CallOutcome::ProtocolError, "_OTHER"),
        (CallOutcome::Timeout, "timeout"),
        (CallOutcome::Panicked, "panic"),
    ] {
        let failed = span(|usage| {
            usage.log_usage(ToolCall::new("t").outcome(outcome));
        });
        let exception = &failed["events"][0];
        assert_eq!(exception["name"], "exception", "{kind}");
        assert_eq!(exception["attributes"], json!({"exception.type": kind}));
        assert_eq!(failed["attributes"]["error.type"], kind);
        assert_eq!(failed["status"], json!({"code": 2}));
    }
    for outcome in [CallOutcome::Ok, CallOutcome::Cancelled, CallOutcome::Task] {
        let other = span(|usage| {
            usage.log_usage(ToolCall::new("t").outcome(outcome));
        });
        assert_eq!(other.get("events"), None, "{outcome:?}");
    }
}

#[test]
fn a_span_says_for_how_many_calls_it_stands_and_how_much_was_hidden_in_it() {
    let arguments = json!({"to": ["bob@example.com", "ann@example.com"], "password": "hunter2"});
    let spans = spans(
        |builder| builder.sample_tool("ping", 0.5),
        |usage| {
            for _ in 0..64 {
                usage.log_usage(ToolCall::new("ping").arguments(&arguments));
            }
            // A failure is never left out, and stands for itself.
            usage.log_usage(ToolCall::new("ping").outcome(CallOutcome::Timeout));
        },
    );
    let (failed, calls) = spans.split_last().unwrap();
    assert!((1..64).contains(&calls.len()), "{}", calls.len());
    for call in calls {
        let attributes = &call["attributes"];
        assert_eq!(attributes["mcp_usage.sample_rate"], 0.5);
        assert_eq!(attributes["mcp_usage.redactions.email"], 2);
        assert_eq!(attributes["mcp_usage.redactions.field"], 1);
    }
    let attributes = failed["attributes"].as_object().unwrap();
    let said = |name: &&String| name.starts_with("mcp_usage.redactions.");
    assert_eq!(attributes.get("mcp_usage.sample_rate"), None);
    assert_eq!(attributes.keys().find(said), None);
}

#[test]
fn an_event_that_is_logged_twice_under_one_id_has_one_span() {
    let of = |id: i64| {
        let span = span(|usage| {
            usage.log_usage(call(1).event_id(id));
        });
        [span["traceId"].clone(), span["spanId"].clone()]
    };
    assert_eq!(of(7), of(7), "of two loggers");
    assert_ne!(of(7), of(8));
}

#[test]
fn what_is_asked_for_stands_in_the_resource_and_in_the_users() {
    let ingest = ingest();
    let wire = Wire::Otlp(Otlp::spans().service_version("7.1").enduser_id(true));
    let usage = builder_for(&ingest, &wire)
        .environment("STAGING")
        .source("EDGE")
        .identity(Identity::new("u-1", "INTERNAL").with_email("rachel@example.com"))
        .build()
        .unwrap();
    usage.log_usage(
        ToolCall::new("t")
            .product_id("other")
            .source("PRODUCT_CLOUD"),
    );
    end(&usage, &ingest);
    let body = ingest.requests()[0].json().unwrap();
    let resource = &body["resourceSpans"][0]["resource"]["attributes"];
    for (name, value) in [
        ("service.name", "reoWebApp"),
        ("service.version", "7.1"),
        ("deployment.environment.name", "STAGING"),
        ("mcp_usage.source", "EDGE"),
        ("telemetry.sdk.name", "mcp-usage"),
    ] {
        assert_eq!(resource[name], value, "{name}");
    }
    let attributes = &ingest.delivered()[0].json["attributes"];
    assert_eq!(
        resource["service.instance.id"],
        attributes["mcp_usage.instance"]
    );
    for (name, value) in [
        ("user.id", "u-1"),
        ("enduser.id", "u-1"),
        ("user.email", "rachel@example.com"),
        ("mcp_usage.product_id", "other"),
        ("mcp_usage.source", "PRODUCT_CLOUD"),
    ] {
        assert_eq!(attributes[name], value, "{name}");
    }
    assert_eq!(
        attributes.get("mcp_usage.environment"),
        None,
        "the resource says it"
    );
}

#[test]
fn a_pseudonym_is_sent_as_a_hash_and_no_address_beside_it() {
    let pseudonyms = || mcp_usage::pseudonym::Pseudonyms::new(&[7; 32]).unwrap();
    let spans = spans(
        |builder| builder.pseudonyms(pseudonyms()),
        |usage| {
            let rachel = Identity::new("u-1", "INTERNAL").with_email("rachel@example.com");
            usage.log_usage(ToolCall::new("t").identity(rachel));
        },
    );
    let attributes = &spans[0]["attributes"];
    assert_eq!(attributes["user.hash"], *pseudonyms().user("u-1"));
    assert_eq!(attributes["user.id"], attributes["user.hash"]);
    assert_eq!(attributes.get("user.email"), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is sent as a span is what the Reo wire sends of the same event.
    #[test]
    fn every_value_is_read_back_as_it_is_sent_elsewhere(
        texts in proptest::collection::vec("\\PC{0,300}|[\\x00-\\x7f]{0,20}", 6),
        numbers in (any::<i64>(), proptest::num::f64::NORMAL, any::<bool>()),
        millis in 0_u64..10_000_000,
    ) {
        let (integer, number, flag) = numbers;
        let arguments = json!({"text": &texts[0], "list": [integer, number, flag, null]});
        let sent = |wire: Wire| {
            let memory = MemoryTransport::new();
            let usage = UsageLogger::builder()
                .env(|_| None)
                .wire(wire)
                .memory_transport(&memory)
                .product_id("p")
                .build()
                .unwrap();
            usage.log_usage(
                ToolCall::new(&*texts[1])
                    .identity(Identity::new(format!("u{}", texts[2]), "T"))
                    .prompt(&*texts[3])
                    .error(&*texts[4])
                    .meta("own", &texts[5])
                    .meta("integer", &integer)
                    .meta("number", &number)
                    .meta("flag", &flag)
                    .meta("texts", &texts)
                    .arguments(&arguments)
                    .duration(Duration::from_millis(millis)),
            );
            usage.shutdown_blocking(PATIENCE);
            memory.bodies()
        };
        let (reo, spans) = (sent(Wire::ReoBatch), sent(Wire::Otlp(Otlp::spans())));
        prop_assert_eq!(reo.len(), spans.len());
        for (reo, spans) in reo.iter().zip(&spans) {
            let reo: Value = serde_json::from_slice(reo).unwrap();
            let (event, meta) = (&reo["payload"][0], &reo["payload"][0]["meta"]);
            let body = check(spans, ReceivedWire::Otlp);
            prop_assert!(body.is_ok(), "{:?}", body);
            let body = body.unwrap();
            let span = &body["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
            let attributes = &span["attributes"];
            for (attribute, value) in [
                ("gen_ai.tool.name", &meta["tool"]),
                ("mcp_usage.intent", &meta["prompt"]),
                ("mcp_usage.meta.own", &meta["own"]),
                ("mcp_usage.meta.integer", &meta["integer"]),
                ("mcp_usage.meta.flag", &meta["flag"]),
                ("mcp_usage.meta.texts", &meta["texts"]),
                ("user.id", &event["user_id"]),
            ] {
                prop_assert_eq!(&attributes[attribute], value, "{}", attribute);
            }
            let number = attributes["mcp_usage.meta.number"].as_f64();
            prop_assert_eq!(number, meta["number"].as_f64());
            let arguments = attributes["gen_ai.tool.call.arguments"].as_str().unwrap();
            prop_assert_eq!(&serde_json::from_str::<Value>(arguments).unwrap(), &meta["tool_arguments"]);
            let error = meta["error"].as_str().filter(|error| !error.is_empty());
            prop_assert_eq!(span["status"].get("message").and_then(Value::as_str), error);
            let time = |name: &str| span[name].as_u64().unwrap();
            let took = time("endTimeUnixNano") - time("startTimeUnixNano");
            prop_assert_eq!(took, millis * 1_000_000);
        }
    }
}

// ---- answers ----

/// Sends one batch of ten events, which is answered so first; returns the ends and the requests.
fn answered(answers: impl IntoIterator<Item = Answer>) -> (mcp_usage::Stats, u64) {
    let (stats, ingest) = sent(10, answers);
    (stats, ingest.counts().requests)
}

/// Sends one batch of so many events, which is answered so first.
fn sent(events: u64, answers: impl IntoIterator<Item = Answer>) -> (mcp_usage::Stats, MockIngest) {
    let ingest = ingest();
    ingest.script(answers);
    let usage = builder_for(&ingest, &otlp())
        .flush_interval(Duration::from_secs(600))
        .max_backoff(Duration::from_millis(2))
        .request_timeout(Duration::from_secs(3))
        .max_in_flight(1)
        .build()
        .unwrap();
    for n in 0..events {
        usage.log_usage(call(n));
    }
    usage.flush_blocking(PATIENCE).unwrap();
    (end(&usage, &ingest), ingest)
}

#[test]
fn four_statuses_and_a_lost_connection_are_sent_again_and_nothing_else() {
    for status in [429, 502, 503, 504] {
        let (stats, requests) = answered([Answer::status(status)]);
        assert_eq!((stats.delivered, requests), (10, 2), "{status}");
    }
    let (stats, requests) = answered([Answer::reset_after_body()]);
    assert_eq!((stats.delivered, requests), (10, 2));
    // A timeout breaks the connection.
    let (stats, requests) = answered([Answer::hang()]);
    assert_eq!((stats.delivered, requests), (10, 2));
    // A 2xx is an answer, whoever has given it.
    let (stats, requests) = answered([Answer::ok().body("<!doctype html><title>Sign in</title>")]);
    assert_eq!((stats.dropped.get(DropReason::Rejected), requests), (10, 1));
    for (status, reason) in [
        (301, DropReason::Rejected),
        (401, DropReason::Unauthorized),
        (403, DropReason::Unauthorized),
        (404, DropReason::Rejected),
        (408, DropReason::Rejected),
        (415, DropReason::Rejected),
        (422, DropReason::Rejected),
        (425, DropReason::Rejected),
        (501, DropReason::Rejected),
        (505, DropReason::Rejected),
        (520, DropReason::Rejected),
    ] {
        let (stats, requests) = answered([Answer::status(status)]);
        assert_eq!((stats.dropped.get(reason), requests), (10, 1), "{status}");
    }
}

/// Parts of a request are other requests.
#[test]
fn no_request_is_sent_again_byte_for_byte_but_after_four_statuses_and_a_lost_connection() {
    let is_repeated = |answer: Answer| {
        let (_, ingest) = sent(3, vec![answer; 2]);
        let requests = ingest.requests().into_iter();
        let bodies: Vec<Vec<u8>> = requests.map(|request| request.body).collect();
        assert!(!bodies.is_empty() && bodies.iter().all(|body| !body.is_empty()));
        let others: HashSet<&Vec<u8>> = bodies.iter().collect();
        others.len() < bodies.len()
    };
    for status in 200..=599 {
        let expected = matches!(status, 429 | 502..=504);
        assert_eq!(is_repeated(Answer::status(status)), expected, "{status}");
    }
    for (name, lost) in [
        ("reset", Answer::reset_after_body()),
        ("closed", Answer::raw("")),
    ] {
        assert!(is_repeated(lost), "{name}");
    }
}

#[test]
fn what_may_be_the_fault_of_an_event_is_sent_in_parts_each_once() {
    for status in [400, 500] {
        // Ten events, then quarters of three, two, three and two.
        let (stats, requests) = answered([Answer::status(status)]);
        assert_eq!((stats.delivered, requests), (10, 5), "{status}");
        let (stats, requests) = answered(vec![Answer::status(status); 5]);
        assert_eq!(stats.dropped.get(DropReason::Rejected), 10, "{status}");
        assert_eq!(requests, 5, "{status}");
    }
    let (stats, requests) = answered([Answer::status(413)]);
    assert_eq!((stats.delivered, requests), (10, 3));
    let (stats, requests) = answered(vec![Answer::status(413); 19]);
    assert_eq!(stats.dropped.get(DropReason::TooLarge), 10);
    assert_eq!(requests, 19);
}

#[test]
fn a_partial_success_is_never_sent_again() {
    let body = |body: &str| Answer::ok().body(body);
    for (answer, rejected) in [
        (Answer::ok(), 0),
        (body(""), 0),
        (body("{}"), 0),
        (body(r#"{"partialSuccess":null}"#), 0),
        (
            body(r#"{"partialSuccess":{"rejectedSpans":"0","errorMessage":"be warned"}}"#),
            0,
        ),
        (
            body(r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no room"}}"#),
            3,
        ),
        (body(r#"{"partialSuccess":{"rejectedSpans":99}}"#), 10),
        // The same in the encoding of the request.
        (Answer::reject_first(4, true), 4),
    ] {
        let (stats, requests) = answered([answer]);
        assert_eq!(stats.dropped.get(DropReason::Rejected), rejected);
        assert_eq!((stats.delivered, requests), (10 - rejected, 1));
    }
}

#[test]
fn a_compressed_request_says_the_same() {
    let sent = |gzip| {
        let ingest = ingest();
        let usage = builder_for(&ingest, &otlp()).gzip(gzip).build().unwrap();
        usage.log_usage(call(1).prompt("words ".repeat(200)));
        end(&usage, &ingest);
        let coding = ingest.requests()[0]
            .header("content-encoding")
            .map(str::to_owned);
        (
            coding,
            ingest.delivered()[0].json["attributes"]["mcp_usage.intent"].clone(),
        )
    };
    let (plain, compressed) = (sent(false), sent(true));
    assert_eq!((plain.0, compressed.0.as_deref()), (None, Some("gzip")));
    assert_eq!(plain.1, compressed.1);
}

#[test]
fn a_check_sends_a_span_and_reads_the_answer() {
    for (answer, delivered, words) in [
        (Answer::ok(), true, "200"),
        (Answer::reject_first(1, false), false, "refuses the event"),
        (Answer::status(404), false, "the endpoint's path"),
    ] {
        let ingest = ingest();
        ingest.script([answer]);
        let usage = builder_for(&ingest, &otlp()).build().unwrap();
        let report = usage.check_delivery_blocking();
        assert_eq!(report.delivered, delivered, "{report}");
        assert!(report.to_string().contains(words), "{report}");
        assert_eq!(ingest.events().len(), 1);
        assert_eq!(ingest.violations(), Vec::<String>::new());
    }
}

// ---- settings ----

fn env(variables: &[(&str, String)]) -> impl Fn(&str) -> Option<String> + 'static {
    let owned = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    let variables: HashMap<String, String> = owned.collect();
    move |name| variables.get(name).cloned()
}

/// A logger of this wire of which only the environment says anything.
fn of(variables: &[(&str, &str)]) -> Builder {
    let owned = variables
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    let owned: Vec<_> = owned.collect();
    UsageLogger::builder()
        .wire(Wire::Otlp(Otlp::spans()))
        .env(env(&owned))
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

#[test]
fn nothing_but_the_wire_needs_to_be_said() {
    let ingest = MockIngest::start().unwrap();
    let usage = of(&[(ENDPOINT, &ingest.origin())]).build().unwrap();
    assert_eq!(usage.log_usage(ToolCall::new("search")), Outcome::Queued);
    end(&usage, &ingest);
    let request = &ingest.requests()[0];
    assert_eq!(request.path, "/v1/traces");
    assert_eq!(
        request.header("content-type"),
        Some("application/x-protobuf")
    );
    assert_eq!(request.header("authorization"), None);
    let body = request.json().unwrap();
    let resource = &body["resourceSpans"][0]["resource"]["attributes"];
    assert_eq!(resource["service.name"], "unknown_service");
    assert!(of(&[]).build().is_ok(), "to this machine");
}

#[test]
fn code_wins_over_the_variable_for_traces_and_that_over_the_one_for_all_signals() {
    let (ingest, other) = (MockIngest::start().unwrap(), MockIngest::start().unwrap());
    let path = |change: fn(Builder, &str) -> Builder, variables: &[(&str, String)]| {
        ingest.clear();
        let builder = UsageLogger::builder().wire(Wire::Otlp(Otlp::spans()));
        let usage = change(builder.env(env(variables)), &ingest.origin())
            .build()
            .unwrap();
        usage.log_usage(call(1));
        assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
        ingest
            .requests()
            .first()
            .map(|request| request.path.clone())
    };
    let base = (ENDPOINT, format!("{}/base/", ingest.origin()));
    let whole = (
        TRACES_ENDPOINT,
        format!("{}/v1/traces?as=is", ingest.origin()),
    );
    let elsewhere = |name| (name, other.origin());
    let found = path(|b, _| b, &[base]);
    assert_eq!(found.as_deref(), Some("/base/v1/traces"));
    let found = path(|b, _| b, &[elsewhere(ENDPOINT), whole.clone()]);
    assert_eq!(found.as_deref(), Some("/v1/traces?as=is"));
    let found = path(
        |b, origin| b.endpoint(origin),
        &[elsewhere(ENDPOINT), elsewhere(TRACES_ENDPOINT)],
    );
    assert_eq!(found.as_deref(), Some("/v1/traces"));
    assert_eq!(other.counts().connections, 0);
}

/// The request of a logger that is built so, with one call.
fn request_of_one_call(ingest: &MockIngest, builder: Builder) -> ReceivedRequest {
    ingest.clear();
    let usage = builder.endpoint(ingest.origin()).build().unwrap();
    usage.log_usage(call(1));
    end(&usage, ingest);
    ingest.requests().remove(0)
}

#[test]
fn headers_come_from_the_environment_and_code_replaces_them_by_name() {
    let ingest = MockIngest::start().unwrap();
    let sent = |variables: &[(&str, &str)], change: fn(Builder) -> Builder| {
        request_of_one_call(&ingest, change(of(variables)))
    };
    let general = (
        HEADERS,
        "Authorization=Basic%20czNjcmV0,x-team=all,x-api-key=k%3D1",
    );
    let request = sent(&[general], |b| b);
    assert_eq!(request.header("authorization"), Some("Basic czNjcmV0"));
    assert_eq!(request.header("x-api-key"), Some("k=1"));
    let request = sent(&[general], |b| b.headers([("X-Team", "mine")]));
    assert_eq!(request.header("x-team"), Some("mine"));
    assert_eq!(request.header("authorization"), Some("Basic czNjcmV0"));
    let of_signal = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-team=traces");
    let request = sent(&[general, of_signal], |b| b);
    assert_eq!(
        (request.header("x-team"), request.header("authorization")),
        (Some("traces"), None)
    );
    let request = sent(&[], |b| b.api_key(KEY));
    assert_eq!(request.header("authorization"), Some("Bearer test-key-1"));
}

#[test]
fn the_service_is_named_by_the_environment_else_by_the_product() {
    let ingest = MockIngest::start().unwrap();
    let resource = |variables: &[(&str, &str)], change: fn(Builder) -> Builder| {
        let request = request_of_one_call(&ingest, change(of(variables)));
        let body = request.json().unwrap();
        body["resourceSpans"][0]["resource"]["attributes"].clone()
    };
    let attributes = (
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=of%20attributes,service.version=3,deployment.environment.name=dev,k8s.pod.name=p-1,\
         service.instance.id=none",
    );
    let product: fn(Builder) -> Builder = |b| b.product_id("shop");
    let found = resource(&[attributes, ("OTEL_SERVICE_NAME", "of-name")], product);
    assert_eq!(found["service.name"], "of-name");
    let found = resource(&[attributes], product);
    assert_eq!(found["service.name"], "of attributes");
    assert_eq!(found["service.version"], "3");
    assert_eq!(found["deployment.environment.name"], "dev");
    assert_eq!(found["k8s.pod.name"], "p-1");
    assert_ne!(found["service.instance.id"], "none");
    let found = resource(&[], product);
    assert_eq!(found["service.name"], "shop");
    assert_eq!(found["deployment.environment.name"], "PRODUCTION");
    let found = resource(&[attributes], |b| b.environment("LIVE"));
    assert_eq!(found["deployment.environment.name"], "LIVE");
}

#[test]
fn every_bad_variable_is_refused_by_its_name() {
    let traces = |name: &str| format!("OTEL_EXPORTER_OTLP_TRACES_{name}");
    for (name, value, fault) in [
        ("PROTOCOL", "grpc", "write http/protobuf"),
        ("PROTOCOL", "http/json", "write http/protobuf"),
        ("COMPRESSION", "zstd", "write gzip or none"),
        ("TIMEOUT", "soon", "write milliseconds"),
        ("TIMEOUT", "1", "which is not within"),
        (
            "CERTIFICATE",
            "/nowhere/at/all.pem",
            "names a file that cannot be read",
        ),
        ("CERTIFICATE", "Cargo.toml", "without a certificate"),
        ("HEADERS", "secret", "has a fault in pair 1"),
        ("HEADERS", "a b=secret", "has an invalid name"),
        ("HEADERS", "host=secret", "may not set host"),
        ("HEADERS", "a=secret%0A", "has an invalid value for"),
        ("ENDPOINT", "collector:4318", "has no scheme"),
    ] {
        for variable in [format!("OTEL_EXPORTER_OTLP_{name}"), traces(name)] {
            let error = of(&[(&variable, value)]).build().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{variable} ")), "{error}");
            assert!(
                error.contains(fault) && !error.contains("secret"),
                "{error}"
            );
            // Another wire does not read it.
            let builder = UsageLogger::builder().api_key(KEY).product_id("p");
            let built = builder.env(env(&[(&variable, value.to_owned())])).build();
            assert!(built.is_ok(), "{built:?}");
        }
    }
    let error = of(&[("OTEL_RESOURCE_ATTRIBUTES", "a")])
        .build()
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("OTEL_RESOURCE_ATTRIBUTES "), "{error}");
    let key = "authorization=x";
    let error = of(&[(HEADERS, key)])
        .api_key(KEY)
        .build()
        .unwrap_err()
        .to_string();
    assert_eq!(error, format!("{HEADERS} may not set authorization"));
}

#[test]
fn a_disabled_sdk_switches_this_wire_off_and_no_other() {
    let disabled = [("OTEL_SDK_DISABLED", "true".to_owned())];
    let usage = of(&[("OTEL_SDK_DISABLED", "true")])
        .enabled(true)
        .build()
        .unwrap();
    assert_eq!(usage.log_usage(call(1)), Outcome::Disabled);
    // By OpenTelemetry's specification `true` is so in any case, and everything else is false.
    for (value, outcome) in [
        ("TRUE", Outcome::Disabled),
        (" True ", Outcome::Disabled),
        ("false", Outcome::Queued),
        ("1", Outcome::Queued),
        ("yes", Outcome::Queued),
        ("on", Outcome::Queued),
        ("perhaps", Outcome::Queued),
        ("", Outcome::Queued),
    ] {
        let memory = MemoryTransport::new();
        let builder = of(&[("OTEL_SDK_DISABLED", value)]).memory_transport(&memory);
        let usage = builder.build().unwrap();
        assert_eq!(usage.log_usage(call(1)), outcome, "{value:?}");
    }
    let reo = UsageLogger::builder()
        .env(env(&disabled))
        .api_key(KEY)
        .product_id("p");
    let reo = reo
        .memory_transport(&MemoryTransport::new())
        .build()
        .unwrap();
    assert_eq!(reo.log_usage(call(1)), Outcome::Queued);
}

#[test]
fn plain_http_goes_to_where_collectors_are_unless_a_secret_goes_along() {
    let refusal = |builder: Builder| builder.build().err().map(|error| error.to_string());
    let near = [
        "http://localhost:4318",
        "http://otel-collector:4318",
        "http://collector.observability.svc",
        "http://collector.local",
        "http://collector.internal:4318",
        "http://10.0.0.7:4318",
        "http://[fd00::7]:4318",
    ];
    for endpoint in near {
        assert_eq!(refusal(of(&[(ENDPOINT, endpoint)])), None, "{endpoint}");
        let with_header = refusal(of(&[(ENDPOINT, endpoint), (HEADERS, "x-key=1")]));
        let with_key = refusal(of(&[(ENDPOINT, endpoint)]).api_key(KEY));
        for refusal in [with_header, with_key] {
            let is_refused =
                refusal.is_some_and(|error| error.contains("the headers in the clear"));
            assert_eq!(is_refused, !endpoint.contains("localhost"), "{endpoint}");
        }
        let allowed = of(&[(ENDPOINT, endpoint), (HEADERS, "x-key=1")]);
        assert_eq!(refusal(allowed.allow_insecure_http(true)), None);
    }
    for endpoint in [
        "http://collector.example.com",
        "http://8.8.8.8",
        "http://172.32.0.1",
    ] {
        let error = refusal(of(&[(ENDPOINT, endpoint)])).unwrap();
        assert!(error.contains("personal data in the clear"), "{error}");
    }
}

#[test]
fn no_key_comes_later_where_none_could_have_been_given() {
    for (builder, fault) in [
        (
            of(&[(ENDPOINT, "http://otel-collector:4318")]),
            Some("would be sent in the clear"),
        ),
        (
            of(&[(HEADERS, "authorization=Basic%20x")]),
            Some("would conflict with the header"),
        ),
        (of(&[(ENDPOINT, "https://collector.example")]), None),
        (of(&[]), None),
    ] {
        let set = builder.build().unwrap().set_api_key(KEY);
        match fault {
            Some(fault) => assert!(set.unwrap_err().to_string().contains(fault)),
            None => set.unwrap(),
        }
    }
}

#[test]
fn the_variables_of_time_and_compression_count_unless_code_says_otherwise() {
    let ingest = MockIngest::start().unwrap();
    let timeout = ("OTEL_EXPORTER_OTLP_TIMEOUT", "50");
    ingest.answer_always(Answer::hang());
    let (builder, failures) = errors(of(&[timeout]).endpoint(ingest.origin()));
    let usage = builder.build().unwrap();
    usage.log_usage(call(1));
    let failure = failures.recv_timeout(PATIENCE).unwrap().to_string();
    assert!(failure.contains("timed out"), "{failure}");
    drop(usage);

    let settings = |builder: Builder, name: &str| {
        let report = builder.check_blocking();
        let row = report
            .settings
            .into_iter()
            .find(|setting| setting.name == name);
        let row = row.unwrap();
        format!("{} ({})", row.value, row.origin)
    };
    let gzip = ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    for (builder, name, expected) in [
        (
            of(&[timeout]),
            "request_timeout",
            "50ms (OTEL_EXPORTER_OTLP_TIMEOUT)",
        ),
        (
            of(&[timeout]).request_timeout(Duration::from_secs(2)),
            "request_timeout",
            "2s (code)",
        ),
        (of(&[]), "request_timeout", "10s (default)"),
        (of(&[gzip]), "gzip", "true (OTEL_EXPORTER_OTLP_COMPRESSION)"),
        (of(&[gzip]).gzip(false), "gzip", "false (code)"),
        (
            of(&[(HEADERS, "x-key=secret")]),
            "headers",
            "[\"x-key\"] (OTEL_EXPORTER_OTLP_HEADERS)",
        ),
    ] {
        assert_eq!(settings(builder, name), expected);
    }
}

/// What the variables of both names lead to: the one for traces counts.
#[test]
fn each_variable_for_traces_counts_before_that_for_all_signals() {
    let name = |signal: &str, name: &str| format!("OTEL_EXPORTER_OTLP_{signal}{name}");
    let both = |variable: &str, traces: &str, all: &str| {
        let [of_traces, of_all] = [name("TRACES_", variable), name("", variable)];
        of(&[(&of_traces, traces), (&of_all, all)])
    };
    let setting = |builder: Builder, name: &str| {
        let report = builder.check_blocking();
        let mut settings = report.settings.into_iter();
        let row = settings.find(|setting| setting.name == name).unwrap();
        format!("{} ({})", row.value, row.origin)
    };
    assert_eq!(
        setting(both("TIMEOUT", "50", "70"), "request_timeout"),
        "50ms (OTEL_EXPORTER_OTLP_TRACES_TIMEOUT)"
    );
    for (traces, all, on) in [("none", "gzip", false), ("gzip", "none", true)] {
        assert_eq!(
            setting(both("COMPRESSION", traces, all), "gzip"),
            format!("{on} (OTEL_EXPORTER_OTLP_TRACES_COMPRESSION)")
        );
        let ingest = MockIngest::start().unwrap();
        let builder = both("COMPRESSION", traces, all);
        let request = request_of_one_call(&ingest, builder);
        let encoding = request.header("content-encoding");
        assert_eq!(encoding, on.then_some("gzip"));
    }
    assert!(both("PROTOCOL", "http/protobuf", "grpc").build().is_ok());
    let error = both("PROTOCOL", "grpc", "http/protobuf").build();
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL "));

    // That for all signals is not even read.
    let dir = TempDir::new();
    let pem = dir.root().with_file_name("roots.pem");
    let roots = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&pem, roots.cert.pem()).unwrap();
    let pem = pem.to_str().unwrap();
    let nowhere = "/nowhere/at/all.pem";
    let built = both("CERTIFICATE", pem, nowhere).build();
    assert!(built.is_ok(), "{built:?}");
    let error = both("CERTIFICATE", nowhere, pem).build();
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE "));
}

#[test]
fn the_values_of_headers_are_shown_nowhere() {
    const SECRET: &str = "s3cr3t-of-the-header";
    let ingest = MockIngest::start().unwrap();
    ingest.answer_always(Answer::status(401).body(format!("no such key: {SECRET}")));
    let header = format!("authorization=Bearer%20{SECRET}");
    let builder = of(&[(HEADERS, &header)]).endpoint(ingest.origin());
    let shown = format!("{builder:?}");
    let (builder, failures) = errors(builder);
    let usage = builder.build().unwrap();
    usage.log_usage(call(1));
    let failure = failures.recv_timeout(PATIENCE).unwrap();
    let shown = [shown, format!("{usage:?} {failure} {failure:?}")].concat();
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(!format!("{:?}", ingest.requests()).contains("s3cr3t"));
}

#[test]
fn a_dry_run_writes_the_events_that_spans_are_made_from() {
    let path = std::env::temp_dir().join(format!("otlp-dry-run-{}", std::process::id()));
    let usage = of(&[]).dry_run(&path).build().unwrap();
    usage.log_usage(ToolCall::new("search").duration(Duration::from_millis(3)));
    usage.shutdown_blocking(PATIENCE);
    let lines = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    let body: Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!(body["payload"][0]["meta"]["tool"], "search");
    assert_eq!(body["payload"][0]["head"]["duration"], 3_000_000);
}

#[test]
fn the_last_time_that_is_plausible_may_have_a_part_of_a_millisecond() {
    let at = SystemTime::UNIX_EPOCH + Duration::new(4_102_444_800, 999_999);
    let found = span(|usage| {
        usage.log_usage(ToolCall::new("t").event_at(at));
    });
    assert_eq!(found["startTimeUnixNano"], 4_102_444_800_000_999_999_u64);
}

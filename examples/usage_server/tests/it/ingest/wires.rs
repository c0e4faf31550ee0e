//! The bodies that each wire sends, and the rows that become of them.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::otlp::{export, list};
use crate::support::{NOW, Server, Setup, call};

/// When the events of the golden bodies happened, in Unix seconds.
const AT: i64 = NOW / 1_000 - 100;

/// An event as the pages see it.
const ROW: &str = "SELECT event.kind, t.text, user.text, user.kind, user.email, session.text, c.text, c.detail,
        event.class, outcome, r.text, p.text, duration_us, result_bytes, intent.text, weight, time_ms, sequence
    FROM event
    LEFT JOIN name t ON t.id = tool LEFT JOIN name c ON c.id = event.client
    LEFT JOIN name r ON r.id = release LEFT JOIN name p ON p.id = protocol
    LEFT JOIN user ON user.id = event.user LEFT JOIN session ON session.id = event.session
    LEFT JOIN intent ON intent.id = event.intent ORDER BY event.time_ms, event.sequence, event.id";

/// A body that this crate sends, with values in place of those that differ each time.
fn golden(name: &str) -> Value {
    let path = format!(
        "{}/../../tests/it/golden/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut body = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    fill(&mut body, "");
    body
}

fn fill(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => members
            .iter_mut()
            .for_each(|(name, value)| fill(value, name)),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, name)),
        Value::String(text) => {
            let filled = match (text.as_str(), name) {
                ("a number", "event_at") => json!(AT),
                ("a number", "timestamp") => json!(AT * 1_000),
                ("a number", "startTimeUnixNano") => json!(AT * 1_000_000_000),
                ("a number", "endTimeUnixNano") => json!(AT * 1_000_000_000 + 5_072_520_000),
                ("a number", _) => json!(4_711),
                ("a string", "spanId") => json!("00f067aa0ba902b7"),
                ("a string", "instance" | "mcp_usage.instance" | "service.instance.id") => {
                    json!("00000000000000a1")
                }
                ("a string", "callId") => json!("f9e078a0-519b-4af2-b6c2-1896a6d21d1b"),
                ("a string", _) => json!("0.1.0"),
                _ => return,
            };
            *value = filled;
        }
        _ => {}
    }
}

async fn send(server: &Server, name: &str) -> StatusCode {
    let body = golden(name);
    if name.starts_with("otlp") {
        let request = server.post("/v1/traces");
        let request = request.header("content-type", "application/x-protobuf");
        let answer = request.body(export(&body).encode_to_vec()).send().await;
        return answer.unwrap().status();
    }
    let path = match name.starts_with("mcpeye") {
        true => "/ingest",
        false => "/api/product/usage",
    };
    server.post_json(path, &body).await.0
}

#[tokio::test]
async fn a_tool_call_is_the_same_on_every_wire() {
    for (name, user_kind, email, session) in [
        (
            "reo-tool_call",
            "INTERNAL",
            "-",
            "ac21de2c76adcba6cd65ee85dc39e2e6",
        ),
        (
            "reo-batch-tool_call",
            "INTERNAL",
            "-",
            "ac21de2c76adcba6cd65ee85dc39e2e6",
        ),
        (
            "otlp-tool_call",
            "INTERNAL",
            "rachel@reo.dev",
            "ac21de2c76adcba6cd65ee85dc39e2e6",
        ),
        ("mcpeye-tool_call", "ID", "rachel@reo.dev", "-"),
    ] {
        let server = Server::start().await;
        assert_eq!(send(&server, name).await, StatusCode::OK, "{name}");
        let is_mcpeye = name.starts_with("mcpeye");
        let (client, version) = if is_mcpeye {
            ("claude", "")
        } else {
            ("inspector", "0.9.1")
        };
        let class = i32::from(is_mcpeye);
        // Of the crate's span, the server's own version wins over that of the service.
        let release = if is_mcpeye { "1.2.3" } else { "4.5.6" };
        let protocol = if is_mcpeye { "-" } else { "2025-06-18" };
        let duration = if is_mcpeye { 5_072_000 } else { 5_072_520 };
        let result = if is_mcpeye { 30 } else { 37 };
        let sequence = i32::from(!is_mcpeye);
        let row = server.row(ROW).await;
        assert_eq!(
            row,
            format!(
                "1 search u_8812 {user_kind} {email} {session} {client} {version} {class} 0 {release} {protocol} \
                {duration} {result} who uses rails? 1 {} {sequence}",
                AT * 1_000
            ),
            "{name}"
        );
        let body = &server.bodies().await[0];
        let arguments =
            json!({"query": "mail [REDACTED_EMAIL]", "limit": 5, "password": "[REDACTED_FIELD]"});
        assert_eq!(body["arguments"], arguments, "{name}");
        assert_eq!(
            body["result"],
            json!({"rows": [1, 2, 3], "note": "fine"}),
            "{name}"
        );
        if is_mcpeye {
            assert_eq!(body["product_id"], "proj_123");
            continue;
        }
        assert_eq!(body["transport"], "http", "{name}");
        assert_eq!(body["request_id"], "17", "{name}");
        assert_eq!(body["ip_addr"], "203.0.113.9", "{name}");
        assert_eq!(body["product_id"], "reoWebApp", "{name}");
        assert_eq!(body["environment"], "STAGING", "{name}");
        assert_eq!(body["user_agent"], "Mozilla/5.0", "{name}");
        assert_eq!(body["meta"]["ünï"], "日本語 ✓", "{name}");
        assert_eq!(body["meta"]["mode"], "authenticated", "{name}");
        let marks = server
            .rows("SELECT class, here, marks FROM redaction_day ORDER BY 1")
            .await;
        // The record that spans are made from has the tool's description, too, which names an address.
        let addresses = 1 + u8::from(name.starts_with("otlp"));
        let expected = [format!("email 0 {addresses}"), "field 0 1".to_owned()];
        assert_eq!(marks, expected, "{name}");
        let instance = server
            .row("SELECT text, received, max_sequence FROM instance")
            .await;
        assert_eq!(instance, "00000000000000a1 1 1", "{name}");
    }
}

#[tokio::test]
async fn what_a_round_asks_for_is_a_fact_of_the_call() {
    let server = Server::start().await;
    let methods = json!(["elicitation/create", "mail to rachel@example.com"]);
    let mut event = call(1);
    event["meta"]["outcome"] = json!("input_required");
    event["meta"]["input_request_methods"] = methods.clone();
    assert_eq!(server.send(vec![event]).await.1["accepted"], 1);
    let span = json!({
        "traceId": format!("{:032x}", 1), "spanId": format!("{:016x}", 1), "name": "tools/call search", "kind": 2,
        "startTimeUnixNano": NOW * 1_000_000, "endTimeUnixNano": NOW * 1_000_000,
        "attributes": {
            "mcp.method.name": "tools/call",
            "mcp_usage.outcome": "input_required",
            "mcp_usage.input_request_methods": methods,
        },
    });
    let request = server
        .post("/v1/traces")
        .header("content-type", "application/x-protobuf");
    let body = export(&json!({"resourceSpans": [{"scopeSpans": [{ "spans": [span] }]}]}));
    let answer = request.body(body.encode_to_vec()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let bodies = server.bodies().await;
    assert_eq!(bodies.len(), 2);
    for body in bodies {
        let kept = json!(["elicitation/create", "mail to [REDACTED_EMAIL]"]);
        assert_eq!(body["input_request_methods"], kept, "{body}");
        assert!(body.get("meta").is_none(), "{body}");
    }
}

#[tokio::test]
async fn a_failed_call_has_its_outcome_and_its_message_on_every_wire() {
    for name in [
        "reo-failed_call",
        "reo-batch-failed_call",
        "otlp-failed_call",
        "mcpeye-failed_call",
    ] {
        let server = Server::start().await;
        assert_eq!(send(&server, name).await, StatusCode::OK, "{name}");
        let row = server
            .row("SELECT event.kind, outcome, text FROM event JOIN name ON name.id = error")
            .await;
        assert_eq!(row, "1 1 no such index", "{name}");
        assert_eq!(server.bodies().await[0]["error"], "no such index", "{name}");
        if !name.starts_with("mcpeye") {
            let refused = json!(["limit", "[REDACTED_EMAIL]"]);
            assert_eq!(
                server.bodies().await[0]["refused_arguments"],
                refused,
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn a_listing_says_what_is_offered_on_every_wire_that_has_it() {
    for name in ["reo-init", "reo-batch-init", "otlp-init"] {
        let server = Server::start().await;
        assert_eq!(send(&server, name).await, StatusCode::OK, "{name}");
        assert_eq!(server.row("SELECT kind FROM event").await, "5", "{name}");
        let listed = "SELECT text, hash, bytes FROM tool_listed JOIN name ON id = tool_listed.tool
            LEFT JOIN tool_def USING (project, tool) ORDER BY 1";
        let listed = server.rows(listed).await;
        assert_eq!(listed, ["boom - -", "search 5c079173c23f454d 17"], "{name}");
    }
}

#[tokio::test]
async fn logins_and_other_activities_keep_their_kind_on_every_wire_that_has_them() {
    for (name, kind) in [
        ("reo-identity_capture", "3"),
        ("reo-batch-identity_capture", "3"),
        ("otlp-identity_capture", "3"),
        ("reo-custom", "2"),
        ("reo-batch-custom", "2"),
        ("otlp-custom", "2"),
    ] {
        let server = Server::start().await;
        assert_eq!(send(&server, name).await, StatusCode::OK, "{name}");
        assert_eq!(server.row("SELECT kind FROM event").await, kind, "{name}");
        assert_eq!(
            server.row("SELECT logins FROM user_day").await,
            "1",
            "{name}"
        );
    }
}

#[tokio::test]
async fn every_outcome_of_a_span_is_the_one_that_was_logged() {
    let server = Server::start().await;
    let mut spans = golden("otlp-spans");
    for (n, span) in spans.as_array_mut().unwrap().iter_mut().enumerate() {
        let at = AT * 1_000_000_000 + n as i64 * 1_000_000;
        span["startTimeUnixNano"] = json!(at);
        span["endTimeUnixNano"] = json!(at + 2_000_000);
        span["traceId"] = json!(format!("{:032x}", n + 1));
        span["spanId"] = json!(format!("{:016x}", n + 1));
        if span["attributes"].get("mcp_usage.instance").is_some() {
            span["attributes"]["mcp_usage.instance"] = json!("00000000000000a1");
        }
    }
    let logged: Vec<_> = list(&spans)
        .filter_map(|span| {
            let outcome = span["attributes"].get("mcp_usage.outcome")?.as_str()?;
            let at = span["startTimeUnixNano"].as_i64()? / 1_000_000;
            Some(format!("{at} {outcome}"))
        })
        .collect();
    let body = json!({"resourceSpans": [{"scopeSpans": [{ "spans": spans }]}]});
    let (status, answer) = traces(&server, &export(&body)).await;
    assert_eq!((status, answer.partial_success), (StatusCode::OK, None));
    let mut found = Vec::new();
    for row in server
        .rows("SELECT time_ms, outcome FROM event ORDER BY 1")
        .await
    {
        let (at, outcome) = row.split_once(' ').unwrap();
        let word = usage_server::record::Outcome::of_number(outcome.parse().unwrap()).word();
        found.push(format!("{at} {word}"));
    }
    assert!(logged.len() > 10);
    for logged in logged {
        assert!(found.contains(&logged), "{logged}: {found:?}");
    }
}

#[tokio::test]
async fn what_the_python_sdks_send_is_understood() {
    let recorded = |name: &str| -> Value {
        let path = format!(
            "{}/../../tests/it/golden/{name}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    // The events of the one recording are of 2024, and some of the other two years later.
    let mut setup = Setup::default();
    setup.config.fixed_now_ms = None;
    let server = Server::start_as(setup).await;
    let long = "UPDATE project SET raw_days = 3650";
    server
        .app
        .store
        .write(move |tx| tx.execute(long, []))
        .await
        .unwrap();
    server.app.door.keys_changed();
    let mut statuses = Vec::new();
    for case in list(&recorded("reo-census-mcp-0.5.0")) {
        for request in list(&case["requests"]) {
            let (status, _) = server
                .post_json("/api/product/usage", &request["body"])
                .await;
            statuses.push(status.as_u16());
        }
    }
    // One of the recordings leaves out what the contract requires.
    assert_eq!(
        statuses.iter().filter(|status| **status == 422).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status != 200).count(),
        1,
        "{statuses:?}"
    );
    let custom = "SELECT user.text, user.kind FROM event JOIN user ON user.id = event.user WHERE event.kind = 2";
    assert_eq!(
        server.row(custom).await,
        "https://www.linkedin.com/in/userid LINKEDIN"
    );
    let kinds = "SELECT kind, count(*) FROM event GROUP BY 1 ORDER BY 1";
    let before = server.rows(kinds).await;
    assert!(before.iter().any(|row| row.starts_with("1 ")), "{before:?}");
    assert!(before.iter().any(|row| row.starts_with("5 ")), "{before:?}");

    for request in list(&recorded("mcpeye-0.1.5")["requests"]) {
        let (status, answer) = server.post_json("/ingest", &request["body"]).await;
        let sent = request["body"]["events"].as_array().unwrap().len();
        assert_eq!(
            (status, &answer["accepted"]),
            (StatusCode::OK, &json!(sent))
        );
    }
    let missing = server
        .rows("SELECT text FROM intent WHERE missing = 1")
        .await;
    assert!(!missing.is_empty());
}

#[tokio::test]
async fn spans_of_others_are_understood_and_what_is_no_usage_is_left_alone() {
    let server = Server::start().await;
    let span = |n: u64, name: &str, kind: i64, attributes: Value| {
        json!({
            "traceId": format!("{n:032x}"),
            "spanId": format!("{n:016x}"),
            "name": name,
            "kind": kind,
            "startTimeUnixNano": AT * 1_000_000_000 + n as i64 * 1_000_000,
            "endTimeUnixNano": AT * 1_000_000_000 + n as i64 * 1_000_000 + 2_000_000,
            "attributes": attributes,
        })
    };
    let mut failed = span(
        2,
        "tools/call forecast",
        2,
        json!({
            "mcp.method.name": "tools/call", "gen_ai.tool.name": "forecast", "enduser.pseudo.id": "a1b2",
        }),
    );
    failed["status"] = json!({ "code": 2, "message": "no weather" });
    let mut refused = span(
        3,
        "tools/call nothing",
        2,
        json!({
            "mcp.method.name": "tools/call", "gen_ai.tool.name": "nothing", "error.type": "-32602",
        }),
    );
    refused["status"] = json!({ "code": 2 });
    let body = json!({"resourceSpans": [{
        "resource": { "attributes": {
            "service.name": "weather", "service.version": "2.0", "service.instance.id": "host-1",
            "telemetry.sdk.name": "opentelemetry", "telemetry.sdk.version": "1.44.0",
        }},
        "scopeSpans": [{ "spans": [
            span(1, "tools/call weather", 2, json!({
                "rpc.system": "mcp", "rpc.method": "tools/call", "fastmcp.component.key": "tool:weather",
                "enduser.id": "rachel@example.com", "mcp.session.id": "s9",
            })),
            failed,
            refused,
            span(4, "GET /mcp", 2, json!({ "http.request.method": "GET" })),
            span(5, "tools/call weather", 3, json!({ "mcp.method.name": "tools/call" })),
            span(6, "ping", 2, json!({ "mcp.method.name": "ping" })),
        ]}],
    }]});
    let (status, answer) = traces(&server, &export(&body)).await;
    assert_eq!((status, answer.partial_success), (StatusCode::OK, None));
    let rows = "SELECT t.text, user.text, user.kind, session.text, outcome, r.text, duration_us FROM event
        LEFT JOIN name t ON t.id = tool LEFT JOIN name r ON r.id = release
        LEFT JOIN user ON user.id = event.user LEFT JOIN session ON session.id = event.session ORDER BY time_ms";
    assert_eq!(
        server.rows(rows).await,
        [
            "weather rachel@example.com EMAIL s9 0 2.0 2000",
            "forecast a1b2 PSEUDONYM - 1 2.0 2000",
            "nothing - - - 2 2.0 2000",
        ]
    );
    assert_eq!(
        server.row("SELECT text, sdk, received FROM instance").await,
        "host-1 opentelemetry 1.44.0 3"
    );
    let (_, again) = traces(&server, &export(&body)).await;
    assert_eq!(again.partial_success, None);
    assert_eq!(server.row("SELECT count(*) FROM event").await, "3");
}

#[tokio::test]
async fn a_span_that_is_not_taken_is_counted_and_takes_no_others_with_it() {
    let server = Server::start().await;
    let mut body = golden("otlp-tool_call");
    let spans = &mut body["resourceSpans"][0]["scopeSpans"][0]["spans"];
    let mut old = spans[0].clone();
    old["startTimeUnixNano"] = json!(1_600_000_000_000_000_000_i64);
    spans.as_array_mut().unwrap().push(old);
    let (status, answer) = traces(&server, &export(&body)).await;
    assert_eq!(status, StatusCode::OK);
    let partial = answer.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(
        partial.error_message.starts_with("too_old"),
        "{}",
        partial.error_message
    );
    assert_eq!(server.row("SELECT count(*) FROM event").await, "1");
    assert_eq!(
        server.row("SELECT reason, events FROM refused_day").await,
        "too_old 1"
    );
}

#[tokio::test]
async fn a_batch_answers_for_each_event() {
    let server = Server::start().await;
    let mut malformed = call(2);
    malformed["user_id"] = json!("");
    let mut old = call(3);
    old["event_at"] = json!(NOW / 1_000 - 91 * 86_400);
    let mut early = call(4);
    early["event_at"] = json!(NOW / 1_000 + 2 * 86_400);
    let mut ancient = call(5);
    ancient["event_at"] = json!(5);
    let (status, answer) = server
        .send(vec![call(1), malformed, old, early, ancient, json!(7)])
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["accepted"], 2);
    let rejected: Vec<_> = list(&answer["rejected"])
        .map(|one| {
            let reason = one["reason"].as_str().unwrap();
            let class = reason.split(':').next().unwrap().to_owned();
            (one["event_id"].as_i64(), class, one["retry"].as_bool())
        })
        .collect();
    let one = |id, class: &str| (id, class.to_owned(), Some(false));
    assert_eq!(
        rejected,
        [
            one(Some(2), "malformed"),
            one(Some(3), "too_old"),
            one(Some(5), "malformed"),
            one(None, "malformed"),
        ]
    );
    let refused = server
        .rows("SELECT reason, events FROM refused_day ORDER BY 1")
        .await;
    assert_eq!(refused, ["malformed 3", "too_old 1"]);
}

#[tokio::test]
async fn a_single_event_that_is_not_taken_is_answered_422() {
    let server = Server::start().await;
    let mut event = call(1);
    event["activity_type"] = json!(null);
    let (status, answer) = server
        .post_json("/api/product/usage", &json!({ "payload": event }))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        answer["rejected"][0]["reason"],
        "malformed: activity_type: missing"
    );
}

#[tokio::test]
async fn a_sampled_call_weighs_what_it_stands_for() {
    let server = Server::start().await;
    let sampled = |id, rate: Value| {
        let mut event = call(id);
        event["meta"]["sample_rate"] = rate;
        event
    };
    let rates = [
        json!(0.25),
        json!(1),
        json!(0),
        json!(-1),
        json!(2),
        json!("x"),
    ];
    let events = (1..).zip(rates).map(|(id, rate)| sampled(id, rate));
    assert_eq!(server.send(events.collect()).await.0, StatusCode::OK);
    let weights = server.rows("SELECT weight FROM event ORDER BY id").await;
    assert_eq!(weights, ["4", "1", "1", "1", "1", "1"]);
    assert_eq!(server.row("SELECT sum(weight) FROM roll_day").await, "9");
}

#[tokio::test]
async fn a_capability_that_is_asked_for_is_no_call() {
    let server = Server::start().await;
    let mut event = call(1);
    event["meta"]["tool"] = json!("request_missing_capability");
    event["meta"]["tool_arguments"] = json!({"capability": "book a flight", "context": "to Oslo"});
    event["meta"]["missing_capability"] = json!(true);
    assert_eq!(server.send(vec![event]).await.0, StatusCode::OK);
    let row = "SELECT kind, text, missing FROM event JOIN intent ON intent.id = event.intent";
    assert_eq!(server.row(row).await, "9 book a flight 1");
    assert_eq!(server.row("SELECT count(*) FROM roll_day").await, "0");
    assert_eq!(server.row("SELECT others FROM user_day").await, "1");
    // A server's own tool of the name is one as any other.
    let mut own = call(2);
    own["meta"]["tool"] = json!("request_missing_capability");
    assert_eq!(server.send(vec![own]).await.0, StatusCode::OK);
    assert_eq!(server.row("SELECT count(*) FROM roll_day").await, "1");
}

#[tokio::test]
async fn what_a_sender_has_left_is_redacted_unless_the_project_says_otherwise() {
    let server = Server::start().await;
    let with_address = |id| {
        let mut event = call(id);
        event["meta"]["prompt"] = json!("mail bob@example.com");
        event
    };
    server.send(vec![with_address(1)]).await;
    let project = server.project;
    let off = server
        .app
        .store
        .write(move |tx| usage_server::store::projects::set_rules(tx, project, 90, 730, false));
    assert!(off.await.unwrap());
    server.app.door.keys_changed();
    server.send(vec![with_address(2)]).await;
    let intents = server.rows("SELECT text FROM intent ORDER BY id").await;
    assert_eq!(intents, ["mail [REDACTED_EMAIL]", "mail bob@example.com"]);
    assert_eq!(
        server
            .row("SELECT class, here, marks FROM redaction_day")
            .await,
        "email 1 1"
    );
    assert_eq!(
        server.row("SELECT text FROM user").await,
        "rachel@example.com"
    );
}

#[tokio::test]
async fn what_a_sender_has_lost_is_kept() {
    let server = Server::start().await;
    let body = |events: Vec<Value>, lost: u64| {
        json!({"payload": events, "sdk": {
            "name": "mcp-usage", "version": "0.1.0", "instance": "00000000000000a1", "sequence": 1,
            "dropped": {"queue_full": lost},
        }})
    };
    for (id, lost) in [(1, 3), (2, 3), (3, 8)] {
        let sent = server
            .post_json("/api/product/usage", &body(vec![call(id)], lost))
            .await;
        assert_eq!(sent.0, StatusCode::OK);
    }
    assert_eq!(
        server.row("SELECT reason, events FROM lost_day").await,
        "queue_full 8"
    );
    assert_eq!(
        server.row("SELECT text, sdk FROM instance").await,
        "00000000000000a1 mcp-usage 0.1.0"
    );
}

#[tokio::test]
async fn new_events_are_shown_live() {
    let server = Server::start().await;
    let changed = server.app.live.changed();
    server.send(vec![call(1), call(2)]).await;
    server.send(vec![call(2)]).await;
    let live = server.app.live.since(server.project, 0);
    let shown: Vec<_> = live.iter().map(|event| (event.id, event.row)).collect();
    assert_eq!(shown, [(1, 1), (2, 2)]);
    assert_eq!(*changed.borrow(), 2);
}

async fn traces(
    server: &Server,
    body: &ExportTraceServiceRequest,
) -> (StatusCode, ExportTraceServiceResponse) {
    let request = server
        .post("/v1/traces")
        .header("content-type", "application/x-protobuf");
    let answer = request.body(body.encode_to_vec()).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/x-protobuf");
    let status = answer.status();
    let answer = ExportTraceServiceResponse::decode(answer.bytes().await.unwrap());
    (status, answer.unwrap())
}

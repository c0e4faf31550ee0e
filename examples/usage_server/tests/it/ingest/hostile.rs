//! What is sent to do harm.

use prost::Message;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{NOW, Server, call, read};

const REO: &str = "/api/product/usage";

/// Texts that are trouble somewhere.
const TEXTS: [&str; 9] = [
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "\u{202e}desrever\u{202c}\u{200b}",
    "a\u{0}b",
    "=cmd|'/c calc'!A1",
    "'; DROP TABLE event; --",
    "../../etc/passwd",
    "\u{fffd}\u{10ffff}\u{1}\r\n",
    "%00%2e%2e",
];

#[tokio::test]
async fn hostile_texts_in_every_field_are_kept_as_texts() {
    let server = Server::start().await;
    let long = "é".repeat(3_000);
    let texts: Vec<_> = TEXTS.into_iter().chain([long.as_str()]).collect();
    for (n, text) in texts.iter().enumerate() {
        let mut event = call(n as i64 + 1);
        for field in [
            "user_id",
            "user_id_type",
            "product_id",
            "source",
            "environment",
            "ip_addr",
            "user_agent",
        ] {
            event[field] = json!(text);
        }
        event["meta"] = json!({ *text: text, "tool_arguments": { *text: [text, { *text: text }] }, "result": text });
        for field in [
            "tool",
            "error",
            "prompt",
            "session_id",
            "client_name",
            "client_version",
            "server_version",
            "protocol_version",
            "conversation_id",
            "transport",
            "request_id",
            "traceparent",
            "client_class",
            "outcome",
            "instance",
        ] {
            event["meta"][field] = json!(text);
        }
        let (status, answer) = server.send(vec![event]).await;
        assert_eq!(
            (status, &answer["accepted"]),
            (StatusCode::OK, &json!(1)),
            "{text}"
        );
    }
    assert_eq!(
        server.row("SELECT count(*) FROM event").await,
        texts.len().to_string()
    );
    let tools = server
        .rows("SELECT text FROM name WHERE kind = 1 ORDER BY id")
        .await;
    assert_eq!(tools[0], TEXTS[0]);
    assert_eq!(tools[3], "a\u{fffd}b");
    assert_eq!(tools[9].chars().count(), 256);
    let bounds = "SELECT max(length(text)) FROM (SELECT text FROM name UNION SELECT text FROM user
        UNION SELECT text FROM session)";
    assert_eq!(server.row(bounds).await, "256");
    // Each body is JSON.
    assert_eq!(server.bodies().await.len(), texts.len());
}

#[tokio::test]
async fn numbers_out_of_range_and_values_of_other_types_are_left_out() {
    let server = Server::start().await;
    let values = [
        "null",
        "true",
        "-1",
        "0",
        "1e400",
        "-1e400",
        "9223372036854775808",
        "18446744073709551616",
        "1.5",
        "\"x\"",
        "[]",
        "{}",
        "[[[]]]",
        "{\"a\":{}}",
        "1e-400",
    ];
    let fields = [
        "duration_ms",
        "outcome",
        "error",
        "prompt",
        "intent_source",
        "round",
        "unknown_tool",
        "suppressed",
        "tool_arguments",
        "tool_argument_keys",
        "result",
        "result_bytes",
        "session_id",
        "client_name",
        "redactions",
        "sample_rate",
        "instance",
        "sequence",
        "client_class",
        "server_version",
        "tools",
        "tool_definitions",
        "reason",
    ];
    let mut id = 0;
    for activity in [
        "MCP_TOOL_CALL",
        "MCP_INIT",
        "MCP_AUTH_REJECTED",
        "MCP_PROMPT_GET",
    ] {
        let mut events = Vec::new();
        for field in fields {
            for value in values {
                id += 1;
                let meta = format!("{{\"tool\":\"t\",\"prompt_name\":\"p\",\"{field}\":{value}}}");
                events.push(format!(
                    "{{\"activity_type\":\"{activity}\",\"user_id\":\"u\",\"user_id_type\":\"T\",\"event_id\":{id},\
                    \"event_at\":{},\"meta\":{meta}}}",
                    NOW / 1_000
                ));
            }
        }
        let body = format!("{{\"payload\":[{}]}}", events.join(","));
        let request = server
            .post(REO)
            .header("content-type", "application/json")
            .body(body);
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!(status, StatusCode::OK);
        // What no double can hold refuses its event where numbers are doubles.
        let rejected = answer["rejected"].as_array().unwrap();
        assert!(rejected.iter().all(|one| {
            one["reason"]
                .as_str()
                .unwrap()
                .contains("number out of range")
        }));
        let accepted = usize::try_from(answer["accepted"].as_u64().unwrap()).unwrap();
        assert_eq!(accepted + rejected.len(), events.len());
        assert!(rejected.len() <= 2 * fields.len());
    }
    let odd = "SELECT count(*) FROM event WHERE weight <= 0 OR weight > 1e6 OR duration_us < 0 OR result_bytes < 0
        OR typeof(weight) <> 'real'";
    assert_eq!(server.row(odd).await, "0");
}

#[tokio::test]
async fn odd_required_fields_refuse_their_event_alone() {
    let server = Server::start().await;
    for (field, value) in [
        ("event_at", "\"soon\""),
        ("event_at", "null"),
        ("event_at", "1e400"),
        ("event_at", "9223372036854775807"),
        ("event_at", "-5"),
        ("event_at", "1.5"),
        ("user_id", "{}"),
        ("user_id", "\"\""),
        ("activity_type", "[]"),
        ("meta", "[]"),
        ("meta", "\"x\""),
        ("event_id", "{}"),
        ("event_id", "1e400"),
    ] {
        let sound = call(1);
        let mut odd = call(2);
        odd.as_object_mut().unwrap().remove(field);
        let odd = odd.to_string();
        let odd = format!(
            "{},\"{field}\":{value}}}",
            odd.trim_end_matches('}').to_owned() + "}"
        );
        // A nested object at the end keeps its brace.
        let odd = match serde_json::from_str::<Value>(&odd) {
            Ok(_) => odd,
            Err(_) => {
                let mut object = call(2);
                object[field] = Value::Null;
                object.to_string().replace(
                    &format!("\"{field}\":null"),
                    &format!("\"{field}\":{value}"),
                )
            }
        };
        let body = format!("{{\"payload\":[{sound},{odd}]}}");
        let request = server
            .post(REO)
            .header("content-type", "application/json")
            .body(body);
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{field} {value}: {answer}");
        assert_eq!(answer["accepted"], 1, "{field} {value}: {answer}");
    }
    assert_eq!(server.row("SELECT count(*) FROM event").await, "1");
}

#[tokio::test]
async fn depth_and_size_are_bounded() {
    let server = Server::start().await;
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let wide = format!("[{}1]", "1,".repeat(100_000));
    let large = format!("\"{}\"", "x".repeat(300_000));
    for (value, is_taken) in [(deep, false), (wide, true), (large, false)] {
        let mut event = call(1);
        event["meta"]["tool_arguments"] = json!("HERE");
        let event = event
            .to_string()
            .replace("\"HERE\"", &format!("{{\"a\":{value}}}"));
        let body = format!("{{\"payload\":[{event}]}}");
        let request = server
            .post(REO)
            .header("content-type", "application/json")
            .body(body);
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer["accepted"], i32::from(is_taken), "{answer}");
    }
    let whole = format!("{{\"payload\":{}}}", "[".repeat(100_000));
    let request = server
        .post(REO)
        .header("content-type", "application/json")
        .body(whole);
    assert_eq!(
        request.send().await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
    let largest = server.row("SELECT max(length(body)) FROM event_body").await;
    assert!(largest.parse::<usize>().unwrap() < 200_000, "{largest}");
}

#[tokio::test]
async fn of_two_members_of_a_name_the_last_counts() {
    let server = Server::start().await;
    let event = call(1).to_string().replace(
        "\"tool\":\"search\"",
        "\"tool\":\"first\",\"tool\":\"last\"",
    );
    let body = format!("{{\"payload\":[{event}]}}");
    let request = server
        .post(REO)
        .header("content-type", "application/json")
        .body(body);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(
        server.row("SELECT text FROM name WHERE kind = 1").await,
        "last"
    );
}

/// Numbers that look random and are the same in every run.
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    fn json(&mut self, depth: u64) -> Value {
        match self.below(if depth > 3 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.0 as i64),
            3 => json!(f64::from_bits(self.0 & 0x7fef_ffff_ffff_ffff)),
            4 | 5 => json!(*self.pick(&TEXTS)),
            6 => (0..self.below(4)).map(|_| self.json(depth + 1)).collect(),
            _ => {
                let members = (0..self.below(4))
                    .map(|_| ((*self.pick(&TEXTS)).to_owned(), self.json(depth + 1)));
                Value::Object(members.collect())
            }
        }
    }

    /// Changes some values of a document, anywhere in it.
    fn disturb(&mut self, value: &mut Value) {
        if self.below(6) == 0 {
            *value = self.json(0);
            return;
        }
        match value {
            Value::Object(members) => members.values_mut().for_each(|value| self.disturb(value)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.disturb(item)),
            _ => {}
        }
    }

    /// Changes, removes and adds some bytes.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(8) {
            let at = self.below(bytes.len() as u64 + 1) as usize;
            match self.below(3) {
                0 if at < bytes.len() => bytes[at] = self.0 as u8,
                1 if at < bytes.len() => {
                    bytes.truncate(bytes.len().max(1) - self.below(3).min(1) as usize);
                    let _ = bytes.splice(at.min(bytes.len()).., []);
                }
                _ => bytes.insert(at.min(bytes.len()), self.0 as u8),
            }
        }
    }
}

#[tokio::test]
async fn no_garbage_is_answered_500_and_the_server_goes_on() {
    let server = Server::start().await;
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mcpeye = json!({"projectId": "p", "identity": {"client": "c"}, "events": [{
        "callId": "c1", "toolName": "t", "arguments": {"a": 1}, "isError": true, "timestamp": NOW,
        "durationMs": 3, "errorMessage": "e", "intent": "i", "intentSource": "mcpeye", "userId": "u", "result": [1],
    }]});
    let span = opentelemetry_proto::tonic::trace::v1::Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: "tools/call t".to_owned(),
        start_time_unix_nano: u64::try_from(NOW).unwrap() * 1_000_000,
        ..Default::default()
    };
    let spans = opentelemetry_proto::tonic::trace::v1::ScopeSpans {
        spans: vec![span; 3],
        ..Default::default()
    };
    let traces = opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest {
        resource_spans: vec![opentelemetry_proto::tonic::trace::v1::ResourceSpans {
            scope_spans: vec![spans],
            ..Default::default()
        }],
    };
    let mut seen = std::collections::BTreeMap::<u16, u32>::new();
    let mut sent = Vec::new();
    for n in 0..1_000 {
        let (path, kind, mut body) = match n % 3 {
            0 => {
                let mut body = json!({"payload": [call(n), call(n + 1)], "sdk": {"instance": "i", "dropped": {"a": 1}}});
                noise.disturb(&mut body);
                (REO, "application/json", body.to_string().into_bytes())
            }
            1 => {
                let mut body = mcpeye.clone();
                noise.disturb(&mut body);
                ("/ingest", "application/json", body.to_string().into_bytes())
            }
            _ => (
                "/v1/traces",
                "application/x-protobuf",
                traces.encode_to_vec(),
            ),
        };
        if noise.below(3) == 0 || n % 3 == 2 {
            noise.damage(&mut body);
        }
        let request = server.post(path).header("content-type", kind).body(body);
        sent.push(tokio::spawn(async move {
            request.send().await.unwrap().status()
        }));
        // Many wait for the same commit.
        if sent.len() == 50 {
            for status in sent.drain(..) {
                *seen.entry(status.await.unwrap().as_u16()).or_default() += 1;
            }
        }
    }
    assert!(
        seen.keys().all(|status| matches!(status, 200 | 400 | 422)),
        "{seen:?}"
    );
    assert!(seen[&200] > 100 && seen[&400] > 100, "{seen:?}");
    assert_eq!(server.send(vec![call(9_999)]).await.0, StatusCode::OK);
    let intact = server.rows("PRAGMA integrity_check").await;
    assert_eq!(intact, ["ok"]);
}

#[tokio::test]
async fn a_message_of_many_empty_spans_takes_no_memory() {
    let server = Server::start().await;
    // resource_spans { scope_spans { span {} … } } with four million spans in 8 MB.
    let length = |length: usize| {
        let mut varint = Vec::new();
        prost::encoding::encode_varint(length as u64, &mut varint);
        varint
    };
    let empty = [0x12, 0].repeat(4_000_000);
    let scope = [&[0x12][..], &length(empty.len()), &empty].concat();
    let body = [&[0x0a][..], &length(scope.len()), &scope].concat();
    let request = server
        .post("/v1/traces")
        .header("content-type", "application/x-protobuf");
    let answer = request.body(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_secret_at_the_end_of_what_is_kept_is_found_before_the_rest_is_cut() {
    let server = Server::start().await;
    let across = |chars: usize| format!("{} somebody.of@example.com", "x".repeat(chars - 9));
    let mut failed = call(1);
    failed["meta"]["prompt"] = json!(across(2_000));
    failed["meta"]["error"] = json!(across(2_000));
    failed["meta"]["client_name"] = json!(across(256));
    failed["user_agent"] = json!(across(256));
    let mut prompt = call(2);
    prompt["activity_type"] = json!("MCP_PROMPT_GET");
    prompt["meta"]["prompt_name"] = json!(across(256));
    let mut custom = call(3);
    custom["activity_type"] = json!(across(256));
    assert_eq!(
        server.send(vec![failed, prompt, custom]).await.0,
        StatusCode::OK
    );
    let event = json!({
        "callId": "c1", "toolName": "search", "timestamp": NOW - 60_000, "isError": true,
        "errorMessage": across(2_048), "intent": across(2_000),
    });
    let answer = server
        .http
        .post(format!("{}/ingest", server.origin))
        .header("x-api-key", &server.key)
        .json(&json!({"projectId": "p", "events": [event]}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let kept = server
        .rows(
            "SELECT text FROM name UNION ALL SELECT text FROM intent
             UNION ALL SELECT CAST(body AS TEXT) FROM event_body",
        )
        .await;
    assert!(kept.iter().any(|text| text.contains("xxx")));
    for text in kept {
        assert!(!text.contains("somebody"), "{text}");
    }
}

#[tokio::test]
async fn listings_name_so_many_tools_and_resources_without_usage_are_nobody() {
    let server = Server::start().await;
    let listing = |id: i64, tools: &Value| {
        let mut event = call(id);
        event["activity_type"] = json!("MCP_INIT");
        event["meta"] = json!({ "tools": tools });
        event
    };
    // A name that is said a thousand times is one, and takes no room of others.
    let same = json!(vec!["a"; 1_000]);
    let listings = (0..500).map(|id| listing(id, &same));
    let many = (0..30).map(|of| {
        let names: Vec<_> = (0..1_000).map(|n| format!("t{of}-{n}")).collect();
        listing(1_000 + of, &json!(names))
    });
    let events: Vec<_> = listings.chain(many).collect();
    assert_eq!(server.send(events).await.1["accepted"], 530);
    assert_eq!(
        server.row("SELECT count(*) FROM name WHERE kind = 1").await,
        "12001"
    );
    let listed = server.row("SELECT count(*) FROM tool_listed").await;
    assert_eq!(listed, "12001");

    let mut resources = Vec::new();
    for n in 0..10_000 {
        let attribute = opentelemetry_proto::tonic::common::v1::KeyValue {
            key: "service.instance.id".to_owned(),
            value: Some(opentelemetry_proto::tonic::common::v1::AnyValue {
                value: Some(
                    opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue(
                        n.to_string(),
                    ),
                ),
            }),
            ..Default::default()
        };
        resources.push(opentelemetry_proto::tonic::trace::v1::ResourceSpans {
            resource: Some(opentelemetry_proto::tonic::resource::v1::Resource {
                attributes: vec![attribute],
                ..Default::default()
            }),
            ..Default::default()
        });
    }
    let mut export = opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest {
        resource_spans: resources,
    };
    let send = |bytes: Vec<u8>| {
        let request = server.post("/v1/traces");
        request
            .header("content-type", "application/x-protobuf")
            .body(bytes)
            .send()
    };
    let answer = send(export.encode_to_vec()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(server.row("SELECT count(*) FROM instance").await, "0");
    export.resource_spans.push(Default::default());
    let answer = send(export.encode_to_vec()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

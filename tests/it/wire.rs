//! The bodies of the wires, against recordings of the two Python SDKs and against our own.

use std::time::{Duration, SystemTime};

use mcp_usage::limits::{MAX_STRING_CHARS, MAX_TOOLS};
use mcp_usage::pseudonym::Pseudonyms;
use mcp_usage::testing::ManualClock;
use mcp_usage::{
    AuthRejected, AuthRejection, Builder, CallOutcome, ClientClass, Custom, DropReason, Era,
    Identity, IdentityCapture, Init, IntentSource, Mcpeye, Otlp, Outcome, Session, SessionIds,
    ToolCall, UsageLogger, Wire,
};
use serde_json::{Map, Value, json};

use crate::support::{PATIENCE, builder, builder_for, end, ingest, rachel, secret, wires};

const REO: &str = include_str!("golden/reo-census-mcp-0.5.0.json");
/// The context of the HTTP request around a call that names another.
const OUTER: &str = "00-0af7651916cd43dd8448eb211c80319d-00f067aa0ba902b7-00";

const MCPEYE: &str = include_str!("golden/mcpeye-0.1.5.json");

/// A difference that is meant: where it shows, in which recorded request, and why.
struct Deliberate {
    request: &'static str,
    at: &'static str,
    why: &'static str,
}

const DELIBERATE: &[Deliberate] = &[
    Deliberate {
        request: "*",
        at: "/event_id",
        why: "ids are ours",
    },
    Deliberate {
        request: "*",
        at: "/event_at",
        why: "times are ours",
    },
    Deliberate {
        request: "*",
        at: "/callId",
        why: "ids are ours",
    },
    Deliberate {
        request: "*",
        at: "/timestamp",
        why: "times are ours",
    },
    Deliberate {
        request: "*",
        at: "/meta/instance",
        why: "an extra key of ours",
    },
    Deliberate {
        request: "*",
        at: "/meta/sequence",
        why: "an extra key of ours",
    },
    Deliberate {
        request: "*",
        at: "/meta",
        why: "nothing but our extra keys is in it",
    },
    Deliberate {
        request: "*",
        at: "/user_agent",
        why: "the user agent is ours",
    },
    Deliberate {
        request: "constructor_and_override",
        at: "/meta/a",
        why: "call meta and logger meta are merged, the call wins",
    },
    Deliberate {
        request: "call with a prompt",
        at: "/meta/tool_arguments/password",
        why: "one set of marks",
    },
    Deliberate {
        request: "call with a prompt",
        at: "/meta/tool_arguments/prompt",
        why: "the prompt is taken out of the arguments",
    },
    Deliberate {
        request: "failing call",
        at: "/meta/error",
        why: "lost by mistake there",
    },
    Deliberate {
        request: "failing call",
        at: "/meta/outcome",
        why: "an extra key of ours",
    },
    Deliberate {
        request: "large call",
        at: "/meta/tool_arguments/deep/a/b/c/d",
        why: "real arguments nest deeper",
    },
    Deliberate {
        request: "call with a prompt",
        at: "/meta/redactions",
        why: "an extra key of ours",
    },
    Deliberate {
        request: "mcpeye search",
        at: "/intent",
        why: "phone patterns are validated and keep nothing of the number",
    },
    Deliberate {
        request: "mcpeye big",
        at: "/arguments/[truncated]",
        why: "cut by the limits",
    },
    Deliberate {
        request: "mcpeye big",
        at: "/arguments/bytes",
        why: "cut by the limits",
    },
    Deliberate {
        request: "mcpeye big",
        at: "/arguments/rows",
        why: "cut by the limits",
    },
    Deliberate {
        request: "mcpeye big",
        at: "/result",
        why: "cut by the limits",
    },
];

/// The paths at which two values differ.
fn differences(at: &str, ours: Option<&Value>, theirs: Option<&Value>, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            let mut keys: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                differences(
                    &format!("{at}/{key}"),
                    ours.get(key),
                    theirs.get(key),
                    found,
                );
            }
        }
        (ours, theirs) if ours == theirs => {}
        _ => found.push(at.to_owned()),
    }
}

/// The recorded bodies of a scenario, by name.
fn recorded(name: &str) -> Vec<Value> {
    let scenarios: Vec<Value> = serde_json::from_str(REO).unwrap();
    let scenario = scenarios.iter().find(|s| s["name"] == name).unwrap();
    scenario["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["body"]["payload"].clone())
        .collect()
}

/// Sends what `log` logs over the Reo wire, one event after another, and returns the payloads.
fn ours(change: impl FnOnce(Builder) -> Builder, log: impl FnOnce(&UsageLogger)) -> Vec<Value> {
    let ingest = ingest();
    let usage = change(builder(&ingest).max_in_flight(1)).build().unwrap();
    log(&usage);
    end(&usage, &ingest);
    ingest
        .delivered()
        .into_iter()
        .map(|event| event.json)
        .collect()
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Puts a long text of one letter in place of its description in the recording.
fn spelled_out(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((length, end)) = text
                .split_once("…(")
                .and_then(|(_, rest)| rest.split_once(" chars)"))
                .map(|(length, rest)| (length.parse::<usize>().unwrap(), rest.ends_with("...")))
            {
                let letter = text.chars().next().unwrap().to_string();
                *text = if end {
                    letter.repeat(length - 3) + "..."
                } else {
                    letter.repeat(length)
                };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(spelled_out),
        Value::Object(object) => object.values_mut().for_each(spelled_out),
        _ => {}
    }
}

/// Compares each pair; what differs must be in the table, and what is in the table must differ.
fn compare(pairs: Vec<(&'static str, Value, Value)>, wire_of: &str) {
    let mut unlisted = Vec::new();
    let mut used = vec![false; DELIBERATE.len()];
    for (name, ours, mut theirs) in pairs {
        spelled_out(&mut theirs);
        let mut found = Vec::new();
        differences("", Some(&ours), Some(&theirs), &mut found);
        for difference in found {
            let row = DELIBERATE
                .iter()
                .position(|d| (d.request == "*" || d.request == name) && d.at == difference);
            match row {
                Some(row) => used[row] = true,
                None => unlisted.push(format!(
                    "{name}: {difference}: ours {}, recorded {}",
                    ours.pointer(&difference).unwrap_or(&Value::Null),
                    theirs.pointer(&difference).unwrap_or(&Value::Null),
                )),
            }
        }
    }
    assert!(unlisted.is_empty(), "not in the table: {unlisted:#?}");
    for (row, used) in DELIBERATE.iter().zip(used) {
        let of_mcpeye =
            row.request.starts_with("mcpeye") || matches!(row.at, "/callId" | "/timestamp");
        if of_mcpeye == (wire_of == "mcpeye") {
            assert!(
                used,
                "{} {} ({}) no longer occurs",
                row.request, row.at, row.why
            );
        }
    }
}

#[test]
fn the_reo_wire_says_what_reo_census_says() {
    let mut pairs = Vec::new();
    let id = 1_731_000_000_123_456_789;
    let one = |change: fn(Builder) -> Builder, log: &dyn Fn(&UsageLogger)| {
        ours(change, |usage| log(usage)).remove(0)
    };
    let web_app: fn(Builder) -> Builder = |b| b;
    pairs.push((
        "identity_capture",
        one(web_app, &|usage| {
            usage.log_usage(
                IdentityCapture::new(rachel())
                    .event_id(id)
                    .event_at(at(1_731_000_000)),
            );
        }),
        recorded("identity_capture").remove(0),
    ));
    // Ids and times that were given are sent as they are; those of the recording's own clock are
    // not compared.
    assert_eq!(pairs[0].1["event_id"], pairs[0].2["event_id"]);
    assert_eq!(pairs[0].1["event_at"], pairs[0].2["event_at"]);

    let tool_call = recorded("tool_call").remove(0);
    let meta = tool_call["meta"].clone();
    pairs.push((
        "tool_call",
        one(web_app, &|usage| {
            let arguments = meta["tool_arguments"].clone();
            let own: Vec<(String, Value)> = meta
                .as_object()
                .unwrap()
                .iter()
                .filter(|(key, _)| {
                    !matches!(
                        key.as_str(),
                        "tool" | "duration_ms" | "prompt" | "tool_arguments" | "error"
                    )
                })
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            let mut call = ToolCall::new(meta["tool"].as_str().unwrap())
                .identity(Identity::new(
                    tool_call["user_id"].as_str().unwrap(),
                    tool_call["user_id_type"].as_str().unwrap(),
                ))
                .product_id(tool_call["product_id"].as_str().unwrap());
            if let Some(ip) = tool_call.get("ip_addr") {
                call = call.ip_addr(ip.as_str().unwrap());
            }
            if let Some(ms) = meta.get("duration_ms") {
                call = call.duration(Duration::from_secs_f64(ms.as_f64().unwrap() / 1_000.0));
            }
            if let Some(prompt) = meta.get("prompt") {
                call = call.prompt(prompt.as_str().unwrap());
            }
            if !arguments.is_null() {
                call = call.arguments(&arguments);
            }
            for (key, value) in &own {
                call = call.meta(key.as_str(), value);
            }
            usage.log_usage(call);
        }),
        tool_call.clone(),
    ));
    pairs.push((
        "all_fields",
        one(web_app, &|usage| {
            usage.log_usage(
                Custom::new("LOGIN_ACTIVITY")
                    .source("PRODUCT_SELF_HOSTED")
                    .environment("STAGING")
                    .identity(Identity::linkedin("https://www.linkedin.com/in/userid"))
                    .ip_addr("203.0.113.9")
                    .product_id("p")
                    .user_agent("Mozilla/5.0")
                    .meta("property1", &"value1")
                    .meta("ünï", &"日本語 ✓"),
            );
        }),
        recorded("all_fields").remove(0),
    ));
    pairs.push((
        "constructor_and_override",
        ours(
            |b| b.product_id("p").meta("a", 1),
            |usage| {
                // The recording's call has no tool name, since its meta was replaced; a call of
                // ours cannot, so this is the same activity by hand.
                usage.log_usage(
                    Custom::new("MCP_TOOL_CALL")
                        .identity(Identity::github("octocat"))
                        .meta("b", &2),
                );
            },
        )
        .remove(0),
        recorded("constructor_and_override").remove(0),
    ));
    pairs.push((
        "auto_event_id_and_time",
        one(web_app, &|usage| {
            usage.log_usage(IdentityCapture::new(rachel()));
        }),
        recorded("auto_event_id_and_time").remove(0),
    ));
    pairs.push((
        "environment_defaults",
        ours(
            |b| {
                b.env(|name| match name {
                    "REO_PRODUCT_USAGE_SOURCE" => Some("PRODUCT_EDGE".to_owned()),
                    "REO_PRODUCT_USAGE_ENVIRONMENT" => Some("STAGING".to_owned()),
                    "REO_PRODUCT_USAGE_USER_AGENT" => Some("acme/1.0".to_owned()),
                    _ => None,
                })
            },
            |usage| {
                usage.log_usage(IdentityCapture::new(rachel()));
            },
        )
        .remove(0),
        recorded("environment_defaults").remove(0),
    ));
    assert_eq!(pairs.last().unwrap().1["user_agent"], "acme/1.0");
    pairs.extend(session_pairs());
    compare(pairs, "reo");
}

/// The recorded session of an instrumented server, call by call.
fn session_pairs() -> Vec<(&'static str, Value, Value)> {
    let theirs = recorded("instrumented_session");
    let names = [
        "init",
        "call with a prompt",
        "long strings",
        "failing call",
        "large call",
        "call above the limit of meta",
    ];
    assert_eq!(theirs.len(), names.len());
    let duration = |n: usize| {
        Duration::from_secs_f64(theirs[n]["meta"]["duration_ms"].as_f64().unwrap() / 1_000.0)
    };
    let mut large = Map::new();
    large.insert("rows".into(), (0..200).collect());
    large.insert("deep".into(), json!({"a": {"b": {"c": {"d": {"e": 1}}}}}));
    large.extend((0..100).map(|n| (format!("k{n}"), json!(n))));
    let large = Value::from(large);
    // 40 rows of a thousand characters: within every limit but that of `meta`.
    let above = json!({"rows": vec!["r ".repeat(500); 40]});
    let (q, n) = ("q".repeat(5_000), "n".repeat(5_000));
    let session = ours(
        |b| b.identity(rachel()).meta("mode", "authenticated"),
        |usage| {
            usage.log_usage(Init::new(["search", "boom", "big"]));
            usage.log_usage(
                ToolCall::new("search")
                    .duration(duration(1))
                    .prompt("who uses rails?")
                    .arguments(
                        &json!({"query": "ruby on rails", "limit": 5, "password": "hunter2"}),
                    ),
            );
            usage.log_usage(
                ToolCall::new("search")
                    .duration(duration(2))
                    .arguments(&json!({"query": q, "limit": 5, "note": n})),
            );
            usage.log_usage(
                ToolCall::new("boom")
                    .duration(duration(3))
                    .arguments(&json!({"x": 1}))
                    .error("no such thing"),
            );
            usage.log_usage(ToolCall::new("big").duration(duration(4)).arguments(&large));
            usage.log_usage(ToolCall::new("big").duration(duration(5)).arguments(&above));
        },
    );
    names
        .into_iter()
        .zip(session)
        .zip(theirs)
        .map(|((name, ours), theirs)| (name, ours, theirs))
        .collect()
}

#[test]
fn an_incomplete_payload_is_dropped_instead_of_sent() {
    // The recording shows that the Python SDK sends it.
    assert!(
        recorded("missing_required_fields")[0]
            .get("user_id")
            .is_none()
    );
    let ingest = ingest();
    let usage = UsageLogger::builder()
        .env(|_| None)
        .api_key(crate::support::KEY)
        .endpoint(ingest.endpoint())
        .build()
        .unwrap();
    let missing = Outcome::Dropped(DropReason::MissingField);
    assert_eq!(usage.log_usage(IdentityCapture::new(rachel())), missing);
    assert_eq!(usage.log_usage(ToolCall::new("t")), missing);
    assert_eq!(usage.log_usage(ToolCall::new("").product_id("p")), missing);
    assert_eq!(
        usage.log_usage(Custom::new("").product_id("p").identity(rachel())),
        missing
    );
    assert_eq!(usage.log_usage(Custom::new("X").product_id("p")), missing);
    assert_eq!(
        usage.log_usage(IdentityCapture::new(Identity::email("")).product_id("p")),
        missing
    );
    assert_eq!(usage.log_usage(ToolCall::new("t").product_id("")), missing);
    usage.shutdown_blocking(PATIENCE);
    assert_eq!(usage.stats().dropped.get(DropReason::MissingField), 7);
    assert_eq!(ingest.counts().requests, 0);
}

#[test]
fn an_event_above_256_kib_is_sent_by_neither() {
    assert!(recorded("over_256_kib").is_empty());
    // Ours cuts the strings that make it so, and sends the rest.
    let sent = ours(
        |b| b,
        |usage| {
            usage.log_usage(IdentityCapture::new(rachel()).meta("x", &"y".repeat(300_000)));
        },
    );
    assert_eq!(sent[0]["meta"]["x"].as_str().unwrap().len(), 4_000);
}

#[test]
fn the_mcpeye_wire_says_what_mcpeye_says() {
    let recording: Value = serde_json::from_str(MCPEYE).unwrap();
    let request = &recording["requests"][0];
    let theirs = request["body"]["events"].as_array().unwrap().clone();
    let names = [
        "mcpeye search",
        "mcpeye plain",
        "mcpeye boom",
        "mcpeye big",
        "mcpeye native",
        "mcpeye owns",
        "mcpeye capability",
    ];
    let ingest = ingest();
    let wire = Wire::Mcpeye(
        Mcpeye::new("proj_123")
            .client("claude")
            .server_version("1.2.3"),
    );
    let usage = builder_for(&ingest, &wire)
        .max_in_flight(1)
        .build()
        .unwrap();
    let text = |text: &str| {
        json!({
            "meta": null,
            "content": [{"type": "text", "text": text, "annotations": null, "meta": null}],
            "structuredContent": {"result": text}, "isError": false,
        })
    };
    let ms = |n: usize| Duration::from_millis(theirs[n]["durationMs"].as_u64().unwrap());
    let mail_and_key = format!("mail {} key {}", "bob@example.com", secret::openai());
    let rows: Vec<String> = (0..40)
        .map(|n| format!("{n} ") + &"x ".repeat(500))
        .collect();
    usage.log_usage(
        ToolCall::new("search")
            .identity(Identity::new("u1", "INTERNAL").with_email("a@b.co"))
            .duration(ms(0))
            .prompt("user wants rails companies; contact +1 (415) 555-2671")
            .intent_source(IntentSource::Parameter)
            .arguments(&json!({"query": mail_and_key, "limit": 5, "password": "hunter2", "ssn": "078-05-1120"}))
            .result(&text(&format!("hit:{mail_and_key}"))),
    );
    usage.log_usage(
        ToolCall::new("search")
            .identity(Identity::new("u2", "INTERNAL"))
            .duration(ms(1))
            .arguments(&json!({"query": "plain", "limit": 5}))
            .result(&text("hit:plain")),
    );
    usage.log_usage(
        ToolCall::new("boom")
            .duration(ms(2))
            .arguments(&json!({"x": 1}))
            .error("Error executing tool boom: no such thing for bob@example.com"),
    );
    usage.log_usage(
        ToolCall::new("big")
            .duration(ms(3))
            .arguments(&json!({"rows": [1, 2]}))
            .result(&json!({"rows": rows})),
    );
    usage.log_usage(
        ToolCall::new("native")
            .duration(ms(4))
            .prompt("wanted csv export")
            .intent_source(IntentSource::Native)
            .arguments(&json!({"q": "x"}))
            .result(&text("x")),
    );
    usage.log_usage(
        ToolCall::new("owns")
            .duration(ms(5))
            .arguments(&json!({"mcpeyeIntent": "mine"}))
            .result(&text("mine")),
    );
    usage.log_usage(
        ToolCall::new("mcpeye_request_capability")
            .duration(ms(6))
            .arguments(&json!({"capability": "export as PDF", "context": "monthly report"}))
            .result(&json!({"content": [{"type": "text", "text": "(text of its own)"}]})),
    );
    end(&usage, &ingest);
    let sent = ingest.requests()[0].json().unwrap();
    assert_eq!(sent["projectId"], request["body"]["projectId"]);
    assert_eq!(sent["identity"], request["body"]["identity"]);
    assert_eq!(ingest.requests()[0].path, request["path"].as_str().unwrap());
    let ours: Vec<Value> = ingest
        .delivered()
        .into_iter()
        .map(|event| event.json)
        .collect();
    assert_eq!(ours.len(), theirs.len());
    let pairs = names
        .into_iter()
        .zip(ours)
        .zip(theirs)
        .map(|((name, ours), theirs)| (name, ours, theirs));
    compare(pairs.collect(), "mcpeye");
}

// ---- our own golden bodies ----

/// One event of each kind, with every field.
fn full(usage: &UsageLogger, kind: &str) -> Outcome {
    macro_rules! common {
        ($event:expr) => {
            $event
                .identity(Identity::new("u_8812", "INTERNAL").with_email("rachel@reo.dev"))
                .product_id("reoWebApp")
                .source("PRODUCT_CLOUD")
                .environment("STAGING")
                .user_agent("Mozilla/5.0")
                .ip_addr("203.0.113.9")
                .session_id("7c9f-42")
                .conversation_id("conversation 9")
                .client_name("inspector")
                .client_version("0.9.1")
                .protocol_version("2025-06-18")
                .transport("http")
                .request_id("17")
                .vendor_client("ClaudeCode")
                .oauth_client_id("client-7")
                .server_name("shop")
                .server_version("4.5.6")
                .http_version("1.1")
                .client_port(65_123)
                .traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
                .meta("mode", &"authenticated")
                .meta("ünï", &"日本語 ✓")
        };
    }
    match kind {
        "identity_capture" => usage.log_usage(common!(IdentityCapture::new(rachel()))),
        "init" => usage.log_usage(common!(
            Init::new(["search", "boom"]).definition("search", &json!({"name": "search"}))
        )),
        "custom" => usage.log_usage(common!(Custom::new("LOGIN_ACTIVITY"))),
        _ => {
            let arguments =
                json!({"query": "mail bob@example.com", "limit": 5, "password": "hunter2"});
            let result = json!({"rows": [1, 2, 3], "note": "fine"});
            let call = common!(ToolCall::new("search"))
                .arguments(&arguments)
                .tool_description("Searches; ask bob@example.com.")
                .prompt("who uses rails?")
                .intent_source(IntentSource::Parameter)
                .duration(Duration::from_micros(5_072_524));
            match kind {
                "failed_call" => {
                    let call = call.refused_arguments(&["limit", "bob@example.com"]);
                    usage.log_usage(call.error("no such index").outcome(CallOutcome::ToolError))
                }
                "protocol_error" => {
                    let call = call.error("it broke").error_code(-32_603);
                    usage.log_usage(call.outcome(CallOutcome::ProtocolError))
                }
                "unknown_tool" => {
                    let call = call.error("unknown tool").error_code(-32_602);
                    let call = call.unknown_tool(true);
                    usage.log_usage(call.outcome(CallOutcome::ProtocolError))
                }
                "round" => usage.log_usage(
                    call.round(1)
                        .input_request_methods(&["elicitation/create"])
                        .era(Era::Modern)
                        .client_class(ClientClass::Agent)
                        .tracestate("congo=t61rcWkgMzE")
                        .http_traceparent(OUTER)
                        .http_tracestate("rojo=00f067aa0ba902b7")
                        .outcome(CallOutcome::InputRequired),
                ),
                "large_call" => {
                    let large = json!({"texts": vec!["x".repeat(MAX_STRING_CHARS); 10]});
                    usage.log_usage(call.arguments(&large).outcome(CallOutcome::Ok))
                }
                _ => {
                    let call = call.result(&result).result_bytes(37);
                    usage.log_usage(call.outcome(CallOutcome::Ok))
                }
            }
        }
    }
}

/// Puts a placeholder in place of what differs from run to run.
fn normalised(mut body: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(walk),
            Value::Object(object) => {
                for (key, value) in object {
                    match key.as_str() {
                        "event_id"
                        | "event_at"
                        | "callId"
                        | "timestamp"
                        | "instance"
                        | "version"
                        | "spanId"
                        | "startTimeUnixNano"
                        | "endTimeUnixNano"
                        | "timeUnixNano"
                        | "service.instance.id"
                        | "telemetry.sdk.version"
                        | "mcp_usage.instance"
                        | "mcp_usage_instance"
                        | "mcp_usage_event_id"
                        | "uuid"
                        | "sent_at"
                        | "$lib_version"
                        | "mcp_usage.event_id" => {
                            let kind = if value.is_string() {
                                "a string"
                            } else {
                                "a number"
                            };
                            *value = json!(kind);
                        }
                        _ => walk(value),
                    }
                }
            }
            _ => {}
        }
    }
    walk(&mut body);
    body
}

#[test]
fn our_bodies_are_the_golden_ones() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let mut wrong = Vec::new();
    for (name, wire) in wires() {
        for kind in [
            "identity_capture",
            "tool_call",
            "failed_call",
            "protocol_error",
            "unknown_tool",
            "round",
            "large_call",
            "init",
            "custom",
        ] {
            let ingest = ingest();
            let usage = builder_for(&ingest, &wire).build().unwrap();
            let outcome = full(&usage, kind);
            end(&usage, &ingest);
            let body = match outcome {
                Outcome::Queued => normalised(ingest.requests()[0].json().unwrap()),
                Outcome::Dropped(reason) => json!({"dropped": reason.as_str()}),
                other => panic!("{other:?}"),
            };
            let path = directory.join(format!("{}-{kind}.json", name.replace(' ', "-")));
            // USAGE_BLESS=1 writes them anew; the difference is then a change of the protocol to review.
            if std::env::var_os("USAGE_BLESS").is_some() {
                std::fs::write(&path, format!("{body:#}\n")).unwrap();
            }
            let golden: Value =
                serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let mut found = Vec::new();
            differences("", Some(&body), Some(&golden), &mut found);
            if !found.is_empty() {
                wrong.push(format!("{}: {found:?}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What events say beside [`full`], each in a body of its own.
const MORE: [&str; 6] = [
    "prompt_get",
    "resource_read",
    "auth_rejected",
    "long_init",
    "weighed_call",
    "other_settings",
];

/// The body of the last request with one of [`MORE`], or why there is none.
fn more(wire: &Wire, kind: &str) -> Value {
    let (ingest, clock) = (ingest(), ManualClock::new());
    let builder = builder_for(&ingest, wire);
    let builder = match (kind, wire) {
        ("weighed_call", _) => builder
            .sample_tool("search", 0.5)
            .rate_cap_tool("search", 1)
            .clock(&clock),
        ("other_settings", wire) => {
            let builder = match wire {
                Wire::Otlp(_) => builder.wire(Wire::Otlp(Otlp::spans().enduser_id(true))),
                _ => builder,
            };
            let pseudonyms = Pseudonyms::new(&[7; 32]).unwrap();
            let builder = builder.session_ids(SessionIds::Raw);
            builder.pseudonyms(pseudonyms)
        }
        _ => builder,
    };
    let usage = builder.build().unwrap();
    let session = Session::new().session_id("7c9f-42");
    let request = |activity: &'static str| {
        let request = Custom::new(activity).session(&session);
        request
            .identity(rachel())
            .meta("outcome", &"ok")
            .meta("duration_ms", &2.5)
    };
    let outcome = match kind {
        "prompt_get" => usage.log_usage(request("MCP_PROMPT_GET").meta("prompt_name", &"review")),
        "resource_read" => {
            let uri = "file:///notes/1";
            usage.log_usage(request("MCP_RESOURCE_READ").meta("resource_uri", &uri))
        }
        "auth_rejected" => {
            usage.log_usage(AuthRejected::new(AuthRejection::Expired).session(&session))
        }
        "long_init" => {
            let tools = (0..=MAX_TOOLS).map(|n| format!("tool {n}"));
            usage.log_usage(Init::new(tools.collect::<Vec<_>>()).session(&session))
        }
        "weighed_call" => {
            let call = || usage.log_usage(ToolCall::new("search").session(&session));
            let until = |wanted: Outcome| while call() != wanted {};
            until(Outcome::Queued);
            usage.flush_blocking(PATIENCE).unwrap();
            until(Outcome::Dropped(DropReason::RateCapped));
            clock.advance(Duration::from_secs(61));
            until(Outcome::Queued);
            Outcome::Queued
        }
        _ => {
            // So much that there is no room for the values, and for no more of the names than their number.
            let arguments = (0..150).map(|n| (format!("{n:0>200}"), json!("x".repeat(400))));
            let arguments = Value::Object(arguments.collect());
            let call = ToolCall::new("search").session(&session).identity(rachel());
            let call = call.transport("carrier pigeon").product_id("other");
            usage.log_usage(call.source("EDGE").arguments(&arguments))
        }
    };
    end(&usage, &ingest);
    match outcome {
        Outcome::Queued => {
            let mut body = normalised(ingest.requests().pop().unwrap().json().unwrap());
            if let Wire::Otlp(_) = wire {
                let span = "/resourceSpans/0/scopeSpans/0/spans/0/traceId";
                *body.pointer_mut(span).unwrap() = json!("a string");
            }
            // How many calls a share leaves out is chance.
            if let Some(Value::Object(sdk)) = body.get_mut("sdk") {
                sdk.remove("dropped");
            }
            body
        }
        Outcome::Dropped(reason) => json!({"dropped": reason.as_str()}),
        other => panic!("{other:?}"),
    }
}

#[test]
fn our_other_bodies_are_the_golden_ones() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    for (name, wire) in wires() {
        let bodies: Value = MORE.iter().map(|kind| more(&wire, kind)).collect();
        let path = directory.join(format!("{}-more.json", name.replace(' ', "-")));
        // USAGE_BLESS=1 writes them anew; the difference is then a change of the protocol to review.
        if std::env::var_os("USAGE_BLESS").is_some() {
            std::fs::write(&path, format!("{bodies:#}\n")).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        let golden: Value = serde_json::from_str(&golden).unwrap();
        let mut found = Vec::new();
        differences("", Some(&bodies), Some(&golden), &mut found);
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
}

#[test]
fn a_body_of_json_is_compact_utf_8() {
    let wires = wires().into_iter();
    for (name, wire) in wires.filter(|(name, _)| *name != "otlp") {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire).build().unwrap();
        full(&usage, "tool_call");
        end(&usage, &ingest);
        let body = ingest.requests()[0].body.clone();
        let text = String::from_utf8(body).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value.to_string(), text, "{name}");
    }
}

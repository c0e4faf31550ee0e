//! Whatever a client or a host puts into a field, the ingest gets what the wire formats allow, or nothing.

use std::time::{Duration, SystemTime};

use mcp_usage::testing::contract::{ReceivedWire, check};
use mcp_usage::testing::{ManualClock, MemoryTransport};
use mcp_usage::{
    CallOutcome, ClientClass, Custom, Era, Event, Identity, IdentityCapture, Init, IntentSource,
    Session, ToolCall, UsageLogger, Wire,
};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::support::{PATIENCE, arrivals, builder_for, end, ingest, mcpeye, rachel, wires};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Texts that break what was not made for them.
fn text() -> impl Strategy<Value = String> {
    let odd = [
        "",
        " ",
        "\0",
        "\u{1}\u{7f}\u{85}",
        "\"",
        "\\",
        "\\ud800",
        "\u{feff}",
        "\u{202e}abc",
        "\u{fffd}",
        "a\r\nHost: b",
        "[REDACTED_",
        "null",
        "203.0.113.9",
        "rachel@example.com",
        TRACEPARENT,
    ];
    prop_oneof![
        4 => proptest::sample::select(odd.to_vec()).prop_map(str::to_owned),
        2 => any::<String>(),
        1 => (proptest::sample::select(odd.to_vec()), 2_usize..9_000).prop_map(|(odd, n)| odd.repeat(n.min(60_000 / odd.len().max(1)))),
        1 => (1_usize..8_000).prop_map(|n| "a@b.co ".repeat(n)),
    ]
}

fn traceparent() -> impl Strategy<Value = String> {
    let malformed = [
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "0-af7651916cd43dd8448eb211c80319c0-b7ad6b7169203331-01",
        "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
        "00-1-2-01",
        "----",
    ];
    prop_oneof![
        proptest::sample::select(malformed.to_vec()).prop_map(str::to_owned),
        "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
        "[0-9a-fA-Fg-]{0,60}",
        text(),
    ]
}

fn event_at() -> impl Strategy<Value = SystemTime> {
    let seconds = prop_oneof![
        any::<u32>().prop_map(u64::from),
        0_u64..6_000_000_000,
        Just(4_102_444_800),
        any::<u64>(),
    ];
    (seconds, 0_u32..1_000_000_000, any::<bool>()).prop_map(|(seconds, nanos, before)| {
        let span = Duration::new(seconds >> 8, nanos);
        let whole = Duration::new(seconds, nanos);
        let at = if before {
            SystemTime::UNIX_EPOCH.checked_sub(span)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(whole)
        };
        at.unwrap_or(SystemTime::UNIX_EPOCH)
    })
}

fn event_id() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0),
        Just(-1),
        Just(i64::MIN),
        Just(i64::MAX),
        Just(1),
        any::<i64>()
    ]
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::MAX),
        Just(Duration::ZERO),
        any::<u64>().prop_map(Duration::from_secs),
        any::<u64>().prop_map(Duration::from_nanos),
        any::<u32>().prop_map(|n| Duration::from_secs(n.into())),
    ]
}

/// A value of a caller's, whose `Serialize` may write what no JSON has.
#[derive(Debug, Clone)]
enum Content {
    Tree(Value),
    /// JSON text as a client sent it.
    Text(Box<RawValue>),
    Float(f64),
    /// An object with members in this order, names given twice included.
    Members(Vec<(String, Value)>),
}

impl serde::Serialize for Content {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Tree(value) => value.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
            Self::Float(float) => float.serialize(serializer),
            Self::Members(members) => serializer.collect_map(members.iter().map(|(k, v)| (k, v))),
        }
    }
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((text(), inner), 0..6).prop_map(|members| members
                .into_iter()
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

fn content() -> impl Strategy<Value = Content> {
    let texts = [
        r#"{"a":1,"a":2}"#,
        r#"{"x":{"a":1,"b":2,"a":[{"c":1,"c":1}]}}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"s":"\ud800","t":"\udc00x"}"#,
        r#""\ud800""#,
        r#"{"n":1e999,"m":-0.0,"o":123456789012345678901234567890}"#,
        r#"{"\u0000":"\u0000","\u0000":"\u0001"}"#,
        r#"{"rachel@example.com":1,"ross@example.com":2}"#,
        "1e400",
        "null",
        "[]",
    ];
    let texts = proptest::sample::select(texts.to_vec())
        .prop_map(|text| Content::Text(RawValue::from_string(text.to_owned()).unwrap()));
    let name = prop_oneof![
        text(),
        Just("a".to_owned()),
        Just("x".repeat(300)),
        Just(format!("{}y", "x".repeat(300))),
        Just("capability".to_owned()),
        Just("[REDACTED_EMAIL]".to_owned()),
        Just("_truncated_keys".to_owned()),
        Just("a@b.co".to_owned()),
        Just("c@d.co".to_owned()),
    ];
    prop_oneof![
        tree().prop_map(Content::Tree),
        texts,
        prop_oneof![
            Just(f64::NAN),
            Just(f64::INFINITY),
            Just(-0.0),
            any::<f64>()
        ]
        .prop_map(Content::Float),
        proptest::collection::vec((name, tree()), 0..8).prop_map(Content::Members),
        // Marks that are longer than what they hide, as much of it as the limits let through.
        (1_usize..80).prop_map(|keys| {
            let mails = json!(vec!["a@b.co"; 50]);
            Content::Members((0..keys).map(|n| (n.to_string(), mails.clone())).collect())
        }),
    ]
}

/// A list of names, or what is none.
fn names() -> impl Strategy<Value = Content> {
    let names = proptest::collection::vec(text(), 0..30);
    prop_oneof![
        names.prop_map(|names| Content::Tree(json!(names))),
        content()
    ]
}

/// What any event may carry.
#[derive(Debug, Clone)]
struct Facts {
    identity: Option<(String, String, Option<String>)>,
    event_id: Option<i64>,
    event_at: Option<SystemTime>,
    traceparent: Option<String>,
    /// email, product, source, environment, user agent, address, version of HTTP.
    texts: Vec<Option<String>>,
    session: Vec<Option<String>>,
    meta: Vec<(String, Content)>,
}

fn facts() -> impl Strategy<Value = Facts> {
    let some = || proptest::option::weighted(0.3, text());
    (
        proptest::option::of((text(), text(), some())),
        proptest::option::of(event_id()),
        proptest::option::of(event_at()),
        proptest::option::of(traceparent()),
        proptest::collection::vec(some(), 7),
        proptest::collection::vec(some(), 11),
        proptest::collection::vec((text(), content()), 0..4),
    )
        .prop_map(
            |(identity, event_id, event_at, traceparent, texts, session, meta)| Facts {
                identity,
                event_id,
                event_at,
                traceparent,
                texts,
                session,
                meta,
            },
        )
}

#[derive(Debug, Clone)]
struct Call {
    tool: String,
    arguments: Option<Content>,
    result: Option<Content>,
    result_bytes: Option<u64>,
    refused_arguments: Option<Content>,
    prompt: Option<String>,
    error: Option<String>,
    duration: Option<Duration>,
    round: u32,
    outcome: Option<CallOutcome>,
}

fn call() -> impl Strategy<Value = Call> {
    let tool = prop_oneof![
        Just("search".to_owned()),
        Just("mcpeye_request_capability".to_owned()),
        text()
    ];
    let outcomes = [CallOutcome::Ok, CallOutcome::ToolError, CallOutcome::Task];
    (
        tool,
        proptest::option::of(content()),
        proptest::option::of(content()),
        proptest::option::of(any::<u64>()),
        proptest::option::weighted(0.3, names()),
        proptest::option::of(text()),
        proptest::option::weighted(0.3, text()),
        proptest::option::of(duration()),
        any::<u32>(),
        proptest::option::of(proptest::sample::select(outcomes.to_vec())),
    )
        .prop_map(
            |(
                tool,
                arguments,
                result,
                result_bytes,
                refused_arguments,
                prompt,
                error,
                duration,
                round,
                outcome,
            )| Call {
                tool,
                arguments,
                result,
                result_bytes,
                refused_arguments,
                prompt,
                error,
                duration,
                round,
                outcome,
            },
        )
}

#[derive(Debug, Clone)]
enum Kind {
    Call(Box<Call>),
    Capture,
    Init(Vec<String>),
    Custom(String),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        6 => call().prop_map(|call| Kind::Call(Box::new(call))),
        1 => Just(Kind::Capture),
        1 => proptest::collection::vec(text(), 0..5).prop_map(Kind::Init),
        1 => text().prop_map(Kind::Custom),
    ]
}

/// The facts of an event, set on any kind of it.
macro_rules! set {
    ($event:expr, $facts:expr) => {{
        let (mut event, facts): (_, &Facts) = ($event, $facts);
        if let Some((id, id_type, email)) = &facts.identity {
            let identity = Identity::new(&**id, &**id_type);
            event = event.identity(match email {
                Some(email) => identity.with_email(&**email),
                None => identity,
            });
        }
        if let Some(id) = facts.event_id {
            event = event.event_id(id);
        }
        if let Some(at) = facts.event_at {
            event = event.event_at(at);
        }
        if let Some(traceparent) = &facts.traceparent {
            event = event.traceparent(&**traceparent);
        }
        let texts: Vec<_> = facts.texts.iter().map(Option::as_deref).collect();
        if let Some(text) = texts[0] {
            event = event.email(text);
        }
        if let Some(text) = texts[1] {
            event = event.product_id(text);
        }
        if let Some(text) = texts[2] {
            event = event.source(text);
        }
        if let Some(text) = texts[3] {
            event = event.environment(text);
        }
        if let Some(text) = texts[4] {
            event = event.user_agent(text);
        }
        if let Some(text) = texts[5] {
            event = event.ip_addr(text);
        }
        if let Some(text) = texts[6] {
            event = event.http_version(text).client_port(text.len() as u16);
        }
        for (key, value) in &facts.meta {
            event = event.meta(&**key, value);
        }
        event = event.era(Era::Modern).client_class(ClientClass::Agent);
        event.session(session(&facts.session))
    }};
}

fn session(facts: &[Option<String>]) -> Session<'_> {
    let facts: Vec<_> = facts.iter().map(Option::as_deref).collect();
    let mut session = Session::new();
    let setters: [fn(Session<'_>, String) -> Session<'_>; 11] = [
        |s, text| s.session_id(text),
        |s, text| s.conversation_id(text),
        |s, text| s.client_name(text),
        |s, text| s.client_version(text),
        |s, text| s.protocol_version(text),
        |s, text| s.transport(text),
        |s, text| s.request_id(text),
        |s, text| s.vendor_client(text),
        |s, text| s.oauth_client_id(text),
        |s, text| s.server_name(text),
        |s, text| s.server_version(text),
    ];
    for (set, fact) in setters.into_iter().zip(facts) {
        if let Some(fact) = fact {
            session = set(session, fact.to_owned());
        }
    }
    session
}

fn event<'a>(kind: &'a Kind, facts: &'a Facts) -> Event<'a> {
    match kind {
        Kind::Capture => set!(IdentityCapture::new(rachel()), facts).into(),
        Kind::Init(tools) => {
            let init = Init::new(tools.iter().map(|tool| &**tool));
            let defined = tools.iter().step_by(2);
            let init = defined.fold(init, |init, tool| init.definition(tool, tool));
            set!(init, facts).into()
        }
        Kind::Custom(activity) => set!(Custom::new(&**activity), facts).into(),
        Kind::Call(call) => {
            let mut event = set!(ToolCall::new(&*call.tool), facts).round(call.round);
            if let Some(arguments) = &call.arguments {
                event = event.arguments(arguments);
            }
            if let Some(result) = &call.result {
                event = event.result(result);
            }
            if let Some(bytes) = call.result_bytes {
                event = event.result_bytes(bytes);
            }
            if let Some(names) = &call.refused_arguments {
                event = event.refused_arguments(names);
            }
            if let Some(prompt) = &call.prompt {
                event = event.prompt(&**prompt).intent_source(IntentSource::Native);
            }
            if let Some(error) = &call.error {
                event = event.error(&**error);
            }
            if let Some(duration) = call.duration {
                event = event.duration(duration);
            }
            if let Some(outcome) = call.outcome {
                event = event.outcome(outcome);
            }
            event.into()
        }
    }
}

/// Where a hook may put something: members of our own, and one that is none.
const PLACES: [&str; 52] = [
    "/activity_type",
    "/source",
    "/environment",
    "/user_id",
    "/user_id_type",
    "/product_id",
    "/ip_addr",
    "/event_id",
    "/event_at",
    "/user_agent",
    "/meta",
    "/plan",
    "/meta/plan",
    "/meta/tool",
    "/meta/tools",
    "/meta/tool_count",
    "/meta/tools_truncated",
    "/meta/duration_ms",
    "/meta/outcome",
    "/meta/error",
    "/meta/prompt",
    "/meta/intent_source",
    "/meta/tool_arguments",
    "/meta/tool_argument_keys",
    "/meta/tool_argument_key_count",
    "/meta/result",
    "/meta/result_bytes",
    "/meta/refused_arguments",
    "/meta/tool_definitions",
    "/meta/server_name",
    "/meta/session_id",
    "/meta/client_name",
    "/meta/protocol_version",
    "/meta/request_id",
    "/meta/traceparent",
    "/meta/redactions",
    "/meta/sample_rate",
    "/meta/instance",
    "/meta/sequence",
    "/callId",
    "/toolName",
    "/isError",
    "/timestamp",
    "/durationMs",
    "/errorMessage",
    "/intent",
    "/intentSource",
    "/userId",
    "/userEmail",
    "/arguments",
    "/result",
    "/rachel@example.com",
];

/// What somebody puts there; `None` takes out what is there.
pub(crate) fn change() -> impl Strategy<Value = (&'static str, Option<Value>)> {
    let numbers = [
        json!(0),
        json!(-1),
        json!(1),
        json!(0.5),
        json!(12.345),
        json!(1e300),
        json!(i64::MIN),
        json!(u64::MAX),
        serde_json::from_str("1e999").unwrap_or_default(),
        json!(1_800_000_000),
        json!(1_800_000_000_000_u64),
    ];
    let value = prop_oneof![
        proptest::sample::select(numbers.to_vec()),
        text().prop_map(Value::from),
        traceparent().prop_map(Value::from),
        proptest::collection::vec(text(), 0..300).prop_map(Value::from),
        (1_usize..400).prop_map(|n| json!({"mails": vec!["a@b.co "; n].concat()})),
        Just(json!({"x".repeat(300): 1, "x".repeat(301): 2})),
        tree(),
    ];
    let value = prop_oneof![4 => value.prop_map(Some), 1 => Just(None)];
    (proptest::sample::select(PLACES.to_vec()), value)
}

/// Sets, or takes out, what stands at a place of an event.
pub(crate) fn put(event: &mut Value, place: &str, value: Option<Value>) {
    let (parent, name) = place.rsplit_once('/').unwrap();
    let Some(Value::Object(parent)) = event.pointer_mut(parent) else {
        return;
    };
    match value {
        Some(value) => parent.insert(name.to_owned(), value),
        None => parent.remove(name),
    };
}

pub(crate) fn received(wire: &Wire) -> ReceivedWire {
    match wire {
        Wire::Reo => ReceivedWire::Reo,
        Wire::ReoBatch => ReceivedWire::ReoBatch,
        Wire::Otlp(_) => ReceivedWire::Otlp,
        Wire::PostHog(_) => ReceivedWire::PostHog,
        _ => ReceivedWire::Mcpeye,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_logger_accepts_the_contract_accepts(
        events in proptest::collection::vec((kind(), facts()), 1..4),
        sampled: bool,
    ) {
        for (name, wire) in wires() {
            let sent = MemoryTransport::new();
            let usage = UsageLogger::builder()
                .env(|_| None)
                .wire(wire.clone())
                .memory_transport(&sent)
                .product_id("p")
                .sample(if sampled { 1e-300 } else { 1.0 })
                .build()
                .unwrap();
            for (kind, facts) in &events {
                usage.log_usage(event(kind, facts));
            }
            usage.shutdown_blocking(PATIENCE);
            for body in sent.bodies() {
                let checked = check(&body, received(&wire));
                prop_assert!(checked.is_ok(), "{}: {}\n{}", name, checked.unwrap_err(), String::from_utf8_lossy(&body));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_hook_hands_back_the_contract_accepts(
        kind in kind(),
        facts in facts(),
        changes in proptest::collection::vec(change(), 1..4),
    ) {
        for (name, wire) in wires() {
            let sent = MemoryTransport::new();
            let changes = changes.clone();
            let usage = UsageLogger::builder()
                .env(|_| None)
                .wire(wire.clone())
                .memory_transport(&sent)
                .product_id("p")
                .before_send(move |mut event| {
                    for (place, value) in &changes {
                        put(&mut event, place, value.clone());
                    }
                    Some(event)
                })
                .build()
                .unwrap();
            usage.log_usage(event(&kind, &facts));
            let stats = usage.shutdown_blocking(PATIENCE).stats;
            prop_assert!(stats.balances());
            for body in sent.bodies() {
                let checked = check(&body, received(&wire));
                prop_assert!(checked.is_ok(), "{}: {}\n{}", name, checked.unwrap_err(), String::from_utf8_lossy(&body));
            }
        }
    }
}

#[test]
fn a_malformed_value_of_a_hook_costs_itself_and_is_counted() {
    let changed = |wire: &Wire, place: &'static str, value: Value| {
        let sent = MemoryTransport::new();
        let usage = UsageLogger::builder()
            .env(|_| None)
            .wire(wire.clone())
            .memory_transport(&sent)
            .product_id("p")
            .before_send(move |mut event| {
                put(&mut event, place, Some(value.clone()));
                Some(event)
            })
            .build()
            .unwrap();
        usage.log_usage(ToolCall::new("t").duration(Duration::from_millis(7)));
        let stats = usage.shutdown_blocking(PATIENCE).stats;
        let event = sent.events().pop();
        let at = event.and_then(|event| event.pointer(place).cloned());
        (stats.delivered, stats.fields_left_out, at)
    };
    let long = "n".repeat(300);
    let cut = format!("{}...", "n".repeat(253));
    for (place, value, left_out, expected) in [
        ("/meta/traceparent", json!("00-1-2-01"), 1, None),
        (
            "/meta/traceparent",
            json!(TRACEPARENT),
            0,
            Some(json!(TRACEPARENT)),
        ),
        ("/meta/duration_ms", json!(-1), 1, None),
        ("/meta/duration_ms", json!(1e300), 1, None),
        ("/meta/duration_ms", json!(1.239), 0, Some(json!(1.24))),
        ("/meta/tool", json!(long), 0, Some(json!(cut))),
        ("/meta/outcome", json!("fine"), 1, None),
        ("/meta/tool_argument_keys", json!(7), 1, None),
        ("/meta/team", json!(7), 0, Some(json!(7))),
        ("/plan", json!("free"), 1, None),
    ] {
        let found = changed(&Wire::ReoBatch, place, value);
        assert_eq!(found, (1, left_out, expected), "{place}");
    }
    for (place, value, left_out, expected) in [
        ("/durationMs", json!(-1), 1, Some(json!(0))),
        ("/durationMs", json!(u64::MAX), 1, Some(json!(0))),
        ("/arguments", json!(null), 1, Some(json!({}))),
        ("/intentSource", json!("native"), 1, None),
        ("/toolName", json!(long), 0, Some(json!(cut))),
    ] {
        let found = changed(&mcpeye(), place, value);
        assert_eq!(found, (1, left_out, expected), "{place}");
    }
    // What a wire requires and is not there cannot be sent.
    assert_eq!(changed(&mcpeye(), "/toolName", json!("")), (0, 0, None));
    assert_eq!(changed(&Wire::Reo, "/source", json!(7)), (0, 0, None));
}

/// The Unix seconds of a time by RFC 3339 in UTC.
fn seconds_of(time: &str) -> Option<u64> {
    let mut parts = time.split(['-', 'T', ':', '.']).map(str::parse);
    let mut next = || parts.next()?.ok();
    let [year, month, day]: [u64; 3] = [next()?, next()?, next()?];
    let [hour, minute, second] = [next()?, next()?, next()?];
    // A year that begins in March ends with its leap day.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[test]
fn a_malformed_value_costs_itself_and_is_counted() {
    let now = SystemTime::now();
    let year_1970 = SystemTime::UNIX_EPOCH + Duration::from_secs(7);
    let seconds_as_millis = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000_000);
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire).build().unwrap();
        let log = |call: ToolCall<'_>| usage.log_usage(call.identity(rachel()));
        log(ToolCall::new("t")
            .traceparent("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"));
        log(ToolCall::new("t").traceparent("00-1-2-01").event_id(0));
        log(ToolCall::new("t").event_id(-7).event_at(year_1970));
        log(ToolCall::new("t")
            .event_at(seconds_as_millis)
            .duration(Duration::MAX));
        log(ToolCall::new("t")
            .email("")
            .event_at(now)
            .event_id(7)
            .duration(Duration::ZERO));
        let stats = end(&usage, &ingest);
        assert_eq!((stats.delivered, stats.fields_left_out), (5, 7), "{name}");
        for event in ingest.delivered() {
            let meta = &event.json["meta"];
            assert_eq!(meta.get("traceparent"), None, "{name}");
            let seconds = event.json.get("event_at").and_then(Value::as_u64);
            let millis = event.json.get("timestamp").and_then(Value::as_u64);
            let end = event.json.get("endTimeUnixNano").and_then(Value::as_u64);
            let at = seconds
                .or(millis.map(|millis| millis / 1_000))
                .or(end.map(|nanos| nanos / 1_000_000_000))
                .or_else(|| seconds_of(event.json["timestamp"].as_str()?))
                .unwrap();
            let called = now
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_secs();
            assert!((called..called + 60).contains(&at), "{name}: {at}");
        }
    }
}

#[test]
fn arguments_that_the_receiver_would_refuse_leave_their_call() {
    let mails = json!(vec!["a@b.co"; 50]);
    let large: serde_json::Map<_, _> = (0..70).map(|n| (n.to_string(), mails.clone())).collect();
    let large = Value::from(large);
    let capability = "mcpeye_request_capability";
    let (whole, none) = (
        json!({"capability": "x", "context": "y"}),
        json!({"context": "y"}),
    );
    let events = arrivals(
        &mcpeye(),
        |b| b,
        |usage| {
            usage.log_usage(ToolCall::new("large").arguments(&large).result(&large));
            usage.log_usage(ToolCall::new(capability).arguments(&whole));
            usage.log_usage(ToolCall::new(capability).arguments(&none));
            usage.log_usage(ToolCall::new(capability));
            usage.log_usage(
                ToolCall::new("null")
                    .arguments(&json!(null))
                    .result(&json!(null)),
            );
            assert_eq!(usage.stats().fields_left_out, 2);
        },
    );
    let arguments: Vec<_> = events
        .iter()
        .map(|event| &event.json["arguments"])
        .collect();
    let marked = json!({"[unserializable]": true});
    assert_eq!(arguments[1..], [&whole, &marked, &marked, &json!({})]);
    // The marks are longer than what they hide, so that the names alone have room.
    let names = arguments[0]["tool_argument_keys"].as_array();
    assert_eq!(names.map(Vec::len), Some(70), "{}", arguments[0]);
    assert_eq!(events[4].json.get("result"), None);
}

#[test]
fn a_machine_whose_clock_was_never_set_sends_its_own_time() {
    let clock = ManualClock::new();
    let sent = MemoryTransport::new();
    let builder = UsageLogger::builder().env(|_| None).memory_transport(&sent);
    let usage = builder.product_id("p").clock(&clock).build().unwrap();
    clock.set_back(Duration::from_secs(50 * 365 * 86_400));
    usage.log_usage(ToolCall::new("t"));
    drop(usage.start_tool_call("t"));
    let stats = usage.shutdown_blocking(PATIENCE).stats;
    assert_eq!((stats.delivered, stats.fields_left_out), (2, 0));
    for event in sent.events() {
        let at = event["event_at"].as_i64().unwrap();
        assert!((1..1_577_836_800).contains(&at), "{at}");
    }
}

#[test]
fn events_that_are_rewritten_keep_who_captured_them() {
    let events = arrivals(
        &Wire::ReoBatch,
        |builder| {
            builder.before_send(|mut event| {
                event["meta"]["instance"] = json!("forged");
                event["meta"]["sequence"] = json!(-1);
                event["meta"]["more"] = json!(1);
                Some(event)
            })
        },
        |usage| {
            for _ in 0..3 {
                usage.log_usage(ToolCall::new("t").meta("instance", &"forged"));
            }
        },
    );
    let sequences: Vec<_> = events.iter().map(|e| &e.json["meta"]["sequence"]).collect();
    assert_eq!(sequences, [1, 2, 3]);
    for event in &events {
        let meta = &event.json["meta"];
        assert_eq!(meta["instance"], events[0].json["meta"]["instance"]);
        assert_eq!(meta["instance"].as_str().unwrap().len(), 16);
        assert_eq!(meta["more"], 1);
    }
}

#[test]
fn events_of_one_id_never_share_a_request() {
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire).build().unwrap();
        for n in 0..30 {
            usage.log_usage(crate::support::call(n).event_id(1 + n as i64 % 10));
        }
        let stats = end(&usage, &ingest);
        assert_eq!(stats.delivered, 30, "{name}");
    }
}

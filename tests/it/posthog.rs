//! The PostHog wire: events as its MCP analytics know them, and a key that travels in the body.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use mcp_usage::testing::contract::{MAX_POSTHOG_EVENT_BYTES, ReceivedWire, check};
use mcp_usage::testing::{Answer, MemoryTransport, MockIngest, ReceivedEvent};
use mcp_usage::{
    Builder, CallOutcome, Custom, DropReason, Identity, IntentSource, Outcome, PostHog, SessionIds,
    ToolCall, UsageLogger, Wire,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::otlp::log_all;
use crate::support::{
    KEY, PATIENCE, arrivals, builder_for, call, end, errors, files, ingest, mcpeye, posthog, rachel,
};

/// A handle of a conversation, as PostHog's own SDKs hand them out.
const HANDLE: &str = "0190f0e8-7a6b-7c3d-9e4f-5a6b7c8d9e0f";

fn events(log: impl FnOnce(&UsageLogger)) -> Vec<Value> {
    let arrived = arrivals(&posthog(), |b| b, log).into_iter();
    arrived.map(|event| event.json).collect()
}

fn event(log: impl FnOnce(&UsageLogger)) -> Value {
    let mut events = events(log);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

/// A logger into memory, which needs no key.
fn in_memory(posthog: PostHog, memory: &MemoryTransport) -> Builder {
    UsageLogger::builder()
        .env(|_| None)
        .wire(Wire::PostHog(posthog))
        .memory_transport(memory)
        .product_id("p")
}

/// The events of the bodies that a logger made, each of which follows the contract.
fn batches(memory: &MemoryTransport) -> Vec<Value> {
    let bodies = memory.bodies().into_iter();
    let bodies = bodies.map(|body| check(&body, ReceivedWire::PostHog).unwrap());
    bodies
        .flat_map(|body| body["batch"].as_array().unwrap().clone())
        .collect()
}

// ---- events ----

/// An event without what differs from run to run.
fn normalised(mut event: Value) -> Value {
    fn hide(object: &mut Value, names: &[&str]) {
        let object = object.as_object_mut().unwrap();
        for name in names {
            let hidden = object.insert((*name).to_owned(), json!(".."));
            assert!(hidden.is_some(), "{name}");
        }
    }
    let session = event["properties"]["$session_id"].clone();
    if event["distinct_id"] == session {
        event["distinct_id"] = json!("the session");
    }
    hide(&mut event, &["uuid", "timestamp"]);
    let names = [
        "$lib_version",
        "$session_id",
        "mcp_usage_event_id",
        "mcp_usage_instance",
    ];
    hide(&mut event["properties"], &names);
    event
}

fn log_more(usage: &UsageLogger) {
    log_all(usage);
    // A server's own tool, whatever its name.
    usage.log_usage(
        ToolCall::new("get_more_tools")
            .arguments(&json!({"capability": "export to PDF", "page": 2}))
            .result(&json!({"tools": []}))
            .error("there are no more")
            .outcome(CallOutcome::ToolError),
    );
    usage.log_usage(Custom::new("$identify").identity(rachel()));
    usage.log_usage(
        ToolCall::new("search")
            .identity(Identity::new("u-1", "ID").with_email("ann@example.com"))
            .conversation_id(HANDLE)
            .client_name("claude-code")
            .client_version("2.1.0")
            .protocol_version("2026-07-28")
            .user_agent("claude-code/2.1.0 (cli)")
            .ip_addr("203.0.113.9")
            .arguments(&json!({"query": "rails"}))
            .result(&json!({"content": [{"type": "text", "text": "fine"}]}))
            .prompt("who uses rails?")
            .intent_source(IntentSource::Parameter)
            .meta("plan", &"pro")
            .meta("nested", &json!({"a": [1]}))
            .meta("labels", &["a", "b"])
            .duration(Duration::from_micros(5_072_524))
            .outcome(CallOutcome::Ok),
    );
}

#[test]
fn the_events_of_all_kinds_and_outcomes_are_the_golden_ones() {
    let events: Vec<_> = events(log_more).into_iter().map(normalised).collect();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("tests/it/golden/posthog-events.json");
    // USAGE_BLESS=1 writes them anew; the difference is then a change of the protocol to review.
    if std::env::var_os("USAGE_BLESS").is_some() {
        std::fs::write(&path, format!("{:#}\n", Value::from(events.clone()))).unwrap();
    }
    let golden: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(events.len(), golden.len());
    for (event, golden) in events.iter().zip(&golden) {
        assert_eq!(event, golden);
    }
}

/// The columns of the check that the vendor's page runs over stored events, `calls` first.
fn vendors_check(events: &[Value]) -> [usize; 6] {
    let calls = events.iter().filter(|event| {
        event["event"] == "$mcp_tool_call"
            && event["properties"]["$mcp_source"] == "posthog_mcp_analytics"
    });
    let calls: Vec<_> = calls.map(|event| &event["properties"]).collect();
    let count =
        |is_wrong: &dyn Fn(&Value) -> bool| calls.iter().filter(|call| is_wrong(call)).count();
    let missing = |name: &str| count(&|call| call[name].as_str().is_none_or(str::is_empty));
    [
        calls.len(),
        missing("$mcp_tool_name"),
        missing("$mcp_server_name"),
        missing("$session_id"),
        count(&|call| !call["$mcp_is_error"].is_boolean()),
        count(&|call| !call["$mcp_duration_ms"].is_number()),
    ]
}

#[test]
fn the_vendors_own_check_finds_each_call_and_nothing_wrong() {
    assert_eq!(vendors_check(&events(log_more)), [17, 0, 0, 0, 0, 0]);
}

#[test]
fn only_a_failure_is_an_error_and_every_outcome_stands_beside() {
    let events = events(|usage| {
        for outcome in [
            CallOutcome::Ok,
            CallOutcome::ToolError,
            CallOutcome::ProtocolError,
            CallOutcome::Cancelled,
            CallOutcome::Timeout,
            CallOutcome::Panicked,
            CallOutcome::Dropped,
            CallOutcome::Unknown,
        ] {
            usage.log_usage(ToolCall::new("t").outcome(outcome));
        }
        for code in [-32_700, -32_600, -32_601, -32_602, -32_002, -32_603, -1] {
            let call = ToolCall::new("t").outcome(CallOutcome::ProtocolError);
            usage.log_usage(call.error_code(code));
        }
    });
    let said = |event: &Value| {
        let properties = &event["properties"];
        assert_eq!(event["event"], "$mcp_tool_call");
        let text = |name: &str| properties[name].as_str().unwrap_or("-").to_owned();
        let outcome = text("mcp_usage_outcome");
        let is_error = properties["$mcp_is_error"].as_bool().unwrap();
        assert_eq!(
            text("$mcp_error_message"),
            if is_error { &*outcome } else { "-" }
        );
        (outcome, is_error, text("$mcp_error_type"))
    };
    let said: Vec<_> = events.iter().map(said).collect();
    let expected = [
        ("ok", false, "-"),
        ("tool_error", true, "internal"),
        ("protocol_error", true, "internal"),
        ("cancelled", false, "-"),
        ("timeout", true, "timeout"),
        ("panicked", true, "internal"),
        ("dropped", false, "-"),
        ("unknown", false, "-"),
    ];
    let of_codes = ["validation"; 5].into_iter().chain(["internal"; 2]);
    let of_codes = of_codes.map(|kind| ("protocol_error", true, kind));
    let expected = expected.into_iter().chain(of_codes);
    let expected: Vec<_> = expected
        .map(|(outcome, is_error, kind)| (outcome.to_owned(), is_error, kind.to_owned()))
        .collect();
    assert_eq!(said, expected);
}

#[test]
fn a_round_says_what_it_asks_for_and_an_empty_list_where_that_is_nothing() {
    const METHODS: &[&str] = &["elicitation/create", "roots/list"];
    let asks = |outcome, methods: &'static [&'static str]| {
        event(|usage| {
            let call = ToolCall::new("t").outcome(outcome);
            usage.log_usage(match methods {
                [] => call,
                _ => call.input_request_methods(&methods),
            });
        })
    };
    let round = asks(CallOutcome::InputRequired, METHODS);
    let properties = &round["properties"];
    assert_eq!(properties["$mcp_input_request_methods"], json!(METHODS));
    assert_eq!(properties.get("mcp_usage_input_request_methods"), None);
    let round = asks(CallOutcome::InputRequired, &[]);
    let asked = &round["properties"]["$mcp_input_request_methods"];
    assert_eq!(*asked, json!([]));
    // The host may say it of a call that has ended; the vendor has no place for it there.
    let call = asks(CallOutcome::Ok, &["roots/list"]);
    let properties = &call["properties"];
    assert_eq!(properties.get("$mcp_input_request_methods"), None);
    assert_eq!(
        properties["mcp_usage_input_request_methods"],
        json!(["roots/list"])
    );
}

#[test]
fn what_the_host_says_of_a_request_stands_once_and_in_its_form() {
    let both = event(|usage| {
        usage.log_usage(
            Custom::new("MCP_PROMPT_GET")
                .identity(rachel())
                .meta("prompt_name", &"review")
                .meta("resource_uri", &json!({"of": "another kind"}))
                .meta("duration_ms", &-1),
        );
    });
    let properties = &both["properties"];
    assert_eq!(properties["$mcp_resource_name"], "review");
    assert_eq!(
        properties["mcp_usage_resource_uri"],
        r#"{"of":"another kind"}"#
    );
    assert_eq!(properties["$mcp_duration_ms"], 0);
    let blank = event(|usage| {
        let id = [" ".repeat(200), "x".to_owned()].concat();
        usage.log_usage(ToolCall::new("t").identity(Identity::new(id, "ID")));
    });
    assert_eq!(blank["properties"]["$process_person_profile"], false);
    let unsaid = event(|usage| {
        let prompt = [" ".repeat(3_000), "x".to_owned()].concat();
        usage.log_usage(ToolCall::new("t").prompt(prompt));
    });
    assert_eq!(unsaid["properties"].get("$mcp_intent"), None);
}

#[test]
fn an_event_has_the_time_of_its_start() {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_772_323_200_001);
    let timed = event(|usage| {
        usage.log_usage(
            ToolCall::new("t")
                .event_at(at)
                .duration(Duration::from_secs(9)),
        );
    });
    assert_eq!(timed["timestamp"], "2026-03-01T00:00:00.001Z");
    let memory = MemoryTransport::new();
    let usage = in_memory(PostHog::new(), &memory).build().unwrap();
    usage.log_usage(ToolCall::new("t").duration(Duration::from_secs(3_600)));
    usage.shutdown_blocking(PATIENCE);
    let body: Value = serde_json::from_slice(&memory.bodies()[0]).unwrap();
    let hour_of = |time: &Value| time.as_str().unwrap()[11..13].parse::<i32>().unwrap();
    let hours = hour_of(&body["sent_at"]) - hour_of(&body["batch"][0]["timestamp"]);
    assert!([1, -23, 2, -22].contains(&hours), "{body}");
}

#[test]
fn a_user_is_a_person_and_nobody_goes_under_the_session() {
    let of = |identity: Option<Identity<'static>>| {
        event(|usage| {
            let call = ToolCall::new("t").session_id("s-1");
            usage.log_usage(match identity {
                Some(identity) => call.identity(identity),
                None => call,
            });
        })
    };
    let rachel = of(Some(rachel()));
    assert_eq!(rachel["distinct_id"], "rachel@reo.dev");
    assert_eq!(
        rachel["properties"]["$set"],
        json!({"email": "rachel@reo.dev"})
    );
    assert_eq!(rachel["properties"].get("$process_person_profile"), None);
    let opaque = of(Some(Identity::new("u-1", "ID")));
    assert_eq!(opaque["distinct_id"], "u-1");
    assert_eq!(opaque["properties"].get("$set"), None);
    for nobody in [
        None,
        Some(Identity::anonymous()),
        Some(Identity::new(" \t", "ID")),
    ] {
        let nobody = of(nobody);
        assert_eq!(nobody["distinct_id"], nobody["properties"]["$session_id"]);
        assert_eq!(nobody["properties"]["$process_person_profile"], false);
        assert_eq!(nobody["properties"].get("$set"), None);
    }
    let long = of(Some(Identity::new("é".repeat(250), "ID")));
    assert_eq!(long["distinct_id"], "é".repeat(200));
}

#[cfg(feature = "pseudonyms")]
#[test]
fn a_pseudonym_has_no_address() {
    let pseudonyms = mcp_usage::pseudonym::Pseudonyms::new(&[7; 32]).unwrap();
    let user = pseudonyms.email("rachel@reo.dev");
    let arrived = arrivals(
        &posthog(),
        |b| b.pseudonyms(pseudonyms),
        |usage| {
            usage.log_usage(ToolCall::new("t").identity(rachel()));
        },
    );
    assert_eq!(arrived[0].json["distinct_id"], user);
    assert!(!arrived[0].json.to_string().contains("reo.dev"));
}

#[test]
fn calls_share_a_session_where_their_client_is_the_same() {
    let session = |ids, log: &dyn Fn(&UsageLogger)| {
        let change = |b: Builder| b.session_ids(ids);
        let arrived = arrivals(&posthog(), change, |usage| log(usage));
        let sessions = arrived.iter();
        let sessions = sessions.map(|event| event.json["properties"]["$session_id"].clone());
        sessions.collect::<Vec<_>>()
    };
    let two = |call: fn() -> ToolCall<'static>| {
        move |usage: &UsageLogger| {
            usage.log_usage(call());
            usage.log_usage(call());
        }
    };
    let all: [fn() -> ToolCall<'static>; 3] = [
        || ToolCall::new("t").session_id("s-1"),
        || ToolCall::new("t").conversation_id(HANDLE),
        || ToolCall::new("t").transport("stdio"),
    ];
    for shared in all {
        let sessions = session(SessionIds::Hashed, &two(shared));
        assert_eq!(sessions[0], sessions[1]);
    }
    let sessions = session(
        SessionIds::Hashed,
        &two(|| ToolCall::new("t").transport("http")),
    );
    assert_ne!(sessions[0], sessions[1]);
    // As PostHog's own SDKs derive it.
    let derived = "ses_6df45f0102a182bcd5e8dd5dad6c65a0";
    let raw = session(
        SessionIds::Raw,
        &two(|| ToolCall::new("t").session_id(HANDLE)),
    );
    assert_eq!(raw[0], derived);
    let hashed = session(
        SessionIds::Hashed,
        &two(|| ToolCall::new("t").session_id(HANDLE)),
    );
    assert_ne!(hashed[0], derived);
}

#[test]
fn an_event_has_the_same_uuid_however_often_it_is_sent() {
    let ingest = ingest();
    ingest.script([Answer::status(503), Answer::reset_after_body()]);
    let usage = builder_for(&ingest, &posthog())
        .max_backoff(Duration::from_millis(2))
        .build()
        .unwrap();
    usage.log_usage(call(1));
    end(&usage, &ingest);
    let sent = ingest.events();
    assert_eq!(sent.len(), 3);
    for event in &sent {
        for member in ["uuid", "event", "distinct_id", "timestamp"] {
            assert_eq!(event.json[member], sent[0].json[member], "{member}");
        }
    }
    let uuid = |id: Option<i64>| {
        event(|usage| {
            usage.log_usage(match id {
                Some(id) => ToolCall::new("t").event_id(id),
                None => ToolCall::new("t"),
            });
        })["uuid"]
            .clone()
    };
    assert_eq!(uuid(Some(7)), uuid(Some(7)), "of two loggers");
    assert_ne!(uuid(Some(7)), uuid(Some(8)));
    assert_ne!(uuid(None), uuid(None));
}

#[test]
fn a_server_has_the_name_that_it_is_given_else_its_products() {
    let of = |posthog: PostHog, product: Option<&str>| {
        let memory = MemoryTransport::new();
        let mut builder = UsageLogger::builder()
            .env(|_| None)
            .wire(Wire::PostHog(posthog))
            .memory_transport(&memory);
        if let Some(product) = product {
            builder = builder.product_id(product);
        }
        let usage = builder.build().unwrap();
        let outcome = usage.log_usage(ToolCall::new("t"));
        usage.shutdown_blocking(PATIENCE);
        let events = batches(&memory);
        let properties = events.first().map(|event| event["properties"].clone());
        (outcome, properties.unwrap_or_default())
    };
    let named = || PostHog::new().server_name("shop").server_version("1.2.3");
    let (_, said) = of(named(), Some("product"));
    assert_eq!(said["$mcp_server_name"], "shop");
    assert_eq!(said["$mcp_server_version"], "1.2.3");
    assert_eq!(said["mcp_usage_product_id"], "product");
    let (_, said) = of(named(), None);
    assert_eq!(said["mcp_usage_product_id"], "shop");
    let (_, said) = of(PostHog::new(), Some("product"));
    assert_eq!(said["$mcp_server_name"], "product");
    assert_eq!(said.get("$mcp_server_version"), None);
    let (outcome, _) = of(PostHog::new(), None);
    assert_eq!(outcome, Outcome::Dropped(DropReason::MissingField));
    let nameless = in_memory(PostHog::new().server_name(""), &MemoryTransport::new()).build();
    let error = nameless.unwrap_err().to_string();
    assert_eq!(error, "wire has an empty name of the server");
}

#[test]
fn an_event_has_at_most_what_the_receiver_takes() {
    let limits = mcp_usage::limits::Limits::default()
        .max_meta_bytes(200_000)
        .max_string_chars(65_536);
    let text = "x".repeat(60_000);
    let both = json!({"text": &text[..30_000], "more": &text[..30_000]});
    let arrived = arrivals(
        &posthog(),
        |b| b.limits(limits),
        |usage| {
            usage.log_usage(ToolCall::new("t").arguments(&both).result(&both));
            let fits = json!({"text": &text[..40_000]});
            usage.log_usage(ToolCall::new("t").arguments(&fits).result(&fits));
            // What is the caller's own is not cut.
            let outcome = usage.log_usage(ToolCall::new("t").meta("a", &text).meta("b", &text));
            assert_eq!(outcome, Outcome::Dropped(DropReason::TooLarge));
        },
    );
    let [large, fits] = &arrived[..] else {
        panic!("{}", arrived.len());
    };
    let keys = &large.json["properties"]["mcp_usage_tool_argument_keys"];
    assert_eq!(keys, &json!(["text", "more"]));
    assert_eq!(large.json["properties"]["$mcp_response"], "[truncated]");
    let cut = &fits.json["properties"]["$mcp_response"]["text"];
    assert_eq!(cut.as_str().unwrap().len(), 32_768);
    assert_eq!(fits.arguments().unwrap()["text"], *cut);
}

#[test]
fn what_a_hook_makes_too_large_goes_without_its_values() {
    let hooked = |name: &'static str, bytes: usize| {
        let value = "y".repeat(bytes);
        let arrived = arrivals(
            &posthog(),
            |b| {
                b.before_send(move |mut event| {
                    let parts = [(); 4].map(|()| json!(&value[..value.len() / 4]));
                    event["meta"][name] = match name {
                        "result" | "tool_arguments" => json!({"parts": parts}),
                        _ => json!(parts),
                    };
                    Some(event)
                })
            },
            |usage| {
                let arguments = json!({"query": "rails"});
                let result = json!({"rows": 3});
                usage.log_usage(ToolCall::new("t").arguments(&arguments).result(&result));
            },
        );
        assert_eq!(arrived.len(), 1);
        let properties = arrived[0].json["properties"].clone();
        assert_eq!(properties["$mcp_tool_name"], "t");
        ["$mcp_response", "$mcp_parameters", "mcp_usage_meta_own"]
            .map(|name| properties.get(name).is_some())
    };
    assert_eq!(hooked("result", 120_000), [false, true, false]);
    assert_eq!(hooked("tool_arguments", 120_000), [false, false, false]);
    assert_eq!(hooked("own", 120_000), [false, false, false]);
    assert_eq!(hooked("own", 40_000), [true, true, true]);
}

// ---- against other wires ----

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is sent here is what the Reo wire sends of the same event, within the limits of this format.
    #[test]
    fn every_value_is_read_back_as_it_is_sent_elsewhere(
        texts in proptest::collection::vec("\\PC{0,3000}|[\\x00-\\x7f]{0,20}", 6),
        numbers in (any::<i64>(), any::<bool>()),
        millis in 0_u64..10_000_000,
    ) {
        let (integer, flag) = numbers;
        let arguments = json!({"text": &texts[0], "list": [integer, flag, null]});
        let sent = |wire: Wire| {
            let memory = MemoryTransport::new();
            let builder = UsageLogger::builder().env(|_| None).wire(wire);
            let usage = builder.memory_transport(&memory).product_id("p").build().unwrap();
            usage.log_usage(
                ToolCall::new(&*texts[1])
                    .identity(Identity::new(format!("u{}", texts[2]), "T"))
                    .prompt(&*texts[3])
                    .error(&*texts[4])
                    .outcome(CallOutcome::ToolError)
                    .meta("own", &texts[5])
                    .meta("integer", &integer)
                    .meta("flag", &flag)
                    .meta("texts", &texts)
                    .arguments(&arguments)
                    .duration(Duration::from_millis(millis)),
            );
            usage.shutdown_blocking(PATIENCE);
            memory
        };
        let reo = sent(Wire::ReoBatch).bodies();
        let events = batches(&sent(Wire::PostHog(PostHog::new())));
        prop_assert_eq!(reo.len(), events.len());
        let [_, missing @ ..] = vendors_check(&events);
        prop_assert_eq!(missing, [0; 5]);
        for (reo, event) in reo.iter().zip(&events) {
            let reo: Value = serde_json::from_slice(reo).unwrap();
            let (whole, meta) = (&reo["payload"][0], &reo["payload"][0]["meta"]);
            let first = |text: &Value, chars| text.as_str().map(|text| text.chars().take(chars).collect::<String>());
            let properties = &event["properties"];
            let text = |name: &str| properties[name].as_str().map(str::to_owned);
            prop_assert_eq!(event["distinct_id"].as_str().map(str::to_owned), first(&whole["user_id"], 200));
            prop_assert_eq!(text("$mcp_tool_name"), first(&meta["tool"], 256));
            let intent = first(&meta["prompt"], 2_048).filter(|_| !["", "{}"].contains(&meta["prompt"].as_str().unwrap().trim()));
            prop_assert_eq!(text("$mcp_intent"), intent);
            let error = first(&meta["error"], 2_048).filter(|error| !error.is_empty());
            prop_assert_eq!(text("$mcp_error_message"), error.or(Some("tool_error".to_owned())));
            for name in ["own", "integer", "flag", "texts"] {
                prop_assert_eq!(&properties[&*format!("mcp_usage_meta_{name}")], &meta[name], "{}", name);
            }
            let sent = &properties["$mcp_parameters"]["request"]["params"]["arguments"];
            prop_assert_eq!(sent, &meta["tool_arguments"]);
            prop_assert_eq!(properties["$mcp_duration_ms"].as_f64(), meta["duration_ms"].as_f64());
        }
    }
}

// ---- the key ----

/// An obviously fake project token, with what JSON escapes.
const TOKEN: &str = "phc_fake-\"project\"-token";

fn env(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'static {
    let owned = variables.iter();
    let owned = owned.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let variables: HashMap<String, String> = owned.collect();
    move |name| variables.get(name).cloned()
}

/// How a key may be spelled: as it is, and within JSON.
#[track_caller]
fn assert_without_key(what: &str, text: &str) {
    for spelled in [TOKEN, "fake-\\\"project", "fake-\\\\\\\"project"] {
        assert!(!text.contains(spelled), "{what}: {text}");
    }
}

#[test]
fn the_key_is_in_the_body_that_is_sent_and_nowhere_else() {
    let dir = std::env::temp_dir().join(format!("posthog-key-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let ingest = MockIngest::builder().api_key(TOKEN).start().unwrap();
    ingest.script([Answer::status(401).body(format!("no project has {TOKEN}"))]);
    let builder = UsageLogger::builder()
        .env(|_| None)
        .wire(posthog())
        .api_key(TOKEN)
        .endpoint(ingest.posthog_url())
        .product_id("p");
    let mut shown = format!("{builder:?}");
    let (builder, failures) = errors(builder);
    let usage = builder.build().unwrap();
    usage.log_usage(call(1));
    let failure = failures.recv_timeout(PATIENCE).unwrap();
    shown += &format!("{failure} {failure:?} {usage:?}");
    usage.log_usage(call(2));
    let report = usage.check_delivery_blocking();
    assert!(report.delivered, "{report}");
    shown += &format!("{report} {report:?}");
    // The ingest has looked at the key, and says no more of it.
    let stats = end(&usage, &ingest);
    assert_eq!(stats.dropped.get(DropReason::Unauthorized), 1);
    assert_eq!(ingest.requests().len(), 3);
    shown += &format!("{:?} {:?}", ingest.requests(), ingest.events());
    for request in ingest.requests() {
        assert_eq!(request.json().unwrap()["api_key"], "[key]");
        shown += &String::from_utf8_lossy(&request.body);
    }
    assert_without_key("shown", &shown);

    let path = dir.join("dry-run.jsonl");
    let dry = UsageLogger::builder()
        .env(|_| None)
        .wire(posthog())
        .api_key(TOKEN)
        .product_id("p")
        .dry_run(&path)
        .build()
        .unwrap();
    dry.log_usage(call(1));
    dry.shutdown_blocking(PATIENCE);
    let line = std::fs::read_to_string(&path).unwrap();
    let body = check(line.trim().as_bytes(), ReceivedWire::PostHog).unwrap();
    assert_eq!(body.get("api_key"), None);
    assert_without_key("dry run", &line);
    std::fs::remove_dir_all(dir).unwrap();
}

#[cfg(feature = "spool")]
#[test]
fn the_key_is_in_no_file_of_a_spool() {
    let dir = std::env::temp_dir().join(format!("posthog-spool-{}", std::process::id()));
    let down = MockIngest::start().unwrap();
    down.answer_always(Answer::status(503));
    let builder = |ingest: &MockIngest| {
        builder_for(ingest, &posthog())
            .api_key(TOKEN)
            .spool(mcp_usage::spool::Spool::dir(&dir))
    };
    let usage = builder(&down).build().unwrap();
    usage.log_usage(ToolCall::new("kept on disk"));
    usage.flush_to_disk_blocking(PATIENCE).unwrap();
    usage.shutdown_blocking(Duration::from_millis(50));
    drop(usage);
    let files = files(&dir).into_iter();
    let bytes: Vec<u8> = files
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("kept on disk"), "{text}");
    assert_without_key("spool", &text);
    // It is sent with the key of whoever sends it.
    let ingest = MockIngest::builder().api_key(TOKEN).start().unwrap();
    let usage = builder(&ingest).build().unwrap();
    ingest.wait_for_delivered(1, PATIENCE).unwrap();
    end(&usage, &ingest);
    assert_eq!(ingest.delivered()[0].tool(), Some("kept on disk"));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn another_key_is_in_force_from_the_next_request_on() {
    let ingest = MockIngest::builder().api_key("phc_second").start().unwrap();
    let usage = builder_for(&ingest, &posthog()).build().unwrap();
    let confirm = || {
        usage
            .log_usage_confirmed_blocking(call(1), PATIENCE)
            .is_ok()
    };
    assert!(!confirm());
    usage.set_api_key("phc_second").unwrap();
    assert!(confirm());
    end(&usage, &ingest);
}

#[test]
fn the_variables_are_read_on_this_wire_alone() {
    let ingest = MockIngest::builder().api_key("phc_env").start().unwrap();
    let variables = [
        ("POSTHOG_API_KEY", "phc_env"),
        ("POSTHOG_HOST", &*ingest.posthog_url()),
        ("REO_API_KEY", "reo-key"),
        ("REO_CENSUS_MCP_ENDPOINT", "https://reo.example"),
        ("MCPEYE_INGEST_SECRET", "mcpeye-key"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.example"),
    ];
    let of = |wire: Wire| {
        let builder = UsageLogger::builder().env(env(&variables));
        builder.wire(wire).product_id("p")
    };
    let usage = of(posthog()).build().unwrap();
    usage.log_usage(call(1));
    end(&usage, &ingest);
    let request = &ingest.requests()[0];
    assert_eq!(request.path, "/batch/");
    for header in ["x-api-key", "x-mcpeye-secret", "authorization"] {
        assert_eq!(request.header(header), None);
    }
    let only = |variables: &[(&str, &str)], wire: Wire| {
        let builder = UsageLogger::builder().env(env(variables)).wire(wire);
        let built = builder.product_id("p").build();
        built.err().map(|error| error.to_string())
    };
    let missing = only(&variables[1..], posthog()).unwrap();
    assert!(missing.contains("POSTHOG_API_KEY"), "{missing}");
    let missing = only(&variables[..2], Wire::Reo).unwrap();
    assert!(missing.contains("REO_API_KEY"), "{missing}");
    let missing = only(&variables[..2], mcpeye()).unwrap();
    assert!(missing.contains("MCPEYE_INGEST_URL"), "{missing}");
    // Without a host it is the vendor's.
    let report = of(posthog()).env(env(&variables[..1])).check_blocking();
    let endpoint = report
        .settings
        .into_iter()
        .find(|row| row.name == "endpoint");
    let endpoint = endpoint.unwrap();
    assert!(endpoint.value.contains("us.i.posthog.com"), "{endpoint:?}");
    let clear = only(
        &[
            ("POSTHOG_API_KEY", "k"),
            ("POSTHOG_HOST", "http://posthog.internal"),
        ],
        posthog(),
    );
    assert!(clear.unwrap().contains("the key in the clear"));
}

#[cfg(feature = "gzip")]
#[test]
fn a_compressed_body_is_said_to_be_one_in_the_header_and_in_the_query() {
    let ingest = ingest();
    let usage = builder_for(&ingest, &posthog())
        .gzip(true)
        .flush_interval(Duration::from_secs(600))
        .build()
        .unwrap();
    for n in 0..50 {
        usage.log_usage(call(n));
    }
    end(&usage, &ingest);
    let request = &ingest.requests()[0];
    assert_eq!(request.path, "/batch/?compression=gzip");
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    assert_eq!(request.json().unwrap()["api_key"], "[key]");
    assert_eq!(ingest.delivered().len(), 50);
}

// ---- the other side ----

#[test]
fn a_request_without_its_key_or_on_another_path_is_refused() {
    let ingest = MockIngest::start().unwrap();
    let send = |path: &str, body: &str| {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(ingest.address()).unwrap();
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream
            .write_all(&[head.as_bytes(), body.as_bytes()].concat())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer[9..12].to_owned()
    };
    let memory = MemoryTransport::new();
    let usage = in_memory(PostHog::new(), &memory).build().unwrap();
    usage.log_usage(call(1));
    usage.shutdown_blocking(PATIENCE);
    let body = String::from_utf8(memory.bodies().remove(0)).unwrap();
    let keyed = body.replacen('{', "{\"api_key\":\"phc_fake\",", 1);
    assert_eq!(send("/batch/", &body), "401");
    assert_eq!(send("/batch/", &keyed), "200");
    assert_eq!(send("/batch/?compression=gzip", &keyed), "400");
    assert_eq!(send("/capture/", &keyed), "400");
    let kept = format!("{:?}", ingest.requests());
    assert!(kept.contains("[key]"));
}

#[test]
fn an_answer_that_names_a_quota_counts_as_delivered() {
    let ingest = ingest();
    ingest.script([Answer::ok().body(r#"{"status":1,"quota_limited":["events"]}"#)]);
    let usage = builder_for(&ingest, &posthog()).build().unwrap();
    assert_eq!(
        usage.log_usage_confirmed_blocking(call(1), PATIENCE),
        Ok(())
    );
    assert_eq!(end(&usage, &ingest).delivered, 1);
}

#[test]
fn the_doctor_finds_a_wrong_key_and_a_right_one() {
    for (answer, delivered, words) in [
        (Answer::ok(), true, "200"),
        (Answer::status(401), false, "the key is not accepted"),
        (Answer::status(404), false, "the endpoint's path"),
    ] {
        let ingest = ingest();
        ingest.script([answer]);
        let usage = builder_for(&ingest, &posthog()).build().unwrap();
        let report = usage.check_delivery_blocking();
        assert_eq!(report.delivered, delivered, "{report}");
        assert!(report.to_string().contains(words), "{report}");
        let seen: Vec<ReceivedEvent> = ingest.events();
        assert_eq!(seen.len(), 1);
        assert_eq!(ingest.violations(), Vec::<String>::new());
    }
    let ingest = MockIngest::start().unwrap();
    let report = builder_for(&ingest, &posthog()).check_blocking();
    assert!(report.is_healthy(), "{report}");
    assert!(!format!("{report} {report:?}").contains(KEY));
}

#[test]
fn every_event_is_within_its_bytes() {
    assert_eq!(MAX_POSTHOG_EVENT_BYTES, 100 * 1024);
    for event in events(log_more) {
        assert!(event.to_string().len() <= MAX_POSTHOG_EVENT_BYTES);
    }
}

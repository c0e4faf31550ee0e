//! The corpora within events: what is sent of a text at each place it can stand in, beside what the redactor makes of
//! it alone.
//!
//! An event goes another way (`redact/seal.rs`): one walk over all that the caller gave, with what was found before
//! remembered. `tests/it/redaction.rs` has single keys in every field of every wire, before and behind `before_send`;
//! here are many texts, and the places take turns.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use mcp_usage::limits::Limits;
use mcp_usage::redact::{Class, Redactor, RedactorBuilder};
use mcp_usage::testing::MemoryTransport;
use mcp_usage::{
    AuthRejected, AuthRejection, Builder, CallOutcome, Caller, Custom, Identity, Init, Outcome,
    Session, SessionIds, ToolCall, UsageLogger, Wire, redact_str, redact_value,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::random::Random;
use crate::{containers, context, harmless, measure, secrets};

/// Places of a string or any other value. Names of tools that there are and the identity stay as the host gave them, and
/// what has a form of its own is checked for it (`traceparent`).
const PLACES: &[&str] = &[
    "argument",
    "arguments",
    "raw arguments",
    "nested",
    "JSON text",
    "key",
    "result",
    "raw result",
    "error",
    "prompt",
    "meta",
    "meta key",
    "kind",
    "names",
    "unknown tool",
    "kind of identity",
    "session",
    "custom event",
    "refused login",
    "login",
    "start",
    "open call",
    "refused call",
];
/// Those where more than a name is cut.
const SHORT: &[&str] = &[
    "key",
    "meta key",
    "kind",
    "names",
    "unknown tool",
    "kind of identity",
    "session",
    "custom event",
    "refused login",
    "refused call",
];
/// Texts for which the two ways may differ: how they begin, how many times they may, and why.
const EXCEPTIONS: &[(&str, usize, &str)] = &[(
    "data:image/png;base64,",
    40,
    "capture puts the kind and size of an image in its place, before the redactor",
)];
/// Longer texts are cut there.
const LONGEST_NAME: usize = 200;
/// The fields of an event that hold a name, those of `meta` last.
const NAMES: [&str; 15] = [
    "user_agent",
    "ip_addr",
    "source",
    "environment",
    "product_id",
    "conversation_id",
    "client_name",
    "client_version",
    "protocol_version",
    "transport",
    "request_id",
    "vendor_client",
    "oauth_client_id",
    "server_name",
    "server_version",
];
/// Of a key that a limit cuts, as many characters are left at most.
const LEFT_BY_A_LIMIT: usize = 1;
/// The same of keys that were cut before they came here: the sum over the kinds of key.
const LEFT_BEFORE: usize = 1_562;
/// Texts that are printed, per place.
const SHOWN: usize = 4;
/// As many events are sent before they are looked at.
const AT_ONCE: usize = 400;

/// Texts and values of the corpora: those which stand for a rule all, of the others a part, so that it takes seconds.
fn inputs() -> Vec<(&'static str, Value)> {
    let mut random = Random::new(20_261_128);
    let mut all = Vec::new();
    for secret in secrets::all(&mut random, 1) {
        for case in containers::around(&secret.text, &mut random) {
            all.push(("secrets", case.input));
        }
    }
    for (name, value) in secrets::named(&mut random) {
        for case in containers::assigned(&name, &value, &mut random) {
            all.push(("assigned", case.input));
        }
    }
    // Each key and each name has all the containers; a part of them is enough here.
    let mut turn = 0;
    all.retain(|_| {
        turn += 1;
        turn % 6 == 0
    });
    for case in context::all() {
        all.push(("particular files", case.input));
    }
    for cases in [
        harmless::lines(false),
        harmless::pages(),
        harmless::about(),
        harmless::made_up(&mut random),
    ] {
        let half = cases.into_iter().step_by(2);
        all.extend(half.map(|case| ("harmless", case.input)));
    }
    let written = [
        measure::more_calls(),
        measure::fresh_calls(),
        measure::sentences(),
        measure::written_forms(),
    ];
    let written = written.into_iter().flatten().step_by(3);
    all.extend(written.map(|case| ("the measure", case.input)));
    for held_out in [false, true] {
        for cases in [measure::keys(held_out), measure::lines(held_out)] {
            let half = cases.into_iter().step_by(2);
            all.extend(half.map(|case| ("the measure", case.input)));
        }
    }
    all
}

fn text_of(input: &Value) -> String {
    match input {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What the caller gives as arguments at a place.
pub(crate) fn arguments(place: &str, input: &Value) -> Value {
    match place {
        "nested" => json!({"a": {"b": [1, {"c": input}]}, "z": 2}),
        "JSON text" => json!({"body": json!({"x": input, "y": 1}).to_string()}),
        "key" => json!({text_of(input): "as a key"}),
        "arguments" | "raw arguments" if input.is_object() => input.clone(),
        _ => json!({"note": input, "count": 7}),
    }
}

fn log(usage: &UsageLogger, place: &str, input: &Value) {
    let text = text_of(input);
    let given = arguments(place, input);
    let call = ToolCall::new("search");
    let outcome = match place {
        "raw arguments" => {
            let raw: Box<RawValue> = serde_json::value::to_raw_value(&given).expect("JSON");
            usage.log_usage(call.arguments(&raw))
        }
        "raw result" => {
            let raw: Box<RawValue> = serde_json::value::to_raw_value(input).expect("JSON");
            usage.log_usage(call.result(&raw))
        }
        "result" => usage.log_usage(call.result(input)),
        "error" => usage.log_usage(call.error(&text)),
        "prompt" => usage.log_usage(call.prompt(&text)),
        "meta" => usage.log_usage(call.meta("note", input)),
        "meta key" => usage.log_usage(call.meta(&text, &1)),
        "unknown tool" => usage.log_usage(ToolCall::new(&text).unknown_tool(true)),
        "kind" => usage.log_usage(Custom::new(&text).identity(somebody())),
        "kind of identity" => usage.log_usage(call.identity(Identity::new("u_7", &text))),
        "names" => usage.log_usage(
            call.user_agent(&text)
                .ip_addr(&text)
                .source(&text)
                .environment(&text)
                .product_id(&text)
                .conversation_id(&text)
                .client_name(&text)
                .client_version(&text)
                .protocol_version(&text)
                .transport(&text)
                .request_id(&text)
                .vendor_client(&text)
                .oauth_client_id(&text)
                .server_name(&text)
                .server_version(&text),
        ),
        "arguments" | "nested" | "JSON text" | "key" | "argument" => {
            usage.log_usage(call.arguments(&given))
        }
        _ => log_otherwise(usage, place, input, &text),
    };
    assert_eq!(outcome, Outcome::Queued, "{place}: {input}");
}

fn somebody() -> Identity<'static> {
    Identity::new("u_7", "INTERNAL")
}

/// What is known of a session, all of it the text.
fn session_of(text: &str) -> Session<'_> {
    Session::new()
        .session_id(text)
        .conversation_id(text)
        .client_name(text)
        .client_version(text)
        .protocol_version(text)
        .transport(text)
        .request_id(text)
        .vendor_client(text)
        .oauth_client_id(text)
        .server_name(text)
        .server_version(text)
}

/// Logs an event that is no finished call, or says things by way of others.
fn log_otherwise(usage: &UsageLogger, place: &str, input: &Value, text: &str) -> Outcome {
    let tool = "search";
    match place {
        "session" => usage.log_usage(ToolCall::new(tool).session(session_of(text))),
        "custom event" => usage.log_usage(
            Custom::new("EXPORT")
                .identity(somebody())
                .meta("note", input)
                .source(text)
                .ip_addr(text),
        ),
        "refused login" => usage.log_usage(
            AuthRejected::new(AuthRejection::Expired)
                .meta("note", input)
                .session(session_of(text))
                .user_agent(text)
                .ip_addr(text),
        ),
        "login" => {
            // Each is another one.
            let caller = Caller::new(somebody()).credential(format!("{input:p}"));
            let caller = caller.meta("note", input.clone());
            let outcome = usage.log_login(&caller, &Session::new());
            outcome.expect("a login that is not known")
        }
        "start" => usage.log_usage(Init::new([tool]).identity(somebody()).meta("note", input)),
        "refused call" => {
            let names = [text];
            let call = ToolCall::new(tool).refused_arguments(&names);
            usage.log_usage(call.input_request_methods(&names))
        }
        "open call" => {
            let mut call = usage.start_tool_call(ToolCall::new(tool));
            call.set_arguments(&json!({"note": input}));
            call.set_prompt(text);
            call.set_error(text);
            call.set_result(input);
            call.set_meta("note", input);
            call.finish(CallOutcome::ToolError)
        }
        _ => unreachable!("{place} is no place"),
    }
}

/// What was sent at a place, and what the redactor makes of it outside of an event.
fn sent_and_alone(place: &str, input: &Value, event: &Value) -> (Value, Value) {
    let meta = &event["meta"];
    let text = || Value::from(redact_str(&text_of(input)));
    match place {
        "result" | "raw result" => (meta["result"].clone(), redact_value(input)),
        "error" | "prompt" => (meta[place].clone(), text()),
        "meta" => (
            meta["note"].clone(),
            redact_value(&json!({"note": input}))["note"].clone(),
        ),
        "meta key" => {
            let names = meta.as_object().into_iter().flatten();
            let own: Map<String, Value> = names
                .filter(|(_, value)| **value == json!(1))
                .filter(|(name, _)| *name != "sequence")
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            (
                Value::Object(own),
                redact_value(&json!({text_of(input): 1})),
            )
        }
        "kind" => (event["activity_type"].clone(), text()),
        "unknown tool" => {
            let alone = SECRETS_ALONE.redact_str(&text_of(input)).into_owned();
            (meta["tool"].clone(), alone.into())
        }
        "kind of identity" => (event["user_id_type"].clone(), text()),
        "names" => {
            let sent = NAMES
                .iter()
                .map(|name| {
                    let at = if event.get(*name).is_some() {
                        event
                    } else {
                        meta
                    };
                    at[*name].clone()
                })
                .collect();
            (Value::Array(sent), Value::Array(vec![text(); NAMES.len()]))
        }
        "argument" | "arguments" | "raw arguments" | "nested" | "JSON text" | "key" => (
            meta["tool_arguments"].clone(),
            redact_value(&arguments(place, input)),
        ),
        _ => sent_otherwise_and_alone(place, input, event),
    }
}

/// The same of an event that is no finished call, or says things by way of others.
fn sent_otherwise_and_alone(place: &str, input: &Value, event: &Value) -> (Value, Value) {
    let meta = &event["meta"];
    let text = || Value::from(redact_str(&text_of(input)));
    let note = || redact_value(&json!({"note": input}))["note"].clone();
    match place {
        "login" | "start" => (meta["note"].clone(), note()),
        "session" => of_session(meta, &text()),
        "refused call" => (
            json!([meta["refused_arguments"], meta["input_request_methods"]]),
            json!([[text()], [text()]]),
        ),
        "custom event" => (
            json!([meta["note"], event["source"], event["ip_addr"]]),
            json!([note(), text(), text()]),
        ),
        "refused login" => {
            let (session, alone) = of_session(meta, &text());
            (
                json!([meta["note"], event["user_agent"], event["ip_addr"], session]),
                json!([note(), text(), text(), alone]),
            )
        }
        "open call" => {
            let parts = ["tool_arguments", "prompt", "error", "result", "note"];
            let given = redact_value(&json!({"note": input}));
            (
                parts.iter().map(|part| meta[part].clone()).collect(),
                json!([given, text(), text(), redact_value(input), note()]),
            )
        }
        _ => unreachable!("{place} is no place"),
    }
}

/// What was sent of a session, and what that would be outside of an event.
fn of_session(meta: &Value, text: &Value) -> (Value, Value) {
    let facts = NAMES.iter().skip_while(|name| **name != "conversation_id");
    let sent: Vec<_> = facts
        .chain([&"session_id"])
        .map(|name| meta[name].clone())
        .collect();
    let alone = vec![text.clone(); sent.len()];
    (sent.into(), alone.into())
}

/// What the name of a tool loses that there is not: a number in it need not be a person's.
static SECRETS_ALONE: LazyLock<Redactor> = LazyLock::new(|| {
    let personal = [
        Class::Email,
        Class::Card,
        Class::Phone,
        Class::Iban,
        Class::Ssn,
        Class::Nino,
    ];
    let builder = personal
        .into_iter()
        .fold(Redactor::builder(), RedactorBuilder::disable);
    builder.build().expect("a redactor")
});

/// Limits that cut nothing here.
pub(crate) fn wide() -> Limits {
    Limits::default()
        .max_prompt_chars(65_536)
        .max_query_chars(65_536)
        .max_string_chars(65_536)
        .max_error_chars(65_536)
        .max_list_items(10_000)
        .max_top_keys(10_000)
        .max_nested_keys(10_000)
        .max_depth(64)
        .max_meta_bytes(200_000)
}

/// Sends what `log` logs, and returns the events in the order of their logging.
pub(crate) fn sent(limits: Limits, log: impl FnOnce(&UsageLogger)) -> Vec<Value> {
    sent_by(UsageLogger::builder().product_id("demo"), limits, log)
}

fn sent_by(builder: Builder, limits: Limits, log: impl FnOnce(&UsageLogger)) -> Vec<Value> {
    let transport = MemoryTransport::new();
    let usage = builder
        .env(|_| None)
        .wire(Wire::ReoBatch)
        .memory_transport(&transport)
        .session_ids(SessionIds::Raw)
        .limits(limits)
        .build()
        .expect("a logger");
    log(&usage);
    usage
        .flush_blocking(Duration::from_secs(60))
        .expect("all events are sent");
    let mut events = transport.events();
    events.sort_by_key(|event| event["meta"]["sequence"].as_u64());
    events
}

/// A text stands at one of the places, those which stand for a rule at all of them.
fn turns() -> Vec<(&'static str, &'static str, Value)> {
    let mut turns = Vec::new();
    for (index, (corpus, input)) in inputs().into_iter().enumerate() {
        let places = if corpus == "particular files" {
            PLACES
        } else {
            let at = index % PLACES.len();
            &PLACES[at..=at]
        };
        for place in places {
            let short = SHORT.contains(place);
            if !short || (input.is_string() && text_of(&input).chars().count() <= LONGEST_NAME) {
                turns.push((corpus, *place, input.clone()));
            }
        }
    }
    turns
}

#[test]
fn a_text_is_redacted_within_an_event_as_it_is_alone() {
    let turns = turns();
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut excepted = vec![0; EXCEPTIONS.len()];
    let mut report = String::new();
    for turns in turns.chunks(AT_ONCE) {
        let events = sent(wide(), |usage| {
            for (_, place, input) in turns {
                log(usage, place, input);
            }
        });
        assert_eq!(events.len(), turns.len());
        for ((corpus, place, input), event) in turns.iter().zip(&events) {
            let (sent, alone) = sent_and_alone(place, input, event);
            let count = counts.entry(place).or_default();
            count.0 += 1;
            if sent == alone {
                continue;
            }
            let text = text_of(input);
            let exception = EXCEPTIONS
                .iter()
                .position(|(begins, ..)| text.starts_with(begins));
            match exception {
                Some(index) => excepted[index] += 1,
                None => {
                    count.1 += 1;
                    if count.1 > SHOWN {
                        continue;
                    }
                    report += &format!(
                        "{corpus} as {place}\n   {input}\n   sent  {sent}\n   alone {alone}\n"
                    );
                }
            }
        }
    }
    println!("{:<16}{:>8}{:>8}", "place", "texts", "differ");
    for (place, (of, differ)) in &counts {
        println!("{place:<16}{of:>8}{differ:>8}");
    }
    for ((begins, most, why), found) in EXCEPTIONS.iter().zip(&excepted) {
        println!("{begins:<24}{found:>6} of at most {most}: {why}");
        assert!(found <= most, "{begins}: {found} times");
    }
    assert!(counts.len() == PLACES.len() && counts.values().all(|(of, _)| *of >= 300));
    assert!(report.is_empty(), "{report}");
}

#[test]
fn a_whole_call_is_redacted_within_an_event_as_its_parts_are() {
    let calls = [measure::calls(false), measure::calls(true)].concat();
    let parts = ["arguments", "result", "error", "intent"];
    let given = |case: &measure::Case| parts.map(|part| case.input.get(part).cloned());
    let events = sent(wide(), |usage| {
        for case in &calls {
            let [arguments, result, error, intent] = given(case);
            let mut call = ToolCall::new("search").arguments(&arguments);
            call = match &result {
                Some(result) => call.result(result),
                None => call,
            };
            call = match error.as_ref().and_then(Value::as_str) {
                Some(error) => call.error(error),
                None => call,
            };
            call = match intent.as_ref().and_then(Value::as_str) {
                Some(intent) => call.prompt(intent),
                None => call,
            };
            assert_eq!(usage.log_usage(call), Outcome::Queued);
        }
    });
    assert_eq!(events.len(), calls.len());
    let mut report = String::new();
    for (case, event) in calls.iter().zip(&events) {
        for (part, given) in parts.iter().zip(given(case)) {
            let name = match *part {
                "arguments" => "tool_arguments",
                "intent" => "prompt",
                other => other,
            };
            let (sent, alone) = (
                event["meta"].get(name).cloned().unwrap_or_default(),
                given.as_ref().map(redact_value).unwrap_or_default(),
            );
            if sent != alone {
                report += &format!(
                    "{part} of {}\n   {given:?}\n   sent  {sent}\n   alone {alone}\n",
                    case.kind
                );
            }
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn what_a_logger_says_in_each_event_is_redacted_as_it_is_alone() {
    let is_short = |text: &String| text.chars().count() <= LONGEST_NAME;
    let texts = context::all()
        .into_iter()
        .filter_map(|case| Some(case.input.as_str()?.to_owned()));
    let texts: Vec<_> = texts.filter(is_short).step_by(4).collect();
    assert!(texts.len() >= 40, "{}", texts.len());
    for text in texts {
        let builder = UsageLogger::builder()
            .source(&*text)
            .environment(&*text)
            .product_id(&*text)
            .user_agent(&*text)
            .ip_addr(&*text)
            .session(session_of(&text))
            .meta("note", &*text);
        let events = sent_by(builder, wide(), |usage| {
            assert_eq!(usage.log_usage(ToolCall::new("search")), Outcome::Queued);
        });
        let [event] = &events[..] else {
            panic!("{} events", events.len());
        };
        let alone = Value::from(redact_str(&text));
        let (session, session_alone) = of_session(&event["meta"], &alone);
        assert_eq!(session, session_alone, "{text}");
        for name in [
            "source",
            "environment",
            "product_id",
            "user_agent",
            "ip_addr",
        ] {
            assert_eq!(event[name], alone, "{name}: {text}");
        }
        assert_eq!(event["meta"]["note"], alone, "{text}");
    }
}

/// How much of a key's beginning stands at the end of a text.
fn left_at_the_end(key: &str, text: &str) -> usize {
    (0..=key.len())
        .rev()
        .find(|left| text.ends_with(&key[..*left]))
        .unwrap_or_default()
}

#[test]
fn little_is_left_of_a_key_that_a_cut_leaves_the_beginning_of() {
    const LIMIT: usize = 64;
    const LONGEST: usize = 40;
    let keys: Vec<_> = secrets::all(&mut Random::new(5), 1)
        .into_iter()
        .filter(|secret| secret.category == "keys" && secret.text.len() > LONGEST)
        .collect();
    // The three dots behind a cut count among the characters kept.
    let kept = |key: &str, left: usize| format!("{} {key}", "x".repeat(LIMIT - 4 - left));
    let cuts = || (1..=LONGEST).flat_map(|left| keys.iter().map(move |key| (left, key)));
    let events = sent(wide().max_string_chars(LIMIT), |usage| {
        for (left, key) in cuts() {
            let arguments = json!({"note": kept(&key.text, left)});
            assert_eq!(
                usage.log_usage(ToolCall::new("search").arguments(&arguments)),
                Outcome::Queued
            );
        }
    });
    let mut by_limit = 0;
    let mut before: BTreeMap<&str, usize> = BTreeMap::new();
    for ((left, key), event) in cuts().zip(&events) {
        let sent = event["meta"]["tool_arguments"]["note"].as_str();
        let sent = sent.unwrap_or_default().trim_end_matches("...");
        by_limit = by_limit.max(left_at_the_end(&key.text, sent));
        let text = format!("it is {}", &key.text[..left]);
        let most = before.entry(key.kind).or_default();
        *most = left_at_the_end(&key.text, &redact_str(&text)).max(*most);
    }
    let mut worst: Vec<_> = before.iter().map(|(kind, left)| (*left, *kind)).collect();
    worst.sort_unstable_by(|a, b| b.cmp(a));
    let sum: usize = before.values().sum();
    println!("characters left of a key, its prefix among them: cut by a limit at most {by_limit}");
    println!(
        "cut before it came here: {sum} of {} kinds, most of {:?}",
        worst.len(),
        &worst[..12]
    );
    assert!(by_limit <= LEFT_BY_A_LIMIT, "{by_limit}");
    assert!(sum <= LEFT_BEFORE, "{sum}: {worst:?}");
}

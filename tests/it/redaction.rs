//! No secret leaves, whatever field it stands in.

use std::borrow::Cow;
use std::time::Duration;

use mcp_usage::testing::{Answer, MockIngest};
use mcp_usage::{
    Builder, CallOutcome, Custom, DropReason, Identity, IdentityCapture, Init, Outcome, Redactor,
    ToolCall, UsageLogger, Wire,
};
use serde::Serialize;
use serde::ser::Error as _;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::support::{
    PATIENCE, arrival, builder, builder_for, call, end, ingest, mcpeye, rachel, secret, wires,
};

/// All bytes that an ingest was sent: targets, headers, bodies.
fn bytes_of(ingest: &MockIngest) -> String {
    let mut all = String::new();
    for request in ingest.requests() {
        all.push_str(&request.path);
        for (name, value) in &request.headers {
            all.push_str(&format!("{name}: {value}\n"));
        }
        all.push_str(&String::from_utf8_lossy(&request.body));
    }
    all
}

/// A text that is cut is redacted on its own, before the event is; what its words name stands elsewhere, too.
#[test]
fn a_secret_that_a_text_names_goes_elsewhere_also_where_the_text_is_cut() {
    let password = "kT7vq2mZx9Lw4b";
    let long = |n: usize| format!("password: {password} {}", "and so on ".repeat(n));
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire).build().unwrap();
        let arguments = json!({"q": password, "l": long(1_200)});
        let outcome = usage.log_usage(
            ToolCall::new("t")
                .identity(rachel())
                .prompt(format!("with {password}"))
                .arguments(&arguments)
                .error(long(400)),
        );
        assert_eq!(outcome, Outcome::Queued);
        end(&usage, &ingest);
        let sent = bytes_of(&ingest);
        assert!(sent.contains("and so on"), "{name}");
        assert!(!sent.contains(password), "{name}: {sent}");
    }
}

/// Key-shaped texts, and what of each may not arrive.
fn canaries() -> [(&'static str, String); 5] {
    [
        ("github", secret::github()),
        ("aws", secret::aws()),
        ("openai", secret::openai()),
        ("jwt", secret::jwt()),
        ("email", String::from("mallory.canary@example.com")),
    ]
}

/// Logs every kind of event with the canary in every field there is, but the identity and the names of
/// tools: those stay as the host has given them. A name that no tool has is a client's, and loses keys.
fn log_everywhere(usage: &UsageLogger, canary: &str) {
    let value = json!({
        "query": canary,
        "nested": {"deep": [{"deeper": format!("see {canary}, please")}]},
        canary: "as a key",
        "in_json": json!({"inner": canary}).to_string(),
        "escaped": format!("a\nb\"{canary}\"\\"),
        "header": format!("Authorization: Bearer {canary}"),
        "url": format!("https://example.com/?q={canary}&r=1"),
        "list": [[[canary]]],
    });
    let raw: Box<RawValue> = serde_json::value::to_raw_value(&value).unwrap();
    macro_rules! common {
        ($event:expr) => {
            $event
                .user_agent(format!("agent/1.0 {canary}"))
                .ip_addr(canary)
                .source(canary)
                .environment(canary)
                .product_id(canary)
                .session_id(canary)
                .conversation_id(canary)
                .client_name(canary)
                .client_version(canary)
                .protocol_version(canary)
                .transport(canary)
                .request_id(canary)
                .vendor_client(canary)
                .oauth_client_id(canary)
                .server_name(canary)
                .server_version(canary)
                .http_version(canary)
                .meta("plain", &value)
                .meta("raw", &raw)
                .meta(canary, &1)
        };
    }
    let names = [canary];
    let call = |n: usize| {
        let made_up = n == 2 && !canary.contains('@');
        let call = ToolCall::new(if made_up { canary } else { "search" })
            .unknown_tool(made_up)
            .prompt(format!("use {canary} for it"))
            .error(format!("failed with {canary}"))
            .refused_arguments(&names)
            .arguments(&value);
        match n {
            0 => common!(call).identity(rachel()).result(&value),
            1 => common!(call)
                .arguments(&raw)
                .result(&raw)
                .outcome(CallOutcome::Ok),
            _ => common!(call).result(&canary).arguments(&canary),
        }
    };
    let expect = |outcome| assert_ne!(outcome, Outcome::Dropped(DropReason::RedactionFailed));
    (0..3).for_each(|n| expect(usage.log_usage(call(n))));
    expect(usage.log_usage(common!(IdentityCapture::new(rachel()))));
    expect(usage.log_usage(common!(Init::new(["list", "search"]))));
    expect(usage.log_usage(common!(Custom::new("LOGIN_ACTIVITY")).identity(rachel())));
    expect(usage.log_usage(common!(Custom::new(canary)).identity(rachel())));
    let mut guard = usage.start_tool_call(call(1));
    guard.set_error(canary);
    guard.set_prompt(canary);
    guard.set_result(&value);
    guard.set_refused_arguments(&names);
    guard.finish(CallOutcome::ToolError);
}

#[test]
fn a_secret_in_any_field_of_any_kind_on_any_wire_does_not_arrive() {
    for (name, wire) in wires() {
        for (kind, canary) in canaries() {
            for hooked in [false, true] {
                let ingest = ingest();
                let mut builder = builder_for(&ingest, &wire)
                    .meta("note", format!("of the logger: {canary}"))
                    .meta("tree", json!({"a": [canary]}));
                if hooked {
                    // What the hook adds passes the redactor as well.
                    let added = canary.clone();
                    builder = builder.before_send(move |mut event| {
                        let object = event.as_object_mut()?;
                        let place = if object.contains_key("callId") {
                            "errorMessage"
                        } else {
                            "ip_addr"
                        };
                        object.insert(place.to_owned(), added.clone().into());
                        if let Some(meta) = object.get_mut("meta").and_then(Value::as_object_mut) {
                            meta.insert(added.clone(), json!({"again": added}));
                            meta.insert("session_id".to_owned(), added.clone().into());
                        }
                        Some(event)
                    });
                }
                let usage = builder.build().unwrap();
                log_everywhere(&usage, &canary);
                let stats = end(&usage, &ingest);
                assert_eq!(stats.panics, 0);
                assert!(stats.delivered >= 4, "{name}, {kind}: {stats:?}");
                let sent = bytes_of(&ingest);
                let found = sent.find(&canary).map(|at| {
                    let from = at.saturating_sub(120);
                    sent.get(from..at + canary.len())
                        .unwrap_or_default()
                        .to_owned()
                });
                assert_eq!(found, None, "{name}, {kind}, hook {hooked}");
                assert!(sent.contains("[REDACTED_"), "{name}, {kind}");
            }
        }
    }
}

#[test]
fn the_identity_that_was_chosen_is_sent_as_it_is() {
    for (name, wire) in wires() {
        let identity =
            Identity::new("u_8812-rachel@reo.dev", "INTERNAL").with_email("rachel@reo.dev");
        let event = arrival(
            &wire,
            |b| b,
            |usage| {
                usage.log_usage(
                    ToolCall::new("t")
                        .identity(&identity)
                        .prompt("mail bob@example.com"),
                );
            },
        );
        if name == "mcpeye" {
            assert_eq!(event["userId"], "u_8812-rachel@reo.dev");
            assert_eq!(event["userEmail"], "rachel@reo.dev");
            assert_eq!(event["intent"], "mail [REDACTED_EMAIL]");
        } else if name == "otlp" {
            let attributes = &event["attributes"];
            assert_eq!(attributes["user.id"], "u_8812-rachel@reo.dev");
            assert_eq!(attributes["user.email"], "rachel@reo.dev");
            assert_eq!(attributes["mcp_usage.intent"], "mail [REDACTED_EMAIL]");
        } else if name == "posthog" {
            let properties = &event["properties"];
            assert_eq!(event["distinct_id"], "u_8812-rachel@reo.dev");
            assert_eq!(properties["$set"]["email"], "rachel@reo.dev");
            assert_eq!(properties["$mcp_intent"], "mail [REDACTED_EMAIL]");
        } else {
            assert_eq!(event["user_id"], "u_8812-rachel@reo.dev");
            assert_eq!(event["user_id_type"], "INTERNAL");
            assert_eq!(event["meta"]["prompt"], "mail [REDACTED_EMAIL]");
        }
    }
    let event = arrival(
        &mcpeye(),
        |b| b,
        |usage| {
            usage.log_usage(ToolCall::new("t").identity(rachel()));
        },
    );
    assert_eq!(
        (&event["userId"], &event["userEmail"]),
        (&json!("rachel@reo.dev"), &json!("rachel@reo.dev"))
    );
}

#[test]
fn what_was_redacted_is_counted_by_class() {
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(
                ToolCall::new("t")
                    .prompt("a@example.com and b@example.com")
                    .arguments(&json!({"password": "hunter2", "note": secret::github()})),
            );
        },
    );
    assert_eq!(
        event["meta"]["redactions"],
        json!({"email": 2, "key": 1, "field": 1})
    );
}

#[test]
fn a_sensitive_name_hides_its_value_on_every_wire() {
    for (name, wire) in wires() {
        let arguments = json!({
            "password": "plain words", "api_key": ["a", {"b": "c"}], "nested": {"client_secret": "x y z"},
            "token_count": 7, "authorization": {"scheme": "x"},
        });
        let event = arrival(
            &wire,
            |b| b,
            |usage| {
                usage.log_usage(ToolCall::new("t").arguments(&arguments));
            },
        );
        let in_span = event["attributes"]["gen_ai.tool.call.arguments"].as_str();
        let in_span: Value = serde_json::from_str(in_span.unwrap_or("null")).unwrap();
        let sent = match name {
            "mcpeye" => &event["arguments"],
            "otlp" => &in_span,
            "posthog" => &event["properties"]["$mcp_parameters"]["request"]["params"]["arguments"],
            _ => &event["meta"]["tool_arguments"],
        };
        assert_eq!(sent["password"], "[REDACTED_FIELD]", "{name}");
        assert_eq!(
            sent["nested"]["client_secret"], "[REDACTED_FIELD]",
            "{name}"
        );
        assert!(!event.to_string().contains("plain words"));
        assert!(!sent["api_key"].to_string().contains('c'), "{name}: {sent}");
        assert_eq!(sent["token_count"], 7, "{name}");
    }
    // The same for a key of `meta`.
    let event = arrival(
        &Wire::Reo,
        |b| b.meta("client_secret", "of the logger"),
        |usage| {
            usage.log_usage(ToolCall::new("t").meta("password", &"of the event"));
        },
    );
    assert_eq!(event["meta"]["client_secret"], "[REDACTED_FIELD]");
    assert_eq!(event["meta"]["password"], "[REDACTED_FIELD]");
}

#[test]
fn a_secret_across_a_cut_is_not_halved() {
    let secret = secret::github();
    for at in 0..secret.len() + 8 {
        // The cut falls before, into and behind the secret.
        let lead = "word ".repeat(900);
        let start = 1_200 - 3 - at;
        let query = format!(
            "{} {secret} tail {}",
            &lead[..start - 1],
            "word ".repeat(300)
        );
        for raw in [false, true] {
            let event = arrival(
                &Wire::Reo,
                |b| b,
                |usage| {
                    let value = json!({"query": query});
                    if raw {
                        let raw = serde_json::value::to_raw_value(&value).unwrap();
                        usage.log_usage(ToolCall::new("t").arguments(&raw));
                    } else {
                        usage.log_usage(ToolCall::new("t").arguments(&value));
                    }
                },
            );
            let sent = event["meta"]["tool_arguments"]["query"].as_str().unwrap();
            assert!(
                !sent.contains("ghp"),
                "cut {at}, raw {raw}: {:?}",
                &sent[sent.len() - 60..]
            );
            assert!(sent.ends_with("..."), "cut {at}");
            assert!(sent.chars().count() <= 1_200 + 20, "cut {at}");
        }
    }
}

#[test]
fn a_secret_across_the_cut_of_a_prompt_an_error_and_a_name_is_not_halved() {
    let secret = secret::aws();
    for at in [1, 3, 4, 8, 12, 19] {
        let cut = |most: usize| format!("{} {secret} tail words", "x".repeat(most - 4 - at));
        let event = arrival(
            &Wire::Reo,
            |b| b,
            |usage| {
                usage.log_usage(
                    ToolCall::new("t")
                        .prompt(cut(6_000) + &" word".repeat(20))
                        .error(cut(2_000) + &" word".repeat(20))
                        .client_name(cut(256) + &" word".repeat(20))
                        .arguments(&json!({"note": cut(4_000) + &" word".repeat(20)})),
                );
            },
        );
        assert!(!event.to_string().contains("AKIA"), "{at}: {event}");
    }
}

// ---- before_send ----

#[test]
fn the_hook_sees_the_redacted_event_and_may_change_it() {
    let (seen, events) = std::sync::mpsc::channel();
    let event = arrival(
        &Wire::Reo,
        move |b| {
            b.before_send(move |mut event| {
                seen.send(event.clone()).unwrap();
                event["meta"]["tool"] = json!("renamed");
                event["source"] = json!("CHANGED");
                Some(event)
            })
        },
        |usage| {
            usage.log_usage(
                ToolCall::new("t")
                    .prompt("mail bob@example.com")
                    .identity(rachel()),
            );
        },
    );
    let seen = events.recv().unwrap();
    assert_eq!(seen["meta"]["prompt"], "mail [REDACTED_EMAIL]");
    assert_eq!(seen["user_id"], "rachel@reo.dev");
    assert_eq!(
        (&event["meta"]["tool"], &event["source"]),
        (&json!("renamed"), &json!("CHANGED"))
    );
    assert_eq!(event["meta"]["prompt"], "mail [REDACTED_EMAIL]");
}

#[test]
fn the_name_of_a_tool_stays_as_it_is_also_behind_a_hook() {
    for (wire, pointer) in [(Wire::Reo, "/meta/tool"), (mcpeye(), "/toolName")] {
        for unknown in [false, true] {
            let event = arrival(
                &wire,
                |b| b.before_send(Some),
                |usage| {
                    usage.log_usage(ToolCall::new("ann@example.com").unknown_tool(unknown));
                },
            );
            assert_eq!(event.pointer(pointer), Some(&json!("ann@example.com")));
        }
    }
}

#[test]
fn the_hook_cannot_change_ids_times_and_the_identity() {
    let fixed: &[&str] = &[
        "event_id",
        "event_at",
        "user_id",
        "user_id_type",
        "activity_type",
        "head",
    ];
    let fixed_mcpeye: &[&str] = &["callId", "timestamp", "userId", "userEmail"];
    for (name, wire) in wires() {
        let fixed = if name == "mcpeye" {
            fixed_mcpeye
        } else {
            fixed
        };
        for remove in [false, true] {
            let (seen, events) = std::sync::mpsc::channel();
            let event = arrival(
                &wire,
                |b| {
                    b.before_send(move |mut event| {
                        seen.send(event.clone()).unwrap();
                        let object = event.as_object_mut()?;
                        for name in fixed {
                            if remove {
                                object.remove(*name);
                            } else {
                                object.insert((*name).to_owned(), json!("forged"));
                            }
                        }
                        Some(event)
                    })
                },
                |usage| {
                    usage.log_usage(ToolCall::new("t").identity(rachel()));
                },
            );
            let seen = events.recv().unwrap();
            if name == "otlp" {
                let attributes = &event["attributes"];
                assert_eq!(attributes["mcp_usage.event_id"], seen["event_id"]);
                assert_eq!(attributes["user.id"], seen["user_id"]);
                assert_eq!(event["endTimeUnixNano"], seen["head"]["end"]);
                assert_eq!(event["name"], "tools/call t");
                continue;
            }
            if name == "posthog" {
                let id = seen["event_id"].to_string();
                assert_eq!(event["properties"]["mcp_usage_event_id"], id);
                assert_eq!(event["distinct_id"], seen["user_id"]);
                assert_eq!(event["event"], "$mcp_tool_call");
                continue;
            }
            for name in fixed {
                assert_eq!(event[*name], seen[*name], "{name}");
            }
        }
    }
}

#[test]
fn a_hook_that_says_no_or_panics_drops_the_event_alone() {
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire)
            .before_send(|event| {
                let text = event.to_string();
                if text.contains("\"boom\"") {
                    std::panic::resume_unwind(Box::new("the hook's own affair"));
                }
                if text.contains("\"scalar\"") {
                    return Some(json!(7));
                }
                (!text.contains("\"secret\"")).then_some(event)
            })
            .build()
            .unwrap();
        let waits = usage.log_usage_confirmed(ToolCall::new("secret"), PATIENCE);
        for tool in ["a", "secret", "boom", "scalar", "b"] {
            usage.log_usage(ToolCall::new(tool));
        }
        assert_eq!(
            crate::support::block_on(waits),
            Err(mcp_usage::ConfirmError::Dropped(DropReason::BeforeSend))
        );
        let stats = end(&usage, &ingest);
        assert_eq!((stats.delivered, stats.panics), (2, 1), "{name}");
        assert_eq!(stats.dropped.get(DropReason::BeforeSend), 4, "{name}");
        let mut tools: Vec<_> = ingest
            .delivered()
            .iter()
            .map(|e| e.tool().unwrap().to_owned())
            .collect();
        tools.sort();
        assert_eq!(tools, ["a", "b"]);
    }
}

#[test]
fn a_hook_runs_once_for_each_event_whatever_the_retries() {
    let ingest = ingest();
    ingest.script([Answer::status(503), Answer::reset_after_body()]);
    let runs = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counter = std::sync::Arc::clone(&runs);
    let usage = builder(&ingest)
        .wire(Wire::ReoBatch)
        .max_backoff(Duration::from_millis(2))
        .before_send(move |mut event| {
            let run = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            event["meta"]["run"] = run.into();
            Some(event)
        })
        .build()
        .unwrap();
    for n in 0..10 {
        usage.log_usage(call(n));
    }
    let stats = end(&usage, &ingest);
    assert_eq!(
        (
            stats.delivered,
            runs.load(std::sync::atomic::Ordering::Relaxed)
        ),
        (10, 10)
    );
}

#[test]
fn a_hook_that_logs_is_served() {
    let ingest = ingest();
    let handle: std::sync::Arc<std::sync::OnceLock<UsageLogger>> = std::sync::Arc::default();
    let inner = std::sync::Arc::clone(&handle);
    let usage = builder(&ingest)
        .before_send(move |event| {
            if event["meta"]["tool"] == "outer"
                && let Some(usage) = inner.get()
            {
                usage.log_usage(ToolCall::new("inner"));
            }
            Some(event)
        })
        .build()
        .unwrap();
    handle.set(usage.clone()).unwrap();
    usage.log_usage(ToolCall::new("outer"));
    ingest.wait_for_delivered(2, PATIENCE).unwrap();
    end(&usage, &ingest);
}

// ---- the user's own redactor ----

#[test]
fn a_redactor_that_panics_drops_the_event() {
    for (name, wire) in wires() {
        let ingest = ingest();
        let redactor = Redactor::custom(|text| {
            assert!(!text.contains("boom"));
            Cow::Borrowed(text)
        });
        let usage = builder_for(&ingest, &wire)
            .redactor(redactor)
            .build()
            .unwrap();
        let failed = Outcome::Dropped(DropReason::RedactionFailed);
        // Their reports go to the output that is kept for failing tests.
        assert_eq!(
            usage.log_usage(ToolCall::new("t").prompt("boom")),
            failed,
            "{name}"
        );
        assert_eq!(
            usage.log_usage(ToolCall::new("t").arguments(&json!({"boom": 1}))),
            failed
        );
        // Cut before it is judged: a rule that fails on the rest fails as well.
        let long = "boom ".repeat(2_000);
        assert_eq!(
            usage.log_usage(ToolCall::new("t").arguments(&json!({"a": long}))),
            failed
        );

        assert_eq!(
            usage.log_usage(ToolCall::new("t").prompt("fine")),
            Outcome::Queued
        );
        let stats = end(&usage, &ingest);
        assert_eq!(
            (
                stats.delivered,
                stats.dropped.get(DropReason::RedactionFailed)
            ),
            (1, 3)
        );
        assert!(stats.panics >= 3, "{stats:?}");
        assert!(!bytes_of(&ingest).contains("boom"));
    }
}

#[test]
fn a_redactor_that_panics_over_what_a_hook_returned_drops_the_event() {
    let ingest = ingest();
    let redactor = Redactor::custom(|text| {
        assert!(!text.contains("boom"));
        Cow::Borrowed(text)
    });
    let usage = builder(&ingest)
        .redactor(redactor)
        .before_send(|mut event| {
            event["meta"]["added"] = json!("boom");
            Some(event)
        })
        .build()
        .unwrap();
    usage.log_usage(call(1));
    let stats = end(&usage, &ingest);
    assert_eq!(
        (
            stats.dropped.get(DropReason::RedactionFailed),
            stats.delivered
        ),
        (1, 0)
    );
}

#[test]
fn rules_of_the_users_apply_and_off_means_off() {
    let with = |redactor: Redactor| {
        arrival(
            &Wire::Reo,
            |b: Builder| b.redactor(redactor),
            |usage| {
                usage.log_usage(ToolCall::new("t").arguments(&json!({
                    "ref": "EMP-12345", "customer_ref": "c", "password": "visible", "mail": "a@example.com",
                })));
            },
        )["meta"]["tool_arguments"]
            .clone()
    };
    let own = Redactor::builder()
        .pattern("employee_id", "EMP-[0-9]{5}")
        .deny_name("customer_ref")
        .allow_name("password")
        .build()
        .unwrap();
    assert_eq!(
        with(own),
        json!({
            "ref": "[REDACTED_EMPLOYEE_ID]", "customer_ref": "[REDACTED_FIELD]", "password": "visible",
            "mail": "[REDACTED_EMAIL]",
        })
    );
    assert_eq!(
        with(Redactor::off()),
        json!({"ref": "EMP-12345", "customer_ref": "c", "password": "visible", "mail": "a@example.com"})
    );
}

// ---- what a Serialize may do ----

struct Panics;

impl Serialize for Panics {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        std::panic::resume_unwind(Box::new("a Serialize of the user's"));
    }
}

struct Fails;

impl Serialize for Fails {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("no"))
    }
}

/// Fails when half of it is written.
struct FailsLate<T>(T);

impl<T: Serialize> Serialize for FailsLate<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("first", "half")?;
        map.serialize_entry("second", &self.0)?;
        map.end()
    }
}

/// A panic whose payload panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::panic::resume_unwind(Box::new("the payload's own affair"));
        }
    }
}

struct PanicsTwice;

impl Serialize for PanicsTwice {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        std::panic::resume_unwind(Box::new(Bomb));
    }
}

#[test]
fn a_value_that_cannot_be_serialized_leaves_a_mark_and_the_event() {
    const MARK: &str = "[unserializable]";
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire).build().unwrap();
        let fine = json!({"a": 1});
        for n in 0..3 {
            let mut call = ToolCall::new("t").prompt("kept");
            call = match n {
                0 => call.arguments(&Panics).result(&Fails).meta("m", &Fails),
                1 => call
                    .arguments(&FailsLate(Panics))
                    .result(&FailsLate(Fails))
                    .meta("m", &Panics),
                _ => call.arguments(&fine).result(&Panics),
            };
            assert_eq!(usage.log_usage(call), Outcome::Queued, "{name}");
        }
        let mut guard = usage.start_tool_call(ToolCall::new("t").prompt("kept").arguments(&Panics));
        guard.set_result(&Panics);
        guard.finish(CallOutcome::Ok);
        let stats = end(&usage, &ingest);
        // Counted where it happens: `meta` has no place on the mcpeye wire and is not looked at.
        let expected = if name == "mcpeye" { 5 } else { 6 };
        assert_eq!((stats.delivered, stats.panics), (4, expected), "{name}");
        for event in ingest.delivered() {
            assert!(
                event.json.to_string().contains(MARK),
                "{name}: {}",
                event.json
            );
            assert!(event.json.to_string().contains("kept"), "{name}");
            assert!(!event.json.to_string().contains("half"), "{name}");
        }
    }
}

#[test]
fn log_usage_never_panics_not_even_over_a_panic_that_panics() {
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            assert_eq!(
                usage.log_usage(ToolCall::new("t").result(&PanicsTwice)),
                Outcome::Queued
            );
        },
    );
    assert_eq!(event["meta"]["result"], "[unserializable]");
}

/// Logs an event of its own while it is serialized.
struct Logs<'a>(&'a UsageLogger, u32);

impl Serialize for Logs<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.1 > 0 {
            let inner = Logs(self.0, self.1 - 1);
            self.0
                .log_usage(ToolCall::new(format!("level {}", self.1 - 1)).arguments(&inner));
        }
        serializer.serialize_str(&format!("value {}", self.1))
    }
}

#[test]
fn a_value_that_logs_while_it_is_serialized_disturbs_nothing() {
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    usage.log_usage(
        ToolCall::new("level 5")
            .prompt("before")
            .arguments(&Logs(&usage, 5)),
    );
    let stats = end(&usage, &ingest);
    assert_eq!((stats.offered, stats.delivered), (6, 6));
    for event in ingest.delivered() {
        let level = event
            .tool()
            .unwrap()
            .strip_prefix("level ")
            .unwrap()
            .to_owned();
        let sent = event.json.to_string();
        assert!(sent.contains(&format!("value {level}")), "{sent}");
        assert_eq!(sent.matches("value ").count(), 1, "{sent}");
    }
}

// ---- the many shapes of JSON ----

#[test]
fn numbers_of_any_size_arrive_as_they_are() {
    let long = "1234567890123456789012345678901234567.5";
    let text = format!(
        r#"{{"big":{long},"tiny":1e-400,"huge":1e400,"negative":-0.10,"u64":18446744073709551615,"exact":0.1000}}"#
    );
    let tree: Value = serde_json::from_str(&text).unwrap();
    let raw: Box<RawValue> = serde_json::from_str(&text).unwrap();
    let sent = |log: &dyn Fn(&UsageLogger) -> Outcome| {
        arrival(
            &Wire::Reo,
            |b| b,
            |usage| {
                log(usage);
            },
        )["meta"]
            .clone()
    };
    for (how, sent) in [
        (
            "tree",
            sent(&|u| u.log_usage(ToolCall::new("t").result(&tree)))["result"].clone(),
        ),
        (
            "raw",
            sent(&|u| u.log_usage(ToolCall::new("t").result(&raw)))["result"].clone(),
        ),
        (
            "arguments",
            sent(&|u| u.log_usage(ToolCall::new("t").arguments(&raw)))["tool_arguments"].clone(),
        ),
    ] {
        assert_eq!(sent["big"].to_string(), long, "{how}");
        for key in ["tiny", "u64", "negative", "exact"] {
            assert_eq!(sent[key], tree[key], "{how}: {key}");
        }
        // No double holds it, so many a receiver would refuse the whole request.
        let huge = sent["huge"].as_str().unwrap();
        assert_eq!(huge.replace('+', ""), "1e400", "{how}");
    }
}

#[test]
fn half_a_surrogate_pair_does_not_spoil_the_batch() {
    // JavaScript cuts strings between the halves, and RawValue does not look.
    for text in [
        r#"{"a":"\ud83d"}"#,
        r#"{"\ude00":"x"}"#,
        r#"{"a":["\ud83d\ud83d\ude00 \ud800\u0041"]}"#,
    ] {
        let raw: Box<RawValue> = RawValue::from_string(text.to_owned()).unwrap();
        let event = arrival(
            &Wire::ReoBatch,
            |b| b,
            |usage| {
                usage.log_usage(ToolCall::new("t").arguments(&raw));
            },
        );
        let sent = event["meta"]["tool_arguments"].to_string();
        assert!(sent.contains('\u{fffd}'), "{sent}");
    }
}

#[test]
fn a_guard_counts_what_was_redacted_in_a_cut_text_too() {
    let value =
        json!({"note": format!("{}mail bob@example.com {}", "w ".repeat(50), "w ".repeat(4_000))});
    let plain = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(
                ToolCall::new("t")
                    .arguments(&value)
                    .outcome(CallOutcome::Ok),
            );
        },
    );
    let guarded = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage
                .start_tool_call(ToolCall::new("t").arguments(&value))
                .finish(CallOutcome::Ok);
        },
    );
    assert_eq!(plain["meta"]["redactions"], json!({"email": 1}));
    assert_eq!(guarded["meta"]["redactions"], plain["meta"]["redactions"]);
}

#[test]
fn a_redactor_that_panics_over_what_a_guard_captured_drops_the_event() {
    let ingest = ingest();
    let redactor = Redactor::custom(|text| {
        assert!(!text.contains("boom"));
        Cow::Borrowed(text)
    });
    let usage = builder(&ingest).redactor(redactor).build().unwrap();
    let long = format!("boom {}", "w ".repeat(4_000));
    let guard = usage.start_tool_call(ToolCall::new("t").arguments(&json!({"note": long})));
    assert_eq!(
        guard.finish(CallOutcome::Ok),
        Outcome::Dropped(DropReason::RedactionFailed)
    );
    end(&usage, &ingest);
}

#[test]
fn keys_keep_their_order() {
    let text = r#"{"zulu":1,"alpha":2,"mike":{"y":1,"b":2}}"#;
    let tree: Value = serde_json::from_str(text).unwrap();
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(ToolCall::new("t").arguments(&tree));
        },
    );
    assert_eq!(event["meta"]["tool_arguments"].to_string(), text);
}

#[test]
fn floats_that_json_cannot_hold_are_null() {
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(ToolCall::new("t").result(&[f64::NAN, f64::INFINITY, 1.0]));
        },
    );
    assert_eq!(event["meta"]["result"], json!([null, null, 1.0]));
}

#[test]
fn raw_text_that_is_no_json_does_not_get_through() {
    // A RawValue can be made without a check only inside serde_json; a foreign type that uses its
    // private name can hold anything.
    #[derive(Serialize)]
    #[serde(rename = "$serde_json::private::RawValue")]
    struct Forged {
        #[serde(rename = "$serde_json::private::RawValue")]
        text: String,
    }
    #[derive(Serialize)]
    #[serde(rename = "$serde_json::private::Number")]
    struct ForgedNumber {
        #[serde(rename = "$serde_json::private::Number")]
        text: String,
    }
    for text in [
        "",
        " ",
        "{",
        "}",
        "{}}",
        "[1,]",
        "[,1]",
        "{\"a\":}",
        "{\"a\" 1}",
        "{a:1}",
        "nul",
        "nullx",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "0x1",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"a\nb\"",
        "1 2",
        "[1 2]",
        "{\"a\":1 \"b\":2}",
        "\"},\"user_id\":\"forged\",\"x\":{\"",
        "NaN",
        "Infinity",
        "'a'",
        "[[[[[[[[[[}]]]]]]]]]]",
        "[[[[[[[[[[,]]]]]]]]]]",
        "[[[[[[[[[[1 2]]]]]]]]]]",
        "[[[[[[[[[[nulx]]]]]]]]]]",
        "[[[[[[[[[[--1]]]]]]]]]]",
        "[[[[[[[[[[{1:2}]]]]]]]]]]]",
    ] {
        for number in [false, true] {
            let event = arrival(
                &Wire::Reo,
                |b| b,
                |usage| {
                    if number {
                        let forged = ForgedNumber {
                            text: text.to_owned(),
                        };
                        assert_eq!(
                            usage.log_usage(ToolCall::new("t").result(&forged)),
                            Outcome::Queued
                        );
                    } else {
                        let forged = Forged {
                            text: text.to_owned(),
                        };
                        assert_eq!(
                            usage.log_usage(ToolCall::new("t").result(&forged)),
                            Outcome::Queued
                        );
                    }
                },
            );
            assert_eq!(event["user_id"], "anonymous");
            if !text.contains("[[[[") {
                assert_eq!(
                    event["meta"]["result"], "[unserializable]",
                    "{text:?} {number}"
                );
            }
        }
    }
}

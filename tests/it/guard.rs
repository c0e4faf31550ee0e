//! The record of a call that is under way.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use mcp_usage::testing::ManualClock;
use mcp_usage::{CallOutcome, IntentSource, Outcome, SessionIds, ToolCall, Wire};
use serde_json::json;

use crate::support::{PATIENCE, arrival, builder, end, ingest, rachel, said};

#[test]
fn a_finished_call_has_its_duration_and_what_was_set() {
    let clock = ManualClock::new();
    let event = arrival(
        &Wire::Reo,
        |b| b.clock(&clock),
        |usage| {
            let arguments = json!({"query": "rails"});
            let mut call = usage.start_tool_call(
                ToolCall::new("search")
                    .identity(rachel())
                    .arguments(&arguments),
            );
            drop(arguments);
            clock.advance(Duration::from_micros(1_234_560));
            call.set_result(&json!({"rows": 3}));
            call.set_prompt("who uses rails?");
            assert_eq!(call.finish(CallOutcome::Ok), Outcome::Queued);
        },
    );
    assert_eq!(
        said(&event),
        json!({
            "tool": "search", "duration_ms": 1234.56, "outcome": "ok", "prompt": "who uses rails?",
            "tool_arguments": {"query": "rails"}, "result": {"rows": 3},
        })
    );
    assert_eq!(event["user_id"], "rachel@reo.dev");
}

#[test]
fn a_guard_that_copies_a_part_of_long_texts_sends_what_log_usage_sends() {
    // Characters of four bytes, a secret that touches the cut of a prompt, and far more behind.
    let key = ["ghp", &"Ab3dE6gH9".repeat(4)].join("_");
    let text = format!(
        "{}{key} {}",
        "\u{1f600}".repeat(5_990),
        "tail ".repeat(500_000)
    );
    let sent = |guarded: bool| {
        arrival(
            &Wire::Reo,
            |builder| builder,
            |usage| {
                let call = ToolCall::new("search").identity(rachel());
                if guarded {
                    let mut guard = usage.start_tool_call(call.prompt(&*text));
                    guard.set_error(&text);
                    guard.finish(CallOutcome::ToolError);
                } else {
                    let call = call.prompt(&*text).error(&*text);
                    usage.log_usage(call.outcome(CallOutcome::ToolError));
                }
            },
        )
    };
    let (guarded, logged) = (sent(true), sent(false));
    for name in ["prompt", "error", "redactions"] {
        assert!(!logged["meta"][name].is_null(), "{logged}");
        assert_eq!(guarded["meta"][name], logged["meta"][name]);
    }
}

#[test]
fn a_call_happened_when_it_began() {
    let clock = ManualClock::new();
    let mut began = 0;
    let event = arrival(
        &Wire::Reo,
        |b| b.clock(&clock),
        |usage| {
            began = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_secs();
            let call = usage.start_tool_call("slow");
            clock.advance(Duration::from_secs(600));
            call.finish(CallOutcome::Ok);
        },
    );
    let at = event["event_at"].as_u64().unwrap();
    assert!(at.abs_diff(began) < 60, "{at} is not about {began}");
    assert_eq!(event["meta"]["duration_ms"], 600_000.0);
}

#[test]
fn a_duration_that_was_given_stays() {
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage
                .start_tool_call(ToolCall::new("t").duration(Duration::from_millis(7)))
                .finish(CallOutcome::Ok);
        },
    );
    assert_eq!(event["meta"]["duration_ms"], 7.0);
}

#[test]
fn an_unfinished_call_is_recorded_as_dropped() {
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            drop(usage.start_tool_call("search"));
        },
    );
    assert_eq!(event["meta"]["outcome"], "dropped");
}

#[test]
fn a_call_whose_tool_panics_is_recorded_as_panicked() {
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            let usage = usage.clone();
            let result = std::thread::spawn(move || {
                let _call = usage.start_tool_call("boom");
                std::panic::resume_unwind(Box::new("the tool's own affair"));
            })
            .join();
            assert!(result.is_err());
        },
    );
    assert_eq!(event["meta"]["outcome"], "panicked");
}

#[test]
fn a_call_that_is_open_at_the_shutdown_is_recorded_once() {
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    let call = usage.start_tool_call("search");
    let report = usage.shutdown_blocking(PATIENCE);
    assert_eq!((report.stats.offered, report.stats.delivered), (1, 1));
    call.finish(CallOutcome::Ok);
    let stats = end(&usage, &ingest);
    assert_eq!(
        (stats.offered, stats.delivered, stats.dropped.total()),
        (1, 1, 0)
    );
    assert_eq!(
        ingest.delivered()[0].meta("outcome"),
        Some(&json!("dropped"))
    );
}

/// The call is out of the shutdown's reach, and its event is not queued yet: the consent hook holds it up.
#[test]
fn a_call_that_ends_beside_a_shutdown_is_recorded_with_its_outcome() {
    let ingest = ingest();
    let (asks, asked) = mpsc::channel();
    let (lets, is_let) = mpsc::channel::<()>();
    let hold = Mutex::new((asks, is_let));
    let usage = builder(&ingest)
        .consent(move |_| {
            let (asks, is_let) = &*hold.lock().unwrap();
            asks.send(()).unwrap();
            is_let.recv_timeout(PATIENCE).is_ok()
        })
        .build()
        .unwrap();
    let call = usage.start_tool_call(ToolCall::new("search").identity(rachel()));
    let (usage, ingest) = (&usage, &ingest);
    let stats = std::thread::scope(|scope| {
        let ends = scope.spawn(|| call.finish(CallOutcome::Ok));
        asked.recv_timeout(PATIENCE).unwrap();
        let (sender, report) = mpsc::channel();
        scope.spawn(move || sender.send(end(usage, ingest)).unwrap());
        let early = report.recv_timeout(Duration::from_millis(10));
        assert!(early.is_err(), "it waits for the call");
        lets.send(()).unwrap();
        assert_eq!(ends.join().unwrap(), Outcome::Queued);
        report.recv_timeout(PATIENCE).unwrap()
    });
    assert_eq!(stats.dropped.total(), 0);
    let sent = ingest.delivered();
    let outcomes: Vec<_> = sent
        .iter()
        .filter_map(|event| event.meta("outcome"))
        .collect();
    assert_eq!(outcomes, [&json!("ok")]);
}

#[test]
fn a_guard_carries_every_fact_of_its_event() {
    let event = arrival(
        &Wire::Reo,
        |b| b.session_ids(SessionIds::Raw),
        |usage| {
            let owner = String::from("owned by the request");
            let value = json!([1, 2]);
            let call = ToolCall::new(owner.as_str())
                .event_id(77)
                .product_id(owner.as_str())
                .source("SOURCE")
                .environment("ENVIRONMENT")
                .user_agent("agent/1")
                .ip_addr("192.0.2.1")
                .session_id("s")
                .conversation_id("c")
                .client_name("n")
                .client_version("v")
                .protocol_version("p")
                .transport("stdio")
                .request_id("r")
                .prompt("p")
                .intent_source(IntentSource::Native)
                .meta("list", &value);
            let guard = usage.start_tool_call(call);
            drop((owner, value));
            guard.finish(CallOutcome::Ok);
        },
    );
    assert_eq!(event["event_id"], 77);
    assert_eq!(event["product_id"], "owned by the request");
    // A session id may be a credential: its hash stands for it.
    let user = event["user_id"].as_str().unwrap();
    assert!(
        user.starts_with("anonymous-") && user.len() == "anonymous-".len() + 32,
        "{user}"
    );
    let meta = &event["meta"];
    for (key, value) in [
        ("tool", json!("owned by the request")),
        ("session_id", json!("s")),
        ("conversation_id", json!("c")),
        ("client_name", json!("n")),
        ("client_version", json!("v")),
        ("protocol_version", json!("p")),
        ("transport", json!("stdio")),
        ("request_id", json!("r")),
        ("prompt", json!("p")),
        ("intent_source", json!("native")),
        ("list", json!([1, 2])),
    ] {
        assert_eq!(meta[key], value, "{key}");
    }
}

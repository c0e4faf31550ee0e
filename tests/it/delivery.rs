//! What is logged arrives.

use std::time::{Duration, SystemTime};

use mcp_usage::testing::{Answer, MockIngest};
use mcp_usage::{
    CallOutcome, ConfirmError, Custom, DropReason, Identity, IdentityCapture, Init, IntentSource,
    Outcome, Session, SessionIds, Stats, ToolCall, UsageLogger, Wire,
};
use serde_json::{Value, json};

use crate::support::{
    KEY, PATIENCE, arrival, arrivals, assert_ledger, block_on, builder, builder_for, call, end,
    ingest, mcpeye, rachel, said, still_pending, wires,
};

#[test]
fn an_identity_and_a_call_arrive_on_the_reo_wire() {
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    assert_eq!(
        usage.log_usage(IdentityCapture::new(rachel())),
        Outcome::Queued
    );
    usage.log_usage(
        ToolCall::new("search")
            .identity(rachel())
            .arguments(&json!({"query": "mail bob@example.com", "password": "hunter2"}))
            .duration(Duration::from_micros(5_072_520))
            .outcome(CallOutcome::Ok),
    );
    let events = ingest.wait_for_events(2, PATIENCE).unwrap();
    assert!(
        events
            .iter()
            .any(|e| e.activity() == "MCP_IDENTITY_CAPTURE")
    );
    let call = events.iter().find(|e| e.tool().is_some()).unwrap();
    assert_eq!(call.user_id(), Some("rachel@reo.dev"));
    assert_eq!(call.meta("duration_ms"), Some(&json!(5072.52)));
    assert_eq!(
        call.meta("tool_arguments").unwrap(),
        &json!({"query": "mail [REDACTED_EMAIL]", "password": "[REDACTED_FIELD]"})
    );
    let stats = end(&usage, &ingest);
    assert_eq!((stats.offered, stats.delivered), (2, 2));
}

#[test]
fn a_burst_arrives_in_batches() {
    let ingest = ingest();
    let usage = builder(&ingest).wire(Wire::ReoBatch).build().unwrap();
    for n in 0..3_000 {
        assert_eq!(
            usage.log_usage(ToolCall::new("count").arguments(&json!({"n": n}))),
            Outcome::Queued
        );
    }
    usage.flush_blocking(PATIENCE).unwrap();
    assert_eq!(ingest.delivered().len(), 3_000);
    assert_eq!(ingest.duplicates(), Vec::<String>::new());
    assert!(ingest.requests().len() < 100, "{}", ingest.requests().len());
    assert_eq!(ingest.requests()[0].header("x-api-key"), Some(KEY));
    assert_eq!(end(&usage, &ingest).delivered, 3_000);
}

#[test]
fn every_kind_arrives_on_the_wires_that_have_a_place_for_it() {
    for (name, wire) in wires() {
        let is_mcpeye = name == "mcpeye";
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire).build().unwrap();
        let other_kind = if is_mcpeye {
            Outcome::Dropped(DropReason::UnsupportedByWire)
        } else {
            Outcome::Queued
        };
        assert_eq!(usage.log_usage(ToolCall::new("search")), Outcome::Queued);
        assert_eq!(usage.log_usage(IdentityCapture::new(rachel())), other_kind);
        assert_eq!(usage.log_usage(Init::new(["search", "boom"])), other_kind);
        assert_eq!(
            usage.log_usage(Custom::new("LOGIN_ACTIVITY").identity(rachel())),
            other_kind
        );
        let stats = end(&usage, &ingest);
        let mut kinds: Vec<String> = ingest
            .delivered()
            .iter()
            .map(|e| e.activity().to_owned())
            .collect();
        kinds.sort();
        if is_mcpeye {
            assert_eq!(kinds, ["MCP_TOOL_CALL"]);
            assert_eq!(stats.dropped.get(DropReason::UnsupportedByWire), 3);
        } else {
            assert_eq!(
                kinds,
                [
                    "LOGIN_ACTIVITY",
                    "MCP_IDENTITY_CAPTURE",
                    "MCP_INIT",
                    "MCP_TOOL_CALL"
                ],
                "{name}"
            );
            assert_eq!(stats.dropped.total(), 0);
        }
    }
}

#[test]
fn each_field_has_a_default_of_the_logger_and_the_event_overrides_it() {
    let with_defaults = |b: mcp_usage::Builder| {
        b.product_id("logger-product")
            .source("LOGGER_SOURCE")
            .environment("LOGGER_ENVIRONMENT")
            .user_agent("logger/1.0")
            .ip_addr("192.0.2.1")
            .identity(Identity::github("logger-user"))
            .meta("mode", "logger")
            .meta("region", "eu")
    };
    for wire in [Wire::Reo, Wire::ReoBatch] {
        let plain = arrival(&wire, with_defaults, |usage| {
            usage.log_usage(ToolCall::new("search"));
        });
        for (key, value) in [
            ("product_id", "logger-product"),
            ("source", "LOGGER_SOURCE"),
            ("environment", "LOGGER_ENVIRONMENT"),
            ("user_agent", "logger/1.0"),
            ("ip_addr", "192.0.2.1"),
            ("user_id", "logger-user"),
            ("user_id_type", "GITHUB"),
        ] {
            assert_eq!(plain[key], value, "{key}");
        }
        assert_eq!(
            said(&plain),
            json!({"tool": "search", "mode": "logger", "region": "eu"})
        );

        let own = arrival(&wire, with_defaults, |usage| {
            usage.log_usage(
                ToolCall::new("search")
                    .product_id("event-product")
                    .source("EVENT_SOURCE")
                    .environment("EVENT_ENVIRONMENT")
                    .user_agent("event/2.0")
                    .ip_addr("192.0.2.2")
                    .identity(Identity::linkedin("https://www.linkedin.com/in/event"))
                    .meta("mode", &"event"),
            );
        });
        for (key, value) in [
            ("product_id", "event-product"),
            ("source", "EVENT_SOURCE"),
            ("environment", "EVENT_ENVIRONMENT"),
            ("user_agent", "event/2.0"),
            ("ip_addr", "192.0.2.2"),
            ("user_id", "https://www.linkedin.com/in/event"),
            ("user_id_type", "LINKEDIN"),
        ] {
            assert_eq!(own[key], value, "{key}");
        }
        assert_eq!(
            said(&own),
            json!({"tool": "search", "mode": "event", "region": "eu"})
        );
    }
}

#[test]
fn ids_times_and_session_facts_are_taken_from_the_event() {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_731_000_000_750);
    let event = arrival(
        &Wire::Reo,
        |b| b.session_ids(SessionIds::Raw),
        |usage| {
            usage.log_usage(
                ToolCall::new("search")
                    .event_id(1_731_000_000_123_456_789)
                    .event_at(at)
                    .session_id("session-1")
                    .conversation_id("conversation-1")
                    .client_name("inspector")
                    .client_version("0.9")
                    .protocol_version("2025-06-18")
                    .transport("http")
                    .request_id("7")
                    .traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
                    .prompt("who uses rails?")
                    .intent_source(IntentSource::Native)
                    .outcome(CallOutcome::Ok)
                    .result(&json!({"rows": 3})),
            );
        },
    );
    assert_eq!(event["event_id"], 1_731_000_000_123_456_789_i64);
    assert_eq!(event["event_at"], 1_731_000_000);
    assert_eq!(
        said(&event),
        json!({
            "tool": "search", "outcome": "ok", "prompt": "who uses rails?", "intent_source": "native",
            "session_id": "session-1", "conversation_id": "conversation-1", "client_name": "inspector",
            "client_version": "0.9", "protocol_version": "2025-06-18", "transport": "http", "request_id": "7",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "result": {"rows": 3},
        })
    );
    let event = arrival(
        &mcpeye(),
        |b| b,
        |usage| {
            usage.log_usage(
                ToolCall::new("search")
                    .event_at(at)
                    .identity(Identity::new("u1", "INTERNAL").with_email("a@b.co"))
                    .duration(Duration::from_micros(1_900))
                    .prompt("who?")
                    .intent_source(IntentSource::Parameter)
                    .arguments(&json!({"q": 1}))
                    .result(&json!("fine")),
            );
        },
    );
    assert_eq!(event["timestamp"], 1_731_000_000_750_i64);
    for (key, value) in [
        ("userId", json!("u1")),
        ("userEmail", json!("a@b.co")),
        ("intent", json!("who?")),
        ("intentSource", json!("mcpeye")),
        ("isError", json!(false)),
        ("arguments", json!({"q": 1})),
        ("result", json!("fine")),
    ] {
        assert_eq!(event[key], value, "{key}");
    }
}

#[test]
fn a_session_fills_what_the_event_does_not_say_and_the_logger_what_neither_says() {
    let process = Session::new()
        .client_name("of the logger")
        .client_version("1.0")
        .transport("stdio");
    for wire in [Wire::Reo, Wire::ReoBatch] {
        let event = arrival(
            &wire,
            |b| b.session(process.clone()).session_ids(SessionIds::Raw),
            |usage| {
                let session = Session::new()
                    .session_id("session-1")
                    .client_name("of the session")
                    .transport("");
                usage.log_usage(ToolCall::new("t").session(&session).request_id("7"));
            },
        );
        assert_eq!(
            said(&event),
            json!({
                "tool": "t", "session_id": "session-1", "client_name": "of the session",
                "client_version": "1.0", "transport": "stdio", "request_id": "7",
            })
        );
        // The stranger of a process that is one session has an id of that session.
        let events = arrivals(
            &wire,
            |b| b.session(Session::new().session_id("whole process")),
            |usage| {
                usage.log_usage(ToolCall::new("a"));
                usage.log_usage(ToolCall::new("b"));
                usage.log_usage(ToolCall::new("c").session_id("another"));
            },
        );
        let id = |tool: &str| {
            let event = events.iter().find(|e| e.tool() == Some(tool)).unwrap();
            event.user_id().unwrap().to_owned()
        };
        assert_eq!(id("a"), id("b"));
        assert_ne!(id("a"), "anonymous");
        assert_ne!(id("a"), id("c"));
    }
}

#[test]
fn no_proxy_comes_between_this_machine_and_itself() {
    let ingest = ingest();
    let usage = builder(&ingest)
        .http_client(|client| client.proxy(reqwest::Proxy::all("http://127.0.0.1:9/").unwrap()))
        .build()
        .unwrap();
    usage
        .log_usage_confirmed_blocking(call(1), PATIENCE)
        .unwrap();
    end(&usage, &ingest);
}

#[test]
fn an_error_callback_that_panics_is_counted_and_disturbs_nothing() {
    let ingest = ingest();
    ingest.script([Answer::status(503), Answer::status(400)]);
    let usage = builder(&ingest)
        .max_in_flight(1)
        .on_error(|_| std::panic::resume_unwind(Box::new("a callback of the user's")))
        .build()
        .unwrap();
    for n in 0..3 {
        usage.log_usage(call(n));
    }
    let stats = end(&usage, &ingest);
    assert_eq!((stats.delivered, stats.panics), (2, 2));
}

#[test]
fn a_meta_of_the_users_never_replaces_a_key_of_ours() {
    let event = arrival(
        &Wire::Reo,
        |b| b.meta("outcome", "logger"),
        |usage| {
            usage.log_usage(
                ToolCall::new("search")
                    .meta("tool", &"forged")
                    .meta("session_id", &"forged")
                    .meta("redactions", &"forged")
                    .meta("duration_ms", &1)
                    .meta("again", &1)
                    .meta("again", &2),
            );
        },
    );
    assert_eq!(said(&event), json!({"tool": "search", "again": 2}));
}

#[test]
fn a_failed_call_says_so() {
    for (outcome, is_error) in [
        (CallOutcome::Ok, false),
        (CallOutcome::ToolError, true),
        (CallOutcome::ProtocolError, true),
        (CallOutcome::InputRequired, false),
        (CallOutcome::Task, false),
        (CallOutcome::Cancelled, true),
        (CallOutcome::Timeout, true),
        (CallOutcome::Panicked, true),
        (CallOutcome::Dropped, true),
    ] {
        let log = |usage: &UsageLogger| {
            usage.log_usage(ToolCall::new("t").outcome(outcome).result(&1));
        };
        let event = arrival(&Wire::Reo, |b| b, log);
        assert_eq!(event["meta"]["outcome"], outcome.as_str());
        let event = arrival(&mcpeye(), |b| b, log);
        assert_eq!(event["isError"], is_error, "{outcome:?}");
        assert_eq!(event.get("result").is_none(), is_error, "{outcome:?}");
    }
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(ToolCall::new("t").error("no such thing"));
        },
    );
    assert_eq!(
        said(&event),
        json!({"tool": "t", "outcome": "tool_error", "error": "no such thing"})
    );
}

#[test]
fn strangers_of_different_sessions_stay_apart() {
    for (name, wire) in wires() {
        let events = arrivals(
            &wire,
            |b| b,
            |usage| {
                usage.log_usage(ToolCall::new("t").session_id("one"));
                usage.log_usage(ToolCall::new("t").session_id("two"));
                usage.log_usage(ToolCall::new("t").conversation_id("three"));
                usage.log_usage(
                    ToolCall::new("t")
                        .identity(Identity::anonymous())
                        .session_id("one"),
                );
            },
        );
        assert_eq!(events.len(), 4, "{name}");
        let ids = events.iter().map(|event| event.user_id());
        let mut ids: Vec<_> = ids.map(|id| id.map(str::to_owned)).collect();
        ids.sort();
        ids.dedup();
        // A span of nobody has no user; its session tells it from others.
        match wire {
            Wire::Otlp(_) => assert_eq!(ids, [None]),
            _ => assert_eq!(ids.len(), 3, "{name}: {ids:?}"),
        }
    }
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(ToolCall::new("t"));
        },
    );
    assert_eq!(
        (&event["user_id"], &event["user_id_type"]),
        (&json!("anonymous"), &json!("ANONYMOUS"))
    );
    // Somebody known stays known, whatever the session.
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(ToolCall::new("t").identity(rachel()).session_id("one"));
        },
    );
    assert_eq!(event["user_id"], "rachel@reo.dev");
}

#[test]
fn ids_of_many_threads_are_unique() {
    let ingest = ingest();
    let usage = builder(&ingest).wire(Wire::ReoBatch).build().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for n in 0..250 {
                    usage.log_usage(call(n));
                }
            });
        }
    });
    end(&usage, &ingest);
    let mut ids: Vec<_> = ingest.delivered().into_iter().map(|e| e.id).collect();
    assert_eq!(ids.len(), 2_000);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2_000);
}

#[test]
fn events_keep_their_order_on_the_batch_wires() {
    for wire in [Wire::ReoBatch, mcpeye()] {
        let events = arrivals(
            &wire,
            |b| b.max_in_flight(1).max_batch_events(7),
            |usage| {
                for n in 0..100 {
                    usage.log_usage(ToolCall::new(format!("t{n}")));
                }
            },
        );
        let tools: Vec<_> = events
            .iter()
            .map(|e| e.tool().unwrap().to_owned())
            .collect();
        assert_eq!(tools, (0..100).map(|n| format!("t{n}")).collect::<Vec<_>>());
    }
}

// ---- confirmed ----

#[test]
fn a_confirmed_event_is_ok_when_the_ingest_has_taken_it() {
    for (_, wire) in wires() {
        let ingest = ingest();
        // An hour: nothing but the confirmation itself gets the event out.
        let usage = builder_for(&ingest, &wire)
            .flush_interval(Duration::from_secs(3600))
            .max_event_age(Duration::from_secs(7200))
            .build()
            .unwrap();
        usage
            .log_usage_confirmed_blocking(call(1), PATIENCE)
            .unwrap();
        assert_eq!(ingest.delivered().len(), 1);
        block_on(usage.log_usage_confirmed(call(2), PATIENCE)).unwrap();
        assert_eq!(ingest.delivered().len(), 2);
        assert_eq!(end(&usage, &ingest).delivered, 2);
    }
}

#[test]
fn a_confirmed_event_is_queued_although_nobody_waits() {
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    drop(usage.log_usage_confirmed(call(1), PATIENCE));
    ingest.wait_for_delivered(1, PATIENCE).unwrap();
    end(&usage, &ingest);
}

#[test]
fn a_confirmed_event_tells_why_it_was_dropped() {
    for (status, reason) in [
        (401, DropReason::Unauthorized),
        (400, DropReason::Rejected),
        (413, DropReason::TooLarge),
    ] {
        let ingest = ingest();
        let usage = builder(&ingest).build().unwrap();
        ingest.script([Answer::status(status), Answer::status(status)]);
        let dropped = Err(ConfirmError::Dropped(reason));
        assert_eq!(
            usage.log_usage_confirmed_blocking(call(1), PATIENCE),
            dropped
        );
        assert_eq!(
            block_on(usage.log_usage_confirmed(call(2), PATIENCE)),
            dropped
        );
        assert_eq!(end(&usage, &ingest).dropped.get(reason), 2);
    }
    // At the door: known at once.
    let ingest = ingest();
    let usage = builder_for(&ingest, &mcpeye()).build().unwrap();
    assert_eq!(
        usage.log_usage_confirmed_blocking(Init::new(["a"]), PATIENCE),
        Err(ConfirmError::Dropped(DropReason::UnsupportedByWire))
    );
}

#[test]
fn a_confirmed_event_is_unknown_at_its_deadline_and_may_be_delivered_later() {
    let ingest = ingest();
    let usage = builder(&ingest).request_timeout(PATIENCE).build().unwrap();
    ingest.script([Answer::hang(), Answer::hang()]);
    let short = Duration::from_millis(50);
    let unknown = Err(ConfirmError::Unknown(short));
    assert_eq!(usage.log_usage_confirmed_blocking(call(1), short), unknown);
    assert_eq!(block_on(usage.log_usage_confirmed(call(2), short)), unknown);
    ingest.wait_for_requests(2, PATIENCE).unwrap();
    let stats = usage.stats();
    assert_eq!((stats.pending, stats.delivered), (2, 0));
    ingest.release();
    let stats = end(&usage, &ingest);
    assert_eq!((stats.pending, stats.delivered), (0, 2));
}

#[test]
fn a_confirmed_event_of_a_batch_hears_its_own_end() {
    let ingest = ingest();
    let usage = builder(&ingest).wire(Wire::ReoBatch).build().unwrap();
    ingest.script([Answer::status(503), Answer::reject([41], false)]);
    let refused = usage.log_usage_confirmed(call(1).event_id(41), PATIENCE);
    assert_eq!(
        block_on(refused),
        Err(ConfirmError::Dropped(DropReason::Rejected))
    );
    let taken = usage.log_usage_confirmed(call(2).event_id(42), PATIENCE);
    assert_eq!(block_on(taken), Ok(()));
    end(&usage, &ingest);
}

// ---- flush ----

#[test]
fn a_flush_ends_when_all_that_was_logged_has_arrived() {
    let ingest = ingest();
    let usage = builder(&ingest)
        .wire(Wire::ReoBatch)
        .flush_interval(Duration::from_secs(3600))
        .max_event_age(Duration::from_secs(7200))
        .build()
        .unwrap();
    usage.flush_blocking(PATIENCE).unwrap();
    for n in 0..10 {
        usage.log_usage(call(n));
    }
    usage.flush_blocking(PATIENCE).unwrap();
    assert_eq!(ingest.delivered().len(), 10);
    for n in 0..10 {
        usage.log_usage(call(n));
    }
    block_on(usage.flush(PATIENCE)).unwrap();
    assert_eq!(ingest.delivered().len(), 20);
    end(&usage, &ingest);
}

#[test]
fn a_flush_against_a_hang_ends_at_its_deadline_and_names_what_is_pending() {
    let ingest = ingest();
    let usage = builder(&ingest).request_timeout(PATIENCE).build().unwrap();
    ingest.answer_always(Answer::hang());
    for n in 0..3 {
        usage.log_usage(call(n));
    }
    let short = Duration::from_millis(50);
    assert_eq!(still_pending(usage.flush_blocking(short)), 3);
    let late = block_on(usage.flush(short)).unwrap_err();
    assert_eq!(late.to_string(), "3 events are still pending");
    // Nothing is lost.
    ingest.answer_always(Answer::ok());
    ingest.wait_for_requests(3, PATIENCE).unwrap();
    ingest.release();
    usage.flush_blocking(PATIENCE).unwrap();
    assert_eq!(end(&usage, &ingest).delivered, 3);
}

#[test]
fn a_flush_gets_one_probe_through_a_closed_gate() {
    let ingest = ingest();
    let (builder, errors) = crate::support::errors(
        builder(&ingest)
            .initial_backoff(Duration::from_secs(3600))
            .max_backoff(Duration::from_secs(3600))
            .max_event_age(Duration::from_secs(86_400)),
    );
    let usage = builder.build().unwrap();
    ingest.script([Answer::status(503).retry_after("300")]);
    usage.log_usage(call(1));
    errors.recv_timeout(PATIENCE).unwrap();
    usage.flush_blocking(PATIENCE).unwrap();
    assert_eq!(ingest.delivered().len(), 1);
    assert_eq!(end(&usage, &ingest).requests, 2);
}

#[test]
fn a_flush_does_not_wait_for_what_is_logged_after_it() {
    let ingest = ingest();
    let usage = builder(&ingest)
        .max_in_flight(1)
        .request_timeout(PATIENCE)
        .build()
        .unwrap();
    ingest.script([Answer::ok().held(), Answer::hang()]);
    usage.log_usage(call(1));
    ingest.wait_for_requests(1, PATIENCE).unwrap();
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| usage.flush_blocking(PATIENCE));
        // The second event is queued once the flush has been seen: the flush sealed the first.
        assert_eq!(
            usage.log_usage_confirmed_blocking(call(2), Duration::ZERO),
            Err(ConfirmError::Unknown(Duration::ZERO))
        );
        ingest.release();
        ingest.wait_for_requests(2, PATIENCE).unwrap();
        // Either order of the two is right; what counts is that it ends while the second hangs,
        // or waits for it because it was logged before.
        ingest.release();
        assert_eq!(flush.join().unwrap(), Ok(()));
    });
    end(&usage, &ingest);
}

// ---- disabled ----

#[test]
fn a_disabled_logger_takes_everything_and_does_nothing() {
    let ingest = ingest();
    for usage in [
        UsageLogger::disabled(),
        builder(&ingest).enabled(false).build().unwrap(),
        UsageLogger::builder().env(|_| None).build_or_disabled(),
    ] {
        assert!(!usage.is_enabled());
        assert_eq!(usage.log_usage(call(1)), Outcome::Disabled);
        let mut guard = usage.start_tool_call("search");
        guard.set_error("x");
        assert_eq!(guard.finish(CallOutcome::Ok), Outcome::Disabled);
        assert_eq!(
            usage.log_usage_confirmed_blocking(call(1), PATIENCE),
            Err(ConfirmError::Disabled)
        );
        assert_eq!(
            block_on(usage.log_usage_confirmed(call(1), PATIENCE)),
            Err(ConfirmError::Disabled)
        );
        assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
        assert_eq!(block_on(usage.flush(PATIENCE)), Ok(()));
        usage.set_api_key("test-key-2").unwrap();
        drop(usage.shutdown_on_drop(PATIENCE));
        let report = block_on(usage.shutdown(PATIENCE));
        assert_eq!((report.pending, report.stats), (0, Stats::default()));
        assert_eq!(usage.stats(), Stats::default());
    }
    assert_eq!(ingest.counts().connections, 0);
}

#[test]
fn nothing_is_connected_before_the_first_event() {
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    usage.flush_blocking(PATIENCE).unwrap();
    assert_eq!(usage.stats(), Stats::default());
    let report = usage.shutdown_blocking(PATIENCE);
    assert_eq!(report.stats, Stats::default());
    assert_eq!(ingest.counts().connections, 0);
}

#[test]
fn a_rotated_key_is_used_from_then_on() {
    let ingest = MockIngest::builder().api_key("test-key-2").start().unwrap();
    let usage = builder(&ingest).build().unwrap();
    assert_eq!(
        usage.log_usage_confirmed_blocking(call(1), PATIENCE),
        Err(ConfirmError::Dropped(DropReason::Unauthorized))
    );
    assert!(usage.set_api_key("bad\nkey").is_err());
    usage.set_api_key("test-key-2").unwrap();
    usage
        .log_usage_confirmed_blocking(call(2), PATIENCE)
        .unwrap();
    let stats = end(&usage, &ingest);
    assert_ledger(&stats);
    assert_eq!(
        (stats.delivered, stats.dropped.get(DropReason::Unauthorized)),
        (1, 1)
    );
}

#[test]
fn connections_are_kept_alive() {
    let ingest = ingest();
    let usage = builder(&ingest).max_in_flight(2).build().unwrap();
    for n in 0..50 {
        usage.log_usage(call(n));
    }
    end(&usage, &ingest);
    let counts = ingest.counts();
    assert_eq!(counts.requests, 50);
    assert!(counts.connections <= 4, "{counts:?}");
}

#[test]
fn headers_are_as_the_format_says() {
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire)
            .headers([("X-Tenant", "acme")])
            .build()
            .unwrap();
        usage.log_usage(ToolCall::new("t"));
        end(&usage, &ingest);
        let request = &ingest.requests()[0];
        assert_eq!(request.method, "POST");
        let content_type = match name {
            "otlp" => "application/x-protobuf",
            _ => "application/json",
        };
        assert_eq!(request.header("content-type"), Some(content_type));
        assert_eq!(request.header("x-tenant"), Some("acme"));
        assert_eq!(
            request.header("user-agent"),
            Some(concat!("mcp-usage/", env!("CARGO_PKG_VERSION")))
        );
        const NAMES: [&str; 3] = ["x-api-key", "x-mcpeye-secret", "authorization"];
        let (key, value, path) = match name {
            "mcpeye" => ("x-mcpeye-secret", KEY.to_owned(), "/ingest"),
            "otlp" => ("authorization", format!("Bearer {KEY}"), "/v1/traces"),
            "posthog" => ("none", String::new(), "/batch/"),
            _ => ("x-api-key", KEY.to_owned(), "/api/product/usage"),
        };
        for name in NAMES {
            let expected = (name == key).then_some(&*value);
            assert_eq!(request.header(name), expected, "{name}");
        }
        assert_eq!(request.path, path);
    }
}

#[test]
fn an_init_lists_the_first_tools_and_counts_the_rest() {
    let tools: Vec<String> = (0..250).map(|n| format!("tool_{n}")).collect();
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(Init::new(tools.iter().map(String::as_str)).identity(rachel()));
        },
    );
    let meta = &event["meta"];
    assert_eq!(meta["tools"].as_array().unwrap().len(), 200);
    assert_eq!(
        (&meta["tool_count"], &meta["tools_truncated"]),
        (&json!(250), &json!(50))
    );
    let event: Value = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(Init::new(["search"]).identity(rachel()));
        },
    );
    assert_eq!(said(&event), json!({"tools": ["search"], "tool_count": 1}));
}

//! Logging an event allocates nothing on the caller's thread, once that thread's buffers have their size.
//!
//! A program of its own, since it counts with an allocator of its own.
#![expect(clippy::expect_used, reason = "a test fails loudly")]

use std::time::Duration;

use mcp_usage::testing::MemoryTransport;
use mcp_usage::{
    Builder, CallOutcome, Destination, DropReason, Identity, Otlp, Outcome, PostHog, ToolCall,
    UsageLogger, Wire,
};
use serde_json::value::RawValue;
use serde_json::{Value, json};

const WARM_UP: usize = 20;
const ROUNDS: usize = 50;
/// Fewer than a segment holds, so that segments come back before they are needed.
const EVENTS: usize = 50;

/// Put together here: none stands in the source.
fn key() -> String {
    ["sk", "-", "proj", "-", "4f2c19a07b3e58d6c1f0a9e2b7d43865"].concat()
}

fn typical() -> Value {
    json!({
        "query": "open tickets of customers in north america that mention a late invoice, newest first",
        "customer": {"name": "Ada", "contact": "ada.4f2c1@mail.example.com", "tier": "pro"},
        "continue_with": key(),
        "filters": [{"field": "amount", "op": ">", "value": 125_000}],
        "limit": 25,
        "dry_run": false,
    })
}

fn clean() -> Value {
    json!({"query": "ruby on rails", "limit": 25, "columns": ["name", "domain", "headcount"]})
}

fn logger(wire: Wire) -> UsageLogger {
    builder(wire).build().expect("the settings are sound")
}

fn builder(wire: Wire) -> Builder {
    UsageLogger::builder()
        .env(|_| None)
        .wire(wire)
        .memory_transport(&MemoryTransport::discarding())
        .product_id("test")
}

fn log<T: serde::Serialize + Sync>(usage: &UsageLogger, arguments: &T) -> Outcome {
    log_call(
        usage,
        ToolCall::new("search_documents").identity(Identity::new("user-7", "USER_ID")),
        arguments,
    )
}

fn log_call<'a, T: serde::Serialize + Sync>(
    usage: &UsageLogger,
    call: ToolCall<'a>,
    arguments: &'a T,
) -> Outcome {
    let call = call
        .arguments(arguments)
        .session_id("session-7")
        .client_name("client")
        .duration(Duration::from_micros(5_072))
        .outcome(CallOutcome::Ok);
    usage.log_usage(call)
}

/// A call of somebody anonymous, with values that are left out.
fn log_odd(usage: &UsageLogger) -> Outcome {
    let call = ToolCall::new("search_documents")
        .event_id(0)
        .traceparent("00-1-2-01");
    log_call(usage, call, &0)
}

/// A call that failed, with all that is said of clients, servers and results.
fn log_told(usage: &UsageLogger) -> Outcome {
    let call = ToolCall::new("search_documents")
        .vendor_client("ClaudeCode")
        .oauth_client_id("client-7")
        .server_name("shop")
        .server_version("4.5.6")
        .user_agent("claude-code/2.1")
        .http_version("1.1")
        .client_port(65_123)
        .result_bytes(37)
        .error("unknown field `colour`")
        .refused_arguments(&["colour", "limit"]);
    log_call(usage, call, &0)
}

/// The allocations of this thread in `ROUNDS` rounds, the worker having delivered after each.
fn allocations(usage: &UsageLogger, log: impl Fn(&UsageLogger) -> Outcome) -> u64 {
    let round = || {
        let counted = allocation_counter::measure(|| {
            for _ in 0..EVENTS {
                assert_ne!(log(usage), Outcome::Disabled);
            }
        });
        let delivered = usage.flush_blocking(Duration::from_secs(30));
        delivered.expect("nothing fails");
        counted.count_total
    };
    for _ in 0..WARM_UP {
        round();
    }
    (0..ROUNDS).map(|_| round()).sum()
}

#[test]
fn an_event_in_a_steady_state_allocates_nothing() {
    let text = RawValue::from_string(typical().to_string()).expect("it is JSON");
    let [otlp, posthog] = [Wire::Otlp(Otlp::spans()), Wire::PostHog(PostHog::new())];
    for wire in [Wire::ReoBatch, Wire::Reo, otlp, posthog] {
        let usage = logger(wire.clone());
        let (typical, clean) = (typical(), clean());
        let typical = allocations(&usage, |usage| log(usage, &typical));
        assert_eq!(typical, 0, "typical, {wire:?}");
        let clean = allocations(&usage, |usage| log(usage, &clean));
        assert_eq!(clean, 0, "clean, {wire:?}");
        let text = allocations(&usage, |usage| log(usage, &text));
        assert_eq!(text, 0, "JSON text, {wire:?}");
        assert_eq!(allocations(&usage, log_odd), 0, "odd, {wire:?}");
        assert_eq!(allocations(&usage, log_told), 0, "told, {wire:?}");
        assert_eq!(usage.stats().dropped.total(), 0);
    }
}

#[test]
fn asking_for_consent_allocates_nothing_whatever_the_answer() {
    let usage = builder(Wire::ReoBatch)
        .consent(|identity| identity.id() != "user-8")
        .build()
        .expect("the settings are sound");
    let typical = typical();
    let taken = allocations(&usage, |usage| log(usage, &typical));
    let refused = allocations(&usage, |usage| {
        let call = ToolCall::new("search_documents").identity(Identity::new("user-8", "USER_ID"));
        log_call(usage, call.email("ada@example.com"), &typical)
    });
    assert_eq!((taken, refused), (0, 0));
    let refused = usage.stats().dropped.get(DropReason::NoConsent);
    assert_eq!(refused, ((WARM_UP + ROUNDS) * EVENTS) as u64);
}

#[test]
fn an_event_for_several_destinations_allocates_nothing() {
    let destination =
        |wire| Destination::new(wire).memory_transport(&MemoryTransport::discarding());
    let usage = builder(Wire::ReoBatch)
        .also(destination(Wire::Otlp(Otlp::spans())))
        .also(destination(Wire::PostHog(PostHog::new())))
        .build()
        .expect("the settings are sound");
    let typical = typical();
    assert_eq!(allocations(&usage, |usage| log(usage, &typical)), 0);
    assert_eq!(allocations(&usage, log_told), 0);
    for destination in usage.destinations() {
        assert!(destination.stats().delivered > 0, "{destination:?}");
    }
}

#[test]
fn an_event_that_is_not_taken_allocates_nothing() {
    let off = UsageLogger::disabled();
    let full = UsageLogger::builder()
        .env(|_| None)
        .api_key("test-key-1")
        // Nobody listens on the discard port, so the first event stays.
        .endpoint("http://127.0.0.1:9/")
        .product_id("test")
        .max_queue_events(1)
        .build()
        .expect("the settings are sound");
    let arguments = typical();
    log(&full, &arguments);
    for usage in [off, full] {
        let counted = allocation_counter::measure(|| {
            for _ in 0..1_000 {
                assert_ne!(log(&usage, &arguments), Outcome::Queued);
            }
        });
        assert_eq!(counted.count_total, 0, "{usage:?}");
    }
}

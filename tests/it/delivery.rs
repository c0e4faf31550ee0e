//! What is logged arrives.

use std::time::Duration;

use mcp_usage::{CallOutcome, Identity, IdentityCapture, Outcome, ToolCall, Wire};
use serde_json::json;

use crate::support::{KEY, PATIENCE, builder, ingest};

#[test]
fn an_identity_and_a_call_arrive_on_the_reo_wire() {
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    let rachel = Identity::email("rachel@reo.dev");
    assert_eq!(
        usage.log_usage(IdentityCapture::new(&rachel)),
        Outcome::Queued
    );
    usage.log_usage(
        ToolCall::new("search")
            .identity(&rachel)
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
        call.meta("tool_arguments").unwrap()["query"],
        "mail [REDACTED_EMAIL]"
    );
    assert_eq!(
        call.meta("tool_arguments").unwrap()["password"],
        "[REDACTED_FIELD]"
    );
    assert_eq!(ingest.violations(), Vec::<String>::new());
    let report = usage.shutdown_blocking(PATIENCE);
    assert_eq!(
        (report.stats.offered, report.stats.delivered, report.pending),
        (2, 2, 0)
    );
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
    assert!(ingest.requests().len() < 100, "{}", ingest.requests().len());
    assert_eq!(ingest.violations(), Vec::<String>::new());
    assert_eq!(usage.stats().delivered, 3_000);
    assert_eq!(ingest.requests()[0].header("x-api-key"), Some(KEY));
}

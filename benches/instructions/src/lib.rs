//! What the benches are given: loggers and events.

use mcp_usage::testing::MemoryTransport;
use mcp_usage::{CallOutcome, Identity, Mcpeye, Redactor, ToolCall, UsageLogger, Wire};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::time::Duration;

/// Each bench makes so many calls: one alone would depend on where in a segment it falls.
pub const CALLS: usize = 200;

/// Put together here: none stands in the source.
fn key() -> String {
    ["sk", "-", "proj", "-", "4f2c19a07b3e58d6c1f0a9e2b7d43865"].concat()
}

/// Some 600 bytes, with an e-mail address and a key in them.
pub fn typical() -> Value {
    json!({
        "query": "open tickets of customers in north america that mention a late invoice, newest first, with their history",
        "customer": {"name": "Ada", "contact": "ada.4f2c1@mail.example.com", "tier": "pro"},
        "continue_with": key(),
        "filters": [{"field": "status", "op": "in", "values": ["open", "pending"]}, {"field": "amount", "op": ">", "value": 125_000}],
        "limit": 25,
        "offset": 0,
        "dry_run": false,
        "note": "the weekly report for the platform team, as agreed in the last review; leave out what is archived and what has no owner",
    })
}

/// The same with nothing to redact.
pub fn clean() -> Value {
    let mut arguments = typical();
    arguments["customer"]["contact"] = "ada of mail example com".into();
    arguments["continue_with"] = "the page that comes after this one".into();
    arguments
}

/// Rows of a table: about as many bytes as asked for.
pub fn rows(bytes: usize) -> Value {
    let row = json!({"company": "Example Works", "domain": "example.com", "employees": 1250, "note": "moved to rails"});
    let rows = bytes / (row.to_string().len() + 1);
    json!({"query": "companies that move to rails", "rows": vec![row; rows]})
}

pub fn text(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).expect("it is JSON")
}

/// A logger whose transport forgets, and whose worker looks only when it is told to.
pub fn logger(wire: Wire, redactor: Redactor) -> UsageLogger {
    UsageLogger::builder()
        .env(|_| None)
        .wire(wire)
        .memory_transport(&MemoryTransport::discarding())
        .product_id("bench")
        .redactor(redactor)
        .flush_interval(Duration::from_secs(60))
        .build()
        .expect("the settings are sound")
}

pub fn mcpeye() -> Wire {
    Wire::Mcpeye(Mcpeye::new("bench"))
}

/// The event of every bench.
pub fn call<T: serde::Serialize + Sync>(arguments: &T) -> ToolCall<'_> {
    ToolCall::new("search_documents")
        .identity(Identity::new(
            "user_4f2c19a0-7b3e-58d6-c1f0-a9e2b7d43865",
            "USER_ID",
        ))
        .arguments(arguments)
        .session_id("ses_0193a1b2-7d4e-7c11-9a51-6f2d8e3b4c5d")
        .client_name("claude-desktop")
        .client_version("0.14.7")
        .protocol_version("2026-07-28")
        .duration(Duration::from_micros(5_072_520))
        .outcome(CallOutcome::Ok)
}

/// Until the thread's buffers and the queue's segments have their size.
pub fn warm_up<T: serde::Serialize + Sync>(usage: &UsageLogger, arguments: &T) {
    for _ in 0..3 {
        for _ in 0..CALLS {
            usage.log_usage(call(arguments));
        }
        flush(usage);
    }
}

pub fn flush(usage: &UsageLogger) {
    usage
        .flush_blocking(Duration::from_secs(60))
        .expect("nothing fails");
}

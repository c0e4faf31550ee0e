//! The logger without tokio: plain threads, and waits that block.
//!
//! What it shows: threads that share one logger, a wait for everything queued so far, an event whose arrival is
//! confirmed, and a guard that sends the rest when `main` returns.
//!
//! How to run:
//!
//! ```text
//! cargo run --example plain_thread
//! ```
//!
//! What you should see:
//!
//! ```text
//! three threads have logged 9 calls, and the ingest has 9 events
//! the login is confirmed, and the ingest has 10 events
//! one more is queued; the guard sends it
//! shut down: the ingest has 11 events
//! ```

#![expect(
    clippy::print_stdout,
    reason = "printing what happens is the point; this is no MCP server"
)]

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use mcp_usage::testing::MockIngest;
use mcp_usage::{CallOutcome, Identity, IdentityCapture, ToolCall, UsageLogger};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let ingest = MockIngest::start()?;
    report_usage(&ingest)?;
    println!(
        "shut down: the ingest has {} events",
        ingest.delivered().len()
    );
    match ingest.delivered().len() {
        11 => Ok(()),
        other => Err(format!("11 events were logged, and {other} arrived").into()),
    }
}

/// What a program's `main` would do.
fn report_usage(ingest: &MockIngest) -> Result<(), Box<dyn Error>> {
    let usage = UsageLogger::builder()
        .api_key("demo-key")
        .endpoint(ingest.endpoint())
        .product_id("plain-thread")
        .identity(Identity::anonymous())
        // Ignores this machine's environment. Leave it out in a server, so that its operator can opt out.
        .env(|_| None)
        .build()?;
    let _sends_the_rest = usage.shutdown_on_drop(Duration::from_secs(2));

    thread::scope(|scope| {
        for number in 1..=3 {
            let usage = &usage;
            scope.spawn(move || work(usage, number));
        }
    });
    usage.flush_blocking(Duration::from_secs(5))?;
    println!(
        "three threads have logged 9 calls, and the ingest has {} events",
        ingest.delivered().len()
    );

    let login = IdentityCapture::new(Identity::email("rachel@example.com"));
    usage.log_usage_confirmed_blocking(login, Duration::from_secs(5))?;
    println!(
        "the login is confirmed, and the ingest has {} events",
        ingest.delivered().len()
    );

    usage.log_usage(ToolCall::new("goodbye").outcome(CallOutcome::Ok));
    println!("one more is queued; the guard sends it");
    Ok(())
}

/// A thread that serves three calls.
fn work(usage: &UsageLogger, thread: u32) {
    for item in 1..=3 {
        let began = Instant::now();
        thread::sleep(Duration::from_millis(5));
        usage.log_usage(
            ToolCall::new("count_items")
                .arguments(&json!({"thread": thread, "item": item}))
                .duration(began.elapsed())
                .outcome(CallOutcome::Ok),
        );
    }
}

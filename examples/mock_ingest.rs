//! A mock ingest that prints what arrives.
//!
//! What it shows: what a server would send to the real ingest, one line per event, before any key or account exists.
//! Nothing it receives goes further.
//!
//! How to run (the port is optional, 8787 without):
//!
//! ```text
//! cargo run --example mock_ingest -- 8787
//! ```
//!
//! Then point a server at one of the URLs it prints. It ends with Ctrl-C or, for scripts, when its standard input is not a
//! terminal and closes.
//!
//! What you should see while a server runs:
//!
//! ```text
//! mock ingest on http://127.0.0.1:8787
//!   reo, reo-batch   http://127.0.0.1:8787/api/product/usage
//!   mcpeye           http://127.0.0.1:8787
//! waiting for events; Ctrl-C ends it
//!
//! 17:20:00  rachel@example.com (EMAIL)  MCP_IDENTITY_CAPTURE
//! 17:20:07  rachel@example.com (EMAIL)  MCP_TOOL_CALL  search  ok  12.5 ms  redacted: 2 email, 1 key
//! 17:20:09  rachel@example.com (EMAIL)  MCP_TOOL_CALL  boom  tool_error  0.5 ms  "no such thing"
//! refused with 400: payload.user_id: is missing
//! ```
//!
//! and at the end of its input:
//!
//! ```text
//! 3 events in 4 requests, 3 accepted
//! ```

#![expect(
    clippy::print_stdout,
    reason = "printing what arrives is the point; this is no MCP server"
)]

use std::error::Error;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use mcp_usage::testing::{Counts, MockIngest, ReceivedEvent, ReceivedRequest, ReceivedWire};
use serde_json::Value;

const DEFAULT_PORT: u16 = 8787;
/// How soon a closed standard input is noticed.
const GLANCE: Duration = Duration::from_millis(200);

fn main() -> Result<(), Box<dyn Error>> {
    let port = port_of(std::env::args().skip(1))?;
    let ingest = MockIngest::builder()
        .port(port)
        .start()
        .map_err(|error| format!("port {port}: {error}"))?;
    println!("mock ingest on {}", ingest.origin());
    println!("  reo, reo-batch   {}", ingest.endpoint());
    println!("  mcpeye           {}", ingest.mcpeye_url());
    println!("waiting for events; Ctrl-C ends it\n");

    let over = stdin_closed();
    let mut total = Counts::default();
    loop {
        // Read before the last look, so that what came before the end is still printed.
        let last = over.load(Ordering::Acquire);
        let _ = ingest.wait_for_requests(1, if last { Duration::ZERO } else { GLANCE });
        let received = ingest.take();
        for event in received.events.iter().filter(|event| event.accepted) {
            println!("{}", printable(&line_of(event)));
        }
        for refusal in received.requests.iter().filter_map(refusal) {
            println!("{}", printable(&refusal));
        }
        total.events += received.counts.events;
        total.requests += received.counts.requests;
        total.accepted += received.counts.accepted;
        if last {
            break;
        }
    }
    println!(
        "\n{} events in {} requests, {} accepted",
        total.events, total.requests, total.accepted
    );
    Ok(())
}

fn port_of(mut arguments: impl Iterator<Item = String>) -> Result<u16, String> {
    match (arguments.next(), arguments.next()) {
        (None, _) => Ok(DEFAULT_PORT),
        (Some(port), None) => port
            .parse()
            .map_err(|_| format!("{port:?} is not a port number; usage: mock_ingest [PORT]")),
        (Some(_), Some(_)) => Err("one port at most; usage: mock_ingest [PORT]".to_owned()),
    }
}

/// Becomes true when standard input is closed. A terminal is left alone: reading it would stop a job in the background.
fn stdin_closed() -> Arc<AtomicBool> {
    let closed = Arc::new(AtomicBool::new(false));
    if !io::stdin().is_terminal() {
        let closed = Arc::clone(&closed);
        thread::spawn(move || {
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            closed.store(true, Ordering::Release);
        });
    }
    closed
}

/// Text from the network must not control the terminal.
fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// The time, user, tool, outcome, duration, error and redactions, as far as they are known.
fn line_of(event: &ReceivedEvent) -> String {
    let id = event.user_id().unwrap_or("somebody");
    let kind = event.user_id_type().map(|kind| format!(" ({kind})"));
    let who = format!("{id}{}", kind.unwrap_or_default());
    let mut parts = vec![
        time_of(event),
        format!("{who:<26}"),
        event.activity().to_owned(),
    ];
    if let Some(tool) = event.tool() {
        parts.push(tool.to_owned());
        parts.push(outcome_of(event).to_owned());
    }
    if let Some(duration) = event.duration_ms() {
        parts.push(format!("{duration} ms"));
    }
    if let Some(error) = event.error() {
        parts.push(format!("{error:?}"));
    }
    if let Some(classes) = event.meta("redactions").and_then(Value::as_object) {
        let counts = classes
            .iter()
            .map(|(class, count)| format!("{count} {class}"));
        parts.push(format!(
            "redacted: {}",
            counts.collect::<Vec<_>>().join(", ")
        ));
    }
    parts.join("  ")
}

fn outcome_of(event: &ReceivedEvent) -> &str {
    let failed = event.error().is_some() || event.meta("isError") == Some(&Value::Bool(true));
    let without = if failed { "error" } else { "ok" };
    event
        .meta("outcome")
        .and_then(Value::as_str)
        .unwrap_or(without)
}

/// The time of day, in UTC, at which the event happened.
fn time_of(event: &ReceivedEvent) -> String {
    let seconds = match event.wire {
        ReceivedWire::Mcpeye => event
            .json
            .get("timestamp")
            .and_then(Value::as_i64)
            .map(|millis| millis / 1_000),
        _ => event.json.get("event_at").and_then(Value::as_i64),
    };
    let day = seconds.unwrap_or_default().rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", day / 3_600, day / 60 % 60, day % 60)
}

fn refusal(request: &ReceivedRequest) -> Option<String> {
    match request.status {
        Some(status) if (200..300).contains(&status) => None,
        Some(status) => Some(format!(
            "refused with {status}: {}",
            request.refusal.as_deref().unwrap_or("as scripted")
        )),
        None => Some(String::from("a request broke off")),
    }
}

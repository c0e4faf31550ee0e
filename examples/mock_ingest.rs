//! A mock ingest on a port of its own, which prints what arrives.
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
//! Then point a server at one of the URLs it prints. It ends with Ctrl-C, or when its standard input closes.
//!
//! What you should see, for a server at work:
//!
//! ```text
//! mock ingest on http://127.0.0.1:8787
//!   reo, reo-batch   http://127.0.0.1:8787/api/product/usage
//!   mcpeye           http://127.0.0.1:8787
//! waiting for events; Ctrl-C ends it
//!
//! 17:20:00  rachel@reo.dev (EMAIL)    MCP_IDENTITY_CAPTURE
//! 17:20:07  rachel@reo.dev (EMAIL)    MCP_TOOL_CALL search  ok  12.5 ms  redacted: email 2, key 1
//! 17:20:09  rachel@reo.dev (EMAIL)    MCP_TOOL_CALL boom  tool_error  0.5 ms  "no such thing"
//! refused with 400: payload.user_id: is missing
//!
//! 3 events in 4 requests, 3 accepted
//! ```

#![expect(
    clippy::print_stdout,
    reason = "printing what arrives is the point; this is no MCP server"
)]

use std::error::Error;
use std::io;
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
    let port = std::env::args()
        .nth(1)
        .map_or(Ok(DEFAULT_PORT), |port| port.parse())?;
    let ingest = MockIngest::builder().port(port).start()?;
    println!("mock ingest on {}", ingest.origin());
    println!("  reo, reo-batch   {}", ingest.endpoint());
    println!("  mcpeye           {}", ingest.mcpeye_url());
    println!("waiting for events; Ctrl-C ends it\n");

    let over = Arc::new(AtomicBool::new(false));
    watch_stdin(Arc::clone(&over));
    let (mut events, mut requests, mut accepted) = (0, 0, 0);
    loop {
        // Read before the last look, so that what came before the end is still printed.
        let last = over.load(Ordering::Acquire);
        let _ = ingest.wait_for_requests(1, if last { Duration::ZERO } else { GLANCE });
        let received = ingest.take();
        received
            .events
            .iter()
            .filter(|event| event.accepted)
            .for_each(|event| println!("{}", line_of(event)));
        received
            .requests
            .iter()
            .filter_map(refusal)
            .for_each(|refusal| println!("{refusal}"));
        let Counts {
            events: new_events,
            requests: new_requests,
            accepted: newly_accepted,
            ..
        } = received.counts;
        (events, requests, accepted) = (
            events + new_events,
            requests + new_requests,
            accepted + newly_accepted,
        );
        if last {
            break;
        }
    }
    println!("\n{events} events in {requests} requests, {accepted} accepted");
    Ok(())
}

fn watch_stdin(over: Arc<AtomicBool>) {
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        over.store(true, Ordering::Release);
    });
}

/// Time, who, what, outcome, duration, error, redactions: what is known of them.
fn line_of(event: &ReceivedEvent) -> String {
    let who = match (event.user_id(), event.user_id_type()) {
        (Some(id), Some(kind)) => format!("{id} ({kind})"),
        (Some(id), None) => id.to_owned(),
        (None, _) => String::from("somebody"),
    };
    let mut line = format!("{}  {who:<24}  {}", time_of(event), event.activity());
    if let Some(tool) = event.tool() {
        line.push_str(&format!(" {tool}  {}", outcome_of(event)));
    }
    if let Some(duration) = event.duration_ms() {
        line.push_str(&format!("  {duration} ms"));
    }
    if let Some(error) = event.error() {
        line.push_str(&format!("  {error:?}"));
    }
    if let Some(classes) = event.meta("redactions").and_then(Value::as_object) {
        let counts: Vec<_> = classes
            .iter()
            .map(|(class, count)| format!("{class} {count}"))
            .collect();
        line.push_str(&format!("  redacted: {}", counts.join(", ")));
    }
    line
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

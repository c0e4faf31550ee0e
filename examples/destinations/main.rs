//! One logger, three backends: the same traffic as spans, as PostHog events and in batches, each event captured and
//! redacted once.
//!
//! What it shows: the server and the users of `quickstart`, and a logger with three destinations, each added by a line of
//! the builder. The receivers are mock ingests of the feature `testing`; replace the address of the first by that of a
//! collector, and the key of the second by that of your PostHog project.
//!
//! How to run:
//!
//! ```text
//! cargo run --example destinations
//! ```
//!
//! What you should see: what each receiver got, one line per event side by side, such as
//!
//! ```text
//!   tools/call refund_order     $mcp_tool_call refund_order     MCP_TOOL_CALL refund_order
//! ```
//!
//! then one ledger for each destination. It fails if a ledger does not add up, an event is missing, the destinations have
//! different events, or a secret arrived.

#![expect(
    clippy::print_stdout,
    reason = "it prints what the receivers received; the MCP server speaks HTTP"
)]

#[path = "../quickstart/shop.rs"]
mod shop;
#[path = "../quickstart/traffic.rs"]
mod traffic;

use std::error::Error;
use std::time::Duration;

use mcp_usage::testing::{MockIngest, ReceivedEvent};
use mcp_usage::{Destination, Otlp, PostHog, UsageLogger, Wire};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use traffic::Secrets;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const KEY: &str = "demo-key";
const TITLES: [&str; 3] = ["OTLP: spans", "PostHog: events", "ReoBatch: payloads"];

#[tokio::main]
async fn main() -> Result<()> {
    let start = || MockIngest::builder().api_key(KEY).start();
    let [collector, posthog, own] = [start()?, start()?, start()?];
    let usage = UsageLogger::builder()
        .wire(Wire::Otlp(Otlp::spans()))
        .endpoint(collector.otlp_url())
        .api_key(KEY)
        .also(
            Destination::new(Wire::PostHog(PostHog::new()))
                .endpoint(posthog.posthog_url())
                .api_key(KEY),
        )
        .also(
            Destination::new(Wire::ReoBatch)
                .endpoint(own.endpoint())
                .api_key(KEY),
        )
        .product_id("shop")
        // Ignores this machine's environment. Leave it out in a server, so that its operator can opt out.
        .env(|_| None)
        .build()?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn({
        let usage = usage.clone();
        let stopped = async { stopped.await.unwrap_or_default() };
        async move { shop::serve(&usage, traffic::users(), listener, stopped).await }
    });
    let secrets = Secrets::make();
    traffic::run(&url, &secrets).await?;
    drop(stop);
    server.await??;
    usage.shutdown(Duration::from_secs(5)).await;

    let receivers = [collector, posthog, own];
    print_side_by_side(&receivers)?;
    print_ledgers(&usage);
    check(&usage, &receivers, &secrets)
}

/// Prints what each receiver got of each event, in the order in which a span of it arrived. Fails if one has other events
/// than another.
fn print_side_by_side(receivers: &[MockIngest; 3]) -> Result<()> {
    println!("\nWhat each receiver got\n");
    print_row(TITLES.map(str::to_owned));
    let [spans, events, payloads] = receivers.each_ref().map(MockIngest::delivered);
    for received in &spans {
        let id = number(&received.json, "/attributes/mcp_usage.event_id");
        let posted = events.iter().find(|event| {
            let text = text(&event.json, "/properties/mcp_usage_event_id");
            id.is_some() && text.parse().ok() == id
        });
        let paid = payloads
            .iter()
            .find(|payload| id.is_some() && number(&payload.json, "/event_id") == id);
        let (Some(posted), Some(paid)) = (posted, paid) else {
            return Err(format!("event {id:?} did not come to all").into());
        };
        print_row([span(received), event(posted), payload(paid)]);
    }
    Ok(())
}

fn print_row([one, two, three]: [String; 3]) {
    println!("  {one:<32}  {two:<36}  {three}");
}

fn span(span: &ReceivedEvent) -> String {
    text(&span.json, "/name").to_owned()
}

fn event(event: &ReceivedEvent) -> String {
    let tool = text(&event.json, "/properties/$mcp_tool_name");
    format!("{} {tool}", text(&event.json, "/event"))
}

fn payload(payload: &ReceivedEvent) -> String {
    format!(
        "{} {}",
        payload.activity(),
        payload.tool().unwrap_or_default()
    )
}

fn text<'a>(json: &'a Value, path: &str) -> &'a str {
    json.pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn number(json: &Value, path: &str) -> Option<i64> {
    json.pointer(path)?.as_i64()
}

fn print_ledgers(usage: &UsageLogger) {
    println!("\nA ledger for each destination\n");
    for destination in usage.destinations() {
        println!("  {:<10}  {}", destination.name(), destination.stats());
    }
}

/// Fails if a ledger does not add up, an event is missing or wrong, or a secret arrived.
fn check(usage: &UsageLogger, receivers: &[MockIngest; 3], secrets: &Secrets) -> Result<()> {
    let destinations = usage.destinations();
    if destinations.len() != receivers.len() {
        let count = destinations.len();
        return Err(format!("{count} destinations, not {}", receivers.len()).into());
    }
    for (destination, receiver) in destinations.iter().zip(receivers) {
        let (name, stats) = (destination.name(), destination.stats());
        let came = receiver.delivered().len() as u64;
        let all = [stats.offered, stats.delivered, came];
        if !stats.balances() || all != [traffic::EVENTS; 3] {
            return Err(format!("{name}: {stats}, and {came} came").into());
        }
        if let Some(violation) = receiver.violations().first() {
            return Err(format!("{name} found fault: {violation}").into());
        }
        for request in receiver.requests() {
            let body = String::from_utf8_lossy(&request.body);
            if let Some(secret) = secrets.planted.iter().find(|secret| body.contains(*secret)) {
                return Err(format!("a secret arrived at {name}: {secret}").into());
            }
        }
    }
    println!(
        "\n  They close, and none of the {} secrets arrived anywhere.",
        secrets.planted.len()
    );
    Ok(())
}

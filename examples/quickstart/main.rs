//! One line makes an MCP server report who uses it and how.
//!
//! What it shows: a real MCP server, built on the official `rmcp` crate, over Streamable HTTP with bearer tokens. Two
//! users log in with rmcp's own client, list the tools and call them, once with secrets in the arguments and once with an
//! intent. A stranger tries a wrong token. A mock ingest in the same process receives the events. The server, with the
//! line, is in `shop.rs`; `examples/mcp_server` does the same by hand.
//!
//! How to run:
//!
//! ```text
//! cargo run --example quickstart
//! ```
//!
//! With `--ingest URL --key KEY`, as `cargo run -p usage_server` prints them, the events are also sent there, and appear on
//! its pages.
//!
//! What you should see: a timeline with the stranger, the two logins, the tool list and the seven calls, such as
//!
//! ```text
//!    +87 ms  rachel@example.com  search_orders      ok                0.05 ms  why: find boots that can be returned
//!   +102 ms  rachel@example.com  connect_warehouse  ok                0.05 ms  redacted: 1 email, 2 key, 1 field
//!   +146 ms  rachel@example.com  refund_order       tool_error        0.05 ms  order 1042 is refunded already
//! ```
//!
//! then the callers, what the calls cost a model's context, the call with the secrets as it was sent and as it arrived,
//! and the ledger. The example fails if the numbers of the ledger do not add up, an event is missing or a secret arrived.

#![expect(
    clippy::print_stdout,
    reason = "it prints what the ingest received; the MCP server speaks HTTP"
)]

mod shop;
mod story;
mod traffic;

use std::error::Error;
use std::time::{Duration, Instant};

use mcp_usage::testing::MockIngest;
use mcp_usage::{Destination, UsageLogger, Wire};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use traffic::Secrets;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let elsewhere = elsewhere()?;
    let ingest = MockIngest::builder().api_key("demo-key").start()?;
    let usage = UsageLogger::builder()
        .api_key("demo-key")
        .endpoint(ingest.endpoint())
        .product_id("quickstart")
        // Short, so that the timeline shows when events happen; the default of 1 s makes fewer requests.
        .flush_interval(Duration::from_millis(10))
        // Ignores this machine's environment. Leave it out in a server, so that its operator can opt out.
        .env(|_| None);
    let usage = match &elsewhere {
        Some((url, key)) => usage.also(
            Destination::new(Wire::ReoBatch)
                .endpoint(url.as_str())
                .api_key(key.as_str()),
        ),
        None => usage,
    };
    let usage = usage.build()?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn({
        let usage = usage.clone();
        let users = traffic::users();
        let stopped = async { stopped.await.unwrap_or_default() };
        async move { shop::serve(&usage, users, listener, stopped).await }
    });

    println!("The MCP server:  {url}");
    println!("The mock ingest: {}", ingest.endpoint());
    let began = Instant::now();
    let secrets = Secrets::make();
    traffic::run(&url, &secrets).await?;

    drop(stop);
    server.await??;
    let report = usage.shutdown(Duration::from_secs(5)).await;

    let events = ingest.delivered();
    story::print_timeline(&events, began);
    story::print_callers(&events);
    story::print_costs(&events);
    story::print_both_sides(&secrets.arguments, &events);
    story::print_ledger(&report);
    story::check(&report, &ingest, &secrets.planted)?;
    match elsewhere {
        Some((url, _)) => story::check_elsewhere(&usage, &url),
        None => {
            story::print_what_next();
            Ok(())
        }
    }
}

/// The URL and the key of a second ingest, from the arguments.
fn elsewhere() -> Result<Option<(String, String)>, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Ok(None),
        ["--ingest", url, "--key", key] => Ok(Some(((*url).to_owned(), (*key).to_owned()))),
        _ => Err("usage: quickstart [--ingest URL --key KEY]".into()),
    }
}

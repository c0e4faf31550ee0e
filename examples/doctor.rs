//! Prints a logger's settings and where each came from, whether
//! its ingest can be reached, and the ingest's answer to a marked event.
//!
//! Run it with the environment of your server:
//!
//! ```sh
//! REO_API_KEY=… cargo run --example doctor
//! ```
//!
//! Without a key it starts a mock ingest, so that there is something to see: a list of settings,
//! and `ok` before each finding. It exits with 1 if something prevents events from being delivered.
#![expect(clippy::print_stdout, reason = "an example that prints")]

use std::error::Error;
use std::process::ExitCode;

use mcp_usage::UsageLogger;
use mcp_usage::testing::MockIngest;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let ingest = MockIngest::start()?;
    let has_key = std::env::var_os("REO_API_KEY").is_some();
    if !has_key {
        println!("no REO_API_KEY: this checks a mock ingest\n");
    }
    let builder = || {
        let builder = UsageLogger::builder().product_id("reoWebApp");
        if has_key {
            return builder;
        }
        builder
            .env(|_| None)
            .api_key("test-key-1")
            .endpoint(ingest.endpoint())
    };
    let report = builder().check_blocking();
    println!("{report}");
    if !report.is_healthy() {
        return Ok(ExitCode::FAILURE);
    }
    let usage = builder().build()?;
    let delivery = usage.check_delivery_blocking();
    println!("{delivery}");
    Ok(if delivery.delivered {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

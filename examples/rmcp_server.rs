//! One line that makes an rmcp server report who uses it.
//!
//! What it shows: a server made by rmcp's macros, on stdin and stdout or at an HTTP address, and the line that
//! instruments it. `--plain` leaves the line out, to compare what a client sees.
//!
//! How to run: the `mock_ingest` example in one terminal, this in another.
//!
//! ```text
//! cargo run --example mock_ingest
//! cargo run --features rmcp --example rmcp_server -- --http 127.0.0.1:8931 --ingest http://127.0.0.1:8787/api/product/usage
//! ```
//!
//! Then connect a client to `http://127.0.0.1:8931/mcp`. Without `--http`, have a client start the program.
//!
//! What you should see: each call in the ingest's terminal, with the client, its protocol, and how it ended. Without
//! `--ingest` nothing is reported, and the server is the same. `cargo run -p usage_server` in place of the mock ingest
//! shows it on pages; it prints the key for `--key`.

#![expect(
    clippy::print_stderr,
    reason = "a server's place to talk to a person; stdout is the protocol's"
)]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use mcp_usage::UsageLogger;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::service::ServerInitializeError;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService, stdio};
use rmcp::{ServerHandler, ServiceExt, schemars, tool, tool_handler, tool_router};
use serde::Deserialize;
use tokio::net::TcpListener;

/// The server, which does not know about the logger.
#[derive(Clone)]
struct Adder;

#[derive(Deserialize, schemars::JsonSchema)]
struct Numbers {
    a: i64,
    b: i64,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

#[tool_router]
impl Adder {
    /// Adds two numbers.
    #[tool]
    async fn add(&self, Parameters(Numbers { a, b }): Parameters<Numbers>) -> String {
        a.saturating_add(b).to_string()
    }

    /// Returns a text, and takes no other argument.
    #[tool]
    async fn echo(&self, Parameters(Text { text }): Parameters<Text>) -> String {
        text
    }

    /// Fails.
    #[tool]
    async fn fail(&self) -> Result<String, String> {
        Err("there is nothing to be had".to_owned())
    }
}

#[tool_handler(name = "adder", version = "1.0.0")]
impl ServerHandler for Adder {}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let value = |name: &str| {
        let mut rest = arguments.iter().skip_while(|argument| *argument != name);
        rest.nth(1).cloned()
    };

    let usage = match value("--ingest") {
        Some(ingest) => UsageLogger::builder()
            .api_key(value("--key").unwrap_or_else(|| "demo".to_owned()))
            .endpoint(ingest)
            .product_id("adder")
            .flush_interval(Duration::from_millis(50))
            // An example must also work on a machine that has opted out. Leave this line out in your server.
            .env(|_| None)
            .build()?,
        None => UsageLogger::disabled(),
    };

    match (value("--http"), has("--plain")) {
        // This is the line.
        (None, false) => serve_stdio(usage.instrument(Adder)).await?,
        (None, true) => serve_stdio(Adder).await?,
        (Some(address), false) => {
            // Over HTTP it is in the factory.
            let usage = usage.clone();
            serve_http(&address, move || Ok(usage.instrument(Adder))).await?;
        }
        (Some(address), true) => serve_http(&address, || Ok(Adder)).await?,
    }

    eprintln!("{}", usage.shutdown(Duration::from_secs(5)).await.stats);
    eprintln!(
        "To see it on a page: `cargo run -p usage_server` prints a key; then start this with\n\
         --ingest http://127.0.0.1:8787/api/product/usage --key KEY"
    );
    Ok(())
}

async fn serve_stdio<H: ServerHandler>(server: H) -> Result<(), Box<dyn Error>> {
    match server.serve(stdio()).await {
        Ok(running) => drop(running.waiting().await?),
        // No client has connected.
        Err(ServerInitializeError::ConnectionClosed(_)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

async fn serve_http<H: ServerHandler>(
    address: &str,
    make: impl Fn() -> std::io::Result<H> + Send + Sync + 'static,
) -> std::io::Result<()> {
    let config = StreamableHttpServerConfig::default();
    let sessions = config.cancellation_token.clone();
    let service = StreamableHttpService::new(make, Arc::<LocalSessionManager>::default(), config);
    let listener = TcpListener::bind(address).await?;
    eprintln!("MCP at http://{}/mcp", listener.local_addr()?);
    axum::serve(listener, Router::new().nest_service("/mcp", service))
        .with_graceful_shutdown(async move {
            let _ = tokio::signal::ctrl_c().await;
            // Sessions keep a stream open, for which the server would otherwise wait.
            sessions.cancel();
        })
        .await
}

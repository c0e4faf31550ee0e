//! One line makes an MCP server report who uses it and how.
//!
//! What it shows: a real MCP server, built on the official `rmcp` crate, over Streamable HTTP behind bearer tokens; two
//! users with rmcp's own client, who log in, list the tools and call them, once with secrets in the arguments, once
//! saying what for; a stranger with a wrong token; and what a mock ingest, started beside them, received of it. The
//! server, with the line, is in `shop.rs` beside this file; `examples/mcp_server` does the same by hand.
//!
//! How to run:
//!
//! ```text
//! cargo run --example quickstart
//! ```
//!
//! What you should see: a timeline of the stranger, the two logins, the list of the tools and the seven calls, such as
//!
//! ```text
//!    +87 ms  rachel@example.com  search_orders      ok                0.05 ms  why: find boots that can be returned
//!   +102 ms  rachel@example.com  connect_warehouse  ok                0.05 ms  redacted: 1 email, 2 key, 1 field
//!   +146 ms  rachel@example.com  refund_order       tool_error        0.05 ms  order 1042 is refunded already
//! ```
//!
//! then who called, what the calls cost a model's context, the call with the secrets as it was sent and as it arrived, and the ledger. It fails if the ledger
//! does not close, an event is missing or a secret arrived.

#![expect(
    clippy::print_stdout,
    reason = "it prints what the ingest received; the MCP server speaks HTTP"
)]

mod shop;
mod story;

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue};
use mcp_usage::testing::MockIngest;
use mcp_usage::{Identity, UsageLogger};
use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, Implementation, JsonObject,
    ProtocolVersion,
};
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const RACHEL: &str = "rachel-demo-token";
const OCTOCAT: &str = "octocat-demo-token";

#[tokio::main]
async fn main() -> Result<()> {
    let ingest = MockIngest::builder().api_key("demo-key").start()?;
    let usage = UsageLogger::builder()
        .api_key("demo-key")
        .endpoint(ingest.endpoint())
        .product_id("quickstart")
        // So that events arrive when they happen and the timeline has their times; the default is kinder to a network.
        .flush_interval(Duration::from_millis(10))
        // Whatever this machine's environment says. Leave it out in a server: its users may opt out.
        .env(|_| None)
        .build()?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn({
        let usage = usage.clone();
        let users = HashMap::from([
            (RACHEL, Identity::email("rachel@example.com")),
            (OCTOCAT, Identity::github("octocat")),
        ]);
        let stopped = async { stopped.await.unwrap_or_default() };
        async move { shop::serve(&usage, users, listener, stopped).await }
    });

    println!("The MCP server:  {url}");
    println!("The mock ingest: {}", ingest.endpoint());
    let began = Instant::now();
    let secrets = Secrets::make();
    let stranger = connect(&url, "nobody-knows-me", ClientLifecycleMode::Initialize).await;
    if stranger.is_ok() {
        return Err("the door is open".into());
    }
    tokio::try_join!(rachel(&url, &secrets), octocat(&url))?;

    drop(stop);
    server.await??;
    let report = usage.shutdown(Duration::from_secs(5)).await;

    let events = ingest.delivered();
    story::print_timeline(&events, began);
    story::print_callers(&events);
    story::print_costs(&events);
    story::print_both_sides(&secrets.arguments, &events);
    story::print_ledger(&report);
    story::check(&report, &ingest, &secrets.planted)
}

/// Calls one tool after the other, over a session.
async fn rachel(url: &str, secrets: &Secrets) -> Result<()> {
    let client = connect(url, RACHEL, ClientLifecycleMode::Initialize).await?;
    client.list_all_tools().await?;
    // The tool has no argument `prompt`: it is the instrumentation that asks for it, and takes it out.
    let search = json!({"query": "hiking boots", "prompt": "find boots that can be returned"});
    call(&client, "search_orders", search).await?;
    call(&client, "connect_warehouse", secrets.arguments.clone()).await?;
    call(&client, "refund_order", json!({"number": 1042})).await?;
    client.cancel().await?;
    Ok(())
}

/// Waits for a slow tool, and misspells another. This client speaks the newer protocol, which has no sessions.
async fn octocat(url: &str) -> Result<()> {
    let newer = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    let client = connect(url, OCTOCAT, newer).await?;
    client.list_all_tools().await?;
    call(&client, "export_sales", json!({"month": "2026-10"})).await?;
    call(&client, "search_odrers", json!({"query": "tents"})).await?;
    // The tool calls its argument otherwise, and takes no other.
    call(
        &client,
        "search_orders",
        json!({"query": "tents", "limit": 5}),
    )
    .await?;
    call(&client, "search_orders", json!({"query": "tents"})).await?;
    client.cancel().await?;
    Ok(())
}

type Client = RunningService<RoleClient, ClientConfig>;

async fn connect(url: &str, token: &str, mode: ClientLifecycleMode) -> Result<Client> {
    let config = StreamableHttpClientTransportConfig::with_uri(url).auth_header(token);
    // The server is on this machine, so no proxy can reach it.
    // As products say who they are; an MCP client's name says less.
    let mut product = HeaderMap::new();
    product.insert("x-anthropic-client", HeaderValue::from_static("Quickstart"));
    let http = reqwest::Client::builder()
        .no_proxy()
        .default_headers(product)
        .build()?;
    let transport = StreamableHttpClientTransport::with_client(http, config);
    let name = Implementation::new("quickstart-client", "1.0.0");
    let client = ClientConfig::new(ClientCapabilities::default(), name);
    Ok(client.serve_with_lifecycle(transport, mode).await?)
}

/// Calls a tool. That it may fail is part of the story, and for the ingest to tell.
async fn call(client: &Client, tool: &'static str, arguments: serde_json::Value) -> Result<()> {
    let arguments: JsonObject = serde_json::from_value(arguments)?;
    let request = CallToolRequestParams::new(tool).with_arguments(arguments);
    let _ = client.call_tool(request).await;
    Ok(())
}

/// What must not arrive: made up here, from parts, so that no scanner takes them for real ones.
struct Secrets {
    arguments: serde_json::Value,
    planted: Vec<String>,
}

impl Secrets {
    fn make() -> Self {
        let model_key = ["sk", "ant", "api03", &"Zq7Wm2Xk9Lr4".repeat(3)].join("-");
        let cloud_key = ["AKIA", "Q4ZX7MNP", "W2RK5TLD"].concat();
        let password = ["correct", "horse", "battery"].join(" ");
        let email = ["sam", "example.com"].join("@");
        let arguments = json!({
            "host": "warehouse.example.com",
            "user": email,
            "password": password,
            "note": format!("cloud key {cloud_key}, model key {model_key}"),
        });
        Self {
            arguments,
            planted: vec![model_key, cloud_key, password, email],
        }
    }
}

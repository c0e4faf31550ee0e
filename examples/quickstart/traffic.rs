//! The traffic of the shop: two users with rmcp's own client, and a stranger.

use std::collections::HashMap;
use std::error::Error;

use axum::http::{HeaderMap, HeaderValue};
use mcp_usage::Identity;
use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, Implementation, JsonObject,
    ProtocolVersion,
};
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::json;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// How many events the traffic leads to: seven calls, a login of each user, the list of tools, and the stranger.
pub(crate) const EVENTS: u64 = 11;

const RACHEL: &str = "rachel-demo-token";
const OCTOCAT: &str = "octocat-demo-token";

/// The users that the shop knows, by their tokens.
pub(crate) fn users() -> HashMap<&'static str, Identity<'static>> {
    HashMap::from([
        (RACHEL, Identity::email("rachel@example.com")),
        (OCTOCAT, Identity::github("octocat")),
    ])
}

/// Lets a stranger try to log in, and then the users do their work.
pub(crate) async fn run(url: &str, secrets: &Secrets) -> Result<()> {
    let stranger = connect(url, "nobody-knows-me", ClientLifecycleMode::Initialize).await;
    if stranger.is_ok() {
        return Err("the stranger was let in".into());
    }
    tokio::try_join!(rachel(url, secrets), octocat(url))?;
    Ok(())
}

/// Calls three tools in turn, over a session.
async fn rachel(url: &str, secrets: &Secrets) -> Result<()> {
    let client = connect(url, RACHEL, ClientLifecycleMode::Initialize).await?;
    client.list_all_tools().await?;
    // The tool has no argument `prompt`: the instrumentation asks for it, and removes it.
    let search = json!({"query": "hiking boots", "prompt": "find boots that can be returned"});
    call(&client, "search_orders", search).await?;
    call(&client, "connect_warehouse", secrets.arguments.clone()).await?;
    call(&client, "refund_order", json!({"number": 1042})).await?;
    client.cancel().await?;
    Ok(())
}

/// Waits for a slow tool, and misspells another. This client uses the newer protocol, which has no sessions.
async fn octocat(url: &str) -> Result<()> {
    let newer = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    let client = connect(url, OCTOCAT, newer).await?;
    client.list_all_tools().await?;
    call(&client, "export_sales", json!({"month": "2026-10"})).await?;
    call(&client, "search_odrers", json!({"query": "tents"})).await?;
    // The tool's argument has another name, and the tool accepts no unknown ones.
    let misspelt = json!({"query": "tents", "limit": 5});
    call(&client, "search_orders", misspelt).await?;
    call(&client, "search_orders", json!({"query": "tents"})).await?;
    client.cancel().await?;
    Ok(())
}

type Client = RunningService<RoleClient, ClientConfig>;

async fn connect(url: &str, token: &str, mode: ClientLifecycleMode) -> Result<Client> {
    let config = StreamableHttpClientTransportConfig::with_uri(url).auth_header(token);
    // Products send this header, because an MCP client's name says less.
    let mut product = HeaderMap::new();
    product.insert("x-anthropic-client", HeaderValue::from_static("Quickstart"));
    // The server is on this machine, so no proxy can reach it.
    let http = reqwest::Client::builder()
        .no_proxy()
        .user_agent("quickstart/1.0")
        .default_headers(product)
        .build()?;
    let transport = StreamableHttpClientTransport::with_client(http, config);
    let name = Implementation::new("quickstart-client", "1.0.0");
    let client = ClientConfig::new(ClientCapabilities::default(), name);
    Ok(client.serve_with_lifecycle(transport, mode).await?)
}

/// Calls a tool. Some calls fail on purpose; the ingest shows how they ended.
async fn call(client: &Client, tool: &'static str, arguments: serde_json::Value) -> Result<()> {
    let arguments: JsonObject = serde_json::from_value(arguments)?;
    let request = CallToolRequestParams::new(tool).with_arguments(arguments);
    let _ = client.call_tool(request).await;
    Ok(())
}

/// What must not arrive. The secrets are put together from parts, so that no scanner takes them for real ones.
pub(crate) struct Secrets {
    pub(crate) arguments: serde_json::Value,
    pub(crate) planted: Vec<String>,
}

impl Secrets {
    pub(crate) fn make() -> Self {
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

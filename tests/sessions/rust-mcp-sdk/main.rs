//! A server and a client on rust-mcp-sdk, over stdio, for sessions that are recorded: `rust_mcp_sdk_session`, and
//! `rust_mcp_sdk_session COMMAND...` for the server that it runs.

use std::sync::Arc;

use async_trait::async_trait;
use rust_mcp_sdk::error::SdkResult;
use rust_mcp_sdk::macros::{JsonSchema, mcp_tool};
use rust_mcp_sdk::mcp_client::{
    ClientHandler, McpClientOptions, ToMcpClientHandler, client_runtime,
};
use rust_mcp_sdk::mcp_server::{McpServerOptions, ServerHandler, server_runtime};
use rust_mcp_sdk::schema::schema_utils::CallToolError;
use rust_mcp_sdk::schema::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, Implementation, ListToolsResult,
    ListToolsResultCacheScope, PaginatedRequestParams, RpcError, ServerCapabilities,
    ServerCapabilitiesTools, ServerResult, TextContent,
};
use rust_mcp_sdk::{
    ClientDetails, McpClient, McpServer, RequestContext, ServerDetails, StdioTransport,
    ToMcpServerHandler, TransportOptions,
};
use serde_json::{Value, json};

#[mcp_tool(name = "add", description = "Adds two numbers.")]
#[derive(Debug, serde::Deserialize, serde::Serialize, JsonSchema)]
pub struct Add {
    a: i64,
    b: i64,
}

#[mcp_tool(name = "fail", description = "Fails.")]
#[derive(Debug, serde::Deserialize, serde::Serialize, JsonSchema)]
pub struct Fail {}

struct Orders;

#[async_trait]
impl ServerHandler for Orders {
    async fn handle_list_tools_request(
        &self,
        _: Option<PaginatedRequestParams>,
        _: &RequestContext,
        _: Arc<dyn McpServer>,
    ) -> Result<ListToolsResult, RpcError> {
        Ok(ListToolsResult {
            tools: vec![Add::tool(), Fail::tool()],
            meta: None,
            next_cursor: None,
            cache_scope: ListToolsResultCacheScope::Private,
            result_type: "complete".to_owned(),
            ttl_ms: 0,
        })
    }

    async fn handle_call_tool_request(
        &self,
        call: CallToolRequestParams,
        _: &RequestContext,
        _: Arc<dyn McpServer>,
    ) -> Result<ServerResult, CallToolError> {
        let arguments = Value::Object(call.arguments.unwrap_or_default());
        let text = match &*call.name {
            "add" => {
                let numbers: Add = serde_json::from_value(arguments).map_err(|error| {
                    CallToolError::invalid_arguments("add", Some(error.to_string()))
                })?;
                (numbers.a + numbers.b).to_string()
            }
            "fail" => return Err(CallToolError::from_message("no such order: 42 – ¡ay!")),
            _ => return Err(CallToolError::unknown_tool(call.name)),
        };
        let result = CallToolResult::text_content(vec![TextContent::from(text)]);
        Ok(ServerResult::CallToolResult(result))
    }
}

struct Probe;

impl ClientHandler for Probe {}

fn named(name: &str) -> Implementation {
    Implementation {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        title: None,
        description: None,
        icons: Vec::new(),
        website_url: None,
    }
}

pub async fn serve() -> SdkResult<()> {
    let server_details = ServerDetails {
        server_info: named("orders"),
        capabilities: ServerCapabilities {
            tools: Some(ServerCapabilitiesTools { list_changed: None }),
            ..Default::default()
        },
        instructions: None,
        meta: None,
    };
    let server = server_runtime::create_server(McpServerOptions {
        server_details,
        transport: StdioTransport::new(TransportOptions::default())?,
        handler: Orders.to_mcp_server_handler(),
        message_observer: None,
    });
    server.start().await
}

async fn look(command: &str, arguments: &[String]) -> SdkResult<()> {
    let arguments = arguments.to_vec();
    let options = TransportOptions::default();
    let transport = StdioTransport::create_with_server_launch(command, arguments, None, options)?;
    let details = ClientDetails {
        client_info: named("probe"),
        capabilities: ClientCapabilities::default(),
    };
    let options = McpClientOptions::new(details, transport, Probe.to_mcp_client_handler());
    let client = client_runtime::create_client(options);
    client.clone().start().await?;
    client.request_discover(Default::default()).await?;
    client.request_tool_list(None).await?;
    let call = |name: &str, arguments: Value| {
        client.request_tool_call(CallToolRequestParams {
            name: name.to_owned(),
            arguments: arguments.as_object().cloned(),
            meta: Default::default(),
            input_responses: None,
            request_state: None,
        })
    };
    let add = |a| call("add", json!({"a": a, "b": 1}));
    let _ = tokio::join!(add(0), add(1), add(2));
    for (name, arguments) in [
        ("add", json!({"a": 1, "b": 2, "prompt": "To know the sum"})),
        ("add", json!({"a": "one", "b": 2})),
        ("fail", json!({})),
        ("absent", json!({"prompt": "To see what happens"})),
    ] {
        // How it ends is what is recorded.
        let _ = call(name, arguments).await;
    }
    client.shut_down().await
}

#[tokio::main]
async fn main() -> SdkResult<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, rest)) => look(command, rest).await,
        None => serve().await,
    }
}

//! The server that the real clients and the conformance suite look at: plain, or instrumented.
//!
//! `mcp_fixture [--plain | --no-intent] [--ingest URL] [--http HOST:PORT]`; without `--http`, on stdin and stdout.
//! Its tools, prompts and resources are those the suite's scenarios ask for by name.

#![expect(
    clippy::print_stderr,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program for tests alone; stdout is the protocol's"
)]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use mcp_usage::UsageLogger;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
    ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService, stdio};
use rmcp::{RoleServer, ServerHandler, ServiceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// One red pixel, and a moment of silence.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

#[derive(Clone)]
struct Fixture;

/// Spells a value of the protocol as JSON.
fn made<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).expect("the fixture knows the protocol")
}

/// Spells a result, which says in the newer era that it is complete.
fn result<T: DeserializeOwned>(mut json: Value) -> T {
    json["resultType"] = json!("complete");
    made(json)
}

fn tools() -> Vec<Tool> {
    let none = json!({"type": "object"});
    let text = json!({
        "type": "object", "properties": {"text": {"type": "string"}},
        "required": ["text"], "additionalProperties": false,
    });
    let own = json!({"type": "object", "properties": {"prompt": {"type": "string"}}});
    let dialect = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "$defs": {"address": {"type": "object", "properties": {
            "street": {"type": "string"}, "city": {"type": "string"},
        }}},
        "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
        "additionalProperties": false,
    });
    [
        ("test_simple_text", none.clone()),
        ("test_image_content", none.clone()),
        ("test_audio_content", none.clone()),
        ("test_embedded_resource", none.clone()),
        ("test_multiple_content_types", none.clone()),
        ("test_error_handling", none.clone()),
        ("test_tool_with_progress", none),
        ("strict_text", text),
        ("own_prompt", own),
        ("json_schema_2020_12_tool", dialect),
    ]
    .into_iter()
    .map(|(name, schema)| {
        made(json!({"name": name, "description": "A tool of the fixture.", "inputSchema": schema}))
    })
    .collect()
}

fn embedded() -> Value {
    json!({"type": "resource", "resource": {
        "uri": "test://embedded-resource", "mimeType": "text/plain",
        "text": "This is an embedded resource content.",
    }})
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        made(json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}, "prompts": {}, "resources": {}, "completions": {}},
            "serverInfo": {"name": "fixture", "version": "1.0.0"},
        }))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let text = |text: &str| json!({"type": "text", "text": text});
        let image = json!({"type": "image", "data": PNG, "mimeType": "image/png"});
        let content = match &*request.name {
            "test_simple_text" => json!([text("This is a simple text response for testing.")]),
            "test_image_content" => json!([image]),
            "test_audio_content" => {
                json!([{"type": "audio", "data": WAV, "mimeType": "audio/wav"}])
            }
            "test_embedded_resource" => json!([embedded()]),
            "test_multiple_content_types" => {
                json!([text("Multiple content types test:"), image, embedded()])
            }
            "test_tool_with_progress" => {
                if let Some(token) = context.meta.get_progress_token() {
                    for progress in [0.0, 50.0, 100.0] {
                        let told = ProgressNotificationParam::new(token.clone(), progress)
                            .with_total(100.0);
                        let _ = context.peer.notify_progress(told).await;
                    }
                }
                json!([text("done")])
            }
            "test_error_handling" => {
                let content = json!([text("This tool intentionally returns an error for testing")]);
                return Ok(
                    result::<CallToolResult>(json!({"content": content, "isError": true})).into(),
                );
            }
            "strict_text" | "own_prompt" | "json_schema_2020_12_tool" => {
                let arguments = Value::Object(request.arguments.unwrap_or_default());
                json!([text(&arguments.to_string())])
            }
            _ => return Err(ErrorData::invalid_params("tool not found", None)),
        };
        Ok(result::<CallToolResult>(json!({"content": content})).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let argument =
            |name| json!({"name": name, "description": "An argument.", "required": true});
        Ok(result(json!({"prompts": [
            {"name": "test_simple_prompt", "description": "A prompt."},
            {"name": "test_prompt_with_arguments", "description": "A prompt.",
             "arguments": [argument("arg1"), argument("arg2")]},
            {"name": "test_prompt_with_embedded_resource", "description": "A prompt.",
             "arguments": [argument("resourceUri")]},
            {"name": "test_prompt_with_image", "description": "A prompt."},
        ]})))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = json!(request.arguments);
        let user = |content: Value| json!({"role": "user", "content": content});
        let text = |text: String| json!({"type": "text", "text": text});
        let messages = match &*request.name {
            "test_simple_prompt" => {
                json!([user(text("This is a simple prompt for testing.".into()))])
            }
            "test_prompt_with_arguments" => json!([user(text(format!(
                "Prompt with arguments: arg1='{}', arg2='{}'",
                arguments["arg1"].as_str().unwrap_or_default(),
                arguments["arg2"].as_str().unwrap_or_default()
            )))]),
            "test_prompt_with_embedded_resource" => {
                let mut resource = embedded();
                resource["resource"]["uri"] = arguments["resourceUri"].clone();
                json!([
                    user(resource),
                    user(text("Please process the embedded resource above.".into()))
                ])
            }
            "test_prompt_with_image" => json!([
                user(json!({"type": "image", "data": PNG, "mimeType": "image/png"})),
                user(text("Please analyze the image above.".into())),
            ]),
            _ => return Err(ErrorData::invalid_params("prompt not found", None)),
        };
        Ok(result::<GetPromptResult>(json!({"messages": messages})).into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(result(json!({"resources": [
            {"uri": "test://static-text", "name": "text", "mimeType": "text/plain"},
            {"uri": "test://static-binary", "name": "binary", "mimeType": "image/png"},
        ]})))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(result(json!({"resourceTemplates": [
            {"uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json"},
        ]})))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri;
        let id = uri
            .strip_prefix("test://template/")
            .and_then(|rest| rest.strip_suffix("/data"));
        let content = match (&*uri, id) {
            ("test://static-text", _) => json!({
                "uri": uri, "mimeType": "text/plain",
                "text": "This is the content of the static text resource.",
            }),
            ("test://static-binary", _) => {
                json!({"uri": uri, "mimeType": "image/png", "blob": PNG})
            }
            (_, Some(id)) => json!({
                "uri": uri, "mimeType": "application/json",
                "text": json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")}).to_string(),
            }),
            _ => return Err(ErrorData::resource_not_found("resource not found", None)),
        };
        Ok(result::<ReadResourceResult>(json!({"contents": [content]})).into())
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Ok(result(
            json!({"completion": {"values": ["one"], "total": 1, "hasMore": false}}),
        ))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let value = |name: &str| {
        let mut rest = arguments.iter().skip_while(|argument| *argument != name);
        rest.nth(1).cloned()
    };
    // Instrumented also where nobody takes the events: they are dropped, and the client must not notice.
    let ingest = value("--ingest").unwrap_or_else(|| "http://127.0.0.1:9/".to_owned());
    let usage = UsageLogger::builder()
        .env(|_| None)
        .api_key("test-key-1")
        .endpoint(ingest)
        .product_id("fixture")
        .flush_interval(Duration::from_millis(20))
        .build()?;
    let instrumentation = usage.instrumentation().intent(!has("--no-intent"));
    match (value("--http"), has("--plain")) {
        (None, true) => drop(Fixture.serve(stdio()).await?.waiting().await?),
        (None, false) => {
            let server = instrumentation.instrument(Fixture);
            server.serve(stdio()).await?.waiting().await?;
        }
        (Some(address), true) => serve_http(&address, || Ok(Fixture)).await?,
        (Some(address), false) => {
            serve_http(&address, instrumentation.factory(|| Ok(Fixture))).await?;
        }
    }
    let report = usage.shutdown(Duration::from_secs(2)).await;
    eprintln!("{}", report.stats);
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
            sessions.cancel();
        })
        .await
}

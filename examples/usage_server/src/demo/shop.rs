//! The made-up shop: an MCP server on the official SDK, with the line by which it reports who uses it.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use mcp_usage::{AuthRejected, AuthRejection, Identity, Init, UsageLogger};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    Implementation, JsonObject, ListToolsResult, PaginatedRequestParams, ServerCapabilities,
    ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler};
use serde_json::Value;
use tokio::net::TcpListener;

use super::random::Random;
use super::tools::{self, TOOLS};
use crate::record::Listed;

/// The newest release of the shop.
pub(super) const VERSION: &str = "2.8.0";
/// A call takes no longer, so that somebody who looks sees something.
const LONGEST: Duration = Duration::from_secs(3);

/// Who may come in, by their tokens.
pub(super) struct Door {
    pub(super) usage: UsageLogger,
    pub(super) people: HashMap<String, Identity<'static>>,
    pub(super) expired: HashSet<String>,
}

/// Serves the shop at `/mcp`. It ends when the task does.
pub(super) async fn serve(door: Door, listener: TcpListener) -> io::Result<()> {
    let usage = door.usage.clone();
    let calls = Arc::new(AtomicU64::new(0));
    let shop = move || {
        let shop = Shop {
            calls: calls.clone(),
        };
        // This is the line.
        Ok(usage
            .instrument(shop)
            .sessions(true)
            .missing_capability(true))
    };
    let config = StreamableHttpServerConfig::default();
    let shop = StreamableHttpService::new(shop, Arc::<LocalSessionManager>::default(), config);
    let app = Router::new()
        .nest_service("/mcp", shop)
        .layer(middleware::from_fn_with_state(Arc::new(door), authenticate));
    axum::serve(listener, app).await
}

async fn authenticate(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION);
    let token = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let reason = match token {
        None => AuthRejection::Missing,
        Some(token) if door.expired.contains(token) => AuthRejection::Expired,
        Some(_) => AuthRejection::Invalid,
    };
    match token.and_then(|token| door.people.get(token)) {
        Some(person) => {
            request.extensions_mut().insert(person.clone());
            next.run(request).await
        }
        None => {
            door.usage.log_usage(AuthRejected::new(reason));
            StatusCode::UNAUTHORIZED.into_response()
        }
    }
}

#[derive(Clone)]
struct Shop {
    /// How many calls there were: what makes one call differ from the next.
    calls: Arc<AtomicU64>,
}

impl ServerHandler for Shop {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("shop", VERSION))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(listing()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::Tool::named(name).map(definition)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = tools::Tool::named(&request.name) else {
            return Err(ErrorData::invalid_params("tool not found", None));
        };
        let mut random = Random::new(self.calls.fetch_add(1, Ordering::Relaxed));
        let ms = tool.median_ms * (tool.sigma * random.gauss()).exp();
        tokio::time::sleep(Duration::from_secs_f64(ms / 1e3).min(LONGEST)).await;
        if random.chance(tool.failing) {
            let number = random.between(12, 980).to_string();
            let error = random
                .pick(tool.errors)
                .copied()
                .unwrap_or("it did not work");
            let error = ContentBlock::text(error.replace("{n}", &number));
            return Ok(CallToolResult::error(vec![error]).into());
        }
        let bytes = tool.result_bytes * (0.4 * random.gauss()).exp();
        let result = ContentBlock::text("x".repeat(bytes as usize));
        Ok(CallToolResult::success(vec![result]).into())
    }
}

fn definition(tool: &tools::Tool) -> Tool {
    let schema = match tool.schema() {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    };
    Tool::new(tool.name, tool.description, schema)
}

fn listing() -> Vec<Tool> {
    TOOLS.iter().map(definition).collect()
}

/// What the shop lists, as a logger reports it: so that the month's listings and the shop's are of the same definitions.
///
/// # Errors
///
/// When no file can be written in the directory for temporary ones.
pub(super) async fn listed() -> io::Result<Vec<Listed>> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let file = format!("usage-server-demo-{}.jsonl", u64::from_ne_bytes(random));
    let file = std::env::temp_dir().join(file);
    let usage = UsageLogger::builder()
        .product_id("shop")
        .dry_run(&file)
        .env(|_| None)
        .build()
        .map_err(io::Error::other)?;
    let tools = listing();
    let names = tools.iter().map(|tool| tool.name.to_string());
    let init = tools.iter().fold(Init::new(names), |init, tool| {
        init.definition(&tool.name, tool)
    });
    usage.log_usage(init);
    usage.shutdown(Duration::from_secs(2)).await;
    let written = std::fs::read_to_string(&file);
    let _ = std::fs::remove_file(&file);
    let event: Value = serde_json::from_str(&written?)?;
    let definitions = event
        .pointer("/payload/meta/tool_definitions")
        .and_then(Value::as_array);
    let listed = definitions.into_iter().flatten().filter_map(|definition| {
        let text = |key: &str| definition.get(key).and_then(Value::as_str);
        let bytes = definition.get("bytes").and_then(Value::as_u64);
        Some(Listed {
            tool: text("tool")?.to_owned(),
            definition: text("hash").map(str::to_owned).zip(bytes),
        })
    });
    Ok(listed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_shop_lists_what_the_table_has_with_definitions() {
        let listed = listed().await.unwrap();
        assert_eq!(listed.len(), TOOLS.len());
        for (listed, tool) in listed.iter().zip(&TOOLS) {
            assert_eq!(listed.tool, tool.name);
            let (hash, bytes) = listed.definition.clone().unwrap();
            assert_eq!(hash.len(), 16);
            let json = serde_json::to_string(&definition(tool)).unwrap();
            assert_eq!(bytes, json.len() as u64);
        }
    }
}

//! An MCP server on the official Rust SDK, and the line that makes it report who uses it.
//!
//! The tools do not know about it, and the authentication does what it does anyway: it turns a token into a user.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use mcp_usage::{AuthRejected, AuthRejection, Caller, Identity, UsageLogger};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, schemars, tool, tool_handler, tool_router};
use serde::Deserialize;
use tokio::net::TcpListener;

/// How long an export takes.
const EXPORT_TIME: Duration = Duration::from_millis(300);

/// Serves the shop at `/mcp` to the users, who are identified by their tokens, until `stop` resolves.
pub(crate) async fn serve(
    usage: &UsageLogger,
    users: HashMap<&'static str, Identity<'static>>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let config = StreamableHttpServerConfig::default();
    let sessions = config.cancellation_token.clone();
    let shop = {
        let usage = usage.clone();
        // This is the line: `usage.instrument` around the server.
        move || Ok(usage.instrument(Shop))
    };
    let shop = StreamableHttpService::new(shop, Arc::<LocalSessionManager>::default(), config);
    let door = Arc::new((usage.clone(), users));
    let app = Router::new()
        .nest_service("/mcp", shop)
        .layer(middleware::from_fn_with_state(door, authenticate));
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            stop.await;
            // Sessions keep a stream open, for which the server would otherwise wait.
            sessions.cancel();
        })
        .await
}

type Door = (UsageLogger, HashMap<&'static str, Identity<'static>>);

/// Checks a token, and puts its user where the instrumented server finds it. Replace the list by your own check.
async fn authenticate(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let (usage, users) = &*door;
    let header = request.headers().get(AUTHORIZATION);
    let token = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(user) = token.and_then(|token| users.get(token)) else {
        usage.log_usage(AuthRejected::new(AuthRejection::Invalid));
        return StatusCode::UNAUTHORIZED.into_response();
    };
    // An `Identity` alone is enough. A `Caller` also names the OAuth client that the token was issued to.
    let caller = Caller::new(user.clone()).oauth_client_id("quickstart-app");
    request.extensions_mut().insert(caller);
    next.run(request).await
}

#[derive(Clone)]
struct Shop;

#[tool_handler(name = "shop", version = "1.0.0")]
impl ServerHandler for Shop {}

#[tool_router]
impl Shop {
    /// Finds orders by what was bought.
    #[tool]
    async fn search_orders(&self, Parameters(search): Parameters<Search>) -> String {
        let orders = ["1040", "1041", "1042"].into_iter();
        let found: Vec<_> = orders.take(search.most.unwrap_or(10)).collect();
        format!("orders for {}: {}", search.query, found.join(", "))
    }

    /// Connects the shop to a warehouse.
    #[tool]
    async fn connect_warehouse(&self, Parameters(warehouse): Parameters<Warehouse>) -> String {
        format!("{} is connected", warehouse.host)
    }

    /// Refunds an order.
    #[tool]
    async fn refund_order(&self, Parameters(order): Parameters<Order>) -> Result<String, String> {
        Err(format!("order {} is refunded already", order.number))
    }

    /// Exports a month's sales, which takes a while.
    #[tool]
    async fn export_sales(&self, Parameters(export): Parameters<Export>) -> String {
        tokio::time::sleep(EXPORT_TIME).await;
        format!("{}: 1200 orders", export.month)
    }
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    query: String,
    most: Option<usize>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[expect(dead_code, reason = "a demonstration connects to nothing")]
struct Warehouse {
    host: String,
    user: String,
    password: String,
    note: Option<String>,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Order {
    number: u32,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Export {
    month: String,
}

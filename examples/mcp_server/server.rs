//! The MCP server of a shop, which reports by hand who uses it: the part to copy if you do not want to instrument a
//! server as a whole (`examples/quickstart` does that).
//!
//! Two places report. [`authenticate`] logs each login, and [`Shop::call_tool`] records every call of every tool;
//! the tools themselves do not know about it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HeaderMap, USER_AGENT, WWW_AUTHENTICATE};
use axum::http::{StatusCode, request::Parts};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use mcp_usage::{CallOutcome, Identity, IdentityCapture, ToolCall, UsageLogger};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler, schemars, tool, tool_handler, tool_router};
use serde::Deserialize;
use tokio::net::TcpListener;

/// How long an export takes.
const EXPORT_TIME: Duration = Duration::from_millis(300);

/// The MCP server: the shop's tools, and the logger that records each call.
pub(crate) struct Shop {
    usage: UsageLogger,
    /// The only user on stdio. Over HTTP each request has its own.
    user: Option<Identity<'static>>,
    tools: ToolRouter<Self>,
}

impl Shop {
    pub(crate) fn new(usage: UsageLogger, user: Option<Identity<'static>>) -> Self {
        Self {
            usage,
            user,
            tools: Self::tool_router(),
        }
    }

    /// Says what a call is about: the tool, the user, the client, the session.
    fn describe<'a>(
        &'a self,
        request: &'a CallToolRequestParams,
        context: &'a RequestContext<RoleServer>,
    ) -> ToolCall<'a> {
        let mut call = ToolCall::new(&*request.name)
            .arguments(&request.arguments)
            .request_id(context.id.to_string());
        if let Some(client) = context.client_info() {
            call = call.client_name(client.name).client_version(client.version);
        }
        if let Some(version) = context.protocol_version() {
            call = call.protocol_version(version.to_string());
        }
        let http = context.extensions.get::<Parts>();
        // Read for each request: rmcp does not bind a session to the token that opened it.
        let user = http.map_or(self.user.as_ref(), |http| http.extensions.get());
        if let Some(user) = user {
            call = call.identity(user);
        }
        // An unknown fact is empty, and then absent from the event.
        let header = |name| {
            http.and_then(|http| text(&http.headers, name))
                .unwrap_or_default()
        };
        call.session_id(header("mcp-session-id"))
            .user_agent(header(USER_AGENT.as_str()))
            .transport(if http.is_some() { "http" } else { "stdio" })
    }
}

#[tool_handler(router = self.tools, name = "shop", version = "1.0.0")]
impl ServerHandler for Shop {
    /// Runs a tool and records the call. Written by hand, so that this one place sees all tools; the rest of the trait
    /// comes from the macro.
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let mut call = self
            .usage
            .start_tool_call(self.describe(&request, &context));
        let cancelled = context.ct.clone();

        let context = ToolCallContext::new(self, request, context);
        let response = self.tools.call(context).await;

        let outcome = match &response {
            _ if cancelled.is_cancelled() => CallOutcome::Cancelled,
            Ok(CallToolResponse::Complete(result)) if result.is_error == Some(true) => {
                call.set_error(error_text(result));
                CallOutcome::ToolError
            }
            Ok(CallToolResponse::Complete(result)) => {
                call.set_result(&result.content);
                CallOutcome::Ok
            }
            Ok(CallToolResponse::InputRequired(_)) => CallOutcome::InputRequired,
            Ok(_) => CallOutcome::Task,
            Err(error) => {
                call.set_error(&*error.message);
                CallOutcome::ProtocolError
            }
        };
        call.finish(outcome);
        response
    }
}

#[tool_router]
impl Shop {
    /// Finds orders by what was bought.
    #[tool]
    async fn search_orders(&self, Parameters(search): Parameters<Search>) -> String {
        format!("3 orders for {}: 1040, 1041, 1042", search.query)
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
struct Search {
    query: String,
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

/// Serves the shop at `/mcp` to the holders of the tokens, until `stop` resolves.
pub(crate) async fn serve_http(
    usage: &UsageLogger,
    users: impl IntoIterator<Item = (&str, Identity<'static>)>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let config = StreamableHttpServerConfig::default();
    let sessions = config.cancellation_token.clone();
    let shop = {
        let usage = usage.clone();
        // rmcp makes one for each session, and on the newer protocol one for each request.
        move || Ok(Shop::new(usage.clone(), None))
    };
    let shop = StreamableHttpService::new(shop, Arc::<LocalSessionManager>::default(), config);
    let door = Door {
        usage: usage.clone(),
        users: users
            .into_iter()
            .map(|(token, identity)| (token.to_owned(), User::new(identity)))
            .collect(),
    };
    let app = Router::new()
        .nest_service("/mcp", shop)
        .layer(middleware::from_fn_with_state(Arc::new(door), authenticate));
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            stop.await;
            // Sessions keep a stream open, for which the server would otherwise wait.
            sessions.cancel();
        })
        .await
}

/// The users by their tokens. Replace this list by your own check.
struct Door {
    usage: UsageLogger,
    users: HashMap<String, User>,
}

struct User {
    identity: Identity<'static>,
    logged_in: AtomicBool,
}

impl User {
    fn new(identity: Identity<'static>) -> Self {
        Self {
            identity,
            logged_in: AtomicBool::new(false),
        }
    }
}

/// Turns a bearer token into a user, whom the tools find in the request, and reports a user's first request as a login.
async fn authenticate(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let token = text(request.headers(), AUTHORIZATION.as_str())
        .and_then(|value| value.strip_prefix("Bearer "));
    let Some(user) = token.and_then(|token| door.users.get(token)) else {
        return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response();
    };
    if !user.logged_in.swap(true, Ordering::Relaxed) {
        let agent = text(request.headers(), USER_AGENT.as_str()).unwrap_or("unknown");
        door.usage.log_usage(
            IdentityCapture::new(&user.identity)
                .transport("http")
                .user_agent(agent),
        );
    }
    request.extensions_mut().insert(user.identity.clone());
    next.run(request).await
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn error_text(result: &CallToolResult) -> String {
    let texts: Vec<_> = result
        .content
        .iter()
        .filter_map(|block| Some(block.as_text()?.text.as_str()))
        .collect();
    texts.join("\n")
}

//! A server to instrument, made by rmcp's macros, one written by hand, and clients for them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::serve::ListenerExt;
use mcp_usage::rmcp::Instrumentation;
use mcp_usage::testing::MemoryTransport;
use mcp_usage::testing::contract::{ReceivedWire, check};
use mcp_usage::{Builder, Identity, Stats, UsageLogger, Wire};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ClientConfig,
    ContentBlock, ErrorCode, ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
    Implementation, InputRequiredResult, JsonObject, ListToolsResult, PaginatedRequestParams,
    ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RunningService};
use rmcp::transport::IntoTransport;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{
    ClientLifecycleMode, ClientServiceExt, RoleClient, RoleServer, ServerHandler, ServiceExt,
    schemars, tool, tool_handler, tool_router,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::support::PATIENCE;

/// Lets a test see a tool begin, and lets the tool go on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    pub(crate) entered: Arc<Notify>,
    pub(crate) opened: Arc<Notify>,
}

/// Made by the macros.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) gate: Gate,
    tools: ToolRouter<Self>,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self::with(Gate::default())
    }

    pub(crate) fn with(gate: Gate) -> Self {
        Self {
            gate,
            tools: Self::tool_router(),
        }
    }
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Search {
    query: String,
}

/// Refuses what it does not know.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Closed {
    text: String,
    more: Option<String>,
}

/// As [`Closed`], in the form that strict modes ask for: all is required.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Strict {
    text: String,
}

/// Has a property of the intent's name for itself.
#[derive(Deserialize, schemars::JsonSchema)]
struct Picture {
    prompt: String,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Native {
    /// Why you call this tool; for product analytics.
    intent: String,
    q: String,
}

#[tool_router]
impl Shop {
    /// Searches.
    #[tool]
    async fn search(&self, Parameters(search): Parameters<Search>) -> String {
        format!("hit:{}", search.query)
    }

    /// Takes nothing but texts.
    #[tool]
    async fn closed(&self, Parameters(closed): Parameters<Closed>) -> String {
        closed.text + closed.more.as_deref().unwrap_or_default()
    }

    /// Takes nothing but a text.
    #[tool]
    async fn strict(&self, Parameters(strict): Parameters<Strict>) -> String {
        strict.text
    }

    /// Draws.
    #[tool]
    async fn draw(&self, Parameters(picture): Parameters<Picture>) -> String {
        picture.prompt
    }

    /// Has an intent of its own.
    #[tool]
    async fn native(&self, Parameters(native): Parameters<Native>) -> String {
        format!("{} {}", native.q, native.intent)
    }

    /// Fails.
    #[tool]
    async fn boom(&self) -> Result<String, String> {
        Err("no such thing for bob@example.com".to_owned())
    }

    /// Panics.
    #[tool]
    async fn panic(&self) -> String {
        self.gate.entered.notify_one();
        panic!("a tool of the test's");
    }

    /// Waits until the test opens the gate.
    #[tool]
    async fn wait(&self) -> String {
        self.gate.entered.notify_one();
        self.gate.opened.notified().await;
        "done".to_owned()
    }
}

#[tool_handler(router = self.tools, name = "shop", version = "1.0.0")]
impl ServerHandler for Shop {}

/// Written by hand: no `get_tool`, two pages of tools, arguments as they come, several rounds.
#[derive(Clone)]
pub(crate) struct ByHand {
    pub(crate) tools: Vec<Tool>,
    /// The tools of a first page; the others are on the second.
    pub(crate) first_page: usize,
    /// For resources whose URI says that they wait.
    pub(crate) gate: Gate,
}

impl ByHand {
    pub(crate) fn new(tools: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let tools: Vec<_> = tools
            .into_iter()
            .map(|(name, schema)| {
                let schema: JsonObject = serde_json::from_value(schema).unwrap();
                Tool::new_with_raw(name, None, schema)
            })
            .collect();
        Self {
            first_page: tools.len(),
            tools,
            gate: Gate::default(),
        }
    }
}

impl ServerHandler for ByHand {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            ServerCapabilities::builder()
                .enable_tools()
                .enable_prompts()
                .enable_resources()
                .build(),
        )
        .with_server_info(Implementation::new("by-hand", "1.0.0"))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let (first, second) = self.tools.split_at(self.first_page);
        let mut result = ListToolsResult::default();
        if request.and_then(|request| request.cursor).is_some() {
            result.tools = second.to_vec();
        } else {
            result.tools = first.to_vec();
            result.next_cursor = (!second.is_empty()).then(|| "2".to_owned());
        }
        Ok(result)
    }

    /// Answers with the arguments it was given.
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match &*request.name {
            "ask" if request.input_responses.is_none() && request.request_state.is_none() => {
                let asks = serde_json::from_value(asks()).unwrap();
                Ok(InputRequiredResult::new(Some(asks), Some("r1".to_owned())).into())
            }
            "ask" if request.request_state.as_deref() == Some("r1") => {
                Ok(InputRequiredResult::from_request_state("r2").into())
            }
            "none" => Err(ErrorData::new(
                ErrorCode::METHOD_NOT_FOUND,
                "no tool of that name",
                None,
            )),
            _ => {
                let arguments = Value::Object(request.arguments.unwrap_or_default());
                let text = ContentBlock::text(arguments.to_string());
                Ok(CallToolResult::success(vec![text]).into())
            }
        }
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if request.name == "absent" {
            return Err(ErrorData::invalid_params("no prompt of that name", None));
        }
        if request.name.starts_with("unknown") {
            let message = format!("prompt '{}' not found", request.name);
            return Err(ErrorData::invalid_params(message, None));
        }
        Ok(GetPromptResult::new(Vec::new()).into())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if request.uri.starts_with("waiting") {
            self.gate.entered.notify_one();
            self.gate.opened.notified().await;
        }
        Ok(ReadResourceResult::new(Vec::new()).into())
    }
}

/// What the first round of the tool `ask` asks its client for.
pub(crate) fn asks() -> Value {
    let schema = json!({"type": "object", "properties": {}});
    let ask = json!({"message": "Which order?", "requestedSchema": schema});
    json!({
        "roots": {"method": "roots/list"},
        "order": {"method": "elicitation/create", "params": ask},
    })
}

/// The two eras.
pub(crate) fn eras() -> [(&'static str, ClientLifecycleMode); 2] {
    [("legacy", legacy()), ("modern", modern())]
}

pub(crate) fn legacy() -> ClientLifecycleMode {
    ClientLifecycleMode::Initialize
}

pub(crate) fn modern() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    }
}

pub(crate) type Client = RunningService<RoleClient, ClientConfig>;

pub(crate) fn client_config() -> ClientConfig {
    ClientConfig::new(
        ClientCapabilities::default(),
        Implementation::new("test-client", "7.1"),
    )
}

/// Serves over a stream in memory, and connects a client to it.
pub(crate) async fn over_stream<H: ServerHandler>(
    server: H,
    mode: ClientLifecycleMode,
) -> (Client, JoinHandle<()>) {
    over_wrapped(server, mode, |stream| stream).await
}

/// Serves over what is made of the server's end of a stream in memory, and connects a client to the other.
pub(crate) async fn over_wrapped<H, T, E, A>(
    server: H,
    mode: ClientLifecycleMode,
    wrap: impl FnOnce(DuplexStream) -> T,
) -> (Client, JoinHandle<()>)
where
    H: ServerHandler,
    T: IntoTransport<RoleServer, E, A> + Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
    A: 'static,
{
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let ours = wrap(ours);
    let serving = tokio::spawn(async move {
        if let Ok(running) = server.serve(ours).await {
            let _ = running.waiting().await;
        }
    });
    let client = client_config()
        .serve_with_lifecycle(theirs, mode)
        .await
        .unwrap();
    (client, serving)
}

/// A server over HTTP; the header `x-user` stands for an authenticated user.
pub(crate) struct Http {
    pub(crate) url: String,
    serving: JoinHandle<()>,
}

impl Drop for Http {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(crate) async fn over_http<H: ServerHandler>(
    make: impl Fn() -> io::Result<H> + Send + Sync + 'static,
    config: StreamableHttpServerConfig,
) -> Http {
    let service = StreamableHttpService::new(make, Arc::<LocalSessionManager>::default(), config);
    let app = Router::new()
        .nest_service("/mcp", service)
        .layer(middleware::from_fn(authenticate));
    serve_app(app).await
}

pub(crate) async fn serve_app(app: Router) -> Http {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    // Without it each answer waits for the client's delayed acknowledgement.
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Http { url, serving }
}

pub(crate) async fn authenticate(mut request: Request, next: Next) -> Response {
    let user = request.headers().get("x-user");
    if let Some(user) = user.and_then(|user| user.to_str().ok()) {
        let identity = Identity::new(user.to_owned(), "INTERNAL");
        request.extensions_mut().insert(identity);
    }
    next.run(request).await
}

/// A plain HTTP client.
pub(crate) fn plain_http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub(crate) async fn connect(url: &str, user: Option<&str>, mode: ClientLifecycleMode) -> Client {
    let mut headers = reqwest::header::HeaderMap::new();
    if let Some(user) = user {
        headers.insert("x-user", user.parse().unwrap());
    }
    let http = reqwest::Client::builder()
        .no_proxy()
        .user_agent("test-agent/1.0")
        .default_headers(headers)
        .build()
        .unwrap();
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    let transport = StreamableHttpClientTransport::with_client(http, config);
    client_config()
        .serve_with_lifecycle(transport, mode)
        .await
        .unwrap()
}

pub(crate) fn request(tool: &'static str, arguments: Value) -> CallToolRequestParams {
    let arguments: JsonObject = serde_json::from_value(arguments).unwrap();
    CallToolRequestParams::new(tool).with_arguments(arguments)
}

/// Calls a tool; the text of its answer, or of the error.
pub(crate) async fn call(client: &Client, tool: &'static str, arguments: Value) -> String {
    match client.call_tool(request(tool, arguments)).await {
        Ok(result) => result
            .content
            .iter()
            .filter_map(|block| block.as_text())
            .map(|block| block.text.as_str())
            .collect(),
        Err(error) => error.to_string(),
    }
}

/// A logger whose events are kept.
pub(crate) struct Kept {
    pub(crate) usage: UsageLogger,
    sent: MemoryTransport,
}

impl Kept {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn on(wire: Wire) -> Self {
        Self::with(|builder| builder.wire(wire))
    }

    pub(crate) fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let sent = MemoryTransport::new();
        let builder = UsageLogger::builder()
            .env(|_| None)
            .memory_transport(&sent)
            .product_id("shop")
            .flush_interval(Duration::from_millis(10));
        Self {
            usage: change(builder).build().unwrap(),
            sent,
        }
    }

    pub(crate) fn instrumentation(&self) -> Instrumentation {
        self.usage.instrumentation()
    }

    /// The events so far, once all are sent.
    pub(crate) async fn events(&self) -> Vec<Value> {
        self.usage.flush(PATIENCE).await.unwrap();
        self.sent.events()
    }

    /// The spans so far, on the OTLP wire, once all are sent.
    pub(crate) async fn spans(&self) -> Vec<Value> {
        self.usage.flush(PATIENCE).await.unwrap();
        let bodies = self.sent.bodies().into_iter();
        let bodies = bodies.map(|body| check(&body, ReceivedWire::Otlp).unwrap());
        let spans = bodies.map(|body| body["resourceSpans"][0]["scopeSpans"][0]["spans"].clone());
        let spans = spans.filter_map(|spans| spans.as_array().cloned());
        spans.flatten().collect()
    }

    /// The calls among them.
    pub(crate) async fn calls(&self) -> Vec<Value> {
        let mut events = self.events().await;
        events.retain(is_call);
        events
    }

    /// The `meta` of the one call.
    #[track_caller]
    pub(crate) fn only<'a>(&self, calls: &'a [Value]) -> &'a Value {
        assert_eq!(calls.len(), 1, "{calls:#?}");
        &calls[0]["meta"]
    }

    pub(crate) async fn end(&self) -> Stats {
        let report = self.usage.shutdown(PATIENCE).await;
        assert_eq!(report.pending, 0, "{report:?}");
        crate::support::assert_ledger(&report.stats);
        report.stats
    }
}

/// An event without what varies from one run to the next, and without what integrations that read messages do not say
/// of events other than calls, in the order of its names.
pub(crate) fn steady(mut event: Value) -> Value {
    let is_call = is_call(&event);
    let fields = event.as_object_mut().unwrap();
    for varies in ["event_id", "event_at"] {
        fields.shift_remove(varies);
    }
    if !is_call {
        fields.shift_remove("user_agent");
    }
    let meta = event["meta"].as_object_mut().unwrap();
    let of_logger = ["instance", "sequence"];
    let of_call = ["duration_ms", "session_id", "request_id"];
    for varies in of_logger.into_iter().chain(of_call) {
        meta.shift_remove(varies);
    }
    if !is_call {
        for more in ["era", "client_class", "server_name", "server_version"] {
            meta.shift_remove(more);
        }
    }
    let sorted: std::collections::BTreeMap<String, Value> = serde_json::from_value(event).unwrap();
    serde_json::to_value(sorted).unwrap()
}

pub(crate) fn is_call(event: &Value) -> bool {
    event["activity_type"] == "MCP_TOOL_CALL" || event.get("callId").is_some()
}

/// Waits for a condition that something else brings about.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "nothing happened");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub(crate) fn empty_object() -> Value {
    json!({})
}

//! What a tool call costs more when its server is instrumented.
//!
//! `cargo bench --bench call_tool`. The argument is the size of the arguments as JSON, in bytes. A call goes through
//! `ServerHandler::call_tool` with a context as the HTTP transport makes it; the tool answers at once, and keeps its
//! request, so that freeing it is not measured. `logged` is one `log_usage` of the same event: `instrumented` less
//! `plain` is what the instrumentation costs, less `logged` what it costs beyond its event.
#![expect(clippy::expect_used, reason = "a bench fails loudly")]

use divan::{Bencher, black_box};
use mcp_usage::testing::MemoryTransport;
use mcp_usage::{CallOutcome, ClientClass, Era, Identity, ToolCall, UsageLogger};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock,
    Extensions, Implementation, JsonObject, ListToolsResult, NumberOrString,
    PaginatedRequestParams, RequestMetaObject, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{Peer, RequestContext, serve_directly};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::json;
use std::cell::RefCell;
use std::time::Duration;
use tokio::runtime::Runtime;

const SIZES: [usize; 4] = [1_024, 24 * 1_024, 128 * 1_024, 1_024 * 1_024];

fn main() {
    divan::main();
}

thread_local! {
    static KEPT: RefCell<Option<CallToolRequestParams>> = const { RefCell::new(None) };
}

#[derive(Clone)]
struct Quick;

impl ServerHandler for Quick {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn get_tool(&self, _: &str) -> Option<Tool> {
        Some(Tool::new("quick", "", JsonObject::new()))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::default())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        KEPT.set(Some(request));
        Ok(CallToolResult::success(vec![ContentBlock::text("ok")]).into())
    }
}

/// Arguments of about as many bytes: names, numbers and texts, in rows.
fn arguments(bytes: usize) -> JsonObject {
    let row = json!({"company": "Example Works", "domain": "example.com", "employees": 1250, "note": "moved to rails"});
    let rows = bytes / (row.to_string().len() + 1);
    let arguments = json!({"query": "companies that move to rails", "rows": vec![row; rows]});
    serde_json::from_value(arguments).expect("it is an object")
}

/// A context as the HTTP transport makes it, and the peer it needs.
fn context(runtime: &Runtime) -> RequestContext<RoleServer> {
    let peer: Peer<RoleServer> = runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(1_024);
        let running = serve_directly(Quick, ours, None);
        let peer = running.peer().clone();
        // They are to live as long as the bench.
        tokio::spawn(async move { (running.waiting().await, theirs) });
        peer
    });
    let (mut parts, ()) = http::Request::builder()
        .header("user-agent", "bench/1.0")
        .header("mcp-protocol-version", "2026-07-28")
        .body(())
        .expect("the headers are sound")
        .into_parts();
    parts
        .extensions
        .insert(Identity::email("rachel@example.com"));
    let mut extensions = Extensions::new();
    extensions.insert(parts);
    let mut context = RequestContext::new(NumberOrString::Number(7), peer);
    context.extensions = extensions;
    context.meta = RequestMetaObject::with_client_context(
        rmcp::model::ProtocolVersion::V_2026_07_28,
        Implementation::new("bench-client", "1.0"),
        ClientCapabilities::default(),
    );
    context
}

fn run<H: ServerHandler>(bencher: Bencher<'_, '_>, server: H, arguments: &JsonObject) {
    let runtime = Runtime::new().expect("threads can be had");
    let context = context(&runtime);
    // One thread that does nothing else, as a runtime's worker under load: what is measured is the call.
    let caller = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers");
    bencher
        .with_inputs(|| {
            KEPT.set(None);
            let request = CallToolRequestParams::new("quick").with_arguments(arguments.clone());
            (request, context.clone())
        })
        .bench_local_values(|(request, context)| {
            caller.block_on(server.call_tool(request, context))
        });
}

fn logger() -> UsageLogger {
    UsageLogger::builder()
        .env(|_| None)
        .memory_transport(&MemoryTransport::discarding())
        .product_id("bench")
        .max_queue_events(10_000_000)
        .max_queue_bytes(1 << 30)
        .build()
        .expect("the settings are sound")
}

// One call a sample: the input of the next must not be in the way of this one's memory.
#[divan::bench(args = SIZES, sample_count = 500, sample_size = 1)]
fn plain(bencher: Bencher<'_, '_>, bytes: usize) {
    run(bencher, Quick, &arguments(bytes));
}

#[divan::bench(args = SIZES, sample_count = 500, sample_size = 1)]
fn instrumented(bencher: Bencher<'_, '_>, bytes: usize) {
    let usage = logger();
    run(bencher, usage.instrument(Quick), &arguments(bytes));
    assert_eq!(usage.stats().dropped.total(), 0);
}

/// With an intent: the tool is looked up, its schema read, and the argument taken out.
#[divan::bench(args = SIZES, sample_count = 500, sample_size = 1)]
fn instrumented_and_asked(bencher: Bencher<'_, '_>, bytes: usize) {
    let usage = logger();
    let mut arguments = arguments(bytes);
    arguments.insert("prompt".to_owned(), json!("to see who moves to rails"));
    run(bencher, usage.instrument(Quick), &arguments);
    assert_eq!(usage.stats().dropped.total(), 0);
}

#[divan::bench(args = SIZES, sample_count = 500, sample_size = 1)]
fn logged(bencher: Bencher<'_, '_>, bytes: usize) {
    let usage = logger();
    let arguments = arguments(bytes);
    bencher
        .with_inputs(|| arguments.clone())
        .bench_local_refs(|arguments| {
            let call = ToolCall::new("quick")
                .identity(Identity::email("rachel@example.com"))
                .arguments(&*arguments)
                .duration(Duration::from_millis(1))
                .outcome(CallOutcome::Ok)
                .request_id("7")
                .protocol_version("2026-07-28")
                .client_name("bench-client")
                .client_version("1.0")
                .transport("http")
                .user_agent("bench/1.0")
                .era(Era::Modern)
                .client_class(ClientClass::Unknown);
            black_box(usage.log_usage(call));
        });
    assert_eq!(usage.stats().dropped.total(), 0);
}

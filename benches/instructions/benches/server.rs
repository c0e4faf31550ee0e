//! What a tool call costs, in instructions, plain and instrumented, by the size of its arguments.

use gungraun::prelude::*;
use instructions::{SERVER_CALLS, logger, rows};
use mcp_usage::{Identity, Redactor, Wire};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock,
    Extensions, Implementation, JsonObject, NumberOrString, ProtocolVersion, RequestMetaObject,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, serve_directly};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// Answers at once, and keeps the requests: letting go of a large one is not what is asked here.
#[derive(Clone, Default)]
struct Quick(Arc<Mutex<Vec<CallToolRequestParams>>>);

impl ServerHandler for Quick {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn get_tool(&self, _: &str) -> Option<Tool> {
        Some(Tool::new("quick", "", JsonObject::new()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.0.lock().expect("one thread").push(request);
        Ok(CallToolResult::success(vec![ContentBlock::text("ok")]).into())
    }
}

type Requests = Vec<(CallToolRequestParams, RequestContext<RoleServer>)>;

struct Prepared<H> {
    server: H,
    requests: Requests,
    /// One thread that does nothing else.
    caller: Runtime,
    /// Keeps the peer alive.
    _runtime: Runtime,
}

fn prepared<H: ServerHandler>(server: H, bytes: usize) -> Prepared<H> {
    let runtime = Runtime::new().expect("threads can be had");
    let caller = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers");
    let context = context(&runtime);
    let arguments: JsonObject = serde_json::from_value(rows(bytes)).expect("it is an object");
    let request = CallToolRequestParams::new("quick").with_arguments(arguments);
    // The first calls list the tools and fill what is kept per thread.
    for _ in 0..3 {
        let first = server.call_tool(request.clone(), context.clone());
        caller.block_on(first).expect("the tool answers");
    }
    Prepared {
        server,
        requests: vec![(request, context); SERVER_CALLS],
        caller,
        _runtime: runtime,
    }
}

fn plain(bytes: usize) -> Prepared<impl ServerHandler> {
    prepared(Quick::default(), bytes)
}

fn instrumented(bytes: usize) -> Prepared<impl ServerHandler> {
    let usage = logger(Wire::ReoBatch, Redactor::default());
    prepared(usage.instrument(Quick::default()), bytes)
}

/// A context as the HTTP transport makes it.
fn context(runtime: &Runtime) -> RequestContext<RoleServer> {
    let peer = runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(1_024);
        let running = serve_directly(Quick::default(), ours, None);
        let peer = running.peer().clone();
        tokio::spawn(async move { (running.waiting().await, theirs) });
        peer
    });
    let request = http::Request::builder()
        .header("user-agent", "bench/1.0")
        .header("mcp-protocol-version", "2026-07-28")
        .body(());
    let (mut parts, ()) = request.expect("the headers are sound").into_parts();
    parts
        .extensions
        .insert(Identity::email("rachel@example.com"));
    let mut extensions = Extensions::new();
    extensions.insert(parts);
    let mut context = RequestContext::new(NumberOrString::Number(7), peer);
    context.extensions = extensions;
    context.meta = RequestMetaObject::with_client_context(
        ProtocolVersion::V_2026_07_28,
        Implementation::new("bench-client", "1.0"),
        ClientCapabilities::default(),
    );
    context
}

fn call_all<H: ServerHandler>(prepared: &mut Prepared<H>) {
    for (request, context) in prepared.requests.drain(..) {
        let answer = prepared
            .caller
            .block_on(prepared.server.call_tool(request, context));
        black_box(answer.is_ok());
    }
}

#[library_benchmark]
#[bench::plain_kb_1(plain(1_024))]
#[bench::plain_mb_1(plain(1_024 * 1_024))]
fn call_tool<H: ServerHandler>(mut prepared: Prepared<H>) -> Prepared<H> {
    call_all(&mut prepared);
    prepared
}

#[library_benchmark]
#[bench::kb_1(instrumented(1_024))]
#[bench::kb_24(instrumented(24 * 1_024))]
#[bench::mb_1(instrumented(1_024 * 1_024))]
fn call_tool_instrumented<H: ServerHandler>(mut prepared: Prepared<H>) -> Prepared<H> {
    call_all(&mut prepared);
    prepared
}

library_benchmark_group!(
    name = server,
    benchmarks = [call_tool, call_tool_instrumented]
);
main!(library_benchmark_groups = server);

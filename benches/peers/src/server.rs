//! A tool call through a real rmcp server, plain and instrumented: the part between rmcp's dispatch and the tool.

use crate::contenders::{self, Contender, Settings};
use crate::event::{Arguments, Call, Kind, Workload};
use crate::measure::{Load, Measured, Times};
use mcp_usage::Identity;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock,
    Extensions, Implementation, JsonObject, ListToolsResult, NumberOrString,
    PaginatedRequestParams, ProtocolVersion, RequestMetaObject, ServerCapabilities, ServerConfig,
    Tool,
};
use rmcp::service::{Peer, RequestContext, serve_directly};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Runtime;

const TOOL: &str = "search";

/// Answers at once, and keeps the request: letting go of a large one takes longer than all else here.
#[derive(Debug, Clone, Default)]
struct Quick(Arc<Mutex<Option<CallToolRequestParams>>>);

impl Quick {
    fn keep(&self, request: Option<CallToolRequestParams>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = request;
    }
}

impl ServerHandler for Quick {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn get_tool(&self, _: &str) -> Option<Tool> {
        Some(Tool::new(TOOL, "", JsonObject::new()))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = vec![Tool::new(TOOL, "", JsonObject::new())];
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.keep(Some(request));
        Ok(CallToolResult::success(vec![ContentBlock::text("ok")]).into())
    }
}

pub fn run(load: &Load) -> Measured {
    let settings = Settings {
        url: load.url.clone(),
        queue_events: load.queue_events,
        batch_events: load.batch_events,
    };
    let quick = Quick::default();
    match load.contender {
        Contender::InstrumentedServer => {
            let usage = contenders::usage_logger(&settings);
            measure(load, usage.instrument(quick.clone()), &quick)
        }
        Contender::PosthogServer => {
            let analytics = contenders::posthog_analytics(&settings);
            measure(load, analytics.instrument(quick.clone()), &quick)
        }
        _ => measure(load, quick.clone(), &quick),
    }
}

/// From so many bytes of arguments on each call finds cold caches: the copy of a megabyte, made before the call, pushes all
/// else out of them, so that it is made for smaller arguments, too, or they could not be compared with it.
const COLD_FROM_BYTES: usize = 16 << 10;
const LARGE_BYTES: usize = 1 << 20;

/// `quick` is what `server` has inside.
fn measure<H: ServerHandler>(load: &Load, server: H, quick: &Quick) -> Measured {
    let runtime = Runtime::new().expect("threads can be had");
    let context = context(&runtime);
    // One thread that does nothing else, as a runtime's worker under load.
    let caller = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers");
    let workload = Workload::new(Kind::Typical, load.argument_bytes, 1);
    let requests: Vec<CallToolRequestParams> = workload.calls.iter().map(request).collect();
    let clock = quanta::Clock::new();
    let mut next = requests.iter().cycle();
    let large = match load.argument_bytes {
        COLD_FROM_BYTES..LARGE_BYTES => Workload::new(Kind::Typical, LARGE_BYTES, 1).calls,
        _ => Vec::new(),
    };
    let large = large.first().map(request);
    let mut call = || {
        let request = next.next().expect("there are always more").clone();
        let context = context.clone();
        let copy = black_box(large.clone());
        let start = clock.raw();
        let answer = caller.block_on(server.call_tool(request, context));
        let nanos = clock.delta_as_nanos(start, clock.raw());
        black_box(answer.is_ok());
        quick.keep(None);
        drop(copy);
        u32::try_from(nanos).unwrap_or(u32::MAX)
    };
    for _ in 0..load.warm_up {
        call();
    }
    let times: Vec<u32> = (0..load.events).map(|_| call()).collect();
    Times(times).summary(1, &clock)
}

fn request(call: &Call) -> CallToolRequestParams {
    let arguments = match &call.arguments {
        Arguments::Parsed(tree) => tree.clone(),
        Arguments::Text(_) => call.arguments.to_tree(),
    };
    CallToolRequestParams::new(TOOL).with_arguments(arguments)
}

/// A context as the HTTP transport makes it, and the peer it needs.
fn context(runtime: &Runtime) -> RequestContext<RoleServer> {
    let peer: Peer<RoleServer> = runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(1_024);
        let running = serve_directly(Quick::default(), ours, None);
        let peer = running.peer().clone();
        // They are to live as long as the process.
        tokio::spawn(async move { (running.waiting().await, theirs) });
        peer
    });
    let request = http::Request::builder()
        .header("user-agent", "bench/1.0")
        .header("mcp-protocol-version", "2026-07-28")
        .body(())
        .expect("the headers are sound");
    let (mut parts, ()) = request.into_parts();
    let rachel = Identity::email("rachel@example.com");
    parts.extensions.insert(rachel);
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

//! `posthog-rs`: its client, which redacts nothing, and its feature `mcp`, which redacts on the caller's thread.

use super::library::{Library, Settings};
use crate::event::{Call, PROTOCOL, SDK, SERVER};
use posthog_rs::mcp::{McpAnalytics, ToolCallRequest};
use posthog_rs::{Client, ClientOptionsBuilder, Event};
use rmcp::model::{CallToolResult, ContentBlock};
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

pub struct Events {
    client: Arc<Client>,
    runtime: Runtime,
}

impl Events {
    pub fn new(settings: &Settings) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a thread can be had");
        let mut options = ClientOptionsBuilder::default();
        options
            .api_key("phc_test".to_owned())
            .host(settings.url.clone());
        if let Some(events) = settings.queue_events {
            options.max_queue_size(events);
        }
        if let Some(events) = settings.batch_events {
            options.max_batch_size(events).flush_at(events);
        }
        let options = options.build().expect("the settings are sound");
        let client = Arc::new(runtime.block_on(posthog_rs::client(options)));
        Self { client, runtime }
    }
}

impl Library for Events {
    fn log(&self, call: &Call, marker: &str) -> bool {
        let mut event = Event::new("mcp_tool_call", call.user.as_str());
        let _ = event.insert_prop("call_id", marker);
        let _ = event.insert_prop("session_id", &call.session);
        let _ = event.insert_prop("tool", &call.tool);
        let _ = event.insert_prop("client", call.client);
        let _ = event.insert_prop("client_version", &call.client_version);
        let _ = event.insert_prop("server", SERVER);
        let _ = event.insert_prop("protocol", PROTOCOL);
        let _ = event.insert_prop("sdk", SDK);
        let _ = event.insert_prop("duration_us", call.duration.as_micros() as u64);
        let _ = event.insert_prop("ok", call.ok);
        let _ = event.insert_prop("arguments", &call.arguments);
        self.client.capture(event);
        true
    }

    fn flush(&self) {
        self.runtime.block_on(self.client.flush());
    }

    fn shutdown(&self) {
        self.runtime.block_on(self.client.shutdown());
    }
}

pub struct Mcp {
    events: Events,
    mcp: McpAnalytics,
}

impl Mcp {
    pub fn new(settings: &Settings) -> Self {
        let events = Events::new(settings);
        let mcp = McpAnalytics::new(events.client.clone(), Default::default());
        Self { events, mcp }
    }
}

/// For a server to be instrumented with.
pub fn analytics(settings: &Settings) -> McpAnalytics {
    // Its runtime lives as long as the process.
    let events: &Events = Box::leak(Box::new(Events::new(settings)));
    McpAnalytics::new(events.client.clone(), Default::default())
}

impl Library for Mcp {
    fn log(&self, call: &Call, marker: &str) -> bool {
        // It takes the arguments as its own. It has no place for a result's absence, so that the marker goes there.
        let request = ToolCallRequest::new(call.tool.as_str(), Some(call.arguments.to_tree()));
        let started = self.mcp.start_tool_call(request);
        let _ = started.complete(CallToolResult::success(vec![ContentBlock::text(marker)]));
        true
    }

    fn flush(&self) {
        self.events.flush();
    }

    fn shutdown(&self) {
        self.events.shutdown();
    }
}

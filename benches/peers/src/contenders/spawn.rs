//! What is written in an afternoon: a task and a POST per event. No bound, no batch, no redaction, no end.

use super::library::{Library, Settings};
use crate::event::{Call, PROTOCOL, SDK, SERVER};
use serde_json::json;
use std::sync::Mutex;
use std::time::SystemTime;
use tokio::runtime::{Builder, Handle, Runtime};

pub struct Spawn {
    runtime: Mutex<Option<Runtime>>,
    handle: Handle,
    client: reqwest::Client,
    url: String,
}

impl Spawn {
    pub fn new(settings: &Settings) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads can be had");
        Self {
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            client: reqwest::Client::new(),
            url: format!("{}/ingest", settings.url),
        }
    }
}

impl Library for Spawn {
    fn log(&self, call: &Call, marker: &str) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let event = json!({
            "event": "mcp_tool_call",
            "call_id": marker,
            "timestamp_ms": now.unwrap_or_default().as_millis() as u64,
            "user_id": call.user,
            "session_id": call.session,
            "tool": call.tool,
            "client": call.client,
            "client_version": call.client_version,
            "server": SERVER,
            "protocol": PROTOCOL,
            "sdk": SDK,
            "duration_us": call.duration.as_micros() as u64,
            "ok": call.ok,
            "arguments": call.arguments.to_tree(),
        });
        let (client, url) = (self.client.clone(), self.url.clone());
        self.handle.spawn(async move {
            let _ = client.post(url).json(&event).send().await;
        });
        true
    }

    fn flush(&self) {}

    fn shutdown(&self) {
        if let Ok(Some(runtime)) = self.runtime.lock().map(|mut runtime| runtime.take()) {
            runtime.shutdown_background();
        }
    }
}

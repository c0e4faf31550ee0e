//! `sentry`'s structured logs. Redacts nothing.

use super::library::{Library, Settings};
use crate::event::{Call, PROTOCOL, SDK, SERVER};
use sentry::protocol::{Log, LogAttribute, LogLevel, Map, Value};
use sentry::{Client, ClientOptions, Hub};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Logs go into envelopes of at most so many; the transport's queue counts envelopes.
const LOGS_PER_ENVELOPE: usize = 100;

pub struct Logs(Arc<Client>);

impl Logs {
    pub fn new(settings: &Settings) -> Self {
        let host = settings.url.trim_start_matches("http://");
        let mut options = ClientOptions::new().dsn(&format!("http://key@{host}/1"));
        if let Some(events) = settings.queue_events {
            options = options.transport_channel_capacity(events.div_ceil(LOGS_PER_ENVELOPE) + 1);
        }
        // Ended by `shutdown`, and not by the guard.
        std::mem::forget(sentry::init(options));
        Self(Hub::main().client().expect("it was just made"))
    }
}

impl Library for Logs {
    fn log(&self, call: &Call, marker: &str) -> bool {
        let mut attributes: Map<String, LogAttribute> = Map::new();
        let mut put = |name: &str, value: Value| {
            attributes.insert(name.to_owned(), LogAttribute(value));
        };
        put("call_id", marker.into());
        put("user_id", call.user.as_str().into());
        put("session_id", call.session.as_str().into());
        put("tool", call.tool.as_str().into());
        put("client", call.client.into());
        put("client_version", call.client_version.as_str().into());
        put("server", SERVER.into());
        put("protocol", PROTOCOL.into());
        put("sdk", SDK.into());
        put("duration_us", (call.duration.as_micros() as u64).into());
        put("ok", call.ok.into());
        put("arguments", call.arguments.to_text().into());
        Hub::main().capture_log(Log {
            level: LogLevel::Info,
            body: "mcp_tool_call".to_owned(),
            trace_id: None,
            timestamp: SystemTime::now(),
            severity_number: None,
            attributes,
        });
        true
    }

    fn flush(&self) {
        self.0.flush(Some(Duration::from_secs(30)));
    }

    fn shutdown(&self) {
        self.0.close(None);
    }
}

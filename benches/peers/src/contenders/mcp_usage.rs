//! This crate.

use super::library::{Library, Settings};
use crate::event::{Call, PROTOCOL, SDK, SERVER};
use mcp_usage::testing::MemoryTransport;
use mcp_usage::{
    Builder, CallOutcome, Destination, Identity, Mcpeye, Otlp, Outcome, PostHog, Redactor,
    ToolCall, UsageLogger, Wire,
};
use std::time::Duration;

/// The shutdown's deadline: that which the report is held to.
pub const SHUTDOWN: Duration = Duration::from_secs(2);

struct Ours {
    usage: UsageLogger,
    /// That wire has no place for the request's id: the marker is the result, and every call a success.
    marker_as_result: bool,
}

pub fn batch(settings: &Settings) -> Box<dyn Library> {
    build(sending(settings).wire(Wire::ReoBatch), settings)
}

/// The logger of the batch wire, for a server to be instrumented with.
pub fn usage_logger(settings: &Settings) -> UsageLogger {
    logger(sending(settings).wire(Wire::ReoBatch), settings)
}

pub fn reo(settings: &Settings) -> Box<dyn Library> {
    build(sending(settings).wire(Wire::Reo), settings)
}

pub fn mcpeye(settings: &Settings) -> Box<dyn Library> {
    let wire = Wire::Mcpeye(Mcpeye::new(SERVER));
    let usage = logger(sending(settings).wire(wire), settings);
    Box::new(Ours {
        usage,
        marker_as_result: true,
    })
}

pub fn otlp(settings: &Settings) -> Box<dyn Library> {
    build(sending(settings).wire(spans()), settings)
}

pub fn two(settings: &Settings) -> Box<dyn Library> {
    let builder = sending(settings).wire(Wire::ReoBatch);
    build(builder.also(to(settings, spans())), settings)
}

pub fn three(settings: &Settings) -> Box<dyn Library> {
    let builder = sending(settings).wire(Wire::ReoBatch);
    let posthog = Wire::PostHog(PostHog::new());
    build(
        builder
            .also(to(settings, spans()))
            .also(to(settings, posthog)),
        settings,
    )
}

fn spans() -> Wire {
    Wire::Otlp(Otlp::spans())
}

fn to(settings: &Settings, wire: Wire) -> Destination {
    Destination::new(wire)
        .api_key("test-key-1")
        .endpoint(settings.url.as_str())
}

pub fn discarding(settings: &Settings) -> Box<dyn Library> {
    let builder = UsageLogger::builder().memory_transport(&MemoryTransport::discarding());
    build(builder.wire(Wire::ReoBatch), settings)
}

/// Captures and bounds as always, and looks for no secret.
pub fn rules_off(settings: &Settings) -> Box<dyn Library> {
    let builder = sending(settings).redactor(Redactor::off());
    build(builder.wire(Wire::ReoBatch), settings)
}

pub fn off() -> Box<dyn Library> {
    Box::new(Ours {
        usage: UsageLogger::disabled(),
        marker_as_result: false,
    })
}

fn sending(settings: &Settings) -> Builder {
    UsageLogger::builder()
        .api_key("test-key-1")
        .endpoint(format!("{}/ingest", settings.url))
}

fn build(builder: Builder, settings: &Settings) -> Box<dyn Library> {
    Box::new(Ours {
        usage: logger(builder, settings),
        marker_as_result: false,
    })
}

fn logger(builder: Builder, settings: &Settings) -> UsageLogger {
    let mut builder = builder.env(|_| None).product_id(SERVER).user_agent(SDK);
    if let Some(events) = settings.queue_events {
        // Each event has at most 2 KB here; a queue of fewer has the default bound.
        let bytes = (events * 2_048).max(32 << 20);
        builder = builder.max_queue_events(events).max_queue_bytes(bytes);
    }
    if let Some(events) = settings.batch_events {
        builder = builder.max_batch_events(events);
    }
    builder.build().expect("the settings are sound")
}

impl Library for Ours {
    fn log(&self, call: &Call, marker: &str) -> bool {
        let event = ToolCall::new(call.tool.as_str())
            .identity(Identity::new(call.user.as_str(), "USER_ID"))
            .arguments(&call.arguments)
            .session_id(call.session.as_str())
            .client_name(call.client)
            .client_version(call.client_version.as_str())
            .protocol_version(PROTOCOL)
            .duration(call.duration);
        let outcome = match call.ok {
            true => CallOutcome::Ok,
            false => CallOutcome::ToolError,
        };
        let outcome = self.usage.log_usage(if self.marker_as_result {
            event.result(&marker).outcome(CallOutcome::Ok)
        } else {
            event.request_id(marker).outcome(outcome)
        });
        !matches!(outcome, Outcome::Dropped(_))
    }

    fn flush(&self) {
        let _ = self.usage.flush_blocking(Duration::from_secs(30));
    }

    fn shutdown(&self) {
        self.usage.shutdown_blocking(SHUTDOWN);
    }

    fn lost(&self) -> Option<u64> {
        Some(self.usage.stats().dropped.total())
    }
}

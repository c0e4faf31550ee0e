//! What the benches are given: loggers and events.

#[path = "../../given/instructions.rs"]
mod events;

pub use events::*;

use mcp_usage::limits::Limits;
use mcp_usage::testing::MemoryTransport;
use mcp_usage::{
    Builder, CallOutcome, Destination, Identity, Mcpeye, Otlp, PostHog, Redactor, ToolCall,
    UsageLogger, Wire,
};
use serde_json::Value;
use serde_json::value::RawValue;
use std::hint::black_box;
use std::time::Duration;

/// Each bench makes so many calls: one alone would depend on where in a segment it falls.
pub const CALLS: usize = 200;
/// The same of a bench's calls to a server, which have arguments of up to a megabyte.
pub const SERVER_CALLS: usize = 5;
pub fn text(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).expect("it is JSON")
}

/// A logger whose transport forgets, and whose worker looks only when it is told to.
pub fn logger(wire: Wire, redactor: Redactor) -> UsageLogger {
    build(forgetting(wire, redactor))
}

/// The same, and [`deep`] is written to its end.
pub fn deep_logger(wire: Wire, redactor: Redactor) -> UsageLogger {
    build(forgetting(wire, redactor).limits(Limits::default().max_depth(LEVELS + 2)))
}

/// A logger for so many destinations: batches, spans, and PostHog's events.
pub fn several(destinations: usize) -> UsageLogger {
    let wires = [Wire::Otlp(Otlp::spans()), Wire::PostHog(PostHog::new())];
    let others = wires.into_iter().take(destinations - 1);
    let builder = forgetting(Wire::ReoBatch, Redactor::default());
    build(others.fold(builder, |builder, wire| {
        let forgets = MemoryTransport::discarding();
        builder.also(Destination::new(wire).memory_transport(&forgets))
    }))
}

fn forgetting(wire: Wire, redactor: Redactor) -> Builder {
    UsageLogger::builder()
        .env(|_| None)
        .wire(wire)
        .memory_transport(&MemoryTransport::discarding())
        .product_id("bench")
        .redactor(redactor)
        .flush_interval(Duration::from_secs(60))
}

fn build(builder: Builder) -> UsageLogger {
    builder.build().expect("the settings are sound")
}

pub fn mcpeye() -> Wire {
    Wire::Mcpeye(Mcpeye::new("bench"))
}

/// The event of every bench.
pub fn call<T: serde::Serialize + Sync>(arguments: &T) -> ToolCall<'_> {
    ToolCall::new("search_documents")
        .identity(Identity::new(
            "user_4f2c19a0-7b3e-58d6-c1f0-a9e2b7d43865",
            "USER_ID",
        ))
        .arguments(arguments)
        .session_id("ses_0193a1b2-7d4e-7c11-9a51-6f2d8e3b4c5d")
        .client_name("claude-desktop")
        .client_version("0.14.7")
        .protocol_version("2026-07-28")
        .duration(Duration::from_micros(5_072_520))
        .outcome(CallOutcome::Ok)
}

/// A logger, and the event that it is given again and again.
pub struct Calls<T> {
    usage: UsageLogger,
    arguments: T,
    prompt: Option<String>,
    result: Option<Value>,
}

impl<T: serde::Serialize + Sync> Calls<T> {
    pub fn new(usage: UsageLogger, arguments: T) -> Self {
        Self {
            usage,
            arguments,
            prompt: None,
            result: None,
        }
    }

    pub fn prompt(mut self, prompt: String) -> Self {
        self.prompt = Some(prompt);
        self
    }

    pub fn result(mut self, result: Value) -> Self {
        self.result = Some(result);
        self
    }

    /// Until the thread's buffers and the queue's segments have their size.
    pub fn warm(self) -> Self {
        for _ in 0..3 {
            self.log();
            flush(&self.usage);
        }
        let stats = self.usage.stats();
        assert_eq!(stats.delivered, stats.offered, "{stats:?}");
        self
    }

    pub fn log(&self) {
        for _ in 0..CALLS {
            let mut event = call(black_box(&self.arguments));
            if let Some(prompt) = &self.prompt {
                event = event.prompt(prompt);
            }
            if let Some(result) = &self.result {
                event = event.result(result);
            }
            black_box(self.usage.log_usage(event));
        }
    }
}

pub fn flush(usage: &UsageLogger) {
    usage
        .flush_blocking(Duration::from_secs(60))
        .expect("nothing fails");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_hold_as_many_secrets_as_they_are_for() {
        for (event, arguments, secrets) in [
            ("typical", typical(), 2),
            ("clean", clean(), 0),
            ("names", names(), 6),
            ("secrets", secrets(), 6),
            ("log", log(4_000), 0),
            ("answer", answer(4_000), 0),
            ("deep", deep(), 0),
            ("rows", rows(1_024), 0),
        ] {
            let sent = mcp_usage::redact_value(&arguments).to_string();
            assert_eq!(
                sent.matches("[REDACTED").count(),
                secrets,
                "{event}: {sent}"
            );
        }
        assert_eq!(mcp_usage::redact_str(&prose(6_000)), prose(6_000));
    }
}

//! What the caller pays for one event: switched off, accepted, and with a full queue.
//!
//! `cargo bench --bench log_usage`. The accepted events go to a transport that forgets them, so
//! that the figures are the caller's alone; a second thread, the worker, frames them meanwhile.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench fails loudly"
)]

#[path = "given/log_usage.rs"]
mod given;

use divan::{Bencher, counter::ItemsCount};
use mcp_usage::testing::MemoryTransport;
use mcp_usage::{Identity, Redactor, ToolCall, UsageLogger, Wire};
use serde_json::value::RawValue;
use std::time::Duration;

use crate::given::{arguments, clean_arguments};

fn main() {
    divan::main();
}

fn call(arguments: &impl_serialize::Json) -> ToolCall<'_> {
    ToolCall::new("execute_open_data_query")
        .identity(Identity::email("rachel@example.com"))
        .arguments(arguments)
        .session_id("0193a1b2-7d4e-7c11-9a51-6f2d8e3b4c5d")
        .client_name("claude-code")
        .client_version("2.1.0")
        .duration(Duration::from_micros(5_072_520))
}

/// One type for parsed arguments and for JSON text.
mod impl_serialize {
    /// Arguments as a server holds them.
    #[derive(Debug, serde::Serialize)]
    #[serde(untagged)]
    pub(crate) enum Json {
        /// Parsed.
        Tree(serde_json::Value),
        /// As they came.
        Text(Box<serde_json::value::RawValue>),
    }
}

fn logger(redactor: Redactor) -> UsageLogger {
    UsageLogger::builder()
        .env(|_| None)
        .wire(Wire::ReoBatch)
        .memory_transport(&MemoryTransport::discarding())
        .product_id("bench")
        .redactor(redactor)
        .max_queue_events(1_000_000)
        .max_queue_bytes(1 << 30)
        .build()
        .expect("the settings are sound")
}

#[divan::bench]
fn disabled(bencher: Bencher<'_, '_>) {
    let usage = UsageLogger::disabled();
    let arguments = impl_serialize::Json::Tree(arguments());
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench(|| usage.log_usage(call(&arguments)));
}

#[divan::bench(args = ["typical", "clean", "text", "no_redactor"], sample_count = 1_000, sample_size = 100)]
fn accepted(bencher: Bencher<'_, '_>, kind: &str) {
    let usage = logger(if kind == "no_redactor" {
        Redactor::off()
    } else {
        Redactor::default()
    });
    let arguments = match kind {
        "clean" => impl_serialize::Json::Tree(clean_arguments()),
        "text" => impl_serialize::Json::Text(
            RawValue::from_string(arguments().to_string()).expect("it is JSON"),
        ),
        _ => impl_serialize::Json::Tree(arguments()),
    };
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench(|| usage.log_usage(call(&arguments)));
    let stats = usage.stats();
    assert_eq!(stats.dropped.total(), 0, "the queue was full: {stats:?}");
}

#[divan::bench]
fn full(bencher: Bencher<'_, '_>) {
    // Nobody listens on the discard port, so the first events stay and the queue is full.
    let usage = UsageLogger::builder()
        .env(|_| None)
        .api_key("test-key-1")
        .endpoint("http://127.0.0.1:9/")
        .product_id("bench")
        .max_queue_events(1)
        .build()
        .expect("the settings are sound");
    let arguments = impl_serialize::Json::Tree(arguments());
    let _ = usage.log_usage(call(&arguments));
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench(|| usage.log_usage(call(&arguments)));
}

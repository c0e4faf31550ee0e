//! What the worker pays: events queued, framed into batches and handed to a transport that forgets
//! them.
//!
//! `cargo bench --bench framing`. The argument is the number of events in a batch; the time is that
//! of 10 000 events, queueing included.
#![expect(clippy::expect_used, reason = "a bench fails loudly")]

use divan::{Bencher, counter::ItemsCount};
use mcp_usage::testing::MemoryTransport;
use mcp_usage::{ToolCall, UsageLogger, Wire};
use serde_json::json;
use std::time::Duration;

const EVENTS: u32 = 10_000;

fn main() {
    divan::main();
}

#[divan::bench(args = [1, 10, 100, 500, 1_000], sample_count = 20)]
fn batches(bencher: Bencher<'_, '_>, batch: usize) {
    let usage = UsageLogger::builder()
        .env(|_| None)
        .wire(Wire::ReoBatch)
        .memory_transport(&MemoryTransport::discarding())
        .product_id("bench")
        .max_queue_events(2 * EVENTS as usize)
        .max_batch_events(batch)
        .build()
        .expect("the settings are sound");
    let arguments = json!({"query": "ruby on rails", "limit": 10});
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        for _ in 0..EVENTS {
            let _ = usage.log_usage(ToolCall::new("search").arguments(&arguments));
        }
        usage
            .flush_blocking(Duration::from_secs(60))
            .expect("nothing fails");
    });
    assert_eq!(usage.stats().dropped.total(), 0);
}

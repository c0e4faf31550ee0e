//! What `log_usage` costs its caller, in instructions: accepted, switched off, with a full queue.

use gungraun::prelude::*;
use instructions::{CALLS, call, clean, logger, text, typical, warm_up};
use mcp_usage::{Redactor, UsageLogger, Wire};
use serde_json::Value;
use serde_json::value::RawValue;
use std::hint::black_box;

fn accepting(arguments: Value) -> (UsageLogger, Value) {
    let usage = logger(Wire::ReoBatch, Redactor::default());
    warm_up(&usage, &arguments);
    (usage, arguments)
}

fn accepting_text() -> (UsageLogger, Box<RawValue>) {
    let usage = logger(Wire::ReoBatch, Redactor::default());
    let arguments = text(&typical());
    warm_up(&usage, &arguments);
    (usage, arguments)
}

fn off() -> (UsageLogger, Value) {
    (UsageLogger::disabled(), typical())
}

/// Nobody listens on the discard port, so the first event stays.
fn full() -> (UsageLogger, Value) {
    let usage = UsageLogger::builder()
        .env(|_| None)
        .api_key("test-key-1")
        .endpoint("http://127.0.0.1:9/")
        .product_id("bench")
        .max_queue_events(1)
        .build()
        .expect("the settings are sound");
    let arguments = typical();
    usage.log_usage(call(&arguments));
    (usage, arguments)
}

#[library_benchmark]
#[bench::typical(accepting(typical()))]
#[bench::clean(accepting(clean()))]
#[bench::off(off())]
#[bench::full_queue(full())]
fn log_usage((usage, arguments): (UsageLogger, Value)) -> (UsageLogger, Value) {
    for _ in 0..CALLS {
        black_box(usage.log_usage(call(black_box(&arguments))));
    }
    (usage, arguments)
}

#[library_benchmark]
#[bench::json_text(accepting_text())]
fn log_usage_text(
    (usage, arguments): (UsageLogger, Box<RawValue>),
) -> (UsageLogger, Box<RawValue>) {
    for _ in 0..CALLS {
        black_box(usage.log_usage(call(black_box(&arguments))));
    }
    (usage, arguments)
}

library_benchmark_group!(name = caller, benchmarks = [log_usage, log_usage_text]);
main!(library_benchmark_groups = caller);

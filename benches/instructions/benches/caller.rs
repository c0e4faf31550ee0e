//! What `log_usage` costs its caller, in instructions: accepted, switched off, with a full queue. The program `parts`
//! beside the benches tells which parts of the crate they stand in.

use gungraun::prelude::*;
use instructions::{
    Calls, answer, clean, deep, deep_logger, log, logger, names, prose, secrets, several, text,
    typical,
};
use mcp_usage::{Otlp, Redactor, UsageLogger, Wire};
use serde_json::Value;
use serde_json::value::RawValue;

fn accepting<T: serde::Serialize + Sync>(arguments: T) -> Calls<T> {
    Calls::new(logger(Wire::ReoBatch, Redactor::default()), arguments)
}

/// Its objects are deeper than the default limit.
fn accepting_deep() -> Calls<Value> {
    let usage = deep_logger(Wire::ReoBatch, Redactor::default());
    Calls::new(usage, deep()).warm()
}

/// As long as a prompt and a string may be.
fn accepting_long() -> Calls<Value> {
    accepting(log(4_000)).prompt(prose(6_000)).warm()
}

/// As spans, which the event is queued for with all that only they have a place for.
fn accepting_spans() -> Calls<Value> {
    let spans = Wire::Otlp(Otlp::spans());
    Calls::new(logger(spans, Redactor::default()), typical()).warm()
}

fn accepting_for(destinations: usize) -> Calls<Value> {
    Calls::new(several(destinations), typical()).warm()
}

fn off() -> Calls<Value> {
    Calls::new(UsageLogger::disabled(), typical())
}

/// Nobody listens on the discard port, so the first event stays.
fn full() -> Calls<Value> {
    let usage = UsageLogger::builder()
        .env(|_| None)
        .api_key("test-key-1")
        .endpoint("http://127.0.0.1:9/")
        .product_id("bench")
        .max_queue_events(1)
        .build()
        .expect("the settings are sound");
    let calls = Calls::new(usage, typical());
    calls.log();
    calls
}

#[library_benchmark]
#[bench::typical(accepting(typical()).warm())]
#[bench::clean(accepting(clean()).warm())]
#[bench::names(accepting(names()).warm())]
#[bench::secrets(accepting(secrets()).warm())]
#[bench::long(accepting_long())]
#[bench::deep(accepting_deep())]
#[bench::result(accepting(clean()).result(answer(4_000)).warm())]
#[bench::spans(accepting_spans())]
#[bench::two_destinations(accepting_for(2))]
#[bench::three_destinations(accepting_for(3))]
#[bench::off(off())]
#[bench::full_queue(full())]
fn log_usage(calls: Calls<Value>) -> Calls<Value> {
    calls.log();
    calls
}

#[library_benchmark]
#[bench::json_text(accepting(text(&typical())).warm())]
fn log_usage_text(calls: Calls<Box<RawValue>>) -> Calls<Box<RawValue>> {
    calls.log();
    calls
}

library_benchmark_group!(name = caller, benchmarks = [log_usage, log_usage_text]);
main!(library_benchmark_groups = caller);

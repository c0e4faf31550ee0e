//! What the worker costs, in instructions, by wire: taking segments, cutting and framing batches, ending their events.
//!
//! Only what its thread does inside of `Worker::run` is counted, over the life of the logger.

use gungraun::prelude::*;
use gungraun::{Callgrind, EntryPoint};
use instructions::{call, flush, logger, mcpeye, several, typical};
use mcp_usage::{Otlp, PostHog, Redactor, UsageLogger, Wire};

/// Many batches, so that the worker's start does not show.
const EVENTS: usize = 5_000;

fn queued(wire: Wire) -> UsageLogger {
    filled(logger(wire, Redactor::off()))
}

/// For several destinations, each of which makes its own of what is queued.
fn queued_for(destinations: usize) -> UsageLogger {
    filled(several(destinations))
}

fn filled(usage: UsageLogger) -> UsageLogger {
    let arguments = typical();
    for _ in 0..EVENTS {
        usage.log_usage(call(&arguments));
    }
    usage
}

#[library_benchmark(
    config = LibraryBenchmarkConfig::default().tool(
        Callgrind::default().entry_point(EntryPoint::Custom("mcp_usage::*Worker::run*".to_owned()))
    )
)]
#[bench::reo(queued(Wire::Reo))]
#[bench::reo_batch(queued(Wire::ReoBatch))]
#[bench::mcpeye(queued(mcpeye()))]
#[bench::otlp(queued(Wire::Otlp(Otlp::spans())))]
#[bench::posthog(queued(Wire::PostHog(PostHog::new())))]
#[bench::two_destinations(queued_for(2))]
#[bench::three_destinations(queued_for(3))]
fn deliver(usage: UsageLogger) -> UsageLogger {
    flush(&usage);
    let stats = usage.stats();
    assert_eq!(stats.delivered, EVENTS as u64, "{stats:?}");
    usage
}

library_benchmark_group!(name = worker, benchmarks = deliver);
main!(library_benchmark_groups = worker);

//! A host that makes events of log lines, which must not make events of what delivery says of itself.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use mcp_usage::testing::{Answer, ManualClock};
use mcp_usage::{Custom, LOG_TARGET, Stats, UsageLogger, is_own_thread};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::child::{self, assert_ends_well};
use crate::support::{KEY, PATIENCE, assert_ledger, endpoint_of, ingest, on_wires, rachel};

const TEST: &str = "faults::bridge::role";

const ENDPOINT: &str = "USAGE_FAULT_ENDPOINT";
const SECOND: Duration = Duration::from_secs(1);

/// Lines of the host.
const LINES: u64 = 3;

static USAGE: OnceLock<UsageLogger> = OnceLock::new();
static LEFT_OUT: AtomicU64 = AtomicU64::new(0);

/// Makes an event of each line, except for those of delivery where it can tell them.
struct Bridge {
    tells: bool,
}

impl<S: tracing::Subscriber> Layer<S> for Bridge {
    fn on_event(&self, line: &tracing::Event<'_>, _: Context<'_, S>) {
        let of_delivery = is_own_thread() || line.metadata().target() == LOG_TARGET;
        if self.tells && of_delivery {
            LEFT_OUT.fetch_add(1, Relaxed);
        } else if let Some(usage) = USAGE.get() {
            usage.log_usage(Custom::new("LOG_LINE").identity(rachel()));
        }
    }
}

/// The role that this process was started for; without one this test has nothing to do.
#[test]
fn role() {
    match child::role().as_deref() {
        Some("all_but_delivery") => {
            let stats = bridge(true, LevelFilter::TRACE);
            assert_eq!(stats.offered, LINES, "{stats:?}");
            assert!(LEFT_OUT.load(Relaxed) > 0, "delivery said nothing");
        }
        Some("all") => {
            let stats = bridge(false, LevelFilter::INFO);
            assert!(stats.offered > LINES, "delivery said nothing: {stats:?}");
        }
        Some("all_of_a_healthy_server") => {
            let stats = bridge(false, LevelFilter::INFO);
            assert_eq!(stats.offered, LINES, "{stats:?}");
        }
        _ => {}
    }
}

/// Lets the host say something, and the worker whatever it has to say then.
fn bridge(tells: bool, level: LevelFilter) -> Stats {
    let bridge = Bridge { tells }.with_filter(level);
    let subscriber = tracing_subscriber::registry().with(bridge);
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let clock = ManualClock::new();
    let builder = UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint(std::env::var(ENDPOINT).unwrap())
        .product_id("reoWebApp")
        .wire(child::wire());
    let usage = USAGE.get_or_init(|| builder.clock(&clock).build().unwrap());
    for n in 0..LINES {
        tracing::info!("the host's line {n}");
        usage.flush_blocking(PATIENCE).unwrap();
    }
    for _ in 0..20 {
        clock.advance(SECOND);
        usage.flush_blocking(PATIENCE).unwrap();
    }
    let stats = usage.stats();
    assert_ledger(&usage.shutdown_blocking(PATIENCE).stats);
    stats
}

#[test]
fn a_bridge_that_leaves_out_the_lines_of_delivery_goes_quiet() {
    for (role, status) in [
        ("all_but_delivery", 400),
        ("all", 400),
        ("all_of_a_healthy_server", 200),
    ] {
        on_wires(&["reo", "otlp", "posthog"], |name, wire| {
            let ingest = ingest();
            ingest.answer_always(Answer::status(status));
            let mut command = child::command(TEST, role);
            command.env(child::WIRE, name);
            command.env(ENDPOINT, endpoint_of(&ingest, wire));
            assert_ends_well(command.spawn().unwrap());
        });
    }
}

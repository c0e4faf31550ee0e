//! The host's code that panics where the worker calls it: each panic costs its own line.

use std::collections::BTreeSet;
use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use mcp_usage::testing::Answer;
use mcp_usage::{LOG_TARGET, Stats, UsageLogger, Wire};
use tracing_subscriber::layer::{Layer, SubscriberExt};

use super::child::{self, assert_ends_well};
use super::on_all_wires;
use crate::support::{PATIENCE, assert_ledger, builder_for, call, end, ingest, on_wires};

const TEST: &str = "faults::foreign::role";

/// The role that this process was started for; without one this test has nothing to do.
#[test]
fn role() {
    match child::role().as_deref() {
        Some("subscriber_panics") => subscriber_panics(),
        Some("client_panics") => client_panics(),
        Some("stderr_is_closed") => stderr_is_closed(),
        _ => {}
    }
}

static LINES: AtomicU64 = AtomicU64::new(0);

struct Panicking;

impl<S: tracing::Subscriber> Layer<S> for Panicking {
    fn on_event(&self, line: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if line.metadata().target() == LOG_TARGET {
            LINES.fetch_add(1, Relaxed);
            panic!("a fault of the host's");
        }
    }
}

fn subscriber_panics() {
    let subscriber = tracing_subscriber::registry().with(Panicking);
    tracing::subscriber::set_global_default(subscriber).unwrap();
    // A line before there is a worker.
    assert!(
        !UsageLogger::builder()
            .env(|_| None)
            .build_or_disabled()
            .is_enabled()
    );
    let stats = outage(|builder| builder);
    let lines = LINES.load(Relaxed);
    assert!(lines > 3, "{lines}");
    assert_eq!(stats.panics, lines - 1);
}

/// Delivery that fails and recovers, drops, and ends: all there is to say.
fn outage(change: impl FnOnce(mcp_usage::Builder) -> mcp_usage::Builder) -> Stats {
    let ingest = ingest();
    ingest.script([Answer::status(503), Answer::ok(), Answer::status(400)]);
    let builder = builder_for(&ingest, &child::wire());
    let usage = change(builder).build().unwrap();
    for n in 0..4 {
        usage.log_usage(call(n));
        usage.flush_blocking(PATIENCE).unwrap();
    }
    let stats = end(&usage, &ingest);
    assert_eq!(
        (stats.delivered, stats.dropped.total()),
        (3, 1),
        "{stats:?}"
    );
    stats
}

/// Panics at the first line of each target but the logger's: within the HTTP client, whose locks are held then.
struct PanickingOnce(Mutex<BTreeSet<String>>);

impl<S: tracing::Subscriber> Layer<S> for PanickingOnce {
    fn on_event(&self, line: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let target = line.metadata().target();
        let is_first = target != LOG_TARGET && self.0.lock().unwrap().insert(target.to_owned());
        if is_first {
            LINES.fetch_add(1, Relaxed);
            panic!("a fault of the host's");
        }
    }
}

fn client_panics() {
    let subscriber = tracing_subscriber::registry().with(PanickingOnce(Mutex::default()));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let ingest = ingest();
    let usage = builder_for(&ingest, &child::wire()).build().unwrap();
    for n in 0..20 {
        usage.log_usage(call(n));
        usage.flush_blocking(PATIENCE).unwrap();
    }
    let stats = end(&usage, &ingest);
    assert_eq!(stats.delivered, 20, "{stats:?}");
    assert!(LINES.load(Relaxed) > 0, "the client says nothing");
}

fn stderr_is_closed() {
    outage(|builder| {
        builder.env(|name| (name == "PACKAGE_TRACKER_VERBOSE").then(|| "true".to_owned()))
    });
}

/// Lets a child play a role on each wire whose requests differ in kind.
#[track_caller]
fn play(role: &str, change: impl Fn(&mut Child) + Sync) {
    on_wires(&["reo", "otlp", "posthog"], |name, _| {
        let mut command = child::command(TEST, role);
        let mut child = command.env(child::WIRE, name).spawn().unwrap();
        change(&mut child);
        assert_ends_well(child);
    });
}

#[test]
fn a_subscriber_that_panics_costs_the_line_and_no_event() {
    play("subscriber_panics", |_| {});
}

#[test]
fn a_subscriber_that_panics_within_the_client_costs_no_event() {
    play("client_panics", |_| {});
}

#[test]
fn a_closed_stderr_costs_the_lines_of_the_verbose_switch_and_no_event() {
    play("stderr_is_closed", |child| drop(child.stderr.take()));
}

/// An executor whose wakers panic.
struct PanickingWaker;

impl Wake for PanickingWaker {
    fn wake(self: Arc<Self>) {
        panic!("a fault of the host's");
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_else_waiting() {
    on_all_wires(|_, wire| keeps_nobody_else_waiting(wire));
}

fn keeps_nobody_else_waiting(wire: &Wire) {
    let ingest = ingest();
    ingest.script([Answer::ok().held(), Answer::ok().held()]);
    let usage = builder_for(&ingest, wire).build().unwrap();
    let waker = Waker::from(Arc::new(PanickingWaker));
    let mut confirmed = Box::pin(usage.log_usage_confirmed(call(1), PATIENCE));
    let mut flushed = Box::pin(usage.flush(PATIENCE));
    let mut context = Context::from_waker(&waker);
    assert_eq!(confirmed.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(flushed.as_mut().poll(&mut context), Poll::Pending);
    ingest.wait_for_requests(1, PATIENCE).unwrap();
    ingest.release();
    usage.flush_blocking(PATIENCE).unwrap();
    assert_eq!(confirmed.as_mut().poll(&mut context), Poll::Ready(Ok(())));
    assert_eq!(flushed.as_mut().poll(&mut context), Poll::Ready(Ok(())));
    assert_eq!(end(&usage, &ingest).delivered, 1);
    assert_ledger(&usage.stats());
}

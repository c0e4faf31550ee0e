//! Memory is bounded whatever makes events grow or wait: a hook that enlarges them, calls that stay open, a large slot.
//!
//! Each is measured in a process of its own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use mcp_usage::testing::{Answer, MockIngest};
use mcp_usage::{Builder, CallOutcome, Outcome, Spool, ToolCall, UsageLogger, Wire};
use serde_json::{Value, json};

use super::FORMS;
use super::child::{self, assert_ends_well};
use crate::support::{
    KEY, PATIENCE, assert_ledger, builder_for, endpoint_of, ingest, on_wires, wire_named,
};

const TEST: &str = "faults::memory::role";
const ENDPOINT: &str = "USAGE_FAULT_ENDPOINT";
const SPOOL: &str = "USAGE_FAULT_SPOOL";
/// How many MB a slot has that is left by another process.
const SLOT_MB: &str = "USAGE_SLOT_MB";

const MIB: u64 = 1024 * 1024;

/// How often the hook was called.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// What a logger may hold beside its queue: requests under way, and the memory that threads reuse.
const BESIDE: u64 = 16 * MIB;

/// The role that this process was started for; without one this test has nothing to do.
#[test]
fn role() {
    match child::role().as_deref() {
        Some("hook_enlarges") => hook_enlarges(),
        Some("calls_stay_open") => calls_stay_open(),
        Some("slot_is_left") => slot_is_left(),
        Some("slot_is_taken_over") => slot_is_taken_over(),
        _ => {}
    }
}

fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// The growth of resident memory over an idle logger.
struct Growth {
    idle: Option<u64>,
    most: u64,
}

impl Growth {
    fn new() -> Self {
        Self {
            idle: resident(),
            most: 0,
        }
    }

    fn look(&mut self) {
        if let (Some(idle), Some(now)) = (self.idle, resident()) {
            self.most = self.most.max(now.saturating_sub(idle));
        }
    }

    #[track_caller]
    fn end(mut self, max_queue_bytes: u64) {
        self.look();
        eprintln!("resident memory grew by {} KiB", self.most / 1024);
        assert!(
            self.most <= max_queue_bytes + BESIDE,
            "{} KiB",
            self.most / 1024
        );
    }
}

fn logger() -> Builder {
    UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint(std::env::var(ENDPOINT).unwrap())
        .product_id("reoWebApp")
        .wire(child::wire())
        .flush_interval(Duration::from_millis(20))
        .initial_backoff(Duration::from_millis(10))
        .max_backoff(Duration::from_millis(100))
}

/// Warms up: the thread runs, a request was made, the code is loaded.
fn warm_up(usage: &UsageLogger) {
    usage.log_usage(ToolCall::new("t"));
    let _ = usage.flush_blocking(Duration::from_secs(1));
}

/// Small events, each of which the hook makes as large as an event may be.
fn hook_enlarges() {
    const QUEUE: u64 = 32 * MIB;
    const EVENTS: u64 = 20_000;
    let mut builder = logger()
        .max_queue_bytes(QUEUE as usize)
        .max_queue_events(1_000_000)
        // Segments are as full as they can be.
        .flush_interval(Duration::from_secs(10))
        .before_send(|mut event| {
            CALLS.fetch_add(1, Relaxed);
            event["meta"]["more"] = vec!["words that say little ".repeat(1_000); 9].into();
            Some(event)
        });
    if let Ok(dir) = std::env::var(SPOOL) {
        builder = builder.spool(Spool::dir(dir).max_bytes(64 * MIB));
    }
    let usage = builder.build().unwrap();
    warm_up(&usage);
    let mut growth = Growth::new();
    for n in 0..EVENTS {
        usage.log_usage(ToolCall::new("t"));
        if n % 100 == 0 {
            growth.look();
            assert!(usage.stats().queue_bytes <= QUEUE, "{:?}", usage.stats());
        }
    }
    // Until the hook has made more than the bound.
    let until = Instant::now() + 5 * PATIENCE;
    loop {
        growth.look();
        let stats = usage.stats();
        assert!(stats.queue_bytes <= QUEUE, "{stats:?}");
        let made = CALLS.load(Relaxed) * 200_000;
        if made > 3 * QUEUE / 2 {
            break;
        }
        assert!(Instant::now() < until, "{stats:?}");
        std::thread::yield_now();
    }
    let report = usage.shutdown_blocking(Duration::from_millis(100));
    growth.end(QUEUE);
    assert_ledger(&report.stats);
    let stats = usage.stats();
    assert_ledger(&stats);
    assert_eq!(stats.offered, EVENTS + 1);
}

/// Calls with 240 KB of arguments that all run at the same time.
fn calls_stay_open() {
    const QUEUE: u64 = 4 * MIB;
    const CALLS: usize = 1_500;
    let usage = logger().max_queue_bytes(QUEUE as usize).build().unwrap();
    warm_up(&usage);
    let mut arguments = json!({"query": "rails"});
    for n in 0..61 {
        arguments[format!("text_{n}")] = "words that say little ".repeat(180).into();
    }
    let mut growth = Growth::new();
    let mut calls = Vec::new();
    for n in 0..CALLS {
        let mut call = usage.start_tool_call(ToolCall::new("t").arguments(&arguments));
        call.set_error("an error ".repeat(200));
        calls.push(call);
        if n % 100 == 0 {
            growth.look();
        }
    }
    let stats = usage.stats();
    assert!(stats.queue_bytes <= QUEUE / 4 + QUEUE / 16, "{stats:?}");
    assert!(stats.calls_without_content > 1_400, "{stats:?}");
    assert!(stats.calls_without_content < CALLS as u64, "{stats:?}");
    growth.end(QUEUE);
    // The first has its content, the last its names and sizes, and there is room again.
    let (first, last) = (calls.remove(0), calls.pop().unwrap());
    for call in [first, last] {
        assert_eq!(call.finish(CallOutcome::ToolError), Outcome::Queued);
    }
    usage.flush_blocking(PATIENCE).unwrap();
    drop(calls);
    usage.flush_blocking(PATIENCE).unwrap();
    assert_eq!(usage.stats().queue_bytes, 0);
    let before = usage.stats().calls_without_content;
    usage
        .start_tool_call(ToolCall::new("t").arguments(&arguments))
        .finish(CallOutcome::Ok);
    let stats = usage.shutdown_blocking(PATIENCE).stats;
    assert_eq!(stats.calls_without_content, before);
    assert_ledger(&stats);
}

fn slot_bytes() -> u64 {
    let megabytes = std::env::var(SLOT_MB).map_or(32, |number| number.parse::<u64>().unwrap());
    megabytes * MIB
}

fn spool() -> Spool {
    Spool::dir(std::env::var(SPOOL).unwrap()).max_bytes(2 * slot_bytes())
}

/// Fills a slot with events, and ends without a shutdown.
fn slot_is_left() {
    let usage = logger().spool(spool()).build().unwrap();
    let text = "words that say little ".repeat(180);
    // Nearly as much as an event may have.
    let arguments: Value = (0..5).map(|n| (n.to_string(), json!(text))).collect();
    for _ in 0..slot_bytes() / (5 * text.len() as u64) + 1 {
        let event = || ToolCall::new("t").arguments(&arguments);
        while usage.log_usage(event()) != Outcome::Queued {
            usage.flush_to_disk_blocking(PATIENCE).unwrap();
        }
    }
    usage.flush_to_disk_blocking(PATIENCE).unwrap();
    std::process::exit(0);
}

/// Delivers the events of such a slot.
fn slot_is_taken_over() {
    const QUEUE: u64 = 8 * MIB;
    let idle = logger().build().unwrap();
    warm_up(&idle);
    let mut growth = Growth::new();
    let usage = logger()
        .max_queue_bytes(QUEUE as usize)
        .spool(spool())
        .build()
        .unwrap();
    let until = Instant::now() + 20 * PATIENCE;
    while usage.stats().recovered == 0 || usage.stats().delivered < usage.stats().recovered {
        growth.look();
        assert!(Instant::now() < until, "{:?}", usage.stats());
        std::thread::sleep(Duration::from_millis(1));
    }
    growth.end(QUEUE);
    let stats = usage.shutdown_blocking(PATIENCE).stats;
    assert_ledger(&stats);
    assert!(stats.delivered * 5 * 3_960 > slot_bytes(), "{stats:?}");
}

fn start(role: &str, ingest: &MockIngest, wire: &str, spool: Option<&Path>) {
    let mut command = child::command(TEST, role);
    command
        .env("MALLOC_ARENA_MAX", "2")
        .env(child::WIRE, wire)
        .env(ENDPOINT, endpoint_of(ingest, &wire_named(wire)));
    if let Some(dir) = spool {
        command.env(SPOOL, dir);
    }
    assert_ends_well(command.spawn().unwrap());
}

fn unchecked(answer: Answer) -> MockIngest {
    let ingest = MockIngest::builder().unchecked().start().unwrap();
    ingest.answer_always(answer);
    ingest
}

/// A directory that no other test of this process has.
fn dir(name: &str, wire: &str) -> PathBuf {
    let name = format!("usage-{name}-{}-{wire}", std::process::id());
    std::env::temp_dir().join(name)
}

#[test]
fn a_hook_that_enlarges_events_stays_within_the_bound() {
    for wire in FORMS {
        start("hook_enlarges", &unchecked(Answer::ok()), wire, None);
    }
}

#[test]
fn a_hook_that_enlarges_events_stays_within_the_bound_with_a_spool() {
    for wire in FORMS {
        let (ingest, dir) = (unchecked(Answer::status(503)), dir("memory", wire));
        start("hook_enlarges", &ingest, wire, Some(&dir));
        std::fs::remove_dir_all(dir).unwrap();
    }
}

/// 32 MB of events, or as many as `USAGE_SLOT_MB` says.
#[test]
fn a_slot_is_taken_over_within_the_bound_however_large_it_is() {
    for wire in FORMS {
        let (ingest, dir) = (unchecked(Answer::status(503)), dir("slot", wire));
        start("slot_is_left", &ingest, wire, Some(&dir));
        ingest.answer_always(Answer::ok());
        start("slot_is_taken_over", &ingest, wire, Some(&dir));
        std::fs::remove_dir_all(dir).unwrap();
    }
}

#[test]
fn open_calls_hold_a_quarter_of_the_bound_and_keep_names_and_sizes_beyond_it() {
    on_wires(&FORMS, |name, _| keep_names_and_sizes_beyond_it(name));
}

fn keep_names_and_sizes_beyond_it(wire: &str) {
    let ingest = ingest();
    start("calls_stay_open", &ingest, wire, None);
    assert_eq!(ingest.violations(), Vec::<String>::new());
    let delivered = ingest.delivered();
    let calls: Vec<_> = delivered
        .iter()
        .filter(|event| event.meta("error").is_some())
        .collect();
    let [first, last] = [calls[0], calls[1]];
    // Too large for an event, though not for its guard.
    assert_eq!(first.meta("tool_argument_keys").unwrap()[0], "query");
    assert_eq!(first.meta("error").unwrap(), &"an error ".repeat(200));
    let arguments = last.arguments().unwrap();
    let arguments = match arguments.as_str() {
        Some(json) => serde_json::from_str(json).unwrap(),
        None => arguments.clone(),
    };
    assert_eq!(arguments["query"], "[7 bytes]");
    assert_eq!(arguments["text_60"], "[3962 bytes]");
    assert_eq!(last.meta("error").unwrap(), "[1800 bytes]");
}

#[test]
fn the_keys_that_an_open_call_adds_are_charged_and_end_where_there_is_no_memory() {
    on_wires(&FORMS, |_, wire| keys_are_charged(wire));
}

fn keys_are_charged(wire: &Wire) {
    const BYTES: u64 = 8 << 20;
    let ingest = MockIngest::builder().unchecked().start().unwrap();
    let usage = builder_for(&ingest, wire)
        .max_queue_bytes(BYTES as usize)
        .build()
        .unwrap();
    let mut call = usage.start_tool_call(ToolCall::new("t"));
    let empty = usage.stats().queue_bytes;
    for n in 0..100 {
        call.set_meta(format!("{n:010000}"), &n);
    }
    let charged = usage.stats().queue_bytes - empty;
    assert!(charged >= 1_000_000, "{charged}");
    let kept = charged / 100;
    for n in 0..BYTES / kept {
        call.set_meta(format!("{n:010001}"), &n);
    }
    let stats = usage.stats();
    let quarter = BYTES / 4;
    assert!(
        (quarter / 10 * 9..=quarter).contains(&stats.queue_bytes),
        "{stats:?}"
    );
    assert_eq!(stats.calls_without_content, 1);
    call.finish(CallOutcome::Ok);
    usage.flush_blocking(PATIENCE).unwrap();
    let stats = usage.shutdown_blocking(PATIENCE).stats;
    assert_eq!(stats.queue_bytes, 0);
    assert_ledger(&stats);
}

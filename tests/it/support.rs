//! What the tests share.

use std::fs;
use std::future::Future;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use mcp_usage::testing::{MockIngest, ReceivedEvent};
use mcp_usage::{
    Builder, ConfirmError, DeliveryError, FlushError, Identity, Mcpeye, Otlp, PostHog, Stats,
    ToolCall, UsageLogger, Wire,
};
use serde_json::Value;

/// An obviously fake key.
pub(crate) const KEY: &str = "test-key-1";

/// Long enough that a slow machine does not fail a test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn ingest() -> MockIngest {
    MockIngest::builder().api_key(KEY).start().unwrap()
}

/// A free port that the system gives to nobody who asks for any port. An ingest that goes down needs one: on a port of
/// the system's, another test's ingest could start meanwhile and receive what this test's logger sends.
pub(crate) fn reserved_port() -> u16 {
    /// Below the ephemeral ports of Linux (32768), macOS and Windows (49152).
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 20_000;
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    // Processes that run at the same time begin at different places.
    let own = (std::process::id() % 997) as u16 * 20;
    loop {
        let next = TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + own.wrapping_add(next) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A logger for `ingest` that the real environment does not move.
pub(crate) fn builder(ingest: &MockIngest) -> Builder {
    UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint(ingest.endpoint())
        .product_id("reoWebApp")
        .flush_interval(Duration::from_millis(20))
        .initial_backoff(Duration::from_millis(1))
}

pub(crate) fn mcpeye() -> Wire {
    Wire::Mcpeye(
        Mcpeye::new("proj_123")
            .client("claude")
            .server_version("1.2.3"),
    )
}

pub(crate) fn otlp() -> Wire {
    Wire::Otlp(Otlp::spans().service_version("1.2.3"))
}

pub(crate) fn posthog() -> Wire {
    Wire::PostHog(PostHog::new().server_name("shop").server_version("1.2.3"))
}

/// The wires, with a name for messages.
pub(crate) fn wires() -> [(&'static str, Wire); 5] {
    [
        ("reo", Wire::Reo),
        ("reo batch", Wire::ReoBatch),
        ("mcpeye", mcpeye()),
        ("otlp", otlp()),
        ("posthog", posthog()),
    ]
}

/// Plays on these of the [`wires`] beside one another: most of the time goes into waiting.
pub(crate) fn on_wires(names: &[&str], play: impl Fn(&str, &Wire) + Sync) {
    std::thread::scope(|scope| {
        let wires = wires().into_iter();
        for (name, wire) in wires.filter(|(name, _)| names.contains(name)) {
            let play = &play;
            scope.spawn(move || play(name, &wire));
        }
    });
}

/// Where a wire's events go at an ingest.
pub(crate) fn endpoint_of(ingest: &MockIngest, wire: &Wire) -> String {
    match wire {
        Wire::Mcpeye(_) => ingest.mcpeye_url(),
        Wire::Otlp(_) => ingest.otlp_url(),
        Wire::PostHog(_) => ingest.posthog_url(),
        _ => ingest.endpoint(),
    }
}

/// One of the [`wires`], by its name.
pub(crate) fn wire_named(wanted: &str) -> Wire {
    let mut wires = wires().into_iter();
    wires.find(|(name, _)| *name == wanted).unwrap().1
}

/// [`builder`] for any wire.
pub(crate) fn builder_for(ingest: &MockIngest, wire: &Wire) -> Builder {
    let endpoint = endpoint_of(ingest, wire);
    builder(ingest).wire(wire.clone()).endpoint(endpoint)
}

pub(crate) fn rachel() -> Identity<'static> {
    Identity::email("rachel@reo.dev")
}

/// A small call that can be told from others by its number.
pub(crate) fn call<'a>(n: u64) -> ToolCall<'a> {
    ToolCall::new("count").request_id(n.to_string())
}

/// How many events are pending, as a flush that timed out says.
#[track_caller]
pub(crate) fn still_pending(flushed: Result<(), FlushError>) -> u64 {
    match flushed {
        Err(FlushError::TimedOut { pending, .. }) => pending,
        other => panic!("{other:?}"),
    }
}

/// The law: every event offered has ended once, or is pending.
#[track_caller]
pub(crate) fn assert_ledger(stats: &Stats) {
    assert_eq!(
        stats.offered + stats.recovered,
        stats.delivered + stats.dropped.total() + stats.pending + stats.spooled,
        "{stats:?}"
    );
}

/// Shuts down, and checks that the ledger closes and that nothing wrong was sent.
#[track_caller]
pub(crate) fn end(usage: &UsageLogger, ingest: &MockIngest) -> Stats {
    let report = usage.shutdown_blocking(PATIENCE);
    assert_eq!(report.pending, 0, "{report:?}");
    assert_ledger(&report.stats);
    assert_eq!(ingest.violations(), Vec::<String>::new());
    usage.stats()
}

/// Sends what `log` logs on a wire, and returns the events that arrived.
#[track_caller]
pub(crate) fn arrivals(
    wire: &Wire,
    change: impl FnOnce(Builder) -> Builder,
    log: impl FnOnce(&UsageLogger),
) -> Vec<ReceivedEvent> {
    let ingest = ingest();
    let usage = change(builder_for(&ingest, wire)).build().unwrap();
    log(&usage);
    end(&usage, &ingest);
    ingest.delivered()
}

/// [`arrivals`] of one event: its JSON.
#[track_caller]
pub(crate) fn arrival(
    wire: &Wire,
    change: impl FnOnce(Builder) -> Builder,
    log: impl FnOnce(&UsageLogger),
) -> Value {
    let events = arrivals(wire, change, log);
    assert_eq!(events.len(), 1, "{events:?}");
    events[0].json.clone()
}

/// The `meta` of an event without what every event has: the logger's instance, and the sequence.
#[track_caller]
pub(crate) fn said(event: &Value) -> Value {
    let mut meta = event["meta"].clone();
    let members = meta.as_object_mut().unwrap();
    assert!(members.remove("instance").is_some() && members.remove("sequence").is_some());
    meta
}

/// A channel of the errors that `on_error` sees.
pub(crate) fn errors(builder: Builder) -> (Builder, Receiver<DeliveryError>) {
    let (sender, receiver) = mpsc::channel();
    let builder = builder.on_error(move |error| {
        let _ = sender.send(error.clone());
    });
    (builder, receiver)
}

/// Returns when the worker has looked at the present time of a manual clock and done all that is
/// due: a confirmation without any time comes back from the end of such a turn. Costs an event.
#[track_caller]
pub(crate) fn barrier(usage: &UsageLogger) {
    let result = usage.log_usage_confirmed_blocking(call(999_999), Duration::ZERO);
    assert_eq!(result, Err(ConfirmError::Unknown(Duration::ZERO)));
}

/// All files of a folder and of those within it; none where there is no folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Runs a future on a current-thread runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Key-shaped texts, put together here so that no file holds one.
pub(crate) mod secret {
    pub(crate) fn github() -> String {
        format!("{}_{}", "ghp", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8")
    }

    pub(crate) fn aws() -> String {
        format!("{}{}", "AKIA", "Z7Q4M2N8X5C1V3B6")
    }

    pub(crate) fn openai() -> String {
        format!("{}-{}", "sk", "proj-T3stT3stT3stT3stT3stT3stT3stT3stT3st")
    }

    pub(crate) fn jwt() -> String {
        [
            "eyJhbGciOiJIUzI1NiJ9",
            "eyJzdWIiOiIxMjM0NTY3ODkwIn0",
            "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        ]
        .join(".")
    }
}

//! A system that has nothing left: no thread, no descriptor, no memory to map.
//!
//! Each limit is set for a process of its own, which then uses up what it is allowed.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mcp_usage::{DropReason, Outcome, Spool, UsageLogger};

use super::FORMS;
use super::child::{self, assert_ends_well};
use crate::support::{KEY, PATIENCE, assert_ledger, call, endpoint_of, ingest, wire_named};

const TEST: &str = "faults::system::role";
const ENDPOINT: &str = "USAGE_FAULT_ENDPOINT";
/// The user to whom a child of root drops: `nobody`.
const NOBODY: u32 = 65_534;

static PANICS: AtomicU64 = AtomicU64::new(0);

/// The role that this process was started for; without one this test has nothing to do.
#[test]
fn role() {
    match child::role().as_deref() {
        Some("no_thread") => survives(ParkedThreads::take_all),
        Some("no_descriptor") => survives(Descriptors::take_all),
        Some("no_map") => survives(NoMap::limit),
        Some("no_descriptor_nor_runtime") => survives_alone(Descriptors::take_all),
        _ => {}
    }
}

/// Something that the process has no more of.
trait UsedUp {
    /// Gives back one of it; `false` when it cannot.
    fn give_back(&mut self) -> bool;
}

/// Threads, each parked until it is given back.
struct ParkedThreads(Vec<mpsc::Sender<()>>);

impl ParkedThreads {
    fn take_all() -> Self {
        let mut threads = Vec::new();
        loop {
            let (sender, receiver) = mpsc::channel::<()>();
            let parked = move || receiver.recv().is_err();
            match thread::Builder::new().spawn(parked) {
                Ok(_) => threads.push(sender),
                Err(_) => return Self(threads),
            }
            assert!(threads.len() < 1_000, "there is no limit");
        }
    }
}

impl UsedUp for ParkedThreads {
    fn give_back(&mut self) -> bool {
        let before = count("/proc/self/task");
        self.0.pop();
        while count("/proc/self/task") >= before {
            thread::yield_now();
        }
        self.0.len() > 2
    }
}

fn count(dir: &str) -> usize {
    std::fs::read_dir(dir).map_or(0, Iterator::count)
}

struct Descriptors(Vec<File>);

impl Descriptors {
    fn take_all() -> Self {
        let files = std::iter::from_fn(|| File::open("/dev/null").ok());
        let files: Vec<_> = files.take(1_000).collect();
        assert!(files.len() < 1_000, "there is no limit");
        Self(files)
    }
}

impl UsedUp for Descriptors {
    fn give_back(&mut self) -> bool {
        self.0.pop();
        self.0.len() > 10
    }
}

/// An address space in which no further stack has room.
struct NoMap;

impl NoMap {
    fn limit() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmSize:"));
        let kib: u64 = line
            .and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
            .unwrap();
        set_address_space(&((kib + 8 * 1024) * 1024).to_string());
        let stack = 16 * 1024 * 1024;
        let thread = thread::Builder::new().stack_size(stack).spawn(|| ());
        assert!(thread.is_err(), "there is no limit");
        Self
    }
}

impl UsedUp for NoMap {
    fn give_back(&mut self) -> bool {
        set_address_space("unlimited");
        false
    }
}

fn set_address_space(bytes: &str) {
    let pid = std::process::id().to_string();
    let limit = format!("--as={bytes}:unlimited");
    let status = Command::new("prlimit")
        .args(["--pid", &pid, &limit])
        .status();
    assert!(status.unwrap().success());
}

fn logger() -> mcp_usage::Builder {
    UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint(std::env::var(ENDPOINT).unwrap())
        .product_id("reoWebApp")
        .wire(child::wire())
        .initial_backoff(Duration::from_millis(1))
        .max_backoff(Duration::from_millis(1))
}

/// A logger that is built at once, without the system's TLS roots.
fn quick_logger() -> mcp_usage::Builder {
    logger().http_client(|client| client.tls_certs_only([]))
}

fn count_panics() {
    std::panic::set_hook(Box::new(|panic| {
        PANICS.fetch_add(1, Relaxed);
        eprintln!("{panic}");
    }));
}

/// The same in a process that has had no runtime of tokio's before.
fn survives_alone<U: UsedUp>(use_up: impl FnOnce() -> U) {
    count_panics();
    // More than there are steps, since not even the client can be built later.
    let loggers: Vec<_> = (0..30).map(|_| quick_logger().build().unwrap()).collect();
    let mut used_up = use_up();
    for usage in loggers {
        usage.log_usage(call(1));
        usage.shutdown_blocking(Duration::from_millis(50));
        let stats = usage.stats();
        assert_ledger(&stats);
        assert_eq!((stats.offered, stats.pending), (1, 0), "{stats:?}");
        if !used_up.give_back() {
            break;
        }
    }
    assert_eq!(PANICS.load(Relaxed), 0);
}

/// Whatever the system refuses: nothing panics, and each event offered ends.
fn survives<U: UsedUp>(use_up: impl FnOnce() -> U) {
    count_panics();
    let spools = std::env::temp_dir().join(format!("usage-system-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let [asynchronous, plain, again] = [(); 3].map(|()| quick_logger().build().unwrap());

    let mut used_up = use_up();
    let closed = Outcome::Dropped(DropReason::Closed);
    runtime.block_on(async {
        assert_eq!(asynchronous.log_usage(call(1)), closed);
        assert_eq!(asynchronous.flush(PATIENCE).await, Ok(()));
        assert_eq!(again.log_usage(call(1)), closed);
        ends(&asynchronous).await;
        drop(asynchronous);
    });
    assert_eq!(plain.log_usage(call(1)), closed);
    block_on_nothing(ends(&plain));
    drop(plain);
    // With ever more of it: there may be enough for one thing, and not for the next.
    let mut n = 0;
    loop {
        let all = if n % 8 == 0 { logger() } else { quick_logger() };
        for builder in [
            all,
            quick_logger().spool(Spool::dir(spools.join(n.to_string()))),
        ] {
            if let Ok(usage) = builder.build() {
                runtime.block_on(async {
                    usage.log_usage(call(1));
                    ends(&usage).await;
                    drop(usage);
                });
            }
        }
        n += 1;
        if !used_up.give_back() {
            break;
        }
    }
    drop(used_up);
    let _ = std::fs::remove_dir_all(spools);
    // A logger that had nothing to start with starts when there is something.
    assert_eq!(again.log_usage(call(2)), Outcome::Queued);
    let stats = again.shutdown_blocking(PATIENCE).stats;
    assert_ledger(&stats);
    assert_eq!((stats.delivered, stats.offered), (1, 2), "{stats:?}");
    assert_eq!(PANICS.load(Relaxed), 0);
}

async fn ends(usage: &UsageLogger) {
    let report = usage.shutdown(Duration::from_millis(50)).await;
    let stats = usage.stats();
    assert_ledger(&report.stats);
    assert_ledger(&stats);
    assert_eq!((stats.offered, stats.pending), (1, 0), "{stats:?}");
}

/// Runs a future that is ready, without a runtime.
fn block_on_nothing(future: impl Future<Output = ()>) {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_ready());
}

/// How many threads a user has.
fn threads_of(user: u32) -> usize {
    use std::os::unix::fs::MetadataExt;
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let tasks = processes.filter_map(|process| {
        let tasks: PathBuf = process.path().join("task");
        let is_theirs = tasks.metadata().ok()?.uid() == user;
        is_theirs.then(|| count(tasks.to_str().unwrap_or_default()))
    });
    tasks.sum()
}

/// Names the ingest to a child, on each wire whose requests differ in kind, and waits for its end. One after another: a limit
/// may be a user's.
#[track_caller]
fn on_each_wire(command: impl Fn() -> Command, name: impl Fn(String) -> String) {
    for wire in FORMS {
        let ingest = ingest();
        let endpoint = name(endpoint_of(&ingest, &wire_named(wire)));
        let mut command = command();
        command.env(child::WIRE, wire).env(ENDPOINT, endpoint);
        assert_ends_well(command.spawn().unwrap());
        assert_eq!(ingest.violations(), Vec::<String>::new(), "{wire}");
    }
}

#[test]
fn no_thread_is_no_panic_and_the_event_is_counted() {
    use std::os::unix::fs::MetadataExt;
    let own = File::open("/proc/self/status")
        .unwrap()
        .metadata()
        .unwrap()
        .uid();
    let user = if own == 0 { NOBODY } else { own };
    let command = || {
        let most = threads_of(user) + 8;
        // Shells do not agree on the letter.
        let limit = format!("{{ ulimit -u {most} 2>/dev/null || ulimit -p {most}; }}");
        let mut command = child::command_after(&limit, TEST, "no_thread");
        if own == 0 {
            command.uid(user).gid(user).current_dir("/");
        }
        command
    };
    // A name takes a thread to be resolved.
    on_each_wire(command, |endpoint| {
        endpoint.replace("127.0.0.1", "localhost")
    });
}

#[test]
fn no_descriptor_is_no_panic_and_the_event_is_counted() {
    for role in ["no_descriptor", "no_descriptor_nor_runtime"] {
        let command = || child::command_after("ulimit -n 40", TEST, role);
        on_each_wire(command, |endpoint| endpoint);
    }
}

#[test]
fn no_memory_to_map_is_no_panic_and_the_event_is_counted() {
    let command = || {
        let mut command = child::command(TEST, "no_map");
        // Stacks that do not fit into what is left.
        command.env("RUST_MIN_STACK", (16 << 20).to_string());
        command
    };
    on_each_wire(command, |endpoint| endpoint);
}

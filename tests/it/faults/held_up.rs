//! A worker that is held up by the host's code, or by an ingest that never comes to the point: whoever
//! waits is told at the deadline, and the ledger closes when the worker goes on.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use mcp_usage::testing::Answer;
use mcp_usage::{
    Builder, CallOutcome, ConfirmError, DeliveryError, LOG_TARGET, Outcome, UsageLogger, Wire,
};
use serde::{Serialize, Serializer};
use tracing_subscriber::layer::{Layer, SubscriberExt};

use super::child::{self, assert_ends_well};
use super::on_all_wires;
use crate::support::{
    PATIENCE, assert_ledger, builder, builder_for, call, endpoint_of, errors, ingest,
    still_pending, wires,
};

const TEST: &str = "faults::held_up::role";

/// How long a wait is to take, and how much longer it may take on a slow machine.
const TIMEOUT: Duration = Duration::from_millis(300);
const LATE: Duration = Duration::from_secs(4);

/// A place where code waits until it is let go.
#[derive(Default)]
struct Barrier {
    state: Mutex<(u64, bool)>,
    changed: Condvar,
}

impl Barrier {
    /// Waits until the barrier is open.
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        self.changed.notify_all();
        while !state.1 {
            state = self.changed.wait(state).unwrap();
        }
    }

    /// Waits until somebody waits there.
    fn wait_for_somebody(&self) {
        let state = self.state.lock().unwrap();
        let waiting = |state: &mut (u64, bool)| state.0 == 0;
        let (_state, waited) = self
            .changed
            .wait_timeout_while(state, PATIENCE, waiting)
            .unwrap();
        assert!(!waited.timed_out(), "the worker does not come");
    }

    fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

/// Runs a future on an executor without a timer.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

#[track_caller]
fn in_time<T>(what: &str, wait: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = wait();
    let took = began.elapsed();
    assert!(took < TIMEOUT + LATE, "{what} took {took:?}");
    result
}

/// Waits in every way for a logger whose worker stands at a barrier, with `pending` events.
fn wait_for_held_up(usage: &UsageLogger, barrier: &Barrier, pending: u64) {
    barrier.wait_for_somebody();
    let flushed = in_time("flush", || run(usage.flush(TIMEOUT)));
    assert_eq!(still_pending(flushed), pending);
    let flushed = in_time("flush_blocking", || usage.flush_blocking(TIMEOUT));
    assert_eq!(still_pending(flushed), pending);
    let unknown = Err(ConfirmError::Unknown(TIMEOUT));
    let confirmed = in_time("a confirmation", || {
        run(usage.log_usage_confirmed(call(98), TIMEOUT))
    });
    assert_eq!(confirmed, unknown);
    let confirmed = in_time("a blocking confirmation", || {
        usage.log_usage_confirmed_blocking(call(99), TIMEOUT)
    });
    assert_eq!(confirmed, unknown);
    let report = in_time("shutdown", || run(usage.shutdown(TIMEOUT)));
    assert_eq!(report.pending, pending + 2, "{report:?}");
    assert_ledger(&report.stats);
    let report = in_time("shutdown_blocking", || usage.shutdown_blocking(TIMEOUT));
    assert_eq!(report.pending, pending + 2, "{report:?}");
    barrier.open();
    // The worker goes on, and ends what it has.
    let deadline = Instant::now() + PATIENCE;
    while usage.stats().pending > 0 {
        assert!(Instant::now() < deadline, "{:?}", usage.stats());
        thread::yield_now();
    }
    assert_ledger(&usage.stats());
    assert_eq!(usage.stats().offered, pending + 2);
}

/// On each wire, beside one another, since each waits for its deadlines.
fn held_up_by(change: fn(Builder, Arc<Barrier>) -> Builder) {
    on_all_wires(|_, wire| {
        let ingest = ingest();
        ingest.answer_always(Answer::status(503));
        let barrier = Arc::new(Barrier::default());
        let builder = change(builder_for(&ingest, wire), Arc::clone(&barrier));
        let usage = builder.build().unwrap();
        usage.log_usage(call(1));
        wait_for_held_up(&usage, &barrier, 1);
    });
}

#[test]
fn a_callback_that_blocks_holds_up_no_wait() {
    held_up_by(|builder, barrier| builder.on_error(move |_| barrier.pass()));
}

#[test]
fn a_hook_that_blocks_holds_up_no_wait() {
    held_up_by(|builder, barrier| {
        builder.before_send(move |event| {
            barrier.pass();
            Some(event)
        })
    });
}

/// The role that this process was started for; without one this test has nothing to do.
#[test]
fn role() {
    match child::role().as_deref() {
        Some("subscriber_blocks") => {
            let barrier = Arc::new(Barrier::default());
            let blocking = Blocking(Arc::clone(&barrier));
            let subscriber = tracing_subscriber::registry().with(blocking);
            tracing::subscriber::set_global_default(subscriber).unwrap();
            held_up_by_log(&barrier);
        }
        Some("nobody_reads_stderr") => nobody_reads_stderr(),
        _ => {}
    }
}

struct Blocking(Arc<Barrier>);

impl<S: tracing::Subscriber> Layer<S> for Blocking {
    fn on_event(&self, line: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if line.metadata().target() == LOG_TARGET {
            self.0.pass();
        }
    }
}

fn held_up_by_log(barrier: &Barrier) {
    let ingest = ingest();
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, &child::wire()).build().unwrap();
    usage.log_usage(call(1));
    wait_for_held_up(&usage, barrier, 1);
}

#[test]
fn a_subscriber_that_blocks_holds_up_no_wait() {
    on_all_wires(|name, _| {
        let mut command = child::command(TEST, "subscriber_blocks");
        assert_ends_well(command.env(child::WIRE, name).spawn().unwrap());
    });
}

/// The verbose switch with a pipe that is full.
fn nobody_reads_stderr() {
    let ingest = ingest();
    let usage = builder_for(&ingest, &child::wire())
        .env(|name| (name == "PACKAGE_TRACKER_VERBOSE").then(|| "true".to_owned()))
        .build()
        .unwrap();
    let mut logged = 0;
    // The worker stands still when its lines fill the pipe.
    while usage.flush_blocking(TIMEOUT).is_ok() {
        usage.log_usage(call(logged));
        logged += 1;
    }
    let report = in_time("shutdown", || run(usage.shutdown(TIMEOUT)));
    assert_ledger(&report.stats);
    assert_eq!(report.stats.offered, logged);
}

#[test]
fn a_stderr_that_nobody_reads_holds_up_no_wait() {
    on_all_wires(|name, _| {
        let mut command = child::command(TEST, "nobody_reads_stderr");
        let mut child = command.env(child::WIRE, name).spawn().unwrap();
        assert!(child.wait().unwrap().success(), "{name}");
    });
}

// ---- the caller's code ----

/// A value whose serialization lasts.
struct Lasting(Arc<Barrier>);

impl Serialize for Lasting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.pass();
        serializer.serialize_unit()
    }
}

impl AsRef<str> for Lasting {
    fn as_ref(&self) -> &str {
        self.0.pass();
        "a text"
    }
}

#[test]
fn a_value_that_is_being_captured_holds_up_no_shutdown() {
    let sets: [fn(&mut mcp_usage::CallGuard, Lasting); 5] = [
        |call, lasting| call.set_result(&lasting),
        |call, lasting| call.set_arguments(&lasting),
        |call, lasting| call.set_meta("key", &lasting),
        |call, lasting| call.set_error(lasting),
        |call, lasting| call.set_prompt(lasting),
    ];
    for set in sets {
        let ingest = ingest();
        let usage = builder(&ingest).build().unwrap();
        let barrier = Arc::new(Barrier::default());
        thread::scope(|scope| {
            let mut call = usage.start_tool_call("slow");
            let lasting = Lasting(Arc::clone(&barrier));
            let setting = scope.spawn(move || {
                set(&mut call, lasting);
                call.finish(CallOutcome::Ok)
            });
            barrier.wait_for_somebody();
            let report = in_time("shutdown_blocking", || usage.shutdown_blocking(TIMEOUT));
            assert_eq!((report.stats.delivered, report.pending), (1, 0));
            barrier.open();
            assert_eq!(setting.join().unwrap(), Outcome::Queued);
        });
        let outcome = &ingest.delivered()[0];
        assert_eq!(outcome.meta("outcome").unwrap(), "dropped");
        assert_ledger(&usage.stats());
    }
}

// ---- an ingest that never comes to the point ----

/// Answers the first request with heads that are none of a final answer, without end; the others go to
/// the ingest.
struct Heads {
    address: std::net::SocketAddr,
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Heads {
    fn start(head: &[u8], ingest: std::net::SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let heads = Self {
            address: listener.local_addr().unwrap(),
            sent: Arc::default(),
            stop: Arc::default(),
        };
        let (sent, stop) = (Arc::clone(&heads.sent), Arc::clone(&heads.stop));
        let head = head.repeat(1_000);
        thread::spawn(move || {
            let mut is_first = true;
            for stream in listener.incoming().flatten() {
                if stop.load(Relaxed) {
                    return;
                }
                if std::mem::take(&mut is_first) {
                    let (sent, stop) = (Arc::clone(&sent), Arc::clone(&stop));
                    let heads = head.clone();
                    thread::spawn(move || endless(stream, &heads, &sent, &stop));
                } else {
                    forward(stream, ingest);
                }
            }
        });
        heads
    }
}

impl Drop for Heads {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn endless(mut stream: TcpStream, heads: &[u8], sent: &AtomicU64, stop: &AtomicBool) {
    let _ = stream.read(&mut [0; 4_096]);
    while !stop.load(Relaxed) && stream.write_all(heads).is_ok() {
        sent.fetch_add(1_000, Relaxed);
    }
}

fn forward(client: TcpStream, ingest: std::net::SocketAddr) {
    let ingest = TcpStream::connect(ingest).unwrap();
    for (mut from, mut to) in [
        (client.try_clone().unwrap(), ingest.try_clone().unwrap()),
        (ingest, client),
    ] {
        thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        });
    }
}

/// As the sender is on this machine, the client finds bytes to read at each of the 128 reads that tokio
/// lets a task do in a row, and hyper reads up to 400 KB at a time: the connection's task runs through
/// 50 MB of heads before anything else gets its turn.
#[test]
fn heads_without_end_hold_up_no_wait_and_other_requests_go_on() {
    for (name, wire) in wires() {
        heads_without_end(name, &wire);
    }
}

fn heads_without_end(name: &str, wire: &Wire) {
    let ingest = ingest();
    let head = format!(
        "HTTP/1.1 103 Early Hints\r\nlink: </{}>\r\n\r\n",
        "a".repeat(100)
    );
    let heads = Heads::start(head.as_bytes(), ingest.address());
    let endpoint = endpoint_of(&ingest, wire);
    let endpoint = endpoint.replace(&ingest.address().to_string(), &heads.address.to_string());
    let (builder, errors) = errors(
        builder_for(&ingest, wire)
            .endpoint(endpoint)
            .request_timeout(Duration::from_secs(1)),
    );
    let usage = builder.build().unwrap();
    usage.log_usage(call(0));
    while heads.sent.load(Relaxed) == 0 {
        thread::yield_now();
    }
    for n in 1..20 {
        usage.log_usage(call(n));
    }
    let flushed = in_time("flush", || run(usage.flush(TIMEOUT)));
    assert!(still_pending(flushed) > 0, "{name}");
    // On a slow machine each run through the heads lasts.
    let patience = 5 * PATIENCE;
    match errors.recv_timeout(patience) {
        Ok(DeliveryError::Retrying { cause, .. }) => {
            assert!(cause.contains("timed out"), "{name}: {cause}");
        }
        other => panic!("{name}: {other:?}"),
    }
    ingest.wait_for_delivered(20, patience).unwrap();
    assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0, "{name}");
    assert_ledger(&usage.stats());
}

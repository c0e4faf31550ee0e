//! Forks a process that reports usage, with events queued and a request under way, and checks both
//! sides: the child's handle refuses, at once and without touching a lock; the parent's events are
//! delivered once; the child's own logger works.
//!
//! Run by `.ci/run`; ends with 0 and a line when all of it holds. It is a program and not a test, so that
//! the process has no threads but those it shows.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use mcp_usage::testing::{Answer, MockIngest};
use mcp_usage::{Builder, CallOutcome, DropReason, FlushError, Outcome, ToolCall, UsageLogger};

const PATIENCE: Duration = Duration::from_secs(30);
const QUEUED: u64 = 20;
const FORKS: u64 = 20;

fn main() -> ExitCode {
    let ingest = MockIngest::start().expect("a port");
    let endpoint = ingest.endpoint();
    let usage = builder(&endpoint)
        .max_in_flight(1)
        .request_timeout(Duration::from_secs(300))
        .build()
        .expect("settings");
    let guard = usage.start_tool_call("before the fork");

    // One request is under way and the others are queued, while other threads hold locks as they
    // may: each fork copies some state of them.
    ingest.script([Answer::hang()]);
    for n in 0..QUEUED {
        assert_eq!(usage.log_usage(call(n)), Outcome::Queued);
    }
    ingest.wait_for_requests(1, PATIENCE).expect("a request");
    let busy = usage.clone();
    let mut logged = 0;
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let logs = scope.spawn(move || {
            let mut logged = 0;
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) && logged < 5_000
            {
                assert_eq!(busy.log_usage(call(1_000 + logged)), Outcome::Queued);
                logged += 1;
            }
            logged
        });
        for n in 0..FORKS {
            fork(|| child(&usage, &endpoint, n));
        }
        drop(stop);
        logged = logs.join().expect("the thread ends");
    });

    ingest.release();
    guard.finish(CallOutcome::Ok);
    let report = usage.shutdown_blocking(PATIENCE);
    let stats = report.stats;
    println!("parent: {stats}; the children sent {FORKS} events of their own");
    assert_eq!(stats.offered, QUEUED + logged + 1);
    assert_eq!(stats.delivered, stats.offered, "the parent's events");
    assert_eq!(stats.dropped.total(), 0);
    assert_eq!(ingest.delivered().len() as u64, stats.delivered + FORKS);
    assert_eq!(
        ingest.duplicates(),
        Vec::<String>::new(),
        "each was delivered once"
    );
    assert_eq!(ingest.violations(), Vec::<String>::new());
    ExitCode::SUCCESS
}

/// What happens in a child: with the parent's handle nothing, with its own all.
fn child(inherited: &UsageLogger, endpoint: &str, n: u64) {
    let began = Instant::now();
    let before = inherited.stats().dropped.get(DropReason::Forked);
    for _ in 0..10 {
        let outcome = inherited.log_usage(call(1));
        assert_eq!(outcome, Outcome::Dropped(DropReason::Forked));
    }
    let stats = inherited.stats();
    assert_eq!(stats.dropped.get(DropReason::Forked), before + 10);
    drop(inherited.start_tool_call("in the child"));
    assert_eq!(inherited.flush_blocking(PATIENCE), Err(FlushError::Closed));
    assert!(
        inherited
            .log_usage_confirmed_blocking(call(1), PATIENCE)
            .is_err()
    );
    assert!(!inherited.check_blocking().is_healthy());
    assert!(!inherited.check_delivery_blocking().delivered);
    let _ = inherited.shutdown_blocking(PATIENCE);
    drop(inherited.clone());
    assert!(began.elapsed() < Duration::from_secs(5), "the child waited");

    let own = builder(endpoint).build().expect("settings");
    assert_eq!(own.log_usage(call(100_000 + n)), Outcome::Queued);
    let report = own.shutdown_blocking(PATIENCE);
    assert_eq!(report.stats.delivered, 1, "{report:?}");
}

fn builder(endpoint: &str) -> Builder {
    UsageLogger::builder()
        .env(|_| None)
        .api_key("test-key-1")
        .endpoint(endpoint)
        .product_id("p")
        .flush_interval(Duration::from_millis(10))
}

fn call<'a>(n: u64) -> ToolCall<'a> {
    ToolCall::new("count").request_id(n.to_string())
}

/// Runs `f` in a child, and waits for its end.
fn fork(f: impl FnOnce()) {
    // SAFETY: the child runs `f` and ends by `_exit`, without running destructors or exit handlers
    // of the parent's. `f` allocates, which glibc makes safe after a fork.
    let pid = unsafe { libc::fork() };
    match pid {
        0 => {
            let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f));
            // SAFETY: ends this process and does nothing else.
            unsafe { libc::_exit(i32::from(ran.is_err())) }
        }
        1.. => {
            let mut status = 0;
            // SAFETY: `status` outlives the call.
            let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
            assert_eq!((waited, status), (pid, 0), "the child failed");
        }
        _ => panic!("no fork: {}", std::io::Error::last_os_error()),
    }
}

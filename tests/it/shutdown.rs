//! The end: what is queued is delivered within the deadline, or reported.

use std::time::{Duration, Instant};

use mcp_usage::testing::{Answer, ManualClock};
use mcp_usage::{ConfirmError, DropReason, FlushError, Outcome, ShutdownReport, UsageLogger, Wire};

use crate::support::{
    PATIENCE, assert_ledger, barrier, block_on, builder, builder_for, call, end, errors, ingest,
    wires,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn two_hundred_events_are_delivered_by_a_slow_ingest() {
    let ingest = ingest();
    ingest.answer_always(Answer::ok().delay(Duration::from_millis(100)));
    let usage = builder(&ingest).flush_interval(SECOND).build().unwrap();
    for n in 0..200 {
        assert_eq!(usage.log_usage(call(n)), Outcome::Queued);
    }
    // 25 rounds of eight requests take 2.5 s; the deadline of the promise is 5 s.
    let report = usage.shutdown_blocking(5 * SECOND);
    assert_eq!(
        (report.stats.delivered, report.pending),
        (200, 0),
        "{report:?}"
    );
    assert_eq!(ingest.delivered().len(), 200);
    assert_eq!(ingest.duplicates(), Vec::<String>::new());
}

#[test]
fn two_503s_at_the_shutdown_cost_nothing() {
    for (name, wire) in wires() {
        let ingest = ingest();
        ingest.script([Answer::status(503), Answer::status(503)]);
        let usage = builder_for(&ingest, &wire)
            .flush_interval(SECOND)
            .build()
            .unwrap();
        for n in 0..200 {
            usage.log_usage(call(n));
        }
        let report = usage.shutdown_blocking(PATIENCE);
        assert_eq!((report.stats.delivered, report.pending), (200, 0), "{name}");
        assert_eq!(ingest.delivered().len(), 200, "{name}");
        assert_eq!(ingest.duplicates(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_shutdown_against_a_hang_is_back_in_time_and_names_what_is_pending() {
    for (name, wire) in wires() {
        let ingest = ingest();
        ingest.answer_always(Answer::hang());
        let usage = builder_for(&ingest, &wire)
            .request_timeout(PATIENCE)
            .build()
            .unwrap();
        for n in 0..20 {
            usage.log_usage(call(n));
        }
        ingest.wait_for_requests(1, PATIENCE).unwrap();
        let began = Instant::now();
        let report = usage.shutdown_blocking(Duration::from_millis(200));
        assert!(
            began.elapsed() < 10 * SECOND,
            "{name}: {:?}",
            began.elapsed()
        );
        assert!(
            report.elapsed >= Duration::from_millis(200),
            "{name}: {report:?}"
        );
        assert_eq!((report.pending, report.stats.pending), (20, 20), "{name}");
        assert_ledger(&report.stats);
        let stats = usage.stats();
        assert_eq!((stats.pending, stats.delivered), (0, 0), "{name}");
        assert_eq!(stats.dropped.get(DropReason::ShutdownTimeout), 20, "{name}");
        assert_eq!(stats.queue_bytes, 0, "{name}");
        assert_ledger(&stats);
    }
}

#[test]
fn what_waits_for_a_retry_is_pending_at_the_shutdown_too() {
    let ingest = ingest();
    ingest.answer_always(Answer::status(503).retry_after("60"));
    let (builder, errors) = errors(builder(&ingest).wire(Wire::ReoBatch));
    let usage = builder.build().unwrap();
    let wait = usage.log_usage_confirmed(call(1), PATIENCE);
    errors.recv_timeout(PATIENCE).unwrap();
    for n in 0..5 {
        usage.log_usage(call(n));
    }
    let report = usage.shutdown_blocking(Duration::from_millis(100));
    assert_eq!(report.pending, 6);
    assert_eq!(
        block_on(wait),
        Err(ConfirmError::Dropped(DropReason::ShutdownTimeout))
    );
    let stats = usage.stats();
    assert_eq!(stats.dropped.get(DropReason::ShutdownTimeout), 6);
    assert_ledger(&stats);
    // The shutdown got its one probe through the closed gate.
    assert_eq!(stats.requests, 2);
}

#[test]
fn a_shutdown_without_time_gives_up_at_once() {
    let (ingest, clock) = (ingest(), ManualClock::new());
    let usage = builder(&ingest).clock(&clock).build().unwrap();
    for n in 0..5 {
        usage.log_usage(call(n));
    }
    let report = usage.shutdown_blocking(Duration::ZERO);
    assert_eq!((report.stats.offered, report.elapsed), (5, Duration::ZERO));
    assert_ledger(&usage.stats());
    assert_eq!(usage.stats().pending, 0);
}

#[test]
fn of_two_shutdowns_both_hear_the_end() {
    let ingest = ingest();
    ingest.answer_always(Answer::hang());
    let usage = builder(&ingest).request_timeout(PATIENCE).build().unwrap();
    for n in 0..4 {
        usage.log_usage(call(n));
    }
    ingest.wait_for_requests(4, PATIENCE).unwrap();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| usage.shutdown_blocking(PATIENCE));
        let second = scope.spawn(|| block_on(usage.shutdown(PATIENCE)));
        // Both are asked for before the ingest lets go; if one comes late it hears the same.
        while usage.log_usage(call(9)) == Outcome::Queued {
            std::thread::yield_now();
        }
        ingest.answer_always(Answer::ok());
        ingest.release();
        // Events logged before the door closed may hang as well by now.
        for report in loop {
            if first.is_finished() && second.is_finished() {
                break [first.join().unwrap(), second.join().unwrap()];
            }
            ingest.release();
            std::thread::yield_now();
        } {
            assert_eq!(report.pending, 0);
            assert_ledger(&report.stats);
        }
    });
    assert_eq!(usage.stats().pending, 0);
}

#[test]
fn a_second_shutdown_reports_what_the_first_left() {
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    usage.log_usage(call(1));
    let first = usage.shutdown_blocking(PATIENCE);
    let second = usage.shutdown_blocking(PATIENCE);
    let third = block_on(usage.shutdown(PATIENCE));
    assert_eq!((first.stats, second.stats), (third.stats, third.stats));
}

#[test]
fn what_comes_after_the_shutdown_is_refused_and_counted() {
    for started in [true, false] {
        let ingest = ingest();
        let usage = builder(&ingest).build().unwrap();
        if started {
            usage.log_usage(call(1));
        }
        let late = usage.clone();
        let open = usage.start_tool_call("late");
        usage.shutdown_blocking(PATIENCE);
        let closed = Outcome::Dropped(DropReason::Closed);
        assert_eq!(late.log_usage(call(2)), closed);
        assert_eq!(
            late.log_usage_confirmed_blocking(call(3), PATIENCE),
            Err(ConfirmError::Dropped(DropReason::Closed))
        );
        assert_eq!(
            late.start_tool_call("later")
                .finish(mcp_usage::CallOutcome::Ok),
            closed
        );
        drop(open);
        assert_eq!(late.flush_blocking(PATIENCE), Ok(()));
        assert_eq!(block_on(late.flush(PATIENCE)), Ok(()));
        let stats = late.stats();
        assert_eq!(stats.dropped.get(DropReason::Closed), 3);
        assert_ledger(&stats);
    }
}

#[test]
fn a_flush_that_a_shutdown_overtakes_says_so() {
    let (ingest, clock) = (ingest(), ManualClock::new());
    ingest.answer_always(Answer::hang());
    let usage = builder(&ingest).clock(&clock).build().unwrap();
    drop(usage.log_usage_confirmed(call(1), PATIENCE));
    ingest.wait_for_requests(1, PATIENCE).unwrap();
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| usage.flush_blocking(PATIENCE));
        barrier(&usage);
        usage.shutdown_blocking(Duration::ZERO);
        let result = flush.join().unwrap();
        assert!(
            matches!(result, Err(FlushError::Closed) | Ok(())),
            "{result:?}"
        );
    });
    assert_ledger(&usage.stats());
}

#[test]
fn the_drop_of_the_last_handle_drains() {
    let ingest = ingest();
    let usage = builder(&ingest)
        .flush_interval(60 * SECOND)
        .build()
        .unwrap();
    let clone = usage.clone();
    for n in 0..5 {
        usage.log_usage(call(n));
    }
    drop(usage);
    assert_eq!(
        clone.log_usage(call(5)),
        Outcome::Queued,
        "one of two handles is gone"
    );
    drop(clone);
    ingest.wait_for_delivered(6, PATIENCE).unwrap();
}

#[test]
fn the_drop_of_the_last_handle_does_not_wait() {
    let (ingest, clock) = (ingest(), ManualClock::new());
    ingest.answer_always(Answer::hang());
    let usage = builder(&ingest).clock(&clock).build().unwrap();
    drop(usage.log_usage_confirmed(call(1), PATIENCE));
    ingest.wait_for_requests(1, PATIENCE).unwrap();
    // The clock stands still, so a drop that waited would never come back.
    drop(usage);
}

#[test]
fn a_guard_shuts_down_when_main_ends() {
    let ingest = ingest();
    let usage = builder(&ingest)
        .flush_interval(60 * SECOND)
        .build()
        .unwrap();
    {
        let _guard = usage.shutdown_on_drop(PATIENCE);
        usage.log_usage(call(1));
    }
    assert_eq!(ingest.delivered().len(), 1);
    assert_eq!(
        usage.log_usage(call(2)),
        Outcome::Dropped(DropReason::Closed)
    );
}

// ---- runtimes ----

/// What a server does in its life, from async code.
async fn life(usage: &UsageLogger) -> ShutdownReport {
    usage.log_usage(call(1));
    usage.log_usage_confirmed(call(2), PATIENCE).await.unwrap();
    usage.flush(PATIENCE).await.unwrap();
    usage.log_usage(call(3));
    usage.shutdown(PATIENCE).await
}

#[test]
fn it_works_on_every_runtime_and_on_none() {
    let current = tokio::runtime::Builder::new_current_thread;
    let multi = tokio::runtime::Builder::new_multi_thread;
    let runtimes = [
        current().enable_all().build().unwrap(),
        // Without a timer and without I/O: ours are not the host's.
        current().build().unwrap(),
        multi().worker_threads(2).enable_all().build().unwrap(),
        multi().worker_threads(1).build().unwrap(),
    ];
    for runtime in runtimes {
        let ingest = ingest();
        let usage = builder(&ingest).build().unwrap();
        let report = runtime.block_on(life(&usage));
        assert_eq!((report.stats.delivered, report.pending), (3, 0));
        assert_eq!(ingest.delivered().len(), 3);
    }
    // None: the futures are polled by hand.
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    let report = poll_on_this_thread(life(&usage));
    assert_eq!((report.stats.delivered, report.pending), (3, 0));
    // None, and no futures.
    let ingest = crate::support::ingest();
    let usage = builder(&ingest).build().unwrap();
    usage.log_usage(call(1));
    usage
        .log_usage_confirmed_blocking(call(2), PATIENCE)
        .unwrap();
    usage.flush_blocking(PATIENCE).unwrap();
    assert_eq!(end(&usage, &ingest).delivered, 2);
}

/// An executor of one future.
fn poll_on_this_thread<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        let mut context = std::task::Context::from_waker(&waker);
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(value) => return value,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn the_blocking_twins_do_not_deadlock_a_runtime_of_one_thread() {
    block_on(async {
        let ingest = ingest();
        let usage = builder(&ingest).build().unwrap();
        usage.log_usage(call(1));
        usage.flush_blocking(PATIENCE).unwrap();
        usage
            .log_usage_confirmed_blocking(call(2), PATIENCE)
            .unwrap();
        let report = usage.shutdown_blocking(PATIENCE);
        assert_eq!(report.stats.delivered, 2);
    });
}

#[test]
fn it_outlives_the_hosts_runtime() {
    for drop_in_background in [false, true] {
        let ingest = ingest();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let usage = runtime.block_on(async {
            let usage = builder(&ingest).build().unwrap();
            usage.log_usage_confirmed(call(1), PATIENCE).await.unwrap();
            usage.log_usage(call(2));
            usage
        });
        if drop_in_background {
            runtime.shutdown_background();
        } else {
            drop(runtime);
        }
        assert_eq!(usage.log_usage(call(3)), Outcome::Queued);
        assert_eq!(end(&usage, &ingest).delivered, 3);
    }
}

#[test]
fn a_stalled_host_does_not_stall_delivery() {
    block_on(async {
        let ingest = ingest();
        let usage = builder(&ingest).build().unwrap();
        usage.log_usage(call(1));
        // The one thread of the host's runtime blocks here, and the event arrives all the same.
        ingest.wait_for_delivered(1, PATIENCE).unwrap();
        usage.shutdown(PATIENCE).await;
    });
}

#[test]
fn a_wait_that_is_given_up_changes_nothing() {
    block_on(async {
        let ingest = ingest();
        ingest.answer_always(Answer::hang());
        let usage = builder(&ingest).request_timeout(PATIENCE).build().unwrap();
        usage.log_usage(call(1));
        for _ in 0..3 {
            let never = tokio::time::timeout(Duration::from_millis(10), usage.flush(PATIENCE));
            assert!(never.await.is_err());
        }
        let given_up = tokio::time::timeout(Duration::from_millis(10), usage.shutdown(PATIENCE));
        assert!(given_up.await.is_err());
        ingest.requests_arrived(1, PATIENCE).await.unwrap();
        ingest.release();
        // The shutdown goes on without its future.
        ingest.events_delivered(1, PATIENCE).await.unwrap();
        assert_eq!(usage.shutdown(PATIENCE).await.pending, 0);
        assert_ledger(&usage.stats());
    });
}

#[test]
fn a_timeout_beyond_the_clock_is_a_long_one() {
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    usage
        .log_usage_confirmed_blocking(call(1), Duration::MAX)
        .unwrap();
    usage.log_usage(call(2));
    usage.flush_blocking(Duration::MAX).unwrap();
    usage.log_usage(call(3));
    assert_eq!(usage.shutdown_blocking(Duration::MAX).stats.delivered, 3);
}

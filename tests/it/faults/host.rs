//! What may go wrong in the host: panics, clocks, runtimes, overload, haste.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use mcp_usage::testing::{Answer, ManualClock};
use mcp_usage::{CallOutcome, DropReason, Outcome, Redactor, ToolCall, WhenFull, Wire};
use serde::{Serialize, Serializer};
use serde_json::json;

use super::{Scene, let_time_pass};
use crate::support::{KEY, PATIENCE, barrier, builder_for, call, ingest, wires};

/// A value that takes the host's code down with it.
struct Bomb;

impl Serialize for Bomb {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("a fault of the host's")
    }
}

type Row = (&'static str, fn(&str, &Wire));

#[test]
fn every_fault_of_the_host_is_survived() {
    let rows: [Row; 17] = [
        ("a value that panics", value_that_panics),
        ("a rule that panics", rule_that_panics),
        ("a hook that panics", hook_that_panics),
        ("a callback that panics", callback_that_panics),
        ("a tool that panics", tool_that_panics),
        ("a thread that panics between events", thread_that_panics),
        ("the runtime is dropped", runtime_is_dropped),
        (
            "the runtime is dropped with a wait under way",
            runtime_is_dropped_in_a_wait,
        ),
        ("the wall clock jumps forward", clock_forward),
        ("the wall clock jumps back", clock_back),
        ("the machine sleeps", machine_sleeps),
        ("the queue is full and keeps the oldest", queue_full_oldest),
        ("the queue is full and keeps the newest", queue_full_newest),
        ("many threads while the ingest goes up and down", threads),
        ("the key is wrong and then right", key_rotated),
        ("the breaker opens and closes", breaker),
        ("a shutdown in a hang", shutdown_in_a_hang),
    ];
    for (wire_name, wire) in wires() {
        for (name, play) in rows {
            play(&format!("{name} ({wire_name})"), &wire);
        }
    }
}

fn value_that_panics(name: &str, wire: &Wire) {
    let ingest = ingest();
    let builder = builder_for(&ingest, wire);
    let mut scene = Scene::new(name, ingest, builder);
    scene.offered += 1;
    let outcome = scene
        .usage
        .log_usage(ToolCall::new("bomb").arguments(&Bomb));
    assert_eq!(outcome, Outcome::Queued);
    scene.flush();
    let stats = scene.recover();
    assert_eq!((stats.panics, stats.delivered), (1, 2));
}

fn rule_that_panics(name: &str, wire: &Wire) {
    let ingest = ingest();
    let redactor = Redactor::custom(|text| {
        assert!(!text.contains("bomb"), "a fault of the host's");
        text.into()
    });
    let builder = builder_for(&ingest, wire).redactor(redactor);
    let mut scene = Scene::new(name, ingest, builder);
    scene.offered += 1;
    let outcome = scene.usage.log_usage(ToolCall::new("x").prompt("bomb"));
    assert_eq!(outcome, Outcome::Dropped(DropReason::RedactionFailed));
    assert_eq!(scene.recover().delivered, 1);
}

fn hook_that_panics(name: &str, wire: &Wire) {
    let ingest = ingest();
    let calls = Arc::new(AtomicU64::new(0));
    let builder = builder_for(&ingest, wire).before_send(move |event| {
        assert!(calls.fetch_add(1, Relaxed) > 0, "a fault of the host's");
        Some(event)
    });
    let mut scene = Scene::new(name, ingest, builder);
    scene.log(1);
    scene.flush();
    let stats = scene.recover();
    assert_eq!(stats.dropped.get(DropReason::BeforeSend), 1);
    assert_eq!((stats.panics, stats.delivered), (1, 1));
}

fn callback_that_panics(name: &str, wire: &Wire) {
    let ingest = ingest();
    ingest.script([Answer::status(503), Answer::status(400)]);
    let first = builder_for(&ingest, wire);
    let mut scene = Scene::new(name, ingest, first);
    // In place of the scene's own callback.
    scene.usage = builder_for(&scene.ingest, wire)
        .on_error(|_| panic!("a fault of the host's"))
        .build()
        .unwrap();
    scene.log(1);
    scene.flush();
    let stats = scene.recover();
    assert_eq!(stats.panics, 2);
    assert_eq!(stats.dropped.get(DropReason::Rejected), 1);
}

fn tool_that_panics(name: &str, wire: &Wire) {
    let ingest = ingest();
    let builder = builder_for(&ingest, wire);
    let mut scene = Scene::new(name, ingest, builder);
    scene.offered += 1;
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let _call = scene.usage.start_tool_call("bomb");
        panic!("a fault of the host's")
    }));
    assert!(ran.is_err());
    scene.flush();
    let arrived = &scene.ingest.delivered()[0];
    let (key, value) = match wire {
        // The mcpeye wire has no outcomes.
        Wire::Mcpeye(_) => ("isError", json!(true)),
        _ => ("outcome", json!("panicked")),
    };
    assert_eq!(arrived.meta(key), Some(&value), "{name}");
    assert_eq!(scene.recover().delivered, 2);
}

fn thread_that_panics(name: &str, wire: &Wire) {
    let ingest = ingest();
    let builder = builder_for(&ingest, wire);
    let mut scene = Scene::new(name, ingest, builder);
    scene.offered += 1;
    let usage = scene.usage.clone();
    let ran = std::thread::spawn(move || {
        usage.log_usage(call(1));
        panic!("a fault of the host's")
    })
    .join();
    assert!(ran.is_err());
    scene.flush();
    assert_eq!(scene.recover().delivered, 2);
}

fn runtime_is_dropped(name: &str, wire: &Wire) {
    let ingest = ingest();
    ingest.script([Answer::status(503), Answer::hang()]);
    let builder = builder_for(&ingest, wire);
    let mut scene = Scene::new(name, ingest, builder);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { scene.log(2) });
    runtime.shutdown_background();
    let arrived = scene.ingest.wait_for_requests(2, PATIENCE).unwrap();
    assert!(arrived.len() >= 2);
    scene.ingest.release();
    scene.flush();
    assert_eq!(scene.recover().delivered, 3);
}

fn runtime_is_dropped_in_a_wait(name: &str, wire: &Wire) {
    let ingest = ingest();
    ingest.script([Answer::hang()]);
    let builder = builder_for(&ingest, wire);
    let mut scene = Scene::new(name, ingest, builder);
    scene.log(1);
    let usage = scene.usage.clone();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.spawn(async move { usage.shutdown(PATIENCE).await });
    scene.ingest.wait_for_requests(1, PATIENCE).unwrap();
    runtime.shutdown_background();
    scene.ingest.release();
    let stats = scene.end();
    assert_eq!(stats.delivered, 1, "{name}: {stats:?}");
}

/// A logger whose first request has failed at a time that then changes.
fn outage(name: &str, wire: &Wire, change: impl FnOnce(&ManualClock)) -> mcp_usage::Stats {
    let ingest = ingest();
    ingest.script([Answer::status(503).retry_after("5")]);
    let clock = ManualClock::new();
    let builder = builder_for(&ingest, wire).clock(&clock);
    let mut scene = Scene::new(name, ingest, builder);
    scene.log(1);
    let step = Duration::from_millis(500);
    let_time_pass(&scene.usage, &clock, step, 1_000, |stats| {
        stats.retries == 1
    });
    change(&clock);
    scene.log(1);
    let_time_pass(&scene.usage, &clock, step, 1_000, |stats| {
        stats.pending == 0
    });
    scene.end()
}

fn clock_forward(name: &str, wire: &Wire) {
    let year = Duration::from_secs(365 * 24 * 3600);
    let stats = outage(name, wire, |clock| clock.set_forward(year));
    assert_eq!(stats.delivered, 2, "{name}: {stats:?}");
}

fn clock_back(name: &str, wire: &Wire) {
    let year = Duration::from_secs(365 * 24 * 3600);
    let stats = outage(name, wire, |clock| clock.set_back(year));
    assert_eq!(stats.delivered, 2, "{name}: {stats:?}");
}

/// Time that nobody saw passing makes an event too old, and takes nothing else along.
fn machine_sleeps(name: &str, wire: &Wire) {
    let stats = outage(name, wire, |clock| {
        clock.advance(Duration::from_secs(24 * 3600));
    });
    assert_eq!(
        stats.delivered + stats.dropped.get(DropReason::Expired),
        2,
        "{name}: {stats:?}"
    );
    assert!(stats.delivered >= 1, "{name}: {stats:?}");
}

/// An ingest that answers when it is told to, and far more events than the queue has room for.
fn overloaded(name: &str, wire: &Wire, policy: WhenFull) -> (Scene, u64) {
    let ingest = ingest();
    ingest.answer_always(Answer::hang());
    let builder = builder_for(&ingest, wire)
        .max_queue_events(50)
        .when_full(policy);
    let mut scene = Scene::new(name, ingest, builder);
    scene.log(1);
    scene.ingest.wait_for_requests(1, PATIENCE).unwrap();
    let mut refused = 0;
    for _ in 0..500 {
        match scene.offer() {
            Outcome::Queued => {}
            Outcome::Dropped(DropReason::QueueFull) => refused += 1,
            other => panic!("{name}: {other:?}"),
        }
    }
    scene.ingest.answer_always(Answer::ok());
    scene.ingest.release();
    scene.flush();
    (scene, refused)
}

fn queue_full_oldest(name: &str, wire: &Wire) {
    let (scene, refused) = overloaded(name, wire, WhenFull::DropNewest);
    let stats = scene.recover();
    assert_eq!(stats.dropped.get(DropReason::QueueFull), refused);
    assert_eq!(stats.delivered, 502 - refused, "{stats:?}");
    assert!(refused >= 450, "{refused}");
}

fn queue_full_newest(name: &str, wire: &Wire) {
    let (scene, refused) = overloaded(name, wire, WhenFull::DropOldest);
    let newest = scene.offered;
    let arrived = scene.ingest.delivered();
    let arrived = |n: u64| {
        let n = n.to_string();
        arrived
            .iter()
            .any(|e| e.meta("request_id").is_some_and(|id| *id == n))
    };
    // The mcpeye wire has no request ids to tell it by.
    if !matches!(wire, Wire::Mcpeye(_)) {
        assert!(refused > 0 || arrived(newest), "{name}: the newest is gone");
    }
    let stats = scene.recover();
    let lost = stats.dropped.get(DropReason::Evicted) + stats.dropped.get(DropReason::QueueFull);
    assert_eq!(stats.delivered + lost, 502, "{name}: {stats:?}");
    assert!(
        stats.dropped.get(DropReason::Evicted) > 0,
        "{name}: {stats:?}"
    );
}

fn threads(name: &str, wire: &Wire) {
    const THREADS: u64 = 8;
    const EVENTS: u64 = 200;
    let ingest = ingest();
    let builder = builder_for(&ingest, wire)
        .max_batch_events(20)
        .max_backoff(Duration::from_millis(2));
    let mut scene = Scene::new(name, ingest, builder);
    scene.offered = THREADS * EVENTS;
    let start = Barrier::new(THREADS as usize + 1);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (usage, start) = (&scene.usage, &start);
            scope.spawn(move || {
                start.wait();
                for n in 0..EVENTS {
                    let number = 10_000 + thread * EVENTS + n;
                    assert_eq!(usage.log_usage(call(number)), Outcome::Queued);
                }
            });
        }
        start.wait();
        for _ in 0..10 {
            scene
                .ingest
                .script([Answer::reset_after_body(), Answer::ok()]);
            std::thread::yield_now();
        }
    });
    scene.flush();
    // What is left of the script would meet the next event.
    while scene.ingest.script_left() > 0 {
        scene.log(1);
        scene.flush();
    }
    let offered = scene.offered;
    assert_eq!(scene.recover().delivered, offered + 1, "{name}");
}

fn key_rotated(name: &str, wire: &Wire) {
    let ingest = ingest();
    let builder = builder_for(&ingest, wire).api_key("test-key-old");
    let mut scene = Scene::new(name, ingest, builder);
    scene.log(2);
    scene.flush();
    scene.usage.set_api_key(KEY).unwrap();
    let stats = scene.recover();
    assert_eq!(stats.dropped.get(DropReason::Unauthorized), 2, "{name}");
    assert_eq!(stats.delivered, 1, "{name}");
}

fn breaker(name: &str, wire: &Wire) {
    let ingest = ingest();
    ingest.script(vec![Answer::status(503); 7]);
    let clock = ManualClock::new();
    let builder = builder_for(&ingest, wire).clock(&clock).max_in_flight(1);
    let mut scene = Scene::new(name, ingest, builder);
    scene.log(3);
    for failures in 1..=7 {
        // Never with a request under way: it would seem to last as long as the clock says.
        while scene.usage.stats().requests < failures {
            clock.advance(Duration::from_millis(100));
            barrier_of(&mut scene);
        }
        scene.failure();
    }
    // Each turn of the worker costs an event, so the last of them is left to the shutdown.
    scene.flush();
    let stats = scene.end();
    assert_eq!(
        (stats.delivered, stats.retries),
        (stats.offered, 7),
        "{name}"
    );
}

/// Lets the worker have its turn.
fn barrier_of(scene: &mut Scene) {
    barrier(&scene.usage);
    scene.offered += 1;
}

fn shutdown_in_a_hang(name: &str, wire: &Wire) {
    let ingest = ingest();
    ingest.answer_always(Answer::hang());
    let builder = builder_for(&ingest, wire);
    let mut scene = Scene::new(name, ingest, builder);
    scene.log(3);
    let requests = if *wire == Wire::Reo { 3 } else { 1 };
    scene.ingest.wait_for_requests(requests, PATIENCE).unwrap();
    let call = scene.usage.start_tool_call("open");
    scene.offered += 1;
    let stats = scene.close(Duration::from_millis(100));
    assert_eq!(
        stats.dropped.get(DropReason::ShutdownTimeout),
        4,
        "{name}: {stats:?}"
    );
    // The record of the call was taken with the shutdown; its end says nothing new.
    call.finish(CallOutcome::Ok);
    assert_eq!(scene.usage.stats(), stats, "{name}");
    assert_eq!(
        scene.usage.log_usage(ToolCall::new("late")),
        Outcome::Dropped(DropReason::Closed)
    );
}

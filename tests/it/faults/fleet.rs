//! What an ingest that comes back, or has too much to do, gets from one logger of a fleet. The fleet itself is simulated
//! in `src/delivery/fleet.rs`.

use std::time::{Duration, Instant};

use mcp_usage::config::MIN_QUEUE_BYTES;
use mcp_usage::testing::{Answer, MockIngest};
use mcp_usage::{DropReason, Wire};

use super::{Scene, on_all_wires};
use crate::spool::TempDir;
use crate::support::{KEY, builder_for, call, ingest};

/// An outage of ten minutes, scaled to ten seconds, in which more events come than memory keeps. On the wire of one event
/// a request it would last as long as ten thousand requests do.
#[test]
fn a_logger_with_a_spool_loses_nothing_through_an_outage() {
    on_all_wires(|name, wire| {
        // Four loggers at the full rate would measure the machine.
        let a_second = if *wire == Wire::ReoBatch { 1_000 } else { 250 };
        if *wire != Wire::Reo {
            outage_with_a_spool(name, wire, a_second);
        }
    });
}

fn outage_with_a_spool(name: &str, wire: &Wire, a_second: u64) {
    let (spool, ingest) = (TempDir::new(), ingest());
    // A few of the events.
    let memory = MIN_QUEUE_BYTES.max(a_second as usize * 1_000);
    let builder = builder_for(&ingest, wire)
        .spool(spool.spool())
        .max_queue_bytes(memory)
        .initial_backoff(Duration::from_millis(20))
        .max_backoff(Duration::from_millis(500))
        .max_retry_after(Duration::from_millis(500));
    let mut scene = Scene::new(name, ingest, builder);
    scene.log(100);
    scene.flush();
    scene
        .ingest
        .answer_always(Answer::status(503).retry_after("1"));
    let outage = Instant::now();
    while outage.elapsed() < Duration::from_secs(10) || scene.offered < 10 * a_second {
        let events = outage.elapsed().as_millis() as u64 * a_second / 1_000;
        // The disk may be slower than the clock.
        let has_room = || scene.usage.stats().queue_bytes < memory as u64 / 10 * 9;
        while scene.offered < 100 + events && has_room() {
            scene.offered += 1;
            let n = scene.offered;
            let outcome = scene.usage.log_usage(call(n));
            assert_eq!(outcome, mcp_usage::Outcome::Queued, "{name}");
        }
        // Leaves the processor to the other loggers.
        std::thread::park_timeout(Duration::from_millis(1));
    }
    scene.ingest.answer_always(Answer::ok());
    scene.flush();
    let stats = scene.recover();
    assert_eq!(stats.dropped.total(), 0, "{name}: {stats}");
    assert!(stats.delivered > 9 * a_second, "{name}: {stats}");
}

#[test]
fn an_ingest_that_sheds_gets_all_in_its_own_time() {
    on_all_wires(shed);
}

fn shed(name: &str, wire: &Wire) {
    // So few that a slow machine is not slower.
    let events = if *wire == Wire::Reo { 20 } else { 600 };
    let ingest = MockIngest::builder()
        .api_key(KEY)
        .max_requests_per_second(5)
        .max_events_per_second(200)
        .shed_retry_after("1")
        .start()
        .unwrap();
    // All at once, however slowly they are logged.
    let builder = builder_for(&ingest, wire)
        .flush_interval(Duration::from_secs(600))
        .max_batch_events(200);
    let mut scene = Scene::new(name, ingest, builder);
    scene.log(events);
    scene.flush();
    let requests = scene.ingest.requests();
    let shed = requests
        .iter()
        .filter(|request| request.status == Some(429));
    assert!(shed.count() > 0, "{name}: nothing was shed");
    let stats = scene.end();
    let expired = stats.dropped.get(DropReason::Expired);
    assert_eq!((stats.delivered, expired), (events, 0), "{name}");
}

//! What an ingest that comes back, or has too much to do, gets from one logger of a fleet. The fleet itself is simulated
//! in `src/delivery/fleet.rs`.

use std::time::{Duration, Instant};

use mcp_usage::testing::{Answer, MockIngest};
use mcp_usage::{DropReason, Wire};

use super::Scene;
use crate::spool::TempDir;
use crate::support::{KEY, builder_for, call, ingest};

/// An outage of ten minutes, scaled to ten seconds, in which more events come than memory keeps.
#[test]
fn a_logger_with_a_spool_loses_nothing_through_an_outage() {
    let (spool, ingest) = (TempDir::new(), ingest());
    let builder = builder_for(&ingest, &Wire::ReoBatch)
        .spool(spool.spool())
        // A few of the events.
        .max_queue_bytes(1 << 20)
        .initial_backoff(Duration::from_millis(20))
        .max_backoff(Duration::from_millis(500))
        .max_retry_after(Duration::from_millis(500));
    let mut scene = Scene::new("an outage", ingest, builder);
    scene.log(100);
    scene.flush();
    scene
        .ingest
        .answer_always(Answer::status(503).retry_after("1"));
    let outage = Instant::now();
    while outage.elapsed() < Duration::from_secs(10) {
        let events = outage.elapsed().as_millis() as u64;
        while scene.offered < 100 + events {
            scene.offered += 1;
            let n = scene.offered;
            assert_eq!(scene.usage.log_usage(call(n)), mcp_usage::Outcome::Queued);
        }
        std::thread::yield_now();
    }
    scene.ingest.answer_always(Answer::ok());
    scene.flush();
    let stats = scene.recover();
    assert_eq!(stats.dropped.total(), 0, "{stats}");
    assert!(stats.delivered > 9_000, "{stats}");
}

#[test]
fn an_ingest_that_sheds_gets_all_in_its_own_time() {
    for (name, wire, events) in [("reo", Wire::Reo, 80), ("batches", Wire::ReoBatch, 3_000)] {
        let ingest = MockIngest::builder()
            .api_key(KEY)
            .max_requests_per_second(25)
            .max_events_per_second(1_500)
            .shed_retry_after("1")
            .start()
            .unwrap();
        let builder = builder_for(&ingest, &wire);
        let mut scene = Scene::new(name, ingest, builder);
        scene.log(events);
        scene.flush();
        let requests = scene.ingest.requests();
        let shed = requests
            .iter()
            .filter(|request| request.status == Some(429));
        assert!(shed.count() > 0, "{name}: nothing was shed");
        let stats = scene.end();
        assert_eq!(
            (stats.delivered, stats.dropped.get(DropReason::Expired)),
            (events, 0)
        );
    }
}

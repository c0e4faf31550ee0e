//! What one destination may hold of the memory that all of them share.

use super::*;

/// What a logger is set to, and how many events there are in each of how many rounds.
type Burden = (fn(Builder) -> Builder, u64, u64);

/// The bound of the memory, of which a lagging destination may hold half.
const MOST: usize = 2 << 20;

/// Many large batches, many requests, and few events.
const BURDENS: [Burden; 4] = [
    (
        |b| {
            b.max_queue_bytes(MOST)
                .max_batch_bytes(MOST)
                .max_batch_events(5_000)
        },
        300,
        8,
    ),
    (|b| b.max_queue_bytes(MOST).max_in_flight(64), 100, 24),
    (
        |b| {
            b.max_queue_events(500)
                .max_batch_events(500)
                .max_in_flight(64)
        },
        50,
        12,
    ),
    (|b| b.max_queue_events(16).max_in_flight(64), 2, 20),
];

/// What is under way is never evicted, and may take until its time is up: here, longer than all the rounds.
#[test]
fn what_one_that_hangs_has_under_way_leaves_the_other_its_half_of_the_memory() {
    for (n, (change, events, rounds)) in BURDENS.into_iter().enumerate() {
        let clock = ManualClock::new();
        let [hanging, good] = [ingest(), ingest()];
        hanging.answer_always(Answer::hang());
        let builder = builder(&hanging).wire(Wire::ReoBatch).clock(&clock);
        let usage = change(builder.flush_interval(STEP / 5))
            .also(to(&good, otlp()).name("good"))
            .build()
            .unwrap();
        let text = "x".repeat(1_000);
        // The worker is there before its clock moves.
        settle(&usage, "good", &good);
        for event in 0..events * rounds {
            let outcome = usage.log_usage(call(event).prompt(&*text));
            assert_eq!(outcome, Outcome::Queued, "{n}, {event}: {}", usage.stats());
            if event % events == events - 1 {
                clock.advance(STEP / 5);
                let had = good.wait_for_delivered(event as usize + 1, PATIENCE);
                assert!(had.is_ok(), "{n}, {event}: {}", usage.stats());
                settle(&usage, "good", &good);
            }
        }
        let stats = |name| usage.destination(name).unwrap().stats();
        let (hung, had) = (stats("reo_batch"), stats("good"));
        assert_eq!(had.delivered, events * rounds, "{n}: {had}");
        assert!(
            hung.requests > 0 && hung.queue_bytes <= MOST as u64 / 2,
            "{n}: {hung}"
        );
        let evicted = hung.dropped.get(DropReason::Evicted);
        assert_eq!(
            (hung.dropped.total(), hung.delivered),
            (evicted, 0),
            "{n}: {hung}"
        );
        usage.shutdown_blocking(Duration::ZERO);
        assert_ledgers(&usage);
        assert_no_violations(&[good]);
    }
}

/// The copies for a destination that takes some kinds alone need memory beside what all take.
#[test]
fn one_that_lags_makes_room_for_what_another_takes_a_part_of() {
    const MOST: usize = 4 << 20;
    let clock = ManualClock::new();
    let [lagging, part] = [ingest(), ingest()];
    lagging.answer_always(Answer::status(503));
    let builder = builder(&lagging).wire(Wire::ReoBatch).clock(&clock);
    let usage = builder
        .flush_interval(STEP)
        .max_queue_bytes(MOST)
        // The worker comes by time alone.
        .max_batch_bytes(MOST)
        .max_batch_events(100_000)
        .also(to(&part, mcpeye()).name("part"))
        .build()
        .unwrap();
    let text = "x".repeat(1_000);
    settle(&usage, "part", &part);
    let mut calls = 0;
    let mut burst = |events: u64| {
        for n in 0..events {
            let outcome = match n % 20 {
                0 => usage.log_usage(IdentityCapture::new(rachel())),
                _ => usage.log_usage(call(n).prompt(&*text)),
            };
            assert_eq!(outcome, Outcome::Queued, "{}", usage.stats());
            calls += u64::from(n % 20 > 0);
        }
        clock.advance(STEP);
        // What is dropped for it comes no more.
        let lost = || {
            usage
                .destination("part")
                .unwrap()
                .stats()
                .dropped
                .get(DropReason::QueueFull)
        };
        crate::spool::wait_until(|| part.counts().accepted + lost() >= calls);
        settle(&usage, "part", &part);
        calls
    };
    let stats = |name| usage.destination(name).unwrap().stats();
    while stats("reo_batch").dropped.get(DropReason::Evicted) == 0 {
        burst(150);
    }
    assert!(stats("reo_batch").queue_bytes > MOST as u64 / 2 - 400_000);
    let calls = burst(600);
    let (lagged, had) = (stats("reo_batch"), stats("part"));
    assert_eq!(had.dropped.get(DropReason::QueueFull), 0, "{had}");
    assert_eq!((had.delivered, had.pending), (calls, 0), "{had}");
    let evicted = lagged.dropped.get(DropReason::Evicted);
    assert_eq!(lagged.dropped.total(), evicted, "{lagged}");
    usage.shutdown_blocking(Duration::ZERO);
    assert_ledgers(&usage);
    assert_no_violations(&[part]);
}

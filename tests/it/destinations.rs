//! Several destinations: each gets what is for it, none costs another anything, and each has a ledger of its own.

mod shares;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mcp_usage::testing::{Answer, ManualClock, MemoryTransport, MockIngest, ReceivedEvent};
use mcp_usage::{
    Builder, Confirm, ConfirmError, DeliveryError, Destination, DestinationReport, DropReason,
    FlushError, Identity, IdentityCapture, Init, Otlp, Outcome, PostHog, ToolCall, UsageLogger,
    WhenFull, Wire,
};
use serde_json::{Value, json};

use crate::spool::TempDir;
use crate::support::{
    KEY, PATIENCE, arrival, assert_ledger, builder, builder_for, call, endpoint_of, errors, ingest,
    mcpeye, otlp, posthog, rachel, secret, wires,
};

const SECOND: Duration = Duration::from_secs(1);

/// A destination of this wire at `ingest`.
fn to(ingest: &MockIngest, wire: Wire) -> Destination {
    let url = endpoint_of(ingest, &wire);
    Destination::new(wire).endpoint(url).api_key(KEY)
}

/// Ingests for the Reo, batch, mcpeye and OTLP wires, and a logger for all of them.
fn all(change: impl FnOnce(Builder) -> Builder) -> (Vec<MockIngest>, UsageLogger) {
    let ingests: Vec<_> = wires().iter().map(|_| ingest()).collect();
    let mut each = wires().into_iter().zip(&ingests);
    let (_, (_, first)) = (
        0,
        each.next()
            .map(|((_, wire), ingest)| (wire, ingest))
            .unwrap(),
    );
    let mut builder = builder(first);
    for ((_, wire), ingest) in each {
        builder = builder.also(to(ingest, wire));
    }
    (ingests, change(builder).build().unwrap())
}

fn assert_no_violations(ingests: &[MockIngest]) {
    for ingest in ingests {
        assert_eq!(ingest.violations(), Vec::<String>::new());
    }
}

fn assert_ledgers(usage: &UsageLogger) {
    for destination in usage.destinations() {
        assert_ledger(&destination.stats());
    }
}

/// What differs by chance from one logger to the next.
fn without_chance(mut event: Value) -> Value {
    fn clean(value: &mut Value) {
        const CHANCE: [&str; 17] = [
            "mcp_usage_event_id",
            "mcp_usage_instance",
            "instance",
            "sequence",
            "event_id",
            "callId",
            "timestamp",
            "event_at",
            "mcp_usage.instance",
            "mcp_usage.event_id",
            "mcp_usage.sequence",
            "traceId",
            "spanId",
            "startTimeUnixNano",
            "endTimeUnixNano",
            "timeUnixNano",
            "uuid",
        ];
        match value {
            Value::Object(members) => {
                members.retain(|name, _| !CHANCE.contains(&name.as_str()));
                members.values_mut().for_each(clean);
            }
            Value::Array(items) => items.iter_mut().for_each(clean),
            _ => {}
        }
    }
    clean(&mut event);
    event
}

fn full_call(arguments: &Value) -> ToolCall<'_> {
    ToolCall::new("search")
        .identity(rachel())
        .arguments(arguments)
        .prompt("find what was said of ruby")
        .duration(Duration::from_micros(12_345))
        .error("no such index: \"a\"")
        .session_id("s-1")
        .request_id("7")
        .meta("mode", &"authenticated")
}

#[test]
fn each_destination_gets_what_its_wire_would_get_alone() {
    let (ingests, usage) = all(|builder| builder);
    let arguments = json!({"query": "ruby", "n": [1, 2.5, null]});
    assert_eq!(usage.log_usage(full_call(&arguments)), Outcome::Queued);
    let report = usage.shutdown_blocking(PATIENCE);
    assert_eq!(report.pending, 0);
    assert_no_violations(&ingests);
    assert_ledgers(&usage);
    for ((name, wire), ingest) in wires().into_iter().zip(&ingests) {
        let alone = arrival(
            &wire,
            |builder| builder,
            |usage| {
                usage.log_usage(full_call(&arguments));
            },
        );
        let [event] = &*ingest.delivered() else {
            panic!("{name}: {:?}", ingest.delivered());
        };
        assert_eq!(
            without_chance(event.json.clone()),
            without_chance(alone),
            "{name}"
        );
    }
}

#[test]
fn an_event_that_a_wire_has_no_place_for_counts_there_alone() {
    let (ingests, usage) = all(|builder| builder);
    assert_eq!(
        usage.log_usage(IdentityCapture::new(rachel())),
        Outcome::Queued
    );
    assert_eq!(usage.log_usage(Init::new(["search"])), Outcome::Queued);
    assert_eq!(usage.log_usage(call(1)), Outcome::Queued);
    usage.shutdown_blocking(PATIENCE);
    assert_ledgers(&usage);
    for destination in usage.destinations() {
        let stats = destination.stats();
        let left = if destination.name() == "mcpeye" { 2 } else { 0 };
        assert_eq!(stats.offered, 3, "{destination:?}");
        assert_eq!(
            stats.dropped.get(DropReason::UnsupportedByWire),
            left,
            "{destination:?}"
        );
        assert_eq!(stats.delivered, 3 - left, "{destination:?}");
    }
    assert_no_violations(&ingests);
}

#[test]
fn an_event_that_no_destination_takes_is_dropped_for_the_first_ones_reason() {
    let ingests = [ingest(), ingest()];
    let builder = builder_for(&ingests[0], &mcpeye());
    let usage = builder
        .also(to(&ingests[1], mcpeye()).name("other"))
        .build()
        .unwrap();
    let dropped = Outcome::Dropped(DropReason::UnsupportedByWire);
    assert_eq!(usage.log_usage(IdentityCapture::new(rachel())), dropped);
    assert_eq!(usage.destinations().len(), 2);
    for destination in usage.destinations() {
        let stats = destination.stats();
        assert_eq!(
            (stats.offered, stats.dropped.total()),
            (1, 1),
            "{destination:?}"
        );
    }
    // The one without a product misses it, the other has no place for one.
    let builder = UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint(ingests[0].endpoint());
    let usage = builder.also(to(&ingests[1], mcpeye())).build().unwrap();
    assert_eq!(usage.log_usage(call(1)), Outcome::Queued);
    usage.shutdown_blocking(PATIENCE);
    let stats = |name| usage.destination(name).unwrap().stats();
    assert_eq!(stats("reo").dropped.get(DropReason::MissingField), 1);
    assert_eq!(stats("mcpeye").delivered, 1);
}

#[test]
fn a_full_queue_is_counted_by_those_that_would_have_taken_the_event() {
    let ingests = [ingest(), ingest()];
    for ingest in &ingests {
        ingest.answer_always(Answer::hang());
    }
    let builder = builder(&ingests[0]).max_queue_events(1);
    let usage = builder.also(to(&ingests[1], mcpeye())).build().unwrap();
    let full = Outcome::Dropped(DropReason::QueueFull);
    assert_eq!(usage.log_usage(call(1)), Outcome::Queued);
    assert_eq!(usage.log_usage(IdentityCapture::new(rachel())), full);
    assert_eq!(usage.log_usage(call(2)), full);
    for (name, unsupported, full) in [("reo", 0, 2), ("mcpeye", 1, 1)] {
        let stats = usage.destination(name).unwrap().stats();
        let dropped = |reason| stats.dropped.get(reason);
        let counts = [DropReason::UnsupportedByWire, DropReason::QueueFull].map(dropped);
        assert_eq!((stats.offered, counts), (3, [unsupported, full]), "{name}");
    }
    assert_ledgers(&usage);
}

/// Returns when the worker has done all that is due at this time of its clock, and `good` has had all that was sent to it.
/// Nothing is sent for it: of two requests to forget somebody, the second is answered behind a turn of the worker.
fn settle(usage: &UsageLogger, name: &str, good: &MockIngest) {
    let nobody = Identity::email("nobody@example.com");
    let deadline = Instant::now() + PATIENCE;
    let has_ended = || {
        for _ in 0..2 {
            usage.forget_blocking(&nobody);
        }
        let (stats, seen) = (usage.destination(name).unwrap().stats(), good.counts());
        (stats.requests, stats.delivered) == (seen.requests, seen.accepted)
    };
    // The end of a request may send the next.
    while !(has_ended() && has_ended()) {
        let stats = usage.destination(name).unwrap().stats();
        assert!(
            Instant::now() < deadline,
            "{name}: {stats:?} {:?}",
            good.counts()
        );
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// A quarter of a second of the logger's clock, and of its traffic.
const STEP: Duration = Duration::from_millis(250);
const STEPS: u64 = 44;
const EACH_STEP: u64 = 25;
/// Half of it, which one destination may hold, is less than all the traffic takes; the other half is more than the requests
/// under way hold, which nothing evicts.
const BOUND: usize = 4 << 20;

/// How many events the destination of this name has had at each step of steady traffic.
fn had_at_each_step(
    usage: &UsageLogger,
    name: &str,
    clock: &ManualClock,
    good: &MockIngest,
) -> Vec<u64> {
    let text = "x".repeat(2_500);
    let step = |step: u64| {
        for n in 0..EACH_STEP {
            let event = call(step * EACH_STEP + n).prompt(&*text);
            assert_eq!(usage.log_usage(event), Outcome::Queued);
        }
        clock.advance(STEP);
        settle(usage, name, good);
        let stats = usage.stats();
        assert!(stats.queue_bytes <= BOUND as u64, "{stats}");
        good.counts().accepted
    };
    (0..STEPS).map(step).collect()
}

/// On the logger's own clock, so that the bound is exact however slow the machine is.
#[test]
fn a_destination_that_hangs_and_one_that_fails_cost_the_third_nothing() {
    let clock = ManualClock::new();
    let lone = ingest();
    let on_clock = |builder: Builder| {
        let builder = builder.clock(&clock).flush_interval(SECOND);
        builder.max_queue_bytes(BOUND).max_in_flight(2)
    };
    let alone = on_clock(builder_for(&lone, &otlp())).build().unwrap();
    let had_alone = had_at_each_step(&alone, "otlp", &clock, &lone);
    alone.shutdown_blocking(Duration::ZERO);

    let [hanging, failing, good] = [ingest(), ingest(), ingest()];
    hanging.answer_always(Answer::hang());
    failing.answer_always(Answer::status(503));
    let usage = on_clock(builder_for(&hanging, &Wire::ReoBatch))
        .also(to(&failing, Wire::ReoBatch).name("failing"))
        .also(to(&good, otlp()).name("good"))
        .build()
        .unwrap();
    let had = had_at_each_step(&usage, "good", &clock, &good);
    let late = 2 * SECOND.div_duration_f64(STEP) as usize;
    for (at, alone) in had_alone.iter().enumerate().take(had.len() - late) {
        let beside = had[at + late];
        assert!(beside >= *alone, "{beside} of {alone} after {at} steps");
    }
    let offered = STEPS * EACH_STEP;
    assert!(had_alone.last() > Some(&(offered - 200)), "{had_alone:?}");
    recovers(&usage, &clock, [&failing, &good], offered);
    let stats = |name| usage.destination(name).unwrap().stats();
    assert_eq!(stats("good").delivered, offered);
    assert_eq!(stats("reo_batch").delivered, 0);
    usage.shutdown_blocking(Duration::ZERO);
    assert_ledgers(&usage);
    let hung = stats("reo_batch").dropped;
    let [evicted, left] = [DropReason::Evicted, DropReason::ShutdownTimeout].map(|r| hung.get(r));
    assert_eq!(
        evicted + left,
        offered,
        "those of the one that hangs: {hung:?}"
    );
    assert!(evicted > 0 && left > 0, "{hung:?}");
    assert_no_violations(&[failing, good]);
}

#[test]
fn one_that_fails_and_one_that_hangs_lose_nothing_for_which_there_is_memory() {
    const EVENTS: u64 = 200;
    let clock = ManualClock::new();
    let [hanging, failing, good] = [ingest(), ingest(), ingest()];
    hanging.answer_always(Answer::hang());
    failing.answer_always(Answer::status(503));
    let usage = builder_for(&hanging, &Wire::ReoBatch)
        .clock(&clock)
        .also(to(&failing, posthog()).name("failing"))
        .also(to(&good, otlp()).name("good"))
        .build()
        .unwrap();
    for n in 0..EVENTS {
        assert_eq!(usage.log_usage(call(n)), Outcome::Queued);
        if n % 20 == 19 {
            clock.advance(STEP);
            settle(&usage, "good", &good);
        }
    }
    let ends = || {
        let all = usage.destinations().into_iter();
        let ends = all.map(|it| {
            let stats = it.stats();
            (stats.delivered, stats.pending, stats.dropped.total())
        });
        ends.collect::<Vec<_>>()
    };
    let (kept, had) = ((0, EVENTS, 0), (EVENTS, 0, 0));
    let wait_for = |at: usize, name: &str, ingest: &MockIngest| {
        let mut seconds = 0;
        while ends()[at] != had {
            clock.advance(5 * SECOND);
            settle(&usage, name, ingest);
            seconds += 5;
            assert!(seconds < 300, "{:?}", ends());
        }
    };
    wait_for(2, "good", &good);
    assert_eq!(ends(), [kept, kept, had]);
    failing.answer_always(Answer::ok());
    wait_for(1, "failing", &failing);
    assert_eq!(ends(), [kept, had, had]);
    assert_eq!(failing.delivered().len() as u64, EVENTS);
    usage.shutdown_blocking(Duration::ZERO);
    assert_ledgers(&usage);
    assert_no_violations(&[failing, good]);
}

/// The one that has failed takes events again, and gets what its share of the memory has kept.
fn recovers(
    usage: &UsageLogger,
    clock: &ManualClock,
    [failing, good]: [&MockIngest; 2],
    offered: u64,
) {
    let stats = || usage.destination("failing").unwrap().stats();
    assert_eq!(stats().delivered, 0);
    failing.answer_always(Answer::ok());
    let mut seconds = 0;
    while stats().pending > 0 {
        clock.advance(5 * SECOND);
        settle(usage, "failing", failing);
        // Its last requests would time out, too, on this clock.
        settle(usage, "good", good);
        seconds += 5;
        assert!(seconds < 300, "{}", stats());
    }
    let stats = stats();
    let evicted = stats.dropped.get(DropReason::Evicted);
    assert!(evicted > 0 && stats.delivered > 200, "{stats}");
    assert_eq!(stats.dropped.total(), evicted, "{stats}");
    assert_eq!(stats.delivered + evicted, offered, "{stats}");
    assert_eq!(failing.delivered().len() as u64, stats.delivered);
}

#[test]
fn a_destination_that_hangs_keeps_no_flush_and_no_shutdown_beyond_its_deadline() {
    const TIMEOUT: Duration = Duration::from_millis(300);
    const LATE: Duration = Duration::from_secs(4);
    let [hanging, good] = [ingest(), ingest()];
    hanging.answer_always(Answer::hang());
    for is_first in [true, false] {
        let (first, second) = match is_first {
            true => (&hanging, &good),
            false => (&good, &hanging),
        };
        let builder = builder(first).wire(Wire::ReoBatch);
        let usage = builder.also(to(second, otlp())).build().unwrap();
        for n in 0..10 {
            usage.log_usage(call(n));
        }
        let began = Instant::now();
        let flushed = usage.flush_blocking(TIMEOUT);
        let Err(FlushError::TimedOut {
            pending: 10,
            destinations,
        }) = flushed
        else {
            panic!("{flushed:?}");
        };
        let left = |reports: &[DestinationReport]| {
            let left = reports.iter().map(|it| (it.name.clone(), it.stats.pending));
            left.collect::<Vec<_>>()
        };
        let named = |pending: [u64; 2]| {
            let names = ["reo_batch", "otlp"].map(str::to_owned);
            names.into_iter().zip(pending).collect::<Vec<_>>()
        };
        let expected = named(if is_first { [10, 0] } else { [0, 10] });
        assert_eq!(left(&destinations), expected);
        let report = usage.shutdown_blocking(TIMEOUT);
        assert!(began.elapsed() < 2 * TIMEOUT + LATE, "{report:?}");
        assert_eq!(report.pending, 10, "{report:?}");
        assert_eq!(left(&report.destinations), expected);
        assert_eq!(report.destinations[0].stats, report.stats);
        let ends = usage.destinations().into_iter().map(|destination| {
            let stats = destination.stats();
            (
                stats.delivered,
                stats.dropped.get(DropReason::ShutdownTimeout),
            )
        });
        let ends: Vec<_> = ends.collect();
        let expected = if is_first {
            [(0, 10), (10, 0)]
        } else {
            [(10, 0), (0, 10)]
        };
        assert_eq!(ends, expected);
        assert_ledgers(&usage);
    }
}

/// While none of them takes anything, the queue's policy decides, for all of them together.
#[test]
fn a_full_queue_loses_the_newest_or_the_oldest_of_all_destinations_as_when_full_says() {
    for (policy, lost, kept) in [
        (WhenFull::DropNewest, DropReason::QueueFull, 0),
        (WhenFull::DropOldest, DropReason::Evicted, 29),
    ] {
        let ingests = [ingest(), ingest()];
        // What was handed over is no longer the queue's, so nothing is, until the hook has its turn.
        let turn = Arc::new(Mutex::new(()));
        let (held, turns) = (turn.lock().unwrap(), Arc::clone(&turn));
        let builder = builder(&ingests[0]).wire(Wire::ReoBatch);
        let usage = builder
            .before_send(move |event| {
                drop(turns.lock().unwrap());
                Some(event)
            })
            .max_queue_events(10)
            .when_full(policy)
            .also(to(&ingests[1], otlp()))
            .build()
            .unwrap();
        for n in 0..30 {
            let outcome = usage.log_usage(call(n));
            let is_full = policy == WhenFull::DropNewest && n >= 10;
            let full = Outcome::Dropped(DropReason::QueueFull);
            let expected = if is_full { full } else { Outcome::Queued };
            assert_eq!(outcome, expected, "{policy:?}, {n}");
        }
        for destination in usage.destinations() {
            let stats = destination.stats();
            assert_eq!(stats.dropped.total(), stats.dropped.get(lost), "{stats}");
            let counts = (stats.offered, stats.pending);
            assert_eq!(counts, (30, 10), "{policy:?}: {stats}");
        }
        drop(held);
        usage.flush_blocking(PATIENCE).unwrap();
        let numbers = |ingest: &MockIngest| ingest.delivered().iter().map(number).collect();
        let had: [BTreeSet<u64>; 2] = ingests.each_ref().map(numbers);
        // One that catches up later than the other may lose what is beyond its half, its oldest.
        assert!(
            had.iter().any(|had| had.contains(&kept)),
            "{policy:?}: {had:?}"
        );
        assert!(had.iter().all(|had| had.len() >= 5), "{policy:?}: {had:?}");
        usage.shutdown_blocking(PATIENCE);
        assert_ledgers(&usage);
    }
}

/// What [`call`] was given.
fn number(event: &ReceivedEvent) -> u64 {
    let id = event.meta("request_id").and_then(Value::as_str);
    id.unwrap().parse().unwrap()
}

#[test]
fn one_that_lags_loses_its_own_oldest_and_holds_no_more_than_half_of_the_memory() {
    let [lagging, good] = [ingest(), ingest()];
    lagging.answer_always(Answer::status(503));
    let most = 2 << 20;
    let usage = builder(&lagging)
        .wire(Wire::ReoBatch)
        .max_queue_bytes(most)
        .also(to(&good, Wire::ReoBatch).name("good"))
        .build()
        .unwrap();
    let text = "x".repeat(1_000);
    let (mut queued, mut held) = (0, 0);
    for n in 0..6_000 {
        if usage.log_usage(call(n).prompt(&*text)) == Outcome::Queued {
            queued += 1;
        }
        let all = usage.stats().queue_bytes;
        held = held.max(all);
        assert!(all <= most as u64, "{all}");
        if n % 100 == 99 {
            assert!(good.wait_for_delivered(queued, PATIENCE).is_ok());
        }
    }
    assert_eq!(queued, 6_000, "the other one always had room");
    let stats = |name| usage.destination(name).unwrap().stats();
    settle(&usage, "good", &good);
    let lags = stats("reo_batch");
    assert!(lags.queue_bytes <= most as u64 / 2, "{lags:?}");
    let evicted = lags.dropped.get(DropReason::Evicted);
    assert!(evicted > 3_000, "{lags}");
    assert_eq!(lags.dropped.total(), evicted, "{lags}");
    lagging.answer_always(Answer::ok());
    usage.flush_blocking(PATIENCE).unwrap();
    let kept = stats("reo_batch").delivered;
    assert_eq!(kept + evicted, 6_000);
    // What it has kept are the newest.
    let last: BTreeSet<u64> = lagging
        .delivered()
        .iter()
        .filter_map(|event| event.meta("request_id")?.as_str()?.parse().ok())
        .collect();
    assert!(last.contains(&5_999) && !last.contains(&0));
    usage.shutdown_blocking(PATIENCE);
    assert_ledgers(&usage);
    assert_no_violations(&[lagging, good]);
}

#[test]
fn what_all_hold_alike_is_lost_by_none_though_it_is_more_than_half() {
    let [first, second] = [ingest(), ingest()];
    let down = || Answer::status(503);
    first.answer_always(down());
    second.answer_always(down());
    let most = 2 << 20;
    let builder = builder(&first).wire(Wire::ReoBatch).max_queue_bytes(most);
    let usage = builder.also(to(&second, otlp())).build().unwrap();
    let text = "x".repeat(1_000);
    let queued = |n: &u64| usage.log_usage(call(*n).prompt(&*text)) == Outcome::Queued;
    let queued = (0..3_000).filter(queued).count() as u64;
    assert!(usage.stats().queue_bytes > most as u64 / 2);
    first.wait_for_requests(1, PATIENCE).unwrap();
    second.wait_for_requests(1, PATIENCE).unwrap();
    for destination in usage.destinations() {
        let stats = destination.stats();
        let evicted = stats.dropped.get(DropReason::Evicted);
        assert_eq!((stats.pending, evicted), (queued, 0), "{destination:?}");
    }
    usage.shutdown_blocking(Duration::ZERO);
    assert_ledgers(&usage);
}

#[test]
fn copies_for_those_that_take_a_part_stay_within_the_bound() {
    let [down, part, good] = [ingest(), ingest(), ingest()];
    down.answer_always(Answer::status(503));
    part.answer_always(Answer::status(503));
    let most = 8 << 20;
    let usage = builder(&down)
        .wire(Wire::ReoBatch)
        .max_queue_bytes(most)
        .also(to(&part, mcpeye()))
        .also(to(&good, otlp()))
        .build()
        .unwrap();
    let text = "x".repeat(1_000);
    for n in 0..8_000 {
        let outcome = match n % 20 {
            0 => usage.log_usage(IdentityCapture::new(rachel())),
            _ => usage.log_usage(call(n).prompt(&*text)),
        };
        assert_eq!(outcome, Outcome::Queued, "{n}");
        assert!(usage.stats().queue_bytes <= most as u64);
        if n % 100 == 99 {
            assert!(good.wait_for_delivered(n as usize + 1, PATIENCE).is_ok());
        }
    }
    usage.shutdown_blocking(SECOND);
    assert_ledgers(&usage);
    assert_no_violations(&[good]);
}

#[test]
fn who_waits_for_an_event_that_a_hook_takes_from_a_destination_is_told() {
    let dropped = Err(ConfirmError::Dropped(DropReason::BeforeSend));
    let without_product = |mut event: Value| {
        event.as_object_mut().unwrap().remove("product_id");
        Some(event)
    };
    for (wires, confirm, expected) in [
        ([Wire::ReoBatch, otlp()], Confirm::First, dropped),
        ([otlp(), Wire::ReoBatch], Confirm::First, Ok(())),
        ([otlp(), Wire::ReoBatch], Confirm::All, dropped),
        (
            [Wire::ReoBatch, Wire::PostHog(PostHog::new())],
            Confirm::All,
            dropped,
        ),
    ] {
        let ingests = [ingest(), ingest()];
        let [one, two] = wires;
        let builder = builder_for(&ingests[0], &one).before_send(without_product);
        let builder = builder.also(to(&ingests[1], two)).confirm(confirm);
        let usage = builder.build().unwrap();
        let confirmed = usage.log_usage_confirmed_blocking(call(1), PATIENCE);
        assert_eq!(confirmed, expected, "{one:?}, {confirm:?}");
        usage.shutdown_blocking(PATIENCE);
        assert_ledgers(&usage);
        assert_no_violations(&ingests);
    }
}

#[test]
fn a_tool_that_a_hook_takes_out_is_missed_by_the_wire_that_needs_it() {
    let ingests = [ingest(), ingest()];
    let without_tool = |mut event: Value| {
        event["meta"].as_object_mut().unwrap().remove("tool");
        Some(event)
    };
    let builder = builder(&ingests[0]).before_send(without_tool);
    let usage = builder.also(to(&ingests[1], mcpeye())).build().unwrap();
    usage.log_usage(call(1));
    usage.shutdown_blocking(PATIENCE);
    let of = |name| usage.destination(name).unwrap().stats();
    assert_eq!(of("mcpeye").dropped.get(DropReason::BeforeSend), 1);
    assert_eq!(of("reo").delivered, 1);
    assert_no_violations(&ingests);
    // A lone one misses what its wire requires.
    let ingest = ingest();
    let posthog = Wire::PostHog(PostHog::new());
    let builder = builder_for(&ingest, &posthog).before_send(|mut event| {
        event.as_object_mut().unwrap().remove("product_id");
        Some(event)
    });
    let usage = builder.build().unwrap();
    usage.log_usage(call(1));
    usage.shutdown_blocking(PATIENCE);
    assert_eq!(usage.stats().dropped.get(DropReason::MissingField), 1);
    assert_eq!(ingest.delivered().len(), 0);
}

#[test]
fn an_error_says_which_destination_it_is_of() {
    let [first, second] = [ingest(), ingest()];
    second.answer_always(Answer::status(404));
    let (builder, errors) = errors(builder(&first));
    let usage = builder
        .also(to(&second, Wire::ReoBatch).name("own"))
        .build()
        .unwrap();
    usage.log_usage(call(1));
    usage.shutdown_blocking(PATIENCE);
    let DeliveryError::Dropped { cause, .. } = errors.recv_timeout(PATIENCE).unwrap() else {
        panic!("nothing is tried again");
    };
    assert_eq!(cause, "own: the ingest answered 404");
}

#[test]
fn who_confirms_waits_for_the_first_or_for_all() {
    for (confirm, expected) in [
        (Confirm::First, Ok(())),
        (
            Confirm::All,
            Err(ConfirmError::Dropped(DropReason::Rejected)),
        ),
    ] {
        let [first, second] = [ingest(), ingest()];
        second.answer_always(Answer::status(404));
        let builder = builder(&first)
            .also(to(&second, Wire::ReoBatch))
            .confirm(confirm);
        let usage = builder.build().unwrap();
        let confirmed = usage.log_usage_confirmed_blocking(call(1), PATIENCE);
        assert_eq!(confirmed, expected, "{confirm:?}");
        usage.shutdown_blocking(PATIENCE);
        assert_ledgers(&usage);
    }
}

#[test]
fn a_hook_runs_once_for_each_event_and_a_wire_that_lacks_something_then_counts_it() {
    let runs = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&runs);
    let (ingests, usage) = all(|builder| {
        builder.before_send(move |mut event| {
            counted.fetch_add(1, Relaxed);
            match event["meta"]["request_id"].as_str() {
                Some("1") => return None,
                Some("2") => {
                    event.as_object_mut().unwrap().remove("product_id");
                }
                _ => event["meta"]["added"] = "Bearer sk_live_".to_owned().into(),
            }
            Some(event)
        })
    });
    for n in 0..3 {
        assert_eq!(usage.log_usage(call(n)), Outcome::Queued);
    }
    usage.shutdown_blocking(PATIENCE);
    assert_eq!(runs.load(Relaxed), 3);
    for destination in usage.destinations() {
        let stats = destination.stats();
        let needs_product = destination.name().starts_with("reo");
        let lost = 1 + u64::from(needs_product);
        assert_eq!(
            stats.dropped.get(DropReason::BeforeSend),
            lost,
            "{destination:?}"
        );
        assert_eq!(stats.delivered, 3 - lost, "{destination:?}");
    }
    assert_ledgers(&usage);
    assert_no_violations(&ingests);
}

/// What the hook adds on its own is redacted as what a caller says is.
#[test]
fn what_a_hook_returns_is_redacted_again_for_all_destinations() {
    let (ingests, usage) = all(|builder| {
        builder.before_send(|mut event| {
            event["meta"]["prompt"] = format!("push with {}", secret::github()).into();
            Some(event)
        })
    });
    usage.log_usage(call(1));
    assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
    for ((name, _), ingest) in wires().into_iter().zip(&ingests) {
        assert_eq!(ingest.delivered().len(), 1, "{name}");
        let seen = seen(ingest);
        assert!(seen.contains("push with [REDACTED"), "{name}: {seen}");
        assert!(!seen.contains(&secret::github()), "{name}: {seen}");
    }
    assert_no_violations(&ingests);
}

/// The headers, with their values, and bodies of all requests, as one text.
fn seen(ingest: &MockIngest) -> String {
    let requests = ingest.requests().into_iter();
    let requests = requests.map(|request| {
        let body = String::from_utf8_lossy(&request.body);
        format!("{} {:?} {body}", request.path, request.headers)
    });
    requests.collect()
}

/// Whichever of two destinations of a wire has its key from the environment, neither sees the other's. An ingest takes
/// no key but its own, also where the key travels in the body.
#[test]
fn a_second_destination_of_a_wire_never_sees_the_firsts_key() {
    const FIRST: &str = "key-of-the-environment-1";
    const SECOND: &str = "key-of-the-code-2";
    for wire in [mcpeye(), otlp(), Wire::PostHog(PostHog::new())] {
        let ingests =
            [FIRST, SECOND].map(|key| MockIngest::builder().api_key(key).start().unwrap());
        let endpoint = endpoint_of(&ingests[0], &wire);
        let environment = move |name: &str| match name {
            "MCPEYE_INGEST_SECRET" | "POSTHOG_API_KEY" => Some(FIRST.to_owned()),
            "OTEL_EXPORTER_OTLP_HEADERS" => Some(format!("authorization=Bearer%20{FIRST}")),
            "MCPEYE_INGEST_URL" | "POSTHOG_HOST" | "OTEL_EXPORTER_OTLP_ENDPOINT" => {
                Some(endpoint.clone())
            }
            _ => None,
        };
        let builder = || {
            UsageLogger::builder()
                .env(environment.clone())
                .product_id("p")
                .wire(wire.clone())
        };
        let second = || Destination::new(wire.clone()).name("second");
        let whole = second().endpoint(endpoint_of(&ingests[1], &wire));
        let usage = builder().also(whole.api_key(SECOND)).build().unwrap();
        usage.log_usage(call(1));
        assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
        for (ingest, other) in ingests.iter().zip([SECOND, FIRST]) {
            assert_eq!(ingest.delivered().len(), 1, "{wire:?}");
            assert_eq!(ingest.counts().requests, 1, "{wire:?}");
            assert!(!seen(ingest).contains(other), "{wire:?}");
        }
        // Without a place of its own it does not get the first one's, and without a key it has none.
        let fault = builder().also(second()).build().unwrap_err().to_string();
        assert!(
            fault.starts_with("destination second: endpoint is missing"),
            "{fault}"
        );
        let keyless = second().endpoint(endpoint_of(&ingests[1], &wire));
        match builder().also(keyless).build() {
            Err(fault) => assert!(fault.to_string().contains("api_key is missing"), "{fault}"),
            Ok(usage) => {
                usage.log_usage(call(1));
                usage.shutdown_blocking(PATIENCE);
                assert!(!seen(&ingests[1]).contains(FIRST), "{wire:?}");
                assert_eq!(ingests[1].delivered().len(), 1, "{wire:?}");
            }
        }
    }
}

#[test]
fn the_variables_of_a_wire_are_read_for_its_first_destination_alone() {
    const FIRST: &str = "key-of-the-environment-1";
    const SECOND: &str = "key-of-the-code-2";
    let orders = [[Wire::Reo, Wire::ReoBatch], [Wire::ReoBatch, Wire::Reo]];
    for [one, two] in orders {
        let ingests =
            [FIRST, SECOND].map(|key| MockIngest::builder().api_key(key).start().unwrap());
        let endpoint = ingests[0].endpoint();
        let environment = move |name: &str| match name {
            "REO_API_KEY" => Some(FIRST.to_owned()),
            "REO_CENSUS_MCP_ENDPOINT" => Some(endpoint.clone()),
            _ => None,
        };
        let builder = || {
            UsageLogger::builder()
                .env(environment.clone())
                .product_id("p")
                .wire(one.clone())
        };
        let whole = Destination::new(two.clone()).endpoint(ingests[1].endpoint());
        let usage = builder().also(whole.api_key(SECOND)).build().unwrap();
        usage.log_usage(call(1));
        assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
        assert_eq!(
            ingests.each_ref().map(|ingest| ingest.delivered().len()),
            [1, 1]
        );
        assert!(!seen(&ingests[1]).contains(FIRST) && !seen(&ingests[0]).contains(SECOND));
        // A second one without an endpoint or a key does not get the first one's.
        let name = if two == Wire::Reo { "reo" } else { "reo_batch" };
        let fault = |destination| builder().also(destination).build().unwrap_err().to_string();
        assert_eq!(
            fault(Destination::new(two.clone()).api_key(SECOND)),
            format!(
                "destination {name}: endpoint is missing: only the first destination of a wire takes it from the environment, so name it in code"
            )
        );
        let keyless = Destination::new(two.clone()).endpoint(ingests[1].endpoint());
        assert!(fault(keyless).starts_with(&format!("destination {name}: api_key is missing")));
    }
}

#[test]
fn a_wire_of_its_own_reads_its_variables_beside_others() {
    let [first, second] = [ingest(), ingest()];
    let (of_reo, of_otlp) = (first.endpoint(), second.otlp_url());
    let usage = UsageLogger::builder()
        .env(move |name| match name {
            "REO_API_KEY" => Some(KEY.to_owned()),
            "REO_CENSUS_MCP_ENDPOINT" => Some(of_reo.clone()),
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(of_otlp.clone()),
            "OTEL_EXPORTER_OTLP_HEADERS" => Some(format!("authorization=Bearer%20{KEY}")),
            _ => None,
        })
        .product_id("p")
        .also(Destination::new(Wire::Otlp(Otlp::spans())))
        .build()
        .unwrap();
    usage.log_usage(call(1));
    assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
    assert_eq!([first.delivered().len(), second.delivered().len()], [1, 1]);
}

#[test]
fn what_the_service_is_holds_for_all_destinations_of_spans() {
    let ingests = [ingest(), ingest()];
    let endpoint = ingests[0].otlp_url();
    let usage = UsageLogger::builder()
        .wire(Wire::Otlp(Otlp::spans()))
        .env(move |name| match name {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(endpoint.clone()),
            "OTEL_SERVICE_NAME" => Some("orders".to_owned()),
            "OTEL_RESOURCE_ATTRIBUTES" => Some("region=eu".to_owned()),
            _ => None,
        })
        .also(to(&ingests[1], otlp()).name("second"))
        .build()
        .unwrap();
    usage.log_usage(call(1));
    assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
    for ingest in &ingests {
        let body = ingest.requests()[0].json().unwrap();
        let resource = &body["resourceSpans"][0]["resource"]["attributes"];
        assert_eq!(resource["service.name"], "orders");
        assert_eq!(resource["region"], "eu");
    }
}

#[test]
fn faults_of_a_destination_name_it() {
    let ingest = ingest();
    let fault = |destinations: Vec<Destination>| {
        let builder = destinations
            .into_iter()
            .fold(builder(&ingest), Builder::also);
        builder.build().unwrap_err().to_string()
    };
    assert_eq!(
        fault(vec![to(&ingest, Wire::Reo)]),
        "destination reo: name is that of another destination: give it one of its own"
    );
    assert_eq!(
        fault(vec![to(&ingest, otlp()).name("traces").endpoint("")]),
        "destination traces: endpoint is empty: write it as https://host/path"
    );
    let many = (0..8)
        .map(|n| to(&ingest, Wire::Reo).name(n.to_string()))
        .collect();
    assert_eq!(fault(many), "also makes 9 destinations, more than 8");
    let named = |name: &str| to(&ingest, otlp()).name(name);
    assert!(fault(vec![named("a"), named("a")]).starts_with("destination a: "));
    let shown = format!("{:?}", to(&ingest, Wire::Reo));
    assert!(shown.contains("api_key") && !shown.contains(KEY), "{shown}");
}

#[test]
fn opentelemetrys_switch_leaves_the_other_destinations() {
    let [first, second] = [ingest(), ingest()];
    let off = |name: &str| (name == "OTEL_SDK_DISABLED").then(|| "true".to_owned());
    let spans = builder_for(&first, &otlp()).env(off);
    let usage = spans.also(to(&second, Wire::Reo)).build().unwrap();
    let names: Vec<_> = usage
        .destinations()
        .iter()
        .map(|one| one.name().to_owned())
        .collect();
    assert_eq!(names, ["reo"]);
    usage.log_usage(call(1));
    assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
    assert_eq!([first.requests().len(), second.delivered().len()], [0, 1]);
    let usage = builder_for(&first, &otlp()).env(off).build().unwrap();
    assert!(usage.destinations().is_empty() && usage.destination("otlp").is_none());
}

#[test]
fn a_key_is_replaced_at_its_own_destination() {
    let ingests =
        ["key-one-1", "key-two-2"].map(|key| MockIngest::builder().api_key(key).start().unwrap());
    let second = Destination::new(Wire::ReoBatch)
        .endpoint(ingests[1].endpoint())
        .api_key("key-old-0");
    let usage = builder(&ingests[0])
        .api_key("key-old-0")
        .also(second)
        .build()
        .unwrap();
    usage.set_api_key("key-one-1").unwrap();
    usage
        .destination("reo_batch")
        .unwrap()
        .set_api_key("key-two-2")
        .unwrap();
    usage.log_usage(call(1));
    usage.shutdown_blocking(PATIENCE);
    for destination in usage.destinations() {
        assert_eq!(destination.stats().delivered, 1, "{destination:?}");
    }
}

/// The service's environment is one, whichever destination comes first.
#[test]
fn the_environment_of_the_resource_is_that_of_the_events_at_every_destination() {
    for is_otlp_first in [true, false] {
        for (code, variable, expected) in [
            (None, None, "dev"),
            (None, Some("STAGING"), "STAGING"),
            (Some("LIVE"), Some("STAGING"), "LIVE"),
        ] {
            let [spans, payloads] = [ingest(), ingest()];
            let ((first, wire), (second, other)) = match is_otlp_first {
                true => ((&spans, otlp()), (&payloads, Wire::Reo)),
                false => ((&payloads, Wire::Reo), (&spans, otlp())),
            };
            let builder = builder_for(first, &wire).env(move |name| match name {
                "OTEL_RESOURCE_ATTRIBUTES" => Some("deployment.environment.name=dev".to_owned()),
                "REO_PRODUCT_USAGE_ENVIRONMENT" => variable.map(str::to_owned),
                _ => None,
            });
            let builder = match code {
                Some(environment) => builder.environment(environment),
                None => builder,
            };
            let usage = builder.also(to(second, other)).build().unwrap();
            usage.log_usage(call(1));
            assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
            let body = spans.requests()[0].json().unwrap();
            let resource = &body["resourceSpans"][0]["resource"]["attributes"];
            assert_eq!(resource["deployment.environment.name"], expected);
            let span = &spans.delivered()[0].json;
            assert_eq!(span["attributes"].get("mcp_usage.environment"), None);
            assert_eq!(payloads.delivered()[0].json["environment"], expected);
        }
    }
    // Without a destination that reads it, nothing does.
    let ingest = ingest();
    let usage = builder(&ingest).env(|name| {
        (name == "OTEL_RESOURCE_ATTRIBUTES").then(|| "deployment.environment.name=dev".to_owned())
    });
    let usage = usage.build().unwrap();
    usage.log_usage(call(1));
    assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
    assert_eq!(ingest.delivered()[0].json["environment"], "PRODUCTION");
}

/// What a builder's check finds, without the lines of what is in order.
fn found(builder: Builder) -> (Vec<String>, Vec<String>) {
    let report = builder.check_blocking();
    let also = report.settings.iter().filter(|one| one.name == "also");
    let also = also.map(|one| one.value.clone()).collect();
    let findings = report.findings.into_iter();
    (findings.map(|finding| finding.detail).collect(), also)
}

#[test]
fn every_fault_of_every_destination_is_reported() {
    let bad = |name: &str| Destination::new(otlp()).name(name).endpoint("");
    let empty = "endpoint is empty: write it as https://host/path";
    let ingest = ingest();

    // The first one's fault hides no other's.
    let (faults, also) = found(builder(&ingest).endpoint("").also(bad("a")).also(bad("b")));
    assert_eq!(
        faults,
        [
            empty.to_owned(),
            format!("destination a: {empty}"),
            format!("destination b: {empty}"),
        ]
    );
    let listed = |name: &str| format!("{name}: endpoint not a URL, api_key not set, spool not set");
    assert_eq!(also, ["a", "b"].map(listed));

    // A good first one, and all faults of each, but once what all have in common.
    let a = Destination::new(Wire::ReoBatch)
        .name("a")
        .headers([("host", "x"), ("a b", "x")])
        .request_timeout(Duration::ZERO);
    let b = bad("a").announce_forgotten(true);
    let (faults, also) = found(
        builder(&ingest)
            .max_in_flight(0)
            .flush_interval(Duration::ZERO)
            .sample_tool("t", 2.0)
            .source("")
            .environment("")
            .also(a)
            .also(b),
    );
    let beginnings = [
        "sample is 2",
        "flush_interval is 0ns",
        "max_in_flight is 0",
        "source is empty",
        "environment is empty",
        "destination a: endpoint is missing: only the first",
        "destination a: api_key is missing: only the first",
        "destination a: headers may not set host",
        "destination a: headers has an invalid name",
        "destination a: request_timeout is 0ns",
        "destination a: announce_forgotten is for",
        "destination a: endpoint is empty",
        "destination a: name is that of another",
    ];
    assert_eq!(faults.len(), beginnings.len(), "{faults:#?}");
    for (fault, beginning) in faults.iter().zip(beginnings) {
        assert!(fault.starts_with(beginning), "{fault} is no {beginning}");
    }
    assert_eq!(also.len(), 2);

    // Looking for faults changes nothing of what is built.
    let [first, second, third] = [ingest, self::ingest(), self::ingest()];
    let (findings, also) = found(
        builder(&first)
            .also(to(&second, otlp()))
            .also(to(&third, Wire::ReoBatch).name("own")),
    );
    let reached = findings.iter().filter(|found| found.contains("reached"));
    assert_eq!((reached.count(), also.len()), (3, 2), "{findings:#?}");
    for ingest in [first, second, third] {
        assert_eq!(ingest.counts().requests, 1, "each is asked once");
    }
}

#[test]
fn what_all_lack_is_reported_for_each_and_the_doctor_names_every_destination() {
    let [first, second] = [ingest(), ingest()];
    let usage = builder(&first)
        .also(to(&second, Wire::ReoBatch).name("own"))
        .build()
        .unwrap();
    let report = usage.check_blocking();
    let text = report.to_string();
    assert!(report.is_healthy(), "{text}");
    let reached = report
        .findings
        .iter()
        .filter(|finding| finding.name == "connection");
    let details: Vec<_> = reached.map(|finding| finding.detail.clone()).collect();
    assert_eq!(details.len(), 2, "{text}");
    assert!(details[1].starts_with("own: reached"), "{text}");
    assert!(text.contains("also") && !text.contains(KEY), "{text}");
    drop(second);
    let report = usage.check_blocking();
    assert!(!report.is_healthy(), "{report}");
}

/// A first one that keeps its requests in memory leaves the others no way to the network.
#[test]
fn a_dry_run_holds_for_every_destination_that_would_send() {
    let (ingest, dir) = (ingest(), TempDir::new());
    let path = dir.root().with_file_name("dry.jsonl");
    let memory = MemoryTransport::new();
    let usage = builder(&ingest)
        .memory_transport(&memory)
        .dry_run(&path)
        .also(to(&ingest, Wire::ReoBatch))
        .build()
        .unwrap();
    usage.log_usage(call(1));
    assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
    assert_eq!(ingest.counts().requests, 0);
    assert_eq!(memory.events().len(), 1);
    let written = std::fs::read_to_string(path).unwrap();
    assert_eq!(written.lines().count(), 1, "{written}");
    assert_ledgers(&usage);
}

/// What a dry run does not cover is as it would be sent.
#[test]
fn a_dry_run_leaves_spans_that_are_kept_in_memory_as_they_are() {
    let (ingest, dir) = (ingest(), TempDir::new());
    let path = dir.root().with_file_name("dry.jsonl");
    let memory = MemoryTransport::new();
    let traces = to(&ingest, otlp()).memory_transport(&memory);
    let builder = builder(&ingest).dry_run(&path).also(traces);
    let file = Destination::new(otlp()).name("file");
    let usage = builder
        .also(file.endpoint(ingest.otlp_url()))
        .build()
        .unwrap();
    usage.log_usage(call(1));
    assert_eq!(usage.shutdown_blocking(PATIENCE).pending, 0);
    let [body] = &*memory.bodies() else {
        panic!("one request: {:?}", memory.bodies());
    };
    assert!(serde_json::from_slice::<Value>(body).is_err(), "{body:?}");
    let written = std::fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "{written}");
    assert_eq!(ingest.counts().requests, 0);
    assert_ledgers(&usage);
}

mod spools {
    use mcp_usage::SpoolError;

    use super::*;

    #[test]
    fn what_one_destination_has_not_got_is_on_its_own_disk_for_the_next_process() {
        let [good, down] = [ingest(), ingest()];
        down.answer_always(Answer::status(503));
        let dirs = [0, 1].map(|_| TempDir::new());
        let make = || {
            let also = to(&down, otlp()).spool(dirs[1].spool());
            builder(&good)
                .spool(dirs[0].spool())
                .also(also)
                .build()
                .unwrap()
        };
        let usage = make();
        for n in 0..50 {
            usage.log_usage(call(n).identity(Identity::email("rachel@example.com")));
        }
        usage.flush_to_disk_blocking(PATIENCE).unwrap();
        assert!(good.wait_for_delivered(50, PATIENCE).is_ok());
        usage.shutdown_blocking(SECOND);
        let stats = |usage: &UsageLogger, name| usage.destination(name).unwrap().stats();
        assert_eq!(
            (
                stats(&usage, "reo").delivered,
                stats(&usage, "otlp").spooled
            ),
            (50, 50)
        );
        assert_ledgers(&usage);
        down.answer_always(Answer::ok());
        let next = make();
        assert!(down.wait_for_delivered(50, PATIENCE).is_ok());
        assert_eq!(next.shutdown_blocking(PATIENCE).pending, 0);
        assert_eq!(
            (
                stats(&next, "reo").recovered,
                stats(&next, "otlp").recovered
            ),
            (0, 50)
        );
        assert_ledgers(&next);
        assert_no_violations(&[good, down]);
    }

    #[test]
    fn two_destinations_cannot_share_a_directory() {
        let (ingest, dir) = (ingest(), TempDir::new());
        let also = to(&ingest, otlp()).spool(dir.spool());
        let built = builder(&ingest).spool(dir.spool()).also(also).build();
        assert_eq!(
            built.unwrap_err().to_string(),
            "destination otlp: spool is the directory of another destination: give it one of its own"
        );
    }

    #[test]
    fn a_flush_to_disk_says_which_destination_has_not_got_all_on_its_disk() {
        let [first, second] = [ingest(), ingest()];
        second.answer_always(Answer::status(503));
        let dir = TempDir::new();
        let also = to(&second, otlp()).name("traces").spool(dir.spool());
        let usage = builder(&first).also(also).build().unwrap();
        // A file stands where its directory would be.
        let _ = std::fs::remove_dir_all(dir.root());
        std::fs::write(dir.root(), "").unwrap();
        usage.log_usage(call(1));
        let fault = usage.flush_to_disk_blocking(PATIENCE).unwrap_err();
        let not_written = SpoolError::NotWritten { events: 1 };
        let expected = SpoolError::Destination {
            name: "traces".to_owned(),
            fault: Box::new(not_written),
        };
        assert_eq!(fault, expected);
        assert_eq!(
            fault.to_string(),
            "destination traces: 1 events could not be written"
        );
        usage.shutdown_blocking(SECOND);
        assert_ledgers(&usage);
        let closed = usage.flush_to_disk_blocking(PATIENCE);
        assert_eq!(closed, Err(SpoolError::Closed));
    }

    #[test]
    fn a_flush_to_disk_is_for_those_that_have_one() {
        let [first, second] = [ingest(), ingest()];
        let usage = builder(&first).also(to(&second, otlp())).build().unwrap();
        assert_eq!(
            usage.flush_to_disk_blocking(PATIENCE),
            Err(SpoolError::NoSpool)
        );
        let dir = TempDir::new();
        let also = to(&second, otlp()).spool(dir.spool());
        let usage = builder(&first).also(also).build().unwrap();
        usage.log_usage(call(1));
        assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
        usage.shutdown_blocking(PATIENCE);
        assert_ledgers(&usage);
    }

    /// How many events a logger [with a hook that waits](with_a_hook_that_waits) has queued.
    const EVENTS: u64 = 12;

    /// Two destinations that are down, each with a spool, and a hook for whose results there is not enough memory.
    fn with_a_hook_that_waits(down: &[MockIngest; 2], dirs: &[TempDir; 2]) -> UsageLogger {
        for ingest in down {
            ingest.answer_always(Answer::status(503));
        }
        let usage = builder(&down[0])
            .wire(Wire::ReoBatch)
            .flush_interval(10 * SECOND)
            .max_queue_bytes(512 * 1024)
            .before_send(|mut event| {
                event["meta"]["more"] = vec!["little ".repeat(1_000); 8].into();
                Some(event)
            })
            .spool(dirs[0].spool())
            .also(to(&down[1], otlp()).spool(dirs[1].spool()))
            .build()
            .unwrap();
        for n in 0..EVENTS {
            assert_eq!(usage.log_usage(call(n)), Outcome::Queued);
        }
        usage
    }

    fn assert_on_both_disks(usage: &UsageLogger) {
        for destination in usage.destinations() {
            let stats = destination.stats();
            // One whose disk is slower than the other's may lose its share of the oldest.
            let evicted = stats.dropped.get(DropReason::Evicted);
            assert_eq!(
                (stats.spooled, stats.dropped.total()),
                (EVENTS - evicted, evicted),
                "{stats}"
            );
            assert!(evicted < EVENTS / 2, "{stats}");
        }
        assert_ledgers(usage);
    }

    #[test]
    fn a_flush_to_disk_waits_for_what_the_hook_has_no_memory_for() {
        let (down, dirs) = ([ingest(), ingest()], [0, 1].map(|_| TempDir::new()));
        let usage = with_a_hook_that_waits(&down, &dirs);
        assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
        usage.shutdown_blocking(Duration::ZERO);
        assert_on_both_disks(&usage);
    }

    #[test]
    fn at_the_end_the_disks_make_room_for_what_the_hook_had_no_memory_for() {
        let (down, dirs) = ([ingest(), ingest()], [0, 1].map(|_| TempDir::new()));
        let usage = with_a_hook_that_waits(&down, &dirs);
        let report = usage.shutdown_blocking(Duration::ZERO);
        assert_eq!(report.pending, 0, "{report:?}");
        assert_on_both_disks(&usage);
    }

    /// A destination may come or go between two starts.
    #[test]
    fn what_a_lone_destination_has_left_is_delivered_beside_another_and_the_other_way_round() {
        for (name, wire) in wires() {
            for is_alone_first in [true, false] {
                let [kept, other] = [ingest(), ingest()];
                let dir = TempDir::new();
                let make = |is_alone: bool| {
                    let builder = builder_for(&kept, &wire).spool(dir.spool());
                    let second = match wire {
                        Wire::Otlp(_) => to(&other, Wire::ReoBatch),
                        _ => to(&other, otlp()),
                    };
                    let builder = if is_alone {
                        builder
                    } else {
                        builder.also(second)
                    };
                    builder.build().unwrap()
                };
                kept.answer_always(Answer::status(503));
                let usage = make(is_alone_first);
                let arguments = json!({"query": "shoes", "n": 7});
                for n in 0..20 {
                    let event = call(n).arguments(&arguments).identity(rachel());
                    usage.log_usage(event.duration(Duration::from_millis(12)));
                }
                assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
                usage.shutdown_blocking(Duration::ZERO);
                let left = usage.stats();
                assert_eq!(left.spooled, 20, "{name}, {is_alone_first}: {left}");
                kept.answer_always(Answer::ok());
                let next = make(!is_alone_first);
                crate::spool::wait_until(|| next.stats().recovered == 20);
                assert!(
                    kept.wait_for_delivered(20, PATIENCE).is_ok(),
                    "{name}: {}",
                    next.stats()
                );
                next.shutdown_blocking(PATIENCE);
                let stats = next.stats();
                assert_eq!(
                    (stats.recovered, stats.delivered, stats.dropped.total()),
                    (20, 20, 0),
                    "{name}, {is_alone_first}: {stats}"
                );
                assert_ledgers(&next);
                assert_no_violations(&[kept, other]);
            }
        }
    }
}

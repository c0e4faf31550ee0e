//! One bad event: the ingest refuses it, or fails on it, and takes all others.

use std::time::{Duration, Instant};

use mcp_usage::testing::{Answer, ManualClock, MockIngest};
use mcp_usage::{Builder, DeliveryError, DropReason, Outcome, Stats, ToolCall, Wire};

use super::Scene;
use crate::spool::{TempDir, wait_until};
use crate::support::{PATIENCE, builder_for, call, end, errors, ingest, mcpeye, wires};

const SECOND: Duration = Duration::from_secs(1);

/// The name of the tool whose events are bad.
const POISON: &str = "poisoned_tool";

fn poison<'a>(n: u64) -> ToolCall<'a> {
    ToolCall::new(POISON).request_id(n.to_string())
}

/// An ingest that answers each body with such an event by a status.
fn ingest_without(status: u16) -> MockIngest {
    let ingest = ingest();
    ingest.answer_holding(POISON, Answer::status(status));
    ingest
}

/// A logger that sends when it is flushed, one request at a time.
fn by_hand(ingest: &MockIngest, wire: &Wire) -> Builder {
    builder_for(ingest, wire)
        .flush_interval(600 * SECOND)
        .max_batch_events(500)
        .max_in_flight(1)
}

/// Those on which a refusal that may mean the request is searched for an event. OTLP names the statuses after which
/// anything is sent again, and neither these nor a redirect are among them: there the batch is dropped, which
/// `tests/it/otlp.rs` holds.
fn searching_wires() -> impl Iterator<Item = (&'static str, Wire)> {
    let wires = wires().into_iter();
    wires.filter(|(name, _)| *name != "otlp")
}

/// Those on which a request holds several events.
fn batch_wires() -> impl Iterator<Item = (&'static str, Wire)> {
    let wires = wires().into_iter();
    wires.filter(|(_, wire)| *wire != Wire::Reo)
}

/// A failure of the ingest's after which a batch is sent again: OTLP looks for an event at a 500.
fn failure_on(name: &str) -> u16 {
    if name == "otlp" { 503 } else { 500 }
}

// ---- 400 and 422 ----

#[test]
fn a_400_or_422_for_one_event_costs_that_event_alone() {
    for (name, wire) in wires() {
        // OTLP has 500 in the place of 422.
        let second = if name == "otlp" { 500 } else { 422 };
        for status in [400, second] {
            let ingest = ingest_without(status);
            let usage = by_hand(&ingest, &wire).build().unwrap();
            for n in 0..200 {
                usage.log_usage(if n == 77 { poison(n) } else { call(n) });
            }
            usage.flush_blocking(PATIENCE).unwrap();
            let stats = end(&usage, &ingest);
            let rejected = stats.dropped.get(DropReason::Rejected);
            assert_eq!((stats.delivered, rejected), (199, 1), "{name}: {stats}");
            assert_eq!(ingest.duplicates(), Vec::<String>::new(), "{name}");
            if wire != Wire::Reo {
                assert!(stats.requests <= 1 + 2 * 8, "{name}: {stats:?}");
            }
        }
    }
}

/// As the firewall of a web application answers to a text that it takes for an attack.
#[test]
fn another_4xx_for_one_event_of_an_ingest_that_takes_others_costs_that_event_alone() {
    for (name, wire) in searching_wires() {
        for status in [403, 404, 406, 418, 451] {
            let ingest = ingest_without(status);
            let usage = by_hand(&ingest, &wire).build().unwrap();
            usage.log_usage(call(1_000));
            usage.flush_blocking(PATIENCE).unwrap();
            for n in 0..200 {
                usage.log_usage(if n == 77 { poison(n) } else { call(n) });
            }
            usage.flush_blocking(PATIENCE).unwrap();
            let stats = end(&usage, &ingest);
            // Of one event it is not known that the key is not at fault.
            let reason = match (status, &wire) {
                (403, Wire::Reo) => DropReason::Unauthorized,
                _ => DropReason::Rejected,
            };
            let name = format!("{name}, {status}: {stats}");
            assert_eq!(
                (stats.delivered, stats.dropped.get(reason)),
                (200, 1),
                "{name}"
            );
            if wire != Wire::Reo {
                assert!(stats.requests <= 2 + 2 * 8, "{name}");
            }
        }
    }
}

/// As a firewall answers that shows its page at an address of its own.
#[test]
fn a_redirect_of_one_event_costs_that_event_alone_and_is_not_followed() {
    for (name, wire) in searching_wires() {
        for status in [302, 303, 307] {
            let (ingest, elsewhere) = (ingest(), MockIngest::start().unwrap());
            ingest.answer_holding(POISON, Answer::redirect(status, elsewhere.endpoint()));
            let usage = by_hand(&ingest, &wire).build().unwrap();
            usage.log_usage(call(1_000));
            usage.flush_blocking(PATIENCE).unwrap();
            for n in 0..200 {
                usage.log_usage(if n == 77 { poison(n) } else { call(n) });
            }
            usage.flush_blocking(PATIENCE).unwrap();
            let stats = end(&usage, &ingest);
            let name = format!("{name}, {status}: {stats}");
            let rejected = stats.dropped.get(DropReason::Rejected);
            assert_eq!((stats.delivered, rejected), (200, 1), "{name}");
            if wire != Wire::Reo {
                assert!(stats.requests <= 2 + 2 * 8, "{name}");
            }
            assert_eq!(elsewhere.counts().connections, 0, "{name}");
        }
    }
}

#[test]
fn a_key_that_is_refused_costs_hardly_more_than_one_request_a_batch_and_is_named() {
    for (name, wire) in batch_wires() {
        // On OTLP it is never searched.
        let searched = if name == "otlp" { 1 } else { 5 };
        for (was_valid, first) in [(false, 1), (true, searched)] {
            let ingest = ingest();
            let (builder, errors) = errors(by_hand(&ingest, &wire));
            let usage = builder.build().unwrap();
            let batch = |size| {
                let before = usage.stats().requests;
                for n in 0..size {
                    usage.log_usage(call(n));
                }
                usage.flush_blocking(PATIENCE).unwrap();
                usage.stats().requests - before
            };
            let delivered = if was_valid {
                batch(100);
                100
            } else {
                0
            };
            ingest.answer_always(Answer::status(403));
            assert_eq!(batch(100), first, "{name}");
            let requests: u64 = (1..=40).map(|n| batch(1 + n * 11 % 100)).sum();
            assert!(requests <= 44, "{name}: {requests} requests for 40 batches");
            let stats = end(&usage, &ingest);
            let unauthorized = stats.dropped.get(DropReason::Unauthorized);
            assert_eq!(
                (stats.delivered, stats.dropped.total()),
                (delivered, unauthorized),
                "{name}"
            );
            for error in errors.try_iter() {
                let told = error.to_string();
                assert!(
                    told.contains("unauthorized") && told.contains("403"),
                    "{told}"
                );
            }
        }
    }
}

#[test]
fn several_bad_events_are_found_within_a_budget() {
    for (name, wire) in batch_wires() {
        let ingest = ingest_without(400);
        let usage = by_hand(&ingest, &wire).build().unwrap();
        for n in 0..400 {
            let is_bad = n % 10 == 3 && n < 200;
            usage.log_usage(if is_bad { poison(n) } else { call(n) });
        }
        usage.flush_blocking(PATIENCE).unwrap();
        let stats = end(&usage, &ingest);
        assert!(stats.requests <= 1 + 400 / 4, "{name}: {stats:?}");
        // All that the budget reached was kept: each half of the second quarters, which is good, among it.
        assert!(stats.delivered >= 250, "{name}: {stats}");
        let rejected = stats.dropped.get(DropReason::Rejected);
        assert_eq!(stats.dropped.total(), rejected, "{name}: {stats}");
    }
}

#[test]
fn an_ingest_that_answers_400_to_everything_is_asked_hardly_more_than_once_a_batch() {
    for (name, wire) in batch_wires() {
        let ingest = ingest();
        ingest.answer_always(Answer::status(400));
        let usage = by_hand(&ingest, &wire).build().unwrap();
        let batch = |size| {
            let before = usage.stats().requests;
            for n in 0..size {
                usage.log_usage(call(n));
            }
            usage.flush_blocking(PATIENCE).unwrap();
            usage.stats().requests - before
        };
        assert_eq!(batch(100), 5, "{name}: the batch and its quarters");
        let requests: u64 = (1..=40).map(|n| batch(1 + n * 11 % 100)).sum();
        assert!(requests <= 44, "{name}: {requests} requests for 40 batches");
        ingest.answer_always(Answer::ok());
        ingest.answer_holding(POISON, Answer::status(400));
        assert_eq!(batch(100), 1, "{name}");
        usage.log_usage(poison(1_000_000));
        batch(100);
        let stats = end(&usage, &ingest);
        assert_eq!(stats.delivered, 200, "{name}: {stats}");
    }
}

// ---- 5xx ----

/// A logger under a manual clock whose events come steadily, and one of them is poisoned.
fn steady(name: &str, ingest: MockIngest, clock: &ManualClock, builder: Builder) -> Scene {
    let builder = builder.clock(clock).flush_interval(SECOND);
    Scene::new(
        name,
        ingest,
        builder.max_backoff(2 * SECOND).initial_backoff(SECOND),
    )
}

impl Scene {
    /// Lets a quarter of a second pass once nothing moves any more.
    fn pass(&self, clock: &ManualClock) {
        super::let_time_pass(&self.usage, clock, SECOND / 4, 1, |_| false);
    }
}

#[test]
fn a_500_for_one_event_does_not_hold_up_the_others() {
    let spool = TempDir::new();
    let rows = wires().map(|(name, wire)| (name, wire, false));
    let rows = rows.into_iter().chain([("a spool", Wire::ReoBatch, true)]);
    for (name, wire, has_spool) in rows {
        let (ingest, clock) = (ingest_without(failure_on(name)), ManualClock::new());
        let mut builder = builder_for(&ingest, &wire);
        if has_spool {
            builder = builder.spool(spool.spool());
        }
        let mut scene = steady(name, ingest, &clock, builder);
        scene.log(20);
        assert_eq!(scene.usage.log_usage(poison(1_000_000)), Outcome::Queued);
        scene.offered += 1;
        let (mut refused_after, mut most_pending) = (0, 0);
        while scene.usage.stats().dropped.get(DropReason::Refused) == 0 {
            scene.log(1);
            scene.pass(&clock);
            refused_after += 1;
            if refused_after > 80 {
                most_pending = most_pending.max(scene.usage.stats().pending);
            }
            assert!(refused_after < 4 * 300, "{name}: {}", scene.usage.stats());
        }
        // The event alone waits for its end, with those of the last seconds.
        assert!(most_pending < 40, "{name}: {most_pending}");
        assert!(
            refused_after > 4 * 30,
            "{name}: given up after {refused_after} quarters"
        );
        scene.flush();
        let stats = scene.end();
        assert_eq!(stats.dropped.get(DropReason::Refused), 1, "{name}: {stats}");
        assert_eq!(stats.delivered, stats.offered - 1, "{name}: {stats}");
    }
}

/// A hundred events a second, more than memory holds while all wait for one of them.
#[test]
fn one_event_in_a_thousand_refused_for_ever_costs_itself_alone_with_a_spool() {
    for (name, wire) in wires() {
        // The wires whose queued forms differ, of those with batches to search.
        if !["reo", "mcpeye"].contains(&name) {
            one_in_a_thousand_with_a_spool(name, &wire, failure_on(name), DropReason::Refused);
            one_in_a_thousand_with_a_spool(name, &wire, 400, DropReason::Rejected);
        }
    }
}

fn one_in_a_thousand_with_a_spool(name: &str, wire: &Wire, status: u16, reason: DropReason) {
    const POISONED: u64 = 3;
    let (spool, ingest, clock) = (TempDir::new(), ingest_without(status), ManualClock::new());
    let builder = builder_for(&ingest, wire).max_queue_events(400);
    let mut scene = steady(name, ingest, &clock, builder.spool(spool.spool()));
    let mut most_spooled = 0;
    for quarter in 0..40 * POISONED {
        // The disk may be slower than the clock.
        wait_until(|| scene.usage.stats().pending < 350);
        scene.log(25);
        scene.pass(&clock);
        most_spooled = most_spooled.max(scene.usage.stats().spooled);
        if quarter % 40 == 20 {
            assert_eq!(
                scene.usage.log_usage(poison(1_000_000 + quarter)),
                Outcome::Queued
            );
            scene.offered += 1;
        }
    }
    // A 400 is searched at once, so that nothing piles up.
    assert!(most_spooled > 0 || status == 400);
    let refused = |scene: &Scene| scene.usage.stats().dropped.get(reason);
    let mut quarters = 0;
    while refused(&scene) < POISONED {
        scene.log(1);
        scene.pass(&clock);
        quarters += 1;
        assert!(quarters < 4 * 300, "{}", scene.usage.stats());
        if quarters >= 4 * 60 {
            // By now those alone wait, in memory or on disk, with the events of the last seconds; but the disk may be slower
            // than the clock.
            let deadline = Instant::now() + PATIENCE;
            let waiting = |stats: &Stats| stats.pending + stats.spooled;
            while waiting(&scene.usage.stats()) >= 40 {
                assert!(Instant::now() < deadline, "{}", scene.usage.stats());
                scene.pass(&clock);
            }
        }
    }
    scene.flush();
    let stats = scene.end();
    assert_eq!(stats.dropped.total(), POISONED, "{stats}");
    assert_eq!(stats.delivered, stats.offered - POISONED, "{stats}");
}

/// The failures that no rule gives an event up for: they pass, it is to be hoped, until it is too old.
#[test]
fn an_event_that_fails_in_any_way_waits_alone_and_then_expires() {
    for (failure, answer) in [
        ("reset", Answer::reset_after_body()),
        ("429", Answer::status(429)),
        ("408", Answer::status(408)),
    ] {
        let spool = TempDir::new();
        let rows = wires().map(|(name, wire)| (name, wire, false));
        let rows = rows.into_iter().chain([("a spool", Wire::ReoBatch, true)]);
        for (wire_name, wire, has_spool) in rows {
            if (failure, wire_name) == ("408", "otlp") {
                // It is dropped there.
                continue;
            }
            let name = format!("{failure}, {wire_name}");
            let (ingest, clock) = (ingest(), ManualClock::new());
            ingest.answer_holding(POISON, answer.clone());
            let mut builder = builder_for(&ingest, &wire).max_event_age(120 * SECOND);
            if has_spool {
                builder = builder.spool(spool.spool().max_age(120 * SECOND));
            }
            let mut scene = steady(&name, ingest, &clock, builder);
            scene.log(20);
            assert_eq!(scene.usage.log_usage(poison(1_000_000)), Outcome::Queued);
            scene.log(20);
            scene.offered += 1;
            for _ in 0..4 * 30 {
                scene.log(1);
                scene.pass(&clock);
            }
            // Soon the event alone waits, with those of the last seconds.
            let waiting = |stats: &Stats| stats.pending + stats.spooled;
            while waiting(&scene.usage.stats()) >= 20 {
                scene.log(1);
                scene.pass(&clock);
                assert!(scene.offered < 4 * 110, "{name}: {}", scene.usage.stats());
            }
            let stats = scene.usage.stats();
            assert_eq!(stats.dropped.total(), 0, "{name}: {stats}");
            while scene.usage.stats().dropped.get(DropReason::Expired) == 0 {
                scene.log(1);
                scene.pass(&clock);
                assert!(scene.offered < 4 * 200, "{name}: {}", scene.usage.stats());
            }
            scene.flush();
            let stats = scene.close(PATIENCE);
            assert_eq!(stats.dropped.total(), 1, "{name}: {stats}");
            assert_eq!(stats.delivered, stats.offered - 1, "{name}: {stats}");
        }
    }
}

/// Each is asked for again for ever; the ingest takes the others of the same batch. The answers of other wires have no
/// place for that.
#[test]
fn events_that_are_asked_for_again_and_again_do_not_close_the_way_for_the_others() {
    let (ingest, clock) = (ingest(), ManualClock::new());
    ingest.answer_holding(POISON, Answer::reject(1..=8, true));
    let builder = builder_for(&ingest, &Wire::ReoBatch);
    let mut scene = steady("asked again", ingest, &clock, builder);
    for id in 1..=8 {
        assert_eq!(
            scene.usage.log_usage(poison(1_000_000).event_id(id)),
            Outcome::Queued
        );
        scene.offered += 1;
        scene.log(1);
        scene.pass(&clock);
        scene.pass(&clock);
    }
    for _ in 0..4 * 60 {
        scene.log(1);
        scene.pass(&clock);
    }
    let stats = scene.usage.stats();
    // None of the others waits but those of the last moments.
    assert!(stats.pending - 8 <= 8, "{stats}");
    assert!(stats.requests < 4 * 60 + 16 + 8 * 8, "{stats:?}");
}

#[test]
fn a_confirmed_event_hears_that_it_was_refused() {
    for (name, wire) in batch_wires() {
        let (ingest, clock) = (ingest_without(503), ManualClock::new());
        let builder = builder_for(&ingest, &wire);
        let mut scene = steady(name, ingest, &clock, builder);
        let wait = scene
            .usage
            .log_usage_confirmed(poison(1_000_000), 600 * SECOND);
        scene.offered += 1;
        while scene.usage.stats().dropped.total() == 0 {
            scene.log(1);
            scene.pass(&clock);
            assert!(scene.offered < 4 * 300, "{name}: {}", scene.usage.stats());
        }
        let dropped = mcp_usage::ConfirmError::Dropped(DropReason::Refused);
        assert_eq!(crate::support::block_on(wait), Err(dropped), "{name}");
        scene.flush();
        scene.end();
    }
}

#[test]
fn an_ingest_that_fails_on_all_refuses_none() {
    for (name, wire) in wires() {
        let (ingest, clock) = (ingest(), ManualClock::new());
        ingest.answer_always(Answer::status(failure_on(name)));
        let builder = builder_for(&ingest, &wire);
        let mut scene = steady(name, ingest, &clock, builder);
        for _ in 0..4 * 120 {
            scene.log(1);
            scene.pass(&clock);
        }
        assert_eq!(scene.usage.stats().dropped.total(), 0, "{name}");
        scene.ingest.answer_always(Answer::ok());
        scene.flush();
        let stats = scene.recover();
        assert_eq!(stats.dropped.total(), 0, "{name}");
    }
}

// ---- 2xx that took nothing, or less ----

/// What a portal answers in place of the ingest.
const PAGE: &str = "<html><h1>Sign in to the Wi-Fi</h1>";

#[test]
fn what_an_answer_does_not_count_is_dropped_and_never_sent_again() {
    for (counted, delivered) in [(0, 0), (2, 2), (5, 5), (9, 5)] {
        let ingest = ingest();
        ingest.script([Answer::ok().body(format!("{{\"accepted\":{counted}}}"))]);
        let usage = by_hand(&ingest, &mcpeye()).build().unwrap();
        for n in 0..5 {
            usage.log_usage(call(n));
        }
        usage.flush_blocking(PATIENCE).unwrap();
        let stats = end(&usage, &ingest);
        let rejected = stats.dropped.get(DropReason::Rejected);
        assert_eq!((stats.delivered, rejected), (delivered, 5 - delivered));
        assert_eq!(ingest.counts().requests, 1, "{counted}");
    }
}

#[test]
fn a_page_in_place_of_an_answer_is_a_failure_that_names_a_proxy() {
    for (name, wire) in wires() {
        let ingest = ingest();
        ingest.script([Answer::ok().body(PAGE)]);
        let builder = builder_for(&ingest, &wire);
        let mut scene = Scene::new(name, ingest, builder);
        scene.log(1);
        // By OTLP's rules a 2xx is never sent again.
        let is_final = name == "otlp";
        let cause = match scene.errors.recv_timeout(PATIENCE).unwrap() {
            DeliveryError::Retrying { cause, .. } if !is_final => cause,
            DeliveryError::Dropped { cause, reason, .. } if is_final => {
                assert_eq!(reason, DropReason::Rejected);
                cause
            }
            other => panic!("{name}: {other:?}"),
        };
        for word in ["200 with a web page", "proxy", "endpoint"] {
            assert!(cause.contains(word), "{name}: {cause}");
        }
        scene.flush();
        if is_final {
            // This ingest has taken what it answered so.
            scene.log(1);
            let stats = scene.close(PATIENCE);
            let rejected = stats.dropped.get(DropReason::Rejected);
            assert_eq!(
                (stats.delivered, rejected, stats.requests),
                (1, 1, 2),
                "{name}"
            );
        } else {
            assert_eq!(scene.recover().delivered, 2, "{name}");
        }
    }
}

//! Who is forgotten is sent no more: what was logged of them ends where it is, and the ledger closes.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mcp_usage::testing::{Answer, MockIngest};
use mcp_usage::{
    Builder, CallOutcome, ConfirmError, Custom, Destination, DropReason, Forgotten, Identity,
    IdentityCapture, Outcome, ToolCall, UsageLogger, WhenFull, Wire,
};

use crate::support::{
    KEY, PATIENCE, assert_ledger, block_on, builder, builder_for, call, end, ingest, mcpeye, otlp,
    posthog, wires,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn sam() -> Identity<'static> {
    Identity::new("sam-1", "INTERNAL").with_email("sam@example.com")
}

fn rachel() -> Identity<'static> {
    Identity::new("rachel-1", "INTERNAL").with_email("rachel@example.com")
}

fn found(forgotten: &Forgotten) -> (u64, u64, u64) {
    assert!(forgotten.complete, "{forgotten:?}");
    (forgotten.queued, forgotten.spooled, forgotten.in_flight)
}

fn dropped(usage: &UsageLogger) -> u64 {
    usage.stats().dropped.get(DropReason::Forgotten)
}

/// A logger whose first request, of an event of Rachel's, is under way until the ingest is released: what comes behind it
/// waits.
#[track_caller]
fn held_up(
    ingest: &MockIngest,
    wire: &Wire,
    change: impl FnOnce(Builder) -> Builder,
) -> UsageLogger {
    ingest.script([Answer::ok().held()]);
    let builder = builder_for(ingest, wire).max_in_flight(1);
    let usage = change(builder).build().unwrap();
    drop(usage.log_usage_confirmed(call(0).identity(rachel()), HOUR));
    ingest.wait_for_requests(1, PATIENCE).unwrap();
    usage
}

/// Nothing that the ingest was sent names Sam.
#[track_caller]
fn assert_unnamed(ingest: &MockIngest, name: &str) {
    for request in ingest.requests() {
        let body = String::from_utf8_lossy(&request.body);
        assert!(!body.contains("sam"), "{name}: {body}");
    }
}

#[test]
fn what_waits_of_somebody_ends_on_every_wire_and_the_rest_is_delivered() {
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = held_up(&ingest, &wire, |builder| builder);
        for n in 1..=20 {
            let who = if n % 2 == 0 { sam() } else { rachel() };
            assert_eq!(usage.log_usage(call(n).identity(who)), Outcome::Queued);
        }
        let forgotten = usage.forget_blocking(&sam());
        assert_eq!(found(&forgotten), (10, 0, 0), "{name}");
        assert_eq!(dropped(&usage), 10, "{name}");
        assert_eq!(found(&usage.forget_blocking(&sam())), (0, 0, 0), "{name}");
        ingest.release();
        let stats = end(&usage, &ingest);
        assert_eq!((stats.offered, stats.delivered), (21, 11), "{name}");
        assert_unnamed(&ingest, name);
        assert_eq!(ingest.delivered().len(), 11, "{name}");
    }
}

#[test]
fn every_kind_of_event_is_forgotten_and_later_ones_are_new() {
    let ingest = ingest();
    let usage = held_up(&ingest, &Wire::ReoBatch, |builder| builder);
    usage.log_usage(IdentityCapture::new(sam()));
    usage.log_usage(Custom::new("LOGIN_ACTIVITY").identity(sam()));
    usage.log_usage(mcp_usage::Init::new(["search"]).identity(sam()));
    let open = usage.start_tool_call(ToolCall::new("search").identity(sam()));
    let forgotten = block_on(usage.forget(&sam()));
    assert_eq!(found(&forgotten), (3, 0, 0));
    assert_eq!(open.finish(CallOutcome::Ok), Outcome::Queued);
    ingest.release();
    let stats = end(&usage, &ingest);
    assert_eq!((stats.delivered, stats.dropped.total()), (2, 3));
    let who: Vec<_> = ingest
        .delivered()
        .into_iter()
        .map(|event| event.user_id().map(str::to_owned))
        .collect();
    assert_eq!(who, [Some("rachel-1".to_owned()), Some("sam-1".to_owned())]);
}

#[test]
fn an_address_finds_events_where_they_have_one_whatever_its_case_and_escapes() {
    let odd = "\"Sam\\ O'Neill\u{e9}\t\"@example.com";
    let upper = odd.to_uppercase();
    for wire in [mcpeye(), otlp(), posthog()] {
        let ingest = ingest();
        let usage = held_up(&ingest, &wire, |builder| builder);
        let opaque = Identity::new("u-7", "INTERNAL");
        usage.log_usage(call(1).identity(Identity::email(odd)));
        usage.log_usage(call(2).identity(opaque.clone().with_email(odd)));
        usage.log_usage(call(3).identity(&opaque).email(odd));
        usage.log_usage(call(4).email(odd));
        usage.log_usage(call(5).identity(&opaque).email("rachel@example.com"));
        usage.log_usage(call(6).identity(&opaque).prompt(odd));
        let forgotten = usage.forget_blocking(&Identity::email(&*upper));
        assert_eq!(found(&forgotten), (4, 0, 0), "{wire:?}");
        ingest.release();
        assert_eq!(end(&usage, &ingest).delivered, 3, "{wire:?}");
    }
    for wire in [Wire::Reo, Wire::ReoBatch] {
        let ingest = ingest();
        let usage = held_up(&ingest, &wire, |builder| builder);
        usage.log_usage(call(1).identity(Identity::email(odd)));
        // Another kind of id, which the address is not, and an id in another case.
        usage.log_usage(call(2).identity(Identity::new(odd, "INTERNAL")));
        let forgotten = usage.forget_blocking(&Identity::email(&*upper));
        assert_eq!(found(&forgotten), (1, 0, 0));
        let forgotten = usage.forget_blocking(&Identity::new(&*upper, "INTERNAL"));
        assert_eq!(found(&forgotten), (0, 0, 0));
        let forgotten = usage.forget_blocking(&Identity::new(odd, "INTERNAL"));
        assert_eq!(found(&forgotten), (1, 0, 0));
        ingest.release();
        assert_eq!(end(&usage, &ingest).delivered, 1);
    }
}

#[cfg(feature = "pseudonyms")]
#[test]
fn somebody_is_found_under_a_pseudonym_by_the_name_and_by_the_pseudonym() {
    let pseudonyms = || {
        let pseudonyms = mcp_usage::pseudonym::Pseudonyms::new(b"0123456789abcdef");
        pseudonyms.unwrap()
    };
    for (name, wire) in wires() {
        for asks in [sam(), Identity::new(pseudonyms().user("sam-1"), "INTERNAL")] {
            let ingest = ingest();
            let change = |builder: Builder| builder.pseudonyms(pseudonyms());
            let usage = held_up(&ingest, &wire, change);
            for n in 1..=4 {
                let who = if n % 2 == 0 { sam() } else { rachel() };
                usage.log_usage(call(n).identity(who));
            }
            let forgotten = usage.forget_blocking(&asks);
            assert_eq!(found(&forgotten), (2, 0, 0), "{name}");
            ingest.release();
            end(&usage, &ingest);
            let left = pseudonyms().user("sam-1");
            let events = ingest.delivered();
            assert!(events.iter().all(|event| event.user_id() != Some(&left)));
            assert_eq!(events.len(), 3, "{name}");
        }
    }
}

#[test]
fn what_is_under_way_is_reported_and_not_sent_again() {
    for (answer, delivered, forgotten_later) in [
        (Answer::ok(), 2, 0),
        (Answer::status(503), 1, 1),
        (Answer::status(413), 1, 1),
        (Answer::status(422), 1, 1),
        (Answer::reset_after_body(), 1, 1),
        (Answer::reject_first(2, true), 1, 1),
    ] {
        let ingest = ingest();
        ingest.script([Answer::ok().held(), answer.clone().held()]);
        let usage = builder_for(&ingest, &Wire::ReoBatch).max_in_flight(1);
        let usage = usage.flush_interval(MINUTE).build().unwrap();
        drop(usage.log_usage_confirmed(call(0), HOUR));
        ingest.wait_for_requests(1, PATIENCE).unwrap();
        usage.log_usage(call(1).identity(sam()));
        let wait = usage.log_usage_confirmed(call(2).identity(rachel()), HOUR);
        ingest.release();
        ingest.wait_for_requests(2, PATIENCE).unwrap();
        let forgotten = usage.forget_blocking(&sam());
        assert_eq!(found(&forgotten), (0, 0, 1), "{answer:?}");
        // It is still under way.
        assert_eq!(
            found(&usage.forget_blocking(&sam())),
            (0, 0, 1),
            "{answer:?}"
        );
        ingest.release();
        assert_eq!(block_on(wait), Ok(()), "{answer:?}");
        let stats = end(&usage, &ingest);
        assert_eq!(stats.delivered, delivered + 1, "{answer:?}");
        let later = stats.dropped.get(DropReason::Forgotten);
        assert_eq!(later, forgotten_later, "{answer:?}: {stats:?}");
        for request in &ingest.requests()[2..] {
            let body = String::from_utf8_lossy(&request.body);
            assert!(!body.contains("sam"), "{answer:?}: {body}");
        }
    }
}

#[test]
fn a_shutdown_gives_up_what_was_forgotten_under_way_as_forgotten() {
    let ingest = ingest();
    ingest.answer_always(Answer::hang());
    let usage = builder(&ingest).build().unwrap();
    let wait = usage.log_usage_confirmed(call(1).identity(sam()), HOUR);
    ingest.wait_for_requests(1, PATIENCE).unwrap();
    assert_eq!(found(&usage.forget_blocking(&sam())), (0, 0, 1));
    usage.shutdown_blocking(Duration::ZERO);
    let ended = Err(ConfirmError::Dropped(DropReason::Forgotten));
    assert_eq!(block_on(wait), ended);
    let stats = usage.stats();
    assert_ledger(&stats);
    assert_eq!(stats.dropped.get(DropReason::Forgotten), 1);
}

#[test]
fn what_waits_for_another_try_is_forgotten_and_who_waits_for_it_is_told() {
    for (name, wire) in wires() {
        let ingest = ingest();
        ingest.answer_always(Answer::status(503));
        let usage = builder_for(&ingest, &wire).build().unwrap();
        let waits =
            [sam(), rachel()].map(|who| usage.log_usage_confirmed(call(1).identity(who), HOUR));
        for n in 0..50 {
            let who = if n % 2 == 0 { sam() } else { rachel() };
            usage.log_usage(call(n).identity(who));
        }
        crate::spool::wait_until(|| usage.stats().retries >= 2);
        let forgotten = usage.forget_blocking(&sam());
        assert_eq!(forgotten.queued + forgotten.in_flight, 26, "{name}");
        // One that was under way fails, too.
        crate::spool::wait_until(|| dropped(&usage) == 26);
        let [of_sam, of_rachel] = waits;
        let ended = Err(ConfirmError::Dropped(DropReason::Forgotten));
        assert_eq!(block_on(of_sam), ended, "{name}");
        ingest.clear();
        ingest.answer_always(Answer::ok());
        usage.flush_blocking(PATIENCE).unwrap();
        assert_eq!(block_on(of_rachel), Ok(()), "{name}");
        assert_eq!(end(&usage, &ingest).delivered, 26, "{name}");
        assert_unnamed(&ingest, name);
    }
}

#[test]
fn each_of_several_destinations_forgets_and_closes_its_ledger() {
    let (first, down, calls) = (ingest(), ingest(), ingest());
    down.answer_always(Answer::status(503));
    let also = |wire: &Wire, endpoint: String| {
        Destination::new(wire.clone())
            .endpoint(endpoint)
            .api_key(KEY)
    };
    let usage = held_up(&first, &Wire::ReoBatch, |builder| {
        let down = also(&otlp(), down.otlp_url());
        let calls = also(&mcpeye(), calls.mcpeye_url());
        builder.also(down).also(calls)
    });
    calls.wait_for_delivered(1, PATIENCE).unwrap();
    crate::spool::wait_until(|| usage.destination("otlp").unwrap().stats().retries > 0);
    calls.script([Answer::ok().held()]);
    drop(usage.log_usage_confirmed(call(1).identity(rachel()), HOUR));
    calls.wait_for_requests(2, PATIENCE).unwrap();
    for n in 2..=21 {
        let who = if n % 2 == 0 { sam() } else { rachel() };
        usage.log_usage(call(n).identity(&who));
        usage.log_usage(Custom::new("LOGIN_ACTIVITY").identity(who));
    }
    let forgotten = usage.forget_blocking(&sam());
    // Ten calls for each, and ten others for those that have a place for them.
    assert_eq!(found(&forgotten), (50, 0, 0));
    for (name, expected) in [("reo_batch", 20), ("otlp", 20), ("mcpeye", 10)] {
        let stats = usage.destination(name).unwrap().stats();
        assert_ledger(&stats);
        assert_eq!(stats.dropped.get(DropReason::Forgotten), expected, "{name}");
    }
    down.answer_always(Answer::ok());
    for ingest in [&first, &calls] {
        ingest.release();
    }
    let report = usage.shutdown_blocking(PATIENCE);
    assert_eq!(report.pending, 0);
    for (name, ingest, delivered) in [
        ("reo_batch", &first, 22),
        ("otlp", &down, 22),
        ("mcpeye", &calls, 12),
    ] {
        let stats = usage.destination(name).unwrap().stats();
        assert_ledger(&stats);
        assert_eq!(stats.delivered, delivered, "{name}");
        assert_unnamed(ingest, name);
    }
}

#[test]
fn what_the_hook_has_no_memory_for_is_forgotten_where_it_waits() {
    let (first, second) = (ingest(), ingest());
    second.script([Answer::ok().held()]);
    let text = "plain words ".repeat(5_000);
    let (sees, seen) = mpsc::channel();
    let usage = held_up(&first, &Wire::ReoBatch, |builder| {
        let also = Destination::new(Wire::ReoBatch).name("second");
        let also = also.endpoint(second.endpoint()).api_key(KEY);
        builder
            .also(also)
            .max_queue_bytes(1 << 20)
            .before_send(move |mut event| {
                let _ = sees.send(event["user_id"] == "sam-1");
                event["meta"]["more"] = text.clone().into();
                Some(event)
            })
    });
    second.wait_for_requests(1, PATIENCE).unwrap();
    for n in 1..=100 {
        let who = if n % 2 == 0 { sam() } else { rachel() };
        assert_eq!(usage.log_usage(call(n).identity(who)), Outcome::Queued);
    }
    // The hook stops within a segment, where memory is full with what it has made.
    crate::spool::wait_until(|| usage.stats().queue_bytes > 700_000);
    let of_both = usage.forget_blocking(&sam());
    assert_eq!(found(&of_both), (100, 0, 0));
    let seen_of_sam = seen.try_iter().filter(|is_sam| *is_sam).count();
    assert!((1..25).contains(&seen_of_sam), "{seen_of_sam}");
    for ingest in [&first, &second] {
        ingest.release();
    }
    end(&usage, &first);
    for destination in usage.destinations() {
        let stats = destination.stats();
        assert_ledger(&stats);
        let dropped = |reason| stats.dropped.get(reason);
        // One that lags behind the other may lose some of its own.
        let others = stats.delivered + dropped(DropReason::Evicted);
        assert_eq!((dropped(DropReason::Forgotten), others), (50, 51));
    }
    assert!(
        seen.try_iter().all(|is_sam| !is_sam),
        "the hook does not see them"
    );
    for ingest in [&first, &second] {
        assert_unnamed(ingest, "hook");
    }
}

#[test]
fn a_full_queue_has_room_again_and_still_loses_its_oldest() {
    let ingest = ingest();
    let usage = held_up(&ingest, &Wire::ReoBatch, |builder| {
        builder.max_queue_events(11).flush_interval(MINUTE)
    });
    let log = |n: u64, who: Identity<'static>| usage.log_usage(call(n).identity(who));
    for n in 1..=10 {
        let who = if n > 5 { sam() } else { rachel() };
        assert_eq!(log(n, who), Outcome::Queued);
    }
    let full = Outcome::Dropped(DropReason::QueueFull);
    assert_eq!([log(11, rachel()), log(12, rachel())], [full, full]);
    assert_eq!(found(&usage.forget_blocking(&sam())), (5, 0, 0));
    assert_eq!(log(13, rachel()), Outcome::Queued);
    ingest.release();
    assert_eq!(end(&usage, &ingest).delivered, 7);

    // The next request is the first of the next logger.
    ingest.clear();
    let usage = held_up(&ingest, &Wire::ReoBatch, |builder| {
        let builder = builder.when_full(WhenFull::DropOldest);
        builder.max_queue_events(11).flush_interval(MINUTE)
    });
    for n in 1..=10 {
        let who = if n == 1 { sam() } else { rachel() };
        usage.log_usage(call(n).identity(who));
    }
    assert_eq!(found(&usage.forget_blocking(&sam())), (1, 0, 0));
    for n in 11..=30 {
        assert_eq!(usage.log_usage(call(n).identity(rachel())), Outcome::Queued);
    }
    let stats = usage.stats();
    assert_ledger(&stats);
    assert!(stats.dropped.get(DropReason::Evicted) >= 9, "{stats:?}");
    ingest.release();
    end(&usage, &ingest);
}

#[test]
fn nobody_and_nothing_is_forgotten_at_once() {
    let disabled = UsageLogger::disabled();
    assert_eq!(found(&disabled.forget_blocking(&sam())), (0, 0, 0));
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    assert_eq!(
        found(&usage.forget_blocking(&sam())),
        (0, 0, 0),
        "not started"
    );
    let usage = held_up(&ingest, &Wire::ReoBatch, |builder| builder);
    usage.log_usage(ToolCall::new("search"));
    usage.log_usage(ToolCall::new("search").identity(Identity::anonymous()));
    for nobody in [Identity::anonymous(), Identity::new("", "INTERNAL")] {
        assert_eq!(found(&usage.forget_blocking(&nobody)), (0, 0, 0));
    }
    ingest.release();
    assert_eq!(end(&usage, &ingest).delivered, 3);
    assert_eq!(
        found(&usage.forget_blocking(&sam())),
        (0, 0, 0),
        "shut down"
    );
}

#[test]
fn a_future_that_is_dropped_forgets_all_the_same() {
    let ingest = ingest();
    let usage = held_up(&ingest, &Wire::ReoBatch, |builder| builder);
    usage.log_usage(call(1).identity(sam()));
    let _ = poll_once(usage.forget(&sam()));
    crate::spool::wait_until(|| dropped(&usage) == 1);
    ingest.release();
    end(&usage, &ingest);
}

/// Polls a future once, and drops it.
fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn while_threads_log_for_ten_people_one_is_forgotten_and_the_ledger_closes() {
    const PEOPLE: usize = 10;
    const EVENTS: usize = 3_000;
    let (first, second) = (ingest(), ingest());
    // Some requests fail on the way.
    first.script((0..40).map(|n| match n % 3 {
        0 => Answer::ok(),
        1 => Answer::status(503),
        _ => Answer::reset_before_body(),
    }));
    let also = Destination::new(otlp()).endpoint(second.otlp_url());
    let also = also.api_key(KEY);
    let usage = builder_for(&first, &Wire::ReoBatch)
        .flush_interval(Duration::from_millis(10))
        .max_batch_events(20)
        .also(also)
        .build()
        .unwrap();
    let person = |n: usize| Identity::new(format!("person-{n}x"), "INTERNAL");
    let done = AtomicBool::new(false);
    let mut last = None;
    thread::scope(|scope| {
        let (usage, done) = (&usage, &done);
        let logging: Vec<_> = (0..4)
            .map(|thread| {
                scope.spawn(move || {
                    for n in 0..EVENTS {
                        let who = person((n + thread) % PEOPLE);
                        usage.log_usage(ToolCall::new("search").identity(who));
                    }
                })
            })
            .collect();
        let forgetting = scope.spawn(move || {
            while !done.load(Relaxed) {
                found(&usage.forget_blocking(&person(3)));
            }
        });
        logging
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        done.store(true, Relaxed);
        forgetting.join().unwrap();
        last = Some(usage.forget_blocking(&person(3)));
    });
    let theirs = |ingest: &MockIngest| {
        let named = ingest.requests().into_iter().map(|request| {
            let body = request.body.windows(9).filter(|part| part == b"person-3x");
            body.count() as u64
        });
        named.sum::<u64>()
    };
    let before = theirs(&first) + theirs(&second);
    let last = last.unwrap();
    assert!(last.complete);
    let report = usage.shutdown_blocking(PATIENCE);
    assert_eq!(report.pending, 0);
    let after = theirs(&first) + theirs(&second);
    // Their id stands twice in a span.
    assert!(
        after - before <= 2 * last.in_flight,
        "{before} {after} {last:?}"
    );
    for destination in usage.destinations() {
        let stats = destination.stats();
        assert_ledger(&stats);
        assert_eq!(stats.offered, 4 * EVENTS as u64);
        let forgotten = stats.dropped.get(DropReason::Forgotten);
        assert_eq!(stats.dropped.total(), forgotten, "{stats:?}");
        assert!(forgotten <= 4 * (EVENTS / PEOPLE) as u64);
    }
}

#[test]
fn a_reo_batch_destination_that_asks_for_it_is_told_once_and_no_other() {
    let (first, told, spans) = (ingest(), ingest(), ingest());
    let also = |wire: &Wire, endpoint: String| {
        Destination::new(wire.clone())
            .endpoint(endpoint)
            .api_key(KEY)
    };
    let usage = builder_for(&first, &Wire::ReoBatch)
        .also(
            also(&Wire::ReoBatch, told.endpoint())
                .name("told")
                .announce_forgotten(true),
        )
        .also(also(&otlp(), spans.otlp_url()))
        .consent(|_| false)
        .sample(0.0)
        .build()
        .unwrap();
    for identity in [
        sam(),
        Identity::anonymous().with_email("sam@example.com"),
        Identity::anonymous(),
    ] {
        assert_eq!(found(&usage.forget_blocking(&identity)), (0, 0, 0));
    }
    // Neither a second nor anybody else is to be forgotten without a word of them.
    block_on(usage.forget(&sam()));
    usage.shutdown_blocking(PATIENCE);
    let events = told.delivered();
    let ids: Vec<_> = events.iter().map(|event| event.user_id()).collect();
    assert_eq!(ids, [Some("sam-1"), Some("sam@example.com"), Some("sam-1")]);
    for event in &events {
        assert_eq!(event.json["activity_type"], "MCP_FORGET_USER");
    }
    assert_eq!(told.violations(), Vec::<String>::new());
    for (name, offered) in [("reo_batch", 0), ("told", 3), ("otlp", 0)] {
        let stats = usage.destination(name).unwrap().stats();
        assert_ledger(&stats);
        assert_eq!(
            (stats.offered, stats.delivered),
            (offered, offered),
            "{name}"
        );
    }
    assert_eq!(first.requests().len() + spans.requests().len(), 0);
}

#[test]
fn an_announcement_is_not_forgotten_and_has_a_pseudonym_where_events_have() {
    let ingest = ingest();
    let change = |builder: Builder| {
        let builder = builder.announce_forgotten(true).max_queue_events(3);
        #[cfg(feature = "pseudonyms")]
        let builder = {
            let pseudonyms = mcp_usage::pseudonym::Pseudonyms::new(b"0123456789abcdef");
            builder.pseudonyms(pseudonyms.unwrap())
        };
        builder
    };
    let usage = held_up(&ingest, &Wire::ReoBatch, change);
    // The queue is full of theirs, and has room for the announcement once they are gone.
    for n in 1..=3 {
        usage.log_usage(call(n).identity(sam()));
    }
    assert_eq!(found(&usage.forget_blocking(&sam())), (2, 0, 0));
    assert_eq!(found(&usage.forget_blocking(&sam())), (0, 0, 0));
    ingest.release();
    let stats = end(&usage, &ingest);
    assert_eq!(
        (stats.delivered, stats.dropped.get(DropReason::QueueFull)),
        (3, 1)
    );
    let events = ingest.delivered();
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event.json["activity_type"].as_str())
        .collect();
    let told = Some("MCP_FORGET_USER");
    assert_eq!(kinds, [Some("MCP_TOOL_CALL"), told, told]);
    #[cfg(feature = "pseudonyms")]
    assert_unnamed(&ingest, "pseudonyms");
}

#[test]
fn only_the_reo_batch_wire_is_told() {
    for (name, wire) in wires().into_iter().filter(|(name, _)| *name != "reo batch") {
        let ingest = ingest();
        let fault = builder_for(&ingest, &wire).announce_forgotten(true).build();
        let fault = fault.unwrap_err().to_string();
        assert!(
            fault.starts_with("announce_forgotten is for Wire::ReoBatch alone"),
            "{name}: {fault}"
        );
    }
}

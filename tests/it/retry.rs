//! An ingest that fails, and what is made of it.

use std::time::{Duration, SystemTime};

use mcp_usage::testing::{Answer, ManualClock, MockIngest};
use mcp_usage::{ConfirmError, DeliveryError, DropReason, Stats, ToolCall, UsageLogger, Wire};
use serde_json::json;

use crate::support::{
    KEY, PATIENCE, assert_ledger, barrier, builder, builder_for, call, end, errors, ingest,
    reserved_port, wires,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn two_503s_cost_nothing() {
    for (name, wire) in wires() {
        let ingest = ingest();
        ingest.script([Answer::status(503), Answer::status(503)]);
        let usage = builder_for(&ingest, &wire).build().unwrap();
        for n in 0..20 {
            usage.log_usage(call(n));
        }
        let stats = end(&usage, &ingest);
        assert_eq!((stats.delivered, stats.retries), (20, 2), "{name}");
        assert_eq!(ingest.delivered().len(), 20, "{name}");
        assert_eq!(ingest.duplicates(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn each_class_of_status_has_its_consequence() {
    let again = [408, 425, 429, 500, 502, 503, 504, 599];
    let refused = [
        300, 304, 400, 402, 404, 405, 409, 410, 411, 415, 422, 451, 499, 600, 999,
    ];
    // OTLP's are in `otlp.rs`.
    let wires = wires().into_iter().filter(|(name, _)| *name != "otlp");
    for (name, wire) in wires {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire)
            .max_backoff(Duration::from_millis(2))
            .build()
            .unwrap();
        let confirm = || usage.log_usage_confirmed_blocking(call(1), PATIENCE);
        for status in again {
            ingest.script([Answer::status(status)]);
            assert_eq!(confirm(), Ok(()), "{name}: {status}");
        }
        for status in refused {
            ingest.script([Answer::status(status)]);
            let dropped = Err(ConfirmError::Dropped(DropReason::Rejected));
            assert_eq!(confirm(), dropped, "{name}: {status}");
        }
        for status in [401, 403] {
            ingest.script([Answer::status(status)]);
            let dropped = Err(ConfirmError::Dropped(DropReason::Unauthorized));
            assert_eq!(confirm(), dropped, "{name}: {status}");
        }
        for status in [200, 201, 202, 204, 206, 299] {
            ingest.script([Answer::status(status)]);
            assert_eq!(confirm(), Ok(()), "{name}: {status}");
        }
        let stats = end(&usage, &ingest);
        assert_eq!(stats.retries, again.len() as u64);
        assert_eq!(ingest.script_left(), 0);
        assert_eq!(ingest.duplicates(), Vec::<String>::new());
    }
}

#[test]
fn every_kind_of_broken_connection_is_tried_again() {
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire)
            .max_backoff(Duration::from_millis(2))
            .build()
            .unwrap();
        for answer in [
            Answer::reset_before_body(),
            Answer::reset_in_body(),
            Answer::reset_after_body(),
            Answer::malformed(),
            Answer::raw(""),
            Answer::raw("HTTP/1.1 2"),
        ] {
            ingest.script([answer.clone()]);
            assert_eq!(
                usage.log_usage_confirmed_blocking(call(1), PATIENCE),
                Ok(()),
                "{name}: {answer:?}"
            );
        }
        end(&usage, &ingest);
        assert_eq!(ingest.duplicates(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn an_ingest_that_comes_back_gets_what_waited_for_it() {
    let port = reserved_port();
    let usage = UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint(format!("http://127.0.0.1:{port}/api/product/usage"))
        .product_id("p")
        .flush_interval(Duration::from_millis(20))
        .initial_backoff(Duration::from_millis(1));
    let (usage, errors) = errors(usage);
    let usage = usage.build().unwrap();
    for n in 0..5 {
        usage.log_usage(call(n));
    }
    match errors.recv_timeout(PATIENCE).unwrap() {
        DeliveryError::Retrying { events, cause } => {
            assert_eq!(events, 1);
            assert!(
                !cause.contains("127.0.0.1") || !cause.contains("/api"),
                "{cause}"
            );
        }
        other => panic!("{other:?}"),
    }
    let ingest = MockIngest::builder()
        .api_key(KEY)
        .port(port)
        .start()
        .unwrap();
    usage.flush_blocking(PATIENCE).unwrap();
    assert_eq!(end(&usage, &ingest).delivered, 5);
}

#[test]
fn a_reset_after_the_body_sends_the_same_event_again() {
    for (name, wire) in wires() {
        let ingest = ingest();
        ingest.script([Answer::reset_after_body()]);
        let usage = builder_for(&ingest, &wire).build().unwrap();
        usage.log_usage(call(1));
        end(&usage, &ingest);
        let events = ingest.events();
        assert_eq!(events.len(), 2, "{name}");
        assert_eq!(events[0].id, events[1].id);
        assert_eq!(events[0].json, events[1].json);
    }
}

// ---- Retry-After ----

/// Has a request answered with a 503 and this header; returns the logger when that is done.
fn gated(header: Option<&str>, max: Duration) -> (MockIngest, UsageLogger, ManualClock) {
    let (ingest, clock) = (ingest(), ManualClock::new());
    let answer = Answer::status(503);
    ingest.script([match header {
        Some(value) => answer.retry_after(value),
        None => answer,
    }]);
    let (builder, errors) = errors(
        builder(&ingest)
            .clock(&clock)
            .initial_backoff(SECOND)
            .max_retry_after(max)
            .max_event_age(30 * 24 * 3600 * SECOND),
    );
    let usage = builder.build().unwrap();
    // Out at once, without a flush: that would open the gate.
    drop(usage.log_usage_confirmed(call(1), 24 * 3600 * SECOND));
    errors.recv_timeout(PATIENCE).unwrap();
    (ingest, usage, clock)
}

#[track_caller]
fn assert_waits(header: Option<&str>, max: Duration, wait: Duration) {
    let (ingest, usage, clock) = gated(header, max);
    barrier(&usage);
    if wait > Duration::ZERO {
        clock.advance(wait - Duration::from_millis(1));
        barrier(&usage);
        assert_eq!(usage.stats().requests, 1, "{header:?} was not waited for");
    }
    // A random time more, so that not all senders come back at the same moment.
    clock.advance(Duration::from_millis(1) + (wait / 5).max(SECOND));
    ingest
        .wait_for_delivered(1, PATIENCE)
        .unwrap_or_else(|error| panic!("{header:?}: {error}"));
    end(&usage, &ingest);
}

#[test]
fn retry_after_in_seconds_is_honoured() {
    const MINUTES: Duration = Duration::from_secs(300);
    assert_waits(Some("7"), MINUTES, 7 * SECOND);
    assert_waits(Some(" 7 "), MINUTES, 7 * SECOND);
    assert_waits(Some("0"), MINUTES, Duration::ZERO);
    assert_waits(Some("1.5"), MINUTES, Duration::from_millis(1_500));
}

#[test]
fn a_long_retry_after_is_clamped() {
    assert_waits(Some("3600"), 20 * SECOND, 20 * SECOND);
    assert_waits(Some("18446744073709551615"), 20 * SECOND, 20 * SECOND);
    assert_waits(Some("99999999999999999999999999"), 20 * SECOND, 20 * SECOND);
    assert_waits(
        Some("99999999999999999999999999.5"),
        20 * SECOND,
        20 * SECOND,
    );
    assert_waits(
        Some("Fri, 31 Dec 9999 23:59:59 GMT"),
        20 * SECOND,
        20 * SECOND,
    );
}

#[test]
fn retry_after_as_a_date_is_honoured() {
    // A date has no fractions of a second, so the wait is up to a second shorter.
    for format in ["imf", "rfc850", "asctime"] {
        let at = SystemTime::now() + 60 * SECOND;
        let (ingest, usage, clock) = gated(Some(&date(at, format)), 300 * SECOND);
        barrier(&usage);
        clock.advance(50 * SECOND);
        barrier(&usage);
        assert_eq!(usage.stats().requests, 1, "{format}");
        clock.advance(22 * SECOND);
        ingest.wait_for_delivered(1, PATIENCE).unwrap();
        end(&usage, &ingest);
    }
    assert_waits(
        Some("Fri, 31 Dec 1999 23:59:59 GMT"),
        300 * SECOND,
        Duration::ZERO,
    );
}

/// Spells a time in one of the three forms of HTTP.
fn date(at: SystemTime, format: &str) -> String {
    const DAYS: [&str; 7] = [
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
    ];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // The civil calendar from days since 1970 (Howard Hinnant's algorithm).
    let shifted = days + 719_468;
    let (era, doe) = (shifted / 146_097, shifted % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    let name = DAYS[(days % 7) as usize];
    let month = MONTHS[month as usize - 1];
    let time = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    match format {
        "imf" => format!("{}, {day:02} {month} {year} {time} GMT", &name[..3]),
        "rfc850" => format!("{name}, {day:02}-{month}-{:02} {time} GMT", year % 100),
        _ => format!("{} {month} {day:2} {time} {year}", &name[..3]),
    }
}

#[test]
fn a_retry_after_that_says_nothing_is_a_back_off() {
    for header in [
        None,
        Some("soon"),
        Some(""),
        Some("-5"),
        Some("1e3"),
        Some("."),
        Some("NaN"),
        Some("inf"),
    ] {
        let (ingest, usage, clock) = gated(header, 300 * SECOND);
        barrier(&usage);
        // The back-off is random below one second.
        clock.advance(SECOND);
        ingest
            .wait_for_delivered(1, PATIENCE)
            .unwrap_or_else(|error| panic!("{header:?}: {error}"));
        end(&usage, &ingest);
    }
}

// ---- the breaker ----

#[test]
fn five_failures_in_a_row_open_the_breaker_for_about_half_a_minute() {
    let (ingest, clock) = (ingest(), ManualClock::new());
    ingest.script((0..6).map(|_| Answer::status(500)));
    let (builder, errors) = errors(
        builder(&ingest)
            .clock(&clock)
            .initial_backoff(SECOND)
            .max_backoff(SECOND),
    );
    let usage = builder.build().unwrap();
    drop(usage.log_usage_confirmed(call(1), 3600 * SECOND));
    for failure in 1..=5 {
        errors.recv_timeout(PATIENCE).unwrap();
        assert_eq!(usage.stats().requests, failure);
        if failure < 5 {
            clock.advance(SECOND);
        }
    }
    barrier(&usage);
    clock.advance(Duration::from_millis(14_999));
    barrier(&usage);
    assert_eq!(usage.stats().requests, 5, "the breaker is open");
    // One probe, although two events wait by now; it fails, and the breaker stays open for longer.
    clock.advance(31 * SECOND);
    errors.recv_timeout(PATIENCE).unwrap();
    barrier(&usage);
    assert_eq!(usage.stats().requests, 6);
    clock.advance(19 * SECOND);
    barrier(&usage);
    assert_eq!(usage.stats().requests, 6);
    clock.advance(42 * SECOND);
    ingest.wait_for_delivered(1, PATIENCE).unwrap();
    let stats = end(&usage, &ingest);
    assert_eq!((stats.retries, stats.dropped.total()), (6, 0));
}

#[test]
fn failures_of_requests_that_went_out_together_count_once() {
    let (ingest, clock) = (ingest(), ManualClock::new());
    ingest.script((0..8).map(|_| Answer::status(500).held()));
    let (builder, errors) = errors(
        builder(&ingest)
            .clock(&clock)
            .initial_backoff(SECOND)
            .max_backoff(SECOND),
    );
    let usage = builder.build().unwrap();
    for n in 0..8 {
        drop(usage.log_usage_confirmed(call(n), 3600 * SECOND));
    }
    ingest.wait_for_requests(8, PATIENCE).unwrap();
    clock.advance(Duration::from_millis(100));
    ingest.release();
    for _ in 0..8 {
        errors.recv_timeout(PATIENCE).unwrap();
    }
    // Eight failures, but one outage: the next probe is due within the back-off.
    barrier(&usage);
    clock.advance(SECOND);
    ingest.wait_for_delivered(8, PATIENCE).unwrap();
    end(&usage, &ingest);
}

#[test]
fn a_413_a_401_and_a_400_never_close_the_gate() {
    let (ingest, clock) = (ingest(), ManualClock::new());
    let usage = builder(&ingest).clock(&clock).build().unwrap();
    for status in [413, 401, 400, 307] {
        ingest.script((0..12).map(|_| Answer::status(status)));
        for _ in 0..12 {
            // The clock stands still, so a gate that closed would stay closed.
            assert!(matches!(
                usage.log_usage_confirmed_blocking(call(1), 3600 * SECOND),
                Err(ConfirmError::Dropped(_))
            ));
        }
    }
    assert_eq!(
        usage.log_usage_confirmed_blocking(call(1), 3600 * SECOND),
        Ok(())
    );
    assert_eq!(end(&usage, &ingest).retries, 0);
}

// ---- too large ----

#[test]
fn a_batch_above_the_ingests_bytes_is_split_until_it_fits() {
    let ingest = MockIngest::builder()
        .api_key(KEY)
        .max_body_bytes(2_500)
        .start()
        .unwrap();
    let usage = builder(&ingest).wire(Wire::ReoBatch).build().unwrap();
    for n in 0..32 {
        usage.log_usage(call(n));
    }
    let stats = end(&usage, &ingest);
    assert_eq!((stats.delivered, stats.retries), (32, 0));
    assert!(stats.requests < 64, "{stats:?}");
    assert_eq!(ingest.duplicates(), Vec::<String>::new());
}

#[test]
fn a_batch_above_the_ingests_count_is_split_until_it_fits() {
    for wire in [Wire::ReoBatch, crate::support::mcpeye()] {
        let ingest = MockIngest::builder()
            .api_key(KEY)
            .max_body_events(3)
            .start()
            .unwrap();
        let usage = builder_for(&ingest, &wire).build().unwrap();
        for n in 0..50 {
            usage.log_usage(call(n));
        }
        let stats = end(&usage, &ingest);
        assert_eq!((stats.delivered, ingest.delivered().len()), (50, 50));
        assert_eq!(ingest.duplicates(), Vec::<String>::new());
    }
}

#[test]
fn one_event_that_is_too_large_does_not_take_others_along() {
    let ingest = MockIngest::builder()
        .api_key(KEY)
        .max_body_bytes(4_000)
        .start()
        .unwrap();
    let usage = builder(&ingest).wire(Wire::ReoBatch).build().unwrap();
    let large = "x".repeat(3_900);
    for n in 0..15 {
        usage.log_usage(call(n));
    }
    usage.log_usage(ToolCall::new("large").arguments(&json!({"note": large})));
    let stats = end(&usage, &ingest);
    assert_eq!(
        (stats.delivered, stats.dropped.get(DropReason::TooLarge)),
        (15, 1)
    );
    assert!(ingest.delivered().iter().all(|e| e.tool() != Some("large")));
}

#[test]
fn an_ingest_that_finds_everything_too_large_is_asked_less_than_twice_per_event() {
    let ingest = ingest();
    ingest.answer_always(Answer::status(413));
    let usage = builder(&ingest)
        .wire(Wire::ReoBatch)
        .max_in_flight(1)
        .flush_interval(Duration::from_secs(60))
        .build()
        .unwrap();
    for n in 0..100 {
        usage.log_usage(call(n));
    }
    let stats = end(&usage, &ingest);
    assert_eq!(stats.dropped.get(DropReason::TooLarge), 100);
    assert_eq!(stats.requests, 199);
}

#[test]
fn two_timeouts_of_a_batch_halve_it() {
    let ingest = ingest();
    let clock = ManualClock::new();
    ingest.script([Answer::hang(), Answer::hang()]);
    let (builder, errors) = errors(
        builder(&ingest)
            .wire(Wire::ReoBatch)
            .clock(&clock)
            .request_timeout(5 * SECOND)
            .max_batch_events(8)
            .max_in_flight(1)
            .initial_backoff(SECOND)
            .max_backoff(SECOND),
    );
    let usage = builder.build().unwrap();
    for n in 0..8 {
        usage.log_usage(call(n));
    }
    for request in 1..=2 {
        ingest.wait_for_requests(request, PATIENCE).unwrap();
        clock.advance(5 * SECOND);
        assert!(matches!(
            errors.recv_timeout(PATIENCE).unwrap(),
            DeliveryError::Retrying { events: 8, .. }
        ));
        // Lets a probe through; another event would be one in place of the batch.
        let _ = usage.flush_blocking(Duration::ZERO);
    }
    end(&usage, &ingest);
    let sizes: Vec<_> = ingest
        .requests()
        .iter()
        .map(|r| r.json().unwrap()["payload"].as_array().unwrap().len())
        .collect();
    assert_eq!(&sizes[..3], [8, 8, 4], "{sizes:?}");
    assert_eq!(ingest.duplicates(), Vec::<String>::new());
}

// ---- partial success ----

#[test]
fn refused_events_of_a_batch_are_dropped_and_the_others_delivered() {
    let ingest = ingest();
    ingest.script([Answer::reject([3, 5, 777], false)]);
    let usage = builder(&ingest).wire(Wire::ReoBatch).build().unwrap();
    for n in 1..=8 {
        usage.log_usage(call(n).event_id(n as i64));
    }
    let stats = end(&usage, &ingest);
    assert_eq!(
        (stats.delivered, stats.dropped.get(DropReason::Rejected)),
        (6, 2)
    );
    let mut ids: Vec<_> = ingest.delivered().into_iter().map(|e| e.id).collect();
    ids.sort();
    assert_eq!(ids, ["1", "2", "4", "6", "7", "8"]);
}

#[test]
fn events_that_are_refused_for_now_are_sent_again_alone() {
    let ingest = ingest();
    ingest.script([Answer::reject([3, 5], true), Answer::reject([5], true)]);
    let usage = builder(&ingest).wire(Wire::ReoBatch).build().unwrap();
    for n in 1..=8 {
        usage.log_usage(call(n).event_id(n as i64));
    }
    usage.flush_blocking(PATIENCE).unwrap();
    let stats = end(&usage, &ingest);
    assert_eq!((stats.delivered, stats.dropped.total()), (8, 0));
    assert_eq!(ingest.delivered().len(), 8);
    assert_eq!(ingest.duplicates(), Vec::<String>::new());
    let sizes: Vec<_> = ingest
        .requests()
        .iter()
        .map(|r| r.json().unwrap()["payload"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [8, 2, 1]);
}

/// As an ingest writes them whose language would round the numbers.
#[test]
fn ids_of_refused_events_may_be_text() {
    let ingest = ingest();
    let answer =
        r#"{"accepted":1,"rejected":[{"event_id":"9223372036854775807"},{"event_id":"2"}]}"#;
    ingest.script([Answer::ok().body(answer)]);
    let usage = builder(&ingest).wire(Wire::ReoBatch).build().unwrap();
    for id in [1, 2, i64::MAX] {
        usage.log_usage(call(id as u64).event_id(id));
    }
    let stats = end(&usage, &ingest);
    let rejected = stats.dropped.get(DropReason::Rejected);
    assert_eq!((stats.delivered, rejected), (1, 2));
}

#[test]
fn an_answer_that_cannot_be_read_refuses_nothing() {
    for body in [
        "",
        "[]",
        "null",
        "{not json",
        "{\"rejected\":7}",
        "{\"rejected\":[1,{},{\"event_id\":\"one\"}]}",
        "{\"rejected\":[{\"event_id\":1e400}]}",
    ] {
        let ingest = ingest();
        ingest.script([Answer::ok().body(body)]);
        let usage = builder(&ingest).wire(Wire::ReoBatch).build().unwrap();
        usage.log_usage(call(1).event_id(1));
        assert_eq!(end(&usage, &ingest).delivered, 1, "{body}");
    }
}

// ---- redirects ----

#[test]
fn a_redirect_is_refused_and_its_target_sees_nothing() {
    for (name, wire) in wires() {
        for status in [301, 302, 303, 307, 308] {
            let (ingest, elsewhere) = (ingest(), MockIngest::start().unwrap());
            ingest.answer_always(Answer::redirect(status, elsewhere.endpoint()));
            let usage = builder_for(&ingest, &wire).build().unwrap();
            assert_eq!(
                usage.log_usage_confirmed_blocking(call(1), PATIENCE),
                Err(ConfirmError::Dropped(DropReason::Rejected)),
                "{name}: {status}"
            );
            end(&usage, &ingest);
            assert_eq!(ingest.counts().requests, 1);
            assert_eq!(elsewhere.counts().connections, 0, "{name}: {status}");
        }
    }
}

// ---- answers that are none ----

#[test]
fn a_huge_a_truncated_and_a_trickling_answer_are_still_a_2xx() {
    for (name, wire) in wires() {
        for (how, answer) in [
            ("huge", Answer::huge(1 << 30)),
            ("truncated", Answer::truncated()),
            (
                "trickling",
                Answer::trickle(100_000, Duration::from_millis(20)),
            ),
        ] {
            let ingest = ingest();
            ingest.script([answer]);
            let usage = builder_for(&ingest, &wire)
                .request_timeout(Duration::from_millis(500))
                .build()
                .unwrap();
            assert_eq!(
                usage.log_usage_confirmed_blocking(call(1), PATIENCE),
                Ok(()),
                "{name}: {how}"
            );
            let stats = end(&usage, &ingest);
            assert_eq!((stats.delivered, stats.retries), (1, 0), "{name}: {how}");
            assert_eq!(ingest.delivered().len(), 1);
        }
    }
}

#[test]
fn a_hanging_ingest_costs_a_request_its_timeout_and_no_more() {
    let (ingest, clock) = (ingest(), ManualClock::new());
    ingest.script([Answer::hang()]);
    let (builder, errors) = errors(builder(&ingest).clock(&clock).request_timeout(3 * SECOND));
    let usage = builder.build().unwrap();
    drop(usage.log_usage_confirmed(call(1), 3600 * SECOND));
    ingest.wait_for_requests(1, PATIENCE).unwrap();
    clock.advance(Duration::from_millis(2_999));
    barrier(&usage);
    assert_eq!(usage.stats().retries, 0);
    clock.advance(Duration::from_millis(1));
    match errors.recv_timeout(PATIENCE).unwrap() {
        DeliveryError::Retrying { cause, .. } => assert!(cause.contains("timed out"), "{cause}"),
        other => panic!("{other:?}"),
    }
    clock.advance(SECOND);
    ingest.wait_for_delivered(1, PATIENCE).unwrap();
    end(&usage, &ingest);
}

// ---- age ----

#[test]
fn an_event_that_grows_too_old_is_given_up() {
    let (ingest, clock) = (ingest(), ManualClock::new());
    ingest.answer_always(Answer::status(503).retry_after("300"));
    let (builder, errors) = errors(builder(&ingest).clock(&clock).max_event_age(60 * SECOND));
    let usage = builder.build().unwrap();
    let waits = usage.log_usage_confirmed(call(1), 3600 * SECOND);
    errors.recv_timeout(PATIENCE).unwrap();
    clock.advance(61 * SECOND);
    assert_eq!(
        crate::support::block_on(waits),
        Err(ConfirmError::Dropped(DropReason::Expired))
    );
    let stats: Stats = usage.stats();
    assert_eq!(
        (stats.dropped.get(DropReason::Expired), stats.pending),
        (1, 0)
    );
    assert_ledger(&stats);
    assert_eq!(
        stats.requests, 1,
        "age ran on while Retry-After was waited for"
    );
}

/// Time passes in one leap, so that no later look finds the event.
#[test]
fn an_event_that_grows_too_old_while_its_request_is_under_way_ends_with_that() {
    let (ingest, clock) = (ingest(), ManualClock::new());
    ingest.answer_always(Answer::hang());
    let usage = builder(&ingest).clock(&clock).build().unwrap();
    let waits = usage.log_usage_confirmed(call(1), 3600 * SECOND);
    crate::support::block_on(ingest.requests_arrived(1, PATIENCE)).unwrap();
    clock.advance(16 * 60 * SECOND);
    assert_eq!(
        crate::support::block_on(waits),
        Err(ConfirmError::Dropped(DropReason::Expired))
    );
    let stats = usage.stats();
    assert_eq!((stats.requests, stats.pending), (1, 0));
    assert_ledger(&stats);
}

#[test]
fn an_event_keeps_its_bytes_through_retries() {
    let ingest = ingest();
    ingest.script([
        Answer::status(503),
        Answer::reset_after_body(),
        Answer::status(429),
    ]);
    let usage = builder(&ingest)
        .max_backoff(Duration::from_millis(2))
        .build()
        .unwrap();
    usage.log_usage(call(1).arguments(&json!({"query": "q", "n": 1.5})));
    usage.flush_blocking(PATIENCE).ok();
    end(&usage, &ingest);
    let requests = ingest.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|r| r.body == requests[0].body));
}

//! More than can be delivered: what is kept, what is dropped, and that every event is counted once.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use mcp_usage::config::MIN_QUEUE_BYTES;
use mcp_usage::testing::{Answer, ManualClock, MockIngest};
use mcp_usage::{
    CallOutcome, ConfirmError, DropReason, Outcome, ToolCall, UsageLogger, WhenFull, Wire,
};
use serde_json::json;

use crate::support::{
    KEY, PATIENCE, assert_ledger, barrier, block_on, builder, builder_for, call, end, errors,
    ingest, rachel, wires,
};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_full_queue_refuses_the_newest_and_counts_each() {
    for (name, wire) in wires() {
        let ingest = ingest();
        ingest.answer_always(Answer::hang());
        let usage = builder_for(&ingest, &wire)
            .request_timeout(Duration::from_secs(600))
            .max_queue_events(10)
            .build()
            .unwrap();
        for n in 0..10 {
            assert_eq!(usage.log_usage(call(n)), Outcome::Queued, "{name}");
        }
        for n in 10..35 {
            assert_eq!(
                usage.log_usage(call(n)),
                Outcome::Dropped(DropReason::QueueFull),
                "{name}"
            );
        }
        let stats = usage.stats();
        assert_eq!((stats.offered, stats.pending), (35, 10));
        assert_eq!(stats.dropped.get(DropReason::QueueFull), 25);
        assert_ledger(&stats);
        ingest.answer_always(Answer::ok());
        ingest.wait_for_requests(1, PATIENCE).unwrap();
        // Those that hang already are let go; there may be several rounds of them.
        while usage.flush_blocking(Duration::from_millis(100)).is_err() {
            ingest.release();
        }
        let stats = end(&usage, &ingest);
        assert_eq!((stats.delivered, stats.dropped.total()), (10, 25), "{name}");
        let kept: HashSet<_> = ingest.delivered().into_iter().map(|e| e.id).collect();
        assert_eq!(kept.len(), 10);
    }
}

/// A call as an agent makes it: about 1 KB on the wire.
fn typical(usage: &UsageLogger) -> Outcome {
    let arguments = json!({
        "query": "open tickets of customers in north america that mention a late invoice, newest first",
        "customer": {"name": "Ada", "contact": "ada.4f2c1@mail.example.com", "tier": "pro"},
        "filters": [{"field": "amount", "op": ">", "value": 125_000}],
        "limit": 25,
        "dry_run": false,
    });
    let result = json!({"rows": vec![json!({"id": 7, "title": "late invoice"}); 6]});
    usage.log_usage(
        ToolCall::new("search_documents")
            .identity(rachel())
            .arguments(&arguments)
            .result(&result)
            .prompt("which customers complain about invoices?")
            .session_id("a9f3c1d2-7b54-4a38-9d8e-2f6b1c0e5a77")
            .client_name("claude-code")
            .client_version("2.1.0")
            .protocol_version("2025-11-25")
            .transport("http")
            .request_id("17")
            .duration(Duration::from_micros(5_072))
            .outcome(CallOutcome::Ok),
    )
}

#[test]
fn bytes_alone_bound_a_queue_unless_a_count_is_set() {
    let ingest = ingest();
    ingest.answer_always(Answer::hang());
    let builder = builder_for(&ingest, &Wire::ReoBatch);
    let usage = builder
        .request_timeout(Duration::from_secs(600))
        .build()
        .unwrap();
    let queued = (0..100_000).take_while(|_| typical(&usage) == Outcome::Queued);
    let queued = queued.count();
    let stats = usage.stats();
    assert!((20_000..40_000).contains(&queued), "{queued}");
    assert!(stats.queue_bytes > 31 * 1024 * 1024, "{stats:?}");
    assert_eq!(stats.dropped.get(DropReason::QueueFull), 1);
    usage.shutdown_blocking(Duration::ZERO);
    ingest.release();
}

#[test]
fn a_batch_that_is_full_by_bytes_is_sent_at_once() {
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire)
            .flush_interval(Duration::from_secs(600))
            .build()
            .unwrap();
        // As many as the queue holds: what is sent meanwhile makes room for none of them.
        let filler = json!({"filler": "x".repeat(2_000)});
        for n in 0..2_000 {
            assert_eq!(
                usage.log_usage(call(n).arguments(&filler)),
                Outcome::Queued,
                "{name}"
            );
        }
        ingest.wait_for_events(1_000, PATIENCE).unwrap();
        let stats = end(&usage, &ingest);
        assert_eq!(
            (stats.delivered, stats.dropped.total()),
            (2_000, 0),
            "{name}"
        );
    }
}

#[test]
fn a_full_queue_that_prefers_the_newest_evicts_the_oldest_that_is_not_on_its_way() {
    let (ingest, clock) = (ingest(), ManualClock::new());
    ingest.script([Answer::hang()]);
    let usage = builder(&ingest)
        .clock(&clock)
        .max_in_flight(1)
        .max_queue_events(5)
        .when_full(WhenFull::DropOldest)
        .build()
        .unwrap();
    let first = usage.log_usage_confirmed(ToolCall::new("t0"), HOUR);
    ingest.wait_for_requests(1, PATIENCE).unwrap();
    let mut waits = Vec::new();
    for n in 1..=20 {
        waits.push(usage.log_usage_confirmed(ToolCall::new(format!("t{n}")), HOUR));
    }
    ingest.release();
    usage.flush_blocking(PATIENCE).unwrap();
    // The first was in flight; of the others the newest are left.
    assert_eq!(block_on(first), Ok(()));
    let stats = end(&usage, &ingest);
    let evicted = stats.dropped.get(DropReason::Evicted);
    assert_eq!((stats.offered, stats.dropped.total()), (21, evicted));
    assert_eq!(stats.delivered, 21 - evicted);
    let arrived: HashSet<_> = ingest
        .delivered()
        .iter()
        .map(|e| e.tool().unwrap().to_owned())
        .collect();
    assert!(
        arrived.contains("t0") && arrived.contains("t20"),
        "{arrived:?}"
    );
    let told = waits.into_iter().map(block_on).collect::<Vec<_>>();
    for (n, told) in (1..).zip(told) {
        let expected = if arrived.contains(&format!("t{n}")) {
            Ok(())
        } else {
            Err(ConfirmError::Dropped(DropReason::Evicted))
        };
        assert_eq!(told, expected, "t{n}");
    }
    assert_eq!(arrived.len(), 5);
}

#[test]
fn a_queue_whose_events_are_all_on_their_way_refuses_the_newest() {
    let ingest = ingest();
    ingest.answer_always(Answer::hang());
    let usage = builder(&ingest)
        .request_timeout(Duration::from_secs(600))
        .max_in_flight(2)
        .max_queue_events(2)
        .when_full(WhenFull::DropOldest)
        .build()
        .unwrap();
    for n in 0..2 {
        drop(usage.log_usage_confirmed(call(n), HOUR));
    }
    ingest.wait_for_requests(2, PATIENCE).unwrap();
    assert_eq!(
        usage.log_usage(call(3)),
        Outcome::Dropped(DropReason::QueueFull)
    );
    ingest.release();
    assert_eq!(end(&usage, &ingest).delivered, 2);
}

#[test]
fn the_queue_is_bounded_in_bytes() {
    for when_full in [WhenFull::DropNewest, WhenFull::DropOldest] {
        for (name, wire) in wires() {
            let ingest = ingest();
            ingest.answer_always(Answer::status(503));
            let usage = builder_for(&ingest, &wire)
                .max_queue_bytes(MIN_QUEUE_BYTES)
                .max_queue_events(1_000_000)
                // What waits for a retry cannot be evicted, so it must not be all there is.
                .max_batch_bytes(16 * 1024)
                .max_in_flight(2)
                .when_full(when_full)
                .build()
                .unwrap();
            let text = "some words that are not a secret, again and again; ".repeat(18);
            let mut most = 0;
            for _ in 0..2_000 {
                usage.log_usage(ToolCall::new("t").arguments(&json!({"note": text})));
                most = most.max(usage.stats().queue_bytes);
            }
            assert!(most <= MIN_QUEUE_BYTES as u64, "{name}: {most}");
            let stats = usage.stats();
            // A kilobyte each: it is bytes that are short, not events. A segment that is sealed half
            // full, as on a slow machine, is charged whole.
            assert!((200..600).contains(&stats.pending), "{name}: {stats:?}");
            assert!(stats.dropped.total() > 1_000, "{name}: {stats:?}");
            let reason = match when_full {
                WhenFull::DropOldest => DropReason::Evicted,
                _ => DropReason::QueueFull,
            };
            assert!(stats.dropped.get(reason) > 1_000, "{name}: {stats:?}");
            usage.shutdown_blocking(Duration::ZERO);
            let stats = usage.stats();
            assert_ledger(&stats);
            assert_eq!((stats.pending, stats.queue_bytes), (0, 0), "{name}");
        }
    }
}

#[test]
fn an_outage_keeps_as_many_quiet_events_as_the_queue_allows() {
    let (ingest, clock) = (ingest(), ManualClock::new());
    ingest.answer_always(Answer::status(503).retry_after("300"));
    let (builder, errors) = errors(
        builder(&ingest)
            .clock(&clock)
            .flush_interval(Duration::from_secs(1))
            .max_queue_bytes(1024 * 1024)
            .max_event_age(24 * HOUR),
    );
    let usage = builder.build().unwrap();
    drop(usage.log_usage_confirmed(call(0), HOUR));
    errors.recv_timeout(PATIENCE).unwrap();
    // One event a second, so each tick ends a segment of one event.
    for n in 0..250 {
        assert_eq!(usage.log_usage(call(n)), Outcome::Queued, "event {n}");
        clock.advance(Duration::from_secs(1));
        barrier(&usage);
    }
    let stats = usage.stats();
    assert_eq!((stats.pending, stats.dropped.total()), (501, 0));
    ingest.answer_always(Answer::ok());
    end(&usage, &ingest);
}

#[test]
fn what_is_delivered_makes_room() {
    let ingest = ingest();
    let usage = builder(&ingest).max_queue_events(10).build().unwrap();
    for round in 0..20 {
        for n in 0..10 {
            assert_eq!(usage.log_usage(call(n)), Outcome::Queued, "round {round}");
        }
        usage.flush_blocking(PATIENCE).unwrap();
    }
    let stats = end(&usage, &ingest);
    assert_eq!((stats.delivered, stats.queue_bytes), (200, 0));
}

#[test]
fn an_event_too_large_for_any_request_is_refused_and_the_next_one_taken() {
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    let text = "words ".repeat(600);
    let mut large = ToolCall::new("t");
    for n in 0..90 {
        large = large.meta(format!("key_{n}"), &text);
    }
    assert_eq!(
        usage.log_usage(large),
        Outcome::Dropped(DropReason::TooLarge)
    );
    assert_eq!(usage.log_usage(call(1)), Outcome::Queued);
    assert_eq!(end(&usage, &ingest).delivered, 1);
}

#[test]
fn an_event_of_any_size_up_to_the_limit_fits_into_a_request() {
    // Approaches the limit byte by byte: what is taken at the door must be taken by the ingest,
    // whose limit is for the request as a whole.
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    let text = "words ".repeat(600);
    let (mut taken, mut refused) = (0, 0);
    for pad in 1_600..2_000 {
        let padding = "x".repeat(pad);
        let mut large = ToolCall::new("t").event_id(1 + i64::from(pad as u32));
        for n in 100..172 {
            large = large.meta(format!("key_{n}"), &text);
        }
        match usage.log_usage(large.meta("padding", &padding)) {
            Outcome::Queued => taken += 1,
            Outcome::Dropped(DropReason::TooLarge) => refused += 1,
            other => panic!("{other:?}"),
        }
        usage.flush_blocking(PATIENCE).unwrap();
    }
    assert!(
        taken > 0 && refused > 0,
        "{taken} taken, {refused} refused: not at the limit"
    );
    let stats = end(&usage, &ingest);
    assert_eq!(
        (stats.delivered, stats.dropped.get(DropReason::TooLarge)),
        (taken, refused)
    );
}

#[test]
fn the_ledger_closes_under_threads_a_tiny_queue_and_a_flaky_ingest() {
    const THREADS: u64 = 8;
    const EACH: u64 = 1_500;
    for when_full in [WhenFull::DropNewest, WhenFull::DropOldest] {
        for (name, wire) in wires() {
            let ingest = ingest();
            ingest.script((0..100).map(|n| match n % 7 {
                0 => Answer::status(503),
                2 => Answer::reset_in_body(),
                3 => Answer::reset_before_body(),
                4 => Answer::status(400),
                5 => Answer::status(429).retry_after("0"),
                _ => Answer::ok(),
            }));
            let usage = builder_for(&ingest, &wire)
                .max_queue_events(64)
                .max_batch_events(10)
                .when_full(when_full)
                .max_backoff(Duration::from_millis(1))
                .max_retry_after(Duration::from_millis(1))
                .flush_interval(Duration::from_millis(10))
                .build()
                .unwrap();
            let (queued, refused) = (AtomicU64::new(0), AtomicU64::new(0));
            thread::scope(|scope| {
                for t in 0..THREADS {
                    let (usage, queued, refused) = (&usage, &queued, &refused);
                    scope.spawn(move || {
                        for n in 0..EACH {
                            match usage.log_usage(call(t * EACH + n)) {
                                Outcome::Queued => queued.fetch_add(1, Relaxed),
                                Outcome::Dropped(DropReason::QueueFull) => {
                                    refused.fetch_add(1, Relaxed)
                                }
                                other => panic!("{other:?}"),
                            };
                        }
                    });
                }
            });
            // The breaker may be open; each flush sends one probe.
            for _ in 0..100 {
                if usage.flush_blocking(Duration::from_secs(1)).is_ok() {
                    break;
                }
            }
            let stats = end(&usage, &ingest);
            assert_eq!(stats.offered, THREADS * EACH);
            assert_eq!(
                stats.dropped.get(DropReason::QueueFull),
                refused.into_inner()
            );
            let queued = queued.into_inner();
            let lost =
                stats.dropped.get(DropReason::Evicted) + stats.dropped.get(DropReason::Rejected);
            assert_eq!(stats.delivered + lost, queued, "{name}: {stats:?}");
            assert!(
                stats.dropped.get(DropReason::QueueFull) + stats.dropped.get(DropReason::Evicted)
                    > 0,
                "{name}: nothing was dropped, so nothing was shown: {stats:?}"
            );
            // What we call delivered is what the ingest has taken, and nothing twice: none of its
            // faults comes after it has taken a request.
            assert_eq!(ingest.delivered().len() as u64, stats.delivered, "{name}");
            assert_eq!(ingest.duplicates(), Vec::<String>::new(), "{name}");
        }
    }
}

#[test]
fn a_loss_report_says_how_much_was_lost_so_far() {
    let ingest = MockIngest::builder().api_key(KEY).start().unwrap();
    ingest.script([Answer::hang()]);
    let usage = builder(&ingest)
        .wire(Wire::ReoBatch)
        .request_timeout(Duration::from_secs(600))
        .max_queue_events(4)
        .max_in_flight(1)
        .build()
        .unwrap();
    drop(usage.log_usage_confirmed(call(0), HOUR));
    ingest.wait_for_requests(1, PATIENCE).unwrap();
    for n in 1..11 {
        usage.log_usage(call(n));
    }
    ingest.release();
    usage.flush_blocking(PATIENCE).unwrap();
    usage.log_usage(call(11));
    end(&usage, &ingest);
    let reports: Vec<_> = ingest
        .requests()
        .iter()
        .map(|r| r.json().unwrap()["sdk"].clone())
        .collect();
    assert!(reports.len() >= 3);
    assert_eq!(reports[0].get("dropped"), None);
    for (n, report) in reports.iter().enumerate() {
        assert_eq!(report["sequence"], n);
        assert_eq!(report["instance"], reports[0]["instance"]);
        if n > 0 {
            assert_eq!(report["dropped"], json!({"queue_full": 7}));
        }
    }
}

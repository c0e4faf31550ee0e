//! Every reason to drop an event, caused.

use std::borrow::Cow;
use std::time::Duration;

use mcp_usage::testing::{Answer, ManualClock};
use mcp_usage::{ConfirmError, DropReason, Init, Redactor, Stats, ToolCall, WhenFull};

use crate::support::{
    PATIENCE, assert_ledger, builder, builder_for, call, errors, ingest, mcpeye, rachel,
};

const HOUR: Duration = Duration::from_secs(3600);

/// Causes a drop for `reason` and returns the ledger; `Err` says why that cannot be done here.
fn cause(reason: DropReason) -> Result<Stats, &'static str> {
    let (ingest, clock) = (ingest(), ManualClock::new());
    let builder = builder(&ingest).clock(&clock);
    let usage = match reason {
        DropReason::QueueFull => {
            ingest.answer_always(Answer::hang());
            let usage = builder.max_queue_events(1).build().unwrap();
            usage.log_usage(call(1));
            usage.log_usage(call(2));
            usage
        }
        DropReason::Evicted => {
            ingest.script([Answer::ok().held()]);
            let usage = builder
                .max_in_flight(1)
                .max_queue_events(2)
                .when_full(WhenFull::DropOldest)
                .build()
                .unwrap();
            drop(usage.log_usage_confirmed(call(1), HOUR));
            ingest.wait_for_requests(1, PATIENCE).unwrap();
            usage.log_usage(call(2));
            usage.log_usage(call(3));
            ingest.release();
            usage
        }
        DropReason::TooLarge => {
            ingest.script([Answer::status(413)]);
            let usage = builder.build().unwrap();
            usage.log_usage(call(1));
            usage
        }
        DropReason::MissingField => {
            let usage = builder.build().unwrap();
            usage.log_usage(ToolCall::new(""));
            usage
        }
        DropReason::UnsupportedByWire => {
            let usage = builder_for(&ingest, &mcpeye()).build().unwrap();
            usage.log_usage(Init::new(["t"]));
            usage
        }
        DropReason::RedactionFailed => {
            let redactor = Redactor::custom(|text| {
                if text == "boom" {
                    std::panic::resume_unwind(Box::new("a rule of the user's"));
                }
                Cow::Borrowed(text)
            });
            let usage = builder.redactor(redactor).build().unwrap();
            usage.log_usage(ToolCall::new("search").prompt("boom"));
            usage
        }
        DropReason::BeforeSend => {
            let usage = builder.before_send(|_| None).build().unwrap();
            usage.log_usage(call(1));
            usage
        }
        DropReason::Unauthorized => {
            ingest.script([Answer::status(403)]);
            let usage = builder.build().unwrap();
            usage.log_usage(call(1));
            usage
        }
        DropReason::Rejected => {
            ingest.script([Answer::status(422)]);
            let usage = builder.build().unwrap();
            usage.log_usage(call(1));
            usage
        }
        DropReason::Expired => {
            ingest.answer_always(Answer::status(503).retry_after("300"));
            let (builder, errors) = errors(builder.max_event_age(Duration::from_secs(2)));
            let usage = builder.build().unwrap();
            let wait = usage.log_usage_confirmed(call(1), HOUR);
            errors.recv_timeout(PATIENCE).unwrap();
            clock.advance(Duration::from_secs(4));
            assert_eq!(
                crate::support::block_on(wait),
                Err(ConfirmError::Dropped(DropReason::Expired))
            );
            usage
        }
        DropReason::ShutdownTimeout => {
            ingest.answer_always(Answer::hang());
            let usage = builder.build().unwrap();
            usage.log_usage(call(1));
            usage.shutdown_blocking(Duration::ZERO);
            usage
        }
        DropReason::Closed => {
            let usage = builder.build().unwrap();
            usage.shutdown_blocking(Duration::ZERO);
            usage.log_usage(call(1));
            usage
        }
        DropReason::Forked => {
            return Err("needs a process of its own: process::a_forked_child_refuses");
        }
        DropReason::Sampled => {
            let usage = builder.sample(0.0).build().unwrap();
            usage.log_usage(call(1));
            usage
        }
        DropReason::RateCapped => {
            let usage = builder.rate_cap(1).build().unwrap();
            usage.log_usage(ToolCall::new("t"));
            usage.log_usage(ToolCall::new("t"));
            usage
        }
        DropReason::NoConsent => {
            let usage = builder.consent(|_| false).build().unwrap();
            usage.log_usage(call(1).identity(rachel()));
            usage
        }
        DropReason::Forgotten => {
            ingest.script([Answer::status(503).held()]);
            let usage = builder.build().unwrap();
            drop(usage.log_usage_confirmed(call(1).identity(rachel()), HOUR));
            ingest.wait_for_requests(1, PATIENCE).unwrap();
            usage.forget_blocking(&rachel());
            ingest.release();
            usage
        }
        DropReason::Refused => {
            return Err("takes a minute of other traffic: faults::poison::a_500_for_one_event_…");
        }
        DropReason::SpoolFull => {
            return Err("takes a full spool: spool::the_disk_is_bounded_in_bytes_…");
        }
        other => return Err(Box::leak(format!("a new reason: {other}").into_boxed_str())),
    };
    match reason {
        DropReason::QueueFull => drop(usage.shutdown_blocking(Duration::ZERO)),
        _ => drop(usage.shutdown_blocking(PATIENCE)),
    }
    Ok(usage.stats())
}

#[test]
fn every_reason_is_caused_by_a_test() {
    let mut not_here = Vec::new();
    for &reason in DropReason::ALL {
        match cause(reason) {
            Ok(stats) => {
                assert_eq!(stats.dropped.get(reason), 1, "{reason}: {stats:?}");
                assert_ledger(&stats);
                let others = stats.dropped.total() - 1;
                let expected = u64::from(reason == DropReason::QueueFull);
                assert_eq!(others, expected, "{reason}: {stats:?}");
            }
            Err(why) => not_here.push((reason, why)),
        }
    }
    // Whoever makes one of these possible adds it above.
    let names: Vec<_> = not_here.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(
        names,
        [
            DropReason::Refused,
            DropReason::SpoolFull,
            DropReason::Forked
        ],
        "{not_here:?}"
    );
}

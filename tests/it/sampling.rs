//! Sampling and caps: what is left out is counted, and what is kept says what it stands for.

use mcp_usage::{CallOutcome, DropReason, Identity, IdentityCapture, Outcome, ToolCall};

use crate::support::{arrivals, builder, end, ingest};
use mcp_usage::Wire;

#[test]
fn a_share_is_kept_with_its_weight_and_failures_and_logins_all() {
    const CALLS: u64 = 500;
    let ingest = ingest();
    let usage = builder(&ingest)
        .wire(Wire::ReoBatch)
        .sample_tool("ping", 0.2)
        .build()
        .unwrap();
    for _ in 0..CALLS {
        usage.log_usage(ToolCall::new("ping"));
        let failed = ToolCall::new("ping").outcome(CallOutcome::Timeout);
        assert_eq!(usage.log_usage(failed), Outcome::Queued);
        let login = IdentityCapture::new(Identity::email("rachel@example.com"));
        assert_eq!(usage.log_usage(login), Outcome::Queued);
    }
    let stats = end(&usage, &ingest);
    let sampled = stats.dropped.get(DropReason::Sampled);
    assert!((CALLS / 2..CALLS).contains(&sampled), "{sampled}");
    assert_eq!(stats.delivered, 3 * CALLS - sampled);
    let events = ingest.delivered();
    let weighed = events
        .iter()
        .filter(|event| event.meta("sample_rate").is_some());
    assert_eq!(weighed.count() as u64, CALLS - sampled);
}

#[test]
fn a_storm_of_one_tool_is_capped_and_the_others_are_not() {
    let events = arrivals(
        &Wire::ReoBatch,
        |builder| builder.rate_cap(10).rate_cap_tool("search", 1_000),
        |usage| {
            for n in 0..100 {
                let ping = usage.log_usage(ToolCall::new("ping"));
                let expected = if n < 10 {
                    Outcome::Queued
                } else {
                    Outcome::Dropped(DropReason::RateCapped)
                };
                assert_eq!(ping, expected);
                assert_eq!(usage.log_usage(ToolCall::new("search")), Outcome::Queued);
            }
        },
    );
    assert_eq!(events.len(), 110);
}

#[test]
fn a_share_beyond_all_is_refused() {
    for rate in [-0.1, 1.1, f64::NAN] {
        let ingest = ingest();
        let fault = builder(&ingest).sample(rate).build().unwrap_err();
        assert!(fault.to_string().contains("sample"), "{fault}");
    }
}

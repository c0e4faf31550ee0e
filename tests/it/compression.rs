//! Compressed requests on the batch wires.

use std::time::Duration;

use mcp_usage::testing::{Answer, MockIngest};
use mcp_usage::{DropReason, UsageLogger, Wire};
use serde_json::json;

use crate::support::{KEY, PATIENCE, assert_ledger, builder_for, call, end, ingest, mcpeye, wires};

#[test]
fn batches_are_compressed_and_arrive_the_same() {
    for wire in [Wire::ReoBatch, mcpeye()] {
        let sent = |gzip| {
            let ingest = ingest();
            let usage = builder_for(&ingest, &wire)
                .flush_interval(Duration::from_secs(600))
                .gzip(gzip)
                .build()
                .unwrap();
            for n in 0..200 {
                usage.log_usage(call(n).event_id(n as i64 + 1).arguments(&json!({"n": n})));
            }
            end(&usage, &ingest);
            let request = ingest.requests().remove(0);
            let coding = request.header("content-encoding").map(str::to_owned);
            let events = ingest.delivered().into_iter();
            let events: Vec<_> = events
                .map(|event| (event.id, event.json["meta"]["tool_arguments"].clone()))
                .collect();
            (coding, request.body.len(), events)
        };
        let (plain, compressed) = (sent(false), sent(true));
        assert_eq!(plain.0, None);
        assert_eq!(compressed.0.as_deref(), Some("gzip"));
        assert!(
            compressed.1 * 5 < plain.1,
            "{} of {}",
            compressed.1,
            plain.1
        );
        assert_eq!(compressed.2, plain.2);
        assert_eq!(compressed.2.len(), 200);
    }
}

#[test]
fn a_batch_that_is_too_large_is_split_by_its_true_size() {
    let ingest = MockIngest::builder()
        .api_key(KEY)
        .max_body_events(3)
        .start()
        .unwrap();
    let usage = builder_for(&ingest, &Wire::ReoBatch)
        .gzip(true)
        .build()
        .unwrap();
    for n in 0..20 {
        usage.log_usage(call(n));
    }
    assert_eq!(end(&usage, &ingest).delivered, 20);
}

#[test]
fn an_ingest_that_does_not_take_it_refuses_once_and_visibly() {
    let ingest = ingest();
    ingest.answer_always(Answer::status(415));
    let usage = builder_for(&ingest, &Wire::ReoBatch)
        .gzip(true)
        .build()
        .unwrap();
    usage.log_usage(call(1));
    let report = usage.shutdown_blocking(PATIENCE);
    assert_ledger(&report.stats);
    assert_eq!(report.stats.dropped.get(DropReason::Rejected), 1);
    assert_eq!(ingest.counts().requests, 1);
}

#[test]
fn it_is_for_the_batch_wires() {
    for (name, wire) in wires() {
        let built = UsageLogger::builder()
            .env(|_| None)
            .api_key(KEY)
            .endpoint("https://ingest.example")
            .wire(wire)
            .gzip(true)
            .build();
        match built {
            Ok(_) => assert_ne!(name, "reo"),
            Err(error) => {
                assert_eq!(name, "reo");
                assert!(error.to_string().starts_with("gzip "), "{error}");
            }
        }
    }
}

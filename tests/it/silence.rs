//! A logger from which nothing arrives says why, once.
//!
//! Each test starts this binary again, as `process.rs` does, since the lines of the worker's thread go to
//! the process's own subscriber.

use std::process::Output;
use std::time::Duration;

use mcp_usage::testing::{Answer, MockIngest};
use mcp_usage::{Otlp, UsageLogger, Wire};

use crate::process::{assert_success, start};
use crate::support::{KEY, PATIENCE, call, ingest, posthog};

/// Plays a role of this file's.
pub(crate) fn play(role: &str, endpoint: &str) {
    tracing_subscriber::fmt()
        .with_max_level(tracing::level_filters::LevelFilter::INFO)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let builder = || {
        UsageLogger::builder()
            .api_key(KEY)
            .endpoint(endpoint)
            .flush_interval(Duration::from_secs(60))
    };
    match role {
        "opted_out" => assert!(!builder().build().unwrap().is_enabled()),
        "switch" => {
            let builder = builder().wire(Wire::Otlp(Otlp::spans()));
            assert!(builder.build().unwrap().is_enabled());
        }
        "no_product" => {
            let usage = builder().build().unwrap();
            for n in 0..3 {
                usage.log_usage(call(n));
            }
            usage.shutdown_blocking(PATIENCE);
        }
        "dropped" => {
            let build = || builder().product_id("p").build().unwrap();
            drop(build());
            let ends = build();
            ends.log_usage(call(1));
            ends.shutdown_blocking(PATIENCE);
            drop(ends);
            let pending = build();
            pending.log_usage(call(2));
            let clone = pending.clone();
            drop(pending);
            tracing::info!("the last handle is dropped now");
            drop(clone);
        }
        "refusals" => {
            let usage = builder().product_id("p").wire(Wire::ReoBatch);
            let usage = usage.build().unwrap();
            for n in 0..6 {
                usage.log_usage(call(n));
                usage.flush_blocking(PATIENCE).unwrap();
            }
            usage.shutdown_blocking(PATIENCE);
        }
        "warned" | "over_quota" => {
            let wire = match role {
                "warned" => Wire::Otlp(Otlp::spans()),
                _ => posthog(),
            };
            let usage = builder().product_id("p").wire(wire);
            let usage = usage.build().unwrap();
            for n in 0..3 {
                usage.log_usage(call(n));
                usage.flush_blocking(PATIENCE).unwrap();
            }
            assert_eq!(usage.stats().delivered, 3);
        }
        "no_roots" => without_roots(endpoint),
        other => panic!("no role is called {other}"),
    }
}

fn without_roots(endpoint: &str) {
    let builder = || UsageLogger::builder().api_key(KEY).product_id("p");
    let usage = builder().endpoint(endpoint).build().unwrap();
    usage.log_usage(call(1));
    assert_eq!(usage.shutdown_blocking(PATIENCE).stats.delivered, 1);
    let other = builder().endpoint("http://ingest.example/");
    other.allow_insecure_http(true).build().unwrap();

    let https = || builder().endpoint("https://ingest.example/");
    https().bundled_roots(true).build().unwrap();
    https()
        .http_client(|client| client.tls_certs_only([]))
        .build()
        .unwrap();
    eprintln!("build() says: {}", https().build().unwrap_err());
    assert!(!https().build_or_disabled().is_enabled());
    // Another fault of the client is not taken for this one.
    let bad = https()
        .bundled_roots(true)
        .http_client(|client| client.user_agent("\n"));
    let error = bad.build().unwrap_err().to_string();
    assert!(!error.contains("bundled_roots"), "{error}");
}

/// What a role says that contains a word.
fn lines(output: &Output, word: &str) -> Vec<String> {
    assert_success(output);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines = stderr.lines().filter(|line| line.contains(word));
    lines.map(str::to_owned).collect()
}

/// The one line under our target that contains a word.
#[track_caller]
fn line(output: &Output, word: &str) -> String {
    let mut lines = lines(output, word);
    assert_eq!(lines.len(), 1, "{word}: {lines:#?} of {output:#?}");
    let line = lines.remove(0);
    assert!(line.contains("reo.mcp-gateway"), "{line}");
    line
}

#[test]
fn an_opt_out_of_the_environment_is_one_line() {
    let opted_out = start(
        "opted_out",
        "https://ingest.example",
        &[("DO_NOT_TRACK", "1")],
    );
    line(&opted_out, "DO_NOT_TRACK");
    assert_eq!(lines(&opted_out, "reo.mcp-gateway").len(), 1);
}

#[test]
fn a_switch_of_opentelemetrys_that_is_neither_of_its_words_is_one_line() {
    const SWITCH: &str = "OTEL_SDK_DISABLED";
    for (value, expected) in [("1", 1), ("false", 0)] {
        let built = start("switch", "https://ingest.example", &[(SWITCH, value)]);
        let found = lines(&built, SWITCH);
        assert_eq!(found.len(), expected, "{found:#?}");
        for line in found {
            assert!(
                line.contains("WARN") && line.contains(r#"is "1""#),
                "{line}"
            );
        }
    }
}

#[test]
fn a_missing_product_is_named_with_its_setter_at_the_first_event_dropped_for_it() {
    let ingest = ingest();
    let line = line(&start("no_product", &ingest.endpoint(), &[]), "product_id");
    assert!(line.contains("`Builder::product_id`"), "{line}");
    assert_eq!(ingest.counts().requests, 0);
}

#[test]
fn the_last_handle_dropped_without_a_shutdown_says_what_is_pending() {
    let ingest = ingest();
    let dropped = start("dropped", &ingest.endpoint(), &[]);
    let line = line(&dropped, "shutdown");
    assert!(line.contains("1 event"), "{line}");
    let all = lines(&dropped, "the last ");
    assert!(all[0].contains("is dropped now"), "{all:?}");
}

#[test]
fn a_refusal_of_events_that_no_batch_has_is_told_once() {
    let ingest = ingest();
    // The first id was rounded on its way through a double.
    let rounded = r#"{"accepted":0,"rejected":[{"event_id":1234567890123456768}]}"#;
    let odd = r#"{"accepted":0,"rejected":[{"event_id":"seven"}]}"#;
    let answers = [rounded, odd].map(|body| Answer::ok().body(body));
    let [rounded, odd] = answers;
    ingest.script([
        Answer::ok(),
        rounded.clone(),
        odd.clone(),
        Answer::ok(),
        odd,
        rounded,
    ]);
    let refusals = start("refusals", &ingest.endpoint(), &[]);
    let line = line(&refusals, "ids that are not in it");
    assert!(line.contains("WARN"), "{line}");
}

#[test]
fn without_roots_http_goes_on_and_https_is_refused_with_what_to_do() {
    let ingest = MockIngest::builder().api_key(KEY).start().unwrap();
    let nowhere = [
        ("SSL_CERT_FILE", "/nowhere/roots.pem"),
        ("SSL_CERT_DIR", "/nowhere"),
    ];
    let output = start("no_roots", &ingest.endpoint(), &nowhere);
    let said = lines(&output, "build() says");
    assert!(said[0].contains("bundled_roots"), "{said:?}");
    let line = line(&output, "usage logging is off");
    for word in ["bundled_roots", "No CA certificates"] {
        assert!(line.contains(word), "{line}");
    }
}

#[test]
fn a_warning_of_a_receiver_that_rejects_nothing_is_one_line() {
    let partial = r#"{"partialSuccess":{"rejectedSpans":"0","errorMessage":"use a newer path"}}"#;
    let quota = r#"{"status":1,"quota_limited":["events"]}"#;
    for (role, warning) in [("warned", partial), ("over_quota", quota)] {
        let ingest = ingest();
        ingest.answer_always(Answer::ok().body(warning));
        let output = start(role, &ingest.origin(), &[]);
        let line = line(&output, "the ingest answered a batch");
        assert!(
            line.contains("WARN") && line.contains("a warning"),
            "{line}"
        );
        assert_eq!(ingest.counts().requests, 3);
    }
}

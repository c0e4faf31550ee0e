//! What a logger tells about its own health, and the dry run.

use std::time::Duration;

use mcp_usage::doctor::{CHECK_TOOL, Origin, Report, State};
use mcp_usage::testing::{Answer, ManualClock, MemoryTransport};
use mcp_usage::{DropReason, UsageLogger, Wire};
use serde_json::Value;

use crate::support::{KEY, PATIENCE, block_on, builder, builder_for, call, end, ingest, wires};

fn state(report: &Report, name: &str) -> State {
    let finding = report.findings.iter().find(|f| f.name == name);
    finding
        .unwrap_or_else(|| panic!("no {name}: {report}"))
        .state
}

fn origin(report: &Report, name: &str) -> (String, Origin) {
    let setting = report.settings.iter().find(|s| s.name == name).unwrap();
    (setting.value.clone(), setting.origin)
}

#[test]
fn a_healthy_logger_says_so_and_sends_no_event() {
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire).build().unwrap();
        let report = usage.check_blocking();
        assert!(report.is_healthy(), "{name}: {report}");
        assert_eq!(state(&report, "connection"), State::Good, "{report}");
        assert_eq!(state(&report, "name"), State::Good, "{report}");
        assert_eq!(ingest.counts().events, 0);
        let requests = ingest.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(
            requests[0].header("x-api-key"),
            None,
            "the key is not needed"
        );
        assert_eq!(requests[0].header("x-mcpeye-secret"), None);
        assert_eq!(usage.stats().offered, 0);
        assert_eq!(end(&usage, &ingest).requests, 0);
    }
}

#[test]
fn each_setting_names_its_origin() {
    let ingest = ingest();
    let endpoint = format!("{}?token=hunter2", ingest.endpoint());
    let usage = UsageLogger::builder()
        .env(move |name| match name {
            "REO_API_KEY" => Some(KEY.to_owned()),
            "REO_CENSUS_MCP_ENDPOINT" => Some(endpoint.clone()),
            "REO_PRODUCT_USAGE_SOURCE" => Some("FROM_THE_ENVIRONMENT".to_owned()),
            _ => None,
        })
        .product_id("reoWebApp")
        .environment("STAGING")
        .max_in_flight(3)
        .headers([("x-tenant", "hunter3")])
        .build()
        .unwrap();
    let report = block_on(usage.check());
    let set = |value: &str, origin| (value.to_owned(), origin);
    assert_eq!(
        origin(&report, "api_key"),
        set("set", Origin::Variable("REO_API_KEY"))
    );
    assert_eq!(
        origin(&report, "endpoint"),
        set(
            &ingest.endpoint(),
            Origin::Variable("REO_CENSUS_MCP_ENDPOINT")
        )
    );
    assert_eq!(
        origin(&report, "source"),
        set(
            "FROM_THE_ENVIRONMENT",
            Origin::Variable("REO_PRODUCT_USAGE_SOURCE")
        )
    );
    assert_eq!(origin(&report, "environment"), set("STAGING", Origin::Code));
    assert_eq!(origin(&report, "max_in_flight"), set("3", Origin::Code));
    assert_eq!(origin(&report, "max_backoff"), set("30s", Origin::Default));
    assert_eq!(
        origin(&report, "headers"),
        set("[\"x-tenant\"]", Origin::Code)
    );
    let printed = format!("{report}\n{report:?}");
    for secret in [KEY, "hunter2", "hunter3"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    for line in [
        "source              FROM_THE_ENVIRONMENT (REO_PRODUCT_USAGE_SOURCE)",
        "ok   connection",
    ] {
        assert!(printed.contains(line), "{printed}");
    }
}

#[test]
fn an_opt_out_is_named() {
    for variable in ["DO_NOT_TRACK", "PACKAGE_TRACKER_ANALYTICS"] {
        let value = if variable == "DO_NOT_TRACK" {
            "1"
        } else {
            "false"
        };
        let usage = UsageLogger::builder()
            .env(move |name| (name == variable).then(|| value.to_owned()))
            .build()
            .unwrap();
        let report = usage.check_blocking();
        assert_eq!(state(&report, "opt-out"), State::Doubtful);
        assert!(report.to_string().contains(variable), "{report}");
        let delivery = usage.check_delivery_blocking();
        assert!(!delivery.delivered);
        assert!(delivery.to_string().contains(variable), "{delivery}");
    }
    let report = UsageLogger::disabled().check_blocking();
    assert!(report.to_string().contains("off by the code"), "{report}");
}

#[test]
fn what_cannot_be_reached_is_told() {
    let gone = ingest();
    let usage = builder(&gone).build().unwrap();
    drop(gone);
    let report = usage.check_blocking();
    assert!(!report.is_healthy());
    assert_eq!(state(&report, "connection"), State::Bad, "{report}");
    let delivery = usage.check_delivery_blocking();
    assert!(
        !delivery.delivered && delivery.status.is_none(),
        "{delivery}"
    );
    assert!(delivery.detail.contains("refused"), "{delivery}");

    let usage = UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .product_id("p")
        .endpoint("https://ingest.invalid/x")
        .http_client(|client| client.no_proxy())
        .build()
        .unwrap();
    let report = usage.check_blocking();
    assert_eq!(state(&report, "name"), State::Bad, "{report}");
    assert_eq!(state(&report, "connection"), State::Bad, "{report}");
}

#[test]
fn a_check_doubts_a_path_that_is_unknown_and_says_that_it_does_not_test_the_key() {
    for (status, expected) in [
        (404, State::Doubtful),
        (410, State::Doubtful),
        (401, State::Good),
        (405, State::Good),
    ] {
        let ingest = ingest();
        ingest.script([Answer::status(status)]);
        let report = builder(&ingest).build().unwrap().check_blocking();
        assert_eq!(state(&report, "connection"), expected, "{report}");
        let names_path = report.to_string().contains("path is wrong");
        assert_eq!(names_path, expected == State::Doubtful, "{report}");
        assert_eq!(state(&report, "key"), State::Skipped, "{report}");
        assert!(report.to_string().contains("`check_delivery`"), "{report}");
        assert!(report.is_healthy(), "{report}");
    }
    let ingest = ingest();
    let wire = Wire::Otlp(mcp_usage::Otlp::spans());
    let usage = UsageLogger::builder()
        .env(|_| None)
        .wire(wire)
        .endpoint(ingest.otlp_url())
        .build()
        .unwrap();
    let report = usage.check_blocking();
    let mut findings = report.findings.iter();
    assert!(findings.all(|finding| finding.name != "key"), "{report}");
}

#[test]
fn a_silent_ingest_costs_a_check_its_timeout() {
    let ingest = ingest();
    ingest.answer_always(Answer::hang());
    let usage = builder(&ingest)
        .request_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let report = usage.check_blocking();
    assert_eq!(state(&report, "connection"), State::Bad, "{report}");
    assert!(!usage.check_delivery_blocking().delivered);
}

#[test]
fn the_clocks_are_compared() {
    let rows = [
        ("Sun, 06 Nov 1994 08:49:37 GMT", State::Doubtful, "ahead of"),
        ("Fri, 31 Dec 2100 23:59:59 GMT", State::Doubtful, "behind"),
        ("yesterday", State::Skipped, "no date"),
    ];
    for (date, expected, words) in rows {
        let ingest = ingest();
        ingest.script([Answer::status(405).header("Date", date)]);
        let report = builder(&ingest).build().unwrap().check_blocking();
        assert_eq!(state(&report, "clock"), expected, "{report}");
        assert!(report.to_string().contains(words), "{report}");
        assert!(report.is_healthy());
    }
    let (ingest, clock) = (ingest(), ManualClock::new());
    let now = httpdate::fmt_http_date(std::time::SystemTime::now());
    ingest.script([Answer::status(405).header("Date", now)]);
    let usage = builder(&ingest).clock(&clock).build().unwrap();
    let report = usage.check_blocking();
    assert_eq!(state(&report, "clock"), State::Good, "{report}");
}

#[test]
fn a_marked_event_shows_what_the_ingest_answers() {
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire).build().unwrap();
        let report = block_on(usage.check_delivery().into_future());
        assert!(report.delivered, "{name}: {report}");
        assert_eq!(report.status, Some(200));
        let events = ingest.delivered();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].tool(), Some(CHECK_TOOL));
        if name != "mcpeye" {
            assert_eq!(events[0].id, report.event_id.unwrap().to_string());
            assert_eq!(events[0].meta("check"), Some(&Value::Bool(true)));
        }
        assert_eq!(end(&usage, &ingest).offered, 0, "it does not count");
    }
}

#[test]
fn each_refusal_is_told_with_what_to_do() {
    let rows = [
        (Answer::status(401), Some(401), "key"),
        (Answer::status(404), Some(404), "path"),
        (
            Answer::redirect(302, "http://198.51.100.1/"),
            Some(302),
            "redirect",
        ),
        (
            Answer::reject_first(1, false),
            Some(200),
            "refuses the event",
        ),
        (Answer::reset_after_body(), None, ""),
    ];
    for (answer, status, words) in rows {
        let ingest = ingest();
        ingest.script([answer]);
        let usage = builder_for(&ingest, &Wire::ReoBatch).build().unwrap();
        let report = usage.check_delivery_blocking();
        assert!(!report.delivered, "{report}");
        assert_eq!(report.status, status, "{report}");
        assert!(report.to_string().contains(words), "{report}");
        assert!(!report.to_string().contains(KEY), "{report}");
    }
    let ingest = ingest();
    let usage = UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint(ingest.endpoint())
        .build()
        .unwrap();
    let report = usage.check_delivery_blocking();
    assert!(report.detail.contains("`Builder::product_id`"), "{report}");
    let report = usage.check_blocking();
    assert_eq!(state(&report, "fields"), State::Doubtful, "{report}");
    assert!(
        report.to_string().contains("`Builder::product_id`"),
        "{report}"
    );
}

/// A key that an ingest repeats in some spelling that no search for the key finds.
const ECHOED: [&str; 5] = [
    "echo: test-key-1 of bob@example.com",
    "echo: test\\u002dkey\\u002d1",
    "echo: test%2Dkey%2D1",
    "echo: TEST-KEY-1",
    "echo: test-key-...",
];

#[test]
fn nothing_of_an_answers_body_is_shown_whatever_it_repeats() {
    for body in ECHOED {
        for status in [200, 401, 500] {
            let ingest = ingest();
            let answer = Answer::status(status).body(body);
            ingest.script([answer.header("Content-Type", "text/plain; charset=x")]);
            let usage = builder(&ingest).build().unwrap();
            let report = usage.check_delivery_blocking();
            let shown = format!("{report} {report:?}");
            for word in ["echo", "test", "TEST", "bob"] {
                assert!(!shown.contains(word), "{word}: {shown}");
            }
            let length = format!("text/plain, {} bytes", body.len());
            assert!(report.detail.contains(&length), "{report}");
        }
    }
}

#[test]
fn the_beginning_of_an_answer_is_shown_to_whoever_asks_for_it_redacted() {
    let ingest = ingest();
    let body = format!("echo: test-key-1 of bob@example.com\n{}", "x".repeat(1_000));
    ingest.script([Answer::status(500).body(body)]);
    let usage = builder(&ingest).build().unwrap();
    let report = usage.check_delivery().show_answer(true).block();
    let shown = report.to_string();
    assert!(
        shown.contains("echo: [key] of [REDACTED_EMAIL] xxx"),
        "{shown}"
    );
    assert!(shown.len() < 500, "{shown}");
}

#[test]
fn a_check_keeps_its_logger_alive() {
    let ingest = ingest();
    let check = builder(&ingest).build().unwrap().check_delivery();
    let report = block_on(check.into_future());
    assert!(report.delivered, "{report}");
}

#[test]
fn a_builder_is_checked_and_every_fault_is_a_finding() {
    let faulty = UsageLogger::builder()
        .env(|name| (name == "PACKAGE_TRACKER_VERBOSE").then(|| "perhaps".to_owned()))
        .endpoint("")
        .max_in_flight(0)
        .headers([("host", "x")]);
    let report = block_on(faulty.check());
    assert!(!report.is_healthy());
    let details: Vec<_> = report.findings.iter().map(|f| &*f.detail).collect();
    let expected = [
        "api_key",
        "endpoint",
        "headers",
        "max_in_flight",
        "PACKAGE_TRACKER_VERBOSE",
    ];
    assert_eq!(details.len(), expected.len(), "{report}");
    for (detail, name) in details.iter().zip(expected) {
        assert!(detail.starts_with(name), "{detail}");
    }
    assert_eq!(
        origin(&report, "max_in_flight"),
        ("0".to_owned(), Origin::Code)
    );

    // What shows only when it is built, and what is off.
    let file = std::env::temp_dir().join(format!("mcp-usage-no-dir-{}", std::process::id()));
    std::fs::write(&file, "").unwrap();
    let ingest = ingest();
    let report = builder(&ingest)
        .spool(mcp_usage::spool::Spool::dir(&file))
        .check_blocking();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(state(&report, "settings"), State::Bad, "{report}");
    let report = builder(&ingest).enabled(false).check_blocking();
    assert_eq!(state(&report, "opt-out"), State::Doubtful, "{report}");

    // A sound one is checked as its logger is.
    let report = builder(&ingest).check_blocking();
    assert!(
        report.is_healthy() && state(&report, "connection") == State::Good,
        "{report}"
    );
    assert_eq!(ingest.counts().events, 0);
}

#[test]
fn after_a_shutdown_there_is_nobody_to_look() {
    let ingest = ingest();
    let usage = builder(&ingest).build().unwrap();
    usage.log_usage(call(1));
    end(&usage, &ingest);
    let report = usage.check_blocking();
    assert_eq!(state(&report, "worker"), State::Bad, "{report}");
    assert!(!usage.check_delivery_blocking().delivered);
}

#[test]
fn a_logger_that_goes_nowhere_has_nothing_to_reach() {
    let usage = UsageLogger::builder()
        .env(|_| None)
        .memory_transport(&MemoryTransport::new())
        .build()
        .unwrap();
    let report = usage.check_blocking();
    assert!(report.is_healthy());
    assert_eq!(state(&report, "connection"), State::Skipped, "{report}");
}

// ---- the dry run ----

fn scratch_file(name: &str) -> std::path::PathBuf {
    let name = format!("mcp-usage-{name}-{}.jsonl", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    path
}

#[test]
fn a_dry_run_writes_what_would_be_sent() {
    for (name, wire) in wires() {
        let path = scratch_file(name);
        // Neither key nor endpoint.
        let build = || {
            UsageLogger::builder()
                .env(|_| None)
                .wire(wire.clone())
                .product_id("reoWebApp")
                .dry_run(&path)
                .build()
                .unwrap()
        };
        for _ in 0..2 {
            let usage = build();
            usage.log_usage(call(1).prompt("two\nlines of bob@example.com"));
            let report = usage.shutdown_blocking(PATIENCE);
            assert_eq!(report.stats.delivered, 1, "{name}: {report:?}");
        }
        let written = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = written
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2, "{name}: {written}");
        assert!(
            written.contains("[REDACTED_EMAIL]") && !written.contains("bob@"),
            "{written}"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{mode:o}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_dry_run_without_a_place_to_write_is_an_error_that_names_it() {
    let error = UsageLogger::builder()
        .env(|_| None)
        .dry_run("/no/such/directory/usage.jsonl")
        .build()
        .unwrap_err();
    assert!(error.to_string().starts_with("dry_run "), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_costs_a_dry_run_its_events_and_nothing_else() {
    let usage = UsageLogger::builder()
        .env(|_| None)
        .product_id("p")
        .dry_run("/dev/full")
        .build()
        .unwrap();
    usage.log_usage(call(1));
    let report = usage.shutdown_blocking(Duration::from_millis(200));
    assert!(report.stats.retries > 0, "{report:?}");
    assert_eq!(usage.stats().dropped.get(DropReason::ShutdownTimeout), 1);
}

#[test]
fn a_spool_that_cannot_be_written_to_is_told() {
    let directory = std::env::temp_dir().join(format!("mcp-usage-doctor-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    let ingest = ingest();
    let usage = builder(&ingest)
        .spool(mcp_usage::spool::Spool::dir(&directory))
        .build()
        .unwrap();
    let report = usage.check_blocking();
    assert_eq!(state(&report, "spool"), State::Good, "{report}");
    assert!(
        report
            .to_string()
            .contains(&directory.display().to_string())
    );
    std::fs::remove_dir_all(&directory).unwrap();
    let report = usage.check_blocking();
    assert_eq!(state(&report, "spool"), State::Doubtful, "{report}");
    assert!(report.is_healthy(), "delivery goes on from memory");
    end(&usage, &ingest);
}

//! Settings: what is refused and how it is said, and which source of a value wins.

use std::collections::HashMap;
use std::time::Duration;

use mcp_usage::config::{DEFAULT_ENVIRONMENT, DEFAULT_SOURCE, DEFAULT_USER_AGENT, MIN_QUEUE_BYTES};
use mcp_usage::limits::Limits;
use mcp_usage::redact::Redactor;
use mcp_usage::testing::MockIngest;
use mcp_usage::{
    BuildError, Builder, Identity, Mcpeye, Outcome, Stats, ToolCall, UsageLogger, Wire,
};

use crate::support::{KEY, PATIENCE, builder, call, end, ingest, mcpeye, rachel};

type Change = fn(Builder) -> Builder;

/// A complete configuration without a server behind it.
fn good() -> Builder {
    UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint("https://ingest.example/api")
        .product_id("p")
}

fn env(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'static {
    let variables: HashMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    move |name| variables.get(name).cloned()
}

#[test]
fn every_bad_value_is_refused_by_the_name_of_its_setting() {
    const MS: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);
    const DAY: Duration = Duration::from_secs(86_400);
    let table: Vec<(&str, &str, Change)> = vec![
        ("api_key", "is empty", |b| b.api_key("")),
        ("api_key", "is empty", |b| b.api_key("  \n")),
        ("api_key", "header cannot carry", |b| b.api_key("test\nkey")),
        ("api_key", "header cannot carry", |b| b.api_key("schlüssel")),
        ("endpoint", "is empty", |b| b.endpoint("")),
        ("endpoint", "is empty", |b| b.endpoint(" \n")),
        ("endpoint", "has no scheme", |b| {
            b.endpoint("ingest.example/api")
        }),
        ("endpoint", "not a URL", |b| b.endpoint("https://")),
        ("endpoint", "scheme ftp", |b| {
            b.endpoint("ftp://ingest.example")
        }),
        ("endpoint", "names no host", |b| b.endpoint("file:///tmp/x")),
        ("endpoint", "uses http", |b| {
            b.endpoint("http://ingest.example")
        }),
        ("endpoint", "uses http", |b| b.endpoint("http://10.0.0.1/x")),
        ("endpoint", "uses http", |b| {
            b.endpoint("http://localhost.example/x")
        }),
        ("endpoint", "user name or a password", |b| {
            b.endpoint("https://user@ingest.example")
        }),
        ("endpoint", "user name or a password", |b| {
            b.endpoint("https://:pw@ingest.example")
        }),
        ("identity", "empty id", |b| b.identity(Identity::email(""))),
        ("identity", "empty id", |b| {
            b.identity(Identity::new("u", ""))
        }),
        ("product_id", "is empty", |b| b.product_id("")),
        ("source", "is empty", |b| b.source("")),
        ("environment", "is empty", |b| b.environment("")),
        ("user_agent", "is empty", |b| b.user_agent("")),
        ("ip_addr", "is empty", |b| b.ip_addr("")),
        ("session_key", "has 15 bytes", |b| b.session_key([0; 15])),
        ("max_queue_events", "is 0", |b| b.max_queue_events(0)),
        ("max_queue_events", "not within", |b| {
            b.max_queue_events(usize::MAX)
        }),
        ("max_queue_bytes", "not within", |b| {
            b.max_queue_bytes(MIN_QUEUE_BYTES - 1)
        }),
        ("max_queue_bytes", "not within", |b| {
            b.max_queue_bytes(usize::MAX)
        }),
        ("max_batch_events", "is 0", |b| b.max_batch_events(0)),
        ("max_batch_events", "not within", |b| {
            b.max_batch_events(100_001)
        }),
        ("max_batch_bytes", "is 1023", |b| b.max_batch_bytes(1023)),
        ("max_batch_bytes", "not within", |b| {
            b.max_batch_bytes(usize::MAX)
        }),
        ("flush_interval", "is 9ms", |b| b.flush_interval(9 * MS)),
        ("flush_interval", "not within", |b| b.flush_interval(DAY)),
        ("request_timeout", "is 0ns", |b| {
            b.request_timeout(Duration::ZERO)
        }),
        ("request_timeout", "not within", |b| b.request_timeout(DAY)),
        ("max_in_flight", "is 0", |b| b.max_in_flight(0)),
        ("max_in_flight", "is 257", |b| b.max_in_flight(257)),
        ("initial_backoff", "is 0ns", |b| {
            b.initial_backoff(Duration::ZERO)
        }),
        ("initial_backoff", "1ms to max_backoff (30s)", |b| {
            b.initial_backoff(31 * SECOND)
        }),
        ("max_backoff", "is 0ns", |b| b.max_backoff(Duration::ZERO)),
        ("max_backoff", "not within", |b| b.max_backoff(DAY)),
        ("max_retry_after", "not within", |b| {
            b.max_retry_after(2 * DAY)
        }),
        ("max_event_age", "is 0ns", |b| {
            b.max_event_age(Duration::ZERO)
        }),
        ("max_event_age", "not within", |b| b.max_event_age(31 * DAY)),
        ("max_event_age", "flush_interval (10s)", |b| {
            b.max_event_age(SECOND).flush_interval(10 * SECOND)
        }),
        ("limits", "max_prompt_chars 0", |b| {
            b.limits(Limits::default().max_prompt_chars(0))
        }),
        ("limits", "max_query_chars 0", |b| {
            b.limits(Limits::default().max_query_chars(0))
        }),
        ("limits", "max_string_chars 3", |b| {
            b.limits(Limits::default().max_string_chars(3))
        }),
        ("limits", "max_error_chars 0", |b| {
            b.limits(Limits::default().max_error_chars(0))
        }),
        ("limits", "max_list_items 0", |b| {
            b.limits(Limits::default().max_list_items(0))
        }),
        ("limits", "max_top_keys 0", |b| {
            b.limits(Limits::default().max_top_keys(0))
        }),
        ("limits", "max_nested_keys 0", |b| {
            b.limits(Limits::default().max_nested_keys(0))
        }),
        ("limits", "max_depth 65", |b| {
            b.limits(Limits::default().max_depth(65))
        }),
        ("limits", "max_meta_bytes 1", |b| {
            b.limits(Limits::default().max_meta_bytes(1))
        }),
        ("headers", "X-API-KEY", |b| b.headers([("X-API-KEY", "v")])),
        ("headers", "x-mcpeye-secret", |b| {
            b.headers([("x-mcpeye-secret", "v")])
        }),
        ("headers", "host", |b| b.headers([("Host", "v")])),
        ("headers", "content-length", |b| {
            b.headers([("Content-Length", "1")])
        }),
        ("headers", "transfer-encoding", |b| {
            b.headers([("transfer-encoding", "chunked")])
        }),
        ("headers", "content-type", |b| {
            b.headers([("content-type", "text/plain")])
        }),
        ("headers", "invalid name", |b| {
            b.headers([("two words", "v")])
        }),
        ("headers", "value for x-tenant", |b| {
            b.headers([("x-tenant", "a\nb")])
        }),
        ("wire", "empty mcpeye project", |b| {
            b.wire(Wire::Mcpeye(Mcpeye::new(" ")))
        }),
        ("REO_API_KEY", "is missing", |_| {
            UsageLogger::builder().env(|_| None).product_id("p")
        }),
        ("REO_CENSUS_MCP_ENDPOINT", "is missing", |_| {
            UsageLogger::builder()
                .env(|_| None)
                .api_key(KEY)
                .wire(Wire::ReoBatch)
        }),
        ("MCPEYE_INGEST_URL", "is missing", |_| {
            UsageLogger::builder().env(|_| None).wire(mcpeye())
        }),
    ];
    let mut wrong = Vec::new();
    for (n, (setting, fault, change)) in table.into_iter().enumerate() {
        match change(good()).build() {
            Ok(_) => wrong.push(format!("row {n} ({setting}, {fault}): was accepted")),
            Err(error) => {
                let text = error.to_string();
                let names = text.to_lowercase().contains(&setting.to_lowercase());
                if !names || !text.to_lowercase().contains(&fault.to_lowercase()) {
                    wrong.push(format!("row {n} ({setting}, {fault}): {text}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_bounds_themselves_are_accepted() {
    const SECOND: Duration = Duration::from_secs(1);
    for change in [
        (|b: Builder| b) as Change,
        |b| b.max_queue_events(1).max_queue_bytes(MIN_QUEUE_BYTES),
        |b| b.max_batch_events(1).max_batch_bytes(1024).max_in_flight(1),
        |b| b.max_in_flight(256).max_batch_events(100_000),
        |b| {
            b.flush_interval(Duration::from_millis(10))
                .request_timeout(Duration::from_millis(10))
        },
        |b| {
            b.initial_backoff(30 * SECOND)
                .max_retry_after(Duration::ZERO)
        },
        |b| {
            b.initial_backoff(Duration::from_millis(1))
                .max_backoff(Duration::from_millis(1))
        },
        |b| b.endpoint("http://127.0.0.1:1/x"),
        |b| b.endpoint("http://127.8.9.10/x"),
        |b| b.endpoint("http://[::1]:1/x"),
        |b| b.endpoint("http://localhost:1/x"),
        |b| b.endpoint("http://LOCALHOST:1/x"),
        |b| {
            b.endpoint("http://ingest.example/")
                .allow_insecure_http(true)
        },
        |b| b.endpoint("  https://ingest.example/x?tenant=1#part \n"),
        |b| b.api_key(" test-key-1\n"),
        |b| b.headers([("Authorization", "Bearer x")]),
        |b| b.wire(mcpeye()),
    ] {
        change(good()).build().unwrap();
    }
}

#[test]
fn a_variable_is_refused_by_its_own_name() {
    for (name, value, fault) in [
        ("REO_API_KEY", "schlüssel", "header"),
        (
            "REO_CENSUS_MCP_ENDPOINT",
            "http://ingest.example",
            "uses http",
        ),
        (
            "REO_CENSUS_MCP_ENDPOINT",
            "https://u:p@ingest.example",
            "password",
        ),
        ("PACKAGE_TRACKER_VERBOSE", "maybe", "neither true nor false"),
        (
            "PACKAGE_TRACKER_ANALYTICS",
            "maybe",
            "neither true nor false",
        ),
    ] {
        let mut variables = vec![("REO_API_KEY", KEY)];
        variables.push((name, value));
        let error = UsageLogger::builder()
            .env(env(&variables))
            .product_id("p")
            .build()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(name) && error.contains(fault),
            "{name}: {error}"
        );
    }
    for (name, value) in [
        ("MCPEYE_INGEST_SECRET", "schlüssel"),
        ("MCPEYE_INGEST_URL", "ftp://x"),
    ] {
        let variables = [("MCPEYE_INGEST_URL", "https://i.example"), (name, value)];
        let error = UsageLogger::builder()
            .env(env(&variables))
            .wire(mcpeye())
            .build()
            .unwrap_err()
            .to_string();
        assert!(error.contains(name), "{name}: {error}");
    }
}

/// Sends one call, with the environment pointing at the ingest, and returns its JSON.
fn sent(variables: &[(&str, &str)], change: impl FnOnce(Builder) -> Builder) -> serde_json::Value {
    let ingest = ingest();
    let endpoint = ingest.endpoint();
    let mut all = vec![
        ("REO_API_KEY", KEY),
        ("REO_CENSUS_MCP_ENDPOINT", endpoint.as_str()),
    ];
    all.extend_from_slice(variables);
    let usage = change(UsageLogger::builder().env(env(&all)).product_id("p"))
        .build()
        .unwrap();
    usage.log_usage(ToolCall::new("t").identity(rachel()));
    end(&usage, &ingest);
    ingest.delivered()[0].json.clone()
}

#[test]
fn code_wins_over_the_environment_and_the_environment_over_the_default() {
    let default = sent(&[], |b| b);
    assert_eq!(default["source"], DEFAULT_SOURCE);
    assert_eq!(default["environment"], DEFAULT_ENVIRONMENT);
    assert_eq!(default["user_agent"], DEFAULT_USER_AGENT);

    let variables = [
        ("REO_PRODUCT_USAGE_SOURCE", "ENV_SOURCE"),
        ("REO_PRODUCT_USAGE_ENVIRONMENT", "ENV_ENVIRONMENT"),
        ("REO_PRODUCT_USAGE_USER_AGENT", "env/1.0"),
    ];
    let from_env = sent(&variables, |b| b);
    assert_eq!(from_env["source"], "ENV_SOURCE");
    assert_eq!(from_env["environment"], "ENV_ENVIRONMENT");
    assert_eq!(from_env["user_agent"], "env/1.0");

    let from_code = sent(&variables, |b| {
        b.source("CODE").environment("CODE").user_agent("code/1")
    });
    assert_eq!(from_code["source"], "CODE");
    assert_eq!(from_code["environment"], "CODE");
    assert_eq!(from_code["user_agent"], "code/1");

    // An empty variable is one that is not set.
    let empty = sent(&[("REO_PRODUCT_USAGE_SOURCE", " ")], |b| b);
    assert_eq!(empty["source"], DEFAULT_SOURCE);
    // The key and the endpoint of the code win as well.
    let forged = [
        ("REO_API_KEY", "test-key-of-the-environment"),
        ("REO_CENSUS_MCP_ENDPOINT", "https://nowhere.invalid/"),
    ];
    let other = ingest();
    let endpoint = other.endpoint();
    let usage = UsageLogger::builder()
        .env(env(&forged))
        .api_key(KEY)
        .endpoint(endpoint)
        .product_id("p")
        .build()
        .unwrap();
    usage.log_usage(call(1));
    assert_eq!(end(&usage, &other).delivered, 1);
}

#[test]
fn a_key_never_crosses_from_one_wire_to_the_other() {
    let ingest = MockIngest::start().unwrap();
    let (reo, eye) = (ingest.endpoint(), ingest.mcpeye_url());
    let variables = [
        ("REO_API_KEY", "test-key-reo"),
        ("REO_CENSUS_MCP_ENDPOINT", reo.as_str()),
        ("MCPEYE_INGEST_URL", eye.as_str()),
    ];
    let usage = UsageLogger::builder()
        .env(env(&variables))
        .wire(mcpeye())
        .build()
        .unwrap();
    usage.log_usage(call(1));
    end(&usage, &ingest);
    let request = &ingest.requests()[0];
    assert_eq!(request.header("x-mcpeye-secret"), None);
    assert!(
        request
            .headers
            .iter()
            .all(|(_, value)| !value.contains("test-key-reo"))
    );

    let error = UsageLogger::builder()
        .env(env(&[("MCPEYE_INGEST_SECRET", "test-key-eye")]))
        .build()
        .unwrap_err();
    assert!(matches!(error, BuildError::MissingApiKey { .. }), "{error}");
}

#[test]
fn an_opt_out_wins_over_code_and_needs_nothing() {
    for (name, values, off) in [
        (
            "DO_NOT_TRACK",
            &["1", "true", "TRUE", "yes", "on", "2", "whatever", " 1 "][..],
            true,
        ),
        (
            "DO_NOT_TRACK",
            &["", "0", "false", "False", "no", "NO", " "],
            false,
        ),
        (
            "PACKAGE_TRACKER_ANALYTICS",
            &["false", "0", "no", "FALSE", "No", " false "],
            true,
        ),
        (
            "PACKAGE_TRACKER_ANALYTICS",
            &["true", "1", "yes", ""],
            false,
        ),
    ] {
        for &value in values {
            let ingest = ingest();
            let usage = builder(&ingest)
                .enabled(true)
                .env(env(&[(name, value)]))
                .build()
                .unwrap();
            assert_eq!(usage.is_enabled(), !off, "{name}={value:?}");
            let expected = if off {
                Outcome::Disabled
            } else {
                Outcome::Queued
            };
            assert_eq!(usage.log_usage(call(1)), expected, "{name}={value:?}");
            let report = usage.shutdown_blocking(PATIENCE);
            if off {
                assert_eq!(report.stats, Stats::default());
                assert_eq!(ingest.counts().connections, 0);
                // Without a key, an endpoint or a single sound setting.
                let bare = UsageLogger::builder()
                    .env(env(&[(name, value)]))
                    .wire(Wire::ReoBatch)
                    .max_queue_events(0)
                    .build()
                    .unwrap();
                assert!(!bare.is_enabled());
            }
        }
    }
    // One opt-out is enough, whatever the other variable says or fails to say.
    for analytics in ["true", "maybe"] {
        let variables = [
            ("DO_NOT_TRACK", "1"),
            ("PACKAGE_TRACKER_ANALYTICS", analytics),
        ];
        assert!(!good().env(env(&variables)).build().unwrap().is_enabled());
    }
    assert!(!good().enabled(false).build().unwrap().is_enabled());
}

#[test]
fn no_thread_starts_before_the_first_event_or_when_opted_out() {
    // The name of the worker's thread is looked for, which only Linux offers. Other tests run
    // loggers in this process, so what is counted is that these two add none.
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: /proc is needed to list threads");
        return;
    }
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::role", "--nocapture"])
        .env("USAGE_TEST_ROLE", "threads")
        .env_remove("DO_NOT_TRACK")
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
}

#[test]
fn no_debug_and_no_display_shows_a_key() {
    let key = "test-key-that-nobody-may-see";
    let secret_url = format!("https://user:{key}@ingest.example/x");
    let mut texts = Vec::new();
    let build = |change: &dyn Fn(Builder) -> Builder| change(good().api_key(key));
    texts.push(format!("{:?}", build(&|b| b)));
    texts.push(format!(
        "{:#?}",
        build(&|b| b.headers([("authorization", key)]).endpoint(&*secret_url))
    ));
    let usage = build(&|b| b).build().unwrap();
    usage.set_api_key(key).unwrap();
    texts.push(format!("{usage:?} {:#?}", usage.stats()));
    texts.push(format!("{:?}", usage.shutdown_on_drop(Duration::ZERO)));
    texts.push(format!("{:?}", usage.start_tool_call("t")));
    texts.push(format!(
        "{:?}",
        usage.set_api_key(&format!("{key}\n{key}")).unwrap_err()
    ));
    let failing: [&dyn Fn(Builder) -> Builder; 5] = [
        &|b| b.api_key(format!("{key}\u{7f}")),
        &|b| b.endpoint(&*secret_url),
        &|b| b.endpoint(format!("http://ingest.example/?key={key}")),
        &|b| b.headers([("x-tenant", format!("{key}\n"))]),
        &|b| b.endpoint(format!("https://ingest.example:{key}/")),
    ];
    for change in failing {
        let error = build(change).build().unwrap_err();
        texts.push(format!("{error} {error:?} {error:#?}"));
    }
    for text in texts {
        assert!(!text.contains(key), "{text}");
    }
}

#[test]
fn a_builder_that_fails_can_still_give_a_disabled_logger() {
    let usage = good().max_in_flight(0).build_or_disabled();
    assert!(!usage.is_enabled());
    assert_eq!(usage.log_usage(call(1)), Outcome::Disabled);
    assert!(good().build_or_disabled().is_enabled());
}

#[test]
fn the_mcpeye_path_ends_in_ingest_once() {
    for (given, path) in [
        ("", "/ingest"),
        ("/", "/ingest"),
        ("/ingest", "/ingest"),
        ("/ingest/", "/ingest"),
        ("/v1", "/v1/ingest"),
        ("/v1/", "/v1/ingest"),
        ("/v1/ingest", "/v1/ingest"),
        ("/reingest", "/reingest/ingest"),
        ("/v1?tenant=1", "/v1/ingest?tenant=1"),
    ] {
        let ingest = ingest();
        let usage = builder(&ingest)
            .wire(mcpeye())
            .endpoint(format!("{}{given}", ingest.origin()))
            .build()
            .unwrap();
        usage.log_usage(call(1));
        usage.shutdown_blocking(PATIENCE);
        assert_eq!(ingest.requests()[0].path, path, "{given:?}");
    }
}

#[test]
fn the_users_http_client_is_used_and_cannot_follow_redirects() {
    let (ingest, elsewhere) = (ingest(), ingest_elsewhere());
    ingest.script([mcp_usage::testing::Answer::redirect(
        307,
        elsewhere.endpoint(),
    )]);
    let usage = builder(&ingest)
        .http_client(|client| client.user_agent("mine/1.0").redirect(reqwest_policy()))
        .build()
        .unwrap();
    usage.log_usage(call(1));
    usage.shutdown_blocking(PATIENCE);
    assert_eq!(ingest.requests()[0].header("user-agent"), Some("mine/1.0"));
    assert_eq!(elsewhere.counts().connections, 0);
}

fn ingest_elsewhere() -> MockIngest {
    MockIngest::start().unwrap()
}

fn reqwest_policy() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::limited(5)
}

#[test]
fn plain_http_to_another_host_is_allowed_by_code_or_by_the_environment() {
    const VARIABLE: &str = "MCP_USAGE_ALLOW_INSECURE_HTTP";
    let with = |value: &'static str| {
        UsageLogger::builder()
            .env(move |name| (name == VARIABLE).then(|| value.to_owned()))
            .api_key(KEY)
            .product_id("p")
            .endpoint("http://ingest.example/x")
    };
    let refused = |builder: Builder| builder.build().unwrap_err().to_string();
    with("true").build().unwrap();
    with("1").build().unwrap();
    for words in [
        "uses http",
        "allow_insecure_http(true)",
        "MCP_USAGE_ALLOW_INSECURE_HTTP=true",
    ] {
        assert!(refused(with("false")).contains(words));
    }
    assert!(refused(with("perhaps")).starts_with(VARIABLE));
    // Code wins.
    assert!(refused(with("true").allow_insecure_http(false)).contains("uses http"));
    with("false").allow_insecure_http(true).build().unwrap();
    let report = with("true").dry_run("/dev/null").check_blocking();
    let setting = report
        .settings
        .iter()
        .find(|s| s.name == "allow_insecure_http")
        .unwrap();
    assert_eq!(
        (&*setting.value, setting.origin.to_string()),
        ("true", VARIABLE.to_owned())
    );
}

#[test]
fn debug_of_an_error_reads_like_its_display_and_names_its_causes() {
    let dropped = mcp_usage::DeliveryError::Dropped {
        events: 2,
        reason: mcp_usage::DropReason::Rejected,
        cause: "400".to_owned(),
    };
    let ingest = ingest();
    let waited = ingest.wait_for_requests(1, Duration::ZERO).unwrap_err();
    let errors: [Box<dyn std::error::Error>; 8] = [
        Box::new(dropped),
        Box::new(mcp_usage::SpoolError::NotWritten { events: 2 }),
        Box::new(waited),
        Box::new(UsageLogger::builder().env(|_| None).build().unwrap_err()),
        Box::new(mcp_usage::ConfirmError::Disabled),
        Box::new(mcp_usage::FlushError::TimedOut {
            pending: 3,
            destinations: Vec::new(),
        }),
        Box::new(mcp_usage::pseudonym::Pseudonyms::new(b"short").unwrap_err()),
        Box::new(Redactor::builder().deny_name("").build().unwrap_err()),
    ];
    for error in errors {
        assert_eq!(format!("{error:?}"), error.to_string());
    }
    let pattern = Redactor::builder().pattern("a_b", "(").build().unwrap_err();
    let debug = format!("{pattern:?}");
    assert!(debug.starts_with(&pattern.to_string()), "{debug}");
    assert!(debug.contains("unclosed group"), "{debug}");
}

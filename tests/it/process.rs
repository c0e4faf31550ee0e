//! What only a process of its own can show: its output, its environment, its memory.
//!
//! A test starts this binary again with `USAGE_TEST_ROLE` set; [`role`] then plays the part, and
//! nothing else runs.

use std::collections::HashSet;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use mcp_usage::config::MIN_QUEUE_BYTES;
use mcp_usage::testing::{Answer, MockIngest};
use mcp_usage::{
    Builder, CallOutcome, ConfirmError, DropReason, FlushError, IdentityCapture, Outcome, Stats,
    ToolCall, UsageLogger, WhenFull, Wire,
};
use serde_json::json;

use crate::support::{
    PATIENCE, assert_ledger, call, endpoint_of, posthog, rachel, reserved_port, secret, wire_named,
};

/// A key that no other text contains.
const SECRET_KEY: &str = "test-key-nobody-may-see";

const ROLE: &str = "USAGE_TEST_ROLE";
const ENDPOINT: &str = "USAGE_TEST_ENDPOINT";

/// Starts this binary in a role, in an environment that says nothing about us.
pub(crate) fn start(role: &str, endpoint: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "process::role",
            "--nocapture",
            "--test-threads=1",
        ])
        .stdin(Stdio::null())
        .env(ROLE, role)
        .env(ENDPOINT, endpoint);
    for name in [
        "DO_NOT_TRACK",
        "PACKAGE_TRACKER_ANALYTICS",
        "PACKAGE_TRACKER_VERBOSE",
        "REO_API_KEY",
        "REO_CENSUS_MCP_ENDPOINT",
        "REO_PRODUCT_USAGE_SOURCE",
        "REO_PRODUCT_USAGE_ENVIRONMENT",
        "REO_PRODUCT_USAGE_USER_AGENT",
        "MCPEYE_INGEST_URL",
        "MCPEYE_INGEST_SECRET",
        "MCP_USAGE_ALLOW_INSECURE_HTTP",
        "RUST_BACKTRACE",
    ] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).output().unwrap()
}

#[track_caller]
pub(crate) fn assert_success(output: &Output) {
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The role that this process was started for; without one this test has nothing to do.
#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let endpoint = std::env::var(ENDPOINT).unwrap_or_default();
    match role.as_str() {
        "silent" => {}
        "noisy" => noisy(&endpoint, Wire::ReoBatch, false),
        "noisy_client" => noisy(&endpoint, Wire::ReoBatch, true),
        "noisy_posthog" => noisy(&endpoint, posthog(), true),
        "from_the_environment" => from_the_environment(),
        "threads" => threads(),
        "exits" => exits(&endpoint),
        "memory" => memory(&endpoint),
        #[cfg(unix)]
        "forks" => forks(&endpoint),
        #[cfg(unix)]
        "forks_workers" => forks_workers(&endpoint),
        other => crate::silence::play(other, &endpoint),
    }
    std::io::stderr().flush().unwrap();
    // Before the harness prints its summary, so that stdout holds what it says beforehand, and us.
    std::process::exit(0);
}

// ---- output ----

/// Everything that could make it talk: verbose, tracing at TRACE, a failing ingest, drops, panics.
fn noisy(endpoint: &str, wire: Wire, client: bool) {
    tracing_subscriber::fmt()
        .with_max_level(tracing::level_filters::LevelFilter::TRACE)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let mut builder = UsageLogger::builder()
        .endpoint(endpoint)
        .product_id("p")
        .wire(wire)
        .flush_interval(Duration::from_millis(10))
        .initial_backoff(Duration::from_millis(1))
        .max_backoff(Duration::from_millis(1))
        .max_queue_events(50)
        .headers([("X-Tenant-Token", SECRET_KEY)])
        .before_send(|event| (event["meta"]["tool"] != "unwanted").then_some(event))
        .on_error(|error| {
            tracing::error!("a delivery failed: {error} {error:?}");
        });
    if client {
        builder = builder.http_client(|client| client.connection_verbose(true));
    }
    tracing::info!("{builder:?}");
    let usage = builder.build().unwrap();
    tracing::info!("{usage:?}");
    usage.log_usage(IdentityCapture::new(rachel()));
    for n in 0..200 {
        usage.log_usage(call(n).arguments(&json!({"key": SECRET_KEY, "token": secret::github()})));
    }
    for _ in 0..20 {
        usage.log_usage(ToolCall::new("unwanted"));
        let _ = usage.log_usage_confirmed_blocking(call(1), Duration::from_millis(50));
        let _ = usage.flush_blocking(Duration::from_secs(2));
    }
    drop(usage.start_tool_call("left open"));
    tracing::info!("{:?} {:?}", usage, usage.stats());
    usage.set_api_key("not\na key").unwrap_err();
    let report = usage.shutdown_blocking(Duration::from_secs(5));
    tracing::info!("{report:?}");
    usage.log_usage(call(1));
    // Build errors repeat no value.
    for error in [
        UsageLogger::builder()
            .api_key(format!("{SECRET_KEY}\n{SECRET_KEY}"))
            .build()
            .unwrap_err(),
        UsageLogger::builder()
            .endpoint(format!("https://u:{SECRET_KEY}@x"))
            .build()
            .unwrap_err(),
    ] {
        tracing::error!("{error} {error:?}");
    }
    let _ = UsageLogger::builder()
        .endpoint(format!("ftp://{SECRET_KEY}"))
        .build_or_disabled();
}

#[test]
fn stdout_stays_empty_and_the_key_is_in_no_log() {
    let plain = start("silent", "", &[]);
    assert_success(&plain);
    for role in ["noisy", "noisy_client", "noisy_posthog"] {
        let ingest = MockIngest::builder().api_key(SECRET_KEY).start().unwrap();
        ingest.script([
            Answer::status(503),
            Answer::reset_after_body(),
            Answer::malformed(),
            Answer::status(401),
            Answer::status(400),
            Answer::status(413),
            Answer::redirect(307, format!("http://127.0.0.1:1/?key={SECRET_KEY}")),
            Answer::status(500).body(SECRET_KEY),
        ]);
        let (reo_url, posthog_url) = (ingest.endpoint(), ingest.posthog_url());
        let output = start(
            role,
            match role {
                "noisy_posthog" => &posthog_url,
                _ => &reo_url,
            },
            &[
                ("REO_API_KEY", SECRET_KEY),
                ("POSTHOG_API_KEY", SECRET_KEY),
                ("PACKAGE_TRACKER_VERBOSE", "true"),
            ],
        );
        assert_success(&output);
        let stderr = String::from_utf8(output.stderr).unwrap();
        // What the test harness prints is the same without us.
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&plain.stdout),
            "{role}"
        );
        assert!(
            ingest.counts().requests > 8,
            "{role}: {:?}",
            ingest.counts()
        );
        assert!(stderr.contains("TRACE"), "tracing was on");
        assert!(stderr.contains("reo.mcp-gateway"), "our own target was on");
        assert!(stderr.contains("mcp-usage: "), "verbose was on");
        for (what, text) in [
            ("the key", SECRET_KEY.to_owned()),
            ("a token", secret::github()),
        ] {
            let line = stderr.lines().find(|line| line.contains(&text));
            assert_eq!(line, None, "{role}: {what} is in the log");
        }
        // Nor in the form of bytes, as some loggers print them.
        let as_list = SECRET_KEY
            .bytes()
            .map(|b| b.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        assert!(!stderr.contains(&as_list), "{role}");
    }
}

#[test]
fn without_verbose_and_tracing_nothing_is_printed_at_all() {
    let ingest = MockIngest::builder().api_key(SECRET_KEY).start().unwrap();
    ingest.script([Answer::status(503), Answer::status(400)]);
    let output = start("exits", &ingest.endpoint(), &[("REO_API_KEY", SECRET_KEY)]);
    assert_success(&output);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.stdout, start("silent", "", &[]).stdout);
    assert!(ingest.counts().requests >= 2);
}

/// A short program that ends by its guard.
fn exits(endpoint: &str) {
    let usage = UsageLogger::builder()
        .endpoint(endpoint)
        .product_id("p")
        .initial_backoff(Duration::from_millis(1))
        .build()
        .unwrap();
    let _guard = usage.shutdown_on_drop(Duration::from_secs(10));
    for n in 0..10 {
        usage.log_usage(call(n));
    }
}

// ---- the real environment ----

fn from_the_environment() {
    let usage = UsageLogger::builder().product_id("p").build().unwrap();
    usage.log_usage(ToolCall::new("t").identity(rachel()));
    usage.shutdown_blocking(PATIENCE);
}

#[test]
fn the_real_environment_configures_and_opts_out() {
    let ingest = MockIngest::builder().api_key(SECRET_KEY).start().unwrap();
    let endpoint = ingest.endpoint();
    let on = [
        // This machine is never reached by a proxy.
        ("HTTP_PROXY", "http://127.0.0.1:9/"),
        ("http_proxy", "http://127.0.0.1:9/"),
        ("ALL_PROXY", "http://127.0.0.1:9/"),
        ("REO_API_KEY", SECRET_KEY),
        ("REO_CENSUS_MCP_ENDPOINT", endpoint.as_str()),
        ("REO_PRODUCT_USAGE_SOURCE", "FROM_ENV"),
    ];
    assert_success(&start("from_the_environment", "", &on));
    assert_eq!(ingest.delivered().len(), 1);
    assert_eq!(ingest.delivered()[0].json["source"], "FROM_ENV");
    for opt_out in [
        ("DO_NOT_TRACK", "1"),
        ("DO_NOT_TRACK", "true"),
        ("PACKAGE_TRACKER_ANALYTICS", "false"),
        ("PACKAGE_TRACKER_ANALYTICS", "0"),
    ] {
        let mut variables = on.to_vec();
        variables.push(opt_out);
        assert_success(&start("from_the_environment", "", &variables));
        // Without a key it builds as well.
        assert_success(&start("from_the_environment", "", &[opt_out]));
    }
    assert_eq!(ingest.counts().requests, 1);
}

// ---- threads ----

/// The names of this process's threads; `None` if there is no /proc.
fn thread_names() -> Option<Vec<String>> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    Some(
        tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
            .map(|name| name.trim().to_owned())
            .collect(),
    )
}

fn threads() {
    let Some(before) = thread_names() else { return };
    let build = |env: fn(&str) -> Option<String>| {
        UsageLogger::builder()
            .env(env)
            .api_key("test-key-1")
            .endpoint("http://127.0.0.1:9/")
            .product_id("p")
            .build()
            .unwrap()
    };
    let off = build(|name| (name == "DO_NOT_TRACK").then(|| "1".to_owned()));
    off.log_usage(call(1));
    let idle = build(|_| None);
    assert_eq!(
        thread_names().unwrap(),
        before,
        "a logger without an event has no thread"
    );
    idle.log_usage(call(1));
    // A new thread takes its name a moment after it has been started, so they are counted.
    assert_eq!(thread_names().unwrap().len(), before.len() + 1);
    idle.shutdown_blocking(Duration::ZERO);
    let deadline = Instant::now() + PATIENCE;
    while thread_names().unwrap().len() > before.len() {
        assert!(
            Instant::now() < deadline,
            "the worker's thread does not end"
        );
        std::thread::yield_now();
    }
}

// ---- fork ----

/// Logs, forks, and logs on both sides.
#[cfg(unix)]
fn forks(endpoint: &str) {
    let build = || {
        UsageLogger::builder()
            .endpoint(endpoint)
            .product_id("p")
            .flush_interval(Duration::from_millis(20))
            .build()
            .unwrap()
    };
    let usage = build();
    let open = usage.start_tool_call("open at the fork");
    usage
        .log_usage_confirmed_blocking(call(1), PATIENCE)
        .unwrap();
    match fork::fork().unwrap() {
        fork::Fork::Child => {
            let forked = Outcome::Dropped(DropReason::Forked);
            assert_eq!(usage.log_usage(call(2)), forked);
            assert_eq!(
                usage.log_usage_confirmed_blocking(call(3), PATIENCE),
                Err(ConfirmError::Dropped(DropReason::Forked))
            );
            assert_eq!(usage.start_tool_call("new").finish(CallOutcome::Ok), forked);
            assert_eq!(open.finish(CallOutcome::Ok), forked);
            assert_eq!(usage.flush_blocking(PATIENCE), Err(FlushError::Closed));
            let forgotten = usage.forget_blocking(&rachel());
            assert!(!forgotten.complete, "the parent keeps what there is");
            let stats = usage.shutdown_blocking(PATIENCE).stats;
            assert_eq!(stats.dropped.get(DropReason::Forked), 4);
            drop(usage);
            // The child builds its own.
            let own = build();
            own.log_usage_confirmed_blocking(ToolCall::new("of the child"), PATIENCE)
                .unwrap();
            assert_eq!(own.shutdown_blocking(PATIENCE).stats.delivered, 1);
        }
        fork::Fork::Parent(child) => {
            assert_eq!(fork::waitpid(child).unwrap(), 0, "the child failed");
            usage
                .log_usage_confirmed_blocking(ToolCall::new("of the parent"), PATIENCE)
                .unwrap();
            open.finish(CallOutcome::Ok);
            assert_eq!(usage.shutdown_blocking(PATIENCE).stats.delivered, 3);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_forked_child_refuses() {
    let ingest = MockIngest::builder().api_key(SECRET_KEY).start().unwrap();
    let output = start("forks", &ingest.endpoint(), &[("REO_API_KEY", SECRET_KEY)]);
    assert_success(&output);
    let mut tools: Vec<_> = ingest
        .delivered()
        .iter()
        .map(|event| event.tool().unwrap().to_owned())
        .collect();
    tools.sort();
    assert_eq!(
        tools,
        ["count", "of the child", "of the parent", "open at the fork"]
    );
    assert_eq!(ingest.violations(), Vec::<String>::new());
}

/// Forks workers that are copies of one another, as a server does before it accepts requests.
#[cfg(unix)]
fn forks_workers(endpoint: &str) {
    // As any server has by then: the keys of the standard hasher, which the workers inherit.
    drop(std::hash::RandomState::new());
    for _ in 0..3 {
        match fork::fork().unwrap() {
            fork::Fork::Child => {
                let usage = UsageLogger::builder()
                    .endpoint(endpoint)
                    .product_id("p")
                    .build()
                    .unwrap();
                usage
                    .log_usage_confirmed_blocking(call(1), PATIENCE)
                    .unwrap();
                usage.shutdown_blocking(PATIENCE);
                return;
            }
            fork::Fork::Parent(child) => {
                assert_eq!(fork::waitpid(child).unwrap(), 0, "a worker failed");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn forked_workers_share_no_ids() {
    let ingest = MockIngest::builder().api_key(SECRET_KEY).start().unwrap();
    let key = [("REO_API_KEY", SECRET_KEY)];
    assert_success(&start("forks_workers", &ingest.endpoint(), &key));
    let events = ingest.delivered();
    let ids: HashSet<_> = events.iter().map(|event| &event.id).collect();
    assert_eq!((events.len(), ids.len()), (3, 3));
}

// ---- memory ----

/// A number out of a `status` file of /proc.
fn status(file: &str, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn resident_bytes() -> u64 {
    status("/proc/self/status", "VmRSS:").unwrap_or(0) * 1024
}

/// How often this thread has gone to sleep by itself.
fn waits_of_this_thread() -> u64 {
    status("/proc/thread-self/status", "voluntary_ctxt_switches:").unwrap_or(0)
}

/// Offers far more than the queue holds to an ingest that takes nothing.
fn memory(endpoint: &str) {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse::<usize>().ok())
    };
    let (events, bytes) = (
        number("USAGE_EVENTS").unwrap(),
        number("USAGE_EVENT_BYTES").unwrap(),
    );
    let max_queue_bytes = number("USAGE_QUEUE_BYTES").unwrap();
    let wanted = std::env::var("USAGE_WIRE").unwrap();
    let wire = wire_named(&wanted);
    let oldest = std::env::var("USAGE_WHEN_FULL").unwrap() == "oldest";
    let builder: Builder = UsageLogger::builder()
        .api_key("test-key-1")
        .endpoint(endpoint)
        .product_id("p")
        .wire(wire)
        .max_queue_bytes(max_queue_bytes)
        .max_queue_events(100_000_000)
        .max_batch_bytes(64 * 1024)
        .flush_interval(Duration::from_millis(50))
        .initial_backoff(Duration::from_millis(5))
        .when_full(if oldest {
            WhenFull::DropOldest
        } else {
            WhenFull::DropNewest
        });
    let usage = builder.build().unwrap();
    let text = "words that say nothing to anybody but take their room. ".repeat(bytes / 55 + 1);
    let rows: Vec<&str> = text
        .as_bytes()
        .chunks(500)
        .filter_map(|row| str::from_utf8(row).ok())
        .collect();
    let arguments = json!({"rows": rows});
    let offer = || usage.log_usage(ToolCall::new("t").arguments(&arguments));
    // Warmed up: the thread runs, the client is connected or has failed to, the code is loaded.
    for _ in 0..20 {
        assert_eq!(offer(), Outcome::Queued);
    }
    let _ = usage.flush_blocking(Duration::from_millis(500));
    let (resident, waits) = (resident_bytes(), waits_of_this_thread());
    let began = Instant::now();
    let mut most = resident;
    for n in 0..events {
        offer();
        if n % (events / 64 + 1) == 0 {
            most = most.max(resident_bytes());
        }
    }
    let waits = waits_of_this_thread() - waits;
    let took = began.elapsed();
    most = most.max(resident_bytes());
    let held = usage.stats();
    assert!(held.queue_bytes <= max_queue_bytes as u64, "{held:?}");
    let report = usage.shutdown_blocking(Duration::from_millis(100));
    let stats: Stats = usage.stats();
    assert_ledger(&stats);
    assert_eq!(
        (stats.offered, stats.pending),
        (events as u64 + 20, 0),
        "{report:?}"
    );
    assert!(
        stats.dropped.total() > events as u64 / 2,
        "the queue was full: {stats:?}"
    );
    eprintln!(
        "{events} events of {bytes} bytes in {took:?}: resident {} KiB more, {waits} waits, {} KiB queued at the end",
        (most - resident) / 1024,
        held.queue_bytes / 1024,
    );
    if resident == 0 {
        eprintln!("not measured: memory and waits are read from /proc");
        return;
    }
    let allowed = max_queue_bytes as u64 + 8 * 1024 * 1024;
    assert!(
        most - resident <= allowed,
        "grew by {} bytes, {allowed} are allowed",
        most - resident
    );
    // A lock that the worker holds may make it wait now and then, but not per event.
    assert!(waits <= 100 + events as u64 / 500, "{waits} waits");
}

/// Wires and policies: both policies where an event goes alone and in a batch, each once where it is made from a record.
const MEMORY_CASES: [(&str, &str); 6] = [
    ("reo", "newest"),
    ("reo", "oldest"),
    ("reo batch", "newest"),
    ("reo batch", "oldest"),
    ("otlp", "oldest"),
    ("posthog", "newest"),
];

/// Runs the role against each kind of broken ingest.
fn memory_against_all(events: usize, event_bytes: usize, max_queue_bytes: usize) {
    for ingest_is in ["down", "hanging", "answering 503"] {
        for (wire, when_full) in MEMORY_CASES {
            let ingest = MockIngest::builder().unchecked().port(reserved_port());
            let ingest = ingest.start().unwrap();
            let endpoint = endpoint_of(&ingest, &wire_named(wire));
            let answer = match ingest_is {
                "down" => None,
                "hanging" => Some(Answer::hang()),
                _ => Some(Answer::status(503)),
            };
            // One that gives no answer is down.
            let ingest = answer.map(|answer| {
                ingest.answer_always(answer);
                ingest
            });
            let output = start(
                "memory",
                &endpoint,
                &[
                    ("USAGE_EVENTS", &events.to_string()),
                    ("USAGE_EVENT_BYTES", &event_bytes.to_string()),
                    ("USAGE_QUEUE_BYTES", &max_queue_bytes.to_string()),
                    ("USAGE_WIRE", wire),
                    ("USAGE_WHEN_FULL", when_full),
                ],
            );
            drop(ingest);
            let said = String::from_utf8_lossy(&output.stderr);
            let name = format!("{ingest_is}, {wire}, {when_full}: {said}");
            assert!(output.status.success(), "{name}");
            eprint!("{name}");
        }
    }
}

#[test]
fn memory_is_bounded_and_the_caller_does_not_wait_whatever_the_ingest_does() {
    if !cfg!(target_os = "linux") {
        eprintln!("only the ledger is checked: memory and waits are read from /proc");
    }
    // The whole of the promise takes minutes in a debug build, so its size is given from outside:
    // USAGE_EVENTS=1000000 cargo test --release --test it -- memory --nocapture
    let events = std::env::var("USAGE_EVENTS")
        .ok()
        .map_or(10_000, |n| n.parse().unwrap());
    memory_against_all(events, 1_000, 4 * 1024 * 1024);
    memory_against_all(events / 50, 10_000, MIN_QUEUE_BYTES);
}

// ---- call guards at the end of a process ----

#[test]
fn a_process_that_ends_by_its_guard_has_delivered() {
    let ingest = MockIngest::builder().api_key(SECRET_KEY).start().unwrap();
    ingest.answer_always(Answer::ok().delay(Duration::from_millis(20)));
    let output = start("exits", &ingest.endpoint(), &[("REO_API_KEY", SECRET_KEY)]);
    assert_success(&output);
    assert_eq!(ingest.delivered().len(), 10);
    assert!(
        ingest
            .delivered()
            .iter()
            .all(|e| e.meta("outcome") != Some(&json!(CallOutcome::Dropped.as_str())))
    );
}

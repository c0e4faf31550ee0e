//! What needs a process of its own: signals, the proxies of its environment, its log.
//!
//! A test starts this binary again with `USAGE_FAULT_ROLE` set; [`role`] then plays the part.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::Duration;

use mcp_usage::testing::Answer;
use mcp_usage::{Builder, UsageLogger, Wire};

use super::child::{self, assert_ends_well};
use super::network::serve;
use super::proxy::{head, secure_endpoint, tunnel};
use super::tls::{Authority, Certificate, Front};
use super::{FORMS, on_all_wires};
use crate::support::{KEY, PATIENCE, block_on, builder, call, endpoint_of, ingest, on_wires};

const ENDPOINT: &str = "USAGE_FAULT_ENDPOINT";
const ROOT: &str = "USAGE_FAULT_ROOT";

/// A logger of a child's, for the ingest that the parent has named.
fn of_the_parent() -> Builder {
    UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint(std::env::var(ENDPOINT).unwrap())
        .product_id("reoWebApp")
        .wire(child::wire())
}

fn start(role: &str, wire: &str, variables: &[(&str, &str)]) -> Child {
    let mut command = child::command("faults::process::role", role);
    command.env(child::WIRE, wire);
    command.envs(variables.iter().copied()).spawn().unwrap()
}

/// The role that this process was started for; without one this test has nothing to do.
#[test]
fn role() {
    let Some(role) = child::role() else {
        return;
    };
    match role.as_str() {
        "terminated" => terminated(),
        "proxied" => proxied(),
        "logs_episodes" => logs_episodes(),
        "names_a_bad_proxy" => names_a_bad_proxy(),
        #[cfg(target_os = "linux")]
        "frozen" => frozen(),
        #[cfg(target_os = "linux")]
        "frozen_under_way" => frozen_under_way(),
        other => panic!("no role is called {other}"),
    }
}

// ---- SIGTERM ----

const QUEUED: u64 = 100;

/// A server with a queue of events that waits for the signal.
fn terminated() {
    block_on(async {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        let usage = of_the_parent()
            // Nothing is sent by itself.
            .flush_interval(Duration::from_secs(600))
            .build()
            .unwrap();
        for n in 0..QUEUED {
            usage.log_usage(call(n));
        }
        eprintln!("ready");
        let report = usage
            .shutdown_on(terminate.recv(), Duration::from_secs(20))
            .await;
        assert_eq!((report.pending, report.stats.delivered), (0, QUEUED));
    });
}

#[test]
fn on_sigterm_all_that_is_queued_is_delivered() {
    on_all_wires(delivers_on_sigterm);
}

fn delivers_on_sigterm(name: &str, wire: &Wire) {
    let ingest = ingest();
    ingest.answer_always(Answer::ok().delay(Duration::from_millis(50)));
    let mut child = start(
        "terminated",
        name,
        &[(ENDPOINT, &endpoint_of(&ingest, wire))],
    );
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("ready") {
        line.clear();
        assert!(
            said.read_line(&mut line).unwrap() > 0,
            "it ended before it was ready"
        );
    }
    assert_eq!(
        ingest.counts().requests,
        0,
        "something was sent before the signal"
    );
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.unwrap().success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
    assert_eq!(ingest.delivered().len() as u64, QUEUED);
    assert_eq!(ingest.duplicates(), Vec::<String>::new());
    assert_eq!(ingest.violations(), Vec::<String>::new());
}

// ---- a process that stands still ----

/// SIGCONT on Linux.
#[cfg(target_os = "linux")]
const CONTINUED: i32 = 18;

/// A server that is frozen while nothing is under way, and reports a call as soon as it runs again.
#[cfg(target_os = "linux")]
fn frozen() {
    use tokio::signal::unix::{SignalKind, signal};

    block_on(async {
        let mut continued = signal(SignalKind::from_raw(CONTINUED)).unwrap();
        let usage = of_the_parent().build().unwrap();
        usage.log_usage(call(1));
        usage.flush(PATIENCE).await.unwrap();
        eprintln!("ready");
        continued.recv().await;
        usage.log_usage(call(2));
        usage.flush(Duration::from_secs(2)).await.unwrap();
        assert_eq!(usage.shutdown(PATIENCE).await.stats.delivered, 2);
    });
}

/// The peer drops its connections without a word meanwhile, as a load balancer does with those that are idle.
#[cfg(target_os = "linux")]
#[test]
fn the_first_flush_of_a_process_that_was_frozen_delivers() {
    on_wires(&FORMS, delivers_with_the_first_flush);
}

#[cfg(target_os = "linux")]
fn delivers_with_the_first_flush(name: &str, wire: &Wire) {
    use tokio::net::TcpStream;

    let ingest = ingest();
    let (forget, forgotten) = tokio::sync::watch::channel(false);
    let to = ingest.address();
    let (address, _stop) = serve(move |mut stream| {
        let mut forgotten = forgotten.clone();
        async move {
            let is_new = *forgotten.borrow();
            let mut upstream = TcpStream::connect(to).await.unwrap();
            let forgotten = async {
                let _ = forgotten.wait_for(|forgotten| *forgotten).await.is_ok();
            };
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut stream, &mut upstream) => {}
                () = forgotten, if !is_new => {
                    // Both ends stay open, and nothing passes any more.
                    std::future::pending::<()>().await;
                }
            }
        }
    });
    let endpoint = endpoint_of(&ingest, wire);
    let endpoint = endpoint.replace(&to.to_string(), &address.to_string());
    let mut child = start("frozen", name, &[(ENDPOINT, &endpoint)]);
    freeze(&mut child, || forget.send(true).unwrap());
    assert_eq!(ingest.delivered().len(), 2);
    assert_eq!(ingest.counts().connections, 2);
}

/// Freezes a process that has said that it is ready for it, once `before` has returned; then it has to end well.
#[cfg(target_os = "linux")]
fn freeze(child: &mut Child, before: impl FnOnce()) {
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("ready") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended early");
    }
    let signal = |name: &str| {
        let mut kill = Command::new("kill");
        let kill = kill.args(["-s", name]).arg(child.id().to_string());
        assert!(kill.status().unwrap().success());
    };
    before();
    signal("STOP");
    // This long it is frozen.
    std::thread::sleep(Duration::from_secs(8));
    signal("CONT");
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
}

/// A server that is frozen while a request is under way.
#[cfg(target_os = "linux")]
fn frozen_under_way() {
    use tokio::signal::unix::{SignalKind, signal};

    block_on(async {
        let mut continued = signal(SignalKind::from_raw(CONTINUED)).unwrap();
        let usage = of_the_parent()
            .request_timeout(Duration::from_secs(300))
            .build()
            .unwrap();
        usage.log_usage(call(1));
        eprintln!("ready");
        continued.recv().await;
        usage.flush(Duration::from_secs(10)).await.unwrap();
        let stats = usage.shutdown(PATIENCE).await.stats;
        assert_eq!((stats.delivered, stats.requests, stats.retries), (1, 2, 1));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_request_that_was_under_way_in_a_frozen_process_is_tried_again_at_once() {
    on_wires(&FORMS, is_tried_again_at_once);
}

#[cfg(target_os = "linux")]
fn is_tried_again_at_once(name: &str, wire: &Wire) {
    let ingest = ingest();
    ingest.script([Answer::hang()]);
    let endpoint = endpoint_of(&ingest, wire);
    let mut child = start("frozen_under_way", name, &[(ENDPOINT, &endpoint)]);
    freeze(&mut child, || {
        ingest.wait_for_requests(1, PATIENCE).unwrap();
    });
    assert_eq!(ingest.delivered().len(), 1);
    assert_eq!(ingest.violations(), Vec::<String>::new());
}

// ---- proxies of the environment ----

fn proxied() {
    let mut builder = UsageLogger::builder()
        .api_key(KEY)
        .endpoint(std::env::var(ENDPOINT).unwrap())
        .product_id("reoWebApp")
        .wire(child::wire());
    if let Ok(root) = std::env::var(ROOT) {
        let root = reqwest::Certificate::from_pem(root.as_bytes()).unwrap();
        builder = builder.http_client(move |client| client.tls_certs_only([root.clone()]));
    }
    let usage = builder.build().unwrap();
    usage.log_usage(call(1));
    let report = usage.shutdown_blocking(PATIENCE);
    assert_eq!(report.stats.delivered, 1, "{report:?}");
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    on_wires(&FORMS, uses_the_proxy_of_the_environment);
}

fn uses_the_proxy_of_the_environment(name: &str, wire: &Wire) {
    let authority = Authority::new();
    let ingest = ingest();
    let front = Front::start(&authority, Certificate::Good, ingest.address());
    let (seen, heads) = mpsc::channel();
    let (proxy, _stop) = tunnel(front.address, seen);
    let endpoint = secure_endpoint(&ingest, wire);
    let child = start(
        "proxied",
        name,
        &[
            (ENDPOINT, &endpoint),
            (ROOT, &authority.root_pem()),
            ("HTTPS_PROXY", &format!("http://{proxy}")),
        ],
    );
    assert_ends_well(child);
    assert_eq!(ingest.delivered().len(), 1);
    assert!(heads.recv().unwrap().starts_with("CONNECT "));
}

#[test]
fn a_proxy_of_the_environment_is_not_used_for_this_machine() {
    on_wires(&FORMS, uses_no_proxy_for_this_machine);
}

fn uses_no_proxy_for_this_machine(name: &str, wire: &Wire) {
    let ingest = ingest();
    let (seen, heads) = mpsc::channel();
    let (proxy, _stop) = serve(move |mut stream| {
        let seen = seen.clone();
        async move {
            let _ = seen.send(head(&mut stream).await);
        }
    });
    let proxy = format!("http://{proxy}");
    let variables = [
        (ENDPOINT, endpoint_of(&ingest, wire)),
        ("HTTP_PROXY", proxy.clone()),
        ("HTTPS_PROXY", proxy.clone()),
        ("ALL_PROXY", proxy),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, &**value));
    assert_ends_well(start("proxied", name, &variables));
    assert_eq!(ingest.delivered().len(), 1);
    assert!(
        heads.try_recv().is_err(),
        "a request went through the proxy"
    );
}

/// Builds with a value that names no proxy: as it would be ignored, requests would go round the proxy.
fn names_a_bad_proxy() {
    let build = |endpoint: &str| {
        UsageLogger::builder()
            .env(|_| None)
            .api_key(KEY)
            .product_id("shop")
            .endpoint(endpoint)
    };
    let error = build("https://ingest.example/").build().unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("HTTPS_PROXY is not the address"), "{said}");
    assert!(!said.contains("word"), "{said}");
    let report = build("https://ingest.example/").check_blocking();
    assert!(!report.is_healthy(), "{report}");
    let printed = report.to_string();
    assert!(
        printed.contains(&said) && !printed.contains("word"),
        "{printed}"
    );
    // A hook may set a proxy of its own, and this machine is reached without one.
    let hook = build("https://ingest.example/").http_client(|client| client.no_proxy());
    assert!(hook.build().is_ok());
    assert!(build("https://127.0.0.1:9/").build().is_ok());
}

#[test]
fn a_proxy_that_is_none_is_an_error_that_names_the_variable() {
    let variables = [("HTTPS_PROXY", "::user:word@::")];
    assert_ends_well(start("names_a_bad_proxy", "reo", &variables));
}

// ---- the log of an episode ----

/// Sends each line of the log to a channel.
struct Lines(mpsc::Sender<String>);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.send(String::from_utf8_lossy(line).into_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Returns what was logged up to and with the line that contains `text`.
fn until(log: &mpsc::Receiver<String>, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let line = log
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("no {text:?}: {lines:?}"));
        let found = line.contains(text);
        lines.push(line);
        if found {
            return lines;
        }
    }
}

fn logs_episodes() {
    let (sender, log) = mpsc::channel();
    tracing_subscriber::fmt()
        .with_max_level(tracing::level_filters::LevelFilter::INFO)
        .with_writer(move || Lines(sender.clone()))
        .with_ansi(false)
        .init();
    let ingest = ingest();
    ingest.answer_always(Answer::hang());
    let usage = builder(&ingest).max_queue_events(5).build().unwrap();
    for n in 0..50 {
        usage.log_usage(call(n));
    }
    let first = until(&log, "usage events are being dropped");
    let last = first.last().unwrap();
    assert!(
        last.contains("WARN") && last.contains("reo.mcp-gateway"),
        "{last}"
    );
    assert!(last.contains("\"queue_full\": "), "{last}");
    assert_eq!(first.len(), 1, "{first:?}");
    ingest.answer_always(Answer::ok());
    ingest.release();
    usage.flush_blocking(PATIENCE).unwrap();
    let recovery = until(&log, "no longer dropped");
    assert!(recovery.last().unwrap().contains("INFO"), "{recovery:?}");
    assert_eq!(recovery.len(), 1, "{recovery:?}");
    // Delivery that fails, and works again.
    ingest.answer_always(Answer::ok());
    ingest.script([Answer::status(503), Answer::status(503)]);
    usage.log_usage(call(1_000));
    usage.flush_blocking(PATIENCE).unwrap();
    let failure = until(&log, "failed and is being retried");
    assert_eq!(failure.len(), 1, "{failure:?}");
    let recovery = until(&log, "works again");
    assert_eq!(recovery.len(), 1, "{recovery:?}");
    let report = usage.shutdown_blocking(PATIENCE);
    assert_eq!(report.pending, 0);
    let total = until(&log, "usage logging ends");
    assert!(
        total.last().unwrap().contains("\"queue_full\": "),
        "{total:?}"
    );
}

#[test]
fn an_episode_of_drops_is_a_line_at_its_start_and_one_at_its_end() {
    assert_ends_well(start("logs_episodes", "reo", &[]));
}

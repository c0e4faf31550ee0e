//! What an ingest gets of the calls that pass, however they end.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use mcp_usage::testing::{MockIngest, ReceivedEvent};
use serde_json::json;

use crate::support::{Client, HELLO, SERVER, call, report_to, reporting_proxy};

fn reported(ingest: &MockIngest) -> Command {
    let mut command = reporting_proxy(["sh", "-c", SERVER]);
    report_to(&mut command, ingest);
    command
}

/// The calls that arrived: tool and outcome.
fn calls(ingest: &MockIngest) -> Vec<(String, String)> {
    assert_eq!(ingest.violations(), Vec::<String>::new());
    let events = ingest.delivered();
    let word = |event: &ReceivedEvent| event.meta("outcome").unwrap().as_str().unwrap().to_owned();
    events
        .iter()
        .filter_map(|event| Some((event.tool()?.to_owned(), word(event))))
        .collect()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec()
}

#[test]
fn each_call_is_reported_with_who_what_and_how_it_ended() {
    let ingest = MockIngest::start().unwrap();
    let mut client = Client::start(reported(&ingest));
    client.ask(HELLO);
    assert!(
        client
            .ask(&call(1, "add", r#"{"a":1,"password":"hunter2"}"#))
            .contains("\"3\"")
    );
    client.ask(&call(2, "fail", "{}"));
    client.ask(&call(3, "absent", "{}"));
    let (status, rest, said) = client.end();
    assert!(status.success(), "{said}");
    assert_eq!(rest, "");
    let expected = [
        ("add", "ok"),
        ("fail", "tool_error"),
        ("absent", "protocol_error"),
    ];
    assert_eq!(calls(&ingest), pairs(expected));
    let events = ingest.delivered();
    let add = events
        .iter()
        .find(|event| event.tool() == Some("add"))
        .unwrap();
    assert_eq!(add.user_id(), Some("rachel@example.com"));
    assert_eq!(
        add.arguments(),
        Some(&json!({"a": 1, "password": "[REDACTED_FIELD]"}))
    );
    for (name, value) in [
        ("client_name", "probe"),
        ("server_name", "shell"),
        ("server_version", "1.2.3"),
        ("transport", "stdio"),
        ("protocol_version", "2025-11-25"),
    ] {
        assert_eq!(add.meta(name), Some(&json!(value)), "{name}");
    }
}

#[test]
fn with_intent_a_listing_asks_for_it_and_the_server_does_not_see_it() {
    let ingest = MockIngest::start().unwrap();
    for intent in [false, true] {
        ingest.clear();
        let mut command = reported(&ingest);
        if intent {
            command.env("USAGE_PROXY_INTENT", "true");
        }
        let mut client = Client::start(command);
        client.ask(HELLO);
        let listed = client.ask(r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#);
        assert_eq!(listed.contains("\"prompt\":"), intent, "{listed}");
        client.ask(&call(1, "add", r#"{"a":1,"prompt":"sum it up"}"#));
        let (_, _, seen) = client.end();
        assert_eq!(seen.contains("sum it up"), !intent, "{seen}");
        assert!(seen.contains("\"a\":1"), "{seen}");
        let events = ingest.delivered();
        let add = events
            .iter()
            .find(|event| event.tool() == Some("add"))
            .unwrap();
        let prompt = intent.then(|| json!("sum it up"));
        assert_eq!(add.meta("prompt"), prompt.as_ref());
    }
}

#[test]
fn a_call_under_way_when_the_server_is_killed_is_reported_and_ends_as_the_server_did() {
    let ingest = MockIngest::start().unwrap();
    let mut client = Client::start(reported(&ingest));
    client.ask(HELLO);
    client.ask(&call(1, "add", "{}"));
    client.send(&call(2, "hang", "{}"));
    client.send(&call(3, "die", "{}"));
    assert_eq!(client.read_to_end(), "");
    let (status, _, _) = client.end();
    assert_eq!(status.signal(), Some(9));
    let expected = [("add", "ok"), ("hang", "dropped"), ("die", "dropped")];
    assert_eq!(calls(&ingest), pairs(expected));
}

#[test]
fn a_call_under_way_when_the_client_goes_is_cancelled() {
    let ingest = MockIngest::start().unwrap();
    let mut client = Client::start(reported(&ingest));
    client.ask(HELLO);
    client.send(&call(1, "hang", "{}"));
    let (status, _, _) = client.end();
    assert!(status.success());
    assert_eq!(calls(&ingest), pairs([("hang", "cancelled")]));
}

#[test]
fn a_wrong_setting_is_named_and_the_server_runs() {
    for (name, value) in [
        ("USAGE_PROXY_WIRE", "grpc"),
        ("USAGE_PROXY_ENDPOINT", "not an address"),
        ("USAGE_PROXY_CONFIG", "/nowhere/settings.json"),
        ("USAGE_PROXY_SPOOL", "/dev/null/spool"),
    ] {
        let mut command = reporting_proxy(["sh", "-c", SERVER]);
        let key = ("USAGE_PROXY_API_KEY", "test-key-1");
        command.env(name, value).env(key.0, key.1);
        let mut client = Client::start(command);
        assert!(client.ask(HELLO).contains("serverInfo"));
        let (status, _, said) = client.end();
        assert!(status.success());
        let setting = name.trim_start_matches("USAGE_PROXY_").to_lowercase();
        assert!(said.to_lowercase().contains(&setting), "{said}");
        assert!(said.contains("nothing is reported"), "{said}");
    }
}

#[test]
fn an_ingest_that_is_down_costs_the_shutdown_timeout_at_most() {
    let mut command = reporting_proxy(["sh", "-c", SERVER]);
    command
        .env("USAGE_PROXY_ENDPOINT", "http://127.0.0.1:9/")
        .env("USAGE_PROXY_API_KEY", "test-key-1")
        .env("USAGE_PROXY_SHUTDOWN_TIMEOUT", "0.5");
    let mut client = Client::start(command);
    client.ask(HELLO);
    client.ask(&call(1, "add", "{}"));
    let began = Instant::now();
    let (status, rest, _) = client.end();
    assert!(status.success());
    assert_eq!(rest, "");
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "it does not wait for ever"
    );
}

#[test]
fn what_is_undelivered_is_kept_in_a_spool_for_the_next_run() {
    let directory = std::env::temp_dir().join(format!("usage-proxy-spool-{}", std::process::id()));
    let mut command = reporting_proxy(["sh", "-c", SERVER]);
    command
        .env("USAGE_PROXY_WIRE", "reo_batch")
        .env("USAGE_PROXY_ENDPOINT", "http://127.0.0.1:9/")
        .env("USAGE_PROXY_API_KEY", "test-key-1")
        .env("USAGE_PROXY_SPOOL", &directory)
        .env("USAGE_PROXY_SHUTDOWN_TIMEOUT", "0.3");
    let mut client = Client::start(command);
    client.ask(HELLO);
    client.ask(&call(1, "add", "{}"));
    client.end();

    let ingest = MockIngest::start().unwrap();
    let mut next = reported(&ingest);
    next.env("USAGE_PROXY_SPOOL", &directory);
    let mut client = Client::start(next);
    client.ask(HELLO);
    ingest
        .wait_for_delivered(1, Duration::from_secs(60))
        .unwrap();
    client.end();
    assert_eq!(calls(&ingest), pairs([("add", "ok")]));
    std::fs::remove_dir_all(directory).unwrap();
}

//! What an ingest gets of the calls that pass, however they end.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mcp_usage::testing::{MockIngest, ReceivedEvent};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};
use serde_json::json;
use usage_proxy::settings::Settings;

use crate::support::{Client, HELLO, SERVER, call, report_to, reporting_proxy};

fn reported(ingest: &MockIngest) -> Command {
    let mut command = reporting_proxy(["sh", "-c", SERVER]);
    report_to(&mut command, ingest);
    command
}

/// The calls that arrived: tool and outcome.
pub(crate) fn calls(ingest: &MockIngest) -> Vec<(String, String)> {
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
fn the_operating_systems_user_is_the_user_by_choice_and_where_no_other_is_named() {
    for (os_user, named, id, kind) in [
        ("true", "", "sam", "OS_USER"),
        ("true", "rachel@example.com", "rachel@example.com", "EMAIL"),
        ("false", "", "anonymous-", "ANONYMOUS"),
    ] {
        let ingest = MockIngest::start().unwrap();
        let mut command = reported(&ingest);
        command
            .env("USER", "sam")
            .env("USAGE_PROXY_OS_USER", os_user);
        command.env("USAGE_PROXY_USER", named);
        let mut client = Client::start(command);
        client.ask(HELLO);
        client.ask(&call(1, "add", "{}"));
        client.end();
        let events = ingest.delivered();
        let add = events.iter().find(|event| event.tool() == Some("add"));
        let add = add.unwrap();
        assert!(
            add.user_id().unwrap().starts_with(id),
            "{:?}",
            add.user_id()
        );
        assert_eq!(add.user_id_type(), Some(kind));
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
fn the_arguments_of_the_tools_that_are_named_are_captured_or_of_all_or_none() {
    for (setting, of_add, of_fail) in [
        ("", true, true),
        ("true", true, true),
        ("fail, hang", false, true),
        ("false", false, false),
    ] {
        let ingest = MockIngest::start().unwrap();
        let mut command = reported(&ingest);
        command.env("USAGE_PROXY_ARGUMENTS", setting);
        let mut client = Client::start(command);
        client.ask(HELLO);
        client.ask(&call(1, "add", r#"{"a":1}"#));
        client.ask(&call(2, "fail", r#"{"a":1}"#));
        client.end();
        let events = ingest.delivered();
        for (tool, is_captured) in [("add", of_add), ("fail", of_fail)] {
            let event = events.iter().find(|event| event.tool() == Some(tool));
            let captured = event.unwrap().arguments().is_some();
            assert_eq!(captured, is_captured, "{setting} {tool}");
        }
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
fn a_dead_ingest_costs_the_shutdown_timeout_at_most() {
    // It takes connections, and answers none.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}/", silent.local_addr().unwrap());
    let default = Settings::default().shutdown_timeout();
    // Clients wait for two seconds.
    assert!(default <= Duration::from_secs(1));
    for (endpoint, waits) in [(&*silent, true), ("http://127.0.0.1:9/", false)] {
        for (set, timeout) in [
            (None, default),
            (Some("0.2"), Duration::from_millis(200)),
            (Some("2.5"), Duration::from_millis(2_500)),
        ] {
            let mut command = reporting_proxy(["sh", "-c", SERVER]);
            command
                .env("USAGE_PROXY_WIRE", "reo_batch")
                .env("USAGE_PROXY_ENDPOINT", endpoint)
                .env("USAGE_PROXY_API_KEY", "test-key-1");
            if let Some(seconds) = set {
                command.env("USAGE_PROXY_SHUTDOWN_TIMEOUT", seconds);
            }
            let mut client = Client::start(command);
            client.ask(HELLO);
            client.ask(&call(1, "add", "{}"));
            let began = Instant::now();
            let (status, rest, _) = client.end();
            let took = began.elapsed();
            assert!(status.success());
            assert_eq!(rest, "");
            let of_the_end = took.saturating_sub(timeout);
            assert!(
                of_the_end < Duration::from_secs(1),
                "{endpoint} {set:?}: {took:?}"
            );
            assert!(!waits || took >= timeout, "{endpoint} {set:?}: {took:?}");
        }
    }
}

#[test]
fn a_signal_behind_the_servers_end_leaves_its_status() {
    // It takes connections, and answers none.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/", silent.local_addr().unwrap());
    let mut command = reporting_proxy(["sh", "-c", &format!("echo $$; {SERVER}")]);
    command
        .env("USAGE_PROXY_WIRE", "reo_batch")
        .env("USAGE_PROXY_ENDPOINT", endpoint)
        .env("USAGE_PROXY_API_KEY", "test-key-1")
        .env("USAGE_PROXY_SHUTDOWN_TIMEOUT", "5");
    let mut client = Client::start(command);
    let server = client.ask(HELLO);
    let server = Pid::from_raw(server.trim().parse().unwrap()).unwrap();
    client.ask(&call(1, "add", "{}"));
    drop(client.stdin);
    // It is there until the proxy has seen its end.
    while test_kill_process(server).is_ok() {
        std::thread::yield_now();
    }
    let proxy = Pid::from_raw(client.process.id() as i32).unwrap();
    // A client that ends what it has closed.
    kill_process(proxy, Signal::TERM).unwrap();
    let status = client.process.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(0), None));
}

#[test]
fn a_call_under_way_when_the_client_is_killed_is_cancelled() {
    let ingest = MockIngest::start().unwrap();
    let mut proxy = reported(&ingest).stderr(Stdio::null()).spawn().unwrap();
    let (stdin, stdout) = (proxy.stdin.take().unwrap(), proxy.stdout.take().unwrap());
    let (add, hang) = (call(1, "add", "{}"), call(2, "hang", "{}"));
    let script = format!(
        "echo '{HELLO}'; read -r hello; echo '{add}'; read -r added; echo '{hang}'; echo ready >&2; exec sleep 600"
    );
    // Both ends are the client's alone.
    let mut client = Command::new("sh")
        .args(["-c", &script])
        .stdin(stdout)
        .stdout(stdin)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(client.stderr.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    assert_eq!(ready, "ready\n");
    client.kill().unwrap();
    client.wait().unwrap();
    // The server reads the end of its input, and ends as it does without the proxy.
    assert!(proxy.wait().unwrap().success());
    let expected = [("add", "ok"), ("hang", "cancelled")];
    assert_eq!(calls(&ingest), pairs(expected));
}

#[test]
#[cfg(target_os = "linux")]
fn a_call_under_way_when_the_proxy_is_killed_is_dropped() {
    use std::os::unix::process::CommandExt;

    for (kills_group, intent) in [(false, "false"), (true, "false"), (false, "true")] {
        let ingest = MockIngest::start().unwrap();
        let mut command = reported(&ingest);
        command.env("USAGE_PROXY_INTENT", intent).process_group(0);
        let mut client = Client::start(command);
        client.ask(HELLO);
        client.ask(&call(1, "add", "{}"));
        client.send(&call(2, "hang", "{}"));
        // What is answered behind it says that it has passed.
        client.ask(&call(3, "add", "{}"));
        let proxy = Pid::from_raw(client.process.id() as i32).unwrap();
        if kills_group {
            kill_process_group(proxy, Signal::KILL).unwrap();
        } else {
            kill_process(proxy, Signal::KILL).unwrap();
        }
        assert_eq!(client.process.wait().unwrap().signal(), Some(9));
        assert_eq!(client.read_to_end(), "");
        // The start of the session is an event, too, and the last of all may come before another.
        let wait = Duration::from_secs(60);
        ingest.wait_for_delivered(4, wait).unwrap();
        let mut calls = calls(&ingest);
        calls.sort();
        let expected = [("add", "ok"), ("add", "ok"), ("hang", "dropped")];
        assert_eq!(calls, pairs(expected));
    }
}

/// Ends a server by a signal whose first line was its number, and how its proxy ends.
fn kill_server(line: &str, client: &mut Client) -> Option<i32> {
    let server = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
    kill_process(server, Signal::KILL).unwrap();
    client.process.wait().unwrap().signal()
}

#[test]
fn a_call_to_a_server_that_is_killed_behind_a_full_pipe_is_dropped() {
    let ingest = MockIngest::start().unwrap();
    // More than the client's pipe holds.
    let script = "read -r line; head -c 100000 /dev/zero; echo $$ >&2; exec sleep 600";
    let mut command = reporting_proxy(["sh", "-c", script]);
    report_to(&mut command, &ingest);
    let mut client = Client::start(command);
    client.send(&call(1, "hang", "{}"));
    let mut server = String::new();
    BufReader::new(client.process.stderr.take().unwrap())
        .read_line(&mut server)
        .unwrap();
    // The client does not read before it has seen the end.
    assert_eq!(kill_server(&server, &mut client), Some(9));
    assert_eq!(calls(&ingest), pairs([("hang", "dropped")]));
}

#[test]
fn a_call_to_a_server_that_never_reads_is_dropped() {
    let ingest = MockIngest::start().unwrap();
    let mut command = reporting_proxy(["sh", "-c", "echo $$; exec sleep 600"]);
    report_to(&mut command, &ingest);
    let mut client = Client::start(command);
    let server = client.ask(&call(1, "add", "{}"));
    // More than the client's pipe holds: the call has passed. No more than both pipes hold.
    client.send(&" ".repeat(100_000));
    assert_eq!(kill_server(&server, &mut client), Some(9));
    assert_eq!(calls(&ingest), pairs([("add", "dropped")]));
}

/// A server that answers a call with an odd id at once, and each of the others once it is cancelled.
const ANSWERS_LATE: &str = r#"
while IFS= read -r line; do
  case $line in
    *cancelled*) id=${line##*:}; id=${id%%\}*} ;;
    *) id=${line#*\"id\":}; id=${id%%,*}; [ $((id % 2)) = 1 ] || continue ;;
  esac
  echo '{"jsonrpc":"2.0","id":'"$id"',"result":{"content":[]}}'
done
"#;

/// Calls, of which every other one is cancelled some calls later; and the ids in the order of their answers.
fn calls_and_cancels(calls: usize) -> (String, Vec<usize>) {
    const LATER: usize = 10;
    let (mut asked, mut answered) = (String::new(), Vec::new());
    for id in 0..calls + LATER {
        if id < calls {
            asked += &call(id as u32, &format!("t{id}"), "{}");
            asked.push('\n');
            if !id.is_multiple_of(2) {
                answered.push(id);
            }
        }
        if id >= LATER && id.is_multiple_of(2) {
            let cancelled = id - LATER;
            asked += &format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{cancelled}}}}}"#
            );
            asked.push('\n');
            answered.push(cancelled);
        }
    }
    (asked, answered)
}

#[test]
fn a_thousand_cancelled_calls_among_others_are_one_event_each() {
    const CALLS: usize = 2_000;
    for intent in ["false", "true"] {
        let ingest = MockIngest::start().unwrap();
        let read = std::env::temp_dir().join(format!("usage-proxy-read-{}", std::process::id()));
        let script = "tee \"$0\" | sh -c \"$1\"";
        let file = read.to_str().unwrap();
        let mut command = reporting_proxy(["sh", "-c", script, file, ANSWERS_LATE]);
        report_to(&mut command, &ingest);
        command.env("USAGE_PROXY_INTENT", intent);
        command.env("USAGE_PROXY_SHUTDOWN_TIMEOUT", "60");
        let Client {
            mut process,
            mut stdin,
            mut stdout,
        } = Client::start(command);
        let (asked, answered) = calls_and_cancels(CALLS);
        let sent = asked.clone();
        let writes = std::thread::spawn(move || {
            for piece in sent.as_bytes().chunks(613) {
                stdin.write_all(piece).unwrap();
            }
        });
        let mut seen = String::new();
        stdout.read_to_string(&mut seen).unwrap();
        writes.join().unwrap();
        assert!(process.wait().unwrap().success());
        assert!(std::fs::read_to_string(&read).unwrap() == asked);
        std::fs::remove_file(read).unwrap();
        let answer =
            |id: &usize| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[]}}}}"#);
        assert!(seen.lines().eq(answered.iter().map(answer)));
        let outcome = |id: usize| {
            if id.is_multiple_of(2) {
                "cancelled"
            } else {
                "ok"
            }
        };
        let expected = (0..CALLS).map(|id| (format!("t{id}"), outcome(id).to_owned()));
        let mut expected: Vec<_> = expected.collect();
        let mut calls = calls(&ingest);
        expected.sort_unstable();
        calls.sort_unstable();
        assert!(calls == expected, "{} events", calls.len());
    }
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

//! The program itself: its command line, its end by a signal, and kills at any moment.

#![cfg(unix)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use reqwest::StatusCode;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::program::{PROGRAM, Program};
use crate::support::{Directory, call};

impl Program {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    async fn send(
        &self,
        http: &reqwest::Client,
        key: &str,
        events: &[Value],
    ) -> Option<StatusCode> {
        send(http, &self.origin, key, events).await
    }

    /// Ends it as a supervisor does, and waits.
    fn terminate(mut self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

async fn send(
    http: &reqwest::Client,
    origin: &str,
    key: &str,
    events: &[Value],
) -> Option<StatusCode> {
    let request = http
        .post(format!("{origin}/api/product/usage"))
        .header("x-api-key", key);
    let answer = request
        .json(&json!({ "payload": events }))
        .send()
        .await
        .ok()?;
    let status = answer.status();
    // It is answered once all of the answer is there.
    answer.bytes().await.ok()?;
    Some(status)
}

/// The clock of these servers is the machine's.
fn now(id: i64) -> Value {
    let mut event = call(id);
    event["event_at"] = json!(usage_server::app::system_now_ms() / 1_000);
    event
}

/// A call that every rollup counts: of several people and tools, with an intent, a duration, a size and some failures.
fn rich(id: i64) -> Value {
    let mut event = now(id);
    let meta = json!({
        "tool": format!("tool {}", id % 3),
        "session_id": format!("s{}", id % 5),
        "client_name": "claude-code",
        "client_version": "2.1",
        "duration_ms": id % 97,
        "result_bytes": id % 1_013,
        "prompt": format!("wish number {}", ["one", "two", "three"][id as usize % 3]),
        "outcome": if id % 7 == 0 { "tool_error" } else { "ok" },
        "sample_rate": if id % 2 == 0 { 0.5 } else { 1.0 },
    });
    event["meta"] = meta;
    if id % 7 == 0 {
        event["meta"]["error"] = json!("no such thing");
    }
    event["user_id"] = json!(format!("user{}@example.com", id % 11));
    event
}

/// What each rollup holds, beside the same out of the events.
const ROLLUPS: [(&str, &str); 10] = [
    (
        "SELECT bucket, tool, outcome, client, sum(calls), sum(weight) FROM roll_day GROUP BY 1, 2, 3, 4",
        "SELECT time_ms / 86400000, tool, outcome, client, count(*), sum(weight) FROM event GROUP BY 1, 2, 3, 4",
    ),
    (
        "SELECT bucket, tool, outcome, client, sum(calls), sum(weight) FROM roll_hour GROUP BY 1, 2, 3, 4",
        "SELECT time_ms / 3600000, tool, outcome, client, count(*), sum(weight) FROM event GROUP BY 1, 2, 3, 4",
    ),
    (
        "SELECT bucket, tool, measure, sum(weight) FROM hist_day GROUP BY 1, 2, 3",
        "SELECT time_ms / 86400000, tool, measure, sum(weight) FROM event, (SELECT 0 AS measure UNION ALL SELECT 1)
         GROUP BY 1, 2, 3",
    ),
    (
        "SELECT bucket / 24, tool, measure, slot, sum(weight) FROM hist_hour GROUP BY 1, 2, 3, 4",
        "SELECT bucket, tool, measure, slot, sum(weight) FROM hist_day GROUP BY 1, 2, 3, 4",
    ),
    (
        "SELECT bucket, user, calls, failed, weight FROM user_hour",
        "SELECT time_ms / 3600000, user, count(*), sum(weight * (outcome = 1)), sum(weight) FROM event GROUP BY 1, 2",
    ),
    (
        "SELECT bucket, user, tool, calls, failed, weight FROM user_tool_day",
        "SELECT time_ms / 86400000, user, tool, count(*), sum(weight * (outcome = 1)), sum(weight) FROM event
         GROUP BY 1, 2, 3",
    ),
    (
        "SELECT tool, user, last_ms, last_failed_ms FROM tool_user",
        "SELECT tool, user, max(time_ms), max(CASE outcome WHEN 1 THEN time_ms ELSE 0 END) FROM event GROUP BY 1, 2",
    ),
    (
        "SELECT bucket, intent, tool, weight, failed FROM intent_day",
        "SELECT time_ms / 86400000, intent, tool, sum(weight), sum(weight * (outcome = 1)) FROM event GROUP BY 1, 2, 3",
    ),
    (
        "SELECT bucket, tool, error, calls, weight FROM error_day",
        "SELECT time_ms / 86400000, tool, error, count(*), sum(weight) FROM event WHERE outcome = 1 GROUP BY 1, 2, 3",
    ),
    (
        "SELECT id, calls, failed FROM session",
        "SELECT session, count(*), sum(outcome = 1) FROM event GROUP BY 1",
    ),
];

/// Holds each rollup against the events.
fn check_rollups(data: &Path) {
    for (rollup, events) in ROLLUPS {
        assert!(
            count(data, &format!("SELECT count(*) FROM ({rollup})")) > 0,
            "{rollup}"
        );
        for (one, other) in [(rollup, events), (events, rollup)] {
            let differing = format!("SELECT count(*) FROM ({one} EXCEPT {other})");
            assert_eq!(count(data, &differing), 0, "{differing}");
        }
    }
}

fn run(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("--data").arg(data).args(arguments);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

fn count(data: &Path, sql: &str) -> i64 {
    one(data, sql)
}

/// The first column of the first row.
fn one<T: rusqlite::types::FromSql>(data: &Path, sql: &str) -> T {
    let db = rusqlite::Connection::open(data).unwrap();
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Five times, or as often as `USAGE_SERVER_KILLS` says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_moment_loses_nothing_that_was_answered_and_counts_nothing_twice() {
    let kills = std::env::var("USAGE_SERVER_KILLS").map_or(5, |kills| kills.parse().unwrap());
    let directory = Directory::new();
    let data = directory.database();
    let http = reqwest::Client::new();
    let next = Arc::new(AtomicI64::new(1));
    let answered = Arc::new(Mutex::new(BTreeSet::new()));
    // What a kill left without an answer is sent again, as every sender of batches does.
    let unanswered = Arc::new(Mutex::new(Vec::<Vec<i64>>::new()));
    let mut key = None;
    for round in 0..kills {
        let mut program = Program::start(&data, "", &[]);
        let key = key.get_or_insert_with(|| program.key().unwrap()).clone();
        let batches = Arc::new(AtomicUsize::new(0));
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let (http, origin, key) = (http.clone(), program.origin.clone(), key.clone());
                let (next, batches) = (Arc::clone(&next), Arc::clone(&batches));
                let (answered, unanswered) = (Arc::clone(&answered), Arc::clone(&unanswered));
                tokio::spawn(async move {
                    loop {
                        let again = unanswered.lock().await.pop();
                        let ids = again.unwrap_or_else(|| {
                            let first = next.fetch_add(50, Ordering::Relaxed);
                            (first..first + 50).collect()
                        });
                        let events: Vec<_> = ids.iter().map(|id| rich(*id)).collect();
                        match send(&http, &origin, &key, &events).await {
                            Some(StatusCode::OK) => answered.lock().await.extend(ids),
                            Some(status) => panic!("{status}"),
                            None => {
                                unanswered.lock().await.push(ids);
                                return;
                            }
                        }
                        batches.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        // Each time at another point of what goes on.
        while batches.load(Ordering::Relaxed) < 6 + round % 7 {
            assert!(senders.iter().all(|sender| !sender.is_finished()));
            tokio::task::yield_now().await;
        }
        program.child.kill().unwrap();
        program.child.wait().unwrap();
        for sender in senders {
            sender.await.unwrap();
        }
        let answered = answered.lock().await;
        let stored = count(&data, "SELECT count(*) FROM event");
        assert!(
            stored >= i64::try_from(answered.len()).unwrap(),
            "round {round}"
        );
    }
    let program = Program::start(&data, "", &[]);
    let key = key.unwrap();
    for ids in unanswered.lock().await.drain(..) {
        let events: Vec<_> = ids.iter().map(|id| rich(*id)).collect();
        assert_eq!(
            program.send(&http, &key, &events).await,
            Some(StatusCode::OK)
        );
        answered.lock().await.extend(ids);
    }
    program.terminate();
    let sent = next.load(Ordering::Relaxed) - 1;
    assert_eq!(i64::try_from(answered.lock().await.len()).unwrap(), sent);
    for sql in [
        "SELECT count(*) FROM event",
        "SELECT sum(calls) FROM roll_day",
        "SELECT sum(calls) FROM user_day",
        "SELECT sum(calls) FROM session",
    ] {
        assert_eq!(count(&data, sql), sent, "{sql}");
    }
    check_rollups(&data);
    assert_eq!(
        count(
            &data,
            "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"
        ),
        1
    );
}

#[tokio::test]
async fn a_signal_ends_it_after_what_is_under_way() {
    let directory = Directory::new();
    let data = directory.database();
    let program = Program::start(&data, "", &["--durable"]);
    let (http, key) = (reqwest::Client::new(), program.key().unwrap());
    let (origin, pid) = (program.origin.clone(), program.pid());
    let sending = tokio::spawn(async move {
        let events: Vec<_> = (1..100).map(now).collect();
        let mut taken = 0;
        // Until nobody listens any more; what is refused is refused before it is taken.
        while let Some(status) = send(&http, &origin, &key, &events[taken..taken + 1]).await {
            assert!(matches!(status.as_u16(), 200 | 503), "{status}");
            if status == StatusCode::OK {
                taken += 1;
            }
            if taken == 3 {
                kill_process(pid, Signal::TERM).unwrap();
            }
        }
        taken
    });
    let taken = sending.await.unwrap();
    let mut program = program;
    assert!(program.child.wait().unwrap().success());
    assert!(taken >= 3);
    assert_eq!(
        count(&data, "SELECT count(*) FROM event"),
        i64::try_from(taken).unwrap()
    );
}

#[tokio::test]
async fn a_disk_that_is_full_turns_events_away_until_there_is_room() {
    let directory = Directory::new();
    let data = directory.database();
    // No file may be larger than two megabytes, which to SQLite is a disk that does not write.
    let program = Program::start(&data, "trap '' XFSZ; ulimit -S -f 4096;", &[]);
    let (http, key) = (reqwest::Client::new(), program.key().unwrap());
    let mut taken = 0;
    let batch = |from: i64| -> Vec<Value> {
        let event = |id| {
            let mut event = now(id);
            event["meta"]["tool_arguments"] = json!({ "text": "word ".repeat(400), "id": id });
            event
        };
        (from..from + 20).map(event).collect()
    };
    let refused = loop {
        match program.send(&http, &key, &batch(taken + 1)).await.unwrap() {
            StatusCode::OK => taken += 20,
            other => break other,
        }
        assert!(taken < 10_000);
    };
    assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE);
    assert!(taken > 0);
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    prlimit(Some(program.pid()), Resource::Fsize, unlimited).unwrap();
    assert_eq!(
        program.send(&http, &key, &batch(taken + 1)).await,
        Some(StatusCode::OK)
    );
    program.terminate();
    assert_eq!(count(&data, "SELECT count(*) FROM event"), taken + 20);
    assert_eq!(count(&data, "SELECT sum(calls) FROM roll_day"), taken + 20);
}

/// The most memory that it has had, in mebibytes.
#[cfg(target_os = "linux")]
fn most_memory(program: &Program) -> u64 {
    let status = format!("/proc/{}/status", program.child.id());
    let status = std::fs::read_to_string(status).unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = most.unwrap().trim().trim_end_matches(" kB");
    kibibytes.parse::<u64>().unwrap() / 1_024
}

/// What takes two bytes of JSON takes many times as much once it is read.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_large_bodies_of_small_values_take_300_megabytes_at_most() {
    let directory = Directory::new();
    let program = Program::start(&directory.database(), "", &[]);
    let (http, key) = (reqwest::Client::new(), program.key().unwrap());
    // What it takes to redact them is another matter.
    let plain = "UPDATE project SET redact = 0 RETURNING id";
    assert_eq!(one::<i64>(&directory.database(), plain), 1);
    let small = format!("[{}]", ["{\"\":0}"; 1_300].join(","));
    let body = |n: i64| {
        let event = |id: i64| {
            let mut event = now(n * 10_000 + id);
            event["meta"]["tool_arguments"] = json!("HERE");
            event.to_string().replace("\"HERE\"", &small)
        };
        let events: Vec<_> = (0..830).map(event).collect();
        format!("{{\"payload\":[{}]}}", events.join(","))
    };
    let bodies: Vec<_> = (0..6).map(body).collect();
    assert!(
        bodies
            .iter()
            .all(|body| body.len() > 7 << 20 && body.len() < 8 << 20)
    );
    let sending = bodies.into_iter().map(|body| {
        let url = format!("{}/api/product/usage", program.origin);
        let request = http.post(url).header("x-api-key", &key);
        let request = request
            .header("content-type", "application/json")
            .body(body);
        tokio::spawn(async move { request.send().await.unwrap().status() })
    });
    let mut taken = 0;
    for status in sending.collect::<Vec<_>>() {
        match status.await.unwrap() {
            StatusCode::OK => taken += 1,
            status => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE),
        }
    }
    let most = most_memory(&program);
    assert!(most < 300, "{most} MiB, {taken} bodies taken");
    assert!(taken > 0);
    program.terminate();
}

/// The other addresses of this machine are Linux's.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_peer_that_takes_all_connections_leaves_files_to_what_others_ask() {
    let directory = Directory::new();
    let data = directory.database();
    let program = Program::start(&data, "ulimit -n 128;", &[]);
    let address = program.origin.trim_start_matches("http://");
    let idle: Vec<_> = (0..200)
        .map(|_| std::net::TcpStream::connect(address).unwrap())
        .collect();
    let http = reqwest::Client::builder()
        .local_address(std::net::IpAddr::from([127, 0, 0, 2]))
        .timeout(std::time::Duration::from_secs(20))
        .build()
        .unwrap();
    assert_eq!(
        program
            .send(&http, &program.key().unwrap(), &[now(1)])
            .await,
        Some(StatusCode::OK)
    );
    let page = http.get(format!("{}/sign-in?link=none", program.origin));
    assert_eq!(page.send().await.unwrap().status(), StatusCode::OK);
    drop(idle);
}

#[tokio::test]
async fn a_copy_that_is_made_while_it_runs_is_a_whole_database() {
    let directory = Directory::new();
    let data = directory.database();
    let copy = data.with_extension("copy");
    let program = Program::start(&data, "", &[]);
    let (http, key) = (reqwest::Client::new(), program.key().unwrap());
    let events: Vec<_> = (1..=200).map(now).collect();
    assert_eq!(
        program.send(&http, &key, &events).await,
        Some(StatusCode::OK)
    );
    let made = run(&data, &["backup", copy.to_str().unwrap()]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let again = run(&data, &["backup", copy.to_str().unwrap()]);
    assert!(!again.status.success());
    assert!(text(&again.stderr).contains("there is a file already"));
    let more: Vec<_> = (201..=210).map(now).collect();
    assert_eq!(program.send(&http, &key, &more).await, Some(StatusCode::OK));
    program.terminate();
    assert_eq!(count(&copy, "SELECT count(*) FROM event"), 200);
    // It is a database to go on with: what came after it is sent again and is new.
    let restored = Program::start(&copy, "", &[]);
    let all: Vec<_> = (1..=210).map(now).collect();
    assert_eq!(restored.send(&http, &key, &all).await, Some(StatusCode::OK));
    restored.terminate();
    // Each event's second has gone on by now, and its id is the same.
    assert_eq!(count(&copy, "SELECT count(*) FROM event"), 210);
    use std::os::unix::fs::PermissionsExt;
    for file in [&data, &copy] {
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.display());
    }
}

#[tokio::test]
async fn keys_links_and_people_are_managed_while_it_runs() {
    let directory = Directory::new();
    let data = directory.database();
    let link_file = data.with_extension("link");
    let copy = data.with_extension("copy");
    let program = Program::start(&data, "", &[]);
    let (http, key) = (reqwest::Client::new(), program.key().unwrap());
    assert_eq!(
        program.send(&http, &key, &[now(1)]).await,
        Some(StatusCode::OK)
    );

    let made = run(&data, &["key", "add"]);
    let second = text(&made.stdout).split(' ').next().unwrap().to_owned();
    assert!(second.starts_with("mu_"), "{second}");
    assert!(!run(&data, &["key", "add"]).status.success());
    let list = text(&run(&data, &["key", "list"]).stdout);
    assert_eq!(list.lines().count(), 2);
    assert!(!list.contains(&key) && !list.contains(&second));
    assert!(run(&data, &["key", "revoke", "1"]).status.success());
    // It reads the keys anew within a second.
    let revoked = async {
        while program.send(&http, &key, &[now(2)]).await != Some(StatusCode::UNAUTHORIZED) {
            tokio::task::yield_now().await;
        }
    };
    revoked.await;
    assert_eq!(
        program.send(&http, &second, &[now(3)]).await,
        Some(StatusCode::OK)
    );

    // What others may read, and where a link leads, stays as it is.
    let elsewhere = data.with_extension("elsewhere");
    std::fs::write(&elsewhere, "theirs").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &link_file).unwrap();
    let link = run(
        &data,
        &[
            "link",
            "--role",
            "reader",
            "--link-file",
            link_file.to_str().unwrap(),
        ],
    );
    assert!(link.status.success() && link.stdout.is_empty());
    assert!(
        std::fs::read_to_string(&link_file)
            .unwrap()
            .contains("/sign-in?")
    );
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "theirs");
    let made = std::fs::symlink_metadata(&link_file).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&made.permissions());
    assert!(made.is_file() && mode & 0o077 == 0, "{mode:o}");

    let forgotten = run(&data, &["forget", "rachel@example.com"]);
    assert!(forgotten.status.success(), "{}", text(&forgotten.stderr));
    // The running server knows of it, too.
    let mut late = now(4);
    late["event_at"] = json!(usage_server::app::system_now_ms() / 1_000 - 60);
    assert_eq!(
        program.send(&http, &second, &[late]).await,
        Some(StatusCode::OK)
    );
    assert!(
        run(&data, &["backup", copy.to_str().unwrap()])
            .status
            .success()
    );
    program.terminate();
    let lines = "SELECT group_concat(action || ' ' || CASE action WHEN 'forgot' THEN '' ELSE subject END, ', ')
        FROM audit WHERE who = 'the command line'";
    assert_eq!(
        one::<String>(&data, lines),
        "made the project default, made a key , made a link to sign in as admin , made a key , revoked a key key 1, \
         made a link to sign in as reader , forgot , copied the database "
    );
    assert_eq!(count(&data, "SELECT count(*) FROM user"), 0);
    assert_eq!(
        count(&data, "SELECT count(*) FROM event WHERE user = 0"),
        count(&data, "SELECT count(*) FROM event")
    );
}

#[test]
fn the_first_key_and_the_link_are_in_their_file_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = Directory::new();
    let data = directory.database();
    let file = data.with_extension("link");
    let file_name = file.to_str().unwrap();
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--exit-with-stdin",
        "--link-file",
        file_name,
    ];
    let said = run(&data, &arguments);
    let (printed, written) = (text(&said.stdout), std::fs::read_to_string(&file).unwrap());
    assert!(written.contains("/sign-in?"), "{written}");
    let key = written
        .lines()
        .find_map(|line| line.strip_prefix("REO_API_KEY="))
        .unwrap();
    assert!(key.starts_with("mu_"), "{key}");
    assert!(
        printed.contains(file_name) && !printed.contains(key) && !printed.contains("/sign-in?"),
        "{printed}"
    );
    assert!(!text(&said.stderr).contains("others can read it"));
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o644)).unwrap();
    let warned = text(&run(&data, &arguments).stderr);
    assert!(warned.contains("others can read it"), "{warned}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let directory = Directory::new();
    let data = directory.database();
    for (arguments, named) in [
        (&["backup", "x"][..], "no such file"),
        (&["forget", "rachel"], "no such file"),
        (&["--listen", "nonsense"], "--listen nonsense"),
        (&["--public-url", "ftp://example.com"], "--public-url"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let ran = run(&data, arguments);
        assert!(!ran.status.success(), "{arguments:?}");
        assert!(text(&ran.stderr).contains(named), "{}", text(&ran.stderr));
    }
    std::fs::write(&data, "no database").unwrap();
    let ran = run(&data, &["--listen", "127.0.0.1:0"]);
    assert!(
        text(&ran.stderr).contains("usage.db"),
        "{}",
        text(&ran.stderr)
    );
}

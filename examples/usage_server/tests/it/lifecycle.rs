//! Running like a server: its end, its bounds, a disk that is full, and what an operator sees.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use usage_server::record::{Kind, Record, SourceId};
use usage_server::store::{Busy, Incoming, ReadError};

use crate::support::{Server, Setup, call};

const REO: &str = "/api/product/usage";

async fn connect(server: &Server) -> TcpStream {
    let address = server.origin.trim_start_matches("http://");
    TcpStream::connect(address).await.unwrap()
}

#[tokio::test]
async fn what_is_under_way_at_the_end_is_committed_and_answered() {
    let mut server = Server::start().await;
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let store = server.app.store.clone();
    let holding = tokio::spawn(async move {
        store
            .write(move |_| {
                let _ = held.recv();
                Ok(())
            })
            .await
    });
    let request = server.post(REO).json(&json!({ "payload": [call(1)] }));
    let answer = tokio::spawn(async move { request.send().await.unwrap() });
    while server.app.store.figures().queued_events == 0 {
        tokio::task::yield_now().await;
    }
    let mut ending = server.app.ending();
    let ended = tokio::spawn(async move {
        server.end().await;
        server
    });
    ending.wait_for(|ending| *ending).await.unwrap();
    drop(hold);
    assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
    holding.await.unwrap().unwrap();
    let server = ended.await.unwrap();
    // Nobody is listening any more, and what was answered is in the file.
    assert!(
        TcpStream::connect(server.origin.trim_start_matches("http://"))
            .await
            .is_err()
    );
    let db = rusqlite::Connection::open(server.directory.database()).unwrap();
    let events: i64 = db
        .query_row("SELECT count(*) FROM event", [], |row| row.get(0))
        .unwrap();
    assert_eq!(events, 1);
    let late = server.app.store.take(Incoming::default()).await;
    assert_eq!(late.unwrap_err(), Busy::Ending);
}

#[tokio::test]
async fn a_head_that_takes_too_long_is_given_up() {
    let mut setup = Setup::default();
    setup.limits.head_timeout = Duration::from_millis(100);
    let server = Server::start_as(setup).await;
    let mut stream = connect(&server).await;
    stream
        .write_all(b"POST /ingest HTTP/1.1\r\nHost")
        .await
        .unwrap();
    let mut answer = Vec::new();
    // It ends by the server's hand.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
        "{answer}"
    );
}

async fn ask_health(server: &Server, stream: &mut TcpStream) {
    let host = server.origin.trim_start_matches("http://");
    let get = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(get.as_bytes()).await.unwrap();
}

async fn assert_served(stream: &mut TcpStream) {
    let mut part = [0; 1_024];
    let read = stream.read(&mut part).await.unwrap();
    let answer = String::from_utf8_lossy(&part[..read]);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn connections_are_bounded_and_the_next_one_waits_for_its_turn() {
    let mut setup = Setup::default();
    setup.limits.connections = 2;
    let server = Server::start_as(setup).await;
    let mut open = [connect(&server).await, connect(&server).await];
    for stream in &mut open {
        ask_health(&server, stream).await;
        assert_served(stream).await;
    }
    let mut third = connect(&server).await;
    ask_health(&server, &mut third).await;
    let mut answered = tokio::spawn(async move { assert_served(&mut third).await });
    // The others are served still, which the third would be by now.
    for stream in &mut open {
        ask_health(&server, stream).await;
        assert_served(stream).await;
    }
    assert!(!answered.is_finished());
    let [first, _second] = open;
    drop(first);
    (&mut answered).await.unwrap();
}

#[tokio::test]
async fn who_reads_no_answer_does_not_keep_a_connection() {
    let mut setup = Setup::default();
    setup.limits.connections = 1;
    setup.limits.head_timeout = Duration::from_secs(600);
    setup.limits.write_timeout = Duration::from_millis(200);
    let server = Server::start_as(setup).await;
    let host = server.origin.trim_start_matches("http://");
    let mut first = connect(&server).await;
    let get = format!("GET /assets/style.css HTTP/1.1\r\nHost: {host}\r\n\r\n");
    // More than both ends of a connection hold.
    first.write_all(get.repeat(1_000).as_bytes()).await.unwrap();
    let mut second = connect(&server).await;
    ask_health(&server, &mut second).await;
    let answer = tokio::time::timeout(Duration::from_secs(60), assert_served(&mut second));
    answer.await.expect("the first keeps its connection");
    drop(first);
}

/// A connection from another address of this machine.
#[cfg(target_os = "linux")]
async fn connect_from(server: &Server, ip: &str) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    let from = std::net::SocketAddr::new(ip.parse().unwrap(), 0);
    socket.bind(from).unwrap();
    let address = server.origin.trim_start_matches("http://");
    socket.connect(address.parse().unwrap()).await.unwrap()
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn one_peer_leaves_connections_to_others() {
    let mut setup = Setup::default();
    setup.limits.connections = 4;
    setup.limits.connections_of_peer = 2;
    setup.limits.head_timeout = Duration::from_secs(600);
    let server = Server::start_as(setup).await;
    let mut open = [connect(&server).await, connect(&server).await];
    for stream in &mut open {
        ask_health(&server, stream).await;
        assert_served(stream).await;
    }
    let mut third = connect(&server).await;
    let mut part = [0; 1_024];
    let ended = tokio::time::timeout(Duration::from_secs(20), third.read(&mut part)).await;
    let ended = ended.expect("the third has a connection");
    assert_eq!(ended.unwrap_or_default(), 0);
    let mut other = connect_from(&server, "127.0.0.2").await;
    ask_health(&server, &mut other).await;
    assert_served(&mut other).await;
}

#[tokio::test]
async fn an_operator_asks_from_inside_by_an_address() {
    let mut setup = Setup::default();
    setup.config.base_path = "/usage".to_owned();
    setup.config.public_url = "https://usage.example.com".to_owned();
    let server = Server::start_as(setup).await;
    let get = async |path: &str, name: &'static str, value: &str| {
        let request = server.http.get(format!("{}{path}", server.origin));
        request.header(name, value).send().await.unwrap()
    };
    for path in ["/metrics", "/healthz", "/usage/metrics", "/usage/healthz"] {
        let answer = get(path, "accept", "*/*").await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let policy = answer.headers().get("content-security-policy");
        assert!(policy.is_some(), "{path}");
        // A page of another site, whose name leads to this machine.
        let rebound = get(path, "host", "evil.example:80").await;
        assert_eq!(rebound.status(), StatusCode::MISDIRECTED_REQUEST, "{path}");
        let is_health = path.ends_with("healthz");
        let outside = if is_health {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        };
        for (name, value) in [
            ("host", "usage.example.com"),
            ("host", "usage.example.com:443"),
            ("forwarded", "for=192.0.2.1"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-host", "usage.example.com"),
            ("x-forwarded-proto", "https"),
        ] {
            let answer = get(path, name, value).await;
            assert_eq!(answer.status(), outside, "{path} {name}: {value}");
        }
    }
}

#[tokio::test]
async fn health_and_figures_name_nobody() {
    let server = Server::start().await;
    server.send(vec![call(1), call(1)]).await;
    let get = async |path: &str| {
        let answer = server
            .http
            .get(format!("{}{path}", server.origin))
            .send()
            .await
            .unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    assert_eq!(get("/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
    let (status, metrics) = get("/metrics").await;
    assert_eq!(status, StatusCode::OK);
    for line in [
        "usage_server_requests_total{wire=\"reo\",status=\"200\"} 1",
        "usage_server_events_total{result=\"new\"} 1",
        "usage_server_events_total{result=\"repeated\"} 1",
        "usage_server_queue_events 0",
        "usage_server_disk_low 0",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} in {metrics}"
        );
    }
    for personal in ["rachel", "example.com", "search", "s1", "shop"] {
        assert!(!metrics.contains(personal), "{personal}");
    }
}

#[tokio::test]
async fn a_full_disk_is_answered_503_and_the_server_goes_on_when_there_is_room() {
    let server = Server::start().await;
    assert_eq!(server.send(vec![call(1)]).await.0, StatusCode::OK);
    let pages = async |pages: &'static str| {
        let set = server.app.store.write(move |tx| {
            // SQLite's own bound, which fails as a disk without room does.
            let now: i64 = tx.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let bound = if pages == "now" { now } else { 1 << 30 };
            tx.pragma_update(None, "max_page_count", bound)
        });
        set.await.unwrap();
    };
    pages("now").await;
    let body = "x".repeat(200);
    let mut id = 1;
    let refused = loop {
        id += 1;
        let mut event = call(id);
        event["meta"]["tool_arguments"] = json!({ "text": body, "n": id });
        let request = server.post(REO).json(&json!({ "payload": [event] }));
        let answer = request.send().await.unwrap();
        if answer.status() != StatusCode::OK {
            break answer;
        }
        assert!(id < 1_000);
    };
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    // Nothing of what was refused is there, in no rollup either.
    let taken = (id - 1).to_string();
    assert_eq!(server.row("SELECT count(*) FROM event").await, taken);
    assert_eq!(server.row("SELECT sum(calls) FROM roll_day").await, taken);
    pages("many").await;
    assert_eq!(server.send(vec![call(id)]).await.0, StatusCode::OK);
    assert_eq!(
        server.row("SELECT count(*) FROM event").await,
        id.to_string()
    );
    assert_eq!(server.rows("PRAGMA integrity_check").await, ["ok"]);
}

#[tokio::test]
async fn below_the_watermark_nothing_is_taken_and_the_server_goes_on_when_there_is_room() {
    let mut setup = Setup::default();
    setup.options.min_free_bytes = u64::MAX;
    let server = Server::start_as(setup).await;
    let (status, answer) = server.send(vec![call(1)]).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer["error"].as_str().unwrap().contains("disk"),
        "{answer}"
    );
    let health = async || {
        let address = format!("{}/healthz", server.origin);
        server.http.get(address).send().await.unwrap().status()
    };
    assert_eq!(health().await, StatusCode::SERVICE_UNAVAILABLE);
    // Nobody sends to a server that is not well, and it is found to be well all the same; and the other way round.
    for (min_free, expected) in [
        (0, StatusCode::OK),
        (u64::MAX, StatusCode::SERVICE_UNAVAILABLE),
        (0, StatusCode::OK),
    ] {
        server.app.store.set_min_free(min_free);
        let changed = async {
            while health().await != expected {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), changed)
            .await
            .unwrap();
    }
    assert_eq!(server.send(vec![call(1)]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_durable_commit_waits_for_the_disk() {
    for (durable, synchronous) in [(true, 2), (false, 1)] {
        let mut setup = Setup::default();
        setup.options.durable = durable;
        let server = Server::start_as(setup).await;
        let of_writer = server
            .app
            .store
            .write(|tx| tx.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)));
        assert_eq!(of_writer.await.unwrap(), synchronous, "{durable}");
    }
}

#[tokio::test]
async fn below_a_base_path_everything_is_there_as_well() {
    let mut setup = Setup::default();
    setup.config.base_path = "/usage".to_owned();
    let server = Server::start_as(setup).await;
    let body = json!({ "payload": [call(1)] });
    for path in ["/usage/api/product/usage", REO] {
        let answer = server.post_json(path, &body).await;
        assert_eq!(answer.0, StatusCode::OK, "{path}");
    }
    let health = format!("{}/usage/healthz", server.origin);
    let health = server.http.get(health).send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_stopped_and_the_next_one_runs() {
    let mut setup = Setup::default();
    setup.options.read_timeout = Duration::from_millis(50);
    let server = Server::start_as(setup).await;
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    for _ in 0..6 {
        let stopped = server
            .app
            .store
            .read(move |db| db.query_row(endless, [], |_| Ok(())));
        let error = stopped.await.unwrap_err();
        assert!(matches!(error, ReadError::TooLong), "{error}");
    }
    assert_eq!(server.row("SELECT 7").await, "7");
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let server = Server::start().await;
    let written = server
        .app
        .store
        .read(|db| db.execute("DELETE FROM project", []));
    assert!(written.await.is_err());
    assert_eq!(server.row("SELECT count(*) FROM project").await, "1");
}

#[tokio::test]
async fn what_the_database_refuses_takes_no_others_with_it() {
    let server = Server::start().await;
    let batch = |id: u8, weight: f64| {
        let record = Record {
            weight,
            ..Record::new(SourceId([id; 16]), crate::support::NOW, Kind::Call)
        };
        Incoming {
            project: 1,
            received_ms: crate::support::NOW,
            records: vec![record],
            ..Incoming::default()
        }
    };
    // All three wait for the same commit. What is no number cannot be stored.
    let store = &server.app.store;
    let (before, odd, after) = tokio::join!(
        store.take(batch(1, 1.0)),
        store.take(batch(2, f64::NAN)),
        store.take(batch(3, 1.0))
    );
    assert_eq!(odd.unwrap_err(), Busy::Failed);
    assert_eq!(
        (before.unwrap().new_events(), after.unwrap().new_events()),
        (1, 1)
    );
    assert_eq!(
        server.row("SELECT count(*), sum(weight) FROM event").await,
        "2 2"
    );
    assert_eq!(server.row("SELECT sum(calls) FROM roll_day").await, "2");
}

#[tokio::test]
async fn a_head_has_its_bound() {
    let server = Server::start().await;
    let host = server.origin.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    // Nobody has to know a key for it.
    let begin = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nx-long: ");
    stream.write_all(begin.as_bytes()).await.unwrap();
    let mut sent = 0;
    while sent < 300_000 && stream.write_all(&[b'x'; 10_000]).await.is_ok() {
        sent += 10_000;
    }
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    // It is answered, or closed, though the head has not ended.
    let ended = tokio::time::timeout(Duration::from_secs(10), read).await;
    assert!(ended.is_ok(), "a head of {sent} bytes is waited for");
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
}

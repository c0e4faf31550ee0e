//! Who may send, how much, and how fast.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use usage_server::store::projects;

use crate::support::{NOW, Server, call, limits, read};

const REO: &str = "/api/product/usage";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

#[tokio::test]
async fn a_request_without_a_valid_key_is_told_so() {
    let server = Server::start().await;
    let body = json!({ "payload": call(1) });
    for path in [REO, "/ingest"] {
        let url = format!("{}{path}", server.origin);
        for key in [None, Some("mu_wrong"), Some("")] {
            let mut request = server.http.post(&url).json(&body);
            if let Some(key) = key {
                request = request.header("x-api-key", key);
            }
            let (status, answer) = read(request.send().await.unwrap()).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
            assert!(
                answer["error"].as_str().unwrap().contains("write key"),
                "{answer}"
            );
        }
    }
    assert_eq!(server.row("SELECT count(*) FROM event").await, "0");
}

#[tokio::test]
async fn a_key_is_taken_in_each_header_that_senders_use() {
    let server = Server::start().await;
    let url = format!("{}{REO}", server.origin);
    let key = &server.key;
    for (header, value) in [
        ("x-api-key", key.clone()),
        ("x-mcpeye-secret", key.clone()),
        ("authorization", format!("Bearer {key}")),
    ] {
        let request = server.http.post(&url).header(header, value);
        let answer = request.json(&json!({ "payload": call(1) })).send().await;
        assert_eq!(answer.unwrap().status(), StatusCode::OK, "{header}");
    }
    assert_eq!(
        server.row("SELECT last_used_ms > 0 FROM write_key").await,
        "1"
    );
}

#[tokio::test]
async fn a_revoked_key_opens_nothing() {
    let server = Server::start().await;
    assert_eq!(server.send(vec![call(1)]).await.0, StatusCode::OK);
    let project = server.project;
    let revoked = server.app.store.write(move |tx| {
        let key = projects::keys(tx, project)?.remove(0);
        projects::revoke_key(tx, project, key.id, 1)
    });
    assert!(revoked.await.unwrap());
    server.app.door.keys_changed();
    assert_eq!(server.send(vec![call(2)]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_body_is_at_most_so_large_after_decompression() {
    let server = Server::start_as(limits(|limits| limits.body_bytes = 100_000)).await;
    let large = json!({ "payload": [call(1)], "more": "x".repeat(100_000) }).to_string();
    let bomb = gzip(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < 100_000);
    for (body, encoding) in [
        (large.clone().into_bytes(), "identity"),
        (gzip(large.as_bytes()), "gzip"),
        (bomb, "gzip"),
    ] {
        let request = server.post(REO).header("content-type", "application/json");
        let request = request.header("content-encoding", encoding).body(body);
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(
            answer["error"].as_str().unwrap().contains("100000 bytes"),
            "{answer}"
        );
    }
    let sound = gzip(json!({ "payload": [call(1)] }).to_string().as_bytes());
    let request = server.post(REO).header("content-type", "application/json");
    let request = request.header("content-encoding", "gzip").body(sound);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_body_without_a_length_is_bounded_as_well() {
    let server = Server::start_as(limits(|limits| limits.body_bytes = 10_000)).await;
    let mut stream = connect(&server).await;
    let head = format!(
        "POST {REO} HTTP/1.1\r\nHost: x\r\nX-API-KEY: {}\r\nContent-Type: application/json\r\n\
        Transfer-Encoding: chunked\r\n\r\n",
        server.key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    for _ in 0..8 {
        // It may have answered and closed by now.
        let _ = stream.write_all(chunk.as_bytes()).await;
    }
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_key_that_sends_too_often_is_told_when_to_come_back() {
    let server = Server::start_as(limits(|limits| {
        limits.rate = 0.01;
        limits.burst = 2.0;
    }))
    .await;
    for n in 0..2 {
        assert_eq!(server.send(vec![call(n)]).await.0, StatusCode::OK);
    }
    let body = json!({ "payload": [call(3)] });
    let answer = server.post(REO).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = answer.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=100).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn another_content_type_or_encoding_is_refused() {
    let server = Server::start().await;
    for (path, kind, encoding) in [
        (REO, "text/plain", "identity"),
        (REO, "application/x-protobuf", "identity"),
        ("/ingest", "", "identity"),
        (REO, "application/json", "br"),
        ("/v1/traces", "text/plain", "identity"),
    ] {
        let request = server.post(path).header("content-type", kind);
        let request = request.header("content-encoding", encoding).body("{}");
        let status = request.send().await.unwrap().status();
        assert_eq!(
            status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{path} {kind} {encoding}"
        );
    }
    let request = server
        .post(REO)
        .header("content-type", "Application/JSON; charset=utf-8");
    let body = json!({ "payload": call(1) }).to_string();
    assert_eq!(
        request.body(body).send().await.unwrap().status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn otlp_in_json_is_told_what_to_set() {
    let server = Server::start().await;
    let request = server
        .post("/v1/traces")
        .json(&json!({ "resourceSpans": [] }));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let text = answer.text().await.unwrap();
    assert!(
        text.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
        "{text}"
    );
}

#[tokio::test]
async fn a_body_that_takes_too_long_is_given_up() {
    let server = Server::start_as(limits(|limits| {
        limits.body_timeout = Duration::from_millis(100);
    }))
    .await;
    let mut stream = connect(&server).await;
    let head = format!(
        "POST {REO} HTTP/1.1\r\nHost: x\r\nX-API-KEY: {}\r\nContent-Type: application/json\r\n\
        Content-Length: 100\r\n\r\n{{",
        server.key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

/// Begins a request whose body has no length said before, and sends so many bytes of it.
async fn begin(server: &Server, key: &str, bytes: usize) -> TcpStream {
    let mut stream = connect(server).await;
    let head = format!(
        "POST {REO} HTTP/1.1\r\nHost: x\r\nX-API-KEY: {key}\r\nContent-Type: application/json\r\n\
        Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body once it reads it.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100"));
    if bytes > 0 {
        let chunk = format!("{bytes:x}\r\n{}\r\n", " ".repeat(bytes));
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    stream
}

/// Sends events until they are turned away, which they are once the server has read what others have sent it.
async fn until_turned_away(server: &Server, key: &str) -> reqwest::Response {
    let turned_away = async {
        let body = json!({ "payload": [call(1)] });
        let url = format!("{}{REO}", server.origin);
        loop {
            let request = server.http.post(&url).header("x-api-key", key).json(&body);
            let answer = request.send().await.unwrap();
            if answer.status() != StatusCode::OK {
                return answer;
            }
        }
    };
    timeout(Duration::from_secs(30), turned_away).await.unwrap()
}

#[tokio::test]
async fn bodies_that_do_not_fit_into_memory_together_come_back_later() {
    let server = Server::start_as(limits(|limits| limits.bodies_bytes = 4_096)).await;
    let _stream = begin(&server, &server.key, 4_096).await;
    let answer = until_turned_away(&server, &server.key).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let seconds: u64 = answer.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    // What does not fit is not read first.
    let body = "x".repeat(5_000);
    let request = server.post(REO).header("content-type", "application/json");
    let answer = request.body(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn one_project_does_not_hold_up_another_however_many_requests_it_begins() {
    let server = Server::start_as(limits(|limits| {
        limits.body_bytes = 2_048;
        limits.bodies_bytes = 16_384;
    }))
    .await;
    let made = server.app.store.write(|tx| {
        let project = projects::create(tx, "another", NOW)?.unwrap();
        Ok(projects::add_key(tx, project, NOW)?.unwrap().key)
    });
    let another = made.await.unwrap();
    server.app.door.keys_changed();
    // What has sent nothing has no room.
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(begin(&server, &another, 0).await);
    }
    assert_eq!(server.send(vec![call(1)]).await.0, StatusCode::OK);
    streams.clear();
    for _ in 0..8 {
        streams.push(begin(&server, &another, 2_048).await);
    }
    let answer = until_turned_away(&server, &another).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(server.send(vec![call(2)]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_named() {
    let server = Server::start().await;
    for (path, body, named) in [
        (REO, "", "EOF"),
        (REO, "{\"payload\":", "EOF"),
        (REO, "{}", "payload"),
        (REO, "[]", "JSON object"),
        (REO, "{\"payload\":7}", "payload"),
        (REO, "{\"payload\":[1,]}", "expected value"),
        (REO, "\u{feff}{}", "JSON object"),
        ("/ingest", "{}", "events"),
        ("/ingest", "{\"events\":{}}", "events"),
        (
            "/ingest",
            "{\"events\":[],\"identity\":7}",
            "expected a map",
        ),
    ] {
        let request = server.post(path).header("content-type", "application/json");
        let (status, answer) = read(request.body(body).send().await.unwrap()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(named), "{body}: {error}");
    }
    let many = Value::from(vec![1; 10_001]);
    let (status, answer) = server.post_json(REO, &json!({ "payload": many })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        answer["error"].as_str().unwrap().contains("10000 events"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_full_queue_is_answered_503() {
    let mut setup = crate::support::Setup::default();
    setup.options.queue_events = 1;
    let server = Server::start_as(setup).await;
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let holding = server.app.store.clone();
    let holding = tokio::spawn(async move {
        let wait = move |_: &rusqlite::Transaction<'_>| {
            let _ = held.recv();
            Ok(())
        };
        holding.write(wait).await
    });
    let send = |id| {
        let body = json!({ "payload": [call(id)] });
        let request = server.post(REO).json(&body);
        tokio::spawn(async move { request.send().await.unwrap() })
    };
    let first = send(1);
    while server.app.store.figures().queued_events == 0 {
        tokio::task::yield_now().await;
    }
    let second = send(2).await.unwrap();
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(second.headers().contains_key("retry-after"));
    drop(hold);
    assert_eq!(first.await.unwrap().status(), StatusCode::OK);
    holding.await.unwrap().unwrap();
    assert_eq!(send(2).await.unwrap().status(), StatusCode::OK);
    assert_eq!(server.row("SELECT count(*) FROM event").await, "2");
}

#[tokio::test]
async fn slow_pages_do_not_hold_up_the_ingest() {
    let server = Server::start().await;
    let mut holds = Vec::new();
    let mut pages = Vec::new();
    for _ in 0..4 {
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let (begin, began) = tokio::sync::oneshot::channel();
        let store = server.app.store.clone();
        pages.push(tokio::spawn(async move {
            let wait = move |_: &rusqlite::Connection| {
                let _ = begin.send(());
                let _ = held.recv();
                Ok(())
            };
            store.read(wait).await
        }));
        began.await.unwrap();
        holds.push(hold);
    }
    // The keys are read anew, as they are each second.
    server.app.door.keys_changed();
    assert_eq!(server.send(vec![call(1)]).await.0, StatusCode::OK);
    let health = format!("{}/healthz", server.origin);
    let health = server.http.get(health).send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);
    drop(holds);
    for page in pages {
        page.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_panic_on_the_writers_thread_ends_one_change_alone() {
    let server = Server::start().await;
    let broken = server.app.store.write(|tx| -> rusqlite::Result<()> {
        tx.execute("DELETE FROM write_key", [])?;
        panic!("as a bug would")
    });
    let error = broken.await.unwrap_err();
    assert_eq!(error.to_string(), "the change broke off");
    assert!(server.app.store.is_writer_alive());
    assert_eq!(server.send(vec![call(1)]).await.0, StatusCode::OK);
    server.app.store.close().await;
    assert!(!server.app.store.is_writer_alive());
    let health = format!("{}/healthz", server.origin);
    let health = server.http.get(health).send().await.unwrap();
    assert_eq!(health.status(), StatusCode::SERVICE_UNAVAILABLE);
}

async fn connect(server: &Server) -> TcpStream {
    let address = server.origin.trim_start_matches("http://");
    TcpStream::connect(address).await.unwrap()
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut part = [0; 4_096];
    // To the end of the head: the connection may stay open.
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => break,
            Ok(length) => answer.extend_from_slice(&part[..length]),
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

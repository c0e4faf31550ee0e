//! What one host may use up, and how long it may take; and that every route asks whom a request was meant for.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backlog_server::scope::Scope;
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{interval, timeout};

use crate::agent::{PATIENCE, at_once};
use crate::support::{Browser, PASSWORD, REDIRECT, Server};

fn host(last: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, last])
}

async fn register(server: &Server, from: IpAddr, forwarded: Option<&str>) -> reqwest::Response {
    let http = reqwest::Client::builder().local_address(from).build();
    let post = http.unwrap().post(format!("{}/register", server.origin));
    let post = match forwarded {
        Some(address) => post.header("x-forwarded-for", address),
        None => post,
    };
    let body = json!({"redirect_uris": [REDIRECT]});
    post.json(&body).send().await.unwrap()
}

#[tokio::test]
async fn an_address_registers_only_so_many_clients_and_keeps_no_other_out() {
    let server = Server::start_with(|config| {
        config.registrations_per_address = 3.try_into().unwrap();
    })
    .await;
    for _ in 0..3 {
        let answer = register(&server, host(2), None).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
    }
    // Saying that it is another address does not make it one.
    for forwarded in [None, Some("192.0.2.7")] {
        let answer = register(&server, host(2), forwarded).await;
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        let wait: u64 = answer.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=20 * 60 + 1).contains(&wait), "{wait}");
    }
    let answer = register(&server, host(1), None).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn behind_a_proxy_the_address_that_it_names_counts() {
    let server = Server::start_with(|config| {
        config.registrations_per_address = 1.try_into().unwrap();
        config.proxies = 1;
    })
    .await;
    for (forwarded, expected) in [
        ("192.0.2.7", StatusCode::CREATED),
        ("192.0.2.8", StatusCode::CREATED),
        ("192.0.2.7", StatusCode::TOO_MANY_REQUESTS),
        // The proxy adds to what a client has sent.
        ("192.0.2.9, 192.0.2.8", StatusCode::TOO_MANY_REQUESTS),
    ] {
        let answer = register(&server, host(1), Some(forwarded)).await;
        assert_eq!(answer.status(), expected, "{forwarded}");
    }
}

/// Forty tries of one host, and one of another when the first of them is answered: it does not wait for the others. What
/// was checked while its request was on its way counts, too; the tests of `turns.rs` have the exact bound.
#[tokio::test]
async fn a_host_that_signs_in_all_the_time_keeps_nobody_from_signing_in() {
    const MANY: usize = 40;
    let server = Server::start().await;
    let (is_busy, checked) = (Notify::new(), AtomicUsize::new(0));
    let mut browsers = Vec::new();
    for n in 0..=MANY {
        let browser = Browser::at(&server, host(if n < MANY { 2 } else { 3 }));
        let page = browser.get("/sign-in").await;
        browsers.push((browser, page));
    }
    let (other, page) = browsers.pop().unwrap();
    let many = at_once(browsers.iter().enumerate().map(|(n, (browser, page))| {
        let (is_busy, checked) = (&is_busy, &checked);
        async move {
            let email = format!("nobody-{n}@example.com");
            let with = [("email", &*email), ("password", PASSWORD)];
            let answer = browser.submit(page, "/sign-in", &with).await;
            is_busy.notify_one();
            if answer.status == StatusCode::UNAUTHORIZED {
                checked.fetch_add(1, Ordering::Relaxed);
            }
            answer
        }
    }));
    let one = async {
        is_busy.notified().await;
        let before = checked.load(Ordering::Relaxed);
        let with = [("email", "vera@example.com"), ("password", PASSWORD)];
        let answer = other.submit(&page, "/sign-in", &with).await;
        (answer.status, checked.load(Ordering::Relaxed) - before)
    };
    let (answers, (status, waited_for)) = tokio::join!(many, one);
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(waited_for < 8, "{waited_for} passwords of the other host");
    // Its line is bounded; what has no place in it is answered at once.
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    let turned_away = answers.iter().filter(|answer| answer.status == busy);
    let turned_away: Vec<_> = turned_away.collect();
    assert!(!turned_away.is_empty());
    for answer in turned_away {
        assert_eq!(answer.headers["retry-after"], "5");
    }
}

/// Sends the beginning of a request, and returns what came until the connection was closed.
async fn answer_to(server: &Server, beginning: &str) -> String {
    let host = server.origin.trim_start_matches("http://");
    let mut connection = TcpStream::connect(host).await.unwrap();
    let beginning = beginning.replace("{host}", host);
    connection.write_all(beginning.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, connection.read_to_end(&mut answer)).await;
    // Else the connection is kept for ever.
    read.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

const SOON: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_connection_without_a_whole_head_is_closed() {
    let server = Server::start_with(|config| config.head_timeout = SOON).await;
    for beginning in [
        "",
        "GET /apps HTT",
        "GET /apps HTTP/1.1\r\nHost: {host}\r\nX-",
    ] {
        assert_eq!(answer_to(&server, beginning).await, "", "{beginning:?}");
    }
    // And so is one that has had its answer.
    let whole = "GET /style.css HTTP/1.1\r\nHost: {host}\r\n\r\n";
    let answer = answer_to(&server, whole).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Server::start_with(|config| config.body_timeout = SOON).await;
    let agent = server.agent("olga", "demo", &Scope::ALL).await;
    let form = "Content-Type: application/x-www-form-urlencoded";
    let bearer = format!(
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         Authorization: Bearer {}",
        agent.token
    );
    for (path, headers) in [
        ("/token", form),
        ("/sign-in", form),
        ("/authorize", form),
        ("/register", "Content-Type: application/json"),
        ("/p/demo/mcp", &bearer),
        // Refused, and then read to its end.
        ("/p/demo/mcp", "Accept: */*"),
    ] {
        let beginning = format!(
            "POST {path} HTTP/1.1\r\nHost: {{host}}\r\n{headers}\r\nContent-Length: 50\r\n\r\n{{\"a\""
        );
        let answer = answer_to(&server, &beginning).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_trickles_is_not_waited_for_either() {
    let server = Server::start_with(|config| config.body_timeout = SOON).await;
    let host = server.origin.trim_start_matches("http://");
    let connection = TcpStream::connect(host).await.unwrap();
    let (mut reads, mut writes) = connection.into_split();
    let head = format!(
        "POST /token HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10000\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    );
    writes.write_all(head.as_bytes()).await.unwrap();
    let trickle = async {
        let mut ticks = interval(SOON / 20);
        while writes.write_all(b"a").await.is_ok() {
            ticks.tick().await;
        }
    };
    let mut answer = [0; 12];
    tokio::select! {
        read = timeout(PATIENCE, reads.read_exact(&mut answer)) => { read.unwrap().unwrap(); }
        () = trickle => {}
    }
    assert_eq!(&answer, b"HTTP/1.1 408");
}

/// The paths of all routes, read from the router itself, so that none is forgotten.
fn paths(server: &Server) -> Vec<String> {
    let Server {
        config,
        store,
        usage,
        ..
    } = server;
    let app = backlog_server::app(config.clone(), store.clone(), usage.clone());
    let router = format!("{app:?}");
    // As `RouteId(7): "/apps"`; the fallback's own paths are axum's.
    let routes = router.split("RouteId(").filter_map(|route| {
        let (_, path) = route.split_once("): \"")?;
        path.split('"').next()
    });
    let paths = routes.filter(|path| path.starts_with('/') && !path.contains("__private"));
    paths
        .map(|path| path.replace("{project_id}", "demo"))
        .collect()
}

#[tokio::test]
async fn every_route_asks_for_the_host() {
    let server = Server::start().await;
    let mut paths = paths(&server);
    for known in ["/sign-out", "/icon.svg", "/apps/revoke", "/p/demo/mcp"] {
        assert!(paths.iter().any(|path| path == known), "{known}: {paths:?}");
    }
    paths.push("/nowhere".to_owned());
    for path in &paths {
        for method in ["GET", "POST"] {
            let url = format!("{}{path}", server.origin);
            let request = server.http.request(method.parse().unwrap(), url);
            let answer = request
                .header("host", "evil.example.com")
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{method} {path}");
            let text = answer.text().await.unwrap();
            assert_eq!(
                text, "the Host header names another server",
                "{method} {path}"
            );
        }
    }
    let reported = server.events().await;
    let is_forged = |event: &&mcp_usage::testing::ReceivedEvent| {
        event.meta("refused") == Some(&json!("request:forged_host"))
    };
    let forged = reported.iter().filter(is_forged).count();
    assert_eq!(forged, 2 * paths.len());
}

//! A proxy on the way: it is used where the environment names one, never for this machine, and its
//! faults are faults like any other.

use std::time::Duration;

use mcp_usage::testing::MockIngest;
use mcp_usage::{DropReason, UsageLogger, Wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::network::serve;
use super::tls::{Authority, Certificate, Front, NAME};
use super::{Scene, on_all_wires};
use crate::support::{KEY, builder_for, endpoint_of, ingest};

/// Reads a head, one byte at a time so that nothing behind it is lost.
pub(super) async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// A proxy that connects every name to one address, and tells of each CONNECT.
pub(super) fn tunnel(
    to: std::net::SocketAddr,
    seen: std::sync::mpsc::Sender<String>,
) -> (std::net::SocketAddr, tokio::sync::oneshot::Sender<()>) {
    serve(move |mut stream| {
        let seen = seen.clone();
        async move {
            let _ = seen.send(head(&mut stream).await);
            let Ok(mut upstream) = TcpStream::connect(to).await else {
                return;
            };
            let _ = stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await;
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut upstream).await;
        }
    })
}

/// Where a wire's events go, at the host of the certificates.
pub(super) fn secure_endpoint(ingest: &MockIngest, wire: &Wire) -> String {
    let address = format!("http://{}", ingest.address());
    endpoint_of(ingest, wire).replace(&address, &format!("https://{NAME}"))
}

fn through(
    proxy: std::net::SocketAddr,
    root: reqwest::Certificate,
    endpoint: String,
    wire: &Wire,
) -> mcp_usage::Builder {
    UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint(endpoint)
        .wire(wire.clone())
        .product_id("reoWebApp")
        .flush_interval(Duration::from_millis(20))
        .initial_backoff(Duration::from_millis(1))
        .max_backoff(Duration::from_millis(2))
        .http_client(move |client| {
            client
                .tls_certs_only([root.clone()])
                .proxy(reqwest::Proxy::all(format!("http://{proxy}")).unwrap())
        })
}

#[test]
fn a_proxy_tunnels_and_sees_neither_key_nor_events() {
    on_all_wires(tunnels_and_sees_nothing);
}

fn tunnels_and_sees_nothing(name: &str, wire: &Wire) {
    let authority = Authority::new();
    let ingest = ingest();
    let front = Front::start(&authority, Certificate::Good, ingest.address());
    let (seen, heads) = std::sync::mpsc::channel();
    let (proxy, _stop) = tunnel(front.address, seen);
    let endpoint = secure_endpoint(&ingest, wire);
    let builder = through(proxy, authority.root(), endpoint, wire);
    let mut scene = Scene::new(name, ingest, builder);
    scene.log(3);
    scene.flush();
    assert_eq!(scene.recover().delivered, 4);
    let head = heads.recv().unwrap();
    assert!(head.starts_with(&format!("CONNECT {NAME}:443 ")), "{head}");
    assert!(
        !head.contains(KEY) && !head.to_lowercase().contains("x-api-key"),
        "{name}: {head}"
    );
}

#[test]
fn every_fault_of_a_proxy_is_survived() {
    let rows: [(&str, &[u8]); 4] = [
        (
            "asks for a password",
            b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "cannot reach the ingest",
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        ),
        ("is not a proxy", b"<html>"),
        ("hangs up", b""),
    ];
    for (fault, answer) in rows {
        on_all_wires(|name, wire| {
            let (proxy, _stop) = serve(move |mut stream: TcpStream| async move {
                let _ = head(&mut stream).await;
                let _ = stream.write_all(answer).await;
            });
            let ingest = ingest();
            let endpoint = secure_endpoint(&ingest, wire);
            let builder = through(proxy, Authority::new().root(), endpoint, wire);
            let name = format!("a proxy that {fault}, {name}");
            let mut scene = Scene::new(&name, ingest, builder);
            scene.log(2);
            let _ = scene.failure();
            let stats = scene.close(Duration::ZERO);
            assert_eq!(stats.dropped.get(DropReason::ShutdownTimeout), 2, "{name}");
        });
    }
}

#[test]
fn this_machine_is_never_reached_by_a_proxy() {
    on_all_wires(is_not_reached_by_a_proxy);
}

fn is_not_reached_by_a_proxy(name: &str, wire: &Wire) {
    let (seen, heads) = std::sync::mpsc::channel();
    let ingest = ingest();
    let (proxy, _stop) = tunnel(ingest.address(), seen);
    let builder = builder_for(&ingest, wire).http_client(move |client| {
        client.proxy(reqwest::Proxy::all(format!("http://{proxy}")).unwrap())
    });
    let mut scene = Scene::new(name, ingest, builder);
    scene.log(2);
    scene.flush();
    assert_eq!(scene.recover().delivered, 3);
    assert!(
        heads.try_recv().is_err(),
        "a request went through the proxy"
    );
}

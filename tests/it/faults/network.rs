//! What may stand between a logger and its ingest: names, connections, TLS. The name of the ingest leads
//! into the fault first, and to the ingest afterwards.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use mcp_usage::testing::MockIngest;
use mcp_usage::{Builder, DropReason, UsageLogger, Wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;

use super::tls::{Authority, Certificate, Front, NAME, adopt, listen};
use super::{Directory, Entry, Scene, on_all_wires};
use crate::support::{KEY, PATIENCE, ingest, otlp};

/// Serves connections on a thread of its own until the sender is dropped.
pub(super) fn serve<F: Future<Output = ()> + Send + 'static>(
    handle: impl Fn(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, oneshot::Sender<()>) {
    let (listener, address) = listen();
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = adopt(listener);
            let accept = async {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(handle(stream));
                }
            };
            tokio::select! {
                () = accept => {}
                _ = stopped => {}
            }
        });
    });
    (address, stop)
}

/// [`named`] for any wire.
fn named_for(
    wire: &Wire,
    scheme: &str,
    directory: &Directory,
    roots: Vec<reqwest::Certificate>,
) -> Builder {
    let path = match wire {
        Wire::Reo | Wire::ReoBatch => "/api/product/usage",
        // The others complete the path themselves.
        _ => "",
    };
    let endpoint = format!("{scheme}://{NAME}{path}");
    let builder = named(scheme, directory, roots).wire(wire.clone());
    builder.endpoint(endpoint)
}

/// A logger whose ingest is found by name.
fn named(scheme: &str, directory: &Directory, roots: Vec<reqwest::Certificate>) -> Builder {
    let directory = directory.clone();
    UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint(format!("{scheme}://{NAME}/api/product/usage"))
        .allow_insecure_http(true)
        .product_id("reoWebApp")
        .flush_interval(Duration::from_millis(20))
        .initial_backoff(Duration::from_millis(1))
        .max_backoff(Duration::from_millis(2))
        .request_timeout(Duration::from_millis(300))
        .max_in_flight(1)
        .http_client(move |client| {
            client
                .no_proxy()
                .tls_certs_only(roots.clone())
                .dns_resolver(std::sync::Arc::new(directory.clone()))
        })
}

/// Keeps a fault alive for as long as a row needs it.
type Keep = Box<dyn std::any::Any>;

struct Row {
    name: &'static str,
    /// Makes the fault, and says where it is found.
    fault: fn() -> (Entry, Keep),
    /// What the failure's cause has to name.
    cause: &'static str,
}

/// A connection that is answered by `play`.
fn server<F: Future<Output = ()> + Send + 'static>(
    play: impl Fn(TcpStream) -> F + Send + 'static,
) -> (Entry, Keep) {
    let (address, stop) = serve(play);
    (Entry::Addresses(vec![address]), Box::new(stop))
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    listen().1
}

/// An address that takes no connection and refuses none: a listener whose backlog is full.
fn full_backlog() -> (Entry, Keep) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (address, listener, waiting) = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) =
            tokio::time::timeout(Duration::from_millis(100), TcpStream::connect(address)).await
        {
            waiting.push(stream.unwrap());
        }
        (address, listener, waiting)
    });
    let keep = (listener, waiting, runtime);
    (Entry::Addresses(vec![address]), Box::new(keep))
}

/// Reads a request's head; the body is left unread.
async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
}

#[test]
fn every_fault_of_names_and_connections_is_survived() {
    let rows = [
        Row {
            name: "the name is unknown",
            fault: || (Entry::Unknown, Box::new(())),
            cause: "no such host",
        },
        Row {
            name: "the name has no address",
            fault: || (Entry::Addresses(Vec::new()), Box::new(())),
            cause: "",
        },
        Row {
            name: "the name service is silent",
            fault: || (Entry::Silence, Box::new(())),
            cause: "timed out",
        },
        Row {
            name: "refused",
            fault: || (Entry::Addresses(vec![nobody()]), Box::new(())),
            cause: "refused",
        },
        Row {
            name: "all of several addresses refuse",
            fault: || (Entry::Addresses(vec![nobody(), nobody()]), Box::new(())),
            cause: "refused",
        },
        Row {
            name: "hang at connect",
            fault: full_backlog,
            cause: "timed out",
        },
        Row {
            name: "closed at once",
            fault: || server(|stream| async move { drop(stream) }),
            cause: "",
        },
        Row {
            name: "reset at once",
            fault: || {
                server(|stream| async move {
                    let _ = stream.set_zero_linger();
                })
            },
            cause: "",
        },
        Row {
            name: "accepted and never read",
            fault: || {
                server(|stream| async move {
                    std::future::pending::<()>().await;
                    drop(stream);
                })
            },
            cause: "timed out",
        },
        Row {
            name: "speaks before it is asked",
            fault: || {
                server(|mut stream| async move {
                    let _ = stream.write_all(b"220 mail.test ESMTP\r\n").await;
                })
            },
            cause: "",
        },
        Row {
            name: "an answer before the request, then a reset",
            fault: || {
                server(|mut stream| async move {
                    let _ = stream
                        .write_all(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
                        .await;
                    let _ = stream.set_zero_linger();
                })
            },
            cause: "",
        },
        Row {
            name: "a head that trickles",
            fault: || {
                server(|mut stream| async move {
                    read_head(&mut stream).await;
                    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: "
                        .iter()
                        .chain([b'x'; 900].iter())
                    {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        if stream.write_all(&[*byte]).await.is_err() {
                            return;
                        }
                    }
                })
            },
            cause: "timed out",
        },
        Row {
            name: "endless 100 Continue",
            fault: || {
                server(|mut stream| async move {
                    read_head(&mut stream).await;
                    while stream
                        .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                        .await
                        .is_ok()
                    {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                })
            },
            cause: "",
        },
        Row {
            name: "an endless head",
            fault: || {
                server(|mut stream| async move {
                    read_head(&mut stream).await;
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
                    while stream
                        .write_all(b"X-More: and more and more\r\n")
                        .await
                        .is_ok()
                    {}
                })
            },
            cause: "",
        },
        Row {
            name: "an echo",
            fault: || {
                server(|mut stream| async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                })
            },
            cause: "",
        },
    ];
    on_all_wires(|wire_name, wire| {
        // A 408 is an answer, after which OTLP sends nothing again.
        let is_broken = |row: &&Row| wire_name != "otlp" || !row.name.starts_with("an answer");
        for row in rows.iter().filter(is_broken) {
            let name = format!("{} ({wire_name})", row.name);
            let (entry, keep) = (row.fault)();
            let directory = Directory::new(entry);
            let ingest = ingest();
            let address = ingest.address();
            let builder = named_for(wire, "http", &directory, Vec::new());
            let mut scene = Scene::new(&name, ingest, builder);
            scene.log(3);
            let cause = scene.failure();
            assert!(cause.contains(row.cause), "{name}: {cause}");
            assert!(!cause.contains(KEY), "{name}: {cause}");
            directory.lead_to(address);
            drop(keep);
            scene.flush();
            let stats = scene.recover();
            assert_eq!(stats.delivered, 4, "{name}");
        }
    });
}

#[test]
fn a_dead_address_beside_a_living_one_costs_nothing() {
    let ingest = ingest();
    let directory = Directory::new(Entry::Addresses(vec![nobody(), ingest.address()]));
    let builder = named("http", &directory, Vec::new()).request_timeout(PATIENCE);
    let mut scene = Scene::new("one of two", ingest, builder);
    scene.log(3);
    scene.flush();
    assert_eq!(scene.recover().retries, 0);
}

/// Builds the wrong front for an ingest.
type Bad = fn(&Authority, SocketAddr) -> (Entry, Keep);

fn front(authority: &Authority, kind: Certificate, ingest: SocketAddr) -> (Entry, Keep) {
    let front = Front::start(authority, kind, ingest);
    (Entry::Addresses(vec![front.address]), Box::new(front))
}

#[test]
fn every_fault_of_tls_is_survived_and_nothing_is_sent() {
    let rows: [(&str, Bad, &str); 8] = [
        (
            "wrong name",
            |ca, to| front(ca, Certificate::WrongName, to),
            "certificate",
        ),
        (
            "expired",
            |ca, to| front(ca, Certificate::Expired, to),
            "certificate",
        ),
        (
            "not yet valid",
            |ca, to| front(ca, Certificate::NotYetValid, to),
            "certificate",
        ),
        (
            "unknown authority",
            |_, to| front(&Authority::new(), Certificate::Good, to),
            "certificate",
        ),
        (
            "a client certificate is asked for",
            |ca, to| {
                let front = Front::for_clients_of(ca, &Authority::new(), to);
                (Entry::Addresses(vec![front.address]), Box::new(front))
            },
            "",
        ),
        (
            "no TLS at all",
            |_, to| (Entry::Addresses(vec![to]), Box::new(())),
            "",
        ),
        (
            "hang in the handshake",
            |_, _| {
                server(|stream| async move {
                    std::future::pending::<()>().await;
                    drop(stream);
                })
            },
            "timed out",
        ),
        (
            "closed in the handshake",
            |_, _| {
                server(|mut stream| async move {
                    let _ = stream.read_u8().await;
                })
            },
            "",
        ),
    ];
    let authority = Authority::new();
    on_all_wires(|wire_name, wire| {
        for (row, bad, named_cause) in rows {
            let name = format!("{row} ({wire_name})");
            let ingest = MockIngest::builder().api_key(KEY).start().unwrap();
            // "No TLS at all" leads to an ingest of its own, which notes what it cannot read.
            let plain = MockIngest::start().unwrap();
            let (entry, keep) = bad(&authority, plain.address());
            let good = Front::start(&authority, Certificate::Good, ingest.address());
            let directory = Directory::new(entry);
            let builder = named_for(wire, "https", &directory, vec![authority.root()]);
            let mut scene = Scene::new(&name, ingest, builder);
            scene.log(3);
            let cause = scene.failure();
            assert!(cause.contains(named_cause), "{name}: {cause}");
            assert_eq!(plain.events().len(), 0, "{name}: events were sent");
            directory.lead_to(good.address);
            drop(keep);
            scene.flush();
            let stats = scene.recover();
            assert_eq!(stats.delivered, 4, "{name}");
        }
    });
}

#[test]
fn an_authority_and_a_client_certificate_of_ones_own_work() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let ingest = ingest();
    let front = Front::for_clients_of(&servers, &clients, ingest.address());
    let directory = Directory::new(Entry::Addresses(vec![front.address]));
    let (root, identity) = (servers.root(), clients.client());
    let builder = named("https", &directory, Vec::new()).http_client(move |client| {
        let identity = reqwest::Identity::from_pem(identity.as_bytes()).unwrap();
        client
            .no_proxy()
            .tls_certs_only([root.clone()])
            .identity(identity)
            .dns_resolver(std::sync::Arc::new(directory.clone()))
    });
    let mut scene = Scene::new(
        "mutual TLS",
        ingest,
        builder.request_timeout(Duration::from_secs(20)),
    );
    scene.log(3);
    scene.flush();
    assert_eq!(scene.recover().delivered, 4);
}

#[test]
fn http2_is_spoken_where_the_ingest_offers_it() {
    let (seen, versions) = std::sync::mpsc::channel();
    let app = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let seen = seen.clone();
        async move {
            let _ = seen.send((
                request.version(),
                request.headers().contains_key("x-api-key"),
            ));
        }
    });
    let (listener, address) = listen();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.spawn(async move { axum::serve(adopt(listener), app).await });
    let authority = Authority::new();
    let front = Front::with_http2(&authority, address);
    let directory = Directory::new(Entry::Addresses(vec![front.address]));
    let usage = named("https", &directory, vec![authority.root()])
        .request_timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    usage.log_usage(crate::support::call(1));
    let report = usage.shutdown_blocking(PATIENCE);
    assert_eq!(report.stats.delivered, 1, "{report:?}");
    assert_eq!(
        versions.recv().unwrap(),
        (axum::http::Version::HTTP_2, true)
    );
}

/// Mozilla's roots do not know the authority of a test.
#[test]
fn the_authority_that_a_variable_names_is_trusted_and_no_other() {
    let authority = Authority::new();
    let file = std::env::temp_dir().join(format!("otlp-authority-{}.pem", std::process::id()));
    std::fs::write(&file, authority.root_pem()).unwrap();
    let path = file.to_str().unwrap().to_owned();
    for (server, is_trusted) in [(&authority, true), (&Authority::new(), false)] {
        let ingest = ingest();
        let front = Front::start(server, Certificate::Good, ingest.address());
        let directory = Directory::new(Entry::Addresses(vec![front.address]));
        let path = path.clone();
        let builder = named("https", &directory, Vec::new())
            .wire(otlp())
            .env(move |name| (name == "OTEL_EXPORTER_OTLP_CERTIFICATE").then(|| path.clone()))
            .http_client(move |client| {
                client
                    .no_proxy()
                    .dns_resolver(std::sync::Arc::new(directory.clone()))
            });
        let mut scene = Scene::new("a variable's authority", ingest, builder);
        scene.log(1);
        if is_trusted {
            scene.flush();
            assert_eq!(scene.recover().delivered, 2);
        } else {
            let cause = scene.failure();
            assert!(cause.contains("certificate"), "{cause}");
            scene.close(Duration::ZERO);
        }
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn bundled_roots_are_used_when_they_are_chosen() {
    let authority = Authority::new();
    let ingest = ingest();
    let front = Front::start(&authority, Certificate::Good, ingest.address());
    let directory = Directory::new(Entry::Addresses(vec![front.address]));
    let resolver = directory.clone();
    let builder = named("https", &directory, Vec::new())
        .http_client(move |client| {
            client
                .no_proxy()
                .dns_resolver(std::sync::Arc::new(resolver.clone()))
        })
        .bundled_roots(true);
    let mut scene = Scene::new("bundled roots", ingest, builder);
    scene.log(1);
    let cause = scene.failure();
    assert!(cause.contains("UnknownIssuer"), "{cause}");
    let stats = scene.close(Duration::ZERO);
    assert_eq!(stats.dropped.get(DropReason::ShutdownTimeout), 1);
}

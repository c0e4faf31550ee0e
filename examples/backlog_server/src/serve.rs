//! Connections: accepted, limited in time, and ended.
//!
//! `axum::serve` sets no limit: a connection that never ends its request would be kept for ever, and so would
//! as many as somebody opens.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tower_service::Service;

/// Serves until `end`, and then until the requests under way are answered.
///
/// A connection on which no whole head comes within `head_timeout` is closed, whether nothing came, or half a head.
pub async fn serve(
    mut listener: TcpListener,
    app: Router,
    head_timeout: Duration,
    end: impl Future<Output = ()>,
) {
    let connections = GracefulShutdown::new();
    let mut end = pin!(end);
    loop {
        // The trait's, which waits and goes on when the system has no descriptor left.
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut end => break,
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            .serve_connection(TokioIo::new(stream), service(app.clone(), peer));
        let connection = connections.watch(connection);
        // How a connection ends is its client's affair.
        tokio::spawn(async move { drop(connection.await) });
    }
    drop(listener);
    connections.shutdown().await;
}

/// Hands each request of a connection to the app, with the address it came from.
fn service(
    app: Router,
    peer: SocketAddr,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = axum::response::Response,
    Error = Infallible,
    Future: Send,
> {
    service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        // A router is always ready.
        app.clone().call(request)
    })
}

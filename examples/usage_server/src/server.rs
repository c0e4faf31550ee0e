//! Listening: connections within bounds, and an end that loses nothing which was taken.

mod connections;
mod write_deadline;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::ingest;
use connections::Peers;
use write_deadline::WriteDeadline;

/// How connections are held.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many are open at a time; more wait to be accepted.
    pub connections: usize,
    /// How many of them one peer has at a time, so that others are served as well. Behind a proxy that is one peer.
    pub connections_of_peer: usize,
    /// How long the head of a request may take, and how long a connection may be idle.
    pub head_timeout: Duration,
    /// How long the other end may take next to nothing of an answer.
    pub write_timeout: Duration,
    /// How long requests under way may take once the server is to end.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            connections_of_peer: 512,
            head_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            grace: Duration::from_secs(10),
        }
    }
}

/// How long to wait after a connection could not be accepted: descriptors are used up, most likely.
const AFTER_ACCEPT_FAILED: Duration = Duration::from_millis(100);

/// The most headers of a request.
const MAX_HEADERS: usize = 100;

/// How much of a request is held before it is read, and so the longest head: anybody can send one.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// All addresses: the ingest's, and the pages.
///
/// The ingest answers to any host: each request of it has a key, which no page of another site knows.
pub fn router(app: &Arc<App>, pages: Router) -> Router {
    let ours = match app.config.base_path.as_str() {
        "" => ingest::router(),
        base => Router::new()
            .nest(base, ingest::router())
            .merge(ingest::router()),
    };
    pages.merge(ours.with_state(Arc::clone(app)))
}

/// Serves until `end` resolves, then for as long as requests under way take, and commits what they have brought.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    router: Router,
    limits: Limits,
    end: impl Future<Output = ()>,
) {
    let most = connections::within_files(limits.connections);
    let connections = Arc::new(Semaphore::new(most));
    let (peers, most_of_peer) = (
        Peers::default(),
        limits.connections_of_peer.min(most - most / 4),
    );
    let graceful = GracefulShutdown::new();
    let mut end = std::pin::pin!(end);
    loop {
        let accepted = async {
            let turn = Arc::clone(&connections).acquire_owned().await;
            (turn, listener.accept().await)
        };
        let (turn, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut end => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(AFTER_ACCEPT_FAILED).await;
                continue;
            }
        };
        let Some(place) = peers.enter(peer.ip(), most_of_peer) else {
            continue;
        };
        // Answers are small, and a sender waits for each.
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_timeout)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(
                TokioIo::new(WriteDeadline::new(stream, limits.write_timeout)),
                TowerToHyperService::new(router.clone()),
            );
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _ = connection.await;
            drop((place, turn));
        });
    }
    drop(listener);
    app.end();
    if tokio::time::timeout(limits.grace, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests took too long to end");
    }
    app.store.close().await;
}

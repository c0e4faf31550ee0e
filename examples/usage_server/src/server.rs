//! Listening: connections within bounds, and an end that loses nothing which was taken.

mod stall;

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::ingest;
use stall::Stalling;

/// How connections are held.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many are open at a time; more wait to be accepted.
    pub connections: usize,
    /// How long the head of a request may take, and how long a connection may be idle.
    pub head_timeout: Duration,
    /// How long an answer waits for who does not read it.
    pub write_timeout: Duration,
    /// How long requests under way may take once the server is to end.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            head_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
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

/// All addresses: the ingest's, the operator's, and the pages.
pub fn router(app: &Arc<App>, pages: Router) -> Router {
    let operators = Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(metrics));
    let ours = ingest::router().merge(operators);
    let ours = match app.config.base_path.as_str() {
        "" => ours,
        base => Router::new().nest(base, ours.clone()).merge(ours),
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
    let connections = Arc::new(Semaphore::new(limits.connections));
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
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(AFTER_ACCEPT_FAILED).await;
                continue;
            }
        };
        // Answers are small, and a sender waits for each.
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_timeout)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(
                TokioIo::new(Stalling::new(stream, limits.write_timeout)),
                TowerToHyperService::new(router.clone()),
            );
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _ = connection.await;
            drop(turn);
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

/// Whether the database answers, and can be written.
async fn health(State(app): State<Arc<App>>) -> Response {
    let answers = app
        .store
        .read_for_ingest(|db| db.query_row("SELECT 1", [], |_| Ok(())));
    let text = match answers.await {
        Err(error) => format!("the database does not answer: {error}\n"),
        Ok(()) if !app.store.is_writer_alive() => "nothing writes the database\n".to_owned(),
        Ok(()) if app.store.figures().is_disk_low => "the disk is nearly full\n".to_owned(),
        Ok(()) => return "ok\n".into_response(),
    };
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

/// What an operator watches, in Prometheus' text format. No names, no ids, nothing of a project.
async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Infallible> {
    let figures = app.store.figures();
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, values: &[(String, f64)]| {
        let _ = writeln!(text, "# HELP usage_server_{name} {help}");
        let _ = writeln!(text, "# TYPE usage_server_{name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(text, "usage_server_{name}{labels} {value}");
        }
    };
    let one = |value: f64| [(String::new(), value)];
    let requests = app.counts.requests();
    let requests: Vec<_> = requests
        .iter()
        .map(|((wire, status), count)| {
            let labels = format!("{{wire=\"{}\",status=\"{status}\"}}", wire.word());
            (labels, *count as f64)
        })
        .collect();
    metric(
        "requests_total",
        "counter",
        "Requests to the ingest by wire and status.",
        &requests,
    );
    let label = |result: &str, count: u64| (format!("{{result=\"{result}\"}}"), count as f64);
    metric(
        "events_total",
        "counter",
        "Events committed, and events that came once more.",
        &[
            label("new", figures.new),
            label("repeated", figures.repeated),
        ],
    );
    metric(
        "commits_total",
        "counter",
        "Commits of events.",
        &one(figures.commits as f64),
    );
    metric(
        "commits_failed_total",
        "counter",
        "Commits that failed; their senders were asked to come back.",
        &one(figures.failed_commits as f64),
    );
    metric(
        "commit_seconds_total",
        "counter",
        "Time that commits took.",
        &one(figures.commit_micros as f64 / 1e6),
    );
    metric(
        "queue_events",
        "gauge",
        "Events that wait for the writer.",
        &one(figures.queued_events as f64),
    );
    metric(
        "queue_bytes",
        "gauge",
        "Bytes that wait for the writer.",
        &one(figures.queued_bytes as f64),
    );
    metric(
        "disk_low",
        "gauge",
        "1 while events are turned away because the disk is nearly full.",
        &one(f64::from(u8::from(figures.is_disk_low))),
    );
    let bytes = std::fs::metadata(app.store.path()).map_or(0, |file| file.len());
    metric(
        "database_bytes",
        "gauge",
        "Size of the database's file.",
        &one(bytes as f64),
    );
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

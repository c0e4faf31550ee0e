//! What an operator asks: whether the server is well, and how busy it is.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Failure, Web};

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
}

/// Whether the database answers, and can be written.
async fn health(State(web): State<Web>) -> Response {
    let app = &web.app;
    // A load balancer sends no events to a server that is not well: who asks here finds out that it is again.
    app.store.look_at_disk();
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

/// What an operator watches, in Prometheus' text format. No names, no ids, nothing of a project. What came
/// through a proxy does not get it: everybody could ask.
async fn metrics(State(web): State<Web>, headers: HeaderMap) -> Result<Response, Failure> {
    if web.site.is_from_outside(&headers) {
        return Err(Failure::not_found());
    }
    let app = &web.app;
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

//! Events as they are kept, in a stream: read part by part, so that memory stays bounded however many there are.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_core::Stream;
use tokio::sync::mpsc;

use super::csv;
use super::{Change, Failure, Web};
use crate::query::Range;
use crate::query::export::{self, Row, Scope};

/// Rows that are read at a time.
const PART: usize = 500;

pub(super) fn routes() -> Router<Web> {
    Router::new().route("/p/{project}/export", post(events))
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    JsonLines,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/x-ndjson",
        }
    }
}

async fn events(change: Change) -> Result<Response, Failure> {
    let format = match change.said("format") {
        "csv" => Format::Csv,
        "jsonl" => Format::JsonLines,
        _ => return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY)),
    };
    let range = Range::of_word(change.said("range"))
        .ok_or_else(|| Failure::new(StatusCode::UNPROCESSABLE_ENTITY))?;
    let user = Some(change.said("user")).filter(|user| !user.is_empty());
    let look = &change.look;
    let period = range.until(look.web.app.now_ms());
    let scope = Scope {
        project: look.project.id,
        from: period.from,
        until: period.until,
        user: user.map(str::to_owned),
    };
    let subject = format!("{} of {}", range.word(), user.unwrap_or("everyone"));
    look.audit("exported", subject).await?;
    let name = format!(
        "usage-{}-{}.{}",
        look.project.id,
        range.word(),
        format.name()
    );
    let headers = [
        (CONTENT_TYPE, format.kind().to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, body(look.web.clone(), scope, format)).into_response())
}

fn body(web: Web, scope: Scope, format: Format) -> Body {
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        let mut after = None;
        let mut part = String::new();
        if format == Format::Csv {
            csv::row(&mut part, export::COLUMNS);
        }
        loop {
            let asked = scope.clone();
            let rows = web
                .app
                .store
                .read(move |db| export::rows(db, &asked, after, PART))
                .await;
            let rows = match rows {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::error!(%error, "an export broke off");
                    // The browser sees that it is not whole.
                    let _ = sender.send(Err(std::io::Error::other("broke off"))).await;
                    return;
                }
            };
            for row in &rows {
                write(&mut part, row, format);
            }
            after = rows.last().map(Row::key);
            let is_last = rows.len() < PART;
            let bytes = Bytes::from(std::mem::take(&mut part));
            if sender.send(Ok(bytes)).await.is_err() || is_last {
                return;
            }
        }
    });
    Body::from_stream(Receiving(receiver))
}

fn write(part: &mut String, row: &Row, format: Format) {
    match format {
        Format::Csv => {
            let fields = row.fields();
            csv::row(part, fields.iter().map(String::as_str));
        }
        Format::JsonLines => {
            part.push_str(&row.json().to_string());
            part.push('\n');
        }
    }
}

struct Receiving(mpsc::Receiver<std::io::Result<Bytes>>);

impl Stream for Receiving {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

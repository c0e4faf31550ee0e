//! Events as they are kept, in a stream: read part by part, so that memory stays bounded however many there are.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_core::Stream;
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::{Change, Failure, Look, Web, csv};
use crate::query::Range;
use crate::query::calls::{self, Filter};
use crate::query::export::{self, Row, Scope};
use crate::{page, query};

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

/// Streams the rows that a page of calls counts.
pub(super) async fn calls(look: &Look, filter: Filter) -> Result<Response, Failure> {
    audited(look, "calls", filter.user.as_deref()).await?;
    let (project, period) = (look.project.id, look.period);
    let mut head = String::new();
    csv::row(&mut head, page::calls::FIELDS);
    let body = parts(look.web.clone(), head, move |db, after| {
        let (rows, older) = calls::part(db, project, &period, &filter, after, PART)?;
        let mut part = String::new();
        for row in &rows {
            let fields = page::calls::fields(row);
            csv::row(&mut part, fields.iter().map(String::as_str));
        }
        Ok((part, older))
    });
    Ok(file("calls.csv", Format::Csv, body))
}

/// Streams the people that a page lists.
pub(super) async fn people(
    look: &Look,
    filter: query::people::Filter,
) -> Result<Response, Failure> {
    audited(look, "people", None).await?;
    let (project, period) = (look.project.id, look.period);
    let mut head = String::new();
    csv::row(&mut head, page::people::FIELDS);
    // In one part: their order is that of sums, which each part would have to make anew.
    let body = parts(look.web.clone(), head, move |db, _: Option<()>| {
        let mut all = String::new();
        for person in query::people::list(db, project, &period, &filter)? {
            let fields = page::people::fields(&person);
            csv::row(&mut all, fields.iter().map(String::as_str));
        }
        Ok((all, None))
    });
    Ok(file("people.csv", Format::Csv, body))
}

/// Lets administrators alone export, and writes down what, and of whom.
async fn audited(look: &Look, what: &str, user: Option<&str>) -> Result<(), Failure> {
    if !look.is_admin() {
        return Err(Failure::because(
            StatusCode::FORBIDDEN,
            "An administrator exports. You may look.",
        ));
    }
    let action = format!("exported {what} of {}", look.period.range.word());
    look.audit(action, user.unwrap_or_default()).await
}

fn file(name: &str, format: Format, body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, format.kind().to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, body).into_response()
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
    let action = format!("exported events of {}", range.word());
    look.audit(action, user.unwrap_or_default()).await?;
    let name = format!(
        "usage-{}-{}.{}",
        look.project.id,
        range.word(),
        format.name()
    );
    let mut head = String::new();
    if format == Format::Csv {
        csv::row(&mut head, export::COLUMNS);
    }
    let body = parts(look.web.clone(), head, move |db, after| {
        let rows = export::rows(db, &scope, after, PART)?;
        let mut part = String::new();
        for row in &rows {
            write(&mut part, row, format);
        }
        let more = rows.last().filter(|_| rows.len() == PART);
        Ok((part, more.map(Row::key)))
    });
    Ok(file(&name, format, body))
}

/// Streams a head and then part after part, each read when the one before is on its way: `read` says what the next
/// one begins after.
fn parts<K: Copy + Send + 'static>(
    web: Web,
    head: String,
    read: impl Fn(&Connection, Option<K>) -> rusqlite::Result<(String, Option<K>)>
    + Send
    + Sync
    + 'static,
) -> Body {
    let (sender, receiver) = mpsc::channel(2);
    let read = Arc::new(read);
    tokio::spawn(async move {
        if sender.send(Ok(Bytes::from(head))).await.is_err() {
            return;
        }
        let mut after = None;
        loop {
            let read = Arc::clone(&read);
            match web.app.store.read(move |db| read(db, after)).await {
                Ok((part, more)) => {
                    let sent = sender.send(Ok(Bytes::from(part))).await;
                    if sent.is_err() || more.is_none() {
                        return;
                    }
                    after = more;
                }
                Err(error) => {
                    tracing::error!(%error, "an export broke off");
                    // So that whoever gets it sees that it is not whole.
                    let _ = sender.send(Err(std::io::Error::other("broke off"))).await;
                    return;
                }
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

//! Events as they are kept, in a stream: read part by part, so that memory stays bounded however many there are.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_core::Stream;
use rusqlite::Connection;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{Change, Failure, Look, Web, csv};
use crate::query::Range;
use crate::query::calls::{self, Filter};
use crate::query::export::{self, Row, Scope};
use crate::{page, query};

/// Rows that are read at a time, and about how many bytes of them.
const PART: usize = 500;
const PART_BYTES: usize = 1 << 20;
/// Calls that are read at a time. Each may have some kilobytes of an intent and an error.
const PART_CALLS: usize = 100;
/// How long an export waits for whoever gets it: others may have its turn then.
const STALLED: Duration = Duration::from_secs(60);

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
    let turn = audited(look, "calls", filter.user.as_deref()).await?;
    let (project, period) = (look.project.id, look.period);
    let mut head = String::new();
    csv::row(&mut head, page::calls::FIELDS);
    let body = parts(look.web.clone(), turn, head, move |db, after| {
        let (rows, older) = calls::part(db, project, &period, &filter, after, PART_CALLS)?;
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
    let turn = audited(look, "people", None).await?;
    let (project, period) = (look.project.id, look.period);
    let mut head = String::new();
    csv::row(&mut head, page::people::FIELDS);
    // Their order is that of sums, which are made once.
    let found = look.web.app.store.read(move |db| {
        let found = query::people::find(db, project, &period, &filter)?;
        Ok((found, filter))
    });
    let (found, filter) = found.await?;
    let body = parts(
        look.web.clone(),
        turn,
        head,
        move |db, from: Option<usize>| {
            let (from, until) = (from.unwrap_or(0), from.unwrap_or(0) + PART);
            let mut part = String::new();
            for person in found.part(db, project, &period, &filter, from..until)? {
                let fields = page::people::fields(&person);
                csv::row(&mut part, fields.iter().map(String::as_str));
            }
            Ok((part, (until < found.len()).then_some(until)))
        },
    );
    Ok(file("people.csv", Format::Csv, body))
}

/// Lets administrators alone export, and writes down what, and of whom.
async fn audited(
    look: &Look,
    what: &str,
    user: Option<&str>,
) -> Result<OwnedSemaphorePermit, Failure> {
    if !look.is_admin() {
        return Err(Failure::because(
            StatusCode::FORBIDDEN,
            "An administrator exports. You may look.",
        ));
    }
    let turn = turn(look)?;
    let action = format!("exported {what} of {}", look.period.range.word());
    look.audit(action, user.unwrap_or_default()).await?;
    Ok(turn)
}

/// A turn to export, which few have at a time.
fn turn(look: &Look) -> Result<OwnedSemaphorePermit, Failure> {
    let turn = Arc::clone(&look.web.exports).try_acquire_owned();
    turn.map_err(|_| {
        Failure::because(
            StatusCode::SERVICE_UNAVAILABLE,
            "Other exports are under way. Try again once they are done.",
        )
    })
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
    let turn = turn(look)?;
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
    let body = parts(look.web.clone(), turn, head, move |db, after| {
        let (rows, more) = export::rows(db, &scope, after, PART, PART_BYTES)?;
        let mut part = String::new();
        for row in &rows {
            write(&mut part, row, format);
        }
        let more = rows.last().filter(|_| more);
        Ok((part, more.map(Row::key)))
    });
    Ok(file(&name, format, body))
}

/// Streams a head and then part after part, each read when the one before is on its way: `read` says what the next
/// one begins after. The turn is over once all of it is on its way.
fn parts<K: Copy + Send + 'static>(
    web: Web,
    turn: OwnedSemaphorePermit,
    head: String,
    read: impl Fn(&Connection, Option<K>) -> rusqlite::Result<(String, Option<K>)>
    + Send
    + Sync
    + 'static,
) -> Body {
    let (sender, receiver) = mpsc::channel(2);
    let broke_off = Arc::new(AtomicBool::new(false));
    let stalled = Arc::clone(&broke_off);
    let read = Arc::new(read);
    tokio::spawn(async move {
        let _turn = turn;
        if sender.send(Ok(Bytes::from(head))).await.is_err() {
            return;
        }
        let mut after = None;
        loop {
            let read = Arc::clone(&read);
            match web.app.store.read(move |db| read(db, after)).await {
                Ok((part, more)) => {
                    let sent = sender.send_timeout(Ok(Bytes::from(part)), STALLED).await;
                    if let Err(SendTimeoutError::Timeout(_)) = sent {
                        stalled.store(true, Ordering::Relaxed);
                        return;
                    }
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
    Body::from_stream(Receiving {
        parts: receiver,
        broke_off,
    })
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

struct Receiving {
    parts: mpsc::Receiver<std::io::Result<Bytes>>,
    /// Whether the end of the parts is not that of the export.
    broke_off: Arc<AtomicBool>,
}

impl Stream for Receiving {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = ready!(self.parts.poll_recv(cx));
        let broke_off = part.is_none() && self.broke_off.swap(false, Ordering::Relaxed);
        Poll::Ready(match broke_off {
            true => Some(Err(std::io::Error::other("broke off"))),
            false => part,
        })
    }
}

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
use crate::query::whom::{About, Whom};
use crate::{page, query};

/// Rows that are read at a time, and about how many bytes of them.
const PART: usize = 500;
const PART_BYTES: usize = 1 << 20;
/// Calls that are read at a time. Each may have some kilobytes of an intent and an error.
const PART_CALLS: usize = 100;
/// In place of a range: whatever is kept.
const ALL: &str = "all";
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
    let turn = audited(look, "calls", filter.whom()).await?;
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
    let turn = audited(look, "people", filter.whom()).await?;
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
async fn audited(look: &Look, what: &str, whom: Whom) -> Result<OwnedSemaphorePermit, Failure> {
    if !look.is_admin() {
        return Err(Failure::because(
            StatusCode::FORBIDDEN,
            "An administrator exports. You may look.",
        ));
    }
    turn(look, what, look.period.range.word(), whom).await
}

/// A turn to export, which few have at a time, once it is written down what is exported, and of whom.
async fn turn(
    look: &Look,
    what: &str,
    range: &str,
    whom: Whom,
) -> Result<OwnedSemaphorePermit, Failure> {
    let turn = Arc::clone(&look.web.exports).try_acquire_owned();
    let turn = turn.map_err(|_| {
        Failure::because(
            StatusCode::SERVICE_UNAVAILABLE,
            "Other exports are under way. Try again once they are done.",
        )
    })?;
    let subject = match look.about(whom).await? {
        Some(About::One(who)) => who,
        Some(About::Several) | None => String::new(),
    };
    let action = format!("exported {what} of {range}");
    look.audit(action, subject).await?;
    Ok(turn)
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
    let look = &change.look;
    let range = change.said("range");
    let (from, until) = match Range::of_word(range) {
        Some(range) => {
            let period = range.until(look.web.app.now_ms());
            (period.from, period.until)
        }
        None if range == ALL => (0, i64::MAX),
        None => return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY)),
    };
    let user = Some(change.said("user")).filter(|user| !user.is_empty());
    let scope = Scope {
        project: look.project.id,
        from,
        until,
        user: user.map(str::to_owned),
    };
    let whom = Whom {
        user: scope.user.clone(),
        ..Whom::default()
    };
    let turn = turn(look, "events", range, whom).await?;
    let name = format!("usage-{}-{range}.{}", look.project.id, format.name());
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
    let broken = Arc::clone(&broke_off);
    let read = Arc::new(read);
    tokio::spawn(async move {
        let _turn = turn;
        if sender.send(Bytes::from(head)).await.is_err() {
            return;
        }
        let mut after = None;
        loop {
            let read = Arc::clone(&read);
            match web.app.store.read(move |db| read(db, after)).await {
                Ok((part, more)) => {
                    let sent = sender.send_timeout(Bytes::from(part), STALLED).await;
                    if let Err(SendTimeoutError::Timeout(_)) = sent {
                        broken.store(true, Ordering::Relaxed);
                        return;
                    }
                    if sent.is_err() || more.is_none() {
                        return;
                    }
                    after = more;
                }
                Err(error) => {
                    tracing::error!(%error, "an export broke off");
                    // So that whoever gets it sees that it is not whole. What was sent before may still wait.
                    broken.store(true, Ordering::Relaxed);
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
    parts: mpsc::Receiver<Bytes>,
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
            false => part.map(Ok),
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio::sync::{Semaphore, broadcast};
    use tokio::time::timeout;

    use super::*;
    use crate::app::{App, Config};
    use crate::store::{Options, Store};
    use crate::web::site::Site;

    /// What an export of these parts sends to somebody who takes nothing until its turn is another's.
    async fn taken_late(
        name: &str,
        read: impl Fn(&Connection, Option<usize>) -> rusqlite::Result<(String, Option<usize>)>
        + Send
        + Sync
        + 'static,
    ) -> Vec<Result<Bytes, String>> {
        let name = format!("usage_export-{}-{name}.db", std::process::id());
        let path = std::env::temp_dir().join(name);
        let store = Store::open(&path, Options::default()).unwrap();
        let exports = Arc::new(Semaphore::new(1));
        let web = Web {
            app: Arc::new(App::new(Config::default(), store)),
            site: Arc::new(Site::new("127.0.0.1:1".parse().unwrap(), None, false).unwrap()),
            streams: Arc::clone(&exports),
            exports: Arc::clone(&exports),
            ended: broadcast::Sender::new(1),
        };
        let turn = Arc::clone(&exports).try_acquire_owned().unwrap();
        let mut body = parts(web.clone(), turn, "head".to_owned(), read);
        let turn = timeout(STALLED * 2, exports.acquire()).await;
        assert!(turn.is_ok(), "its turn does not end");
        let mut sent = Vec::new();
        while let Some(frame) = body.frame().await {
            let data = frame.map(|frame| frame.into_data().unwrap());
            sent.push(data.map_err(|error| error.to_string()));
        }
        web.app.store.close().await;
        for end in ["", "-wal", "-shm"] {
            let mut file = path.clone().into_os_string();
            file.push(end);
            let _ = std::fs::remove_file(file);
        }
        sent
    }

    fn expected(parts: &[&'static str]) -> Vec<Result<Bytes, String>> {
        let parts = parts
            .iter()
            .map(|part| Ok(Bytes::from_static(part.as_bytes())));
        parts.chain([Err("broke off".to_owned())]).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_export_that_nobody_takes_gives_its_turn_back_and_is_not_taken_for_whole() {
        let sent = taken_late("stalled", |_, _| Ok(("part".to_owned(), Some(1)))).await;
        assert_eq!(sent, expected(&["head", "part"]));
    }

    #[tokio::test(start_paused = true)]
    async fn an_export_that_fails_gives_its_turn_back_though_nobody_takes_what_there_is() {
        let read = |_: &Connection, after: Option<usize>| match after {
            None => Ok(("part".to_owned(), Some(1))),
            Some(_) => Err(rusqlite::Error::InvalidQuery),
        };
        let sent = taken_late("failed", read).await;
        assert_eq!(sent, expected(&["head", "part"]));
    }
}

//! Streams of server-sent events: what comes in, and the lights of a project without events.
//!
//! A stream ends when its session does, when the browser goes, and when the server ends. How many there are is bounded,
//! and so is what one sends at a time.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_core::Stream;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{interval, sleep};

use super::look::Look;
use super::{Failure, Web, session};
use crate::live::LiveEvent;
use crate::page::connect;
use crate::page::frame::Page;
use crate::page::live::{self, Filter, Told};
use crate::query::connect::lights;

/// How many rows are sent at a time: the page keeps as many.
const MAX_ROWS: usize = 200;
/// How often rows are sent at most: an event is seen soon, and a flood of them costs little.
const PAUSE: Duration = Duration::from_millis(250);
/// How often a stream asks whether its session still is one.
const CHECK_EVERY: Duration = Duration::from_secs(60);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How soon a browser comes back.
const RETRY: Duration = Duration::from_secs(2);

/// Stands before the ids of events, which begin anew with each start of the server.
static START: LazyLock<String> = LazyLock::new(|| {
    let bytes = crate::store::random_bytes::<4>().unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
});

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/p/{project}/live/events", get(events))
        .route("/p/{project}/connect/events", get(connected))
}

/// The id that the stream of a page goes on behind.
pub(super) fn id(event: u64) -> String {
    format!("{}-{event}", *START)
}

/// The event that an id names; 0 for one of before the server started.
fn event_of(id: &str) -> u64 {
    let event = id.split_once('-').filter(|(start, _)| *start == *START);
    event
        .and_then(|(_, event)| event.parse().ok())
        .unwrap_or_default()
}

async fn events(look: Look, headers: HeaderMap) -> Result<Response, Failure> {
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let mut seen = event_of(seen.or(look.asked("after")).unwrap_or_default());
    let filter = Filter::of(look.asked("outcome"), look.asked("q"));
    let frame = look.frame_without_figures(Page::Live);
    let (project, app) = (look.project.id, look.web.app.clone());
    let mut changed = app.live.changed();
    let (mut told, watcher) = (Told::default(), look.clone());
    open(look, move |sender| async move {
        loop {
            changed.mark_unchanged();
            // The browser comes back where it was.
            let Ok(news) = app.newest(project, seen).await else {
                return;
            };
            seen = news.last().map_or(seen, |event| event.id);
            let mut rows: Vec<_> = news.iter().filter(|event| filter.lets(event)).collect();
            rows.drain(..rows.len().saturating_sub(MAX_ROWS));
            let shown: Vec<&LiveEvent> = rows.iter().map(|event| event.as_ref()).collect();
            if let Some((action, subject)) = told.news(&filter, &shown)
                && watcher.audit_once(action, &subject).await.is_err()
            {
                return;
            }
            if !rows.is_empty() {
                // The page puts each row before those that it has.
                let rows = rows
                    .iter()
                    .map(|event| live::row(&frame, event).into_string());
                let rows = rows.collect::<String>().replace('\r', " ");
                let message = Event::default().id(id(seen)).data(rows);
                if sender.send(message).await.is_err() {
                    return;
                }
            }
            sleep(PAUSE).await;
            if changed.changed().await.is_err() {
                return;
            }
        }
    })
}

async fn connected(look: Look) -> Result<Response, Failure> {
    let (project, app) = (look.project.id, look.web.app.clone());
    let mut changed = app.live.changed();
    open(look, move |sender| async move {
        let mut on = [false; 4];
        loop {
            changed.mark_unchanged();
            let Ok(lights) = app.store.read(move |db| lights(db, project)).await else {
                return;
            };
            let done = lights.are_all_on();
            for ((light, _, said), was_on) in connect::said(&lights).into_iter().zip(&mut on) {
                let Some(said) = said.filter(|_| !*was_on) else {
                    continue;
                };
                *was_on = true;
                let message = serde_json::json!({"light": light, "said": said});
                if sender.send(json(&message)).await.is_err() {
                    return;
                }
            }
            if done {
                let _ = sender.send(json(&serde_json::json!({"done": true}))).await;
                return;
            }
            sleep(PAUSE).await;
            if changed.changed().await.is_err() {
                return;
            }
        }
    })
}

fn json(message: &serde_json::Value) -> Event {
    Event::default().data(message.to_string())
}

/// Opens a stream of what `tell` sends, for as long as it may be open.
fn open<F>(
    look: Look,
    tell: impl FnOnce(mpsc::Sender<Event>) -> F + Send + 'static,
) -> Result<Response, Failure>
where
    F: Future<Output = ()> + Send + 'static,
{
    let turn = look.web.streams.clone().try_acquire_owned();
    let turn = turn.map_err(|_| {
        Failure::because(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many pages of this kind are open.",
        )
    })?;
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        let closed = sender.clone();
        let _ = sender.send(Event::default().retry(RETRY)).await;
        tokio::select! {
            () = tell(sender) => {}
            () = over(&look) => {}
            () = closed.closed() => {}
        }
    });
    let stream = Receiving {
        receiver,
        _turn: turn,
    };
    let stream = Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Proxies that collect an answer before they pass it on are asked not to.
    Ok(([("x-accel-buffering", "no")], stream).into_response())
}

/// Resolves when the session has ended, or the server is about to.
async fn over(look: &Look) {
    let web = &look.web;
    let hash = look.visitor.session.hash;
    let (mut ended, mut ending) = (web.ended.subscribe(), web.app.ending());
    let mut check = interval(CHECK_EVERY);
    loop {
        let must_check = tokio::select! {
            ended = ended.recv() => match ended {
                Ok(ended) if ended == hash => return,
                Ok(_) => false,
                Err(RecvError::Lagged(_)) => true,
                Err(RecvError::Closed) => return,
            },
            _ = ending.wait_for(|ending| *ending) => return,
            _ = check.tick() => true,
        };
        if must_check {
            let now = web.app.now_ms();
            let found = web.app.store.read(move |db| session::find(db, &hash, now));
            if !matches!(found.await, Ok(Some(_))) {
                return;
            }
        }
    }
}

/// What a channel gives, as a stream.
struct Receiving {
    receiver: mpsc::Receiver<Event>,
    /// Given back with the stream.
    _turn: OwnedSemaphorePermit,
}

impl Stream for Receiving {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(cx).map(|event| event.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_start_begins_anew() {
        assert_eq!(event_of(&id(7)), 7);
        for other in ["", "7", "0-7", "-", "deadbeef-7x"] {
            assert_eq!(event_of(other), 0, "{other}");
        }
    }
}

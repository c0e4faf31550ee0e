//! What servers send: three wires in, records out, and an answer once they are committed.

mod bounds;
mod door;
mod event;
mod mcpeye;
mod otlp;
mod protobuf;
mod redaction;
mod reo;
mod source;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use mcp_usage::Redactor;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use serde::Serialize;

pub use door::{Door, Limits};

use crate::app::App;
use crate::live::MAX_EVENTS as LIVE_EVENTS;
use crate::record::{AHEAD_MS, Record};
use crate::store::forget::{Asked, Forgotten, forget_as_asked, key_request};
use crate::store::insert::{Inserted, insert};
use crate::store::projects::{self, Opened};
use crate::store::{Incoming, LossReport, Taken, WriteError};
use door::{Encoding, Refusal, Room, retry_after};
use event::{Fault, Said, Window};

/// A smaller body is parsed where its request is served: a thread of its own would cost more.
const SMALL_BODY: usize = 16 * 1024;

const PROTOBUF: &str = "application/x-protobuf";

/// A format that events come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wire {
    Reo,
    Mcpeye,
    Otlp,
}

impl Wire {
    pub const ALL: [Self; 3] = [Self::Reo, Self::Mcpeye, Self::Otlp];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Reo => "reo",
            Self::Mcpeye => "mcpeye",
            Self::Otlp => "otlp",
        }
    }

    /// Reads a request's body. An error says what is wrong with all of it.
    fn parse(self, body: &[u8], rules: Rules<'_>) -> Result<Parsed, String> {
        match self {
            Self::Reo => reo::parse(body, rules),
            Self::Mcpeye => mcpeye::parse(body, rules),
            Self::Otlp => otlp::parse(body, rules),
        }
    }

    fn check_content_type(self, headers: &HeaderMap) -> Result<(), Refusal> {
        let given = headers.get(CONTENT_TYPE);
        let given = given
            .and_then(|given| given.to_str().ok())
            .unwrap_or_default();
        let kind = given.split(';').next().unwrap_or_default().trim();
        let is = |expected: &str| kind.eq_ignore_ascii_case(expected);
        let refuse = |text: &str| Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        match self {
            Self::Otlp if is(PROTOBUF) => Ok(()),
            Self::Otlp if is("application/json") => {
                refuse("OTLP in JSON is not taken: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf")
            }
            Self::Otlp => refuse("Content-Type: expected application/x-protobuf"),
            Self::Reo | Self::Mcpeye if is("application/json") => Ok(()),
            Self::Reo | Self::Mcpeye => refuse("Content-Type: expected application/json"),
        }
    }
}

/// What becomes of each event of a request.
#[derive(Debug, Clone, Copy)]
struct Rules<'r> {
    window: Window,
    /// Where the project has its events redacted.
    redactor: Option<&'r Redactor>,
}

/// What a request holds.
#[derive(Debug)]
struct Parsed {
    /// Of the body, decompressed.
    bytes: usize,
    is_batch: bool,
    records: Vec<Record>,
    /// The sender's id of each record.
    event_ids: Vec<Option<i64>>,
    rejected: Vec<Rejection>,
    refused: BTreeMap<&'static str, u64>,
    losses: Vec<LossReport>,
    forget: Vec<Forget>,
    /// Events that are no records and were done what they say.
    accepted_otherwise: u64,
    /// Spans that are no usage.
    ignored: u64,
    /// How much memory bodies may take still, and how many tools listings may name.
    memory: usize,
    listed: usize,
}

/// Asks to forget somebody.
#[derive(Debug)]
struct Forget {
    /// Ids and addresses.
    people: Vec<String>,
    /// Of the ids, as the sender says.
    kind: String,
    /// When it was asked for, the last millisecond of its second.
    at_ms: i64,
    /// The event itself, about nobody: it has come, and it comes once.
    mark: Option<Record>,
}

/// An event that is not taken.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Rejection {
    event_id: Option<i64>,
    reason: String,
    retry: bool,
}

/// How many faults an answer names. A sender that gets all of them wrong has no use for thousands.
const MAX_REJECTIONS_WITH_TEXT: usize = 1_000;

impl Default for Parsed {
    fn default() -> Self {
        Self {
            bytes: 0,
            is_batch: false,
            records: Vec::new(),
            event_ids: Vec::new(),
            rejected: Vec::new(),
            refused: BTreeMap::new(),
            losses: Vec::new(),
            forget: Vec::new(),
            accepted_otherwise: 0,
            ignored: 0,
            memory: bounds::MAX_REQUEST_MEMORY,
            listed: bounds::MAX_LISTED,
        }
    }
}

impl Parsed {
    /// About how much memory it takes: its texts, its records, and what their bodies take beside the texts.
    const fn held(&self) -> usize {
        let bodies = bounds::MAX_REQUEST_MEMORY - self.memory;
        self.bytes + bodies + self.records.len() * size_of::<Record>()
    }

    /// Adds an event, redacted and bounded: at no time are there two that are not.
    fn add(&mut self, said: Said, event_id: Option<i64>, rules: Rules<'_>) {
        match said.into_record(rules.window) {
            Ok(mut record) => {
                // Before it is cut: half of a secret is no longer found.
                if let Some(redactor) = rules.redactor {
                    redaction::redact(&mut record, redactor);
                }
                bounds::record(&mut record, &mut self.memory);
                record.listed.truncate(self.listed);
                self.listed -= record.listed.len();
                self.records.push(record);
                self.event_ids.push(event_id);
            }
            Err(fault) => self.reject(event_id, fault),
        }
    }

    fn reject(&mut self, event_id: Option<i64>, fault: Fault) {
        *self.refused.entry(fault.reason).or_default() += 1;
        let reason = match self.rejected.len() < MAX_REJECTIONS_WITH_TEXT {
            true => format!("{}: {}", fault.reason, fault.text),
            false => fault.reason.to_owned(),
        };
        self.rejected.push(Rejection {
            event_id,
            reason,
            retry: false,
        });
    }
}

/// The addresses that servers send to, below the base path.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/api/product/usage",
            post(|app, request| take(Wire::Reo, app, request)),
        )
        .route(
            "/ingest",
            post(|app, request| take(Wire::Mcpeye, app, request)),
        )
        .route(
            "/v1/traces",
            post(|app, request| take(Wire::Otlp, app, request)),
        )
}

async fn take(wire: Wire, State(app): State<Arc<App>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let answer = match answer(wire, &app, &head.headers, body).await {
        Ok(answer) => answer,
        Err(refusal) => refused(wire, &refusal),
    };
    app.counts.request(wire, answer.status().as_u16());
    answer
}

async fn answer(
    wire: Wire,
    app: &Arc<App>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let opened = app.door.open(&app.store, headers).await?;
    app.door.pace(opened.key)?;
    wire.check_content_type(headers)?;
    let encoding = Encoding::of(headers)?;
    let (body, mut room) = app.door.body(opened.project.id, headers, body).await?;
    let received_ms = app.now_ms();
    let window = Window {
        oldest_ms: opened
            .project
            .kept_from_ms(received_ms)
            .max(opened.removed_until_ms),
        received_ms,
    };
    let bytes = body.len();
    let read = Reading {
        wire,
        encoding,
        limit: app.door.body_limit(),
        window,
        redacts: opened.project.redact,
    };
    let (mut parsed, room) = if bytes < SMALL_BODY && encoding == Encoding::Plain {
        read.read(&body, &mut room).map(|parsed| (parsed, room))
    } else {
        let turn = app.door.turn().await;
        let read = tokio::task::spawn_blocking(move || {
            let parsed = read.read(&body, &mut room);
            drop(turn);
            parsed.map(|parsed| (parsed, room))
        });
        let broke_off = |_| Err(Fault::malformed("could not be read").into());
        read.await.unwrap_or_else(broke_off)
    }
    .map_err(|refusal| match refusal.status {
        StatusCode::PAYLOAD_TOO_LARGE => app.door.too_large(),
        _ => refusal,
    })?;
    let batch = Incoming {
        project: opened.project.id,
        received_ms,
        bytes: parsed.held(),
        records: std::mem::take(&mut parsed.records),
        losses: std::mem::take(&mut parsed.losses),
        refused: parsed.refused.iter().map(|(why, n)| (*why, *n)).collect(),
    };
    let taken = app.store.take(batch).await?;
    drop(room);
    touch(app, &opened, received_ms).await;
    let count = settle(&mut parsed, &taken);
    show(app, opened.project.id, received_ms, taken);
    let asked = std::mem::take(&mut parsed.forget);
    forget(app, opened.project.id, received_ms, asked).await?;
    Ok(accepted(wire, &parsed, count))
}

/// Forgets all whom a request asks for, and keeps the events that ask: in one transaction, so that one which failed is done
/// as a whole when it comes again.
async fn forget(
    app: &Arc<App>,
    project: i64,
    received_ms: i64,
    asked: Vec<Forget>,
) -> Result<(), Refusal> {
    if asked.is_empty() {
        return Ok(());
    }
    let forgotten = app.forget_by(project, move |tx| {
        let mut all = Forgotten::default();
        let mut marks = Vec::new();
        for Forget {
            people,
            kind,
            at_ms,
            mut mark,
        } in asked
        {
            let is_known = match &mut mark {
                Some(mark) => key_request(tx, project, mark)?,
                None => false,
            };
            // What somebody has done since they were forgotten is theirs: a copy that comes late takes it from nobody.
            for who in people.iter().filter(|_| !is_known) {
                let asked = Asked {
                    who,
                    kind: Some(&kind),
                    // By the clock that dated the events, as far as that may be ahead.
                    until_ms: at_ms.min(received_ms + AHEAD_MS),
                    is_all: false,
                };
                let forgotten = forget_as_asked(tx, project, asked, received_ms, "a sender")?;
                all.and(forgotten);
            }
            marks.extend(mark);
        }
        insert(tx, project, received_ms, &marks)?;
        Ok(all)
    });
    let unavailable = |error: WriteError| Refusal::unavailable(error.to_string());
    forgotten.await.map_err(unavailable)?;
    Ok(())
}

/// How a body is to be read.
#[derive(Debug, Clone, Copy)]
struct Reading {
    wire: Wire,
    encoding: Encoding,
    limit: usize,
    window: Window,
    redacts: bool,
}

impl Reading {
    fn read(self, body: &Bytes, room: &mut Room) -> Result<Parsed, Refusal> {
        let bad = |text: String| Refusal::new(StatusCode::BAD_REQUEST, text);
        let body = self
            .encoding
            .decode(body, self.limit)
            .map_err(|error| bad(format!("the body is not valid gzip: {error}")))?
            .ok_or_else(|| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, ""))?;
        room.grow(body.len())?;
        let redactor = self.redacts.then(Redactor::default);
        let rules = Rules {
            window: self.window,
            redactor: redactor.as_ref(),
        };
        let mut parsed = self.wire.parse(&body, rules).map_err(bad)?;
        parsed.bytes = body.len();
        Ok(parsed)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::new(StatusCode::BAD_REQUEST, fault.text)
    }
}

/// Adds what the store has refused; returns how many events were taken.
fn settle(parsed: &mut Parsed, taken: &Taken) -> u64 {
    let mut count = parsed.accepted_otherwise;
    let ids = std::mem::take(&mut parsed.event_ids);
    for (event_id, inserted) in ids.into_iter().zip(&taken.inserted) {
        match inserted {
            Inserted::New(_) | Inserted::Repeated => count += 1,
            Inserted::Forgotten => parsed.rejected.push(Rejection {
                event_id,
                reason: "forgotten: about somebody who was forgotten".to_owned(),
                retry: false,
            }),
        }
    }
    count
}

/// Shows new events to who watches.
fn show(app: &App, project: i64, received_ms: i64, taken: Taken) {
    let new = taken.inserted.into_iter().zip(taken.records);
    let new: Vec<_> = new
        .filter_map(|(inserted, record)| Some((inserted.row()?, record)))
        .collect();
    let hidden = new.len().saturating_sub(LIVE_EVENTS);
    app.live
        .add(project, received_ms, new.into_iter().skip(hidden));
}

/// Writes now and then that a key was used. Should that fail, it is written with a later request.
async fn touch(app: &App, opened: &Opened, now_ms: i64) {
    if app.door.is_to_touch(opened.key) {
        let key = opened.key;
        let touched = app
            .store
            .write(move |tx| projects::touch_keys(tx, &[key], now_ms));
        if let Err(error) = touched.await {
            tracing::warn!(%error, "the use of a key could not be noted");
        }
    }
}

#[derive(Serialize)]
struct Answer<'p> {
    accepted: u64,
    rejected: &'p [Rejection],
}

/// The answer to a request that was taken, each event or all but some.
fn accepted(wire: Wire, parsed: &Parsed, count: u64) -> Response {
    match wire {
        Wire::Otlp => {
            let rejected = parsed.rejected.len();
            let partial_success = parsed
                .rejected
                .first()
                .map(|first| ExportTracePartialSuccess {
                    rejected_spans: i64::try_from(rejected).unwrap_or(i64::MAX),
                    error_message: first.reason.clone(),
                });
            protobuf(
                StatusCode::OK,
                ExportTraceServiceResponse { partial_success }.encode_to_vec(),
            )
        }
        Wire::Reo | Wire::Mcpeye => {
            let is_refused = !parsed.is_batch && !parsed.rejected.is_empty();
            let status = match is_refused {
                true => StatusCode::UNPROCESSABLE_ENTITY,
                false => StatusCode::OK,
            };
            let answer = Answer {
                accepted: count,
                rejected: &parsed.rejected,
            };
            (status, axum::Json(answer)).into_response()
        }
    }
}

#[derive(Serialize)]
struct ErrorAnswer<'r> {
    error: &'r str,
}

/// The answer to a request of which nothing was taken.
fn refused(wire: Wire, refusal: &Refusal) -> Response {
    let mut answer = match wire {
        Wire::Otlp if refusal.status != StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            // `google.rpc.Status`, whose second field is the message.
            let mut status = Vec::new();
            prost::encoding::string::encode(2, &refusal.text, &mut status);
            protobuf(refusal.status, status)
        }
        Wire::Otlp => (refusal.status, refusal.text.clone()).into_response(),
        Wire::Reo | Wire::Mcpeye => {
            let error = ErrorAnswer {
                error: &refusal.text,
            };
            (refusal.status, axum::Json(error)).into_response()
        }
    };
    if let Some((name, seconds)) = retry_after(refusal)
        && let Ok(seconds) = HeaderValue::from_str(&seconds)
    {
        answer.headers_mut().insert(name, seconds);
    }
    answer
}

fn protobuf(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, PROTOBUF)], body).into_response()
}

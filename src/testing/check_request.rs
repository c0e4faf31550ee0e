//! What the mock ingest makes of one request: which wire it is, which events it holds, what is wrong with it, and what
//! the answer to it says. Pure: no sockets, no state.

use std::borrow::Cow;
use std::time::Instant;

use memchr::memmem;
use serde_json::{Value, json};

use super::answer::{Answer, Body, Rejection};
use super::contract::{self, ReceivedWire, Violation};
use super::http::{Content, Framing, Head};
use super::received::ReceivedEvent;

/// What the ingest asks of a request.
#[derive(Clone, Default)]
pub(super) struct Rules {
    pub(super) api_key: Option<String>,
    pub(super) max_body_bytes: Option<usize>,
    pub(super) max_body_events: Option<usize>,
    pub(super) unchecked: bool,
}

/// A request, looked at.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) wire: Option<ReceivedWire>,
    /// The events of the body, none where they are only counted.
    pub(super) events: Vec<ReceivedEvent>,
    pub(super) event_count: usize,
    pub(super) violation: Option<Violation>,
    /// A status and the reason for it, when the request is not to be taken.
    pub(super) refusal: Option<(u16, String)>,
}

impl Rules {
    pub(super) fn judge(&self, head: &Head, body: &[u8]) -> Judgement {
        if let Some(refusal) = method_refusal(head) {
            // Not meant as events, so the contract has nothing to say.
            return Judgement::of_no_event(None, Some(refusal));
        }
        let decoded = match content_coding(head).map(|coding| decode(coding, body)) {
            None => Cow::Borrowed(body),
            Some(Ok(decoded)) => Cow::Owned(decoded),
            Some(Err((status, reason))) => {
                let guess = wire_by_path(head);
                let refusal = self.key_refusal(head, guess).unwrap_or((status, reason));
                return Judgement::of_no_event(None, Some(refusal));
            }
        };
        let body = decoded.as_ref();
        let mut judgement = if self.unchecked {
            count(head, body)
        } else {
            read(head, body)
        };
        judgement.refusal = self
            .key_refusal(head, judgement.wire.or_else(|| wire_by_path(head)))
            .or_else(|| self.size_refusal(body.len(), judgement.event_count))
            .or_else(|| {
                judgement
                    .violation
                    .as_ref()
                    .map(|violation| (400, violation.to_string()))
            });
        judgement
    }

    fn key_refusal(&self, head: &Head, wire: Option<ReceivedWire>) -> Option<(u16, String)> {
        let expected = self.api_key.as_deref()?;
        let name = if wire == Some(ReceivedWire::Mcpeye) {
            "x-mcpeye-secret"
        } else {
            "x-api-key"
        };
        match head.header(name) {
            Some(given) if given == expected => None,
            // The reason travels back to the sender and into its logs, so it holds neither key.
            Some(_) => Some((401, format!("{name}: is not the key of this ingest"))),
            None => Some((401, format!("{name}: is missing"))),
        }
    }

    /// The refusal of a body by the length its head announces.
    pub(super) fn refusal_of_length(&self, framing: Framing) -> Option<Answer> {
        let Framing::Length(length) = framing else {
            return None;
        };
        self.size_refusal(length, 0)
            .map(|(status, reason)| Answer::refusal(status, reason))
    }

    fn size_refusal(&self, bytes: usize, events: usize) -> Option<(u16, String)> {
        let over = |size: usize, limit: Option<usize>| limit.filter(|&limit| size > limit);
        if let Some(limit) = over(bytes, self.max_body_bytes) {
            return Some((413, format!("body: has {bytes} bytes, more than {limit}")));
        }
        let limit = over(events, self.max_body_events)?;
        Some((413, format!("body: has {events} events, more than {limit}")))
    }
}

impl Judgement {
    pub(super) fn of_no_event(
        violation: Option<Violation>,
        refusal: Option<(u16, String)>,
    ) -> Self {
        Self {
            wire: None,
            events: Vec::new(),
            event_count: 0,
            violation,
            refusal,
        }
    }

    /// The answer to this request, given the one that was scripted for it.
    ///
    /// A refusal replaces what it answers, and keeps when: a slow server is also slow to refuse.
    pub(super) fn answer(&self, scripted: Answer) -> Answer {
        match &self.refusal {
            Some((status, reason)) if scripted.yields_to_checks() => Answer {
                delay: scripted.delay,
                held: scripted.held,
                close: scripted.close,
                ..Answer::refusal(*status, reason)
            },
            _ => scripted,
        }
    }

    /// For each event, whether this answer takes it.
    pub(super) fn verdicts(&self, answer: &Answer) -> Vec<bool> {
        let takes = |(index, event): (usize, &ReceivedEvent)| {
            answer.accepts()
                && !self
                    .rejection(answer)
                    .is_some_and(|rejection| rejection.covers(index, event))
        };
        self.events.iter().enumerate().map(takes).collect()
    }

    /// What the answer says.
    pub(super) fn content(&self, answer: &Answer) -> Content {
        let text = match &answer.body {
            Body::Bytes(bytes) => return Content::Bytes(bytes.clone()),
            Body::Filler(length) => return Content::Filler(*length),
            Body::Fitting if !answer.accepts() => {
                json!({ "error": answer.refusal.as_deref().unwrap_or("scripted") })
            }
            Body::Fitting => match self.wire {
                Some(ReceivedWire::ReoBatch) => self.batch_content(answer),
                Some(ReceivedWire::Mcpeye) => json!({ "accepted": self.event_count }),
                Some(ReceivedWire::Reo) | None => json!({}),
            },
        };
        Content::Bytes(text.to_string().into_bytes())
    }

    fn batch_content(&self, answer: &Answer) -> Value {
        let mut rejected = Vec::new();
        if let Some(rejection) = self.rejection(answer) {
            let turned_down = self
                .events
                .iter()
                .enumerate()
                .filter(|(index, event)| rejection.covers(*index, event));
            for (_, event) in turned_down {
                let id = event.json.get("event_id");
                rejected.push(
                    json!({ "event_id": id, "reason": "scripted", "retry": rejection.retry }),
                );
            }
        }
        json!({ "accepted": self.event_count - rejected.len(), "rejected": rejected })
    }

    fn rejection<'a>(&self, answer: &'a Answer) -> Option<&'a Rejection> {
        answer
            .rejection
            .as_ref()
            .filter(|_| self.wire == Some(ReceivedWire::ReoBatch))
    }
}

impl Rejection {
    fn covers(&self, index: usize, event: &ReceivedEvent) -> bool {
        let id = event.json.get("event_id").and_then(Value::as_i64);
        index < self.first || id.is_some_and(|id| self.ids.contains(&id))
    }
}

/// Parses and checks a body, and takes the events out of it.
fn read(head: &Head, body: &[u8]) -> Judgement {
    let (wire, parsed) = match contract::parse(body) {
        Ok(value) => (ReceivedWire::of(&value), Ok(value)),
        Err(violation) => (None, Err(violation)),
    };
    let checked = check_head(head, wire).and(match (&parsed, wire) {
        (Err(violation), _) => Err(violation.clone()),
        (Ok(_), None) => Err(Violation::new(
            "body",
            "is of no known wire: it has neither payload nor projectId",
        )),
        (Ok(value), Some(wire)) => {
            contract::check_size(body.len(), wire).and_then(|()| contract::check_value(value, wire))
        }
    });
    let events = match (parsed, wire) {
        (Ok(value), Some(wire)) => events_of(value, wire),
        _ => Vec::new(),
    };
    Judgement {
        wire,
        event_count: events.len(),
        events,
        violation: checked.err(),
        refusal: None,
    }
}

/// Counts the events of a body without parsing it.
fn count(head: &Head, body: &[u8]) -> Judgement {
    let wire = match body {
        _ if wire_by_path(head) == Some(ReceivedWire::Mcpeye) => ReceivedWire::Mcpeye,
        body if body.starts_with(br#"{"payload":["#) => ReceivedWire::ReoBatch,
        _ => ReceivedWire::Reo,
    };
    // The quotes are part of what is searched for: inside a string they would be escaped, so only a key matches.
    let event_count = match wire {
        ReceivedWire::Reo => 1,
        ReceivedWire::ReoBatch => memmem::find_iter(body, br#""event_id":"#).count(),
        ReceivedWire::Mcpeye => memmem::find_iter(body, br#""callId":"#).count(),
    };
    Judgement {
        wire: Some(wire),
        events: Vec::new(),
        event_count,
        violation: None,
        refusal: None,
    }
}

fn check_head(head: &Head, wire: Option<ReceivedWire>) -> Result<(), Violation> {
    let media_type = head
        .header("content-type")
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        return Err(Violation::new("content-type", "is not application/json"));
    }
    let by_path = wire_by_path(head) == Some(ReceivedWire::Mcpeye);
    let foreign_key = match wire {
        Some(ReceivedWire::Mcpeye) if !by_path => {
            return Err(Violation::new(
                "path",
                "does not end in /ingest, as the mcpeye wire's does",
            ));
        }
        Some(ReceivedWire::Mcpeye) => "x-api-key",
        Some(ReceivedWire::Reo | ReceivedWire::ReoBatch) => "x-mcpeye-secret",
        None => return Ok(()),
    };
    match head.header(foreign_key) {
        Some(_) => Err(Violation::new(foreign_key, "is the key of another wire")),
        None => Ok(()),
    }
}

fn events_of(body: Value, wire: ReceivedWire) -> Vec<ReceivedEvent> {
    let Value::Object(mut body) = body else {
        return Vec::new();
    };
    let (list, id_key) = match wire {
        ReceivedWire::Reo | ReceivedWire::ReoBatch => ("payload", "event_id"),
        ReceivedWire::Mcpeye => ("events", "callId"),
    };
    let identity = body.get("identity").cloned();
    let items = match body.remove(list) {
        Some(Value::Array(items)) => items,
        Some(item) => vec![item],
        None => Vec::new(),
    };
    let at = Instant::now();
    let event = |json: Value| {
        let id = match json.get(id_key) {
            Some(Value::String(id)) => id.clone(),
            Some(id) => id.to_string(),
            None => String::new(),
        };
        ReceivedEvent {
            wire,
            id,
            json,
            accepted: false,
            at,
            identity: identity.clone(),
        }
    };
    items.into_iter().map(event).collect()
}

fn method_refusal(head: &Head) -> Option<(u16, String)> {
    (head.method != "POST").then(|| (405, String::from("method: is not POST")))
}

fn wire_by_path(head: &Head) -> Option<ReceivedWire> {
    let path = head.path.split('?').next().unwrap_or_default();
    path.ends_with("/ingest").then_some(ReceivedWire::Mcpeye)
}

/// Removes a coding from a body; else a status and the reason to refuse it with.
#[cfg(feature = "gzip")]
fn decode(coding: &str, body: &[u8]) -> Result<Vec<u8>, (u16, String)> {
    use std::io::Read;

    /// Stands for the memory of a test, as the bound on bodies that are read.
    const MAX_DECODED_BYTES: u64 = 64 * 1024 * 1024;

    if !coding.eq_ignore_ascii_case("gzip") {
        return Err(unsupported(coding));
    }
    let mut decoded = Vec::new();
    flate2::read::MultiGzDecoder::new(body)
        .take(MAX_DECODED_BYTES)
        .read_to_end(&mut decoded)
        .map(|_| decoded)
        .map_err(|_| (400, "content-encoding: the body is not gzip".to_owned()))
}

#[cfg(not(feature = "gzip"))]
fn decode(coding: &str, _: &[u8]) -> Result<Vec<u8>, (u16, String)> {
    Err(unsupported(coding))
}

fn unsupported(coding: &str) -> (u16, String) {
    (415, format!("content-encoding: {coding} is not supported"))
}

fn content_coding(head: &Head) -> Option<&str> {
    head.header("content-encoding")
        .map(str::trim)
        .filter(|coding| !coding.eq_ignore_ascii_case("identity"))
}

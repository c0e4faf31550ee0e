//! The Reo wires: `{"payload": event}`, and `{"payload": [event, …], "sdk": …}`.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::bounds::{
    self, MAX_EVENT_BYTES, MAX_EVENTS, MAX_REASONS, NAME_CHARS, REASON_CHARS, WHOLE, take_id,
    take_text,
};
use super::event::{Fault, Said, Window};
use super::source;
use super::{Forget, Parsed, Rules};
use crate::record::Record;
use crate::store::LossReport;

/// Of one reason of one sender: more is no count, and the sum of many would not fit.
const MAX_LOST: u64 = 1_000_000_000_000;

/// Asks to forget a person; a sender of batches alone may.
const FORGET: &str = "MCP_FORGET_USER";

#[derive(Deserialize)]
struct Envelope<'j> {
    #[serde(borrow)]
    payload: &'j RawValue,
    #[serde(default, borrow)]
    sdk: Option<&'j RawValue>,
}

/// Reads a request's body. An error says what is wrong with all of it.
pub(super) fn parse(body: &[u8], rules: Rules<'_>) -> Result<Parsed, String> {
    let envelope: Envelope<'_> = envelope(body)?;
    let payload = envelope.payload.get();
    let mut parsed = Parsed::default();
    match payload.as_bytes().first() {
        Some(b'[') => {
            parsed.is_batch = true;
            for event in elements(payload).map_err(|error| format!("payload: {error}"))? {
                add(&mut parsed, event.get(), rules);
            }
        }
        Some(b'{') => add(&mut parsed, payload, rules),
        _ => return Err("payload: expected an event or a list of events".to_owned()),
    }
    parsed.losses = envelope.sdk.and_then(loss_report).into_iter().collect();
    Ok(parsed)
}

/// Reads what is around the events. A list in place of an object would do for serde.
pub(super) fn envelope<'j, T: Deserialize<'j>>(body: &'j [u8]) -> Result<T, String> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_some_and(|first| *first != b'{') {
        return Err("expected a JSON object".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn add(parsed: &mut Parsed, json: &str, rules: Rules<'_>) {
    let mut event_id = None;
    match read(json, &mut event_id) {
        Ok(mut said) if said.activity == FORGET && parsed.is_batch => {
            let email = said.email.take();
            let people = [said.user_id.take(), email].into_iter().flatten();
            parsed.forget.push(Forget {
                people: people.collect(),
                kind: std::mem::take(&mut said.user_kind),
                at_ms: said.time_ms.saturating_add(999),
                mark: mark(said, rules.window),
            });
            parsed.accepted_otherwise += 1;
        }
        Ok(said) => parsed.add(said, event_id, rules),
        Err(fault) => parsed.reject(event_id, fault),
    }
}

/// An event that asks to forget somebody, without whom it is about; `None` where it is too old to be kept.
fn mark(said: Said, window: Window) -> Option<Record> {
    let mut meta = said.meta;
    meta.retain(|name, _| matches!(name.as_str(), "instance" | "sequence"));
    let mark = Said {
        activity: said.activity,
        time_ms: said.time_ms,
        source_id: said.source_id,
        meta,
        ..Said::default()
    };
    let mut mark = mark.into_record(window).ok()?;
    // An id of its own: by the wire of single events anybody may have sent the same event, which forgot nobody.
    mark.source_id = source::of_parts("forget", &[&mark.source_id.0]);
    Some(mark)
}

fn read(json: &str, event_id: &mut Option<i64>) -> Result<Said, Fault> {
    if json.len() > MAX_EVENT_BYTES {
        return Err(Fault {
            reason: "too_large",
            text: format!("larger than {MAX_EVENT_BYTES} bytes"),
        });
    }
    let mut event: Map<String, Value> =
        serde_json::from_str(json).map_err(|error| Fault::malformed(error.to_string()))?;
    *event_id = event.remove("event_id").as_ref().and_then(number);
    let activity = take_text(&mut event, "activity_type", WHOLE);
    let activity = activity.ok_or_else(|| Fault::malformed("activity_type: missing"))?;
    let user_id = take_id(&mut event, "user_id");
    let user_id = user_id.ok_or_else(|| Fault::malformed("user_id: missing"))?;
    let at = event.remove("event_at").as_ref().and_then(number);
    let at = at.and_then(|seconds| seconds.checked_mul(1_000));
    let time_ms = at.ok_or_else(|| Fault::malformed("event_at: expected Unix seconds"))?;
    let source_id = event_id.map(|id| {
        let user = user_id.as_bytes();
        source::of_parts("reo", &[id.to_string().as_bytes(), user])
    });
    let user_kind = take_text(&mut event, "user_id_type", REASON_CHARS).unwrap_or_default();
    let mut facts = Map::new();
    for name in ["product_id", "source", "environment", "ip_addr"] {
        if let Some(text) = take_text(&mut event, name, NAME_CHARS) {
            facts.insert(name.to_owned(), text.into());
        }
    }
    let meta = match event.remove("meta") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(meta)) => meta,
        Some(_) => return Err(Fault::malformed("meta: expected an object")),
    };
    Ok(Said {
        activity,
        user_id: Some(user_id),
        user_kind,
        email: take_text(&mut event, "email", NAME_CHARS),
        time_ms,
        user_agent: take_text(&mut event, "user_agent", WHOLE),
        facts,
        meta,
        source_id,
        ..Said::default()
    })
}

/// A whole number, also as text, as some write numbers that JavaScript would round.
fn number(value: &Value) -> Option<i64> {
    let text = || value.as_str()?.parse().ok();
    // A double: some senders have no other numbers.
    let whole = || {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    };
    value.as_i64().or_else(text).or_else(whole)
}

/// What the sender says of itself. What is malformed is left out: events do not depend on it.
fn loss_report(sdk: &RawValue) -> Option<LossReport> {
    let mut sdk: Map<String, Value> = serde_json::from_str(sdk.get()).ok()?;
    let instance = take_text(&mut sdk, "instance", NAME_CHARS)?;
    let name = take_text(&mut sdk, "name", REASON_CHARS).unwrap_or_default();
    let version = take_text(&mut sdk, "version", REASON_CHARS).unwrap_or_default();
    let dropped = match sdk.remove("dropped") {
        Some(Value::Object(dropped)) => dropped,
        _ => Map::new(),
    };
    let dropped = dropped
        .iter()
        .take(MAX_REASONS)
        .filter_map(|(reason, total)| {
            Some((
                bounds::text(reason, REASON_CHARS),
                bounds::count(total)?.min(MAX_LOST),
            ))
        });
    Some(LossReport {
        instance,
        sdk: format!("{name} {version}").trim().to_owned(),
        dropped: dropped.collect(),
    })
}

/// The elements of a list, each as its JSON, so that one that cannot be read takes no others with it.
pub(super) fn elements(json: &str) -> serde_json::Result<Vec<&RawValue>> {
    struct Elements;

    impl<'de> Visitor<'de> for Elements {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut elements = Vec::new();
            while let Some(element) = list.next_element()? {
                if elements.len() >= MAX_EVENTS {
                    let error = format!("more than {MAX_EVENTS} events");
                    return Err(serde::de::Error::custom(error));
                }
                elements.push(element);
            }
            Ok(elements)
        }
    }

    impl<'de> DeserializeSeed<'de> for Elements {
        type Value = Vec<&'de RawValue>;

        fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
            json.deserialize_seq(self)
        }
    }

    Elements.deserialize(&mut serde_json::Deserializer::from_str(json))
}

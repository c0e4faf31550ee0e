//! How much of each field is kept. Whatever a sender says, a row stays small.

use serde_json::{Map, Value};

use crate::record::{Kind, Record};

/// Bytes of one event before it is read.
pub(super) const MAX_EVENT_BYTES: usize = 256 * 1024;
/// As a bound of a text: an event has no longer one.
pub(super) const WHOLE: usize = MAX_EVENT_BYTES;
/// Bytes of what a request says of who sent all of its events: it is read with each of them.
pub(super) const MAX_IDENTITY_BYTES: usize = 4 * 1024;
/// Events of one request.
pub(super) const MAX_EVENTS: usize = 10_000;

/// Characters of an id, an address or a name.
pub(super) const NAME_CHARS: usize = 256;
/// Characters of an error message, and of what a call is for.
pub(super) const ERROR_CHARS: usize = 2_000;
pub(super) const INTENT_CHARS: usize = 2_000;
/// Tools of a listing.
pub(super) const MAX_TOOLS: usize = 1_000;
/// Tools that the listings of one request name: those of twenty large servers.
pub(super) const MAX_LISTED: usize = 20_000;
/// Reasons of a loss report, and classes of marks.
pub(super) const MAX_REASONS: usize = 64;
pub(super) const REASON_CHARS: usize = 64;

/// Of the body of an event: how deep it goes, how many values it has, characters of a text, bytes in all.
const MAX_DEPTH: usize = 16;
const MAX_VALUES: usize = 4_000;
const TEXT_CHARS: usize = 16_384;
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Bytes of memory that the bodies of one request take beside their texts: ten thousand events of a usual size take two
/// thirds of it. In JSON, a value that takes two bytes takes many times as much once it is read.
pub(super) const MAX_REQUEST_MEMORY: usize = 48 << 20;
/// What a value or a name takes, and what an object or a list takes beside its members, about.
const VALUE_MEMORY: usize = 32;
const CONTAINER_MEMORY: usize = 640;

/// Members of a body that clients name themselves and others by.
pub(super) const CLIENTS_NAMES: [&str; 2] = ["user_agent", "server_name"];

/// Stands behind a text that was cut, and in place of a value that was left out.
const CUT: &str = "…[cut]";

/// The times that an event may have happened at: from 2020 to 2100, in Unix milliseconds.
const FIRST_MS: i64 = 1_577_836_800_000;
const LAST_MS: i64 = 4_102_444_800_000;

/// A hundred years in microseconds.
const MAX_DURATION_US: f64 = 3.2e15;

/// The beginning of a text. A NUL, at which some readers of the database would stop, becomes a mark of its own.
pub(super) fn text(text: &str, chars: usize) -> String {
    let end = text
        .char_indices()
        .nth(chars)
        .map_or(text.len(), |(at, _)| at);
    let kept = text.get(..end).unwrap_or(text);
    match kept.contains('\0') {
        true => kept.replace('\0', "\u{fffd}"),
        false => kept.to_owned(),
    }
}

/// Takes a text out of an object. What is empty or no text counts as absent.
pub(super) fn take_text(from: &mut Map<String, Value>, name: &str, chars: usize) -> Option<String> {
    match from.remove(name)? {
        Value::String(found) if !found.is_empty() => Some(text(&found, chars)),
        _ => None,
    }
}

/// As [`take_text`], for ids, which some senders write as numbers.
pub(super) fn take_id(from: &mut Map<String, Value>, name: &str) -> Option<String> {
    match from.remove(name)? {
        Value::String(found) if !found.is_empty() => Some(text(&found, NAME_CHARS)),
        Value::Number(found) => Some(text(&found.to_string(), NAME_CHARS)),
        _ => None,
    }
}

/// Takes a count out of an object: a whole number that the database can hold.
pub(super) fn take_count(from: &mut Map<String, Value>, name: &str) -> Option<u64> {
    count(&from.remove(name)?)
}

pub(super) fn count(value: &Value) -> Option<u64> {
    value.as_u64().filter(|count| i64::try_from(*count).is_ok())
}

pub(super) fn take_flag(from: &mut Map<String, Value>, name: &str) -> bool {
    from.remove(name) == Some(Value::Bool(true))
}

/// Milliseconds as microseconds, if they are a time that something can take.
pub(super) fn duration_us(milliseconds: f64) -> Option<u64> {
    let micros = (milliseconds * 1_000.0).round();
    (0.0..=MAX_DURATION_US)
        .contains(&micros)
        .then_some(micros as u64)
}

pub(super) fn is_plausible(time_ms: i64) -> bool {
    (FIRST_MS..=LAST_MS).contains(&time_ms)
}

/// Bounds the texts and the body of a record. `memory`: what is left of the request's for bodies.
pub(super) fn record(record: &mut Record, memory: &mut usize) {
    let error_chars = match record.kind {
        Kind::Refused => REASON_CHARS,
        _ => ERROR_CHARS,
    };
    for (text, chars) in [
        (&mut record.tool, NAME_CHARS),
        (&mut record.client, NAME_CHARS),
        (&mut record.error, error_chars),
        (&mut record.intent, INTENT_CHARS),
    ] {
        if let Some(text) = text {
            cut(text, chars);
        }
    }
    for name in CLIENTS_NAMES {
        if let Some(Value::String(text)) = record.body.get_mut(name) {
            cut(text, NAME_CHARS);
        }
    }
    record.redactions.retain(|(class, _)| {
        let left = memory.checked_sub(VALUE_MEMORY + class.len());
        *memory = left.unwrap_or(*memory);
        left.is_some()
    });
    body(&mut record.body, memory);
}

fn cut(text: &mut String, chars: usize) {
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
        text.shrink_to_fit();
    }
}

/// Bounds the body of an event.
fn body(body: &mut Map<String, Value>, memory: &mut usize) {
    let mut room = Room {
        values: MAX_VALUES,
        bytes: MAX_BODY_BYTES,
        memory,
    };
    room.object(body, 0);
}

struct Room<'m> {
    values: usize,
    bytes: usize,
    memory: &'m mut usize,
}

impl Room<'_> {
    /// Takes room for an object or a list.
    fn open(&mut self) -> bool {
        let Some(memory) = self.memory.checked_sub(CONTAINER_MEMORY) else {
            return false;
        };
        *self.memory = memory;
        self.take(2)
    }

    /// Takes room for a value of so many bytes.
    fn take(&mut self, bytes: usize) -> bool {
        let (Some(values), Some(memory), Some(bytes)) = (
            self.values.checked_sub(1),
            self.memory.checked_sub(VALUE_MEMORY),
            // Its comma and quotation marks as well.
            self.bytes.checked_sub(bytes + 4),
        ) else {
            return false;
        };
        (self.values, self.bytes, *self.memory) = (values, bytes, memory);
        true
    }

    fn object(&mut self, object: &mut Map<String, Value>, depth: usize) {
        let names_are_short = object.keys().all(|name| name.len() <= NAME_CHARS);
        if !names_are_short || object.keys().any(|name| name.contains('\0')) {
            let cut = std::mem::take(object).into_iter();
            *object = cut
                .map(|(name, value)| (text(&name, NAME_CHARS), value))
                .collect();
        }
        object.retain(|name, value| self.take(name.len()) && self.value(value, depth + 1));
    }

    /// Bounds a value; `false` where there is no room for anything of it.
    fn value(&mut self, value: &mut Value, depth: usize) -> bool {
        if depth > MAX_DEPTH && (value.is_object() || value.is_array()) {
            *value = Value::from(CUT);
        }
        match value {
            Value::Null | Value::Bool(_) => self.take(5),
            Value::Number(number) => {
                let digits = number.to_string().len();
                if digits > NAME_CHARS {
                    *value = Value::from(CUT);
                }
                self.take(digits.min(NAME_CHARS))
            }
            Value::String(found) => {
                let room = self.bytes.saturating_sub(64);
                if found.len() > room.min(TEXT_CHARS) || found.contains('\0') {
                    let mut kept = text(found, TEXT_CHARS);
                    // What escapes make of it is not counted: it is a bound, and no measure.
                    let end = (0..=room.min(kept.len()))
                        .rev()
                        .find(|at| kept.is_char_boundary(*at));
                    kept.truncate(end.unwrap_or_default());
                    if kept.len() < found.len() && !found.contains('\0') {
                        kept.push_str(CUT);
                    }
                    *found = kept;
                }
                self.take(found.len())
            }
            Value::Array(items) => {
                if !self.open() {
                    return false;
                }
                let fits = |item: &mut Value| self.value(item, depth + 1);
                items.retain_mut(fits);
                items.shrink_to_fit();
                true
            }
            Value::Object(members) => {
                if !self.open() {
                    return false;
                }
                self.object(members, depth);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bounded(value: Value) -> Value {
        let Value::Object(mut object) = value else {
            return value;
        };
        body(&mut object, &mut MAX_REQUEST_MEMORY.clone());
        object.into()
    }

    #[test]
    fn a_body_within_the_bounds_stays_as_it_is() {
        let given = json!({"a": {"b": [1, 2.5, true, null, "é"]}, "c": "x".repeat(10_000)});
        assert_eq!(bounded(given.clone()), given);
    }

    #[test]
    fn a_body_is_bounded_in_every_way() {
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        for given in [
            json!({"a": "x".repeat(1 << 20)}),
            json!({"a": vec!["y".repeat(1_000); 1_000]}),
            json!({"a": vec![0; 100_000]}),
            json!({"n".repeat(100_000): 1}),
            json!({"a": deep}),
            json!({"a": "é\"\\\u{1}".repeat(100_000)}),
        ] {
            let small = bounded(given).to_string();
            assert!(small.len() < 3 * MAX_BODY_BYTES, "{}", small.len());
            assert!(serde_json::from_str::<Value>(&small).is_ok());
        }
    }

    #[test]
    fn the_bodies_of_a_request_share_its_memory() {
        let given = json!({"a": vec![json!({"": 0}); 100]});
        let Value::Object(given) = given else {
            unreachable!()
        };
        let mut memory = 100 * CONTAINER_MEMORY;
        let (mut first, mut second) = (given.clone(), given);
        body(&mut first, &mut memory);
        body(&mut second, &mut memory);
        let kept = |body: &Map<String, Value>| body["a"].as_array().unwrap().len();
        assert!((50..100).contains(&kept(&first)), "{}", kept(&first));
        assert!(second.is_empty(), "{second:?}");
        assert!(memory < CONTAINER_MEMORY);
    }

    #[test]
    fn texts_are_cut_at_characters_and_hold_no_nul() {
        assert_eq!(text("ééé", 2), "éé");
        assert_eq!(text("a\0b", 9), "a\u{fffd}b");
        assert_eq!(
            bounded(json!({"a\0": "b\0"})),
            json!({"a\u{fffd}": "b\u{fffd}"})
        );
    }

    #[test]
    fn a_duration_is_a_time_that_something_takes() {
        assert_eq!(duration_us(5_072.52), Some(5_072_520));
        for none in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(duration_us(none), None, "{none}");
        }
    }
}

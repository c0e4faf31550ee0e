//! What the members of an event on the mcpeye wire may be.

use serde_json::{Value, json};

use super::mcpeye::{CAPABILITY_TOOL, MAX_FIELD_BYTES, is_capability_request};
use super::rules::{
    Changes, Check, Form, Members, Otherwise, Rule, check_members, close, error, flag,
    milliseconds, name, object, one_of, optional, prompt, required, whole_millis,
};
use crate::event::IntentSource;
use crate::ledger::DropReason;

const EVENT: &[Rule] = &[
    required("callId", call_id),
    required("toolName", name),
    required("isError", flag),
    Rule {
        name: "timestamp",
        otherwise: Otherwise::Default(|check| Value::from(check.otherwise_at)),
        form: milliseconds,
    },
    Rule {
        name: "durationMs",
        otherwise: Otherwise::Default(|_| Value::from(0)),
        form: whole_millis,
    },
    optional("errorMessage", error),
    optional("intent", prompt),
    optional("intentSource", |value, _| {
        one_of(value, IntentSource::WORDS)
    }),
    optional("userId", user),
    optional("userEmail", user),
    Rule {
        name: "arguments",
        otherwise: Otherwise::Default(|_| json!({})),
        form: arguments,
    },
    optional("result", value),
];

/// Checks an event.
pub(super) fn check(event: &mut Members, check: &Check<'_>) -> Result<Changes, DropReason> {
    let mut changes = close(event, EVENT);
    changes += check_members(event, check.captured, EVENT, check)?;
    let is_error = event.get("isError") == Some(&Value::Bool(true));
    let has_intent = event.contains_key("intent");
    let given = event.len();
    event.retain(|name, _| match name.as_str() {
        "result" => !is_error,
        "intentSource" => has_intent,
        _ => true,
    });
    changes += Changes::left_out((given - event.len()) as u64);
    let is_capability = event
        .get("toolName")
        .is_some_and(|tool| tool == CAPABILITY_TOOL);
    if is_capability
        && let Some(arguments) = event.get_mut("arguments")
        && !is_marked(arguments)
        && !is_capability_request(arguments)
    {
        *arguments = json!({"[unserializable]": true});
        changes += Changes::left_out(1);
    }
    Ok(changes)
}

/// Whether arguments are the mark that stands in the place of malformed ones.
fn is_marked(arguments: &Value) -> bool {
    arguments.get("[unserializable]").is_some()
}

/// A UUID of version 4.
fn call_id(value: &mut Value, _: &Check<'_>) -> Form {
    let is_digit = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        14 => byte == b'4',
        19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    let is_id = |id: &str| id.len() == 36 && id.bytes().enumerate().all(is_digit);
    match value.as_str().is_some_and(is_id) {
        true => Form::Sound,
        false => Form::Malformed,
    }
}

/// An id or address of a user, which the receiver limits by itself.
fn user(value: &mut Value, check: &Check<'_>) -> Form {
    let is_user = |text: &str| text.chars().count() <= crate::limits::MAX_NAME_CHARS;
    match name(value, check) {
        Form::Sound if value.as_str().is_some_and(is_user) => Form::Sound,
        _ => Form::Malformed,
    }
}

fn arguments(of: &mut Value, check: &Check<'_>) -> Form {
    match object(of, check) {
        Form::Sound => value(of, check),
        other => other,
    }
}

fn value(value: &mut Value, _: &Check<'_>) -> Form {
    match !value.is_null() && value.to_string().len() <= MAX_FIELD_BYTES {
        true => Form::Sound,
        false => Form::Malformed,
    }
}

//! What the members of a record may be: those of the Reo wires, and its head's.

use serde_json::Value;

use crate::event::{is_http_version, is_traceparent, is_tracestate};
use crate::ledger::DropReason;
use crate::wire::reo_rules::{self, Product};
use crate::wire::rules::{
    Changes, Check, Form, Members, Rule, check_members, close, description, exact, flag, nanos,
    nanos_of_a_call, optional,
};

/// The member of a record that holds its head.
pub(crate) const HEAD: &str = "head";

const RULES: &[Rule] = &[
    optional("start", nanos),
    optional("end", nanos),
    optional("duration", nanos_of_a_call),
    optional("description", description),
    optional("code", code),
    optional("email", exact),
    optional("pseudonym", flag),
    optional("tracestate", |value, _| is_text(value, is_tracestate)),
    optional("link", |value, _| is_text(value, is_traceparent)),
    optional("link_state", |value, _| is_text(value, is_tracestate)),
    optional("http_version", |value, _| is_text(value, is_http_version)),
    optional("client_port", port),
];

/// Checks a record.
pub(crate) fn check(event: &mut Members, check: &Check<'_>) -> Result<Changes, DropReason> {
    // It stands last, so that the others keep their order.
    let head = event.remove(HEAD);
    let mut changes = reo_rules::check(event, check, Product::Optional)?;
    match head {
        Some(Value::Object(mut head)) => {
            let captured = check.captured.and_then(|event| event.get(HEAD));
            changes += close(&mut head, RULES);
            changes += check_members(&mut head, captured.and_then(Value::as_object), RULES, check)?;
            event.insert(HEAD.to_owned(), Value::Object(head));
        }
        Some(_) => changes += Changes::left_out(1),
        None => {}
    }
    Ok(changes)
}

fn is_text(value: &Value, is_sound: fn(&str) -> bool) -> Form {
    match value.as_str().is_some_and(is_sound) {
        true => Form::Sound,
        false => Form::Malformed,
    }
}

fn port(value: &mut Value, _: &Check<'_>) -> Form {
    let is_port = |port| (1..=u64::from(u16::MAX)).contains(&port);
    match value.as_u64().is_some_and(is_port) {
        true => Form::Sound,
        false => Form::Malformed,
    }
}

fn code(value: &mut Value, _: &Check<'_>) -> Form {
    match value.is_i64() {
        true => Form::Sound,
        false => Form::Malformed,
    }
}

//! What the members of an event on the OTLP wire may be: those of the Reo wires, and its own.

use serde_json::Value;

use crate::event::{is_traceparent, is_tracestate};
use crate::ledger::DropReason;
use crate::wire::reo_rules;
use crate::wire::rules::{
    Changes, Check, Form, Members, Rule, check_members, close, exact, flag, nanos, nanos_of_a_call,
    optional,
};

/// The member that this wire alone has.
pub(crate) const OWN: &str = "otlp";

const RULES: &[Rule] = &[
    optional("start", nanos),
    optional("end", nanos),
    optional("duration", nanos_of_a_call),
    optional("code", code),
    optional("email", exact),
    optional("pseudonym", flag),
    optional("tracestate", |value, _| is_text(value, is_tracestate)),
    optional("link", |value, _| is_text(value, is_traceparent)),
];

/// Checks an event.
pub(crate) fn check(event: &mut Members, check: &Check<'_>) -> Result<Changes, DropReason> {
    // It stands last, so that the others keep their order.
    let own = event.remove(OWN);
    let mut changes = reo_rules::check(event, check)?;
    match own {
        Some(Value::Object(mut own)) => {
            let captured = check.captured.and_then(|event| event.get(OWN));
            changes += close(&mut own, RULES);
            changes += check_members(&mut own, captured.and_then(Value::as_object), RULES, check)?;
            event.insert(OWN.to_owned(), Value::Object(own));
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

fn code(value: &mut Value, _: &Check<'_>) -> Form {
    match value.is_i64() {
        true => Form::Sound,
        false => Form::Malformed,
    }
}

//! What the members of an event on the Reo wires may be.

use serde_json::Value;

use super::rules::{
    Changes, Check, Form, Members, Otherwise, Rule, check_members, close, count, error, exact,
    flag, millis, name, names, not_null, object, one_of, optional, positive, prompt, required,
    seconds,
};
use crate::event::{CallOutcome, IntentSource, is_traceparent};
use crate::ledger::DropReason;
use crate::limits;

const EVENT: &[Rule] = &[
    required("activity_type", name),
    required("source", name),
    required("environment", name),
    required("user_id", exact),
    required("user_id_type", name),
    optional("product_id", name),
    optional("ip_addr", name),
    optional("meta", object),
    required("event_id", positive),
    Rule {
        name: "event_at",
        otherwise: Otherwise::Default(|check| Value::from(check.otherwise_at / 1_000)),
        form: seconds,
    },
    required("user_agent", name),
];

const CALL: &[Rule] = &[
    optional("tool", name),
    optional("duration_ms", millis),
    optional("outcome", |value, _| one_of(value, CallOutcome::WORDS)),
    optional("error", error),
    optional("prompt", prompt),
    optional("intent_source", |value, _| {
        one_of(value, IntentSource::WORDS)
    }),
    optional("round", positive),
    optional("unknown_tool", flag),
    optional("missing_capability", flag),
    optional("suppressed", count),
    optional("tool_arguments", object),
    optional("tool_argument_keys", argument_keys),
    optional("tool_argument_key_count", count),
    optional("result", not_null),
    optional("result_bytes", count),
    optional("refused_arguments", names_or_none),
    optional("input_request_methods", names_or_none),
];

/// A call's arguments, or what stands in their place.
const ARGUMENT_FORMS: [&str; 3] = [
    "tool_arguments",
    "tool_argument_keys",
    "tool_argument_key_count",
];

const INIT: &[Rule] = &[
    required("tools", names),
    required("tool_count", count),
    optional("tools_truncated", positive),
    optional("tool_definitions", definitions),
];

const ANY: &[Rule] = &[
    optional("session_id", name),
    optional("conversation_id", name),
    optional("client_name", name),
    optional("client_version", name),
    optional("protocol_version", name),
    optional("transport", name),
    optional("request_id", request_id),
    optional("vendor_client", name),
    optional("oauth_client_id", name),
    optional("server_name", name),
    optional("server_version", name),
    optional("traceparent", traceparent),
    optional("era", name),
    optional("client_class", name),
    optional("redactions", redactions),
    optional("sample_rate", sample_rate),
    optional("instance", instance),
    optional("sequence", positive),
];

/// Whether an event has to name a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    Required,
    /// It is queued for destinations of which some need none.
    Optional,
}

/// Checks an event.
pub(super) fn check(
    event: &mut Members,
    check: &Check<'_>,
    product: Product,
) -> Result<Changes, DropReason> {
    let mut changes = close(event, EVENT);
    changes += check_members(event, check.captured, EVENT, check)?;
    if product == Product::Required && !event.contains_key("product_id") {
        return Err(DropReason::MissingField);
    }
    let activity = event.get("activity_type").and_then(Value::as_str);
    let (is_call, is_init) = (
        activity == Some("MCP_TOOL_CALL"),
        activity == Some("MCP_INIT"),
    );
    let Some(Value::Object(meta)) = event.get_mut("meta") else {
        return if is_init {
            Err(DropReason::MissingField)
        } else {
            Ok(changes)
        };
    };
    let captured = check.captured.and_then(|event| event.get("meta"));
    let captured = captured.and_then(Value::as_object);
    let mut member = |rules| check_members(meta, captured, rules, check);
    changes += member(ANY)?;
    if is_call {
        changes += member(CALL)?;
        let mut forms = ARGUMENT_FORMS
            .iter()
            .filter(|form| meta.contains_key(**form));
        if let Some(&first) = forms.next() {
            let given = meta.len();
            let is_other = |name: &str| name != first && ARGUMENT_FORMS.contains(&name);
            meta.retain(|name, _| !is_other(name));
            changes += Changes::left_out((given - meta.len()) as u64);
        }
    } else if is_init {
        changes += member(INIT)?;
    }
    Ok(changes)
}

fn argument_keys(value: &mut Value, _: &Check<'_>) -> Form {
    let Value::Array(keys) = value else {
        return Form::Malformed;
    };
    if !keys.iter().all(Value::is_string) {
        return Form::Malformed;
    }
    if keys.len() <= limits::MAX_ARGUMENT_KEYS {
        return Form::Sound;
    }
    keys.truncate(limits::MAX_ARGUMENT_KEYS);
    Form::Cut
}

/// Names in a list, which is not sent without one.
fn names_or_none(value: &mut Value, check: &Check<'_>) -> Form {
    let form = names(value, check);
    match value.as_array().is_some_and(|names| !names.is_empty()) {
        true => form,
        false => Form::Malformed,
    }
}

/// What is kept of the definitions of tools.
fn definitions(value: &mut Value, check: &Check<'_>) -> Form {
    let is_definition = |definition: &mut Value| {
        let Value::Object(members) = definition else {
            return false;
        };
        let mut is_sound = |of: &str, form: fn(&mut Value, &Check<'_>) -> Form| {
            members
                .get_mut(of)
                .is_some_and(|value| form(value, check) != Form::Malformed)
        };
        is_sound("tool", name)
            && is_sound("hash", instance)
            && is_sound("bytes", count)
            && members.len() == 3
    };
    match value
        .as_array_mut()
        .is_some_and(|items| items.iter_mut().all(is_definition))
    {
        true => Form::Sound,
        false => Form::Malformed,
    }
}

/// JSON-RPC allows integers and texts.
fn request_id(value: &mut Value, check: &Check<'_>) -> Form {
    if value.is_i64() {
        Form::Sound
    } else {
        name(value, check)
    }
}

fn traceparent(value: &mut Value, _: &Check<'_>) -> Form {
    match value.as_str().is_some_and(is_traceparent) {
        true => Form::Sound,
        false => Form::Malformed,
    }
}

fn redactions(value: &mut Value, _: &Check<'_>) -> Form {
    let is_count = |count: &Value| count.as_i64().is_some_and(|count| count >= 1);
    let counts = value.as_object().filter(|counts| !counts.is_empty());
    match counts.is_some_and(|counts| counts.values().all(is_count)) {
        true => Form::Sound,
        false => Form::Malformed,
    }
}

fn sample_rate(value: &mut Value, _: &Check<'_>) -> Form {
    match value.as_f64().is_some_and(|rate| rate > 0.0 && rate <= 1.0) {
        true => Form::Sound,
        false => Form::Malformed,
    }
}

/// The digits of an [`Instance`](crate::base::id::Instance).
fn instance(value: &mut Value, _: &Check<'_>) -> Form {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_instance = |text: &str| text.len() == 16 && text.bytes().all(is_digit);
    match value.as_str().is_some_and(is_instance) {
        true => Form::Sound,
        false => Form::Malformed,
    }
}

//! The formats of the two Reo wires: one payload, or an array of them.

use super::field::Presence::{Optional, Required};
use super::field::{Checked, Field, Object, Rule};
use super::field::{any_object, any_text, count, hex_text, is_hex_groups, nonempty_text, not_null};
use super::field::{positive_integer, unix_seconds};

/// The largest body of one event on the Reo wire, in bytes: 256 KiB.
pub const MAX_REO_BODY_BYTES: usize = 256 * 1024;
/// The longest `prompt` in a tool call's `meta`, in characters.
pub const MAX_PROMPT_CHARS: usize = 6_000;
/// The longest `error` in a tool call's `meta`, in characters.
pub const MAX_ERROR_CHARS: usize = 2_000;
/// The most names in a tool call's `tool_argument_keys`.
pub const MAX_ARGUMENT_KEYS: usize = 200;

pub(super) const PAYLOAD: &[Rule] = &[
    ("activity_type", Required, nonempty_text),
    ("user_id", Required, nonempty_text),
    ("user_id_type", Required, nonempty_text),
    ("product_id", Required, nonempty_text),
    ("source", Required, nonempty_text),
    ("environment", Required, nonempty_text),
    ("user_agent", Required, nonempty_text),
    ("ip_addr", Optional, nonempty_text),
    ("event_id", Required, positive_integer),
    ("event_at", Required, unix_seconds),
    ("meta", Optional, any_object),
];

const TOOL_CALL_META: &[Rule] = &[
    // Not required, although every tool has a name: the Python SDK sends calls without one when its user overrides
    // `meta`, and the format does not mark it as required.
    ("tool", Optional, nonempty_text),
    // Absent while a call runs.
    ("duration_ms", Optional, check_duration),
    ("error", Optional, |error| error.text_up_to(MAX_ERROR_CHARS)),
    ("prompt", Optional, |text| text.text_up_to(MAX_PROMPT_CHARS)),
    ("outcome", Optional, |outcome| outcome.one_of(&OUTCOMES)),
    ("result", Optional, not_null),
    ("intent_source", Optional, nonempty_text),
    ("tool_arguments", Optional, any_object),
    ("tool_argument_keys", Optional, check_argument_keys),
    ("tool_argument_key_count", Optional, count),
    ("result_bytes", Optional, count),
    ("refused_arguments", Optional, check_names),
    ("input_request_methods", Optional, check_names),
];

/// A call's arguments, their names where they are too large, or the number of those where even they are.
const ARGUMENT_FORMS: [&str; 3] = [
    "tool_arguments",
    "tool_argument_keys",
    "tool_argument_key_count",
];

const INIT_META: &[Rule] = &[
    ("tools", Required, check_tools),
    ("tool_count", Required, count),
    ("tools_truncated", Optional, positive_integer),
    ("tool_definitions", Optional, check_definitions),
];

/// What is known of the definition of a tool.
const DEFINITION: &[Rule] = &[
    ("tool", Required, nonempty_text),
    ("hash", Required, |hash| hex_text(hash, 16)),
    ("bytes", Required, count),
];

const SESSION_META: &[Rule] = &[
    ("session_id", Optional, nonempty_text),
    ("conversation_id", Optional, nonempty_text),
    ("client_name", Optional, nonempty_text),
    ("client_version", Optional, nonempty_text),
    ("protocol_version", Optional, nonempty_text),
    ("transport", Optional, nonempty_text),
    ("request_id", Optional, check_request_id),
    ("vendor_client", Optional, nonempty_text),
    ("oauth_client_id", Optional, nonempty_text),
    ("server_name", Optional, nonempty_text),
    ("server_version", Optional, nonempty_text),
    ("redactions", Optional, check_redactions),
    ("sample_rate", Optional, check_sample_rate),
    ("traceparent", Optional, check_traceparent),
    ("instance", Optional, |instance| hex_text(instance, 16)),
    ("sequence", Optional, positive_integer),
];

/// The sender of a batch, and what it has lost so far.
const SDK: &[Rule] = &[
    ("name", Required, |name| name.one_of(&["mcp-usage"])),
    ("version", Required, nonempty_text),
    ("instance", Required, nonempty_text),
    ("sequence", Required, count),
    ("dropped", Optional, check_dropped),
];

const OUTCOMES: [&str; 10] = [
    "ok",
    "tool_error",
    "protocol_error",
    "input_required",
    "task",
    "cancelled",
    "timeout",
    "panicked",
    "dropped",
    "unknown",
];

const DROP_REASONS: [&str; 19] = [
    "queue_full",
    "evicted",
    "too_large",
    "missing_field",
    "unsupported_by_wire",
    "redaction_failed",
    "before_send",
    "sampled",
    "rate_capped",
    "no_consent",
    "forgotten",
    "unauthorized",
    "rejected",
    "refused",
    "expired",
    "spool_full",
    "shutdown_timeout",
    "closed",
    "forked",
];

pub(super) fn check_single(body: &Object<'_>) -> Checked {
    body.check_closed(&[("payload", Required, check_payload)])
}

pub(super) fn check_batch(body: &Object<'_>) -> Checked {
    body.check_closed(&[
        ("payload", Required, |payload| {
            payload.batch_of(check_payload, "event_id")
        }),
        ("sdk", Required, |sdk| sdk.object()?.check_closed(SDK)),
    ])
}

fn check_payload(payload: &Field<'_>) -> Checked {
    let payload = payload.object()?;
    payload.check_closed(PAYLOAD)?;
    let activity = payload.required("activity_type")?.text()?;
    if activity == "MCP_INIT" {
        payload.required("meta")?;
    }
    let Some(meta) = payload.optional("meta") else {
        return Ok(());
    };
    let meta = meta.object()?;
    match activity {
        "MCP_TOOL_CALL" => {
            meta.check(TOOL_CALL_META)?;
            check_argument_forms(&meta)?;
        }
        "MCP_INIT" => meta.check(INIT_META)?,
        "MCP_IDENTITY_CAPTURE" => {}
        // The `meta` of a custom activity belongs to the caller.
        _ => return Ok(()),
    }
    meta.check(SESSION_META)
}

/// Milliseconds with at most two decimals.
fn check_duration(duration: &Field<'_>) -> Checked {
    let number = duration.number()?;
    duration.ensure(
        number.is_finite() && number >= 0.0,
        "is negative or not finite",
    )?;
    // The shortest text that names the same double decides, so 5072.52 passes although it is no exact binary fraction.
    let rounded = format!("{number:.2}").parse();
    duration.ensure(rounded == Ok(number), "has more than two decimals")
}

fn check_argument_keys(keys: &Field<'_>) -> Checked {
    let names = keys.array()?;
    keys.at_most(names.len(), MAX_ARGUMENT_KEYS, "items")?;
    names.iter().try_for_each(any_text)
}

fn check_argument_forms(meta: &Object<'_>) -> Checked {
    let given = ARGUMENT_FORMS
        .iter()
        .filter(|form| meta.map.contains_key(**form));
    meta.field("tool_arguments").ensure(
        given.count() <= 1,
        "is given in more than one of its three forms",
    )
}

fn check_tools(tools: &Field<'_>) -> Checked {
    tools.array()?.iter().try_for_each(nonempty_text)
}

/// Names in a list, which is not sent without one.
fn check_names(names: &Field<'_>) -> Checked {
    let items = names.array()?;
    names.ensure(!items.is_empty(), "is empty, and should be absent")?;
    items.iter().try_for_each(any_text)
}

fn check_definitions(definitions: &Field<'_>) -> Checked {
    let items = definitions.array()?;
    let is_definition = |item: &Field<'_>| item.object()?.check_closed(DEFINITION);
    items.iter().try_for_each(is_definition)
}

/// JSON-RPC allows integers and strings.
fn check_request_id(id: &Field<'_>) -> Checked {
    if id.value.is_i64() {
        Ok(())
    } else {
        nonempty_text(id)
    }
}

fn check_redactions(redactions: &Field<'_>) -> Checked {
    let counts = redactions.object()?;
    redactions.ensure(!counts.map.is_empty(), "is empty, and should be absent")?;
    counts
        .fields()
        .try_for_each(|count| positive_integer(&count))
}

fn check_sample_rate(rate: &Field<'_>) -> Checked {
    let share = rate.number()?;
    rate.ensure(share > 0.0 && share <= 1.0, "is outside 0 to 1")
}

/// As W3C Trace Context has it: a known form, and neither id of zeros alone.
fn check_traceparent(parent: &Field<'_>) -> Checked {
    let text = parent.text()?;
    parent.ensure(
        is_hex_groups(text, &[2, 32, 16, 2]),
        "is not of the form version-trace-parent-flags",
    )?;
    let is_zero = |group: &str| group.bytes().all(|digit| digit == b'0');
    let names_both = text.split('-').skip(1).take(2).all(|id| !is_zero(id));
    parent.ensure(
        names_both && !text.starts_with("ff"),
        "names no trace or no parent, or has a version that is none",
    )
}

fn check_dropped(dropped: &Field<'_>) -> Checked {
    let totals = dropped.object()?;
    totals.only(&DROP_REASONS)?;
    totals.fields().try_for_each(|total| count(&total))?;
    dropped.ensure(
        totals.fields().any(|total| total.value.as_i64() != Some(0)),
        "is without a loss, and should be absent",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn passes(check: fn(&Field<'_>) -> Checked, value: &Value) -> bool {
        check(&Field::root(value)).is_ok()
    }

    #[test]
    fn a_duration_has_two_decimals_at_most_in_its_shortest_spelling() {
        for duration in [
            json!(0),
            json!(12),
            json!(0.01),
            json!(5072.52),
            json!(1e15),
        ] {
            assert!(passes(check_duration, &duration), "{duration}");
        }
        for duration in [
            json!(0.001),
            json!(5072.525),
            json!(-1),
            json!("12"),
            json!(null),
        ] {
            assert!(!passes(check_duration, &duration), "{duration}");
        }
    }

    #[test]
    fn a_traceparent_names_a_trace_and_a_parent() {
        let parent = |version: &str, trace: &str, parent: &str| {
            json!(format!("{version}-{trace}-{parent}-01"))
        };
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        assert!(passes(check_traceparent, &parent("00", trace, span)));
        assert!(passes(check_traceparent, &parent("cc", trace, span)));
        for wrong in [
            parent("ff", trace, span),
            parent("00", &"0".repeat(32), span),
            parent("00", trace, &"0".repeat(16)),
            parent("00", &trace.to_uppercase(), span),
            parent("0", trace, span),
            json!(format!("00-{trace}-{span}")),
            json!(7),
        ] {
            assert!(!passes(check_traceparent, &wrong), "{wrong}");
        }
    }

    #[test]
    fn a_request_id_is_what_json_rpc_allows() {
        for (id, is_id) in [
            (json!(0), true),
            (json!(-7), true),
            (json!("a"), true),
            (json!(""), false),
            (json!(1.5), false),
            (json!(u64::MAX), false),
            (json!(null), false),
        ] {
            assert_eq!(passes(check_request_id, &id), is_id, "{id}");
        }
    }

    #[test]
    fn a_share_is_more_than_nothing_and_no_more_than_all() {
        for (rate, is_rate) in [
            (json!(0), false),
            (json!(0.000_1), true),
            (json!(1), true),
            (json!(1.000_1), false),
            (json!(-0.5), false),
        ] {
            assert_eq!(passes(check_sample_rate, &rate), is_rate, "{rate}");
        }
    }

    #[test]
    fn arguments_come_in_one_form() {
        let mut meta = json!({});
        let forms = [json!({}), json!([]), json!(0)];
        for (n, (form, value)) in ARGUMENT_FORMS.iter().zip(forms).enumerate() {
            let alone = json!({*form: value});
            assert_eq!(
                check_argument_forms(&Field::root(&alone).object().unwrap()),
                Ok(())
            );
            meta[form] = value;
            let together = check_argument_forms(&Field::root(&meta).object().unwrap());
            assert_eq!(together.is_ok(), n == 0, "{meta}");
        }
    }

    #[test]
    fn a_loss_report_has_known_reasons_and_a_loss() {
        for (dropped, is_report) in [
            (json!({"queue_full": 1}), true),
            (json!({"queue_full": 0, "sampled": 2}), true),
            (json!({"queue_full": 0}), false),
            (json!({}), false),
            (json!({"queue_full": 1, "lost": 1}), false),
            (json!({"queue_full": -1}), false),
        ] {
            assert_eq!(passes(check_dropped, &dropped), is_report, "{dropped}");
        }
    }
}

//! The Reo formats: an event as `reo-census-mcp` sends it, alone or in an array.

use std::borrow::Cow;
use std::time::Duration;

use super::{Refusal, Sender, Stamp};
use crate::capture::{EventWriter, Written};
use crate::config::Defaults;
use crate::event::{Call, Content, Event, Kind, Text};
use crate::id;
use crate::identity::{ANONYMOUS_ID, Identity};
use crate::limits;
use crate::sampling::Weight;
use crate::stats::DropReason;

/// The keys of `meta` that are ours; a caller's `meta` never replaces them.
pub(super) const META_NAMES: &[&str] = &[
    "tool",
    "duration_ms",
    "outcome",
    "error",
    "prompt",
    "intent_source",
    "round",
    "unknown_tool",
    "suppressed",
    "tool_arguments",
    "tool_argument_keys",
    "tool_argument_key_count",
    "result",
    "tools",
    "tool_count",
    "tools_truncated",
    "session_id",
    "conversation_id",
    "client_name",
    "client_version",
    "protocol_version",
    "transport",
    "request_id",
    "traceparent",
    "era",
    "client_class",
    "redactions",
    "sample_rate",
];

/// The first of `META_NAMES` that every kind of event reserves.
const FIRST_COMMON_NAME: usize = 16;

pub(super) fn write_event(
    event: &Event<'_>,
    defaults: &Defaults,
    stamp: &Stamp,
    w: &mut EventWriter<'_>,
) -> Result<(), DropReason> {
    let facts = &event.facts;
    let activity_type = present(event.kind.activity_type()).ok_or(DropReason::MissingField)?;
    let product_id = given(facts.product_id.as_ref(), defaults.product_id.as_deref())
        .ok_or(DropReason::MissingField)?;
    let identity = identity(event, defaults).ok_or(DropReason::MissingField)?;
    let user_id = user_id(&identity, event, defaults);
    if let Kind::ToolCall(call) = &event.kind {
        present(&call.tool).ok_or(DropReason::MissingField)?;
    }

    w.raw("{");
    w.name("activity_type", Some(activity_type));
    let source = given(facts.source.as_ref(), Some(&defaults.source));
    let environment = given(facts.environment.as_ref(), Some(&defaults.environment));
    w.name("source", source);
    w.name("environment", environment);
    w.exact("user_id", &user_id);
    w.name("user_id_type", Some(&identity.id_type));
    w.name("product_id", Some(product_id));
    w.name(
        "ip_addr",
        given(facts.ip_addr.as_ref(), defaults.ip_addr.as_deref()),
    );
    let before_meta = w.mark();
    w.key("meta");
    w.raw("{");
    let empty = w.len();
    write_meta(event, defaults, stamp.weight, w);
    if w.len() == empty {
        w.rewind(before_meta);
    } else {
        w.counts_here();
        w.raw("}");
    }
    w.number("event_id", stamp.event_id);
    w.number("event_at", stamp.unix_millis / 1000);
    w.name(
        "user_agent",
        given(facts.user_agent.as_ref(), Some(&defaults.user_agent)),
    );
    w.raw("}");
    Ok(())
}

/// Writes the members of `meta`, the largest last, so that there is room for the others.
fn write_meta(event: &Event<'_>, defaults: &Defaults, weight: Weight, w: &mut EventWriter<'_>) {
    let end = w.len() + w.rules().limits.meta_bytes;
    let limits = &w.rules().limits;
    match &event.kind {
        Kind::ToolCall(call) => {
            w.name("tool", Some(&call.tool));
            if let Some(duration) = call.duration {
                w.number("duration_ms", milliseconds(duration));
            }
            if let Some(outcome) = call.outcome() {
                w.exact("outcome", outcome.as_str());
            }
            if let Some(error) = &call.error {
                w.text("error", error, limits.error_chars);
            }
            if let Some(prompt) = &call.prompt {
                w.text("prompt", prompt, limits.prompt_chars);
                if let Some(source) = call.intent_source {
                    w.exact("intent_source", source.as_str());
                }
            }
            if let Some(round) = call.round {
                w.number("round", round);
            }
            if call.unknown_tool {
                w.flag("unknown_tool", true);
            }
            if let Some(rate) = weight.sample_rate {
                w.number("sample_rate", rate);
            }
            if weight.suppressed > 0 {
                w.number("suppressed", weight.suppressed);
            }
        }
        Kind::Init(tools) => {
            w.key("tools");
            w.raw("[");
            for (n, tool) in tools.iter().take(limits::MAX_TOOLS).enumerate() {
                if n > 0 {
                    w.raw(",");
                }
                w.item(tool);
            }
            w.raw("]");
            w.number("tool_count", tools.len());
            if tools.len() > limits::MAX_TOOLS {
                w.number("tools_truncated", tools.len() - limits::MAX_TOOLS);
            }
        }
        Kind::IdentityCapture | Kind::Custom(_) => {}
    }
    for (name, fact) in event.facts.session.known(&defaults.session) {
        w.name(name, Some(fact));
    }
    w.name("traceparent", event.facts.traceparent.as_deref());
    if let Some(era) = event.facts.era {
        w.exact("era", era.as_str());
    }
    if let Some(class) = event.facts.client_class {
        w.exact("client_class", class.as_str());
    }
    write_custom(event, defaults, w);
    if let Kind::ToolCall(call) = &event.kind {
        write_call_values(call, end, w);
    }
}

/// Writes the caller's own keys, then the logger's: the call wins.
fn write_custom(event: &Event<'_>, defaults: &Defaults, w: &mut EventWriter<'_>) {
    let reserved = match event.kind {
        Kind::ToolCall(_) | Kind::Init(_) => META_NAMES,
        Kind::IdentityCapture | Kind::Custom(_) => {
            META_NAMES.get(FIRST_COMMON_NAME..).unwrap_or_default()
        }
    };
    let own = &event.facts.meta;
    for (n, (name, content)) in own.iter().enumerate() {
        let later = own.iter().skip(n + 1).any(|(other, _)| other == name);
        if !later && !reserved.contains(&&**name) {
            // A member that is too large for an event is left out, and the event with it is
            // refused by its size.
            let _ = w.member(name, content, usize::MAX);
        }
    }
    for (name, content) in &defaults.meta {
        if !reserved.contains(&&**name) && !own.iter().any(|(other, _)| other == name) {
            let _ = w.member(name, content, usize::MAX);
        }
    }
}

/// Writes arguments and result into the room that is left; the result is the first to go.
fn write_call_values(call: &Call<'_>, end: usize, w: &mut EventWriter<'_>) {
    if let Some(arguments) = &call.arguments
        && w.object("tool_arguments", arguments, end) == Written::TooLarge
    {
        write_argument_names(arguments, end, w);
    }
    if let Some(result) = &call.result
        && w.content("result", result, false, end) == Written::TooLarge
    {
        w.exact("result", TOO_LARGE);
    }
}

/// Writes what is left of arguments that are too large: their names, else how many there are.
pub(super) fn write_argument_names(arguments: &Content<'_>, end: usize, w: &mut EventWriter<'_>) {
    let (written, count) = w.member_names("tool_argument_keys", arguments, end);
    if written == Written::TooLarge {
        w.number("tool_argument_key_count", count);
    }
}

/// What stands in place of a result that was too large.
pub(super) const TOO_LARGE: &str = "[truncated]";

/// Milliseconds with two decimals.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

/// The text, unless it is empty: an empty one counts as missing.
pub(super) fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The event's value, else the logger's; an empty one counts as missing.
fn given<'a>(event: Option<&'a Text<'_>>, logger: Option<&'a str>) -> Option<&'a str> {
    let event = event.and_then(|text| present(text));
    event.or(logger.and_then(present))
}

/// Who the event is about. A call or an init of nobody's is anonymous; other kinds must say who.
pub(super) fn identity<'a>(event: &'a Event<'_>, defaults: &'a Defaults) -> Option<Identity<'a>> {
    let identity = event.facts.identity.as_ref().or(defaults.identity.as_ref());
    let named = match (identity, &event.kind) {
        (Some(identity), _) => {
            Some(Identity::from(identity)).filter(|i| !i.id.is_empty() && !i.id_type.is_empty())
        }
        (None, Kind::ToolCall(_) | Kind::Init(_)) => Some(Identity::anonymous()),
        (None, _) => None,
    };
    named.map(|identity| defaults.names.identity(identity))
}

/// The id that is sent; strangers of different sessions stay apart. A session id may be a
/// credential, so its hash stands for it.
pub(super) fn user_id<'a>(
    identity: &'a Identity<'_>,
    event: &Event<'_>,
    defaults: &Defaults,
) -> Cow<'a, str> {
    let mut known = event.facts.session.known(&defaults.session);
    match known.find(|(name, _)| matches!(*name, "session_id" | "conversation_id")) {
        Some((_, session)) if identity.is_anonymous() => {
            Cow::Owned(format!("{ANONYMOUS_ID}-{:016x}", id::stable_hash(session)))
        }
        _ => Cow::Borrowed(&identity.id),
    }
}

/// The frame around one event.
pub(super) fn single() -> (Cow<'static, str>, Cow<'static, str>) {
    (Cow::Borrowed("{\"payload\":"), Cow::Borrowed("}"))
}

/// The frame around several, with the loss report: totals since the instance started, so that a
/// repeated batch counts nothing twice.
pub(super) fn batch(sender: &Sender<'_>) -> (Cow<'static, str>, Cow<'static, str>) {
    let mut after = format!(
        "],\"sdk\":{{\"name\":\"mcp-usage\",\"version\":\"{}\",\"instance\":\"{}\",\"sequence\":{}",
        env!("CARGO_PKG_VERSION"),
        sender.instance,
        sender.sequence
    );
    if sender.dropped.total() > 0 {
        after.push_str(",\"dropped\":{");
        for (n, (reason, count)) in sender.dropped.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            after.push_str(&format!("{comma}\"{reason}\":{count}"));
        }
        after.push('}');
    }
    after.push_str("}}");
    (Cow::Borrowed("{\"payload\":["), Cow::Owned(after))
}

pub(super) fn refusals(answer: &[u8]) -> Vec<Refusal> {
    let Ok(answer) = serde_json::from_slice::<serde_json::Value>(answer) else {
        return Vec::new();
    };
    let refused = answer
        .get("rejected")
        .and_then(|rejected| rejected.as_array());
    refused
        .into_iter()
        .flatten()
        .filter_map(|refusal| {
            Some(Refusal {
                event_id: refusal.get("event_id")?.as_i64()?,
                retry: refusal
                    .get("retry")
                    .and_then(|retry| retry.as_bool())
                    .unwrap_or(false),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{DropReason, Ledger};
    use crate::wire::Wire;

    fn sender(instance: &str, dropped: crate::stats::Dropped) -> Sender<'_> {
        Sender {
            instance,
            sequence: 7,
            dropped,
        }
    }

    #[test]
    fn milliseconds_have_two_decimals() {
        for (micros, expected) in [
            (0, 0.0),
            (4, 0.0),
            (5, 0.01),
            (930, 0.93),
            (5_072_524, 5_072.52),
            (5_072_525, 5_072.53),
            (u64::from(u32::MAX), 4_294_967.3),
        ] {
            assert_eq!(
                milliseconds(Duration::from_micros(micros)),
                expected,
                "{micros}"
            );
        }
    }

    #[test]
    fn a_frame_holds_the_events_without_the_last_comma() {
        let empty = sender("i", crate::stats::Dropped::default());
        let one = Wire::Reo.frame(&[b"{\"a\":1},"], &empty);
        assert_eq!(one, b"{\"payload\":{\"a\":1}}");
        let two = Wire::ReoBatch.frame(&[b"{\"a\":1},", b"{\"b\":2},"], &empty);
        let expected = format!(
            "{{\"payload\":[{{\"a\":1}},{{\"b\":2}}],\"sdk\":{{\"name\":\"mcp-usage\",\"version\":\"{}\",\"instance\":\"i\",\"sequence\":7}}}}",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(String::from_utf8(two).unwrap(), expected);
    }

    #[test]
    fn a_loss_report_names_every_reason_that_occurred() {
        let ledger = Ledger::default();
        ledger.refuse(DropReason::QueueFull);
        ledger.refuse(DropReason::QueueFull);
        ledger.refuse(DropReason::TooLarge);
        let body = Wire::ReoBatch.frame(&[b"1,"], &sender("i", ledger.dropped()));
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body["sdk"]["dropped"],
            serde_json::json!({"queue_full": 2, "too_large": 1})
        );
    }

    #[test]
    fn refusals_are_read_and_nonsense_refuses_nothing() {
        let answer = br#"{"accepted":1,"rejected":[
            {"event_id":1,"reason":"x","retry":true},{"event_id":2,"reason":"y"},{"event_id":3,"retry":"yes"},
            {"event_id":"4"},{"reason":"z"},5,null]}"#;
        let refusal = |event_id, retry| Refusal { event_id, retry };
        assert_eq!(
            refusals(answer),
            [refusal(1, true), refusal(2, false), refusal(3, false)]
        );
        for nonsense in [
            "",
            "{}",
            "[]",
            "{\"rejected\":{}}",
            "{\"rejected\":null}",
            "\u{feff}{}",
            "{\"rejected\":[",
        ] {
            assert_eq!(refusals(nonsense.as_bytes()), [], "{nonsense}");
        }
    }

    #[test]
    fn the_common_names_are_reserved_for_every_kind() {
        assert_eq!(META_NAMES.get(FIRST_COMMON_NAME), Some(&"session_id"));
        assert!(
            !META_NAMES
                .iter()
                .take(FIRST_COMMON_NAME)
                .any(|name| name.contains("session"))
        );
    }
}

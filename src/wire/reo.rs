//! The Reo formats: an event as `reo-census-mcp` sends it, alone or in an array.

use std::borrow::Cow;

use serde_json::Value;

use super::answer::{Receipt, Refusal};
use super::defaults::Defaults;
use super::parts::{SenderInfo, Stamp, TOO_LARGE, write_argument_names};
use super::session_ids::{SessionHash, SessionIds};
use super::subject::{identity, present, session_hash, user_id};
use crate::base::clock::unix_millis;
use crate::capture::{Content, EventWriter, WireKey, Written, key};
use crate::event::{Call, Event, EventKind, Identity, ListedTool, META_FACTS};
use crate::ledger::DropReason;
use crate::limits;

/// The tool that takes requests for what no tool offers.
pub(super) const CAPABILITY_TOOL: &str = "request_missing_capability";

/// The keys of `meta` that a tool call or an init writes beside the facts of any event.
const CALL_NAMES: &[&str] = &[
    "tool",
    "duration_ms",
    "outcome",
    "error",
    "prompt",
    "intent_source",
    "round",
    "unknown_tool",
    "missing_capability",
    "suppressed",
    "tool_arguments",
    "tool_argument_keys",
    "tool_argument_key_count",
    "result",
    "result_bytes",
    "refused_arguments",
    "input_request_methods",
    "tools",
    "tool_count",
    "tools_truncated",
    "tool_definitions",
];

/// The keys of `meta` that every kind of event reserves beside its facts.
const COMMON_NAMES: &[&str] = &["redactions", "sample_rate", "instance", "sequence"];

/// Whether a key of `meta` is one of ours; a caller's `meta` never replaces it.
pub(super) fn is_own_name(name: &str) -> bool {
    CALL_NAMES.contains(&name) || is_common_name(name)
}

/// As [`is_own_name`], for an event that is neither a call nor an init.
pub(super) fn is_common_name(name: &str) -> bool {
    META_FACTS.contains(&name) || COMMON_NAMES.contains(&name)
}

pub(super) fn write_event(
    event: &Event<'_>,
    defaults: &Defaults,
    stamp: &Stamp,
    w: &mut EventWriter<'_>,
) -> Result<(), DropReason> {
    let start = w.len();
    let product = event.facts.product_id.as_deref().and_then(present);
    if product.is_none() && defaults.product_id.is_none() {
        return Err(DropReason::MissingField);
    }
    write_members(event, defaults, stamp, w)?;
    w.close_object(start);
    Ok(())
}

/// Writes the members of an event; returns whom it is about.
#[inline(always)]
pub(super) fn write_members<'a>(
    event: &'a Event<'_>,
    defaults: &'a Defaults,
    stamp: &Stamp,
    w: &mut EventWriter<'_>,
) -> Result<Identity<'a>, DropReason> {
    let facts = &event.facts;
    let activity_type = present(event.kind.activity_type()).ok_or(DropReason::MissingField)?;
    let product_id = facts.product_id.as_deref().and_then(present);
    let identity = identity(event, defaults).ok_or(DropReason::MissingField)?;
    let session = session_hash(event, defaults, product_id);
    let user_id = user_id(&identity, session.as_ref());
    if let EventKind::ToolCall(call) = &event.kind {
        present(&call.tool).ok_or(DropReason::MissingField)?;
    }

    match event.kind {
        EventKind::Custom(_) => w.name(key!("activity_type"), Some(activity_type)),
        _ => w.exact(key!("activity_type"), activity_type),
    }
    let own = facts.source.as_deref();
    w.text_or(key!("source"), own, Some(&defaults.source));
    let own = facts.environment.as_deref();
    w.text_or(key!("environment"), own, Some(&defaults.environment));
    w.exact(key!("user_id"), user_id);
    w.name(key!("user_id_type"), Some(&identity.id_type));
    w.text_or(key!("product_id"), product_id, defaults.product_id.as_ref());
    let own = facts.ip_addr.as_deref();
    w.text_or(key!("ip_addr"), own, defaults.ip_addr.as_ref());
    w.key(key!("meta"));
    let meta = w.len();
    write_meta(event, defaults, stamp, session.as_ref(), w);
    w.counts_here();
    w.close_object(meta);
    w.integer(key!("event_id"), stamp.event_id);
    w.integer(key!("event_at"), unix_millis(stamp.at) / 1000);
    let own = facts.user_agent.as_deref();
    w.text_or(key!("user_agent"), own, Some(&defaults.user_agent));
    Ok(identity)
}

/// Writes the members of `meta`, the largest last, so that there is room for the others.
fn write_meta(
    event: &Event<'_>,
    defaults: &Defaults,
    stamp: &Stamp,
    session: Option<&SessionHash>,
    w: &mut EventWriter<'_>,
) {
    let limits = w.limits();
    let end = w.len() + limits.meta_bytes;
    match &event.kind {
        EventKind::ToolCall(call) => {
            w.tool(key!("tool"), &call.tool, call.unknown_tool);
            if let Some(duration) = call.duration {
                w.milliseconds(key!("duration_ms"), duration);
            }
            if let Some(outcome) = call.outcome() {
                w.exact(key!("outcome"), outcome.as_str());
            }
            if let Some(error) = &call.error {
                w.text(key!("error"), error, limits.error_chars);
            }
            if let Some(prompt) = &call.prompt {
                w.text(key!("prompt"), prompt, limits.prompt_chars);
                if let Some(source) = call.intent_source {
                    w.exact(key!("intent_source"), source.as_str());
                }
            }
            if let Some(round) = call.round {
                w.integer(key!("round"), round);
            }
            if call.unknown_tool {
                w.flag(key!("unknown_tool"), true);
            }
            if call.missing_capability {
                w.flag(key!("missing_capability"), true);
            }
            if let Some(bytes) = call.result_bytes {
                w.integer(key!("result_bytes"), bytes);
            }
            if let Some(names) = call.refused_arguments {
                write_names(key!("refused_arguments"), names, end, w);
            }
            if let Some(methods) = call.input_request_methods {
                write_names(key!("input_request_methods"), methods, end, w);
            }
            if let Some(rate) = stamp.weight.sample_rate {
                w.number(key!("sample_rate"), rate);
            }
            if stamp.weight.suppressed > 0 {
                w.integer(key!("suppressed"), stamp.weight.suppressed);
            }
        }
        EventKind::Init(tools) => {
            w.key(key!("tools"));
            w.raw("[");
            for (n, tool) in tools.iter().take(limits::MAX_TOOLS).enumerate() {
                if n > 0 {
                    w.raw(",");
                }
                w.tool_item(&tool.name);
            }
            w.raw("]");
            w.integer(key!("tool_count"), tools.len());
            if tools.len() > limits::MAX_TOOLS {
                w.integer(key!("tools_truncated"), tools.len() - limits::MAX_TOOLS);
            }
            write_definitions(tools, end, w);
        }
        EventKind::IdentityCapture | EventKind::Custom(_) => {}
    }
    write_session(event, defaults, session, w);
    for (key, text) in event.facts.meta_texts() {
        // Its form was checked, and holds nothing but digits: a rule would only take it for a key.
        if let Some(text) = text {
            w.exact(key, text);
        }
    }
    for (key, word) in event.facts.meta_words() {
        w.exact(key, word);
    }
    w.digits(key!("instance"), stamp.instance.digits().as_bytes());
    w.integer(key!("sequence"), stamp.sequence);
    write_custom(event, defaults, w);
    if let EventKind::ToolCall(call) = &event.kind {
        let room = w.len().saturating_add(w.value_bytes());
        write_call_values(call, end.min(room), w);
    }
}

/// Writes the names that a call has beside its content. What is no list of names, and what has no room, is left out.
#[cold]
fn write_names(key: WireKey, names: Content<'_>, end: usize, w: &mut EventWriter<'_>) {
    let (mark, start) = (w.mark(), w.len());
    let is_whole = w.content(key, names, false, end) == Written::Whole;
    let written = w.written_since(start).strip_prefix(key.0.as_bytes());
    if !is_whole || !written.is_some_and(is_list_of_texts) {
        w.rewind(mark);
        w.count_left_out();
    }
}

/// Whether compact JSON is a list of one or more texts.
fn is_list_of_texts(json: &[u8]) -> bool {
    let Some(mut rest) = json.strip_prefix(b"[") else {
        return false;
    };
    while let Some(text) = rest.strip_prefix(b"\"") {
        let mut is_escaped = false;
        let end = text.iter().position(|byte| {
            let is_end = *byte == b'"' && !is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            is_end
        });
        let Some((_, behind)) = end.and_then(|end| text.split_at_checked(end + 1)) else {
            return false;
        };
        match behind.strip_prefix(b",") {
            Some(next) => rest = next,
            None => return behind == b"]",
        }
    }
    false
}

/// Writes how large the definitions of tools are, and how they are told from others; nothing where they have no room.
fn write_definitions(tools: &[ListedTool<'_>], end: usize, w: &mut EventWriter<'_>) {
    let tools = tools.iter().take(limits::MAX_TOOLS);
    let defined = tools.filter_map(|tool| Some((&tool.name, tool.definition?)));
    let mark = w.mark();
    let mut is_first = true;
    for (name, definition) in defined {
        if std::mem::take(&mut is_first) {
            w.key(key!("tool_definitions"));
            w.raw("[");
        } else {
            w.raw(",");
        }
        w.raw("{\"tool\":");
        w.tool_item(name);
        w.digits(key!("hash"), &definition.digits());
        w.integer(key!("bytes"), definition.bytes);
        w.raw("}");
    }
    if !is_first {
        w.raw("]");
    }
    if w.len() > end {
        w.rewind(mark);
        w.count_left_out();
    }
}

/// Writes what is known of the session: its id as its hash, unless it is to be sent as it is.
fn write_session(
    event: &Event<'_>,
    defaults: &Defaults,
    hash: Option<&SessionHash>,
    w: &mut EventWriter<'_>,
) {
    let session = &event.facts.session;
    match (session.session_id_or(&defaults.session), hash) {
        (Some(_), Some(hash)) if defaults.session_ids == SessionIds::Hashed => {
            w.digits(key!("session_id"), hash.digits());
        }
        (id, _) => w.name(key!("session_id"), id),
    }
    for (key, fact) in session.known_beside_id(&defaults.session) {
        w.fact(key, fact);
    }
}

/// Writes the caller's own keys, then the logger's: the call wins.
fn write_custom(event: &Event<'_>, defaults: &Defaults, w: &mut EventWriter<'_>) {
    let is_reserved = match event.kind {
        EventKind::ToolCall(_) | EventKind::Init(_) => is_own_name,
        EventKind::IdentityCapture | EventKind::Custom(_) => is_common_name,
    };
    let own = event.facts.meta();
    for (n, (name, content)) in own.iter().enumerate() {
        let later = own
            .iter()
            .skip(n + 1)
            .any(|(other, _)| is_same(other, name));
        if !later && !is_reserved(name) {
            // A member has no room of its own: one that is too large makes the event too large.
            let _ = w.member(name, *content, usize::MAX);
        }
    }
    for (n, (name, content)) in defaults.meta.iter().enumerate() {
        let mut later = defaults.meta.iter().skip(n + 1);
        let later = later.any(|(other, _)| is_same(other, name));
        if !later && !is_reserved(name) && !own.iter().any(|(other, _)| is_same(other, name)) {
            let _ = w.member(name, content, usize::MAX);
        }
    }
}

/// Whether two names are the same as they are written: long ones are cut.
fn is_same(one: &str, other: &str) -> bool {
    let kept = limits::MAX_NAME_CHARS - "...".len();
    let cut = one.len() > kept && other.len() > kept;
    one == other || (cut && one.chars().take(kept).eq(other.chars().take(kept)))
}

/// Writes arguments and result into the room that is left; the result is the first to go.
fn write_call_values(call: &Call<'_>, end: usize, w: &mut EventWriter<'_>) {
    if let Some(arguments) = call.arguments
        && w.object(key!("tool_arguments"), arguments, end) == Written::TooLarge
    {
        write_argument_names(arguments, end, w);
    }
    if let Some(result) = call.result
        && w.content(key!("result"), result, false, end) == Written::TooLarge
    {
        w.exact(key!("result"), TOO_LARGE);
    }
}

/// The frame around one event.
pub(super) fn single() -> (Cow<'static, str>, Cow<'static, str>) {
    (Cow::Borrowed("{\"payload\":"), Cow::Borrowed("}"))
}

/// The frame around several, with the loss report: totals since the instance started, so that a
/// repeated batch counts nothing twice.
pub(super) fn batch(sender: &SenderInfo) -> (Cow<'static, str>, Cow<'static, str>) {
    let mut after = format!(
        "],\"sdk\":{{\"name\":\"mcp-usage\",\"version\":\"{}\",\"instance\":\"{}\",\"sequence\":{}",
        env!("CARGO_PKG_VERSION"),
        sender.instance.digits(),
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

/// Reads which events of a batch were refused. An empty object, and what is no JSON, refuse nothing.
pub(super) fn receipt(answer: &[u8]) -> Receipt {
    let answer = match serde_json::from_slice(answer) {
        Ok(Value::Object(answer)) if answer.is_empty() => return Receipt::Taken,
        Ok(answer) => answer,
        Err(_) => return Receipt::Taken,
    };
    let Some(refused) = answer.get("rejected").and_then(Value::as_array) else {
        return Receipt::Unknown;
    };
    let refused = refused.iter().map(|refusal| {
        let retry = refusal.get("retry").and_then(Value::as_bool);
        Refusal {
            event_id: refusal.get("event_id").and_then(event_id),
            retry: retry.unwrap_or(false),
        }
    });
    Receipt::Refused(refused.collect())
}

/// An id as a number or, as some write numbers that JavaScript would round, as text.
fn event_id(id: &Value) -> Option<i64> {
    let text = id.as_str().and_then(|text| text.parse().ok());
    id.as_i64().or(text)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::base::id::Instance;
    use crate::capture::{CapturePolicy, Constant, EventDraft, ThreadScratch};
    use crate::event::{ClientClass, Era, Init, IntentSource, Session, ToolCall, Weight};
    use crate::ledger::{DropReason, Ledger};
    use crate::limits::Limits;
    use crate::redact::Redactor;
    use crate::wire::{EventForm, Wire};

    fn sender(dropped: crate::ledger::Dropped) -> SenderInfo {
        SenderInfo {
            instance: Instance::random(),
            sequence: 7,
            dropped,
            sent_at: std::time::SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_frame_holds_the_events_without_the_last_comma() {
        let empty = sender(crate::ledger::Dropped::default());
        let one = Wire::Reo.frame(EventForm::Reo, &[b"{\"a\":1},"], &empty);
        assert_eq!(one, b"{\"payload\":{\"a\":1}}");
        let two = Wire::ReoBatch.frame(EventForm::Reo, &[b"{\"a\":1},", b"{\"b\":2},"], &empty);
        let expected = format!(
            "{{\"payload\":[{{\"a\":1}},{{\"b\":2}}],\"sdk\":{{\"name\":\"mcp-usage\",\"version\":\"{}\",\"instance\":\"{}\",\"sequence\":7}}}}",
            env!("CARGO_PKG_VERSION"),
            empty.instance.digits(),
        );
        assert_eq!(String::from_utf8(two).unwrap(), expected);
    }

    #[test]
    fn a_loss_report_names_every_reason_that_occurred() {
        let ledger = Ledger::default();
        ledger.refuse(DropReason::QueueFull);
        ledger.refuse(DropReason::QueueFull);
        ledger.refuse(DropReason::TooLarge);
        let body = Wire::ReoBatch.frame(EventForm::Reo, &[b"1,"], &sender(ledger.dropped()));
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body["sdk"]["dropped"],
            serde_json::json!({"queue_full": 2, "too_large": 1})
        );
    }

    #[test]
    fn refusals_are_read_and_anything_else_refuses_nothing() {
        let answer = br#"{"accepted":1,"rejected":[
            {"event_id":1,"reason":"x","retry":true},{"event_id":2,"reason":"y"},{"event_id":3,"retry":"yes"},
            {"event_id":"4","retry":true},{"event_id":9223372036854775807},{"event_id":"9223372036854775807"},
            {"event_id":"x"},{"event_id":1.2e18},{"event_id":9223372036854775808},{"reason":"z"},5,null]}"#;
        let refusal = |event_id, retry| Refusal { event_id, retry };
        let read = [(1, true), (2, false), (3, false), (4, true)];
        let read = read.into_iter().chain([(i64::MAX, false); 2]);
        let read = read.map(|(id, retry)| refusal(Some(id), retry));
        let unread = (0..6).map(|_| refusal(None, false));
        let refused: Vec<_> = read.chain(unread).collect();
        assert_eq!(receipt(answer), Receipt::Refused(refused));
        for nothing in [
            "",
            "{}",
            " {} ",
            "OK",
            "<ok/>",
            "\u{feff}{}",
            "{\"rejected\":[",
        ] {
            assert_eq!(receipt(nothing.as_bytes()), Receipt::Taken, "{nothing}");
        }
        for unknown in [
            "[]",
            "null",
            "7",
            "{\"status\":\"ok\"}",
            "{\"accepted\":3}",
            "{\"rejected\":{}}",
            "{\"rejected\":null}",
        ] {
            assert_eq!(receipt(unknown.as_bytes()), Receipt::Unknown, "{unknown}");
        }
    }

    /// The keys of `meta` of an event in which all is said.
    fn meta_keys(event: Event<'_>) -> Vec<String> {
        let policy = CapturePolicy {
            limits: Limits::default(),
            redactor: Redactor::default(),
        };
        let product_id = Constant::new("demo".to_owned(), &policy.redactor);
        let defaults = Defaults {
            product_id: Some(product_id),
            ..Defaults::for_tests()
        };
        let stamp = Stamp {
            event_id: 1,
            has_given_id: false,
            instance: Instance::random(),
            sequence: 1,
            at: std::time::SystemTime::UNIX_EPOCH,
            weight: Weight {
                sample_rate: Some(0.5),
                suppressed: 3,
            },
        };
        let (ledger, mut scratch) = (Ledger::default(), ThreadScratch::default());
        let mut draft = EventDraft::begin(&mut scratch, &policy, &ledger);
        write_event(&event, &defaults, &stamp, &mut draft.writer).unwrap();
        let event = draft.seal().unwrap();
        let event: serde_json::Value = serde_json::from_slice(event.as_bytes()).unwrap();
        event["meta"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn every_key_that_is_written_in_meta_is_reserved() {
        let session = Session::new()
            .session_id("s")
            .conversation_id("c")
            .client_name("n")
            .client_version("v")
            .protocol_version("p")
            .transport("t")
            .request_id("r")
            .vendor_client("c")
            .oauth_client_id("c")
            .server_name("s")
            .server_version("v");
        let call = || ToolCall::new("search").session(&session);
        let mut own_tools = call();
        own_tools.call.missing_capability = true;
        let large = "x".repeat(limits::MAX_STRING_CHARS);
        let large = vec![large; 10];
        let named = BTreeMap::from([("a", &large)]);
        let many: BTreeMap<_, _> = (0..150).map(|n| (format!("{n:0200}"), &large)).collect();
        let tools = vec!["tool"; limits::MAX_TOOLS + 1];
        let mut seen = BTreeSet::new();
        for event in [
            Event::from(
                call()
                    .arguments(&7)
                    .result(&7)
                    .result_bytes(7)
                    .refused_arguments(&["a"])
                    .input_request_methods(&["a"])
                    .prompt("mail bob@example.com")
                    .intent_source(IntentSource::Native)
                    .error("e")
                    .duration(std::time::Duration::from_millis(1))
                    .round(1)
                    .unknown_tool(true)
                    .traceparent("t")
                    .era(Era::Modern)
                    .client_class(ClientClass::Agent),
            ),
            own_tools.arguments(&named).into(),
            call().arguments(&many).into(),
            Init::new(tools).definition("tool", &7).into(),
        ] {
            seen.extend(meta_keys(event));
        }
        let ours = CALL_NAMES.iter().chain(META_FACTS).chain(COMMON_NAMES);
        assert!(seen.iter().eq(ours.copied().collect::<BTreeSet<_>>()));
        assert!(seen.iter().all(|name| is_own_name(name)));
    }

    #[test]
    fn a_list_of_texts_is_told_from_other_json() {
        for json in [r#"["a"]"#, r#"["","a\"]","\\","b,"]"#] {
            assert!(is_list_of_texts(json.as_bytes()), "{json}");
        }
        for json in [
            "",
            "null",
            "[]",
            "[1]",
            r#"["a",1]"#,
            r#"["a",["b"]]"#,
            r#""a""#,
            r#"{"a":1}"#,
            r#"["a"#,
        ] {
            assert!(!is_list_of_texts(json.as_bytes()), "{json}");
        }
    }

    #[test]
    fn the_common_names_are_reserved_for_every_kind() {
        assert!(is_common_name("session_id") && is_own_name("session_id"));
        assert!(is_own_name("tool") && !is_common_name("tool"));
        assert!(!CALL_NAMES.iter().any(|name| is_common_name(name)));
    }
}

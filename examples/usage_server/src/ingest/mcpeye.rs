//! The mcpeye wire: tool calls in batches.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::bounds::{
    MAX_EVENT_BYTES, MAX_IDENTITY_BYTES, NAME_CHARS, WHOLE, take_flag, take_id, take_text,
};
use super::event::{Fault, Said};
use super::reo::{elements, envelope};
use super::source;
use super::{Parsed, Rules};

/// The tool by which agents ask for what no other can do: the format keeps the name for it.
const CAPABILITY_TOOL: &str = "mcpeye_request_capability";

#[derive(Deserialize)]
struct Envelope<'j> {
    #[serde(rename = "projectId", default)]
    project: Option<String>,
    #[serde(default, borrow)]
    identity: Option<&'j RawValue>,
    #[serde(borrow)]
    events: &'j RawValue,
}

/// Reads a request's body. An error says what is wrong with all of it.
pub(super) fn parse(body: &[u8], rules: Rules<'_>) -> Result<Parsed, String> {
    let envelope: Envelope<'_> = envelope(body)?;
    let mut parsed = Parsed {
        is_batch: true,
        ..Parsed::default()
    };
    let identity = match envelope.identity.map(RawValue::get) {
        Some(identity) if identity.len() > MAX_IDENTITY_BYTES => {
            return Err(format!("identity: larger than {MAX_IDENTITY_BYTES} bytes"));
        }
        Some(identity) => {
            serde_json::from_str(identity).map_err(|error| format!("identity: {error}"))?
        }
        None => Map::new(),
    };
    let events = elements(envelope.events.get()).map_err(|error| format!("events: {error}"))?;
    for event in events {
        match read(event.get(), &identity, envelope.project.as_deref()) {
            Ok(said) => parsed.add(said, None, rules),
            Err(fault) => parsed.reject(None, fault),
        }
    }
    Ok(parsed)
}

fn read(json: &str, identity: &Map<String, Value>, project: Option<&str>) -> Result<Said, Fault> {
    if json.len() > MAX_EVENT_BYTES {
        return Err(Fault {
            reason: "too_large",
            text: format!("larger than {MAX_EVENT_BYTES} bytes"),
        });
    }
    let mut event: Map<String, Value> =
        serde_json::from_str(json).map_err(|error| Fault::malformed(error.to_string()))?;
    let call_id = take_text(&mut event, "callId", NAME_CHARS);
    let call_id = call_id.ok_or_else(|| Fault::malformed("callId: missing"))?;
    let tool = take_text(&mut event, "toolName", WHOLE);
    let tool = tool.ok_or_else(|| Fault::malformed("toolName: missing"))?;
    let at = event.remove("timestamp");
    let time_ms = at.as_ref().and_then(Value::as_i64);
    let time_ms =
        time_ms.ok_or_else(|| Fault::malformed("timestamp: expected Unix milliseconds"))?;
    let of_all = |name: &str| identity.get(name).cloned();
    for name in ["userId", "userEmail"] {
        if let (None, Some(value)) = (event.get(name), of_all(name)) {
            event.insert(name.to_owned(), value);
        }
    }
    let email = take_text(&mut event, "userEmail", NAME_CHARS);
    let user_id = take_id(&mut event, "userId");
    let user_kind = match &user_id {
        Some(id) if id.contains('@') => "EMAIL",
        Some(_) => "ID",
        None => "EMAIL",
    };
    let mut meta = Map::new();
    if tool == CAPABILITY_TOOL {
        meta.insert("missing_capability".to_owned(), true.into());
    }
    meta.insert("tool".to_owned(), tool.into());
    let is_error = take_flag(&mut event, "isError");
    // The format has no outcomes; our own sender writes one where there is no message.
    let message = take_text(&mut event, "errorMessage", WHOLE);
    let word = message.as_deref().and_then(crate::record::Outcome::of_word);
    let outcome = match (is_error, word) {
        (true, Some(outcome)) if outcome.is_bad() => outcome.word(),
        (true, _) => "tool_error",
        (false, _) => "ok",
    };
    meta.insert("outcome".to_owned(), outcome.into());
    if let Some(message) = message {
        meta.insert("error".to_owned(), message.into());
    }
    for (name, known) in [
        ("durationMs", "duration_ms"),
        ("arguments", "tool_arguments"),
        ("result", "result"),
        ("intent", "prompt"),
        ("intentSource", "intent_source"),
    ] {
        if let Some(value) = event.remove(name) {
            meta.insert(known.to_owned(), value);
        }
    }
    for (name, known) in [
        ("client", "client_name"),
        ("serverVersion", "server_version"),
    ] {
        if let Some(value) = of_all(name) {
            meta.insert(known.to_owned(), value);
        }
    }
    let mut facts = Map::new();
    if let Some(project) = project {
        let project = super::bounds::text(project, NAME_CHARS);
        facts.insert("product_id".to_owned(), project.into());
    }
    Ok(Said {
        activity: "MCP_TOOL_CALL".to_owned(),
        user_id,
        user_kind: user_kind.to_owned(),
        email,
        time_ms,
        facts,
        meta,
        source_id: Some(source::of_parts("mcpeye", &[call_id.as_bytes()])),
        ..Said::default()
    })
}

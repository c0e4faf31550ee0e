//! The mcpeye format: tool calls alone, in batches under a project.

use std::borrow::Cow;

use serde_json::Value;

use super::answer::Receipt;
use super::defaults::Defaults;
use super::parts::{Stamp, TOO_LARGE, write_argument_names};
use super::record::{HeadName, Json, MetaName, PayloadName, Record, close_object, write_member};
use super::subject::{email, identity, present, session_hash, user_id};
use crate::base::clock::unix_millis;
use crate::base::id;
use crate::capture::{EventWriter, Written, key};
use crate::event::{Call, CallOutcome, Event, EventKind, Identity};
use crate::ledger::DropReason;
use crate::limits;

/// The keys of an event. None is the caller's.
pub(super) const NAMES: &[&str] = &[
    "callId",
    "toolName",
    "arguments",
    "isError",
    "timestamp",
    "durationMs",
    "result",
    "errorMessage",
    "intent",
    "intentSource",
    "userId",
    "userEmail",
];

/// The tool of the format itself, whose arguments the receiver checks.
pub(super) const CAPABILITY_TOOL: &str = "mcpeye_request_capability";

/// What the mcpeye wire says about the server with each batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Mcpeye {
    pub(crate) project: String,
    client: Option<String>,
    server_version: Option<String>,
}

impl Mcpeye {
    /// Creates the settings for a project. Wire key `projectId`; an empty one is a build error.
    pub fn new(project: impl Into<String>) -> Self {
        Self {
            project: project.into(),
            client: None,
            server_version: None,
        }
    }

    /// Sets the client of all calls, if there is only one. Wire key `identity.client`; an empty text counts as none.
    pub fn client(mut self, client: impl Into<String>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// Sets the version of the server. Wire key `identity.serverVersion`; an empty one counts as none.
    pub fn server_version(mut self, version: impl Into<String>) -> Self {
        self.server_version = Some(version.into());
        self
    }

    pub(super) fn frame(&self) -> (Cow<'static, str>, Cow<'static, str>) {
        let mut identity = serde_json::Map::new();
        for (name, value) in [
            ("client", &self.client),
            ("serverVersion", &self.server_version),
        ] {
            if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
                identity.insert(name.to_owned(), value.as_str().into());
            }
        }
        let project = serde_json::Value::from(self.project.as_str());
        let identity = serde_json::Value::from(identity);
        (
            Cow::Owned(format!(
                "{{\"projectId\":{project},\"identity\":{identity},\"events\":["
            )),
            Cow::Borrowed("]}"),
        )
    }
}

pub(super) fn write_event(
    event: &Event<'_>,
    defaults: &Defaults,
    stamp: &Stamp,
    w: &mut EventWriter<'_>,
) -> Result<(), DropReason> {
    let EventKind::ToolCall(call) = &event.kind else {
        return Err(DropReason::UnsupportedByWire);
    };
    let tool = present(&call.tool).ok_or(DropReason::MissingField)?;
    let identity = identity(event, defaults).ok_or(DropReason::MissingField)?;
    // All events are one project's, whatever product they name.
    let session = session_hash(event, defaults, None);
    let user_id = user_id(&identity, session.as_ref());
    let limits = w.limits();
    let is_error = call.outcome().is_some_and(|outcome| outcome.is_error());

    let start = w.len();
    let made_by = (!stamp.has_given_id).then_some(stamp.instance);
    let call_id = id::uuid(stamp.event_id, made_by);
    w.digits(key!("callId"), &call_id);
    w.tool(key!("toolName"), tool, call.unknown_tool);
    w.flag(key!("isError"), is_error);
    w.integer(key!("timestamp"), unix_millis(stamp.at));
    w.integer(
        key!("durationMs"),
        call.duration.map_or(0, |duration| duration.as_millis()),
    );
    if is_error {
        // The receiver has no key for outcomes, so the outcome stands in for a missing error text.
        let outcome = call.outcome().map_or("", |outcome| outcome.as_str());
        w.text(
            key!("errorMessage"),
            call.error.as_deref().unwrap_or(outcome),
            limits.error_chars,
        );
    }
    if let Some(prompt) = &call.prompt {
        w.text(key!("intent"), prompt, limits.prompt_chars);
        if let Some(source) = call.intent_source {
            w.exact(key!("intentSource"), source.as_str());
        }
    }
    if !(identity.is_anonymous() && user_id == identity.id) {
        w.exact(key!("userId"), first(user_id));
    }
    if let Some(email) = email(event, defaults, &identity) {
        w.exact(key!("userEmail"), first(&email));
    }
    // Arguments and result share one room, as on the other wires. The receiver limits each of them.
    let room = limits.meta_bytes.min(w.value_bytes());
    let room = room.min(MAX_FIELD_BYTES - GROWTH_BYTES);
    let end = w.len() + room;
    write_arguments(call, end, w);
    if let Some(result) = call.result.filter(|_| !is_error)
        && w.content(key!("result"), result, false, end) == Written::TooLarge
    {
        w.exact(key!("result"), TOO_LARGE);
    }
    w.close_object(start);
    Ok(())
}

/// Writes the calls that records hold as this format has them, each followed by a comma. A spool may have kept some of
/// them in this format already.
pub(super) fn write_events(records: &[u8], out: &mut Vec<u8>) {
    Record::each(&[records], |record, json| {
        match is_record(record) {
            true => write_call(record, out),
            false => out.extend_from_slice(json.as_bytes()),
        }
        out.push(b',');
    });
}

/// Whether an event is a record, in whose head alone stands when it began or ended. The order of an event's members says
/// nothing: one that a hook has changed has another.
pub(super) fn is_record(event: &Record<'_>) -> bool {
    event.head(HeadName::Start).or(event.head(HeadName::End)) != Json::ABSENT
}

pub(super) fn write_call(record: &Record<'_>, out: &mut Vec<u8>) {
    let (event, meta, head) = (
        |name| record.event(name),
        |name| record.meta(name),
        |name| record.head(name),
    );
    let text = |text: &str| Value::from(text).to_string();
    let outcome = record.outcome.as_deref().unwrap_or_default();
    let is_error = CallOutcome::is_error_word(outcome);
    out.push(b'{');
    let mut member = |name: &str, json: &str| write_member(name, json, out);
    member("callId", &text(&String::from_utf8_lossy(&record.uuid())));
    member("toolName", meta(MetaName::Tool).get().unwrap_or("\"\""));
    member("isError", if is_error { "true" } else { "false" });
    let at = head(HeadName::Start).or(head(HeadName::End));
    let millis = at.number::<u64>().map(|nanos| nanos / 1_000_000);
    let seconds = || Some(event(PayloadName::EventAt).number::<u64>()? * 1_000);
    let millis = millis.or_else(seconds).unwrap_or_default();
    member("timestamp", &millis.to_string());
    let millis = record.duration() / 1_000_000;
    member("durationMs", &millis.to_string());
    if is_error {
        let error = meta(MetaName::Error).get();
        member(
            "errorMessage",
            &error.map_or_else(|| text(outcome), str::to_owned),
        );
    }
    if let Some(prompt) = meta(MetaName::Prompt).get() {
        member("intent", prompt);
        if let Some(source) = meta(MetaName::IntentSource).get() {
            member("intentSource", source);
        }
    }
    let user = event(PayloadName::UserId).text().unwrap_or_default();
    if user != Identity::anonymous().id {
        member("userId", &text(first(&user)));
    }
    if let Some(email) = head(HeadName::Email).text() {
        member("userEmail", &text(first(&email)));
    }
    member("arguments", &arguments_of(record));
    if let Some(result) = meta(MetaName::Result).get().filter(|_| !is_error) {
        let is_too_large = result.len() > MAX_FIELD_BYTES;
        member(
            "result",
            if is_too_large {
                "\"[truncated]\""
            } else {
                result
            },
        );
    }
    close_object(out);
}

/// The arguments of a call, or what stands in their place.
fn arguments_of(record: &Record<'_>) -> String {
    let given = record.meta(MetaName::ToolArguments);
    if record.meta(MetaName::Tool).is(CAPABILITY_TOOL) {
        let given = given.get().map(serde_json::from_str::<Value>);
        let given = given.and_then(Result::ok);
        return match given.filter(is_capability_request) {
            Some(given) => given.to_string(),
            None => "{\"[unserializable]\":true}".to_owned(),
        };
    }
    if let Some(given) = given.get().filter(|given| given.len() <= MAX_FIELD_BYTES) {
        return given.to_owned();
    }
    let mut names = Vec::from(*b"{");
    for (name, kept) in [
        ("tool_argument_keys", MetaName::ToolArgumentKeys),
        ("tool_argument_key_count", MetaName::ToolArgumentKeyCount),
    ] {
        if let Some(json) = record.meta(kept).get() {
            write_member(name, json, &mut names);
        }
    }
    if given != Json::ABSENT {
        let count = given.members().count().to_string();
        write_member("tool_argument_key_count", &count, &mut names);
    }
    close_object(&mut names);
    String::from_utf8(names).unwrap_or_default()
}

fn write_arguments(call: &Call<'_>, end: usize, w: &mut EventWriter<'_>) {
    let (mark, start) = (w.mark(), w.len());
    match call.arguments {
        None => {
            w.key(key!("arguments"));
            w.raw("{}");
        }
        Some(arguments) => {
            if w.object(key!("arguments"), arguments, end) == Written::TooLarge {
                w.key(key!("arguments"));
                let start = w.len();
                write_argument_names(arguments, end, w);
                w.close_object(start);
            }
        }
    }
    if call.tool == CAPABILITY_TOOL && !holds_capability_request(w.written_since(start)) {
        w.rewind(mark);
        w.key(key!("arguments"));
        w.raw("{\"[unserializable]\":true}");
        w.count_left_out();
    }
}

/// Whether a member holds the arguments that the receiver requires of its own tool.
fn holds_capability_request(member: &[u8]) -> bool {
    let name = key!("arguments").0.as_bytes();
    let arguments = member.strip_prefix(name).unwrap_or_default();
    is_capability_request(&serde_json::from_slice(arguments).unwrap_or_default())
}

/// Whether arguments are those that the receiver requires of its own tool.
pub(super) fn is_capability_request(arguments: &Value) -> bool {
    let is_text = |name| arguments.get(name).map(Value::is_string);
    is_text("capability") == Some(true) && is_text("context") != Some(false)
}

/// The receiver's limit for arguments, and for a result.
pub(super) const MAX_FIELD_BYTES: usize = 32_768;

/// What is left free of it for marks that are longer than what they hide.
const GROWTH_BYTES: usize = 2_768;

/// Whether arguments or a result are larger than the receiver takes them, which only marks can bring about.
pub(super) fn outgrows(event: &[u8], grown: usize) -> bool {
    if grown <= GROWTH_BYTES {
        return false;
    }
    let event = serde_json::from_slice::<Value>(event).unwrap_or_default();
    let too_large = |value: &Value| value.to_string().len() > MAX_FIELD_BYTES;
    let values = ["arguments", "result"].map(|name| event.get(name));
    values.into_iter().flatten().any(too_large)
}

/// The beginning of an id, of which the contract allows so many characters.
fn first(text: &str) -> &str {
    let end = text.char_indices().nth(limits::MAX_NAME_CHARS);
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// Reads how many events were taken.
pub(super) fn receipt(answer: &[u8]) -> Receipt {
    let answer = serde_json::from_slice::<serde_json::Value>(answer).unwrap_or_default();
    let accepted = answer.get("accepted").and_then(serde_json::Value::as_u64);
    accepted.map_or(Receipt::Taken, Receipt::Count)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::id::Instance;
    use crate::ledger::Dropped;
    use crate::wire::{EventForm, SenderInfo, Wire};

    fn framed(mcpeye: Mcpeye) -> Value {
        let sender = SenderInfo {
            instance: Instance::random(),
            sequence: 0,
            dropped: Dropped::default(),
            sent_at: std::time::SystemTime::UNIX_EPOCH,
        };
        let body =
            Wire::Mcpeye(mcpeye).frame(EventForm::Mcpeye, &[b"{\"a\":1},{\"b\":2},"], &sender);
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn a_frame_says_which_project_client_and_server() {
        let events = json!([{"a": 1}, {"b": 2}]);
        assert_eq!(
            framed(Mcpeye::new("p\"1")),
            json!({"projectId": "p\"1", "identity": {}, "events": events})
        );
        assert_eq!(
            framed(Mcpeye::new("p").client("c\n").server_version("1.2.3")),
            json!({"projectId": "p", "identity": {"client": "c\n", "serverVersion": "1.2.3"}, "events": events})
        );
    }

    #[test]
    fn an_answer_says_how_many_were_taken_or_nothing() {
        for (answer, expected) in [
            ("{\"accepted\":3}", Receipt::Count(3)),
            ("{\"accepted\":0,\"more\":1}", Receipt::Count(0)),
            ("{\"accepted\":-1}", Receipt::Taken),
            ("{\"accepted\":\"3\"}", Receipt::Taken),
            ("{}", Receipt::Taken),
            ("OK", Receipt::Taken),
            ("", Receipt::Taken),
        ] {
            assert_eq!(receipt(answer.as_bytes()), expected, "{answer}");
        }
    }

    #[test]
    fn an_id_is_cut_to_what_the_contract_allows() {
        assert_eq!(first(&"é".repeat(256)), "é".repeat(256));
        assert_eq!(first(&"é".repeat(257)), "é".repeat(256));
        assert_eq!(first(""), "");
    }
}

//! What an ingest may expect of a request's body, as a pure check: bytes in, the parsed body or the first
//! violation out.
//!
//! [`MockIngest`](super::MockIngest) runs it over every body. It knows no sockets, no clock and nothing of the code
//! that produces the bodies, so it cannot share a mistake with it. Each rule reads one of two ways: a field the format
//! does not call optional has to be there, and a field that is there has to have its type, even where it is optional
//! (a field without a value is left out, never `null`). What the formats leave open (kinds of activity, kinds of user
//! id, keys of `meta`) stays open here.

use std::collections::HashSet;
use std::fmt;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

/// The largest body of one event on the Reo wire, in bytes: 256 KiB.
pub const MAX_REO_BODY_BYTES: usize = 256 * 1024;
/// The longest `prompt` in a tool call's `meta`, in characters.
pub const MAX_PROMPT_CHARS: usize = 6_000;
/// The longest `error` in a tool call's `meta`, in characters.
pub const MAX_ERROR_CHARS: usize = 2_000;
/// The most names in a tool call's `tool_argument_keys`.
pub const MAX_ARGUMENT_KEYS: usize = 200;
/// The largest `arguments` and `result`, and the longest text, of an event on the mcpeye wire, in bytes.
pub const MAX_MCPEYE_FIELD_BYTES: usize = 32_768;
/// The longest `userId` and `userEmail` on the mcpeye wire, in characters.
pub const MAX_MCPEYE_USER_CHARS: usize = 256;

/// The mark that ends a text which was cut on the mcpeye wire; it comes on top of the text's own limit.
const MCPEYE_CUT_MARK: &str = "…[truncated]";

/// 2020 to 2100 in Unix seconds: wide enough for any recording, narrow enough to tell seconds from milliseconds.
const PLAUSIBLE_SECONDS: RangeInclusive<i64> = 1_577_836_800..=4_102_444_800;

const PAYLOAD_KEYS: [&str; 11] = [
    "activity_type",
    "source",
    "environment",
    "user_id",
    "user_id_type",
    "product_id",
    "ip_addr",
    "meta",
    "event_id",
    "event_at",
    "user_agent",
];

const MCPEYE_EVENT_KEYS: [&str; 12] = [
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

const OUTCOMES: [&str; 9] = [
    "ok",
    "tool_error",
    "protocol_error",
    "input_required",
    "task",
    "cancelled",
    "timeout",
    "panicked",
    "dropped",
];

const DROP_REASONS: [&str; 16] = [
    "queue_full",
    "evicted",
    "too_large",
    "missing_field",
    "unsupported_by_wire",
    "redaction_failed",
    "before_send",
    "sampled",
    "rate_capped",
    "unauthorized",
    "rejected",
    "expired",
    "spool_full",
    "shutdown_timeout",
    "closed",
    "forked",
];

/// The wire format a body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReceivedWire {
    /// One event per request: `{"payload":{…}}`.
    Reo,
    /// Events in an array, with the sender's loss report: `{"payload":[…],"sdk":{…}}`.
    ReoBatch,
    /// mcpeye's batch: `{"projectId":…,"identity":{…},"events":[…]}`.
    Mcpeye,
}

impl ReceivedWire {
    /// Tells the wire of a parsed body from its shape; `None` where it has the shape of none.
    #[must_use]
    pub fn of(body: &Value) -> Option<Self> {
        match body.get("payload") {
            Some(Value::Array(_)) => Some(Self::ReoBatch),
            Some(_) => Some(Self::Reo),
            None if body.get("projectId").is_some() || body.get("events").is_some() => {
                Some(Self::Mcpeye)
            }
            None => None,
        }
    }
}

impl fmt::Display for ReceivedWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reo => "reo",
            Self::ReoBatch => "reo-batch",
            Self::Mcpeye => "mcpeye",
        })
    }
}

/// What is wrong with a body, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The path of the offending field, such as `payload[3].event_id`; `body` for the whole.
    pub field: String,
    /// What is wrong with it. Says nothing of the value but its type or length, so that it can go into a log.
    pub reason: String,
}

impl Violation {
    pub(super) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

impl std::error::Error for Violation {}

/// Checks a body as it came over the wire, and returns it parsed.
///
/// On top of [`check_value`] this sees what parsing hides: the body's size, and a key that occurs twice in one object.
///
/// # Errors
/// The first [`Violation`] found.
///
/// # Examples
/// ```
/// # use mcp_usage::testing::contract::{ReceivedWire, check};
/// let violation = check(br#"{"payload":{"activity_type":"MCP_TOOL_CALL"}}"#, ReceivedWire::Reo).unwrap_err();
/// assert_eq!(violation.to_string(), "payload.user_id: is missing");
/// ```
pub fn check(body: &[u8], wire: ReceivedWire) -> Result<Value, Violation> {
    let value = parse(body)?;
    check_size(body.len(), wire)?;
    check_value(&value, wire)?;
    Ok(value)
}

/// Checks a parsed body: its fields, their types, lengths and closed lists of values.
///
/// # Errors
/// The first [`Violation`] found.
pub fn check_value(body: &Value, wire: ReceivedWire) -> Result<(), Violation> {
    let body = At::root(body).object()?;
    match wire {
        ReceivedWire::Reo => {
            body.only(&["payload"])?;
            check_payload(&body.required("payload")?)
        }
        ReceivedWire::ReoBatch => check_reo_batch(&body),
        ReceivedWire::Mcpeye => check_mcpeye(&body),
    }
}

pub(super) fn check_size(bytes: usize, wire: ReceivedWire) -> Result<(), Violation> {
    if wire == ReceivedWire::Reo && bytes > MAX_REO_BODY_BYTES {
        return Err(Violation::new(
            "body",
            format!("has {bytes} bytes, more than {MAX_REO_BODY_BYTES}"),
        ));
    }
    Ok(())
}

/// Parses a body and refuses what serde_json lets pass: a key that occurs twice in one object.
pub(super) fn parse(body: &[u8]) -> Result<Value, Violation> {
    let value = serde_json::from_slice(body)
        .map_err(|error| Violation::new("body", format!("is not JSON: {error}")))?;
    no_key_twice(body)?;
    Ok(value)
}

// ---- the Reo wires ----

fn check_payload(payload: &At<'_>) -> Result<(), Violation> {
    let payload = payload.object()?;
    payload.only(&PAYLOAD_KEYS)?;
    let activity = payload.required("activity_type")?.filled()?;
    for key in [
        "user_id",
        "user_id_type",
        "product_id",
        "source",
        "environment",
        "user_agent",
    ] {
        payload.required(key)?.filled()?;
    }
    if let Some(ip_addr) = payload.optional("ip_addr") {
        ip_addr.filled()?;
    }
    payload.required("event_id")?.integer_in(1..=i64::MAX)?;
    payload
        .required("event_at")?
        .integer_in(PLAUSIBLE_SECONDS)?;
    match payload.optional("meta") {
        Some(meta) => check_meta(activity, &meta.object()?),
        None if activity == "MCP_INIT" => Err(payload.at("meta").is("missing")),
        None => Ok(()),
    }
}

/// `meta` may hold any key; ours have a type, in the activities that are ours.
fn check_meta(activity: &str, meta: &Object<'_>) -> Result<(), Violation> {
    if !matches!(
        activity,
        "MCP_TOOL_CALL" | "MCP_INIT" | "MCP_IDENTITY_CAPTURE"
    ) {
        return Ok(());
    }
    if activity == "MCP_TOOL_CALL" {
        check_tool_call(meta)?;
    }
    if activity == "MCP_INIT" {
        for tool in meta.required("tools")?.array()? {
            tool.filled()?;
        }
        meta.required("tool_count")?.integer_in(0..=i64::MAX)?;
        if let Some(cut) = meta.optional("tools_truncated") {
            cut.integer_in(1..=i64::MAX)?;
        }
    }
    check_session_facts(meta)
}

fn check_tool_call(meta: &Object<'_>) -> Result<(), Violation> {
    // Not required, although every tool has a name: the Python SDK sends calls without one when its user overrides
    // `meta`, and the format does not mark it as required. The duration is absent while a call runs.
    if let Some(tool) = meta.optional("tool") {
        tool.filled()?;
    }
    if let Some(duration) = meta.optional("duration_ms") {
        duration.milliseconds()?;
    }
    if let Some(error) = meta.optional("error") {
        error.text_of(MAX_ERROR_CHARS)?;
    }
    if let Some(prompt) = meta.optional("prompt") {
        prompt.text_of(MAX_PROMPT_CHARS)?;
    }
    if let Some(outcome) = meta.optional("outcome") {
        outcome.one_of(&OUTCOMES)?;
    }
    if let Some(result) = meta.optional("result") {
        result.present()?;
    }
    if let Some(source) = meta.optional("intent_source") {
        source.filled()?;
    }
    let mut forms = 0;
    if let Some(arguments) = meta.optional("tool_arguments") {
        arguments.object()?;
        forms += 1;
    }
    if let Some(keys) = meta.optional("tool_argument_keys") {
        let names = keys.array()?;
        if names.len() > MAX_ARGUMENT_KEYS {
            return Err(keys.has(format!(
                "{} items, more than {MAX_ARGUMENT_KEYS}",
                names.len()
            )));
        }
        for name in names {
            name.text()?;
        }
        forms += 1;
    }
    if let Some(count) = meta.optional("tool_argument_key_count") {
        count.integer_in(0..=i64::MAX)?;
        forms += 1;
    }
    if forms > 1 {
        return Err(meta
            .at("tool_arguments")
            .is("given in more than one of its three forms"));
    }
    Ok(())
}

fn check_session_facts(meta: &Object<'_>) -> Result<(), Violation> {
    for key in [
        "session_id",
        "conversation_id",
        "client_name",
        "client_version",
        "protocol_version",
        "transport",
    ] {
        if let Some(fact) = meta.optional(key) {
            fact.filled()?;
        }
    }
    // JSON-RPC allows both forms.
    if let Some(id) = meta.optional("request_id")
        && !id.value.is_i64()
    {
        id.filled()?;
    }
    if let Some(redactions) = meta.optional("redactions") {
        let counts = redactions.object()?;
        if counts.map.is_empty() {
            return Err(redactions.is("empty, and should be absent"));
        }
        for class in counts.map.keys() {
            counts.required(class)?.integer_in(1..=i64::MAX)?;
        }
    }
    if let Some(rate) = meta.optional("sample_rate") {
        match rate.number()? {
            share if share > 0.0 && share <= 1.0 => {}
            _ => return Err(rate.is("outside 0 to 1")),
        }
    }
    if let Some(parent) = meta.optional("traceparent")
        && !is_hex_groups(parent.text()?, &[2, 32, 16, 2])
    {
        return Err(parent.is("not of the form version-trace-parent-flags"));
    }
    Ok(())
}

fn check_reo_batch(body: &Object<'_>) -> Result<(), Violation> {
    body.only(&["payload", "sdk"])?;
    let payload = body.required("payload")?;
    let events = payload.array()?;
    if events.is_empty() {
        return Err(payload.is("empty"));
    }
    let mut ids = HashSet::with_capacity(events.len());
    for event in &events {
        check_payload(event)?;
        let id = event.object()?.required("event_id")?;
        if !ids.insert(id.integer_in(1..=i64::MAX)?) {
            return Err(id.is("in this batch twice"));
        }
    }
    check_sdk(&body.required("sdk")?.object()?)
}

fn check_sdk(sdk: &Object<'_>) -> Result<(), Violation> {
    sdk.only(&["name", "version", "instance", "sequence", "dropped"])?;
    sdk.required("name")?.one_of(&["mcp-usage"])?;
    sdk.required("version")?.filled()?;
    sdk.required("instance")?.filled()?;
    sdk.required("sequence")?.integer_in(0..=i64::MAX)?;
    let Some(dropped) = sdk.optional("dropped") else {
        return Ok(());
    };
    let totals = dropped.object()?;
    totals.only(&DROP_REASONS)?;
    let mut lost = 0_i64;
    for reason in totals.map.keys() {
        lost = lost.saturating_add(totals.required(reason)?.integer_in(0..=i64::MAX)?);
    }
    if lost == 0 {
        Err(dropped.is("without a loss, and should be absent"))
    } else {
        Ok(())
    }
}

// ---- the mcpeye wire ----

fn check_mcpeye(body: &Object<'_>) -> Result<(), Violation> {
    body.only(&["projectId", "identity", "events"])?;
    body.required("projectId")?.filled()?;
    let identity = body.required("identity")?.object()?;
    identity.only(&["userId", "userEmail", "client", "serverVersion"])?;
    check_mcpeye_user(&identity)?;
    for key in ["client", "serverVersion"] {
        if let Some(fact) = identity.optional(key) {
            fact.filled()?;
        }
    }
    let list = body.required("events")?;
    let events = list.array()?;
    if events.is_empty() {
        return Err(list.is("empty"));
    }
    let mut ids = HashSet::with_capacity(events.len());
    for event in &events {
        let event = event.object()?;
        check_mcpeye_event(&event)?;
        let id = event.required("callId")?;
        if !ids.insert(id.text()?) {
            return Err(id.is("in this batch twice"));
        }
    }
    Ok(())
}

fn check_mcpeye_user(owner: &Object<'_>) -> Result<(), Violation> {
    for key in ["userId", "userEmail"] {
        if let Some(user) = owner.optional(key) {
            user.filled()?;
            user.text_of(MAX_MCPEYE_USER_CHARS)?;
        }
    }
    Ok(())
}

fn check_mcpeye_event(event: &Object<'_>) -> Result<(), Violation> {
    event.only(&MCPEYE_EVENT_KEYS)?;
    let id = event.required("callId")?;
    if !is_uuid_v4(id.text()?) {
        return Err(id.is("not a version 4 UUID"));
    }
    let tool = event.required("toolName")?.filled()?;
    let arguments = event.required("arguments")?;
    let given = arguments.object()?;
    arguments.mcpeye_sized()?;
    let cut = given.map.contains_key("[truncated]") || given.map.contains_key("[unserializable]");
    // The one tool of the format itself: a model asks for something the server cannot do.
    if tool == "mcpeye_request_capability" && !cut {
        given.required("capability")?.text()?;
        if let Some(context) = given.optional("context") {
            context.text()?;
        }
    }
    let failed = event.required("isError")?.boolean()?;
    let milliseconds = PLAUSIBLE_SECONDS.start() * 1_000..=PLAUSIBLE_SECONDS.end() * 1_000;
    event.required("timestamp")?.integer_in(milliseconds)?;
    event.required("durationMs")?.integer_in(0..=i64::MAX)?;
    if let Some(result) = event.optional("result") {
        if failed {
            return Err(result.is("given for a call that failed"));
        }
        result.mcpeye_sized()?;
    }
    for key in ["errorMessage", "intent"] {
        if let Some(text) = event.optional(key) {
            text.mcpeye_text()?;
        }
    }
    if let Some(source) = event.optional("intentSource") {
        source.one_of(&["mcpeye", "native"])?;
        event.required("intent")?;
    }
    check_mcpeye_user(event)
}

// ---- a value and where it is ----

/// A value of the body together with its path, which every complaint about it begins with.
struct At<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> At<'a> {
    fn root(value: &'a Value) -> Self {
        Self {
            path: String::from("body"),
            value,
        }
    }

    fn is(&self, what: impl fmt::Display) -> Violation {
        Violation::new(self.path.as_str(), format!("is {what}"))
    }

    fn has(&self, what: impl fmt::Display) -> Violation {
        Violation::new(self.path.as_str(), format!("has {what}"))
    }

    fn is_not(&self, wanted: &str) -> Violation {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.is(format_args!("{found}, not {wanted}"))
    }

    fn object(&self) -> Result<Object<'a>, Violation> {
        let map = self
            .value
            .as_object()
            .ok_or_else(|| self.is_not("an object"))?;
        let path = if self.path == "body" {
            String::new()
        } else {
            format!("{}.", self.path)
        };
        Ok(Object { path, map })
    }

    fn array(&self) -> Result<Vec<Self>, Violation> {
        let items = self
            .value
            .as_array()
            .ok_or_else(|| self.is_not("an array"))?;
        let at = |(index, value)| At {
            path: format!("{}[{index}]", self.path),
            value,
        };
        Ok(items.iter().enumerate().map(at).collect())
    }

    fn present(&self) -> Result<(), Violation> {
        if self.value.is_null() {
            Err(self.is("null, and should be absent"))
        } else {
            Ok(())
        }
    }

    fn text(&self) -> Result<&'a str, Violation> {
        self.value.as_str().ok_or_else(|| self.is_not("a string"))
    }

    fn filled(&self) -> Result<&'a str, Violation> {
        match self.text()? {
            "" => Err(self.is("empty")),
            text => Ok(text),
        }
    }

    fn text_of(&self, max_chars: usize) -> Result<(), Violation> {
        let chars = self.text()?.chars().count();
        if chars > max_chars {
            return Err(self.has(format_args!("{chars} characters, more than {max_chars}")));
        }
        Ok(())
    }

    fn one_of(&self, known: &[&str]) -> Result<(), Violation> {
        if known.contains(&self.text()?) {
            Ok(())
        } else {
            Err(self.is(format_args!("none of {}", known.join(", "))))
        }
    }

    fn boolean(&self) -> Result<bool, Violation> {
        self.value.as_bool().ok_or_else(|| self.is_not("a boolean"))
    }

    fn number(&self) -> Result<f64, Violation> {
        self.value.as_f64().ok_or_else(|| self.is_not("a number"))
    }

    fn integer_in(&self, range: RangeInclusive<i64>) -> Result<i64, Violation> {
        self.number()?;
        let Some(number) = self.value.as_i64() else {
            return Err(self.is("not a 64-bit integer"));
        };
        if !range.contains(&number) {
            return Err(self.is(format_args!("outside {} to {}", range.start(), range.end())));
        }
        Ok(number)
    }

    /// A duration in milliseconds with at most two decimals.
    fn milliseconds(&self) -> Result<(), Violation> {
        let number = self.number()?;
        if !(number.is_finite() && number >= 0.0) {
            return Err(self.is("negative or not finite"));
        }
        // The shortest text that names the same double decides, so 5072.52 passes although it is no exact binary
        // fraction.
        let rounded: Option<f64> = format!("{number:.2}").parse().ok();
        if rounded == Some(number) {
            Ok(())
        } else {
            Err(self.has("more than two decimals"))
        }
    }

    fn mcpeye_sized(&self) -> Result<(), Violation> {
        self.present()?;
        let bytes = self.value.to_string().len();
        if bytes > MAX_MCPEYE_FIELD_BYTES {
            return Err(self.has(format_args!(
                "{bytes} bytes, more than {MAX_MCPEYE_FIELD_BYTES}"
            )));
        }
        Ok(())
    }

    fn mcpeye_text(&self) -> Result<(), Violation> {
        let text = self.text()?;
        let bytes = text.strip_suffix(MCPEYE_CUT_MARK).unwrap_or(text).len();
        if bytes > MAX_MCPEYE_FIELD_BYTES {
            return Err(self.has(format_args!(
                "{bytes} bytes, more than {MAX_MCPEYE_FIELD_BYTES}"
            )));
        }
        Ok(())
    }
}

/// An object of the body, with the path its keys are appended to.
struct Object<'a> {
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// Names a key whether it is there or not, for complaints that are not about its value.
    fn at(&self, key: &str) -> At<'a> {
        At {
            path: format!("{}{key}", self.path),
            value: self.map.get(key).unwrap_or(&Value::Null),
        }
    }

    fn optional(&self, key: &str) -> Option<At<'a>> {
        self.map.contains_key(key).then(|| self.at(key))
    }

    fn required(&self, key: &str) -> Result<At<'a>, Violation> {
        self.optional(key).ok_or_else(|| self.at(key).is("missing"))
    }

    fn only(&self, known: &[&str]) -> Result<(), Violation> {
        match self.map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(self.at(key).is("not a key of this object")),
            None => Ok(()),
        }
    }
}

fn is_hex_groups(text: &str, lengths: &[usize]) -> bool {
    let mut groups = text.split('-');
    let all = lengths.iter().all(|&length| {
        groups.next().is_some_and(|group| {
            group.len() == length
                && group
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    });
    all && groups.next().is_none()
}

fn is_uuid_v4(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut version_and_variant = lower.split('-').skip(2).map(|group| group.bytes().next());
    is_hex_groups(&lower, &[8, 4, 4, 4, 12])
        && version_and_variant.next().flatten() == Some(b'4')
        && matches!(
            version_and_variant.next().flatten(),
            Some(b'8' | b'9' | b'a' | b'b')
        )
}

/// Refuses a key that occurs twice in one object.
///
/// Such a body parses, with the last value winning in one reader and the first in another; a sender that writes its
/// JSON piece by piece produces it easily. Expects JSON that parses, and then needs nothing but strings and brackets.
fn no_key_twice(json: &[u8]) -> Result<(), Violation> {
    let mut open: Vec<Container> = Vec::new();
    let mut rest = json;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'{' => open.push(Container {
                keys: Some(HashSet::new()),
                at: String::new(),
                key_next: true,
            }),
            b'[' => open.push(Container {
                keys: None,
                at: String::from("[0]"),
                key_next: false,
            }),
            b'}' | b']' => {
                open.pop();
            }
            b',' => {
                if let Some(container) = open.last_mut() {
                    container.next_member();
                }
            }
            b'"' => {
                let (raw, after) = tail.split_at(string_length(tail));
                rest = after.get(1..).unwrap_or_default();
                let Some(container) = open.last_mut() else {
                    continue;
                };
                if !container.key_next {
                    continue;
                }
                container.key_next = false;
                container.at = unescape(raw);
                let known = container
                    .keys
                    .as_mut()
                    .is_some_and(|keys| !keys.insert(container.at.clone()));
                if known {
                    return Err(Violation::new(path_of(&open), "is given twice"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// An object or array that is open at the scanner's place.
struct Container {
    /// The keys seen so far; `None` in an array.
    keys: Option<HashSet<String>>,
    /// The member the scanner is in.
    at: String,
    /// Whether the next string is a key.
    key_next: bool,
}

impl Container {
    fn next_member(&mut self) {
        if self.keys.is_some() {
            self.key_next = true;
        } else {
            let index: usize = self.at.trim_matches(['[', ']']).parse().unwrap_or_default();
            self.at = format!("[{}]", index + 1);
        }
    }
}

fn path_of(open: &[Container]) -> String {
    let mut path = String::new();
    for container in open {
        if container.keys.is_some() && !path.is_empty() {
            path.push('.');
        }
        path.push_str(&container.at);
    }
    path
}

/// The length of a JSON string's content, given the text after its opening quote.
fn string_length(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text.iter().position(|&byte| match (escaped, byte) {
        (true, _) => {
            escaped = false;
            false
        }
        (false, b'\\') => {
            escaped = true;
            false
        }
        (false, byte) => byte == b'"',
    });
    end.unwrap_or(text.len())
}

fn unescape(raw: &[u8]) -> String {
    let plain = || String::from_utf8_lossy(raw).into_owned();
    if !raw.contains(&b'\\') {
        return plain();
    }
    serde_json::from_str(&format!("\"{}\"", plain())).unwrap_or_else(|_| plain())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const REO: &str = include_str!("../../tests/it/golden/reo-census-mcp-0.5.0.json");
    const MCPEYE: &str = include_str!("../../tests/it/golden/mcpeye-0.1.5.json");

    /// The bodies of all requests in a recording, with the name of their case.
    fn recorded(recording: &str) -> Vec<(String, Value)> {
        let recording: Value = serde_json::from_str(recording).unwrap();
        let cases = recording
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![recording]);
        let mut bodies = Vec::new();
        for case in cases {
            let name = case["name"].as_str().unwrap_or("mcpeye").to_owned();
            for request in case["requests"].as_array().into_iter().flatten() {
                bodies.push((name.clone(), request["body"].clone()));
            }
        }
        bodies
    }

    fn reo(name: &str) -> Value {
        recorded(REO)
            .into_iter()
            .find(|(case, _)| case == name)
            .unwrap()
            .1
    }

    fn init() -> Value {
        recorded(REO)
            .into_iter()
            .map(|(_, body)| body)
            .find(|body| body["payload"]["activity_type"] == "MCP_INIT")
            .unwrap()
    }

    fn mcpeye() -> Value {
        recorded(MCPEYE).remove(0).1
    }

    fn batch() -> Value {
        let mut second = reo("identity_capture")["payload"].take();
        second["event_id"] = json!(7);
        json!({
            "payload": [reo("tool_call")["payload"], second],
            "sdk": {"name": "mcp-usage", "version": "0.1.0", "instance": "9f3a", "sequence": 4, "dropped": {"queue_full": 2}},
        })
    }

    /// A tool call with every key that has a type.
    fn full_call() -> Value {
        let mut body = reo("tool_call");
        body["payload"]["ip_addr"] = json!("203.0.113.9");
        body["payload"]["meta"] = json!({
            "tool": "search", "duration_ms": 5072.52, "error": "no such thing", "prompt": "who uses rails?",
            "tool_arguments": {"query": "rails"}, "outcome": "tool_error", "result": {"rows": 3},
            "intent_source": "native", "session_id": "s", "conversation_id": "c", "client_name": "claude",
            "client_version": "1", "protocol_version": "2025-06-18", "transport": "stdio", "request_id": 7,
            "redactions": {"email": 2}, "sample_rate": 0.5, "anything": null,
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        });
        body
    }

    /// Sets the value at a JSON pointer, whose last part may be new; `None` removes it.
    fn change(body: &mut Value, pointer: &str, value: Option<Value>) {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap();
        match (parent, value) {
            (Value::Object(map), Some(value)) => {
                map.insert(key.to_owned(), value);
            }
            (Value::Object(map), None) => {
                map.remove(key).unwrap();
            }
            (Value::Array(items), Some(value)) => items[key.parse::<usize>().unwrap()] = value,
            (other, _) => panic!("{pointer} leads into {other}"),
        }
    }

    /// Each mutation is refused, with its field first in the complaint.
    fn refused(wire: ReceivedWire, base: &Value, mutations: Vec<(&str, Option<Value>, &str)>) {
        assert_eq!(
            check_value(base, wire),
            Ok(()),
            "the body to mutate is sound"
        );
        for (pointer, value, field) in mutations {
            let mut body = base.clone();
            change(&mut body, pointer, value.clone());
            let bytes = body.to_string().into_bytes();
            match check(&bytes, wire) {
                Err(violation) => {
                    assert_eq!(violation.field, field, "{pointer} = {value:?}: {violation}");
                    assert!(!violation.reason.is_empty());
                }
                Ok(_) => panic!("{pointer} = {value:?} passes"),
            }
        }
    }

    #[test]
    fn recorded_bodies_pass_unless_the_recording_is_of_a_fault() {
        let mut passed = 0;
        for (name, body) in recorded(REO) {
            let verdict = check(body.to_string().as_bytes(), ReceivedWire::Reo);
            if name == "missing_required_fields" {
                assert_eq!(verdict.unwrap_err().field, "payload.activity_type");
            } else {
                assert_eq!(verdict.err(), None, "{name}");
                passed += 1;
            }
        }
        assert_eq!(passed, 12);
        assert_eq!(check_value(&mcpeye(), ReceivedWire::Mcpeye), Ok(()));
        assert_eq!(check_value(&batch(), ReceivedWire::ReoBatch), Ok(()));
        assert_eq!(check_value(&full_call(), ReceivedWire::Reo), Ok(()));
    }

    #[test]
    fn every_required_field_of_a_payload_is_missed() {
        let body = reo("tool_call");
        let optional = ["ip_addr", "meta"];
        for key in PAYLOAD_KEYS.iter().filter(|key| !optional.contains(key)) {
            let (pointer, field) = (format!("/payload/{key}"), format!("payload.{key}"));
            refused(
                ReceivedWire::Reo,
                &body,
                vec![
                    (&pointer, None, &field),
                    (&pointer, Some(json!(null)), &field),
                    (&pointer, Some(json!([])), &field),
                ],
            );
        }
        for key in optional {
            let mut without = full_call();
            change(&mut without, &format!("/payload/{key}"), None);
            assert_eq!(
                check_value(&without, ReceivedWire::Reo),
                Ok(()),
                "{key} is optional"
            );
        }
    }

    #[test]
    fn payload_fields_are_checked_for_type_and_range() {
        refused(
            ReceivedWire::Reo,
            &full_call(),
            vec![
                ("/sdk", Some(json!({})), "sdk"),
                ("/payload", None, "payload"),
                ("/payload", Some(json!("text")), "payload"),
                ("/payload/plan", Some(json!("free")), "payload.plan"),
                ("/payload/user_id", Some(json!("")), "payload.user_id"),
                (
                    "/payload/user_id_type",
                    Some(json!(3)),
                    "payload.user_id_type",
                ),
                ("/payload/ip_addr", Some(json!(null)), "payload.ip_addr"),
                ("/payload/meta", Some(json!([])), "payload.meta"),
                ("/payload/event_id", Some(json!(0)), "payload.event_id"),
                ("/payload/event_id", Some(json!(-5)), "payload.event_id"),
                (
                    "/payload/event_id",
                    Some(json!(9_223_372_036_854_775_808_u64)),
                    "payload.event_id",
                ),
                (
                    "/payload/event_id",
                    Some(json!("1731000000123456789")),
                    "payload.event_id",
                ),
                ("/payload/event_id", Some(json!(1.5)), "payload.event_id"),
                (
                    "/payload/event_at",
                    Some(json!(1_731_000_000_123_i64)),
                    "payload.event_at",
                ),
                (
                    "/payload/event_at",
                    Some(json!(1_731_000_000.5)),
                    "payload.event_at",
                ),
                ("/payload/event_at", Some(json!(0)), "payload.event_at"),
            ],
        );
    }

    #[test]
    fn our_keys_of_a_tool_calls_meta_have_types() {
        let text = |chars| Some(json!("é".repeat(chars)));
        refused(
            ReceivedWire::Reo,
            &full_call(),
            vec![
                ("/payload/meta/tool", Some(json!(1)), "payload.meta.tool"),
                ("/payload/meta/tool", Some(json!("")), "payload.meta.tool"),
                (
                    "/payload/meta/duration_ms",
                    Some(json!("1")),
                    "payload.meta.duration_ms",
                ),
                (
                    "/payload/meta/duration_ms",
                    Some(json!(-0.5)),
                    "payload.meta.duration_ms",
                ),
                (
                    "/payload/meta/duration_ms",
                    Some(json!(1.234)),
                    "payload.meta.duration_ms",
                ),
                ("/payload/meta/error", text(2_001), "payload.meta.error"),
                ("/payload/meta/prompt", text(6_001), "payload.meta.prompt"),
                (
                    "/payload/meta/prompt",
                    Some(json!(null)),
                    "payload.meta.prompt",
                ),
                (
                    "/payload/meta/tool_arguments",
                    Some(json!([1])),
                    "payload.meta.tool_arguments",
                ),
                (
                    "/payload/meta/tool_argument_keys",
                    Some(json!(["query"])),
                    "payload.meta.tool_arguments",
                ),
                (
                    "/payload/meta/tool_argument_keys",
                    Some(json!([1])),
                    "payload.meta.tool_argument_keys[0]",
                ),
                (
                    "/payload/meta/tool_argument_keys",
                    Some(json!(vec!["k"; 201])),
                    "payload.meta.tool_argument_keys",
                ),
                (
                    "/payload/meta/tool_argument_key_count",
                    Some(json!(2)),
                    "payload.meta.tool_arguments",
                ),
                (
                    "/payload/meta/tool_argument_key_count",
                    Some(json!(-1)),
                    "payload.meta.tool_argument_key_count",
                ),
                (
                    "/payload/meta/outcome",
                    Some(json!("fine")),
                    "payload.meta.outcome",
                ),
                (
                    "/payload/meta/result",
                    Some(json!(null)),
                    "payload.meta.result",
                ),
                (
                    "/payload/meta/intent_source",
                    Some(json!("")),
                    "payload.meta.intent_source",
                ),
                (
                    "/payload/meta/session_id",
                    Some(json!(null)),
                    "payload.meta.session_id",
                ),
                (
                    "/payload/meta/conversation_id",
                    Some(json!(1)),
                    "payload.meta.conversation_id",
                ),
                (
                    "/payload/meta/client_name",
                    Some(json!({})),
                    "payload.meta.client_name",
                ),
                (
                    "/payload/meta/client_version",
                    Some(json!(1.2)),
                    "payload.meta.client_version",
                ),
                (
                    "/payload/meta/protocol_version",
                    Some(json!("")),
                    "payload.meta.protocol_version",
                ),
                (
                    "/payload/meta/transport",
                    Some(json!(false)),
                    "payload.meta.transport",
                ),
                (
                    "/payload/meta/request_id",
                    Some(json!(1.5)),
                    "payload.meta.request_id",
                ),
                (
                    "/payload/meta/redactions",
                    Some(json!({})),
                    "payload.meta.redactions",
                ),
                (
                    "/payload/meta/redactions",
                    Some(json!({"email": 0})),
                    "payload.meta.redactions.email",
                ),
                (
                    "/payload/meta/sample_rate",
                    Some(json!(0)),
                    "payload.meta.sample_rate",
                ),
                (
                    "/payload/meta/sample_rate",
                    Some(json!(1.5)),
                    "payload.meta.sample_rate",
                ),
                (
                    "/payload/meta/traceparent",
                    Some(json!("00-abc")),
                    "payload.meta.traceparent",
                ),
            ],
        );
        for (key, chars) in [("prompt", MAX_PROMPT_CHARS), ("error", MAX_ERROR_CHARS)] {
            let mut longest = full_call();
            longest["payload"]["meta"][key] = json!("é".repeat(chars));
            assert_eq!(
                check_value(&longest, ReceivedWire::Reo),
                Ok(()),
                "{key} is counted in characters"
            );
        }
    }

    #[test]
    fn an_init_lists_its_tools() {
        refused(
            ReceivedWire::Reo,
            &init(),
            vec![
                ("/payload/meta", None, "payload.meta"),
                ("/payload/meta/tools", None, "payload.meta.tools"),
                (
                    "/payload/meta/tools",
                    Some(json!([1])),
                    "payload.meta.tools[0]",
                ),
                ("/payload/meta/tool_count", None, "payload.meta.tool_count"),
                (
                    "/payload/meta/tool_count",
                    Some(json!("3")),
                    "payload.meta.tool_count",
                ),
                (
                    "/payload/meta/tools_truncated",
                    Some(json!(true)),
                    "payload.meta.tools_truncated",
                ),
            ],
        );
    }

    #[test]
    fn meta_of_a_custom_activity_is_its_users_affair() {
        let mut body = reo("all_fields");
        body["payload"]["meta"] = json!({"outcome": 5, "prompt": null, "tools": "hammer"});
        assert_eq!(check_value(&body, ReceivedWire::Reo), Ok(()));
    }

    #[test]
    fn a_reo_body_ends_at_256_kib() {
        let mut body = reo("identity_capture");
        body["payload"]["meta"] = json!({"x": ""});
        let room = MAX_REO_BODY_BYTES - body.to_string().len();
        body["payload"]["meta"]["x"] = json!("y".repeat(room));
        assert!(check(body.to_string().as_bytes(), ReceivedWire::Reo).is_ok());
        body["payload"]["meta"]["x"] = json!("y".repeat(room + 1));
        let violation = check(body.to_string().as_bytes(), ReceivedWire::Reo).unwrap_err();
        assert_eq!(
            violation.to_string(),
            "body: has 262145 bytes, more than 262144"
        );
    }

    #[test]
    fn a_batch_has_events_and_a_sound_loss_report() {
        let twice = batch()["payload"][0]["event_id"].clone();
        refused(
            ReceivedWire::ReoBatch,
            &batch(),
            vec![
                ("/more", Some(json!(1)), "more"),
                ("/payload", Some(json!([])), "payload"),
                ("/payload/1", Some(json!("event")), "payload[1]"),
                ("/payload/1/user_id", None, "payload[1].user_id"),
                ("/payload/1/event_id", Some(twice), "payload[1].event_id"),
                ("/sdk", None, "sdk"),
                ("/sdk/host", Some(json!("h")), "sdk.host"),
                ("/sdk/name", Some(json!("other")), "sdk.name"),
                ("/sdk/version", None, "sdk.version"),
                ("/sdk/instance", Some(json!("")), "sdk.instance"),
                ("/sdk/sequence", Some(json!(-1)), "sdk.sequence"),
                ("/sdk/sequence", None, "sdk.sequence"),
                ("/sdk/dropped", Some(json!({})), "sdk.dropped"),
                (
                    "/sdk/dropped",
                    Some(json!({"queue_full": 0})),
                    "sdk.dropped",
                ),
                ("/sdk/dropped", Some(json!({"lost": 1})), "sdk.dropped.lost"),
                (
                    "/sdk/dropped/queue_full",
                    Some(json!("2")),
                    "sdk.dropped.queue_full",
                ),
            ],
        );
        let mut lossless = batch();
        change(&mut lossless, "/sdk/dropped", None);
        assert_eq!(check_value(&lossless, ReceivedWire::ReoBatch), Ok(()));
    }

    #[test]
    fn every_required_field_of_the_mcpeye_wire_is_missed() {
        for (pointer, field) in [
            ("/projectId", "projectId"),
            ("/identity", "identity"),
            ("/events", "events"),
            ("/events/1/callId", "events[1].callId"),
            ("/events/1/toolName", "events[1].toolName"),
            ("/events/1/arguments", "events[1].arguments"),
            ("/events/1/isError", "events[1].isError"),
            ("/events/1/timestamp", "events[1].timestamp"),
            ("/events/1/durationMs", "events[1].durationMs"),
        ] {
            refused(
                ReceivedWire::Mcpeye,
                &mcpeye(),
                vec![(pointer, None, field), (pointer, Some(json!(null)), field)],
            );
        }
    }

    #[test]
    fn mcpeye_fields_are_checked_for_type_and_length() {
        let large = || Some(json!({"x": "y".repeat(MAX_MCPEYE_FIELD_BYTES)}));
        let first = mcpeye()["events"][0]["callId"].clone();
        refused(
            ReceivedWire::Mcpeye,
            &mcpeye(),
            vec![
                ("/sdk", Some(json!({})), "sdk"),
                ("/projectId", Some(json!("")), "projectId"),
                ("/identity/plan", Some(json!("x")), "identity.plan"),
                ("/identity/client", Some(json!(1)), "identity.client"),
                (
                    "/identity/serverVersion",
                    Some(json!(null)),
                    "identity.serverVersion",
                ),
                (
                    "/identity/userId",
                    Some(json!("u".repeat(257))),
                    "identity.userId",
                ),
                ("/events", Some(json!([])), "events"),
                ("/events/0/session", Some(json!("s")), "events[0].session"),
                ("/events/1/callId", Some(first), "events[1].callId"),
                (
                    "/events/0/callId",
                    Some(json!("f9e078a0-519b-1af2-b6c2-1896a6d21d1b")),
                    "events[0].callId",
                ),
                (
                    "/events/0/callId",
                    Some(json!("f9e078a0-519b-4af2-76c2-1896a6d21d1b")),
                    "events[0].callId",
                ),
                (
                    "/events/0/callId",
                    Some(json!("f9e078a0519b4af2b6c21896a6d21d1b")),
                    "events[0].callId",
                ),
                ("/events/0/toolName", Some(json!("")), "events[0].toolName"),
                (
                    "/events/0/arguments",
                    Some(json!([])),
                    "events[0].arguments",
                ),
                ("/events/0/arguments", large(), "events[0].arguments"),
                ("/events/0/isError", Some(json!(0)), "events[0].isError"),
                (
                    "/events/0/timestamp",
                    Some(json!(1_795_246_992)),
                    "events[0].timestamp",
                ),
                (
                    "/events/0/timestamp",
                    Some(json!(1_795_246_992_700.5)),
                    "events[0].timestamp",
                ),
                (
                    "/events/0/durationMs",
                    Some(json!(-1)),
                    "events[0].durationMs",
                ),
                (
                    "/events/0/durationMs",
                    Some(json!(1.5)),
                    "events[0].durationMs",
                ),
                ("/events/0/result", Some(json!(null)), "events[0].result"),
                ("/events/0/result", large(), "events[0].result"),
                ("/events/2/result", Some(json!("r")), "events[2].result"),
                (
                    "/events/2/errorMessage",
                    Some(json!("e".repeat(32_769))),
                    "events[2].errorMessage",
                ),
                ("/events/0/intent", Some(json!(1)), "events[0].intent"),
                ("/events/0/intent", None, "events[0].intent"),
                (
                    "/events/0/intentSource",
                    Some(json!("guess")),
                    "events[0].intentSource",
                ),
                (
                    "/events/0/userId",
                    Some(json!("u".repeat(257))),
                    "events[0].userId",
                ),
                (
                    "/events/0/userEmail",
                    Some(json!("u".repeat(257))),
                    "events[0].userEmail",
                ),
                (
                    "/events/6/arguments/capability",
                    None,
                    "events[6].arguments.capability",
                ),
                (
                    "/events/6/arguments/context",
                    Some(json!(1)),
                    "events[6].arguments.context",
                ),
            ],
        );
        let mut cut = mcpeye();
        cut["events"][0]["intent"] = json!(format!(
            "{}…[truncated]",
            "i".repeat(MAX_MCPEYE_FIELD_BYTES)
        ));
        assert_eq!(
            check_value(&cut, ReceivedWire::Mcpeye),
            Ok(()),
            "the mark comes on top"
        );
    }

    #[test]
    fn a_key_given_twice_is_found_at_any_depth() {
        for (body, field) in [
            (r#"{"payload":{},"payload":{}}"#, "payload"),
            (
                r#"{"payload":{"meta":{"tool":"a","x":{"tool":"ok"},"tool":"b"}}}"#,
                "payload.meta.tool",
            ),
            (
                r#"{"payload":[{"a":1},[0,{"b":"a\"b,","\u0062":2}]]}"#,
                "payload[1][1].b",
            ),
            (r#"{"a\\":1,"a\\":2}"#, "a\\"),
        ] {
            let violation = parse(body.as_bytes()).unwrap_err();
            assert_eq!(
                (violation.field.as_str(), violation.reason.as_str()),
                (field, "is given twice"),
                "{body}"
            );
        }
        assert!(parse(br#"{"a":{"a":["a","a",{"a":"a:a"}]},"b":"\"a\":1,\"a\":2"}"#).is_ok());
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for body in ["", "{", "NaN", r#"{"payload":NaN}"#, "\u{feff}{}", "{}{}"] {
            assert_eq!(
                check(body.as_bytes(), ReceivedWire::Reo).unwrap_err().field,
                "body",
                "{body}"
            );
        }
        assert_eq!(check(b"\xff", ReceivedWire::Reo).unwrap_err().field, "body");
        assert_eq!(
            check(b"[]", ReceivedWire::Reo).unwrap_err().to_string(),
            "body: is an array, not an object"
        );
    }

    #[test]
    fn the_shape_tells_the_wire() {
        assert_eq!(ReceivedWire::of(&reo("tool_call")), Some(ReceivedWire::Reo));
        assert_eq!(ReceivedWire::of(&batch()), Some(ReceivedWire::ReoBatch));
        assert_eq!(ReceivedWire::of(&mcpeye()), Some(ReceivedWire::Mcpeye));
        assert_eq!(ReceivedWire::of(&json!({"events_of": []})), None);
        assert_eq!(ReceivedWire::of(&json!("payload")), None);
    }
}

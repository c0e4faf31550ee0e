//! One event of PostHog.

use std::borrow::Cow;

use super::properties::{MAX_NAME_CHARS, Properties};
use super::session::{is_handle, is_hash, session_id};
use super::settings::PostHog;
use super::shape::{cut, within_limits};
use crate::base::clock::rfc3339;
use crate::event::{CallOutcome, IntentSource};
use crate::transport::http::USER_AGENT;
use crate::wire::record::{Kind, Members, Record};

/// Most bytes of an event.
pub(super) const MAX_EVENT_BYTES: usize = 102_400;

/// Most characters of a `distinct_id`, of which the receiver keeps no more.
const MAX_ID_CHARS: usize = 200;
/// Most characters of an intent, and of an error.
const MAX_PROSE_CHARS: usize = 2_048;

/// The tool that takes requests for what no tool offers.
pub(crate) const CAPABILITY_TOOL: &str = "get_more_tools";

/// The properties that members of `meta` become. One without a property is written elsewhere; one that is not named
/// gets the prefix of ours.
const PROPERTIES: &[(&str, Option<&str>)] = &[
    ("client_name", Some("$mcp_client_name")),
    ("client_version", Some("$mcp_client_version")),
    ("conversation_id", None),
    ("duration_ms", None),
    ("error", None),
    ("intent_source", None),
    ("prompt", None),
    ("protocol_version", Some("$mcp_protocol_version")),
    ("redactions", None),
    ("result", None),
    ("server_name", None),
    ("server_version", None),
    ("session_id", None),
    ("tool", None),
    ("tool_argument_keys", None),
    ("tool_arguments", None),
    ("tools", None),
    ("vendor_client", Some("$mcp_vendor_client")),
];

/// How much of an event is kept: each step leaves out more than the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kept {
    All,
    WithoutResponse,
    WithoutParameters,
    /// Nothing but what has a length of its own.
    WithoutOthers,
}

/// Writes an event, with as much of it as there is room for.
pub(super) fn write(event: &str, posthog: &PostHog, out: &mut Vec<u8>) {
    let start = out.len();
    for kept in [
        Kept::All,
        Kept::WithoutResponse,
        Kept::WithoutParameters,
        Kept::WithoutOthers,
    ] {
        out.truncate(start);
        write_as(event, posthog, kept, out);
        if out.len() - start <= MAX_EVENT_BYTES {
            break;
        }
    }
}

pub(super) fn write_as(event: &str, posthog: &PostHog, kept: Kept, out: &mut Vec<u8>) {
    let record = Record::read(event);
    let [start, _] = record.times();
    let form = Form {
        name: Name::of(&record),
        session: session_id(&record, start),
        record,
        kept,
    };
    let person = form.person();
    out.push(b'{');
    let mut members = Properties::new(out);
    members.text("uuid", &form.record.uuid(), usize::MAX);
    members.text("event", &form.name.text(), MAX_NAME_CHARS);
    let id = person.as_deref().unwrap_or(&form.session);
    members.text("distinct_id", id, MAX_ID_CHARS);
    members.text("timestamp", &rfc3339(start), usize::MAX);
    members.object("properties", |p| form.write(posthog, person.is_some(), p));
    out.push(b'}');
}

/// What an event is called.
#[derive(PartialEq, Eq)]
enum Name<'e> {
    /// Final outcomes of calls alone: what names no tool, asks back or goes on as a task is none.
    ToolCall,
    UnknownTool,
    InputRequired,
    MissingCapability,
    PromptGet,
    ResourceRead,
    ToolsList,
    Initialize,
    Identify,
    /// One of our own.
    Ours(Cow<'e, str>),
    /// One of the host's, as it is called there.
    Custom(Cow<'e, str>),
}

impl<'e> Name<'e> {
    fn of(record: &Record<'e>) -> Self {
        match record.kind {
            Kind::ToolCall => Self::of_call(record),
            Kind::PromptGet => Self::PromptGet,
            Kind::ResourceRead => Self::ResourceRead,
            Kind::Init => Self::ToolsList,
            Kind::Other => match &*record.activity {
                "MCP_SESSION_START" => Self::Initialize,
                // Of nobody there is nothing to identify.
                "MCP_IDENTITY_CAPTURE" if user(record).is_some() => Self::Identify,
                "MCP_IDENTITY_CAPTURE" => Self::Ours(Cow::Borrowed("login")),
                activity => match activity.strip_prefix("MCP_") {
                    Some(rest) => Self::Ours(Cow::Owned(rest.to_owned())),
                    // The vendor's events begin so.
                    None if activity.starts_with('$') => Self::Ours(record.activity.clone()),
                    None => Self::Custom(record.activity.clone()),
                },
            },
        }
    }

    fn of_call(record: &Record<'_>) -> Self {
        let is = |outcome: CallOutcome| record.outcome.as_deref() == Some(outcome.as_str());
        if record.meta.is_true("unknown_tool") {
            Self::UnknownTool
        } else if is(CallOutcome::InputRequired) {
            Self::InputRequired
        } else if is(CallOutcome::Task) {
            Self::Ours(Cow::Borrowed("task"))
        } else if record.meta.text("tool").as_deref() == Some(CAPABILITY_TOOL) {
            Self::MissingCapability
        } else {
            Self::ToolCall
        }
    }

    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::ToolCall => "$mcp_tool_call",
            Self::UnknownTool => "$mcp_unknown_tool",
            Self::InputRequired => "$mcp_input_required",
            Self::MissingCapability => "$mcp_missing_capability",
            Self::PromptGet => "$mcp_prompt_get",
            Self::ResourceRead => "$mcp_resource_read",
            Self::ToolsList => "$mcp_tools_list",
            Self::Initialize => "$mcp_initialize",
            Self::Identify => "$identify",
            Self::Ours(name) => {
                let word = |c: char| match c {
                    c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
                    _ => '_',
                };
                let name = name.trim_start_matches('$');
                let name = name.chars().map(word).collect::<String>();
                return Cow::Owned(format!("mcp_usage_{name}"));
            }
            Self::Custom(name) => name,
        })
    }
}

/// An event as it is written.
struct Form<'e> {
    record: Record<'e>,
    name: Name<'e>,
    session: String,
    kept: Kept,
}

impl Form<'_> {
    fn person(&self) -> Option<Cow<'_, str>> {
        user(&self.record)
    }

    fn write(&self, posthog: &PostHog, has_person: bool, p: &mut Properties<'_>) {
        let Record { event, meta, .. } = &self.record;
        p.text("$lib", "mcp-usage", MAX_NAME_CHARS);
        p.text("$lib_version", env!("CARGO_PKG_VERSION"), MAX_NAME_CHARS);
        p.text("$mcp_source", "posthog_mcp_analytics", MAX_NAME_CHARS);
        p.text("$session_id", &self.session, MAX_NAME_CHARS);
        let product = event.text("product_id");
        let server = posthog
            .server_name
            .as_deref()
            .filter(|name| !name.is_empty());
        let own = meta.text("server_name");
        let server = server.or(own.as_deref()).or(product.as_deref());
        p.known("$mcp_server_name", server);
        let own = meta.text("server_version");
        let version = posthog.server_version.as_deref();
        p.known("$mcp_server_version", version.or(own.as_deref()));
        self.write_person(has_person, p);
        self.write_network(p);
        self.write_request(p);
        self.write_intent(p);
        for (name, property) in [
            ("product_id", "mcp_usage_product_id"),
            ("environment", "mcp_usage_environment"),
            ("source", "mcp_usage_source"),
            ("activity_type", "mcp_usage_activity_type"),
        ] {
            p.known(property, event.text(name).as_deref());
        }
        if let Some(id) = event.get("event_id") {
            // As a text: JavaScript would round the number.
            p.text("mcp_usage_event_id", id, MAX_NAME_CHARS);
        }
        self.write_meta(p);
        for (class, count) in meta.object("redactions").iter() {
            p.json(&format!("mcp_usage_redactions_{class}"), count);
        }
        self.write_values(p);
    }

    fn write_person(&self, has_person: bool, p: &mut Properties<'_>) {
        if !has_person {
            return p.flag("$process_person_profile", false);
        }
        let kind = self.record.event.text("user_id_type");
        p.known("mcp_usage_user_id_type", kind.as_deref());
        let email = self.record.head.text("email");
        // Half an address is another one.
        let email = email.filter(|email| cut(email, MAX_NAME_CHARS) == email);
        if let Some(email) = email.filter(|email| !email.is_empty()) {
            p.object("$set", |person| person.known("email", Some(&email)));
        }
    }

    fn write_network(&self, p: &mut Properties<'_>) {
        let event = &self.record.event;
        match event.text("ip_addr") {
            Some(address) => p.known("$ip", Some(&address)),
            // It would be the place of the server that is looked up.
            None => p.flag("$geoip_disable", true),
        }
        let agent = event.text("user_agent");
        let agent = agent.filter(|agent| agent != USER_AGENT);
        p.known("$mcp_client_user_agent", agent.as_deref());
    }

    /// Writes what a request was about and how it ended.
    fn write_request(&self, p: &mut Properties<'_>) {
        let Record { meta, .. } = &self.record;
        let tool = meta
            .text("tool")
            .filter(|_| self.record.kind == Kind::ToolCall);
        if let Some(tool) = tool {
            if self.name != Name::MissingCapability {
                p.known("$mcp_tool_name", Some(&tool));
            }
            if matches!(self.name, Name::ToolCall | Name::MissingCapability) {
                p.known("$mcp_resource_name", Some(&tool));
            }
        }
        let resource = match self.name {
            Name::PromptGet => meta.text("prompt_name"),
            Name::ResourceRead => meta.text("resource_uri"),
            _ => None,
        };
        p.known("$mcp_resource_name", resource.as_deref());
        if self.name == Name::ToolsList {
            let names = meta
                .get("tools")
                .filter(|_| self.kept < Kept::WithoutOthers);
            p.json("$mcp_listed_tool_names", names.unwrap_or("[]"));
        }
        if self.record.kind.method().is_some() {
            self.write_end(p);
        }
    }

    fn write_end(&self, p: &mut Properties<'_>) {
        // A double that is negative or none is no duration.
        let is_number = |json: &&str| {
            let number = json.parse::<f64>();
            number.is_ok_and(|number| number >= 0.0 && number.is_finite())
        };
        let duration = self.record.meta.get("duration_ms").filter(is_number);
        match duration {
            Some(duration) => p.json("$mcp_duration_ms", duration),
            None if self.name == Name::UnknownTool => {}
            None => p.json("$mcp_duration_ms", "0"),
        }
        if let Some(code) = self.record.code() {
            p.json("mcp_usage_error_code", &code.to_string());
        }
        let outcome = self.record.outcome.as_deref().unwrap_or_default();
        let error = match self.name {
            Name::UnknownTool => None,
            Name::InputRequired => {
                // What was asked for is not known.
                p.json("$mcp_input_request_methods", "[]");
                None
            }
            _ => {
                let error = error_type(outcome, self.record.code());
                p.flag("$mcp_is_error", error.is_some());
                error
            }
        };
        match (error, self.record.error.as_deref()) {
            (Some(error), message) => {
                p.known("$mcp_error_type", Some(error));
                let message = message.unwrap_or(outcome);
                p.text("$mcp_error_message", message, MAX_PROSE_CHARS);
            }
            (None, Some(message)) => p.text("mcp_usage_error", message, MAX_PROSE_CHARS),
            (None, None) => {}
        }
    }

    fn write_intent(&self, p: &mut Properties<'_>) {
        let Record { kind, meta, .. } = &self.record;
        if *kind != Kind::ToolCall {
            return;
        }
        let is_missing = self.name == Name::MissingCapability;
        let asked = is_missing.then(|| capability(&meta.object("tool_arguments")));
        let asked = asked.flatten().map(Cow::Owned);
        let source = meta.text("intent_source");
        let is_parameter = source.as_deref() == Some(IntentSource::Parameter.as_str());
        let source = match asked.is_some() || is_parameter {
            true => "context_parameter",
            false => "inferred",
        };
        let intent = asked.or_else(|| meta.text("prompt"));
        let says_something = |text: &Cow<'_, str>| {
            let kept = cut(text, MAX_PROSE_CHARS);
            !matches!(kept.trim(), "" | "{}")
        };
        if let Some(intent) = intent.filter(says_something) {
            p.text("$mcp_intent", &intent, MAX_PROSE_CHARS);
            p.text("$mcp_intent_source", source, MAX_NAME_CHARS);
        }
    }

    fn write_meta(&self, p: &mut Properties<'_>) {
        let Record { kind, meta, .. } = &self.record;
        for (name, json) in meta.iter() {
            if !kind.is_own_name(name) {
                if self.kept < Kept::WithoutOthers {
                    p.scalar(&format!("mcp_usage_meta_{name}"), json, usize::MAX);
                }
                continue;
            }
            let row = PROPERTIES.iter().find(|(known, _)| *known == name);
            match row {
                Some((_, Some(property))) => p.scalar(property, json, MAX_NAME_CHARS),
                Some((_, None)) => {}
                None if self.is_of_kind(name) => {}
                // What the format does not check may be of any length.
                None if json.starts_with(['{', '[']) && self.kept == Kept::WithoutOthers => {}
                None => p.scalar(&format!("mcp_usage_{name}"), json, MAX_NAME_CHARS),
            }
        }
        let session = meta.text("session_id").filter(|id| !is_hash(id));
        p.known("mcp_usage_session_id", session.as_deref());
        let conversation = meta.text("conversation_id");
        let is_vendors = conversation.as_deref().is_some_and(is_handle);
        let property = if is_vendors {
            "$mcp_conversation_id"
        } else {
            "mcp_usage_conversation_id"
        };
        p.known(property, conversation.as_deref());
    }

    /// Whether a member of `meta` is what a request for a prompt or a resource is about.
    fn is_of_kind(&self, name: &str) -> bool {
        match self.name {
            Name::PromptGet => name == "prompt_name",
            Name::ResourceRead => name == "resource_uri",
            _ => false,
        }
    }

    /// Writes the arguments of a call and its result, the largest values that there are.
    fn write_values(&self, p: &mut Properties<'_>) {
        let meta = &self.record.meta;
        if self.name != Name::ToolCall {
            return;
        }
        if self.kept < Kept::WithoutOthers
            && let Some(keys) = meta.get("tool_argument_keys")
        {
            p.scalar("mcp_usage_tool_argument_keys", keys, MAX_NAME_CHARS);
        }
        if self.kept < Kept::WithoutParameters
            && let Some(arguments) = meta.get("tool_arguments")
        {
            let tool = meta.text("tool").unwrap_or_default();
            p.object("$mcp_parameters", |p| {
                p.object("request", |p| {
                    p.text("method", "tools/call", MAX_NAME_CHARS);
                    p.object("params", |p| {
                        p.text("name", &tool, MAX_NAME_CHARS);
                        p.json("arguments", &within_limits(arguments));
                    });
                });
            });
        }
        if self.kept < Kept::WithoutResponse
            && let Some(result) = meta.get("result").map(within_limits)
            && result != "null"
        {
            p.json("$mcp_response", &result);
        }
    }
}

/// The user of an event, unless that is nobody: white space is none to the receiver.
fn user<'e>(record: &Record<'e>) -> Option<Cow<'e, str>> {
    let id = record.event.text("user_id")?;
    let is_nobody = record.event.text("user_id_type").as_deref() == Some("ANONYMOUS")
        && (id == "anonymous" || id.strip_prefix("anonymous-").is_some_and(is_hash));
    let is_blank = cut(&id, MAX_ID_CHARS).trim().is_empty();
    (!is_nobody && !is_blank).then_some(id)
}

/// What a failure is called; `None` for what is none.
fn error_type(outcome: &str, code: Option<i64>) -> Option<&'static str> {
    let is = |known: CallOutcome| outcome == known.as_str();
    if is(CallOutcome::ToolError) {
        // As the vendor's SDKs call a result that says no more.
        Some("Error")
    } else if is(CallOutcome::ProtocolError) {
        // A message, a method, parameters or a resource that there is not.
        let of_callers = matches!(code, Some(-32_700 | -32_602..=-32_600 | -32_002));
        Some(if of_callers { "validation" } else { "internal" })
    } else if is(CallOutcome::Timeout) {
        Some("timeout")
    } else if is(CallOutcome::Panicked) {
        Some("internal")
    } else {
        None
    }
}

/// What a request for a missing capability asks for, and for what.
fn capability(arguments: &Members<'_>) -> Option<String> {
    let text = |name| arguments.text(name).filter(|text| !text.trim().is_empty());
    let [what, why] = ["capability", "context"].map(text);
    match (what, why) {
        (Some(what), Some(why)) => Some(format!("{what}\n\n{why}")),
        (what, why) => what.or(why).map(Cow::into_owned),
    }
}

//! One event of PostHog.

use std::borrow::Cow;

use super::failure::End;
use super::properties::{MAX_NAME_CHARS, Properties, write_object};
use super::session::{SessionId, is_handle, session_id};
use super::settings::PostHog;
use super::shape::{cut, within_limits};
use crate::base::clock::Rfc3339;
use crate::event::{CallOutcome, IntentSource};
use crate::transport::http::USER_AGENT;
use crate::wire::record::{HeadName, Json, JsonKind, Kind, MetaName, Owner, PayloadName, Record};
use crate::wire::session_ids::is_hash;

/// Most bytes of an event.
pub(super) const MAX_EVENT_BYTES: usize = 102_400;

/// Most characters of a `distinct_id`, of which the receiver keeps no more.
const MAX_ID_CHARS: usize = 200;
/// Most characters of an intent, and of an error.
const MAX_PROSE_CHARS: usize = 2_048;

/// The tool that takes requests for what no tool offers.
pub(crate) const CAPABILITY_TOOL: &str = "get_more_tools";

/// What becomes of a member of `meta`.
enum Property {
    /// It is a property of this name.
    Called(&'static str),
    /// It is one of its own name, with the prefix of ours.
    Ours,
    /// It is written elsewhere.
    Elsewhere,
}

const fn property(name: MetaName) -> Property {
    match name {
        MetaName::ClientName => Property::Called("$mcp_client_name"),
        MetaName::ClientVersion => Property::Called("$mcp_client_version"),
        MetaName::ProtocolVersion => Property::Called("$mcp_protocol_version"),
        MetaName::VendorClient => Property::Called("$mcp_vendor_client"),
        MetaName::ConversationId
        | MetaName::DurationMs
        | MetaName::Error
        | MetaName::IntentSource
        | MetaName::MissingCapability
        | MetaName::Prompt
        | MetaName::Redactions
        | MetaName::Result
        | MetaName::ServerName
        | MetaName::ServerVersion
        | MetaName::SessionId
        | MetaName::Tool
        | MetaName::ToolArgumentKeys
        | MetaName::ToolArguments
        | MetaName::Tools => Property::Elsewhere,
        MetaName::ClientClass
        | MetaName::Era
        | MetaName::InputRequestMethods
        | MetaName::Instance
        | MetaName::Outcome
        | MetaName::PromptName
        | MetaName::RefusedArguments
        | MetaName::RequestId
        | MetaName::ResourceUri
        | MetaName::Sequence
        | MetaName::ToolArgumentKeyCount
        | MetaName::Traceparent
        | MetaName::Transport
        | MetaName::UnknownTool => Property::Ours,
    }
}

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
pub(super) fn write(record: &Record<'_>, posthog: &PostHog, out: &mut Vec<u8>) {
    let start = out.len();
    for kept in [
        Kept::All,
        Kept::WithoutResponse,
        Kept::WithoutParameters,
        Kept::WithoutOthers,
    ] {
        out.truncate(start);
        write_as(record, posthog, kept, out);
        if out.len() - start <= MAX_EVENT_BYTES {
            break;
        }
    }
}

pub(super) fn write_as(record: &Record<'_>, posthog: &PostHog, kept: Kept, out: &mut Vec<u8>) {
    let [start, _] = record.times();
    let form = Form {
        name: Name::of(record),
        session: session_id(record, start),
        record,
        kept,
    };
    let person = user(record);
    let person = person.as_deref();
    let uuid = record.uuid();
    write_object(out, |members| {
        let uuid = str::from_utf8(&uuid).unwrap_or_default();
        members.text("uuid", uuid, usize::MAX);
        members.text("event", &form.name.text(), MAX_NAME_CHARS);
        let id = person.unwrap_or(form.session.as_str());
        members.text("distinct_id", id, MAX_ID_CHARS);
        let timestamp = Rfc3339::new(start);
        members.text("timestamp", timestamp.as_str(), usize::MAX);
        members.object("properties", |p| form.write(posthog, person.is_some(), p));
    });
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
        if record.meta(MetaName::UnknownTool).is_true() {
            Self::UnknownTool
        } else if is(CallOutcome::InputRequired) {
            Self::InputRequired
        } else if is(CallOutcome::Task) {
            Self::Ours(Cow::Borrowed("task"))
        } else if record.meta(MetaName::MissingCapability).is_true() {
            // A server's own tool may be called as ours is.
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
                let name = name.trim_start_matches('$').chars().map(word);
                return Cow::Owned("mcp_usage_".chars().chain(name).collect());
            }
            Self::Custom(name) => name,
        })
    }
}

/// An event as it is written.
struct Form<'r, 'e> {
    record: &'r Record<'e>,
    name: Name<'e>,
    session: SessionId,
    kept: Kept,
}

impl<'e> Form<'_, 'e> {
    fn event(&self, name: PayloadName) -> Json<'e> {
        self.record.event(name)
    }

    fn meta(&self, name: MetaName) -> Json<'e> {
        self.record.meta(name)
    }

    fn write(&self, posthog: &PostHog, has_person: bool, p: &mut Properties<'_>) {
        p.text("$lib", "mcp-usage", MAX_NAME_CHARS);
        p.text("$lib_version", env!("CARGO_PKG_VERSION"), MAX_NAME_CHARS);
        p.text("$mcp_source", "posthog_mcp_analytics", MAX_NAME_CHARS);
        p.text("$session_id", self.session.as_str(), MAX_NAME_CHARS);
        let own = self.meta(MetaName::ServerName);
        let own = own.only_if(own.text().is_some());
        let own = own.or(self.event(PayloadName::ProductId));
        match posthog.server_name.as_deref() {
            Some(name) if !name.is_empty() => p.some("$mcp_server_name", Some(name)),
            _ => p.known("$mcp_server_name", own),
        }
        match posthog.server_version.as_deref() {
            Some(version) => p.some("$mcp_server_version", Some(version)),
            None => p.known("$mcp_server_version", self.meta(MetaName::ServerVersion)),
        }
        self.write_person(has_person, p);
        self.write_network(p);
        self.write_request(p);
        self.write_intent(p);
        for (name, property) in [
            (PayloadName::ProductId, "mcp_usage_product_id"),
            (PayloadName::Environment, "mcp_usage_environment"),
            (PayloadName::Source, "mcp_usage_source"),
            (PayloadName::ActivityType, "mcp_usage_activity_type"),
        ] {
            p.known(property, self.event(name));
        }
        if let Some(id) = self.event(PayloadName::EventId).get() {
            // As a text: JavaScript would round the number.
            p.text("mcp_usage_event_id", id, MAX_NAME_CHARS);
        }
        self.write_meta(p);
        for (class, count) in self.meta(MetaName::Redactions).members() {
            let class = class.text().unwrap_or_default();
            p.raw(["mcp_usage_redactions_", &class], count);
        }
        self.write_values(p);
    }

    fn write_person(&self, has_person: bool, p: &mut Properties<'_>) {
        if !has_person {
            return p.flag("$process_person_profile", false);
        }
        let kind = self.event(PayloadName::UserIdType);
        p.known("mcp_usage_user_id_type", kind);
        let email = self.record.head(HeadName::Email);
        // Half an address is another one.
        let is_whole = |email: &Cow<'_, str>| cut(email, MAX_NAME_CHARS) == &**email;
        if email.present().is_some_and(|text| is_whole(&text)) {
            p.object("$set", |person| person.known("email", email));
        }
    }

    fn write_network(&self, p: &mut Properties<'_>) {
        let address = self.event(PayloadName::IpAddr);
        match address.text() {
            Some(_) => p.known("$ip", address),
            // It would be the place of the server that is looked up.
            None => p.flag("$geoip_disable", true),
        }
        let agent = self.event(PayloadName::UserAgent);
        p.known(
            "$mcp_client_user_agent",
            agent.only_if(!agent.is(USER_AGENT)),
        );
    }

    /// Writes what a request was about and how it ended.
    fn write_request(&self, p: &mut Properties<'_>) {
        if self.record.kind == Kind::ToolCall {
            let tool = self.meta(MetaName::Tool);
            if self.name != Name::MissingCapability {
                p.known("$mcp_tool_name", tool);
            }
            if matches!(self.name, Name::ToolCall | Name::MissingCapability) {
                p.known("$mcp_resource_name", tool);
            }
            let description = self.record.head(HeadName::Description).present();
            if let Some(text) = description.filter(|_| self.name == Name::ToolCall) {
                p.text("$mcp_tool_description", &text, MAX_PROSE_CHARS);
            }
        }
        match self.name {
            Name::PromptGet => p.known("$mcp_resource_name", self.meta(MetaName::PromptName)),
            Name::ResourceRead => p.known("$mcp_resource_name", self.meta(MetaName::ResourceUri)),
            Name::ToolsList => {
                let names = self.meta(MetaName::Tools);
                let names = names.get().filter(|_| self.kept < Kept::WithoutOthers);
                p.json("$mcp_listed_tool_names", names.unwrap_or("[]"));
            }
            _ => {}
        }
        if self.record.kind.method().is_some() {
            self.write_end(p);
        }
    }

    fn write_end(&self, p: &mut Properties<'_>) {
        let duration = self.meta(MetaName::DurationMs);
        // A double that is negative or none is no duration.
        let number = duration.number::<f64>();
        if number.is_some_and(|number| number >= 0.0 && number.is_finite()) {
            p.json("$mcp_duration_ms", duration.as_str());
        } else if self.name != Name::UnknownTool {
            p.json("$mcp_duration_ms", "0");
        }
        let code = self.record.code();
        if let Some(code) = code {
            p.json("mcp_usage_error_code", itoa::Buffer::new().format(code));
        }
        let outcome = self.record.outcome.as_deref().unwrap_or_default();
        let message = self.record.error.text();
        let error = match self.name {
            Name::UnknownTool => None,
            Name::InputRequired => {
                // The vendor asks for it in each round: an empty list is one that asks for nothing but to be called again.
                let methods = self.meta(MetaName::InputRequestMethods);
                let methods = methods.get().filter(|_| self.kept < Kept::WithoutOthers);
                p.json("$mcp_input_request_methods", methods.unwrap_or("[]"));
                None
            }
            _ => {
                let refused = self.meta(MetaName::RefusedArguments);
                let end = End {
                    outcome,
                    code,
                    error: message.as_deref(),
                    refuses_arguments: refused != Json::ABSENT,
                };
                let error = end.error_type();
                p.flag("$mcp_is_error", error.is_some());
                error
            }
        };
        match (error, message.as_deref()) {
            (Some(error), message) => {
                p.some("$mcp_error_type", Some(error));
                let message = message.unwrap_or(outcome);
                p.text("$mcp_error_message", message, MAX_PROSE_CHARS);
            }
            (None, Some(message)) => p.text("mcp_usage_error", message, MAX_PROSE_CHARS),
            (None, None) => {}
        }
    }

    fn write_intent(&self, p: &mut Properties<'_>) {
        if self.record.kind != Kind::ToolCall {
            return;
        }
        let asked = match self.name {
            Name::MissingCapability => capability(self.meta(MetaName::ToolArguments)),
            _ => None,
        };
        let source = self.meta(MetaName::IntentSource);
        let is_parameter = source.is(IntentSource::Parameter.as_str());
        let source = match asked.is_some() || is_parameter {
            true => "context_parameter",
            false => "inferred",
        };
        let intent = asked.map(Cow::Owned);
        let intent = intent.or_else(|| self.meta(MetaName::Prompt).text());
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
        let keeps_others = self.kept < Kept::WithoutOthers;
        for member in self.record.meta_members() {
            let (name, value) = match member.owner(self.record.kind) {
                Owner::Caller(name) => {
                    if keeps_others {
                        p.value(["mcp_usage_meta_", &name], member.value, usize::MAX);
                    }
                    continue;
                }
                Owner::Own(name) => (name, member.value),
                Owner::Known(known) => match property(known) {
                    Property::Called(property) => {
                        p.value(["", property], member.value, MAX_NAME_CHARS);
                        continue;
                    }
                    Property::Elsewhere => continue,
                    Property::Ours if self.is_of_kind(known) => continue,
                    Property::Ours => (Cow::Borrowed(known.as_str()), member.value),
                },
            };
            // What the format does not check may be of any length.
            let is_nested = matches!(value.kind, JsonKind::Object | JsonKind::List);
            if keeps_others || !is_nested {
                p.value(["mcp_usage_", &name], value, MAX_NAME_CHARS);
            }
        }
        let session = self.meta(MetaName::SessionId);
        let is_sent = session.text().is_some_and(|id| is_hash(&id));
        p.known("mcp_usage_session_id", session.only_if(!is_sent));
        let conversation = self.meta(MetaName::ConversationId);
        let is_vendors = conversation.text().is_some_and(|id| is_handle(&id));
        let property = if is_vendors {
            "$mcp_conversation_id"
        } else {
            "mcp_usage_conversation_id"
        };
        p.known(property, conversation);
    }

    /// Whether a member of `meta` is a property of the vendor's in an event of this name: what a request for a prompt or
    /// a resource is about, and what a round asks for.
    fn is_of_kind(&self, name: MetaName) -> bool {
        match self.name {
            Name::InputRequired => name == MetaName::InputRequestMethods,
            Name::PromptGet => name == MetaName::PromptName,
            Name::ResourceRead => name == MetaName::ResourceUri,
            _ => false,
        }
    }

    /// Writes the arguments of a call and its result, the largest values that there are.
    fn write_values(&self, p: &mut Properties<'_>) {
        if self.name != Name::ToolCall {
            return;
        }
        if self.kept < Kept::WithoutOthers {
            let keys = self.meta(MetaName::ToolArgumentKeys);
            p.value(["", "mcp_usage_tool_argument_keys"], keys, MAX_NAME_CHARS);
        }
        let arguments = self.meta(MetaName::ToolArguments);
        if self.kept < Kept::WithoutParameters && arguments != Json::ABSENT {
            let tool = self.meta(MetaName::Tool).text().unwrap_or_default();
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
        let result = self.meta(MetaName::Result);
        if self.kept < Kept::WithoutResponse && result != Json::ABSENT {
            let result = within_limits(result);
            if result != "null" {
                p.json("$mcp_response", &result);
            }
        }
    }
}

/// The user of an event, unless that is nobody: white space is none to the receiver.
fn user<'e>(record: &Record<'e>) -> Option<Cow<'e, str>> {
    let id = record.user_id()?;
    let is_blank = cut(&id, MAX_ID_CHARS).trim().is_empty();
    (!is_blank).then_some(id)
}

/// What a request for a missing capability asks for, and for what.
fn capability(arguments: Json<'_>) -> Option<String> {
    let text = |name| {
        let mut named = arguments.members().filter(|(known, _)| known.is(name));
        let (_, value) = named.next()?;
        value.text().filter(|text| !text.trim().is_empty())
    };
    let [what, why] = ["capability", "context"].map(text);
    match (what, why) {
        (Some(what), Some(why)) => Some([&*what, "\n\n", &*why].concat()),
        (what, why) => what.or(why).map(Cow::into_owned),
    }
}

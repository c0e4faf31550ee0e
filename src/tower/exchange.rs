//! One request over HTTP and its answer, and the calls within.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method, StatusCode, header, request, response};
use serde_json::{Map, Value};

use super::observer::Observer;
use super::reader::Reader;
use crate::base::lock::lock;
use crate::event::{
    AuthRejected, AuthRejection, Call, CallOutcome, Caller, ClientClass, Event, Facts, Identity,
    IntentSource, Kind, Session, ToolCall,
};
use crate::logger::CallGuard;
use crate::mcp::answers::is_unknown_tool_error;
use crate::mcp::intent::{CapturedArguments, nonempty_text};
use crate::mcp::message::{self, Answer, Request, text};
use crate::mcp::ownership::IntentProperty;
use crate::mcp::request::{Channel, ClientInfo, RequestFacts, RequestMeta, SESSION_HEADER};

/// Says the protocol's version where `_meta` does not.
const PROTOCOL_VERSION_HEADER: &str = "mcp-protocol-version";

/// Most characters of a client's name, and of its version, that are remembered.
const MAX_CLIENT_CHARS: usize = 256;

/// A request and its answer.
pub(super) struct Exchange {
    observer: Arc<Observer>,
    headers: HeaderMap,
    caller: Option<Caller>,
    open: Mutex<OpenMessages>,
}

/// The messages that are not answered yet.
#[derive(Default)]
struct OpenMessages {
    calls: HashMap<String, OpenedCall>,
    /// A request to list tools: its id and its parameters.
    listing: Option<(String, Value)>,
    /// The client of an `initialize`: its name and its version.
    client: Option<(String, String)>,
}

/// A call that is not answered yet.
struct OpenedCall {
    record: CallGuard,
    round: u32,
    /// Whether a listing has shown its tool.
    is_known: bool,
}

impl Observer {
    /// Begins to read a request, if it may hold messages.
    pub(super) fn open(self: &Arc<Self>, parts: &request::Parts) -> Option<Arc<Exchange>> {
        if !self.usage.is_enabled() || parts.method != Method::POST {
            return None;
        }
        let extensions = &parts.extensions;
        let caller = extensions.get::<Caller>().cloned();
        let identity = || extensions.get::<Identity<'static>>().cloned();
        Some(Arc::new(Exchange {
            observer: Arc::clone(self),
            headers: parts.headers.clone(),
            caller: caller.or_else(|| identity().map(Caller::from)),
            open: Mutex::default(),
        }))
    }
}

impl Exchange {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns what reads the request's body.
    pub(super) fn request_reader(&self) -> Reader {
        Reader::json(self.observer.settings.max_message_bytes)
    }

    /// Returns what reads the body of the answer, whose head is there; `None` where it holds no
    /// messages.
    pub(super) fn response_reader(&self, parts: &response::Parts) -> Option<Reader> {
        let mut open = lock(&self.open);
        if let Some(client) = open.client.take()
            && let Some(id) = parts.headers.get(SESSION_HEADER)
            && let Ok(id) = id.to_str()
        {
            self.observer.memory.clients.put(id, client);
        }
        if self.observer.settings.auth_rejections {
            self.log_rejection(parts.status);
        }
        let max_bytes = self.observer.settings.max_message_bytes;
        let content_type = parts.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default();
        if content_type.starts_with("text/event-stream") {
            return Some(Reader::events(max_bytes));
        }
        if content_type.starts_with("application/json") {
            return Some(Reader::json(max_bytes));
        }
        if parts.status.is_client_error() || parts.status.is_server_error() {
            for (_, mut call) in open.calls.drain() {
                call.record
                    .set_error(format!("HTTP {}", parts.status.as_u16()));
                call.record.finish(CallOutcome::ProtocolError);
            }
        }
        None
    }

    /// Reports an answer that refuses whoever asked.
    fn log_rejection(&self, status: StatusCode) {
        let reason = match status {
            StatusCode::UNAUTHORIZED if self.headers.contains_key(header::AUTHORIZATION) => {
                AuthRejection::Invalid
            }
            StatusCode::UNAUTHORIZED => AuthRejection::Missing,
            StatusCode::FORBIDDEN => AuthRejection::Forbidden,
            StatusCode::TOO_MANY_REQUESTS => AuthRejection::RateLimited,
            _ => return,
        };
        if !self.observer.takes_all_kinds() {
            return;
        }
        let mut event = AuthRejected::new(reason).session(Session::new().transport("http"));
        if let Some(agent) = self.header("user-agent") {
            event = event.user_agent(agent);
        }
        self.observer.usage.log_usage(event);
    }

    /// Takes what passes: a message, or a list of them.
    pub(super) fn on_messages(&self, json: &[u8], is_request: bool) {
        for message in message::messages(json) {
            if is_request {
                self.on_request(&message);
            } else {
                self.on_answer(&message);
            }
        }
    }

    fn on_request(&self, message: &Value) {
        let Some(Request { id, method, params }) = Request::read(message) else {
            return;
        };
        match method {
            "tools/call" => {
                let call = self.open_call(&id, params);
                lock(&self.open).calls.insert(id, call);
            }
            "tools/list" => lock(&self.open).listing = Some((id, params.clone())),
            "initialize" => {
                let client = params.get("clientInfo").map(ClientInfo::read);
                let client = client.unwrap_or_default();
                let cut = |text: &str| text.chars().take(MAX_CLIENT_CHARS).collect();
                if let Some(name) = client.name {
                    let version = client.version.map(cut).unwrap_or_default();
                    lock(&self.open).client = Some((cut(name), version));
                }
            }
            _ => {}
        }
    }

    /// Begins the record of a call.
    fn open_call(&self, id: &str, params: &Value) -> OpenedCall {
        let Observer {
            usage,
            settings,
            memory,
        } = &*self.observer;
        let name = text(params, "name").unwrap_or_default();
        let tool = memory.tools.get(name);
        let client = self.session_client(params);
        let facts = self.facts(params, client.as_ref(), Some(message::shown_id(id)));
        if let Some(caller) = &self.caller {
            usage.log_login(caller, &facts.session);
        }
        let state = params.get("requestState");
        let round = if state.is_some() || params.get("inputResponses").is_some() {
            memory.rounds.of(state.and_then(Value::as_str))
        } else {
            0
        };
        let mut call = Call {
            tool: name.into(),
            round: (round > 0).then_some(round),
            ..Call::default()
        };
        let none = Map::new();
        let arguments = params.get("arguments").and_then(Value::as_object);
        let mut captured = CapturedArguments {
            arguments: arguments.unwrap_or(&none),
            hidden: None,
            allowed: None,
        };
        let published = tool
            .as_ref()
            .filter(|tool| tool.property == IntentProperty::Published)
            .and_then(|_| self.observer.intent_name());
        let native = tool.as_ref().and_then(|tool| tool.native.as_deref());
        for (name, source) in [
            (settings.intent.as_deref(), IntentSource::Parameter),
            (published, IntentSource::Parameter),
            (native, IntentSource::Native),
        ] {
            let argument = name.and_then(|name| captured.arguments.get(name));
            if let Some(intent) = nonempty_text(argument) {
                call.prompt = Some(intent.into());
                call.intent_source = Some(source);
                captured.hidden = name;
                break;
            }
        }
        if arguments.is_some() && settings.arguments {
            call.arguments = Some(&captured);
        }
        OpenedCall {
            record: usage.start_tool_call(ToolCall { facts, call }),
            round,
            is_known: tool.is_some(),
        }
    }

    /// Returns the client of a request's session, if the request does not name one.
    fn session_client(&self, params: &Value) -> Option<(String, String)> {
        match meta(params).client {
            Some(_) => None,
            None => self
                .observer
                .memory
                .clients
                .get(self.header(SESSION_HEADER)?),
        }
    }

    /// Returns what a request says of itself.
    fn facts<'a>(
        &'a self,
        params: &'a Value,
        client: Option<&'a (String, String)>,
        request_id: Option<&'a str>,
    ) -> Facts<'a> {
        let facts = RequestFacts {
            meta: meta(params),
            header: |name: &str| self.header(name),
            channel: Channel::Http { is_bound: true },
            client: client.map(|(name, version)| ClientInfo {
                name: Some(name),
                version: Some(version),
            }),
            protocol_version: self.header(PROTOCOL_VERSION_HEADER),
            request_id,
            conversation_id: None,
            identity: self.caller.as_ref().map(Caller::identity),
            caller: self.caller.as_ref(),
        };
        facts.into_facts(ClientClass::of)
    }

    fn on_answer(&self, message: &Value) {
        let Some(id) = message::id(message) else {
            return;
        };
        let mut open = lock(&self.open);
        if let Some((_, params)) = open.listing.take_if(|(asked, _)| *asked == id) {
            drop(open);
            self.on_listing(message, &params);
            return;
        }
        let Some(call) = open.calls.remove(&id) else {
            return;
        };
        match Answer::read(message) {
            Some(answer) => {
                drop(open);
                self.record_end(call, &answer);
            }
            // A request of the server's that happens to have the same id.
            None => {
                open.calls.insert(id, call);
            }
        }
    }

    /// Records how a call ended.
    fn record_end(&self, call: OpenedCall, answer: &Answer<'_>) {
        let mut record = call.record;
        let outcome = match *answer {
            Answer::Error { code, message } => {
                record.set_error(message);
                if !call.is_known && is_unknown_tool_error(code, message) {
                    record.set_unknown_tool();
                }
                CallOutcome::ProtocolError
            }
            Answer::Result(result) => {
                let outcome = message::outcome(result);
                if outcome == CallOutcome::ToolError {
                    record.set_error(message::content_text(result));
                }
                if outcome == CallOutcome::InputRequired
                    && let Some(state) = text(result, "requestState")
                {
                    self.observer.memory.rounds.expect(state, call.round + 1);
                }
                if self.observer.settings.results {
                    record.set_result(result);
                }
                outcome
            }
        };
        record.finish(outcome);
    }

    /// Remembers what a listing shows of the tools, and reports a whole one, if its tools are others
    /// than those of the listings before.
    fn on_listing(&self, message: &Value, params: &Value) {
        let result = message.get("result");
        let Some(tools) = result.and_then(|result| result.get("tools")?.as_array()) else {
            return;
        };
        self.observer.remember_tools(tools);
        let is_whole = params.get("cursor").is_none()
            && result.is_some_and(|result| result.get("nextCursor").is_none());
        let names = tools.iter().filter_map(|tool| text(tool, "name"));
        let reported = &self.observer.memory.listings;
        if !is_whole || !self.observer.takes_all_kinds() || !reported.is_new(names.clone()) {
            return;
        }
        let client = self.session_client(params);
        let facts = self.facts(params, client.as_ref(), None);
        self.observer.usage.log_usage(Event {
            kind: Kind::Init(names.map(Into::into).collect()),
            facts: Facts {
                identity: facts.identity,
                session: facts.session,
                meta: facts.meta,
                ..Facts::default()
            },
        });
    }

    /// The answer has come to its end.
    pub(super) fn on_end(&self, is_whole: bool) {
        if !is_whole {
            self.end_calls(CallOutcome::Ok);
        }
    }

    /// Records the calls without an answer.
    fn end_calls(&self, outcome: CallOutcome) {
        for (_, call) in lock(&self.open).calls.drain() {
            call.record.finish(outcome);
        }
    }
}

fn meta(params: &Value) -> RequestMeta<'_> {
    RequestMeta::read(params.get("_meta").and_then(Value::as_object))
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end_calls(if std::thread::panicking() {
            CallOutcome::Panicked
        } else {
            CallOutcome::Cancelled
        });
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

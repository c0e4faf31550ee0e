//! One request over HTTP and its answer, and the calls within.

use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use http::{HeaderMap, Method, StatusCode, Uri, header, request, response};
use serde_json::{Map, Value};

use super::observer::{Observer, ToolKey};
use super::open_messages::{Awaited, OpenMessages, OpenedCall};
use crate::base::lock::lock;
use crate::event::{
    AuthRejected, AuthRejection, Call, CallOutcome, Caller, ClientClass, Event, EventKind, Facts,
    Identity, IntentSource, Session, ToolCall,
};
use crate::logger::{GivesWay, OuterRecords};
use crate::mcp::answers::denies;
use crate::mcp::intent::{CapturedArguments, nonempty_text};
use crate::mcp::message::{self, MessageId, Messages, RpcRequest, RpcResponse, text};
use crate::mcp::ownership::IntentProperty;
use crate::mcp::request::{ClientInfo, McpTransport, RequestFacts, RequestMeta, SESSION_HEADER};

/// Says the protocol's version where `_meta` does not.
const PROTOCOL_VERSION_HEADER: &str = "mcp-protocol-version";

/// Most characters of a client's name, and of its version, that are remembered.
const MAX_CLIENT_CHARS: usize = 256;

/// A request and its answer.
pub(super) struct Exchange {
    observer: Arc<Observer>,
    uri: Uri,
    headers: HeaderMap,
    caller: Option<Caller>,
    open: Mutex<OpenMessages>,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// All of it has passed.
    Whole,
    /// All of it has passed, and part of it was too large to be read.
    TooLarge,
    /// Whoever makes it failed.
    Broken,
    /// Whoever takes it went away.
    Dropped,
}

impl Observer {
    /// Begins to read a request, if it may hold messages.
    pub(super) fn open(self: &Arc<Self>, parts: &mut request::Parts) -> Option<Arc<Exchange>> {
        let handle = self.usage.handle()?;
        if parts.method != Method::POST {
            return None;
        }
        let extensions = &mut parts.extensions;
        let caller = extensions.get::<Caller>().cloned();
        let identity = || extensions.get::<Identity<'static>>().cloned();
        let caller = caller.or_else(|| identity().map(Caller::from));
        let exchange = Arc::new(Exchange {
            observer: Arc::clone(self),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            caller,
            open: Mutex::default(),
        });
        let outer = extensions.get_or_insert_default::<OuterRecords>();
        outer.take_over(handle);
        let record: Weak<Exchange> = Arc::downgrade(&exchange);
        outer.push(handle, record);
        Some(exchange)
    }
}

impl Exchange {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns what a tool is remembered under.
    fn tool_key<'a>(&'a self, name: &'a str) -> ToolKey<'a> {
        let identity = self.caller.as_ref().map(Caller::identity);
        let identity = identity.filter(|identity| !identity.is_anonymous());
        let credential = self.headers.get(header::AUTHORIZATION);
        ToolKey {
            uri: &self.uri,
            host: self.headers.get(header::HOST),
            identity: identity.map(|identity| (identity.id(), identity.id_type())),
            credential: credential.filter(|_| identity.is_none()),
            name,
        }
    }

    pub(super) fn max_message_bytes(&self) -> usize {
        self.observer.settings.max_message_bytes
    }

    /// Takes the head of the answer.
    pub(super) fn on_head(&self, parts: &response::Parts) {
        let client = lock(&self.open).client.take();
        if let Some(client) = client
            && let Some(id) = parts.headers.get(SESSION_HEADER)
            && let Ok(id) = id.to_str()
        {
            self.observer.memory.clients.put(id, client);
        }
        if self.observer.settings.auth_rejections {
            self.log_rejection(parts.status);
        }
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

    /// Takes the messages of a request; returns how many could not be read. One that has not come
    /// whole, and is no message as it is, has not reached the server either.
    pub(super) fn on_requests(&self, json: &[u8], is_whole: bool) -> u64 {
        if lock(&self.open).gave_way() {
            return 0;
        }
        let Messages { read, unread } = Messages::read(json);
        if is_whole || unread == 0 {
            read.iter().for_each(|message| self.on_request(message));
        }
        unread
    }

    /// Counts messages of the request that were not read.
    pub(super) fn count_unread(&self, messages: u64) {
        if let Some(handle) = self.observer.usage.handle() {
            handle.pipeline.shared.ledger.unread(messages);
        }
    }

    /// Takes messages of the answer.
    pub(super) fn on_answers(&self, json: &[u8]) {
        if lock(&self.open).is_empty() {
            return;
        }
        for message in Messages::read(json).read {
            self.on_answer(&message);
        }
    }

    fn on_request(&self, message: &Value) {
        let Some(RpcRequest { id, method, params }) = RpcRequest::read(message) else {
            return;
        };
        match method {
            "tools/call" => {
                let call = self.open_call(&id, params);
                lock(&self.open).push(id, Awaited::Call(call));
            }
            "tools/list" => lock(&self.open).push(id, Awaited::Listing(params.clone())),
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
    fn open_call(&self, id: &MessageId, params: &Value) -> OpenedCall {
        let Observer {
            usage,
            settings,
            memory,
        } = &*self.observer;
        let name = text(params, "name").unwrap_or_default();
        let tool = memory.tools.get(self.tool_key(name));
        let client = self.session_client(params);
        let facts = self.facts(params, client.as_ref(), id.shown());
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
            tool: name.to_owned(),
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
            transport: McpTransport::Http { is_bound: true },
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
        // A request of the server's may happen to have the same id.
        let Some(answer) = RpcResponse::read(message) else {
            return;
        };
        let awaited = lock(&self.open).take(&MessageId::of(message), &answer);
        match (awaited, answer) {
            (Some(Awaited::Call(call)), answer) => self.record_end(call, &answer),
            (Some(Awaited::Listing(params)), RpcResponse::Result(result)) => {
                self.on_listing(result, &params);
            }
            _ => {}
        }
    }

    /// Records how a call ended.
    fn record_end(&self, call: OpenedCall, answer: &RpcResponse<'_>) {
        let mut record = call.record;
        let outcome = match *answer {
            RpcResponse::Error { code, message } => {
                record.set_error(message);
                if denies("tool", &call.tool, code, message) {
                    record.set_unknown_tool();
                }
                CallOutcome::ProtocolError
            }
            RpcResponse::Result(result) => {
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
    fn on_listing(&self, result: &Value, params: &Value) {
        let Some(tools) = result.get("tools").and_then(Value::as_array) else {
            return;
        };
        self.observer
            .remember_tools(tools, |name| self.tool_key(name));
        let is_whole = params.get("cursor").is_none() && result.get("nextCursor").is_none();
        let names = tools.iter().filter_map(|tool| text(tool, "name"));
        let reported = &self.observer.memory.listings;
        if !is_whole || !self.observer.takes_all_kinds() || !reported.is_new(names.clone()) {
            return;
        }
        let client = self.session_client(params);
        let facts = self.facts(params, client.as_ref(), None);
        self.observer.usage.log_usage(Event {
            kind: EventKind::Init(names.map(Into::into).collect()),
            facts: Facts {
                identity: facts.identity,
                session: facts.session,
                meta: facts.meta,
                ..Facts::default()
            },
        });
    }

    /// The answer has come to its end: records the calls that it has not answered.
    pub(super) fn on_end(&self, status: StatusCode, end: End) {
        let is_refusal = status.is_client_error() || status.is_server_error();
        let status = format!("HTTP {}", status.as_u16());
        let (outcome, error) = match end {
            _ if is_refusal => (CallOutcome::ProtocolError, Some(&*status)),
            End::Whole | End::Broken => (CallOutcome::Unknown, None),
            End::TooLarge => (CallOutcome::Ok, None),
            End::Dropped => (gone(), None),
        };
        self.end_calls(outcome, error);
    }

    /// There is no answer: the service within failed.
    pub(super) fn on_failure(&self) {
        self.end_calls(CallOutcome::ProtocolError, Some("the service failed"));
    }

    /// Records the calls without an answer.
    fn end_calls(&self, outcome: CallOutcome, error: Option<&str>) {
        let calls = lock(&self.open).take_calls();
        for mut call in calls {
            if let Some(error) = error {
                call.record.set_error(error);
            }
            call.record.finish(outcome);
        }
    }
}

impl GivesWay for Exchange {
    fn give_way(&self) {
        lock(&self.open).give_way();
    }
}

/// How a call ended that nobody waits for.
fn gone() -> CallOutcome {
    if std::thread::panicking() {
        CallOutcome::Panicked
    } else {
        CallOutcome::Cancelled
    }
}

fn meta(params: &Value) -> RequestMeta<'_> {
    RequestMeta::read(params.get("_meta").and_then(Value::as_object))
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end_calls(gone(), None);
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

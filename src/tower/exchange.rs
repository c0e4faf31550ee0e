//! One request over HTTP and its answer, and the calls within.

use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request, response};
use serde_json::{Map, Value};

use super::observer::Observer;
use super::open_messages::{Awaited, OpenMessages, OpenedCall, OpenedListing};
use crate::base::lock::lock;
use crate::base::text::cut_at_char;
use crate::capture::{Content, size_mark};
use crate::event::{
    AuthRejected, AuthRejection, Call, CallOutcome, Caller, ClientClass, Event, EventKind, Facts,
    Identity, IntentSource, Links, ListedTool, Session, ToolCall,
};
use crate::limits;
use crate::logger::{GivesWay, MAX_NAME_BYTES, OuterRecords};
use crate::mcp::answers::denies;
use crate::mcp::caller_key::CallerKey;
use crate::mcp::framing::Frame;
use crate::mcp::intent::{CapturedArguments, nonempty_text};
use crate::mcp::message::{self, MessageId, Messages, RpcRequest, RpcResponse, text};
use crate::mcp::ownership::IntentProperty;
use crate::mcp::request::{
    McpTransport, PeerInfo, RequestFacts, RequestMeta, SESSION_HEADER, TRACEPARENT, TRACESTATE,
    USER_AGENT_HEADER, VENDOR_CLIENT_HEADER, http_version, server_of,
};
use crate::mcp::result_size::result_bytes;
use crate::queue::Reservation;

/// Says the protocol's version where `_meta` does not.
const PROTOCOL_VERSION_HEADER: &str = "mcp-protocol-version";

/// Most characters of a peer's name, and of its version, that are remembered.
const MAX_PEER_CHARS: usize = 256;

/// A request and its answer.
pub(super) struct Exchange {
    observer: Arc<Observer>,
    caller: Option<Caller>,
    /// What is remembered is remembered under it.
    caller_key: CallerKey,
    /// What is remembered of a session is remembered under it: without the cookies, which the answer that opens the
    /// session may set.
    session_key: CallerKey,
    headers: KeptHeaders,
    http_version: Option<&'static str>,
    /// The request brings a credential in the standard's header.
    is_authorized: bool,
    open: Mutex<OpenMessages>,
    /// The memory of it all.
    held: Mutex<Reservation>,
}

/// The headers that events tell of.
struct KeptHeaders(HeaderMap);

impl KeptHeaders {
    fn of(headers: &HeaderMap) -> Self {
        const KEPT: [&str; 6] = [
            SESSION_HEADER,
            PROTOCOL_VERSION_HEADER,
            USER_AGENT_HEADER,
            VENDOR_CLIENT_HEADER,
            TRACEPARENT,
            TRACESTATE,
        ];
        let mut kept = HeaderMap::new();
        for name in KEPT {
            // A copy: a header as it came keeps the whole head in memory.
            let value = headers.get(name).map(HeaderValue::as_bytes);
            if let Some(Ok(value)) = value.map(HeaderValue::from_bytes) {
                kept.insert(name, value);
            }
        }
        Self(kept)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    fn bytes(&self) -> usize {
        self.0.values().map(HeaderValue::len).sum()
    }

    /// Keeps the sizes of values that are longer than is sent of them; of the session's id as much as tells it from
    /// others.
    fn strip(&mut self) {
        for (name, value) in &mut self.0 {
            let bytes = value.as_bytes();
            if name == SESSION_HEADER {
                let most = bytes.len().min(MAX_NAME_BYTES);
                let kept = bytes.get(..most).map(HeaderValue::from_bytes);
                if let Some(Ok(kept)) = kept {
                    *value = kept;
                }
            } else if bytes.len() > 4 * limits::MAX_NAME_CHARS
                && let Ok(size) = HeaderValue::from_str(&size_mark(bytes.len()))
            {
                *value = size;
            }
        }
    }
}

/// The names and the versions of those who speak in a session, as they were remembered.
#[derive(Default)]
struct SessionPeers {
    client: Option<(String, String)>,
    server: Option<(String, String)>,
}

/// What is remembered of a peer that names itself.
fn remembered(peer: PeerInfo<'_>) -> Option<(String, String)> {
    let cut = |text: &str| text.chars().take(MAX_PEER_CHARS).collect();
    Some((cut(peer.name?), peer.version.map(cut).unwrap_or_default()))
}

fn peer_info((name, version): &(String, String)) -> PeerInfo<'_> {
    PeerInfo {
        name: Some(name),
        version: Some(version),
    }
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// All of it has passed.
    Whole,
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
        let identity = caller.as_ref().map(Caller::identity);
        let is_sensitive = |name: &str| self.is_sensitive(name);
        let is_tenants = |name: &str| self.is_tenants(name);
        let (uri, given) = (&parts.uri, &parts.headers);
        let caller_key = CallerKey::of_request(uri, given, identity, is_sensitive, is_tenants);
        let session_key = if given.contains_key(header::COOKIE) {
            let others = given.iter().filter(|(name, _)| **name != header::COOKIE);
            CallerKey::of_request(uri, others, identity, is_sensitive, is_tenants)
        } else {
            caller_key
        };
        let mut headers = KeptHeaders::of(&parts.headers);
        let mut held = handle.pipeline.shared.queue.reserve();
        if !held.grow(size_of::<Exchange>() + headers.bytes()) {
            headers.strip();
            // Where this fails too, what is left is small, and stays.
            held.grow(size_of::<Exchange>() + headers.bytes());
        }
        let exchange = Arc::new(Exchange {
            observer: Arc::clone(self),
            caller_key,
            session_key,
            caller,
            headers,
            http_version: http_version(parts.version),
            is_authorized: parts.headers.contains_key(header::AUTHORIZATION),
            open: Mutex::default(),
            held: Mutex::new(held),
        });
        let outer = extensions.get_or_insert_default::<OuterRecords>();
        outer.take_over(handle);
        let record: Weak<Exchange> = Arc::downgrade(&exchange);
        outer.push(handle, record);
        Some(exchange)
    }
}

impl Exchange {
    /// Begins a reservation for a body.
    pub(super) fn reserve(&self) -> Reservation {
        lock(&self.held).another()
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
            let key = (self.session_key, id);
            self.observer.memory.clients.put(key, client);
            lock(&self.open).session_id = Some(cut_at_char(id, MAX_NAME_BYTES).to_owned());
        }
        if self.observer.settings.auth_rejections {
            self.log_rejection(parts.status);
        }
    }

    /// Reports an answer that refuses whoever asked.
    fn log_rejection(&self, status: StatusCode) {
        let reason = match status {
            StatusCode::UNAUTHORIZED if self.is_authorized => AuthRejection::Invalid,
            StatusCode::UNAUTHORIZED => AuthRejection::Missing,
            StatusCode::FORBIDDEN => AuthRejection::Forbidden,
            StatusCode::TOO_MANY_REQUESTS => AuthRejection::RateLimited,
            _ => return,
        };
        if !self.observer.takes_all_kinds() {
            return;
        }
        let mut session = Session::new().transport("http");
        if let Some(client) = self.headers.get(VENDOR_CLIENT_HEADER) {
            session = session.vendor_client(client);
        }
        let mut event = AuthRejected::new(reason).session(session);
        if let Some(agent) = self.headers.get(USER_AGENT_HEADER) {
            event = event.user_agent(agent);
        }
        self.observer.usage.log_usage(event);
    }

    /// Takes messages of a request; returns how many could not be read. One that has not come
    /// whole, and is no message as it is, has not reached the server either.
    pub(super) fn on_requests(&self, frame: Frame<'_>, is_whole: bool) -> u64 {
        if lock(&self.open).gave_way() {
            return 0;
        }
        let Some(json) = frame.json() else {
            return 1;
        };
        let Messages { read, unread } = Messages::read(json);
        if is_whole || unread == 0 {
            for message in &read {
                self.on_request(message, is_outline(frame));
            }
        }
        unread
    }

    /// Counts messages of the request that were not read.
    pub(super) fn count_unread(&self, messages: u64) {
        if let Some(handle) = self.observer.usage.handle() {
            handle.pipeline.shared.ledger.unread(messages);
        }
    }

    /// Takes messages of the answer; returns how many could not be read.
    pub(super) fn on_answers(&self, frame: Frame<'_>) -> u64 {
        if lock(&self.open).is_empty() {
            return 0;
        }
        let Some(json) = frame.json() else {
            return 1;
        };
        let Messages { read, unread } = Messages::read(json);
        for message in &read {
            self.on_answer(message, is_outline(frame));
        }
        unread
    }

    fn on_request(&self, message: &Value, is_outline: bool) {
        let Some(RpcRequest { id, method, params }) = RpcRequest::read(message) else {
            return;
        };
        match method {
            "tools/call" => {
                let mut call = self.open_call(&id, params);
                if is_outline {
                    call.record.note_missing_content();
                }
                lock(&self.open).push(&id, Awaited::Call(call));
            }
            "tools/list" => {
                let listing = self.open_listing(params);
                lock(&self.open).push(&id, Awaited::Listing(Box::new(listing)));
            }
            "server/discover" => lock(&self.open).push(&id, Awaited::ServerInfo),
            "initialize" => {
                lock(&self.open).push(&id, Awaited::ServerInfo);
                let client = params.get("clientInfo").map(PeerInfo::read);
                let client = client.unwrap_or_default();
                lock(&self.open).client = remembered(client);
            }
            _ => {}
        }
    }

    fn open_listing(&self, params: &Value) -> OpenedListing {
        let peers = self.session_peers(params);
        let session = self.facts(params, &peers, None).session;
        let bytes = session.texts().into_iter().flatten().map(str::len).sum();
        let has_room = lock(&self.held).grow(bytes);
        OpenedListing {
            is_first: params.get("cursor").is_none(),
            session: if has_room {
                session.into_owned()
            } else {
                Session::default()
            },
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
        let tool = memory.tools.get((self.caller_key, name));
        let peers = self.session_peers(params);
        let facts = self.facts(params, &peers, id.shown());
        if let Some(caller) = &self.caller {
            usage.log_login(caller, &facts.session);
        }
        let state = params.get("requestState");
        let round = if state.is_some() || params.get("inputResponses").is_some() {
            memory
                .rounds
                .of(self.caller_key, state.and_then(Value::as_str))
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
        }
    }

    /// Returns who speaks in a request's session: the client, if the request does not name one, and the server.
    fn session_peers(&self, params: &Value) -> SessionPeers {
        let memory = &self.observer.memory;
        let session = self.headers.get(SESSION_HEADER);
        let key = (self.session_key, session.unwrap_or_default());
        let names_client = meta(params).client.is_some();
        let session = session.filter(|_| !names_client);
        SessionPeers {
            client: session.and_then(|_| memory.clients.get(key)),
            server: memory.servers.get(key),
        }
    }

    /// Returns what a request says of itself.
    fn facts<'a>(
        &'a self,
        params: &'a Value,
        peers: &'a SessionPeers,
        request_id: Option<&'a str>,
    ) -> Facts<'a> {
        let facts = RequestFacts {
            meta: meta(params),
            header: |name: &str| self.headers.get(name),
            transport: McpTransport::Http { is_bound: true },
            client: peers.client.as_ref().map(peer_info),
            server: peers.server.as_ref().map(peer_info).unwrap_or_default(),
            http_version: self.http_version,
            protocol_version: self.headers.get(PROTOCOL_VERSION_HEADER),
            request_id,
            conversation_id: None,
            identity: self.caller.as_ref().map(Caller::identity),
            caller: self.caller.as_ref(),
        };
        facts.into_facts(ClientClass::of)
    }

    fn on_answer(&self, message: &Value, is_outline: bool) {
        // A request of the server's may happen to have the same id.
        let Some(answer) = RpcResponse::read(message) else {
            return;
        };
        let awaited = lock(&self.open).take(&MessageId::of(message), &answer);
        match (awaited, answer) {
            (Some(Awaited::Call(call)), answer) => self.record_end(call, &answer, is_outline),
            (Some(Awaited::Listing(listing)), RpcResponse::Result(result)) => {
                self.on_listing(result, *listing);
            }
            (Some(Awaited::ServerInfo), RpcResponse::Result(result)) => self.on_server_info(result),
            _ => {}
        }
    }

    /// Remembers what a server says it is.
    fn on_server_info(&self, result: &Value) {
        let server = result.get("serverInfo").map(PeerInfo::read);
        let server = server.or_else(|| server_of(result)).and_then(remembered);
        if let Some(server) = server {
            let session_id = lock(&self.open).session_id.take();
            let key = (self.session_key, session_id.as_deref().unwrap_or_default());
            self.observer.memory.servers.put(key, server);
        }
    }

    /// Records how a call ended. An outline of the answer says that much, and not what the answer holds.
    fn record_end(&self, call: OpenedCall, answer: &RpcResponse<'_>, is_outline: bool) {
        let mut record = call.record;
        let results = self.observer.settings.results;
        let outcome = match *answer {
            RpcResponse::Error { code, message } => {
                record.set_error(message);
                if code != 0 {
                    record.set_error_code(code);
                }
                if denies("tool", &record.tool(), code, message) {
                    record.set_unknown_tool();
                } else {
                    record.note_refused(Some(code), message);
                }
                CallOutcome::ProtocolError
            }
            RpcResponse::Result(result) => {
                let outcome = message::outcome(result);
                if let Some(server) = server_of(result) {
                    record.set_server(server);
                }
                if let Some(bytes) = result_bytes(result).filter(|_| !is_outline) {
                    record.set_result_bytes(bytes);
                }
                if outcome == CallOutcome::ToolError && !is_outline {
                    let error = message::content_text(result);
                    record.note_refused(None, &error);
                    record.set_error(error);
                }
                if outcome == CallOutcome::InputRequired
                    && let Some(state) = text(result, "requestState")
                {
                    let rounds = &self.observer.memory.rounds;
                    rounds.expect(self.caller_key, state, call.round + 1);
                }
                if results && !is_outline {
                    record.set_result(result);
                }
                outcome
            }
        };
        if is_outline && (results || outcome.is_error()) {
            record.note_missing_content();
        }
        record.finish(outcome);
    }

    /// Remembers what a listing shows of the tools, and reports a whole one, if its tools are others
    /// than those of the listings before.
    fn on_listing(&self, result: &Value, listing: OpenedListing) {
        let Some(tools) = result.get("tools").and_then(Value::as_array) else {
            return;
        };
        self.observer.remember_tools(tools, self.caller_key);
        let mut session = listing.session;
        if let Some(server) = server_of(result) {
            session = session
                .server_name(server.name.unwrap_or_default())
                .server_version(server.version.unwrap_or_default());
        }
        let is_whole = listing.is_first && result.get("nextCursor").is_none();
        if !is_whole || !self.observer.takes_all_kinds() {
            return;
        }
        let tools = tools
            .iter()
            .filter_map(|tool| Some(ListedTool::defined(text(tool, "name")?, tool)));
        let tools: Vec<_> = tools.collect();
        let own_meta = self.caller.iter().flat_map(Caller::own_meta);
        let facts = Facts {
            identity: self.caller.as_ref().map(|caller| caller.identity().into()),
            session,
            user_agent: self.headers.get(USER_AGENT_HEADER).map(Into::into),
            links: self.http_version.map(|version| Links {
                http_version: Some(version.into()),
                ..Links::default()
            }),
            meta: Some(
                own_meta
                    .map(|(key, value)| (key.into(), value as Content<'_>))
                    .collect(),
            ),
            ..Facts::default()
        };
        self.observer.memory.listings.report(tools, |tools| {
            let kind = EventKind::Init(tools);
            self.observer.usage.log_usage(Event { kind, facts })
        });
    }

    /// The answer has come to its end: records the calls that it has not answered.
    pub(super) fn on_end(&self, status: StatusCode, end: End) {
        let is_refusal = status.is_client_error() || status.is_server_error();
        let status = format!("HTTP {}", status.as_u16());
        let (outcome, error) = match end {
            _ if is_refusal => (CallOutcome::ProtocolError, Some(&*status)),
            End::Whole | End::Broken => (CallOutcome::Unknown, None),
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

/// Whether content of the messages is left out.
const fn is_outline(frame: Frame<'_>) -> bool {
    matches!(frame, Frame::Outline(_))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logger::UsageLogger;

    /// The headers that are kept of a request whose values are long, while the logger has memory or has none.
    fn kept(has_memory: bool) -> KeptHeaders {
        let builder = UsageLogger::builder().env(|_| None);
        let builder = builder.api_key("test-key-1").product_id("demo");
        let usage = builder.endpoint("http://127.0.0.1:9/").build().unwrap();
        let shared = &usage.handle().unwrap().pipeline.shared;
        let mut others = shared.queue.reserve();
        let mut bytes = usize::MAX / 2;
        while !has_memory && bytes > 0 {
            if !others.grow(bytes) {
                bytes /= 2;
            }
        }
        let long = "x".repeat(300_000);
        let (mut parts, ()) = http::Request::post("/")
            .header(SESSION_HEADER, &long)
            .header(USER_AGENT_HEADER, &long)
            .header(TRACEPARENT, &long)
            .header(PROTOCOL_VERSION_HEADER, "2025-11-25")
            .body(())
            .unwrap()
            .into_parts();
        let observer = Arc::new(Observer::new(usage.clone()));
        let exchange = observer.open(&mut parts).unwrap();
        KeptHeaders(exchange.headers.0.clone())
    }

    #[test]
    fn headers_that_there_is_no_memory_for_are_kept_as_their_sizes() {
        let whole = kept(true);
        assert!(whole.bytes() > 900_000, "{}", whole.bytes());
        let stripped = kept(false);
        assert!(stripped.bytes() < 8 * 1024, "{}", stripped.bytes());
        for (name, value) in [
            (USER_AGENT_HEADER, "[300000 bytes]"),
            (PROTOCOL_VERSION_HEADER, "2025-11-25"),
        ] {
            assert_eq!(stripped.get(name), Some(value), "{name}");
        }
        let session = stripped.get(SESSION_HEADER).unwrap();
        assert!((4_096..300_000).contains(&session.len()));
    }
}

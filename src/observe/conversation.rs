//! A conversation that is read while it passes, and its calls.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex};

use http::HeaderName;
use serde_json::{Map, Value};

use super::answer_text::AnswerText;
use super::observer::Observer;
use super::open_messages::{Awaited, OpenMessages, OpenedCall, OpenedListing};
use super::surroundings::{SessionPeers, Surroundings, remembered};
use crate::base::lock::lock;
use crate::base::random::Keyed;
use crate::capture::Content;
use crate::event::{
    Call, CallOutcome, Caller, ClientClass, Event, EventKind, Facts, IntentSource, Links,
    ListedTool, Session, ToolCall,
};
use crate::mcp::answers::denies;
use crate::mcp::arguments::CapturedArguments;
use crate::mcp::framing::Frame;
use crate::mcp::intent::nonempty_text;
use crate::mcp::message::{self, MessageId, Messages, RpcRequest, RpcResponse, text};
use crate::mcp::ownership::IntentProperty;
use crate::mcp::request::{
    PeerInfo, RequestFacts, RequestMeta, USER_AGENT_HEADER, server_of, set_address,
};
use crate::mcp::result_size::result_bytes;
use crate::queue::Reservation;

/// Requests, and the answers to them.
pub(crate) struct Conversation<S: Surroundings> {
    pub(super) observer: Arc<Observer>,
    pub(crate) around: S,
    pub(super) open: Mutex<OpenMessages>,
    /// The memory of it all.
    held: Mutex<Reservation>,
}

impl<S: Surroundings> Conversation<S> {
    pub(crate) fn new(observer: Arc<Observer>, around: S, held: Reservation) -> Self {
        Self {
            observer,
            around,
            open: Mutex::default(),
            held: Mutex::new(held),
        }
    }

    /// Begins a reservation for what is kept of the messages.
    pub(crate) fn reserve(&self) -> Reservation {
        lock(&self.held).another()
    }

    pub(crate) fn max_message_bytes(&self) -> usize {
        self.observer.settings.max_message_bytes
    }

    /// Reads messages of the client; returns how many could not be read. A message that is incomplete, and is not valid
    /// as it is, has not reached the server either.
    pub(crate) fn on_requests(&self, frame: Frame<'_>, is_whole: bool) -> u64 {
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

    /// Counts messages of the client that were not read.
    pub(crate) fn count_unread(&self, messages: u64) {
        self.observer.count_unread(messages);
    }

    /// Reads messages of the server; returns how many could not be read.
    pub(crate) fn on_answers(&self, frame: Frame<'_>) -> u64 {
        if lock(&self.open).is_empty() {
            return 0;
        }
        let Some(json) = frame.json() else {
            self.on_unreadable_answer();
            return 1;
        };
        let Messages { read, unread } = Messages::read(json);
        for message in &read {
            self.on_answer(message, is_outline(frame), None);
        }
        unread
    }

    /// Notes that an answer passed unread, or elsewhere: it may have been a tool list, so the client may know other tools than
    /// it was shown here.
    pub(crate) fn on_unreadable_answer(&self) {
        let awaited_page = lock(&self.open).awaited_page();
        if let Some(is_first) = awaited_page {
            self.forget_shown(is_first);
        }
    }

    fn forget_shown(&self, is_first: bool) {
        if self.rewrites() {
            let memory = &self.observer.memory;
            memory.forget_shown(self.around.caller_key(), is_first);
        }
    }

    /// Leaves all messages, including later ones, to another integration.
    pub(crate) fn give_way(&self) {
        lock(&self.open).give_way();
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
                let awaited = match self.capability_answer(params) {
                    Some(answer) => Awaited::Capability(call, answer),
                    None => Awaited::Call(call),
                };
                self.wait_for(&id, awaited);
            }
            "tools/list" => {
                let listing = self.open_listing(params);
                self.wait_for(&id, Awaited::Listing(Box::new(listing)));
            }
            "server/discover" => self.wait_for(&id, Awaited::ServerInfo),
            "initialize" => {
                self.wait_for(&id, Awaited::ServerInfo);
                let client = params.get("clientInfo").map(PeerInfo::read);
                self.around
                    .on_client(remembered(client.unwrap_or_default()));
            }
            "notifications/cancelled" => {
                let cancelled = MessageId::read(params.get("requestId"));
                let cancelled = lock(&self.open).cancel(&cancelled);
                if let Some(call) = cancelled {
                    call.record.finish(CallOutcome::Cancelled);
                }
            }
            _ => {}
        }
    }

    fn wait_for(&self, id: &MessageId, awaited: Awaited) {
        // Nothing answers what has no id, but an error that is to the one request.
        if *id == MessageId::Absent && !S::IS_ONE_REQUEST {
            return awaited.end_unknown();
        }
        let beyond = lock(&self.open).push(id, awaited);
        if let Some(beyond) = beyond {
            // Its answer passes all the same, and is not read.
            if let Awaited::Listing(listing) = &beyond {
                self.forget_shown(listing.is_first);
            }
            beyond.end_unknown();
        }
    }

    fn open_listing(&self, params: &Value) -> OpenedListing {
        let peers = self.session_peers(params);
        let session = self.facts(params, &peers, None).session;
        let bytes = session.texts().flatten().map(str::len).sum();
        let mut held = self.reserve();
        let cursor = params.get("cursor").filter(|cursor| !cursor.is_null());
        OpenedListing {
            is_first: cursor.is_none(),
            page: Keyed::default().hash_one(cursor.map(Value::to_string)),
            session: if held.grow(bytes) {
                session.into_owned()
            } else {
                Session::default()
            },
            _held: held,
        }
    }

    /// Begins the record of a call.
    pub(super) fn open_call(&self, id: &MessageId, params: &Value) -> OpenedCall {
        let Observer {
            usage,
            settings,
            memory,
        } = &*self.observer;
        let caller_key = self.around.caller_key();
        let name = text(params, "name").unwrap_or_default();
        let tool = memory.tool(caller_key, name);
        let peers = self.session_peers(params);
        let facts = self.facts(params, &peers, id.shown());
        if let Some(caller) = self.around.caller() {
            usage.log_login_of(caller, &facts);
        }
        let state = params.get("requestState");
        let round = if state.is_some() || params.get("inputResponses").is_some() {
            memory.rounds.of(caller_key, state.and_then(Value::as_str))
        } else {
            0
        };
        let mut call = Call {
            tool: name.into(),
            round: (round > 0).then_some(round),
            ..Call::default()
        };
        let none = Map::new();
        let given = params.get("arguments").and_then(Value::as_object);
        let arguments = given.unwrap_or(&none);
        let ours = self.observer.intent_name().filter(|name| {
            tool.as_ref().is_some_and(|tool| {
                tool.property == IntentProperty::Published
                    || arguments
                        .get(*name)
                        .is_some_and(|argument| tool.property.claims(argument))
            })
        });
        let native = tool.as_ref().and_then(|tool| tool.native.as_deref());
        // What is taken out of the call is no argument of the tool's, whatever it holds.
        let is_taken = tool.as_ref().is_some_and(|tool| tool.property.is_added());
        let mut hidden = [ours.filter(|_| is_taken), None];
        for (name, source) in [
            (settings.intent.as_deref(), IntentSource::Parameter),
            (ours, IntentSource::Parameter),
            (native, IntentSource::Native),
        ] {
            let argument = name.and_then(|name| arguments.get(name));
            if let Some(intent) = nonempty_text(argument) {
                call.prompt = Some(intent.into());
                call.intent_source = Some(source);
                hidden[1] = name;
                break;
            }
        }
        let allowed = settings.arguments.of(name);
        let captured = allowed.as_ref().map(|allowed| CapturedArguments {
            arguments,
            hidden,
            allowed,
        });
        if let Some(captured) = &captured
            && given.is_some()
        {
            call.arguments = Some(captured);
        }
        OpenedCall {
            record: usage.start_tool_call(ToolCall { facts, call }),
            round,
        }
    }

    fn session_peers(&self, params: &Value) -> SessionPeers {
        self.around.peers(meta(params).client.is_some())
    }

    /// Returns the facts of a request.
    fn facts<'a>(
        &'a self,
        params: &'a Value,
        peers: &'a SessionPeers,
        request_id: Option<&'a str>,
    ) -> Facts<'a> {
        let meta = meta(params);
        let caller = self.around.caller();
        let facts = RequestFacts {
            meta,
            header: |name: &HeaderName| self.around.header(name),
            transport: self.around.transport(),
            client: peers.client(),
            server: peers.server(),
            http_version: self.around.http_version(),
            client_address: self.around.client_address(),
            protocol_version: peers.protocol_version.as_deref(),
            request_id,
            conversation_id: meta.conversation_id(),
            identity: caller.map(Caller::identity),
            caller,
        };
        facts.into_facts(ClientClass::of)
    }

    /// Reads an answer. `text_of` is its place in a text that may be changed.
    pub(super) fn on_answer(
        &self,
        message: &Value,
        is_outline: bool,
        text_of: Option<AnswerText<'_>>,
    ) {
        // A request of the server's may happen to have the same id.
        let Some(answer) = RpcResponse::read(message) else {
            return;
        };
        let id = MessageId::of(message);
        let awaited = lock(&self.open).take(&id, &answer, S::IS_ONE_REQUEST);
        match (awaited, answer) {
            (Some(Awaited::Call(call)), answer) => self.record_end(call, &answer, is_outline),
            (Some(Awaited::Capability(call, ours)), answer) => match text_of {
                Some(text_of) => self.replace_answer(call, ours, text_of),
                None => self.record_end(call, &answer, is_outline),
            },
            (Some(Awaited::Listing(listing)), RpcResponse::Result(result)) => {
                self.on_listing(result, *listing, text_of);
            }
            (Some(Awaited::ServerInfo), RpcResponse::Result(result)) => {
                let server = result.get("serverInfo").map(PeerInfo::read);
                let server = server.or_else(|| server_of(result)).and_then(remembered);
                self.around
                    .on_server(server, text(result, "protocolVersion"));
            }
            _ => {}
        }
    }

    /// Records how a call ended. An outline of the answer has the outcome and no content.
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
                if outcome == CallOutcome::InputRequired {
                    record.note_input_requests(message::input_request_methods(result));
                    if let Some(state) = text(result, "requestState") {
                        let rounds = &self.observer.memory.rounds;
                        rounds.expect(self.around.caller_key(), state, call.round + 1);
                    }
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

    /// Remembers what a listing shows of the tools. Reports a complete one if its tools differ from
    /// those of earlier listings. Adds our property and tool to its text, if there is one.
    fn on_listing(&self, result: &Value, listing: OpenedListing, text_of: Option<AnswerText<'_>>) {
        let Some(tools) = result.get("tools").and_then(Value::as_array) else {
            return self.forget_shown(listing.is_first);
        };
        let caller_key = self.around.caller_key();
        let observer = &self.observer;
        if listing.is_first {
            observer.memory.begin_listing(caller_key);
        }
        let is_last = result.get("nextCursor").is_none_or(Value::is_null);
        let added = self.add_to_listing(tools, &listing, is_last, text_of);
        let is_only = listing.is_first && is_last;
        observer.remember_tools(tools, caller_key, listing.page, is_only, |name| {
            added.contains(name)
        });
        let mut session = listing.session;
        if let Some(server) = server_of(result) {
            session = session
                .server_name(server.name.unwrap_or_default())
                .server_version(server.version.unwrap_or_default());
        }
        let is_reported = is_only && observer.takes_all_kinds();
        if !is_reported {
            return;
        }
        let tools = tools
            .iter()
            .filter_map(|tool| Some(ListedTool::defined(text(tool, "name")?, tool)));
        let tools: Vec<_> = tools.collect();
        let caller = self.around.caller();
        let own_meta = caller.into_iter().flat_map(Caller::own_meta);
        let mut facts = Facts {
            identity: caller.map(|caller| caller.identity().into()),
            session,
            user_agent: self.around.header(&USER_AGENT_HEADER).map(Into::into),
            links: self.around.http_version().map(|version| Links {
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
        set_address(&mut facts, self.around.client_address());
        observer.memory.listings.report(tools, |tools| {
            let kind = EventKind::Init(tools);
            observer.usage.log_usage(Event { kind, facts })
        });
    }

    /// Records the calls without an answer.
    pub(crate) fn end_calls(&self, outcome: CallOutcome, error: Option<&str>) {
        let calls = lock(&self.open).take_calls();
        for mut call in calls {
            if let Some(error) = error {
                call.record.set_error(error);
            }
            call.record.finish(outcome);
        }
    }
}

/// Whether content of the messages is left out.
const fn is_outline(frame: Frame<'_>) -> bool {
    matches!(frame, Frame::Outline(_))
}

fn meta(params: &Value) -> RequestMeta<'_> {
    RequestMeta::read(params.get("_meta").and_then(Value::as_object))
}

impl<S: Surroundings> Drop for Conversation<S> {
    fn drop(&mut self) {
        self.end_calls(self.around.outcome_at_end(), None);
    }
}

impl<S: Surroundings> fmt::Debug for Conversation<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conversation")
    }
}

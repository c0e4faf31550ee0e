//! One request and its answer, and the calls within.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, StatusCode, request, response};
use serde_json::{Map, Value};

use crate::base::random::Keyed;
use crate::base::recent::Recent;
use crate::event::Identity;
use crate::event::Session;
use crate::event::{AuthRejected, AuthRejection, Caller};
use crate::event::{CallOutcome, IdentityCapture, Init, IntentSource, ToolCall};
use crate::event::{ClientClass, Era};
use crate::logger::CallGuard;
use crate::logger::UsageLogger;
use crate::logger::login;
use crate::mcp::answers::says_unknown;
use crate::mcp::intent::{self, Arguments, Owner, is_said};
use crate::mcp::rounds::Rounds;
use crate::wire::Wire;

use super::read::Reader;

/// Most sessions whose client is remembered.
const MAX_SESSIONS: usize = 10_000;

/// Most tools that are remembered.
const MAX_TOOLS: usize = 4_096;

/// Most calls of one request that are recorded; a list of messages may hold any number.
const MAX_CALLS: usize = 100;

/// Where a request of the newer protocol says what `initialize` said in the older one.
const META_CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
const META_PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

const SESSION: &str = "mcp-session-id";

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) arguments: bool,
    pub(super) results: bool,
    pub(super) intent: Option<String>,
    pub(super) auth_rejections: bool,
    pub(super) max_message_bytes: usize,
}

/// What all exchanges of a layer have in common.
#[derive(Debug)]
pub(super) struct Shared {
    usage: UsageLogger,
    pub(super) settings: Settings,
    known: Arc<Known>,
}

#[derive(Debug)]
struct Known {
    reported: AtomicBool,
    /// What listings have shown of the tools, by a hash of the name.
    tools: Mutex<Recent<Tool>>,
    rounds: Rounds,
    /// The clients of the sessions of the older protocol, by a hash of the session's id.
    clients: Mutex<Recent<(String, String)>>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            reported: AtomicBool::new(false),
            tools: Mutex::new(Recent::new(MAX_TOOLS)),
            rounds: Rounds::default(),
            clients: Mutex::new(Recent::new(MAX_SESSIONS)),
        }
    }
}

/// What a tool's arguments may hold for us: the name of the argument that holds an intent.
#[derive(Debug, Clone)]
struct Tool {
    published: Option<Arc<str>>,
    native: Option<Arc<str>>,
}

impl Shared {
    pub(super) fn new(usage: UsageLogger) -> Self {
        Self {
            usage,
            settings: Settings {
                arguments: true,
                results: false,
                intent: None,
                auth_rejections: false,
                max_message_bytes: super::DEFAULT_MAX_MESSAGE_BYTES,
            },
            known: Arc::default(),
        }
    }

    pub(super) fn with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.settings.clone();
        change(&mut settings);
        Self {
            usage: self.usage.clone(),
            settings,
            known: Arc::clone(&self.known),
        }
    }

    /// Begins to listen to a request, if it may hold messages.
    pub(super) fn open(self: &Arc<Self>, parts: &request::Parts) -> Option<Arc<Exchange>> {
        if !self.usage.is_enabled() || parts.method != http::Method::POST {
            return None;
        }
        let extensions = &parts.extensions;
        let caller = extensions.get::<Caller>().cloned();
        let identity = || extensions.get::<Identity<'static>>().cloned();
        Some(Arc::new(Exchange {
            shared: Arc::clone(self),
            headers: parts.headers.clone(),
            caller: caller.or_else(|| identity().map(Caller::from)),
            under_way: Mutex::default(),
        }))
    }
}

/// A request and its answer.
pub(super) struct Exchange {
    shared: Arc<Shared>,
    headers: HeaderMap,
    caller: Option<Caller>,
    under_way: Mutex<UnderWay>,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

#[derive(Default)]
struct UnderWay {
    calls: HashMap<String, Opened>,
    /// The id of a request to list tools, and what it says of itself.
    lists: Option<(String, Map<String, Value>)>,
    /// The client that says hello.
    hello: Option<(String, String)>,
}

/// A call that is not answered yet.
struct Opened {
    record: CallGuard,
    round: u32,
    /// Whether a listing has shown its tool.
    is_known: bool,
}

impl Exchange {
    fn lock(&self) -> std::sync::MutexGuard<'_, UnderWay> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears what passes: a message, or a list of them.
    pub(super) fn hear(&self, json: &[u8], is_request: bool) {
        let Ok(message) = serde_json::from_slice::<Value>(json) else {
            return;
        };
        let messages = match message {
            Value::Array(messages) => messages,
            message => vec![message],
        };
        for message in messages.iter().take(MAX_CALLS) {
            if is_request {
                self.asked(message);
            } else {
                self.told(message);
            }
        }
    }

    fn asked(&self, message: &Value) {
        let Some(method) = message.get("method").and_then(Value::as_str) else {
            return;
        };
        let Some(id) = message.get("id").map(Value::to_string) else {
            return;
        };
        let none = Map::new();
        let params = message.get("params").and_then(Value::as_object);
        let params = params.unwrap_or(&none);
        match method {
            "tools/call" => {
                let opened = self.begin(&id, params);
                self.lock().calls.insert(id, opened);
            }
            "tools/list" => {
                self.lock().lists = Some((id, params.clone()));
            }
            "initialize" => {
                let client = params.get("clientInfo");
                let text = |name| {
                    let text = client?.get(name)?.as_str()?;
                    Some(text.chars().take(256).collect::<String>())
                };
                if let Some(name) = text("name") {
                    self.lock().hello = Some((name, text("version").unwrap_or_default()));
                }
            }
            _ => {}
        }
    }

    /// Begins the record of a call.
    fn begin(&self, id: &str, params: &Map<String, Value>) -> Opened {
        let settings = &self.shared.settings;
        let tool = params.get("name").and_then(Value::as_str);
        let known = self.tool(tool.unwrap_or_default());
        let arguments = params.get("arguments").and_then(Value::as_object);
        let none = Map::new();
        let mut captured = Arguments {
            arguments: arguments.unwrap_or(&none),
            hidden: None,
            allowed: None,
        };
        let (session, era, class) = self.session(params, Some(id));
        self.log_login(&session);
        let mut call = ToolCall::new(tool.unwrap_or_default());
        call = call.session(&session).client_class(class);
        if let Some(era) = era {
            call = call.era(era);
        }
        if let Some(caller) = &self.caller {
            call = call.identity(caller.identity());
            call.facts.add_meta(caller.own_meta());
        }
        if let Some(agent) = self.header("user-agent") {
            call = call.user_agent(agent);
        }
        let meta = params.get("_meta");
        let trace = meta.and_then(|meta| meta.get("traceparent")?.as_str());
        if let Some(trace) = trace.or_else(|| self.header("traceparent")) {
            call = call.traceparent(trace);
        }
        let mut round = 0;
        if params.contains_key("requestState") || params.contains_key("inputResponses") {
            let state = params.get("requestState").and_then(Value::as_str);
            round = self.shared.known.rounds.of(state);
        }
        call = call.round(round);
        let published = known.as_ref().and_then(|tool| tool.published.as_deref());
        let native = known.as_ref().and_then(|tool| tool.native.as_deref());
        for (name, source) in [
            (settings.intent.as_deref(), IntentSource::Parameter),
            (published, IntentSource::Parameter),
            (native, IntentSource::Native),
        ] {
            let intent = name.and_then(|name| captured.arguments.get(name));
            if let Some(Value::String(intent)) = intent.filter(|intent| is_said(Some(intent))) {
                call = call.prompt(intent).intent_source(source);
                captured.hidden = name;
                break;
            }
        }
        if arguments.is_some() && settings.arguments {
            call = call.arguments(&captured);
        }
        Opened {
            record: self.shared.usage.start_tool_call(call),
            round,
            is_known: known.is_some(),
        }
    }

    /// What a listing has shown of a tool.
    fn tool(&self, name: &str) -> Option<Tool> {
        let tools = self.shared.known.tools.lock();
        let tools = tools.unwrap_or_else(PoisonError::into_inner);
        tools.get(key(name))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What a request says of its session.
    fn session<'a>(
        &'a self,
        params: &'a Map<String, Value>,
        id: Option<&'a str>,
    ) -> (Session<'a>, Option<Era>, ClientClass) {
        let meta = params.get("_meta");
        let version = meta.and_then(|meta| meta.get(META_PROTOCOL_VERSION)?.as_str());
        let version = version.or_else(|| self.header("mcp-protocol-version"));
        let era = version.map(Era::of);
        let mut session = Session::new().transport("http");
        if let Some(id) = id {
            session = session.request_id(id.trim_matches('"'));
        }
        if let Some(version) = version {
            session = session.protocol_version(version);
        }
        let mut client = (None, None);
        if let Some(info) = meta.and_then(|meta| meta.get(META_CLIENT_INFO)) {
            let text = |name| info.get(name)?.as_str().map(str::to_owned);
            client = (text("name"), text("version"));
        } else if let Some(id) = self.header(SESSION) {
            let clients = self.shared.known.clients.lock();
            let clients = clients.unwrap_or_else(PoisonError::into_inner);
            if let Some((name, version)) = clients.get(key(id)) {
                client = (Some(name), Some(version));
            }
        }
        if era != Some(Era::Modern)
            && let Some(id) = self.header(SESSION)
        {
            session = session.session_id(id);
        }
        let class = ClientClass::of(client.0.as_deref(), self.header("user-agent"));
        if let Some(name) = client.0 {
            session = session.client_name(name);
        }
        if let Some(version) = client.1 {
            session = session.client_version(version);
        }
        (session, era, class)
    }

    fn log_login(&self, session: &Session<'_>) {
        let Some(caller) = &self.caller else {
            return;
        };
        let identity = caller.identity();
        if let Some(core) = self.shared.usage.core() {
            let names = &core.config.defaults.names;
            let login = login::login_of(names, identity, Some(caller), session.get("session_id"));
            let now = core.config.clock.now();
            self.shared.usage.log_once(login, now, || {
                let mut event = IdentityCapture::new(identity).session(session);
                event.facts.add_meta(caller.own_meta());
                event.into()
            });
        }
    }

    /// The head of the answer is there: how its body is to be read, if at all.
    pub(super) fn answered(&self, parts: &response::Parts) -> Option<Reader> {
        let known = &self.shared.known;
        let mut under_way = self.lock();
        if let Some(hello) = under_way.hello.take()
            && let Some(id) = parts.headers.get(SESSION).and_then(|id| id.to_str().ok())
        {
            let mut clients = known.clients.lock().unwrap_or_else(PoisonError::into_inner);
            clients.put(key(id), hello);
        }
        if self.shared.settings.auth_rejections {
            self.refused(parts.status);
        }
        let most = self.shared.settings.max_message_bytes;
        let kind = parts.headers.get(http::header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("text/event-stream") {
            return Some(Reader::events(most));
        }
        if kind.starts_with("application/json") {
            return Some(Reader::json(most));
        }
        if parts.status.is_client_error() || parts.status.is_server_error() {
            for (_, Opened { mut record, .. }) in under_way.calls.drain() {
                record.set_error(format!("HTTP {}", parts.status.as_u16()));
                record.finish(CallOutcome::ProtocolError);
            }
        }
        None
    }

    /// Reports an answer that refuses whoever asked.
    fn refused(&self, status: StatusCode) {
        let reason = match status {
            StatusCode::UNAUTHORIZED if !self.headers.contains_key("authorization") => {
                AuthRejection::Missing
            }
            StatusCode::UNAUTHORIZED => AuthRejection::Invalid,
            StatusCode::FORBIDDEN => AuthRejection::Forbidden,
            StatusCode::TOO_MANY_REQUESTS => AuthRejection::RateLimited,
            _ => return,
        };
        if self.takes_calls_alone() {
            return;
        }
        let mut event = AuthRejected::new(reason).session(Session::new().transport("http"));
        if let Some(agent) = self.header("user-agent") {
            event = event.user_agent(agent);
        }
        self.shared.usage.log_usage(event);
    }

    fn takes_calls_alone(&self) -> bool {
        let core = self.shared.usage.core();
        core.is_none_or(|core| matches!(core.config.wire, Wire::Mcpeye(_)))
    }

    /// Hears an answer.
    fn told(&self, message: &Value) {
        let Some(id) = message.get("id").map(Value::to_string) else {
            return;
        };
        let mut under_way = self.lock();
        if let Some((_, params)) = under_way.lists.take_if(|(asked, _)| *asked == id) {
            drop(under_way);
            self.listed(message, &params);
            return;
        }
        let Some(opened) = under_way.calls.remove(&id) else {
            return;
        };
        drop(under_way);
        if let Some(error) = message.get("error") {
            let mut record = opened.record;
            let text = error.get("message").and_then(Value::as_str);
            let text = text.unwrap_or_default();
            record.set_error(text);
            let code = error.get("code").and_then(Value::as_i64);
            if !opened.is_known && says_unknown(code.unwrap_or_default(), text) {
                record.set_unknown_tool();
            }
            record.finish(CallOutcome::ProtocolError);
            return;
        }
        let Some(result) = message.get("result") else {
            // A request of the server's that happens to have the same id.
            self.lock().calls.insert(id, opened);
            return;
        };
        let mut record = opened.record;
        let outcome = match result.get("resultType").and_then(Value::as_str) {
            Some("input_required") => CallOutcome::InputRequired,
            Some("task") => CallOutcome::Task,
            _ if result.get("isError") == Some(&Value::Bool(true)) => CallOutcome::ToolError,
            _ => CallOutcome::Ok,
        };
        if outcome == CallOutcome::ToolError {
            let blocks = result.get("content").and_then(Value::as_array);
            let texts: Vec<_> = blocks
                .into_iter()
                .flatten()
                .filter_map(|block| block.get("text")?.as_str())
                .collect();
            record.set_error(texts.join("\n"));
        }
        if outcome == CallOutcome::InputRequired
            && let Some(state) = result.get("requestState").and_then(Value::as_str)
        {
            self.shared.known.rounds.expect(state, opened.round + 1);
        }
        if self.shared.settings.results {
            record.set_result(result);
        }
        record.finish(outcome);
    }

    /// Notes what a listing shows of the tools, and reports the first whole one.
    fn listed(&self, message: &Value, params: &Map<String, Value>) {
        let result = message.get("result");
        let Some(tools) = result.and_then(|result| result.get("tools")?.as_array()) else {
            return;
        };
        self.learn(tools);
        let is_whole = !params.contains_key("cursor")
            && result.is_some_and(|result| result.get("nextCursor").is_none());
        if !is_whole || self.takes_calls_alone() || self.shared.known.reported.swap(true, Relaxed) {
            return;
        }
        let names = tools.iter().filter_map(|tool| tool.get("name")?.as_str());
        let (session, _, _) = self.session(params, None);
        let mut event = Init::new(names).session(&session);
        if let Some(caller) = &self.caller {
            event = event.identity(caller.identity());
            event.facts.add_meta(caller.own_meta());
        }
        self.shared.usage.log_usage(event);
    }

    fn learn(&self, tools: &[Value]) {
        let Some(core) = self.shared.usage.core() else {
            return;
        };
        let redactor = &core.config.rules.redactor;
        let name_of_ours = intent::name_on(&core.config.wire);
        let known = self.shared.known.tools.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        for tool in tools.iter().take(MAX_TOOLS) {
            let Some(name) = tool.get("name").and_then(Value::as_str) else {
                continue;
            };
            let schema = tool.get("inputSchema").and_then(Value::as_object);
            let is_published = schema.is_some_and(|schema| {
                intent::owner(schema, name_of_ours, intent::DESCRIPTION) == Owner::Published
            });
            let native = schema
                .and_then(|schema| intent::native(schema, None, |name| redactor.denies_name(name)));
            let tool = Tool {
                published: is_published.then(|| Arc::from(name_of_ours)),
                native: native.map(Arc::from),
            };
            known.put(key(name), tool);
        }
    }

    /// The answer has come to its end.
    pub(super) fn end(&self, is_whole: bool) {
        if !is_whole {
            for (_, Opened { record, .. }) in self.lock().calls.drain() {
                record.finish(CallOutcome::Ok);
            }
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let outcome = if std::thread::panicking() {
            CallOutcome::Panicked
        } else {
            CallOutcome::Cancelled
        };
        for (_, Opened { record, .. }) in self.lock().calls.drain() {
            record.finish(outcome);
        }
    }
}

/// A hash stands for a name, and for a session's id, which may be a credential.
fn key(name: &str) -> u64 {
    Keyed::default().hash_one(name)
}

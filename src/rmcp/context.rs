//! What a request says about itself: client, session, protocol, caller.

use std::borrow::Cow;
use std::sync::Arc;

use ::rmcp::RoleServer;
use ::rmcp::model::{InitializeRequestParams, JsonObject, RequestId};
use ::rmcp::service::RequestContext;
use http::HeaderName;
use http::request::Parts;
use serde_json::Value;

use crate::capture::Content;
use crate::event::Caller;
use crate::event::Era;
use crate::event::Facts;
use crate::event::Identity;
use crate::event::Session;
use crate::logger::Handle;

use super::Instrumentation;
use super::settings::Settings;

/// Where the newer protocol keeps what `initialize` said in the older one.
const META_CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
const META_PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Keys of `_meta` in which agents echo the conversation they are in.
const META_CONVERSATION: [&str; 4] = [
    "conversation_id",
    "conversationId",
    "gen_ai.conversation.id",
    "openai/session",
];

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What facts are borrowed from, and what says so much that it is looked up once.
pub(super) struct Held<'a> {
    client: Option<&'a Value>,
    protocol_version: Option<&'a str>,
    peer: Option<Arc<InitializeRequestParams>>,
    request_id: Cow<'a, str>,
}

impl<'a> Held<'a> {
    pub(super) fn of(context: &'a RequestContext<RoleServer>) -> Self {
        let meta: &JsonObject = &context.meta.0.0;
        let client = meta.get(META_CLIENT_INFO);
        let protocol_version = meta.get(META_PROTOCOL_VERSION).and_then(Value::as_str);
        let says_all = client.is_some() && protocol_version.is_some();
        Self {
            client,
            protocol_version,
            peer: if says_all {
                None
            } else {
                context.peer.peer_info()
            },
            request_id: match &context.id {
                RequestId::Number(id) => Cow::Owned(id.to_string()),
                RequestId::String(id) => Cow::Borrowed(id),
            },
        }
    }
}

/// Reads what all events of a request have in common, borrowed from it. `is_bound`: the instance
/// has answered `initialize`, so it is the server of one session.
pub(super) fn facts<'a>(
    context: &'a RequestContext<RoleServer>,
    held: &'a Held<'a>,
    who: &'a Who<'_>,
    by: &'a Instrumentation,
    connection: impl FnOnce() -> &'a str,
    is_bound: bool,
) -> Facts<'a> {
    let meta: &JsonObject = &context.meta.0.0;
    let http = context.extensions.get::<Parts>();
    let header = |name: &HeaderName| http.and_then(|http| http.headers.get(name)?.to_str().ok());
    let mut session = Session::new().request_id(&*held.request_id);

    let peer = held.peer.as_deref();
    let version = held.protocol_version;
    let version = version.or_else(|| peer.map(|peer| peer.protocol_version.as_str()));
    let era = version.map(Era::of);
    if let Some(version) = version {
        session = session.protocol_version(version);
    }
    let session_header = header(&SESSION);
    // A stateless server makes up the client of an older protocol's request, and whoever sends the
    // header of a session to it names none.
    let is_bound = http.is_none() || (is_bound && session_header.is_some());
    let (name, version) = match held.client {
        Some(client) => (text(client, "name"), text(client, "version")),
        None => match peer.filter(|_| is_bound) {
            Some(peer) => (
                Some(peer.client_info.name.as_str()),
                Some(peer.client_info.version.as_str()),
            ),
            None => (None, None),
        },
    };
    if let Some(name) = name {
        session = session.client_name(name);
    }
    if let Some(version) = version {
        session = session.client_version(version);
    }
    // The newer protocol has no sessions over HTTP, whatever a header says.
    let session_id = match http {
        Some(_) => session_header.filter(|_| is_bound && era != Some(Era::Modern)),
        None => Some(connection()),
    };
    if let Some(id) = session_id {
        session = session.session_id(id);
    }
    // Most requests say nothing beyond what the protocol asks for.
    let asked_for = usize::from(held.client.is_some())
        + usize::from(held.protocol_version.is_some())
        + usize::from(meta.contains_key(META_CLIENT_CAPABILITIES));
    let says_more = meta.len() > asked_for;
    let conversation = META_CONVERSATION
        .iter()
        .filter(|_| says_more)
        .find_map(|key| meta.get(*key)?.as_str());
    if let Some(id) = conversation {
        session = session.conversation_id(id);
    }
    let transport = match http {
        Some(_) => "http",
        None => &by.settings.transport,
    };
    let user_agent = header(&http::header::USER_AGENT);
    let traceparent = if says_more {
        context.meta.get_traceparent()
    } else {
        None
    };
    let traceparent = traceparent.or_else(|| header(&TRACEPARENT));
    Facts {
        identity: who.identity().map(Identity::from),
        session: session.transport(transport),
        era,
        client_class: Some(by.state.class_of(name, user_agent)),
        user_agent: user_agent.map(Cow::Borrowed),
        traceparent: traceparent.map(Cow::Borrowed),
        meta: who
            .meta()
            .map(|(key, value)| (key.into(), value as Content<'_>))
            .collect(),
        ..Facts::default()
    }
}

fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// Who makes a request.
pub(super) enum Who<'a> {
    Asked(Caller),
    Found(&'a Caller),
    Named(&'a Identity<'static>),
    /// Nobody says; the logger may.
    Unsaid,
    /// The host failed to say, so it is nobody, not even the logger's.
    Failed(Identity<'static>),
}

impl Who<'_> {
    pub(super) fn of<'a>(
        context: &'a RequestContext<RoleServer>,
        settings: &Settings,
        core: &Handle,
    ) -> Who<'a> {
        if let Some(answer) = settings.ask(context) {
            return match answer {
                Ok(Some(caller)) => Who::Asked(caller),
                Ok(None) => Who::Unsaid,
                Err(_) => {
                    core.pipeline.shared.ledger.identity_failure();
                    Who::Failed(Identity::anonymous())
                }
            };
        }
        let http = context.extensions.get::<Parts>();
        let caller = http.and_then(|http| http.extensions.get::<Caller>());
        if let Some(caller) = caller.or_else(|| context.extensions.get::<Caller>()) {
            return Who::Found(caller);
        }
        let identity = http.and_then(|http| http.extensions.get::<Identity<'static>>());
        identity
            .or_else(|| context.extensions.get::<Identity<'static>>())
            .map_or(Who::Unsaid, Who::Named)
    }

    pub(super) fn caller(&self) -> Option<&Caller> {
        match self {
            Self::Asked(caller) => Some(caller),
            Self::Found(caller) => Some(caller),
            Self::Named(_) | Self::Unsaid | Self::Failed(_) => None,
        }
    }

    pub(super) fn identity(&self) -> Option<&Identity<'static>> {
        match self {
            Self::Named(identity) => Some(identity),
            Self::Failed(nobody) => Some(nobody),
            Self::Asked(_) | Self::Found(_) | Self::Unsaid => self.caller().map(Caller::identity),
        }
    }

    /// What the caller brings along for every event.
    fn meta(&self) -> impl Iterator<Item = (&str, &Value)> {
        let caller = self.caller().into_iter();
        caller.flat_map(|caller| caller.own_meta().iter().map(|(key, value)| (&**key, value)))
    }

    /// Whether it is said which credential it was: then a login is the same in any session.
    pub(super) fn names_credential(&self) -> bool {
        self.caller()
            .is_some_and(|caller| caller.fingerprint().is_some())
    }

    /// Whether somebody has logged in.
    pub(super) fn is_known(&self) -> bool {
        self.identity()
            .is_some_and(|identity| !identity.is_anonymous())
    }
}

//! What a request says about itself: client, session, protocol, caller.

use std::sync::Arc;

use ::rmcp::RoleServer;
use ::rmcp::model::{InitializeRequestParams, JsonObject};
use ::rmcp::service::RequestContext;
use http::request::Parts;
use serde_json::Value;

use crate::client::{ClientClass, Era};
use crate::core::Core;
use crate::identity::Identity;
use crate::login::Caller;
use crate::session::Session;

use super::Instrumentation;
use super::settings::Settings;

/// Where the newer protocol keeps what `initialize` said in the older one.
const META_CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";

/// Keys of `_meta` in which agents echo the conversation they are in.
const META_CONVERSATION: [&str; 4] = [
    "conversation_id",
    "conversationId",
    "gen_ai.conversation.id",
    "openai/session",
];

/// What all events of a request have in common, borrowed from it.
pub(super) struct Facts<'a> {
    pub(super) session: Session<'a>,
    pub(super) era: Option<Era>,
    pub(super) class: ClientClass,
    pub(super) user_agent: Option<&'a str>,
    pub(super) traceparent: Option<&'a str>,
    pub(super) session_id: Option<&'a str>,
}

/// Sets the facts on an event of any kind.
macro_rules! describe {
    ($event:expr, $facts:expr, $who:expr) => {{
        let facts = &$facts;
        let mut event = $event.session(&facts.session).client_class(facts.class);
        if let Some(era) = facts.era {
            event = event.era(era);
        }
        if let Some(user_agent) = facts.user_agent {
            event = event.user_agent(user_agent);
        }
        if let Some(traceparent) = facts.traceparent {
            event = event.traceparent(traceparent);
        }
        if let Some(identity) = $who.identity() {
            event = event.identity(identity);
        }
        $crate::login::with_meta!(event, $who.meta())
    }};
}
pub(super) use describe;

/// The parts of a request that facts are borrowed from and that the request does not lend.
pub(super) struct Held {
    peer: Option<Arc<InitializeRequestParams>>,
    request_id: String,
    protocol_version: Option<::rmcp::model::ProtocolVersion>,
}

impl Held {
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Self {
        Self {
            peer: context.peer.peer_info(),
            request_id: context.id.to_string(),
            protocol_version: context.protocol_version(),
        }
    }
}

/// Reads the facts of a request. `is_bound`: the instance has answered `initialize`, so it is the
/// server of one session.
pub(super) fn facts<'a>(
    context: &'a RequestContext<RoleServer>,
    held: &'a Held,
    by: &'a Instrumentation,
    connection: impl FnOnce() -> &'a str,
    is_bound: bool,
) -> Facts<'a> {
    let meta: &JsonObject = &context.meta.0.0;
    let http = context.extensions.get::<Parts>();
    let header = |name| http.and_then(|http| http.headers.get(name)?.to_str().ok());
    let mut session = Session::new().request_id(held.request_id.as_str());

    let era = held.protocol_version.as_ref().map(|version| {
        session = std::mem::take(&mut session).protocol_version(version.as_str());
        Era::of(version.as_str())
    });
    // A stateless server makes up the client of an older protocol's request, and whoever sends the
    // header of a session to it names none.
    let is_bound = http.is_none() || (is_bound && header("mcp-session-id").is_some());
    let (name, version) = match meta.get(META_CLIENT_INFO) {
        Some(client) => (text(client, "name"), text(client, "version")),
        None => match held.peer.as_deref().filter(|_| is_bound) {
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
        Some(_) => header("mcp-session-id").filter(|_| is_bound && era != Some(Era::Modern)),
        None => Some(connection()),
    };
    if let Some(id) = session_id {
        session = session.session_id(id);
    }
    let conversation = META_CONVERSATION
        .iter()
        .find_map(|key| meta.get(*key)?.as_str());
    if let Some(id) = conversation {
        session = session.conversation_id(id);
    }
    let transport = match http {
        Some(_) => "http",
        None => &by.settings.transport,
    };
    let user_agent = header("user-agent");
    Facts {
        session: session.transport(transport),
        era,
        class: by.state.class_of(name, user_agent),
        user_agent,
        traceparent: context
            .meta
            .get_traceparent()
            .or_else(|| header("traceparent")),
        session_id,
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
        core: &Core,
    ) -> Who<'a> {
        if let Some(answer) = settings.ask(context) {
            return match answer {
                Ok(Some(caller)) => Who::Asked(caller),
                Ok(None) => Who::Unsaid,
                Err(_) => {
                    core.ledger.identity_failure();
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
    pub(super) fn meta(&self) -> &[(String, Value)] {
        self.caller().map_or(&[], Caller::own_meta)
    }

    /// Whether somebody has logged in.
    pub(super) fn is_known(&self) -> bool {
        self.identity()
            .is_some_and(|identity| !identity.is_anonymous())
    }
}

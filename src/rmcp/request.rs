//! The facts of a request to an instrumented server: its user and its origin.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ::rmcp::model::{Implementation, InitializeRequestParams, RequestId};
use ::rmcp::service::RequestContext;
use ::rmcp::{RoleServer, ServerHandler};
use http::HeaderName;
use http::request::Parts;

use super::instrumentation::{Instrumentation, Instrumented};
use crate::base::random;
use crate::event::{Caller, Era, Facts, Identity};
use crate::mcp::caller_key::CallerKey;
use crate::mcp::request::{McpTransport, PeerInfo, RequestFacts, RequestMeta, http_version};

/// A request, with the sources from which its facts are borrowed.
pub(super) struct IncomingRequest<'a> {
    http: Option<&'a Parts>,
    by: &'a Instrumentation,
    pub(super) caller: RequestCaller<'a>,
    meta: RequestMeta<'a>,
    /// The facts of `initialize`; not looked up if `_meta` has the same.
    peer: Option<Arc<InitializeRequestParams>>,
    request_id: Cow<'a, str>,
    server: PeerInfo<'a>,
    transport: McpTransport<'a>,
    /// For an `initialize` alone: the client that it names, and the version agreed upon.
    initialize: Option<(PeerInfo<'a>, &'a str)>,
}

impl<'a> IncomingRequest<'a> {
    /// Reads a request. `http` is that of its context; `on_failure` is called if the host fails to name the user.
    pub(super) fn read<H: ServerHandler>(
        context: &'a RequestContext<RoleServer>,
        http: Option<&'a Parts>,
        server: &'a Instrumented<H>,
        on_failure: impl FnOnce(),
    ) -> Self {
        let by = &server.by;
        let meta = RequestMeta::read(Some(&context.meta.0.0));
        let says_all = meta.client.is_some() && meta.protocol_version.is_some();
        let transport = if http.is_some() {
            McpTransport::Http {
                is_bound: server.initialized.load(Relaxed),
            }
        } else {
            let new_id = || format!("{:016x}", random::seed());
            McpTransport::Connection {
                session_id: server.connection.get_or_init(new_id),
                name: &by.settings.transport,
            }
        };
        Self {
            http,
            by,
            caller: RequestCaller::of(context, http, by, on_failure),
            meta,
            peer: (!says_all).then(|| context.peer.peer_info()).flatten(),
            request_id: match &context.id {
                RequestId::Number(id) => Cow::Owned(id.to_string()),
                RequestId::String(id) => Cow::Borrowed(id),
            },
            server: server.server_info(),
            transport,
            initialize: None,
        }
    }

    /// Adds the facts of an `initialize` and of its answer.
    pub(super) fn initialize(mut self, client: &'a Implementation, version: &'a str) -> Self {
        self.initialize = Some((client_info(client), version));
        self
    }

    /// Returns the key that identifies the caller. `is_sensitive` knows names of headers that hold a credential.
    pub(super) fn caller_key(&self, is_sensitive: impl Fn(&str) -> bool) -> CallerKey {
        let identity = self.caller.identity();
        match (self.transport, self.http) {
            (McpTransport::Http { .. }, Some(http)) => {
                CallerKey::of_request(&http.uri, &http.headers, identity, is_sensitive, |_| false)
            }
            (McpTransport::Connection { session_id, .. }, _) => {
                CallerKey::of_connection(session_id, identity)
            }
            (McpTransport::Http { .. }, None) => CallerKey::of_connection("", identity),
        }
    }

    /// Returns the facts that all events of the request share.
    pub(super) fn facts(&self) -> Facts<'_> {
        let http = self.http;
        let peer = self.peer.as_deref();
        let class_of =
            |name: Option<&str>, agent: Option<&str>| self.by.memory.class_of(name, agent);
        let facts = RequestFacts {
            meta: self.meta,
            header: |name: &HeaderName| http?.headers.get(name)?.to_str().ok(),
            transport: self.transport,
            client: peer.map(|peer| client_info(&peer.client_info)),
            protocol_version: peer.map(|peer| peer.protocol_version.as_str()),
            request_id: Some(&self.request_id),
            conversation_id: self.meta.conversation_id(),
            server: self.server,
            http_version: http.and_then(|http| http_version(http.version)),
            client_address: http.and_then(|http| self.by.settings.client_address.of(http)),
            identity: self.caller.identity(),
            caller: self.caller.caller(),
        };
        let mut facts = facts.into_facts(class_of);
        if let Some((client, version)) = self.initialize {
            facts.client_class = Some(class_of(client.name, facts.user_agent.as_deref()));
            facts.session = std::mem::take(&mut facts.session)
                .client_name(client.name.unwrap_or_default())
                .client_version(client.version.unwrap_or_default())
                .protocol_version(version);
            facts.era = Some(Era::of(version));
        }
        facts
    }
}

pub(super) fn http_parts(context: &RequestContext<RoleServer>) -> Option<&Parts> {
    context.extensions.get()
}

fn client_info(client: &Implementation) -> PeerInfo<'_> {
    PeerInfo {
        name: Some(&client.name),
        version: Some(&client.version),
    }
}

/// The user of a request.
pub(super) enum RequestCaller<'a> {
    Caller(Cow<'a, Caller>),
    Identity(Cow<'a, Identity<'static>>),
    /// Not named; the logger may have an identity.
    Unsaid,
}

impl<'a> RequestCaller<'a> {
    /// Calls the host's closure, or looks for what an authentication layer has stored.
    fn of(
        context: &'a RequestContext<RoleServer>,
        http: Option<&'a Parts>,
        by: &Instrumentation,
        on_failure: impl FnOnce(),
    ) -> Self {
        match by.settings.ask(context) {
            Some(Ok(caller)) => {
                return caller.map_or(Self::Unsaid, |caller| Self::Caller(Cow::Owned(caller)));
            }
            Some(Err(_)) => {
                on_failure();
                // Not `Unsaid`: the call must not be taken for the logger's own identity's.
                return Self::Identity(Cow::Owned(Identity::anonymous()));
            }
            None => {}
        }
        let caller = http.and_then(|http| http.extensions.get());
        if let Some(caller) = caller.or_else(|| context.extensions.get()) {
            return Self::Caller(Cow::Borrowed(caller));
        }
        let identity = http.and_then(|http| http.extensions.get());
        let identity = identity.or_else(|| context.extensions.get());
        identity.map_or(Self::Unsaid, |identity| {
            Self::Identity(Cow::Borrowed(identity))
        })
    }

    pub(super) fn caller(&self) -> Option<&Caller> {
        match self {
            Self::Caller(caller) => Some(caller),
            Self::Identity(_) | Self::Unsaid => None,
        }
    }

    pub(super) fn identity(&self) -> Option<&Identity<'static>> {
        match self {
            Self::Caller(caller) => Some(caller.identity()),
            Self::Identity(identity) => Some(identity),
            Self::Unsaid => None,
        }
    }

    /// Whether the credential is named: then a login is the same in any session.
    pub(super) fn names_credential(&self) -> bool {
        self.caller()
            .is_some_and(|caller| caller.fingerprint().is_some())
    }
}

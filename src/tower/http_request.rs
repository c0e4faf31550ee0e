//! The surroundings of the messages of an HTTP request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::observer::Sessions;
use crate::base::lock::lock;
use crate::base::text::cut_at_char;
use crate::capture::size_mark;
use crate::event::{CallOutcome, Caller};
use crate::limits;
use crate::logger::MAX_NAME_BYTES;
use crate::mcp::caller_key::CallerKey;
use crate::mcp::request::{
    McpTransport, SESSION_HEADER, TRACEPARENT, TRACESTATE, USER_AGENT_HEADER, VENDOR_CLIENT_HEADER,
};
use crate::observe::{Peer, SessionPeers, Surroundings, gone};

/// Has the protocol's version if `_meta` does not.
pub(super) static PROTOCOL_VERSION_HEADER: HeaderName =
    HeaderName::from_static("mcp-protocol-version");

/// What is known about a request besides its body.
pub(super) struct HttpRequest {
    pub(super) sessions: Arc<Sessions>,
    pub(super) caller: Option<Caller>,
    pub(super) caller_key: CallerKey,
    /// The key under which facts about a session are remembered: without the cookies, which the answer that opens the
    /// session may set.
    pub(super) session_key: CallerKey,
    pub(super) headers: KeptHeaders,
    pub(super) http_version: Option<&'static str>,
    pub(super) client_address: Option<SocketAddr>,
    /// The request has a credential in the standard header.
    pub(super) is_authorized: bool,
    pub(super) opens: Mutex<OpenedSession>,
}

/// The session that an `initialize` opens.
#[derive(Default)]
pub(super) struct OpenedSession {
    client: Option<Peer>,
    id: Option<String>,
}

impl HttpRequest {
    /// Reads the session's id from the head of the answer.
    pub(super) fn on_head(&self, answer: &HeaderMap) {
        let client = lock(&self.opens).client.take();
        if let Some(client) = client
            && let Some(id) = answer.get(&SESSION_HEADER)
            && let Ok(id) = id.to_str()
        {
            self.sessions.clients.put((self.session_key, id), client);
            lock(&self.opens).id = Some(cut_at_char(id, MAX_NAME_BYTES).to_owned());
        }
    }
}

impl Surroundings for HttpRequest {
    const IS_ONE_REQUEST: bool = true;

    fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    fn caller_key(&self) -> CallerKey {
        self.caller_key
    }

    fn transport(&self) -> McpTransport<'_> {
        McpTransport::Http { is_bound: true }
    }

    fn peers(&self, names_client: bool) -> SessionPeers {
        let session = self.headers.get(&SESSION_HEADER);
        let key = (self.session_key, session.unwrap_or_default());
        let client = session.filter(|_| !names_client);
        let version = self.headers.get(&PROTOCOL_VERSION_HEADER);
        SessionPeers {
            client: client.and_then(|_| self.sessions.clients.get(key)),
            server: self.sessions.servers.get(key),
            protocol_version: version.map(str::to_owned),
        }
    }

    fn on_client(&self, client: Option<Peer>) {
        lock(&self.opens).client = client;
    }

    fn on_server(&self, server: Option<Peer>, _protocol_version: Option<&str>) {
        if let Some(server) = server {
            let id = lock(&self.opens).id.take();
            let key = (self.session_key, id.as_deref().unwrap_or_default());
            self.sessions.servers.put(key, server);
        }
    }

    fn outcome_at_end(&self) -> CallOutcome {
        gone()
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)
    }

    fn http_version(&self) -> Option<&'static str> {
        self.http_version
    }

    fn client_address(&self) -> Option<SocketAddr> {
        self.client_address
    }
}

/// The headers whose values are in events.
pub(super) struct KeptHeaders(pub(super) HeaderMap);

impl KeptHeaders {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut kept = HeaderMap::new();
        for name in [
            &SESSION_HEADER,
            &PROTOCOL_VERSION_HEADER,
            &USER_AGENT_HEADER,
            &VENDOR_CLIENT_HEADER,
            &TRACEPARENT,
            &TRACESTATE,
        ] {
            // A copy: a header as it came keeps the whole head in memory.
            let value = headers.get(name).map(HeaderValue::as_bytes);
            if let Some(Ok(value)) = value.map(HeaderValue::from_bytes) {
                kept.insert(name, value);
            }
        }
        Self(kept)
    }

    pub(super) fn get(&self, name: &HeaderName) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.values().map(HeaderValue::len).sum()
    }

    /// Keeps the sizes of values that are longer than is sent of them; of the session's id as much as tells it from
    /// others.
    pub(super) fn strip(&mut self) {
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

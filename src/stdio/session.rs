//! The surroundings of the messages of a pair of streams: one session, of one user.

use std::borrow::Cow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::base::lock::lock;
use crate::base::random;
use crate::event::{CallOutcome, Caller};
use crate::mcp::caller_key::CallerKey;
use crate::mcp::request::McpTransport;
use crate::observe::{Peer, SessionPeers, Surroundings, cut};

pub(super) struct StreamSession {
    caller: Option<Caller>,
    caller_key: CallerKey,
    id: String,
    transport: Cow<'static, str>,
    peers: Mutex<SessionPeers>,
    /// The client sends nothing any more, or nothing reaches it.
    is_client_gone: AtomicBool,
}

impl StreamSession {
    pub(super) fn new(caller: Option<Caller>, transport: Cow<'static, str>) -> Self {
        let id = format!("{:016x}", random::seed());
        Self {
            caller_key: CallerKey::of_connection(&id, caller.as_ref().map(Caller::identity)),
            caller,
            id,
            transport,
            peers: Mutex::default(),
            is_client_gone: AtomicBool::new(false),
        }
    }

    pub(super) fn note_client_gone(&self) {
        self.is_client_gone.store(true, Relaxed);
    }
}

impl Surroundings for StreamSession {
    const IS_ONE_REQUEST: bool = false;

    fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    fn caller_key(&self) -> CallerKey {
        self.caller_key
    }

    fn transport(&self) -> McpTransport<'_> {
        McpTransport::Connection {
            session_id: &self.id,
            name: &self.transport,
        }
    }

    fn peers(&self, _names_client: bool) -> SessionPeers {
        lock(&self.peers).clone()
    }

    fn on_client(&self, client: Option<Peer>) {
        lock(&self.peers).client = client;
    }

    fn on_server(&self, server: Option<Peer>, protocol_version: Option<&str>) {
        let mut peers = lock(&self.peers);
        if server.is_some() {
            peers.server = server;
        }
        if let Some(version) = protocol_version {
            peers.protocol_version = Some(cut(version));
        }
    }

    fn outcome_at_end(&self) -> CallOutcome {
        if self.is_client_gone.load(Relaxed) {
            CallOutcome::Cancelled
        } else if std::thread::panicking() {
            CallOutcome::Panicked
        } else {
            CallOutcome::Dropped
        }
    }
}

//! What the exchanges of a layer share: the observer of all integrations, and what HTTP adds to it.

use std::sync::Arc;

use crate::base::recent::Recent;
use crate::logger::UsageLogger;
use crate::mcp::client_address::ClientAddress;
use crate::observe::{Observer, Peer};

/// Most sessions whose client and whose server are remembered.
const MAX_SESSIONS: usize = 10_000;

#[derive(Debug, Clone)]
pub(super) struct HttpObserver {
    pub(super) observer: Arc<Observer>,
    /// Headers that name a tenant, in small letters.
    pub(super) tenant_headers: Vec<String>,
    pub(super) client_address: ClientAddress,
    pub(super) auth_rejections: bool,
    pub(super) sessions: Arc<Sessions>,
}

/// The peers of the sessions of the older protocol.
#[derive(Debug)]
pub(super) struct Sessions {
    /// By the caller, cookies aside, and the session's id.
    pub(super) clients: Recent<Peer>,
    /// Likewise; without a session's id where there are no sessions.
    pub(super) servers: Recent<Peer>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            clients: Recent::new(MAX_SESSIONS),
            servers: Recent::new(MAX_SESSIONS),
        }
    }
}

impl HttpObserver {
    pub(super) fn new(usage: UsageLogger) -> Self {
        Self {
            observer: Arc::new(Observer::new(usage)),
            tenant_headers: Vec::new(),
            client_address: ClientAddress::default(),
            auth_rejections: false,
            sessions: Arc::default(),
        }
    }

    /// Whether a header names a tenant, as set by the user.
    pub(super) fn is_tenants(&self, name: &str) -> bool {
        self.tenant_headers.iter().any(|header| header == name)
    }
}

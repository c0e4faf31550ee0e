//! What surrounds the messages of a conversation.

use std::net::SocketAddr;

use crate::event::{CallOutcome, Caller};
use crate::mcp::caller_key::CallerKey;
use crate::mcp::request::{McpTransport, PeerInfo};

/// Most characters of a peer's name, and of its version, that are remembered.
const MAX_PEER_CHARS: usize = 256;

/// A peer's name and its version.
pub(crate) type Peer = (String, String);

/// What is known of the messages of a conversation beside what they say.
pub(crate) trait Surroundings: Send + Sync {
    /// The conversation is one request and its answer, so that an answer without an id can only be to that.
    const IS_ONE_REQUEST: bool;

    fn caller(&self) -> Option<&Caller>;

    /// What is remembered of the caller is remembered under it.
    fn caller_key(&self) -> CallerKey;

    fn transport(&self) -> McpTransport<'_>;

    /// Returns who speaks in the session: the client for a request that does not name one, and the server.
    fn peers(&self, names_client: bool) -> SessionPeers;

    /// Takes the client that an `initialize` names.
    fn on_client(&self, client: Option<Peer>);

    /// Takes the server that an answer names, and the version of the protocol that it agrees to.
    fn on_server(&self, server: Option<Peer>, protocol_version: Option<&str>);

    /// How a call ended that is not answered when the conversation is over.
    fn outcome_at_end(&self) -> CallOutcome;

    fn header(&self, _name: &str) -> Option<&str> {
        None
    }

    fn http_version(&self) -> Option<&'static str> {
        None
    }

    fn client_address(&self) -> Option<SocketAddr> {
        None
    }
}

/// Who speaks in a session, and by which version of the protocol, as it was remembered.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionPeers {
    pub(crate) client: Option<Peer>,
    pub(crate) server: Option<Peer>,
    pub(crate) protocol_version: Option<String>,
}

impl SessionPeers {
    pub(super) fn client(&self) -> Option<PeerInfo<'_>> {
        self.client.as_ref().map(info)
    }

    pub(super) fn server(&self) -> PeerInfo<'_> {
        self.server.as_ref().map(info).unwrap_or_default()
    }
}

fn info((name, version): &Peer) -> PeerInfo<'_> {
    PeerInfo {
        name: Some(name),
        version: Some(version),
    }
}

/// What is remembered of a peer that names itself.
pub(crate) fn remembered(peer: PeerInfo<'_>) -> Option<Peer> {
    Some((cut(peer.name?), peer.version.map(cut).unwrap_or_default()))
}

/// As much of a peer's text as is remembered.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(MAX_PEER_CHARS).collect()
}

/// How a call ended that nobody waits for.
pub(crate) fn gone() -> CallOutcome {
    if std::thread::panicking() {
        CallOutcome::Panicked
    } else {
        CallOutcome::Cancelled
    }
}

//! What is known about the messages of a conversation besides their content.

use std::net::SocketAddr;

use http::HeaderName;

use crate::event::{CallOutcome, Caller};
use crate::mcp::caller_key::CallerKey;
use crate::mcp::request::{McpTransport, PeerInfo};

/// Most characters of a peer's name, and of its version, that are remembered.
const MAX_PEER_CHARS: usize = 256;

/// A peer's name and its version.
pub(crate) type Peer = (String, String);

/// What is known about the messages of a conversation besides their content.
pub(crate) trait Surroundings: Send + Sync {
    /// The conversation is one request and its answer, so an answer without an id belongs to that request.
    const IS_ONE_REQUEST: bool;

    fn caller(&self) -> Option<&Caller>;

    /// The key under which facts about the caller are remembered.
    fn caller_key(&self) -> CallerKey;

    fn transport(&self) -> McpTransport<'_>;

    /// Returns the peers of the session: the client, for a request that does not name one, and the server.
    fn peers(&self, names_client: bool) -> SessionPeers;

    /// Stores the client that an `initialize` names.
    fn on_client(&self, client: Option<Peer>);

    /// Stores the server that an answer names, and the agreed version of the protocol.
    fn on_server(&self, server: Option<Peer>, protocol_version: Option<&str>);

    /// The outcome of a call without an answer at the end of the conversation.
    fn outcome_at_end(&self) -> CallOutcome;

    fn header(&self, _name: &HeaderName) -> Option<&str> {
        None
    }

    fn http_version(&self) -> Option<&'static str> {
        None
    }

    fn client_address(&self) -> Option<SocketAddr> {
        None
    }
}

/// The peers of a session and the version of the protocol, as they were remembered.
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

/// The name and version of a peer, as far as they are remembered.
pub(crate) fn remembered(peer: PeerInfo<'_>) -> Option<Peer> {
    Some((cut(peer.name?), peer.version.map(cut).unwrap_or_default()))
}

/// The part of a peer's text that is remembered.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(MAX_PEER_CHARS).collect()
}

/// The outcome of a call for which nobody waits any more.
pub(crate) fn gone() -> CallOutcome {
    if std::thread::panicking() {
        CallOutcome::Panicked
    } else {
        CallOutcome::Cancelled
    }
}

//! MCP conversations that are read while they pass: calls and listings, from their requests to their answers.
//!
//! Knows neither the transport nor an SDK's types; the integrations that pass the messages in describe their surroundings.

mod answer_text;
mod conversation;
mod observer;
mod open_messages;
mod rewriting;
mod surroundings;

pub(crate) use conversation::Conversation;
pub(crate) use observer::{
    DEFAULT_MAX_MESSAGE_BYTES, Observer, ObserverSettings, observer_setters,
};
pub(crate) use rewriting::{MAX_CALL_BYTES, MAX_LISTING_BYTES, RewrittenRequests};
pub(crate) use surroundings::{Peer, SessionPeers, Surroundings, cut, gone};

//! Conversations of MCP that are read as they pass: calls and listings, from their requests to their answers.
//!
//! Knows neither what the messages come by nor an SDK's types; those who hand the messages over say what surrounds them.

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

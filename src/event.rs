//! The kinds of events that a caller can log, in the words of the API.

mod auth_rejected;
mod caller;
mod checked;
mod client;
mod common;
mod consent;
mod facts;
mod identity;
mod kind;
mod listed_tool;
mod sampling;
mod session;
mod tool_call;
mod weight;

pub use auth_rejected::{AuthRejected, AuthRejection};
pub use caller::Caller;
pub(crate) use checked::{
    MAX_DURATION, MAX_TRACESTATE_BYTES, PLAUSIBLE_MILLIS, is_http_version, is_traceparent,
    is_tracestate,
};
pub use client::{ClientClass, Era};
pub(crate) use common::{FACT_TEXTS, FactValues, Facts, Links};
pub(crate) use consent::Consent;
pub(crate) use facts::{META_FACTS, Text};
pub use identity::Identity;
pub(crate) use kind::EventKind;
pub use kind::{Custom, Event, IdentityCapture, Init};
pub(crate) use listed_tool::ListedTool;
pub(crate) use sampling::Sampling;
pub(crate) use session::SESSION_TEXTS;
pub use session::Session;
pub(crate) use tool_call::{Call, MAX_DESCRIPTION_CHARS};
pub use tool_call::{CallOutcome, IntentSource, ToolCall};
pub(crate) use weight::Weight;

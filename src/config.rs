//! The builder, and the settings it validates: code wins over environment, environment over
//! default, and an opt-out over both.

pub(crate) mod builder;
mod destination;
mod env;
mod otel;
mod others;
pub(crate) mod resolve;
pub(crate) mod setting;
mod settings;
mod table;
mod validate;

pub use builder::Builder;
pub use destination::{Confirm, Destination};
pub use table::{
    DEFAULT_ENVIRONMENT, DEFAULT_FLUSH_INTERVAL, DEFAULT_INITIAL_BACKOFF, DEFAULT_MAX_BACKOFF,
    DEFAULT_MAX_BATCH_BYTES, DEFAULT_MAX_BATCH_EVENTS, DEFAULT_MAX_EVENT_AGE,
    DEFAULT_MAX_IN_FLIGHT, DEFAULT_MAX_QUEUE_BYTES, DEFAULT_MAX_RETRY_AFTER, DEFAULT_SOURCE,
    DEFAULT_USER_AGENT, MIN_QUEUE_BYTES,
};

pub use crate::wire::{DEFAULT_BATCH_REQUEST_TIMEOUT, DEFAULT_ENDPOINT, DEFAULT_REQUEST_TIMEOUT};

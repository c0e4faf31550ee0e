//! How a request reaches the ingest: over HTTP, or into a file or memory instead.

pub(crate) mod api_key;
pub(crate) mod dry_run;
mod exchange;
pub(crate) mod http;
pub(crate) mod http_client;
#[cfg(feature = "testing")]
pub(crate) mod memory;
mod names;
pub(crate) mod proxy;

pub(crate) use exchange::{IncomingResponse, MAX_ANSWER_BYTES, Request, SendError, Transport};
#[cfg(test)]
pub(crate) use exchange::{ProbeFuture, SendFuture};

//! The requests and answers of every transport.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// The most bytes of an answer that are read.
pub(crate) const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A framed batch.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) body: Vec<u8>,
    /// Goes over a connection that no request before it has used.
    pub(crate) needs_new_connection: bool,
}

impl Request {
    pub(crate) fn new(body: Vec<u8>) -> Self {
        Self {
            body,
            needs_new_connection: false,
        }
    }
}

/// The ingest's answer. Its status holds, whether or not the body arrives.
pub(crate) struct IncomingResponse {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    /// The header `Content-Type`.
    pub(crate) content_type: Option<String>,
    /// Resolves to what arrives of the body, at most [`MAX_ANSWER_BYTES`].
    pub(crate) body: BodyFuture,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SendError {
    /// The request's deadline passed.
    Timeout,
    /// Any other failure, described without a URL.
    Network(String),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("request timed out"),
            Self::Network(what) => f.write_str(what),
        }
    }
}

pub(crate) type SendFuture =
    Pin<Box<dyn Future<Output = Result<IncomingResponse, SendError>> + Send>>;

pub(crate) type BodyFuture = Pin<Box<dyn Future<Output = Vec<u8>> + Send>>;

/// The answer to a probe: proof that the endpoint can be reached.
pub(crate) struct ProbeAnswer {
    pub(crate) status: u16,
    /// The header `Date`.
    pub(crate) date: Option<String>,
}

pub(crate) type ProbeFuture = Pin<Box<dyn Future<Output = Result<ProbeAnswer, SendError>> + Send>>;

/// Sends requests. The worker drops a future that takes longer than the request timeout.
pub(crate) trait Transport: fmt::Debug + Send + Sync {
    fn send(&self, request: Request) -> SendFuture;

    /// Asks whether the endpoint can be reached, with neither events nor key; `None` if there is no
    /// endpoint.
    fn probe(&self) -> Option<ProbeFuture>;
}

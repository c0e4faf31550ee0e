//! Requests under way.

use std::time::Instant;

use tokio::task;

use super::batch::Batch;
use crate::transport::SendError;

/// A request under way.
pub(crate) struct Flight {
    pub(super) batch: Batch,
    pub(super) started: Instant,
    pub(super) task: task::Id,
}

/// The end of a request.
pub(crate) struct Landing {
    pub(super) flight: u64,
    pub(super) result: Result<Landed, SendError>,
}

/// An answer, read as far as the deadline allowed.
pub(crate) struct Landed {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) body: Vec<u8>,
}

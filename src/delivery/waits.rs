//! Who waits for the worker: flushes, confirmations, shutdown.

use std::time::Instant;

use super::message::{Reply, ShutdownReport};
use crate::error::FlushError;

/// Dead confirmations are not worth looking for below this number.
pub(crate) const MIN_SWEEP: usize = 64;

/// Somebody waits until all segments before `sequence` are done.
pub(crate) struct Flush {
    pub(super) sequence: u64,
    pub(super) deadline: Instant,
    pub(super) reply: Reply<Result<(), FlushError>>,
}

pub(crate) struct Shutdown {
    pub(super) deadline: Instant,
    pub(super) started: Instant,
    pub(super) reply: Option<Reply<ShutdownReport>>,
}

/// Tells both.
pub(crate) fn both(
    first: Option<Reply<ShutdownReport>>,
    second: Reply<ShutdownReport>,
) -> Reply<ShutdownReport> {
    Box::new(move |report| {
        if let Some(first) = first {
            first(report);
        }
        second(report);
    })
}

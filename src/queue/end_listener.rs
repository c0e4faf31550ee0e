//! The listener that waits for the end of an event.

use crate::ledger::DropReason;

/// How a pending event ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventEnd {
    Delivered,
    Dropped(DropReason),
    /// Left to the spool, for the next process.
    Spooled,
}

/// Called once, with how its event ended.
pub(crate) type EndListener = Box<dyn FnOnce(EventEnd) + Send + Sync>;

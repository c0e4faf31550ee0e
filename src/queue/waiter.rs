//! Who waits for the end of an event.

use std::fmt;

use crate::ledger::DropReason;

/// How a pending event ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventEnd {
    Delivered,
    Dropped(DropReason),
    /// Left to the spool, for the next process.
    Spooled,
}

/// Hears how its event ended.
pub(crate) struct EndListener(pub(crate) Box<dyn FnOnce(EventEnd) + Send + Sync>);

impl fmt::Debug for EndListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndListener")
    }
}

//! What the formats share: the stamp of an event, the sender of a batch, a refusal.

use crate::capture::{Content, EventWriter, Written, key};
use crate::event::Weight;
use crate::ledger::Dropped;

/// Writes what is left of arguments that are too large: their names, else how many there are.
pub(crate) fn write_argument_names(arguments: Content<'_>, end: usize, w: &mut EventWriter<'_>) {
    let (written, count) = w.member_names(key!("tool_argument_keys"), arguments, end);
    if written == Written::TooLarge {
        w.integer(key!("tool_argument_key_count"), count);
    }
}

/// What stands in place of a result that was too large.
pub(crate) const TOO_LARGE: &str = "[truncated]";

/// What is known of an event when it is written: the caller's facts, filled up with defaults.
pub(crate) struct Stamp {
    pub(crate) event_id: i64,
    /// Milliseconds since 1970.
    pub(crate) unix_millis: u64,
    pub(crate) weight: Weight,
}

/// What a frame may say about its sender.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) instance: &'a str,
    pub(crate) sequence: u64,
    pub(crate) dropped: Dropped,
}

/// One event of a batch that an otherwise satisfied ingest refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) event_id: i64,
    pub(crate) retry: bool,
}

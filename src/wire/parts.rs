//! What the formats share: the stamp of an event, the sender of a batch.

use crate::capture::{Content, EventWriter, Written, key};
use crate::event::Weight;
use crate::ledger::Dropped;

/// Writes what stands in place of arguments that are too large: their names, or how many there are.
pub(crate) fn write_argument_names(arguments: Content<'_>, end: usize, w: &mut EventWriter<'_>) {
    let (written, count) = w.member_names(key!("tool_argument_keys"), arguments, end);
    if written == Written::TooLarge {
        w.integer(key!("tool_argument_key_count"), count);
    }
}

/// What stands in place of a result that is too large.
pub(crate) const TOO_LARGE: &str = "[truncated]";

/// What an event gets at the door: its id, its time, and the calls that it stands for.
pub(crate) struct Stamp {
    pub(crate) event_id: i64,
    /// Milliseconds since 1970.
    pub(crate) unix_millis: u64,
    pub(crate) weight: Weight,
}

/// What the frame of a batch may say about its sender.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) instance: &'a str,
    pub(crate) sequence: u64,
    pub(crate) dropped: Dropped,
}

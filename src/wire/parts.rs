//! What the formats share: the stamp of an event, the sender of a batch.

use std::time::SystemTime;

use crate::base::id::Instance;
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
    /// The caller chose the id.
    pub(crate) has_given_id: bool,
    /// The logger that captured the event.
    pub(crate) instance: Instance,
    /// Which event of that logger it is, from 1.
    pub(crate) sequence: u64,
    /// When it happened.
    pub(crate) at: SystemTime,
    pub(crate) weight: Weight,
}

/// What the frame of a batch may say about its sender.
#[derive(Debug)]
pub(crate) struct SenderInfo {
    pub(crate) instance: Instance,
    pub(crate) sequence: u64,
    pub(crate) dropped: Dropped,
    /// When the frame was made.
    pub(crate) sent_at: SystemTime,
}

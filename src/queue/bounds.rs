//! The bounds of a queue, and what follows from them.

use crate::limits::MAX_EVENT_BYTES;

/// A segment's size: large enough that the lock, the wake-up and the allocation are shared by a
/// hundred events, small enough that eviction loses little at a time.
pub(crate) const SEGMENT_BYTES: usize = 128 * 1024;

/// The most events of a segment, for which there is room from the start.
pub(crate) const SEGMENT_EVENTS: usize = 512;

/// What happens to an event that the queue has no room for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// It is dropped, as [`DropReason::QueueFull`](crate::DropReason::QueueFull): what was accepted stays accepted, and an
    /// outage shows how it began.
    #[default]
    DropNewest,
    /// The oldest events make room, as [`DropReason::Evicted`](crate::DropReason::Evicted), some hundred at a time: an outage
    /// shows how it ended. Those that are being sent or wait for a retry stay; when there are no
    /// others, the new event is dropped.
    DropOldest,
}

/// The bounds of a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) max_events: usize,
    pub(crate) max_bytes: usize,
    pub(crate) when_full: WhenFull,
    /// This many events are worth sending.
    pub(crate) batch_events: usize,
    /// Events of this many bytes are worth sending.
    pub(crate) batch_bytes: usize,
}

impl Bounds {
    /// Small queues have small segments, so that they have several.
    pub(super) fn segment_bytes(&self) -> usize {
        (self.max_bytes / 16).clamp(4 * 1024, SEGMENT_BYTES)
    }

    pub(super) fn segment_events(&self) -> usize {
        let share = (self.max_events / 8).max(1);
        share.min(self.batch_events.max(1)).min(SEGMENT_EVENTS)
    }

    /// How many events are worth a request: a batch of them, or half of a queue that is small.
    pub(crate) fn worth_events(&self) -> usize {
        self.batch_events.min(self.max_events / 2).max(1)
    }

    /// How many bytes are worth a request.
    pub(crate) fn worth_bytes(&self) -> usize {
        self.batch_bytes.min(self.max_bytes / 2).max(1)
    }
}

/// A queue that cannot hold its largest event would refuse it for ever.
pub(crate) const MIN_QUEUE_BYTES: usize = 2 * MAX_EVENT_BYTES;

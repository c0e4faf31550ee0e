//! The bounds of a queue, and what follows from them.

use crate::limits::MAX_EVENT_BYTES;

/// A segment's size: large enough that the lock, the wake-up and the allocation are shared by a
/// hundred events, small enough that eviction loses little at a time.
pub(crate) const SEGMENT_BYTES: usize = 128 * 1024;

/// The most events of a segment, for which there is room from the start.
pub(crate) const SEGMENT_EVENTS: usize = 512;

/// What happens if the queue has no room for an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// The event is dropped, as [`DropReason::QueueFull`](crate::DropReason::QueueFull). Events that were accepted stay, so
    /// the beginning of an outage is kept.
    #[default]
    DropNewest,
    /// The oldest events are dropped, as [`DropReason::Evicted`](crate::DropReason::Evicted), about a hundred at a time, so
    /// the end of an outage is kept. Events that are being sent or wait for a retry stay; if there are no others, the new
    /// event is dropped.
    DropOldest,
}

/// The bounds of a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// `usize::MAX` where only bytes are bounded.
    pub(crate) max_events: usize,
    pub(crate) max_bytes: usize,
    /// What of it is kept for events that `before_send` has enlarged.
    pub(crate) hook_bytes: usize,
    pub(crate) when_full: WhenFull,
    /// How many events are worth a request.
    pub(crate) batch_events: usize,
    /// How many bytes of events are worth a request.
    pub(crate) batch_bytes: usize,
}

impl Bounds {
    /// What `before_send` needs of so much memory: enough for some requests, and for one event at least.
    pub(crate) fn share_of_hook(max_bytes: usize) -> usize {
        (max_bytes / 8).max(HOOK_ROOM.min(max_bytes / 2))
    }

    /// The bounds of one of several destinations of a queue with the bounds `all`: half of its memory, so that one that
    /// lags leaves the others the rest.
    pub(crate) fn of_one(self, all: Self) -> Self {
        let half = |most: usize| {
            if most == usize::MAX {
                most
            } else {
                (most / 2).max(1)
            }
        };
        Self {
            max_events: half(all.max_events),
            max_bytes: half(all.max_bytes),
            hook_bytes: 0,
            ..self
        }
    }

    /// The most memory that callers may fill.
    pub(crate) fn caller_bytes(&self) -> usize {
        self.max_bytes - self.hook_bytes
    }

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

#[cfg(test)]
impl Bounds {
    /// Bounds of so much memory, with small batches and no hook.
    pub(crate) fn for_tests(max_bytes: usize) -> Self {
        Self {
            max_events: 100,
            max_bytes,
            hook_bytes: 0,
            when_full: WhenFull::DropNewest,
            batch_events: 10,
            batch_bytes: 64 * 1024,
        }
    }
}

/// The memory that one event may take once `before_send` has seen it, with what a segment of it alone
/// costs.
pub(crate) const HOOK_ROOM: usize = MAX_EVENT_BYTES + 16 * 1024;

/// Least memory of a queue: with less, it could never hold an event of the largest size.
pub(crate) const MIN_QUEUE_BYTES: usize = 2 * MAX_EVENT_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_and_batches_follow_from_the_bounds() {
        // max_events, max_bytes, batch_events, batch_bytes; segment's bytes and events, worth sending
        for (given, expected) in [
            (
                [10_000, 1 << 24, 100, 1 << 19],
                [SEGMENT_BYTES, 100, 100, 1 << 19],
            ),
            (
                [100_000, 1 << 24, 5_000, 1 << 19],
                [SEGMENT_BYTES, SEGMENT_EVENTS, 5_000, 1 << 19],
            ),
            (
                [usize::MAX, 1 << 24, 100, 1 << 19],
                [SEGMENT_BYTES, 100, 100, 1 << 19],
            ),
            (
                [usize::MAX, 1 << 24, usize::MAX, 1],
                [SEGMENT_BYTES, SEGMENT_EVENTS, usize::MAX / 2, 1],
            ),
            ([40, 1 << 20, 100, 1 << 20], [1 << 16, 5, 20, 1 << 19]),
            ([1, 1 << 10, 0, 0], [4 * 1024, 1, 1, 1]),
        ] {
            let [max_events, max_bytes, batch_events, batch_bytes] = given;
            let bounds = Bounds {
                max_events,
                max_bytes,
                hook_bytes: 0,
                when_full: WhenFull::DropNewest,
                batch_events,
                batch_bytes,
            };
            let segment = [bounds.segment_bytes(), bounds.segment_events()];
            let worth = [bounds.worth_events(), bounds.worth_bytes()];
            assert_eq!([segment, worth].concat(), expected, "{given:?}");
        }
    }
}

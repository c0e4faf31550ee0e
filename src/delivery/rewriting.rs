//! A segment on its way through the user's hook, which may stop within it for want of memory.

use std::sync::Arc;

use super::batch::{Batch, Size};
use crate::queue::Segment;

pub(super) struct Rewriting {
    pub(super) segment: Arc<Segment>,
    /// The first event that the hook has not seen.
    pub(super) next: usize,
}

impl Rewriting {
    pub(super) fn new(segment: Segment) -> Self {
        Self {
            segment: Arc::new(segment),
            next: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.next >= self.segment.len()
    }

    /// How many events are left.
    pub(super) fn left(&self) -> u64 {
        self.segment.len().saturating_sub(self.next) as u64
    }

    /// The sequence number of what is left.
    pub(super) fn sequence(&self) -> u64 {
        self.segment.sequence() + self.next as u64
    }

    /// What is left, as it is.
    pub(super) fn rest(self) -> Batch {
        let mut rest = Batch::default();
        rest.insert(self.segment);
        if self.next > 0 {
            rest.take(Size {
                max_events: self.next,
                max_bytes: usize::MAX,
            });
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::capture::{CapturePolicy, EventDraft, ThreadScratch};
    use crate::delivery::shared::Shared;
    use crate::limits::Limits;
    use crate::queue::Takers;
    use crate::redact::Redactor;

    /// A segment of these events.
    fn segment(events: &[&str]) -> Segment {
        let (shared, mut receiver) = Shared::for_tests();
        let policy = CapturePolicy {
            limits: Limits::default(),
            redactor: Redactor::off(),
        };
        for (id, json) in (1..).zip(events) {
            let mut scratch = ThreadScratch::default();
            let mut draft = EventDraft::begin(&mut scratch, &policy, &shared.ledger);
            draft.writer.raw(json);
            let event = draft.seal().unwrap();
            let pushed = shared
                .queue
                .push(&event, id, Takers::FIRST, None, false, Instant::now);
            pushed.result.unwrap();
        }
        receiver.seal();
        receiver.take().unwrap()
    }

    #[test]
    fn what_the_hook_has_not_seen_is_left_and_begins_at_a_sequence_number_of_its_own() {
        for (next, left) in [(0, "{},[],7,"), (1, "[],7,"), (2, "7,"), (3, "")] {
            let mut rewriting = Rewriting::new(segment(&["{}", "[]", "7"]));
            let first = rewriting.sequence();
            rewriting.next = next;
            assert_eq!(rewriting.sequence(), first + next as u64);
            assert_eq!(rewriting.is_done(), left.is_empty());
            assert_eq!(
                rewriting.rest().slices().concat(),
                left.as_bytes(),
                "{next}"
            );
        }
    }
}

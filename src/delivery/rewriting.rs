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

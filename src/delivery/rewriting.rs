//! A segment on its way through the user's hook, which may stop within it for want of memory.

use std::sync::Arc;

use super::batch::Batch;
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

    /// Goes on to the next event that is not forgotten.
    pub(super) fn advance(&mut self) {
        self.next += 1;
        self.pass_forgotten();
    }

    fn pass_forgotten(&mut self) {
        let runs = self.segment.runs(self.next..self.segment.len());
        if let Some((run, true)) = runs.first() {
            self.next = run.end;
        }
    }

    /// Forgets the events that are left and that `goes` holds for; returns their places.
    pub(super) fn forget(&mut self, mut goes: impl FnMut(&[u8]) -> bool) -> Vec<usize> {
        let segment = &self.segment;
        let left = self.next..segment.len();
        let forgotten = left.filter(|event| goes(segment.json(*event)) && segment.forget(*event));
        let forgotten = forgotten.collect();
        self.pass_forgotten();
        forgotten
    }

    /// The sequence number of what is left.
    pub(super) fn sequence(&self) -> u64 {
        self.segment.sequence() + self.next as u64
    }

    /// What is left, as it is.
    pub(super) fn rest(self) -> Batch {
        let mut rest = Batch::default();
        rest.insert_from(self.segment, self.next);
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
    fn the_hook_does_not_see_what_is_forgotten() {
        let is_empty = |json: &[u8]| json == b"{}";
        for (next, forgotten, seen, left) in [
            (0, &[0, 1, 4][..], "[],7,", 2),
            (1, &[1, 4], "[],7,", 2),
            (2, &[4], "[],7,", 2),
            (4, &[4], "", 0),
        ] {
            let mut rewriting = Rewriting::new(segment(&["{}", "{}", "[]", "7", "{}"]));
            rewriting.next = next;
            assert_eq!(rewriting.forget(is_empty), forgotten, "{next}");
            assert_eq!(rewriting.is_done(), left == 0);
            let rest = Rewriting {
                segment: Arc::clone(&rewriting.segment),
                next: rewriting.next,
            };
            let rest = rest.rest();
            let all = (rest.slices().concat(), rest.len());
            assert_eq!(all, (seen.as_bytes().to_vec(), left), "{next}");
            let mut shown = Vec::new();
            while !rewriting.is_done() {
                shown
                    .extend_from_slice(rewriting.segment.slice(rewriting.next..rewriting.next + 1));
                rewriting.advance();
            }
            assert_eq!(shown, seen.as_bytes(), "{next}");
        }
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

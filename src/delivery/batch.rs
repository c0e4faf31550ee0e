//! Pure: which queued events go into one request. No clock, no async.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::search::Piece;
use super::suspects::History;
use crate::base::random::Keyed;
use crate::queue::{EventEnd, Segment};

/// Consecutive events of one segment.
struct Part {
    segment: Arc<Segment>,
    events: Range<usize>,
}

impl Part {
    fn bytes(&self) -> usize {
        self.segment.slice(self.events.clone()).len()
    }

    /// Takes out the first `events` events.
    fn take_front(&mut self, events: usize) -> Self {
        let start = self.events.start;
        self.events.start += events;
        Self {
            segment: Arc::clone(&self.segment),
            events: start..start + events,
        }
    }
}

/// How large a batch may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) max_events: usize,
    pub(crate) max_bytes: usize,
}

/// Events in order: those of one request, or those that batches are taken from.
#[derive(Default)]
pub(crate) struct Batch {
    parts: VecDeque<Part>,
    /// How often the request of just these events has timed out.
    pub(crate) timeouts: u32,
    /// How many requests with these events have failed, whatever the cause.
    pub(crate) failures: u32,
    pub(crate) history: History,
    /// Whether the ingest has answered a request with these events.
    pub(crate) was_answered: bool,
    /// The part that it is of a batch that is searched.
    pub(crate) piece: Option<Piece>,
}

impl Batch {
    fn new(parts: impl Into<VecDeque<Part>>) -> Self {
        Self {
            parts: parts.into(),
            ..Self::default()
        }
    }

    /// The events of one segment; `None` when there are none.
    pub(crate) fn of(segment: Segment) -> Option<Self> {
        let mut batch = Self::default();
        batch.insert(Arc::new(segment));
        (!batch.is_empty()).then_some(batch)
    }

    /// Adds a segment where it belongs by age, without those of its events that are forgotten.
    pub(crate) fn insert(&mut self, segment: Arc<Segment>) {
        self.insert_from(segment, 0);
    }

    /// As [`insert`](Self::insert), of a segment's events from this one on.
    pub(crate) fn insert_from(&mut self, segment: Arc<Segment>, first: usize) {
        let sequence = segment.sequence();
        let at = (self.parts).partition_point(|part| part.segment.sequence() < sequence);
        let runs = segment.runs(first..segment.len()).into_iter();
        let runs = runs.filter(|(_, is_forgotten)| !is_forgotten);
        for (n, (events, _)) in runs.enumerate() {
            let segment = Arc::clone(&segment);
            self.parts.insert(at + n, Part { segment, events });
        }
    }

    /// Takes out the events that are forgotten.
    pub(crate) fn take_forgotten(&mut self) -> Self {
        let mut forgotten = self.of_same_history();
        for Part { segment, events } in std::mem::take(&mut self.parts) {
            for (events, is_forgotten) in segment.runs(events) {
                let side = if is_forgotten {
                    &mut forgotten
                } else {
                    &mut *self
                };
                let segment = Arc::clone(&segment);
                side.parts.push_back(Part { segment, events });
            }
        }
        forgotten
    }

    /// How many of the events are forgotten.
    pub(crate) fn forgotten(&self) -> usize {
        let parts = self.parts.iter();
        let runs = parts.flat_map(|part| part.segment.runs(part.events.clone()));
        runs.filter(|(_, is_forgotten)| *is_forgotten)
            .map(|(events, _)| events.len())
            .sum()
    }

    /// Removes the events of some segments.
    pub(crate) fn remove(&mut self, goes: impl Fn(&Segment) -> bool) {
        self.parts.retain(|part| !goes(&part.segment));
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.events.len()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Arc<Segment>, Range<usize>)> {
        (self.parts.iter()).map(|part| (&part.segment, part.events.clone()))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = i64> {
        self.parts()
            .flat_map(|(segment, events)| events.filter_map(|event| segment.id(event)))
    }

    /// The JSON of the events, each followed by a comma.
    pub(crate) fn slices(&self) -> Vec<&[u8]> {
        self.parts()
            .map(|(segment, events)| segment.slice(events))
            .collect()
    }

    /// Its place among batches, first in, first out.
    pub(crate) fn order(&self) -> (u64, usize) {
        self.parts.front().map_or((u64::MAX, 0), |part| {
            (part.segment.sequence(), part.events.start)
        })
    }

    /// Notifies those who wait for its events.
    pub(crate) fn notify_end(&self, end: EventEnd) {
        for (segment, events) in self.parts() {
            segment.notify_end(events, end);
        }
    }

    /// Whether there is as much as `size`: enough for a batch that cannot hold another event.
    pub(crate) fn fills(&self, size: Size) -> bool {
        let (mut events, mut bytes) = (0, 0);
        self.parts.iter().any(|part| {
            events += part.events.len();
            bytes += part.bytes();
            events >= size.max_events || bytes >= size.max_bytes
        })
    }

    /// Takes out the oldest events, as many as `size` allows and at least one.
    pub(crate) fn take(&mut self, size: Size) -> Option<Self> {
        let batch = self.take_front(self.fitting(size));
        (!batch.is_empty()).then_some(batch)
    }

    /// How many events `size` allows. No two of them have the same id: a receiver may refuse both.
    fn fitting(&self, size: Size) -> usize {
        if size.max_events == 1 {
            return self.parts.len().min(1);
        }
        let most = size.max_events.min(self.len());
        let (mut count, mut bytes) = (0, 0);
        let mut ids = HashSet::with_capacity_and_hasher(most, Keyed::default());
        for part in &self.parts {
            for event in part.events.clone() {
                bytes += part.segment.slice(event..event + 1).len();
                if count == most || (bytes > size.max_bytes && count > 0) {
                    return count;
                }
                if !ids.insert(part.segment.id(event)) {
                    return count;
                }
                count += 1;
            }
        }
        count
    }

    /// Takes out what is left of some segments; `None` when there are none.
    pub(crate) fn take_segments(&mut self, goes: impl Fn(&Segment) -> bool) -> Option<Self> {
        if !self.parts.iter().any(|part| goes(&part.segment)) {
            return None;
        }
        let parts = std::mem::take(&mut self.parts).into_iter();
        let (taken, kept) = parts.partition::<VecDeque<_>, _>(|part| goes(&part.segment));
        self.parts = kept;
        Some(Self::new(taken))
    }

    /// Takes out the segments that `goes` holds for by their age, which may differ by days. The age of what was read back
    /// from disk is told by a clock that may have been wrong, so it counts once the ingest has answered: until then, only
    /// the time in memory does.
    pub(crate) fn take_older(&mut self, goes: impl Fn(Option<Instant>) -> bool) -> Option<Self> {
        let was_answered = self.was_answered;
        self.take_segments(|segment| match was_answered {
            true => goes(segment.first_at()),
            false => goes(segment.in_memory_since()),
        })
    }

    /// Takes out the first `events` events.
    fn take_front(&mut self, mut events: usize) -> Self {
        let mut taken = VecDeque::new();
        while events > 0
            && let Some(first) = self.parts.front_mut()
        {
            if events < first.events.len() {
                taken.push_back(first.take_front(events));
                break;
            }
            events -= first.events.len();
            taken.extend(self.parts.pop_front());
        }
        Self::new(taken)
    }

    /// Halves the batch; the second half is `None` for a single event.
    pub(crate) fn halve(mut self) -> (Self, Option<Self>) {
        let first = self.split_off_front(self.len().div_ceil(2));
        let second = self.split_off_front(usize::MAX);
        (first, (!second.is_empty()).then_some(second))
    }

    /// Takes out the first `events` events, as a part of the same batch.
    pub(crate) fn split_off_front(&mut self, events: usize) -> Self {
        Self {
            piece: self.piece,
            parts: self.take_front(events).parts,
            ..self.of_same_history()
        }
    }

    /// An empty batch of which as much is known as of this one.
    fn of_same_history(&self) -> Self {
        Self {
            failures: self.failures,
            history: self.history.of_part(),
            was_answered: self.was_answered,
            ..Self::default()
        }
    }

    /// Sorts the events by their id into those for which `keep` holds and the others.
    pub(crate) fn partition(mut self, mut keep: impl FnMut(i64) -> bool) -> (Self, Self) {
        let (mut kept, mut others) = (self.of_same_history(), self.of_same_history());
        while !self.is_empty() {
            let event = self.take_front(1);
            let id = event
                .parts()
                .next()
                .and_then(|(segment, events)| segment.id(events.start));
            let side = if id.is_some_and(&mut keep) {
                &mut kept
            } else {
                &mut others
            };
            side.parts.extend(event.parts);
        }
        (kept, others)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::capture::{CapturePolicy, EventDraft, ThreadScratch};
    use crate::ledger::Ledger;
    use crate::limits::Limits;
    use crate::queue::{self, Bounds, Ledgers, Receiver, Takers, WhenFull};
    use crate::redact::Redactor;

    /// Segments with so many events of so many bytes each; ids count from 0.
    fn events_of(sizes: &[Vec<usize>]) -> (Batch, Receiver) {
        let bounds = Bounds {
            max_events: 1 << 20,
            max_bytes: 1 << 28,
            hook_bytes: 0,
            when_full: WhenFull::DropNewest,
            batch_events: 512,
            batch_bytes: 512 * 1024,
        };
        let ledger = Arc::new(Ledger::default());
        let (sender, mut receiver) = queue::bounded(bounds, Ledgers::of_one(Arc::clone(&ledger)));
        let policy = CapturePolicy {
            limits: Limits::default(),
            redactor: Redactor::off(),
        };
        let (mut all, mut id) = (Batch::default(), 0);
        for sizes in sizes {
            for size in sizes {
                let mut scratch = ThreadScratch::default();
                let mut draft = EventDraft::begin(&mut scratch, &policy, &ledger);
                let json = format!("\"{}\"", "x".repeat(*size));
                draft.writer.raw(&json);
                let event = draft.seal().unwrap();
                let pushed = sender.push(&event, id, Takers::FIRST, None, false, Instant::now);
                pushed.result.unwrap();
                id += 1;
            }
            receiver.seal();
            while let Some(segment) = receiver.take() {
                all.insert(Arc::new(segment));
            }
        }
        (all, receiver)
    }

    fn ids(batch: &Batch) -> Vec<i64> {
        batch.ids().collect()
    }

    fn bytes(batch: &Batch) -> usize {
        batch.slices().iter().map(|slice| slice.len()).sum()
    }

    #[test]
    fn a_batch_takes_from_several_segments_and_leaves_the_rest() {
        let (mut waiting, _receiver) = events_of(&[vec![10; 3], vec![10; 4], vec![10; 2]]);
        let size = Size {
            max_events: 5,
            max_bytes: 1 << 20,
        };
        assert!(waiting.fills(size));
        assert_eq!(ids(&waiting.take(size).unwrap()), [0, 1, 2, 3, 4]);
        assert!(!waiting.fills(size));
        assert_eq!(ids(&waiting.take(size).unwrap()), [5, 6, 7, 8]);
        assert!(waiting.take(size).is_none() && waiting.is_empty());
    }

    #[test]
    fn what_is_forgotten_is_taken_out_of_a_batch_and_is_in_no_new_one() {
        let (mut waiting, _receiver) = events_of(&[vec![10; 3], vec![10; 4]]);
        let segments: Vec<_> = waiting
            .parts()
            .map(|(segment, _)| Arc::clone(segment))
            .collect();
        for (segment, event) in [(0, 2), (1, 0), (1, 2)] {
            segments[segment].forget(event);
        }
        assert_eq!(waiting.forgotten(), 3);
        let forgotten = waiting.take_forgotten();
        assert_eq!(
            (ids(&forgotten), ids(&waiting)),
            (vec![2, 3, 5], vec![0, 1, 4, 6])
        );
        assert_eq!(
            (waiting.forgotten(), waiting.take_forgotten().len()),
            (0, 0)
        );
        assert_eq!(waiting.slices().concat().len(), bytes(&waiting));
        let mut again = Batch::default();
        for segment in segments.into_iter().rev() {
            again.insert(segment);
        }
        assert_eq!(ids(&again), [0, 1, 4, 6]);
    }

    #[test]
    fn an_event_larger_than_a_batch_goes_alone() {
        let (mut waiting, _receiver) = events_of(&[vec![10, 5_000, 10]]);
        let size = Size {
            max_events: 10,
            max_bytes: 100,
        };
        assert_eq!(ids(&waiting.take(size).unwrap()), [0]);
        assert_eq!(ids(&waiting.take(size).unwrap()), [1]);
        assert_eq!(ids(&waiting.take(size).unwrap()), [2]);
    }

    #[test]
    fn the_bytes_of_a_batch_are_its_events_each_with_a_comma() {
        let (mut waiting, _receiver) = events_of(&[vec![1], vec![2]]);
        let batch = waiting
            .take(Size {
                max_events: 10,
                max_bytes: 100,
            })
            .unwrap();
        assert_eq!(batch.slices().concat(), b"\"x\",\"xx\",");
        assert_eq!(batch.order(), (queue::FIRST_SEQUENCE, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn batches_keep_order_lose_nothing_and_obey_both_limits(
            segments in proptest::collection::vec(proptest::collection::vec(0_usize..400, 1..30), 1..8),
            max_events in 1_usize..40,
            max_bytes in 1_usize..3_000,
        ) {
            let total: usize = segments.iter().map(Vec::len).sum();
            let (mut waiting, _receiver) = events_of(&segments);
            let size = Size { max_events, max_bytes };
            let (mut seen, mut last_order) = (Vec::new(), None);
            while let Some(batch) = waiting.take(size) {
                prop_assert!(!batch.is_empty() && batch.len() <= max_events);
                prop_assert!(bytes(&batch) <= max_bytes || batch.len() == 1);
                prop_assert!(last_order < Some(batch.order()));
                last_order = Some(batch.order());
                seen.extend(ids(&batch));
            }
            prop_assert_eq!(seen, (0..total as i64).collect::<Vec<_>>());
        }

        #[test]
        fn halves_have_all_events_in_order_and_are_never_empty(
            segments in proptest::collection::vec(proptest::collection::vec(0_usize..9, 1..20), 1..5),
        ) {
            let total: usize = segments.iter().map(Vec::len).sum();
            let (mut waiting, _receiver) = events_of(&segments);
            let all = waiting.take(Size { max_events: total, max_bytes: 1 << 20 }).unwrap();
            // As after answers of 413 to everything: 2n - 1 requests for n events.
            let (mut waiting, mut requests, mut single) = (vec![all], 0, Vec::new());
            while let Some(batch) = waiting.pop() {
                requests += 1;
                if batch.len() == 1 {
                    single.extend(ids(&batch));
                    continue;
                }
                let count = batch.len();
                let (first, second) = batch.halve();
                let second = second.unwrap();
                prop_assert_eq!(first.len() + second.len(), count);
                prop_assert!(first.len().abs_diff(second.len()) <= 1);
                prop_assert!(first.order() < second.order());
                waiting.push(second);
                waiting.push(first);
            }
            prop_assert_eq!(requests, 2 * total - 1);
            prop_assert_eq!(single, (0..total as i64).collect::<Vec<_>>());
        }

        #[test]
        fn a_partition_loses_nothing(
            segments in proptest::collection::vec(proptest::collection::vec(0_usize..9, 1..20), 1..5),
            modulus in 1_i64..5,
        ) {
            let total: usize = segments.iter().map(Vec::len).sum();
            let (mut waiting, _receiver) = events_of(&segments);
            let all = waiting.take(Size { max_events: total, max_bytes: 1 << 20 }).unwrap();
            let (kept, others) = all.partition(|id| id % modulus == 0);
            let expect = |keep: bool| (0..total as i64).filter(|id| (id % modulus == 0) == keep).collect::<Vec<_>>();
            prop_assert_eq!(ids(&kept), expect(true));
            prop_assert_eq!(ids(&others), expect(false));
        }
    }
}

//! Pure: which queued events go into one request. No clock, no async.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crate::queue::{EventEnd, Segment};

/// Consecutive events of one segment.
struct Part {
    segment: Arc<Segment>,
    events: Range<usize>,
}

impl Part {
    /// All events of a segment.
    fn whole(segment: Arc<Segment>) -> Self {
        let events = 0..segment.len();
        Self { segment, events }
    }

    fn view(&self) -> (&Arc<Segment>, Range<usize>) {
        (&self.segment, self.events.clone())
    }

    fn bytes(&self) -> usize {
        self.segment.slice(self.events.clone()).len()
    }

    fn split(self, at: usize) -> (Self, Self) {
        let middle = self.events.start + at;
        let first = Self {
            segment: Arc::clone(&self.segment),
            events: self.events.start..middle,
        };
        let second = Self {
            segment: self.segment,
            events: middle..self.events.end,
        };
        (first, second)
    }
}

/// The events of one request, in order.
pub(crate) struct Batch {
    parts: Vec<Part>,
    /// How often the request of just these events has timed out.
    pub(crate) timeouts: u32,
}

impl Batch {
    fn new(parts: Vec<Part>) -> Self {
        Self { parts, timeouts: 0 }
    }

    /// The events of one segment; `None` when there are none.
    pub(crate) fn of(segment: Segment) -> Option<Self> {
        let part = Part::whole(Arc::new(segment));
        (!part.events.is_empty()).then(|| Self::new(vec![part]))
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.events.len()).sum()
    }

    /// The JSON of the events, each followed by a comma.
    pub(crate) fn slices(&self) -> Vec<&[u8]> {
        self.parts
            .iter()
            .map(|part| part.segment.slice(part.events.clone()))
            .collect()
    }

    /// When the oldest event was queued.
    pub(crate) fn first_at(&self) -> Option<Instant> {
        self.parts.first().and_then(|part| part.segment.first_at())
    }

    /// Its place among batches, first in, first out.
    pub(crate) fn order(&self) -> (u64, usize) {
        self.parts.first().map_or((u64::MAX, 0), |part| {
            (part.segment.sequence(), part.events.start)
        })
    }

    /// Notifies those who wait for its events.
    pub(crate) fn notify_end(&self, end: EventEnd) {
        for (segment, events) in self.parts() {
            segment.notify_end(events, end);
        }
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Arc<Segment>, Range<usize>)> {
        self.parts.iter().map(Part::view)
    }

    /// Removes the events of some segments.
    pub(crate) fn remove(&mut self, goes: impl Fn(&Segment) -> bool) {
        self.parts.retain(|part| !goes(&part.segment));
    }

    /// Halves the batch; the second half is `None` for a single event.
    pub(crate) fn halve(self) -> (Self, Option<Self>) {
        let half = self.len().div_ceil(2);
        let (first, second) = self.split_at(half);
        (first, (second.len() > 0).then_some(second))
    }

    fn split_at(self, events: usize) -> (Self, Self) {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let mut room = events;
        for part in self.parts {
            let take = part.events.len().min(room);
            room -= take;
            if take == part.events.len() {
                first.push(part);
            } else if take == 0 {
                second.push(part);
            } else {
                let (head, tail) = part.split(take);
                first.push(head);
                second.push(tail);
            }
        }
        (Self::new(first), Self::new(second))
    }

    /// Sorts the events by their id into those for which `keep` holds and the others.
    pub(crate) fn partition(self, mut keep: impl FnMut(i64) -> bool) -> (Self, Self) {
        let (mut kept, mut others) = (Vec::new(), Vec::new());
        for part in self.parts {
            for event in part.events.clone() {
                let single = Part {
                    segment: Arc::clone(&part.segment),
                    events: event..event + 1,
                };
                let side = match part.segment.id(event) {
                    Some(id) if keep(id) => &mut kept,
                    _ => &mut others,
                };
                side.push(single);
            }
        }
        (Self::new(kept), Self::new(others))
    }
}

/// How large a batch may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) max_events: usize,
    pub(crate) max_bytes: usize,
}

/// Segments that were taken from the queue and are not yet in a batch, oldest first.
#[derive(Default)]
pub(crate) struct Stock {
    parts: VecDeque<Part>,
}

impl Stock {
    pub(crate) fn add(&mut self, segment: Arc<Segment>) {
        let part = Part::whole(segment);
        if !part.events.is_empty() {
            self.parts.push_back(part);
        }
    }

    /// Adds a segment where it belongs by age.
    pub(crate) fn insert(&mut self, segment: Arc<Segment>) {
        let sequence = segment.sequence();
        let at = (self.parts).partition_point(|part| part.segment.sequence() < sequence);
        self.parts.insert(at, Part::whole(segment));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// When the oldest event was queued.
    pub(crate) fn first_at(&self) -> Option<Instant> {
        self.parts.front().and_then(|part| part.segment.first_at())
    }

    /// Takes what is left of the oldest segment.
    pub(crate) fn take_segment(&mut self) -> Option<Batch> {
        self.parts.pop_front().map(|part| Batch::new(vec![part]))
    }

    /// The number of its events.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.events.len()).sum()
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Arc<Segment>, Range<usize>)> {
        self.parts.iter().map(Part::view)
    }

    /// Removes the events of some segments.
    pub(crate) fn remove(&mut self, goes: impl Fn(&Segment) -> bool) {
        self.parts.retain(|part| !goes(&part.segment));
    }

    /// Whether there is as much as `size`: enough for a batch that cannot take another event.
    pub(crate) fn fills(&self, size: Size) -> bool {
        let (mut events, mut bytes) = (0, 0);
        self.parts.iter().any(|part| {
            events += part.events.len();
            bytes += part.bytes();
            events >= size.max_events || bytes >= size.max_bytes
        })
    }

    /// Takes the oldest events, as many as `size` allows and at least one.
    pub(crate) fn take(&mut self, size: Size) -> Option<Batch> {
        let mut batch = Vec::new();
        let (mut events, mut bytes) = (0, 0);
        while let Some(part) = self.parts.pop_front() {
            let fit = (part.events.clone())
                .take(size.max_events - events)
                .scan(bytes, |sum, event| {
                    *sum += part.segment.slice(event..event + 1).len();
                    Some(*sum)
                })
                .enumerate()
                .take_while(|&(n, sum)| sum <= size.max_bytes || events + n == 0)
                .count();
            if fit == part.events.len() {
                events += fit;
                bytes += part.bytes();
                batch.push(part);
                if events < size.max_events {
                    continue;
                }
            } else if fit > 0 {
                let (head, tail) = part.split(fit);
                batch.push(head);
                self.parts.push_front(tail);
            } else {
                self.parts.push_front(part);
            }
            break;
        }
        (!batch.is_empty()).then(|| Batch::new(batch))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::capture::{CapturePolicy, EventDraft, Scratch};
    use crate::ledger::Ledger;
    use crate::limits::Limits;
    use crate::queue::{self, Bounds, Receiver, WhenFull};
    use crate::redact::Redactor;

    /// A stock of segments with so many events of so many bytes each; ids count from 0.
    fn stock(segments: &[Vec<usize>]) -> (Stock, Receiver) {
        let bounds = Bounds {
            max_events: 1 << 20,
            max_bytes: 1 << 28,
            when_full: WhenFull::DropNewest,
            batch_events: 512,
            batch_bytes: 512 * 1024,
        };
        let ledger = Arc::new(Ledger::default());
        let (sender, receiver) = queue::bounded(bounds, Arc::clone(&ledger));
        let policy = CapturePolicy {
            limits: Limits::default(),
            redactor: Redactor::off(),
        };
        let (mut stock, mut id) = (Stock::default(), 0);
        for sizes in segments {
            for size in sizes {
                let mut scratch = Scratch::default();
                let mut draft = EventDraft::begin(&mut scratch, &policy, &ledger);
                let json = format!("\"{}\"", "x".repeat(*size));
                draft.writer.raw(&json);
                let event = draft.seal().unwrap();
                let pushed = sender.push(&event, id, None, false, Instant::now);
                pushed.result.unwrap();
                id += 1;
            }
            receiver.seal();
            while let Some(segment) = receiver.take() {
                stock.add(Arc::new(segment));
            }
        }
        (stock, receiver)
    }

    fn ids(batch: &Batch) -> Vec<i64> {
        let parts = batch.parts.iter();
        parts
            .flat_map(|part| {
                part.events
                    .clone()
                    .filter_map(|event| part.segment.id(event))
            })
            .collect()
    }

    fn bytes(batch: &Batch) -> usize {
        batch.slices().iter().map(|slice| slice.len()).sum()
    }

    #[test]
    fn a_batch_takes_from_several_segments_and_leaves_the_rest() {
        let (mut stock, _receiver) = stock(&[vec![10; 3], vec![10; 4], vec![10; 2]]);
        let size = Size {
            max_events: 5,
            max_bytes: 1 << 20,
        };
        assert!(stock.fills(size));
        assert_eq!(ids(&stock.take(size).unwrap()), [0, 1, 2, 3, 4]);
        assert!(!stock.fills(size));
        assert_eq!(ids(&stock.take(size).unwrap()), [5, 6, 7, 8]);
        assert!(stock.take(size).is_none() && stock.is_empty());
    }

    #[test]
    fn an_event_larger_than_a_batch_goes_alone() {
        let (mut stock, _receiver) = stock(&[vec![10, 5_000, 10]]);
        let size = Size {
            max_events: 10,
            max_bytes: 100,
        };
        assert_eq!(ids(&stock.take(size).unwrap()), [0]);
        assert_eq!(ids(&stock.take(size).unwrap()), [1]);
        assert_eq!(ids(&stock.take(size).unwrap()), [2]);
    }

    #[test]
    fn the_bytes_of_a_batch_are_its_events_each_with_a_comma() {
        let (mut stock, _receiver) = stock(&[vec![1], vec![2]]);
        let batch = stock
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
            let (mut stock, _receiver) = stock(&segments);
            let size = Size { max_events, max_bytes };
            let (mut seen, mut last_order) = (Vec::new(), None);
            while let Some(batch) = stock.take(size) {
                prop_assert!(batch.len() > 0 && batch.len() <= max_events);
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
            let (mut stock, _receiver) = stock(&segments);
            let all = stock.take(Size { max_events: total, max_bytes: 1 << 20 }).unwrap();
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
            let (mut stock, _receiver) = stock(&segments);
            let all = stock.take(Size { max_events: total, max_bytes: 1 << 20 }).unwrap();
            let (kept, others) = all.partition(|id| id % modulus == 0);
            let expect = |keep: bool| (0..total as i64).filter(|id| (id % modulus == 0) == keep).collect::<Vec<_>>();
            prop_assert_eq!(ids(&kept), expect(true));
            prop_assert_eq!(ids(&others), expect(false));
        }
    }
}

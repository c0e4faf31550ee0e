//! What of a destination is in memory: queued, taken from the queue, to be repeated, or under way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::batch::{Batch, Size};
use super::before_send::Hook;
use super::flights::Flights;
use super::report::Reporter;
use super::search::Searches;
use super::shared::Shared;
use super::source::Source;
use super::suspects::History;
use crate::queue::{EventEnd, Receiver, Segment};

/// Segments by their sequence number, each with those of its events that are in memory.
pub(super) type SegmentsInMemory = BTreeMap<u64, (Arc<Segment>, Vec<Range<usize>>)>;

pub(super) struct Backlog {
    pub(super) shared: Arc<Shared>,
    pub(super) reporter: Reporter,
    pub(super) source: Source,
    /// Taken from the queue, not yet in a batch.
    pub(super) fresh: Batch,
    /// Batches that are sent again, oldest first. They go before what is fresh.
    pub(super) retries: VecDeque<Batch>,
    pub(super) flights: Flights,
    /// What is ready is sent, whether or not it fills a batch.
    pub(super) send_partial: bool,
    /// The batch size in use: halved when batches time out, doubled when they get through.
    pub(super) batch_events: usize,
}

impl Backlog {
    pub(super) fn new(shared: Arc<Shared>, mut receiver: Receiver) -> Self {
        let settings = &shared.settings;
        let hook = settings.before_send.clone();
        let hook = hook.map(|hook| Hook::new(hook, settings.limits, &settings.redactor));
        let (ledger, clock) = (Arc::clone(&shared.ledger), settings.clock.clone());
        let place = receiver.branch().map(|_| format!("{}: ", settings.name));
        let place = place.unwrap_or_default();
        Self {
            reporter: Reporter::new(
                place,
                ledger,
                settings.on_error.clone(),
                settings.verbose,
                clock,
            ),
            source: Source::new(
                receiver,
                hook,
                settings.form,
                vec![settings.wire.clone()],
                false,
                Arc::clone(&shared.ledger),
            ),
            fresh: Batch::default(),
            retries: VecDeque::new(),
            flights: Flights::default(),
            send_partial: false,
            batch_events: settings.max_batch_events,
            shared,
        }
    }

    /// Takes out the oldest events that are not under way.
    pub(super) fn take_oldest(&mut self) -> Option<Batch> {
        if let Some(batch) = self.retries.pop_front() {
            return Some(batch);
        }
        let (first, _) = self.fresh.order();
        let oldest = self
            .fresh
            .take_segments(|segment| segment.sequence() == first);
        oldest.or_else(|| Batch::of(self.source.receiver.take()?))
    }

    /// The sequence number of what [`take_oldest`](Self::take_oldest) takes.
    pub(super) fn next_oldest(&self) -> Option<u64> {
        let waiting = self.retries.front().unwrap_or(&self.fresh);
        let taken = (!waiting.is_empty()).then(|| waiting.order().0);
        taken.or_else(|| Some(self.source.receiver.oldest()?.0))
    }

    /// Whether nothing waits to be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.retries.is_empty() && self.fresh.is_empty() && self.source.oldest().is_none()
    }

    /// Moves the oldest segment from the queue to what is fresh; `None` when there is none, or no memory for what the
    /// hook may make of it.
    pub(super) fn pull_segment(&mut self) -> Option<Arc<Segment>> {
        let holds_nothing = self.holds_nothing();
        let Self {
            source,
            shared,
            reporter,
            ..
        } = self;
        let segment = source.take(holds_nothing, &mut |segment, event, _, reason, cause| {
            shared.ledger.drop_pending(reason, 1);
            segment.notify_end(event..event + 1, EventEnd::Dropped(reason));
            reporter.dropped(1, reason, cause);
        })?;
        // Somebody waits for one of these events, so they do not wait for a full batch.
        self.send_partial |= segment.is_awaited();
        let segment = Arc::new(segment);
        self.fresh.insert(Arc::clone(&segment));
        Some(segment)
    }

    /// Whether nothing that was taken from the queue is in memory.
    pub(super) fn holds_nothing(&self) -> bool {
        self.retries.is_empty() && self.fresh.is_empty() && self.flights.len() == 0
    }

    /// What is worth a request before the tick: a whole batch, unless the queue is full before it
    /// holds two.
    pub(super) fn worth_sending(&self) -> Size {
        let bounds = &self.shared.settings.bounds;
        let size = self.batch_size();
        Size {
            max_events: size.max_events.min(bounds.worth_events()),
            max_bytes: size.max_bytes.min(bounds.worth_bytes()),
        }
    }

    fn batch_size(&self) -> Size {
        let most = self.share(4);
        Size {
            max_events: self.batch_events.min(most.max_events),
            max_bytes: self.shared.settings.max_batch_bytes.min(most.max_bytes),
        }
    }

    /// A part of what one of several destinations may hold; a lone one's is not bounded.
    fn share(&self, part: usize) -> Size {
        let bounds = &self.shared.settings.bounds;
        let of = |most: usize| match self.source.receiver.is_branch() {
            true => (most / part).max(1),
            false => usize::MAX,
        };
        Size {
            max_events: of(bounds.max_events),
            max_bytes: of(bounds.max_bytes),
        }
    }

    /// Whether another request may be under way. What one of several destinations has under way cannot be evicted while
    /// its ingest hangs, so it is no more than half of its share, and the batch that goes beyond.
    pub(super) fn may_send_more(&self) -> bool {
        if !self.source.receiver.is_branch() {
            return true;
        }
        let most = self.share(2);
        let events: usize = self.flights.batches().map(Batch::len).sum();
        if events >= most.max_events {
            return false;
        }
        let segments = || self.flights.batches().flat_map(Batch::parts);
        let bytes: usize = segments().map(|(segment, _)| segment.charge()).sum();
        if bytes < most.max_bytes {
            return true;
        }
        // A segment of which several batches have a part is in memory once.
        let charges = segments().map(|(segment, _)| (segment.sequence(), segment.charge()));
        let charges: BTreeMap<u64, usize> = charges.collect();
        charges.values().sum::<usize>() < most.max_bytes
    }

    /// Takes the next batch of what is fresh.
    pub(super) fn next_fresh(&mut self) -> Option<Batch> {
        self.fresh.take(self.batch_size())
    }

    /// Which retry is next, if there is one: the oldest; for a probe, of those that failed least often.
    /// Suspects go apart; of those that fail repeatedly one goes at a time, or each would hide from the others'
    /// failures that it is at fault itself.
    pub(super) fn next_retry(&self, is_probe: bool, searches: &Searches) -> Option<usize> {
        // Asked with each batch, and hardly ever does one wait.
        if self.retries.is_empty() {
            return None;
        }
        let rank = |batch: &Batch| {
            let is_part_of_quarter = batch.piece.is_some_and(|piece| !piece.is_quarter);
            let failures = if is_probe { batch.failures } else { 0 };
            (failures, is_part_of_quarter)
        };
        let mut under_way = self.flights.batches();
        let one_is_under_way =
            under_way.any(|batch| !batch.history.is_suspect && batch.history.fails_repeatedly());
        let may_go = |batch: &Batch| {
            let waits = one_is_under_way && batch.history.fails_repeatedly();
            !batch.history.is_suspect
                && !waits
                && batch.piece.is_none_or(|piece| searches.may_send(piece))
        };
        let retries = self.retries.iter().enumerate();
        let next = retries
            .filter(|(_, batch)| may_go(batch))
            .min_by_key(|(_, batch)| rank(batch));
        next.map(|(at, _)| at)
    }

    /// Whether a retry has failed before.
    pub(super) fn has_failed(&self, at: usize) -> bool {
        let batch = self.retries.get(at);
        batch.is_some_and(|batch| batch.failures > 0)
    }

    /// How many batches are tried in halves for failures that are no 5xx.
    pub(super) fn open_bisections(&self) -> usize {
        let batches = self.retries.iter().chain(self.flights.batches());
        let parts = batches.filter(|batch| batch.len() > 1);
        let bisections: BTreeSet<u64> = parts.filter_map(|batch| batch.history.bisection).collect();
        bisections.len()
    }

    /// Takes the oldest suspect that is due, of those that `may_go` holds for.
    pub(super) fn take_suspect(
        &mut self,
        now: Instant,
        searches: &Searches,
        may_go: impl Fn(&History) -> bool,
    ) -> Option<Batch> {
        let is_next = |batch: &Batch| {
            batch.history.due(now).is_some_and(|at| at <= now)
                && batch.piece.is_none_or(|piece| searches.may_send(piece))
                && may_go(&batch.history)
        };
        let at = self.retries.iter().position(is_next)?;
        self.retries.remove(at)
    }

    /// When the next suspect is due, and may go out as far as `next_at` says.
    pub(super) fn suspect_due(
        &self,
        now: Instant,
        next_at: impl Fn(&History) -> Option<Instant>,
    ) -> Option<Instant> {
        let histories = self.retries.iter().map(|batch| &batch.history);
        let due = histories.filter_map(|history| Some(history.due(now)?.max(next_at(history)?)));
        due.min()
    }

    /// Takes out what waits of a batch that is searched.
    pub(super) fn take_pieces(&mut self, search: u64) -> Vec<Batch> {
        let is_piece = |batch: &Batch| batch.piece.is_some_and(|piece| piece.search == search);
        let retries = std::mem::take(&mut self.retries).into_iter();
        let (taken, kept) = retries.partition::<Vec<_>, _>(is_piece);
        self.retries = kept.into();
        taken
    }

    /// The searches of which a part is left.
    pub(super) fn searches(&self) -> BTreeSet<u64> {
        let batches = self.retries.iter().chain(self.flights.batches());
        let pieces = batches.filter_map(|batch| batch.piece);
        pieces.map(|piece| piece.search).collect()
    }

    /// Marks the events in memory that `goes` holds for, those under way included.
    pub(super) fn mark_forgotten(&self, goes: &dyn Fn(&[u8]) -> bool) {
        for (segment, runs) in self.held().values() {
            for event in runs.iter().cloned().flatten() {
                if goes(segment.json(event)) {
                    segment.forget(event);
                }
            }
        }
    }

    /// Takes out what is marked as forgotten and not under way.
    pub(super) fn take_forgotten(&mut self) -> Vec<Batch> {
        let batches = self.retries.iter_mut().chain([&mut self.fresh]);
        let forgotten = batches.map(Batch::take_forgotten);
        let forgotten = forgotten.filter(|batch| !batch.is_empty()).collect();
        self.retries.retain(|batch| !batch.is_empty());
        forgotten
    }

    /// Puts a batch where it belongs by age: first in, first out.
    pub(super) fn requeue(&mut self, batch: Batch) {
        let order = batch.order();
        let at = self.retries.partition_point(|other| other.order() < order);
        self.retries.insert(at, batch);
    }

    /// Puts a batch back in halves; a single event, as it is.
    pub(super) fn requeue_halves(&mut self, batch: Batch) {
        let (first, second) = batch.halve();
        if let Some(second) = second {
            self.requeue(second);
        }
        self.requeue(first);
    }

    /// Lets the next batches be larger, up to the limit, since one got through.
    pub(super) fn grow_batches(&mut self) {
        let most = self.shared.settings.max_batch_events;
        self.batch_events = (self.batch_events * 2).min(most);
    }

    /// Takes out what was queued before `oldest`.
    pub(super) fn take_expired(&mut self, oldest: Instant) -> Vec<Batch> {
        self.take_older(|at| at.is_some_and(|at| at < oldest))
    }

    /// Takes out everything but what is under way.
    pub(super) fn take_all(&mut self) -> Vec<Batch> {
        self.take_older(|_| true)
    }

    /// Takes out the segments that `goes` holds for by their age, oldest first.
    fn take_older(&mut self, goes: impl Fn(Option<Instant>) -> bool) -> Vec<Batch> {
        let batches = self.retries.iter_mut().chain([&mut self.fresh]);
        let mut taken: Vec<_> = batches
            .filter_map(|batch| batch.take_older(&goes))
            .collect();
        self.retries.retain(|batch| !batch.is_empty());
        taken.extend(self.source.take_older(goes));
        taken
    }

    /// The sequence number of the oldest segment that is not done.
    pub(super) fn oldest_sequence(&self) -> Option<u64> {
        let taken = self.parts().map(|(segment, _)| segment.sequence());
        taken.chain(self.source.oldest()).min()
    }

    /// Events that were taken from the queue and are not under way, oldest first.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (&Arc<Segment>, Range<usize>)> {
        let retries = self.retries.iter().flat_map(Batch::parts);
        retries.chain(self.fresh.parts())
    }

    /// All that was taken from the queue.
    fn parts(&self) -> impl Iterator<Item = (&Arc<Segment>, Range<usize>)> {
        let under_way = self.flights.batches().flat_map(Batch::parts);
        under_way.chain(self.waiting())
    }

    /// All that was taken from the queue, by segment.
    pub(super) fn held(&self) -> SegmentsInMemory {
        let mut held = SegmentsInMemory::new();
        for (segment, events) in self.parts() {
            held.entry(segment.sequence())
                .or_insert_with(|| (Arc::clone(segment), Vec::new()))
                .1
                .push(events);
        }
        held
    }

    /// The share of the queue's bounds that is in use.
    pub(super) fn fullness(&self) -> f64 {
        let bounds = &self.shared.settings.bounds;
        let events = self.shared.ledger.pending() as f64 / bounds.max_events as f64;
        let bytes = self.shared.queue.bytes() as f64 / bounds.max_bytes as f64;
        events.max(bytes)
    }

    /// How many events two rounds of full requests hold.
    pub(super) fn two_rounds(&self) -> usize {
        2 * self.shared.settings.max_in_flight * self.batch_events
    }
}

#[cfg(test)]
impl Backlog {
    /// Lets the hook wait with what it has not seen.
    pub(super) fn wait_for_hook(&mut self, segment: Segment) {
        self.source.wait_for_hook(segment);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn backlog() -> Backlog {
        let (shared, receiver) = Shared::for_tests();
        Backlog::new(Arc::new(shared), receiver)
    }

    impl Backlog {
        fn segment(&self, sequence: u64, events: usize, at: Instant) -> Segment {
            let events: Vec<_> = (0..events).map(|id| (id as i64, 0..2)).collect();
            self.source
                .receiver
                .restored(sequence, b"{}", &events, [at, at + SECOND])
        }

        fn batch(&self, sequence: u64, events: usize, at: Instant) -> Batch {
            Batch::of(self.segment(sequence, events, at)).unwrap()
        }

        fn add_fresh(&mut self, sequence: u64, events: usize, at: Instant) {
            let segment = self.segment(sequence, events, at);
            self.fresh.insert(Arc::new(segment));
        }
    }

    fn orders(batches: &[Batch]) -> Vec<u64> {
        batches.iter().map(|batch| batch.order().0).collect()
    }

    #[test]
    fn retries_go_first_and_the_oldest_of_them_before_the_others() {
        let (mut backlog, now) = (backlog(), Instant::now());
        backlog.add_fresh(3, 2, now);
        for sequence in [2, 1] {
            backlog.requeue(backlog.batch(sequence, 2, now));
        }
        assert_eq!(backlog.oldest_sequence(), Some(1));
        let searches = Searches::default();
        let next: Vec<Batch> = std::iter::from_fn(|| match backlog.next_retry(false, &searches) {
            Some(at) => backlog.retries.remove(at),
            None => backlog.next_fresh(),
        })
        .collect();
        assert_eq!(orders(&next), [1, 2, 3]);
        assert!(backlog.is_empty() && backlog.oldest_sequence().is_none());
    }

    #[test]
    fn what_the_hook_waits_with_is_not_pulled() {
        let (mut backlog, now) = (backlog(), Instant::now());
        let waits = backlog.segment(3, 2, now);
        backlog.wait_for_hook(waits);
        assert!(backlog.source.waits_for_memory() && !backlog.is_empty());
        assert_eq!(backlog.source.oldest(), Some(3));
        assert_eq!(orders(&backlog.take_all()), [3]);
        assert!(backlog.is_empty());
    }

    #[test]
    fn halves_go_back_in_order_and_a_single_event_stays_whole() {
        let (mut backlog, now) = (backlog(), Instant::now());
        backlog.requeue_halves(backlog.batch(2, 5, now));
        backlog.requeue_halves(backlog.batch(1, 1, now));
        let lengths: Vec<usize> = backlog.retries.iter().map(Batch::len).collect();
        assert_eq!(lengths, [1, 3, 2]);
    }

    #[test]
    fn what_was_read_back_is_too_old_once_the_ingest_has_answered_or_by_its_time_in_memory() {
        let (mut backlog, now) = (backlog(), Instant::now());
        let later = now + SECOND;
        let mut answered = backlog.batch(1, 2, now);
        answered.insert(Arc::new(backlog.segment(2, 2, later)));
        answered.was_answered = true;
        let (answered, half) = answered.halve();
        for batch in [answered, half.unwrap(), backlog.batch(3, 2, now)] {
            backlog.requeue(batch);
        }
        backlog.add_fresh(4, 2, now);
        backlog.add_fresh(5, 2, later);
        let expired = backlog.take_expired(later);
        assert_eq!(orders(&expired), [1], "2 is young, 3 and 4 had no answer");
        assert!(backlog.take_expired(later).is_empty());
        let expired = backlog.take_expired(later + SECOND / 2);
        // 3 and 4 were read back a second after they were queued.
        assert_eq!(orders(&expired), [2, 3, 4]);
        assert_eq!(orders(&backlog.take_all()), [5]);
    }

    #[test]
    fn of_a_batch_only_what_is_too_old_is_taken_out() {
        let (mut backlog, now) = (backlog(), Instant::now());
        let mut batch = backlog.batch(1, 2, now);
        batch.insert(Arc::new(backlog.segment(2, 3, now + SECOND)));
        batch.was_answered = true;
        backlog.requeue(batch);
        let expired = backlog.take_expired(now + SECOND);
        assert_eq!((orders(&expired), expired[0].len()), (vec![1], 2));
        assert_eq!(orders(&backlog.take_all()), [2]);
    }

    #[test]
    fn the_parts_of_a_segment_are_held_together() {
        let (mut backlog, now) = (backlog(), Instant::now());
        backlog.requeue_halves(backlog.batch(7, 4, now));
        backlog.requeue_halves(backlog.batch(8, 2, now));
        let held = backlog.held();
        let ranges = held.values().map(|(_, ranges)| ranges.clone());
        assert_eq!(ranges.collect::<Vec<_>>(), [[0..2, 2..4], [0..1, 1..2]]);
        assert!(held.keys().eq(&[7, 8]));
    }

    #[test]
    fn batches_grow_up_to_their_limit() {
        let mut backlog = backlog();
        backlog.batch_events = 3;
        for events in [6, 10, 10] {
            backlog.grow_batches();
            assert_eq!(backlog.batch_size().max_events, events);
        }
        assert_eq!(backlog.worth_sending().max_events, 10);
    }
}

//! A bounded channel whose storage is the batch: events stand one behind another in segments.
//!
//! There is no node and no allocation per event. A full queue answers at once. Memory is charged
//! by a segment's capacity from when it is opened until it is freed, also while the worker holds it
//! for a retry.

mod bounds;
mod branch;
mod buffer;
mod channel;
mod end_listener;
mod held;
mod ledgers;
mod reservation;
mod segment;
mod takers;

pub use bounds::WhenFull;
pub(crate) use bounds::{Bounds, MIN_QUEUE_BYTES};
pub(crate) use branch::{Branch, Branches};
pub(crate) use channel::FIRST_SEQUENCE;
pub(crate) use end_listener::{EndListener, EventEnd};
pub(crate) use ledgers::Ledgers;
pub(crate) use reservation::Reservation;
pub(crate) use segment::{OnDisk, Rewrite, Segment};
pub(crate) use takers::{MAX_DESTINATIONS, Takers};

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::ledger::DropReason;
use crate::redact::RedactedJson;
use buffer::{Buffer, WAITER};
use channel::{Channel, ChannelState, MIN_SPARE};
use held::Held;

pub(crate) fn bounded(bounds: Bounds, ledgers: Ledgers) -> (Sender, Receiver) {
    let channel = Arc::new(Channel {
        bounds,
        ledgers,
        bytes: AtomicUsize::new(0),
        reserved_bytes: AtomicUsize::new(0),
        out_of_bytes: AtomicBool::new(false),
        out_of_events: AtomicBool::new(false),
        state: Mutex::new(ChannelState {
            sequence: FIRST_SEQUENCE,
            ..ChannelState::default()
        }),
    });
    (
        Sender {
            channel: Arc::clone(&channel),
            held: None,
        },
        Receiver {
            channel,
            branch: None,
        },
    )
}

/// The result of a push.
#[derive(Debug)]
pub(crate) struct Pushed {
    /// Whether the worker is to be woken.
    pub(crate) wake: bool,
    pub(crate) result: Result<(), DropReason>,
}

/// The end for callers.
#[derive(Clone)]
pub(crate) struct Sender {
    channel: Arc<Channel>,
    /// The memory that one of several destinations holds.
    held: Option<Held>,
}

impl Sender {
    /// Whether every event would be refused. Needs no lock, so it is asked before any other work.
    pub(crate) fn is_full(&self) -> bool {
        let channel = &*self.channel;
        // All threads write the count itself for every event, so it is read only when it may matter.
        let too_many = || {
            channel.out_of_events.load(Relaxed)
                && channel.ledgers.pending() >= channel.bounds.max_events as u64
        };
        channel.bounds.when_full == WhenFull::DropNewest
            && (channel.out_of_bytes.load(Relaxed) || too_many())
    }

    /// Memory held, in bytes: by all, or by the destination whose end this is.
    pub(crate) fn bytes(&self) -> usize {
        self.held
            .as_deref()
            .unwrap_or(&self.channel.bytes)
            .load(Relaxed)
    }

    /// The ends of one of several destinations. What it receives, the worker hands over to it.
    pub(crate) fn branch(&self) -> (Self, Receiver) {
        let held = Held::default();
        let sender = Self {
            channel: Arc::clone(&self.channel),
            held: Some(Arc::clone(&held)),
        };
        let receiver = Receiver {
            channel: Arc::clone(&self.channel),
            branch: Some(Branch::new(held)),
        };
        (sender, receiver)
    }

    /// Begins a reservation for a call under way, of no bytes yet.
    pub(crate) fn reserve(&self) -> Reservation {
        Reservation {
            channel: Arc::clone(&self.channel),
            bytes: 0,
        }
    }

    /// Appends an event. `seal` makes it the last of its segment, ready to be sent. The clock is
    /// read for the first event of a segment alone.
    pub(crate) fn push(
        &self,
        event: &RedactedJson<'_>,
        id: i64,
        takers: Takers,
        listener: Option<EndListener>,
        seal: bool,
        now: impl FnOnce() -> Instant,
    ) -> Pushed {
        let channel = &*self.channel;
        let event = event.as_bytes();
        let mut evicted = Vec::new();
        let mut state = channel.lock();
        if state.closed {
            return Pushed {
                wake: false,
                result: Err(DropReason::Closed),
            };
        }
        let mut result = Ok(());
        let waiter = if listener.is_some() { WAITER } else { 0 };
        while let Err(lack) = self.make_room(&mut state, event.len() + 1, waiter) {
            match self.evict(&mut state) {
                Some(buffer) => {
                    channel.ledgers.evict(&buffer);
                    channel.release(buffer.charge);
                    evicted.push(buffer);
                }
                None => {
                    match lack {
                        Lack::Events => channel.out_of_events.store(true, Relaxed),
                        Lack::Segment => channel.out_of_bytes.store(true, Relaxed),
                        Lack::Bytes => {}
                    }
                    result = Err(DropReason::QueueFull);
                    break;
                }
            }
        }
        let mut wake = false;
        if result.is_ok()
            && let Some(open) = state.open.as_mut()
        {
            open.first_at.get_or_insert_with(now);
            open.append(event, id, takers, listener);
            open.charge += waiter;
            let full = channel.ledgers.queue(takers) >= channel.bounds.max_events as u64;
            if channel.out_of_events.load(Relaxed) != full {
                channel.out_of_events.store(full, Relaxed);
            }
            if seal || open.entries.len() >= open.entries.capacity() {
                channel.seal(&mut state);
            }
            wake = seal || channel.wakes(&mut state);
        }
        wake |= !evicted.is_empty();
        drop(state);
        // Listeners are called, and memory is freed, without the lock.
        for mut buffer in evicted {
            buffer.notify_all(EventEnd::Dropped(DropReason::Evicted));
        }
        Pushed { wake, result }
    }

    /// Opens a new segment unless the open one has room for `event` bytes, and charges what a `waiter`
    /// costs.
    fn make_room(&self, state: &mut ChannelState, event: usize, waiter: usize) -> Result<(), Lack> {
        let channel = &*self.channel;
        let bounds = &channel.bounds;
        if channel.ledgers.pending() >= bounds.max_events as u64 {
            return Err(Lack::Events);
        }
        let most = bounds.caller_bytes();
        if state.open.as_ref().is_some_and(|open| open.has_room(event)) {
            let is_free = waiter == 0 || channel.try_charge(waiter, most);
            return is_free.then_some(()).ok_or(Lack::Bytes);
        }
        let segment = bounds.segment_bytes();
        let fresh = if event < segment {
            let charge = match state.spare.last() {
                Some(spare) => spare.charge,
                None => Buffer::size(segment, bounds.segment_events()),
            };
            if !channel.try_charge(charge + waiter, most) {
                return Err(Lack::Segment);
            }
            let spare = state.spare.pop();
            state.idle_spare = state.idle_spare.min(state.spare.len());
            spare.unwrap_or_else(|| Buffer::new(segment, bounds.segment_events()))
        } else {
            if !channel.try_charge(Buffer::size(event + 1, 1) + waiter, most) {
                return Err(Lack::Bytes);
            }
            // An event larger than a segment gets one of its own; spare segments make room for it.
            let room = most.saturating_sub(channel.bytes.load(Relaxed));
            state.spare.truncate(room / segment);
            Buffer::new(event + 1, 1)
        };
        channel.seal(state);
        state.open = Some(fresh);
        Ok(())
    }

    /// Takes out the oldest segment that is not being sent, if the policy allows it.
    fn evict(&self, state: &mut ChannelState) -> Option<Buffer> {
        if self.channel.bounds.when_full != WhenFull::DropOldest {
            return None;
        }
        state
            .take_sealed()
            .or_else(|| state.open.take_if(|open| !open.entries.is_empty()))
    }

    /// Refuses every later push.
    pub(crate) fn close(&self) {
        self.channel.lock().closed = true;
    }
}

/// The kind of event for which there is no room.
#[derive(Debug, PartialEq, Eq)]
enum Lack {
    Events,
    /// Memory for an ordinary segment: the next event lacks it too.
    Segment,
    /// Memory for one large event.
    Bytes,
}

/// The worker's end. Without it what is queued is freed, and every later push refused.
pub(crate) struct Receiver {
    channel: Arc<Channel>,
    /// That of one of several destinations.
    branch: Option<Branch>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if self.branch.is_some() {
            return;
        }
        let mut state = self.channel.lock();
        state.closed = true;
        let open = state.open.take();
        let queued: Vec<Buffer> = state.sealed.drain(..).chain(open).collect();
        let charge = queued.iter().map(|buffer| buffer.charge).sum();
        self.channel.release(charge);
        // Listeners are dropped, and memory is freed, without the lock.
        drop(state);
        drop(queued);
    }
}

impl Receiver {
    /// Takes the oldest segment that is ready to be sent. After `None` the next batch wakes the
    /// worker.
    pub(crate) fn take(&mut self) -> Option<Segment> {
        if let Some(branch) = &mut self.branch {
            return branch.take();
        }
        let mut state = self.channel.lock();
        let buffer = state.take_sealed();
        state.woken = buffer.is_some();
        drop(state);
        Some(Segment::new(buffer?, Arc::clone(&self.channel)))
    }

    /// Makes what has been queued so far ready to be sent; returns the sequence number that the
    /// next segment will have.
    pub(crate) fn seal(&self) -> u64 {
        if let Some(branch) = &self.branch {
            return branch.sequence();
        }
        let mut state = self.channel.lock();
        self.channel.seal(&mut state);
        state.sequence
    }

    /// Gives back the spare segments that nothing has needed since the last time.
    pub(crate) fn trim(&self) {
        if self.branch.is_some() {
            return;
        }
        let mut state = self.channel.lock();
        let spare = state.spare.len();
        let unused = state.idle_spare.min(spare).saturating_sub(MIN_SPARE);
        let freed = state.spare.split_off(spare - unused);
        state.idle_spare = state.spare.len();
        drop(state);
        // Freed without the lock, since freeing costs some system calls.
        drop(freed);
    }

    /// Takes out the events that are ready to be sent and that `goes` holds for, and counts and tells them as dropped.
    /// Returns how many there were, for each destination that they were for; of one of several destinations nothing, whose
    /// [`Branch`] forgets by itself.
    pub(crate) fn remove(&self, goes: impl FnMut(&[u8]) -> bool, reason: DropReason) -> u64 {
        match &self.branch {
            Some(_) => 0,
            None => self.channel.remove(goes, reason),
        }
    }

    /// The sequence number and age of the oldest segment that is ready to be sent.
    pub(crate) fn oldest(&self) -> Option<(u64, Instant)> {
        if let Some(branch) = &self.branch {
            return branch.oldest();
        }
        let state = self.channel.lock();
        let front = state.sealed.front()?;
        Some((front.sequence, front.first_at?))
    }

    /// Whether it is the end of one of several destinations.
    pub(crate) fn is_branch(&self) -> bool {
        self.branch.is_some()
    }

    /// The end of one of several destinations.
    pub(crate) fn branch(&mut self) -> Option<&mut Branch> {
        self.branch.as_mut()
    }

    /// Begins a segment of what a hook makes of another one's events, from this one on.
    pub(crate) fn rewrite(&self, old: &Segment, from: usize) -> Rewrite {
        let mut buffer = Buffer::new(0, 0);
        buffer.first_at = old.events.buffer.first_at;
        buffer.sequence = old.events.buffer.sequence + from as u64;
        Rewrite::new(buffer, Arc::clone(&self.channel))
    }

    /// Makes a segment of events that a spool has kept, which stand one behind another in `bytes`: queued at `first_at`,
    /// and read back at `now`.
    pub(crate) fn restored(
        &self,
        sequence: u64,
        bytes: &[u8],
        events: &[(i64, Range<usize>)],
        [first_at, now]: [Instant; 2],
    ) -> Segment {
        let mut buffer = Buffer::new(bytes.len() + events.len(), events.len());
        for (id, range) in events {
            let event = bytes.get(range.clone()).unwrap_or_default();
            buffer.append(event, *id, Takers::ALL, None);
        }
        buffer.first_at = Some(first_at);
        buffer.sequence = sequence;
        self.channel.charge(buffer.charge);
        let mut segment = Segment::new(buffer, Arc::clone(&self.channel));
        if let Some(branch) = &self.branch {
            segment = branch.hold(segment);
        }
        segment.read_back_at = Some(now);
        segment.set_on_disk(OnDisk::Yes);
        segment
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::mpsc;

    use proptest::prelude::*;

    use super::*;
    use crate::capture::{CapturePolicy, EventDraft, ThreadScratch};
    use crate::ledger::Ledger;
    use crate::limits::Limits;
    use crate::redact::Redactor;

    fn bounds(max_events: usize, max_bytes: usize, when_full: WhenFull) -> Bounds {
        Bounds {
            max_events,
            when_full,
            ..Bounds::for_tests(max_bytes)
        }
    }

    /// A queue with its ledger, which refuses what a logger would count as refused.
    struct Queue {
        sender: Sender,
        receiver: Receiver,
        ledger: Arc<Ledger>,
        policy: CapturePolicy,
        offered: u64,
    }

    impl Queue {
        fn new(bounds: Bounds) -> Self {
            let ledger = Arc::new(Ledger::default());
            let ledgers = Ledgers::of_one(Arc::clone(&ledger));
            let (sender, receiver) = bounded(bounds, ledgers);
            Self {
                sender,
                receiver,
                ledger,
                policy: CapturePolicy {
                    limits: Limits::default(),
                    redactor: Redactor::off(),
                },
                offered: 0,
            }
        }

        fn push_with(
            &mut self,
            id: i64,
            size: usize,
            listener: Option<EndListener>,
            seal: bool,
        ) -> Pushed {
            self.offered += 1;
            let mut scratch = ThreadScratch::default();
            let mut draft = EventDraft::begin(&mut scratch, &self.policy, &self.ledger);
            draft.writer.raw(&event(id, size));
            let event = draft.seal().unwrap();
            let pushed = self
                .sender
                .push(&event, id, Takers::FIRST, listener, seal, Instant::now);
            if let Err(reason) = pushed.result {
                self.ledger.refuse(reason);
            }
            pushed
        }

        fn push(&mut self, id: i64, size: usize) -> Result<(), DropReason> {
            self.push_with(id, size, None, false).result
        }

        /// Takes all that is sealed, and counts it as delivered.
        fn deliver_all(&mut self) -> Vec<i64> {
            let mut ids = Vec::new();
            while let Some(segment) = self.receiver.take() {
                for at in 0..segment.len() {
                    let id = segment.id(at).unwrap();
                    let bytes = segment.slice(at..at + 1);
                    assert!(bytes.ends_with(b"\","), "an event keeps its bytes");
                    assert!(bytes.starts_with(format!("\"{id}:").as_bytes()));
                    ids.push(id);
                }
                self.ledger.deliver(segment.len() as u64);
            }
            ids
        }

        fn assert_ledger(&self) {
            let stats = self.ledger.snapshot(0);
            assert_eq!(
                stats.offered,
                stats.delivered + stats.dropped.total() + stats.pending,
                "{stats:?}"
            );
        }
    }

    /// A JSON string of about so many bytes that begins with its id.
    fn event(id: i64, size: usize) -> String {
        let start = format!("\"{id}:");
        let fill = "x".repeat(size.saturating_sub(start.len() + 1));
        format!("{start}{fill}\"")
    }

    #[test]
    fn events_come_out_in_the_order_in_which_they_went_in() {
        let mut queue = Queue::new(bounds(10_000, 1 << 22, WhenFull::DropNewest));
        for id in 0..1_000 {
            queue.push(id, 300).unwrap();
        }
        queue.receiver.seal();
        assert_eq!(queue.deliver_all(), (0..1_000).collect::<Vec<_>>());
        assert_eq!(queue.sender.bytes(), 0, "all memory is given back");
        queue.assert_ledger();
    }

    #[test]
    fn a_segment_that_is_not_sealed_is_not_taken() {
        let mut queue = Queue::new(bounds(100, 1 << 20, WhenFull::DropNewest));
        queue.push(1, 10).unwrap();
        assert!(queue.receiver.take().is_none());
        assert!(queue.receiver.oldest().is_none());
        let next = queue.receiver.seal();
        assert_eq!(queue.receiver.seal(), next, "nothing more to seal");
        let segment = queue.receiver.take().unwrap();
        assert_eq!(segment.sequence() + 1, next);
    }

    #[test]
    fn a_push_that_makes_up_a_batch_or_seals_wakes_the_worker_once() {
        let mut queue = Queue::new(bounds(100, 1 << 20, WhenFull::DropNewest));
        let wakes: Vec<usize> = (0..40)
            .filter(|&id| queue.push_with(id, 10, None, false).wake)
            .map(|id| id as usize)
            .collect();
        assert_eq!(wakes, [9], "it is awake by then");
        assert!(queue.push_with(40, 10, None, true).wake);
        assert_eq!(queue.deliver_all().len(), 41);
        let wakes = (0..10).filter(|&id| queue.push_with(id, 10, None, false).wake);
        assert_eq!(wakes.collect::<Vec<_>>(), [9], "it has taken all");
    }

    #[test]
    fn a_batch_that_is_full_by_bytes_wakes_the_worker() {
        let mut queue = Queue::new(Bounds {
            batch_events: 1_000,
            ..bounds(10_000, 1 << 20, WhenFull::DropNewest)
        });
        // Segments of 64 KiB, and a batch is as large.
        let wakes: Vec<i64> = (0..200)
            .filter(|&id| queue.push_with(id, 2_000, None, false).wake)
            .collect();
        assert_eq!(
            wakes,
            [64],
            "two segments of 32 events are sealed by the next event"
        );
    }

    #[test]
    fn half_of_a_small_queue_is_worth_sending() {
        let mut queue = Queue::new(Bounds {
            batch_events: 500,
            ..bounds(40, 1 << 20, WhenFull::DropNewest)
        });
        let wakes: Vec<i64> = (0..40)
            .filter(|&id| queue.push_with(id, 10, None, false).wake)
            .collect();
        assert_eq!(wakes, [19]);
    }

    #[test]
    fn a_closed_queue_takes_nothing_and_keeps_what_it_has() {
        let mut queue = Queue::new(bounds(10, 1 << 20, WhenFull::DropNewest));
        queue.push(1, 10).unwrap();
        queue.sender.close();
        assert_eq!(queue.push(2, 10), Err(DropReason::Closed));
        queue.receiver.seal();
        assert_eq!(queue.deliver_all(), [1]);
    }

    #[test]
    fn a_listener_is_called_with_the_end_of_its_own_event() {
        let mut queue = Queue::new(bounds(100, 1 << 20, WhenFull::DropNewest));
        let (sender, receiver) = mpsc::channel();
        for id in 0..4 {
            let sender = sender.clone();
            let listener: EndListener = Box::new(move |end| sender.send((id, end)).unwrap());
            queue.push_with(id, 10, Some(listener), false);
        }
        queue.receiver.seal();
        let segment = queue.receiver.take().unwrap();
        segment.notify_end(1..3, EventEnd::Delivered);
        segment.notify_end(1..3, EventEnd::Dropped(DropReason::Expired));
        segment.notify_end(3..4, EventEnd::Dropped(DropReason::Rejected));
        let ends: Vec<_> = receiver.try_iter().collect();
        assert_eq!(
            ends,
            [
                (1, EventEnd::Delivered),
                (2, EventEnd::Delivered),
                (3, EventEnd::Dropped(DropReason::Rejected))
            ]
        );
    }

    #[test]
    fn an_event_that_is_too_large_for_a_segment_gets_one_of_its_own() {
        let mut queue = Queue::new(bounds(100, MIN_QUEUE_BYTES, WhenFull::DropNewest));
        queue.push(1, 100).unwrap();
        queue.push(2, 200_000).unwrap();
        queue.push(3, 100).unwrap();
        queue.receiver.seal();
        assert_eq!(queue.deliver_all(), [1, 2, 3]);
        assert_eq!(queue.sender.bytes(), 0);
    }

    #[test]
    fn a_queue_that_was_full_takes_events_again_when_memory_is_freed() {
        let mut queue = Queue::new(bounds(1 << 20, MIN_QUEUE_BYTES, WhenFull::DropNewest));
        let mut id = 0;
        while queue.push(id, 1_000).is_ok() {
            id += 1;
        }
        assert!(queue.sender.is_full());
        queue.receiver.seal();
        let segment = queue.receiver.take().unwrap();
        assert!(queue.sender.is_full(), "what is in flight counts");
        queue.ledger.deliver(segment.len() as u64);
        drop(segment);
        assert!(!queue.sender.is_full());
        queue.push(id, 1_000).unwrap();
        queue.assert_ledger();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is done to a queue, its bounds hold, its order holds, and every event is
        /// counted once.
        #[test]
        fn bounds_order_and_ledger_hold(
            steps in proptest::collection::vec((0_u8..8, 2_usize..9_000), 1..300),
            max_events in 1_usize..60,
            oldest: bool,
        ) {
            let when_full = if oldest { WhenFull::DropOldest } else { WhenFull::DropNewest };
            let mut queue = Queue::new(bounds(max_events, MIN_QUEUE_BYTES, when_full));
            let mut in_flight: VecDeque<Segment> = VecDeque::new();
            let mut delivered = Vec::new();
            for (id, (step, size)) in steps.into_iter().enumerate() {
                match step {
                    0 => {
                        queue.receiver.seal();
                    }
                    1 => in_flight.extend(queue.receiver.take()),
                    2 => {
                        if let Some(segment) = in_flight.pop_front() {
                            delivered.extend((0..segment.len()).filter_map(|at| segment.id(at)));
                            queue.ledger.deliver(segment.len() as u64);
                        }
                    }
                    _ => {
                        let size = if step == 7 { size * 25 } else { size };
                        let _ = queue.push(id as i64, size);
                    }
                }
                prop_assert!(queue.sender.bytes() <= MIN_QUEUE_BYTES);
                prop_assert!(queue.ledger.pending() <= max_events as u64);
                queue.assert_ledger();
            }
            for segment in in_flight {
                delivered.extend((0..segment.len()).filter_map(|at| segment.id(at)));
                queue.ledger.deliver(segment.len() as u64);
            }
            queue.receiver.seal();
            delivered.extend(queue.deliver_all());
            prop_assert!(delivered.is_sorted());
            queue.assert_ledger();
            let stats = queue.ledger.snapshot(0);
            prop_assert_eq!(stats.pending, 0);
            prop_assert_eq!(stats.delivered, delivered.len() as u64);
            prop_assert_eq!(stats.offered, queue.offered);
            prop_assert_eq!(queue.sender.bytes(), 0);
        }
    }
}

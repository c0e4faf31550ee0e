//! The state that the two ends of a queue share.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Mutex, MutexGuard};

use super::bounds::Bounds;
use super::buffer::Buffer;
use super::end_listener::EventEnd;
use super::ledgers::Ledgers;
use crate::base::lock::lock;
use crate::ledger::DropReason;

/// Most freed segments that are kept for the next ones: as many as full requests in flight free at a
/// time. Fresh memory costs its caller 20 us for each segment, in page faults.
pub(crate) const MAX_SPARE: usize = 40;

/// Spare segments kept even when idle.
pub(crate) const MIN_SPARE: usize = 4;

/// The sequence number of the first segment. Segments that a spool has kept from earlier processes have
/// lower ones.
pub(crate) const FIRST_SEQUENCE: u64 = 1 << 40;

pub(crate) struct Channel {
    pub(super) bounds: Bounds,
    pub(super) ledgers: Ledgers,
    /// Memory charged to the queue.
    pub(super) bytes: AtomicUsize,
    /// The part of it that is reserved for calls under way.
    pub(super) reserved_bytes: AtomicUsize,
    /// An event was refused for want of memory, and none has been freed since.
    pub(super) out_of_bytes: AtomicBool,
    /// The last event that was queued, or refused, found `max_events` pending.
    pub(super) out_of_events: AtomicBool,
    pub(super) state: Mutex<ChannelState>,
}

/// In cache lines of its own: the rest of a queue is read by every caller and hardly ever written.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct ChannelState {
    pub(super) open: Option<Buffer>,
    pub(super) sealed: VecDeque<Buffer>,
    /// What the sealed segments hold.
    pub(super) sealed_events: usize,
    pub(super) sealed_bytes: usize,
    /// The worker was woken, and has not yet taken all there was. A caller pays for waking it once,
    /// not again for each batch that comes while it is at work.
    pub(super) woken: bool,
    pub(super) spare: Vec<Buffer>,
    /// The fewest spare segments there were since they were last trimmed.
    pub(super) idle_spare: usize,
    /// The sequence number of the next segment.
    pub(super) sequence: u64,
    pub(super) closed: bool,
}

impl Channel {
    /// Nothing that panics is done under this lock, so a poisoned one holds a sound state.
    pub(super) fn lock(&self) -> MutexGuard<'_, ChannelState> {
        lock(&self.state)
    }

    pub(super) fn charge(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    /// Charges `bytes`, unless more than `most` would be charged then.
    pub(super) fn try_charge(&self, bytes: usize, most: usize) -> bool {
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= most);
        self.bytes.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    pub(super) fn release(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Relaxed);
        // Every caller reads it, so it is written only to change it.
        if self.out_of_bytes.load(Relaxed) {
            self.out_of_bytes.store(false, Relaxed);
        }
    }

    /// Frees a buffer's memory, or keeps it for the next segment.
    pub(super) fn free(&self, mut buffer: Buffer) {
        let mut state = self.lock();
        self.release(buffer.charge);
        if state.spare.len() < MAX_SPARE && buffer.bytes.capacity() == self.bounds.segment_bytes() {
            buffer.clear();
            state.spare.push(buffer);
        } else {
            drop(state);
            drop(buffer);
        }
    }

    /// Ends the open segment. One that is mostly empty moves into memory of its size: during an outage
    /// a quiet server seals a few events every second, and they must not hold a segment each.
    pub(super) fn seal(&self, state: &mut ChannelState) {
        let Some(mut open) = state.open.take_if(|open| !open.entries.is_empty()) else {
            return;
        };
        if open.bytes.len() < open.bytes.capacity() / 2 && state.spare.len() < MAX_SPARE {
            let mut small = Buffer::new(open.bytes.len(), open.entries.len());
            small.bytes.extend_from_slice(&open.bytes);
            small.entries.extend_from_slice(&open.entries);
            small.listeners.append(&mut open.listeners);
            small.first_at = open.first_at;
            small.charge = small.capacity();
            // At once: what is charged never goes beyond the bound, not for a moment.
            self.release(open.charge.saturating_sub(small.charge));
            self.charge(small.charge.saturating_sub(open.charge));
            open.clear();
            state.spare.push(std::mem::replace(&mut open, small));
        }
        open.sequence = state.sequence;
        // Room for a number of its own for each event: a hook may leave a segment in parts.
        state.sequence += open.entries.len() as u64;
        state.sealed_events += open.entries.len();
        state.sealed_bytes += open.bytes.len();
        state.sealed.push_back(open);
    }

    /// Takes out the sealed events for which `goes` is true, and notifies their listeners. Returns how many there were, for
    /// each destination. Callers are blocked for no longer than copying one segment takes.
    pub(super) fn remove(&self, mut goes: impl FnMut(&[u8]) -> bool, reason: DropReason) -> u64 {
        let (mut removed, mut copy) = (0, Buffer::new(0, 0));
        let mut from = 0;
        loop {
            let state = self.lock();
            let at = (state.sealed).partition_point(|buffer| buffer.sequence < from);
            let Some(buffer) = state.sealed.get(at) else {
                return removed;
            };
            copy.clear();
            copy.bytes.extend_from_slice(&buffer.bytes);
            copy.entries.extend_from_slice(&buffer.entries);
            copy.sequence = buffer.sequence;
            drop(state);
            from = copy.sequence + 1;
            // Without the lock: each event is read.
            let events = (0..copy.entries.len()).filter(|event| goes(copy.json(*event)));
            let events: Vec<usize> = events.collect();
            if !events.is_empty() {
                removed += self.remove_from(copy.sequence, &events, reason);
            }
        }
    }

    /// Takes out events of a sealed segment, unless it was evicted meanwhile.
    fn remove_from(&self, sequence: u64, events: &[usize], reason: DropReason) -> u64 {
        let mut guard = self.lock();
        let state = &mut *guard;
        let found = (state.sealed).binary_search_by_key(&sequence, |buffer| buffer.sequence);
        let Some((at, buffer)) = (found.ok()).and_then(|at| Some((at, state.sealed.get_mut(at)?)))
        else {
            return 0;
        };
        let bytes = buffer.bytes.len();
        let (takers, told) = buffer.remove(events);
        state.sealed_events -= takers.len();
        state.sealed_bytes -= bytes - buffer.bytes.len();
        let emptied = buffer.entries.is_empty();
        let emptied = emptied.then(|| state.sealed.remove(at)).flatten();
        let removed = self.ledgers.give_up(&takers, reason);
        drop(guard);
        // Listeners are called, and memory is freed, without the lock.
        for listener in told {
            listener(EventEnd::Dropped(reason));
        }
        if let Some(buffer) = emptied {
            self.free(buffer);
        }
        removed
    }

    /// Whether to wake the worker now: there is a batch worth sending, by events or by bytes, and it was
    /// not woken for it yet.
    pub(super) fn wakes(&self, state: &mut ChannelState) -> bool {
        let ready = state.sealed_events >= self.bounds.worth_events()
            || state.sealed_bytes >= self.bounds.worth_bytes();
        ready && !std::mem::replace(&mut state.woken, true)
    }
}

impl ChannelState {
    pub(super) fn take_sealed(&mut self) -> Option<Buffer> {
        let buffer = self.sealed.pop_front()?;
        self.sealed_events -= buffer.entries.len();
        self.sealed_bytes -= buffer.bytes.len();
        Some(buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::bounds::MIN_QUEUE_BYTES;
    use super::super::takers::Takers;
    use super::*;

    fn channel() -> Channel {
        Channel {
            bounds: Bounds::for_tests(MIN_QUEUE_BYTES),
            ledgers: Ledgers::of_one(Arc::default()),
            bytes: AtomicUsize::new(0),
            reserved_bytes: AtomicUsize::new(0),
            out_of_bytes: AtomicBool::new(false),
            out_of_events: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    #[test]
    fn a_charge_beyond_the_bound_is_refused_and_changes_nothing() {
        let channel = channel();
        assert!(channel.try_charge(60, 100));
        for bytes in [41, usize::MAX, usize::MAX - 59] {
            assert!(!channel.try_charge(bytes, 100), "{bytes}");
        }
        assert_eq!(channel.bytes.load(Relaxed), 60);
        assert!(channel.try_charge(40, 100));
    }

    #[test]
    fn memory_that_is_released_ends_the_want_of_it() {
        let channel = channel();
        channel.charge(10);
        channel.out_of_bytes.store(true, Relaxed);
        channel.release(10);
        assert!(!channel.out_of_bytes.load(Relaxed));
    }

    /// Opens a segment that holds so many bytes.
    fn open(channel: &Channel, state: &mut ChannelState, bytes: usize) {
        let mut buffer = state.spare.pop().unwrap_or_else(|| {
            let bounds = &channel.bounds;
            Buffer::new(bounds.segment_bytes(), bounds.segment_events())
        });
        buffer.charge = buffer.capacity();
        channel.charge(buffer.charge);
        buffer.append("x".repeat(bytes).as_bytes(), 7, Takers::FIRST, None);
        state.open = Some(buffer);
    }

    #[test]
    fn a_segment_that_is_mostly_empty_is_sealed_in_memory_of_its_size() {
        let channel = channel();
        let mut state = channel.lock();
        open(&channel, &mut state, 100);
        let full = channel.bytes.load(Relaxed);
        channel.seal(&mut state);
        let charged = channel.bytes.load(Relaxed);
        assert!(charged < full / 10, "{charged} of {full}");
        assert_eq!(state.spare.len(), 1, "the large one is kept for the next");
        open(&channel, &mut state, channel.bounds.segment_bytes() / 2);
        channel.seal(&mut state);
        assert_eq!(channel.bytes.load(Relaxed), charged + full);
        assert!(state.spare.is_empty());
        channel.seal(&mut state);
        let events: Vec<_> = state
            .sealed
            .iter()
            .map(|buffer| buffer.entries.len())
            .collect();
        assert_eq!(events, [1, 1], "nothing open, nothing sealed");
    }

    #[test]
    fn freed_memory_is_kept_up_to_a_number_and_given_back_beyond() {
        let channel = channel();
        let buffer = |bytes: usize| {
            let mut buffer = Buffer::new(bytes, 1);
            buffer.charge = bytes;
            channel.charge(bytes);
            buffer
        };
        channel.free(buffer(10));
        assert!(channel.lock().spare.is_empty(), "a small one is of no use");
        for _ in 0..MAX_SPARE + 5 {
            channel.free(buffer(channel.bounds.segment_bytes()));
        }
        assert_eq!(channel.lock().spare.len(), MAX_SPARE);
        assert_eq!(channel.bytes.load(Relaxed), 0);
    }
}

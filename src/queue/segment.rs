//! Sealed events on their way to the ingest.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::bounds::HOOK_ROOM;
use super::buffer::{Buffer, Entry};
use super::channel::Channel;
use super::end_listener::{EndListener, EventEnd};
use super::held::Held;
use super::takers::Takers;
use crate::base::lock::lock;
use crate::redact::RedactedJson;

/// By how much a segment in the making grows at least, within the room of one event.
const GROWTH: usize = 8 * 1024;
const GROWTH_ENTRIES: usize = 64;

/// A segment in the making, from events that a hook has rewritten. What it holds is charged.
pub(crate) struct Rewrite {
    buffer: Buffer,
    channel: Arc<Channel>,
}

impl Rewrite {
    pub(super) fn new(mut buffer: Buffer, channel: Arc<Channel>) -> Self {
        // Nothing is charged yet.
        buffer.charge = 0;
        Self { buffer, channel }
    }

    /// Charges the memory that the next event may take; `false` when there is none.
    pub(crate) fn reserve(&mut self) -> bool {
        let has_room = (self.channel).try_charge(HOOK_ROOM, self.channel.bounds.max_bytes);
        if has_room {
            self.buffer.charge += HOOK_ROOM;
        }
        has_room
    }

    /// Gives back what the event has not taken.
    pub(crate) fn release_unused(&mut self) {
        let (before, charge) = (self.buffer.charge, self.buffer.capacity());
        self.channel.charge(charge.saturating_sub(before));
        self.channel.release(before.saturating_sub(charge));
        self.buffer.charge = charge;
    }

    /// Whether it holds as much as a segment should.
    pub(crate) fn is_full(&self) -> bool {
        self.buffer.bytes.len() >= self.channel.bounds.segment_bytes()
    }
    pub(crate) fn push(
        &mut self,
        event: &RedactedJson<'_>,
        id: i64,
        takers: Takers,
        listener: Option<EndListener>,
    ) {
        let event = event.as_bytes();
        if !self.buffer.has_room(event.len() + 1) {
            self.buffer.bytes.reserve_exact(event.len() + GROWTH);
            self.buffer.entries.reserve_exact(GROWTH_ENTRIES);
        }
        self.buffer.append(event, id, takers, listener);
    }

    pub(crate) fn finish(mut self) -> Segment {
        self.release_unused();
        Segment::new(self.buffer, self.channel)
    }
}

/// The events of a segment, in memory that is charged to the queue until the last destination has let go of it.
pub(super) struct Events {
    pub(super) buffer: Buffer,
    pub(super) channel: Arc<Channel>,
}

impl Drop for Events {
    fn drop(&mut self) {
        let empty = Buffer::new(0, 0);
        self.channel
            .free(std::mem::replace(&mut self.buffer, empty));
    }
}

/// A run of events on their way to one ingest.
pub(crate) struct Segment {
    pub(super) events: Arc<Events>,
    /// When it was read back from disk.
    pub(super) read_back_at: Option<Instant>,
    pub(super) listeners: Mutex<Vec<(usize, EndListener)>>,
    /// Events that are neither sent again nor written to disk.
    forgotten: Mutex<BTreeSet<usize>>,
    on_disk: AtomicU8,
    /// What its destination holds, where there are several.
    pub(super) held: Option<Held>,
}

impl Segment {
    pub(super) fn new(mut buffer: Buffer, channel: Arc<Channel>) -> Self {
        let listeners = std::mem::take(&mut buffer.listeners);
        Self::of(Arc::new(Events { buffer, channel }), listeners)
    }

    pub(super) fn of(events: Arc<Events>, listeners: Vec<(usize, EndListener)>) -> Self {
        Self {
            events,
            read_back_at: None,
            listeners: Mutex::new(listeners),
            forgotten: Mutex::default(),
            on_disk: AtomicU8::new(OnDisk::No as u8),
            held: None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.events.buffer.entries.len()
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.events.buffer.sequence
    }

    /// When its oldest event was queued.
    pub(crate) fn first_at(&self) -> Option<Instant> {
        self.events.buffer.first_at
    }

    /// Since when it is in memory, by a clock that nobody sets. The wall clock tells when a segment that was read back
    /// was queued, perhaps another process's.
    pub(crate) fn in_memory_since(&self) -> Option<Instant> {
        self.read_back_at.or(self.events.buffer.first_at)
    }

    /// The JSON of some events, each followed by a comma.
    pub(crate) fn slice(&self, events: Range<usize>) -> &[u8] {
        let start = self.start(events.start);
        let end = self.start(events.end);
        self.events.buffer.bytes.get(start..end).unwrap_or_default()
    }

    /// The JSON of an event.
    pub(crate) fn json(&self, event: usize) -> &[u8] {
        self.events.buffer.json(event)
    }

    /// Marks an event as forgotten; returns whether it was not before.
    pub(crate) fn forget(&self, event: usize) -> bool {
        lock(&self.forgotten).insert(event)
    }

    /// The places of the events that are forgotten.
    pub(crate) fn forgotten(&self) -> BTreeSet<usize> {
        lock(&self.forgotten).clone()
    }

    /// Some events in runs, each with whether they are forgotten.
    pub(crate) fn runs(&self, events: Range<usize>) -> Vec<(Range<usize>, bool)> {
        let forgotten = lock(&self.forgotten);
        let mut runs: Vec<(Range<usize>, bool)> = Vec::with_capacity(1);
        let mut rest = events;
        for &event in forgotten.range(rest.clone()) {
            if event > rest.start {
                runs.push((rest.start..event, false));
            }
            match runs.last_mut() {
                Some((run, true)) if run.end == event => run.end += 1,
                _ => runs.push((event..event + 1, true)),
            }
            rest.start = event + 1;
        }
        if !rest.is_empty() {
            runs.push((rest, false));
        }
        runs
    }

    pub(crate) fn id(&self, event: usize) -> Option<i64> {
        self.events.buffer.entries.get(event).map(|entry| entry.id)
    }

    /// Which destinations an event is for.
    pub(crate) fn takers(&self, event: usize) -> Takers {
        let entry = self.events.buffer.entries.get(event);
        entry.map_or(Takers::NONE, |entry| entry.takers)
    }

    /// Whether somebody waits for any of the events.
    pub(crate) fn is_awaited(&self) -> bool {
        !lock(&self.listeners).is_empty()
    }

    /// Notifies those who wait for any of `events` how they ended.
    pub(crate) fn notify_end(&self, events: Range<usize>, end: EventEnd) {
        for listener in self.take_listeners(events) {
            listener(end);
        }
    }

    pub(crate) fn take_listeners(&self, events: Range<usize>) -> Vec<EndListener> {
        let mut listeners = lock(&self.listeners);
        let (taken, kept) = std::mem::take(&mut *listeners)
            .into_iter()
            .partition::<Vec<_>, _>(|(event, _)| events.contains(event));
        *listeners = kept;
        taken.into_iter().map(|(_, listener)| listener).collect()
    }

    /// The memory it is charged with.
    pub(crate) fn charge(&self) -> usize {
        self.events.buffer.charge
    }

    pub(crate) fn on_disk(&self) -> OnDisk {
        match self.on_disk.load(Relaxed) {
            1 => OnDisk::Asked,
            2 => OnDisk::Yes,
            3 => OnDisk::Evicted,
            _ => OnDisk::No,
        }
    }

    pub(crate) fn set_on_disk(&self, on_disk: OnDisk) {
        self.on_disk.store(on_disk as u8, Relaxed);
    }

    /// Where an event starts: where the one before it ends.
    fn start(&self, event: usize) -> usize {
        event
            .checked_sub(1)
            .and_then(|before| self.events.buffer.entries.get(before))
            .map_or(0, Entry::end)
    }
}

/// Whether a spool has a segment's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum OnDisk {
    No,
    /// The spool was told to write them.
    Asked,
    Yes,
    /// They had to make room for newer ones, and are not written again.
    Evicted,
}

impl Drop for Segment {
    fn drop(&mut self) {
        if let Some(held) = &self.held {
            held.fetch_sub(self.charge(), Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{Bounds, Ledgers, Receiver, Sender, bounded};

    fn queue() -> (Sender, Receiver) {
        bounded(Bounds::for_tests(1 << 20), Ledgers::of_one(Arc::default()))
    }

    #[test]
    fn events_are_found_by_their_place() {
        let (_sender, receiver) = queue();
        let events = [(7, 0..2), (8, 2..5), (9, 5..5)];
        let segment = receiver.restored(3, b"{}[1]", &events, [Instant::now(); 2]);
        assert_eq!((segment.len(), segment.sequence()), (3, 3));
        assert_eq!(segment.slice(0..3), b"{},[1],,");
        assert_eq!(segment.slice(1..2), b"[1],");
        assert_eq!(segment.slice(2..9), b"", "beyond the end");
        assert_eq!([segment.id(2), segment.id(3)], [Some(9), None]);
    }

    #[test]
    fn what_is_forgotten_is_told_apart_in_runs() {
        let (_sender, receiver) = queue();
        let events = [0, 1, 2, 3, 4, 5].map(|id| (id, 0..2));
        let segment = receiver.restored(3, b"{}", &events, [Instant::now(); 2]);
        assert_eq!(segment.runs(1..4), [(1..4, false)]);
        assert!(segment.forget(2) && segment.forget(3) && !segment.forget(2) && segment.forget(5));
        assert_eq!(segment.json(2), b"{}");
        let all = [(0..2, false), (2..4, true), (4..5, false), (5..6, true)];
        assert_eq!(segment.runs(0..6), all);
        assert_eq!(segment.runs(3..5), [(3..4, true), (4..5, false)]);
        assert_eq!(segment.runs(4..4), []);
        assert_eq!(segment.forgotten().len(), 3);
    }

    #[test]
    fn memory_is_charged_until_the_segment_is_dropped() {
        let (sender, receiver) = queue();
        let segment = receiver.restored(3, b"{}", &[(7, 0..2)], [Instant::now(); 2]);
        assert_eq!(sender.bytes(), segment.charge());
        assert!(segment.charge() > 0);
        drop(segment);
        assert_eq!(sender.bytes(), 0);
    }

    #[test]
    fn what_is_on_disk_is_known_as_it_was_set() {
        let (_sender, receiver) = queue();
        let segment = receiver.restored(3, b"{}", &[(7, 0..2)], [Instant::now(); 2]);
        assert_eq!(segment.on_disk(), OnDisk::Yes, "it was read from disk");
        for on_disk in [OnDisk::No, OnDisk::Asked, OnDisk::Yes, OnDisk::Evicted] {
            segment.set_on_disk(on_disk);
            assert_eq!(segment.on_disk(), on_disk);
        }
    }
}

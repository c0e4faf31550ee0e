//! Sealed events on their way to the ingest.

use std::ops::Range;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::buffer::{Buffer, Entry};
use super::state::Shared;
use super::waiter::{EndListener, EventEnd};
use crate::base::lock::lock;
use crate::redact::RedactedJson;

/// A segment in the making, from events that a hook has rewritten.
#[derive(Debug)]
pub(crate) struct Rewrite {
    pub(super) buffer: Buffer,
    pub(super) shared: Arc<Shared>,
}

impl Rewrite {
    pub(crate) fn push(&mut self, event: &RedactedJson<'_>, id: i64, waiter: Option<EndListener>) {
        self.buffer.append(event.as_bytes(), id, waiter);
    }

    pub(crate) fn finish(mut self) -> Segment {
        // A hook may add to an event, so the charge is what the rewriting came to.
        self.buffer.charge =
            self.buffer.bytes.capacity() + self.buffer.entries.capacity() * size_of::<Entry>();
        self.shared.charge(self.buffer.charge);
        Segment::new(self.buffer, self.shared)
    }
}

/// A run of events on their way to the ingest. Its memory is charged to the queue until it is
/// dropped.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(super) buffer: Buffer,
    waiters: Mutex<Vec<(usize, EndListener)>>,
    on_disk: AtomicU8,
    shared: Arc<Shared>,
}

impl Segment {
    pub(super) fn new(mut buffer: Buffer, shared: Arc<Shared>) -> Self {
        let waiters = std::mem::take(&mut buffer.waiters);
        Self {
            buffer,
            waiters: Mutex::new(waiters),
            on_disk: AtomicU8::new(OnDisk::No as u8),
            shared,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.buffer.entries.len()
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.buffer.sequence
    }

    /// When its oldest event was queued.
    pub(crate) fn first_at(&self) -> Option<Instant> {
        self.buffer.first_at
    }

    /// The JSON of some events, each followed by a comma.
    pub(crate) fn slice(&self, events: Range<usize>) -> &[u8] {
        let start = self.start(events.start);
        let end = self.start(events.end);
        self.buffer.bytes.get(start..end).unwrap_or_default()
    }

    pub(crate) fn id(&self, event: usize) -> Option<i64> {
        self.buffer.entries.get(event).map(|entry| entry.id)
    }

    /// Whether somebody waits for any of the events.
    pub(crate) fn is_awaited(&self) -> bool {
        !lock(&self.waiters).is_empty()
    }

    /// Tells those who wait for any of `events` how they ended.
    pub(crate) fn settle(&self, events: Range<usize>, how: EventEnd) {
        for waiter in self.take_waiters(events) {
            (waiter.0)(how);
        }
    }

    pub(crate) fn take_waiters(&self, events: Range<usize>) -> Vec<EndListener> {
        let mut waiters = lock(&self.waiters);
        let (told, kept) = std::mem::take(&mut *waiters)
            .into_iter()
            .partition::<Vec<_>, _>(|(event, _)| events.contains(event));
        *waiters = kept;
        told.into_iter().map(|(_, waiter)| waiter).collect()
    }

    /// Where an event starts: where the one before it ends.
    fn start(&self, event: usize) -> usize {
        event
            .checked_sub(1)
            .and_then(|before| self.buffer.entries.get(before))
            .map_or(0, |entry| entry.end)
    }
}

/// Whether a spool has a segment's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum OnDisk {
    No,
    /// The spool was asked to write them.
    Asked,
    Yes,
    /// They had to make room for newer ones, and are not written again.
    Evicted,
}

impl Segment {
    /// The memory it is charged with.
    pub(crate) fn charge(&self) -> usize {
        self.buffer.charge
    }

    pub(crate) fn on_disk(&self) -> OnDisk {
        match self.on_disk.load(Relaxed) {
            1 => OnDisk::Asked,
            2 => OnDisk::Yes,
            3 => OnDisk::Evicted,
            _ => OnDisk::No,
        }
    }

    pub(crate) fn set_on_disk(&self, state: OnDisk) {
        self.on_disk.store(state as u8, Relaxed);
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        let empty = Buffer::new(0, 0);
        self.shared.free(std::mem::replace(&mut self.buffer, empty));
    }
}

//! Events one behind another, in memory that is charged.

use std::time::Instant;

use super::end_listener::{EndListener, EventEnd};

/// What a segment costs beside its events: the places where it is listed, from the queue to a request.
const OVERHEAD: usize = 512;

/// What somebody who waits for an event costs.
pub(super) const WAITER: usize = 512;

/// Events one behind another, each followed by a comma.
pub(crate) struct Buffer {
    pub(super) bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// By the place of their event.
    pub(super) listeners: Vec<(usize, EndListener)>,
    /// When the first event was queued.
    pub(super) first_at: Option<Instant>,
    pub(super) sequence: u64,
    /// The memory that the queue is charged with.
    pub(super) charge: usize,
}

#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(super) end: usize,
    pub(super) id: i64,
}

impl Buffer {
    pub(super) fn new(bytes: usize, events: usize) -> Self {
        let mut buffer = Self {
            bytes: Vec::with_capacity(bytes),
            entries: Vec::with_capacity(events),
            listeners: Vec::new(),
            first_at: None,
            sequence: 0,
            charge: 0,
        };
        buffer.charge = buffer.capacity();
        buffer
    }

    /// The memory, in bytes, of a buffer for so many bytes and events.
    pub(super) const fn size(bytes: usize, events: usize) -> usize {
        bytes + events * size_of::<Entry>() + OVERHEAD
    }

    /// Its memory, in bytes.
    pub(super) fn capacity(&self) -> usize {
        let waiters = self.listeners.len() * WAITER;
        Self::size(self.bytes.capacity(), self.entries.capacity()) + waiters
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.listeners.clear();
        self.first_at = None;
        self.charge = self.capacity();
    }

    pub(super) fn has_room(&self, event: usize) -> bool {
        self.entries.len() < self.entries.capacity()
            && self.bytes.len() + event < self.bytes.capacity()
    }

    pub(super) fn append(&mut self, event: &[u8], id: i64, listener: Option<EndListener>) {
        self.bytes.extend_from_slice(event);
        self.bytes.push(b',');
        if let Some(listener) = listener {
            self.listeners.push((self.entries.len(), listener));
        }
        self.entries.push(Entry {
            end: self.bytes.len(),
            id,
        });
    }

    pub(super) fn notify_all(&mut self, end: EventEnd) {
        for (_, listener) in self.listeners.drain(..) {
            listener(end);
        }
    }
}

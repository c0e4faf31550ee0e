//! Events one behind another, in memory that is charged.

use std::time::Instant;

use super::waiter::{EndListener, EventEnd};

/// Events one behind another, each followed by a comma.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(super) bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    pub(super) waiters: Vec<(usize, EndListener)>,
    pub(super) first_at: Option<Instant>,
    pub(super) sequence: u64,
    pub(super) charge: usize,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(super) end: usize,
    pub(super) id: i64,
}

impl Buffer {
    pub(super) fn new(bytes: usize, events: usize) -> Self {
        let (bytes, entries) = (Vec::with_capacity(bytes), Vec::with_capacity(events));
        Self {
            charge: bytes.capacity() + entries.capacity() * size_of::<Entry>(),
            bytes,
            entries,
            waiters: Vec::new(),
            first_at: None,
            sequence: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.waiters.clear();
        self.first_at = None;
    }

    pub(super) fn has_room(&self, event: usize) -> bool {
        self.entries.len() < self.entries.capacity()
            && self.bytes.len() + event < self.bytes.capacity()
    }

    pub(super) fn append(&mut self, event: &[u8], id: i64, waiter: Option<EndListener>) {
        self.bytes.extend_from_slice(event);
        self.bytes.push(b',');
        if let Some(waiter) = waiter {
            self.waiters.push((self.entries.len(), waiter));
        }
        self.entries.push(Entry {
            end: self.bytes.len(),
            id,
        });
    }

    pub(super) fn settle_all(&mut self, how: EventEnd) {
        for (_, waiter) in self.waiters.drain(..) {
            (waiter.0)(how);
        }
    }
}

//! The record of an open call, whose memory is charged to the queue.

use std::sync::Arc;

use super::pipeline::Pipeline;
use super::record::{CallRecord, DESCRIPTION, EMAIL, ID, ID_TYPE, MAX_SENT_BYTES};
use crate::capture::{Captured, size_mark};
use crate::event::Identity;
use crate::ledger::Ledger;
use crate::queue::Reservation;

/// A record that keeps names and sizes in place of content where there is no memory for it.
pub(crate) struct KeptRecord {
    /// Boxed, since it has over a thousand bytes and is moved four times: 560 instructions less of a call.
    record: Box<CallRecord>,
    held: Reservation,
    ledger: Arc<Ledger>,
    /// Content was left out, and the call is counted.
    lacks_content: bool,
}

impl KeptRecord {
    pub(crate) fn new(record: CallRecord, pipeline: &Pipeline) -> Self {
        let mut kept = Self {
            held: pipeline.shared.queue.reserve(),
            ledger: Arc::clone(&pipeline.shared.ledger),
            record: Box::new(record),
            lacks_content: false,
        };
        if !kept.has_room(kept.record.bytes()) {
            kept.record.strip();
            // Where this fails too, what is left is small, and stays.
            kept.held.grow(kept.record.bytes());
        }
        kept
    }

    pub(crate) fn record(&self) -> &CallRecord {
        &self.record
    }

    pub(super) fn record_mut(&mut self) -> &mut CallRecord {
        &mut self.record
    }

    /// Puts a value into the record, or its outline.
    pub(super) fn put(&mut self, mut value: Captured, put: impl FnOnce(&mut CallRecord, Captured)) {
        if !self.has_room(value.bytes()) {
            value = value.outline();
            self.held.grow(value.bytes());
        }
        put(&mut self.record, value);
        self.held.shrink_to(self.record.bytes());
    }

    /// Adds a key to `meta`, or the key and the value's outline; nothing when there is no memory for these either, since
    /// a call may have any number of keys.
    pub(super) fn push_meta(&mut self, key: String, mut value: Captured) {
        let own = self.record.meta_bytes(&key);
        if !self.has_room(own + value.bytes()) {
            value = value.outline();
            if !self.held.grow(own + value.bytes()) {
                return;
            }
        }
        self.record.push_meta(key, value);
        self.held.shrink_to(self.record.bytes());
    }

    /// Puts whom the call is about into the record. What has no memory is kept as its size where it is longer than is sent.
    pub(super) fn set_identity(&mut self, identity: &Identity<'_>) {
        let texts = [
            (ID, Some(identity.id())),
            (ID_TYPE, Some(identity.id_type())),
            (EMAIL, identity.email.as_deref()),
        ];
        for (which, text) in texts {
            match text {
                None => self.record.unset(which),
                Some(text) if text.len() <= MAX_SENT_BYTES => {
                    self.held.grow(text.len());
                    self.record.set(which, text);
                }
                Some(text) => self.set_text(which, text),
            }
        }
        self.held.shrink_to(self.record.bytes());
    }

    /// Puts a text into the record, or its size.
    pub(super) fn set_text(&mut self, which: usize, text: &str) {
        if self.has_room(text.len()) {
            self.record.set(which, text);
        } else {
            self.record.set(which, &size_mark(text.len()));
        }
        self.held.shrink_to(self.record.bytes());
    }

    /// Puts the tool's description into the record; nothing when there is no memory for it.
    pub(super) fn set_description(&mut self, text: &str) {
        if self.held.grow(text.len()) {
            self.record.set(DESCRIPTION, text);
        }
        self.held.shrink_to(self.record.bytes());
    }

    /// Charges memory for content.
    fn has_room(&mut self, bytes: usize) -> bool {
        let has_room = self.held.grow(bytes);
        if !has_room {
            self.note_missing_content();
        }
        has_room
    }

    /// Counts the call among those without content, once.
    pub(super) fn note_missing_content(&mut self) {
        if !std::mem::replace(&mut self.lacks_content, true) {
            self.ledger.call_without_content();
        }
    }
}

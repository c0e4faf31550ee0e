//! Memory of calls under way, which become events later.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::channel::Channel;

/// Memory of one call under way, charged to the queue until it is dropped.
pub(crate) struct Reservation {
    pub(super) channel: Arc<Channel>,
    pub(super) bytes: usize,
}

impl Reservation {
    /// Charges so much more; `false` when the calls under way have their share of the queue, or the queue
    /// is full.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let Channel {
            bounds,
            reserved_bytes,
            ..
        } = &*self.channel;
        let share = bounds.max_bytes / 4;
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= share);
        if reserved_bytes.fetch_update(Relaxed, Relaxed, more).is_err() {
            return false;
        }
        if !self.channel.try_charge(bytes, bounds.caller_bytes()) {
            reserved_bytes.fetch_sub(bytes, Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }

    /// Gives back what is beyond so much.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let beyond = self.bytes.saturating_sub(bytes);
        if beyond > 0 {
            self.bytes -= beyond;
            self.channel.reserved_bytes.fetch_sub(beyond, Relaxed);
            self.channel.release(beyond);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

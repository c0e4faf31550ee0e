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
    /// Charges `bytes` more; `false` when the calls under way have reserved their share of the queue, or the
    /// queue is full.
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

    /// Begins another one of the same queue, of no bytes yet.
    #[cfg(any(feature = "stdio", feature = "tower"))]
    pub(crate) fn another(&self) -> Self {
        Self {
            channel: Arc::clone(&self.channel),
            bytes: 0,
        }
    }

    /// Gives back what is beyond `bytes`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{Bounds, Ledgers, MIN_QUEUE_BYTES, Sender, bounded};

    fn queue() -> Sender {
        bounded(
            Bounds::for_tests(MIN_QUEUE_BYTES),
            Ledgers::of_one(Arc::default()),
        )
        .0
    }

    #[test]
    fn all_calls_together_have_a_fourth_of_the_queue() {
        let queue = queue();
        let share = MIN_QUEUE_BYTES / 4;
        let (mut one, mut other) = (queue.reserve(), queue.reserve());
        assert!(one.grow(share - 10));
        assert!(!other.grow(11), "beyond the share");
        assert_eq!(queue.bytes(), share - 10, "what is refused charges nothing");
        assert!(other.grow(10));
        assert!(!one.grow(1) && !one.grow(usize::MAX));
        drop(one);
        assert_eq!(queue.bytes(), 10);
        assert!(other.grow(share - 10));
    }

    #[test]
    fn what_is_given_back_can_be_reserved_again() {
        let queue = queue();
        let mut reservation = queue.reserve();
        assert!(reservation.grow(100) && reservation.grow(50));
        reservation.shrink_to(30);
        assert_eq!(queue.bytes(), 30);
        reservation.shrink_to(60);
        assert_eq!(queue.bytes(), 30, "shrinking to more changes nothing");
        assert!(reservation.grow(MIN_QUEUE_BYTES / 4 - 30));
        drop(reservation);
        assert_eq!(queue.bytes(), 0);
    }
}

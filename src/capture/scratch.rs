//! The memory that a thread reuses from event to event.

use std::cell::Cell;

use super::buffer::JsonBuffer;
use crate::redact::{Buffers, Kept, Span};

/// What a thread reuses from event to event, so that logging one allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct ThreadScratch {
    /// The event as it is written.
    pub(super) json: JsonBuffer,
    /// Where in it content of the caller's stands.
    pub(super) spans: Vec<Span>,
    /// What the redactor needs, and what is kept for it of the event as it is written.
    pub(super) buffers: Buffers,
    /// The event as it is sent.
    pub(super) redacted: Vec<u8>,
}

/// A scratch of more memory is given back to the system.
const MAX_KEPT_BYTES: usize = 512 * 1024;

/// A captured value's memory is given back to the system when it is larger: calls with large
/// arguments are rare, and each open call holds such memory, for long perhaps.
const MAX_SPARE_BYTES: usize = 32 * 1024;

thread_local! {
    static SCRATCH: Cell<Option<Box<ThreadScratch>>> = const { Cell::new(None) };
    /// The memory of a captured value that was dropped, for the next one.
    static SPARE: Cell<Option<(JsonBuffer, Kept)>> = const { Cell::new(None) };
}

/// Lends `f` the thread's scratch. The scratch is moved out rather than borrowed, so that a caller's
/// `Serialize` that logs an event gets another one; so does a thread that is ending.
pub(crate) fn with_scratch<R>(f: impl FnOnce(&mut ThreadScratch) -> R) -> R {
    let mut scratch = SCRATCH
        .try_with(Cell::take)
        .ok()
        .flatten()
        .unwrap_or_default();
    let result = f(&mut scratch);
    if scratch.json.capacity() + scratch.redacted.capacity() <= MAX_KEPT_BYTES {
        let _ = SCRATCH.try_with(|cell| cell.set(Some(scratch)));
    }
    result
}

/// The memory for a captured value: that of an earlier one, or none yet.
pub(super) fn take_spare() -> (JsonBuffer, Kept) {
    let spare = SPARE.try_with(Cell::take).ok().flatten();
    let (mut json, kept) = spare.unwrap_or_default();
    json.clear();
    (json, kept)
}

/// Keeps the memory of a captured value for the next one.
pub(super) fn keep_spare(json: JsonBuffer, kept: Kept) {
    if json.capacity() + kept.bytes() <= MAX_SPARE_BYTES {
        let _ = SPARE.try_with(|spare| spare.set(Some((json, kept))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_is_taken_so_that_a_call_within_a_call_gets_its_own() {
        with_scratch(|outer| {
            outer.json.raw(b"outer");
            with_scratch(|inner| {
                assert!(inner.json.as_bytes().is_empty());
                inner.json.raw(b"inner");
            });
            assert_eq!(outer.json.as_bytes(), b"outer");
        });
        // What comes next gets one of the two, with its memory.
        with_scratch(|next| assert!(next.json.capacity() >= 5));
    }

    #[test]
    fn a_scratch_that_has_grown_large_is_given_back() {
        with_scratch(|scratch| scratch.json.raw(&vec![0; MAX_KEPT_BYTES]));
        with_scratch(|scratch| assert!(scratch.json.capacity() <= MAX_KEPT_BYTES));
    }

    #[test]
    fn the_memory_of_a_captured_value_is_kept_unless_it_is_large() {
        let mut small = JsonBuffer::new();
        small.raw(b"small");
        keep_spare(small, Kept::default());
        let (spare, _) = take_spare();
        assert!(spare.as_bytes().is_empty() && spare.capacity() >= 5);
        let mut large = JsonBuffer::new();
        large.raw(&vec![0; MAX_SPARE_BYTES]);
        keep_spare(large, Kept::default());
        assert_eq!(take_spare().0.capacity(), 0);
    }
}

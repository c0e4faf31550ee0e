//! What a thread reuses from event to event, so that logging one allocates nothing.

use std::cell::Cell;
use std::ops::Range;

use super::buffer::JsonBuffer;

/// What a thread reuses from event to event, so that logging one allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(super) draft: JsonBuffer,
    pub(super) spans: Vec<Range<usize>>,
    pub(super) redacted: Vec<u8>,
}

/// A scratch that has grown beyond this is given back to the system.
pub(crate) const MAX_KEPT_BYTES: usize = 512 * 1024;

/// The memory of a captured value is kept up to this: calls with large arguments are rare, and may
/// be open for long.
pub(crate) const MAX_SPARE_BYTES: usize = 32 * 1024;

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
    /// The memory of a captured value that is done with, for the next one.
    pub(super) static SPARE: Cell<JsonBuffer> = const { Cell::new(JsonBuffer::new()) };
}

/// Lends `f` the thread's scratch. It is taken, not borrowed: a caller's `Serialize` that logs an
/// event of its own gets a fresh one, and so does a thread that is ending.
pub(crate) fn with_scratch<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut scratch = SCRATCH
        .try_with(Cell::take)
        .ok()
        .flatten()
        .unwrap_or_default();
    let result = f(&mut scratch);
    if scratch.draft.capacity() + scratch.redacted.capacity() <= MAX_KEPT_BYTES {
        let _ = SCRATCH.try_with(|cell| cell.set(Some(scratch)));
    }
    result
}

//! Catches panics of the host's code.

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A panic was caught.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Runs the host's code. State that it changes must not be used after a panic.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        // A payload's own `Drop` may panic, so it is leaked.
        let _ = ManuallyDrop::new(payload);
        Panicked
    })
}

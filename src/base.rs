//! What the rest stands on, and that knows nothing of events: time, locks, ids, randomness.

pub(crate) mod clock;
pub(crate) mod id;
pub(crate) mod log;
#[cfg(feature = "testing")]
pub(crate) mod manual_clock;
pub(crate) mod panics;
pub(crate) mod process;
pub(crate) mod random;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod recent;
pub(crate) mod text;

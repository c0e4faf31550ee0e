//! The base of all other code: time, locks, ids, randomness. Knows nothing about events.

pub(crate) mod causes;
pub(crate) mod clock;
pub(crate) mod id;
pub(crate) mod lock;
pub(crate) mod log;
#[cfg(feature = "testing")]
pub(crate) mod manual_clock;
pub(crate) mod panics;
pub(crate) mod permutation;
pub(crate) mod process;
pub(crate) mod random;
#[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
pub(crate) mod recent;
pub(crate) mod siphash;
pub(crate) mod text;
pub(crate) mod threads;

//! Randomness for ids and back-off: unpredictable enough to keep replicas apart, not for secrets.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Returns 64 bits seeded by the operating system, by way of the standard hasher's keys.
pub(crate) fn seed() -> u64 {
    RandomState::new().hash_one(std::thread::current().id())
}

/// Scrambles 64 bits so that neighbours look unrelated; a bijection (the finalizer of SplitMix64),
/// so distinct inputs stay distinct.
pub(crate) const fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A small generator for jitter.
#[derive(Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(1);
        // 53 bits are what an f64 holds exactly.
        (mix(self.0) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

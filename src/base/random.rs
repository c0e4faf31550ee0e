//! Randomness for ids and back-off: unpredictable enough to keep replicas apart, not for secrets.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;
use std::time::SystemTime;

/// Returns 64 bits seeded by the operating system, by way of the standard hasher's keys. A forked child inherits its
/// parent's keys, and a restored image those of the machine it was taken from, so the process and the time count too.
pub(crate) fn seed() -> u64 {
    let this = (std::thread::current().id(), std::process::id());
    RandomState::new().hash_one((this, SystemTime::now()))
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
        unit(self.0)
    }
}

/// Returns a number in `0.0..1.0` for a seed.
pub(crate) const fn unit(seed: u64) -> f64 {
    // 53 bits are what an f64 holds exactly.
    (mix(seed) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Hashes for tables under keys that this process made up: a fifth of the standard hasher's cost for
/// a name, and as little to be steered from outside. Not for secrets. Each hash starts from a copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keyed {
    hash: u64,
    key: u64,
}

impl Default for Keyed {
    fn default() -> Self {
        static KEYS: LazyLock<Keyed> = LazyLock::new(|| Keyed {
            hash: seed(),
            key: seed() | 1,
        });
        *KEYS
    }
}

impl BuildHasher for Keyed {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for Keyed {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        // The length is hashed too, so that trailing zeros change the hash.
        self.write_u64(u64::from_le_bytes(last) ^ ((rest.len() as u64) << 56));
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.hash ^ word) * u128::from(self.key);
        self.hash = (product as u64) ^ ((product >> 64) as u64);
    }

    fn finish(&self) -> u64 {
        mix(self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn hashes_of_texts_that_are_nearly_alike_differ() {
        let keyed = Keyed::default();
        let mut texts: Vec<String> = (0..20_000)
            .map(|n| format!("user-{n}@example.com"))
            .collect();
        texts.extend((0..200).map(|n| "\0".repeat(n)));
        let hashes: HashSet<u64> = texts.iter().map(|text| keyed.hash_one(text)).collect();
        assert_eq!(hashes.len(), texts.len());
        assert_ne!(keyed.hash_one(("ab", "c")), keyed.hash_one(("a", "bc")));
        assert_eq!(keyed.hash_one("a"), Keyed::default().hash_one("a"));
    }
}

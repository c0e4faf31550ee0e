//! Maps and sets whose keys are numbers of rows.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

pub(super) type RowMap<V> = HashMap<i64, V, BuildHasherDefault<RowHasher>>;
pub(super) type RowSet = HashSet<i64, BuildHasherDefault<RowHasher>>;

/// A multiplication in place of a keyed hash: the database numbers rows itself, so nobody outside can choose numbers that
/// collide, and a page looks up millions of them.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct RowHasher(u64);

impl Hasher for RowHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // The golden ratio's share of 2^64, which spreads numbers in a row.
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_have_places_of_their_own() {
        let places: HashSet<u64> = (0..10_000_i64)
            .map(|number| {
                let mut hasher = RowHasher::default();
                hasher.write_i64(number);
                // What a table of 65 536 places looks at, and the seven bits beside it.
                hasher.finish() & 0xffff
            })
            .collect();
        assert!(places.len() > 9_000, "{}", places.len());
        let set: RowSet = (0..1_000).collect();
        assert_eq!(set.len(), 1_000);
    }
}

//! Event ids: unique across threads and restarts, and, within 63 bits, across replicas.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::base::random;

/// The low bits of an id, below the milliseconds: 2 097 152 ids a millisecond before they repeat.
const COUNTER_BITS: u32 = 21;

/// Hands out ids of one logger.
///
/// An id is the milliseconds since 1970 (42 bits, good until 2109) and 21 bits of a sequence. The
/// sequence starts at random and advances by a random odd step, so it visits every value before it
/// repeats, and two replicas that log in the same millisecond do not walk in step.
///
/// In a cache line of its own: every event writes it, while its neighbours are only read.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Ids {
    next: AtomicU64,
    step: u64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self {
            next: AtomicU64::new(random::seed()),
            step: random::seed() | 1,
        }
    }

    pub(crate) fn next(&self, unix_millis: u64) -> i64 {
        let sequence = self.next.fetch_add(self.step, Relaxed) & ((1 << COUNTER_BITS) - 1);
        let id = (unix_millis << COUNTER_BITS) | sequence;
        // 63 bits, and never 0: an ingest may take 0 for "absent".
        ((id & i64::MAX as u64) | u64::from(id == 0)) as i64
    }
}

/// Spells an event id as the UUID that a wire with UUID ids needs: version 4 by its bits, and the
/// same for the same id, so that an ingest can recognise a repetition.
pub(crate) fn uuid(id: i64) -> [u8; 36] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let high = random::mix(id as u64);
    let low = random::mix(high ^ 0x6d63_705f_7573_6167);
    let bits = (u128::from(high) << 64) | u128::from(low);
    let bits = (bits & !(0xf << 76)) | (0x4 << 76);
    let bits = (bits & !(0x3 << 62)) | (0x2 << 62);
    let mut text = [b'-'; 36];
    let mut nibble = 32;
    for (at, byte) in text.iter_mut().enumerate() {
        if !matches!(at, 8 | 13 | 18 | 23) {
            nibble -= 1;
            let digit = (bits >> (4 * nibble)) as usize & 0xf;
            *byte = HEX.get(digit).copied().unwrap_or(b'0');
        }
    }
    text
}

/// Hashes a text: the same on every machine and in every version (64-bit FNV-1a, scrambled).
pub(crate) fn stable_hash(text: &str) -> u64 {
    let fnv = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    random::mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, fnv))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_of_one_millisecond_do_not_repeat() {
        let ids = Ids::new();
        let seen: HashSet<i64> = (0..1_u32 << 20)
            .map(|_| ids.next(1_800_000_000_000))
            .collect();
        assert_eq!(seen.len(), 1 << 20);
        assert!(seen.iter().all(|&id| id > 0));
    }

    #[test]
    fn ids_grow_with_time() {
        let ids = Ids::new();
        assert!(ids.next(1_800_000_000_000) < ids.next(1_800_000_000_001));
    }

    #[test]
    fn a_uuid_is_version_4_and_follows_its_id() {
        let text = String::from_utf8(uuid(42).to_vec()).unwrap();
        assert_eq!(text, String::from_utf8(uuid(42).to_vec()).unwrap());
        assert_ne!(uuid(42), uuid(43));
        assert_eq!(text.len(), 36);
        assert_eq!(text.as_bytes()[14], b'4');
        assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }
}

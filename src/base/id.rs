//! Event ids: unique across threads, restarts and replicas, without a word between them.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::base::permutation::Permutation;
use crate::base::random;

/// Tells a logger from all others: 64 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instance(u64);

impl Instance {
    pub(crate) fn random() -> Self {
        Self(random::seed())
    }

    /// Reads the digits by which it goes over the wire.
    pub(crate) fn parse(digits: &str) -> Option<Self> {
        read(digits).map(u64::from_be_bytes).map(Self)
    }

    /// Returns the 16 hexadecimal digits by which it goes over the wire.
    pub(crate) fn digits(self) -> Digits {
        let mut digits = [0; 16];
        spell(&self.0.to_be_bytes(), &mut digits);
        Digits(digits)
    }
}

/// An [`Instance`] as text, which needs no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digits([u8; 16]);

impl Digits {
    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.0).unwrap_or_default())
    }
}

/// Hands out the sequence numbers and ids of one logger.
///
/// An id is the sequence number, moved about in 63 bits as the instance says. One logger never repeats an id, and two
/// loggers share one at the rate of chance, 1 in 2^63 for each pair of their events. Ids do not grow with time.
///
/// In cache lines of its own: every event writes the sequence, while its neighbours are only read.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Ids {
    next: Sequence,
    instance: Instance,
    places: Permutation,
}

/// A cache line of its own.
#[derive(Debug)]
#[repr(align(64))]
struct Sequence(AtomicU64);

impl Ids {
    pub(crate) fn new(instance: Instance) -> Self {
        Self {
            next: Sequence(AtomicU64::new(1)),
            instance,
            places: Permutation::new(instance.0),
        }
    }

    pub(crate) const fn instance(&self) -> Instance {
        self.instance
    }

    /// Returns the next sequence number: 1 for the first event.
    pub(crate) fn next(&self) -> u64 {
        self.next.0.fetch_add(1, Relaxed)
    }

    /// Returns the id of the event with this sequence number. It is never below 1: an ingest may take 0 for "absent".
    pub(crate) fn id(&self, sequence: u64) -> i64 {
        self.places.apply(sequence as i64)
    }
}

/// Spells an id as the UUID that a wire with UUID ids needs: version 4 by its bits. All 63 bits of the id are in it,
/// and 59 of the instance that made the id; of an id that the caller chose, no instance, so that the same id has the
/// same UUID wherever it is logged.
pub(crate) fn uuid(id: i64, made_by: Option<Instance>) -> [u8; 36] {
    let instance = made_by.map_or(0, |instance| instance.0);
    let bits = u128::from(instance) << 63 | u128::from(id as u64 & (u64::MAX >> 1));
    let (high, middle, low) = (bits >> 74, bits >> 62 & 0xfff, bits & ((1 << 62) - 1));
    spell_uuid(high << 80 | 0x4 << 76 | middle << 64 | 0x2 << 62 | low)
}

/// Spells 128 bits as a UUID.
pub(crate) fn spell_uuid(bits: u128) -> [u8; 36] {
    let mut digits = [0; 32];
    spell(&bits.to_be_bytes(), &mut digits);
    let mut text = [b'-'; 36];
    let places = text.iter_mut().enumerate();
    let places = places.filter(|(at, _)| !matches!(at, 8 | 13 | 18 | 23));
    for ((_, place), digit) in places.zip(digits) {
        *place = digit;
    }
    text
}

/// Spells each byte with two hexadecimal digits, as far as there is room.
pub(crate) fn spell(bytes: &[u8], digits: &mut [u8]) {
    for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = PAIRS.get(usize::from(*byte)).copied().unwrap_or_default();
    }
}

/// Reads bytes that are spelled with two hexadecimal digits each.
pub(crate) fn read<const BYTES: usize>(digits: &str) -> Option<[u8; BYTES]> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let mut bytes = [0; BYTES];
    (pairs.len() == BYTES && rest.is_empty()).then_some(())?;
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = (digit(*high)? << 4 | digit(*low)?) as u8;
    }
    Some(bytes)
}

/// The two digits of each byte.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
static PAIRS: [[u8; 2]; 256] = {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [HEX[byte >> 4], HEX[byte & 0xf]];
        byte += 1;
    }
    pairs
};

/// Hashes a text: the same on every machine and in every version.
pub(crate) fn stable_hash(text: &str) -> u64 {
    let mut hash = StableHash::default();
    hash.add(text.as_bytes());
    hash.end()
}

/// The hash of a text that comes in pieces, wherever it is cut (64-bit FNV-1a, scrambled).
#[derive(Debug)]
pub(crate) struct StableHash(u64);

impl Default for StableHash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl StableHash {
    pub(crate) fn add(&mut self, piece: &[u8]) {
        let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        self.0 = piece.iter().fold(self.0, fnv);
    }

    pub(crate) fn end(self) -> u64 {
        random::mix(self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_instance_is_read_from_its_digits() {
        let instance = Instance::random();
        let digits = instance.digits().to_string();
        assert_eq!(Instance::parse(&digits), Some(instance));
        for other in [
            "",
            "7",
            "+23456789abcdef0",
            "g123456789abcdef",
            &format!("{digits}0"),
        ] {
            assert_eq!(Instance::parse(other), None, "{other}");
        }
    }

    #[test]
    fn no_two_events_of_a_fleet_share_an_id() {
        let mut seen = HashSet::with_capacity(2_000_000);
        for _ in 0..1_000 {
            let ids = Ids::new(Instance::random());
            seen.extend((0..2_000).map(|_| ids.id(ids.next())));
        }
        assert_eq!(seen.len(), 2_000_000);
        assert!(seen.iter().all(|&id| id > 0));
    }

    #[test]
    fn a_sequence_counts_from_1_and_an_id_follows_from_it_and_the_instance() {
        let (ids, other) = (Ids::new(Instance(7)), Ids::new(Instance(8)));
        assert_eq!([ids.next(), ids.next()], [1, 2]);
        assert_eq!(ids.id(1), Ids::new(Instance(7)).id(1));
        assert_ne!(ids.id(1), other.id(1));
        assert_ne!(ids.id(1), ids.id(2));
        assert_eq!(Instance(0xab).digits().to_string(), "00000000000000ab");
    }

    #[test]
    fn loggers_of_one_process_have_instances_of_their_own() {
        let instances: HashSet<u64> = (0..1_000).map(|_| Instance::random().0).collect();
        assert_eq!(instances.len(), 1_000);
    }

    #[test]
    fn a_uuid_is_version_4_and_holds_all_of_an_id() {
        let spelled = |id, instance| {
            let text = String::from_utf8(uuid(id, instance).to_vec()).unwrap();
            assert_eq!(text.len(), 36);
            assert_eq!(text.as_bytes()[14], b'4', "{text}");
            assert!(
                matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'),
                "{text}"
            );
            text
        };
        assert_eq!(spelled(42, None), "00000000-0000-4000-8000-00000000002a");
        let instance = Some(Instance(u64::MAX));
        assert_eq!(
            spelled(i64::MAX, instance),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        let mut seen: HashSet<String> = (0..63).map(|bit| spelled(1 << bit, instance)).collect();
        seen.extend((0..63).map(|bit| spelled(1 << bit, None)));
        seen.extend((0..59).map(|bit| spelled(1, Some(Instance(1 << bit)))));
        assert_eq!(seen.len(), 63 + 63 + 59);
    }
}

//! Field names and short strings that were looked at before.
//!
//! Events of a server have the same few names, tools, clients and sessions again and again, and looking at one takes
//! several times as long as finding it here.

use crate::redact::kind::{Interest, Kind, Role};
use crate::redact::read::bytes::hash;

/// Longer names are judged each time.
const MAX_NAME: usize = 24;
/// Enough for the names of many tools; where two names share a place, the later one has it.
pub(crate) const PLACES: usize = 256;

#[derive(Clone, Copy)]
struct Place {
    words: [u64; 3],
    owner: u64,
    said: (Kind, Role),
    interest: Interest,
}

/// Whose rules looked at so many bytes; 0 is nobody's. One number, since it is compared for each name and each string.
#[inline(always)]
fn owner(rules: u32, length: u8) -> u64 {
    u64::from(rules) << 8 | u64::from(length)
}

/// Names with nothing to redact in them, and what they say of their values. Without them and the labels that are kept
/// so, a typical event takes 41 370 instructions more (of 21 900).
pub(crate) struct Known {
    places: Box<[Place]>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(stringify!(Known))
    }
}

impl Default for Known {
    fn default() -> Self {
        let empty = Place {
            words: [0; 3],
            owner: 0,
            said: (Kind::Plain, Role::Other),
            interest: Interest::None,
        };
        Self {
            places: vec![empty; PLACES].into_boxed_slice(),
        }
    }
}

/// A name that fits, as the key of its place.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    words: [u64; 3],
    length: u8,
    pub(crate) place: usize,
}

impl Key {
    /// The key of the name at `from..to`. Its words overlap where the name is no multiple of eight bytes long, so
    /// that they are read straight from the text: a padded copy would cost more than the search.
    #[inline]
    pub(crate) fn of(text: &[u8], from: usize, to: usize) -> Option<Self> {
        let length = to - from;
        let word = |at: usize| {
            text.get(at..)
                .and_then(<[u8]>::first_chunk)
                .map(|eight| u64::from_le_bytes(*eight))
        };
        let words = match length {
            1..8 => {
                let word = word(from).or_else(|| last_word(text, from))?;
                [word & (u64::MAX >> (64 - 8 * length)), 0, 0]
            }
            8..=16 => [word(from)?, word(to - 8)?, 0],
            17..=MAX_NAME => [word(from)?, word(from + 8)?, word(to - 8)?],
            _ => return None,
        };
        Some(Self::new(length, words))
    }

    /// The same of a name of fewer than sixteen bytes, which are given with zeros behind them.
    #[inline(always)]
    pub(crate) fn of_short(sixteen: u128, length: usize) -> Option<Self> {
        let first = sixteen as u64;
        match length {
            1..8 => Some(Self::new(length, [first, 0, 0])),
            8..16 => {
                let last = (sixteen >> (8 * (length - 8))) as u64;
                Some(Self::new(length, [first, last, 0]))
            }
            _ => None,
        }
    }

    #[inline(always)]
    fn new(length: usize, words: [u64; 3]) -> Self {
        Self {
            words,
            length: length as u8,
            place: (hash(length, &words) >> 56) as usize % PLACES,
        }
    }
}

/// The word at a place with less than eight bytes behind it. The same name has the same key wherever it stands, or an object
/// would not be seen to have it twice.
#[cold]
fn last_word(text: &[u8], from: usize) -> Option<u64> {
    let rest = text.get(from..)?;
    let mut eight = [0; 8];
    eight.get_mut(..rest.len())?.copy_from_slice(rest);
    Some(u64::from_le_bytes(eight))
}

impl Known {
    #[inline]
    pub(crate) fn get(&self, key: &Key, rules: u32) -> Option<(Kind, Role)> {
        Some(self.place(key, rules)?.said)
    }

    /// As [`get`](Self::get), and whether the name is of interest in an event.
    #[inline(always)]
    pub(crate) fn interest(&self, key: &Key, rules: u32) -> Option<((Kind, Role), Interest)> {
        let place = self.place(key, rules)?;
        Some((place.said, place.interest))
    }

    #[inline(always)]
    fn place(&self, key: &Key, rules: u32) -> Option<&Place> {
        let place = self.places.get(key.place)?;
        // Word by word: what was just written word by word is slow to read as a whole.
        let ([a, b, c], [x, y, z]) = (place.words, key.words);
        let owners = place.owner ^ owner(rules, key.length);
        if (a ^ x) | (b ^ y) | (c ^ z) | owners != 0 {
            return None;
        }
        Some(place)
    }

    pub(crate) fn put(&mut self, key: &Key, rules: u32, said: (Kind, Role), interest: Interest) {
        if let Some(place) = self.places.get_mut(key.place) {
            *place = Place {
                words: key.words,
                owner: owner(rules, key.length),
                said,
                interest,
            };
        }
    }
}

/// The longest string that is remembered. Ids of requests and versions are short, have digits and come again with each
/// event.
const MAX_QUIET: usize = 40;
/// Enough for the sessions of a busy server: 48 KB in a thread that logs.
const QUIET_PLACES: usize = 1024;

#[derive(Clone, Copy)]
struct QuietPlace {
    words: [u64; 5],
    owner: u64,
}

/// Strings with nothing to redact in them. Without them, a typical event takes 20 280 instructions more (of 21 900).
pub(crate) struct Quiet {
    places: Box<[QuietPlace]>,
}

impl std::fmt::Debug for Quiet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(stringify!(Quiet))
    }
}

impl Default for Quiet {
    fn default() -> Self {
        let empty = QuietPlace {
            words: [0; 5],
            owner: 0,
        };
        Self {
            places: vec![empty; QUIET_PLACES].into_boxed_slice(),
        }
    }
}

/// A string that can be remembered, as the key of its place.
#[derive(Clone, Copy)]
pub(crate) struct QuietKey {
    words: [u64; 5],
    length: u8,
    place: usize,
}

impl QuietKey {
    /// The key of the string at `from..to`; like that of a name, its words overlap, and a short string has few.
    #[inline]
    pub(crate) fn of(text: &[u8], from: usize, to: usize) -> Option<Self> {
        let length = to - from;
        let word = |at: usize| {
            let eight = text.get(at..)?.first_chunk()?;
            Some(u64::from_le_bytes(*eight))
        };
        let words = match length {
            // What stands behind it is shifted out.
            1..8 => [word(from)? << (64 - 8 * length), 0, 0, 0, 0],
            8..=16 => [word(from)?, word(to - 8)?, 0, 0, 0],
            17..=MAX_QUIET => {
                let last = to - 8;
                let at = |place: usize| word((from + place).min(last));
                [at(0)?, at(8)?, at(16)?, at(24)?, word(last)?]
            }
            _ => return None,
        };
        Some(Self::new(length, words))
    }

    /// The same of a string of fewer than sixteen bytes, which are given with zeros behind them.
    #[inline(always)]
    pub(crate) fn of_short(sixteen: u128, length: usize) -> Option<Self> {
        let first = sixteen as u64;
        match length {
            1..8 => Some(Self::new(length, [first << (64 - 8 * length), 0, 0, 0, 0])),
            8..16 => {
                let last = (sixteen >> (8 * (length - 8))) as u64;
                Some(Self::new(length, [first, last, 0, 0, 0]))
            }
            _ => None,
        }
    }

    #[inline(always)]
    fn new(length: usize, words: [u64; 5]) -> Self {
        Self {
            words,
            length: length as u8,
            place: (hash(length, &words) >> 54) as usize % QUIET_PLACES,
        }
    }
}

impl Quiet {
    #[inline]
    pub(crate) fn has(&self, key: &QuietKey, rules: u32) -> bool {
        let Some(place) = self.places.get(key.place) else {
            return false;
        };
        let differ = place
            .words
            .iter()
            .zip(&key.words)
            .fold(0, |differ, (a, b)| differ | (a ^ b));
        differ | (place.owner ^ owner(rules, key.length)) == 0
    }

    pub(crate) fn put(&mut self, key: &QuietKey, rules: u32) {
        if let Some(place) = self.places.get_mut(key.place) {
            *place = QuietPlace {
                words: key.words,
                owner: owner(rules, key.length),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text::sixteen_of;

    const SAID: Option<(Kind, Role)> = Some((Kind::Secret, Role::Label));

    #[test]
    fn a_name_is_known_to_the_rules_that_judged_it() {
        let text = b"\"a_long_name_of_a_field\":1, \"name\":2, \"names\": 3";
        let mut known = Known::default();
        let key = Key::of(text, 1, 23).unwrap();
        assert_eq!(known.get(&key, 1), None);
        known.put(&key, 1, (Kind::Secret, Role::Label), Interest::Always);
        assert_eq!(known.get(&key, 1), SAID);
        assert_eq!(known.get(&key, 2), None);
        for (from, to) in [(1, 22), (2, 23), (29, 33)] {
            let other = Key::of(text, from, to).unwrap();
            assert_eq!(known.get(&other, 1), None, "{from}..{to}");
        }
    }

    #[test]
    fn each_byte_of_a_name_counts_and_none_behind_it() {
        let text: Vec<u8> = (b'a'..b'a' + 26).chain(b'A'..b'A' + 26).collect();
        for length in 1..=MAX_NAME {
            let key = Key::of(&text, 2, 2 + length).unwrap();
            if length < 16 {
                let short = Key::of_short(sixteen_of(&text[2..2 + length]), length).unwrap();
                assert_eq!((short.words, short.place), (key.words, key.place));
            }
            let mut known = Known::default();
            known.put(&key, 1, (Kind::Secret, Role::Label), Interest::Always);
            let mut other = text.clone();
            other[1] = b'-';
            other[2 + length] = b'-';
            let same = Key::of(&other, 2, 2 + length).unwrap();
            assert_eq!(known.get(&same, 1), SAID, "{length}");
            for changed in 2..2 + length {
                let mut other = text.clone();
                other[changed] = b'-';
                let key = Key::of(&other, 2, 2 + length).unwrap();
                assert_eq!(known.get(&key, 1), None, "{length}: {changed}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_not_remembered() {
        let text = [b'a'; 64];
        assert!(Key::of(&text, 3, 3).is_none());
        assert!(Key::of(&text, 0, MAX_NAME + 1).is_none());
        let [at_end, within] =
            [&b"cut"[..], b"cut off at"].map(|text| Key::of(text, 0, 3).unwrap());
        assert_eq!((at_end.words, at_end.place), (within.words, within.place));
        assert!(QuietKey::of(&text, 0, 0).is_none());
        assert!(QuietKey::of(&text, 0, MAX_QUIET + 1).is_none());
    }

    #[test]
    fn each_byte_of_a_quiet_string_counts_and_none_behind_it() {
        let text: Vec<u8> = (0..64).map(|n| b'0' + n).collect();
        for length in 1..=MAX_QUIET {
            let key = QuietKey::of(&text, 2, 2 + length).unwrap();
            if length < 16 {
                let short = QuietKey::of_short(sixteen_of(&text[2..2 + length]), length).unwrap();
                assert_eq!((short.words, short.place), (key.words, key.place));
            }
            let mut quiet = Quiet::default();
            assert!(!quiet.has(&key, 1));
            quiet.put(&key, 1);
            assert!(quiet.has(&key, 1) && !quiet.has(&key, 2));
            let mut other = text.clone();
            other[2 + length] = b'-';
            assert!(quiet.has(&QuietKey::of(&other, 2, 2 + length).unwrap(), 1));
            for changed in 2..2 + length {
                let mut other = text.clone();
                other[changed] = b'-';
                let key = QuietKey::of(&other, 2, 2 + length).unwrap();
                assert!(!quiet.has(&key, 1), "{length}: {changed}");
            }
        }
    }
}

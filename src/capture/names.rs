//! Whether an object has a member of a name already: JSON that comes as text, and a caller's `Serialize`, may repeat
//! one, and a receiver may refuse the whole request for it.

use smallvec::SmallVec;

use crate::redact::KNOWN_NAMES;

/// The names of the members of all open objects.
#[derive(Debug, Default)]
pub(super) struct Names(SmallVec<[Name; 32]>);

#[derive(Debug)]
struct Name {
    /// Where it begins in the text that holds it.
    start: u32,
    hash: u32,
}

/// The names of one open object.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Own {
    /// The place of its first name in [`Names`].
    first: u32,
    /// A bit for each name, which some names share: a name whose bit is not set is new.
    seen: u64,
    /// A bit for each name that the redactor knows, by its place there, which no other name has meanwhile.
    known: [u64; KNOWN_NAMES / 64],
}

impl Own {
    /// Adds a name by its place among those that the redactor knows: an eighth of what [`Names::add`] costs, which looks
    /// at its bytes. Returns `false` if the object has it.
    #[inline(always)]
    pub(super) fn add_known(&mut self, place: usize) -> bool {
        let bit = 1 << (place % 64);
        let Some(bits) = self.known.get_mut(place / 64) else {
            return false;
        };
        let is_new = *bits & bit == 0;
        *bits |= bit;
        is_new
    }
}

impl Names {
    /// Begins an object.
    pub(super) fn open(&self) -> Own {
        Own {
            first: self.0.len() as u32,
            ..Own::default()
        }
    }

    /// Ends the innermost object.
    pub(super) fn close(&mut self, own: Own) {
        self.0.truncate(own.first as usize);
    }

    /// Adds the name that stands in `text` from `start` to the end, its quotes included. Returns `false` if the
    /// innermost object has one that is the same.
    #[inline]
    pub(super) fn add(&mut self, own: &mut Own, text: &[u8], start: usize) -> bool {
        let name = text.get(start..).unwrap_or_default();
        let hash = hash(name);
        let bit = 1 << (hash >> 26);
        if own.seen & bit != 0 && self.has(*own, text, name, hash) {
            return false;
        }
        own.seen |= bit;
        let start = start as u32;
        self.0.push(Name { start, hash });
        true
    }

    #[cold]
    fn has(&self, own: Own, text: &[u8], name: &[u8], hash: u32) -> bool {
        let others = self.0.get(own.first as usize..).unwrap_or_default();
        others.iter().any(|other| {
            let other_name = || text.get(other.start as usize..).unwrap_or_default();
            other.hash == hash && other_name().starts_with(name)
        })
    }
}

/// A number for a name, from its length and the bytes at its ends.
fn hash(name: &[u8]) -> u32 {
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (first, last) = (word(name.first_chunk()), word(name.last_chunk()));
    let short = match name {
        [_, a, b, c, ..] if name.len() < 8 => u64::from(u32::from_le_bytes([*a, *b, *c, 0])),
        _ => 0,
    };
    let mixed = first ^ last.rotate_left(23) ^ short ^ (name.len() as u64) << 32;
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_new_until_its_own_object_has_it() {
        let (mut names, mut text) = (Names::default(), Vec::new());
        let mut outer = names.open();
        let mut add = |names: &mut Names, own: &mut Own, name: &str| {
            let start = text.len();
            text.extend_from_slice(format!("\"{name}\":").as_bytes());
            names.add(own, &text, start)
        };
        for n in 0..300 {
            assert!(add(&mut names, &mut outer, &n.to_string()), "{n}");
        }
        let mut inner = names.open();
        for n in 0..300 {
            assert!(add(&mut names, &mut inner, &n.to_string()), "{n}");
            assert!(!add(&mut names, &mut inner, &n.to_string()), "{n}");
        }
        names.close(inner);
        for n in 0..300 {
            assert!(!add(&mut names, &mut outer, &n.to_string()), "{n}");
        }
        assert!(add(&mut names, &mut outer, ""));
        assert!(!add(&mut names, &mut outer, ""));
    }

    #[test]
    fn names_of_one_object_seldom_share_a_bit() {
        let names = [
            "\"id\":",
            "\"query\":",
            "\"limit\":",
            "\"user\":",
            "\"name\":",
            "\"title\":",
            "\"a\":",
            "\"b\":",
            "\"created_at\":",
            "\"updated_at\":",
            "\"filters\":",
            "\"offset\":",
        ];
        let bits: std::collections::HashSet<_> = names
            .iter()
            .map(|name| hash(name.as_bytes()) >> 26)
            .collect();
        assert!(bits.len() >= 9, "{bits:?}");
    }
}

//! Field names that were judged before.
//!
//! Events of a server have the same few names again and again, and judging one takes several times as long as
//! finding it here.

use super::json::Role;
use super::names::Kind;

/// Longer names are judged each time.
const MAX_NAME: usize = 24;
/// Enough for the names of many tools; where two names share a place, the later one has it.
const PLACES: usize = 256;

#[derive(Clone, Copy)]
struct Place {
    name: [u8; MAX_NAME],
    /// Whose rules judged it. 0 is nobody.
    rules: u32,
    length: u8,
    kind: Kind,
    role: Role,
}

/// Names with nothing to redact in them, and what they say of their values.
pub(super) struct Known {
    places: Box<[Place]>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Known")
    }
}

impl Default for Known {
    fn default() -> Self {
        let empty = Place {
            name: [0; MAX_NAME],
            rules: 0,
            length: 0,
            kind: Kind::Plain,
            role: Role::Other,
        };
        Self {
            places: vec![empty; PLACES].into_boxed_slice(),
        }
    }
}

/// A name that fits, as the key of its place.
#[derive(Clone, Copy)]
pub(super) struct Key {
    name: [u8; MAX_NAME],
    length: u8,
    place: usize,
}

impl Key {
    #[inline]
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        if name.len() > MAX_NAME {
            return None;
        }
        let mut padded = [0; MAX_NAME];
        for (slot, byte) in padded.iter_mut().zip(name) {
            *slot = *byte;
        }
        let mut hash = name.len() as u64;
        for eight in padded.as_chunks::<8>().0 {
            hash = (hash.rotate_left(23) ^ u64::from_le_bytes(*eight))
                .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
        Some(Self {
            name: padded,
            length: name.len() as u8,
            place: (hash >> 56) as usize % PLACES,
        })
    }
}

impl Known {
    #[inline]
    pub(super) fn get(&self, key: &Key, rules: u32) -> Option<(Kind, Role)> {
        let place = self.places.get(key.place)?;
        (place.rules == rules && place.length == key.length && place.name == key.name)
            .then_some((place.kind, place.role))
    }

    pub(super) fn put(&mut self, key: &Key, rules: u32, kind: Kind, role: Role) {
        if let Some(place) = self.places.get_mut(key.place) {
            *place = Place {
                name: key.name,
                rules,
                length: key.length,
                kind,
                role,
            };
        }
    }
}

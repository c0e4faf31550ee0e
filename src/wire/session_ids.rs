//! How session ids are sent: as keyed hashes, or as they are.

use std::cell::RefCell;
use std::fmt;

use crate::base::id;
use crate::base::siphash::siphash128;

/// How the ids of MCP sessions are sent, wire key `session_id` in `meta`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionIds {
    /// As 32 hexadecimal digits of a keyed hash, because some servers put a credential or a name into session ids.
    ///
    /// The same id has the same hash on every replica and in every version, under one product (on the mcpeye wire, one
    /// project). The first 4 096 bytes of an id count.
    #[default]
    Hashed,
    /// Unchanged, but redacted like any text, so that events can be joined with your own logs. The ids of anonymous users
    /// are made from the hash in any case.
    Raw,
}

/// The fewest bytes of a session key: a shorter one can be guessed.
pub(crate) const MIN_SESSION_KEY_BYTES: usize = 16;

/// Sets these hashes apart from all others.
const DOMAIN: [u8; 16] = *b"mcp-usage:sessid";

/// How much of an id is hashed, which bounds the time it takes.
const MAX_BYTES: usize = 4_096;

/// The digits of a session's hash.
pub(crate) const HASH_DIGITS: usize = 32;

/// Whether an id has the form of a session's hash.
pub(crate) fn is_hash(id: &str) -> bool {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    id.len() == HASH_DIGITS && id.bytes().all(is_digit)
}

/// Hashes the ids of sessions.
///
/// The key follows from the product or the project, which all replicas share, and from the host's key if there is one.
/// An API key is no part of it: a rotation would change all hashes.
pub(crate) struct SessionHasher {
    /// What the keys of products are made with.
    base: [u8; 16],
    /// The key of the logger's own product or project.
    key: [u8; 16],
}

/// Prints no key.
impl fmt::Debug for SessionHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionHasher")
    }
}

impl SessionHasher {
    pub(crate) fn new(product: &str, session_key: Option<&[u8]>) -> Self {
        let base = session_key.map_or(DOMAIN, |key| siphash128(DOMAIN, key));
        let key = siphash128(base, product.as_bytes());
        Self { base, key }
    }

    /// Hashes an id. `product`: the event's own, where it is not the logger's.
    pub(crate) fn hash(&self, id: &str, product: Option<&str>) -> SessionHash {
        let key = match product {
            Some(product) => siphash128(self.base, product.as_bytes()),
            None => self.key,
        };
        let id = id.as_bytes();
        let id = id.get(..MAX_BYTES).unwrap_or(id);
        LAST.try_with(|last| last.try_borrow_mut().ok()?.hash(key, id))
            .ok()
            .flatten()
            .unwrap_or_else(|| SessionHash::new(siphash128(key, id)))
    }
}

/// The session that a thread hashed last: the calls of one come one after another as a rule, and to know it again costs a
/// fifth of a hash.
struct Last {
    key: [u8; 16],
    id: [u8; MAX_KEPT],
    length: usize,
    hash: SessionHash,
}

/// A longer id is hashed each time.
const MAX_KEPT: usize = 64;

thread_local! {
    static LAST: RefCell<Last> = const {
        RefCell::new(Last {
            key: [0; 16],
            id: [0; MAX_KEPT],
            length: usize::MAX,
            hash: SessionHash([0; SessionHash::LENGTH]),
        })
    };
}

impl Last {
    /// The hash of an id under a key, unless the id is too long to be kept.
    fn hash(&mut self, key: [u8; 16], id: &[u8]) -> Option<SessionHash> {
        let kept = self.id.get_mut(..id.len())?;
        if self.length != id.len() || self.key != key || kept != id {
            kept.copy_from_slice(id);
            (self.key, self.length) = (key, id.len());
            self.hash = SessionHash::new(siphash128(key, id));
        }
        Some(self.hash)
    }
}

/// The hash of a session's id, as text that needs no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionHash([u8; SessionHash::LENGTH]);

impl SessionHash {
    const PREFIX: &'static [u8; 10] = b"anonymous-";
    const LENGTH: usize = Self::PREFIX.len() + 32;

    fn new(hash: [u8; 16]) -> Self {
        let mut text = [0; Self::LENGTH];
        let (prefix, digits) = text.split_at_mut(Self::PREFIX.len());
        prefix.copy_from_slice(Self::PREFIX);
        id::spell(&hash, digits);
        Self(text)
    }

    /// The hash in 32 hexadecimal digits.
    pub(crate) fn digits(&self) -> &[u8] {
        self.0.get(Self::PREFIX.len()..).unwrap_or_default()
    }

    /// The user id of somebody anonymous in the session.
    pub(crate) fn anonymous_id(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(product: &str, key: Option<&[u8]>, id: &str) -> String {
        let hash = SessionHasher::new(product, key).hash(id, None);
        String::from_utf8(hash.digits().to_vec()).unwrap()
    }

    #[test]
    fn a_hash_never_changes() {
        // It is the same on every replica, so also in every version.
        let digits = "360da9e4f37a77f3998ee8d24fe7421a";
        let hash = SessionHasher::new("reoWebApp", None).hash("s-1", None);
        assert_eq!(hash.digits(), digits.as_bytes());
        assert_eq!(hash.anonymous_id(), format!("anonymous-{digits}"));
    }

    #[test]
    fn id_product_and_key_all_count() {
        let hashes = [
            hash("p", None, "s-1"),
            hash("p", None, "s-2"),
            hash("p", None, "S-1"),
            hash("p", None, ""),
            hash("q", None, "s-1"),
            hash("p", Some(&[1; 16]), "s-1"),
            hash("p", Some(&[2; 16]), "s-1"),
            hash("p", Some(&[1; 17]), "s-1"),
        ];
        let different: std::collections::HashSet<_> = hashes.iter().collect();
        assert_eq!(different.len(), hashes.len());
        let hasher = SessionHasher::new("p", None);
        assert_eq!(
            hasher.hash("s-1", Some("q")).digits(),
            hash("q", None, "s-1").as_bytes()
        );
        assert_eq!(format!("{hasher:?}"), "SessionHasher");
    }

    #[test]
    fn a_session_is_known_again_by_its_whole_id_and_key() {
        let hashers = ["p", "q"].map(|product| SessionHasher::new(product, None));
        let ids = ["", "s-1", "s-2", "s-12", &"x".repeat(64), &"x".repeat(65)].map(str::to_owned);
        for (first, second) in ids
            .iter()
            .flat_map(|id| ids.iter().map(move |other| (id, other)))
        {
            for hasher in &hashers {
                hasher.hash(first, None);
                let alone = SessionHash::new(siphash128(hasher.key, second.as_bytes()));
                assert_eq!(hasher.hash(second, None), alone, "{first} {second}");
                assert_eq!(hasher.hash(second, None), alone, "{first} {second}");
            }
        }
    }

    #[test]
    fn the_time_that_a_long_id_takes_is_bounded() {
        let long = "x".repeat(MAX_BYTES);
        assert_eq!(hash("p", None, &long), hash("p", None, &format!("{long}y")));
        assert_ne!(hash("p", None, &long), hash("p", None, &long[1..]));
    }
}

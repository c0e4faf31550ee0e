//! Keyed hashes in place of user ids and e-mail addresses (feature `pseudonyms`): people can be counted without being named.
//!
//! A pseudonym is an HMAC-SHA-256 with a key of yours. Without the key nobody can find out whose it is, not even by
//! trying every address. With another key the same person gets another pseudonym. Keep the key as long as
//! you want to recognize people, and destroy it to make the pseudonyms anonymous.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The fewest bytes a key may have: a shorter one can be guessed.
pub const MIN_KEY_BYTES: usize = 16;

/// Bytes of the hash that are kept: 96 bits, so that even a billion people rarely share one.
const KEPT_BYTES: usize = 12;

/// Makes pseudonyms of user ids and e-mail addresses.
///
/// # Examples
///
/// ```
/// use mcp_usage::pseudonym::Pseudonyms;
///
/// let pseudonyms = Pseudonyms::new(b"a key from your key store").expect("long enough");
/// let one = pseudonyms.user("rachel@example.com");
/// assert!(one.starts_with("user_"));
/// assert_eq!(one, pseudonyms.user("rachel@example.com"));
/// assert_ne!(one, pseudonyms.user("ross@example.com"));
/// ```
#[derive(Clone)]
pub struct Pseudonyms {
    key: Hmac<Sha256>,
    keep_domain: bool,
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms")
            .field("keep_domain", &self.keep_domain)
            .finish_non_exhaustive()
    }
}

/// A key with fewer than [`MIN_KEY_BYTES`] bytes.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key for pseudonyms needs at least {MIN_KEY_BYTES} bytes")]
pub struct KeyTooShort;

/// Reads like its `Display`.
impl fmt::Debug for KeyTooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Pseudonyms {
    /// Creates pseudonyms with a key: random bytes that only you have.
    ///
    /// # Errors
    ///
    /// [`KeyTooShort`] below [`MIN_KEY_BYTES`].
    pub fn new(key: &[u8]) -> Result<Self, KeyTooShort> {
        if key.len() < MIN_KEY_BYTES {
            return Err(KeyTooShort);
        }
        let key = Hmac::new_from_slice(key).map_err(|_| KeyTooShort)?;
        Ok(Self {
            key,
            keep_domain: false,
        })
    }

    /// Keeps the domain of e-mail addresses, so that companies can be distinguished. The text after the `@` is kept only if
    /// it has the form of a domain name with two or more labels.
    pub fn keep_domain(mut self) -> Self {
        self.keep_domain = true;
        self
    }

    /// Returns the pseudonym of a user id. White space around an id does not matter, but case does: `aB3x` and
    /// `ab3X` may be two people.
    pub fn user(&self, id: &str) -> String {
        self.pseudonym("user", id.trim())
    }

    /// Returns the pseudonym of an e-mail address, with its domain if that is kept. Neither case nor white
    /// space around an address matters.
    ///
    /// It has no `@`, so no rule takes it for an address again.
    pub fn email(&self, address: &str) -> String {
        let address = address.trim().to_lowercase();
        let pseudonym = self.pseudonym("email", &address);
        match address.rsplit_once('@') {
            Some((_, domain)) if self.keep_domain && is_domain(domain) => {
                format!("{pseudonym} at {domain}")
            }
            _ => pseudonym,
        }
    }

    fn pseudonym(&self, kind: &str, name: &str) -> String {
        let mut mac = self.key.clone();
        // The kind is hashed, too: the same text as id and as address gives two pseudonyms that nobody can join.
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(name.as_bytes());
        let hash = mac.finalize().into_bytes();
        let mut text = String::with_capacity(kind.len() + 1 + 2 * KEPT_BYTES);
        text.push_str(kind);
        text.push('_');
        for byte in hash.iter().take(KEPT_BYTES) {
            // Letters only, so that no rule for numbers or keys sees anything in it.
            text.push(char::from(b'a' + (byte >> 4)));
            text.push(char::from(b'a' + (byte & 15)));
        }
        text
    }
}

/// Whether a text has the form of a domain name: two labels or more, and no address of numbers.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let ends = [label.chars().next(), label.chars().next_back()];
        label.len() <= 63
            && ends
                .iter()
                .all(|end| end.is_some_and(char::is_alphanumeric))
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let top = text.rsplit_once('.').map(|(_, top)| top);
    text.len() <= 253
        && text.split('.').all(is_label)
        && top.is_some_and(|top| top.contains(|c: char| !c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Redactor;

    fn pseudonyms() -> Pseudonyms {
        Pseudonyms::new(b"0123456789abcdef").expect("long enough")
    }

    #[test]
    fn pseudonyms_are_stable_and_differ_by_key_and_kind() {
        let other = Pseudonyms::new(b"fedcba9876543210").expect("long enough");
        assert_eq!(pseudonyms().user("rachel "), pseudonyms().user("rachel"));
        assert_ne!(pseudonyms().user("Rachel"), pseudonyms().user("rachel"));
        assert_ne!(pseudonyms().user("rachel"), other.user("rachel"));
        assert_ne!(
            pseudonyms().user("rachel")[5..],
            pseudonyms().email("rachel")[6..]
        );
        assert_eq!(
            Pseudonyms::new(b"short").expect_err("too short"),
            KeyTooShort
        );
        assert!(!format!("{:?}", pseudonyms()).contains("0123"));
    }

    #[test]
    fn a_redactor_puts_pseudonyms_in_the_place_of_addresses() {
        let redactor = Redactor::builder()
            .pseudonyms(pseudonyms().keep_domain())
            .build()
            .expect("settings");
        let text = redactor
            .redact_str("ask rachel@example.com or RACHEL@example.com")
            .into_owned();
        let pseudonym = pseudonyms().email("rachel@example.com");
        assert_eq!(
            text,
            format!("ask {pseudonym} at example.com or {pseudonym} at example.com")
        );
        assert_eq!(redactor.redact_str(&text), text);
        let json = redactor
            .redact_json(r#"{"rachel@example.com":1,"password":"rachel@example.com"}"#)
            .into_owned();
        assert!(
            !json.contains("rachel") && json.contains("[REDACTED_FIELD]"),
            "{json}"
        );
    }
}

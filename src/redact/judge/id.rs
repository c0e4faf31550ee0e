//! Whether a value is the id of something, written as no secret is: a UUID, a ULID, words and a number.

use crate::redact::read::bytes::{at, digits, part, rest};

/// How long a UUID is.
pub(crate) const UUID: usize = 36;
const ULID: usize = 26;

/// Whether a value is an id: `01ARZ3NDEKTSV4RRFFQ69G5FAV`, `order-2024-17`, `sess_` and a UUID.
pub(crate) fn is_id(value: &[u8]) -> bool {
    ends_in_uuid(value)
        || ends_in_ulid(value)
        || is_slug(value)
        || is_object_id(value)
        || is_cuid(value)
}

/// Whether these are the five groups of hexadecimal digits that a UUID is made of.
pub(crate) fn is_uuid(id: &[u8; UUID]) -> bool {
    id.iter().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// Whether a value is a UUID, with or without words before it.
fn ends_in_uuid(value: &[u8]) -> bool {
    let is_word = |b: &u8| b.is_ascii_alphabetic() || is_sign(*b);
    value.split_last_chunk().is_some_and(|(head, id)| {
        is_uuid(id) && head.iter().all(is_word) && head.last().is_none_or(|sign| is_sign(*sign))
    })
}

/// Two capitals that say of what, and 128 bits, as Twilio numbers all it has: `SM0123…`.
pub(crate) fn is_numbered(value: &[u8]) -> bool {
    let (kind, number) = (part(value, 0, 2), rest(value, 2));
    number.len() == 32
        && kind.iter().all(u8::is_ascii_uppercase)
        && number
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}

/// Whether a value is a ULID, with or without a word before it: `ses_01ARZ3NDEKTSV4RRFFQ69G5FAV`. In small letters it
/// begins as those of these decades do.
fn ends_in_ulid(value: &[u8]) -> bool {
    value.split_last_chunk::<ULID>().is_some_and(|(head, id)| {
        let word = head.strip_suffix(b"_").or(head.strip_suffix(b"-"));
        (head.is_empty() || word.is_some_and(|word| word.iter().all(u8::is_ascii_alphabetic)))
            && (is_crockford(id) && matches!(at(id, 0), b'0'..=b'7')
                || id.starts_with(b"01") && is_crockford(&id.to_ascii_uppercase()))
            && (id.iter().all(|b| !b.is_ascii_lowercase())
                || id.iter().all(|b| !b.is_ascii_uppercase()))
    })
}

/// 48 bits of time and 80 of chance are written in the letters and digits of Crockford.
fn is_crockford(id: &[u8]) -> bool {
    id.iter().all(|b| {
        b.is_ascii_digit() || b.is_ascii_uppercase() && !matches!(b, b'I' | b'L' | b'O' | b'U')
    })
}

/// The id of an object of MongoDB: 24 hexadecimal digits, of which the first eight are a second between 2010 and 2033.
fn is_object_id(value: &[u8]) -> bool {
    value.len() == 24
        && matches!(at(value, 0), b'4'..=b'7')
        && (*b"4c"..*b"78").contains(&[at(value, 0), at(value, 1)])
        && value.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A CUID: a `c`, eight digits to the base of 36 that are a millisecond between 2012 and 2040, and 16 more.
fn is_cuid(value: &[u8]) -> bool {
    value.len() == 25
        && at(value, 0) == b'c'
        && matches!(at(value, 1), b'h'..=b'o')
        && value.iter().all(is_of_36)
        && value.iter().any(u8::is_ascii_digit)
}

/// A CUID of the second version says nothing of itself; its name has to.
pub(crate) fn may_be_cuid2(value: &[u8]) -> bool {
    value.len() == 24
        && at(value, 0).is_ascii_lowercase()
        && value.iter().all(is_of_36)
        && value.iter().any(u8::is_ascii_digit)
        && !value.iter().all(u8::is_ascii_hexdigit)
}

fn is_of_36(byte: &u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_lowercase()
}

/// Words and numbers with signs between them. A word is no more than letters, in one case or with a capital at its
/// beginning and within it now and then.
pub(crate) fn is_slug(value: &[u8]) -> bool {
    let parts = || value.split(|b| is_sign(*b));
    let is_word = |word: &[u8]| {
        word.iter().all(u8::is_ascii_alphabetic)
            && (word.iter().all(u8::is_ascii_uppercase)
                || part(word, 1, word.len())
                    .iter()
                    .filter(|b| b.is_ascii_uppercase())
                    .count()
                    <= word.len() / 4)
    };
    let is_number = |number: &[u8]| number.iter().all(u8::is_ascii_digit);
    parts().count() >= 2
        && parts().any(|word| word.len() >= 3 && is_word(word))
        && parts().all(|part| is_word(part) || is_number(part))
}

/// Whether a value is the name of what holds a secret: `db-secret-v1`.
pub(crate) fn is_resource(value: &[u8]) -> bool {
    memchr::memchr(b'-', value).is_some()
        && value
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        && digits(value) <= 3
}

const fn is_sign(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_hyphens_at_their_places() {
        assert!(is_uuid(b"0b7f5c3a-6b4e-4d3f-9e21-0a1b2c3d4E5F"));
        for other in [
            b"0b7f5c3a-6b4e-4d3f-9e210-a1b2c3d4e5f",
            b"0b7f5c3a-6b4e-4d3f-9e21-0a1b2c3d4e5g",
            b"0b7f5c3a06b4e04d3f09e2100a1b2c3d4e5f",
        ] {
            assert!(!is_uuid(other), "{}", other.escape_ascii());
        }
    }

    #[test]
    fn what_may_be_a_cuid_is_no_hexadecimal_number() {
        assert!(may_be_cuid2(b"tz4a98xxat96iws9zmbrgj3a"));
        for other in [
            "a07f1f77bcf86cd799439011",
            "4z4a98xxat96iws9zmbrgj3a",
            "tz4a98xxat96",
        ] {
            assert!(!may_be_cuid2(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn ids_are_told_from_secrets() {
        for id in [
            "0b7f5c3a-6b4e-4d3f-9e21-0a1b2c3d4e5f",
            "sess_0b7f5c3a-6b4e-4d3f-9e21-0a1b2c3d4e5f",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "sess_01h455vb4pex5vsknk084sn02q",
            "507f1f77bcf86cd799439011",
            "ckopqwooh000001la8mbi2im9",
            "order-2024-17",
            "orderTotal-73948",
            "user:1234",
        ] {
            assert!(is_id(id.as_bytes()), "{id}");
        }
        for secret in [
            "0b7f5c3a6b4e4d3f9e210a1b2c3d4e5f",
            "abc123def-456",
            "81ARZ3NDEKTSV4RRFFQ69G5FAV",
            "ses9_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "ses_91h455vb4pex5vsknk084sn02q",
            "01ARZ3NDEKTSV4RRFFq69g5fav",
            "a07f1f77bcf86cd799439011",
            "507F1F77BCF86CD799439011",
            "cqopqwooh000001la8mbi2im9",
            "tz4a98xxat96iws9zmbrgj3a",
            "01ARZ3NDEKTSV4RRFFQ69G5FAL",
            "aBcDeFgHi-12345",
            "12345678-1234",
            "x9_0b7f5c3a-6b4e-4d3f-9e21-0a1b2c3d4e5f",
        ] {
            assert!(!is_id(secret.as_bytes()), "{secret}");
        }
    }
}

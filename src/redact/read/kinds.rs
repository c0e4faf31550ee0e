//! Which kinds of bytes a value has: one look at each byte answers most questions on the whole of it.

use std::ops::BitOr;

use crate::redact::read::bytes::each_byte;

/// The kinds of bytes that a value has, or that a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kinds(u32);

pub(crate) const DIGIT: Kinds = Kinds(1);
pub(crate) const LOWER: Kinds = Kinds(1 << 1);
pub(crate) const UPPER: Kinds = Kinds(1 << 2);
pub(crate) const LETTER: Kinds = LOWER.or(UPPER);
pub(crate) const ALPHANUMERIC: Kinds = LETTER.or(DIGIT);
pub(crate) const SPACE: Kinds = Kinds(1 << 3);
pub(crate) const UNDERSCORE: Kinds = Kinds(1 << 4);
pub(crate) const DASH: Kinds = Kinds(1 << 5);
/// What `is_token` takes.
pub(crate) const TOKEN: Kinds = ALPHANUMERIC.or(UNDERSCORE).or(DASH);
pub(crate) const DOT: Kinds = Kinds(1 << 6);
pub(crate) const COLON: Kinds = Kinds(1 << 7);
pub(crate) const SLASH: Kinds = Kinds(1 << 8);
pub(crate) const BACKSLASH: Kinds = Kinds(1 << 9);
pub(crate) const EQUALS: Kinds = Kinds(1 << 10);
/// `(`
pub(crate) const ROUND: Kinds = Kinds(1 << 11);
/// `[`
pub(crate) const SQUARE: Kinds = Kinds(1 << 12);
/// `{`
pub(crate) const CURLY: Kinds = Kinds(1 << 13);
pub(crate) const HASH: Kinds = Kinds(1 << 14);
pub(crate) const STAR: Kinds = Kinds(1 << 15);
pub(crate) const PERCENT: Kinds = Kinds(1 << 16);
pub(crate) const BAR: Kinds = Kinds(1 << 17);
/// No ASCII.
pub(crate) const HIGH: Kinds = Kinds(1 << 18);
const OTHER: Kinds = Kinds(1 << 19);

static KINDS: [u32; 256] = each_byte!(|byte| {
    let kind = match byte {
        b'0'..=b'9' => DIGIT,
        b'a'..=b'z' => LOWER,
        b'A'..=b'Z' => UPPER,
        b' ' => SPACE,
        b'_' => UNDERSCORE,
        b'-' => DASH,
        b'.' => DOT,
        b':' => COLON,
        b'/' => SLASH,
        b'\\' => BACKSLASH,
        b'=' => EQUALS,
        b'(' => ROUND,
        b'[' => SQUARE,
        b'{' => CURLY,
        b'#' => HASH,
        b'*' => STAR,
        b'%' => PERCENT,
        b'|' => BAR,
        0x80.. => HIGH,
        _ => OTHER,
    };
    kind.0
});

impl Kinds {
    /// The kinds of the bytes of a value.
    #[inline]
    pub(crate) fn of(value: &[u8]) -> Self {
        let kind = |byte: &u8| KINDS.get(usize::from(*byte)).copied().unwrap_or(0);
        Self(value.iter().fold(0, |all, byte| all | kind(byte)))
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the value has a byte of any of these kinds.
    #[inline]
    pub(crate) fn any(self, kinds: Self) -> bool {
        self.0 & kinds.0 != 0
    }

    /// Whether the value has bytes of these kinds alone.
    #[inline]
    pub(crate) fn only(self, kinds: Self) -> bool {
        self.0 & !kinds.0 == 0
    }
}

impl BitOr for Kinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_kinds_of_its_bytes_and_no_other() {
        let signs = [
            (SPACE, b' '),
            (UNDERSCORE, b'_'),
            (DASH, b'-'),
            (DOT, b'.'),
            (COLON, b':'),
            (SLASH, b'/'),
            (BACKSLASH, b'\\'),
            (EQUALS, b'='),
            (ROUND, b'('),
            (SQUARE, b'['),
            (CURLY, b'{'),
            (HASH, b'#'),
            (STAR, b'*'),
            (PERCENT, b'%'),
            (BAR, b'|'),
        ];
        for byte in 0..=u8::MAX {
            let kinds = Kinds::of(&[b'a', byte]);
            assert_eq!(kinds.only(ALPHANUMERIC), byte.is_ascii_alphanumeric());
            assert_eq!(kinds.any(DIGIT), byte.is_ascii_digit());
            assert_eq!(kinds.any(UPPER), byte.is_ascii_uppercase());
            assert_eq!(kinds.any(HIGH), !byte.is_ascii());
            assert_eq!(
                kinds.only(TOKEN),
                crate::redact::read::bytes::is_token(byte)
            );
            for (kind, sign) in signs {
                assert_eq!(kinds.any(kind), byte == sign, "{}", byte as char);
            }
        }
        assert!(Kinds::of(b"").only(DIGIT) && !Kinds::of(b"").any(DIGIT | LETTER));
    }
}

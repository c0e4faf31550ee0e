//! Whether digits are a card number, or a social security number of the United States.

use crate::redact::catalogue::numbers::ISSUERS;
use crate::redact::read::bytes::{self, at, run_end};

const MOST_DIGITS: usize = 19;

/// A card number of the most digits and groups, with spaces of three bytes between them, is no longer.
pub(crate) const MAX_BYTES: usize = 48;

/// How long what separates two groups is: a space of any kind, a dash, or a full stop.
fn separator_len(text: &[u8]) -> usize {
    match text {
        [b' ' | b'-' | b'.', ..] => 1,
        [0xC2, 0xA0, ..] => 2,
        [0xE2, 0x80, 0x80..=0x8A | 0xAF, ..]
        | [0xE2, 0x81, 0x9F, ..]
        | [0xE1, 0x9A, 0x80, ..]
        | [0xE3, 0x80, 0x80, ..] => 3,
        _ => 0,
    }
}

/// Where a row of digits ends, with single separators between its groups; the month of a date is none of them:
/// `4111 1111 1111 1111 07/29`.
pub(crate) fn digits_end(text: &[u8]) -> usize {
    let (mut pos, mut last) = (0, 0);
    loop {
        pos = run_end(text, pos, text.len(), |b| b.is_ascii_digit());
        let separator = separator_len(bytes::rest(text, pos));
        if separator == 0 || !at(text, pos + separator).is_ascii_digit() {
            break;
        }
        last = pos;
        pos += separator;
    }
    let is_month = at(text, pos) == b'/' && last > 0 && pos - last <= 3;
    if is_month { last } else { pos }
}

/// Whether digits, perhaps in groups, are a card number: issuer, length and check digit.
pub(crate) fn is_card(text: &[u8]) -> bool {
    has_number(text, false) && is_grouped(text)
}

/// Whether digits behind the word for a card are its number, in groups of any length, such as one by one.
pub(crate) fn is_named_card(text: &[u8]) -> bool {
    has_number(text, true)
}

/// Whether the digits of a text are those of a card, with signs between them or not.
fn has_number(text: &[u8], named: bool) -> bool {
    let mut digits = [0u8; MOST_DIGITS];
    let mut count = 0;
    for byte in text.iter().filter(|b| b.is_ascii_digit()) {
        let Some(slot) = digits.get_mut(count) else {
            return false;
        };
        *slot = byte - b'0';
        count += 1;
    }
    let digits = bytes::part(&digits, 0, count);
    // Nine of ten numbers fail the sum, which costs a tenth of a look at the issuers.
    luhn(digits) && is_issued(digits, named || text.len() > count)
}

/// Whether an issuer gives out numbers that begin like this one and are as long.
fn is_issued(digits: &[u8], told: bool) -> bool {
    let four = bytes::part(digits, 0, 4)
        .iter()
        .fold(0, |n, d| n * 10 + u32::from(*d));
    let issued = ISSUERS.iter().any(|(from, to, lengths)| {
        let first = || four / 10u32.pow(3 - from.ilog10());
        lengths.contains(&digits.len()) && (*from..=*to).contains(&first())
    });
    // Without groups or a name too many other numbers are as long.
    issued || told && digits.len() == MOST_DIGITS && four / 1000 == 4
}

/// Whether groups could be those of a card: as they are printed, or, with the same signs between them, none shorter
/// than three digits but the last. Full stops stand in versions and addresses as well, so they take groups of four.
fn is_grouped(text: &[u8]) -> bool {
    let (mut groups, mut shortest, mut last, mut dots) = (1, usize::MAX, 0, false);
    let mut pos = 0;
    while pos < text.len() {
        let separator = separator_len(bytes::rest(text, pos));
        if separator == 0 {
            last += 1;
            pos += 1;
            continue;
        }
        dots |= at(text, pos) == b'.';
        shortest = shortest.min(last);
        (groups, last) = (groups + 1, 0);
        pos += separator;
    }
    if dots {
        groups == 4 && shortest == 4 && last == 4
    } else {
        shortest >= 3
    }
}

/// Whether these are the nine digits of a social security number that is given out, whatever stands between them: no
/// part of one is zero, and its area is none of those kept for others.
pub(crate) fn is_social_security(text: &[u8]) -> bool {
    let digits = || text.iter().filter(|b| b.is_ascii_digit());
    let number = digits()
        .take(10)
        .fold(0, |number: u64, b| number * 10 + u64::from(b - b'0'));
    let (area, group, serial) = (number / 1_000_000, number / 10_000 % 100, number % 10_000);
    digits().count() == 9 && !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| {
            let d = u32::from(d);
            if i % 2 == 0 {
                d
            } else if d > 4 {
                2 * d - 9
            } else {
                2 * d
            }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|d| *d != at(digits, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_digits_ends_where_two_signs_follow() {
        for (text, end) in [
            ("4111 1111", 9),
            ("4111  1111", 4),
            ("4111 x", 4),
            ("4111\u{a0}11", 8),
            ("12-", 2),
            ("4111 1111 07/29", 9),
            ("4111 1111 1111/2", 14),
        ] {
            assert_eq!(digits_end(text.as_bytes()), end, "{text}");
        }
    }

    #[test]
    fn social_security_numbers_are_those_that_are_given_out() {
        assert!(is_social_security(b"123-45-6789") && is_social_security(b"899999999"));
        for other in [
            "000-12-3456",
            "666123456",
            "900123456",
            "123-00-4567",
            "123-45-0000",
            "12345678",
        ] {
            assert!(!is_social_security(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn issuer_length_groups_and_check_digit_have_to_fit() {
        for card in [
            "4111111111111111",
            "378282246310005",
            "4111 1111 1111 1111",
            "6011000990139424",
            "5024000000000001",
            "5612000000000009",
        ] {
            assert!(is_card(card.as_bytes()), "{card}");
        }
        for card in ["41 11 11 11 11 11 11 11", "4111111111111111110"] {
            assert!(
                !is_card(card.as_bytes()) && is_named_card(card.as_bytes()),
                "{card}"
            );
        }
        for other in [
            "4111111111111112",
            "9111111111111111",
            "411111111111111",
            "41 11 11 11 11 11 11 11",
            "0000000000000000",
            "4111.11111111.1111",
            "41111111111111111111",
        ] {
            assert!(!is_card(other.as_bytes()), "{other}");
        }
    }
}

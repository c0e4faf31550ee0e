//! Whether digits are a card number, or a social security number of the United States.

use crate::redact::catalogue::numbers::ISSUERS;
use crate::redact::read::bytes::{self, at, run_end};

const MOST_DIGITS: usize = 19;

/// A card number of the most digits and groups, with spaces of three bytes between them, is no longer.
pub(crate) const MAX_BYTES: usize = 48;

/// How long what separates two groups is: a space of any kind, a dash, a full stop, or a [rare](is_rare) sign.
fn separator_len(text: &[u8]) -> usize {
    match text {
        [b' ' | b'-' | b'.' | b'_' | b'/' | b'\n', ..] => 1,
        [0xC2, 0xA0, ..] => 2,
        [0xE2, 0x80, 0x80..=0x8B | 0xAF, ..]
        | [0xE2, 0x81, 0x9F, ..]
        | [0xE1, 0x9A, 0x80, ..]
        | [0xE3, 0x80, 0x80, ..] => 3,
        _ => 0,
    }
}

/// Whether a separator seldom stands in the number of a card, but often between other numbers: `_`, `/`, the end of a
/// line, and the space without a width. It stands between all groups then, or between none.
fn is_rare(separator: &[u8]) -> bool {
    matches!(separator, [b'_' | b'/' | b'\n'] | [0xE2, 0x80, 0x8B])
}

/// Where a row of digits ends, with single separators between its groups; the month of a date is none of them:
/// `4111 1111 1111 1111 07/29`.
pub(crate) fn digits_end(text: &[u8]) -> usize {
    let (mut pos, mut last, mut first) = (0, 0, None);
    loop {
        pos = run_end(text, pos, text.len(), |b| b.is_ascii_digit());
        let length = separator_len(bytes::rest(text, pos));
        if length == 0 || !at(text, pos + length).is_ascii_digit() {
            break;
        }
        let separator = bytes::part(text, pos, pos + length);
        let first = *first.get_or_insert(separator);
        if first != separator && (is_rare(first) || is_rare(separator)) {
            break;
        }
        last = pos;
        pos += length;
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
    has_number(text, true) && (!has_rare(text) || is_grouped(text))
}

/// Whether the first two groups are separated by a rare sign, and so all are.
fn has_rare(text: &[u8]) -> bool {
    let end = run_end(text, 0, text.len(), |b| b.is_ascii_digit());
    let length = separator_len(bytes::rest(text, end));
    is_rare(bytes::part(text, end, end + length))
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
/// than three digits but the last. Full stops stand in versions and addresses as well, so they take groups of four, and
/// so do rare signs, or the groups of a card with fifteen digits.
fn is_grouped(text: &[u8]) -> bool {
    if has_rare(text) {
        let groups = || {
            let groups = text.split(|b| !b.is_ascii_digit()).map(<[u8]>::len);
            groups.filter(|group| *group > 0)
        };
        return groups().eq([4; 4]) || groups().eq([4, 6, 5]);
    }
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

/// Whether this is a number of the Swiss insurance in its groups, with the check digit of a bar code: `756.1234.5678.97`.
pub(crate) fn is_swiss_insurance(text: &[u8]) -> bool {
    let digits = text.iter().filter(|b| b.is_ascii_digit());
    let weighed = digits.zip([1, 3].iter().cycle());
    let sum: u32 = weighed
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    let groups = text.split(|b| *b == b'.').map(<[u8]>::len);
    text.starts_with(b"756.") && groups.eq([3, 4, 4, 2]) && sum.is_multiple_of(10)
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
    fn numbers_of_the_swiss_insurance_have_groups_and_a_check_digit() {
        assert!(is_swiss_insurance(b"756.1234.5678.97"));
        for other in ["756.1234.5678.98", "7561234567897", "756.1234.56789.7"] {
            assert!(!is_swiss_insurance(other.as_bytes()), "{other}");
        }
    }

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
            ("4111_1111_1111_1111 1", 19),
            ("4111 1111\n1111", 9),
            ("4111\n1111/1111", 9),
            ("4111\u{200b}1111", 11),
        ] {
            assert_eq!(digits_end(text.as_bytes()), end, "{text}");
        }
    }

    #[test]
    fn rare_signs_take_the_groups_of_a_card() {
        for other in [
            "411111_1111111111",
            "41111/1111/111/1111",
            "4111\n1111\n1111\n1112",
        ] {
            assert!(
                !is_card(other.as_bytes()) && !is_named_card(other.as_bytes()),
                "{other}"
            );
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
            "4111_1111_1111_1111",
            "4111/1111/1111/1111",
            "4111\n1111\n1111\n1111",
            "4111\u{200b}1111\u{200b}1111\u{200b}1111",
            "3782_822463_10005",
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

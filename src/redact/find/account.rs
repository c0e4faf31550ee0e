//! Bank account and British insurance numbers, which begin with letters.

use crate::redact::catalogue::numbers::{self, IBANS, NINO_LETTERS, NINO_NOT_GIVEN};
use crate::redact::class::Class;
use crate::redact::read::bytes::{self, at};
use crate::redact::read::scope::{Found, Scope};

/// A bank account number or a British insurance number, which begin with two letters before the digits at `pos`.
pub(crate) fn lettered(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let start = pos.checked_sub(2).filter(|start| *start >= scope.from)?;
    let (a, b) = (at(scope.text, start), at(scope.text, start + 1));
    if !a.is_ascii_alphabetic() || !b.is_ascii_alphabetic() && b != b' ' {
        return None;
    }
    iban(scope, start)
        .or_else(|| nino(scope, start))
        .or_else(|| {
            // `AB 12 34 56 C`
            let start = start
                .checked_sub(1)
                .filter(|start| b == b' ' && *start >= scope.from)?;
            nino(scope, start)
        })
}

fn is_left_border(scope: &Scope<'_>, start: usize) -> bool {
    let left = scope.before(start);
    !(left.is_ascii_alphanumeric() || matches!(left, b'_' | b'-' | b'.' | b'/' | b'+'))
        || is_escape(scope, start)
}

/// Whether the letter before `start` belongs to a literal `\n` or `\t`.
fn is_escape(scope: &Scope<'_>, start: usize) -> bool {
    matches!(scope.before(start), b'n' | b't' | b'r')
        && start > scope.from + 1
        && scope.before(start - 1) == b'\\'
}

/// An international bank account number: country, its length, and the check by 97.
fn iban(scope: &Scope<'_>, start: usize) -> Option<Found> {
    if !is_left_border(scope, start)
        || !scope.at(start + 2).is_ascii_digit()
        || !scope.at(start + 3).is_ascii_digit()
    {
        return None;
    }
    let country = [
        at(scope.text, start).to_ascii_uppercase(),
        at(scope.text, start + 1).to_ascii_uppercase(),
    ];
    let length = usize::from(IBANS.iter().find(|(code, _)| **code == country)?.1);
    let mut characters = [0u8; 34];
    let (mut count, mut pos) = (0, start);
    while count < length {
        let byte = scope.at(pos);
        if byte.is_ascii_alphanumeric() {
            *characters.get_mut(count)? = byte.to_ascii_uppercase();
            count += 1;
        } else if !(matches!(byte, b' ' | b'-')
            && count % 4 == 0
            && scope.at(pos + 1).is_ascii_alphanumeric())
        {
            return None;
        }
        pos += 1;
    }
    if scope.at(pos).is_ascii_alphanumeric() || scope.at(pos) == b'_' {
        return None;
    }
    let characters = bytes::part(&characters, 0, length);
    let (head, body) = characters.split_at_checked(4)?;
    let rest = body
        .iter()
        .chain(head)
        .fold(0u32, |rest, &byte| match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            _ => (rest * 100 + u32::from(byte.wrapping_sub(b'A')) + 10) % 97,
        });
    (rest == 1).then(|| Found::new(start, pos, numbers::IBAN))
}

/// A British national insurance number: two letters that are given out, six digits, A to D.
fn nino(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let (a, b) = (at(scope.text, start), at(scope.text, start + 1));
    let [not_first, not_second] = NINO_LETTERS;
    let given = a.is_ascii_uppercase()
        && b.is_ascii_uppercase()
        && !not_first.contains(&a)
        && !not_second.contains(&b)
        && !NINO_NOT_GIVEN.iter().any(|two| two.as_bytes() == [a, b]);
    if !given || !is_left_border(scope, start) {
        return None;
    }
    let mut pos = start + 2;
    let spaced = scope.at(pos) == b' ';
    for pair in 0..4 {
        if spaced && scope.at(pos) == b' ' {
            pos += 1;
        }
        if pair < 3 {
            if !scope.at(pos).is_ascii_digit() || !scope.at(pos + 1).is_ascii_digit() {
                return None;
            }
            pos += 2;
        }
    }
    (matches!(scope.at(pos), b'A'..=b'D')
        && !scope.at(pos + 1).is_ascii_alphanumeric()
        && scope.at(pos + 1) != b'_')
        .then(|| Found::new(start, pos + 1, Class::Nino))
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;

    #[test]
    fn accounts_and_insurance_numbers_go() {
        for (text, redacted) in [
            ("DE89 3704 0044 0532 0130 00", "[REDACTED_IBAN]"),
            ("to GB29NWBK60161331926819.", "to [REDACTED_IBAN]."),
            ("AB 12 34 56 C", "[REDACTED_NINO]"),
            ("is AB123456C now", "is [REDACTED_NINO] now"),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
    }

    #[test]
    fn what_fails_the_check_stays() {
        for text in [
            "DE89 3704 0044 0532 0130 01",
            "GB29NWBK60161331926818",
            "xDE89370400440532013000",
            "GB123456C",
            "AB123456E",
            "AB1234567C",
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}

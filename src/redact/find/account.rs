//! Bank account and British insurance numbers, which begin with letters.

use crate::redact::catalogue::numbers::{
    self, IBANS, NAME_OF_IBANS as NAME, NINO_LETTERS, NINO_NOT_GIVEN,
};
use crate::redact::class::Class;
use crate::redact::judge::card;
use crate::redact::read::bytes::{at, part};
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

/// An international bank account number. One that fails the check is a mistyped one where its name stands right before
/// it, and none elsewhere.
fn iban(scope: &Scope<'_>, start: usize) -> Option<Found> {
    if !is_left_border(scope, start) {
        return None;
    }
    let (end, is_valid) = iban_end(scope, start)?;
    let class = if is_valid {
        numbers::IBAN
    } else {
        Class::Field
    };
    let gap = scope.back(start, 2, |b| matches!(b, b' ' | b':'));
    let name = scope.back(gap, NAME.len() + 1, |b| b.is_ascii_alphanumeric());
    let is_named = || scope.part(name, gap).eq_ignore_ascii_case(NAME);
    (is_valid || is_named()).then(|| Found::new(start, end, class))
}

/// Where a number in groups ends that begins at `start`, and whose name says that it is a secret: the first group alone
/// would be all that goes.
pub(crate) fn grouped_end(scope: &Scope<'_>, start: usize) -> Option<usize> {
    if let Some((end, _)) = iban_end(scope, start) {
        return Some(end);
    }
    let text = scope.part(start, start + card::MAX_BYTES);
    let end = card::digits_end(text);
    (end > 0 && card::is_card(part(text, 0, end))).then_some(start + end)
}

/// Where a number ends that is written and as long as a bank account number of its country, and whether the check by 97
/// holds.
fn iban_end(scope: &Scope<'_>, start: usize) -> Option<(usize, bool)> {
    if !scope.at(start + 2).is_ascii_digit() || !scope.at(start + 3).is_ascii_digit() {
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
    let (head, body) = part(&characters, 0, length).split_at_checked(4)?;
    let rest = body
        .iter()
        .chain(head)
        .fold(0u32, |rest, &byte| match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            _ => (rest * 100 + u32::from(byte.wrapping_sub(b'A')) + 10) % 97,
        });
    Some((pos, rest == 1))
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
    fn a_number_in_groups_goes_whole_under_its_name() {
        for (text, redacted) in [
            (
                "IBAN: DE89 3704 0044 0532 0130 00, BIC: COBADEFF",
                "IBAN: [REDACTED_FIELD], BIC: COBADEFF",
            ),
            ("IBAN DE89 3704 0044 0532 0130 01", "IBAN [REDACTED_FIELD]"),
            (
                "card_number: 4111 1111 1111 1111 07/29",
                "card_number: [REDACTED_FIELD] 07/29",
            ),
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

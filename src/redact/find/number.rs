//! Cards and social security numbers, and what the rules for numbers share.

use crate::redact::catalogue::names::is_number_word;
use crate::redact::catalogue::numbers::{self, Introduces, introduces};
use crate::redact::class::Class;
use crate::redact::judge::card::{self, is_card};
use crate::redact::judge::name;
use crate::redact::kind::Kind;
use crate::redact::read::scope::{Found, Scope};

/// So many words before a number may say that it is a card's.
const MOST_WORDS: usize = 3;

/// How many digits stand at `pos`, with what may separate the groups of a number between them. Below seven there
/// is nothing to recognize.
pub(crate) fn digits_ahead(scope: &Scope<'_>, pos: usize) -> usize {
    let (mut digits, mut at) = (0, pos);
    while digits < 7 && at < pos + 14 {
        let byte = scope.at(at);
        if byte.is_ascii_digit() {
            digits += 1;
        } else if !matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/' | 0x80..) {
            // Behind the first group of a card alone.
            let is_card = matches!(byte, b'_' | b'\n') && at == pos + 4;
            if !is_card {
                break;
            }
        }
        at += 1;
    }
    digits
}

/// What stands before the group of digits at `pos`, unless it makes them a part of something else.
pub(crate) fn border(scope: &Scope<'_>, pos: usize) -> Option<u8> {
    let left = scope.before(pos);
    // The first track of a card: `%B5…^NAME^…`
    if left == b'B' && scope.before(pos - 1) == b'%' {
        return Some(b'%');
    }
    (!left.is_ascii_alphanumeric() && !matches!(left, b'_' | b'.' | b'$')).then_some(left)
}

/// A card or social security number that begins with the group of digits at `pos`.
///
/// `left` is what stands before it.
pub(crate) fn number(scope: &Scope<'_>, pos: usize, left: u8, kind: Kind) -> Option<Found> {
    let behind_word = left == b'-' && scope.before(pos - 1).is_ascii_alphanumeric();
    if kind == Kind::Id || behind_word {
        return None;
    }
    card(scope, pos, left).or_else(|| of_person(scope, pos))
}

/// The number of a person: `123-45-6789`, and in Switzerland `756.1234.5678.97`.
fn of_person(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let is_swiss = scope.at(pos + 3) == b'.';
    let end = pos + if is_swiss { 16 } else { 11 };
    let number = scope.part(pos, end);
    (is_swiss && card::is_swiss_insurance(number)
        || scope.at(pos + 3) == b'-'
            && scope.at(pos + 6) == b'-'
            && card::is_social_security(number))
    .then(|| Found::new(pos, end, Class::Ssn))
    .filter(|_| is_clear_end(scope, end))
}

/// A card number in groups of any size.
fn card(scope: &Scope<'_>, pos: usize, left: u8) -> Option<Found> {
    // Digits before it make it a part of a longer row.
    let in_row = matches!(left, b' ' | b'.') && scope.before(pos - 1).is_ascii_digit();
    if left == b'+' || in_row {
        return None;
    }
    let end = pos + card::digits_end(scope.part(pos, scope.to.min(pos + card::MAX_BYTES)));
    let text = scope.part(pos, end);
    let is_number = is_card(text) || is_behind_card(scope, pos) && card::is_named_card(text);
    (is_clear_end(scope, end) && is_number && !is_named_id(scope, pos))
        .then(|| Found::new(pos, end, numbers::CARD))
}

/// Whether a word for a card stands before a number: `card number: `, `Visa `.
fn is_behind_card(scope: &Scope<'_>, pos: usize) -> bool {
    let mut at = pos;
    for _ in 0..MOST_WORDS {
        let gap = scope.back(at, 3, |b| matches!(b, b' ' | b':' | b'#'));
        at = scope.back(gap, 16, |b| b.is_ascii_alphabetic() || b >= 0x80);
        match introduces(scope.part(at, gap)) {
            Introduces::Card => return true,
            Introduces::Between => {}
            _ => return false,
        }
    }
    false
}

/// Whether the word before a number says that it is an id: `order_id=`, `id: `.
pub(crate) fn is_named_id(scope: &Scope<'_>, pos: usize) -> bool {
    let gap = scope.back(pos, 4, |b| {
        matches!(b, b' ' | b':' | b'=' | b'"' | b'\'' | b'#' | b'.')
    });
    let name = scope.back(gap, 32, |b| {
        b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
    });
    let word = scope.part(name, gap);
    // `order number: `
    if gap < pos && is_number_word(word) && scope.before(name) == b' ' {
        return is_named_id(scope, name);
    }
    gap < pos && name < gap && name::is_id(word)
}

/// Whether a number can end here: a decimal point or a letter would make it a part of something else.
pub(crate) fn is_clear_end(scope: &Scope<'_>, end: usize) -> bool {
    let next = scope.at(end);
    !(next.is_ascii_alphanumeric()
        || next == b'_'
        || matches!(next, b'.' | b'-') && scope.at(end + 1).is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;
    use crate::redact::tests::{leaves, redacts};

    #[test]
    fn a_card_goes_whatever_separates_its_groups() {
        for card in [
            "4111_1111_1111_1111",
            "4111/1111/1111/1111",
            "4111\n1111\n1111\n1111",
            "4111\u{200b}1111\u{200b}1111\u{200b}1111",
            "3782_822463_10005",
        ] {
            for text in ["{}", "paid with {}, on Friday", "card={}"] {
                let with = |card: &str| text.replace("{}", card);
                redacts(&[(&with(card), &with("[REDACTED_CARD]"))]);
            }
        }
        leaves(&[
            "build_4111_1111_1111_1112",
            "/4111/1111/1111/1111/2",
            "411111_1111111111",
            "4111\n1111\n1111\n1111\n1111",
        ]);
    }

    #[test]
    fn numbers_of_the_swiss_insurance_go_with_their_check_digit() {
        let text = |number: &str| format!("insured as {number} since May");
        let redacted = redact_str(&text("756.1234.5678.97")).into_owned();
        assert_eq!(redacted, text("[REDACTED_SSN]"));
        for other in [
            "756.1234.5678.98",
            "757.1234.5678.97",
            "756.123.45678.97",
            "756.1234.5678.97.1",
        ] {
            assert_eq!(redact_str(&text(other)), text(other));
        }
    }

    #[test]
    fn cards_go_in_any_grouping() {
        for text in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4111.1111.1111.1111",
            "4111\u{a0}1111\u{a0}1111\u{a0}1111",
            "4111\u{2009}1111\u{202f}1111\u{3000}1111",
            "41111 11111 11111 1",
            "411 111 111 111 1111",
            "3782 822463 10005",
            "378 282 246 310 005",
            "6304 0000 0000",
            "5024 0000 0000 0001",
        ] {
            assert_eq!(redact_str(text), "[REDACTED_CARD]", "{text}");
        }
    }

    #[test]
    fn a_card_that_is_named_goes_however_it_is_written() {
        for text in [
            "card number: 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "Visa 41 11 11 11 11 11 11 11",
            "la tarjeta es 4111111111111111110",
        ] {
            assert!(redact_str(text).ends_with(" [REDACTED_CARD]"), "{text}");
        }
    }

    #[test]
    fn other_rows_of_digits_stay() {
        for text in [
            "4111 1111 1111 1112",
            "7 4111 1111 1111 1111",
            "4111 1111 1111 1111 2",
            "steps 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "41 11 11 11 11 11 11 11",
            "card 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 2",
            "4111111111111111110",
            "4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1",
            "order_id=4111111111111111",
            "2024-01-15 10:30:00",
            "123-45-678",
            "000-12-3456",
            "SSN 000-12-3456",
            "SSN 912345678",
            "ssn: 123-00-4567",
            "social security number 123-45-0000",
            "{\"ssn\":\"666-12-3456\"}",
        ] {
            assert_eq!(redact_str(text), text);
        }
        assert_eq!(redact_str("is 123-45-6789"), "is [REDACTED_SSN]");
        assert_eq!(redact_str("SSN 123456789"), "SSN [REDACTED_SSN]");
    }
}

//! Phone numbers: in an international or North American form, or behind a word that says what they are.

use crate::redact::catalogue::numbers::{DIALLED, Introduces, MOST_DIALLED, introduces};
use crate::redact::class::Class;
use crate::redact::find::number::{border, is_clear_end, is_named_id, number};
use crate::redact::judge::{card, language, name, person};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, before, run_end, run_start};
use crate::redact::read::scope::{Found, Scope};

/// Fewer digits with the code of a country are no number.
const LEAST_BEHIND_PLUS: usize = 9;
const LEAST_BEHIND_ZEROS: usize = 10;

/// How many digits a number has whose area stands in brackets.
const LEAST_IN_BRACKETS: usize = 9;
const LONGEST: usize = 12;

/// How a number ends that counts something.
const ROUND: &[u8] = b"00000";

/// A longer word before a number is looked at so far.
const LONGEST_WORD: usize = 40;
/// So many words before a number are looked at.
const MOST_WORDS: usize = 4;

/// A number of any kind that begins with the digits at `pos`: of a card, of a person, of a telephone.
pub(crate) fn any_number(scope: &Scope<'_>, pos: usize, kind: Kind) -> Option<Found> {
    let left = border(scope, pos)?;
    number(scope, pos, left, kind).or_else(|| phone(scope, pos, left))
}

/// A phone number that begins with the digits at `pos`, behind `left`.
fn phone(scope: &Scope<'_>, pos: usize, left: u8) -> Option<Found> {
    if left == b'+' {
        international(scope, pos, pos, LEAST_BEHIND_PLUS)
    } else if scope.part(pos, pos + 2) == b"00" {
        // Digits before it make it some groups of a longer row.
        let in_row = left == b' ' && scope.before(pos - 1).is_ascii_digit();
        let found = || international(scope, pos, pos + 2, LEAST_BEHIND_ZEROS);
        (!in_row && !is_named_id(scope, pos)).then(found).flatten()
    } else {
        north_american(scope, pos, left).or_else(|| in_brackets(scope, pos, left))
    }
}

/// A number whose area stands in brackets, in the groups of any country: `(11) 98264-7310`, `(030) 901820`.
fn in_brackets(scope: &Scope<'_>, pos: usize, left: u8) -> Option<Found> {
    let close = scope.ahead(pos, 5, |b| b.is_ascii_digit());
    let area = close - pos;
    let is_area = area == 2 || area > 2 && at(scope.text, pos) == b'0';
    if left != b'(' || !is_area || scope.at(close) != b')' {
        return None;
    }
    let (end, digits) = dialled(scope, pos, LONGEST);
    let start = pos - 1;
    ((LEAST_IN_BRACKETS..=LONGEST).contains(&digits)
        && is_clear_end(scope, end)
        && !scope.before(start).is_ascii_alphanumeric())
    .then(|| Found::new(start, end, Class::Phone))
}

/// A number with the code of its country at `first`; `pos` is where its digits begin.
fn international(scope: &Scope<'_>, pos: usize, first: usize, least: usize) -> Option<Found> {
    let plus = pos == first;
    if plus && scope.before(pos - 1).is_ascii_alphanumeric() {
        return None;
    }
    let most = country_digits(scope.part(first, first + 3))?;
    let (mut end, mut digits) = dialled(scope, first, most);
    // The last group may begin a word: `+33 6 12 34 56 48rk_…`.
    if plus && scope.at(end).is_ascii_alphabetic() {
        let group = run_start(scope.text, end, first, |b| b.is_ascii_digit());
        if group > first && scope.before(group) == b' ' {
            digits -= end - group;
            end = run_start(scope.text, group, first, |b| b == b' ');
        }
    }
    let least = if matches!(at(scope.text, first), b'1' | b'7') {
        11
    } else {
        least
    };
    // A port follows an address.
    let port = scope.at(end) == b':' && scope.at(end + 1).is_ascii_digit();
    (digits >= least && is_clear_end(scope, end) && !port)
        .then(|| Found::new(pos - usize::from(plus), end, Class::Phone))
}

/// Ten digits in the groups of North America, or eleven with a 1 before them.
fn north_american(scope: &Scope<'_>, pos: usize, left: u8) -> Option<Found> {
    let bracket = left == b'(' && memchr::memchr(b')', scope.part(pos, pos + 5)).is_some();
    let start = pos - usize::from(bracket);
    if bracket && scope.before(start).is_ascii_alphanumeric() {
        return None;
    }
    let with_code = at(scope.text, pos) == b'1' && !scope.at(pos + 1).is_ascii_digit();
    // The last four digits of a number in groups stand at a fixed place.
    let area = if with_code {
        pos + 2 + usize::from(scope.at(pos + 2) == b'(')
    } else {
        pos
    };
    if !(scope.at(area + 11).is_ascii_digit() || scope.at(area + 3) == b')') {
        return None;
    }
    let most = 10 + usize::from(with_code);
    let (end, digits) = dialled(scope, pos, most);
    if digits != most || !is_clear_end(scope, end) || left == b'-' || left == b'/' {
        return None;
    }
    // A row of numbers with spaces between them, of which these are three.
    let spaced = memchr::memchr(b' ', scope.part(start + 4, end)).is_some();
    let in_row = spaced
        && (left == b' ' && scope.before(pos - 1).is_ascii_digit()
            || scope.at(end) == b' ' && scope.at(end + 1).is_ascii_digit());
    (!in_row && is_nanp(scope.part(start, end)) && (bracket || !is_named_id(scope, start)))
        .then(|| Found::new(start, end, Class::Phone))
}

/// Digits with at most two separators between them: the end, and how many digits there are.
fn dialled(scope: &Scope<'_>, from: usize, most: usize) -> (usize, usize) {
    let (mut end, mut pos, mut digits) = (from, from, 0);
    while digits < most {
        let byte = scope.at(pos);
        if byte.is_ascii_digit() {
            digits += 1;
            pos += 1;
            end = pos;
            continue;
        }
        let gap = scope.ahead(pos, 3, |b| {
            matches!(b, b' ' | b'-' | b'.' | b'(' | b')' | b'/')
        });
        if gap == pos || gap - pos > 2 || !scope.at(gap).is_ascii_digit() {
            break;
        }
        pos = gap;
    }
    (end, digits)
}

/// How many digits a number has at most in the country whose code it begins with, the code included.
fn country_digits(digits: &[u8]) -> Option<usize> {
    let is_code = digits.len() >= 3
        && (digits.iter().take(2).all(u8::is_ascii_digit) || matches!(at(digits, 0), b'1' | b'7'));
    if !is_code || at(digits, 0) == b'0' {
        return None;
    }
    let row = DIALLED
        .iter()
        .find(|(codes, _)| codes.iter().any(|code| digits.starts_with(code.as_bytes())));
    Some(row.map_or(MOST_DIALLED, |(_, most)| *most))
}

/// Digits behind a word that says what they are: a phone number, a social security number.
pub(crate) fn introduced(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let text = scope.text;
    let left = scope.before(pos);
    // In a row of numbers only the first one can follow a word.
    if left.is_ascii_alphanumeric()
        || matches!(left, b'.' | b'_')
        || matches!(left, b' ' | b'-' | b'/' | b'(') && before(text, pos - 1).is_ascii_digit()
    {
        return None;
    }
    let end = scope.ahead(pos, 24, |b| {
        b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'.' | b'(' | b')' | b'/')
    });
    let end = run_start(text, end, pos, |b| !b.is_ascii_digit());
    let digits = bytes::digits(scope.part(pos, end));
    if !(7..=15).contains(&digits) || !is_clear_end(scope, end) || is_other(scope.part(pos, end)) {
        return None;
    }
    let found = |class| Some(Found::new(pos, end, class));
    // The words before, as far as they are near: `phone number is: `, `tel=`, `call me at `.
    let (mut at, mut led, mut whose) = (pos, None, false);
    for _ in 0..MOST_WORDS {
        let gap = scope.back(at, 4, |b| b" :=#.(\"'+*>_".contains(&b));
        let word = scope.back(gap, LONGEST_WORD, |b| b.is_ascii_alphabetic() || b >= 0x80);
        // The first letter may be longer than what is looked at.
        let word = run_end(text, word, gap, |b| b & 0xC0 == 0x80);
        let named = scope.part(word, led.unwrap_or(gap));
        if !whose && says_phone(scope.part(word, gap), named, scope.part(gap, pos)) {
            return found(Class::Phone);
        }
        match introduces(scope.part(word, gap)) {
            Introduces::LongPhone => {
                let assigned = at < pos && scope.part(gap, at).contains(&b'=');
                return (digits >= 10 && !assigned)
                    .then(|| found(Class::Phone))
                    .flatten();
            }
            Introduces::SocialSecurity => {
                let is_given = card::is_social_security(scope.part(pos, end));
                return is_given.then(|| found(Class::Ssn)).flatten();
            }
            Introduces::Person(person) => {
                let is_said =
                    at < pos || memchr::memchr3(b':', b'=', b'#', scope.part(gap, pos)).is_some();
                let is_given = person::is_number(person, scope.part(pos, end), is_said);
                return is_given.then(|| found(Class::Ssn)).flatten();
            }
            Introduces::Between => (at, led) = (word, led.or(Some(gap))),
            // `call Karim at …`
            _ if led.is_some() && !whose && scope.at(word).is_ascii_uppercase() => {
                (at, whose) = (word, true)
            }
            _ => return None,
        }
    }
    None
}

/// Whether digits are no phone number, whatever stands before them: a date and what follows it, or a round number.
fn is_other(digits: &[u8]) -> bool {
    let is_date = |date: &[u8; 10]| {
        let parts = date.split(|b| *b == b'-').map(<[u8]>::len);
        matches!(date, [b'1' | b'2', b'0' | b'9', ..]) && parts.eq([4, 2, 2])
    };
    digits.first_chunk().is_some_and(is_date) || digits.ends_with(ROUND)
}

/// Whether a word says that a phone number follows: alone or, before a sign, as the last of a name; or does so together
/// with the words behind it.
fn says_phone(word: &[u8], named: &[u8], behind: &[u8]) -> bool {
    let is_name = || named.len() > word.len() || memchr::memchr2(b':', b'=', behind).is_some();
    language::named_in_any_case(word) == Some(Kind::Phone)
        || is_name() && name::judge(named) == Kind::Phone
}

/// The whole value of a field that is named like a phone number.
pub(crate) fn named_phone(scope: &Scope<'_>) -> Option<Found> {
    let value = scope.part(scope.from, scope.to);
    let digits = bytes::digits(value);
    let rest = value.iter().all(|b| {
        b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'.' | b'(' | b')' | b'+' | b'/' | b'x')
    });
    ((7..=17).contains(&digits) && rest).then(|| Found::new(scope.from, scope.to, Class::Phone))
}

fn is_nanp(text: &[u8]) -> bool {
    let digits: [u8; 11] = {
        let mut all = [0; 11];
        let mut count = 0;
        for byte in text.iter().filter(|b| b.is_ascii_digit()) {
            if let Some(slot) = all.get_mut(count) {
                *slot = *byte;
            }
            count += 1;
        }
        match count {
            10 => all.copy_within(0..10, 1),
            11 if at(text, 0) == b'1' => {}
            _ => return false,
        }
        all
    };
    let area = at(&digits, 1);
    let separators = text.iter().filter(|b| !b.is_ascii_digit()).count();
    let local = bytes::rest(text, if text.len() > separators + 10 { 2 } else { 0 });
    let shape: bool = match local {
        [b'(', _, _, _, b')', rest @ ..] => {
            let rest = rest.strip_prefix(b" ").unwrap_or(rest);
            rest.len() == 8 && matches!(at(rest, 3), b'-' | b'.' | b' ')
        }
        rest => {
            rest.len() == 12
                && at(rest, 3) == at(rest, 7)
                && matches!(at(rest, 3), b'-' | b'.' | b' ')
        }
    };
    shape && (b'2'..=b'9').contains(&area)
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;
    use crate::redact::tests::leaves;

    #[test]
    fn the_number_of_a_person_goes_behind_what_a_state_calls_it() {
        let text = |number: &str| format!("nie znaleziono osoby o numerze PESEL {number}");
        let redacted = redact_str(&text("44051401359")).into_owned();
        assert_eq!(redacted, text("[REDACTED_SSN]"));
        assert_eq!(redact_str(&text("440514013")), text("440514013"));
        for other in [
            "BSN 1112223 boxes",
            "TFN 123 456 on page 2",
            "personnummer 811228-98",
            "Aadhaar 2345 6789",
            "CPF 111444777 in rows",
        ] {
            assert_eq!(redact_str(other), other);
        }
        let other = "nie znaleziono faktury o numerze 44051401359";
        assert_eq!(redact_str(other), other);
    }

    #[test]
    fn phone_numbers_go() {
        for text in [
            "+49 30 901820",
            "0049 30 9018200",
            "+1 415 555 2671",
            "(11) 98264-7310",
            "(030) 901820 55",
            "(415) 555-2671",
            "1-415-555-2671",
            "415 555 2671",
            "phone number is 030 901820",
            "Tel\u{e9}fono: 912 345 678",
            "call me at 0151 23456789",
            "Handynummer: 0171 2345678",
            "mon numéro de portable est le 06 12 34 56 78",
            "telefonní číslo 601 234 567",
            "tel. kom. 601 234 567",
            "Телефон для связи: 8 (495) 123-45-67",
            "手机号码：13812345678",
            "我的手机号是13812345678",
            "휴대폰 번호: 010-1234-5678",
            "telefono fisso 02 1234567",
            "phone_number=0612345678",
            "customerPhone: 0612345678",
            "landline 020 7946 0958",
        ] {
            assert!(redact_str(text).contains("[REDACTED_PHONE]"), "{text}");
        }
    }

    #[test]
    fn a_short_word_for_a_number_of_a_person_is_asked_for_the_check_digit() {
        leaves(&[
            "TFN 13 14 15 000",
            "tfn 08 123 456 7",
            "IDNR 20240115123 Maschine",
            "idnr 20240115123 wurde importiert",
            "BSN 202401151 entries",
            "cpf 20240115123 registros",
        ]);
        for text in [
            "TFN 123 456 782",
            "IdNr 86095742719",
            "BSN 111222333",
            "cpf 529.982.247-25",
            "IdNr.: 20240115123",
            "tfn number 131415001",
            "my cpf is 20240115123",
        ] {
            let redacted = redact_str(text);
            assert!(redacted.contains(" [REDACTED_"), "{redacted}");
        }
    }

    #[test]
    fn other_numbers_stay() {
        for text in [
            "order 415-555-2671 is packed",
            "ticket number: 415-555-2671",
            "0.000 200 200 4970 42587",
            "DE00 3704 0044 0532 0130 01",
            "Serial: 0049-1512-3456, firmware",
            "+49 30",
            "10.0.0.1:8080",
            "call 42",
            "iPhone 35123456",
            "fax 2026-01-15 10:30",
            "sms: 2000000",
            "portable 1234567",
            "numéro 0612345678",
            "机票号码：13812345678",
            "415-155-26",
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}

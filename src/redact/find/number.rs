//! Personal numbers that can be validated: cards, phones, bank accounts, national numbers.

use crate::redact::catalogue::names::is_number_word;
use crate::redact::class::Class;
use crate::redact::judge::card::is_card;
use crate::redact::judge::name;
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, before, run_end, run_start};
use crate::redact::read::scope::{Found, Scope};

/// How many digits stand at `pos`, with what may separate the groups of a number between them. Below seven there
/// is nothing to recognize.
pub(crate) fn digits_ahead(scope: &Scope<'_>, pos: usize) -> usize {
    let (mut digits, mut at) = (0, pos);
    while digits < 7 && at < pos + 14 {
        let byte = scope.at(at);
        if byte.is_ascii_digit() {
            digits += 1;
        } else if !matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/') {
            break;
        }
        at += 1;
    }
    digits
}

/// A number that begins with the group of digits at `pos`.
pub(crate) fn number(scope: &Scope<'_>, pos: usize, kind: Kind) -> Option<Found> {
    let mut left = scope.before(pos);
    // The first track of a card: `%B5…^NAME^…`
    if left == b'B' && scope.before(pos - 1) == b'%' {
        left = b'%';
    }
    if left.is_ascii_alphanumeric() || matches!(left, b'_' | b'.' | b'$') {
        return None;
    }
    // Cards and social security numbers begin with groups of certain lengths; other rows of digits are passed by.
    let first = run_end(scope.text, pos, scope.to.min(pos + 20), |b| {
        b.is_ascii_digit()
    }) - pos;
    let ssn = first == 3 && scope.at(pos + 3) == b'-' && scope.at(pos + 6) == b'-';
    if !matches!(first, 4 | 6 | 13..=19) && !ssn {
        return phone(scope, pos, left);
    }
    // Digits with single spaces or dashes between them.
    let mut end = pos;
    let mut digits = 0;
    let mut dashes = 0;
    loop {
        let byte = scope.at(end);
        if byte.is_ascii_digit() {
            digits += 1;
        } else if matches!(byte, b' ' | b'-') && scope.at(end + 1).is_ascii_digit() && end > pos {
            dashes += 1;
        } else {
            break;
        }
        end += 1;
        if digits > 20 {
            return None;
        }
    }
    if digits >= 9
        && kind != Kind::Id
        && !(left == b'-' && scope.before(pos - 1).is_ascii_alphanumeric())
    {
        let clear = is_clear_end(scope, end);
        if clear
            && (13..=19).contains(&digits)
            && left != b'+'
            && is_card(scope.part(pos, end))
            && !is_named_id(scope, pos)
        {
            return Some(Found::new(pos, end, Class::Card));
        }
        if clear && digits == 9 && dashes == 2 && is_ssn(scope.part(pos, end)) {
            return Some(Found::new(pos, end, Class::Ssn));
        }
    }
    if digits == 4 && dashes == 0 && scope.at(end) == b'.' && kind != Kind::Id {
        // Groups with full stops between them are a card only if all of them look it.
        let end = pos + 19;
        let card = scope.part(pos, end);
        if card.len() == 19
            && [4, 9, 14].iter().all(|at| card.get(*at) == Some(&b'.'))
            && is_clear_end(scope, end)
            && is_card(card)
        {
            return Some(Found::new(pos, end, Class::Card));
        }
    }
    phone(scope, pos, left)
}

/// Whether the word before a number says that it is an id: `order_id=`, `id: `.
fn is_named_id(scope: &Scope<'_>, pos: usize) -> bool {
    let gap = run_start(
        scope.text,
        pos,
        scope.from.max(pos.saturating_sub(4)),
        |b| matches!(b, b' ' | b':' | b'=' | b'"' | b'\'' | b'#'),
    );
    let name = run_start(
        scope.text,
        gap,
        scope.from.max(gap.saturating_sub(32)),
        |b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-',
    );
    let word = scope.part(name, gap);
    // `order number: `
    if gap < pos && is_number_word(word) && scope.before(name) == b' ' {
        return is_named_id(scope, name);
    }
    gap < pos && name < gap && name::is_id(word)
}

/// Whether a number can end here: a decimal point or a letter would make it a part of something else.
fn is_clear_end(scope: &Scope<'_>, end: usize) -> bool {
    let next = scope.at(end);
    !(next.is_ascii_alphanumeric()
        || next == b'_'
        || matches!(next, b'.' | b'-') && scope.at(end + 1).is_ascii_alphanumeric())
}

/// A phone number in an international or North American form, which begins with the digits at `pos`.
fn phone(scope: &Scope<'_>, pos: usize, left: u8) -> Option<Found> {
    let plus = left == b'+';
    let double_zero = scope.part(pos, pos + 2) == b"00";
    if plus && scope.before(pos - 1).is_ascii_alphanumeric() {
        return None;
    }
    // A row of groups, of which these are some.
    if double_zero && left == b' ' && scope.before(pos - 1).is_ascii_digit() {
        return None;
    }
    if plus || double_zero {
        let first = if plus { pos } else { pos + 2 };
        let most = country_digits(scope.part(first, first + 3))?;
        let (mut end, mut digits, _) = dialled(scope, first, most);
        // The last group may begin a word: `+33 6 12 34 56 48rk_…`.
        if plus && scope.at(end).is_ascii_alphabetic() {
            let group = run_start(scope.text, end, first, |b| b.is_ascii_digit());
            if group > first && scope.before(group) == b' ' {
                digits -= end - group;
                end = run_start(scope.text, group, first, |b| b == b' ');
            }
        }
        let exact = matches!(at(scope.text, first), b'1' | b'7');
        let least = if exact {
            11
        } else if plus {
            9
        } else {
            10
        };
        if digits >= least
            && is_clear_end(scope, end)
            && !(scope.at(end) == b':' && scope.at(end + 1).is_ascii_digit())
        {
            return Some(Found::new(
                if plus { pos - 1 } else { pos },
                end,
                Class::Phone,
            ));
        }
        return None;
    }
    let start = if left == b'(' && memchr::memchr(b')', scope.part(pos, pos + 5)).is_some() {
        pos - 1
    } else {
        pos
    };
    if start < pos && scope.before(start).is_ascii_alphanumeric() {
        return None;
    }
    // The last four digits of a number in groups stand at a fixed place.
    let area = match at(scope.text, pos) {
        b'1' if !scope.at(pos + 1).is_ascii_digit() => {
            pos + 2 + usize::from(scope.at(pos + 2) == b'(')
        }
        _ => pos,
    };
    if !(scope.at(area + 11).is_ascii_digit() || scope.at(area + 3) == b')') {
        return None;
    }
    let most = if at(scope.text, pos) == b'1' && !scope.at(pos + 1).is_ascii_digit() {
        11
    } else {
        10
    };
    let (end, digits, _) = dialled(scope, pos, most);
    if digits != most || !is_clear_end(scope, end) || left == b'-' || left == b'/' {
        return None;
    }
    // A row of numbers with spaces between them, of which these are three.
    let spaced = memchr::memchr(b' ', scope.part(start + 4, end)).is_some();
    let in_row = spaced
        && (left == b' ' && scope.before(pos - 1).is_ascii_digit()
            || scope.at(end) == b' ' && scope.at(end + 1).is_ascii_digit());
    (!in_row && is_nanp(scope.part(start, end)) && !is_named_id(scope, start))
        .then(|| Found::new(start, end, Class::Phone))
}

/// Digits with at most two separators between them: the end, and how many digits there are.
fn dialled(scope: &Scope<'_>, from: usize, most: usize) -> (usize, usize, usize) {
    let (mut end, mut pos, mut digits, mut gaps) = (from, from, 0, 0);
    while digits < most {
        let byte = scope.at(pos);
        if byte.is_ascii_digit() {
            digits += 1;
            pos += 1;
            end = pos;
            continue;
        }
        let gap = run_end(scope.text, pos, scope.to.min(pos + 3), |b| {
            matches!(b, b' ' | b'-' | b'.' | b'(' | b')' | b'/')
        });
        if gap == pos || gap - pos > 2 || !scope.at(gap).is_ascii_digit() {
            break;
        }
        gaps += 1;
        pos = gap;
    }
    (end, digits, gaps)
}

/// How many digits a number has at most in the country whose code it begins with, the code included.
fn country_digits(digits: &[u8]) -> Option<usize> {
    let code = |length: usize| bytes::part(digits, 0, length);
    if digits.len() < 3
        || !digits.iter().take(2).all(u8::is_ascii_digit) && !matches!(code(1), b"1" | b"7")
    {
        return None;
    }
    Some(match (code(1), code(2)) {
        (b"0", _) => return None,
        (b"1" | b"7", _) => 11,
        (_, b"33" | b"34" | b"31" | b"32" | b"41" | b"46" | b"48" | b"61" | b"27" | b"30") => 12,
        (_, b"44" | b"91" | b"81" | b"82" | b"52" | b"90" | b"39") => 13,
        (_, b"45" | b"47" | b"65") => 10,
        (_, b"86" | b"55") => 13,
        (
            _,
            b"21" | b"22" | b"23" | b"24" | b"25" | b"26" | b"29" | b"35" | b"37" | b"38" | b"42"
            | b"50" | b"59" | b"67" | b"68" | b"85" | b"88" | b"96" | b"97" | b"99",
        ) => 13,
        _ => 14,
    })
}

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

/// Countries and the length of their account numbers, from the registry of SWIFT.
#[rustfmt::skip]
const IBANS: &[(&[u8; 2], u8)] = &[
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22), (b"BH", 22), (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24),
    (b"DE", 22), (b"DJ", 27), (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18), (b"FK", 18), (b"FO", 18), (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27), (b"GT", 28),
    (b"HN", 28), (b"HR", 21), (b"HU", 28), (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26), (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28), (b"LC", 32), (b"LI", 21), (b"LT", 20), (b"LU", 20), (b"LV", 21), (b"LY", 25),
    (b"MC", 27), (b"MD", 24), (b"ME", 22), (b"MK", 19), (b"MN", 20), (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23), (b"PK", 24), (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29),
    (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24), (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25), (b"SV", 28), (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20), (b"YE", 30),
];

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
    (rest == 1).then(|| Found::new(start, pos, Class::Iban))
}

/// A British national insurance number: two letters that are given out, six digits, A to D.
fn nino(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let (a, b) = (at(scope.text, start), at(scope.text, start + 1));
    let given = a.is_ascii_uppercase()
        && b.is_ascii_uppercase()
        && !matches!(a, b'D' | b'F' | b'I' | b'Q' | b'U' | b'V')
        && !matches!(b, b'D' | b'F' | b'I' | b'O' | b'Q' | b'U' | b'V')
        && !matches!(
            &[a, b],
            b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ"
        );
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

/// Words for a telephone that are not ASCII.
const PHONES: &[&str] = &[
    "m\u{f3}vil",
    "tel\u{e9}fono",
    "t\u{e9}l\u{e9}phone",
    "T\u{e9}l\u{e9}phone",
    "t\u{e9}l",
    "T\u{e9}l",
    "Tel\u{e9}fono",
    "\u{442}\u{435}\u{43b}\u{435}\u{444}\u{43e}\u{43d}",
    "\u{422}\u{435}\u{43b}\u{435}\u{444}\u{43e}\u{43d}",
    "\u{442}\u{435}\u{43b}",
    "\u{96fb}\u{8a71}",
    "\u{7535}\u{8bdd}",
    "\u{624b}\u{673a}",
    "\u{c804}\u{d654}",
];

/// Digits behind a word that says what they are: a phone number, a social security number.
pub(crate) fn introduced(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let text = scope.text;
    let left = scope.before(pos);
    if left.is_ascii_alphanumeric() || matches!(left, b'.' | b'_') {
        return None;
    }
    // In a row of numbers only the first one can follow a word.
    if matches!(left, b' ' | b'-' | b'/' | b'(') && before(text, pos - 1).is_ascii_digit() {
        return None;
    }
    let end = run_end(text, pos, scope.to.min(pos + 24), |b| {
        b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'.' | b'(' | b')' | b'/')
    });
    let end = run_start(text, end, pos, |b| !b.is_ascii_digit());
    let digits = scope
        .part(pos, end)
        .iter()
        .filter(|b| b.is_ascii_digit())
        .count();
    if !(7..=15).contains(&digits) || !is_clear_end(scope, end) {
        return None;
    }
    // The words before, as far as they are near: `phone number is: `, `tel=`, `call me at `.
    let mut at = pos;
    for _ in 0..4 {
        let gap = run_start(text, at, scope.from.max(at.saturating_sub(4)), |b| {
            matches!(
                b,
                b' ' | b':' | b'=' | b'#' | b'.' | b'(' | b'"' | b'\'' | b'+' | b'*' | b'>'
            )
        });
        let word = run_start(text, gap, scope.from.max(gap.saturating_sub(24)), |b| {
            b.is_ascii_alphabetic() || b >= 0x80
        });
        let name = scope.part(word, gap);
        let is = |list: &[&[u8]]| list.iter().any(|known| name.eq_ignore_ascii_case(known));
        if is(&[
            b"phone",
            b"tel",
            b"telephone",
            b"mobile",
            b"fax",
            b"whatsapp",
            b"sms",
            b"cellphone",
            b"phonenumber",
            b"telefon",
            b"handy",
            b"telefono",
            b"hotline",
            b"mobil",
            b"mobiltelefon",
            b"celular",
            b"cellulare",
            b"gsm",
        ]) || PHONES.iter().any(|known| name == known.as_bytes())
        {
            return Some(Found::new(pos, end, Class::Phone));
        }
        if is(&[b"call", b"cell", b"contact", b"ring", b"text", b"dial"]) {
            return (digits >= 10 && (at == pos || !scope.part(gap, at).contains(&b'=')))
                .then(|| Found::new(pos, end, Class::Phone));
        }
        if is(&[b"ssn", b"security"]) {
            return (digits == 9).then(|| Found::new(pos, end, Class::Ssn));
        }
        if !is(&[
            b"number", b"no", b"nr", b"is", b"me", b"at", b"on", b"us", b"num", b"my", b"to",
            b"him", b"her",
        ]) {
            return None;
        }
        at = word;
    }
    None
}

/// The whole value of a field that is named like a phone number.
pub(crate) fn named_phone(scope: &Scope<'_>) -> Option<Found> {
    let value = scope.part(scope.from, scope.to);
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
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

fn is_ssn(text: &[u8]) -> bool {
    let area = part_number(text, 0, 3);
    at(text, 3) == b'-'
        && at(text, 6) == b'-'
        && !matches!(area, 0 | 666 | 900..)
        && part_number(text, 4, 6) != 0
        && part_number(text, 7, 11) != 0
}

fn part_number(text: &[u8], from: usize, to: usize) -> u32 {
    bytes::part(text, from, to)
        .iter()
        .fold(0, |n, b| n * 10 + u32::from(b.wrapping_sub(b'0')))
}

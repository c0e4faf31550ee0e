//! Personal data that can be validated: e-mail addresses, cards, phones and national numbers.

use super::bytes::{at, run_end, run_start};
use super::class::Class;
use super::names::Kind;
use super::text::{Found, Scope};

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'.' | b'_'
                | b'%'
                | b'+'
                | b'-'
                | b'\''
                | b'!'
                | b'#'
                | b'$'
                | b'*'
                | b'^'
                | b'{'
                | b'}'
                | b'|'
                | b'~'
        )
        || byte >= 0x80
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-' || byte >= 0x80
}

/// An e-mail address around the `@` of `width` bytes at `pos`.
pub(super) fn email(scope: &Scope<'_>, pos: usize, width: usize) -> Option<Found> {
    let text = scope.text;
    let domain = pos + width;
    let mut end = run_end(text, domain, scope.to.min(domain + 253), is_domain);
    while end > domain && matches!(at(text, end - 1), b'.' | b'-') {
        end -= 1;
    }
    let dot = memchr::memrchr(b'.', scope.part(domain, end))? + domain;
    let tld = scope.part(dot + 1, end);
    let is_name = tld.len() >= 2 && tld.iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80)
        || tld.starts_with(b"xn--");
    if dot == domain || !is_name || is_file_type(tld) {
        return None;
    }
    let mut start = run_start(text, pos, scope.from.max(pos.saturating_sub(96)), is_local);
    while start < pos
        && matches!(
            at(text, start),
            b'.' | b'\'' | b'-' | b'{' | b'*' | b'#' | b'!' | b'|' | b'~' | b'^'
        )
    {
        start += 1;
    }
    if start == pos {
        return None;
    }
    let local = scope.part(start, pos);
    if local == b"git" || scope.part(start.saturating_sub(3), start) == b"://" {
        return None;
    }
    if scope.at(end) == b':' && matches!(scope.at(end + 1), b'/' | b'~') {
        return None;
    }
    Some(Found::new(start, end, Class::Email))
}

/// Endings that look like a top-level domain and are the type of a file or unit.
fn is_file_type(tld: &[u8]) -> bool {
    [
        &b"png"[..],
        b"jpg",
        b"jpeg",
        b"gif",
        b"svg",
        b"webp",
        b"ico",
        b"css",
        b"js",
        b"ts",
        b"mjs",
        b"json",
        b"html",
        b"service",
        b"socket",
        b"timer",
        b"target",
        b"mount",
        b"slice",
        b"scope",
        b"tgz",
        b"gz",
        b"zip",
        b"tar",
        b"yaml",
        b"yml",
        b"toml",
        b"lock",
        b"txt",
    ]
    .iter()
    .any(|kind| tld.eq_ignore_ascii_case(kind))
}

/// A number that begins with the group of digits at `pos`.
pub(super) fn number(scope: &Scope<'_>, pos: usize, _kind: Kind) -> Option<Found> {
    let text = scope.text;
    let left = scope.before(pos);
    if left.is_ascii_alphanumeric() || matches!(left, b'_' | b'.') {
        return None;
    }
    // Digits with single separators between them.
    let mut end = pos;
    let mut digits = 0;
    let mut groups = 1;
    while end < scope.to && digits <= 20 {
        let byte = at(text, end);
        if byte.is_ascii_digit() {
            digits += 1;
        } else if matches!(byte, b' ' | b'-' | b'.' | b')' | b'(')
            && scope.at(end + 1).is_ascii_digit()
        {
            groups += 1;
        } else if byte == b')' && scope.at(end + 1) == b' ' && scope.at(end + 2).is_ascii_digit() {
        } else {
            break;
        }
        end += 1;
    }
    if digits < 9 || scope.at(end).is_ascii_alphanumeric() || scope.at(end) == b'_' {
        return None;
    }
    if left == b'-' && scope.before(pos - 1).is_ascii_alphanumeric() {
        return None;
    }
    let whole = scope.part(pos, end);
    let dotted = memchr::memchr(b'.', whole).is_some();
    if !dotted && (13..=19).contains(&digits) && is_card(whole) {
        return Some(Found::new(pos, end, Class::Card));
    }
    if groups == 3 && whole.len() == 11 && is_ssn(whole) {
        return Some(Found::new(pos, end, Class::Ssn));
    }
    let plus = left == b'+';
    if plus && (9..=15).contains(&digits) && at(whole, 0) != b'0' {
        return Some(Found::new(pos - 1, end, Class::Phone));
    }
    let start = if left == b'(' { pos - 1 } else { pos };
    if is_nanp(scope.part(start, end)) {
        return Some(Found::new(start, end, Class::Phone));
    }
    None
}

/// The whole value of a field that is named like a phone number.
pub(super) fn named_phone(scope: &Scope<'_>) -> Option<Found> {
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
    let local = super::bytes::rest(text, if text.len() > separators + 10 { 2 } else { 0 });
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
    super::bytes::part(text, from, to)
        .iter()
        .fold(0, |n, b| n * 10 + u32::from(b.wrapping_sub(b'0')))
}

/// Whether digits, perhaps with spaces or dashes, are a card number: issuer, length and check digit.
pub(super) fn is_card(text: &[u8]) -> bool {
    let mut digits = [0u8; 19];
    let mut count = 0;
    for byte in text.iter().filter(|b| b.is_ascii_digit()) {
        let Some(slot) = digits.get_mut(count) else {
            return false;
        };
        *slot = byte - b'0';
        count += 1;
    }
    let separators = text.len() - count;
    if separators > 0 && !is_grouped(text) {
        return false;
    }
    let two = u32::from(at(&digits, 0)) * 10 + u32::from(at(&digits, 1));
    let four = two * 100 + u32::from(at(&digits, 2)) * 10 + u32::from(at(&digits, 3));
    let issued = match count {
        13 => two / 10 == 4,
        14 => matches!(two, 36 | 38 | 39) || matches!(four / 10, 300..=305),
        15 => matches!(two, 34 | 37),
        16 => {
            two / 10 == 4
                || matches!(two, 51..=55 | 65 | 62 | 81 | 60)
                || matches!(four, 2221..=2720 | 6011 | 6440..=6599 | 3528..=3589 | 2200..=2204 | 9792 | 5018 | 5019 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763 | 5060..=5062)
        }
        17..=19 => {
            two == 62
                || matches!(four, 6011 | 6304 | 6759 | 3528..=3589)
                || (count == 19 && two / 10 == 4)
        }
        _ => false,
    };
    issued && luhn(super::bytes::part(&digits, 0, count))
}

/// Groups as they are printed on cards.
fn is_grouped(text: &[u8]) -> bool {
    let separator = text
        .iter()
        .copied()
        .find(|b| !b.is_ascii_digit())
        .unwrap_or(0);
    if !matches!(separator, b' ' | b'-')
        || text.iter().any(|b| !b.is_ascii_digit() && *b != separator)
    {
        return false;
    }
    let groups: [usize; 6] = {
        let mut groups = [0; 6];
        for (index, group) in text.split(|b| *b == separator).enumerate() {
            match groups.get_mut(index) {
                Some(slot) => *slot = group.len(),
                None => return false,
            }
        }
        groups
    };
    matches!(
        groups,
        [4, 4, 4, 4, 0, 0]
            | [4, 6, 5, 0, 0, 0]
            | [4, 6, 4, 0, 0, 0]
            | [4, 4, 4, 4, 3, 0]
            | [6, 13, 0, 0, 0, 0]
            | [4, 4, 4, 1, 0, 0]
            | [4, 3, 3, 3, 0, 0]
            | [4, 4, 4, 2, 0, 0]
    )
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
    sum % 10 == 0 && digits.iter().any(|d| *d != at(digits, 0))
}

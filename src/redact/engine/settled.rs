//! Whether a text with its marks may be read otherwise than it was without them.

use crate::redact::class::Class;
use crate::redact::engine::edit::Edit;
use crate::redact::read::bytes::{self, at, before, part, run_start};

/// So far back a rule looks in a run of signs and letters.
const REACH: usize = 160;

/// Whether a mark in the place of one of `edits`, which are all of a text's, could change what the rules make of the
/// text around it. Were each text with a mark read again, a typical event would take 13 220 instructions more (of
/// 21 900).
pub(crate) fn may_be_read_otherwise(
    text: &[u8],
    (from, to): (usize, usize),
    edits: &[Edit],
) -> bool {
    // Around a mark alone there is no text.
    if matches!(edits, [all] if (all.start, all.end) == (from, to)) {
        return false;
    }
    let text = part(text, 0, to);
    edits.iter().any(|edit| {
        !is_value(text, from, edit) && (is_other(edit) || is_joined(text, edit))
            || is_beside_number(text, edit)
            || hides_signs(text, edit)
            || is_named_behind(text, edit)
    })
}

fn is_of(edit: &Edit, classes: [Class; 2]) -> bool {
    classes.map(|class| Some(class.tag())).contains(&edit.tag())
}

/// Whether it hides a value right behind its sign, which ends as its mark does: `?access_token=…&`, `://bob:…@`.
fn is_value(text: &[u8], from: usize, edit: &Edit) -> bool {
    is_of(edit, [Class::Field, Class::Password])
        && matches!(before(text, edit.start), b':' | b'=')
        && (edit.end == text.len() || matches!(at(text, edit.end), b'@' | b'&' | b'"' | b'\n'))
        && is_first_sign(text, from, edit.start - 1)
}

/// Whether the sign at `sign` stands in no other's value, as in `a=]b=…` and `a(1%b=…`: before it is its name, or a URL.
fn is_first_sign(text: &[u8], from: usize, sign: usize) -> bool {
    let floor = from.max(sign.saturating_sub(REACH));
    let is_apart = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'&' | b'"');
    let begin = run_start(text, sign, floor, |byte| !is_apart(byte));
    let is_plain = |pos| match at(text, pos) {
        b'.' | b'/' | b'?' => true,
        b':' => at(text, pos + 1) == b'/',
        byte => bytes::is_token(byte),
    };
    (begin > floor || floor == from) && (begin..sign).all(is_plain)
}

/// Whether it hides more than an address or a key, whose marks are words as they are.
fn is_other(edit: &Edit) -> bool {
    edit.tag().is_some() && !is_of(edit, [Class::Email, Class::Key])
}

/// Whether it stands not between spaces and quotes, where a mark changes nothing. Before a full stop an address may now
/// end: `bob@example.[REDACTED_KEY]`; and a doubled quote is one of a value only where the value goes on.
fn is_joined(text: &[u8], edit: &Edit) -> bool {
    let is_calm = |byte: u8| {
        byte.is_ascii_whitespace() || matches!(byte, 0 | b'"' | b'\'' | b',' | b'(' | b')' | b'.')
    };
    let left = before(text, edit.start);
    let is_doubled =
        matches!(left, b'"' | b'\'') && before(text, edit.start.saturating_sub(1)) == left;
    !is_calm(at(text, edit.end)) || !is_calm(left) || left == b'.' || is_doubled
}

/// A number goes on behind a space, and did so in what the mark replaces: `(030) 901820 55 -6b4e-…`.
fn is_beside_number(text: &[u8], edit: &Edit) -> bool {
    let is_of_number = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'(' | b')');
    is_of_number(before(text, edit.start.saturating_sub(1))) || is_of_number(at(text, edit.end + 1))
}

/// Whether signs that stood between two parts of a line are gone with it: `a|b@example.com`, or lines of armour.
fn hides_signs(text: &[u8], edit: &Edit) -> bool {
    let is_plain = |b: &u8| bytes::is_token(*b) || matches!(b, b'.' | b'+' | b'/' | b'=' | b'@');
    let mut dashes = 0;
    let is_word = |b: &u8| {
        dashes = if *b == b'-' { dashes + 1 } else { 0 };
        dashes < 5 && is_plain(b)
    };
    !part(text, edit.start, edit.end).iter().all(is_word)
}

/// No rule looks back beyond a finding, but beyond a mark: `KEY).example.com:5432:shop:ops:…`.
fn is_named_behind(text: &[u8], edit: &Edit) -> bool {
    if matches!(at(text, edit.end), 0 | b' ' | b'\n') {
        return false;
    }
    let behind = part(text, edit.end, edit.end + REACH);
    let sign = memchr::memchr2(b':', b'=', behind);
    sign.is_some_and(|sign| !part(behind, 0, sign).iter().any(u8::is_ascii_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_beside_which_a_text_might_be_read_otherwise_is_told() {
        for (text, start, end, class, expected) in [
            ("an a@b.io here", 3, 9, Class::Email, false),
            ("an a@b.io/x", 3, 9, Class::Email, true),
            ("an.a@b.io", 3, 9, Class::Email, true),
            ("''a@b.io'", 2, 8, Class::Email, true),
            ("pin 1234", 4, 8, Class::Field, true),
            ("901820 55 a@b.io", 10, 16, Class::Email, true),
            ("a@b.io +49", 0, 6, Class::Email, true),
            ("x a|b@b.io y", 2, 10, Class::Email, true),
            ("a@b.io),a:b", 0, 6, Class::Email, true),
            ("a@b.io), a:b", 0, 6, Class::Email, false),
            ("x -----BEGIN y", 2, 12, Class::Key, true),
            ("at b:pin@c", 5, 8, Class::Password, false),
            ("b?c=pin&d", 4, 7, Class::Field, false),
            ("b?c=pin d", 4, 7, Class::Field, true),
            ("a=]c=pin", 5, 8, Class::Field, true),
            ("a(1%c=pin", 6, 9, Class::Field, true),
            ("https://b.io/?c=pin", 16, 19, Class::Field, false),
            ("b=1234", 2, 6, Class::Card, true),
            ("1234", 0, 4, Class::Card, false),
        ] {
            let edits = [Edit::mark(start, end, class.tag())];
            let whole = (0, text.len());
            let text = text.as_bytes();
            assert_eq!(
                may_be_read_otherwise(text, whole, &edits),
                expected,
                "{start} {text:?}"
            );
            assert!(!may_be_read_otherwise(text, whole, &[]), "{text:?}");
        }
    }
}

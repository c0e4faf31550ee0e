//! Values that stand for a secret and are none: marks, templates, asterisks, hints.

use crate::redact::catalogue::words::is_harmless_word;
use crate::redact::class::MARK_START;
use crate::redact::read::bytes::{self, at, part, rest};

/// Whether the value is nothing but marks, and what may stand around them: it was judged before.
pub(crate) fn is_mark(value: &[u8]) -> bool {
    let mut rest = value;
    let mut any = false;
    while let Some(start) = memchr::memchr(b'[', rest) {
        let (before, mark) = rest.split_at(start);
        let Some(end) = memchr::memchr(b']', mark).filter(|_| mark.starts_with(MARK_START)) else {
            return false;
        };
        if before.iter().any(u8::is_ascii_alphanumeric) {
            return false;
        }
        any = true;
        rest = bytes::rest(mark, end + 1);
    }
    any && !rest.iter().any(u8::is_ascii_alphanumeric)
}

/// Whether there is a mark in a value of a text: some of it was judged before, and the text around it is not what
/// it was.
pub(crate) fn has_mark(value: &[u8]) -> bool {
    bytes::find(value, MARK_START).is_some()
}

/// Whether a value is the version of a package: `^6.0.0`.
fn is_version(value: &[u8]) -> bool {
    let start = value
        .iter()
        .take_while(|b| matches!(b, b'^' | b'~' | b'>' | b'=' | b'<' | b'v' | b' '))
        .count();
    let version = rest(value, start);
    let numbers = version
        .iter()
        .take_while(|b| b.is_ascii_digit() || **b == b'.')
        .count();
    version.first().is_some_and(u8::is_ascii_digit)
        && version.iter().filter(|b| **b == b'.').count() >= 2
        && value.len() <= 32
        && matches!(at(version, numbers), 0 | b'-' | b'+' | b' ')
        && version
            .split(|b| *b == b'.')
            .take(2)
            .all(|n| (1..=4).contains(&n.len()))
}

/// Whether the value stands for a secret and is none: a reference to a variable, a template, asterisks, the name
/// of a type.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let (first, last) = (at(value, 0), value.last().copied().unwrap_or(0));
    let identifier = |from: usize| {
        value.len() > from + 1
            && rest(value, from)
                .iter()
                .all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.' | b':'))
    };
    // `$PASS1`, as shells name what they hold.
    let variable = || {
        rest(value, 1)
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
            && at(value, 1).is_ascii_uppercase()
    };
    if value.is_empty()
        || first == b'$'
            && (matches!(at(value, 1), b'{' | b'(') && memchr::memchr(b'@', value).is_none()
                || identifier(1)
                || variable()
                || value.len() <= 3 && rest(value, 1).iter().all(u8::is_ascii_digit))
        || first == b'@'
            && (matches!(at(value, 1), b'{') || value.starts_with(b"@Microsoft.KeyVault("))
        || value.starts_with(b"{{")
        || value.starts_with(b"<%")
        || value.starts_with(b"#{")
        || first == b'{'
            && last == b'}'
            && value.iter().all(|b| {
                b.is_ascii_alphanumeric()
                    || matches!(b, b'{' | b'}' | b'_' | b'.' | b'$' | b':' | b'!' | b'?')
            })
        || first == b'<' && last == b'>'
        || first == b'%'
            && (last == b'%' && value.len() > 2
                || matches!(value, b"%s" | b"%d" | b"%v" | b"%q" | b"%r" | b"%@" | b"%p"))
        || first == b'['
            && last == b']'
            && value
                .iter()
                .all(|b| b.is_ascii_alphabetic() || matches!(b, b'[' | b']' | b'_' | b' ' | b'-'))
        // `(known after apply)`
        || first == b'('
            && last == b')'
            && value
                .iter()
                .all(|b| b.is_ascii_lowercase() || matches!(b, b'(' | b')' | b' '))
        // `16 bytes`, which Kubernetes says of a secret.
        || first.is_ascii_digit()
            && value
                .strip_suffix(b" bytes")
                .is_some_and(|count| count.iter().all(u8::is_ascii_digit))
        || first == b':' && identifier(1)
        || value == b"?"
        || value.starts_with(b"%5B") && value.ends_with(b"%5D")
        // A key that is only hinted at, a colour.
        || value.len() <= 16 && (value.ends_with(b"...") || value.ends_with("\u{2026}".as_bytes()))
        || first == b'#' && matches!(value.len(), 4 | 7) && rest(value, 1).iter().all(u8::is_ascii_hexdigit)
        || first == b'_' && value.starts_with(b"__") && value.ends_with(b"__")
        || matches!(first, b'^' | b'~' | b'>' | b'=' | b'v' | b'0'..=b'9') && is_version(value)
        || value.len() <= 2 && !value.iter().any(u8::is_ascii_alphanumeric)
        || is_validation(value)
    {
        return true;
    }
    // ***, xxxx, ..., ----, with at most a few characters left to recognize it by.
    let cross = |b: &u8| matches!(b, b'*' | b'x' | b'X' | b'.' | b'-' | b'#' | b'_' | b' ');
    if value.len() >= 3 && value.iter().all(cross) {
        return true;
    }
    // `ghp_xxxxxxxxxxxxxxxx`
    if value.len() >= 8
        && rest(value, value.len() - 8)
            .iter()
            .all(|b| matches!(b, b'x' | b'X'))
    {
        return true;
    }
    // Most values have neither a star nor a sign of three bytes, and are not counted through.
    if memchr::memchr2(b'*', 0xE2, value).is_some() {
        let dots = value
            .windows(3)
            .filter(|w| matches!(w, [0xE2, 0x80, 0xA2 | 0xA6] | [0xE2, 0x97, 0x8F]))
            .count()
            * 3;
        let masked = value.iter().filter(|b| cross(b)).count() + dots;
        let stars = value.iter().filter(|b| **b == b'*').count();
        if masked == value.len() || stars >= 3 && masked * 2 >= value.len() || dots >= 9 {
            return true;
        }
    }
    // A key that was shortened so that it can be recognized: `sk-…abcd`, `ghp_...x1y2`.
    if value.len() > 64 {
        return false;
    }
    let mut lower = [0u8; 64];
    for (slot, byte) in lower.iter_mut().zip(value) {
        *slot = if matches!(byte, b'-' | b' ') {
            b'_'
        } else {
            byte.to_ascii_lowercase()
        };
    }
    let word = part(&lower, 0, value.len());
    is_harmless_word(word)
        || bytes::find(word, b"_your_").is_some()
        || [
            &b"your_"[..],
            b"my_secret_here",
            b"insert_",
            b"enter_",
            b"replace_",
            b"<your",
            b"env:",
            b"env.",
            b"vault:",
            b"op://",
            b"secret://",
            b"arn:aws:secretsmanager",
            b"arn:aws:ssm",
            b"projects/",
            b"ssm:",
            b"file:",
            b"example_",
            b"dummy_",
            b"placeholder",
            b"changeme_",
            b"todo_",
            b"fill_",
            b"put_your",
            b"add_your",
            b"some_",
            b"process.env",
            b"os.environ",
            b"secrets.",
            b"var.",
        ]
        .iter()
        .any(|head| at(head, 0) == at(word, 0) && word.starts_with(head))
        || [&b"_here"[..], b"_placeholder", b"_goes_here"]
            .iter()
            .any(|tail| word.ends_with(tail))
}

/// Whether a value says what is asked of a field: `required|min:8|confirmed`.
fn is_validation(value: &[u8]) -> bool {
    let mut rules = value
        .split(|b| *b == b'|')
        .map(|rule| part(rule, 0, memchr::memchr(b':', rule).unwrap_or(rule.len())));
    memchr::memchr(b'|', value).is_some()
        && rules.clone().any(|rule| {
            matches!(
                rule,
                b"required"
                    | b"string"
                    | b"nullable"
                    | b"sometimes"
                    | b"min"
                    | b"max"
                    | b"confirmed"
                    | b"bail"
            )
        })
        && rules.all(|rule| {
            !rule.is_empty() && rule.iter().all(|b| b.is_ascii_lowercase() || *b == b'_')
        })
}

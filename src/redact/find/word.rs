//! What the word before a value makes of it: credentials behind a scheme, a literal, an argument, a sentence.

use crate::redact::class::Class;
use crate::redact::find::look::Look;
use crate::redact::find::token::trim_end;
use crate::redact::find::{code, command, sentence};
use crate::redact::judge::placeholder;
use crate::redact::read::bytes::{
    self, at, before, has_word_at, is_credential, run_end, run_start,
};
use crate::redact::read::scope::{Found, Scope};

/// Fewer characters are no credentials.
const MIN_CREDENTIALS: usize = 12;

/// Whether what begins at `start` is the last column of a line in a cookie jar of Netscape's: domain, subdomains, path,
/// secure, expiry, name, value.
fn ends_cookie_line(scope: &Scope<'_>, start: usize) -> bool {
    let mut end = start - 1;
    for column in (0..6).rev() {
        let floor = scope.origin.max(end.saturating_sub(128));
        let from = run_start(scope.text, end, floor, |b| !matches!(b, b'\t' | b'\n'));
        let cell = bytes::part(scope.text, from, end);
        let fits = match column {
            4 => !cell.is_empty() && cell.iter().all(u8::is_ascii_digit),
            3 | 1 => matches!(cell, b"TRUE" | b"FALSE"),
            _ => !cell.is_empty(),
        };
        if !fits || column > 0 && (from <= scope.origin || before(scope.text, from) != b'\t') {
            return false;
        }
        end = from.saturating_sub(1);
    }
    true
}

/// What is longer names no block.
const MAX_LABEL: usize = 128;

/// A run at `start` that holds a digit: what the word before it makes of it.
pub(crate) fn after_word(look: &Look<'_>, start: usize) -> Option<Found> {
    if look.before(start) == b'\t' && ends_cookie_line(look, start) {
        let end = run_end(look.text, start, look.to, |b| {
            !matches!(b, b'\t' | b'\n' | b'\r')
        });
        let value = look.part(start, end);
        return (!placeholder::has_mark(value)).then(|| Found::new(start, end, Class::Field));
    }
    let gap = run_start(
        look.text,
        start,
        look.from.max(start.saturating_sub(4)),
        |b| matches!(b, b' ' | b'\t' | b'"' | b'\''),
    );
    if (look.is_near_tool(start) || at(look.text, start) == b'/' || before(look.text, gap) == b'<')
        && let Some(found) = command::argument(look, start)
    {
        return Some(found);
    }
    // No word fits before it.
    if start < look.from + 3 {
        return sentence::before_name(look, start);
    }
    // Nor does a number name anything.
    let number = run_start(look.text, gap, look.from.max(gap.saturating_sub(8)), |b| {
        b.is_ascii_digit()
    });
    // A single digit may say how what follows is written: `secret 5 …`.
    if number + 1 < gap && gap < start && matches!(before(look.text, number), b' ' | b'\n') {
        return None;
    }
    if is_label_of_block(look, gap, start) {
        return None;
    }
    if matches!(look.before(start), b'"' | b'\'')
        && let Some(found) = code::literal(look, start - 1)
    {
        return Some(found);
    }
    if gap == start {
        return sentence::value(look, start);
    }
    let word_start = run_start(look.text, gap, look.from.max(gap.saturating_sub(24)), |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
    });
    let word = look.part(word_start, gap);
    // `$TOKEN` is a variable, and what follows it something else.
    if matches!(look.before(word_start), b'$' | b'{') || look.part(start, start + 4) == b"http" {
        return None;
    }
    let begin = start;
    let sasl = word.eq_ignore_ascii_case(b"plain")
        && has_word_at(look.text, word_start.saturating_sub(5), b"auth ");
    if is_scheme(word) || sasl {
        let end = run_end(look.text, begin, look.to, is_credential);
        let end = trim_end(look, begin, end);
        let value = look.part(begin, end);
        // `basic understanding12` is prose.
        let prose = value
            .iter()
            .take_while(|b| b.is_ascii_lowercase() || **b == b'-')
            .count()
            + 2
            >= value.len();
        // The hash of a file, or of an image.
        let hash = word == b"digest" && {
            let colon = memchr::memchr(b':', value).map_or(0, |n| n + 1);
            bytes::rest(value, colon).iter().all(u8::is_ascii_hexdigit)
        };
        if end - begin >= MIN_CREDENTIALS
            && !prose
            && !hash
            && !placeholder::is_placeholder(look.part(begin, end))
        {
            let class = if look.part(begin, begin + 3) == b"eyJ" {
                Class::Jwt
            } else {
                Class::Key
            };
            return Some(Found::new(begin, end, class));
        }
        let whose = run_start(
            look.text,
            word_start.saturating_sub(1),
            look.from.max(word_start.saturating_sub(10)),
            |b| b.is_ascii_alphabetic(),
        );
        let mine = [
            &b"auth"[..],
            b"api",
            b"access",
            b"refresh",
            b"session",
            b"secret",
            b"bot",
            b"my",
            b"use",
            b"the",
            b"this",
            b"new",
            b"your",
            b"created",
        ]
        .iter()
        .any(|known| {
            look.part(whose, word_start.saturating_sub(1))
                .eq_ignore_ascii_case(known)
        });
        let named = word.eq_ignore_ascii_case(b"api-key") || word.eq_ignore_ascii_case(b"apikey");
        if !(mine && word.eq_ignore_ascii_case(b"token") || named) {
            return None;
        }
    }
    sentence::value(look, start)
}

/// Whether the literal at `start` is the last of those that name a block: `resource "aws_iam_access_key" "ci" {`.
fn is_label_of_block(scope: &Scope<'_>, gap: usize, start: usize) -> bool {
    if !scope.part(gap, start).ends_with(b"\" \"") {
        return false;
    }
    let close = run_end(scope.text, start, scope.to.min(start + MAX_LABEL), |b| {
        !matches!(b, b'"' | b'\n')
    });
    scope.part(close, close + 3) == b"\" {"
}

fn is_scheme(word: &[u8]) -> bool {
    [
        &b"bearer"[..],
        b"basic",
        b"token",
        b"digest",
        b"negotiate",
        b"ntlm",
        b"apikey",
        b"api-key",
        b"hmac",
        b"signature",
        b"hawk",
        b"ssws",
        b"bot",
        b"flyv1",
    ]
    .iter()
    .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

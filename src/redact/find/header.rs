//! Headers that hold more than one value, or a value behind a scheme: cookies, `Authorization`, signatures.

use crate::redact::catalogue::words;
use crate::redact::class::{Class, MARK_START};
use crate::redact::judge::placeholder;
use crate::redact::read::bytes::{self, at, has_word_at, run_end, run_start};
use crate::redact::read::lex::MAX_WORD;
use crate::redact::read::scope::{Found, Scope};

/// The values of a cookie header; names and attributes stay.
pub(crate) fn cookies(
    scope: &Scope<'_>,
    from: usize,
    set: bool,
    add: &mut dyn FnMut(Found),
) -> bool {
    let text = scope.text;
    let mut pos = run_end(text, from, scope.to.min(from + 2), |b| {
        matches!(b, b'"' | b'\'')
    });
    let mut any = false;
    loop {
        let name = run_end(text, pos, scope.to, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'%' | b'$')
        });
        if name == pos || scope.at(name) != b'=' {
            return any;
        }
        let end = run_end(text, name + 1, scope.to, |b| {
            !b.is_ascii_whitespace() && !matches!(b, b';' | b'"' | b'\'' | b',' | b'\\')
        });
        let value = scope.part(name + 1, end);
        any = true;
        if value.len() > 1
            && !is_cookie_attribute(scope.part(pos, name))
            && !value.starts_with(MARK_START)
            && !placeholder::is_placeholder(value)
        {
            add(Found::new(name + 1, end, Class::Field));
        }
        if set || scope.at(end) != b';' {
            return true;
        }
        pos = run_end(text, end + 1, scope.to, |b| b == b' ');
    }
}

/// What says of a cookie where and how long it is sent.
fn is_cookie_attribute(name: &[u8]) -> bool {
    [
        &b"samesite"[..],
        b"path",
        b"domain",
        b"expires",
        b"max-age",
        b"priority",
    ]
    .iter()
    .any(|attribute| name.eq_ignore_ascii_case(attribute))
}

/// The credentials of an `Authorization` header; the scheme stays, and so does what is public of them.
pub(crate) fn authorization(scope: &Scope<'_>, start: usize, add: &mut dyn FnMut(Found)) -> bool {
    let text = scope.text;
    let begin = run_end(text, start, scope.to.min(start + 3), |b| {
        matches!(b, b'"' | b'\'' | b'\\')
    });
    let scheme = run_end(text, begin, scope.to.min(begin + 24), |b| {
        b.is_ascii_alphanumeric() || b == b'-'
    });
    if scheme == begin || !matches!(scope.at(scheme), b' ' | b'+') {
        return false;
    }
    let word = scope.part(begin, scheme);
    if has_word_at(word, 0, b"digest")
        || has_word_at(word, 0, b"aws4-hmac")
        || has_word_at(word, 0, b"oauth")
        || has_word_at(word, 0, b"signature")
        || has_word_at(word, 0, b"hawk")
    {
        // Parameters follow, and some of them are credentials.
        let end = memchr::memchr2(b'\n', b'\r', scope.part(scheme, scope.to))
            .map_or(scope.to, |n| scheme + n)
            .min(scheme + 2048);
        let mut pos = scheme;
        let mut any = false;
        while let Some(sign) = memchr::memchr(b'=', scope.part(pos, end)).map(|n| pos + n) {
            let name = scope.part(
                run_start(text, sign, pos, |b| {
                    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
                }),
                sign,
            );
            let open = run_end(text, sign + 1, scope.to.min(sign + 3), |b| {
                matches!(b, b'"' | b'\\' | b'\'')
            });
            let close = run_end(text, open, end, |b| {
                !matches!(b, b'"' | b'\\' | b'\'' | b',' | b' ')
            });
            let secret = [
                &b"response"[..],
                b"nonce",
                b"cnonce",
                b"opaque",
                b"signature",
                b"oauth_signature",
                b"oauth_token",
                b"oauth_consumer_key",
                b"oauth_nonce",
                b"mac",
                b"credential",
            ]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
            // Also when it was marked before: the others stay.
            any |= secret && close > open;
            if secret && close > open && !scope.part(open, close).starts_with(MARK_START) {
                let from = if has_word_at(name, 0, b"credential") {
                    let slash =
                        memchr::memchr(b'/', scope.part(open, close)).map_or(close, |n| open + n);
                    add(Found::new(open, slash, Class::Key));
                    pos = close.max(sign + 1);
                    continue;
                } else {
                    open
                };
                add(Found::new(from, close, Class::Key));
            }
            pos = close.max(sign + 1);
        }
        if any {
            return true;
        }
    }
    let from = run_end(text, scheme, scope.to, |b| b == b' ' || b == b'+');
    let end = run_end(text, from, scope.to.min(from + 16 * 1024), |b| {
        !b.is_ascii_whitespace()
            && !matches!(
                b,
                b'"' | b'\'' | b'\\' | b'`' | b',' | b';' | b')' | b'}' | b'<' | b'>' | b'&'
            )
    });
    let value = scope.part(from, end);
    if value.len() < 4
        || value.starts_with(MARK_START)
        || memchr::memchr(b'(', value).is_some()
        || placeholder::is_placeholder(value)
        || matches!(at(value, 0), b'$' | b'{' | b'<' | b'%')
    {
        // Nothing more is to be said of it: `Bearer ${TOKEN}`.
        return true;
    }
    if !value.iter().any(u8::is_ascii_digit) && (value.len() < 12 || !is_known_scheme(word)) {
        return value.iter().all(|b| b.is_ascii_lowercase() || *b == b'.');
    }
    add(Found::new(from, end, Class::Key));
    true
}

/// The answer to a challenge, without the name of its header: `Digest username="…", …, response="…"`.
pub(crate) fn digest_response(scope: &Scope<'_>, value: usize) -> Option<Found> {
    let start = value + usize::from(scope.at(value) == b'"');
    let end = run_end(scope.text, start, scope.to.min(start + 65), |b| {
        b.is_ascii_hexdigit()
    });
    let before = || scope.part(value.saturating_sub(MAX_WORD).max(scope.origin), value);
    (matches!(end - start, 32 | 64)
        && (bytes::find(before(), b"Digest ").is_some()
            || bytes::find(before(), b"nonce=").is_some()))
    .then(|| Found::new(start, end, Class::Key))
}

fn is_known_scheme(word: &[u8]) -> bool {
    words::scheme_len(&[word, b" x"].concat()) > 0
}

/// Signatures of URLs, which let everyone in who has the URL.
pub(crate) fn signature(scope: &Scope<'_>, name: &[u8], value: usize, add: &mut dyn FnMut(Found)) {
    // The key of OpenWeather.
    if name.eq_ignore_ascii_case(b"appid") {
        let end = run_end(scope.text, value, scope.to.min(value + 40), |b| {
            b.is_ascii_hexdigit()
        });
        if end - value == 32 {
            add(Found::new(value, end, Class::Key));
        }
        return;
    }
    let last = name
        .rsplit(|b| matches!(b, b'-' | b'_' | b'.'))
        .next()
        .unwrap_or(&[]);
    // A code of OAuth is as good as the token it is exchanged for.
    let code = name == b"code";
    if !(last.eq_ignore_ascii_case(b"signature")
        || last == b"sig"
        || last.eq_ignore_ascii_case(b"hmac")
        || name.eq_ignore_ascii_case(b"policy")
        || code)
    {
        return;
    }
    if code
        && (bytes::find(
            scope.part(value.saturating_sub(120).max(scope.from), value + 160),
            b"state=",
        )
        .is_none()
            || !matches!(scope.before(value - 5), b'?' | b'&'))
    {
        return;
    }
    let limit = scope.to.min(value + 4096);
    let end = run_end(scope.text, value, limit, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'%' | b'+' | b'/' | b'~' | b'.')
    });
    let end = run_end(scope.text, end, limit.min(end + 2), |b| b == b'=');
    let text = scope.part(value, end);
    if text.len() >= 16 && text.iter().any(u8::is_ascii_digit) {
        add(Found::new(value, end, Class::Field));
    }
}

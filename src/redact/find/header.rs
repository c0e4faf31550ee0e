//! Headers that hold more than one value, or a value behind a scheme: cookies, `Authorization`, signatures.

use crate::redact::catalogue::{headers, words};
use crate::redact::class::{Class, MARK_START};
use crate::redact::find::look::Look;
use crate::redact::judge::placeholder;
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, run_end};
use crate::redact::read::lex::MAX_WORD;
use crate::redact::read::scope::{Found, Scope};

/// The values of a cookie header; names and attributes stay.
pub(crate) fn cookies(look: &mut Look<'_>, from: usize, set: bool) -> bool {
    let mut pos = look.ahead(from, 2, |b| matches!(b, b'"' | b'\''));
    let mut any = false;
    loop {
        let name = look.run(pos, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'%' | b'$')
        });
        if name == pos || look.at(name) != b'=' {
            return any;
        }
        let end = look.run(name + 1, |b| {
            !b.is_ascii_whitespace() && !matches!(b, b';' | b'"' | b'\'' | b',' | b'\\')
        });
        let value = look.part(name + 1, end);
        any = true;
        let is_named = look.judge(look.part(pos, name)) != Kind::Plain;
        let is_harmless = !is_named && is_setting(value) || words::is_outcome(value);
        if value.len() > 1
            && !is_harmless
            && !headers::is_attribute(look.part(pos, name))
            && !value.starts_with(MARK_START)
            && !placeholder::is_placeholder(value)
        {
            look.hide(name + 1, end, Class::Field);
        }
        if set || look.at(end) != b';' {
            return true;
        }
        pos = look.run(end + 1, |b| b == b' ');
    }
}

/// Whether the value of a cookie is a choice of its user: `theme=dark`, `lang=de-AT`, `font_size=14`.
fn is_setting(value: &[u8]) -> bool {
    let digits = bytes::digits(value);
    let is_word = |word: &[u8]| {
        let word = word.strip_suffix(b"v2").unwrap_or(word);
        word.len() <= 9
            && (word.iter().all(u8::is_ascii_lowercase) || word.iter().all(u8::is_ascii_uppercase))
    };
    digits == value.len() && digits <= 3
        || value.len() <= 12 && value.split(|b| matches!(b, b'-' | b'_')).all(is_word)
}

/// The answer to a challenge, without the name of its header: `Digest username="…", …, response="…"`.
pub(crate) fn digest_response(scope: &Scope<'_>, value: usize) -> Option<Found> {
    let start = value + usize::from(scope.at(value) == b'"');
    let end = scope.ahead(start, 65, |b| b.is_ascii_hexdigit());
    let before = scope.part(value.saturating_sub(MAX_WORD).max(scope.origin), value);
    let has = |known: &&[u8]| bytes::find(before, known).is_some();
    let answers = match end - start {
        32 | 64 => headers::CHALLENGES.iter().any(has),
        8..64 => headers::CHALLENGES.iter().all(has),
        _ => false,
    };
    answers.then(|| Found::new(start, end, Class::Key))
}

/// Signatures of URLs, which let everyone in who has the URL.
pub(crate) fn signature(scope: &Scope<'_>, name: &[u8], value: usize) -> Option<Found> {
    // The key of OpenWeather.
    if headers::is_key(name) {
        let end = scope.ahead(value, 40, |b| b.is_ascii_hexdigit());
        return (end - value == 32).then(|| Found::new(value, end, Class::Key));
    }
    let last = name
        .rsplit(|b| matches!(b, b'-' | b'_' | b'.'))
        .next()
        .unwrap_or(&[]);
    if !headers::is_signature(last) {
        return None;
    }
    let limit = scope.to.min(value + 4096);
    let end = run_end(scope.text, value, limit, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'%' | b'+' | b'/' | b'~' | b'.')
    });
    let end = run_end(scope.text, end, limit.min(end + 2), |b| b == b'=');
    let text = scope.part(value, end);
    (text.len() >= 16 && text.iter().any(u8::is_ascii_digit))
        .then(|| Found::new(value, end, Class::Field))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cookie_that_is_a_setting_stays() {
        crate::redact::tests::leaves(&[
            "set-cookie: theme=dark; Path=/",
            "Cookie: theme=dark-mode-v2; lang=de-AT",
            "Cookie: lang=de-AT; theme=dark; sidebar=collapsed; font_size=14",
            "Set-Cookie: session=deleted; Path=/",
        ]);
    }

    use crate::redact::redact_str;

    #[test]
    fn values_of_headers_go_and_their_names_stay() {
        for (text, redacted) in [
            (
                r#"Cookie: sid=3f9a0c71; theme=dark7"#,
                r#"Cookie: sid=[REDACTED_FIELD]; theme=[REDACTED_FIELD]"#,
            ),
            (
                r#"Set-Cookie: sid=3f9a0c71; Path=/; Max-Age=60"#,
                r#"Set-Cookie: sid=[REDACTED_FIELD]; Path=/; Max-Age=60"#,
            ),
            (
                r#"Authorization: Digest username="bob", nonce="a1b2c3d4", uri="/", response="6629fae49393a05397450978507c4ef1""#,
                r#"Authorization: Digest username="bob", nonce="a1b2c3d4", uri="/", response="[REDACTED_KEY]""#,
            ),
            (
                r#"Authorization: Digest username="bob", nonce="a1b2c3d4", uri="/", response="e5f6a7b8""#,
                r#"Authorization: Digest username="bob", nonce="a1b2c3d4", uri="/", response="[REDACTED_KEY]""#,
            ),
            (
                r#"Authorization: Bearer abcdEFGHijklMNOPqrst"#,
                r#"Authorization: Bearer [REDACTED_KEY]"#,
            ),
            (
                r#"Authorization: Bearer hunter2hunter2x"#,
                r#"Authorization: Bearer [REDACTED_KEY]"#,
            ),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
        for text in [
            r#"Authorization: Bearer ${TOKEN}"#,
            r#"Set-Cookie: SameSite=Strict"#,
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}

//! E-mail addresses.

use crate::redact::catalogue::formats;
use crate::redact::class::Class;
use crate::redact::judge::placeholder;
use crate::redact::read::bytes::{self, at, is_domain, is_local};
use crate::redact::read::scope::{Found, Scope};

/// What stands in quotes before an `@` is no longer.
const MAX_QUOTED: usize = 66;

/// An e-mail address around the `@` of `width` bytes at `pos`.
pub(crate) fn email(scope: &Scope<'_>, pos: usize, width: usize) -> Option<Found> {
    let text = scope.text;
    let domain = pos + width;
    if !is_domain(scope.at(domain)) || pos == scope.from {
        return None;
    }
    let mut end = scope.ahead(domain, 253, is_domain);
    end = domain + narrow_end(scope.part(domain, end));
    while end > domain && matches!(at(text, end - 1), b'.' | b'-') {
        end -= 1;
    }
    let dot = memchr::memrchr(b'.', scope.part(domain, end))? + domain;
    // Text of a script without spaces may follow.
    let tld = scope.part(dot + 1, end);
    let ascii = tld.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    if ascii >= 2 && at(tld, ascii) >= 0xE3 {
        end = dot + 1 + ascii;
    }
    let tld = scope.part(dot + 1, end);
    let is_name = tld.len() >= 2 && tld.iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80)
        || tld.starts_with(formats::PUNYCODE);
    if dot == domain || !is_name || formats::is_type_of_file(tld) || formats::is_measure(tld) {
        return None;
    }
    let mut start = scope.back(pos, 96, is_local);
    start = pos - narrow_start(scope.part(start, pos));
    while start < pos
        && matches!(
            at(text, start),
            b'.' | b'\'' | b'-' | b'{' | b'*' | b'#' | b'!' | b'|' | b'~' | b'^'
        )
    {
        start += 1;
    }
    if start == pos {
        return quoted(scope, pos, end);
    }
    let local = scope.part(start, pos);
    if local == formats::REPOSITORY_USER
        || scope.part(start.saturating_sub(3), start) == b"://"
        || formats::names_algorithms(scope.part(domain, end))
        // The name of a service in Kerberos: `HTTP/web.example.com@EXAMPLE.COM`.
        || scope.before(start) == b'/' && !scope.part(domain, end).iter().any(u8::is_ascii_lowercase)
    {
        return None;
    }
    // No domain goes on so: `job@web1.lan.requests_total`.
    if scope.at(end) == b'_' && scope.at(end + 1).is_ascii_alphanumeric() {
        return None;
    }
    if scope.at(end) == b':' && matches!(scope.at(end + 1), b'/' | b'~') {
        return None;
    }
    Some(Found::new(start, end, Class::Email))
}

/// `"john doe"@example.com`, where the `@` stands at `pos` and the domain ends at `end`.
fn quoted(scope: &Scope<'_>, pos: usize, end: usize) -> Option<Found> {
    if scope.before(pos) != b'"' || pos <= scope.from + 1 {
        return None;
    }
    let floor = scope.from.max(pos.saturating_sub(MAX_QUOTED));
    let open = floor + memchr::memrchr(b'"', scope.part(floor, pos - 1))?;
    // What was found between the quotes ended there, and nothing looks back beyond it.
    let quoted = scope.part(open, pos);
    (!placeholder::has_mark(quoted) && quoted.iter().any(u8::is_ascii_alphanumeric))
        .then(|| Found::new(open, end, Class::Email))
}

/// Whether three bytes are punctuation of scripts without spaces, which no address has: `（`, `。`.
fn is_wide_punctuation(three: &[u8]) -> bool {
    matches!(
        three,
        [0xE3, 0x80, _] | [0xEF, 0xBC, 0x81..=0x8F | 0x9A..=0x9F] | [0xEF, 0xBD, 0xA1..=0xA4]
    )
}

/// How much of a domain stands before punctuation of scripts without spaces.
fn narrow_end(domain: &[u8]) -> usize {
    if domain.is_ascii() {
        return domain.len();
    }
    domain
        .windows(3)
        .position(is_wide_punctuation)
        .unwrap_or(domain.len())
}

/// How much of what stands before the `@` is the address, where Chinese or Japanese text without a space leads to it.
fn narrow_start(local: &[u8]) -> usize {
    if local.is_ascii() {
        return local.len();
    }
    let latin = local.iter().rev().take_while(|b| b.is_ascii()).count();
    let lead = local.len() - latin;
    let wide = latin > 0
        && lead >= 3
        && bytes::part(local, lead - 3, lead)
            .first()
            .is_some_and(|b| matches!(b, 0xE3..=0xE9 | 0xEF));
    if wide { latin } else { local.len() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_service_of_kerberos_is_no_address() {
        crate::redact::tests::leaves(&["3 HTTP/web.example.com@EXAMPLE.COM aes256"]);
        crate::redact::tests::redacts(&[(
            "to=/ann@example.com, ANN@EXAMPLE.COM",
            "to=/[REDACTED_EMAIL], [REDACTED_EMAIL]",
        )]);
    }

    #[test]
    fn algorithms_of_ssh_are_no_addresses() {
        crate::redact::tests::leaves(&["MACs umac-64@openssh.com,hmac-sha2-256-etm@openssh.com"]);
    }

    use crate::redact::redact_str;

    #[test]
    fn addresses_go_and_what_stands_around_them_stays() {
        for (text, redacted) in [
            ("ask ada@example.com.", "ask [REDACTED_EMAIL]."),
            ("<o'neil+x@sub.example.co.uk>", "<[REDACTED_EMAIL]>"),
            ("\"john doe\"@example.com", "[REDACTED_EMAIL]"),
            ("ask _ada@example.com_ now", "ask [REDACTED_EMAIL]_ now"),
            ("ada@m\u{fc}nchen.example", "[REDACTED_EMAIL]"),
            ("ada@xn--mnchen-3ya.xn--p1ai", "[REDACTED_EMAIL]"),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
    }

    #[test]
    fn what_has_an_at_sign_and_is_no_address_stays() {
        for text in [
            "git@github.com:acme/shop.git",
            "host@2.example:/srv",
            "icon@2x.png",
            "user@host",
            "nginx@sha256:9f86d081884c7d65",
            "getty@tty1.service",
            "@media",
            "job@host.domain.metric",
            "job@web1.example.requests_total 4412",
            "instance:node_cpu@sum.rate",
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}

//! Headers of HTTP and what stands in them: schemes, their parameters, attributes of cookies, signatures.

use crate::redact::catalogue::list::List;
use crate::redact::read::bytes::part;

/// No scheme is longer, a space behind it included.
const MAX_SCHEME: usize = 12;

/// The schemes that credentials follow, in a header, a value or a text.
const SCHEMES: &List = &List::of(&[
    "bearer",
    "basic",
    "token",
    "digest",
    "negotiate",
    "ntlm",
    "apikey",
    "api-key",
    "hmac",
    "signature",
    "hawk",
    "ssws",
    "bot",
    "flyv1",
    "sasl",
]);

pub(crate) fn is_scheme(word: &[u8]) -> bool {
    SCHEMES.has_ignoring_case(word)
}

/// How long a scheme such as `Bearer ` at the start of a value is.
pub(crate) fn scheme_len(value: &[u8]) -> usize {
    let word = memchr::memchr(b' ', part(value, 0, MAX_SCHEME)).unwrap_or(0);
    if word + 1 < value.len() && is_scheme(part(value, 0, word)) {
        word + 1
    } else {
        0
    }
}

/// Whether the hash of something is called as the scheme is.
pub(crate) fn is_also_hash(scheme: &[u8]) -> bool {
    scheme == b"digest"
}

/// Whether a name is that of the header which a scheme stands in.
pub(crate) fn is_authorization(name: &[u8]) -> bool {
    const AUTHORIZATION: &[u8; 13] = b"authorization";
    name.last_chunk()
        .is_some_and(|last: &[u8; AUTHORIZATION.len()]| last.eq_ignore_ascii_case(AUTHORIZATION))
}

/// What says of a cookie where and how long it is sent.
const ATTRIBUTES: &List = &List::of(&[
    "samesite", "path", "domain", "expires", "max-age", "priority",
]);

pub(crate) fn is_attribute(name: &[u8]) -> bool {
    ATTRIBUTES.has_ignoring_case(name)
}

/// The parameter that answers a challenge, and what shows that it does.
pub(crate) fn is_response(name: &[u8]) -> bool {
    name == b"response"
}

pub(crate) const CHALLENGES: [&[u8]; 2] = [b"Digest ", b"nonce="];

/// The parameter of a query that OpenWeather takes its key in.
pub(crate) fn is_key(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"appid")
}

/// The last words of names of parameters that let everyone in who has the address.
pub(crate) fn is_signature(last_word: &[u8]) -> bool {
    const { &List::of(&["signature", "sig", "hmac"]) }.has_ignoring_case(last_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_headers_are_known() {
        assert!(is_scheme(b"Bearer") && !is_scheme(b"secret"));
        assert!(is_response(b"response") && is_key(b"appId") && !is_key(b"id"));
        assert!(is_authorization(b"Proxy-Authorization") && !is_authorization(b"auth"));
        assert!(is_attribute(b"Max-Age") && !is_attribute(b"sid") && is_signature(b"Signature"));
    }

    #[test]
    fn a_scheme_is_no_part_of_what_follows_it() {
        assert_eq!(scheme_len(b"Bearer abc"), 7);
        assert_eq!(scheme_len(b"Bearer "), 0, "nothing follows");
        assert_eq!(scheme_len(b"bearers abc"), 0);
    }
}

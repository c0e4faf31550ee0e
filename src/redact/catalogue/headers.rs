//! Headers of HTTP and what stands in them: schemes, their parameters, attributes of cookies, signatures.

use crate::redact::catalogue::list::has_ignoring_case;

/// The schemes that credentials follow, in a header, a value or a text.
const SCHEMES: &[&str] = &[
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
];

pub(crate) fn is_scheme(word: &[u8]) -> bool {
    has_ignoring_case(SCHEMES, word)
}

/// What says of a cookie where and how long it is sent.
const ATTRIBUTES: &[&str] = &[
    "samesite", "path", "domain", "expires", "max-age", "priority",
];

pub(crate) fn is_attribute(name: &[u8]) -> bool {
    has_ignoring_case(ATTRIBUTES, name)
}

/// The last words of names of parameters that let everyone in who has the address.
pub(crate) fn is_signature(last_word: &[u8]) -> bool {
    has_ignoring_case(&["signature", "sig", "hmac"], last_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_headers_are_known() {
        assert!(is_scheme(b"Bearer") && !is_scheme(b"secret"));
        assert!(is_attribute(b"Max-Age") && !is_attribute(b"sid") && is_signature(b"Signature"));
    }
}

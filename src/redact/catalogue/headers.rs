//! Headers of HTTP and what stands in them: schemes, their parameters, attributes of cookies, signatures.

use crate::redact::catalogue::list::has_ignoring_case;
use crate::redact::read::bytes::has_word_at;

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

/// Those of them that nothing else is called.
pub(crate) fn is_sure_scheme(word: &[u8]) -> bool {
    has_ignoring_case(&["apikey", "api-key"], word)
}

/// Words that make the `token` behind them the name of what follows, and no scheme.
const TOKENS_OF: &[&str] = &[
    "auth", "api", "access", "refresh", "session", "secret", "bot", "my", "use", "the", "this",
    "new", "your", "created",
];

pub(crate) fn names_token(before: &[u8], word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"token") && has_ignoring_case(TOKENS_OF, before)
}

/// Schemes that parameters follow, some of which are credentials.
const PARAMETRIC: &[&str] = &["digest", "aws4-hmac", "oauth", "signature", "hawk"];

pub(crate) fn has_parameters(scheme: &[u8]) -> bool {
    PARAMETRIC
        .iter()
        .any(|known| has_word_at(scheme, 0, known.as_bytes()))
}

/// Parameters that are credentials.
const CREDENTIALS: &[&str] = &[
    "response",
    "nonce",
    "cnonce",
    "opaque",
    "signature",
    "oauth_signature",
    "oauth_token",
    "oauth_consumer_key",
    "oauth_nonce",
    "mac",
    "credential",
];

pub(crate) fn is_credential(parameter: &[u8]) -> bool {
    has_ignoring_case(CREDENTIALS, parameter)
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
        assert!(is_scheme(b"Bearer") && is_sure_scheme(b"ApiKey") && !is_sure_scheme(b"token"));
        assert!(names_token(b"My", b"Token") && !names_token(b"a", b"token"));
        assert!(has_parameters(b"AWS4-HMAC-SHA256") && !has_parameters(b"Bearer"));
        assert!(is_credential(b"cnonce") && !is_credential(b"realm"));
        assert!(is_attribute(b"Max-Age") && !is_attribute(b"sid") && is_signature(b"Signature"));
    }
}

//! Distinguishes callers, so that facts about one are never used for another.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::LazyLock;

use http::{HeaderName, HeaderValue, Uri, header};

use crate::event::Identity;

/// A keyed hash of what identifies a caller: neither a credential nor the user can be read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CallerKey(u64);

/// Whether a word in the name of a header says that it holds a credential, including the headers of proxies and gateways
/// in any case.
fn is_for_credential(word: &str) -> bool {
    matches!(
        word,
        "authorization"
            | "auth"
            | "cookie"
            | "token"
            | "apikey"
            | "key"
            | "secret"
            | "credential"
            | "credentials"
            | "password"
            | "jwt"
            | "assertion"
            | "cert"
            | "principal"
    )
}

/// Whether a word in the name of a header says for which tenant or in which role a request is made, or to which host.
fn is_for_scope(word: &str) -> bool {
    matches!(
        word,
        "host"
            | "tenant"
            | "tenantid"
            | "org"
            | "orgid"
            | "organization"
            | "organisation"
            | "account"
            | "accountid"
            | "workspace"
            | "workspaceid"
            | "project"
            | "projectid"
            | "customer"
            | "customerid"
            | "role"
            | "roles"
            | "realm"
    )
}

/// The endings of headers with such words that do not identify the caller: an idempotency key differs with each request,
/// and a handshake's key is random.
const PASSED_OVER: [&str; 2] = ["idempotency-key", "sec-websocket-key"];

/// The beginnings of the names of cookies that load balancers set, some with each answer: a replica is not a tenant.
const BALANCER_COOKIES: [&str; 5] = ["awsalb", "awselb", "gclb", "arraffinity", "__cf"];

impl CallerKey {
    /// The caller of a request over HTTP. If there is an identity, the credential does not count, because it is renewed while
    /// the user stays. `is_sensitive` knows more names of headers that hold a credential, `is_tenants` more that name a tenant.
    pub(crate) fn of_request<'h>(
        uri: &Uri,
        headers: impl IntoIterator<Item = (&'h HeaderName, &'h HeaderValue)>,
        identity: Option<&Identity<'_>>,
        is_sensitive: impl Fn(&str) -> bool,
        is_tenants: impl Fn(&str) -> bool,
    ) -> Self {
        let identity = named(identity);
        let mut marks = 0_u64;
        for (name, value) in headers {
            let name = name.as_str();
            // The protocol's own headers tell no caller from others, and come with each request.
            if name.starts_with("mcp-") && !is_tenants(name) {
                continue;
            }
            let holds_credential = || has_word(name, is_for_credential) || is_sensitive(name);
            let counts = has_word(name, is_for_scope) || identity.is_none() && holds_credential();
            let is_passed_over = PASSED_OVER.iter().any(|end| name.ends_with(end));
            if (!counts || is_passed_over) && !is_tenants(name) {
                continue;
            }
            // A sum, since the order of headers of different names says nothing.
            marks = marks.wrapping_add(if name == header::COOKIE.as_str() {
                cookies(value.as_bytes())
            } else {
                hash((name, value.as_bytes()))
            });
        }
        Self(hash((uri, marks, identity)))
    }

    /// The caller of a request over a connection of its own.
    #[cfg(any(feature = "rmcp", feature = "stdio"))]
    pub(crate) fn of_connection(id: &str, identity: Option<&Identity<'_>>) -> Self {
        Self(hash((id, named(identity))))
    }
}

/// The id of an identity and its kind, unless it is anonymous.
fn named<'i>(identity: Option<&'i Identity<'_>>) -> Option<(&'i str, &'i str)> {
    let identity = identity.filter(|identity| !identity.is_anonymous())?;
    Some((identity.id(), identity.id_type()))
}

fn has_word(name: &str, is_meant: impl Fn(&str) -> bool) -> bool {
    name.split(['-', '_']).any(is_meant)
}

fn cookies(header: &[u8]) -> u64 {
    let cookies = header.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let is_balancers = |cookie: &&[u8]| {
        BALANCER_COOKIES.iter().any(|name| {
            let start = cookie.get(..name.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        })
    };
    let hashes = cookies.filter(|cookie| !is_balancers(cookie)).map(hash);
    hashes.fold(0, u64::wrapping_add)
}

/// Hashes with the standard hasher: its keys cannot be guessed, and of what may be a credential nothing else is kept.
fn hash(of: impl Hash) -> u64 {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEYS.hash_one(of)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::redact::Redactor;

    fn key(
        uri: &'static str,
        headers: &[(&'static str, &str)],
        identity: Option<&str>,
    ) -> CallerKey {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let identity = identity.map(|id| Identity::new(id, "OPAQUE"));
        let redactor = Redactor::default();
        let uri = Uri::from_static(uri);
        let is_sensitive = |name: &str| redactor.denies_name(name);
        let is_tenants = |name: &str| name == "x-shop";
        CallerKey::of_request(&uri, &map, identity.as_ref(), is_sensitive, is_tenants)
    }

    #[test]
    fn a_credential_of_any_header_tells_callers_apart() {
        for name in [
            "authorization",
            "proxy-authorization",
            "cookie",
            "x-api-key",
            "api_key",
            "apikey",
            "x-auth-token",
            "x-access-token",
            "x-amz-security-token",
            "x-goog-iap-jwt-assertion",
            "x-amzn-oidc-accesstoken",
            "ocp-apim-subscription-key",
            "x-functions-key",
            "x-ms-client-principal",
            "x-forwarded-client-cert",
        ] {
            let [one, other] = ["a=1", "a=2"].map(|value| key("/", &[(name, value)], None));
            assert_ne!(one, other, "{name}");
            assert_ne!(one, key("/", &[], None), "{name}");
            let again = key("/", &[("accept", "*/*"), (name, "a=1")], None);
            assert_eq!(one, again, "{name}");
            let [one, other] = ["a=1", "a=2"].map(|value| key("/", &[(name, value)], Some("u")));
            assert_eq!(one, other, "beside an identity, {name}");
        }
    }

    #[test]
    fn a_tenant_a_role_or_a_host_tells_callers_apart_beside_an_identity_too() {
        for name in [
            "host",
            "x-forwarded-host",
            "x-tenant-id",
            "x-org-id",
            "x-role",
            "x-account-id",
            "x-shop",
        ] {
            for identity in [None, Some("u")] {
                let [one, other] = ["a", "b"].map(|value| key("/", &[(name, value)], identity));
                assert_ne!(one, other, "{name}");
            }
        }
        assert_ne!(key("/a", &[], None), key("/b", &[], None));
        assert_ne!(key("/?t=a", &[], None), key("/?t=b", &[], None));
        assert_ne!(key("/", &[], Some("u")), key("/", &[], Some("v")));
        assert_ne!(key("/", &[], Some("u")), key("/", &[], None));
    }

    #[test]
    fn what_varies_from_one_request_of_a_caller_to_the_next_does_not_count() {
        for (name, values) in [
            ("x-request-id", ["1", "2"]),
            ("idempotency-key", ["1", "2"]),
            ("x-idempotency-key", ["1", "2"]),
            ("traceparent", ["1", "2"]),
            ("mcp-session-id", ["1", "2"]),
            ("mcp-param-role", ["1", "2"]),
            ("content-length", ["1", "2"]),
            ("cookie", ["a=1; AWSALB=x; b=2", "b=2;AWSALBCORS=y;a=1"]),
        ] {
            let [one, other] = values.map(|value| key("/", &[(name, value)], None));
            assert_eq!(one, other, "{name}");
        }
        let both = [("x-api-key", "k"), ("x-tenant", "t")];
        let turned = [both[1], both[0]];
        assert_eq!(key("/", &both, None), key("/", &turned, None));
    }

    #[cfg(any(feature = "rmcp", feature = "stdio"))]
    #[test]
    fn a_connection_and_who_speaks_over_it_tell_callers_apart() {
        let user = Identity::new("u", "OPAQUE");
        let keys = [("a", None), ("b", None), ("a", Some(&user))];
        let [one, other, named] = keys.map(|(id, user)| CallerKey::of_connection(id, user));
        assert!(one != other && one != named);
        assert_eq!(
            one,
            CallerKey::of_connection("a", Some(&Identity::anonymous()))
        );
    }
}

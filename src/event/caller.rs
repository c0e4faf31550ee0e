//! Who makes a request: an identity, and which of its credentials.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use serde_json::Value;

use super::identity::Identity;

/// The user who makes a request, and optionally which credential was used.
///
/// An authentication layer puts it into the request's extensions, where the integrations find it; a plain [`Identity`] works,
/// too.
///
/// ```
/// use mcp_usage::{Caller, Identity};
///
/// # let token = "an-access-token";
/// let caller = Caller::new(Identity::email("rachel@example.com")).credential(token);
/// // request.extensions_mut().insert(caller);
/// ```
#[derive(Clone)]
pub struct Caller {
    identity: Identity<'static>,
    credential: Option<Fingerprint>,
    oauth_client_id: Option<String>,
    client_name: Option<String>,
    client_version: Option<String>,
    meta: Vec<(String, Value)>,
}

/// A hash of a credential, which does not reveal it: 64 bits, keyed at random by this process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

/// The keys of this process's hashes of credentials; they are secret.
static KEYS: std::sync::LazyLock<RandomState> = std::sync::LazyLock::new(RandomState::new);

impl Caller {
    /// Creates a caller for an identity.
    #[must_use]
    pub fn new(identity: Identity<'_>) -> Self {
        Self {
            identity: identity.into_owned(),
            credential: None,
            oauth_client_id: None,
            client_name: None,
            client_version: None,
            meta: Vec::new(),
        }
    }

    /// Sets the credential, such as an access token or a key's id. Each new one is reported as a login. Default: none; the
    /// session takes its place.
    ///
    /// Only a hash is kept, with a random key of this process, and none of it is sent.
    #[must_use]
    pub fn credential(mut self, credential: impl AsRef<[u8]>) -> Self {
        self.credential = Some(Fingerprint(KEYS.hash_one(credential.as_ref())));
        self
    }

    /// Sets the id of the OAuth client that the token was issued to, from its claim `client_id` or `azp`. Wire key
    /// `oauth_client_id` in `meta` of every event of the caller's requests. Default: none.
    #[must_use]
    pub fn oauth_client_id(mut self, id: impl Into<String>) -> Self {
        self.oauth_client_id = Some(id.into());
        self
    }

    /// Sets the client's name for itself, for requests that do not contain it. Wire key `client_name`. Default: none.
    ///
    /// With the protocol of 2025-11-25, a client sends its name only in `initialize`. A server without sessions does not
    /// know it at a later call, unless the authentication layer stores it with the credential and sets it here. A name in
    /// the request's `_meta` or in its session wins.
    #[must_use]
    pub fn client_name(mut self, name: impl Into<String>) -> Self {
        self.client_name = Some(name.into());
        self
    }

    /// Sets the client's version, as it goes with [`client_name`](Self::client_name). Wire key
    /// `client_version`. Default: none.
    #[must_use]
    pub fn client_version(mut self, version: impl Into<String>) -> Self {
        self.client_version = Some(version.into());
        self
    }

    /// Adds a key of your own to the `meta` of every event of the caller's requests, such as a project
    /// or a plan. It overrides the logger's `meta`, and an event's own key overrides it.
    ///
    /// ```
    /// use mcp_usage::{Caller, Identity};
    ///
    /// let caller = Caller::new(Identity::email("rachel@example.com")).meta("plan", "pro");
    /// ```
    #[must_use]
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.push((key.into(), value.into()));
        self
    }

    /// Returns the identity.
    #[must_use]
    pub const fn identity(&self) -> &Identity<'static> {
        &self.identity
    }

    /// The hash of the credential, if one was named.
    pub(crate) fn fingerprint(&self) -> Option<u64> {
        self.credential.map(|fingerprint| fingerprint.0)
    }

    pub(crate) fn client_id(&self) -> Option<&str> {
        self.oauth_client_id.as_deref()
    }

    /// The name and the version of the client, for requests that do not say them.
    pub(crate) fn client(&self) -> (Option<&str>, Option<&str>) {
        (self.client_name.as_deref(), self.client_version.as_deref())
    }

    pub(crate) fn own_meta(&self) -> &[(String, Value)] {
        &self.meta
    }
}

impl From<Identity<'_>> for Caller {
    fn from(identity: Identity<'_>) -> Self {
        Self::new(identity)
    }
}

/// Prints what [`Identity`] prints.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Caller").field(&self.identity).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_credentials_apart_and_debug_shows_none() {
        let rachel = || Caller::new(Identity::email("rachel@example.com"));
        assert_eq!(rachel().fingerprint(), None);
        let first = rachel().credential("key-1");
        assert!(first.fingerprint().is_some());
        assert_eq!(
            first.fingerprint(),
            rachel().credential("key-1").fingerprint()
        );
        assert_ne!(
            first.fingerprint(),
            rachel().credential("key-2").fingerprint()
        );
        let shown = format!("{:?}", first.meta("plan", "pro"));
        assert!(
            !shown.contains("rachel") && !shown.contains("key"),
            "{shown}"
        );
        assert!(!shown.contains("plan"), "{shown}");
    }
}

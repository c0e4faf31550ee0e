//! Logins: who a request's credentials stand for, and that each is reported once.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::core::Core;
use crate::event::{Custom, Event, IdentityCapture};
use crate::identity::{Identity, Names};
use crate::logger::{Outcome, UsageLogger};
use crate::random;
use crate::session::Session;
use crate::wire::Wire;

/// How long a login is remembered, after which the same one is reported again.
pub const LOGIN_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// Most logins remembered at a time; beyond it the oldest is forgotten, and reported again when it
/// comes back.
pub const MAX_LOGINS: usize = 10_000;

/// Who makes a request: an identity, and optionally which of its credentials.
///
/// An authentication layer puts one into the request's extensions, where the instrumented server
/// finds it; a plain [`Identity`] does as well.
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
    meta: Vec<(String, Value)>,
}

/// A credential cannot be told from it: hashed with keys that this process made up, and to 64 bits.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fingerprint(u64);

/// The keys of this process's hashes of credentials, which are secrets.
static KEYS: std::sync::LazyLock<RandomState> = std::sync::LazyLock::new(RandomState::new);

impl Caller {
    /// Creates a caller for an identity.
    #[must_use]
    pub fn new(identity: Identity<'_>) -> Self {
        Self {
            identity: identity.into_owned(),
            credential: None,
            meta: Vec::new(),
        }
    }

    /// Says which credential it was, such as an access token or a key's id: a login with another
    /// one is reported as a login of its own. Default: none; then a session stands for it.
    ///
    /// Only a hash is kept, keyed at random by this process, and nothing of it is sent.
    #[must_use]
    pub fn credential(mut self, credential: impl AsRef<[u8]>) -> Self {
        self.credential = Some(Fingerprint(KEYS.hash_one(credential.as_ref())));
        self
    }

    /// Adds a key of your own to `meta` of every event of the caller's requests, such as a project
    /// or a plan. It wins over the logger's `meta`, and an event's own wins over it.
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

    #[cfg(feature = "rmcp")]
    pub(crate) const fn names_credential(&self) -> bool {
        self.credential.is_some()
    }

    pub(crate) fn own_meta(&self) -> &[(String, Value)] {
        &self.meta
    }
}

/// Sets a caller's `meta` on an event, before any of the event's own.
macro_rules! with_meta {
    ($event:expr, $meta:expr) => {{
        let mut event = $event;
        for (key, value) in $meta {
            event = event.meta(key.as_str(), value);
        }
        event
    }};
}
#[cfg(feature = "tower")]
pub(crate) use with_meta;

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

/// Which login a request belongs to: who, with which credential, else in which session.
pub(crate) fn login_of(
    names: &Names,
    identity: &Identity<'_>,
    caller: Option<&Caller>,
    session_id: Option<&str>,
) -> u64 {
    let credential = caller.and_then(|caller| caller.credential);
    let session = session_id.filter(|_| credential.is_none());
    let identity = names.identity(Identity::from(identity));
    random::Keyed::default().hash_one((
        identity.id(),
        identity.id_type(),
        credential.map(|fingerprint| fingerprint.0),
        session,
    ))
}

/// The logins reported lately.
#[derive(Default)]
pub(crate) struct Logins(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    at: HashMap<u64, Instant, random::Keyed>,
    /// The same in their order, oldest first.
    order: VecDeque<(u64, Instant)>,
}

impl Seen {
    fn note(&mut self, login: u64, now: Instant) -> bool {
        if let Some(&at) = self.at.get(&login)
            && now.saturating_duration_since(at) < LOGIN_MEMORY
        {
            return false;
        }
        self.at.insert(login, now);
        self.order.push_back((login, now));
        self.forget(now);
        true
    }

    fn take_back(&mut self, login: u64) {
        self.at.remove(&login);
    }

    fn forget(&mut self, now: Instant) {
        while let Some(&(login, at)) = self.order.front() {
            if self.order.len() <= MAX_LOGINS && now.saturating_duration_since(at) < LOGIN_MEMORY {
                break;
            }
            self.order.pop_front();
            if self.at.get(&login) == Some(&at) {
                self.at.remove(&login);
            }
        }
    }
}

impl Logins {
    /// Notes a login unless it is known; `true` when it is new.
    fn note(&self, core: &Core, login: u64, now: Instant) -> bool {
        core.lock(&self.0)
            .is_some_and(|mut seen| seen.note(login, now))
    }

    /// Takes a note back: what it stood for was not queued.
    fn forget(&self, core: &Core, login: u64) {
        if let Some(mut seen) = core.lock(&self.0) {
            seen.take_back(login);
        }
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logins")
    }
}

impl UsageLogger {
    /// Reports a login unless the same one was reported in the last [`LOGIN_MEMORY`]: the same
    /// identity with the same credential, or in the same session where the caller names none.
    ///
    /// Returns `None` when it was reported before, or when the wire has no place for it, as
    /// mcpeye's. It is remembered once it is queued, so a full queue does not lose it for a day.
    ///
    /// ```
    /// # use mcp_usage::{Caller, Identity, Session, UsageLogger};
    /// # let usage = UsageLogger::disabled();
    /// let rachel = Caller::new(Identity::email("rachel@example.com")).credential("key-7");
    /// usage.log_login(&rachel, &Session::new().transport("http"));
    /// ```
    pub fn log_login(&self, caller: &Caller, session: &Session<'_>) -> Option<Outcome> {
        let config = &self.core()?.config;
        let names = &config.defaults.names;
        let session_id = session.get("session_id");
        let login = login_of(names, &caller.identity, Some(caller), session_id);
        let now = config.clock.now();
        self.log_once(login, now, || {
            let event = IdentityCapture::new(&caller.identity).session(session);
            with_meta!(event, caller.own_meta()).into()
        })
    }

    /// Logs the event of a login that is not known yet.
    pub(crate) fn log_once<'a>(
        &self,
        login: u64,
        now: Instant,
        event: impl FnOnce() -> Event<'a>,
    ) -> Option<Outcome> {
        let core = self.core()?;
        if matches!(core.config.wire, Wire::Mcpeye(_)) || !core.logins.note(core, login, now) {
            return None;
        }
        let outcome = self.log_usage(event());
        if outcome != Outcome::Queued {
            core.logins.forget(core, login);
        }
        Some(outcome)
    }
}

/// Why a login was refused. Wire key `reason` in `meta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthRejection {
    /// The request carried no credential.
    Missing,
    /// The credential could not be read.
    Malformed,
    /// The credential is known to nobody, or its signature is wrong.
    Invalid,
    /// The credential's time is up.
    Expired,
    /// The credential was withdrawn.
    Revoked,
    /// The credential is for another server.
    WrongAudience,
    /// The credential does not allow what was asked for.
    Forbidden,
    /// Too many attempts.
    RateLimited,
    /// Something else.
    Other,
}

impl AuthRejection {
    /// Returns the reason as it goes over the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.name()
    }

    const fn name(self) -> &'static &'static str {
        match self {
            Self::Missing => &"missing",
            Self::Malformed => &"malformed",
            Self::Invalid => &"invalid",
            Self::Expired => &"expired",
            Self::Revoked => &"revoked",
            Self::WrongAudience => &"wrong_audience",
            Self::Forbidden => &"forbidden",
            Self::RateLimited => &"rate_limited",
            Self::Other => &"other",
        }
    }
}

/// Says that a login was refused, by the class of reason and never by the token.
///
/// Reo: `MCP_AUTH_REJECTED`, about somebody anonymous unless an [`identity`](Self::identity) says
/// otherwise. The mcpeye wire has no place for it: there the event is dropped as
/// [`UnsupportedByWire`](crate::DropReason::UnsupportedByWire).
///
/// ```
/// # use mcp_usage::{AuthRejected, AuthRejection, UsageLogger};
/// # let usage = UsageLogger::disabled();
/// usage.log_usage(AuthRejected::new(AuthRejection::Expired).user_agent("claude-code/2.1"));
/// ```
#[derive(Debug)]
#[must_use = "an event does nothing until it is given to `log_usage`"]
pub struct AuthRejected<'a>(Custom<'a>);

impl<'a> AuthRejected<'a> {
    /// Creates the event.
    pub fn new(reason: AuthRejection) -> Self {
        let event = Custom::new("MCP_AUTH_REJECTED").identity(Identity::anonymous());
        Self(event.meta("reason", reason.name()))
    }

    /// Sets whom the refused credential names, where that is known and may be believed.
    pub fn identity(self, identity: impl Into<Identity<'a>>) -> Self {
        Self(self.0.identity(identity))
    }

    /// Sets what is known of the session.
    pub fn session(self, session: impl Into<Session<'a>>) -> Self {
        Self(self.0.session(session))
    }

    /// Adds a key of your own to `meta`, such as the step that refused. Never the credential.
    pub fn meta<T: serde::Serialize + Sync>(
        self,
        key: impl Into<std::borrow::Cow<'a, str>>,
        value: &'a T,
    ) -> Self {
        Self(self.0.meta(key, value))
    }

    /// Sets the user agent of the client. Wire key `user_agent`.
    pub fn user_agent(self, user_agent: impl Into<std::borrow::Cow<'a, str>>) -> Self {
        Self(self.0.user_agent(user_agent))
    }

    /// Sets the client's address. Wire key `ip_addr`.
    pub fn ip_addr(self, address: impl Into<std::borrow::Cow<'a, str>>) -> Self {
        Self(self.0.ip_addr(address))
    }
}

impl<'a> From<AuthRejected<'a>> for Event<'a> {
    fn from(event: AuthRejected<'a>) -> Self {
        event.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_new_once_a_day() {
        let mut seen = Seen::default();
        let start = Instant::now();
        assert!(seen.note(1, start));
        assert!(!seen.note(1, start + LOGIN_MEMORY - Duration::from_secs(1)));
        assert!(seen.note(2, start));
        assert!(seen.note(1, start + LOGIN_MEMORY));
        assert!(!seen.note(1, start + LOGIN_MEMORY));
    }

    #[test]
    fn a_login_that_was_not_queued_is_new_again() {
        let mut seen = Seen::default();
        let now = Instant::now();
        assert!(seen.note(1, now));
        seen.take_back(1);
        assert!(seen.note(1, now));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut seen = Seen::default();
        let now = Instant::now();
        for login in 0..MAX_LOGINS as u64 + 50 {
            assert!(seen.note(login, now));
        }
        assert_eq!(seen.at.len(), MAX_LOGINS);
        assert_eq!(seen.order.len(), MAX_LOGINS);
    }

    #[test]
    fn a_login_is_told_by_credential_else_by_session() {
        let rachel = Identity::email("rachel@example.com");
        let sam = Identity::email("sam@example.com");
        let first = Caller::new(rachel.clone()).credential("a");
        let second = Caller::new(rachel.clone()).credential("b");
        let names = Names::default();
        let login = |caller: Option<&Caller>, session| login_of(&names, &rachel, caller, session);
        assert_ne!(login(Some(&first), None), login(Some(&second), None));
        assert_eq!(
            login(Some(&first), Some("s1")),
            login(Some(&first), Some("s2"))
        );
        assert_ne!(login(None, Some("s1")), login(None, Some("s2")));
        assert_ne!(login(None, None), login_of(&names, &sam, None, None));
    }
}

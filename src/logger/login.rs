//! Logins: who a request's credentials stand for, and that each is reported once.

use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use crate::base::random;
use crate::event::{Caller, Event, Identity, IdentityCapture, Session};
use crate::ledger::Outcome;
use crate::logger::UsageLogger;
use crate::wire::Wire;
use crate::wire::naming::Names;

/// How long a login is remembered, after which the same one is reported again.
pub const LOGIN_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// Most logins remembered at a time; beyond it the oldest is forgotten, and reported again when it
/// comes back.
pub const MAX_LOGINS: usize = 10_000;

/// Which login a request belongs to: who, with which credential, else in which session.
pub(crate) fn login_of(
    names: &Names,
    identity: &Identity<'_>,
    caller: Option<&Caller>,
    session_id: Option<&str>,
) -> u64 {
    let credential = caller.and_then(Caller::fingerprint);
    let session = session_id.filter(|_| credential.is_none());
    let identity = names.identity(Identity::from(identity));
    random::Keyed::default().hash_one((identity.id(), identity.id_type(), credential, session))
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
        let login = login_of(names, caller.identity(), Some(caller), session_id);
        let now = config.clock.now();
        self.log_once(login, now, || {
            let mut event = IdentityCapture::new(caller.identity()).session(session);
            event.facts.add_meta(caller.own_meta());
            event.into()
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

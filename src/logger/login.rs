//! Logins: each is reported once.

use std::hash::BuildHasher;
use std::time::Instant;

use super::usage_logger::UsageLogger;
use crate::base::random;
use crate::event::{Caller, Event, Facts, Identity, IdentityCapture, Session};
use crate::ledger::Outcome;
use crate::wire::naming::IdentityPolicy;

/// The login that a request belongs to: the user, with the credential or else the session.
pub(crate) fn login_of(
    policy: &IdentityPolicy,
    identity: &Identity<'_>,
    caller: Option<&Caller>,
    session_id: Option<&str>,
) -> u64 {
    let credential = caller.and_then(Caller::fingerprint);
    let session = session_id.filter(|_| credential.is_none());
    let identity = policy.identity(Identity::from(identity));
    random::Keyed::default().hash_one((identity.id(), identity.id_type(), credential, session))
}

impl UsageLogger {
    /// Reports a login, unless the same login was reported in the last [`LOGIN_MEMORY`](crate::LOGIN_MEMORY): the same
    /// identity with the same credential or, if the caller names none, in the same session.
    ///
    /// Returns `None` if it was reported before, or if the wire has no place for logins, as the mcpeye wire. A login is
    /// remembered only once it is queued, so a full queue does not suppress it for a day.
    ///
    /// ```
    /// # use mcp_usage::{Caller, Identity, Session, UsageLogger};
    /// # let usage = UsageLogger::disabled();
    /// let rachel = Caller::new(Identity::email("rachel@example.com")).credential("key-7");
    /// usage.log_login(&rachel, &Session::new().transport("http"));
    /// ```
    pub fn log_login(&self, caller: &Caller, session: &Session<'_>) -> Option<Outcome> {
        self.log_login_from(caller, session, |_| {})
    }

    /// As [`log_login`](Self::log_login), with where the request comes from.
    #[cfg(any(feature = "stdio", feature = "tower"))]
    pub(crate) fn log_login_of(&self, caller: &Caller, request: &Facts<'_>) -> Option<Outcome> {
        self.log_login_from(caller, &request.session, |facts| {
            facts.ip_addr = request.ip_addr.as_deref().map(Into::into);
            facts.client_port = request.client_port;
        })
    }

    fn log_login_from<'a>(
        &self,
        caller: &'a Caller,
        session: &'a Session<'_>,
        add: impl FnOnce(&mut Facts<'a>),
    ) -> Option<Outcome> {
        let pipeline = &self.handle()?.pipeline;
        let policy = &pipeline.settings.defaults.identity_policy;
        let session_id = session.own_id();
        let login = login_of(policy, caller.identity(), Some(caller), session_id);
        let now = pipeline.clock().now();
        self.log_once(login, now, || {
            let mut event = IdentityCapture::new(caller.identity()).session(session);
            event.facts.add_meta(caller.own_meta());
            add(&mut event.facts);
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
        let handle = self.handle()?;
        if !handle.pipeline.takes_all_kinds() || !handle.logins.note(login, now) {
            return None;
        }
        let outcome = self.log_usage(event());
        if outcome != Outcome::Queued {
            handle.logins.take_back(login);
        }
        Some(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_told_by_credential_else_by_session() {
        let rachel = Identity::email("rachel@example.com");
        let sam = Identity::email("sam@example.com");
        let first = Caller::new(rachel.clone()).credential("a");
        let second = Caller::new(rachel.clone()).credential("b");
        let names = IdentityPolicy::default();
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

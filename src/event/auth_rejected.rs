//! A login that was refused.

use super::identity::Identity;
use super::kind::{Custom, Event};
use super::session::Session;

/// Why a login was refused. Wire key `reason` in `meta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthRejection {
    /// The request carried no credential.
    Missing,
    /// The credential could not be read.
    Malformed,
    /// The credential is unknown, or its signature is wrong.
    Invalid,
    /// The credential has expired.
    Expired,
    /// The credential was revoked.
    Revoked,
    /// The credential is for another server.
    WrongAudience,
    /// The credential does not allow the request.
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

    /// A reference to a constant, which [`Custom::meta`] can borrow for any time.
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

/// Records that a login was refused, with the class of the reason and without the token.
///
/// Reo: `MCP_AUTH_REJECTED` (PostHog: `mcp_usage_auth_rejected`), anonymous unless an [`identity`](Self::identity) is
/// set. The mcpeye wire has no place for it: there the event is dropped as
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

    /// Sets the user that the refused credential names, if that is known and can be trusted.
    pub fn identity(self, identity: impl Into<Identity<'a>>) -> Self {
        Self(self.0.identity(identity))
    }

    /// Sets what is known about the session.
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
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_refused_login_is_anonymous_unless_it_is_said_whose_it_was() {
        let event = || AuthRejected::new(AuthRejection::Expired);
        let id = |event: AuthRejected<'_>| {
            let identity = Event::from(event).facts.identity.unwrap();
            (identity.id().to_owned(), identity.is_anonymous())
        };
        assert!(id(event()).1);
        let named = event().identity(Identity::email("rachel@example.com"));
        assert_eq!(id(named), ("rachel@example.com".to_owned(), false));
    }

    #[test]
    fn the_reason_stands_in_front_of_keys_of_the_callers_own() {
        let event = AuthRejected::new(AuthRejection::Revoked).meta("step", &"lookup");
        let event = Event::from(event);
        assert_eq!(event.kind.activity_type(), "MCP_AUTH_REJECTED");
        let names: Vec<_> = event.facts.meta().iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["reason", "step"]);
    }

    #[test]
    fn each_reason_has_a_word_of_its_own() {
        let reasons = [
            AuthRejection::Missing,
            AuthRejection::Malformed,
            AuthRejection::Invalid,
            AuthRejection::Expired,
            AuthRejection::Revoked,
            AuthRejection::WrongAudience,
            AuthRejection::Forbidden,
            AuthRejection::RateLimited,
            AuthRejection::Other,
        ];
        let words: HashSet<_> = reasons.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), reasons.len());
        let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(words.iter().all(|word| word.chars().all(is_word)));
    }
}

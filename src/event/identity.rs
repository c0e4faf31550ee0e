//! Who made a call.

use std::borrow::Cow;
use std::fmt;

/// The user that an event is about: an id, its kind, and optionally an e-mail address.
///
/// The id and the address are sent unchanged, because they are the point of the event, or as pseudonyms
/// (`Builder::pseudonyms`). All other content of the event passes the redactor.
///
/// ```
/// use mcp_usage::Identity;
///
/// let by_email = Identity::email("rachel@example.com");
/// let opaque = Identity::new("u_8812", "INTERNAL").with_email("rachel@example.com");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Identity<'a> {
    pub(crate) id: Cow<'a, str>,
    pub(crate) id_type: Cow<'a, str>,
    pub(crate) email: Option<Cow<'a, str>>,
}

impl<'a> Identity<'a> {
    /// Identifies by an id of any kind. Wire keys `user_id` and `user_id_type` (`userId` on the
    /// mcpeye wire, which has no place for the kind).
    ///
    /// An empty id counts as missing.
    #[inline]
    pub fn new(id: impl Into<Cow<'a, str>>, id_type: impl Into<Cow<'a, str>>) -> Self {
        Self {
            id: id.into(),
            id_type: id_type.into(),
            email: None,
        }
    }

    /// Identifies by e-mail address: kind `EMAIL`.
    pub fn email(address: impl Into<Cow<'a, str>>) -> Self {
        Self::new(address, "EMAIL")
    }

    /// Identifies by the URL of a LinkedIn profile: kind `LINKEDIN`.
    pub fn linkedin(profile: impl Into<Cow<'a, str>>) -> Self {
        Self::new(profile, "LINKEDIN")
    }

    /// Identifies by a GitHub login: kind `GITHUB`.
    pub fn github(login: impl Into<Cow<'a, str>>) -> Self {
        Self::new(login, "GITHUB")
    }

    /// Creates the identity of an unknown user: kind `ANONYMOUS`.
    ///
    /// If the event has a session or conversation id, a hash of it becomes part of the id that is sent, so that anonymous
    /// users in different sessions stay distinct.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self {
            id: Cow::Borrowed(ANONYMOUS_ID),
            id_type: Cow::Borrowed("ANONYMOUS"),
            email: None,
        }
    }

    /// Adds an e-mail address beside an opaque id. Wire keys: mcpeye `userEmail`, OTLP `user.email`, PostHog `email` in
    /// `$set`. The Reo wires have no place for it.
    #[must_use]
    pub fn with_email(mut self, address: impl Into<Cow<'a, str>>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the kind of id.
    #[must_use]
    pub fn id_type(&self) -> &str {
        &self.id_type
    }

    /// Copies borrowed texts, so that the identity can outlive its source.
    #[must_use]
    pub fn into_owned(self) -> Identity<'static> {
        Identity {
            id: Cow::Owned(self.id.into_owned()),
            id_type: Cow::Owned(self.id_type.into_owned()),
            email: self.email.map(|email| Cow::Owned(email.into_owned())),
        }
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.id_type == "ANONYMOUS" && self.id == ANONYMOUS_ID
    }
}

const ANONYMOUS_ID: &str = "anonymous";

impl<'a> From<&'a Identity<'_>> for Identity<'a> {
    fn from(other: &'a Identity<'_>) -> Self {
        Self {
            id: Cow::Borrowed(&other.id),
            id_type: Cow::Borrowed(&other.id_type),
            email: other.email.as_deref().map(Cow::Borrowed),
        }
    }
}

/// Prints the kind of id alone: a log line should not name a person by accident.
impl fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("id_type", &self.id_type)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_anonymous_identity_is_anonymous() {
        assert!(Identity::anonymous().is_anonymous());
        for identity in [
            Identity::new("anonymous", "USER_ID"),
            Identity::new("u1", "ANONYMOUS"),
            Identity::email("anonymous"),
        ] {
            assert!(!identity.is_anonymous(), "{}", identity.id());
        }
    }

    #[test]
    fn a_log_line_names_nobody() {
        let identity = Identity::new("u_8812", "INTERNAL").with_email("rachel@example.com");
        let debug = format!("{identity:?}");
        assert_eq!(debug, "Identity { id_type: \"INTERNAL\", .. }");
    }
}

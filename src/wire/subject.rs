//! Who an event is about, as it is sent.

use std::borrow::Cow;

use super::defaults::Defaults;
use super::session_ids::SessionHash;
use crate::event::{Event, EventKind, Identity};

/// Returns the text, unless it is empty: an empty one counts as missing.
pub(crate) fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Returns who the event is about. A tool call or an init without an identity is anonymous; the
/// other kinds require one.
pub(crate) fn identity<'a>(event: &'a Event<'_>, defaults: &'a Defaults) -> Option<Identity<'a>> {
    let identity = event.facts.identity.as_ref().or(defaults.identity.as_ref());
    let named = match (identity, &event.kind) {
        (Some(identity), _) => {
            Some(Identity::from(identity)).filter(|i| !i.id.is_empty() && !i.id_type.is_empty())
        }
        (None, EventKind::ToolCall(_) | EventKind::Init(_)) => Some(Identity::anonymous()),
        (None, _) => None,
    };
    named.map(|identity| defaults.identity_policy.identity(identity))
}

/// Returns whom the event names, as the caller does, with the address that it has beside: `None` for an event of nobody.
pub(crate) fn named<'a>(event: &'a Event<'_>, defaults: &'a Defaults) -> Option<Identity<'a>> {
    let identity = event.facts.identity.as_ref().or(defaults.identity.as_ref());
    let is_named = |identity: &&Identity<'_>| !identity.is_anonymous() && !identity.id.is_empty();
    let own = event.facts.email.as_deref();
    let of_identity = || identity.and_then(|identity| identity.email.as_deref());
    let email = own.or_else(of_identity).and_then(present);
    match identity.filter(is_named) {
        Some(identity) => Some(Identity {
            email: email.map(Cow::Borrowed),
            ..Identity::from(identity)
        }),
        None => email.map(Identity::email),
    }
}

/// Returns the hash of the session that the event belongs to, or else of the conversation. `product`:
/// the event's own.
pub(crate) fn session_hash(
    event: &Event<'_>,
    defaults: &Defaults,
    product: Option<&str>,
) -> Option<SessionHash> {
    let id = event.facts.session.id(&defaults.session)?;
    Some(defaults.session_hasher.hash(id, product))
}

/// Returns the id that is sent. The anonymous id gets the hash of the session, so that anonymous
/// users of different sessions stay apart; the session id itself may be a credential.
pub(crate) fn user_id<'a>(identity: &'a Identity<'_>, session: Option<&'a SessionHash>) -> &'a str {
    match session {
        Some(session) if identity.is_anonymous() => session.anonymous_id(),
        _ => &identity.id,
    }
}

/// Returns the e-mail address of whom the event is about, as it is sent.
pub(crate) fn email<'a>(
    event: &'a Event<'_>,
    defaults: &'a Defaults,
    identity: &'a Identity<'_>,
) -> Option<Cow<'a, str>> {
    let borrowed = |text: &'a str| Cow::Borrowed(text);
    let own = event.facts.email.as_deref().map(borrowed);
    let own = own.map(|email| defaults.identity_policy.email(email));
    let of_identity = || identity.email.as_deref().map(borrowed);
    let id = || (identity.id_type == "EMAIL").then_some(borrowed(&identity.id));
    let email = own.or_else(of_identity).or_else(id);
    email.filter(|email| !email.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Custom, IdentityCapture, Init, Session, ToolCall};

    fn defaults(identity: Option<Identity<'static>>, session: Session<'static>) -> Defaults {
        Defaults {
            identity,
            session,
            ..Defaults::for_tests()
        }
    }

    fn sent(event: impl Into<Event<'static>>, defaults: &Defaults) -> Option<String> {
        let event = event.into();
        let identity = identity(&event, defaults)?;
        let session = session_hash(&event, defaults, None);
        Some(user_id(&identity, session.as_ref()).to_owned())
    }

    #[test]
    fn an_events_own_identity_wins_over_the_default() {
        let defaults = defaults(Some(Identity::new("d", "T")), Session::new());
        let call = ToolCall::new("t");
        assert_eq!(sent(call, &defaults).as_deref(), Some("d"));
        let call = ToolCall::new("t").identity(Identity::new("own", "T"));
        assert_eq!(sent(call, &defaults).as_deref(), Some("own"));
    }

    #[test]
    fn calls_and_inits_may_be_anonymous_and_the_others_may_not() {
        let defaults = defaults(None, Session::new());
        assert_eq!(
            sent(ToolCall::new("t"), &defaults).as_deref(),
            Some("anonymous")
        );
        assert_eq!(
            sent(Init::new(["t"]), &defaults).as_deref(),
            Some("anonymous")
        );
        assert_eq!(sent(Custom::new("C"), &defaults), None);
    }

    #[test]
    fn an_event_names_whom_it_is_about_with_the_address_that_it_has() {
        let opaque = || Identity::new("u1", "T").with_email("of-identity@example.com");
        let call = || ToolCall::new("t");
        let own = "own@example.com";
        for (call, default, expected) in [
            (call(), None, None),
            (call().identity(Identity::anonymous()), None, None),
            (call().identity(Identity::anonymous()), Some(opaque()), None),
            (call(), Some(opaque()), Some(opaque())),
            (call().identity(opaque()), None, Some(opaque())),
            (
                call().identity(opaque()).email(own),
                None,
                Some(Identity::new("u1", "T").with_email(own)),
            ),
            (call().email(own), None, Some(Identity::email(own))),
            (call().email(""), None, None),
            (call().identity(Identity::new("", "T")), None, None),
        ] {
            let (event, defaults) = (Event::from(call), defaults(default, Session::new()));
            assert!(named(&event, &defaults) == expected);
        }
    }

    #[test]
    fn an_identity_without_an_id_or_a_kind_is_missing() {
        let defaults = defaults(None, Session::new());
        for identity in [Identity::new("", "T"), Identity::new("u", "")] {
            assert_eq!(sent(IdentityCapture::new(identity), &defaults), None);
        }
    }

    #[test]
    fn anonymous_users_of_different_sessions_stay_apart() {
        let of = |id: &'static str| {
            let call = ToolCall::new("t").session_id(id);
            sent(call, &defaults(None, Session::new())).unwrap()
        };
        assert!(of("s-1").starts_with("anonymous-") && !of("s-1").contains("s-1"));
        assert_ne!(of("s-1"), of("s-2"));
        let of_all = defaults(None, Session::new().session_id("s-1"));
        assert_eq!(sent(ToolCall::new("t"), &of_all), Some(of("s-1")));
    }
}

//! Who an event is about, as it is sent.

use std::borrow::Cow;

use super::defaults::Defaults;
use crate::base::id;
use crate::event::{ANONYMOUS_ID, Event, Identity, Kind};

/// The text, unless it is empty: an empty one counts as missing.
pub(crate) fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Who the event is about. A call or an init of nobody's is anonymous; other kinds must say who.
pub(crate) fn identity<'a>(event: &'a Event<'_>, defaults: &'a Defaults) -> Option<Identity<'a>> {
    let identity = event.facts.identity.as_ref().or(defaults.identity.as_ref());
    let named = match (identity, &event.kind) {
        (Some(identity), _) => {
            Some(Identity::from(identity)).filter(|i| !i.id.is_empty() && !i.id_type.is_empty())
        }
        (None, Kind::ToolCall(_) | Kind::Init(_)) => Some(Identity::anonymous()),
        (None, _) => None,
    };
    named.map(|identity| defaults.names.identity(identity))
}

/// The id that is sent; strangers of different sessions stay apart. A session id may be a
/// credential, so its hash stands for it.
pub(crate) fn user_id<'a>(
    identity: &'a Identity<'_>,
    event: &Event<'_>,
    defaults: &Defaults,
) -> Cow<'a, str> {
    if identity.is_anonymous()
        && let Some(session) = event.facts.session.id(&defaults.session)
    {
        Cow::Owned(format!("{ANONYMOUS_ID}-{:016x}", id::stable_hash(session)))
    } else {
        Cow::Borrowed(&identity.id)
    }
}

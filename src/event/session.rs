//! What is known of the session a call belongs to.

use std::borrow::Cow;
use std::fmt;

use super::facts::facts;
use crate::capture::{WireKey, key};

macro_rules! session {
    (
        values $values:tt
        texts $texts:tt
        links $links:tt
        session { $($(#[$doc:meta])+ $fact:ident;)+ }
        meta_texts $meta_texts:tt
        meta_words $meta_words:tt
    ) => {
        /// The facts of a session; an empty one counts as absent.
        ///
        /// Create it once per session or request and give it to each event, or to the logger if
        /// the whole process is one session, as on stdio. The mcpeye wire has no place for these
        /// facts.
        ///
        /// ```
        /// use mcp_usage::{Session, ToolCall};
        ///
        /// let session = Session::new().client_name("claude-code").client_version("2.1.0");
        /// let call = ToolCall::new("search").session(&session);
        /// ```
        #[derive(Clone, Default, PartialEq, Eq)]
        #[must_use]
        pub struct Session<'a> {
            /// By [`FactIndex`]. An array is dropped in fewer instructions than as many fields, and each
            /// event has one to drop.
            facts: [Option<Cow<'a, str>>; SESSION_TEXTS],
        }

        /// How many facts a session has.
        pub(crate) const SESSION_TEXTS: usize = KEYS.len();

        /// The wire keys in `meta`, in the order of the facts.
        const KEYS: &[WireKey] = &[$(key!($fact)),+];

        /// The place of each fact in [`Session`].
        #[expect(non_camel_case_types, reason = "they are called as the facts are")]
        enum FactIndex {
            $($fact),+
        }

        impl<'a> Session<'a> {
            $(
                $(#[$doc])+
                #[doc = concat!("Wire key `", stringify!($fact), "` in `meta`.")]
                #[inline(always)]
                pub fn $fact(mut self, fact: impl Into<Cow<'a, str>>) -> Self {
                    if let Some(slot) = self.facts.get_mut(FactIndex::$fact as usize) {
                        *slot = Some(fact.into());
                    }
                    self
                }
            )+
        }
    };
}

facts!(session);

impl<'a> Session<'a> {
    /// Creates a session without any facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// The facts, in the order of the table.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Option<&str>> {
        self.facts.iter().map(Option::as_deref)
    }

    pub(crate) fn from_texts(texts: [Option<&'a str>; SESSION_TEXTS]) -> Self {
        Self {
            facts: texts.map(|text| text.map(Cow::Borrowed)),
        }
    }

    /// Copies borrowed texts, so that the session can outlive its source.
    pub fn into_owned(self) -> Session<'static> {
        let owned = |fact: Cow<'_, str>| Cow::Owned(fact.into_owned());
        Session {
            facts: self.facts.map(|fact| fact.map(owned)),
        }
    }

    /// A fact by its wire key.
    #[cfg(test)]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut facts = KEYS.iter().zip(self.texts());
        let (_, fact) = facts.find(|(key, _)| key.name() == name)?;
        nonempty(fact)
    }

    /// The facts beside the session's id that are known, with their wire keys: those of this session,
    /// else those of `otherwise`.
    pub(crate) fn known_beside_id<'s>(
        &'s self,
        otherwise: &'s Session<'_>,
    ) -> impl Iterator<Item = (WireKey, &'s str)> {
        // The table begins with the id.
        const BESIDE_ID: usize = FactIndex::session_id as usize + 1;
        let (_, keys) = KEYS.split_at(BESIDE_ID);
        let (_, facts) = self.facts.split_at(BESIDE_ID);
        let (_, others) = otherwise.facts.split_at(BESIDE_ID);
        let facts = keys.iter().zip(facts.iter().zip(others));
        facts.filter_map(|(&key, (fact, other))| {
            let other = || nonempty(other.as_deref());
            Some((key, nonempty(fact.as_deref()).or_else(other)?))
        })
    }

    /// The session's own id.
    pub(crate) fn own_id(&self) -> Option<&str> {
        self.fact(FactIndex::session_id)
    }

    /// The session's id: its own, else that of `otherwise`.
    pub(crate) fn session_id_or<'s>(&'s self, otherwise: &'s Session<'_>) -> Option<&'s str> {
        self.own_id().or_else(|| otherwise.own_id())
    }

    /// The id that distinguishes this session: that of the session, or else that of the conversation.
    pub(crate) fn id<'s>(&'s self, otherwise: &'s Session<'_>) -> Option<&'s str> {
        self.session_id_or(otherwise)
            .or_else(|| self.fact(FactIndex::conversation_id))
            .or_else(|| otherwise.fact(FactIndex::conversation_id))
    }

    fn fact(&self, place: FactIndex) -> Option<&str> {
        nonempty(self.facts.get(place as usize)?.as_deref())
    }
}

fn nonempty(fact: Option<&str>) -> Option<&str> {
    fact.filter(|fact| !fact.is_empty())
}

impl<'a> From<&'a Session<'_>> for Session<'a> {
    fn from(other: &'a Session<'_>) -> Self {
        Self::from_texts(other.facts.each_ref().map(Option::as_deref))
    }
}

/// Prints which facts are known, not what they are: a session id may be a credential.
impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = KEYS.iter().zip(self.texts());
        let known = known.filter(|(_, fact)| nonempty(*fact).is_some());
        let known = known.map(|(key, _)| key.name());
        f.write_str("Session")?;
        f.debug_set().entries(known).finish()
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setter_sets_the_fact_of_its_name() {
        let session = Session::new()
            .session_id("session_id")
            .conversation_id("conversation_id")
            .client_name("client_name")
            .client_version("client_version")
            .protocol_version("protocol_version")
            .transport("transport")
            .request_id("request_id")
            .vendor_client("vendor_client")
            .oauth_client_id("oauth_client_id")
            .server_name("server_name")
            .server_version("server_version");
        let none = Session::new();
        assert_eq!(session.session_id_or(&none), Some("session_id"));
        let known: Vec<_> = session.known_beside_id(&none).collect();
        assert_eq!(known.len(), SESSION_TEXTS - 1);
        assert!(
            known.iter().all(|(key, fact)| key.name() == *fact),
            "{known:?}"
        );
    }

    #[test]
    fn an_empty_fact_is_absent_and_an_absent_one_comes_from_the_other() {
        let session = Session::new().session_id("").transport("http");
        let other = Session::new().session_id("s").transport("stdio");
        assert_eq!(session.session_id_or(&other), Some("s"));
        let known = session.known_beside_id(&other);
        let known: Vec<_> = known.map(|(key, fact)| (key.name(), fact)).collect();
        assert_eq!(known, [("transport", "http")]);
    }
}

//! What is known of the session a call belongs to.

use std::borrow::Cow;
use std::fmt;

use crate::capture::{Key, key};

/// The facts of a session, each absent when it is empty.
///
/// Made once per session or request and given to each event, or to the logger when the whole
/// process is one session, as on stdio. The mcpeye wire has no place for them.
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
    facts: [Option<Cow<'a, str>>; SESSION_TEXTS],
}

/// How many facts there are.
pub(crate) const SESSION_TEXTS: usize = 7;

/// The wire keys in `meta`, in the order of the facts.
const NAMES: [&str; SESSION_TEXTS] = [
    "session_id",
    "conversation_id",
    "client_name",
    "client_version",
    "protocol_version",
    "transport",
    "request_id",
];

/// The same as they are written.
const KEYS: [Key; NAMES.len()] = [
    key!("session_id"),
    key!("conversation_id"),
    key!("client_name"),
    key!("client_version"),
    key!("protocol_version"),
    key!("transport"),
    key!("request_id"),
];

impl<'a> Session<'a> {
    /// Creates one of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Copies what is borrowed, so that the session can outlive its source.
    pub fn into_owned(self) -> Session<'static> {
        Session {
            facts: self
                .facts
                .map(|fact| fact.map(|fact| Cow::Owned(fact.into_owned()))),
        }
    }

    /// A fact by its wire key.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut facts = NAMES.iter().zip(&self.facts);
        let (_, fact) = facts.find(|(known, _)| **known == name)?;
        fact.as_deref().filter(|fact| !fact.is_empty())
    }

    /// The facts, in the order of their names.
    pub(crate) fn texts(&self) -> [Option<&str>; SESSION_TEXTS] {
        self.facts.each_ref().map(Option::as_deref)
    }

    pub(crate) fn from_texts(texts: [Option<&'a str>; SESSION_TEXTS]) -> Self {
        Self {
            facts: texts.map(|text| text.map(Cow::Borrowed)),
        }
    }

    /// The facts that are known, with their wire keys; what is not known here may be known there.
    pub(crate) fn known<'s>(
        &'s self,
        otherwise: &'s Session<'_>,
    ) -> impl Iterator<Item = (Key, &'s str)> {
        let facts = self.facts.iter().zip(&otherwise.facts);
        KEYS.into_iter()
            .zip(facts)
            .filter_map(|(key, (fact, other))| {
                let fact = fact.as_deref().filter(|fact| !fact.is_empty());
                let other = || other.as_deref().filter(|fact| !fact.is_empty());
                Some((key, fact.or_else(other)?))
            })
    }

    /// What tells this session from others, if that is known here or there.
    pub(crate) fn id<'s>(&'s self, otherwise: &'s Session<'_>) -> Option<&'s str> {
        let id = |name| self.get(name).or_else(|| otherwise.get(name));
        id("session_id").or_else(|| id("conversation_id"))
    }
}

impl<'a> From<&'a Session<'_>> for Session<'a> {
    fn from(other: &'a Session<'_>) -> Self {
        Self {
            facts: other
                .facts
                .each_ref()
                .map(|fact| fact.as_deref().map(Cow::Borrowed)),
        }
    }
}

/// Prints which facts are known, not what they are: a session id may be a credential.
impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = Session::default();
        let known = self.known(&none).map(|(key, _)| key.name());
        f.write_str("Session")?;
        f.debug_set().entries(known).finish()
    }
}

/// The setters of a session, in the order of [`NAMES`].
macro_rules! facts {
    ($($at:literal $setter:ident $what:literal;)+) => {
        impl<'a> Session<'a> {$(
            #[doc = concat!("Sets ", $what, ". Wire key `", stringify!($setter), "` in `meta`.")]
            #[inline(always)]
            pub fn $setter(mut self, fact: impl Into<Cow<'a, str>>) -> Self {
                if let Some(slot) = self.facts.get_mut($at) {
                    *slot = Some(fact.into());
                }
                self
            }
        )+}
    };
}

facts! {
    0 session_id "the MCP session";
    1 conversation_id "the conversation the agent is in";
    2 client_name "the MCP client's name";
    3 client_version "the MCP client's version";
    4 protocol_version "the MCP protocol version";
    5 transport "the transport, such as `stdio` or `http`";
    6 request_id "the JSON-RPC request id";
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
            .request_id("request_id");
        let none = Session::new();
        let known: Vec<_> = session.known(&none).collect();
        assert_eq!(known.len(), NAMES.len());
        assert!(
            known.iter().all(|(key, fact)| key.name() == *fact),
            "{known:?}"
        );
    }

    #[test]
    fn an_empty_fact_is_absent_and_an_absent_one_comes_from_the_other() {
        let session = Session::new().session_id("").transport("http");
        let other = Session::new().session_id("s").transport("stdio");
        let known = session.known(&other).map(|(key, fact)| (key.name(), fact));
        let known: Vec<_> = known.collect();
        assert_eq!(known, [("session_id", "s"), ("transport", "http")]);
    }
}

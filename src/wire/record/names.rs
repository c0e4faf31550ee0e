//! The names of members that formats ask for, in the order in which records have them, and the values under them.

use super::json::Json;

/// An enum of names, and a struct of the values under them, of which the first under each name counts.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident, $values:ident: $($variant:ident = $word:literal,)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $($variant,)+
        }

        impl $name {
            pub(super) const ALL: &[Self] = &[$(Self::$variant,)+];
            const WORDS: &[&'static str] = &[$($word,)+];

            /// The name that a word is. It is looked for from `next` on, so that names in their order are found at
            /// once; `next` is then the place behind it.
            #[inline]
            pub(super) fn find(word: &[u8], next: &mut usize) -> Option<Self> {
                let at = position(Self::WORDS, word, *next)?;
                *next = at + 1;
                Self::ALL.get(at).copied()
            }
        }

        #[doc = concat!("The values under each [`", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $values<'j>([Json<'j>; $name::ALL.len()]);

        // Not derived, since arrays of more than 32 have none.
        impl Default for $values<'_> {
            fn default() -> Self {
                Self([Json::ABSENT; $name::ALL.len()])
            }
        }

        impl<'j> $values<'j> {
            /// The value under a name.
            #[inline]
            pub(crate) fn get(&self, name: $name) -> Json<'j> {
                self.0.get(name as usize).copied().unwrap_or_default()
            }

            #[inline]
            pub(super) fn set(&mut self, name: $name, value: Json<'j>) {
                if let Some(place) = self.0.get_mut(name as usize) {
                    *place = place.or(value);
                }
            }
        }
    };
}

#[inline(always)]
fn position(words: &[&str], word: &[u8], from: usize) -> Option<usize> {
    let (before, behind) = words.split_at_checked(from)?;
    let is_it = |known: &&str| is_same(known.as_bytes(), word);
    let found = behind.iter().position(is_it).map(|at| from + at);
    found.or_else(|| before.iter().position(is_it))
}

/// Whether two short words are the same. A call of `memcmp` costs several times as much.
#[inline(always)]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        8..=16 => {
            one.first_chunk::<8>() == other.first_chunk::<8>()
                && one.last_chunk::<8>() == other.last_chunk::<8>()
        }
        4..8 => {
            one.first_chunk::<4>() == other.first_chunk::<4>()
                && one.last_chunk::<4>() == other.last_chunk::<4>()
        }
        _ => one == other,
    }
}

names! {
    /// The names of a record's own members.
    PayloadName, Payload:
    ActivityType = "activity_type",
    Source = "source",
    Environment = "environment",
    UserId = "user_id",
    UserIdType = "user_id_type",
    ProductId = "product_id",
    IpAddr = "ip_addr",
    Meta = "meta",
    EventId = "event_id",
    EventAt = "event_at",
    UserAgent = "user_agent",
    Head = "head",
}

names! {
    /// The names of members of `meta`.
    MetaName, MetaValues:
    Tool = "tool",
    DurationMs = "duration_ms",
    Outcome = "outcome",
    Error = "error",
    Prompt = "prompt",
    IntentSource = "intent_source",
    UnknownTool = "unknown_tool",
    MissingCapability = "missing_capability",
    RefusedArguments = "refused_arguments",
    InputRequestMethods = "input_request_methods",
    Tools = "tools",
    SessionId = "session_id",
    ConversationId = "conversation_id",
    ClientName = "client_name",
    ClientVersion = "client_version",
    ProtocolVersion = "protocol_version",
    Transport = "transport",
    RequestId = "request_id",
    VendorClient = "vendor_client",
    ServerName = "server_name",
    ServerVersion = "server_version",
    Traceparent = "traceparent",
    Era = "era",
    ClientClass = "client_class",
    Instance = "instance",
    Sequence = "sequence",
    PromptName = "prompt_name",
    ResourceUri = "resource_uri",
    ToolArguments = "tool_arguments",
    ToolArgumentKeys = "tool_argument_keys",
    ToolArgumentKeyCount = "tool_argument_key_count",
    Result = "result",
    Redactions = "redactions",
}

impl MetaName {
    pub(crate) fn as_str(self) -> &'static str {
        Self::WORDS.get(self as usize).copied().unwrap_or_default()
    }
}

names! {
    /// The names of members of a record's head.
    HeadName, Head:
    Start = "start",
    End = "end",
    Duration = "duration",
    Description = "description",
    Code = "code",
    Pseudonym = "pseudonym",
    Email = "email",
    Tracestate = "tracestate",
    Link = "link",
    LinkState = "link_state",
    HttpVersion = "http_version",
    ClientPort = "client_port",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_wherever_the_search_begins() {
        for name in MetaName::ALL {
            for from in 0..=MetaName::ALL.len() {
                let mut next = from;
                assert_eq!(
                    MetaName::find(name.as_str().as_bytes(), &mut next),
                    Some(*name)
                );
                assert_eq!(next, *name as usize + 1);
                let mut next = from;
                assert_eq!(MetaName::find(b"tool_", &mut next), None);
                assert_eq!(next, from);
            }
        }
    }
}

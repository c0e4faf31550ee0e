//! The kinds of events, in the words of the API.

use std::fmt;
use std::time::SystemTime;

use super::client::{ClientClass, Era};
use super::common::Facts;
use super::facts::{Text, facts};
use super::identity::Identity;
use super::listed_tool::{ListedTool, ToolDefinition};
use super::session::Session;
use super::tool_call::{Call, ToolCall};

/// An event of any kind, as [`log_usage`](crate::UsageLogger::log_usage) takes it.
///
/// Made from an [`IdentityCapture`], a [`ToolCall`], an [`Init`], a [`Custom`] or an
/// [`AuthRejected`](crate::AuthRejected).
pub struct Event<'a> {
    pub(crate) kind: EventKind<'a>,
    pub(crate) facts: Facts<'a>,
}

pub(crate) enum EventKind<'a> {
    IdentityCapture,
    ToolCall(Call<'a>),
    Init(Vec<ListedTool<'a>>),
    Custom(Text<'a>),
}

impl EventKind<'_> {
    /// The event's `activity_type` on the Reo wires.
    pub(crate) fn activity_type(&self) -> &str {
        match self {
            Self::IdentityCapture => "MCP_IDENTITY_CAPTURE",
            Self::ToolCall(_) => "MCP_TOOL_CALL",
            Self::Init(_) => "MCP_INIT",
            Self::Custom(activity_type) => activity_type,
        }
    }
}

/// Records a login: once, at login or at the first authenticated request.
///
/// Reo: `MCP_IDENTITY_CAPTURE`; PostHog: `$identify`. The mcpeye wire has no place for it: there the event is dropped as
/// [`UnsupportedByWire`](crate::DropReason::UnsupportedByWire).
#[must_use = "an event does nothing until it is given to `log_usage`"]
pub struct IdentityCapture<'a> {
    pub(crate) facts: Facts<'a>,
}

impl<'a> IdentityCapture<'a> {
    /// Creates the event for `identity`.
    pub fn new(identity: impl Into<Identity<'a>>) -> Self {
        Self {
            facts: Facts {
                identity: Some(identity.into()),
                ..Facts::default()
            },
        }
    }
}

/// Records which tools a server offers: once, when it starts or first lists them.
///
/// Reo: `MCP_INIT`; PostHog: `$mcp_tools_list`. The mcpeye wire has no place for it: there the event is dropped as
/// [`UnsupportedByWire`](crate::DropReason::UnsupportedByWire).
#[must_use = "an event does nothing until it is given to `log_usage`"]
pub struct Init<'a> {
    tools: Vec<ListedTool<'a>>,
    pub(crate) facts: Facts<'a>,
}

impl<'a> Init<'a> {
    /// Creates the event for the names of the tools. Wire keys `tools` (the first
    /// [`MAX_TOOLS`](crate::limits::MAX_TOOLS)), `tool_count` and, when more were given,
    /// `tools_truncated`. The names are not redacted.
    pub fn new<T: Into<Text<'a>>>(tools: impl IntoIterator<Item = T>) -> Self {
        Self {
            tools: tools.into_iter().map(ListedTool::named).collect(),
            facts: Facts::default(),
        }
    }

    /// Adds the definition of a tool, as the server lists it: its name, description and schemas. Wire key
    /// `tool_definitions`: for each tool its name as `tool`, the length of its definition as JSON in `bytes`, and a
    /// `hash` of 16 hexadecimal digits that changes with the definition. The definition itself is not sent. The integrations
    /// read it from each listing.
    ///
    /// A definition is left out if its tool is not among the names, or if it cannot be serialized.
    ///
    /// ```
    /// # use mcp_usage::{Init, UsageLogger};
    /// # let usage = UsageLogger::disabled();
    /// let search = serde_json::json!({"name": "search", "inputSchema": {"type": "object"}});
    /// usage.log_usage(Init::new(["search"]).definition("search", &search));
    /// ```
    pub fn definition<T: serde::Serialize>(mut self, tool: &str, definition: &T) -> Self {
        if let Some(tool) = self.tools.iter_mut().find(|listed| listed.name == tool) {
            tool.definition = ToolDefinition::of(definition);
        }
        self
    }
}

/// An event of a kind of your own, such as `LOGIN_ACTIVITY`.
///
/// The mcpeye wire has no place for it: there the event is dropped as
/// [`UnsupportedByWire`](crate::DropReason::UnsupportedByWire).
#[must_use = "an event does nothing until it is given to `log_usage`"]
pub struct Custom<'a> {
    activity_type: Text<'a>,
    pub(crate) facts: Facts<'a>,
}

impl<'a> Custom<'a> {
    /// Creates the event. Wire key `activity_type`; an empty one is dropped as
    /// [`MissingField`](crate::DropReason::MissingField).
    pub fn new(activity_type: impl Into<Text<'a>>) -> Self {
        Self {
            activity_type: activity_type.into(),
            facts: Facts::default(),
        }
    }
}

/// The setters that every kind of event has. They are always inlined, and write the field itself:
/// otherwise an event, 608 bytes, is copied on the way (50 ns for seven setters instead of 11).
macro_rules! setters {
    (
        $kind:ident
        values { $($(#[$value_doc:meta])+ $value:ident($value_param:ident: $value_type:ty);)+ }
        texts { $($(#[$text_doc:meta])+ $text:ident($text_param:ident);)+ }
        links { $($(#[$link_doc:meta])+ $link:ident($link_param:ident);)+ }
        session { $($(#[$session_doc:meta])+ $session:ident;)+ }
        meta_texts { $($(#[$meta_doc:meta])+ $meta_text:ident($meta_param:ident);)+ }
        meta_words { $($(#[$word_doc:meta])+ $word:ident($word_param:ident: $word_type:ty);)+ }
    ) => {
        impl<'a> $kind<'a> {
            $(
                $(#[$value_doc])+
                #[inline(always)]
                pub const fn $value(mut self, $value_param: $value_type) -> Self {
                    self.facts.$value = Some($value_param);
                    self
                }
            )+

            /// Sets the user. Default: the logger's identity.
            #[inline(always)]
            pub fn identity(mut self, identity: impl Into<Identity<'a>>) -> Self {
                self.facts.identity = Some(identity.into());
                self
            }

            $(
                $(#[$text_doc])+
                #[inline(always)]
                pub fn $text(mut self, $text_param: impl Into<Text<'a>>) -> Self {
                    self.facts.$text = Some($text_param.into());
                    self
                }
            )+

            $(
                $(#[$link_doc])+
                #[inline(always)]
                pub fn $link(mut self, $link_param: impl Into<Text<'a>>) -> Self {
                    self.facts.links.get_or_insert_default().$link = Some($link_param.into());
                    self
                }
            )+

            /// Sets everything that is known about the session; replaces what was set before.
            /// Default: each fact of the logger's session.
            #[inline(always)]
            pub fn session(mut self, session: impl Into<Session<'a>>) -> Self {
                self.facts.session = session.into();
                self
            }

            $(
                $(#[$session_doc])+
                #[doc = concat!("Wire key `", stringify!($session), "` in `meta`.")]
                #[inline(always)]
                pub fn $session(mut self, fact: impl Into<Text<'a>>) -> Self {
                    self.facts.session = self.facts.session.$session(fact);
                    self
                }
            )+

            $(
                $(#[$word_doc])+
                #[doc = concat!("Wire key `", stringify!($word), "` in `meta`.")]
                #[inline(always)]
                pub const fn $word(mut self, $word_param: $word_type) -> Self {
                    self.facts.$word = Some($word_param);
                    self
                }
            )+

            $(
                $(#[$meta_doc])+
                #[doc = concat!("Wire key `", stringify!($meta_text), "` in `meta`.")]
                #[inline(always)]
                pub fn $meta_text(mut self, $meta_param: impl Into<Text<'a>>) -> Self {
                    self.facts.$meta_text = Some($meta_param.into());
                    self
                }
            )+

            /// Adds a key of your own to `meta`. It overrides the logger's `meta`, but never a
            /// key that this crate writes. The mcpeye wire has no place for it.
            #[inline(always)]
            pub fn meta<T: serde::Serialize + Sync>(
                mut self,
                key: impl Into<Text<'a>>,
                value: &'a T,
            ) -> Self {
                self.facts.meta.get_or_insert_default().push((key.into(), value));
                self
            }
        }
    };
}

facts!(setters IdentityCapture);
facts!(setters ToolCall);
facts!(setters Init);
facts!(setters Custom);

impl<'a> From<IdentityCapture<'a>> for Event<'a> {
    fn from(event: IdentityCapture<'a>) -> Self {
        Self {
            kind: EventKind::IdentityCapture,
            facts: event.facts,
        }
    }
}

impl<'a> From<Init<'a>> for Event<'a> {
    fn from(event: Init<'a>) -> Self {
        Self {
            kind: EventKind::Init(event.tools),
            facts: event.facts,
        }
    }
}

impl<'a> From<Custom<'a>> for Event<'a> {
    fn from(event: Custom<'a>) -> Self {
        Self {
            kind: EventKind::Custom(event.activity_type),
            facts: event.facts,
        }
    }
}

/// Prints only names, never content: events hold what users typed.
macro_rules! debug_without_content {
    ($($kind:ident: |$event:ident| $name:expr),+ $(,)?) => {$(
        impl fmt::Debug for $kind<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $event = self;
                f.debug_tuple(stringify!($kind)).field(&$name).finish()
            }
        }
    )+};
}

debug_without_content! {
    Event: |event| event.kind.activity_type(),
    IdentityCapture: |event| event.facts.identity,
    ToolCall: |event| event.call.tool,
    Init: |event| event.tools.len(),
    Custom: |event| event.activity_type,
}

impl<'a> From<ToolCall<'a>> for Event<'a> {
    #[inline(always)]
    fn from(event: ToolCall<'a>) -> Self {
        Self {
            kind: EventKind::ToolCall(event.call),
            facts: event.facts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_replaces_what_was_said_before_and_later_facts_add_to_it() {
        let event = Init::new(["search"])
            .session_id("first")
            .client_name("first")
            .session(Session::new().session_id("second").transport("http"))
            .request_id("7");
        let expected = Session::new()
            .session_id("second")
            .transport("http")
            .request_id("7");
        assert!(event.facts.session == expected, "{:?}", event.facts.session);
    }

    #[test]
    fn a_value_set_again_replaces_the_first_but_keys_of_meta_add_up() {
        let event = Custom::new("LOGIN_ACTIVITY")
            .user_agent("first")
            .user_agent("second")
            .identity(Identity::email("first@example.com"))
            .identity(Identity::email("second@example.com"))
            .meta("step", &1)
            .meta("step", &2);
        let facts = event.facts;
        assert_eq!(facts.user_agent.as_deref(), Some("second"));
        assert_eq!(facts.identity.as_ref().unwrap().id(), "second@example.com");
        assert_eq!(facts.meta().len(), 2);
    }
}

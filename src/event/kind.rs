//! The kinds of events, in the words of the API.

use std::fmt;
use std::time::SystemTime;

use super::client::{ClientClass, Era};
use super::facts::{Facts, Text};
use super::identity::Identity;
use super::session::Session;
use super::tool_call::{Call, ToolCall};

/// An event of any kind, as [`log_usage`](crate::UsageLogger::log_usage) takes it.
///
/// Made from an [`IdentityCapture`], a [`ToolCall`], an [`Init`] or a [`Custom`].
pub struct Event<'a> {
    pub(crate) kind: Kind<'a>,
    pub(crate) facts: Facts<'a>,
}

pub(crate) enum Kind<'a> {
    IdentityCapture,
    ToolCall(Call<'a>),
    Init(Vec<Text<'a>>),
    Custom(Text<'a>),
}

impl Kind<'_> {
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

/// Says who has logged in: once, at login or at the first authenticated request.
///
/// Reo: `MCP_IDENTITY_CAPTURE`. The mcpeye wire has no place for it: there the event is dropped as
/// [`UnsupportedByWire`](crate::DropReason::UnsupportedByWire).
#[must_use = "an event does nothing until it is given to `log_usage`"]
pub struct IdentityCapture<'a> {
    facts: Facts<'a>,
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

/// Says which tools a server offers: once, when it starts or first lists them.
///
/// Reo: `MCP_INIT`. The mcpeye wire has no place for it: there the event is dropped as
/// [`UnsupportedByWire`](crate::DropReason::UnsupportedByWire).
#[must_use = "an event does nothing until it is given to `log_usage`"]
pub struct Init<'a> {
    tools: Vec<Text<'a>>,
    facts: Facts<'a>,
}

impl<'a> Init<'a> {
    /// Creates the event for the names of the tools. Wire keys `tools` (the first
    /// [`MAX_TOOLS`](crate::limits::MAX_TOOLS)), `tool_count` and, when more were given,
    /// `tools_truncated`.
    pub fn new<T: Into<Text<'a>>>(tools: impl IntoIterator<Item = T>) -> Self {
        Self {
            tools: tools.into_iter().map(Into::into).collect(),
            facts: Facts::default(),
        }
    }
}

/// An event of a kind of your own, such as `LOGIN_ACTIVITY`.
///
/// The mcpeye wire has no place for it: there the event is dropped as
/// [`UnsupportedByWire`](crate::DropReason::UnsupportedByWire).
#[must_use = "an event does nothing until it is given to `log_usage`"]
pub struct Custom<'a> {
    activity_type: Text<'a>,
    facts: Facts<'a>,
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

/// The setters that every kind of event has. Like those of a tool call they are always inlined, and
/// what they replace is dropped without a call: otherwise an event, 608 bytes, is copied on the way
/// (50 ns for seven setters instead of 11).
macro_rules! common_setters {
    ($($kind:ident),+) => {$(
        impl<'a> $kind<'a> {
            /// Sets the id. Wire key `event_id`; on mcpeye `callId`, a UUID made from it.
            ///
            /// Default: one that is unique across threads, restarts and replicas. Give your own
            /// to have the same event recognised when it is sent twice.
            #[inline(always)]
            pub const fn event_id(mut self, id: i64) -> Self {
                self.facts.event_id = Some(id);
                self
            }

            /// Sets when it happened. Wire key `event_at`: Unix seconds (`timestamp`, Unix
            /// milliseconds, on mcpeye). Default: now.
            #[inline(always)]
            pub const fn event_at(mut self, at: SystemTime) -> Self {
                self.facts.event_at = Some(at);
                self
            }

            /// Sets who it was. Default: the logger's identity.
            #[inline(always)]
            pub fn identity(mut self, identity: impl Into<Identity<'a>>) -> Self {
                self.facts.identity = Some(identity.into());
                self
            }

            /// Sets an e-mail address beside an opaque id. Wire key `userEmail`; only the mcpeye
            /// wire has a place for it.
            #[inline(always)]
            pub fn email(mut self, address: impl Into<Text<'a>>) -> Self {
                self.facts.email = Some(address.into());
                self
            }

            /// Sets the product. Wire key `product_id`, required on the Reo wires. Default: the
            /// logger's.
            #[inline(always)]
            pub fn product_id(mut self, id: impl Into<Text<'a>>) -> Self {
                self.facts.product_id = Some(id.into());
                self
            }

            /// Sets the source. Wire key `source`. Default: the logger's.
            #[inline(always)]
            pub fn source(mut self, source: impl Into<Text<'a>>) -> Self {
                self.facts.source = Some(source.into());
                self
            }

            /// Sets the environment. Wire key `environment`. Default: the logger's.
            #[inline(always)]
            pub fn environment(mut self, environment: impl Into<Text<'a>>) -> Self {
                self.facts.environment = Some(environment.into());
                self
            }

            /// Sets the user agent of the client. Wire key `user_agent`. Default: the logger's.
            #[inline(always)]
            pub fn user_agent(mut self, user_agent: impl Into<Text<'a>>) -> Self {
                self.facts.user_agent = Some(user_agent.into());
                self
            }

            /// Sets the client's address. Wire key `ip_addr`. Default: the logger's, else absent.
            #[inline(always)]
            pub fn ip_addr(mut self, address: impl Into<Text<'a>>) -> Self {
                self.facts.ip_addr = Some(address.into());
                self
            }

            /// Sets all that is known of the session; replaces what was set before. Default: the
            /// logger's, fact by fact.
            #[inline(always)]
            pub fn session(mut self, session: impl Into<Session<'a>>) -> Self {
                self.facts.session = session.into();
                self
            }

            /// Sets the MCP session. Wire key `session_id` in `meta`.
            #[inline(always)]
            pub fn session_id(mut self, fact: impl Into<Text<'a>>) -> Self {
                self.facts.session = self.facts.session.session_id(fact);
                self
            }

            /// Sets the conversation the agent is in. Wire key `conversation_id` in `meta`.
            #[inline(always)]
            pub fn conversation_id(mut self, fact: impl Into<Text<'a>>) -> Self {
                self.facts.session = self.facts.session.conversation_id(fact);
                self
            }

            /// Sets the MCP client's name. Wire key `client_name` in `meta`.
            #[inline(always)]
            pub fn client_name(mut self, fact: impl Into<Text<'a>>) -> Self {
                self.facts.session = self.facts.session.client_name(fact);
                self
            }

            /// Sets the MCP client's version. Wire key `client_version` in `meta`.
            #[inline(always)]
            pub fn client_version(mut self, fact: impl Into<Text<'a>>) -> Self {
                self.facts.session = self.facts.session.client_version(fact);
                self
            }

            /// Sets the MCP protocol version. Wire key `protocol_version` in `meta`.
            #[inline(always)]
            pub fn protocol_version(mut self, fact: impl Into<Text<'a>>) -> Self {
                self.facts.session = self.facts.session.protocol_version(fact);
                self
            }

            /// Sets the transport, such as `stdio` or `http`. Wire key `transport` in `meta`.
            #[inline(always)]
            pub fn transport(mut self, fact: impl Into<Text<'a>>) -> Self {
                self.facts.session = self.facts.session.transport(fact);
                self
            }

            /// Sets the JSON-RPC request id. Wire key `request_id` in `meta`.
            #[inline(always)]
            pub fn request_id(mut self, fact: impl Into<Text<'a>>) -> Self {
                self.facts.session = self.facts.session.request_id(fact);
                self
            }

            /// Sets which of MCP's two lifecycles the request belongs to. Wire key `era` in `meta`.
            #[inline(always)]
            pub const fn era(mut self, era: Era) -> Self {
                self.facts.era = Some(era);
                self
            }

            /// Sets what kind of client it was. Wire key `client_class` in `meta`.
            #[inline(always)]
            pub const fn client_class(mut self, class: ClientClass) -> Self {
                self.facts.client_class = Some(class);
                self
            }

            /// Sets the W3C trace context of the request. Wire key `traceparent` in `meta`.
            #[inline(always)]
            pub fn traceparent(mut self, traceparent: impl Into<Text<'a>>) -> Self {
                self.facts.traceparent = Some(traceparent.into());
                self
            }

            /// Adds a key of your own to `meta`. It wins over the logger's `meta`, and never
            /// replaces a key this crate writes. The mcpeye wire has no place for it.
            #[inline(always)]
            pub fn meta<T: serde::Serialize + Sync>(mut self, key: impl Into<Text<'a>>, value: &'a T) -> Self {
                self.facts.meta.push((key.into(), value));
                self
            }
        }
    )+};
}

common_setters!(IdentityCapture, ToolCall, Init, Custom);

impl<'a> From<IdentityCapture<'a>> for Event<'a> {
    fn from(event: IdentityCapture<'a>) -> Self {
        Self {
            kind: Kind::IdentityCapture,
            facts: event.facts,
        }
    }
}

impl<'a> From<Init<'a>> for Event<'a> {
    fn from(event: Init<'a>) -> Self {
        Self {
            kind: Kind::Init(event.tools),
            facts: event.facts,
        }
    }
}

impl<'a> From<Custom<'a>> for Event<'a> {
    fn from(event: Custom<'a>) -> Self {
        Self {
            kind: Kind::Custom(event.activity_type),
            facts: event.facts,
        }
    }
}

/// Prints names alone, never content: events hold what users typed.
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
            kind: Kind::ToolCall(event.call),
            facts: event.facts,
        }
    }
}

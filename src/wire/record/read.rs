//! A record as a format reads it.

use std::borrow::Cow;

use super::members::Members;
use super::rules::HEAD;
use crate::event::PLAUSIBLE_MILLIS;
use crate::wire::reo;

/// The members of `meta` that a request for a prompt or a resource has beside those of every event.
const REQUEST_NAMES: [&str; 5] = [
    "duration_ms",
    "error",
    "outcome",
    "prompt_name",
    "resource_uri",
];

/// What an event says happened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ToolCall,
    PromptGet,
    ResourceRead,
    Init,
    /// A login, a refused login, or whatever the host reports.
    Other,
}

impl Kind {
    fn of(activity: &str, meta: &Members<'_>) -> Self {
        let names = |name| meta.text(name).is_some_and(|text| !text.is_empty());
        match activity {
            // The host may report its own events by these words, and `before_send` takes a name out.
            "MCP_TOOL_CALL" if names("tool") => Self::ToolCall,
            "MCP_PROMPT_GET" if names("prompt_name") => Self::PromptGet,
            "MCP_RESOURCE_READ" if names("resource_uri") => Self::ResourceRead,
            "MCP_INIT" => Self::Init,
            _ => Self::Other,
        }
    }

    /// The method of a request.
    pub(crate) const fn method(self) -> Option<&'static str> {
        match self {
            Self::ToolCall => Some("tools/call"),
            Self::PromptGet => Some("prompts/get"),
            Self::ResourceRead => Some("resources/read"),
            Self::Init | Self::Other => None,
        }
    }

    /// Whether a name in `meta` is ours in an event of this kind, and none of the caller's.
    pub(crate) fn is_own_name(self, name: &str) -> bool {
        match self {
            Self::ToolCall | Self::Init => reo::is_own_name(name),
            Self::PromptGet | Self::ResourceRead => {
                reo::is_common_name(name) || REQUEST_NAMES.contains(&name)
            }
            Self::Other => reo::is_common_name(name),
        }
    }
}

/// An event, read from its record.
pub(crate) struct Record<'e> {
    pub(crate) activity: Cow<'e, str>,
    pub(crate) kind: Kind,
    pub(crate) event: Members<'e>,
    pub(crate) meta: Members<'e>,
    pub(crate) head: Members<'e>,
    /// How a request ended, as one of [`CallOutcome`](crate::event::CallOutcome)'s words.
    pub(crate) outcome: Option<Cow<'e, str>>,
    /// What a request failed with, if that is not empty.
    pub(crate) error: Option<Cow<'e, str>>,
}

impl<'e> Record<'e> {
    pub(crate) fn read(event: &'e str) -> Self {
        let event = Members::read(event);
        let activity = event.text("activity_type").unwrap_or_default();
        let (meta, head) = (event.object("meta"), event.object(HEAD));
        let kind = Kind::of(&activity, &meta);
        let of_request = |name| meta.text(name).filter(|_| kind.method().is_some());
        Self {
            outcome: of_request("outcome"),
            error: of_request("error").filter(|error| !error.is_empty()),
            activity,
            kind,
            event,
            meta,
            head,
        }
    }

    /// The JSON-RPC code that the request was answered with.
    pub(crate) fn code(&self) -> Option<i64> {
        self.head.integer("code")
    }

    /// Start and end in nanoseconds since 1970.
    pub(crate) fn times(&self) -> [u64; 2] {
        const MILLISECOND: f64 = 1_000_000.0;
        const SECOND: u64 = 1_000_000_000;
        let in_meta = || Some(self.meta.get("duration_ms")?.parse::<f64>().ok()? * MILLISECOND);
        let duration = match (self.kind.method(), self.head.integer("duration")) {
            (None, _) => 0,
            (_, Some(duration)) => duration,
            // A double that is negative or no number becomes 0.
            (_, None) => in_meta().unwrap_or_default() as u64,
        };
        // No receiver takes a call for one that began before there were any, however long it took.
        let [first, last] = [PLAUSIBLE_MILLIS.start(), PLAUSIBLE_MILLIS.end()]
            .map(|millis| (*millis as u64).saturating_mul(MILLISECOND as u64));
        if let Some(end) = self.head.integer::<u64>("end") {
            let start = end.saturating_sub(duration);
            return [start.max(first).min(end), end];
        }
        let seconds = self.event.integer::<u64>("event_at").unwrap_or_default();
        let start = self.head.integer("start");
        let start = start.unwrap_or_else(|| seconds.saturating_mul(SECOND));
        let end = start.saturating_add(duration);
        [start, end.min(last).max(start)]
    }
}
